/* test_options.c - what a command line means, and what is said about one that means nothing. */
#include "app/options.h"

#include "base/mem.h"
#include "base/rand.h"
#include "bisect_run/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define ARGS(...) ((const char *const[]){"bisect-run", __VA_ARGS__, NULL})

static int parse(struct br_options *o, const char *const *args, struct br_err *err)
{
	br_auto_strv char **argv = NULL;

	for (size_t i = 0; args[i]; i++)
		br_strv_add(&argv, args[i]);
	return br_options_parse(o, (int)br_strv_len(argv), argv, err);
}

static void assert_parses(struct br_options *o, const char *const *args)
{
	struct br_err err = {0};

	*o = (struct br_options){0};
	if (parse(o, args, &err) != 0)
		fail_msg("%s", err.msg);
}

/* Refused with two lines, in which the two texts stand. */
static void assert_says(const char *const *args, const char *first, const char *second)
{
	struct br_options o = {.verbose = 77};
	struct br_err err = {0};
	char *newline;

	assert_int_equal(parse(&o, args, &err), BR_EUSAGE);
	assert_int_equal(o.verbose, 77); /* untouched */
	newline = strchr(err.msg, '\n');
	assert_non_null(newline);
	assert_null(strchr(newline + 1, '\n'));
	assert_non_null(strstr(newline + 1, second));
	*newline = '\0';
	if (!strstr(err.msg, first))
		fail_msg("'%s' does not say '%s'", err.msg, first);
}

static void assert_list(char *const *list, const char *const *want)
{
	size_t i = 0;

	for (; want[i]; i++) {
		assert_non_null(list);
		assert_non_null(list[i]);
		assert_string_equal(list[i], want[i]);
	}
	assert_true(!list || !list[i]);
}

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

static void a_search_is_read_with_all_its_parts(void **state)
{
	struct br_options o;

	(void)state;
	assert_parses(&o, ARGS("--good", "v1", "--old=v2", "--new", "v3", "--path", "src", "--skip=x",
			       "--build", "make", "--timeout", "1m30s", "-j4", "--bad-if", "x",
			       "--confirm=full", "--timeout-is", "skip", "--env", "A=b=c", "--seed", "9",
			       "-vv", "--", "make", "--good", "-j"));
	assert_int_equal(o.command, BR_CMD_SEARCH);
	assert_list(o.good, LIST("v1", "v2"));
	assert_string_equal(o.bad, "v3");
	assert_list(o.path, LIST("src"));
	assert_list(o.skip, LIST("x"));
	assert_string_equal(o.build, "make");
	assert_true(o.timeout_ns == UINT64_C(90000000000));
	assert_int_equal(o.jobs, 4);
	assert_list(o.bad_if, LIST("x"));
	assert_int_equal(o.confirm, BR_CONFIRM_FULL);
	assert_true(o.timeout_is_skip);
	assert_list(o.env, LIST("A=b=c"));
	assert_int_equal(o.seed, 9);
	assert_int_equal(o.verbose, 2);
	assert_list(o.argv, LIST("make", "--good", "-j"));
	br_options_done(&o);
}

static void a_git_bisect_says_the_ends_itself(void **state)
{
	static const char *const ends[] = {"--good=x", "--new=x", "--broken=x", "x..y"};
	struct br_options o;

	(void)state;
	assert_parses(&o, ARGS("--replay", "log", "--skip", "x", "--first-parent", "--hint", "a", "--hint=b",
			       "--", "true"));
	assert_string_equal(o.replay, "log");
	assert_list(o.hint, LIST("a", "b"));
	br_options_done(&o);
	assert_parses(&o, ARGS("--from-bisect", "--", "true"));
	assert_true(o.from_bisect);
	br_options_done(&o);
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		assert_says(ARGS("--replay", "log", ends[i], "--", "true"), "contradict", "git bisect says");
		assert_says(ARGS(ends[i], "--from-bisect", "--", "true"), "contradict", "git bisect says");
	}
	assert_says(ARGS("--from-bisect", "--replay=x", "--", "true"), "contradict", "one git bisect only");
}

