/*
 * diff.c - compares the profiles of a culprit and its parent.
 *
 * A function is the same one on both sides by name and file; of several of one name in one file (methods, lambdas) the first is the first's, and
 * so on. What is left over is paired by name alone where that is unique: a function that moved to another file.
 *
 * Noise: with r runs a side a change counts when it is above three standard errors. A run's variance is at least what sampling has (self times the
 * cost of a sample: counts of samples are Poisson), and for clocks at least (2 %)^2 of self, (10 %)^2 with one run. Counts have none.
 */
#include "bisect_run/profile_diff.h"

#include "base/buf.h"
#include "base/mem.h"
#include "bisect_run/err.h"
#include "profile/diff_code.h"
#include "profile/touched.h"

#include <math.h>
#include <string.h>

enum { GOOD, BAD, PATH_FRAMES = 12 };

/* A row of a run, with the key by which it is the same function elsewhere. */
struct entry {
	const struct br_profile_row *r;
	const char *function, *place; /* place: file, else object, else "" */
	uint32_t ordinal;	      /* among those of this run with the same name and place */
	uint32_t side, run, row;
};

struct sides {
	const struct br_profile_side *side[2];
	enum br_touch *touch[2]; /* of the first run */
	struct entry *entry;
	size_t n;
};

static const char *function_of(const struct br_profile_row *r)
{
	/* Addresses differ with every build: what has no name is one thing in its object. */
	return strncmp(r->function, "0x", 2) == 0 ? "[no symbol]" : r->function;
}

static int by_name(const struct entry *a, const struct entry *b)
{
	int c = strcmp(a->function, b->function);

	return c ? c : strcmp(a->place, b->place);
}

