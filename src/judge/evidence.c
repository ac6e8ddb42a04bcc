/*
 * evidence.c - one pass over the output for the literals of all recognisers, patterns only on the lines that hold one,
 * then the strongest line decides and the most telling one names the failure.
 */
#include "judge/evidence.h"

#include "base/mem.h"
#include "bisect_run/err.h"
#include "bisect_run/failure.h"
#include "judge/detector.h"
#include "judge/lines.h"
#include "judge/literals.h"
#include "judge/regex.h"
#include "judge/stack.h"

#include <string.h>

#define TRIES_ROW 2000u	  /* matches of one pattern in a pass */
#define TRIES_ALL 100000u /* of all patterns in a reading */
#define TAIL_B (1u << 20) /* looked at again when a pattern was tried too often: the end tells most */
#define LINE_BACK_B 1024u /* how far before the literal its line may begin */
#define MID_LINE_B 256u	  /* of a longer line, what stands before the literal */
#define WINDOW_B BR_LINE_MAX

struct entry {
	const struct br_recogniser *row;
	struct br_regex *re; /* compiled when first needed */
	size_t next;	     /* of the entries with this literal; SIZE_MAX: the last */
};

struct br_evidence {
	struct entry *entry;
	size_t nentry;
	struct br_literals *literals;
	size_t *first; /* of a literal: its first entry */
	size_t nliteral;
};

/* What was seen of one row: the offset at which its window begins. */
struct seen {
	uint32_t tries;
	bool found;
	bool at_start; /* of a line */
	size_t from;
};

struct window {
	char text[WINDOW_B];
	size_t n, from;
	bool at_start, filled;
};

struct scan {
	struct br_evidence *e;
	const char *text;
	size_t n, base; /* base: where the part that is scanned begins */
	bool passed, cut;
	uint32_t tries;
	struct seen *seen;
	bool *idle; /* of a literal: none of its rows has anything left to ask */
	struct br_err *err;
	int rc;
};

static void add_rows(struct br_evidence *e, const struct br_recognisers *all, size_t *cap)
{
	for (size_t i = 0; i < all->n; i++) {
		br_grow(&e->entry, e->nentry, cap);
		e->entry[e->nentry++] = (struct entry){.row = &all->row[i], .next = SIZE_MAX};
	}
}

static size_t find_word(const char *const *word, size_t n, const char *literal)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(word[i], literal) == 0)
			return i;
	return n;
}

struct br_evidence *br_evidence_new(void)
{
	struct br_evidence *e = br_calloc(1, sizeof *e);
	br_auto_free const char **word = NULL;
	size_t cap = 0;

	add_rows(e, br_recognise_crashes(), &cap);
	add_rows(e, br_recognise_languages(), &cap);
	add_rows(e, br_recognise_tests(), &cap);
	add_rows(e, br_recognise_builds(), &cap);
	word = br_calloc(e->nentry, sizeof *word);
	e->first = br_calloc(e->nentry, sizeof *e->first);
	for (size_t i = e->nentry; i--;) { /* backwards: the lists keep the order of the tables */
		size_t w = find_word(word, e->nliteral, e->entry[i].row->literal);

		if (w == e->nliteral)
			word[e->nliteral++] = e->entry[i].row->literal;
		else
			e->entry[i].next = e->first[w];
		e->first[w] = i;
	}
	e->literals = br_literals_new(word, e->nliteral);
	return e;
}

void br_evidence_free(struct br_evidence *e)
{
	if (!e)
		return;
	for (size_t i = 0; i < e->nentry; i++)
		br_regex_close(e->entry[i].re);
	br_literals_free(e->literals);
	free(e->entry);
	free(e->first);
	free(e);
}

static int compile(struct entry *entry, struct br_err *err)
{
	return entry->re ? BR_OK : br_regex_open(&entry->re, entry->row->re, err);
}

int br_evidence_check(struct br_evidence *e, struct br_err *err)
{
	int rc = BR_OK;

	for (size_t i = 0; rc == BR_OK && i < e->nentry; i++)
		rc = compile(&e->entry[i], err);
	return rc;
}

