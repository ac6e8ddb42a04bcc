/*
 * subset.c - the strategy over the machines of walk.h: questions ahead of time, answers in any order.
 *
 * One state is real: the one that a serial search would be in. Answers are kept by the set that they belong to, and the real state
 * moves on when the answer to its question is there. For more workers than one both outcomes of a question are followed, the
 * likeliest states first, and their questions are proposed too. What is concluded is thus the same for any
 * number of workers and any order of answers, and resuming is observing again.
 */
#include "bisect_run/strategy.h"

#include "base/arena.h"
#include "base/mem.h"
#include "bisect_run/err.h"
#include "search/items.h"
#include "search/walk.h"

#include <math.h>
#include <string.h>

enum {
	HORIZON = 1024,	   /* states looked at ahead of the real one */
	HORIZON_WIDE = 48, /* the same where a state is as long as the set */
	ARENA_SLACK = 1 << 22,
};
static const double UNLIKELY = 1e-3; /* states that are not worth a test run */

struct ahead {
	double p;
	uint64_t born; /* of equals the older first */
	struct br_walk walk;
};

/* States reached from the real one, a binary heap by likelihood. */
struct future {
	struct ahead *heap;
	size_t n, cap;
	uint64_t births;
	struct br_arena arena;
};

/* The questions that may still come up, as moot() knows them. */
struct horizon {
	struct br_seen wanted;
	bool valid;
};

struct subset {
	struct br_strategy base;
	struct br_space space;
	struct br_seen seen;
	struct br_walk real;
	struct br_arena arena;
	struct future future;
	struct horizon *horizon; /* made on demand, also under const */
	bool isolate, contradiction;
	uint32_t *best; /* the smallest set seen to fail; NULL: only the full one */
	uint32_t nbest;
};

/* ---- the future ---- */

static bool comes_first(const struct ahead *x, const struct ahead *y)
{
	if (x->p > y->p || x->p < y->p)
		return x->p > y->p;
	return x->born < y->born;
}

static void push(struct future *f, double p, const struct br_walk *walk)
{
	size_t i = f->n;

	br_grow(&f->heap, f->n, &f->cap);
	f->heap[f->n++] = (struct ahead){p, f->births++, *walk};
	while (i > 0 && comes_first(&f->heap[i], &f->heap[(i - 1) / 2])) {
		struct ahead t = f->heap[i];

		f->heap[i] = f->heap[(i - 1) / 2];
		i = (i - 1) / 2;
		f->heap[i] = t;
	}
}

static struct ahead pop(struct future *f)
{
	struct ahead top = f->heap[0], last = f->heap[--f->n];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < f->n) {
		if (child + 1 < f->n && comes_first(&f->heap[child + 1], &f->heap[child]))
			child++;
		if (!comes_first(&f->heap[child], &last))
			break;
		f->heap[i] = f->heap[child];
		i = child;
	}
	f->heap[i] = last;
	return top;
}

static enum br_class class_of(enum br_fate fate)
{
	return fate == BR_FATE_BAD ? BR_BAD : fate == BR_FATE_GOOD ? BR_GOOD : BR_SKIP;
}

static void follow(const struct subset *s, struct future *f, const struct ahead *from,
		   const struct br_ask *ask, enum br_class answer, double p)
{
	struct br_walk next = from->walk;

	if (from->p * p < UNLIKELY)
		return;
	br_walk_step(&s->space, &next, ask, answer, &f->arena);
	push(f, from->p * p, &next);
}

static void begin_future(const struct subset *s, struct future *f)
{
	br_arena_reset(&f->arena);
	f->n = 0;
	f->births = 0;
	push(f, 1, &s->real);
}

/* The likeliest state whose question has no answer yet, and the question; both outcomes are followed. false: no more. */
static bool next_question(const struct subset *s, struct future *f, struct ahead *at, struct br_ask *ask)
{
	while (f->n > 0) {
		enum br_fate fate;

		*at = pop(f);
		if (!br_walk_ask(&s->space, &at->walk, ask))
			continue;
		fate = br_seen_get(&s->seen, ask->key);
		if (br_fate_known(fate)) {
			follow(s, f, at, ask, class_of(fate), 1);
			continue;
		}
		follow(s, f, at, ask, BR_BAD, ask->p_bad);
		follow(s, f, at, ask, BR_GOOD, 1 - ask->p_bad);
		return true;
	}
	return false;
}

