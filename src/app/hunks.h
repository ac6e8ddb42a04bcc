/* hunks.h - --hunks: inside the first bad commit, the smallest set of its hunks that breaks its parent. */
#ifndef BR_APP_HUNKS_H
#define BR_APP_HUNKS_H

struct br_err;
struct br_session;

/*
 * Fills s->hunks for this commit, and says what the bad end does without it. What cannot be had is a note; an error is one that ends the
 * search.
 */
int br_hunks_run(struct br_session *s, const char *culprit, struct br_err *err);

#endif
