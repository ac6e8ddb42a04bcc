/* items.h - sets of numbered items: their keys, and what is known of each set that was asked for. */
#ifndef BR_ITEMS_H
#define BR_ITEMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The key of a set is the sum of its items' keys, so that adding and removing cost nothing. 128 bits: taken for unique. */
struct br_key {
	uint64_t a, b;
};

struct br_key br_key_of(uint32_t item);

static inline struct br_key br_key_add(struct br_key x, struct br_key y)
{
	return (struct br_key){x.a + y.a, x.b + y.b};
}

static inline struct br_key br_key_sub(struct br_key x, struct br_key y)
{
	return (struct br_key){x.a - y.a, x.b - y.b};
}

static inline bool br_key_same(struct br_key x, struct br_key y)
{
	return x.a == y.a && x.b == y.b;
}

struct br_key br_key_of_all(const uint32_t *item, size_t n);

/* The items 0..n-1. first[i]: key of the items below i; mass[i]: their weights, of which the mean is 1. Both of n+1. */
struct br_space {
	uint32_t n;
	struct br_key *first;
	double *mass;
};

/* weight: n numbers >= 0, or NULL for all equal. */
void br_space_init(struct br_space *space, uint32_t n, const float *weight);
void br_space_done(struct br_space *space);

enum br_fate {
	BR_FATE_NONE,  /* never heard of */
	BR_FATE_ASKED, /* proposed, no answer yet */
	BR_FATE_GOOD,
	BR_FATE_BAD,
	BR_FATE_SKIP,
};

static inline bool br_fate_known(enum br_fate fate)
{
	return fate > BR_FATE_ASKED;
}

struct br_seen_slot;

/* A table from key to fate. Zero-initialised is valid and empty. */
struct br_seen {
	struct br_seen_slot *slot;
	size_t n, size;
};

enum br_fate br_seen_get(const struct br_seen *seen, struct br_key key);
void br_seen_set(struct br_seen *seen, struct br_key key, enum br_fate fate);
void br_seen_done(struct br_seen *seen);

#endif
