/*
 * trial.h - what came of a probe. Facts (outcome) and judgement (verdict) are different types:
 * judging again with other rules never runs a test again.
 */
#ifndef BR_TRIAL_H
#define BR_TRIAL_H

#include <stdbool.h>
#include <stdint.h>

enum br_end {
	BR_END_EXIT,	      /* code: exit status, 0..255 */
	BR_END_SIGNAL,	      /* code: signal number */
	BR_END_TIMEOUT,	      /* killed at the wall limit; code: the limit in whole seconds */
	BR_END_MEMORY,	      /* over the memory limit; code: 1 when it was our own default, 0: the user's */
	BR_END_EXEC,	      /* COMMAND could not be started; code: errno (ENOENT: not found) */
	BR_END_BUILD,	      /* --build failed; code: its exit status, or 128+signal */
	BR_END_BUILD_TIMEOUT, /* --build ran over its limit */
	BR_END_SETUP,	      /* the work tree could not be made; note says why */
	BR_END_CANCELLED,     /* the driver took the question back */
	BR_END_LOST,	      /* the worker died under us: says nothing about the candidate */
	BR_END_PIDS,	      /* over the limit on processes; code as with memory */
	BR_END_DISK,	      /* over the limit on what it may write; code as with memory */
	BR_END_LINE,	      /* killed at a line that told enough: see struct br_stop_on */
};

/* Facts only. Nothing here says good or bad. Durations by CLOCK_MONOTONIC, of COMMAND alone. */
struct br_outcome {
	enum br_end end;
	int code;
	uint64_t wall_ns, user_ns, sys_ns;
	uint64_t build_ns;   /* wall time of --build; 0: none ran */
	uint64_t setup_ns;   /* wall time of making the work tree */
	uint64_t peak_rss_b; /* of the largest process */
	uint64_t output_b;   /* all that was printed, kept or not */
	uint64_t omitted_b;  /* of that, left out between the log's head and tail */
	uint32_t leftovers;  /* processes that outlived COMMAND and were killed */
	uint32_t worker;     /* slot that ran it */
	uint64_t limit_ns;   /* wall limit that was in force; 0: none */
	char sandbox[16];    /* level: "none", ... */
	char note[256];	     /* said about the run: a missing directory, a corrupt object ... */
	uint32_t
		nframe; /* functions in which it hung (BR_END_TIMEOUT) or crashed (a watched job), innermost first */
	char frame[3][128];
	char *log_path; /* owned; absolute; NULL when there is no log */
};

enum br_class { BR_GOOD, BR_BAD, BR_SKIP };

/* How it failed, normalised. exit -1 and signal 0: does not apply. kind "": nothing failed. */
struct br_failure {
	char kind[24]; /* exit, signal, timeout, memory, build, infra, ... as in the JSON schema */
	char type[96];
	char message[512];
	int exit, signal;
	uint32_t
		version; /* of the rules that made type, message and frames: see failure.h; 0: before there were any */
	uint32_t nframe;
	char frame[3][128];
};

/*
 * llr is the evidence in nats: ln P(outcome | bad) - ln P(outcome | good); +-INFINITY where the test
 * is taken for deterministic, 0 where nothing was learnt. Exact strategies read cls, noisy ones llr.
 */
struct br_verdict {
	enum br_class cls;
	bool error; /* this outcome must end the search (why says so): command not found at the good end */
	bool over_learnt; /* stopped at a limit that was only learnt: worth one more try with more time */
	double llr;
	double value;  /* what was measured; NAN: nothing */
	char why[192]; /* "exit 1", "killed by SIGSEGV (11)", "matched --bad-if" */
	struct br_failure failure;
};

enum br_phase {
	BR_PHASE_ENDS,
	BR_PHASE_SEARCH,
	BR_PHASE_CONFIRM,
	BR_PHASE_TRY,
	BR_PHASE_REDUCE,
	BR_PHASE_HUNKS,
	BR_PHASE_PROFILE,
};

/* A record: n rises from 1 within a search in the order in which trials ended. */
struct br_trial {
	uint64_t n;
	enum br_phase phase;
	uint64_t point; /* item number in the shape, for strategies; UINT64_MAX outside of one */
	char *item;	/* owned; the domain's label: a full object id, an item */
	char *tree; /* owned; what the verdict belongs to (tree id, or commit id where trees do not tell); NULL: unknown */
	struct br_outcome outcome;
	struct br_verdict verdict;
	bool cached;	     /* answered from the record, not run */
	bool amended;	     /* verdict.cls was corrected by a person */
	uint64_t started_ns; /* CLOCK_REALTIME */
};

/* Names as in the JSON schema: "good", "bad", "skip"; "ends", "search", "confirm", "try", "reduce" ... */
const char *br_class_name(enum br_class cls);
const char *br_phase_name(enum br_phase phase);
const char *br_end_name(enum br_end end);
/* The reverse; -1 when unknown. */
int br_class_from(const char *name);
int br_phase_from(const char *name);
int br_end_from(const char *name);

/* Frees what a trial owns; it becomes all zero. */
void br_trial_done(struct br_trial *trial);
/* Deep copy into the uninitialised *out. */
void br_trial_copy(struct br_trial *out, const struct br_trial *from);

#endif
