/* lex.h - what a file's content looks like, and its tokens. Never fails: what is not understood is punctuation. */
#ifndef BR_LEX_H
#define BR_LEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum br_lang {
	BR_LANG_BINARY,
	BR_LANG_TEXT, /* no structure that we know */
	BR_LANG_JSON,
	BR_LANG_MARKUP, /* XML, HTML */
	BR_LANG_C,	/* braces and semicolons */
	BR_LANG_PYTHON,
	BR_LANG_LISP,
	BR_LANG_YAML,
};

/* By the content alone. */
enum br_lang br_lang_of(const char *data, size_t n);

enum br_token_kind {
	BR_TOKEN_SPACE, /* blanks and ends of lines */
	BR_TOKEN_WORD,
	BR_TOKEN_NUMBER,
	BR_TOKEN_STRING,
	BR_TOKEN_OPEN,
	BR_TOKEN_CLOSE,
	BR_TOKEN_COMMENT,
	BR_TOKEN_DIRECTIVE, /* a line of the C preprocessor without its end */
	BR_TOKEN_PUNCT,
};

#define BR_NO_MATCH UINT32_MAX

struct br_token {
	size_t a, b;
	enum br_token_kind kind;
	uint32_t match; /* open, close: the token of the other bracket; BR_NO_MATCH: there is none */
};

/* Tokens cover the text without gaps. */
struct br_tokens {
	struct br_token *t;
	size_t n, cap;
};

void br_lex(struct br_tokens *out, enum br_lang lang, const char *data, size_t n);
void br_tokens_done(struct br_tokens *tokens);

#endif
