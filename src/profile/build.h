/* build.h - the table while it is read: names are cleaned and shared here, so that rows of one function meet. */
#ifndef BR_PROFILE_BUILD_H
#define BR_PROFILE_BUILD_H

#include "bisect_run/err.h"
#include "bisect_run/profile.h"

/* A number for each pair of numbers. Zero-initialised is empty. */
struct br_pairs {
	struct br_pair {
		uint64_t a, b;
		uint32_t value; /* plus one; 0: free */
	} * slot;
	size_t n, size;
};

struct br_build {
	struct br_profile *p;
	const char *const *prefix;
	uint32_t *text; /* open hashing over p->name, plus one; 0: free */
	size_t text_size;
	struct br_pairs rows, edges, lines;
};

/* The number of the pair in *out: `fresh` when it is a new one. True: it was there. */
bool br_pairs_number(struct br_pairs *m, uint64_t a, uint64_t b, uint32_t fresh, uint32_t *out);

void br_build_open(struct br_build *b, struct br_profile *p, const char *const *prefix);
/* Frees the indexes, not the profile. */
void br_build_close(struct br_build *b);

/* The shared copy of these bytes. */
const char *br_build_name(struct br_build *b, const char *s, size_t n);
/* The same of a path: NULL for "", "???" and "~"; the tree's own prefix, "." and ".." gone. */
const char *br_build_path(struct br_build *b, const char *s);
/* The same of a function: compiler suffixes (.isra.0, .part.1, .constprop.2, .cold) gone. */
const char *br_build_function(struct br_build *b, const char *s);

struct br_build_key {
	const char *object, *file, *function; /* as br_build_* gave them */
	uint32_t line;			      /* where it tells rows apart; 0: it does not */
};
/* The row of this function; a new one has calls and costs unknown. */
uint32_t br_build_row(struct br_build *b, const struct br_build_key *key);
/* The edge, new ones unknown. Points into the profile: valid until the next one is added. */
struct br_profile_edge *br_build_edge(struct br_build *b, uint32_t from, uint32_t to);
void br_build_line(struct br_build *b, uint32_t row, const char *file, uint32_t line, double self);
/* frame is copied; the same stack again adds to the first. */
void br_build_stack(struct br_build *b, const uint32_t *frame, size_t n, double self);
/* The first count of a pair stays: every process that has the function has the same code. */
void br_build_code(struct br_build *b, uint32_t row, const char *what, uint32_t n);
void br_build_note(struct br_build *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Sets the profile's unit, or compares it: false when another one was set. Only letters, digits and "-_." of the word count. */
bool br_build_unit(struct br_build *b, const char *word, size_t n);
/* Not negative, and so small that sums stay finite: what any run can cost. */
bool br_build_is_cost(double x);
/* Adds to a value that may be unknown yet. */
void br_build_add(double *to, double cost);
void br_build_count(int64_t *to, int64_t calls);

/* A text that is read line by line. */
struct br_reading {
	const char *at, *end;
	unsigned number;
};
/* The next line without its end, cut at 64 KiB, in a buffer of at least BR_LINE_SIZE; false: no more. */
enum { BR_LINE_SIZE = 1 << 16 };
bool br_reading_next(struct br_reading *l, char *line);

/* A section of an answer: what it is called in messages, and its bytes. */
struct br_section {
	const char *label;
	const char *text;
	size_t n;
};

/* Each reads one section into the table: 0, or BR_EPARSE with one line. */
int br_read_callgrind(struct br_build *b, const struct br_section *s, struct br_err *err);
int br_read_gprof(struct br_build *b, const struct br_section *s, struct br_err *err);
int br_read_perf(struct br_build *b, const struct br_section *s, struct br_err *err);
int br_read_nsys(struct br_build *b, const struct br_section *s, struct br_err *err);
int br_read_table(struct br_build *b, const struct br_section *s, struct br_err *err);
int br_read_symbols(struct br_build *b, const struct br_section *s, struct br_err *err);

#endif
