/* prop_noisy.c - the posterior under verdicts that may be wrong, on random histories, against brute force. */
#include "bisect_run/noisy.h"
#include "dag_graph.h"
#include "search/noisy_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { GRAPHS = 150, MAX_ITEMS = 64, STEPS = 400 };

struct run {
	uint64_t item;
	bool failed;
};

static double chance(struct br_rand *r)
{
	return (double)(br_rand_next(r) >> 11) * 0x1p-53;
}

static struct br_noisy *open_noisy(const struct br_shape *shape, double confidence)
{
	struct br_strategy_cfg cfg = {.seed = 1, .confidence = confidence};
	struct br_strategy *s = NULL;

	assert_int_equal(br_strategy_noisy.open(&s, shape, &cfg, NULL), 0);
	return (struct br_noisy *)s;
}

static void feed(struct br_noisy *s, const struct run *run, size_t n)
{
	for (size_t i = 0; i < n; i++)
		tell(&s->base, run[i].item, run[i].failed ? BR_BAD : BR_GOOD);
}

static double item_mass(const struct br_noisy *s, uint64_t item)
{
	const struct br_parts *p = &s->parts;
	uint32_t k = 0;

	if (p->of) {
		if (p->of[item] == BR_NO_PART)
			return 0;
		k = p->of[item];
	} else {
		while (item < p->part[k].lo || item > p->part[k].hi)
			k++;
	}
	return s->division[k].mass * br_parts_prior(p, item) / p->part[k].prior;
}

/* P(X > Y), X ~ Beta(a+1/2, b+1/2), Y ~ Beta(c+1/2, d+1/2): both densities on a fine grid of arcs, where they are smooth. */
static double integrated_order(struct br_count bad, struct br_count good)
{
	enum { N = 4000 };
	double fx[N], fy[N], sx = 0, sy = 0, below = 0, sum = 0;

	for (int i = 0; i < N; i++) {
		double t = M_PI * (i + 0.5) / N, x = 0.5 * (1 - cos(t));

		fx[i] = exp(bad.fail * log(x) + bad.pass * log1p(-x));
		fy[i] = exp(good.fail * log(x) + good.pass * log1p(-x));
		sx += fx[i];
		sy += fy[i];
	}
	for (int i = 0; i < N; i++) {
		sum += fx[i] / sx * (below + 0.5 * fy[i] / sy);
		below += fy[i] / sy;
	}
	return sum;
}

/* ln likelihood of a division from its definition: every factor by its own lgamma. */
static double brute_side(struct br_count c)
{
	return lgamma(c.fail + 0.5) + lgamma(c.pass + 0.5) - lgamma(c.fail + c.pass + 1.0) - log(M_PI);
}

static double brute_weight(struct br_count bad, struct br_count good)
{
	struct br_rates t;
	double order, sum;

	br_rates_init(&t);
	order = br_rates_order(&t, bad, good);
	br_rates_done(&t);
	sum = 0.70 * exp(brute_side(bad) + brute_side(good)) * ((1 - 1e-4) * 2 * order + 1e-4);
	if (!good.fail)
		sum += 0.15 * exp(brute_side(bad)) + (bad.pass ? 0 : 0.15);
	return sum;
}

static double brute_posterior(const struct graph *g, const struct run *run, size_t n, double *mass)
{
	struct br_count all = {0, 0};
	double sum = 0, prior = 0, same;

	for (size_t i = 0; i < n; i++)
		*(run[i].failed ? &all.fail : &all.pass) += 1;
	for (uint32_t c = 0; c < g->n; c++)
		prior += g->weight ? (double)g->weight[c] : 1;
	for (uint32_t c = 0; c < g->n; c++) {
		struct br_count side[2] = {{0, 0}, {0, 0}};

		for (size_t i = 0; i < n; i++) {
			bool bad = run[i].item != BR_POINT_OUTSIDE && graph_has(g, run[i].item, c);

			*(run[i].failed ? &side[bad].fail : &side[bad].pass) += 1;
		}
		mass[c] = (g->weight ? (double)g->weight[c] : 1) / prior * brute_weight(side[1], side[0]);
		sum += mass[c];
	}
	same = exp(brute_side(all));
	sum += same;
	for (uint32_t c = 0; c < g->n; c++)
		mass[c] /= sum;
	return same / sum;
}

