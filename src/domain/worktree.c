/*
 * worktree.c - a private work tree that follows commits by their differences.
 *
 * DIR/tree/.git is a folder with a HEAD, an index and a `commondir` of its own; git and only git reads them (inside a test). We
 * open the common directory as a bare repository and never trust what a test may have changed in the private .git, except:
 *   bisect-run-state  the marker (tree_marker.h), replaced by rename before and after every update
 *   bisect-run-index  the index as the last update wrote it; `index` is another name of it until git replaces that
 * A tree is trusted when the marker is clean and names this very index file and the rules of conversion of today. Then only paths in
 * which the two commits differ are written, after files that a test changed were put right by their stat data, as git does. In
 * every other case all files are compared with the commit; with no marker at all everything is removed first.
 */
#include "domain/worktree.h"

#include "bisect_run/err.h"
#include "base/mem.h"
#include "domain/tree_with.h"
#include "domain/worktree_private.h"
#include "sys/file.h"
#include "sys/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

static const char state_name[] = "bisect-run-state";

int br_worktree_fail(struct br_err *err, const char *what)
{
	const git_error *e = git_error_last();

	return br_fail(err, BR_EGIT, "%s: %s", what, e ? e->message : "unknown error");
}

static void set_paths(struct br_worktree *t, char *tree)
{
	t->path = tree;
	t->git_dir = br_asprintf("%s/.git", tree);
	t->head = br_asprintf("%s/HEAD", t->git_dir);
	t->index = br_asprintf("%s/index", t->git_dir);
	t->own_index = br_asprintf("%s/bisect-run-index", t->git_dir);
	t->state = br_asprintf("%s/%s", t->git_dir, state_name);
	t->commondir_file = br_asprintf("%s/commondir", t->git_dir);
}

