/*
 * worktree.h - a private work tree at one commit: files, index and HEAD of its own, objects and refs of the user's
 * repository through `commondir`. The user's repository is never written.
 */
#ifndef BR_WORKTREE_H
#define BR_WORKTREE_H

#include "domain/commits.h"

struct br_patch;
struct br_repo;
struct br_worktree;

/*
 * Opens dir/tree (made when missing) as a private work tree of the repository whose common directory this is. Used by one process.
 * What an interrupted update left (a marker file in the private .git says so) is repaired by the next update.
 */
int br_worktree_open(struct br_worktree **out, const char *common_dir, const char *dir, struct br_err *err);
/*
 * Where the user's own clones of submodules lie besides modules/ of the common directory: the git directory of a linked work tree and
 * the top of a checkout. Either may be NULL.
 */
void br_worktree_set_user(struct br_worktree *t, const char *git_dir, const char *workdir);
/*
 * Makes it equal to the commit: contents, modes, links, emptied folders, submodules; index and HEAD (detached) follow. Tracked files that differ are put right, untracked and
 * ignored files stay unless fresh. Then the with list is put in (replacing tracked files if need be; gone again at the next update).
 * BR_ECORRUPT: an object of the commit is damaged or missing (the message names it).
 */
int br_worktree_update(struct br_worktree *t, const char *oid, bool fresh, const struct br_with *with,
		       size_t nwith, struct br_err *err);
/*
 * Hot-fixes that every update applies where they apply, in this order; they are gone again at the next one that has them not. Borrowed
 * until close.
 */
void br_worktree_set_patches(struct br_worktree *t, const struct br_patch *patch, size_t n);
/* What every update removes first. BR_CLEAN_TRACKED until it is called. */
void br_worktree_set_clean(struct br_worktree *t, enum br_clean clean);
/* Reads objects from this folder too, besides the repository's. */
int br_worktree_add_objects(struct br_worktree *t, const char *dir, struct br_err *err);
/* The next update removes all that is not its commit's. */
void br_worktree_clean_once(struct br_worktree *t);
/* The commit at which a tree under dir was left, NULL: none or not known. The caller frees. */
char *br_worktree_peek(const char *dir);
/*
 * Nobody but the caller and trials that cannot give a file of the tree a name outside of it (the tree is a mount of its own to them) will
 * change the tree from now on, and all processes of a trial are gone before the next update. Then a tree of at least this many files is watched,
 * and an update looks at those alone that changed; 0: never, which is so until it is called.
 */
void br_worktree_set_watched(struct br_worktree *t, size_t least_files);
/* Takes note of what changed since the last call or update: by the caller itself, or by a trial. */
void br_worktree_look(struct br_worktree *t, bool ours);
/* Whether the last update could go by what was watched. */
bool br_worktree_was_watched(const struct br_worktree *t);
/* What is worth saying of the last update: patches that did not apply. NULL: nothing. */
const char *br_worktree_note(const struct br_worktree *t);
const char *br_worktree_path(const struct br_worktree *t);
void br_worktree_close(struct br_worktree *t);

#endif
