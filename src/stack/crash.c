/*
 * crash.c - runs processes under ptrace until one dies by a fault.
 *
 * All that they start is followed (PTRACE_O_TRACEFORK and the like); signals that a program handles pass through unseen; at
 * the first deadly one all threads of the process are stopped and read, then it dies as it would have.
 * See ptrace(2), "Stopped states": PTRACE_SEIZE keeps group stops as they are.
 */
#include "stack/stack.h"

#include "base/mem.h"
#include "bisect_run/err.h"
#include "stack/serve.h"
#include "sys/clock.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	TRACED_MAX = 4096,    /* more are not followed */
	OTHERS_WAIT_MS = 500, /* for the threads beside the one that crashes to stop */
	READ_MS = 20000,
	REAP_WAIT_MS = 2000,
};

struct br_tracer {
	pid_t root;
	unsigned how;
	int fd;
	sigset_t old;
	pid_t *tid;
	size_t n, cap;
	struct br_held *held; /* of the crash */
	size_t nheld;
	struct br_crash crash;
	bool crashed;
};

void br_crash_done(struct br_crash *c)
{
	free(c->program);
	if (c->dir_fd > 0)
		(void)close(c->dir_fd);
	if (c->exe_fd > 0)
		(void)close(c->exe_fd);
	br_stack_seen_done(&c->stack);
	*c = (struct br_crash){0};
}

static void add(struct br_tracer *t, pid_t tid)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->tid[i] == tid)
			return;
	if (t->n >= TRACED_MAX)
		return;
	br_grow(&t->tid, t->n, &t->cap);
	t->tid[t->n++] = tid;
}

static void go_on(pid_t tid, int sig)
{
	(void)ptrace(PTRACE_CONT, tid, NULL, (void *)(intptr_t)sig);
}

/* ---- what is deadly ---- */

static bool has_signal(pid_t tid, const char *key, int sig)
{
	char text[64];

	return br_thread_status(tid, key, text, sizeof text) &&
	       (strtoull(text, NULL, 16) >> (sig - 1) & 1) != 0;
}

/* A fault that nobody handles. A forced one (a handler that is blocked) has had its handler taken away already. */
static bool is_deadly(pid_t tid, int sig)
{
	static const int fault[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS, SIGQUIT};

	for (size_t i = 0; i < sizeof fault / sizeof *fault; i++)
		if (fault[i] == sig)
			return !has_signal(tid, "SigCgt", sig) && !has_signal(tid, "SigIgn", sig);
	return false;
}

static bool has_address(const siginfo_t *info)
{
	bool by_kernel = info->si_code > 0 && info->si_code != SI_KERNEL;

	return by_kernel && (info->si_signo == SIGSEGV || info->si_signo == SIGBUS ||
			     info->si_signo == SIGILL || info->si_signo == SIGFPE);
}

/* ---- a crash ---- */

static void hold(struct br_tracer *t, pid_t pid, pid_t tid, int status)
{
	struct br_held *h = &t->held[t->nheld++];

	*h = (struct br_held){.pid = pid, .tid = tid, .stopped = true, .status = status};
	br_held_describe(h);
	h->running = false;
	(void)br_held_read_regs(h);
}

static bool is_held(const struct br_tracer *t, pid_t tid)
{
	for (size_t i = 0; i < t->nheld; i++)
		if (t->held[i].tid == tid)
			return true;
	return false;
}

/* Returns how many of the process's threads are still on their way to a stop. */
static size_t hold_stopped(struct br_tracer *t, pid_t pid, const pid_t *tid, size_t n)
{
	size_t left = 0;

	for (size_t i = 0; i < n && t->nheld < BR_THREADS_MAX; i++) {
		siginfo_t info = {0};

		if (is_held(t, tid[i]))
			continue;
		if (waitid(P_PID, (id_t)tid[i], &info, WSTOPPED | WNOHANG | __WALL) < 0)
			continue;
		if (info.si_pid == tid[i])
			hold(t, pid, tid[i], info.si_status);
		else
			left++;
	}
	return left;
}

