/* python.h - the frames of a live CPython interpreter, read out of its memory. */
#ifndef BR_STACK_PYTHON_H
#define BR_STACK_PYTHON_H

#include "stack/unwind.h"

#include <elfutils/libdwfl.h>

/* Adds Python's own frames to those threads of p that run Python. A version whose layout is not known gets a note. */
void br_python_add(struct br_process *p, Dwfl *dwfl, const struct br_held *held, size_t n,
		   const struct br_memory *memory);

/* The same with the address of _PyRuntime and the version (as Py_Version has it) known. Pure but for the memory. */
void br_python_read(struct br_process *p, uint64_t runtime, unsigned long version, const struct br_held *held,
		    size_t n, const struct br_memory *memory);
/* The line for the code at this offset (in bytes) by a location table of Python 3.11; first when it does not say. */
int br_python_line(const unsigned char *table, size_t n, int first, size_t offset);

#endif
