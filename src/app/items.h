/* items.h - ordered items that a search names by their number: a range of integers or dates, the lines of a file. */
#ifndef BR_ITEMS_H
#define BR_ITEMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct br_err;
struct br_session;

enum br_items_kind { BR_ITEMS_DECIMAL, BR_ITEMS_HEX, BR_ITEMS_DATE, BR_ITEMS_TEXT };

/* Items 0..n-1. Owned by the caller: br_items_done. */
struct br_items {
	enum br_items_kind kind;
	uint64_t n;
	int64_t first; /* a range: value of item 0; days since 1970 for dates */
	int step;      /* 1 or -1 */
	char **text;   /* BR_ITEMS_TEXT: NULL-terminated */
};

/*
 * Reads "A..B", both ends included: integers (decimal, or 0x...), negative ones too, or dates as YYYY-MM-DD; A may be the larger one.
 * BR_EUSAGE: two lines.
 */
int br_items_range(struct br_items *out, const char *word, struct br_err *err);
/* The lines of a text of n bytes; empty ones and a final "\r" do not count. */
int br_items_lines(struct br_items *out, const char *text, size_t n, struct br_err *err);
/*
 * The lines of the user's file ("-": standard input), or of the copy that this search made of it when it began: neither
 * a pipe nor a file that changes meanwhile may change what is searched.
 */
int br_items_read(struct br_items *out, const struct br_session *s, const char *path, struct br_err *err);
/* The item's text; the caller frees. */
char *br_items_text(const struct br_items *items, uint64_t i);
/* The reverse; -1: none of them. */
int64_t br_items_find(const struct br_items *items, const char *text);
void br_items_done(struct br_items *items);

#endif
