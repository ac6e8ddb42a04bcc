/* tree_entry.c - from an entry of a tree to a file. */
#include "domain/tree_entry.h"

#include "bisect_run/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "domain/repo_private.h"

#include <limits.h>
#include <string.h>

static const char *git_says(void)
{
	const git_error *e = git_error_last();

	return e ? e->message : "unknown error";
}

int br_tree_of_commit(struct br_checkout *c, const char *oid, git_oid *tree, struct br_err *err)
{
	git_oid id;
	git_commit *commit = NULL;
	int rc;

	if (strlen(oid) != GIT_OID_HEXSZ || git_oid_fromstr(&id, oid) != 0)
		return br_fail(err, BR_ESTATE, "\"%.80s\" is not a full commit id", oid);
	rc = br_overrides_real(&c->overrides, &id, err);
	if (rc < 0)
		return rc;
	if (git_commit_lookup(&commit, c->repo, &id) != 0)
		return br_fail(err, BR_ECORRUPT, "commit %s is damaged or missing: %s", oid, git_says());
	*tree = *git_commit_tree_id(commit);
	git_commit_free(commit);
	return 0;
}

static int fail_blob(const struct br_tree_item *item, const char *why, struct br_err *err)
{
	char hex[GIT_OID_HEXSZ + 1];
	br_auto_free char *clean = br_text_clean(item->path, strlen(item->path), false);

	return br_fail(err, BR_ECORRUPT, "object %s (\"%s\") %s", git_oid_tostr(hex, sizeof hex, item->id),
		       clean, why);
}

static char *why_unreadable(const struct br_checkout *c)
{
	br_auto_free char *said = br_strdup(git_says());

	if (br_config_is_partial(c->convert.config))
		return br_asprintf(
			"was not downloaded (this clone is partial, and nothing is fetched here): git "
			"checkout that commit once, or git fetch --refetch --no-filter");
	return br_asprintf("is damaged or missing: %s", said);
}

static int read_blob(struct br_checkout *c, const struct br_tree_item *item, git_odb_object **out,
		     struct br_err *err)
{
	git_oid id = *item->id;
	int rc = br_overrides_real(&c->overrides, &id, err);

	if (rc < 0)
		return rc;
	if (git_odb_read(out, c->odb, &id) != 0) {
		br_auto_free char *why = why_unreadable(c);

		return fail_blob(item, why, err);
	}
	if (git_odb_object_type(*out) == GIT_OBJECT_BLOB)
		return 0;
	git_odb_object_free(*out);
	return fail_blob(item, "is not the contents of a file", err);
}

static int put_link(struct br_checkout *c, const struct br_tree_item *item, git_odb_object *o,
		    struct stat *st, struct br_err *err)
{
	const char *data = git_odb_object_data(o);
	size_t n = git_odb_object_size(o);
	br_auto_free char *to = NULL;

	if (n == 0 || n >= PATH_MAX || memchr(data, 0, n))
		return fail_blob(item, "is no possible target of a symbolic link", err);
	to = br_strndup(data, n);
	return br_place_link(&c->place, item->path, to, st, err);
}

static bool is_file(const struct br_tree_item *item)
{
	return item->mode == GIT_FILEMODE_BLOB || item->mode == GIT_FILEMODE_BLOB_EXECUTABLE;
}

static int find_out(struct br_checkout *c, struct br_tree_item *item, struct br_err *err)
{
	int rc = is_file(item) ? br_convert_needs_git(&c->convert, item->path, err) : 0;

	if (rc >= 0)
		item->bytes = rc ? BR_BYTES_BY_GIT : BR_BYTES_OF_BLOB;
	return rc;
}

int br_tree_items_prepare(struct br_checkout *c, struct br_tree_item *item, size_t n, struct br_err *err)
{
	bool any = false;
	int rc = 0;

	for (size_t i = 0; rc >= 0 && i < n; i++) {
		rc = find_out(c, &item[i], err);
		any |= item[i].bytes == BR_BYTES_BY_GIT;
	}
	if (rc < 0 || !any)
		return rc;
	rc = br_filter_begin(&c->workshop, c->index, err);
	for (size_t i = 0; rc >= 0 && i < n; i++) {
		git_oid id = *item[i].id;

		if (item[i].bytes != BR_BYTES_BY_GIT)
			continue;
		rc = br_overrides_real(&c->overrides, &id, err);
		if (rc >= 0)
			rc = br_workshop_add(&c->workshop, item[i].path, &id, item[i].mode, err);
	}
	return rc < 0 ? rc : br_filter_run(&c->workshop, err);
}

static mode_t perm_of(const struct br_checkout *c, const struct br_tree_item *item)
{
	return (item->mode == GIT_FILEMODE_BLOB_EXECUTABLE ? 0777 : 0666) & ~c->place.umask;
}

static int put_by_git(struct br_checkout *c, const struct br_tree_item *item, struct stat *st,
		      struct br_err *err)
{
	struct br_tree_item one = *item;
	struct br_filtered bytes = {0};
	git_oid id = *item->id;
	int rc = br_overrides_real(&c->overrides, &id, err);

	if (rc >= 0)
		rc = br_filter_take(&c->workshop, item->path, &id, &bytes, err);
	if (rc == 0) {
		rc = br_tree_items_prepare(c, &one, 1, err);
		if (rc >= 0)
			rc = br_filter_take(&c->workshop, item->path, &id, &bytes, err);
	}
	if (rc >= 0)
		rc = br_place_file(&c->place, item->path, bytes.data, bytes.n, perm_of(c, item), st, err);
	free(bytes.data);
	return rc;
}

static int put_blob(struct br_checkout *c, const struct br_tree_item *item, struct stat *st,
		    struct br_err *err)
{
	git_odb_object *o = NULL;
	int rc = read_blob(c, item, &o, err);

	if (rc < 0)
		return rc;
	if (item->mode == GIT_FILEMODE_LINK)
		rc = put_link(c, item, o, st, err);
	else
		rc = br_place_file(&c->place, item->path, git_odb_object_data(o), git_odb_object_size(o),
				   perm_of(c, item), st, err);
	git_odb_object_free(o);
	return rc;
}

int br_tree_item_put(struct br_checkout *c, const struct br_tree_item *item, struct stat *st,
		     struct br_err *err)
{
	struct br_tree_item one = *item;
	int rc = 0;

	if (item->mode == GIT_FILEMODE_COMMIT) /* a submodule: its files come last (worktree_modules.c) */
		return br_place_dir(&c->place, item->path, st, err);
	if (one.bytes == BR_BYTES_UNKNOWN)
		rc = find_out(c, &one, err);
	if (rc < 0)
		return rc;
	return one.bytes == BR_BYTES_BY_GIT ? put_by_git(c, &one, st, err) : put_blob(c, &one, st, err);
}

void br_tree_item_entry(const struct br_tree_item *item, const struct stat *st, git_index_entry *out)
{
	*out = (git_index_entry){.path = item->path, .id = *item->id, .mode = item->mode};
	out->ctime.seconds = (int32_t)st->st_ctim.tv_sec;
	out->ctime.nanoseconds = (uint32_t)st->st_ctim.tv_nsec;
	out->mtime.seconds = (int32_t)st->st_mtim.tv_sec;
	out->mtime.nanoseconds = (uint32_t)st->st_mtim.tv_nsec;
	out->dev = (uint32_t)st->st_dev;
	out->ino = (uint32_t)st->st_ino;
	out->uid = st->st_uid;
	out->gid = st->st_gid;
	out->file_size = item->mode == GIT_FILEMODE_COMMIT ? 0 : (uint32_t)st->st_size;
}
