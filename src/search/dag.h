/* dag.h - the state of the exact search, shared by its files. */
#ifndef BR_SEARCH_DAG_H
#define BR_SEARCH_DAG_H

#include "bisect_run/strategy.h"
#include "search/region.h"
#include "search/select.h"

/* Of an item, whatever is left of the search. */
enum br_dag_flag {
	BR_DAG_TESTED = 1 << 0, /* good or bad was observed and applied */
	BR_DAG_SKIPPED = 1 << 1,
	BR_DAG_FLYING = 1 << 2, /* proposed, not observed yet */
	BR_DAG_SEEN = 1 << 3,	/* scratch of one walk */
};

/* Values of at[] for items that are no longer in the region. */
#define BR_DAG_GOOD UINT32_MAX	       /* an ancestor of a good item */
#define BR_DAG_BESIDE (UINT32_MAX - 1) /* not an ancestor of every bad item */

/* Where the next probe comes from. */
enum br_dag_stage {
	BR_DAG_INSIDE,	/* some node of the region splits it */
	BR_DAG_OUTSIDE, /* only items beside the region tell its candidates apart */
	BR_DAG_WAITING, /* nothing to propose, but one in flight may still tell something */
	BR_DAG_OVER,
};

/*
 * What is known is a function of the set of observations, never of their order: the region is what all bad
 * items have in common, less all that good ones have; everything else is derived from it and from the skipped items.
 */
struct br_dag {
	struct br_strategy base;
	const struct br_shape *shape;
	uint64_t seed;
	bool exhaust, contradicted;
	bool skips; /* any was observed */
	enum br_dag_stage stage;
	struct br_region left; /* hope is set while it holds skipped candidates */
	uint32_t *at;	       /* n: node in the region, or BR_DAG_GOOD, BR_DAG_BESIDE */
	uint8_t *flags;	       /* n */
	uint32_t *flying;      /* items, in the order of their proposal */
	size_t nflying, flying_size;
	uint32_t nskip;	    /* skipped candidates in the region */
	uint32_t neligible; /* candidates in it that may still be probed, while nskip > 0 */
	uint64_t assumed;   /* valid in BR_DAG_OVER */
	struct br_scratch scratch;
};

/* Marks (scratch.mark) the nodes of the region that are the item or its ancestors; returns their weight. */
uint32_t br_dag_reach(const struct br_dag *d, uint32_t item);
/* Puts an item among those in flight. */
void br_dag_fly(struct br_dag *d, uint32_t item);

/* skips.c */
/* Sets left.hope, nskip and neligible from the skipped items in the region. */
void br_dag_weigh_skips(struct br_dag *d);
/*
 * Items beside the region that reach some, but not all of its candidates, and may be probed: up to max of them, the
 * most useful first. They exist where branches left an untestable stretch before the known bad item.
 */
size_t br_dag_outside(struct br_dag *d, uint32_t *item, size_t max);

/* spread.c */
/* Proposes up to max items inside the region that even out what the ones in flight leave open. */
size_t br_dag_spread(struct br_dag *d, const struct br_aim *aim, uint32_t *item, size_t max);

#endif
