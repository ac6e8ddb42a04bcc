/* prop_metric.c - the search for a change of level: the posterior against its formula, order of arrival, numbers for ever. */
#include "bisect_run/metric.h"
#include "dag_graph.h"
#include "search/metric_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { GRAPHS = 120, MAX_ITEMS = 64 };

struct value {
	uint64_t item;
	double y; /* ln of what was measured */
};

static double chance(struct br_rand *r)
{
	return ((double)(br_rand_next(r) >> 11) + 0.5) * 0x1p-53;
}

static double normal(struct br_rand *r)
{
	return sqrt(-2 * log(chance(r))) * cos(2 * M_PI * chance(r));
}

static struct br_metric *open_metric(const struct br_shape *shape)
{
	struct br_strategy_cfg cfg = {.seed = 1, .confidence = 0.99};
	struct br_strategy *s = NULL;

	assert_int_equal(br_strategy_metric.open(&s, shape, &cfg, NULL), 0);
	return (struct br_metric *)s;
}

static void measure(struct br_metric *s, uint64_t id, uint64_t item, double value)
{
	struct br_probe p = {.kind = BR_POINT, .point = item, .id = id};
	struct br_verdict v = {.cls = BR_GOOD, .value = value};

	s->base.ops->observe(&s->base, &p, &v);
}

static double item_mass(const struct br_metric *s, uint64_t item)
{
	uint32_t k = s->parts.of[item];

	if (k == BR_NO_PART)
		return 0;
	return s->view->mass[k] * br_parts_prior(&s->parts, item) / s->parts.part[k].prior;
}

/* The posterior from its formula. No value may be so wild that it would be drawn in: noise is uniform. */
static void brute(const struct graph *g, const struct value *v, size_t n, double *mass)
{
	double log_weight[MAX_ITEMS + 8], most = -INFINITY, sum = 0;

	for (uint32_t c = 0; c < g->n; c++) {
		double count[2] = {0, 0}, mean[2] = {0, 0}, sse = (double)n * 1e-14;

		for (int pass = 0; pass < 2; pass++)
			for (size_t i = 0; i < n; i++) {
				bool bad = v[i].item != BR_POINT_OUTSIDE && graph_has(g, v[i].item, c);

				if (pass == 0) {
					count[bad] += 1;
					mean[bad] += (v[i].y - mean[bad]) / count[bad];
				} else {
					sse += (v[i].y - mean[bad]) * (v[i].y - mean[bad]);
				}
			}
		log_weight[c] = -0.5 * log(count[0] * count[1]) - 0.5 * ((double)n - 2) * log(sse) -
				(mean[1] < mean[0] ? 8 : 0);
		most = fmax(most, log_weight[c]);
	}
	for (uint32_t c = 0; c < g->n; c++) {
		mass[c] = exp(log_weight[c] - most);
		sum += mass[c];
	}
	for (uint32_t c = 0; c < g->n; c++)
		mass[c] /= sum;
}

static size_t random_values(const struct graph *g, struct br_rand *r, struct value *v, size_t most)
{
	size_t n = 20 + br_rand_below(r, most - 20);
	uint32_t culprit = (uint32_t)br_rand_below(r, g->n);

	for (size_t i = 0; i < n; i++) {
		uint64_t item = i < 8 ? (i % 2 ? g->n - 1 : BR_POINT_OUTSIDE) : br_rand_below(r, g->n);
		bool bad = item != BR_POINT_OUTSIDE && graph_has(g, item, culprit);

		v[i] = (struct value){item, 1 + (bad ? 0.02 : 0) + 0.01 * chance(r)};
	}
	return n;
}

