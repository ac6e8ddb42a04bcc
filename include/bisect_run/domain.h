/* domain.h - names the items of a search and makes them real in a private directory. */
#ifndef BR_DOMAIN_H
#define BR_DOMAIN_H

#include "bisect_run/shape.h"

#include <stdbool.h>
#include <stddef.h>

struct br_err;
struct br_domain;
struct br_tree;

struct br_domain_ops {
	const char *name; /* commits, here, ... */
	/* Borrowed until the next call. The item's full name: a commit id, a version. */
	const char *(*label)(const struct br_domain *d, uint64_t item);
	/*
	 * Opens (or makes) a private tree under the directory dir, which belongs to one worker. The directory may
	 * hold a tree that an earlier search or a killed update left. Called in the worker's own process, and
	 * the tree is only ever used there. *out is the caller's.
	 */
	int (*tree_open)(struct br_domain *d, const char *dir, struct br_tree **out, struct br_err *err);
	/* The label of the state in which a tree under dir was left; NULL: none, or not known. The caller frees. NULL as a member: never. */
	char *(*tree_peek)(const char *dir);
	/* What trials left in the tree is not to be met by the next: the next update leaves the candidate alone. NULL as a member: no matter. */
	void (*tree_empty)(struct br_tree *t);
	/*
	 * Turns the tree into the state named by label (it need not be an item of the shape). Tracked files that a test changed are put right,
	 * untracked ones stay. BR_ECORRUPT: an object of this candidate is damaged or missing, others may work.
	 * fresh: nothing of an earlier trial may stay.
	 */
	int (*tree_update)(struct br_tree *t, const char *label, bool fresh, struct br_err *err);
	/* What the user should know of the last update: a hot-fix that did not apply. NULL, also as a member: nothing. Borrowed. */
	const char *(*tree_note)(const struct br_tree *t);
	/* Takes note of what changed the tree since the last call or update: the caller itself (ours), or a trial. NULL as a member: no matter. */
	void (*tree_look)(struct br_tree *t, bool ours);
	/* Absolute path of its top folder, in which COMMAND runs. Borrowed until tree_close. */
	const char *(*tree_path)(const struct br_tree *t);
	void (*tree_close)(struct br_tree *t); /* NULL is fine; files stay */
	void (*close)(struct br_domain *d);    /* NULL is fine */
};

struct br_domain {
	const struct br_domain_ops *ops; /* first member of every domain */
	struct br_shape shape;
};

#endif
