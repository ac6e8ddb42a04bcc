/* tree_entry.c - from an entry of a tree to a file. */
#include "domain/tree_entry.h"

#include "bisect_run/err.h"
#include "base/mem.h"
#include "base/text.h"

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

static int read_blob(struct br_checkout *c, const struct br_tree_item *item, git_odb_object **out,
		     struct br_err *err)
{
	git_oid id = *item->id;
	int rc = br_overrides_real(&c->overrides, &id, err);

	if (rc < 0)
		return rc;
	if (git_odb_read(out, c->odb, &id) != 0) {
		br_auto_free char *why = br_asprintf("is damaged or missing: %s", git_says());

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

static int put_file(struct br_checkout *c, const struct br_tree_item *item, git_odb_object *o,
		    struct stat *st, struct br_err *err)
{
	mode_t perm = (item->mode == GIT_FILEMODE_BLOB_EXECUTABLE ? 0777 : 0666) & ~c->place.umask;
	struct br_convert_blob blob = {
		.path = item->path,
		.id = item->id,
		.data = git_odb_object_data(o),
		.n = git_odb_object_size(o),
	};
	br_auto_free char *own = NULL;
	size_t n;
	int rc = br_convert_apply(&c->convert, &blob, &own, &n, err);

	if (rc < 0)
		return rc;
	return br_place_file(&c->place, item->path, own ? own : blob.data, n, perm, st, err);
}

int br_tree_item_put(struct br_checkout *c, const struct br_tree_item *item, struct stat *st,
		     struct br_err *err)
{
	git_odb_object *o = NULL;
	int rc;

	if (item->mode == GIT_FILEMODE_COMMIT) /* a submodule that is not populated: an empty folder */
		return br_place_dir(&c->place, item->path, st, err);
	rc = read_blob(c, item, &o, err);
	if (rc < 0)
		return rc;
	rc = item->mode == GIT_FILEMODE_LINK ? put_link(c, item, o, st, err) : put_file(c, item, o, st, err);
	git_odb_object_free(o);
	return rc;
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
