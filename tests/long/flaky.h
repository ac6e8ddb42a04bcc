/* flaky.h - searches whose runs are drawn from a seed: the world, a driver, and counts over many searches. */
#ifndef BR_TESTS_FLAKY_H
#define BR_TESTS_FLAKY_H

#include "bisect_run/noisy.h"
#include "bisect_run/strategy.h"

#include "base/mem.h"
#include "base/rand.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum scenario {
	PLAIN,
	ENDS_SAME,    /* both sides fail at the bad rate */
	ENDS_SWAPPED, /* the good side fails at the bad rate, the bad side at the good one */
	FIXED_AGAIN,  /* the fault ends before the bad end */
	ABSENT,	      /* fails always before the middle: also at the good end */
	GROWS,	      /* the rate is 30 % of the bad one at the culprit and grows up to the bad end */
	DRIFTS,	      /* the good side's rate grows from 0 to 0.2 */
	SECOND,	      /* another flaw with a rate of 0.1 comes in somewhere */
};

struct world {
	const struct br_shape *shape;
	const uint32_t *child_at, *child; /* graphs: children; NULL: a chain */
	double good, bad, confidence, switch_cost;
	enum scenario scenario;
	unsigned searches, batch;
	double rate_worth; /* the ends give up at this rate */
};

struct tally {
	double runs, closing, square, ends, switches, predicted, rounds;
	unsigned searches, isolated, right, narrowed, refused,
		late; /* late: more than three times the prediction */
	unsigned reason[8];
};

/* One search. */
struct life {
	const struct world *w;
	struct br_rand r;
	uint64_t culprit, second;
	uint8_t *bad; /* graphs: contains the culprit */
	struct br_strategy *s;
	uint64_t at;
	uint32_t runs, closing, switches;
};

static inline double chance(struct br_rand *r)
{
	return (double)(br_rand_next(r) >> 11) * 0x1p-53;
}

static inline bool contains(const struct life *l, uint64_t item)
{
	if (item == BR_POINT_OUTSIDE)
		return false;
	return l->bad ? l->bad[item] : item >= l->culprit;
}

static inline double rate_at(const struct life *l, uint64_t item)
{
	const struct world *w = l->w;
	double n = (double)w->shape->n, x = item == BR_POINT_OUTSIDE ? -1 : (double)item,
	       c = (double)l->culprit;
	bool bad = contains(l, item);

	switch (w->scenario) {
	case ENDS_SAME:
		return w->bad;
	case ENDS_SWAPPED:
		return bad ? w->good : w->bad;
	case FIXED_AGAIN:
		return bad && item < l->second ? w->bad : w->good;
	case ABSENT:
		return x < (double)l->second ? 1 : bad ? w->bad : w->good;
	case GROWS:
		return bad ? w->bad * (0.3 + 0.7 * (x - c) / (n - c)) : w->good;
	case DRIFTS:
		return bad ? w->bad : 0.2 * (x + 1) / (c + 1);
	case SECOND:
		return 1 - (1 - (bad ? w->bad : w->good)) * (x >= (double)l->second ? 0.9 : 1);
	case PLAIN:
		break;
	}
	return bad ? w->bad : w->good;
}

static inline bool run_at(struct life *l, uint64_t item)
{
	struct br_probe p = {.kind = BR_POINT, .point = item};
	struct br_verdict v = {.cls = BR_GOOD};

	l->switches += item != l->at;
	l->at = item;
	l->runs++;
	if (chance(&l->r) < rate_at(l, item))
		v.cls = BR_BAD;
	l->s->ops->observe(l->s, &p, &v);
	return v.cls == BR_BAD;
}

static inline enum br_ends try_ends(struct life *l)
{
	struct br_tally bad = {0, 0}, good = {0, 0};
	uint32_t most = br_noisy_runs_to_exclude(l->w->rate_worth);
	enum br_ends e;

	while ((e = br_ends_judge(bad, good, most)) == BR_ENDS_RUN_BAD || e == BR_ENDS_RUN_GOOD) {
		if (e == BR_ENDS_RUN_BAD) {
			bad.runs++;
			bad.fails += run_at(l, l->w->shape->n - 1);
		} else {
			good.runs++;
			good.fails += run_at(l, BR_POINT_OUTSIDE);
		}
	}
	return e;
}

static inline void mark_bad(struct life *l)
{
	const struct br_shape *sh = l->w->shape;

	if (sh->order == BR_CHAIN)
		return;
	l->bad = br_calloc(sh->n, 1);
	l->bad[l->culprit] = 1;
	for (uint64_t i = l->culprit + 1; i < sh->n; i++)
		for (uint32_t e = sh->parent_at[i]; e < sh->parent_at[i + 1]; e++)
			l->bad[i] |= l->bad[sh->parent[e]];
}

static inline void place_culprit(struct life *l)
{
	uint64_t n = l->w->shape->n;

	l->culprit = br_rand_below(&l->r, n);
	l->second = br_rand_below(&l->r, n);
	if (l->w->scenario == FIXED_AGAIN)
		l->second = l->culprit + br_rand_below(&l->r, n - l->culprit);
	else if (l->w->scenario == ABSENT)
		l->second = br_rand_below(&l->r, l->culprit + 1);
	mark_bad(l);
}

