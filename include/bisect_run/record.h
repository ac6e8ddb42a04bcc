/*
 * record.h - the one record of searches and trials: an SQLite database in the state directory.
 * A trial is on disk when br_record_trial returns (WAL, synchronous=NORMAL: a killed process loses nothing).
 */
#ifndef BR_RECORD_H
#define BR_RECORD_H

#include "bisect_run/trial.h"

#include <stddef.h>

struct br_err;
struct br_record;

/* A search as stored. Strings are owned by whoever got the row (br_search_done). */
struct br_search {
	int64_t id;   /* rises from 1; people type it */
	char *status; /* running, isolated, narrowed, not-reproduced, interrupted, error, tried */
	char *message;
	char *argv;   /* effective options and command, NUL-free text: one shell-quoted line */
	char *cwd;    /* where the user stood */
	char *basis;  /* hash of all that a verdict depends on besides the tree */
	char *ends;   /* resolved revisions, the app's own text */
	char *result; /* JSON object of the result without trials; NULL while running */
	char *live;   /* one line: what a running search does now */
	int64_t pid;  /* of the process that runs it */
	uint64_t started_ns, ended_ns; /* CLOCK_REALTIME */
	uint64_t busy_ns;	       /* time spent, over all sessions of it */
	uint64_t trials;	       /* read only: number of rows, and of those that were really run */
	uint64_t trials_run;
	bool alive; /* read only: a process holds its lock now */
};

/*
 * Opens state_dir/record.db, making directory and file when create is set. BR_ENOTFOUND: not there and not create.
 * A file that may not be written is opened for looking alone, unless create is set: then writes fail.
 * BR_ESYS / BR_ESTATE: says which directory and what to do (--state DIR). A record of a newer version is refused.
 */
int br_record_open(struct br_record **out, const char *state_dir, bool create, struct br_err *err);
void br_record_close(struct br_record *r);

/* Stores a new search (id is set) and takes its lock: held until close, so that others see it alive. */
int br_record_search_new(struct br_record *r, struct br_search *s, struct br_err *err);
/* Takes the lock of a stored search to go on with it. BR_ESTATE: another process runs it. */
int br_record_search_take(struct br_record *r, int64_t id, struct br_err *err);
/* Writes status, message, result, live, basis, ends, busy_ns, ended_ns, pid of s->id. NULL members stay as they are. */
int br_record_search_update(struct br_record *r, const struct br_search *s, struct br_err *err);
/* id 0: the newest. BR_ENOTFOUND. */
int br_record_search_get(struct br_record *r, int64_t id, struct br_search *out, struct br_err *err);
/* All, oldest first. *out is an array to free after br_search_done of each. Returns the count. */
int br_record_search_list(struct br_record *r, struct br_search **out, struct br_err *err);
/* Takes away the lock file of a search that nobody runs; resuming makes it again. BR_ESTATE: another process runs it. */
int br_record_search_tidy(struct br_record *r, int64_t id, struct br_err *err);
/* Removes the database's files and the locks, when no search is left in it (else BR_ESTATE). Only br_record_close may follow. */
int br_record_remove(struct br_record *r, struct br_err *err);
int br_record_search_delete(struct br_record *r, int64_t id, struct br_err *err);
void br_search_done(struct br_search *s);

/*
 * Appends a trial of the search; sets trial->n when it is 0. On disk on return.
 */
int br_record_trial(struct br_record *r, int64_t search, struct br_trial *trial, struct br_err *err);
/* All trials of a search by n; voided ones (amend retry) left out. *out: array, br_trial_done each, then free. Returns the count. */
int br_record_trials(struct br_record *r, int64_t search, struct br_trial **out, struct br_err *err);
/* The next free trial number of the search, voided ones counted. */
int br_record_next_n(struct br_record *r, int64_t search, uint64_t *out, struct br_err *err);
/*
 * The newest verdict of an earlier search with this basis and tree, phase search, really run, not amended, not skip by
 * infra. BR_ENOTFOUND. *out is the caller's (br_trial_done).
 */
int br_record_reuse(struct br_record *r, const char *basis, const char *tree, int64_t not_in_search,
		    struct br_trial *out, struct br_err *err);
/* Corrects a verdict by hand. BR_ENOTFOUND: no such trial. */
int br_record_amend(struct br_record *r, int64_t search, uint64_t n, enum br_class cls, struct br_err *err);
/* Stores the class and the reason of a verdict that was judged again by other rules. */
int br_record_judge(struct br_record *r, int64_t search, const struct br_trial *trial, struct br_err *err);
/* Voids a trial, so that it is run again. */
int br_record_retry(struct br_record *r, int64_t search, uint64_t n, struct br_err *err);

#endif
