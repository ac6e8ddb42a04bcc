/* cmd_search.c - the main job: first bad commit. */
#include "app/commands.h"

#include "app/finish.h"
#include "app/form.h"
#include "app/hunks.h"
#include "app/jobs.h"
#include "app/line.h"
#include "app/metric.h"
#include "app/minimize.h"
#include "app/noisy.h"
#include "app/paths.h"
#include "app/remaining.h"
#include "app/session.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "bisect_run/err.h"
#include "domain/repo.h"
#include "sys/file.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int open_history(struct br_session *s, struct br_domain **out, struct br_err *err)
{
	br_auto_free char *objects = s->opt->hunks ? br_session_objects(s) : NULL;
	br_auto_strv char **hint = br_paths_from_top(s->repo, br_repo_prefix(s->repo), s->opt->hint);
	struct br_commits_query q = {
		.bad = s->bad,
		.good = s->good,
		.pathspec = s->path,
		.hint = hint,
		.first_parent = s->first_parent,
		.with = s->with,
		.nwith = s->nwith,
		.patch = s->patch,
		.npatch = s->npatch,
		.clean = s->opt->clean,
		.objects = objects,
		.sealed = br_session_is_sealed(s),
	};

	if (objects && br_dir_make(objects, err) < 0)
		return BR_ESYS;
	return br_commits_open(out, s->repo, &q, err);
}

static int load_history(struct br_session *s, struct br_err *err)
{
	int r = open_history(s, &s->domain, err);

	if (r < 0)
		return r;
	s->candidates_at_start = br_commits_candidates(s->domain);
	s->standing.left = s->candidates_at_start;
	if (s->opt->hint && br_commits_hinted(s->domain) == 0)
		br_session_note(s, "--hint: none of the candidates touches these paths; it changes nothing");
	if (br_repo_is_shallow(s->repo))
		br_session_note(
			s, "this clone is shallow, history ends here: the culprit may be older; fetch more "
			   "(git fetch --unshallow, or fetch-depth: 0 in CI)");
	return 0;
}

/* Opens what makes the trees, and starts the engine. BR_ENDS_*, or an error. */
static int prepare(struct br_session *s, struct br_err *err)
{
	int r;

	if (!s->good) {
		r = br_session_trees(s, err);
	} else {
		r = br_ends_check(s, err);
		if (r != BR_ENDS_AS_SAID)
			return r;
		r = load_history(s, err);
		s->trees = s->domain;
	}
	if (r == 0)
		r = br_session_start(s, err);
	return r < 0 ? r : BR_ENDS_AS_SAID;
}

static int test_ends(struct br_session *s, struct br_err *err)
{
	int r;

	if (s->good)
		return br_ends_test(s, err);
	r = br_ends_gallop(s, err);
	if (r != BR_ENDS_AS_SAID)
		return r;
	r = load_history(s, err);
	return r < 0 ? r : BR_ENDS_AS_SAID;
}

/* ---- conclusions ---- */

static bool seen_bad(const struct br_session *s, const char *oid)
{
	for (size_t i = 0; i < s->ntrial; i++)
		if (strcmp(s->trial[i].item, oid) == 0 && br_session_class(s, &s->trial[i]) == BR_BAD)
			return true;
	return false;
}

/* --path left one commit to blame, and that one is steadily as before: the fault lies elsewhere. */
static int conclude_outside(struct br_session *s, const char *suspect, struct br_err *err)
{
	br_auto_free char *id = br_session_short(s, suspect);
	br_auto_strv char **left = br_remaining(s, BR_REMAINING_ANY_PATH);

	s->row.message =
		br_asprintf("the fault did not come in with --path: the last commit that touches it, %s, is "
			    "not %s; search without --path",
			    id, s->fixed_mode ? "fixed" : "bad");
	return br_finish(s, BR_STATUS_NARROWED, left, err);
}

/* 1: verdicts that were remembered by tree are gone, and the search must go on without them; 0: there were none. */
static int drop_remembered(struct br_session *s, struct br_err *err)
{
	size_t kept = 0, dropped = 0;
	int r = 0;

	for (size_t i = 0; i < s->ntrial; i++) {
		struct br_trial *t = &s->trial[i];

		if (r == 0 && t->cached && !t->amended && t->outcome.end != BR_END_SETUP) {
			r = br_record_retry(s->record, s->row.id, t->n, err);
			br_trial_done(t);
			dropped++;
			continue;
		}
		if (i < s->nstored)
			s->taken[kept] = s->taken[i];
		s->trial[kept++] = *t;
		if (i + 1 == s->nstored)
			s->nstored = kept;
	}
	s->ntrial = s->announced = kept;
	if (r < 0 || dropped == 0)
		return r;
	s->key_by_commit = true;
	br_session_note(
		s,
		"equal trees got different verdicts: the command seems to read the history; %zu remembered "
		"verdicts are not used",
		dropped);
	return 1;
}

