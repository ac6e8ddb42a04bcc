/* shapes.c - what all searches ask of a shape before they trust it. */
#include "search/shapes.h"

#include "bisect_run/err.h"

#include <float.h>
#include <stddef.h>

static const uint64_t MAX_ITEMS = (uint64_t)1 << 30;

int br_check_shape(const struct br_shape *sh, unsigned orders, struct br_err *err)
{
	if (!(sh->order & orders))
		return br_fail(err, BR_EUNSUPPORTED, "this search works on %s only",
			       orders & BR_CHAIN ? "graphs and ranges" : "graphs");
	if (!sh->n)
		return br_fail(err, BR_ESTATE, "nothing to search: there is no candidate");
	if (sh->order != BR_DAG)
		return 0;
	if (sh->n > MAX_ITEMS)
		return br_fail(err, BR_EUNSUPPORTED, "more than %llu commits cannot be searched",
			       (unsigned long long)MAX_ITEMS);
	for (uint64_t i = 0; i < sh->n; i++) {
		if (sh->parent_at[i] > sh->parent_at[i + 1])
			return br_fail(err, BR_ESTATE, "the graph is damaged at item %llu",
				       (unsigned long long)i);
		for (uint32_t e = sh->parent_at[i]; e < sh->parent_at[i + 1]; e++)
			if (sh->parent[e] >= i)
				return br_fail(err, BR_ESTATE, "the parent of item %llu comes after it",
					       (unsigned long long)i);
	}
	return 0;
}

double br_usable_weight(const struct br_shape *shape, uint64_t item)
{
	double weight = shape->weight ? (double)shape->weight[item] : 1;

	if (!(weight > 0))
		return 0;
	return weight < (double)FLT_MAX ? weight : (double)FLT_MAX;
}
