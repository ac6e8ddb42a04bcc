/*
 * noisy.c - --flaky, and what a search becomes when its verdicts contradict each other. include/bisect_run/noisy.h says how the strategy is
 * driven: the ends until they differ, the search, closing runs that are evidence of their own.
 */
#include "app/noisy.h"

#include "app/finish.h"
#include "app/form.h"
#include "app/jobs.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "bisect_run/err.h"
#include "bisect_run/noisy.h"
#include "domain/repo.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A failure that is rarer than this at the bad end is not looked for. */
static const double RAREST = 0.05;
/* After so many closing rounds that contradict, no commit is named. */
enum { CLOSING_ROUNDS = 2 };

struct noisy {
	struct br_form form;
	struct br_strategy *strategy;
	struct br_tally bad, good; /* runs at the ends */
	size_t observed;	   /* trials of the session before this one were told to the strategy */
};

/* ---- observing ---- */

static bool is_good_end(const struct br_session *s, const char *item)
{
	for (size_t i = 0; s->good && s->good[i]; i++)
		if (strcmp(s->good[i], item) == 0)
			return true;
	for (size_t i = 0; s->base && s->base[i]; i++)
		if (strcmp(s->base[i], item) == 0)
			return true;
	return false;
}

static bool place_of(const struct br_session *s, const char *item, uint64_t *point)
{
	int64_t at = br_commits_find(s->domain, item);

	*point = at >= 0 ? (uint64_t)at : BR_POINT_OUTSIDE;
	return at >= 0 || is_good_end(s, item);
}

/* A failure that is not the hunted one is no failure here. */
static enum br_class class_of(const struct br_session *s, const struct br_trial *t)
{
	if (br_match_is_other(s, t))
		return s->fixed_mode ? BR_SKIP : BR_GOOD;
	return br_session_class(s, t);
}

static void observe(struct noisy *u, const struct br_trial *t)
{
	struct br_session *s = u->form.session;
	struct br_probe probe = {.kind = BR_POINT};
	struct br_verdict v = t->verdict;

	if (t->outcome.end == BR_END_SETUP || !place_of(s, t->item, &probe.point))
		return;
	v.cls = class_of(s, t);
	u->strategy->ops->observe(u->strategy, &probe, &v);
}

/* ---- the ends ---- */

static void count(const struct br_session *s, const struct br_trial *t, struct noisy *u)
{
	struct br_tally *tally = strcmp(t->item, s->bad) == 0 ? &u->bad : &u->good;
	enum br_class cls = class_of(s, t);

	if (cls == BR_SKIP || (tally == &u->good && !is_good_end(s, t->item)))
		return;
	tally->runs++;
	tally->fails += cls == BR_BAD;
}

static void take_recorded_ends(struct noisy *u)
{
	struct br_session *s = u->form.session;

	for (size_t i = 0; i < s->ntrial; i++)
		if (s->trial[i].phase == BR_PHASE_ENDS) {
			count(s, &s->trial[i], u);
			observe(u, &s->trial[i]);
		}
}

/* As many runs of this end as fit at once. */
static int ask_end(struct noisy *u, bool new_end, struct br_err *err)
{
	struct br_session *s = u->form.session;
	br_auto_free struct br_question *q = br_calloc(s->jobs, sizeof *q);
	br_auto_free size_t *answer = br_calloc(s->jobs, sizeof *answer);
	int r;

	for (uint32_t i = 0; i < s->jobs; i++)
		q[i] = (struct br_question){
			.label = new_end ? s->bad : s->good[0],
			.phase = BR_PHASE_ENDS,
			.role = new_end != s->fixed_mode ? BR_ROLE_BAD_END : BR_ROLE_OTHER,
		};
	r = br_session_ask(s, q, s->jobs, answer, err);
	for (uint32_t i = 0; r == 0 && i < s->jobs; i++) {
		count(s, &s->trial[answer[i]], u);
		observe(u, &s->trial[answer[i]]);
	}
	return r;
}

