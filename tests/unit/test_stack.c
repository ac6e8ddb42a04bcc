/* test_stack.c - where living and dying processes stand is read right. */
#include "stack/frame.h"
#include "stack/python.h"
#include "stack/stack.h"

#include "base/buf.h"
#include "base/mem.h"
#include "bisect_run/err.h"
#include "sys/spawn.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { LIMIT_MS = 30000 };

static volatile int one = 1;
static volatile uintptr_t nowhere = 0x10;
static pthread_mutex_t lock_a = PTHREAD_MUTEX_INITIALIZER, lock_b = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t both;

__attribute__((noinline)) static void stack_spin(int ready)
{
	(void)!write(ready, "r", 1);
	while (one)
		;
}

__attribute__((noinline)) static void stack_outer(int ready)
{
	stack_spin(ready);
	one = 2;
}

static void *take_a_then_b(void *arg)
{
	(void)pthread_mutex_lock(&lock_a);
	(void)pthread_barrier_wait(&both);
	(void)!write(*(int *)arg, "a", 1);
	(void)pthread_mutex_lock(&lock_b);
	return NULL;
}

static void *take_b_then_a(void *arg)
{
	(void)pthread_mutex_lock(&lock_b);
	(void)pthread_barrier_wait(&both);
	(void)!write(*(int *)arg, "b", 1);
	(void)pthread_mutex_lock(&lock_a);
	return NULL;
}

static void deadlock(int ready)
{
	pthread_t t[2];

	(void)pthread_barrier_init(&both, NULL, 2);
	(void)pthread_create(&t[0], NULL, take_a_then_b, &ready);
	(void)pthread_create(&t[1], NULL, take_b_then_a, &ready);
	(void)pthread_join(t[0], NULL);
	(void)pthread_join(t[1], NULL);
}

/* Starts a child that runs body and has written n bytes. */
static pid_t start(void (*body)(int), int n)
{
	int fd[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(fd), 0);
	pid = fork();
	if (!pid) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		br_default_signals(); /* cmocka handles faults */
		body(fd[1]);
		_exit(0);
	}
	(void)close(fd[1]);
	for (int i = 0; i < n; i++)
		assert_int_equal(read(fd[0], &byte, 1), 1);
	(void)close(fd[0]);
	return pid;
}

