/*
 * pool.h - the private trees of a search, kept for the next one.
 *
 * WORK/N holds the trees of one search at a time (WORK/N/0, 1, ... a worker each); who holds the lock of WORK/N.lock has it. A finished search
 * leaves its trees there. The lock file says how large they were when that was counted last; its time tells when they were used.
 */
#ifndef BR_POOL_H
#define BR_POOL_H

#include <stdbool.h>
#include <stdint.h>

struct br_err;

struct br_pool {
	char *work, *dir;
	int lock;	/* -1: none is held */
	uint32_t trees; /* that lie in it */
};

/*
 * Takes a pool that nobody holds: one whose trees were used by the same basis (br_run_spec), else any, else a new one. Its trees may be of
 * another basis: workers empty those of what it made.
 */
int br_pool_take(struct br_pool *p, const char *work, const char *basis, struct br_err *err);
/*
 * Gives it back. Then the trees that were used longest ago go, until all that nobody holds take at most cache_b bytes; needed: these
 * stay whatever they take.
 */
void br_pool_release(struct br_pool *p, uint64_t cache_b, bool needed);
/* Removes all pools that nobody holds. Adds the bytes to *freed. */
int br_pool_clean(const char *work, uint64_t *freed, struct br_err *err);

#endif
