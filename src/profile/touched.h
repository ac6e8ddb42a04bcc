/* touched.h - which rows of a profile a diff touches. */
#ifndef BR_TOUCHED_H
#define BR_TOUCHED_H

#include "bisect_run/profile_diff.h"

struct br_touched_side {
	const struct br_profile *p;
	const struct br_changed_file *changed;
	size_t nchanged;
	bool old; /* the parent's side of the diff */
};

/* One of each row, for the caller to free. */
enum br_touch *br_touched(const struct br_touched_side *side);

#endif
