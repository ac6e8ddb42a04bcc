/* state.h - the record of the repository at hand, for commands that only look at it or correct it. */
#ifndef BR_STATE_H
#define BR_STATE_H

#include "app/options.h"
#include "bisect_run/record.h"

struct br_err;
struct br_repo;
struct br_result;

struct br_state {
	char *cwd, *dir;
	struct br_repo *repo; /* NULL: outside of one */
	struct br_record *record;
};

/* BR_ENOTFOUND: nothing was recorded here yet. Zero on failure. */
int br_state_open(struct br_state *st, const struct br_options *opt, struct br_err *err);
void br_state_close(struct br_state *st);
/* The search that a word names; NULL: the newest. BR_EUSAGE: no number; BR_ENOTFOUND. */
int br_state_search(struct br_state *st, const char *word, struct br_search *out, struct br_err *err);
/* The result as it was stored, or what the row alone says of a search that was killed; with its trials. The caller's. */
int br_stored_result(struct br_state *st, const struct br_search *row, struct br_result *out,
		     struct br_err *err);
/* The status as people should read it: a running one whose process is gone was interrupted. Borrowed. */
const char *br_state_status(const struct br_search *s);
/* What was printed reaches the reader: BR_ESYS when stdout cannot be written. */
int br_flush_stdout(struct br_err *err);

#endif
