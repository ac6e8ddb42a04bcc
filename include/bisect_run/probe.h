/* probe.h - one question put to the system under test. */
#ifndef BR_PROBE_H
#define BR_PROBE_H

#include <stdint.h>

enum br_probe_kind {
	BR_POINT,  /* the state at one item: check out this commit */
	BR_SUBSET, /* the state made of the kept items only */
};

/* A point that is no item of the shape: an end on the good side. Noisy strategies learn from runs there. */
#define BR_POINT_OUTSIDE UINT64_MAX

struct br_probe {
	uint64_t id; /* set by the driver, unique in a run; 0 before */
	enum br_probe_kind kind;
	uint64_t point; /* BR_POINT: item number in the shape */
	uint32_t nkeep; /* BR_SUBSET: length of keep */
	uint32_t *keep; /* BR_SUBSET: owned (free), rising item numbers */
};

#endif
