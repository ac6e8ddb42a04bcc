/* patch.h - the hot-fixes of --patch: a diff of the user's, or what a commit changed. */
#ifndef BR_PATCH_H
#define BR_PATCH_H

#include <stddef.h>

struct br_err;
struct br_repo;

struct br_patch {
	char *name; /* as the user wrote it, for messages */
	char *text; /* a diff that `git apply` reads */
	size_t n;
	char **path; /* all paths that it may touch, relative to the top */
};

/* Reads a file. BR_ESTATE: it cannot be read or is no diff. */
int br_patch_read(struct br_patch *out, struct br_repo *r, const char *file, const char *name,
		  struct br_err *err);
/* What the commit changed against its first parent. oid is a full id. */
int br_patch_of_commit(struct br_patch *out, struct br_repo *r, const char *oid, const char *name,
		       struct br_err *err);
void br_patch_copy(struct br_patch *out, const struct br_patch *from);
/* Zero-initialised is fine; it is all zero afterwards. */
void br_patch_done(struct br_patch *p);

#endif
