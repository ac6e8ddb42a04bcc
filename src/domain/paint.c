/*
 * paint.c - marks ancestors from several ends at once, youngest first, and stops when nothing new can be learnt.
 *
 * Nodes come from the heap by topological level, then by date. Where levels are known a node's marks are final when it
 * is taken, since all its descendants stand higher. Without levels a wrong clock may bring a mark late: it is then
 * carried on through what was already taken, and the walk goes on for a margin after it seems done.
 */
#include "base/mem.h"
#include "bisect_run/err.h"
#include "domain/graph.h"

#include <assert.h>

/* Commits to look at in vain before a walk without levels ends: some for each one that was found, up to a cap. */
enum { MARGIN_LEAST = 1000, MARGIN_EACH = 20, MARGIN_MOST = 20000 };

struct walk {
	struct br_graph *g;
	uint32_t *heap;
	size_t n, cap;
	uint32_t *late; /* taken nodes whose marks have yet to reach their parents */
	size_t nlate, late_cap;
	uint64_t open;	  /* nodes in the heap that are not settled */
	int64_t oldest;	  /* date among the taken ones that were not settled */
	uint64_t found;	  /* taken nodes that were not settled */
	uint64_t closing; /* nodes taken since all in the heap were settled */
	unsigned settled; /* a node with this mark needs no more attention */
	bool first_parent;
};

static bool is_settled(const struct walk *w, unsigned mark)
{
	return (mark & w->settled) != 0;
}

static bool comes_first(const struct br_graph *g, uint32_t a, uint32_t b)
{
	const struct br_node *x = &g->node[a], *y = &g->node[b];

	return x->level != y->level ? x->level > y->level : x->date > y->date;
}

static void heap_push(struct walk *w, uint32_t node)
{
	size_t i = w->n++;

	br_grow(&w->heap, i, &w->cap);
	for (; i > 0 && comes_first(w->g, node, w->heap[(i - 1) / 2]); i = (i - 1) / 2)
		w->heap[i] = w->heap[(i - 1) / 2];
	w->heap[i] = node;
}

static uint32_t heap_pop(struct walk *w)
{
	uint32_t top = w->heap[0], last = w->heap[--w->n];
	size_t i = 0;

	for (;;) {
		size_t child = 2 * i + 1;

		if (child + 1 < w->n && comes_first(w->g, w->heap[child + 1], w->heap[child]))
			child++;
		if (child >= w->n || !comes_first(w->g, w->heap[child], last))
			break;
		w->heap[i] = w->heap[child];
		i = child;
	}
	w->heap[i] = last;
	return top;
}

/*
 * Gives a node these marks. A commit that cannot be read is an error, except below a good one: nothing there is
 * asked for, and git looks away too.
 */
static int give(struct walk *w, uint32_t node, unsigned mark, struct br_err *err)
{
	unsigned old = w->g->node[node].mark, now = old | mark;
	int rc;

	if (now == old)
		return 0;
	w->g->node[node].mark = (uint8_t)now;
	if (old & BR_MARK_DONE) {
		br_grow(&w->late, w->nlate, &w->late_cap);
		w->late[w->nlate++] = node;
		return 0;
	}
	if (old & BR_MARK_QUEUED) {
		w->open -= !is_settled(w, old) && is_settled(w, now);
		return 0;
	}
	rc = br_graph_load(w->g, node, err);
	if (rc == BR_ECORRUPT && w->settled == BR_MARK_B && (now & BR_MARK_B))
		return 0;
	if (rc < 0)
		return rc;
	w->g->node[node].mark = (uint8_t)(now | BR_MARK_QUEUED);
	w->open += !is_settled(w, now);
	heap_push(w, node);
	return 0;
}

/* What a node's marks mean for its parents. */
static unsigned inherited(const struct walk *w, unsigned mark)
{
	unsigned out = mark & (BR_MARK_A | BR_MARK_B | BR_MARK_STALE);

	if (w->settled == BR_MARK_STALE && (mark & BR_MARK_A) && (mark & BR_MARK_B))
		out |= BR_MARK_STALE;
	return out;
}

static int give_parents(struct walk *w, uint32_t node, struct br_err *err)
{
	uint32_t at = w->g->node[node].at, n = w->g->node[node].nparent;
	unsigned mark = inherited(w, w->g->node[node].mark);

	for (uint32_t i = 0; i < n; i++) {
		int rc;

		if (i == 1 && w->first_parent)
			mark &= ~(unsigned)BR_MARK_A;
		rc = mark ? give(w, w->g->parent[at + i], mark, err) : 0;
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int take(struct walk *w, struct br_err *err)
{
	uint32_t node = heap_pop(w);
	struct br_node *x = &w->g->node[node];
	int rc;

	x->mark = (uint8_t)((x->mark & ~(unsigned)BR_MARK_QUEUED) | BR_MARK_DONE);
	if (!is_settled(w, x->mark)) {
		w->open--;
		w->closing = 0;
		w->found++;
		if (x->date < w->oldest)
			w->oldest = x->date;
	}
	rc = give_parents(w, node, err);
	while (rc == 0 && w->nlate)
		rc = give_parents(w, w->late[--w->nlate], err);
	return rc;
}

/* Whether what is left in the heap can still change the answer. */
static bool is_over(struct walk *w)
{
	const struct br_node *top = &w->g->node[w->heap[0]];
	uint64_t margin = MARGIN_LEAST + MARGIN_EACH * w->found;

	if (w->open)
		return false;
	if (top->level != BR_LEVEL_NONE)
		return true;
	return ++w->closing > (margin < MARGIN_MOST ? margin : MARGIN_MOST) && top->date < w->oldest;
}

static bool is_met(const struct br_graph *g, uint32_t target)
{
	return target != UINT32_MAX && (g->node[target].mark & BR_MARK_A) &&
	       (g->node[target].mark & BR_MARK_B);
}

static int run(struct walk *w, const git_oid *a, const git_oid *b, size_t nb, uint32_t target,
	       struct br_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < w->g->n; i++)
		w->g->node[i].mark = 0;
	for (size_t i = 0; i < nb && rc == 0; i++)
		rc = give(w, br_graph_node(w->g, &b[i]), BR_MARK_B, err);
	if (rc == 0)
		rc = give(w, br_graph_node(w->g, a), BR_MARK_A, err);
	while (rc == 0 && w->n && !is_met(w->g, target) && !is_over(w))
		rc = take(w, err);
	free(w->heap);
	free(w->late);
	return rc;
}

int br_graph_mark_range(struct br_graph *g, const git_oid *bad, const git_oid *good, size_t ngood,
			bool first_parent, struct br_err *err)
{
	struct walk w = {.g = g, .oldest = INT64_MAX, .settled = BR_MARK_B, .first_parent = first_parent};

	return run(&w, bad, good, ngood, UINT32_MAX, err);
}

int br_graph_mark_common(struct br_graph *g, const git_oid *one, const git_oid *other, size_t nother,
			 const git_oid *target, struct br_err *err)
{
	struct walk w = {.g = g, .oldest = INT64_MAX, .settled = BR_MARK_STALE};

	return run(&w, one, other, nother, target ? br_graph_node(g, target) : UINT32_MAX, err);
}
