/* search_lock.c - locks on open file descriptions (fcntl(2), F_OFD_SETLK): one can look at them without taking them. */
#include "record/search_lock.h"

#include "base/mem.h"
#include "bisect_run/err.h"
#include "record/sql.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

static char *lock_path(const struct br_record *r, int64_t search)
{
	return br_asprintf("%s/locks/%" PRId64, r->dir, search);
}

static struct flock whole_file(short type)
{
	return (struct flock){.l_type = type, .l_whence = SEEK_SET};
}

static struct br_held_lock *find_mine(const struct br_record *r, int64_t search)
{
	for (size_t i = 0; i < r->nlock; i++)
		if (r->lock[i].search == search)
			return &r->lock[i];
	return NULL;
}

bool br_search_lock_is_mine(const struct br_record *r, int64_t search)
{
	return find_mine(r, search) != NULL;
}

/* Takes over *fd. */
static void keep(struct br_record *r, int64_t search, int *fd)
{
	br_grow(&r->lock, r->nlock, &r->caplock);
	r->lock[r->nlock++] = (struct br_held_lock){.search = search, .fd = *fd};
	*fd = -1;
}

/* Whether the locked file is still the one of that name: `clean` may have removed it after it was opened. */
static bool is_in_place(int fd, const char *path)
{
	struct stat mine, there;

	return fstat(fd, &mine) == 0 && lstat(path, &there) == 0 && mine.st_dev == there.st_dev &&
	       mine.st_ino == there.st_ino;
}

/* Sets *again when the file has to be made anew. */
static int try_lock(struct br_record *r, int64_t search, bool *again, struct br_err *err)
{
	br_auto_free char *path = lock_path(r, search);
	struct flock lock = whole_file(F_WRLCK);
	br_auto_fd int fd = -1;

	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
	if (fd < 0)
		return br_fail_errno(err, "cannot make %s (use --state DIR)", path);
	if (fcntl(fd, F_OFD_SETLK, &lock) < 0) {
		if (errno == EAGAIN || errno == EACCES)
			return br_fail(err, BR_ESTATE, "search %" PRId64 " is being run by another process",
				       search);
		return br_fail_errno(err, "cannot lock %s (use --state DIR on another disk)", path);
	}
	*again = !is_in_place(fd, path);
	if (!*again)
		keep(r, search, &fd);
	return BR_OK;
}

int br_search_lock(struct br_record *r, int64_t search, struct br_err *err)
{
	bool again = !br_search_lock_is_mine(r, search);
	int rc = BR_OK;

	while (again && rc == BR_OK)
		rc = try_lock(r, search, &again, err);
	return rc;
}

bool br_search_locked(const struct br_record *r, int64_t search)
{
	br_auto_free char *path = lock_path(r, search);
	struct flock lock = whole_file(F_WRLCK);
	br_auto_fd int fd = -1;

	if (br_search_lock_is_mine(r, search))
		return true;
	/* Looking needs no right to write: the search may be somebody else's. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return fd >= 0 && fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

/* Unlocked by name: a worker that was forked meanwhile may hold a copy of the descriptor. */
static void release(const struct br_held_lock *held)
{
	struct flock lock = whole_file(F_UNLCK);

	(void)fcntl(held->fd, F_OFD_SETLK, &lock);
	(void)close(held->fd);
}

void br_search_unlock(struct br_record *r, int64_t search, bool forget)
{
	struct br_held_lock *mine = find_mine(r, search);
	br_auto_free char *path = lock_path(r, search);

	if (!mine)
		return;
	if (forget)
		(void)unlink(path);
	release(mine);
	*mine = r->lock[--r->nlock];
}

void br_search_unlock_all(struct br_record *r)
{
	for (size_t i = 0; i < r->nlock; i++)
		release(&r->lock[i]);
	free(r->lock);
	r->lock = NULL;
	r->nlock = r->caplock = 0;
}
