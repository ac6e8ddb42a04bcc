/* worktree_apply.c - one update: what has to go, what a test changed, what is new; each file once. */
#include "domain/worktree_private.h"

#include "bisect_run/err.h"
#include "base/mem.h"
#include "domain/tree_with.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Above this many new and lost paths a new list of entries is cheaper than inserting into the old one. */
enum { INDEX_EDITS_MAX = 2000 };
/* Files written before their reports are read: the kernel keeps 16,384. */
enum { WATCH_EVERY = 2000 };

/* From here on the tree may hold a mixture: says of what. */
static int mark_busy(struct br_update *u, struct br_err *err)
{
	struct br_marker busy = {.state = BR_MARKER_BUSY, .rules = u->t->rules};
	int rc;

	busy.commits = br_strv_copy(u->was.commits);
	busy.with = br_strv_copy(u->was.with);
	br_marker_add(&busy.commits, u->oid);
	for (size_t i = 0; i < u->nwith; i++)
		br_marker_add(&busy.with, u->with[i].target);
	for (size_t i = 0; i < u->t->noverlay; i++)
		br_marker_add(&busy.with, u->t->overlay[i]);
	rc = br_marker_write(u->t->state, &busy, err);
	br_marker_done(&busy);
	return rc;
}

/* Without a marker nobody can tell what belongs to which commit: a killed wipe is begun again. */
static int wipe(struct br_update *u, struct br_err *err)
{
	if (unlink(u->t->state) != 0 && errno != ENOENT)
		return br_fail_errno(err, "cannot remove %s", u->t->state);
	return br_place_wipe(&u->t->c.place, ".git", err);
}

static int delete_one(struct br_update *u, const struct br_tree_delta *d, struct br_err *err)
{
	int rc = d->old_mode == GIT_FILEMODE_COMMIT ? br_worktree_module_remove(u, d->path, err) : 0;

	if (rc >= 0 && !d->new_mode)
		rc = br_place_delete(&u->t->c.place, d->path, err);
	return rc;
}

/* What is gone, and submodules that became something else. */
static int delete_lost(struct br_update *u, const struct br_tree_deltas *d, struct br_err *err)
{
	int rc = 0;

	for (size_t i = 0; rc >= 0 && i < d->n; i++) {
		const struct br_tree_delta *one = &d->v[i];

		if (!one->new_mode ||
		    (one->old_mode == GIT_FILEMODE_COMMIT && one->new_mode != GIT_FILEMODE_COMMIT))
			rc = delete_one(u, one, err);
	}
	return rc;
}

static int remove_old(struct br_update *u, struct br_err *err)
{
	int rc = 0;

	for (size_t i = 0; rc >= 0 && i < br_strv_len(u->was.with); i++) {
		if (br_tree_path_ok(u->was.with[i]) && !br_worktree_is_overlaid(u->t, u->was.with[i]))
			rc = br_place_remove(&u->t->c.place, u->was.with[i], err);
	}
	if (rc >= 0)
		rc = delete_lost(u, &u->lost, err);
	return rc < 0 ? rc : delete_lost(u, &u->list, err);
}

static bool before(const git_index_time *a, const struct timespec *b)
{
	if (a->seconds != (int32_t)b->tv_sec)
		return a->seconds < (int32_t)b->tv_sec;
	return a->nanoseconds < (uint32_t)b->tv_nsec;
}

static bool same_time(const git_index_time *a, const struct timespec *b)
{
	return a->seconds == (int32_t)b->tv_sec && a->nanoseconds == (uint32_t)b->tv_nsec;
}

/*
 * As git's ie_match_stat: the stat data tell whether a file changed, but for files as young as the index, which may have been changed
 * in the same tick of the clock ("racily clean").
 */
