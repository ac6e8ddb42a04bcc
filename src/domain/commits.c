/* commits.c - the commits between good and bad as a domain: their graph as plain arrays, and their trees. */
#include "domain/commits.h"

#include "base/mem.h"
#include "bisect_run/err.h"
#include "domain/graph.h"
#include "domain/patch.h"
#include "domain/pathspec.h"
#include "domain/repo_private.h"
#include "domain/worktree.h"

#include <string.h>

/* A hinted commit is taken for this much more likely: three tests fewer where the hint is right, a few more where it is not. */
static const float HINT_WEIGHT = 8;
/* Files of a tree that is worth watching: fewer are looked at in a millisecond or two. */
enum { WATCHED_LEAST = 2000 };

struct commits {
	struct br_domain base;
	git_oid *id;
	uint32_t *parent_at, *parent;
	float *weight;
	uint32_t *slot; /* hash table by id: item + 1; 0: free */
	size_t nslot;
	uint64_t candidates, hinted;
	char *label; /* scratch place for the answer of label() */
	char *common_dir;
	char *git_dir, *workdir; /* the user's, for submodules; workdir may be NULL */
	struct br_with *with;
	size_t nwith;
	struct br_patch *patch;
	size_t npatch;
	enum br_clean clean;
	bool sealed;
	char *objects; /* NULL: none */
};

struct br_tree {
	struct br_worktree *worktree;
	const struct commits *commits;
};

/* ---- the domain's operations ---- */

static const char *label(const struct br_domain *d, uint64_t item)
{
	const struct commits *c = (const struct commits *)d;

	(void)git_oid_tostr(c->label, BR_OID_HEX, &c->id[item]);
	return c->label;
}

static int tree_open(struct br_domain *d, const char *dir, struct br_tree **out, struct br_err *err)
{
	struct commits *c = (struct commits *)d;
	struct br_worktree *worktree;
	int rc = br_worktree_open(&worktree, c->common_dir, dir, err);

	if (rc < 0)
		return rc;
	if (c->objects)
		rc = br_worktree_add_objects(worktree, c->objects, err);
	if (rc < 0) {
		br_worktree_close(worktree);
		return rc;
	}
	br_worktree_set_user(worktree, c->git_dir, c->workdir);
	br_worktree_set_patches(worktree, c->patch, c->npatch);
	br_worktree_set_clean(worktree, c->clean);
	br_worktree_set_watched(worktree, c->sealed ? WATCHED_LEAST : 0);
	*out = br_calloc(1, sizeof **out);
	**out = (struct br_tree){.worktree = worktree, .commits = c};
	return 0;
}

static int tree_update(struct br_tree *t, const char *oid, bool fresh, struct br_err *err)
{
	return br_worktree_update(t->worktree, oid, fresh, t->commits->with, t->commits->nwith, err);
}

static const char *tree_note(const struct br_tree *t)
{
	return br_worktree_note(t->worktree);
}

static void tree_look(struct br_tree *t, bool ours)
{
	br_worktree_look(t->worktree, ours);
}

static void tree_empty(struct br_tree *t)
{
	br_worktree_clean_once(t->worktree);
}

static const char *tree_path(const struct br_tree *t)
{
	return br_worktree_path(t->worktree);
}

static void tree_close(struct br_tree *t)
{
	if (t)
		br_worktree_close(t->worktree);
	free(t);
}

static void free_with(struct commits *c)
{
	for (size_t i = 0; i < c->nwith; i++) {
		free(c->with[i].target);
		free(c->with[i].source);
		free(c->with[i].rev);
	}
	free(c->with);
}

static void close_commits(struct br_domain *d)
{
	struct commits *c = (struct commits *)d;

	if (!c)
		return;
	free_with(c);
	for (size_t i = 0; i < c->npatch; i++)
		br_patch_done(&c->patch[i]);
	free(c->patch);
	free(c->label);
	free(c->objects);
	free(c->common_dir);
	free(c->git_dir);
	free(c->workdir);
	free(c->id);
	free(c->parent_at);
	free(c->parent);
	free(c->weight);
	free(c->slot);
	free(c);
}

static const struct br_domain_ops commits_ops = {
	.name = "commits",
	.label = label,
	.tree_open = tree_open,
	.tree_update = tree_update,
	.tree_peek = br_worktree_peek,
	.tree_empty = tree_empty,
	.tree_note = tree_note,
	.tree_look = tree_look,
	.tree_path = tree_path,
	.tree_close = tree_close,
	.close = close_commits,
};

/* ---- numbers for the commits of the range ---- */

