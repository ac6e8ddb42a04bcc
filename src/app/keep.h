/* keep.h - a set of item numbers as a word: "1-5,8,11-12", counted from 1; "-" is the empty one. */
#ifndef BR_KEEP_H
#define BR_KEEP_H

#include <stdbool.h>
#include <stdint.h>

/* keep: rising numbers from 0. The caller frees. */
char *br_keep_text(const uint32_t *keep, uint32_t n);
/* The reverse, for sets of numbers below limit. *out is the caller's. False: it is none. */
bool br_keep_parse(const char *text, uint32_t limit, uint32_t **out, uint32_t *n);

#endif