static int compare_u32(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

static int by_run(const void *x, const void *y)
{
	const struct entry *a = x, *b = y;
	int c = compare_u32(a->side, b->side);

	if (!c)
		c = compare_u32(a->run, b->run);
	if (!c)
		c = by_name(a, b);
	if (!c)
		c = compare_u32(a->r->line, b->r->line);
	return c ? c : compare_u32(a->row, b->row);
}

static int by_key(const void *x, const void *y)
{
	const struct entry *a = x, *b = y;
	int c = by_name(a, b);

	if (!c)
		c = compare_u32(a->ordinal, b->ordinal);
	return c ? c : by_run(x, y);
}

static bool same_key(const struct entry *a, const struct entry *b)
{
	return by_name(a, b) == 0 && a->ordinal == b->ordinal;
}

static void collect(struct sides *s)
{
	size_t total = 0;

	for (int side = 0; side < 2; side++)
		for (size_t k = 0; k < s->side[side]->n; k++)
			total += s->side[side]->run[k].nrow;
	s->entry = br_calloc(total + 1, sizeof *s->entry);
	for (uint32_t side = 0; side < 2; side++)
		for (uint32_t k = 0; k < s->side[side]->n; k++)
			for (uint32_t i = 0; i < s->side[side]->run[k].nrow; i++) {
				const struct br_profile_row *r = &s->side[side]->run[k].row[i];

				s->entry[s->n++] = (struct entry){.r = r,
								  .function = function_of(r),
								  .place = r->file     ? r->file
									   : r->object ? r->object
										       : "",
								  .side = side,
								  .run = k,
								  .row = i};
			}
}

/* Nameless code of one object is one row: its ordinal stays 0. */
static void number(struct sides *s)
{
	qsort(s->entry, s->n, sizeof *s->entry, by_run);
	for (size_t i = 1; i < s->n; i++) {
		struct entry *a = &s->entry[i - 1], *b = &s->entry[i];

		if (a->side == b->side && a->run == b->run && by_name(a, b) == 0 &&
		    b->function == b->r->function)
			b->ordinal = a->ordinal + 1;
	}
	qsort(s->entry, s->n, sizeof *s->entry, by_key);
}

/* ---- one function ---- */

static size_t group_end(const struct sides *s, size_t from)
{
	size_t to = from + 1;

	while (to < s->n && same_key(&s->entry[from], &s->entry[to]))
		to++;
	return to;
}

static bool has_side(const struct sides *s, size_t from, size_t to, uint32_t side)
{
	for (size_t i = from; i < to; i++)
		if (s->entry[i].side == side)
			return true;
	return false;
}

enum field { SELF, CUM, CALLS };

static double value_of(const struct br_profile_row *r, enum field f)
{
	if (f == CALLS)
		return r->calls < 0 ? NAN : (double)r->calls;
	return f == SELF ? r->self : r->cum;
}

/* The mean of a side, and the variance between its runs. What a run lacks is 0, unless the profiler tells it of none. */
static double mean_of(const struct sides *s, size_t from, size_t to, uint32_t side, enum field f,
		      double *variance)
{
	size_t n = s->side[side]->n;
	double *sum = br_calloc(n, sizeof *sum);
	double mean = 0, square = 0;
	bool known = false;

	for (size_t i = from; i < to; i++) {
		double x = value_of(s->entry[i].r, f);

		if (s->entry[i].side == side && !isnan(x)) {
			sum[s->entry[i].run] += x;
			known = true;
		}
	}
	for (size_t k = 0; k < n; k++)
		mean += sum[k] / (double)n;
	for (size_t k = 0; k < n; k++)
		square += (sum[k] - mean) * (sum[k] - mean);
	*variance = n > 1 ? square / (double)(n - 1) : 0;
	free(sum);
	return known ? mean : NAN;
}

static double zero_if_unknown(double x)
{
	return isnan(x) ? 0 : x;
}

/* The variance of a side's mean. */
static double error_of(const struct br_profile_side *side, double mean, double variance)
{
	const struct br_profile *p = &side->run[0];
	double least = mean * p->quantum;
	double part = side->n > 1 ? 0.02 : 0.10;

	if (p->quantum <= 0 && p->unit && strcmp(p->unit, "s") == 0)
		least = part * part * mean * mean;
	return (variance > least ? variance : least) / (double)side->n;
}

static void set_costs(const struct sides *s, size_t from, size_t to, struct br_profile_delta *d)
{
	double vg, vb, unused;

	d->self_good = mean_of(s, from, to, GOOD, SELF, &vg);
	d->self_bad = mean_of(s, from, to, BAD, SELF, &vb);
	d->cum_good = mean_of(s, from, to, GOOD, CUM, &unused);
	d->cum_bad = mean_of(s, from, to, BAD, CUM, &unused);
	d->calls_good = mean_of(s, from, to, GOOD, CALLS, &unused);
	d->calls_bad = mean_of(s, from, to, BAD, CALLS, &unused);
	d->change = zero_if_unknown(d->self_bad) - zero_if_unknown(d->self_good);
	d->noise = 3 * sqrt(error_of(s->side[GOOD], zero_if_unknown(d->self_good), vg) +
			    error_of(s->side[BAD], zero_if_unknown(d->self_bad), vb));
}

/* ---- the way to it ---- */

static double weight_of(const struct br_profile_edge *e)
{
	return isnan(e->cum) ? (e->calls > 0 ? (double)e->calls : 0) : e->cum;
}

/* The most costly caller that is not on the way yet. -1: none. */
static int64_t caller_of(const struct br_profile *p, const uint32_t *path, size_t n)
{
	int64_t best = -1;
	double most = -1;

	for (size_t i = 0; i < p->nedge; i++) {
		const struct br_profile_edge *e = &p->edge[i];
		bool seen = false;

		if (e->to != path[n - 1] || weight_of(e) <= most)
			continue;
		for (size_t k = 0; k < n; k++)
			seen |= path[k] == e->from;
		if (seen)
			continue;
		most = weight_of(e);
		best = e->from;
	}
	return best;
}

static char *path_to(const struct br_profile *p, uint32_t row)
{
	uint32_t path[PATH_FRAMES] = {row};
	struct br_buf b = {0};
	size_t n = 1;
	int64_t up = 0;

	if (p->nedge == 0)
		return NULL;
	/* What the C library does before main is nobody's matter. */
	while (n < PATH_FRAMES && strcmp(p->row[path[n - 1]].function, "main") != 0 &&
	       (up = caller_of(p, path, n)) >= 0)
		path[n++] = (uint32_t)up;
	if (up >= 0 && n == PATH_FRAMES && strcmp(p->row[path[n - 1]].function, "main") != 0)
		br_buf_str(&b, "... > ");
	while (n-- > 0)
		br_buf_fmt(&b, "%s%s", p->row[path[n]].function, n ? " > " : "");
	return br_buf_take(&b);
}

/* ---- the whole ---- */

static const struct entry *first_of(const struct sides *s, size_t from, size_t to, uint32_t side)
{
	for (size_t i = from; i < to; i++)
		if (s->entry[i].side == side)
			return &s->entry[i];
	return NULL;
}

static void describe_code(const struct sides *s, size_t from, size_t to, struct br_profile_delta *d)
{
	const struct entry *good = first_of(s, from, to, GOOD), *bad = first_of(s, from, to, BAD);

	if (good && bad)
		br_diff_code(d, &(struct br_code_of){&s->side[GOOD]->run[good->run], good->row},
			     &(struct br_code_of){&s->side[BAD]->run[bad->run], bad->row});
}

static void describe(const struct sides *s, size_t from, size_t to, struct br_profile_delta *d)
{
	bool bad = has_side(s, from, to, BAD);

	d->touched = BR_TOUCH_INDIRECT;
	for (size_t i = from; i < to; i++) {
		const struct entry *e = &s->entry[i];

		if (e->run == 0 && s->touch[e->side][e->row] < d->touched)
			d->touched = s->touch[e->side][e->row];
		if (d->function || (bad && e->side != BAD))
			continue;
		d->function = br_strdup(e->function);
		d->file = br_strdup_or_null(e->r->file);
		d->object = br_strdup_or_null(e->r->object);
		d->line = e->r->line;
		d->path = path_to(&s->side[e->side]->run[e->run], e->row);
	}
}

/* Where calls are counted, a function without any was not entered. */
static void add_only(const struct sides *s, size_t from, size_t to, const struct br_profile_delta *costs,
		     struct br_profile_diff *out)
{
	bool bad = has_side(s, from, to, BAD);
	struct br_profile_only *only = bad ? &out->only_bad : &out->only_good;

	if (has_side(s, from, to, !bad) || !((bad ? costs->calls_bad : costs->calls_good) > 0))
		return;
	br_grow(&only->row, only->n, &only->cap);
	only->row[only->n] = *costs;
	describe(s, from, to, &only->row[only->n++]);
}

static void add(const struct sides *s, size_t from, size_t to, struct br_profile_diff *out)
{
	struct br_profile_delta d = {0};

	set_costs(s, from, to, &d);
	add_only(s, from, to, &d, out);
	out->unexplained -= d.change;
	if (d.change == 0)
		return;
	if (fabs(d.change) <= d.noise) {
		out->hidden++;
		out->hidden_change += d.change;
		return;
	}
	describe(s, from, to, &d);
	describe_code(s, from, to, &d);
	out->row[out->nrow++] = d;
}

/* The other entries of this name; more than one group of them: SIZE_MAX. */
static bool is_lonely(const struct sides *s, size_t from, size_t to, uint32_t side)
{
	return has_side(s, from, to, side) && !has_side(s, from, to, !side);
}

/* A function that moved to another file: one group of its name on each side alone. Then the bad one's place is the good one's too. */
static void pair_moved(struct sides *s)
{
	for (size_t from = 0; from < s->n;) {
		size_t lonely[2][2] = {{0}}, count[2] = {0}, end = from;

		while (end < s->n && strcmp(s->entry[end].function, s->entry[from].function) == 0) {
			size_t to = group_end(s, end);

			for (uint32_t side = 0; side < 2; side++)
				if (is_lonely(s, end, to, side) && count[side]++ == 0) {
					lonely[side][0] = end;
					lonely[side][1] = to;
				}
			end = to;
		}
		for (size_t i = lonely[GOOD][0]; count[GOOD] == 1 && count[BAD] == 1 && i < lonely[GOOD][1];
		     i++) {
			s->entry[i].place = s->entry[lonely[BAD][0]].place;
			s->entry[i].ordinal = s->entry[lonely[BAD][0]].ordinal;
		}
		from = end;
	}
	qsort(s->entry, s->n, sizeof *s->entry, by_key);
}

static int by_change(const void *x, const void *y)
{
	const struct br_profile_delta *a = x, *b = y;
	double p = fabs(a->change), q = fabs(b->change);

	if (p != q)
		return p < q ? 1 : -1;
	return strcmp(a->function, b->function);
}

static int by_nearness(const void *x, const void *y)
{
	const struct br_profile_delta *a = x, *b = y;
	double p = zero_if_unknown(a->cum_bad) + zero_if_unknown(a->cum_good);
	double q = zero_if_unknown(b->cum_bad) + zero_if_unknown(b->cum_good);

	if (a->touched != b->touched)
		return a->touched < b->touched ? -1 : 1;
	if (p != q)
		return p < q ? 1 : -1;
	return strcmp(a->function, b->function);
}

static void sort_only(struct br_profile_only *only)
{
	if (only->n > 1)
		qsort(only->row, only->n, sizeof *only->row, by_nearness);
}

static double total_of(const struct br_profile_side *side)
{
	double sum = 0;

	for (size_t k = 0; k < side->n; k++)
		sum += side->run[k].total;
	return sum / (double)side->n;
}

static void compare(struct sides *s, struct br_profile_diff *out)
{
	collect(s);
	number(s);
	pair_moved(s);
	out->row = br_calloc(s->n + 1, sizeof *out->row);
	out->total_good = total_of(s->side[GOOD]);
	out->total_bad = total_of(s->side[BAD]);
	out->unexplained = out->total_bad - out->total_good;
	for (size_t from = 0, to; from < s->n; from = to) {
		to = group_end(s, from);
		add(s, from, to, out);
	}
	qsort(out->row, out->nrow, sizeof *out->row, by_change);
	sort_only(&out->only_good);
	sort_only(&out->only_bad);
	free(s->entry);
}

static int check_units(const struct br_profile_side *good, const struct br_profile_side *bad,
		       struct br_err *err)
{
	const struct br_profile_side *side[] = {good, bad};
	const char *unit = good->run[0].unit;

	for (int i = 0; i < 2; i++)
		for (size_t k = 0; k < side[i]->n; k++)
			if (!unit || !side[i]->run[k].unit || strcmp(unit, side[i]->run[k].unit) != 0)
				return br_fail(err, BR_EPARSE,
					       "the profiles of the two sides count different things");
	return 0;
}

int br_profile_compare(struct br_profile_diff *out, const struct br_profile_side *good,
		       const struct br_profile_side *bad, const struct br_changed_file *changed,
		       size_t nchanged, struct br_err *err)
{
	struct sides s = {.side = {good, bad}};
	int rc = check_units(good, bad, err);

	if (rc < 0)
		return rc;
	*out = (struct br_profile_diff){.profiler = br_strdup_or_null(bad->run[0].profiler),
					.unit = br_strdup(bad->run[0].unit),
					.raw_good = br_strdup_or_null(good->run[0].raw),
					.raw_bad = br_strdup_or_null(bad->run[0].raw)};
	for (int i = 0; i < 2; i++)
		s.touch[i] = br_touched(&(struct br_touched_side){
			.p = &s.side[i]->run[0], .changed = changed, .nchanged = nchanged, .old = i == GOOD});
	compare(&s, out);
	free(s.touch[GOOD]);
	free(s.touch[BAD]);
	return 0;
}

static void rows_done(struct br_profile_delta *row, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < row[i].ncode; k++)
			free(row[i].code[k].what);
		free(row[i].code);
		free(row[i].function);
		free(row[i].file);
		free(row[i].object);
		free(row[i].path);
	}
	free(row);
}

void br_profile_diff_done(struct br_profile_diff *d)
{
	rows_done(d->row, d->nrow);
	rows_done(d->only_good.row, d->only_good.n);
	rows_done(d->only_bad.row, d->only_bad.n);
	free(d->profiler);
	free(d->unit);
	free(d->raw_good);
	free(d->raw_bad);
	*d = (struct br_profile_diff){0};
}
