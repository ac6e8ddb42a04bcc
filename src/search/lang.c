/* lang.c - guesses from the content what a file is. A wrong guess costs runs, never the result. */
#include "search/lex.h"

#include <string.h>

enum { LOOKED_AT = 1 << 16 };

/* Counts over the first LOOKED_AT bytes. */
struct traits {
	size_t n, lines, controls, braces, parens, semicolons, tags;
	size_t colons_at_end, keys, dashes, indented, lines_of_code; /* lines */
	char first;						     /* that is not blank */
	char second;
};

static bool begins(const char *s, size_t n, const char *word)
{
	size_t k = strlen(word);

	return n >= k && memcmp(s, word, k) == 0;
}

static void look_at_line(struct traits *t, const char *s, size_t n)
{
	static const char *const words[] = {"def ", "class ", "import ", "from ", "for ",
					    "if ",  "while ", "try:",	 "@"};
	size_t indent = 0, i;

	while (n > 0 && (s[n - 1] == ' ' || s[n - 1] == '\r'))
		n--;
	while (indent < n && (s[indent] == ' ' || s[indent] == '\t'))
		indent++;
	if (indent == n)
		return;
	t->lines++;
	t->indented += indent > 0;
	t->colons_at_end += s[n - 1] == ':';
	t->dashes += begins(s + indent, n - indent, "- ");
	for (i = indent; i < n && s[i] != ':' && s[i] != ' ' && s[i] != '(' && s[i] != '{'; i++)
		;
	t->keys += i < n && s[i] == ':' && (i + 1 == n || s[i + 1] == ' ');
	for (i = 0; i < sizeof words / sizeof *words; i++)
		t->lines_of_code += begins(s + indent, n - indent, words[i]);
}

static void look_at_byte(struct traits *t, char c, char next)
{
	bool blank = c == ' ' || c == '\n' || c == '\r' || c == '\t';

	if (!t->first && !blank) {
		t->first = c;
		t->second = next;
	}
	t->controls += (unsigned char)c < 32 && !blank && c != '\f' && c != '\033' && c != '\v';
	t->braces += c == '{' || c == '}';
	t->parens += c == '(' || c == ')';
	t->semicolons += c == ';';
	t->tags += c == '<' && (next == '/' || (next >= 'a' && next <= 'z') || (next >= 'A' && next <= 'Z'));
}

static void look(struct traits *t, const char *s, size_t n)
{
	size_t start = 0;

	t->n = n;
	for (size_t i = 0; i < n; i++) {
		look_at_byte(t, s[i], i + 1 < n ? s[i + 1] : '\0');
		if (s[i] == '\n' || i + 1 == n) {
			look_at_line(t, s + start, i - start + (s[i] != '\n'));
			start = i + 1;
		}
	}
}

/* Comments in front of the first expression. */
static bool is_lisp(const struct traits *t)
{
	return (t->first == '(' || (t->first == ';' && t->parens * 10 > t->n)) &&
	       t->braces * 10 <= t->parens && t->parens * 40 > t->n;
}

static bool is_json(const struct traits *t)
{
	if (t->first == '[')
		return t->second != '[' || t->semicolons == 0;
	return t->first == '{' && t->semicolons * 20 <= t->n && strchr("\"}\n\r\t ", t->second);
}

enum br_lang br_lang_of(const char *data, size_t n)
{
	struct traits t = {0};

	look(&t, data, n < LOOKED_AT ? n : LOOKED_AT);
	if (n > 0 && (memchr(data, '\0', t.n) || t.controls * 20 > t.n))
		return BR_LANG_BINARY;
	if (is_json(&t))
		return BR_LANG_JSON;
	if (t.first == '<' && t.tags > 0)
		return BR_LANG_MARKUP;
	if (is_lisp(&t))
		return BR_LANG_LISP;
	if (t.colons_at_end > 0 && t.lines_of_code * 20 >= t.lines && t.semicolons * 4 < t.lines)
		return BR_LANG_PYTHON;
	if ((t.keys + t.dashes) * 2 > t.lines && t.semicolons * 10 < t.lines && (t.indented || t.dashes))
		return BR_LANG_YAML;
	if (t.braces >= 2 && (t.semicolons || t.braces * 8 > t.lines))
		return BR_LANG_C;
	return BR_LANG_TEXT;
}
