/*
 * skips.c - where to look when candidates cannot be tested.
 *
 * An untestable stretch has an unknown length on any scale, so the chance that a node escapes it grows with the
 * logarithm of its distance from the skipped node: after one skip the best next probe is far away, but still
 * splits well. Probes that are skipped too leave two kinds of nodes: outer ones, which have skipped nodes on one side only
 * (descendants or ancestors), hold the edges of the stretch and are always worth a test; inner ones have them
 * on both sides. Of the inner ones a sample is tested, fixed by a hash of the item and the seed: the nodes of lowest
 * hash, so that the sample of a smaller region is part of the sample of the larger one and no test is wasted. When the
 * whole sample is untestable, so is the inside, by assumption. Skips that were given beforehand count only
 * where they meet the sample, so that scattered ones never make the inside look untestable.
 */
#include "search/dag.h"

#include "base/mem.h"
#include "base/rand.h"

#include <math.h>
#include <string.h>

enum {
	SAMPLE_BASE =
		5, /* plus log2 of the region: of 300, where one in six can be tested, in 9 of 10 cases */
	SAMPLE_MAX = 64,
	OUTSIDE_SAMPLE = 8,
	MASK_BITS = 64,
};
#define FAR (UINT32_MAX - 1)

/* The nodes of lowest hash, rising. */
struct sample {
	uint32_t n, size;
	uint64_t hash[SAMPLE_MAX];
	uint32_t who[SAMPLE_MAX];
};

static uint64_t hash_item(const struct br_dag *d, uint32_t item)
{
	struct br_rand rand = {.state = d->seed ^ ((uint64_t)item << 20)};

	return br_rand_next(&rand);
}

static void sample_add(struct sample *s, uint64_t hash, uint32_t who)
{
	uint32_t k;

	if (s->n == s->size && hash >= s->hash[s->n - 1])
		return;
	k = s->n < s->size ? s->n++ : s->n - 1;
	for (; k > 0 && s->hash[k - 1] > hash; k--) {
		s->hash[k] = s->hash[k - 1];
		s->who[k] = s->who[k - 1];
	}
	s->hash[k] = hash;
	s->who[k] = who;
}

static bool is_skipped(const struct br_dag *d, uint32_t node)
{
	return d->flags[d->left.id[node]] & BR_DAG_SKIPPED && br_region_w(&d->left, node) > 0;
}

static bool may_probe(const struct br_dag *d, uint32_t node)
{
	return !(d->flags[d->left.id[node]] & (BR_DAG_SKIPPED | BR_DAG_TESTED)) &&
	       br_region_w(&d->left, node) > 0;
}

static uint32_t count_skipped(const struct br_dag *d)
{
	uint32_t n = 0;

	for (uint32_t u = 0; u < d->left.m; u++)
		n += is_skipped(d, u);
	return n;
}

/* Steps to the nearest skipped ancestor (below) and descendant (above); FAR: none. Returns the largest other one. */
static uint32_t measure(const struct br_dag *d, uint32_t *below, uint32_t *above)
{
	const struct br_region *r = &d->left;
	uint32_t widest = 0;

	for (uint32_t u = 0; u < r->m; u++) {
		above[u] = below[u] = is_skipped(d, u) ? 0 : FAR;
		for (uint32_t e = r->parent_at[u]; e < r->parent_at[u + 1]; e++)
			if (below[r->parent[e]] != FAR && below[r->parent[e]] + 1 < below[u])
				below[u] = below[r->parent[e]] + 1;
	}
	for (uint32_t u = r->m; u-- > 0;) {
		uint32_t near = below[u] < above[u] ? below[u] : above[u];

		if (near != FAR && near > widest)
			widest = near;
		for (uint32_t e = r->parent_at[u]; e < r->parent_at[u + 1] && above[u] != FAR; e++)
			if (above[u] + 1 < above[r->parent[e]])
				above[r->parent[e]] = above[u] + 1;
	}
	return widest;
}

/* Chance of an outer node to be testable. */
static float outer_hope(uint32_t below, uint32_t above, uint32_t widest)
{
	uint32_t near = below < above ? below : above;

	if (near == FAR)
		return 1;
	return (float)(log1p(near) / log1p(widest));
}