static bool is_untouched(const git_index_entry *e, const struct stat *st, const struct timespec *stamp)
{
	switch (e->mode) {
	case GIT_FILEMODE_COMMIT:
		return S_ISDIR(st->st_mode) && (st->st_mode & 0700) == 0700;
	case GIT_FILEMODE_LINK:
		if (!S_ISLNK(st->st_mode))
			return false;
		break;
	default:
		if (!S_ISREG(st->st_mode) || !(st->st_mode & 0100) != (e->mode == GIT_FILEMODE_BLOB))
			return false;
	}
	return e->file_size == (uint32_t)st->st_size && e->ino == (uint32_t)st->st_ino &&
	       same_time(&e->mtime, &st->st_mtim) && same_time(&e->ctime, &st->st_ctim) &&
	       before(&e->mtime, stamp);
}

int br_worktree_put(struct br_update *u, const struct br_tree_item *item, struct br_err *err)
{
	struct br_checkout *c = &u->t->c;
	git_index_entry entry;
	struct stat st;
	int rc = br_tree_item_put(c, item, &st, err);

	if (rc < 0)
		return rc;
	u->t->linked |= S_ISREG(st.st_mode) && st.st_nlink > 1;
	br_tree_item_entry(item, &st, &entry);
	u->index_changed = true;
	return git_index_add(c->index, &entry) == 0
		       ? 0
		       : br_worktree_fail(err, "cannot add to the private index");
}

static int put_right(struct br_update *u, const git_index_entry *e, struct br_err *err)
{
	br_auto_free char *path = br_strdup(e->path); /* e is replaced */
	git_oid id = e->id;
	struct br_tree_item item = {.path = path, .id = &id, .mode = (uint16_t)e->mode};

	return br_worktree_put(u, &item, err);
}

static int by_path(const void *path, const void *delta)
{
	return strcmp(path, ((const struct br_tree_delta *)delta)->path);
}

static bool is_listed(const struct br_update *u, const char *path)
{
	return u->list.n && bsearch(path, u->list.v, u->list.n, sizeof *u->list.v, by_path);
}

/* A file that both commits share. */
static int restore_one(struct br_update *u, const git_index_entry *e, struct br_err *err)
{
	struct stat st;
	int rc;

	if (br_worktree_is_overlaid(u->t, e->path))
		return 0;
	rc = br_place_stat(&u->t->c.place, e->path, &st, err);
	if (rc > 0)
		u->t->linked |= S_ISREG(st.st_mode) && st.st_nlink > 1;
	if (rc == 0 || (rc > 0 && !is_untouched(e, &st, &u->stamp)))
		rc = put_right(u, e, err);
	return rc < 0 ? rc : 0;
}

static int restore_changed(struct br_update *u, struct br_err *err)
{
	int rc = 0;

	for (char **path = u->changed; rc >= 0 && *path; path++) {
		const git_index_entry *e =
			is_listed(u, *path) ? NULL : git_index_get_bypath(u->t->c.index, *path, 0);

		if (e)
			rc = restore_one(u, e, err);
	}
	return rc;
}

/* Restores the files that both commits share and that a test changed or removed. */
static int restore_shared(struct br_update *u, struct br_err *err)
{
	struct br_checkout *c = &u->t->c;
	size_t n = git_index_entrycount(c->index), next = 0;
	int rc = 0;

	if (u->sure)
		return restore_changed(u, err);
	for (size_t i = 0; rc >= 0 && i < n; i++) {
		const git_index_entry *e = git_index_get_byindex(c->index, i);

		while (next < u->list.n && strcmp(u->list.v[next].path, e->path) < 0)
			next++;
		if (next < u->list.n && strcmp(u->list.v[next].path, e->path) == 0)
			continue;
		rc = restore_one(u, e, err);
	}
	return rc;
}

int br_update_tree(const struct br_update *u, git_tree **out, struct br_err *err)
{
	git_oid real = u->tree;
	int rc = br_overrides_real(&u->t->c.overrides, &real, err);

	if (rc < 0)
		return rc;
	if (git_tree_lookup(out, u->t->c.repo, &real) != 0)
		return br_worktree_fail(err, "cannot read the tree again");
	return 0;
}

static int list_index(struct br_update *u, struct br_err *err)
{
	git_tree *tree = NULL;
	int rc = br_update_tree(u, &tree, err);

	if (rc < 0)
		return rc;
	if (git_index_read_tree(u->t->c.index, tree) != 0)
		rc = br_worktree_fail(err, "cannot list the commit in the private index");
	git_tree_free(tree);
	return rc;
}

