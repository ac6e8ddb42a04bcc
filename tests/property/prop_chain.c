/* prop_chain.c - the search on a line against the answer that is known beforehand. */
#include "base/rand.h"
#include "bisect_run/strategy.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

struct line {
	uint64_t n, culprit;
	bool *untestable; /* n, or NULL */
};

static struct br_verdict verdict_at(const struct line *l, uint64_t p)
{
	assert_true(p + 1 < l->n); /* the bad end is known and never asked */
	if (l->untestable && l->untestable[p])
		return (struct br_verdict){.cls = BR_SKIP};
	return (struct br_verdict){.cls = p >= l->culprit ? BR_BAD : BR_GOOD};
}

/* Runs to the end with up to `jobs` in flight, answered in an order drawn from rng. Returns the number of answered probes. */
static unsigned run(const struct line *l, bool exhaust, size_t jobs, struct br_rand *rng,
		    struct br_answer *out)
{
	const struct br_shape shape = {.order = BR_CHAIN, .n = l->n};
	const struct br_strategy_cfg cfg = {.exhaust = exhaust};
	struct br_strategy *s;
	struct br_probe flying[16];
	size_t n = 0;
	unsigned asked = 0;

	assert_int_equal(br_strategy_chain.open(&s, &shape, &cfg, NULL), 0);
	for (;;) {
		struct br_verdict v;
		size_t i;

		s->ops->answer(s, out);
		if (out->status != BR_SEARCHING)
			break;
		br_answer_done(out);
		for (i = 0; i < n;) {
			if (!s->ops->moot(s, &flying[i])) {
				i++;
				continue;
			}
			s->ops->forget(s, &flying[i]);
			flying[i] = flying[--n];
		}
		n += s->ops->propose(s, NULL, 0, flying + n, jobs - n);
		assert_true(n > 0);
		i = (size_t)br_rand_below(rng, n);
		v = verdict_at(l, flying[i].point);
		s->ops->observe(s, &flying[i], &v);
		flying[i] = flying[--n];
		asked++;
	}
	s->ops->close(s);
	return asked;
}

static void test_without_skips_the_first_bad_item_is_found_in_log2_n_tests(void **state)
{
	struct br_rand rng;

	(void)state;
	rng = (struct br_rand){1};
	for (uint64_t n = 1; n <= 130; n++)
		for (uint64_t c = 0; c < n; c++) {
			const struct line l = {.n = n, .culprit = c};
			struct br_answer a;
			unsigned asked = run(&l, false, 1, &rng, &a);

			assert_int_equal(a.status, BR_ISOLATED);
			assert_int_equal(a.item[0], c);
			assert_true(asked <= (unsigned)ceil(log2((double)n)));
			br_answer_done(&a);
		}
}

static void test_a_line_of_2_to_the_62_costs_62_tests(void **state)
{
	struct br_rand rng;

	(void)state;
	rng = (struct br_rand){2};
	for (int i = 0; i < 200; i++) {
		const struct line l = {.n = UINT64_C(1) << 62,
				       .culprit = br_rand_below(&rng, UINT64_C(1) << 62)};
		struct br_answer a;

		assert_true(run(&l, false, 1, &rng, &a) <= 62);
		assert_int_equal(a.item[0], l.culprit);
		br_answer_done(&a);
	}
}

/* The stretch that no test can tell apart: from after the last testable good one to the first testable bad one. */
static void indistinguishable(const struct line *l, uint64_t *from, uint64_t *to)
{
	*from = l->culprit;
	while (*from > 0 && l->untestable[*from - 1])
		--*from;
	*to = l->culprit;
	while (*to + 1 < l->n && l->untestable[*to])
		++*to;
}

static void test_with_skips_the_answer_is_what_no_test_can_tell_apart(void **state)
{
	struct br_rand rng;

	(void)state;
	rng = (struct br_rand){3};
	for (int round = 0; round < 20000; round++) {
		struct line l = {.n = 1 + br_rand_below(&rng, 40)};
		size_t jobs = 1 + (size_t)br_rand_below(&rng, 8);
		bool exhaust = br_rand_below(&rng, 2);
		uint64_t rate = br_rand_below(&rng, 10), from, to;
		struct br_answer a;
		bool untestable[40];

		l.culprit = br_rand_below(&rng, l.n);
		l.untestable = untestable;
		for (uint64_t i = 0; i < l.n; i++)
			untestable[i] = br_rand_below(&rng, 10) < rate;
		(void)run(&l, exhaust, jobs, &rng, &a);
		indistinguishable(&l, &from, &to);
		assert_true(a.item[0] <= from && a.item[a.nitem - 1] >= to);
		assert_int_equal(a.status, a.nitem == 1 ? BR_ISOLATED : BR_NARROWED);
		if (exhaust) {
			assert_int_equal(a.item[0], from);
			assert_int_equal(a.item[a.nitem - 1], to);
			assert_int_equal(a.assumed, 0);
		}
		br_answer_done(&a);
	}
}

static void test_a_band_costs_its_edges_not_its_length(void **state)
{
	struct br_rand rng;
	bool *untestable = calloc(1u << 20, 1);
	struct line l = {.n = 1u << 20, .culprit = 400000, .untestable = untestable};
	struct br_answer a;

	(void)state;
	rng = (struct br_rand){4};
	for (size_t i = 300000; i < 700000; i++)
		untestable[i] = true;
	assert_true(run(&l, false, 1, &rng, &a) <= 45);
	assert_int_equal(a.status, BR_NARROWED);
	assert_int_equal(a.item[0], 300000);
	assert_int_equal(a.left, 400001);
	br_answer_done(&a);
	free(untestable);
}

static void test_answers_that_exclude_each_other_are_said(void **state)
{
	const struct br_shape shape = {.order = BR_CHAIN, .n = 10};
	const struct br_strategy_cfg cfg = {0};
	const struct br_verdict good = {.cls = BR_GOOD}, bad = {.cls = BR_BAD};
	struct br_strategy *s;
	struct br_answer a;

	(void)state;
	assert_int_equal(br_strategy_chain.open(&s, &shape, &cfg, NULL), 0);
	s->ops->observe(s, &(struct br_probe){.point = 5}, &good);
	s->ops->observe(s, &(struct br_probe){.point = 3}, &bad);
	s->ops->answer(s, &a);
	assert_int_equal(a.status, BR_CONTRADICTION);
	br_answer_done(&a);
	s->ops->close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_skips_the_first_bad_item_is_found_in_log2_n_tests),
		cmocka_unit_test(test_a_line_of_2_to_the_62_costs_62_tests),
		cmocka_unit_test(test_with_skips_the_answer_is_what_no_test_can_tell_apart),
		cmocka_unit_test(test_a_band_costs_its_edges_not_its_length),
		cmocka_unit_test(test_answers_that_exclude_each_other_are_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
