/*
 * cgroup.h - a control group of its own for each worker, where the machine lets us have one: version 2 that was delegated to us or as root,
 * version 1 as root. It limits a whole tree of processes at once.
 *
 * The worker itself moves in, once, and what it starts is born inside: moving a process can take the kernel tens of milliseconds.
 */
#ifndef BR_CGROUP_H
#define BR_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct br_err;

/* Where groups may be made. Zero-initialised: nowhere. */
struct br_cgroup_place {
	int version;		     /* 0: nowhere, 1, 2 */
	char *memory, *pids;	     /* absolute folders; the same one with version 2 */
	char *own_memory, *own_pids; /* where we are now: to go back to */
	pid_t owner; /* who found it, and outlives those who enter: groups are named after it */
};

struct br_cgroup_limits {
	uint64_t memory_b, pids; /* 0: none */
};

struct br_cgroup_events {
	uint64_t oom_kills; /* processes killed because the memory was used up */
	uint64_t forks_refused;
};

/* Looks for a place that can be written to. False: there is none, *why (may be NULL, caller frees) says what was missing. */
bool br_cgroup_find(struct br_cgroup_place *out, char **why);
void br_cgroup_place_done(struct br_cgroup_place *p);
/* Reads a line of /proc/mounts: the mount point when it is version 2 (controller NULL) or has the controller of version 1. Caller frees. */
char *br_cgroup_mount_of(const char *line, const char *controller);
/* The path behind the controller's (NULL: version 2's) line of a /proc/PID/cgroup text. Caller frees; NULL: none. */
char *br_cgroup_path_of(const char *text, const char *controller);
/* The number behind key in a text of "key number" lines; 0: not there. */
uint64_t br_cgroup_number(const char *text, const char *key);

/* Makes group slot with the limits and moves the calling process in. What dead processes left in the place is removed first. */
int br_cgroup_enter(const struct br_cgroup_place *p, uint32_t slot, const struct br_cgroup_limits *limits,
		    struct br_err *err);
/* What happened in it since it was made. */
void br_cgroup_events(const struct br_cgroup_place *p, uint32_t slot, struct br_cgroup_events *out);
/* Removes it; it must be empty. The caller may be inside: it goes back to where it came from. */
void br_cgroup_remove(const struct br_cgroup_place *p, uint32_t slot, bool inside);

#endif
