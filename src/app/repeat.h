/*
 * repeat.h - --reduce and --subset of a test that does not always fail where it could.
 *
 * The best so far is run again after 64, 128, 256 ... runs, and at the end. When it passes it is run until it is known how often it
 * fails; from then on a candidate passes only after so many runs without a failure that a chance of one in a thousand is left,
 * and what was taken for passing after fewer runs is asked again. One failure is enough to fail: a test that fails by
 * chance where nothing is wrong leads to a best that fails no more, and that is said.
 */
#ifndef BR_REPEAT_H
#define BR_REPEAT_H

#include <stdbool.h>
#include <stdint.h>

struct br_err;
struct br_form;
struct br_minimize;
struct br_question;
struct br_trial;

enum br_repeat_state {
	BR_REPEAT_STEADY,   /* go on */
	BR_REPEAT_NOTICED,  /* it is flaky, runs is set: begin again with what is known */
	BR_REPEAT_HOPELESS, /* s->how_sure says why */
};

/* Zero-initialised is valid. */
struct br_repeat {
	enum br_repeat_state state;
	unsigned runs;	   /* that a candidate needs to pass; up to 1: the test is not flaky */
	uint64_t check_at; /* runs of the search after which the best is run again */
};

/* Takes up what the record says. */
void br_repeat_open(struct br_minimize *m);
/* Whether its trials settle what they ask; also not those that were judged too early. Of struct br_form_ops; the form is a struct br_minimize. */
bool br_repeat_is_sure(const struct br_form *f, const struct br_trial *t);
bool br_repeat_is_due(const struct br_form *f);
int br_repeat_check(struct br_form *f, struct br_err *err);
/* Runs the question until it is known how often it fails; sets runs and state. 0 or an error. */
int br_repeat_measure(struct br_minimize *m, const struct br_question *q, struct br_err *err);
/* The same with the best so far. */
int br_repeat_learn(struct br_minimize *m, struct br_err *err);
/* Of a flaky test: runs the result until it fails. 1: it did; 0: it fails no more, s->how_sure says so; or an error. */
int br_repeat_confirm(struct br_minimize *m, const struct br_question *q, struct br_err *err);

#endif
