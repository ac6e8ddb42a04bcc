/* test_profile_diff.c - which function costs more than at the parent, and whether the diff touches it. */
#include "bisect_run/profile_diff.h"

#include "base/mem.h"
#include "bisect_run/err.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static const char source[] = "#include \"x.h\"\n" /* 1 */
			     "\n"
			     "static int f(int n)\n" /* 3 */
			     "{\n"
			     "\tif (n)\n"
			     "\t\tgoto out;\n"
			     "out:\n"
			     "\treturn n;\n"
			     "}\n" /* 9 */
			     "\n"
			     "int g(int n) { return n; }\n" /* 11 */
			     "int h(void)\n"		    /* 12 */
			     "{\n"
			     "\treturn f(1);\n"
			     "}\n"; /* 15 */

static const char python[] = "class C:\n"	  /* 1 */
			     "    def a(self):\n" /* 2 */
			     "        x = 1\n"
			     "\n"
			     "        return x\n" /* 5 */
			     "\n"
			     "    def b(self):\n" /* 7 */
			     "        pass\n"
			     "\n"
			     "def c():\n" /* 10 */
			     "    return [\n"
			     "    ]\n"; /* 12 */

static void indentation_tells_where_functions_end(void **state)
{
	(void)state;
	assert_int_equal(br_outline_end(source, 3), 9);
	assert_int_equal(br_outline_end(source, 11), 11);
	assert_int_equal(br_outline_end(source, 12), 15);
	assert_int_equal(br_outline_end(source, 99), 0);
	assert_int_equal(br_outline_end(python, 2), 5);
	assert_int_equal(br_outline_end(python, 7), 8);
	assert_int_equal(br_outline_end(python, 10), 12);
	assert_int_equal(br_outline_find(source, "f"), 3);
	assert_int_equal(br_outline_find(source, "ns::h(void)"), 12);
	assert_int_equal(br_outline_find(source, "goto"), 0);
	assert_int_equal(br_outline_find("", "f"), 0);
}

static struct br_profile read_in(const char *rows)
{
	br_auto_free char *answer = br_asprintf("#format table\n%s", rows);
	struct br_profile_cfg cfg = {.profiler = "test", .dir_fd = -1};
	struct br_profile p;
	struct br_err err = {0};

	if (br_profile_read(&p, answer, strlen(answer), &cfg, &err) < 0)
		fail_msg("%s", err.msg);
	return p;
}

/* Takes the profiles over. */
static struct br_profile_diff compare(struct br_profile good, struct br_profile bad,
				      const struct br_changed_file *changed, size_t n)
{
	struct br_profile_side a = {&good, 1}, b = {&bad, 1};
	struct br_profile_diff d;

	assert_int_equal(br_profile_compare(&d, &a, &b, changed, n, NULL), 0);
	br_profile_done(&good);
	br_profile_done(&bad);
	return d;
}

static const struct br_profile_delta *row(const struct br_profile_diff *d, const char *function)
{
	for (size_t i = 0; i < d->nrow; i++)
		if (strcmp(d->row[i].function, function) == 0)
			return &d->row[i];
	return NULL;
}

#define GRAPH                                                                                                \
	"call\t0\t1\t1\t60\n"                                                                                \
	"call\t1\t2\t10\t50\n"                                                                               \
	"call\t2\t3\t10\t5\n"

static const char good_rows[] =
	"unit\tIr\nfn\t\tmain.c\t1\tmain\t1\t1\t10\t100\nfn\t\tx.c\t12\th\t1\t1\t10\t90\n"
	"fn\t\tx.c\t3\tf\t10\t10\t50\t60\nfn\t\ty.c\t3\tfar\t10\t10\t5\t5\n" GRAPH;
static const char bad_rows[] =
	"unit\tIr\nfn\t\tmain.c\t1\tmain\t1\t1\t10\t200\nfn\t\tx.c\t12\th\t1\t1\t12\t190\n"
	"fn\t\tx.c\t3\tf\t20\t20\t150\t160\nfn\t\ty.c\t3\tfar\t10\t10\t8\t8\n" GRAPH;

