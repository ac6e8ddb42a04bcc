/* paths.c - from where the user stands to the top folder. */
#include "app/paths.h"

#include "base/buf.h"
#include "base/mem.h"
#include "domain/repo.h"

#include <string.h>

/* "." and ".." are taken out, "" is the top folder. The caller frees. */
static char *plain(const char *path)
{
	struct br_buf out = {0};

	for (const char *p = path; *p;) {
		size_t n = strcspn(p, "/");

		if (n == 2 && strncmp(p, "..", 2) == 0) {
			char *slash = out.len ? strrchr(out.data, '/') : NULL;

			out.len = slash ? (size_t)(slash - out.data) : 0;
			if (out.data)
				out.data[out.len] = '\0';
		} else if (n > 0 && !(n == 1 && *p == '.')) {
			if (out.len)
				br_buf_char(&out, '/');
			br_buf_add(&out, p, n);
		}
		p += n + (p[n] == '/');
	}
	return br_buf_take(&out);
}

static char *from_top(const struct br_repo *repo, const char *prefix, const char *spec)
{
	const char *top = br_repo_workdir(repo);
	size_t n = top ? strlen(top) : 0;
	br_auto_free char *joined = NULL;

	if (spec[0] == ':')
		return br_strdup(spec[1] == '/' ? spec + 2 : spec);
	if (n > 0 && strncmp(spec, top, n) == 0 && (!spec[n] || spec[n] == '/'))
		return plain(spec + n);
	joined = prefix[0] ? br_asprintf("%s/%s", prefix, spec) : br_strdup(spec);
	return plain(joined);
}

char **br_paths_from_top(const struct br_repo *repo, const char *prefix, char *const *spec)
{
	char **out = NULL;

	for (size_t i = 0; spec && spec[i]; i++) {
		br_auto_free char *path = from_top(repo, prefix, spec[i]);

		if (!path[0]) {
			br_strv_free(out);
			return NULL;
		}
		br_strv_add(&out, path);
	}
	return out;
}
