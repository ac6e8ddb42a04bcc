/* flight.h - a trial that is running, from its question to its record. */
#ifndef BR_FLIGHT_H
#define BR_FLIGHT_H

#include "bisect_run/judge.h"
#include "bisect_run/probe.h"
#include "bisect_run/trial.h"

#include <stdbool.h>
#include <stddef.h>

struct br_err;
struct br_question;
struct br_session;

struct br_flight {
	uint64_t job; /* the engine's id, and the trial's number */
	char *label;  /* owned: names the tree */
	char *item;   /* owned: what the trial is recorded under; often the label */
	char *tree;   /* owned: what the verdict belongs to; NULL: nothing that could be met again */
	char *title;  /* owned: for people */
	char *value;  /* owned: stands for `@@`; NULL: none */
	char *input;  /* owned: folder of the candidate's files, which goes with the flight; NULL: none */
	enum br_phase phase;
	enum br_role role;
	bool has_probe;	       /* proposed by a strategy */
	struct br_probe probe; /* its keep is owned */
	size_t question;       /* else: index of the question */
	unsigned lost;	       /* times the worker died under it */
	bool more_time;	       /* already tried again with a longer limit */
	bool cancelled;
	bool fresh; /* in an empty tree */
	uint64_t limit_ns;
	uint64_t began_ns; /* monotonic */
	uint64_t began_date_ns;
};

/* A flight for the question; all texts are copied, its files are written to a folder of their own. */
int br_flight_new(struct br_flight *out, struct br_session *s, const struct br_question *q,
		  struct br_err *err);
/* Removes its input folder too. */
void br_flight_done(struct br_flight *f);
/* --max-trials leaves no room for another one. */
bool br_flight_none_left(const struct br_session *s);
/* Hands it to the engine. Takes over *f, also when it fails. */
int br_flight_launch(struct br_session *s, struct br_flight *f, struct br_err *err);
/*
 * Waits for one flight to end. 1: *f (the caller's, br_flight_done) ended with trial *index; 2: *f ended without a
 * verdict (cancelled); an error otherwise.
 */
int br_flight_land(struct br_session *s, struct br_flight *f, size_t *index, struct br_err *err);
/* A trial of this flight without outcome and verdict. The caller's. */
struct br_trial br_flight_trial(const struct br_flight *f);
/* Records the trial. Sets *index; takes over *t. */
int br_flight_settle(struct br_session *s, struct br_trial *t, size_t *index, struct br_err *err);
/* Shows what ended, once it was learnt from: the line then says what is left. */
void br_flight_announce(struct br_session *s);

#endif
