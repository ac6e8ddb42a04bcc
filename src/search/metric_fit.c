/*
 * metric_fit.c - P(the level changes at this candidate), from all samples: levels and noise unknown, flat priors:
 * prior * (nL nR)^-1/2 * SSE^-(n-2)/2. Wild values are drawn in; when there are many, the noise is taken as it is found, by a
 * kernel density of the pooled residuals. Drift is what the references at the ends have in common.
 */
#include "search/metric_state.h"

#include "base/mem.h"

#include <math.h>
#include <string.h>

enum {
	SAMPLES_FOR_SHAPE = 12, /* before the noise can be called heavy-tailed */
	KERNELS = 200,
};
static const double DRAWN_IN = 3.0;    /* standard deviations */
static const double HEAVY = 1.4;       /* standard deviation over robust one */
static const double WRONG_WAY = 8.0;   /* nats against a fall where a rise is looked for */
static const double BACKGROUND = 0.05; /* of the density: anything may happen */
static const double TRUSTED =
	0.002; /* chance to be on the other side, below which a sample shows the noise of its side */
static const double LEAST_SD =
	1e-7; /* exactly repeatable counts have no noise; nothing is known better than this */

/* Of one tested point. */
struct cell {
	double n, weight, sum, within; /* weight: runs, less when builds differ; sum: weight times mean */
	double llr;
};

static int by_time(const void *a, const void *b)
{
	const struct br_sample *x = a, *y = b;

	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	if (x->point != y->point)
		return x->point < y->point ? -1 : 1;
	return x->y < y->y ? -1 : x->y > y->y;
}

/* 0: a good reference, 1: a bad one, -1: none */
static int end_of(const struct br_sample *x)
{
	return x->point == BR_METRIC_OUTSIDE ? 0 : x->point == 0 ? 1 : -1;
}

static void end_means(const struct br_metric_view *v, double mean[2])
{
	double n[2] = {0, 0};

	mean[0] = mean[1] = 0;
	for (size_t i = 0; i < v->n; i++) {
		int e = end_of(&v->sample[i]);

		if (e < 0)
			continue;
		mean[e] += v->sample[i].y;
		n[e] += 1;
	}
	for (int e = 0; e < 2; e++)
		mean[e] /= n[e] > 0 ? n[e] : 1;
}

/* The drift at sample i: the mean residual of the nearest references before and after it, itself left out. */
static double drift_at(const struct br_metric_view *v, const double *y, size_t i, const double mean[2])
{
	double sum = 0;
	int n = 0;

	for (size_t k = i; k-- > 0;)
		if (end_of(&v->sample[k]) >= 0) {
			sum += y[k] - mean[end_of(&v->sample[k])];
			n++;
			break;
		}
	for (size_t k = i + 1; k < v->n; k++)
		if (end_of(&v->sample[k]) >= 0) {
			sum += y[k] - mean[end_of(&v->sample[k])];
			n++;
			break;
		}
	return n ? sum / n : 0;
}

static void take_drift_out(struct br_metric_view *v)
{
	br_auto_free double *y = br_reallocarray(NULL, v->n, sizeof *y);
	double mean[2];

	end_means(v, mean);
	for (size_t i = 0; i < v->n; i++)
		y[i] = v->sample[i].y;
	for (size_t i = 0; i < v->n; i++)
		v->sample[i].y -= drift_at(v, y, i, mean);
}

static struct cell *cell_of(struct cell *cell, const struct br_sample *x)
{
	return x->point == BR_METRIC_OUTSIDE ? cell : cell + 1 + x->point;
}

/* Sums of the samples, drawn in to [lo, hi], by point; cell[0] is outside. */
static void fill_cells(const struct br_metric *s, struct cell *cell, double lo, double hi)
{
	const struct br_metric_view *v = s->view;
	double sd = v->sd > LEAST_SD ? v->sd : LEAST_SD, ratio = s->cfg.build_sd / sd;

	memset(cell, 0, ((size_t)s->parts.npoint + 1) * sizeof *cell);
	for (size_t i = 0; i < v->n; i++) {
		struct cell *c = cell_of(cell, &v->sample[i]);

		c->n += 1;
		c->sum += fmin(fmax(v->sample[i].y, lo), hi);
	}
	for (size_t i = 0; i < v->n; i++) {
		struct cell *c = cell_of(cell, &v->sample[i]);
		double off = fmin(fmax(v->sample[i].y, lo), hi) - c->sum / c->n;

		c->within += off * off;
	}
	for (uint32_t k = 0; k <= s->parts.npoint; k++)
		if (cell[k].n > 0) {
			cell[k].weight = cell[k].n / (1 + cell[k].n * ratio * ratio);
			cell[k].sum *= cell[k].weight / cell[k].n;
		}
}

