/* units_tree.c - passes over the tree of a file: elements go, become what they hold, or become a simple value. */
#include "search/units_private.h"

#include "base/mem.h"
#include "search/tree.h"

#include <string.h>

enum {
	DEEPEST = 400,	      /* depths that are looked at */
	MOST_EDITS = 1 << 20, /* of a plan: outdenting a staircase would need the square of its lines */
};

struct pass {
	struct br_plan *plan;
	uint32_t file;
	const struct br_part *part;
	enum br_lang lang;
	const struct br_tree *tree;
	uint32_t lists; /* lists of files before this one */
};

/* In indented languages expressions are a tree of their own. */
static void build(struct br_tree *tree, const struct br_part *part, enum br_lang lang, enum br_pass pass)
{
	bool indented = lang == BR_LANG_PYTHON || lang == BR_LANG_YAML;

	if (indented && (pass == BR_PASS_SOFT || pass == BR_PASS_INNER || pass == BR_PASS_VALUES)) {
		memset(tree, 0, sizeof *tree);
		br_tree_brackets(tree, lang, part->data, part->n);
		return;
	}
	br_tree_build(tree, lang, part->data, part->n);
	/* Text whose brackets say nothing may still be indented. */
	if (lang == BR_LANG_TEXT && tree->levels <= 1) {
		br_tree_done(tree);
		br_tree_indents(tree, part->data, part->n);
	}
}

static bool is_empty(struct br_span s)
{
	return s.a >= s.b;
}

/* ---- elements go ---- */

/* A block that Python needs is never empty: its first line becomes the shortest one. */
static bool keep_block_filled(const struct pass *p, const struct br_element *e)
{
	if (p->lang != BR_LANG_PYTHON || !p->tree->indented || !e->first || e->value.b - e->value.a <= 5)
		return false;
	br_plan_replace(p->plan, p->file, e->value.a, e->value.b, "pass\n");
	return true;
}

static void remove_element(const struct pass *p, const struct br_element *e)
{
	br_plan_unit(p->plan);
	if (!keep_block_filled(p, e))
		br_plan_add(p->plan, (struct br_edit){.file = p->file,
						      .a = e->all.a,
						      .b = e->all.b,
						      .list = e->list ? p->lists + e->list : 0});
	if (!is_empty(e->sep))
		br_plan_add(p->plan, (struct br_edit){.kind = BR_EDIT_SEPARATOR,
						      .file = p->file,
						      .a = e->sep.a,
						      .b = e->sep.b,
						      .list = p->lists + e->list});
}

/* ---- elements become what they hold ---- */

/* Without its first line, and the lines below as far left as it was. */
static void outdent(const struct pass *p, const struct br_element *e)
{
	const char *s = p->part->data;
	size_t a = e->inside.a, columns = SIZE_MAX;

	br_plan_cut(p->plan, p->file, e->all.a, e->inside.a);
	for (size_t i = a; i < e->inside.b; i++) { /* how much deeper the first of them is */
		if (s[i] == ' ' || s[i] == '\t')
			continue;
		columns = i - a > e->indent ? i - a - e->indent : 0;
		break;
	}
	while (a < e->inside.b && columns > 0 && columns < SIZE_MAX) {
		const char *end = memchr(s + a, '\n', e->inside.b - a);
		size_t b = end ? (size_t)(end - s) + 1 : e->inside.b, from = a + e->indent;

		if (from + columns <= b && strspn(s + a, " \t") >= e->indent + columns)
			br_plan_cut(p->plan, p->file, from, from + columns);
		a = b;
	}
}

static void unwrap(const struct pass *p, const struct br_element *e)
{
	if (is_empty(e->block) || e->soft || p->plan->nedit > MOST_EDITS)
		return;
	br_plan_unit(p->plan);
	if (p->tree->indented) {
		outdent(p, e);
		return;
	}
	br_plan_cut(p->plan, p->file, e->all.a, e->inside.a);
	br_plan_cut(p->plan, p->file, e->inside.b, e->all.b);
}

/* for (a; b; c) d; becomes a; b; c; */
static void take_expressions(const struct pass *p, const struct br_element *e)
{
	if (is_empty(e->paren) || e->soft || p->lang != BR_LANG_C)
		return;
	br_plan_unit(p->plan);
	br_plan_cut(p->plan, p->file, e->all.a, e->paren.a);
	br_plan_replace(p->plan, p->file, e->paren.b, e->all.b, ";");
}

