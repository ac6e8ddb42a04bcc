/*
 * isolate.c - one smallest difference between a passing and a failing set.
 *
 * The general delta debugging of Zeller and Hildebrandt (2002, section 5): a passing set and a failing one above it close in on
 * each other. While every answer is clear this is a binary search, log2 n questions; unresolved answers
 * cut the difference into more parts, each tried as an addition to the one and as a removal from the other.
 */
#include "search/walk.h"

#include "base/arena.h"
#include "base/mem.h"

#include <string.h>

struct br_walk br_isolate_start(const struct br_space *space, struct br_arena *arena)
{
	struct br_walk w = {.phase = BR_WALK_ISOLATE, .ndelta = space->n, .parts = 1};
	uint8_t *side = br_arena_alloc(arena, (size_t)space->n + 1);

	memset(side, BR_SIDE_DELTA, space->n);
	w.side = side;
	if (space->n == 0)
		w.phase = BR_WALK_DONE;
	return w;
}

/* One part alone is the empty set against all: the guard. From then on even turns add a part, odd ones take it away. */
static bool adds(const struct br_walk *w)
{
	return w->turn % 2 == 0;
}

/* Whether the i-th item of the difference lies in the part whose turn it is. */
static bool in_part(const struct br_walk *w, uint32_t i)
{
	uint64_t part = w->turn / 2, n = w->ndelta;

	return i >= part * n / w->parts && i < (part + 1) * n / w->parts;
}

/* Whether an item of the difference, the i-th, belongs to the set asked for. */
static bool asked(const struct br_walk *w, uint32_t i)
{
	if (w->parts == 1)
		return false;
	return adds(w) == in_part(w, i);
}

void br_isolate_ask(const struct br_space *space, const struct br_walk *w, struct br_ask *ask)
{
	uint32_t i = 0;

	for (uint32_t k = 0; k < space->n; k++) {
		bool wanted = w->side[k] == BR_SIDE_IN;

		if (w->side[k] == BR_SIDE_DELTA)
			wanted = asked(w, i++);
		if (wanted)
			ask->key = br_key_add(ask->key, br_key_of(k));
	}
	ask->p_bad = 0.5;
	if (w->parts == 1)
		ask->p_bad = 0.02;
	else if (w->parts > 2)
		ask->p_bad = adds(w) ? 0.1 : 0.3;
}

uint32_t *br_isolate_list(const struct br_space *space, const struct br_walk *w, uint32_t *n)
{
	uint32_t *item = br_calloc((size_t)space->n + 1, sizeof *item), i = 0;

	*n = 0;
	for (uint32_t k = 0; k < space->n; k++) {
		bool wanted = w->side[k] == BR_SIDE_IN;

		if (w->side[k] == BR_SIDE_DELTA)
			wanted = asked(w, i++);
		if (wanted)
			item[(*n)++] = k;
	}
	return item;
}

uint32_t *br_isolate_side(const struct br_space *space, const struct br_walk *w, enum br_side side,
			  uint32_t *n)
{
	uint32_t *item = br_calloc((size_t)space->n + 1, sizeof *item);

	*n = 0;
	for (uint32_t k = 0; k < space->n; k++)
		if (w->side[k] == side)
			item[(*n)++] = k;
	return item;
}

/* The set asked for failed: it is the new failing one. It passed: the new passing one. */
static void close_in(const struct br_space *space, struct br_walk *w, bool fails, struct br_arena *arena)
{
	uint8_t *side = br_arena_alloc(arena, (size_t)space->n + 1);
	uint32_t i = 0, left = 0;

	for (uint32_t k = 0; k < space->n; k++) {
		side[k] = w->side[k];
		if (side[k] != BR_SIDE_DELTA)
			continue;
		if (asked(w, i++) != fails)
			side[k] = fails ? BR_SIDE_OUT : BR_SIDE_IN;
		left += side[k] == BR_SIDE_DELTA;
	}
	/* A part alone is cut in two; when a part went, the others are still worth a try as they are. */
	w->parts = adds(w) == fails || w->parts <= 3 ? 2 : w->parts - 1;
	w->side = side;
	w->ndelta = left;
	w->turn = 0;
}

/* No clear answer: the next part, or finer ones. */
static void go_on(struct br_walk *w)
{
	/* Of two parts, taking the one away is adding the other. */
	w->turn += w->parts == 2 ? 2 : 1;
	if (w->turn < 2 * w->parts)
		return;
	w->turn = 0;
	if (w->parts >= w->ndelta)
		w->phase = BR_WALK_DONE;
	w->parts = w->parts * 2 < w->ndelta ? w->parts * 2 : w->ndelta;
}

void br_isolate_step(const struct br_space *space, struct br_walk *w, enum br_class answer,
		     struct br_arena *arena)
{
	if (w->parts == 1) { /* the guard: only a failure says something */
		if (answer == BR_BAD)
			close_in(space, w, true, arena);
		w->parts = 2;
	} else if (answer == BR_SKIP) {
		go_on(w);
	} else {
		close_in(space, w, answer == BR_BAD, arena);
	}
	if (w->ndelta <= 1)
		w->phase = BR_WALK_DONE;
}
