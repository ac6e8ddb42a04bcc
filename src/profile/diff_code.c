/* diff_code.c - counts of instructions inside a function, before and after. */
#include "profile/diff_code.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static const struct br_profile_code *find(const struct br_code_of *f, const char *what)
{
	for (size_t i = 0; i < f->p->ncode; i++)
		if (f->p->code[i].row == f->row && (!what || strcmp(f->p->code[i].what, what) == 0))
			return &f->p->code[i];
	return NULL;
}

static void add(struct br_profile_delta *d, const char *what, uint32_t good, uint32_t bad)
{
	if (good == bad)
		return;
	d->code = br_reallocarray(d->code, d->ncode + 1, sizeof *d->code);
	d->code[d->ncode++] = (struct br_code_delta){.what = br_strdup(what), .good = good, .bad = bad};
}

static int64_t size_of(const struct br_code_delta *c)
{
	int64_t change = (int64_t)c->bad - c->good;

	return change < 0 ? -change : change;
}

/* What came or went altogether tells most. */
static int compare(const void *x, const void *y)
{
	const struct br_code_delta *a = x, *b = y;
	bool whole_a = !a->good || !a->bad, whole_b = !b->good || !b->bad;

	if (whole_a != whole_b)
		return whole_a ? -1 : 1;
	if (size_of(a) != size_of(b))
		return size_of(a) < size_of(b) ? 1 : -1;
	return strcmp(a->what, b->what);
}

void br_diff_code(struct br_profile_delta *d, const struct br_code_of *good, const struct br_code_of *bad)
{
	if (!find(good, NULL) || !find(bad, NULL))
		return;
	for (size_t i = 0; i < bad->p->ncode; i++) {
		const struct br_profile_code *c = &bad->p->code[i];
		const struct br_profile_code *was = c->row == bad->row ? find(good, c->what) : NULL;

		if (c->row == bad->row)
			add(d, c->what, was ? was->n : 0, c->n);
	}
	for (size_t i = 0; i < good->p->ncode; i++) {
		const struct br_profile_code *c = &good->p->code[i];

		if (c->row == good->row && !find(bad, c->what))
			add(d, c->what, c->n, 0);
	}
	if (d->ncode > 1)
		qsort(d->code, d->ncode, sizeof *d->code, compare);
}