/* Where the line of the offset at begins. *at_start: it is known to. */
static size_t line_start(const char *text, size_t at, bool *at_start)
{
	size_t back = at < LINE_BACK_B ? at : LINE_BACK_B;
	const char *nl = back ? memrchr(text + at - back, '\n', back) : NULL;

	*at_start = nl || back == at;
	if (nl)
		return (size_t)(nl + 1 - text);
	return back == at ? 0 : at - (at < MID_LINE_B ? at : MID_LINE_B);
}

/* The offset from which the row's pattern is matched, for its literal at the offset at (SIZE_MAX: just before 0). */
static size_t window_from(const struct scan *s, const struct br_recogniser *row, size_t at, bool *at_start)
{
	if (row->literal[0] == '\n' && !(row->flags & BR_ABOVE)) {
		*at_start = true;
		return at + 1;
	}
	return line_start(s->text, at == SIZE_MAX ? 0 : at, at_start);
}

static void fill_window(const char *text, size_t n, size_t from, struct window *w)
{
	size_t left = n - from;

	w->n = br_loglines_plain(text + from, left < 2 * WINDOW_B ? left : 2 * WINDOW_B, w->text,
				 sizeof w->text);
	w->from = from;
	w->filled = true;
}

static bool is_wanted(const struct scan *s, const struct br_recogniser *row, const struct seen *seen)
{
	if (s->passed && !(row->flags & BR_PASSED))
		return false;
	return !seen->found || (row->flags & BR_LATEST);
}

static void try_row(struct scan *s, size_t i, size_t at, struct window *w)
{
	struct entry *entry = &s->e->entry[i];
	struct seen *seen = &s->seen[i];
	struct br_span group[BR_NGROUP];
	bool at_start;
	size_t from;

	if (s->rc < 0 || !is_wanted(s, entry->row, seen))
		return;
	if (seen->tries >= TRIES_ROW || s->tries >= TRIES_ALL) {
		s->cut = true;
		return;
	}
	seen->tries++;
	s->tries++;
	s->rc = compile(entry, s->err);
	if (s->rc < 0)
		return;
	from = window_from(s, entry->row, at, &at_start);
	if (!w->filled || w->from != from)
		fill_window(s->text, s->n, from, w);
	if (!br_regex_match(entry->re, w->text, w->n, at_start, group))
		return;
	seen->found = true;
	seen->from = from;
	seen->at_start = at_start;
}

static bool is_idle(const struct scan *s, size_t word)
{
	if (s->rc < 0 || s->tries >= TRIES_ALL)
		return true;
	for (size_t i = s->e->first[word]; i != SIZE_MAX; i = s->e->entry[i].next)
		if (is_wanted(s, s->e->entry[i].row, &s->seen[i]) &&
		    !(s->cut && s->seen[i].tries >= TRIES_ROW))
			return false;
	return true;
}

static void found_literal(void *arg, size_t word, size_t at)
{
	struct scan *s = arg;
	struct window w;

	if (s->idle[word])
		return;
	w.filled = false;
	if (at != SIZE_MAX)
		at += s->base;
	else if (s->base && s->text[s->base - 1] == '\n')
		at = s->base - 1;
	else if (s->base)
		return;
	for (size_t i = s->e->first[word]; i != SIZE_MAX; i = s->e->entry[i].next)
		try_row(s, i, at, &w);
	s->idle[word] = is_idle(s, word);
}

/* A pattern that ran out of tries on a long output gets new ones for its end. */
static int scan_all(struct scan *s)
{
	br_literals_scan(s->e->literals, s->text, s->n, found_literal, s);
	if (s->rc < 0 || !s->cut || s->n <= TAIL_B)
		return s->rc;
	for (size_t i = 0; i < s->e->nentry; i++)
		s->seen[i].tries = 0;
	s->tries = 0;
	memset(s->idle, 0, s->e->nliteral * sizeof *s->idle);
	s->base = s->n - TAIL_B;
	br_literals_scan(s->e->literals, s->text + s->base, TAIL_B, found_literal, s);
	return s->rc;
}

/* --- the decision --- */

