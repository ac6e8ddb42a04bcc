/*
 * walk.h - which set to try next: the state machines below the subset strategy.
 *
 * A state is a small value that is copied freely: lists and arrays that it points to lie in an arena and never change. So both
 * outcomes of a question can be followed ahead of its answer. The same answers always lead to the same states.
 */
#ifndef BR_WALK_H
#define BR_WALK_H

#include "bisect_run/trial.h"
#include "search/items.h"

struct br_arena;

struct br_cell {
	uint32_t item;
	const struct br_cell *next;
};

enum br_walk_phase {
	BR_WALK_GROUP,	 /* can a group at the end of what is left go? */
	BR_WALK_SPLIT,	 /* it cannot: where is its last needed item? */
	BR_WALK_CERTIFY, /* can each item that was kept still not go? */
	BR_WALK_ISOLATE, /* the other machine: see isolate.c */
	BR_WALK_DONE,
};

struct br_walk {
	enum br_walk_phase phase;
	bool fast;   /* no certificate */
	bool sparse; /* give up when too much is needed */
	/* Group and split: the current set is the first `left` items and those kept; it was seen to fail. */
	uint32_t left;
	uint32_t lo, hi; /* split: removing the last lo of those left works, hi does not */
	const struct br_cell *kept;
	uint32_t nkept;
	struct br_key kept_key;
	/* The gap model, in mass. */
	uint32_t found, adjacent, apart;
	double gaps, run; /* run: removed since the last hit */
	/* Certify: the current set is block[] without the dropped indices. Isolate: see there. */
	const uint32_t *block;
	uint32_t nblock, at, clean;
	const struct br_cell *drop; /* indices of block, the latest first */
	uint32_t ndrop;
	/* Isolate. */
	const uint8_t *side; /* of each item: enum br_side */
	uint32_t ndelta, parts, turn;
};

enum br_side { BR_SIDE_OUT, BR_SIDE_DELTA, BR_SIDE_IN };

/* A question: does this set fail? */
struct br_ask {
	struct br_key key;
	double p_bad;  /* how likely it is to fail */
	uint32_t size; /* that many of those left go, or where to split; 0 elsewhere */
};

/* The start: everything fails. */
struct br_walk br_walk_start(const struct br_space *space);
/* The next question; false: done. */
bool br_walk_ask(const struct br_space *space, const struct br_walk *w, struct br_ask *ask);
/* Goes on with the answer to it. */
void br_walk_step(const struct br_space *space, struct br_walk *w, const struct br_ask *ask,
		  enum br_class answer, struct br_arena *arena);
/* The set asked for, rising, owned by the caller. */
uint32_t *br_walk_list(const struct br_space *space, const struct br_walk *w, const struct br_ask *ask,
		       uint32_t *n);
/* The current set, which fails, likewise. */
uint32_t *br_walk_current(const struct br_space *space, const struct br_walk *w, uint32_t *n);
/* Expected number of further questions. */
double br_walk_expected(const struct br_space *space, const struct br_walk *w);
/* Moves what the state points to into another arena. */
void br_walk_move(const struct br_space *space, struct br_walk *w, struct br_arena *to);

/* The other machine, with the same meaning; called by those above. */
struct br_walk br_isolate_start(const struct br_space *space, struct br_arena *arena);
void br_isolate_ask(const struct br_space *space, const struct br_walk *w, struct br_ask *ask);
void br_isolate_step(const struct br_space *space, struct br_walk *w, enum br_class answer,
		     struct br_arena *arena);
uint32_t *br_isolate_list(const struct br_space *space, const struct br_walk *w, uint32_t *n);
/* All items of that side, rising, owned by the caller. */
uint32_t *br_isolate_side(const struct br_space *space, const struct br_walk *w, enum br_side side,
			  uint32_t *n);

#endif
