/* main.c - evaluates each line of standard input. */
#include "calc.h"

#include <stdio.h>
#include <string.h>

static int answer(const char *line)
{
	const char *error;
	double value;

	if (calc_eval(line, &value, &error)) {
		fprintf(stderr, "calc: %s\n", error);
		return 1;
	}
	printf("%.10g\n", value);
	return 0;
}

int main(void)
{
	static char line[65536];
	int failed = 0;

	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] != '\0')
			failed |= answer(line);
	}
	return failed;
}
