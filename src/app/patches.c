/* patches.c - the hot-fixes of --patch: files from where the user stands, else commits. */
#include "app/session.h"

#include "base/mem.h"
#include "bisect_run/err.h"
#include "domain/patch.h"
#include "domain/repo.h"

#include <unistd.h>

static int read_commit(struct br_session *s, const char *rev, struct br_patch *out, struct br_err *err)
{
	char oid[BR_OID_HEX];
	int r = br_repo_resolve(s->repo, rev, oid, err);

	if (r < 0)
		return br_wrap(err, "--patch %s: no such file, and as a revision", rev);
	return br_patch_of_commit(out, s->repo, oid, rev, err);
}

static int read_one(struct br_session *s, const char *word, struct br_patch *out, struct br_err *err)
{
	br_auto_free char *path = word[0] == '/' ? br_strdup(word) : br_asprintf("%s/%s", s->cwd, word);

	if (access(path, F_OK) != 0)
		return read_commit(s, word, out, err);
	if (br_patch_read(out, s->repo, path, word, err) < 0)
		return br_wrap(err, "--patch");
	return 0;
}

int br_session_patches(struct br_session *s, struct br_err *err)
{
	char **word = s->opt->patch;
	size_t n = br_strv_len(word);

	if (n && !s->bad)
		return br_fail(
			err, BR_EUSAGE,
			"--patch needs a revision to test\nwithout one COMMAND runs in your own files");
	s->patch = br_calloc(n, sizeof *s->patch);
	for (size_t i = 0; i < n; i++) {
		int r = read_one(s, word[i], &s->patch[s->npatch++], err);

		if (r < 0)
			return r;
	}
	return 0;
}
