/* clock.h - the clocks: one for durations, one for dates. */
#ifndef BR_CLOCK_H
#define BR_CLOCK_H

#include <stdint.h>
#include <time.h>

enum { BR_NS_PER_MS = 1000000, BR_NS_PER_S = 1000000000 };

/* CLOCK_MONOTONIC in nanoseconds: never set back, stands still while the machine sleeps. */
static inline uint64_t br_now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * BR_NS_PER_S + (uint64_t)t.tv_nsec;
}

/* For dates: CLOCK_REALTIME in nanoseconds since 1970 UTC. */
static inline uint64_t br_date_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * BR_NS_PER_S + (uint64_t)t.tv_nsec;
}

#endif
