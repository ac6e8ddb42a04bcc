/* cmd_try.c - one trial only: build, run, judge, say the verdict. Its exit status fits into `git bisect run`. */
#include "app/commands.h"

#include "app/finish.h"
#include "app/session.h"
#include "base/mem.h"
#include "bisect_run/err.h"
#include "domain/repo.h"

#include <stdio.h>
#include <string.h>

enum { EXIT_GOOD = 0, EXIT_BAD = 1, EXIT_SKIP = 125 };

static int exit_of(enum br_class cls)
{
	switch (cls) {
	case BR_GOOD:
		return EXIT_GOOD;
	case BR_BAD:
		return EXIT_BAD;
	case BR_SKIP:
		break;
	}
	return EXIT_SKIP;
}

/* What was not run cannot be profiled. */
static int profile(struct br_session *s, const struct br_question *q, size_t answer, struct br_err *err)
{
	enum br_end end = s->trial[answer].outcome.end;
	struct br_profile p;
	int r;

	if (end != BR_END_EXIT && end != BR_END_SIGNAL && end != BR_END_TIMEOUT)
		return 0;
	s->standing.phase = "profiling";
	r = br_profile_trial(s, q, &p, err);
	if (r == 1) {
		s->profile = br_malloc(sizeof p);
		*s->profile = p;
	}
	return r < 0 ? r : 0;
}

static int run(struct br_session *s, struct br_err *err)
{
	struct br_question q = {.phase = BR_PHASE_TRY, .role = BR_ROLE_OTHER};
	size_t answer;
	int r = br_session_trees(s, err);

	if (r == 0)
		r = br_session_start(s, err);
	if (r < 0)
		return r;
	s->standing.phase = "trying";
	s->domain = s->trees;
	q.label = br_session_place(s);
	r = br_session_ask(s, &q, 1, &answer, err);
	if (r < 0)
		return r;
	s->telling = answer + 1;
	r = profile(s, &q, answer, err);
	if (r < 0)
		return r;
	r = br_finish(s, BR_STATUS_TRIED, NULL, err);
	return r < 0 ? r : exit_of(s->trial[answer].verdict.cls);
}

int br_cmd_try(struct br_options *opt)
{
	struct br_session s;
	struct br_err err = {0};
	int r = br_session_open(&s, opt, NULL, &err);

	if (r < 0)
		return br_finish_unopened(&s, opt, r, &err);
	r = run(&s, &err);
	if (r < 0) {
		if (s.engine)
			br_session_drain(&s);
		s.row.message = br_strdup(err.msg);
		if (br_finish(&s, r == BR_EINTR ? BR_STATUS_INTERRUPTED : BR_STATUS_ERROR, NULL, &err) >= 0)
			r = 128;
	}
	return br_finish_exit(&s, opt, r, &err);
}
