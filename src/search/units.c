/* units.c - passes over files, blocks, lines, tokens and characters. */
#include "search/units.h"

#include "base/mem.h"
#include "search/units_private.h"

#include <string.h>

enum { FEW_TOKENS = 300 }; /* more are not tried side by side */

static void plan_files(struct br_plan *plan, const struct br_doc *doc)
{
	for (uint32_t f = 0; f < doc->npart; f++) {
		if (doc->part[f].gone)
			continue;
		br_plan_unit(plan);
		br_plan_add(plan, (struct br_edit){.kind = BR_EDIT_GONE, .file = f, .b = doc->part[f].n});
	}
}

static void plan_all(struct br_plan *plan, const struct br_doc *doc)
{
	br_plan_unit(plan);
	for (uint32_t f = 0; f < doc->npart; f++)
		br_plan_cut(plan, f, 0, doc->part[f].n);
}

static void plan_blocks(struct br_plan *plan, uint32_t file, const struct br_part *part, size_t size)
{
	for (size_t a = 0; a < part->n; a += size) {
		br_plan_unit(plan);
		br_plan_cut(plan, file, a, a + size < part->n ? a + size : part->n);
	}
}

static void plan_lines(struct br_plan *plan, uint32_t file, const struct br_part *part)
{
	for (size_t a = 0; a < part->n;) {
		const char *end = memchr(part->data + a, '\n', part->n - a);
		size_t b = end ? (size_t)(end - part->data) + 1 : part->n;

		br_plan_unit(plan);
		br_plan_cut(plan, file, a, b);
		a = b;
	}
}

/* A character with all its continuation bytes; a stray byte stands alone. */
static void plan_chars(struct br_plan *plan, uint32_t file, const struct br_part *part)
{
	for (size_t a = 0; a < part->n;) {
		size_t b = a + 1;

		while (b < part->n && b - a < 4 && (unsigned char)part->data[a] >= 0xc0 &&
		       ((unsigned char)part->data[b] & 0xc0) == 0x80)
			b++;
		br_plan_unit(plan);
		br_plan_cut(plan, file, a, b);
		a = b;
	}
}

static void plan_zeros(struct br_plan *plan, uint32_t file, const struct br_part *part)
{
	for (size_t a = 0; a < part->n; a++) {
		if (part->data[a] == '\0')
			continue;
		br_plan_unit(plan);
		br_plan_add(plan,
			    (struct br_edit){.file = file, .a = a, .b = a + 1, .with = "\0", .nwith = 1});
	}
}

/* Each `width` tokens with the blanks behind them; the first unit has `offset`, if that is not 0. */
static void plan_tokens(struct br_plan *plan, uint32_t file, const struct br_part *part,
			const struct br_tokens *tokens, uint32_t offset, uint32_t width)
{
	uint32_t have = offset > 0 ? width - offset : 0; /* the first unit is shorter, the others are moved */
	size_t first = 0;

	for (size_t i = 0; i < tokens->n;) {
		for (i++; i < tokens->n && tokens->t[i].kind == BR_TOKEN_SPACE; i++)
			;
		if (++have < width && i < tokens->n)
			continue;
		br_plan_unit(plan);
		br_plan_cut(plan, file, tokens->t[first].a, i < tokens->n ? tokens->t[i].a : part->n);
		first = i;
		have = 0;
	}
}

static void plan_pairs(struct br_plan *plan, uint32_t file, const struct br_tokens *tokens)
{
	for (uint32_t i = 0; i < tokens->n; i++) {
		const struct br_token *t = &tokens->t[i];

		if (t->kind != BR_TOKEN_OPEN || t->match == BR_NO_MATCH)
			continue;
		br_plan_unit(plan);
		br_plan_cut(plan, file, t->a, t->b);
		br_plan_cut(plan, file, tokens->t[t->match].a, tokens->t[t->match].b);
	}
}

static bool is_wordish(const struct br_token *t)
{
	return t->kind == BR_TOKEN_WORD || t->kind == BR_TOKEN_NUMBER || t->kind == BR_TOKEN_STRING;
}

