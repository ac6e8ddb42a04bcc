/* test_judge.c - what the judge guarantees: the verdict table, the patterns, their bounds. */
#include "bisect_run/err.h"
#include "bisect_run/judge.h"

#include "base/mem.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct br_judge *judge_with(const struct br_judge_cfg *cfg)
{
	struct br_judge *j = NULL;
	struct br_err err = {0};

	assert_int_equal(br_judge_open(&j, cfg, &err), BR_OK);
	return j;
}

static struct br_verdict ask(struct br_judge *j, const struct br_outcome *o, enum br_role role)
{
	struct br_verdict v;
	struct br_err err = {0};

	assert_int_equal(br_judge_verdict(j, o, role, &v, &err), BR_OK);
	assert_true(v.llr == (v.cls == BR_BAD ? INFINITY : v.cls == BR_GOOD ? -INFINITY : 0));
	assert_true(isnan(v.value));
	assert_true(v.why[0] != '\0');
	return v;
}

static struct br_verdict judge_once(const struct br_judge_cfg *cfg, enum br_end end, int code,
				    enum br_role role)
{
	struct br_judge *j = judge_with(cfg);
	struct br_outcome o = {.end = end, .code = code};
	struct br_verdict v = ask(j, &o, role);

	br_judge_close(j);
	return v;
}

static const struct br_judge_cfg plain = {0};

/* A log file that lives as long as a test. */
struct log {
	char path[64];
	struct br_outcome outcome;
};

static void log_make(struct log *l, const void *text, size_t n)
{
	int fd;

	(void)snprintf(l->path, sizeof l->path, "/tmp/test_judge.XXXXXX");
	fd = mkstemp(l->path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, n), (ssize_t)n);
	assert_int_equal(close(fd), 0);
	l->outcome = (struct br_outcome){.end = BR_END_EXIT, .log_path = l->path};
}

static void log_done(struct log *l)
{
	assert_int_equal(unlink(l->path), 0);
}

static struct br_verdict judge_text(const struct br_judge_cfg *cfg, const char *text, int status)
{
	struct br_judge *j = judge_with(cfg);
	struct br_verdict v;
	struct log l;

	log_make(&l, text, strlen(text));
	l.outcome.code = status;
	v = ask(j, &l.outcome, BR_ROLE_OTHER);
	log_done(&l);
	br_judge_close(j);
	return v;
}

static const char *const *one(const char **list, const char *re)
{
	list[0] = re;
	list[1] = NULL;
	return list;
}