/* The culprit's parents, or a good end. */
static inline struct br_tally close_parents(struct life *l, uint64_t culprit, bool *fails, uint64_t *at,
					    uint32_t *n)
{
	const struct br_shape *sh = l->w->shape;
	struct br_tally t = {0, 0};
	uint64_t parent[64] = {BR_POINT_OUTSIDE};
	uint32_t np = 1;

	if (sh->order == BR_CHAIN && culprit)
		parent[0] = culprit - 1;
	for (uint32_t e = sh->order == BR_DAG ? sh->parent_at[culprit] : 0;
	     sh->order == BR_DAG && e < sh->parent_at[culprit + 1] && e - sh->parent_at[culprit] < 64; e++) {
		np = e - sh->parent_at[culprit] + 1;
		parent[np - 1] = sh->parent[e];
	}
	for (uint32_t k = 0; k < np; k++)
		for (int i = 0; i < BR_CLOSING_PARENT; i++) {
			at[*n] = parent[k];
			fails[*n] = chance(&l->r) < rate_at(l, parent[k]);
			t.fails += fails[(*n)++];
			t.runs++;
		}
	return t;
}

static inline void observe(struct life *l, uint64_t item, bool failed)
{
	struct br_probe p = {.kind = BR_POINT, .point = item};
	struct br_verdict v = {.cls = failed ? BR_BAD : BR_GOOD};

	l->s->ops->observe(l->s, &p, &v);
}

/* The closing runs; true when they bear the answer out. Else they are observed. */
static inline bool closes(struct life *l, uint64_t culprit)
{
	struct br_tally c = {0, 0}, p;
	bool fails[256];
	uint64_t at[256];
	uint32_t n = 0;

	for (int i = 0; i < BR_CLOSING_CULPRIT; i++) {
		at[n] = culprit;
		fails[n] = chance(&l->r) < rate_at(l, culprit);
		c.fails += fails[n++];
		c.runs++;
	}
	p = close_parents(l, culprit, fails, at, &n);
	l->closing += n;
	if (br_noisy_closing(l->s, c, p) >= BR_CLOSING_DOUBT)
		return true;
	for (uint32_t i = 0; i < n; i++)
		observe(l, at[i], fails[i]);
	return false;
}

static inline void search(struct life *l, struct br_answer *a, struct tally *t)
{
	struct br_probe p[64];
	size_t n, max = l->w->batch ? l->w->batch : 1;
	int contradicted = 0;

	for (;;) {
		l->s->ops->answer(l->s, a);
		if (a->status == BR_ISOLATED) {
			if (closes(l, a->item[0]))
				return;
			if (contradicted++) {
				a->status = BR_NARROWED;
				return;
			}
			br_answer_done(a);
			continue;
		}
		if (a->status != BR_SEARCHING)
			return;
		br_answer_done(a);
		n = l->s->ops->propose(l->s, &l->at, 1, p, max);
		t->rounds++;
		if (!n)
			abort();
		for (size_t i = 0; i < n; i++)
			run_at(l, p[i].point);
	}
}

static inline void one_search(const struct world *w, uint64_t seed, struct tally *t)
{
	struct life l = {.w = w, .r = {seed}, .at = BR_POINT_OUTSIDE};
	struct br_strategy_cfg cfg = {
		.seed = seed, .confidence = w->confidence, .switch_cost = w->switch_cost};
	struct br_answer a = {.status = BR_SEARCHING};
	enum br_ends ends;
	double predicted = 0;

	place_culprit(&l);
	if (br_strategy_noisy.open(&l.s, w->shape, &cfg, NULL))
		abort();
	ends = try_ends(&l);
	t->ends += l.runs;
	if (ends == BR_ENDS_DIFFER) {
		br_noisy_begin(l.s);
		l.s->ops->answer(l.s, &a);
		predicted = a.predicted;
		br_answer_done(&a);
		search(&l, &a, t);
		t->isolated += a.status == BR_ISOLATED;
		t->right += a.status == BR_ISOLATED && a.item[0] == l.culprit;
		t->narrowed += a.status == BR_NARROWED;
		t->reason[a.reason]++;
		t->late += l.runs > 3 * predicted + 1;
	} else {
		t->refused++;
	}
	t->searches++;
	t->runs += l.runs;
	t->closing += l.closing;
	t->square += (double)l.runs * l.runs;
	t->switches += l.switches;
	t->predicted += predicted;
	br_answer_done(&a);
	l.s->ops->close(l.s);
	free(l.bad);
}

struct share {
	const struct world *w;
	uint64_t seed;
	unsigned first, step;
	struct tally t;
};

static inline void *work(void *arg)
{
	struct share *s = arg;

	for (unsigned i = s->first; i < s->w->searches; i += s->step)
		one_search(s->w, (s->seed + i) * 0x9e3779b97f4a7c15u, &s->t);
	return NULL;
}

static inline void add_tally(struct tally *to, const struct tally *t)
{
	to->runs += t->runs;
	to->closing += t->closing;
	to->square += t->square;
	to->ends += t->ends;
	to->switches += t->switches;
	to->predicted += t->predicted;
	to->rounds += t->rounds;
	to->searches += t->searches;
	to->isolated += t->isolated;
	to->right += t->right;
	to->narrowed += t->narrowed;
	to->refused += t->refused;
	to->late += t->late;
	for (int k = 0; k < 8; k++)
		to->reason[k] += t->reason[k];
}

/* Runs all searches, on two threads; the sums. */
static inline struct tally many_searches(const struct world *w, uint64_t seed)
{
	struct share s[2] = {{.w = w, .seed = seed, .first = 0, .step = 2},
			     {.w = w, .seed = seed, .first = 1, .step = 2}};
	pthread_t id[2];
	struct tally all;

	memset(&all, 0, sizeof all);
	for (int k = 0; k < 2; k++)
		if (pthread_create(&id[k], NULL, work, &s[k]))
			abort();
	for (int k = 0; k < 2; k++) {
		pthread_join(id[k], NULL);
		add_tally(&all, &s[k].t);
	}
	return all;
}

#endif
