/* test_text.c - what the helpers on text promise. */
#include "base/text.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/rand.h"
#include "sys/spawn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static void durations_are_read_in_every_unit(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} cases[] = {
		{"0", 0},
		{"90", 90000000000u},
		{"90s", 90000000000u},
		{"1.5s", 1500000000u},
		{"1.5", 1500000000u},
		{"250ms", 250000000u},
		{"5m", 300000000000u},
		{"5min", 300000000000u},
		{"1h30m", 5400000000000u},
		{"1h30m15s", 5415000000000u},
		{"2d", 172800000000000u},
		{"0.25h", 900000000000u},
		{"1s500ms", 1500000000u},
		{"7us", 7000},
		{"0.000000001s", 1},
		{"0.3333333333333333333333s", 333333333},
		{"18446744073.709551615s", UINT64_MAX},
		{"18446744073709551615ns", UINT64_MAX},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		uint64_t ns = 1;

		if (br_parse_duration(cases[i].text, &ns) != 0 || ns != cases[i].ns)
			fail_msg("%s gave %ju", cases[i].text, (uintmax_t)ns);
	}
}

static void what_is_no_duration_or_does_not_fit_is_refused_and_leaves_the_output_alone(void **state)
{
	static const char *const bad[] = {"",	  "s",	  "5x",	     "-1",	  " 5",
					  "5 s",  "5s ",  "1h30",    "30m1h",	  "1m1m",
					  "1.s",  ".5s",  "1..5s",   "1e3",	  "+4",
					  "0x10", "5M",	  "5S",	     "inf",	  "18446744073.709551616s",
					  "5sm",  "1,5s", "999999d", "213504d1h", "99999999999999999999",
					  "5ss",  "1h1h", "nan",     "5msms",	  "18446744073709551616ns"};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		uint64_t ns = 42;

		if (br_parse_duration(bad[i], &ns) != -1)
			fail_msg("'%s' was taken for %ju ns", bad[i], (uintmax_t)ns);
		assert_int_equal(ns, 42);
	}
}

static void sizes_are_powers_of_1024_and_checked_for_overflow(void **state)
{
	static const char *const bad[] = {
		"", "M", "-1", "1.5G", "5x", "5kk", "16E", "18446744073709551616", "1 k", "5i", "5iB"};
	uint64_t b = 0;

	(void)state;
	assert_int_equal(br_parse_size("512M", &b), 0);
	assert_int_equal(b, 512u << 20);
	assert_int_equal(br_parse_size("2G", &b), 0);
	assert_int_equal(b, 2147483648u);
	assert_int_equal(br_parse_size("64k", &b), 0);
	assert_int_equal(b, 65536);
	assert_int_equal(br_parse_size("64KiB", &b), 0);
	assert_int_equal(b, 65536);
	assert_int_equal(br_parse_size("3MB", &b), 0);
	assert_int_equal(b, 3u << 20);
	assert_int_equal(br_parse_size("17B", &b), 0);
	assert_int_equal(b, 17);
	assert_int_equal(br_parse_size("15E", &b), 0);
	assert_true(b == UINT64_C(15) << 60);
	assert_int_equal(br_parse_size("1000", &b), 0);
	assert_int_equal(b, 1000);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (br_parse_size(bad[i], &b) != -1)
			fail_msg("'%s' was taken for a size", bad[i]);
	assert_int_equal(b, 1000);
}

static void numbers_are_decimal_digits_alone(void **state)
{
	static const char *const bad[] = {"", "-1", "+1", " 1", "1 ", "0x1", "1a", "18446744073709551616"};
	uint64_t n = 7;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(br_parse_u64(bad[i], &n), -1);
	assert_int_equal(n, 7);
	assert_int_equal(br_parse_u64("18446744073709551615", &n), 0);
	assert_true(n == UINT64_MAX);
	assert_int_equal(br_parse_u64("007", &n), 0);
	assert_int_equal(n, 7);
}

static void durations_are_written_for_people(void **state)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} cases[] = {
		{0, "0 s"},
		{1, "1 ms"},
		{3000000, "3 ms"},
		{99400000, "99 ms"},
		{100000000, "0.1 s"},
		{300000000, "0.3 s"},
		{9940000000, "9.9 s"},
		{9960000000, "10 s"},
		{12000000000, "12 s"},
		{59600000000, "1 min"},
		{200000000000, "3 min 20 s"},
		{3599600000000, "1 h"},
		{7500000000000, "2 h 5 min"},
		{86400000000000, "1 d"},
		{100000000000000, "1 d 4 h"},
		{UINT64_MAX, "213504 d"},
	};
	char buf[32];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_string_equal(br_format_duration(cases[i].ns, buf, sizeof buf), cases[i].text);
}

static void assert_quoted(const char *word, const char *quoted)
{
	br_auto_free char *got = br_shell_quote(word);

	assert_string_equal(got, quoted);
}

