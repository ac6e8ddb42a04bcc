/*
 * rates.h - how well a division into a good and a bad side explains passes and failures, when the rates of failure on
 * the two sides are unknown: integrated out in closed form under a mixture of three priors.
 *   fixed    .15: the good side never fails, the bad side always
 *   clean    .15: the good side never fails, the bad side at a rate ~ Beta(1/2, 1/2)
 *   general  .70: both rates ~ Beta(1/2, 1/2), the bad one the higher (but for one in ten thousand, which keeps the
 *                 arithmetic exact: see br_rates_weigh)
 */
#ifndef BR_SEARCH_RATES_H
#define BR_SEARCH_RATES_H

#include <stddef.h>
#include <stdint.h>

struct br_count {
	uint32_t fail, pass;
};

/* Tables of ln Gamma; grown as counts grow. */
struct br_rates {
	double *half;  /* ln Gamma(k + 1/2) */
	double *whole; /* ln Gamma(k + 1) */
	size_t n, size;
};

/* What a division says. */
struct br_fit {
	double log_weight;	    /* ln of its marginal likelihood */
	double bad_rate, good_rate; /* chance that the next run on that side fails */
	double step;		    /* br_rates_order_step of these counts */
};

void br_rates_init(struct br_rates *t);
void br_rates_done(struct br_rates *t);

/* ln P(these runs in this order), one side, rate ~ Beta(1/2, 1/2). */
double br_rates_side(struct br_rates *t, struct br_count c);
/*
 * P(bad rate > good rate) from independent Beta(1/2, 1/2) priors, exactly; carried from count to count. start: of no
 * runs; add: how it changes when a run on one side is added to these counts.
 */
#define BR_ORDER_START 0.5
double br_rates_order_step(struct br_rates *t, struct br_count bad, struct br_count good);
double br_rates_order_add(double order, double step, struct br_count on, int is_bad_side, int failed);
/* The same from nothing: O(number of runs). */
double br_rates_order(struct br_rates *t, struct br_count bad, struct br_count good);
/* order: of these counts. */
void br_rates_weigh(struct br_rates *t, struct br_count bad, struct br_count good, double order,
		    struct br_fit *out);

/* Entropy of a coin, in nats. */
double br_entropy(double p);

#endif
