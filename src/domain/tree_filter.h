/* tree_filter.h - files whose bytes git alone can tell: line ends, $Id$, encodings, filter programs (Git LFS). */
#ifndef BR_TREE_FILTER_H
#define BR_TREE_FILTER_H

#include "domain/tree_workshop.h"

#include <stddef.h>

/* Takes over the .gitattributes of this index; then files are added with br_workshop_add. */
int br_filter_begin(struct br_workshop *s, git_index *attributes, struct br_err *err);
/* Has git write them. BR_ECORRUPT: it cannot (the message says what git said). */
int br_filter_run(struct br_workshop *s, struct br_err *err);

/* The bytes that git wrote for a path, the caller's. */
struct br_filtered {
	char *data;
	size_t n;
};
/* 1: *out is filled; 0: git was not asked for this blob at this path. */
int br_filter_take(struct br_workshop *s, const char *path, const git_oid *blob, struct br_filtered *out,
		   struct br_err *err);

#endif
