/*
 * parts.h - the candidates, put together by what the tested points say about them: two are in one part when the same
 * tested points contain them. Whatever is learnt at tested points is the same for a whole part, so that noisy
 * searches work on parts: as many as there are tested points on a line, a few times that on a graph.
 */
#ifndef BR_SEARCH_PARTS_H
#define BR_SEARCH_PARTS_H

#include "bisect_run/shape.h"

#include <stdbool.h>
#include <stddef.h>

struct br_err;

struct br_part {
	uint64_t lo, hi;   /* chains: its candidates; graphs: lowest and highest of them */
	double prior;	   /* sum of the candidates' priors; that of all parts is 1 */
	double count;	   /* candidates in it; more than 2^53 need not be exact */
	double top;	   /* largest prior of one candidate in it */
	uint64_t top_item; /* the first that has it */
	uint32_t from;	   /* the part that it was split off */
};

struct br_parts {
	const struct br_shape *shape;
	uint32_t npart, npoint;
	struct br_part *part;
	uint64_t *point; /* tested items, in order of arrival; point[0] is the known-bad end */
	uint32_t *of;	 /* graphs: part of each item; BR_NO_PART where it cannot be the culprit */
	double total;	 /* sum of the weights */
	uint32_t *index; /* graphs: number of the point at each item, plus 1; 0: untested */
	uint8_t *mark;	 /* graphs: scratch, n */
	uint64_t *sig;	 /* npart rows of `words`: bit k is set when point k contains the part */
	uint32_t words, rows;
	size_t part_size, point_size;
};

#define BR_NO_PART UINT32_MAX

/* Checks the shape (borrowed until done) and makes one part, contained in the known-bad end n-1. */
int br_parts_init(struct br_parts *p, const struct br_shape *shape, struct br_err *err);
void br_parts_done(struct br_parts *p);

/*
 * Number of the point at this item, which becomes a tested one: parts that it contains only a share of are split. The
 * new parts stand at the end and name in `from` the part whose findings they have. O(n) for a new point of a graph.
 */
uint32_t br_parts_point(struct br_parts *p, uint64_t item);

/* Prior of one candidate. */
double br_parts_prior(const struct br_parts *p, uint64_t item);

static inline bool br_parts_has(const struct br_parts *p, uint32_t point, uint32_t part)
{
	return p->sig[(size_t)part * p->words + point / 64] >> (point % 64) & 1;
}

#endif
