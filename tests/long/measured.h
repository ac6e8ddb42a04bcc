/* measured.h - searches for a change of a measured value that is drawn from a seed. */
#ifndef BR_TESTS_MEASURED_H
#define BR_TESTS_MEASURED_H

#include "bisect_run/metric.h"
#include "bisect_run/strategy.h"

#include "base/mem.h"
#include "base/rand.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum noise { NORMAL, BIMODAL, SPIKES, DRIFT, LAYOUT, STUDENT, SKEWED, LAPLACE, TICKS };

struct bench {
	const struct br_shape *shape;
	double sd, effect; /* of one run, as shares; effect 0: no regression */
	enum noise noise;
	double confidence, build_sd, threshold;
	bool drifts;
	unsigned searches;
};

struct results {
	double runs, ends, items;
	unsigned searches, right, wrong, narrowed, refused;
};

struct trial_run {
	const struct bench *b;
	struct br_rand r;
	uint64_t culprit, last, clock;
	double drift;
	unsigned runs;
	struct br_strategy *s;
};

static inline double draw(struct br_rand *r)
{
	return ((double)(br_rand_next(r) >> 11) + 0.5) * 0x1p-53;
}

static inline double normal(struct br_rand *r)
{
	return sqrt(-2 * log(draw(r))) * cos(2 * M_PI * draw(r));
}

/* An offset that belongs to the item: where its build was laid out. */
static inline double layout_of(uint64_t item, uint64_t seed)
{
	struct br_rand r = {seed ^ (item * 0x9e3779b97f4a7c15u)};

	(void)br_rand_next(&r);
	return normal(&r);
}

static inline double measure(struct trial_run *t, uint64_t item)
{
	const struct bench *b = t->b;
	bool bad = item != BR_POINT_OUTSIDE && item >= t->culprit;
	double y = bad ? log1p(b->effect) : 0, chi = 0;

	switch (b->noise) {
	case NORMAL:
		break;
	case BIMODAL:
		y += draw(&t->r) < 0.25 ? log1p(0.08) : 0;
		break;
	case SPIKES:
		y += draw(&t->r) < 0.05 ? log1p(-0.2 * log(draw(&t->r))) : 0;
		break;
	case DRIFT:
		t->drift = exp(-1 / 60.0) * t->drift + 0.03 * sqrt(1 - exp(-2 / 60.0)) * normal(&t->r);
		y += t->drift;
		break;
	case LAYOUT:
		y += 0.005 * layout_of(item, t->culprit);
		break;
	case STUDENT:
		for (int i = 0; i < 3; i++)
			chi += pow(normal(&t->r), 2);
		return exp(y + b->sd * normal(&t->r) / sqrt(chi / 3));
	case LAPLACE:
		return exp(y + b->sd / M_SQRT2 * log(draw(&t->r) / draw(&t->r)));
	case TICKS: /* a clock that counts in steps of half a standard deviation's size */
		return round(exp(y + b->sd * normal(&t->r)) / (b->sd / 2)) * (b->sd / 2);
	case SKEWED:
		return exp(y - b->sd * log(draw(&t->r)));
	}
	return exp(y + b->sd * normal(&t->r));
}

static inline double run_once(struct trial_run *t, uint64_t item)
{
	struct br_probe p = {.kind = BR_POINT, .point = item, .id = ++t->clock};
	struct br_verdict v = {.cls = BR_GOOD, .value = measure(t, item)};

	t->runs++;
	t->s->ops->observe(t->s, &p, &v);
	return v.value;
}

static inline enum br_metric_ends measure_ends(struct trial_run *t, double *sd)
{
	const struct br_metric_ends_cfg cfg = {.threshold = t->b->threshold, .drifts = t->b->drifts};
	struct br_metric_ends_result res;
	enum br_metric_ends e = BR_METRIC_MORE;
	double good[700], bad[700];
	uint64_t end = t->b->shape->n - 1;
	size_t n = 0;

	while (e == BR_METRIC_MORE) {
		if (n % 2)
			bad[n] = run_once(t, end);
		good[n] = run_once(t, BR_POINT_OUTSIDE);
		if (n % 2 == 0)
			bad[n] = run_once(t, end);
		e = br_metric_ends_judge(good, bad, ++n, &cfg, &res);
	}
	*sd = res.effect_sd;
	return e;
}

static inline void one_measured(const struct bench *b, uint64_t seed, struct results *out)
{
	struct trial_run t = {.b = b, .r = {seed}};
	struct br_strategy_cfg cfg = {
		.seed = seed, .confidence = b->confidence, .drifts = b->drifts, .build_sd = b->build_sd};
	struct br_answer a = {.status = BR_SEARCHING};
	struct br_probe p;
	double sd;

	t.culprit = br_rand_below(&t.r, b->shape->n);
	t.drift = 0.03 * normal(&t.r);
	if (br_strategy_metric.open(&t.s, b->shape, &cfg, NULL))
		abort();
	out->searches++;
	if (measure_ends(&t, &sd) != BR_METRIC_DIFFER) {
		out->refused++;
	} else {
		out->ends += t.runs;
		while (t.s->ops->propose(t.s, NULL, 0, &p, 1))
			run_once(&t, p.point);
		t.s->ops->answer(t.s, &a);
		if (a.status != BR_ISOLATED)
			out->narrowed++;
		else if (b->effect > 0 && a.item[0] == t.culprit)
			out->right++;
		else
			out->wrong++;
	}
	out->runs += t.runs;
	br_answer_done(&a);
	t.s->ops->close(t.s);
}

struct bench_share {
	const struct bench *b;
	uint64_t seed;
	unsigned first;
	struct results r;
};

static inline void *bench_work(void *arg)
{
	struct bench_share *s = arg;

	for (unsigned i = s->first; i < s->b->searches; i += 2)
		one_measured(s->b, (s->seed + i) * 0x9e3779b97f4a7c15u, &s->r);
	return NULL;
}

static inline struct results many_measured(const struct bench *b, uint64_t seed)
{
	struct bench_share s[2] = {{.b = b, .seed = seed, .first = 0}, {.b = b, .seed = seed, .first = 1}};
	struct results all;
	pthread_t id[2];

	memset(&all, 0, sizeof all);
	for (int k = 0; k < 2; k++)
		if (pthread_create(&id[k], NULL, bench_work, &s[k]))
			abort();
	for (int k = 0; k < 2; k++) {
		pthread_join(id[k], NULL);
		all.runs += s[k].r.runs;
		all.ends += s[k].r.ends;
		all.searches += s[k].r.searches;
		all.right += s[k].r.right;
		all.wrong += s[k].r.wrong;
		all.narrowed += s[k].r.narrowed;
		all.refused += s[k].r.refused;
	}
	return all;
}

#endif
