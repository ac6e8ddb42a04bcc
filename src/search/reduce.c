/*
 * reduce.c - the smallest version of some files that still fails: passes, each a search for a smallest set of edits to leave undone.
 *
 * A pass says which edits may be tried on the present contents; the subset strategy finds out which of its units must stay. What
 * it ends with becomes the present contents of the next pass. Answers are kept by the hash of the contents that they
 * belong to, so whatever pass comes to the same contents again has its answer, and so has a resumed search.
 */
#include "bisect_run/reduce.h"

#include "base/mem.h"
#include "bisect_run/err.h"
#include "bisect_run/strategy.h"
#include "search/schedule.h"

#include <stdio.h>
#include <string.h>

enum { MOST_BYTES = INT32_MAX };

/* A question of the strategy whose answer is awaited. Several may have the same contents: one of them has the id. */
struct flight {
	uint64_t id; /* 0: another one flies for it */
	uint64_t pass;
	struct br_key key;
	struct br_probe probe;
	struct br_doc doc;
};

struct br_reduce {
	struct br_schedule schedule;
	struct br_doc original, now, best;
	struct br_seen seen;
	struct br_step step;
	struct br_plan plan;
	struct br_strategy *strategy; /* of this pass; NULL: done */
	uint64_t pass, ids, runs;
	struct flight *flight;
	size_t nflight, cap;
	struct flight pending; /* the next to be proposed; known to be unknown */
	bool has_pending;
	char name[32];
	/* For the status: counted when asked for. */
	enum br_reduce_by counted_by;
	uint64_t units_before, units_after;
	bool counted, counted_done;
};

static enum br_fate fate_of(enum br_class cls)
{
	return cls == BR_BAD ? BR_FATE_BAD : cls == BR_GOOD ? BR_FATE_GOOD : BR_FATE_SKIP;
}

void br_reduce_known(struct br_reduce *r, const char *key, enum br_class cls)
{
	struct br_key k;

	if (br_key_read(key, &k) && !br_fate_known(br_seen_get(&r->seen, k)))
		br_seen_set(&r->seen, k, fate_of(cls));
}

/* ---- flights ---- */

static void flight_done(struct flight *f)
{
	free(f->probe.keep);
	br_doc_done(&f->doc);
	memset(f, 0, sizeof *f);
}

static void tell(const struct br_reduce *r, const struct br_probe *probe, enum br_fate fate)
{
	struct br_verdict v = {.cls = fate == BR_FATE_BAD    ? BR_BAD
				      : fate == BR_FATE_GOOD ? BR_GOOD
							     : BR_SKIP};

	r->strategy->ops->observe(r->strategy, probe, &v);
}

static void drop_pending(struct br_reduce *r)
{
	if (r->has_pending)
		flight_done(&r->pending);
	r->has_pending = false;
}

/* Removes a flight from the list; its content is the caller's. */
static struct flight take_flight(struct br_reduce *r, size_t i)
{
	struct flight f = r->flight[i];

	r->flight[i] = r->flight[--r->nflight];
	return f;
}

/* Questions of passes that are over await nothing but the answer's record. */
static void drop_aliases(struct br_reduce *r)
{
	for (size_t i = r->nflight; i-- > 0;)
		if (r->flight[i].id == 0) {
			struct flight f = take_flight(r, i);

			flight_done(&f);
		}
}

/* ---- passes ---- */

