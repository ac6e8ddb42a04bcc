/* units_names.c - identifiers become one letter, each everywhere at once and in all files. */
#include "search/units_private.h"

#include "base/mem.h"

#include <string.h>

/* One occurrence of a word. */
struct place {
	const char *word;
	size_t n, a;
	uint32_t file;
};

struct places {
	struct place *p;
	size_t n, cap;
};

static int same_words_together(const void *left, const void *right)
{
	const struct place *x = left, *y = right;
	int order = memcmp(x->word, y->word, x->n < y->n ? x->n : y->n);

	if (order != 0 || x->n != y->n)
		return order != 0 ? order : x->n < y->n ? -1 : 1;
	if (x->file != y->file)
		return x->file < y->file ? -1 : 1;
	return (x->a > y->a) - (x->a < y->a);
}

/* Words that many languages keep for themselves: renaming one never helps. */
static bool is_keyword(const char *word, size_t n)
{
	static const char *const words[] = {
		"and",	     "as",     "assert",   "auto",     "break",	  "case",     "catch",	  "char",
		"class",     "const",  "continue", "def",      "default", "del",      "do",	  "double",
		"elif",	     "else",   "enum",	   "except",   "extern",  "false",    "False",	  "finally",
		"float",     "fn",     "for",	   "from",     "func",	  "function", "goto",	  "if",
		"import",    "in",     "int",	   "is",       "lambda",  "let",      "long",	  "match",
		"namespace", "new",    "None",	   "nonlocal", "not",	  "null",     "or",	  "pass",
		"private",   "public", "raise",	   "return",   "short",	  "signed",   "sizeof",	  "static",
		"struct",    "switch", "template", "this",     "throw",	  "true",     "True",	  "try",
		"typedef",   "union",  "unsigned", "using",    "var",	  "void",     "volatile", "while",
		"with",	     "yield",
	};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strlen(words[i]) == n && memcmp(words[i], word, n) == 0)
			return true;
	return false;
}

static void gather(struct places *out, uint32_t file, const struct br_part *part, enum br_lang lang)
{
	struct br_tokens tokens;

	br_lex(&tokens, lang, part->data, part->n);
	for (size_t i = 0; i < tokens.n; i++) {
		const struct br_token *t = &tokens.t[i];

		if (t->kind != BR_TOKEN_WORD)
			continue;
		br_grow(&out->p, out->n, &out->cap);
		out->p[out->n++] = (struct place){part->data + t->a, t->b - t->a, t->a, file};
	}
	br_tokens_done(&tokens);
}

static const char LETTERS[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/* Letters that are words already are taken. */
static void mark_taken(const struct places *places, bool *taken)
{
	for (size_t i = 0; i < places->n; i++) {
		const char *at = places->p[i].n == 1 ? strchr(LETTERS, places->p[i].word[0]) : NULL;

		if (at)
			taken[at - LETTERS] = true;
	}
}

static char next_letter(bool *taken)
{
	for (size_t i = 0; i + 1 < sizeof LETTERS; i++)
		if (!taken[i]) {
			taken[i] = true;
			return LETTERS[i];
		}
	return '\0';
}

void br_units_names(struct br_plan *plan, const struct br_doc *doc, const enum br_lang *lang)
{
	struct places all = {0};
	bool taken[sizeof LETTERS] = {false};

	for (uint32_t f = 0; f < doc->npart; f++)
		if (!doc->part[f].gone && lang[f] != BR_LANG_BINARY)
			gather(&all, f, &doc->part[f], lang[f]);
	if (all.n > 1)
		qsort(all.p, all.n, sizeof *all.p, same_words_together);
	mark_taken(&all, taken);
	for (size_t i = 0, end; i < all.n; i = end) {
		char name[2] = {'\0', '\0'};

		for (end = i; end < all.n && all.p[end].n == all.p[i].n &&
			      memcmp(all.p[end].word, all.p[i].word, all.p[i].n) == 0;
		     end++)
			;
		if (all.p[i].n < 2 || is_keyword(all.p[i].word, all.p[i].n) ||
		    (name[0] = next_letter(taken)) == '\0')
			continue;
		br_plan_unit(plan);
		for (size_t k = i; k < end; k++)
			br_plan_replace(plan, all.p[k].file, all.p[k].a, all.p[k].a + all.p[k].n, name);
	}
	free(all.p);
}
