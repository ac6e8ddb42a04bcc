/* prop_subset.c - the search for a smallest set: against brute force on small sets, and its counts of runs on large ones. */
#include "subset_run.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

enum { PREDICATES = 10000, SMALL = 12, SEEDS = 11 };

/* ---- any predicate on at most 12 items, as a table ---- */

struct table {
	uint32_t n;
	uint8_t cls[1u << SMALL];
};

static uint32_t mask_of(const bool *in, uint32_t n)
{
	uint32_t mask = 0;

	for (uint32_t i = 0; i < n; i++)
		mask |= (uint32_t)in[i] << i;
	return mask;
}

static enum br_class look_up(const void *context, const bool *in, uint32_t n)
{
	const struct table *t = context;

	return (enum br_class)t->cls[mask_of(in, n)];
}

static void close_upwards(struct table *t)
{
	for (uint32_t m = 0; m < 1u << t->n; m++)
		for (uint32_t i = 0; t->cls[m] == BR_BAD && i < t->n; i++)
			t->cls[m | 1u << i] = BR_BAD;
}

/* Each with a density of its own; every second one is monotone, every third has unresolved sets. */
static void random_table(struct table *t, struct br_rand *r, unsigned turn)
{
	uint64_t bad = turn % 2 ? br_rand_below(r, 100) : br_rand_below(r, 4);

	t->n = 1 + (uint32_t)br_rand_below(r, SMALL);
	for (uint32_t m = 0; m < 1u << t->n; m++) {
		t->cls[m] = br_rand_below(r, 100) < bad ? BR_BAD : BR_GOOD;
		if (turn % 3 == 0 && t->cls[m] == BR_GOOD && br_rand_below(r, 2))
			t->cls[m] = BR_SKIP;
	}
	t->cls[(1u << t->n) - 1] = BR_BAD;
	if (turn % 2 == 0)
		close_upwards(t);
}

static uint32_t answer_mask(const struct br_answer *a)
{
	uint32_t mask = 0;

	for (uint64_t i = 0; i < a->nitem; i++)
		mask |= 1u << a->item[i];
	return mask;
}

static bool was_seen_to_fail(const struct subset_log *log, const struct table *t, uint32_t mask)
{
	if (mask == (1u << t->n) - 1)
		return true;
	for (size_t i = 0; i < log->n; i++) {
		const struct br_probe *p = &log->trial[i].probe;
		uint32_t m = 0;

		for (uint32_t k = 0; k < p->nkeep; k++)
			m |= 1u << p->keep[k];
		if (m == mask && log->trial[i].cls == BR_BAD)
			return true;
	}
	return false;
}

static void assert_minimal(const struct subset_log *log, const struct table *t)
{
	uint32_t mask = answer_mask(&log->answer);

	assert_int_equal(log->answer.status, BR_ISOLATED);
	assert_true(was_seen_to_fail(log, t, mask));
	for (uint32_t i = 0; i < t->n; i++)
		if (mask & 1u << i)
			assert_int_not_equal(t->cls[mask & ~(1u << i)], BR_BAD);
}

static void assert_no_set_twice(const struct subset_log *log)
{
	for (size_t i = 0; i < log->n; i++)
		for (size_t k = 0; k < i; k++) {
			const struct br_probe *x = &log->trial[i].probe, *y = &log->trial[k].probe;

			assert_false(x->nkeep == y->nkeep &&
				     memcmp(x->keep, y->keep, x->nkeep * sizeof *x->keep) == 0);
		}
}

static void assert_same_answer(const struct br_answer *x, const struct br_answer *y)
{
	assert_int_equal(x->status, y->status);
	assert_int_equal(x->nitem, y->nitem);
	assert_memory_equal(x->item, y->item, x->nitem * sizeof *x->item);
}

static void an_answer_is_minimal_and_was_seen(void **state)
{
	struct br_rand r = {.state = 7};
	static struct table t;

	(void)state;
	for (unsigned i = 0; i < PREDICATES; i++) {
		struct subset_log log;

		random_table(&t, &r, i);
		subset_serial(&log, &(struct subset_case){t.n, look_up, &t, false, false, NULL});
		assert_minimal(&log, &t);
		assert_no_set_twice(&log);
		subset_log_done(&log);
	}
}

