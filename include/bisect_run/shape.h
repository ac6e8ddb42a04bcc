/* shape.h - the part of a search space that a strategy may see: plain data. */
#ifndef BR_SHAPE_H
#define BR_SHAPE_H

#include <stdint.h>

enum br_order {
	BR_CHAIN = 1 << 0, /* item i comes before i+1: versions, counters. No arrays, 64 bits */
	BR_DAG = 1 << 1,   /* items have parents: commits */
	BR_SET = 1 << 2,   /* no order: lines, hunks, tests */
};

/*
 * n items, numbered 0..n-1.
 *
 * BR_DAG: a parent's number is lower than its child's. Item n-1 is known bad and every other item is
 * an ancestor of it; all that is reachable from a good revision was left out together with the edges
 * to it, so a parentless item has only good (or no) parents outside.
 * weight 0 marks an item that belongs to the graph but cannot be the culprit and is never probed
 * (a commit that does not touch the wanted paths). It still connects.
 *
 * Immutable once built; owned by the domain that built it.
 */
struct br_shape {
	enum br_order order;
	uint64_t n;
	const uint32_t *parent_at; /* BR_DAG: n+1 offsets into parent */
	const uint32_t
		*parent;     /* BR_DAG: parents of i at [parent_at[i], parent_at[i+1]), first parent first */
	const float *weight; /* n weights >= 0, any scale: prior of being the culprit; NULL: all 1 */
	const float *cost;   /* n relative costs > 0 of a probe; NULL: all equal */
};

#endif
