/* measure.h - what a run measured: its times, its memory, or a number that it printed. */
#ifndef BR_MEASURE_H
#define BR_MEASURE_H

#include "judge/detector.h"

struct br_measure;

/*
 * name: wall, user, sys, cpu (seconds), rss (bytes), instructions, or /RE/ with one group around a number. limit: ">200ms", "<1000", ...: a
 * bound over which a run is bad; NULL: none. BR_EUSAGE: two lines or, for a pattern, three.
 */
int br_measure_open(struct br_measure **out, const char *name, const char *limit, struct br_err *err);
/*
 * Measures a run that passed: sets v->value, and says so in v->why; a value over the limit makes it bad, a run without one a
 * skip. Runs that did not pass are left as they are.
 */
int br_measure_run(struct br_measure *m, struct br_case *c, struct br_verdict *v, struct br_err *err);
void br_measure_close(struct br_measure *m); /* NULL is fine */

#endif
