/* trial_row.c - trials: appended, listed, reused, corrected. Bound and read by the list of columns in schema.h. */
#include "record/sql.h"

#include "base/buf.h"
#include "base/mem.h"
#include "bisect_run/err.h"
#include "record/schema.h"

#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

enum how { U64, U32, INT, BOOL, REAL, CHARS, OWNED, PATH, FRAMES, PHASE, CLASS, END };

struct column {
	enum how how;
	size_t offset, size;
};

#define MEMBER(m) offsetof(struct br_trial, m), sizeof(((struct br_trial *)0)->m)
#define ENTRY(name, how, member) {how, MEMBER(member)},
#define NAME(name, how, member) ", " #name
#define MARK(name, how, member) ", ?"

static const struct column column[] = {BR_TRIAL_COLUMNS(ENTRY)};

#define NCOLUMN (sizeof column / sizeof *column)
/* Column 0 is the search, so that every name can be preceded by a comma. */
#define TRIAL_ROW "SELECT trial.search" BR_TRIAL_COLUMNS(NAME)

const char *br_trial_sql(enum br_sql which)
{
	static const char *const text[BR_SQL_COUNT] = {
		[BR_SQL_TRIALS_DELETE] = "DELETE FROM trial WHERE search = ?",
		[BR_SQL_TRIAL_NEW] = "INSERT INTO trial (search" BR_TRIAL_COLUMNS(
			NAME) ") VALUES (?" BR_TRIAL_COLUMNS(MARK) ")",
		[BR_SQL_TRIAL_LIST] = TRIAL_ROW " FROM trial WHERE search = ? AND NOT voided ORDER BY n",
		[BR_SQL_TRIAL_NEXT] = "SELECT coalesce(max(n), 0) + 1 FROM trial WHERE search = ?",
		/*
		 * Not what says nothing about the candidate, or was cut short by a limit that another search
		 * would not have.
		 */
		[BR_SQL_TRIAL_REUSE] = TRIAL_ROW
		" FROM trial WHERE tree = ?1 AND phase = 'search' AND NOT cached AND NOT amended"
		" AND NOT voided AND NOT error AND NOT over_learnt"
		" AND ended NOT IN ('setup', 'cancelled', 'lost')"
		" AND NOT (class = 'skip' AND (failure_kind = 'infra' OR why LIKE 'fails in another way%'))"
		" AND trial.search <> ?3"
		" AND trial.search IN (SELECT id FROM search WHERE basis = ?2)"
		" ORDER BY trial.search DESC, n DESC LIMIT 1",
		[BR_SQL_TRIAL_AMEND] =
			"UPDATE trial SET class_was = coalesce(class_was, class), class = ?3, amended = 1"
			" WHERE search = ?1 AND n = ?2 AND NOT voided",
		[BR_SQL_TRIAL_JUDGE] =
			"UPDATE trial SET class = ?3, why = ?4 WHERE search = ?1 AND n = ?2 AND NOT voided",
		[BR_SQL_TRIAL_VOID] =
			"UPDATE trial SET voided = 1 WHERE search = ?1 AND n = ?2 AND NOT voided",
	};

	return text[which];
}

/* One frame a line; a line end inside of one would split it. */
static char *join_frames(const struct br_failure *f)
{
	struct br_buf b = {0};
	uint32_t n = f->nframe < 3 ? f->nframe : 3;

	for (uint32_t i = 0; i < n; i++) {
		if (i)
			br_buf_char(&b, '\n');
		for (size_t k = 0; k < sizeof f->frame[i] && f->frame[i][k]; k++)
			br_buf_char(&b, f->frame[i][k] == '\n' ? ' ' : f->frame[i][k]);
	}
	return n ? br_buf_take(&b) : NULL;
}

static void copy_field(char *to, size_t size, const char *from, size_t n)
{
	n = n < size ? n : size - 1;
	memcpy(to, from, n);
	to[n] = '\0';
}

static void split_frames(struct br_failure *f, const char *text)
{
	f->nframe = 0;
	while (text && f->nframe < 3) {
		const char *end = strchrnul(text, '\n');

		copy_field(f->frame[f->nframe], sizeof f->frame[0], text, (size_t)(end - text));
		f->nframe++;
		text = *end ? end + 1 : NULL;
	}
}

