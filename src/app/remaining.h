/* remaining.h - what may still be the culprit when no strategy has said it. */
#ifndef BR_REMAINING_H
#define BR_REMAINING_H

#include "app/session.h"

enum br_remaining {
	BR_REMAINING, /* by all verdicts */
	BR_REMAINING_BY_BAD, /* by the bad ones alone: a flaky test passes by chance more often than it fails by chance */
	BR_REMAINING_ANY_PATH, /* by all verdicts, and commits that --path leaves out count too */
};

/* Full ids, oldest first, NULL-terminated; for the caller to free (br_strv_free). */
char **br_remaining(struct br_session *s, enum br_remaining how);

#endif
