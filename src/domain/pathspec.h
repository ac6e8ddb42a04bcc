/*
 * pathspec.h - which paths the user means: git's pathspecs (gitglossary(7)): literal prefixes, wildcards, and the magic
 * top, literal, glob, icase and exclude. And whether two trees differ there.
 */
#ifndef BR_PATHSPEC_H
#define BR_PATHSPEC_H

#include <git2.h>
#include <stdbool.h>

struct br_err;
struct br_pathspec;

/* NULL-terminated words, relative to the top folder. BR_EUSAGE: unknown magic, or outside of the repository. */
int br_pathspec_open(struct br_pathspec **out, char *const *words, struct br_err *err);
void br_pathspec_close(struct br_pathspec *p); /* NULL is fine */
bool br_pathspec_match(const struct br_pathspec *p, const char *path);
/*
 * 1: the trees differ in a path that matches, 0: they do not. NULL is the empty tree. Stops at the first difference.
 * BR_ECORRUPT: a tree cannot be read; the message names it.
 */
int br_pathspec_differ(const struct br_pathspec *p, git_odb *odb, const git_oid *a, const git_oid *b,
		       struct br_err *err);

#endif