/* Takes the lost paths out of the index; many edits are done at once (stat data of entries that stay are kept). */
static int edit_index(struct br_update *u, struct br_err *err)
{
	size_t edits = 0;

	for (size_t i = 0; i < u->list.n; i++)
		edits += !u->list.v[i].old_mode || !u->list.v[i].new_mode;
	if (edits > INDEX_EDITS_MAX)
		return list_index(u, err);
	for (size_t i = 0; i < u->list.n; i++) {
		if (u->list.v[i].new_mode)
			continue;
		if (git_index_remove(u->t->c.index, u->list.v[i].path, 0) != 0)
			return br_worktree_fail(err, "cannot remove from the private index");
	}
	return 0;
}

/* An index without stat data: every file will be compared. */
static int new_index(struct br_update *u, struct br_err *err)
{
	int rc = br_worktree_index_new(u->t, err);

	return rc < 0 ? rc : list_index(u, err);
}

static int write_items(struct br_update *u, struct br_tree_item *item, size_t n, struct br_err *err)
{
	int rc = br_tree_items_prepare(&u->t->c, item, n, err);

	for (size_t i = 0; rc >= 0 && i < n; i++) {
		rc = br_worktree_put(u, &item[i], err);
		if (i % WATCH_EVERY == WATCH_EVERY - 1)
			br_worktree_watch_on(u);
	}
	return rc;
}

static int write_files(struct br_update *u, struct br_err *err)
{
	br_auto_free struct br_tree_item *item = br_calloc(u->list.n + 1, sizeof *item);
	size_t n = 0;

	for (size_t i = 0; i < u->list.n; i++) {
		const struct br_tree_delta *d = &u->list.v[i];

		if (d->new_mode && !br_worktree_is_overlaid(u->t, d->path))
			item[n++] =
				(struct br_tree_item){.path = d->path, .id = &d->new_id, .mode = d->new_mode};
	}
	u->index_changed |= u->list.n > 0;
	return write_items(u, item, n, err);
}

static int change_files(struct br_update *u, struct br_err *err)
{
	int rc = remove_old(u, err);

	u->t->index_is_stale = true; /* until it is on disk */
	if (rc >= 0)
		rc = u->full ? new_index(u, err) : restore_shared(u, err);
	if (rc >= 0 && !u->full)
		rc = edit_index(u, err);
	if (rc >= 0)
		rc = write_files(u, err);
	return rc < 0 ? rc : br_worktree_patch(u, err);
}

static int put_with(struct br_update *u, struct br_err *err)
{
	int rc = 0;

	for (size_t i = 0; rc >= 0 && i < u->nwith; i++)
		rc = br_with_put(&u->t->c, &u->with[i], err);
	return rc;
}

static int mark_clean(struct br_update *u, const struct br_file_id *id, struct br_err *err)
{
	struct br_marker m = {.state = BR_MARKER_CLEAN, .rules = u->t->rules, .index = *id};
	int rc;

	br_strv_add(&m.commits, u->oid);
	for (size_t i = 0; i < u->nwith; i++)
		br_marker_add(&m.with, u->with[i].target);
	for (size_t i = 0; i < br_strv_len(u->patched); i++)
		br_marker_add(&m.with, u->patched[i]);
	rc = br_marker_write(u->t->state, &m, err);
	br_marker_done(&m);
	return rc;
}

int br_worktree_apply(struct br_update *u, struct br_err *err)
{
	struct br_file_id id = {0};
	int rc = u->was.state == BR_MARKER_NONE ? wipe(u, err) : 0;

	if (rc >= 0)
		rc = mark_busy(u, err);
	if (rc >= 0)
		rc = change_files(u, err);
	if (rc >= 0)
		rc = br_worktree_home_save(u, &id, err);
	if (rc >= 0)
		rc = br_worktree_modules_update(u, err);
	if (rc >= 0)
		rc = put_with(u, err);
	return rc < 0 ? rc : mark_clean(u, &id, err);
}
