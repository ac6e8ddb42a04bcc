/* buf.h - a growing text buffer with a cap: what comes from outside can never fill the memory. */
#ifndef BR_BUF_H
#define BR_BUF_H

#include <stdbool.h>
#include <stddef.h>

/* Zero-initialised is valid and empty, with no cap. data is NUL-terminated whenever it is not NULL. */
struct br_buf {
	char *data;
	size_t len, size;
	size_t max; /* most bytes it may hold; 0: no cap */
	bool cut;   /* something did not fit */
};

void br_buf_add(struct br_buf *b, const void *data, size_t n);
void br_buf_str(struct br_buf *b, const char *s);
void br_buf_char(struct br_buf *b, char c);
void br_buf_fmt(struct br_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The text, never NULL, for the caller to free; the buffer is empty afterwards. */
char *br_buf_take(struct br_buf *b);
void br_buf_done(struct br_buf *b);

#endif
