/* questions.c - atoms of probability, and the sets of them that items contain. */
#include "search/questions.h"

#include "base/mem.h"
#include "base/rand.h"

#include <math.h>
#include <string.h>

static const double ATOMS = 512;       /* about so many; the mass that one stands for is at most 1/ATOMS */
static const double NEGLIGIBLE = 1e-9; /* mass of a part that gets none */

/* How many atoms a part gets. */
static uint32_t atoms_of(const struct br_part *part, double mass)
{
	double k = ceil(mass * ATOMS);

	if (!(mass > NEGLIGIBLE))
		return 0;
	return (uint32_t)(k < part->count ? k : part->count);
}

static void add_atom(struct br_questions *q, struct br_atom atom)
{
	br_grow(&q->atom, q->natom, &q->atom_size);
	q->atom[q->natom++] = atom;
}

/* One sweep over the items: each candidate of a small part, of larger ones those at even steps of the prior. */
static void graph_atoms(struct br_questions *q, const struct br_parts *p, const double *mass)
{
	br_auto_free double *step = br_calloc(p->npart, sizeof *step);
	br_auto_free double *next = br_calloc(p->npart, sizeof *next);
	br_auto_free double *sum = br_calloc(p->npart, sizeof *sum);
	uint64_t first = p->shape->n, last = 0;

	for (uint32_t k = 0; k < p->npart; k++) {
		const struct br_part *part = &p->part[k];
		uint32_t n = atoms_of(part, mass[k]);
		bool each = n >= part->count;

		q->exact &= !n || each;
		if (!n)
			continue;
		step[k] = each ? 0 : part->prior / n;
		next[k] = each ? -1 : step[k] / 2;
		first = part->lo < first ? part->lo : first;
		last = part->hi > last ? part->hi : last;
	}
	for (uint64_t i = first; i <= last; i++) {
		uint32_t k = p->of[i];
		double prior;

		if (k == BR_NO_PART || !(mass[k] > NEGLIGIBLE))
			continue;
		prior = br_parts_prior(p, i);
		sum[k] += prior;
		if (next[k] < 0) {
			add_atom(q, (struct br_atom){i, i, k, prior / p->part[k].prior});
		} else if (sum[k] > next[k]) {
			double steps = ceil((sum[k] - next[k]) / step[k]);

			add_atom(q, (struct br_atom){i, i, k, steps * step[k] / p->part[k].prior});
			next[k] += steps * step[k];
		}
	}
}

static void chain_atoms(struct br_questions *q, const struct br_part *part, uint32_t number, uint32_t n)
{
	br_u128 length = (br_u128)(part->hi - part->lo) + 1;
	uint64_t first = part->lo;

	q->exact &= n >= part->count;
	for (uint32_t j = 1; j <= n; j++) {
		uint64_t end = part->lo + (uint64_t)(length * j / n) - 1;

		add_atom(q, (struct br_atom){first, end, number, 1.0 / n});
		first = end + 1;
	}
}

/* A new question, of which the caller fills the bits. */
static uint32_t add_question(struct br_questions *q, uint32_t base)
{
	br_grow(&q->question, q->nquestion, &q->question_size);
	if (((size_t)q->nquestion + 1) * q->words > q->bit_rows) {
		q->bit_rows = 2 * ((size_t)q->nquestion + 1) * q->words + 1024;
		q->bits = br_reallocarray(q->bits, q->bit_rows, sizeof *q->bits);
	}
	q->question[q->nquestion] =
		(struct br_question){.item = BR_NO_ITEM, .base = base, .first = q->nadded, .end = q->nadded};
	return q->nquestion++;
}

static uint64_t *bits_of(const struct br_questions *q, uint32_t question)
{
	return q->bits + (size_t)question * q->words;
}

static void add_to(struct br_questions *q, uint32_t question, uint32_t atom)
{
	br_grow(&q->added, q->nadded, &q->added_size);
	q->added[q->nadded++] = atom;
	q->question[question].end = q->nadded;
	bits_of(q, question)[atom / 64] |= (uint64_t)1 << (atom % 64);
}

/* base plus one atom. */
static uint32_t extend(struct br_questions *q, uint32_t base, uint32_t atom)
{
	uint32_t k = add_question(q, base);

	memcpy(bits_of(q, k), bits_of(q, base), q->words * sizeof *q->bits);
	add_to(q, k, atom);
	return k;
}

/* What two questions contain together, in a new one unless one of them contains the other. */
static uint32_t unite(struct br_questions *q, uint32_t a, uint32_t b)
{
	bool more_a = false, more_b = false;
	uint32_t k;

	if (a == b)
		return a;
	for (uint32_t w = 0; w < q->words; w++) {
		more_a |= bits_of(q, a)[w] & ~bits_of(q, b)[w];
		more_b |= bits_of(q, b)[w] & ~bits_of(q, a)[w];
	}
	if (!more_a || !more_b)
		return more_b ? b : a;
	k = add_question(q, a);
	memcpy(bits_of(q, k), bits_of(q, a), q->words * sizeof *q->bits);
	for (uint32_t w = 0; w < q->words; w++)
		for (uint64_t left = bits_of(q, b)[w] & ~bits_of(q, a)[w]; left; left &= left - 1)
			add_to(q, k, w * 64 + (uint32_t)__builtin_ctzll(left));
	return k;
}

