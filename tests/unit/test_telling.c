/* test_telling.c - output is looked at in whole lines, however it comes. */
#include "exec/telling.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* What was asked about, put together again; says yes at a line "now". */
struct asked {
	char *text;
	size_t n, times;
};

static bool tells(void *arg, const char *text, size_t n)
{
	static const char nothing[BR_STOP_ON_AHEAD_B];
	struct asked *a = arg;

	assert_memory_equal(text + n, nothing, sizeof nothing);
	a->text = br_reallocarray(a->text, a->n + n + 1, 1);
	memcpy(a->text + a->n, text, n);
	a->n += n;
	a->text[a->n] = '\0';
	a->times++;
	return memmem(text, n, "now\n", 4) != NULL;
}

static void feed(struct br_telling *t, const char *text, size_t step)
{
	for (size_t at = 0, n = strlen(text); at < n; at += step)
		br_telling_add(t, text + at, n - at < step ? n - at : step);
}

static void lines_are_whole_however_they_come(void **state)
{
	static const char text[] = "one\n\ntwo is longer\nthree\nnot yet whole";

	(void)state;
	for (size_t step = 1; step <= sizeof text; step++) {
		struct asked a = {0};
		const struct br_stop_on on = {tells, &a};
		struct br_telling t = {.on = &on};

		feed(&t, text, step);
		assert_string_equal(a.text, "one\n\ntwo is longer\nthree\n");
		assert_false(t.seen);
		free(a.text);
		br_telling_done(&t);
	}
}

static void after_the_telling_line_nobody_is_asked_again(void **state)
{
	struct asked a = {0};
	const struct br_stop_on on = {tells, &a};
	struct br_telling t = {.on = &on};

	(void)state;
	feed(&t, "first\nno", 3);
	feed(&t, "w\nlater\n", 2);
	assert_true(t.seen);
	assert_string_equal(a.text, "first\nnow\n");
	free(a.text);
	br_telling_done(&t);
}

static void a_line_without_end_is_looked_at_in_parts_and_costs_bounded_memory(void **state)
{
	enum { N = 3000000 };
	char *text = br_malloc(N + 1);
	struct asked a = {0};
	const struct br_stop_on on = {tells, &a};
	struct br_telling t = {.on = &on};

	(void)state;
	memset(text, 'x', N);
	text[N] = '\0';
	feed(&t, text, 70001);
	feed(&t, "\nnow\n", 5);
	assert_true(t.seen);
	assert_int_equal(a.n, N + 5);
	assert_true(a.times < 20);
	free(a.text);
	free(text);
	br_telling_done(&t);
}

static void without_a_pattern_nothing_is_kept(void **state)
{
	struct br_telling t = {0};

	(void)state;
	feed(&t, "now\n", 4);
	assert_null(t.text);
	assert_false(t.seen);
	br_telling_done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_whole_however_they_come),
		cmocka_unit_test(after_the_telling_line_nobody_is_asked_again),
		cmocka_unit_test(a_line_without_end_is_looked_at_in_parts_and_costs_bounded_memory),
		cmocka_unit_test(without_a_pattern_nothing_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
