/* run.c - supervises one program of a trial. */
#include "exec/run.h"

#include "base/mem.h"
#include "bisect_run/err.h"
#include "exec/log.h"
#include "exec/wire.h"
#include "exec/stacks.h"
#include "stack/stack.h"
#include "sys/clock.h"
#include "sys/ns.h"
#include "sys/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum {
	PIPE_B = 1 << 20,
	CHUNK_B = 1 << 18,
	KILL_WAIT_MS = 1000,	  /* for a box to say how a program that was killed ended */
	DRAIN_MAX_B = 4 * PIPE_B, /* more than a pipe holds: somebody who cannot be killed still writes */
	TICK_MS = 1000,		  /* adopted children that ended are reaped at least so often */
	NO_PIDFD_MS = 10,
};

/* The program that runs now: a child of ours, or in a box, whose process 1 reports its end. */
struct running {
	pid_t pid; /* in a box: of process 1 */
	int pidfd; /* in a box: br_ns_fd, which is not ours */
	int told;  /* in a box: what br_ns_ended last said */
	struct br_ns_exit exit;
	struct br_err err;	     /* of told < 0 */
	uint64_t start_ns, limit_ns; /* by active_ns */
	uint64_t kill_at_ns;	     /* 0: not asked to end yet */
	struct br_run_result *out;
	struct br_tracer *tracer; /* NULL: nobody watches */
	enum br_hit hit;
};

int br_run_init(struct br_run *r, struct br_err *err)
{
	if (pipe2(r->pipe, O_CLOEXEC) < 0)
		return br_fail_errno(err, "cannot make a pipe");
	(void)fcntl(r->pipe[1], F_SETPIPE_SZ, PIPE_B); /* for speed only */
	(void)fcntl(r->pipe[0], F_SETFL,
		    O_NONBLOCK); /* this end alone: the programs' end stays as they expect it */
	r->chunk = br_malloc(CHUNK_B);
	return 0;
}

void br_run_done(struct br_run *r)
{
	if (!r->chunk)
		return;
	(void)close(r->pipe[0]);
	(void)close(r->pipe[1]);
	free(br_steal(&r->chunk));
	br_telling_done(&r->telling);
}

/* A clock that stands still during pauses. */
static uint64_t active_ns(const struct br_run *r)
{
	return (r->paused ? r->pause_start_ns : br_now_ns()) - r->paused_ns;
}

void br_run_set_paused(struct br_run *r, bool paused)
{
	if (paused == r->paused)
		return;
	if (paused) {
		br_tree_stop(NULL);
		r->pause_start_ns = br_now_ns();
	} else {
		r->paused_ns += br_now_ns() - r->pause_start_ns;
		(void)br_tree_signal(NULL, SIGCONT);
	}
	r->paused = paused;
}

/* Reads one order. False: none is waiting. */
static bool take_order(struct br_run *r)
{
	struct br_wire_order o; /* of a label only the start would fit: no job comes while one runs */
	ssize_t n = recv(r->orders, &o, sizeof o, MSG_DONTWAIT);

	if (n < 0 && (errno == EINTR || errno == ECONNRESET))
		return true; /* the reset is said once: what follows is the end of the stream */
	if (n < 0)
		return false;
	if (!n) {
		r->gone = true;
		return false;
	}
	if (o.kind == BR_WIRE_CANCEL && o.id == r->id)
		r->cancelled = true;
	if (o.kind == BR_WIRE_PAUSE || o.kind == BR_WIRE_CONTINUE)
		br_run_set_paused(r, o.kind == BR_WIRE_PAUSE);
	return true;
}

static bool is_wanted(const struct br_run *r)
{
	return !r->cancelled && !r->gone;
}

bool br_run_go_on(struct br_run *r)
{
	struct pollfd p = {.fd = r->orders, .events = POLLIN};

	for (;;) {
		while (take_order(r))
			;
		if (!is_wanted(r) || !r->paused)
			return is_wanted(r);
		(void)poll(&p, 1, -1);
	}
}

