/* cmd_resume.c - a search goes on where it stood: the same search with a memory. */
#include "app/commands.h"

#include "app/finish.h"
#include "app/session.h"
#include "base/mem.h"
#include "base/text.h"
#include "bisect_run/err.h"
#include "domain/repo.h"

#include <string.h>
#include <unistd.h>

static bool can_resume(const struct br_search *s)
{
	/* Narrowed by a budget or an amended verdict: the message says how to go on. Errors may have been mended. */
	bool open = strcmp(s->status, "running") == 0 || strcmp(s->status, "interrupted") == 0 ||
		    strcmp(s->status, "error") == 0 ||
		    (s->message && strstr(s->message, "bisect-run resume"));

	return !s->alive && open && strcmp(s->status, "tried") != 0;
}

/* The newest that waits to go on, else the newest search: its answer is read from the record again. */
static int newest(const struct br_search *list, int n)
{
	int found = -1;

	for (int i = 0; i < n; i++)
		if (can_resume(&list[i]))
			found = i;
	for (int i = 0; found < 0 && i < n; i++)
		if (strcmp(list[n - 1 - i].status, "tried") != 0)
			found = n - 1 - i;
	return found;
}

/* The one that is named, else the newest that can go on. */
static int pick(struct br_record *rec, const struct br_options *opt, struct br_search *out,
		struct br_err *err)
{
	struct br_search *list = NULL;
	uint64_t id = 0;
	int n, found;

	if (opt->operand && opt->operand[0]) {
		if (br_parse_u64(opt->operand[0], &id) < 0 || id == 0 || id > INT64_MAX)
			return br_fail(err, BR_EUSAGE,
				       "resume: '%s' is no search\n`bisect-run history` lists them",
				       opt->operand[0]);
		return br_record_search_get(rec, (int64_t)id, out, err);
	}
	n = br_record_search_list(rec, &list, err);
	found = newest(list, n);
	if (found >= 0)
		*out = list[found];
	for (int i = 0; i < n; i++)
		if (i != found)
			br_search_done(&list[i]);
	free(list);
	if (n < 0)
		return n;
	return found >= 0 ? 0
			  : br_fail(err, BR_ENOTFOUND,
				    "there is no search to resume; `bisect-run history` lists all");
}

static int load_stored(const struct br_options *opt, struct br_search *row, struct br_err *err)
{
	br_auto_free char *cwd = br_current_dir(err);
	br_auto_free char *dir = NULL;
	struct br_repo *repo = NULL;
	struct br_record *rec = NULL;
	int r;

	if (!cwd)
		return BR_ESYS;
	if (br_repo_open(&repo, cwd, NULL) < 0)
		repo = NULL;
	dir = br_state_dir(opt, repo, cwd);
	r = br_record_open(&rec, dir, false, err);
	if (r == BR_ENOTFOUND)
		r = br_fail(err, r, "no search was recorded here yet (%s)", dir);
	if (r == 0)
		r = pick(rec, opt, row, err);
	br_record_close(rec);
	br_repo_close(repo);
	return r;
}

/* The stored options, with what only concerns this run taken from the new command line. */
static int stored_options(const struct br_options *now, const struct br_search *row, struct br_options *out,
			  struct br_err *err)
{
	br_auto_strv char **argv = br_shell_split(row->argv);
	br_auto_free char *cwd = br_current_dir(err);
	int r;

	*out = (struct br_options){.seed = 1};
	if (!cwd)
		return BR_ESYS;
	if (!argv)
		return br_fail(err, BR_ESTATE, "the stored command line of search %lld cannot be read",
			       (long long)row->id);
	r = br_options_parse_over(out, (int)br_strv_len(argv), argv, err);
	if (r < 0)
		return r;
	out->json = now->json || out->json;
	out->no_color = now->no_color || out->no_color;
	out->verbose = now->verbose ? now->verbose : out->verbose;
	out->max_trials = now->max_trials;
	out->max_time_ns = now->max_time_ns;
	if (now->confirm != BR_CONFIRM_AUTO)
		out->confirm = now->confirm;
	if (now->timeout_ns)
		out->timeout_ns = now->timeout_ns;
	if (now->jobs)
		out->jobs = now->jobs;
	if (now->git_log) { /* before the way leads to where the search began */
		free(out->git_log);
		out->git_log = now->git_log[0] == '/' ? br_strdup(now->git_log)
						      : br_asprintf("%s/%s", cwd, now->git_log);
	}
	if (now->state) {
		free(out->state);
		out->state =
			now->state[0] == '/' ? br_strdup(now->state) : br_asprintf("%s/%s", cwd, now->state);
	}
	return 0;
}

int br_cmd_resume(struct br_options *opt)
{
	struct br_search row = {0};
	struct br_options stored = {0};
	struct br_err err = {0};
	int r = load_stored(opt, &row, &err);

	if (r == 0 && row.alive)
		r = br_fail(&err, BR_ESTATE, "search %lld is running (process %lld)", (long long)row.id,
			    (long long)row.pid);
	if (r == 0 && strcmp(row.status, "tried") == 0)
		r = br_fail(&err, BR_ESTATE, "search %lld was a single try: there is nothing to resume",
			    (long long)row.id);
	if (r == 0)
		r = stored_options(opt, &row, &stored, &err);
	if (r == 0 && chdir(row.cwd) < 0)
		r = br_fail_errno(&err, "cannot go to %s, where search %lld began", row.cwd,
				  (long long)row.id);
	if (r < 0)
		r = br_finish_usage(opt, r, &err);
	else
		r = br_search_run(&stored, &row);
	br_search_done(&row);
	br_options_done(&stored);
	return r;
}
