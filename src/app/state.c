/* state.c - the record of the repository at hand. */
#include "app/state.h"

#include "app/session.h"
#include "base/mem.h"
#include "base/text.h"
#include "bisect_run/err.h"
#include "domain/repo.h"

#include <stdio.h>
#include <string.h>

int br_state_open(struct br_state *st, const struct br_options *opt, struct br_err *err)
{
	int r;

	*st = (struct br_state){.cwd = br_current_dir(err)};
	if (!st->cwd)
		return BR_ESYS;
	if (br_repo_open(&st->repo, st->cwd, NULL) < 0)
		st->repo = NULL;
	st->dir = br_state_dir(opt, st->repo, st->cwd);
	r = br_record_open(&st->record, st->dir, false, err);
	if (r == BR_ENOTFOUND)
		r = br_fail(err, r, "no search was recorded here yet (%s)", st->dir);
	if (r < 0)
		br_state_close(st);
	return r;
}

void br_state_close(struct br_state *st)
{
	br_record_close(st->record);
	br_repo_close(st->repo);
	free(st->cwd);
	free(st->dir);
	*st = (struct br_state){0};
}

int br_state_search(struct br_state *st, const char *word, struct br_search *out, struct br_err *err)
{
	uint64_t id = 0;
	int r;

	if (word && (br_parse_u64(word, &id) < 0 || id == 0 || id > INT64_MAX))
		return br_fail(err, BR_EUSAGE, "'%s' is no search\n`bisect-run history` lists them", word);
	r = br_record_search_get(st->record, (int64_t)id, out, err);
	if (r == BR_ENOTFOUND)
		return word ? br_fail(err, r, "there is no search %s; `bisect-run history` lists them", word)
			    : br_fail(err, r, "no search was recorded here yet (%s)", st->dir);
	return r;
}

const char *br_state_status(const struct br_search *s)
{
	if (strcmp(s->status, "running") == 0 && !s->alive)
		return "interrupted";
	return s->status;
}

int br_flush_stdout(struct br_err *err)
{
	bool failed = ferror(stdout) != 0;

	if (fflush(stdout) == 0 && !failed)
		return BR_OK;
	return br_fail_errno(err, "cannot write to standard output");
}
