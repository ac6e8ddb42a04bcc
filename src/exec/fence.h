/* fence.h - what a trial may read and write where there are no namespaces, only Landlock. */
#ifndef BR_FENCE_H
#define BR_FENCE_H

#include "bisect_run/engine.h"

struct br_err;
struct br_guard;

struct br_fence_job {
	const struct br_run_spec *spec;
	const char *tree, *tmp, *input, *raw; /* that the trial may write to; all but the tree may be NULL */
};

/* The caller closes *out (br_guard_close) after its last program was started. */
int br_fence_open(struct br_guard **out, const struct br_fence_job *job, struct br_err *err);

#endif