static void hold_others(struct br_tracer *t, pid_t pid)
{
	uint64_t deadline = br_now_ns() + (uint64_t)OTHERS_WAIT_MS * BR_NS_PER_MS;
	pid_t tid[BR_THREADS_MAX];
	size_t n = br_thread_list(pid, tid, BR_THREADS_MAX);

	for (size_t i = 0; i < n; i++)
		(void)ptrace(PTRACE_INTERRUPT, tid[i], NULL, NULL);
	while (hold_stopped(t, pid, tid, n) && br_now_ns() < deadline)
		(void)poll(NULL, 0, 1);
}

static char *program_of(pid_t pid)
{
	char path[64];
	br_auto_free char *text = br_calloc(4096, 1);

	(void)snprintf(path, sizeof path, "/proc/%ld/exe", (long)pid);
	return readlink(path, text, 4095) > 0 ? br_steal(&text) : br_strdup("?");
}

static int open_of(pid_t pid, const char *what, int flags)
{
	char path[64];

	(void)snprintf(path, sizeof path, "/proc/%ld/%s", (long)pid, what);
	return open(path, O_RDONLY | O_CLOEXEC | flags);
}

static void take_crash(struct br_tracer *t, pid_t tid, int sig)
{
	pid_t pid = br_thread_process(tid);
	struct br_crash *c = &t->crash;
	siginfo_t info = {0};

	t->crashed = true;
	(void)ptrace(PTRACE_GETSIGINFO, tid, NULL, &info);
	c->pid = pid;
	c->signal = sig;
	c->code = info.si_code;
	c->has_address = has_address(&info);
	c->address = c->has_address ? (uint64_t)(uintptr_t)info.si_addr : 0;
	c->program = program_of(pid);
	c->exe_fd = open_of(pid, "exe", 0);
	c->dir_fd = open_of(pid, "cwd", O_DIRECTORY);
	c->died_s = (int64_t)time(NULL) - 1; /* file systems stamp with a coarser clock */
	t->nheld = 0;
	hold(t, pid, tid, sig);
	t->held[0].running = true; /* it is the one that tells */
	hold_others(t, pid);
	if (!(t->how & BR_TRACE_HAND_OVER))
		(void)br_serve_live(t->held, t->nheld, READ_MS, &c->stack, NULL);
}

const struct br_crash *br_tracer_crash(const struct br_tracer *t)
{
	return t->crashed ? &t->crash : NULL;
}

static void forget(struct br_tracer *t, pid_t tid)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->tid[i] == tid)
			t->tid[i] = 0; /* the round that we are in drops it */
}

/* The signal of the fault is swallowed: a faulting instruction faults again. */
static void hand_over(struct br_tracer *t)
{
	for (size_t i = 0; i < t->nheld; i++) {
		(void)ptrace(PTRACE_DETACH, t->held[i].tid, NULL, (void *)(intptr_t)(i ? 0 : SIGSTOP));
		forget(t, t->held[i].tid);
	}
	t->nheld = 0;
}

/* ---- stops ---- */

static void handle(struct br_tracer *t, pid_t tid, int status);

/* Those that were held for the crash go on as their stops ask for. */
static void release(struct br_tracer *t)
{
	size_t n = t->nheld;

	t->nheld = 0;
	for (size_t i = n; i-- > 0;)
		handle(t, t->held[i].tid, t->held[i].status);
}

static void handle_event(struct br_tracer *t, pid_t tid, int event, int sig)
{
	unsigned long message = 0;
	bool stops = sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU;

	if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK || event == PTRACE_EVENT_CLONE) {
		if (ptrace(PTRACE_GETEVENTMSG, tid, NULL, &message) == 0 && message)
			add(t, (pid_t)message);
	}
	if (event == PTRACE_EVENT_STOP && stops)
		(void)ptrace(PTRACE_LISTEN, tid, NULL, NULL);
	else
		go_on(tid, 0);
}

static void handle(struct br_tracer *t, pid_t tid, int status)
{
	int event = status >> 8, sig = status & 0xff;

	if (event) {
		handle_event(t, tid, event, sig);
	} else if (!t->crashed && is_deadly(tid, sig)) {
		take_crash(t, tid, sig);
		if (t->how & BR_TRACE_HAND_OVER)
			hand_over(t);
		else
			release(t);
	} else {
		go_on(tid, sig);
	}
}