struct order {
	struct br_graph *g;
	uint32_t *node; /* of each item */
	size_t n, cap;
	uint32_t *stack; /* pairs: a node, and how many of its parents were visited */
	size_t depth, stack_cap;
	bool first_parent;
};

static bool is_inside(const struct br_node *x)
{
	return (x->mark & BR_MARK_A) && !(x->mark & BR_MARK_B);
}

static uint32_t nparent_of(const struct order *o, uint32_t node)
{
	uint32_t n = o->g->node[node].nparent;

	return o->first_parent && n > 1 ? 1 : n;
}

static void enter(struct order *o, uint32_t node)
{
	o->g->node[node].mark |= BR_MARK_ENTERED;
	br_grow(&o->stack, o->depth + 1, &o->stack_cap);
	o->stack[o->depth++] = node;
	o->stack[o->depth++] = 0;
}

static void leave(struct order *o, uint32_t node)
{
	o->g->node[node].mark |= BR_MARK_LEFT;
	br_grow(&o->node, o->n, &o->cap);
	o->node[o->n++] = node;
	o->depth -= 2;
}

/* A depth-first walk, first parents first: a commit gets its number after all its parents. */
static int number(struct order *o, uint32_t bad, struct br_err *err)
{
	if (is_inside(&o->g->node[bad]))
		enter(o, bad);
	while (o->depth) {
		uint32_t node = o->stack[o->depth - 2], next = o->stack[o->depth - 1]++, parent;
		const struct br_node *x;

		if (next >= nparent_of(o, node)) {
			leave(o, node);
			continue;
		}
		parent = o->g->parent[o->g->node[node].at + next];
		x = &o->g->node[parent];
		if (!is_inside(x) || x->mark & BR_MARK_LEFT)
			continue;
		if (x->mark & BR_MARK_ENTERED)
			return br_fail(err, BR_ESTATE,
				       "commit %s is its own ancestor: a replace ref or graft makes the "
				       "history a circle "
				       "(see `git replace -l`)",
				       git_oid_tostr_s(&x->id));
		enter(o, parent);
	}
	return 0;
}

/* ---- building the domain ---- */

static size_t slot_of(const struct commits *c, const git_oid *id)
{
	uint64_t hash;
	size_t i;

	memcpy(&hash, id->id, sizeof hash);
	for (i = hash & (c->nslot - 1); c->slot[i]; i = (i + 1) & (c->nslot - 1))
		if (git_oid_equal(&c->id[c->slot[i] - 1], id))
			break;
	return i;
}

static void fill_ids(struct commits *c, const struct order *o)
{
	c->id = br_malloc(o->n * sizeof *c->id);
	for (c->nslot = 16; c->nslot < 2 * o->n;)
		c->nslot *= 2;
	c->slot = br_calloc(c->nslot, sizeof *c->slot);
	for (uint32_t i = 0; i < o->n; i++) {
		c->id[i] = o->g->node[o->node[i]].id;
		c->slot[slot_of(c, &c->id[i])] = i + 1;
	}
}

/* Only edges inside the range. item_of: the item of each node, for nodes inside. */
static void fill_edges(struct commits *c, const struct order *o)
{
	br_auto_free uint32_t *item_of = br_malloc(o->g->n * sizeof *item_of);
	size_t n = 0, cap = o->n + 16;

	c->parent_at = br_malloc((o->n + 1) * sizeof *c->parent_at);
	c->parent = br_malloc(cap * sizeof *c->parent);
	for (uint32_t i = 0; i < o->n; i++)
		item_of[o->node[i]] = i;
	for (size_t i = 0; i < o->n; i++) {
		const uint32_t *parent = &o->g->parent[o->g->node[o->node[i]].at];

		c->parent_at[i] = (uint32_t)n;
		for (uint32_t k = 0; k < nparent_of(o, o->node[i]); k++) {
			if (!is_inside(&o->g->node[parent[k]]))
				continue;
			br_grow(&c->parent, n, &cap);
			c->parent[n++] = item_of[parent[k]];
		}
	}
	c->parent_at[o->n] = (uint32_t)n;
}

static void fill_shape(struct commits *c, const struct order *o)
{
	fill_ids(c, o);
	fill_edges(c, o);
	c->candidates = o->n;
	c->base.shape = (struct br_shape){
		.order = BR_DAG,
		.n = o->n,
		.parent_at = c->parent_at,
		.parent = c->parent,
	};
}

/* ---- which of them touch the wanted paths ---- */

struct toucher {
	const struct order *o;
	const struct br_pathspec *spec;
	git_oid *tree; /* of each node, zero: not read yet */
};

