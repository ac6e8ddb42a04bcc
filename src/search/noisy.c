/*
 * noisy.c - the first bad item under verdicts that may be wrong by chance: the posterior over the culprit, with the
 * unknown rates of failure integrated out, and when to stop.
 */
#include "search/noisy_state.h"

#include "base/mem.h"
#include "bisect_run/err.h"
#include "bisect_run/noisy.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum {
	MAX_PROPOSALS = 256,
	LISTED_WHILE_SEARCHING = 4096, /* items that an answer lists before the end; it is asked for often */
};
static const double GUARD = 0.25; /* of a failure: what a good end that did not fail may yet do */
/* What a claim may lose of its confidence by the doubt that rates grow, as a factor of what it leaves open. */
static const double SLACK = 1.6;
static const double MOST_PREDICTED = 100; /* runs a bit: rates that hardly differ */
static const double PATIENCE = 3;	  /* times the predicted runs */
/* Prior of the ends not differing at all: a claim against it needs evidence of its own, however many candidates there are. */
static const double NO_CULPRIT = 0.5;
static const double SURELY_SAME = 0.98;
static const double LIKELY = 0.9; /* mass of the set that is named when there is no single culprit */

static struct br_noisy *noisy_of(struct br_strategy *s)
{
	return (struct br_noisy *)s;
}

static const struct br_noisy *noisy_of_const(const struct br_strategy *s)
{
	return (const struct br_noisy *)s;
}

static double item_mass(const struct br_noisy *s, uint32_t part)
{
	const struct br_part *p = &s->parts.part[part];

	return s->division[part].mass * p->top / p->prior;
}

/* Parts that were split off know what the part knew that they were split from. */
static void follow_parts(struct br_noisy *s, uint32_t had)
{
	for (uint32_t k = had; k < s->parts.npart; k++) {
		br_grow(&s->division, k, &s->division_size);
		s->division[k] = s->division[s->parts.part[k].from];
	}
}

static void weigh_part(struct br_noisy *s, uint32_t k)
{
	struct br_division *d = &s->division[k];

	br_rates_weigh(&s->rates, d->bad, br_noisy_good(s, k), d->order, &d->fit);
}

static double rate(struct br_count c)
{
	return (c.fail + 0.5) / (c.fail + c.pass + 1.0);
}

/* Masses from weights, and the likeliest candidate. */
static void normalise(struct br_noisy *s)
{
	double same = br_rates_side(&s->rates, s->total) + log(NO_CULPRIT / (1 - NO_CULPRIT));
	double most = same, sum = 0;

	for (uint32_t k = 0; k < s->parts.npart; k++)
		if (s->division[k].fit.log_weight > most)
			most = s->division[k].fit.log_weight;
	for (uint32_t k = 0; k < s->parts.npart; k++) {
		struct br_division *d = &s->division[k];

		d->mass = s->parts.part[k].prior * exp(d->fit.log_weight - most);
		sum += d->mass;
	}
	s->same = exp(same - most);
	sum += s->same;
	s->same /= sum;
	s->same_rate = rate(s->total);
	s->best = 0;
	for (uint32_t k = 0; k < s->parts.npart; k++) {
		s->division[k].mass /= sum;
		if (item_mass(s, k) > item_mass(s, s->best))
			s->best = k;
	}
	s->confidence = item_mass(s, s->best);
}

/* How many there are; weights are whatever their scale is. */
static double candidates(const struct br_noisy *s)
{
	return s->shape->weight ? (double)s->shape->n : s->parts.total;
}

/*
 * From the ends alone, so that it stands before the search. Runs are about inverse to the bad rate, whose inverse is
 * expected to be runs / (failures - 1/2); a good end that never failed has still not been shown never to.
 */
static double predict(const struct br_noisy *s)
{
	struct br_count bad = s->at[0], good = s->outside;
	double good_rate = (good.fail + GUARD) / (good.fail + good.pass + 1.0);
	double bad_rate = bad.fail ? (bad.fail - 0.5) / (bad.fail + bad.pass) : rate(bad);

	return fmin(br_noisy_predict(good_rate, bad_rate, candidates(s), s->cfg.confidence),
		    MOST_PREDICTED * log2(candidates(s) + 1));
}

static struct br_tally tally(struct br_count c)
{
	return (struct br_tally){.runs = c.fail + c.pass, .fails = c.fail};
}

