/* changed.h - which lines a commit changed, file by file, with both texts: what a profile is held against. */
#ifndef BR_CHANGED_H
#define BR_CHANGED_H

#include "bisect_run/profile_diff.h"

struct br_err;
struct br_repo;

/* All owned: br_changes_done. Zero-initialised is valid and empty. */
struct br_changes {
	struct br_changed_file *file;
	size_t n;
};

/*
 * The difference from commit old to commit new (full ids), without context lines, renames found. Binary files, and files after the first
 * thousand, are left out.
 */
int br_repo_changes(struct br_repo *r, const char *old, const char *new, struct br_changes *out,
		    struct br_err *err);
void br_changes_done(struct br_changes *c);

#endif
