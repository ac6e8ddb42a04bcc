/* hang.c - stops living processes for a moment and reads where they stand. */
#include "base/mem.h"
#include "bisect_run/err.h"
#include "stack/serve.h"
#include "sys/clock.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

enum {
	STOP_WAIT_MS = 2000, /* for threads to stop: one that sleeps in the kernel without end does not */
	TASKS_MAX = 128,     /* threads of one process */
};

struct hold {
	struct br_held *thread;
	size_t n;
};

static bool is_held(const struct hold *h, pid_t tid)
{
	for (size_t i = 0; i < h->n; i++)
		if (h->thread[i].tid == tid)
			return true;
	return false;
}

/* It may have gone meanwhile, or be another user's: then it is left out. */
static bool seize(struct hold *h, pid_t pid, pid_t tid)
{
	struct br_held *t = &h->thread[h->n];

	if (h->n >= BR_THREADS_MAX || is_held(h, tid))
		return false;
	*t = (struct br_held){.pid = pid, .tid = tid};
	br_held_describe(t);
	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) < 0)
		return false;
	h->n++;
	(void)ptrace(PTRACE_INTERRUPT, tid, NULL, NULL);
	return true;
}

/* Threads may be made while we look: until a look finds no new one. */
static void seize_process(struct hold *h, pid_t pid)
{
	pid_t tid[TASKS_MAX];
	bool news = true;

	for (int round = 0; news && round < 10; round++) {
		size_t n = br_thread_list(pid, tid, TASKS_MAX);

		news = false;
		for (size_t i = 0; i < n; i++)
			news = seize(h, pid, tid[i]) || news;
	}
}

/* Only stops are taken: the end of a child is for whoever started it to learn. */
static void take_stop(struct br_held *t)
{
	siginfo_t info = {0};

	if (waitid(P_PID, (id_t)t->tid, &info, WSTOPPED | WNOHANG | __WALL) == 0 && info.si_pid == t->tid) {
		t->stopped = true;
		t->status = info.si_status;
		(void)br_held_read_regs(t);
	}
}

static void await_stops(struct hold *h)
{
	uint64_t deadline = br_now_ns() + (uint64_t)STOP_WAIT_MS * BR_NS_PER_MS;
	size_t left = h->n;

	while (left && br_now_ns() < deadline) {
		left = 0;
		for (size_t i = 0; i < h->n; i++) {
			if (!h->thread[i].stopped)
				take_stop(&h->thread[i]);
			left += !h->thread[i].stopped;
		}
		if (left)
			(void)poll(NULL, 0, 1);
	}
}

/* A signal that was about to be delivered goes on its way. One that did not stop ends being traced when it does. */
static void let_go(struct br_held *t)
{
	int event = t->status >> 8, sig = event ? 0 : t->status;
	siginfo_t info = {0};

	if (!t->stopped)
		take_stop(t);
	if (t->stopped && ptrace(PTRACE_DETACH, t->tid, NULL, (void *)(intptr_t)sig) == 0)
		return;
	/* Dead: somebody else's child becomes theirs to reap once we have seen its end. */
	if (!br_thread_is_our_child(t->tid))
		(void)waitid(P_PID, (id_t)t->tid, &info, WEXITED | WNOHANG | __WALL);
}

/* Those that can be read, moved to the front. */
static size_t readable(struct hold *h, struct br_held *out)
{
	size_t n = 0;

	for (size_t i = 0; i < h->n; i++)
		if (h->thread[i].stopped)
			out[n++] = h->thread[i];
	return n;
}

int br_stack_take(const pid_t *pid, size_t n, int limit_ms, struct br_stack_seen *out, struct br_err *err)
{
	br_auto_free struct br_held *all = br_calloc(BR_THREADS_MAX, sizeof *all);
	br_auto_free struct br_held *seen = br_calloc(BR_THREADS_MAX, sizeof *seen);
	struct hold h = {all, 0};
	size_t nseen;
	int rc;

	for (size_t i = 0; i < n; i++)
		seize_process(&h, pid[i]);
	await_stops(&h);
	nseen = readable(&h, seen);
	if (nseen)
		rc = br_serve_live(seen, nseen, limit_ms, out, err);
	else
		rc = br_fail(err, BR_ESYS, "no process could be looked at");
	for (size_t i = 0; i < h.n; i++)
		let_go(&h.thread[i]);
	return rc;
}
