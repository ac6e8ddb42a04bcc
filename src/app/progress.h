/* progress.h - what stderr shows while a search runs: one live line on a terminal, plain lines elsewhere. */
#ifndef BR_PROGRESS_H
#define BR_PROGRESS_H

#include "bisect_run/trial.h"

#include <stddef.h>

struct br_progress;

/* Where the search stands. Strings are borrowed for the call. */
struct br_standing {
	const char *phase;   /* "testing the ends", "searching", "confirming" */
	uint64_t left;	     /* candidates; 0: not known yet */
	const char *unit;    /* what they are, one of them: "byte"; NULL: "candidate" */
	double tests_left;   /* expected; negative: not known */
	double seconds_each; /* mean duration of a trial so far; 0: not known */
	uint32_t jobs;
	const char *running; /* what runs now: "3f2a1bc subject"; NULL: nothing */
	uint64_t running_ns; /* for how long */
	size_t nrunning;
};

enum { BR_PROGRESS_QUIET = -1 };

/* How long the tests that are left will take, several at once counted; 0: not known. */
double br_standing_seconds(const struct br_standing *now);

/* verbose -1: only warnings. color: escape sequences may be used. Writes to stderr. */
struct br_progress *br_progress_new(int verbose, bool color);
void br_progress_free(struct br_progress *p);
/* Where it stands as one line: "searching: 37 candidates left, ... | 3f2a1bc subject (12 s)". The caller frees. */
char *br_standing_text(const struct br_standing *now);

/* A line that stays. Warnings are shown also when quiet. */
void br_progress_say(struct br_progress *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void br_progress_warn(struct br_progress *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A trial ended. title: abbreviated id and subject. */
void br_progress_trial(struct br_progress *p, const struct br_trial *t, const char *title,
		       const struct br_standing *now);
/* Called at least once a second: redraws the live line, or prints a plain one when none was printed for 55 s. */
void br_progress_tick(struct br_progress *p, const struct br_standing *now);
/* Takes the live line away (before a prompt, a stop, the result). */
void br_progress_hide(struct br_progress *p);

#endif
