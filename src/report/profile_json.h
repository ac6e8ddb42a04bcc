/* profile_json.h - the table of functions as a part of a result. */
#ifndef BR_PROFILE_JSON_H
#define BR_PROFILE_JSON_H

#include "bisect_run/profile.h"
#include "bisect_run/profile_diff.h"

#include <jansson.h>

/* The most costly `rows` functions (0: all). A new reference. */
json_t *br_profile_part(const struct br_profile *p, size_t rows);
/* The reverse, as far as it goes: rows, unit, total. NULL: this is none. The caller's (br_profile_done, free). */
struct br_profile *br_profile_part_read(json_t *o);
/* The same of a comparison; NULL: this is none. */
json_t *br_profile_diff_part(const struct br_profile_diff *d, size_t rows);
struct br_profile_diff *br_profile_diff_part_read(json_t *o);

#endif
