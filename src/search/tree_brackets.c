/* tree_brackets.c - the tree that brackets make: statements in braces, members of lists, expressions in parentheses. */
#include "search/tree.h"

#include "base/mem.h"

#include <string.h>

enum { DEEPEST = 400 };

/* How a group's content falls into elements. */
enum style { BY_COMMA, BY_STATEMENT, BY_ATOM, BY_LINE };

/* Content of a group: the tokens [from, to). */
struct group {
	uint32_t from, to;
	uint32_t depth, level;
	enum style style;
	bool soft;
};

struct builder {
	struct br_tree *tree;
	struct br_tokens tokens;
	const char *s;
	enum br_lang lang;
	struct group *todo;
	size_t ntodo, cap;
};

static bool is_char(const struct builder *b, uint32_t i, char c)
{
	const struct br_token *t = &b->tokens.t[i];

	return t->b == t->a + 1 && t->kind != BR_TOKEN_STRING && b->s[t->a] == c;
}

/* Whether the brackets that open here enclose elements worth removing before expressions are looked into. */
static bool is_hard(const struct builder *b, uint32_t open)
{
	if (b->lang == BR_LANG_JSON || b->lang == BR_LANG_LISP)
		return true;
	return is_char(b, open, '{') && b->lang != BR_LANG_PYTHON && b->lang != BR_LANG_YAML;
}

static bool has_line_end(const struct builder *b, uint32_t i)
{
	const struct br_token *t = &b->tokens.t[i];

	return t->kind == BR_TOKEN_SPACE && memchr(b->s + t->a, '\n', t->b - t->a) != NULL;
}

/* The token behind this one, or behind its closing bracket. */
static uint32_t skip(const struct builder *b, uint32_t i)
{
	const struct br_token *t = &b->tokens.t[i];

	return t->kind == BR_TOKEN_OPEN && t->match != BR_NO_MATCH ? t->match + 1 : i + 1;
}

static bool closes_statement(const struct builder *b, uint32_t i, uint32_t next, uint32_t to)
{
	if (is_char(b, i, ';') || b->tokens.t[i].kind == BR_TOKEN_DIRECTIVE)
		return true;
	return next > i + 1 && is_char(b, i, '{') && (next >= to || has_line_end(b, next));
}

/* Statements, unless nothing ends one and commas stand between: an initialiser, an enumeration. */
static enum style style_of_braces(const struct builder *b, uint32_t from, uint32_t to)
{
	bool comma = false;

	if (b->lang == BR_LANG_JSON || b->lang == BR_LANG_PYTHON || b->lang == BR_LANG_YAML)
		return BY_COMMA;
	for (uint32_t i = from; i < to; i = skip(b, i)) {
		if (is_char(b, i, ';'))
			return BY_STATEMENT;
		comma |= is_char(b, i, ',');
	}
	return comma ? BY_COMMA : BY_STATEMENT;
}

static void push(struct builder *b, uint32_t open, const struct group *outer)
{
	uint32_t from = open + 1, to = b->tokens.t[open].match;
	struct group g = {.from = from, .to = to, .depth = outer->depth, .level = outer->level + 1};

	if (g.level > DEEPEST)
		return;
	g.soft = !is_hard(b, open);
	g.depth += !g.soft;
	g.style = BY_COMMA;
	if (b->lang == BR_LANG_LISP)
		g.style = BY_ATOM;
	else if (is_char(b, open, '{'))
		g.style = style_of_braces(b, from, to);
	br_grow(&b->todo, b->ntodo, &b->cap);
	b->todo[b->ntodo++] = g;
}

static struct br_span span_of(const struct builder *b, uint32_t from, uint32_t to)
{
	return (struct br_span){b->tokens.t[from].a, b->tokens.t[to - 1].b};
}

/* Finds the value, the block and the groups within; `from` to `to` are the element's tokens. */
static void look_inside(struct builder *b, struct br_element *e, uint32_t from, uint32_t to,
			const struct group *g)
{
	uint32_t first = from, last = to;
	size_t most = 0;
	bool hard = false;

	while (first < last && b->tokens.t[first].kind == BR_TOKEN_SPACE)
		first++;
	while (last > first && b->tokens.t[last - 1].kind == BR_TOKEN_SPACE)
		last--;
	e->value = first < last ? span_of(b, first, last) : (struct br_span){e->all.a, e->all.a};
	for (uint32_t i = first; i < last; i = skip(b, i)) {
		const struct br_token *t = &b->tokens.t[i];
		size_t end;

		if (is_char(b, i, ':') && b->lang == BR_LANG_JSON && i + 1 < last) {
			uint32_t v = i + 1;

			while (v + 1 < last && b->tokens.t[v].kind == BR_TOKEN_SPACE)
				v++;
			e->value.a = b->tokens.t[v].a;
		}
		if (t->kind != BR_TOKEN_OPEN || t->match == BR_NO_MATCH)
			continue;
		end = b->tokens.t[t->match].b;
		push(b, i, g);
		if (is_char(b, i, '(') && end - 1 - t->b > e->paren.b - e->paren.a)
			e->paren = (struct br_span){t->b, end - 1};
		if (end - t->a > most || is_hard(b, i) > hard) {
			most = end - t->a;
			hard = is_hard(b, i);
			e->block = (struct br_span){t->a, end};
			e->inside = (struct br_span){t->b, end - 1};
		}
	}
}

