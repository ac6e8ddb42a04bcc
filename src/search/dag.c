/* dag.c - the first bad item of a graph, exactly: what the observations leave, and what to ask next. */
#include "search/dag.h"

#include "base/mem.h"
#include "bisect_run/err.h"
#include "search/shapes.h"

#include <math.h>
#include <string.h>

enum {
	MAX_PROPOSALS = 4096,
	LISTED_WHILE_SEARCHING = 4096, /* items that an answer lists before the end; it is asked for often */
};
static const double WEIGHT_SUM = 1u << 30; /* weights become whole numbers of about this sum */

static struct br_dag *dag_of(struct br_strategy *s)
{
	return (struct br_dag *)s;
}

static const struct br_dag *dag_of_const(const struct br_strategy *s)
{
	return (const struct br_dag *)s;
}

/* Whole numbers, proportional to the weights; at least 1 where there is any. NULL: all are equal. */
static uint32_t *whole_weights(const struct br_shape *sh)
{
	double sum = 0, first = 0;
	bool equal = true, zeros = false;
	uint32_t *w;

	for (uint64_t i = 0; sh->weight && i < sh->n; i++) {
		double x = br_usable_weight(sh, i);

		zeros |= !(x > 0);
		if (x > 0 && !(first > 0))
			first = x;
		equal &= !(x > 0) || (x >= first && x <= first);
		sum += x;
	}
	if (!sh->weight || (equal && !zeros))
		return NULL;
	w = br_reallocarray(NULL, sh->n, sizeof *w);
	for (uint64_t i = 0; i < sh->n; i++) {
		double x = br_usable_weight(sh, i);

		w[i] = x > 0 ? (equal ? 1 : 1 + (uint32_t)(x / sum * WEIGHT_SUM)) : 0;
	}
	return w;
}

static void fill_region(struct br_region *r, const struct br_shape *sh)
{
	uint32_t n = (uint32_t)sh->n, edges = sh->parent_at[n];

	r->m = n;
	r->w = whole_weights(sh);
	r->id = br_reallocarray(NULL, n, sizeof *r->id);
	r->parent_at = br_reallocarray(NULL, (size_t)n + 1, sizeof *r->parent_at);
	r->parent = br_reallocarray(NULL, edges, sizeof *r->parent);
	memcpy(r->parent_at, sh->parent_at, ((size_t)n + 1) * sizeof *r->parent_at);
	if (edges)
		memcpy(r->parent, sh->parent, edges * sizeof *r->parent);
	for (uint32_t i = 0; i < n; i++) {
		r->id[i] = i;
		r->weight += br_region_w(r, i);
		r->ncand += br_region_w(r, i) > 0;
	}
}

/* Marks the nodes of the region at which the walk down from an item beside it comes in; returns the highest. */
static uint32_t enter(const struct br_dag *d, uint32_t item)
{
	const struct br_shape *sh = d->shape;
	uint32_t *list = d->scratch.stack, n = 0, top = BR_NO_NODE;

	list[n++] = item;
	d->flags[item] |= BR_DAG_SEEN;
	for (uint32_t i = 0; i < n; i++) {
		for (uint32_t e = sh->parent_at[list[i]]; e < sh->parent_at[list[i] + 1]; e++) {
			uint32_t q = sh->parent[e], at = d->at[q];

			if (at == BR_DAG_BESIDE && !(d->flags[q] & BR_DAG_SEEN) && q > d->left.id[0]) {
				d->flags[q] |= BR_DAG_SEEN;
				list[n++] = q;
			} else if (at < BR_DAG_BESIDE) {
				d->scratch.mark[at] = 1;
				top = top == BR_NO_NODE || at > top ? at : top;
			}
		}
	}
	while (n--)
		d->flags[list[n]] &= (uint8_t)~BR_DAG_SEEN;
	return top;
}

uint32_t br_dag_reach(const struct br_dag *d, uint32_t item)
{
	uint32_t top = d->at[item];

	memset(d->scratch.mark, 0, d->left.m);
	if (top == BR_DAG_GOOD)
		return 0;
	if (top == BR_DAG_BESIDE)
		top = enter(d, item);
	if (top == BR_NO_NODE)
		return 0;
	d->scratch.mark[top] = 1;
	return br_region_close(&d->left, d->scratch.mark, top);
}