/* Takes the sample of the inside; returns how many of it were skipped. */
static uint32_t draw(const struct br_dag *d, const uint32_t *below, const uint32_t *above, struct sample *s)
{
	uint32_t skipped = 0;

	s->n = 0;
	s->size = SAMPLE_BASE;
	for (uint32_t m = d->left.m; m > 1 && s->size < SAMPLE_MAX; m >>= 1)
		s->size++;
	for (uint32_t u = 0; u < d->left.m; u++)
		if (is_skipped(d, u) || (may_probe(d, u) && below[u] != FAR && above[u] != FAR))
			sample_add(s, hash_item(d, d->left.id[u]), u);
	for (uint32_t i = 0; i < s->n; i++)
		skipped += is_skipped(d, s->who[i]);
	return skipped;
}

void br_dag_weigh_skips(struct br_dag *d)
{
	struct br_region *r = &d->left;
	uint32_t *below = d->scratch.intro, *above = d->scratch.count, widest, skipped;
	struct sample sample;

	d->nskip = count_skipped(d);
	d->neligible = 0;
	if (!d->nskip) {
		free(br_steal(&r->hope));
		return;
	}
	r->hope = br_reallocarray(r->hope, r->m, sizeof *r->hope);
	widest = measure(d, below, above);
	skipped = draw(d, below, above, &sample);
	for (uint32_t u = 0; u < r->m; u++) {
		bool inner = below[u] != FAR && above[u] != FAR;

		r->hope[u] = 0;
		if (!may_probe(d, u) || (inner && !d->exhaust))
			continue;
		r->hope[u] = outer_hope(below[u], above[u], widest) / (inner ? 1.0F + (float)skipped : 1.0F);
		d->neligible++;
	}
	/* Without exhaust nothing but the sample is open inside. */
	for (uint32_t i = 0; i < sample.n && !d->exhaust; i++) {
		uint32_t u = sample.who[i];

		if (is_skipped(d, u))
			continue;
		r->hope[u] = outer_hope(below[u], above[u], widest) / (1.0F + (float)skipped);
		d->neligible++;
	}
}

/*
 * One upward sweep over the whole shape: set[i] gets a bit for each of the given nodes of the region that item i
 * reaches. Items below `from` reach none.
 */
static void sweep_up(const struct br_dag *d, const uint32_t *node, uint32_t n, uint64_t *set)
{
	const struct br_shape *sh = d->shape;
	uint32_t from = d->left.id[0];

	memset(set, 0, (sh->n - from) * sizeof *set);
	for (uint32_t i = 0; i < n; i++)
		set[d->left.id[node[i]] - from] |= (uint64_t)1 << i;
	for (uint32_t i = from; i < sh->n; i++)
		for (uint32_t e = sh->parent_at[i]; e < sh->parent_at[i + 1]; e++)
			if (sh->parent[e] >= from && d->at[sh->parent[e]] != BR_DAG_GOOD)
				set[i - from] |= set[sh->parent[e] - from];
}

/* Candidates of the region that no other candidate has as an ancestor, into who. */
static uint32_t find_heads(const struct br_dag *d, uint32_t *who)
{
	const struct br_region *r = &d->left;
	uint8_t *covered = d->scratch.mark;
	uint32_t n = 0;

	memset(covered, 0, r->m);
	for (uint32_t u = r->m; u-- > 0;) {
		bool cand = br_region_w(r, u) > 0;

		if (cand && !covered[u])
			who[n++] = u;
		for (uint32_t e = r->parent_at[u]; e < r->parent_at[u + 1]; e++)
			covered[r->parent[e]] |= cand || covered[u];
	}
	return n;
}

