/* worktree_fixture.h - real git, a temporary folder and comparisons of trees for the tests of the private work tree. */
#ifndef WORKTREE_FIXTURE_H
#define WORKTREE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bisect_run/err.h"
#include "base/buf.h"
#include "base/mem.h"
#include "domain/worktree.h"
#include "sys/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs git without the settings of this machine; input (may be NULL) on stdin. The output is the caller's. */
static inline char *git_in(const char *cwd, const struct br_buf *input, int *status, char *const *argv)
{
	int in[2], out[2];
	struct br_buf b = {0};
	char chunk[4096];
	ssize_t n;
	pid_t feeder = -1, pid;

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)dup2(in[0], 0);
		(void)dup2(out[1], 1);
		(void)setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
		(void)setenv("GIT_CONFIG_GLOBAL", "/dev/null", 1);
		(void)setenv("GIT_AUTHOR_NAME", "A", 1);
		(void)setenv("GIT_AUTHOR_EMAIL", "a@example.com", 1);
		(void)setenv("GIT_COMMITTER_NAME", "A", 1);
		(void)setenv("GIT_COMMITTER_EMAIL", "a@example.com", 1);
		if (chdir(cwd) == 0)
			(void)execvp("git", argv);
		_exit(127);
	}
	(void)close(in[0]);
	(void)close(out[1]);
	if (input) {
		feeder = fork();
		assert_true(feeder >= 0);
		if (feeder == 0) {
			size_t at = 0;

			while (at < input->len) {
				n = write(in[1], input->data + at, input->len - at);
				if (n <= 0)
					_exit(1);
				at += (size_t)n;
			}
			_exit(0);
		}
	}
	(void)close(in[1]);
	while ((n = read(out[0], chunk, sizeof chunk)) > 0)
		br_buf_add(&b, chunk, (size_t)n);
	(void)close(out[0]);
	assert_int_equal(waitpid(pid, status, 0), pid);
	if (feeder > 0)
		assert_int_equal(waitpid(feeder, NULL, 0), feeder);
	return br_buf_take(&b);
}

/* git with these arguments in cwd, which must succeed. The output without its last newline; the caller frees. */
static inline char *git_ok(const char *cwd, const struct br_buf *input, ...)
{
	char *argv[24] = {0}, git[] = "git";
	char *out;
	size_t n = 0;
	int status;
	va_list ap;

	argv[n++] = git;
	va_start(ap, input);
	while (n < 23 && (argv[n] = va_arg(ap, char *)))
		n++;
	va_end(ap);
	out = git_in(cwd, input, &status, argv);
	if (status != 0)
		print_error("git %s %s in %s: status %d\n%s\n", argv[1], argv[2] ? argv[2] : "", cwd, status,
			    out);
	assert_int_equal(status, 0);
	n = strlen(out);
	if (n && out[n - 1] == '\n')
		out[n - 1] = '\0';
	return out;
}
#define git(cwd, ...) free(git_ok(cwd, NULL, __VA_ARGS__, NULL))
#define git_text(cwd, ...) git_ok(cwd, NULL, __VA_ARGS__, NULL)

/* A temporary folder with a repository "repo" and a place for work trees "work", which lies inside of the git directory. */
struct fixture {
	char *top, *repo, *common, *work, *tree;
	struct br_worktree *t;
	struct br_err err;
};

static inline void put_file(const char *dir, const char *path, const char *text)
{
	br_auto_free char *full = br_asprintf("%s/%s", dir, path);
	char *slash = strrchr(full, '/');

	*slash = '\0';
	assert_int_equal(br_dir_make(full, NULL), 0);
	*slash = '/';
	assert_int_equal(br_file_write(full, text, strlen(text), NULL), 0);
}

static inline char *read_file(const char *dir, const char *path)
{
	br_auto_free char *full = br_asprintf("%s/%s", dir, path);
	char *out = NULL;
	size_t n;

	return br_file_read(full, 1 << 24, &out, &n, NULL) == 0 ? out : NULL;
}

static inline bool exists(const char *dir, const char *path)
{
	br_auto_free char *full = br_asprintf("%s/%s", dir, path);
	struct stat st;

	return lstat(full, &st) == 0;
}

#define assert_file(dir, path, text)                                                                         \
	do {                                                                                                 \
		char *now_ = read_file(dir, path);                                                           \
		assert_non_null(now_);                                                                       \
		assert_string_equal(now_, text);                                                             \
		free(now_);                                                                                  \
	} while (0)

/* Commits all files of the repository's work tree; the id is the caller's. */
static inline char *commit_all(struct fixture *f)
{
	git(f->repo, "add", "-A");
	git(f->repo, "commit", "-q", "--allow-empty", "-m", "c");
	return git_text(f->repo, "rev-parse", "HEAD");
}

static inline void fixture_open(struct fixture *f)
{
	if (br_worktree_open(&f->t, f->common, f->work, &f->err) < 0)
		fail_msg("%s", f->err.msg);
}

static inline void fixture_reopen(struct fixture *f)
{
	br_worktree_close(f->t);
	fixture_open(f);
}

static inline int fixture_new(void **state)
{
	struct fixture *f = br_calloc(1, sizeof *f);
	char name[] = "/tmp/br-worktree-XXXXXX";

	assert_non_null(mkdtemp(name));
	f->top = realpath(name, NULL);
	f->repo = br_asprintf("%s/repo", f->top);
	f->common = br_asprintf("%s/repo/.git", f->top);
	f->work = br_asprintf("%s/bisect-run/work/0", f->common);
	f->tree = br_asprintf("%s/tree", f->work);
	/* What the user of this machine configured must not shape the trees of the tests. */
	assert_int_equal(setenv("HOME", f->top, 1), 0);
	assert_int_equal(unsetenv("XDG_CONFIG_HOME"), 0);
	git(f->top, "init", "-q", "-b", "main", f->repo);
	*state = f;
	return 0;
}

