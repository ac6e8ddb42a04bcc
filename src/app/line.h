/* line.h - --range and --list: the first bad one of ordered items. */
#ifndef BR_LINE_H
#define BR_LINE_H

struct br_err;
struct br_session;

/* The whole of such a search, its report included. Returns the exit status or an error. */
int br_line_run(struct br_session *s, struct br_err *err);

#endif