static void words_are_quoted_only_where_a_shell_needs_it(void **state)
{
	(void)state;
	assert_quoted("make", "make");
	assert_quoted("--build=./configure", "--build=./configure");
	assert_quoted("a/b-c_d.e:f,g@h%i+j", "a/b-c_d.e:f,g@h%i+j");
	assert_quoted("", "''");
	assert_quoted("a b", "'a b'");
	assert_quoted("it's", "'it'\\''s'");
	assert_quoted("$HOME", "'$HOME'");
	assert_quoted("~", "'~'");
	assert_quoted("CC=gcc", "'CC=gcc'");
	assert_quoted("HEAD^", "'HEAD^'");
	assert_quoted("\xC3\xA9", "'\xC3\xA9'");
}

static void what_was_not_written_by_us_is_not_split(void **state)
{
	static const char *const bad[] = {"'open", "a;b", "$HOME", "a\\ b", "\"a\"",
					  "a\nb",  "a|b", "\\",	   "~",	    "*"};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_null(br_shell_split(bad[i]));
}

static char *random_word(struct br_rand *r)
{
	static const char nasty[] = "'\\ \"$`~!#&*()[]{}|;<>?=\n\t\x01\x7F\xC3\xA9\xFF-aZ09";
	struct br_buf b = {0};

	for (uint64_t n = br_rand_below(r, 12); n > 0; n--)
		br_buf_char(&b, nasty[br_rand_below(r, sizeof nasty - 1)]);
	return br_buf_take(&b);
}

static void joined_words_split_into_the_same_words(void **state)
{
	struct br_rand r = {.state = 20};

	(void)state;
	print_message("seed %ju\n", (uintmax_t)r.state);
	for (int round = 0; round < 2000; round++) {
		br_auto_strv char **words = br_calloc(1, sizeof *words);
		br_auto_strv char **again = NULL;
		br_auto_free char *line = NULL;

		for (uint64_t n = br_rand_below(&r, 6); n > 0; n--) {
			br_auto_free char *word = random_word(&r);

			br_strv_add(&words, word);
		}
		line = br_shell_join(words);
		again = br_shell_split(line);
		assert_non_null(again);
		assert_int_equal(br_strv_len(again), br_strv_len(words));
		for (size_t i = 0; words[i]; i++)
			assert_string_equal(again[i], words[i]);
	}
}

static void a_real_shell_reads_what_was_joined(void **state)
{
	static const char *const words[] = {"printf",	     "<%s>\\n", "",	"it's", "a b",
					    "$HOME `id` \\", "*",	"a\nb", NULL};
	br_auto_strv char **copy = br_calloc(1, sizeof *copy);
	br_auto_free char *line = NULL, *said = NULL;
	char sh[] = "/bin/sh", c[] = "-c";
	int status = 0;

	(void)state;
	for (size_t i = 0; words[i]; i++)
		br_strv_add(&copy, words[i]);
	line = br_shell_join(copy);
	assert_int_equal(br_spawn_capture((char *[]){sh, c, line, NULL}, (char *[]){NULL}, NULL, 4096, 20000,
					  &said, &status, NULL),
			 0);
	assert_int_equal(status, 0);
	assert_string_equal(said, "<>\n<it's>\n<a b>\n<$HOME `id` \\>\n<*>\n<a\nb>\n");
}

static void assert_clean(const char *s, size_t n, bool multiline, const char *want)
{
	br_auto_free char *got = br_text_clean(s, n, multiline);

	assert_string_equal(got, want);
}

static void hostile_bytes_cannot_steer_a_terminal(void **state)
{
	(void)state;
	assert_clean("plain \xC3\xA9 \xE2\x82\xAC", 12, false, "plain \xC3\xA9 \xE2\x82\xAC");
	assert_clean("\x1B[31m", 5, false, "\\x1b[31m");
	assert_clean("a\0b", 3, false, "a\\x00b");
	assert_clean("a\nb\tc\rd", 7, false, "a\\x0ab\\x09c\\x0dd");
	assert_clean("a\nb\tc\rd", 7, true, "a\nb\tc\\x0dd");
	assert_clean("\xC2\x9B[1m", 5, true, "\\x9b[1m");
	assert_clean("\x7F", 1, true, "\\x7f");
	assert_clean("\xFF", 1, true, "\xEF\xBF\xBD");
	assert_clean("a\xE2\x80\xAE"
		     "b",
		     5, true,
		     "a\xEF\xBF\xBD"
		     "b");
}

static void assert_utf8(const char *s, size_t n, const char *want)
{
	br_auto_free char *got = br_text_utf8(s, n);

	assert_string_equal(got, want);
}

#define FFFD "\xEF\xBF\xBD"

