/* arena.c - memory that is given back all at once: a list of chunks, filled from the front. */
#include "base/arena.h"

#include "base/mem.h"

#include <stdalign.h>

enum { CHUNK = 64 * 1024 };

struct br_arena_chunk {
	struct br_arena_chunk *next;
	size_t at, size;
	alignas(max_align_t) unsigned char data[];
};

static void add_chunk(struct br_arena *a, size_t n)
{
	size_t size = n > CHUNK ? n : CHUNK;
	struct br_arena_chunk *c = br_malloc(sizeof *c + size);

	*c = (struct br_arena_chunk){.next = a->chunk, .size = size};
	a->chunk = c;
}

void *br_arena_alloc(struct br_arena *a, size_t n)
{
	void *p;

	n = (n + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
	if (!a->chunk || a->chunk->size - a->chunk->at < n)
		add_chunk(a, n);
	p = a->chunk->data + a->chunk->at;
	a->chunk->at += n;
	a->used += n;
	return p;
}

void br_arena_reset(struct br_arena *a)
{
	while (a->chunk && a->chunk->next) {
		struct br_arena_chunk *next = a->chunk->next;

		free(a->chunk);
		a->chunk = next;
	}
	if (a->chunk)
		a->chunk->at = 0;
	a->used = 0;
}

void br_arena_done(struct br_arena *a)
{
	br_arena_reset(a);
	free(a->chunk);
	*a = (struct br_arena){0};
}
