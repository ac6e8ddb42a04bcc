/*
 * schedule.c - in which order the passes of a reduction come: from the coarse to the fine, and again until nothing gives.
 *
 * Each step costs little when it finds nothing, so that a round over what cannot shrink any more is short.
 */
#include "search/schedule.h"

#include "base/mem.h"

#include <string.h>

enum {
	FEW_LINES = 40, /* below, tokens do as well */
	FEW_BYTES = 8,
	FEW_CHARS = 4096,      /* up to here every character is tried */
	MANY_BLOCKS = 1 << 16, /* more are gathered into larger ones first */
	BLOCK_STEP = 64,
};

/*
 * Lists of passes. A negative number goes back by so many entries if anything changed since the last look back; END ends. Going
 * over the coarse passes again is cheap: what did not change has its answers already.
 */
enum { END = 127 };

static const signed char AUTO[] = {
	BR_PASS_FILES,
	BR_PASS_BLOCKS,
	BR_PASS_ZEROS,
	/* coarse */
	BR_PASS_LEVEL,
	BR_PASS_WRAPPERS,
	BR_PASS_INNER,
	BR_PASS_LINES,
	BR_PASS_NAMES,
	BR_PASS_BLANKS,
	BR_PASS_STATEMENTS,
	BR_PASS_SOFT,
	-8,
	/* fine */
	BR_PASS_TOKENS,
	BR_PASS_PAIRS,
	BR_PASS_VALUES,
	/* coarse again */
	BR_PASS_LEVEL,
	BR_PASS_WRAPPERS,
	BR_PASS_INNER,
	BR_PASS_NAMES,
	BR_PASS_BLANKS,
	BR_PASS_STATEMENTS,
	BR_PASS_SOFT,
	-7,
	BR_PASS_WINDOWS,
	BR_PASS_CHARS,
	END,
};
static const signed char FLAT[] = {
	BR_PASS_FILES,
	BR_PASS_LINES,
	BR_PASS_LEVEL,
	BR_PASS_WRAPPERS,
	-2,
	BR_PASS_LINES,
	BR_PASS_BLANKS,
	BR_PASS_TOKENS,
	BR_PASS_PAIRS,
	BR_PASS_VALUES,
	BR_PASS_NAMES,
	BR_PASS_CHARS,
	END,
};
static const signed char TREES[] = {
	BR_PASS_FILES, BR_PASS_LEVEL, BR_PASS_WRAPPERS, BR_PASS_INNER, -3, BR_PASS_SOFT, END};
static const signed char BY_LINES[] = {BR_PASS_FILES, BR_PASS_LINES, END};
static const signed char BY_HUNKS[] = {BR_PASS_FILES, BR_PASS_HUNKS, END};
static const signed char BY_TOKENS[] = {BR_PASS_FILES, BR_PASS_TOKENS, END};
static const signed char BY_CHARS[] = {BR_PASS_FILES, BR_PASS_CHARS, END};
static const signed char BY_BYTES[] = {BR_PASS_FILES, BR_PASS_BLOCKS, END};
/* What ends a search: one run for each of the finest units. */
static const signed char CERTIFY[] = {BR_PASS_FILES, BR_PASS_BLOCKS, BR_PASS_TOKENS, BR_PASS_CHARS, END};
static const signed char CERTIFY_TREES[] = {BR_PASS_FILES, BR_PASS_LEVEL, BR_PASS_SOFT, END};

static bool any(const struct br_schedule *s, enum br_lang lang)
{
	for (size_t i = 0; i < s->nlang; i++)
		if (s->lang[i] == lang)
			return true;
	return false;
}

static bool all(const struct br_schedule *s, enum br_lang lang)
{
	for (size_t i = 0; i < s->nlang; i++)
		if (s->lang[i] != lang)
			return false;
	return true;
}

static const signed char *list_of(const struct br_schedule *s)
{
	switch (s->by) {
	case BR_BY_LINE:
		return BY_LINES;
	case BR_BY_CHAR:
		return BY_CHARS;
	case BR_BY_BYTE:
		return BY_BYTES;
	case BR_BY_TOKEN:
		return BY_TOKENS;
	case BR_BY_HUNK:
		return BY_HUNKS;
	case BR_BY_TREE:
		return s->certifying ? CERTIFY_TREES : TREES;
	case BR_BY_AUTO:
	default:
		if (s->certifying)
			return CERTIFY;
		return all(s, BR_LANG_TEXT) ? FLAT : AUTO;
	}
}

