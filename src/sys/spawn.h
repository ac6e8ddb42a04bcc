/* spawn.h - the only file that forks, but for the first process of a sandbox (ns.h). */
#ifndef BR_SPAWN_H
#define BR_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

struct br_err;
struct br_guard;

/* fd members: -1 is /dev/null. cwd NULL: as ours. */
struct br_spawn {
	char *const *argv;
	char *const *env; /* complete */
	const char *cwd;
	int in_fd, out_fd, err_fd;
	bool new_session; /* setsid: own session and process group, no terminal */
	bool die_with_parent;
	const struct br_guard *guard; /* NULL: none */
};

/*
 * Starts a program found in the PATH of env, relative to cwd. A file with an x bit but without a header is
 * run by /bin/sh, as execvp does. *pidfd is the caller's (close-on-exec), -1 where the kernel has none
 * (before 5.3). All signals are at their defaults and unblocked in it, every other descriptor closed. Failure
 * to exec is reported here with errnum set (BR_ESYS) through a close-on-exec pipe, never as an exit code. A
 * SIGCHLD that is ignored is set to its default.
 */
int br_spawn(const struct br_spawn *s, pid_t *pid, int *pidfd, struct br_err *err);

/* For a process that was just cloned: no handlers, nothing blocked; every descriptor but 0, 1, 2 and keep closed. */
void br_default_signals(void);
void br_close_all_but(const int *keep, size_t n);

/* Whether this child of ours has ended; it stays a zombie for whoever waits for it. */
bool br_child_has_ended(pid_t pid);

/*
 * Runs a helper program (git, ...) to its end: for short, trusted commands. env NULL: as ours. *out (the
 * caller's) is its standard output, at most max bytes; when it failed, what it said on standard error follows
 * (4 KiB). *status as from waitpid. limit_ms 0: no limit; else it is killed then: BR_ESYS with errnum
 * ETIMEDOUT. It dies with us.
 */
int br_spawn_capture(char *const *argv, char *const *env, const char *cwd, size_t max, int limit_ms,
		     char **out, int *status, struct br_err *err);

/*
 * A worker: forks, runs body(arg, fd) and _exits with what it returns. fd and *fd (the caller's) are the two
 * ends of a SOCK_SEQPACKET pair. In the worker signals are at their defaults, stdin is /dev/null, it has a
 * session of its own, and every other descriptor of ours is CLOSED: body must open anew what it needs
 * (repositories, ...).
 */
int br_fork_worker(int (*body)(void *arg, int fd), void *arg, pid_t *pid, int *fd, struct br_err *err);

#endif
