/* minimize.c - what --reduce and --subset have in common: the guard, the search, the result run again. */
#include "app/minimize.h"

#include "app/jobs.h"
#include "base/mem.h"
#include "bisect_run/err.h"

#include <string.h>

int br_minimize_open(struct br_minimize **out, struct br_session *s, struct br_err *err)
{
	return br_options_aim(s->opt) == BR_AIM_SUBSET ? br_subset_open(out, s, err)
						       : br_reduce_open_files(out, s, err);
}

/* The empty one first: its time tells how long a test may take. Sets *trial to its index. */
static int ask_nothing(struct br_minimize *m, size_t *trial, struct br_err *err)
{
	struct br_session *s = m->form.session;
	struct br_question q = {0};
	int r;

	m->ops->nothing(m, &q);
	q.phase = BR_PHASE_ENDS;
	q.role = s->fixed_mode ? BR_ROLE_BAD_END : BR_ROLE_GOOD_END;
	r = br_session_ask(s, &q, 1, trial, err);
	if (r == 0)
		br_ends_learn_limit(s);
	return r;
}

/*
 * It must not fail. A parser that refuses an empty file fails in its own way, which is not the one that is hunted: what was said of it
 * before that one was known does not count.
 */
static int judge_nothing(struct br_minimize *m, size_t trial)
{
	struct br_session *s = m->form.session;
	struct br_trial as_candidate = s->trial[trial]; /* borrows */

	if (br_session_class(s, &as_candidate) != BR_BAD)
		return BR_ENDS_AS_SAID;
	as_candidate.phase = m->form.phase;
	br_match_judge(s, &as_candidate);
	if (br_session_class(s, &as_candidate) != BR_BAD) {
		m->early = as_candidate.n;
		return BR_ENDS_AS_SAID;
	}
	s->telling = trial + 1;
	br_session_message(s,
			   br_asprintf("not reproduced: it fails %s too (%s), so the input does not matter",
				       m->nothing_name, s->trial[trial].verdict.why));
	return BR_ENDS_NOT_REPRODUCED;
}

static int test_ends(struct br_minimize *m, struct br_err *err)
{
	struct br_session *s = m->form.session;
	struct br_bound whole = {.name = m->whole_name};
	size_t trial;
	int r, said;

	s->standing.phase = "testing the ends";
	r = ask_nothing(m, &trial, err);
	if (r < 0)
		return r;
	m->ops->whole(m, &whole.q);
	said = br_ends_ask(s, &whole, 1, err);
	if (said < 0)
		return said;
	r = judge_nothing(m, trial);
	return r == BR_ENDS_AS_SAID || said == BR_ENDS_NOT_REPRODUCED ? said : r;
}

static void drop_result(struct br_minimize *m)
{
	m->form.session->input = NULL;
	for (size_t i = 0; m->result && m->form.session->input_file[i]; i++)
		free((void *)(uintptr_t)m->result[i].data);
	free(br_steal(&m->result));
}

/* The result's files for all questions that follow. */
static void keep_result(struct br_minimize *m, const struct br_question *best)
{
	struct br_session *s = m->form.session;
	size_t n = br_strv_len(s->input_file);

	drop_result(m);
	m->result = br_calloc(n, sizeof *m->result);
	for (size_t i = 0; i < n; i++) {
		void *copy = br_calloc(best->file[i].n + 1, 1);

		if (best->file[i].n)
			memcpy(copy, best->file[i].data, best->file[i].n);
		m->result[i] =
			(struct br_file_data){.data = copy, .n = best->file[i].n, .gone = best->file[i].gone};
	}
	s->input = m->result;
}

/* 1: the result fails again; 0: not always. */
static int confirm(struct br_minimize *m, struct br_err *err)
{
	struct br_question q = {0};
	char *const name[] = {(char *)(uintptr_t)m->best_name};
	const struct br_suspects sus = {.q = &q, .name = name, .n = 1};

	m->ops->best(m, &q);
	keep_result(m, &q);
	q.file = m->result;
	return m->repeat.runs > 1 ? br_repeat_confirm(m, &q, err)
				  : br_confirm_suspects(m->form.session, &sus, err);
}

/* The files of the best so far go with each question of their own, not with all. */
static void go_back(struct br_minimize *m)
{
	drop_result(m);
	m->repeat.state = BR_REPEAT_STEADY;
}

static int conclude(struct br_minimize *m, struct br_strategy *strategy, struct br_err *err)
{
	struct br_session *s = m->form.session;
	struct br_answer a = {0};
	int r;

	strategy->ops->answer(strategy, &a);
	m->ops->found(m, &a);
	br_answer_done(&a);
	r = confirm(m, err);
	if (r == 0 && m->repeat.runs <= 1 && s->opt->confirm != BR_CONFIRM_OFF)
		r = br_repeat_learn(m, err);
	else if (r == 0)
		m->repeat.state = BR_REPEAT_HOPELESS;
	return r < 0 ? r : 0;
}

/* Stopped before its end: the best so far is told, it is on disk. */
static void tell_best(struct br_minimize *m, struct br_strategy *strategy)
{
	const struct br_session *s = m->form.session;
	struct br_answer a = {0};

	if (s->reduced.path || s->subset.path)
		return;
	strategy->ops->answer(strategy, &a);
	a.status = BR_SEARCHING;
	m->ops->found(m, &a);
	br_answer_done(&a);
}

static int search_once(struct br_minimize *m, struct br_err *err)
{
	struct br_strategy *strategy = NULL;
	int r = m->ops->open(m, &strategy, err);

	if (r < 0)
		return r;
	br_say_cost(&m->form, strategy);
	r = br_session_search(&m->form, strategy, err);
	if (r == 0 && m->repeat.state == BR_REPEAT_STEADY)
		r = conclude(m, strategy, err);
	if (r < 0)
		tell_best(m, strategy);
	strategy->ops->close(strategy);
	return r;
}

static int search(struct br_minimize *m, struct br_err *err)
{
	struct br_session *s = m->form.session;
	int r;

	br_jobs_learn(s);
	br_repeat_open(m);
	do {
		go_back(m);
		r = search_once(m, err);
	} while (r == 0 && m->repeat.state == BR_REPEAT_NOTICED);
	if (r < 0 || m->repeat.state == BR_REPEAT_STEADY)
		return r < 0 ? r : BR_ENDS_AS_SAID;
	br_session_message(s, br_asprintf("the test is flaky: %s", s->how_sure));
	return BR_ENDS_FLAKY;
}

/* The whole failed sometimes only: it can be searched if that is often enough. */
static int try_flaky(struct br_minimize *m, struct br_err *err)
{
	struct br_question q = {0};
	int r;

	m->ops->whole(m, &q);
	r = br_repeat_measure(m, &q, err);
	if (r < 0)
		return r;
	return m->repeat.state == BR_REPEAT_NOTICED ? search(m, err) : BR_ENDS_FLAKY;
}

int br_minimize_run(struct br_minimize *m, struct br_err *err)
{
	int r = test_ends(m, err);

	if (r == BR_ENDS_FLAKY && !m->form.session->opt->ask)
		return try_flaky(m, err);
	return r == BR_ENDS_AS_SAID ? search(m, err) : r;
}

void br_minimize_close(struct br_minimize *m)
{
	if (!m)
		return;
	drop_result(m);
	m->ops->close(m);
}
