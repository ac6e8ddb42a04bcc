/*
 * select.c - the node whose test splits a region best, without counting the reach of every node.
 *
 * One sweep counts exactly the reach of all nodes on a first-parent chain: every node is introduced
 * by the lowest chain node that has it as an ancestor. A node beside the chain has an exact count for free
 * where it has one parent, and where its other parents are ancestors of the highest chain node below it.
 * Only merges between branches are left; those are counted one by one, when their bounds say that they could win,
 * within a budget of visits. Over the budget, the chain is laid again through the side parent at which it jumps
 * over the middle, which is again exact for all nodes on it.
 */
#include "search/select.h"

#include <string.h>

enum {
	FREE_VISITS = 20000, /* any region may spend these ... */
	VISIT_SHARE = 4,     /* ... and a quarter of its size */
	MAX_CHAINS = 12,
	SMALL = 1024, /* up to here every equally good node is looked at, for a stable choice */
};
static const double ABOUT_EQUAL = 0.995;      /* of the best score: 0.3 % of a bit is lost at most */
static const double GOOD_ENOUGH = 1.0 / 2048; /* off the aim, of the weight: less than a millionth of a bit */

struct pass {
	const struct br_region *r;
	struct br_scratch *t;
	const struct br_aim *aim;
	double aimed; /* wanted reach */
	struct br_pick best, liked;
	double liked_cost;
	uint64_t liked_far;
	uint64_t visits; /* that may still be spent */
	uint32_t over;	 /* lowest chain node whose reach is above the aim */
	uint32_t nchain;
	bool gave_up;
};

/* 0..1, 1 at the aim; for a half it is 4x(1-x), near to the entropy of the split. */
static double gain(const struct pass *s, double reach)
{
	double all = s->r->weight, y;

	if (reach <= 0 || reach >= all)
		return 0;
	y = reach < s->aimed ? reach / s->aimed : (all - reach) / (all - s->aimed);
	return y * (2 - y);
}

static double hope(const struct pass *s, uint32_t node)
{
	if (s->r->hope)
		return (double)s->r->hope[node];
	return br_region_w(s->r, node) > 0;
}

static uint64_t distance(const struct pass *s, uint32_t node)
{
	uint64_t at = s->r->id[node], least = UINT64_MAX;

	for (size_t i = 0; i < s->aim->nnear; i++) {
		uint64_t x = s->aim->near[i], d = x < at ? at - x : x - at;

		if (d < least)
			least = d;
	}
	return least;
}

/* Of about equally useful nodes: the cheapest, then the nearest. */
static void prefer(struct pass *s, uint32_t node, uint32_t reach, double score)
{
	double cost;
	uint64_t far;

	if ((!s->aim->nnear && !s->aim->cost) || score < ABOUT_EQUAL * s->best.score)
		return;
	cost = s->aim->cost ? (double)s->aim->cost[s->r->id[node]] : 1;
	far = distance(s, node);
	if (s->liked.node != BR_NO_NODE && s->liked.score >= ABOUT_EQUAL * s->best.score &&
	    (cost > s->liked_cost || (cost >= s->liked_cost && far >= s->liked_far)))
		return;
	s->liked = (struct br_pick){node, reach, score};
	s->liked_cost = cost;
	s->liked_far = far;
}

static void consider(struct pass *s, uint32_t node, uint32_t reach)
{
	double score = gain(s, reach) * hope(s, node);

	/* Of equals the first, as git takes it. */
	if (score > s->best.score || (score > 0 && score >= s->best.score && node < s->best.node))
		s->best = (struct br_pick){node, reach, score};
	if (score > 0)
		prefer(s, node, reach, score);
}

static bool good_enough(const struct pass *s)
{
	double off = s->best.node == BR_NO_NODE ? s->r->weight : (double)s->best.reach - s->aimed, slack;

	if (s->r->hope || s->r->m <= SMALL)
		return false;
	slack = GOOD_ENOUGH * s->r->weight;
	off = off < 0 ? -off : off;
	return off <= (slack > 0.5 ? slack : 0.5);
}

