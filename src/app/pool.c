/* pool.c - private trees between searches: who may have which, and which go when there are too many. */
#include "app/pool.h"

#include "base/mem.h"
#include "base/text.h"
#include "bisect_run/err.h"
#include "sys/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { POOLS_MAX = 1000, TREES_MAX = 256, COUNT_EVERY_S = 600 };

/* The descriptor that holds the lock, or BR_ENOTFOUND: somebody else has it. */
static int lock_file(const char *path, bool make, struct br_err *err)
{
	br_auto_fd int fd = open(path, O_RDWR | O_CLOEXEC | (make ? O_CREAT : 0), 0666);
	struct stat held, there;
	int got;

	if (fd < 0)
		return errno == ENOENT ? BR_ENOTFOUND : br_fail_errno(err, "cannot open %s", path);
	/* `clean` may have unlinked it in between: then the lock that we hold is nobody's. */
	if (flock(fd, LOCK_EX | LOCK_NB) < 0 || fstat(fd, &held) < 0 || stat(path, &there) < 0 ||
	    held.st_ino != there.st_ino)
		return BR_ENOTFOUND;
	got = fd;
	fd = -1;
	return got;
}

static char *lock_path(const char *work, unsigned n)
{
	return br_asprintf("%s/%u.lock", work, n);
}

/* Counts the trees and looks whether one was used by this basis. */
static bool is_of(const char *dir, const char *basis, uint32_t *trees)
{
	bool same = false;

	for (*trees = 0; *trees < TREES_MAX; ++*trees) {
		br_auto_free char *tree = br_asprintf("%s/%u/tree", dir, *trees);
		br_auto_free char *stamp = br_asprintf("%s/%u/basis", dir, *trees), *text = NULL;
		size_t n;

		if (access(tree, F_OK) < 0)
			break;
		if (basis && br_file_read(stamp, 256, &text, &n, NULL) == 0)
			same |= strcmp(text, basis) == 0;
	}
	return same;
}

static void drop(struct br_pool *p)
{
	if (p->lock >= 0)
		(void)close(p->lock);
	free(br_steal(&p->dir));
	p->lock = -1;
}

/* 1: pool n is ours now; 0: somebody has it, it is not there, or (same) no tree of it was used by the basis. */
static int try_pool(struct br_pool *p, unsigned n, const char *basis, bool make, bool same,
		    struct br_err *err)
{
	br_auto_free char *lock = lock_path(p->work, n);
	int fd = lock_file(lock, make, err);

	if (fd < 0)
		return fd == BR_ENOTFOUND ? 0 : fd;
	p->lock = fd;
	p->dir = br_asprintf("%s/%u", p->work, n);
	if (is_of(p->dir, basis, &p->trees) || !same)
		return 1;
	drop(p);
	return 0;
}

static int find(struct br_pool *p, const char *basis, struct br_err *err)
{
	static const struct {
		bool make, same;
	} pass[] = {{false, true}, {false, false}, {true, false}};

	for (size_t i = 0; i < sizeof pass / sizeof *pass; i++) {
		for (unsigned n = 0; n < POOLS_MAX; n++) {
			int rc = try_pool(p, n, basis, pass[i].make, pass[i].same, err);

			if (rc != 0)
				return rc;
		}
	}
	return br_fail(err, BR_ESTATE, "a thousand searches run here already: wait, or use --state DIR");
}

int br_pool_take(struct br_pool *p, const char *work, const char *basis, struct br_err *err)
{
	int rc = br_dir_make(work, err);

	*p = (struct br_pool){.work = br_strdup(work), .lock = -1};
	if (rc >= 0)
		rc = find(p, basis, err);
	if (rc >= 0)
		rc = br_dir_make(p->dir, err);
	return rc < 0 ? rc : 0;
}

/* ---- keeping it bounded ---- */

struct kept {
	unsigned n;
	int lock;
	uint64_t size_b;
	struct timespec used;
};

/* What the lock file says: bytes, and when they were counted (seconds since 1970). To count takes as long as a trial. */
static bool known_size(int lock, int64_t most_age_s, uint64_t *size_b)
{
	char text[64] = "";
	ssize_t n = pread(lock, text, sizeof text - 1, 0);
	int64_t counted, now = time(NULL);

	return n > 0 && sscanf(text, "%" SCNu64 " %" SCNd64, size_b, &counted) == 2 && counted <= now &&
	       now - counted <= most_age_s;
}

