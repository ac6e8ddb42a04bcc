/*
 * detect_evidence.c - what the output says: the exit status comes first, but it lies. A build that broke, a test that could
 * not run or that was not there say nothing about the candidate, whatever the status; a defect can hide under exit 0.
 */
#include "judge/detector.h"

#include "bisect_run/err.h"
#include "bisect_run/failure.h"
#include "judge/evidence.h"

#include <string.h>

static int skip_no_tests(const struct br_failure *f, struct br_verdict *out)
{
	out->failure = *f;
	return br_verdict_say(out, BR_SKIP, "no-tests", "no test ran (%s: %s)", f->type, f->message);
}

/* Exit 0 is good, unless a runner ran nothing; what else was seen is told, and bad only when the user wants it so. */
static int judge_passed(struct br_case *c, const struct br_reading *r, struct br_verdict *out)
{
	char title[160];

	if (r->no_tests)
		return skip_no_tests(&r->failure, out);
	if (!r->defect)
		return 0;
	c->named = r->failure;
	c->named.exit = 0;
	if (!c->judge->bad_if_defect)
		return 0;
	out->failure = c->named;
	return br_verdict_say(out, BR_BAD, r->failure.kind, "exit 0, but there is a defect: %s",
			      br_failure_title(&r->failure, title, sizeof title));
}

/* A broken build or a test that could not run: what is hunted when the bad end ends so too, else no word on this candidate. */
static int judge_not_run(struct br_case *c, const char *kind, const struct br_reading *r,
			 struct br_verdict *out)
{
	const struct br_failure *learnt = &c->judge->learnt.failure;
	struct br_failure f = r->failure;
	bool hunted;
	char title[160];

	f.exit = c->outcome->code;
	hunted = br_case_must_fail(c) ||
		 (c->role == BR_ROLE_OTHER && learnt->kind[0] && br_failure_same(learnt, &f));
	out->failure = f;
	(void)br_failure_title(&f, title, sizeof title);
	if (strcmp(kind, "build") == 0)
		return br_verdict_say(out, hunted ? BR_BAD : BR_SKIP, kind, "the build failed (exit %d): %s",
				      f.exit, title);
	return br_verdict_say(out, hunted ? BR_BAD : BR_SKIP, kind, "the test could not run (exit %d): %s",
			      f.exit, title);
}

static int judge_failed(struct br_case *c, const struct br_reading *r, struct br_verdict *out)
{
	bool exited = c->outcome->end == BR_END_EXIT && c->outcome->code != 125 && !br_cannot_run(c->outcome);

	switch (r->says) {
	case BR_SAYS_BUILD:
	case BR_SAYS_NO_BUILD:
		if (exited)
			return judge_not_run(c, "build", r, out);
		return 0;
	case BR_SAYS_INFRA:
	case BR_SAYS_FULL:
		if (exited)
			return judge_not_run(c, "infra", r, out);
		c->named = r->failure;
		return 0;
	case BR_SAYS_NO_TESTS:
		if (exited)
			return skip_no_tests(&r->failure, out);
		return 0;
	case BR_SAYS_NOTHING:
	case BR_SAYS_RAN:
	case BR_SAYS_THREW:
	case BR_SAYS_CRASHED:
	case BR_SAYS_TEST:
		break;
	}
	c->named = r->failure;
	return 0;
}

int br_detect_evidence(struct br_case *c, struct br_verdict *out, struct br_err *err)
{
	bool passed = c->outcome->end == BR_END_EXIT && c->outcome->code == 0;
	struct br_reading r;
	const char *text = NULL;
	size_t n = 0;
	int rc;

	if (c->outcome->end != BR_END_EXIT && c->outcome->end != BR_END_SIGNAL)
		return 0;
	rc = br_case_text(c, &text, &n, err);
	if (rc == BR_OK)
		rc = br_evidence_read(c->judge->evidence, text, n, passed, &r, err);
	if (rc < 0)
		return rc;
	return passed ? judge_passed(c, &r, out) : judge_failed(c, &r, out);
}

static void name_it(const struct br_failure *from, struct br_failure *f)
{
	int status = f->exit, sig = f->signal;

	*f = *from;
	f->exit = status;
	f->signal = sig;
}

void br_evidence_name(const struct br_case *c, struct br_verdict *v)
{
	const char *kind = v->failure.kind;
	bool infra = strcmp(c->named.kind, "infra") == 0;

	if (!c->named.kind[0])
		return;
	if (v->cls == BR_GOOD && !*kind && c->named.exit == 0) {
		v->failure = c->named;
		return;
	}
	if (infra && strcmp(kind, "infra") == 0)
		name_it(&c->named, &v->failure);
	if (!infra && v->cls == BR_BAD && (strcmp(kind, "exit") == 0 || strcmp(kind, "signal") == 0))
		name_it(&c->named, &v->failure);
}
