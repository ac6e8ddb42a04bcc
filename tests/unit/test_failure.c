/* test_failure.c - when two failures are the same one. */
#include "bisect_run/failure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* "a|b|c": up to three frames. */
static struct br_failure failure(const char *kind, const char *type, const char *message, const char *frames)
{
	struct br_failure f = {.exit = 1, .version = BR_SIGNATURE_VERSION};

	(void)snprintf(f.kind, sizeof f.kind, "%s", kind);
	(void)snprintf(f.type, sizeof f.type, "%s", type);
	(void)snprintf(f.message, sizeof f.message, "%s", message);
	while (*frames) {
		size_t n = strcspn(frames, "|");

		(void)snprintf(f.frame[f.nframe++], sizeof f.frame[0], "%.*s", (int)n, frames);
		frames += n + (frames[n] == '|');
	}
	return f;
}

static bool same(struct br_failure a, struct br_failure b)
{
	bool is = br_failure_same(&a, &b);

	assert_int_equal(br_failure_same(&b, &a), is);
	assert_true(br_failure_same(&a, &a));
	assert_true(br_failure_same(&b, &b));
	return is;
}

static struct br_failure stack(const char *frames)
{
	return failure("sanitizer", "heap-use-after-free READ 8", "", frames);
}

static void two_frames_in_common_with_a_top_are_the_same_failure(void **state)
{
	(void)state;
	assert_true(same(stack("f|g|h"), stack("f|g|h")));
	assert_true(same(stack("f|g|h"), stack("f|g|other")));
	assert_true(same(stack("f|g|h"), stack("inlined|f|g")));
	assert_true(same(stack("f|g|h"), stack("f|between|g")));
	assert_true(same(stack("f"), stack("f")));
}

static void frames_below_a_different_top_are_no_sign_of_the_same_failure(void **state)
{
	(void)state;
	assert_false(same(stack("f|run|start"), stack("g|run|start")));
	assert_false(same(stack("f|main"), stack("g|main")));
	assert_false(same(stack("f|g|h"), stack("x|y|z")));
	assert_false(same(stack("f|g|h"), stack("h|g|f")));
	assert_false(same(stack("f|main|<module>"), stack("x|main|<module>")));
}

static void types_must_agree_but_for_the_size_of_an_access(void **state)
{
	struct br_failure a = stack("f|g|h"), b = a, c = a;

	(void)state;
	(void)snprintf(b.type, sizeof b.type, "heap-use-after-free WRITE 1");
	(void)snprintf(c.type, sizeof c.type, "heap-buffer-overflow READ 8");
	assert_true(same(a, b));
	assert_false(same(a, c));
	assert_false(same(failure("exception", "KeyError", "'k'", "f"),
			  failure("exception", "ValueError", "'k'", "f")));
}

static void without_stacks_the_message_decides_and_numbers_do_not_count(void **state)
{
	(void)state;
	assert_true(same(failure("assertion", "assertion", "n > 0 && n < limit", ""),
			 failure("assertion", "assertion", "n > 0 && n <= limit", "")));
	assert_false(same(failure("assertion", "assertion", "n > 0", ""),
			  failure("assertion", "assertion", "head->next != NULL", "")));
	assert_true(same(failure("panic", "panic", "index 7 of 3 at 0x7ffc12ab", ""),
			 failure("panic", "panic", "index 123 of 45 at 0x55d0", "")));
	assert_true(same(failure("build", "compiler", "/tmp/a1/include/x.h: No such file", ""),
			 failure("build", "compiler", "/home/b/x.h: No such file", "")));
}

static void a_single_common_frame_needs_messages_that_are_alike(void **state)
{
	(void)state;
	assert_true(same(failure("exception", "ValueError", "bad token", "f"),
			 failure("exception", "ValueError", "bad token", "f")));
	assert_false(same(failure("exception", "ValueError", "bad token", "main"),
			  failure("exception", "ValueError", "no more input", "main")));
	assert_false(same(failure("exception", "ValueError", "bad token", "f"),
			  failure("exception", "ValueError", "bad token", "g")));
}

static void exit_only_failures_are_the_same_when_they_end_alike(void **state)
{
	struct br_failure one = failure("exit", "", "", ""), two = one,
			  crash = failure("signal", "SIGSEGV", "", "");

	(void)state;
	two.exit = 2;
	assert_true(same(one, one));
	assert_false(same(one, two));
	crash.exit = -1;
	crash.signal = 11;
	assert_false(same(one, crash));
	two.exit = 139; /* the same crash, told by a shell */
	assert_true(same(crash, two));
	two.exit = 134;
	assert_false(same(crash, two));
}

static void hangs_are_the_same_unless_their_stacks_differ(void **state)
{
	struct br_failure hang = failure("timeout", "", "", "");

	(void)state;
	assert_true(same(hang, failure("timeout", "", "", "")));
	assert_true(same(hang, failure("timeout", "", "", "f|main")));
	assert_true(same(failure("timeout", "", "", "f|g|main"), failure("timeout", "", "", "f|g|main")));
	assert_false(same(failure("timeout", "", "", "f|main"), failure("timeout", "", "", "g|main")));
	assert_false(same(hang, failure("exit", "", "", "")));
}

static void signatures_of_other_rules_are_never_the_same(void **state)
{
	struct br_failure a = stack("f|g|h"), b = a;

	(void)state;
	b.version++;
	assert_false(br_failure_same(&a, &b));
}

static void a_title_says_what_is_known(void **state)
{
	struct br_failure f = stack("parse|main"), nothing = {.exit = 3, .kind = "exit"};
	char buf[64];

	(void)state;
	assert_string_equal(br_failure_title(&f, buf, sizeof buf), "heap-use-after-free READ 8 in parse");
	assert_string_equal(br_failure_title(&nothing, buf, sizeof buf), "exit 3");
	nothing = (struct br_failure){.exit = -1, .signal = 11, .kind = "signal"};
	assert_string_equal(br_failure_title(&nothing, buf, sizeof buf), "killed by SIGSEGV");
	f = failure("exception", "KeyError", "'k'", "");
	assert_string_equal(br_failure_title(&f, buf, sizeof buf), "KeyError: 'k'");
	assert_string_equal(br_failure_title(&f, buf, 6), "KeyEr");
	nothing = (struct br_failure){.exit = -1};
	assert_string_not_equal(br_failure_title(&nothing, buf, sizeof buf), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_frames_in_common_with_a_top_are_the_same_failure),
		cmocka_unit_test(frames_below_a_different_top_are_no_sign_of_the_same_failure),
		cmocka_unit_test(types_must_agree_but_for_the_size_of_an_access),
		cmocka_unit_test(without_stacks_the_message_decides_and_numbers_do_not_count),
		cmocka_unit_test(a_single_common_frame_needs_messages_that_are_alike),
		cmocka_unit_test(exit_only_failures_are_the_same_when_they_end_alike),
		cmocka_unit_test(hangs_are_the_same_unless_their_stacks_differ),
		cmocka_unit_test(signatures_of_other_rules_are_never_the_same),
		cmocka_unit_test(a_title_says_what_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