static void nothing_is_assumed_but_the_seed(void **state)
{
	struct br_options o;

	(void)state;
	assert_parses(&o, ARGS("--", "true"));
	assert_int_equal(o.command, BR_CMD_SEARCH);
	assert_null(o.good);
	assert_null(o.bad);
	assert_int_equal(o.seed, 1);
	assert_int_equal(o.jobs, 0);
	assert_int_equal(o.confirm, BR_CONFIRM_AUTO);
	br_options_done(&o);
}

static void a_range_names_good_and_bad(void **state)
{
	struct br_options o;

	(void)state;
	assert_parses(&o, ARGS("v1..v2", "-q", "--", "true"));
	assert_list(o.good, LIST("v1"));
	assert_string_equal(o.bad, "v2");
	assert_int_equal(o.verbose, -1);
	br_options_done(&o);
	assert_parses(&o, ARGS("v1..", "--", "true"));
	assert_list(o.good, LIST("v1"));
	assert_null(o.bad);
	br_options_done(&o);
	assert_parses(&o, ARGS("..v2", "--", "true"));
	assert_list(o.good, LIST("HEAD"));
	assert_string_equal(o.bad, "v2");
	br_options_done(&o);
}

static void subcommands_take_their_words(void **state)
{
	struct br_options o;

	(void)state;
	assert_parses(&o, ARGS("try", "HEAD~3", "--", "show"));
	assert_int_equal(o.command, BR_CMD_TRY);
	assert_list(o.operand, LIST("HEAD~3"));
	assert_list(o.argv, LIST("show"));
	br_options_done(&o);
	assert_parses(&o, ARGS("--json", "show", "12", "-v"));
	assert_int_equal(o.command, BR_CMD_SHOW);
	assert_list(o.operand, LIST("12"));
	assert_true(o.json);
	br_options_done(&o);
	assert_parses(&o, ARGS("amend", "2", "17", "skip"));
	assert_int_equal(o.command, BR_CMD_AMEND);
	assert_list(o.operand, LIST("2", "17", "skip"));
	br_options_done(&o);
	assert_parses(&o, ARGS("clean", "--all"));
	assert_true(o.all);
	br_options_done(&o);
	assert_parses(&o, ARGS("help"));
	assert_int_equal(o.command, BR_CMD_HELP_LONG);
	br_options_done(&o);
}

static void a_command_named_like_a_subcommand_is_searched_with(void **state)
{
	struct br_options o;

	(void)state;
	assert_parses(&o, ARGS("--good", "a", "--", "try", "it"));
	assert_int_equal(o.command, BR_CMD_SEARCH);
	assert_list(o.argv, LIST("try", "it"));
	br_options_done(&o);
}

static void unique_beginnings_of_options_are_enough(void **state)
{
	struct br_options o;

	(void)state;
	assert_parses(&o, ARGS("--first", "--max-tr=5", "--", "true"));
	assert_true(o.first_parent);
	assert_int_equal(o.max_trials, 5);
	br_options_done(&o);
	assert_says(ARGS("--go", "a", "--", "true"), "'--go' may mean --good or --good-if", "write more");
}

static void help_is_given_whatever_else_is_wrong_behind_it(void **state)
{
	struct br_options o;

	(void)state;
	assert_parses(&o, ARGS("-h", "--nonsense"));
	assert_int_equal(o.command, BR_CMD_HELP_SHORT);
	br_options_done(&o);
	assert_parses(&o, ARGS("--help"));
	assert_int_equal(o.command, BR_CMD_HELP_LONG);
	br_options_done(&o);
	assert_parses(&o, ARGS("try", "--version"));
	assert_int_equal(o.command, BR_CMD_VERSION);
	br_options_done(&o);
}