static void invalid_utf8_is_replaced_as_unicode_recommends(void **state)
{
	(void)state;
	assert_utf8("", 0, "");
	assert_utf8("\xF0\x9F\x98\x80", 4, "\xF0\x9F\x98\x80");
	assert_utf8("a\0b", 3, "a" FFFD "b");
	assert_utf8("\xC0\xAF", 2, FFFD FFFD);			 /* overlong */
	assert_utf8("\xED\xA0\x80", 3, FFFD FFFD FFFD);		 /* a surrogate */
	assert_utf8("\xF4\x90\x80\x80", 4, FFFD FFFD FFFD FFFD); /* above U+10FFFF */
	assert_utf8("\xE2\x82", 2, FFFD);			 /* cut short: one */
	assert_utf8("\xF0\x9F\x98"
		    "a",
		    4, FFFD "a");
	assert_utf8("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF"
		    "A",
		    9, FFFD FFFD FFFD FFFD "A"); /* table 3-11 */
	assert_utf8("\x80\xBF", 2, FFFD FFFD);
	assert_utf8("\x1B\n", 2, "\x1B\n");
}

static void the_result_is_always_valid_and_stays_so(void **state)
{
	struct br_rand r = {.state = 21};

	(void)state;
	print_message("seed %ju\n", (uintmax_t)r.state);
	for (int round = 0; round < 5000; round++) {
		char raw[24];
		size_t n = br_rand_below(&r, sizeof raw);
		br_auto_free char *once = NULL, *twice = NULL, *clean = NULL;

		for (size_t i = 0; i < n; i++) /* high bytes and leads more often than chance would */
			raw[i] = (char)(br_rand_below(&r, 2) ? 0x80 + br_rand_below(&r, 0x80)
							     : br_rand_below(&r, 256));
		once = br_text_utf8(raw, n);
		twice = br_text_utf8(once, strlen(once));
		assert_string_equal(once, twice);
		clean = br_text_clean(raw, n, false);
		for (const char *p = clean; *p; p++)
			assert_true((unsigned char)*p >= 0x20 && *p != 0x7F);
	}
}

static void a_slip_of_the_finger_is_recognised(void **state)
{
	static const char *const words[] = {"good",   "bad",	      "broken", "history",
					    "status", "first-parent", "show",	NULL};

	(void)state;
	assert_int_equal(br_text_nearest("god", words), 0);
	assert_int_equal(br_text_nearest("goood", words), 0);
	assert_int_equal(br_text_nearest("GOOD", words), 0);
	assert_int_equal(br_text_nearest("histroy", words), 3);
	assert_int_equal(br_text_nearest("brokn", words), 2);
	assert_int_equal(br_text_nearest("frist-parnet", words), 5);
	assert_int_equal(br_text_nearest("shwo", words), 6);
	assert_int_equal(br_text_nearest("frobnicate", words), -1);
	assert_int_equal(br_text_nearest("x", words), -1);
	assert_int_equal(br_text_nearest("", words), -1);
	assert_int_equal(br_text_nearest("zz", words), -1);
	assert_int_equal(br_text_nearest("ogod", words), 0);
	assert_int_equal(br_text_nearest("match", (const char *const[]){"path", NULL}), -1);
	assert_int_equal(br_text_nearest("list", (const char *const[]){"with", "hint", NULL}), -1);
	assert_int_equal(br_text_nearest("node", (const char *const[]){"good", "none", NULL}), 1);
}

static void a_word_of_any_length_is_looked_up_safely(void **state)
{
	static const char *const words[] = {"good", NULL};
	br_auto_free char *longest = br_malloc(100001);

	(void)state;
	memset(longest, 'g', 100000);
	longest[100000] = '\0';
	assert_int_equal(br_text_nearest(longest, words), -1);
}

static void signals_have_their_usual_names(void **state)
{
	char buf[24];

	(void)state;
	assert_string_equal(br_signal_name(11, buf, sizeof buf), "SIGSEGV");
	assert_string_equal(br_signal_name(6, buf, sizeof buf), "SIGABRT");
	assert_string_equal(br_signal_name(70, buf, sizeof buf), "signal 70");
	assert_string_equal(br_signal_name(-1, buf, sizeof buf), "signal -1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_are_read_in_every_unit),
		cmocka_unit_test(what_is_no_duration_or_does_not_fit_is_refused_and_leaves_the_output_alone),
		cmocka_unit_test(sizes_are_powers_of_1024_and_checked_for_overflow),
		cmocka_unit_test(numbers_are_decimal_digits_alone),
		cmocka_unit_test(durations_are_written_for_people),
		cmocka_unit_test(words_are_quoted_only_where_a_shell_needs_it),
		cmocka_unit_test(what_was_not_written_by_us_is_not_split),
		cmocka_unit_test(joined_words_split_into_the_same_words),
		cmocka_unit_test(a_real_shell_reads_what_was_joined),
		cmocka_unit_test(hostile_bytes_cannot_steer_a_terminal),
		cmocka_unit_test(invalid_utf8_is_replaced_as_unicode_recommends),
		cmocka_unit_test(the_result_is_always_valid_and_stays_so),
		cmocka_unit_test(a_slip_of_the_finger_is_recognised),
		cmocka_unit_test(a_word_of_any_length_is_looked_up_safely),
		cmocka_unit_test(signals_have_their_usual_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
