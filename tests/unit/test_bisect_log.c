/* test_bisect_log.c - what logs of git bisect say, of every age and hand. */
#include "domain/bisect_log.h"

#include "base/mem.h"
#include "bisect_run/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define A40 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B40 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C40 "cccccccccccccccccccccccccccccccccccccccc"

/* All that a log says, on one line. */
static char *summary(const struct br_bisect_log *l)
{
	char *out = br_asprintf("%s/%s bad=%s%s%s", l->old_term, l->new_term, l->bad.rev ? l->bad.rev : "-",
				l->bad.name ? "~" : "", l->bad.name ? l->bad.name : "");

	for (size_t i = 0; i < l->ngood; i++) {
		br_auto_free char *before = out;

		out = br_asprintf("%s good=%s", before, l->good[i].rev);
	}
	for (size_t i = 0; l->skip && l->skip[i]; i++) {
		br_auto_free char *before = out;

		out = br_asprintf("%s skip=%s", before, l->skip[i]);
	}
	for (size_t i = 0; l->path && l->path[i]; i++) {
		br_auto_free char *before = out;

		out = br_asprintf("%s path=<%s>", before, l->path[i]);
	}
	br_auto_free char *before = out;

	return br_asprintf("%s%s%s", before, l->first_parent ? " first-parent" : "",
			   l->no_checkout ? " no-checkout" : "");
}

static bool begins_with_v(void *arg, const char *word)
{
	(void)arg;
	return word[0] == 'v';
}

static void assert_means(const char *text, const char *want)
{
	const struct br_bisect_names names = {.is_commit = begins_with_v};
	struct br_bisect_log log;
	struct br_err err = {0};

	if (br_bisect_log_parse(&log, text, strlen(text), &names, &err) != 0)
		fail_msg("%s\nin\n%s", err.msg, text);
	br_auto_free char *got = summary(&log);

	assert_string_equal(got, want);
	br_bisect_log_done(&log);
}

static void assert_refuses(const char *text, const char *why)
{
	struct br_bisect_log log;
	struct br_err err = {0};

	assert_int_equal(br_bisect_log_parse(&log, text, strlen(text), NULL, &err), BR_EPARSE);
	if (!strstr(err.msg, why))
		fail_msg("'%s' does not say '%s'", err.msg, why);
}

static void the_start_line_names_the_ends(void **state)
{
	(void)state;
	assert_means("git bisect start 'v2' 'v1' 'v0'\n", "good/bad bad=v2 good=v1 good=v0");
	assert_means("git bisect start\ngit bisect bad v2\ngit bisect good v1\n", "good/bad bad=v2 good=v1");
	assert_means("git bisect start 'v2'", "good/bad bad=v2");
	assert_means("git bisect start", "good/bad bad=-");
}

static void the_last_bad_all_good_and_all_skipped_count(void **state)
{
	(void)state;
	assert_means("git bisect start 'v9' 'v1'\n"
		     "# skip: [" A40 "] x\ngit bisect skip " A40 "\n"
		     "git bisect bad v8\ngit bisect good v3\ngit bisect skip v5 v6\n"
		     "git bisect bad v7\ngit bisect good v4\n",
		     "good/bad bad=v7 good=v1 good=v3 good=v4 skip=" A40 " skip=v5 skip=v6");
}

static void pathspecs_and_options_of_the_start_line_count(void **state)
{
	(void)state;
	assert_means("git bisect start '--first-parent' '--no-checkout' 'v2' 'v1' '--' 'src' 'a b'\n",
		     "good/bad bad=v2 good=v1 path=<src> path=<a b> first-parent no-checkout");
	assert_means("git bisect start '--' 'src'\n", "good/bad bad=- path=<src>");
	assert_means("git bisect start 'v2' 'v1' 'src' 'doc'\n",
		     "good/bad bad=v2 good=v1 path=<src> path=<doc>");
	/* After -- even what looks like an option is a path. */
	assert_means("git bisect start 'v2' 'v1' '--' '--first-parent'\n",
		     "good/bad bad=v2 good=v1 path=<--first-parent>");
}

static void old_and_new_ways_to_quote_mean_the_same(void **state)
{
	static const char want[] = "good/bad bad=v2 good=v1 path=<it's a \"b\"!> path=<c\\d>";

	(void)state;
	assert_means("git bisect start 'v2' 'v1' '--' 'it'\\''s a \"b\"'\\!'' 'c\\d'\n", want);
	assert_means("git-bisect start v2 v1 -- \"it's a \\\"b\\\"!\" c\\\\d\n", want);
}

static void line_ends_and_marks_of_other_systems_do_not_matter(void **state)
{
	(void)state;
	assert_means("\xEF\xBB\xBFgit bisect start 'v2' 'v1'\r\n\r\n# x\r\ngit bisect good v3\r\n",
		     "good/bad bad=v2 good=v1 good=v3");
	assert_means("git bisect start v2 v1  \n\tgit  bisect bad   v3", "good/bad bad=v2 good=v1");
	assert_refuses("\xFF\xFEg", "UTF-16");
}