static void slips_are_named_with_what_was_meant(void **state)
{
	struct br_err err = {0};
	struct br_options o;

	(void)state;
	assert_int_equal(parse(&o, ARGS("--god", "HEAD~3", "--", "true"), &err), BR_EUSAGE);
	assert_string_equal(
		err.msg, "unknown option '--god'\ndid you mean --good?  (bisect-run -h lists the options)");
	assert_says(ARGS("--god=HEAD"), "unknown option '--god'", "did you mean --good?");
	assert_says(ARGS("--xyzzy"), "unknown option '--xyzzy'", "-h lists the options");
	assert_says(ARGS("--engine=slurm"), "--engine is not in this version", "-h");
	assert_says(ARGS("--net=lo", "--", "true"), "--net: unknown word 'lo'", "none, loopback, host");
	assert_says(ARGS("--allow=kvm,dry", "--", "true"), "--allow: unknown word 'kvm,dry'",
		    "did you mean dri?");
	assert_says(ARGS("-x"), "unknown option '-x'", "-h");
	assert_says(ARGS("-qx"), "unknown option '-x'", "-h");
	assert_says(ARGS("histroy"), "unknown subcommand 'histroy'", "did you mean history?");
	assert_says(ARGS("--confirm", "ful", "--", "true"), "--confirm: unknown word 'ful'",
		    "did you mean full?");
	assert_says(ARGS("--sandbox=x", "--", "true"), "--sandbox", "auto, strict, basic, none");
	assert_says(ARGS("--json=1", "--", "true"), "--json takes no value", "");
	assert_says(ARGS("--good"), "--good needs a value", "");
	assert_says(ARGS("-j"), "--jobs needs a value", "");
	assert_says((const char *const[]){"bisect-run", NULL}, "usage: bisect-run", "bisect-run -h");
}

static void bad_values_are_named_with_a_good_one(void **state)
{
	(void)state;
	assert_says(ARGS("--timeout", "5x", "--", "true"),
		    "--timeout: '5x' is not a duration; write 90s, 5m or 1h30m", "");
	assert_says(ARGS("--timeout", "0", "--", "true"), "no time at all", "");
	assert_says(ARGS("--max-time", "-1s", "--", "true"), "--max-time: '-1s'", "");
	assert_says(ARGS("--jobs", "0", "--", "true"), "--jobs: '0'", "");
	assert_says(ARGS("-j", "1025", "--", "true"), "-j: '1025'", "");
	assert_says(ARGS("--max-trials", "x", "--", "true"), "--max-trials: 'x'", "");
	assert_says(ARGS("--seed", "18446744073709551616", "--", "true"), "--seed", "");
	assert_says(ARGS("--env", "A", "--", "true"), "--env: 'A'", "--pass-env");
	assert_says(ARGS("--env", "=b", "--", "true"), "--env: '=b'", "");
	assert_says(ARGS("--pass-env", "A=b", "--", "true"), "--pass-env: 'A=b'", "--env A=b");
	assert_says(ARGS("--timeout-is", "good", "--", "true"), "--timeout-is", "bad, skip");
	assert_says(ARGS("--good", "", "--", "true"), "--good: the value is empty", "");
}

static void contradictions_are_refused_in_the_users_own_words(void **state)
{
	(void)state;
	assert_says(ARGS("--good", "a", "--broken", "b", "--", "true"), "--good and --broken", "");
	assert_says(ARGS("--old", "a", "--broken", "b", "--", "true"), "--old and --broken", "");
	assert_says(ARGS("--new", "a", "--fixed", "b", "--", "true"), "--new and --fixed", "");
	assert_says(ARGS("--fixed", "b", "--", "true"), "--fixed needs --broken", "write --broken REV");
	assert_says(ARGS("-q", "-v", "--", "true"), "-q and -v", "");
	assert_says(ARGS("a..b", "--bad", "c", "--", "true"), "a..b and --bad", "");
	assert_says(ARGS("a..b", "--old", "c", "--", "true"), "a..b and --old", "");
	assert_says(ARGS("a..b", "--broken", "c", "--", "true"), "a..b and --broken", "");
	assert_says(ARGS("--bad", "a", "--new", "b", "--", "true"), "--new is given twice",
		    "--good may be repeated");
	assert_says(ARGS("--good", "a", "resume"), "--good means nothing with resume", "");
	assert_says(ARGS("--all", "--", "true"), "--all means nothing with a search", "");
}

