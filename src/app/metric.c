/*
 * metric.c - --metric. include/bisect_run/metric.h says how the strategy is driven: the ends in turn until they differ, the search,
 * closing runs that are compared by their medians.
 */
#include "app/metric.h"

#include "app/finish.h"
#include "app/form.h"
#include "app/jobs.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "bisect_run/err.h"
#include "bisect_run/metric.h"
#include "domain/repo.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { CLOSING_CULPRIT = 4, CLOSING_PARENT = 3, CLOSING_ROUNDS = 2 };
/* A part of the change that lies elsewhere is worth a word from this share on. */
static const double SHARE_TOLD = 0.1;

struct values {
	double *v;
	size_t n, cap;
};

struct metric {
	struct br_form form;
	struct br_strategy *strategy;
	struct values good_end, bad_end;
	struct br_metric_ends_result ends;
	struct values parents, culprit; /* of the closing runs */
};

/* ---- what is measured ---- */

bool br_metric_is_time(const struct br_options *o)
{
	static const char *const times[] = {"wall", "user", "sys", "cpu", NULL};

	for (size_t i = 0; o->metric && times[i]; i++)
		if (strcmp(times[i], o->metric) == 0)
			return true;
	return o->metric && o->metric[0] == '/'; /* what a program prints is a time, as a rule */
}

const char *br_metric_unit(const struct br_options *o)
{
	if (strcmp(o->metric, "rss") == 0)
		return "bytes";
	if (strcmp(o->metric, "instructions") == 0)
		return "instructions";
	return o->metric[0] == '/' ? "" : "s";
}

static bool in_path(const char *name)
{
	const char *path = getenv("PATH");

	while (path && *path) {
		size_t n = strcspn(path, ":");
		br_auto_free char *file = br_asprintf("%.*s/%s", (int)n, path, name);

		if (access(file, X_OK) == 0)
			return true;
		path += n + (path[n] == ':');
	}
	return false;
}

int br_metric_wrap(const struct br_options *o, char ***argv, size_t *n, struct br_err *err)
{
	static const char *const counter[] = {"valgrind",
					      "--tool=cachegrind",
					      "--cache-sim=no",
					      "--trace-children=yes",
					      "--cachegrind-out-file=/dev/null",
					      NULL};
	char **out = NULL;

	if (!o->metric || strcmp(o->metric, "instructions") != 0 || !*argv)
		return 0;
	if (!in_path(counter[0]))
		return br_fail(err, BR_ESTATE,
			       "--metric instructions counts by valgrind, which is not there: install it, or "
			       "use --metric "
			       "user");
	for (*n = 0; counter[*n]; ++*n)
		br_strv_add(&out, counter[*n]);
	for (size_t i = 0; (*argv)[i]; i++)
		br_strv_add(&out, (*argv)[i]);
	br_strv_free(*argv);
	*argv = out;
	return 0;
}

static void add(struct values *v, double x)
{
	br_grow(&v->v, v->n, &v->cap);
	v->v[v->n++] = x;
}

/* For people: 12.3 ms, 4.5 MiB, 1234567. The caller frees. */
static char *show(const struct br_session *s, double x)
{
	const char *unit = br_metric_unit(s->opt);

	if (strcmp(unit, "s") == 0)
		return x < 1 ? br_asprintf("%.3g ms", x * 1e3) : br_asprintf("%.4g s", x);
	if (strcmp(unit, "bytes") == 0)
		return br_asprintf("%.4g MiB", x / 1048576);
	return br_asprintf("%.6g%s%s", x, *unit ? " " : "", unit);
}

/* ---- observing ---- */

static enum br_class class_of(const struct br_form *f, const struct br_trial *t)
{
	(void)f;
	return isfinite(t->verdict.value) ? BR_GOOD : BR_SKIP;
}

static bool is_old_end(const struct br_session *s, const char *item)
{
	for (size_t i = 0; s->good && s->good[i]; i++)
		if (strcmp(s->good[i], item) == 0)
			return true;
	return false;
}

static void observe(struct metric *u, const struct br_trial *t)
{
	struct br_session *s = u->form.session;
	int64_t at = br_commits_find(s->domain, t->item);
	struct br_probe probe = {
		.kind = BR_POINT, .point = at >= 0 ? (uint64_t)at : BR_POINT_OUTSIDE, .id = t->n};
	struct br_verdict v = t->verdict;

	if (t->outcome.end == BR_END_SETUP || (at < 0 && !is_old_end(s, t->item)))
		return;
	v.cls = class_of(&u->form, t);
	u->strategy->ops->observe(u->strategy, &probe, &v);
}

