/* units_private.h - the passes that have a file of their own. */
#ifndef BR_UNITS_PRIVATE_H
#define BR_UNITS_PRIVATE_H

#include "search/units.h"

/* LEVEL, SOFT, WRAPPERS, INNER, STATEMENTS, VALUES. */
void br_units_tree(struct br_plan *plan, uint32_t file, const struct br_part *part, enum br_lang lang,
		   enum br_pass pass, uint32_t arg);
/* The sections of a diff, or its hunks (a section with fewer than two counts as one). */
void br_units_diff(struct br_plan *plan, uint32_t file, const struct br_part *part, bool hunks);
void br_units_names(struct br_plan *plan, const struct br_doc *doc, const enum br_lang *lang);

#endif
