/* prop_record.c - the record against a model in memory, under random operations and kill -9 at any moment. */
#include "bisect_run/err.h"
#include "bisect_run/record.h"

#include "base/mem.h"
#include "base/rand.h"
#include "sys/file.h"

#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

enum { MAX_SEARCH = 64, MAX_TRIAL = 256, MAX_LIVE = 6 };

struct model_trial {
	uint64_t tag; /* all its fields follow from it */
	enum br_class cls;
	bool amended, voided;
};

struct model_search {
	bool exists;
	uint64_t status;
	size_t ntrial;
	struct model_trial trial[MAX_TRIAL];
};

/* Search number i has the id i + 1; trial number k of it has n = k + 1. */
struct model {
	size_t nsearch;
	struct model_search search[MAX_SEARCH];
};

enum kind { NEW, UPDATE, APPEND, AMEND, RETRY, DELETE };

struct op {
	enum kind kind;
	size_t search, trial;
	uint64_t tag;
	enum br_class cls;
};

static size_t count_live(const struct model *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->nsearch; i++)
		n += m->search[i].exists;
	return n;
}

static size_t pick_live(const struct model *m, struct br_rand *rand)
{
	for (;;) {
		size_t i = (size_t)br_rand_below(rand, m->nsearch);

		if (m->search[i].exists)
			return i;
	}
}

static struct op choose(const struct model *m, struct br_rand *rand)
{
	size_t live = count_live(m);
	uint64_t dice = br_rand_below(rand, 100);
	struct op op = {.kind = APPEND, .tag = br_rand_next(rand)};
	const struct model_search *s;

	if (live == 0 || (dice < 6 && live < MAX_LIVE && m->nsearch < MAX_SEARCH)) {
		op.kind = NEW;
		return op;
	}
	op.search = pick_live(m, rand);
	s = &m->search[op.search];
	if (dice < 9 && m->nsearch < MAX_SEARCH)
		op.kind = DELETE;
	else if (dice < 15 || s->ntrial == MAX_TRIAL)
		op.kind = UPDATE;
	else if (dice < 35 && s->ntrial)
		op.kind = dice < 25 ? AMEND : RETRY;
	op.cls = (enum br_class)br_rand_below(rand, 3);
	if (s->ntrial)
		op.trial = (size_t)br_rand_below(rand, s->ntrial);
	return op;
}

/* Any bytes but NUL. */
static void fill_text(struct br_rand *rand, char *out, size_t size)
{
	size_t n = (size_t)br_rand_below(rand, size);

	for (size_t i = 0; i < n; i++)
		out[i] = (char)(1 + br_rand_below(rand, 255));
	out[n] = '\0';
}

static void fill_frames(struct br_rand *rand, struct br_failure *f)
{
	f->nframe = (uint32_t)br_rand_below(rand, 4);
	for (uint32_t i = 0; i < f->nframe; i++) {
		fill_text(rand, f->frame[i], sizeof f->frame[i]);
		for (char *p = f->frame[i]; (p = strchr(p, '\n'));)
			*p = ' ';
	}
}

static struct br_trial trial_of(uint64_t tag)
{
	struct br_rand rand = {tag};
	struct br_trial t = {.point = br_rand_next(&rand), .started_ns = br_rand_next(&rand)};
	char text[300];

	fill_text(&rand, text, sizeof text);
	t.item = br_strdup(text);
	fill_text(&rand, text, sizeof text);
	t.tree = tag % 3 ? br_strdup(text) : NULL;
	t.phase = (enum br_phase)br_rand_below(&rand, 4);
	t.cached = br_rand_below(&rand, 2);
	t.outcome.end = (enum br_end)br_rand_below(&rand, 10);
	t.outcome.code = (int)br_rand_below(&rand, 256);
	t.outcome.wall_ns = br_rand_next(&rand);
	t.outcome.leftovers = (uint32_t)br_rand_next(&rand);
	fill_text(&rand, t.outcome.note, sizeof t.outcome.note);
	t.verdict.cls = (enum br_class)br_rand_below(&rand, 3);
	t.verdict.llr = (double)br_rand_below(&rand, 1000) / 7;
	t.verdict.value = tag % 2 ? NAN : (double)br_rand_below(&rand, 1000) / 3;
	fill_text(&rand, t.verdict.why, sizeof t.verdict.why);
	fill_text(&rand, t.verdict.failure.kind, sizeof t.verdict.failure.kind);
	fill_text(&rand, t.verdict.failure.message, sizeof t.verdict.failure.message);
	fill_frames(&rand, &t.verdict.failure);
	return t;
}

