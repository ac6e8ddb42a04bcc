/* tree_place.c - files below one root, without ever following a link. */
#include "domain/tree_place.h"

#include "bisect_run/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "sys/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { DIR_FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, CHUNK = 1 << 16 };

void br_place_init(struct br_place *p, int root)
{
	mode_t mask = umask(0);

	(void)umask(mask);
	*p = (struct br_place){.root = root, .dir_fd = -1, .umask = mask};
}

void br_place_forget(struct br_place *p)
{
	if (p->dir_fd >= 0)
		(void)close(p->dir_fd);
	free(p->dir);
	p->dir_fd = -1;
	p->dir = NULL;
}

void br_place_done(struct br_place *p)
{
	br_place_forget(p);
	if (p->root >= 0)
		(void)close(p->root);
	p->root = -1;
}

/* A name that this file system cannot hold is the candidate's fault, not the machine's. */
static int fail(const char *what, const char *path, struct br_err *err)
{
	int saved = errno;
	br_auto_free char *clean = br_text_clean(path, strlen(path), false);

	if (saved == ENAMETOOLONG)
		return br_fail(err, BR_ECORRUPT,
			       "cannot %s \"%s\": the name is too long for this file system", what, clean);
	errno = saved;
	return br_fail_errno(err, "cannot %s \"%s\" in the private work tree", what, clean);
}

/* A test may have taken the permissions of a folder away; true when it is worth trying again. */
static bool unlock(const struct br_place *p, int fd, bool *tried)
{
	if (errno != EACCES || *tried)
		return false;
	*tried = true;
	if (fchmod(fd, 0777 & ~p->umask) != 0)
		errno = EACCES;
	return true;
}

static int remove_tree(int fd, const char *name, struct br_err *err)
{
	char path[PATH_MAX + 64];

	(void)snprintf(path, sizeof path, "/proc/self/fd/%d/%s", fd, name);
	return br_dir_remove(path, err);
}

/* Removes whatever is called name in the folder fd. */
static int clear(const struct br_place *p, int fd, const char *name, struct br_err *err)
{
	bool tried = false;
	int rc;

	do
		rc = unlinkat(fd, name, 0);
	while (rc != 0 && unlock(p, fd, &tried));
	if (rc == 0 || errno == ENOENT)
		return 0;
	if (errno == EISDIR || errno == EPERM)
		return remove_tree(fd, name, err);
	return fail("remove", name, err);
}

/* Gives the permissions of a folder back. Failing is fine: what needs them says so. */
static void open_up(const struct br_place *p, int fd, const char *name)
{
	struct stat st;

	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(st.st_mode) ||
	    (st.st_mode & 0700) == 0700)
		return;
	if (fchmodat(fd, name, 0777 & ~p->umask, 0) != 0)
		return;
}

/* Opens the folder name in fd, putting right what is in the way; -1 with errno set. */
static int enter(const struct br_place *p, int fd, const char *name, bool make)
{
	bool unlocked = false, unlocked_name = false;

	for (int tries = 0; tries < 6; tries++) {
		int next = openat(fd, name, DIR_FLAGS);

		if (next >= 0)
			return next;
		if (errno == ENOENT && make) {
			if (mkdirat(fd, name, 0777) != 0 && !unlock(p, fd, &unlocked))
				return -1;
		} else if ((errno == ENOTDIR || errno == ELOOP) && make) {
			if (unlinkat(fd, name, 0) != 0 && !unlock(p, fd, &unlocked))
				return -1;
		} else if (errno == EACCES && unlocked_name) {
			return -1;
		} else if (errno == EACCES) {
			(void)fchmod(fd, 0777 & ~p->umask);
			open_up(p, fd, name);
			unlocked_name = true;
		} else {
			return -1;
		}
	}
	return -1;
}

