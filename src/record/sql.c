/* sql.c - prepared statements, transactions, SQLite's errors in plain words. */
#include "record/sql.h"

#include "base/mem.h"
#include "bisect_run/err.h"

#include <errno.h>
#include <string.h>

static int fail_with(struct br_err *err, int code, int errnum)
{
	if (err)
		err->errnum = errnum;
	return code;
}

/* On a full disk SQLite may also fail to open or to grow its side files. */
static bool is_full(struct br_record *r, int rc)
{
	int sys = sqlite3_system_errno(r->db);

	return (rc & 0xff) == SQLITE_FULL ||
	       (((rc & 0xff) == SQLITE_IOERR || (rc & 0xff) == SQLITE_CANTOPEN) &&
		(sys == ENOSPC || sys == EDQUOT));
}

int br_sql_fail(struct br_record *r, int rc, struct br_err *err)
{
	/* What we found out ourselves SQLite calls "not an error". */
	bool told = r->db && sqlite3_errcode(r->db) != SQLITE_OK;
	const char *what = told ? sqlite3_errmsg(r->db) : sqlite3_errstr(rc);

	if (r->db && is_full(r, rc)) {
		(void)br_fail(err, BR_ESYS,
			      "%s: no space left: what was recorded stands, and `bisect-run resume` goes on "
			      "from there "
			      "once there is room",
			      r->path);
		return fail_with(err, BR_ESYS, ENOSPC);
	}
	switch (rc & 0xff) {
	case SQLITE_IOERR:
		(void)br_fail(err, BR_ESYS,
			      "%s: %s: what was recorded stands, and `bisect-run resume` goes on from there "
			      "once the "
			      "disk works",
			      r->path, what);
		return fail_with(err, BR_ESYS, EIO);
	case SQLITE_READONLY:
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
		(void)br_fail(err, BR_ESYS, "cannot write to %s (%s): use --state DIR", r->path, what);
		return fail_with(err, BR_ESYS, EACCES);
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return br_fail(err, BR_ESTATE, "%s is damaged (%s): move it away, or use --state DIR",
			       r->path, what);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return br_fail(err, BR_ESTATE, "%s: another process has held it for 10 s: try again",
			       r->path);
	case SQLITE_NOMEM:
		return br_fail(err, BR_ESYS, "%s: out of memory", r->path);
	default:
		return br_fail(err, BR_ESTATE, "%s: %s", r->path, what);
	}
}

static const char *text_of(enum br_sql which)
{
	if (which >= BR_SQL_TRIALS_DELETE)
		return br_trial_sql(which);
	if (which >= BR_SQL_SEARCH_NEW)
		return br_search_sql(which);
	return which == BR_SQL_BEGIN ? "BEGIN IMMEDIATE" : which == BR_SQL_COMMIT ? "COMMIT" : "ROLLBACK";
}

int br_sql_get(struct br_record *r, enum br_sql which, sqlite3_stmt **out, struct br_err *err)
{
	if (!r->stmt[which]) {
		int rc = sqlite3_prepare_v3(r->db, text_of(which), -1, SQLITE_PREPARE_PERSISTENT,
					    &r->stmt[which], NULL);

		if (rc != SQLITE_OK)
			return br_sql_fail(r, rc, err);
	}
	*out = r->stmt[which];
	return BR_OK;
}

/* Bound text is borrowed: nothing may stay bound that is freed later. */
void br_sql_done(sqlite3_stmt *st)
{
	(void)sqlite3_reset(st);
	(void)sqlite3_clear_bindings(st);
}

int br_sql_step(struct br_record *r, sqlite3_stmt *st, struct br_err *err)
{
	int rc = sqlite3_step(st);

	if (rc == SQLITE_ROW)
		return 1;
	return rc == SQLITE_DONE ? 0 : br_sql_fail(r, rc, err);
}

int br_sql_run(struct br_record *r, sqlite3_stmt *st, struct br_err *err)
{
	int rc = br_sql_step(r, st, err);

	br_sql_done(st);
	return rc < 0 ? rc : sqlite3_changes(r->db);
}

static int run_plain(struct br_record *r, enum br_sql which, struct br_err *err)
{
	sqlite3_stmt *st = NULL;
	int rc = br_sql_get(r, which, &st, err);

	if (rc < 0)
		return rc;
	rc = br_sql_run(r, st, err);
	return rc < 0 ? rc : BR_OK;
}

int br_sql_begin(struct br_record *r, struct br_err *err)
{
	return run_plain(r, BR_SQL_BEGIN, err);
}

/* On a full disk SQLite may have rolled back by itself already. */
int br_sql_end(struct br_record *r, int rc, struct br_err *err)
{
	int done = rc < 0 ? rc : run_plain(r, BR_SQL_COMMIT, err);

	if (done >= 0)
		return rc;
	if (!sqlite3_get_autocommit(r->db))
		(void)run_plain(r, BR_SQL_ROLLBACK, NULL);
	return done;
}

int br_sql_bind_text(struct br_record *r, sqlite3_stmt *st, int at, const char *text, struct br_err *err)
{
	size_t n = text ? strlen(text) : 0;
	int rc;

	if (n > BR_SQL_TEXT_MAX_B)
		return br_fail(err, BR_ESTATE, "a text of %zu bytes is too long for %s", n, r->path);
	rc = sqlite3_bind_text(st, at, text, (int)n, SQLITE_STATIC);
	return rc == SQLITE_OK ? BR_OK : br_sql_fail(r, rc, err);
}

void br_sql_bind_words(sqlite3_stmt *st, int at, const char *text)
{
	(void)sqlite3_bind_text(st, at, text, text ? (int)strnlen(text, BR_SQL_WORDS_MAX_B) : 0,
				SQLITE_STATIC);
}

char *br_sql_take_text(sqlite3_stmt *st, int at)
{
	const char *text = (const char *)sqlite3_column_text(st, at);

	return text ? br_strndup(text, (size_t)sqlite3_column_bytes(st, at)) : NULL;
}
