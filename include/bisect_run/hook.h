/*
 * hook.h - executables that watch a search: hooks/ of the program and the user's configuration folder, never
 * a repository. Protocol: hooks/README.md. A hook that fails, hangs or floods is reported and changes no verdict.
 */
#ifndef BR_HOOK_H
#define BR_HOOK_H

#include <stdbool.h>
#include <stddef.h>

struct br_err;
struct br_hooks;

/* Finds the hooks in the given NULL-terminated list of folders (missing ones are fine); later folders come last. */
int br_hooks_open(struct br_hooks **out, const char *const *dirs, struct br_err *err);
/* What is wrong with files that look like hooks but are not run, a line each (not executable, writable by others ...). NULL: no more. */
const char *br_hooks_refused(const struct br_hooks *h, size_t i);
/* Number of hooks of this kind: "pre-search", "pre-trial", "post-trial", "post-search", "notify", "profile". */
size_t br_hooks_count(const struct br_hooks *h, const char *kind);
/*
 * Runs all hooks of the kind in turn: input on stdin, env (NULL-terminated K=V) as environment, within limit_ms each.
 * Returns 125 when any of them says so (from pre-trial: skip), else an error of which the search need only take note (BR_ESYS: could
 * not start, died or ran over the limit), else the highest exit status. Unless it is 0, err says which hook and the last line of
 * its stderr. limit_ms -1: no limit.
 */
int br_hooks_run(const struct br_hooks *h, const char *kind, const char *input, char *const *env,
		 int limit_ms, struct br_err *err);

/* Names of the hooks KIND-NAME, NULL-terminated; the caller frees. */
char **br_hooks_names(const struct br_hooks *h, const char *kind);

/* A question to one hook: `KIND-NAME ARGS...`, its answer on stdout. All borrowed. */
struct br_hook_call {
	const char *kind, *name;
	char *const *args; /* NULL-terminated */
	char *const *env;  /* NULL-terminated K=V, complete */
	const char *cwd;   /* NULL: ours */
	int limit_ms;
	size_t max_b; /* of the answer: a longer one is a failure */
};

/*
 * Asks the hook; of two of one name the one of the later folder. Returns its exit status with *out (the caller's, NUL-terminated) of *n
 * bytes; err then has the last line of its stderr unless it is 0. BR_ENOTFOUND: there is none; BR_ESYS: it could not be started, died,
 * ran over the limit or flooded. All that it started is killed, also what went into the background. The caller has one thread.
 */
int br_hooks_ask(const struct br_hooks *h, const struct br_hook_call *call, char **out, size_t *n,
		 struct br_err *err);
void br_hooks_close(struct br_hooks *h);

#endif
