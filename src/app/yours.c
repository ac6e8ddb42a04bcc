/*
 * yours.c - which of the user's untracked files an end needs.
 *
 * His files are put into a private tree, as --with does; his own are only read. What makes the difference is found by leaving files out, which is
 * exact where times of access are not: first with all of them, then by halving for the last one that is needed, and so on
 * below it, until those found are enough: about log2(n) runs for each.
 */
#include "app/yours.h"

#include "app/session.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "bisect_run/err.h"
#include "domain/repo.h"
#include "domain/strays.h"
#include "sys/clock.h"
#include "sys/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum {
	TICK_MS = 250,
	RUNS_MAX = 24,
	NAMED_MAX = 5,
	DEPTH_MAX = 64,
};
/* A stray is copied for each run; what is larger is the product of a build, or data. */
#define STRAY_MAX_B (UINT64_C(256) << 20)
/* To narrow down further is not worth more than this. */
#define TIME_MAX_NS (600 * 1000000000ull)
#define LOOK_MAX_B (UINT64_C(1) << 22)

struct yours {
	struct br_session *s;
	const struct br_question *q;
	enum br_class wanted;
	struct br_stray *stray;
	size_t n;
	bool *use;
	unsigned runs;
	uint64_t began_ns;
	struct br_verdict verdict; /* of the last run */
};

/* ---- what may be copied ---- */

static bool file_names(int dir, const char *name, const char *root)
{
	br_auto_free char *text = br_malloc(LOOK_MAX_B);
	br_auto_fd int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, LOOK_MAX_B) : 0;

	return n > 0 && memmem(text, (size_t)n, root, strlen(root));
}

static bool link_names(int dir, const char *name, const char *root)
{
	br_auto_free char *to = br_calloc(1, PATH_MAX);

	return readlinkat(dir, name, to, PATH_MAX - 1) > 0 && strncmp(to, root, strlen(root)) == 0;
}

/* Whether something below name says where the user's checkout lies: a build folder, a link. It would lead writes there. */
static bool names_checkout(int dir, const char *name, const char *root, int depth)
{
	bool found = false;
	struct dirent *e;
	struct stat st;
	DIR *d;
	int fd;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || depth > DEPTH_MAX)
		return true;
	if (S_ISLNK(st.st_mode))
		return link_names(dir, name, root);
	if (S_ISREG(st.st_mode))
		return file_names(dir, name, root);
	fd = S_ISDIR(st.st_mode) ? openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
	d = fd >= 0 ? fdopendir(fd) : NULL;
	if (!d && fd >= 0)
		(void)close(fd);
	while (d && !found && (e = readdir(d)))
		found = !br_name_is_dot(e->d_name) && names_checkout(fd, e->d_name, root, depth + 1);
	if (d)
		(void)closedir(d);
	return found || !d;
}

static bool is_named(const struct br_session *s, const char *path)
{
	for (size_t i = 0; i < s->named.nfile; i++)
		if (strcmp(s->named.file[i].target, path) == 0)
			return true;
	for (size_t i = 0; i < s->nwith; i++)
		if (strcmp(s->with[i].target, path) == 0)
			return true;
	return false;
}

/* Below namespaces the copy lies elsewhere than the user's checkout, and what names that leads there. */
static bool may_be_copied(const struct yours *y, const struct br_stray *stray)
{
	const char *root = br_repo_workdir(y->s->repo);
	br_auto_free char *full = br_asprintf("%s/%s", root, stray->path);

	if (is_named(y->s, stray->path) || br_dir_usage(full) > STRAY_MAX_B)
		return false;
	return y->s->spec.box.level >= BR_LEVEL_NAMESPACES || !names_checkout(AT_FDCWD, full, root, 0);
}

static int find_strays(struct yours *y, struct br_err *err)
{
	size_t n, kept = 0;
	int rc = br_repo_strays(y->s->repo, y->q->label, &y->stray, &n, err);

	for (size_t i = 0; rc >= 0 && i < n; i++) {
		if (may_be_copied(y, &y->stray[i]))
			y->stray[kept++] = y->stray[i];
		else
			free(y->stray[i].path);
	}
	y->n = rc < 0 ? 0 : kept;
	y->use = br_calloc(y->n + 1, sizeof *y->use);
	return rc;
}

