/* profile_pair.c - culprit against parent: the same command under the profiler at both, several times where it does not count exactly. */
#include "app/profile.h"

#include "app/session.h"
#include "base/mem.h"
#include "bisect_run/err.h"
#include "bisect_run/profile_diff.h"
#include "domain/changed.h"

#include <string.h>

enum { RUNS = 3 }; /* a side, of profilers that sample or time */

struct pair {
	const char *oid[2]; /* parent, culprit */
	struct br_profile run[2][RUNS];
	size_t n[2];
};

/* Counts are the same every time; times and samples are not. */
static bool is_exact(const struct br_profile *p)
{
	return p->quantum <= 0 && !(p->unit && strcmp(p->unit, "s") == 0);
}

/* 1: one more run of this side; 0: it gave no profile. */
static int run_side(struct br_session *s, struct pair *p, int side, struct br_err *err)
{
	const struct br_question q = {.label = p->oid[side]};
	int rc = br_profile_trial(s, &q, &p->run[side][p->n[side]], err);

	p->n[side] += rc == 1;
	return rc;
}

/* In turn, so that a drift of the machine meets both. */
static int run_both(struct br_session *s, struct pair *p, struct br_err *err)
{
	int rc = 1;

	for (int turn = 0; rc == 1 && turn < RUNS; turn++) {
		for (int side = 1; rc == 1 && side >= 0; side--)
			rc = run_side(s, p, side, err);
		if (rc == 1 && is_exact(&p->run[1][0]))
			break;
	}
	return rc < 0 ? rc : p->n[0] > 0 && p->n[1] > 0;
}

static int compare(struct br_session *s, struct pair *p, struct br_err *err)
{
	const struct br_profile_side good = {p->run[0], p->n[0]}, bad = {p->run[1], p->n[1]};
	struct br_changes changes = {0};
	struct br_err why = {0};
	struct br_profile_diff d;
	int rc;

	if (br_repo_changes(s->repo, p->oid[0], p->oid[1], &changes, &why) < 0)
		br_session_note(s, "profile: what the commit touches is not known: %s", why.msg);
	rc = br_profile_compare(&d, &good, &bad, changes.file, changes.n, err);
	br_changes_done(&changes);
	if (rc < 0)
		return rc;
	s->profile_diff = br_malloc(sizeof d);
	*s->profile_diff = d;
	return 0;
}

int br_profile_pair(struct br_session *s, const char *parent, const char *culprit, struct br_err *err)
{
	struct pair p = {.oid = {parent, culprit}};
	struct br_err why = {0};
	int rc;

	if (!s->profiling.name || !parent)
		return 0;
	s->standing.phase = "profiling";
	rc = run_both(s, &p, err);
	if (rc == 1 && compare(s, &p, &why) < 0)
		br_session_note(s, "no comparison of profiles: %s", why.msg);
	for (int side = 0; side < 2; side++)
		for (size_t i = 0; i < p.n[side]; i++)
			br_profile_done(&p.run[side][i]);
	return rc < 0 ? rc : 0;
}
