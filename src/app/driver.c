/*
 * driver.c - the loop: ask, run, judge, record, learn.
 *
 * Two ways in: br_session_ask runs a fixed list of questions (the ends, the confirmation), br_session_search runs a
 * strategy. Both share the flight of running trials.
 */
#include "app/form.h"

#include "app/flight.h"
#include "base/mem.h"
#include "base/text.h"
#include "bisect_run/err.h"
#include "sys/clock.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- a fixed list of questions ---- */

/* The answer that an interrupted run of this search already got. */
static bool stored_answer(struct br_session *s, const struct br_question *q, size_t *index)
{
	const char *item = q->item ? q->item : q->label;

	for (size_t i = 0; i < s->nstored; i++) {
		const struct br_trial *t = &s->trial[i];

		if (!s->taken[i] && t->phase == q->phase && strcmp(t->item, item) == 0) {
			s->taken[i] = true;
			*index = i;
			return true;
		}
	}
	return false;
}

static int wrong_at_once(const struct br_trial *t, struct br_err *err)
{
	if (!t->verdict.error || t->amended)
		return 0;
	return br_fail(err, BR_ESTATE, "%s", t->verdict.why);
}

static void learn(struct br_session *s, const struct br_question *q, const struct br_trial *t)
{
	if (q->role != BR_ROLE_BAD_END || t->verdict.cls != BR_BAD)
		return;
	br_judge_learn_bad_end(s->judge, &t->outcome, &t->verdict);
	br_match_learn(s, t);
}

int br_session_ask(struct br_session *s, const struct br_question *q, size_t n, size_t *answer,
		   struct br_err *err)
{
	size_t next = 0, done = 0;

