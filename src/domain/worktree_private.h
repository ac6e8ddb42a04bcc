/* worktree_private.h - what the files of the private work tree share: its state, and one update on its way. */
#ifndef BR_WORKTREE_PRIVATE_H
#define BR_WORKTREE_PRIVATE_H

#include "domain/worktree.h"

#include "domain/tree_delta.h"
#include "domain/tree_entry.h"
#include "domain/tree_marker.h"

#include <time.h>

struct br_watch;

struct br_worktree {
	struct br_checkout c;
	char *common_dir, *dir, *path;
	char *user_git_dir,
		*user_workdir; /* where the user's clones of submodules are looked for; may be NULL */
	enum br_clean clean;
	bool clean_once; /* all, at the next update */
	unsigned depth;	 /* of a submodule in submodules */
	char *git_dir, *head, *index, *own_index, *state, *commondir_file;
	const struct br_patch *patch; /* borrowed */
	size_t npatch, noverlay;
	char **overlay; /* paths that the patches may touch, sorted */
	char *note;
	git_oid rules;
	bool index_is_stale; /* what is in memory differs from the file */
	struct br_watch *watch;
	size_t watch_least;  /* files; 0: not watched */
	unsigned watch_lost; /* times in a row */
	bool linked;	     /* a file of the commit had a second name at the last update */
	bool was_watched;
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
	char **patched; /* paths that the patches really changed */
	bool index_changed;
	bool sure;	/* changed holds all that a test changed; else every file is looked at */
	char **changed; /* paths */
};

/* --- worktree.c --- */

/* br_fail with libgit2's last message. */
int br_worktree_fail(struct br_err *err, const char *what);

/* The private tree of a submodule at path in the outer one, which has made a folder there. */
int br_worktree_open_inner(struct br_worktree **out, struct br_worktree *outer, const char *path,
			   const char *common_dir, struct br_err *err);

/* --- worktree_modules.c --- */

/* Brings every submodule of which the user has a clone to the commit recorded; the others stay empty folders. */
int br_worktree_modules_update(struct br_update *u, struct br_err *err);
/* Removes a submodule that was put there, with all that is in it. */
int br_worktree_module_remove(struct br_update *u, const char *path, struct br_err *err);

/* --- worktree_patch.c --- */

/* A path that is left to br_worktree_patch: so a file that is fixed alike in both commits keeps its times. */
bool br_worktree_is_overlaid(const struct br_worktree *t, const char *path);
/* Applies the patches, and makes real the commit's state of overlaid paths that none of them changes. */
int br_worktree_patch(struct br_update *u, struct br_err *err);

/* --- worktree_clean.c --- */

/* What the next update removes. */
enum br_clean br_worktree_cleaning(const struct br_worktree *t);
/* Removes it, before a trusted tree goes on to the next commit. 1: done; 0: git cannot. */
int br_worktree_clean(struct br_update *u, struct br_err *err);

/* --- worktree_home.c: the private .git --- */

/* Makes it, and removes from it what tests left there. */
int br_worktree_home_make(struct br_worktree *t, struct br_err *err);
/* Puts the index of the last update into memory, and when it was written into *stamp. False: it is not the one of the marker. */
bool br_worktree_index_load(struct br_worktree *t, const struct br_file_id *want, struct timespec *stamp);
/* An empty index in memory and none on disk. */
int br_worktree_index_new(struct br_worktree *t, struct br_err *err);
/* Writes the index when it changed, shows it to git, and HEAD with it. *id names the file. */
int br_worktree_home_save(struct br_update *u, struct br_file_id *id, struct br_err *err);

/* --- worktree_watch.c --- */

/* Before anything is written: what did the test change? */
void br_worktree_watch_begin(struct br_update *u);
/* From time to time while much is written. */
void br_worktree_watch_on(struct br_update *u);
/* After the last write; done: the tree is what it should be. */
void br_worktree_watch_end(struct br_update *u, bool done);

/* --- worktree_apply.c --- */

/* Makes one entry of the commit real, in the index too. */
int br_worktree_put(struct br_update *u, const struct br_tree_item *item, struct br_err *err);
/* Carries out the plan, from the busy to the clean marker. */
int br_worktree_apply(struct br_update *u, struct br_err *err);

/* The tree that the update leads to, replacements followed; the caller frees it. */
int br_update_tree(const struct br_update *u, git_tree **out, struct br_err *err);

#endif
