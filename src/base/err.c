/* err.c - filling and wrapping errors. */
#include "bisect_run/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void __attribute__((format(printf, 2, 0))) format(struct br_err *err, const char *fmt, va_list ap)
{
	int n = vsnprintf(err->msg, sizeof err->msg, fmt, ap);

	if (n < 0 || (size_t)n >= sizeof err->msg)
		memcpy(err->msg + sizeof err->msg - 4, "...", 4);
}

int br_fail(struct br_err *err, int code, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return code;
	err->code = code;
	err->errnum = 0;
	va_start(ap, fmt);
	format(err, fmt, ap);
	va_end(ap);
	return code;
}

int br_fail_errno(struct br_err *err, const char *fmt, ...)
{
	int saved = errno;
	va_list ap;
	size_t len;

	if (!err)
		return BR_ESYS;
	err->code = BR_ESYS;
	err->errnum = saved;
	va_start(ap, fmt);
	format(err, fmt, ap);
	va_end(ap);
	len = strlen(err->msg);
	(void)snprintf(err->msg + len, sizeof err->msg - len, ": %s", strerror(saved));
	return BR_ESYS;
}

int br_wrap(struct br_err *err, const char *fmt, ...)
{
	struct br_err old;
	va_list ap;
	size_t len;

	if (!err)
		return BR_ESYS;
	old = *err;
	va_start(ap, fmt);
	format(err, fmt, ap);
	va_end(ap);
	len = strlen(err->msg);
	(void)snprintf(err->msg + len, sizeof err->msg - len, ": %s", old.msg);
	return err->code;
}