/* Sets useful[i - from] for items that reach some candidates, but not all of the heads. */
static void find_useful(const struct br_dag *d, uint64_t *set, uint8_t *useful)
{
	uint32_t from = d->left.id[0], span = (uint32_t)d->shape->n - from, *head = d->scratch.stack;
	uint32_t nhead = find_heads(d, head);

	memset(useful, 0, span);
	for (uint32_t k = 0; k < nhead; k += MASK_BITS) {
		uint32_t n = nhead - k < MASK_BITS ? nhead - k : MASK_BITS;
		uint64_t all = n == MASK_BITS ? UINT64_MAX : ((uint64_t)1 << n) - 1;

		sweep_up(d, head + k, n, set);
		for (uint32_t i = 0; i < span; i++)
			useful[i] |= set[i] != all;
	}
}

/* Up to 64 candidates, evenly spread, into who: what an outside item reaches of them estimates its split. */
static uint32_t spread_candidates(const struct br_dag *d, uint32_t *who)
{
	const struct br_region *r = &d->left;
	uint64_t seen = 0, n = 0, want = r->ncand < MASK_BITS ? r->ncand : MASK_BITS;

	for (uint32_t u = 0; u < r->m && n < want; u++)
		if (br_region_w(r, u) > 0 && seen++ * want / r->ncand >= n)
			who[n++] = u;
	return (uint32_t)n;
}

/* Whether the item reaches a candidate at all (some), by a sweep of booleans. */
static void keep_reaching(const struct br_dag *d, uint8_t *useful, uint8_t *some)
{
	const struct br_shape *sh = d->shape;
	uint32_t from = d->left.id[0];

	for (uint32_t i = from; i < sh->n; i++) {
		uint32_t at = d->at[i];

		some[i - from] = at < BR_DAG_BESIDE && br_region_w(&d->left, at) > 0;
		for (uint32_t e = sh->parent_at[i]; e < sh->parent_at[i + 1]; e++)
			if (sh->parent[e] >= from && d->at[sh->parent[e]] != BR_DAG_GOOD)
				some[i - from] |= some[sh->parent[e] - from];
		useful[i - from] &=
			some[i - from] && at == BR_DAG_BESIDE && (!sh->weight || sh->weight[i] > 0);
	}
}

/* The sample of all useful items: once it has been skipped as a whole, the others are taken for untestable too. */
static void keep_sample(const struct br_dag *d, uint8_t *useful, uint32_t span)
{
	struct sample s = {.size = OUTSIDE_SAMPLE};
	uint32_t from = d->left.id[0];

	for (uint32_t i = 0; i < span; i++)
		if (useful[i])
			sample_add(&s, hash_item(d, from + i), i);
	memset(useful, 0, span);
	for (uint32_t i = 0; i < s.n; i++)
		useful[s.who[i]] = 1;
}

static int split_of(uint64_t set, uint32_t n)
{
	int k = __builtin_popcountll(set), rest = (int)n - k;

	return k < rest ? k : rest;
}

/* Puts the item at its place among the best so far. */
static size_t insert(struct sample *best, int split, uint32_t item, size_t max)
{
	best->size = max < SAMPLE_MAX ? (uint32_t)max : SAMPLE_MAX;
	sample_add(best, (uint64_t)(MASK_BITS - split), item);
	return best->n;
}

size_t br_dag_outside(struct br_dag *d, uint32_t *item, size_t max)
{
	uint32_t from = d->left.id[0], span = (uint32_t)d->shape->n - from, who[MASK_BITS], nwho;
	br_auto_free uint64_t *set = br_reallocarray(NULL, span, sizeof *set);
	br_auto_free uint8_t *useful = br_malloc(span), *some = br_malloc(span);
	struct sample best = {.n = 0};

	find_useful(d, set, useful);
	keep_reaching(d, useful, some);
	if (!d->exhaust)
		keep_sample(d, useful, span);
	nwho = spread_candidates(d, who);
	sweep_up(d, who, nwho, set);
	for (uint32_t i = 0; i < span && max; i++)
		if (useful[i] && !(d->flags[from + i] & (BR_DAG_SKIPPED | BR_DAG_TESTED | BR_DAG_FLYING)))
			(void)insert(&best, split_of(set[i], nwho), from + i, max);
	for (uint32_t i = 0; i < best.n; i++)
		item[i] = best.who[i];
	return best.n;
}
