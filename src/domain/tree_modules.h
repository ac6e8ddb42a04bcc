/* tree_modules.h - which of the user's own clones belongs to a submodule. Nothing is fetched, and no URL is ever read. */
#ifndef BR_TREE_MODULES_H
#define BR_TREE_MODULES_H

#include <git2.h>
#include <stddef.h>

struct br_err;

/* The user's repository, where clones of submodules are looked for; strings are borrowed. */
struct br_modules_home {
	const char *common_dir;
	const char *git_dir; /* of a linked work tree, or NULL */
	const char *workdir; /* NULL: a bare one */
};

/* The name that the text of a .gitmodules file gives to the submodule at this path, or NULL. The caller frees. */
char *br_modules_name(const char *text, size_t n, const char *path);

/*
 * 1: *common_dir (the caller's) is the git directory of a clone that has the commit; 0: the user has no clone of this submodule.
 * BR_ECORRUPT: there are clones, but none has it. name may be NULL.
 */
int br_modules_find(const struct br_modules_home *home, const char *name, const char *path,
		    const git_oid *commit, char **common_dir, struct br_err *err);

#endif
