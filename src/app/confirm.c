/*
 * confirm.c - the culprit and each of its parents are run again before it is named. Search runs must not be
 * used for this: four fresh runs at the culprit and three at each parent catch over 99 % of the wrong answers
 * of a flaky test, at every failure rate.
 */
#include "app/session.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "bisect_run/err.h"
#include "domain/repo.h"

#include <string.h>

enum { FULL_CULPRIT = 4, FULL_PARENT = 3 };
#define SHORT_NS (30 * 1000000000ull)
#define CHEAP_NS (500 * 1000000ull)

struct tally {
	unsigned runs, as_said, against, skipped;
};

static uint64_t mean_trial_ns(const struct br_session *s)
{
	uint64_t sum = 0, n = 0;

	for (size_t i = 0; i < s->ntrial; i++) {
		const struct br_trial *t = &s->trial[i];

		if (t->cached || t->outcome.end == BR_END_SETUP)
			continue;
		sum += t->outcome.wall_ns + t->outcome.build_ns + t->outcome.setup_ns;
		n++;
	}
	return n ? sum / n : 0;
}

/* Any answer that varied, or a verdict that came from memory of another search. */
static bool any_doubt(const struct br_session *s)
{
	for (size_t i = 0; i < s->ntrial; i++)
		for (size_t k = 0; k < i; k++)
			if (strcmp(s->trial[i].item, s->trial[k].item) == 0 &&
			    s->trial[i].verdict.cls != s->trial[k].verdict.cls)
				return true;
	return false;
}

static void runs_wanted(const struct br_session *s, size_t nparent, unsigned *culprit, unsigned *parent)
{
	uint64_t full = mean_trial_ns(s) * (FULL_CULPRIT + FULL_PARENT * nparent);

	*culprit = *parent = 1;
	switch (s->opt->confirm) {
	case BR_CONFIRM_OFF:
		*culprit = *parent = 0;
		return;
	case BR_CONFIRM_QUICK:
		return;
	case BR_CONFIRM_AUTO:
		if (s->opt->ask || (full > SHORT_NS && full > br_session_busy_ns(s) / 4 && !any_doubt(s)))
			return;
		break;
	case BR_CONFIRM_FULL:
		break;
	}
	*culprit = FULL_CULPRIT;
	*parent = FULL_PARENT;
}

static struct tally count(const struct br_session *s, const struct br_question *q, const size_t *answer,
			  size_t n, const char *oid, enum br_class said)
{
	struct tally t = {0};

	for (size_t i = 0; i < n; i++) {
		enum br_class cls = br_session_class(s, &s->trial[answer[i]]);

		if (strcmp(q[i].label, oid) != 0)
			continue;
		t.runs++;
		t.skipped += cls == BR_SKIP;
		t.as_said += cls == said;
		t.against += cls != BR_SKIP && cls != said;
	}
	return t;
}

static const char *bad_word(const struct br_session *s)
{
	return s->fixed_mode ? "passed" : "failed";
}

static const char *good_word(const struct br_session *s)
{
	return s->fixed_mode ? "failed" : "passed";
}

static void say_culprit(struct br_session *s, struct br_buf *b, const struct tally *t)
{
	if (t->runs == 0)
		br_buf_str(b, "a person said what it is");
	else
		br_buf_fmt(b, "run again: %u of %u fresh runs at it %s", t->as_said, t->runs, bad_word(s));
}

static void say_parent(struct br_session *s, struct br_buf *b, const struct tally *t, const char *oid)
{
	br_auto_free char *id = br_session_short(s, oid);

	if (t->runs == 0)
		br_buf_fmt(b, ", and what its parent %s is", id);
	else if (t->skipped == t->runs)
		br_buf_fmt(b, ", its parent %s cannot be tested", id);
	else
		br_buf_fmt(b, ", %u of %u at its parent %s %s", t->as_said, t->runs - t->skipped, id,
			   good_word(s));
}

/* With --first-parent the other parents are not part of the history that is searched. */
static size_t parents_to_test(const struct br_session *s, const struct br_commit_info *c)
{
	return s->first_parent && c->nparent > 1 ? 1 : c->nparent;
}

static int weigh(struct br_session *s, const struct br_question *q, const size_t *answer, size_t n,
		 const struct br_commit_info *c)
{
	struct br_buf b = {0};
	struct tally culprit = count(s, q, answer, n, c->oid, BR_BAD);
	unsigned against = culprit.against;

	say_culprit(s, &b, &culprit);
	for (size_t i = 0; i < parents_to_test(s, c); i++) {
		struct tally parent = count(s, q, answer, n, c->parent[i], BR_GOOD);

		say_parent(s, &b, &parent, c->parent[i]);
		against += parent.against;
	}
	if (c->nparent == 0)
		br_buf_str(&b, "; it is a root commit, there is nothing before it");
	free(s->how_sure);
	s->how_sure = br_buf_take(&b);
	return against == 0 && (culprit.as_said > 0 || culprit.runs == 0);
}