static int walk_to(const struct br_place *p, char *dir, bool make)
{
	int fd = fcntl(p->root, F_DUPFD_CLOEXEC, 3);
	char *rest = dir;

	while (fd >= 0 && rest && *rest) {
		char *slash = strchr(rest, '/');
		int next, saved;

		if (slash)
			*slash = '\0';
		next = enter(p, fd, rest, make);
		saved = errno;
		(void)close(fd);
		errno = saved;
		fd = next;
		rest = slash ? slash + 1 : NULL;
	}
	return fd;
}

/* -1 with errno set; old kernels, containers and valgrind know no openat2. */
static int open_beneath(struct br_place *p, const char *dir)
{
	struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};
	int fd;

	if (p->no_openat2) {
		errno = ENOSYS;
		return -1;
	}
	fd = (int)syscall(SYS_openat2, p->root, dir, &how, sizeof how);
	p->no_openat2 = fd < 0 && (errno == ENOSYS || errno == EPERM);
	return fd;
}

/* For root an open does not fail where it would for others, but the next test may not be root: each folder on the way to dir, which holds no links, but those that it shares with the folder before. */
static void give_access_to(const struct br_place *p, const char *before, const char *dir)
{
	br_auto_free char *part = br_strdup(dir);
	size_t same = 0;

	while (before && dir[same] && dir[same] == before[same])
		same++;
	for (size_t i = same; dir[i]; i++) {
		if (dir[i] != '/')
			continue;
		part[i] = '\0';
		open_up(p, p->root, part);
		part[i] = '/';
	}
	if (*dir)
		open_up(p, p->root, dir);
}

/* Opens the folder that holds path (p->dir_fd) and points *name at its last part. BR_ENOTFOUND unless make. */
static int parent(struct br_place *p, const char *path, bool make, const char **name, struct br_err *err)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) : 0;
	br_auto_free char *parts = NULL, *before = NULL;

	*name = slash ? slash + 1 : path;
	if (p->dir_fd >= 0 && strlen(p->dir) == n && memcmp(p->dir, path, n) == 0)
		return 0;
	before = br_steal(&p->dir);
	br_place_forget(p);
	p->dir = br_strndup(path, n);
	p->dir_fd = n ? open_beneath(p, p->dir) : fcntl(p->root, F_DUPFD_CLOEXEC, 3);
	if (p->dir_fd < 0) {
		parts = br_strdup(p->dir);
		p->dir_fd = walk_to(p, parts, make);
	}
	if (p->dir_fd >= 0) {
		give_access_to(p, before, p->dir);
		return 0;
	}
	if (!make && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == ENAMETOOLONG))
		return BR_ENOTFOUND;
	return fail("make the folder of", path, err);
}

static int look(const struct br_place *p, const char *name, struct stat *st)
{
	bool tried = false;
	int rc;

	do
		rc = fstatat(p->dir_fd, name, st, AT_SYMLINK_NOFOLLOW);
	while (rc != 0 && unlock(p, p->dir_fd, &tried));
	return rc;
}

int br_place_stat(struct br_place *p, const char *path, struct stat *st, struct br_err *err)
{
	const char *name;
	int rc = parent(p, path, false, &name, err);

	if (rc == BR_ENOTFOUND)
		return 0;
	if (rc < 0)
		return rc;
	if (look(p, name, st) == 0)
		return 1;
	return errno == ENOENT || errno == ENAMETOOLONG ? 0 : fail("look at", path, err);
}

static bool holds(int fd, const char *data, size_t n)
{
	br_auto_free char *chunk = br_malloc(CHUNK);
	size_t at = 0;

	for (;;) {
		ssize_t got = read(fd, chunk, CHUNK);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got == 0 && at == n;
		if ((size_t)got > n - at || memcmp(chunk, data + at, (size_t)got) != 0)
			return false;
		at += (size_t)got;
	}
}

/* True when the file is there already; only its permissions are put right, so that builds see no change. */
static bool is_there(const struct br_place *p, const char *name, const void *data, size_t n, mode_t perm,
		     struct stat *st)
{
	br_auto_fd int fd = -1;

