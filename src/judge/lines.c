/* lines.c - lines without colours. */
#include "judge/lines.h"

#include <string.h>

#define SKIP_MAX_B (1u << 20) /* how far the end of a line is looked for */

/* Length of the escape sequence at s: ESC [ ... letter (ECMA-48), or ESC and one more. */
static size_t escape_len(const char *s, size_t n)
{
	size_t i = 2;

	if (n < 2)
		return n;
	if (s[1] != '[')
		return 2;
	while (i < n && i < 24 && ((s[i] >= '0' && s[i] <= '9') || s[i] == ';' || s[i] == '?'))
		i++;
	return i < n ? i + 1 : n;
}

/* Web pages and loggers turn indentation into U+00A0 and U+2003. */
static size_t wide_blank_len(const char *s, size_t n)
{
	if (n >= 2 && memcmp(s, "\xc2\xa0", 2) == 0)
		return 2;
	return n >= 3 && memcmp(s, "\xe2\x80\x83", 3) == 0 ? 3 : 0;
}

size_t br_loglines_plain(const char *text, size_t n, char *out, size_t size)
{
	size_t len = 0, blank;

	for (size_t i = 0; i < n && len + 1 < size;) {
		if (text[i] == '\033') {
			i += escape_len(text + i, n - i);
			continue;
		}
		blank = wide_blank_len(text + i, n - i);
		if (blank) {
			out[len++] = ' ';
			i += blank;
			continue;
		}
		if (text[i] != '\r')
			out[len++] = text[i] ? text[i] : '?';
		i++;
	}
	out[len] = '\0';
	return len;
}

bool br_loglines_next(struct br_loglines *l)
{
	const char *start = l->text + l->at, *end;
	size_t left = l->n - l->at, len;

	if (!left)
		return false;
	end = memchr(start, '\n', left < SKIP_MAX_B ? left : SKIP_MAX_B);
	len = end ? (size_t)(end - start) : (left < SKIP_MAX_B ? left : SKIP_MAX_B);
	(void)br_loglines_plain(start, len, l->line, sizeof l->line);
	l->from = l->at;
	l->at += len + (end ? 1 : 0);
	return true;
}
