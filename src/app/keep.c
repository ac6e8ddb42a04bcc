/* keep.c - sets of item numbers as words. */
#include "app/keep.h"

#include "base/buf.h"
#include "base/mem.h"

#include <inttypes.h>
#include <string.h>

char *br_keep_text(const uint32_t *keep, uint32_t n)
{
	struct br_buf b = {0};

	for (uint32_t i = 0; i < n;) {
		uint32_t end = i + 1;

		while (end < n && keep[end] == keep[end - 1] + 1)
			end++;
		br_buf_fmt(&b, "%s%" PRIu32, i ? "," : "", keep[i] + 1);
		if (end > i + 1)
			br_buf_fmt(&b, "-%" PRIu32, keep[end - 1] + 1);
		i = end;
	}
	if (n == 0)
		br_buf_char(&b, '-');
	return br_buf_take(&b);
}

/* A number from 1 to limit; moves *at behind it. 0: there is none. */
static uint32_t number(const char **at, uint32_t limit)
{
	uint64_t value = 0;

	while (**at >= '0' && **at <= '9' && value <= limit)
		value = value * 10 + (uint64_t)(*(*at)++ - '0');
	return value <= limit ? (uint32_t)value : 0;
}

/* One number or one run; the set must go on rising. */
static bool run(const char **at, uint32_t limit, uint32_t *keep, uint32_t *n)
{
	uint32_t from = number(at, limit), to = from;

	if (**at == '-') {
		++*at;
		to = number(at, limit);
	}
	if (from == 0 || to < from || (*n > 0 && from - 1 <= keep[*n - 1]))
		return false;
	for (uint32_t i = from; i <= to; i++)
		keep[(*n)++] = i - 1;
	return true;
}

bool br_keep_parse(const char *text, uint32_t limit, uint32_t **out, uint32_t *n)
{
	uint32_t *keep = br_calloc(limit, sizeof *keep);
	const char *at = text;
	bool right = *text != '\0';

	*n = 0;
	if (strcmp(text, "-") != 0)
		do
			right = right && run(&at, limit, keep, n);
		while (right && *at == ',' && at++);
	else
		at++;
	if (right && !*at) {
		*out = keep;
		return true;
	}
	free(keep);
	return false;
}