/* ---- the ends ---- */

/* One run at an end; *value is NAN when nothing was measured. */
static int measure_end(struct metric *u, bool new_end, double *value, struct br_err *err)
{
	struct br_session *s = u->form.session;
	const struct br_question q = {.label = new_end ? s->bad : s->good[0],
				      .phase = BR_PHASE_ENDS,
				      .role = new_end ? BR_ROLE_OTHER : BR_ROLE_GOOD_END};
	size_t answer;
	int r = br_session_ask(s, &q, 1, &answer, err);

	if (r < 0)
		return r;
	*value = s->trial[answer].verdict.value;
	observe(u, &s->trial[answer]);
	br_ends_learn_limit(s);
	if (isfinite(*value))
		return 0;
	s->telling = answer + 1;
	br_session_message(s, br_asprintf("the %s end cannot be measured: %s", new_end ? "bad" : "good",
					  s->trial[answer].verdict.why));
	return 0;
}

/* A pair, in an order that changes: good bad, bad good, ... 0: measured; 1: an end cannot be. */
static int measure_pair(struct metric *u, size_t pair, struct br_err *err)
{
	double value[2];

	for (int i = 0; i < 2; i++) {
		bool new_end = (i == 1) == (pair % 2 == 0);
		int r = measure_end(u, new_end, &value[new_end], err);

		if (r < 0 || !isfinite(value[new_end]))
			return r < 0 ? r : 1;
	}
	add(&u->good_end, value[0]);
	add(&u->bad_end, value[1]);
	return 0;
}

static void ends_are_same(struct metric *u, enum br_metric_ends ends)
{
	struct br_session *s = u->form.session;

	if (ends == BR_METRIC_SWAPPED)
		br_session_message(
			s, br_asprintf("not reproduced: the bad end is better, by %.3g %%; swap them%s",
				       100 * fabs(u->ends.change),
				       s->opt->higher_is_better ? "" : ", or use --higher-is-better"));
	else if (isfinite(u->ends.at_most))
		br_session_message(
			s, br_asprintf("not reproduced: the ends do not differ by more than %.3g %% in %zu "
				       "pairs of runs",
				       100 * u->ends.at_most, u->good_end.n));
	else
		br_session_message(s, br_asprintf("not reproduced: the ends do not differ"));
}

/* 1: they differ; 0: not, and the message says so; or an error. */
static int test_ends(struct metric *u, struct br_err *err)
{
	struct br_session *s = u->form.session;
	const struct br_metric_ends_cfg cfg = {.threshold = s->opt->threshold,
					       .higher_is_better = s->opt->higher_is_better != s->fixed_mode,
					       .drifts = br_metric_is_time(s->opt)};

	s->standing.phase = "measuring the ends";
	s->standing.tests_left = -1;
	for (size_t pair = 0;; pair++) {
		enum br_metric_ends ends;
		int r = measure_pair(u, pair, err);

		if (r != 0)
			return r < 0 ? r : 0;
		ends = br_metric_ends_judge(u->good_end.v, u->bad_end.v, u->good_end.n, &cfg, &u->ends);
		if (ends == BR_METRIC_DIFFER)
			return 1;
		if (ends != BR_METRIC_MORE) {
			ends_are_same(u, ends);
			return 0;
		}
	}
}

static void say_cost(struct metric *u)
{
	struct br_session *s = u->form.session;
	double builds, runs = br_metric_predict(u->ends.effect_sd, (double)s->candidates_at_start,
						s->opt->confidence, &builds);

	s->tests_expected = ceil(runs);
	s->standing.tests_left = s->tests_expected;
	br_progress_say(s->progress,
			"the ends differ by %+.3g %% (%.2g standard deviations of a run): about %.0f runs of "
			"about %.0f "
			"commits",
			100 * u->ends.change, u->ends.effect_sd, ceil(runs), ceil(builds));
	if (u->ends.effect_sd < BR_METRIC_SMALL_EFFECT && br_metric_is_time(s->opt))
		br_session_note(
			s,
			"the change is small beside the noise; --metric instructions would need fewer runs");
}

/* ---- the search ---- */