/* Keeps what is marked so; the rest becomes `gone`. */
static void keep(struct br_dag *d, uint8_t mark, uint32_t gone)
{
	struct br_region *r = &d->left;

	for (uint32_t u = 0; u < r->m; u++)
		if (d->scratch.mark[u] != mark)
			d->at[r->id[u]] = gone;
	br_region_shrink(r, d->scratch.mark, mark, d->scratch.map);
	for (uint32_t u = 0; u < r->m; u++)
		d->at[r->id[u]] = u;
}

static bool splits(const struct br_dag *d, uint32_t item)
{
	uint32_t reach = br_dag_reach(d, item);

	return reach && reach < d->left.weight;
}

/* Candidates never run that are given up: all but the skipped ones and the one that is known to be bad. */
static uint64_t count_assumed(const struct br_dag *d)
{
	const struct br_region *r = &d->left;
	uint64_t n = 0;

	for (uint32_t u = r->m; u-- > 0;) {
		bool untried = br_region_w(r, u) > 0 && !(d->flags[r->id[u]] & BR_DAG_SKIPPED);

		if (untried && n == 0 && !splits(d, r->id[u]))
			continue;
		n += untried;
	}
	return n;
}

static enum br_dag_stage next_stage(struct br_dag *d)
{
	const struct br_aim aim = {.share = 0.5};
	struct br_pick pick;
	uint32_t item;

	if (d->contradicted || d->left.ncand < 2)
		return BR_DAG_OVER;
	if (!d->nskip || br_select(&d->left, &d->scratch, &aim, &pick))
		return BR_DAG_INSIDE;
	if (br_dag_outside(d, &item, 1))
		return BR_DAG_OUTSIDE;
	for (size_t i = 0; i < d->nflying; i++)
		if (splits(d, d->flying[i]))
			return BR_DAG_WAITING;
	return BR_DAG_OVER;
}

/* Derives all that depends on the region, the skipped items and those in flight. */
static void settle(struct br_dag *d)
{
	if (d->skips)
		br_dag_weigh_skips(d);
	d->stage = next_stage(d);
	d->assumed = d->stage == BR_DAG_OVER && d->left.ncand > 1 ? count_assumed(d) : 0;
}

static int dag_open(struct br_strategy **out, const struct br_shape *shape, const struct br_strategy_cfg *cfg,
		    struct br_err *err)
{
	struct br_dag *d;
	int rc = br_check_shape(shape, BR_DAG, err);

	if (rc)
		return rc;
	d = br_calloc(1, sizeof *d);
	d->base.ops = &br_strategy_dag;
	d->shape = shape;
	d->seed = cfg->seed;
	d->exhaust = cfg->exhaust;
	d->at = br_reallocarray(NULL, shape->n, sizeof *d->at);
	d->flags = br_calloc(shape->n, sizeof *d->flags);
	br_scratch_init(&d->scratch, (uint32_t)shape->n);
	fill_region(&d->left, shape);
	for (uint32_t i = 0; i < d->left.m; i++)
		d->at[i] = i;
	if (!br_dag_reach(d, (uint32_t)shape->n - 1)) {
		d->base.ops->close(&d->base);
		return br_fail(err, BR_ESTATE, "nothing to search: there is no candidate");
	}
	keep(d, 1, BR_DAG_BESIDE);
	d->flags[shape->n - 1] |= BR_DAG_TESTED;
	settle(d);
	*out = &d->base;
	return 0;
}

static void dag_close(struct br_strategy *s)
{
	struct br_dag *d = dag_of(s);

	if (!d)
		return;
	br_region_done(&d->left);
	br_scratch_done(&d->scratch);
	free(d->at);
	free(d->flags);
	free(d->flying);
	free(d);
}

void br_dag_fly(struct br_dag *d, uint32_t item)
{
	br_grow(&d->flying, d->nflying, &d->flying_size);
	d->flying[d->nflying++] = item;
	d->flags[item] |= BR_DAG_FLYING;
}

static void land(struct br_dag *d, uint32_t item)
{
	size_t k = 0;

	if (!(d->flags[item] & BR_DAG_FLYING))
		return;
	d->flags[item] &= (uint8_t)~BR_DAG_FLYING;
	for (size_t i = 0; i < d->nflying; i++)
		if (d->flying[i] != item)
			d->flying[k++] = d->flying[i];
	d->nflying = k;
}

