/* cmd_keep.c - amend corrects a verdict, clean takes away what searches left on disk. */
#include "app/commands.h"

#include "app/finish.h"
#include "app/pool.h"
#include "app/state.h"
#include "base/mem.h"
#include "base/text.h"
#include "bisect_run/err.h"
#include "sys/file.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- amend [ID] TRIAL good|bad|skip|retry ---- */

static int apply(struct br_state *st, int64_t id, uint64_t n, const char *word, struct br_err *err)
{
	int cls = br_class_from(word);
	int r;

	if (strcmp(word, "retry") == 0)
		r = br_record_retry(st->record, id, n, err);
	else if (cls >= 0)
		r = br_record_amend(st->record, id, n, (enum br_class)cls, err);
	else
		return br_fail(err, BR_EUSAGE, "amend: '%s' is no verdict\nsay good, bad, skip or retry",
			       word);
	if (r == BR_ENOTFOUND)
		return br_fail(err, r, "search %lld has no trial %llu; `bisect-run show %lld -v` lists them",
			       (long long)id, (unsigned long long)n, (long long)id);
	return r;
}

/* What the search concluded no longer stands. */
static int reopen(struct br_state *st, int64_t id, struct br_err *err)
{
	struct br_search row = {.id = id};
	int r;

	row.status = br_strdup("interrupted");
	row.message = br_asprintf("a verdict was amended; go on with: bisect-run resume %lld", (long long)id);
	r = br_record_search_update(st->record, &row, err);
	br_search_done(&row);
	return r;
}

static int amend(struct br_state *st, const struct br_options *opt, struct br_err *err)
{
	size_t n = br_strv_len(opt->operand);
	struct br_search row = {0};
	uint64_t trial;
	int r;

	if (n < 2 || n > 3)
		return br_fail(
			err, BR_EUSAGE,
			"amend needs a trial and a verdict\nbisect-run amend [ID] TRIAL good|bad|skip|retry");
	if (br_parse_u64(opt->operand[n - 2], &trial) < 0)
		return br_fail(err, BR_EUSAGE,
			       "amend: '%s' is no trial number\n`bisect-run show -v` lists the trials",
			       opt->operand[n - 2]);
	r = br_state_search(st, n == 3 ? opt->operand[0] : NULL, &row, err);
	if (r == 0 && row.alive)
		r = br_fail(err, BR_ESTATE,
			    "search %lld is running: stop it first (Ctrl-C), then amend and resume",
			    (long long)row.id);
	if (r == 0)
		r = apply(st, row.id, trial, opt->operand[n - 1], err);
	if (r == 0)
		r = reopen(st, row.id, err);
	if (r == 0)
		printf("trial %llu of search %lld: %s; go on with: bisect-run resume %lld\n",
		       (unsigned long long)trial, (long long)row.id, opt->operand[n - 1], (long long)row.id);
	br_search_done(&row);
	return r;
}

int br_cmd_amend(struct br_options *opt)
{
	struct br_state st;
	struct br_err err = {0};
	int r = br_state_open(&st, opt, &err);

	if (r == 0) {
		r = amend(&st, opt, &err);
		br_state_close(&st);
	}
	if (r == 0)
		r = br_flush_stdout(&err);
	return r < 0 ? br_finish_usage(opt, r, &err) : 0;
}

/* ---- clean ---- */

/* With all the record and the logs of a search that is not running, else its lock file alone. */
static int clean_search(struct br_state *st, int64_t id, bool all, uint64_t *freed, struct br_err *err)
{
	br_auto_free char *logs = br_asprintf("%s/logs/%lld", st->dir, (long long)id);
	br_auto_free char *profiles = br_asprintf("%s/profiles/%lld", st->dir, (long long)id);
	uint64_t used = br_dir_usage(logs) + br_dir_usage(profiles);
	int r = all ? br_record_search_delete(st->record, id, err)
		    : br_record_search_tidy(st->record, id, err);

	if (r == 0 && all)
		*freed += used;
	return r == BR_ESTATE ? 0 : r; /* somebody has just gone on with it */
}

static int clean_searches(struct br_state *st, bool all, uint64_t *freed, struct br_err *err)
{
	struct br_search *list = NULL;
	int n = br_record_search_list(st->record, &list, err);
	int r = 0;

	for (int i = 0; i < n; i++) {
		if (r == 0 && !list[i].alive)
			r = clean_search(st, list[i].id, all, freed, err);
		br_search_done(&list[i]);
	}
	free(list);
	return n < 0 ? n : r;
}

/*
 * What is left of the state directory: only what we made there, and not while a search runs. The record goes first:
 * without it no search can begin in what is then removed.
 */
static int clean_state(struct br_state *st, struct br_err *err)
{
	static const char *const parts[] = {"work", "logs", "profiles"};
	int r = br_record_remove(st->record, err);

	if (r < 0)
		return r == BR_ESTATE ? 0 : r;
	for (size_t i = 0; r == 0 && i < sizeof parts / sizeof *parts; i++) {
		br_auto_free char *path = br_asprintf("%s/%s", st->dir, parts[i]);

		r = br_dir_remove(path, err);
	}
	(void)rmdir(st->dir); /* stays when something of the user's lies there */
	return r;
}

static int clean(struct br_state *st, bool all, struct br_err *err)
{
	uint64_t freed = 0;
	br_auto_free char *work = br_asprintf("%s/work", st->dir);
	int r = br_pool_clean(work, &freed, err);

	if (r == 0)
		r = clean_searches(st, all, &freed, err);
	if (r == 0 && all)
		r = clean_state(st, err);
	if (r == 0)
		printf("removed the work trees of searches that are not running%s: %.1f MB\n",
		       all ? ", and their records and logs" : "", (double)freed / 1e6);
	return r;
}

int br_cmd_clean(struct br_options *opt)
{
	struct br_state st;
	struct br_err err = {0};
	int r = br_state_open(&st, opt, &err);

	if (r == 0) {
		r = clean(&st, opt->all, &err);
		br_state_close(&st);
	} else if (r == BR_ENOTFOUND) {
		printf("nothing to clean\n");
		r = 0;
	}
	if (r == 0)
		r = br_flush_stdout(&err);
	return r < 0 ? br_finish_usage(opt, r, &err) : 0;
}
