/* search_row.c - searches: made, taken up again, updated, listed, deleted. */
#include "record/sql.h"

#include "base/mem.h"
#include "bisect_run/err.h"
#include "record/search_lock.h"
#include "sys/file.h"

#include <inttypes.h>

#define SEARCH_ROW                                                                                           \
	"SELECT id, status, message, argv, cwd, basis, ends, result, live, pid, started_ns, ended_ns, "      \
	"busy_ns,"                                                                                           \
	" (SELECT count(*) FROM trial WHERE search = id AND NOT voided),"                                    \
	" (SELECT count(*) FROM trial WHERE search = id AND NOT voided AND NOT cached"                       \
	"  AND ended NOT IN ('setup', 'cancelled', 'lost')) FROM search "

const char *br_search_sql(enum br_sql which)
{
	static const char *const text[BR_SQL_COUNT] = {
		[BR_SQL_SEARCH_NEW] =
			"INSERT INTO search (status, message, argv, cwd, basis, ends, result, live, pid,"
			" started_ns, ended_ns, busy_ns) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		[BR_SQL_SEARCH_UPDATE] =
			"UPDATE search SET status = coalesce(?1, status), message = coalesce(?2, message),"
			" basis = coalesce(?3, basis), ends = coalesce(?4, ends),"
			" result = coalesce(?5, result), live = coalesce(?6, live), pid = ?7,"
			" ended_ns = ?8, busy_ns = ?9 WHERE id = ?10",
		[BR_SQL_SEARCH_GET] = SEARCH_ROW "WHERE id = ?",
		[BR_SQL_SEARCH_NEWEST] = SEARCH_ROW "ORDER BY id DESC LIMIT 1",
		[BR_SQL_SEARCH_LIST] = SEARCH_ROW "ORDER BY id",
		[BR_SQL_SEARCH_EXISTS] = "SELECT 1 FROM search WHERE id = ?",
		[BR_SQL_SEARCH_DELETE] = "DELETE FROM search WHERE id = ?",
	};

	return text[which];
}

static int not_found(int64_t id, struct br_err *err)
{
	return id ? br_fail(err, BR_ENOTFOUND, "there is no search %" PRId64, id)
		  : br_fail(err, BR_ENOTFOUND, "there is no search yet");
}

static int bind_new(struct br_record *r, sqlite3_stmt *st, const struct br_search *s, struct br_err *err)
{
	const char *const text[] = {s->argv, s->cwd, s->basis, s->ends, s->result};

	br_sql_bind_words(st, 1, s->status);
	br_sql_bind_words(st, 2, s->message);
	for (size_t i = 0; i < sizeof text / sizeof *text; i++) {
		int rc = br_sql_bind_text(r, st, 3 + (int)i, text[i], err);

		if (rc < 0)
			return rc;
	}
	br_sql_bind_words(st, 8, s->live);
	(void)sqlite3_bind_int64(st, 9, s->pid);
	(void)sqlite3_bind_int64(st, 10, (sqlite3_int64)s->started_ns);
	(void)sqlite3_bind_int64(st, 11, (sqlite3_int64)s->ended_ns);
	(void)sqlite3_bind_int64(st, 12, (sqlite3_int64)s->busy_ns);
	return BR_OK;
}

static int insert(struct br_record *r, const struct br_search *s, int64_t *id, struct br_err *err)
{
	sqlite3_stmt *st = NULL;
	int rc = br_sql_get(r, BR_SQL_SEARCH_NEW, &st, err);

	if (rc < 0)
		return rc;
	rc = bind_new(r, st, s, err);
	if (rc < 0) {
		br_sql_done(st);
		return rc;
	}
	rc = br_sql_run(r, st, err);
	if (rc < 0)
		return rc;
	*id = sqlite3_last_insert_rowid(r->db);
	return BR_OK;
}

/* The lock is taken before the commit: no other process ever sees the new search without it. */
int br_record_search_new(struct br_record *r, struct br_search *s, struct br_err *err)
{
	int64_t id = 0;
	int rc = br_sql_begin(r, err);

	if (rc < 0)
		return rc;
	rc = insert(r, s, &id, err);
	if (rc == BR_OK)
		rc = br_search_lock(r, id, err);
	rc = br_sql_end(r, rc, err);
	if (rc < 0) {
		br_search_unlock(r, id, true);
		return rc;
	}
	s->id = id;
	return BR_OK;
}

static int check_exists(struct br_record *r, int64_t id, struct br_err *err)
{
	sqlite3_stmt *st = NULL;
	int rc = br_sql_get(r, BR_SQL_SEARCH_EXISTS, &st, err);

	if (rc < 0)
		return rc;
	(void)sqlite3_bind_int64(st, 1, id);
	rc = br_sql_step(r, st, err);
	br_sql_done(st);
	return rc > 0 ? BR_OK : rc < 0 ? rc : not_found(id, err);
}

/* Looked up again under the lock: it may have been deleted, and the lock's file with it, in between. */
int br_record_search_take(struct br_record *r, int64_t id, struct br_err *err)
{
	bool mine = br_search_lock_is_mine(r, id);
	int rc = check_exists(r, id, err);

	if (rc == BR_OK)
		rc = br_search_lock(r, id, err);
	if (rc < 0)
		return rc;
	rc = check_exists(r, id, err);
	if (rc < 0 && !mine)
		br_search_unlock(r, id, rc == BR_ENOTFOUND);
	return rc;
}

