/* tree_delta.c - walks two trees side by side; nothing that a hostile tree holds gets past the checks here. */
#include "domain/tree_delta.h"

#include "bisect_run/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "domain/overrides.h"

#include <limits.h>
#include <string.h>
#include <strings.h>

/* A few objects can describe a tree of 10^10 files; no work tree that can be tested is near to this. */
enum { MAX_LEAVES = 1 << 22 };

/* One pair of folders that is being merged; either may be NULL. */
struct frame {
	git_tree *a, *b;
	size_t ia, ib;
	size_t prefix; /* length of the path of this folder, with its slash */
};

struct walk {
	const struct br_tree_source *src;
	struct frame *stack;
	size_t depth, cap;
	char path[PATH_MAX];
	struct br_tree_deltas *out;
	struct br_err *err;
};

/* As git has it with core.protectNTFS, its default: ".git. ", "GIT~1:x" and the like are .git on some file system. */
static bool is_dot_git(const char *name, size_t n)
{
	size_t i;

	if (n >= 4 && strncasecmp(name, ".git", 4) == 0)
		i = 4;
	else if (n >= 5 && strncasecmp(name, "git~1", 5) == 0)
		i = 5;
	else
		return false;
	while (i < n && (name[i] == '.' || name[i] == ' '))
		i++;
	return i == n || name[i] == ':' || name[i] == '\\';
}

bool br_tree_name_ok(const char *name, size_t n)
{
	if (n == 0 || memchr(name, '/', n))
		return false;
	if (name[0] == '.' && (n == 1 || (n == 2 && name[1] == '.')))
		return false;
	return !is_dot_git(name, n);
}

bool br_tree_path_ok(const char *path)
{
	if (strlen(path) >= PATH_MAX)
		return false;
	for (;;) {
		size_t n = strcspn(path, "/");

		if (!br_tree_name_ok(path, n))
			return false;
		if (!path[n])
			return true;
		path += n + 1;
	}
}

static bool is_folder(const git_tree_entry *e)
{
	return git_tree_entry_filemode(e) == GIT_FILEMODE_TREE;
}

/* The order of entries in a tree: a folder counts as if its name ended in a slash. */
static int compare(const git_tree_entry *x, const git_tree_entry *y)
{
	const char *nx = git_tree_entry_name(x), *ny = git_tree_entry_name(y);
	size_t lx = strlen(nx), ly = strlen(ny), n = lx < ly ? lx : ly;
	int c = memcmp(nx, ny, n), cx, cy;

	if (c)
		return c;
	cx = lx > n ? (unsigned char)nx[n] : is_folder(x) ? '/' : 0;
	cy = ly > n ? (unsigned char)ny[n] : is_folder(y) ? '/' : 0;
	return cx - cy;
}

static int refuse(struct walk *w, const git_tree *tree, const char *why, const char *name)
{
	char hex[GIT_OID_HEXSZ + 1];
	br_auto_free char *clean = br_text_clean(name, strlen(name), false);
	br_auto_free char *dir = br_text_clean(w->path, strlen(w->path), false);

	return br_fail(w->err, BR_ECORRUPT, "tree %s %s \"%s%s\"",
		       git_oid_tostr(hex, sizeof hex, git_tree_id(tree)), why, dir, clean);
}

/* True when the folder at place i stands as a file or link too: all names between begin with its name. */
static bool is_also_a_file(const git_tree *tree, size_t i)
{
	const char *name = git_tree_entry_name(git_tree_entry_byindex(tree, i));
	size_t n = strlen(name);

	while (i-- > 0) {
		const char *other = git_tree_entry_name(git_tree_entry_byindex(tree, i));

		if (strncmp(other, name, n) != 0)
			return false;
		if (!other[n])
			return true;
	}
	return false;
}

static int check(struct walk *w, const git_tree *tree)
{
	const git_tree_entry *last = NULL;

	for (size_t i = 0; i < git_tree_entrycount(tree); i++) {
		const git_tree_entry *e = git_tree_entry_byindex(tree, i);
		const char *name = git_tree_entry_name(e);

		if (!br_tree_name_ok(name, strlen(name)))
			return refuse(w, tree, "holds the forbidden name", name);
		if (last && compare(last, e) >= 0)
			return refuse(w, tree, "is not in order at", name);
		if (is_folder(e) && is_also_a_file(tree, i))
			return refuse(w, tree, "holds twice", name);
		last = e;
	}
	return 0;
}