static void not_reproduced(struct noisy *u, enum br_ends ends)
{
	struct br_session *s = u->form.session;
	const char *name = s->bad_name ? s->bad_name : s->bad;

	if (ends == BR_ENDS_SWAPPED)
		br_session_message(s, br_asprintf("the ends contradict: %u of %u runs failed at the good "
						  "end, %u of %u at the bad "
						  "one; swap them?",
						  u->good.fails, u->good.runs, u->bad.fails, u->bad.runs));
	else if (u->bad.fails == 0)
		br_session_message(s,
				   br_asprintf("could not reproduce: none of %u runs at %s failed, which "
					       "excludes a rate above "
					       "%.1f %%",
					       u->bad.runs, name, 100 * br_noisy_excluded_rate(u->bad.runs)));
	else
		br_session_message(s,
				   br_asprintf("the ends do not differ: %u of %u runs failed at %s, and %u "
					       "of %u at the good "
					       "end",
					       u->bad.fails, u->bad.runs, name, u->good.fails, u->good.runs));
}

/* 1: they differ; 0: not, and the message says so; or an error. */
static int test_ends(struct noisy *u, struct br_err *err)
{
	struct br_session *s = u->form.session;
	uint32_t most = br_noisy_runs_to_exclude(RAREST);

	s->standing.phase = "testing the ends";
	s->standing.tests_left = -1;
	take_recorded_ends(u);
	for (;;) {
		enum br_ends ends = br_ends_judge(u->bad, u->good, most);
		int r = 0;

		switch (ends) {
		case BR_ENDS_RUN_BAD:
			r = ask_end(u, true, err);
			break;
		case BR_ENDS_RUN_GOOD:
			r = ask_end(u, false, err);
			break;
		case BR_ENDS_DIFFER:
			return 1;
		case BR_ENDS_SAME:
		case BR_ENDS_SWAPPED:
			not_reproduced(u, ends);
			return 0;
		}
		if (r < 0)
			return r;
		br_ends_learn_limit(s);
	}
}

/* ---- the search ---- */

static enum br_class noisy_class_of(const struct br_form *f, const struct br_trial *t)
{
	return class_of(f->session, t);
}

static const struct br_form_ops noisy_form = {
	.question = br_form_commit, .probe_of = br_form_no_probe, .class_of = noisy_class_of};

/* What a switch to another commit costs, in runs of the test. */
static double switch_cost(const struct br_session *s)
{
	double run = 0, build = 0;

	for (size_t i = 0; i < s->ntrial; i++) {
		const struct br_outcome *o = &s->trial[i].outcome;

		run += (double)o->wall_ns;
		build = fmax(build, (double)(o->build_ns + o->setup_ns));
	}
	return run > 0 ? build * (double)s->ntrial / run : 0;
}

/* Runs before the search became a noisy one, and those of its own search phase. Later confirming runs are closing ones. */
static void observe_recorded(struct noisy *u)
{
	struct br_session *s = u->form.session;

	for (size_t i = 0; i < s->ntrial; i++) {
		bool before = s->trial[i].n <= s->noisy_from;

		if (s->trial[i].phase == BR_PHASE_CONFIRM && before && i < s->nstored)
			s->taken[i] = true;
		if (s->trial[i].phase == BR_PHASE_SEARCH || (before && s->trial[i].phase == BR_PHASE_CONFIRM))
			observe(u, &s->trial[i]);
	}
}

static void say_cost(struct noisy *u)
{
	struct br_session *s = u->form.session;
	struct br_answer a = {0};
	double good, bad;

	u->strategy->ops->answer(u->strategy, &a);
	br_noisy_rates(u->strategy, &good, &bad);
	s->tests_expected = ceil(a.predicted);
	br_progress_say(
		s->progress,
		"flaky: fails in about %.0f %% of the runs at the bad end and %.0f %% at the good one; %llu "
		"candidates, about %.0f runs for %.4g %% confidence",
		100 * bad, 100 * good, (unsigned long long)a.left, s->tests_expected,
		100 * s->opt->confidence);
	br_answer_done(&a);
}

