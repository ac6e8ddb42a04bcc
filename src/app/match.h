/*
 * match.h - whether a failure is the one that is hunted. Learnt at the bad end, over its repeated runs; used where only that failure may count
 * (--match same, and inputs and hunks without being asked), and before a culprit is named.
 */
#ifndef BR_MATCH_H
#define BR_MATCH_H

#include "bisect_run/trial.h"

#include <stdbool.h>
#include <stddef.h>

struct br_err;
struct br_session;

/* The failures of the bad end that differ from each other. */
struct br_hunted {
	struct br_failure *failure;
	size_t n, cap;
};

/* A failing run at the bad end: what is hunted looks like this. */
void br_match_learn(struct br_session *s, const struct br_trial *t);
/* It failed, but not as the bad end did. */
bool br_match_is_other(const struct br_session *s, const struct br_trial *t);
/* Makes a skip of a trial that failed in another way, where only the hunted failure counts. */
void br_match_judge(const struct br_session *s, struct br_trial *t);
/*
 * All failing runs of this commit failed in another way. From now on only the hunted failure counts, also in trials that were
 * recorded. 1: so it is; 0: it failed as the bad end did, or did not fail; or an error.
 */
int br_match_switch(struct br_session *s, const char *commit, struct br_err *err);
/* "12 trials failed in another way: ...", most frequent first, as a note. */
void br_match_note(struct br_session *s);

#endif
