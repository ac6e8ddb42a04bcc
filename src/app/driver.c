/*
 * driver.c - the loop: propose, run, judge, record, learn. A trial is on disk before anything is learnt from it.
 *
 * Two ways in: br_session_ask runs a fixed list of questions (the ends, the confirmation), br_session_search runs a
 * strategy. Both share the flight of running trials.
 */
#include "app/session.h"

#include "app/flight.h"
#include "app/signals.h"
#include "base/mem.h"
#include "base/text.h"
#include "bisect_run/err.h"
#include "domain/repo.h"
#include "sys/clock.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A worker that dies under a candidate this often is not the candidate's fault. */
enum { MAX_LOST = 3 };
/* A limit that was only learnt is multiplied by this for the second try. */
enum { MORE_TIME = 3 };
enum { TICK_MS = 250 };
#define LIVE_EVERY_NS 1000000000ull

void br_flight_done(struct br_flight *f)
{
	free(f->oid);
	free(f->tree);
	free(f->title);
	*f = (struct br_flight){0};
}

const struct br_trial *br_session_amended(const struct br_session *s, const char *oid)
{
	for (size_t i = s->ntrial; i-- > 0;)
		if (s->trial[i].amended && strcmp(s->trial[i].item, oid) == 0)
			return &s->trial[i];
	return NULL;
}

enum br_class br_session_class(const struct br_session *s, const struct br_trial *t)
{
	if (!s->fixed_mode || t->verdict.cls == BR_SKIP)
		return t->verdict.cls;
	return t->verdict.cls == BR_GOOD ? BR_BAD : BR_GOOD;
}

/* ---- standing ---- */

static void refresh_standing(struct br_session *s)
{
	struct br_standing *st = &s->standing;

	st->nrunning = s->nflight;
	st->running = s->nflight ? s->flight[0].title : NULL;
	st->running_ns = s->nflight ? br_now_ns() - s->flight[0].began_ns : 0;
}

static void update_live(struct br_session *s)
{
	uint64_t now = br_now_ns();
	struct br_search row = {.id = s->row.id, .pid = getpid()};

	if (now - s->live_ns < LIVE_EVERY_NS)
		return;
	s->live_ns = now;
	refresh_standing(s);
	row.live = br_standing_text(&s->standing);
	row.busy_ns = br_session_busy_ns(s);
	/* Only what `status` shows: a failure here is not worth ending a search for. */
	(void)br_record_search_update(s->record, &row, NULL);
	free(row.live);
}

static void note_duration(struct br_session *s, const struct br_outcome *o)
{
	double each = (double)(o->wall_ns + o->build_ns + o->setup_ns) / 1e9;
	struct br_standing *st = &s->standing;

	/* A running mean that follows: builds late in a search are incremental and shorter. */
	st->seconds_each = st->seconds_each > 0 ? 0.7 * st->seconds_each + 0.3 * each : each;
}

/* ---- signals and budgets ---- */

static void stop_here(struct br_session *s)
{
	uint64_t began = br_now_ns();

	br_progress_hide(s->progress);
	s->engine->ops->pause(s->engine, true);
	(void)kill(getpid(), SIGSTOP);
	s->engine->ops->pause(s->engine, false);
	s->paused_ns += br_now_ns() - began;
}

int br_session_check_signals(struct br_session *s, struct br_err *err)
{
	int sig;

	while ((sig = br_signals_take(s->signal_fd)) != 0) {
		if (sig == SIGTSTP) {
			stop_here(s);
			continue;
		}
		s->signal = sig;
		br_signals_release();
		return br_fail(err, BR_EINTR, "interrupted");
	}
	return 0;
}

static bool out_of_time(const struct br_session *s)
{
	uint64_t here = br_session_busy_ns(s) - s->busy_before_ns;

	return s->opt->max_time_ns && here >= s->opt->max_time_ns;
}

static bool out_of_trials(const struct br_session *s)
{
	return s->opt->max_trials && s->run_here + s->nflight >= s->opt->max_trials;
}

/* ---- recording ---- */

static size_t keep(struct br_session *s, struct br_trial *t)
{
	br_grow(&s->trial, s->ntrial, &s->trial_cap);
	s->trial[s->ntrial] = *t;
	*t = (struct br_trial){0};
	return s->ntrial++;
}

