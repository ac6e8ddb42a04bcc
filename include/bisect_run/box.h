/* box.h - how far a trial is kept from the user's machine: the level, and what of it is opened on request. */
#ifndef BR_BOX_H
#define BR_BOX_H

#include <stdbool.h>
#include <stdint.h>

struct br_err;

/* Each one keeps what the one before it keeps. */
enum br_level {
	BR_LEVEL_NONE, /* plain processes; all that is left running is killed */
	BR_LEVEL_LANDLOCK, /* no writing outside of the tree, no reading of secrets, no privileges, few system calls */
	BR_LEVEL_NAMESPACES, /* files, processes and network of its own */
};

enum br_net {
	BR_NET_LOOPBACK, /* nothing but a loopback of its own */
	BR_NET_NONE,	 /* not even that */
	BR_NET_HOST,	 /* the machine's */
};

enum br_home {
	BR_HOME_OVERLAY, /* readable without its secrets; writes are thrown away */
	BR_HOME_EMPTY,	 /* an empty folder */
	BR_HOME_HOST,	 /* writable, without its secrets */
};

/* What a test may need and is closed otherwise: bits. */
enum br_door {
	BR_DOOR_USERNS = 1, /* user namespaces of its own, and mounts in them */
	BR_DOOR_KVM = 2,    /* /dev/kvm */
	BR_DOOR_DRI = 4,    /* graphics and compute devices */
	BR_DOOR_PTRACE = 8, /* what a debugger needs beyond tracing its own children */
	BR_DOOR_PERF = 16,  /* perf_event_open */
};

/* What the user asked for. Texts and lists are borrowed; lists are NULL-terminated or NULL. */
struct br_box {
	enum br_level level;
	enum br_net net;
	enum br_home home;
	unsigned doors;	      /* bits of enum br_door */
	char *const *bind;    /* absolute real paths that are shown as they are and can be written to */
	char *const *ro_bind; /* the same, read-only */
	uint64_t memory_b, pids, disk_b; /* of a trial with all its processes; 0: our own default */
	const char
		*view; /* without private trees: the folder of which a throw-away view is made; else NULL */
	const char *account_home; /* home of the user as the system has it, should HOME be another; or NULL */
};

/* "none", "landlock", "namespaces". */
const char *br_level_name(enum br_level level);
/* Whether memory and processes are limited for a whole tree at once here (a control group). *why (caller frees): what that is, or what is missing. */
bool br_box_has_group(char **why);
/*
 * Whether a trial can be run so here: a full dry run of an empty one in the environment env. 0, or an error whose message says what the
 * machine does not allow. May be called at any time by a process with one thread.
 */
int br_box_try(const struct br_box *box, char *const *env, struct br_err *err);

#endif
