/* file.c - reads, writes, copies and removes files and folders. */
#include "sys/file.h"

#include "base/mem.h"
#include "bisect_run/err.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum {
	CHUNK_B = 1 << 16,
	TEMP_TRIES = 100,
	USAGE_DEPTH = 200, /* one descriptor a level; what lies deeper is not counted */
};

static int read_all(int fd, size_t max, char **out, size_t *n)
{
	size_t len = 0, size = 0;
	char *data = NULL;

	while (len < max) {
		ssize_t got;

		if (size - len < CHUNK_B) {
			size = size ? 2 * size : CHUNK_B;
			data = br_reallocarray(data, size + 1, 1);
		}
		got = read(fd, data + len, size - len < max - len ? size - len : max - len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			free(data);
			return -1;
		}
		if (!got)
			break;
		len += (size_t)got;
	}
	data = br_reallocarray(data, len + 1, 1);
	data[len] = '\0';
	*out = data;
	*n = len;
	return 0;
}

/* O_NONBLOCK: a FIFO in the place of a file reads as empty and does not hang us. */
static int open_to_read(const char *path)
{
	return open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
}

int br_file_read(const char *path, size_t max, char **out, size_t *n, struct br_err *err)
{
	br_auto_fd int fd = open_to_read(path);

	if (fd < 0 || read_all(fd, max, out, n) < 0)
		return br_fail_errno(err, "cannot read %s", path);
	return 0;
}

int br_file_tail(const char *path, size_t max, char **out, size_t *n, struct br_err *err)
{
	br_auto_fd int fd = open_to_read(path);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return br_fail_errno(err, "cannot read %s", path);
	if (st.st_size > 0 && (uintmax_t)st.st_size > max && lseek(fd, st.st_size - (off_t)max, SEEK_SET) < 0)
		return br_fail_errno(err, "cannot read %s", path);
	if (read_all(fd, max, out, n) < 0)
		return br_fail_errno(err, "cannot read %s", path);
	return 0;
}

static int write_all(int fd, const void *data, size_t n)
{
	const char *p = data;

	while (n) {
		ssize_t put = write(fd, p, n);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -1;
		p += put;
		n -= (size_t)put;
	}
	return 0;
}

/* Calls make(name, arg) with names beside path until one is not taken. *temp is the caller's. */
static int make_temp(const char *path, int (*make)(const char *name, const void *arg), const void *arg,
		     char **temp)
{
	for (int i = 0; i < TEMP_TRIES; i++) {
		br_auto_free char *name = br_asprintf("%s.%ld-%d.tmp", path, (long)getpid(), i);
		int fd = make(name, arg);

		if (fd >= 0) {
			*temp = br_steal(&name);
			return fd;
		}
		if (errno != EEXIST)
			return -1;
	}
	return -1;
}

static int make_file(const char *name, const void *mode)
{
	return open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, *(const mode_t *)mode);
}

static int make_link(const char *name, const void *target)
{
	return symlink(target, name);
}

static int rename_or_unlink(const char *temp, const char *path)
{
	int saved;

	if (rename(temp, path) == 0)
		return 0;
	saved = errno;
	(void)unlink(temp);
	errno = saved;
	return -1;
}

/* Devices and pipes (/dev/stdout) cannot be replaced by a rename: they are written to. */
static int write_in_place(const char *path, const void *data, size_t n, struct br_err *err)
{
	br_auto_fd int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0 || write_all(fd, data, n) < 0)
		return br_fail_errno(err, "cannot write %s", path);
	return 0;
}

static int write_beside(const char *path, const void *data, size_t n, struct br_err *err)
{
	br_auto_free char *temp = NULL;
	mode_t mode = 0666;
	int fd = make_temp(path, make_file, &mode, &temp);
	int bad, saved;

	if (fd < 0)
		return br_fail_errno(err, "cannot write %s", path);
	bad = write_all(fd, data, n);
	saved = errno;
	if (close(fd) < 0 && !bad) { /* NFS reports a full disk here */
		bad = -1;
		saved = errno;
	}
	if (bad) {
		(void)unlink(temp);
		errno = saved;
	}
	if (bad || rename_or_unlink(temp, path) < 0)
		return br_fail_errno(err, "cannot write %s", path);
	return 0;
}

int br_file_write(const char *path, const void *data, size_t n, struct br_err *err)
{
	br_auto_free char *real = NULL;
	struct stat st;

	if (stat(path, &st) < 0)
		return write_beside(path, data, n, err);
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return write_in_place(path, data, n, err);
	real = realpath(path, NULL); /* the file behind a link is replaced, not the link */
	return write_beside(real ? real : path, data, n, err);
}

