/*
 * questions.h - all the different questions that items can answer, for searches whose gain is a sum over candidates.
 *
 * The probability mass is laid on at most some hundred atoms: each candidate of the likely parts by itself when they
 * are few, else evenly spread representatives. Items that contain the same atoms ask the same question, so that a
 * history of a million items comes down to some thousand questions, each its base question plus some atoms more.
 */
#ifndef BR_SEARCH_QUESTIONS_H
#define BR_SEARCH_QUESTIONS_H

#include "search/parts.h"

#define BR_NO_ITEM (UINT64_MAX - 1)

struct br_atom {
	uint64_t first, item; /* the stretch that it stands for, on a chain; else both the candidate */
	uint32_t part;
	double share; /* of the part's mass */
};

struct br_question {
	uint64_t item;	     /* where to ask it: the most handy item; BR_NO_ITEM: at none */
	uint32_t base;	     /* a question with a lower number */
	uint32_t first, end; /* what it contains besides base: added[first..end) */
	uint8_t handy;	     /* enum br_handy of item */
};

enum br_handy { BR_HANDY_NONE, BR_HANDY_NEW, BR_HANDY_TESTED, BR_HANDY_NEAR };

/* Question 0 contains no atom: the good side. */
struct br_questions {
	uint32_t natom, nquestion, nadded, words;
	struct br_atom *atom;
	struct br_question *question;
	uint32_t *added;
	uint64_t *bits;	  /* nquestion rows of `words`: the atoms that it contains */
	uint32_t *row_of; /* graphs: question of each item */
	bool exact;	  /* each atom is one candidate */
	size_t atom_size, question_size, added_size, bit_rows;
};

/* What an item is fit for. */
struct br_ask {
	const double *mass;    /* of each part, sum about 1 */
	const uint8_t *barred; /* graphs: by item, nonzero: cannot be asked; NULL: all can */
	const uint64_t *bar;   /* chains: the items that cannot be asked */
	size_t nbar;
	const uint64_t *near; /* items at hand */
	size_t nnear;
};

/* Fills *q, which is all zero or was filled before for the same shape. O(n + edges) on a graph. */
void br_questions_build(struct br_questions *q, const struct br_parts *p, const struct br_ask *ask);
/* out[k] = start + the values of the atoms that question k contains. */
void br_questions_sum(const struct br_questions *q, const double *value, double start, double *out);
/* The question that an item asks; items outside of the shape ask question 0. */
uint32_t br_questions_of(const struct br_questions *q, uint64_t item);
void br_questions_done(struct br_questions *q);

static inline bool br_questions_has(const struct br_questions *q, uint32_t question, uint32_t atom)
{
	return q->bits[(size_t)question * q->words + atom / 64] >> (atom % 64) & 1;
}

#endif
