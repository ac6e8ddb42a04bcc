/* stack.h - finds the stack that belongs to a line of evidence, and keeps what of it stays from run to run. */
#ifndef BR_STACK_H
#define BR_STACK_H

#include "bisect_run/trial.h"
#include "judge/frame.h"

/*
 * Reads on from the offset at (the line behind the one that told of the failure) in bounded space and time: at most some
 * hundred lines. Fills frame and nframe of *f; for a Python traceback type and message too. Of a stack
 * that ran over (type or message say so) the repeated part is kept. Returns whether there was a frame.
 */
bool br_stack_read(enum br_stack_format format, const char *text, size_t n, size_t at, struct br_failure *f);

#endif
