/*
 * hunks.c - --hunks. Each candidate is a commit of its own, made of the parent and some of the hunks; what does not build is unresolved. A
 * hunk without which the others cannot be tested at all is a prerequisite; one without which the test passes is guilty.
 */
#include "app/hunks.h"

#include "app/form.h"
#include "app/keep.h"
#include "base/mem.h"
#include "base/text.h"
#include "bisect_run/err.h"
#include "domain/hunks.h"
#include "domain/repo.h"
#include "sys/file.h"

#include <string.h>

/* Items of trials that are no set of hunks. */
#define AUTOMATIC_MERGE "automatic merge"
#define REVERTED "reverted"
#define REVERTED_HUNKS "hunks reverted"
/* More runs of changed lines are not left out one by one. */
enum { FINE_MAX = 100 };

struct job {
	struct br_form form;
	struct br_hunks *hunks;
	char *patch;	       /* path of the best set so far */
	char kept[BR_OID_HEX]; /* the commit of the answer alone; empty: there is none yet */
	uint32_t nbest;
	/* Of the question that was filled last. */
	char oid[BR_OID_HEX];
	char *code;
};

/* ---- the form ---- */

static int hunk_question(struct br_form *f, const struct br_probe *probe, struct br_question *out,
			 struct br_err *err)
{
	struct job *j = (struct job *)f;

	free(j->code);
	j->code = br_keep_text(probe->keep, probe->nkeep);
	out->label = j->oid;
	out->item = j->code;
	return br_hunks_commit(j->hunks, probe->keep, probe->nkeep, j->oid, err);
}

static bool hunk_probe_of(struct br_form *f, const struct br_trial *t, struct br_probe *out)
{
	*out = (struct br_probe){.kind = BR_SUBSET};
	return t->phase == BR_PHASE_HUNKS &&
	       br_keep_parse(t->item, br_hunks_count(((struct job *)f)->hunks), &out->keep, &out->nkeep);
}

static uint32_t *kept_of(const struct br_answer *a)
{
	uint32_t *keep = br_calloc(a->nitem, sizeof *keep);

	for (uint64_t i = 0; i < a->nitem; i++)
		keep[i] = (uint32_t)a->item[i];
	return keep;
}

static int write_patch(struct job *j, const uint32_t *keep, uint32_t n, struct br_err *err)
{
	br_auto_free char *text = NULL;
	size_t len;
	int r = br_hunks_diff(j->hunks, keep, n, &text, &len, err);

	return r < 0 ? r : br_file_write(j->patch, text, len, err);
}

static int hunk_learnt(struct br_form *f, struct br_strategy *strategy, struct br_err *err)
{
	struct job *j = (struct job *)f;
	struct br_answer a = {0};
	int r = 0;

	strategy->ops->answer(strategy, &a);
	if (a.nitem != j->nbest) {
		br_auto_free uint32_t *keep = kept_of(&a);

		j->nbest = (uint32_t)a.nitem;
		r = write_patch(j, keep, j->nbest, err);
	}
	br_answer_done(&a);
	return r;
}

static const struct br_form_ops hunk_form = {
	.question = hunk_question, .probe_of = hunk_probe_of, .learnt = hunk_learnt};

/* ---- what is found ---- */

/* How the set without this one hunk ended; BR_BAD when nobody asked. */
static enum br_class class_without(const struct br_session *s, const uint32_t *keep, uint32_t n,
				   uint32_t left)
{
	br_auto_free uint32_t *rest = br_calloc(n, sizeof *rest);
	br_auto_free char *code = NULL;
	uint32_t k = 0;

	for (uint32_t i = 0; i < n; i++)
		if (i != left)
			rest[k++] = keep[i];
	code = br_keep_text(rest, k);
	for (size_t i = s->ntrial; i-- > 0;)
		if (s->trial[i].phase == BR_PHASE_HUNKS && strcmp(s->trial[i].item, code) == 0)
			return br_session_class(s, &s->trial[i]);
	return BR_BAD;
}

static void found(struct job *j, const struct br_answer *a)
{
	struct br_session *s = j->form.session;
	br_auto_free uint32_t *keep = kept_of(a);
	uint32_t n = (uint32_t)a->nitem;

	s->hunks = (struct br_hunks_found){.total = br_hunks_count(j->hunks),
					   .minimal = a->status == BR_ISOLATED && !s->opt->fast,
					   .patch = br_strdup(j->patch)};
	s->hunks.kept = br_calloc(n, sizeof *s->hunks.kept);
	for (uint32_t i = 0; i < n; i++) {
		struct br_hunk h = br_hunks_at(j->hunks, keep[i]);

		s->hunks.kept[s->hunks.nkept++] = (struct br_hunk_found){
			.file = br_strdup(h.file),
			.old_start = h.old_start,
			.old_lines = h.old_lines,
			.new_start = h.new_start,
			.new_lines = h.new_lines,
			.prerequisite = n > 1 && class_without(s, keep, n, i) == BR_SKIP,
		};
	}
}

