/* test_report.c - what the reports promise: to people, to programs, to git. */
#include "bisect_run/report.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/rand.h"
#include "bisect_run/err.h"
#include "bisect_run/record.h"
#include "sys/file.h"
#include "sys/spawn.h"

#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <cmocka.h>

#define A40 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B40 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C40 "cccccccccccccccccccccccccccccccccccccccc"

static const struct br_text_style plain = {0}, quiet = {.verbose = -1}, verbose = {.verbose = 1},
				  colored = {.color = true};

static struct br_commit_info make_commit(const char *oid, const char *subject)
{
	struct br_commit_info c = {
		.oid = br_strdup(oid), .short_oid = br_strndup(oid, 7), .subject = br_strdup(subject)};

	c.author = br_strdup("A U Thor");
	c.email = br_strdup("a@example.org");
	c.date = 1714564800;
	c.offset_min = 120;
	return c;
}

static struct br_trial *add_trial(struct br_result *r, const char *item, enum br_phase phase,
				  enum br_class cls)
{
	struct br_trial *t;

	r->trial = br_reallocarray(r->trial, r->ntrial + 1, sizeof *r->trial);
	t = &r->trial[r->ntrial++];
	*t = (struct br_trial){.n = r->ntrial, .phase = phase, .item = br_strdup(item), .point = UINT64_MAX};
	t->verdict.cls = cls;
	t->verdict.value = NAN;
	t->verdict.failure.exit = -1;
	t->outcome.code = cls == BR_BAD;
	t->outcome.wall_ns = 300000000;
	(void)snprintf(t->verdict.why, sizeof t->verdict.why, "exit %d", t->outcome.code);
	t->outcome.log_path = br_asprintf("/logs/%zu.log", r->ntrial);
	return t;
}

static struct br_result isolated(void)
{
	struct br_result r = {.status = BR_STATUS_ISOLATED,
			      .has_commits = true,
			      .confidence = NAN,
			      .seconds = 12,
			      .trials_run = 11};

	r.id = br_strdup("5");
	br_strv_add(&r.good, A40);
	r.bad = br_strdup(C40);
	r.candidates_at_start = 312;
	r.first_bad = br_calloc(1, sizeof *r.first_bad);
	*r.first_bad = make_commit(B40, "parser: accept \"x\"");
	r.candidate = br_calloc(1, sizeof *r.candidate);
	r.candidate[0] = make_commit(B40, "parser: accept \"x\"");
	r.ncandidate = 1;
	r.confirmed = true;
	r.how_sure = br_strdup("Fresh runs agree: 4 bad at it, 3 good at its parent.");
	r.reproduce = br_strdup("git checkout " B40 "\nmake test\n");
	br_strv_add(&r.command, "make");
	br_strv_add(&r.note, "2 commits were assumed untestable");
	(void)add_trial(&r, A40, BR_PHASE_ENDS, BR_GOOD);
	(void)add_trial(&r, C40, BR_PHASE_ENDS, BR_BAD);
	(void)add_trial(&r, B40, BR_PHASE_SEARCH, BR_BAD);
	(void)add_trial(&r, A40, BR_PHASE_CONFIRM, BR_GOOD);
	return r;
}

static void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' is not in:\n%s", part, text);
}

static void assert_lacks(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("'%s' is in:\n%s", part, text);
}

static void the_answer_comes_first_and_all_that_follows_is_there(void **state)
{
	struct br_result r = isolated();
	br_auto_free char *text = br_report_text(&r, &plain);

	(void)state;
	assert_int_equal(strncmp(text, "bbbbbbb is the first bad commit\n", 32), 0);
	assert_has(text, "parser: accept \"x\"");
	assert_has(text, "Author: A U Thor <a@example.org>");
	assert_has(text, "Date:   2024-05-01 14:00:00 +0200");
	assert_has(text, "\nFixes: bbbbbbbbbbbb (\"parser: accept \"x\"\")\n");
	assert_has(text, "Fresh runs agree");
	assert_has(text, "11 tests in 12 s\n");
	assert_has(text, "log: /logs/3.log");
	assert_has(text, "    git checkout " B40 "\n    make test\n");
	assert_has(text, "note: 2 commits were assumed untestable");
	assert_lacks(text, "\033");
	br_result_done(&r);
}

static void a_fix_is_called_a_fix_and_needs_no_fixes_line(void **state)
{
	struct br_result r = isolated();
	br_auto_free char *text = NULL;

	(void)state;
	r.fixed_mode = true;
	text = br_report_text(&r, &plain);
	assert_int_equal(strncmp(text, "bbbbbbb is the first fixed commit\n", 34), 0);
	assert_lacks(text, "Fixes:");
	br_result_done(&r);
}

