/*
 * reduce.c - --reduce: the smallest version of an input that still fails in the same way.
 *
 * What is tried next is br_reduce's; here are the files, and a strategy's face for the driver, whose points are the reducer's ids.
 */
#include "app/minimize.h"

#include "base/mem.h"
#include "base/text.h"
#include "bisect_run/err.h"
#include "bisect_run/reduce.h"
#include "sys/file.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Input that is reduced is held in memory, a few times over. */
#define INPUT_MAX_B (512ull << 20)
enum { FILES_MAX = 10000, DEPTH_MAX = 64 };

/* A candidate that is proposed and not yet answered. */
struct offer {
	struct br_candidate c;
};

struct reducer {
	struct br_minimize base;
	struct br_strategy strategy; /* the driver's view; its address leads back here */
	struct br_part *part;	     /* the user's files; npart */
	size_t npart;
	struct br_reduce *reduce;
	struct offer *offer;
	size_t noffer, offer_cap;
	char *dir;	    /* of the best so far on disk */
	uint64_t best_size; /* of it; UINT64_MAX: none is written yet */
	char best_key[BR_REDUCE_KEY + 1];
	char *shown; /* the path that the user gave, or the first of them */
	/* Of the question that was filled last. */
	char key[BR_REDUCE_KEY + 1];
	struct br_file_data *file;
};

static struct reducer *reducer_of(struct br_minimize *m)
{
	return (struct reducer *)m;
}

static struct reducer *of_strategy(const struct br_strategy *s)
{
	return (struct reducer *)(uintptr_t)((const char *)s - offsetof(struct reducer, strategy));
}

/* ---- questions ---- */

static void fill(struct reducer *u, const struct br_part *part, struct br_question *out)
{
	for (size_t i = 0; i < u->npart; i++)
		u->file[i] = (struct br_file_data){
			.data = part[i].data ? part[i].data : "", .n = part[i].n, .gone = part[i].gone};
	br_reduce_key(part, u->npart, u->key);
	out->label = br_session_place(u->base.form.session);
	out->item = u->key;
	out->file = u->file;
}

static int reduce_question(struct br_form *f, const struct br_probe *probe, struct br_question *out,
			   struct br_err *err)
{
	struct reducer *u = (struct reducer *)f;

	for (size_t i = 0; i < u->noffer; i++)
		if (u->offer[i].c.id == probe->point) {
			fill(u, u->offer[i].c.part, out);
			return 0;
		}
	return br_fail(err, BR_ESTATE, "a candidate was asked for that was never proposed");
}

/* What was recorded was told to the reducer before it began. */
static bool reduce_probe_of(struct br_form *f, const struct br_trial *t, struct br_probe *out)
{
	(void)f;
	(void)t;
	(void)out;
	return false;
}

static int write_part(const struct reducer *u, const struct br_part *part, const char *name,
		      struct br_err *err)
{
	br_auto_free char *path = br_asprintf("%s/%s", u->dir, name);
	char *slash = strrchr(path, '/');
	int r;

	if (part->gone)
		return br_dir_remove(path, err);
	*slash = '\0';
	r = br_dir_make(path, err);
	*slash = '/';
	return r < 0 ? r : br_file_write(path, part->data ? part->data : "", part->n, err);
}

static int write_parts(const struct reducer *u, const struct br_part *part, struct br_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < u->npart; i++)
		r = write_part(u, &part[i], u->base.form.session->input_file[i], err);
	return r;
}

/* Several files change as one: whoever looks, or kills us, never finds a mixture that was not tested. */
static int write_best(struct reducer *u, const struct br_part *best, struct br_err *err)
{
	br_auto_free char *next = br_asprintf("%s.next", u->dir);
	char *dir = u->dir;
	int r;

	if (u->npart == 1)
		return write_parts(u, best, err);
	r = br_dir_remove(next, err);
	if (r == 0)
		r = br_dir_make(next, err);
	u->dir = next;
	if (r == 0)
		r = write_parts(u, best, err);
	u->dir = dir;
	return r < 0 ? r : br_dir_replace(next, dir, err);
}

