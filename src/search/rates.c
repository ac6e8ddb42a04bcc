/* rates.c - evidence of passes and failures with unknown rates, in closed form. */
#include "search/rates.h"

#include "base/mem.h"

#include <math.h>
#include <string.h>

static const double FIXED = 0.15, CLEAN = 0.15, GENERAL = 0.70;
static const double EITHER_WAY = 1e-4; /* of the general prior: the rates may lie in any order */
static const double LN_PI = 1.1447298858494001741;

double br_entropy(double p)
{
	if (!(p > 0) || !(p < 1))
		return 0;
	return -p * log(p) - (1 - p) * log1p(-p);
}

void br_rates_init(struct br_rates *t)
{
	memset(t, 0, sizeof *t);
}

void br_rates_done(struct br_rates *t)
{
	free(t->half);
	free(t->whole);
	memset(t, 0, sizeof *t);
}

static void fill(struct br_rates *t, size_t upto)
{
	int sign;

	if (upto < t->n)
		return;
	t->size = 2 * upto + 256;
	t->half = br_reallocarray(t->half, t->size, sizeof *t->half);
	t->whole = br_reallocarray(t->whole, t->size, sizeof *t->whole);
	for (; t->n < t->size; t->n++) {
		t->half[t->n] = lgamma_r((double)t->n + 0.5, &sign);
		t->whole[t->n] = lgamma_r((double)t->n + 1, &sign);
	}
}

double br_rates_side(struct br_rates *t, struct br_count c)
{
	fill(t, (size_t)c.fail + c.pass);
	return t->half[c.fail] + t->half[c.pass] - t->whole[c.fail + c.pass] - LN_PI;
}

/*
 * B(a+c, b+d) / (B(a,b) B(c,d)): one over the parameter that grows, times this, is what P(X > Y) of two Beta variables
 * gains or loses (J. D. Cook, "Exact calculation of Beta inequalities", 2005).
 */
double br_rates_order_step(struct br_rates *t, struct br_count bad, struct br_count good)
{
	size_t f = (size_t)bad.fail + good.fail, p = (size_t)bad.pass + good.pass;
	double top, bottom;

	fill(t, f + p + 1);
	/* a+c = f+1 and b+d = p+1 are whole. */
	top = t->whole[f] + t->whole[p] - t->whole[f + p + 1];
	bottom = t->half[bad.fail] + t->half[bad.pass] - t->whole[bad.fail + bad.pass] + t->half[good.fail] +
		 t->half[good.pass] - t->whole[good.fail + good.pass];
	return exp(top - bottom);
}

double br_rates_order_add(double order, double step, struct br_count on, int is_bad_side, int failed)
{
	double change = step / (0.5 + (failed ? on.fail : on.pass));

	order += (is_bad_side != 0) == (failed != 0) ? change : -change;
	return order < 0 ? 0 : order > 1 ? 1 : order;
}

double br_rates_order(struct br_rates *t, struct br_count bad, struct br_count good)
{
	const uint32_t want[4] = {bad.fail, bad.pass, good.fail, good.pass};
	struct br_count side[2] = {{0, 0}, {0, 0}};
	uint32_t *now[4] = {&side[0].fail, &side[0].pass, &side[1].fail, &side[1].pass};
	double order = BR_ORDER_START;

	/* In step with each other, so that no detour over extreme counts costs digits. */
	for (uint32_t i = 0, more = 1; more; i++) {
		more = 0;
		for (int k = 0; k < 4; k++) {
			if (*now[k] >= want[k])
				continue;
			order = br_rates_order_add(order, br_rates_order_step(t, side[0], side[1]),
						   side[k / 2], k < 2, k % 2 == 0);
			++*now[k];
			more = 1;
		}
	}
	return order;
}

static double ordered(double order)
{
	return (1 - EITHER_WAY) * 2 * order + EITHER_WAY;
}

static double mean(struct br_count c)
{
	return (c.fail + 0.5) / (c.fail + c.pass + 1.0);
}

void br_rates_weigh(struct br_rates *t, struct br_count bad, struct br_count good, double order,
		    struct br_fit *out)
{
	double b = br_rates_side(t, bad), g = br_rates_side(t, good), now = ordered(order);
	double step = br_rates_order_step(t, bad, good);
	double mb = mean(bad), mg = mean(good);
	/* Weights of the three explanations, over exp(b). */
	double fixed = good.fail == 0 && bad.pass == 0 ? FIXED * exp(-b) : 0;
	double clean = good.fail == 0 ? CLEAN : 0;
	double general = GENERAL * exp(g) * now, sum;
	double up = ordered(br_rates_order_add(order, step, bad, 1, 1)) / now;
	double down = ordered(br_rates_order_add(order, step, good, 0, 1)) / now;

	sum = fixed + clean + general;
	if (!(sum > 1e-280)) {
		/* exp(g) is too small: only the general one is left, its size in the logarithm. */
		out->log_weight = b + log(GENERAL) + g + log(now);
		fixed = clean = 0;
		general = sum = 1;
	} else {
		out->log_weight = b + log(sum);
	}
	out->bad_rate = (fixed + (clean + general * up) * mb) / sum;
	out->good_rate = general * down * mg / sum;
	out->bad_rate = out->bad_rate < 1 ? out->bad_rate : 1;
	out->good_rate = out->good_rate < 1 ? out->good_rate : 1;
	out->step = step;
}
