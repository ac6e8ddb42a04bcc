/* graph.c - the history, node by node: where commits come from and what git makes of them. */
#include "domain/graph.h"

#include "base/mem.h"
#include "bisect_run/err.h"
#include "domain/commitgraph.h"
#include "domain/repo_private.h"

#include <string.h>

enum { NODES_MAX = INT32_MAX };

static char *objects_dir(const char *common_dir)
{
	const char *env = getenv("GIT_OBJECT_DIRECTORY");

	return env && *env ? br_strdup(env) : br_asprintf("%s/objects", common_dir);
}

static bool file_is_wanted(git_repository *git)
{
	git_config *config = NULL;
	int on = 1;

	if (git_repository_config_snapshot(&config, git) == 0 &&
	    git_config_get_bool(&on, config, "core.commitgraph") < 0)
		on = 1;
	git_config_free(config);
	return on;
}

int br_graph_open(struct br_graph **out, git_repository *git, const char *common_dir, struct br_err *err)
{
	struct br_graph *g = br_calloc(1, sizeof *g);
	br_auto_free char *dir = objects_dir(common_dir);
	int rc = br_overrides_read(&g->over, git, common_dir, err);

	if (rc == 0 && git_repository_odb(&g->odb, git) < 0)
		rc = br_git_fail(err, BR_EGIT, "cannot open the object database");
	if (rc < 0) {
		br_graph_close(g);
		return rc;
	}
	/* As git: the file holds what the objects say, so it is of no use where something overrides them. */
	if (!br_overrides_any(&g->over) && file_is_wanted(git))
		g->file = br_cgraph_open(dir);
	*out = g;
	return 0;
}

void br_graph_forget(struct br_graph *g)
{
	if (!g)
		return;
	free(g->node_at);
	free(g->node);
	free(g->parent);
	free(g->slot);
	*g = (struct br_graph){.odb = g->odb, .over = g->over, .file = g->file};
}

void br_graph_close(struct br_graph *g)
{
	if (!g)
		return;
	br_graph_forget(g);
	br_overrides_done(&g->over);
	br_cgraph_close(g->file);
	git_odb_free(g->odb);
	free(g);
}

static uint32_t new_node(struct br_graph *g, const uint8_t id[20], uint32_t pos)
{
	if (g->n >= NODES_MAX)
		abort();
	br_grow(&g->node, g->n, &g->cap);
	g->node[g->n] = (struct br_node){.pos = pos, .level = BR_LEVEL_NONE};
	(void)git_oid_fromraw(&g->node[g->n].id, id);
	return (uint32_t)g->n++;
}

static uint32_t node_at(struct br_graph *g, uint32_t pos)
{
	struct br_cg_commit commit;

	if (!g->node_at)
		g->node_at = br_calloc(br_cgraph_count(g->file), sizeof *g->node_at);
	if (!g->node_at[pos]) {
		(void)br_cgraph_read(g->file, pos, &commit);
		g->node_at[pos] = new_node(g, commit.id, pos + 1) + 1;
	}
	return g->node_at[pos] - 1;
}

/* The table's place of this id, or the free one where it belongs. Ids are hashes already. */
static size_t slot_of(const struct br_graph *g, const git_oid *id)
{
	uint64_t hash;
	size_t i;

	memcpy(&hash, id->id, sizeof hash);
	for (i = hash & (g->nslot - 1); g->slot[i]; i = (i + 1) & (g->nslot - 1))
		if (git_oid_equal(&g->node[g->slot[i] - 1].id, id))
			break;
	return i;
}

static void grow_table(struct br_graph *g)
{
	if (2 * (g->nhashed + 1) <= g->nslot)
		return;
	g->nslot = g->nslot ? 2 * g->nslot : 1024;
	free(g->slot);
	g->slot = br_calloc(g->nslot, sizeof *g->slot);
	for (uint32_t i = 0; i < g->n; i++)
		if (!g->node[i].pos)
			g->slot[slot_of(g, &g->node[i].id)] = i + 1;
}

uint32_t br_graph_node(struct br_graph *g, const git_oid *id)
{
	uint32_t pos;
	size_t slot;

	if (g->file && br_cgraph_find(g->file, id->id, &pos))
		return node_at(g, pos);
	grow_table(g);
	slot = slot_of(g, id);
	if (!g->slot[slot]) {
		g->slot[slot] = new_node(g, id->id, 0) + 1;
		g->nhashed++;
	}
	return g->slot[slot] - 1;
}

/* A parent that is named twice means nothing twice (looked for among the first ones only: there may be thousands). */
static void add_parent(struct br_graph *g, uint32_t node, uint32_t parent)
{
	struct br_node *n = &g->node[node];

	for (uint32_t i = 0; i < n->nparent && i < 64; i++)
		if (g->parent[n->at + i] == parent)
			return;
	br_grow(&g->parent, g->nparent, &g->parent_cap);
	g->parent[g->nparent++] = parent;
	n->nparent++;
}

