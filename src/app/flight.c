/*
 * flight.c - one trial from its start to its record: launched, landed, judged, on disk. A trial is on disk before anything is learnt
 * from it.
 */
#include "app/flight.h"

#include "app/session.h"
#include "app/signals.h"
#include "base/mem.h"
#include "base/text.h"
#include "bisect_run/err.h"
#include "domain/repo.h"
#include "sys/clock.h"
#include "sys/file.h"

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
	if (f->input)
		(void)br_dir_remove(f->input, NULL);
	free(f->label);
	free(f->item);
	free(f->tree);
	free(f->title);
	free(f->value);
	free(f->input);
	free(f->probe.keep);
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

bool br_flight_none_left(const struct br_session *s)
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

void br_flight_announce(struct br_session *s)
{
	refresh_standing(s);
	for (; s->announced < s->ntrial; s->announced++) {
		const struct br_trial *t = &s->trial[s->announced];
		br_auto_free char *title = br_session_title(s, t->item);

		br_progress_trial(s->progress, t, title, &s->standing);
	}
}

int br_flight_settle(struct br_session *s, struct br_trial *t, size_t *index, struct br_err *err)
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

struct br_trial br_flight_trial(const struct br_flight *f)
{
	return (struct br_trial){
		.n = f->job,
		.phase = f->phase,
		.point = f->has_probe ? f->probe.point : BR_POINT_OUTSIDE,
		.item = br_strdup(f->item),
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
	int64_t best = INT64_MAX, to = s->domain ? br_commits_find(s->domain, f->label) : -1;
	int nearest = -1;

	uint32_t n = s->jobs > s->spec.trees ? s->jobs : s->spec.trees;

	for (uint32_t w = 0; w < n && s->domain; w++) {
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

int br_flight_launch(struct br_session *s, struct br_flight *f, struct br_err *err)
{
	struct br_job job = {.id = ++s->last_job,
			     .label = f->label,
			     .value = f->value,
			     .input = f->input,
			     .timeout_ns = f->limit_ns,
			     .fresh = f->fresh || s->opt->fresh,
			     .profiled = f->phase == BR_PHASE_PROFILE,
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

/* What a verdict on this tree belongs to. NULL: nothing that could be met again. */
static char *key_of(struct br_session *s, const struct br_question *q)
{
	char tree[BR_OID_HEX];

	if (q->item)
		return NULL;
	if (s->key_by_commit)
		return br_strdup(q->label);
	if (s->repo && br_repo_tree_of(s->repo, q->label, tree, NULL) == 0)
		return br_strdup(tree);
	return NULL;
}

static int write_file(const char *dir, const char *name, const struct br_file_data *file, struct br_err *err)
{
	br_auto_free char *path = br_asprintf("%s/%s", dir, name);
	char *slash = strrchr(path, '/');
	int r;

	*slash = '\0'; /* names may have folders of their own */
	r = br_dir_make(path, err);
	*slash = '/';
	return r < 0 ? r : br_file_write(path, file->data, file->n, err);
}

/* The candidate's files, in a folder that goes with the flight. */
static int write_input(struct br_flight *f, struct br_session *s, const struct br_file_data *file,
		       struct br_err *err)
{
	int r = 0;

	f->input = br_asprintf("%s/input/%llu", s->log_dir, (unsigned long long)s->last_job + 1);
	r = br_dir_remove(f->input, err);
	if (r == 0)
		r = br_dir_make(f->input, err);
	for (size_t i = 0; r == 0 && s->input_file[i]; i++)
		r = file[i].gone ? 0 : write_file(f->input, s->input_file[i], &file[i], err);
	return r;
}

int br_flight_new(struct br_flight *out, struct br_session *s, const struct br_question *q,
		  struct br_err *err)
{
	const char *item = q->item ? q->item : q->label;
	int r = 0;

	*out = (struct br_flight){
		.label = br_strdup(q->label),
		.item = br_strdup(item),
		.tree = key_of(s, q),
		.title = br_session_title(s, item),
		.value = br_strdup_or_null(q->value),
		.phase = q->phase,
		.role = q->role,
		.fresh = q->fresh,
		.limit_ns = s->limit_ns,
	};
	if (q->file || s->input)
		r = write_input(out, s, q->file ? q->file : s->input, err);
	if (r < 0)
		br_flight_done(out);
	return r;
}

/* ---- landing ---- */

static int retry(struct br_session *s, struct br_flight *f, struct br_err *err)
{
	struct br_flight again = *f;

	*f = (struct br_flight){0}; /* moved */
	return br_flight_launch(s, &again, err);
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

/* A profiled run is not measured: what counts is not put around it. It passed, and that is all. */
static void forget_measure(const struct br_session *s, struct br_trial *t)
{
	if (!s->opt->metric || t->phase != BR_PHASE_PROFILE || t->outcome.end != BR_END_EXIT ||
	    t->outcome.code != 0)
		return;
	t->verdict = (struct br_verdict){.cls = BR_GOOD, .value = NAN, .failure = {.exit = -1}};
	(void)snprintf(t->verdict.why, sizeof t->verdict.why, "exit 0");
}

/* The trial of a landed flight: judged, asked about, recorded. */
static int conclude(struct br_session *s, struct br_flight *f, struct br_outcome *o, size_t *index,
		    struct br_err *err)
{
	struct br_trial t = br_flight_trial(f);
	int r;

	t.outcome = *o;
	o->log_path = NULL;
	r = br_judge_verdict(s->judge, &t.outcome, f->role, &t.verdict, err);
	if (r == 0)
		forget_measure(s, &t);
	if (r == 0)
		br_match_judge(s, &t);
	if (r == 0 && s->opt->ask && t.outcome.end != BR_END_SETUP && f->phase != BR_PHASE_PROFILE)
		r = br_ask_person(s, &t, t.outcome.worker, err);
	if (r < 0) {
		br_trial_done(&t);
		return r;
	}
	return br_flight_settle(s, &t, index, err);
}

static size_t flight_of(const struct br_session *s, uint64_t job)
{
	size_t i = 0;

	while (s->flight[i].job != job)
		i++;
	return i;
}

int br_flight_land(struct br_session *s, struct br_flight *f, size_t *index, struct br_err *err)
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
