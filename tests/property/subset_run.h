/* subset_run.h - runs the subset strategy against a predicate, alone or with workers whose answers arrive in any order. */
#ifndef SUBSET_RUN_H
#define SUBSET_RUN_H

#include "base/mem.h"
#include "base/rand.h"
#include "bisect_run/strategy.h"

#include <string.h>

enum { SUBSET_WORKERS = 8 };

/* Whether the items of which in[] says so fail, in the wanted way. */
typedef enum br_class subset_test(const void *context, const bool *in, uint32_t n);

struct subset_case {
	uint32_t n;
	subset_test *test;
	const void *context;
	bool fast, isolate;
	const float *weight;
};

struct subset_trial {
	struct br_probe probe;
	enum br_class cls;
};

/* What was asked, in the order of the answers; runs counts the full set too, rounds are of SUBSET_WORKERS. */
struct subset_log {
	struct subset_trial *trial;
	size_t n, cap;
	size_t runs, rounds, cancelled;
	struct br_answer answer;
};

static inline struct br_strategy *subset_open(const struct subset_case *c)
{
	struct br_shape shape = {.order = BR_SET, .n = c->n, .weight = c->weight};
	struct br_strategy_cfg cfg = {.seed = 1, .fast = c->fast, .isolate = c->isolate};
	struct br_strategy *s = NULL;

	return br_strategy_subset.open(&s, &shape, &cfg, NULL) == 0 ? s : NULL;
}

static inline enum br_class subset_ask(const struct subset_case *c, const uint32_t *keep, uint32_t nkeep)
{
	br_auto_free bool *in = br_calloc((size_t)c->n + 1, sizeof *in);

	for (uint32_t i = 0; i < nkeep; i++)
		in[keep[i]] = true;
	return c->test(c->context, in, c->n);
}

static inline void subset_tell(struct br_strategy *s, const struct br_probe *p, enum br_class cls)
{
	struct br_verdict v = {.cls = cls};

	s->ops->observe(s, p, &v);
}

static inline void subset_land(struct subset_log *log, const struct subset_case *c, struct br_strategy *s,
			       struct br_probe p)
{
	enum br_class cls = subset_ask(c, p.keep, p.nkeep);

	br_grow(&log->trial, log->n, &log->cap);
	log->trial[log->n++] = (struct subset_trial){p, cls};
	subset_tell(s, &p, cls);
}

/* One probe at a time. */
static inline void subset_serial(struct subset_log *log, const struct subset_case *c)
{
	struct br_strategy *s = subset_open(c);
	struct br_probe p;

	memset(log, 0, sizeof *log);
	while (s->ops->propose(s, NULL, 0, &p, 1))
		subset_land(log, c, s, p);
	s->ops->answer(s, &log->answer);
	log->runs = log->rounds = log->n + 1;
	s->ops->close(s);
}

/* Full rounds of as many workers as there are. */
static inline void subset_in_rounds(struct subset_log *log, const struct subset_case *c)
{
	struct br_strategy *s = subset_open(c);
	struct br_probe p[SUBSET_WORKERS];
	size_t n;

	memset(log, 0, sizeof *log);
	log->rounds = 1;
	while ((n = s->ops->propose(s, NULL, 0, p, SUBSET_WORKERS))) {
		for (size_t i = 0; i < n; i++)
			subset_land(log, c, s, p[i]);
		log->rounds++;
	}
	s->ops->answer(s, &log->answer);
	log->runs = log->n + 1;
	s->ops->close(s);
}

/* Workers that finish in random order; what is moot is cancelled, and now and then a probe is lost. */
static inline void subset_scrambled(struct subset_log *log, const struct subset_case *c, struct br_rand *r)
{
	struct br_strategy *s = subset_open(c);
	struct br_probe flight[SUBSET_WORKERS];
	size_t n = 0;

	memset(log, 0, sizeof *log);
	for (;;) {
		size_t i;

		n += s->ops->propose(s, NULL, 0, flight + n, SUBSET_WORKERS - n);
		if (n == 0)
			break;
		i = br_rand_below(r, n);
		if (s->ops->moot(s, &flight[i]) || br_rand_below(r, 20) == 0) {
			s->ops->forget(s, &flight[i]);
			free(flight[i].keep);
			log->cancelled++;
		} else {
			subset_land(log, c, s, flight[i]);
		}
		flight[i] = flight[--n];
	}
	s->ops->answer(s, &log->answer);
	log->runs = log->n + 1;
	s->ops->close(s);
}