static uint32_t runs(const struct br_noisy *s)
{
	return s->total.fail + s->total.pass;
}

/*
 * Whether the likeliest candidate and others that no item can be run to tell from it make up the answer: the
 * items skipped are in the way. Sets s->group.
 */
static bool untestable(struct br_noisy *s)
{
	struct br_questions *q = &s->ask;
	br_auto_free uint64_t *same = NULL;
	uint32_t top = UINT32_MAX;
	double mass = 0;

	s->ngroup = 0;
	if (!s->nbar)
		return false;
	br_noisy_ask(s, NULL, 0);
	for (uint32_t a = 0; a < q->natom; a++)
		if (q->atom[a].part == s->best && q->atom[a].item == s->parts.part[s->best].top_item)
			top = a;
	if (!q->exact || top == UINT32_MAX)
		return false;
	same = br_malloc(q->words * sizeof *same);
	memset(same, 0xff, q->words * sizeof *same);
	for (uint32_t k = 0; k < q->nquestion; k++) {
		const uint64_t *bits = q->bits + (size_t)k * q->words;
		bool has = br_questions_has(q, k, top);

		for (uint32_t w = 0; w < q->words && q->question[k].item != BR_NO_ITEM; w++)
			same[w] &= has ? bits[w] : ~bits[w];
	}
	for (uint32_t a = 0; a < q->natom; a++) {
		if (!(same[a / 64] >> (a % 64) & 1))
			continue;
		br_grow(&s->group, s->ngroup, &s->group_size);
		s->group[s->ngroup++] = q->atom[a].item;
		mass += s->division[q->atom[a].part].mass * q->atom[a].share;
	}
	return s->ngroup > 1 && mass >= s->cfg.confidence;
}

static bool swapped(const struct br_noisy *s)
{
	struct br_tally bad = tally(s->at[0]), good = tally(s->outside);

	/* The first is cheap, and false in nearly every search. */
	return (double)good.fails * bad.runs > (double)bad.fails * good.runs &&
	       br_ends_judge(bad, good, UINT32_MAX) == BR_ENDS_SWAPPED;
}

static void conclude(struct br_noisy *s, enum br_answer_status status, enum br_reason reason)
{
	s->status = status;
	s->reason = reason;
}

/* A confident answer must also stand when the rate may grow behind the culprit; else the search goes on by that doubt. */
static void settle_doubt(struct br_noisy *s)
{
	enum br_reason why = br_noisy_uneven(s);

	if (why != BR_REASON_NONE) {
		conclude(s, BR_NARROWED, why);
		return;
	}
	s->doubtful = br_reallocarray(NULL, s->parts.npart, sizeof *s->doubtful);
	if (br_noisy_doubt(s, s->doubtful) >= 1 - SLACK * (1 - s->cfg.confidence))
		conclude(s, BR_ISOLATED, BR_REASON_NONE);
}

static void settle(struct br_noisy *s)
{
	for (uint32_t k = 0; k < s->parts.npart; k++)
		weigh_part(s, k);
	normalise(s);
	if (!s->begun)
		s->predicted = predict(s);
	conclude(s, BR_SEARCHING, BR_REASON_NONE);
	free(s->doubtful);
	s->doubtful = NULL;
	if (swapped(s))
		conclude(s, BR_NARROWED, BR_REASON_ENDS_SWAPPED);
	else if (s->same >= SURELY_SAME)
		conclude(s, BR_NARROWED, BR_REASON_ENDS_SAME);
	else if (s->confidence >= s->cfg.confidence)
		settle_doubt(s);
	if (s->status == BR_SEARCHING && runs(s) > PATIENCE * s->predicted)
		conclude(s, BR_NARROWED, BR_REASON_TOO_MANY_RUNS);
	else if (s->status == BR_SEARCHING && untestable(s))
		conclude(s, BR_NARROWED, BR_REASON_UNTESTABLE);
}

static int noisy_open(struct br_strategy **out, const struct br_shape *shape,
		      const struct br_strategy_cfg *cfg, struct br_err *err)
{
	struct br_noisy *s = br_calloc(1, sizeof *s);
	int rc = br_parts_init(&s->parts, shape, err);

	if (rc) {
		free(s);
		return rc;
	}
	s->base.ops = &br_strategy_noisy;
	s->shape = shape;
	s->cfg = *cfg;
	br_rates_init(&s->rates);
	if (s->parts.of)
		s->barred = br_calloc(shape->n, sizeof *s->barred);
	br_grow(&s->division, 0, &s->division_size);
	s->division[0] = (struct br_division){.order = BR_ORDER_START};
	br_grow(&s->at, 0, &s->at_size);
	s->at[0] = (struct br_count){0, 0};
	settle(s);
	*out = &s->base;
	return 0;
}

