/* repo_private.h - what the files of the domain layer share about a repository. */
#ifndef BR_REPO_PRIVATE_H
#define BR_REPO_PRIVATE_H

#include "domain/repo.h"

#include <git2.h>

struct br_graph;

struct br_repo {
	git_repository *git;
	char *common_dir, *git_dir, *workdir, *prefix;
	git_config *config[2];	/* by enum br_config_scope; opened when first needed */
	struct br_graph *graph; /* what was read of the history; opened when first needed */
};

/* br_fail with libgit2's last message appended. */
int br_git_fail(struct br_err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4), cold));
/* Starts libgit2 with the settings that every part of the program needs; pair with git_libgit2_shutdown. */
void br_git_init(void);
/* The history, opened at the first call. Borrowed. Marks of an earlier walk may be left in it. */
int br_repo_graph(struct br_repo *r, struct br_graph **out, struct br_err *err);
/* Gives the memory of what was read back. */
void br_repo_graph_drop(struct br_repo *r);
/* A full hex id. BR_EUSAGE: it is none. */
int br_oid_parse(git_oid *out, const char *hex, struct br_err *err);
/* The path below the work tree, for the caller to free; NULL: it is not below it. */
char *br_repo_relative(const struct br_repo *r, const char *path);
/* As br_repo_commit_info and others need it: the commit object that stands for this full id, replacements counted. */
int br_repo_commit(struct br_repo *r, const char *oid, git_commit **out, struct br_err *err);
/* The user's and the system's configuration, without any repository's. The caller frees. */
int br_config_trusted(git_config **out, struct br_err *err);
/* Whether objects may be missing because they were never downloaded (git clone --filter). */
bool br_config_is_partial(git_config *config);
/* Runs git on this repository (args NULL-terminated, at most 10). 1: it succeeded, 0: it did not. For short answers. */
int br_repo_ask_git(const struct br_repo *r, const char *const *args, char **out, struct br_err *err);

#endif
