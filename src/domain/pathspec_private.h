/* pathspec_private.h - a pathspec taken apart, for the files that match and that walk trees. */
#ifndef BR_PATHSPEC_PRIVATE_H
#define BR_PATHSPEC_PRIVATE_H

#include "domain/pathspec.h"

#include <stddef.h>

struct br_pathspec_item {
	char *match;  /* owned */
	size_t len;   /* of match */
	size_t plain; /* bytes of match before the first wildcard */
	bool literal, glob, icase, exclude;
	bool folder; /* a slash at the end: a file of this name does not match */
};

struct br_pathspec {
	struct br_pathspec_item *item;
	size_t n;
	bool only_excludes; /* or empty: everything else matches */
};

/* Whether something below this folder (n bytes) could match: no need to go down where not. */
bool br_pathspec_may_be_below(const struct br_pathspec *p, const char *folder, size_t n);

#endif