static void at_most_twenty_files_are_listed(void **state)
{
	struct br_result r = isolated();
	br_auto_free char *text = NULL;

	(void)state;
	r.first_bad->nfile = 23;
	r.first_bad->file = br_calloc(23, sizeof(char *));
	for (size_t i = 0; i < 23; i++)
		r.first_bad->file[i] = br_asprintf("M f%zu.c", i + 1);
	text = br_report_text(&r, &plain);
	assert_has(text, "    M f20.c\n    ... and 3 more\n");
	assert_lacks(text, "f21.c");
	br_result_done(&r);
}

static void quiet_prints_the_answer_alone(void **state)
{
	struct br_result r = isolated();
	br_auto_free char *one = br_report_text(&r, &quiet), *two = NULL, *none = NULL;

	(void)state;
	assert_string_equal(one, B40 "\n");
	r.status = BR_STATUS_NARROWED;
	two = br_report_text(&r, &quiet);
	assert_string_equal(two, B40 "\n");
	r.status = BR_STATUS_NOT_REPRODUCED;
	none = br_report_text(&r, &quiet);
	assert_string_equal(none, "");
	br_result_done(&r);
}

static void verbose_lists_every_trial(void **state)
{
	struct br_result r = isolated();
	br_auto_free char *text = NULL;

	(void)state;
	r.trial[2].cached = true;
	r.trial[3].amended = true;
	text = br_report_text(&r, &verbose);
	assert_has(text, "    1  ends     aaaaaaaaaaaa    good         0.3 s  exit 0\n");
	assert_has(text, "    3  search   bbbbbbbbbbbb    bad         cached  exit 1\n");
	assert_has(text, "    4  confirm  aaaaaaaaaaaa    good         0.3 s  exit 0 (corrected by hand)\n");
	br_result_done(&r);
}

static void all_candidates_are_listed_when_only_skips_are_left(void **state)
{
	struct br_result r = isolated();
	br_auto_free char *text = NULL;

	(void)state;
	r.status = BR_STATUS_NARROWED;
	r.message = br_strdup("narrowed to 2 commits; only skipped commits are left to test");
	br_commit_info_done(r.first_bad);
	free(br_steal(&r.first_bad));
	r.candidate = br_reallocarray(r.candidate, 2, sizeof *r.candidate);
	r.candidate[1] = make_commit(C40, "second");
	r.ncandidate = 2;
	text = br_report_text(&r, &plain);
	assert_int_equal(strncmp(text, "narrowed to 2 commits", 21), 0);
	assert_has(text, "    bbbbbbb parser: accept \"x\"\n    ccccccc second\n");
	br_result_done(&r);
}

static void a_candidate_that_was_skipped_says_why(void **state)
{
	static const struct br_text_style narrow = {.width = 60};
	struct br_result r = isolated();
	br_auto_free char *text = NULL, *clipped = NULL;
	struct br_trial *t;

	(void)state;
	r.status = BR_STATUS_NARROWED;
	r.candidate = br_reallocarray(r.candidate, 2, sizeof *r.candidate);
	r.candidate[1] = make_commit(C40, "a subject that is far too long for a narrow terminal");
	r.ncandidate = 2;
	t = add_trial(&r, C40, BR_PHASE_SEARCH, BR_SKIP);
	(void)snprintf(t->verdict.why, sizeof t->verdict.why, "the build failed: exit 2");
	text = br_report_text(&r, &plain);
	assert_has(text, "terminal (the build failed: exit 2)\n");
	assert_has(text, "    bbbbbbb parser: accept \"x\"\n"); /* it was bad, not skipped */
	clipped = br_report_text(&r, &narrow);
	assert_has(clipped, "... (the build failed: exit 2)\n");
	br_result_done(&r);
}

static void searches_are_one_object(void **state)
{
	char status[] = "running", argv[] = "bisect-run -- true", live[] = "searching";
	struct br_search s = {
		.id = 7, .status = status, .argv = argv, .live = live, .pid = 42, .alive = true};
	const struct br_search_line line[] = {{&s, "running"}};
	br_auto_free char *text = br_report_searches(line, 1), *none = br_report_searches(NULL, 0);
	json_t *o = json_loads(text, 0, NULL), *one;

	(void)state;
	assert_non_null(o);
	one = json_array_get(json_object_get(o, "searches"), 0);
	assert_int_equal(json_integer_value(json_object_get(o, "version")), 1);
	assert_string_equal(json_string_value(json_object_get(one, "id")), "7");
	assert_string_equal(json_string_value(json_object_get(one, "command")), argv);
	assert_true(json_is_true(json_object_get(one, "running")));
	assert_int_equal(json_integer_value(json_object_get(one, "pid")), 42);
	json_decref(o);
	assert_has(none, "\"searches\": []");
}

