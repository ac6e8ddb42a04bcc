/* hook.c - finds the executables that watch a search, and speaks to them: one JSON object on stdin, an exit status back. */
#include "bisect_run/hook.h"

#include "base/mem.h"
#include "base/text.h"
#include "bisect_run/err.h"
#include "sys/clock.h"
#include "sys/spawn.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define HOOKS_MAX 64 /* in one folder: more is a mistake, not a wish */
#define ENTRIES_MAX 4096
#define TAIL_MAX 1024 /* bytes of stderr of which the last line is told */
#define STATUS_SKIP 125

struct hook {
	char *path; /* absolute or as the folder was given */
	char *kind; /* "notify" for notify-NAME */
};

struct br_hooks {
	struct hook *hook;
	size_t n, cap;
	char **refused; /* what is wrong with files that look like hooks */
};

static const char *const life_cycle[] = {"pre-search", "pre-trial", "post-trial", "post-search", NULL};

/* The kind that a file's name stands for; NULL: it is no hook (README.md, a back-up copy ...). */
static const char *kind_of(const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; life_cycle[i]; i++)
		if (strcmp(life_cycle[i], name) == 0)
			return life_cycle[i];
	if (strncmp(name, "notify-", 7) == 0 && n > 7 && name[n - 1] != '~')
		return "notify";
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
	br_grow(&h->hook, h->n, &h->cap);
	h->hook[h->n++] =
		(struct hook){.path = br_asprintf("%s/%s", dir, name), .kind = br_strdup(kind_of(name))};
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

	for (size_t seen = 0; seen < ENTRIES_MAX && (entry = readdir(dir)); seen++)
		if (kind_of(entry->d_name))
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

/* The end of what a hook says on stderr; everything before is dropped as it comes. */
struct tail {
	char data[TAIL_MAX];
	size_t len;
};

static void tail_add(struct tail *t, const char *data, size_t n)
{
	if (n > TAIL_MAX) {
		data += n - TAIL_MAX;
		n = TAIL_MAX;
	}
	if (t->len + n > TAIL_MAX) {
		size_t drop = t->len + n - TAIL_MAX;

		memmove(t->data, t->data + drop, t->len - drop);
		t->len -= drop;
	}
	memcpy(t->data + t->len, data, n);
	t->len += n;
}

/* The last line that is not empty, fit for a terminal. The caller frees. */
static char *last_line(const struct tail *t)
{
	size_t end = t->len, start;

	while (end > 0 && (t->data[end - 1] == '\n' || t->data[end - 1] == '\r' || t->data[end - 1] == ' '))
		end--;
	for (start = end; start > 0 && t->data[start - 1] != '\n';)
		start--;
	return br_text_clean(t->data + start, end - start, false);
}

/* One read. False: the other side is closed, or nothing is there now. */
static bool drain(int fd, struct tail *t)
{
	char chunk[4096];
	ssize_t n = read(fd, chunk, sizeof chunk);

	if (n > 0)
		tail_add(t, chunk, (size_t)n);
	return n > 0 || (n < 0 && errno == EINTR);
}

/* A hook that runs. */
struct run {
	pid_t pid;
	int pidfd;	      /* -1: this kernel has none */
	int err_fd;	      /* its stderr; -1: closed by it */
	uint64_t deadline_ns; /* 0: none */
	struct tail tail;
};

static int wait_ms(const struct run *r)
{
	uint64_t now = br_now_ns();
	uint64_t left = r->deadline_ns > now ? (r->deadline_ns - now + BR_NS_PER_MS - 1) / BR_NS_PER_MS : 0;

	if (r->deadline_ns == 0)
		left = INT32_MAX;
	return r->pidfd < 0 && left > 10 ? 10 : (int)left;
}

