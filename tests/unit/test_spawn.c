/* test_spawn.c - starting programs: what they inherit, what they do not, and how a failure is told. */
#include "sys/spawn.h"

#include "base/buf.h"
#include "base/mem.h"
#include "bisect_run/err.h"
#include "sys/clock.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

struct ctx {
	char dir[64];
	struct br_err err;
};

static int setup(void **state)
{
	struct ctx *c = br_calloc(1, sizeof *c);

	(void)snprintf(c->dir, sizeof c->dir, "/tmp/br-spawn-XXXXXX");
	assert_non_null(mkdtemp(c->dir));
	*state = c;
	return 0;
}

static int teardown(void **state)
{
	struct ctx *c = *state;

	assert_int_equal(br_dir_remove(c->dir, NULL), 0);
	free(c);
	return 0;
}

/* A vector of words for argv and env: never written to, though its type says so. */
#define WORDS(...) ((char **)(void *)(uintptr_t)(const char *[]){__VA_ARGS__, NULL})

static char **path_only(void)
{
	static const char *const env[] = {"PATH=/usr/bin:/bin", NULL};

	return (char **)(void *)(uintptr_t)env;
}

static void put_script(const struct ctx *c, const char *name, const void *text, size_t n, mode_t mode)
{
	br_auto_free char *path = br_asprintf("%s/%s", c->dir, name);

	assert_int_equal(br_file_write(path, text, n, NULL), 0);
	assert_int_equal(chmod(path, mode), 0);
}

/* Runs it in the test's folder and returns its wait status and its output. */
static int run(struct ctx *c, char **argv, char **env, char **out)
{
	int status = -1;
	int rc = br_spawn_capture(argv, env, c->dir, 1 << 20, 20000, out, &status, &c->err);

	if (rc)
		print_error("%s\n", c->err.msg);
	assert_int_equal(rc, 0);
	return status;
}

static void assert_output(struct ctx *c, char **argv, char **env, const char *want)
{
	br_auto_free char *out = NULL;
	int status = run(c, argv, env, &out);

	assert_string_equal(out, want);
	assert_int_equal(status, 0);
}

static int exec_errno(struct ctx *c, char **argv, char **env)
{
	struct br_spawn s = {
		.argv = argv, .env = env, .cwd = c->dir, .in_fd = -1, .out_fd = -1, .err_fd = -1};
	pid_t pid = 0;
	int pidfd = -1;

	assert_int_equal(br_spawn(&s, &pid, &pidfd, &c->err), BR_ESYS);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no zombie */
	assert_int_equal(errno, ECHILD);
	return c->err.errnum;
}

static void test_exit_and_signal_stay_apart(void **state)
{
	struct ctx *c = *state;
	br_auto_free char *a = NULL, *b = NULL;
	int status = run(c, WORDS("sh", "-c", "exit 137"), path_only(), &a);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 137);
	status = run(c, WORDS("sh", "-c", "kill -KILL $$"), path_only(), &b);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

static void test_a_missing_program_is_told_with_its_errno(void **state)
{
	struct ctx *c = *state;

	assert_int_equal(exec_errno(c, WORDS("no-such-program"), path_only()), ENOENT);
	assert_non_null(strstr(c->err.msg, "no-such-program"));
	assert_int_equal(exec_errno(c, WORDS("./none"), path_only()), ENOENT);
	assert_int_equal(exec_errno(c, WORDS(""), path_only()), ENOENT);
	put_script(c, "plain", "true\n", 5, 0644);
	assert_int_equal(exec_errno(c, WORDS("./plain"), path_only()), EACCES);
	assert_int_equal(exec_errno(c, WORDS("/"), path_only()), EACCES);
}

/* valgrind judges by itself what can be executed, and differs from the kernel. */
static void needs_the_kernels_exec(void)
{
	if (!getenv("BR_VALGRIND"))
		return;
	print_message("skipped: valgrind has an execve of its own\n");
	skip();
}

static void test_a_missing_interpreter_is_named_as_such(void **state)
{
	struct ctx *c = *state;

	needs_the_kernels_exec();
	put_script(c, "x", "#!/no/such/interpreter\n", 23, 0755);
	assert_int_equal(exec_errno(c, WORDS("./x"), path_only()), ENOENT);
	assert_non_null(strstr(c->err.msg, "interpreter"));
}

static void test_a_missing_folder_is_told(void **state)
{
	struct ctx *c = *state;
	char *out = NULL;
	int status;

	assert_int_equal(br_spawn_capture(WORDS("true"), path_only(), "/no/such/folder", 10, 0, &out, &status,
					  &c->err),
			 BR_ESYS);
	assert_int_equal(c->err.errnum, ENOENT);
	assert_non_null(strstr(c->err.msg, "/no/such/folder"));
}

