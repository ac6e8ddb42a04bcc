/* tree_tags.c - the tree of XML and HTML: tags with what they enclose, texts between them, attributes. */
#include "search/tree.h"

#include "base/mem.h"

#include <string.h>

enum { DEEPEST = 400 };

struct open_tag {
	uint32_t element;
	size_t name, nname, inside;
};

struct builder {
	struct br_tree *tree;
	const char *s;
	size_t n;
	struct open_tag *open;
	size_t nopen, cap;
};

static bool starts(const struct builder *b, size_t i, const char *text)
{
	size_t n = strlen(text);

	return b->n - i >= n && memcmp(b->s + i, text, n) == 0;
}

static size_t behind(const struct builder *b, size_t i, const char *text)
{
	while (i < b->n && !starts(b, i, text))
		i++;
	return i < b->n ? i + strlen(text) : b->n;
}

static bool is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
	       c == '-' || c == ':' || c == '.' || (unsigned char)c >= 0x80;
}

/* Behind the '>' of the tag at i; '>' in quotes does not count. */
static size_t tag_end(const struct builder *b, size_t i)
{
	char quote = '\0';

	for (size_t k = i + 1; k < b->n; k++) {
		char c = b->s[k];

		if (quote)
			quote = c == quote ? '\0' : quote;
		else if (c == '"' || c == '\'')
			quote = c;
		else if (c == '>')
			return k + 1;
		else if (c == '<')
			return k;
	}
	return b->n;
}

static uint32_t add(struct builder *b, size_t a, size_t end)
{
	uint32_t depth = (uint32_t)b->nopen;

	return br_tree_add(
		b->tree,
		(struct br_element){.all = {a, end}, .value = {a, end}, .depth = depth, .level = depth});
}

/* Each attribute with the blanks before it. */
static void add_attributes(struct builder *b, size_t i, size_t end)
{
	while (i < end) {
		size_t a = i;
		uint32_t k;
		char quote = '\0';

		while (i < end && strchr(" \t\r\n/", b->s[i]) && b->s[i])
			i++;
		if (i >= end || b->s[i] == '>')
			return;
		for (; i < end && (quote || !strchr(" \t\r\n>", b->s[i]) || !b->s[i]); i++) {
			if (quote)
				quote = b->s[i] == quote ? '\0' : quote;
			else if (b->s[i] == '"' || b->s[i] == '\'')
				quote = b->s[i];
		}
		k = add(b, a, i); /* may move the array */
		b->tree->e[k].soft = true;
		b->tree->e[k].level++;
	}
}

static void open_tag(struct builder *b, size_t a, size_t end)
{
	struct open_tag o = {.name = a + 1, .inside = end};

	while (o.name + o.nname < end && is_name(b->s[o.name + o.nname]))
		o.nname++;
	o.element = add(b, a, end);
	add_attributes(b, o.name + o.nname, end - 1);
	if (b->s[end - 2] == '/' || b->nopen >= DEEPEST)
		return;
	br_grow(&b->open, b->nopen, &b->cap);
	b->open[b->nopen++] = o;
}

/* What was opened and never closed (<br>, <p>), from the open tag k on, has no content: its members go up. */
static void lift_members(struct builder *b, size_t from, size_t k)
{
	for (size_t i = from; i < b->tree->n && k < b->nopen; i++) {
		struct br_element *e = &b->tree->e[i];
		uint32_t up = 0;

		for (size_t o = k; o < b->nopen; o++)
			up += b->open[o].element < i && e->all.a >= b->open[o].inside;
		e->depth -= up;
		e->level -= up;
	}
}

static void close_tag(struct builder *b, size_t a, size_t end)
{
	size_t k = b->nopen, n = 0;
	struct br_element *e;

	while (a + 2 + n < end && is_name(b->s[a + 2 + n]))
		n++;
	while (k > 0 &&
	       (b->open[k - 1].nname != n || memcmp(b->s + b->open[k - 1].name, b->s + a + 2, n) != 0))
		k--;
	if (k == 0) {
		(void)add(b, a, end);
		return;
	}
	lift_members(b, b->open[k - 1].element + 1, k);
	b->nopen = k - 1;
	e = &b->tree->e[b->open[k - 1].element];
	e->all.b = e->value.b = end;
	e->inside = (struct br_span){b->open[k - 1].inside, a};
	e->block = e->all;
}

static size_t add_markup(struct builder *b, size_t i)
{
	size_t end;

	if (starts(b, i, "<!--"))
		end = behind(b, i + 4, "-->");
	else if (starts(b, i, "<![CDATA["))
		end = behind(b, i, "]]>");
	else
		end = tag_end(b, i);
	if (starts(b, i, "</") && end > i + 2)
		close_tag(b, i, end);
	else if (end > i + 2 && is_name(b->s[i + 1]) && b->s[end - 1] == '>')
		open_tag(b, i, end);
	else
		(void)add(b, i, end);
	return end;
}

void br_tree_tags(struct br_tree *out, const char *data, size_t n)
{
	struct builder b = {.tree = out, .s = data, .n = n};

	for (size_t i = 0; i < n;) {
		const char *next = memchr(data + i, '<', n - i);
		size_t end = next ? (size_t)(next - data) : n;

		if (end > i)
			(void)add(&b, i, end);
		i = end < n ? add_markup(&b, end) : n;
	}
	lift_members(&b, 0, 0);
	free(b.open);
	br_tree_finish(out);
}