static void end(pid_t pid)
{
	int status;

	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void skip_unless_supported(void)
{
#if !defined(__x86_64__) && !defined(__aarch64__)
	skip();
#endif
}

static void the_function_in_which_a_process_spins_is_named_with_its_callers(void **state)
{
	struct br_stack_seen seen = {0};
	struct br_err err = {0};
	pid_t pid = start(stack_outer, 1);
	int rc;

	(void)state;
	skip_unless_supported();
	rc = br_stack_take(&pid, 1, LIMIT_MS, &seen, &err);
	end(pid);
	assert_string_equal(err.msg, "");
	assert_int_equal(rc, 0);
	assert_true(seen.nframe >= 2);
	assert_string_equal(seen.frame[0], "stack_spin");
	assert_string_equal(seen.frame[1], "stack_outer");
	assert_non_null(strstr(seen.text, "test_stack.c:"));
	br_stack_seen_done(&seen);
}

static void both_threads_of_a_deadlock_are_seen(void **state)
{
	struct br_stack_seen seen = {0};
	pid_t pid = start(deadlock, 2);
	int rc;

	(void)state;
	skip_unless_supported();
	rc = br_stack_take(&pid, 1, LIMIT_MS, &seen, NULL);
	end(pid);
	assert_int_equal(rc, 0);
	assert_non_null(strstr(seen.text, "take_a_then_b"));
	assert_non_null(strstr(seen.text, "take_b_then_a"));
	assert_true(!strncmp(seen.frame[0], "take_", 5));
	br_stack_seen_done(&seen);
}

static void a_process_that_was_looked_at_goes_on(void **state)
{
	struct br_stack_seen seen = {0};
	pid_t pid = start(stack_outer, 1);

	(void)state;
	skip_unless_supported();
	for (int i = 0; i < 3; i++) {
		assert_int_equal(br_stack_take(&pid, 1, LIMIT_MS, &seen, NULL), 0);
		br_stack_seen_done(&seen);
	}
	end(pid);
}

static void what_has_ended_cannot_be_looked_at_and_is_still_there_to_wait_for(void **state)
{
	struct br_stack_seen seen = {0};
	siginfo_t info;
	int status;
	pid_t pid = fork();

	(void)state;
	if (!pid)
		_exit(7);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	assert_true(br_stack_take(&pid, 1, LIMIT_MS, &seen, NULL) < 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 7);
}

/* ---- crashes ---- */

__attribute__((noinline)) static void stack_crash(volatile int *where)
{
	*where = 1;
	one = 3;
}

static void stopped_then_crash(int ready)
{
	(void)ready;
	(void)raise(SIGSTOP);
	if (!fork())
		stack_crash((volatile int *)nowhere);
	(void)wait(NULL);
	_exit(3);
}

static void on_fault(int sig)
{
	(void)sig;
	_exit(4);
}

static void stopped_then_handled(int ready)
{
	const struct sigaction sa = {.sa_handler = on_fault};

	(void)ready;
	(void)raise(SIGSTOP);
	(void)sigaction(SIGSEGV, &sa, NULL);
	stack_crash((volatile int *)nowhere);
}

static int trace(void (*body)(int), struct br_crash *crash, bool *crashed)
{
	struct br_tracer *t = NULL;
	siginfo_t info = {0};
	struct br_err err = {0};
	int status = 0;
	pid_t pid = start(body, 0);

	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOWAIT), 0);
	assert_int_equal(br_tracer_open(&t, pid, BR_TRACE_OUR_CHILD, &err), 0);
	for (;;) {
		br_tracer_step(t);
		info.si_pid = 0;
		if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid)
			break;
		(void)usleep(1000);
	}
	*crashed = br_tracer_close(t, crash);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void a_crash_in_a_child_that_the_parent_swallows_gives_its_stack(void **state)
{
	struct br_crash crash = {0};
	bool crashed;
	int status;

	(void)state;
	skip_unless_supported();
	status = trace(stopped_then_crash, &crash, &crashed);
	/* How the parent ends is a race: what the tracer still holds is killed when it is closed. */
	assert_true((WIFEXITED(status) && WEXITSTATUS(status) == 3) ||
		    (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
	assert_true(crashed);
	assert_int_equal(crash.signal, SIGSEGV);
	assert_true(crash.has_address);
	assert_int_equal(crash.address, 0x10);
	assert_string_equal(crash.stack.frame[0], "stack_crash");
	assert_non_null(strstr(crash.program, "test_stack"));
	br_crash_done(&crash);
}

static void a_handled_signal_is_no_crash_and_is_delivered(void **state)
{
	struct br_crash crash = {0};
	bool crashed;
	int status;

	(void)state;
	skip_unless_supported();
	status = trace(stopped_then_handled, &crash, &crashed);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 4);
	assert_false(crashed);
}

/* ---- telling frames ---- */

static void what_waits_for_others_tells_less_than_what_they_do(void **state)
{
	struct br_stacks s = {0};
	char frame[BR_STACK_TELLING][BR_STACK_NAME_B];
	struct br_process *p = br_stacks_process(&s, 1);
	struct br_thread *t = br_process_thread(p, 1);

	(void)state;
	p->is_parent = true;
	(void)br_thread_add(t, "wait4", NULL, 0);
	(void)br_thread_add(t, "run_children", "make.c", 3);
	p = br_stacks_process(&s, 2);
	t = br_process_thread(p, 2);
	(void)br_thread_add(t, "pthread_join", NULL, 0);
	(void)br_thread_add(t, "main", "m.c", 1);
	t = br_process_thread(p, 3);
	(void)br_thread_add(t, "__lll_lock_wait", NULL, 0);
	(void)br_thread_add(t, "transfer", "m.c", 7);
	(void)br_thread_add(t, "start_thread", NULL, 0);
	assert_int_equal(br_stacks_telling(&s, frame), 1);
	assert_string_equal(frame[0], "transfer");
	br_stacks_done(&s);
}

static void a_long_stack_shows_its_head_its_tail_and_how_much_is_left_out(void **state)
{
	struct br_stacks s = {0};
	struct br_thread *t = br_process_thread(br_stacks_process(&s, 1), 1);
	struct br_buf b = {0};

	(void)state;
	(void)br_thread_add(t, "head", "a.c", 1);
	(void)br_thread_add(t, "tail", "a.c", 2);
	t->gap = 1;
	t->omitted = 500;
	br_stacks_text(&s, &b);
	assert_non_null(strstr(b.data, "#0  head at a.c:1\n"));
	assert_non_null(strstr(b.data, "... 500 frames left out\n"));
	assert_non_null(strstr(b.data, "#501 tail at a.c:2\n"));
	br_buf_done(&b);
	br_stacks_done(&s);
}

static void hostile_names_do_not_reach_the_terminal(void **state)
{
	struct br_stacks s = {0};
	struct br_thread *t = br_process_thread(br_stacks_process(&s, 1), 1);
	struct br_buf b = {0};

	(void)state;
	(void)br_thread_add(t, "\033[31mred\n", "x\ny", 1);
	br_stacks_text(&s, &b);
	assert_null(strchr(b.data, '\033'));
	assert_null(strstr(b.data, "x\ny"));
	br_buf_done(&b);
	br_stacks_done(&s);
}

/* From `def f():` at line 10: a body at 11 to 13 and a call back at 11, as CPython 3.11 encodes it. */
static void lines_follow_the_location_table(void **state)
{
	static const unsigned char table[] = {
		0x80 | 11 << 3 | 0, 0, 1, /* +1, one unit: 11 */
		0x80 | 12 << 3 | 1, 0, 1, /* +2, two units: 13 */
		0x80 | 13 << 3 | 0, 5,	  /* svarint 5: -2: 11 */
		0x80 | 15 << 3 | 0,	  /* none */
	};

	(void)state;
	assert_int_equal(br_python_line(table, sizeof table, 10, 0), 11);
	assert_int_equal(br_python_line(table, sizeof table, 10, 2), 13);
	assert_int_equal(br_python_line(table, sizeof table, 10, 5), 13);
	assert_int_equal(br_python_line(table, sizeof table, 10, 6), 11);
	assert_int_equal(br_python_line(table, sizeof table, 10, 8), 10);
	assert_int_equal(br_python_line(table, sizeof table, 10, 900), 10);
	assert_int_equal(br_python_line(table, 0, 10, 0), 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_function_in_which_a_process_spins_is_named_with_its_callers),
		cmocka_unit_test(both_threads_of_a_deadlock_are_seen),
		cmocka_unit_test(a_process_that_was_looked_at_goes_on),
		cmocka_unit_test(what_has_ended_cannot_be_looked_at_and_is_still_there_to_wait_for),
		cmocka_unit_test(a_crash_in_a_child_that_the_parent_swallows_gives_its_stack),
		cmocka_unit_test(a_handled_signal_is_no_crash_and_is_delivered),
		cmocka_unit_test(what_waits_for_others_tells_less_than_what_they_do),
		cmocka_unit_test(a_long_stack_shows_its_head_its_tail_and_how_much_is_left_out),
		cmocka_unit_test(hostile_names_do_not_reach_the_terminal),
		cmocka_unit_test(lines_follow_the_location_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