static void the_posterior_is_that_of_brute_force(void **state)
{
	struct br_rand r = {73};
	struct value v[100];
	double mass[MAX_ITEMS + 8];
	int light = 0; /* rounds whose noise was not taken for heavy-tailed, which has another formula */

	(void)state;
	for (int round = 0; round < GRAPHS; round++) {
		struct br_shape shape;
		struct br_metric *s;
		struct graph g;
		size_t n;

		graph_random(&g, &r, 2 + (uint32_t)br_rand_below(&r, MAX_ITEMS - 2));
		graph_close(&g);
		n = random_values(&g, &r, v, 100);
		shape = graph_shape(&g);
		s = open_metric(&shape);
		for (size_t i = 0; i < n; i++)
			measure(s, i + 1, v[i].item, exp(v[i].y));
		br_metric_fit(s);
		brute(&g, v, n, mass);
		light += !s->view->heavy;
		for (uint32_t c = 0; c < g.n; c++)
			if (!s->view->heavy && !(fabs(item_mass(s, c) - mass[c]) < 1e-9))
				fail_msg("round %d: P(%u) is %.12f, brute force says %.12f", round, c,
					 item_mass(s, c), mass[c]);
		s->base.ops->close(&s->base);
		graph_done(&g);
	}
	assert_true(light > GRAPHS / 2);
}

static void the_order_of_arrival_does_not_matter(void **state)
{
	struct br_rand r = {79};

	(void)state;
	for (int round = 0; round < 30; round++) {
		struct br_metric *a, *b;
		struct br_shape shape;
		struct graph g;
		struct value v[200];
		size_t n;

		graph_random(&g, &r, 50);
		graph_close(&g);
		n = random_values(&g, &r, v, 200);
		for (size_t i = 0; i < n; i++)
			v[i].y += chance(&r) < 0.1 ? 0.2 * chance(&r) : 0;
		shape = graph_shape(&g);
		a = open_metric(&shape);
		b = open_metric(&shape);
		for (size_t i = 0; i < n; i++) {
			measure(a, i + 1, v[i].item, exp(v[i].y));
			measure(b, n - i, v[n - 1 - i].item, exp(v[n - 1 - i].y));
		}
		br_metric_fit(a);
		br_metric_fit(b);
		for (uint32_t c = 0; c < g.n; c++)
			assert_true(fabs(item_mass(a, c) - item_mass(b, c)) < 1e-9);
		a->base.ops->close(&a->base);
		b->base.ops->close(&b->base);
		graph_done(&g);
	}
}

static void a_hundred_thousand_values_leave_numbers(void **state)
{
	struct br_rand r = {83};
	struct br_shape shape;
	struct br_metric *s;
	struct graph g;

	(void)state;
	graph_random(&g, &r, 40);
	graph_close(&g);
	shape = graph_shape(&g);
	s = open_metric(&shape);
	for (int i = 0; i < 100000; i++) {
		uint64_t item = br_rand_below(&r, g.n + 1);
		bool bad = item < g.n && graph_has(&g, item, 9);

		measure(s, (uint64_t)i + 1, item < g.n ? item : BR_POINT_OUTSIDE,
			exp((bad ? 0.01 : 0) + 0.02 * normal(&r)));
		if (i % 5000 == 4999) {
			br_metric_fit(s);
			assert_true(s->view->confidence >= 0 && s->view->confidence <= 1 + 1e-9);
		}
	}
	br_metric_fit(s);
	assert_true(item_mass(s, 9) > 0.999);
	s->base.ops->close(&s->base);
	graph_done(&g);
}

static void equal_values_and_none_do_no_harm(void **state)
{
	struct br_verdict skip = {.cls = BR_SKIP, .value = NAN};
	struct br_probe p = {.kind = BR_POINT, .point = 3};
	struct br_shape shape = {.order = BR_CHAIN, .n = 10};
	struct br_metric *s = open_metric(&shape);
	struct br_answer a;

	(void)state;
	s->base.ops->observe(&s->base, &p, &skip);
	for (uint64_t i = 0; i < 40; i++) {
		measure(s, i + 1, i % 2 ? 9 : BR_POINT_OUTSIDE, 1000);
		measure(s, i + 100, i % 2 ? 8 : 4, i % 2 ? INFINITY : -1);
		s->base.ops->answer(&s->base, &a);
		assert_true(isfinite(a.confidence));
		br_answer_done(&a);
	}
	assert_int_equal(s->n, 40);
	s->base.ops->close(&s->base);
}

