/* arena.h - memory that is given back all at once. */
#ifndef BR_ARENA_H
#define BR_ARENA_H

#include <stddef.h>

struct br_arena_chunk;

/* Zero-initialised is valid and empty. used: bytes handed out since the last reset. */
struct br_arena {
	struct br_arena_chunk *chunk;
	size_t used;
};

/* Aligned for any type, not zeroed, never NULL. */
void *br_arena_alloc(struct br_arena *a, size_t n) __attribute__((malloc, warn_unused_result));
/* All that was handed out is gone; one chunk is kept for what comes next. */
void br_arena_reset(struct br_arena *a);
void br_arena_done(struct br_arena *a);

#endif
