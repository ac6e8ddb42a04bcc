/* info.c - a commit as people want to see it. */
#include "base/buf.h"
#include "base/mem.h"
#include "bisect_run/err.h"
#include "domain/graph.h"
#include "domain/repo_private.h"

#include <string.h>

enum { MAX_FILES = 1000, MAX_SUBJECT = 64 * 1024 };

int br_repo_commit(struct br_repo *r, const char *oid, git_commit **out, struct br_err *err)
{
	struct br_graph *g;
	git_oid id;
	int rc = br_oid_parse(&id, oid, err);

	if (rc == 0)
		rc = br_repo_graph(r, &g, err);
	if (rc == 0)
		rc = br_overrides_real(&g->over, &id, err);
	if (rc < 0)
		return rc;
	if (git_commit_lookup(out, r->git, &id) < 0)
		return br_git_fail(err, BR_ECORRUPT, "commit %s cannot be read: run `git fsck`", oid);
	return 0;
}

int br_repo_has_path(struct br_repo *r, const char *oid, const char *path, struct br_err *err)
{
	git_commit *commit = NULL;
	git_tree *tree = NULL;
	git_tree_entry *entry = NULL;
	int rc = br_repo_commit(r, oid, &commit, err), found;

	if (rc < 0)
		return rc;
	found = git_commit_tree(&tree, commit);
	if (found == 0)
		found = git_tree_entry_bypath(&entry, tree, path);
	git_tree_entry_free(entry);
	git_tree_free(tree);
	git_commit_free(commit);
	if (found < 0 && found != GIT_ENOTFOUND)
		return br_git_fail(err, BR_ECORRUPT, "the tree of %s cannot be read", oid);
	return found == 0;
}

int br_repo_tree_of(struct br_repo *r, const char *oid, char tree[BR_OID_HEX], struct br_err *err)
{
	git_commit *commit;
	int rc = br_repo_commit(r, oid, &commit, err);

	if (rc < 0)
		return rc;
	(void)git_oid_tostr(tree, BR_OID_HEX, git_commit_tree_id(commit));
	git_commit_free(commit);
	return 0;
}

/* The first paragraph, its lines joined by blanks, as git's %s. */
static char *subject_of(const git_commit *commit)
{
	const char *p = git_commit_message(commit);
	struct br_buf out = {.max = MAX_SUBJECT};

	while (p && *p) {
		size_t n = strcspn(p, "\n"), used = n;

		while (used && strchr(" \t\r\f\v", p[used - 1]))
			used--;
		if (!used && out.len)
			break;
		if (used) {
			br_buf_str(&out, out.len ? " " : "");
			br_buf_add(&out, p, used);
		}
		p += n + (p[n] == '\n');
	}
	return br_buf_take(&out);
}

static int fill_parents(struct br_repo *r, const char *oid, struct br_commit_info *out, struct br_err *err)
{
	struct br_graph *g;
	git_oid id;
	uint32_t node;
	int rc = br_repo_graph(r, &g, err);

	if (rc == 0)
		rc = br_oid_parse(&id, oid, err);
	if (rc < 0)
		return rc;
	node = br_graph_node(g, &id);
	rc = br_graph_load(g, node, err);
	if (rc < 0)
		return rc;
	for (uint32_t i = 0; i < g->node[node].nparent; i++) {
		char hex[BR_OID_HEX];

		(void)git_oid_tostr(hex, sizeof hex, &g->node[g->parent[g->node[node].at + i]].id);
		br_strv_add(&out->parent, hex);
	}
	out->nparent = g->node[node].nparent;
	return 0;
}

static char *short_id(git_repository *git, const git_oid *id)
{
	git_buf text = {0};
	git_object *object = NULL;
	char *out;

	if (git_object_lookup(&object, git, id, GIT_OBJECT_ANY) == 0 &&
	    git_object_short_id(&text, object) == 0)
		out = br_strdup(text.ptr);
	else
		out = br_strdup(git_oid_tostr_s(id));
	git_buf_dispose(&text);
	git_object_free(object);
	return out;
}

static char *file_line(const git_diff_delta *delta)
{
	const char *old = delta->old_file.path, *new = delta->new_file.path;

	if (delta->status == GIT_DELTA_RENAMED)
		return br_asprintf("R %s -> %s", old, new);
	if (delta->status == GIT_DELTA_ADDED || delta->status == GIT_DELTA_COPIED)
		return br_asprintf("A %s", new);
	return br_asprintf("%c %s", delta->status == GIT_DELTA_DELETED ? 'D' : 'M', new ? new : old);
}

static void list_files(git_diff *diff, struct br_commit_info *out)
{
	size_t n = git_diff_num_deltas(diff), shown = n < MAX_FILES ? n : MAX_FILES;

	out->file = br_calloc(shown + 2, sizeof *out->file);
	for (size_t i = 0; i < shown; i++)
		out->file[i] = file_line(git_diff_get_delta(diff, i));
	out->nfile = shown;
	if (n > shown)
		out->file[out->nfile++] = br_asprintf("... and %zu more", n - shown);
}

static int fill_files(struct br_repo *r, const git_commit *commit, struct br_commit_info *out,
		      struct br_err *err)
{
	git_diff_find_options find;
	git_diff_options options;
	git_commit *parent = NULL;
	git_tree *old = NULL, *new = NULL;
	git_diff *diff = NULL;
	int rc = out->nparent ? br_repo_commit(r, out->parent[0], &parent, err) : 0;

	(void)git_diff_options_init(&options, GIT_DIFF_OPTIONS_VERSION);
	(void)git_diff_find_options_init(&find, GIT_DIFF_FIND_OPTIONS_VERSION);
	options.flags = GIT_DIFF_SKIP_BINARY_CHECK;
	if (rc == 0 && ((parent && git_commit_tree(&old, parent) < 0) || git_commit_tree(&new, commit) < 0 ||
			git_diff_tree_to_tree(&diff, r->git, old, new, &options) < 0))
		rc = br_git_fail(err, BR_ECORRUPT, "the files of commit %s cannot be compared", out->oid);
	if (rc == 0) {
		/* Renames are a comfort: where they cannot be found (missing blobs, too many files) the pairs stay apart. */
		find.flags = GIT_DIFF_FIND_RENAMES;
		if (git_diff_num_deltas(diff) <= MAX_FILES)
			(void)git_diff_find_similar(diff, &find);
		list_files(diff, out);
	}
	git_diff_free(diff);
	git_tree_free(old);
	git_tree_free(new);
	git_commit_free(parent);
	return rc;
}

int br_repo_commit_info(struct br_repo *r, const char *oid, bool with_files, struct br_commit_info *out,
			struct br_err *err)
{
	struct br_commit_info info = {0};
	const git_signature *author;
	git_commit *commit;
	git_oid id;
	int rc = br_repo_commit(r, oid, &commit, err);

	if (rc < 0)
		return rc;
	author = git_commit_author(commit);
	(void)git_oid_fromstr(&id, oid);
	info.oid = br_strdup(oid);
	info.short_oid = short_id(r->git, &id);
	info.subject = subject_of(commit);
	info.author = br_strdup(author && author->name ? author->name : "");
	info.email = br_strdup(author && author->email ? author->email : "");
	info.date = author ? author->when.time : 0;
	info.offset_min = author ? author->when.offset : 0;
	rc = fill_parents(r, oid, &info, err);
	if (rc == 0 && with_files)
		rc = fill_files(r, commit, &info, err);
	git_commit_free(commit);
	if (rc < 0)
		br_commit_info_done(&info);
	else
		*out = info;
	return rc;
}