static void the_largest_change_comes_first_and_the_sum_is_the_total(void **state)
{
	const struct br_line_range lines = {5, 1};
	const struct br_changed_file file = {.old_path = "x.c",
					     .new_path = "x.c",
					     .old_text = source,
					     .new_text = source,
					     .new_range = &lines,
					     .nnew = 1};
	struct br_profile_diff d = compare(read_in(good_rows), read_in(bad_rows), &file, 1);

	(void)state;
	assert_int_equal(d.nrow, 3);
	assert_string_equal(d.row[0].function, "f");
	assert_true(d.row[0].change == 100);
	assert_true(d.row[0].calls_good == 10 && d.row[0].calls_bad == 20);
	assert_string_equal(d.row[0].path, "main > h > f");
	assert_true(fabs(d.unexplained) < 1e-9);
	assert_int_equal(d.row[0].touched, BR_TOUCH_DIRECT);
	assert_int_equal(row(&d, "h")->touched, BR_TOUCH_NEAR);
	assert_int_equal(row(&d, "far")->touched, BR_TOUCH_NEAR);
	br_profile_diff_done(&d);
}

static void a_diff_of_the_old_side_alone_touches_too(void **state)
{
	const struct br_line_range lines = {6, 1}, none = {5, 0};
	const struct br_changed_file file = {.old_path = "x.c",
					     .new_path = "x.c",
					     .old_text = source,
					     .new_text = source,
					     .old_range = &lines,
					     .nold = 1,
					     .new_range = &none,
					     .nnew = 1};
	struct br_profile_diff d = compare(read_in(good_rows), read_in(bad_rows), &file, 1);

	(void)state;
	assert_int_equal(row(&d, "f")->touched, BR_TOUCH_DIRECT);
	br_profile_diff_done(&d);
}

static void a_change_elsewhere_is_indirect(void **state)
{
	const struct br_line_range lines = {1, 900};
	const struct br_changed_file file = {.new_path = "data.h", .new_range = &lines, .nnew = 1};
	struct br_profile_diff d = compare(read_in(good_rows), read_in(bad_rows), &file, 1);

	(void)state;
	assert_int_equal(row(&d, "f")->touched, BR_TOUCH_INDIRECT);
	br_profile_diff_done(&d);
}

static void functions_of_one_name_are_told_apart_and_moved_ones_are_found(void **state)
{
	struct br_profile_diff d = compare(
		read_in("unit\tIr\nfn\t\ta.py\t3\t<lambda>\t1\t1\t5\t5\nfn\t\ta.py\t9\t<lambda>\t1\t1\t7\t7\n"
			"fn\t\told.c\t3\tmoved\t1\t1\t7\t7\n"),
		read_in("unit\tIr\nfn\t\ta.py\t4\t<lambda>\t1\t1\t5\t5\nfn\t\ta.py\t10\t<lambda>"
			"\t1\t1\t17\t17\n"
			"fn\t\tnew.c\t8\tmoved\t1\t1\t8\t8\n"),
		NULL, 0);

	(void)state;
	assert_int_equal(d.nrow, 2);
	assert_int_equal(d.row[0].line, 10);
	assert_true(d.row[0].change == 10);
	assert_string_equal(d.row[1].file, "new.c");
	assert_true(d.row[1].self_good == 7 && d.row[1].self_bad == 8);
	br_profile_diff_done(&d);
}

static struct br_profile timed(double f, double g)
{
	br_auto_free char *rows = br_asprintf(
		"unit\ts\nfn\t\tx.c\t3\tf\t1\t1\t%.6f\t1\nfn\t\tx.c\t9\tg\t1\t1\t%.6f\t1\n", f, g);

	return read_in(rows);
}

static void what_varies_between_runs_is_left_out_and_counted(void **state)
{
	struct br_profile good[3] = {timed(1.0, 1.0), timed(1.3, 1.01), timed(0.7, 0.99)};
	struct br_profile bad[3] = {timed(1.2, 2.0), timed(0.9, 2.01), timed(1.1, 1.99)};
	struct br_profile_side a = {good, 3}, b = {bad, 3};
	struct br_profile_diff d;
	br_auto_free char *text = NULL;

	(void)state;
	assert_int_equal(br_profile_compare(&d, &a, &b, NULL, 0, NULL), 0);
	assert_int_equal(d.nrow, 1);
	assert_string_equal(d.row[0].function, "g");
	assert_int_equal(d.hidden, 1);
	text = br_profile_diff_text(&d, 0);
	assert_non_null(strstr(text, "1 changed by no more than chance explains"));
	br_profile_diff_done(&d);
	for (int i = 0; i < 3; i++) {
		br_profile_done(&good[i]);
		br_profile_done(&bad[i]);
	}
}

static void sides_that_count_different_things_are_not_compared(void **state)
{
	struct br_profile good = read_in("unit\ts\nfn\t\tx.c\t3\tf\t1\t1\t1\t1\n"), bad = read_in(bad_rows);
	struct br_profile_side a = {&good, 1}, b = {&bad, 1};
	struct br_profile_diff d;
	struct br_err err = {0};

	(void)state;
	assert_int_equal(br_profile_compare(&d, &a, &b, NULL, 0, &err), BR_EPARSE);
	br_profile_done(&good);
	br_profile_done(&bad);
}

