/* worktree_modules.c - submodules: each is a private work tree of its own inside of the outer one, with the user's clone behind it. */
#include "domain/worktree_private.h"

#include "bisect_run/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "domain/tree_modules.h"

#include <string.h>
#include <sys/stat.h>

/* A repository that is its own submodule would never end. */
enum { DEPTH_MAX = 16 };

static char *name_of(struct br_update *u, const char *path)
{
	struct br_checkout *c = &u->t->c;
	const git_index_entry *e = git_index_get_bypath(c->index, ".gitmodules", 0);
	git_odb_object *o = NULL;
	git_oid id;
	char *name;

	if (!e || (e->mode & 0170000) != 0100000)
		return NULL;
	id = e->id;
	if (br_overrides_real(&c->overrides, &id, NULL) < 0 || git_odb_read(&o, c->odb, &id) != 0)
		return NULL;
	name = br_modules_name(git_odb_object_data(o), git_odb_object_size(o), path);
	git_odb_object_free(o);
	return name;
}

static int fail_depth(const char *path, struct br_err *err)
{
	br_auto_free char *clean = br_text_clean(path, strlen(path), false);

	return br_fail(err, BR_ECORRUPT, "submodules are nested more than %d deep at \"%s\"", DEPTH_MAX,
		       clean);
}

static int update_inner(struct br_update *u, const char *path, const char *clone, const git_oid *commit,
			struct br_err *err)
{
	char hex[GIT_OID_HEXSZ + 1];
	br_auto_free char *clean = br_text_clean(path, strlen(path), false);
	struct br_worktree *inner = NULL;
	int rc = br_worktree_open_inner(&inner, u->t, path, clone, err);

	if (rc >= 0)
		rc = br_worktree_update(inner, git_oid_tostr(hex, sizeof hex, commit), u->fresh, NULL, 0,
					err);
	br_worktree_close(inner);
	return rc < 0 ? br_wrap(err, "submodule \"%s\"", clean) : rc;
}

static int update_one(struct br_update *u, const git_index_entry *e, struct br_err *err)
{
	const struct br_worktree *t = u->t;
	const struct br_modules_home home = {
		.common_dir = t->common_dir, .git_dir = t->user_git_dir, .workdir = t->user_workdir};
	br_auto_free char *path = br_strdup(e->path), *name = name_of(u, path), *clone = NULL;
	git_oid commit = e->id;
	int rc = br_modules_find(&home, name, path, &commit, &clone, err);

	if (rc <= 0)
		return rc;
	if (t->depth >= DEPTH_MAX)
		return fail_depth(path, err);
	return update_inner(u, path, clone, &commit, err);
}

int br_worktree_modules_update(struct br_update *u, struct br_err *err)
{
	git_index *index = u->t->c.index;
	int rc = 0;

	br_workshop_drop(&u->t->c.workshop); /* the inner one works in the same place */
	for (size_t i = 0, n = git_index_entrycount(index); rc >= 0 && i < n; i++) {
		const git_index_entry *e = git_index_get_byindex(index, i);

		if (e->mode == GIT_FILEMODE_COMMIT)
			rc = update_one(u, e, err);
	}
	return rc;
}

int br_worktree_module_remove(struct br_update *u, const char *path, struct br_err *err)
{
	br_auto_free char *git_dir = br_asprintf("%s/.git", path);
	struct stat st;
	int rc = br_place_stat(&u->t->c.place, git_dir, &st, err);

	return rc > 0 ? br_place_remove(&u->t->c.place, path, err) : rc;
}
