/* noisy.h - the search for the first bad commit when the test is flaky: with a stated confidence, or not at all. */
#ifndef BR_APP_NOISY_H
#define BR_APP_NOISY_H

struct br_err;
struct br_session;

/*
 * The whole of it, from the ends to the report; every run that was made so far counts. The history is loaded and the engine
 * runs. Returns the exit status or an error.
 */
int br_noisy_run(struct br_session *s, struct br_err *err);

#endif
