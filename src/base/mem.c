/* mem.c - memory that cannot fail. */
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void *checked(void *p)
{
	if (!p) {
		static const char msg[] = "bisect-run: out of memory\n";

		(void)!write(STDERR_FILENO, msg, sizeof msg - 1);
		abort();
	}
	return p;
}

void *br_malloc(size_t n)
{
	return checked(malloc(n ? n : 1));
}

void *br_calloc(size_t n, size_t size)
{
	return checked(calloc(n ? n : 1, size ? size : 1));
}

void *br_reallocarray(void *p, size_t n, size_t size)
{
	return checked(reallocarray(p, n ? n : 1, size ? size : 1));
}

char *br_strdup(const char *s)
{
	return checked(strdup(s));
}

char *br_strndup(const char *s, size_t n)
{
	return checked(strndup(s, n));
}

char *br_strdup_or_null(const char *s)
{
	return s ? br_strdup(s) : NULL;
}

char *br_asprintf(const char *fmt, ...)
{
	va_list ap;
	char *out = NULL;

	va_start(ap, fmt);
	if (vasprintf(&out, fmt, ap) < 0)
		out = NULL;
	va_end(ap);
	return checked(out);
}

size_t br_strv_len(char *const *v)
{
	size_t n = 0;

	while (v && v[n])
		n++;
	return n;
}

void br_strv_add(char ***v, const char *s)
{
	size_t n = br_strv_len(*v);

	*v = br_reallocarray(*v, n + 2, sizeof **v);
	(*v)[n] = br_strdup(s);
	(*v)[n + 1] = NULL;
}

char **br_strv_copy(char *const *v)
{
	size_t n = br_strv_len(v);
	char **out = br_calloc(n + 1, sizeof *out);

	for (size_t i = 0; i < n; i++)
		out[i] = br_strdup(v[i]);
	return out;
}

void br_strv_free(char **v)
{
	for (size_t i = 0; v && v[i]; i++)
		free(v[i]);
	free(v);
}
