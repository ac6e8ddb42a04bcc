/* serve.h - has stacks read by a helper process, and serves it the memory of the threads that we hold. */
#ifndef BR_STACK_SERVE_H
#define BR_STACK_SERVE_H

#include "stack/stack.h"
#include "stack/thread.h"

/* held: sorted so that threads of one process stand together. At most limit_ms. BR_ESYS; BR_EPARSE: nothing could be read. */
int br_serve_live(const struct br_held *held, size_t n, int limit_ms, struct br_stack_seen *out,
		  struct br_err *err);

#endif