/* Lays the chain of first parents down from head; intro[] and, for chain nodes, count[] (their reach) are set. */
static void lay_chain(struct pass *s, uint32_t head)
{
	const struct br_region *r = s->r;
	uint32_t *intro = s->t->intro, *count = s->t->count, *chain = s->t->stack, next = head, k = 0,
		 sum = 0;

	memset(intro, 0xff, ((size_t)head + 1) * sizeof *intro);
	memset(count, 0, ((size_t)head + 1) * sizeof *count);
	for (uint32_t u = head + 1; u-- > 0;) {
		uint32_t e = r->parent_at[u], end = r->parent_at[u + 1], by;

		if (u == next) {
			intro[u] = u;
			chain[k++] = u;
			next = e < end ? r->parent[e] : BR_NO_NODE;
		}
		by = intro[u];
		if (by == BR_NO_NODE)
			continue;
		count[by] += br_region_w(r, u);
		for (; e < end; e++)
			if (by < intro[r->parent[e]])
				intro[r->parent[e]] = by;
	}
	s->nchain = k;
	s->over = BR_NO_NODE;
	while (k-- > 0) {
		sum += count[chain[k]];
		count[chain[k]] = sum;
		if (s->over == BR_NO_NODE && sum >= s->aimed)
			s->over = chain[k];
		consider(s, chain[k], sum);
	}
	/* Again, now that the best score is known. */
	for (k = s->aim->nnear || s->aim->cost ? s->nchain : 0; k-- > 0;)
		prefer(s, chain[k], count[chain[k]], gain(s, count[chain[k]]) * hope(s, chain[k]));
}

/* Weight of the node and its ancestors that the chain node base-1 does not have. Returns false over the budget. */
static bool count_above(struct pass *s, uint32_t node, uint32_t base, uint32_t *out)
{
	const struct br_region *r = s->r;
	uint32_t *stack = s->t->stack, *stamp = s->t->stamp, round = ++s->t->round, sp = 0, sum = 0;

	stack[sp++] = node;
	stamp[node] = round;
	while (sp) {
		uint32_t u = stack[--sp];

		if (!s->visits--) {
			s->visits = 0;
			return false;
		}
		sum += br_region_w(r, u);
		for (uint32_t e = r->parent_at[u]; e < r->parent_at[u + 1]; e++) {
			uint32_t q = r->parent[e];

			if (stamp[q] == round || (s->t->intro[q] != BR_NO_NODE && s->t->intro[q] < base))
				continue;
			stamp[q] = round;
			stack[sp++] = q;
		}
	}
	*out = sum;
	return true;
}

/* The most that a node could score whose reach lies in [low, high]. */
static double potential(const struct pass *s, uint32_t node, uint32_t low, uint32_t high)
{
	double at = s->aimed;

	if (low > at)
		at = low;
	if (high < at)
		at = high;
	return gain(s, at) * hope(s, node);
}

/*
 * Sets base[] (the highest chain node among its ancestors, plus 1; 0: none) and low[] (a lower bound of its reach)
 * from those of the parents; exact[] where the bound is the reach itself.
 */
static void bound(struct pass *s, uint32_t node)
{
	const struct br_region *r = s->r;
	struct br_scratch *t = s->t;
	uint32_t base = 0, low, open = 0, from = BR_NO_NODE;

	for (uint32_t e = r->parent_at[node]; e < r->parent_at[node + 1]; e++)
		if (t->base[r->parent[e]] > base)
			base = t->base[r->parent[e]];
	low = base ? t->count[base - 1] : 0;
	for (uint32_t e = r->parent_at[node]; e < r->parent_at[node + 1]; e++) {
		uint32_t q = r->parent[e];

		if (t->intro[q] != BR_NO_NODE && t->intro[q] < base)
			continue; /* an ancestor of the base */
		open++;
		from = q;
		if (t->low[q] > low)
			low = t->low[q];
	}
	t->base[node] = base;
	t->low[node] = low + br_region_w(r, node);
	t->exact[node] = open == 0 || (open == 1 && t->base[from] == base && t->exact[from]);
}

