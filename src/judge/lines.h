/* lines.h - reads a log line by line, colours and line ends taken off, each in bounded space. */
#ifndef BR_LINES_H
#define BR_LINES_H

#include <stdbool.h>
#include <stddef.h>

#define BR_LINE_MAX 2048 /* with the final NUL; the rest of a longer line is left out */

struct br_loglines {
	const char *text;
	size_t n, at; /* at: where the next line begins */
	size_t from;  /* where the current one began */
	char line[BR_LINE_MAX];
};

/* false at the end of the text. NULs in the line become '?'. */
bool br_loglines_next(struct br_loglines *l);
/*
 * Copies text without escape sequences and carriage returns, wide blanks as plain ones, at most size - 1 bytes; NUL-terminated, NULs as '?'.
 * Returns the length.
 */
size_t br_loglines_plain(const char *text, size_t n, char *out, size_t size);

#endif