static bool listed(const uint64_t *list, size_t n, uint64_t item)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == item)
			return true;
	return false;
}

/* Takes the item as the place of the question if it is handier than the one so far, or as handy and cheaper. */
static void offer(struct br_questions *q, const struct br_parts *p, uint32_t question, uint64_t item,
		  uint8_t handy)
{
	struct br_question *to = &q->question[question];
	const float *cost = p->shape->cost;

	if (handy < to->handy || (handy == to->handy && !(cost && cost[item] < cost[to->item])))
		return;
	to->handy = handy;
	to->item = item;
}

static void offer_near(struct br_questions *q, const struct br_parts *p, const struct br_ask *ask)
{
	for (size_t i = 0; i < ask->nnear; i++) {
		uint64_t item = ask->near[i];

		if (item >= p->shape->n || (ask->barred && ask->barred[item]) ||
		    listed(ask->bar, ask->nbar, item))
			continue;
		if (q->row_of && !(br_parts_prior(p, item) > 0))
			continue;
		offer(q, p, br_questions_of(q, item), item, BR_HANDY_NEAR);
	}
}

static uint32_t row_of_item(struct br_questions *q, const struct br_shape *sh, uint64_t item, bool atom,
			    uint32_t number)
{
	uint32_t row = 0, e = sh->parent_at[item], end = sh->parent_at[item + 1];

	if (e < end)
		row = q->row_of[sh->parent[e]];
	while (++e < end)
		row = unite(q, row, q->row_of[sh->parent[e]]);
	return atom ? extend(q, row, number) : row;
}

static void build_graph(struct br_questions *q, const struct br_parts *p, const struct br_ask *ask)
{
	uint64_t n = p->shape->n;
	uint32_t next = 0;

	if (!q->row_of)
		q->row_of = br_reallocarray(NULL, n, sizeof *q->row_of);
	for (uint64_t i = 0; i < n; i++) {
		bool atom = next < q->natom && q->atom[next].item == i;
		uint32_t row = row_of_item(q, p->shape, i, atom, next);

		next += atom;
		q->row_of[i] = row;
		if ((ask->barred && ask->barred[i]) || p->of[i] == BR_NO_PART)
			continue;
		if (p->index[i] || p->shape->cost || q->question[row].handy == BR_HANDY_NONE)
			offer(q, p, row, i, p->index[i] ? BR_HANDY_TESTED : BR_HANDY_NEW);
	}
}

static int by_first(const void *a, const void *b)
{
	const struct br_part *const *x = a, *const *y = b;

	return (*x)->lo < (*y)->lo ? -1 : (*x)->lo > (*y)->lo;
}

/* The last item of the stretch that can be asked. */
static uint64_t usable_item(const struct br_ask *ask, uint64_t lo, uint64_t hi)
{
	for (uint64_t i = hi;; i--) {
		if (!listed(ask->bar, ask->nbar, i))
			return i;
		if (i == lo)
			return BR_NO_ITEM;
	}
}

static void build_chain(struct br_questions *q, const struct br_parts *p, const struct br_ask *ask)
{
	uint32_t row = 0;

	for (uint32_t a = 0; a < q->natom; a++) {
		uint64_t item = usable_item(ask, q->atom[a].first, q->atom[a].item);

		row = extend(q, row, a);
		if (item != BR_NO_ITEM)
			offer(q, p, row, item, BR_HANDY_NEW);
	}
}

void br_questions_build(struct br_questions *q, const struct br_parts *p, const struct br_ask *ask)
{
	bool chain = p->shape->order == BR_CHAIN;

	q->natom = q->nquestion = q->nadded = 0;
	q->exact = true;
	if (chain) {
		br_auto_free const struct br_part **order =
			br_reallocarray(NULL, p->npart, sizeof(struct br_part *));

		for (uint32_t k = 0; k < p->npart; k++)
			order[k] = &p->part[k];
		qsort(order, p->npart, sizeof *order, by_first);
		for (uint32_t k = 0; k < p->npart; k++) {
			uint32_t number = (uint32_t)(order[k] - p->part);

			chain_atoms(q, order[k], number, atoms_of(order[k], ask->mass[number]));
		}
	} else {
		graph_atoms(q, p, ask->mass);
	}
	q->words = q->natom / 64 + 1;
	add_question(q, 0);
	memset(q->bits, 0, q->words * sizeof *q->bits);
	if (chain)
		build_chain(q, p, ask);
	else
		build_graph(q, p, ask);
	offer_near(q, p, ask);
}

void br_questions_sum(const struct br_questions *q, const double *value, double start, double *out)
{
	out[0] = start;
	for (uint32_t k = 1; k < q->nquestion; k++) {
		double sum = out[q->question[k].base];

		for (uint32_t e = q->question[k].first; e < q->question[k].end; e++)
			sum += value[q->added[e]];
		out[k] = sum;
	}
}

uint32_t br_questions_of(const struct br_questions *q, uint64_t item)
{
	uint32_t lo = 0, hi = q->natom;

	if (item == UINT64_MAX)
		return 0;
	if (q->row_of)
		return q->row_of[item];
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (q->atom[mid].item <= item)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

void br_questions_done(struct br_questions *q)
{
	free(q->atom);
	free(q->question);
	free(q->added);
	free(q->bits);
	free(q->row_of);
	memset(q, 0, sizeof *q);
}