/* Below the state directory a path is stored without it, so that a moved repository keeps its logs. */
static const char *path_to_store(const struct br_record *r, const char *path)
{
	size_t n = strlen(r->dir);

	return path && strncmp(path, r->dir, n) == 0 && path[n] == '/' && path[n + 1] && path[n + 1] != '/'
		       ? path + n + 1
		       : path;
}

static char *path_from_store(const struct br_record *r, const char *path)
{
	return !path ? NULL : *path == '/' ? br_strdup(path) : br_asprintf("%s/%s", r->dir, path);
}

static int bind_frames(sqlite3_stmt *st, int at, const struct br_failure *f)
{
	char *text = join_frames(f);

	return sqlite3_bind_text(st, at, text, -1, free);
}

static int bind_name(sqlite3_stmt *st, int at, const char *name)
{
	return sqlite3_bind_text(st, at, name, -1, SQLITE_STATIC);
}

/* Numbers of 64 bits without sign are stored as their two's complement: UINT64_MAX is -1. */
static int bind_scalar(sqlite3_stmt *st, int at, enum how how, const void *field)
{
	switch (how) {
	case U64:
		return sqlite3_bind_int64(st, at, (sqlite3_int64) * (const uint64_t *)field);
	case U32:
		return sqlite3_bind_int64(st, at, *(const uint32_t *)field);
	case INT:
		return sqlite3_bind_int64(st, at, *(const int *)field);
	case BOOL:
		return sqlite3_bind_int64(st, at, *(const bool *)field);
	case REAL:
		return sqlite3_bind_double(st, at, *(const double *)field); /* NAN becomes NULL */
	case PHASE:
		return bind_name(st, at, br_phase_name(*(const enum br_phase *)field));
	case CLASS:
		return bind_name(st, at, br_class_name(*(const enum br_class *)field));
	case END:
		return bind_name(st, at, br_end_name(*(const enum br_end *)field));
	case CHARS:
	case OWNED:
	case PATH:
	case FRAMES:
	default:
		return SQLITE_MISUSE;
	}
}

static int bind_column(struct br_record *r, sqlite3_stmt *st, int at, const struct column *c,
		       const struct br_trial *t, struct br_err *err)
{
	const void *field = (const char *)t + c->offset;
	int rc;

	if (c->how == OWNED)
		return br_sql_bind_text(r, st, at, *(char *const *)field, err);
	if (c->how == PATH)
		return br_sql_bind_text(r, st, at, path_to_store(r, *(char *const *)field), err);
	if (c->how == CHARS)
		rc = sqlite3_bind_text(st, at, field, (int)strnlen(field, c->size), SQLITE_STATIC);
	else if (c->how == FRAMES)
		rc = bind_frames(st, at, &t->verdict.failure);
	else
		rc = bind_scalar(st, at, c->how, field);
	return rc == SQLITE_OK ? BR_OK : br_sql_fail(r, rc, err);
}

static int bind_trial(struct br_record *r, sqlite3_stmt *st, const struct br_trial *t, struct br_err *err)
{
	for (size_t i = 0; i < NCOLUMN; i++) {
		int rc = bind_column(r, st, 2 + (int)i, &column[i], t, err);

		if (rc < 0)
			return rc;
	}
	return BR_OK;
}

/* A name that this version does not know: the file is damaged, or somebody edited it. */
static int read_name(sqlite3_stmt *st, int at, int (*from)(const char *), int *out)
{
	const char *name = (const char *)sqlite3_column_text(st, at);

	*out = name ? from(name) : -1;
	return *out < 0 ? -1 : 0;
}

static int read_enum(sqlite3_stmt *st, int at, enum how how, void *field)
{
	int value;

	switch (how) {
	case PHASE:
		if (read_name(st, at, br_phase_from, &value) < 0)
			return -1;
		*(enum br_phase *)field = (enum br_phase)value;
		return 0;
	case CLASS:
		if (read_name(st, at, br_class_from, &value) < 0)
			return -1;
		*(enum br_class *)field = (enum br_class)value;
		return 0;
	case END:
		if (read_name(st, at, br_end_from, &value) < 0)
			return -1;
		*(enum br_end *)field = (enum br_end)value;
		return 0;
	case U64:
	case U32:
	case INT:
	case BOOL:
	case REAL:
	case CHARS:
	case OWNED:
	case PATH:
	case FRAMES:
	default:
		return -1;
	}
}