static int load(struct walk *w, const git_oid *id, git_tree **out)
{
	char hex[GIT_OID_HEXSZ + 1];
	git_oid real;
	int rc;

	*out = NULL;
	if (!id)
		return 0;
	real = *id;
	rc = br_overrides_real(w->src->overrides, &real, w->err);
	if (rc < 0)
		return rc;
	if (git_tree_lookup(out, w->src->repo, &real) != 0) {
		const git_error *e = git_error_last();
		br_auto_free char *dir = br_text_clean(w->path, strlen(w->path), false);

		return br_fail(w->err, BR_ECORRUPT, "tree %s (\"%s\") is damaged or missing: %s",
			       git_oid_tostr(hex, sizeof hex, id), dir, e ? e->message : "unknown error");
	}
	rc = check(w, *out);
	if (rc < 0) {
		git_tree_free(*out);
		*out = NULL;
	}
	return rc;
}

static int push(struct walk *w, const git_oid *a, const git_oid *b)
{
	struct frame f = {.prefix = strlen(w->path)};
	int rc = load(w, a, &f.a);

	if (rc < 0)
		return rc;
	rc = load(w, b, &f.b);
	if (rc < 0) {
		git_tree_free(f.a);
		return rc;
	}
	br_grow(&w->stack, w->depth, &w->cap);
	w->stack[w->depth++] = f;
	return 0;
}

static void pop(struct walk *w)
{
	struct frame *f = &w->stack[--w->depth];

	git_tree_free(f->a);
	git_tree_free(f->b);
}

static int emit(struct walk *w, const git_tree_entry *a, const git_tree_entry *b)
{
	struct br_tree_deltas *out = w->out;
	struct br_tree_delta *d;

	if (out->n >= MAX_LEAVES)
		return br_fail(w->err, BR_ECORRUPT, "the tree has more than %d files", MAX_LEAVES);
	br_grow(&out->v, out->n, &out->cap);
	d = &out->v[out->n++];
	*d = (struct br_tree_delta){.path = br_strdup(w->path)};
	if (a) {
		d->old_id = *git_tree_entry_id(a);
		d->old_mode = (uint16_t)git_tree_entry_filemode(a);
	}
	if (b) {
		d->new_id = *git_tree_entry_id(b);
		d->new_mode = (uint16_t)git_tree_entry_filemode(b);
	}
	return 0;
}

/* One name of either or both sides; with both, both are folders or neither is. */
static int visit(struct walk *w, size_t prefix, const git_tree_entry *a, const git_tree_entry *b)
{
	const git_tree_entry *any = b ? b : a;
	const char *name = git_tree_entry_name(any);
	size_t n = strlen(name);
	bool same_id = a && b && git_oid_equal(git_tree_entry_id(a), git_tree_entry_id(b));

	if (same_id && git_tree_entry_filemode(a) == git_tree_entry_filemode(b))
		return 0;
	if (prefix + n + 2 > sizeof w->path)
		return br_fail(w->err, BR_ECORRUPT, "the tree holds a path of more than %d bytes",
			       PATH_MAX - 2);
	memcpy(w->path + prefix, name, n + 1);
	if (!is_folder(any))
		return emit(w, a, b);
	memcpy(w->path + prefix + n, "/", 2);
	return push(w, a ? git_tree_entry_id(a) : NULL, b ? git_tree_entry_id(b) : NULL);
}

static int step(struct walk *w)
{
	struct frame *f = &w->stack[w->depth - 1];
	const git_tree_entry *a = f->a ? git_tree_entry_byindex(f->a, f->ia) : NULL;
	const git_tree_entry *b = f->b ? git_tree_entry_byindex(f->b, f->ib) : NULL;
	int c;

	w->path[f->prefix] = '\0';
	if (!a && !b) {
		pop(w);
		return 0;
	}
	c = a && b ? compare(a, b) : a ? -1 : 1;
	f->ia += c <= 0;
	f->ib += c >= 0;
	return visit(w, f->prefix, c <= 0 ? a : NULL, c >= 0 ? b : NULL);
}

int br_tree_deltas_of(const struct br_tree_source *src, const git_oid *from, const git_oid *to,
		      struct br_tree_deltas *out, struct br_err *err)
{
	struct walk *w = br_calloc(1, sizeof *w);
	int rc;

	w->src = src;
	w->out = out;
	w->err = err;
	rc = push(w, from, to);
	while (rc >= 0 && w->depth)
		rc = step(w);
	while (w->depth)
		pop(w);
	free(w->stack);
	free(w);
	return rc;
}

void br_tree_deltas_done(struct br_tree_deltas *d)
{
	for (size_t i = 0; i < d->n; i++)
		free(d->v[i].path);
	free(d->v);
	*d = (struct br_tree_deltas){0};
}
