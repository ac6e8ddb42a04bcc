/* named.c - the files of the user's that the command line names. */
#include "app/named.h"

#include "base/mem.h"
#include "bisect_run/err.h"
#include "domain/repo.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

/* More words than this are no command line but data. */
enum { MAX_WORDS = 4096 };

static bool is_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* Where a word leads from cwd, with `.` and `..` taken out but the last link kept; NULL: no regular file. */
static char *locate(const char *cwd, const char *word)
{
	br_auto_free char *joined = word[0] == '/' ? br_strdup(word) : br_asprintf("%s/%s", cwd, word);
	br_auto_free char *dir = NULL;
	br_auto_free char *real = NULL;
	char *slash;

	if (!is_file(joined))
		return NULL;
	slash = strrchr(joined, '/');
	dir = slash == joined ? br_strdup("/") : br_strndup(joined, (size_t)(slash - joined));
	real = realpath(dir, NULL);
	if (!real)
		return NULL;
	return br_asprintf("%s/%s", strcmp(real, "/") == 0 ? "" : real, slash + 1);
}

static const char *below(const char *root, const char *path)
{
	size_t n = root ? strlen(root) : 0;

	if (n == 0 || strncmp(root, path, n) != 0 || path[n] != '/')
		return NULL;
	return path + n + 1;
}

static bool listed(char *const *paths, const char *path)
{
	for (size_t i = 0; paths && paths[i]; i++)
		if (strcmp(paths[i], path) == 0)
			return true;
	return false;
}

static bool known(const struct br_named *n, const char *path)
{
	return listed(n->inside, path) || listed(n->outside, path);
}

/*
 * A program that was built (ELF, an archive) is never put into a tree: `sh -c 'make prog && ./prog'` would take the
 * user's stale one for the one to test.
 */
static bool is_built(const char *path)
{
	char magic[8] = {0};
	br_auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 || read(fd, magic, sizeof magic) < 4)
		return false;
	return memcmp(magic, "\177ELF", 4) == 0 || memcmp(magic, "!<arch>\n", 8) == 0;
}

static int note_inside(struct br_named *n, struct br_repo *repo, const char *path, const char *rel,
		       struct br_err *err)
{
	int r = is_built(path) ? 1 : br_repo_is_tracked(repo, path, err);

	if (r == 0) {
		r = br_repo_is_ignored(repo, path, err);
		if (r == 0) {
			n->file = br_reallocarray(n->file, n->nfile + 1, sizeof *n->file);
			n->file[n->nfile++] = (struct br_named_file){.source = br_strdup(path),
								     .target = br_strdup(rel),
								     .for_build = n->in_build};
		}
	}
	return r < 0 ? r : 0;
}

/* *absolute (may be NULL) is set when the word leads out of the checkout by a relative path. */
static int look_at(struct br_named *n, struct br_repo *repo, const char *cwd, const char *word,
		   char **absolute, struct br_err *err)
{
	br_auto_free char *path = NULL;
	const char *workdir = repo ? br_repo_workdir(repo) : NULL;
	const char *rel;

	if (!word[0] || strlen(word) >= PATH_MAX || !(path = locate(cwd, word)))
		return 0;
	rel = below(workdir, path);
	if (rel && !known(n, path)) {
		br_strv_add(&n->inside, path);
		return note_inside(n, repo, path, rel, err);
	}
	if (rel)
		return 0;
	if (!known(n, path))
		br_strv_add(&n->outside, path);
	if (absolute && word[0] != '/' && strchr(word, '/'))
		*absolute = br_strdup(path);
	return 0;
}

/* The pieces of a shell text that could be file names. */
static int look_inside(struct br_named *n, struct br_repo *repo, const char *cwd, const char *text,
		       struct br_err *err)
{
	static const char breaks[] = " \t\n;&|()<>'\"`=$";
	size_t words = 0, gap = 0;

	for (const char *p = text; *p && words < MAX_WORDS; words++) {
		size_t len = strcspn(p, breaks);
		br_auto_free char *word = br_strndup(p, len);
		/* What is written to is a result, not an input. */
		bool output = memchr(p - gap, '>', gap) != NULL;
		int r = output ? 0 : look_at(n, repo, cwd, word, NULL, err);

		if (r < 0)
			return r;
		p += len;
		gap = strspn(p, breaks);
		p += gap;
	}
	return 0;
}

int br_named_find(struct br_named *out, struct br_repo *repo, const char *cwd, char *const *argv,
		  const char *build, struct br_err *err)
{
	struct br_named n = {.argv = argv ? br_strv_copy(argv) : NULL, .in_build = true};
	int r = build ? look_inside(&n, repo, cwd, build, err) : 0;

	n.in_build = false;
	for (size_t i = 0; r == 0 && n.argv && n.argv[i]; i++) {
		char *absolute = NULL;

		/* The program itself is looked up in PATH unless it has a slash. */
		if (i > 0 || strchr(n.argv[i], '/'))
			r = look_at(&n, repo, cwd, n.argv[i], &absolute, err);
		if (r == 0 && strpbrk(n.argv[i], " \t\n;&|"))
			r = look_inside(&n, repo, cwd, n.argv[i], err);
		if (absolute) {
			free(n.argv[i]);
			n.argv[i] = absolute;
		}
	}
	if (r < 0) {
		br_named_done(&n);
		return r;
	}
	*out = n;
	return 0;
}

void br_named_done(struct br_named *n)
{
	for (size_t i = 0; i < n->nfile; i++) {
		free(n->file[i].source);
		free(n->file[i].target);
	}
	free(n->file);
	br_strv_free(n->argv);
	br_strv_free(n->inside);
	br_strv_free(n->outside);
	*n = (struct br_named){0};
}
