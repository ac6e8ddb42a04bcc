/*
 * noisy_even.c - whether the sides are all alike. A claim must also stand when the bad side's rate may grow behind the
 * culprit; and a clear change within a side (a drift, a test absent before a point, a second flaw) is said.
 */
#include "search/noisy_state.h"

#include "base/mem.h"

#include <math.h>
#include <string.h>

enum { GRID = 16 };		       /* far rates tried */
static const double DOUBT = 0.025;     /* prior of a rate that grows behind the culprit */
static const double LEAST_SHARE = 0.3; /* of the whole rise, at the culprit */
static const double CLEAN = 0.3;       /* of the priors: the good side never fails */
static const double CLEAR = 6;	       /* ln odds of a change within a side at which it is said */

struct cell {
	uint64_t item; /* counted from 1; 0: outside */
	uint32_t point;
	struct br_count c;
};

static int by_item(const void *a, const void *b)
{
	const struct cell *x = a, *y = b;

	return x->item < y->item ? -1 : x->item > y->item;
}

/* ln of a sum of exps. */
struct log_sum {
	double most, sum;
};

static void add_log(struct log_sum *to, double x)
{
	if (x > to->most) {
		to->sum = to->sum * exp(to->most - x) + 1;
		to->most = x;
	} else {
		to->sum += exp(x - to->most);
	}
}

/* ln of the mean likelihood of one change between any two tested items of a side. */
static double changed(struct br_noisy *s, const struct cell *cell, uint32_t n, struct br_count all)
{
	struct br_count left = {0, 0};
	struct log_sum sum = {-INFINITY, 0};

	if (n < 2)
		return -INFINITY;
	for (uint32_t k = 0; k + 1 < n; k++) {
		left.fail += cell[k].c.fail;
		left.pass += cell[k].c.pass;
		add_log(&sum, br_rates_side(&s->rates, left) +
				      br_rates_side(&s->rates, (struct br_count){all.fail - left.fail,
										 all.pass - left.pass}));
	}
	return sum.most + log(sum.sum / (n - 1));
}

static double good_side(struct br_noisy *s, struct br_count good)
{
	double general = log(1 - CLEAN) + br_rates_side(&s->rates, good);

	return good.fail ? general : log(CLEAN + exp(general));
}

/* The tested points with their runs, in the order of items; the outside first. */
static uint32_t sorted_cells(const struct br_noisy *s, struct cell *cell)
{
	uint32_t n = 0;

	if (s->outside.fail + s->outside.pass)
		cell[n++] = (struct cell){0, UINT32_MAX, s->outside};
	for (uint32_t k = 0; k < s->parts.npoint; k++)
		if (s->at[k].fail + s->at[k].pass)
			cell[n++] = (struct cell){s->parts.point[k] + 1, k, s->at[k]};
	qsort(cell, n, sizeof *cell, by_item);
	return n;
}

/*
 * The share of the rise that is there at the culprit. The smaller, the more runs it takes to exclude; on a noisy good
 * side a small one could not be excluded at all.
 */
static double near_share(double good_rate)
{
	double share = LEAST_SHARE + good_rate;

	return share < 0.8 ? share : 0.8;
}

/*
 * ln of the mean likelihood of a bad side whose rate rises by only a share of the whole rise at the culprit, and by
 * the rest somewhere behind it. base: the good rate, the share.
 */
static double grown(const struct cell *cell, uint32_t n, struct br_count all, const double *base)
{
	double good_rate = base[0], share = base[1];
	struct log_sum sum = {-INFINITY, 0};

	if (n < 2)
		return -INFINITY;
	for (int i = 0; i < GRID; i++) {
		double far = good_rate + (1 - good_rate) * 0.5 * (1 - cos(M_PI * (i + 0.5) / GRID));
		double near = good_rate + share * (far - good_rate);
		double fail = log(near / far), pass = log1p(-near) - log1p(-far);
		double x = all.fail * log(far) + all.pass * log1p(-far);

		for (uint32_t k = 0; k + 1 < n; k++) {
			x += cell[k].c.fail * fail + cell[k].c.pass * pass;
			add_log(&sum, x);
		}
	}
	return sum.most + log(sum.sum / (n - 1) / GRID);
}

/* The cells on the bad (or good) side of a part, in a row; returns how many. */
static uint32_t side_of(const struct br_noisy *s, const struct cell *cell, uint32_t n, uint32_t part,
			bool bad, struct cell *out)
{
	uint32_t many = 0;

	for (uint32_t k = 0; k < n; k++)
		if (bad == (cell[k].point != UINT32_MAX && br_parts_has(&s->parts, cell[k].point, part)))
			out[many++] = cell[k];
	return many;
}

static double rate_or_none(struct br_count c)
{
	return c.fail ? (c.fail + 0.5) / (c.fail + c.pass + 1.0) : 0;
}

double br_noisy_doubt(struct br_noisy *s, double *mass)
{
	uint32_t size = s->parts.npoint + 1, parts = s->parts.npart, n;
	br_auto_free struct cell *cell = br_reallocarray(NULL, 2 * (size_t)size, sizeof *cell);
	struct cell *side = cell + size;
	double most = s->division[s->best].fit.log_weight, sum = 0;
	double share = near_share(rate_or_none(br_noisy_good(s, s->best)));

	n = sorted_cells(s, cell);
	for (uint32_t k = 0; k < parts; k++) {
		struct br_count good = br_noisy_good(s, k), bad = s->division[k].bad;
		double base[2] = {rate_or_none(good), share}, with;
		uint32_t many = side_of(s, cell, n, k, true, side);

		with = grown(side, many, bad, base) + good_side(s, good);
		mass[k] = (1 - DOUBT) * exp(s->division[k].fit.log_weight - most) +
			  DOUBT * exp(fmin(with - most, 600));
		mass[k] *= s->parts.part[k].prior;
		sum += mass[k];
	}
	for (uint32_t k = 0; k < parts; k++)
		mass[k] /= sum;
	return mass[s->best] * s->parts.part[s->best].top / s->parts.part[s->best].prior;
}

enum br_reason br_noisy_uneven(struct br_noisy *s)
{
	uint32_t size = s->parts.npoint + 1, n, many;
	br_auto_free struct cell *cell = br_reallocarray(NULL, 2 * (size_t)size, sizeof *cell);
	struct br_count of[2] = {br_noisy_good(s, s->best), s->division[s->best].bad};

	n = sorted_cells(s, cell);
	for (int bad = 1; bad >= 0; bad--) {
		many = side_of(s, cell, n, s->best, bad, cell + size);
		if (changed(s, cell + size, many, of[bad]) - br_rates_side(&s->rates, of[bad]) > CLEAR)
			return bad ? BR_REASON_UNEVEN_BAD : BR_REASON_UNEVEN_GOOD;
	}
	return BR_REASON_NONE;
}