/* Looks without reaping: as long as the dead leader is there, its process group cannot be somebody else's. */
static bool has_ended(const struct run *r)
{
	siginfo_t info = {.si_pid = 0};

	return waitid(P_PID, (id_t)r->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != 0;
}

/* Empties its stderr until it ends; a grandchild that holds the pipe open delays nobody. False: the limit came first. */
static bool wait_end(struct run *r)
{
	bool open = true;

	while (!has_ended(r)) {
		struct pollfd p[2] = {{.fd = r->pidfd, .events = POLLIN},
				      {.fd = open ? r->err_fd : -1, .events = POLLIN}};

		if (r->deadline_ns != 0 && br_now_ns() >= r->deadline_ns)
			return false;
		if (poll(p, 2, wait_ms(r)) > 0 && p[1].revents)
			open = drain(r->err_fd, &r->tail);
	}
	return true;
}

static int start(const struct hook *hook, int in_fd, char *const *env, struct run *r, struct br_err *err)
{
	char *argv[] = {hook->path, NULL};
	struct br_spawn s = {.argv = argv, .env = env, .in_fd = in_fd, .out_fd = -1};
	int ends[2], rc;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return br_fail_errno(err, "cannot make a pipe");
	(void)fcntl(ends[0], F_SETFL, O_NONBLOCK); /* ours alone: programs expect a stderr that blocks */
	s.err_fd = ends[1];
	s.new_session = true;
	s.die_with_parent = true;
	rc = br_spawn(&s, &r->pid, &r->pidfd, err);
	(void)close(ends[1]);
	if (rc != 0) {
		(void)close(ends[0]);
		return br_wrap(err, "hook %s", hook->path);
	}
	r->err_fd = ends[0];
	return 0;
}

/* Kills all that is left of its group, then reaps it. */
static int finish(struct run *r)
{
	int status = 0;

	(void)kill(-r->pid, SIGKILL);
	while (waitpid(r->pid, &status, 0) < 0 && errno == EINTR)
		;
	for (int i = 0; i < 32 && drain(r->err_fd, &r->tail); i++)
		; /* what a full pipe can hold */
	(void)close(r->err_fd);
	if (r->pidfd >= 0)
		(void)close(r->pidfd);
	return status;
}

/* Its exit status, with what it said in err when that is not 0; or BR_ESYS. */
static int told(const struct hook *hook, const struct run *r, int status, struct br_err *err)
{
	br_auto_free char *line = last_line(&r->tail);
	const char *colon = *line ? ": " : "";
	char name[24];

	if (WIFSIGNALED(status))
		return br_fail(err, BR_ESYS, "hook %s was killed by %s%s%s", hook->path,
			       br_signal_name(WTERMSIG(status), name, sizeof name), colon, line);
	if (WEXITSTATUS(status) != 0)
		(void)br_fail(err, BR_OK, "hook %s: exit %d%s%s", hook->path, WEXITSTATUS(status), colon,
			      line);
	return WEXITSTATUS(status);
}

static int run_one(const struct hook *hook, const char *input, char *const *env, int limit_ms,
		   struct br_err *err)
{
	struct run r = {.pidfd = -1};
	br_auto_fd int in_fd = input_file(input, err);
	bool in_time;
	int status, rc;

	if (in_fd < 0)
		return in_fd;
	rc = start(hook, in_fd, env, &r, err);
	if (rc != 0)
		return rc;
	if (limit_ms >= 0)
		r.deadline_ns = br_now_ns() + (uint64_t)limit_ms * BR_NS_PER_MS;
	in_time = wait_end(&r);
	status = finish(&r);
	if (!in_time)
		return br_fail(err, BR_ESYS, "hook %s was killed: it ran for more than %d ms", hook->path,
			       limit_ms);
	return told(hook, &r, status, err);
}

/* The given environment with BISECT_RUN_HOOK=kind in it. */
static char **environment(char *const *env, const char *kind)
{
	static const char name[] = "BISECT_RUN_HOOK=";
	size_t total = br_strv_len(env), n = 0;
	char **out = br_calloc(total + 2, sizeof *out);

	for (size_t i = 0; i < total; i++)
		if (strncmp(env[i], name, sizeof name - 1) != 0)
			out[n++] = br_strdup(env[i]);
	out[n] = br_asprintf("%s%s", name, kind);
	return out;
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
	br_auto_strv char **full = environment(env, kind);
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
	}
	free(h->hook);
	br_strv_free(h->refused);
	free(h);
}
