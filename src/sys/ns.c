/*
 * ns.c - makes a box of namespaces and speaks with its process 1.
 *
 * Process 1 is a clone of the caller that never execs: it knows the plan and the programs, and an order is
 * only a number. A program cannot be process 1 itself: the kernel ignores fatal signals that process 1 sends
 * to itself, and a crash would look like success. Orders and reports are packets on a socket pair that is
 * closed before a program runs, so that nothing inside can forge a report.
 */
#include "sys/ns_private.h"

#include "base/mem.h"
#include "bisect_run/err.h"
#include "sys/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum {
	KEEP_MAX = 16, /* descriptors that process 1 keeps */
	MAP_MAX_B = 4096,
	SCRATCH_MS = 50, /* how often the room is looked at */
};

enum order_kind { GO_ON, RUN, KILL };

struct order {
	enum order_kind kind;
	size_t program;
};

enum report_kind { READY, STARTED, FAILED, ENDED };

struct report {
	enum report_kind kind;
	struct br_ns_exit exit; /* ENDED */
	struct br_err err;	/* FAILED */
};

struct br_ns {
	const struct br_spawn *program; /* of the plan */
	pid_t pid;
	int fd;
};

/* ---- inside ---- */

static void send_report(int fd, const struct report *r)
{
	while (send(fd, r, sizeof *r, MSG_NOSIGNAL) < 0 && errno == EINTR)
		;
}

static void send_kind(int fd, enum report_kind kind)
{
	struct report r;

	memset(&r, 0, sizeof r);
	r.kind = kind;
	send_report(fd, &r);
}

static void send_failure(int fd, const struct br_err *err)
{
	struct report r;

	memset(&r, 0, sizeof r);
	r.kind = FAILED;
	r.err = *err;
	send_report(fd, &r);
}

/* False: the other side is gone. */
static bool read_order(int fd, struct order *o)
{
	ssize_t n;

	do
		n = recv(fd, o, sizeof *o, 0);
	while (n < 0 && errno == EINTR);
	return n == sizeof *o;
}

/* The caller's descriptors must not live on here: its own peers wait for their end. */
static void keep_only_ours(const struct br_ns_plan *plan, int fd)
{
	int keep[KEEP_MAX];
	size_t n = 0;

	keep[n++] = fd;
	for (size_t i = 0; i < plan->nprogram && n + 3 <= KEEP_MAX; i++) {
		keep[n++] = plan->program[i].in_fd;
		keep[n++] = plan->program[i].out_fd;
		keep[n++] = plan->program[i].err_fd;
	}
	br_close_all_but(keep, n);
}

static int loopback_up(struct br_err *err)
{
	struct ifreq req = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	br_auto_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &req) < 0)
		return br_fail_errno(err, "cannot bring the loopback up");
	return 0;
}

/* final: nobody inside may raise it again. */
static void limit(int what, uint64_t most, bool final)
{
	struct rlimit now;

	if (getrlimit((__rlimit_resource_t)what, &now) < 0 || now.rlim_max < most)
		return;
	now.rlim_cur = most;
	if (final)
		now.rlim_max = most;
	(void)setrlimit((__rlimit_resource_t)what, &now);
}

static void set_limits(const struct br_ns_plan *plan)
{
	/* The machine's out-of-memory killer takes a test first. */
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd >= 0) {
		(void)!write(fd, "500", 3);
		(void)close(fd);
	}
	/* One byte: enough to switch off a core file as well as a program that would take one (see coredump.c in Linux). */
	limit(RLIMIT_CORE, 1, false);
	if (plan->file_b)
		limit(RLIMIT_FSIZE, plan->file_b, true);
	if (plan->threads) /* from Linux 5.14 on it counts those of the box alone */
		limit(RLIMIT_NPROC, plan->threads, true);
}

static int set_up(const struct br_ns_plan *plan, int *scratch, struct br_err *err)
{
	mode_t mask = umask(0);
	int rc = plan->net == BR_NS_NET_LOOPBACK ? loopback_up(err) : 0;

	set_limits(plan);
	if (!rc)
		rc = br_ns_mounts(plan, scratch, err);
	(void)umask(mask);
	if (!rc)
		rc = br_ns_lock(plan, err);
	/* Nobody inside may trace us, read our memory or use our descriptors through /proc. */
	if (!rc && prctl(PR_SET_DUMPABLE, 0) < 0)
		rc = br_fail_errno(err, "cannot protect the first process of the sandbox");
	return rc;
}

/* Process 1 while it serves. */
struct init {
	const struct br_ns_plan *plan;
	int fd;
	int scratch;   /* where all is written that is thrown away */
	bool full;     /* it was */
	pid_t program; /* that runs; 0: none */
};

static void run_program(struct init *in, size_t i)
{
	struct br_err err = {0};
	int pidfd = -1;

	if (i >= in->plan->nprogram || in->program) {
		(void)br_fail(&err, BR_ESTATE, "the sandbox has no program %zu to run", i);
		send_failure(in->fd, &err);
	} else if (br_spawn(&in->plan->program[i], &in->program, &pidfd, &err) < 0) {
		in->program = 0;
		send_failure(in->fd, &err);
	} else {
		send_kind(in->fd, STARTED);
	}
	br_cleanup_fd(&pidfd);
}