/* A unit that was asked for by name settles how the files are looked at. */
static enum br_lang lang_for(enum br_reduce_by by, enum br_lang found)
{
	switch (by) {
	case BR_BY_BYTE:
		return BR_LANG_BINARY;
	case BR_BY_LINE:
	case BR_BY_CHAR:
	case BR_BY_HUNK:
		return BR_LANG_TEXT;
	case BR_BY_TOKEN:
	case BR_BY_TREE:
		return found == BR_LANG_BINARY ? BR_LANG_TEXT : found;
	case BR_BY_AUTO:
	default:
		return found;
	}
}

void br_schedule_init(struct br_schedule *s, const struct br_doc *doc, enum br_reduce_by by, bool fast)
{
	*s = (struct br_schedule){.by = by, .fast = fast, .nlang = doc->npart};
	s->lang = br_calloc(doc->npart + 1, sizeof *s->lang);
	for (size_t i = 0; i < doc->npart; i++)
		s->lang[i] = lang_for(by, br_lang_of(doc->part[i].data, doc->part[i].n));
}

/* The largest file, of those read as bytes. */
static size_t most_bytes(const struct br_schedule *s, const struct br_doc *doc)
{
	size_t n = 0;

	for (size_t i = 0; i < doc->npart; i++)
		if (s->lang[i] == BR_LANG_BINARY && doc->part[i].n > n)
			n = doc->part[i].n;
	return n;
}

static size_t text_bytes(const struct br_schedule *s, const struct br_doc *doc)
{
	size_t n = 0;

	for (size_t i = 0; i < doc->npart; i++)
		n += s->lang[i] == BR_LANG_BINARY ? 0 : doc->part[i].n;
	return n;
}

static bool chars_are_tried(const struct br_schedule *s, const struct br_doc *doc)
{
	return s->by == BR_BY_CHAR || text_bytes(s, doc) <= FEW_CHARS;
}

/* Powers of two, down to single bytes. */
static uint32_t next_block(const struct br_schedule *s, const struct br_doc *doc)
{
	uint32_t size = 1;

	if (s->arg > 0)
		return s->arg > BLOCK_STEP ? s->arg / BLOCK_STEP : 1;
	while (most_bytes(s, doc) / size > MANY_BLOCKS)
		size *= 2;
	return size;
}

/* Passes with an argument come once for each value of it. false: this pass is over. */
static bool next_arg(struct br_schedule *s, const struct br_doc *doc, enum br_pass pass, struct br_step *out)
{
	if (pass == BR_PASS_BLOCKS) {
		if (s->arg == 1)
			return false;
		out->arg = s->arg = next_block(s, doc);
		return true;
	}
	if (pass == BR_PASS_LEVEL || pass == BR_PASS_SOFT) {
		if (s->arg >= br_units_depths(doc, s->lang, pass))
			return false;
		out->arg = s->arg++;
		return true;
	}
	out->arg = s->arg;
	return s->arg++ < (pass == BR_PASS_WINDOWS ? BR_WINDOWS : pass == BR_PASS_HUNKS ? 2 : 1);
}

static bool has_many_lines(const struct br_doc *doc)
{
	size_t n = 0;

	for (size_t i = 0; i < doc->npart; i++)
		for (const char *at = doc->part[i].data; at && n <= FEW_LINES; n++) {
			at = memchr(at, '\n', doc->part[i].n - (size_t)(at - doc->part[i].data));
			at = at ? at + 1 : NULL;
		}
	return n > FEW_LINES;
}

static bool is_wanted(const struct br_schedule *s, const struct br_doc *doc, const signed char *list)
{
	switch ((enum br_pass)list[s->at]) {
	case BR_PASS_FILES:
		return doc->npart > 1;
	case BR_PASS_CHARS:
		return chars_are_tried(s, doc);
	case BR_PASS_LEVEL:
	case BR_PASS_WRAPPERS:
		return list != FLAT || s->dense;
	case BR_PASS_LINES:
		if (list == FLAT) /* the second look is for what the tree left */
			return s->at == 1 || s->dense;
		return s->by == BR_BY_LINE || s->round > 0 || has_many_lines(doc);
	case BR_PASS_TOKENS:
		return !s->certifying || s->by == BR_BY_TOKEN || !chars_are_tried(s, doc);
	case BR_PASS_ZEROS:
		return most_bytes(s, doc) > FEW_BYTES;
	case BR_PASS_ALL:
	case BR_PASS_BLOCKS:
	case BR_PASS_SOFT:
	case BR_PASS_INNER:
	case BR_PASS_PAIRS:
	case BR_PASS_VALUES:
	case BR_PASS_NAMES:
	case BR_PASS_BLANKS:
	case BR_PASS_STATEMENTS:
	case BR_PASS_WINDOWS:
	case BR_PASS_HUNKS:
	default:
		return true;
	}
}