static inline int fixture_free(void **state)
{
	struct fixture *f = *state;

	br_worktree_close(f->t);
	assert_int_equal(br_dir_remove(f->top, NULL), 0);
	free(f->top);
	free(f->repo);
	free(f->common);
	free(f->work);
	free(f->tree);
	free(f);
	return 0;
}

static inline void update(struct fixture *f, const char *oid)
{
	if (br_worktree_update(f->t, oid, false, NULL, 0, &f->err) < 0)
		fail_msg("%s", f->err.msg);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static inline bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static inline char *contents(const char *path, const struct stat *st, size_t *n)
{
	char *out = NULL;

	if (S_ISREG(st->st_mode)) {
		assert_int_equal(br_file_read(path, SIZE_MAX / 4, &out, n, NULL), 0);
	} else if (S_ISLNK(st->st_mode)) {
		ssize_t got;

		out = br_calloc(1, PATH_MAX);
		got = readlink(path, out, PATH_MAX - 1);
		assert_true(got >= 0);
		*n = (size_t)got;
	} else {
		*n = 0;
	}
	return out;
}

/* True when both are the same file or link, byte for byte, with the same permissions. */
static inline bool same_entry(const char *a, const char *b)
{
	struct stat sa, sb;
	br_auto_free char *da = NULL, *db = NULL;
	size_t na, nb;

	if (lstat(a, &sa) != 0 || lstat(b, &sb) != 0 || sa.st_mode != sb.st_mode)
		return false;
	da = contents(a, &sa, &na);
	db = contents(b, &sb, &nb);
	return na == nb && (na == 0 || memcmp(da, db, na) == 0);
}

/* Every file, link and folder below want is below have too, alike; what have has more begins with "u-". */
static inline void assert_same_tree(const char *want, const char *have)
{
	struct dirent **list = NULL;
	int n = scandir(want, &list, NULL, by_name);

	if (n < 0)
		fail_msg("%s is missing", want);
	for (int i = 0; i < n; i++) {
		br_auto_free char *a = br_asprintf("%s/%s", want, list[i]->d_name);
		br_auto_free char *b = br_asprintf("%s/%s", have, list[i]->d_name);
		bool skip = is_dots(list[i]->d_name) || strcmp(list[i]->d_name, ".git") == 0;
		struct stat st;

		if (!skip && !same_entry(a, b))
			fail_msg("%s is not as in the commit", b);
		if (!skip && lstat(a, &st) == 0 && S_ISDIR(st.st_mode))
			assert_same_tree(a, b);
		free(list[i]);
	}
	free(list);
	n = scandir(have, &list, NULL, by_name);
	for (int i = 0; i < n; i++) {
		br_auto_free char *a = br_asprintf("%s/%s", want, list[i]->d_name);
		br_auto_free char *b = br_asprintf("%s/%s", have, list[i]->d_name);
		bool extra = strncmp(list[i]->d_name, "u-", 2) == 0 || strcmp(list[i]->d_name, ".git") == 0;
		struct stat st;

		if (!extra && !is_dots(list[i]->d_name) && lstat(a, &st) != 0) {
			/* A folder that only holds what a test left stays. */
			assert_int_equal(lstat(b, &st), 0);
			if (!S_ISDIR(st.st_mode))
				fail_msg("%s is not in the commit", b);
			assert_int_not_equal(rmdir(b), 0);
			assert_int_equal(mkdir(a, 0777), 0);
			assert_same_tree(a, b);
			assert_int_equal(rmdir(a), 0);
		}
		free(list[i]);
	}
	free(list);
}

static inline void checksum_folder(const char *dir, struct br_buf *b)
{
	struct dirent **list = NULL;
	int n = scandir(dir, &list, NULL, by_name);

	assert_true(n >= 0);
	for (int i = 0; i < n; i++) {
		br_auto_free char *path = br_asprintf("%s/%s", dir, list[i]->d_name);
		br_auto_free char *data = NULL;
		uint64_t h = 14695981039346656037u;
		struct stat st;
		size_t len = 0;

		if (!is_dots(list[i]->d_name) && strcmp(list[i]->d_name, "bisect-run") != 0) {
			assert_int_equal(lstat(path, &st), 0);
			data = contents(path, &st, &len);
			for (size_t k = 0; k < len; k++)
				h = (h ^ (unsigned char)data[k]) * 1099511628211u; /* FNV-1a */
			br_buf_fmt(b, "%s %o %zu %llx\n", path, st.st_mode, len, (unsigned long long)h);
			if (S_ISDIR(st.st_mode))
				checksum_folder(path, b);
		}
		free(list[i]);
	}
	free(list);
}

/* All that lies in the git directory but our own folder. */
static inline char *checksum(const char *dir)
{
	struct br_buf b = {0};

	checksum_folder(dir, &b);
	return br_buf_take(&b);
}

/* git inside of the tree sees the commit and nothing changed. */
static inline void assert_git_sees(const struct fixture *f, const char *oid)
{
	br_auto_free char *head = git_text(f->tree, "rev-parse", "HEAD");
	br_auto_free char *status =
		git_text(f->tree, "-c", "core.quotePath=true", "status", "--porcelain", "-uno");

	assert_string_equal(head, oid);
	assert_string_equal(status, "");
}

#endif