/* ---- conclusions ---- */

static int ask_closing(struct noisy *u, const struct br_commit_info *c, struct br_tally tally[2],
		       struct br_err *err)
{
	struct br_session *s = u->form.session;
	size_t nparent = s->first_parent && c->nparent > 1 ? 1 : c->nparent;
	size_t n = BR_CLOSING_CULPRIT + BR_CLOSING_PARENT * nparent;
	br_auto_free struct br_question *q = br_calloc(n, sizeof *q);
	br_auto_free size_t *answer = br_calloc(n, sizeof *answer);
	int r;

	for (size_t i = 0; i < n; i++)
		q[i] = (struct br_question){
			.label = i < BR_CLOSING_CULPRIT
					 ? c->oid
					 : c->parent[(i - BR_CLOSING_CULPRIT) / BR_CLOSING_PARENT],
			.phase = BR_PHASE_CONFIRM,
			.role = BR_ROLE_OTHER,
		};
	br_progress_say(s->progress, "probably %s %s; %zu fresh runs at it and its parents", c->short_oid,
			c->subject, n);
	s->standing.phase = "confirming";
	s->standing.tests_left = (double)n;
	r = br_session_ask(s, q, n, answer, err);
	for (size_t i = 0; r == 0 && i < n; i++) {
		enum br_class cls = class_of(s, &s->trial[answer[i]]);

		tally[i >= BR_CLOSING_CULPRIT].runs += cls != BR_SKIP;
		tally[i >= BR_CLOSING_CULPRIT].fails += cls == BR_BAD;
	}
	return r;
}

static void say_sure(struct noisy *u, const struct br_answer *a, const struct br_tally tally[2])
{
	struct br_session *s = u->form.session;
	br_auto_free char *sure = br_sure_text(a->confidence);
	struct br_buf b = {0};
	double good, bad;

	br_noisy_rates(u->strategy, &good, &bad);
	br_buf_fmt(&b,
		   "%s; the test fails in about %.0f %% of the runs from it on and %.0f %% before; "
		   "fresh runs: "
		   "%u of %u failed at it",
		   sure, 100 * bad, 100 * good, tally[0].fails, tally[0].runs);
	if (tally[1].runs > 0)
		br_buf_fmt(&b, ", %u of %u at its parents", tally[1].fails, tally[1].runs);
	free(s->how_sure);
	s->how_sure = br_buf_take(&b);
}

/* 1: named; 0: the closing runs contradict, and were observed. */
static int close_in(struct noisy *u, const struct br_answer *a, const char *culprit, struct br_err *err)
{
	struct br_session *s = u->form.session;
	struct br_tally tally[2] = {{0}};
	struct br_commit_info info;
	size_t before;
	int r = br_repo_commit_info(s->repo, culprit, false, &info, err);

	if (r < 0)
		return r;
	before = s->ntrial;
	if (s->opt->confirm != BR_CONFIRM_OFF)
		r = ask_closing(u, &info, tally, err);
	br_commit_info_done(&info);
	if (r < 0)
		return r;
	say_sure(u, a, tally);
	s->confidence = a->confidence;
	if (tally[0].runs + tally[1].runs == 0 ||
	    br_noisy_closing(u->strategy, tally[0], tally[1]) >= BR_CLOSING_DOUBT)
		return 1;
	for (size_t i = before; i < s->ntrial; i++)
		observe(u, &s->trial[i]);
	br_session_note(s, "fresh runs contradicted the first answer: the search went on with them");
	return 0;
}