/* Sets the masses from ln weights, and the best part. */
static void normalise(const struct br_metric *s, const double *log_weight)
{
	struct br_metric_view *v = s->view;
	double most = -INFINITY, sum = 0;

	for (uint32_t k = 0; k < s->parts.npart; k++)
		most = fmax(most, log_weight[k]);
	for (uint32_t k = 0; k < s->parts.npart; k++) {
		v->mass[k] = s->parts.part[k].prior * exp(log_weight[k] - most);
		sum += v->mass[k];
	}
	v->confidence = 0;
	for (uint32_t k = 0; k < s->parts.npart; k++) {
		const struct br_part *p = &s->parts.part[k];

		v->mass[k] /= sum;
		if (v->mass[k] * p->top / p->prior > v->confidence) {
			v->confidence = v->mass[k] * p->top / p->prior;
			v->best = k;
		}
	}
}

struct sums {
	double n, weight, sum;
};

static void split(const struct br_metric *s, const struct cell *cell, uint32_t part, struct sums side[2])
{
	memset(side, 0, 2 * sizeof *side);
	for (uint32_t k = 0; k <= s->parts.npoint; k++) {
		struct sums *to = &side[k && br_parts_has(&s->parts, k - 1, part)];

		to->n += cell[k].n;
		to->weight += cell[k].weight;
		to->sum += cell[k].sum;
	}
}

/* ln weight of a part from the sums of squares; out: its levels and noise. */
static double weigh(const struct br_metric *s, const struct cell *cell, uint32_t part, double out[3])
{
	struct sums side[2];
	double sse = 0, n = 0, w;

	split(s, cell, part, side);
	if (!(side[0].weight > 0) || !(side[1].weight > 0))
		return -1e9;
	out[0] = side[0].sum / side[0].weight;
	out[1] = side[1].sum / side[1].weight;
	for (uint32_t k = 0; k <= s->parts.npoint; k++) {
		double off;

		if (!(cell[k].n > 0))
			continue;
		off = cell[k].sum / cell[k].weight - out[k && br_parts_has(&s->parts, k - 1, part)];
		sse += cell[k].within + cell[k].weight * off * off;
		n += cell[k].n;
	}
	sse += n * LEAST_SD * LEAST_SD;
	out[2] = sqrt(sse / fmax(1, n - 2));
	w = -0.5 * log(side[0].weight * side[1].weight) - 0.5 * (n - 2) * log(sse);
	return out[1] < out[0] ? w - WRONG_WAY : w;
}

static void fit_normal(const struct br_metric *s, struct cell *cell, double *log_weight)
{
	struct br_metric_view *v = s->view;
	double level[3], best = -INFINITY;

	for (uint32_t k = 0; k < s->parts.npart; k++) {
		double prior = log(s->parts.part[k].prior);

		log_weight[k] = weigh(s, cell, k, level);
		if (log_weight[k] > -1e8 && log_weight[k] + prior > best) {
			best = log_weight[k] + prior;
			v->good = level[0];
			v->bad = level[1];
			v->sd = level[2];
		}
	}
	normalise(s, log_weight);
}

/* Residuals of the samples whose side is known, from the median of their side; returns how many. */
static size_t residuals(const struct br_metric *s, const double *below, double *out, double level[2])
{
	const struct br_metric_view *v = s->view;
	br_auto_free double *side = br_reallocarray(NULL, v->n, sizeof *side);
	size_t n = 0;

	for (int bad = 0; bad < 2; bad++) {
		size_t first = n, k = 0;

		for (size_t i = 0; i < v->n; i++) {
			uint32_t point = v->sample[i].point;
			double p = point == BR_METRIC_OUTSIDE ? 0 : below[point];

			if (bad ? p > 1 - TRUSTED : p < TRUSTED)
				side[k++] = out[n++] = v->sample[i].y;
		}
		level[bad] = br_median(side, k);
		for (size_t i = first; i < n; i++)
			out[i] -= level[bad];
	}
	return n;
}

struct density {
	const double *at;
	size_t n, step;
	double width, far;
};

static double density(const struct density *d, double y)
{
	double sum = 0, u;
	size_t n = 0;

	for (size_t i = 0; i < d->n; i += d->step, n++) {
		u = (y - d->at[i]) / d->width;
		sum += exp(-0.5 * u * u);
	}
	u = y / d->far;
	return (1 - BACKGROUND) * sum / ((double)n * d->width * 2.5066282746310002) +
	       BACKGROUND / (M_PI * d->far * (1 + u * u));
}

