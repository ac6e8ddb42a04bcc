/*
 * ns_mount.c - what the inside of a box sees of the machine's files.
 *
 * The order matters. First what the plan shows is opened, while nothing hides it; then everything becomes
 * read-only; then the mounts are put in place, parents before what lies in them, so that a work tree below /tmp or HOME ends up on top of
 * the empty /tmp or the overlay. What is covered stays covered: to uncover it would need capabilities that are dropped afterwards.
 *
 * All that is thrown away lies in one file system in memory, "scratch", so that one size limits it.
 */
#include "sys/ns_private.h"

#include "base/mem.h"
#include "bisect_run/err.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

/* Of linux/mount.h, which cannot stand beside sys/mount.h everywhere, and which old systems lack. */
enum {
	NR_OPEN_TREE = 428,
	NR_MOVE_MOUNT = 429,
	NR_MOUNT_SETATTR = 442,
	TREE_CLONE = 1,
	MOVE_EMPTY_PATH = 4, /* MOVE_MOUNT_F_EMPTY_PATH */
	ATTR_READ_ONLY = 1,
	ATTR_NOSUID = 2,
	ATTR_NODEV = 4,
	RECURSIVE = 0x8000, /* AT_RECURSIVE */
};

struct attributes { /* struct mount_attr */
	uint64_t set, clear, propagation, userns_fd;
};

/* Below /dev. */
static const char *const usual_device[] = {"null", "zero", "full", "random", "urandom", "tty"};

enum { NUSUAL = sizeof usual_device / sizeof *usual_device };

struct device {
	const char *name;
	int fd; /* a mount of it that can be put in place; -1: the machine has none */
	bool folder;
};

struct place {
	const struct br_ns_mount *m;
	int fd; /* of the source: a path, or a mount that can be put in place */
	size_t depth;
};

struct stage {
	const struct br_ns_plan *plan;
	struct place *place; /* in the order in which they are put in place */
	size_t n;
	struct device *device;
	size_t ndevice;
	int scratch;
	unsigned made; /* names given in scratch */
};

static int open_tree_fd(int dir, const char *path)
{
	unsigned flags = TREE_CLONE | O_CLOEXEC | RECURSIVE | (*path ? 0 : AT_EMPTY_PATH);

	return (int)syscall(NR_OPEN_TREE, dir, path, flags);
}

static int set_attributes(int fd, const char *path, uint64_t set)
{
	struct attributes a = {.set = set};

	return (int)syscall(NR_MOUNT_SETATTR, fd, path, RECURSIVE | (*path ? 0 : AT_EMPTY_PATH), &a,
			    sizeof a);
}

static int move_to(int fd, const char *target)
{
	return (int)syscall(NR_MOVE_MOUNT, fd, "", AT_FDCWD, target, MOVE_EMPTY_PATH);
}

static bool is_missing(int errnum)
{
	return errnum == ENOENT || errnum == ENOTDIR || errnum == EACCES;
}

/* Fails as "this machine does not allow it" where that is what the errno means. */
static int fail(struct br_err *err, const char *what, const char *path)
{
	int errnum = errno;

	if (errnum != EPERM && errnum != ENOSYS && errnum != EINVAL && errnum != EACCES && errnum != ENODEV)
		return br_fail_errno(err, "%s %s", what, path);
	(void)br_fail(err, BR_EUNSUPPORTED, "%s %s: %s", what, path, strerror(errnum));
	err->errnum = errnum;
	return BR_EUNSUPPORTED;
}

/* ---- opening what the plan shows ---- */

static int open_source(struct place *p, struct br_err *err)
{
	const struct br_ns_mount *m = p->m;

	if (m->kind != BR_NS_READ && m->kind != BR_NS_WRITE && m->kind != BR_NS_OVERLAY)
		return 0;
	if (m->kind == BR_NS_WRITE)
		p->fd = open_tree_fd(AT_FDCWD, m->source);
	else
		p->fd = open(m->source, O_PATH | O_CLOEXEC);
	if (p->fd < 0 && m->optional && is_missing(errno))
		return 0;
	if (p->fd < 0 || (m->kind == BR_NS_WRITE && set_attributes(p->fd, "", ATTR_NOSUID | ATTR_NODEV) < 0))
		return fail(err, "cannot show in the sandbox", m->source);
	return 0;
}