static void what_was_not_reproduced_comes_with_its_evidence(void **state)
{
	struct br_result r = {.status = BR_STATUS_NOT_REPRODUCED, .confidence = NAN};
	br_auto_free char *text = NULL;

	(void)state;
	r.message = br_strdup("the bad end is good");
	r.evidence = br_strdup("1 test\nall passed\n");
	text = br_report_text(&r, &plain);
	assert_has(text, "the bad end is good\n");
	assert_has(text, "    1 test\n    all passed\n");
	br_result_done(&r);
}

static void a_single_trial_is_one_verdict(void **state)
{
	struct br_result r = {.status = BR_STATUS_TRIED, .confidence = NAN, .trials_run = 1};
	br_auto_free char *text = NULL;

	(void)state;
	(void)add_trial(&r, A40, BR_PHASE_TRY, BR_BAD);
	text = br_report_text(&r, &plain);
	assert_string_equal(text, "bad: exit 1 (0.3 s)\nlog: /logs/1.log\n");
	br_result_done(&r);
}

static void colours_come_when_asked_for_and_never_into_the_fixes_line(void **state)
{
	struct br_result r = isolated();
	br_auto_free char *text = br_report_text(&r, &colored);

	(void)state;
	assert_has(text, "\033[33mbbbbbbb\033[m is the first bad commit");
	assert_has(text, "\nFixes: bbbbbbbbbbbb (\"parser: accept \"x\"\")\n");
	br_result_done(&r);
}

static void hostile_commits_cannot_steer_the_terminal(void **state)
{
	struct br_result r = isolated();
	br_auto_free char *text = NULL;

	(void)state;
	free(r.first_bad->subject);
	r.first_bad->subject = br_strdup("\033]0;owned\007\nFixes: \xFF");
	free(r.first_bad->author);
	r.first_bad->author = br_strdup("\033[2J");
	r.first_bad->file = br_calloc(1, sizeof(char *));
	r.first_bad->file[0] = br_strdup("M \r\033[A");
	r.first_bad->nfile = 1;
	r.evidence = br_strdup("\033c");
	text = br_report_text(&r, &verbose);
	for (const char *p = text; *p; p++)
		assert_true(*p == '\n' || ((unsigned char)*p >= 0x20 && *p != 0x7F));
	assert_has(text, "\\x1b]0;owned\\x07\\x0aFixes: \xEF\xBF\xBD");
	br_result_done(&r);
}

static void long_lines_of_tables_end_at_the_width(void **state)
{
	struct br_result r = isolated();
	struct br_text_style narrow = {.verbose = 1, .width = 80};
	br_auto_free char *text = NULL;

	(void)state;
	(void)memset(r.trial[2].verdict.why, 'x', sizeof r.trial[2].verdict.why - 1);
	text = br_report_text(&r, &narrow);
	assert_has(text, "xxx...\n");
	for (const char *p = strstr(text, "\n test "), *next; p && *p; p = next) {
		next = strchr(p + 1, '\n');
		assert_true(next && next - p <= 81);
		if (!next[1])
			break;
	}
	br_result_done(&r);
}

static void the_json_has_the_keys_of_the_contract(void **state)
{
	static const char *const trial_keys[] = {
		"n",	"oid", "phase",	  "verdict",	   "why",   "exit",    "signal", "timed_out", "wall",
		"user", "sys", "max_rss", "build_seconds", "value", "failure", "cached", "log"};
	struct br_result r = isolated();
	br_auto_free char *text = br_report_json(&r);
	json_t *o = json_loads(text, JSON_REJECT_DUPLICATES, NULL), *commits, *first, *trial;

	(void)state;
	assert_non_null(o);
	assert_int_equal(text[strlen(text) - 1], '\n');
	assert_int_equal(json_integer_value(json_object_get(o, "version")), 1);
	assert_string_equal(json_string_value(json_object_get(o, "id")), "5");
	assert_string_equal(json_string_value(json_object_get(o, "status")), "isolated");
	assert_true(json_is_array(json_object_get(o, "command")));
	assert_true(json_is_real(json_object_get(o, "seconds")));
	assert_int_equal(json_integer_value(json_object_get(o, "trials_run")), 11);
	assert_null(json_object_get(o, "failure"));
	commits = json_object_get(o, "commits");
	assert_string_equal(json_string_value(json_array_get(json_object_get(commits, "good"), 0)), A40);
	assert_string_equal(json_string_value(json_object_get(commits, "bad")), C40);
	assert_int_equal(json_integer_value(json_object_get(commits, "candidates_at_start")), 312);
	assert_string_equal(json_string_value(json_array_get(json_object_get(commits, "candidates"), 0)),
			    B40);
	assert_true(json_is_null(json_object_get(commits, "confidence")));
	first = json_object_get(commits, "first_bad");
	assert_string_equal(json_string_value(json_object_get(first, "oid")), B40);
	assert_string_equal(json_string_value(json_object_get(first, "date")), "2024-05-01T14:00:00+02:00");
	assert_true(json_is_array(json_object_get(first, "parents")));
	trial = json_array_get(json_object_get(o, "trials"), 2);
	for (size_t i = 0; i < sizeof trial_keys / sizeof *trial_keys; i++)
		assert_non_null(json_object_get(trial, trial_keys[i]));
	assert_int_equal(json_integer_value(json_object_get(trial, "exit")), 1);
	assert_true(json_is_null(json_object_get(trial, "signal")));
	assert_true(json_is_null(json_object_get(trial, "value")));
	assert_has(text, "\"wall\": 0.3,");
	json_decref(o);
	br_result_done(&r);
}