static void look_at_scratch(struct init *in)
{
	struct statvfs s;

	if (!in->full && in->program && fstatvfs(in->scratch, &s) == 0)
		in->full = s.f_bavail == 0 || s.f_favail == 0;
}

static void reap(struct init *in)
{
	struct report r;
	pid_t pid;

	memset(&r, 0, sizeof r);
	r.kind = ENDED;
	while ((pid = wait4(-1, &r.exit.status, WNOHANG, &r.exit.usage)) > 0) {
		if (pid != in->program)
			continue;
		look_at_scratch(in);
		r.exit.scratch_full = in->full;
		in->full = false;
		in->program = 0;
		send_report(in->fd, &r);
	}
}

static void obey(struct init *in)
{
	struct order o;

	if (!read_order(in->fd, &o))
		_exit(0); /* and with us all that is inside */
	if (o.kind == RUN)
		run_program(in, o.program);
	else if (o.kind == KILL)
		(void)kill(-1, SIGKILL); /* all but ourselves, at one stroke: nobody can fork away from it */
}

static void serve(struct init *in) __attribute__((noreturn));
static void serve(struct init *in)
{
	struct signalfd_siginfo info;
	struct pollfd p[2] = {{.fd = in->fd, .events = POLLIN}, {.events = POLLIN}};
	sigset_t child;

	(void)sigemptyset(&child);
	(void)sigaddset(&child, SIGCHLD);
	(void)sigprocmask(SIG_SETMASK, &child, NULL);
	p[1].fd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	send_kind(in->fd, READY);
	for (;;) {
		int n = poll(p, 2, in->program ? SCRATCH_MS : -1);

		if (n == 0)
			look_at_scratch(in);
		if (n < 0 && errno != EINTR)
			_exit(1); /* without it we cannot serve, and all inside has to end */
		if (n <= 0)
			continue;
		if (p[1].revents)
			(void)!read(p[1].fd, &info, sizeof info);
		if (p[0].revents)
			obey(in);
		reap(in);
	}
}

static void inside(const struct br_ns_plan *plan, int fd) __attribute__((noreturn));
static void inside(const struct br_ns_plan *plan, int fd)
{
	struct init in = {.plan = plan, .fd = fd, .scratch = -1};
	struct br_err err = {0};
	struct order o;

	br_default_signals();
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* that its parent died before this line, the socket tells */
	(void)prctl(PR_SET_NAME, "bisect-run:init");
	keep_only_ours(plan, fd);
	(void)setsid();
	if (!read_order(fd, &o)) /* the ids are mapped now */
		_exit(0);
	if (set_up(plan, &in.scratch, &err) < 0) {
		send_failure(fd, &err);
		_exit(1);
	}
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a change of credentials clears it */
	serve(&in);
}

/* ---- outside ---- */

static int unsupported(struct br_err *err, const char *what)
{
	int errnum = errno;
	int rc = br_fail(err, BR_EUNSUPPORTED, "%s: %s", what, strerror(errnum));

	if (err)
		err->errnum = errnum;
	return rc;
}

static pid_t clone_into(uint64_t flags)
{
	struct clone_args args = {.flags = flags, .exit_signal = SIGCHLD};
	long pid = syscall(SYS_clone3, &args, sizeof args);

	if (pid < 0 && errno == ENOSYS) /* before Linux 5.3, valgrind, filters of containers */
		pid = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
	return (pid_t)pid;
}