/*
 * The best so far is on disk before the next question is asked. The size alone does not tell: a pass may turn bytes to zeros. And the
 * answer may be larger than what another worker happened to meet on the way: the answer is what stays.
 */
static int reduce_learnt(struct br_form *f, struct br_strategy *strategy, struct br_err *err)
{
	struct reducer *u = (struct reducer *)f;
	struct br_reduce_status st;
	const struct br_part *best;
	char key[BR_REDUCE_KEY + 1];
	int r;

	(void)strategy;
	br_reduce_status(u->reduce, &st);
	if (!st.done && st.bytes_after > u->best_size)
		return 0;
	best = br_reduce_best(u->reduce);
	br_reduce_key(best, u->npart, key);
	if (strcmp(key, u->best_key) == 0)
		return 0;
	r = write_best(u, best, err);
	if (r == 0) {
		u->best_size = st.bytes_after;
		memcpy(u->best_key, key, sizeof key);
	}
	return r;
}

static const struct br_form_ops reduce_form = {.question = reduce_question,
					       .probe_of = reduce_probe_of,
					       .is_sure = br_repeat_is_sure,
					       .is_due = br_repeat_is_due,
					       .check = br_repeat_check,
					       .learnt = reduce_learnt};

/* ---- the strategy's face ---- */

static size_t propose(struct br_strategy *s, const uint64_t *near, size_t nnear, struct br_probe *out,
		      size_t max)
{
	struct reducer *u = of_strategy(s);
	br_auto_free struct br_candidate *c = br_calloc(max, sizeof *c);
	size_t n = br_reduce_propose(u->reduce, c, max);

	(void)near;
	(void)nnear;
	for (size_t i = 0; i < n; i++) {
		br_grow(&u->offer, u->noffer, &u->offer_cap);
		u->offer[u->noffer++].c = c[i];
		out[i] = (struct br_probe){.kind = BR_POINT, .point = c[i].id};
	}
	return n;
}

static void drop(struct reducer *u, uint64_t id)
{
	for (size_t i = 0; i < u->noffer; i++)
		if (u->offer[i].c.id == id) {
			br_candidate_done(&u->offer[i].c);
			u->offer[i] = u->offer[--u->noffer];
			return;
		}
}

static void observe(struct br_strategy *s, const struct br_probe *probe, const struct br_verdict *verdict)
{
	drop(of_strategy(s), probe->point);
	br_reduce_observe(of_strategy(s)->reduce, probe->point, verdict->cls);
}

static void forget(struct br_strategy *s, const struct br_probe *probe)
{
	drop(of_strategy(s), probe->point);
	br_reduce_forget(of_strategy(s)->reduce, probe->point);
}

static bool moot(const struct br_strategy *s, const struct br_probe *probe)
{
	return br_reduce_moot(of_strategy(s)->reduce, probe->point);
}

static void answer(const struct br_strategy *s, struct br_answer *out)
{
	struct br_reduce_status st;

	br_reduce_status(of_strategy(s)->reduce, &st);
	*out = (struct br_answer){
		.status = st.done ? BR_ISOLATED : BR_SEARCHING,
		.left = st.bytes_after,
		.confidence = 1,
		.probes_left = st.done ? 0 : st.expected_left,
	};
}

static void close_face(struct br_strategy *s)
{
	(void)s; /* goes with the reducer */
}

static const struct br_strategy_ops face = {.name = "reduce",
					    .propose = propose,
					    .observe = observe,
					    .forget = forget,
					    .moot = moot,
					    .answer = answer,
					    .close = close_face};

/* ---- the job ---- */

static void whole(struct br_minimize *m, struct br_question *out)
{
	fill(reducer_of(m), reducer_of(m)->part, out);
}

static void nothing(struct br_minimize *m, struct br_question *out)
{
	struct reducer *u = reducer_of(m);
	br_auto_free struct br_part *empty = br_calloc(u->npart, sizeof *empty);

	for (size_t i = 0; i < u->npart; i++)
		empty[i].gone = u->npart > 1;
	fill(u, empty, out);
}

static void best(struct br_minimize *m, struct br_question *out)
{
	fill(reducer_of(m), br_reduce_best(reducer_of(m)->reduce), out);
}

