/* test_log.c - the log that keeps the start and the end of an output. */
#include "exec/log.h"

#include "base/mem.h"
#include "base/rand.h"
#include "bisect_run/err.h"
#include "sys/file.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct ctx {
	char dir[64];
	char path[80];
	struct br_err err;
};

static int setup(void **state)
{
	struct ctx *c = br_calloc(1, sizeof *c);

	(void)snprintf(c->dir, sizeof c->dir, "/tmp/br-log-XXXXXX");
	assert_non_null(mkdtemp(c->dir));
	(void)snprintf(c->path, sizeof c->path, "%s/1.log", c->dir);
	*state = c;
	return 0;
}

static int teardown(void **state)
{
	struct ctx *c = *state;

	assert_int_equal(br_dir_remove(c->dir, NULL), 0);
	free(c);
	return 0;
}

static void assert_file(const struct ctx *c, const char *text)
{
	br_auto_free char *got = NULL;
	size_t n = 0;

	assert_int_equal(br_file_read(c->path, 1 << 24, &got, &n, NULL), 0);
	assert_string_equal(got, text);
}

static void test_a_short_output_is_kept_whole(void **state)
{
	struct ctx *c = *state;
	struct br_log *log = NULL;
	uint64_t total = 0, omitted = 9;

	assert_int_equal(br_log_open(&log, c->path, 4, 8, &c->err), 0);
	br_log_add(log, "012345", 6);
	br_log_add(log, "678901", 6);
	assert_int_equal(br_log_close(log, &total, &omitted, &c->err), 0);
	assert_file(c, "012345678901");
	assert_int_equal(total, 12);
	assert_int_equal(omitted, 0);
}

static void test_the_middle_of_a_long_output_is_left_out_and_counted(void **state)
{
	struct ctx *c = *state;
	struct br_log *log = NULL;
	uint64_t total = 0, omitted = 0;

	assert_int_equal(br_log_open(&log, c->path, 4, 3, &c->err), 0);
	br_log_add(log, "abcdefghij", 10);
	assert_int_equal(br_log_close(log, &total, &omitted, &c->err), 0);
	assert_file(c, "abcd\n[bisect-run: 3 bytes left out]\nhij");
	assert_int_equal(omitted, 3);
}

static void test_the_line_about_it_stands_alone_when_the_head_ends_a_line(void **state)
{
	struct ctx *c = *state;
	struct br_log *log = NULL;
	uint64_t total = 0, omitted = 0;

	assert_int_equal(br_log_open(&log, c->path, 4, 3, &c->err), 0);
	br_log_add(log, "abc\nefghij", 10);
	assert_int_equal(br_log_close(log, &total, &omitted, &c->err), 0);
	assert_file(c, "abc\n[bisect-run: 3 bytes left out]\nhij");
}

static void test_an_empty_output_makes_an_empty_file_and_caps_may_be_zero(void **state)
{
	struct ctx *c = *state;
	struct br_log *log = NULL;
	uint64_t total = 9, omitted = 9;

	assert_int_equal(br_log_open(&log, c->path, 4, 3, &c->err), 0);
	assert_int_equal(br_log_close(log, &total, &omitted, &c->err), 0);
	assert_file(c, "");
	assert_int_equal(total, 0);
	assert_int_equal(br_log_open(&log, c->path, 0, 0, &c->err), 0);
	br_log_add(log, "abc", 3);
	assert_int_equal(br_log_close(log, &total, &omitted, &c->err), 0);
	assert_file(c, "[bisect-run: 3 bytes left out]\n");
}

static void test_the_head_is_on_disk_before_the_end(void **state)
{
	struct ctx *c = *state;
	struct br_log *log = NULL;
	uint64_t total, omitted;

	assert_int_equal(br_log_open(&log, c->path, 100, 100, &c->err), 0);
	br_log_add(log, "first words", 11);
	assert_file(c, "first words");
	assert_int_equal(br_log_close(log, &total, &omitted, &c->err), 0);
}

static void test_a_full_disk_is_told_at_the_end(void **state)
{
	struct ctx *c = *state;
	struct br_log *log = NULL;
	uint64_t total, omitted;

	assert_int_equal(br_log_open(&log, "/dev/full", 100, 100, &c->err), 0);
	br_log_add(log, "lost", 4);
	assert_int_equal(br_log_close(log, &total, &omitted, &c->err), BR_ESYS);
	assert_int_equal(c->err.errnum, ENOSPC);
}

/* What the file should hold, by the plain definition. The caller frees. */
static char *expected(const char *all, size_t n, size_t head, size_t tail)
{
	if (n <= head + tail)
		return br_strndup(all, n);
	return br_asprintf("%.*s%s[bisect-run: %zu bytes left out]\n%.*s", (int)head, all,
			   head && all[head - 1] != '\n' ? "\n" : "", n - head - tail, (int)tail,
			   all + n - tail);
}

static void one_random_case(struct ctx *c, struct br_rand *r)
{
	size_t n = br_rand_below(r, 400000), head = br_rand_below(r, 1000), at = 0;
	size_t tail = br_rand_below(r, br_rand_below(r, 2) ? 300 : 300000);
	br_auto_free char *all = br_calloc(n + 1, 1), *want = NULL;
	struct br_log *log = NULL;
	uint64_t total = 0, omitted = 0;

	for (size_t i = 0; i < n; i++)
		all[i] = br_rand_below(r, 20) ? (char)('a' + br_rand_below(r, 26)) : '\n';
	assert_int_equal(br_log_open(&log, c->path, head, tail, &c->err), 0);
	while (at < n) {
		size_t step = 1 + br_rand_below(r, br_rand_below(r, 2) ? 50000 : 5000);

		step = step < n - at ? step : n - at;
		br_log_add(log, all + at, step);
		at += step;
	}
	assert_int_equal(br_log_close(log, &total, &omitted, &c->err), 0);
	want = expected(all, n, head, tail);
	assert_file(c, want);
	assert_int_equal(total, n);
	assert_int_equal(omitted, n > head + tail ? n - head - tail : 0);
}

static void test_any_output_in_any_pieces_comes_out_as_defined(void **state)
{
	struct br_rand r = {20240229};

	print_message("seed %llu\n", (unsigned long long)r.state);
	for (int i = 0; i < 60; i++)
		one_random_case(*state, &r);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_short_output_is_kept_whole),
		TEST(test_the_middle_of_a_long_output_is_left_out_and_counted),
		TEST(test_the_line_about_it_stands_alone_when_the_head_ends_a_line),
		TEST(test_an_empty_output_makes_an_empty_file_and_caps_may_be_zero),
		TEST(test_the_head_is_on_disk_before_the_end),
		TEST(test_a_full_disk_is_told_at_the_end),
		TEST(test_any_output_in_any_pieces_comes_out_as_defined),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