/* Shows what ended, once it was learnt from: the line then says what is left. */
static void announce(struct br_session *s)
{
	refresh_standing(s);
	for (; s->announced < s->ntrial; s->announced++) {
		const struct br_trial *t = &s->trial[s->announced];
		br_auto_free char *title = br_session_title(s, t->item);

		br_progress_trial(s->progress, t, title, &s->standing);
	}
}

/* Records the trial. Sets *index; takes over *t. */
static int settle(struct br_session *s, struct br_trial *t, size_t *index, struct br_err *err)
{
	int r = br_record_trial(s->record, s->row.id, t, err);

	if (r < 0) {
		br_trial_done(t);
		return r;
	}
	if (!t->cached && t->outcome.end != BR_END_SETUP)
		s->run_here++;
	if (!t->cached)
		note_duration(s, &t->outcome);
	*index = keep(s, t);
	if (s->trial[*index].outcome.leftovers > 0 && s->trial[*index].outcome.end != BR_END_TIMEOUT)
		br_session_note(s, "COMMAND left processes running; they were killed after the trial");
	if (s->npatch && s->trial[*index].outcome.end != BR_END_SETUP && s->trial[*index].outcome.note[0])
		br_session_note(s,
				"a --patch did not apply everywhere: those candidates were tested without it "
				"(--json names them)");
	(void)br_watch_trial(s, "post-trial", &s->trial[*index]);
	return 0;
}

static struct br_trial trial_of(const struct br_flight *f)
{
	return (struct br_trial){
		.n = f->job,
		.phase = f->phase,
		.point = f->has_probe ? f->probe.point : UINT64_MAX,
		.item = br_strdup(f->oid),
		.tree = br_strdup_or_null(f->tree),
		.started_ns = f->began_date_ns,
	};
}

/* ---- starting ---- */

/*
 * The idle worker with the tree that lies nearest: the fewest files are written, and the build has the least to do.
 * Trees beside the range are those of good ends, before all items. -1: none has a tree.
 */
static int nearest_worker(const struct br_session *s, const struct br_flight *f)
{
	int64_t best = INT64_MAX, to = s->domain ? br_commits_find(s->domain, f->oid) : -1;
	int nearest = -1;

	for (uint32_t w = 0; w < s->jobs && s->domain; w++) {
		const char *at =
			s->engine->ops->is_idle(s->engine, w) ? s->engine->ops->at(s->engine, w) : NULL;
		int64_t from = at ? br_commits_find(s->domain, at) : -1;
		int64_t far = from < to ? to - from : from - to;

		if (at && far < best) {
			best = far;
			nearest = (int)w;
		}
	}
	return nearest;
}

static int launch(struct br_session *s, struct br_flight *f, struct br_err *err)
{
	struct br_job job = {.id = ++s->last_job,
			     .label = f->oid,
			     .timeout_ns = f->limit_ns,
			     .fresh = f->fresh || s->opt->fresh,
			     .prefer = nearest_worker(s, f)};
	int r;

	f->job = job.id;
	f->began_ns = br_now_ns();
	f->began_date_ns = br_date_ns();
	r = s->engine->ops->submit(s->engine, &job, err);
	if (r < 0) {
		br_flight_done(f);
		return r;
	}
	s->flight[s->nflight++] = *f;
	refresh_standing(s);
	br_progress_tick(s->progress, &s->standing);
	update_live(s);
	return 0;
}

static struct br_flight flight_for(struct br_session *s, const char *oid, enum br_phase phase)
{
	struct br_flight f = {.oid = br_strdup(oid),
			      .title = br_session_title(s, oid),
			      .phase = phase,
			      .role = BR_ROLE_OTHER,
			      .limit_ns = s->limit_ns};
	char tree[BR_OID_HEX];

	if (s->key_by_commit)
		f.tree = br_strdup(oid);
	else if (s->repo && br_repo_tree_of(s->repo, oid, tree, NULL) == 0)
		f.tree = br_strdup(tree);
	return f;
}

/* ---- landing ---- */

static int retry(struct br_session *s, struct br_flight *f, struct br_err *err)
{
	struct br_flight again = *f;

	*f = (struct br_flight){0}; /* moved */
	return launch(s, &again, err);
}

