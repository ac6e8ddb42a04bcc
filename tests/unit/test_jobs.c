/* test_jobs.c - how many tests run at once. */
#include "app/jobs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define MS 1000000ull
#define GIB (1ull << 30)

static uint32_t workers(double cores, uint64_t peak_b, uint32_t have, uint64_t free_b)
{
	struct br_load load = {cores, peak_b};
	struct br_machine machine = {have, free_b};

	return br_jobs_auto(&load, &machine);
}

static void cores_are_shared_among_trials(void **state)
{
	(void)state;
	assert_int_equal(workers(1, 0, 8, 0), 8);
	assert_int_equal(workers(0.1, 0, 8, 0), 8); /* it sleeps: still a core each */
	assert_int_equal(workers(4, 0, 8, 0), 2);
	assert_int_equal(workers(3, 0, 8, 0), 2);
	assert_int_equal(workers(8, 0, 8, 0), 1);
}

static void a_little_more_than_one_core_is_one(void **state)
{
	(void)state;
	assert_int_equal(workers(1.05, 0, 2, 0), 2);
	assert_int_equal(workers(1.5, 0, 2, 0), 1);
}

static void a_fifth_of_the_free_memory_stays_free(void **state)
{
	(void)state;
	assert_int_equal(workers(1, 2 * GIB, 8, 10 * GIB), 4);
	assert_int_equal(workers(1, 2 * GIB, 8, 9 * GIB), 3);
	assert_int_equal(workers(1, GIB, 2, 100 * GIB), 2);
}

static void there_is_at_least_one_worker_and_at_most_sixteen(void **state)
{
	(void)state;
	assert_int_equal(workers(1, 64 * GIB, 8, GIB), 1);
	assert_int_equal(workers(32, 0, 1, 0), 1);
	assert_int_equal(workers(1, 0, 0, 0), 1);
	assert_int_equal(workers(1, 1, 256, GIB), BR_JOBS_AUTO_MAX);
}

static void the_heaviest_end_counts(void **state)
{
	const struct br_trial trial[] = {
		{.phase = BR_PHASE_ENDS,
		 .outcome =
			 {.wall_ns = 1000 * MS, .user_ns = 1500 * MS, .sys_ns = 500 * MS, .peak_rss_b = 5}},
		{.phase = BR_PHASE_ENDS,
		 .outcome = {.wall_ns = 1000 * MS, .user_ns = 100 * MS, .peak_rss_b = 9}},
		{.phase = BR_PHASE_ENDS,
		 .outcome = {.wall_ns = MS, .user_ns = 40 * MS}}, /* too short to tell */
		{.phase = BR_PHASE_SEARCH,
		 .outcome = {.wall_ns = 100 * MS, .user_ns = 800 * MS, .peak_rss_b = 90}},
		{.phase = BR_PHASE_ENDS,
		 .cached = true,
		 .outcome = {.wall_ns = 100 * MS, .user_ns = 800 * MS, .peak_rss_b = 90}},
	};
	struct br_load load = br_jobs_load(trial, sizeof trial / sizeof *trial);

	(void)state;
	assert_true(load.cores > 1.99 && load.cores < 2.01);
	assert_int_equal(load.peak_b, 9);
}

static void auto_is_one_where_trials_are_not_kept_apart(void **state)
{
	const struct br_options any = {.jobs = 0}, four = {.jobs = 4}, asked = {.jobs = 4, .ask = true};

	const struct br_box plain = {.level = BR_LEVEL_NONE}, apart = {.level = BR_LEVEL_NAMESPACES},
			    shared = {.level = BR_LEVEL_NAMESPACES, .net = BR_NET_HOST};

	(void)state;
	assert_int_equal(br_jobs_most(&any, &plain), 1);
	assert_int_equal(br_jobs_most(&any, &shared), 1);
	assert_true(br_jobs_most(&any, &apart) >= 1);
	assert_int_equal(br_jobs_most(&four, &plain), 4);
	assert_int_equal(br_jobs_most(&asked, &apart), 1);
}

static void this_machine_has_a_core_and_memory(void **state)
{
	struct br_machine m = br_jobs_machine();

	(void)state;
	assert_true(m.cores >= 1);
	assert_true(m.available_b > 1 << 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cores_are_shared_among_trials),
		cmocka_unit_test(a_little_more_than_one_core_is_one),
		cmocka_unit_test(a_fifth_of_the_free_memory_stays_free),
		cmocka_unit_test(there_is_at_least_one_worker_and_at_most_sixteen),
		cmocka_unit_test(the_heaviest_end_counts),
		cmocka_unit_test(auto_is_one_where_trials_are_not_kept_apart),
		cmocka_unit_test(this_machine_has_a_core_and_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