static int bind_update(struct br_record *r, sqlite3_stmt *st, const struct br_search *s, struct br_err *err)
{
	int rc;

	br_sql_bind_words(st, 1, s->status);
	br_sql_bind_words(st, 2, s->message);
	rc = br_sql_bind_text(r, st, 3, s->basis, err);
	if (rc == BR_OK)
		rc = br_sql_bind_text(r, st, 4, s->ends, err);
	if (rc == BR_OK)
		rc = br_sql_bind_text(r, st, 5, s->result, err);
	br_sql_bind_words(st, 6, s->live);
	(void)sqlite3_bind_int64(st, 7, s->pid);
	(void)sqlite3_bind_int64(st, 8, (sqlite3_int64)s->ended_ns);
	(void)sqlite3_bind_int64(st, 9, (sqlite3_int64)s->busy_ns);
	(void)sqlite3_bind_int64(st, 10, s->id);
	return rc;
}

static int update(struct br_record *r, const struct br_search *s, struct br_err *err)
{
	sqlite3_stmt *st = NULL;
	int rc = br_sql_get(r, BR_SQL_SEARCH_UPDATE, &st, err);

	if (rc < 0)
		return rc;
	rc = bind_update(r, st, s, err);
	if (rc < 0) {
		br_sql_done(st);
		return rc;
	}
	rc = br_sql_run(r, st, err);
	return rc < 0 ? rc : rc == 0 ? not_found(s->id, err) : BR_OK;
}

int br_record_search_update(struct br_record *r, const struct br_search *s, struct br_err *err)
{
	int rc = br_sql_begin(r, err);

	return rc < 0 ? rc : br_sql_end(r, update(r, s, err), err);
}

static void read_row(const struct br_record *r, sqlite3_stmt *st, struct br_search *out)
{
	*out = (struct br_search){
		.id = sqlite3_column_int64(st, 0),
		.status = br_sql_take_text(st, 1),
		.message = br_sql_take_text(st, 2),
		.argv = br_sql_take_text(st, 3),
		.cwd = br_sql_take_text(st, 4),
		.basis = br_sql_take_text(st, 5),
		.ends = br_sql_take_text(st, 6),
		.result = br_sql_take_text(st, 7),
		.live = br_sql_take_text(st, 8),
		.pid = sqlite3_column_int64(st, 9),
		.started_ns = (uint64_t)sqlite3_column_int64(st, 10),
		.ended_ns = (uint64_t)sqlite3_column_int64(st, 11),
		.busy_ns = (uint64_t)sqlite3_column_int64(st, 12),
		.trials = (uint64_t)sqlite3_column_int64(st, 13),
		.trials_run = (uint64_t)sqlite3_column_int64(st, 14),
	};
	out->alive = br_search_locked(r, out->id);
}

int br_record_search_get(struct br_record *r, int64_t id, struct br_search *out, struct br_err *err)
{
	sqlite3_stmt *st = NULL;
	int rc = br_sql_get(r, id ? BR_SQL_SEARCH_GET : BR_SQL_SEARCH_NEWEST, &st, err);

	if (rc < 0)
		return rc;
	if (id)
		(void)sqlite3_bind_int64(st, 1, id);
	rc = br_sql_step(r, st, err);
	if (rc > 0)
		read_row(r, st, out);
	br_sql_done(st);
	return rc > 0 ? BR_OK : rc < 0 ? rc : not_found(id, err);
}

int br_record_search_list(struct br_record *r, struct br_search **out, struct br_err *err)
{
	struct br_search *list = NULL;
	size_t n = 0, cap = 0;
	sqlite3_stmt *st = NULL;
	int rc = br_sql_get(r, BR_SQL_SEARCH_LIST, &st, err);

	if (rc < 0)
		return rc;
	while ((rc = br_sql_step(r, st, err)) > 0) {
		br_grow(&list, n, &cap);
		read_row(r, st, &list[n++]);
	}
	br_sql_done(st);
	if (rc == 0) {
		*out = list;
		return (int)n;
	}
	while (n)
		br_search_done(&list[--n]);
	free(list);
	return rc;
}

static int delete_rows(struct br_record *r, enum br_sql which, int64_t id, struct br_err *err)
{
	sqlite3_stmt *st = NULL;
	int rc = br_sql_get(r, which, &st, err);

	if (rc < 0)
		return rc;
	(void)sqlite3_bind_int64(st, 1, id);
	rc = br_sql_run(r, st, err);
	return rc < 0 ? rc : BR_OK;
}

/* Logs first: that makes the room which the rows' removal may need, and what stops in the middle can be done again. */
int br_record_search_delete(struct br_record *r, int64_t id, struct br_err *err)
{
	br_auto_free char *logs = br_asprintf("%s/logs/%" PRId64, r->dir, id);
	bool mine = br_search_lock_is_mine(r, id);
	int rc = br_record_search_take(r, id, err);

	if (rc < 0)
		return rc;
	rc = br_dir_remove(logs, err);
	if (rc == BR_OK)
		rc = br_sql_begin(r, err);
	if (rc == BR_OK) {
		rc = delete_rows(r, BR_SQL_TRIALS_DELETE, id, err);
		if (rc == BR_OK)
			rc = delete_rows(r, BR_SQL_SEARCH_DELETE, id, err);
		rc = br_sql_end(r, rc, err);
	}
	if (rc == BR_OK || !mine)
		br_search_unlock(r, id, rc == BR_OK);
	return rc;
}

int br_record_search_tidy(struct br_record *r, int64_t id, struct br_err *err)
{
	int rc;

	if (br_search_lock_is_mine(r, id))
		return BR_OK;
	rc = br_record_search_take(r, id, err);
	if (rc == BR_OK)
		br_search_unlock(r, id, true);
	return rc;
}

void br_search_done(struct br_search *s)
{
	free(s->status);
	free(s->message);
	free(s->argv);
	free(s->cwd);
	free(s->basis);
	free(s->ends);
	free(s->result);
	free(s->live);
	*s = (struct br_search){0};
}