static void what_is_not_an_object_id_is_an_item_and_a_signal_is_no_exit(void **state)
{
	struct br_result r = {.status = BR_STATUS_ERROR, .confidence = NAN};
	struct br_trial *t = add_trial(&r, "nightly-3", BR_PHASE_SEARCH, BR_BAD);
	br_auto_free char *text = NULL;
	json_t *o, *trial;

	(void)state;
	t->outcome.end = BR_END_SIGNAL;
	t->outcome.code = 11;
	(void)snprintf(t->verdict.failure.kind, sizeof t->verdict.failure.kind, "signal");
	t->verdict.failure.signal = 11;
	text = br_report_json(&r);
	o = json_loads(text, 0, NULL);
	trial = json_array_get(json_object_get(o, "trials"), 0);
	assert_string_equal(json_string_value(json_object_get(trial, "item")), "nightly-3");
	assert_null(json_object_get(trial, "oid"));
	assert_true(json_is_null(json_object_get(trial, "exit")));
	assert_int_equal(json_integer_value(json_object_get(trial, "signal")), 11);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(trial, "failure"), "signal")),
			 11);
	assert_true(json_is_null(json_object_get(json_object_get(trial, "failure"), "exit")));
	assert_null(json_object_get(o, "commits"));
	json_decref(o);
	br_result_done(&r);
}

static char *random_text(struct br_rand *r, bool oid)
{
	static const char nasty[] = "abc \"\\/\n\t\033\x7F\xC3\xA9\xE2\x82\xFF\xF0\x9F\x98\x80<>'0";
	struct br_buf b = {0};

	for (uint64_t n = oid ? 40 : br_rand_below(r, 30); n > 0; n--)
		br_buf_char(&b, oid ? "0123456789abcdef"[br_rand_below(r, 16)]
				    : nasty[br_rand_below(r, sizeof nasty - 1)]);
	return br_buf_take(&b);
}

static char *maybe_text(struct br_rand *r)
{
	return br_rand_below(r, 4) ? random_text(r, false) : NULL;
}

static void fill(struct br_rand *r, char *field, size_t size)
{
	br_auto_free char *text = random_text(r, false);

	(void)snprintf(field, size, "%s", text);
}

static char **random_list(struct br_rand *r, size_t *n)
{
	size_t total = br_rand_below(r, 4);
	char **out = br_calloc(total + 1, sizeof *out);

	for (*n = 0; *n < total; (*n)++)
		out[*n] = random_text(r, false);
	return out;
}

static struct br_commit_info random_commit(struct br_rand *r)
{
	struct br_commit_info c = {
		.oid = random_text(r, true), .subject = maybe_text(r), .author = maybe_text(r)};

	c.short_oid = br_rand_below(r, 3) ? br_strndup(c.oid, 9) : NULL;
	c.email = maybe_text(r);
	c.date = (int64_t)br_rand_next(r) >> br_rand_below(r, 64);
	c.offset_min = (int)br_rand_below(r, 1800) - 900;
	c.parent = random_list(r, &c.nparent);
	c.file = random_list(r, &c.nfile);
	return c;
}

static void random_failure(struct br_rand *r, struct br_failure *f)
{
	*f = (struct br_failure){.exit = -1};
	if (br_rand_below(r, 2))
		return;
	(void)snprintf(f->kind, sizeof f->kind, "exit");
	fill(r, f->type, sizeof f->type);
	fill(r, f->message, sizeof f->message);
	f->exit = (int)br_rand_below(r, 257) - 1;
	f->signal = (int)br_rand_below(r, 3);
	f->nframe = (uint32_t)br_rand_below(r, 4);
	for (uint32_t i = 0; i < f->nframe; i++)
		fill(r, f->frame[i], sizeof f->frame[i]);
}

