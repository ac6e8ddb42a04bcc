/* noisy_choose.c - the run that tells most about the culprit per cost, also besides runs that are under way. */
#include "search/noisy_state.h"

#include "base/mem.h"
#include "base/rand.h"

#include <math.h>
#include <string.h>

enum { FANTASIES = 24 }; /* ways in which the runs under way may end, drawn from the posterior */

static double part_mass(const struct br_noisy *s, uint32_t part)
{
	return s->doubtful ? s->doubtful[part] : s->division[part].mass;
}

void br_noisy_ask(struct br_noisy *s, const uint64_t *near, size_t nnear)
{
	br_auto_free double *mass = br_reallocarray(NULL, s->parts.npart, sizeof *mass);
	const struct br_ask ask = {.mass = mass,
				   .barred = s->barred,
				   .bar = s->bar,
				   .nbar = s->nbar,
				   .near = near,
				   .nnear = nnear};

	for (uint32_t k = 0; k < s->parts.npart; k++)
		mass[k] = part_mass(s, k);
	br_questions_build(&s->ask, &s->parts, &ask);
	s->ask.question[0].item =
		s->ask.question[0].handy == BR_HANDY_NEAR ? s->ask.question[0].item : BR_POINT_OUTSIDE;
	for (size_t i = 0; i < nnear; i++)
		if (near[i] == BR_POINT_OUTSIDE)
			s->ask.question[0].handy = BR_HANDY_NEAR;
}

/*
 * Adds to gain[] the information (in nats) that one run at each question gives about the culprit. same: mass of there
 * being none.
 */
static void add_gains(const struct br_noisy *s, const double *mass, double same, double *gain)
{
	const struct br_questions *q = &s->ask;
	br_auto_free double *fail = br_reallocarray(NULL, q->natom, sizeof *fail);
	br_auto_free double *noise = br_reallocarray(NULL, q->natom, sizeof *noise);
	br_auto_free double *a = br_reallocarray(NULL, q->nquestion, sizeof *a);
	br_auto_free double *b = br_reallocarray(NULL, q->nquestion, sizeof *b);
	double fail0 = same * s->same_rate, noise0 = same * br_entropy(s->same_rate), bad_h = 0, good_h = 0;
	uint32_t part = BR_NO_PART;

	for (uint32_t i = 0; i < q->natom; i++) {
		const struct br_fit *fit = &s->division[q->atom[i].part].fit;

		if (q->atom[i].part != part) {
			part = q->atom[i].part;
			bad_h = br_entropy(fit->bad_rate);
			good_h = br_entropy(fit->good_rate);
		}
		fail0 += mass[i] * fit->good_rate;
		noise0 += mass[i] * good_h;
		fail[i] = mass[i] * (fit->bad_rate - fit->good_rate);
		noise[i] = mass[i] * (bad_h - good_h);
	}
	br_questions_sum(q, fail, fail0, a);
	br_questions_sum(q, noise, noise0, b);
	for (uint32_t k = 0; k < q->nquestion; k++)
		gain[k] += br_entropy(a[k]) - b[k];
}

static void atom_masses(const struct br_noisy *s, double *mass)
{
	double sum = 0;

	for (uint32_t i = 0; i < s->ask.natom; i++) {
		mass[i] = part_mass(s, s->ask.atom[i].part) * s->ask.atom[i].share;
		sum += mass[i];
	}
	for (uint32_t i = 0; i < s->ask.natom && sum > 0; i++)
		mass[i] *= (1 - s->same) / sum;
}

static double uniform(struct br_rand *r)
{
	return (double)(br_rand_next(r) >> 11) * 0x1p-53;
}

/*
 * Draws how the runs under way end, if there is a culprit, and updates the masses; the rates stay as they are. Returns
 * the mass of there being none.
 */
static double dream(const struct br_noisy *s, struct br_rand *r, double *mass)
{
	const struct br_questions *q = &s->ask;
	double at = uniform(r) * (1 - s->same), same = s->same;
	uint32_t culprit = 0;

	while (culprit + 1 < q->natom && (at -= mass[culprit]) > 0)
		culprit++;
	for (size_t i = 0; i < s->nflying; i++) {
		uint32_t row = br_questions_of(q, s->flying[i]);
		const struct br_fit *fit = &s->division[q->atom[culprit].part].fit;
		bool fails =
			uniform(r) < (br_questions_has(q, row, culprit) ? fit->bad_rate : fit->good_rate);
		double sum = (same *= fails ? s->same_rate : 1 - s->same_rate);

		for (uint32_t a = 0; a < q->natom; a++) {
			const struct br_fit *f = &s->division[q->atom[a].part].fit;
			double p = br_questions_has(q, row, a) ? f->bad_rate : f->good_rate;

			mass[a] *= fails ? p : 1 - p;
			sum += mass[a];
		}
		for (uint32_t a = 0; a < q->natom && sum > 0; a++)
			mass[a] /= sum;
		same = sum > 0 ? same / sum : same;
	}
	return same;
}

static double cost(const struct br_noisy *s, const struct br_question *at)
{
	double run = s->shape->cost && at->item < s->shape->n ? (double)s->shape->cost[at->item] : 1;

	return run > 0 ? run : 1;
}

/*
 * Of those at hand the best one wins while its gain is this share of the best of all: one switch buys many runs, so
 * that a greedy ratio of gain to cost would stay far too long.
 */
static double worth_staying(double switch_cost)
{
	return switch_cost > 0 ? 1 / (1 + switch_cost) + 0.5 * (switch_cost / (1 + switch_cost)) : 1;
}

static uint64_t pick(const struct br_noisy *s, const double *gain)
{
	const struct br_question *best = NULL, *hand = NULL;
	double most = -INFINITY, here = -INFINITY;

	for (uint32_t k = 0; k < s->ask.nquestion; k++) {
		const struct br_question *at = &s->ask.question[k];
		double value;

		if (at->item == BR_NO_ITEM)
			continue;
		value = gain[k] / cost(s, at);
		if (value > most) {
			most = value;
			best = at;
		}
		if (at->handy == BR_HANDY_NEAR && value > here) {
			here = value;
			hand = at;
		}
	}
	if (hand && here >= worth_staying(s->cfg.switch_cost) * most)
		best = hand;
	return best ? best->item : BR_NO_ITEM;
}

uint64_t br_noisy_choose(struct br_noisy *s)
{
	br_auto_free double *gain = br_calloc(s->ask.nquestion, sizeof *gain);
	br_auto_free double *mass = br_reallocarray(NULL, s->ask.natom, sizeof *mass);
	struct br_rand r = {s->cfg.seed ^ ((uint64_t)s->total.fail << 32 | s->total.pass)};

	atom_masses(s, mass);
	if (!s->nflying) {
		add_gains(s, mass, s->same, gain);
		return pick(s, gain);
	}
	for (int i = 0; i < FANTASIES; i++) {
		atom_masses(s, mass);
		add_gains(s, mass, dream(s, &r, mass), gain);
	}
	return pick(s, gain);
}