/* True while this thread had something to say. *gone: it has ended. */
static bool look_at(struct br_tracer *t, pid_t tid, bool *gone)
{
	bool is_callers = (t->how & BR_TRACE_OUR_CHILD) && tid == t->root;
	int what = WSTOPPED | WNOHANG | __WALL | (is_callers ? 0 : WEXITED);
	siginfo_t info = {0};

	if (waitid(P_PID, (id_t)tid, &info, what) < 0) {
		*gone = !is_callers;
		return false;
	}
	if (info.si_pid != tid)
		return false;
	if (info.si_code == CLD_EXITED || info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED) {
		*gone = true;
		return false;
	}
	handle(t, tid, info.si_status);
	return true;
}

static bool round_of_all(struct br_tracer *t)
{
	bool any = false;
	size_t kept = 0, n = t->n;

	for (size_t i = 0; i < n; i++) {
		pid_t tid = t->tid[i];
		bool gone = false;

		if (!tid)
			continue;
		any = look_at(t, tid, &gone) || any;
		if (!gone && t->tid[i])
			t->tid[kept++] = tid;
	}
	for (size_t i = n; i < t->n; i++) /* added meanwhile */
		t->tid[kept++] = t->tid[i];
	t->n = kept;
	return any;
}

void br_tracer_step(struct br_tracer *t)
{
	struct signalfd_siginfo info;

	while (read(t->fd, &info, sizeof info) > 0)
		;
	while (round_of_all(t))
		;
}

int br_tracer_fd(const struct br_tracer *t)
{
	return t->fd;
}

/* ---- beginning and end ---- */

static int watch_children(struct br_tracer *t, struct br_err *err)
{
	sigset_t child;

	(void)sigemptyset(&child);
	(void)sigaddset(&child, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &child, &t->old);
	t->fd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	return t->fd < 0 ? br_fail_errno(err, "cannot watch for the end of processes") : 0;
}

static void free_tracer(struct br_tracer *t)
{
	if (t->fd >= 0)
		(void)close(t->fd);
	(void)sigprocmask(SIG_SETMASK, &t->old, NULL);
	br_crash_done(&t->crash);
	free(t->held);
	free(t->tid);
	free(t);
}

int br_tracer_open(struct br_tracer **out, pid_t root, unsigned how, struct br_err *err)
{
	const long options = PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
			     PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
	struct br_tracer *t = br_calloc(1, sizeof *t);
	int rc;

	*t = (struct br_tracer){.root = root, .how = how, .fd = -1};
	t->held = br_calloc(BR_THREADS_MAX, sizeof *t->held);
	rc = watch_children(t, err);
	if (!rc && ptrace(PTRACE_SEIZE, root, NULL, (void *)options) < 0)
		rc = br_fail_errno(err, "process %ld cannot be traced", (long)root);
	if (rc < 0) {
		free_tracer(t);
		return rc;
	}
	add(t, root);
	(void)kill(root, SIGCONT);
	*out = t;
	return 0;
}

/* Zombies of others' children would stay as long as we live. */
static void reap_all(struct br_tracer *t)
{
	uint64_t deadline = br_now_ns() + (uint64_t)REAP_WAIT_MS * BR_NS_PER_MS;

	for (size_t i = 0; i < t->n; i++)
		(void)kill(t->tid[i], SIGKILL);
	for (;;) {
		size_t left;

		(void)round_of_all(t);
		left = t->n - ((t->how & BR_TRACE_OUR_CHILD) && t->n && t->tid[0] == t->root);
		if (!left || br_now_ns() > deadline)
			return;
		(void)poll(NULL, 0, 1);
	}
}

bool br_tracer_close(struct br_tracer *t, struct br_crash *out)
{
	bool crashed;

	if (!t)
		return false;
	crashed = t->crashed;
	reap_all(t);
	if (crashed && out) {
		*out = t->crash;
		t->crash = (struct br_crash){0};
	}
	free_tracer(t);
	return crashed;
}
