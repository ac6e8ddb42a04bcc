/* ancestry.c - who descends from whom. */
#include "base/mem.h"
#include "bisect_run/err.h"
#include "domain/graph.h"
#include "domain/repo_private.h"

#include <string.h>

int br_repo_is_ancestor(struct br_repo *r, const char *a, const char *b, struct br_err *err)
{
	git_oid ia, ib;
	struct br_graph *g;
	uint32_t node;
	int rc = br_oid_parse(&ia, a, err);

	if (rc == 0)
		rc = br_oid_parse(&ib, b, err);
	if (rc == 0)
		rc = br_repo_graph(r, &g, err);
	if (rc == 0)
		rc = br_graph_mark_common(g, &ia, &ib, 1, &ia, err);
	if (rc != 0)
		return rc;
	node = br_graph_node(g, &ia);
	return (g->node[node].mark & BR_MARK_A) && (g->node[node].mark & BR_MARK_B);
}

static bool is_best(const struct br_node *x)
{
	return (x->mark & BR_MARK_A) && (x->mark & BR_MARK_B) && !(x->mark & BR_MARK_STALE);
}

static void add_best(const struct br_graph *g, const git_oid *good, size_t ngood, char ***out)
{
	for (uint32_t i = 0; i < g->n; i++) {
		bool known = !is_best(&g->node[i]);
		char hex[BR_OID_HEX];

		for (size_t k = 0; k < ngood && !known; k++)
			known = git_oid_equal(&g->node[i].id, &good[k]);
		if (known)
			continue;
		(void)git_oid_tostr(hex, sizeof hex, &g->node[i].id);
		br_strv_add(out, hex);
	}
}

/* As `git merge-base bad good...` has it, all goods at once: the ancestors of a good that bad descends from are stale. */
int br_repo_merge_bases(struct br_repo *r, const char *bad, char *const *goods, char ***out,
			struct br_err *err)
{
	size_t n = br_strv_len(goods);
	br_auto_free git_oid *good = br_calloc(n, sizeof *good);
	struct br_graph *g;
	git_oid id;
	int rc = br_oid_parse(&id, bad, err);

	for (size_t i = 0; i < n && rc == 0; i++)
		rc = br_oid_parse(&good[i], goods[i], err);
	if (rc == 0)
		rc = br_repo_graph(r, &g, err);
	if (rc == 0)
		rc = br_graph_mark_common(g, &id, good, n, NULL, err);
	if (rc != 0)
		return rc;
	*out = NULL;
	add_best(g, good, n, out);
	return 0;
}

int br_repo_nth_parent(struct br_repo *r, const char *oid, uint64_t n, char out[BR_OID_HEX],
		       bool *reached_root, struct br_err *err)
{
	struct br_graph *g;
	git_oid id;
	uint32_t node;
	int rc = br_oid_parse(&id, oid, err);

	if (rc == 0)
		rc = br_repo_graph(r, &g, err);
	if (rc != 0)
		return rc;
	node = br_graph_node(g, &id);
	for (uint64_t i = 0;; i++) {
		rc = br_graph_load(g, node, err);
		if (rc < 0)
			return rc;
		if (i == n || !g->node[node].nparent)
			break;
		node = g->parent[g->node[node].at];
	}
	(void)git_oid_tostr(out, BR_OID_HEX, &g->node[node].id);
	*reached_root = g->node[node].nparent == 0;
	return 0;
}
