/* tree.h - the structure of one file: elements within elements, however its language writes them. */
#ifndef BR_TREE_H
#define BR_TREE_H

#include "search/lex.h"

struct br_tree;

/* Half open. */
struct br_span {
	size_t a, b;
};

#define BR_NO_ELEMENT UINT32_MAX

/*
 * A statement, a member of a list, a tag with what it encloses, a line with the deeper lines below it. Elements of the same depth
 * do not overlap; neither do soft ones of the same level.
 */
struct br_element {
	struct br_span all;    /* with the blanks before it; without its separator */
	struct br_span sep;    /* the separator behind it; empty: none */
	struct br_span value;  /* what it is worth by itself: without blanks, and without "key:" */
	struct br_span block;  /* its largest inner group with the brackets; empty: none */
	struct br_span inside; /* of the block */
	struct br_span paren;  /* inside of its largest parentheses; empty: none */
	uint32_t list;	       /* 1..nlist: the list it is a member of; 0: none */
	uint32_t parent;       /* the element whose block it is in; BR_NO_ELEMENT */
	uint32_t depth;	       /* enclosing blocks that are not soft */
	uint32_t level;	       /* enclosing groups */
	uint32_t indent;       /* indented trees: columns in front of it */
	bool soft;	       /* within parentheses of a statement, an attribute: looked at after the rest */
	bool first;	       /* of its list */
};

/* In the order of the text, outer ones before inner ones. */
struct br_tree {
	struct br_element *e;
	size_t n, cap;
	uint32_t nlist;
	uint32_t depths, levels; /* one more than the deepest */
	bool indented;		 /* blocks are what is deeper: see br_element.indent */
};

/* The tree in the language's own way. Nesting deeper than a few hundred is not looked into. */
void br_tree_build(struct br_tree *out, enum br_lang lang, const char *data, size_t n);
void br_tree_done(struct br_tree *tree);

/* The ways themselves. */
void br_tree_brackets(struct br_tree *out, enum br_lang lang, const char *data, size_t n);
void br_tree_indents(struct br_tree *out, const char *data, size_t n);
void br_tree_tags(struct br_tree *out, const char *data, size_t n);

/* For those who build: adds an element and returns its number. */
uint32_t br_tree_add(struct br_tree *tree, struct br_element element);
/* Brings the elements into the order above and links parents by position. */
void br_tree_finish(struct br_tree *tree);

#endif
