/* prop_hint.c - a hint changes the order of the tests and never the answer. */
#include "../fixtures/git_repo.h"
#include "dag_graph.h"

#include "domain/commits.h"
#include "domain/repo.h"

enum { ITEMS = 120, HINT = 8 };

static void random_parts(struct graph *g, struct br_rand *r, bool with_path)
{
	graph_random(g, r, 2 + (uint32_t)br_rand_below(r, ITEMS));
	graph_close(g);
	g->weight = br_calloc(g->n, sizeof *g->weight);
	for (uint32_t i = 0; i < g->n; i++)
		g->weight[i] = with_path && i + 1 < g->n && br_rand_below(r, 3) == 0 ? 0 : 1;
}

static float *hinted(const struct graph *g, struct br_rand *r, uint64_t percent)
{
	float *w = br_calloc(g->n, sizeof *w);

	for (uint32_t i = 0; i < g->n; i++)
		w[i] = g->weight[i] > 0 && br_rand_below(r, 100) < percent ? HINT : g->weight[i];
	return w;
}

static enum br_class judge(const struct graph *g, uint64_t item, uint32_t culprit, const uint8_t *untestable)
{
	if (untestable && untestable[item])
		return BR_SKIP;
	return graph_has(g, item, culprit) ? BR_BAD : BR_GOOD;
}

/* One search to its end; the number of its tests. */
static unsigned run(const struct graph *g, const float *weight, uint32_t culprit, const uint8_t *untestable,
		    struct br_answer *a)
{
	struct br_shape shape = graph_shape(g);
	struct br_strategy *s;
	struct br_probe p;
	unsigned n = 0;

	shape.weight = weight;
	s = open_dag(&shape, 1, true);
	assert_non_null(s);
	for (; s->ops->propose(s, NULL, 0, &p, 1); n++) {
		assert_true(n <= g->n);
		tell(s, p.point, judge(g, p.point, culprit, untestable));
	}
	s->ops->answer(s, a);
	s->ops->close(s);
	return n;
}

static uint32_t a_culprit(const struct graph *g, struct br_rand *r)
{
	uint32_t i;

	do
		i = (uint32_t)br_rand_below(r, g->n);
	while (!graph_cand(g, i));
	return i;
}

static void the_culprit_is_the_same_with_and_without_hints(void **state)
{
	struct br_rand r = {.state = 2024};

	(void)state;
	print_message("seed 2024\n");
	for (uint64_t k = 0; k < times(1500); k++) {
		struct graph g;
		struct br_answer plain, hint;

		random_parts(&g, &r, k % 2);
		uint32_t culprit = a_culprit(&g, &r);
		br_auto_free float *w = hinted(&g, &r, br_rand_below(&r, 101));

		(void)run(&g, g.weight, culprit, NULL, &plain);
		(void)run(&g, w, culprit, NULL, &hint);
		assert_int_equal(plain.status, BR_ISOLATED);
		assert_int_equal(plain.item[0], culprit);
		assert_true(same_answer(&plain, &hint));
		br_answer_done(&plain);
		br_answer_done(&hint);
		graph_done(&g);
	}
}

static void among_untestable_commits_the_same_ones_are_left(void **state)
{
	struct br_rand r = {.state = 2025};

	(void)state;
	print_message("seed 2025\n");
	for (uint64_t k = 0; k < times(800); k++) {
		struct graph g;
		struct br_answer plain, hint;

		random_parts(&g, &r, k % 2);
		uint32_t culprit = a_culprit(&g, &r);
		br_auto_free float *w = hinted(&g, &r, 20);
		br_auto_free uint8_t *untestable = br_calloc(g.n, 1);

		for (uint32_t i = 0; i + 1 < g.n; i++)
			untestable[i] = br_rand_below(&r, 5) == 0;
		(void)run(&g, g.weight, culprit, untestable, &plain);
		(void)run(&g, w, culprit, untestable, &hint);
		assert_true(in_answer(&hint, culprit));
		assert_int_equal(plain.nitem, hint.nitem);
		for (uint64_t i = 0; i < plain.nitem; i++)
			assert_int_equal(plain.item[i], hint.item[i]);
		br_answer_done(&plain);
		br_answer_done(&hint);
		graph_done(&g);
	}
}

