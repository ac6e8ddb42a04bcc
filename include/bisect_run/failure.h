/* failure.h - whether two failures are the same one, and a failure in a line. Pure. */
#ifndef BR_FAILURE_H
#define BR_FAILURE_H

#include "bisect_run/trial.h"

#include <stddef.h>

/*
 * The rules by which type, message and frames are made. Whoever changes them so that the same output gives another
 * signature raises it: signatures of different versions are never the same.
 */
#define BR_SIGNATURE_VERSION 1

/*
 * Whether both are the same failure, as far as what is known of them tells:
 * - kinds and types must agree (the size of an access does not count);
 * - where both have a stack, it decides: equal frames, or two in common in the same order of which one is the top of
 *   either side. Frames that every program has (main, <module>) do not count as common. A single common frame needs
 *   messages that are alike too;
 * - else the messages must be alike: more than 0.8 of their characters in common, numbers, addresses and folders aside;
 * - where nothing was printed, the exit status or the signal must be equal (exit 139 in a shell is signal 11).
 * Two timeouts are the same unless both have stacks that differ. Symmetric; false when the versions differ.
 */
bool br_failure_same(const struct br_failure *a, const struct br_failure *b);

/* "heap-use-after-free READ 1 in parse", "AssertionError: 1 != 2", "exit 3"; for people. Returns buf, never empty. */
const char *br_failure_title(const struct br_failure *f, char *buf, size_t size);

#endif
