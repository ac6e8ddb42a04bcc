/* symbol.h - from an address to functions, files and lines. */
#ifndef BR_STACK_SYMBOL_H
#define BR_STACK_SYMBOL_H

#include "stack/frame.h"

#include <elfutils/libdwfl.h>

/* Adds the function at this address, before it those that were inlined there. */
void br_symbol_add(struct br_thread *t, Dwfl *dwfl, Dwarf_Addr pc);

#endif
