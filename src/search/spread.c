/*
 * spread.c - probes for several workers at once.
 *
 * The probes in flight cut the region into cells: candidates that the same ones of them reach. Whatever their
 * answers, the culprit's cell is what will be left, so new probes go to the largest cell, several of them evenly: the
 * first at the middle of its share, the others in the same way below and beside it.
 */
#include "search/dag.h"

#include "base/mem.h"

#include <string.h>

#define NO_CELL UINT32_MAX

struct cell {
	uint32_t weight, ncand;
	uint32_t upper;	 /* while refining: the part that the probe at hand reaches */
	uint32_t probes; /* to be put here */
	bool dead;	 /* cannot be split */
};

struct cells {
	struct cell *cell;
	size_t n, size;
	uint32_t *of; /* node -> cell */
};

struct found {
	uint32_t item, weight; /* of the region that it splits */
};

struct spread {
	struct br_dag *d;
	struct br_aim aim;
	struct found *found;
	size_t n, max;
};

static uint32_t new_cell(struct cells *c)
{
	br_grow(&c->cell, c->n, &c->size);
	c->cell[c->n] = (struct cell){.upper = NO_CELL};
	return (uint32_t)c->n++;
}

static void move_node(struct cells *c, const struct br_region *r, uint32_t node)
{
	uint32_t old = c->of[node], w = br_region_w(r, node), to = c->cell[old].upper;

	if (to == NO_CELL) {
		to = new_cell(c);
		c->cell[old].upper = to;
	}
	c->of[node] = to;
	c->cell[old].weight -= w;
	c->cell[old].ncand -= w > 0;
	c->cell[to].weight += w;
	c->cell[to].ncand += w > 0;
}

/* Cuts all cells by what the item reaches. */
static void refine(struct cells *c, const struct br_dag *d, uint32_t item)
{
	uint32_t reach = br_dag_reach(d, item);

	if (!reach || reach == d->left.weight)
		return;
	for (size_t i = 0; i < c->n; i++)
		c->cell[i].upper = NO_CELL;
	for (uint32_t u = 0; u < d->left.m; u++)
		if (d->scratch.mark[u])
			move_node(c, &d->left, u);
}

static void cut(struct cells *c, const struct br_dag *d)
{
	memset(c, 0, sizeof *c);
	c->of = br_calloc(d->left.m, sizeof *c->of);
	(void)new_cell(c);
	c->cell[0].weight = d->left.weight;
	c->cell[0].ncand = d->left.ncand;
	for (size_t i = 0; i < d->nflying; i++)
		refine(c, d, d->flying[i]);
}

static void cells_done(struct cells *c)
{
	free(c->cell);
	free(c->of);
}

/* Gives each of k probes to the cell whose parts are the largest then; returns how many found one. */
static size_t allot(struct cells *c, size_t k)
{
	size_t given = 0;

	for (size_t i = 0; i < c->n; i++)
		c->cell[i].probes = 0;
	for (; given < k; given++) {
		struct cell *best = NULL;

		for (size_t i = 0; i < c->n; i++) {
			struct cell *x = &c->cell[i];

			if (x->dead || x->ncand < x->probes + 2)
				continue;
			if (!best || (uint64_t)x->weight * (best->probes + 1) >
					     (uint64_t)best->weight * (x->probes + 1))
				best = x;
		}
		if (!best)
			break;
		best->probes++;
	}
	return given;
}

/* Puts k probes into the region; which shrinks a temporary copy at each level, so at most log2(k) deep. */
static void place(struct spread *s, const struct br_region *r, uint32_t k)
{
	uint32_t half = (k + 1) / 2, top;
	struct br_scratch *t = &s->d->scratch;
	struct br_region below, beside;
	struct br_pick pick;

	if (!k || s->n == s->max)
		return;
	s->aim.share = (double)half / (k + 1);
	if (!br_select(r, t, &s->aim, &pick))
		return;
	top = pick.node;
	s->found[s->n++] = (struct found){r->id[top], r->weight};
	if (k == 1)
		return;
	memset(t->mark, 0, r->m);
	t->mark[top] = 1;
	(void)br_region_close(r, t->mark, top);
	br_region_extract(&below, r, t->mark, 1, t->map);
	br_region_extract(&beside, r, t->mark, 0, t->map);
	place(s, &below, half - 1);
	place(s, &beside, k - half);
	br_region_done(&below);
	br_region_done(&beside);
}

static void place_in_cell(struct spread *s, struct cells *c, uint32_t which)
{
	struct br_dag *d = s->d;
	struct cell *cell = &c->cell[which];
	struct br_region part;
	size_t before = s->n;

	for (uint32_t u = 0; u < d->left.m; u++)
		d->scratch.mark[u] = c->of[u] == which;
	br_region_extract(&part, &d->left, d->scratch.mark, 1, d->scratch.map);
	place(s, &part, cell->probes);
	br_region_done(&part);
	cell->dead = s->n - before < cell->probes;
}

static void fill_cells(struct spread *s)
{
	struct cells c;

	cut(&c, s->d);
	while (s->n < s->max && allot(&c, s->max - s->n)) {
		bool again = false;

		for (uint32_t i = 0; i < c.n; i++) {
			if (!c.cell[i].probes)
				continue;
			place_in_cell(s, &c, i);
			again |= c.cell[i].dead;
			c.cell[i].dead = true; /* its parts are cells of their own only next time */
		}
		if (!again)
			break;
	}
	cells_done(&c);
}

static int by_weight(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	if (x->weight != y->weight)
		return x->weight < y->weight ? 1 : -1;
	return (x->item > y->item) - (x->item < y->item);
}

size_t br_dag_spread(struct br_dag *d, const struct br_aim *aim, uint32_t *item, size_t max)
{
	struct spread s = {.d = d, .aim = *aim, .max = max};

	s.found = br_reallocarray(NULL, max, sizeof *s.found);
	if (d->nflying)
		fill_cells(&s);
	else
		place(&s, &d->left, (uint32_t)(max < d->left.ncand - 1 ? max : d->left.ncand - 1));
	qsort(s.found, s.n, sizeof *s.found, by_weight);
	for (size_t i = 0; i < s.n; i++)
		item[i] = s.found[i].item;
	free(s.found);
	return s.n;
}