/* ---- one run ---- */

static int open_engine(struct yours *y, struct br_err *err)
{
	struct br_session *s = y->s;
	const char *root = br_repo_workdir(s->repo);
	br_auto_free struct br_with *with = br_calloc(s->nwith + y->n, sizeof *with);
	size_t n = 0;

	for (size_t i = 0; i < s->nwith; i++)
		with[n++] = s->with[i];
	for (size_t i = 0; i < y->n; i++)
		if (y->use[i])
			with[n++] = (struct br_with){.target = y->stray[i].path,
						     .source = br_asprintf("%s/%s", root, y->stray[i].path)};
	br_commits_set_with(s->trees, with, n);
	for (size_t i = s->nwith; i < n; i++)
		free(with[i].source);
	s->engine->ops->close(br_steal(&s->engine));
	return br_engine_local_open(&s->engine, &s->spec, s->trees, err);
}

static int wait_for(struct br_session *s, struct br_done *done, struct br_err *err)
{
	for (;;) {
		int rc = br_session_check_signals(s, err);

		if (rc >= 0)
			rc = s->engine->ops->wait(s->engine, s->signal_fd, TICK_MS, done, err);
		if (rc != 0)
			return rc;
		br_progress_tick(s->progress, &s->standing);
	}
}

static int submit(struct yours *y, struct br_outcome *out, struct br_err *err)
{
	struct br_session *s = y->s;
	struct br_job job = {
		.id = ++s->last_job, .label = y->q->label, .timeout_ns = s->limit_ns, .prefer = -1};
	struct br_done done = {0};
	int rc = open_engine(y, err);

	if (rc >= 0)
		rc = s->engine->ops->submit(s->engine, &job, err);
	if (rc >= 0)
		rc = wait_for(s, &done, err);
	if (rc < 0)
		return rc;
	*out = done.outcome;
	return 0;
}

/*
 * 1: with the strays in use it is as wanted; 0: not. No product of one run may help the next, nor a later search: each has a basis of
 * its own, so that its tree is emptied before and after.
 */
static int run(struct yours *y, struct br_err *err)
{
	struct br_session *s = y->s;
	br_auto_free char *basis = br_asprintf("%s-yours-%u", s->row.basis, y->runs++);
	struct br_outcome o = {0};
	struct br_trial t = {0};
	int rc;

	s->spec.basis = basis;
	rc = submit(y, &o, err);
	if (rc >= 0)
		rc = br_judge_verdict(s->judge, &o, y->q->role, &y->verdict, err);
	s->spec.basis = s->row.basis;
	t.verdict = y->verdict;
	free(o.log_path);
	if (rc < 0)
		return rc;
	return o.end != BR_END_LOST && o.end != BR_END_SETUP && br_session_class(s, &t) == y->wanted;
}

/* ---- narrowing down ---- */

static bool is_over(const struct yours *y)
{
	return y->runs >= RUNS_MAX || br_now_ns() - y->began_ns > TIME_MAX_NS;
}

/* Uses those of need, and the first n others. */
static int run_first(struct yours *y, const bool *need, size_t n, struct br_err *err)
{
	for (size_t i = 0; i < y->n; i++)
		y->use[i] = need[i] || i < n;
	return run(y, err);
}

/* The fewest of the first *n that do with need: more than *least are known to be wanted, *n are enough. */
static int halve(struct yours *y, const bool *need, size_t *n, struct br_err *err)
{
	size_t least = 0;

	while (*n - least > 1 && !is_over(y)) {
		size_t half = least + (*n - least) / 2;
		int rc = run_first(y, need, half, err);

		if (rc < 0)
			return rc;
		if (rc)
			*n = half;
		else
			least = half;
	}
	return 0;
}