static void every_row_of_the_table_gives_its_class(void **state)
{
	static const struct {
		enum br_end end;
		int code;
		enum br_class cls;
		const char *kind, *type, *why;
		int exit, signal;
	} row[] = {
		{BR_END_EXIT, 0, BR_GOOD, "", "", "exit 0", -1, 0},
		{BR_END_EXIT, 1, BR_BAD, "exit", "", "exit 1", 1, 0},
		{BR_END_EXIT, 124, BR_BAD, "exit", "", "exit 124", 124, 0},
		{BR_END_EXIT, 125, BR_SKIP, "", "", "exit 125", -1, 0},
		{BR_END_EXIT, 126, BR_SKIP, "infra", "cannot be executed",
		 "COMMAND could not be run: cannot be executed (exit 126)", 126, 0},
		{BR_END_EXIT, 127, BR_SKIP, "infra", "not found",
		 "COMMAND could not be run: not found (exit 127)", 127, 0},
		{BR_END_EXIT, 128, BR_BAD, "exit", "", "exit 128", 128, 0},
		{BR_END_EXIT, 139, BR_BAD, "exit", "exit 139 (SIGSEGV in a child)",
		 "exit 139 (128 + SIGSEGV, as a shell reports it)", 139, 0},
		{BR_END_EXIT, 255, BR_BAD, "exit", "", "exit 255", 255, 0},
		{BR_END_SIGNAL, SIGSEGV, BR_BAD, "signal", "SIGSEGV", "killed by SIGSEGV (11)", -1, SIGSEGV},
		{BR_END_SIGNAL, 60, BR_BAD, "signal", "signal 60", "killed by signal 60", -1, 60},
		{BR_END_MEMORY, 0, BR_BAD, "memory", "", "ran over the memory limit", -1, 0},
		{BR_END_PIDS, 0, BR_BAD, "pids", "", "ran over the limit on processes", -1, 0},
		{BR_END_DISK, 0, BR_BAD, "disk", "", "ran over the limit on disk space", -1, 0},
		{BR_END_MEMORY, 1, BR_SKIP, "memory", "",
		 "ran over the memory limit that protects this machine; --memory sets your own", -1, 0},
		{BR_END_EXEC, ENOENT, BR_SKIP, "infra", "not found", "COMMAND could not be run: not found",
		 127, 0},
		{BR_END_EXEC, EACCES, BR_SKIP, "infra", "cannot be executed",
		 "COMMAND could not be run: Permission denied", 126, 0},
		{BR_END_BUILD, 2, BR_SKIP, "build", "", "the build failed: exit 2", 2, 0},
		{BR_END_BUILD, 137, BR_SKIP, "build", "", "the build failed: exit 137 (128 + SIGKILL)", 137,
		 0},
		{BR_END_BUILD_TIMEOUT, 0, BR_SKIP, "build", "", "the build ran over its limit", -1, 0},
		{BR_END_SETUP, 0, BR_SKIP, "setup", "", "no work tree", -1, 0},
		{BR_END_CANCELLED, 0, BR_SKIP, "", "", "cancelled: its answer was no longer needed", -1, 0},
		{BR_END_LOST, 0, BR_SKIP, "infra", "", "the worker died", -1, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct br_verdict v = judge_once(&plain, row[i].end, row[i].code, BR_ROLE_OTHER);

		assert_string_equal(v.why, row[i].why);
		assert_int_equal(v.cls, row[i].cls);
		assert_string_equal(v.failure.kind, row[i].kind);
		assert_string_equal(v.failure.type, row[i].type);
		assert_int_equal(v.failure.exit, row[i].exit);
		assert_int_equal(v.failure.signal, row[i].signal);
		assert_false(v.error);
		assert_false(v.over_learnt);
	}
}

static void every_exit_status_has_a_verdict(void **state)
{
	(void)state;
	for (int status = 0; status < 256; status++) {
		struct br_verdict v = judge_once(&plain, BR_END_EXIT, status, BR_ROLE_OTHER);
		enum br_class want = status == 0		      ? BR_GOOD
				     : status >= 125 && status <= 127 ? BR_SKIP
								      : BR_BAD;

		assert_int_equal(v.cls, want);
	}
}

static void an_impossible_outcome_is_an_error_and_never_a_verdict(void **state)
{
	struct br_judge *j = judge_with(&plain);
	struct br_outcome o = {.end = BR_END_EXIT, .code = 256};
	struct br_verdict v;
	struct br_err err = {0};

	(void)state;
	assert_int_equal(br_judge_verdict(j, &o, BR_ROLE_OTHER, &v, &err), BR_ESTATE);
	assert_non_null(strstr(err.msg, "256"));
	br_judge_close(j);
}

static void command_not_found_at_the_good_end_stops_the_search(void **state)
{
	static const struct {
		enum br_end end;
		int code;
		const char *why;
	} row[] = {
		{BR_END_EXIT, 127, "COMMAND could not be run at the good end: not found (exit 127)"},
		{BR_END_EXIT, 126, "COMMAND could not be run at the good end: cannot be executed (exit 126)"},
		{BR_END_EXEC, ENOENT, "COMMAND could not be run at the good end: not found"},
		{BR_END_EXEC, ENOEXEC, "COMMAND could not be run at the good end: Exec format error"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct br_verdict v = judge_once(&plain, row[i].end, row[i].code, BR_ROLE_GOOD_END);

		assert_true(v.error);
		assert_int_equal(v.cls, BR_SKIP);
		assert_string_equal(v.why, row[i].why);
	}
}

static void not_found_is_bad_only_when_the_bad_end_ended_so_too(void **state)
{
	struct br_judge *j = judge_with(&plain);
	struct br_outcome missing = {.end = BR_END_EXIT, .code = 127};
	struct br_outcome denied = {.end = BR_END_EXIT, .code = 126};
	struct br_outcome exec_missing = {.end = BR_END_EXEC, .code = ENOENT};
	struct br_verdict v;

	(void)state;
	assert_int_equal(ask(j, &missing, BR_ROLE_OTHER).cls, BR_SKIP);
	v = ask(j, &missing, BR_ROLE_BAD_END);
	assert_int_equal(v.cls, BR_BAD);
	assert_string_equal(v.failure.kind, "exit");
	br_judge_learn_bad_end(j, &missing, &v);
	assert_int_equal(ask(j, &missing, BR_ROLE_OTHER).cls, BR_BAD);
	assert_int_equal(ask(j, &exec_missing, BR_ROLE_OTHER).cls, BR_BAD);
	assert_int_equal(ask(j, &denied, BR_ROLE_OTHER).cls, BR_SKIP);
	assert_true(ask(j, &missing, BR_ROLE_GOOD_END).error);
	br_judge_close(j);
}

static void strict_git_stops_at_crashes_and_only_there(void **state)
{
	const struct br_judge_cfg cfg = {.strict_git = true};
	struct br_verdict v = judge_once(&cfg, BR_END_SIGNAL, SIGABRT, BR_ROLE_OTHER);

	(void)state;
	assert_true(v.error);
	assert_non_null(strstr(v.why, "killed by SIGABRT (6): --strict-git"));
	assert_true(judge_once(&cfg, BR_END_EXIT, 128, BR_ROLE_OTHER).error);
	assert_true(judge_once(&cfg, BR_END_EXIT, 255, BR_ROLE_OTHER).error);
	assert_false(judge_once(&cfg, BR_END_EXIT, 124, BR_ROLE_OTHER).error);
	assert_false(judge_once(&cfg, BR_END_EXIT, 127, BR_ROLE_OTHER).error);
	assert_false(judge_once(&cfg, BR_END_TIMEOUT, 5, BR_ROLE_OTHER).error);
}

static void a_limit_of_the_users_is_bad_or_skip_as_asked(void **state)
{
	const struct br_judge_cfg skip = {.timeout_is_skip = true};
	struct br_verdict v = judge_once(&plain, BR_END_TIMEOUT, 5, BR_ROLE_OTHER);

	(void)state;
	assert_int_equal(v.cls, BR_BAD);
	assert_string_equal(v.failure.kind, "timeout");
	assert_false(v.over_learnt);
	v = judge_once(&skip, BR_END_TIMEOUT, 5, BR_ROLE_OTHER);
	assert_int_equal(v.cls, BR_SKIP);
	assert_string_equal(v.failure.kind, "timeout");
}

static void a_learnt_limit_asks_for_another_try_and_is_bad_only_if_the_bad_end_hung(void **state)
{
	struct br_judge *j = judge_with(&plain);
	struct br_outcome hung = {.end = BR_END_TIMEOUT, .limit_ns = 3000000000u};
	struct br_verdict v;

	(void)state;
	br_judge_limit_is_learnt(j, true);
	v = ask(j, &hung, BR_ROLE_OTHER);
	assert_true(v.over_learnt);
	assert_int_equal(v.cls, BR_SKIP);
	v = ask(j, &hung, BR_ROLE_BAD_END);
	assert_int_equal(v.cls, BR_BAD);
	br_judge_learn_bad_end(j, &hung, &v);
	v = ask(j, &hung, BR_ROLE_OTHER);
	assert_true(v.over_learnt);
	assert_int_equal(v.cls, BR_BAD);
	br_judge_close(j);
}

static void patterns_win_whatever_the_exit_status_in_the_order_skip_bad_good(void **state)
{
	const char *skip[2], *bad[2], *good[2];
	const struct br_judge_cfg cfg = {
		.skip_if = one(skip, "^SKIP"), .bad_if = one(bad, "^BAD"), .good_if = one(good, "^GOOD$")};

	(void)state;
	assert_int_equal(judge_text(&cfg, "x\nGOOD\nBAD\nSKIP\n", 0).cls, BR_SKIP);
	assert_int_equal(judge_text(&cfg, "x\nGOOD\nBAD\n", 0).cls, BR_BAD);
	assert_int_equal(judge_text(&cfg, "x\nGOOD\n", 1).cls, BR_GOOD);
	assert_int_equal(judge_text(&cfg, "x\nGOOD\n", 125).cls, BR_GOOD);
	assert_int_equal(judge_text(&cfg, "x\nGOOD\n", 127).cls, BR_GOOD);
	assert_int_equal(judge_text(&cfg, "x GOOD\n", 1).cls, BR_BAD);
	assert_int_equal(judge_text(&cfg, "", 0).cls, BR_GOOD);
}

static void a_pattern_that_matched_is_the_failure_with_its_line(void **state)
{
	const char *bad[2];
	const struct br_judge_cfg cfg = {.bad_if = one(bad, "wr[o]ng")};
	struct br_verdict v = judge_text(&cfg, "one\ntwo is \x1b[31mwrong\xff\r\nthree\n", 0);

	(void)state;
	assert_int_equal(v.cls, BR_BAD);
	assert_string_equal(v.why, "matched --bad-if wr[o]ng");
	assert_string_equal(v.failure.kind, "pattern");
	assert_string_equal(v.failure.type, "wr[o]ng");
	assert_string_equal(v.failure.message, "two is \\x1b[31mwrong\xef\xbf\xbd");
	assert_int_equal(v.failure.exit, 0);
}

static void patterns_overrule_crashes_and_limits_but_nothing_that_did_not_run(void **state)
{
	const char *good[2];
	const struct br_judge_cfg cfg = {.good_if = one(good, "fine")};
	static const struct {
		enum br_end end;
		enum br_class cls;
	} row[] = {
		{BR_END_SIGNAL, BR_GOOD}, {BR_END_TIMEOUT, BR_GOOD},   {BR_END_MEMORY, BR_GOOD},
		{BR_END_BUILD, BR_SKIP},  {BR_END_SETUP, BR_SKIP},     {BR_END_EXEC, BR_SKIP},
		{BR_END_LOST, BR_SKIP},	  {BR_END_CANCELLED, BR_SKIP},
	};
	struct br_judge *j = judge_with(&cfg);
	struct log l;

	(void)state;
	log_make(&l, "fine\n", 5);
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		l.outcome.end = row[i].end;
		l.outcome.code = 2;
		assert_int_equal(ask(j, &l.outcome, BR_ROLE_OTHER).cls, row[i].cls);
	}
	log_done(&l);
	br_judge_close(j);
}

static void patterns_match_bytes_of_any_kind(void **state)
{
	static const char text[] = "a\0b\xff\xfe\nfound\0here\n";
	const char *bad[2];
	struct br_judge_cfg cfg = {.bad_if = one(bad, "\\xff\\xfe\\nfound\\x00h")};
	struct br_judge *j = judge_with(&cfg);
	struct log l;

	(void)state;
	log_make(&l, text, sizeof text - 1);
	assert_int_equal(ask(j, &l.outcome, BR_ROLE_OTHER).cls, BR_BAD);
	br_judge_close(j);
	cfg.bad_if = one(bad, "(*UTF)^f\\X.nd");
	j = judge_with(&cfg);
	assert_int_equal(ask(j, &l.outcome, BR_ROLE_OTHER).cls, BR_BAD);
	log_done(&l);
	br_judge_close(j);
}

static void a_trial_that_was_ended_at_its_telling_line_is_bad_by_that_line(void **state)
{
	const char *stop[2], *skip[2];
	struct br_judge_cfg cfg = {.stop_on = one(stop, "^panic:.*$"), .skip_if = one(skip, "^SKIP")};
	struct br_judge *j = judge_with(&cfg);
	struct br_outcome o = {.end = BR_END_LINE};
	struct br_verdict v;
	struct log l;

	(void)state;
	log_make(&l, "boot\npanic: no init\nmore\n", 26);
	l.outcome.end = BR_END_LINE;
	v = ask(j, &l.outcome, BR_ROLE_OTHER);
	assert_int_equal(v.cls, BR_BAD);
	assert_string_equal(v.why, "matched --stop-on ^panic:.*$");
	assert_string_equal(v.failure.kind, "pattern");
	assert_string_equal(v.failure.message, "panic: no init");
	assert_int_equal(v.failure.exit, -1);
	log_done(&l);
	assert_int_equal(ask(j, &o, BR_ROLE_OTHER).cls, BR_BAD); /* the log did not keep it */
	br_judge_close(j);
	assert_int_equal(judge_text(&cfg, "panic: x\n", 0).cls, BR_BAD); /* it was quicker than we */
	assert_int_equal(judge_text(&cfg, "panic: x\nSKIP\n", 1).cls, BR_SKIP);
	assert_int_equal(judge_text(&cfg, "no panic: x\n", 0).cls, BR_GOOD);
}

static void an_exploding_pattern_is_a_skip_that_says_so_in_bounded_time(void **state)
{
	static const char *const res[] = {"[^z]*+q", "((a*)*)*b"};
	enum { N = 200000 };
	char *text = br_malloc(N + 1);

	(void)state;
	memset(text, 'a', N);
	memcpy(text + N - 5, "\nqqb\n", 5); /* or PCRE2 sees at once that a needed letter is missing */
	text[N] = '\0';
	for (size_t i = 0; i < sizeof res / sizeof *res; i++) {
		const char *bad[2];
		const struct br_judge_cfg cfg = {.bad_if = one(bad, res[i])};
		struct br_verdict v = judge_text(&cfg, text, 0);

		assert_int_equal(v.cls, BR_SKIP);
		assert_non_null(strstr(v.why, "the pattern --bad-if "));
		assert_non_null(strstr(v.why, "too expensive on this output ("));
		assert_string_equal(v.failure.kind, "pattern");
	}
	free(text);
}

static void an_invalid_pattern_is_shown_with_a_caret_under_the_place(void **state)
{
	static const struct {
		const char *option, *re, *want;
	} row[] = {
		{"--bad-if", "foo(bar", "--bad-if: missing closing parenthesis at 7\nfoo(bar\n       ^"},
		{"--good-if", "a**+?b[", NULL},
		{"--skip-if", "\xc3\xa9\t[b-a]",
		 "--skip-if: range out of order in character class at 6\n"
		 "\xc3\xa9?[b-a]\n     ^"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct br_judge *j = NULL;
		struct br_judge_cfg cfg = {0};
		struct br_err err = {0};
		const char *list[2];

		*(row[i].option[2] == 'b'   ? &cfg.bad_if
		  : row[i].option[2] == 'g' ? &cfg.good_if
					    : &cfg.skip_if) = one(list, row[i].re);
		assert_int_equal(br_judge_open(&j, &cfg, &err), BR_EUSAGE);
		assert_null(j);
		if (row[i].want)
			assert_string_equal(err.msg, row[i].want);
		assert_int_equal(strncmp(err.msg, row[i].option, strlen(row[i].option)), 0);
	}
}

static void a_long_invalid_pattern_shows_the_window_around_the_place(void **state)
{
	char re[3001];
	const char *list[2];
	struct br_judge_cfg cfg = {.bad_if = one(list, re)};
	struct br_judge *j = NULL;
	struct br_err err = {0};

	(void)state;
	memset(re, 'x', 3000);
	re[2000] = ')';
	re[3000] = '\0';
	assert_int_equal(br_judge_open(&j, &cfg, &err), BR_EUSAGE);
	assert_non_null(strstr(err.msg, "at 2000\n"));
	assert_true(strlen(err.msg) < 400);
	/* The caret stands right under the parenthesis. */
	assert_int_equal(strchr(err.msg, ')') - strchr(err.msg, '\n'),
			 strchr(err.msg, '^') - strrchr(err.msg, '\n'));
}

static void an_unreadable_log_is_an_error_and_never_a_verdict(void **state)
{
	const char *bad[2];
	const struct br_judge_cfg cfg = {.bad_if = one(bad, "x")};
	struct br_judge *j = judge_with(&cfg);
	char path[] = "/nonexistent/1.log";
	struct br_outcome o = {.end = BR_END_EXIT, .log_path = path};
	struct br_verdict v;
	struct br_err err = {0};

	(void)state;
	assert_true(br_judge_verdict(j, &o, BR_ROLE_OTHER, &v, &err) < 0);
	assert_non_null(strstr(err.msg, path));
	br_judge_close(j);
}

static void output_that_was_left_out_is_said_when_no_pattern_matched(void **state)
{
	const char *bad[2];
	const struct br_judge_cfg cfg = {.bad_if = one(bad, "x")};
	struct br_judge *j = judge_with(&cfg);
	struct log l;
	struct br_verdict v;

	(void)state;
	log_make(&l, "abc\n", 4);
	l.outcome.omitted_b = 5000;
	v = ask(j, &l.outcome, BR_ROLE_OTHER);
	assert_int_equal(v.cls, BR_GOOD);
	assert_string_equal(v.why, "exit 0; the patterns did not see 5000 bytes left out");
	log_done(&l);
	br_judge_close(j);
}

static void long_and_hostile_notes_fit_and_are_clean(void **state)
{
	struct br_judge *j = judge_with(&plain);
	struct br_outcome o = {.end = BR_END_SETUP};
	struct br_verdict v;

	(void)state;
	for (size_t i = 0; i + 2 < sizeof o.note; i += 2)
		memcpy(o.note + i, "\xc3\xa9", 2);
	o.note[0] = '\x1b';
	v = ask(j, &o, BR_ROLE_OTHER);
	assert_null(strchr(v.why, '\x1b'));
	assert_true(strlen(v.why) >= sizeof v.why - 3);
	assert_int_equal(v.why[strlen(v.why) - 1] & 0xff, 0xa9);
	br_judge_close(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_of_the_table_gives_its_class),
		cmocka_unit_test(every_exit_status_has_a_verdict),
		cmocka_unit_test(an_impossible_outcome_is_an_error_and_never_a_verdict),
		cmocka_unit_test(command_not_found_at_the_good_end_stops_the_search),
		cmocka_unit_test(not_found_is_bad_only_when_the_bad_end_ended_so_too),
		cmocka_unit_test(strict_git_stops_at_crashes_and_only_there),
		cmocka_unit_test(a_limit_of_the_users_is_bad_or_skip_as_asked),
		cmocka_unit_test(a_learnt_limit_asks_for_another_try_and_is_bad_only_if_the_bad_end_hung),
		cmocka_unit_test(patterns_win_whatever_the_exit_status_in_the_order_skip_bad_good),
		cmocka_unit_test(a_pattern_that_matched_is_the_failure_with_its_line),
		cmocka_unit_test(patterns_overrule_crashes_and_limits_but_nothing_that_did_not_run),
		cmocka_unit_test(patterns_match_bytes_of_any_kind),
		cmocka_unit_test(a_trial_that_was_ended_at_its_telling_line_is_bad_by_that_line),
		cmocka_unit_test(an_exploding_pattern_is_a_skip_that_says_so_in_bounded_time),
		cmocka_unit_test(an_invalid_pattern_is_shown_with_a_caret_under_the_place),
		cmocka_unit_test(a_long_invalid_pattern_shows_the_window_around_the_place),
		cmocka_unit_test(an_unreadable_log_is_an_error_and_never_a_verdict),
		cmocka_unit_test(output_that_was_left_out_is_said_when_no_pattern_matched),
		cmocka_unit_test(long_and_hostile_notes_fit_and_are_clean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