static void a_right_hint_saves_tests(void **state)
{
	struct br_rand r = {.state = 7};
	unsigned plain = 0, hint = 0;
	struct graph g;

	(void)state;
	graph_line(&g, 1000);
	graph_close(&g);
	br_auto_free float *w = br_calloc(g.n, sizeof *w);

	for (int k = 0; k < 200; k++) {
		struct br_answer a;
		uint32_t culprit = 20 * (uint32_t)br_rand_below(&r, 50);

		for (uint32_t i = 0; i < g.n; i++)
			w[i] = i % 20 == 0 ? HINT : 1;
		plain += run(&g, NULL, culprit, NULL, &a);
		br_answer_done(&a);
		hint += run(&g, w, culprit, NULL, &a);
		br_answer_done(&a);
	}
	print_message("one commit in twenty hinted, and rightly: %.2f tests instead of %.2f (seed 7)\n",
		      hint / 200.0, plain / 200.0);
	assert_true(hint < plain);
	graph_done(&g);
}

/* ---- what a hint means in a repository ---- */

static struct br_domain *open_commits(const char *dir, const char *path, const char *hint)
{
	br_auto_strv char **paths = NULL, **hints = NULL;
	br_auto_free char *bad = shell(dir, "git rev-parse HEAD");
	struct br_commits_query q = {.bad = bad};
	struct br_domain *d = NULL;
	struct br_repo *repo;
	struct br_err err = {0};

	if (path)
		br_strv_add(&paths, path);
	if (hint)
		br_strv_add(&hints, hint);
	q.pathspec = paths;
	q.hint = hints;
	assert_int_equal(br_repo_open(&repo, dir, &err), 0);
	if (br_commits_open(&d, repo, &q, &err) != 0)
		fail_msg("%s", err.msg);
	br_repo_close(repo);
	return d;
}

static float weight_of(const struct br_domain *d, uint64_t i)
{
	return d->shape.weight ? d->shape.weight[i] : 1;
}

static void hints_raise_exactly_the_candidates_that_touch_the_paths(void **state)
{
	static const char *const hint[] = {"a", "src", "*.c", "nothing"};
	br_auto_free char *dir = git_temp_dir();

	(void)state;
	git_clean_environment(dir);
	run_in(dir, "git init -q -b main .; mkdir src; for i in $(seq 24); do echo $i >n; [ $((i %% 3)) != 0 "
		    "] || echo $i >a;"
		    "[ $((i %% 4)) != 0 ] || echo $i >src/x.c; git add -A; git commit -qm $i; done;"
		    "git checkout -qb side HEAD~6; echo s >a; git commit -qam s; git checkout -q main;"
		    "git merge -q -X ours --no-edit side");
	for (size_t i = 0; i < sizeof hint / sizeof *hint; i++) {
		for (int with_path = 0; with_path < 2; with_path++) {
			const char *path = with_path ? "a" : NULL;
			struct br_domain *plain = open_commits(dir, path, NULL),
					 *d = open_commits(dir, path, hint[i]);
			struct br_domain *only =
				strcmp(hint[i], "nothing") ? open_commits(dir, hint[i], NULL) : NULL;
			uint64_t raised = 0;

			for (uint64_t k = 0; k < d->shape.n; k++) {
				bool touches = only && weight_of(only, k) > 0 && weight_of(plain, k) > 0;

				assert_true(weight_of(d, k) >= weight_of(plain, k));
				assert_int_equal(weight_of(d, k) > 0, weight_of(plain, k) > 0);
				assert_int_equal(weight_of(d, k) > 1, touches);
				raised += touches;
			}
			assert_int_equal(br_commits_hinted(d), raised);
			assert_int_equal(br_commits_candidates(d), br_commits_candidates(plain));
			plain->ops->close(plain);
			d->ops->close(d);
			if (only)
				only->ops->close(only);
		}
	}
	assert_int_equal(br_dir_remove(dir, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_culprit_is_the_same_with_and_without_hints),
		cmocka_unit_test(among_untestable_commits_the_same_ones_are_left),
		cmocka_unit_test(a_right_hint_saves_tests),
		cmocka_unit_test(hints_raise_exactly_the_candidates_that_touch_the_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
