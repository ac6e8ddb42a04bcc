/* shapes.h - what all searches ask of a shape before they trust it. */
#ifndef BR_SEARCH_SHAPES_H
#define BR_SEARCH_SHAPES_H

#include "bisect_run/shape.h"

struct br_err;

/* BR_EUNSUPPORTED: not one of these orders (bits), or too large; BR_ESTATE: empty, or parents that come after children. */
int br_check_shape(const struct br_shape *shape, unsigned orders, struct br_err *err);
/* The weight of an item; 0 for what is no usable number, never infinite. */
double br_usable_weight(const struct br_shape *shape, uint64_t item);

#endif