/* What is left of a flight that leads to no verdict. 1: started again. */
static int landed_without_verdict(struct br_session *s, struct br_flight *f, const struct br_outcome *o,
				  struct br_err *err)
{
	if (o->end == BR_END_CANCELLED || f->cancelled)
		return 0;
	if (++f->lost < MAX_LOST) {
		int r = retry(s, f, err);

		return r < 0 ? r : 1;
	}
	return br_fail(err, BR_ESTATE,
		       "the trial of %s could not be run%s%s; what was recorded stands, go on with: "
		       "bisect-run resume %lld",
		       f->title, o->note[0] ? ": " : "", o->note, (long long)s->row.id);
}

/* The trial of a landed flight: judged, asked about, recorded. */
static int conclude(struct br_session *s, struct br_flight *f, struct br_outcome *o, size_t *index,
		    struct br_err *err)
{
	struct br_trial t = trial_of(f);
	int r;

	t.outcome = *o;
	o->log_path = NULL;
	r = br_judge_verdict(s->judge, &t.outcome, f->role, &t.verdict, err);
	if (r == 0 && s->opt->ask && t.outcome.end != BR_END_SETUP)
		r = br_ask_person(s, &t, t.outcome.worker, err);
	if (r < 0) {
		br_trial_done(&t);
		return r;
	}
	return settle(s, &t, index, err);
}

static size_t flight_of(const struct br_session *s, uint64_t job)
{
	size_t i = 0;

	while (s->flight[i].job != job)
		i++;
	return i;
}

/*
 * Waits for one flight to end. 1: *f (the caller's, br_flight_done) ended with trial *index; 2: *f ended without a
 * verdict (cancelled); an error otherwise.
 */
static int land(struct br_session *s, struct br_flight *f, size_t *index, struct br_err *err)
{
	for (;;) {
		struct br_done done = {0};
		struct br_verdict v;
		int r = br_session_check_signals(s, err);

		if (r < 0)
			return r;
		if (out_of_time(s))
			return br_fail(err, BR_EBUDGET, "--max-time is used up");
		r = s->engine->ops->wait(s->engine, s->signal_fd, TICK_MS, &done, err);
		if (r < 0)
			return r;
		refresh_standing(s);
		br_progress_tick(s->progress, &s->standing);
		update_live(s);
		if (r == 0)
			continue;
		size_t i = flight_of(s, done.id);

		*f = s->flight[i];
		s->flight[i] = s->flight[--s->nflight];
		if (done.outcome.end == BR_END_LOST || done.outcome.end == BR_END_CANCELLED || f->cancelled) {
			r = landed_without_verdict(s, f, &done.outcome, err);
			free(done.outcome.log_path);
			if (r == 1)
				continue;
			if (r < 0)
				br_flight_done(f);
			return r < 0 ? r : 2;
		}
		if (!f->more_time && s->limit_learnt &&
		    br_judge_verdict(s->judge, &done.outcome, f->role, &v, NULL) == 0 && v.over_learnt) {
			f->more_time = true;
			f->limit_ns *= MORE_TIME;
			free(done.outcome.log_path);
			r = retry(s, f, err);
			if (r < 0)
				return r;
			continue;
		}
		r = conclude(s, f, &done.outcome, index, err);
		free(done.outcome.log_path);
		if (r < 0)
			br_flight_done(f);
		return r < 0 ? r : 1;
	}
}

void br_session_drain(struct br_session *s)
{
	for (size_t i = 0; i < s->nflight; i++) {
		s->flight[i].cancelled = true;
		s->engine->ops->cancel(s->engine, s->flight[i].job);
	}
	while (s->nflight > 0) {
		struct br_done done = {0};
		size_t i;

		if (s->engine->ops->wait(s->engine, -1, 5000, &done, NULL) != 1)
			return; /* close kills what is left */
		i = flight_of(s, done.id);
		br_flight_done(&s->flight[i]);
		s->flight[i] = s->flight[--s->nflight];
		free(done.outcome.log_path);
	}
}

/* ---- a fixed list of questions ---- */

