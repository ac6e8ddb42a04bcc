/*
 * worktree_patch.c - hot-fixes over a commit. `git apply --3way` works on an index of the few files concerned, in the workshop; the
 * result is put into the tree. The index of the tree stays the commit's, so git there sees the fix as a change.
 */
#include "domain/worktree_private.h"

#include "bisect_run/err.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "domain/patch.h"
#include "domain/tree_filter.h"
#include "sys/file.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void br_worktree_set_patches(struct br_worktree *t, const struct br_patch *patch, size_t n)
{
	t->patch = patch;
	t->npatch = n;
	br_strv_free(br_steal(&t->overlay));
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < br_strv_len(patch[i].path); k++)
			br_marker_add(&t->overlay, patch[i].path[k]);
	}
	t->noverlay = br_strv_len(t->overlay);
	if (t->noverlay)
		qsort(t->overlay, t->noverlay, sizeof *t->overlay, by_text);
}

bool br_worktree_is_overlaid(const struct br_worktree *t, const char *path)
{
	return t->noverlay && bsearch(&path, t->overlay, t->noverlay, sizeof *t->overlay, by_text);
}

/* What a path is before and after the patches. A mode of 0: nothing. */
struct state {
	git_oid id;
	uint32_t mode;
};

static void say(struct br_worktree *t, const char *name, const char *what)
{
	br_auto_free char *clean = br_text_clean(name, strlen(name), false), *old = br_steal(&t->note);

	t->note = br_asprintf("%s%spatch %s %s", old ? old : "", old ? "; " : "", clean, what);
}

static int find_before(struct br_update *u, struct state *before, struct br_err *err)
{
	git_tree *tree = NULL;
	int rc = br_update_tree(u, &tree, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < u->t->noverlay; i++) {
		git_tree_entry *e = NULL;

		if (git_tree_entry_bypath(&e, tree, u->t->overlay[i]) == 0 &&
		    git_tree_entry_filemode(e) != GIT_FILEMODE_TREE) {
			before[i].id = *git_tree_entry_id(e);
			before[i].mode = git_tree_entry_filemode(e);
		}
		git_tree_entry_free(e);
	}
	git_error_clear();
	git_tree_free(tree);
	return 0;
}

static int prepare(struct br_update *u, const struct state *before, struct br_err *err)
{
	struct br_workshop *w = &u->t->c.workshop;
	int rc = br_filter_begin(w, u->t->c.index, err);

	for (size_t i = 0; rc >= 0 && i < u->t->noverlay; i++) {
		git_oid id = before[i].id;

		if (before[i].mode == 0 || before[i].mode == GIT_FILEMODE_COMMIT)
			continue;
		rc = br_overrides_real(&u->t->c.overrides, &id, err);
		if (rc >= 0)
			rc = br_workshop_add(w, u->t->overlay[i], &id, before[i].mode, err);
	}
	return rc < 0 ? rc : br_workshop_write(w, err);
}

/* 1: applied, or it was there already; 0: it does not apply, and the index is as before. */
static int apply_text(struct br_workshop *w, const char *file, struct br_err *err)
{
	const char *const forth[] = {"apply", "--cached", "--3way", "--whitespace=nowarn", file, NULL};
	const char *const back[] = {"apply", "--cached", "--reverse", "--check", file, NULL};
	br_auto_free char *said = NULL, *said_back = NULL;
	br_auto_free char *index = br_asprintf("%s/git/index", w->dir);
	br_auto_free char *kept = br_asprintf("%s/git/index.kept", w->dir);
	int rc = br_file_copy(index, kept, err);

	if (rc >= 0)
		rc = br_workshop_git(w, forth, &said, err);
	if (rc != 0)
		return rc;
	rc = br_file_copy(kept, index, err); /* without the conflicts */
	return rc < 0 ? rc : br_workshop_git(w, back, &said_back, err);
}

static int apply_one(struct br_update *u, const struct br_patch *p, struct br_err *err)
{
	struct br_workshop *w = &u->t->c.workshop;
	br_auto_free char *file = br_asprintf("%s/git/patch", w->dir);
	int rc = br_file_write(file, p->text, p->n, err);

	if (rc >= 0)
		rc = apply_text(w, file, err);
	if (rc == 0)
		say(u->t, p->name, "does not apply here: tested without it");
	return rc < 0 ? rc : 0;
}

static void find_after(const struct br_update *u, struct state *after)
{
	for (size_t i = 0; i < u->t->noverlay; i++) {
		const git_index_entry *e = git_index_get_bypath(u->t->c.workshop.index, u->t->overlay[i], 0);

		if (e)
			after[i] = (struct state){.id = e->id, .mode = e->mode};
	}
}

