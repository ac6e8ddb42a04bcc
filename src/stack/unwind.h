/* unwind.h - reads stacks with elfutils' libdw. Runs in the helper process alone: what it parses is hostile. */
#ifndef BR_STACK_UNWIND_H
#define BR_STACK_UNWIND_H

#include "stack/frame.h"
#include "stack/thread.h"

/* Reads up to n bytes of a process's memory; returns how many. */
struct br_memory {
	size_t (*read)(void *arg, uint64_t address, void *data, size_t n);
	void *arg;
};

/* Adds the stacks of the held threads of one process. */
void br_unwind_process(struct br_process *p, const struct br_held *held, size_t n,
		       const struct br_memory *memory);

#endif