static double spread(const double *y, size_t n)
{
	double mean = 0, sum = 0;

	for (size_t i = 0; i < n; i++)
		mean += y[i] / (double)n;
	for (size_t i = 0; i < n; i++)
		sum += (y[i] - mean) * (y[i] - mean);
	return sqrt(sum / (double)n);
}

/* P(the culprit is at this point or below it), by tested point. */
static void mass_below(const struct br_metric *s, double *below)
{
	for (uint32_t p = 0; p < s->parts.npoint; p++) {
		below[p] = 0;
		for (uint32_t k = 0; k < s->parts.npart; k++)
			if (br_parts_has(&s->parts, p, k))
				below[p] += s->view->mass[k];
	}
}

/* Weighs again with the noise as the residuals show it. */
static void fit_density(const struct br_metric *s, struct cell *cell, double *log_weight)
{
	struct br_metric_view *v = s->view;
	br_auto_free double *below = br_reallocarray(NULL, s->parts.npoint, sizeof *below);
	br_auto_free double *rest = br_reallocarray(NULL, 2 * v->n, sizeof *rest);
	struct density d = {.at = rest};
	double level[2], robust;

	mass_below(s, below);
	d.n = residuals(s, below, rest, level);
	robust = br_mad(rest, d.n, rest + v->n);
	v->heavy = d.n >= SAMPLES_FOR_SHAPE && spread(rest, d.n) > HEAVY * robust;
	if (!v->heavy)
		return;
	robust = fmax(fmin(robust, 1.1 * spread(rest, d.n)), LEAST_SD);
	d.step = d.n / KERNELS + 1;
	d.width = robust * hypot(0.9 * pow((double)d.n, -0.2), 1.2 * sqrt(2.0 / (double)d.n));
	d.far = 8 * fmax(robust, fabs(level[1] - level[0]) / 2);
	for (uint32_t k = 0; k <= s->parts.npoint; k++)
		cell[k].llr = 0;
	for (size_t i = 0; i < v->n; i++)
		cell_of(cell, &v->sample[i])->llr +=
			log(density(&d, v->sample[i].y - level[1]) / density(&d, v->sample[i].y - level[0]));
	for (uint32_t k = 0; k < s->parts.npart; k++) {
		log_weight[k] = 0;
		for (uint32_t p = 0; p < s->parts.npoint; p++)
			if (br_parts_has(&s->parts, p, k))
				log_weight[k] += cell[p + 1].llr;
	}
	normalise(s, log_weight);
	v->good = level[0];
	v->bad = level[1];
	v->sd = robust;
}

/* Distance to the nearer of the two levels, robustly. */
static double noise(const struct br_metric_view *v)
{
	br_auto_free double *off = br_reallocarray(NULL, v->n, sizeof *off);

	for (size_t i = 0; i < v->n; i++)
		off[i] = fmin(fabs(v->sample[i].y - v->good), fabs(v->sample[i].y - v->bad));
	return fmax(1.4826 * br_median(off, v->n), LEAST_SD);
}

void br_metric_fit(const struct br_metric *s)
{
	struct br_metric_view *v = s->view;
	br_auto_free struct cell *cell = br_calloc((size_t)s->parts.npoint + 1, sizeof *cell);
	br_auto_free double *log_weight = br_calloc(s->parts.npart, sizeof *log_weight);

	if (!v->stale)
		return;
	v->stale = false;
	v->n = s->n;
	v->sample = br_reallocarray(v->sample, s->n + 1, sizeof *v->sample);
	if (s->n)
		memcpy(v->sample, s->sample, s->n * sizeof *v->sample);
	qsort(v->sample, v->n, sizeof *v->sample, by_time);
	v->mass = br_reallocarray(v->mass, s->parts.npart, sizeof *v->mass);
	v->heavy = false;
	v->sd = 0;
	if (v->n < 4) {
		normalise(s, log_weight);
		return;
	}
	if (s->cfg.drifts)
		take_drift_out(v);
	fill_cells(s, cell, -INFINITY, INFINITY);
	fit_normal(s, cell, log_weight);
	for (int i = 0; i < 2; i++) {
		double off = DRAWN_IN * noise(v);

		fill_cells(s, cell, fmin(v->good, v->bad) - off, fmax(v->good, v->bad) + off);
		fit_normal(s, cell, log_weight);
	}
	fit_density(s, cell, log_weight);
}
