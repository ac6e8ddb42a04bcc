/* commitgraph.c - reads git's commit-graph files in place. Nothing in them is trusted before it was checked. */
#include "domain/commitgraph.h"

#include "base/mem.h"
#include "domain/sha1.h"
#include "sys/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum {
	HASH = 20,
	HEX = 40,
	HEADER = 8,
	CHUNK_ROW = 12,
	CDAT_ROW = HASH + 16,
	FANOUT = 256 * 4,
	MAX_LAYERS = 256,
	NO_PARENT = 0x70000000,
};
static const uint32_t edge_flag = 0x80000000u;

struct layer {
	uint8_t *map;
	size_t size;
	uint32_t base, count; /* positions [base, base + count) */
	const uint8_t *fan, *oids, *data, *edges, *bases;
	uint64_t nedge, nbase;
};

struct br_cgraph {
	struct layer *layer;
	size_t n, cap;
	uint32_t count;
};

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint64_t be64(const uint8_t *p)
{
	return (uint64_t)be32(p) << 32 | be32(p + 4);
}

/* The chunk's start, with its length in *len; NULL: not in this file, or out of bounds. */
static const uint8_t *chunk(const struct layer *l, const char *id, uint64_t *len)
{
	size_t n = l->map[6];

	for (size_t i = 0; i < n; i++) {
		const uint8_t *row = l->map + HEADER + CHUNK_ROW * i;
		uint64_t from = be64(row + 4), to = be64(row + CHUNK_ROW + 4);

		if (memcmp(row, id, 4) != 0)
			continue;
		if (from > to || to > l->size - HASH)
			return NULL;
		*len = to - from;
		return l->map + from;
	}
	return NULL;
}

static bool fanout_is_sound(struct layer *l)
{
	for (size_t i = 1; i < 256; i++)
		if (be32(l->fan + 4 * i) < be32(l->fan + 4 * (i - 1)))
			return false;
	l->count = be32(l->fan + FANOUT - 4);
	return l->count < NO_PARENT;
}

static bool chunks_are_sound(struct layer *l)
{
	uint64_t fan = 0, oids = 0, data = 0, edges = 0, bases = 0;

	l->fan = chunk(l, "OIDF", &fan);
	l->oids = chunk(l, "OIDL", &oids);
	l->data = chunk(l, "CDAT", &data);
	l->edges = chunk(l, "EDGE", &edges);
	l->bases = chunk(l, "BASE", &bases);
	if (!l->fan || !l->oids || !l->data || fan != FANOUT || !fanout_is_sound(l))
		return false;
	l->nedge = edges / 4;
	l->nbase = l->map[7];
	return oids == (uint64_t)l->count * HASH && data == (uint64_t)l->count * CDAT_ROW &&
	       bases / HASH >= l->nbase;
}

/* A flipped bit would mean wrong parents, and so a wrong culprit: the checksum is worth its 2 ms per MB. */
static bool is_sound(struct layer *l)
{
	uint8_t sum[HASH];

	if (l->size < HEADER + CHUNK_ROW + FANOUT + HASH || memcmp(l->map, "CGPH\1\1", 6) != 0)
		return false;
	if (HEADER + ((size_t)l->map[6] + 1) * CHUNK_ROW > l->size - HASH || !chunks_are_sound(l))
		return false;
	br_sha1(l->map, l->size - HASH, sum);
	return memcmp(sum, l->map + l->size - HASH, HASH) == 0;
}

static bool map_layer(const char *path, struct layer *l)
{
	br_auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	void *map;

	*l = (struct layer){0};
	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size <= HASH)
		return false;
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return false;
	l->map = map;
	l->size = (size_t)st.st_size;
	if (is_sound(l))
		return true;
	(void)munmap(map, l->size);
	return false;
}

static void add_layer(struct br_cgraph *c, struct layer *l)
{
	l->base = c->count;
	c->count += l->count;
	br_grow(&c->layer, c->n, &c->cap);
	c->layer[c->n++] = *l;
}

static bool hash_is(const uint8_t *raw, const char *hex)
{
	for (size_t i = 0; i < HASH; i++) {
		char byte[3];

		(void)snprintf(byte, sizeof byte, "%02x", raw[i]);
		if (memcmp(byte, hex + 2 * i, 2) != 0)
			return false;
	}
	return true;
}

/* The layer must name exactly the layers below it, and be named by its own checksum. */
static bool fits_chain(const struct br_cgraph *c, const struct layer *l, const char *name)
{
	if (l->nbase != c->n || (uint64_t)c->count + l->count >= NO_PARENT)
		return false;
	for (size_t i = 0; i < c->n; i++)
		if (memcmp(l->bases + HASH * i, c->layer[i].map + c->layer[i].size - HASH, HASH) != 0)
			return false;
	return hash_is(l->map + l->size - HASH, name);
}

static bool add_chain_layer(struct br_cgraph *c, const char *dir, const char *name)
{
	br_auto_free char *path = NULL;
	struct layer l;

	if (strlen(name) != HEX || strspn(name, "0123456789abcdef") != HEX || c->n >= MAX_LAYERS)
		return false;
	path = br_asprintf("%s/graph-%s.graph", dir, name);
	if (!map_layer(path, &l))
		return false;
	if (!fits_chain(c, &l, name)) {
		(void)munmap(l.map, l.size);
		return false;
	}
	add_layer(c, &l);
	return true;
}