static int open_strategy(struct br_minimize *m, struct br_strategy **out, struct br_err *err)
{
	struct reducer *u = reducer_of(m);
	struct br_session *s = m->form.session;
	int by = s->opt->by ? br_reduce_by_from(s->opt->by) : BR_BY_AUTO;
	const struct br_reduce_cfg cfg = {
		.seed = s->opt->seed, .by = (enum br_reduce_by)by, .fast = s->opt->fast};
	struct br_reduce_status st;
	int r;

	if (by < 0)
		return br_fail(err, BR_EUSAGE, "--by: '%s' is no unit that can be reduced by", s->opt->by);
	r = br_reduce_open(&u->reduce, u->part, u->npart, &cfg, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < s->ntrial; i++)
		if ((s->trial[i].phase == BR_PHASE_REDUCE || s->trial[i].phase == BR_PHASE_ENDS) &&
		    br_repeat_is_sure(&m->form, &s->trial[i]))
			br_reduce_known(u->reduce, s->trial[i].item, br_session_class(s, &s->trial[i]));
	/* So that what is best already is known before anything is written. */
	(void)br_reduce_propose(u->reduce, NULL, 0);
	br_reduce_status(u->reduce, &st);
	if (by == BR_BY_HUNK && st.units_before == 0)
		return br_fail(err, BR_ESTATE, "--by hunk: there is no hunk in the input, it is no diff");
	u->strategy.ops = &face;
	*out = &u->strategy;
	for (size_t i = 0; i < u->npart; i++)
		s->candidates_at_start += u->part[i].n;
	return 0;
}

static void found(struct br_minimize *m, const struct br_answer *a)
{
	struct reducer *u = reducer_of(m);
	struct br_session *s = m->form.session;
	struct br_reduce_status st;

	(void)a;
	br_reduce_status(u->reduce, &st);
	free(s->reduced.path); /* of an earlier round */
	free(s->reduced.by);
	free(s->reduced.result);
	s->reduced = (struct br_reduced){
		.path = br_strdup(u->shown),
		.by = br_strdup(br_reduce_by_name(st.by)),
		.result = br_asprintf("%s/%s", u->dir, s->spec.input_name[0]),
		.units_before = st.units_before,
		.units_after = st.units_after,
		.bytes_before = st.bytes_before,
		.bytes_after = st.bytes_after,
		.minimal = st.minimal,
	};
	br_session_message(s,
			   br_asprintf("reduced from %llu to %llu bytes", (unsigned long long)st.bytes_before,
				       (unsigned long long)st.bytes_after));
}

static void close_reducer(struct br_minimize *m)
{
	struct reducer *u = reducer_of(m);

	br_reduce_close(u->reduce);
	while (u->noffer > 0)
		br_candidate_done(&u->offer[--u->noffer].c);
	for (size_t i = 0; i < u->npart; i++)
		free(u->part[i].data);
	free(u->part);
	free(u->offer);
	free(u->file);
	free(u->dir);
	free(u->shown);
	free(u);
}

static const struct br_minimize_ops reduce_ops = {.whole = whole,
						  .nothing = nothing,
						  .best = best,
						  .open = open_strategy,
						  .found = found,
						  .close = close_reducer};

/* ---- the user's files ---- */

