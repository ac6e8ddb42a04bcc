/* tree_with.c - copies what --with names into the private work tree. */
#include "domain/tree_with.h"

#include "bisect_run/err.h"
#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

/* More is no test that someone wants in every tree but a mistake: a whole disk, or a folder that holds itself. */
enum { ENTRIES_MAX = 1000000 };

int br_with_check(const struct br_with *with, size_t n, struct br_err *err)
{
	for (size_t i = 0; i < n; i++) {
		if (!br_tree_path_ok(with[i].target))
			return br_fail(err, BR_EUSAGE, "--with: \"%s\" does not lie inside the work tree",
				       with[i].target);
		if (!with[i].source == !with[i].rev)
			return br_fail(err, BR_EUSAGE, "--with %s: needs either a file or a revision",
				       with[i].target);
	}
	return 0;
}

/* Folders that are still to be copied, as pairs of source and target. */
struct copy {
	struct br_checkout *c;
	char **from, **to; /* br_strv */
	size_t entries;
	struct stat top; /* the work tree itself, never copied into itself */
};

static int fail_source(const char *path, struct br_err *err)
{
	return errno == ENOENT ? br_fail(err, BR_ESTATE, "--with: there is no file %s", path)
			       : br_fail_errno(err, "--with: cannot read %s", path);
}

static int copy_file(struct copy *k, const char *from, const char *to, struct br_err *err)
{
	br_auto_fd int fd = open(from, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		return fail_source(from, err);
	if (!S_ISREG(st.st_mode))
		return br_fail(err, BR_ESTATE, "--with: %s changed while it was copied", from);
	return br_place_copy(&k->c->place, to, fd, st.st_mode & 0777, err);
}

static int copy_link(struct copy *k, const char *from, const char *to, struct br_err *err)
{
	br_auto_free char *target = br_calloc(1, PATH_MAX + 1);
	struct stat st;

	if (readlink(from, target, PATH_MAX) < 0)
		return fail_source(from, err);
	return br_place_link(&k->c->place, to, target, &st, err);
}

static int copy_one(struct copy *k, const char *from, const char *to, struct br_err *err)
{
	struct stat st, made;

	if (++k->entries > ENTRIES_MAX)
		return br_fail(err, BR_ESTATE, "--with: more than %d files", ENTRIES_MAX);
	if (lstat(from, &st) != 0)
		return fail_source(from, err);
	if (S_ISREG(st.st_mode))
		return copy_file(k, from, to, err);
	if (S_ISLNK(st.st_mode))
		return copy_link(k, from, to, err);
	if (!S_ISDIR(st.st_mode))
		return br_fail(err, BR_ESTATE, "--with: %s is no file, folder or symbolic link", from);
	if (st.st_ino == k->top.st_ino && st.st_dev == k->top.st_dev)
		return 0;
	br_strv_add(&k->from, from);
	br_strv_add(&k->to, to);
	return br_place_dir(&k->c->place, to, &made, err);
}

static int copy_folder(struct copy *k, const char *from, const char *to, struct br_err *err)
{
	DIR *d = opendir(from);
	struct dirent *e;
	int rc = 0;

	if (!d)
		return fail_source(from, err);
	while (rc >= 0 && (e = readdir(d))) {
		br_auto_free char *below = NULL, *target = NULL;

		/* "." and "..", and the .git of a nested repository: git would not take it either. */
		if (!br_tree_name_ok(e->d_name, strlen(e->d_name)))
			continue;
		below = br_asprintf("%s/%s", from, e->d_name);
		target = br_asprintf("%s/%s", to, e->d_name);
		rc = copy_one(k, below, target, err);
	}
	(void)closedir(d);
	return rc;
}

/* Takes the last string out of a vector. The caller frees. */
static char *take_last(char **v)
{
	size_t n = br_strv_len(v);

	return n ? br_steal(&v[n - 1]) : NULL;
}

static int put_source(struct br_checkout *c, const struct br_with *with, struct br_err *err)
{
	struct copy k = {.c = c};
	int rc;

	if (fstat(c->place.root, &k.top) != 0)
		return br_fail_errno(err, "cannot read the private work tree");
	rc = copy_one(&k, with->source, with->target, err);
	while (rc >= 0 && br_strv_len(k.from)) {
		br_auto_free char *from = take_last(k.from), *to = take_last(k.to);

		rc = copy_folder(&k, from, to, err);
	}
	br_strv_free(k.from);
	br_strv_free(k.to);
	return rc;
}

static int put_subtree(struct br_checkout *c, const struct br_with *with, const git_oid *tree,
		       struct br_err *err)
{
	struct br_tree_source src = {.repo = c->repo, .overrides = &c->overrides};
	struct br_tree_deltas list = {0};
	struct stat st;
	int rc = br_tree_deltas_of(&src, NULL, tree, &list, err);

	if (rc >= 0)
		rc = br_place_dir(&c->place, with->target, &st, err);
	for (size_t i = 0; rc >= 0 && i < list.n; i++) {
		br_auto_free char *path = br_asprintf("%s/%s", with->target, list.v[i].path);
		struct br_tree_item item = {
			.path = path, .id = &list.v[i].new_id, .mode = list.v[i].new_mode};

		rc = br_tree_item_put(c, &item, &st, err);
	}
	br_tree_deltas_done(&list);
	return rc;
}

static int put_rev(struct br_checkout *c, const struct br_with *with, struct br_err *err)
{
	git_oid root;
	git_tree *tree = NULL;
	git_tree_entry *entry = NULL;
	struct br_tree_item item = {.path = with->target};
	struct stat st;
	int rc = br_tree_of_commit(c, with->rev, &root, err);

	if (rc < 0)
		return rc;
	if (git_tree_lookup(&tree, c->repo, &root) != 0)
		return br_fail(err, BR_ECORRUPT, "the tree of %s is damaged or missing", with->rev);
	if (git_tree_entry_bypath(&entry, tree, with->target) != 0) {
		rc = br_fail(err, BR_ESTATE, "--with: %.12s has no %s", with->rev, with->target);
	} else if (git_tree_entry_filemode(entry) == GIT_FILEMODE_TREE) {
		rc = put_subtree(c, with, git_tree_entry_id(entry), err);
	} else {
		item.id = git_tree_entry_id(entry);
		item.mode = (uint16_t)git_tree_entry_filemode(entry);
		rc = br_tree_item_put(c, &item, &st, err);
	}
	git_tree_entry_free(entry);
	git_tree_free(tree);
	return rc;
}

int br_with_put(struct br_checkout *c, const struct br_with *with, struct br_err *err)
{
	int rc = br_place_remove(&c->place, with->target, err);

	if (rc < 0)
		return rc;
	return with->source ? put_source(c, with, err) : put_rev(c, with, err);
}
