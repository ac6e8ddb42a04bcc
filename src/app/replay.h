/* replay.h - a search that goes on from git's own: --replay FILE and --from-bisect. */
#ifndef BR_REPLAY_H
#define BR_REPLAY_H

struct br_err;
struct br_session;

/*
 * Sets ends, names, skips, paths and direction of the session from the log that the options name. BR_EPARSE: no such
 * log; BR_ESTATE: no bisect is in progress, or a revision is not here. The log is only read.
 */
int br_replay_resolve(struct br_session *s, struct br_err *err);

#endif