/* An exactly repeatable count: every item is run as often as a claim wants, no more. */
static void a_count_without_noise_is_found_on_a_graph(void **state)
{
	struct br_rand r = {89};

	(void)state;
	for (int round = 0; round < 40; round++) {
		struct br_shape shape;
		struct br_metric *s;
		struct br_answer a;
		struct br_probe p;
		struct graph g;
		uint32_t culprit, runs = 0;

		graph_random(&g, &r, 2 + (uint32_t)br_rand_below(&r, 300));
		graph_close(&g);
		culprit = (uint32_t)br_rand_below(&r, g.n);
		shape = graph_shape(&g);
		s = open_metric(&shape);
		while (s->base.ops->propose(&s->base, NULL, 0, &p, 1)) {
			bool bad = p.point != BR_POINT_OUTSIDE && graph_has(&g, p.point, culprit);

			measure(s, ++runs, p.point, bad ? 1010 : 1000);
			assert_true(runs < 400);
		}
		s->base.ops->answer(&s->base, &a);
		if (a.status != BR_ISOLATED || a.item[0] != culprit)
			fail_msg("%u items, culprit %u: status %d, %g sure of %u after %u runs, here %u, "
				 "levels %g %g sd %g",
				 g.n, culprit, a.status, a.confidence,
				 (unsigned)s->parts.part[s->view->best].top_item, runs, (unsigned)s->here,
				 s->view->good, s->view->bad, s->view->sd);
		br_answer_done(&a);
		s->base.ops->close(&s->base);
		graph_done(&g);
	}
}

static void ends_are_told_apart_refused_or_swapped(void **state)
{
	const struct br_metric_ends_cfg cfg = {.threshold = 0.013};
	struct br_metric_ends_result res;
	double good[300], bad[300];
	struct br_rand r = {97};
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < 300; i++) {
		good[i] = exp(0.01 * normal(&r));
		bad[i] = exp(0.01 * normal(&r));
	}
	while (br_metric_ends_judge(good, bad, n, &cfg, &res) == BR_METRIC_MORE)
		n++;
	assert_int_equal(br_metric_ends_judge(good, bad, n, &cfg, &res), BR_METRIC_SAME);
	assert_true(n < 100 && res.at_most < 0.013);
	for (size_t i = 0; i < 300; i++)
		bad[i] *= 1.05;
	assert_int_equal(br_metric_ends_judge(good, bad, 8, &cfg, &res), BR_METRIC_DIFFER);
	assert_true(fabs(res.change - 0.05) < 0.02 && res.effect_sd > 2);
	assert_int_equal(br_metric_ends_judge(bad, good, 8, &cfg, &res), BR_METRIC_SWAPPED);
}

static void medians_intervals_and_what_is_left(void **state)
{
	const double value[] = {5, 1, 4, 2, 3};
	struct br_metric_sample m;
	struct br_metric_rest rest;

	(void)state;
	br_metric_sample_of(value, 5, &m);
	assert_true(fabs(m.median - 3) < 1e-12 && m.low <= 2 && m.high >= 4);
	br_metric_sample_of(value, 0, &m);
	assert_true(isnan(m.median));
	br_metric_rest(100, 110, 121, 133.1, &rest);
	assert_true(fabs(rest.at - 1.0 / 3) < 1e-9 && fabs(rest.before - 1.0 / 3) < 1e-9 &&
		    fabs(rest.after - 1.0 / 3) < 1e-9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_posterior_is_that_of_brute_force),
		cmocka_unit_test(the_order_of_arrival_does_not_matter),
		cmocka_unit_test(a_hundred_thousand_values_leave_numbers),
		cmocka_unit_test(equal_values_and_none_do_no_harm),
		cmocka_unit_test(a_count_without_noise_is_found_on_a_graph),
		cmocka_unit_test(ends_are_told_apart_refused_or_swapped),
		cmocka_unit_test(medians_intervals_and_what_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