static void name_pass(struct br_reduce *r)
{
	static const char *const names[] = {
		[BR_PASS_ALL] = "nothing",
		[BR_PASS_FILES] = "files",
		[BR_PASS_BLOCKS] = "bytes",
		[BR_PASS_LINES] = "lines",
		[BR_PASS_LEVEL] = "tree",
		[BR_PASS_SOFT] = "expressions",
		[BR_PASS_WRAPPERS] = "wrappers",
		[BR_PASS_INNER] = "inner values",
		[BR_PASS_TOKENS] = "tokens",
		[BR_PASS_PAIRS] = "brackets",
		[BR_PASS_VALUES] = "values",
		[BR_PASS_NAMES] = "names",
		[BR_PASS_BLANKS] = "blanks",
		[BR_PASS_STATEMENTS] = "statements",
		[BR_PASS_WINDOWS] = "neighbouring tokens",
		[BR_PASS_CHARS] = "characters",
		[BR_PASS_ZEROS] = "zeros",
		[BR_PASS_HUNKS] = "hunks",
	};
	const char *name = names[r->step.pass];

	if (r->step.pass == BR_PASS_BLOCKS && r->step.arg > 1)
		(void)snprintf(r->name, sizeof r->name, "blocks of %u bytes", r->step.arg);
	else if (r->step.pass == BR_PASS_LEVEL || r->step.pass == BR_PASS_SOFT)
		(void)snprintf(r->name, sizeof r->name, "%s, level %u", name, r->step.arg + 1);
	else
		(void)snprintf(r->name, sizeof r->name, "%s", name);
}

/* Begins the step on the present contents; false: it has nothing to try. */
static bool begin_pass(struct br_reduce *r)
{
	struct br_strategy_cfg cfg = {.fast = !r->step.certify, .sparse = r->step.sparse};
	struct br_shape shape = {.order = BR_SET};

	br_plan_done(&r->plan);
	br_units_plan(&r->plan, &r->now, r->schedule.lang, r->step.pass, r->step.arg);
	if (r->plan.nunit == 0)
		return false;
	shape.n = r->plan.nunit;
	if (br_strategy_subset.open(&r->strategy, &shape, &cfg, NULL) < 0)
		return false;
	r->pass++;
	name_pass(r);
	return true;
}

static void next_pass(struct br_reduce *r)
{
	while (br_schedule_next(&r->schedule, &r->now, &r->step))
		if (begin_pass(r))
			return;
}

static void adopt(struct br_reduce *r, struct br_doc *doc)
{
	br_schedule_changed(&r->schedule);
	r->counted = false;
	br_doc_done(&r->now);
	r->now = *doc;
	if (br_doc_bytes(&r->now) <= br_doc_bytes(&r->best)) {
		br_doc_done(&r->best);
		br_doc_copy(&r->best, r->now.part, r->now.npart);
	}
}

static void end_pass(struct br_reduce *r, const struct br_answer *a)
{
	br_auto_free uint32_t *keep = br_calloc(a->nitem + 1, sizeof *keep);
	struct br_doc doc;

	for (uint64_t i = 0; i < a->nitem; i++)
		keep[i] = (uint32_t)a->item[i];
	br_plan_render(&r->plan, &r->now, keep, (uint32_t)a->nitem, &doc);
	if (!br_key_same(br_doc_key(&doc), br_doc_key(&r->now)))
		adopt(r, &doc);
	else
		br_doc_done(&doc);
	r->schedule.dense |= r->step.sparse && a->status == BR_NARROWED;
	r->strategy->ops->close(r->strategy);
	r->strategy = NULL;
	drop_aliases(r);
	drop_pending(r);
}

/* Ends the pass if it is over. */
static bool is_over(struct br_reduce *r)
{
	struct br_answer a;
	bool over;

	r->strategy->ops->answer(r->strategy, &a);
	over = a.status != BR_SEARCHING;
	if (over)
		end_pass(r, &a);
	br_answer_done(&a);
	return over;
}

static void add_flight(struct br_reduce *r, struct flight *f)
{
	br_grow(&r->flight, r->nflight, &r->cap);
	r->flight[r->nflight++] = *f;
	memset(f, 0, sizeof *f);
}

static void keep_if_best(struct br_reduce *r, struct br_doc *doc)
{
	if (br_doc_bytes(doc) >= br_doc_bytes(&r->best))
		return;
	br_doc_done(&r->best);
	r->counted = false;
	r->best = *doc;
	*doc = (struct br_doc){0};
}

