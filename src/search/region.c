/* region.c - the part of the graph that is left: closing under ancestors, shrinking, cutting out. */
#include "search/region.h"

#include "base/mem.h"

#include <string.h>

void br_scratch_init(struct br_scratch *t, uint32_t n)
{
	t->mark = br_malloc(n);
	t->exact = br_malloc(n);
	t->map = br_reallocarray(NULL, n, sizeof *t->map);
	t->intro = br_reallocarray(NULL, n, sizeof *t->intro);
	t->count = br_reallocarray(NULL, n, sizeof *t->count);
	t->base = br_reallocarray(NULL, n, sizeof *t->base);
	t->low = br_reallocarray(NULL, n, sizeof *t->low);
	t->stack = br_reallocarray(NULL, n, sizeof *t->stack);
	t->stamp = br_calloc(n, sizeof *t->stamp);
	t->round = 0;
}

void br_scratch_done(struct br_scratch *t)
{
	free(t->mark);
	free(t->exact);
	free(t->map);
	free(t->intro);
	free(t->count);
	free(t->base);
	free(t->low);
	free(t->stack);
	free(t->stamp);
	memset(t, 0, sizeof *t);
}

uint32_t br_region_close(const struct br_region *r, uint8_t *mark, uint32_t top)
{
	uint32_t sum = 0;

	for (uint32_t u = top + 1; u-- > 0;) {
		if (!mark[u])
			continue;
		sum += br_region_w(r, u);
		for (uint32_t e = r->parent_at[u]; e < r->parent_at[u + 1]; e++)
			mark[r->parent[e]] = 1;
	}
	return sum;
}

/* Writes the kept part of *from into *to, which may be the same: nothing is written ahead of what is read. */
static void filter(struct br_region *to, const struct br_region *from, const uint8_t *mark, uint8_t keep,
		   uint32_t *map)
{
	uint32_t m = from->m, kept = 0, edges = 0, weight = 0, ncand = 0, start = from->parent_at[0];

	for (uint32_t u = 0; u < m; u++) {
		uint32_t end = from->parent_at[u + 1], first = edges, w = br_region_w(from, u);

		map[u] = BR_NO_NODE;
		if (mark[u] == keep) {
			for (uint32_t e = start; e < end; e++)
				if (map[from->parent[e]] != BR_NO_NODE)
					to->parent[edges++] = map[from->parent[e]];
			map[u] = kept;
			to->id[kept] = from->id[u];
			if (to->w)
				to->w[kept] = w;
			if (to->hope)
				to->hope[kept] = from->hope[u];
			to->parent_at[kept++] = first;
			weight += w;
			ncand += w > 0;
		}
		start = end;
	}
	to->parent_at[kept] = edges;
	to->m = kept;
	to->weight = weight;
	to->ncand = ncand;
}

void br_region_shrink(struct br_region *r, const uint8_t *mark, uint8_t keep, uint32_t *map)
{
	filter(r, r, mark, keep, map);
}

void br_region_extract(struct br_region *out, const struct br_region *r, const uint8_t *mark, uint8_t keep,
		       uint32_t *map)
{
	uint32_t m = 0, edges = 0;

	for (uint32_t u = 0; u < r->m; u++) {
		if (mark[u] != keep)
			continue;
		m++;
		edges += r->parent_at[u + 1] - r->parent_at[u];
	}
	memset(out, 0, sizeof *out);
	out->id = br_reallocarray(NULL, m, sizeof *out->id);
	out->parent_at = br_reallocarray(NULL, (size_t)m + 1, sizeof *out->parent_at);
	out->parent = br_reallocarray(NULL, edges, sizeof *out->parent);
	if (r->w)
		out->w = br_reallocarray(NULL, m, sizeof *out->w);
	if (r->hope)
		out->hope = br_reallocarray(NULL, m, sizeof *out->hope);
	filter(out, r, mark, keep, map);
}

void br_region_done(struct br_region *r)
{
	free(r->id);
	free(r->parent_at);
	free(r->parent);
	free(r->w);
	free(r->hope);
	memset(r, 0, sizeof *r);
}
