/* items.c - sets of numbered items: their keys, and what is known of each set that was asked for. */
#include "search/items.h"

#include "base/mem.h"
#include "base/rand.h"

#include <string.h>

struct br_seen_slot {
	struct br_key key;
	enum br_fate fate; /* NONE: free, unless used */
	bool used;
};

struct br_key br_key_of(uint32_t item)
{
	struct br_rand r = {.state = (uint64_t)item * 0x2545f4914f6cdd1du + 0x9216d5d98979fb1bu};
	uint64_t a = br_rand_next(&r);

	return (struct br_key){a, br_rand_next(&r)};
}

struct br_key br_key_of_all(const uint32_t *item, size_t n)
{
	struct br_key key = {0};

	for (size_t i = 0; i < n; i++)
		key = br_key_add(key, br_key_of(item[i]));
	return key;
}

/* So that a weight of all zeros, or one that is no number, still makes a search. */
static double sane(const float *weight, uint32_t i)
{
	return weight && weight[i] > 0 && weight[i] < 1e30f ? (double)weight[i] : 0;
}

void br_space_init(struct br_space *space, uint32_t n, const float *weight)
{
	double all = 0;

	*space = (struct br_space){.n = n};
	space->first = br_calloc((size_t)n + 1, sizeof *space->first);
	space->mass = br_calloc((size_t)n + 1, sizeof *space->mass);
	for (uint32_t i = 0; i < n; i++)
		all += sane(weight, i);
	for (uint32_t i = 0; i < n; i++) {
		double w = all > 0 ? sane(weight, i) * n / all : 1;

		space->first[i + 1] = br_key_add(space->first[i], br_key_of(i));
		space->mass[i + 1] = space->mass[i] + w;
	}
}

void br_space_done(struct br_space *space)
{
	free(space->first);
	free(space->mass);
	*space = (struct br_space){0};
}

static struct br_seen_slot *find(const struct br_seen *seen, struct br_key key)
{
	size_t i = key.a & (seen->size - 1);

	while (seen->slot[i].used && !br_key_same(seen->slot[i].key, key))
		i = (i + 1) & (seen->size - 1);
	return &seen->slot[i];
}

enum br_fate br_seen_get(const struct br_seen *seen, struct br_key key)
{
	return seen->size ? find(seen, key)->fate : BR_FATE_NONE;
}

static void enlarge(struct br_seen *seen)
{
	struct br_seen old = *seen;

	seen->size = old.size ? old.size * 2 : 64;
	seen->slot = br_calloc(seen->size, sizeof *seen->slot);
	for (size_t i = 0; i < old.size; i++)
		if (old.slot[i].used)
			*find(seen, old.slot[i].key) = old.slot[i];
	free(old.slot);
}

void br_seen_set(struct br_seen *seen, struct br_key key, enum br_fate fate)
{
	struct br_seen_slot *slot;

	if (seen->n * 2 >= seen->size)
		enlarge(seen);
	slot = find(seen, key);
	seen->n += !slot->used;
	*slot = (struct br_seen_slot){key, fate, true};
}

void br_seen_done(struct br_seen *seen)
{
	free(seen->slot);
	memset(seen, 0, sizeof *seen);
}
