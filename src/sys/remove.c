/*
 * remove.c - removes a folder with all in it, whatever a test left there.
 *
 * Down to DEPTH_MAX levels it goes by descriptors, one a level. A folder that lies deeper is moved up into
 * the top folder first and removed from there: depth costs neither descriptors nor memory, and no path ever
 * gets too long. Mounts are never entered: what lies behind one is not ours.
 */
#include "sys/file.h"

#include "bisect_run/err.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	DEPTH_MAX = 32,
	PASSES_MAX = 64, /* without progress: something fills the folder while we empty it */
};

struct removal {
	int top;		 /* the folder to be emptied */
	uint64_t moved;		 /* folders moved up so far; names them too */
	uint64_t gone;		 /* entries removed so far */
	int errnum;		 /* of the first failure; 0: none */
	char name[NAME_MAX + 1]; /* that it was about */
};

static void note(struct removal *r, const char *name)
{
	if (r->errnum)
		return;
	r->errnum = errno;
	(void)snprintf(r->name, sizeof r->name, "%s", name);
}

/* A folder without permissions is reached by O_PATH, which needs none, and chmod through /proc: never through
 * a link. */
static int open_forbidden(int parent, const char *name)
{
	int fd = openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char proc[64];
	int out = -1;

	if (fd < 0)
		return -1;
	(void)snprintf(proc, sizeof proc, "/proc/self/fd/%d", fd);
	if (chmod(proc, 0700) == 0)
		out = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	(void)close(fd);
	return out;
}

static bool is_mount(int fd)
{
	struct statx stx;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_MODE, &stx) < 0)
		return false;
	return (stx.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

/* Opens a folder with all rights to empty it. */
static int open_dir(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 && (errno == EACCES || errno == EPERM))
		fd = open_forbidden(parent, name);
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && (st.st_mode & 0700) != 0700)
		(void)fchmod(fd, 0700);
	return fd;
}

static void empty(struct removal *r, int fd, int depth);

/* Moves the folder to the top. It may land on an empty folder or beside an old one: both are to go anyway. */
static void move_up(struct removal *r, int parent, const char *name)
{
	char to[32];

	for (int i = 0; i < PASSES_MAX; i++) {
		(void)snprintf(to, sizeof to, ".deep-%llx", (unsigned long long)r->moved++);
		if (renameat(parent, name, r->top, to) == 0)
			return;
		if (errno != ENOTEMPTY && errno != EEXIST && errno != ENOTDIR)
			break;
	}
	note(r, name);
}

static void remove_dir(struct removal *r, int parent, const char *name, int depth)
{
	int fd;

	if (unlinkat(parent, name, AT_REMOVEDIR) == 0) {
		r->gone++;
		return;
	}
	fd = open_dir(parent, name); /* before it moves: that needs write permission on it */
	if (fd < 0) {
		if (errno != ENOENT)
			note(r, name);
		return;
	}
	if (is_mount(fd)) {
		(void)close(fd);
		errno = EBUSY;
		note(r, name);
		return;
	}
	if (depth >= DEPTH_MAX) {
		(void)close(fd);
		move_up(r, parent, name);
		return;
	}
	empty(r, fd, depth + 1);
	if (unlinkat(parent, name, AT_REMOVEDIR) == 0)
		r->gone++;
	else if (errno != ENOENT && errno != ENOTEMPTY && errno != EEXIST)
		note(r, name);
}

static void remove_entry(struct removal *r, int parent, const struct dirent *e, int depth)
{
	if (e->d_type != DT_DIR) {
		if (unlinkat(parent, e->d_name, 0) == 0) {
			r->gone++;
			return;
		}
		if (errno == ENOENT)
			return;
		if (errno != EISDIR && errno != EPERM) { /* EPERM: a folder, says POSIX */
			note(r, e->d_name);
			return;
		}
	}
	remove_dir(r, parent, e->d_name, depth);
}

/* Takes over fd. One pass: entries that others add meanwhile may stay. */
static void empty(struct removal *r, int fd, int depth)
{
	DIR *dir = fdopendir(fd);

	if (!dir) {
		note(r, ".");
		(void)close(fd);
		return;
	}
	for (struct dirent *e; (e = readdir(dir));)
		if (!br_name_is_dot(e->d_name))
			remove_entry(r, dirfd(dir), e, depth);
	(void)closedir(dir);
}

static int remove_top(struct removal *r, const char *path)
{
	int idle = 0;

	while (rmdir(path) < 0) {
		uint64_t before = r->gone;

		if (errno == ENOENT)
			return 0;
		if ((errno != ENOTEMPTY && errno != EEXIST) || idle > PASSES_MAX)
			return -1;
		if (r->errnum && idle) { /* a pass removed nothing more, and something cannot be removed */
			errno = r->errnum;
			return -1;
		}
		empty(r, openat(r->top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), 0);
		idle = r->gone > before ? 0 : idle + 1;
	}
	return 0;
}

int br_dir_remove(const char *path, struct br_err *err)
{
	struct removal r = {.top = -1};
	int bad;

	if (unlink(path) == 0 || errno == ENOENT || errno == ENOTDIR)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return br_fail_errno(err, "cannot remove %s", path);
	r.top = open_dir(AT_FDCWD, path);
	if (r.top < 0)
		return br_fail_errno(err, "cannot remove %s", path);
	errno = EBUSY;
	bad = is_mount(r.top) ? -1 : remove_top(&r, path);
	(void)close(r.top);
	if (!bad)
		return 0;
	if (r.name[0])
		return br_fail_errno(err, "cannot remove %s (in it: %s)", path, r.name);
	return br_fail_errno(err, "cannot remove %s", path);
}
