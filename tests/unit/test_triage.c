/*
 * test_triage.c - the judge on real outputs: of a hundred tools (class), and of crashes as a production triage service names them
 * (type, frames). The data lies beside the checkout; without it the tests are skipped.
 */
#include "bisect_run/err.h"
#include "bisect_run/judge.h"

#include "base/buf.h"
#include "base/mem.h"
#include "judge/frame.h"
#include "sys/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define DATA "../shared/data/"
#define FILE_MAX (4u << 20)

static char *read_data(const char *folder, const char *name, const char *suffix)
{
	br_auto_free char *path = br_asprintf(DATA "%s/%s%s", folder, name, suffix);
	struct br_err err = {0};
	char *text = NULL;
	size_t n;

	if (br_file_read(path, FILE_MAX, &text, &n, &err) < 0)
		fail_msg("%s", err.msg);
	return text;
}

static void need(const char *folder)
{
	br_auto_free char *path = br_asprintf(DATA "%s/expected.tsv", folder);

	if (access(path, R_OK) == 0)
		return;
	print_message("skipped: %s is not there\n", path);
	skip();
}

/* The verdict on a command that printed this and exited so. */
static struct br_verdict judge(const char *text, int status)
{
	char path[] = "/tmp/test_triage.XXXXXX";
	int fd = mkstemp(path);
	struct br_outcome o = {.end = BR_END_EXIT, .code = status, .log_path = path};
	const struct br_judge_cfg cfg = {0};
	struct br_judge *j = NULL;
	struct br_verdict v;
	struct br_err err = {0};

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	assert_int_equal(close(fd), 0);
	assert_int_equal(br_judge_open(&j, &cfg, &err), BR_OK);
	assert_int_equal(br_judge_verdict(j, &o, BR_ROLE_OTHER, &v, &err), BR_OK);
	br_judge_close(j);
	assert_int_equal(unlink(path), 0);
	return v;
}

/* Up to four fields of the next line of a table; false at its end. */
static bool next_row(char **at, char *field[4])
{
	char *end = *at + strcspn(*at, "\n"), *s = *at;

	if (!**at)
		return false;
	*at = *end ? end + 1 : end;
	*end = '\0';
	for (int i = 0; i < 4; i++) {
		char *tab = s + strcspn(s, "\t");

		field[i] = s;
		s = *tab ? tab + 1 : tab;
		*tab = '\0';
	}
	return true;
}

/* --- classes --- */

static const char *class_of(const struct br_verdict *v)
{
	const char *kind = v->failure.kind;

	if (v->cls == BR_BAD)
		return "failure";
	if (v->cls ==
	    BR_GOOD) /* a defect that exit 0 hid is told, an error that the caller chose to ignore is none */
		return *kind && strcmp(kind, "ignored") != 0 ? "failure" : "ok";
	return strcmp(kind, "build") == 0 ? "build" : "infra";
}

static void outputs_of_a_hundred_tools_are_classed_rightly(void **state)
{
	br_auto_free char *table = NULL;
	unsigned n = 0, right = 0, swapped = 0;
	char *at, *row[4];

	(void)state;
	need("evidence");
	table = read_data("evidence", "expected", ".tsv");
	at = table;
	(void)next_row(&at, row);
	while (next_row(&at, row)) {
		br_auto_free char *out = read_data("evidence", row[0], ".out");
		br_auto_free char *errors = read_data("evidence", row[0], ".err");
		br_auto_free char *text = br_asprintf("%s%s", out, errors);
		struct br_verdict v = judge(text, (int)strtol(row[1], NULL, 10));
		const char *class = class_of(&v);

		n++;
		right += strcmp(class, row[2]) == 0;
		if (strcmp(class, row[2]) != 0)
			print_message("%s: %s, expected %s (%s)\n", row[0], class, row[2], v.why);
		swapped += (strcmp(class, "build") == 0 && strcmp(row[2], "failure") == 0) ||
			   (strcmp(class, "failure") == 0 && strcmp(row[2], "build") == 0);
	}
	print_message("%u of %u classes right, build and failure swapped %u times\n", right, n, swapped);
	assert_true(n > 50);
	assert_true(right * 100 >= n * 97);
	assert_int_equal(swapped, 0);
}

/* --- types and frames --- */

