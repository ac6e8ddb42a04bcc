/* buf.c - a growing text buffer with a cap. */
#include "base/buf.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void reserve(struct br_buf *b, size_t n)
{
	size_t want = b->len + n + 1;

	if (want <= b->size)
		return;
	b->size = want < 2 * b->size ? 2 * b->size : want < 64 ? 64 : want;
	b->data = br_reallocarray(b->data, b->size, 1);
}

void br_buf_add(struct br_buf *b, const void *data, size_t n)
{
	if (b->max && n > b->max - b->len) {
		n = b->max - b->len;
		b->cut = true;
	}
	reserve(b, n);
	if (n)
		memcpy(b->data + b->len, data, n);
	b->len += n;
	b->data[b->len] = '\0';
}

void br_buf_str(struct br_buf *b, const char *s)
{
	br_buf_add(b, s, strlen(s));
}

void br_buf_char(struct br_buf *b, char c)
{
	br_buf_add(b, &c, 1);
}

void br_buf_fmt(struct br_buf *b, const char *fmt, ...)
{
	va_list ap;
	br_auto_free char *text = NULL;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	if (text)
		br_buf_str(b, text);
}

char *br_buf_take(struct br_buf *b)
{
	char *out = b->data ? b->data : br_strdup("");

	*b = (struct br_buf){.max = b->max};
	return out;
}

void br_buf_done(struct br_buf *b)
{
	free(b->data);
	*b = (struct br_buf){0};
}