static void apply_to_model(struct model *m, const struct op *op)
{
	struct model_search *s = &m->search[op->kind == NEW ? m->nsearch : op->search];
	struct br_trial t;

	switch (op->kind) {
	case NEW:
		*s = (struct model_search){.exists = true, .status = op->tag};
		m->nsearch++;
		break;
	case DELETE:
		s->exists = false;
		break;
	case UPDATE:
		s->status = op->tag;
		break;
	case APPEND:
		t = trial_of(op->tag);
		s->trial[s->ntrial++] = (struct model_trial){.tag = op->tag, .cls = t.verdict.cls};
		br_trial_done(&t);
		break;
	case AMEND:
		if (!s->trial[op->trial].voided) {
			s->trial[op->trial].amended = true;
			s->trial[op->trial].cls = op->cls;
		}
		break;
	case RETRY:
		s->trial[op->trial].voided = true;
		break;
	default:
		break;
	}
}

/* 0, or -1 when it went otherwise than the model says. */
static int apply_to_record(struct br_record *r, const struct model *m, const struct op *op)
{
	int64_t id = (int64_t)op->search + 1;
	bool gone = op->kind != NEW && op->trial < m->search[op->search].ntrial &&
		    m->search[op->search].trial[op->trial].voided;
	char status[32];
	struct br_search s = {.id = id, .status = status};
	struct br_trial t;
	int rc;

	(void)snprintf(status, sizeof status, "%llu", (unsigned long long)op->tag);
	switch (op->kind) {
	case NEW:
		return br_record_search_new(r, &s, NULL) == BR_OK && s.id == (int64_t)m->nsearch + 1 ? 0 : -1;
	case DELETE:
		return br_record_search_delete(r, id, NULL) == BR_OK ? 0 : -1;
	case UPDATE:
		return br_record_search_update(r, &s, NULL) == BR_OK ? 0 : -1;
	case AMEND:
		rc = br_record_amend(r, id, op->trial + 1, op->cls, NULL);
		return rc == (gone ? BR_ENOTFOUND : BR_OK) ? 0 : -1;
	case RETRY:
		rc = br_record_retry(r, id, op->trial + 1, NULL);
		return rc == (gone ? BR_ENOTFOUND : BR_OK) ? 0 : -1;
	case APPEND:
	default:
		t = trial_of(op->tag);
		rc = br_record_trial(r, id, &t, NULL);
		rc = rc == BR_OK && t.n == m->search[op->search].ntrial + 1 ? 0 : -1;
		br_trial_done(&t);
		return rc;
	}
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_number(double a, double b)
{
	return isnan(a) ? isnan(b) : a == b;
}

static bool same_verdict(const struct br_verdict *got, const struct br_verdict *want)
{
	return same_number(got->value, want->value) && same_text(got->why, want->why) &&
	       same_text(got->failure.kind, want->failure.kind) &&
	       same_text(got->failure.message, want->failure.message) &&
	       got->failure.nframe == want->failure.nframe &&
	       memcmp(got->failure.frame, want->failure.frame, sizeof want->failure.frame) == 0;
}

static bool same_trial(const struct br_trial *got, const struct model_trial *mt)
{
	struct br_trial want = trial_of(mt->tag);
	bool same = got->point == want.point && got->started_ns == want.started_ns &&
		    got->phase == want.phase && got->cached == want.cached &&
		    same_text(got->item, want.item) && same_text(got->tree, want.tree) &&
		    got->outcome.end == want.outcome.end && got->outcome.code == want.outcome.code &&
		    got->outcome.wall_ns == want.outcome.wall_ns &&
		    got->outcome.leftovers == want.outcome.leftovers &&
		    same_text(got->outcome.note, want.outcome.note) &&
		    same_verdict(&got->verdict, &want.verdict) && got->amended == mt->amended &&
		    got->verdict.cls == mt->cls && (mt->amended || got->verdict.llr == want.verdict.llr);

	br_trial_done(&want);
	return same;
}

static bool same_trials(struct br_record *r, int64_t id, const struct model_search *s)
{
	struct br_trial *list = NULL;
	int n = br_record_trials(r, id, &list, NULL), at = 0;
	bool same = n >= 0;

	for (size_t k = 0; k < s->ntrial && same; k++) {
		if (s->trial[k].voided)
			continue;
		same = at < n && list[at].n == k + 1 && same_trial(&list[at], &s->trial[k]);
		at++;
	}
	same = same && at == n;
	for (int i = 0; i < n; i++)
		br_trial_done(&list[i]);
	free(list);
	return same;
}

static bool same_search(struct br_record *r, const struct br_search *got, const struct model *m)
{
	const struct model_search *s = &m->search[got->id - 1];
	char status[32];

	(void)snprintf(status, sizeof status, "%llu", (unsigned long long)s->status);
	return (size_t)got->id <= m->nsearch && s->exists && same_text(got->status, status) &&
	       same_trials(r, got->id, s);
}

static bool same_as_model(struct br_record *r, const struct model *m)
{
	struct br_search *list = NULL;
	int n = br_record_search_list(r, &list, NULL);
	bool same = n >= 0 && (size_t)n == count_live(m);

	for (int i = 0; i < n; i++) {
		same = same && same_search(r, &list[i], m);
		br_search_done(&list[i]);
	}
	free(list);
	return same;
}

/* The body of the writer: works through the operations that seed gives and writes a byte after each. */
static int write_until_killed(const char *dir, struct model *m, uint64_t seed, int fd)
{
	struct br_rand rand = {seed};
	struct br_record *r = NULL;

	if (br_record_open(&r, dir, true, NULL) < 0)
		return 1;
	for (;;) {
		struct op op = choose(m, &rand);

		if (apply_to_record(r, m, &op) < 0 || write(fd, "x", 1) != 1)
			return 2;
		apply_to_model(m, &op);
	}
}

/* Starts a writer, kills it after at least min operations. Returns how many it had finished for certain. */
static size_t run_and_kill(const char *dir, struct model *m, uint64_t seed, size_t min)
{
	size_t acks = 0;
	int fd[2], status;
	char c;
	pid_t pid;

	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(write_until_killed(dir, m, seed, fd[1]));
	(void)close(fd[1]);
	while (acks < min && read(fd[0], &c, 1) == 1)
		acks++;
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	while (read(fd[0], &c, 1) == 1)
		acks++;
	(void)close(fd[0]);
	return acks;
}

static uint64_t a_seed(void)
{
	const char *given = getenv("BR_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);

	print_message("BR_SEED=%llu\n", (unsigned long long)seed);
	return seed;
}

static unsigned rounds(unsigned few)
{
	return getenv("BR_LONG") ? few * 20 : few;
}

static void make_dir(char *dir, size_t size)
{
	(void)snprintf(dir, size, "/tmp/prop_record.XXXXXX");
	assert_non_null(mkdtemp(dir));
}

static void what_returned_is_there_after_kill_9_and_nothing_is_there_by_half(void **state)
{
	struct br_rand rand = {a_seed()};
	char dir[64];
	struct br_err err = {0};

	(void)state;
	for (unsigned set = 0; set < rounds(2); set++) {
		struct model *m = br_calloc(1, sizeof *m);

		make_dir(dir, sizeof dir);
		for (unsigned round = 0; round < 8; round++) {
			uint64_t seed = br_rand_next(&rand);
			struct br_rand again = {seed};
			size_t acks = run_and_kill(dir, m, seed, (size_t)br_rand_below(&rand, 40));
			struct br_record *r = NULL;
			struct op op;

			for (size_t i = 0; i < acks; i++) {
				op = choose(m, &again);
				apply_to_model(m, &op);
			}
			assert_int_equal(br_record_open(&r, dir, true, &err), BR_OK);
			if (!same_as_model(r, m)) { /* then the one that was under way is there, whole */
				op = choose(m, &again);
				apply_to_model(m, &op);
				assert_true(same_as_model(r, m));
			}
			br_record_close(r);
		}
		assert_int_equal(br_dir_remove(dir, &err), BR_OK);
		free(m);
	}
}

static void random_operations_give_what_the_model_says_also_after_reopening(void **state)
{
	struct br_rand rand = {a_seed()};
	struct model *m = br_calloc(1, sizeof *m);
	struct br_record *r = NULL;
	struct br_err err = {0};
	char dir[64];

	(void)state;
	make_dir(dir, sizeof dir);
	for (unsigned i = 0; i < rounds(400); i++) {
		struct op op;

		if (!r)
			assert_int_equal(br_record_open(&r, dir, true, &err), BR_OK);
		op = choose(m, &rand);
		assert_int_equal(apply_to_record(r, m, &op), 0);
		apply_to_model(m, &op);
		if (br_rand_below(&rand, 20) == 0)
			assert_true(same_as_model(r, m));
		if (br_rand_below(&rand, 40) == 0) {
			br_record_close(r);
			r = NULL;
		}
	}
	br_record_close(r);
	assert_int_equal(br_dir_remove(dir, &err), BR_OK);
	free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_returned_is_there_after_kill_9_and_nothing_is_there_by_half),
		cmocka_unit_test(random_operations_give_what_the_model_says_also_after_reopening),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