static size_t horizon_size(const struct subset *s)
{
	return s->isolate ? HORIZON_WIDE : HORIZON;
}

static size_t subset_propose(struct br_strategy *base, const uint64_t *near, size_t nnear,
			     struct br_probe *out, size_t max)
{
	struct subset *s = (struct subset *)base;
	struct ahead at;
	struct br_ask ask;
	size_t n = 0;

	(void)near;
	(void)nnear;
	if (s->contradiction)
		return 0;
	begin_future(s, &s->future);
	for (size_t looked = 0; n < max && looked < horizon_size(s); looked++) {
		if (!next_question(s, &s->future, &at, &ask))
			break;
		if (br_seen_get(&s->seen, ask.key) == BR_FATE_ASKED)
			continue;
		br_seen_set(&s->seen, ask.key, BR_FATE_ASKED);
		out[n] = (struct br_probe){.kind = BR_SUBSET};
		out[n].keep = br_walk_list(&s->space, &at.walk, &ask, &out[n].nkeep);
		n++;
	}
	return n;
}

static void look_ahead(const struct subset *s)
{
	struct future f = {0};
	struct ahead at;
	struct br_ask ask;

	br_seen_done(&s->horizon->wanted);
	begin_future(s, &f);
	for (size_t looked = 0; looked < horizon_size(s); looked++) {
		if (!next_question(s, &f, &at, &ask))
			break;
		br_seen_set(&s->horizon->wanted, ask.key, BR_FATE_ASKED);
	}
	free(f.heap);
	br_arena_done(&f.arena);
	s->horizon->valid = true;
}

static bool subset_moot(const struct br_strategy *base, const struct br_probe *probe)
{
	const struct subset *s = (const struct subset *)base;
	struct br_key key = br_key_of_all(probe->keep, probe->nkeep);
	struct br_ask ask;

	if (s->contradiction || br_fate_known(br_seen_get(&s->seen, key)) ||
	    !br_walk_ask(&s->space, &s->real, &ask))
		return true;
	if (br_key_same(key, ask.key))
		return false;
	if (!s->horizon->valid)
		look_ahead(s);
	return br_seen_get(&s->horizon->wanted, key) == BR_FATE_NONE;
}

/* ---- what was learnt ---- */

/* So that states long left do not fill the memory. */
static void tidy(struct subset *s)
{
	struct br_arena fresh = {0};

	if (s->arena.used < ARENA_SLACK + (size_t)16 * s->space.n)
		return;
	br_walk_move(&s->space, &s->real, &fresh);
	br_arena_done(&s->arena);
	s->arena = fresh;
}

static void advance(struct subset *s)
{
	struct br_ask ask;

	while (br_walk_ask(&s->space, &s->real, &ask)) {
		enum br_fate fate = br_seen_get(&s->seen, ask.key);

		if (!br_fate_known(fate))
			break;
		br_walk_step(&s->space, &s->real, &ask, class_of(fate), &s->arena);
		tidy(s);
	}
	s->horizon->valid = false;
}

static void remember_best(struct subset *s, const struct br_probe *probe)
{
	if (s->best ? probe->nkeep >= s->nbest : probe->nkeep >= s->space.n)
		return;
	free(s->best);
	s->best = br_calloc((size_t)probe->nkeep + 1, sizeof *s->best);
	if (probe->nkeep > 0)
		memcpy(s->best, probe->keep, probe->nkeep * sizeof *s->best);
	s->nbest = probe->nkeep;
}

