/*
 * profile.h - where a run's time went: ONE table, whatever the profiler. A function a row; edges, cost lines and stacks
 * as far as the profiler tells them. What is unknown stays unknown (-1, NAN, NULL, 0) and is never shown as zero.
 */
#ifndef BR_PROFILE_H
#define BR_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct br_err;

/* Names are shared: br_profile.name holds them. Costs are in the profile's unit. */
struct br_profile_row {
	const char *object;   /* binary, path relative to the tree where it lies in it; NULL: unknown */
	const char *file;     /* source, relative to the tree where it lies in it; NULL: unknown */
	const char *function; /* never NULL; without a compiler's suffixes */
	uint32_t line;	      /* where it begins; 0: unknown */
	int64_t calls;	      /* -1: unknown */
	int64_t primitive;    /* calls that are no recursion; -1: unknown */
	double self, cum;     /* cum counts nested calls of itself once; NAN: unknown */
};

struct br_profile_edge {
	uint32_t from, to; /* rows: caller, callee */
	int64_t calls;	   /* -1: unknown */
	double cum;	   /* of the callee in these calls; NAN: unknown */
};

/* Self cost of a row by source line; file differs from the row's where another function was inlined. */
struct br_profile_line {
	uint32_t row;
	const char *file;
	uint32_t line;
	double self;
};

struct br_profile_stack {
	uint32_t *frame; /* rows, outermost first; owned */
	size_t nframe;
	double self;
};

/* What a function is made of: how often an instruction stands in it, whether it is run or not. */
struct br_profile_code {
	uint32_t row;
	const char *what;
	uint32_t n;
};

/* Zero-initialised is valid and empty. All owned: br_profile_done. */
struct br_profile {
	char *profiler; /* callgrind, perf, ... */
	char *unit;	/* "s", "Ir", "cycles" ... */
	double total;	/* cost of the whole run */
	double quantum; /* cost that one sample stands for; 0: the profiler counts, it does not sample */
	uint32_t processes;
	struct br_profile_row *row;
	size_t nrow, row_cap;
	struct br_profile_edge *edge;
	size_t nedge, edge_cap;
	struct br_profile_line *line;
	size_t nline, line_cap;
	struct br_profile_stack *stack;
	size_t nstack, stack_cap;
	struct br_profile_code *code;
	size_t ncode, code_cap;
	char **name; /* what the rows' names point at */
	size_t nname, name_cap;
	char **note; /* NULL-terminated: what could not be read, a line each */
	char *raw;   /* folder with the raw files; NULL: none */
};

void br_profile_done(struct br_profile *p);

/* How raw profiles are read. */
struct br_profile_cfg {
	const char *profiler;
	int dir_fd; /* folder that `#file` lines of an answer name files of; -1: none may be named */
	const char *const *prefix; /* NULL-terminated paths of the tree, cut off file names; NULL: none */
};

/*
 * Reads what a hook's `collect` answered (hooks/README.md): sections of known formats, processes summed. BR_EPARSE with one line
 * when nothing in it could be read; a part that could not be read makes a note and the others count.
 */
int br_profile_read(struct br_profile *out, const char *answer, size_t n, const struct br_profile_cfg *cfg,
		    struct br_err *err);

/* pstats' sort keys: calls, ncalls, pcalls, tottime, time, cumtime, cumulative, name, file, filename, module, line, nfl, stdname. */
enum br_profile_sort {
	BR_SORT_SELF,
	BR_SORT_CUM,
	BR_SORT_CALLS,
	BR_SORT_PRIMITIVE,
	BR_SORT_NAME,
	BR_SORT_FILE,
	BR_SORT_LINE,
	BR_SORT_NFL,
	BR_SORT_STDNAME,
};

/* -1: no such key. */
int br_profile_sort_from(const char *key);
/* NULL-terminated list of all keys, for messages. */
const char *const *br_profile_sort_keys(void);
/* Row numbers in this order, ties as they came; nrow of them, for the caller to free. */
uint32_t *br_profile_order(const struct br_profile *p, enum br_profile_sort sort);

/* Texts for the caller to free. */
/* As pstats prints it, `rows` rows at most (0: all). */
char *br_profile_text(const struct br_profile *p, enum br_profile_sort sort, size_t rows);
/* "main;f;g 123" lines; from call edges (an estimate, as flame graphs of callgrind files are) where there are no stacks. */
char *br_profile_folded(const struct br_profile *p);
/* A file that callgrind_annotate and KCachegrind read. */
char *br_profile_callgrind(const struct br_profile *p);
/* Both are in src/report, where JSON is made. */
char *br_profile_json(const struct br_profile *p);
/* What br_profile_json wrote, without the calls between functions. BR_EPARSE. */
int br_profile_json_read(const char *text, struct br_profile *out, struct br_err *err);
char *br_profile_speedscope(const struct br_profile *p);

#endif