static int tree_of(struct toucher *t, uint32_t node, git_oid *out, struct br_err *err)
{
	int rc = 0;

	if (git_oid_is_zero(&t->tree[node]))
		rc = br_graph_tree(t->o->g, node, &t->tree[node], err);
	if (rc == 0)
		*out = t->tree[node];
	return rc;
}

/* 1: its tree differs from that of every parent in the wanted paths; a root is compared with the empty tree. */
static int touches(struct toucher *t, uint32_t node, struct br_err *err)
{
	uint32_t n = nparent_of(t->o, node);
	git_oid own, other;
	int rc = tree_of(t, node, &own, err);

	if (rc == 0 && n == 0)
		return br_pathspec_differ(t->spec, t->o->g->odb, NULL, &own, err);
	for (uint32_t i = 0; i < n && rc == 0; i++) {
		rc = tree_of(t, t->o->g->parent[t->o->g->node[node].at + i], &other, err);
		if (rc == 0)
			rc = br_pathspec_differ(t->spec, t->o->g->odb, &other, &own, err);
		if (rc == 0)
			return 0;
		rc = rc == 1 ? 0 : rc;
	}
	return rc < 0 ? rc : 1;
}

static bool is_partial(git_repository *git)
{
	git_config *config = NULL;
	bool partial = git_repository_config_snapshot(&config, git) == 0 && br_config_is_partial(config);

	git_config_free(config);
	return partial;
}

/* A commit whose tree cannot be read may be the culprit: it stays, unless that would be true of all in a partial clone. */
static int weigh(struct commits *c, struct toucher *t, bool partial, struct br_err *err)
{
	c->weight = br_malloc(t->o->n * sizeof *c->weight);
	c->candidates = 0;
	for (size_t i = 0; i < t->o->n; i++) {
		int rc = touches(t, t->o->node[i], err);

		if (rc < 0 && (rc != BR_ECORRUPT || partial))
			return br_wrap(err, "--path");
		c->weight[i] = rc != 0 ? 1 : 0;
		c->candidates += rc != 0;
	}
	c->base.shape.weight = c->weight;
	if (!c->candidates)
		return br_fail(err, BR_ESTATE,
			       "--path: none of the %zu commits between good and bad touches these paths",
			       t->o->n);
	return 0;
}

/*
 * Raises the weight of the candidates that touch the paths; what is no candidate stays none. A tree that cannot be read is no
 * reason to stop: a hint changes the order alone.
 */
static int weigh_hints(struct commits *c, struct toucher *t, struct br_err *err)
{
	if (!c->weight) {
		c->weight = br_malloc(t->o->n * sizeof *c->weight);
		for (size_t i = 0; i < t->o->n; i++)
			c->weight[i] = 1;
	}
	for (size_t i = 0; i < t->o->n; i++) {
		int rc = c->weight[i] > 0 ? touches(t, t->o->node[i], err) : 0;

		if (rc < 0 && rc != BR_ECORRUPT)
			return br_wrap(err, "--hint");
		if (rc != 1)
			continue;
		c->weight[i] = HINT_WEIGHT;
		c->hinted++;
	}
	c->base.shape.weight = c->weight;
	return 0;
}

/* --path, then --hint; each tree is read once for both where it fits into the cache. */
static int weigh_paths(struct commits *c, struct br_repo *r, struct toucher *t,
		       const struct br_commits_query *q, struct br_err *err)
{
	struct br_pathspec *spec = NULL;
	int rc = 0;

	if (br_strv_len(q->pathspec) > 0) {
		rc = br_pathspec_open(&spec, q->pathspec, err);
		t->spec = spec;
		if (rc == 0)
			rc = weigh(c, t, is_partial(r->git), err);
		br_pathspec_close(br_steal(&spec));
	}
	if (rc == 0 && br_strv_len(q->hint) > 0) {
		rc = br_pathspec_open(&spec, q->hint, err);
		t->spec = spec;
		if (rc == 0)
			rc = weigh_hints(c, t, err);
		br_pathspec_close(spec);
	}
	return rc;
}

static int weigh_commits(struct commits *c, struct br_repo *r, const struct order *o,
			 const struct br_commits_query *q, struct br_err *err)
{
	struct toucher t = {.o = o};
	int rc;

	if (br_strv_len(q->pathspec) == 0 && br_strv_len(q->hint) == 0)
		return 0;
	/* Each tree is looked at twice, as child and as parent: worth keeping a while, also when it is large. */
	(void)git_libgit2_opts(GIT_OPT_SET_CACHE_OBJECT_LIMIT, GIT_OBJECT_TREE, (size_t)64 * 1024);
	(void)git_libgit2_opts(GIT_OPT_SET_CACHE_MAX_SIZE, (ssize_t)32 * 1024 * 1024);
	t.tree = br_calloc(o->g->n, sizeof *t.tree);
	rc = weigh_paths(c, r, &t, q, err);
	(void)git_libgit2_opts(GIT_OPT_SET_CACHE_OBJECT_LIMIT, GIT_OBJECT_TREE, (size_t)4096);
	(void)git_libgit2_opts(GIT_OPT_SET_CACHE_MAX_SIZE, (ssize_t)256 * 1024 * 1024);
	free(t.tree);
	return rc;
}

