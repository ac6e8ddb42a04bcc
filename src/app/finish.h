/* finish.h - how a command ends: the result recorded and printed, the exit status, the signal. */
#ifndef BR_FINISH_H
#define BR_FINISH_H

#include "app/session.h"

/*
 * Records the result and prints it (stdout), with a line on stderr where stdout says nothing. Returns the status' exit code, or an error when
 * the result could not be recorded or printed.
 */
int br_finish(struct br_session *s, enum br_status status, char *const *candidate, struct br_err *err);
/* A confirmed culprit (candidate[0]): what --hunks and --profile want to know of it, then br_finish. cmd_search.c */
int br_finish_culprit(struct br_session *s, char *const *candidate, struct br_err *err);
/* The last step: closes the session, dies by the signal that stopped it if one did. r: of br_finish. Returns the exit status. */
int br_finish_exit(struct br_session *s, const struct br_options *opt, int r, struct br_err *err);
/* When br_session_open failed with code r. Closes what was opened. Returns the exit status. */
int br_finish_unopened(struct br_session *s, const struct br_options *opt, int r, struct br_err *err);
/* An error of a command that has no session: said on stderr (as JSON on stdout too with --json). Returns the exit status. */
int br_finish_usage(const struct br_options *opt, int r, const struct br_err *err);
/* Writes --git-log, if it was asked for and there were commits to search. */
int br_write_git_log(const struct br_result *r, const struct br_options *opt, struct br_err *err);
/* Prints a result as the options want it. BR_ESYS when stdout cannot be written. */
/* Of --sort. */
enum br_profile_sort br_sort_of(const struct br_options *opt);
int br_print_result(const struct br_result *r, const struct br_options *opt, struct br_err *err);

#endif
