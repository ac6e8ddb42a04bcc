/* cmd_debug.c - debug [ID]: back to the failure of a search, with the fitting debugger. */
#include "app/commands.h"

#include "app/debug.h"
#include "app/finish.h"
#include "app/session.h"
#include "app/state.h"
#include "base/mem.h"
#include "base/text.h"
#include "bisect_run/err.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What debug is about: a stored search, opened again as a single try. */
struct look {
	const struct br_options *now;
	struct br_search row;
	struct br_result result;
	struct br_options opt; /* of the search, as a try */
	char *good;	       /* to compare with; NULL: not known */
	char **words;	       /* opt.argv as it was before --trace */
};

static int load(struct look *l, struct br_err *err)
{
	struct br_state st;
	int r = br_state_open(&st, l->now, err);

	if (r < 0)
		return r;
	r = br_state_search(&st, l->now->operand ? l->now->operand[0] : NULL, &l->row, err);
	if (r == 0)
		r = br_stored_result(&st, &l->row, &l->result, err);
	br_state_close(&st);
	return r;
}

/* The failure is looked at where it is shown best: at the culprit, else at the nearest bad commit. In fixed mode bad means fixed. */
static const char *culprit(const struct look *l)
{
	const struct br_result *r = &l->result;

	if (l->now->at)
		return l->now->at;
	if (!br_options_has_commits(&l->opt))
		return l->opt.bad; /* at which COMMAND ran, if at any */
	if (r->fixed_mode && !r->first_bad)
		return r->good ? r->good[0] : NULL;
	if (r->fixed_mode && r->first_bad && r->first_bad->nparent > 0)
		return r->first_bad->parent[0];
	if (r->first_bad)
		return r->first_bad->oid;
	return r->nearest_bad ? r->nearest_bad : r->bad;
}

static const char *good_one(const struct look *l)
{
	const struct br_result *r = &l->result;

	if (r->fixed_mode)
		return r->first_bad ? r->first_bad->oid : NULL;
	if (r->first_bad && r->first_bad->nparent > 0)
		return r->first_bad->parent[0];
	return r->good ? r->good[0] : NULL;
}

static void use_rev(struct br_options *o, const char *rev)
{
	br_strv_free(o->operand);
	o->operand = NULL;
	if (rev)
		br_strv_add(&o->operand, rev);
}

/* Where no commit was found, this is the best that is known. */
static void say_what(const struct look *l)
{
	const struct br_result *r = &l->result;

	if (!l->now->at && br_options_has_commits(&l->opt) && !r->first_bad)
		fprintf(stderr, "search %s named no commit: this is %s\n", r->id,
			r->fixed_mode	 ? "the broken end"
			: r->nearest_bad ? "the last one that is known to fail"
					 : "the bad end");
}

/* The options of the search with everything taken away that only a search means. */
static int make_options(struct look *l, struct br_err *err)
{
	br_auto_strv char **argv = br_shell_split(l->row.argv);
	br_auto_free char *rev = NULL;
	struct br_options *o = &l->opt;
	int r;

	*o = (struct br_options){.seed = 1};
	if (!argv)
		return br_fail(err, BR_ESTATE, "the stored command line of search %lld cannot be read",
			       (long long)l->row.id);
	r = br_options_parse_over(o, (int)br_strv_len(argv), argv, err);
	if (r < 0)
		return r;
	if (o->command == BR_CMD_SEARCH) {
		rev = br_strdup_or_null(culprit(l));
		if (!rev && br_options_has_commits(o))
			rev = br_strdup("HEAD");
		say_what(l);
		r = br_debug_take_input(o, &l->result, err);
		if (r < 0)
			return r;
		use_rev(o, rev);
	} else if (l->now->at) {
		use_rev(o, l->now->at);
	}
	o->command = BR_CMD_TRY;
	o->json = o->ask = o->reuse = false;
	o->verbose = l->now->verbose;
	o->jobs = 1;
	l->good = br_strdup_or_null(good_one(l));
	return 0;
}

static void trace_command(struct look *l)
{
	l->words = l->opt.argv;
	l->opt.argv = br_debug_traced(l->words);
}

/* It was no search: no trace of it stays in the record. */
static void forget(struct br_session *s)
{
	if (s->record && s->row.id) {
		br_auto_free char *status = br_strdup("tried");
		struct br_search row = {.id = s->row.id, .status = status};

		(void)br_record_search_update(s->record, &row, NULL);
		(void)br_record_search_delete(s->record, s->row.id, NULL);
	}
}

static int look(struct look *l, struct br_session *s, struct br_err *err)
{
	struct br_scene scene = {.result = &l->result, .failure = &l->result.failure, .shell = l->now->shell};
	int r = br_session_trees(s, err);

	s->domain = s->trees;
	if (r < 0)
		return r;
	if (!l->now->compare)
		return br_debug_run(s, &scene, err);
	if (!l->good || !s->bad)
		return br_fail(err, BR_ESTATE, "no good revision is known to compare with");
	return br_debug_compare(s, &(struct br_pair){l->good, s->bad, l->now->trace}, err);
}

static int open_and_look(struct look *l, struct br_err *err)
{
	struct br_session s;
	int r;

	if (chdir(l->row.cwd) < 0)
		return br_fail_errno(err, "cannot go to %s, where search %lld began", l->row.cwd,
				     (long long)l->row.id);
	r = br_session_open(&s, &l->opt, NULL, err);
	if (r == 0) {
		br_auto_free char *title = s.bad ? br_session_title(&s, s.bad) : br_strdup(s.cwd);
		br_auto_free char *clean = br_text_clean(title, strlen(title), false);

		fprintf(stderr, "search %lld at %s\n", (long long)l->row.id, clean);
		r = look(l, &s, err);
	}
	forget(&s);
	br_session_close(&s, false);
	return r;
}

int br_cmd_debug(struct br_options *opt)
{
	struct look l = {.now = opt};
	struct br_err err = {0};
	int r = load(&l, &err);

	if (r == 0)
		r = make_options(&l, &err);
	if (r == 0 && opt->trace)
		trace_command(&l);
	if (r == 0)
		r = open_and_look(&l, &err);
	if (r >= 0 && br_flush_stdout(&err) < 0)
		r = BR_ESYS;
	br_strv_free(l.words);
	free(l.good);
	br_options_done(&l.opt);
	br_result_done(&l.result);
	br_search_done(&l.row);
	return r < 0 ? br_finish_usage(opt, r, &err) : r;
}
