/* rand.h - random numbers from a seed only: splitmix64 (Steele, Lea, Flood 2014). */
#ifndef BR_RAND_H
#define BR_RAND_H

#include <stdint.h>

__extension__ typedef unsigned __int128 br_u128;

struct br_rand {
	uint64_t state;
};

static inline uint64_t br_rand_next(struct br_rand *r)
{
	uint64_t z = (r->state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* A number in [0, n), n > 0; the bias of the multiply-shift is below n / 2^64. */
static inline uint64_t br_rand_below(struct br_rand *r, uint64_t n)
{
	return (uint64_t)(((br_u128)br_rand_next(r) * n) >> 64);
}

#endif