/* ---- guilt among hunks that only build together ---- */

static bool any_guilty(const struct br_hunks_found *found)
{
	for (size_t i = 0; i < found->nkept; i++)
		if (!found->kept[i].prerequisite)
			return true;
	return false;
}

/* The hunk that these lines belong to is guilty. */
static void blame(struct br_session *s, const struct br_hunk *lines)
{
	for (size_t i = 0; i < s->hunks.nkept; i++) {
		struct br_hunk_found *k = &s->hunks.kept[i];

		if (strcmp(k->file, lines->file) == 0 && k->old_start <= lines->old_start &&
		    lines->old_start <= k->old_start + k->old_lines)
			k->prerequisite = false;
	}
	br_session_note(s, "without what it does to %s at line %u the others pass", lines->file,
			lines->new_start);
}

/* One run for each run of changed lines: all but that one. The questions' labels and items are owned here. */
static int ask_without_each(struct job *j, struct br_hunks *fine, struct br_question *q, size_t *answer,
			    struct br_err *err)
{
	uint32_t n = br_hunks_count(fine);
	br_auto_free uint32_t *rest = br_calloc(n, sizeof *rest);
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < n; i++) {
		struct br_hunk h = br_hunks_at(fine, i);
		char *oid = br_calloc(BR_OID_HEX, 1);
		uint32_t k = 0;

		for (uint32_t other = 0; other < n; other++)
			if (other != i)
				rest[k++] = other;
		r = br_hunks_commit(fine, rest, k, oid, err);
		q[i] = (struct br_question){.label = oid,
					    .item = br_asprintf("without %s:%u", h.file, h.old_start),
					    .phase = BR_PHASE_HUNKS,
					    .role = BR_ROLE_OTHER};
	}
	return r < 0 ? r : br_session_ask(j->form.session, q, n, answer, err);
}

static int blame_lines(struct job *j, struct br_hunks *fine, struct br_err *err)
{
	struct br_session *s = j->form.session;
	uint32_t n = br_hunks_count(fine);
	br_auto_free struct br_question *q = br_calloc(n, sizeof *q);
	br_auto_free size_t *answer = br_calloc(n, sizeof *answer);
	int r = ask_without_each(j, fine, q, answer, err);

	for (uint32_t i = 0; i < n; i++) {
		struct br_hunk h = br_hunks_at(fine, i);

		if (r == 0 && br_session_class(s, &s->trial[answer[i]]) == BR_GOOD)
			blame(s, &h);
		free((void *)(uintptr_t)q[i].label);
		free((void *)(uintptr_t)q[i].item);
	}
	return r;
}

/*
 * None of the hunks can be left out alone, the rest would not build: each may hold a piece of what the others need, beside what is wrong.
 * So their runs of changed lines are left out one by one.
 */
static int tell_apart(struct job *j, const struct br_answer *a, struct br_err *err)
{
	struct br_session *s = j->form.session;
	br_auto_free char *objects = br_session_objects(s);
	br_auto_free uint32_t *keep = kept_of(a);
	struct br_hunks *fine = NULL;
	int r = br_hunks_commit(j->hunks, keep, (uint32_t)a->nitem, j->kept, err);

	if (r < 0 || any_guilty(&s->hunks) || s->hunks.nkept < 2)
		return r;
	r = br_hunks_refine(&fine, j->hunks, objects, j->kept, err);
	if (r == 0 && br_hunks_count(fine) <= FINE_MAX)
		r = blame_lines(j, fine, err);
	br_hunks_close(fine);
	if (r < 0 || any_guilty(&s->hunks))
		return r;
	for (size_t i = 0; i < s->hunks.nkept; i++)
		s->hunks.kept[i].prerequisite = false;
	br_session_note(s, "none of these hunks can be tested without the others: they are guilty together");
	return 0;
}

/* ---- the search ---- */

static int search(struct job *j, struct br_err *err)
{
	struct br_session *s = j->form.session;
	const struct br_shape shape = {.order = BR_SET, .n = br_hunks_count(j->hunks)};
	const struct br_strategy_cfg cfg = {.seed = s->opt->seed, .fast = s->opt->fast};
	const struct br_probe none = {.kind = BR_SUBSET};
	const struct br_verdict passes = {.cls = BR_GOOD};
	struct br_strategy *strategy = NULL;
	struct br_answer a = {0};
	int r = br_strategy_subset.open(&strategy, &shape, &cfg, err);

	if (r < 0)
		return r;
	strategy->ops->observe(strategy, &none, &passes); /* the parent itself */
	br_progress_say(s->progress, "which of its %llu hunks did it?", (unsigned long long)shape.n);
	r = br_session_search(&j->form, strategy, err);
	if (r == 0) {
		strategy->ops->answer(strategy, &a);
		found(j, &a);
		r = tell_apart(j, &a, err);
		br_answer_done(&a);
	}
	strategy->ops->close(strategy);
	return r;
}