static int search(struct br_session *s, struct br_err *err);

/* Where the culprit spends more than its parent, for --profile. */
static int profile(struct br_session *s, const char *culprit, struct br_err *err)
{
	struct br_commit_info info;
	int r;

	if (!s->profiling.name || br_repo_commit_info(s->repo, culprit, false, &info, NULL) < 0)
		return 0;
	r = br_profile_pair(s, info.nparent > 0 ? info.parent[0] : NULL, culprit, err);
	br_commit_info_done(&info);
	return r;
}

int br_finish_culprit(struct br_session *s, char *const *candidate, struct br_err *err)
{
	int r = 0;

	if (s->opt->hunks && !s->opt->metric)
		r = br_hunks_run(s, candidate[0], err);
	if (r >= 0)
		r = profile(s, candidate[0], err);
	return r < 0 ? r : br_finish(s, BR_STATUS_ISOLATED, candidate, err);
}

/*
 * Whether the culprit's own failure (fixed mode: that of its parents) is another one than the bad end's. 1: the search
 * goes on for the bad end's alone.
 */
static int is_another_failure(struct br_session *s, const char *culprit, struct br_err *err)
{
	struct br_commit_info info;
	int r;

	if (s->opt->interesting)
		return 0;
	if (!s->fixed_mode)
		return br_match_switch(s, culprit, err);
	r = br_repo_commit_info(s->repo, culprit, false, &info, err);
	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < info.nparent; i++)
		r = br_match_switch(s, info.parent[i], err);
	br_commit_info_done(&info);
	return r;
}

static int conclude_isolated(struct br_session *s, char **candidate, struct br_err *err)
{
	br_auto_strv char **wide = NULL;
	int r = is_another_failure(s, candidate[0], err);

	if (r != 0)
		return r < 0 ? r : search(s, err);
	r = br_confirm(s, candidate[0], err);
	if (r < 0)
		return r;
	if (r == 1) {
		r = is_another_failure(s, candidate[0], err);
		if (r != 0)
			return r < 0 ? r : search(s, err);
		return br_finish_culprit(s, candidate, err);
	}
	r = drop_remembered(s, err);
	if (r != 0)
		return r < 0 ? r : search(s, err);
	free(s->row.message);
	if (s->path && !seen_bad(s, candidate[0]))
		return conclude_outside(s, candidate[0], err);
	if (!s->opt->ask) {
		br_session_note(s, "the test is flaky: %s; going on as a search among chances", s->how_sure);
		free(br_steal(&s->row.message));
		return br_noisy_run(s, err);
	}
	s->row.message = br_asprintf("the verdicts contradict each other: %s", s->how_sure);
	wide = br_remaining(s, BR_REMAINING_BY_BAD);
	return br_finish(s, BR_STATUS_NARROWED, wide, err);
}

static int conclude(struct br_session *s, struct br_strategy *strategy, struct br_err *err)
{
	struct br_answer a = {0};
	br_auto_strv char **candidate = NULL;
	enum br_answer_status status;
	uint64_t assumed;

	strategy->ops->answer(strategy, &a);
	candidate = br_answer_labels(s, &a);
	status = a.status;
	assumed = a.assumed;
	br_answer_done(&a);
	switch (status) {
	case BR_ISOLATED:
		return conclude_isolated(s, candidate, err);
	case BR_NARROWED:
		br_note_stretch(s, candidate, assumed);
		return br_finish(s, BR_STATUS_NARROWED, candidate, err);
	case BR_CONTRADICTION:
	case BR_SEARCHING:
		break;
	}
	br_session_message(s, br_strdup("the verdicts contradict each other: the test is flaky, or an "
					"amended verdict is wrong"));
	br_strv_free(candidate);
	candidate = br_remaining(s, BR_REMAINING_BY_BAD);
	return br_finish(s, BR_STATUS_NARROWED, candidate, err);
}