/* Returns how much was read; 0: nothing is there. */
static size_t pump(struct br_run *r)
{
	ssize_t n;

	do
		n = read(r->pipe[0], r->chunk, CHUNK_B);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return 0;
	br_log_add(r->log, r->chunk, (size_t)n);
	br_telling_add(&r->telling, r->chunk, (size_t)n);
	return (size_t)n;
}

static int wait_ms(const struct br_run *r, const struct running *c)
{
	uint64_t next = c->kill_at_ns ? c->kill_at_ns : c->limit_ns ? c->start_ns + c->limit_ns : 0;
	uint64_t now = active_ns(r), left;
	int tick = c->pidfd < 0 ? NO_PIDFD_MS : TICK_MS;
	int look = r->paused ? tick : br_limits_wait_ms(r->limits);

	if (look < tick)
		tick = look;
	if (!next || r->paused)
		return tick;
	left = now >= next ? 0 : (next - now + BR_NS_PER_MS - 1) / BR_NS_PER_MS;
	return left < (uint64_t)tick ? (int)left : tick;
}

/* At the limit all are asked to end, stopped ones too; after the grace time this returns false. */
static bool in_time(const struct br_run *r, struct running *c)
{
	uint64_t now = active_ns(r);

	if (c->kill_at_ns)
		return now < c->kill_at_ns;
	if (!c->limit_ns || now - c->start_ns < c->limit_ns)
		return true;
	if (r->stacks)
		br_stacks_of_trial(r->stacks, r->ns ? c->pid : 0, c->out);
	c->kill_at_ns = active_ns(r) + r->grace_ns;
	if (!r->grace_ns)
		return false;
	if (!br_tree_signal(NULL, SIGTERM))
		(void)kill(-c->pid, SIGTERM);
	(void)br_tree_signal(NULL, SIGCONT);
	return true;
}

static bool has_ended(const struct br_run *r, struct running *c)
{
	if (!r->ns)
		return br_child_has_ended(c->pid);
	if (!c->told)
		c->told = br_ns_ended(r->ns, &c->exit, &c->err);
	return c->told != 0;
}

static bool is_within_limits(const struct br_run *r, struct running *c)
{
	if (!r->paused)
		c->hit = br_limits_look(r->limits);
	return !c->hit;
}

static bool goes_on(struct br_run *r, struct running *c)
{
	return !has_ended(r, c) && is_wanted(r) && !r->telling.seen && in_time(r, c) &&
	       is_within_limits(r, c);
}

/* Until the program ends, its time is over, it has told enough, or nobody wants it any more. Never waits for the pipe's end: a
 * daemon may hold it. */
static void supervise(struct br_run *r, struct running *c)
{
	struct pollfd p[4] = {{r->orders, POLLIN, 0},
			      {c->pidfd, POLLIN, 0},
			      {r->pipe[0], POLLIN, 0},
			      {c->tracer ? br_tracer_fd(c->tracer) : -1, POLLIN, 0}};

	while (goes_on(r, c)) {
		int n = poll(p, 4, wait_ms(r, c));

		if (c->tracer)
			br_tracer_step(c->tracer);

		if (n > 0 && p[2].revents)
			(void)pump(r);
		if (n > 0 && p[0].revents)
			while (take_order(r))
				;
		if (n == 0 && !c->tracer) /* a tracer reaps, and needs its stops */
			br_tree_reap(c->pid);
	}
}

static void drain(struct br_run *r)
{
	size_t got, sum = 0;

	while (sum < DRAIN_MAX_B && (got = pump(r)) > 0)
		sum += got;
}

/* We killed it: how it then ended says nothing. */
static bool is_cut_short(const struct br_run_result *out)
{
	return out->timed_out || out->hit || out->at_line;
}

static bool succeeded(const struct br_run *r, const struct running *c)
{
	siginfo_t info = {0};

	if (r->ns)
		return c->told > 0 && c->exit.status == 0;
	return waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_code == CLD_EXITED && info.si_status == 0;
}

