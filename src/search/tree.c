/* tree.c - the structure of one file: elements within elements, however its language writes them. */
#include "search/tree.h"

#include "base/mem.h"

#include <string.h>

enum { MOST = 1 << 25 }; /* bytes: larger files have lines only */

uint32_t br_tree_add(struct br_tree *tree, struct br_element element)
{
	br_grow(&tree->e, tree->n, &tree->cap);
	element.parent = BR_NO_ELEMENT;
	tree->e[tree->n] = element;
	return (uint32_t)tree->n++;
}

static int by_place(const void *left, const void *right)
{
	const struct br_element *x = left, *y = right;

	if (x->all.a != y->all.a)
		return x->all.a < y->all.a ? -1 : 1;
	if (x->all.b != y->all.b)
		return x->all.b > y->all.b ? -1 : 1;
	return (x->level > y->level) - (x->level < y->level);
}

/* The parent is the nearest one before it that encloses it. */
static void link_parents(struct br_tree *tree)
{
	br_auto_free uint32_t *open = br_calloc(tree->n + 1, sizeof *open);
	size_t depth = 0;

	for (uint32_t i = 0; i < tree->n; i++) {
		while (depth > 0 && tree->e[open[depth - 1]].all.b < tree->e[i].all.b)
			depth--;
		while (depth > 0 && tree->e[open[depth - 1]].all.b <= tree->e[i].all.a)
			depth--;
		tree->e[i].parent = depth > 0 ? open[depth - 1] : BR_NO_ELEMENT;
		open[depth++] = i;
	}
}

void br_tree_finish(struct br_tree *tree)
{
	if (tree->n > 1)
		qsort(tree->e, tree->n, sizeof *tree->e, by_place);
	link_parents(tree);
	for (size_t i = 0; i < tree->n; i++) {
		const struct br_element *e = &tree->e[i];

		if (!e->soft && e->depth + 1 > tree->depths)
			tree->depths = e->depth + 1;
		if (e->level + 1 > tree->levels)
			tree->levels = e->level + 1;
	}
}

void br_tree_build(struct br_tree *out, enum br_lang lang, const char *data, size_t n)
{
	memset(out, 0, sizeof *out);
	if (n > MOST || lang == BR_LANG_BINARY)
		return;
	if (lang == BR_LANG_MARKUP)
		br_tree_tags(out, data, n);
	else if (lang == BR_LANG_PYTHON || lang == BR_LANG_YAML)
		br_tree_indents(out, data, n);
	else
		br_tree_brackets(out, lang, data, n);
}

void br_tree_done(struct br_tree *tree)
{
	free(tree->e);
	memset(tree, 0, sizeof *tree);
}
