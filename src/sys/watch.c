/*
 * watch.c - inotify over a whole tree.
 *
 * What is reported, and what is not: a write through a mapping shows as the close of the last reference, so all who could write must be
 * gone before the reports are read. A write through another name of the file (a hard link) is reported for that name
 * alone, and link() itself not at all for the old one. So a name that was made and still is there must be the file's
 * only one, and one that was made and is gone again is in doubt; so is all that happened to folders, because what
 * went on inside before they were watched cannot be known. Removing a name that was there before leaves no doubt.
 */
#include "sys/watch.h"

#include "bisect_run/err.h"
#include "base/mem.h"
#include "sys/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum {
	CHUNK = 1 << 16,
	REPORTS_MAX = 1 << 18, /* beyond, looking at the files is cheaper */
};

static const uint32_t wanted = IN_MODIFY | IN_ATTRIB | IN_CLOSE_WRITE | IN_CREATE | IN_DELETE |
			       IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF;

/* One report about a name in a watched folder. */
struct report {
	uint32_t dir; /* watch descriptor */
	uint32_t n;   /* order */
	uint32_t mask;
	char *name;
};

struct br_watch {
	int fd, root;
	char **dir; /* paths by watch descriptor; NULL: not watched any more */
	size_t ndir, cap_dir;
	uint32_t watched, max_dirs;
	struct report *report;
	size_t nreport, cap_report;
	bool doubt; /* until the next br_watch_changed */
	bool lost;  /* for good */
	char *chunk;
};

/* Local file systems whose changes all come through this kernel and are reported. */
static bool is_known(int root)
{
	struct statfs s;

	if (fstatfs(root, &s) != 0)
		return false;
	switch ((unsigned long)s.f_type) {
	case EXT4_SUPER_MAGIC:
	case XFS_SUPER_MAGIC:
	case BTRFS_SUPER_MAGIC:
	case F2FS_SUPER_MAGIC:
	case TMPFS_MAGIC:
		return true;
	default:
		return false;
	}
}

static void set_dir(struct br_watch *w, size_t wd, char *path)
{
	while (w->ndir <= wd) {
		br_grow(&w->dir, w->ndir, &w->cap_dir);
		w->dir[w->ndir++] = NULL;
	}
	w->watched += !w->dir[wd];
	free(w->dir[wd]);
	w->dir[wd] = path;
}

static char *join(const char *dir, const char *name)
{
	return *dir ? br_asprintf("%s/%s", dir, name) : br_strdup(name);
}

/* Adds the watch of the open folder fd; then what is made in it is reported. */
static int add_watch(struct br_watch *w, int fd, const char *path, struct br_err *err)
{
	char proc[64];
	int wd;

	if (w->watched >= w->max_dirs)
		return br_fail(err, BR_EUNSUPPORTED, "there are too many folders to watch");
	(void)snprintf(proc, sizeof proc, "/proc/self/fd/%d", fd);
	wd = inotify_add_watch(w->fd, proc, wanted | IN_ONLYDIR);
	if (wd < 0)
		return br_fail(err, BR_EUNSUPPORTED, "cannot watch %s: %s", path, strerror(errno));
	set_dir(w, (size_t)wd, br_strdup(path));
	return 0;
}

