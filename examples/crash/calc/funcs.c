/* funcs.c - the functions and constants that an expression may name. */
#include "calc.h"

#include <math.h>
#include <string.h>

static const struct {
	const char *name;
	calc_function function;
} functions[] = {
	{NULL, NULL},
};

static const struct {
	const char *name;
	double value;
} constants[] = {
	{NULL, 0},
};

calc_function find_function(const char *name)
{
	for (size_t i = 0; functions[i].name; i++) {
		if (!strcmp(functions[i].name, name))
			return functions[i].function;
	}
	return NULL;
}

int find_constant(const char *name, double *value)
{
	for (size_t i = 0; constants[i].name; i++) {
		if (!strcmp(constants[i].name, name)) {
			*value = constants[i].value;
			return 1;
		}
	}
	return 0;
}
