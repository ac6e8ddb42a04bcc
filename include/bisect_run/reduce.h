/*
 * reduce.h - the smallest version of some files that still fails. Pure: bytes in, candidates out; running them is the caller's.
 *
 * Life cycle: open, known for each recorded answer, then propose / observe / forget / moot in any mix until propose gives nothing
 * and the status says done, then best, close.
 *
 * What the caller guards: the original must fail, so it tests that first; it is never proposed here. That the empty input does not
 * fail is asked here: it is the first candidate of a search that starts anew. When it fails, it is the result (status.empty_fails),
 * which nearly always means a test that does not look at its input.
 *
 * Classes: bad is "fails in the wanted way"; good and skip both mean that this candidate is no replacement.
 *
 * Resume is replay: a candidate's key is a hash of its contents. The caller stores (key, class) with each trial and gives
 * them back through known, in any order; such candidates are never proposed again, and the search stands where it stood.
 */
#ifndef BR_REDUCE_H
#define BR_REDUCE_H

#include "bisect_run/trial.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct br_err;
struct br_reduce;

/* The unit that a search ends with: of these none can go. auto: trees, lines, tokens, characters; or bytes, by the content. hunk: of unified diffs, and what stands alone in its file is one with it. */
enum br_reduce_by { BR_BY_AUTO, BR_BY_LINE, BR_BY_CHAR, BR_BY_BYTE, BR_BY_TOKEN, BR_BY_TREE, BR_BY_HUNK };

struct br_reduce_cfg {
	uint64_t seed; /* for future use: nothing is left to chance yet */
	enum br_reduce_by by;
	bool fast; /* one round, and without the runs that certify 1-minimality */
};

/* The contents of one file. gone: the file is not there at all (only where there were several). */
struct br_part {
	char *data;
	size_t n;
	bool gone;
};

enum { BR_REDUCE_KEY = 32 }; /* lower-case hexadecimal digits of a key */

struct br_candidate {
	uint64_t id; /* unique within this search */
	char key[BR_REDUCE_KEY + 1];
	struct br_part *part; /* as many as files were given, in their order; owned */
	size_t npart;
};

struct br_reduce_status {
	bool done;
	bool empty_fails;
	bool minimal; /* done, and no single unit (by) can go */
	enum br_reduce_by by;
	uint64_t units_before, units_after; /* in units of by */
	uint64_t bytes_before, bytes_after;
	uint64_t runs;	      /* answers observed; those made known beforehand are not counted */
	double expected_left; /* further runs of the present pass: a lower bound for the whole */
	const char *pass; /* what is being tried: "lines", "tree level 3", ... valid until the next call */
};

/* Copies the files (npart > 0); gone must be false. BR_EUSAGE: nothing to reduce, or more than 2^31 bytes. */
int br_reduce_open(struct br_reduce **out, const struct br_part *part, size_t npart,
		   const struct br_reduce_cfg *cfg, struct br_err *err);
/* The key of the original, as a candidate would have it. */
void br_reduce_key(const struct br_part *part, size_t npart, char out[BR_REDUCE_KEY + 1]);
/* A recorded answer; before the first propose. A text that is no key is ignored. */
void br_reduce_known(struct br_reduce *r, const char *key, enum br_class cls);
/*
 * Fills up to max candidates worth running now besides those in flight, the most useful first; the caller owns them
 * (br_candidate_done). With max 0 it only goes as far as the known answers lead. 0: done, or none until one is observed. For any number of workers and any order of answers the
 * result is that of one worker.
 */
size_t br_reduce_propose(struct br_reduce *r, struct br_candidate *out, size_t max);
/* The class of a proposed candidate. Unknown ids are ignored. */
void br_reduce_observe(struct br_reduce *r, uint64_t id, enum br_class cls);
/* Takes a proposal back without an answer (cancelled, lost): it may be proposed again. */
void br_reduce_forget(struct br_reduce *r, uint64_t id);
/* Whether an answer to it could no longer change anything. */
bool br_reduce_moot(const struct br_reduce *r, uint64_t id);
/* The smallest contents seen to fail so far; once done, the result. npart parts, borrowed until the next call. */
const struct br_part *br_reduce_best(const struct br_reduce *r);
void br_reduce_status(struct br_reduce *r, struct br_reduce_status *out);
void br_reduce_close(struct br_reduce *r); /* NULL is fine */

void br_candidate_done(struct br_candidate *c);
/* "line", "char", "byte", "token", "tree", "hunk", "auto", as in --by and the JSON report; the reverse: -1 when unknown. */
const char *br_reduce_by_name(enum br_reduce_by by);
int br_reduce_by_from(const char *name);

#endif