/* The service's words, and ours where they are others; ours that begin with '=' are a kind. */
static const char *const words[][2] = {
	{"Abrt", "ABRT"},
	{"Abrt", "std::length_error"}, /* it knows the signal only */
	{"ASSERT", "assertion"},
	{"ASSERT", "panic"},
	{"UNKNOWN", "SEGV"},
	{"UNKNOWN", "undefined-behavior"},
	{"UNKNOWN READ", "SEGV READ"},
	{"UNKNOWN WRITE", "SEGV WRITE"},
	{"Uncaught exception", "=exception"},
	{"Security exception", "com.code_intelligence.jazzer.api.FuzzerSecurityIssueMedium"},
	{"Invalid memory address", "invalid memory address or nil pointer dereference"},
	{"Arbitrary DNS resolution", "Arbitrary domain name resolution"},
	{"Command injection", "Shell corruption"},
	{"Fatal-signal", "deadly signal"},
	{"Divide-by-zero", "int-divide-by-zero"},
	{"Missing-library", "missing library"},
	{"V8 API error", "V8 error"},
};

static bool type_fits(const char *theirs, const struct br_failure *f)
{
	if (strcasecmp(theirs, f->type) == 0)
		return true;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcmp(theirs, words[i][0]) == 0 &&
		    (words[i][1][0] == '=' ? strcmp(f->kind, words[i][1] + 1) == 0
					   : strcmp(f->type, words[i][1]) == 0))
			return true;
	return false;
}

/* "\n" as two characters to this one, in place. */
static void unescape(char *s, char line_end)
{
	char *out = s;

	for (; *s; s++) {
		if (s[0] == '\\' && s[1] == 'n') {
			*out++ = line_end;
			s++;
		} else {
			*out++ = *s;
		}
	}
	while (out > s && out[-1] == ' ')
		out--;
	*out = '\0';
}

static void plain_name(const char *name, char *out, size_t size)
{
	if (strstr(name, "(*") || *name == '/') /* Go; a module */
		(void)snprintf(out, size, "%s", br_frame_basename(name));
	else
		br_frame_name_native(name, strlen(name), out, size);
}

/*
 * Whether a line of theirs is this frame of ours: they keep template arguments, folders and 80 characters. What they cut
 * must at least begin alike.
 */
static bool frame_fits(const char *theirs, const char *ours)
{
	char name[256];

	plain_name(theirs, name, sizeof name);
	if (strcmp(name, ours) == 0)
		return true;
	return strlen(theirs) >= 80 && strncmp(name, ours, strlen(name)) == 0;
}

/* Their first line may be our message; the others must be our frames, in order. */
static bool state_fits(char *theirs, const struct br_failure *f)
{
	uint32_t n = 0;

	unescape(theirs, '\n');
	if (strcmp(theirs, "NULL") == 0)
		return true;
	for (char *line = strtok_r(theirs, "\n", &theirs); line; line = strtok_r(NULL, "\n", &theirs)) {
		size_t len = strlen(line) < 60 ? strlen(line) : 60;

		if (n == 0 && *f->message && strncasecmp(line, f->message, len) == 0)
			continue;
		if (n >= f->nframe || !frame_fits(line, f->frame[n]))
			return false;
		n++;
	}
	return true;
}

/* Of a file with several rows one must fit. */
struct tally {
	char file[128];
	bool type, frames;
	unsigned n, types, stacks;
};

static void close_file(struct tally *t)
{
	if (!*t->file)
		return;
	if (!t->type || !t->frames)
		print_message("%s:%s%s\n", t->file, t->type ? "" : " another type",
			      t->frames ? "" : " other frames");
	t->n++;
	t->types += t->type;
	t->stacks += t->frames;
}

static void crashes_are_named_as_a_triage_service_does(void **state)
{
	struct tally t = {.file = ""};
	br_auto_free char *table = NULL;
	char *at, *row[4];

	(void)state;
	need("stacks");
	table = read_data("stacks", "expected", ".tsv");
	at = table;
	(void)next_row(&at, row);
	while (next_row(&at, row)) {
		br_auto_free char *text = read_data("stacks", row[0], "");
		struct br_verdict v = judge(text, 1);

		if (strcmp(t.file, row[0]) != 0) {
			close_file(&t);
			(void)snprintf(t.file, sizeof t.file, "%s", row[0]);
			t.type = t.frames = false;
		}
		unescape(row[1], ' ');
		t.type |= strcmp(row[1], "\\N") == 0 || type_fits(row[1], &v.failure);
		t.frames |= strcmp(row[2], "\\N") == 0 || state_fits(row[2], &v.failure);
	}
	close_file(&t);
	print_message("%u of %u types, %u of %u stacks\n", t.types, t.n, t.stacks, t.n);
	assert_true(t.n > 50);
	assert_true(t.types * 100 >= t.n * 90);
	assert_true(t.stacks * 100 >= t.n * 80);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(outputs_of_a_hundred_tools_are_classed_rightly),
		cmocka_unit_test(crashes_are_named_as_a_triage_service_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
