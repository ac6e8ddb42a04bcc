/* test_engine.c - the local engine with real processes: outcomes, limits, cancelling, and that nothing
 * survives. */
#include "bisect_run/engine.h"

#include "base/mem.h"
#include "bisect_run/domain.h"
#include "bisect_run/err.h"
#include "sys/clock.h"
#include "sys/file.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

enum { DEADLINE_S = 30, ALL_OF_IT = 1 << 20 };

#define WORDS(...) ((char **)(void *)(uintptr_t)(const char *[]){__VA_ARGS__, NULL})
#define SH(script) WORDS("sh", "-c", script)

/*
 * A domain whose trees are plain folders. The label says what happens: "corrupt", "full" (the host's disk),
 * "slow" (never ends), "bare" (no folder sub); any other is written into the file `label`.
 */
struct br_tree {
	char *top;
};

static int fake_tree_open(struct br_domain *d, const char *dir, struct br_tree **out, struct br_err *err)
{
	struct br_tree *t = br_calloc(1, sizeof *t);

	(void)d;
	t->top = br_asprintf("%s/tree", dir);
	*out = t;
	return br_dir_make(t->top, err);
}

static int put_in(const struct br_tree *t, const char *name, const char *text, struct br_err *err)
{
	br_auto_free char *path = br_asprintf("%s/%s", t->top, name);

	return br_file_write(path, text, strlen(text), err);
}

static int fake_tree_update(struct br_tree *t, const char *label, bool fresh, struct br_err *err)
{
	br_auto_free char *sub = br_asprintf("%s/sub", t->top);

	if (!strcmp(label, "corrupt"))
		return br_fail(err, BR_ECORRUPT, "object 1234 is damaged");
	if (!strcmp(label, "full")) {
		errno = ENOSPC;
		return br_fail_errno(err, "cannot write the tree");
	}
	if (fresh && br_dir_remove(t->top, err) < 0)
		return BR_ESYS;
	if (br_dir_make(sub, err) < 0)
		return BR_ESYS;
	if (!strcmp(label, "bare") && br_dir_remove(sub, err) < 0)
		return BR_ESYS;
	if (put_in(t, "label", label, err) < 0)
		return BR_ESYS;
	while (!strcmp(label, "slow"))
		(void)pause();
	return 0;
}

static const char *fake_tree_path(const struct br_tree *t)
{
	return t->top;
}

static void fake_tree_close(struct br_tree *t)
{
	if (!t)
		return;
	free(t->top);
	free(t);
}

static const struct br_domain_ops fake_ops = {
	.name = "fake",
	.tree_open = fake_tree_open,
	.tree_update = fake_tree_update,
	.tree_path = fake_tree_path,
	.tree_close = fake_tree_close,
};

struct ctx {
	char dir[64];
	char *work, *logs, *mark;
	char **env, **argv;
	struct br_domain domain;
	struct br_run_spec spec;
	struct br_engine *engine;
	struct br_err err;
	struct br_done done; /* of the last trial */
	char *log;	     /* its text */
	uint64_t next;
};

static int setup(void **state)
{
	struct ctx *c = br_calloc(1, sizeof *c);

	(void)snprintf(c->dir, sizeof c->dir, "/tmp/br-engine-XXXXXX");
	assert_non_null(mkdtemp(c->dir));
	c->work = br_asprintf("%s/work", c->dir);
	c->logs = br_asprintf("%s/logs", c->dir);
	c->mark = br_asprintf("BR_TEST_MARK=%s", c->dir); /* by which its processes are found */
	br_strv_add(&c->env, "PATH=/usr/local/bin:/usr/bin:/bin");
	br_strv_add(&c->env, c->mark);
	c->domain.ops = &fake_ops;
	c->spec = (struct br_run_spec){.env = c->env,
				       .subdir = "",
				       .grace_ns = 200 * BR_NS_PER_MS,
				       .head_b = ALL_OF_IT,
				       .tail_b = 4096,
				       .log_dir = c->logs,
				       .work_dir = c->work,
				       .jobs = 1};
	*state = c;
	return 0;
}

/* Keeps a copy for as long as the test lasts. NULL: no command. */
static void set_argv(struct ctx *c, char **argv)
{
	br_strv_free(c->argv);
	c->argv = argv ? br_strv_copy(argv) : NULL;
	c->spec.argv = c->argv;
}

static void open_engine(struct ctx *c)
{
	assert_int_equal(br_engine_local_open(&c->engine, &c->spec, &c->domain, &c->err), 0);
}

static void close_engine(struct ctx *c)
{
	if (c->engine)
		c->engine->ops->close(c->engine);
	c->engine = NULL;
}

static void forget(struct ctx *c)
{
	free(br_steal(&c->done.outcome.log_path));
	free(br_steal(&c->log));
}

static bool has_mark(const struct ctx *c, const char *pid)
{
	br_auto_free char *path = br_asprintf("/proc/%s/environ", pid), *text = NULL;
	size_t n = 0;

	return br_file_read(path, ALL_OF_IT, &text, &n, NULL) == 0 &&
	       memmem(text, n, c->mark, strlen(c->mark));
}