	while (done < n) {
		struct br_flight f;
		size_t index;
		int r;

		while (next < n && s->nflight < s->jobs) {
			if (stored_answer(s, &q[next], &answer[next])) {
				learn(s, &q[next], &s->trial[answer[next]]);
				done++, next++;
				continue;
			}
			if (br_flight_none_left(s)) {
				if (s->nflight > 0)
					break;
				return br_fail(err, BR_EBUDGET, "--max-trials is used up");
			}
			r = br_flight_new(&f, s, &q[next], err);
			if (r < 0)
				return r;
			f.question = next++;
			r = br_flight_launch(s, &f, err);
			if (r < 0)
				return r;
		}
		if (s->nflight == 0)
			continue;
		r = br_flight_land(s, &f, &index, err);
		if (r < 0)
			return r;
		if (r == 1) {
			answer[f.question] = index;
			done++;
			learn(s, &q[f.question], &s->trial[index]);
			br_isolation_hint(s, &s->trial[index]);
			if (s->standing.tests_left > 0)
				s->standing.tests_left--;
			br_flight_announce(s);
			r = wrong_at_once(&s->trial[index], err);
		}
		br_flight_done(&f);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- a strategy ---- */

/* One run of a strategy over a form. */
struct loop {
	struct br_session *s;
	struct br_form *form;
	struct br_strategy *strategy;
};

static void observe(const struct loop *l, const struct br_probe *probe, const struct br_trial *t)
{
	struct br_verdict v = t->verdict;

	v.cls = l->form->ops->class_of ? l->form->ops->class_of(l->form, t) : br_session_class(l->s, t);
	if (l->s->fixed_mode)
		v.llr = -v.llr;
	l->strategy->ops->observe(l->strategy, probe, &v);
}

static bool is_sure(const struct loop *l, const struct br_trial *t)
{
	return !l->form->ops->is_sure || l->form->ops->is_sure(l->form, t);
}

/* A trial that was not run for this strategy, if it answers one of its probes. */
static void observe_stored(const struct loop *l, struct br_trial *t)
{
	struct br_probe probe = {0};

	if (!is_sure(l, t) || !l->form->ops->probe_of(l->form, t, &probe))
		return;
	if (probe.kind == BR_POINT)
		t->point = probe.point;
	observe(l, &probe, t);
	free(probe.keep);
}

/* Verdicts that are there already: skipped by hand, or recorded. */
static void observe_known(const struct loop *l)
{
	struct br_session *s = l->s;

	for (size_t i = 0; s->skip && s->skip[i]; i++) {
		struct br_trial t = {
			.item = s->skip[i], .phase = BR_PHASE_SEARCH, .verdict = {.cls = BR_SKIP}};

		observe_stored(l, &t);
	}
	/* What a person said comes first: it wins over what a test said that contradicts it. */
	for (int amended = 1; amended >= 0; amended--)
		for (size_t i = 0; i < s->ntrial; i++)
			/* Confirming runs are there to doubt the search, not to steer it. */
			if (s->trial[i].phase != BR_PHASE_CONFIRM && s->trial[i].amended == (amended == 1))
				observe_stored(l, &s->trial[i]);
}

static void refresh_answer(const struct loop *l, struct br_answer *a)
{
	br_answer_done(a);
	l->strategy->ops->answer(l->strategy, a);
	l->s->standing.left = a->left;
	l->s->standing.tests_left = a->probes_left;
}

/* A verdict for the same tree that this search already has, or with --reuse an earlier one. */
static bool remembered(const struct loop *l, const struct br_flight *f, struct br_trial *out)
{
	struct br_session *s = l->s;

	if (!f->tree || l->form->asks_again)
		return false;
	for (size_t i = s->ntrial; i-- > 0;) {
		const struct br_trial *t = &s->trial[i];

		if (t->phase != BR_PHASE_CONFIRM && t->tree && strcmp(t->tree, f->tree) == 0 &&
		    !t->verdict.error && t->outcome.end != BR_END_SETUP) {
			br_trial_copy(out, t);
			return true;
		}
	}
	return s->opt->reuse && s->row.basis &&
	       br_record_reuse(s->record, s->row.basis, f->tree, s->row.id, out, NULL) == 0;
}

/* Records a trial that nothing was run for, and learns from it. Takes over *t. */
static int settle_unrun(const struct loop *l, const struct br_flight *f, struct br_trial *t,
			struct br_err *err)
{
	size_t index;
	int r;

	t->n = ++l->s->last_job;
	t->cached = true;
	r = br_flight_settle(l->s, t, &index, err);
	if (r == 0)
		observe(l, &f->probe, &l->s->trial[index]);
	return r;
}

static int settle_remembered(const struct loop *l, const struct br_flight *f, struct br_trial *old,
			     struct br_err *err)
{
	struct br_trial t = br_flight_trial(f);

	t.outcome = old->outcome;
	old->outcome.log_path = NULL;
	t.verdict = old->verdict;
	t.started_ns = br_date_ns();
	br_trial_done(old);
	return settle_unrun(l, f, &t, err);
}

static bool hook_says_skip(const struct loop *l, const struct br_flight *f)
{
	struct br_trial t;
	int r;

	if (br_hooks_count(l->s->hooks, "pre-trial") == 0)
		return false;
	t = br_flight_trial(f);
	r = br_watch_trial(l->s, "pre-trial", &t);
	br_trial_done(&t);
	return r == 125;
}

static int settle_skipped(const struct loop *l, const struct br_flight *f, struct br_err *err)
{
	struct br_trial t = br_flight_trial(f);

	t.outcome.end = BR_END_SETUP;
	t.verdict = (struct br_verdict){.cls = BR_SKIP, .value = NAN};
	(void)snprintf(t.verdict.why, sizeof t.verdict.why, "the pre-trial hook said skip");
	return settle_unrun(l, f, &t, err);
}

/* Takes over the probe's keep. 1: running; 0: answered without a run. */
static int start_probe(const struct loop *l, struct br_probe *p, struct br_err *err)
{
	struct br_question q = {.phase = l->form->phase, .role = BR_ROLE_OTHER};
	struct br_trial old = {0};
	struct br_flight f;
	int r = l->form->ops->question(l->form, p, &q, err);

	if (r == 0)
		r = br_flight_new(&f, l->s, &q, err);
	if (r < 0) {
		free(p->keep);
		return r;
	}
	f.has_probe = true;
	f.probe = *p;
	if (remembered(l, &f, &old)) {
		r = settle_remembered(l, &f, &old, err);
	} else if (hook_says_skip(l, &f)) {
		r = settle_skipped(l, &f, err);
	} else {
		r = br_flight_launch(l->s, &f, err);
		return r < 0 ? r : 1;
	}
	br_flight_done(&f);
	return r;
}

static size_t near_items(const struct br_session *s, uint64_t *near)
{
	size_t n = 0;

	/*
	 * With one worker: where the last answer came from. Its tree is there too, unless the answer was remembered; then a
	 * repeated search still takes the same way, so that all of it is remembered.
	 */
	if (s->spec.jobs == 1 && s->ntrial > 0) {
		int64_t point = br_commits_find(s->domain, s->trial[s->ntrial - 1].item);

		if (point >= 0)
			near[n++] = (uint64_t)point;
		return n;
	}
	for (uint32_t w = 0; w < s->spec.jobs; w++) {
		const char *at = s->engine->ops->at(s->engine, w);
		int64_t point = at ? br_commits_find(s->domain, at) : -1;

		if (point >= 0)
			near[n++] = (uint64_t)point;
	}
	return n;
}

/* Fills the free slots. Returns the number of probes that were started or answered from memory. */
static int fill_slots(const struct loop *l, struct br_err *err)
{
	struct br_session *s = l->s;
	size_t room = s->jobs > s->nflight ? s->jobs - s->nflight : 0;
	br_auto_free struct br_probe *p = br_calloc(room, sizeof *p);
	br_auto_free uint64_t *near = br_calloc(s->spec.jobs, sizeof *near);
	size_t nnear = l->form->has_places ? near_items(s, near) : 0, got = 0;
	int r = 0;

	if (room > 0)
		got = l->strategy->ops->propose(l->strategy, near, nnear, p, room);
	for (size_t i = 0; i < got; i++) {
		if (r == 0 && br_flight_none_left(s) && s->nflight == 0)
			r = br_fail(err, BR_EBUDGET, "--max-trials is used up");
		if (r < 0 || br_flight_none_left(s)) {
			l->strategy->ops->forget(l->strategy, &p[i]);
			free(p[i].keep);
			continue;
		}
		r = start_probe(l, &p[i], err);
		if (r > 0)
			r = 0;
	}
	return r < 0 ? r : (int)got;
}

static void cancel_moot(const struct loop *l)
{
	for (size_t i = 0; i < l->s->nflight; i++) {
		struct br_flight *f = &l->s->flight[i];

		if (!f->cancelled && f->has_probe && l->strategy->ops->moot(l->strategy, &f->probe)) {
			f->cancelled = true;
			l->s->engine->ops->cancel(l->s->engine, f->job);
		}
	}
}

static int land_probe(const struct loop *l, struct br_err *err)
{
	struct br_session *s = l->s;
	struct br_flight f;
	size_t index;
	int r = br_flight_land(s, &f, &index, err);

	if (r < 0)
		return r;
	if (r == 2) {
		l->strategy->ops->forget(l->strategy, &f.probe);
	} else {
		const struct br_trial *t = &s->trial[index];

		r = wrong_at_once(t, err);
		if (r == 0 && t->outcome.end == BR_END_SETUP && t->outcome.note[0])
			br_session_note(s, "%s could not be tested: %s", f.title, t->outcome.note);
		if (r == 0 && is_sure(l, t))
			observe(l, &f.probe, t);
		else
			l->strategy->ops->forget(l->strategy, &f.probe);
	}
	br_flight_done(&f);
	return r < 0 ? r : 0;
}

/* One turn. 1: the strategy is done. */
static int turn(const struct loop *l, struct br_answer *a, struct br_err *err)
{
	bool due = l->form->ops->is_due && l->form->ops->is_due(l->form);
	int started = 0, r = 0;

	refresh_answer(l, a);
	br_flight_announce(l->s);
	cancel_moot(l);
	if (l->form->ops->learnt)
		r = l->form->ops->learnt(l->form, l->strategy, err);
	if (r < 0 || a->status != BR_SEARCHING)
		return r < 0 ? r : 1;
	if (due && l->s->nflight == 0)
		return l->form->ops->check(l->form, err);
	if (!due)
		started = fill_slots(l, err);
	if (started < 0)
		return started;
	if (l->s->nflight == 0 && started == 0)
		return br_fail(err, BR_ESTATE, "the search is stuck: nothing proposed, nothing running");
	return l->s->nflight > 0 ? land_probe(l, err) : 0;
}

int br_session_search(struct br_form *form, struct br_strategy *strategy, struct br_err *err)
{
	const struct loop l = {.s = form->session, .form = form, .strategy = strategy};
	struct br_answer a = {0};
	int r;

	l.s->standing.phase = form->doing;
	l.s->standing.unit = form->unit;
	observe_known(&l);
	do
		r = turn(&l, &a, err);
	while (r == 0);
	br_answer_done(&a);
	if (r < 0)
		return r;
	br_session_drain(l.s);
	return 0;
}

void br_say_cost(const struct br_form *form, struct br_strategy *strategy)
{
	struct br_session *s = form->session;
	struct br_answer a = {0};
	const char *unit = form->unit ? form->unit : "candidate";
	char took[32], how_long[64] = "";

	strategy->ops->answer(strategy, &a);
	s->standing.left = a.left;
	s->standing.tests_left = s->tests_expected = ceil(a.probes_left);
	br_answer_done(&a);
	if (br_standing_seconds(&s->standing) > 0)
		(void)snprintf(how_long, sizeof how_long, ", about %s",
			       br_format_duration((uint64_t)(br_standing_seconds(&s->standing) * 1e9), took,
						  sizeof took));
	br_progress_say(
		s->progress, "%llu %s%s, %s %.0f test%s, %u at once%s",
		(unsigned long long)s->candidates_at_start, unit, s->candidates_at_start == 1 ? "" : "s",
		form->phase == BR_PHASE_SEARCH ? "about" : "at least", s->tests_expected,
		s->tests_expected > 0.5 && s->tests_expected < 1.5 ? "" : "s", s->spec.jobs, how_long);
}

/* ---- commits ---- */

int br_form_commit(struct br_form *f, const struct br_probe *probe, struct br_question *out,
		   struct br_err *err)
{
	const struct br_session *s = f->session;

	(void)err;
	out->label = probe->point == BR_POINT_OUTSIDE ? s->good[0]
						      : s->domain->ops->label(s->domain, probe->point);
	return 0;
}

bool br_form_no_probe(struct br_form *f, const struct br_trial *t, struct br_probe *out)
{
	(void)f;
	(void)t;
	(void)out;
	return false;
}

char **br_answer_labels(struct br_session *s, const struct br_answer *a)
{
	char **out = br_calloc(a->nitem + 1, sizeof *out);

	for (uint64_t i = 0; i < a->nitem; i++)
		out[i] = br_strdup(s->domain->ops->label(s->domain, a->item[i]));
	return out;
}

static bool commit_probe_of(struct br_form *f, const struct br_trial *t, struct br_probe *out)
{
	int64_t point = br_commits_find(f->session->domain, t->item);

	*out = (struct br_probe){.kind = BR_POINT, .point = (uint64_t)point};
	return point >= 0;
}

static const struct br_form_ops commit_form = {.question = br_form_commit, .probe_of = commit_probe_of};

struct br_form br_form_commits(struct br_session *s)
{
	return (struct br_form){.ops = &commit_form,
				.session = s,
				.doing = "searching",
				.phase = BR_PHASE_SEARCH,
				.has_places = true};
}
