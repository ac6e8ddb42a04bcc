/*
 * hunks.c - the change from one tree to another, cut into hunks.
 *
 * A candidate is built from both sides' lines: a kept hunk's lines come from the new file, all others from the old one. So no hunk
 * has to be found again in a changed file, and every set of hunks of a file is a file.
 */
#include "domain/hunks.h"

#include "base/buf.h"
#include "base/mem.h"
#include "bisect_run/err.h"
#include "domain/objects.h"
#include "domain/repo_private.h"

#include <string.h>

/* A part of the change that is kept or left. */
struct piece {
	size_t delta;
	bool whole; /* all of the file's change: it has no lines */
	struct br_hunk hunk;
};

struct br_hunks {
	struct br_repo *user; /* borrowed */
	uint32_t context;     /* lines around a change that belong to its hunk */
	struct br_objects objects;
	git_tree *from, *to;
	git_commit *parent;
	git_diff *diff;
	struct piece *piece;
	uint32_t n;
	size_t cap;
};

/* ---- cutting ---- */

static bool has_lines(const git_diff_delta *d, const git_patch *patch)
{
	return d->status == GIT_DELTA_MODIFIED && patch && git_patch_num_hunks(patch) > 0 &&
	       d->old_file.mode == d->new_file.mode && !(d->flags & GIT_DIFF_FLAG_BINARY);
}

static struct piece *add_piece(struct br_hunks *h, size_t delta, const git_diff_delta *d)
{
	struct piece *p;

	br_grow(&h->piece, h->n, &h->cap);
	p = &h->piece[h->n++];
	*p = (struct piece){.delta = delta,
			    .whole = true,
			    .hunk.file = d->new_file.path ? d->new_file.path : d->old_file.path};
	return p;
}

static int cut_delta(struct br_hunks *h, size_t i)
{
	const git_diff_delta *d = git_diff_get_delta(h->diff, i);
	git_patch *patch = NULL;
	int rc = git_patch_from_diff(&patch, h->diff, i);

	d = rc == 0 && patch ? git_patch_get_delta(patch) : d; /* knows now what is binary */
	if (rc == 0 && !has_lines(d, patch))
		(void)add_piece(h, i, git_diff_get_delta(h->diff, i));
	for (size_t k = 0; rc == 0 && has_lines(d, patch) && k < git_patch_num_hunks(patch); k++) {
		const git_diff_hunk *hunk;
		struct piece *p = add_piece(h, i, git_diff_get_delta(h->diff, i));

		rc = git_patch_get_hunk(&hunk, NULL, patch, k);
		p->whole = false;
		if (rc == 0) {
			p->hunk.old_start = (uint32_t)hunk->old_start;
			p->hunk.old_lines = (uint32_t)hunk->old_lines;
			p->hunk.new_start = (uint32_t)hunk->new_start;
			p->hunk.new_lines = (uint32_t)hunk->new_lines;
		}
	}
	git_patch_free(patch);
	return rc;
}

static int cut(struct br_hunks *h, struct br_err *err)
{
	git_diff_options opts = {.version = GIT_DIFF_OPTIONS_VERSION, .context_lines = h->context};
	int rc = git_diff_tree_to_tree(&h->diff, h->objects.repo, h->from, h->to, &opts);

	for (size_t i = 0; rc == 0 && i < git_diff_num_deltas(h->diff); i++)
		rc = cut_delta(h, i);
	if (rc < 0)
		return br_git_fail(err, BR_ESTATE, "cannot read what the commit changed");
	return h->n > 0 ? 0 : br_fail(err, BR_ESTATE, "the commit changes nothing");
}

