/* tokens.c - cuts a line into numbers, names and operators. */
#include "calc.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct token *new_block(void)
{
	struct token *block = calloc(BLOCK, sizeof(*block));

	if (!block) {
		fputs("calc: out of memory\n", stderr);
		exit(2);
	}
	return block;
}

static void tokens_init(struct tokens *t)
{
	memset(t, 0, sizeof(*t));
}

/* Room for one more token. */
static struct token *add(struct tokens *t)
{
	size_t block = t->n / BLOCK;

	if (block >= t->nblock)
		t->block[t->nblock++] = new_block();
	return &t->block[block][t->n++ % BLOCK];
}

static size_t read_number(struct token *token, const char *at)
{
	char *end;

	token->kind = T_NUMBER;
	token->number = strtod(at, &end);
	return (size_t)(end - at);
}

static size_t read_name(struct token *token, const char *at)
{
	size_t n = 0;

	token->kind = T_NAME;
	while (isalnum((unsigned char)at[n]))
		n++;
	memcpy(token->name, at, n < NAME_MAX_LEN ? n : NAME_MAX_LEN);
	return n;
}

/* Fills the token from the text; returns its length, 0 when it is none. */
static size_t read_token(struct token *token, const char *at)
{
	if (isdigit((unsigned char)at[0]))
		return read_number(token, at);
	if (isalpha((unsigned char)at[0]))
		return read_name(token, at);
	if (!strchr("+-*/()", at[0]))
		return 0;
	token->kind = T_OP;
	token->op = at[0];
	return 1;
}

int tokens_read(struct tokens *t, const char *line, const char **error)
{
	const char *at = line;
	struct token *token;
	size_t n;

	tokens_init(t);
	for (;;) {
		while (isspace((unsigned char)*at))
			at++;
		if (t->n == BLOCK * MAX_BLOCKS) {
			*error = "the line is too long";
			return -1;
		}
		token = add(t);
		token->kind = T_END;
		token->column = (int)(at - line) + 1;
		if (*at == '\0')
			return 0;
		n = read_token(token, at);
		if (n == 0) {
			*error = "unexpected character";
			return -1;
		}
		at += n;
	}
}

const struct token *tokens_at(const struct tokens *t, size_t i)
{
	return &t->block[i / BLOCK][i % BLOCK];
}

void tokens_free(struct tokens *t)
{
	for (size_t i = 0; i < t->nblock; i++)
		free(t->block[i]);
}
