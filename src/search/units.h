/* units.h - the passes of a reduction: each says which edits may be tried on the present contents. */
#ifndef BR_UNITS_H
#define BR_UNITS_H

#include "search/lex.h"
#include "search/plan.h"

enum br_pass {
	BR_PASS_ALL,	/* everything at once: is the input looked at at all? */
	BR_PASS_FILES,	/* whole files */
	BR_PASS_BLOCKS, /* bytes in blocks of a size; 1: single ones */
	BR_PASS_LINES,
	BR_PASS_LEVEL,	  /* the elements of a depth of the tree */
	BR_PASS_SOFT,	  /* what stands in parentheses, at a level; attributes */
	BR_PASS_WRAPPERS, /* an element becomes what its block holds */
	BR_PASS_INNER,	  /* a block becomes the largest value within */
	BR_PASS_TOKENS,
	BR_PASS_PAIRS,	    /* both brackets of a pair, not what they hold */
	BR_PASS_VALUES,	    /* numbers, strings and expressions become the simplest */
	BR_PASS_NAMES,	    /* identifiers become one letter, everywhere at once */
	BR_PASS_BLANKS,	    /* blanks that separate nothing */
	BR_PASS_STATEMENTS, /* a statement becomes what its parentheses hold */
	BR_PASS_WINDOWS,    /* two or three tokens side by side; arg: below BR_WINDOWS */
	BR_PASS_CHARS,	    /* UTF-8 characters */
	BR_PASS_ZEROS,	    /* bytes become zero */
	BR_PASS_HUNKS,	    /* of a diff; arg 0: all of a file, 1: single ones */
};

enum { BR_WINDOWS = 5 };

/*
 * lang: of each file; BLOCKS and ZEROS look at binary ones only, ALL and FILES at all, the others at the rest.
 * arg: size of blocks, depth, level, whether hunks; 0 elsewhere. The plan is to be empty; it comes out sealed.
 */
void br_units_plan(struct br_plan *plan, const struct br_doc *doc, const enum br_lang *lang,
		   enum br_pass pass, uint32_t arg);

/* For LEVEL and SOFT: how many depths or levels the deepest file has. */
uint32_t br_units_depths(const struct br_doc *doc, const enum br_lang *lang, enum br_pass pass);

#endif