static void test_a_script_without_a_header_is_run_by_sh_and_a_binary_is_not(void **state)
{
	struct ctx *c = *state;

	needs_the_kernels_exec();
	put_script(c, "script", "echo \"$0 $1 $2\"\n", 16, 0755);
	assert_output(c, WORDS("./script", "a b", "c"), path_only(), "./script a b c\n");
	put_script(c, "binary",
		   "\x7f"
		   "ELF\0\0\0\0garbage\n",
		   17, 0755);
	assert_int_equal(exec_errno(c, WORDS("./binary"), path_only()), ENOEXEC);
}

static void test_the_program_is_looked_up_in_the_path_of_its_own_environment(void **state)
{
	struct ctx *c = *state;

	put_script(c, "tool", "#!/bin/sh\necho found\n", 21, 0755);
	assert_output(c, WORDS("tool"), WORDS("PATH=/nowhere::/bin"),
		      "found\n"); /* the empty part: its cwd */
	assert_output(c, WORDS("tool"), WORDS("PATH=."), "found\n");
	assert_int_equal(exec_errno(c, WORDS("tool"), WORDS("PATH=/bin")), ENOENT);
	assert_output(c, WORDS("echo", "x"), WORDS("A=b"), "x\n"); /* no PATH at all */
}

static void test_a_file_that_may_not_be_run_does_not_hide_a_later_one(void **state)
{
	struct ctx *c = *state;
	br_auto_free char *path = br_asprintf("PATH=%s:/usr/bin:/bin", c->dir);

	put_script(c, "true", "x", 1, 0644);
	assert_output(c, WORDS("true"), WORDS(path), "");
}

static void test_only_three_descriptors_are_open_in_it(void **state)
{
	struct ctx *c = *state;
	int leak = dup(0); /* without close-on-exec */

	assert_true(leak > 2);
	assert_output(
		c,
		WORDS("sh", "-c",
		      "i=0; while [ $i -lt 64 ]; do [ -e /proc/$$/fd/$i ] && echo $i; i=$((i+1)); done; "
		      "readlink /proc/$$/fd/0"),
		path_only(), "0\n1\n2\n/dev/null\n");
	(void)close(leak);
}

static void test_signals_are_at_their_defaults_and_unblocked_in_it(void **state)
{
	struct ctx *c = *state;
	const struct sigaction ignore = {.sa_handler = SIG_IGN}, dfl = {.sa_handler = SIG_DFL};
	sigset_t usr, old;

	(void)sigemptyset(&usr);
	(void)sigaddset(&usr, SIGUSR1);
	assert_int_equal(sigprocmask(SIG_BLOCK, &usr, &old), 0);
	assert_int_equal(sigaction(SIGPIPE, &ignore, NULL), 0);
	/* Signals 32 and 33 are glibc's own: its posix_spawn (in make) leaves them ignored, nobody may change that. */
	assert_output(c,
		      WORDS("sed", "-nE", "s/^(Sig(Blk|Ign)):\t0000000[01][08]0000000$/\\1 none/p",
			    "/proc/self/status"),
		      path_only(), "SigBlk none\nSigIgn none\n");
	assert_int_equal(sigaction(SIGPIPE, &dfl, NULL), 0);
	assert_int_equal(sigprocmask(SIG_SETMASK, &old, NULL), 0);
}

static void test_children_can_be_waited_for_though_sigchld_was_ignored(void **state)
{
	const struct sigaction ignore = {.sa_handler = SIG_IGN};

	assert_int_equal(sigaction(SIGCHLD, &ignore, NULL), 0);
	assert_output(*state, WORDS("echo", "x"), path_only(), "x\n");
}

static void test_captured_output_is_capped_and_the_program_still_ends(void **state)
{
	struct ctx *c = *state;
	char *out = NULL;
	int status = -1;

	assert_int_equal(br_spawn_capture(WORDS("head", "-c", "3000000", "/dev/zero"), path_only(), NULL, 100,
					  0, &out, &status, &c->err),
			 0);
	assert_int_equal(status, 0);
	free(out);
}

static void test_what_a_failed_helper_said_follows_its_output(void **state)
{
	struct ctx *c = *state;
	br_auto_free char *bad = NULL, *good = NULL;

	assert_int_not_equal(run(c, WORDS("sh", "-c", "echo out; echo why >&2; exit 3"), path_only(), &bad),
			     0);
	assert_string_equal(bad, "out\nwhy\n");
	assert_int_equal(run(c, WORDS("sh", "-c", "echo out; echo warning >&2"), path_only(), &good), 0);
	assert_string_equal(good, "out\n");
}

