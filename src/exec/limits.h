/*
 * limits.h - what a trial may use of memory, processes and disk, and whether it used more.
 *
 * With a control group the kernel holds the whole tree to it. Without, the tree is measured every few milliseconds and killed when it is over:
 * it may be over for a moment.
 */
#ifndef BR_LIMITS_H
#define BR_LIMITS_H

#include "bisect_run/box.h"
#include "sys/cgroup.h"

#include <sys/statvfs.h>

enum br_hit { BR_HIT_NONE, BR_HIT_MEMORY, BR_HIT_PIDS, BR_HIT_DISK };

/* One worker's. */
struct br_limits {
	const struct br_cgroup_place *place; /* NULL: none to be had */
	uint32_t slot;
	struct br_cgroup_limits most;	     /* that are in force */
	uint64_t scratch_b, disk_b;	     /* disk_b 0: nobody set one */
	bool own_memory, own_pids, own_disk; /* our default, not the user's */
	const char *tree;		     /* of the trial; its file system is watched */
	struct br_cgroup_events before;
	uint64_t host_kills;	   /* by the machine's own out-of-memory killer, before the trial */
	uint64_t free_b, low_b;	   /* of the tree's file system before; less than this is an emergency */
	uint64_t half_b;	   /* the tree's size when half of disk_b was gone; 0: not yet */
	uint64_t next_ns, step_ns; /* of the next look */
};

/* Enters the control group, if there is a place for one; a failure to do so only means that there is none. */
void br_limits_open(struct br_limits *l, const struct br_box *box, const struct br_cgroup_place *place,
		    uint32_t slot);
/* Leaves and removes the group. */
void br_limits_close(struct br_limits *l);
/* A trial in this tree begins. */
void br_limits_begin(struct br_limits *l, const char *tree);
/* Milliseconds to the next look. */
int br_limits_wait_ms(const struct br_limits *l);
/* Looks, if it is time. */
enum br_hit br_limits_look(struct br_limits *l);
/* Looks at what a program that failed has left running, before it is killed. */
enum br_hit br_limits_last_look(const struct br_limits *l);
/* What the kernel counted, after the trial's end. status: as from wait4, of its program. */
enum br_hit br_limits_after(const struct br_limits *l, int status);
/* Whether that limit is our own default. */
bool br_limits_is_own(const struct br_limits *l, enum br_hit hit);
/* Whether the machine itself has run short, so that this end says nothing of the candidate. what: of 64 bytes, says of what. */
bool br_limits_host_is_short(const struct br_limits *l, int status, char *what);

#endif
