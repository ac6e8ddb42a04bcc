/*
 * line.c - --range and --list. The first item is good and the last one bad; both are tested. The strategy's items are those that may
 * be the first bad one: all but the first, so its item i is item i+1 here.
 */
#include "app/line.h"

#include "app/finish.h"
#include "app/form.h"
#include "app/items.h"
#include "app/jobs.h"
#include "base/mem.h"
#include "base/text.h"
#include "bisect_run/err.h"

#include <stdio.h>
#include <string.h>

struct line {
	struct br_form form;
	struct br_items items;
	char *text; /* of the question that was asked last */
};

static int open_items(struct br_items *out, struct br_session *s, struct br_err *err)
{
	const struct br_options *o = s->opt;
	int r;

	if (o->range)
		return br_items_range(out, o->range, err);
	r = br_items_read(out, s, o->list, err);
	if (r < 0)
		return br_wrap(err, "--list");
	if (out->n < 2) {
		br_items_done(out);
		return br_fail(err, BR_ESTATE,
			       "--list: one item is no list: the first one must pass and the last one fail");
	}
	return 0;
}

static int line_question(struct br_form *f, const struct br_probe *probe, struct br_question *out,
			 struct br_err *err)
{
	struct line *l = (struct line *)f;

	(void)err;
	free(l->text);
	l->text = br_items_text(&l->items, probe->point + 1);
	out->label = br_session_place(f->session);
	out->item = out->value = l->text;
	return 0;
}

static bool line_probe_of(struct br_form *f, const struct br_trial *t, struct br_probe *out)
{
	int64_t at = br_items_find(&((struct line *)f)->items, t->item);

	if (at < 1) /* the good end is no candidate */
		return false;
	*out = (struct br_probe){.kind = BR_POINT, .point = (uint64_t)at - 1};
	return true;
}

static const struct br_form_ops line_form = {.question = line_question, .probe_of = line_probe_of};

static struct br_question question_at(const struct line *l, const char *text)
{
	return (struct br_question){.label = br_session_place(l->form.session), .item = text, .value = text};
}

static int test_ends(struct line *l, struct br_err *err)
{
	br_auto_free char *first = br_items_text(&l->items, 0);
	br_auto_free char *last = br_items_text(&l->items, l->items.n - 1);
	struct br_bound bound[] = {{.q = question_at(l, last)}, {.q = question_at(l, first)}};

	return br_ends_ask(l->form.session, bound, 2, err);
}

/* ---- conclusions ---- */

/* What is known; the session takes it over. */
static void tell(struct line *l, const struct br_answer *a)
{
	l->form.session->line =
		(struct br_line_found){.kind = br_strdup(l->form.session->opt->range ? "range" : "list"),
				       .left = a ? a->left : l->items.n - 1};
}

static int finish(struct line *l, enum br_status status, const struct br_answer *a, struct br_err *err)
{
	struct br_session *s = l->form.session;

	tell(l, a);
	if (a && status == BR_STATUS_ISOLATED) {
		s->line.index = a->item[0] + 1;
		s->line.first_bad = br_items_text(&l->items, a->item[0] + 1);
		s->line.last_good = br_items_text(&l->items, a->item[0]);
		br_session_message(s, br_asprintf("%s is the first bad one", s->line.first_bad));
	}
	return br_finish(s, status, NULL, err);
}

static int conclude_narrowed(struct line *l, const struct br_answer *a, struct br_err *err)
{
	struct br_session *s = l->form.session;
	br_auto_free char *from = br_items_text(&l->items, a->item[0] + 1);
	br_auto_free char *to = br_items_text(&l->items, a->item[0] + a->left);

	br_session_message(s,
			   br_asprintf("narrowed to %s..%s: those between them cannot be tested", from, to));
	if (a->assumed > 0)
		br_session_note(
			s,
			"%llu of them were not run: they lie between untestable ones (--exhaust tests them "
			"all)",
			(unsigned long long)a->assumed);
	return finish(l, BR_STATUS_NARROWED, a, err);
}

/* Runs the first bad one and the last good one again. */
static int conclude_isolated(struct line *l, const struct br_answer *a, struct br_err *err)
{
	struct br_session *s = l->form.session;
	br_auto_free char *bad = br_items_text(&l->items, a->item[0] + 1);
	br_auto_free char *good = br_items_text(&l->items, a->item[0]);
	const struct br_question q[] = {question_at(l, bad), question_at(l, good)};
	char *name[] = {bad, good};
	const struct br_suspects sus = {.q = q, .name = name, .n = 2};
	int r = br_confirm_suspects(s, &sus, err);

	if (r < 0)
		return r;
	if (r == 1)
		return finish(l, BR_STATUS_ISOLATED, a, err);
	br_session_message(s, br_asprintf("the test is flaky: %s", s->how_sure));
	return finish(l, BR_STATUS_NARROWED, a, err);
}

static int conclude(struct line *l, struct br_strategy *strategy, struct br_err *err)
{
	struct br_session *s = l->form.session;
	struct br_answer a = {0};
	int r = 0;

	strategy->ops->answer(strategy, &a);
	switch (a.status) {
	case BR_ISOLATED:
		r = conclude_isolated(l, &a, err);
		break;
	case BR_NARROWED:
		r = conclude_narrowed(l, &a, err);
		break;
	case BR_CONTRADICTION:
	case BR_SEARCHING:
		free(s->row.message);
		s->row.message =
			br_strdup("the verdicts contradict each other: the test is flaky, or the items are "
				  "not in order");
		r = finish(l, BR_STATUS_NARROWED, &a, err);
		break;
	}
	br_answer_done(&a);
	return r;
}

static int search(struct line *l, struct br_err *err)
{
	struct br_session *s = l->form.session;
	const struct br_shape shape = {.order = BR_CHAIN, .n = l->items.n - 1};
	const struct br_strategy_cfg cfg = {.seed = s->opt->seed, .exhaust = s->opt->exhaust};
	struct br_strategy *strategy = NULL;
	int r = br_strategy_chain.open(&strategy, &shape, &cfg, err);

	if (r < 0)
		return r;
	br_jobs_learn(s);
	br_say_cost(&l->form, strategy);
	r = br_session_search(&l->form, strategy, err);
	if (r == 0) {
		r = conclude(l, strategy, err);
	} else { /* stopped: what is left is told all the same */
		struct br_answer a = {0};

		strategy->ops->answer(strategy, &a);
		tell(l, &a);
		br_answer_done(&a);
	}
	strategy->ops->close(strategy);
	return r;
}

static int run(struct line *l, struct br_err *err)
{
	struct br_session *s = l->form.session;
	int r = br_session_trees(s, err);

	if (r == 0)
		r = br_session_start(s, err);
	if (r < 0)
		return r;
	s->candidates_at_start = l->items.n - 1;
	r = test_ends(l, err);
	if (r < 0)
		return r;
	switch ((enum br_ends_state)r) {
	case BR_ENDS_AS_SAID:
		return search(l, err);
	case BR_ENDS_NOT_REPRODUCED:
		return finish(l, BR_STATUS_NOT_REPRODUCED, NULL, err);
	case BR_ENDS_FLAKY:
		return finish(l, BR_STATUS_NARROWED, NULL, err);
	}
	return r;
}

int br_line_run(struct br_session *s, struct br_err *err)
{
	struct line l = {
		.form = {.ops = &line_form, .session = s, .doing = "searching", .phase = BR_PHASE_SEARCH}};
	int r = open_items(&l.items, s, err);

	if (r == 0)
		r = run(&l, err);
	br_items_done(&l.items);
	free(l.text);
	return r;
}