static const struct br_form_ops metric_form = {
	.question = br_form_commit, .probe_of = br_form_no_probe, .class_of = class_of};

/* ---- conclusions ---- */

/* The culprit and its parents in turn, so that a machine that drifts is fair to both. */
static int ask_closing(struct metric *u, const struct br_commit_info *c, struct br_err *err)
{
	struct br_session *s = u->form.session;
	size_t nparent = s->first_parent && c->nparent > 1 ? 1 : c->nparent;

	br_progress_say(s->progress, "probably %s %s; it and its parents are measured again", c->short_oid,
			c->subject);
	s->standing.phase = "confirming";
	s->standing.tests_left = -1;
	u->culprit.n = u->parents.n = 0;
	for (size_t i = 0; i < CLOSING_CULPRIT + CLOSING_PARENT * nparent; i++) {
		size_t turn = i % (nparent + 1);
		bool parent = turn > 0 || i >= CLOSING_CULPRIT * (nparent + 1);
		const struct br_question q = {.label = parent ? c->parent[(turn + nparent - 1) % nparent]
							      : c->oid,
					      .phase = BR_PHASE_CONFIRM,
					      .role = BR_ROLE_OTHER};
		size_t answer;
		int r = br_session_ask(s, &q, 1, &answer, err);

		if (r < 0)
			return r;
		if (isfinite(s->trial[answer].verdict.value))
			add(parent ? &u->parents : &u->culprit, s->trial[answer].verdict.value);
	}
	return 0;
}

static struct br_metric_values sample(const struct values *v)
{
	struct br_metric_sample x;

	br_metric_sample_of(v->v, v->n, &x);
	return (struct br_metric_values){.n = x.n, .median = x.median, .low = x.low, .high = x.high};
}

/* Two-sided, of a normal approximation to the difference of the means of ln(value). */
static double p_value(const struct values *a, const struct values *b)
{
	const struct values *side[] = {a, b};
	double mean[2] = {0}, var[2] = {0}, t;

	if (a->n < 2 || b->n < 2)
		return NAN;
	for (int i = 0; i < 2; i++) {
		for (size_t k = 0; k < side[i]->n; k++)
			mean[i] += log(side[i]->v[k]) / (double)side[i]->n;
		for (size_t k = 0; k < side[i]->n; k++)
			var[i] += pow(log(side[i]->v[k]) - mean[i], 2) / (double)(side[i]->n - 1);
	}
	t = fabs(mean[1] - mean[0]) / sqrt(var[0] / (double)a->n + var[1] / (double)b->n);
	return isfinite(t) ? erfc(t / sqrt(2)) : 0;
}

static void found(struct metric *u)
{
	struct br_session *s = u->form.session;
	const struct values *good = u->parents.n ? &u->parents : &u->good_end;
	const struct values *bad = u->culprit.n ? &u->culprit : &u->bad_end;

	free(s->measured.name);
	free(s->measured.unit);
	s->measured = (struct br_metric_found){.name = br_strdup(s->opt->metric),
					       .unit = br_strdup(br_metric_unit(s->opt)),
					       .good = sample(good),
					       .bad = sample(bad),
					       .p = p_value(good, bad)};
	s->measured.change = s->measured.bad.median / s->measured.good.median - 1;
}

/* What of the whole change lies elsewhere. */
static void note_rest(struct metric *u)
{
	struct br_session *s = u->form.session;
	struct br_metric_sample good, bad;
	struct br_metric_rest rest;

	br_metric_sample_of(u->good_end.v, u->good_end.n, &good);
	br_metric_sample_of(u->bad_end.v, u->bad_end.n, &bad);
	br_metric_rest(good.median, s->measured.good.median, s->measured.bad.median, bad.median, &rest);
	if (fabs(rest.before) > SHARE_TOLD || fabs(rest.after) > SHARE_TOLD)
		br_session_note(s,
				"of the whole change between the ends %.0f %% lies at this commit, %.0f %% "
				"before it and "
				"%.0f %% after it",
				100 * rest.at, 100 * rest.before, 100 * rest.after);
}

static void say_sure(struct metric *u, const struct br_answer *a)
{
	struct br_session *s = u->form.session;
	br_auto_free char *sure = br_sure_text(a->confidence);
	br_auto_free char *before = show(s, s->measured.good.median);
	br_auto_free char *after = show(s, s->measured.bad.median);

	free(s->how_sure);
	s->how_sure = br_asprintf(
		"%s; measured again: %s before it (%zu runs), %s from it on (%zu runs): %+.3g "
		"%%",
		sure, before, s->measured.good.n, after, s->measured.bad.n, 100 * s->measured.change);
}

