/*
 * run.h - one program under supervision: its output into the log, its time limit, orders of the engine
 * meanwhile, and the end of all that it started. Used in a worker: a child subreaper with one thread.
 */
#ifndef BR_RUN_H
#define BR_RUN_H

#include "exec/limits.h"
#include "exec/telling.h"
#include "sys/spawn.h"

struct br_crash;

struct br_log;
struct br_ns;

/* What lasts for one trial (and, for the pause, from one to the next). */
struct br_run {
	int orders;  /* the socket to the engine */
	uint64_t id; /* job */
	uint64_t grace_ns;
	struct br_log *log;
	const char *
		stacks; /* file for the stacks of a program that ran over its limit; NULL: they are not wanted */
	bool watch;	/* the program waits, stopped, to be traced: see stack.h */
	struct br_ns *ns; /* programs run in this box; NULL: in none */
	struct br_limits *limits;
	struct br_telling telling; /* of the program that runs */
	int pipe[2];		   /* all programs of the trial write into [1], so that their order is kept */
	char *chunk;
	bool cancelled; /* the engine does not want it any more */
	bool gone;	/* the engine has died */
	bool paused;
	uint64_t paused_ns; /* in all, without the present pause */
	uint64_t pause_start_ns;
};

struct br_run_result {
	bool crashed;		/* while it was watched */
	struct br_crash *crash; /* the caller's to set, or NULL; filled when crashed */
	bool timed_out;
	enum br_hit hit; /* it was over this limit */
	bool at_line;	 /* killed at the telling line */
	bool stopped;	 /* cancelled, or the engine is gone: the rest says nothing */
	int status;	 /* as from wait4 */
	struct rusage usage;
	uint64_t wall_ns; /* without pauses */
	uint32_t leftovers;
	uint32_t nframe; /* where it was when its time was over: see br_outcome */
	char frame[3][128];
};

/* Makes the pipe. orders, grace_ns and the pause are the caller's to set. */
int br_run_init(struct br_run *r, struct br_err *err);
void br_run_done(struct br_run *r);
/* Stops or continues all processes and the clock. */
void br_run_set_paused(struct br_run *r, bool paused);
/* Reads the orders that have come; returns once none is waiting and no pause lasts. False: the trial is to
 * stop. */
bool br_run_go_on(struct br_run *r);
/*
 * Runs s (its out_fd and err_fd are r->pipe[1]; in a box it is one of the box's programs) to its end, at most limit_ns (0: none). Then all other
 * processes are killed, unless it succeeded and keep_others says so. BR_ESYS: it could not be started (errnum
 * says why), or not be killed (errnum EBUSY).
 */
int br_run_program(struct br_run *r, const struct br_spawn *s, uint64_t limit_ns, bool keep_others,
		   struct br_run_result *out, struct br_err *err);

#endif
