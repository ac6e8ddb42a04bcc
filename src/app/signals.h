/* signals.h - the signals that stop, pause and continue a search, as a descriptor to poll. */
#ifndef BR_SIGNALS_H
#define BR_SIGNALS_H

#include <stdbool.h>

struct br_err;

/*
 * Blocks SIGINT, SIGTERM, SIGHUP and SIGTSTP and returns a descriptor that becomes readable when one came (close it at the end).
 * Signals that the caller had ignored (nohup) stay ignored.
 */
int br_signals_open(struct br_err *err);
/* The next pending signal, 0: none. Does not wait. */
int br_signals_take(int fd);
/* From here on a further signal ends the program at once. */
void br_signals_release(void);
/* Ends the program by this signal, so that the caller's shell sees it. Does not return. */
void br_signals_die(int sig) __attribute__((noreturn));

#endif
