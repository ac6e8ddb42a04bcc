/*
 * walk.c - a smallest failing set by adaptive group testing, from the last item to the first.
 *
 * Nested group testing (Sobel and Groll 1959) with a density that is learnt on the way, for hits that come in clusters: the next
 * item is needed too with chance q, and otherwise the gap to the next hit is geometric with chance p an item. A group is as large
 * as makes its removal about an even bet, given how much went since the last hit; when it cannot go, the last needed item in
 * it is found by splits at the weighted median. Then one question an item certifies that none of those kept can go.
 *
 * Nothing here takes failing to be monotone: the current set has always been seen to fail, and what ends the certificate is
 * one failed removal of each item of exactly that set. For monotone predicates with k needed of n the number of
 * questions stays below k log2(n/k) + 3k + 6.
 */
#include "search/walk.h"

#include "base/arena.h"
#include "base/mem.h"

#include <math.h>
#include <string.h>

static const double ENTIRE = 0.7; /* a group of this share of what is left takes all of it */
enum {
	MANY_DROPPED = 32, /* then the block is written anew */
	ENOUGH_HITS = 24,  /* to tell that a search is not sparse ... */
	DENSE = 6,	   /* ... when one in so many is needed */
};

struct model {
	const struct br_space *space;
	const struct br_walk *w;
	bool flat;
	double q, ln_gap; /* chance that the neighbour of a hit is one; ln(1 - p) */
};

static struct model model_of(const struct br_space *space, const struct br_walk *w)
{
	struct model m = {.space = space, .w = w, .flat = w->found <= 1};
	double p = (w->apart + 0.5) / (w->gaps + w->apart + 1);

	m.q = (w->adjacent + 0.1) / ((w->found > 1 ? w->found - 1 : 0) + 1.5);
	m.ln_gap = log1p(-fmin(p, 0.9));
	return m;
}

static double mass_of(const struct br_space *space, uint32_t from, uint32_t to)
{
	return space->mass[to] - space->mass[from];
}

/* Chance that the last x of those left hold no needed item. */
static double survives(const struct model *m, uint32_t x)
{
	uint32_t left = m->w->left;
	double mass, all;

	if (x == 0)
		return 1;
	mass = mass_of(m->space, left - x, left);
	if (m->flat) {
		all = mass_of(m->space, 0, left);
		return all > 0 ? 1 - mass / all : 1 - (double)x / left;
	}
	if (m->w->run > 0)
		return exp(m->ln_gap * mass);
	mass -= mass_of(m->space, left - 1, left);
	return (1 - m->q) * exp(m->ln_gap * mass);
}

/* The x in [low, high] whose chance is nearest to the wanted one. */
static uint32_t nearest(const struct model *m, double want, uint32_t low, uint32_t high)
{
	uint32_t a = low, b = high;

	while (a < b) {
		uint32_t mid = a + (b - a) / 2;

		if (survives(m, mid) <= want)
			b = mid;
		else
			a = mid + 1;
	}
	if (a > low && survives(m, a - 1) - want <= want - survives(m, a))
		a--;
	return a;
}

struct br_walk br_walk_start(const struct br_space *space)
{
	struct br_walk w = {.phase = BR_WALK_GROUP, .left = space->n};

	if (space->n == 0)
		w.phase = BR_WALK_DONE;
	return w;
}

static void ask_group(const struct br_space *space, const struct br_walk *w, struct br_ask *ask)
{
	struct model m = model_of(space, w);

	ask->size = w->left;
	ask->p_bad = w->found == 0 ? 0.02 : 0.45;
	if (w->found > 1) {
		uint32_t size = nearest(&m, 0.5, 1, w->left);

		if (size < ENTIRE * w->left)
			ask->size = size;
		ask->p_bad = survives(&m, ask->size);
	}
	ask->key = br_key_add(space->first[w->left - ask->size], w->kept_key);
}

static void ask_split(const struct br_space *space, const struct br_walk *w, struct br_ask *ask)
{
	struct model m = model_of(space, w);
	double low = survives(&m, w->hi), high = survives(&m, w->lo);

	ask->size = nearest(&m, (low + high) / 2, w->lo + 1, w->hi - 1);
	ask->p_bad = high > low ? (survives(&m, ask->size) - low) / (high - low) : 0.5;
	ask->key = br_key_add(space->first[w->left - ask->size], w->kept_key);
}