static inline void subset_log_done(struct subset_log *log)
{
	for (size_t i = 0; i < log->n; i++)
		free(log->trial[i].probe.keep);
	free(log->trial);
	br_answer_done(&log->answer);
	memset(log, 0, sizeof *log);
}

/* ---- predicates ---- */

/* All of need[] must be there, and each item's prerequisite (needs[i]; UINT32_MAX: none) with it, or the set is unresolved. */
struct subset_needs {
	const uint32_t *need;
	uint32_t n;
	const uint32_t *first, *second;
};

static inline enum br_class subset_has_needed(const void *context, const bool *in, uint32_t n)
{
	const struct subset_needs *x = context;

	for (uint32_t i = 0; x->first && i < n; i++)
		if (in[i] && ((x->first[i] != UINT32_MAX && !in[x->first[i]]) ||
			      (x->second[i] != UINT32_MAX && !in[x->second[i]])))
			return BR_SKIP;
	for (uint32_t i = 0; i < x->n; i++)
		if (!in[x->need[i]])
			return BR_GOOD;
	return BR_BAD;
}

static inline int subset_by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* k different numbers below n, rising. */
static inline void subset_draw(struct br_rand *r, uint32_t n, uint32_t k, uint32_t *out)
{
	br_auto_free bool *taken = br_calloc(n, sizeof *taken);

	for (uint32_t i = 0; i < k;) {
		uint32_t x = (uint32_t)br_rand_below(r, n);

		if (!taken[x])
			out[i++] = x;
		taken[x] = true;
	}
	qsort(out, k, sizeof *out, subset_by_number);
}

/* k numbers below n in blocks of `block` neighbours, rising. */
static inline void subset_draw_blocks(struct br_rand *r, uint32_t n, uint32_t k, uint32_t block,
				      uint32_t *out)
{
	br_auto_free bool *taken = br_calloc(n, sizeof *taken);

	for (uint32_t i = 0; i < k;) {
		uint32_t x = (uint32_t)br_rand_below(r, n - block);

		for (uint32_t j = 0; j < block && i < k; j++) {
			if (!taken[x + j])
				out[i++] = x + j;
			taken[x + j] = true;
		}
	}
	qsort(out, k, sizeof *out, subset_by_number);
}

/* The peer that the bound on clusters is stated against: passes that remove blocks, halving their length, backwards. */
static inline size_t subset_halving(const struct subset_case *c)
{
	br_auto_free uint32_t *cur = br_calloc(c->n, sizeof *cur), *cut = br_calloc(c->n, sizeof *cut);
	uint32_t n = c->n, m = 1;
	size_t runs = 1;
	bool removed = true;

	for (uint32_t i = 0; i < n; i++)
		cur[i] = i;
	while (m * 2 < n)
		m *= 2;
	for (; m > 1 || removed; m = m > 1 ? m / 2 : 1) {
		removed = false;
		for (uint32_t end = n; end > 0;) {
			uint32_t start = end > m ? end - m : 0;

			memcpy(cut, cur, start * sizeof *cut);
			memcpy(cut + start, cur + end, (n - end) * sizeof *cut);
			runs++;
			if (subset_ask(c, cut, n - (end - start)) == BR_BAD) {
				memcpy(cur, cut, (n - (end - start)) * sizeof *cur);
				n -= end - start;
				removed = true;
			}
			end = start;
		}
		if (m == 1 && !removed)
			break;
		if (m > 1 && m / 2 == 1)
			removed = true;
	}
	return runs;
}

#endif
