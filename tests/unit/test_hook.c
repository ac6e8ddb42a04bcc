/* test_hook.c - what hooks may do, and what they cannot do to us. */
#include "bisect_run/hook.h"

#include "base/buf.h"
#include "base/mem.h"
#include "bisect_run/err.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <cmocka.h>

#define LIMIT_MS 20000 /* for hooks that should end by themselves */

static int make_folder(void **state)
{
	char path[] = "/tmp/br-hook-XXXXXX";

	assert_non_null(mkdtemp(path));
	*state = br_strdup(path);
	return 0;
}

static int remove_folder(void **state)
{
	assert_int_equal(br_dir_remove(*state, NULL), 0);
	free(*state);
	return 0;
}

static void put(const char *dir, const char *name, mode_t mode, const char *body)
{
	br_auto_free char *path = br_asprintf("%s/%s", dir, name);
	br_auto_free char *text = br_asprintf("#!/bin/sh\n%s\n", body);

	assert_int_equal(br_file_write(path, text, strlen(text), NULL), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static struct br_hooks *open_in(const char *dir)
{
	struct br_hooks *h = NULL;
	struct br_err err = {0};

	if (br_hooks_open(&h, (const char *const[]){dir, NULL}, &err) != 0)
		fail_msg("%s", err.msg);
	return h;
}

static int run_in(const char *dir, const char *kind, const char *input, int limit_ms, struct br_err *err)
{
	br_auto_free char *where = br_asprintf("WHERE=%s", dir);
	char path[] = "PATH=/usr/bin:/bin";
	char *env[] = {path, where, NULL};
	struct br_hooks *h = open_in(dir);
	int rc = br_hooks_run(h, kind, input, env, limit_ms, err);

	br_hooks_close(h);
	return rc;
}

static char *slurp(const char *dir, const char *name)
{
	br_auto_free char *path = br_asprintf("%s/%s", dir, name);
	char *text = NULL;
	size_t n;

	return br_file_read(path, 1 << 20, &text, &n, NULL) == 0 ? text : NULL;
}

static void a_missing_folder_means_no_hooks(void **state)
{
	br_auto_free char *none = br_asprintf("%s/none", (char *)*state);
	struct br_hooks *h = open_in(none);

	assert_int_equal(br_hooks_count(h, "pre-search"), 0);
	assert_null(br_hooks_refused(h, 0));
	assert_int_equal(br_hooks_run(h, "pre-search", "{}", (char *[]){NULL}, LIMIT_MS, NULL), 0);
	br_hooks_close(h);
	br_hooks_close(NULL);
}

static void a_hook_reads_its_input_and_its_kind(void **state)
{
	br_auto_free char *said = NULL;

	put(*state, "pre-search", 0755,
	    "cat > \"$WHERE/said\"; echo \"$BISECT_RUN_HOOK\" >> \"$WHERE/said\"");
	assert_int_equal(run_in(*state, "pre-search", "{\"version\": 1}\n", LIMIT_MS, NULL), 0);
	said = slurp(*state, "said");
	assert_string_equal(said, "{\"version\": 1}\npre-search\n");
}

static void all_hooks_of_a_kind_run_in_the_order_of_their_names(void **state)
{
	br_auto_free char *said = NULL;
	struct br_hooks *h;

	put(*state, "notify-b", 0755, "echo b >> \"$WHERE/said\"");
	put(*state, "notify-a", 0755, "echo a >> \"$WHERE/said\"; exit 3");
	put(*state, "notify-a~", 0755, "echo backup >> \"$WHERE/said\"");
	put(*state, "README.md", 0644, "");
	put(*state, "post-trial", 0755, "echo other >> \"$WHERE/said\"");
	h = open_in(*state);
	assert_int_equal(br_hooks_count(h, "notify"), 2);
	assert_int_equal(br_hooks_count(h, "post-trial"), 1);
	br_hooks_close(h);
	assert_int_equal(run_in(*state, "notify", "{}", LIMIT_MS, NULL), 3);
	said = slurp(*state, "said");
	assert_string_equal(said, "a\nb\n");
}

static void exit_125_of_one_hook_skips_whatever_the_others_say(void **state)
{
	br_auto_free char *other = br_asprintf("%s/other", (char *)*state);
	struct br_hooks *h = NULL;
	struct br_err err = {0};

	put(*state, "pre-trial", 0755, "echo 'disk is full' >&2; exit 125");
	assert_int_equal(mkdir(other, 0755), 0);
	put(other, "pre-trial", 0755, "exit 126");
	assert_int_equal(br_hooks_open(&h, (const char *const[]){other, *state, NULL}, &err), 0);
	assert_int_equal(br_hooks_run(h, "pre-trial", "{}", (char *[]){NULL}, LIMIT_MS, &err), 125);
	assert_non_null(strstr(err.msg, "exit 125: disk is full"));
	br_hooks_close(h);
}

static void a_hook_that_dies_is_an_error_with_its_last_words(void **state)
{
	struct br_err err = {0};

	put(*state, "post-search", 0755,
	    "echo first >&2; printf 'last \\033[31mwords\\n\\n' >&2; kill -SEGV $$");
	assert_int_equal(run_in(*state, "post-search", "{}", LIMIT_MS, &err), BR_ESYS);
	assert_non_null(strstr(err.msg, "SIGSEGV: last \\x1b[31mwords"));
}

/* The hook's child comes to us when the hook is gone: its end can be waited for. */
static void assert_child_was_killed(const char *dir)
{
	br_auto_free char *child = slurp(dir, "child");
	int status = 0;

	assert_non_null(child);
	assert_true(waitpid((pid_t)strtol(child, NULL, 10), &status, 0) > 0);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void a_hook_that_hangs_is_killed_with_its_children(void **state)
{
	struct br_err err = {0};

	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	put(*state, "pre-trial", 0755, "sleep 1000 & echo $! > \"$WHERE/child\"; wait");
	assert_int_equal(run_in(*state, "pre-trial", "{}", 1500, &err), BR_ESYS);
	assert_non_null(strstr(err.msg, "more than 1500 ms"));
	assert_child_was_killed(*state);
}

static void a_child_left_behind_neither_delays_nor_survives(void **state)
{
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	/* The child holds stderr open: an end of file would not come for a thousand seconds. */
	put(*state, "pre-trial", 0755, "sleep 1000 & echo $! > \"$WHERE/child\"");
	assert_int_equal(run_in(*state, "pre-trial", "{}", LIMIT_MS, NULL), 0);
	assert_child_was_killed(*state);
}

static void a_flood_of_output_costs_nothing_and_blocks_nobody(void **state)
{
	struct br_err err = {0};

	put(*state, "pre-trial", 0755,
	    "head -c 3000000 /dev/zero | tr '\\0' x; head -c 3000000 /dev/zero | tr '\\0' y >&2; echo >&2; "
	    "echo end >&2; exit 7");
	assert_int_equal(run_in(*state, "pre-trial", "{}", LIMIT_MS, &err), 7);
	assert_non_null(strstr(err.msg, "exit 7: end"));
}

static void input_that_nobody_reads_blocks_nobody(void **state)
{
	struct br_buf big = {0};
	br_auto_free char *input = NULL;

	for (int i = 0; i < 300000; i++)
		br_buf_str(&big, "0123456789");
	input = br_buf_take(&big);
	put(*state, "pre-trial", 0755, "exit 0");
	put(*state, "post-trial", 0755, "test $(wc -c) = 3000000");
	assert_int_equal(run_in(*state, "pre-trial", input, LIMIT_MS, NULL), 0);
	assert_int_equal(run_in(*state, "post-trial", input, LIMIT_MS, NULL), 0);
}

static void assert_refused(const char *dir, const char *why)
{
	struct br_hooks *h = open_in(dir);

	assert_int_equal(br_hooks_count(h, "pre-trial"), 0);
	assert_non_null(br_hooks_refused(h, 0));
	assert_non_null(strstr(br_hooks_refused(h, 0), why));
	assert_null(br_hooks_refused(h, 1));
	br_hooks_close(h);
}

static void what_others_could_have_written_is_not_run(void **state)
{
	put(*state, "pre-trial", 0757, "exit 0");
	assert_refused(*state, "another user");
}

static void a_folder_that_others_can_write_is_not_trusted(void **state)
{
	put(*state, "pre-trial", 0755, "exit 0");
	assert_int_equal(chmod(*state, 0777), 0);
	assert_refused(*state, "another user");
}

static void a_hook_that_is_not_executable_is_named(void **state)
{
	put(*state, "pre-trial", 0644, "exit 0");
	assert_refused(*state, "pre-trial is not executable");
}

static void what_is_not_a_regular_file_is_not_run(void **state)
{
	br_auto_free char *path = br_asprintf("%s/pre-trial", (char *)*state);

	assert_int_equal(mkdir(path, 0755), 0);
	assert_refused(*state, "not a regular file");
}

static void another_users_hook_is_not_run(void **state)
{
	br_auto_free char *path = br_asprintf("%s/pre-trial", (char *)*state);

	put(*state, "pre-trial", 0755, "exit 0");
	if (chown(path, 12345, (gid_t)-1) != 0)
		skip(); /* only root can give a file away */
	assert_refused(*state, "another user");
}

static void a_hook_whose_interpreter_is_missing_is_reported(void **state)
{
	br_auto_free char *path = br_asprintf("%s/pre-trial", (char *)*state);
	static const char text[] = "#!/no/such/interpreter\n";
	struct br_err err = {0};

	assert_int_equal(br_file_write(path, text, sizeof text - 1, NULL), 0);
	assert_int_equal(chmod(path, 0755), 0);
	/* Not "< 0": under valgrind the program starts and ends at once. */
	assert_int_not_equal(run_in(*state, "pre-trial", "{}", LIMIT_MS, &err), 0);
	assert_non_null(strstr(err.msg, "pre-trial"));
}

/* Asks profile-x of the folder with these words. */
static int ask(const char *dir, const char *const *words, struct br_hook_call *call, char **out,
	       struct br_err *err)
{
	br_auto_free char *where = br_asprintf("WHERE=%s", dir);
	char path[] = "PATH=/usr/bin:/bin";
	char *env[] = {path, where, NULL};
	char **args = NULL;
	struct br_hooks *h = open_in(dir);
	size_t n = 0;
	int rc;

	for (; words && *words; words++)
		br_strv_add(&args, *words);
	call->kind = "profile";
	call->name = "x";
	call->args = args;
	call->env = env;
	call->max_b = call->max_b ? call->max_b : 1 << 20;
	call->limit_ms = call->limit_ms ? call->limit_ms : LIMIT_MS;
	rc = br_hooks_ask(h, call, out, &n, err);
	if (rc >= 0)
		assert_int_equal(strlen(*out), n);
	br_strv_free(args);
	br_hooks_close(h);
	return rc;
}

static void a_question_gets_its_words_its_folder_and_an_answer(void **state)
{
	static const char *const words[] = {"wrap", "a b", NULL};
	struct br_hook_call call = {.cwd = "/"};
	br_auto_free char *out = NULL;

	put(*state, "profile-x", 0755, "echo \"$1|$2|$(pwd)|$BISECT_RUN_HOOK\"; exit 3");
	assert_int_equal(ask(*state, words, &call, &out, NULL), 3);
	assert_string_equal(out, "wrap|a b|/|profile\n");
}

static void a_question_to_nobody_is_no_answer(void **state)
{
	struct br_hook_call call = {0};
	char *out = NULL;
	struct br_err err = {0};

	assert_int_equal(ask(*state, NULL, &call, &out, &err), BR_ENOTFOUND);
	assert_non_null(strstr(err.msg, "profile-x"));
}

static void an_answer_that_floods_is_cut_off_with_all_who_write_it(void **state)
{
	struct br_hook_call call = {.max_b = 100000};
	char *out = NULL;
	struct br_err err = {0};

	put(*state, "profile-x", 0755, "yes & yes");
	assert_int_equal(ask(*state, NULL, &call, &out, &err), BR_ESYS);
	assert_non_null(strstr(err.msg, "more than 100000 bytes"));
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void a_question_that_is_not_answered_ends_at_its_limit(void **state)
{
	struct br_hook_call call = {.limit_ms = 200};
	char *out = NULL;
	struct br_err err = {0};

	put(*state, "profile-x", 0755, "sleep 1000 & sleep 1000");
	assert_int_equal(ask(*state, NULL, &call, &out, &err), BR_ESYS);
	assert_non_null(strstr(err.msg, "200 ms"));
}

/* It would write on after its hook has ended, from a session of its own. */
static void a_daemon_of_a_profilers_hook_is_found_and_killed(void **state)
{
	struct br_hook_call call = {0};
	br_auto_free char *out = NULL;
	br_auto_free char *pid = NULL;

	put(*state, "profile-x", 0755,
	    "setsid sh -c 'echo $$ > \"$WHERE/pid\"; exec sleep 1000' >/dev/null 2>&1 &\n"
	    "until [ -s \"$WHERE/pid\" ]; do :; done\necho well");
	assert_int_equal(ask(*state, NULL, &call, &out, NULL), 0);
	assert_string_equal(out, "well\n");
	pid = slurp(*state, "pid");
	assert_int_equal(kill((pid_t)strtol(pid, NULL, 10), 0), -1);
}

static void the_hook_of_the_later_folder_wins(void **state)
{
	br_auto_free char *one = br_asprintf("%s/1", (char *)*state);
	br_auto_free char *two = br_asprintf("%s/2", (char *)*state);
	const struct br_hook_call call = {
		.kind = "profile", .name = "x", .limit_ms = LIMIT_MS, .max_b = 100, .env = environ};
	struct br_hooks *h = NULL;
	br_auto_free char *out = NULL;
	br_auto_strv char **names = NULL;
	size_t n;

	assert_int_equal(mkdir(one, 0755) + mkdir(two, 0755), 0);
	put(one, "profile-x", 0755, "echo program");
	put(two, "profile-x", 0755, "echo user");
	assert_int_equal(br_hooks_open(&h, (const char *const[]){one, two, NULL}, NULL), 0);
	assert_int_equal(br_hooks_ask(h, &call, &out, &n, NULL), 0);
	assert_string_equal(out, "user\n");
	names = br_hooks_names(h, "profile");
	assert_int_equal(br_strv_len(names), 1);
	br_hooks_close(h);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_missing_folder_means_no_hooks),
		TEST(a_hook_reads_its_input_and_its_kind),
		TEST(all_hooks_of_a_kind_run_in_the_order_of_their_names),
		TEST(exit_125_of_one_hook_skips_whatever_the_others_say),
		TEST(a_hook_that_dies_is_an_error_with_its_last_words),
		TEST(a_hook_that_hangs_is_killed_with_its_children),
		TEST(a_child_left_behind_neither_delays_nor_survives),
		TEST(a_flood_of_output_costs_nothing_and_blocks_nobody),
		TEST(input_that_nobody_reads_blocks_nobody),
		TEST(what_others_could_have_written_is_not_run),
		TEST(a_folder_that_others_can_write_is_not_trusted),
		TEST(a_hook_that_is_not_executable_is_named),
		TEST(what_is_not_a_regular_file_is_not_run),
		TEST(another_users_hook_is_not_run),
		TEST(a_hook_whose_interpreter_is_missing_is_reported),
		TEST(a_question_gets_its_words_its_folder_and_an_answer),
		TEST(a_question_to_nobody_is_no_answer),
		TEST(an_answer_that_floods_is_cut_off_with_all_who_write_it),
		TEST(a_question_that_is_not_answered_ends_at_its_limit),
		TEST(a_daemon_of_a_profilers_hook_is_found_and_killed),
		TEST(the_hook_of_the_later_folder_wins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
