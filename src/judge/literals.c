/* literals.c - the automaton: a full table, so that a byte costs one load, whatever the number of words. */
#include "judge/literals.h"

#include "base/mem.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define STATE_MAX UINT16_MAX
#define NONE UINT32_MAX

struct br_literals {
	uint16_t *next; /* while it is built: nstate rows of nclass entries */
	uint32_t *
		offset; /* the same as offsets of rows, quiet states first: one addition and one load a byte */
	uint32_t *state_at; /* the state that stands at a place in offset */
	uint32_t nquiet;    /* offsets below it are of states at which no word ends */
	uint8_t class[256];
	uint32_t nclass, nstate;
	uint32_t *word;	   /* of a state: the longest word that ends here, or NONE */
	uint32_t *shorter; /* of a state: the next state (by suffix) at which a word ends; 0: none */
	size_t *len;	   /* of a word */
	size_t nword;
};

static void number_bytes(struct br_literals *l, const char *const *words)
{
	l->nclass = 1; /* class 0: bytes that stand in no word */
	for (size_t i = 0; i < l->nword; i++)
		for (const char *s = words[i]; *s; s++)
			if (!l->class[(uint8_t)*s])
				l->class[(uint8_t)*s] = (uint8_t)l->nclass++;
}

static uint16_t *edge(const struct br_literals *l, uint32_t state, uint8_t byte)
{
	return &l->next[(size_t)state * l->nclass + l->class[byte]];
}

static void add_word(struct br_literals *l, const char *word, uint32_t id)
{
	uint32_t state = 0;

	for (const char *s = word; *s; s++) {
		uint16_t *e = edge(l, state, (uint8_t)*s);

		if (!*e) {
			assert(l->nstate < STATE_MAX);
			*e = (uint16_t)l->nstate++;
		}
		state = *e;
	}
	assert(l->word[state] == NONE);
	l->word[state] = id;
}

/* The entries that the trie lacks become those of the longest proper suffix; breadth first, so that it is complete. */
static void complete(struct br_literals *l)
{
	br_auto_free uint32_t *queue = br_calloc(l->nstate, sizeof *queue);
	br_auto_free uint32_t *suffix = br_calloc(l->nstate, sizeof *suffix);
	size_t head = 0, tail = 0;

	for (uint32_t c = 0; c < l->nclass; c++)
		if (l->next[c])
			queue[tail++] = l->next[c];
	while (head < tail) {
		uint32_t s = queue[head++], f = suffix[s];

		l->shorter[s] = l->word[f] != NONE ? f : l->shorter[f];
		for (uint32_t c = 0; c < l->nclass; c++) {
			uint16_t *e = &l->next[(size_t)s * l->nclass + c];
			uint16_t other = l->next[(size_t)f * l->nclass + c];

			if (!*e) {
				*e = other;
				continue;
			}
			suffix[*e] = other;
			queue[tail++] = *e;
		}
	}
}

static bool says(const struct br_literals *l, uint32_t state)
{
	return l->word[state] != NONE || l->shorter[state];
}

/* Makes the table that is scanned by: states that end no word come first, and entries are offsets of rows. */
static void lay_out(struct br_literals *l)
{
	br_auto_free uint32_t *place = br_calloc(l->nstate, sizeof *place);
	uint32_t n = 0;

	for (uint32_t s = 0; s < l->nstate; s++)
		if (!says(l, s))
			place[s] = n++;
	l->nquiet = n * l->nclass;
	for (uint32_t s = 0; s < l->nstate; s++)
		if (says(l, s))
			place[s] = n++;
	l->state_at = br_calloc(l->nstate, sizeof *l->state_at);
	l->offset = br_calloc((size_t)l->nstate * l->nclass, sizeof *l->offset);
	for (uint32_t s = 0; s < l->nstate; s++) {
		l->state_at[place[s]] = s;
		for (uint32_t c = 0; c < l->nclass; c++)
			l->offset[place[s] * l->nclass + c] =
				place[l->next[(size_t)s * l->nclass + c]] * l->nclass;
	}
	free(l->next);
	l->next = NULL;
}

struct br_literals *br_literals_new(const char *const *words, size_t n)
{
	struct br_literals *l = br_calloc(1, sizeof *l);
	size_t bytes = 1;

	l->nword = n;
	l->len = br_calloc(n + 1, sizeof *l->len);
	for (size_t i = 0; i < n; i++) {
		l->len[i] = strlen(words[i]);
		bytes += l->len[i];
	}
	number_bytes(l, words);
	l->next = br_calloc(bytes * l->nclass, sizeof *l->next);
	l->word = br_malloc(bytes * sizeof *l->word);
	l->shorter = br_calloc(bytes, sizeof *l->shorter);
	memset(l->word, 0xff, bytes * sizeof *l->word);
	l->nstate = 1;
	for (size_t i = 0; i < n; i++)
		add_word(l, words[i], (uint32_t)i);
	complete(l);
	lay_out(l);
	return l;
}

static void tell(const struct br_literals *l, uint32_t state, size_t end, br_literal_found *found, void *arg)
{
	for (; state; state = l->shorter[state])
		if (l->word[state] != NONE)
			found(arg, l->word[state], end - l->len[l->word[state]]);
}

void br_literals_scan(const struct br_literals *l, const char *text, size_t n, br_literal_found *found,
		      void *arg)
{
	const uint32_t *offset = l->offset;
	const uint32_t nquiet = l->nquiet;
	uint32_t row = offset[l->class['\n']];

	for (size_t i = 0; i < n; i++) {
		row = offset[row + l->class[(uint8_t)text[i]]];
		if (row >= nquiet)
			tell(l, l->state_at[row / l->nclass], i + 1, found, arg);
	}
}

void br_literals_free(struct br_literals *l)
{
	if (!l)
		return;
	free(l->next);
	free(l->offset);
	free(l->state_at);
	free(l->word);
	free(l->shorter);
	free(l->len);
	free(l);
}
