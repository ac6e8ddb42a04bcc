/* doctor.h - the parts of `doctor`. They print. */
#ifndef BR_DOCTOR_H
#define BR_DOCTOR_H

#include <stdbool.h>

/* A line "yes what detail". */
void br_doctor_line(bool works, const char *what, const char *detail);
/* The first line that a program prints when it is called so, for the caller to free; NULL: it cannot be run. */
char *br_doctor_version(const char *program, const char *option);
/* Debuggers, and profilers asked whether they work here. closed: the sandbox keeps performance counters from tests. */
void br_doctor_tools(bool closed);

#endif
