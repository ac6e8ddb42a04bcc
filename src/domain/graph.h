/*
 * graph.h - the history of a repository, read as far as it is asked for: from git's commit-graph file where there is
 * one, else from the object database; replace refs, grafts and shallow boundaries count as they do in git.
 * Costs about 60 bytes a commit.
 */
#ifndef BR_GRAPH_H
#define BR_GRAPH_H

#include "domain/overrides.h"

struct br_cgraph;

enum { BR_LEVEL_NONE = INT32_MAX }; /* levels have 30 bits */

/* Marks of a walk. */
enum br_mark {
	BR_MARK_A = 1 << 0,
	BR_MARK_B = 1 << 1,
	BR_MARK_STALE = 1 << 2,
	BR_MARK_QUEUED = 1 << 3,
	BR_MARK_DONE = 1 << 4,
	BR_MARK_ENTERED = 1 << 5, /* free for the caller from here on */
	BR_MARK_LEFT = 1 << 6,
};

struct br_node {
	int64_t date; /* committer's; known once loaded */
	git_oid id;
	uint32_t at, nparent; /* parents are graph->parent[at .. at+nparent); known once loaded */
	uint32_t pos;	      /* position in the commit-graph file + 1; 0: not in it */
	uint32_t level;	      /* above that of every parent, or BR_LEVEL_NONE; known once loaded */
	uint8_t mark;	      /* enum br_mark */
	bool loaded;
};

struct br_graph {
	git_odb *odb;
	struct br_overrides over;
	struct br_cgraph *file; /* NULL: none */
	uint32_t *node_at;	/* of each position of the file: node + 1; 0: none yet */
	struct br_node *node;
	size_t n, cap;
	uint32_t *parent;
	size_t nparent, parent_cap;
	uint32_t *slot; /* hash table of the nodes that are not in the file: node + 1; 0: free */
	size_t nslot, nhashed;
};

int br_graph_open(struct br_graph **out, git_repository *git, const char *common_dir, struct br_err *err);
void br_graph_close(struct br_graph *g); /* NULL is fine */
/* Gives the memory of all nodes back; the file stays open. NULL is fine. */
void br_graph_forget(struct br_graph *g);

/* The node of an id, made when new. Nodes move when others are made: hold numbers, not pointers. */
uint32_t br_graph_node(struct br_graph *g, const git_oid *id);
/* Makes date, parents and level known. BR_ECORRUPT: the commit cannot be read; the message names it. */
int br_graph_load(struct br_graph *g, uint32_t node, struct br_err *err);
/* The tree that the commit stands for, replacements counted. Same errors. */
int br_graph_tree(struct br_graph *g, uint32_t node, git_oid *tree, struct br_err *err);

/*
 * Marks what is reachable from bad with A, and what is reachable from a good with B; the answer is what has A
 * and not B. Along first_parent only A's walk leaves the side branches out. Exact where the commit-graph file knows the
 * levels; elsewhere by dates as git, with a margin of 1,000 to 20,000 commits for clocks that were wrong (git: 5).
 */
int br_graph_mark_range(struct br_graph *g, const git_oid *bad, const git_oid *good, size_t ngood,
			bool first_parent, struct br_err *err);
/*
 * Marks the ancestors of one (A) and of the others (B) until they have met: what has A and B and not STALE are the best
 * common ancestors. Stops early, when target (NULL: none) is known to have A and B.
 */
int br_graph_mark_common(struct br_graph *g, const git_oid *one, const git_oid *other, size_t nother,
			 const git_oid *target, struct br_err *err);

#endif
