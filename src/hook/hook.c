/* hook.c - finds the executables that watch a search, and speaks to them: one JSON object on stdin, an exit status back. */
#include "hook/private.h"

#include "base/mem.h"
#include "base/text.h"
#include "bisect_run/err.h"
#include "sys/clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define HOOKS_MAX 64 /* in one folder: more is a mistake, not a wish */
#define ENTRIES_MAX 4096
#define STATUS_SKIP 125

static const char *const life_cycle[] = {"pre-search", "pre-trial", "post-trial", "post-search", NULL};

static const char *const named[] = {"notify", "profile", NULL};

/* The kind that a file's name stands for, and where in it the hook's own name begins; NULL: it is no hook (README.md, a back-up copy ...). */
static const char *kind_of(const char *name, const char **own)
{
	size_t n = strlen(name);

	*own = "";
	for (size_t i = 0; life_cycle[i]; i++)
		if (strcmp(life_cycle[i], name) == 0)
			return life_cycle[i];
	for (size_t i = 0; named[i]; i++) {
		size_t k = strlen(named[i]);

		*own = name + k + 1;
		if (strncmp(name, named[i], k) == 0 && name[k] == '-' && n > k + 1 && name[n - 1] != '~')
			return named[i];
	}
	return NULL;
}

/* Whether somebody else could put his program in our place. */
static bool others_may_write(const struct stat *st)
{
	bool owner_is_fine = st->st_uid == geteuid() || st->st_uid == 0;
	bool group_writes = (st->st_mode & S_IWGRP) && st->st_gid != getegid() && st->st_gid != 0;

	return !owner_is_fine || group_writes || (st->st_mode & S_IWOTH);
}

/* NULL: it may be run. */
static const char *objection(int dir_fd, const char *name)
{
	struct stat st;

	if (fstatat(dir_fd, name, &st, 0) != 0)
		return "cannot be looked at";
	if (!S_ISREG(st.st_mode))
		return "is not a regular file";
	if (others_may_write(&st))
		return "belongs to or can be written by another user: chown it, or chmod go-w";
	if (faccessat(dir_fd, name, X_OK, AT_EACCESS) != 0)
		return "is not executable: chmod +x it, or take it away";
	return NULL;
}

static void refuse(struct br_hooks *h, const char *dir, const char *name, const char *why)
{
	br_auto_free char *text = br_asprintf("hook %s/%s %s", dir, name, why);

	br_strv_add(&h->refused, text);
}

