/*
 * detector.h - one link of the chain that turns an outcome into a verdict. To teach the judge something new, write one
 * more and put it into the table in judge.c.
 */
#ifndef BR_DETECTOR_H
#define BR_DETECTOR_H

#include "bisect_run/judge.h"

#include <stdbool.h>
#include <stddef.h>

struct br_err;
struct br_evidence;
struct br_measure;
struct br_pattern;

/* How the bad end ended, as far as it changes what others mean. */
struct br_learnt {
	int cannot_run; /* 126 or 127; 0: it could be run */
	bool hung;
	struct br_failure
		failure; /* it could not be built, or not run, and that is what is hunted; kind "": no */
};

struct br_judge {
	bool strict_git, timeout_is_skip, limit_is_learnt, bad_if_defect;
	struct br_learnt learnt;
	struct br_pattern **skip_if, **stop_on, **bad_if, **good_if; /* NULL-terminated, never NULL */
	struct br_evidence *evidence;
	struct br_measure *measure; /* NULL: nothing is measured */
};

/* What is judged. The text of the log is read when the first detector asks for it. */
struct br_case {
	const struct br_judge *judge;
	const struct br_outcome *outcome;
	enum br_role role;
	char *text;
	size_t ntext;
	bool loaded;
	bool by_pattern; /* a pattern decided, or was too expensive to */
	struct br_failure
		named; /* what the output tells of the failure, for the verdict of a later detector; kind "": nothing */
};

struct br_detector {
	const char *name;
	/* 1: judged, *out set; 0: not mine, ask the next one; or an error. *out comes empty (value NAN, exit -1). */
	int (*judge)(struct br_case *c, struct br_verdict *out, struct br_err *err);
};

/* detect_run.c: what kept COMMAND from running */
int br_detect_setup(struct br_case *c, struct br_verdict *out, struct br_err *err);
int br_detect_build(struct br_case *c, struct br_verdict *out, struct br_err *err);
int br_detect_exec(struct br_case *c, struct br_verdict *out, struct br_err *err);
/* detect_pattern.c: what the user said about the output */
int br_detect_pattern(struct br_case *c, struct br_verdict *out, struct br_err *err);
/* detect_evidence.c: what the output says when nobody else did */
int br_detect_evidence(struct br_case *c, struct br_verdict *out, struct br_err *err);
/* Puts what the output told into a verdict by the way in which COMMAND ended. */
void br_evidence_name(const struct br_case *c, struct br_verdict *v);
/* detect_end.c: how COMMAND ended */
int br_detect_limit(struct br_case *c, struct br_verdict *out, struct br_err *err);
int br_detect_signal(struct br_case *c, struct br_verdict *out, struct br_err *err);
int br_detect_exit(struct br_case *c, struct br_verdict *out, struct br_err *err);

/* All that was kept of the output; empty when there is no log. Borrowed until the case ends. */
int br_case_text(struct br_case *c, const char **text, size_t *n, struct br_err *err);
/* Whether this candidate is the end at which the command is expected to fail (pass). */
bool br_case_must_fail(const struct br_case *c);
bool br_case_must_pass(const struct br_case *c);

/* Sets class, kind ("" for none) and why; returns 1. What does not fit is cut between characters. */
int br_verdict_say(struct br_verdict *v, enum br_class cls, const char *kind, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* Copies into a fixed field, hostile bytes escaped, cut between characters. */
void br_field_put(char *field, size_t size, const char *text);
/* 126 or 127 when this outcome says that COMMAND could not be run, else 0. */
int br_cannot_run(const struct br_outcome *o);
/* The verdict on one for which br_cannot_run is not 0; returns 1. */
int br_judge_cannot_run(struct br_case *c, struct br_verdict *out);

#endif
