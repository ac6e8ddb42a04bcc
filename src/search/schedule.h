/* schedule.h - in which order the passes of a reduction come. */
#ifndef BR_SCHEDULE_H
#define BR_SCHEDULE_H

#include "search/units.h"

struct br_step {
	enum br_pass pass;
	uint32_t arg;
	bool certify; /* this pass ends with one run a unit */
	bool sparse;  /* leave it when too much is needed */
};

/* Where the reduction stands. */
struct br_schedule {
	enum br_reduce_by by;
	bool fast;
	enum br_lang *lang; /* owned: of each file */
	size_t nlang;
	bool dense; /* a search by lines met too much: trees are worth a try on any text */
	bool asked; /* whether the input is looked at at all */
	bool certifying, over;
	bool touched, changed; /* since the last look back; in this round */
	size_t at;
	uint32_t arg, round;
};

/* Finds out what the files are. */
void br_schedule_init(struct br_schedule *s, const struct br_doc *doc, enum br_reduce_by by, bool fast);
/* To be told when a step changed the contents. */
void br_schedule_changed(struct br_schedule *s);
/* The next step on these contents; false: nothing is left to try. */
bool br_schedule_next(struct br_schedule *s, const struct br_doc *doc, struct br_step *out);
/* The unit that the result is minimal in. */
enum br_reduce_by br_schedule_by(const struct br_schedule *s, const struct br_doc *doc);
/* How many of them the contents have. */
uint64_t br_schedule_units(const struct br_schedule *s, const struct br_doc *doc, enum br_reduce_by by);
void br_schedule_done(struct br_schedule *s);

#endif
