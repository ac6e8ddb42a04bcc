/* place.c - puts the user's own files into a tree that lacks them, and takes them out again. */
#include "exec/place.h"

#include "base/buf.h"
#include "base/mem.h"
#include "bisect_run/err.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { JOURNAL_MAX_B = 1 << 24 };

/* The journal: 'f' or 'd', the path relative to the tree, NUL; folders before what lies in them. */
static void write_down(struct br_buf *journal, char kind, const char *path, size_t n)
{
	br_buf_char(journal, kind);
	br_buf_add(journal, path, n);
	br_buf_char(journal, '\0');
}

static bool is_plain(const char *path)
{
	if (!*path || *path == '/')
		return false;
	for (const char *p = path; *p;) {
		size_t n = strcspn(p, "/");

		if (n == 2 && p[0] == '.' && p[1] == '.')
			return false;
		p += n + (p[n] == '/');
	}
	return true;
}

static bool exists(int tree, const char *path)
{
	struct stat st;

	return fstatat(tree, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Whether the folder's real place is the tree or inside it. */
static bool is_inside(const char *tree, const char *parent)
{
	br_auto_free char *full = br_asprintf("%s/%s", tree, parent);
	br_auto_free char *real = realpath(full, NULL);
	br_auto_free char *top = realpath(tree, NULL);
	size_t n = top ? strlen(top) : 0;

	return real && top && !strncmp(real, top, n) && (!real[n] || real[n] == '/');
}

/*
 * Opens a folder below the tree; -1 with errno set. A link must not lead us out, neither one of the candidate's nor one that
 * a test puts in the place of a folder while we look: the kernel checks that as it goes along. Where it
 * cannot (before Linux 5.6, valgrind) there is no sandbox either.
 */
static int open_inside(const char *tree, int fd, const char *folder)
{
	struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
			       .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
	int out = (int)syscall(SYS_openat2, fd, folder, &how, sizeof how);

	if (out >= 0 || (errno != ENOSYS && errno != EPERM))
		return out;
	errno = ENOENT;
	return is_inside(tree, folder) ? openat(fd, folder, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
}

/* Opens the folder in which path lies and points *name at its last part. Missing ones are made if asked for. */
static int open_parent(const char *tree, int fd, const char *path, bool make, const char **name)
{
	br_auto_free char *part = br_strdup(path);
	int at = openat(fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);

	*name = path;
	for (char *slash = strchr(part, '/'); at >= 0 && slash; slash = strchr(slash + 1, '/')) {
		br_auto_fd int above = at;

		*slash = '\0';
		at = open_inside(tree, fd, part);
		if (at < 0 && errno == ENOENT && make && mkdirat(above, part + (*name - path), 0777) == 0)
			at = open_inside(tree, fd, part);
		*slash = '/';
		*name = path + (slash + 1 - part);
	}
	return at;
}

/* Notes the folders that are missing above target. */
static int plan_parents(const char *tree, int fd, const char *target, struct br_buf *journal)
{
	br_auto_free char *path = br_strdup(target);

	for (char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		br_auto_fd int folder = -1;

		*slash = '\0';
		if (!exists(fd, path))
			write_down(journal, 'd', path, (size_t)(slash - path));
		else if ((folder = open_inside(tree, fd, path)) < 0)
			return -1;
		*slash = '/';
	}
	return 0;
}

/* 1: to be put in; 0: the tree has something there. */
static int plan(const char *tree, int fd, const char *target, struct br_buf *journal, struct br_err *err)
{
	if (!is_plain(target))
		return br_fail(err, BR_ESTATE, "%s is no path inside the work tree", target);
	if (exists(fd, target))
		return 0;
	if (plan_parents(tree, fd, target, journal) < 0)
		return br_fail(err, BR_ESTATE,
			       "%s cannot be put into the work tree: a link in its path leads out of it",
			       target);
	write_down(journal, 'f', target, strlen(target));
	return 1;
}

static int copy(const char *tree, int fd, const struct br_named_file *file, struct br_err *err)
{
	br_auto_free char *from = realpath(file->source, NULL); /* the file, should the user's be a link */
	br_auto_free char *to = NULL;
	const char *name;
	br_auto_fd int folder = open_parent(tree, fd, file->target, true, &name);

	if (!from)
		return br_fail_errno(err, "cannot read %s", file->source);
	if (folder < 0)
		return br_fail_errno(err, "cannot put %s into the work tree", file->target);
	to = br_asprintf("/proc/self/fd/%d/%s", folder, name);
	return br_file_copy(from, to, err);
}

int br_placed_put(const struct br_run_spec *spec, bool for_build, const char *tree, const char *journal,
		  struct br_err *err)
{
	br_auto_fd int fd = open(tree, O_PATH | O_DIRECTORY | O_CLOEXEC);
	br_auto_free bool *wanted = br_calloc(spec->nnamed + 1, sizeof *wanted);
	struct br_buf text = {0};
	int rc = 0;

	if (fd < 0)
		return br_fail_errno(err, "cannot open %s", tree);
	for (size_t i = 0; rc >= 0 && i < spec->nnamed; i++) {
		if (spec->named[i].for_build != for_build)
			continue;
		rc = plan(tree, fd, spec->named[i].target, &text, err);
		wanted[i] = rc > 0;
	}
	if (rc >= 0 && text.len)
		rc = br_file_write(journal, text.data, text.len, err);
	br_buf_done(&text);
	for (size_t i = 0; rc >= 0 && i < spec->nnamed; i++)
		if (wanted[i])
			rc = copy(tree, fd, &spec->named[i], err);
	return rc < 0 ? rc : 0;
}

static void remove_one(const char *tree, int fd, const char *path, bool is_folder)
{
	const char *name;
	br_auto_fd int folder = open_parent(tree, fd, path, false, &name);

	if (folder >= 0)
		(void)unlinkat(folder, name, is_folder ? AT_REMOVEDIR : 0);
}

void br_placed_remove(const char *tree, const char *journal)
{
	br_auto_fd int fd = -1;
	br_auto_free char *text = NULL;
	size_t n, end;

	if (access(journal, F_OK) < 0 || br_file_read(journal, JOURNAL_MAX_B, &text, &n, NULL) < 0)
		return;
	fd = open(tree, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	for (end = n; end > 1;) { /* backwards: files before the folders they lie in */
		size_t at = end - 1;

		while (at && text[at - 1])
			at--;
		remove_one(tree, fd, text + at + 1, text[at] == 'd');
		end = at;
	}
	(void)unlink(journal);
}