static void workers_in_any_order_find_what_one_finds(void **state)
{
	struct br_rand r = {.state = 8};
	static struct table t;

	(void)state;
	for (unsigned i = 0; i < PREDICATES; i++) {
		struct subset_log one, many;
		struct subset_case c = {.test = look_up, .context = &t, .isolate = i % 5 == 4};

		random_table(&t, &r, i);
		c.n = t.n;
		subset_serial(&one, &c);
		subset_scrambled(&many, &c, &r);
		assert_same_answer(&one.answer, &many.answer);
		if (!c.isolate)
			assert_minimal(&many, &t);
		subset_log_done(&one);
		subset_log_done(&many);
	}
}

/* Replay: shuffled trials of a run, or a part of them, lead to the same end. */
static void replayed_trials_stand_where_the_search_stood(void **state)
{
	struct br_rand r = {.state = 9};
	static struct table t;

	(void)state;
	for (unsigned i = 0; i < PREDICATES / 10; i++) {
		struct subset_case c = {.test = look_up, .context = &t, .isolate = i % 5 == 4};
		struct subset_log log;
		struct br_strategy *s;
		struct br_answer again;
		struct br_probe p;
		size_t known, more = 0;

		random_table(&t, &r, i);
		c.n = t.n;
		subset_serial(&log, &c);
		known = br_rand_below(&r, log.n + 1);
		s = subset_open(&c);
		for (size_t k = known; k-- > 0;) {
			size_t pick = br_rand_below(&r, k + 1);
			struct subset_trial swap = log.trial[pick];

			log.trial[pick] = log.trial[k];
			log.trial[k] = swap;
			subset_tell(s, &swap.probe, swap.cls);
		}
		for (; s->ops->propose(s, NULL, 0, &p, 1); more++) {
			subset_tell(s, &p, subset_ask(&c, p.keep, p.nkeep));
			free(p.keep);
		}
		assert_int_equal(known + more, log.n);
		s->ops->answer(s, &again);
		assert_same_answer(&log.answer, &again);
		br_answer_done(&again);
		s->ops->close(s);
		subset_log_done(&log);
	}
}

static void while_it_searches_the_answer_is_a_set_seen_to_fail(void **state)
{
	struct br_rand r = {.state = 10};
	static struct table t;

	(void)state;
	for (unsigned i = 0; i < PREDICATES / 10; i++) {
		struct subset_case c = {.test = look_up, .context = &t};
		struct subset_log log = {0};
		struct br_strategy *s;
		struct br_probe p;

		random_table(&t, &r, i);
		c.n = t.n;
		s = subset_open(&c);
		while (s->ops->propose(s, NULL, 0, &p, 1)) {
			subset_land(&log, &c, s, p);
			s->ops->answer(s, &log.answer);
			assert_true(was_seen_to_fail(&log, &t, answer_mask(&log.answer)));
			br_answer_done(&log.answer);
		}
		s->ops->close(s);
		subset_log_done(&log);
	}
}

static void an_answer_that_changes_is_a_contradiction(void **state)
{
	struct subset_needs needs = {.need = (const uint32_t[]){3}, .n = 1};
	struct subset_case c = {.n = 10, .test = subset_has_needed, .context = &needs};
	struct br_strategy *s = subset_open(&c);
	struct br_answer a;
	struct br_probe p;

	(void)state;
	assert_int_equal(s->ops->propose(s, NULL, 0, &p, 1), 1);
	assert_int_equal(p.nkeep, 0);
	subset_tell(s, &p, BR_GOOD);
	assert_true(s->ops->moot(s, &p));
	subset_tell(s, &p, BR_BAD);
	s->ops->answer(s, &a);
	assert_int_equal(a.status, BR_CONTRADICTION);
	br_answer_done(&a);
	free(p.keep);
	s->ops->close(s);
}

static void an_empty_set_that_fails_is_the_answer(void **state)
{
	struct subset_needs needs = {.n = 0};
	struct subset_log log;

	(void)state;
	subset_serial(&log, &(struct subset_case){.n = 100, .test = subset_has_needed, .context = &needs});
	assert_int_equal(log.runs, 2);
	assert_int_equal(log.answer.status, BR_ISOLATED);
	assert_int_equal(log.answer.nitem, 0);
	subset_log_done(&log);
}