/* A random history with runs drawn at random items, some of them outside. */
static size_t random_runs(const struct graph *g, struct br_rand *r, struct run *run, size_t most)
{
	size_t n = br_rand_below(r, most) + 1;
	double good = chance(r) < 0.5 ? 0 : chance(r), bad = chance(r) < 0.3 ? 1 : chance(r);
	uint32_t culprit = (uint32_t)br_rand_below(r, g->n);

	for (size_t i = 0; i < n; i++) {
		uint64_t item = br_rand_below(r, g->n + 3);

		run[i].item = item < g->n ? item : BR_POINT_OUTSIDE;
		run[i].failed = chance(r) < (item < g->n && graph_has(g, item, culprit) ? bad : good);
	}
	return n;
}

static void random_noisy_graph(struct graph *g, struct br_rand *r)
{
	graph_random(g, r, 1 + (uint32_t)br_rand_below(r, MAX_ITEMS));
	graph_close(g);
	if (br_rand_below(r, 3))
		return;
	g->weight = br_calloc(g->n, sizeof *g->weight);
	for (uint32_t i = 0; i < g->n; i++)
		g->weight[i] = (float)br_rand_below(r, 4);
	g->weight[g->n - 1] = 1;
}

static void the_posterior_is_that_of_brute_force(void **state)
{
	struct br_rand r = {41};
	struct run run[120];
	double mass[MAX_ITEMS + 8];

	(void)state;
	for (int round = 0; round < GRAPHS; round++) {
		struct graph g;
		struct br_shape shape;
		struct br_noisy *s;
		double same;
		size_t n;

		random_noisy_graph(&g, &r);
		n = random_runs(&g, &r, run, 100);
		shape = graph_shape(&g);
		s = open_noisy(&shape, 0.99);
		feed(s, run, n);
		same = brute_posterior(&g, run, n, mass);
		assert_true(fabs(s->same - same) < 1e-9);
		for (uint32_t c = 0; c < g.n; c++)
			if (!(fabs(item_mass(s, c) - mass[c]) < 1e-9))
				fail_msg("round %d: P(%u) is %.12f, brute force says %.12f", round, c,
					 item_mass(s, c), mass[c]);
		s->base.ops->close(&s->base);
		graph_done(&g);
	}
}

static void the_chance_of_the_higher_rate_is_that_of_integration(void **state)
{
	struct br_rand r = {43};
	struct br_rates t;

	(void)state;
	br_rates_init(&t);
	for (int round = 0; round < 60; round++) {
		struct br_count bad = {(uint32_t)br_rand_below(&r, 12), (uint32_t)br_rand_below(&r, 12)};
		struct br_count good = {(uint32_t)br_rand_below(&r, 12), (uint32_t)br_rand_below(&r, 12)};

		assert_true(fabs(br_rates_order(&t, bad, good) - integrated_order(bad, good)) < 1e-6);
	}
	br_rates_done(&t);
}

static void a_line_and_a_chain_are_the_same(void **state)
{
	struct br_rand r = {47};
	struct run run[200];
	struct graph g;
	struct br_shape line, chain = {.order = BR_CHAIN, .n = 60};
	struct br_noisy *a, *b;

	(void)state;
	graph_line(&g, 60);
	graph_close(&g);
	line = graph_shape(&g);
	for (int round = 0; round < 30; round++) {
		size_t n = random_runs(&g, &r, run, 200);

		a = open_noisy(&line, 0.99);
		b = open_noisy(&chain, 0.99);
		feed(a, run, n);
		feed(b, run, n);
		for (uint32_t c = 0; c < g.n; c++)
			assert_true(fabs(item_mass(a, c) - item_mass(b, c)) < 1e-9);
		a->base.ops->close(&a->base);
		b->base.ops->close(&b->base);
	}
	graph_done(&g);
}

static void shuffle(struct br_rand *r, struct run *run, size_t n)
{
	for (size_t i = n; i > 1; i--) {
		size_t k = br_rand_below(r, i);
		struct run swap = run[i - 1];

		run[i - 1] = run[k];
		run[k] = swap;
	}
}