/* ---- opening ---- */

static int walk(struct order *o, struct br_repo *r, const struct br_commits_query *q, struct br_err *err)
{
	size_t n = br_strv_len(q->good);
	br_auto_free git_oid *good = br_calloc(n, sizeof *good);
	git_oid bad;
	int rc = br_oid_parse(&bad, q->bad, err);

	for (size_t i = 0; i < n && rc == 0; i++)
		rc = br_oid_parse(&good[i], q->good[i], err);
	if (rc == 0)
		rc = br_repo_graph(r, &o->g, err);
	if (rc != 0)
		return rc;
	/* Each commit is read once: keeping them all would take four times the memory of the graph. */
	(void)git_libgit2_opts(GIT_OPT_SET_CACHE_OBJECT_LIMIT, GIT_OBJECT_COMMIT, (size_t)0);
	rc = br_graph_mark_range(o->g, &bad, good, n, q->first_parent, err);
	(void)git_libgit2_opts(GIT_OPT_SET_CACHE_OBJECT_LIMIT, GIT_OBJECT_COMMIT, (size_t)4096);
	if (rc == 0)
		rc = number(o, br_graph_node(o->g, &bad), err);
	if (rc == 0 && o->n == 0)
		rc = br_fail(
			err, BR_ESTATE,
			"no commit lies between good and bad: %.12s is a good revision or an ancestor of one",
			q->bad);
	return rc;
}

static void copy_patches(struct commits *c, const struct br_commits_query *q)
{
	c->clean = q->clean;
	c->sealed = q->sealed;
	c->objects = br_strdup_or_null(q->objects);
	c->patch = br_calloc(q->npatch, sizeof *c->patch);
	c->npatch = q->npatch;
	for (size_t i = 0; i < q->npatch; i++)
		br_patch_copy(&c->patch[i], &q->patch[i]);
}

static void copy_with(struct commits *c, const struct br_with *with, size_t n)
{
	c->with = br_calloc(n, sizeof *c->with);
	c->nwith = n;
	for (size_t i = 0; i < n; i++)
		c->with[i] = (struct br_with){
			.target = br_strdup_or_null(with[i].target),
			.source = br_strdup_or_null(with[i].source),
			.rev = br_strdup_or_null(with[i].rev),
		};
}

void br_commits_set_with(struct br_domain *d, const struct br_with *with, size_t n)
{
	struct commits *c = (struct commits *)d;

	free_with(c);
	copy_with(c, with, n);
}

int br_commits_open(struct br_domain **out, struct br_repo *repo, const struct br_commits_query *q,
		    struct br_err *err)
{
	struct commits *c = br_calloc(1, sizeof *c);
	struct order o = {.first_parent = q->first_parent};
	int rc;

	c->base.ops = &commits_ops;
	c->label = br_malloc(BR_OID_HEX);
	c->common_dir = br_strdup(br_repo_common_dir(repo));
	c->git_dir = br_strdup(br_repo_git_dir(repo));
	c->workdir = br_strdup_or_null(br_repo_workdir(repo));
	copy_with(c, q->with, q->nwith);
	copy_patches(c, q);
	rc = walk(&o, repo, q, err);
	if (rc == 0) {
		fill_shape(c, &o);
		rc = weigh_commits(c, repo, &o, q, err);
	}
	free(o.node);
	free(o.stack);
	/* The arrays are all that the search needs; a million nodes are not worth keeping for a few look-ups. */
	br_repo_graph_drop(repo);
	if (rc < 0) {
		close_commits(&c->base);
		return rc;
	}
	*out = &c->base;
	return 0;
}

uint64_t br_commits_candidates(const struct br_domain *d)
{
	return ((const struct commits *)d)->candidates;
}

uint64_t br_commits_hinted(const struct br_domain *d)
{
	return ((const struct commits *)d)->hinted;
}

int64_t br_commits_find(const struct br_domain *d, const char *oid)
{
	const struct commits *c = (const struct commits *)d;
	git_oid id;

	if (br_oid_parse(&id, oid, NULL) < 0)
		return -1;
	return (int64_t)c->slot[slot_of(c, &id)] - 1;
}
