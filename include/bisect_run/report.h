/* report.h - results as text and JSON. Pure: data in, text out. */
#ifndef BR_REPORT_H
#define BR_REPORT_H

#include "bisect_run/result.h"

struct br_err;
struct br_search;

struct br_text_style {
	bool color;
	int verbose;		   /* -1 quiet: the answer alone; 0 as usual; 1 with every trial */
	int width;		   /* columns, 0: unlimited */
	enum br_profile_sort sort; /* of the table of functions */
};

/* Each returns a NUL-terminated text for the caller to free. Hostile bytes are escaped (text) or replaced (JSON). */
char *br_report_text(const struct br_result *r, const struct br_text_style *style);
char *br_report_json(const struct br_result *r); /* the contract's object, version 1, with a final newline */
/*
 * The same object read back (trials included when they are in it). Keys it does not know are ignored. BR_EPARSE.
 */
int br_report_json_read(const char *text, struct br_result *out, struct br_err *err);
/* A log that `git bisect replay` accepts, from commits and trials. */
char *br_report_git_log(const struct br_result *r);
/* What hooks of this kind get on stdin (hooks/README.md). t: of pre-trial and post-trial, else NULL. */
char *br_report_hook(const struct br_result *r, const char *kind, const struct br_trial *t);
/* A search as `history` and `status` tell it. status: the word that people should read. Borrowed. */
struct br_search_line {
	const struct br_search *row;
	const char *status;
};
/* {"version": 1, "searches": [...]}. As text they are the app's. */
char *br_report_searches(const struct br_search_line *line, size_t n);

#endif
