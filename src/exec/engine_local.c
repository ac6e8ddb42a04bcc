/*
 * engine_local.c - runs trials on this machine, in one worker process a slot.
 *
 * This process is a child subreaper too: should a worker be killed, what it had started becomes ours and is
 * killed here. Children that were there before the engine are left alone.
 */
#include "bisect_run/engine.h"

#include "base/mem.h"
#include "bisect_run/domain.h"
#include "bisect_run/err.h"
#include "exec/wire.h"
#include "exec/worker.h"
#include "sys/cgroup.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/spawn.h"
#include "sys/tree.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CLOSE_WAIT_MS = 5000 }; /* for a worker to kill what it runs; then it is killed itself */

enum slot_state {
	SLOT_EMPTY, /* no worker yet, or not any more */
	SLOT_IDLE,
	SLOT_UPDATING, /* makes its tree: nothing of the trial runs yet */
	SLOT_RUNNING,
};

struct slot {
	enum slot_state state;
	pid_t pid;
	int fd;
	uint64_t id, limit_ns; /* of the job */
	char *label;
	char *at; /* NULL: unknown or none */
	bool cancelled;
};

struct local {
	struct br_engine base; /* first */
	const struct br_run_spec *spec;
	struct br_domain *domain;
	struct slot *slot;
	uint32_t nslot;
	struct br_done *done; /* ended, not yet fetched: oldest first */
	size_t ndone, cap_done;
	bool paused;
	struct br_tree_keep keep; /* children that are not ours: those from before, then the workers */
	pid_t *keep_pid;
	size_t nbefore;
	struct pollfd *poll;
	struct br_cgroup_place place; /* of the workers' control groups */
};

static struct local *local_of(struct br_engine *e)
{
	return (struct local *)(void *)e;
}

static const struct local *const_local_of(const struct br_engine *e)
{
	return (const struct local *)(const void *)e;
}

static bool is_busy(const struct slot *s)
{
	return s->state == SLOT_UPDATING || s->state == SLOT_RUNNING;
}

/* Kills what a dead worker left to us. */
static void kill_orphans(struct local *l)
{
	l->keep.n = l->nbefore;
	for (uint32_t i = 0; i < l->nslot; i++)
		if (l->slot[i].state != SLOT_EMPTY)
			l->keep_pid[l->keep.n++] = l->slot[i].pid;
	l->keep.pid = l->keep_pid;
	(void)br_tree_kill(&l->keep, 0, NULL);
}

/* *o is copied. */
static void push_done(struct local *l, struct slot *s, const struct br_outcome *o, bool logged)
{
	struct br_done *d;

	br_grow(&l->done, l->ndone, &l->cap_done);
	d = &l->done[l->ndone++];
	d->id = s->id;
	d->outcome = *o;
	d->outcome.log_path = logged ? br_asprintf("%s/%" PRIu64 ".log", l->spec->log_dir, s->id) : NULL;
	if (s->cancelled)
		d->outcome.end = BR_END_CANCELLED;
}

