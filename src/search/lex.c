/* lex.c - tokens of about any language: words, numbers, strings, comments, brackets. */
#include "search/lex.h"

#include "base/mem.h"

#include <string.h>

struct lexer {
	const char *s;
	size_t n;
	enum br_lang lang;
	bool line_start; /* only blanks since the last end of line */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Bytes beyond ASCII are letters: an UTF-8 character is never cut. */
static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' ||
	       (unsigned char)c >= 0x80;
}

static bool starts(const struct lexer *x, size_t i, const char *text)
{
	size_t n = strlen(text);

	return x->n - i >= n && memcmp(x->s + i, text, n) == 0;
}

static size_t to_line_end(const struct lexer *x, size_t i)
{
	const char *end = i < x->n ? memchr(x->s + i, '\n', x->n - i) : NULL;

	return end ? (size_t)(end - x->s) : x->n;
}

/* Behind the next occurrence of text, or at the end. */
static size_t behind(const struct lexer *x, size_t i, const char *text)
{
	while (i < x->n && !starts(x, i, text))
		i++;
	return i < x->n ? i + strlen(text) : x->n;
}

static bool is_line_comment(const struct lexer *x, size_t i)
{
	switch (x->lang) {
	case BR_LANG_C:
		return starts(x, i, "//");
	case BR_LANG_PYTHON:
		return x->s[i] == '#';
	case BR_LANG_YAML:
		return x->s[i] == '#' && (i == 0 || is_blank(x->s[i - 1]));
	case BR_LANG_LISP:
		return x->s[i] == ';';
	case BR_LANG_JSON:
	case BR_LANG_MARKUP:
	case BR_LANG_TEXT:
	case BR_LANG_BINARY:
	default:
		return false;
	}
}

static size_t string_end(const struct lexer *x, size_t i)
{
	char quote = x->s[i];
	const char triple[4] = {quote, quote, quote, '\0'};

	if (x->lang == BR_LANG_PYTHON && starts(x, i, triple))
		return behind(x, i + 3, triple);
	for (size_t k = i + 1; k < x->n && (x->s[k] != '\n' || x->lang == BR_LANG_LISP); k++) {
		if (x->s[k] == quote)
			return k + 1;
		if (x->s[k] == '\\')
			k++;
	}
	return i + 1; /* no end in sight: a mark like any other */
}

static bool opens_string(const struct lexer *x, char c)
{
	if (c == '"')
		return true;
	return c == '\'' && (x->lang == BR_LANG_C || x->lang == BR_LANG_PYTHON || x->lang == BR_LANG_YAML ||
			     x->lang == BR_LANG_MARKUP);
}

/* A directive goes on behind a backslash at the end of a line. */
static size_t directive_end(const struct lexer *x, size_t i)
{
	size_t end = to_line_end(x, i);

	while (end < x->n && x->s[end - 1] == '\\')
		end = to_line_end(x, end + 1);
	return end;
}

static size_t number_end(const struct lexer *x, size_t i)
{
	while (i < x->n &&
	       (is_digit(x->s[i]) || is_letter(x->s[i]) || x->s[i] == '.' ||
		((x->s[i] == '-' || x->s[i] == '+') && (x->s[i - 1] == 'e' || x->s[i - 1] == 'E'))))
		i++;
	return i;
}

static size_t word_end(const struct lexer *x, size_t i)
{
	while (i < x->n && (is_letter(x->s[i]) || is_digit(x->s[i])))
		i++;
	return i;
}

static size_t space_end(const struct lexer *x, size_t i)
{
	while (i < x->n && is_blank(x->s[i]))
		i++;
	return i;
}

static struct br_token next_token(const struct lexer *x, size_t i)
{
	char c = x->s[i];
	struct br_token t = {.a = i, .b = i + 1, .kind = BR_TOKEN_PUNCT, .match = BR_NO_MATCH};

	if (is_blank(c)) {
		t.kind = BR_TOKEN_SPACE;
		t.b = space_end(x, i);
	} else if (x->lang == BR_LANG_C && c == '#' && x->line_start) {
		t.kind = BR_TOKEN_DIRECTIVE;
		t.b = directive_end(x, i);
	} else if (is_line_comment(x, i)) {
		t.kind = BR_TOKEN_COMMENT;
		t.b = to_line_end(x, i);
	} else if (x->lang == BR_LANG_C && starts(x, i, "/*")) {
		t.kind = BR_TOKEN_COMMENT;
		t.b = behind(x, i + 2, "*/");
	} else if (opens_string(x, c) && string_end(x, i) > i + 1) {
		t.kind = BR_TOKEN_STRING;
		t.b = string_end(x, i);
	} else if (is_digit(c) ||
		   (c == '-' && i + 1 < x->n && is_digit(x->s[i + 1]) && x->lang == BR_LANG_JSON)) {
		t.kind = BR_TOKEN_NUMBER;
		t.b = number_end(x, i + 1);
	} else if (is_letter(c)) {
		t.kind = BR_TOKEN_WORD;
		t.b = word_end(x, i);
	} else if (c == '(' || c == '[' || c == '{') {
		t.kind = BR_TOKEN_OPEN;
	} else if (c == ')' || c == ']' || c == '}') {
		t.kind = BR_TOKEN_CLOSE;
	}
	return t;
}

static char closing(char open)
{
	return open == '(' ? ')' : open == '[' ? ']' : '}';
}

/* Pairs up brackets. A closing one without its opening one stays alone, and so does what is left open inside a pair. */
static void pair_up(struct br_tokens *tokens, const char *s)
{
	br_auto_free uint32_t *open = br_calloc(tokens->n + 1, sizeof *open);
	size_t depth = 0;

	for (uint32_t i = 0; i < tokens->n; i++) {
		struct br_token *t = &tokens->t[i];
		size_t k = depth;

		if (t->kind == BR_TOKEN_OPEN)
			open[depth++] = i;
		if (t->kind != BR_TOKEN_CLOSE)
			continue;
		/* Not further than a few: a file full of strays would cost its square. */
		while (k > 0 && depth - k < 16 && closing(s[tokens->t[open[k - 1]].a]) != s[t->a])
			k--;
		if (k == 0 || closing(s[tokens->t[open[k - 1]].a]) != s[t->a])
			continue;
		depth = k - 1;
		t->match = open[depth];
		tokens->t[open[depth]].match = i;
	}
}

void br_lex(struct br_tokens *out, enum br_lang lang, const char *data, size_t n)
{
	struct lexer x = {.s = data, .n = n, .lang = lang, .line_start = true};

	memset(out, 0, sizeof *out);
	for (size_t i = 0; i < n;) {
		struct br_token t = next_token(&x, i);

		br_grow(&out->t, out->n, &out->cap);
		out->t[out->n++] = t;
		if (t.kind == BR_TOKEN_SPACE)
			x.line_start |= memchr(data + t.a, '\n', t.b - t.a) != NULL;
		else
			x.line_start = false;
		i = t.b;
	}
	pair_up(out, data);
}

void br_tokens_done(struct br_tokens *tokens)
{
	free(tokens->t);
	memset(tokens, 0, sizeof *tokens);
}
