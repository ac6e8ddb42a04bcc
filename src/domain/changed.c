/* changed.c - the line ranges of a commit's diff, through libgit2. */
#include "domain/changed.h"

#include "base/mem.h"
#include "bisect_run/err.h"
#include "domain/repo_private.h"

#include <string.h>

#define TEXT_MAX (8u << 20) /* a larger file is not read: its functions end where their costs do */
enum { FILES_MAX = 1000, RANGES_MAX = 100000 };

struct collecting {
	struct br_repo *repo;
	struct br_changes *out;
	size_t cap, old_cap, new_cap; /* of out->file, and of the ranges of the last one */
};

/* NULL: there is none, it is not a text, or too large. */
static char *text_of(struct br_repo *r, const git_oid *id)
{
	git_blob *blob = NULL;
	char *text = NULL;

	if (git_oid_is_zero(id) || git_blob_lookup(&blob, r->git, id) < 0)
		return NULL;
	if (git_blob_rawsize(blob) <= TEXT_MAX && !git_blob_is_binary(blob))
		text = br_strndup(git_blob_rawcontent(blob), (size_t)git_blob_rawsize(blob));
	git_blob_free(blob);
	return text;
}

static int add_file(const git_diff_delta *delta, float progress, void *arg)
{
	struct collecting *c = arg;
	struct br_changed_file *f;
	bool is_new = delta->status == GIT_DELTA_ADDED, is_gone = delta->status == GIT_DELTA_DELETED;

	(void)progress;
	if (c->out->n >= FILES_MAX)
		return 1;
	br_grow(&c->out->file, c->out->n, &c->cap);
	f = &c->out->file[c->out->n++];
	*f = (struct br_changed_file){.old_path = is_new ? NULL : br_strdup(delta->old_file.path),
				      .new_path = is_gone ? NULL : br_strdup(delta->new_file.path),
				      .old_text = is_new ? NULL : text_of(c->repo, &delta->old_file.id),
				      .new_text = is_gone ? NULL : text_of(c->repo, &delta->new_file.id)};
	c->old_cap = c->new_cap = 0;
	return 0;
}

static void add_range(const struct br_line_range **list, size_t *n, size_t *cap, struct br_line_range r)
{
	struct br_line_range *mine = (struct br_line_range *)(uintptr_t)*list; /* ours, shown as const */

	if (*n >= RANGES_MAX)
		return;
	br_grow(&mine, *n, cap);
	mine[(*n)++] = r;
	*list = mine;
}

static int add_hunk(const git_diff_delta *delta, const git_diff_hunk *h, void *arg)
{
	struct collecting *c = arg;
	struct br_changed_file *f = &c->out->file[c->out->n - 1];

	(void)delta;
	add_range(&f->old_range, &f->nold, &c->old_cap,
		  (struct br_line_range){(uint32_t)h->old_start, (uint32_t)h->old_lines});
	add_range(&f->new_range, &f->nnew, &c->new_cap,
		  (struct br_line_range){(uint32_t)h->new_start, (uint32_t)h->new_lines});
	return 0;
}

static int tree_of(struct br_repo *r, const char *oid, git_tree **out, struct br_err *err)
{
	git_commit *commit = NULL;
	int rc = br_repo_commit(r, oid, &commit, err);

	if (rc < 0)
		return rc;
	if (git_commit_tree(out, commit) < 0)
		rc = br_git_fail(err, BR_EGIT, "the tree of %s cannot be read", oid);
	git_commit_free(commit);
	return rc;
}

static int walk(struct collecting *c, git_tree *old, git_tree *new, struct br_err *err)
{
	git_diff_options options;
	git_diff *diff = NULL;
	int rc;

	(void)git_diff_options_init(&options, GIT_DIFF_OPTIONS_VERSION);
	options.context_lines = 0;
	options.flags = GIT_DIFF_IGNORE_SUBMODULES;
	rc = git_diff_tree_to_tree(&diff, c->repo->git, old, new, &options);
	if (rc == 0)
		rc = git_diff_find_similar(diff, NULL);
	if (rc == 0)
		rc = git_diff_foreach(diff, add_file, NULL, add_hunk, NULL, c);
	git_diff_free(diff);
	return rc < 0 ? br_git_fail(err, BR_EGIT, "the difference of two commits cannot be read") : 0;
}

int br_repo_changes(struct br_repo *r, const char *old, const char *new, struct br_changes *out,
		    struct br_err *err)
{
	git_tree *from = NULL, *to = NULL;
	struct br_changes changes = {0};
	struct collecting c = {.repo = r, .out = &changes};
	int rc = tree_of(r, old, &from, err);

	if (rc == 0)
		rc = tree_of(r, new, &to, err);
	if (rc == 0)
		rc = walk(&c, from, to, err);
	git_tree_free(from);
	git_tree_free(to);
	if (rc < 0)
		br_changes_done(&changes);
	else
		*out = changes;
	return rc;
}

/* What is shown as const is ours to free. */
static void drop(const void *p)
{
	free((void *)(uintptr_t)p);
}

void br_changes_done(struct br_changes *c)
{
	for (size_t i = 0; i < c->n; i++) {
		drop(c->file[i].old_path);
		drop(c->file[i].new_path);
		drop(c->file[i].old_text);
		drop(c->file[i].new_text);
		drop(c->file[i].old_range);
		drop(c->file[i].new_range);
	}
	free(c->file);
	*c = (struct br_changes){0};
}
