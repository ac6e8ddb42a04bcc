/* stacks.h - what a trial's processes are doing, kept beside its log. */
#ifndef BR_STACKS_H
#define BR_STACKS_H

#include "exec/run.h"

struct br_stack_seen;

/*
 * Where all processes below us stand, into the file path and the telling functions into out. but: process 1 of a box, which
 * is ours (0: none). Says nothing on failure: a hang is one with or without stacks.
 */
void br_stacks_of_trial(const char *path, pid_t but, struct br_run_result *out);
/* Puts the telling functions of what was seen into out. */
void br_stacks_tell(const struct br_stack_seen *seen, struct br_run_result *out);

#endif