static void read_chars(sqlite3_stmt *st, int at, char *field, size_t size)
{
	const char *text = (const char *)sqlite3_column_text(st, at);

	copy_field(field, size, text ? text : "", text ? strlen(text) : 0);
}

static int read_column(const struct br_record *r, sqlite3_stmt *st, int at, const struct column *c,
		       struct br_trial *t)
{
	void *field = (char *)t + c->offset;

	switch (c->how) {
	case U64:
		*(uint64_t *)field = (uint64_t)sqlite3_column_int64(st, at);
		return 0;
	case U32:
		*(uint32_t *)field = (uint32_t)sqlite3_column_int64(st, at);
		return 0;
	case INT:
		*(int *)field = sqlite3_column_int(st, at);
		return 0;
	case BOOL:
		*(bool *)field = sqlite3_column_int(st, at) != 0;
		return 0;
	case REAL:
		*(double *)field = sqlite3_column_type(st, at) == SQLITE_NULL ? (double)NAN
									      : sqlite3_column_double(st, at);
		return 0;
	case CHARS:
		read_chars(st, at, field, c->size);
		return 0;
	case OWNED:
		*(char **)field = br_sql_take_text(st, at);
		return 0;
	case PATH:
		*(char **)field = path_from_store(r, (const char *)sqlite3_column_text(st, at));
		return 0;
	case FRAMES:
		split_frames(&t->verdict.failure, (const char *)sqlite3_column_text(st, at));
		return 0;
	case PHASE:
	case CLASS:
	case END:
	default:
		return read_enum(st, at, c->how, field);
	}
}

/* What a person said is certain, whatever the machine thought of it. */
static void apply_amended(struct br_verdict *v)
{
	v->error = false;
	v->over_learnt = false;
	v->llr = v->cls == BR_BAD ? INFINITY : v->cls == BR_GOOD ? -INFINITY : 0;
}

static int read_trial(struct br_record *r, sqlite3_stmt *st, struct br_trial *out, struct br_err *err)
{
	struct br_trial t = {0};

	for (size_t i = 0; i < NCOLUMN; i++)
		if (read_column(r, st, 1 + (int)i, &column[i], &t) < 0) {
			(void)br_fail(err, BR_ESTATE,
				      "%s is damaged (trial %" PRIu64 " of search %" PRId64
				      "): move it away, or use --state DIR",
				      r->path, t.n, (int64_t)sqlite3_column_int64(st, 0));
			br_trial_done(&t);
			return BR_ESTATE;
		}
	if (t.amended)
		apply_amended(&t.verdict);
	*out = t;
	return BR_OK;
}

int br_record_next_n(struct br_record *r, int64_t search, uint64_t *out, struct br_err *err)
{
	sqlite3_stmt *st = NULL;
	int rc = br_sql_get(r, BR_SQL_TRIAL_NEXT, &st, err);

	if (rc < 0)
		return rc;
	(void)sqlite3_bind_int64(st, 1, search);
	rc = br_sql_step(r, st, err);
	if (rc > 0)
		*out = (uint64_t)sqlite3_column_int64(st, 0);
	br_sql_done(st);
	return rc < 0 ? rc : BR_OK;
}

static int explain_refusal(struct br_record *r, int64_t search, uint64_t n, int rc, struct br_err *err)
{
	switch (sqlite3_extended_errcode(r->db)) {
	case SQLITE_CONSTRAINT_FOREIGNKEY:
		return br_fail(err, BR_ENOTFOUND, "there is no search %" PRId64, search);
	case SQLITE_CONSTRAINT_PRIMARYKEY:
	case SQLITE_CONSTRAINT_UNIQUE:
		return br_fail(err, BR_ESTATE, "search %" PRId64 " has a trial %" PRIu64 " already", search,
			       n);
	default:
		return rc;
	}
}

static int insert(struct br_record *r, int64_t search, const struct br_trial *trial, struct br_err *err)
{
	sqlite3_stmt *st = NULL;
	int rc = br_sql_get(r, BR_SQL_TRIAL_NEW, &st, err);

	if (rc < 0)
		return rc;
	(void)sqlite3_bind_int64(st, 1, search);
	rc = bind_trial(r, st, trial, err);
	if (rc < 0) {
		br_sql_done(st);
		return rc;
	}
	rc = br_sql_run(r, st, err);
	return rc < 0 ? explain_refusal(r, search, trial->n, rc, err) : BR_OK;
}

