/* cmd_search.c - the main job: first bad commit. Also `resume`, which is the same with a memory. */
#include "app/commands.h"

#include "app/finish.h"
#include "app/session.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "bisect_run/err.h"
#include "domain/repo.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/*
 * Pathspecs are meant as git means them: from where the user stands, unless they begin with ":". "." and ".." are
 * taken out, "" is the top folder.
 */
static char *from_top(const char *prefix, const char *spec)
{
	br_auto_free char *joined = prefix[0] ? br_asprintf("%s/%s", prefix, spec) : br_strdup(spec);
	struct br_buf out = {0};

	if (spec[0] == ':')
		return br_strdup(spec[1] == '/' ? spec + 2 : spec);
	for (const char *p = joined; *p;) {
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

static char **pathspecs(const struct br_session *s)
{
	char **out = NULL;

	for (size_t i = 0; s->opt->path && s->opt->path[i]; i++) {
		br_auto_free char *spec = from_top(br_repo_prefix(s->repo), s->opt->path[i]);

		if (!spec[0]) { /* the top folder: everything */
			br_strv_free(out);
			return NULL;
		}
		br_strv_add(&out, spec);
	}
	return out;
}

static int open_history(struct br_session *s, struct br_domain **out, struct br_err *err)
{
	br_auto_strv char **path = pathspecs(s);
	struct br_commits_query q = {
		.bad = s->bad,
		.good = s->good,
		.pathspec = path,
		.first_parent = s->opt->first_parent,
		.with = s->with,
		.nwith = s->nwith,
	};

	return br_commits_open(out, s->repo, &q, err);
}

/* Without a good revision yet: a history of one commit is enough to make trees. */
static int open_trees_alone(struct br_session *s, struct br_err *err)
{
	struct br_commit_info info;
	struct br_commits_query q = {.bad = s->bad, .with = s->with, .nwith = s->nwith};
	int r = br_repo_commit_info(s->repo, s->bad, false, &info, err);

	if (r < 0)
		return r;
	q.good = info.parent;
	r = br_commits_open(&s->trees, s->repo, &q, err);
	br_commit_info_done(&info);
	return r;
}

static void say_cost(struct br_session *s, struct br_strategy *strategy)
{
	struct br_answer a = {0};

	strategy->ops->answer(strategy, &a);
	s->tests_before = a.probes_left;
	br_progress_say(s->progress, "%llu candidate%s, about %.0f test%s, %u at once",
			(unsigned long long)s->candidates_at_start, s->candidates_at_start == 1 ? "" : "s",
			ceil(a.probes_left), ceil(a.probes_left) == 1 ? "" : "s", s->spec.jobs);
	s->standing.left = a.left;
	s->standing.tests_left = a.probes_left;
	br_answer_done(&a);
}

static int load_history(struct br_session *s, struct br_err *err)
{
	int r = open_history(s, &s->domain, err);

	if (r < 0)
		return r;
	s->candidates_at_start = br_commits_candidates(s->domain);
	s->standing.left = s->candidates_at_start;
	if (br_repo_is_shallow(s->repo))
		br_session_note(
			s, "this clone is shallow, history ends here: the culprit may be older; fetch more "
			   "(git fetch --unshallow, or fetch-depth: 0 in CI)");
	return 0;
}

static int test_ends(struct br_session *s, struct br_err *err)
{
	int r;

	if (s->good) {
		r = br_ends_check(s, err);
		if (r != BR_ENDS_DIFFER)
			return r;
		r = load_history(s, err);
		s->trees = s->domain;
		if (r == 0)
			r = br_session_start(s, err);
		return r < 0 ? r : br_ends_test(s, err);
	}
	r = open_trees_alone(s, err);
	if (r == 0)
		r = br_session_start(s, err);
	if (r == 0)
		r = br_ends_gallop(s, err);
	if (r != BR_ENDS_DIFFER)
		return r;
	r = load_history(s, err);
	return r < 0 ? r : BR_ENDS_DIFFER;
}

/* ---- what is left when the strategy did not come to an end ---- */

static void mark_ancestors(const struct br_shape *shape, uint64_t from, uint8_t *mark)
{
	mark[from] = 1;
	for (uint64_t i = from + 1; i-- > 0;) {
		if (!mark[i])
			continue;
		for (uint32_t k = shape->parent_at[i]; k < shape->parent_at[i + 1]; k++)
			mark[shape->parent[k]] = 1;
	}
}

/* Narrows left (1: may be the culprit) by one verdict. Goods count only when they can be trusted. */
static void narrow(const struct br_shape *shape, uint8_t *left, uint64_t point, bool bad)
{
	br_auto_free uint8_t *mark = br_calloc(shape->n, 1);

	mark_ancestors(shape, point, mark);
	for (uint64_t i = 0; i < shape->n; i++)
		left[i] = left[i] && mark[i] == (bad ? 1 : 0);
}

/*
 * All that may still be the culprit, from the verdicts alone. With only_bad the good ones are left out: a flaky
 * test passes by chance more often than it fails by chance.
 */
static char **remaining(struct br_session *s, bool only_bad)
{
	const struct br_shape *shape = &s->domain->shape;
	br_auto_free uint8_t *left = br_calloc(shape->n, 1);
	char **out = br_calloc(shape->n + 1, sizeof *out);
	size_t n = 0;

	for (uint64_t i = 0; i < shape->n; i++)
		left[i] = !shape->weight || shape->weight[i] > 0;
	for (size_t i = 0; i < s->ntrial; i++) {
		const struct br_trial *t = &s->trial[i];
		int64_t point = br_commits_find(s->domain, t->item);
		enum br_class cls = br_session_class(s, t);

		if (point >= 0 && cls != BR_SKIP && (cls == BR_BAD || !only_bad))
			narrow(shape, left, (uint64_t)point, cls == BR_BAD);
	}
	for (uint64_t i = 0; i < shape->n; i++)
		if (left[i])
			out[n++] = br_strdup(s->domain->ops->label(s->domain, i));
	return out;
}

static char **answer_labels(struct br_session *s, const struct br_answer *a)
{
	char **out = br_calloc(a->nitem + 1, sizeof *out);

	for (uint64_t i = 0; i < a->nitem; i++)
		out[i] = br_strdup(s->domain->ops->label(s->domain, a->item[i]));
	return out;
}

/* ---- conclusions ---- */

static int conclude_isolated(struct br_session *s, char **candidate, struct br_err *err)
{
	int r = br_confirm(s, candidate[0], err);
	br_auto_strv char **wide = NULL;

	if (r < 0)
		return r;
	if (r == 1)
		return br_finish(s, BR_STATUS_ISOLATED, candidate, err);
	free(s->row.message);
	s->row.message = br_asprintf("the test is flaky: %s", s->how_sure);
	br_session_note(s, "fresh runs contradict the search, so no single commit is named; make the test "
			   "steady, or run "
			   "it several times in COMMAND");
	wide = remaining(s, true);
	return br_finish(s, BR_STATUS_NARROWED, wide, err);
}

static int conclude(struct br_session *s, struct br_strategy *strategy, struct br_err *err)
{
	struct br_answer a = {0};
	br_auto_strv char **candidate = NULL;
	enum br_answer_status status;
	uint64_t assumed;

	strategy->ops->answer(strategy, &a);
	candidate = answer_labels(s, &a);
	status = a.status;
	assumed = a.assumed;
	br_answer_done(&a);
	switch (status) {
	case BR_ISOLATED:
		return conclude_isolated(s, candidate, err);
	case BR_NARROWED:
		if (assumed > 0)
			br_session_note(s,
					"%llu of them were never run: they lie inside a stretch whose edges "
					"could not be "
					"tested (--exhaust tries each)",
					(unsigned long long)assumed);
		return br_finish(s, BR_STATUS_NARROWED, candidate, err);
	case BR_CONTRADICTION:
	case BR_SEARCHING:
		break;
	}
	free(s->row.message);
	s->row.message = br_strdup(
		"the verdicts contradict each other: the test is flaky, or an amended verdict is wrong");
	br_strv_free(candidate);
	candidate = remaining(s, true);
	return br_finish(s, BR_STATUS_NARROWED, candidate, err);
}

static int search(struct br_session *s, struct br_err *err)
{
	struct br_strategy_cfg cfg = {.seed = s->opt->seed, .confidence = 0.99, .exhaust = s->opt->exhaust};
	struct br_strategy *strategy = NULL;
	int r = br_strategy_dag.open(&strategy, &s->domain->shape, &cfg, err);

	if (r < 0)
		return r;
	say_cost(s, strategy);
	r = br_session_search(s, strategy, err);
	if (r == 0)
		r = conclude(s, strategy, err);
	strategy->ops->close(strategy);
	return r;
}

static int run(struct br_session *s, struct br_err *err)
{
	br_auto_strv char **left = NULL;
	int r;

	(void)br_watch_search(s, "pre-search", NULL);
	r = test_ends(s, err);
	if (r < 0)
		return r;
	switch ((enum br_ends)r) {
	case BR_ENDS_DIFFER:
		return search(s, err);
	case BR_ENDS_NOT_REPRODUCED:
		return br_finish(s, BR_STATUS_NOT_REPRODUCED, NULL, err);
	case BR_ENDS_FLAKY:
		left = s->domain ? remaining(s, true) : NULL;
		return br_finish(s, BR_STATUS_NARROWED, left, err);
	}
	return r;
}

/* Stopped before an end: by a signal, a budget or an error. */
static int stopped(struct br_session *s, int code, struct br_err *err)
{
	br_auto_strv char **left = NULL;
	size_t n;

	if (s->engine)
		br_session_drain(s);
	if (s->domain)
		left = remaining(s, false);
	n = br_strv_len(left);
	free(s->row.message);
	if (code == BR_EINTR || code == BR_EBUDGET) {
		s->row.message = br_asprintf("%s; %zu candidate%s left; go on with: bisect-run resume %lld",
					     err->msg, n, n == 1 ? "" : "s", (long long)s->row.id);
		return br_finish(s, code == BR_EINTR ? BR_STATUS_INTERRUPTED : BR_STATUS_NARROWED, left, err);
	}
	s->row.message = br_strdup(err->msg);
	return br_finish(s, BR_STATUS_ERROR, left, err);
}

static int run_session(struct br_options *opt, struct br_search *resume)
{
	struct br_session s;
	struct br_err err = {0};
	int r = br_session_open(&s, opt, resume, &err);

	if (r < 0)
		return br_finish_unopened(&s, opt, r, &err);
	r = run(&s, &err);
	if (r < 0)
		r = stopped(&s, r, &err);
	return br_finish_exit(&s, opt, r, &err);
}

int br_cmd_search(struct br_options *opt)
{
	return run_session(opt, NULL);
}

/* ---- resume ---- */

static bool can_resume(const struct br_search *s)
{
	return !s->alive && strcmp(s->status, "isolated") != 0 && strcmp(s->status, "tried") != 0;
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
	int r;

	*out = (struct br_options){.seed = 1};
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
	if (now->jobs)
		out->jobs = now->jobs;
	if (now->state) {
		free(out->state);
		out->state = br_strdup(now->state);
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
		r = run_session(&stored, &row);
	br_search_done(&row);
	br_options_done(&stored);
	return r;
}