/* Living processes of this test's trials, wherever they hide; workers are not among them. */
static int marked(const struct ctx *c)
{
	DIR *proc = opendir("/proc");
	int n = 0;

	assert_non_null(proc);
	for (struct dirent *e; (e = readdir(proc));)
		if (isdigit((unsigned char)e->d_name[0]) && has_mark(c, e->d_name))
			n++;
	(void)closedir(proc);
	return n;
}

static void nap(void)
{
	(void)nanosleep(&(struct timespec){.tv_nsec = 2 * BR_NS_PER_MS}, NULL);
}

/* Looks again and again until the condition holds, at most DEADLINE_S. */
#define EVENTUALLY(condition)                                                                                \
	do {                                                                                                 \
		uint64_t until_ = br_now_ns() + (uint64_t)DEADLINE_S * BR_NS_PER_S;                          \
		while (!(condition) && br_now_ns() < until_)                                                 \
			nap();                                                                               \
		assert_true(condition);                                                                      \
	} while (0)

static int teardown(void **state)
{
	struct ctx *c = *state;

	close_engine(c);
	forget(c);
	assert_int_equal(marked(c), 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child, no zombie */
	assert_int_equal(errno, ECHILD);
	assert_int_equal(br_dir_remove(c->dir, &c->err), 0);
	free(c->work);
	free(c->logs);
	free(c->mark);
	br_strv_free(c->env);
	br_strv_free(c->argv);
	free(c);
	return 0;
}

static uint64_t submit(struct ctx *c, struct br_job job)
{
	job.id = ++c->next;
	if (!c->engine)
		open_engine(c);
	assert_int_equal(c->engine->ops->submit(c->engine, &job, &c->err), 0);
	return job.id;
}

static void fetch(struct ctx *c)
{
	int rc;
	size_t n;

	forget(c);
	rc = c->engine->ops->wait(c->engine, -1, DEADLINE_S * 1000, &c->done, &c->err);
	assert_int_equal(rc, 1);
	if (c->done.outcome.log_path)
		assert_int_equal(br_file_read(c->done.outcome.log_path, 1 << 24, &c->log, &n, NULL), 0);
}

static const struct br_outcome *run_job(struct ctx *c, struct br_job job)
{
	uint64_t id = submit(c, job);

	fetch(c);
	assert_int_equal(c->done.id, id);
	return &c->done.outcome;
}

/* One trial of argv at the label "a", the engine opened for it. */
static const struct br_outcome *run(struct ctx *c, char **argv)
{
	close_engine(c);
	set_argv(c, argv);
	return run_job(c, (struct br_job){.label = "a", .prefer = -1});
}

static const struct br_outcome *run_limited(struct ctx *c, char **argv, uint64_t timeout_ms)
{
	close_engine(c);
	set_argv(c, argv);
	return run_job(c,
		       (struct br_job){.label = "a", .prefer = -1, .timeout_ns = timeout_ms * BR_NS_PER_MS});
}

static bool there_is(const struct ctx *c, const char *name)
{
	br_auto_free char *path = br_asprintf("%s/%s", c->dir, name);

	return access(path, F_OK) == 0;
}

/* Waits until the trial has made this file in the test's folder. */
static void await_file(struct ctx *c, const char *name)
{
	EVENTUALLY(there_is(c, name));
}

static void assert_end(const struct br_outcome *o, enum br_end end, int code)
{
	if (o->end != end || o->code != code)
		print_error("%s %d: %s\n", br_end_name(o->end), o->code, o->note);
	assert_int_equal(o->end, end);
	assert_int_equal(o->code, code);
}

static char process_state(const char *pid)
{
	br_auto_free char *path = br_asprintf("/proc/%.*s/stat", (int)strcspn(pid, "\n"), pid), *text = NULL;
	const char *end;
	size_t n = 0;

	if (br_file_read(path, 4096, &text, &n, NULL) < 0)
		return 0;
	end = strrchr(text, ')');
	return end ? end[2] : 0;
}

static void test_every_exit_status_comes_back(void **state)
{
	struct ctx *c = *state;
	static const int code[] = {0, 1, 125, 126, 127, 128, 137, 255};

	set_argv(c, SH("exit $(cat label)"));
	for (size_t i = 0; i < sizeof code / sizeof *code; i++) {
		br_auto_free char *label = br_asprintf("%d", code[i]);

		assert_end(run_job(*state, (struct br_job){.label = label, .prefer = -1}), BR_END_EXIT,
			   code[i]);
	}
}

static void test_a_signal_is_no_exit_status(void **state)
{
	assert_end(run(*state, SH("kill -SEGV $$")), BR_END_SIGNAL, SIGSEGV);
	assert_end(run(*state, SH("exit 139")), BR_END_EXIT, 139);
	assert_end(run(*state, SH("kill -KILL $$")), BR_END_SIGNAL, SIGKILL);
}

static void test_a_program_that_cannot_be_started_is_told_with_its_errno(void **state)
{
	struct ctx *c = *state;

	assert_end(run(c, WORDS("no-such-program")), BR_END_EXEC, ENOENT);
	assert_non_null(strstr(c->done.outcome.note, "no-such-program"));
	assert_end(run(c, WORDS("./label")), BR_END_EXEC, EACCES);
	assert_end(run(c, SH("exit 127")), BR_END_EXIT, 127);
}

static void test_output_of_both_streams_is_kept_in_order(void **state)
{
	struct ctx *c = *state;
	const struct br_outcome *o = run(c, SH("for i in 1 2 3; do echo out $i; echo err $i >&2; done"));

	assert_string_equal(c->log, "out 1\nerr 1\nout 2\nerr 2\nout 3\nerr 3\n");
	assert_int_equal(o->output_b, strlen(c->log));
	assert_int_equal(o->omitted_b, 0);
}

static void test_a_large_output_is_cut_in_the_middle(void **state)
{
	struct ctx *c = *state;
	const struct br_outcome *o;

	c->spec.head_b = 10;
	c->spec.tail_b = 5;
	o = run(c, SH("printf 'first line'; head -c 300000000 /dev/zero; printf 'the end'"));
	assert_end(o, BR_END_EXIT, 0);
	assert_int_equal(o->output_b, 300000017);
	assert_int_equal(o->omitted_b, 300000002);
	assert_string_equal(c->log, "first line\n[bisect-run: 300000002 bytes left out]\ne end");
}

static void test_times_and_memory_are_those_of_the_command(void **state)
{
	struct ctx *c = *state;
	const struct br_outcome *o =
		run(c, SH("i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; sleep 0.2"));

	assert_end(o, BR_END_EXIT, 0);
	assert_true(o->wall_ns >= 200 * BR_NS_PER_MS);
	assert_true(o->user_ns + o->sys_ns > 1 * BR_NS_PER_MS);
	assert_true(o->user_ns + o->sys_ns < o->wall_ns);
	assert_true(o->setup_ns > 0);
	assert_int_equal(o->build_ns, 0);
	o = run(c, WORDS("dd", "if=/dev/zero", "of=/dev/null", "bs=64M", "count=1"));
	assert_in_range(o->peak_rss_b, 64u << 20, 90u << 20);
}

static void test_a_command_over_its_limit_is_a_timeout_even_if_it_ends_well(void **state)
{
	struct ctx *c = *state;

	c->spec.grace_ns = (uint64_t)DEADLINE_S * BR_NS_PER_S;
	assert_end(run_limited(c, SH("trap 'echo bye; exit 0' TERM; sleep 1000 & wait"), 1500),
		   BR_END_TIMEOUT, 2);
	assert_string_equal(c->log, "bye\n");
	assert_int_equal(c->done.outcome.limit_ns, 1500 * (uint64_t)BR_NS_PER_MS);
}

static void test_a_command_that_ignores_the_request_is_killed_after_the_grace_time(void **state)
{
	const struct br_outcome *o = run_limited(
		*state, SH("trap '' TERM; (setsid sh -c 'trap \"\" TERM; sleep 1000; :' &) ; sleep 1000; :"),
		50);

	assert_end(o, BR_END_TIMEOUT, 1);
	assert_true(o->wall_ns >= 250 * BR_NS_PER_MS);
	assert_int_equal(marked(*state), 0);
}

static void test_a_command_that_stopped_itself_is_ended_by_the_limit(void **state)
{
	assert_end(run_limited(*state, SH("kill -STOP $$"), 50), BR_END_TIMEOUT, 1);
}

static void test_a_daemon_that_holds_the_output_delays_nothing_and_is_killed(void **state)
{
	struct ctx *c = *state;
	const struct br_outcome *o = run(c, SH("(setsid sleep 1000 &) ; echo done"));

	assert_end(o, BR_END_EXIT, 0);
	assert_int_equal(o->leftovers, 1);
	assert_string_equal(c->log, "done\n");
	assert_true(o->wall_ns < 20ull * BR_NS_PER_S);
	assert_int_equal(marked(c), 0);
}

static void test_whatever_hides_is_killed_before_the_outcome_comes(void **state)
{
	struct ctx *c = *state;
	const struct br_outcome *o =
		run(c, SH("( ( sleep 1000 & ) & )\n"
			  "setsid sh -c 'trap \"\" TERM HUP INT; setsid sleep 1000; :' &\n"
			  "sh -c 'kill -STOP $$; sleep 1000' &\n"
			  "sleep 1000 >/dev/null 2>&1 </dev/null &\n"
			  "exit 3"));

	assert_end(o, BR_END_EXIT, 3);
	assert_true(o->leftovers >= 3);
	assert_int_equal(marked(c), 0);
}

static void test_two_hundred_leftovers_are_killed(void **state)
{
	struct ctx *c = *state;
	const struct br_outcome *o =
		run(c, SH("i=0; while [ $i -lt 200 ]; do i=$((i+1)); setsid sleep 1000 & done; exit 0"));

	assert_end(o, BR_END_EXIT, 0);
	assert_int_equal(o->leftovers, 200);
	assert_int_equal(marked(c), 0);
}

static void test_the_command_has_an_empty_input_three_descriptors_and_a_session(void **state)
{
	struct ctx *c = *state;

	assert_end(run(c, SH("cat; readlink /proc/$$/fd/0; i=3; while [ $i -lt 64 ]; do "
			     "[ -e /proc/$$/fd/$i ] && echo leak $i; i=$((i+1)); done; "
			     "[ $(cut -d' ' -f6 /proc/$$/stat) = $$ ] && echo leader; exit 0")),
		   BR_END_EXIT, 0);
	assert_string_equal(c->log, "/dev/null\nleader\n");
}

static void test_a_trial_is_told_about_itself(void **state)
{
	struct ctx *c = *state;

	br_strv_add(&c->env, "PWD=/wrong");
	br_strv_add(&c->env, "BISECT_RUN_COMMIT=wrong");
	c->spec.env = c->env;
	assert_end(
		run(c, SH("echo $BISECT_RUN_COMMIT $BISECT_RUN_TRIAL $BISECT_RUN_WORKER $BISECT_RUN_JOBS;"
			  "[ $(printenv PWD) = $(pwd -P) ] && env | grep -c -e ^PWD -e ^BISECT_RUN_COMMIT")),
		BR_END_EXIT, 0);
	assert_string_equal(c->log, "a 1 0 1\n2\n");
}

static void test_every_trial_has_an_empty_temporary_folder(void **state)
{
	struct ctx *c = *state;

	set_argv(c, SH("cd $TMPDIR && [ $(ls -A | wc -l) = 0 ] && mkdir -p d/e && touch f d/g && chmod 0 d"));
	assert_end(run_job(c, (struct br_job){.label = "a", .prefer = -1}), BR_END_EXIT, 0);
	assert_false(there_is(c, "work/0/tmp"));
	assert_end(run_job(c, (struct br_job){.label = "b", .prefer = -1}), BR_END_EXIT, 0);
}

static void test_without_a_command_only_the_tree_is_made(void **state)
{
	struct ctx *c = *state;

	assert_end(run(c, NULL), BR_END_EXIT, 0);
	assert_null(c->done.outcome.log_path);
	assert_true(there_is(c, "work/0/tree/label"));
}

static void test_a_folder_that_the_candidate_lacks_is_said(void **state)
{
	struct ctx *c = *state;

	c->spec.subdir = "sub";
	set_argv(c, SH("basename $(pwd)"));
	assert_end(run_job(c, (struct br_job){.label = "a", .prefer = -1}), BR_END_EXIT, 0);
	assert_string_equal(c->log, "sub\n");
	assert_end(run_job(c, (struct br_job){.label = "bare", .prefer = -1}), BR_END_SETUP, 0);
	assert_string_equal(c->done.outcome.note, "the folder sub does not exist in this commit");
}

static void test_a_damaged_candidate_is_no_failure_of_the_host_and_the_reverse(void **state)
{
	struct ctx *c = *state;

	set_argv(c, SH("exit 0"));
	assert_end(run_job(c, (struct br_job){.label = "corrupt", .prefer = -1}), BR_END_SETUP, 0);
	assert_string_equal(c->done.outcome.note, "object 1234 is damaged");
	assert_null(c->engine->ops->at(c->engine, 0));
	assert_end(run_job(c, (struct br_job){.label = "full", .prefer = -1}), BR_END_LOST, 0);
	assert_end(run_job(c, (struct br_job){.label = "b", .prefer = -1}), BR_END_EXIT, 0);
	assert_string_equal(c->engine->ops->at(c->engine, 0), "b");
}

static void test_a_build_that_fails_keeps_the_command_from_running(void **state)
{
	struct ctx *c = *state;

	c->spec.build = "echo building; exit 4";
	assert_end(run(c, SH("echo never")), BR_END_BUILD, 4);
	assert_string_equal(c->log, "building\n");
	assert_true(c->done.outcome.build_ns > 0);
	assert_int_equal(c->done.outcome.wall_ns, 0);
	c->spec.build = "sleep 1000 & kill -SEGV $$";
	assert_end(run(c, SH("echo never")), BR_END_BUILD, 128 + SIGSEGV);
	c->spec.build = "echo > built; sleep 0.05";
	assert_end(run(c, SH("test -e built")), BR_END_EXIT, 0);
	assert_true(c->done.outcome.build_ns >= 50 * BR_NS_PER_MS);
	assert_true(c->done.outcome.wall_ns < c->done.outcome.build_ns + BR_NS_PER_S);
}

static void test_a_build_over_its_limit_is_told_apart(void **state)
{
	struct ctx *c = *state;

	c->spec.build = "sleep 1000";
	c->spec.build_timeout_ns = 50 * BR_NS_PER_MS;
	assert_end(run(c, SH("echo never")), BR_END_BUILD_TIMEOUT, 0);
}

static char *user_file(struct ctx *c, const char *name, const char *text, mode_t mode)
{
	br_auto_free char *dir = br_asprintf("%s/user", c->dir);
	char *path = br_asprintf("%s/user/%s", c->dir, name);

	assert_int_equal(br_dir_make(dir, NULL), 0);
	assert_int_equal(br_file_write(path, text, strlen(text), NULL), 0);
	assert_int_equal(chmod(path, mode), 0);
	return path;
}

/* valgrind does not know it: files are then put nowhere. */
static void needs_openat2(void)
{
	if (!getenv("BR_VALGRIND"))
		return;
	print_message("skipped: valgrind has no openat2\n");
	skip();
}

static void test_a_file_of_the_users_is_put_in_where_it_lacks_and_removed_again(void **state)
{
	needs_openat2();
	struct ctx *c = *state;
	br_auto_free char *script = user_file(c, "t.sh", "cat new/deep/data; echo >> new/deep/data\n", 0755);
	br_auto_free char *data = user_file(c, "data", "mine\n", 0644),
			  *label = user_file(c, "label", "stale\n", 0644);
	char to_script[] = "t.sh", to_data[] = "new/deep/data", to_label[] = "label";
	const struct br_named_file named[] = {{.source = script, .target = to_script},
					      {.source = data, .target = to_data},
					      {.source = label, .target = to_label}};

	c->spec.named = named;
	c->spec.nnamed = 3;
	assert_end(run(c, WORDS("./t.sh")), BR_END_EXIT, 0);
	assert_string_equal(c->log, "mine\n");
	assert_false(there_is(c, "work/0/tree/t.sh"));
	assert_false(there_is(c, "work/0/tree/new"));
	assert_end(run(c, WORDS("cat", "label", "new/deep/data")), BR_END_EXIT, 0);
	assert_string_equal(c->log, "amine\n");
}

static void test_a_file_that_the_build_names_is_there_before_it_and_removed_again(void **state)
{
	struct ctx *c = *state;
	br_auto_free char *script = user_file(c, "b.sh", "echo built > made\n", 0755);
	char to_script[] = "b.sh";
	const struct br_named_file named[] = {{.source = script, .target = to_script, .for_build = true}};

	c->spec.named = named;
	c->spec.nnamed = 1;
	c->spec.build = "sh ./b.sh";
	assert_end(run(c, WORDS("cat", "made")), BR_END_EXIT, 0);
	assert_string_equal(c->log, "built\n");
	assert_false(there_is(c, "work/0/tree/b.sh"));
}

static void test_what_a_killed_worker_had_put_in_is_removed_before_the_next_trial(void **state)
{
	needs_openat2();
	struct ctx *c = *state;
	br_auto_free char *data = user_file(c, "data", "old\n", 0644), *again = NULL;
	char to_data[] = "d/data";
	const struct br_named_file named[] = {{.source = data, .target = to_data}};

	c->spec.named = named;
	c->spec.nnamed = 1;
	set_argv(c, SH("cat d/data; [ $BISECT_RUN_TRIAL != 1 ] || kill -KILL $PPID; sleep 0"));
	run_job(c, (struct br_job){.label = "a", .prefer = -1});
	assert_int_equal(c->done.outcome.end, BR_END_LOST);
	again = user_file(c, "data", "new\n", 0644);
	run_job(c, (struct br_job){.label = "a", .prefer = -1});
	assert_string_equal(c->log, "new\n");
	assert_false(there_is(c, "work/0/tree/d"));
}

static void test_a_link_of_the_candidates_does_not_lead_a_file_out_of_the_tree(void **state)
{
	struct ctx *c = *state;
	br_auto_free char *data = user_file(c, "data", "mine\n", 0644);
	char to_data[] = "out/data";
	const struct br_named_file named[] = {{.source = data, .target = to_data}};

	c->spec.named = named;
	c->spec.nnamed = 1;
	c->spec.build = "ln -sfn ../../.. out";
	run(c, SH("exit 0"));
	assert_int_equal(c->done.outcome.end, BR_END_SETUP);
	assert_false(there_is(c, "data"));
}

static void test_words_that_name_the_users_checkout_mean_the_private_tree(void **state)
{
	struct ctx *c = *state;

	c->spec.user_root = "/home/u/project/";
	assert_end(run(c, WORDS("sh", "-c", "for w; do echo ${w#*/work}; done", "x", "/home/u/project/a/b",
				"/home/u/project", "/home/u/project2/a")),
		   BR_END_EXIT, 0);
	assert_string_equal(c->log, "/0/tree/a/b\n/0/tree\n/home/u/project2/a\n");
}

static void test_fresh_reaches_the_domain(void **state)
{
	struct ctx *c = *state;

	set_argv(c, SH("[ ! -e seen ] && echo > seen"));
	assert_end(run_job(c, (struct br_job){.label = "a", .prefer = -1}), BR_END_EXIT, 0);
	assert_end(run_job(c, (struct br_job){.label = "a", .prefer = -1}), BR_END_EXIT, 1);
	assert_end(run_job(c, (struct br_job){.label = "a", .prefer = -1, .fresh = true}), BR_END_EXIT, 0);
}

static void test_a_trial_that_kills_its_worker_is_lost_and_leaves_nothing(void **state)
{
	struct ctx *c = *state;

	set_argv(c, SH("[ $(cat label) != a ] && exit 5; (setsid sh -c 'trap \"\" TERM; sleep 1000; :' &); "
		       "sleep 1000 & kill -KILL $PPID; sleep 1000"));
	run_job(c, (struct br_job){.label = "a", .prefer = -1});
	assert_int_equal(c->done.outcome.end, BR_END_LOST);
	assert_int_equal(marked(c), 0);
	assert_null(c->engine->ops->at(c->engine, 0));
	assert_end(run_job(c, (struct br_job){.label = "b", .prefer = -1}), BR_END_EXIT, 5);
}

static void test_a_worker_that_died_while_idle_is_replaced(void **state)
{
	struct ctx *c = *state;
	br_auto_free char *pid = NULL;

	assert_end(run(c, SH("echo $PPID; exit 0")), BR_END_EXIT, 0);
	pid = br_steal(&c->log);
	assert_int_equal(kill((pid_t)strtol(pid, NULL, 10), SIGKILL), 0);
	EVENTUALLY(process_state(pid) == 'Z');
	assert_end(run_job(c, (struct br_job){.label = "b", .prefer = -1}), BR_END_EXIT, 0);
	assert_string_not_equal(c->log, pid);
}

/* Returns how long after the cancel the last process was gone. */
static uint64_t cancel_running(struct ctx *c)
{
	br_auto_free char *ready = br_asprintf("%s/ready", c->dir);
	uint64_t id = submit(c, (struct br_job){.label = "a", .prefer = -1}), start, gone;

	await_file(c, "ready");
	start = br_now_ns();
	c->engine->ops->cancel(c->engine, id);
	EVENTUALLY(marked(c) == 0);
	gone = br_now_ns() - start;
	fetch(c);
	assert_int_equal(c->done.outcome.end, BR_END_CANCELLED);
	assert_int_equal(unlink(ready), 0);
	return gone;
}

static void test_a_cancelled_trial_leaves_no_process_within_a_tenth_of_a_second(void **state)
{
	struct ctx *c = *state;
	br_auto_free char *script = br_asprintf(
		"(setsid sh -c 'trap \"\" TERM; sleep 1000; :' &); sleep 1000 & echo > %s/ready; sleep 1000",
		c->dir);
	uint64_t best = UINT64_MAX;

	set_argv(c, SH(script));
	/* the best of a few: on a loaded machine neither we nor this test get the processor at once */
	for (int i = 0; i < 10 && best >= 100 * BR_NS_PER_MS; i++) {
		uint64_t gone = cancel_running(c);

		best = gone < best ? gone : best;
	}
	print_message("gone after %llu ms\n", (unsigned long long)(best / BR_NS_PER_MS));
	assert_true(best < 100 * BR_NS_PER_MS);
}

static void test_a_trial_is_cancelled_while_its_tree_is_made(void **state)
{
	struct ctx *c = *state;
	uint64_t id;

	set_argv(c, SH("exit 0"));
	id = submit(c, (struct br_job){.label = "slow", .prefer = -1});
	await_file(c, "work/0/tree/label");
	c->engine->ops->cancel(c->engine, id);
	fetch(c);
	assert_int_equal(c->done.outcome.end, BR_END_CANCELLED);
	assert_int_equal(c->engine->ops->slots(c->engine), 1);
	assert_end(run_job(c, (struct br_job){.label = "b", .prefer = -1}), BR_END_EXIT, 0);
}

static void test_four_workers_run_at_once_in_trees_of_their_own(void **state)
{
	struct ctx *c = *state;
	br_auto_free char *script = br_asprintf("echo > %s/up$BISECT_RUN_WORKER; until [ -e %s/up0 -a -e "
						"%s/up1 -a -e %s/up2 -a -e %s/up3 ]; do sleep 0.01; "
						"done; cat label",
						c->dir, c->dir, c->dir, c->dir, c->dir);
	static const char *const label[] = {"w", "x", "y", "z"};
	unsigned seen = 0;

	c->spec.jobs = 4;
	set_argv(c, SH(script));
	for (int i = 0; i < 4; i++) {
		submit(c, (struct br_job){.label = label[i], .prefer = 3 - i});
		assert_int_equal(c->engine->ops->slots(c->engine), 3 - i);
	}
	for (int i = 0; i < 4; i++) {
		fetch(c);
		assert_end(&c->done.outcome, BR_END_EXIT, 0);
		assert_int_equal(c->done.outcome.worker, 4 - c->done.id);
		assert_string_equal(c->log, label[c->done.id - 1]);
		assert_string_equal(c->engine->ops->at(c->engine, c->done.outcome.worker), c->log);
		seen |= 1u << c->done.id;
	}
	assert_int_equal(seen, 0x1e);
	assert_int_equal(c->engine->ops->slots(c->engine), 4);
}

static void test_a_job_too_many_is_an_error(void **state)
{
	struct ctx *c = *state;
	struct br_job job = {.id = 99, .label = "b", .prefer = -1};

	set_argv(c, SH("sleep 1000"));
	submit(c, (struct br_job){.label = "a", .prefer = -1});
	assert_int_equal(c->engine->ops->submit(c->engine, &job, &c->err), BR_ESTATE);
}

static void test_waiting_ends_at_the_timeout_and_when_woken_and_never_for_nothing(void **state)
{
	struct ctx *c = *state;
	int pipe_fd[2];

	set_argv(c, SH("sleep 1000"));
	open_engine(c);
	assert_int_equal(c->engine->ops->wait(c->engine, -1, -1, &c->done, &c->err), BR_ESTATE);
	assert_int_equal(c->engine->ops->wait(c->engine, -1, 0, &c->done, &c->err), 0);
	submit(c, (struct br_job){.label = "a", .prefer = -1});
	assert_int_equal(c->engine->ops->wait(c->engine, -1, 20, &c->done, &c->err), 0);
	assert_int_equal(pipe2(pipe_fd, O_CLOEXEC), 0);
	assert_int_equal(write(pipe_fd[1], "x", 1), 1);
	assert_int_equal(c->engine->ops->wait(c->engine, pipe_fd[0], -1, &c->done, &c->err), 0);
	(void)close(pipe_fd[0]);
	(void)close(pipe_fd[1]);
}

static void test_a_pause_stops_the_processes_and_their_clock(void **state)
{
	struct ctx *c = *state;
	br_auto_free char *script =
		br_asprintf("echo $$ > %s/pid; mv %s/pid %s/ready; while [ ! -e %s/go ]; do :; done", c->dir,
			    c->dir, c->dir, c->dir);
	br_auto_free char *ready = br_asprintf("%s/ready", c->dir), *go = br_asprintf("%s/go", c->dir),
			  *pid = NULL;
	uint64_t limit_ms = 2000;
	size_t n;

	set_argv(c, SH(script));
	submit(c, (struct br_job){.label = "a", .prefer = -1, .timeout_ns = limit_ms * BR_NS_PER_MS});
	await_file(c, "ready");
	assert_int_equal(br_file_read(ready, 100, &pid, &n, NULL), 0);
	c->engine->ops->pause(c->engine, true);
	EVENTUALLY(process_state(pid) == 'T');
	/* longer than the limit: with a running clock this would be a timeout */
	assert_int_equal(c->engine->ops->wait(c->engine, -1, (int)limit_ms + 300, &c->done, &c->err), 0);
	assert_int_equal(br_file_write(go, "", 0, NULL), 0);
	c->engine->ops->pause(c->engine, false);
	fetch(c);
	assert_end(&c->done.outcome, BR_END_EXIT, 0);
	assert_true(c->done.outcome.wall_ns < limit_ms * BR_NS_PER_MS);
}

static void test_a_job_that_comes_during_a_pause_starts_after_it(void **state)
{
	struct ctx *c = *state;
	br_auto_free char *script = br_asprintf("echo > %s/started", c->dir);

	set_argv(c, SH(script));
	open_engine(c);
	c->engine->ops->pause(c->engine, true);
	submit(c, (struct br_job){.label = "a", .prefer = -1});
	await_file(c, "work/0/tree/label");
	assert_int_equal(c->engine->ops->wait(c->engine, -1, 100, &c->done, &c->err), 0);
	assert_false(there_is(c, "started"));
	c->engine->ops->pause(c->engine, false);
	fetch(c);
	assert_end(&c->done.outcome, BR_END_EXIT, 0);
}

static void test_closing_kills_what_runs_is_stopped_or_is_being_made(void **state)
{
	struct ctx *c = *state;
	br_auto_free char *script = br_asprintf("(setsid sleep 1000 &); echo > %s/up; sleep 1000", c->dir);

	c->spec.jobs = 2;
	set_argv(c, SH(script));
	submit(c, (struct br_job){.label = "a", .prefer = 0});
	submit(c, (struct br_job){.label = "slow", .prefer = 1});
	await_file(c, "up");
	await_file(c, "work/1/tree/label");
	c->engine->ops->pause(c->engine, true);
	close_engine(c); /* teardown looks for what is left */
}

static void test_children_from_before_the_engine_are_left_alone(void **state)
{
	struct ctx *c = *state;
	int status = 0;
	pid_t pid = fork();

	if (!pid) {
		(void)pause();
		_exit(0);
	}
	run(c, SH("kill -KILL $PPID; sleep 1000"));
	assert_int_equal(c->done.outcome.end, BR_END_LOST);
	close_engine(c);
	assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
}

static bool is_dead(pid_t pid)
{
	br_auto_free char *text = br_asprintf("%ld", (long)pid);
	char now = process_state(text);

	return !now || now == 'Z';
}

/* Runs an engine in a process of its own and kills that with SIGKILL once the file is there; nothing may be
 * left. */
static void kill_engine(struct ctx *c, const char *label, const char *file)
{
	pid_t pid = fork(), worker = 0;
	br_auto_free char *path = NULL, *text = NULL;
	int status = 0;
	size_t n = 0;

	if (!pid) {
		submit(c, (struct br_job){.label = label, .prefer = -1});
		for (;;)
			(void)pause();
	}
	await_file(c, file);
	path = br_asprintf("/proc/%ld/task/%ld/children", (long)pid, (long)pid);
	assert_int_equal(br_file_read(path, 1000, &text, &n, NULL), 0);
	worker = (pid_t)strtol(text, NULL, 10);
	assert_true(worker > 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	EVENTUALLY(marked(c) == 0);
	EVENTUALLY(is_dead(worker));
	/* this process adopts the worker when an earlier test made it a subreaper; process 1 reaps when it
	 * likes */
	(void)waitpid(worker, NULL, 0);
}

static void test_when_the_engine_is_killed_nothing_of_a_running_trial_survives(void **state)
{
	struct ctx *c = *state;
	br_auto_free char *script =
		br_asprintf("(setsid sh -c 'trap \"\" TERM; sleep 1000; :' &); ( ( sleep 1000 & ) & )\n"
			    "sh -c 'kill -STOP $$' & echo > %s/up; sleep 1000",
			    c->dir);

	set_argv(c, SH(script));
	kill_engine(c, "a", "up");
}

static void test_when_the_engine_is_killed_a_worker_that_makes_its_tree_dies(void **state)
{
	struct ctx *c = *state;

	set_argv(c, SH("exit 0"));
	kill_engine(c, "slow", "work/0/tree/label");
}

static void test_a_log_that_cannot_be_kept_is_no_outcome(void **state)
{
	struct ctx *c = *state;
	struct rlimit old, small;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	small.rlim_cur = 1000;
	open_engine(c);
	close_engine(c);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	run(c, SH("head -c 5000 /dev/zero"));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(c->done.outcome.end, BR_END_LOST);
	assert_non_null(strstr(c->done.outcome.note, "log"));
}

static size_t open_descriptors(const char *pid)
{
	br_auto_free char *path = br_asprintf("/proc/%s/fd", pid);
	DIR *dir = opendir(path);
	size_t n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	(void)closedir(dir);
	return n;
}

static void test_a_thousand_trials_leak_no_descriptor_and_no_process(void **state)
{
	struct ctx *c = *state;
	int rounds = getenv("BR_VALGRIND") ? 50 : 1000;
	size_t here = 0, there = 0;

	set_argv(c, SH("echo $PPID"));
	for (int i = 0; i < rounds; i++) {
		br_auto_free char *worker = NULL;

		assert_end(run_job(c, (struct br_job){.label = i % 2 ? "a" : "b", .prefer = -1}), BR_END_EXIT,
			   0);
		worker = br_strndup(c->log, strcspn(c->log, "\n"));
		if (!i) {
			here = open_descriptors("self");
			there = open_descriptors(worker);
		}
		if (i == rounds - 1) {
			assert_int_equal(open_descriptors("self"), here);
			assert_int_equal(open_descriptors(worker), there);
		}
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		/* first: before this process is a subreaper */
		TEST(test_when_the_engine_is_killed_nothing_of_a_running_trial_survives),
		TEST(test_when_the_engine_is_killed_a_worker_that_makes_its_tree_dies),
		TEST(test_every_exit_status_comes_back),
		TEST(test_a_signal_is_no_exit_status),
		TEST(test_a_program_that_cannot_be_started_is_told_with_its_errno),
		TEST(test_output_of_both_streams_is_kept_in_order),
		TEST(test_a_large_output_is_cut_in_the_middle),
		TEST(test_times_and_memory_are_those_of_the_command),
		TEST(test_a_command_over_its_limit_is_a_timeout_even_if_it_ends_well),
		TEST(test_a_command_that_ignores_the_request_is_killed_after_the_grace_time),
		TEST(test_a_command_that_stopped_itself_is_ended_by_the_limit),
		TEST(test_a_daemon_that_holds_the_output_delays_nothing_and_is_killed),
		TEST(test_whatever_hides_is_killed_before_the_outcome_comes),
		TEST(test_two_hundred_leftovers_are_killed),
		TEST(test_the_command_has_an_empty_input_three_descriptors_and_a_session),
		TEST(test_a_trial_is_told_about_itself),
		TEST(test_every_trial_has_an_empty_temporary_folder),
		TEST(test_without_a_command_only_the_tree_is_made),
		TEST(test_a_folder_that_the_candidate_lacks_is_said),
		TEST(test_a_damaged_candidate_is_no_failure_of_the_host_and_the_reverse),
		TEST(test_a_build_that_fails_keeps_the_command_from_running),
		TEST(test_a_build_over_its_limit_is_told_apart),
		TEST(test_a_file_of_the_users_is_put_in_where_it_lacks_and_removed_again),
		TEST(test_a_file_that_the_build_names_is_there_before_it_and_removed_again),
		TEST(test_what_a_killed_worker_had_put_in_is_removed_before_the_next_trial),
		TEST(test_a_link_of_the_candidates_does_not_lead_a_file_out_of_the_tree),
		TEST(test_words_that_name_the_users_checkout_mean_the_private_tree),
		TEST(test_fresh_reaches_the_domain),
		TEST(test_a_trial_that_kills_its_worker_is_lost_and_leaves_nothing),
		TEST(test_a_worker_that_died_while_idle_is_replaced),
		TEST(test_a_cancelled_trial_leaves_no_process_within_a_tenth_of_a_second),
		TEST(test_a_trial_is_cancelled_while_its_tree_is_made),
		TEST(test_four_workers_run_at_once_in_trees_of_their_own),
		TEST(test_a_job_too_many_is_an_error),
		TEST(test_waiting_ends_at_the_timeout_and_when_woken_and_never_for_nothing),
		TEST(test_a_pause_stops_the_processes_and_their_clock),
		TEST(test_a_job_that_comes_during_a_pause_starts_after_it),
		TEST(test_closing_kills_what_runs_is_stopped_or_is_being_made),
		TEST(test_children_from_before_the_engine_are_left_alone),
		TEST(test_a_log_that_cannot_be_kept_is_no_outcome),
		TEST(test_a_thousand_trials_leak_no_descriptor_and_no_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
