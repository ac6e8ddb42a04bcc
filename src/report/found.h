/* found.h - what was found besides a commit: on a line, in an input, in a set, among hunks. */
#ifndef BR_FOUND_H
#define BR_FOUND_H

#include "base/buf.h"
#include "bisect_run/result.h"

#include <jansson.h>

struct br_reader;

/* Adds "range", "list", "reduce", "subset" and "hunks", those that apply. */
void br_found_json(json_t *o, const struct br_result *r);
void br_found_read(struct br_reader *rd, json_t *o, struct br_result *r);
/* The same in words, a line or more each; nothing where nothing applies. Names and items are escaped for terminals. */
void br_found_text(struct br_buf *b, const struct br_result *r);
/* The answer alone, for scripts. */
void br_found_quiet(struct br_buf *b, const struct br_result *r);
/* Whether the answer is one of these and no commit. */
bool br_found_any(const struct br_result *r);

#endif
