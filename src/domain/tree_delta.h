/* tree_delta.h - the paths in which two trees of a repository differ, and which names may become files. */
#ifndef BR_TREE_DELTA_H
#define BR_TREE_DELTA_H

#include <git2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct br_err;
struct br_overrides;

/* Where trees and blobs are read; both borrowed. git shows the replacement of an object that has one. */
struct br_tree_source {
	git_repository *repo;
	const struct br_overrides *overrides;
};

/* A file, link or submodule that differs. A mode of 0: not there on this side. */
struct br_tree_delta {
	char *path;
	git_oid old_id, new_id;
	uint16_t old_mode, new_mode; /* git_filemode_t, never a folder */
};

/* In the order of an index: by the bytes of the path. */
struct br_tree_deltas {
	struct br_tree_delta *v;
	size_t n, cap;
};

/*
 * Adds to *out what turns the tree from into the tree to; NULL is the empty tree. Equal subtrees are not read.
 * BR_ECORRUPT: a tree is damaged, missing or holds a name that must not become a file (the message says which).
 */
int br_tree_deltas_of(const struct br_tree_source *src, const git_oid *from, const git_oid *to,
		      struct br_tree_deltas *out, struct br_err *err);
void br_tree_deltas_done(struct br_tree_deltas *d);

/* A name that git would check out: no "", ".", "..", nothing with a slash, nothing that some file system takes for .git. */
bool br_tree_name_ok(const char *name, size_t n);
/* A relative path made of such names. */
bool br_tree_path_ok(const char *path);

#endif
