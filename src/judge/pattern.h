/* pattern.h - one PCRE2 pattern of the user's, matched against output in bounded time and memory. */
#ifndef BR_PATTERN_H
#define BR_PATTERN_H

#include <stddef.h>

struct br_err;
struct br_pattern;

enum br_pattern_answer {
	BR_PATTERN_NONE,
	BR_PATTERN_FOUND,
	BR_PATTERN_COSTLY, /* stopped at a limit: neither yes nor no */
};

struct br_hit {
	size_t start, end;	       /* FOUND: the match, as offsets into the text; start <= end <= n */
	size_t group_start, group_end; /* FOUND: its first group; both 0: it has none */
	const char *limit;	       /* COSTLY: which limit, for people */
};

/*
 * Compiles re, named by its option in messages. BR_EUSAGE: invalid; the message has three lines, the last one a
 * caret under the place.
 */
int br_pattern_open(struct br_pattern **out, const char *option, const char *re, struct br_err *err);
/* enum br_pattern_answer, with *hit filled, or an error. text need not end with NUL and may hold any bytes. */
int br_pattern_match(struct br_pattern *p, const char *text, size_t n, struct br_hit *hit,
		     struct br_err *err);
/* "--bad-if" and the pattern, as given. Borrowed. */
const char *br_pattern_option(const struct br_pattern *p);
const char *br_pattern_text(const struct br_pattern *p);
/* The line in which the match begins, free of hostile bytes; a window of it when it is very long. The caller frees. */
char *br_pattern_line(const char *text, size_t n, const struct br_hit *hit);
void br_pattern_close(struct br_pattern *p); /* NULL is fine */

#endif
