/* evidence.h - what the output of a trial tells about its failure, by the table of recognisers. */
#ifndef BR_EVIDENCE_H
#define BR_EVIDENCE_H

#include "judge/recogniser.h"

struct br_err;
struct br_evidence;

struct br_reading {
	enum br_says says; /* the strongest of all lines; BR_SAYS_NOTHING: none of them tells how it failed */
	bool no_tests;	   /* a runner ran none, and none ran any */
	bool defect;	   /* a line that is worth a warning under exit 0 */
	struct br_failure
		failure; /* kind, type, message, frames of what says; under exit 0 of the defect. kind "": none */
};

struct br_evidence *br_evidence_new(void);
/*
 * Reads all of the text in time O(n), with a bounded number of pattern matches. passed: COMMAND exited 0; then only what
 * matters there is looked for. BR_ESTATE: a pattern of ours is wrong.
 */
int br_evidence_read(struct br_evidence *e, const char *text, size_t n, bool passed, struct br_reading *out,
		     struct br_err *err);
/* Compiles every pattern, which is done when needed otherwise: for tests. */
int br_evidence_check(struct br_evidence *e, struct br_err *err);
void br_evidence_free(struct br_evidence *e); /* NULL is fine */

#endif
