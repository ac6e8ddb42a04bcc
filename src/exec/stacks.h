/* stacks.h - what a trial's processes are doing, kept beside its log. */
#ifndef BR_STACKS_H
#define BR_STACKS_H

#include "exec/run.h"

struct br_crash;
struct br_outcome;
struct br_stack_seen;
struct br_tracer;

/*
 * Where all processes below us stand, into the file path and the telling functions into out. but: process 1 of a box, which
 * is ours (0: none). Says nothing on failure: a hang is one with or without stacks.
 */
void br_stacks_of_trial(const char *path, pid_t but, struct br_run_result *out);
/* Puts the telling functions of what was seen into out. */
void br_stacks_tell(const struct br_stack_seen *seen, struct br_run_result *out);

/* Words that run argv once somebody traces them: they stop themselves first. core: let the kernel write a core file. The caller's. */
char **br_stacks_stopped_argv(char *const *argv, bool core);
/* Waits until such a program has stopped itself; box as below. 0: it did not. */
pid_t br_stacks_await(pid_t box);
/*
 * Begins to watch such a program: our child command, or in a box the one below its process 1. NULL: it cannot be traced, and goes
 * on without. how: BR_TRACE_HAND_OVER or 0.
 */
struct br_tracer *br_stacks_watch(pid_t box, pid_t command, unsigned how);
/* Keeps what is known of a crash in files that begin with path, and in o. Takes the crash's contents over. */
void br_stacks_keep(struct br_crash *crash, const char *path, bool core, struct br_outcome *o);

#endif
