/* debug.h - which debugger fits a failure, and how it is started. */
#ifndef BR_DEBUG_H
#define BR_DEBUG_H

#include "bisect_run/result.h"

struct br_err;
struct br_options;
struct br_session;

/* What is known of the failure that is looked at. Borrowed. */
struct br_scene {
	const struct br_result *result;
	const struct br_failure *failure;
	bool shell; /* no debugger: a shell */
};

/* Makes tree and build of s->bad, opens the debugger on the terminal, returns its exit status. s->trees is opened. */
int br_debug_run(struct br_session *s, const struct br_scene *scene, struct br_err *err);
/* Words that run the Python program of argv under pdb; NULL: it is none. The caller's. */
char **br_debug_pdb(char *const *argv);
/* Words that print what it does, a line each, before its output: Python's lines, else system calls. The caller's. */
char **br_debug_traced(char *const *argv);

/* Two revisions to run. traced: COMMAND is under a tracer. */
struct br_pair {
	const char *good, *bad;
	bool traced;
};

/* debug_compare.c */
/* Runs COMMAND at the good and at the bad revision and prints where their outputs part. 0, or an error. */
int br_debug_compare(struct br_session *s, const struct br_pair *pair, struct br_err *err);
/*
 * The number (from 1) of the first line that differs when what changes from run to run (addresses, ids, times) is left out; of a trace any
 * number of four digits and more. 0: none.
 */
size_t br_debug_part(const char *good, const char *bad, bool traced);

/*
 * Puts the item or the reduced input that a search ended with in the place of @@ in o->argv, and takes --range, --list, --reduce and
 * --subset away. BR_ESTATE: it found none.
 */
int br_debug_take_input(struct br_options *o, const struct br_result *r, struct br_err *err);

#endif