static bool load_from_file(struct br_graph *g, uint32_t node)
{
	struct br_cg_commit commit;

	if (!g->node[node].pos || !br_cgraph_read(g->file, g->node[node].pos - 1, &commit))
		return false;
	for (uint32_t i = 0; i < commit.nparent; i++) {
		uint32_t parent = node_at(g, br_cg_parent(&commit, i));

		add_parent(g, node, parent);
	}
	g->node[node].date = commit.date;
	g->node[node].level = commit.level ? commit.level : BR_LEVEL_NONE;
	return true;
}

static int unreadable(struct br_err *err, const git_oid *id, const char *why)
{
	return br_fail(err, BR_ECORRUPT,
		       "commit %s cannot be read (%s): run `git fsck`; in a partial or copied repository, "
		       "fetch it again",
		       git_oid_tostr_s(id), why);
}

static int read_object(struct br_graph *g, const git_oid *id, git_odb_object **out, struct br_err *err)
{
	git_oid real = *id;
	int rc = br_overrides_real(&g->over, &real, err);

	if (rc < 0)
		return rc;
	rc = git_odb_read(out, g->odb, &real);
	if (rc == GIT_ENOTFOUND)
		return unreadable(err, id,
				  git_oid_equal(id, &real) ? "it is missing" : "its replacement is missing");
	if (rc < 0)
		return unreadable(err, id, git_error_last() ? git_error_last()->message : "it is damaged");
	if (git_odb_object_type(*out) == GIT_OBJECT_COMMIT)
		return 0;
	git_odb_object_free(*out);
	return unreadable(err, id, "it is no commit");
}

/* Takes "key HEX\n" from the front of [*p, end). */
static bool take_id(const char **p, const char *end, const char *key, git_oid *id)
{
	size_t n = strlen(key);

	if ((size_t)(end - *p) < n + GIT_OID_HEXSZ + 1 || memcmp(*p, key, n) != 0 ||
	    (*p)[n + GIT_OID_HEXSZ] != '\n' || git_oid_fromstrn(id, *p + n, GIT_OID_HEXSZ) < 0)
		return false;
	*p += n + GIT_OID_HEXSZ + 1;
	return true;
}

/* The number after the last '>' of the committer's line, as git has it; 0 when there is none. */
static int64_t committer_date(const char *p, const char *end)
{
	const char *line = memmem(p, (size_t)(end - p), "\ncommitter ", 11);
	const char *stop = line ? memchr(line + 1, '\n', (size_t)(end - line - 1)) : NULL;
	const char *mail = stop ? memrchr(line, '>', (size_t)(stop - line)) : NULL;
	int64_t date = 0;

	if (!mail)
		return 0;
	for (p = mail + 1; p < stop && *p == ' '; p++)
		;
	for (; p < stop && *p >= '0' && *p <= '9' && date < INT64_MAX / 10 - 1; p++)
		date = date * 10 + (*p - '0');
	return date;
}

static int parse(struct br_graph *g, uint32_t node, const char *data, size_t n, struct br_err *err)
{
	const char *p = data, *end = data + n;
	const struct br_graft *graft = br_overrides_graft(&g->over, &g->node[node].id);
	git_oid id;

	if (!take_id(&p, end, "tree ", &id))
		return unreadable(err, &g->node[node].id, "its tree line is damaged");
	while (take_id(&p, end, "parent ", &id))
		if (!graft) {
			uint32_t parent = br_graph_node(g, &id);

			add_parent(g, node, parent);
		}
	for (uint32_t i = 0; graft && i < graft->n; i++) {
		uint32_t parent = br_graph_node(g, &g->over.parent[graft->at + i]);

		add_parent(g, node, parent);
	}
	if (p == end || *p != 'a')
		return unreadable(err, &g->node[node].id, "its author line is damaged");
	g->node[node].date = committer_date(p, end);
	return 0;
}

int br_graph_load(struct br_graph *g, uint32_t node, struct br_err *err)
{
	git_odb_object *object;
	int rc;

	if (g->node[node].loaded)
		return 0;
	if (g->nparent > NODES_MAX)
		return br_fail(err, BR_EUNSUPPORTED, "the history has too many parents");
	g->node[node].at = (uint32_t)g->nparent;
	g->node[node].nparent = 0;
	if (!load_from_file(g, node)) {
		rc = read_object(g, &g->node[node].id, &object, err);
		if (rc < 0)
			return rc;
		rc = parse(g, node, git_odb_object_data(object), git_odb_object_size(object), err);
		git_odb_object_free(object);
		if (rc < 0)
			return rc;
	}
	g->node[node].loaded = true;
	return 0;
}

int br_graph_tree(struct br_graph *g, uint32_t node, git_oid *tree, struct br_err *err)
{
	struct br_cg_commit commit;
	git_odb_object *object;
	const char *p, *end;
	int rc;

	if (g->node[node].pos && br_cgraph_read(g->file, g->node[node].pos - 1, &commit)) {
		(void)git_oid_fromraw(tree, commit.tree);
		return 0;
	}
	rc = read_object(g, &g->node[node].id, &object, err);
	if (rc < 0)
		return rc;
	p = git_odb_object_data(object);
	end = p + git_odb_object_size(object);
	if (!take_id(&p, end, "tree ", tree))
		rc = unreadable(err, &g->node[node].id, "its tree line is damaged");
	git_odb_object_free(object);
	return rc;
}