static void words_that_make_no_sense_are_refused(void **state)
{
	(void)state;
	assert_says(ARGS("a...b", "--", "true"), "'a...b'", "write A..B");
	assert_says(ARGS("make", "check"), "unexpected word 'make'", "-- make");
	assert_says(ARGS("v1.0", "--", "true"), "unexpected word 'v1.0'", "--good v1.0");
	assert_says(ARGS("a..b", "c..d", "--", "true"), "unexpected word 'c..d'", "");
	assert_says(ARGS("a..b..c", "--", "true"), "unexpected word 'a..b..c'", "");
	assert_says(ARGS("..", "--", "true"), "unexpected word '..'", "");
	assert_says(ARGS("../test.sh"), "unexpected word '../test.sh'", "-- ../test.sh");
	assert_says(ARGS("", "--", "true"), "unexpected word ''", "");
	assert_says(ARGS("try", "a", "b", "--", "true"), "unexpected word 'b'", "");
	assert_says(ARGS("try", "a..b", "--", "true"), "'a..b' is not one revision", "");
	assert_says(ARGS("show", "x"), "'x' is not a number", "history");
	assert_says(ARGS("show", "0"), "'0' is not a number", "history");
	assert_says(ARGS("show", "1", "2"), "unexpected word '2'", "");
	assert_says(ARGS("history", "1"), "unexpected word '1'", "no words");
	assert_says(ARGS("amend", "1"), "amend takes", "good|bad|skip|retry");
	assert_says(ARGS("amend", "x", "bad"), "'x' is not a number of a trial", "show");
	assert_says(ARGS("amend", "1", "skpi"), "'skpi' is not a verdict", "did you mean skip?");
	assert_says(ARGS("status", "--", "true"), "status takes no COMMAND", "");
}

static void a_missing_command_is_asked_for(void **state)
{
	struct br_options o;

	(void)state;
	assert_says(ARGS("--good", "a", "--"), "no COMMAND after --", "--ask");
	assert_says(ARGS("--good", "a"), "no -- COMMAND", "--ask");
	assert_says(ARGS("try", "HEAD", "--"), "no COMMAND after --", "bisect-run try");
	assert_says(ARGS("--path", "--"), "no -- COMMAND", "");
	assert_says(ARGS("--", ""), "empty word", "");
	assert_parses(&o, ARGS("--good", "a", "--ask"));
	assert_null(o.argv);
	br_options_done(&o);
}

static void hostile_words_cannot_break_the_two_lines(void **state)
{
	char longest[3000];

	(void)state;
	memset(longest, '\x1b', sizeof longest);
	longest[sizeof longest - 1] = '\0';
	assert_says(ARGS("a\nb\x1b[31m", "--", "true"), "a\\x0ab\\x1b[31m", "");
	assert_says(ARGS(longest, "--", "true"), "...", "range A..B");
	assert_says(ARGS("--timeout", longest, "--", "true"), "is not a duration", "");
	assert_says(ARGS("--a\nb"), "--a\\x0ab", "");
	longest[0] = longest[1] = '-';
	assert_says(ARGS(longest), "unknown option", "-h");
}

