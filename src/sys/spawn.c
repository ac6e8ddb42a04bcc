/*
 * spawn.c - the only file that forks, but for the first process of a sandbox (ns.c).
 *
 * Why fork and not vfork or posix_spawn: ru_maxrss of a process that execs starts at the peak of the memory
 * it had before exec (exec_mmap() in the kernel keeps it). After fork that is the resident memory that was
 * copied, the forker's private pages; after vfork it is the peak of the whole forker. So what wait4 says is
 * exact for programs larger than the forker's private pages, and those pages otherwise. Fork from small
 * processes.
 */
#include "sys/spawn.h"

#include "base/buf.h"
#include "base/mem.h"
#include "bisect_run/err.h"
#include "sys/clock.h"
#include "sys/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum {
	ERR_TAIL_B = 4096, /* of a helper's stderr */
	FD_SCAN_MAX = 1 << 16,
	READ_B = 1 << 16,
	NO_PIDFD_MS = 10, /* how often to look where the kernel has no pidfd */
};

/* What the child could not do: travels over a close-on-exec pipe. */
struct failure {
	enum { STEP_FD, STEP_CWD, STEP_GUARD, STEP_EXEC, STEP_INTERPRETER } step;
	int errnum;
};

/* All that the child needs, made before the fork: after it only async-signal-safe calls are allowed. */
struct plan {
	const struct br_spawn *spawn;
	char **candidate; /* paths to try, NULL-terminated */
	char **sh_argv;	  /* /bin/sh, (the script), arguments */
	int report;	  /* write end */
	pid_t parent;
	sigset_t old;
};

static int pidfd_open(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0); /* close-on-exec by itself */

	return fd < 0 ? -1 : fd;
}

/* A SIGCHLD that was ignored when we were started would have children reaped behind our back: wait4 would
 * fail. */
static void keep_children_waitable(void)
{
	struct sigaction sa;

	if (sigaction(SIGCHLD, NULL, &sa) < 0)
		return;
	if (sa.sa_handler != SIG_IGN && !(sa.sa_flags & SA_NOCLDWAIT))
		return;
	sa = (struct sigaction){.sa_handler = SIG_DFL};
	(void)sigaction(SIGCHLD, &sa, NULL);
}

bool br_child_has_ended(pid_t pid)
{
	siginfo_t info = {0};

	/* Of one that we trace, stops are told too, whatever was asked for. */
	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid &&
	       (info.si_code == CLD_EXITED || info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED);
}

static void block_signals(sigset_t *old)
{
	sigset_t all;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, old);
}

void br_default_signals(void)
{
	const struct sigaction dfl = {.sa_handler = SIG_DFL};
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		(void)sigaction(sig, &dfl, NULL); /* fails for SIGKILL and its like: fine */
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static int close_range_or_fail(unsigned first, unsigned last, unsigned flags)
{
#ifdef SYS_close_range
	return first > last ? 0 : (int)syscall(SYS_close_range, first, last, flags);
#else
	errno = ENOSYS;
	return -1;
#endif
}

static int fd_limit(void)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) < 0 || lim.rlim_cur > FD_SCAN_MAX)
		return FD_SCAN_MAX;
	return (int)lim.rlim_cur;
}

/* Sets close-on-exec on everything but 0, 1, 2: a descriptor that a library opened without it must not leak.
 */