static void test_a_helper_over_its_limit_is_killed_and_told(void **state)
{
	struct ctx *c = *state;
	char *out = NULL;
	int status = -1;

	assert_int_equal(br_spawn_capture(WORDS("sh", "-c", "trap '' TERM; sleep 1000"), path_only(), NULL,
					  100, 50, &out, &status, &c->err),
			 BR_ESYS);
	assert_int_equal(c->err.errnum, ETIMEDOUT);
	assert_null(out);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void test_a_grandchild_that_holds_the_pipe_does_not_hold_us(void **state)
{
	struct ctx *c = *state;
	uint64_t start = br_now_ns();

	assert_output(c, WORDS("sh", "-c", "sleep 1000 & echo done"), path_only(), "done\n");
	assert_true(br_now_ns() - start < 15ull * BR_NS_PER_S);
}

static int echo_body(void *arg, int fd)
{
	char text[64];
	ssize_t n = recv(fd, text, sizeof text, 0);

	if (n <= 0)
		return 41;
	if (send(fd, text, (size_t)n, 0) != n || getsid(0) != getpid())
		return 42;
	return *(const int *)arg;
}

static void test_a_worker_talks_over_its_socket_and_returns_its_status(void **state)
{
	struct ctx *c = *state;
	int code = 7, fd = -1, status = 0;
	char text[64] = {0};
	pid_t pid = 0;

	assert_int_equal(br_fork_worker(echo_body, &code, &pid, &fd, &c->err), 0);
	assert_int_equal(send(fd, "hello", 5, 0), 5);
	assert_int_equal(recv(fd, text, sizeof text, 0), 5);
	assert_string_equal(text, "hello");
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 7);
	(void)close(fd);
}

static void test_a_worker_sees_the_end_of_its_parent_though_another_was_forked_later(void **state)
{
	struct ctx *c = *state;
	int code = 0, fd[2] = {-1, -1}, status = 0;
	pid_t pid[2];

	for (int i = 0; i < 2; i++)
		assert_int_equal(br_fork_worker(echo_body, &code, &pid[i], &fd[i], &c->err), 0);
	for (int i = 0; i < 2; i++) {
		(void)close(fd[i]);
		assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
		assert_int_equal(WEXITSTATUS(status), 41);
	}
}

static void test_it_dies_with_its_parent_when_told_so(void **state)
{
	struct ctx *c = *state;
	int pipe_fd[2], status = 0;
	char byte;
	pid_t pid;

	assert_int_equal(pipe2(pipe_fd, O_CLOEXEC), 0);
	pid = fork();
	if (!pid) {
		struct br_spawn s = {
			.argv = WORDS("sleep", "1000"), .env = path_only(), .in_fd = -1, .err_fd = -1};
		int pidfd;
		pid_t child;

		s.out_fd = pipe_fd[1];
		s.new_session = s.die_with_parent = true;
		_exit(br_spawn(&s, &child, &pidfd, NULL) ? 1 : 0);
	}
	(void)close(pipe_fd[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(read(pipe_fd[0], &byte, 1), 0); /* the end: nobody holds the pipe any more */
	(void)close(pipe_fd[0]);
	(void)c;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_exit_and_signal_stay_apart),
		TEST(test_a_missing_program_is_told_with_its_errno),
		TEST(test_a_missing_interpreter_is_named_as_such),
		TEST(test_a_missing_folder_is_told),
		TEST(test_a_script_without_a_header_is_run_by_sh_and_a_binary_is_not),
		TEST(test_the_program_is_looked_up_in_the_path_of_its_own_environment),
		TEST(test_a_file_that_may_not_be_run_does_not_hide_a_later_one),
		TEST(test_only_three_descriptors_are_open_in_it),
		TEST(test_signals_are_at_their_defaults_and_unblocked_in_it),
		TEST(test_children_can_be_waited_for_though_sigchld_was_ignored),
		TEST(test_captured_output_is_capped_and_the_program_still_ends),
		TEST(test_what_a_failed_helper_said_follows_its_output),
		TEST(test_a_helper_over_its_limit_is_killed_and_told),
		TEST(test_a_grandchild_that_holds_the_pipe_does_not_hold_us),
		TEST(test_a_worker_talks_over_its_socket_and_returns_its_status),
		TEST(test_a_worker_sees_the_end_of_its_parent_though_another_was_forked_later),
		TEST(test_it_dies_with_its_parent_when_told_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
