/* diff_code.h - how what a function is made of changed. */
#ifndef BR_DIFF_CODE_H
#define BR_DIFF_CODE_H

#include "bisect_run/profile_diff.h"

/* A function in a profile. */
struct br_code_of {
	const struct br_profile *p;
	uint32_t row;
};

/* Fills code and ncode of d, if both profiles tell what the function is made of and that differs. */
void br_diff_code(struct br_profile_delta *d, const struct br_code_of *good, const struct br_code_of *bad);

#endif
