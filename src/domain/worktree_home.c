/* worktree_home.c - the private .git of a work tree: the folder, its index, HEAD and commondir. */
#include "domain/worktree_private.h"

#include "bisect_run/err.h"
#include "base/mem.h"
#include "sys/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <git2/sys/repository.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static bool is_ours(const char *name)
{
	static const char *const ours[] = {"HEAD", "index", "commondir", "bisect-run-state",
					   "bisect-run-index"};

	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
		if (strcmp(name, ours[i]) == 0)
			return true;
	}
	return false;
}

/* Removes what git or a test left there (locks, a merge, sparse rules, settings): it would change how git works next time. */
static int clean_git_dir(struct br_worktree *t, struct br_err *err)
{
	DIR *d = opendir(t->git_dir);
	struct dirent *e;
	int rc = 0;

	if (!d)
		return br_fail_errno(err, "cannot read %s", t->git_dir);
	while (rc >= 0 && (e = readdir(d))) {
		br_auto_free char *path = NULL;
		struct stat st;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (is_ours(e->d_name) && fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode))
			continue;
		path = br_asprintf("%s/%s", t->git_dir, e->d_name);
		rc = br_dir_remove(path, err);
	}
	(void)closedir(d);
	return rc;
}

static int write_if_other(const char *path, const char *text, struct br_err *err)
{
	br_auto_free char *now = NULL;
	size_t n = 0, want = strlen(text);

	if (br_file_read(path, want + 1, &now, &n, NULL) == 0 && n == want && memcmp(now, text, n) == 0)
		return 0;
	return br_file_write(path, text, want, err);
}

/* Makes sure of the folder itself: a link there would lead our writing elsewhere. */
int br_worktree_home_make(struct br_worktree *t, struct br_err *err)
{
	struct stat st;

	if (fstat(t->c.place.root, &st) == 0 && (st.st_mode & 0700) != 0700)
		(void)fchmod(t->c.place.root, 0777 & ~t->c.place.umask);
	if (lstat(t->git_dir, &st) == 0 && !S_ISDIR(st.st_mode) && unlink(t->git_dir) != 0)
		return br_fail_errno(err, "cannot remove %s", t->git_dir);
	if (mkdir(t->git_dir, 0777) != 0 && errno != EEXIST)
		return br_fail_errno(err, "cannot make %s", t->git_dir);
	if (lstat(t->git_dir, &st) == 0 && (st.st_mode & 0700) != 0700)
		(void)chmod(t->git_dir, 0777 & ~t->c.place.umask);
	return clean_git_dir(t, err);
}

static int write_commondir(struct br_worktree *t, struct br_err *err)
{
	br_auto_free char *line = br_asprintf("%s\n", t->common_dir);

	return write_if_other(t->commondir_file, line, err);
}

static int use_index(struct br_worktree *t, struct br_err *err)
{
	git_index *index = NULL;

	if (git_index_open(&index, t->own_index) != 0)
		return br_worktree_fail(err, "cannot open the private index");
	git_index_free(t->c.index);
	t->c.index = index;
	/* Attributes are looked up in it, and remembered. */
	if (git_repository_set_index(t->c.repo, index) != 0 || git_attr_cache_flush(t->c.repo) != 0)
		return br_worktree_fail(err, "cannot use the private index");
	return 0;
}

bool br_worktree_index_load(struct br_worktree *t, const struct br_file_id *want, struct timespec *stamp)
{
	struct stat st;
	struct br_file_id id;

	if (lstat(t->own_index, &st) != 0)
		return false;
	id = br_file_id_of(&st);
	if (!br_file_id_equal(&id, want))
		return false;
	*stamp = st.st_mtim;
	if (t->index_is_stale && use_index(t, NULL) < 0)
		return false;
	t->index_is_stale = false;
	return true;
}

int br_worktree_index_new(struct br_worktree *t, struct br_err *err)
{
	t->index_is_stale = true;
	if (unlink(t->own_index) != 0 && errno != ENOENT)
		return br_fail_errno(err, "cannot remove %s", t->own_index);
	return use_index(t, err);
}

/* Gives git its index: the same file, which git replaces and never writes in place. */
static int publish_index(struct br_worktree *t, struct br_err *err)
{
	br_auto_free char *temp = br_asprintf("%s/bisect-run-link", t->git_dir);
	struct stat own, theirs;

	if (lstat(t->own_index, &own) != 0)
		return br_fail_errno(err, "cannot find %s", t->own_index);
	if (lstat(t->index, &theirs) == 0 && own.st_ino == theirs.st_ino && own.st_dev == theirs.st_dev)
		return 0;
	if (link(t->own_index, temp) == 0 && rename(temp, t->index) == 0)
		return 0;
	(void)unlink(temp);
	return br_file_copy(t->own_index, t->index, err); /* a file system without hard links */
}

static int save_index(struct br_update *u, struct br_file_id *id, struct br_err *err)
{
	struct br_worktree *t = u->t;
	struct stat st;

	if ((u->index_changed || u->full) && git_index_write(t->c.index) != 0)
		return br_git_fail_write(err, "cannot write the private index");
	if (lstat(t->own_index, &st) != 0)
		return br_fail_errno(err, "cannot find %s", t->own_index);
	*id = br_file_id_of(&st);
	t->index_is_stale = false;
	return publish_index(t, err);
}

int br_worktree_home_save(struct br_update *u, struct br_file_id *id, struct br_err *err)
{
	br_auto_free char *line = br_asprintf("%s\n", u->oid);
	int rc = save_index(u, id, err);

	if (rc >= 0)
		rc = write_commondir(u->t, err);
	return rc < 0 ? rc : write_if_other(u->t->head, line, err);
}