/* Read-only stops root from changing the mode of the real one; the device itself can be written to. */
static int open_device(struct device *d, bool needed, struct br_err *err)
{
	br_auto_free char *path = br_asprintf("/dev/%s", d->name);
	struct stat st;

	d->fd = open_tree_fd(AT_FDCWD, path);
	if (d->fd < 0 && !needed)
		return 0;
	if (d->fd < 0 || fstat(d->fd, &st) < 0 || set_attributes(d->fd, "", ATTR_READ_ONLY | ATTR_NOSUID) < 0)
		return fail(err, "cannot show in the sandbox", path);
	d->folder = S_ISDIR(st.st_mode);
	return 0;
}

static int open_all(struct stage *s, struct br_err *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < s->ndevice; i++)
		rc = open_device(&s->device[i], i < NUSUAL, err);
	for (size_t i = 0; !rc && i < s->n; i++)
		rc = open_source(&s->place[i], err);
	return rc;
}

/* ---- scratch ---- */

static int make_scratch(struct stage *s, struct br_err *err)
{
	char options[64] = "mode=0755";

	if (s->plan->scratch_b)
		(void)snprintf(options, sizeof options, "mode=0755,size=%llu",
			       (unsigned long long)s->plan->scratch_b);
	if (mount("tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, options) < 0)
		return fail(err, "cannot mount", "an empty /tmp");
	s->scratch = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (s->scratch < 0 || mkdirat(s->scratch, "none", 0555) < 0 ||
	    mknodat(s->scratch, "nothing", S_IFREG, 0) < 0)
		return br_fail_errno(err, "cannot make the sandbox's /tmp");
	return 0;
}

/* A new folder in scratch, its path relative to it in name. */
static int new_folder(struct stage *s, mode_t mode, char name[16])
{
	(void)snprintf(name, 16, "%u", s->made++);
	return mkdirat(s->scratch, name, mode);
}

/* ---- places to mount on ---- */

static bool is_below(const char *path, const char *top)
{
	size_t n = strlen(top);

	return strncmp(path, top, n) == 0 && path[n] == '/';
}

/* Whether what lies at path is thrown away, so that a folder may be made there. */
static bool is_throw_away(const struct stage *s, const char *path)
{
	bool yes = false;

	for (size_t i = 0; i < s->n; i++) { /* the deepest one above it decides */
		const struct br_ns_mount *m = s->place[i].m;

		if (is_below(path, m->target) && m->kind != BR_NS_MASK)
			yes = m->kind == BR_NS_TMP || m->kind == BR_NS_OVERLAY;
	}
	return yes;
}

static void make_folders(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(path, 0755);
		*slash = '/';
	}
}

/* Makes the place itself where it is missing and may be made. */
static void make_point(const struct stage *s, const struct br_ns_mount *m, bool folder)
{
	br_auto_free char *path = br_strdup(m->target);

	if (access(path, F_OK) == 0 || !(m->make || is_throw_away(s, path)))
		return;
	make_folders(path);
	if (folder)
		(void)mkdir(path, 0755);
	else
		(void)mknod(path, S_IFREG | 0444, 0);
}

static bool is_folder(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Takes over fd. */
static int put_in_place(const struct stage *s, int fd, const struct br_ns_mount *m, struct br_err *err)
{
	br_auto_fd int mine = fd;

	make_point(s, m, is_folder(mine));
	if (move_to(mine, m->target) < 0 && !(m->optional && is_missing(errno)))
		return fail(err, "cannot mount at", m->target);
	return 0;
}

/* ---- the kinds ---- */

static int put_read(const struct stage *s, struct place *p, struct br_err *err)
{
	int fd = open_tree_fd(p->fd, "");

	if (fd < 0 || set_attributes(fd, "", ATTR_READ_ONLY | ATTR_NOSUID | ATTR_NODEV) < 0) {
		int rc = fail(err, "cannot show in the sandbox", p->m->source);

		br_cleanup_fd(&fd);
		return rc;
	}
	return put_in_place(s, fd, p->m, err);
}

static int put_tmp(struct stage *s, const struct br_ns_mount *m, struct br_err *err)
{
	char name[16];
	int fd = new_folder(s, 01777, name) < 0 ? -1 : open_tree_fd(s->scratch, name);

	return fd < 0 ? fail(err, "cannot make an empty", m->target) : put_in_place(s, fd, m, err);
}

static int put_mask(const struct stage *s, const char *target, struct br_err *err)
{
	struct stat st;
	br_auto_fd int fd = -1;

	if (lstat(target, &st) < 0 || S_ISLNK(st.st_mode))
		return 0; /* not there, or not to be reached by us; a link's end is masked by its own name */
	fd = open_tree_fd(s->scratch, S_ISDIR(st.st_mode) ? "none" : "nothing");
	if (fd < 0 || (move_to(fd, target) < 0 && !is_missing(errno)))
		return fail(err, "cannot hide", target);
	return 0;
}

static int put_text(struct stage *s, const struct br_ns_mount *m, struct br_err *err)
{
	char name[16];
	br_auto_fd int file = -1;
	size_t n = strlen(m->source);
	int fd;

	(void)snprintf(name, sizeof name, "%u", s->made++);
	file = openat(s->scratch, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
	if (file < 0 || write(file, m->source, n) != (ssize_t)n)
		return br_fail_errno(err, "cannot write %s", m->target);
	fd = open_tree_fd(s->scratch, name);
	if (fd < 0 || set_attributes(fd, "", ATTR_READ_ONLY | ATTR_NOSUID | ATTR_NODEV) < 0) {
		br_cleanup_fd(&fd);
		return fail(err, "cannot mount at", m->target);
	}
	return put_in_place(s, fd, m, err);
}

static int put_devices(const struct stage *s, struct br_err *err)
{
	for (size_t i = 0; i < s->ndevice; i++) {
		br_auto_free char *path = br_asprintf("/dev/%s", s->device[i].name);

		if (s->device[i].fd >= 0 && move_to(s->device[i].fd, path) < 0)
			return fail(err, "cannot mount at", path);
	}
	/* Without it programs have no pseudo-terminals, and nothing is less safe. */
	(void)mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
		    "newinstance,ptmxmode=0666,mode=0620");
	return 0;
}

static void make_device_points(const struct stage *s, int dev)
{
	for (size_t i = 0; i < s->ndevice; i++) {
		const struct device *d = &s->device[i];

		if (d->fd >= 0 && d->folder)
			(void)mkdirat(dev, d->name, 0755);
		else if (d->fd >= 0)
			(void)mknodat(dev, d->name, S_IFREG | 0666, 0);
	}
}

static void fill_dev(int dev)
{
	static const char *const link[][2] = {{"/proc/self/fd", "fd"},
					      {"/proc/self/fd/0", "stdin"},
					      {"/proc/self/fd/1", "stdout"},
					      {"/proc/self/fd/2", "stderr"},
					      {"pts/ptmx", "ptmx"}};

	for (size_t i = 0; i < sizeof link / sizeof *link; i++)
		(void)!symlinkat(link[i][0], dev, link[i][1]);
	(void)mkdirat(dev, "pts", 0755);
	(void)mkdirat(dev, "shm", 01777);
}

static int put_dev(struct stage *s, const struct br_ns_mount *m, struct br_err *err)
{
	char name[16];
	br_auto_fd int dev = -1;
	int fd, rc;

	if (new_folder(s, 0755, name) < 0 ||
	    (dev = openat(s->scratch, name, O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0)
		return br_fail_errno(err, "cannot make the sandbox's /dev");
	make_device_points(s, dev);
	fill_dev(dev);
	fd = open_tree_fd(s->scratch, name);
	if (fd < 0 || set_attributes(fd, "", ATTR_READ_ONLY | ATTR_NOSUID) < 0) {
		br_cleanup_fd(&fd);
		return fail(err, "cannot mount at", m->target);
	}
	rc = put_in_place(s, fd, m, err);
	return rc ? rc : put_devices(s, err);
}

/*
 * Read-only for root: without any capability it may still write to what root owns there, and
 * /proc/sysrq-trigger and /proc/sys/kernel/core_pattern belong to the whole machine.
 */
static int put_proc(const struct br_ns_mount *m, struct br_err *err)
{
	unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC | (geteuid() == 0 ? MS_RDONLY : 0);

	if (mount("proc", m->target, "proc", flags, NULL) == 0)
		return 0;
	if (errno != EPERM)
		return fail(err, "cannot mount", "an own /proc");
	return br_fail(
		err, BR_EUNSUPPORTED,
		"cannot mount an own /proc: this container hides parts of its own (Docker: start it with "
		"--security-opt systempaths=unconfined)");
}

/* ---- the overlay ---- */

/* Makes the folders above name in upper as they are in lower. */
static int copy_parents(int lower, int upper, const char *name)
{
	br_auto_free char *path = br_strdup(name);
	struct stat st;

	for (char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (fstatat(lower, path, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode) ||
		    (mkdirat(upper, path, st.st_mode & 07777) < 0 && errno != EEXIST))
			return -1;
		*slash = '/';
	}
	return 0;
}

/* What an overlay shows as missing: a device 0:0 in its upper layer, which everyone may make (Linux 5.8). */
static bool hide_names(const struct place *p, int upper)
{
	struct stat st;
	bool all = true;

	for (size_t i = 0; p->m->hide && p->m->hide[i]; i++) {
		const char *name = p->m->hide[i];

		if (fstatat(p->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    (copy_parents(p->fd, upper, name) < 0 ||
		     mknodat(upper, name, S_IFCHR | 0600, makedev(0, 0)) < 0))
			all = false;
	}
	return all;
}

static int mount_overlay(struct stage *s, const struct place *p, bool *hidden)
{
	char name[16], sub[32], options[160];
	br_auto_fd int upper = -1;

	if (new_folder(s, 0755, name) < 0)
		return -1;
	(void)snprintf(sub, sizeof sub, "%s/work", name);
	if (mkdirat(s->scratch, sub, 0700) < 0)
		return -1;
	(void)snprintf(sub, sizeof sub, "%s/up", name);
	if (mkdirat(s->scratch, sub, 0755) < 0)
		return -1;
	upper = openat(s->scratch, sub, O_PATH | O_DIRECTORY | O_CLOEXEC);
	*hidden = hide_names(p, upper);
	/* Descriptors, so that no path needs quoting and covered ones can be named. */
	(void)snprintf(
		options, sizeof options,
		"lowerdir=/proc/self/fd/%d,upperdir=/proc/self/fd/%d/%s/up,workdir=/proc/self/fd/%d/%s/work,"
		"userxattr",
		p->fd, s->scratch, name, s->scratch, name);
	return mount("overlay", p->m->target, "overlay", MS_NOSUID | MS_NODEV, options);
}

/* The top folder of the upper layer is what is seen: it gets the owner's mode. */
static void copy_top(const struct place *p)
{
	struct stat st;

	if (fstat(p->fd, &st) == 0)
		(void)chmod(p->m->target, st.st_mode & 07777);
}

/* Names that are still there: the kernel did not let us hide them in the overlay, or there is none. */
static int mask_names(const struct stage *s, const struct br_ns_mount *m, struct br_err *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && m->hide && m->hide[i]; i++) {
		br_auto_free char *path = br_asprintf("%s/%s", m->target, m->hide[i]);

		rc = put_mask(s, path, err);
	}
	return rc;
}

static int put_fall_back(struct stage *s, struct place *p, struct br_err *err)
{
	int rc = put_read(s, p, err);

	for (size_t i = 0; !rc && p->m->loose && p->m->loose[i]; i++) {
		br_auto_free char *path = br_asprintf("%s/%s", p->m->target, p->m->loose[i]);
		const struct br_ns_mount m = {.kind = BR_NS_TMP, .target = path, .optional = true};

		rc = put_tmp(s, &m, err);
	}
	return rc;
}

static int put_overlay(struct stage *s, struct place *p, struct br_err *err)
{
	bool hidden = false;
	int rc = 0;

	make_point(s, p->m, true);
	if (p->m->optional && access(p->m->target, F_OK) < 0)
		return 0;
	if (mount_overlay(s, p, &hidden) == 0) {
		copy_top(p);
	} else if (p->m->fall_back) {
		hidden = false;
		rc = put_fall_back(s, p, err);
	} else {
		return fail(err, "cannot mount a copy-on-write view of", p->m->target);
	}
	return rc || hidden ? rc : mask_names(s, p->m, err);
}

static int put(struct stage *s, struct place *p, struct br_err *err)
{
	switch (p->m->kind) {
	case BR_NS_READ:
		return p->fd < 0 ? 0 : put_read(s, p, err);
	case BR_NS_WRITE: {
		int fd = p->fd;

		p->fd = -1;
		return fd < 0 ? 0 : put_in_place(s, fd, p->m, err);
	}
	case BR_NS_OVERLAY:
		return p->fd < 0 ? 0 : put_overlay(s, p, err);
	case BR_NS_TMP:
		return put_tmp(s, p->m, err);
	case BR_NS_MASK:
		return put_mask(s, p->m->target, err);
	case BR_NS_TEXT:
		return put_text(s, p->m, err);
	case BR_NS_DEV:
		return put_dev(s, p->m, err);
	case BR_NS_PROC:
		return put_proc(p->m, err);
	}
	return 0;
}

/* ---- all of it ---- */

static size_t depth_of(const char *path)
{
	size_t n = 0;

	for (; *path; path++)
		n += *path == '/' && path[1] && path[1] != '/';
	return n;
}

static int by_depth(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->depth != y->depth)
		return x->depth < y->depth ? -1 : 1;
	return (x->m > y->m) - (x->m < y->m); /* in the order of the plan */
}

static void open_devices(struct stage *s, const struct br_ns_plan *plan)
{
	size_t more = 0;

	while (plan->device && plan->device[more])
		more++;
	s->ndevice = NUSUAL + more;
	s->device = br_calloc(s->ndevice, sizeof *s->device);
	for (size_t i = 0; i < s->ndevice; i++)
		s->device[i] = (struct device){
			.name = i < NUSUAL ? usual_device[i] : plan->device[i - NUSUAL], .fd = -1};
}

static void open_stage(struct stage *s, const struct br_ns_plan *plan)
{
	*s = (struct stage){.plan = plan, .n = plan->nmount, .scratch = -1};
	s->place = br_calloc(s->n + 1, sizeof *s->place);
	for (size_t i = 0; i < s->n; i++) {
		const struct br_ns_mount *m = &plan->mount[i];

		s->place[i] = (struct place){.m = m, .fd = -1, .depth = depth_of(m->target)};
	}
	qsort(s->place, s->n, sizeof *s->place, by_depth);
	open_devices(s, plan);
}

/* Nothing of the outside stays open. */
static void close_stage(struct stage *s)
{
	for (size_t i = 0; i < s->n; i++)
		br_cleanup_fd(&s->place[i].fd);
	for (size_t i = 0; i < s->ndevice; i++)
		br_cleanup_fd(&s->device[i].fd);
	br_cleanup_fd(&s->scratch);
	free(s->device);
	free(s->place);
}

static int make_read_only(struct br_err *err)
{
	if (set_attributes(AT_FDCWD, "/", ATTR_READ_ONLY | ATTR_NOSUID | ATTR_NODEV) == 0)
		return 0;
	if (errno == ENOSYS)
		return br_fail(err, BR_EUNSUPPORTED, "this kernel is older than 5.12 (no mount_setattr)");
	return fail(err, "cannot make read-only", "/");
}

int br_ns_mounts(const struct br_ns_plan *plan, int *scratch, struct br_err *err)
{
	struct stage s;
	int rc = 0;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return fail(err, "cannot part the mounts of", "/");
	open_stage(&s, plan);
	rc = open_all(&s, err);
	if (!rc)
		rc = make_read_only(err);
	if (!rc)
		rc = make_scratch(&s, err);
	for (size_t i = 0; !rc && i < s.n; i++)
		rc = put(&s, &s.place[i], err);
	if (!rc) {
		*scratch = s.scratch;
		s.scratch = -1;
	}
	close_stage(&s);
	return rc;
}