static void random_trial(struct br_rand *r, struct br_trial *t, const struct br_result *res)
{
	*t = (struct br_trial){.n = br_rand_below(r, 1000),
			       .phase = (enum br_phase)br_rand_below(r, 4),
			       .point = UINT64_MAX};
	t->item = !br_rand_below(r, 3) && res->first_bad ? br_strdup(res->first_bad->oid)
							 : random_text(r, br_rand_below(r, 2));
	t->outcome.end = (enum br_end)br_rand_below(r, 10);
	t->outcome.code = (int)br_rand_below(r, 256);
	t->outcome.wall_ns = br_rand_next(r) >> (14 + br_rand_below(r, 50));
	t->outcome.build_ns = br_rand_below(r, 2) * 12345678901;
	t->outcome.peak_rss_b = br_rand_next(r) >> 1;
	t->outcome.log_path = maybe_text(r);
	fill(r, t->outcome.note, sizeof t->outcome.note);
	t->verdict.cls = (enum br_class)br_rand_below(r, 3);
	t->verdict.value = br_rand_below(r, 2) ? NAN : 0.25;
	fill(r, t->verdict.why, sizeof t->verdict.why);
	random_failure(r, &t->verdict.failure);
	t->cached = br_rand_below(r, 2);
	t->amended = br_rand_below(r, 2);
}

static struct br_result random_result(struct br_rand *r)
{
	struct br_result res = {.status = (enum br_status)br_rand_below(r, 6),
				.seconds = (double)br_rand_below(r, 1000000) / 7};
	size_t n;

	res.id = maybe_text(r);
	res.message = maybe_text(r);
	res.command = random_list(r, &n);
	res.trials_run = br_rand_below(r, 50);
	res.tests_expected = (double)br_rand_below(r, 30);
	res.fixed_mode = br_rand_below(r, 2);
	res.has_commits = br_rand_below(r, 4);
	res.confidence = NAN;
	if (res.has_commits) {
		res.good = random_list(r, &n);
		res.bad = maybe_text(r);
		res.nearest_bad = maybe_text(r);
		res.skip = random_list(r, &n);
		if (br_rand_below(r, 2)) /* what is no UTF-8 would not come back, and the log quotes it */
			br_strv_add(&res.path, "it's a path!");
		res.first_parent = br_rand_below(r, 2);
		res.candidates_at_start = br_rand_below(r, 100);
		res.first_bad = br_rand_below(r, 3) ? br_calloc(1, sizeof *res.first_bad) : NULL;
		if (res.first_bad)
			*res.first_bad = random_commit(r);
		res.ncandidate = br_rand_below(r, 4);
		res.candidate = br_calloc(res.ncandidate, sizeof *res.candidate);
		for (size_t i = 0; i < res.ncandidate; i++)
			res.candidate[i] = random_commit(r);
		res.confidence = br_rand_below(r, 2) ? NAN : 0.125;
		res.confirmed = br_rand_below(r, 2);
	}
	res.note = random_list(r, &n);
	res.how_sure = maybe_text(r);
	res.reproduce = maybe_text(r);
	res.evidence = maybe_text(r);
	res.state_dir = maybe_text(r);
	random_failure(r, &res.failure);
	res.ntrial = br_rand_below(r, 5);
	res.trial = br_calloc(res.ntrial, sizeof *res.trial);
	for (size_t i = 0; i < res.ntrial; i++)
		random_trial(r, &res.trial[i], &res);
	return res;
}

static void a_result_read_back_makes_the_same_reports(void **state)
{
	struct br_rand rand = {.state = 23};

	(void)state;
	print_message("seed %ju\n", (uintmax_t)rand.state);
	for (int round = 0; round < 1500; round++) {
		struct br_result r = random_result(&rand), back = {0};
		struct br_text_style style = {
			.color = round % 3 == 0, .verbose = round % 4 - 1, .width = round % 5 * 30};
		br_auto_free char *json = br_report_json(&r), *again = NULL,
				  *before = br_report_text(&r, &style), *after = NULL,
				  *log = br_report_git_log(&r), *log_after = NULL;
		struct br_err err = {0};

		if (br_report_json_read(json, &back, &err) != 0)
			fail_msg("round %d: %s\n%s", round, err.msg, json);
		again = br_report_json(&back);
		assert_string_equal(again, json);
		after = br_report_text(&back, &style);
		assert_string_equal(after, before);
		log_after = br_report_git_log(&back);
		assert_string_equal(log_after, log);
		br_result_done(&r);
		br_result_done(&back);
	}
}

