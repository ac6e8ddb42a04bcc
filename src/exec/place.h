/* place.h - puts the user's own files into a tree that lacks them, for one trial. */
#ifndef BR_PLACE_H
#define BR_PLACE_H

#include "bisect_run/engine.h"

/*
 * Copies those of spec->named with this for_build that the tree has nothing in the place of. What is put in is written to the
 * journal file first, so that it can be taken out again whatever happens. BR_ESTATE: it cannot be put there
 * in this candidate.
 */
int br_placed_put(const struct br_run_spec *spec, bool for_build, const char *tree, const char *journal,
		  struct br_err *err);
/* Takes out what the journal says, folders that were made for it too, and removes the journal. A missing one
 * is fine. */
void br_placed_remove(const char *tree, const char *journal);

#endif