static void open_chain(struct br_cgraph *c, const char *objects_dir)
{
	br_auto_free char *dir = br_asprintf("%s/info/commit-graphs", objects_dir);
	br_auto_free char *path = br_asprintf("%s/commit-graph-chain", dir);
	br_auto_free char *text = NULL;
	char *save = NULL;
	size_t n;

	if (br_file_read(path, (size_t)MAX_LAYERS * (HEX + 1), &text, &n, NULL) < 0)
		return;
	for (char *name = strtok_r(text, "\n", &save); name; name = strtok_r(NULL, "\n", &save))
		if (!add_chain_layer(c, dir, name))
			return;
}

struct br_cgraph *br_cgraph_open(const char *objects_dir)
{
	br_auto_free char *path = br_asprintf("%s/info/commit-graph", objects_dir);
	struct br_cgraph *c = br_calloc(1, sizeof *c);
	struct layer l;

	if (!map_layer(path, &l)) {
		open_chain(c, objects_dir);
	} else if (l.nbase == 0) {
		add_layer(c, &l);
	} else {
		(void)munmap(l.map, l.size);
	}
	if (c->n)
		return c;
	br_cgraph_close(c);
	return NULL;
}

void br_cgraph_close(struct br_cgraph *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n; i++)
		(void)munmap(c->layer[i].map, c->layer[i].size);
	free(c->layer);
	free(c);
}

uint32_t br_cgraph_count(const struct br_cgraph *c)
{
	return c->count;
}

static bool find_in(const struct layer *l, const uint8_t *id, uint32_t *pos)
{
	uint32_t lo = id[0] ? be32(l->fan + 4 * ((size_t)id[0] - 1)) : 0;
	uint32_t hi = be32(l->fan + 4 * (size_t)id[0]);

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		int cmp = memcmp(l->oids + HASH * (size_t)mid, id, HASH);

		if (cmp == 0) {
			*pos = l->base + mid;
			return true;
		}
		if (cmp < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

bool br_cgraph_find(const struct br_cgraph *c, const uint8_t id[20], uint32_t *pos)
{
	for (size_t i = c->n; i-- > 0;)
		if (find_in(&c->layer[i], id, pos))
			return true;
	return false;
}

static const struct layer *layer_of(const struct br_cgraph *c, uint32_t pos)
{
	for (size_t i = c->n; i-- > 0;)
		if (pos >= c->layer[i].base)
			return &c->layer[i];
	return &c->layer[0];
}

/* An octopus lists its parents from the second on in the EDGE chunk; the high bit marks the last. */
static bool read_edges(const struct layer *l, uint64_t at, uint32_t count, struct br_cg_commit *out)
{
	for (uint64_t i = at; i < l->nedge; i++) {
		uint32_t edge = be32(l->edges + 4 * i);

		if ((edge & ~edge_flag) >= count)
			return false;
		if (edge & edge_flag) {
			out->edge = l->edges + 4 * at;
			out->nparent = (uint32_t)(i - at) + 2;
			return true;
		}
	}
	return false;
}

static uint32_t level_of(const struct br_cgraph *c, uint32_t pos)
{
	const struct layer *l = layer_of(c, pos);

	return be32(l->data + CDAT_ROW * (size_t)(pos - l->base) + HASH + 8) >> 2;
}

static bool levels_rise(const struct br_cgraph *c, const struct br_cg_commit *commit)
{
	for (uint32_t i = 0; i < commit->nparent; i++)
		if (level_of(c, br_cg_parent(commit, i)) >= commit->level && commit->level)
			return false;
	return true;
}

bool br_cgraph_read(const struct br_cgraph *c, uint32_t pos, struct br_cg_commit *out)
{
	const struct layer *l = layer_of(c, pos);
	const uint8_t *row = l->data + CDAT_ROW * (size_t)(pos - l->base);
	uint32_t first = be32(row + HASH), second = be32(row + HASH + 4);

	*out = (struct br_cg_commit){
		.id = l->oids + HASH * (size_t)(pos - l->base),
		.tree = row,
		.level = be32(row + HASH + 8) >> 2,
		.date = (int64_t)(be64(row + HASH + 8) & 0x3ffffffffu),
		.first = first,
		.second = second,
		.nparent = first == NO_PARENT	 ? 0
			   : second == NO_PARENT ? 1
						 : 2,
	};
	if (out->nparent > 0 && first >= c->count)
		return false;
	if (out->nparent == 2 && second & edge_flag) {
		if (!read_edges(l, second & ~edge_flag, c->count, out))
			return false;
	} else if (out->nparent == 2 && second >= c->count) {
		return false;
	}
	return levels_rise(c, out);
}

uint32_t br_cg_parent(const struct br_cg_commit *commit, uint32_t i)
{
	if (i == 0)
		return commit->first;
	return commit->edge ? be32(commit->edge + 4 * ((size_t)i - 1)) & ~edge_flag : commit->second;
}
