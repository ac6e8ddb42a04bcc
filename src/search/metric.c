/*
 * metric.c - the first item at which a measured value changes its level: one run at a time at the item nearest to half of
 * the probability, until its side is known; then the next item.
 */
#include "search/metric_state.h"

#include "base/mem.h"
#include "bisect_run/err.h"
#include "bisect_run/metric.h"

#include <math.h>
#include <string.h>

enum {
	MAX_PROPOSALS = 256,
	LISTED_WHILE_SEARCHING = 4096,
	CLAIMED = 3, /* samples of the culprit and its parents that a claim needs, those under way included */
};
static const double KNOWN = 0.05;      /* chance that an item is on the other side, below which it is left */
static const double REUSE = 0.02;      /* how far from half a tested item may be, more than a new one */
static const double REFERENCED = 0.02; /* items this sure count as samples of a side */
static const double MOST_PREDICTED = 60; /* runs a bit: levels that hardly differ */
static const double PATIENCE = 3;
static const double LIKELY = 0.9;

static struct br_metric *metric_of(struct br_strategy *s)
{
	return (struct br_metric *)s;
}

static const struct br_metric *metric_of_const(const struct br_strategy *s)
{
	return (const struct br_metric *)s;
}

static int metric_open(struct br_strategy **out, const struct br_shape *shape,
		       const struct br_strategy_cfg *cfg, struct br_err *err)
{
	struct br_metric *s = br_calloc(1, sizeof *s);
	int rc = br_parts_init(&s->parts, shape, err);

	if (rc) {
		free(s);
		return rc;
	}
	s->base.ops = &br_strategy_metric;
	s->shape = shape;
	s->cfg = *cfg;
	s->here = BR_NO_ITEM;
	s->view = br_calloc(1, sizeof *s->view);
	s->view->stale = true;
	if (s->parts.of)
		s->barred = br_calloc(shape->n, sizeof *s->barred);
	*out = &s->base;
	return 0;
}

static void metric_close(struct br_strategy *base)
{
	struct br_metric *s = metric_of(base);

	if (!s)
		return;
	br_parts_done(&s->parts);
	br_questions_done(&s->ask);
	free(s->view->sample);
	free(s->view->mass);
	free(s->view);
	free(s->sample);
	free(s->barred);
	free(s->bar);
	free(s->flying);
	free(s);
}

/* The confidence at which it stops: estimated levels, and noise of an estimated shape, claim too much. */
static double enough(const struct br_metric *s)
{
	return 1 - (1 - s->cfg.confidence) * (s->view->heavy || s->cfg.drifts ? 0.02 : 0.4);
}

static double predicted(const struct br_metric *s)
{
	const struct br_metric_view *v = s->view;
	double builds, effect = v->sd > 0 ? fabs(v->bad - v->good) / v->sd : 1;
	double n = s->shape->weight ? (double)s->shape->n : s->parts.total;

	return fmin(br_metric_predict(effect, n, s->cfg.confidence, &builds), MOST_PREDICTED * log2(n + 1));
}

static bool barred(const struct br_metric *s, uint64_t item)
{
	if (s->barred)
		return s->barred[item];
	for (size_t i = 0; i < s->nbar; i++)
		if (s->bar[i] == item)
			return true;
	return false;
}

/* Samples at a point, those under way included. */
static size_t samples_at(const struct br_metric *s, uint64_t item)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += (s->sample[i].point == BR_METRIC_OUTSIDE ? BR_POINT_OUTSIDE
							      : s->parts.point[s->sample[i].point]) == item;
	for (size_t i = 0; i < s->nflying; i++)
		n += s->flying[i] == item;
	return n;
}

static double below(const struct br_metric *s, uint32_t point)
{
	double p = 0;

	if (point == BR_METRIC_OUTSIDE)
		return 0;
	for (uint32_t k = 0; k < s->parts.npart; k++)
		if (br_parts_has(&s->parts, point, k))
			p += s->view->mass[k];
	return p;
}

/* Samples on the sides as far as they are known. */
static void count_sides(const struct br_metric *s, size_t side[2])
{
	br_auto_free double *p = br_reallocarray(NULL, s->parts.npoint, sizeof *p);

	side[0] = side[1] = 0;
	for (uint32_t k = 0; k < s->parts.npoint; k++)
		p[k] = below(s, k);
	for (size_t i = 0; i < s->n; i++) {
		uint32_t at = s->sample[i].point;
		double sure = at == BR_METRIC_OUTSIDE ? 0 : p[at];

		side[0] += sure < REFERENCED;
		side[1] += sure > 1 - REFERENCED;
	}
}

