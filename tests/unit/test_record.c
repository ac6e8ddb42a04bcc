/* test_record.c - what the record guarantees: nothing recorded is lost, others are seen, errors say what to do. */
#include "bisect_run/err.h"
#include "bisect_run/record.h"

#include "base/mem.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

struct place {
	char dir[64];	/* removed at the end */
	char state[96]; /* dir/state: not there yet */
};

static int place_make(void **state)
{
	struct place *p = br_calloc(1, sizeof *p);

	(void)snprintf(p->dir, sizeof p->dir, "/tmp/test_record.XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	(void)snprintf(p->state, sizeof p->state, "%s/state", p->dir);
	*state = p;
	return 0;
}

static int place_done(void **state)
{
	struct place *p = *state;
	struct br_err err = {0};

	assert_int_equal(br_dir_remove(p->dir, &err), BR_OK);
	free(p);
	return 0;
}

static struct br_record *open_at(const struct place *p)
{
	struct br_record *r = NULL;
	struct br_err err = {0};
	int rc = br_record_open(&r, p->state, true, &err);

	if (rc < 0)
		print_error("%s\n", err.msg);
	assert_int_equal(rc, BR_OK);
	return r;
}

static int64_t search_in(struct br_record *r, const char *basis)
{
	char status[] = "running", argv[] = "--good v1 -- make test", cwd[] = "/somewhere", b[32];
	struct br_search s = {.status = status, .argv = argv, .cwd = cwd, .basis = b, .pid = getpid()};
	struct br_err err = {0};

	(void)snprintf(b, sizeof b, "%s", basis);
	assert_int_equal(br_record_search_new(r, &s, &err), BR_OK);
	return s.id;
}

static char *path_in(const struct place *p, const char *name)
{
	return br_asprintf("%s/%s", p->state, name);
}

/* Owns its strings: br_trial_done. */
static struct br_trial trial_on(const char *tree, enum br_class cls)
{
	return (struct br_trial){
		.phase = BR_PHASE_SEARCH,
		.point = 7,
		.item = br_strdup("c0ffee"),
		.tree = br_strdup_or_null(tree),
		.outcome = {.end = BR_END_EXIT, .code = cls == BR_GOOD ? 0 : 1},
		.verdict = {.cls = cls,
			    .value = NAN,
			    .llr = cls == BR_BAD ? INFINITY : -INFINITY,
			    .failure = {.exit = -1}},
	};
}

static uint64_t append(struct br_record *r, int64_t search, struct br_trial t)
{
	struct br_err err = {0};
	int rc = br_record_trial(r, search, &t, &err);
	uint64_t n = t.n;

	if (rc < 0)
		print_error("%s\n", err.msg);
	assert_int_equal(rc, BR_OK);
	br_trial_done(&t);
	return n;
}

static int trials_of(struct br_record *r, int64_t search, struct br_trial **out)
{
	struct br_err err = {0};
	int n = br_record_trials(r, search, out, &err);

	assert_true(n >= 0);
	return n;
}

static void trials_free(struct br_trial *list, int n)
{
	for (int i = 0; i < n; i++)
		br_trial_done(&list[i]);
	free(list);
}

static void every_fact_of_a_trial_comes_back_after_reopening(void **state)
{
	const struct place *p = *state;
	struct br_record *r = open_at(p);
	int64_t id = search_in(r, "b");
	br_auto_free char *log = path_in(p, "logs/1/1.log");
	struct br_trial t = {
		.phase = BR_PHASE_CONFIRM,
		.point = UINT64_MAX,
		.item = br_strdup("item \xff\xfe \x1b[31m"),
		.tree = br_strdup("d'oh \"tree\""),
		.outcome = {.end = BR_END_BUILD_TIMEOUT,
			    .code = -3,
			    .wall_ns = 1,
			    .user_ns = UINT64_MAX,
			    .sys_ns = 3,
			    .build_ns = 4,
			    .setup_ns = 5,
			    .peak_rss_b = 6,
			    .output_b = 7,
			    .omitted_b = 8,
			    .leftovers = UINT32_MAX,
			    .worker = 9,
			    .limit_ns = 10,
			    .sandbox = "none",
			    .note = "a note",
			    .log_path = br_strdup(log)},
		.verdict = {.cls = BR_SKIP,
			    .error = true,
			    .over_learnt = true,
			    .llr = -INFINITY,
			    .value = NAN,
			    .why = "because",
			    .failure = {.kind = "signal",
					.type = "SIGSEGV",
					.message = "m\nm",
					.exit = -1,
					.signal = 11,
					.nframe = 3,
					.frame = {"f", "", "h"}}},
		.cached = true,
		.amended = false,
		.started_ns = 1700000000000000000u,
	};
	struct br_trial want, *got = NULL;

	br_trial_copy(&want, &t);
	assert_int_equal(append(r, id, t), 1);
	br_record_close(r);
	r = open_at(p);
	assert_int_equal(trials_of(r, id, &got), 1);
	assert_int_equal(got->n, 1);
	assert_string_equal(got->item, want.item);
	assert_string_equal(got->tree, want.tree);
	assert_string_equal(got->outcome.log_path, want.outcome.log_path);
	assert_true(isnan(got->verdict.value));
	/* All that is not a pointer, byte for byte by field. */
	assert_int_equal(got->phase, want.phase);
	assert_true(got->point == want.point && got->started_ns == want.started_ns);
	assert_true(got->cached && !got->amended);
	free(got->outcome.log_path);
	free(want.outcome.log_path);
	got->outcome.log_path = want.outcome.log_path = NULL;
	assert_int_equal(got->outcome.end, want.outcome.end);
	assert_int_equal(got->outcome.code, want.outcome.code);
	assert_memory_equal(&got->outcome.wall_ns, &want.outcome.wall_ns,
			    offsetof(struct br_outcome, sandbox) - offsetof(struct br_outcome, wall_ns));
	assert_string_equal(got->outcome.sandbox, "none");
	assert_string_equal(got->outcome.note, "a note");
	assert_int_equal(got->verdict.cls, BR_SKIP);
	assert_true(got->verdict.error && got->verdict.over_learnt);
	assert_true(got->verdict.llr == -INFINITY);
	assert_string_equal(got->verdict.why, "because");
	assert_memory_equal(&got->verdict.failure, &want.verdict.failure, sizeof want.verdict.failure);
	br_trial_done(&want);
	trials_free(got, 1);
	br_record_close(r);
}

static void a_number_that_is_not_a_number_and_one_that_is_come_back(void **state)
{
	struct br_record *r = open_at(*state);
	int64_t id = search_in(r, "b");
	struct br_trial t = trial_on("t", BR_GOOD), *got = NULL;

	t.verdict.value = 1.25e-9;
	t.verdict.llr = 0.5;
	(void)append(r, id, t);
	assert_int_equal(trials_of(r, id, &got), 1);
	assert_true(got->verdict.value == 1.25e-9 && got->verdict.llr == 0.5);
	trials_free(got, 1);
	br_record_close(r);
}

static void logs_of_a_state_directory_that_moved_are_found_again(void **state)
{
	struct place *p = *state;
	struct br_record *r = open_at(p);
	int64_t id = search_in(r, "b");
	br_auto_free char *log = path_in(p, "logs/1/1.log");
	br_auto_free char *moved = br_asprintf("%s/moved", p->dir);
	br_auto_free char *want = br_asprintf("%s/logs/1/1.log", moved);
	struct br_trial t = trial_on("t", BR_GOOD), *got = NULL;

	t.outcome.log_path = br_strdup(log);
	(void)append(r, id, t);
	br_record_close(r);
	assert_int_equal(rename(p->state, moved), 0);
	(void)snprintf(p->state, sizeof p->state, "%s", moved);
	r = open_at(p);
	assert_int_equal(trials_of(r, id, &got), 1);
	assert_string_equal(got->outcome.log_path, want);
	trials_free(got, 1);
	br_record_close(r);
}

static void a_search_is_stored_updated_and_found_as_the_newest(void **state)
{
	struct br_record *r = open_at(*state);
	struct br_err err = {0};
	int64_t first = search_in(r, "b1"), second = search_in(r, "b2");
	char status[] = "isolated", result[] = "{\"x\":1}";
	struct br_search up = {
		.id = first, .status = status, .result = result, .ended_ns = 5, .busy_ns = 6, .pid = 7};
	struct br_search got;

	assert_int_equal(first, 1);
	assert_int_equal(second, 2);
	assert_int_equal(br_record_search_update(r, &up, &err), BR_OK);
	assert_int_equal(br_record_search_get(r, first, &got, &err), BR_OK);
	assert_string_equal(got.status, "isolated");
	assert_string_equal(got.result, "{\"x\":1}");
	assert_string_equal(got.argv, "--good v1 -- make test");
	assert_string_equal(got.basis, "b1");
	assert_null(got.message);
	assert_true(got.ended_ns == 5 && got.busy_ns == 6 && got.pid == 7);
	br_search_done(&got);
	assert_int_equal(br_record_search_get(r, 0, &got, &err), BR_OK);
	assert_int_equal(got.id, second);
	br_search_done(&got);
	up.id = 99;
	assert_int_equal(br_record_search_update(r, &up, &err), BR_ENOTFOUND);
	assert_int_equal(br_record_search_get(r, 99, &got, &err), BR_ENOTFOUND);
	br_record_close(r);
}

static void trials_are_counted_and_numbered_and_voided_numbers_stay_used(void **state)
{
	struct br_record *r = open_at(*state);
	struct br_err err = {0};
	int64_t id = search_in(r, "b");
	struct br_trial t = trial_on("t", BR_GOOD), *list = NULL;
	struct br_search s;
	uint64_t next = 0;

	assert_int_equal(append(r, id, trial_on("t", BR_GOOD)), 1);
	t.cached = true;
	assert_int_equal(append(r, id, t), 2);
	t = trial_on("u", BR_SKIP);
	t.outcome.end = BR_END_CANCELLED;
	assert_int_equal(append(r, id, t), 3);
	assert_int_equal(append(r, id, trial_on("v", BR_BAD)), 4);
	assert_int_equal(br_record_retry(r, id, 4, &err), BR_OK);
	assert_int_equal(br_record_retry(r, id, 4, &err), BR_ENOTFOUND);
	assert_int_equal(br_record_amend(r, id, 4, BR_GOOD, &err), BR_ENOTFOUND);
	assert_int_equal(br_record_next_n(r, id, &next, &err), BR_OK);
	assert_int_equal(next, 5);
	assert_int_equal(br_record_search_get(r, id, &s, &err), BR_OK);
	assert_int_equal(s.trials, 3);
	assert_int_equal(s.trials_run, 1);
	br_search_done(&s);
	assert_int_equal(trials_of(r, id, &list), 3);
	assert_int_equal(list[2].n, 3);
	trials_free(list, 3);
	br_record_close(r);
}

static void a_trial_of_no_search_or_with_a_used_number_is_refused(void **state)
{
	struct br_record *r = open_at(*state);
	struct br_err err = {0};
	int64_t id = search_in(r, "b");
	struct br_trial t = trial_on("t", BR_GOOD);

	assert_int_equal(br_record_trial(r, 77, &t, &err), BR_ENOTFOUND);
	assert_int_equal(t.n, 0);
	assert_int_equal(append(r, id, trial_on("t", BR_GOOD)), 1);
	t.n = 1;
	assert_int_equal(br_record_trial(r, id, &t, &err), BR_ESTATE);
	t.n = 10;
	assert_int_equal(br_record_trial(r, id, &t, &err), BR_OK);
	assert_int_equal(append(r, id, trial_on("t", BR_GOOD)), 11);
	br_trial_done(&t);
	br_record_close(r);
}

/* What the file itself says, beside the interface. */
static char *ask_file(const struct place *p, const char *sql)
{
	br_auto_free char *path = path_in(p, "record.db");
	sqlite3 *db = NULL;
	sqlite3_stmt *st = NULL;
	char *out = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
	if (sqlite3_step(st) == SQLITE_ROW && sqlite3_column_text(st, 0))
		out = br_strdup((const char *)sqlite3_column_text(st, 0));
	(void)sqlite3_finalize(st);
	(void)sqlite3_close(db);
	return out;
}

static void an_amended_verdict_counts_and_the_first_one_is_kept(void **state)
{
	struct br_record *r = open_at(*state);
	struct br_err err = {0};
	int64_t id = search_in(r, "b");
	struct br_trial *list = NULL;
	br_auto_free char *was = NULL;

	(void)append(r, id, trial_on("t", BR_BAD));
	assert_int_equal(br_record_amend(r, id, 1, BR_SKIP, &err), BR_OK);
	assert_int_equal(br_record_amend(r, id, 1, BR_GOOD, &err), BR_OK);
	assert_int_equal(trials_of(r, id, &list), 1);
	assert_true(list->amended);
	assert_int_equal(list->verdict.cls, BR_GOOD);
	assert_true(list->verdict.llr == -INFINITY);
	trials_free(list, 1);
	br_record_close(r);
	was = ask_file(*state, "SELECT class_was FROM trial");
	assert_string_equal(was, "bad");
}

static void only_a_real_uncorrected_verdict_of_an_earlier_search_is_reused(void **state)
{
	struct br_record *r = open_at(*state);
	struct br_err err = {0};
	int64_t one = search_in(r, "b"), two = search_in(r, "b"), other = search_in(r, "other"),
		me = search_in(r, "b");
	struct br_trial t, got;

	(void)append(r, other, trial_on("t", BR_BAD));
	(void)append(r, me, trial_on("t", BR_BAD));
	assert_int_equal(br_record_reuse(r, "b", "t", me, &got, &err), BR_ENOTFOUND);
	(void)append(r, one, trial_on("t", BR_GOOD));
	t = trial_on("t", BR_BAD);
	t.cached = true;
	(void)append(r, two, t);
	t = trial_on("t", BR_BAD);
	t.phase = BR_PHASE_ENDS;
	(void)append(r, two, t);
	t = trial_on("t", BR_SKIP);
	(void)snprintf(t.verdict.failure.kind, sizeof t.verdict.failure.kind, "infra");
	(void)append(r, two, t);
	t = trial_on("t", BR_SKIP);
	t.verdict.over_learnt = true;
	(void)append(r, two, t);
	(void)append(r, two, trial_on("t", BR_BAD));
	assert_int_equal(br_record_amend(r, two, 5, BR_BAD, &err), BR_OK);
	assert_int_equal(br_record_reuse(r, "b", "t", me, &got, &err), BR_OK);
	assert_int_equal(got.verdict.cls, BR_GOOD);
	br_trial_done(&got);
	(void)append(r, two, trial_on("t", BR_BAD));
	assert_int_equal(br_record_reuse(r, "b", "t", me, &got, &err), BR_OK);
	assert_int_equal(got.verdict.cls, BR_BAD);
	br_trial_done(&got);
	assert_int_equal(br_record_retry(r, two, 6, &err), BR_OK);
	assert_int_equal(br_record_reuse(r, "b", "t", me, &got, &err), BR_OK);
	assert_int_equal(got.verdict.cls, BR_GOOD);
	br_trial_done(&got);
	br_record_close(r);
}

static bool is_alive(struct br_record *r, int64_t id)
{
	struct br_search s;
	struct br_err err = {0};
	bool alive;

	assert_int_equal(br_record_search_get(r, id, &s, &err), BR_OK);
	alive = s.alive;
	br_search_done(&s);
	return alive;
}

static void a_search_is_alive_while_it_is_open_and_nobody_else_can_take_it(void **state)
{
	struct br_record *mine = open_at(*state), *other = open_at(*state);
	struct br_err err = {0};
	int64_t id = search_in(mine, "b");

	assert_true(is_alive(mine, id));
	assert_true(is_alive(other, id));
	assert_int_equal(br_record_search_take(other, id, &err), BR_ESTATE);
	assert_non_null(strstr(err.msg, "another process"));
	assert_int_equal(br_record_search_delete(other, id, &err), BR_ESTATE);
	assert_int_equal(br_record_search_take(mine, id, &err), BR_OK);
	br_record_close(mine);
	assert_false(is_alive(other, id));
	assert_int_equal(br_record_search_take(other, id, &err), BR_OK);
	assert_true(is_alive(other, id));
	assert_int_equal(br_record_search_take(other, 99, &err), BR_ENOTFOUND);
	br_record_close(other);
}

/* Runs body in a child that is then killed; returns once it wrote its byte. */
static pid_t child_that_holds(const struct place *p)
{
	int pipefd[2];
	char c;
	pid_t pid;

	assert_int_equal(pipe2(pipefd, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct br_record *r = NULL;
		char basis[] = "b";
		struct br_search s = {.basis = basis};

		if (br_record_open(&r, p->state, true, NULL) < 0 || br_record_search_new(r, &s, NULL) < 0 ||
		    write(pipefd[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			(void)pause();
	}
	(void)close(pipefd[1]);
	assert_int_equal(read(pipefd[0], &c, 1), 1);
	(void)close(pipefd[0]);
	return pid;
}

static void a_killed_process_leaves_its_search_dead_and_free_to_take(void **state)
{
	const struct place *p = *state;
	pid_t pid = child_that_holds(p);
	struct br_record *r = open_at(p);
	struct br_err err = {0};

	assert_true(is_alive(r, 1));
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_false(is_alive(r, 1));
	assert_int_equal(br_record_search_take(r, 1, &err), BR_OK);
	br_record_close(r);
}

static void deleting_a_search_removes_its_rows_logs_and_lock_and_no_others(void **state)
{
	const struct place *p = *state;
	struct br_record *r = open_at(p);
	struct br_err err = {0};
	int64_t one = search_in(r, "b"), two = search_in(r, "b");
	br_auto_free char *log1 = path_in(p, "logs/1/1.log"), *log2 = path_in(p, "logs/2/1.log");
	br_auto_free char *dir1 = path_in(p, "logs/1"), *dir2 = path_in(p, "logs/2"),
			  *lock1 = path_in(p, "locks/1");
	struct br_search *list = NULL;
	struct br_trial *trials = NULL;

	assert_int_equal(br_dir_make(dir1, &err) | br_dir_make(dir2, &err), BR_OK);
	assert_int_equal(br_file_write(log1, "x", 1, &err) | br_file_write(log2, "x", 1, &err), BR_OK);
	(void)append(r, one, trial_on("t", BR_GOOD));
	(void)append(r, two, trial_on("t", BR_GOOD));
	assert_int_equal(br_record_search_delete(r, one, &err), BR_OK);
	assert_int_equal(access(dir1, F_OK), -1);
	assert_int_equal(access(lock1, F_OK), -1);
	assert_int_equal(access(log2, F_OK), 0);
	assert_int_equal(trials_of(r, one, &trials), 0);
	free(trials);
	assert_int_equal(br_record_search_list(r, &list, &err), 1);
	assert_int_equal(list->id, two);
	assert_int_equal(list->trials, 1);
	br_search_done(list);
	free(list);
	assert_int_equal(br_record_search_delete(r, one, &err), BR_ENOTFOUND);
	assert_int_equal(br_record_search_delete(r, two, &err), BR_OK);
	assert_int_equal(search_in(r, "b"), 3); /* a number is never given twice */
	br_record_close(r);
}

static void a_missing_record_is_told_apart_and_nothing_is_made(void **state)
{
	const struct place *p = *state;
	struct br_record *r = NULL;
	struct br_err err = {0};
	struct br_search s;

	assert_int_equal(br_record_open(&r, p->state, false, &err), BR_ENOTFOUND);
	assert_int_equal(access(p->state, F_OK), -1);
	br_record_close(open_at(p));
	assert_int_equal(br_record_open(&r, p->state, false, &err), BR_OK);
	assert_int_equal(br_record_search_get(r, 0, &s, &err), BR_ENOTFOUND);
	br_record_close(r);
}

static void a_record_of_a_newer_version_is_refused_and_left_alone(void **state)
{
	const struct place *p = *state;
	struct br_record *r = NULL;
	struct br_err err = {0};
	br_auto_free char *version = NULL;

	br_record_close(open_at(p));
	free(ask_file(p, "PRAGMA user_version = 1000"));
	assert_int_equal(br_record_open(&r, p->state, true, &err), BR_ESTATE);
	assert_non_null(strstr(err.msg, "newer"));
	assert_non_null(strstr(err.msg, "--state DIR"));
	version = ask_file(p, "PRAGMA user_version");
	assert_string_equal(version, "1000");
}

static void a_record_of_the_first_version_is_brought_up_to_date_and_keeps_its_trials(void **state)
{
	const struct place *p = *state;
	struct br_record *r = open_at(p);
	struct br_err err = {0};
	struct br_trial *trial = NULL;
	int64_t search = search_in(r, "a");
	struct br_trial t = {
		.point = 7, .verdict = {.cls = BR_BAD, .failure = {.kind = "exit", .exit = 3, .version = 9}}};
	br_auto_free char *version = NULL;

	assert_int_equal(br_record_trial(r, search, &t, &err), BR_OK);
	br_record_close(r);
	free(ask_file(p, "ALTER TABLE trial DROP COLUMN failure_version"));
	free(ask_file(p, "PRAGMA user_version = 1"));
	r = open_at(p);
	assert_int_equal(br_record_trials(r, search, &trial, &err), 1);
	assert_int_equal(trial->point, 7);
	assert_int_equal(trial->verdict.failure.exit, 3);
	assert_int_equal(trial->verdict.failure.version, 0);
	br_trial_done(trial);
	free(trial);
	br_record_close(r);
	version = ask_file(p, "PRAGMA user_version");
	assert_string_equal(version, "2");
}

static void a_database_of_another_program_is_refused_and_left_alone(void **state)
{
	const struct place *p = *state;
	struct br_record *r = NULL;
	struct br_err err = {0};
	br_auto_free char *name = NULL;

	assert_int_equal(br_dir_make(p->state, &err), BR_OK);
	free(ask_file(p, "CREATE TABLE mine (x)"));
	assert_int_equal(br_record_open(&r, p->state, true, &err), BR_ESTATE);
	assert_non_null(strstr(err.msg, "another program"));
	name = ask_file(p, "SELECT group_concat(name) FROM sqlite_master");
	assert_string_equal(name, "mine");
}

static void a_damaged_file_is_named_with_what_to_do(void **state)
{
	const struct place *p = *state;
	br_auto_free char *path = path_in(p, "record.db");
	char junk[8192];
	struct br_record *r = NULL;
	struct br_err err = {0};

	memset(junk, 'j', sizeof junk);
	assert_int_equal(br_dir_make(p->state, &err), BR_OK);
	assert_int_equal(br_file_write(path, junk, sizeof junk, &err), BR_OK);
	assert_int_equal(br_record_open(&r, p->state, true, &err), BR_ESTATE);
	assert_non_null(strstr(err.msg, path));
	assert_non_null(strstr(err.msg, "damaged"));
	assert_non_null(strstr(err.msg, "--state DIR"));
}

static void damage_in_the_middle_is_an_error_and_never_a_wrong_verdict(void **state)
{
	const struct place *p = *state;
	struct br_record *r = open_at(p);
	struct br_err err = {0};
	struct br_trial *list = NULL;
	int64_t id = search_in(r, "b");

	(void)append(r, id, trial_on("t", BR_GOOD));
	br_record_close(r);
	free(ask_file(p, "UPDATE trial SET class = 'splendid'"));
	r = open_at(p);
	assert_int_equal(br_record_trials(r, id, &list, &err), BR_ESTATE);
	assert_non_null(strstr(err.msg, "damaged"));
	br_record_close(r);
}

static void a_state_directory_that_cannot_be_made_is_named_with_what_to_do(void **state)
{
	const struct place *p = *state;
	struct br_record *r = NULL;
	struct br_err err = {0};

	assert_int_equal(br_file_write(p->state, "", 0, &err), BR_OK);
	assert_true(br_record_open(&r, p->state, true, &err) < 0);
	assert_non_null(strstr(err.msg, p->state));
	assert_non_null(strstr(err.msg, "--state DIR"));
}

static void a_text_that_is_too_long_is_refused_and_nothing_is_stored(void **state)
{
	enum { LONG = (64 << 20) + 1 };
	struct br_record *r = open_at(*state);
	struct br_err err = {0};
	int64_t id = search_in(r, "b");
	struct br_trial t = trial_on("t", BR_GOOD), *list = NULL;

	free(t.item);
	t.item = br_malloc(LONG + 1);
	memset(t.item, 'x', LONG);
	t.item[LONG] = '\0';
	assert_int_equal(br_record_trial(r, id, &t, &err), BR_ESTATE);
	br_trial_done(&t);
	assert_int_equal(trials_of(r, id, &list), 0);
	free(list);
	assert_int_equal(append(r, id, trial_on("t", BR_GOOD)), 1);
	br_record_close(r);
}

enum { WRITERS = 4, EACH = 40 };

static int write_some(const struct place *p)
{
	struct br_record *r = NULL;
	char basis[] = "b", item[] = "i", tree[] = "t";
	struct br_search s = {.basis = basis};
	struct br_err err = {0};

	if (br_record_open(&r, p->state, true, &err) < 0 || br_record_search_new(r, &s, &err) < 0) {
		print_error("%s\n", err.msg);
		return 1;
	}
	for (int i = 0; i < EACH; i++) {
		struct br_trial t = {.item = item, .tree = tree};

		if (br_record_trial(r, s.id, &t, NULL) < 0 || t.n != (uint64_t)i + 1)
			return 2;
	}
	br_record_close(r);
	return 0;
}

static void several_processes_open_a_new_record_and_write_at_once(void **state)
{
	const struct place *p = *state;
	pid_t pid[WRITERS];
	struct br_search *list = NULL;
	struct br_err err = {0};
	struct br_record *r;

	for (int i = 0; i < WRITERS; i++) {
		pid[i] = fork();
		assert_true(pid[i] >= 0);
		if (pid[i] == 0)
			_exit(write_some(p));
	}
	for (int i = 0; i < WRITERS; i++) {
		int status = -1;

		assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
		assert_int_equal(status, 0);
	}
	r = open_at(p);
	assert_int_equal(br_record_search_list(r, &list, &err), WRITERS);
	for (int i = 0; i < WRITERS; i++) {
		assert_int_equal(list[i].trials, EACH);
		assert_false(list[i].alive);
		br_search_done(&list[i]);
	}
	free(list);
	br_record_close(r);
}

/* Exit statuses of the child below that are not 0: which step went wrong. */
enum { NO_MOUNT = 77 };

static int mount_small(const char *dir, const char *options, unsigned long flags)
{
	return mount("tmpfs", dir, "tmpfs", flags, options);
}

static int private_mounts(void)
{
	if (unshare(CLONE_NEWNS) < 0)
		return -1;
	return mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL);
}

/* Fills the disk, then checks that the error says so, that all stands, and that it goes on once there is room. */
static int fill_and_go_on(const struct place *p)
{
	struct br_record *r = NULL;
	struct br_err err = {0};
	char basis[] = "b", item[2048] = {0};
	struct br_search s = {.basis = basis};
	struct br_trial *list = NULL;
	int done = 0, rc = BR_OK;

	if (private_mounts() < 0 || mount_small(p->dir, "size=1m", 0) < 0)
		return NO_MOUNT;
	memset(item, 'x', sizeof item - 1);
	if (br_record_open(&r, p->state, true, &err) < 0 || br_record_search_new(r, &s, &err) < 0)
		return 1;
	while (done < 5000) {
		struct br_trial t = {.item = item};

		rc = br_record_trial(r, s.id, &t, &err);
		if (rc < 0)
			break;
		done++;
	}
	if (rc != BR_ESYS || err.errnum != ENOSPC || done < 10)
		return 2;
	if (!strstr(err.msg, "what was recorded stands") || !strstr(err.msg, "resume") ||
	    !strstr(err.msg, p->dir))
		return 3;
	br_record_close(r);
	if (mount_small(p->dir, "size=8m", MS_REMOUNT) < 0)
		return 4;
	if (br_record_open(&r, p->state, false, &err) < 0 || br_record_search_take(r, s.id, &err) < 0)
		return 5;
	if (br_record_trials(r, s.id, &list, &err) != done)
		return 6;
	for (int i = 0; i < done; i++)
		br_trial_done(&list[i]);
	free(list);
	struct br_trial t = {.item = item};

	if (br_record_trial(r, s.id, &t, &err) < 0 || t.n != (uint64_t)done + 1)
		return 7;
	br_record_close(r);
	return 0;
}

/* Reading works without any right to write; what would write says why it cannot. */
static int look_at_read_only(const struct place *p)
{
	struct br_record *r = NULL;
	struct br_search *list = NULL, s = {0};
	struct br_err err = {0};
	int n;

	if (br_record_open(&r, p->state, false, &err) < 0)
		return 4;
	n = br_record_search_list(r, &list, &err);
	for (int i = 0; i < n; i++)
		br_search_done(&list[i]);
	free(list);
	if (n != 1)
		return 5;
	if (br_record_search_new(r, &s, &err) >= 0 || !strstr(err.msg, "--state DIR"))
		return 6;
	br_record_close(r);
	return 0;
}

static int open_read_only(const struct place *p)
{
	struct br_record *r = NULL;
	struct br_search s = {0};
	struct br_err err = {0};
	br_auto_free char *path = path_in(p, "record.db");

	if (private_mounts() < 0 || mount_small(p->dir, "size=1m", 0) < 0)
		return NO_MOUNT;
	if (br_record_open(&r, p->state, true, &err) < 0 || br_record_search_new(r, &s, &err) < 0)
		return 1;
	br_record_close(r);
	if (mount_small(p->dir, "size=1m", MS_REMOUNT | MS_RDONLY) < 0)
		return NO_MOUNT;
	if (br_record_open(&r, p->state, true, &err) >= 0)
		return 2;
	if (!strstr(err.msg, path) || !strstr(err.msg, "--state DIR") || strstr(err.msg, "not an error"))
		return 3;
	return look_at_read_only(p);
}

static void run_with_mounts(const struct place *p, int (*body)(const struct place *))
{
	int status = -1;
	pid_t pid;

	if (geteuid() != 0) {
		print_message("skipped: only root may mount a small disk\n");
		skip();
	}
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(body(p));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == NO_MOUNT) {
		print_message("skipped: this system does not let us mount a small disk\n");
		skip();
	}
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_full_disk_is_said_loses_nothing_and_the_record_goes_on_afterwards(void **state)
{
	run_with_mounts(*state, fill_and_go_on);
}

static void an_empty_record_is_removed_and_one_with_searches_is_not(void **state)
{
	const struct place *p = *state;
	br_auto_free char *path = path_in(p, "record.db");
	br_auto_free char *locks = path_in(p, "locks");
	struct br_record *r = open_at(p);
	struct br_err err = {0};
	int64_t id = search_in(r, "b");

	assert_int_equal(br_record_remove(r, &err), BR_ESTATE);
	assert_int_equal(br_record_search_delete(r, id, &err), 0);
	assert_int_equal(br_record_remove(r, &err), 0);
	br_record_close(r);
	assert_int_not_equal(access(path, F_OK), 0);
	assert_int_not_equal(access(locks, F_OK), 0);
	r = open_at(p);
	assert_int_equal(search_in(r, "b"), 1);
	br_record_close(r);
}

static void a_read_only_disk_is_named_with_what_to_do(void **state)
{
	run_with_mounts(*state, open_read_only);
}

static void a_thousand_trials_are_appended_in_a_fraction_of_a_second(void **state)
{
	struct br_record *r = open_at(*state);
	int64_t id = search_in(r, "b");
	struct timespec a, b;
	double ms;

	(void)clock_gettime(CLOCK_MONOTONIC, &a);
	for (int i = 0; i < 1000; i++)
		(void)append(r, id, trial_on("4b825dc642cb6eb9a060e54bf8d69288fbee4904", BR_BAD));
	(void)clock_gettime(CLOCK_MONOTONIC, &b);
	ms = (double)(b.tv_sec - a.tv_sec) * 1e3 + (double)(b.tv_nsec - a.tv_nsec) / 1e6;
	print_message("%.3f ms a trial\n", ms / 1000);
	assert_true(ms < 20000); /* a hundred times what it takes: valgrind, busy machines */
	br_record_close(r);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_make, place_done)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_fact_of_a_trial_comes_back_after_reopening),
		TEST(a_number_that_is_not_a_number_and_one_that_is_come_back),
		TEST(logs_of_a_state_directory_that_moved_are_found_again),
		TEST(a_search_is_stored_updated_and_found_as_the_newest),
		TEST(trials_are_counted_and_numbered_and_voided_numbers_stay_used),
		TEST(a_trial_of_no_search_or_with_a_used_number_is_refused),
		TEST(an_amended_verdict_counts_and_the_first_one_is_kept),
		TEST(only_a_real_uncorrected_verdict_of_an_earlier_search_is_reused),
		TEST(a_search_is_alive_while_it_is_open_and_nobody_else_can_take_it),
		TEST(a_killed_process_leaves_its_search_dead_and_free_to_take),
		TEST(deleting_a_search_removes_its_rows_logs_and_lock_and_no_others),
		TEST(a_missing_record_is_told_apart_and_nothing_is_made),
		TEST(a_record_of_a_newer_version_is_refused_and_left_alone),
		TEST(a_record_of_the_first_version_is_brought_up_to_date_and_keeps_its_trials),
		TEST(a_database_of_another_program_is_refused_and_left_alone),
		TEST(a_damaged_file_is_named_with_what_to_do),
		TEST(damage_in_the_middle_is_an_error_and_never_a_wrong_verdict),
		TEST(a_state_directory_that_cannot_be_made_is_named_with_what_to_do),
		TEST(a_text_that_is_too_long_is_refused_and_nothing_is_stored),
		TEST(several_processes_open_a_new_record_and_write_at_once),
		TEST(a_full_disk_is_said_loses_nothing_and_the_record_goes_on_afterwards),
		TEST(an_empty_record_is_removed_and_one_with_searches_is_not),
		TEST(a_read_only_disk_is_named_with_what_to_do),
		TEST(a_thousand_trials_are_appended_in_a_fraction_of_a_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
