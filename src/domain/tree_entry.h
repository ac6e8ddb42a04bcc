/* tree_entry.h - one entry of a commit as a file, link or folder of the private work tree. */
#ifndef BR_TREE_ENTRY_H
#define BR_TREE_ENTRY_H

#include "domain/overrides.h"
#include "domain/tree_convert.h"
#include "domain/tree_delta.h"
#include "domain/tree_filter.h"
#include "domain/tree_place.h"

/* What it takes to write files of a commit. */
struct br_checkout {
	git_repository *repo; /* opened as a bare one: libgit2 itself never sees the work tree */
	git_odb *odb;
	git_index *index;
	struct br_overrides overrides;
	struct br_convert convert;
	struct br_workshop workshop;
	struct br_place place;
};

struct br_tree_item {
	const char *path;
	const git_oid *id;
	uint16_t mode; /* git_filemode_t */
	/* Who tells the bytes; unknown is looked up. */
	enum { BR_BYTES_UNKNOWN, BR_BYTES_OF_BLOB, BR_BYTES_BY_GIT } bytes;
};

/* Finds out who tells the bytes of the n items, and has git write those that it must, at once. */
int br_tree_items_prepare(struct br_checkout *c, struct br_tree_item *item, size_t n, struct br_err *err);

/*
 * Makes the entry real, converted as the .gitattributes in the index say. *st is what became of it. BR_ECORRUPT: the blob is damaged
 * or missing (the message names it), or its filter failed.
 */
int br_tree_item_put(struct br_checkout *c, const struct br_tree_item *item, struct stat *st,
		     struct br_err *err);
/* An index entry for it; its path is borrowed. */
void br_tree_item_entry(const struct br_tree_item *item, const struct stat *st, git_index_entry *out);
/* The tree of a commit. BR_ECORRUPT: one of both is damaged or missing. BR_ESTATE: oid is no full id. */
int br_tree_of_commit(struct br_checkout *c, const char *oid, git_oid *tree, struct br_err *err);

#endif
