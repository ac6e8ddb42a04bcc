/* record.c - opens the database: directories, format, safety settings. */
#include "record/sql.h"

#include "base/buf.h"
#include "base/mem.h"
#include "bisect_run/err.h"
#include "record/schema.h"
#include "record/search_lock.h"
#include "sys/file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUSY_MS 10000
#define RETRY_MS 20

#define STORED_U64 "INTEGER"
#define STORED_U32 "INTEGER"
#define STORED_INT "INTEGER"
#define STORED_BOOL "INTEGER"
#define STORED_REAL "REAL"
#define STORED_CHARS "TEXT"
#define STORED_OWNED "TEXT"
#define STORED_PATH "TEXT"
#define STORED_FRAMES "TEXT"
#define STORED_PHASE "TEXT"
#define STORED_CLASS "TEXT"
#define STORED_END "TEXT"
#define COLUMN(name, how, member) ", " #name " " STORED_##how

/* class_was: what the machine said, where a person said otherwise. voided: taken back by `amend retry`. */
static const char schema[] =
	"CREATE TABLE search (id INTEGER PRIMARY KEY AUTOINCREMENT, status TEXT, message TEXT, argv TEXT, "
	"cwd TEXT,"
	" basis TEXT, ends TEXT, result TEXT, live TEXT, pid INTEGER, started_ns INTEGER, ended_ns INTEGER,"
	" busy_ns INTEGER);"
	"CREATE TABLE trial (search INTEGER NOT NULL REFERENCES search(id)" BR_TRIAL_COLUMNS(
		COLUMN) ", class_was TEXT, voided INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (search, n));"
			"CREATE INDEX trial_by_tree ON trial (tree) WHERE phase = 'search' AND NOT cached;"
			"CREATE INDEX search_by_basis ON search (basis);";

static int exec_plain(struct br_record *r, const char *sql, struct br_err *err)
{
	int rc = sqlite3_exec(r->db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? BR_OK : br_sql_fail(r, rc, err);
}

/* The one number that a pragma or query gives. */
static int ask_number(struct br_record *r, const char *sql, int64_t *out, struct br_err *err)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(r->db, sql, -1, &st, NULL);

	if (rc != SQLITE_OK)
		return br_sql_fail(r, rc, err);
	rc = br_sql_step(r, st, err);
	if (rc > 0)
		*out = sqlite3_column_int64(st, 0);
	(void)sqlite3_finalize(st);
	if (rc == 0)
		return br_fail(err, BR_ESTATE, "%s: no answer to %s", r->path, sql);
	return rc < 0 ? rc : BR_OK;
}

/* The file may come from elsewhere (a repository as a tarball): nothing in it may do more than hold rows. */
static void harden(struct br_record *r)
{
	(void)sqlite3_db_config(r->db, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)NULL);
	(void)sqlite3_db_config(r->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, (int *)NULL);
	(void)sqlite3_db_config(r->db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, (int *)NULL);
	(void)sqlite3_db_config(r->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, (int *)NULL);
}

/*
 * The busy timeout does not cover the switch to WAL, which needs the file alone for a moment: hence the loop. Where WAL is
 * impossible SQLite stays with its rollback journal, which is as safe, only slower.
 */
static int apply_settings(struct br_record *r, struct br_err *err)
{
	int rc = SQLITE_BUSY;

	harden(r);
	for (int waited = 0; rc == SQLITE_BUSY && waited < BUSY_MS; waited += RETRY_MS) {
		if (waited)
			(void)sqlite3_sleep(RETRY_MS);
		rc = sqlite3_exec(r->db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL) & 0xff;
	}
	if (rc != SQLITE_OK)
		return br_sql_fail(r, sqlite3_extended_errcode(r->db), err);
	return exec_plain(r, "PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON", err);
}

