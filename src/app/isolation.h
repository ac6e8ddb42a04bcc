/* isolation.h - from what the user asked for to the box of every trial, and what is said about it. */
#ifndef BR_ISOLATION_H
#define BR_ISOLATION_H

#include "bisect_run/box.h"

struct br_buf;
struct br_err;
struct br_options;
struct br_session;
struct br_trial;

/* Owns what a box borrows. Zero-initialised is empty. */
struct br_isolation {
	struct br_box box;
	char **bind, **ro_bind;
	char *view, *account_home;
	char *limits;  /* how they are held to where it is not perfect; NULL: it is, or there are none */
	char *warning; /* what is less than one could hope for; NULL: nothing */
};

/* The words of --allow; word i is door 1 << i. NULL-terminated. */
const char *const *br_door_words(void);
/* "auto" where the user said nothing. */
const char *br_isolation_asked(const struct br_options *o);
/*
 * Fills *out. cwd: relative paths are seen from there. view: see struct br_box; NULL: there are private trees. env: that of trials. The
 * level is one that a dry run proved. BR_ESTATE: what was asked for cannot be had; the message says what to do.
 */
int br_isolation_make(struct br_isolation *out, const struct br_options *o, const char *cwd, const char *view,
		      char *const *env, struct br_err *err);
void br_isolation_done(struct br_isolation *i);
/* All of it that a verdict may depend on, as lines. */
void br_isolation_basis(const struct br_isolation *i, struct br_buf *out);
/* Makes a note where a test at an end seems to have failed for want of something that the box closes. Cautious: silence says nothing. */
void br_isolation_hint(struct br_session *s, const struct br_trial *t);

#endif