/* One run of a made commit. *cls is as the search sees it. */
static int run_made(struct br_session *s, const char *oid, const char *name, enum br_class *cls,
		    struct br_err *err)
{
	const struct br_question q = {
		.label = oid, .item = name, .phase = BR_PHASE_HUNKS, .role = BR_ROLE_OTHER};
	size_t answer;
	int r = br_session_ask(s, &q, 1, &answer, err);

	if (r == 0)
		*cls = br_session_class(s, &s->trial[answer]);
	return r;
}

/*
 * What the hunks are counted from: the parent; of a merge what git would have made of its parents, unless that fails
 * already.
 */
static int base_of(struct br_session *s, const struct br_commit_info *c, const char *objects,
		   char base[BR_OID_HEX], struct br_err *err)
{
	char made[BR_OID_HEX];
	enum br_class cls;
	int r;

	(void)memcpy(base, c->parent[0], strlen(c->parent[0]) + 1);
	if (c->nparent < 2)
		return 0;
	r = br_merge_again(s->repo, objects, c->oid, made, err);
	if (r == 1)
		r = run_made(s, made, AUTOMATIC_MERGE, &cls, err);
	else if (r == 0)
		cls = BR_SKIP;
	if (r < 0)
		return r;
	if (cls == BR_GOOD)
		memcpy(base, made, sizeof made);
	br_session_note(
		s, "%s",
		cls == BR_GOOD ? "its hunks are those that the automatic merge of its parents does not have"
		: cls == BR_BAD
			? "the automatic merge of its parents fails too: the sides do not go together; its "
			  "hunks are counted from its first parent"
			: "the automatic merge of its parents cannot be had; its hunks are counted from its "
			  "first parent");
	return 0;
}

/* Takes the commit back at the bad end. 1: *said tells how that ended; 0: conflicts, in *where (the caller's); or an error. */
static int try_revert(struct job *j, const char *commit, const char *item, const char *what, char **where,
		      struct br_err *err)
{
	struct br_session *s = j->form.session;
	br_auto_free char *objects = br_session_objects(s);
	br_auto_free char *id = br_session_short(s, s->bad);
	char made[BR_OID_HEX];
	enum br_class cls;
	int r = br_revert_on(s->repo, objects, commit, s->bad, made, where, err);

	if (r <= 0)
		return r;
	r = run_made(s, made, item, &cls, err);
	if (r < 0)
		return r;
	s->hunks.revert = br_asprintf("%sreverted on %s: %s", what, id,
				      cls == BR_GOOD  ? "passes"
				      : cls == BR_BAD ? "still fails, there is a second cause"
						      : "cannot be tested");
	return 1;
}

/* Does the bad end pass without the culprit, or where later commits are in the way without its guilty hunks? */
static int revert(struct job *j, const char *culprit, struct br_err *err)
{
	struct br_session *s = j->form.session;
	br_auto_free char *id = br_session_short(s, s->bad);
	br_auto_free char *where = NULL, *again = NULL;
	int r;

	if (s->fixed_mode || strcmp(s->bad, culprit) == 0)
		return 0;
	r = try_revert(j, culprit, REVERTED, "", &where, err);
	if (r == 0 && j->kept[0])
		r = try_revert(j, j->kept, REVERTED_HUNKS, "these hunks alone ", &again, err);
	if (r == 0)
		s->hunks.revert = br_asprintf("it cannot be reverted on %s: conflicts in %s", id,
					      where ? where : "some file");
	return r < 0 ? r : 0;
}

static int run(struct job *j, const struct br_commit_info *c, struct br_err *err)
{
	struct br_session *s = j->form.session;
	br_auto_free char *objects = br_session_objects(s);
	char base[BR_OID_HEX];
	int r = base_of(s, c, objects, base, err);

	if (r < 0)
		return r;
	r = br_hunks_open(&j->hunks, s->repo, objects, base, c->oid, err);
	if (r < 0) {
		br_session_note(s, "--hunks: %s", err->msg);
		return 0;
	}
	r = search(j, err);
	return r < 0 ? r : revert(j, c->oid, err);
}

int br_hunks_run(struct br_session *s, const char *culprit, struct br_err *err)
{
	struct job j = {.form = {.ops = &hunk_form,
				 .session = s,
				 .doing = "looking for the guilty hunks",
				 .unit = "hunk",
				 .phase = BR_PHASE_HUNKS},
			.nbest = UINT32_MAX};
	struct br_commit_info info;
	int r = br_repo_commit_info(s->repo, culprit, false, &info, err);

	if (r < 0)
		return r;
	j.patch = br_asprintf("%s/hunks.patch", s->log_dir);
	if (info.nparent == 0)
		br_session_note(s, "--hunks: a root commit is one piece, it has no parent to be broken");
	else
		r = run(&j, &info, err);
	br_hunks_close(j.hunks);
	br_commit_info_done(&info);
	free(j.patch);
	free(j.code);
	return r;
}