static bool is_kind(const struct br_recogniser *row, const char *kind)
{
	return strcmp(row->kind, kind) == 0;
}

/* Whether a row may name a failure of this sort. */
static bool may_name(const struct br_recogniser *row, enum br_says says, bool passed)
{
	if (!row->rank || (passed && says != BR_SAYS_NO_TESTS))
		return row->rank && (row->flags & BR_DEFECT);
	switch (says) {
	case BR_SAYS_BUILD:
	case BR_SAYS_NO_BUILD:
		return is_kind(row, "build");
	case BR_SAYS_INFRA:
	case BR_SAYS_FULL:
		return is_kind(row, "infra");
	case BR_SAYS_NO_TESTS:
		return row->says == says;
	case BR_SAYS_NOTHING:
	case BR_SAYS_RAN:
	case BR_SAYS_THREW:
	case BR_SAYS_CRASHED:
	case BR_SAYS_TEST:
		break;
	}
	return !is_kind(row, "build") && !is_kind(row, "infra") && row->says != BR_SAYS_NO_TESTS &&
	       row->says != BR_SAYS_RAN;
}

static void put_span(char *field, size_t size, struct br_span span)
{
	char text[WINDOW_B];
	size_t n = 0;

	for (size_t i = 0; i < span.n && n + 1 < sizeof text; i++) {
		char c = span.at[i] == '\n' || span.at[i] == '\t' ? ' ' : span.at[i];

		if (c != ' ' || (n && text[n - 1] != ' '))
			text[n++] = c;
	}
	while (n && text[n - 1] == ' ')
		n--;
	text[n] = '\0';
	br_field_put(field, size, text);
}

/* Where it was, when there is no stack: a function or test, or only a file. name "": not said. */
struct place {
	char name[128];
	bool is_file;
};

/* Type, message and place that a row tells which was found. */
static void extract(struct scan *s, size_t i, struct br_failure *f, struct place *place)
{
	const struct entry *entry = &s->e->entry[i];
	struct br_span group[BR_NGROUP];
	char file[192] = "", where[256] = "";
	struct window w;

	*place = (struct place){0};
	fill_window(s->text, s->n, s->seen[i].from, &w);
	if (!br_regex_match(entry->re, w.text, w.n, s->seen[i].at_start, group))
		return;
	br_field_put(f->kind, sizeof f->kind, entry->row->kind);
	if (entry->row->type)
		br_field_put(f->type, sizeof f->type, entry->row->type);
	else
		put_span(f->type, sizeof f->type, group[BR_GROUP_TYPE]);
	put_span(f->message, sizeof f->message, group[BR_GROUP_MESSAGE]);
	put_span(file, sizeof file, group[BR_GROUP_FILE]);
	put_span(where, sizeof where, group[BR_GROUP_WHERE]);
	if (entry->row->refine)
		entry->row->refine(w.text, file, f);
	if (!f->type[0])
		br_field_put(f->type, sizeof f->type, entry->row->name);
	place->is_file = !where[0];
	if (where[0] && is_kind(entry->row, "test"))
		br_field_put(place->name, sizeof place->name, where);
	else if (where[0])
		br_frame_name_native(where, strlen(where), place->name, sizeof place->name);
	else if (file[0])
		br_field_put(place->name, sizeof place->name, br_frame_basename(file));
}

/* The best row behind `after` (SIZE_MAX: of all): by rank, then by where it stands. */
static size_t next_best(const struct scan *s, enum br_says says, size_t after)
{
	size_t best = SIZE_MAX;

	for (size_t i = 0; i < s->e->nentry; i++) {
		const struct br_recogniser *row = s->e->entry[i].row, *than;

		if (!s->seen[i].found || !may_name(row, says, s->passed) || i == after)
			continue;
		if (after != SIZE_MAX) {
			than = s->e->entry[after].row;
			if (row->rank > than->rank ||
			    (row->rank == than->rank &&
			     (s->seen[i].from < s->seen[after].from ||
			      (s->seen[i].from == s->seen[after].from && i < after))))
				continue;
		}
		than = best == SIZE_MAX ? NULL : s->e->entry[best].row;
		if (!than || row->rank > than->rank ||
		    (row->rank == than->rank && s->seen[i].from < s->seen[best].from))
			best = i;
	}
	return best;
}

