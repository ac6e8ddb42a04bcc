/* worker.h - the process that makes one private tree and runs trials in it, one after the other. */
#ifndef BR_WORKER_H
#define BR_WORKER_H

#include "bisect_run/engine.h"

struct br_cgroup_place;
struct br_domain;

struct br_worker_cfg {
	const struct br_run_spec *spec;
	struct br_domain *domain;
	const struct br_cgroup_place *place; /* for its control group; NULL: none */
	uint32_t slot;
};

/* A body for br_fork_worker; arg is a struct br_worker_cfg. Returns when the socket's other end is gone. */
int br_worker_body(void *arg, int fd);

#endif
