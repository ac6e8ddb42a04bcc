/* profile_diff.h - what a culprit costs more than its parent, function by function, and whether its diff touches them. */
#ifndef BR_PROFILE_DIFF_H
#define BR_PROFILE_DIFF_H

#include "bisect_run/profile.h"

/* Lines of a file, from 1 on; lines 0: nothing on this side, only a place. */
struct br_line_range {
	uint32_t start, lines;
};

/* A file of the culprit's diff, without context lines. All borrowed. */
struct br_changed_file {
	const char *old_path, *new_path; /* relative to the tree; NULL: the file is new, or gone */
	const char *old_text,
		*new_text; /* whole, NUL-terminated: they tell where functions end; NULL: unknown */
	const struct br_line_range *old_range, *new_range;
	size_t nold, nnew;
};

/* How near the diff is to a function. Information, never a veto: a change of data touches none. */
enum br_touch {
	BR_TOUCH_DIRECT,   /* lines of the function itself */
	BR_TOUCH_INLINED,  /* lines of another function that was inlined into it */
	BR_TOUCH_NEAR,	   /* a caller or callee within two steps */
	BR_TOUCH_INDIRECT, /* none of these */
};

/* An instruction that stands more or less often in a function than before. */
struct br_code_delta {
	char *what; /* owned */
	uint32_t good, bad;
};

/* Means over the runs of a side. What one side lacks altogether counts as 0 in change; NAN: this profiler does not tell. */
struct br_profile_delta {
	char *function, *file, *object; /* owned; as in the table, of the bad side where it is there */
	uint32_t line;
	double self_good, self_bad, cum_good, cum_bad, calls_good, calls_bad;
	double change; /* of self */
	double noise;  /* a change up to this may be chance; 0: exact */
	enum br_touch touched;
	struct br_code_delta
		*code; /* owned; what came or went altogether first; NULL: nothing is known, or changed */
	size_t ncode;
	char *path; /* "main > run > f", the most costly way to it; NULL: unknown */
};

/* Functions that one side alone enters: nearest to the diff first, then the most costly. Of profilers that count calls. */
struct br_profile_only {
	struct br_profile_delta *row;
	size_t n, cap;
};

/* Zero-initialised is valid and empty. All owned: br_profile_diff_done. */
struct br_profile_diff {
	char *profiler, *unit;
	double total_good, total_bad;
	struct br_profile_delta *row; /* largest change first */
	size_t nrow;
	struct br_profile_only only_good, only_bad;
	size_t hidden;	      /* rows that changed by no more than the noise: left out */
	double hidden_change; /* their sum */
	double unexplained;   /* of the change of the total, what no row explains */
	char *raw_good, *raw_bad;
};

/* Runs of one side. */
struct br_profile_side {
	const struct br_profile *run;
	size_t n; /* >= 1 */
};

/* BR_EPARSE: the sides count different things. */
int br_profile_compare(struct br_profile_diff *out, const struct br_profile_side *good,
		       const struct br_profile_side *bad, const struct br_changed_file *changed,
		       size_t nchanged, struct br_err *err);
void br_profile_diff_done(struct br_profile_diff *d);

/* Costs and calls by how much they changed, most first. */
void br_profile_diff_sort(struct br_profile_diff *d, enum br_profile_sort sort);
/* For the caller to free. rows 0: all. */
char *br_profile_diff_text(const struct br_profile_diff *d, size_t rows);

/* The part of a result that it is, as a JSON object of its own; in src/report. */
char *br_profile_diff_json(const struct br_profile_diff *d);

/* "direct", "inlined", "near", "indirect"; the reverse is -1 for others. */
const char *br_touch_name(enum br_touch touch);
int br_touch_from(const char *name);

/*
 * The last line of the function that begins at line `start` of the text, by its indentation: a closing brace no deeper than it, or what comes
 * before the next thing that begins no deeper. 0: there is no such line.
 */
uint32_t br_outline_end(const char *text, uint32_t start);
/* The line on which a function of this name begins; 0: none is seen. */
uint32_t br_outline_find(const char *text, const char *function);

#endif
