/* with.c - --with: files of the user's, or of a revision, for every tree. */
#include "app/parts.h"

#include "base/mem.h"
#include "base/text.h"
#include "bisect_run/err.h"
#include "domain/repo.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* The path with the links of its folders followed, but not the last one: a link is put there as a link. NULL: not there. */
static char *real_place(const char *cwd, const char *path)
{
	br_auto_free char *joined = path[0] == '/' ? br_strdup(path) : br_asprintf("%s/%s", cwd, path);
	br_auto_free char *dir = NULL;
	br_auto_free char *real = NULL;
	size_t n = strlen(joined);
	const char *name;

	while (n > 1 && joined[n - 1] == '/')
		joined[--n] = '\0';
	name = strrchr(joined, '/') + 1;
	if (!name[0] || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return realpath(joined, NULL);
	if (faccessat(AT_FDCWD, joined, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return NULL;
	dir = br_strndup(joined, (size_t)(name - joined));
	real = realpath(dir, NULL);
	return real ? br_asprintf("%s/%s", strcmp(real, "/") == 0 ? "" : real, name) : NULL;
}

static int with_from_user(struct br_session *s, const char *path, struct br_with *w, struct br_err *err)
{
	const char *root = br_repo_workdir(s->repo);
	br_auto_free char *real = real_place(s->cwd, path);
	size_t n = root ? strlen(root) : 0;

	if (!real)
		return br_fail(err, BR_ESTATE, "--with %s: no such file or folder here (%s)", path,
			       strerror(errno));
	if (!root || strncmp(real, root, n) != 0 || real[n] != '/')
		return br_fail(
			err, BR_ESTATE,
			"--with %s: the path lies outside of the repository's work tree, so its place in the "
			"trees is not known",
			path);
	w->target = br_strdup(real + n + 1);
	w->source = br_steal(&real);
	return 0;
}

/* PATH@REV: the path as the user wrote it, seen from the current directory. */
static int with_from_rev(struct br_session *s, const char *path, const char *rev, struct br_with *w,
			 struct br_err *err)
{
	const char *prefix = br_repo_prefix(s->repo);
	int r = br_session_resolve(s, rev, &w->rev, err);

	if (r < 0)
		return br_wrap(err, "--with %s@%s", path, rev);
	if (strncmp(path, "./", 2) == 0)
		path += 2;
	w->target = prefix[0] ? br_asprintf("%s/%s", prefix, path) : br_strdup(path);
	r = br_repo_has_path(s->repo, w->rev, w->target, err);
	if (r == 0)
		return br_fail(err, BR_ESTATE, "--with %s@%s: there is no %s in that revision", path, rev,
			       w->target);
	return r < 0 ? r : 0;
}

int br_with_make(struct br_session *s, struct br_err *err)
{
	for (size_t i = 0; s->opt->with && s->opt->with[i]; i++) {
		const char *spec = s->opt->with[i];
		const char *at = strrchr(spec, '@');
		struct br_with w = {0};
		int r;

		if (!s->repo)
			return br_fail(err, BR_EUSAGE,
				       "--with needs a repository\nthere are no trees to put %s into", spec);
		if (at && at > spec && at[1] && access(spec, F_OK) != 0) {
			br_auto_free char *path = br_strndup(spec, (size_t)(at - spec));

			r = with_from_rev(s, path, at + 1, &w, err);
		} else {
			r = with_from_user(s, spec, &w, err);
		}
		if (r < 0)
			return r;
		s->with = br_reallocarray(s->with, s->nwith + 1, sizeof *s->with);
		s->with[s->nwith++] = w;
	}
	return 0;
}

void br_with_free(struct br_session *s)
{
	for (size_t i = 0; i < s->nwith; i++) {
		free(s->with[i].target);
		free(s->with[i].source);
		free(s->with[i].rev);
	}
	free(s->with);
}
