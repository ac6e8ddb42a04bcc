/* parse.c - evaluates an expression by recursive descent. */
#include "calc.h"

#include <math.h>
#include <string.h>

struct parser {
	struct tokens tokens;
	size_t at;
	int depth;
	const char *error; /* the first one; NULL: none so far */
};

#define MAX_DEPTH 200

static double sum(struct parser *p);
static double primary(struct parser *p);

static const struct token *peek(const struct parser *p)
{
	return tokens_at(&p->tokens, p->at);
}

static double fail(struct parser *p, const char *error)
{
	if (!p->error)
		p->error = error;
	return 0;
}

static int accept(struct parser *p, char op)
{
	if (peek(p)->kind != T_OP || peek(p)->op != op)
		return 0;
	p->at++;
	return 1;
}

static double bracket(struct parser *p)
{
	double value;

	if (++p->depth > MAX_DEPTH)
		return fail(p, "nested too deeply");
	value = sum(p);
	p->depth--;
	if (!accept(p, ')'))
		return fail(p, "a closing bracket is missing");
	return value;
}

static double name(struct parser *p)
{
	const char *text = peek(p)->name;
	calc_function function = find_function(text);
	double value;

	p->at++;
	if (function)
		return accept(p, '(') ? function(bracket(p))
				      : fail(p, "a function needs its argument in brackets");
	if (find_constant(text, &value))
		return value;
	return fail(p, "unknown name");
}

static double negative(struct parser *p)
{
	double value;

	if (++p->depth > MAX_DEPTH)
		return fail(p, "nested too deeply");
	value = -primary(p);
	p->depth--;
	return value;
}

static double primary(struct parser *p)
{
	const struct token *token = peek(p);

	if (accept(p, '-'))
		return negative(p);
	if (accept(p, '('))
		return bracket(p);
	if (token->kind == T_NAME)
		return name(p);
	if (token->kind != T_NUMBER)
		return fail(p, "a value is missing");
	p->at++;
	return token->number;
}

static double product(struct parser *p)
{
	double value = primary(p);

	for (;;) {
		if (accept(p, '*'))
			value *= primary(p);
		else if (accept(p, '/'))
			value /= primary(p);
		else
			return value;
	}
}

static double sum(struct parser *p)
{
	double value = product(p);

	for (;;) {
		if (accept(p, '+'))
			value += product(p);
		else if (accept(p, '-'))
			value -= product(p);
		else
			return value;
	}
}

int calc_eval(const char *line, double *value, const char **error)
{
	struct parser p = {.error = NULL};

	if (tokens_read(&p.tokens, line, &p.error) == 0) {
		*value = sum(&p);
		if (peek(&p)->kind != T_END)
			fail(&p, "something is left after the expression");
	}
	tokens_free(&p.tokens);
	*error = p.error;
	return p.error ? -1 : 0;
}