static void push_lost(struct local *l, struct slot *s, int status)
{
	struct br_outcome o = {
		.end = BR_END_LOST, .worker = (uint32_t)(s - l->slot), .limit_ns = s->limit_ns};
	br_auto_free char *log = br_asprintf("%s/%" PRIu64 ".log", l->spec->log_dir, s->id);

	(void)snprintf(o.sandbox, sizeof o.sandbox, "%s", br_level_name(l->spec->box.level));
	(void)snprintf(o.note, sizeof o.note,
		       "the worker process died (%s %d): killed by the test, or out of memory?",
		       WIFSIGNALED(status) ? "signal" : "exit",
		       WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	push_done(l, s, &o, s->state == SLOT_RUNNING && access(log, F_OK) == 0);
}

/* The worker is dead, or is to be: ends it, all that it had started, and its job. The slot is empty
 * afterwards. */
static void end_worker(struct local *l, struct slot *s)
{
	bool busy = is_busy(s);
	int status = 0;

	if (s->state == SLOT_EMPTY)
		return;
	(void)kill(s->pid, SIGKILL);
	while (waitpid(s->pid, &status, 0) < 0 && errno == EINTR)
		;
	(void)close(s->fd);
	if (busy)
		push_lost(l, s, status);
	s->state = SLOT_EMPTY;
	s->fd = -1;
	s->pid = 0;
	free(br_steal(&s->at));
	kill_orphans(l);
	if (l->place.version)
		br_cgroup_remove(&l->place, (uint32_t)(s - l->slot), false);
}

static bool send_order(const struct slot *s, const struct br_wire_order *o)
{
	size_t n = offsetof(struct br_wire_order, text) + (o->kind == BR_WIRE_JOB ? o->ntext : 0);
	ssize_t sent;

	do
		sent = send(s->fd, o, n, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent == (ssize_t)n;
}

static void send_kind(const struct slot *s, enum br_wire_order_kind kind)
{
	struct br_wire_order o;

	memset(&o, 0, offsetof(struct br_wire_order, text));
	o.kind = kind;
	o.id = s->id;
	(void)send_order(s, &o); /* to a dead worker: its end is seen in wait */
}

static int start_worker(struct local *l, struct slot *s, struct br_err *err)
{
	struct br_worker_cfg cfg = {
		.spec = l->spec, .domain = l->domain, .place = &l->place, .slot = (uint32_t)(s - l->slot)};
	int rc = br_fork_worker(br_worker_body, &cfg, &s->pid, &s->fd, err);

	if (rc < 0)
		return rc;
	s->state = SLOT_IDLE;
	if (l->paused)
		send_kind(s, BR_WIRE_PAUSE);
	return 0;
}

/* The wanted one if it is free, else one that has a tree, else a new one. */
static struct slot *pick(struct local *l, int prefer)
{
	struct slot *best = NULL;

	if (prefer >= 0 && (uint32_t)prefer < l->nslot && !is_busy(&l->slot[prefer]))
		return &l->slot[prefer];
	for (uint32_t i = 0; i < l->nslot; i++) {
		struct slot *s = &l->slot[i];

		if (!is_busy(s) && (!best || s->state > best->state))
			best = s;
	}
	return best;
}

static size_t slots(const struct br_engine *e)
{
	const struct local *l = const_local_of(e);
	size_t n = 0;

	for (uint32_t i = 0; i < l->nslot; i++)
		n += !is_busy(&l->slot[i]);
	return n;
}

static const char *at(const struct br_engine *e, uint32_t worker)
{
	const struct local *l = const_local_of(e);

	return worker < l->nslot ? l->slot[worker].at : NULL;
}

static bool is_idle(const struct br_engine *e, uint32_t worker)
{
	const struct local *l = const_local_of(e);

	return worker < l->nslot && !is_busy(&l->slot[worker]);
}

/* A worker that died while it was idle is replaced, once. */
static int hand_over(struct local *l, struct slot *s, const struct br_wire_order *o, struct br_err *err)
{
	for (int attempt = 0; attempt < 2; attempt++) {
		if (s->state == SLOT_EMPTY) {
			int rc = start_worker(l, s, err);

			if (rc < 0)
				return rc;
		}
		if (send_order(s, o))
			return 0;
		end_worker(l, s);
	}
	errno = EPIPE;
	return br_fail_errno(err, "a worker process dies as soon as it starts");
}

static int submit(struct br_engine *e, const struct br_job *job, struct br_err *err)
{
	struct local *l = local_of(e);
	struct slot *s = pick(l, job->prefer);
	struct br_wire_order o;
	int rc;

	if (!s)
		return br_fail(err, BR_ESTATE, "all workers are busy");
	memset(&o, 0, offsetof(struct br_wire_order, text));
	o.kind = BR_WIRE_JOB;
	o.id = job->id;
	o.timeout_ns = job->timeout_ns;
	o.fresh = job->fresh;
	o.watch = job->watch;
	o.profiled = job->profiled;
	if (!br_wire_put(&o, &(struct br_wire_texts){job->label, job->value, job->input}))
		return br_fail(err, BR_EUNSUPPORTED, "the name of a candidate is too long: %.80s...",
			       job->label);
	rc = hand_over(l, s, &o, err);
	if (rc < 0)
		return rc;
	s->state = SLOT_UPDATING;
	s->id = job->id;
	s->limit_ns = job->timeout_ns;
	s->cancelled = false;
	free(s->label);
	s->label = br_strdup(job->label);
	free(br_steal(&s->at));
	return 0;
}

static void take_report(struct local *l, struct slot *s, const struct br_wire_report *r)
{
	if (!is_busy(s) || r->id != s->id)
		return;
	if (r->tree_made && !s->at)
		s->at = br_strdup(s->label);
	if (r->kind == BR_WIRE_RUNNING) {
		s->state = SLOT_RUNNING;
		return;
	}
	push_done(l, s, &r->outcome, r->logged);
	s->state = SLOT_IDLE;
}

static void read_reports(struct local *l, struct slot *s)
{
	struct br_wire_report r;

	for (;;) {
		ssize_t n = recv(s->fd, &r, sizeof r, MSG_DONTWAIT);

		if (n < 0 && (errno == EINTR || errno == ECONNRESET))
			continue; /* the reset is said once; then come the last reports and the end of the
				     stream */
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (n != sizeof r) {
			end_worker(l, s);
			return;
		}
		take_report(l, s, &r);
	}
}

static bool pop_done(struct local *l, struct br_done *out)
{
	if (!l->ndone)
		return false;
	*out = l->done[0];
	l->ndone--;
	memmove(l->done, l->done + 1, l->ndone * sizeof *l->done);
	return true;
}

static bool is_any_busy(const struct local *l)
{
	for (uint32_t i = 0; i < l->nslot; i++)
		if (is_busy(&l->slot[i]))
			return true;
	return false;
}

/* Waits for workers and wake_fd; reads what workers say. 1: wake_fd is readable; 0: something else, or the
 * time is over. */
static int poll_workers(struct local *l, int wake_fd, int timeout_ms, struct br_err *err)
{
	for (uint32_t i = 0; i < l->nslot; i++)
		l->poll[i] = (struct pollfd){.fd = l->slot[i].fd, .events = POLLIN};
	l->poll[l->nslot] = (struct pollfd){.fd = wake_fd, .events = POLLIN};
	if (poll(l->poll, l->nslot + 1, timeout_ms) < 0)
		return errno == EINTR ? 0 : br_fail_errno(err, "cannot wait for the workers");
	for (uint32_t i = 0; i < l->nslot; i++)
		if (l->poll[i].revents)
			read_reports(l, &l->slot[i]);
	return l->poll[l->nslot].revents != 0;
}

static int left_ms(uint64_t deadline_ns)
{
	uint64_t now = br_now_ns(), ms;

	if (deadline_ns == UINT64_MAX)
		return -1;
	ms = now >= deadline_ns ? 0 : (deadline_ns - now + BR_NS_PER_MS - 1) / BR_NS_PER_MS;
	return ms > INT_MAX ? INT_MAX : (int)ms;
}

static int wait_done(struct br_engine *e, int wake_fd, int timeout_ms, struct br_done *out,
		     struct br_err *err)
{
	struct local *l = local_of(e);
	uint64_t deadline = UINT64_MAX;

	if (timeout_ms >= 0)
		deadline = br_now_ns() + (uint64_t)timeout_ms * BR_NS_PER_MS;
	for (;;) {
		int left = left_ms(deadline), rc;

		if (pop_done(l, out))
			return 1;
		if (wake_fd < 0 && timeout_ms < 0 && !is_any_busy(l))
			return br_fail(err, BR_ESTATE, "nothing runs, and so nothing can end");
		rc = poll_workers(l, wake_fd, left, err);
		if (rc < 0)
			return rc;
		if (pop_done(l, out))
			return 1;
		if (rc > 0 || left == 0)
			return 0;
	}
}

static void cancel(struct br_engine *e, uint64_t id)
{
	struct local *l = local_of(e);

	for (uint32_t i = 0; i < l->nslot; i++) {
		struct slot *s = &l->slot[i];

		if (!is_busy(s) || s->id != id)
			continue;
		s->cancelled = true;
		read_reports(l, s); /* how far is it? */
		if (s->state == SLOT_UPDATING)
			end_worker(l, s); /* a tree takes long to make and cannot be asked to stop; its next
					     update repairs it */
		else if (s->state == SLOT_RUNNING)
			send_kind(s, BR_WIRE_CANCEL);
	}
}

static void pause_all(struct br_engine *e, bool stop)
{
	struct local *l = local_of(e);

	if (l->paused == stop)
		return;
	l->paused = stop;
	for (uint32_t i = 0; i < l->nslot; i++)
		if (l->slot[i].state != SLOT_EMPTY)
			send_kind(&l->slot[i], stop ? BR_WIRE_PAUSE : BR_WIRE_CONTINUE);
}

/* Waits until the worker has gone by itself: its socket's other end closes with it. */
static void await_end(const struct slot *s, uint64_t deadline)
{
	char byte[sizeof(struct br_wire_report)];
	struct pollfd p = {.fd = s->fd, .events = POLLIN};

	while (!br_child_has_ended(s->pid) && br_now_ns() < deadline) {
		if (poll(&p, 1, left_ms(deadline)) <= 0)
			continue;
		if (recv(s->fd, byte, sizeof byte, MSG_DONTWAIT) == 0)
			return; /* it is about to exit, or has: kill and wait are quick now */
	}
}

static void close_engine(struct br_engine *e)
{
	struct local *l;
	uint64_t deadline = br_now_ns() + (uint64_t)CLOSE_WAIT_MS * BR_NS_PER_MS;

	if (!e)
		return;
	l = local_of(e);
	for (uint32_t i = 0; i < l->nslot; i++)
		if (l->slot[i].state != SLOT_EMPTY)
			(void)shutdown(l->slot[i].fd,
				       SHUT_WR); /* all at once: they see the end of the stream */
	for (uint32_t i = 0; i < l->nslot; i++) {
		struct slot *s = &l->slot[i];

		if (s->state == SLOT_IDLE || s->state == SLOT_RUNNING)
			await_end(s, deadline);
		end_worker(l, s);
		free(s->label);
		free(br_steal(&s->at));
	}
	for (size_t i = 0; i < l->ndone; i++)
		free(l->done[i].outcome.log_path);
	free(l->done);
	free(l->slot);
	free(l->keep_pid);
	free(l->poll);
	br_cgroup_place_done(&l->place);
	free(l);
}

static const struct br_engine_ops local_ops = {
	.name = "local",
	.slots = slots,
	.at = at,
	.is_idle = is_idle,
	.submit = submit,
	.wait = wait_done,
	.cancel = cancel,
	.pause = pause_all,
	.close = close_engine,
};

/* What an earlier search left in this slot's place. */
static char *left_at(const struct local *l, uint32_t slot)
{
	br_auto_free char *dir = br_asprintf("%s/%u", l->spec->work_dir, slot);

	return l->domain->ops->tree_peek ? l->domain->ops->tree_peek(dir) : NULL;
}

int br_engine_local_open(struct br_engine **out, const struct br_run_spec *spec, struct br_domain *domain,
			 struct br_err *err)
{
	struct local *l;
	int rc = br_dir_make(spec->work_dir, err);

	if (!rc)
		rc = br_dir_make(spec->log_dir, err);
	if (!rc && prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		rc = br_fail_errno(err, "cannot become a subreaper");
	if (rc)
		return rc;
	l = br_calloc(1, sizeof *l);
	l->base.ops = &local_ops;
	l->spec = spec;
	l->domain = domain;
	l->nslot = spec->jobs > spec->trees ? spec->jobs : spec->trees;
	l->nslot += !l->nslot;
	l->slot = br_calloc(l->nslot, sizeof *l->slot);
	for (uint32_t i = 0; i < l->nslot; i++) {
		l->slot[i].fd = -1;
		l->slot[i].at = left_at(l, i);
	}
	l->nbefore = br_tree_children(&l->keep_pid);
	l->keep_pid = br_reallocarray(l->keep_pid, l->nbefore + l->nslot, sizeof *l->keep_pid);
	l->poll = br_calloc(l->nslot + 1, sizeof *l->poll);
	(void)br_cgroup_find(&l->place, NULL); /* without one, what trials use is counted */
	*out = &l->base;
	return 0;
}
