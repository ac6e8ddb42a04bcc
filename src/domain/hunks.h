/*
 * hunks.h - the change from one tree to another, cut into hunks, any set of which makes a commit of its own. Nothing is written into the
 * user's repository: made objects lie in a folder of ours, which workers read besides it (br_commits_query.objects).
 */
#ifndef BR_HUNKS_H
#define BR_HUNKS_H

#include "domain/repo.h"

#include <stdint.h>

struct br_hunks;

/* As `git diff` shows it. A change that has no lines (a mode, a binary or new file, a link, a submodule) is one hunk with all numbers 0. */
struct br_hunk {
	const char *file; /* borrowed until br_hunks_close */
	uint32_t old_start, old_lines, new_start, new_lines;
};

/*
 * The hunks that lead from commit `from` to commit `to` (full ids). objects: an existing folder, absolute. BR_ESTATE: there is no
 * difference. The repository is borrowed.
 */
int br_hunks_open(struct br_hunks **out, struct br_repo *r, const char *objects, const char *from,
		  const char *to, struct br_err *err);
/*
 * What leads from where h begins to commit `to` (some of its hunks, made by br_hunks_commit), cut as finely as can be: each run of changed
 * lines is one.
 */
int br_hunks_refine(struct br_hunks **out, const struct br_hunks *h, const char *objects, const char *to,
		    struct br_err *err);
uint32_t br_hunks_count(const struct br_hunks *h);
struct br_hunk br_hunks_at(const struct br_hunks *h, uint32_t i);
/* Makes the commit of `from` with these hunks (rising numbers) alone. BR_EUNSUPPORTED: this set is no tree (a file below a file). */
int br_hunks_commit(struct br_hunks *h, const uint32_t *keep, uint32_t n, char oid[BR_OID_HEX],
		    struct br_err *err);
/* These hunks as a diff; the caller frees. */
int br_hunks_diff(struct br_hunks *h, const uint32_t *keep, uint32_t n, char **out, size_t *len,
		  struct br_err *err);
void br_hunks_close(struct br_hunks *h); /* NULL is fine */

/*
 * Makes the merge of the commit's parents as git would by itself. 1: oid is it; 0: it is no merge of two, or it has conflicts.
 */
int br_merge_again(struct br_repo *r, const char *objects, const char *merge, char oid[BR_OID_HEX],
		   struct br_err *err);
/*
 * Makes the commit `on` with the change of `oid` (of a merge: against its first parent) taken back. 1: made is it; 0: it cannot be: *where (the
 * caller's) names the first file with a conflict.
 */
int br_revert_on(struct br_repo *r, const char *objects, const char *oid, const char *on,
		 char made[BR_OID_HEX], char **where, struct br_err *err);

#endif