static int open_root(struct br_worktree *t, const char *dir, struct br_err *err)
{
	br_auto_free char *tree = br_asprintf("%s/tree", dir);
	char *real;
	int fd;

	if (br_dir_make(tree, err) < 0)
		return err ? err->code : BR_ESYS;
	real = realpath(tree, NULL);
	if (!real)
		return br_fail_errno(err, "cannot find %s", tree);
	set_paths(t, real);
	t->dir = br_strndup(real, (size_t)(strrchr(real, '/') - real));
	fd = open(t->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == EACCES && chmod(t->path, 0700) == 0) /* a test did that */
		fd = open(t->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return br_fail_errno(err, "cannot open %s", t->path);
	br_place_init(&t->c.place, fd);
	return 0;
}

/* As a bare one: neither core.worktree nor core.bare count, and no part of libgit2 looks into the private tree. */
static int open_repository(struct br_worktree *t, struct br_err *err)
{
	unsigned flags =
		GIT_REPOSITORY_OPEN_BARE | GIT_REPOSITORY_OPEN_NO_SEARCH | GIT_REPOSITORY_OPEN_NO_DOTGIT;
	int rc;

	if (git_repository_open_ext(&t->c.repo, t->common_dir, flags, NULL) != 0)
		return br_worktree_fail(err, "cannot open the repository");
	if (git_repository_odb(&t->c.odb, t->c.repo) != 0)
		return br_worktree_fail(err, "cannot open the repository's objects");
	if (git_index_new(&t->c.index) != 0)
		return br_worktree_fail(err, "cannot make an index");
	rc = br_overrides_read(&t->c.overrides, t->c.repo, t->common_dir, err);
	if (rc >= 0)
		rc = br_convert_init(&t->c.convert, t->c.repo, err);
	if (rc < 0)
		return rc;
	br_workshop_init(&t->c.workshop, t->dir, t->common_dir, t->c.convert.config);
	return br_convert_rules(&t->c.convert, &t->rules, err);
}

static struct br_worktree *new_tree(void)
{
	struct br_worktree *t = br_calloc(1, sizeof *t);

	t->c.place.root = t->c.place.dir_fd = -1;
	t->index_is_stale = true;
	(void)git_libgit2_init();
	/* Nothing of the repository is executed, so it does not matter who owns it. */
	(void)git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
	return t;
}

/* The rest of opening, for a tree whose root is open. */
static int finish_open(struct br_worktree **out, struct br_worktree *t, int rc, struct br_err *err)
{
	if (rc >= 0)
		rc = open_repository(t, err);
	if (rc < 0)
		br_worktree_close(t);
	else
		*out = t;
	return rc < 0 ? rc : 0;
}

int br_worktree_open(struct br_worktree **out, const char *common_dir, const char *dir, struct br_err *err)
{
	struct br_worktree *t = new_tree();
	int rc;

	t->common_dir = realpath(common_dir, NULL);
	if (!t->common_dir)
		rc = br_fail_errno(err, "cannot find %s", common_dir);
	else
		rc = open_root(t, dir, err);
	return finish_open(out, t, rc, err);
}

int br_worktree_open_inner(struct br_worktree **out, struct br_worktree *outer, const char *path,
			   const char *common_dir, struct br_err *err)
{
	struct br_worktree *t = new_tree();
	int fd = br_place_open(&outer->c.place, path, err);

	t->depth = outer->depth + 1;
	t->dir = br_strdup(outer->dir);
	t->clean = br_worktree_cleaning(outer);
	t->common_dir = realpath(common_dir, NULL);
	if (outer->user_workdir)
		t->user_workdir = br_asprintf("%s/%s", outer->user_workdir, path);
	set_paths(t, br_asprintf("%s/%s", outer->path, path));
	if (fd >= 0)
		br_place_init(&t->c.place, fd);
	if (fd >= 0 && !t->common_dir)
		fd = br_fail_errno(err, "cannot find %s", common_dir);
	return finish_open(out, t, fd, err);
}

void br_worktree_set_user(struct br_worktree *t, const char *git_dir, const char *workdir)
{
	free(t->user_git_dir);
	free(t->user_workdir);
	t->user_git_dir = br_strdup_or_null(git_dir);
	t->user_workdir = br_strdup_or_null(workdir);
}

const char *br_worktree_path(const struct br_worktree *t)
{
	return t->path;
}

void br_worktree_close(struct br_worktree *t)
{
	if (!t)
		return;
	br_watch_close(t->watch);
	br_place_done(&t->c.place);
	br_workshop_done(&t->c.workshop);
	br_convert_done(&t->c.convert);
	br_overrides_done(&t->c.overrides);
	git_index_free(t->c.index);
	git_odb_free(t->c.odb);
	git_repository_free(t->c.repo);
	(void)git_libgit2_shutdown();
	free(t->common_dir);
	free(t->dir);
	free(t->user_git_dir);
	free(t->user_workdir);
	free(t->note);
	br_strv_free(t->overlay);
	free(t->path);
	free(t->git_dir);
	free(t->head);
	free(t->index);
	free(t->own_index);
	free(t->state);
	free(t->commondir_file);
	free(t);
}

char *br_worktree_peek(const char *dir)
{
	br_auto_free char *state = br_asprintf("%s/tree/.git/%s", dir, state_name);
	struct br_marker m;
	char *out = NULL;

	br_marker_read(state, &m);
	if (m.state == BR_MARKER_CLEAN)
		out = br_strdup(m.commits[0]);
	br_marker_done(&m);
	return out;
}

void br_worktree_clean_once(struct br_worktree *t)
{
	t->clean_once = true;
}

int br_worktree_add_objects(struct br_worktree *t, const char *dir, struct br_err *err)
{
	if (git_odb_add_disk_alternate(t->c.odb, dir) < 0)
		return br_worktree_fail(err, "cannot read made objects");
	free(t->c.workshop.objects);
	t->c.workshop.objects = br_strdup(dir);
	return 0;
}

void br_worktree_set_clean(struct br_worktree *t, enum br_clean clean)
{
	t->clean = clean;
}

static bool is_trusted(struct br_update *u)
{
	return u->was.state == BR_MARKER_CLEAN && git_oid_equal(&u->was.rules, &u->t->rules) &&
	       br_worktree_index_load(u->t, &u->was.index, &u->stamp);
}

static bool touches_attributes(const struct br_tree_deltas *d)
{
	static const char name[] = ".gitattributes";

	for (size_t i = 0; i < d->n; i++) {
		const char *slash = strrchr(d->v[i].path, '/');

		if (strcmp(slash ? slash + 1 : d->v[i].path, name) == 0)
			return true;
	}
	return false;
}

static int deltas_from(struct br_update *u, const char *oid, struct br_tree_deltas *out, struct br_err *err)
{
	struct br_tree_source src = {.repo = u->t->c.repo, .overrides = &u->t->c.overrides};
	git_oid tree;
	int rc = 0;

	if (oid)
		rc = br_tree_of_commit(&u->t->c, oid, &tree, err);
	return rc < 0 ? rc : br_tree_deltas_of(&src, oid ? &tree : NULL, &u->tree, out, err);
}

static void forget(struct br_update *u)
{
	br_tree_deltas_done(&u->lost);
	br_marker_done(&u->was);
}

/* Lists all files of the commit, and those of others that may lie around; when these cannot be known, nothing stays. */
static int plan_full(struct br_update *u, struct br_err *err)
{
	int rc;

	u->full = true;
	br_tree_deltas_done(&u->list);
	rc = deltas_from(u, NULL, &u->list, err);
	for (size_t i = 0; rc >= 0 && i < br_strv_len(u->was.commits); i++) {
		if (deltas_from(u, u->was.commits[i], &u->lost, NULL) < 0) {
			forget(u);
			break;
		}
	}
	return rc;
}

static int plan(struct br_update *u, struct br_err *err)
{
	int rc = br_tree_of_commit(&u->t->c, u->oid, &u->tree, err);

	if (rc < 0)
		return rc;
	if (u->fresh)
		forget(u);
	if (!is_trusted(u)) {
		if (br_worktree_cleaning(u->t) != BR_CLEAN_TRACKED) /* nothing tells what is tracked there */
			forget(u);
		return plan_full(u, err);
	}
	rc = br_worktree_clean(u, err);
	if (rc < 0)
		return rc;
	if (rc == 0) { /* what git cannot remove goes with all the rest */
		forget(u);
		return plan_full(u, err);
	}
	rc = deltas_from(u, u->was.commits[0], &u->list, err);
	if (rc < 0 ||
	    touches_attributes(&u->list)) /* a damaged old tree: the full plan tells which one it is */
		return plan_full(u, err);
	return 0;
}

int br_worktree_update(struct br_worktree *t, const char *oid, bool fresh, const struct br_with *with,
		       size_t nwith, struct br_err *err)
{
	struct br_update u = {.t = t, .oid = oid, .fresh = fresh, .with = with, .nwith = nwith};
	int rc = br_with_check(with, nwith, err);

	br_place_forget(&t->c.place);
	if (rc >= 0)
		rc = br_worktree_home_make(t, err);
	if (rc < 0)
		return rc;
	br_marker_read(t->state, &u.was);
	br_worktree_watch_begin(&u);
	rc = plan(&u, err);
	if (rc >= 0)
		rc = br_worktree_apply(&u, err);
	br_worktree_watch_end(&u, rc >= 0);
	t->clean_once &= rc < 0;
	br_workshop_drop(&t->c.workshop);
	br_tree_deltas_done(&u.list);
	br_tree_deltas_done(&u.lost);
	br_strv_free(u.patched);
	br_strv_free(u.changed);
	br_marker_done(&u.was);
	return rc < 0 ? rc : 0;
}