bool br_walk_ask(const struct br_space *space, const struct br_walk *w, struct br_ask *ask)
{
	*ask = (struct br_ask){0};
	switch (w->phase) {
	case BR_WALK_GROUP:
		ask_group(space, w, ask);
		break;
	case BR_WALK_SPLIT:
		ask_split(space, w, ask);
		break;
	case BR_WALK_CERTIFY:
		ask->key = br_key_sub(w->kept_key, br_key_of(w->block[w->at]));
		ask->p_bad = w->ndrop ? 0.15 : 0.04;
		break;
	case BR_WALK_ISOLATE:
		br_isolate_ask(space, w, ask);
		break;
	case BR_WALK_DONE:
	default:
		return false;
	}
	ask->p_bad = fmin(fmax(ask->p_bad, 0.02), 0.98);
	return true;
}

static const struct br_cell *cons(struct br_arena *arena, uint32_t item, const struct br_cell *next)
{
	struct br_cell *cell = br_arena_alloc(arena, sizeof *cell);

	*cell = (struct br_cell){item, next};
	return cell;
}

static uint32_t *array_of(const struct br_cell *list, uint32_t n, struct br_arena *arena)
{
	uint32_t *item = br_arena_alloc(arena, (n ? n : 1) * sizeof *item), i = 0;

	for (; list; list = list->next)
		item[i++] = list->item;
	return item;
}

/* After the walk: all that was kept is to be certified, unless that is left out. */
static void finish(struct br_walk *w, struct br_arena *arena)
{
	w->phase = BR_WALK_DONE;
	if (w->nkept == 0)
		return;
	w->block = array_of(w->kept, w->nkept, arena);
	w->nblock = w->nkept;
	w->at = w->nblock - 1;
	if (!w->fast)
		w->phase = BR_WALK_CERTIFY;
}

/* The last item that those left cannot do without is known once lo and hi meet. */
static void narrow(const struct br_space *space, struct br_walk *w, struct br_arena *arena)
{
	double before = mass_of(space, w->left - w->lo, w->left);
	uint32_t item = w->left - w->lo - 1;

	w->phase = BR_WALK_SPLIT;
	if (w->hi - w->lo > 1)
		return;
	if (w->kept && w->kept->item == item + 1) {
		w->adjacent++;
	} else {
		w->apart++;
		w->gaps += before;
	}
	w->found++;
	w->kept = cons(arena, item, w->kept);
	w->kept_key = br_key_add(w->kept_key, br_key_of(item));
	w->nkept++;
	w->left = item;
	w->run = 0;
	w->phase = BR_WALK_GROUP;
	if (w->left == 0)
		finish(w, arena);
	else if (w->sparse && w->found >= ENOUGH_HITS && w->gaps < (DENSE - 1.0) * w->found)
		w->phase = BR_WALK_DONE;
}

static void step_group(const struct br_space *space, struct br_walk *w, const struct br_ask *ask, bool fails,
		       struct br_arena *arena)
{
	double mass = mass_of(space, w->left - ask->size, w->left);

	if (fails) {
		w->left -= ask->size;
		w->run += fmax(mass, 1e-9);
		w->gaps += mass;
		if (w->left == 0)
			finish(w, arena);
		return;
	}
	w->lo = 0;
	w->hi = ask->size;
	narrow(space, w, arena);
}

static bool is_dropped(const struct br_walk *w, uint32_t at)
{
	for (const struct br_cell *c = w->drop; c; c = c->next)
		if (c->item == at)
			return true;
	return false;
}

/* Writes the block anew without what was dropped; `at` stays where it is in the order. */
static void compact(struct br_walk *w, struct br_arena *arena)
{
	uint32_t *block = br_arena_alloc(arena, (w->nblock ? w->nblock : 1) * sizeof *block), n = 0, at = 0;
	br_auto_free uint8_t *gone = br_calloc(w->nblock + 1, 1);

	for (const struct br_cell *c = w->drop; c; c = c->next)
		gone[c->item] = 1;
	for (uint32_t i = 0; i < w->nblock; i++) {
		if (i == w->at)
			at = n;
		if (!gone[i])
			block[n++] = w->block[i];
	}
	w->block = block;
	w->nblock = n;
	w->at = at;
	w->drop = NULL;
}

static void step_certify(struct br_walk *w, bool fails, struct br_arena *arena)
{
	if (fails) {
		w->kept_key = br_key_sub(w->kept_key, br_key_of(w->block[w->at]));
		w->drop = cons(arena, w->at, w->drop);
		w->ndrop++;
		w->nkept--;
		w->clean = 0;
	} else {
		w->clean++;
	}
	if (w->clean >= w->nkept) {
		w->phase = BR_WALK_DONE;
		return;
	}
	do
		w->at = w->at ? w->at - 1 : w->nblock - 1;
	while (is_dropped(w, w->at));
	if (w->drop && w->ndrop % MANY_DROPPED == 0)
		compact(w, arena);
}

