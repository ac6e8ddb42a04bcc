/* plan.h - what one pass of a reduction may do to the contents: edits, gathered in units of which each is done or not. */
#ifndef BR_PLAN_H
#define BR_PLAN_H

#include "base/arena.h"
#include "bisect_run/reduce.h"
#include "search/items.h"

/* The contents of all files. */
struct br_doc {
	struct br_part *part;
	size_t npart;
};

void br_doc_copy(struct br_doc *out, const struct br_part *part, size_t npart);
void br_doc_done(struct br_doc *doc);
size_t br_doc_bytes(const struct br_doc *doc);
struct br_key br_doc_key(const struct br_doc *doc);
/* A key as text, and back; false: it is none. */
void br_key_write(struct br_key key, char out[BR_REDUCE_KEY + 1]);
bool br_key_read(const char *text, struct br_key *out);

enum br_edit_kind {
	BR_EDIT_REPLACE,   /* the range becomes the text */
	BR_EDIT_SEPARATOR, /* the range goes when its unit goes, or when no later unit of its list stays */
	BR_EDIT_GONE,	   /* the file goes */
};

/*
 * A range [a, b) of a file. Ranges may lie within each other: what an outer edit takes away, an inner one does
 * not see. A unit may have many edits; list 0: none.
 */
struct br_edit {
	enum br_edit_kind kind;
	uint32_t file, unit, list;
	size_t a, b;
	const char *with; /* in the plan's arena, or static; not terminated */
	size_t nwith;
};

/* Zero-initialised is valid and empty. Units are numbered from 0 in the order of the text. */
struct br_plan {
	struct br_edit *edit;
	size_t nedit, cap;
	uint32_t nunit, nlist;
	struct br_arena arena;
};

/* Adds an edit of the newest unit, which br_plan_unit begins. */
void br_plan_unit(struct br_plan *plan);
void br_plan_cut(struct br_plan *plan, uint32_t file, size_t a, size_t b);
void br_plan_replace(struct br_plan *plan, uint32_t file, size_t a, size_t b, const char *with);
void br_plan_add(struct br_plan *plan, struct br_edit edit);
/* To be called once after the last edit: puts them into the order in which they are applied. */
void br_plan_seal(struct br_plan *plan);
/* The contents after the edits of all units but those kept (rising). */
void br_plan_render(const struct br_plan *plan, const struct br_doc *from, const uint32_t *keep,
		    uint32_t nkeep, struct br_doc *out);
void br_plan_done(struct br_plan *plan);

#endif
