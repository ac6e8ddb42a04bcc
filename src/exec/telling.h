/* telling.h - watches a trial's output for the line at which it may end. */
#ifndef BR_TELLING_H
#define BR_TELLING_H

#include "bisect_run/engine.h"

/* One trial's. Zero-initialised it watches for nothing. */
struct br_telling {
	const struct br_stop_on *on; /* NULL: nothing ends the trial */
	char *text;		     /* the line that is not whole yet */
	size_t n;
	bool seen;
};

/* Takes what was printed: whole lines are looked at, and what is too long to be a line. */
void br_telling_add(struct br_telling *t, const char *data, size_t n);
void br_telling_done(struct br_telling *t);

#endif
