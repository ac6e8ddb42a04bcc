/* match.c - this failure or another one. */
#include "app/match.h"

#include "app/session.h"
#include "base/buf.h"
#include "base/mem.h"
#include "bisect_run/err.h"
#include "bisect_run/failure.h"

#include <stdio.h>
#include <string.h>

enum { TITLE_MAX = 160, GROUPS_SHOWN = 4 };

static bool is_hunted(const struct br_session *s, const struct br_failure *f)
{
	for (size_t i = 0; i < s->hunted.n; i++)
		if (br_failure_same(&s->hunted.failure[i], f))
			return true;
	return false;
}

void br_match_learn(struct br_session *s, const struct br_trial *t)
{
	if (t->verdict.cls != BR_BAD || t->amended || is_hunted(s, &t->verdict.failure))
		return;
	br_grow(&s->hunted.failure, s->hunted.n, &s->hunted.cap);
	s->hunted.failure[s->hunted.n++] = t->verdict.failure;
}

/* A verdict by the user's own pattern or word says what is hunted better than any comparison. */
static bool says_more_than_failure(const struct br_session *s, const struct br_trial *t)
{
	return t->amended || s->opt->bad_if || s->opt->stop_on || s->opt->ask;
}

bool br_match_is_other(const struct br_session *s, const struct br_trial *t)
{
	if (t->verdict.cls != BR_BAD || t->verdict.failure.kind[0] == '\0' || s->hunted.n == 0)
		return false;
	return !says_more_than_failure(s, t) && !is_hunted(s, &t->verdict.failure);
}

/* Ends say what is hunted; they are never measured by it. */
static bool counts_only_hunted(const struct br_session *s, enum br_phase phase)
{
	if (phase == BR_PHASE_ENDS || phase == BR_PHASE_TRY || s->opt->interesting)
		return false;
	if (s->only_hunted || s->opt->match == BR_MATCH_SAME)
		return true;
	return s->opt->match == BR_MATCH_AUTO && (phase == BR_PHASE_REDUCE || phase == BR_PHASE_HUNKS);
}

static void make_skip(struct br_trial *t)
{
	char title[TITLE_MAX];

	t->verdict.cls = BR_SKIP;
	t->verdict.llr = 0;
	(void)snprintf(t->verdict.why, sizeof t->verdict.why, "fails in another way: %.150s",
		       br_failure_title(&t->verdict.failure, title, sizeof title));
}

void br_match_judge(const struct br_session *s, struct br_trial *t)
{
	if (counts_only_hunted(s, t->phase) && br_match_is_other(s, t))
		make_skip(t);
}

/* Of all failing runs of the commit one that failed as the bad end did, else any; NULL: none failed. */
static const struct br_trial *witness(const struct br_session *s, const char *commit)
{
	const struct br_trial *other = NULL;

	for (size_t i = 0; i < s->ntrial; i++) {
		const struct br_trial *t = &s->trial[i];

		if (t->verdict.cls != BR_BAD || strcmp(t->item, commit) != 0)
			continue;
		if (!br_match_is_other(s, t))
			return t;
		other = t;
	}
	return other;
}

static int judge_again(struct br_session *s, struct br_err *err)
{
	for (size_t i = 0; i < s->ntrial; i++) {
		struct br_trial *t = &s->trial[i];
		int r;

		if (t->phase == BR_PHASE_ENDS || !br_match_is_other(s, t))
			continue;
		make_skip(t);
		r = br_record_judge(s->record, s->row.id, t, err);
		if (r < 0)
			return r;
	}
	return 1;
}

int br_match_switch(struct br_session *s, const char *commit, struct br_err *err)
{
	const struct br_trial *t = witness(s, commit);
	br_auto_free char *id = NULL;
	char title[TITLE_MAX];

	if (s->only_hunted || !t || !br_match_is_other(s, t))
		return 0;
	s->only_hunted = true;
	id = br_session_short(s, commit);
	br_session_note(
		s,
		"counting every failure would have named %s, but it fails in another way (%s): going on "
		"with the bad end's own failure (--match same)",
		id, br_failure_title(&t->verdict.failure, title, sizeof title));
	return judge_again(s, err);
}

/* ---- what else failed ---- */

struct group {
	const struct br_failure *failure;
	unsigned n;
};

static bool failed_otherwise(const struct br_session *s, const struct br_trial *t)
{
	bool skipped = t->verdict.cls == BR_SKIP && strncmp(t->verdict.why, "fails in another way", 20) == 0;

	return t->phase != BR_PHASE_ENDS && (skipped || br_match_is_other(s, t));
}

static size_t group(const struct br_session *s, struct group **out)
{
	size_t n = 0, cap = 0;

	*out = NULL;
	for (size_t i = 0; i < s->ntrial; i++) {
		const struct br_failure *f = &s->trial[i].verdict.failure;
		size_t k = 0;

		if (!failed_otherwise(s, &s->trial[i]))
			continue;
		while (k < n && !br_failure_same((*out)[k].failure, f))
			k++;
		if (k == n) {
			br_grow(out, n, &cap);
			(*out)[n++] = (struct group){.failure = f};
		}
		(*out)[k].n++;
	}
	return n;
}

static int most_first(const void *va, const void *vb)
{
	const struct group *a = va, *b = vb;

	return (a->n < b->n) - (a->n > b->n);
}

void br_match_note(struct br_session *s)
{
	br_auto_free struct group *g = NULL;
	size_t n = group(s, &g);
	struct br_buf b = {0};
	unsigned sum = 0;

	if (n == 0)
		return;
	qsort(g, n, sizeof *g, most_first);
	for (size_t i = 0; i < n; i++)
		sum += g[i].n;
	br_buf_fmt(&b, "%u trial%s failed in another way than the bad end: ", sum, sum == 1 ? "" : "s");
	for (size_t i = 0; i < n && i < GROUPS_SHOWN; i++) {
		char title[TITLE_MAX];

		br_buf_fmt(&b, "%s%s (%u)", i ? "; " : "",
			   br_failure_title(g[i].failure, title, sizeof title), g[i].n);
	}
	if (n > GROUPS_SHOWN)
		br_buf_fmt(&b, "; and %zu more", n - GROUPS_SHOWN);
	br_session_note(s, "%s", b.data);
	br_buf_done(&b);
}
