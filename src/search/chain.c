/*
 * chain.c - the first bad item of a line, exactly: numbers, versions, dates. Nothing is stored for items that were not asked about, so
 * a line of 2^63 costs as much as one of ten.
 *
 * Everything before item 0 is good, item n-1 is bad. A test at p says good (the culprit comes after p) or bad (p or before). Skipped
 * items cut the line into stretches; those between two skipped ones are assumed untestable, unless cfg.exhaust. Without skips at most
 * ceil(log2 n) tests, one at a time.
 */
#include "base/mem.h"
#include "bisect_run/err.h"
#include "bisect_run/strategy.h"

#include <math.h>
#include <string.h>

/* An answer names at most so many candidates; left counts them all. */
enum { MAX_NAMED = 100000 };

struct points {
	uint64_t *at; /* rising */
	size_t n, cap;
};

struct chain {
	struct br_strategy base;
	uint64_t n;
	uint64_t low;  /* first candidate: all before are good */
	uint64_t high; /* last candidate: bad */
	bool exhaust, contradicted;
	struct points skipped, flying;
};

/* Items [from, to) of which none was asked about. */
struct stretch {
	uint64_t from, to;
};

static struct chain *chain_of(struct br_strategy *s)
{
	return (struct chain *)s;
}

/* Where the point is, or where it belongs. */
static size_t place(const struct points *p, uint64_t at)
{
	size_t low = 0, high = p->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (p->at[mid] < at)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool holds(const struct points *p, uint64_t at)
{
	size_t i = place(p, at);

	return i < p->n && p->at[i] == at;
}

static void add(struct points *p, uint64_t at)
{
	size_t i = place(p, at);

	if (i < p->n && p->at[i] == at)
		return;
	br_grow(&p->at, p->n, &p->cap);
	memmove(p->at + i + 1, p->at + i, (p->n - i) * sizeof *p->at);
	p->at[i] = at;
	p->n++;
}

static void drop(struct points *p, uint64_t at)
{
	size_t i = place(p, at);

	if (i >= p->n || p->at[i] != at)
		return;
	p->n--;
	memmove(p->at + i, p->at + i + 1, (p->n - i) * sizeof *p->at);
}

/* ---- stretches that may be probed ---- */

/* Cuts [from, to) at the points and keeps the longest piece in *best. */
static void longest_piece(const struct points *cut, struct stretch whole, struct stretch *best)
{
	uint64_t from = whole.from;

	for (size_t i = place(cut, whole.from); from < whole.to; i++) {
		uint64_t to = i < cut->n && cut->at[i] < whole.to ? cut->at[i] : whole.to;

		if (to - from > best->to - best->from)
			*best = (struct stretch){from, to};
		from = to + 1;
	}
}

/* The longest stretch without an answer and, if flying is set, without a probe in flight. Its length may be 0. */
static struct stretch widest(const struct chain *c, const struct points *flying)
{
	const struct points none = {0}, *cut = flying ? flying : &none;
	size_t first = place(&c->skipped, c->low), end = place(&c->skipped, c->high);
	struct stretch best = {0};
	uint64_t from = c->low;

	for (size_t i = first; i <= end; i++) {
		uint64_t to = i < end ? c->skipped.at[i] : c->high;
		bool inner = i > first && i < end; /* between two skipped ones */

		if (from < to && (!inner || c->exhaust))
			longest_piece(cut, (struct stretch){from, to}, &best);
		from = to + 1;
	}
	return best;
}

static bool may_be_probed(const struct chain *c)
{
	struct stretch s = widest(c, NULL);

	return s.from < s.to;
}

/* ---- the strategy ---- */

static int chain_open(struct br_strategy **out, const struct br_shape *shape,
		      const struct br_strategy_cfg *cfg, struct br_err *err)
{
	struct chain *c;

	if (shape->n == 0)
		return br_fail(err, BR_EUSAGE, "there is nothing to search");
	c = br_calloc(1, sizeof *c);
	c->base.ops = &br_strategy_chain;
	c->n = shape->n;
	c->high = shape->n - 1;
	c->exhaust = cfg->exhaust;
	*out = &c->base;
	return 0;
}

/* The k-th of the points that cut the candidates (the stretch and the one after it) into equal parts. */
static uint64_t cut_at(struct stretch s, size_t k, size_t parts)
{
	uint64_t n = s.to - s.from + 1;

	return s.from + n / parts * k + n % parts * k / parts - 1;
}

static size_t chain_propose(struct br_strategy *base, const uint64_t *near, size_t nnear,
			    struct br_probe *out, size_t max)
{
	struct chain *c = chain_of(base);
	struct stretch s = widest(c, &c->flying);
	size_t n = 0, parts = max + 1;

	(void)near;
	(void)nnear;
	if (c->contradicted)
		return 0;
	/* Nothing in flight: one even cut into max + 1 parts; else halve what is widest. */
	for (size_t k = 1; c->flying.n == n && k <= max && s.to - s.from >= parts; k++) {
		out[n++] = (struct br_probe){.kind = BR_POINT, .point = cut_at(s, k, parts)};
		add(&c->flying, out[n - 1].point);
	}
	for (; n < max; n++) {
		s = widest(c, &c->flying);
		if (s.from == s.to)
			break;
		out[n] = (struct br_probe){.kind = BR_POINT, .point = s.from + (s.to - s.from - 1) / 2};
		add(&c->flying, out[n].point);
	}
	return n;
}

static void chain_observe(struct br_strategy *base, const struct br_probe *probe,
			  const struct br_verdict *verdict)
{
	struct chain *c = chain_of(base);
	uint64_t p = probe->point;

	drop(&c->flying, p);
	if (p >= c->n)
		return;
	switch (verdict->cls) {
	case BR_GOOD:
		if (p >= c->high)
			c->contradicted = true;
		else if (p >= c->low)
			c->low = p + 1;
		break;
	case BR_BAD:
		if (p < c->low)
			c->contradicted = true;
		else if (p < c->high)
			c->high = p;
		break;
	case BR_SKIP:
		add(&c->skipped, p);
		break;
	}
}

static void chain_forget(struct br_strategy *base, const struct br_probe *probe)
{
	drop(&chain_of(base)->flying, probe->point);
}

static bool chain_moot(const struct br_strategy *base, const struct br_probe *probe)
{
	const struct chain *c = (const struct chain *)base;
	size_t first = place(&c->skipped, c->low), end = place(&c->skipped, c->high);
	uint64_t p = probe->point;

	if (p < c->low || p >= c->high || c->contradicted)
		return true;
	return !c->exhaust && end > first && p >= c->skipped.at[first] && p <= c->skipped.at[end - 1];
}

static void chain_answer(const struct br_strategy *base, struct br_answer *out)
{
	const struct chain *c = (const struct chain *)base;
	bool open = may_be_probed(c);

	*out = (struct br_answer){.confidence = 1, .left = c->high - c->low + 1};
	out->probes_left = open ? ceil(log2((double)out->left)) : 0;
	out->status = c->contradicted ? BR_CONTRADICTION
		      : open	      ? BR_SEARCHING
		      : out->left > 1 ? BR_NARROWED
				      : BR_ISOLATED;
	if (out->status == BR_SEARCHING)
		return;
	out->nitem = out->left < MAX_NAMED ? out->left : MAX_NAMED;
	out->item = br_calloc(out->nitem, sizeof *out->item);
	for (uint64_t i = 0; i < out->nitem; i++)
		out->item[i] = c->low + i;
	for (uint64_t i = 0; i + 1 < out->nitem; i++)
		out->assumed += !holds(&c->skipped, out->item[i]);
}

static void chain_close(struct br_strategy *base)
{
	struct chain *c = chain_of(base);

	if (c) {
		free(c->skipped.at);
		free(c->flying.at);
	}
	free(c);
}

const struct br_strategy_ops br_strategy_chain = {
	.name = "chain",
	.orders = BR_CHAIN,
	.open = chain_open,
	.propose = chain_propose,
	.observe = chain_observe,
	.forget = chain_forget,
	.moot = chain_moot,
	.answer = chain_answer,
	.close = chain_close,
};