	if (look(p, name, st) != 0 || !S_ISREG(st->st_mode) || (uint64_t)st->st_size != n)
		return false;
	fd = openat(p->dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, st) != 0 || !S_ISREG(st->st_mode) || !holds(fd, data, n))
		return false;
	if ((st->st_mode & 07777) == perm)
		return true;
	return fchmod(fd, perm) == 0 && fstat(fd, st) == 0;
}

static int write_all(int fd, const char *data, size_t n)
{
	while (n) {
		ssize_t put = write(fd, data, n);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -1;
		data += put;
		n -= (size_t)put;
	}
	return 0;
}

/*
 * Writes into the file that is there. Not when it has another name (a hard link that a test made), which must not change
 * with it, or another owner. A new file for each change would be simpler, but that is most of what a step
 * costs: ext4 passes over all inodes that were freed in the last five seconds, one by one.
 */
static bool overwrite(const struct br_place *p, const char *name, const void *data, size_t n, mode_t perm,
		      struct stat *st)
{
	br_auto_fd int fd = -1;

	if (look(p, name, st) != 0 || !S_ISREG(st->st_mode))
		return false;
	fd = openat(p->dir_fd, name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, st) != 0 || !S_ISREG(st->st_mode) || st->st_nlink != 1 ||
	    st->st_uid != geteuid() || (st->st_mode & 07777) != perm)
		return false;
	if (write_all(fd, data, n) != 0 || ((uint64_t)st->st_size > n && ftruncate(fd, (off_t)n) != 0))
		return false;
	return fstat(fd, st) == 0;
}

static int create(const struct br_place *p, const char *name, mode_t perm)
{
	bool tried = false;
	int fd;

	do
		fd = openat(p->dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, perm);
	while (fd < 0 && unlock(p, p->dir_fd, &tried));
	return fd;
}

int br_place_file(struct br_place *p, const char *path, const void *data, size_t n, mode_t perm,
		  struct stat *st, struct br_err *err)
{
	br_auto_fd int fd = -1;
	const char *name;
	int rc = parent(p, path, true, &name, err);

	if (rc < 0 || is_there(p, name, data, n, perm, st) || overwrite(p, name, data, n, perm, st))
		return rc;
	rc = clear(p, p->dir_fd, name, err);
	if (rc < 0)
		return rc;
	fd = create(p, name, perm);
	if (fd < 0 || write_all(fd, data, n) != 0 || fstat(fd, st) != 0)
		return fail("write", path, err);
	return 0;
}

int br_place_link(struct br_place *p, const char *path, const char *to, struct stat *st, struct br_err *err)
{
	const char *name;
	br_auto_free char *now = br_malloc(PATH_MAX);
	ssize_t n;
	int rc = parent(p, path, true, &name, err);

	if (rc < 0)
		return rc;
	n = readlinkat(p->dir_fd, name, now, PATH_MAX);
	if (n < 0 || (size_t)n != strlen(to) || memcmp(now, to, (size_t)n) != 0) {
		rc = clear(p, p->dir_fd, name, err);
		if (rc < 0)
			return rc;
		if (symlinkat(to, p->dir_fd, name) != 0)
			return fail("make the link", path, err);
	}
	return look(p, name, st) == 0 ? 0 : fail("look at", path, err);
}

int br_place_dir(struct br_place *p, const char *path, struct stat *st, struct br_err *err)
{
	const char *name;
	br_auto_fd int fd = -1;
	int rc = parent(p, path, true, &name, err);

	if (rc < 0)
		return rc;
	fd = enter(p, p->dir_fd, name, true);
	open_up(p, p->dir_fd, name);
	return fd >= 0 && fstat(fd, st) == 0 ? 0 : fail("make the folder", path, err);
}

int br_place_open(struct br_place *p, const char *path, struct br_err *err)
{
	const char *name;
	struct stat st;
	int fd, rc = br_place_dir(p, path, &st, err);

	if (rc >= 0)
		rc = parent(p, path, true, &name, err);
	if (rc < 0)
		return rc;
	fd = openat(p->dir_fd, name, DIR_FLAGS);
	return fd >= 0 ? fd : fail("open", path, err);
}