static void own_terms_are_taken_from_the_start_line(void **state)
{
	(void)state;
	assert_means("git bisect start '--term-new=fixed' '--term-old=broken' 'v2' 'v1'\n"
		     "git bisect fixed v3\ngit bisect broken v4\n",
		     "broken/fixed bad=v3 good=v1 good=v4");
	assert_means("git bisect start '--term-bad' 'slow' '--term-good' 'fast' 'v2'\ngit bisect fast v1\n",
		     "fast/slow bad=v2 good=v1");
	assert_means("git bisect start\ngit bisect new v2\ngit bisect old v1\n", "good/bad bad=v2 good=v1");
	assert_refuses("git bisect start '--term-new=fixed'\ngit bisect bad v1\n",
		       "line 2: this log has no command 'bad'");
	assert_refuses("git bisect start '--term-new=good'\n", "cannot be changed");
	assert_refuses("git bisect start '--term-new=skip'\n", "command of git bisect");
	assert_refuses("git bisect start '--term-new=x' '--term-old=x'\n", "same term");
	assert_refuses("git bisect start '--term-new'\n", "missing");
}

static void only_terms_that_say_so_look_for_a_fix(void **state)
{
	static const struct {
		const char *start;
		bool fix;
	} cases[] = {{"git bisect start", false},
		     {"git bisect start --term-new=fixed --term-old=broken", true},
		     {"git bisect start --term-old=broken --term-new=works", true},
		     {"git bisect start --term-old=fast --term-new=slow", false}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct br_bisect_log log;

		assert_int_equal(
			br_bisect_log_parse(&log, cases[i].start, strlen(cases[i].start), NULL, NULL), 0);
		assert_int_equal(br_bisect_log_finds_fix(&log), cases[i].fix);
		br_bisect_log_done(&log);
	}
}

static void names_in_the_start_line_are_what_git_noted_above_it(void **state)
{
	(void)state;
	assert_means("# bad: [" A40 "] subject ] [" C40 "]\n# good: [" B40 "] x\n"
		     "git bisect start 'HEAD' 'topic'\n",
		     "good/bad bad=" A40 "~HEAD good=" B40);
	/* Without --, the comments also tell where the revisions end. */
	assert_means("# bad: [" A40 "] x\ngit bisect start 'HEAD' 'vendor'\n",
		     "good/bad bad=" A40 "~HEAD path=<vendor>");
	/* Comments of an earlier command, or too few of them, say nothing. */
	assert_means("git bisect start\n# bad: [" A40 "] x\ngit bisect bad v1\ngit bisect start 'v2' '--'\n",
		     "good/bad bad=v2");
	assert_means("# bad: [" A40 "] x\ngit bisect start 'v2' 'v1' '--'\n", "good/bad bad=v2 good=v1");
	/* What is exact already stays: the line may have been edited. */
	assert_means("# bad: [" A40 "] x\ngit bisect start '" B40 "' '--'\n", "good/bad bad=" B40);
}

static void a_second_start_begins_anew(void **state)
{
	(void)state;
	assert_means("git bisect start '--first-parent' '--term-new=fixed' 'v2' 'v1' '--' 'src'\ngit bisect "
		     "skip v3\n"
		     "git bisect start\ngit bisect bad v5\n",
		     "good/bad bad=v5");
}

static void comments_and_foreign_lines_are_ignored(void **state)
{
	(void)state;
	assert_means("hello\ngit bisect start\n# git bisect bad v9\ngit status\ngit bisection\n"
		     "# first bad commit: [" A40 "] x\ngit bisect terms\n",
		     "good/bad bad=-");
}

static void what_is_no_log_is_refused_with_its_line(void **state)
{
	(void)state;
	assert_refuses("", "no log of git bisect");
	assert_refuses("root:x:0:0\n", "no log of git bisect");
	assert_refuses("git bisect bad v1\n", "line 1: there is no `git bisect start`");
	assert_refuses("git bisect start\n\ngit bisect reset\n", "line 3: this log has no command 'reset'");
	assert_refuses("git bisect start\ngit bisect bad\n", "line 2: the revision is missing after 'bad'");
	assert_refuses("git bisect start 'v1\n", "line 1: a quote is not closed");
	assert_refuses("git bisect start '--fast' v1\n", "no option '--fast'");
	assert_refuses("git bisect\n", "the command is missing");
	assert_refuses("git bisect start\ngit bisect \033[2J v1\n", "\\x1b");
}

static void a_nul_byte_is_refused(void **state)
{
	static const char text[] = "git bisect start\0\n";
	struct br_bisect_log log;
	struct br_err err = {0};

	(void)state;
	assert_int_equal(br_bisect_log_parse(&log, text, sizeof text - 1, NULL, &err), BR_EPARSE);
	assert_non_null(strstr(err.msg, "NUL"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_start_line_names_the_ends),
		cmocka_unit_test(the_last_bad_all_good_and_all_skipped_count),
		cmocka_unit_test(pathspecs_and_options_of_the_start_line_count),
		cmocka_unit_test(old_and_new_ways_to_quote_mean_the_same),
		cmocka_unit_test(line_ends_and_marks_of_other_systems_do_not_matter),
		cmocka_unit_test(own_terms_are_taken_from_the_start_line),
		cmocka_unit_test(only_terms_that_say_so_look_for_a_fix),
		cmocka_unit_test(names_in_the_start_line_are_what_git_noted_above_it),
		cmocka_unit_test(a_second_start_begins_anew),
		cmocka_unit_test(comments_and_foreign_lines_are_ignored),
		cmocka_unit_test(what_is_no_log_is_refused_with_its_line),
		cmocka_unit_test(a_nul_byte_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