static bool is_dir(int parent, const struct dirent *e)
{
	struct stat st;

	if (e->d_type != DT_UNKNOWN)
		return e->d_type == DT_DIR;
	return fstatat(parent, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

/* Watches one folder and appends those in it to *todo. */
static int watch_one(struct br_watch *w, const char *path, char ***todo, size_t *n, size_t *cap,
		     struct br_err *err)
{
	int rc, fd = openat(w->root, *path ? path : ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *e;

	if (!d) {
		rc = br_fail(err, BR_EUNSUPPORTED, "cannot read %s: %s", path, strerror(errno));
		if (fd >= 0)
			(void)close(fd);
		return rc;
	}
	rc = add_watch(w, dirfd(d), path, err);
	while (rc >= 0 && (e = readdir(d))) {
		if (br_name_is_dot(e->d_name) || !is_dir(dirfd(d), e))
			continue;
		br_grow(todo, *n, cap);
		(*todo)[(*n)++] = join(path, e->d_name);
	}
	(void)closedir(d);
	return rc;
}

/* With all folders below, without recursion: a tree may be thousands of levels deep. */
static int watch_all(struct br_watch *w, const char *top, struct br_err *err)
{
	size_t n = 0, cap = 0;
	char **todo = NULL;
	int rc;

	rc = watch_one(w, top, &todo, &n, &cap, err);
	while (n) {
		br_auto_free char *path = todo[--n];

		if (rc >= 0)
			rc = watch_one(w, path, &todo, &n, &cap, err);
	}
	free(todo);
	return rc;
}

int br_watch_open(struct br_watch **out, int root, uint32_t max_dirs, struct br_err *err)
{
	struct br_watch *w;
	int rc;

	if (!is_known(root))
		return br_fail(err, BR_EUNSUPPORTED, "the reports of this file system may not be complete");
	w = br_calloc(1, sizeof *w);
	w->max_dirs = max_dirs;
	w->chunk = br_malloc(CHUNK);
	w->root = fcntl(root, F_DUPFD_CLOEXEC, 3);
	w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (w->fd < 0 || w->root < 0)
		rc = br_fail(err, BR_EUNSUPPORTED, "cannot watch files: %s", strerror(errno));
	else
		rc = watch_all(w, "", err);
	if (rc < 0)
		br_watch_close(w);
	else
		*out = w;
	return rc;
}

static void drop_reports(struct br_watch *w)
{
	for (size_t i = 0; i < w->nreport; i++)
		free(w->report[i].name);
	w->nreport = 0;
}

static void keep(struct br_watch *w, const struct inotify_event *e)
{
	if (w->nreport >= REPORTS_MAX)
		w->doubt = true;
	if (w->doubt)
		return;
	br_grow(&w->report, w->nreport, &w->cap_report);
	w->report[w->nreport] = (struct report){.dir = (uint32_t)e->wd,
						.n = (uint32_t)w->nreport,
						.mask = e->mask,
						.name = br_strdup(e->name)};
	w->nreport++;
}

static const char *dir_of(const struct br_watch *w, int wd)
{
	return wd >= 0 && (size_t)wd < w->ndir ? w->dir[wd] : NULL;
}

static void take_ignored(struct br_watch *w, int wd)
{
	if (!dir_of(w, wd))
		return;
	free(br_steal(&w->dir[wd]));
	w->watched--;
}

/* Of folders only what we made or removed ourselves is understood. */
static void take_dir(struct br_watch *w, const struct inotify_event *e, bool ours)
{
	const char *dir = dir_of(w, e->wd);
	br_auto_free char *path = NULL;

	if (!ours || e->mask & (IN_MOVED_FROM | IN_MOVED_TO | IN_MOVE_SELF)) {
		w->lost = true;
	} else if (e->mask & IN_CREATE) {
		path = dir && e->len ? join(dir, e->name) : NULL;
		/* Made and gone again is fine. */
		if (path && watch_all(w, path, NULL) < 0 && faccessat(w->root, path, F_OK, 0) == 0)
			w->lost = true;
	}
}

static void take(struct br_watch *w, const struct inotify_event *e, bool ours)
{
	if (e->mask & (IN_Q_OVERFLOW | IN_UNMOUNT))
		w->lost = true;
	else if (e->mask & IN_IGNORED)
		take_ignored(w, e->wd);
	else if (e->mask & (IN_ISDIR | IN_DELETE_SELF | IN_MOVE_SELF))
		take_dir(w, e, ours);
	else if (!ours && e->len)
		keep(w, e);
}

void br_watch_read(struct br_watch *w, bool ours)
{
	for (;;) {
		ssize_t n = read(w->fd, w->chunk, CHUNK);
		ssize_t at = 0;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			w->lost = true;
		if (n <= 0)
			return;
		while (at < n) {
			const struct inotify_event *e = (const void *)(w->chunk + at);

			take(w, e, ours);
			at += (ssize_t)sizeof *e + (ssize_t)e->len;
		}
	}
}

static int by_name(const void *va, const void *vb)
{
	const struct report *a = va, *b = vb;
	int order;

	if (a->dir != b->dir)
		return a->dir < b->dir ? -1 : 1;
	order = strcmp(a->name, b->name);
	if (order)
		return order;
	return a->n < b->n ? -1 : a->n > b->n;
}

static bool is_only_name(const struct br_watch *w, const char *path)
{
	struct stat st;

	return fstatat(w->root, path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       (st.st_nlink == 1 || S_ISDIR(st.st_mode));
}

/* All n reports about one name, in their order; false: another name may have stood behind it. */
static bool is_plain(const struct br_watch *w, const struct report *r, size_t n, const char *path)
{
	bool made = false;

	for (size_t i = 0; i < n; i++) {
		if (made && (r[i].mask & (IN_DELETE | IN_MOVED_TO)))
			return false;
		if (r[i].mask & (IN_CREATE | IN_MOVED_TO))
			made = true;
		if (r[i].mask & (IN_DELETE | IN_MOVED_FROM))
			made = false;
	}
	return !made || is_only_name(w, path);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool list(struct br_watch *w, char ***paths)
{
	size_t n = 0;

	qsort(w->report, w->nreport, sizeof *w->report, by_name);
	*paths = br_calloc(w->nreport + 1, sizeof **paths);
	for (size_t i = 0, next; i < w->nreport; i = next) {
		const struct report *r = &w->report[i];
		const char *dir = dir_of(w, (int)r->dir);

		for (next = i + 1; next < w->nreport && w->report[next].dir == r->dir &&
				   strcmp(w->report[next].name, r->name) == 0;)
			next++;
		if (!dir)
			return false;
		(*paths)[n++] = join(dir, r->name);
		if (!is_plain(w, r, next - i, (*paths)[n - 1]))
			return false;
	}
	qsort(*paths, n, sizeof **paths, by_text);
	return true;
}

int br_watch_changed(struct br_watch *w, char ***paths)
{
	bool sure = !w->doubt && !w->lost;
	char **all = NULL;

	if (sure && w->nreport)
		sure = list(w, &all);
	else if (sure)
		all = br_calloc(1, sizeof *all);
	drop_reports(w);
	w->doubt = false;
	if (sure)
		*paths = all;
	else
		br_strv_free(all);
	return sure;
}

bool br_watch_is_lost(const struct br_watch *w)
{
	return w->lost;
}

void br_watch_close(struct br_watch *w)
{
	if (!w)
		return;
	if (w->fd >= 0)
		(void)close(w->fd);
	if (w->root >= 0)
		(void)close(w->root);
	for (size_t i = 0; i < w->ndir; i++)
		free(w->dir[i]);
	drop_reports(w);
	free(w->report);
	free(w->dir);
	free(w->chunk);
	free(w);
}
