/* repo.h - one repository, read through libgit2: revisions, commits, configuration. Nothing here writes to it. */
#ifndef BR_REPO_H
#define BR_REPO_H

#include "bisect_run/result.h"

#include <stdbool.h>
#include <stddef.h>

struct br_err;
struct br_repo;

enum { BR_OID_HEX = 65 }; /* room for a SHA-256 id and its NUL */

/*
 * Finds the repository of the directory start, as git does (GIT_DIR is heeded; bare ones and linked work trees work).
 * BR_ESTATE, one clear line and what to do: not a repository, SHA-256 or reftable ones that this libgit2 cannot read.
 * Switches libgit2's owner check off: nothing of the repository is executed.
 */
int br_repo_open(struct br_repo **out, const char *start, struct br_err *err);
void br_repo_close(struct br_repo *r);

/* Absolute, without a final slash, borrowed. workdir: NULL for a bare one. */
const char *br_repo_common_dir(const struct br_repo *r);
const char *br_repo_git_dir(const struct br_repo *r);
const char *br_repo_workdir(const struct br_repo *r);
/* Where start lies below the work tree: "" or "sub/dir", borrowed. */
const char *br_repo_prefix(const struct br_repo *r);
/* True when the history is cut (a shallow clone). */
bool br_repo_is_shallow(const struct br_repo *r);
bool br_repo_is_empty(const struct br_repo *r);

/*
 * A revision, peeled to its commit, as `git rev-parse --verify REV^{commit}` has it (asks git itself where libgit2
 * does not know the syntax). BR_ESTATE: unknown, ambiguous, or no commit; the message says which and what may help.
 */
int br_repo_resolve(struct br_repo *r, const char *rev, char oid[BR_OID_HEX], struct br_err *err);
/* The commits of "A..B" or of one revision, for --skip: adds full ids to *oids (br_strv_free). */
int br_repo_expand(struct br_repo *r, const char *spec, char ***oids, struct br_err *err);
int br_repo_tree_of(struct br_repo *r, const char *oid, char tree[BR_OID_HEX], struct br_err *err);
/* 1: the commit's tree has this path (relative to the top), 0: not. */
int br_repo_has_path(struct br_repo *r, const char *oid, const char *path, struct br_err *err);
int br_repo_commit_info(struct br_repo *r, const char *oid, bool with_files, struct br_commit_info *out,
			struct br_err *err);
/* 1: a is an ancestor of b, or b itself; 0: not. */
int br_repo_is_ancestor(struct br_repo *r, const char *a, const char *b, struct br_err *err);
/* Best common ancestors of bad and each good that is not its ancestor, without those that are ancestors of a good; may be empty. */
int br_repo_merge_bases(struct br_repo *r, const char *bad, char *const *goods, char ***out,
			struct br_err *err);
/*
 * First-parent ancestors of oid at distance step, 2 step, 4 step...: the one at exactly n generations back along the first
 * parents, or the root when there are fewer (then *reached_root). For the search without a known good.
 */
int br_repo_nth_parent(struct br_repo *r, const char *oid, uint64_t n, char out[BR_OID_HEX],
		       bool *reached_root, struct br_err *err);

enum br_config_scope {
	BR_CONFIG_ANY,	   /* repository, global, system */
	BR_CONFIG_TRUSTED, /* the user's global and the system's only: for what could open a door */
};
/* All values of bisectrun.NAME in this scope, least specific first. Adds to *values. 0 or an error. */
int br_repo_config(struct br_repo *r, const char *name, enum br_config_scope scope, char ***values,
		   struct br_err *err);

/* 1: the path (absolute) is tracked in the user's index, 0: not. */
int br_repo_is_tracked(struct br_repo *r, const char *path, struct br_err *err);
/* 1: git ignores this path (absolute, inside the work tree). */
int br_repo_is_ignored(struct br_repo *r, const char *path, struct br_err *err);

/* SHA-1 of the data as git hashes a blob, hex. Needs no repository. */
void br_hash_hex(const void *data, size_t n, char out[BR_OID_HEX]);
/* "1.5.1": the libgit2 that is in use. */
const char *br_repo_library(void);

#endif
