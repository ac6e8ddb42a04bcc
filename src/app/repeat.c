/* repeat.c - notices a test that does not always fail where it could, and repeats its runs until they say enough. */
#include "app/repeat.h"

#include "app/minimize.h"
#include "base/mem.h"
#include "base/text.h"

#include <math.h>
#include <string.h>

enum {
	FIRST_CHECK = 64,
	SAMPLE = 12, /* runs that tell how often it fails */
	RUNS_MAX = 30,
};
/* A candidate that can fail and passes all its runs. */
static const double UNSEEN = 1e-3;

struct share {
	unsigned failed, n;
};

static bool counts(const struct br_trial *t)
{
	return !t->tree && (t->phase == BR_PHASE_CONFIRM || t->phase == BR_PHASE_ENDS);
}

/* Of all runs of this item that are none of the search's own: those were chosen by how they ended. */
static struct share share_of(const struct br_session *s, const char *item)
{
	struct share share = {0};

	for (size_t i = 0; i < s->ntrial; i++)
		if (counts(&s->trial[i]) && strcmp(s->trial[i].item, item) == 0) {
			share.n++;
			share.failed += br_session_class(s, &s->trial[i]) == BR_BAD;
		}
	return share;
}

/* How many runs without a failure are enough; 0: more than can be had, or it never fails. */
static unsigned runs_for(struct share share)
{
	double passes = 1 - (double)share.failed / share.n, runs;

	if (share.failed == share.n)
		return 1;
	if (share.failed == 0)
		return 0;
	runs = ceil(log(UNSEEN) / log(passes));
	return runs > RUNS_MAX ? 0 : (unsigned)runs;
}

static uint64_t runs_made(const struct br_session *s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s->ntrial; i++)
		n += s->trial[i].phase == BR_PHASE_REDUCE && !s->trial[i].cached;
	return n;
}

void br_repeat_open(struct br_minimize *m)
{
	const struct br_session *s = m->form.session;

	for (size_t i = 0; i < s->ntrial; i++) {
		struct share share = {0};
		unsigned runs;

		if (!counts(&s->trial[i]))
			continue;
		share = share_of(s, s->trial[i].item);
		runs = share.n < SAMPLE ? 0 : runs_for(share);
		if (runs > m->repeat.runs)
			m->repeat.runs = runs;
	}
	m->repeat.check_at = FIRST_CHECK;
	while (m->repeat.check_at <= runs_made(s))
		m->repeat.check_at *= 2;
}

bool br_repeat_is_sure(const struct br_form *f, const struct br_trial *t)
{
	const struct br_minimize *m = (const struct br_minimize *)f;
	const struct br_session *s = f->session;
	unsigned runs = 0;

	if (m->early != 0 && t->n == m->early)
		return false;
	if (m->repeat.runs <= 1 || t->amended || br_session_class(s, t) == BR_BAD)
		return true;
	for (size_t i = 0; i < s->ntrial; i++) {
		if (s->trial[i].phase == BR_PHASE_CONFIRM || s->trial[i].n == m->early ||
		    strcmp(s->trial[i].item, t->item) != 0)
			continue;
		if (br_session_class(s, &s->trial[i]) == BR_BAD)
			return false;
		runs++;
	}
	return runs >= m->repeat.runs;
}

bool br_repeat_is_due(const struct br_form *f)
{
	const struct br_minimize *m = (const struct br_minimize *)f;

	return !f->session->opt->ask && runs_made(f->session) >= m->repeat.check_at;
}

/* One more run of the question, which keeps its texts. */
static int run_again(struct br_session *s, const struct br_question *q, bool *failed, struct br_err *err)
{
	struct br_question again = *q;
	size_t answer;
	int r;

	again.phase = BR_PHASE_CONFIRM;
	again.role = BR_ROLE_OTHER;
	r = br_session_ask(s, &again, 1, &answer, err);
	if (r == 0)
		*failed = br_session_class(s, &s->trial[answer]) == BR_BAD;
	return r;
}

static void say_share(struct br_session *s, struct share share, const char *more)
{
	free(s->how_sure);
	s->how_sure = br_asprintf("what failed before failed in %u of %u further runs%s", share.failed,
				  share.n, more);
}

int br_repeat_measure(struct br_minimize *m, const struct br_question *q, struct br_err *err)
{
	struct br_session *s = m->form.session;
	struct share share = share_of(s, q->item);
	bool failed;
	int r = 0;

	while (r == 0 && share.n < SAMPLE) {
		r = run_again(s, q, &failed, err);
		share = share_of(s, q->item);
	}
	if (r < 0)
		return r;
	m->repeat.runs = runs_for(share);
	m->repeat.state = m->repeat.runs > 0 ? BR_REPEAT_NOTICED : BR_REPEAT_HOPELESS;
	say_share(s, share, m->repeat.runs > 0 ? "" : ": COMMAND should repeat the test until it is sure");
	if (m->repeat.runs > 0)
		br_session_note(s, "the test is flaky: %s; from now on a candidate passes only after %u runs",
				s->how_sure, m->repeat.runs);
	return 0;
}

int br_repeat_learn(struct br_minimize *m, struct br_err *err)
{
	struct br_question q = {0};

	m->ops->best(m, &q);
	return br_repeat_measure(m, &q, err);
}

int br_repeat_confirm(struct br_minimize *m, const struct br_question *q, struct br_err *err)
{
	struct br_session *s = m->form.session;
	bool failed = false;
	unsigned n = 0;

	while (!failed && n < m->repeat.runs) {
		int r = run_again(s, q, &failed, err);

		if (r < 0)
			return r;
		n++;
	}
	say_share(s, (struct share){failed, n},
		  failed ? "" : ": it fails by chance also where it should pass");
	return failed;
}

int br_repeat_check(struct br_form *f, struct br_err *err)
{
	struct br_minimize *m = (struct br_minimize *)f;
	struct br_question q = {0};
	bool failed = false;
	int r;

	m->repeat.check_at *= 2;
	m->ops->best(m, &q);
	if (m->repeat.runs > 1) {
		r = br_repeat_confirm(m, &q, err);
		m->repeat.state = r == 0 ? BR_REPEAT_HOPELESS : BR_REPEAT_STEADY;
		return r < 0 ? r : r == 0;
	}
	r = run_again(f->session, &q, &failed, err);
	if (r < 0 || failed)
		return r;
	r = br_repeat_measure(m, &q, err);
	return r < 0 ? r : 1;
}