static void what_is_not_a_result_is_refused_with_a_reason(void **state)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{"", "not JSON"},
		{"{", "not JSON"},
		{"[]", "\"version\" is missing"},
		{"{\"status\": \"isolated\"}", "\"version\" is missing"},
		{"{\"version\": 2, \"status\": \"isolated\"}", "version 2"},
		{"{\"version\": 1}", "\"status\""},
		{"{\"version\": 1, \"status\": \"lost\"}", "\"status\""},
		{"{\"version\": 1, \"status\": \"error\", \"trials_run\": -1}", "\"trials_run\""},
		{"{\"version\": 1, \"status\": \"error\", \"trials\": [3]}", "\"trials\""},
		{"{\"version\": 1, \"status\": \"error\", \"trials\": [{\"wall\": -1}]}", "\"wall\""},
		{"{\"version\": 1, \"status\": \"error\", \"trials\": [{\"wall\": 1e300}]}", "\"wall\""},
		{"{\"version\": 1, \"status\": \"error\", \"trials\": [{\"exit\": 99999999999}]}",
		 "\"exit\""},
		{"{\"version\": 1, \"status\": \"error\", \"command\": [1]}", "\"command\""},
		{"{\"version\": 1, \"status\": \"error\", \"message\": {}}", "\"message\""},
		{"{\"version\": 1, \"status\": \"error\", \"message\": \"\\u0000\"}", "not JSON"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct br_result r = {.seconds = 42};
		struct br_err err = {0};

		assert_int_equal(br_report_json_read(bad[i].text, &r, &err), BR_EPARSE);
		assert_has(err.msg, bad[i].why);
		assert_true(r.seconds > 41); /* untouched */
	}
}

static void unknown_keys_and_missing_parts_are_fine(void **state)
{
	struct br_result r;
	struct br_err err = {0};

	(void)state;
	assert_int_equal(
		br_report_json_read("{\"version\": 1, \"status\": \"isolated\", \"future\": [1], \"trials\": "
				    "[{\"verdict\": \"bad\", \"signal\": 6, \"new\": 1}], \"commits\": "
				    "{\"candidates\": [\"x\"]}}",
				    &r, &err),
		0);
	assert_int_equal(r.trial[0].outcome.end, BR_END_SIGNAL);
	assert_int_equal(r.trial[0].outcome.code, 6);
	assert_string_equal(r.candidate[0].oid, "x");
	assert_true(isnan(r.confidence));
	br_result_done(&r);
}

static void hooks_are_told_what_they_may_know(void **state)
{
	struct br_result r = isolated();
	br_auto_free char *before = br_report_hook(&r, "pre-trial", &r.trial[2]),
			  *after = br_report_hook(&r, "post-trial", &r.trial[2]),
			  *end = br_report_hook(&r, "notify", NULL);

	(void)state;
	assert_has(before, "\"hook\": \"pre-trial\"");
	assert_has(before, "\"oid\": \"" B40 "\"");
	assert_lacks(before, "verdict");
	assert_has(after, "\"verdict\": \"bad\"");
	assert_has(end, "\"result\": {");
	assert_has(end, "\"status\": \"isolated\"");
	br_result_done(&r);
}

/* A repository of six commits; the log of a search in it. */
struct history {
	char *dir;
	char *oid[6];
};

static char *git(const char *dir, const char *script, int *status)
{
	char sh[] = "/bin/sh", c[] = "-ec", home[] = "HOME=/nonexistent", sys[] = "GIT_CONFIG_NOSYSTEM=1";
	br_auto_free char *path = br_asprintf("PATH=%s", getenv("PATH"));
	br_auto_free char *copy = br_strdup(script);
	char an[] = "GIT_AUTHOR_NAME=a", ae[] = "GIT_AUTHOR_EMAIL=a@b", cn[] = "GIT_COMMITTER_NAME=a",
	     ce[] = "GIT_COMMITTER_EMAIL=a@b";
	char *env[] = {path, home, sys, an, ae, cn, ce, NULL};
	char *out = NULL;
	struct br_err err = {0};

	if (br_spawn_capture((char *[]){sh, c, copy, NULL}, env, dir, 1 << 16, 60000, &out, status, &err) !=
	    0)
		fail_msg("%s", err.msg);
	return out;
}