static int add_file(struct reducer *u, const char *path, const char *name, struct br_err *err)
{
	struct br_session *s = u->base.form.session;
	struct br_part part = {0};
	uint64_t sum = 0;
	int r;

	if (u->npart == FILES_MAX)
		return br_fail(err, BR_EUNSUPPORTED, "more than %d files", FILES_MAX);
	r = br_file_read(path, INPUT_MAX_B + 1, &part.data, &part.n, err);
	if (r < 0)
		return r;
	u->part = br_reallocarray(u->part, u->npart + 1, sizeof *u->part);
	u->part[u->npart++] = part;
	br_strv_add(&s->input_file, name);
	for (size_t i = 0; i < u->npart; i++)
		sum += u->part[i].n;
	return sum > INPUT_MAX_B ? br_fail(err, BR_EUNSUPPORTED, "more than %llu MiB of input",
					   (unsigned long long)(INPUT_MAX_B >> 20))
				 : 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int not_dots(const struct dirent *d)
{
	return !br_name_is_dot(d->d_name);
}

/* A file, or all files of a folder, in the order of their names. Links and special files are no input. */
static int add_tree(struct reducer *u, const char *path, const char *name, int depth, struct br_err *err)
{
	struct dirent **entry = NULL;
	struct stat st;
	int n, r = 0;

	if (lstat(path, &st) == 0 && S_ISREG(st.st_mode))
		return add_file(u, path, name, err);
	if (!S_ISDIR(st.st_mode) || depth > DEPTH_MAX)
		return 0;
	n = scandir(path, &entry, not_dots, by_name);
	if (n < 0)
		return br_fail_errno(err, "cannot read the folder %s", path);
	for (int i = 0; i < n; i++) {
		br_auto_free char *below = br_asprintf("%s/%s", path, entry[i]->d_name);
		br_auto_free char *its_name = br_asprintf("%s/%s", name, entry[i]->d_name);

		if (r == 0)
			r = add_tree(u, below, its_name, depth + 1, err);
		free(entry[i]);
	}
	free(entry);
	return r;
}

static bool is_taken(char *const *names, const char *name)
{
	for (size_t i = 0; names && names[i]; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* The base name, which the test may look at; a second one of the same name gets a folder of its own. */
static char *place_for(struct br_session *s, const char *real)
{
	const char *base = strrchr(real, '/') + 1;
	char *name = br_strdup(base);

	for (unsigned i = 2; is_taken(s->spec.input_name, name); i++) {
		free(name);
		name = br_asprintf("%u/%s", i, base);
	}
	return name;
}

static int add_given(struct reducer *u, const char *given, char ***names, struct br_err *err)
{
	struct br_session *s = u->base.form.session;
	br_auto_free char *real = realpath(given, NULL);
	br_auto_free char *name = NULL;
	br_auto_free char *copy = NULL;
	size_t before = u->npart;
	int r;

	if (!real)
		return br_fail_errno(err, "%s", given);
	s->spec.input_name = *names;
	name = place_for(s, real);
	br_strv_add(names, name);
	s->spec.input_name = *names;
	copy = br_asprintf("%s/original/%s", s->log_dir, name);
	/* A search that goes on goes on with what it began with. */
	r = add_tree(u, access(copy, F_OK) == 0 ? copy : real, name, 0, err);
	if (r == 0 && u->npart == before)
		return br_fail(err, BR_ESTATE, "%s: there is no file to reduce", given);
	return r;
}

static int keep_originals(struct reducer *u, struct br_err *err)
{
	struct br_session *s = u->base.form.session;
	br_auto_free char *dir = br_asprintf("%s/original", s->log_dir);
	char *kept = u->dir;
	int r = 0;

	if (access(dir, F_OK) == 0)
		return 0;
	u->dir = dir;
	for (size_t i = 0; r == 0 && i < u->npart; i++)
		r = write_part(u, &u->part[i], s->input_file[i], err);
	u->dir = kept;
	return r;
}

int br_reduce_open_files(struct br_minimize **out, struct br_session *s, struct br_err *err)
{
	struct reducer *u = br_calloc(1, sizeof *u);
	int r = 0;

	u->base = (struct br_minimize){
		.form = {.ops = &reduce_form,
			 .session = s,
			 .doing = "reducing",
			 .unit = "byte",
			 .phase = BR_PHASE_REDUCE},
		.ops = &reduce_ops,
		.whole_name = "with the input as it is",
		.nothing_name = "with an empty input",
		.best_name = "the reduced input",
	};
	u->dir = br_asprintf("%s/reduced", s->log_dir);
	u->best_size = UINT64_MAX;
	u->shown = br_strdup(s->opt->reduce[0]);
	for (size_t i = 0; r == 0 && s->opt->reduce[i]; i++)
		r = add_given(u, s->opt->reduce[i], &s->input_name, err);
	u->file = br_calloc(u->npart + 1, sizeof *u->file);
	if (r == 0)
		r = keep_originals(u, err);
	if (r < 0) {
		close_reducer(&u->base);
		return br_wrap(err, "--reduce");
	}
	*out = &u->base;
	return 0;
}
