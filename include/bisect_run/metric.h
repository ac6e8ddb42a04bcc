/*
 * metric.h - what a driver needs besides br_strategy_metric: the ends, what to say beforehand, medians, other steps.
 *
 * How to drive a search for a change of a measured value:
 *  1. Warm up, then the ends in turn: good, bad, bad, good, good, bad ... until br_metric_ends_judge decides on the pairs.
 *     BR_METRIC_SAME: stop: "no difference larger than at_most". All runs are observed: the bad end at point n-1, a good
 *     end at BR_POINT_OUTSIDE.
 *  2. Say effect_sd, change and br_metric_predict beforehand; below BR_METRIC_SMALL_EFFECT propose `--metric
 *     instructions`.
 *  3. propose / observe until answer.status is not BR_SEARCHING. probe.id must rise in the order in which the runs were
 *     made: it is the time that the drift term uses (0 in all: the order of arrival is taken). A proposed point may be
 *     BR_POINT_OUTSIDE or n-1: references. verdict.value is the measured value itself, not its logarithm; a run that failed
 *     is a BR_SKIP. One run at a time where cfg.drifts.
 *  4. Isolated: the closing runs, 4 at the culprit and 3 at each parent, in turn. They are evidence of their own: do NOT
 *     observe them; give them to br_metric_ends_judge as pairs, or compare medians by br_metric_sample_of. When the culprit's
 *     median is not on the bad side of the parents' one: observe them and search on.
 *  5. br_metric_rest says what is left of the change before and after the culprit.
 */
#ifndef BR_METRIC_H
#define BR_METRIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct br_strategy;

#define BR_METRIC_SMALL_EFFECT 1.2 /* standard deviations: counting instructions beats statistics below */

enum br_metric_ends {
	BR_METRIC_MORE,	   /* another pair */
	BR_METRIC_DIFFER,  /* the bad end is worse */
	BR_METRIC_SAME,	   /* no difference that matters */
	BR_METRIC_SWAPPED, /* the bad end is better */
};

struct br_metric_ends_cfg {
	double threshold; /* the smallest change worth finding, as a share (0.02: 2 %); 0: 0.01 */
	size_t most;	  /* pairs at most; 0: 600 */
	bool higher_is_better;
	bool drifts; /* as in struct br_strategy_cfg: only the differences within pairs count */
};

struct br_metric_ends_result {
	double change; /* bad over good, less 1: of the medians */
	double effect_sd; /* the change of ln(value) in standard deviations of one run; times that drift: of a pair */
	double at_most; /* no change larger than this (a share) at 99.5 %, +INFINITY while nothing can be said */
};

/*
 * Looks at n values of each end, in pairs measured in turn, after any number of pairs (an e-process: equal ends are called
 * different at most one time in 400, however often it is looked at).
 */
enum br_metric_ends br_metric_ends_judge(const double *good, const double *bad, size_t n,
					 const struct br_metric_ends_cfg *cfg,
					 struct br_metric_ends_result *out);

/* Mean runs of the search, ends not included, and how many builds. */
double br_metric_predict(double effect_sd, double candidates, double confidence, double *builds);

/* Median and an interval for it at about 95 %, from order statistics; n 0: all NAN. */
struct br_metric_sample {
	size_t n;
	double median, low, high;
};
void br_metric_sample_of(const double *value, size_t n, struct br_metric_sample *out);

/* Of the whole change between the ends, as shares of ln: what lies at the culprit, before it and after it. */
struct br_metric_rest {
	double at, before, after;
};
/* parents, culprit: closing runs (good, bad: those of the ends); medians are compared. */
void br_metric_rest(double good, double parents, double culprit, double bad, struct br_metric_rest *out);

#endif