/* The item whose chance to be bad is nearest to the aim. */
static uint64_t nearest(struct br_metric *s, double aim)
{
	const struct br_questions *q = &s->ask;
	br_auto_free double *value = br_reallocarray(NULL, q->natom, sizeof *value);
	br_auto_free double *p = br_reallocarray(NULL, q->nquestion, sizeof *p);
	uint64_t best = BR_NO_ITEM;
	double least = INFINITY;

	for (uint32_t i = 0; i < q->natom; i++)
		value[i] = s->view->mass[q->atom[i].part] * q->atom[i].share;
	br_questions_sum(q, value, 0, p);
	for (uint32_t k = 1; k < q->nquestion; k++) {
		uint64_t item = q->question[k].item;
		double off = fabs(p[k] - aim);

		if (item == BR_NO_ITEM || item == s->shape->n - 1)
			continue;
		if (q->question[k].handy == BR_HANDY_NEW)
			off += REUSE;
		if (off < least) {
			least = off;
			best = item;
		}
	}
	return best;
}

static double below_item(const struct br_metric *s, uint64_t item)
{
	for (uint32_t k = 0; k < s->parts.npoint; k++)
		if (s->parts.point[k] == item)
			return below(s, k);
	return 0.5;
}

/* Where the last run was made: a reference? */
static bool last_was_reference(const struct br_metric *s)
{
	const struct br_metric_view *v = s->view;
	uint32_t at = v->n ? v->sample[v->n - 1].point : 0;

	return at == 0 || at == BR_METRIC_OUTSIDE;
}

static uint64_t reference(const struct br_metric *s)
{
	uint64_t bad = s->shape->n - 1;

	return samples_at(s, BR_POINT_OUTSIDE) <= samples_at(s, bad) ? BR_POINT_OUTSIDE : bad;
}

/* The likeliest candidate or a parent of it that has too few samples for a claim; BR_NO_ITEM: none has. */
static uint64_t thin(const struct br_metric *s)
{
	const struct br_shape *sh = s->shape;
	uint64_t item = s->parts.part[s->view->best].top_item;
	bool chain = sh->order == BR_CHAIN;
	uint32_t e = chain ? 0 : sh->parent_at[item], end = chain ? item > 0 : sh->parent_at[item + 1];

	if (!barred(s, item) && samples_at(s, item) < CLAIMED)
		return item;
	for (; e < end; e++) {
		uint64_t parent = chain ? item - 1 : sh->parent[e];

		if (!barred(s, parent) && br_parts_prior(&s->parts, parent) > 0 &&
		    samples_at(s, parent) < CLAIMED)
			return parent;
	}
	return BR_NO_ITEM;
}

static uint64_t choose(struct br_metric *s, double aim)
{
	size_t side[2], here;
	uint64_t unsure = s->view->confidence >= enough(s) ? thin(s) : BR_NO_ITEM;

	if (samples_at(s, BR_POINT_OUTSIDE) < 2 || samples_at(s, s->shape->n - 1) < 2)
		return reference(s);
	if (s->cfg.drifts && !last_was_reference(s))
		return reference(s);
	if (unsure != BR_NO_ITEM)
		return unsure;
	if (s->here == BR_NO_ITEM || barred(s, s->here) || s->nflying ||
	    fabs(below_item(s, s->here) - 0.5) > 0.5 - KNOWN)
		s->here = nearest(s, aim);
	if (s->here == BR_NO_ITEM)
		return reference(s);
	here = samples_at(s, s->here);
	count_sides(s, side);
	if (here >= side[0] && side[0] <= side[1])
		return BR_POINT_OUTSIDE;
	return here >= side[1] ? s->shape->n - 1 : s->here;
}

static enum br_answer_status status_of(const struct br_metric *s, enum br_reason *reason)
{
	br_metric_fit(s);
	*reason = BR_REASON_NONE;
	if (s->view->confidence >= enough(s) && s->n >= 4 && thin(s) == BR_NO_ITEM)
		return BR_ISOLATED;
	if (s->n <= 4 || (double)s->n <= PATIENCE * predicted(s) + 100)
		return BR_SEARCHING;
	*reason = BR_REASON_TOO_MANY_RUNS;
	return BR_NARROWED;
}

static size_t metric_propose(struct br_strategy *base, const uint64_t *near, size_t nnear,
			     struct br_probe *out, size_t max)
{
	struct br_metric *s = metric_of(base);
	struct br_ask ask = {
		.barred = s->barred, .bar = s->bar, .nbar = s->nbar, .near = near, .nnear = near ? nnear : 0};
	enum br_reason reason;
	size_t n = 0;

	max = max < MAX_PROPOSALS ? max : MAX_PROPOSALS;
	if (status_of(s, &reason) != BR_SEARCHING)
		return 0;
	ask.mass = s->view->mass;
	br_questions_build(&s->ask, &s->parts, &ask);
	while (n < max) {
		uint64_t item = choose(s, (double)(n + 1) / (double)(max + 1));

		br_grow(&s->flying, s->nflying, &s->flying_size);
		s->flying[s->nflying++] = item;
		out[n++] = (struct br_probe){.kind = BR_POINT, .point = item};
	}
	return n;
}

static bool known_point(const struct br_metric *s, const struct br_probe *probe)
{
	return probe->kind == BR_POINT && (probe->point < s->shape->n || probe->point == BR_POINT_OUTSIDE);
}

