/* recogniser.h - one row: a line that a tool prints when something failed, and what it tells. */
#ifndef BR_RECOGNISER_H
#define BR_RECOGNISER_H

#include "bisect_run/trial.h"
#include "judge/frame.h"

#include <stddef.h>
#include <stdint.h>

/*
 * What a line proves, for a COMMAND that did not exit 0. The strongest of all lines decides: a runner that reports a
 * failed test has run it; where a build tool says that nothing could be linked, a panic belongs to the build; a crash
 * outweighs a compiler's message, which outweighs "no such file", which outweighs an exception that may come from any of them.
 */
enum br_says {
	BR_SAYS_NOTHING,  /* names the failure only (and may be a defect under exit 0) */
	BR_SAYS_RAN,	  /* tests ran */
	BR_SAYS_THREW,	  /* an exception or message that ended a program: some failure */
	BR_SAYS_NO_TESTS, /* a runner ran none */
	BR_SAYS_INFRA,	  /* could not run */
	BR_SAYS_BUILD,	  /* could not be built */
	BR_SAYS_FULL,	  /* the machine gave out: disk, memory, processes */
	BR_SAYS_CRASHED,  /* the thing under test ran and broke */
	BR_SAYS_NO_BUILD, /* could not be built, and nothing was run */
	BR_SAYS_TEST,	  /* a runner says that a test failed */
};

enum {
	BR_DEFECT = 1, /* worth a warning when the exit status is 0 */
	BR_LATEST = 2, /* of several such lines the last one counts */
	BR_ABOVE = 8,  /* the line is the one above that of the literal */
	BR_PASSED = 4, /* looked for under exit 0 too (BR_DEFECT, and what tells whether tests ran) */
};

struct br_recogniser {
	const char *name; /* of the format, for people who read the table */
	/* Stands in each such line, and is looked for first. One that begins with a line end stands at the line's start. */
	const char *literal;
	const char *re; /* from the start of that line, some kilobytes on; groups t, m, w, f: see regex.h */
	enum br_says says;
	uint8_t rank; /* the highest names the failure; 0: never */
	uint8_t flags;
	enum br_stack_format stack;
	const char *kind;
	const char *type; /* NULL: group t */
	/* Adds what the pattern can not say; window is the text that it was matched on, file is group f or "". */
	void (*refine)(const char *window, const char *file, struct br_failure *f);
};

struct br_recognisers {
	const struct br_recogniser *row;
	size_t n;
};

/* One table a file. */
const struct br_recognisers *br_recognise_crashes(void);
const struct br_recognisers *br_recognise_languages(void);
const struct br_recognisers *br_recognise_tests(void);
const struct br_recognisers *br_recognise_builds(void);

/* refine.c */
void br_refine_sanitizer(const char *window, const char *file, struct br_failure *f);
void br_refine_ubsan(const char *window, const char *file, struct br_failure *f);
void br_refine_check(const char *window, const char *file, struct br_failure *f);
void br_refine_v8(const char *window, const char *file, struct br_failure *f);
void br_refine_go(const char *window, const char *file, struct br_failure *f);

#endif
