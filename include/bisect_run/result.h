/* result.h - all that a report needs, as plain data: filled by the app, or read back from the record. */
#ifndef BR_RESULT_H
#define BR_RESULT_H

#include "bisect_run/profile.h"
#include "bisect_run/profile_diff.h"
#include "bisect_run/trial.h"

#include <stddef.h>

/* A commit as people want to see it. All strings owned (br_commit_info_done). */
struct br_commit_info {
	char *oid;	 /* full, hex */
	char *short_oid; /* abbreviated so that it is unique */
	char *subject, *author, *email;
	int64_t date;	/* author date, seconds since 1970 UTC */
	int offset_min; /* author's time zone */
	char **parent;	/* nparent full ids */
	size_t nparent;
	char **file; /* nfile lines "M path", "A path", "D path", "R old -> new" against the first parent */
	size_t nfile;
};

enum br_status {
	BR_STATUS_ISOLATED,
	BR_STATUS_NARROWED,
	BR_STATUS_NOT_REPRODUCED,
	BR_STATUS_INTERRUPTED,
	BR_STATUS_ERROR,
	BR_STATUS_TRIED,
};

/* Of --range and --list. All strings owned. */
struct br_line_found {
	char *kind;	 /* "range", "list"; NULL: no line was searched */
	char *first_bad; /* NULL: not isolated */
	char *last_good; /* NULL: not known */
	uint64_t index;	 /* of first_bad, from 0 */
	uint64_t left;	 /* items that may still be the first bad one */
};

/* Of --reduce. */
struct br_reduced {
	char *path;   /* the user's file or folder; NULL: nothing was reduced */
	char *result; /* path of the reduced copy */
	char *by;     /* the unit it was cut by at the end */
	uint64_t units_before, units_after, bytes_before, bytes_after;
	bool minimal; /* no single unit can be taken away: each was tried */
};

/* Of --subset. */
struct br_subset_found {
	char *path;   /* the user's file; NULL: no subset was searched */
	char *result; /* path of the file with the kept items, an item a line */
	uint64_t before;
	char **kept; /* NULL-terminated */
	bool minimal;
	bool difference; /* --isolate: kept is what makes a passing set (the rest of the file) fail */
};

/* A hunk as `diff` numbers it: of the culprit's change to one file. */
struct br_hunk_found {
	char *file;
	uint32_t old_start, old_lines, new_start, new_lines;
	bool prerequisite; /* needed by the others, but not what breaks it */
};

/* Of --hunks. */
struct br_hunks_found {
	uint64_t total; /* 0: none were searched */
	struct br_hunk_found *kept;
	size_t nkept;
	bool minimal;
	char *patch;  /* path of the kept hunks as a diff; NULL: none was written */
	char *revert; /* what the bad end does without the culprit, in words; NULL: not tried */
};

/* Values that were measured at one side; the interval holds the median with about 95 %. */
struct br_metric_values {
	uint64_t n;
	double median, low, high;
};

/* Of --metric. */
struct br_metric_found {
	char *name, *unit; /* name NULL: nothing was measured */
	struct br_metric_values good, bad;
	double change; /* bad over good, less one */
	double p;      /* of a difference at least as large by chance; NAN: not known */
};

/* All pointers owned: br_result_done. Zero-initialised is valid and empty. */
struct br_result {
	char *id; /* of the search; NULL: none was recorded */
	enum br_status status;
	char *message;	       /* one line; for not-reproduced and errors: what is wrong and what to do */
	char **command;	       /* NULL-terminated; NULL: none */
	double seconds;	       /* wall time, over all sessions of the search */
	uint64_t trials_run;   /* tests really executed */
	double tests_expected; /* of the search alone, as said when it began; 0: it did not begin */
	bool fixed_mode;       /* the answer is the first FIXED commit */
	bool has_commits;      /* the fields from here to candidate apply */
	char **good;	       /* NULL-terminated full ids */
	char *bad;
	char *nearest_bad; /* of all that were seen bad the one with the fewest candidates; NULL: bad itself */
	char **skip;	   /* NULL-terminated full ids: untestable because somebody said so */
	char **path;	   /* NULL-terminated pathspecs seen from the top folder; NULL: all */
	bool first_parent;
	uint64_t candidates_at_start;
	struct br_commit_info *first_bad; /* NULL: not isolated */
	bool confirmed;			  /* fresh runs at the culprit and its parents agreed */
	struct br_commit_info *candidate; /* all that may still be the culprit, oldest first */
	size_t ncandidate;
	double confidence; /* NAN: nothing noisy was seen */
	char **note;	   /* NULL-terminated: warnings and reasons, one line each */
	char *how_sure;	   /* one sentence: why this is believed */
	char *reproduce;   /* shell lines that show it by hand */
	char *evidence;	   /* the last lines of the telling log, escaped for terminals */
	char *state_dir;
	struct br_profile *profile;	      /* of a single run; NULL: none */
	struct br_profile_diff *profile_diff; /* culprit against its parent; NULL: none */
	struct br_line_found line;
	struct br_reduced reduced;
	struct br_subset_found subset;
	struct br_hunks_found hunks;
	struct br_metric_found metric;
	struct br_failure failure; /* at the bad end or the culprit; kind "": none */
	char *stack;		   /* where it crashed or hung, for people; NULL: not known */
	char *stack_file;	   /* all of it; NULL: none */
	char *core;		   /* path of the kept core file; NULL: none */
	struct br_trial *trial;
	size_t ntrial;
};

const char *br_status_name(enum br_status status);
int br_status_from(const char *name); /* -1: unknown */
/* 0 isolated, 1 error, 2 narrowed, 3 not reproduced; interrupted: 1 (the caller dies by the signal). */
int br_status_exit(enum br_status status);
void br_commit_info_done(struct br_commit_info *c);
void br_result_done(struct br_result *r);

#endif