/* Leaves in use what makes the difference; the rest, too, when there is no time to tell. */
static int narrow(struct yours *y, struct br_err *err)
{
	br_auto_free bool *need = br_calloc(y->n + 1, sizeof *need);
	size_t n = y->n;
	int rc = 0, enough = 0;

	while (rc >= 0 && !enough && !is_over(y)) {
		rc = halve(y, need, &n, err);
		if (rc >= 0 && !is_over(y)) {
			need[--n] = true;
			enough = rc = n ? run_first(y, need, 0, err) : 1;
		}
	}
	for (size_t i = 0; i < y->n; i++)
		y->use[i] = need[i] || (!enough && i < n);
	return rc < 0 ? rc : 0;
}

/* ---- what to say ---- */

static const char *how(enum br_class cls)
{
	switch (cls) {
	case BR_GOOD:
		return "passes";
	case BR_BAD:
		return "fails";
	case BR_SKIP:
		break;
	}
	return "cannot be tested";
}

/* As --with understands it where the user stands. */
static void add_path(struct br_buf *b, const struct br_session *s, const char *path)
{
	const char *prefix = br_repo_prefix(s->repo);
	size_t n = strlen(prefix);
	br_auto_free char *full = br_asprintf("%s/%s", br_repo_workdir(s->repo), path);
	br_auto_free char *quoted = NULL;

	if (n == 0)
		quoted = br_shell_quote(path);
	else if (strncmp(path, prefix, n) == 0 && path[n] == '/')
		quoted = br_shell_quote(path + n + 1);
	else
		quoted = br_shell_quote(full);
	br_buf_str(b, quoted);
}

static char *tell(const struct yours *y, const struct br_trial *clean)
{
	static const char *const kinds[] = {"untracked ", "ignored ", "your changes of "};
	struct br_buf b = {0}, with = {0};
	size_t n = 0;

	br_buf_fmt(&b, "it %s in a clean tree and %s in a copy of yours: it reads ", how(clean->verdict.cls),
		   how(y->verdict.cls));
	for (size_t i = 0; i < y->n; i++) {
		br_auto_free char *path = br_text_clean(y->stray[i].path, strlen(y->stray[i].path), false);

		if (!y->use[i] || ++n > NAMED_MAX)
			continue;
		br_buf_fmt(&b, "%s%s%s", n > 1 ? ", " : "", kinds[y->stray[i].kind], path);
		br_buf_str(&with, " --with ");
		add_path(&with, y->s, y->stray[i].path);
	}
	if (n > NAMED_MAX)
		br_buf_fmt(&b, ", or some of %zu more", n - NAMED_MAX);
	br_buf_fmt(&b, "; add%s", with.data);
	br_buf_done(&with);
	return br_buf_take(&b);
}

static bool makes_sense(const struct br_session *s, const struct br_question *q)
{
	return s->repo && br_repo_workdir(s->repo) && strcmp(s->trees->ops->name, "commits") == 0 &&
	       !q->value && !q->file && s->spec.argv && !s->opt->ask && !s->opt->max_trials &&
	       !s->opt->max_time_ns;
}

int br_yours_explain(struct br_session *s, const struct br_question *q, const struct br_trial *clean,
		     enum br_class wanted, char **said, struct br_err *err)
{
	struct yours y = {.s = s, .q = q, .wanted = wanted, .began_ns = br_now_ns()};
	enum br_class then = BR_SKIP;
	int rc;

	if (!makes_sense(s, q))
		return 0;
	rc = find_strays(&y, err);
	if (rc >= 0 && y.n > 0) {
		br_progress_say(s->progress, "trying it once more in a copy of your own work tree, with what "
					     "lies untracked there");
		memset(y.use, true, y.n);
		rc = run(&y, err);
		then = y.verdict.cls;
		if (rc > 0)
			rc = narrow(&y, err) < 0 ? err->code : 1;
		br_commits_set_with(s->trees, s->with, s->nwith);
		y.verdict.cls = then;
		if (rc > 0)
			*said = tell(&y, clean);
	}
	free(y.use);
	br_strays_free(y.stray, y.n);
	return rc;
}