static int make_history(void **state)
{
	struct history *h = br_calloc(1, sizeof *h);
	char dir[] = "/tmp/br-report-XXXXXX";
	br_auto_free char *out = NULL;
	int status;

	assert_non_null(mkdtemp(dir));
	h->dir = br_strdup(dir);
	out = git(dir,
		  "git init -q .; for i in 1 2 3 4 5 6; do echo $i > f; git add f; git commit -q -m \"commit "
		  "$i\"; done;"
		  "git log --reverse --format=%H",
		  &status);
	assert_int_equal(status, 0);
	assert_true(strlen(out) >= 6 * 41);
	for (size_t i = 0; i < 6; i++)
		h->oid[i] = br_strndup(out + i * 41, 40);
	*state = h;
	return 0;
}

static int remove_history(void **state)
{
	struct history *h = *state;

	assert_int_equal(br_dir_remove(h->dir, NULL), 0);
	for (size_t i = 0; i < 6; i++)
		free(h->oid[i]);
	free(h->dir);
	free(h);
	return 0;
}

static struct br_result search_of(const struct history *h)
{
	struct br_result r = {.status = BR_STATUS_ISOLATED, .has_commits = true, .confidence = NAN};

	br_strv_add(&r.good, h->oid[0]);
	r.bad = br_strdup(h->oid[5]);
	r.first_bad = br_calloc(1, sizeof *r.first_bad);
	*r.first_bad = make_commit(h->oid[3], "commit 4\ngit bisect good HEAD");
	(void)add_trial(&r, h->oid[0], BR_PHASE_ENDS, BR_GOOD);
	(void)add_trial(&r, h->oid[5], BR_PHASE_ENDS, BR_BAD);
	(void)add_trial(&r, h->oid[1], BR_PHASE_SEARCH, BR_SKIP);
	(void)add_trial(&r, h->oid[2], BR_PHASE_SEARCH, BR_BAD); /* flaky: corrected by the next */
	(void)add_trial(&r, h->oid[3], BR_PHASE_SEARCH, BR_BAD);
	(void)add_trial(&r, h->oid[2], BR_PHASE_SEARCH, BR_GOOD);
	(void)add_trial(&r, h->oid[3], BR_PHASE_CONFIRM, BR_BAD);
	(void)add_trial(&r, "not an id\ngit bisect reset", BR_PHASE_SEARCH, BR_BAD);
	return r;
}

static void replay(const struct history *h, const struct br_result *r, const char *then, const char *want)
{
	br_auto_free char *log = br_report_git_log(r), *path = br_asprintf("%s/.git/the-log", h->dir),
			  *out = NULL;
	br_auto_free char *script =
		br_asprintf("git bisect replay .git/the-log >&2; %s; git bisect log", then);
	int status;

	assert_int_equal(br_file_write(path, log, strlen(log), NULL), 0);
	out = git(h->dir, script, &status);
	if (status != 0 || !strstr(out, want))
		fail_msg("status %d\n%s\nfrom\n%s", status, out, log);
	assert_has(out, r->first_bad ? r->first_bad->oid : "");
}

static void git_replays_the_log_to_the_same_answer(void **state)
{
	struct history *h = *state;
	struct br_result r = search_of(h);
	br_auto_free char *want = br_asprintf("# first bad commit: [%s]", h->oid[3]);
	br_auto_free char *log = br_report_git_log(&r),
			  *line = br_asprintf("git bisect start '%s' '%s'\n", h->oid[5], h->oid[0]);

	assert_has(log, line);
	assert_has(log, want);
	assert_lacks(log, "\ngit bisect good HEAD");
	assert_lacks(log, "git bisect reset");
	replay(h, &r, "git rev-parse refs/bisect/bad", want);
	br_result_done(&r);
}

static void git_replays_a_search_for_a_fix_in_its_own_words(void **state)
{
	struct history *h = *state;
	struct br_result r = search_of(h);
	br_auto_free char *want = br_asprintf("# first fixed commit: [%s]", h->oid[3]);
	br_auto_free char *log = NULL;

	r.fixed_mode = true;
	/* Verdicts are facts: the command passes where it is fixed, which is the new state here. */
	for (size_t i = 0; i < r.ntrial; i++)
		if (r.trial[i].verdict.cls != BR_SKIP)
			r.trial[i].verdict.cls = r.trial[i].verdict.cls == BR_GOOD ? BR_BAD : BR_GOOD;
	log = br_report_git_log(&r);
	assert_has(log, "git bisect start '--term-new=fixed' '--term-old=broken' ");
	assert_has(log, want);
	replay(h, &r, "git rev-parse refs/bisect/fixed", want);
	br_result_done(&r);
}