static void subset_observe(struct br_strategy *base, const struct br_probe *probe,
			   const struct br_verdict *verdict)
{
	struct subset *s = (struct subset *)base;
	struct br_key key = br_key_of_all(probe->keep, probe->nkeep);
	enum br_fate before = br_seen_get(&s->seen, key);
	bool fails = verdict->cls == BR_BAD;

	if (br_fate_known(before)) {
		s->contradiction |= fails != (before == BR_FATE_BAD);
		return;
	}
	br_seen_set(&s->seen, key,
		    fails		      ? BR_FATE_BAD
		    : verdict->cls == BR_GOOD ? BR_FATE_GOOD
					      : BR_FATE_SKIP);
	if (fails)
		remember_best(s, probe);
	advance(s);
}

static void subset_forget(struct br_strategy *base, const struct br_probe *probe)
{
	struct subset *s = (struct subset *)base;
	struct br_key key = br_key_of_all(probe->keep, probe->nkeep);

	if (br_seen_get(&s->seen, key) == BR_FATE_ASKED)
		br_seen_set(&s->seen, key, BR_FATE_NONE);
}

/* ---- the answer ---- */

static uint64_t *widened(const uint32_t *item, uint32_t n)
{
	uint64_t *out = br_calloc((size_t)n + 1, sizeof *out);

	for (uint32_t i = 0; i < n; i++)
		out[i] = item[i];
	return out;
}

static enum br_answer_status status_of(const struct subset *s)
{
	if (s->contradiction)
		return BR_CONTRADICTION;
	if (s->real.phase != BR_WALK_DONE)
		return BR_SEARCHING;
	if (s->isolate ? s->real.ndelta > 1 : s->real.left > 0)
		return BR_NARROWED;
	return BR_ISOLATED;
}

static void subset_answer(const struct br_strategy *base, struct br_answer *out)
{
	const struct subset *s = (const struct subset *)base;
	uint32_t n = 0;
	br_auto_free uint32_t *item = br_walk_current(&s->space, &s->real, &n);

	*out = (struct br_answer){.status = status_of(s), .confidence = 1};
	out->probes_left = s->contradiction ? 0 : br_walk_expected(&s->space, &s->real);
	if (out->status == BR_SEARCHING && !s->isolate && s->best && s->nbest < n) {
		out->item = widened(s->best, s->nbest);
		n = s->nbest;
	} else {
		out->item = widened(item, n);
	}
	out->nitem = out->left = n;
	if (s->isolate) {
		br_auto_free uint32_t *in = NULL;

		n = 0;
		if (s->real.side)
			in = br_isolate_side(&s->space, &s->real, BR_SIDE_IN, &n);
		out->base = widened(in, n);
		out->nbase = n;
	}
}

static int subset_open(struct br_strategy **out, const struct br_shape *shape,
		       const struct br_strategy_cfg *cfg, struct br_err *err)
{
	struct subset *s;

	if (shape->order != BR_SET || shape->n >= UINT32_MAX)
		return br_fail(err, BR_EUSAGE,
			       "a search for a smallest set needs a set of fewer than 2^32 items");
	s = br_calloc(1, sizeof *s);
	s->base.ops = &br_strategy_subset;
	br_space_init(&s->space, (uint32_t)shape->n, shape->weight);
	s->isolate = cfg->isolate;
	s->horizon = br_calloc(1, sizeof *s->horizon);
	s->real = s->isolate ? br_isolate_start(&s->space, &s->arena) : br_walk_start(&s->space);
	s->real.fast = cfg->fast;
	s->real.sparse = cfg->sparse;
	br_seen_set(&s->seen, s->space.first[s->space.n], BR_FATE_BAD);
	advance(s);
	*out = &s->base;
	return 0;
}

static void subset_close(struct br_strategy *base)
{
	struct subset *s = (struct subset *)base;

	if (!s)
		return;
	br_space_done(&s->space);
	br_seen_done(&s->seen);
	br_seen_done(&s->horizon->wanted);
	free(s->horizon);
	br_arena_done(&s->arena);
	br_arena_done(&s->future.arena);
	free(s->future.heap);
	free(s->best);
	free(s);
}

const struct br_strategy_ops br_strategy_subset = {
	.name = "subset",
	.orders = BR_SET,
	.open = subset_open,
	.propose = subset_propose,
	.observe = subset_observe,
	.forget = subset_forget,
	.moot = subset_moot,
	.answer = subset_answer,
	.close = subset_close,
};
