/*
 * stack.h - where programs stand: the stacks of all threads, with functions, files and lines.
 *
 * Two ways in: a look at living processes (hang.c), and a run under ptrace that waits for a crash (crash.c). What is
 * read of the programs is hostile: a helper process reads it, in bounded time and memory, and only text comes back.
 */
#ifndef BR_STACK_H
#define BR_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct br_err;

enum { BR_STACK_TELLING = 3, BR_STACK_NAME_B = 128 };

/* All owned: br_stack_seen_done. Zero-initialised is valid and empty. */
struct br_stack_seen {
	char *text; /* for people: processes, threads, frames; valid UTF-8 without control characters; NULL: none */
	/* The functions that tell most, innermost first; without those of the C library and of run times. */
	uint32_t nframe;
	char frame[BR_STACK_TELLING][BR_STACK_NAME_B];
};

void br_stack_seen_done(struct br_stack_seen *s);

/*
 * Stops all threads of these processes for a moment, reads where they stand, and lets them go on; at most limit_ms, one that
 * cannot be stopped is left out. BR_EUNSUPPORTED: not on this kind of processor; BR_ESYS: none may be looked at. The
 * caller has one thread.
 */
int br_stack_take(const pid_t *pid, size_t n, int limit_ms, struct br_stack_seen *out, struct br_err *err);

/* The first deadly signal of a run. */
struct br_crash {
	pid_t pid;
	int signal, code; /* si_code */
	bool has_address;
	uint64_t address;
	char *program;	/* path as the process saw it; owned */
	int exe_fd;	/* the program, open for reading; -1: gone */
	int dir_fd;	/* where it stood; -1: gone */
	int64_t died_s; /* CLOCK_REALTIME, a little before */
	struct br_stack_seen stack;
};

void br_crash_done(struct br_crash *c);
/*
 * The core file that appeared where it stood, open for reading; its name is removed. -1: none, also where core_pattern (core(5))
 * is no plain name: a pipe or a folder of the machine's. The path would be that of a sandbox, hence none.
 */
int br_crash_take_core(const struct br_crash *c);

struct br_tracer;

enum {
	BR_TRACE_OUR_CHILD = 1, /* root is our own child, whose end is left for the caller to wait for */
	/* The first process that crashes is not read: it is let go, stopped by SIGSTOP where the fault will come again once it goes on. */
	BR_TRACE_HAND_OVER = 2,
};

/*
 * Takes hold of a process that waits for it stopped by SIGSTOP, of all that it will start, and lets it go on.
 * how: of the flags above. BR_ESYS: it may not be traced.
 */
int br_tracer_open(struct br_tracer **out, pid_t root, unsigned how, struct br_err *err);
/* Readable when br_tracer_step has something to do. */
int br_tracer_fd(const struct br_tracer *t);
/* Handles what has come: never waits longer than a crash takes to be read. */
void br_tracer_step(struct br_tracer *t);
/* Whether something has crashed. Facts alone: stack and core are for br_tracer_close to give. Borrowed; NULL: not yet. */
const struct br_crash *br_tracer_crash(const struct br_tracer *t);
/* Kills what it still holds, frees it; the first crash, if any, goes to *out: true. out may be NULL. */
bool br_tracer_close(struct br_tracer *t, struct br_crash *out);

#endif