static void noisy_close(struct br_strategy *base)
{
	struct br_noisy *s = noisy_of(base);

	if (!s)
		return;
	br_parts_done(&s->parts);
	br_rates_done(&s->rates);
	br_questions_done(&s->ask);
	free(s->division);
	free(s->at);
	free(s->barred);
	free(s->bar);
	free(s->flying);
	free(s->group);
	free(s->doubtful);
	free(s);
}

static size_t noisy_propose(struct br_strategy *base, const uint64_t *near, size_t nnear,
			    struct br_probe *out, size_t max)
{
	struct br_noisy *s = noisy_of(base);
	size_t n = 0;

	max = max < MAX_PROPOSALS ? max : MAX_PROPOSALS;
	if (s->status != BR_SEARCHING || !max)
		return 0;
	br_noisy_ask(s, near, near ? nnear : 0);
	while (n < max) {
		uint64_t item = br_noisy_choose(s);

		if (item == BR_NO_ITEM)
			break;
		br_grow(&s->flying, s->nflying, &s->flying_size);
		s->flying[s->nflying++] = item;
		out[n++] = (struct br_probe){.kind = BR_POINT, .point = item};
	}
	return n;
}

static bool known_point(const struct br_noisy *s, const struct br_probe *probe)
{
	return probe->kind == BR_POINT && (probe->point < s->shape->n || probe->point == BR_POINT_OUTSIDE);
}

/* One of the proposals of this item has come back. */
static void land(struct br_noisy *s, uint64_t item)
{
	for (size_t i = 0; i < s->nflying; i++) {
		if (s->flying[i] != item)
			continue;
		memmove(s->flying + i, s->flying + i + 1, (s->nflying - i - 1) * sizeof *s->flying);
		s->nflying--;
		return;
	}
}

static void bar(struct br_noisy *s, uint64_t item)
{
	if (item == BR_POINT_OUTSIDE || (s->barred && s->barred[item]))
		return;
	for (size_t i = 0; i < s->nbar; i++)
		if (s->bar[i] == item)
			return;
	if (s->barred)
		s->barred[item] = 1;
	br_grow(&s->bar, s->nbar, &s->bar_size);
	s->bar[s->nbar++] = item;
}

static void count(struct br_count *c, bool failed)
{
	if (failed)
		c->fail++;
	else
		c->pass++;
}

/* One more run at a point (graph item) or, with BR_POINT_OUTSIDE, on the good side of every division. */
static void learn(struct br_noisy *s, uint64_t item, bool failed)
{
	uint32_t had = s->parts.npart, points = s->parts.npoint, point = 0;

	if (item != BR_POINT_OUTSIDE) {
		point = br_parts_point(&s->parts, item);
		follow_parts(s, had);
		if (s->parts.npoint > points) {
			br_grow(&s->at, points, &s->at_size);
			s->at[points] = (struct br_count){0, 0};
		}
	}
	for (uint32_t k = 0; k < s->parts.npart; k++) {
		struct br_division *d = &s->division[k];
		bool bad = item != BR_POINT_OUTSIDE && br_parts_has(&s->parts, point, k);
		struct br_count on = bad ? d->bad : br_noisy_good(s, k);

		d->order = br_rates_order_add(d->order, d->fit.step, on, bad, failed);
		if (bad)
			count(&d->bad, failed);
	}
	count(item == BR_POINT_OUTSIDE ? &s->outside : &s->at[point], failed);
	count(&s->total, failed);
}

static void noisy_observe(struct br_strategy *base, const struct br_probe *probe,
			  const struct br_verdict *verdict)
{
	struct br_noisy *s = noisy_of(base);

	if (!known_point(s, probe))
		return;
	land(s, probe->point);
	if (verdict->cls == BR_SKIP)
		bar(s, probe->point);
	else
		learn(s, probe->point, verdict->cls == BR_BAD);
	settle(s);
}