static void seal_descriptors(void)
{
	enum { CLOEXEC = 1 << 2 }; /* CLOSE_RANGE_CLOEXEC, Linux 5.11 */

	if (close_range_or_fail(3, ~0u, CLOEXEC) == 0)
		return;
	for (int fd = 3, end = fd_limit(); fd < end; fd++)
		(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static void close_span(int first, int end)
{
	if (first >= end || close_range_or_fail((unsigned)first, (unsigned)end - 1, 0) == 0)
		return;
	for (int fd = first, last = fd_limit(); fd < end && fd < last; fd++)
		(void)close(fd);
}

/* The smallest of keep that is at least from; INT_MAX: none. */
static int next_kept(const int *keep, size_t n, int from)
{
	int next = INT_MAX;

	for (size_t i = 0; i < n; i++)
		if (keep[i] >= from && keep[i] < next)
			next = keep[i];
	return next;
}

void br_close_all_but(const int *keep, size_t n)
{
	for (int from = 3; from < INT_MAX;) {
		int next = next_kept(keep, n, from);

		close_span(from, next);
		from = next == INT_MAX ? next : next + 1;
	}
}

static void fail(const struct plan *p, int step, int errnum) __attribute__((noreturn));
static void fail(const struct plan *p, int step, int errnum)
{
	struct failure f;
	ssize_t n;

	memset(&f, 0, sizeof f);
	f.step = (unsigned)step;
	f.errnum = errnum;
	n = write(p->report, &f, sizeof f); /* below PIPE_BUF: whole or not at all */
	_exit(n < 0 ? 126 : 127);
}

/* The descriptor itself above the standard three, so that dup2 onto one of them cannot overwrite another. */
static int above_std(const struct plan *p, int fd, int flags)
{
	int out = fd < 0 ? open("/dev/null", flags | O_CLOEXEC) : fd;

	if (out >= 0 && out <= 2)
		out = fcntl(out, F_DUPFD_CLOEXEC, 3);
	if (out < 0)
		fail(p, STEP_FD, errno);
	return out;
}

static void set_descriptors(struct plan *p)
{
	const struct br_spawn *s = p->spawn;
	int in, out, err;

	if (p->report <= 2)
		p->report = fcntl(p->report, F_DUPFD_CLOEXEC, 3);
	in = above_std(p, s->in_fd, O_RDONLY);
	out = above_std(p, s->out_fd, O_WRONLY);
	err = s->err_fd == s->out_fd && s->out_fd >= 0 ? out : above_std(p, s->err_fd, O_WRONLY);
	if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0)
		fail(p, STEP_FD, errno);
	seal_descriptors();
}

/* Whether a file that the kernel cannot execute is text, as shells decide: no NUL in what can be seen of its
 * first line. */
static bool looks_like_script(const char *path)
{
	char head[256];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = fd < 0 ? -1 : read(fd, head, sizeof head);
	const char *end;

	if (fd >= 0)
		(void)close(fd);
	if (n < 0)
		return false;
	end = memchr(head, '\n', (size_t)n);
	return !memchr(head, '\0', end ? (size_t)(end - head) : (size_t)n);
}

static void exec_candidates(const struct plan *p) __attribute__((noreturn));
static void exec_candidates(const struct plan *p)
{
	int step = STEP_EXEC, errnum = ENOENT;

	for (char **c = p->candidate; *c; c++) {
		(void)execve(*c, p->spawn->argv, p->spawn->env);
		if (errno == ENOEXEC && looks_like_script(*c)) {
			p->sh_argv[1] = *c;
			(void)execve(p->sh_argv[0], p->sh_argv, p->spawn->env);
		}
		if (errno == ENOENT && access(*c, F_OK) == 0)
			fail(p, STEP_INTERPRETER, ENOENT);
		if (errno == EACCES)
			errnum = EACCES; /* remembered, as execvp does: another folder of PATH may have it */
		else if (errno != ENOENT && errno != ENOTDIR)
			fail(p, STEP_EXEC, errno);
	}
	fail(p, step, errnum);
}

static void child(struct plan *p) __attribute__((noreturn));
static void child(struct plan *p)
{
	const struct br_spawn *s = p->spawn;

	br_default_signals();
	if (s->die_with_parent) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != p->parent) /* it died before the line above */
			_exit(127);
	}
	if (s->new_session)
		(void)setsid();
	set_descriptors(p);
	if (s->cwd && chdir(s->cwd) < 0)
		fail(p, STEP_CWD, errno);
	if (s->guard && br_guard_apply(s->guard) < 0)
		fail(p, STEP_GUARD, errno);
	exec_candidates(p);
}

static const char *env_path(char *const *env)
{
	for (; *env; env++)
		if (!strncmp(*env, "PATH=", 5))
			return *env + 5;
	return "/bin:/usr/bin"; /* as execvp has it */
}

/* An empty part of PATH is the current directory. */
static char **find_candidates(const char *name, const char *path)
{
	char **v = NULL;

	if (!*name || strchr(name, '/')) {
		br_strv_add(&v, name);
		return v;
	}
	for (;;) {
		size_t n = strcspn(path, ":");
		br_auto_free char *full = br_asprintf("%.*s%s%s", (int)n, path, n ? "/" : "./", name);

		br_strv_add(&v, full);
		if (!path[n])
			return v;
		path += n + 1;
	}
}

