/* region.h - what is left of the graph, kept compact: every sweep over it costs what is left, not what was. */
#ifndef BR_SEARCH_REGION_H
#define BR_SEARCH_REGION_H

#include <stdint.h>

#define BR_NO_NODE UINT32_MAX

/*
 * A convex part of the shape's graph: with two nodes it holds all that lies between them, so that
 * ancestors inside it can be found without leaving it. Nodes are numbered 0..m-1, parents lower.
 * Weights are whole numbers whose sum fits 32 bits; a candidate has a weight above 0.
 */
struct br_region {
	uint32_t m;
	uint32_t weight; /* sum */
	uint32_t ncand;
	uint32_t *id;	     /* item in the shape, rising */
	uint32_t *parent_at; /* m+1 */
	uint32_t *parent;
	uint32_t *w; /* NULL: all 1 */
	float *hope; /* usefulness as a probe, 0..1, 0: not to be probed; NULL: 1 for every candidate */
};

/* Work space of all sweeps, n entries each, made once: the strategy never allocates in its inner loops. */
struct br_scratch {
	uint8_t *mark;	/* reach of one node */
	uint8_t *exact; /* select: low[] is the reach itself */
	uint32_t *map, *intro, *count, *base, *low, *stack;
	uint32_t *stamp; /* visited when equal to round, which only rises */
	uint32_t round;
};

void br_scratch_init(struct br_scratch *t, uint32_t n);
void br_scratch_done(struct br_scratch *t);

static inline uint32_t br_region_w(const struct br_region *r, uint32_t node)
{
	return r->w ? r->w[node] : 1;
}

/* Marks all ancestors of the marked nodes, of which top is the highest. Returns the weight of the marked ones. */
uint32_t br_region_close(const struct br_region *r, uint8_t *mark, uint32_t top);
/* Keeps the nodes whose mark is `keep`, in place. map: scratch of m entries. */
void br_region_shrink(struct br_region *r, const uint8_t *mark, uint8_t keep, uint32_t *map);
/* The same into a new region *out, br_region_done by the caller. Convex only if the kept nodes are. */
void br_region_extract(struct br_region *out, const struct br_region *r, const uint8_t *mark, uint8_t keep,
		       uint32_t *map);
void br_region_done(struct br_region *r);

#endif
