/* tree_indents.c - the tree that indentation makes: a line, and the deeper lines below it. */
#include "search/tree.h"

#include "base/mem.h"

#include <string.h>

enum { TAB = 8 };

struct line {
	struct br_span all; /* with its end */
	size_t text;	    /* where the blanks end */
	uint32_t indent;
	bool blank;
};

static struct line line_at(const char *s, size_t n, size_t a)
{
	const char *end = memchr(s + a, '\n', n - a);
	struct line l = {.all = {a, end ? (size_t)(end - s) + 1 : n}};

	for (l.text = a; l.text < l.all.b && (s[l.text] == ' ' || s[l.text] == '\t'); l.text++)
		l.indent += s[l.text] == '\t' ? TAB - l.indent % TAB : 1;
	l.blank = l.text == l.all.b || s[l.text] == '\n' || s[l.text] == '\r';
	return l;
}

/* Lines that are still open: deeper ones may follow. */
struct open_line {
	uint32_t element, indent;
	size_t header_end;
};

struct builder {
	struct br_tree *tree;
	struct open_line *open;
	size_t nopen, cap;
};

static void close_down_to(struct builder *b, uint32_t indent, size_t at)
{
	while (b->nopen > 0 && b->open[b->nopen - 1].indent >= indent) {
		const struct open_line *o = &b->open[--b->nopen];
		struct br_element *e = &b->tree->e[o->element];

		e->all.b = e->value.b = at;
		if (o->header_end < at)
			e->block = e->inside = (struct br_span){o->header_end, at};
	}
}

static void add_line(struct builder *b, const struct line *l)
{
	struct br_element e = {.all = l->all, .value = {l->text, l->all.b}, .indent = l->indent};

	close_down_to(b, l->indent, l->all.a);
	e.depth = e.level = (uint32_t)b->nopen;
	if (b->nopen > 0) {
		const struct open_line *o = &b->open[b->nopen - 1];

		e.first = o->header_end == l->all.a;
	}
	br_grow(&b->open, b->nopen, &b->cap);
	b->open[b->nopen++] = (struct open_line){br_tree_add(b->tree, e), l->indent, l->all.b};
}

/* Blank lines belong to what stands before them. */
void br_tree_indents(struct br_tree *out, const char *data, size_t n)
{
	struct builder b = {.tree = out};

	out->indented = true;
	for (size_t a = 0; a < n;) {
		struct line l = line_at(data, n, a);

		a = l.all.b;
		if (!l.blank)
			add_line(&b, &l);
	}
	close_down_to(&b, 0, n);
	free(b.open);
	br_tree_finish(out);
}
