/* judge.h - reads facts, gives a verdict. Starts no process; reads the log file. */
#ifndef BR_JUDGE_H
#define BR_JUDGE_H

#include "bisect_run/trial.h"

#include <stddef.h>

struct br_err;
struct br_judge;

struct br_judge_cfg {
	const char *const *bad_if; /* PCRE2 patterns, NULL-terminated lists; NULL: none. Copied. */
	const char *const *good_if;
	const char *const *skip_if;
	const char *metric; /* what is measured of a run that passes (measure.h); NULL: nothing */
	const char *limit;  /* a bound on it: ">200ms"; NULL: none */
	const char *const
		*stop_on;     /* as bad_if, and the trial may be ended at such a line: see br_judge_tells */
	bool strict_git;      /* signals and exit 128..255 end the search, as `git bisect run` does */
	bool timeout_is_skip; /* --timeout-is skip */
	bool bad_if_defect; /* exit 0 with a sanitizer's or valgrind's report, or an error that make ignored, is bad */
	bool limit_is_learnt; /* the wall limit was learnt, not given by the user */
};

enum br_role {
	BR_ROLE_GOOD_END, /* the candidate at which the command is expected to pass (with --fixed: the fixed one) */
	BR_ROLE_BAD_END, /* ... to fail (with --broken: the broken one) */
	BR_ROLE_OTHER,
};

/*
 * Compiles the patterns. BR_EUSAGE: a pattern is invalid; the message names the option and shows the
 * pattern with a caret under the place.
 */
int br_judge_open(struct br_judge **out, const struct br_judge_cfg *cfg, struct br_err *err);
/* The verdict on an outcome, in the order of the table in README; see src/judge/judge.c. */
int br_judge_verdict(struct br_judge *j, const struct br_outcome *o, enum br_role role,
		     struct br_verdict *out, struct br_err *err);
/*
 * Tells it how the bad end ended: some outcomes (not found, build failed, hung) that are a skip elsewhere are
 * what is hunted when the bad end ends so too.
 */
void br_judge_learn_bad_end(struct br_judge *j, const struct br_outcome *o, const struct br_verdict *v);
/*
 * Whether lines that were printed so far decide: one matches stop_on, or was too expensive to look at, and the verdict will say that. For
 * struct br_stop_on; j is a struct br_judge.
 */
bool br_judge_tells(void *j, const char *text, size_t n);
void br_judge_limit_is_learnt(struct br_judge *j, bool learnt);
void br_judge_close(struct br_judge *j);

#endif