/* The least that must stand for the blanks i: nothing, one blank between words, an end of line behind a directive. */
static const char *least_blank(const struct br_tokens *tokens, size_t i, const char *s)
{
	const struct br_token *t = &tokens->t[i];
	bool line_end = memchr(s + t->a, '\n', t->b - t->a) != NULL;

	if (i == 0 || i + 1 == tokens->n)
		return "";
	if (line_end && (t[-1].kind == BR_TOKEN_DIRECTIVE || t[-1].kind == BR_TOKEN_COMMENT ||
			 t[1].kind == BR_TOKEN_DIRECTIVE))
		return "\n";
	return is_wordish(&t[-1]) && is_wordish(&t[1]) ? " " : "";
}

static void plan_blanks(struct br_plan *plan, uint32_t file, const struct br_part *part, enum br_lang lang,
			const struct br_tokens *tokens)
{
	bool lines_matter = lang == BR_LANG_PYTHON || lang == BR_LANG_YAML || lang == BR_LANG_TEXT;

	for (size_t i = 0; i < tokens->n; i++) {
		const struct br_token *t = &tokens->t[i];
		const char *least;

		if (t->kind != BR_TOKEN_SPACE ||
		    (lines_matter && (i == 0 || memchr(part->data + t->a, '\n', t->b - t->a))))
			continue;
		least = least_blank(tokens, i, part->data);
		if (strlen(least) >= t->b - t->a)
			continue;
		br_plan_unit(plan);
		br_plan_replace(plan, file, t->a, t->b, least);
	}
}

static void plan_by_tokens(struct br_plan *plan, uint32_t file, const struct br_part *part, enum br_lang lang,
			   enum br_pass pass, uint32_t arg)
{
	static const struct {
		uint32_t offset, width;
	} windows[BR_WINDOWS] = {{0, 2}, {1, 2}, {0, 3}, {1, 3}, {2, 3}};
	struct br_tokens tokens;

	br_lex(&tokens, lang, part->data, part->n);
	if (pass == BR_PASS_TOKENS)
		plan_tokens(plan, file, part, &tokens, 0, 1);
	else if (pass == BR_PASS_WINDOWS && arg < BR_WINDOWS && tokens.n <= FEW_TOKENS)
		plan_tokens(plan, file, part, &tokens, windows[arg].offset, windows[arg].width);
	else if (pass == BR_PASS_BLANKS)
		plan_blanks(plan, file, part, lang, &tokens);
	else if (pass == BR_PASS_PAIRS)
		plan_pairs(plan, file, &tokens);
	br_tokens_done(&tokens);
}

static void plan_file(struct br_plan *plan, uint32_t file, const struct br_part *part, enum br_lang lang,
		      enum br_pass pass, uint32_t arg)
{
	if (pass == BR_PASS_BLOCKS) {
		plan_blocks(plan, file, part, arg > 0 ? arg : 1);
	} else if (pass == BR_PASS_LINES) {
		plan_lines(plan, file, part);
	} else if (pass == BR_PASS_CHARS) {
		plan_chars(plan, file, part);
	} else if (pass == BR_PASS_HUNKS) {
		br_units_diff(plan, file, part, arg > 0);
	} else if (pass == BR_PASS_ZEROS) {
		plan_zeros(plan, file, part);
	} else if (pass == BR_PASS_TOKENS || pass == BR_PASS_PAIRS || pass == BR_PASS_BLANKS ||
		   pass == BR_PASS_WINDOWS) {
		plan_by_tokens(plan, file, part, lang, pass, arg);
	} else {
		br_units_tree(plan, file, part, lang, pass, arg);
	}
}

void br_units_plan(struct br_plan *plan, const struct br_doc *doc, const enum br_lang *lang,
		   enum br_pass pass, uint32_t arg)
{
	bool bytes = pass == BR_PASS_BLOCKS || pass == BR_PASS_ZEROS;

	if (pass == BR_PASS_ALL)
		plan_all(plan, doc);
	else if (pass == BR_PASS_FILES)
		plan_files(plan, doc);
	else if (pass == BR_PASS_NAMES)
		br_units_names(plan, doc, lang);
	else
		for (uint32_t f = 0; f < doc->npart; f++)
			if (!doc->part[f].gone && (lang[f] == BR_LANG_BINARY) == bytes)
				plan_file(plan, f, &doc->part[f], lang[f], pass, arg);
	br_plan_seal(plan);
}
