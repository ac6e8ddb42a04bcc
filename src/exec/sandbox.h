/* sandbox.h - the box of one trial: what of the user's machine it sees. */
#ifndef BR_SANDBOX_H
#define BR_SANDBOX_H

#include "bisect_run/engine.h"

struct br_err;
struct br_limits;
struct br_ns;
struct br_sandbox;
struct br_spawn;

struct br_sandbox_job {
	const struct br_run_spec *spec;
	const char *tree;		/* the private tree's path outside */
	const char *input;		/* folder of the candidate's files, writable; NULL: none */
	const struct br_spawn *program; /* what may be run inside; must stay until the box is closed */
	size_t nprogram;
	const struct br_limits *limits; /* NULL: none */
	const char *raw;		/* folder for the trial's raw profiles; NULL: it is not profiled */
};

/* The path at which the tree is seen inside: that of the user's checkout, where it can be. The caller frees. */
char *br_sandbox_top(const struct br_run_spec *spec, const char *tree);
/* Where the folders of a profiled trial are seen inside. */
#define BR_SANDBOX_RAW "/run/bisect-run/profile"
#define BR_SANDBOX_SHARED "/run/bisect-run/profiler"
/* TMPDIR inside. */
const char *br_sandbox_tmp(void);
/* Where the candidate's files lie inside. */
const char *br_sandbox_input(void);
/* Errors as br_ns_open. */
int br_sandbox_open(struct br_ns **out, const struct br_sandbox_job *job, struct br_err *err);

#endif
