/* diff_sort.c - the rows of a comparison by pstats' keys: costs and calls by how much they changed. */
#include "bisect_run/profile_diff.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double change_of(double good, double bad)
{
	return fabs((isnan(bad) ? 0 : bad) - (isnan(good) ? 0 : good));
}

static int more(double a, double b)
{
	return (a < b) - (a > b);
}

static int texts(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

static int lines(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

static int by_self(const void *x, const void *y)
{
	const struct br_profile_delta *a = x, *b = y;
	int c = more(fabs(a->change), fabs(b->change));

	return c ? c : texts(a->function, b->function);
}

static int by_cum(const void *x, const void *y)
{
	const struct br_profile_delta *a = x, *b = y;
	int c = more(change_of(a->cum_good, a->cum_bad), change_of(b->cum_good, b->cum_bad));

	return c ? c : by_self(x, y);
}

static int by_calls(const void *x, const void *y)
{
	const struct br_profile_delta *a = x, *b = y;
	int c = more(change_of(a->calls_good, a->calls_bad), change_of(b->calls_good, b->calls_bad));

	return c ? c : by_self(x, y);
}

static int by_name(const void *x, const void *y)
{
	const struct br_profile_delta *a = x, *b = y;
	int c = texts(a->function, b->function);

	return c ? c : by_self(x, y);
}

static int by_line(const void *x, const void *y)
{
	const struct br_profile_delta *a = x, *b = y;
	int c = lines(a->line, b->line);

	return c ? c : by_name(x, y);
}

static int by_file(const void *x, const void *y)
{
	const struct br_profile_delta *a = x, *b = y;
	int c = texts(a->file, b->file);

	return c ? c : by_line(x, y);
}

/* name, file, line */
static int by_nfl(const void *x, const void *y)
{
	const struct br_profile_delta *a = x, *b = y;
	int c = texts(a->function, b->function);

	return c ? c : by_file(x, y);
}

void br_profile_diff_sort(struct br_profile_diff *d, enum br_profile_sort sort)
{
	static int (*const by[])(const void *, const void *) = {
		[BR_SORT_SELF] = by_self,	[BR_SORT_CUM] = by_cum,	  [BR_SORT_CALLS] = by_calls,
		[BR_SORT_PRIMITIVE] = by_calls, [BR_SORT_NAME] = by_name, [BR_SORT_FILE] = by_file,
		[BR_SORT_LINE] = by_line,	[BR_SORT_NFL] = by_nfl,	  [BR_SORT_STDNAME] = by_file,
	};

	if (d->nrow > 1)
		qsort(d->row, d->nrow, sizeof *d->row, by[sort]);
}
