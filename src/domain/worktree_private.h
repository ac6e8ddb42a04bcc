/* worktree_private.h - what the files of the private work tree share: its state, and one update on its way. */
#ifndef BR_WORKTREE_PRIVATE_H
#define BR_WORKTREE_PRIVATE_H

#include "domain/worktree.h"

#include "domain/tree_delta.h"
#include "domain/tree_entry.h"
#include "domain/tree_marker.h"

#include <time.h>

struct br_worktree {
	struct br_checkout c;
	char *common_dir, *path;
	char *git_dir, *head, *index, *own_index, *state, *commondir_file;
	git_oid rules;
	bool index_is_stale; /* what is in memory differs from the file */
};

struct br_update {
	struct br_worktree *t;
	const char *oid;
	git_oid tree;
	bool fresh, full;
	struct br_marker was;
	struct br_tree_deltas list; /* full: all files; else what differs from the commit that is there */
	struct br_tree_deltas lost; /* full: files of other commits that may be there */
	struct timespec stamp;	    /* when the old index was written: younger files are looked into */
	const struct br_with *with;
	size_t nwith;
	bool index_changed;
};

/* --- worktree.c --- */

/* br_fail with libgit2's last message. */
int br_worktree_fail(struct br_err *err, const char *what);

/* --- worktree_home.c: the private .git --- */

/* Makes it, and removes from it what tests left there. */
int br_worktree_home_make(struct br_worktree *t, struct br_err *err);
/* Puts the index of the last update into memory, and when it was written into *stamp. False: it is not the one of the marker. */
bool br_worktree_index_load(struct br_worktree *t, const struct br_file_id *want, struct timespec *stamp);
/* An empty index in memory and none on disk. */
int br_worktree_index_new(struct br_worktree *t, struct br_err *err);
/* Writes the index when it changed, shows it to git, and HEAD with it. *id names the file. */
int br_worktree_home_save(struct br_update *u, struct br_file_id *id, struct br_err *err);

/* --- worktree_apply.c --- */

/* Carries out the plan, from the busy to the clean marker. */
int br_worktree_apply(struct br_update *u, struct br_err *err);

#endif
