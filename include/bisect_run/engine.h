/* engine.h - where trials run: child processes here, later a cluster. */
#ifndef BR_ENGINE_H
#define BR_ENGINE_H

#include "bisect_run/box.h"
#include "bisect_run/trial.h"

#include <stddef.h>

struct br_domain;
struct br_err;
struct br_engine;

/* A file of the user's that COMMAND names and that the candidate's tree may lack. */
struct br_named_file {
	char *source;	/* absolute path of the user's file */
	char *target;	/* path relative to the tree's top */
	bool for_build; /* --build names it: put there before the build, not after it */
};

/*
 * How a trial that is profiled differs: words before COMMAND, variables set over its environment. @DIR@ in them stands for the folder that
 * the trial writes its raw profiles into, @SHARED@ for one with the profiler's own files. All borrowed.
 */
struct br_wrap {
	char *const *prefix, *const *env; /* NULL-terminated */
	const char *dir; /* absolute: raw profiles go to dir/ID, shared files lie in dir/shared */
};

/* Bytes behind the text that may be read, of no meaning: PCRE2's JIT looks at whole vector registers. */
enum { BR_STOP_ON_AHEAD_B = 64 };

/* Which line of COMMAND's output ends a trial. Asked in a worker, with whole lines as they come (very long ones in parts). Borrowed. */
struct br_stop_on {
	bool (*tells)(void *arg, const char *text, size_t n);
	void *arg;
};

/* What every trial of a search has in common. All borrowed until the engine is closed. */
struct br_run_spec {
	char *const *argv; /* NULL-terminated; NULL: nothing is run, only the tree is made (--ask) */
	size_t nmeasure;   /* words at its start that measure: jobs that are profiled or watched go without */
	const char *build; /* run through `sh -c` before argv; NULL: none */
	char *const *env;  /* NULL-terminated K=V, complete; BISECT_RUN_* are added for each trial */
	const char *subdir; /* relative to the tree's top; "": the top itself */
	const char *
		user_root; /* the user's checkout: words of argv that begin with it mean the private tree; or NULL */
	const struct br_named_file *named; /* put into trees that lack them, removed after the trial */
	size_t nnamed;
	uint64_t build_timeout_ns; /* 0: no limit */
	uint64_t grace_ns;	   /* from SIGTERM to SIGKILL at a timeout */
	uint64_t head_b, tail_b;   /* bytes of output kept at the log's start and end */
	const char *log_dir;	   /* absolute; logs are log_dir/N.log */
	const char *work_dir;	   /* absolute; trees are work_dir/0, 1, ... */
	uint32_t jobs;		   /* trials at once, >= 1 */
	uint32_t trees; /* that lie in work_dir: each may be used, so there may be more workers than jobs */
	/* What the products of trials depend on besides the tree. A tree that was used by another one is emptied of all that is not its commit's. NULL: never. */
	const char *basis;
	bool keep_core; /* of watched jobs that crash */
	/*
	 * Candidates that are files: their names in a job's input folder, NULL-terminated. A word `@@` of argv becomes their paths, `@@` inside a word the
	 * first one's, a word `@@*` the lines of the first as words. NULL: candidates are no files.
	 */
	char *const *input_name;
	struct br_box box;
	const char *git_dir;	    /* the repository's common git directory, absolute; NULL: none */
	const struct br_wrap *wrap; /* for jobs that ask for it; NULL: none can be profiled */
	const struct br_stop_on
		*stop_on; /* of trials that are neither watched nor profiled; NULL: they run to their end */
	char *const *outside; /* absolute paths of files outside of the tree that the command line names */
};

struct br_job {
	uint64_t id;	     /* the caller's, unique; names the log */
	const char *label;   /* what to materialise; copied by submit */
	uint64_t timeout_ns; /* wall limit of COMMAND; 0: none */
	const char *value;   /* stands for `@@` in argv; NULL: the candidate is the tree or a file. Copied */
	const char *input;   /* folder of the candidate's files, for this trial alone; NULL: none. Copied */
	bool profiled;	     /* wrapped as spec->wrap says */
	bool watch;	     /* no trial: see below */
	bool fresh;	     /* nothing of an earlier trial may stay in the tree */
	int prefer;	     /* worker that has the nearest tree; -1: any */
};

/*
 * A watched job is no trial: COMMAND runs under ptrace, slower than it would, for the sake of a crash's stack. Its files are log_dir/ID.replay.log
 * and, when something crashed, ID.stacks and (keep_core) ID.core.gz with ID.program. The outcome is then that of the first
 * crash, whatever COMMAND made of it: BR_END_SIGNAL, the functions in frame, and in note what is known of the fault.
 */
struct br_done {
	uint64_t id;
	struct br_outcome outcome; /* the caller's: log_path is owned */
};

struct br_engine_ops {
	const char *name;			    /* local, slurm */
	size_t (*slots)(const struct br_engine *e); /* free now */
	/* The label that this worker's tree holds now; NULL: none. Borrowed until the next submit. */
	const char *(*at)(const struct br_engine *e, uint32_t worker);
	bool (*is_idle)(const struct br_engine *e, uint32_t worker); /* it would take a job now */
	int (*submit)(struct br_engine *e, const struct br_job *job, struct br_err *err);
	/*
	 * Waits for a trial to end: 1 with *out set, 0 at the timeout (-1: none) or when wake_fd (-1: none) became
	 * readable, or an error.
	 */
	int (*wait)(struct br_engine *e, int wake_fd, int timeout_ms, struct br_done *out,
		    struct br_err *err);
	/* Kills it now with all its processes; its br_done still comes, with BR_END_CANCELLED. */
	void (*cancel)(struct br_engine *e, uint64_t id);
	/* Stops and continues all running trials and their clocks (SIGTSTP, SIGCONT). */
	void (*pause)(struct br_engine *e, bool stop);
	/* Kills and reaps what is left: no process survives. NULL is fine. */
	void (*close)(struct br_engine *e);
};

struct br_engine {
	const struct br_engine_ops *ops; /* first member of every engine */
};

/*
 * Child processes on this machine, one worker process a slot, made when first needed. domain makes the trees, in the worker.
 * The caller becomes a child subreaper.
 */
int br_engine_local_open(struct br_engine **out, const struct br_run_spec *spec, struct br_domain *domain,
			 struct br_err *err);

#endif
