/*
 * ends.c - what one expects, tested first: the bad end is bad, the good ends and the merge bases are good.
 *
 * In fixed mode "good" is the broken (old) state and "bad" the fixed (new) one; classes are those that the
 * search sees (br_session_class), words are those of the user.
 */
#include "app/session.h"

#include "app/yours.h"
#include "base/mem.h"
#include "base/text.h"
#include "bisect_run/err.h"
#include "domain/repo.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* An end that is not what was said is tried this often in all before it is called so. */
enum { END_TRIES = 5 };
/* Generations back of the first step of the search for a good one, and the factor between steps. */
enum { GALLOP_FIRST = 4, GALLOP_FACTOR = 4, GALLOP_SKIPS = 8 };
/* A wall limit is learnt as this multiple of the slower end, and is at least that long. */
enum { LIMIT_FACTOR = 10 };
#define LIMIT_LEAST_NS (10 * 1000000000ull)

static const char *old_word(const struct br_session *s)
{
	if (s->opt->interesting)
		return "uninteresting";
	return s->fixed_mode ? "broken" : "good";
}

static const char *new_word(const struct br_session *s)
{
	if (s->opt->interesting)
		return "interesting";
	return s->fixed_mode ? "fixed" : "bad";
}

static enum br_role role_of(const struct br_session *s, bool new_end)
{
	return new_end != s->fixed_mode ? BR_ROLE_BAD_END : BR_ROLE_GOOD_END;
}

