/* parts.c - candidates by the tested points that contain them: split as points are added. */
#include "search/parts.h"

#include "base/mem.h"
#include "bisect_run/err.h"
#include "search/shapes.h"

#include <string.h>

static bool is_chain(const struct br_parts *p)
{
	return p->shape->order == BR_CHAIN;
}

double br_parts_prior(const struct br_parts *p, uint64_t item)
{
	return is_chain(p) ? 1 / p->total : br_usable_weight(p->shape, item) / p->total;
}

/* Makes room for one more part and returns it, empty, with the signature of `from` (unless it is the first). */
static struct br_part *add_part(struct br_parts *p, uint32_t from)
{
	uint32_t k = p->npart;

	br_grow(&p->part, k, &p->part_size);
	if (k == p->rows) {
		p->rows = p->rows ? 2 * p->rows : 64;
		p->sig = br_reallocarray(p->sig, (size_t)p->rows * p->words, sizeof *p->sig);
	}
	if (k)
		memcpy(p->sig + (size_t)k * p->words, p->sig + (size_t)from * p->words,
		       p->words * sizeof *p->sig);
	else
		memset(p->sig, 0, p->words * sizeof *p->sig);
	p->npart++;
	p->part[k] = (struct br_part){.from = from, .lo = UINT64_MAX};
	return &p->part[k];
}

static void put(struct br_part *part, uint64_t item, double prior)
{
	part->prior += prior;
	part->count += 1;
	part->lo = item < part->lo ? item : part->lo;
	part->hi = item > part->hi || part->count <= 1 ? item : part->hi;
	if (prior > part->top) {
		part->top = prior;
		part->top_item = item;
	}
}

static void set_interval(struct br_parts *p, uint32_t part, uint64_t lo, uint64_t hi)
{
	struct br_part *q = &p->part[part];

	q->lo = lo;
	q->hi = hi;
	q->count = (double)(hi - lo) + 1;
	q->prior = q->count / p->total;
	q->top = 1 / p->total;
	q->top_item = lo;
}

/* Widens all signatures when bit `point` does not fit. */
static void fit_words(struct br_parts *p, uint32_t point)
{
	uint32_t wide = 2 * p->words;
	uint64_t *sig;

	if (point / 64 < p->words)
		return;
	sig = br_calloc((size_t)p->rows * wide, sizeof *sig);
	for (uint32_t k = 0; k < p->npart; k++)
		memcpy(sig + (size_t)k * wide, p->sig + (size_t)k * p->words, p->words * sizeof *sig);
	free(p->sig);
	p->sig = sig;
	p->words = wide;
}

static void contain(struct br_parts *p, uint32_t part, uint32_t point)
{
	p->sig[(size_t)part * p->words + point / 64] |= (uint64_t)1 << (point % 64);
}

static void split_chain(struct br_parts *p, uint64_t item, uint32_t point)
{
	for (uint32_t k = 0, was = p->npart; k < was; k++) {
		uint64_t lo = p->part[k].lo, hi = p->part[k].hi;

		if (hi <= item) {
			contain(p, k, point);
		} else if (lo <= item) {
			add_part(p, k);
			set_interval(p, k, item + 1, hi);
			set_interval(p, p->npart - 1, lo, item);
			contain(p, p->npart - 1, point);
		}
	}
}

/* Marks the item and its ancestors; counts how many candidates of each part they are. */
static void mark_reach(struct br_parts *p, uint64_t item, double *inside)
{
	const struct br_shape *sh = p->shape;

	memset(p->mark, 0, (size_t)item + 1);
	p->mark[item] = 1;
	for (uint64_t i = item + 1; i-- > 0;) {
		if (!p->mark[i])
			continue;
		if (p->of[i] != BR_NO_PART)
			inside[p->of[i]] += 1;
		for (uint32_t e = sh->parent_at[i]; e < sh->parent_at[i + 1]; e++)
			p->mark[sh->parent[e]] = 1;
	}
}

