/* sql.h - the database under the record: prepared statements, transactions, SQLite's errors in plain words. */
#ifndef BR_SQL_H
#define BR_SQL_H

#include "bisect_run/record.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct br_err;

/* Text that a person reads is cut at this; text that the program reads again is refused beyond SQL_TEXT_MAX_B. */
#define BR_SQL_WORDS_MAX_B (64u << 10)
#define BR_SQL_TEXT_MAX_B (64u << 20)

enum br_sql {
	BR_SQL_BEGIN,
	BR_SQL_COMMIT,
	BR_SQL_ROLLBACK,
	BR_SQL_SEARCH_NEW,
	BR_SQL_SEARCH_UPDATE,
	BR_SQL_SEARCH_GET,
	BR_SQL_SEARCH_NEWEST,
	BR_SQL_SEARCH_LIST,
	BR_SQL_SEARCH_EXISTS,
	BR_SQL_SEARCH_DELETE,
	BR_SQL_TRIALS_DELETE,
	BR_SQL_TRIAL_NEW,
	BR_SQL_TRIAL_LIST,
	BR_SQL_TRIAL_NEXT,
	BR_SQL_TRIAL_REUSE,
	BR_SQL_TRIAL_AMEND,
	BR_SQL_TRIAL_JUDGE,
	BR_SQL_TRIAL_VOID,
	BR_SQL_COUNT,
};

struct br_held_lock {
	int64_t search;
	int fd;
};

struct br_record {
	char *dir;  /* as the caller spelt it, without a slash at the end */
	char *path; /* dir/record.db */
	sqlite3 *db;
	sqlite3_stmt *stmt[BR_SQL_COUNT]; /* prepared when first used */
	struct br_held_lock *lock;
	size_t nlock, caplock;
};

/* What SQLite's code rc means for the user, and what to do. Returns the br_code. */
int br_sql_fail(struct br_record *r, int rc, struct br_err *err);
/* The statement, ready to bind. Borrowed; give it back with br_sql_done. */
int br_sql_get(struct br_record *r, enum br_sql which, sqlite3_stmt **out, struct br_err *err);
/* 1: there is a row, 0: no more. */
int br_sql_step(struct br_record *r, sqlite3_stmt *st, struct br_err *err);
void br_sql_done(sqlite3_stmt *st);
/* Steps a statement without rows to its end and gives it back. Returns the number of rows it changed. */
int br_sql_run(struct br_record *r, sqlite3_stmt *st, struct br_err *err);

/* Begins a write (others wait). */
int br_sql_begin(struct br_record *r, struct br_err *err);
/* Commits when rc is not negative, else rolls back. Returns rc, or why the commit failed. */
int br_sql_end(struct br_record *r, int rc, struct br_err *err);

/* NULL binds NULL. BR_ESTATE: longer than max. The text must live until br_sql_done. */
int br_sql_bind_text(struct br_record *r, sqlite3_stmt *st, int at, const char *text, struct br_err *err);
/* The same, cut when it is long. */
void br_sql_bind_words(sqlite3_stmt *st, int at, const char *text);
/* Owned; NULL for NULL. */
char *br_sql_take_text(sqlite3_stmt *st, int at);

/* The text of a statement: those on trials are made from their table of columns. */
const char *br_trial_sql(enum br_sql which);
const char *br_search_sql(enum br_sql which);

#endif
