/* regex.h - one pattern of our own tables, matched at the start of a short window of the log. */
#ifndef BR_REGEX_H
#define BR_REGEX_H

#include <stdbool.h>
#include <stddef.h>

struct br_err;
struct br_regex;

/* The named groups that a pattern may have (each more than once): (?<t>type) (?<m>message) (?<w>where) (?<f>file). */
enum br_group { BR_GROUP_TYPE, BR_GROUP_MESSAGE, BR_GROUP_WHERE, BR_GROUP_FILE, BR_NGROUP };

struct br_span {
	const char *at; /* into the matched text; NULL: the group took no part */
	size_t n;
};

/* Multi-line mode, anchored at the start of the text, bytes. BR_ESTATE: the pattern is wrong, which is our bug. */
int br_regex_open(struct br_regex **out, const char *re, struct br_err *err);
/* at_line_start false: ^ does not match at the start of the text. Over a limit means no match. */
bool br_regex_match(struct br_regex *r, const char *text, size_t n, bool at_line_start,
		    struct br_span group[BR_NGROUP]);
void br_regex_close(struct br_regex *r); /* NULL is fine */

#endif
