/* select.h - the node whose test splits a region best. */
#ifndef BR_SEARCH_SELECT_H
#define BR_SEARCH_SELECT_H

#include "search/region.h"

#include <stdbool.h>
#include <stddef.h>

struct br_aim {
	double share;	      /* wanted share of the weight below the probe, 0..1; a half for a single one */
	const uint64_t *near; /* items at hand: of about equally useful nodes the nearest is taken */
	size_t nnear;
	const float *cost; /* by item; of about equally useful nodes the cheapest is taken; NULL: equal */
};

struct br_pick {
	uint32_t node;	/* in the region */
	uint32_t reach; /* weight of it and its ancestors */
	double score;	/* 0..1: how near it comes to the wanted share, times its hope */
};

/*
 * Returns whether some node with hope splits the region at all; *out is the best one. Exact, but for
 * regions whose merges cost too much to count: there it is the best of those that were counted, in O(m + edges).
 */
bool br_select(const struct br_region *r, struct br_scratch *t, const struct br_aim *aim,
	       struct br_pick *out);

#endif