static int explain(const struct br_spawn *s, const struct failure *f, struct br_err *err)
{
	errno = f->errnum;
	if (f->step == STEP_CWD)
		return br_fail_errno(err, "cannot enter the folder %s", s->cwd);
	if (f->step == STEP_GUARD)
		return br_fail_errno(err, "cannot put %s behind Landlock", s->argv[0]);
	if (f->step == STEP_FD)
		return br_fail_errno(err, "cannot set up the descriptors of %s", s->argv[0]);
	if (f->step == STEP_INTERPRETER)
		return br_fail_errno(err, "cannot run %s: its interpreter (or loader) is missing",
				     s->argv[0]);
	return br_fail_errno(err, "cannot run %s", s->argv[0]);
}

/* Waits until the child has become the program (the pipe closes) or says why not. */
static int await_exec(const struct br_spawn *s, int report, pid_t pid, struct br_err *err)
{
	struct failure f;
	ssize_t n;

	do
		n = read(report, &f, sizeof f);
	while (n < 0 && errno == EINTR);
	if (n != sizeof f)
		return 0;
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return explain(s, &f, err);
}

static int fork_child(struct plan *p, int pipe_fd[2], pid_t *pid, struct br_err *err)
{
	pid_t got;

	block_signals(&p->old); /* no handler of ours may run in the child */
	got = fork();
	if (!got)
		child(p);
	(void)sigprocmask(SIG_SETMASK, &p->old, NULL);
	(void)close(pipe_fd[1]);
	pipe_fd[1] = -1;
	if (got < 0)
		return br_fail_errno(err, "cannot start another process");
	*pid = got;
	return await_exec(p->spawn, pipe_fd[0], got, err);
}

int br_spawn(const struct br_spawn *s, pid_t *pid, int *pidfd, struct br_err *err)
{
	br_auto_strv char **candidate = find_candidates(s->argv[0], env_path(s->env));
	size_t argc = br_strv_len(s->argv);
	br_auto_free char **sh_argv = br_calloc(argc + 3, sizeof *sh_argv);
	char sh[] = "/bin/sh";
	int pipe_fd[2];
	struct plan p = {.spawn = s, .candidate = candidate, .sh_argv = sh_argv, .parent = getpid()};
	pid_t got = -1;
	int rc;

	sh_argv[0] = sh;
	for (size_t i = 1; i < argc; i++)
		sh_argv[i + 1] = s->argv[i];
	if (pipe2(pipe_fd, O_CLOEXEC) < 0)
		return br_fail_errno(err, "cannot start %s", s->argv[0]);
	p.report = pipe_fd[1];
	keep_children_waitable();
	rc = fork_child(&p, pipe_fd, &got, err);
	(void)close(pipe_fd[0]);
	if (rc < 0)
		return rc;
	*pid = got;
	*pidfd = pidfd_open(got);
	return 0;
}

/* A short helper whose output is wanted. */
struct capture {
	pid_t pid;
	int pidfd, out_fd, err_fd;
	struct br_buf out, err; /* what is over the cap is read and thrown away */
	uint64_t deadline_ns;	/* UINT64_MAX: none */
};

/* Returns false at the end of the stream. */
static bool take_some(int fd, struct br_buf *b)
{
	char chunk[READ_B];
	ssize_t n = read(fd, chunk, sizeof chunk);

	if (n > 0)
		br_buf_add(b, chunk, (size_t)n);
	return n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN));
}

static int wait_ms(const struct capture *c)
{
	uint64_t now = br_now_ns(), left;

	if (c->pidfd < 0)
		return NO_PIDFD_MS;
	if (c->deadline_ns == UINT64_MAX)
		return -1;
	left = now >= c->deadline_ns ? 0 : (c->deadline_ns - now) / BR_NS_PER_MS + 1;
	return left > 60000 ? 60000 : (int)left;
}

/* Reads until the program itself has ended; a grandchild may hold the pipes for ever. False: over the limit.
 */
static bool pump(struct capture *c)
{
	struct pollfd p[3] = {{c->pidfd, POLLIN, 0}, {c->out_fd, POLLIN, 0}, {c->err_fd, POLLIN, 0}};

	while (!br_child_has_ended(c->pid)) {
		if (br_now_ns() >= c->deadline_ns)
			return false;
		if (poll(p, 3, wait_ms(c)) <= 0)
			continue;
		if (p[1].revents && !take_some(c->out_fd, &c->out))
			p[1].fd = -1;
		if (p[2].revents && !take_some(c->err_fd, &c->err))
			p[2].fd = -1;
	}
	return true;
}

