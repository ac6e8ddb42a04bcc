/*
 * guard.h - what keeps a process from harm where there are no namespaces: Landlock, a filter on its system calls, no privileges.
 * See Documentation/userspace-api/landlock.rst in Linux.
 */
#ifndef BR_GUARD_H
#define BR_GUARD_H

#include <stdbool.h>

struct br_err;
struct br_guard;

enum br_guard_access {
	BR_GUARD_READ = 1,  /* the contents of files; names are always seen, and programs can be run */
	BR_GUARD_WRITE = 2, /* and make, rename, remove */
};

/* The version of Landlock that the kernel has; 0: none. From 4 on it knows TCP, from 6 on signals and abstract sockets. */
int br_guard_version(void);
/*
 * Starts with a guard that allows nothing. tcp: connections may be made and waited for (before version 4 they always may). perf: the hardware
 * counters may be used. BR_EUNSUPPORTED: there is no Landlock.
 */
int br_guard_open(struct br_guard **out, bool tcp, bool perf, struct br_err *err);
/* Allows it at the path and below. A path that does not exist is no error. */
int br_guard_allow(struct br_guard *g, const char *path, unsigned access, struct br_err *err);
/* For a process just forked: only calls that are safe there. 0, or -1 with errno. Cannot be taken back, and holds for all children. */
int br_guard_apply(const struct br_guard *g);
/* NULL is fine. */
void br_guard_close(struct br_guard *g);

#endif
