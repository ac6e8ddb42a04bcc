/* tree_with.h - the files of --with: the user's own, or those of a revision, put over a commit's. */
#ifndef BR_TREE_WITH_H
#define BR_TREE_WITH_H

#include "domain/commits.h"
#include "domain/tree_entry.h"

/* BR_EUSAGE: a target leads out of the tree or into .git. */
int br_with_check(const struct br_with *with, size_t n, struct br_err *err);
/* Replaces the target, whole. BR_ESTATE: there is no such source. */
int br_with_put(struct br_checkout *c, const struct br_with *with, struct br_err *err);

#endif
