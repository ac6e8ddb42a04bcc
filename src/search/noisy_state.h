/* noisy_state.h - the state of the search under verdicts that may be wrong, shared by its files. */
#ifndef BR_SEARCH_NOISY_STATE_H
#define BR_SEARCH_NOISY_STATE_H

#include "bisect_run/strategy.h"
#include "search/parts.h"
#include "search/questions.h"
#include "search/rates.h"

/* What is known if the culprit is in this part. */
struct br_division {
	struct br_count bad; /* runs on the bad side; the others were on the good one */
	double order;	     /* P(bad rate > good rate) before their order is asked for */
	struct br_fit fit;
	double mass; /* P(the culprit is in it) */
};

/* All is a function of the set of observations; only rounding depends on their order. */
struct br_noisy {
	struct br_strategy base;
	const struct br_shape *shape;
	struct br_strategy_cfg cfg;
	struct br_parts parts;
	struct br_rates rates;
	struct br_division *division; /* of each part */
	size_t division_size;
	struct br_count *at; /* of each tested point */
	size_t at_size;
	struct br_count outside, total;
	uint8_t *barred; /* graphs: by item */
	uint64_t *bar;	 /* skipped items, in order of arrival */
	size_t nbar, bar_size;
	uint64_t *flying; /* proposed, not yet observed; items may repeat */
	size_t nflying, flying_size;
	struct br_questions ask;
	uint32_t best;		/* the part that holds the likeliest candidate */
	double confidence;	/* P(that candidate) */
	double same, same_rate; /* P(no culprit: both sides fail at one rate), and that rate */
	double predicted;	/* runs */
	bool begun;		/* predicted stands */
	double *doubtful; /* masses of the parts to choose by, when the answer is doubted; NULL: their own */
	enum br_answer_status status;
	enum br_reason reason;
	uint64_t *group; /* BR_REASON_UNTESTABLE: the candidates that cannot be told apart */
	size_t ngroup, group_size;
};

/* Runs of the other side. */
static inline struct br_count br_noisy_good(const struct br_noisy *s, uint32_t part)
{
	struct br_count bad = s->division[part].bad;

	return (struct br_count){s->total.fail - bad.fail, s->total.pass - bad.pass};
}

/* noisy_choose.c: builds s->ask anew. */
void br_noisy_ask(struct br_noisy *s, const uint64_t *near, size_t nnear);
/* The item to run next, BR_POINT_OUTSIDE included, given those in flight; s->ask is fresh. BR_NO_ITEM: none. */
uint64_t br_noisy_choose(struct br_noisy *s);

/*
 * noisy_even.c. Sets the masses of the parts when the bad side's rate may grow; returns the confidence in the likeliest
 * candidate that is left then.
 */
double br_noisy_doubt(struct br_noisy *s, double *mass);
/* Which side of the likeliest division has clearly a change of its own. */
enum br_reason br_noisy_uneven(struct br_noisy *s);

#endif