static void what_a_function_is_made_of_is_compared(void **state)
{
	struct br_profile_diff d = compare(
		read_in("unit\tIr\nfn\t\tx.py\t3\tf\t1\t1\t10\t10\ncode\t0\tFOR_ITER\t1\ncode\t0\tLOAD_FAST\t"
			"9\ncode\t0\tRESUME\t1\n"),
		read_in("unit\tIr\nfn\t\tx.py\t3\tf\t1\t1\t90\t90\ncode\t0\tLOAD_FAST\t4\ncode\t0\tCOMPARE_"
			"OP\t1\n"
			"code\t0\tRESUME\t1\n"),
		NULL, 0);
	br_auto_free char *text = br_profile_diff_text(&d, 5);

	(void)state;
	assert_int_equal(d.nrow, 1);
	assert_int_equal(d.row[0].ncode, 3);
	assert_string_equal(d.row[0].code[0].what, "COMPARE_OP");
	assert_string_equal(d.row[0].code[1].what, "FOR_ITER");
	assert_int_equal(d.row[0].code[1].good, 1);
	assert_int_equal(d.row[0].code[1].bad, 0);
	assert_non_null(strstr(text, "   f: COMPARE_OP 0 -> 1, FOR_ITER 1 -> 0, LOAD_FAST 9 -> 4\n"));
	br_profile_diff_done(&d);
}

static void functions_that_one_side_alone_enters_are_listed(void **state)
{
	struct br_profile_diff d =
		compare(read_in("unit\tIr\nfn\t\tx.c\t3\tf\t1\t1\t10\t10\nfn\t\tx.c\t9\tgone\t2\t2\t5\t5\n"),
			read_in("unit\tIr\nfn\t\tx.c\t3\tf\t1\t1\t10\t10\nfn\t\tx.c\t20\tfail\t3\t3\t1\t900\n"
				"fn\t\tx.c\t30\tsampled\t\t\t50\t50\n"),
			NULL, 0);
	br_auto_free char *text = br_profile_diff_text(&d, 5);

	(void)state;
	assert_int_equal(d.only_bad.n, 1); /* what is only sampled may have been entered unseen */
	assert_string_equal(d.only_bad.row[0].function, "fail");
	assert_int_equal(d.only_good.n, 1);
	assert_string_equal(d.only_good.row[0].function, "gone");
	assert_non_null(
		strstr(text, "entered by this commit alone\n         3 calls  indirect  x.c:20(fail)\n"));
	assert_non_null(strstr(text, "entered by its parent alone\n"));
	br_profile_diff_done(&d);
}

static void rows_are_sorted_by_pstats_keys(void **state)
{
	struct br_profile_diff d = compare(
		read_in("unit\tIr\nfn\t\tb.c\t3\tone\t1\t1\t10\t10\nfn\t\ta.c\t9\ttwo\t2\t2\t10\t10\n"),
		read_in("unit\tIr\nfn\t\tb.c\t3\tone\t2\t2\t90\t10\nfn\t\ta.c\t9\ttwo\t9\t9\t20\t99\n"), NULL,
		0);
	static const struct {
		enum br_profile_sort sort;
		const char *first;
	} row[] = {{BR_SORT_CALLS, "two"}, {BR_SORT_SELF, "one"}, {BR_SORT_CUM, "two"},
		   {BR_SORT_NAME, "one"},  {BR_SORT_FILE, "two"}, {BR_SORT_LINE, "one"}};

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		br_profile_diff_sort(&d, row[i].sort);
		assert_string_equal(d.row[0].function, row[i].first);
	}
	br_profile_diff_done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(indentation_tells_where_functions_end),
		cmocka_unit_test(the_largest_change_comes_first_and_the_sum_is_the_total),
		cmocka_unit_test(a_diff_of_the_old_side_alone_touches_too),
		cmocka_unit_test(a_change_elsewhere_is_indirect),
		cmocka_unit_test(functions_of_one_name_are_told_apart_and_moved_ones_are_found),
		cmocka_unit_test(what_varies_between_runs_is_left_out_and_counted),
		cmocka_unit_test(sides_that_count_different_things_are_not_compared),
		cmocka_unit_test(what_a_function_is_made_of_is_compared),
		cmocka_unit_test(functions_that_one_side_alone_enters_are_listed),
		cmocka_unit_test(rows_are_sorted_by_pstats_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