static void take(struct br_hooks *h, const char *dir, const char *name)
{
	const char *own;
	const char *kind = kind_of(name, &own);

	br_grow(&h->hook, h->n, &h->cap);
	h->hook[h->n++] = (struct br_hook){
		.path = br_asprintf("%s/%s", dir, name), .kind = br_strdup(kind), .name = br_strdup(own)};
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names of the files that look like hooks, sorted, so that their order is the user's to choose. */
static char **list_names(DIR *dir)
{
	char **names = br_calloc(1, sizeof *names);
	struct dirent *entry;
	const char *own;

	for (size_t seen = 0; seen < ENTRIES_MAX && (entry = readdir(dir)); seen++)
		if (kind_of(entry->d_name, &own))
			br_strv_add(&names, entry->d_name);
	qsort(names, br_strv_len(names), sizeof *names, by_name);
	return names;
}

static void scan_names(struct br_hooks *h, const char *path, int dir_fd, char *const *names)
{
	for (size_t i = 0; names[i]; i++) {
		const char *why =
			i < HOOKS_MAX ? objection(dir_fd, names[i]) : "is one of too many in this folder";

		if (why)
			refuse(h, path, names[i], why);
		else
			take(h, path, names[i]);
	}
}

static int scan(struct br_hooks *h, const char *path, struct br_err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;
	DIR *dir;

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR
			       ? 0
			       : br_fail_errno(err, "cannot read the hooks in %s", path);
	dir = fdopendir(fd);
	if (!dir) {
		(void)br_fail_errno(err, "cannot read the hooks in %s", path);
		(void)close(fd);
		return BR_ESYS;
	}
	br_auto_strv char **names = list_names(dir);

	if (names[0] && (fstat(fd, &st) != 0 || others_may_write(&st)))
		refuse(h, path, "", "is a folder that another user owns or can write: its hooks are not run");
	else
		scan_names(h, path, fd, names);
	(void)closedir(dir);
	return 0;
}

int br_hooks_open(struct br_hooks **out, const char *const *dirs, struct br_err *err)
{
	struct br_hooks *h = br_calloc(1, sizeof *h);
	int rc = 0;

	for (size_t i = 0; rc == 0 && dirs && dirs[i]; i++)
		rc = scan(h, dirs[i], err);
	if (rc != 0) {
		br_hooks_close(h);
		return rc;
	}
	*out = h;
	return 0;
}

const char *br_hooks_refused(const struct br_hooks *h, size_t i)
{
	return i < br_strv_len(h->refused) ? h->refused[i] : NULL;
}

size_t br_hooks_count(const struct br_hooks *h, const char *kind)
{
	size_t n = 0;

	for (size_t i = 0; i < h->n; i++)
		n += strcmp(h->hook[i].kind, kind) == 0;
	return n;
}

/* A file in memory rather than a pipe: it cannot block us, and a hook that does not read it costs no SIGPIPE. */
static int input_file(const char *input, struct br_err *err)
{
	size_t left = strlen(input);
	int fd = memfd_create("hook-input", MFD_CLOEXEC);

	if (fd < 0)
		return br_fail_errno(err, "cannot make a hook's input");
	while (left > 0) {
		ssize_t n = write(fd, input, left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			(void)br_fail_errno(err, "cannot write a hook's input");
			(void)close(fd);
			return BR_ESYS;
		}
		input += n;
		left -= (size_t)n;
	}
	(void)lseek(fd, 0, SEEK_SET);
	return fd;
}

static int run_one(const struct br_hook *hook, const char *input, char *const *env, int limit_ms,
		   struct br_err *err)
{
	struct br_hook_run r = {.pidfd = -1};
	br_auto_fd int in_fd = input_file(input, err);
	const struct br_hook_start start = {.hook = hook, .env = env, .in_fd = in_fd};
	bool in_time;
	int status, rc;

	if (in_fd < 0)
		return in_fd;
	rc = br_hook_start(&start, &r, err);
	if (rc != 0)
		return rc;
	if (limit_ms >= 0)
		r.deadline_ns = br_now_ns() + (uint64_t)limit_ms * BR_NS_PER_MS;
	in_time = br_hook_wait(&r);
	status = br_hook_finish(&r);
	if (!in_time)
		return br_fail(err, BR_ESYS, "hook %s was killed: it ran for more than %d ms", hook->path,
			       limit_ms);
	return br_hook_told(hook, &r, status, err);
}

/* What the hooks so far and one more say together: 125 counts for most, then an error, then the highest status. */
static int combine(int so_far, int rc)
{
	if (so_far == STATUS_SKIP || rc == STATUS_SKIP)
		return STATUS_SKIP;
	if (so_far < 0 || rc < 0)
		return so_far < 0 ? so_far : rc;
	return rc > so_far ? rc : so_far;
}

int br_hooks_run(const struct br_hooks *h, const char *kind, const char *input, char *const *env,
		 int limit_ms, struct br_err *err)
{
	br_auto_strv char **full = br_hook_environment(env, kind);
	int all = 0;

	for (size_t i = 0; i < h->n; i++) {
		struct br_err own = {0};
		int rc, together;

		if (strcmp(h->hook[i].kind, kind) != 0)
			continue;
		rc = run_one(&h->hook[i], input, full, limit_ms, &own);
		together = combine(all, rc);
		if (together != all && err)
			*err = own; /* what is returned is also what is explained */
		all = together;
	}
	return all;
}

void br_hooks_close(struct br_hooks *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < h->n; i++) {
		free(h->hook[i].path);
		free(h->hook[i].kind);
		free(h->hook[i].name);
	}
	free(h->hook);
	br_strv_free(h->refused);
	free(h);
}
