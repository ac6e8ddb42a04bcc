/*
 * outline.c - where functions begin and end in a source, by indentation alone: good enough for C, C++, Python, Rust, Go, Java as people
 * format them, and only ever used to say whether a diff touches a function.
 */
#include "bisect_run/profile_diff.h"

#include <ctype.h>
#include <string.h>

enum { TAB = 8 };

struct line {
	const char *at;
	size_t n;
	size_t indent;	  /* columns */
	const char *text; /* after the indentation; n > 0: of `left` bytes */
	size_t left;
};

/* Reads the line at *at and goes on to the next. False: the end. */
static bool next(const char **at, struct line *l)
{
	if (!**at)
		return false;
	l->at = *at;
	l->n = strcspn(*at, "\n");
	l->indent = 0;
	l->text = l->at;
	while (*l->text == ' ' || *l->text == '\t')
		l->indent += *l->text++ == '\t' ? TAB - l->indent % TAB : 1;
	l->left = (size_t)(l->at + l->n - l->text);
	*at += l->n + ((*at)[l->n] == '\n');
	return true;
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '$';
}

/* "out:" and "public:" end no function. */
static bool is_label(const struct line *l)
{
	size_t n = 0;

	while (n < l->left && is_word(l->text[n]))
		n++;
	return n > 0 && n < l->left && l->text[n] == ':' && (n + 1 == l->left || l->text[n + 1] == ' ');
}

static bool begins_something(const struct line *l)
{
	return l->left > 0 && (is_word(*l->text) || *l->text == '@') && !is_label(l);
}

uint32_t br_outline_end(const char *text, uint32_t start)
{
	struct line l;
	size_t indent = 0;
	uint32_t number = 0, last = 0;

	while (next(&text, &l)) {
		number++;
		if (number == start) {
			indent = l.indent;
			last = number;
		}
		if (number <= start || l.left == 0 || l.indent > indent) {
			if (number > start && l.left > 0)
				last = number;
			continue;
		}
		if (*l.text == '}')
			return number;
		if (begins_something(&l))
			return last;
	}
	return last;
}

/* The name stands as a word, and what follows is its parameters. */
static bool defines(const struct line *l, const char *function, size_t n)
{
	for (size_t i = 0; i + n < l->n; i++) {
		const char *at = l->at + i;
		size_t after = n;

		if (strncmp(at, function, n) != 0 || (i > 0 && is_word(at[-1])) || is_word(at[n]))
			continue;
		while (at[after] == ' ')
			after++;
		return at[after] == '(' && memchr(l->at, ';', l->n) == NULL && memchr(l->at, '=', i) == NULL;
	}
	return false;
}

/* "f" of "ns::c::f(int)" and "f<int>". */
static const char *bare_name(const char *function, size_t *n)
{
	*n = strcspn(function, "(<");
	for (size_t i = *n; i > 2; i--)
		if (function[i - 1] == ':' && function[i - 2] == ':') {
			*n -= i;
			return function + i;
		}
	return function;
}

uint32_t br_outline_find(const char *text, const char *function)
{
	size_t n;
	struct line l;
	uint32_t number = 0;

	function = bare_name(function, &n);
	while (n > 0 && next(&text, &l)) {
		number++;
		if (l.indent == 0 && l.left > 0 && is_word(*l.text) && defines(&l, function, n))
			return number;
	}
	return 0;
}