static int make_one(const char *path)
{
	struct stat st;

	if (mkdir(path, 0777) == 0)
		return 0;
	if (errno != EEXIST)
		return -1;
	if (stat(path, &st) < 0)
		return -1;
	errno = ENOTDIR;
	return S_ISDIR(st.st_mode) ? 0 : -1;
}

int br_dir_make(const char *path, struct br_err *err)
{
	br_auto_free char *part = br_strdup(path);

	if (make_one(path) == 0) /* the usual case: only the last one is missing, or none */
		return 0;
	for (char *p = part; *p; p++) {
		if (*p != '/' || p == part)
			continue;
		*p = '\0';
		/* what counts is whether the next one can be made: EROFS or EACCES of a parent that exists is
		 * fine */
		if (make_one(part) < 0 && access(part, F_OK) < 0)
			return br_fail_errno(err, "cannot make the folder %s", part);
		*p = '/';
	}
	if (make_one(path) < 0)
		return br_fail_errno(err, "cannot make the folder %s", path);
	return 0;
}

static int copy_data(int in, int out)
{
	br_auto_free char *chunk = NULL;

	/* in the kernel (reflinks where the file system has them); what it cannot do is left for the loop */
	while (copy_file_range(in, NULL, out, NULL, SSIZE_MAX, 0) > 0)
		;
	chunk = br_malloc(CHUNK_B);
	for (;;) {
		ssize_t got = read(in, chunk, CHUNK_B);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return (int)got;
		if (write_all(out, chunk, (size_t)got) < 0)
			return -1;
	}
}

/* Fills the new file temp. The mode is set at the end, past the umask; set-id bits would change their meaning
 * with the owner. */
static int copy_into(int in, int out, mode_t mode)
{
	int bad = copy_data(in, out) < 0 || fchmod(out, mode & 0777) < 0;
	int saved = errno;

	if (close(out) < 0 && !bad)
		return -1;
	errno = saved;
	return bad ? -1 : 0;
}

static int copy_regular(const char *from, const char *to, char **temp)
{
	br_auto_fd int in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	mode_t mode = 0600;
	struct stat st;
	int out;

	if (in < 0 || fstat(in, &st) < 0)
		return -1;
	errno = EINVAL;
	if (!S_ISREG(st.st_mode))
		return -1;
	out = make_temp(to, make_file, &mode, temp);
	return out < 0 ? -1 : copy_into(in, out, st.st_mode);
}

static int copy_link(const char *from, const char *to, char **temp)
{
	char target[PATH_MAX];
	ssize_t n = readlink(from, target, sizeof target - 1);

	if (n < 0)
		return -1;
	target[n] = '\0';
	return make_temp(to, make_link, target, temp);
}

int br_file_copy(const char *from, const char *to, struct br_err *err)
{
	br_auto_free char *temp = NULL;
	br_auto_free char *parent = br_strdup(to);
	char *slash = strrchr(parent, '/');
	struct stat st;

	if (slash && slash != parent) {
		*slash = '\0';
		if (br_dir_make(parent, err) < 0)
			return BR_ESYS;
	}
	if (lstat(from, &st) < 0)
		return br_fail_errno(err, "cannot copy %s", from);
	if ((S_ISLNK(st.st_mode) ? copy_link : copy_regular)(from, to, &temp) < 0) {
		int saved = errno;

		if (temp)
			(void)unlink(temp);
		errno = saved;
		return br_fail_errno(err, "cannot copy %s to %s", from, to);
	}
	if (rename_or_unlink(temp, to) < 0)
		return br_fail_errno(err, "cannot copy %s to %s", from, to);
	return 0;
}

/* Takes over fd. */
static uint64_t usage_below(int fd, int depth)
{
	DIR *dir = fdopendir(fd);
	uint64_t sum = 0;

	if (!dir) {
		(void)close(fd);
		return 0;
	}
	for (struct dirent *e; (e = readdir(dir));) {
		struct stat st;
		int sub;

		if (br_name_is_dot(e->d_name) || fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		sum += (uint64_t)st.st_blocks * 512;
		if (!S_ISDIR(st.st_mode) || !depth)
			continue;
		sub = openat(dirfd(dir), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (sub >= 0)
			sum += usage_below(sub, depth - 1);
	}
	(void)closedir(dir);
	return sum;
}

uint64_t br_dir_usage(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? 0 : usage_below(fd, USAGE_DEPTH);
}

int br_dir_replace(const char *from, const char *to, struct br_err *err)
{
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_EXCHANGE) == 0)
		return br_dir_remove(from, err);
	if (errno != ENOENT) { /* a file system without exchange */
		int r = br_dir_remove(to, err);

		if (r < 0)
			return r;
	}
	return rename(from, to) == 0 ? 0 : br_fail_errno(err, "cannot move %s to %s", from, to);
}