/* The largest value in the block of element i; BR_NO_ELEMENT. */
static uint32_t largest_within(const struct br_tree *tree, uint32_t i)
{
	const struct br_span in = tree->e[i].inside;
	uint32_t best = BR_NO_ELEMENT;

	for (uint32_t k = i + 1; k < tree->n && tree->e[k].all.a < in.b; k++) {
		const struct br_span v = tree->e[k].value;

		if (tree->e[k].parent != i || tree->e[k].all.a < in.a || is_empty(v))
			continue;
		if (best == BR_NO_ELEMENT || v.b - v.a > tree->e[best].value.b - tree->e[best].value.a)
			best = k;
	}
	return best;
}

static void go_inside(const struct pass *p, uint32_t i)
{
	const struct br_element *e = &p->tree->e[i];
	uint32_t k;

	if (is_empty(e->block) || p->tree->indented)
		return;
	k = largest_within(p->tree, i);
	if (k == BR_NO_ELEMENT)
		return;
	br_plan_unit(p->plan);
	br_plan_cut(p->plan, p->file, e->block.a, p->tree->e[k].value.a);
	br_plan_cut(p->plan, p->file, p->tree->e[k].value.b, e->block.b);
}

/* ---- elements become a simple value ---- */

static void simplify_tokens(const struct pass *p)
{
	struct br_tokens tokens;

	br_lex(&tokens, p->lang, p->part->data, p->part->n);
	for (size_t i = 0; i < tokens.n; i++) {
		const struct br_token *t = &tokens.t[i];

		if (t->kind == BR_TOKEN_NUMBER && t->b - t->a > 1) {
			br_plan_unit(p->plan);
			br_plan_replace(p->plan, p->file, t->a, t->b, "0");
		} else if (t->kind == BR_TOKEN_WORD && i + 1 < tokens.n && t[1].kind == BR_TOKEN_OPEN &&
			   t[1].match != BR_NO_MATCH && p->part->data[t[1].a] == '(') {
			br_plan_unit(p->plan);
			br_plan_replace(p->plan, p->file, t->a, tokens.t[t[1].match].b, "0");
		} else if (t->kind == BR_TOKEN_STRING && t->b - t->a > 2) {
			br_plan_unit(p->plan);
			br_plan_replace(p->plan, p->file, t->a + 1, t->b - 1, "");
		}
	}
	br_tokens_done(&tokens);
}

static void simplify_element(const struct pass *p, const struct br_element *e)
{
	if (e->value.b - e->value.a <= 1 || (!e->soft && p->lang != BR_LANG_JSON && p->lang != BR_LANG_LISP))
		return;
	br_plan_unit(p->plan);
	br_plan_replace(p->plan, p->file, e->value.a, e->value.b, "0");
}

void br_units_tree(struct br_plan *plan, uint32_t file, const struct br_part *part, enum br_lang lang,
		   enum br_pass pass, uint32_t arg)
{
	struct br_tree tree;
	struct pass p = {plan, file, part, lang, &tree, plan->nlist};

	build(&tree, part, lang, pass);
	for (uint32_t i = 0; i < tree.n; i++) {
		const struct br_element *e = &tree.e[i];

		if ((pass == BR_PASS_LEVEL && !e->soft && e->depth == arg) ||
		    (pass == BR_PASS_SOFT && e->soft && e->level == arg))
			remove_element(&p, e);
		else if (pass == BR_PASS_WRAPPERS)
			unwrap(&p, e);
		else if (pass == BR_PASS_STATEMENTS)
			take_expressions(&p, e);
		else if (pass == BR_PASS_INNER)
			go_inside(&p, i);
		else if (pass == BR_PASS_VALUES)
			simplify_element(&p, e);
	}
	if (pass == BR_PASS_VALUES)
		simplify_tokens(&p);
	plan->nlist += tree.nlist;
	br_tree_done(&tree);
}

uint32_t br_units_depths(const struct br_doc *doc, const enum br_lang *lang, enum br_pass pass)
{
	uint32_t most = 0;

	for (size_t f = 0; f < doc->npart; f++) {
		struct br_tree tree;
		uint32_t n;

		if (doc->part[f].gone)
			continue;
		build(&tree, &doc->part[f], lang[f], pass);
		n = pass == BR_PASS_SOFT ? tree.levels : tree.depths;
		most = n > most ? n : most;
		br_tree_done(&tree);
	}
	return most < DEEPEST ? most : DEEPEST;
}