int br_record_trial(struct br_record *r, int64_t search, struct br_trial *trial, struct br_err *err)
{
	struct br_trial row = *trial; /* borrows its strings */
	int rc = br_sql_begin(r, err);

	if (rc < 0)
		return rc;
	if (!row.n)
		rc = br_record_next_n(r, search, &row.n, err);
	if (rc == BR_OK)
		rc = insert(r, search, &row, err);
	rc = br_sql_end(r, rc, err);
	if (rc == BR_OK)
		trial->n = row.n;
	return rc;
}

int br_record_trials(struct br_record *r, int64_t search, struct br_trial **out, struct br_err *err)
{
	struct br_trial *list = NULL;
	size_t n = 0, cap = 0;
	sqlite3_stmt *st = NULL;
	int rc = br_sql_get(r, BR_SQL_TRIAL_LIST, &st, err);

	if (rc < 0)
		return rc;
	(void)sqlite3_bind_int64(st, 1, search);
	while ((rc = br_sql_step(r, st, err)) > 0) {
		br_grow(&list, n, &cap);
		rc = read_trial(r, st, &list[n], err);
		if (rc < 0)
			break;
		n++;
	}
	br_sql_done(st);
	if (rc == 0) {
		*out = list;
		return (int)n;
	}
	while (n)
		br_trial_done(&list[--n]);
	free(list);
	return rc;
}

int br_record_reuse(struct br_record *r, const char *basis, const char *tree, int64_t not_in_search,
		    struct br_trial *out, struct br_err *err)
{
	sqlite3_stmt *st = NULL;
	int rc = br_sql_get(r, BR_SQL_TRIAL_REUSE, &st, err);

	if (rc < 0)
		return rc;
	rc = br_sql_bind_text(r, st, 1, tree, err);
	if (rc == BR_OK)
		rc = br_sql_bind_text(r, st, 2, basis, err);
	(void)sqlite3_bind_int64(st, 3, not_in_search);
	if (rc == BR_OK)
		rc = br_sql_step(r, st, err);
	if (rc > 0) {
		rc = read_trial(r, st, out, err);
		br_sql_done(st);
		return rc;
	}
	br_sql_done(st);
	return rc < 0 ? rc : br_fail(err, BR_ENOTFOUND, "no earlier verdict");
}

/* Values for ?3 and ?4; NULL: the statement has none. */
struct change {
	const char *cls, *why;
};

static int change(struct br_record *r, enum br_sql which, int64_t search, uint64_t n, struct change to,
		  struct br_err *err)
{
	sqlite3_stmt *st = NULL;
	int rc = br_sql_begin(r, err);

	if (rc < 0)
		return rc;
	rc = br_sql_get(r, which, &st, err);
	if (rc == BR_OK) {
		(void)sqlite3_bind_int64(st, 1, search);
		(void)sqlite3_bind_int64(st, 2, (sqlite3_int64)n);
		if (to.cls)
			(void)bind_name(st, 3, to.cls);
		rc = to.why ? br_sql_bind_text(r, st, 4, to.why, err) : BR_OK;
	}
	if (rc == BR_OK) {
		rc = br_sql_run(r, st, err);
		if (rc == 0)
			rc = br_fail(err, BR_ENOTFOUND, "search %" PRId64 " has no trial %" PRIu64, search,
				     n);
	}
	rc = br_sql_end(r, rc, err);
	return rc < 0 ? rc : BR_OK;
}

int br_record_amend(struct br_record *r, int64_t search, uint64_t n, enum br_class cls, struct br_err *err)
{
	return change(r, BR_SQL_TRIAL_AMEND, search, n, (struct change){.cls = br_class_name(cls)}, err);
}

int br_record_judge(struct br_record *r, int64_t search, const struct br_trial *trial, struct br_err *err)
{
	return change(r, BR_SQL_TRIAL_JUDGE, search, trial->n,
		      (struct change){.cls = br_class_name(trial->verdict.cls), .why = trial->verdict.why},
		      err);
}

int br_record_retry(struct br_record *r, int64_t search, uint64_t n, struct br_err *err)
{
	return change(r, BR_SQL_TRIAL_VOID, search, n, (struct change){0}, err);
}