static uint64_t size_of(int lock, const char *dir)
{
	uint64_t size_b;

	return known_size(lock, INT64_MAX, &size_b) ? size_b : br_dir_usage(dir);
}

/* All pools that nobody holds, held now. */
static size_t hold_all(const char *work, struct kept **out)
{
	size_t n = 0, cap = 0;

	*out = NULL;
	for (unsigned i = 0; i < POOLS_MAX; i++) {
		br_auto_free char *lock = lock_path(work, i), *dir = br_asprintf("%s/%u", work, i);
		int fd = lock_file(lock, false, NULL);
		struct stat st;

		if (fd < 0)
			continue;
		br_grow(out, n, &cap);
		(*out)[n] = (struct kept){.n = i, .lock = fd, .size_b = size_of(fd, dir)};
		if (fstat(fd, &st) == 0)
			(*out)[n].used = st.st_mtim;
		n++;
	}
	return n;
}

/* Of one that is held: the lock file goes last, so that nobody takes what is half gone. */
static int remove_held(const char *work, unsigned n, struct br_err *err)
{
	br_auto_free char *lock = lock_path(work, n), *dir = br_asprintf("%s/%u", work, n);
	int rc = br_dir_remove(dir, err);

	if (rc >= 0)
		(void)unlink(lock);
	return rc;
}

static int longest_ago_first(const void *va, const void *vb)
{
	const struct kept *a = va, *b = vb;

	if (a->used.tv_sec != b->used.tv_sec)
		return a->used.tv_sec < b->used.tv_sec ? -1 : 1;
	return (a->used.tv_nsec > b->used.tv_nsec) - (a->used.tv_nsec < b->used.tv_nsec);
}

static void bound(const char *work, uint64_t cache_b)
{
	struct kept *kept;
	size_t n = hold_all(work, &kept);
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += kept[i].size_b;
	if (n)
		qsort(kept, n, sizeof *kept, longest_ago_first);
	for (size_t i = 0; i < n; i++) {
		/* What cannot be removed now is tried again by the next search, and by `clean`, which says why. */
		if (sum > cache_b && remove_held(work, kept[i].n, NULL) == 0)
			sum -= kept[i].size_b;
		(void)close(kept[i].lock);
	}
	free(kept);
}

static void write_size(int lock, const char *dir)
{
	br_auto_free char *text = NULL;
	struct timespec now[2];
	uint64_t size_b;

	if (!known_size(lock, COUNT_EVERY_S, &size_b)) {
		text = br_asprintf("%" PRIu64 " %" PRId64 "\n", br_dir_usage(dir), (int64_t)time(NULL));
		/* Left out, it is counted by whoever wants to know. */
		if (ftruncate(lock, 0) < 0 || pwrite(lock, text, strlen(text), 0) < 0)
			return;
	}
	/* Left to itself the file system would use the last tick: two searches may end in one. */
	(void)clock_gettime(CLOCK_REALTIME, &now[0]);
	now[1] = now[0];
	(void)futimens(lock, now);
}

/* When it was used last. The kernel's own times of files are as coarse as its tick: two releases would look alike. */
static void stamp(int lock)
{
	struct timespec now[2];

	(void)clock_gettime(CLOCK_REALTIME, &now[0]);
	now[1] = now[0];
	(void)futimens(lock, now);
}

void br_pool_release(struct br_pool *p, uint64_t cache_b, bool needed)
{
	bool held = p->work && p->lock >= 0;

	if (!p->work)
		return;
	if (held && cache_b == 0 && !needed) /* the size does not matter */
		(void)remove_held(p->work, (unsigned)strtoul(strrchr(p->dir, '/') + 1, NULL, 10), NULL);
	else if (held)
		write_size(p->lock, p->dir);
	if (held)
		stamp(p->lock);
	if (held && !needed) {
		drop(p);
		bound(p->work, cache_b);
	}
	drop(p);
	free(p->work);
	*p = (struct br_pool){.lock = -1};
}

int br_pool_clean(const char *work, uint64_t *freed, struct br_err *err)
{
	struct kept *kept;
	size_t n = hold_all(work, &kept);
	int rc = 0;

	for (size_t i = 0; i < n; i++) {
		if (rc >= 0)
			rc = remove_held(work, kept[i].n, err);
		if (rc >= 0)
			*freed += kept[i].size_b;
		(void)close(kept[i].lock);
	}
	free(kept);
	return rc < 0 ? rc : 0;
}