static const char *reason_text(enum br_reason reason)
{
	switch (reason) {
	case BR_REASON_TOO_MANY_RUNS:
		return "three times the expected runs did not decide it";
	case BR_REASON_UNEVEN_GOOD:
		return "the runs before it do not fail alike: a drift, or a test that was absent before a "
		       "point";
	case BR_REASON_UNEVEN_BAD:
		return "the runs after it do not fail alike: a rate that grows, a fault fixed again, or a "
		       "second fault";
	case BR_REASON_ENDS_SAME:
		return "the ends do not differ";
	case BR_REASON_ENDS_SWAPPED:
		return "the good end fails more often than the bad one";
	case BR_REASON_UNTESTABLE:
		return "only skipped commits could tell them apart";
	case BR_REASON_NONE:
		break;
	}
	return "fresh runs contradict the search again and again";
}

static int conclude_narrowed(struct noisy *u, const struct br_answer *a, struct br_err *err)
{
	struct br_session *s = u->form.session;
	br_auto_strv char **left = br_answer_labels(s, a);

	s->confidence = a->confidence;
	br_session_message(s,
			   br_asprintf("no single culprit: %s; with 90 %% chance it is one of %llu commit%s",
				       reason_text(a->reason), (unsigned long long)a->nitem,
				       a->nitem == 1 ? "" : "s"));
	if (a->reason == BR_REASON_ENDS_SAME || a->reason == BR_REASON_ENDS_SWAPPED)
		return br_finish(s, BR_STATUS_NOT_REPRODUCED, NULL, err);
	return br_finish(s, BR_STATUS_NARROWED, left, err);
}

static int conclude(struct noisy *u, unsigned round, struct br_err *err);

static int search(struct noisy *u, unsigned round, struct br_err *err)
{
	int r = br_session_search(&u->form, u->strategy, err);

	return r < 0 ? r : conclude(u, round, err);
}

static int conclude(struct noisy *u, unsigned round, struct br_err *err)
{
	struct br_session *s = u->form.session;
	br_auto_strv char **labels = NULL;
	struct br_answer a = {0};
	int r = 0;

	u->strategy->ops->answer(u->strategy, &a);
	labels = br_answer_labels(s, &a);
	if (a.status == BR_ISOLATED && round < CLOSING_ROUNDS)
		r = close_in(u, &a, labels[0], err);
	if (r == 1)
		r = br_finish(s, BR_STATUS_ISOLATED, labels, err);
	else if (r == 0 && a.status == BR_ISOLATED && round + 1 < CLOSING_ROUNDS)
		r = search(u, round + 1, err);
	else if (r == 0)
		r = conclude_narrowed(u, &a, err);
	br_answer_done(&a);
	return r;
}

/* From here on the record says that it is one, so that `resume` goes on like this. */
static int become_noisy(struct br_session *s, struct br_err *err)
{
	struct br_search row = {.id = s->row.id, .pid = s->row.pid};
	int r;

	if (s->noisy)
		return 0;
	s->noisy = true;
	s->noisy_from = s->ntrial > 0 ? s->last_job : 0;
	row.ends = br_asprintf("%smode noisy %llu\n", s->row.ends, (unsigned long long)s->noisy_from);
	r = br_record_search_update(s->record, &row, err);
	free(row.ends);
	return r;
}

int br_noisy_run(struct br_session *s, struct br_err *err)
{
	const struct br_strategy_cfg cfg = {
		.seed = s->opt->seed, .confidence = s->opt->confidence, .switch_cost = switch_cost(s)};
	struct noisy u = {.form = {.ops = &noisy_form,
				   .session = s,
				   .doing = "searching",
				   .phase = BR_PHASE_SEARCH,
				   .has_places = true,
				   .asks_again = true}};
	int r = become_noisy(s, err);

	if (r == 0)
		r = br_strategy_noisy.open(&u.strategy, &s->domain->shape, &cfg, err);
	if (r < 0)
		return r;
	br_jobs_learn(s);
	r = test_ends(&u, err);
	if (r == 0) {
		r = br_finish(s, BR_STATUS_NOT_REPRODUCED, NULL, err);
	} else if (r > 0) {
		br_noisy_begin(u.strategy);
		say_cost(&u);
		observe_recorded(&u);
		r = search(&u, 0, err);
	}
	u.strategy->ops->close(u.strategy);
	return r;
}