void br_walk_step(const struct br_space *space, struct br_walk *w, const struct br_ask *ask,
		  enum br_class answer, struct br_arena *arena)
{
	bool fails = answer == BR_BAD;

	switch (w->phase) {
	case BR_WALK_GROUP:
		step_group(space, w, ask, fails, arena);
		break;
	case BR_WALK_SPLIT:
		if (fails)
			w->lo = ask->size;
		else
			w->hi = ask->size;
		narrow(space, w, arena);
		break;
	case BR_WALK_CERTIFY:
		step_certify(w, fails, arena);
		break;
	case BR_WALK_ISOLATE:
		br_isolate_step(space, w, answer, arena);
		break;
	case BR_WALK_DONE:
	default:
		break;
	}
}

/* The first items and those kept. */
static uint32_t *list_front(const struct br_walk *w, uint32_t front, uint32_t *n)
{
	uint32_t *item = br_calloc((size_t)front + w->nkept + 1, sizeof *item), k = 0;

	while (k < front) {
		item[k] = k;
		k++;
	}
	for (const struct br_cell *c = w->kept; c; c = c->next)
		item[k++] = c->item;
	*n = k;
	return item;
}

/* The block without the dropped ones, and without the index `but`. */
static uint32_t *list_block(const struct br_walk *w, uint32_t but, uint32_t *n)
{
	uint32_t *item = br_calloc((size_t)w->nblock + 1, sizeof *item), k = 0;
	br_auto_free uint8_t *gone = br_calloc((size_t)w->nblock + 1, 1);

	for (const struct br_cell *c = w->drop; c; c = c->next)
		gone[c->item] = 1;
	for (uint32_t i = 0; i < w->nblock; i++)
		if (!gone[i] && i != but)
			item[k++] = w->block[i];
	*n = k;
	return item;
}

uint32_t *br_walk_list(const struct br_space *space, const struct br_walk *w, const struct br_ask *ask,
		       uint32_t *n)
{
	if (w->phase == BR_WALK_ISOLATE)
		return br_isolate_list(space, w, n);
	if (w->phase == BR_WALK_CERTIFY)
		return list_block(w, w->at, n);
	return list_front(w, w->left - ask->size, n);
}

uint32_t *br_walk_current(const struct br_space *space, const struct br_walk *w, uint32_t *n)
{
	if (w->side)
		return br_isolate_side(space, w, BR_SIDE_DELTA, n);
	if (w->block)
		return list_block(w, UINT32_MAX, n);
	return list_front(w, w->left - (w->phase == BR_WALK_SPLIT ? w->lo : 0), n);
}

double br_walk_expected(const struct br_space *space, const struct br_walk *w)
{
	double p, more, each;

	switch (w->phase) {
	case BR_WALK_CERTIFY:
		return w->nkept - w->clean;
	case BR_WALK_ISOLATE:
		return ceil(log2(fmax(w->ndelta, 1)));
	case BR_WALK_GROUP:
	case BR_WALK_SPLIT:
		break;
	case BR_WALK_DONE:
	default:
		return 0;
	}
	p = 1 - exp(model_of(space, w).ln_gap);
	more = w->found > 1 ? p * mass_of(space, 0, w->left) : w->left > 0;
	each = w->found > 1 ? log2(1 / p) + 1 : log2(w->left + 1.0) + 1;
	return ceil(more * each + (w->phase == BR_WALK_SPLIT ? log2(w->hi - w->lo) : 0) +
		    (w->fast ? 0 : w->nkept + more));
}

static const struct br_cell *copy_list(const struct br_cell *list, struct br_arena *to)
{
	const struct br_cell *head = NULL;
	struct br_cell *last = NULL;

	for (; list; list = list->next) {
		struct br_cell *cell = br_arena_alloc(to, sizeof *cell);

		*cell = (struct br_cell){.item = list->item};
		if (last)
			last->next = cell;
		else
			head = cell;
		last = cell;
	}
	return head;
}

static const void *copy_array(const void *from, size_t bytes, struct br_arena *to)
{
	return from ? memcpy(br_arena_alloc(to, bytes + 1), from, bytes) : NULL;
}

void br_walk_move(const struct br_space *space, struct br_walk *w, struct br_arena *to)
{
	w->kept = w->block ? NULL : copy_list(w->kept, to);
	w->drop = copy_list(w->drop, to);
	w->block = copy_array(w->block, w->nblock * sizeof *w->block, to);
	w->side = copy_array(w->side, space->n, to);
}
