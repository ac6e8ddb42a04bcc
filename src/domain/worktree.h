/*
 * worktree.h - a private work tree at one commit: files, index and HEAD of its own, objects and refs of the user's
 * repository through `commondir`. The user's repository is never written.
 */
#ifndef BR_WORKTREE_H
#define BR_WORKTREE_H

#include "domain/commits.h"

struct br_repo;
struct br_worktree;

/*
 * Opens dir/tree (made when missing) as a private work tree of the repository whose common directory this is. Used by one process.
 * What an interrupted update left (a marker file in the private .git says so) is repaired by the next update.
 */
int br_worktree_open(struct br_worktree **out, const char *common_dir, const char *dir, struct br_err *err);
/*
 * Makes it equal to the commit: contents, modes, links, emptied folders; index and HEAD (detached) follow. Tracked files that differ are put right, untracked and
 * ignored files stay unless fresh. Then the with list is put in (replacing tracked files if need be; gone again at the next update).
 * BR_ECORRUPT: an object of the commit is damaged or missing (the message names it).
 */
int br_worktree_update(struct br_worktree *t, const char *oid, bool fresh, const struct br_with *with,
		       size_t nwith, struct br_err *err);
const char *br_worktree_path(const struct br_worktree *t);
void br_worktree_close(struct br_worktree *t);

#endif