/* Whether a list of one kind of unit ends with this pass: then it certifies at once. */
static bool certifies(const struct br_schedule *s, const signed char *list, const struct br_step *step)
{
	if (s->fast || step->pass == BR_PASS_ALL)
		return false;
	if (step->pass == BR_PASS_BLOCKS)
		return step->arg == 1;
	return s->certifying || (list != AUTO && list != FLAT && list != TREES);
}

static bool step_in_list(struct br_schedule *s, const struct br_doc *doc, const signed char *list,
			 struct br_step *out)
{
	for (; list[s->at] != END; s->at++, s->arg = 0) {
		if (list[s->at] < 0) {
			if (s->touched)
				s->at -= (size_t)-list[s->at] + 1;
			s->touched = false;
			continue;
		}
		out->pass = (enum br_pass)list[s->at];
		if (!is_wanted(s, doc, list) || !next_arg(s, doc, out->pass, out))
			continue;
		out->certify = certifies(s, list, out);
		out->sparse = list == FLAT && out->pass == BR_PASS_LINES && !s->dense;
		return true;
	}
	return false;
}

/* After a round that changed something comes another one, after one that did not the certificate. false: that was all. */
static bool next_round(struct br_schedule *s, const struct br_doc *doc)
{
	bool simple = s->by != BR_BY_AUTO && s->by != BR_BY_TREE;
	/* What is left of lines and bytes are the same lines and bytes; tokens and characters may have grown together. */
	bool once = (s->by == BR_BY_LINE || s->by == BR_BY_BYTE) && doc->npart == 1;

	s->at = s->arg = 0;
	s->touched = false;
	if (s->fast || once || (!s->changed && (s->certifying || simple)))
		return false;
	s->certifying = !s->changed;
	s->changed = false;
	s->round++;
	return true;
}

void br_schedule_changed(struct br_schedule *s)
{
	s->touched = s->changed = true;
}

bool br_schedule_next(struct br_schedule *s, const struct br_doc *doc, struct br_step *out)
{
	*out = (struct br_step){.pass = BR_PASS_ALL};
	if (!s->asked) {
		s->asked = true;
		return true;
	}
	while (!s->over) {
		if (step_in_list(s, doc, list_of(s), out))
			return true;
		s->over = !next_round(s, doc);
	}
	return false;
}

enum br_reduce_by br_schedule_by(const struct br_schedule *s, const struct br_doc *doc)
{
	if (s->by != BR_BY_AUTO)
		return s->by;
	if (all(s, BR_LANG_BINARY))
		return BR_BY_BYTE;
	return chars_are_tried(s, doc) ? BR_BY_CHAR : BR_BY_TOKEN;
}

uint64_t br_schedule_units(const struct br_schedule *s, const struct br_doc *doc, enum br_reduce_by by)
{
	static const enum br_pass pass_of[] = {
		[BR_BY_AUTO] = BR_PASS_CHARS, [BR_BY_LINE] = BR_PASS_LINES,  [BR_BY_CHAR] = BR_PASS_CHARS,
		[BR_BY_HUNK] = BR_PASS_HUNKS, [BR_BY_BYTE] = BR_PASS_BLOCKS, [BR_BY_TOKEN] = BR_PASS_TOKENS,
		[BR_BY_TREE] = BR_PASS_LEVEL,
	};
	uint32_t turns = by == BR_BY_TREE ? br_units_depths(doc, s->lang, BR_PASS_LEVEL) : 1;
	uint64_t n = 0;

	for (uint32_t i = 0; i < turns; i++) {
		struct br_plan plan = {0};

		br_units_plan(&plan, doc, s->lang, pass_of[by], by == BR_BY_TREE ? i : 1);
		n += plan.nunit;
		br_plan_done(&plan);
	}
	if (by != BR_BY_BYTE && any(s, BR_LANG_BINARY)) /* of a mixture the other part counts its bytes */
		for (size_t i = 0; i < doc->npart; i++)
			n += s->lang[i] == BR_LANG_BINARY ? doc->part[i].n : 0;
	return n;
}

void br_schedule_done(struct br_schedule *s)
{
	free(s->lang);
	*s = (struct br_schedule){0};
}