static void git_follows_the_same_commits_and_paths(void **state)
{
	struct history *h = *state;
	struct br_result r = search_of(h);
	br_auto_free char *want = br_asprintf("# first bad commit: [%s]", h->oid[3]);
	br_auto_free char *log = NULL;

	r.first_parent = true;
	br_strv_add(&r.path, "f");
	br_strv_add(&r.path, "it's a!path");
	br_strv_add(&r.skip, h->oid[4]);
	log = br_report_git_log(&r);
	assert_has(log, "git bisect start '--first-parent' ");
	assert_has(log, " '--' 'f' 'it'\\''s a'\\!'path'\n");
	replay(h, &r,
	       "cat .git/BISECT_NAMES >&2; test -e .git/BISECT_FIRST_PARENT; git rev-parse "
	       "refs/bisect/skip-*",
	       want);
	br_result_done(&r);
}

/* Trials that run at once may end in any order, and git goes on from the last bad one. */
static void the_nearest_bad_commit_is_said_last(void **state)
{
	struct history *h = *state;
	struct br_result r = search_of(h);
	br_auto_free char *want = br_asprintf("# first bad commit: [%s]", h->oid[3]);

	(void)add_trial(&r, h->oid[4], BR_PHASE_SEARCH, BR_BAD);
	r.nearest_bad = br_strdup(h->oid[3]);
	replay(h, &r, "git rev-parse refs/bisect/bad", want);
	br_result_done(&r);
}

static void git_goes_on_from_an_unfinished_log(void **state)
{
	struct history *h = *state;
	struct br_result r = search_of(h);
	br_auto_free char *want = NULL;

	r.status = BR_STATUS_INTERRUPTED;
	while (r.ntrial > 3)
		br_trial_done(&r.trial[--r.ntrial]);
	br_commit_info_done(r.first_bad);
	free(br_steal(&r.first_bad));
	want = br_asprintf("git bisect skip %s", h->oid[1]);
	replay(h, &r, "git bisect good HEAD >&2", want);
	br_result_done(&r);
}

static void statuses_have_their_names_and_exit_codes(void **state)
{
	(void)state;
	for (int i = BR_STATUS_ISOLATED; i <= BR_STATUS_TRIED; i++)
		assert_int_equal(br_status_from(br_status_name((enum br_status)i)), i);
	assert_int_equal(br_status_from("running"), -1);
	assert_int_equal(br_status_exit(BR_STATUS_ISOLATED), 0);
	assert_int_equal(br_status_exit(BR_STATUS_ERROR), 1);
	assert_int_equal(br_status_exit(BR_STATUS_INTERRUPTED), 1);
	assert_int_equal(br_status_exit(BR_STATUS_NARROWED), 2);
	assert_int_equal(br_status_exit(BR_STATUS_NOT_REPRODUCED), 3);
}

#define IN_HISTORY(f) cmocka_unit_test_setup_teardown(f, make_history, remove_history)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_answer_comes_first_and_all_that_follows_is_there),
		cmocka_unit_test(a_fix_is_called_a_fix_and_needs_no_fixes_line),
		cmocka_unit_test(at_most_twenty_files_are_listed),
		cmocka_unit_test(quiet_prints_the_answer_alone),
		cmocka_unit_test(verbose_lists_every_trial),
		cmocka_unit_test(all_candidates_are_listed_when_only_skips_are_left),
		cmocka_unit_test(a_candidate_that_was_skipped_says_why),
		cmocka_unit_test(searches_are_one_object),
		cmocka_unit_test(what_was_not_reproduced_comes_with_its_evidence),
		cmocka_unit_test(a_single_trial_is_one_verdict),
		cmocka_unit_test(colours_come_when_asked_for_and_never_into_the_fixes_line),
		cmocka_unit_test(hostile_commits_cannot_steer_the_terminal),
		cmocka_unit_test(long_lines_of_tables_end_at_the_width),
		cmocka_unit_test(the_json_has_the_keys_of_the_contract),
		cmocka_unit_test(what_is_not_an_object_id_is_an_item_and_a_signal_is_no_exit),
		cmocka_unit_test(a_result_read_back_makes_the_same_reports),
		cmocka_unit_test(what_is_not_a_result_is_refused_with_a_reason),
		cmocka_unit_test(unknown_keys_and_missing_parts_are_fine),
		cmocka_unit_test(hooks_are_told_what_they_may_know),
		IN_HISTORY(git_replays_the_log_to_the_same_answer),
		IN_HISTORY(git_replays_a_search_for_a_fix_in_its_own_words),
		IN_HISTORY(git_goes_on_from_an_unfinished_log),
		IN_HISTORY(git_follows_the_same_commits_and_paths),
		IN_HISTORY(the_nearest_bad_commit_is_said_last),
		cmocka_unit_test(statuses_have_their_names_and_exit_codes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
