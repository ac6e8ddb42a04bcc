/* err.h - what went wrong, carried by value up to main. */
#ifndef BR_ERR_H
#define BR_ERR_H

/* Negative, so that a function may return a count or one of these. */
enum br_code {
	BR_OK = 0,
	BR_EUSAGE = -2,	      /* the user asked for something impossible: exit 129 */
	BR_ESYS = -3,	      /* a system call failed; errnum says which way */
	BR_EGIT = -4,	      /* libgit2 failed; its message is in msg */
	BR_EPARSE = -5,	      /* a file or an answer could not be read */
	BR_ENOTFOUND = -6,    /* the expected miss: look-ups only */
	BR_EUNSUPPORTED = -7, /* this kernel, repository or build cannot */
	BR_EINTR = -8,	      /* the user asked us to stop */
	BR_ESTATE = -9,	      /* the input is well formed but cannot be worked on: exit 1 */
	BR_EBUDGET = -11,     /* --max-trials or --max-time is used up */
	BR_ECORRUPT = -10,    /* this one object is damaged or missing: skip the candidate */
};

struct br_err {
	int code;      /* enum br_code */
	int errnum;    /* errno, for BR_ESYS; else 0 */
	char msg[768]; /* what is wrong and what to do; cut with "..." when long */
};

/* Each fills *err (which may be NULL) and returns the code, so that callers can `return br_fail(...)`. */
int br_fail(struct br_err *err, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4), cold));
/* BR_ESYS, with ": strerror(errno)" appended. */
int br_fail_errno(struct br_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3), cold));
/* Puts "prefix: " before the message; keeps and returns the code. */
int br_wrap(struct br_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3), cold));

#endif
