/* pack.h - copies of large files, holes and all, in little memory. */
#ifndef BR_PACK_H
#define BR_PACK_H

struct br_err;

/* What fd holds, from its start, as a gzip file at path. */
int br_pack_gzip(int fd, const char *path, struct br_err *err);
/* The same as it is. */
int br_pack_copy(int fd, const char *path, struct br_err *err);

#endif
