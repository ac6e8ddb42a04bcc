/* yours.h - "works for me": does an end behave with what lies untracked in the user's own work tree? */
#ifndef BR_YOURS_H
#define BR_YOURS_H

#include "bisect_run/trial.h"

struct br_err;
struct br_question;
struct br_session;

/*
 * The end of q was clean when it should have been wanted (a class as the search sees it). Tries it in copies of the user's work tree: the commit
 * with his untracked and ignored files, and his changes where it is the commit checked out. 1: that makes the difference, *said (the caller's)
 * is what to tell him; 0: it does not. The runs are not recorded: they say nothing about the commit. The engine is another one
 * afterwards.
 */
int br_yours_explain(struct br_session *s, const struct br_question *q, const struct br_trial *clean,
		     enum br_class wanted, char **said, struct br_err *err);

#endif