/* A question: its answer is known, another one with the same contents is in the air, or it is the next to be proposed. */
static void weigh(struct br_reduce *r, struct br_probe *probe)
{
	struct flight f = {.pass = r->pass, .probe = *probe};
	enum br_fate fate;

	br_plan_render(&r->plan, &r->now, probe->keep, probe->nkeep, &f.doc);
	f.key = br_doc_key(&f.doc);
	fate = br_seen_get(&r->seen, f.key);
	if (br_fate_known(fate)) {
		tell(r, probe, fate);
		if (fate == BR_FATE_BAD)
			keep_if_best(r, &f.doc);
		flight_done(&f);
	} else if (fate == BR_FATE_ASKED) {
		br_doc_done(&f.doc);
		add_flight(r, &f);
	} else {
		r->pending = f;
		r->has_pending = true;
	}
}

/* Goes on with what is known until a question must be put, or awaited, or all is done. */
static void settle(struct br_reduce *r)
{
	struct br_probe probe;

	while (!r->has_pending) {
		if (!r->strategy)
			next_pass(r);
		if (!r->strategy)
			return;
		if (r->strategy->ops->propose(r->strategy, NULL, 0, &probe, 1))
			weigh(r, &probe);
		else if (!is_over(r))
			return;
	}
}

/* ---- the interface ---- */

int br_reduce_open(struct br_reduce **out, const struct br_part *part, size_t npart,
		   const struct br_reduce_cfg *cfg, struct br_err *err)
{
	struct br_reduce *r;
	size_t bytes = 0;

	for (size_t i = 0; i < npart; i++)
		bytes += part[i].n;
	if (bytes == 0)
		return br_fail(err, BR_EUSAGE, "the input is empty: there is nothing to reduce");
	if (bytes > MOST_BYTES)
		return br_fail(err, BR_EUSAGE, "the input is too large: more than 2 GiB");
	r = br_calloc(1, sizeof *r);
	br_doc_copy(&r->original, part, npart);
	br_doc_copy(&r->now, part, npart);
	br_doc_copy(&r->best, part, npart);
	br_schedule_init(&r->schedule, &r->now, cfg->by, cfg->fast);
	br_seen_set(&r->seen, br_doc_key(&r->now), BR_FATE_BAD);
	next_pass(r);
	*out = r;
	return 0;
}

static void write_candidate(struct flight *f, struct br_candidate *out)
{
	struct br_doc copy;

	br_doc_copy(&copy, f->doc.part, f->doc.npart);
	*out = (struct br_candidate){.id = f->id, .part = copy.part, .npart = copy.npart};
	br_key_write(f->key, out->key);
}

size_t br_reduce_propose(struct br_reduce *r, struct br_candidate *out, size_t max)
{
	size_t n = 0;

	settle(r);
	while (n < max) {
		settle(r);
		if (!r->has_pending)
			break;
		r->has_pending = false;
		if (r->strategy->ops->moot(r->strategy, &r->pending.probe)) {
			r->strategy->ops->forget(r->strategy, &r->pending.probe);
			flight_done(&r->pending);
			continue;
		}
		br_seen_set(&r->seen, r->pending.key, BR_FATE_ASKED);
		r->pending.id = ++r->ids;
		write_candidate(&r->pending, &out[n++]);
		add_flight(r, &r->pending);
	}
	return n;
}

static size_t find_flight(const struct br_reduce *r, uint64_t id)
{
	size_t i = 0;

	while (i < r->nflight && (id == 0 || r->flight[i].id != id))
		i++;
	return i;
}