static size_t dag_propose(struct br_strategy *s, const uint64_t *near, size_t nnear, struct br_probe *out,
			  size_t max)
{
	struct br_dag *d = dag_of(s);
	struct br_aim aim = {.share = 0.5, .near = near, .nnear = near ? nnear : 0, .cost = d->shape->cost};
	br_auto_free uint32_t *item = NULL;
	size_t n = 0;

	max = max < MAX_PROPOSALS ? max : MAX_PROPOSALS;
	if (!max || (d->stage != BR_DAG_INSIDE && d->stage != BR_DAG_OUTSIDE))
		return 0;
	item = br_reallocarray(NULL, max, sizeof *item);
	n = d->stage == BR_DAG_INSIDE ? br_dag_spread(d, &aim, item, max) : br_dag_outside(d, item, max);
	for (size_t i = 0; i < n; i++) {
		br_dag_fly(d, item[i]);
		out[i] = (struct br_probe){.kind = BR_POINT, .point = item[i]};
	}
	return n;
}

/* Applies good or bad, unless nothing would be left. */
static void apply(struct br_dag *d, uint32_t item, bool bad)
{
	uint32_t reach = br_dag_reach(d, item);

	if (bad ? !reach : reach == d->left.weight) {
		d->contradicted = true;
		return;
	}
	d->flags[item] |= BR_DAG_TESTED;
	d->flags[item] &= (uint8_t)~BR_DAG_SKIPPED;
	if (bad)
		keep(d, 1, BR_DAG_BESIDE);
	else
		keep(d, 0, BR_DAG_GOOD);
}

static void dag_observe(struct br_strategy *s, const struct br_probe *probe, const struct br_verdict *verdict)
{
	struct br_dag *d = dag_of(s);
	uint32_t item = (uint32_t)probe->point;

	if (probe->kind != BR_POINT || probe->point >= d->shape->n)
		return;
	land(d, item);
	if (verdict->cls != BR_SKIP)
		apply(d, item, verdict->cls == BR_BAD);
	else if (!(d->flags[item] & BR_DAG_TESTED))
		d->flags[item] |= BR_DAG_SKIPPED;
	d->skips |= verdict->cls == BR_SKIP;
	settle(d);
}

static void dag_forget(struct br_strategy *s, const struct br_probe *probe)
{
	struct br_dag *d = dag_of(s);

	if (probe->kind != BR_POINT || probe->point >= d->shape->n)
		return;
	land(d, (uint32_t)probe->point);
	settle(d);
}

static bool dag_moot(const struct br_strategy *s, const struct br_probe *probe)
{
	const struct br_dag *d = dag_of_const(s);

	if (probe->kind != BR_POINT || probe->point >= d->shape->n || d->stage == BR_DAG_OVER)
		return true;
	return !splits(d, (uint32_t)probe->point);
}

/*
 * log2 of what is left, over what will be left in the end. Near skipped candidates that end is unknown: as many as
 * cannot be told apart so far, and both edges of the stretch are still to be found.
 */
static double expect(const struct br_dag *d)
{
	double all = d->left.ncand, open = d->neligible;

	if (d->stage == BR_DAG_OVER || d->left.ncand < 2)
		return 0;
	if (!d->nskip)
		return log2(all);
	all = log2(all / (d->nskip + 1.0)) + (d->nskip > 1 ? 2 * log2(1 + open) : log2(1 + open) / 2 + 1);
	return all < 1 ? 1 : all;
}

static enum br_answer_status status_of(const struct br_dag *d)
{
	if (d->contradicted)
		return BR_CONTRADICTION;
	if (d->left.ncand == 1)
		return BR_ISOLATED;
	return d->stage == BR_DAG_OVER ? BR_NARROWED : BR_SEARCHING;
}

static void dag_answer(const struct br_strategy *s, struct br_answer *out)
{
	const struct br_dag *d = dag_of_const(s);
	const struct br_region *r = &d->left;

	*out = (struct br_answer){.status = status_of(d), .left = r->ncand, .assumed = d->assumed};
	out->confidence = out->status == BR_ISOLATED || out->status == BR_NARROWED ? 1 : 0;
	out->probes_left = expect(d);
	if (out->status == BR_SEARCHING && r->ncand > LISTED_WHILE_SEARCHING)
		return;
	out->item = br_reallocarray(NULL, r->ncand, sizeof *out->item);
	for (uint32_t u = 0; u < r->m; u++)
		if (br_region_w(r, u) > 0)
			out->item[out->nitem++] = r->id[u];
}

const struct br_strategy_ops br_strategy_dag = {
	.name = "dag",
	.orders = BR_DAG,
	.open = dag_open,
	.propose = dag_propose,
	.observe = dag_observe,
	.forget = dag_forget,
	.moot = dag_moot,
	.answer = dag_answer,
	.close = dag_close,
};
