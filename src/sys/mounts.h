/* mounts.h - which file systems are mounted where. */
#ifndef BR_MOUNTS_H
#define BR_MOUNTS_H

#include <stddef.h>
#include <stdint.h>

struct br_mount {
	uint32_t major, minor; /* of the file system */
	char *root;	       /* the folder of the file system that is seen, from its top */
	char *point;	       /* where it is seen */
};

/* What /proc/self/mountinfo says, in the order in which they were mounted. *out is the caller's (br_mounts_free); none without /proc. */
size_t br_mounts_read(struct br_mount **out);
/* One line of it. 0, or -1 when it is none; then *out is not set. */
int br_mounts_parse(const char *line, struct br_mount *out);
void br_mounts_free(struct br_mount *mount, size_t n);
/* The mount in which an absolute path without links lies; NULL: none. */
const struct br_mount *br_mounts_of(const struct br_mount *mount, size_t n, const char *path);

#endif
