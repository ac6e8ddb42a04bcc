/* literals.h - finds many words in a long text in one pass, so that patterns run only where one of them can match. */
#ifndef BR_LITERALS_H
#define BR_LITERALS_H

#include <stddef.h>

struct br_literals;

/* word n (an index into the list) begins at the offset at. */
typedef void br_literal_found(void *arg, size_t word, size_t at);

/* Words of 1..200 bytes, none twice; copied. Aho and Corasick, CACM 18(6), 1975, as a table of states. */
struct br_literals *br_literals_new(const char *const *words, size_t n);
/*
 * A line end is thought before the text, so that words which begin with one are found at its start: at is SIZE_MAX then.
 * Calls found for each occurrence, in the order of their ends. O(n + occurrences).
 */
void br_literals_scan(const struct br_literals *l, const char *text, size_t n, br_literal_found *found,
		      void *arg);
void br_literals_free(struct br_literals *l); /* NULL is fine */

#endif
