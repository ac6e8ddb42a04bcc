/* show_profile.h - profiles from the record. */
#ifndef BR_SHOW_PROFILE_H
#define BR_SHOW_PROFILE_H

#include "app/options.h"
#include "bisect_run/result.h"

/* Prints what o->side says, in the order of o->sort. BR_ENOTFOUND: the search has no such profile. */
int br_show_profile(const struct br_result *r, const struct br_options *o, struct br_err *err);

#endif