/* The answer that an interrupted run of this search already got. */
static bool stored_answer(struct br_session *s, const struct br_question *q, size_t *index)
{
	for (size_t i = 0; i < s->nstored; i++) {
		const struct br_trial *t = &s->trial[i];

		if (!s->taken[i] && t->phase == q->phase && strcmp(t->item, q->oid) == 0) {
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
	if (q->role == BR_ROLE_BAD_END && t->verdict.cls == BR_BAD)
		br_judge_learn_bad_end(s->judge, &t->outcome, &t->verdict);
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
			if (out_of_trials(s)) {
				if (s->nflight > 0)
					break;
				return br_fail(err, BR_EBUDGET, "--max-trials is used up");
			}
			f = flight_for(s, q[next].oid, q[next].phase);
			f.role = q[next].role;
			f.fresh = q[next].fresh;
			f.question = next++;
			r = launch(s, &f, err);
			if (r < 0)
				return r;
		}
		if (s->nflight == 0)
			continue;
		r = land(s, &f, &index, err);
		if (r < 0)
			return r;
		if (r == 1) {
			answer[f.question] = index;
			done++;
			learn(s, &q[f.question], &s->trial[index]);
			if (s->standing.tests_left > 0)
				s->standing.tests_left--;
			announce(s);
			r = wrong_at_once(&s->trial[index], err);
		}
		br_flight_done(&f);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- a strategy ---- */

static void observe(struct br_session *s, struct br_strategy *strategy, uint64_t point,
		    const struct br_trial *t)
{
	struct br_probe probe = {.kind = BR_POINT, .point = point};
	struct br_verdict v = t->verdict;

	v.cls = br_session_class(s, t);
	if (s->fixed_mode)
		v.llr = -v.llr;
	strategy->ops->observe(strategy, &probe, &v);
}

/* Verdicts of trials that were not run for this strategy but belong to its items: skipped by hand, or recorded. */
static void observe_known(struct br_session *s, struct br_strategy *strategy)
{
	for (size_t i = 0; s->skip && s->skip[i]; i++) {
		struct br_trial t = {.verdict = {.cls = BR_SKIP}};
		int64_t point = br_commits_find(s->domain, s->skip[i]);

		if (point >= 0)
			observe(s, strategy, (uint64_t)point, &t);
	}
	/* What a person said comes first: it wins over what a test said that contradicts it. */
	for (int amended = 1; amended >= 0; amended--) {
		for (size_t i = 0; i < s->ntrial; i++) {
			struct br_trial *t = &s->trial[i];
			int64_t point = br_commits_find(s->domain, t->item);

			/* Confirming runs are there to doubt the search, not to steer it. */
			if (t->phase == BR_PHASE_CONFIRM || t->amended != (amended == 1) || point < 0)
				continue;
			t->point = (uint64_t)point;
			observe(s, strategy, t->point, t);
		}
	}
}

static void refresh_answer(struct br_session *s, struct br_strategy *strategy, struct br_answer *a)
{
	br_answer_done(a);
	strategy->ops->answer(strategy, a);
	s->standing.left = a->left;
	s->standing.tests_left = a->probes_left;
}

/* A verdict for the same tree that this search already has, or with --reuse an earlier one. */
static bool remembered(struct br_session *s, const struct br_flight *f, struct br_trial *out)
{
	if (!f->tree)
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

static int settle_remembered(struct br_session *s, struct br_strategy *strategy, struct br_flight *f,
			     struct br_trial *old, struct br_err *err)
{
	struct br_trial t = trial_of(f);
	size_t index;
	int r;

	t.n = ++s->last_job;
	t.outcome = old->outcome;
	old->outcome.log_path = NULL;
	t.verdict = old->verdict;
	t.cached = true;
	t.started_ns = br_date_ns();
	br_trial_done(old);
	r = settle(s, &t, &index, err);
	if (r == 0)
		observe(s, strategy, f->probe.point, &s->trial[index]);
	return r;
}

static int skip_by_hook(struct br_session *s, struct br_strategy *strategy, struct br_flight *f,
			struct br_err *err)
{
	struct br_trial t = trial_of(f);
	size_t index;
	int r;

	t.n = ++s->last_job;
	t.cached = true; /* nothing was run */
	t.outcome.end = BR_END_SETUP;
	t.verdict = (struct br_verdict){.cls = BR_SKIP, .value = NAN};
	(void)snprintf(t.verdict.why, sizeof t.verdict.why, "the pre-trial hook said skip");
	r = settle(s, &t, &index, err);
	if (r == 0)
		observe(s, strategy, f->probe.point, &s->trial[index]);
	return r;
}

/* 1: running; 0: answered from memory. */
static int start_probe(struct br_session *s, struct br_strategy *strategy, const struct br_probe *p,
		       struct br_err *err)
{
	struct br_flight f = flight_for(s, s->domain->ops->label(s->domain, p->point), BR_PHASE_SEARCH);
	struct br_trial old = {0};
	int r;

	f.has_probe = true;
	f.probe = *p;
	if (remembered(s, &f, &old)) {
		r = settle_remembered(s, strategy, &f, &old, err);
		br_flight_done(&f);
		return r;
	}
	if (br_hooks_count(s->hooks, "pre-trial") > 0) {
		struct br_trial t = trial_of(&f);

		r = br_watch_trial(s, "pre-trial", &t);
		br_trial_done(&t);
		if (r == 125) {
			r = skip_by_hook(s, strategy, &f, err);
			br_flight_done(&f);
			return r;
		}
	}
	r = launch(s, &f, err);
	return r < 0 ? r : 1;
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
static int fill_slots(struct br_session *s, struct br_strategy *strategy, struct br_err *err)
{
	size_t room = s->jobs > s->nflight ? s->jobs - s->nflight : 0;
	br_auto_free struct br_probe *p = br_calloc(room, sizeof *p);
	br_auto_free uint64_t *near = br_calloc(s->spec.jobs, sizeof *near);
	size_t got = 0;
	int r = 0;

	if (room > 0)
		got = strategy->ops->propose(strategy, near, near_items(s, near), p, room);
	for (size_t i = 0; i < got; i++) {
		if (r == 0 && out_of_trials(s) && s->nflight == 0)
			r = br_fail(err, BR_EBUDGET, "--max-trials is used up");
		if (r < 0 || out_of_trials(s))
			strategy->ops->forget(strategy, &p[i]);
		else
			r = start_probe(s, strategy, &p[i], err);
		if (r > 0)
			r = 0;
	}
	return r < 0 ? r : (int)got;
}

static void cancel_moot(struct br_session *s, struct br_strategy *strategy)
{
	for (size_t i = 0; i < s->nflight; i++) {
		struct br_flight *f = &s->flight[i];

		if (!f->cancelled && f->has_probe && strategy->ops->moot(strategy, &f->probe)) {
			f->cancelled = true;
			s->engine->ops->cancel(s->engine, f->job);
		}
	}
}

static int land_probe(struct br_session *s, struct br_strategy *strategy, struct br_err *err)
{
	struct br_flight f;
	size_t index;
	int r = land(s, &f, &index, err);

	if (r < 0)
		return r;
	if (r == 2) {
		strategy->ops->forget(strategy, &f.probe);
	} else {
		const struct br_trial *t = &s->trial[index];

		r = wrong_at_once(t, err);
		if (r == 0 && t->outcome.end == BR_END_SETUP && t->outcome.note[0])
			br_session_note(s, "%s could not be tested: %s", f.title, t->outcome.note);
		if (r == 0)
			observe(s, strategy, f.probe.point, t);
	}
	br_flight_done(&f);
	return r < 0 ? r : 0;
}

int br_session_search(struct br_session *s, struct br_strategy *strategy, struct br_err *err)
{
	struct br_answer a = {0};
	int r = 0;

	s->standing.phase = "searching";
	observe_known(s, strategy);
	for (;;) {
		int started;

		refresh_answer(s, strategy, &a);
		announce(s);
		cancel_moot(s, strategy);
		if (a.status != BR_SEARCHING)
			break;
		started = fill_slots(s, strategy, err);
		r = started < 0 ? started : 0;
		if (r < 0)
			break;
		if (s->nflight == 0 && started == 0) {
			r = br_fail(err, BR_ESTATE, "the search is stuck: nothing proposed, nothing running");
			break;
		}
		if (s->nflight > 0)
			r = land_probe(s, strategy, err);
		if (r < 0)
			break;
	}
	br_answer_done(&a);
	if (r == 0)
		br_session_drain(s);
	return r;
}