static int check_version(struct br_record *r, int64_t *version, struct br_err *err)
{
	int64_t app = 0, tables = 0;
	int rc = ask_number(r, "PRAGMA user_version", version, err);

	if (rc == BR_OK)
		rc = ask_number(r, "SELECT count(*) FROM sqlite_master", &tables, err);
	/* Last: another process may be making the tables now, and whoever sees them must see whose they are. */
	if (rc == BR_OK)
		rc = ask_number(r, "PRAGMA application_id", &app, err);
	if (rc < 0)
		return rc;
	if ((tables || *version) && app != BR_RECORD_APPLICATION)
		return br_fail(err, BR_ESTATE, "%s is a database of another program: use --state DIR",
			       r->path);
	if (*version > BR_RECORD_VERSION)
		return br_fail(err, BR_ESTATE,
			       "%s was written by a newer bisect-run (format %lld, this one knows %d): use "
			       "that one, or "
			       "--state DIR for another record",
			       r->path, (long long)*version, BR_RECORD_VERSION);
	return BR_OK;
}

/* step[n] turns the format n into n + 1 (0 is an empty file: schema). Columns come at the end, so that an older program that has it open goes on. */
static const char *const step[BR_RECORD_VERSION] = {
	[1] = "ALTER TABLE trial ADD COLUMN failure_version INTEGER NOT NULL DEFAULT 0",
};

/* Several processes may find an empty or old file at once: the second to get the lock looks again. */
static int bring_up_to_date(struct br_record *r, struct br_err *err)
{
	br_auto_free char *mark = br_asprintf("PRAGMA application_id = %d; PRAGMA user_version = %d",
					      BR_RECORD_APPLICATION, BR_RECORD_VERSION);
	int64_t version = 0;
	int rc = br_sql_begin(r, err);

	if (rc < 0)
		return rc;
	rc = check_version(r, &version, err);
	if (rc == BR_OK && version == 0)
		rc = exec_plain(r, schema, err);
	for (int64_t v = version; rc == BR_OK && v > 0 && v < BR_RECORD_VERSION; v++)
		rc = exec_plain(r, step[v], err);
	if (rc == BR_OK && version < BR_RECORD_VERSION)
		rc = exec_plain(r, mark, err);
	return br_sql_end(r, rc, err);
}

static char *immutable_uri(const char *path)
{
	struct br_buf b = {0};

	br_buf_str(&b, "file:");
	for (; *path; path++) {
		if (strchr("%?#", *path))
			br_buf_fmt(&b, "%%%02x", (unsigned)(unsigned char)*path);
		else
			br_buf_char(&b, *path);
	}
	br_buf_str(&b, "?immutable=1");
	return br_buf_take(&b);
}

/* Without any right to write: no settings, no folders, no tables. */
static int look_inside(struct br_record *r, const char *name, int more, struct br_err *err)
{
	const int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | more;
	int64_t version = 0;
	int rc = sqlite3_open_v2(name, &r->db, flags, NULL);

	if (rc != SQLITE_OK)
		return br_sql_fail(r, rc, err);
	(void)sqlite3_busy_timeout(r->db, BUSY_MS);
	harden(r);
	rc = check_version(r, &version, err);
	if (rc == BR_OK && version == 0)
		return br_fail(err, BR_ENOTFOUND, "there is no record in %s", r->dir);
	if (rc == BR_OK && version < BR_RECORD_VERSION)
		return br_fail(
			err, BR_ESTATE,
			"%s was written by an older bisect-run: let its owner run `bisect-run history` once, "
			"which brings it up to date",
			r->path);
	return rc;
}

/*
 * Somebody else's record. A database in WAL mode cannot be read without its -shm file, which SQLite would make here
 * and may not (sqlite.org/wal.html, "Read-Only Databases"); but then nobody has it open, and it does not change.
 */
