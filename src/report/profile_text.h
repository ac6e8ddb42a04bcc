/* profile_text.h - the functions in a result for people. */
#ifndef BR_PROFILE_TEXT_H
#define BR_PROFILE_TEXT_H

#include "base/buf.h"
#include "bisect_run/report.h"

/* Nothing where the result has no profile. */
void br_profile_put(struct br_buf *b, const struct br_result *r, const struct br_text_style *style);

#endif
