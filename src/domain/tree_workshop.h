/*
 * tree_workshop.h - a git directory of our own in which the git executable does what libgit2 does wrong. It reads the objects of the
 * user's repository and writes only its own; no hook, setting or program of the repository under test counts there, the
 * user's own configuration does.
 */
#ifndef BR_TREE_WORKSHOP_H
#define BR_TREE_WORKSHOP_H

#include <git2.h>
#include <stdint.h>

struct br_err;

struct br_workshop {
	char *dir;		/* git/ and tree/ are made in it */
	const char *common_dir; /* whose objects are read; borrowed */
	char *objects;		/* further objects that are read; owned; NULL: none */
	git_config *config;	/* of the repository; borrowed: what shapes text files is taken from it */
	git_index *index;	/* NULL: the workshop is not there */
};

void br_workshop_init(struct br_workshop *s, const char *dir, const char *common_dir, git_config *config);
void br_workshop_done(struct br_workshop *s);
/* Makes it anew, with an empty index. */
int br_workshop_begin(struct br_workshop *s, struct br_err *err);
/* Takes it away. */
void br_workshop_drop(struct br_workshop *s);

int br_workshop_add(struct br_workshop *s, const char *path, const git_oid *id, uint32_t mode,
		    struct br_err *err);
/* Adds all .gitattributes of an index. */
int br_workshop_add_attributes(struct br_workshop *s, git_index *from, struct br_err *err);
/* BR_ESYS with libgit2's last message: it could not write a file of ours. */
int br_git_fail_write(struct br_err *err, const char *what);
/* To be called before git reads the index and after git changed it. */
int br_workshop_write(struct br_workshop *s, struct br_err *err);
int br_workshop_reload(struct br_workshop *s, struct br_err *err);
/* Runs git with these words, NULL-terminated. 1: it succeeded; 0: *said (the caller's) is what it said, on one line. BR_ESYS: it met a full or broken disk. */
int br_workshop_git(struct br_workshop *s, const char *const *args, char **said, struct br_err *err);

#endif