static int open_to_look(struct br_record *r, struct br_err *err)
{
	br_auto_free char *uri = immutable_uri(r->path);
	br_auto_free char *wal = br_asprintf("%s-wal", r->path);
	struct stat st;
	int rc = look_inside(r, r->path, 0, err);

	if (rc != BR_ESYS || (stat(wal, &st) == 0 && st.st_size > 0))
		return rc;
	(void)sqlite3_close(r->db);
	r->db = NULL;
	return look_inside(r, uri, SQLITE_OPEN_URI, err);
}

static int open_database(struct br_record *r, struct br_err *err)
{
	const int flags =
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
	int64_t version = 0;
	int rc = sqlite3_open_v2(r->path, &r->db, flags, NULL);

	if (rc != SQLITE_OK)
		return br_sql_fail(r, rc, err);
	(void)sqlite3_busy_timeout(r->db, BUSY_MS);
	if (sqlite3_db_readonly(r->db, "main") > 0)
		return br_sql_fail(r, SQLITE_READONLY, err);
	rc = check_version(r, &version, err);
	if (rc == BR_OK)
		rc = apply_settings(r, err);
	if (rc == BR_OK && version < BR_RECORD_VERSION)
		rc = bring_up_to_date(r, err);
	return rc;
}

static int make_dirs(const struct br_record *r, struct br_err *err)
{
	br_auto_free char *locks = br_asprintf("%s/locks", r->dir);
	int rc = br_dir_make(locks, err);

	if (rc < 0)
		return br_wrap(err, "the state directory %s cannot be used (see --state DIR)", r->dir);
	return BR_OK;
}

static char *without_slash(const char *dir)
{
	size_t n = strlen(dir);

	while (n > 1 && dir[n - 1] == '/')
		n--;
	return br_strndup(dir, n);
}

int br_record_open(struct br_record **out, const char *state_dir, bool create, struct br_err *err)
{
	struct br_record *r = br_calloc(1, sizeof *r);
	struct stat st;
	bool look_only;
	int rc = BR_OK;

	r->dir = without_slash(state_dir);
	r->path = br_asprintf("%s/record.db", r->dir);
	if (!create && stat(r->path, &st) < 0)
		rc = errno == ENOENT || errno == ENOTDIR
			     ? br_fail(err, BR_ENOTFOUND, "there is no record in %s", r->dir)
			     : br_fail_errno(err, "cannot read %s (see --state DIR)", r->path);
	look_only = !create && access(r->path, W_OK) < 0;
	if (rc == BR_OK && !look_only)
		rc = make_dirs(r, err);
	if (rc == BR_OK)
		rc = look_only ? open_to_look(r, err) : open_database(r, err);
	if (rc < 0) {
		br_record_close(r);
		return rc;
	}
	*out = r;
	return BR_OK;
}

static int check_empty(struct br_record *r, struct br_err *err)
{
	int64_t n = 0;
	int rc = ask_number(r, "SELECT count(*) FROM search", &n, err);

	if (rc == BR_OK && n > 0)
		return br_fail(err, BR_ESTATE, "%s still holds searches", r->path);
	return rc;
}

/*
 * Under the write lock. A search that opened the file just before cannot be recorded in what is gone: it finds no
 * folder for its lock, and says so.
 */
int br_record_remove(struct br_record *r, struct br_err *err)
{
	static const char *const parts[] = {"locks", "record.db-wal", "record.db-shm", "record.db"};
	int rc = br_sql_begin(r, err);

	if (rc < 0)
		return rc;
	rc = check_empty(r, err);
	for (size_t i = 0; rc == BR_OK && i < sizeof parts / sizeof *parts; i++) {
		br_auto_free char *path = br_asprintf("%s/%s", r->dir, parts[i]);

		rc = br_dir_remove(path, err);
	}
	return br_sql_end(r, rc, err);
}

void br_record_close(struct br_record *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < BR_SQL_COUNT; i++)
		(void)sqlite3_finalize(r->stmt[i]);
	(void)sqlite3_close(r->db);
	br_search_unlock_all(r);
	free(r->path);
	free(r->dir);
	free(r);
}