/* Fills h, whose user and context are set; closes it when that fails. */
static int fill(struct br_hunks *h, const char *objects, const char *from, const char *to, struct br_err *err)
{
	git_commit *new_commit = NULL;
	int rc = br_objects_open(&h->objects, h->user, objects, err);

	if (rc == 0)
		rc = br_objects_commit(&h->objects, from, &h->parent, err);
	if (rc == 0)
		rc = br_objects_commit(&h->objects, to, &new_commit, err);
	if (rc == 0 && (git_commit_tree(&h->from, h->parent) < 0 || git_commit_tree(&h->to, new_commit) < 0))
		rc = br_git_fail(err, BR_ECORRUPT, "cannot read the trees of the commit");
	git_commit_free(new_commit);
	if (rc == 0)
		rc = cut(h, err);
	if (rc < 0)
		br_hunks_close(h);
	return rc;
}

int br_hunks_open(struct br_hunks **out, struct br_repo *r, const char *objects, const char *from,
		  const char *to, struct br_err *err)
{
	struct br_hunks *h = br_calloc(1, sizeof *h);
	int rc;

	h->user = r;
	h->context = 3;
	rc = fill(h, objects, from, to, err);
	if (rc == 0)
		*out = h;
	return rc;
}

int br_hunks_refine(struct br_hunks **out, const struct br_hunks *h, const char *objects, const char *to,
		    struct br_err *err)
{
	struct br_hunks *fine = br_calloc(1, sizeof *fine);
	char from[BR_OID_HEX];
	int rc;

	(void)git_oid_tostr(from, sizeof from, git_commit_id(h->parent));
	fine->user = h->user;
	rc = fill(fine, objects, from, to, err);
	if (rc == 0)
		*out = fine;
	return rc;
}

uint32_t br_hunks_count(const struct br_hunks *h)
{
	return h->n;
}

struct br_hunk br_hunks_at(const struct br_hunks *h, uint32_t i)
{
	return h->piece[i].hunk;
}

/* ---- putting together ---- */

/* Reads a file forward, line by line. */
struct lines {
	const char *at, *end;
	uint32_t next; /* number of the line at `at`, from 1 */
};

static struct lines lines_of(git_blob *blob)
{
	const char *data = git_blob_rawcontent(blob);

	return (struct lines){.at = data, .end = data + git_blob_rawsize(blob), .next = 1};
}

/* Goes on to this line, adding what lies before it to b (NULL: leaving it out). */
static void go_to(struct lines *l, uint32_t line, struct br_buf *b)
{
	while (l->next < line && l->at < l->end) {
		const char *nl = memchr(l->at, '\n', (size_t)(l->end - l->at));
		const char *after = nl ? nl + 1 : l->end;

		if (b)
			br_buf_add(b, l->at, (size_t)(after - l->at));
		l->at = after;
		l->next++;
	}
}

/* Where a hunk begins: one without lines stands behind the line that it names. */
static uint32_t first_line(uint32_t start, uint32_t lines)
{
	return lines ? start : start + 1;
}

static void take_hunk(struct br_buf *b, struct lines *from, struct lines *to, const struct br_hunk *k)
{
	uint32_t old_at = first_line(k->old_start, k->old_lines),
		 new_at = first_line(k->new_start, k->new_lines);

	go_to(from, old_at, b);
	go_to(from, old_at + k->old_lines, NULL);
	go_to(to, new_at, NULL);
	go_to(to, new_at + k->new_lines, b);
}

/* The pieces keep[0..n) all belong to this delta and have lines. */
static int mixed_file(struct br_hunks *h, const git_diff_delta *d, const uint32_t *keep, uint32_t n,
		      git_oid *out)
{
	git_blob *from = NULL, *to = NULL;
	struct br_buf b = {0};
	int rc = git_blob_lookup(&from, h->objects.repo, &d->old_file.id);

	if (rc == 0)
		rc = git_blob_lookup(&to, h->objects.repo, &d->new_file.id);
	if (rc == 0) {
		struct lines old_lines = lines_of(from), new_lines = lines_of(to);

		for (uint32_t i = 0; i < n; i++)
			take_hunk(&b, &old_lines, &new_lines, &h->piece[keep[i]].hunk);
		go_to(&old_lines, UINT32_MAX, &b);
		rc = git_blob_create_from_buffer(out, h->objects.repo, b.data ? b.data : "", b.len);
	}
	br_buf_done(&b);
	git_blob_free(from);
	git_blob_free(to);
	return rc;
}

