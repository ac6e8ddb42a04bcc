/* metric_ends.c - the ends of a search for a change of level, and what can be said about it before and after. */
#include "bisect_run/metric.h"

#include "base/mem.h"
#include "search/metric_state.h"

#include <math.h>
#include <string.h>

static const double ODDS =
	400; /* e-value at which the ends are called different; 1 / the chance to be wrong */
static const double SCALE =
	4; /* variance of the effect, in standard deviations of a run, under "different" */
static const double SURE = 200; /* of the bound that is said */
static const double MOVES_ALONG =
	0.5; /* correlation within pairs from which on only their differences count */
static const double DRAWN_IN = 3;
enum { LEAST_PAIRS = 3, MOST_PAIRS = 600, ROBUST_FROM = 4 };

/* A t statistic: difference, its standard error, degrees of freedom, runs that its scale stands for. */
struct contrast {
	double difference, error, freedom, runs;
};

/* y[]: logs, drawn in to the median +- some robust standard deviations. */
static void draw_in(double *y, size_t n, double *scratch)
{
	double sd = br_mad(y, n, scratch), middle;

	memcpy(scratch, y, n * sizeof *y);
	middle = br_median(scratch, n);
	if (n < ROBUST_FROM || !(sd > 0))
		return;
	for (size_t i = 0; i < n; i++)
		y[i] = fmin(fmax(y[i], middle - DRAWN_IN * sd), middle + DRAWN_IN * sd);
}

static double mean_of(const double *y, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += y[i];
	return sum / (double)n;
}

static double square_of(const double *y, size_t n, double mean)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (y[i] - mean) * (y[i] - mean);
	return sum;
}

static bool pairs_move_along(const double *g, const double *b, size_t n)
{
	double mg = mean_of(g, n), mb = mean_of(b, n), with = 0;

	for (size_t i = 0; i < n; i++)
		with += (g[i] - mg) * (b[i] - mb);
	return with > MOVES_ALONG * 0.5 * (square_of(g, n, mg) + square_of(b, n, mb));
}

static struct contrast compare(double *g, double *b, size_t n, bool drifts, double *scratch)
{
	struct contrast c = {.runs = (double)n / 2, .freedom = 2 * (double)n - 2};
	double sum;

	if (drifts || (n >= ROBUST_FROM && pairs_move_along(g, b, n))) {
		for (size_t i = 0; i < n; i++)
			b[i] -= g[i];
		draw_in(b, n, scratch);
		c.runs = (double)n;
		c.freedom = (double)n - 1;
		c.difference = mean_of(b, n);
		sum = square_of(b, n, c.difference);
	} else {
		draw_in(g, n, scratch);
		draw_in(b, n, scratch);
		c.difference = mean_of(b, n) - mean_of(g, n);
		sum = square_of(g, n, mean_of(g, n)) + square_of(b, n, mean_of(b, n));
	}
	c.error = sqrt(sum / c.freedom / c.runs);
	c.error = fmax(c.error, 1e-9);
	return c;
}

/*
 * The e-process of the t test with a normal prior on the effect (Lai 1976, "On confidence sequences"; Grünwald, de Heide,
 * Koolen 2024, "Safe testing"): ln of it for the true difference being `at`.
 */
static double log_e(const struct contrast *c, double at)
{
	double t = (c->difference - at) / c->error, x = t * t / c->freedom, k = 1 + c->runs * SCALE;

	return -0.5 * log(k) + 0.5 * (c->freedom + 1) * (log1p(x) - log1p(x / k));
}

/* Half of the width of the confidence sequence. */
static double half_width(const struct contrast *c)
{
	double k = 1 + c->runs * SCALE, r = pow(SURE * sqrt(k), 2 / (c->freedom + 1));

	return r < k ? c->error * sqrt(c->freedom * (r - 1) / (1 - r / k)) : INFINITY;
}

enum br_metric_ends br_metric_ends_judge(const double *good, const double *bad, size_t n,
					 const struct br_metric_ends_cfg *cfg,
					 struct br_metric_ends_result *out)
{
	br_auto_free double *y = br_reallocarray(NULL, 3 * n + 1, sizeof *y);
	double *g = y, *b = y + n, *scratch = y + 2 * n,
	       threshold = cfg->threshold > 0 ? cfg->threshold : 0.01;
	size_t most = cfg->most ? cfg->most : MOST_PAIRS;
	struct contrast c;
	double worst, median[2];

	*out = (struct br_metric_ends_result){.at_most = INFINITY};
	if (n < LEAST_PAIRS)
		return BR_METRIC_MORE;
	memcpy(scratch, good, n * sizeof *y);
	median[0] = br_median(scratch, n);
	memcpy(scratch, bad, n * sizeof *y);
	median[1] = br_median(scratch, n);
	for (size_t i = 0; i < n; i++) {
		g[i] = cfg->higher_is_better ? -log(good[i]) : log(good[i]);
		b[i] = cfg->higher_is_better ? -log(bad[i]) : log(bad[i]);
	}
	c = compare(g, b, n, cfg->drifts, scratch);
	worst = c.difference + half_width(&c);
	out->change = median[1] / median[0] - 1;
	out->effect_sd = c.difference / (c.error * sqrt(c.runs));
	out->at_most = worst < 50 ? expm1(fmax(worst, 0)) : INFINITY;
	if (log_e(&c, 0) > log(ODDS))
		return c.difference > 0 ? BR_METRIC_DIFFER : BR_METRIC_SWAPPED;
	return out->at_most < threshold || n >= most ? BR_METRIC_SAME : BR_METRIC_MORE;
}

double br_metric_predict(double effect_sd, double candidates, double confidence, double *builds)
{
	double bits = log2(candidates > 2 ? candidates : 2), each = 1, square = effect_sd * effect_sd;

	*builds = 1.15 * bits + 1;
	if (!(square > 1e-8))
		return INFINITY;
	/* Runs at one item until its side is known at 0.95, and the last few until the claim is. */
	each += 2 * log(20) / square * 1.2;
	return *builds * (each < 1 ? 1 : each) + 4 * log(1 / (1 - confidence)) / square + 4;
}

static int rising(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

void br_metric_sample_of(const double *value, size_t n, struct br_metric_sample *out)
{
	br_auto_free double *y = br_reallocarray(NULL, n + 1, sizeof *y);
	double off = 0.98 * sqrt((double)n);
	size_t low = (double)n / 2 - off > 0 ? (size_t)((double)n / 2 - off) : 0;

	*out = (struct br_metric_sample){.n = n, .median = NAN, .low = NAN, .high = NAN};
	if (!n)
		return;
	memcpy(y, value, n * sizeof *y);
	qsort(y, n, sizeof *y, rising);
	out->median = br_median(y, n);
	out->low = y[low];
	out->high = y[n - 1 - low];
}

void br_metric_rest(double good, double parents, double culprit, double bad, struct br_metric_rest *out)
{
	double whole = log(bad / good);

	*out = (struct br_metric_rest){.at = 1};
	if (!(fabs(whole) > 0) || !isfinite(whole))
		return;
	out->at = log(culprit / parents) / whole;
	out->before = log(parents / good) / whole;
	out->after = log(bad / culprit) / whole;
}