static void add(struct builder *b, const struct group *g, uint32_t from, uint32_t to, uint32_t list,
		bool separated)
{
	struct br_element e = {.depth = g->depth, .level = g->level, .soft = g->soft, .list = list};

	if (from >= to)
		return;
	e.all = span_of(b, from, to);
	if (separated)
		e.sep = span_of(b, to, to + 1);
	look_inside(b, &e, from, to, g);
	e.first = b->tree->n == 0 || b->tree->e[b->tree->n - 1].list != list;
	(void)br_tree_add(b->tree, e);
}

static bool all_blank(const struct builder *b, uint32_t from, uint32_t to)
{
	while (from < to && b->tokens.t[from].kind == BR_TOKEN_SPACE)
		from++;
	return from >= to;
}

static void split_by_comma(struct builder *b, const struct group *g)
{
	uint32_t start = g->from, list = ++b->tree->nlist;

	for (uint32_t i = g->from; i < g->to; i = skip(b, i)) {
		if (!is_char(b, i, ','))
			continue;
		/* The comma behind the last one belongs to it. */
		if (all_blank(b, i + 1, g->to)) {
			add(b, g, start, g->to, list, false);
			return;
		}
		add(b, g, start, i, list, true);
		start = i + 1;
	}
	if (!all_blank(b, start, g->to))
		add(b, g, start, g->to, list, false);
}

static void split_by_statement(struct builder *b, const struct group *g)
{
	uint32_t start = g->from, next;

	for (uint32_t i = g->from; i < g->to; i = next) {
		next = skip(b, i);
		if (!closes_statement(b, i, next, g->to))
			continue;
		if (next < g->to && has_line_end(b, next))
			next++;
		add(b, g, start, next, 0, false);
		start = next;
	}
	if (!all_blank(b, start, g->to))
		add(b, g, start, g->to, 0, false);
}

/* One word or group each, with the blanks and marks before it. */
static void split_by_atom(struct builder *b, const struct group *g)
{
	uint32_t start = g->from, next;

	for (uint32_t i = g->from; i < g->to; i = next) {
		const struct br_token *t = &b->tokens.t[i];

		next = skip(b, i);
		if (t->kind == BR_TOKEN_SPACE)
			continue;
		/* a-b, :key, 'x are one. */
		if (next < g->to && next == i + 1 && b->tokens.t[next].kind != BR_TOKEN_SPACE &&
		    t->kind != BR_TOKEN_COMMENT &&
		    (t->kind == BR_TOKEN_PUNCT || b->tokens.t[next].kind != BR_TOKEN_OPEN))
			continue;
		add(b, g, start, next, 0, false);
		start = next;
	}
}

/* Values that stand one after the other: JSON lines. */
static void split_by_line(struct builder *b, const struct group *g)
{
	uint32_t start = g->from;

	for (uint32_t i = g->from; i < g->to; i = skip(b, i)) {
		if (!has_line_end(b, i) || all_blank(b, start, i))
			continue;
		add(b, g, start, i + 1, 0, false);
		start = i + 1;
	}
	if (!all_blank(b, start, g->to))
		add(b, g, start, g->to, 0, false);
}

static void split(struct builder *b, const struct group *g)
{
	switch (g->style) {
	case BY_STATEMENT:
		split_by_statement(b, g);
		break;
	case BY_ATOM:
		split_by_atom(b, g);
		break;
	case BY_LINE:
		split_by_line(b, g);
		break;
	case BY_COMMA:
	default:
		split_by_comma(b, g);
		break;
	}
}

static enum style top_style(enum br_lang lang)
{
	if (lang == BR_LANG_LISP)
		return BY_ATOM;
	return lang == BR_LANG_C ? BY_STATEMENT : BY_LINE;
}

void br_tree_brackets(struct br_tree *out, enum br_lang lang, const char *data, size_t n)
{
	struct builder b = {.tree = out, .s = data, .lang = lang};
	struct group top = {.style = top_style(lang)};

	br_lex(&b.tokens, lang, data, n);
	top.to = (uint32_t)b.tokens.n;
	split(&b, &top);
	if (out->n > 0) /* the end of the last line goes with it */
		out->e[out->n - 1].all.b = n;
	while (b.ntodo > 0) {
		struct group g = b.todo[--b.ntodo];

		split(&b, &g);
	}
	free(b.todo);
	br_tokens_done(&b.tokens);
	br_tree_finish(out);
}
