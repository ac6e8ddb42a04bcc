/*
 * noisy.h - what a driver needs besides br_strategy_noisy: the ends, what to say beforehand, the closing runs.
 *
 * How to drive a flaky search:
 *  1. The ends. Run whichever end br_ends_judge asks for until it decides; observe each run: those at the bad end at
 *     point n-1, those at any good end at BR_POINT_OUTSIDE. Runs of an exact search that turned out flaky are all
 *     observed too. BR_ENDS_SAME and BR_ENDS_SWAPPED: say so and stop ("could not reproduce").
 *  2. br_noisy_begin, and say answer.predicted beforehand. On resume too: first the runs of the ends, then
 *     br_noisy_begin, then all others in any order.
 *  3. propose / observe until answer.status is not BR_SEARCHING. A proposed point may be BR_POINT_OUTSIDE (run a good
 *     end) and may repeat: the same item again, also twice in one batch. near: what has been built; with
 *     cfg.switch_cost the search stays there while that pays. A failure with another signature is observed as good,
 *     what cannot be run (no build, skip) as BR_SKIP.
 *  4. Isolated: the closing runs, BR_CLOSING_CULPRIT at the culprit and BR_CLOSING_PARENT at each parent (a good end
 *     where a parent is outside), fresh: never from the record. They are evidence of their own: do NOT observe them, give
 *     their counts to br_noisy_closing. Below BR_CLOSING_DOUBT they contradict: observe them now, and search on
 *     (after a second contradiction in a row report the answer as narrowed).
 *  5. Narrowed: item[] is the 90 % set (or what cannot be told apart) and answer.reason says why.
 */
#ifndef BR_NOISY_H
#define BR_NOISY_H

#include <stdint.h>

struct br_strategy;

enum { BR_CLOSING_CULPRIT = 4, BR_CLOSING_PARENT = 3 };
#define BR_CLOSING_DOUBT 0.05

struct br_tally {
	uint32_t runs, fails;
};

enum br_ends {
	BR_ENDS_RUN_BAD,  /* undecided: run the bad end next */
	BR_ENDS_RUN_GOOD, /* undecided: run the good end next */
	BR_ENDS_DIFFER,	  /* the bad end fails more often: search */
	BR_ENDS_SAME,	  /* no difference was seen in the runs allowed */
	BR_ENDS_SWAPPED,  /* the good end fails more often */
};

/*
 * Whether the runs at the ends tell them apart, by a Bayes factor that may be looked at after every run; it
 * is lenient, since the search itself weighs whether they differ and ends with BR_REASON_ENDS_SAME. most: runs allowed at each end; br_noisy_runs_to_exclude gives it.
 */
enum br_ends br_ends_judge(struct br_tally bad, struct br_tally good, uint32_t most);

/* The rate of failure that `runs` passes in a row exclude at 95 %: 28 runs, 0.10. */
double br_noisy_excluded_rate(uint32_t runs);
/* Passes in a row that exclude this rate, 0..1. */
uint32_t br_noisy_runs_to_exclude(double rate);

/* Mean runs of a search over so many candidates (closing runs not included) at these rates; +INFINITY: they do not differ. */
double br_noisy_predict(double good_rate, double bad_rate, double candidates, double confidence);

/* Lets the prediction stand that the runs at the ends gave: the search gives up after three times as many. */
void br_noisy_begin(struct br_strategy *s);

/*
 * Chance that runs come out at least as contrary as these, if s's answer were right and the rates were those of
 * its sides: the smaller of the chances of so few failures at the culprit and of so many at the parents, doubled.
 */
double br_noisy_closing(const struct br_strategy *s, struct br_tally culprit, struct br_tally parents);

/* Rates of failure of the two sides as the search sees them. */
void br_noisy_rates(const struct br_strategy *s, double *good_rate, double *bad_rate);

#endif