static int search(struct br_session *s, struct br_err *err)
{
	struct br_strategy_cfg cfg = {
		.seed = s->opt->seed, .confidence = s->opt->confidence, .exhaust = s->opt->exhaust};
	struct br_strategy *strategy = NULL;
	struct br_form form = br_form_commits(s);
	int r = br_strategy_dag.open(&strategy, &s->domain->shape, &cfg, err);

	if (r < 0)
		return r;
	br_jobs_learn(s);
	br_say_cost(&form, strategy);
	r = br_session_search(&form, strategy, err);
	if (r == 0)
		r = conclude(s, strategy, err);
	strategy->ops->close(strategy);
	return r;
}

/* What the ends (or the input) said before commits could be searched. */
static int conclude_ends(struct br_session *s, enum br_ends_state ends, struct br_err *err)
{
	br_auto_strv char **left = NULL;

	if (ends == BR_ENDS_NOT_REPRODUCED)
		return br_finish(s, BR_STATUS_NOT_REPRODUCED, NULL, err);
	left = s->domain ? br_remaining(s, BR_REMAINING_BY_BAD) : NULL;
	return br_finish(s, BR_STATUS_NARROWED, left, err);
}

static int search_commits(struct br_session *s, struct br_err *err)
{
	int r = 0;

	if (s->opt->metric && !s->opt->limit)
		return s->good ? br_metric_run(s, err)
			       : br_fail(err, BR_EUSAGE,
					 "--metric needs --good REV: a revision to compare with");
	if ((s->opt->flaky || s->noisy) && s->good)
		return br_noisy_run(s, err);
	r = test_ends(s, err);
	if (r < 0)
		return r;
	if (r == BR_ENDS_FLAKY && s->domain && !s->opt->ask) {
		br_session_note(s, "%s; going on as a search among chances", s->row.message);
		free(br_steal(&s->row.message));
		return br_noisy_run(s, err);
	}
	return r == BR_ENDS_AS_SAID ? search(s, err) : conclude_ends(s, (enum br_ends_state)r, err);
}

/* An input first, then the commits, where there are any. */
static int run_minimized(struct br_session *s, struct br_minimize *m, struct br_err *err)
{
	int r = prepare(s, err);

	if (r == BR_ENDS_AS_SAID)
		r = br_minimize_run(m, err);
	if (r < 0)
		return r;
	if (r != BR_ENDS_AS_SAID)
		return conclude_ends(s, (enum br_ends_state)r, err);
	if (!br_options_has_commits(s->opt))
		return br_finish(s, BR_STATUS_ISOLATED, NULL, err);
	free(br_steal(&s->row.message));
	return search_commits(s, err);
}

static int run(struct br_session *s, struct br_err *err)
{
	struct br_minimize *m = NULL;
	int r;

	(void)br_watch_search(s, "pre-search", NULL);
	switch (br_options_aim(s->opt)) {
	case BR_AIM_LINE:
		return br_line_run(s, err);
	case BR_AIM_REDUCE:
	case BR_AIM_SUBSET:
		r = br_minimize_open(&m, s, err);
		if (r == 0)
			r = run_minimized(s, m, err);
		br_minimize_close(m);
		return r;
	case BR_AIM_COMMITS:
		break;
	}
	r = prepare(s, err);
	if (r < 0)
		return r;
	return r == BR_ENDS_AS_SAID ? search_commits(s, err) : conclude_ends(s, (enum br_ends_state)r, err);
}

/* Stopped before an end: by a signal, a budget or an error. */
static int stopped(struct br_session *s, int code, struct br_err *err)
{
	br_auto_strv char **left = NULL;
	br_auto_free char *known = NULL;
	uint64_t n;

	if (s->engine)
		br_session_drain(s);
	if (s->domain)
		left = br_remaining(s, BR_REMAINING);
	n = s->line.kind ? s->line.left : br_strv_len(left);
	if (n > 0)
		known = br_asprintf("%llu candidate%s left; ", (unsigned long long)n, n == 1 ? "" : "s");
	if (code == BR_EINTR || code == BR_EBUDGET) {
		br_session_message(s, br_asprintf("%s; %sgo on with: bisect-run resume %lld", err->msg,
						  known ? known : "", (long long)s->row.id));
		return br_finish(s, code == BR_EINTR ? BR_STATUS_INTERRUPTED : BR_STATUS_NARROWED, left, err);
	}
	br_session_message(s, br_strdup(err->msg));
	return br_finish(s, BR_STATUS_ERROR, left, err);
}

int br_search_run(struct br_options *opt, struct br_search *resume)
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
	return br_search_run(opt, NULL);
}
