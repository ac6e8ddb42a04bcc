/* failure.c - compares failures. The rules stand in the header. */
#include "bisect_run/failure.h"

#include "base/text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define NFRAME (sizeof((struct br_failure *)0)->frame / sizeof((struct br_failure *)0)->frame[0])
#define MESSAGE_MAX sizeof((struct br_failure *)0)->message

/* What every program has at its bottom: no sign that two stacks belong together. */
static bool is_everywhere(const char *frame)
{
	static const char *const names[] = {"main",   "<module>",  "<main>",
					    "{main}", "main.main", "<anonymous>"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(frame, names[i]) == 0)
			return true;
	return false;
}

static size_t frames_of(const struct br_failure *f)
{
	return f->nframe < NFRAME ? f->nframe : NFRAME;
}

static bool frames_equal(const struct br_failure *a, const struct br_failure *b)
{
	if (frames_of(a) != frames_of(b))
		return false;
	for (size_t i = 0; i < frames_of(a); i++)
		if (strcmp(a->frame[i], b->frame[i]) != 0)
			return false;
	return true;
}

/* Length of the longest common subsequence that has the frame ia of a and ib of b in common first. */
static size_t common_from(const struct br_failure *a, size_t ia, const struct br_failure *b, size_t ib)
{
	size_t best = 0;

	if (strcmp(a->frame[ia], b->frame[ib]) != 0 || is_everywhere(a->frame[ia]))
		return 0;
	for (size_t i = ia + 1; i < frames_of(a); i++)
		for (size_t k = ib + 1; k < frames_of(b); k++) {
			size_t n = common_from(a, i, b, k);

			best = n > best ? n : best;
		}
	return 1 + best;
}

/*
 * Most frames in common of which the first is the top of one side. Without that condition two bugs in neighbours
 * that are called from the same place would be one.
 */
static size_t common_frames(const struct br_failure *a, const struct br_failure *b)
{
	size_t best = 0, n;

	for (size_t k = 0; k < frames_of(b); k++) {
		n = common_from(a, 0, b, k);
		best = n > best ? n : best;
	}
	for (size_t i = 1; i < frames_of(a); i++) {
		n = common_from(a, i, b, 0);
		best = n > best ? n : best;
	}
	return best;
}

static bool is_path_char(char c)
{
	return isalnum((unsigned char)c) || strchr("._-+/~", c);
}

/* Numbers become one '#', paths their last part, and letters keep their case. Returns the length. */
static size_t plain_text(const char *s, char *out, size_t size)
{
	size_t n = 0, word = 0;

	for (; *s && n + 1 < size; s++) {
		if (*s == '/' && n > word && is_path_char(s[1])) {
			n = word; /* a folder: only what follows it counts */
			continue;
		}
		if (isdigit((unsigned char)*s)) {
			while (isxdigit((unsigned char)s[1]) || (s[1] == 'x' && s[0] == '0'))
				s++;
			out[n++] = '#';
			continue;
		}
		out[n++] = *s;
		if (!is_path_char(*s))
			word = n;
	}
	out[n] = '\0';
	return n;
}

/* Length of the longest common subsequence of both texts; O(na * nb) with one row. */
static size_t common_chars(const char *a, size_t na, const char *b, size_t nb)
{
	size_t row[MESSAGE_MAX + 1] = {0};

	for (size_t i = 0; i < na; i++) {
		size_t corner = 0;

		for (size_t k = 0; k < nb; k++) {
			size_t above = row[k + 1];

			if (a[i] == b[k])
				row[k + 1] = corner + 1;
			else if (row[k] > above)
				row[k + 1] = row[k];
			corner = above;
		}
	}
	return row[nb];
}

/* 2 * common / (both lengths) > 0.8 */
static bool texts_alike(const char *a, const char *b)
{
	char pa[MESSAGE_MAX], pb[MESSAGE_MAX];
	size_t na = plain_text(a, pa, sizeof pa), nb = plain_text(b, pb, sizeof pb);

	if (na == nb && memcmp(pa, pb, na) == 0)
		return true;
	return 20 * common_chars(pa, na, pb, nb) > 8 * (na + nb);
}

/* The type without " READ 8", " WRITE": another size of the same access is no other bug. */
static size_t bare_type(const char *type)
{
	const char *read = strstr(type, " READ"), *write = strstr(type, " WRITE");
	const char *end = read ? read : write;

	return end ? (size_t)(end - type) : strlen(type);
}

static bool types_equal(const char *a, const char *b)
{
	size_t n = bare_type(a);

	return n == bare_type(b) && memcmp(a, b, n) == 0;
}

static int signal_of(const struct br_failure *f)
{
	if (f->signal > 0)
		return f->signal;
	return f->exit > 128 && f->exit <= 128 + 64 ? f->exit - 128 : 0;
}

static bool ends_equal(const struct br_failure *a, const struct br_failure *b)
{
	if (signal_of(a) || signal_of(b))
		return signal_of(a) == signal_of(b);
	return a->exit == b->exit;
}

static bool stacks_alike(const struct br_failure *a, const struct br_failure *b)
{
	size_t common;

	if (frames_of(a) > 1 && frames_equal(a, b))
		return true;
	common = common_frames(a, b);
	if (common >= 2)
		return true;
	return (common == 1 || frames_equal(a, b)) && (frames_of(a) < 2 || frames_of(b) < 2) &&
	       texts_alike(a->message, b->message);
}

/* Only how it ended is known. */
static bool is_bare(const struct br_failure *f)
{
	return strcmp(f->kind, "exit") == 0 || strcmp(f->kind, "signal") == 0;
}

bool br_failure_same(const struct br_failure *a, const struct br_failure *b)
{
	bool stacks = frames_of(a) && frames_of(b);

	if (a->version != b->version)
		return false;
	if (is_bare(a) && is_bare(b))
		return ends_equal(a, b) && (!stacks || stacks_alike(a, b));
	if (strcmp(a->kind, b->kind) != 0)
		return false;
	if (strcmp(a->kind, "timeout") == 0 || strcmp(a->kind, "memory") == 0)
		return !stacks || stacks_alike(a, b);
	if (!types_equal(a->type, b->type))
		return false;
	if (stacks)
		return stacks_alike(a, b);
	if (!a->type[0] && !a->message[0] && !b->message[0])
		return ends_equal(a, b);
	return texts_alike(a->message, b->message);
}

static void say_end(const struct br_failure *f, char *buf, size_t size)
{
	char name[24];

	if (f->signal > 0)
		(void)snprintf(buf, size, "killed by %s", br_signal_name(f->signal, name, sizeof name));
	else if (f->exit >= 0 && (!f->kind[0] || is_bare(f)))
		(void)snprintf(buf, size, "exit %d", f->exit);
	else
		(void)snprintf(buf, size, "%s", f->kind[0] ? f->kind : "no failure");
}

const char *br_failure_title(const struct br_failure *f, char *buf, size_t size)
{
	char end[48];
	const char *what = f->type;
	const char *message = f->message;

	say_end(f, end, sizeof end);
	if (!*what)
		what = *message ? message : end;
	if (what == message || strcmp(what, message) == 0)
		message = "";
	(void)snprintf(buf, size, "%s%s%s%s%s", what, *message ? ": " : "", message, f->nframe ? " in " : "",
		       f->nframe ? f->frame[0] : "");
	return buf;
}
