/* debug_compare.c - good and bad side by side: the first line where they part. */
#include "app/debug.h"

#include "app/session.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "bisect_run/err.h"
#include "sys/file.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { LONG_NUMBER = 4 }; /* digits from which on a number may be a process id, an inode, a time */
enum { BEFORE = 3 };	  /* equal lines shown before the first that differs */
#define LOG_MAX_B (256u << 20)

/* What differs from run to run: hexadecimal addresses, process ids, of a trace any long number. */
static size_t skip_volatile(const char *p, const char *end, bool traced)
{
	const char *at = p;

	if (end - p > 2 && p[0] == '0' && p[1] == 'x') {
		for (at += 2; at < end && isxdigit((unsigned char)*at); at++)
			;
		return (size_t)(at - p);
	}
	if (end - p > 4 && strncmp(p, "pid ", 4) == 0) {
		for (at += 4; at < end && (isdigit((unsigned char)*at) || *at == ' '); at++)
			;
		return (size_t)(at - p);
	}
	if (traced && end - p >= 4 && p[0] == '\\' && p[1] == 'x')
		return 4;
	for (; traced && at < end && isdigit((unsigned char)*at); at++)
		;
	return at - p >= LONG_NUMBER ? (size_t)(at - p) : 0;
}

static bool same_line(const char *a, const char *b, bool traced)
{
	const char *end_a = strchrnul(a, '\n'), *end_b = strchrnul(b, '\n');

	while (a < end_a && b < end_b) {
		size_t va = skip_volatile(a, end_a, traced), vb = skip_volatile(b, end_b, traced);

		if (!va != !vb || (!va && *a != *b))
			return false;
		a += va ? va : 1;
		b += vb ? vb : 1;
	}
	return a == end_a && b == end_b;
}

size_t br_debug_part(const char *good, const char *bad, bool traced)
{
	for (size_t line = 1; *good || *bad; line++) {
		size_t ng = strcspn(good, "\n"), nb = strcspn(bad, "\n");

		if (!*good || !*bad || !same_line(good, bad, traced))
			return line;
		good += ng + (good[ng] == '\n');
		bad += nb + (bad[nb] == '\n');
	}
	return 0;
}

static void print_line(const char *mark, const char *text, size_t number)
{
	size_t n;

	for (; number > 1 && *text; number--)
		text += strcspn(text, "\n") + (text[strcspn(text, "\n")] == '\n');
	n = strcspn(text, "\n");
	if (*text) {
		br_auto_free char *clean = br_text_clean(text, n, false);

		printf("%s %s\n", mark, clean);
	} else {
		printf("%s (the output ends here)\n", mark);
	}
}

static int text_of(const struct br_trial *t, char **out, struct br_err *err)
{
	size_t n;

	if (!t->outcome.log_path)
		return br_fail(err, BR_ESTATE, "%s printed nothing that was kept", t->item);
	return br_file_read(t->outcome.log_path, LOG_MAX_B, out, &n, err);
}

static int print_difference(const struct br_trial *good, const struct br_trial *bad, bool traced,
			    struct br_err *err)
{
	br_auto_free char *a = NULL;
	br_auto_free char *b = NULL;
	int rc = text_of(good, &a, err);
	size_t line;

	if (rc == 0)
		rc = text_of(bad, &b, err);
	if (rc < 0)
		return rc;
	line = br_debug_part(a, b, traced);
	printf("good: %s\nbad:  %s\n", good->verdict.why, bad->verdict.why);
	if (!line) {
		printf("their outputs are the same\n");
		return 0;
	}
	printf("their outputs part at line %zu:\n", line);
	for (size_t i = line > BEFORE ? line - BEFORE : 1; i < line; i++)
		print_line("      ", a, i);
	print_line("good  ", a, line);
	print_line("bad   ", b, line);
	return 0;
}

int br_debug_compare(struct br_session *s, const struct br_pair *pair, struct br_err *err)
{
	const struct br_question q[2] = {
		{.label = pair->good, .phase = BR_PHASE_TRY, .role = BR_ROLE_OTHER},
		{.label = pair->bad, .phase = BR_PHASE_TRY, .role = BR_ROLE_OTHER},
	};
	size_t answer[2];
	int rc = br_session_start(s, err);

	if (rc == 0)
		rc = br_session_ask(s, q, 2, answer, err);
	return rc < 0 ? rc : print_difference(&s->trial[answer[0]], &s->trial[answer[1]], pair->traced, err);
}
