/* spawn.h - the only file that forks. */
#ifndef BR_SPAWN_H
#define BR_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

struct br_err;

/* fd members: -1 is /dev/null. cwd NULL: as ours. */
struct br_spawn {
	char *const *argv;
	char *const *env; /* complete */
	const char *cwd;
	int in_fd, out_fd, err_fd;
	bool new_session; /* setsid: own session and process group, no terminal */
	bool die_with_parent;
};

/*
 * Starts a program found in the PATH of env. *pidfd is the caller's (close-on-exec). All signals are at their defaults and unblocked in it,
 * every other descriptor closed. Failure to exec is reported here with errnum set (BR_ESYS) through a close-on-exec pipe, never as an exit code.
 */
int br_spawn(const struct br_spawn *s, pid_t *pid, int *pidfd, struct br_err *err);

/* Runs a helper program (git, ...) to its end with output (capped) captured: for short, trusted commands. */
int br_spawn_capture(char *const *argv, char *const *env, const char *cwd, size_t max, int limit_ms, char **out, int *status,
		     struct br_err *err);

/* A worker: forks, runs body(arg, fd of a socketpair's child end) and _exits with what it returns. *fd is ours. */
int br_fork_worker(int (*body)(void *arg, int fd), void *arg, pid_t *pid, int *fd, struct br_err *err);

#endif