static int write_proc(pid_t pid, const char *name, const char *text)
{
	char path[64];
	br_auto_fd int fd = -1;
	ssize_t n;

	(void)snprintf(path, sizeof path, "/proc/%ld/%s", (long)pid, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : write(fd, text, strlen(text));
	return n < 0 ? -1 : 0;
}

/* Each id that we know, to itself: "first first count" for each line of our own map. */
static void whole_map(const char *name, char *out, size_t size)
{
	br_auto_free char *path = br_asprintf("/proc/self/%s", name);
	FILE *file = fopen(path, "re");
	unsigned long first, count;
	size_t n = 0;

	out[0] = '\0';
	while (file && n < size && fscanf(file, "%lu %*u %lu", &first, &count) == 2)
		n += (size_t)snprintf(out + n, size - n, "%lu %lu %lu\n", first, first, count);
	if (file)
		(void)fclose(file);
}

/*
 * Ids stay what they are, or every file would look changed to git. Root maps all of them where it may, others
 * only themselves: the kernel allows them no more.
 */
static int map_ids(pid_t pid, struct br_err *err)
{
	char uids[MAP_MAX_B], gids[MAP_MAX_B];

	whole_map("uid_map", uids, sizeof uids);
	whole_map("gid_map", gids, sizeof gids);
	if (geteuid() == 0 && write_proc(pid, "uid_map", uids) == 0 && write_proc(pid, "gid_map", gids) == 0)
		return 0;
	(void)snprintf(uids, sizeof uids, "%lu %lu 1\n", (unsigned long)geteuid(), (unsigned long)geteuid());
	(void)snprintf(gids, sizeof gids, "%lu %lu 1\n", (unsigned long)getegid(), (unsigned long)getegid());
	(void)write_proc(pid, "setgroups", "deny");
	if (write_proc(pid, "uid_map", uids) < 0 || write_proc(pid, "gid_map", gids) < 0)
		return unsupported(err, "cannot map user ids into a user namespace");
	return 0;
}

static bool send_order(const struct br_ns *ns, enum order_kind kind, size_t program)
{
	struct order o;
	ssize_t n;

	memset(&o, 0, sizeof o);
	o.kind = kind;
	o.program = program;
	do
		n = send(ns->fd, &o, sizeof o, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n == sizeof o;
}

static int broken(struct br_err *err)
{
	errno = ECHILD;
	return br_fail_errno(err, "the first process of the sandbox died: killed, or out of memory");
}

/* 1: *r is set; 0: nothing came within limit_ms (-1: none). */
static int read_report(const struct br_ns *ns, int limit_ms, struct report *r, struct br_err *err)
{
	struct pollfd p = {.fd = ns->fd, .events = POLLIN};
	ssize_t n;

	do
		n = poll(&p, 1, limit_ms);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return 0;
	do
		n = recv(ns->fd, r, sizeof *r, MSG_DONTWAIT);
	while (n < 0 && (errno == EINTR || errno == ECONNRESET));
	return n == sizeof *r ? 1 : broken(err);
}

/* Waits for the answer to an order. */
static int await(const struct br_ns *ns, enum report_kind kind, struct br_err *err)
{
	struct report r;
	int rc = read_report(ns, -1, &r, err);

	if (rc < 0)
		return rc;
	if (rc && r.kind == kind)
		return 0;
	if (!rc || r.kind != FAILED)
		return broken(err);
	if (err)
		*err = r.err;
	return r.err.code;
}

static uint64_t flags_of(const struct br_ns_plan *plan, bool user)
{
	uint64_t flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;

	return flags | (plan->net == BR_NS_NET_HOST ? 0 : CLONE_NEWNET) | (user ? CLONE_NEWUSER : 0);
}

static int start(struct br_ns *ns, const struct br_ns_plan *plan, bool user, struct br_err *err)
{
	int sv[2], rc = 0;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		return br_fail_errno(err, "cannot make a socket pair");
	ns->pid = clone_into(flags_of(plan, user));
	if (!ns->pid)
		inside(plan, sv[1]);
	if (ns->pid < 0)
		rc = unsupported(err, user ? "no user namespace can be made here"
					   : "no namespaces can be made here");
	(void)close(sv[1]);
	ns->fd = sv[0];
	if (!rc && user)
		rc = map_ids(ns->pid, err);
	if (!rc && !send_order(ns, GO_ON, 0))
		rc = broken(err);
	return rc ? rc : await(ns, READY, err);
}

static void end(struct br_ns *ns)
{
	if (ns->pid > 0) {
		(void)kill(ns->pid, SIGKILL);
		while (waitpid(ns->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	br_cleanup_fd(&ns->fd);
	ns->pid = 0;
	ns->fd = -1;
}

int br_ns_open(struct br_ns **out, const struct br_ns_plan *plan, struct br_err *err)
{
	struct br_ns *ns = br_calloc(1, sizeof *ns);
	struct br_err first = {0};
	int rc;

	ns->program = plan->program;
	ns->fd = -1;
	rc = start(ns, plan, true, &first);
	if (rc < 0 && err)
		*err = first;
	if (rc < 0 &&
	    geteuid() == 0) { /* root needs no user namespace: its capabilities are dropped as well */
		end(ns);
		rc = start(ns, plan, false, NULL);
	}
	if (rc < 0) {
		br_ns_close(ns);
		return first.code;
	}
	*out = ns;
	return 0;
}

pid_t br_ns_pid(const struct br_ns *ns)
{
	return ns->pid;
}

int br_ns_fd(const struct br_ns *ns)
{
	return ns->fd;
}

int br_ns_spawn(struct br_ns *ns, const struct br_spawn *program, struct br_err *err)
{
	if (!send_order(ns, RUN, (size_t)(program - ns->program)))
		return broken(err);
	return await(ns, STARTED, err);
}

static int ended_within(struct br_ns *ns, int limit_ms, struct br_ns_exit *out, struct br_err *err)
{
	struct report r;
	int rc = read_report(ns, limit_ms, &r, err);

	if (rc <= 0)
		return rc;
	if (r.kind != ENDED)
		return broken(err);
	*out = r.exit;
	return 1;
}

int br_ns_ended(struct br_ns *ns, struct br_ns_exit *out, struct br_err *err)
{
	return ended_within(ns, 0, out, err);
}

int br_ns_kill(struct br_ns *ns, int limit_ms, struct br_ns_exit *out, struct br_err *err)
{
	return send_order(ns, KILL, 0) ? ended_within(ns, limit_ms, out, err) : broken(err);
}

void br_ns_close(struct br_ns *ns)
{
	if (!ns)
		return;
	end(ns);
	free(ns);
}
