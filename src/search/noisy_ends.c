/* noisy_ends.c - the ends of a flaky search, and what can be said about it before and after. */
#include "bisect_run/noisy.h"

#include "search/noisy_state.h"

#include <math.h>

/* ln odds. The search itself goes on weighing whether the ends differ; to refuse it needs more than to begin it. */
static const double DIFFER = 0.7, SWAPPED = 4.0;
enum { FAILS_WANTED = 3 }; /* at a bad end that also passes: what the prediction stands on */
static const double EXCLUDED = 0.05;

static struct br_count count_of(struct br_tally t)
{
	return (struct br_count){t.fails, t.runs - t.fails};
}

/* ln odds that the first fails more often than the second, to both failing at one rate. */
static double more_often(struct br_rates *t, struct br_count a, struct br_count b)
{
	const struct br_count both = {a.fail + b.fail, a.pass + b.pass};
	struct br_fit fit;

	br_rates_weigh(t, a, b, br_rates_order(t, a, b), &fit);
	return fit.log_weight - br_rates_side(t, both);
}

/* A rare failure needs many runs of the bad end, but not as many of the good one. */
static uint32_t good_wanted(uint32_t bad_runs)
{
	return bad_runs <= 6 ? bad_runs : 4 + bad_runs / 3;
}

enum br_ends br_ends_judge(struct br_tally bad, struct br_tally good, uint32_t most)
{
	struct br_rates t;
	double right, wrong;

	br_rates_init(&t);
	right = more_often(&t, count_of(bad), count_of(good));
	wrong = more_often(&t, count_of(good), count_of(bad));
	br_rates_done(&t);
	if (right > DIFFER && right > wrong) {
		bool known = bad.fails >= FAILS_WANTED || (bad.fails == bad.runs && bad.runs > 1) ||
			     bad.runs >= most;

		return known ? BR_ENDS_DIFFER : BR_ENDS_RUN_BAD;
	}
	if (wrong > SWAPPED)
		return BR_ENDS_SWAPPED;
	if (bad.runs >= most && good.runs >= good_wanted(most))
		return (double)bad.fails * good.runs > (double)good.fails * bad.runs ? BR_ENDS_DIFFER
										     : BR_ENDS_SAME;
	return good.runs < good_wanted(bad.runs) ? BR_ENDS_RUN_GOOD : BR_ENDS_RUN_BAD;
}

double br_noisy_excluded_rate(uint32_t runs)
{
	return runs ? 1 - pow(EXCLUDED, 1.0 / runs) : 1;
}

uint32_t br_noisy_runs_to_exclude(double rate)
{
	double runs;

	if (!(rate > 0) || rate >= 1)
		return rate >= 1 ? 1 : UINT32_MAX;
	runs = ceil(log(EXCLUDED) / log1p(-rate) - 1e-9);
	return runs < 1e9 ? (uint32_t)runs : 1000000000;
}

/* Capacity in nats of the channel from side to verdict, by ternary search for the best input. */
static double capacity(double g, double b)
{
	double lo = 0, hi = 1, hg = br_entropy(g), hb = br_entropy(b);
	double at[2], value[2];

	for (int i = 0; i < 60; i++) {
		at[0] = lo + (hi - lo) / 3;
		at[1] = hi - (hi - lo) / 3;
		for (int k = 0; k < 2; k++)
			value[k] = br_entropy(at[k] * b + (1 - at[k]) * g) - at[k] * hb - (1 - at[k]) * hg;
		if (value[0] < value[1])
			lo = at[0];
		else
			hi = at[1];
	}
	return br_entropy(lo * b + (1 - lo) * g) - lo * hb - (1 - lo) * hg;
}

/* Evidence of one run at rate p against rate q, in nats; capped: an impossible outcome decides at once. */
static double divergence(double p, double q)
{
	const double least = 1e-3;

	q = q < least ? least : q > 1 - least ? 1 - least : q;
	return (p > 0 ? p * log(p / q) : 0) + (p < 1 ? (1 - p) * log((1 - p) / (1 - q)) : 0);
}

double br_noisy_predict(double good_rate, double bad_rate, double candidates, double confidence)
{
	double narrow, confirm, odds = log(1 / (1 - confidence));

	if (!(bad_rate > good_rate + 1e-6))
		return INFINITY;
	narrow = log(candidates > 2 ? candidates : 2) / capacity(good_rate, bad_rate);
	confirm = odds / divergence(good_rate, bad_rate) + odds / divergence(bad_rate, good_rate);
	return 1.2 * narrow + 1.6 * confirm + 4;
}

/* P(at most k failures in n runs) at this rate. */
static double at_most(uint32_t k, uint32_t n, double p)
{
	double sum = 0, term;

	if (p >= 1)
		return k >= n;
	if (p <= 0)
		return 1;
	term = pow(1 - p, n);
	for (uint32_t i = 0; i <= k && i <= n; i++) {
		sum += term;
		term *= (double)(n - i) / (i + 1) * p / (1 - p);
	}
	return sum < 1 ? sum : 1;
}

double br_noisy_closing(const struct br_strategy *s, struct br_tally culprit, struct br_tally parents)
{
	double good, bad, few, many, least;

	br_noisy_rates(s, &good, &bad);
	few = at_most(culprit.fails, culprit.runs, bad);
	many = parents.fails ? 1 - at_most(parents.fails - 1, parents.runs, good) : 1;
	least = 2 * (few < many ? few : many);
	return least < 1 ? least : 1;
}