static void land(struct br_metric *s, uint64_t item)
{
	for (size_t i = 0; i < s->nflying; i++) {
		if (s->flying[i] != item)
			continue;
		memmove(s->flying + i, s->flying + i + 1, (s->nflying - i - 1) * sizeof *s->flying);
		s->nflying--;
		return;
	}
}

static void bar(struct br_metric *s, uint64_t item)
{
	if (item == BR_POINT_OUTSIDE || barred(s, item))
		return;
	if (s->barred)
		s->barred[item] = 1;
	br_grow(&s->bar, s->nbar, &s->bar_size);
	s->bar[s->nbar++] = item;
}

static void metric_observe(struct br_strategy *base, const struct br_probe *probe,
			   const struct br_verdict *verdict)
{
	struct br_metric *s = metric_of(base);
	double y;

	if (!known_point(s, probe))
		return;
	land(s, probe->point);
	s->view->stale = true;
	if (verdict->cls == BR_SKIP || !(verdict->value > 0) || !isfinite(verdict->value)) {
		bar(s, probe->point);
		return;
	}
	y = log(verdict->value);
	br_grow(&s->sample, s->n, &s->size);
	s->sample[s->n] = (struct br_sample){.time = probe->id ? probe->id : s->n,
					     .point = probe->point == BR_POINT_OUTSIDE
							      ? BR_METRIC_OUTSIDE
							      : br_parts_point(&s->parts, probe->point),
					     .y = s->cfg.higher_is_better ? -y : y};
	s->n++;
}

static void metric_forget(struct br_strategy *base, const struct br_probe *probe)
{
	if (known_point(metric_of(base), probe))
		land(metric_of(base), probe->point);
}

static bool metric_moot(const struct br_strategy *base, const struct br_probe *probe)
{
	const struct br_metric *s = metric_of_const(base);
	enum br_reason reason;

	return !known_point(s, probe) || status_of(s, &reason) != BR_SEARCHING;
}

/* Masses above which parts are in the set of this mass: the lowest density that is still in it. */
static double least_density(const struct br_metric *s, double mass)
{
	double least = INFINITY, sum = 0;

	while (sum < mass) {
		double next = 0;

		for (uint32_t k = 0; k < s->parts.npart; k++) {
			double density = s->view->mass[k] / s->parts.part[k].count;

			if (density < least && density > next)
				next = density;
		}
		if (!(next > 0))
			break;
		for (uint32_t k = 0; k < s->parts.npart; k++) {
			double density = s->view->mass[k] / s->parts.part[k].count;

			if (density < least && density >= next)
				sum += s->view->mass[k];
		}
		least = next;
	}
	return least;
}

static bool is_likely(const struct br_metric *s, uint32_t part, double least)
{
	return s->view->mass[part] / s->parts.part[part].count >= least;
}

static int rising(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void list_likely(const struct br_metric *s, struct br_answer *out)
{
	double least = least_density(s, LIKELY), n = 0;

	for (uint32_t k = 0; k < s->parts.npart; k++)
		if (is_likely(s, k, least))
			n += s->parts.part[k].count;
	out->left = n < 1e18 ? (uint64_t)n : UINT64_MAX;
	if (n > LISTED_WHILE_SEARCHING && (out->status == BR_SEARCHING || !s->parts.of))
		return;
	out->item = br_reallocarray(NULL, (size_t)n, sizeof *out->item);
	for (uint64_t i = 0; s->parts.of && i < s->shape->n; i++)
		if (s->parts.of[i] != BR_NO_PART && is_likely(s, s->parts.of[i], least))
			out->item[out->nitem++] = i;
	for (uint32_t k = 0; !s->parts.of && k < s->parts.npart; k++)
		for (uint64_t i = 0; is_likely(s, k, least) && i <= s->parts.part[k].hi - s->parts.part[k].lo;
		     i++)
			out->item[out->nitem++] = s->parts.part[k].lo + i;
	qsort(out->item, out->nitem, sizeof *out->item, rising);
}

static void metric_answer(const struct br_strategy *base, struct br_answer *out)
{
	const struct br_metric *s = metric_of_const(base);
	double left;

	memset(out, 0, sizeof *out);
	out->status = status_of(s, &out->reason);
	out->confidence = s->view->confidence;
	out->predicted = predicted(s);
	left = out->predicted - (double)s->n;
	out->probes_left = out->status != BR_SEARCHING ? 0 : left > 1 ? left : 1;
	if (out->status != BR_ISOLATED) {
		list_likely(s, out);
		return;
	}
	out->nitem = out->left = 1;
	out->item = br_malloc(sizeof *out->item);
	out->item[0] = s->parts.part[s->view->best].top_item;
}

const struct br_strategy_ops br_strategy_metric = {
	.name = "metric",
	.orders = BR_DAG | BR_CHAIN,
	.open = metric_open,
	.propose = metric_propose,
	.observe = metric_observe,
	.forget = metric_forget,
	.moot = metric_moot,
	.answer = metric_answer,
	.close = metric_close,
};
