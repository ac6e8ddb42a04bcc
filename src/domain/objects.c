/* objects.c - objects that are made for trials, outside of the user's repository. */
#include "domain/objects.h"

#include "base/mem.h"
#include "bisect_run/err.h"
#include "domain/hunks.h" /* what merges and reverts are made for */
#include "domain/repo_private.h"

#include <string.h>

/* Above any that libgit2 adds by itself: what is written goes here. */
enum { OWN_PRIORITY = 100 };

int br_objects_open(struct br_objects *o, struct br_repo *r, const char *dir, struct br_err *err)
{
	br_auto_free char *theirs = br_asprintf("%s/objects", br_repo_common_dir(r));
	git_odb_backend *own = NULL;
	int rc = git_odb_new(&o->odb);

	if (rc == 0)
		rc = git_odb_backend_loose(&own, dir, -1, 0, 0, 0);
	if (rc == 0)
		rc = git_odb_add_backend(o->odb, own, OWN_PRIORITY);
	if (rc == 0)
		rc = git_odb_add_disk_alternate(o->odb, theirs);
	if (rc == 0)
		rc = git_repository_wrap_odb(&o->repo, o->odb);
	return rc < 0 ? br_git_fail(err, BR_ESTATE, "cannot make a folder for objects in %s", dir) : 0;
}

int br_objects_commit(const struct br_objects *o, const char *oid, git_commit **out, struct br_err *err)
{
	git_oid id;
	int rc = br_oid_parse(&id, oid, err);

	if (rc == 0 && git_commit_lookup(out, o->repo, &id) < 0)
		rc = br_git_fail(err, BR_ECORRUPT, "cannot read commit %s", oid);
	return rc;
}

int br_objects_write_commit(const struct br_objects *o, const git_oid *tree, git_commit *parent,
			    char oid[BR_OID_HEX], struct br_err *err)
{
	git_signature who = {.name = (char *)(uintptr_t) "bisect-run",
			     .email = (char *)(uintptr_t) "",
			     .when = git_commit_committer(parent)->when};
	const git_commit *parents[] = {parent};
	git_tree *made = NULL;
	git_oid id;
	int rc = git_tree_lookup(&made, o->repo, tree);

	if (rc == 0)
		rc = git_commit_create(&id, o->repo, NULL, &who, &who, NULL, "a part of the next commit\n",
				       made, 1, parents);
	git_tree_free(made);
	if (rc < 0)
		return br_git_fail(err, BR_ESYS, "cannot write a commit for a trial");
	(void)git_oid_tostr(oid, BR_OID_HEX, &id);
	return 0;
}

void br_objects_close(struct br_objects *o)
{
	git_repository_free(o->repo);
	git_odb_free(o->odb);
	*o = (struct br_objects){0};
}

/* ---- merges and reverts ---- */

/* The index as a commit on parent; 0: it has conflicts, and *where (may be NULL) names the first. Takes over the index. */
static int commit_index(struct br_objects *o, git_index *index, git_commit *parent, char oid[BR_OID_HEX],
			char **where, struct br_err *err)
{
	git_index_conflict_iterator *it = NULL;
	const git_index_entry *base, *ours, *theirs;
	git_oid tree;
	int rc = 1;

	if (git_index_has_conflicts(index)) {
		rc = 0;
		if (where && git_index_conflict_iterator_new(&it, index) == 0 &&
		    git_index_conflict_next(&base, &ours, &theirs, it) == 0)
			*where = br_strdup(ours ? ours->path : theirs ? theirs->path : base->path);
		git_index_conflict_iterator_free(it);
	} else if (git_index_write_tree_to(&tree, index, o->repo) < 0) {
		rc = br_git_fail(err, BR_ESYS, "cannot write a tree for a trial");
	} else {
		rc = br_objects_write_commit(o, &tree, parent, oid, err);
		rc = rc < 0 ? rc : 1;
	}
	git_index_free(index);
	return rc;
}

int br_merge_again(struct br_repo *r, const char *objects, const char *merge, char oid[BR_OID_HEX],
		   struct br_err *err)
{
	git_merge_options opts = {.version = GIT_MERGE_OPTIONS_VERSION, .flags = GIT_MERGE_FIND_RENAMES};
	struct br_objects o = {0};
	git_commit *commit = NULL, *a = NULL, *b = NULL;
	git_index *index = NULL;
	int rc = br_objects_open(&o, r, objects, err);

	if (rc == 0)
		rc = br_objects_commit(&o, merge, &commit, err);
	if (rc == 0 && git_commit_parentcount(commit) == 2 && git_commit_parent(&a, commit, 0) == 0 &&
	    git_commit_parent(&b, commit, 1) == 0 && git_merge_commits(&index, o.repo, a, b, &opts) == 0)
		rc = commit_index(&o, index, a, oid, NULL, err);
	git_commit_free(a);
	git_commit_free(b);
	git_commit_free(commit);
	br_objects_close(&o);
	return rc;
}

int br_revert_on(struct br_repo *r, const char *objects, const char *oid, const char *on,
		 char made[BR_OID_HEX], char **where, struct br_err *err)
{
	git_merge_options opts = {.version = GIT_MERGE_OPTIONS_VERSION, .flags = GIT_MERGE_FIND_RENAMES};
	struct br_objects o = {0};
	git_commit *culprit = NULL, *tip = NULL;
	git_index *index = NULL;
	int rc = br_objects_open(&o, r, objects, err);

	*where = NULL;
	if (rc == 0)
		rc = br_objects_commit(&o, oid, &culprit, err);
	if (rc == 0)
		rc = br_objects_commit(&o, on, &tip, err);
	if (rc == 0) {
		unsigned mainline = git_commit_parentcount(culprit) > 1 ? 1 : 0;

		if (git_revert_commit(&index, o.repo, culprit, tip, mainline, &opts) < 0)
			rc = br_git_fail(err, BR_ESTATE, "the commit cannot be reverted");
		else
			rc = commit_index(&o, index, tip, made, where, err);
	}
	git_commit_free(culprit);
	git_commit_free(tip);
	br_objects_close(&o);
	return rc;
}