static int apply_all(struct br_update *u, struct state *after, struct br_err *err)
{
	static const char *const checkout[] = {"checkout-index", "-q", "-f", "-a", NULL};
	struct br_workshop *w = &u->t->c.workshop;
	br_auto_free char *said = NULL;
	int rc = 0;

	for (size_t i = 0; rc >= 0 && i < u->t->npatch; i++)
		rc = apply_one(u, &u->t->patch[i], err);
	if (rc >= 0)
		rc = br_workshop_git(w, checkout, &said, err);
	if (rc == 0)
		return br_fail(err, BR_ECORRUPT, "git cannot write the files of --patch: %s", said);
	if (rc >= 0)
		rc = br_workshop_reload(w, err);
	if (rc >= 0)
		find_after(u, after);
	return rc;
}

static int put_result(struct br_update *u, const char *path, uint32_t mode, struct br_err *err)
{
	struct br_place *place = &u->t->c.place;
	br_auto_free char *from = br_asprintf("%s/tree/%s", u->t->c.workshop.dir, path), *data = NULL;
	mode_t perm = (mode == GIT_FILEMODE_BLOB_EXECUTABLE ? 0777 : 0666) & ~place->umask;
	struct stat st;
	size_t n;
	int rc;

	if (mode == GIT_FILEMODE_LINK) {
		data = br_calloc(1, PATH_MAX + 1);
		if (readlink(from, data, PATH_MAX) < 0)
			return br_fail_errno(err, "cannot read a link that --patch made");
		return br_place_link(place, path, data, &st, err);
	}
	rc = br_file_read(from, SIZE_MAX / 4, &data, &n, err);
	return rc < 0 ? rc : br_place_file(place, path, data, n, perm, &st, err);
}

/* The commit's entry without stat data: git will look into the file. */
static int index_as_changed(struct br_update *u, const char *path, const struct state *before,
			    struct br_err *err)
{
	git_index *index = u->t->c.index;
	const git_index_entry *now = git_index_get_bypath(index, path, 0);
	git_index_entry entry = {.path = path, .id = before->id, .mode = before->mode};

	if (!before->mode ||
	    (now && now->mtime.seconds == 0 && now->mode == entry.mode && git_oid_equal(&now->id, &entry.id)))
		return 0;
	u->index_changed = true;
	return git_index_add(index, &entry) == 0 ? 0
						 : br_worktree_fail(err, "cannot add to the private index");
}

static int put_changed(struct br_update *u, const char *path, const struct state *before,
		       const struct state *after, struct br_err *err)
{
	int rc = after->mode ? put_result(u, path, after->mode, err)
			     : br_place_delete(&u->t->c.place, path, err);

	br_marker_add(&u->patched, path);
	return rc < 0 ? rc : index_as_changed(u, path, before, err);
}

static bool was_put(const struct br_update *u, const char *path)
{
	for (size_t i = 0; i < br_strv_len(u->was.with); i++) {
		if (strcmp(u->was.with[i], path) == 0)
			return true;
	}
	return false;
}

static int put_unchanged(struct br_update *u, const char *path, const struct state *before,
			 struct br_err *err)
{
	struct br_tree_item item = {.path = path, .id = &before->id, .mode = (uint16_t)before->mode};

	if (before->mode)
		return br_worktree_put(u, &item, err);
	return was_put(u, path) ? br_place_delete(&u->t->c.place, path, err) : 0;
}

static bool is_same(const struct br_update *u, const struct state *before, const struct state *after)
{
	git_oid id = before->id;

	if (before->mode == GIT_FILEMODE_COMMIT)
		return true;
	(void)br_overrides_real(&u->t->c.overrides, &id, NULL);
	return before->mode == after->mode && git_oid_equal(&id, &after->id);
}

int br_worktree_patch(struct br_update *u, struct br_err *err)
{
	struct br_worktree *t = u->t;
	br_auto_free struct state *before = br_calloc(t->noverlay + 1, sizeof *before);
	br_auto_free struct state *after = br_calloc(t->noverlay + 1, sizeof *after);
	br_auto_free bool *same = br_calloc(t->noverlay + 1, sizeof *same);
	int rc = 0;

	free(br_steal(&t->note));
	if (t->npatch == 0)
		return 0;
	rc = find_before(u, before, err);
	if (rc >= 0)
		rc = prepare(u, before, err);
	if (rc >= 0)
		rc = apply_all(u, after, err);
	for (size_t i = 0; rc >= 0 && i < t->noverlay; i++) {
		same[i] = is_same(u, &before[i], &after[i]);
		if (!same[i])
			rc = put_changed(u, t->overlay[i], &before[i], &after[i], err);
	}
	/* These may need the workshop themselves. */
	for (size_t i = 0; rc >= 0 && i < t->noverlay; i++) {
		if (same[i])
			rc = put_unchanged(u, t->overlay[i], &before[i], err);
	}
	return rc;
}

const char *br_worktree_note(const struct br_worktree *t)
{
	return t->note;
}