static int pour(int from, int to)
{
	br_auto_free char *chunk = br_malloc(CHUNK);

	for (;;) {
		ssize_t got = read(from, chunk, CHUNK);

		if (got == 0)
			return 0;
		if (got < 0 && errno != EINTR)
			return -1;
		if (got > 0 && write_all(to, chunk, (size_t)got) != 0)
			return -1;
	}
}

int br_place_copy(struct br_place *p, const char *path, int fd, mode_t perm, struct br_err *err)
{
	br_auto_fd int to = -1;
	const char *name;
	int rc = parent(p, path, true, &name, err);

	if (rc >= 0)
		rc = clear(p, p->dir_fd, name, err);
	if (rc < 0)
		return rc;
	to = create(p, name, 0600);
	if (to < 0 || pour(fd, to) != 0 || fchmod(to, perm) != 0)
		return fail("copy to", path, err);
	return 0;
}

/* Takes away the folders above path, from the innermost, as long as they are empty. */
static int prune(struct br_place *p, const char *path, struct br_err *err)
{
	br_auto_free char *up = br_strdup(path);
	char *slash;

	while ((slash = strrchr(up, '/'))) {
		const char *name;
		int rc;

		*slash = '\0';
		rc = parent(p, up, false, &name, err);
		if (rc == BR_ENOTFOUND)
			continue;
		if (rc < 0)
			return rc;
		if (unlinkat(p->dir_fd, name, AT_REMOVEDIR) != 0 && errno != ENOENT)
			return 0;
	}
	return 0;
}

int br_place_delete(struct br_place *p, const char *path, struct br_err *err)
{
	const char *name;
	bool tried = false;
	int rc = parent(p, path, false, &name, err);

	if (rc == BR_ENOTFOUND)
		return prune(p, path, err);
	if (rc < 0)
		return rc;
	do
		rc = unlinkat(p->dir_fd, name, 0);
	while (rc != 0 && unlock(p, p->dir_fd, &tried));
	if (rc != 0 && (errno == EISDIR || errno == EPERM))
		rc = unlinkat(p->dir_fd, name, AT_REMOVEDIR);
	if (rc != 0 && errno != ENOENT && errno != ENAMETOOLONG && errno != ENOTEMPTY && errno != EEXIST)
		return fail("remove", path, err);
	return prune(p, path, err);
}

int br_place_remove(struct br_place *p, const char *path, struct br_err *err)
{
	const char *name;
	int rc = parent(p, path, false, &name, err);

	if (rc != BR_ENOTFOUND) {
		if (rc >= 0)
			rc = clear(p, p->dir_fd, name, err);
		if (rc < 0)
			return rc;
	}
	return prune(p, path, err);
}

static int wipe_entries(struct br_place *p, DIR *d, const char *keep, struct br_err *err)
{
	struct dirent *e;

	for (errno = 0; (e = readdir(d)); errno = 0) {
		int rc;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
		    strcmp(e->d_name, keep) == 0)
			continue;
		rc = clear(p, dirfd(d), e->d_name, err);
		if (rc < 0)
			return rc;
	}
	return errno ? br_fail_errno(err, "cannot read the private work tree") : 0;
}

int br_place_wipe(struct br_place *p, const char *keep, struct br_err *err)
{
	int fd, rc;
	DIR *d;

	br_place_forget(p);
	(void)fchmod(p->root, 0777 & ~p->umask);
	fd = openat(p->root, ".", DIR_FLAGS);
	d = fd >= 0 ? fdopendir(fd) : NULL;
	if (!d) {
		rc = br_fail_errno(err, "cannot read the private work tree");
		if (fd >= 0)
			(void)close(fd);
		return rc;
	}
	rc = wipe_entries(p, d, keep, err);
	(void)closedir(d);
	return rc;
}