/*
 * A fresh tree costs a whole checkout and a whole build. With --build that is what has to be ruled out; without, it is done where it
 * costs nothing that anybody would notice.
 */
static bool is_fresh_worth_it(const struct br_session *s)
{
	uint64_t most = 0;

	for (size_t i = 0; i < s->ntrial; i++)
		if (s->trial[i].outcome.setup_ns > most)
			most = s->trial[i].outcome.setup_ns;
	return !s->opt->fresh && (s->opt->build || 2 * most < CHEAP_NS);
}

/* The first run at the culprit and at its first parent. */
static void ask_fresh(struct br_question *q, size_t at_culprit, size_t n)
{
	q[0].fresh = true;
	if (n > at_culprit)
		q[at_culprit].fresh = true;
}

static bool agrees(const struct br_session *s, const struct br_trial *a, const struct br_trial *b)
{
	return br_session_class(s, a) == br_session_class(s, b);
}

/* All confirming runs of the commit say one thing, since its tree was emptied; all runs before said another. */
static bool is_stale(const struct br_session *s, const struct br_trial *fresh)
{
	bool before = false;

	for (size_t i = 0; i < s->ntrial; i++) {
		const struct br_trial *t = &s->trial[i];
		bool confirms = t->phase == BR_PHASE_CONFIRM;

		if (strcmp(t->item, fresh->item) != 0)
			continue;
		if (agrees(s, t, fresh) != confirms)
			return false;
		before |= !confirms;
	}
	return before;
}

static const char *ended(const struct br_trial *t)
{
	if (t->verdict.cls == BR_SKIP)
		return "could not be tested";
	return t->verdict.cls == BR_GOOD ? "passed" : "failed";
}

static void look_for_stale(struct br_session *s, const struct br_question *q, const size_t *answer, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct br_trial *fresh = &s->trial[answer[i]];
		br_auto_free char *id = NULL;

		if (!q[i].fresh || !is_stale(s, fresh))
			continue;
		id = br_session_short(s, fresh->item);
		br_session_note(
			s,
			"%s %s in an empty tree, but not in one that earlier candidates had used: a stale "
			"product may play a part (--fresh tests every commit in an empty tree)",
			id, ended(fresh));
	}
}

static size_t add_questions(struct br_question *q, size_t n, const char *oid, unsigned runs,
			    enum br_role role)
{
	for (unsigned i = 0; i < runs; i++)
		q[n++] = (struct br_question){.label = oid, .phase = BR_PHASE_CONFIRM, .role = role};
	return n;
}

static int confirm(struct br_session *s, const struct br_commit_info *c, struct br_err *err)
{
	unsigned at_culprit, at_parent;
	br_auto_free struct br_question *q = NULL;
	br_auto_free size_t *answer = NULL;
	size_t n = 0, nparent = parents_to_test(s, c);
	int r;

	runs_wanted(s, nparent, &at_culprit, &at_parent);
	if (at_culprit == 0) {
		free(s->how_sure);
		s->how_sure = br_strdup("not run again (--confirm off)");
		return 1;
	}
	if (br_session_amended(s, c->oid))
		at_culprit = 0;
	q = br_calloc(at_culprit + at_parent * nparent, sizeof *q);
	n = add_questions(q, n, c->oid, at_culprit, BR_ROLE_OTHER);
	for (size_t i = 0; i < nparent; i++)
		n = add_questions(q, n, c->parent[i], br_session_amended(s, c->parent[i]) ? 0 : at_parent,
				  BR_ROLE_OTHER);
	if (n > 0 && is_fresh_worth_it(s))
		ask_fresh(q, at_culprit, n);
	br_progress_say(s->progress, "probably %s %s; running it and its parents again (%zu runs)",
			c->short_oid, c->subject, n);
	s->standing = (struct br_standing){.phase = "confirming",
					   .left = 1,
					   .tests_left = (double)n,
					   .seconds_each = s->standing.seconds_each,
					   .jobs = s->jobs};
	answer = br_calloc(n, sizeof *answer);
	r = br_session_ask(s, q, n, answer, err);
	if (r >= 0)
		look_for_stale(s, q, answer, n);
	return r < 0 ? r : weigh(s, q, answer, n, c);
}

int br_confirm(struct br_session *s, const char *culprit, struct br_err *err)
{
	struct br_commit_info info;
	int r = br_repo_commit_info(s->repo, culprit, false, &info, err);

	if (r < 0)
		return r;
	r = confirm(s, &info, err);
	br_commit_info_done(&info);
	return r;
}