static void the_order_of_arrival_does_not_matter(void **state)
{
	struct br_rand r = {53};
	struct run run[STEPS];

	(void)state;
	for (int round = 0; round < GRAPHS / 3; round++) {
		struct br_answer x, y;
		struct br_noisy *a, *b;
		struct br_shape shape;
		struct graph g;
		size_t n;

		random_noisy_graph(&g, &r);
		n = random_runs(&g, &r, run, STEPS);
		shape = graph_shape(&g);
		a = open_noisy(&shape, 0.99);
		b = open_noisy(&shape, 0.99);
		feed(a, run, n);
		shuffle(&r, run, n);
		feed(b, run, n);
		for (uint32_t c = 0; c < g.n; c++)
			assert_true(fabs(item_mass(a, c) - item_mass(b, c)) < 1e-9);
		a->base.ops->answer(&a->base, &x);
		b->base.ops->answer(&b->base, &y);
		assert_int_equal(x.status, y.status);
		assert_int_equal(x.reason, y.reason);
		br_answer_done(&x);
		br_answer_done(&y);
		a->base.ops->close(&a->base);
		b->base.ops->close(&b->base);
		graph_done(&g);
	}
}

static void a_hundred_thousand_runs_leave_numbers(void **state)
{
	struct br_rand r = {59};
	struct br_noisy *s;
	struct br_shape shape;
	struct graph g;
	double sum;

	(void)state;
	graph_random(&g, &r, 10);
	graph_close(&g);
	shape = graph_shape(&g);
	s = open_noisy(&shape, 0.99);
	for (int i = 0; i < 100000; i++) {
		uint64_t item = br_rand_below(&r, g.n + 1);

		tell(&s->base, item < g.n ? item : BR_POINT_OUTSIDE,
		     chance(&r) < (item < g.n && graph_has(&g, item, 5) ? 0.3 : 0.2) ? BR_BAD : BR_GOOD);
		if (!(s->confidence >= 0 && s->confidence <= 1 + 1e-9))
			fail_msg("confidence is %g after %d runs", s->confidence, i + 1);
	}
	sum = s->same;
	for (uint32_t c = 0; c < g.n; c++)
		sum += item_mass(s, c);
	assert_true(fabs(sum - 1) < 1e-9);
	assert_true(item_mass(s, 5) > 0.999);
	s->base.ops->close(&s->base);
	graph_done(&g);
}

/* Answers probes; skip: items that cannot be run, or NULL. Returns the number of runs. */
static unsigned drive(struct br_noisy *s, const struct graph *g, uint32_t culprit, const double rate[2],
		      const uint8_t *skip, size_t batch, struct br_rand *r)
{
	struct br_probe p[16];
	struct br_answer a;
	unsigned runs = 0;

	for (;;) {
		uint64_t near = runs ? p[0].point : BR_POINT_OUTSIDE;
		bool over;
		size_t n;

		s->base.ops->answer(&s->base, &a);
		over = a.status != BR_SEARCHING;
		br_answer_done(&a);
		if (over)
			return runs;
		n = s->base.ops->propose(&s->base, &near, 1, p, batch);
		assert_true(n > 0 && n <= batch);
		for (size_t i = 0; i < n; i++, runs++) {
			uint64_t x = p[i].point;
			bool bad = x != BR_POINT_OUTSIDE && graph_has(g, x, culprit);

			assert_true(x == BR_POINT_OUTSIDE || x < g->n);
			assert_false(x != BR_POINT_OUTSIDE && skip && skip[x] == 2);
			if (x != BR_POINT_OUTSIDE && skip && skip[x]) {
				tell(&s->base, x, BR_SKIP);
				for (size_t k = i + 1; k < n && p[k].point != x; k++)
					assert_true(p[k].point < g->n || p[k].point == BR_POINT_OUTSIDE);
				continue;
			}
			tell(&s->base, x, chance(r) < rate[bad] ? BR_BAD : BR_GOOD);
		}
		assert_true(runs < 100000);
	}
}

static void named_culprits_are_right_as_often_as_claimed(void **state)
{
	const double rate[2] = {0.05, 0.7};
	struct br_rand r = {61};
	unsigned named = 0, right = 0, rounds = 200;

	(void)state;
	for (unsigned round = 0; round < rounds; round++) {
		struct br_answer a;
		struct br_noisy *s;
		struct br_shape shape;
		struct graph g;
		uint32_t culprit;

		graph_random(&g, &r, 2 + (uint32_t)br_rand_below(&r, 200));
		graph_close(&g);
		culprit = (uint32_t)br_rand_below(&r, g.n);
		shape = graph_shape(&g);
		s = open_noisy(&shape, 0.9);
		drive(s, &g, culprit, rate, NULL, 1 + round % 4, &r);
		s->base.ops->answer(&s->base, &a);
		named += a.status == BR_ISOLATED;
		right += a.status == BR_ISOLATED && a.item[0] == culprit;
		br_answer_done(&a);
		s->base.ops->close(&s->base);
		graph_done(&g);
	}
	assert_true(named > 0.9 * rounds);
	assert_true(right > 0.86 * named);
}