static void the_command_line_wins_over_configuration(void **state)
{
	struct br_options o = {0};
	char prog[] = "bisect-run", jobs[] = "-j2", bad_if[] = "--bad-if=line", off[] = "--no-strict-git",
	     dashes[] = "--", word[] = "true";
	char *argv[] = {prog, jobs, bad_if, off, dashes, word, NULL};

	(void)state;
	assert_int_equal(br_options_default(&o, "jobs", "8", NULL), 0);
	assert_int_equal(br_options_default(&o, "timeout", "5m", NULL), 0);
	assert_int_equal(br_options_default(&o, "bad-if", "one", NULL), 0);
	assert_int_equal(br_options_default(&o, "bad-if", "two", NULL), 0);
	assert_int_equal(br_options_default(&o, "skip-if", "three", NULL), 0);
	assert_int_equal(br_options_default(&o, "Strict-Git", NULL, NULL), 0);
	assert_int_equal(br_options_default(&o, "reuse", "yes", NULL), 0);
	assert_true(o.strict_git && o.reuse);
	assert_int_equal(br_options_parse_over(&o, 6, argv, NULL), 0);
	assert_int_equal(o.jobs, 2);
	assert_true(o.timeout_ns == UINT64_C(300000000000));
	assert_list(o.bad_if, LIST("line"));
	assert_list(o.skip_if, LIST("three"));
	assert_false(o.strict_git);
	assert_true(o.reuse);
	assert_int_equal(o.seed, 1);
	br_options_done(&o);
}

static void wrong_configuration_is_named_by_its_key(void **state)
{
	struct br_options o = {0};
	struct br_err err = {0};

	(void)state;
	assert_int_equal(br_options_default(&o, "timeout", "soon", &err), BR_EUSAGE);
	assert_non_null(strstr(err.msg, "bisectrun.timeout: 'soon' is not a duration"));
	assert_int_equal(br_options_default(&o, "good", "v1", &err), BR_EUSAGE);
	assert_non_null(strstr(err.msg, "bisectrun.good: there is no such setting"));
	assert_int_equal(br_options_default(&o, "reuse", "perhaps", &err), BR_EUSAGE);
	assert_int_equal(br_options_default(&o, "jobs", NULL, &err), BR_EUSAGE);
	br_options_done(&o);
}

static void what_could_open_a_door_is_trusted_from_the_user_alone(void **state)
{
	static const char *const doors[] = {"build",   "with",	  "patch", "env",   "pass-env", "clear-env",
					    "profile", "sandbox", "net",   "allow", "bind",	"ro-bind",
					    "home",    "memory",  "pids",  "disk",  "state",	NULL};
	size_t found = 0;
	const char *name;
	bool trusted;

	(void)state;
	for (size_t i = 0; (name = br_options_config_name(i, &trusted)); i++) {
		bool door = false;

		for (size_t d = 0; doors[d]; d++)
			door |= strcmp(doors[d], name) == 0;
		assert_int_equal(trusted, door);
		found += door;
	}
	assert_int_equal(found, sizeof doors / sizeof *doors - 1);
}

static void the_short_help_fits_a_screen_and_the_long_one_has_all(void **state)
{
	br_auto_free char *few = br_options_help(false), *all = br_options_help(true);
	size_t lines = 0, width = 0;
	const char *name;
	bool trusted;

	(void)state;
	for (const char *p = few, *next; *p; p = next + 1, lines++) {
		next = strchr(p, '\n');
		assert_non_null(next);
		width = (size_t)(next - p) > width ? (size_t)(next - p) : width;
	}
	assert_true(lines <= 60);
	assert_true(width <= 100);
	assert_non_null(strstr(few, "--good, --old REV"));
	assert_non_null(strstr(few, "Examples"));
	for (size_t i = 0; (name = br_options_config_name(i, &trusted)); i++) {
		br_auto_free char *key = br_asprintf("config: bisectrun.%s)", name);

		assert_non_null(strstr(all, key));
	}
	assert_non_null(strstr(all, "Exit status"));
	assert_non_null(strstr(all, "125"));
}

