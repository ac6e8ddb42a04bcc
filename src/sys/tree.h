/*
 * tree.h - all processes below this one, however they hide: other sessions, double forks, stopped ones.
 *
 * The caller must be a child subreaper with one thread; so whatever loses its parent becomes a child of it.
 */
#ifndef BR_TREE_H
#define BR_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Children that are left alone with all below them. */
struct br_tree_keep {
	const pid_t *pid;
	size_t n;
};

/* Freezes all (SIGSTOP), also those that are being started while we look. keep may be NULL, here and below.
 */
void br_tree_stop(const struct br_tree_keep *keep);
/*
 * Sends each one the signal, once. Parents first, so that they hear of it before their children's end;
 * SIGCONT: children first, so that a parent that looks finds none stopped. Returns how many there were.
 */
size_t br_tree_signal(const struct br_tree_keep *keep, int sig);
/*
 * Kills all and reaps what is a child of ours, except command (0: none), which is left as a zombie for wait4.
 * Returns how many lived, command not counted. *survivors (may be NULL): those that could not be killed
 * within five seconds (another user's, or stuck in the kernel).
 */
uint32_t br_tree_kill(const struct br_tree_keep *keep, pid_t command, uint32_t *survivors);
/* Reaps children that have ended, except command: adopted ones pile up otherwise. */
void br_tree_reap(pid_t command);
/* Pids of all now, parents before their children. *out is the caller's; returns their number. */
size_t br_tree_pids(pid_t **out);
/* Whether it is stopped by a signal. */
bool br_process_is_stopped(pid_t pid);
/* How many live below us, but not counted. */
uint32_t br_tree_count(pid_t but);
/* What all below us take together: processes and threads, and memory that is theirs alone (without shared pages and page cache). */
struct br_tree_use {
	uint64_t threads, memory_b;
};
void br_tree_measure(struct br_tree_use *out);
/* Pids of our children now. *out is the caller's; returns their number. */
size_t br_tree_children(pid_t **out);

#endif
