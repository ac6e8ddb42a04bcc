/* treediff.c - whether two trees differ in the wanted paths: raw tree objects side by side, equal ids left out. */
#include "domain/pathspec_private.h"

#include "base/buf.h"
#include "bisect_run/err.h"

#include <string.h>

enum { MAX_DEPTH = 1000, MAX_PATH = 64 * 1024 };

struct differ {
	const struct br_pathspec *spec;
	git_odb *odb;
	struct br_buf path; /* of the folder, with a slash at its end */
	int depth;
	struct br_err *err;
};

/* The entries of one raw tree, one after the other. */
struct cursor {
	git_odb_object *object;
	git_oid id; /* of the tree */
	const char *p, *end;
	bool valid; /* the fields below hold an entry */
	const char *name;
	size_t len;
	const char *mode; /* octal digits, then a blank */
	bool is_tree;
	git_oid entry;
};

static int unreadable(struct differ *d, const git_oid *id)
{
	return br_fail(d->err, BR_ECORRUPT,
		       "tree %s cannot be read: run `git fsck`; in a partial clone, fetch it first",
		       git_oid_tostr_s(id));
}

/* "mode name\0" and 20 bytes. */
static int next(struct differ *d, struct cursor *c)
{
	const char *blank, *nul;

	c->valid = c->p < c->end;
	if (!c->valid)
		return 0;
	blank = memchr(c->p, ' ', (size_t)(c->end - c->p));
	nul = blank ? memchr(blank, '\0', (size_t)(c->end - blank)) : NULL;
	if (!nul || nul == blank + 1 || (size_t)(c->end - nul - 1) < sizeof c->entry.id)
		return unreadable(d, &c->id);
	c->mode = c->p;
	c->is_tree = *c->p == '4' || strncmp(c->p, "04", 2) == 0;
	c->name = blank + 1;
	c->len = (size_t)(nul - c->name);
	(void)git_oid_fromraw(&c->entry, (const unsigned char *)nul + 1);
	c->p = nul + 1 + sizeof c->entry.id;
	return 0;
}

static int open_cursor(struct differ *d, struct cursor *c, const git_oid *id)
{
	*c = (struct cursor){0};
	if (!id)
		return 0;
	c->id = *id;
	if (git_odb_read(&c->object, d->odb, id) < 0 || git_odb_object_type(c->object) != GIT_OBJECT_TREE)
		return unreadable(d, id);
	c->p = git_odb_object_data(c->object);
	c->end = c->p + git_odb_object_size(c->object);
	return next(d, c);
}

static void close_cursor(struct cursor *c)
{
	git_odb_object_free(c->object);
}

/* git's order in trees: as if folders had a slash at the end. A missing entry comes last. */
static int compare(const struct cursor *a, const struct cursor *b)
{
	size_t n = a->len < b->len ? a->len : b->len;
	int cmp, ca, cb;

	if (!a->valid || !b->valid)
		return a->valid ? -1 : 1;
	cmp = memcmp(a->name, b->name, n);
	if (cmp)
		return cmp;
	ca = a->len > n ? (unsigned char)a->name[n] : a->is_tree ? '/' : 0;
	cb = b->len > n ? (unsigned char)b->name[n] : b->is_tree ? '/' : 0;
	return ca - cb;
}

static bool same_mode(const struct cursor *a, const struct cursor *b)
{
	size_t n = (size_t)(a->name - a->mode);

	return n == (size_t)(b->name - b->mode) && memcmp(a->mode, b->mode, n) == 0;
}

static int differ(struct differ *d, const git_oid *a, const git_oid *b);

/* An entry that is not the same on both sides; NULL: missing there. */
static int entry(struct differ *d, const struct cursor *a, const struct cursor *b)
{
	const struct cursor *any = a ? a : b;
	size_t before = d->path.len;
	int rc = 0;

	if (before + any->len + 1 > MAX_PATH || d->depth >= MAX_DEPTH)
		return br_fail(d->err, BR_EUNSUPPORTED, "paths in tree %s are too deep",
			       git_oid_tostr_s(&any->id));
	br_buf_add(&d->path, any->name, any->len);
	if (!any->is_tree) {
		rc = br_pathspec_match(d->spec, d->path.data);
	} else if (br_pathspec_may_be_below(d->spec, d->path.data, d->path.len)) {
		br_buf_char(&d->path, '/');
		rc = differ(d, a ? &a->entry : NULL, b ? &b->entry : NULL);
	}
	d->path.len = before;
	d->path.data[before] = '\0';
	return rc;
}

static int step(struct differ *d, struct cursor *a, struct cursor *b)
{
	int cmp = compare(a, b), rc = 0;

	if (cmp != 0 || !git_oid_equal(&a->entry, &b->entry) || !same_mode(a, b))
		rc = entry(d, cmp <= 0 ? a : NULL, cmp >= 0 ? b : NULL);
	if (rc == 0 && cmp <= 0)
		rc = next(d, a);
	if (rc == 0 && cmp >= 0)
		rc = next(d, b);
	return rc;
}

static int differ(struct differ *d, const git_oid *a, const git_oid *b)
{
	struct cursor ca, cb = {0};
	int rc = open_cursor(d, &ca, a);

	d->depth++;
	if (rc == 0)
		rc = open_cursor(d, &cb, b);
	while (rc == 0 && (ca.valid || cb.valid))
		rc = step(d, &ca, &cb);
	d->depth--;
	close_cursor(&ca);
	close_cursor(&cb);
	return rc;
}

int br_pathspec_differ(const struct br_pathspec *p, git_odb *odb, const git_oid *a, const git_oid *b,
		       struct br_err *err)
{
	struct differ d = {.spec = p, .odb = odb, .err = err};
	int rc;

	if (a && b && git_oid_equal(a, b))
		return 0;
	br_buf_str(&d.path, "");
	rc = differ(&d, a, b);
	br_buf_done(&d.path);
	return rc;
}
