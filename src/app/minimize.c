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

static void fail(struct br_session *s, char *message)
{
	free(s->row.message);
	s->row.message = message;
}

/* The empty one first: it must not fail, and its time tells how long a test may take. */
static int ask_nothing(struct br_minimize *m, struct br_err *err)
{
	struct br_session *s = m->form.session;
	struct br_question q = {0};
	const struct br_trial *t;
	size_t answer;
	int r;

	m->ops->nothing(m, &q);
	q.phase = BR_PHASE_ENDS;
	q.role = s->fixed_mode ? BR_ROLE_BAD_END : BR_ROLE_GOOD_END;
	r = br_session_ask(s, &q, 1, &answer, err);
	if (r < 0)
		return r;
	t = &s->trial[answer];
	if (br_session_class(s, t) != BR_BAD) {
		br_ends_learn_limit(s);
		return BR_ENDS_AS_SAID;
	}
	s->telling = answer + 1;
	fail(s, br_asprintf("not reproduced: it fails %s too (%s), so the input does not matter",
			    m->nothing_name, t->verdict.why));
	return BR_ENDS_NOT_REPRODUCED;
}

static int test_ends(struct br_minimize *m, struct br_err *err)
{
	struct br_session *s = m->form.session;
	struct br_bound whole = {.name = m->whole_name};
	int r;

	s->standing.phase = "testing the ends";
	r = ask_nothing(m, err);
	if (r != BR_ENDS_AS_SAID)
		return r;
	m->ops->whole(m, &whole.q);
	return br_ends_ask(s, &whole, 1, err);
}

/* The result's files for all questions that follow. */
static void keep_result(struct br_minimize *m, const struct br_question *best)
{
	struct br_session *s = m->form.session;
	size_t n = br_strv_len(s->input_file);

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
	return br_confirm_suspects(m->form.session, &sus, err);
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
	if (r == 1)
		return BR_ENDS_AS_SAID;
	if (r == 0)
		fail(s, br_asprintf("the test is flaky: %s", s->how_sure));
	return r < 0 ? r : BR_ENDS_FLAKY;
}

static int search(struct br_minimize *m, struct br_err *err)
{
	struct br_session *s = m->form.session;
	struct br_strategy *strategy = NULL;
	int r = m->ops->open(m, &strategy, err);

	if (r < 0)
		return r;
	br_jobs_learn(s);
	br_say_cost(&m->form, strategy);
	r = br_session_search(&m->form, strategy, err);
	if (r == 0)
		r = conclude(m, strategy, err);
	strategy->ops->close(strategy);
	return r;
}

int br_minimize_run(struct br_minimize *m, struct br_err *err)
{
	int r = test_ends(m, err);

	return r == BR_ENDS_AS_SAID ? search(m, err) : r;
}

void br_minimize_close(struct br_minimize *m)
{
	if (!m)
		return;
	m->form.session->input = NULL;
	for (size_t i = 0; m->result && m->form.session->input_file[i]; i++)
		free((void *)(uintptr_t)m->result[i].data);
	free(m->result);
	m->ops->close(m);
}
