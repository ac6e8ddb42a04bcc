/*
 * strategy.h - decides what to ask next. Pure: no I/O, no clock, no globals, chance only from the seed.
 *
 * Life cycle: open, then any mix of propose / observe / moot / answer, then close. Resume is replay: the
 * recorded trials go through observe again, in any order, and the search stands where it stood.
 */
#ifndef BR_STRATEGY_H
#define BR_STRATEGY_H

#include "bisect_run/probe.h"
#include "bisect_run/shape.h"
#include "bisect_run/trial.h"

#include <stddef.h>

struct br_err;
struct br_strategy;

struct br_strategy_cfg {
	uint64_t seed;	   /* the only source of chance */
	double confidence; /* noisy ones stop when the answer is this likely, 0..1 */
	bool exhaust; /* test every skipped candidate's neighbours instead of assuming a band untestable */
	bool fast;    /* sets: leave out the runs that certify 1-minimality */
	bool sparse;  /* sets: stop, narrowed, once far more is needed than this kind of search is good for */
	bool isolate; /* sets: one minimal difference between a passing and a failing set */
	bool higher_is_better; /* metric: else a rise is what is looked for */
	bool drifts; /* metric: the machine may drift (times): every other run is a reference; counts do not */
	double build_sd; /* metric: standard deviation of ln(value) from build to build of one commit; 0: none known */
	double switch_cost; /* noisy ones: what a probe away from the items at hand costs more (a build), in runs */
};

enum br_answer_status {
	BR_SEARCHING,	  /* more probes are wanted (or in flight) */
	BR_ISOLATED,	  /* item[0] is the culprit */
	BR_NARROWED,	  /* one of item[]: only untestable candidates are left */
	BR_CONTRADICTION, /* observations exclude each other; item[] is what was left before */
};

/* Why a noisy search names no single culprit. */
enum br_reason {
	BR_REASON_NONE,
	BR_REASON_TOO_MANY_RUNS, /* three times what was predicted, still undecided */
	BR_REASON_UNEVEN_GOOD,	 /* the good side is not all alike: a drift, a test absent before a point */
	BR_REASON_UNEVEN_BAD, /* the bad side is not: a rate that grows, a fault fixed again, a second fault */
	BR_REASON_ENDS_SAME,  /* the ends do not differ */
	BR_REASON_ENDS_SWAPPED, /* the good end is the worse one */
	BR_REASON_UNTESTABLE,	/* only skipped items could tell them apart */
};

/* What is known so far. item and base are owned: br_answer_done. */
struct br_answer {
	enum br_answer_status status;
	enum br_reason reason; /* noisy ones: of BR_NARROWED */
	uint64_t *
		item; /* isolated, narrowed: all that may still be the culprit, rising; noisy: the 90 % set */
	uint64_t nitem;
	uint64_t left;	    /* candidates that may still be the culprit (weight > 0) */
	uint64_t assumed;   /* of those, assumed untestable though never run (inside a skipped band) */
	double confidence;  /* P(the answer is right); 1: exact */
	double probes_left; /* expected number of further probes */
	uint64_t *base; /* owned; isolate: the passing set, rising, that fails as soon as item[] joins it */
	uint64_t nbase;
	double predicted; /* noisy ones: runs that the whole search was expected to take; else 0 */
};

struct br_strategy_ops {
	const char *name;
	unsigned orders; /* enum br_order bits that it can search */

	/* The shape is borrowed until close. */
	int (*open)(struct br_strategy **out, const struct br_shape *shape, const struct br_strategy_cfg *cfg,
		    struct br_err *err);
	/*
	 * Fills up to max probes worth running now, besides those already proposed and not yet observed, the most
	 * useful first. near (may be NULL) is an array of nnear items that workers have at hand: of equally useful
	 * probes the nearest wins. 0: none until one is observed.
	 */
	size_t (*propose)(struct br_strategy *s, const uint64_t *near, size_t nnear, struct br_probe *out,
			  size_t max);
	/*
	 * Learns that probe point got this class. Any order; proposed or not (a replayed or amended verdict, a
	 * --skip). An observation that contradicts what is known is not applied, and answer says so.
	 */
	void (*observe)(struct br_strategy *s, const struct br_probe *probe,
			const struct br_verdict *verdict);
	/* Takes a proposal back without a verdict (cancelled, lost): it may be proposed again. */
	void (*forget)(struct br_strategy *s, const struct br_probe *probe);
	/* Whether an answer to this probe could no longer change anything. */
	bool (*moot)(const struct br_strategy *s, const struct br_probe *probe);
	void (*answer)(const struct br_strategy *s, struct br_answer *out);
	void (*close)(struct br_strategy *s); /* NULL is fine */
};

struct br_strategy {
	const struct br_strategy_ops *ops; /* first member of every strategy */
};

/* The first bad item of a graph, exactly; skips allowed. src/search/dag.c */
extern const struct br_strategy_ops br_strategy_dag;
/* The first bad item of a line of up to 2^63 items, exactly; skips allowed. src/search/chain.c */
extern const struct br_strategy_ops br_strategy_chain;
/*
 * The first bad item of a graph or chain under verdicts that may be wrong by chance: good and bad verdicts of as many
 * runs as wanted at each item, and at BR_POINT_OUTSIDE. How to drive it: noisy.h. src/search/noisy.c
 */
extern const struct br_strategy_ops br_strategy_noisy;
/*
 * The first item of a graph or chain at which a measured value (verdict.value, above 0) changes its level. A verdict of
 * BR_SKIP or without a value is a skip. How to drive it: metric.h. src/search/metric.c
 */
extern const struct br_strategy_ops br_strategy_metric;
/*
 * A smallest set of items that still fails (bad: fails in the wanted way; good or skip: does not). Probes are BR_SUBSET. The
 * answer's item[] is the best set seen to fail so far, also while searching; isolated: it is 1-minimal (with cfg.fast: not certified).
 * The full set is taken to fail: the caller tests it first. The first probe is the empty set; when that fails, it is the answer.
 * shape.weight: how likely an item is to be needed, any scale; shape.cost is not used.
 *
 * With cfg.isolate item[] is a smallest difference instead: base[] passes, base[] with item[] fails, and no smaller step was found
 * (isolated: one item; narrowed: unresolved sets hide a smaller one). While searching item[] is the difference so far.
 * src/search/subset.c
 */
extern const struct br_strategy_ops br_strategy_subset;

void br_answer_done(struct br_answer *answer);

#endif
