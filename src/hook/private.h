/* private.h - a hook as a process: shared by those that watch (hook.c) and those that are asked (ask.c). */
#ifndef BR_HOOK_PRIVATE_H
#define BR_HOOK_PRIVATE_H

#include "base/buf.h"
#include "bisect_run/hook.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define BR_HOOK_TAIL_MAX 1024 /* bytes of stderr of which the last line is told */

struct br_hook {
	char *path; /* absolute or as the folder was given */
	char *kind; /* "notify" for notify-NAME */
	char *name; /* NAME; "" for those of the life cycle */
};

struct br_hooks {
	struct br_hook *hook;
	size_t n, cap;
	char **refused; /* what is wrong with files that look like hooks */
};

/* The end of what a hook says on stderr; everything before is dropped as it comes. */
struct br_hook_tail {
	char data[BR_HOOK_TAIL_MAX];
	size_t len;
};

/* A hook that runs. */
struct br_hook_run {
	pid_t pid;
	int pidfd;	      /* -1: this kernel has none */
	int err_fd;	      /* its stderr; -1: closed by it */
	int out_fd;	      /* its stdout; -1: nobody listens */
	uint64_t deadline_ns; /* 0: none */
	struct br_hook_tail tail;
	struct br_buf out; /* max: more is a flood */
};

/* What the process is: args may be NULL; cwd NULL: ours. */
struct br_hook_start {
	const struct br_hook *hook;
	char *const *args;
	char *const *env;
	const char *cwd;
	int in_fd;
	bool listen; /* to its stdout */
};

int br_hook_start(const struct br_hook_start *s, struct br_hook_run *r, struct br_err *err);
/* Reads what it says until it ends; a grandchild that holds a pipe open delays nobody. False: the limit came first, or the flood. */
bool br_hook_wait(struct br_hook_run *r);
/* Kills all that is left of its group, reads what is left in the pipes, then reaps it. Returns waitpid's status. */
int br_hook_finish(struct br_hook_run *r);
/* Its exit status, with what it said in err when that is not 0; or BR_ESYS. */
int br_hook_told(const struct br_hook *hook, const struct br_hook_run *r, int status, struct br_err *err);
/* The given environment with BISECT_RUN_HOOK=kind in it; the caller frees. */
char **br_hook_environment(char *const *env, const char *kind);

#endif
