/* metric_robust.c - medians and spreads that a few wild values do not move. */
#include "search/metric_state.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int rising(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

double br_median(double *value, size_t n)
{
	if (!n)
		return 0;
	qsort(value, n, sizeof *value, rising);
	return n % 2 ? value[n / 2] : 0.5 * (value[n / 2 - 1] + value[n / 2]);
}

double br_mad(const double *value, size_t n, double *scratch)
{
	double middle;

	if (!n)
		return 0;
	memcpy(scratch, value, n * sizeof *scratch);
	middle = br_median(scratch, n);
	for (size_t i = 0; i < n; i++)
		scratch[i] = fabs(value[i] - middle);
	return 1.4826 * br_median(scratch, n);
}