/* Whether the culprit's median lies on the bad side of its parents'. */
static bool agrees(const struct metric *u)
{
	const struct br_session *s = u->form.session;
	bool higher = s->measured.bad.median > s->measured.good.median;

	return higher != (s->opt->higher_is_better != s->fixed_mode);
}

/* 1: named; 0: the closing runs contradict, and were observed. */
static int close_in(struct metric *u, const struct br_answer *a, const char *culprit, struct br_err *err)
{
	struct br_session *s = u->form.session;
	struct br_commit_info info;
	size_t before = s->ntrial;
	int r = br_repo_commit_info(s->repo, culprit, false, &info, err);

	if (r < 0)
		return r;
	if (s->opt->confirm != BR_CONFIRM_OFF && info.nparent > 0)
		r = ask_closing(u, &info, err);
	br_commit_info_done(&info);
	if (r < 0)
		return r;
	found(u);
	say_sure(u, a);
	s->confidence = a->confidence;
	if (u->culprit.n == 0 || u->parents.n == 0 || agrees(u)) {
		note_rest(u);
		return 1;
	}
	for (size_t i = before; i < s->ntrial; i++)
		observe(u, &s->trial[i]);
	br_session_note(s, "fresh runs contradicted the first answer: the search went on with them");
	return 0;
}

static int conclude_narrowed(struct metric *u, const struct br_answer *a, char *const *labels,
			     struct br_err *err)
{
	struct br_session *s = u->form.session;

	s->confidence = a->confidence;
	found(u);
	br_session_message(
		s, br_asprintf("no single commit explains the change; with 90 %% chance it is one of %llu",
			       (unsigned long long)a->nitem));
	return br_finish(s, BR_STATUS_NARROWED, labels, err);
}

static int search(struct metric *u, unsigned round, struct br_err *err)
{
	struct br_session *s = u->form.session;
	br_auto_strv char **labels = NULL;
	struct br_answer a = {0};
	int named = 0, r = br_session_search(&u->form, u->strategy, err);

	if (r < 0)
		return r;
	u->strategy->ops->answer(u->strategy, &a);
	labels = br_answer_labels(s, &a);
	if (a.status == BR_ISOLATED)
		named = close_in(u, &a, labels[0], err);
	if (named < 0)
		r = named;
	else if (named == 1)
		r = br_finish_culprit(s, labels, err);
	else if (a.status == BR_ISOLATED && round + 1 < CLOSING_ROUNDS)
		r = search(u, round + 1, err);
	else
		r = conclude_narrowed(u, &a, labels, err);
	br_answer_done(&a);
	return r;
}

static int run(struct metric *u, struct br_err *err)
{
	struct br_session *s = u->form.session;
	int r = test_ends(u, err);

	if (r == 0) {
		if (u->good_end.n > 0)
			found(u);
		return br_finish(s, BR_STATUS_NOT_REPRODUCED, NULL, err);
	}
	if (r < 0)
		return r;
	say_cost(u);
	for (size_t i = 0; i < s->nstored; i++)
		if (s->trial[i].phase == BR_PHASE_SEARCH)
			observe(u, &s->trial[i]);
	return search(u, 0, err);
}

int br_metric_run(struct br_session *s, struct br_err *err)
{
	const struct br_strategy_cfg cfg = {
		.seed = s->opt->seed,
		.confidence = s->opt->confidence,
		.higher_is_better = s->opt->higher_is_better != s->fixed_mode,
		.drifts = br_metric_is_time(s->opt),
	};
	struct metric u = {.form = {.ops = &metric_form,
				    .session = s,
				    .doing = "measuring",
				    .phase = BR_PHASE_SEARCH,
				    .has_places = true,
				    .asks_again = true}};
	int r = br_strategy_metric.open(&u.strategy, &s->domain->shape, &cfg, err);

	if (r < 0)
		return r;
	if (!br_metric_is_time(s->opt))
		br_jobs_learn(s);
	r = run(&u, err);
	u.strategy->ops->close(u.strategy);
	free(u.good_end.v);
	free(u.bad_end.v);
	free(u.parents.v);
	free(u.culprit.v);
	return r;
}