/* ---- one difference ---- */

static void check_difference(const struct subset_log *log, const struct table *t)
{
	const struct br_answer *a = &log->answer;
	uint32_t base = 0, delta = answer_mask(a);

	for (uint64_t i = 0; i < a->nbase; i++)
		base |= 1u << a->base[i];
	assert_int_equal(base & delta, 0);
	assert_int_equal(t->cls[base | delta], BR_BAD);
	assert_true(base == 0 || t->cls[base] == BR_GOOD);
	for (uint32_t i = 0; i < t->n && a->status == BR_NARROWED; i++) {
		if (!(delta & 1u << i))
			continue;
		assert_int_equal(t->cls[base | 1u << i], BR_SKIP);
		assert_int_equal(t->cls[(base | delta) & ~(1u << i)], BR_SKIP);
	}
	assert_true(a->status == BR_NARROWED || a->nitem <= 1);
}

static void a_difference_is_minimal_and_its_sides_are_what_they_are_said_to_be(void **state)
{
	struct br_rand r = {.state = 11};
	static struct table t;

	(void)state;
	for (unsigned i = 0; i < PREDICATES; i++) {
		struct subset_log log;

		random_table(&t, &r, i);
		subset_serial(&log, &(struct subset_case){t.n, look_up, &t, false, true, NULL});
		check_difference(&log, &t);
		subset_log_done(&log);
	}
}

static void a_clear_difference_costs_a_binary_search(void **state)
{
	struct br_rand r = {.state = 12};

	(void)state;
	for (uint32_t n = 1; n < 3000; n = n * 3 / 2 + 1) {
		uint32_t need = (uint32_t)br_rand_below(&r, n);
		struct subset_needs needs = {.need = &need, .n = 1};
		struct subset_log log;

		subset_serial(&log, &(struct subset_case){n, subset_has_needed, &needs, false, true, NULL});
		assert_int_equal(log.answer.status, BR_ISOLATED);
		assert_int_equal(log.answer.item[0], need);
		assert_true((double)log.runs <= 2 + ceil(log2(n)));
		subset_log_done(&log);
	}
}

/* ---- counts of runs ---- */

enum layout { SCATTERED, IN_BLOCKS, IN_ORDER };

struct counts {
	size_t serial[SEEDS], rounds[SEEDS], halving[SEEDS];
};

static int by_size(const void *a, const void *b)
{
	size_t x = *(const size_t *)a, y = *(const size_t *)b;

	return (x > y) - (x < y);
}

static size_t median(size_t *x)
{
	qsort(x, SEEDS, sizeof *x, by_size);
	return x[SEEDS / 2];
}

static void assert_is(const struct br_answer *a, const uint32_t *need, uint32_t k)
{
	assert_int_equal(a->status, BR_ISOLATED);
	assert_int_equal(a->nitem, k);
	for (uint32_t i = 0; i < k; i++)
		assert_int_equal(a->item[i], need[i]);
}

static double bound(uint32_t n, uint32_t k)
{
	return k * log2((double)n / k) + 3.0 * k + 6;
}

static void count_one(struct counts *out, unsigned seed, const struct subset_case *c,
		      const struct subset_needs *needs, bool peer)
{
	struct subset_log log;

	subset_serial(&log, c);
	assert_is(&log.answer, needs->need, needs->n);
	out->serial[seed] = log.runs;
	subset_log_done(&log);
	subset_in_rounds(&log, c);
	assert_is(&log.answer, needs->need, needs->n);
	out->rounds[seed] = log.rounds;
	subset_log_done(&log);
	out->halving[seed] = peer ? subset_halving(c) : 0;
}