static void skipped_items_are_not_proposed_again_and_end_the_search(void **state)
{
	const double rate[2] = {0, 0.8};
	struct br_rand r = {67};

	(void)state;
	for (unsigned round = 0; round < 40; round++) {
		uint8_t skip[40] = {0};
		struct br_answer a;
		struct br_noisy *s;
		struct br_shape shape;
		struct graph g;
		bool found = false;

		graph_line(&g, 40);
		graph_close(&g);
		for (uint32_t i = 15; i < 20; i++)
			skip[i] = 1;
		shape = graph_shape(&g);
		s = open_noisy(&shape, 0.95);
		drive(s, &g, 17, rate, skip, 1, &r);
		s->base.ops->answer(&s->base, &a);
		assert_int_equal(a.status, BR_NARROWED);
		if (a.reason == BR_REASON_UNTESTABLE) {
			assert_int_equal(a.nitem, 6);
			assert_int_equal(a.item[0], 15);
		}
		for (uint64_t i = 0; i < a.nitem; i++)
			found |= a.item[i] == 17;
		assert_true(found || a.reason != BR_REASON_UNTESTABLE);
		br_answer_done(&a);
		s->base.ops->close(&s->base);
		graph_done(&g);
	}
}

static void ends_that_do_not_differ_name_nobody(void **state)
{
	const double rate[2] = {0.4, 0.4};
	struct br_rand r = {71};
	unsigned named = 0;

	(void)state;
	for (unsigned round = 0; round < 60; round++) {
		struct br_noisy *s;
		struct br_shape shape;
		struct graph g;

		graph_line(&g, 100);
		graph_close(&g);
		shape = graph_shape(&g);
		s = open_noisy(&shape, 0.95);
		for (int i = 0; i < 6; i++)
			tell(&s->base, i % 2 ? 99 : BR_POINT_OUTSIDE,
			     chance(&r) < rate[0] ? BR_BAD : BR_GOOD);
		br_noisy_begin(&s->base);
		drive(s, &g, 50, rate, NULL, 1, &r);
		named += s->status == BR_ISOLATED;
		s->base.ops->close(&s->base);
		graph_done(&g);
	}
	if (named > 3)
		fail_msg("%u of 60 named", named);
}

static void passes_in_a_row_exclude_a_rate(void **state)
{
	(void)state;
	assert_int_equal(br_noisy_runs_to_exclude(0.1), 29);
	assert_true(br_noisy_excluded_rate(29) <= 0.1);
	assert_true(br_noisy_excluded_rate(28) > 0.1);
	assert_true(br_noisy_excluded_rate(0) >= 1);
}

static void ends_are_told_apart_or_refused(void **state)
{
	struct br_tally none = {0, 0}, always = {8, 8}, never = {8, 0}, much = {200, 0};

	(void)state;
	assert_int_equal(br_ends_judge(none, none, 59), BR_ENDS_RUN_BAD);
	assert_int_equal(br_ends_judge(always, never, 59), BR_ENDS_DIFFER);
	assert_int_equal(br_ends_judge(never, always, 59), BR_ENDS_SWAPPED);
	assert_int_equal(br_ends_judge(much, much, 59), BR_ENDS_SAME);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_posterior_is_that_of_brute_force),
		cmocka_unit_test(the_chance_of_the_higher_rate_is_that_of_integration),
		cmocka_unit_test(a_line_and_a_chain_are_the_same),
		cmocka_unit_test(the_order_of_arrival_does_not_matter),
		cmocka_unit_test(a_hundred_thousand_runs_leave_numbers),
		cmocka_unit_test(named_culprits_are_right_as_often_as_claimed),
		cmocka_unit_test(skipped_items_are_not_proposed_again_and_end_the_search),
		cmocka_unit_test(ends_that_do_not_differ_name_nobody),
		cmocka_unit_test(passes_in_a_row_exclude_a_rate),
		cmocka_unit_test(ends_are_told_apart_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
