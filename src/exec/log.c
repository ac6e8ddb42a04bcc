/* log.c - keeps the first and the last bytes of an output of any length. */
#include "exec/log.h"

#include "base/mem.h"
#include "bisect_run/err.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { RING_START_B = 1 << 16 };

/*
 * The ring grows up to tail_b as output comes, so that short outputs cost little memory: what the worker
 * holds counts in the peak memory of what it starts (see spawn.c).
 */
struct br_log {
	int fd;
	int errnum; /* of the first write that failed */
	char *path;
	uint64_t head_b, tail_b;
	uint64_t total;
	bool line_open; /* the head does not end with a newline */
	char *ring;
	size_t size, start, len; /* bytes in the ring: len from start on, wrapping at size */
};

int br_log_open(struct br_log **out, const char *path, uint64_t head_b, uint64_t tail_b, struct br_err *err)
{
	struct br_log *log;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0666);

	if (fd < 0)
		return br_fail_errno(err, "cannot make the log %s", path);
	log = br_calloc(1, sizeof *log);
	log->fd = fd;
	log->path = br_strdup(path);
	log->head_b = head_b;
	log->tail_b = tail_b;
	*out = log;
	return 0;
}

static void put(struct br_log *log, const char *data, size_t n)
{
	while (n && !log->errnum) {
		ssize_t done = write(log->fd, data, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0) {
			log->errnum = errno;
			return;
		}
		log->line_open = data[done - 1] != '\n';
		data += done;
		n -= (size_t)done;
	}
}

/* Room for n more bytes, as far as the cap allows. Growing happens before the first wrap, so start is 0. */
static void grow_ring(struct br_log *log, size_t n)
{
	size_t want = log->size ? log->size : RING_START_B;

	while (want < log->tail_b && want - log->len < n)
		want *= 2;
	if (want > log->tail_b)
		want = (size_t)log->tail_b;
	if (want <= log->size)
		return;
	log->ring = br_reallocarray(log->ring, want, 1);
	log->size = want;
}

/* Overwrites the oldest bytes when the ring is full. */
static void put_ring(struct br_log *log, const char *data, size_t n)
{
	size_t at, first;

	if (log->size < log->tail_b)
		grow_ring(log, n);
	if (!log->size)
		return;
	if (n > log->size) {
		data += n - log->size;
		n = log->size;
	}
	at = (log->start + log->len) % log->size;
	first = n < log->size - at ? n : log->size - at;
	memcpy(log->ring + at, data, first);
	memcpy(log->ring, data + first, n - first);
	log->len += n;
	if (log->len > log->size) {
		log->start = (log->start + log->len - log->size) % log->size;
		log->len = log->size;
	}
}

void br_log_add(struct br_log *log, const void *data, size_t n)
{
	const char *p = data;
	size_t head = 0;

	if (log->total < log->head_b)
		head = n < log->head_b - log->total ? n : (size_t)(log->head_b - log->total);
	log->total += n;
	if (head)
		put(log, p, head);
	if (n > head)
		put_ring(log, p + head, n - head);
}

static void put_tail(struct br_log *log, uint64_t omitted)
{
	size_t first = log->len < log->size - log->start ? log->len : log->size - log->start;
	char line[80];

	if (omitted) {
		int n = snprintf(line, sizeof line, "%s[bisect-run: %" PRIu64 " bytes left out]\n",
				 log->line_open ? "\n" : "", omitted);

		put(log, line, (size_t)n);
	}
	if (!log->len)
		return;
	put(log, log->ring + log->start, first);
	put(log, log->ring, log->len - first);
}

int br_log_close(struct br_log *log, uint64_t *total, uint64_t *omitted, struct br_err *err)
{
	uint64_t head, left_out;
	int rc = 0;

	if (!log)
		return 0;
	head = log->total < log->head_b ? log->total : log->head_b;
	left_out = log->total - head - log->len;
	put_tail(log, left_out);
	if (close(log->fd) < 0 && !log->errnum) /* NFS reports a full disk here */
		log->errnum = errno;
	if (log->errnum) {
		errno = log->errnum;
		rc = br_fail_errno(err, "cannot write the log %s", log->path);
	} else {
		*total = log->total;
		*omitted = left_out;
	}
	free(log->ring);
	free(log->path);
	free(log);
	return rc;
}
