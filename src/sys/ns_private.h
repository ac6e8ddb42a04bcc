/* ns_private.h - the steps by which process 1 of a box makes its surroundings. */
#ifndef BR_NS_PRIVATE_H
#define BR_NS_PRIVATE_H

#include "sys/ns.h"

/* Makes all mounts of the plan. Needs the capabilities of a new mount namespace. *scratch: a descriptor of what is thrown away, the caller's. */
int br_ns_mounts(const struct br_ns_plan *plan, int *scratch, struct br_err *err);
/* Gives up all capabilities for ever, and the system calls that nothing inside needs. */
int br_ns_lock(const struct br_ns_plan *plan, struct br_err *err);

/* The filter on system calls alone: made ready, and installed by a process just forked (0, or -1 with errno). free() it. */
struct br_filter;
struct br_filter *br_filter_new(const struct br_ns_plan *plan);
int br_filter_install(const struct br_filter *f);
/* For ever. Only calls that are safe after fork when err is NULL. */
int br_drop_capabilities(struct br_err *err);

#endif