/* The line behind the one at which a row was found. */
static size_t behind_line(const struct scan *s, size_t from)
{
	const char *nl = memchr(s->text + from, '\n', s->n - from);

	return nl ? (size_t)(nl + 1 - s->text) : s->n;
}

static bool read_stack(struct scan *s, size_t i, struct br_failure *f)
{
	enum br_stack_format format = s->e->entry[i].row->stack;
	size_t from = s->seen[i].from;

	if (format == BR_STACK_NONE)
		return false;
	if (format != BR_STACK_RUBY) /* whose message stands on the line of the first frame */
		from = behind_line(s, from);
	return br_stack_read(format, s->text, s->n, from, f);
}

static void put_place(struct br_failure *f, const struct place *p)
{
	if (!p->name[0] || f->nframe)
		return;
	br_field_put(f->frame[0], sizeof f->frame[0], p->name);
	f->nframe = 1;
}

/* What the first row lacks comes from the ones behind it: a stack, else a place. */
static void add_rest(struct scan *s, enum br_says says, size_t first, struct place *p, struct br_failure *f)
{
	bool done = false;

	for (size_t i = next_best(s, says, first); i != SIZE_MAX && !done; i = next_best(s, says, i)) {
		struct br_failure other = {.exit = -1};
		struct place place;

		extract(s, i, &other, &place);
		if (place.name[0] && (!p->name[0] || (p->is_file && !place.is_file)))
			*p = place;
		done = read_stack(s, i, &other);
		if (done) {
			memcpy(f->frame, other.frame, sizeof f->frame);
			f->nframe = other.nframe;
		}
	}
}

static void name_failure(struct scan *s, enum br_says says, struct br_failure *f)
{
	size_t first = next_best(s, says, SIZE_MAX);
	const struct br_recogniser *row;
	struct place place;

	if (first == SIZE_MAX)
		return;
	row = s->e->entry[first].row;
	extract(s, first, f, &place);
	f->version = BR_SIGNATURE_VERSION;
	if (read_stack(s, first, f))
		return;
	if (!is_kind(row, "build") && !is_kind(row, "infra") &&
	    (row->stack != BR_STACK_NONE || !place.name[0] || place.is_file))
		add_rest(s, says, first, &place, f);
	put_place(f, &place);
}

static void decide(struct scan *s, struct br_reading *out)
{
	bool ran = false, none = false;

	for (size_t i = 0; i < s->e->nentry; i++) {
		const struct br_recogniser *row = s->e->entry[i].row;

		if (!s->seen[i].found)
			continue;
		ran |= row->says == BR_SAYS_RAN;
		none |= row->says == BR_SAYS_NO_TESTS;
		out->defect |= (row->flags & BR_DEFECT) != 0;
		if (row->says > out->says)
			out->says = row->says;
	}
	out->no_tests = none && !ran;
	if (out->says == BR_SAYS_RAN || (out->says == BR_SAYS_NO_TESTS && ran))
		out->says = BR_SAYS_NOTHING;
}

int br_evidence_read(struct br_evidence *e, const char *text, size_t n, bool passed, struct br_reading *out,
		     struct br_err *err)
{
	br_auto_free struct seen *seen = br_calloc(e->nentry, sizeof *seen);
	br_auto_free bool *idle = br_calloc(e->nliteral, sizeof *idle);
	struct scan s = {
		.e = e, .text = text, .n = n, .passed = passed, .seen = seen, .idle = idle, .err = err};
	struct br_reading r = {.failure = {.exit = -1}};
	int rc = scan_all(&s);

	if (rc < 0)
		return rc;
	decide(&s, &r);
	if (r.says == BR_SAYS_NO_TESTS || (passed && r.no_tests))
		name_failure(&s, BR_SAYS_NO_TESTS, &r.failure);
	else if (!passed || r.defect)
		name_failure(&s, r.says, &r.failure);
	*out = r;
	return BR_OK;
}