/* Random words from a list that makes sense often enough. */
static char **random_line(struct br_rand *r)
{
	static const char *const words[] = {
		"--good=a b",
		"--bad=v2",
		"--broken=x",
		"--fixed=y",
		"--path=src/it's",
		"--skip=z",
		"--seed=5",
		"--exhaust",
		"--build=make -j",
		"--timeout=1.5s",
		"--build-timeout=7ns",
		"-j3",
		"--with=t.sh@v1",
		"--patch=fix.diff",
		"--clean=all",
		"--fresh",
		"--env=A=b",
		"--pass-env=K",
		"--clear-env",
		"--max-trials=3",
		"--max-time=2h",
		"--ask",
		"--reuse",
		"--bad-if=-x",
		"--good-if=\n",
		"--skip-if=*",
		"--timeout-is=skip",
		"--strict-git",
		"--confirm=off",
		"--sandbox=none",
		"--json",
		"-q",
		"-v",
		"--no-color",
		"--git-log=-",
		"--state=/s",
		"--all",
		"a..b",
		"c..",
		"try",
		"show",
		"7",
		"amend",
		"bad",
		"--first-parent",
	};
	char **argv = NULL;

	br_strv_add(&argv, "bisect-run");
	for (uint64_t n = 1 + br_rand_below(r, 5); n > 0; n--)
		br_strv_add(&argv, words[br_rand_below(r, sizeof words / sizeof *words)]);
	if (br_rand_below(r, 4) > 0) {
		br_strv_add(&argv, "--");
		br_strv_add(&argv, br_rand_below(r, 2) ? "make" : "--good");
	}
	return argv;
}

static bool same(char *const *a, char *const *b)
{
	size_t n = br_strv_len(a);

	if (n != br_strv_len(b))
		return false;
	for (size_t i = 0; i < n; i++)
		if (strcmp(a[i], b[i]) != 0)
			return false;
	return true;
}

static void what_is_unparsed_parses_to_the_same(void **state)
{
	struct br_rand r = {.state = 22};
	int understood = 0;

	(void)state;
	print_message("seed %ju\n", (uintmax_t)r.state);
	for (int round = 0; round < 20000; round++) {
		br_auto_strv char **line = random_line(&r), **once = NULL, **twice = NULL;
		struct br_options o = {0}, again = {0};
		struct br_err err = {0};

		if (br_options_parse(&o, (int)br_strv_len(line), line, &err) != 0) {
			assert_non_null(strchr(err.msg, '\n'));
			assert_ptr_equal(strchr(err.msg, '\n'), strrchr(err.msg, '\n'));
			continue;
		}
		understood++;
		once = br_options_unparse(&o);
		if (br_options_parse(&again, (int)br_strv_len(once), once, &err) != 0)
			fail_msg("round %d: %s", round, err.msg);
		twice = br_options_unparse(&again);
		assert_true(same(once, twice));
		assert_true(same(o.good, again.good) && same(o.operand, again.operand) &&
			    same(o.argv, again.argv));
		assert_int_equal(o.command, again.command);
		assert_int_equal(o.verbose, again.verbose);
		assert_true(o.timeout_ns == again.timeout_ns && o.build_timeout_ns == again.build_timeout_ns);
		br_options_done(&o);
		br_options_done(&again);
	}
	assert_true(understood > 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_search_is_read_with_all_its_parts),
		cmocka_unit_test(a_git_bisect_says_the_ends_itself),
		cmocka_unit_test(nothing_is_assumed_but_the_seed),
		cmocka_unit_test(a_range_names_good_and_bad),
		cmocka_unit_test(subcommands_take_their_words),
		cmocka_unit_test(a_command_named_like_a_subcommand_is_searched_with),
		cmocka_unit_test(unique_beginnings_of_options_are_enough),
		cmocka_unit_test(help_is_given_whatever_else_is_wrong_behind_it),
		cmocka_unit_test(slips_are_named_with_what_was_meant),
		cmocka_unit_test(bad_values_are_named_with_a_good_one),
		cmocka_unit_test(contradictions_are_refused_in_the_users_own_words),
		cmocka_unit_test(words_that_make_no_sense_are_refused),
		cmocka_unit_test(a_missing_command_is_asked_for),
		cmocka_unit_test(hostile_words_cannot_break_the_two_lines),
		cmocka_unit_test(the_command_line_wins_over_configuration),
		cmocka_unit_test(wrong_configuration_is_named_by_its_key),
		cmocka_unit_test(what_could_open_a_door_is_trusted_from_the_user_alone),
		cmocka_unit_test(the_short_help_fits_a_screen_and_the_long_one_has_all),
		cmocka_unit_test(what_is_unparsed_parses_to_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