static void split_graph(struct br_parts *p, uint64_t item, uint32_t point)
{
	uint32_t was = p->npart;
	br_auto_free double *inside = br_calloc(was, sizeof *inside);
	br_auto_free uint32_t *to = br_reallocarray(NULL, was, sizeof *to);

	mark_reach(p, item, inside);
	for (uint32_t k = 0; k < was; k++) {
		to[k] = k;
		if (inside[k] >= p->part[k].count) {
			contain(p, k, point);
		} else if (inside[k] > 0) {
			to[k] = p->npart;
			add_part(p, k);
			contain(p, to[k], point);
			p->part[k] = (struct br_part){.from = p->part[k].from, .lo = UINT64_MAX};
		}
	}
	if (p->npart == was)
		return;
	for (uint64_t i = 0; i < p->shape->n; i++) {
		uint32_t k = p->of[i];

		if (k == BR_NO_PART || to[k] == k)
			continue;
		if (i <= item && p->mark[i])
			p->of[i] = to[k];
		put(&p->part[p->of[i]], i, br_parts_prior(p, i));
	}
}

static uint32_t find_point(const struct br_parts *p, uint64_t item)
{
	if (p->index)
		return p->index[item] ? p->index[item] - 1 : p->npoint;
	for (uint32_t k = 0; k < p->npoint; k++)
		if (p->point[k] == item)
			return k;
	return p->npoint;
}

uint32_t br_parts_point(struct br_parts *p, uint64_t item)
{
	uint32_t k = find_point(p, item);

	if (k < p->npoint)
		return k;
	br_grow(&p->point, k, &p->point_size);
	fit_words(p, k);
	p->point[p->npoint++] = item;
	if (p->index)
		p->index[item] = k + 1;
	if (is_chain(p))
		split_chain(p, item, k);
	else
		split_graph(p, item, k);
	return k;
}

/* One part of all candidates that the known-bad end contains. */
static void first_part(struct br_parts *p)
{
	uint64_t n = p->shape->n;
	double none = 0;

	add_part(p, 0);
	if (is_chain(p)) {
		p->total = (double)n;
		set_interval(p, 0, 0, n - 1);
		return;
	}
	for (uint64_t i = 0; i < n; i++)
		p->of[i] = br_usable_weight(p->shape, i) > 0 ? 0 : BR_NO_PART;
	mark_reach(p, n - 1, &none);
	for (uint64_t i = 0; i < n; i++) {
		if (!p->mark[i])
			p->of[i] = BR_NO_PART;
		if (p->of[i] == 0)
			p->total += br_usable_weight(p->shape, i);
	}
	for (uint64_t i = 0; i < n && p->total > 0; i++)
		if (p->of[i] == 0)
			put(&p->part[0], i, br_parts_prior(p, i));
}

int br_parts_init(struct br_parts *p, const struct br_shape *shape, struct br_err *err)
{
	int rc = br_check_shape(shape, BR_DAG | BR_CHAIN, err);

	memset(p, 0, sizeof *p);
	if (rc)
		return rc;
	p->shape = shape;
	p->words = 4;
	if (!is_chain(p)) {
		p->of = br_reallocarray(NULL, shape->n, sizeof *p->of);
		p->index = br_calloc(shape->n, sizeof *p->index);
		p->mark = br_calloc(shape->n, sizeof *p->mark);
	}
	first_part(p);
	if (!(p->part[0].prior > 0)) {
		br_parts_done(p);
		return br_fail(err, BR_ESTATE, "nothing to search: there is no candidate");
	}
	br_parts_point(p, shape->n - 1);
	return 0;
}

void br_parts_done(struct br_parts *p)
{
	free(p->part);
	free(p->point);
	free(p->of);
	free(p->index);
	free(p->mark);
	free(p->sig);
	memset(p, 0, sizeof *p);
}
