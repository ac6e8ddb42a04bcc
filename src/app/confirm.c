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

/* What was asked, and of which suspect. */
struct asked {
	struct br_question *q;
	size_t *suspect, *answer;
	size_t n;
};

static struct tally count(const struct br_session *s, const struct asked *a, size_t suspect,
			  enum br_class said)
{
	struct tally t = {0};

	for (size_t i = 0; i < a->n; i++) {
		enum br_class cls = br_session_class(s, &s->trial[a->answer[i]]);

		if (a->suspect[i] != suspect)
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

static void say_before(const struct br_session *s, struct br_buf *b, const struct tally *t, const char *name)
{
	if (t->runs == 0)
		br_buf_fmt(b, ", and what %s is", name);
	else if (t->skipped == t->runs)
		br_buf_fmt(b, ", %s cannot be tested", name);
	else
		br_buf_fmt(b, ", %u of %u at %s %s", t->as_said, t->runs - t->skipped, name, good_word(s));
}

static int weigh(struct br_session *s, const struct asked *a, const struct br_suspects *sus)
{
	struct br_buf b = {0};
	struct tally culprit = count(s, a, 0, BR_BAD);
	unsigned against = culprit.against;

	say_culprit(s, &b, &culprit);
	for (size_t i = 1; i < sus->n; i++) {
		struct tally before = count(s, a, i, BR_GOOD);

		say_before(s, &b, &before, sus->name[i]);
		against += before.against;
	}
	if (sus->n == 1 && sus->alone)
		br_buf_fmt(&b, "; %s", sus->alone);
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

static void look_for_stale(struct br_session *s, const struct asked *a)
{
	for (size_t i = 0; i < a->n; i++) {
		const struct br_trial *fresh = &s->trial[a->answer[i]];
		br_auto_free char *id = NULL;

		if (!a->q[i].fresh || !is_stale(s, fresh))
			continue;
		id = br_session_short(s, fresh->item);
		br_session_note(
			s,
			"%s %s in an empty tree, but not in one that earlier candidates had used: a stale "
			"product may play a part (--fresh tests every commit in an empty tree)",
			id, ended(fresh));
	}
}

/* The first runs at the culprit and at what comes before it may be in an empty tree. */
static void add_questions(struct asked *a, const struct br_suspects *sus, size_t suspect, unsigned runs)
{
	for (unsigned i = 0; i < runs; i++) {
		a->q[a->n] = sus->q[suspect];
		a->q[a->n].phase = BR_PHASE_CONFIRM;
		a->q[a->n].role = BR_ROLE_OTHER;
		a->q[a->n].fresh = i == 0 && suspect <= 1 && sus->may_be_fresh;
		a->suspect[a->n++] = suspect;
	}
}

static const char *item_of(const struct br_question *q)
{
	return q->item ? q->item : q->label;
}

static int ask(struct br_session *s, struct asked *a, const struct br_suspects *sus, struct br_err *err)
{
	int r;

	br_progress_say(s->progress, "probably %s; running it and what comes before it again (%zu runs)",
			sus->name[0], a->n);
	s->standing = (struct br_standing){.phase = "confirming",
					   .left = 1,
					   .tests_left = (double)a->n,
					   .seconds_each = s->standing.seconds_each,
					   .jobs = s->jobs};
	r = br_session_ask(s, a->q, a->n, a->answer, err);
	if (r >= 0)
		look_for_stale(s, a);
	return r < 0 ? r : weigh(s, a, sus);
}

int br_confirm_suspects(struct br_session *s, const struct br_suspects *sus, struct br_err *err)
{
	struct asked a = {0};
	unsigned at_culprit, at_others;
	int r;

	runs_wanted(s, sus->n - 1, &at_culprit, &at_others);
	if (at_culprit == 0) {
		free(s->how_sure);
		s->how_sure = br_strdup("not run again (--confirm off)");
		return 1;
	}
	a.q = br_calloc(at_culprit + at_others * (sus->n - 1), sizeof *a.q);
	a.suspect = br_calloc(at_culprit + at_others * (sus->n - 1), sizeof *a.suspect);
	a.answer = br_calloc(at_culprit + at_others * (sus->n - 1), sizeof *a.answer);
	for (size_t i = 0; i < sus->n; i++)
		if (!br_session_amended(s, item_of(&sus->q[i])))
			add_questions(&a, sus, i, i == 0 ? at_culprit : at_others);
	r = ask(s, &a, sus, err);
	free(a.q);
	free(a.suspect);
	free(a.answer);
	return r;
}

/* With --first-parent the other parents are not part of the history that is searched. */
static size_t parents_to_test(const struct br_session *s, const struct br_commit_info *c)
{
	return s->first_parent && c->nparent > 1 ? 1 : c->nparent;
}

static int confirm(struct br_session *s, const struct br_commit_info *c, struct br_err *err)
{
	size_t n = 1 + parents_to_test(s, c);
	br_auto_free struct br_question *q = br_calloc(n, sizeof *q);
	br_auto_strv char **name = br_calloc(n + 1, sizeof *name);
	struct br_suspects sus = {.q = q,
				  .name = name,
				  .n = n,
				  .alone = c->nparent == 0 ? "it is a root commit, there is nothing before it"
							   : NULL,
				  .may_be_fresh = is_fresh_worth_it(s)};

	q[0].label = c->oid;
	name[0] = br_asprintf("%s %s", c->short_oid, c->subject);
	for (size_t i = 1; i < n; i++) {
		br_auto_free char *id = br_session_short(s, c->parent[i - 1]);

		q[i].label = c->parent[i - 1];
		name[i] = br_asprintf("its parent %s", id);
	}
	return br_confirm_suspects(s, &sus, err);
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
