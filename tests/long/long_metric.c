/*
 * long_metric.c - many searches for a change of a measured value: how many runs, how often right. Two shapes of noise
 * (laplace, ticks) were first run when all was tuned. BR_SEARCHES: searches for each row.
 */
#include "measured.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

struct row {
	const char *name;
	enum noise noise;
	double effect, right, runs; /* at least, at most */
	bool drifts;
	unsigned usual;
};

static unsigned searches(unsigned usual)
{
	const char *s = getenv("BR_SEARCHES");

	return s ? (unsigned)strtoul(s, NULL, 10) : usual;
}

static double margin(double p, unsigned n)
{
	return 3 * sqrt(p * (1 - p) / n);
}

static void check(const struct row *row)
{
	const struct br_shape line = {.order = BR_CHAIN, .n = 1000};
	struct bench b = {.shape = &line,
			  .sd = 0.01,
			  .effect = row->effect,
			  .noise = row->noise,
			  .confidence = 0.99,
			  .drifts = row->drifts,
			  .threshold = row->effect > 0 && row->effect < 0.01 ? 0.002 : 0,
			  .searches = searches(row->usual)};
	struct results r = many_measured(&b, 1);
	double n = r.searches;

	printf("%-10s effect %.3f: runs %.1f (ends %.1f) right %.4f wrong %.4f narrowed %.4f refused %.4f\n",
	       row->name, row->effect, r.runs / n, r.ends / fmax(1, n - r.refused), r.right / n, r.wrong / n,
	       r.narrowed / n, r.refused / n);
	fflush(stdout);
	if (!(row->effect > 0)) {
		assert_true((r.wrong + r.narrowed) / n < 0.005 + margin(0.005, r.searches));
		return;
	}
	assert_true(r.right / n > row->right - margin(row->right, r.searches));
	assert_true(r.runs / n < row->runs);
}

static void few_runs_and_right_at_all_sizes_of_effect(void **state)
{
	static const struct row ROWS[] = {
		{"5 sd", NORMAL, 0.05, 0.995, 30, false, 600},
		{"4 sd", NORMAL, 0.04, 0.995, 30, false, 600},
		{"3 sd", NORMAL, 0.03, 0.99, 65, false, 600},
		{"2 sd", NORMAL, 0.02, 0.99, 65, false, 600},
		{"1 sd", NORMAL, 0.01, 0.99, 215, false, 200},
		{"0.5 sd", NORMAL, 0.005, 0.98, 700, false, 60},
		{"drift", DRIFT, 0.05, 0.98, 60, true, 400},
		{"bimodal", BIMODAL, 0.05, 0.98, 60, false, 400},
		{"spikes", SPIKES, 0.05, 0.98, 60, false, 400},
	};

	(void)state;
	for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++)
		check(&ROWS[i]);
}

static void other_shapes_of_noise_do_no_harm(void **state)
{
	static const struct row ROWS[] = {{"student", STUDENT, 0.05, 0.98, 60, false, 400},
					  {"skewed", SKEWED, 0.04, 0.98, 60, false, 400},
					  {"laplace", LAPLACE, 0.04, 0.98, 60, false, 400},
					  {"ticks", TICKS, 0.03, 0.98, 65, false, 400}};

	(void)state;
	for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++)
		check(&ROWS[i]);
}

static void without_a_regression_nobody_is_blamed(void **state)
{
	static const struct row ROWS[] = {{"none", NORMAL, 0, 0, 0, false, 600},
					  {"none,spikes", SPIKES, 0, 0, 0, false, 400},
					  {"none,drift", DRIFT, 0, 0, 0, true, 200}};

	(void)state;
	for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++)
		check(&ROWS[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(few_runs_and_right_at_all_sizes_of_effect),
		cmocka_unit_test(other_shapes_of_noise_do_no_harm),
		cmocka_unit_test(without_a_regression_nobody_is_blamed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