static void beside(struct pass *s, uint32_t node)
{
	struct br_scratch *t = s->t;
	uint32_t by = t->intro[node], base, high, above;

	bound(s, node);
	if (!t->exact[node]) {
		high = by == BR_NO_NODE ? s->r->weight : t->count[by] - br_region_w(s->r, by);
		if (hope(s, node) <= 0 || potential(s, node, t->low[node], high) < s->best.score)
			return;
		base = t->base[node];
		if (!s->visits || !count_above(s, node, base, &above)) {
			s->gave_up = true;
			return;
		}
		t->low[node] = (base ? t->count[base - 1] : 0) + above;
		t->exact[node] = 1;
	}
	consider(s, node, t->low[node]);
}

/* All nodes beside the chain, parents first. */
static void walk_beside(struct pass *s)
{
	struct br_scratch *t = s->t;

	for (uint32_t u = 0; u < s->r->m; u++) {
		if (t->intro[u] != u) {
			beside(s, u);
			if (good_enough(s))
				return;
			continue;
		}
		t->base[u] = u + 1;
		t->low[u] = t->count[u];
		t->exact[u] = 1;
	}
}

/* Where the next chain should start: the side parent where this one jumped over the aim, else another head. */
static uint32_t next_head(const struct pass *s, uint32_t head)
{
	const struct br_region *r = s->r;
	const uint32_t *intro = s->t->intro;
	uint32_t side = BR_NO_NODE;

	if (s->over == BR_NO_NODE) {
		while (head > 0)
			if (intro[--head] == BR_NO_NODE)
				return head;
		return BR_NO_NODE;
	}
	for (uint32_t e = r->parent_at[s->over]; e < r->parent_at[s->over + 1]; e++)
		if (intro[r->parent[e]] == s->over && (side == BR_NO_NODE || r->parent[e] > side))
			side = r->parent[e];
	return side;
}

/* Counts the lowest node with hope outright: unless it has all candidates below it, no other has either. */
static void last_resort(struct pass *s)
{
	uint8_t *mark = s->t->mark;
	uint32_t u = 0;

	while (u < s->r->m && hope(s, u) <= 0)
		u++;
	if (u == s->r->m)
		return;
	memset(mark, 0, (size_t)u + 1);
	mark[u] = 1;
	consider(s, u, br_region_close(s->r, mark, u));
}

bool br_select(const struct br_region *r, struct br_scratch *t, const struct br_aim *aim, struct br_pick *out)
{
	const struct br_pick none = {BR_NO_NODE, 0, 0};
	struct pass s = {.r = r, .t = t, .aim = aim, .best = none, .liked = none};
	uint32_t head = r->m - 1;

	if (r->m < 2 || r->ncand < 2)
		return false;
	s.aimed = aim->share * r->weight;
	s.visits = r->m / VISIT_SHARE + FREE_VISITS;
	lay_chain(&s, head);
	if (!good_enough(&s) && s.nchain < r->m)
		walk_beside(&s);
	for (int i = 0; s.gave_up && i < MAX_CHAINS && !good_enough(&s); i++) {
		head = next_head(&s, head);
		if (head == BR_NO_NODE)
			break;
		lay_chain(&s, head);
	}
	if (s.best.node == BR_NO_NODE && s.gave_up)
		last_resort(&s);
	if (s.best.node == BR_NO_NODE)
		return false;
	*out = s.liked.node != BR_NO_NODE && s.liked.score >= ABOUT_EQUAL * s.best.score ? s.liked : s.best;
	return true;
}