static void count_layout(struct counts *out, uint32_t n, uint32_t k, enum layout layout)
{
	br_auto_free uint32_t *need = br_calloc(k, sizeof *need);
	struct subset_needs needs = {.need = need, .n = k};
	struct subset_case c = {.n = n, .test = subset_has_needed, .context = &needs};

	for (unsigned seed = 0; seed < SEEDS; seed++) {
		struct br_rand r = {.state = 1000 * seed + k};

		if (layout == SCATTERED)
			subset_draw(&r, n, k, need);
		else
			subset_draw_blocks(&r, n, k, layout == IN_BLOCKS ? 4 : k, need);
		count_one(out, seed, &c, &needs, layout != SCATTERED);
	}
}

static void expect(const char *what, struct counts *c, size_t most)
{
	size_t serial = median(c->serial), rounds = median(c->rounds);

	print_message("%-44s %4zu runs (at most %zu), %3zu rounds of 8 workers (%.2f)\n", what, serial, most,
		      rounds, (double)rounds / (double)serial);
	assert_true(serial <= most);
	if (serial > 20)
		assert_true((double)rounds <= 0.4 * (double)serial);
}

static void the_counts_of_runs_stay_where_they_were_measured(void **state)
{
	struct counts c;

	(void)state;
	count_layout(&c, 5000, 12, SCATTERED);
	expect("12 of 5,000 lines", &c, 165);
	count_layout(&c, 1800, 1, SCATTERED);
	expect("1 of 1,800", &c, 14);
	count_layout(&c, 65536, 5, SCATTERED);
	expect("5 of 65,536 bytes", &c, 95);
	count_layout(&c, 2000, 2, SCATTERED);
	expect("2 of 2,000 names", &c, 28);
}

/* The whole of what need[] uses, directly or not: rising, its length. */
static uint32_t closure(const uint32_t *need, uint32_t k, uint32_t n, const struct subset_needs *uses,
			uint32_t *out)
{
	br_auto_free bool *in = br_calloc(n, sizeof *in);
	uint32_t m = 0;

	for (uint32_t i = 0; i < k; i++)
		in[need[i]] = true;
	for (uint32_t i = n; i-- > 0;) {
		if (in[i] && uses->first[i] != UINT32_MAX)
			in[uses->first[i]] = true;
		if (in[i] && uses->second[i] != UINT32_MAX)
			in[uses->second[i]] = true;
	}
	for (uint32_t i = 0; i < n; i++)
		if (in[i])
			out[m++] = i;
	return m;
}

/* Statements that use up to two earlier ones; drawn again until what must stay has the wanted length. */
static void draw_program(struct br_rand *r, uint32_t n, uint32_t k, uint32_t want, struct subset_needs *out,
			 uint32_t *first, uint32_t *second, uint32_t *need)
{
	uint32_t seed[8], m;

	*out = (struct subset_needs){.need = need, .first = first, .second = second};
	do {
		for (uint32_t i = 0; i < n; i++) {
			first[i] = second[i] = UINT32_MAX;
			if (i > 20 && br_rand_below(r, 100) < 70)
				first[i] = (uint32_t)br_rand_below(r, i);
			if (i > 20 && br_rand_below(r, 100) < 50)
				second[i] = (uint32_t)br_rand_below(r, i);
		}
		subset_draw(r, n, k, seed);
		m = closure(seed, k, n, out, need);
	} while (m != want);
	out->n = m;
}

static void statements_that_use_each_other(void **state)
{
	static uint32_t first[800], second[800], need[800];
	struct subset_needs needs;
	struct counts c = {0};

	(void)state;
	for (unsigned seed = 0; seed < SEEDS; seed++) {
		struct br_rand r = {.state = 77 + seed};

		draw_program(&r, 800, 3, 31, &needs, first, second, need);
		count_one(&c, seed,
			  &(struct subset_case){.n = 800, .test = subset_has_needed, .context = &needs},
			  &needs, false);
	}
	expect("800 statements, 31 needed by their uses", &c, 250);
}

static void a_prerequisite_is_kept_with_what_needs_it(void **state)
{
	static uint32_t first[400], second[400];
	struct counts c = {0};

	(void)state;
	memset(first, 0xff, sizeof first);
	memset(second, 0xff, sizeof second);
	for (unsigned seed = 0; seed < SEEDS; seed++) {
		struct br_rand r = {.state = 99 + seed};
		uint32_t need[4];
		struct subset_needs needs = {.need = need, .n = 4, .first = first, .second = second};

		subset_draw(&r, 400, 4, need);
		first[need[3]] = need[br_rand_below(&r, 3)];
		count_one(&c, seed,
			  &(struct subset_case){.n = 400, .test = subset_has_needed, .context = &needs},
			  &needs, false);
		first[need[3]] = UINT32_MAX;
	}
	expect("4 of 400 with a prerequisite", &c, 43);
}

