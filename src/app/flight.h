/* flight.h - a trial that is running. */
#ifndef BR_FLIGHT_H
#define BR_FLIGHT_H

#include "bisect_run/probe.h"
#include "bisect_run/trial.h"

#include "bisect_run/judge.h"

#include <stdbool.h>
#include <stddef.h>

struct br_flight {
	uint64_t job; /* the engine's id, and the trial's number */
	char *oid;    /* owned */
	char *tree;   /* owned: what the verdict belongs to; NULL: unknown */
	char *title;  /* owned: abbreviated id and subject */
	enum br_phase phase;
	enum br_role role;
	bool has_probe; /* proposed by a strategy */
	struct br_probe probe;
	size_t question; /* else: index of the question */
	unsigned lost;	 /* times the worker died under it */
	bool more_time;	 /* already tried again with a longer limit */
	bool cancelled;
	bool fresh; /* in an empty tree */
	uint64_t limit_ns;
	uint64_t began_ns; /* monotonic */
	uint64_t began_date_ns;
};

void br_flight_done(struct br_flight *f);

#endif