static void drain(int fd, struct br_buf *b)
{
	char chunk[READ_B];
	ssize_t n;
	int rounds = 64; /* a pipe holds 1 MiB at most; whoever still writes is not the program */

	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	while (rounds-- && (n = read(fd, chunk, sizeof chunk)) > 0)
		br_buf_add(b, chunk, (size_t)n);
}

static int finish(struct capture *c, const char *name, int *status, struct br_err *err)
{
	bool in_time = pump(c);
	pid_t got;

	(void)kill(-c->pid, SIGKILL); /* its whole session; itself too when it ran over its time */
	do
		got = waitpid(c->pid, status, 0);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return br_fail_errno(err, "cannot wait for %s", name);
	drain(c->out_fd, &c->out);
	drain(c->err_fd, &c->err);
	if (in_time)
		return 0;
	errno = ETIMEDOUT;
	return br_fail_errno(err, "%s did not end in time", name);
}

static int start_capture(struct capture *c, const struct br_spawn *tmpl, struct br_err *err)
{
	struct br_spawn s = *tmpl;
	int out[2], er[2], rc;

	if (pipe2(out, O_CLOEXEC) < 0)
		return br_fail_errno(err, "cannot start %s", s.argv[0]);
	if (pipe2(er, O_CLOEXEC) < 0) {
		rc = br_fail_errno(err, "cannot start %s", s.argv[0]);
		(void)close(out[0]);
		(void)close(out[1]);
		return rc;
	}
	s.out_fd = out[1];
	s.err_fd = er[1];
	rc = br_spawn(&s, &c->pid, &c->pidfd, err);
	(void)close(out[1]);
	(void)close(er[1]);
	c->out_fd = out[0];
	c->err_fd = er[0];
	return rc;
}

int br_spawn_capture(char *const *argv, char *const *env, const char *cwd, size_t max, int limit_ms,
		     char **out, int *status, struct br_err *err)
{
	struct br_spawn s = {.argv = argv, .env = env ? env : environ, .cwd = cwd, .in_fd = -1};
	struct capture c = {.pidfd = -1, .out_fd = -1, .err_fd = -1, .deadline_ns = UINT64_MAX};
	int rc, st = 0;

	c.out.max = max ? max : 1;
	c.err.max = ERR_TAIL_B;
	if (limit_ms > 0)
		c.deadline_ns = br_now_ns() + (uint64_t)limit_ms * BR_NS_PER_MS;
	s.new_session = s.die_with_parent = true;
	rc = start_capture(&c, &s, err);
	if (!rc)
		rc = finish(&c, argv[0], &st, err);
	if (!rc && st != 0) {
		c.out.max = 0;
		br_buf_add(&c.out, c.err.data, c.err.len);
	}
	if (!rc) {
		*out = br_buf_take(&c.out);
		*status = st;
	}
	br_buf_done(&c.out);
	br_buf_done(&c.err);
	br_cleanup_fd(&c.pidfd);
	br_cleanup_fd(&c.out_fd);
	br_cleanup_fd(&c.err_fd);
	return rc;
}

static void worker(int (*body)(void *arg, int fd), void *arg, int fd) __attribute__((noreturn));
static void worker(int (*body)(void *arg, int fd), void *arg, int fd)
{
	int null;

	br_default_signals();
	(void)setsid(); /* a Ctrl-C or Ctrl-Z at the terminal is the parent's to handle */
	if (fd <= 2)
		fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	br_close_all_but(&fd, 1); /* another worker's socket held here would keep that worker from seeing the
			      parent's death */
	null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (null > 0) {
		(void)dup2(null, 0);
		if (null > 2 && null != fd)
			(void)close(null);
	}
	_exit(body(arg, fd));
}

int br_fork_worker(int (*body)(void *arg, int fd), void *arg, pid_t *pid, int *fd, struct br_err *err)
{
	int sv[2];
	sigset_t old;
	pid_t got;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		return br_fail_errno(err, "cannot make a socket pair");
	keep_children_waitable();
	block_signals(&old);
	got = fork();
	if (!got)
		worker(body, arg, sv[1]);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	(void)close(sv[1]);
	if (got < 0) {
		int rc = br_fail_errno(err, "cannot start another process");

		(void)close(sv[0]);
		return rc;
	}
	*pid = got;
	*fd = sv[0];
	return 0;
}