static void the_bound_holds_for_every_density(void **state)
{
	static const uint32_t k[] = {1, 2, 4, 8, 16, 32, 64, 128, 400};
	struct counts c;

	(void)state;
	for (size_t i = 0; i < sizeof k / sizeof *k; i++) {
		count_layout(&c, 4000, k[i], SCATTERED);
		print_message("%3u of 4,000: %zu runs, bound %.0f\n", k[i], median(c.serial),
			      bound(4000, k[i]));
		assert_true((double)median(c.serial) <= bound(4000, k[i]));
	}
}

static void clusters_cost_about_what_halving_passes_cost(void **state)
{
	static const uint32_t k[] = {8, 16, 32, 64, 128, 400};
	struct counts c;

	(void)state;
	for (size_t i = 0; i < sizeof k / sizeof *k; i++)
		for (enum layout layout = IN_BLOCKS; layout <= IN_ORDER; layout++) {
			double ours, peer;

			count_layout(&c, 4000, k[i], layout);
			ours = (double)median(c.serial);
			peer = (double)median(c.halving);
			print_message("%3u of 4,000 in %s: %.0f runs, halving passes %.0f (%.2f)\n", k[i],
				      layout == IN_BLOCKS ? "fours" : "one block", ours, peer, ours / peer);
			assert_true(ours <= 1.25 * peer);
		}
}

/* Weights say where to look: what is suspected is found with fewer runs, and wrong ones change nothing but the count. */
static void weights_save_runs_and_never_change_what_is_needed(void **state)
{
	static float weight[4000];
	struct counts plain, right, wrong;

	(void)state;
	for (unsigned seed = 0; seed < SEEDS; seed++) {
		struct br_rand r = {.state = 500 + seed};
		uint32_t need[6];
		struct subset_needs needs = {.need = need, .n = 6};
		struct subset_case c = {.n = 4000, .test = subset_has_needed, .context = &needs};

		subset_draw(&r, 4000, 6, need);
		count_one(&plain, seed, &c, &needs, false);
		c.weight = weight;
		for (uint32_t i = 0; i < 4000; i++)
			weight[i] = br_rand_below(&r, 20) == 0 ? 50 : 1;
		count_one(&wrong, seed, &c, &needs, false);
		for (uint32_t i = 0; i < 6; i++)
			weight[need[i]] = 50;
		count_one(&right, seed, &c, &needs, false);
	}
	print_message("6 of 4,000: %zu runs, rightly weighted %zu, wrongly %zu\n", median(plain.serial),
		      median(right.serial), median(wrong.serial));
	assert_true(median(right.serial) < median(plain.serial));
	assert_true(median(wrong.serial) < 2 * median(plain.serial));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_is_minimal_and_was_seen),
		cmocka_unit_test(workers_in_any_order_find_what_one_finds),
		cmocka_unit_test(replayed_trials_stand_where_the_search_stood),
		cmocka_unit_test(while_it_searches_the_answer_is_a_set_seen_to_fail),
		cmocka_unit_test(an_answer_that_changes_is_a_contradiction),
		cmocka_unit_test(an_empty_set_that_fails_is_the_answer),
		cmocka_unit_test(a_difference_is_minimal_and_its_sides_are_what_they_are_said_to_be),
		cmocka_unit_test(a_clear_difference_costs_a_binary_search),
		cmocka_unit_test(the_counts_of_runs_stay_where_they_were_measured),
		cmocka_unit_test(weights_save_runs_and_never_change_what_is_needed),
		cmocka_unit_test(statements_that_use_each_other),
		cmocka_unit_test(a_prerequisite_is_kept_with_what_needs_it),
		cmocka_unit_test(the_bound_holds_for_every_density),
		cmocka_unit_test(clusters_cost_about_what_halving_passes_cost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
