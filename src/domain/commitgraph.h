/*
 * commitgraph.h - git's commit-graph files (gitformat-commit-graph(5), version 1, SHA-1), mapped and read in place: one
 * file or a split chain. A position counts through all layers, the base first, as in the files.
 */
#ifndef BR_COMMITGRAPH_H
#define BR_COMMITGRAPH_H

#include <stdbool.h>
#include <stdint.h>

struct br_cgraph;

/* One commit. Pointers reach into the mapping: borrowed until close. */
struct br_cg_commit {
	const uint8_t *id, *tree; /* 20 bytes each */
	uint32_t level;		  /* topological level: above that of every parent; 0: not stored */
	int64_t date;		  /* committer's, seconds since 1970 */
	uint32_t nparent;
	uint32_t first, second; /* positions; second only when edge is NULL */
	const uint8_t *edge;	/* nparent - 1 big-endian positions of an octopus, high bit to be ignored */
};

/*
 * Opens what is below objects_dir/info. NULL: there is none, or it is damaged (header, bounds and checksum are
 * verified; of a chain the sound layers at the base are kept).
 */
struct br_cgraph *br_cgraph_open(const char *objects_dir);
void br_cgraph_close(struct br_cgraph *c); /* NULL is fine */
/* Number of commits in all layers. */
uint32_t br_cgraph_count(const struct br_cgraph *c);
bool br_cgraph_find(const struct br_cgraph *c, const uint8_t id[20], uint32_t *pos);
/* False: the entry is out of bounds or says what cannot be; read the object instead. */
bool br_cgraph_read(const struct br_cgraph *c, uint32_t pos, struct br_cg_commit *out);
/* Position of parent i < nparent of a commit that br_cgraph_read gave. */
uint32_t br_cg_parent(const struct br_cg_commit *commit, uint32_t i);

#endif
