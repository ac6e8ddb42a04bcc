/* dag_graph.h - random histories, a brute-force oracle on bitsets, and a driver that answers probes. */
#ifndef BR_TESTS_DAG_GRAPH_H
#define BR_TESTS_DAG_GRAPH_H

#include "bisect_run/strategy.h"

#include "base/mem.h"
#include "base/rand.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct graph {
	uint32_t n;
	uint32_t *at, *parent; /* compressed rows */
	uint32_t edges, size;
	float *weight;	 /* NULL: all 1 */
	uint64_t *reach; /* n rows of `words`: item i's ancestors and itself; NULL for large graphs */
	uint32_t words;
};

static inline void graph_begin(struct graph *g, uint32_t n)
{
	memset(g, 0, sizeof *g);
	g->at = br_calloc((size_t)n + 1, sizeof *g->at);
}

static inline void graph_edge(struct graph *g, uint32_t parent)
{
	size_t size = g->size;

	for (uint32_t e = g->at[g->n]; e < g->edges; e++)
		if (g->parent[e] == parent)
			return;
	br_grow(&g->parent, g->edges, &size);
	g->size = (uint32_t)size;
	g->parent[g->edges++] = parent;
}

static inline void graph_node_done(struct graph *g)
{
	g->at[++g->n] = g->edges;
}

static inline void graph_done(struct graph *g)
{
	free(g->at);
	free(g->parent);
	free(g->weight);
	free(g->reach);
	memset(g, 0, sizeof *g);
}

static inline bool graph_has(const struct graph *g, uint64_t of, uint64_t item)
{
	return g->reach[of * g->words + item / 64] >> (item % 64) & 1;
}

static inline void graph_close(struct graph *g)
{
	g->words = (g->n + 63) / 64;
	g->reach = br_calloc((size_t)g->n * g->words, sizeof *g->reach);
	for (uint32_t i = 0; i < g->n; i++) {
		uint64_t *row = g->reach + (size_t)i * g->words;

		row[i / 64] |= (uint64_t)1 << (i % 64);
		for (uint32_t e = g->at[i]; e < g->at[i + 1]; e++)
			for (uint32_t w = 0; w < g->words; w++)
				row[w] |= g->reach[(size_t)g->parent[e] * g->words + w];
	}
}

static inline bool graph_cand(const struct graph *g, uint64_t item)
{
	return !g->weight || g->weight[item] > 0;
}

static inline struct br_shape graph_shape(const struct graph *g)
{
	return (struct br_shape){
		.order = BR_DAG, .n = g->n, .parent_at = g->at, .parent = g->parent, .weight = g->weight};
}

static inline void graph_line(struct graph *g, uint32_t n)
{
	graph_begin(g, n);
	for (uint32_t i = 0; i < n; i++) {
		if (i)
			graph_edge(g, i - 1);
		graph_node_done(g);
	}
}

/*
 * A random history of n items, all ancestors of the last: branches that fork, merge, criss-cross and meet in
 * octopus merges, with more than one root. The mix is drawn first, so graphs differ in kind, not in detail only.
 */
static inline void graph_random(struct graph *g, struct br_rand *r, uint32_t n)
{
	uint64_t merges = br_rand_below(r, 40), roots = br_rand_below(r, 4), back = 1 + br_rand_below(r, 40);
	br_auto_free uint32_t *open = br_calloc(n, sizeof *open);
	uint32_t nopen = 0;

	graph_begin(g, n);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t k = 0;

		if (i && br_rand_below(r, 100) >= roots) {
			uint64_t more =
				br_rand_below(r, 100) < merges ? 1 + br_rand_below(r, 1 + merges / 12) : 0;

			/* Mostly the newest, sometimes an older one: a fork. */
			for (uint64_t p = 0; p <= more; p++)
				graph_edge(g, i - 1 - (uint32_t)br_rand_below(r, i < back ? i : back));
		}
		if (i == n - 1)
			for (uint32_t j = 0; j < nopen; j++) /* ties up what is still open */
				graph_edge(g, open[j]);
		for (uint32_t j = 0; j < nopen; j++) {
			bool used = false;

			for (uint32_t e = g->at[i]; e < g->edges; e++)
				used |= g->parent[e] == open[j];
			if (!used)
				open[k++] = open[j];
		}
		nopen = k;
		open[nopen++] = i;
		graph_node_done(g);
	}
}

/* Branches off a main line, merged back by it; every 1/merge_every items on average. For large graphs. */
static inline void graph_topics(struct graph *g, struct br_rand *r, uint32_t n, uint32_t merge_every)
{
	uint32_t head = 0, topic = 0, fork_left = 0;

	graph_begin(g, n);
	graph_node_done(g);
	for (uint32_t i = 1; i < n; i++) {
		bool merge = fork_left == 1;

		if (i == n - 1 || merge) {
			graph_edge(g, head);
			if (fork_left)
				graph_edge(g, topic);
			fork_left = 0;
			head = i;
		} else if (fork_left && br_rand_below(r, 2)) {
			graph_edge(g, topic);
			topic = i;
			fork_left--;
		} else {
			graph_edge(g, head);
			head = i;
			if (!fork_left) {
				topic = head - (uint32_t)br_rand_below(r, i < 50 ? i : 50);
				fork_left = 1 + (uint32_t)br_rand_below(r, 2 * (uint64_t)merge_every);
			}
		}
		graph_node_done(g);
	}
}

static inline struct br_verdict verdict_of(enum br_class cls)
{
	struct br_verdict v;

	memset(&v, 0, sizeof v);
	v.cls = cls;
	return v;
}

static inline struct br_probe probe_of(uint64_t item)
{
	return (struct br_probe){.kind = BR_POINT, .point = item};
}

static inline void tell(struct br_strategy *s, uint64_t item, enum br_class cls)
{
	struct br_probe p = probe_of(item);
	struct br_verdict v = verdict_of(cls);

	s->ops->observe(s, &p, &v);
}

static inline struct br_strategy *open_dag(const struct br_shape *shape, uint64_t seed, bool exhaust)
{
	struct br_strategy_cfg cfg = {.seed = seed, .confidence = 0.99, .exhaust = exhaust};
	struct br_strategy *s = NULL;

	if (br_strategy_dag.open(&s, shape, &cfg, NULL))
		return NULL;
	return s;
}

static inline bool in_answer(const struct br_answer *a, uint64_t item)
{
	for (uint64_t i = 0; i < a->nitem; i++)
		if (a->item[i] == item)
			return true;
	return false;
}

static inline bool same_answer(const struct br_answer *a, const struct br_answer *b)
{
	return a->status == b->status && a->left == b->left && a->assumed == b->assumed &&
	       a->nitem == b->nitem &&
	       (!a->nitem || memcmp(a->item, b->item, a->nitem * sizeof *a->item) == 0);
}

/* Long runs take more seeds. */
static inline uint64_t times(uint64_t normal)
{
	return getenv("BR_LONG") ? normal * 10 : normal;
}

#endif
