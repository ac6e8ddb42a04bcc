/* subset.c - --subset: which of the items are enough to fail. */
#include "app/minimize.h"

#include "app/env_pair.h"
#include "app/items.h"
#include "app/keep.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "bisect_run/err.h"
#include "sys/file.h"

#include <string.h>

struct subset {
	struct br_minimize base;
	struct br_items items;
	uint32_t *best; /* the set on disk, rising */
	uint32_t nbest;
	char *result; /* its path */
	/* Of the question that was filled last. */
	char *code;
	struct br_buf text;
	struct br_file_data file;
};

static struct subset *subset_of(struct br_minimize *m)
{
	return (struct subset *)m;
}

/* The candidate's file: an item a line. */
static void fill(struct subset *u, const uint32_t *keep, uint32_t n, struct br_question *out)
{
	br_buf_done(&u->text);
	free(u->code);
	u->code = br_keep_text(keep, n);
	for (uint32_t i = 0; i < n; i++)
		br_buf_fmt(&u->text, "%s\n", u->items.text[keep[i]]);
	u->file = (struct br_file_data){.data = u->text.data ? u->text.data : "", .n = u->text.len};
	out->label = br_session_place(u->base.form.session);
	out->item = u->code;
	out->file = &u->file;
}

/* ---- the form ---- */

static int subset_question(struct br_form *f, const struct br_probe *probe, struct br_question *out,
			   struct br_err *err)
{
	(void)err;
	fill((struct subset *)f, probe->keep, probe->nkeep, out);
	return 0;
}

static bool subset_probe_of(struct br_form *f, const struct br_trial *t, struct br_probe *out)
{
	const struct subset *u = (const struct subset *)f;

	*out = (struct br_probe){.kind = BR_SUBSET};
	return (t->phase == BR_PHASE_REDUCE || t->phase == BR_PHASE_ENDS) &&
	       br_keep_parse(t->item, (uint32_t)u->items.n, &out->keep, &out->nkeep);
}

static int write_best(struct subset *u, struct br_err *err)
{
	struct br_question q = {0};

	fill(u, u->best, u->nbest, &q);
	return br_file_write(u->result, u->file.data, u->file.n, err);
}

/* The set that fails: with --isolate what passes and what makes it fail, together. False: it is the best already. */
static bool take_best(struct subset *u, const struct br_answer *a)
{
	br_auto_free uint32_t *old = u->best;
	uint64_t i = 0, k = 0;
	uint32_t n = 0;

	u->best = br_calloc(a->nitem + a->nbase + 1, sizeof *u->best);
	while (i < a->nitem || k < a->nbase) {
		bool base = i == a->nitem || (k < a->nbase && a->base[k] < a->item[i]);

		u->best[n++] = (uint32_t)(base ? a->base[k++] : a->item[i++]);
	}
	if (old && n == u->nbest && memcmp(old, u->best, n * sizeof *old) == 0)
		return false;
	u->nbest = n;
	return true;
}

static int subset_learnt(struct br_form *f, struct br_strategy *strategy, struct br_err *err)
{
	struct subset *u = (struct subset *)f;
	struct br_answer a = {0};
	int r = 0;

	strategy->ops->answer(strategy, &a);
	if (take_best(u, &a))
		r = write_best(u, err);
	br_answer_done(&a);
	return r;
}

static const struct br_form_ops subset_form = {.question = subset_question,
					       .probe_of = subset_probe_of,
					       .is_sure = br_repeat_is_sure,
					       .is_due = br_repeat_is_due,
					       .check = br_repeat_check,
					       .learnt = subset_learnt};

/* ---- the job ---- */

static void whole(struct br_minimize *m, struct br_question *out)
{
	struct subset *u = subset_of(m);
	br_auto_free uint32_t *all = br_calloc(u->items.n, sizeof *all);

	for (uint32_t i = 0; i < u->items.n; i++)
		all[i] = i;
	fill(u, all, (uint32_t)u->items.n, out);
}

static void nothing(struct br_minimize *m, struct br_question *out)
{
	fill(subset_of(m), NULL, 0, out);
}

static void best(struct br_minimize *m, struct br_question *out)
{
	fill(subset_of(m), subset_of(m)->best, subset_of(m)->nbest, out);
}

static int open_strategy(struct br_minimize *m, struct br_strategy **out, struct br_err *err)
{
	const struct br_options *o = m->form.session->opt;
	const struct br_shape shape = {.order = BR_SET, .n = subset_of(m)->items.n};
	const struct br_strategy_cfg cfg = {.seed = o->seed, .fast = o->fast, .isolate = o->isolate};

	m->form.session->candidates_at_start = shape.n;
	return br_strategy_subset.open(out, &shape, &cfg, err);
}

static void found(struct br_minimize *m, const struct br_answer *a)
{
	struct subset *u = subset_of(m);
	struct br_session *s = m->form.session;

	(void)take_best(u, a);
	free(s->subset.path); /* of an earlier round */
	free(s->subset.result);
	br_strv_free(s->subset.kept);
	s->subset = (struct br_subset_found){
		.path = br_strdup(s->opt->subset),
		.result = br_strdup(u->result),
		.before = u->items.n,
		.minimal = a->status == BR_ISOLATED && !s->opt->fast,
		.difference = s->opt->isolate,
	};
	s->subset.kept = br_calloc(a->nitem + 1, sizeof *s->subset.kept);
	for (uint64_t i = 0; i < a->nitem; i++)
		s->subset.kept[i] = br_strdup(u->items.text[a->item[i]]);
	br_session_message(s, br_asprintf("%llu of %llu %ss %s", (unsigned long long)a->nitem,
					  (unsigned long long)u->items.n, m->form.unit,
					  s->opt->isolate ? "make the difference" : "are enough to fail"));
}

static void close_subset(struct br_minimize *m)
{
	struct subset *u = subset_of(m);

	br_items_done(&u->items);
	br_buf_done(&u->text);
	free(u->code);
	free(u->best);
	free(u->result);
	free(u);
}

static const struct br_minimize_ops subset_ops = {.whole = whole,
						  .nothing = nothing,
						  .best = best,
						  .open = open_strategy,
						  .found = found,
						  .close = close_subset};

static const char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return strcmp(path, "-") == 0 ? "items" : slash ? slash + 1 : path;
}

int br_subset_open(struct br_minimize **out, struct br_session *s, struct br_err *err)
{
	struct subset *u = br_calloc(1, sizeof *u);
	br_auto_free char *dir = br_asprintf("%s/subset", s->log_dir);
	bool vars = br_env_pair_is(s->opt->subset);
	const char *name = vars ? "environment" : name_of(s->opt->subset);
	int r = vars ? br_env_pair_items(&u->items, s, err)
		     : br_items_read(&u->items, s, s->opt->subset, err);

	if (r == 0)
		r = br_dir_make(dir, err);
	if (r < 0) {
		br_items_done(&u->items);
		free(u);
		return br_wrap(err, "--subset");
	}
	u->base = (struct br_minimize){
		.form = {.ops = &subset_form,
			 .session = s,
			 .doing = "looking for the smallest set",
			 .unit = vars ? "variable" : "item",
			 .phase = BR_PHASE_REDUCE},
		.ops = &subset_ops,
		.whole_name = vars ? "with all variables of the bad environment" : "with all items",
		.nothing_name = vars ? "in the good environment" : "without any item",
		.best_name = "the smallest set",
	};
	u->result = br_asprintf("%s/%s", dir, name);
	br_strv_add(&s->input_file, name);
	br_strv_add(&s->input_name, name);
	s->spec.input_name = s->input_name;
	*out = &u->base;
	return 0;
}
