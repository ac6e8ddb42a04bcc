/* objects.h - a place for objects that are made for trials: a folder of ours that borrows all else from the user's repository. */
#ifndef BR_OBJECTS_H
#define BR_OBJECTS_H

#include "domain/repo.h"

#include <git2.h>

/* Writes go to the folder, reads come from both. */
struct br_objects {
	git_odb *odb;
	git_repository *repo;
};

/* dir exists. Zero-initialised is closed. */
int br_objects_open(struct br_objects *o, struct br_repo *r, const char *dir, struct br_err *err);
/* The commit of a full id. The caller frees. */
int br_objects_commit(const struct br_objects *o, const char *oid, git_commit **out, struct br_err *err);
/* A commit of this tree on this parent; the same both give the same id. */
int br_objects_write_commit(const struct br_objects *o, const git_oid *tree, git_commit *parent,
			    char oid[BR_OID_HEX], struct br_err *err);
void br_objects_close(struct br_objects *o);

#endif