static void fail_ends(struct br_session *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void fail_ends(struct br_session *s, const char *fmt, ...)
{
	va_list ap;

	free(s->row.message);
	va_start(ap, fmt);
	if (vasprintf(&s->row.message, fmt, ap) < 0)
		s->row.message = NULL;
	va_end(ap);
}

/* ---- before anything is run ---- */

/* Goods that are ancestors of other goods say nothing more: they would only cost a test. */
static void drop_redundant_goods(struct br_session *s)
{
	char **kept = NULL;

	for (size_t i = 0; s->good && s->good[i]; i++) {
		bool redundant = false;

		for (size_t k = 0; s->good[k] && !redundant; k++) {
			if (k == i)
				continue;
			if (strcmp(s->good[i], s->good[k]) == 0)
				redundant = k < i;
			else
				redundant = br_repo_is_ancestor(s->repo, s->good[i], s->good[k], NULL) == 1;
		}
		if (!redundant)
			br_strv_add(&kept, s->good[i]);
	}
	br_strv_free(s->good);
	s->good = kept;
}

static int check_one_good(struct br_session *s, const char *good, struct br_err *err)
{
	br_auto_free char *g = br_session_short(s, good);
	br_auto_free char *b = br_session_short(s, s->bad);
	int r;

	if (strcmp(good, s->bad) == 0) {
		fail_ends(s, "%s is both the %s and the %s revision: the ends must differ", g, old_word(s),
			  new_word(s));
		return BR_ENDS_NOT_REPRODUCED;
	}
	r = br_repo_is_ancestor(s->repo, s->bad, good, err);
	if (r == 1) {
		fail_ends(s, "the %s revision is newer: %s comes after the %s one %s; swap them, or %s",
			  old_word(s), g, new_word(s), b,
			  s->fixed_mode ? "use --good and --bad to find what broke it"
					: "to find the commit that fixed it use --broken REV --fixed REV");
		return BR_ENDS_NOT_REPRODUCED;
	}
	return r < 0 ? r : BR_ENDS_AS_SAID;
}

int br_ends_check(struct br_session *s, struct br_err *err)
{
	bool related = false, unrelated = false;
	int r;

	for (size_t i = 0; s->good && s->good[i]; i++) {
		r = check_one_good(s, s->good[i], err);
		if (r != BR_ENDS_AS_SAID)
			return r;
		r = br_repo_is_ancestor(s->repo, s->good[i], s->bad, err);
		if (r < 0)
			return r;
		related = related || r == 1;
		unrelated = unrelated || r == 0;
	}
	drop_redundant_goods(s);
	if (!unrelated)
		return BR_ENDS_AS_SAID;
	r = br_repo_merge_bases(s->repo, s->bad, s->good, &s->base, err);
	if (r < 0)
		return r;
	if (!related && br_strv_len(s->base) == 0)
		return br_fail(err, BR_ESTATE,
			       "%s and %s have no common history%s: name a %s revision that %s descends from",
			       s->good_name ? s->good_name : s->good[0], s->bad_name,
			       br_repo_is_shallow(s->repo) ? " in this shallow clone (fetch more: git fetch "
							     "--unshallow, or fetch-depth: 0 in CI)"
							   : "",
			       old_word(s), s->bad_name);
	return BR_ENDS_AS_SAID;
}

/* ---- running the ends ---- */

/* What is hunted at the new end, and how the old one must not be. */
static bool as_expected(const struct br_session *s, const struct br_trial *t, bool new_end)
{
	return br_session_class(s, t) == (new_end ? BR_BAD : BR_GOOD);
}

/* "v1.0 (3f2a1bc)", or the name alone. The caller frees. */
static char *full_name(struct br_session *s, const struct br_bound *bound)
{
	br_auto_free char *id = NULL;

	if (bound->q.item)
		return br_strdup(bound->name ? bound->name : bound->q.item);
	id = br_session_short(s, bound->q.label);
	return br_asprintf("%s (%s)", bound->name ? bound->name : id, id);
}

static void explain_end(struct br_session *s, const struct br_trial *t, const struct br_bound *bound,
			unsigned tries)
{
	br_auto_free char *name = full_name(s, bound);
	const char *word = bound->is_new ? new_word(s) : old_word(s);
	const char *why = t->amended ? "a person said so" : t->verdict.why;
	bool more = t->outcome.note[0] && !strstr(why, t->outcome.note);
	char again[64] = "";

	if (tries > 1)
		(void)snprintf(again, sizeof again, ", %u times of %u", tries, tries);
	if (t->verdict.cls == BR_SKIP)
		fail_ends(s, "the %s end %s cannot be tested: %s%s%s", word, name, why, more ? ": " : "",
			  more ? t->outcome.note : "");
	else
		fail_ends(s, "not reproduced: the %s end %s is %s (%s)%s", word, name,
			  br_class_name(t->verdict.cls), why, again);
}

/* Nothing that is in the history makes the end behave: does something that is not? */
static int compare_with_yours(struct br_session *s, const struct br_bound *bound, size_t first,
			      struct br_err *err)
{
	br_auto_free char *said = NULL, *before = NULL;
	int r = 0;

	if (!s->trial[first].amended)
		r = br_yours_explain(s, &bound->q, &s->trial[first], bound->is_new ? BR_BAD : BR_GOOD, &said,
				     err);
	if (r > 0) {
		before = br_steal(&s->row.message);
		fail_ends(s, "%s; %s", before, said);
	}
	return r < 0 ? r : BR_ENDS_NOT_REPRODUCED;
}

/* The first answer was not the expected one: does it vary? */
static int try_end_again(struct br_session *s, const struct br_bound *bound, size_t first, struct br_err *err)
{
	br_auto_free char *name = full_name(s, bound);
	unsigned tries = 1, wanted = 0;
	size_t last = first;

	if (s->trial[first].outcome.end == BR_END_SETUP)
		return br_fail(err, BR_ESTATE, "the %s end %s cannot be made: %s",
			       bound->is_new ? new_word(s) : old_word(s), name, s->trial[first].outcome.note);
	/* A build that fails, a test that says skip and what a person said are no matter of chance. */
	if (s->trial[first].verdict.cls != BR_SKIP && !s->trial[first].amended) {
		for (; tries < END_TRIES; tries++) {
			int r = br_session_ask(s, &bound->q, 1, &last, err);

			if (r < 0)
				return r;
			wanted += as_expected(s, &s->trial[last], bound->is_new);
		}
	}
	s->telling = first + 1;
	if (wanted == 0) {
		explain_end(s, &s->trial[first], bound, tries);
		return compare_with_yours(s, bound, first, err);
	}
	fail_ends(s, "the test is flaky: at the %s end %s it was %s in %u of %u runs",
		  bound->is_new ? new_word(s) : old_word(s), name,
		  bound->is_new != s->fixed_mode ? "bad" : "good", wanted, tries);
	return BR_ENDS_FLAKY;
}

void br_ends_learn_limit(struct br_session *s)
{
	uint64_t slowest = 0;
	char d[32];

	if (s->opt->timeout_ns || !s->spec.argv)
		return;
	for (size_t i = 0; i < s->ntrial; i++) {
		const struct br_trial *t = &s->trial[i];

		/* One that ran into the limit says nothing about how long a test takes. */
		if (t->phase == BR_PHASE_ENDS && t->outcome.end != BR_END_TIMEOUT &&
		    t->outcome.wall_ns > slowest)
			slowest = t->outcome.wall_ns;
	}
	if (slowest == 0 || slowest * LIMIT_FACTOR <= s->limit_ns)
		return;
	s->limit_ns = slowest * LIMIT_FACTOR > LIMIT_LEAST_NS ? slowest * LIMIT_FACTOR : LIMIT_LEAST_NS;
	s->limit_learnt = true;
	br_judge_limit_is_learnt(s->judge, true);
	br_progress_say(s->progress,
			"time limit of a test: %s (learnt from the ends; --timeout sets another)",
			br_format_duration(s->limit_ns, d, sizeof d));
}

static void note_untested_base(struct br_session *s, const char *id, const char *why)
{
	br_session_note(
		s, "the merge base %s cannot be tested (%s): the first %s commit is only right if it is %s",
		id, why, new_word(s), old_word(s));
}

static bool is_skipped_by_hand(const struct br_session *s, const char *oid)
{
	for (size_t i = 0; s->skip && s->skip[i]; i++)
		if (strcmp(s->skip[i], oid) == 0)
			return true;
	return false;
}

static int judge_base(struct br_session *s, const struct br_trial *t, const char *base)
{
	br_auto_free char *id = br_session_short(s, base);

	switch (br_session_class(s, t)) {
	case BR_GOOD:
		return BR_ENDS_AS_SAID;
	case BR_SKIP:
		note_untested_base(s, id, t->verdict.why);
		return BR_ENDS_AS_SAID;
	case BR_BAD:
		break;
	}
	s->telling = (size_t)(t - s->trial) + 1;
	if (s->fixed_mode)
		fail_ends(s, "the merge base %s is fixed already: it was broken again between %s and %s", id,
			  id, s->good_name ? s->good_name : s->good[0]);
	else
		fail_ends(s,
			  "the merge base %s is bad: the bug has been fixed between %s and %s; to find that "
			  "fix use "
			  "--broken %s --fixed %s",
			  id, id, s->good_name ? s->good_name : s->good[0], id,
			  s->good_name ? s->good_name : s->good[0]);
	return BR_ENDS_NOT_REPRODUCED;
}

/* A good revision that is no ancestor of the bad one only speaks for their merge bases. */
static int test_bases(struct br_session *s, struct br_err *err)
{
	for (size_t i = 0; s->base && s->base[i]; i++) {
		struct br_question q = {.label = s->base[i], .phase = BR_PHASE_ENDS, .role = BR_ROLE_OTHER};
		size_t answer;
		br_auto_free char *id = br_session_short(s, s->base[i]);
		int r;

		if (is_skipped_by_hand(s, s->base[i])) {
			note_untested_base(s, id, "--skip");
			continue;
		}
		br_progress_say(s->progress,
				"the %s revision is no ancestor of the %s one: testing the merge base %s",
				old_word(s), new_word(s), id);
		r = br_session_ask(s, &q, 1, &answer, err);
		if (r < 0)
			return r;
		r = judge_base(s, &s->trial[answer], s->base[i]);
		if (r != BR_ENDS_AS_SAID)
			return r;
	}
	return BR_ENDS_AS_SAID;
}

/*
 * The end at which COMMAND passes goes first: it tells how long a test may take, so that a hang at the other end
 * is seen as one. q[0] is the new end.
 */
static int ask_both(struct br_session *s, const struct br_question *q, size_t n, size_t *answer,
		    struct br_err *err)
{
	int r;

	if (s->opt->timeout_ns)
		return br_session_ask(s, q, n, answer, err);
	r = s->fixed_mode ? br_session_ask(s, q, 1, answer, err)
			  : br_session_ask(s, q + 1, n - 1, answer + 1, err);
	if (r < 0)
		return r;
	br_ends_learn_limit(s);
	return s->fixed_mode ? br_session_ask(s, q + 1, n - 1, answer + 1, err)
			     : br_session_ask(s, q, 1, answer, err);
}

int br_ends_ask(struct br_session *s, struct br_bound *bound, size_t n, struct br_err *err)
{
	br_auto_free struct br_question *q = br_calloc(n, sizeof *q);
	br_auto_free size_t *answer = br_calloc(n, sizeof *answer);
	int r;

	s->standing.phase = "testing the ends";
	for (size_t i = 0; i < n; i++) {
		bound[i].is_new = i == 0;
		bound[i].q.phase = BR_PHASE_ENDS;
		bound[i].q.role = role_of(s, bound[i].is_new);
		q[i] = bound[i].q;
	}
	r = ask_both(s, q, n, answer, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++)
		if (!as_expected(s, &s->trial[answer[i]], bound[i].is_new))
			return try_end_again(s, &bound[i], answer[i], err);
	br_ends_learn_limit(s);
	return BR_ENDS_AS_SAID;
}

int br_ends_test(struct br_session *s, struct br_err *err)
{
	size_t n = br_strv_len(s->good);
	br_auto_free struct br_bound *bound = br_calloc(n + 1, sizeof *bound);
	int r;

	bound[0] = (struct br_bound){.q.label = s->bad, .name = s->bad_name};
	for (size_t i = 0; i < n; i++)
		bound[i + 1] = (struct br_bound){.q.label = s->good[i], .name = n == 1 ? s->good_name : NULL};
	r = br_ends_ask(s, bound, n + 1, err);
	if (r == BR_ENDS_AS_SAID)
		r = test_bases(s, err);
	if (r == BR_ENDS_AS_SAID)
		br_ends_learn_limit(s);
	return r;
}

/* ---- no good revision is known ---- */

static int gallop_step(struct br_session *s, uint64_t distance, bool *root, char oid[BR_OID_HEX],
		       struct br_err *err)
{
	br_auto_free char *id = NULL;
	int r = br_repo_nth_parent(s->repo, s->bad, distance, oid, root, err);

	if (r < 0)
		return r;
	id = br_session_short(s, oid);
	br_progress_say(s->progress, "no good revision given: trying %s, %s%llu generations back", id,
			*root ? "the oldest commit, at most " : "", (unsigned long long)distance);
	return 0;
}

static int gallop_failed(struct br_session *s, const char *oid)
{
	br_auto_free char *id = br_session_short(s, oid);

	fail_ends(s, "the oldest commit %s is not good either: it never worked in this history%s", id,
		  br_repo_is_shallow(s->repo) ? "; history ends here because the clone is shallow: fetch "
						"more (git fetch --unshallow; "
						"fetch-depth: 0 in CI)"
					      : "");
	return BR_ENDS_NOT_REPRODUCED;
}

int br_ends_gallop(struct br_session *s, struct br_err *err)
{
	const struct br_bound bad = {.q = {.label = s->bad, .phase = BR_PHASE_ENDS, .role = role_of(s, true)},
				     .name = s->bad_name,
				     .is_new = true};
	struct br_question q = bad.q;
	uint64_t distance = GALLOP_FIRST;
	char oid[BR_OID_HEX];
	size_t answer;
	int skips = 0, r;

	s->standing.phase = "looking for a good commit";
	r = br_session_ask(s, &q, 1, &answer, err);
	if (r < 0)
		return r;
	if (!as_expected(s, &s->trial[answer], true))
		return try_end_again(s, &bad, answer, err);
	for (;;) {
		bool root;
		const struct br_trial *t;

		r = gallop_step(s, distance, &root, oid, err);
		if (r < 0)
			return r;
		/* A one-commit history: the bad end is the oldest commit. */
		if (strcmp(oid, s->bad) == 0)
			return gallop_failed(s, oid);
		q = (struct br_question){.label = oid, .phase = BR_PHASE_ENDS, .role = BR_ROLE_OTHER};
		r = br_session_ask(s, &q, 1, &answer, err);
		if (r < 0)
			return r;
		t = &s->trial[answer];
		if (br_session_class(s, t) == BR_GOOD)
			break;
		s->telling = answer + 1;
		if (root)
			return gallop_failed(s, oid);
		/* Skipped: only a little further, the band may be short. */
		if (t->verdict.cls == BR_SKIP && skips++ < GALLOP_SKIPS) {
			distance += distance / 2;
			continue;
		}
		/* Bad: the culprit is at or before it, so it is the nearer bad end. */
		if (br_session_class(s, t) == BR_BAD) {
			free(s->bad);
			s->bad = br_strdup(oid);
			distance = distance * (GALLOP_FACTOR - 1);
		} else {
			distance *= GALLOP_FACTOR;
		}
	}
	s->telling = 0;
	br_strv_add(&s->good, oid);
	br_ends_learn_limit(s);
	return BR_ENDS_AS_SAID;
}