/* Kills all; what is a zombie afterwards is c->pid alone. */
static int kill_all(struct br_run *r, struct running *c, struct br_run_result *out, struct br_err *err)
{
	bool by_itself = has_ended(r, c);
	uint32_t killed;

	if (r->ns && is_cut_short(out) && !c->told)
		c->told = br_ns_kill(r->ns, KILL_WAIT_MS, &c->exit, &c->err);
	if (r->ns) { /* with its process 1 the kernel kills all of a box, at one stroke */
		killed = by_itself ? br_tree_count(c->pid) : 0;
		(void)kill(c->pid, SIGKILL);
		(void)br_tree_kill(NULL, c->pid, NULL);
	} else {
		killed = br_tree_kill(NULL, c->pid, NULL);
	}
	out->leftovers = by_itself ? killed : 0;
	if (br_child_has_ended(c->pid))
		return 0;
	errno = EBUSY;
	return br_fail_errno(err, "process %ld cannot be killed", (long)c->pid);
}

/* In a box: what the kernel counted, and whether the room for what is thrown away was used up. */
static enum br_hit after(const struct br_run *r, const struct running *c)
{
	enum br_hit hit = br_limits_after(r->limits, c->exit.status);

	return !hit && c->exit.status && c->exit.scratch_full ? BR_HIT_DISK : hit;
}

/* A box stays, and its process 1 with it, until it is closed. */
static int take_exit(const struct br_run *r, const struct running *c, struct br_run_result *out,
		     struct br_err *err)
{
	if (!r->ns && wait4(c->pid, &out->status, 0, &out->usage) < 0)
		return br_fail_errno(err, "cannot wait for process %ld", (long)c->pid);
	if (!r->ns) {
		if (!is_cut_short(out) && !out->stopped)
			out->hit = br_limits_after(r->limits, out->status);
		return 0;
	}
	if (c->told < 0 && err)
		*err = c->err;
	out->status = c->exit.status;
	out->usage = c->exit.usage;
	if (!is_cut_short(out) && !out->stopped)
		out->hit = c->told < 0 ? br_limits_after(r->limits, 0) : after(r, c);
	return c->told < 0 && !is_cut_short(out) && !out->stopped ? c->told : 0;
}

/* Kills what is left, then reaps the program itself, which stayed a zombie so that its pid (and group) could
 * not pass to another. */
static int finish(struct br_run *r, struct running *c, bool keep_others, struct br_run_result *out,
		  struct br_err *err)
{
	int rc = 0;

	if (!out->hit && has_ended(r, c) && !succeeded(r, c))
		out->hit = br_limits_last_look(r->limits);
	if (has_ended(r, c) && keep_others && succeeded(r, c))
		br_tree_reap(c->pid);
	else
		rc = kill_all(r, c, out, err);
	if (!rc)
		rc = take_exit(r, c, out, err);
	if (!rc)
		drain(r);
	return rc;
}

static int start(const struct br_run *r, const struct br_spawn *s, struct running *c, struct br_err *err)
{
	if (!r->ns)
		return br_spawn(s, &c->pid, &c->pidfd, err);
	c->pid = br_ns_pid(r->ns);
	c->pidfd = br_ns_fd(r->ns);
	return br_ns_spawn(r->ns, s, err);
}

int br_run_program(struct br_run *r, const struct br_spawn *s, uint64_t limit_ns, bool keep_others,
		   struct br_run_result *out, struct br_err *err)
{
	struct running c = {.start_ns = active_ns(r), .limit_ns = limit_ns, .out = out};
	int rc;

	*out = (struct br_run_result){.crash = out->crash};
	rc = start(r, s, &c, err);
	if (rc < 0)
		return rc;
	if (r->watch)
		c.tracer = br_stacks_watch(r->ns ? c.pid : 0, c.pid, 0);
	supervise(r, &c);
	out->crashed = br_tracer_close(c.tracer, out->crash);
	out->wall_ns = active_ns(r) - c.start_ns;
	out->timed_out = c.kill_at_ns != 0;
	out->hit = c.hit;
	out->stopped = !is_wanted(r);
	out->at_line = r->telling.seen && !out->timed_out && !out->hit && !has_ended(r, &c);
	rc = finish(r, &c, keep_others, out, err);
	if (c.pidfd >= 0 && !r->ns)
		(void)close(c.pidfd);
	return rc;
}
