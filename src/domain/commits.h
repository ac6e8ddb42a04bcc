/* commits.h - the commits between good and bad as a domain. */
#ifndef BR_COMMITS_H
#define BR_COMMITS_H

#include "bisect_run/domain.h"

struct br_patch;
struct br_repo;

/* What goes before a trial besides putting tracked files right. */
enum br_clean {
	BR_CLEAN_TRACKED,   /* nothing: products of builds stay */
	BR_CLEAN_UNTRACKED, /* untracked files, but for ignored ones */
	BR_CLEAN_ALL,	    /* ignored files too */
};

struct br_commits_query {
	const char *bad;       /* full ids */
	char *const *good;     /* NULL-terminated; empty: back to the roots */
	char *const *pathspec; /* NULL-terminated, NULL or empty: all; relative to the top folder */
	char *const *hint;     /* as pathspec: candidates that touch these weigh more; NULL or empty: none */
	bool first_parent;
	const struct br_with *with; /* put into every tree */
	size_t nwith;
	const struct br_patch *patch; /* applied to every tree where they apply */
	size_t npatch;
	enum br_clean clean;
	const char
		*objects; /* folder with further objects that a tree may be made of (hunks.h); NULL: none */
	bool sealed; /* trials see the tree as a mount of its own: no link to its files can be made outside */
};

/* One --with: a path of every tree that is replaced by the user's own copy, or by the path's state at a revision. */
struct br_with {
	char *target; /* relative to the tree's top */
	char *source; /* absolute path of the user's copy; NULL: from rev */
	char *rev;    /* full commit id; NULL: from source */
};

/*
 * Walks the history bad ^good... once. BR_ESTATE when nothing is left (the message says whether --path did it).
 * The query is copied. The repository is borrowed.
 */
int br_commits_open(struct br_domain **out, struct br_repo *repo, const struct br_commits_query *q,
		    struct br_err *err);
/* Other files for all trees that are opened from now on; copied. */
void br_commits_set_with(struct br_domain *d, const struct br_with *with, size_t n);
/* Number of candidates: items with weight > 0. */
uint64_t br_commits_candidates(const struct br_domain *d);
/* Of those, the ones that touch the hinted paths. */
uint64_t br_commits_hinted(const struct br_domain *d);
/* The item of a full id, or -1. */
int64_t br_commits_find(const struct br_domain *d, const char *oid);

/*
 * A domain for `try` without a revision: the one item is the directory itself, in which COMMAND runs; tree_update does nothing.
 */
int br_here_open(struct br_domain **out, const char *dir, struct br_err *err);

#endif