static int update_for(struct br_hunks *h, const uint32_t *keep, uint32_t n, git_tree_update *out)
{
	const struct piece *p = &h->piece[keep[0]];
	const git_diff_delta *d = git_diff_get_delta(h->diff, p->delta);

	*out = (git_tree_update){.action = GIT_TREE_UPDATE_UPSERT,
				 .id = d->new_file.id,
				 .filemode = (git_filemode_t)d->new_file.mode,
				 .path = d->new_file.path};
	if (d->status == GIT_DELTA_DELETED) {
		out->action = GIT_TREE_UPDATE_REMOVE;
		out->path = d->old_file.path;
		return 0;
	}
	return p->whole ? 0 : mixed_file(h, d, keep, n, &out->id);
}

/* The tree of `from` with these hunks. */
static int make_tree(struct br_hunks *h, const uint32_t *keep, uint32_t n, git_oid *out, struct br_err *err)
{
	br_auto_free git_tree_update *update = br_calloc(n, sizeof *update);
	size_t nupdate = 0;
	int rc = 0;

	for (uint32_t i = 0, end; rc == 0 && i < n; i = end) {
		for (end = i + 1; end < n && h->piece[keep[end]].delta == h->piece[keep[i]].delta;)
			end++;
		rc = update_for(h, keep + i, end - i, &update[nupdate++]);
	}
	if (rc < 0)
		return br_git_fail(err, BR_ESTATE, "cannot make a file of some hunks");
	if (git_tree_create_updated(out, h->objects.repo, h->from, nupdate, update) < 0)
		return br_git_fail(err, BR_EUNSUPPORTED, "these hunks alone make no tree");
	return 0;
}

int br_hunks_commit(struct br_hunks *h, const uint32_t *keep, uint32_t n, char oid[BR_OID_HEX],
		    struct br_err *err)
{
	git_oid tree;
	int rc = make_tree(h, keep, n, &tree, err);

	return rc < 0 ? rc : br_objects_write_commit(&h->objects, &tree, h->parent, oid, err);
}

int br_hunks_diff(struct br_hunks *h, const uint32_t *keep, uint32_t n, char **out, size_t *len,
		  struct br_err *err)
{
	git_diff_options opts = {
		.version = GIT_DIFF_OPTIONS_VERSION, .context_lines = 3, .flags = GIT_DIFF_SHOW_BINARY};
	git_tree *tree = NULL;
	git_diff *diff = NULL;
	git_buf text = {0};
	git_oid id;
	int rc = make_tree(h, keep, n, &id, err);

	if (rc < 0)
		return rc;
	rc = git_tree_lookup(&tree, h->objects.repo, &id);
	if (rc == 0)
		rc = git_diff_tree_to_tree(&diff, h->objects.repo, h->from, tree, &opts);
	if (rc == 0)
		rc = git_diff_to_buf(&text, diff, GIT_DIFF_FORMAT_PATCH);
	if (rc == 0) {
		*out = br_strndup(text.ptr ? text.ptr : "", text.size);
		*len = text.size;
	}
	git_buf_dispose(&text);
	git_diff_free(diff);
	git_tree_free(tree);
	return rc < 0 ? br_git_fail(err, BR_ESTATE, "cannot write the hunks as a diff") : 0;
}

void br_hunks_close(struct br_hunks *h)
{
	if (!h)
		return;
	git_diff_free(h->diff);
	git_tree_free(h->from);
	git_tree_free(h->to);
	git_commit_free(h->parent);
	br_objects_close(&h->objects);
	free(h->piece);
	free(h);
}
