/* log.h - the file that keeps what a trial printed: its start and its end, in bounded space. */
#ifndef BR_LOG_H
#define BR_LOG_H

#include <stddef.h>
#include <stdint.h>

struct br_err;
struct br_log;

/*
 * Makes (or empties) the file. The first head_b bytes are written as they come, so that they survive a kill;
 * of the rest the last tail_b are kept in memory until close.
 */
int br_log_open(struct br_log **out, const char *path, uint64_t head_b, uint64_t tail_b, struct br_err *err);
/* Never fails: an error is kept for close. */
void br_log_add(struct br_log *log, const void *data, size_t n);
/*
 * Writes the tail, after the line "[bisect-run: N bytes left out]" if any were; frees log. *total: bytes
 * added, *omitted: those left out. BR_ESYS: the file does not hold what it should. NULL is fine.
 */
int br_log_close(struct br_log *log, uint64_t *total, uint64_t *omitted, struct br_err *err);

#endif
