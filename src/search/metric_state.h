/* metric_state.h - the state of the search for a change of level, shared by its files. */
#ifndef BR_SEARCH_METRIC_STATE_H
#define BR_SEARCH_METRIC_STATE_H

#include "bisect_run/strategy.h"
#include "search/parts.h"
#include "search/questions.h"

#define BR_METRIC_OUTSIDE UINT32_MAX

struct br_sample {
	uint64_t time;	/* probe.id, or the number of its arrival */
	uint32_t point; /* number in parts, or BR_METRIC_OUTSIDE */
	double y;	/* ln(value), a rise is bad */
};

/* What the samples say; made anew when there are more. */
struct br_metric_view {
	struct br_sample *sample; /* in order of time, drift taken out */
	size_t n, size;
	double *mass; /* of each part */
	uint32_t best;
	double confidence;
	double good, bad, sd; /* levels and noise, of ln(value) */
	bool heavy;
	bool stale;
};

struct br_metric {
	struct br_strategy base;
	const struct br_shape *shape;
	struct br_strategy_cfg cfg;
	struct br_parts parts;
	struct br_sample *sample; /* in order of arrival */
	size_t n, size;
	uint8_t *barred;
	uint64_t *bar;
	size_t nbar, bar_size;
	uint64_t *flying;
	size_t nflying, flying_size;
	uint64_t here; /* where it samples; BR_NO_ITEM: nowhere yet */
	struct br_questions ask;
	struct br_metric_view *view;
};

/* metric_fit.c: brings s->view up to date. */
void br_metric_fit(const struct br_metric *s);

/* metric_robust.c. The median of n values; they are sorted. 0 of none. */
double br_median(double *value, size_t n);
/* 1.4826 times the median distance from the median: the standard deviation of a normal one. scratch: n. */
double br_mad(const double *value, size_t n, double *scratch);

#endif