void br_reduce_observe(struct br_reduce *r, uint64_t id, enum br_class cls)
{
	size_t at = find_flight(r, id);
	struct br_key key;

	if (at == r->nflight)
		return;
	key = r->flight[at].key;
	br_seen_set(&r->seen, key, fate_of(cls));
	r->runs++;
	for (size_t i = r->nflight; i-- > 0;) {
		struct flight f;

		if (!br_key_same(r->flight[i].key, key))
			continue;
		f = take_flight(r, i);
		if (r->strategy && f.pass == r->pass)
			tell(r, &f.probe, fate_of(cls));
		if (cls == BR_BAD && f.doc.part)
			keep_if_best(r, &f.doc);
		flight_done(&f);
	}
	settle(r);
}

void br_reduce_forget(struct br_reduce *r, uint64_t id)
{
	size_t at = find_flight(r, id);
	struct br_key key;

	if (at == r->nflight)
		return;
	key = r->flight[at].key;
	br_seen_set(&r->seen, key, BR_FATE_NONE);
	for (size_t i = r->nflight; i-- > 0;) {
		struct flight f;

		if (!br_key_same(r->flight[i].key, key))
			continue;
		f = take_flight(r, i);
		if (r->strategy && f.pass == r->pass)
			r->strategy->ops->forget(r->strategy, &f.probe);
		flight_done(&f);
	}
}

bool br_reduce_moot(const struct br_reduce *r, uint64_t id)
{
	size_t at = find_flight(r, id);

	if (at == r->nflight || !r->strategy)
		return true;
	for (size_t i = 0; i < r->nflight; i++) {
		const struct flight *f = &r->flight[i];

		if (br_key_same(f->key, r->flight[at].key) && f->pass == r->pass &&
		    !r->strategy->ops->moot(r->strategy, &f->probe))
			return false;
	}
	return true;
}

/* The last question is answered once there is neither a pass nor a question to put. */
static bool is_done(const struct br_reduce *r)
{
	return !r->strategy && !r->has_pending;
}

const struct br_part *br_reduce_best(const struct br_reduce *r)
{
	return is_done(r) ? r->now.part : r->best.part;
}

static void count_units(struct br_reduce *r, enum br_reduce_by by)
{
	const struct br_doc *doc = is_done(r) ? &r->now : &r->best;

	if (r->units_before == 0 || by != r->counted_by)
		r->units_before = br_schedule_units(&r->schedule, &r->original, by);
	r->units_after = br_schedule_units(&r->schedule, doc, by);
	r->counted_by = by;
	r->counted = true;
	r->counted_done = is_done(r);
}

void br_reduce_status(struct br_reduce *r, struct br_reduce_status *out)
{
	const struct br_doc *doc = is_done(r) ? &r->now : &r->best;
	enum br_reduce_by by = br_schedule_by(&r->schedule, doc);

	if (!r->counted || by != r->counted_by || r->counted_done != is_done(r))
		count_units(r, by);
	*out = (struct br_reduce_status){.done = is_done(r), .by = by, .runs = r->runs, .pass = r->name};
	out->empty_fails = br_doc_bytes(doc) == 0;
	out->minimal = out->done && !r->schedule.fast;
	out->units_before = r->units_before;
	out->units_after = r->units_after;
	out->bytes_before = br_doc_bytes(&r->original);
	out->bytes_after = br_doc_bytes(doc);
	if (r->strategy) {
		struct br_answer a;

		r->strategy->ops->answer(r->strategy, &a);
		out->expected_left = a.probes_left;
		br_answer_done(&a);
	}
}

void br_reduce_close(struct br_reduce *r)
{
	if (!r)
		return;
	while (r->nflight > 0)
		flight_done(&r->flight[--r->nflight]);
	free(r->flight);
	drop_pending(r);
	if (r->strategy)
		r->strategy->ops->close(r->strategy);
	br_plan_done(&r->plan);
	br_seen_done(&r->seen);
	br_schedule_done(&r->schedule);
	br_doc_done(&r->original);
	br_doc_done(&r->now);
	br_doc_done(&r->best);
	free(r);
}
