/* strays.h - what lies in the user's own work tree and in no commit. */
#ifndef BR_STRAYS_H
#define BR_STRAYS_H

#include <stddef.h>

struct br_err;
struct br_repo;

enum br_stray_kind { BR_STRAY_UNTRACKED, BR_STRAY_IGNORED, BR_STRAY_CHANGED };

struct br_stray {
	char *path; /* from the top; a folder with nothing tracked in it is one of them */
	enum br_stray_kind kind;
};

/*
 * Untracked and ignored files and folders that the commit lacks and, when it is the one checked out, tracked files that differ. Nothing is
 * written, the user's index neither. A repository without a work tree has none.
 */
int br_repo_strays(struct br_repo *r, const char *oid, struct br_stray **out, size_t *n, struct br_err *err);
void br_strays_free(struct br_stray *v, size_t n);

#endif
