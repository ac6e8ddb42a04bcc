/* calc.h - a line of text becomes tokens, the tokens become a value. */
#ifndef CALC_H
#define CALC_H

#include <stddef.h>

#define NAME_MAX_LEN 15

enum kind { T_NUMBER, T_NAME, T_OP, T_END };

struct token {
	enum kind kind;
	double number;
	char name[NAME_MAX_LEN + 1];
	char op;
	int column;
};

/* Tokens lie in blocks, so that a pointer to one stays valid while more are added. */
#define BLOCK 64
#define MAX_BLOCKS 64

struct tokens {
	struct token *block[MAX_BLOCKS];
	size_t nblock;
	size_t n;
};

/* Each returns 0, or -1 with *error set to a text. */
int tokens_read(struct tokens *t, const char *line, const char **error);
int calc_eval(const char *line, double *value, const char **error);

const struct token *tokens_at(const struct tokens *t, size_t i);
void tokens_free(struct tokens *t);

typedef double (*calc_function)(double);

calc_function find_function(const char *name);
int find_constant(const char *name, double *value);

#endif