static void noisy_forget(struct br_strategy *base, const struct br_probe *probe)
{
	struct br_noisy *s = noisy_of(base);

	if (known_point(s, probe))
		land(s, probe->point);
}

static bool noisy_moot(const struct br_strategy *base, const struct br_probe *probe)
{
	const struct br_noisy *s = noisy_of_const(base);

	return s->status != BR_SEARCHING || !known_point(s, probe);
}

struct ranked {
	uint32_t part;
	double density;
};

static int denser(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->density > y->density || x->density < y->density)
		return x->density > y->density ? -1 : 1;
	return x->part < y->part ? -1 : x->part > y->part;
}

/* Marks the parts that hold the likeliest candidates, up to the mass; returns how many candidates they have. */
static double likely_parts(const struct br_noisy *s, double mass, uint8_t *in)
{
	uint32_t n = s->parts.npart;
	br_auto_free struct ranked *rank = br_reallocarray(NULL, n, sizeof *rank);
	double count = 0;

	for (uint32_t k = 0; k < n; k++)
		rank[k] = (struct ranked){k, s->division[k].mass / s->parts.part[k].count};
	qsort(rank, n, sizeof *rank, denser);
	for (uint32_t k = 0; k < n && mass > 0; k++) {
		mass -= s->division[rank[k].part].mass;
		in[rank[k].part] = 1;
		count += s->parts.part[rank[k].part].count;
	}
	return count;
}

static int rising(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* item[] must hold the candidates of the parts marked. */
static uint64_t list_items(const struct br_noisy *s, const uint8_t *in, uint64_t *item)
{
	uint64_t n = 0;

	for (uint64_t i = 0; s->parts.of && i < s->shape->n; i++)
		if (s->parts.of[i] != BR_NO_PART && in[s->parts.of[i]])
			item[n++] = i;
	for (uint32_t k = 0; !s->parts.of && k < s->parts.npart; k++)
		for (uint64_t i = s->parts.part[k].lo; in[k]; i++) {
			item[n++] = i;
			if (i == s->parts.part[k].hi)
				break;
		}
	qsort(item, n, sizeof *item, rising);
	return n;
}

static void list_likely(const struct br_noisy *s, struct br_answer *out)
{
	br_auto_free uint8_t *in = br_calloc(s->parts.npart, 1);
	double n = likely_parts(s, LIKELY, in);
	bool short_enough = n <= LISTED_WHILE_SEARCHING;

	out->left = n < 1e18 ? (uint64_t)n : UINT64_MAX;
	if (!short_enough && (s->status == BR_SEARCHING || !s->parts.of))
		return;
	out->item = br_reallocarray(NULL, (size_t)n, sizeof *out->item);
	out->nitem = list_items(s, in, out->item);
}

static void noisy_answer(const struct br_strategy *base, struct br_answer *out)
{
	const struct br_noisy *s = noisy_of_const(base);
	double left = s->predicted - runs(s);

	*out = (struct br_answer){.status = s->status, .reason = s->reason};
	out->confidence = s->confidence;
	out->predicted = s->predicted;
	out->probes_left = s->status != BR_SEARCHING ? 0 : left > 1 ? left : 1;
	if (s->status == BR_ISOLATED || s->reason == BR_REASON_UNTESTABLE) {
		uint64_t top = s->parts.part[s->best].top_item;

		out->nitem = out->left = s->status == BR_ISOLATED ? 1 : s->ngroup;
		out->item = br_reallocarray(NULL, out->nitem, sizeof *out->item);
		memcpy(out->item, s->status == BR_ISOLATED ? &top : s->group, out->nitem * sizeof *out->item);
		return;
	}
	list_likely(s, out);
}

void br_noisy_begin(struct br_strategy *base)
{
	noisy_of(base)->begun = true;
}

void br_noisy_rates(const struct br_strategy *base, double *good_rate, double *bad_rate)
{
	const struct br_noisy *s = noisy_of_const(base);

	*good_rate = s->division[s->best].fit.good_rate;
	*bad_rate = s->division[s->best].fit.bad_rate;
}

const struct br_strategy_ops br_strategy_noisy = {
	.name = "noisy",
	.orders = BR_DAG | BR_CHAIN,
	.open = noisy_open,
	.propose = noisy_propose,
	.observe = noisy_observe,
	.forget = noisy_forget,
	.moot = noisy_moot,
	.answer = noisy_answer,
	.close = noisy_close,
};
