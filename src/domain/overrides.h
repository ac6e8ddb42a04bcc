/*
 * overrides.h - where git lies about a commit's parents on purpose: replace refs (git-replace(1)), grafts and shallow
 * boundaries. libgit2 knows none of them.
 */
#ifndef BR_OVERRIDES_H
#define BR_OVERRIDES_H

#include <git2.h>
#include <stdbool.h>
#include <stdint.h>

struct br_err;

struct br_graft {
	git_oid id;
	uint32_t at, n; /* its parents are parent[at .. at+n) */
};

struct br_replacement {
	git_oid from, to;
};

/* Zero-initialised is valid and empty. Sorted by id. */
struct br_overrides {
	struct br_graft *graft;
	size_t ngraft, graft_cap;
	git_oid *parent;
	size_t nparent, parent_cap;
	struct br_replacement *replace;
	size_t nreplace, replace_cap;
	bool shallow;
};

int br_overrides_read(struct br_overrides *o, git_repository *git, const char *common_dir,
		      struct br_err *err);
void br_overrides_done(struct br_overrides *o);
/* True when any commit is not what its object says. */
bool br_overrides_any(const struct br_overrides *o);
/* The parents that count for this commit; NULL: those of its object. */
const struct br_graft *br_overrides_graft(const struct br_overrides *o, const git_oid *id);
/* The object to read for this id. BR_ESTATE: a cycle of replace refs. */
int br_overrides_real(const struct br_overrides *o, git_oid *id, struct br_err *err);

#endif
