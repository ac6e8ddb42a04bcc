/* prop_dag_skip.c - untestable candidates: what remains against brute force, and what stretches of them cost. */
#include "dag_graph.h"

#include "sys/spawn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>
#include <cmocka.h>

enum { MAX_ITEMS = 300, MAX_JOBS = 8 };

/* A search whose questions are answered from known facts. */
struct lab {
	const struct graph *g;
	uint32_t culprit;
	const uint8_t *bad;  /* n: has the culprit as an ancestor */
	const uint8_t *skip; /* n: untestable */
	uint8_t *asked;	     /* n: set for what was run; NULL: not wanted */
	uint64_t seed;
	bool exhaust;
	size_t jobs;
};

static void descend(const struct graph *g, uint32_t culprit, uint8_t *bad)
{
	memset(bad, 0, g->n);
	bad[culprit] = 1;
	for (uint32_t i = culprit; i < g->n; i++)
		for (uint32_t e = g->at[i]; e < g->at[i + 1]; e++)
			bad[i] |= bad[g->parent[e]];
}

static enum br_class ask(const struct lab *lab, uint64_t item)
{
	if (lab->skip[item])
		return BR_SKIP;
	return lab->bad[item] ? BR_BAD : BR_GOOD;
}

/* Runs to the end; returns the number of tests. */
static unsigned run(const struct lab *lab, struct br_answer *a)
{
	struct br_shape shape = graph_shape(lab->g);
	struct br_strategy *s = open_dag(&shape, lab->seed, lab->exhaust);
	struct br_rand r = {.state = lab->seed};
	struct br_probe flying[MAX_JOBS];
	unsigned tests = 0;
	size_t n = 0;

	for (;;) {
		size_t k;

		n += s->ops->propose(s, NULL, 0, flying + n, lab->jobs - n);
		if (!n)
			break;
		k = br_rand_below(&r, n);
		assert_true(graph_cand(lab->g, flying[k].point));
		if (lab->asked)
			lab->asked[flying[k].point] = 1;
		tell(s, flying[k].point, ask(lab, flying[k].point));
		assert_true(++tests <= lab->g->n);
		flying[k] = flying[--n];
	}
	s->ops->answer(s, a);
	assert_true(a->status == BR_ISOLATED || a->status == BR_NARROWED);
	assert_int_equal(a->status == BR_ISOLATED, a->nitem == 1);
	assert_true(in_answer(a, lab->culprit));
	assert_true(a->probes_left < 1e-9);
	s->ops->close(s);
	return tests;
}

/* Whether all that the search did not run is really untestable, or could tell nothing apart of what it reports. */
static bool assumed_rightly(const struct lab *lab, const struct br_answer *a)
{
	const struct graph *g = lab->g;

	for (uint32_t t = 0; t < g->n; t++) {
		uint64_t reached = 0;

		if (!graph_cand(g, t) || lab->skip[t] || lab->asked[t])
			continue;
		for (uint64_t i = 0; i < a->nitem; i++)
			reached += graph_has(g, t, (uint32_t)a->item[i]);
		if (reached > 0 && reached < a->nitem)
			return false;
	}
	return true;
}

/* All candidates that every testable item treats as it treats the culprit. */
static uint64_t count_same(const struct lab *lab, const struct br_answer *a)
{
	const struct graph *g = lab->g;
	uint64_t n = 0;

	for (uint32_t i = 0; i < g->n; i++) {
		bool same = graph_cand(g, i);

		for (uint32_t t = 0; t < g->n && same; t++)
			if (graph_cand(g, t) && !lab->skip[t])
				same = graph_has(g, t, i) == lab->bad[t];
		n += same;
		assert_true(!same || in_answer(a, i));
	}
	return n;
}

enum skip_kind { SCATTERED, BY_NUMBER, ALONG_FIRST_PARENTS, SKIP_KINDS };

static void spoil(const struct graph *g, struct br_rand *r, enum skip_kind kind, uint8_t *skip)
{
	uint64_t rate = br_rand_below(r, 100), from = br_rand_below(r, g->n), len = br_rand_below(r, g->n);

	memset(skip, 0, g->n);
	if (kind == SCATTERED)
		for (uint32_t i = 0; i < g->n; i++)
			skip[i] = br_rand_below(r, 100) < rate;
	if (kind == BY_NUMBER)
		memset(skip + from, 1, len < g->n - from ? len : g->n - from);
	if (kind == ALONG_FIRST_PARENTS)
		for (uint32_t i = (uint32_t)from; len-- && g->at[i] < g->at[i + 1]; i = g->parent[g->at[i]])
			skip[i] = 1;
	skip[g->n - 1] = 0;
}

static void each_random_search(uint64_t seed, bool exhaust, size_t jobs)
{
	struct br_rand r = {.state = seed};
	uint8_t bad[MAX_ITEMS], skip[MAX_ITEMS], asked[MAX_ITEMS] = {0};
	struct lab lab = {
		.bad = bad, .skip = skip, .asked = asked, .seed = seed, .exhaust = exhaust, .jobs = jobs};
	struct br_answer a;
	struct graph g;
	uint64_t same;

	if (seed % 2)
		graph_random(&g, &r, 2 + (uint32_t)br_rand_below(&r, MAX_ITEMS - 2));
	else
		graph_topics(&g, &r, 2 + (uint32_t)br_rand_below(&r, MAX_ITEMS - 2), 4);
	graph_close(&g);
	if (seed % 5 == 0) {
		g.weight = br_calloc(g.n, sizeof *g.weight);
		for (uint32_t i = 0; i < g.n; i++)
			g.weight[i] = (float)br_rand_below(&r, 3);
	}
	do
		lab.culprit = (uint32_t)br_rand_below(&r, g.n);
	while (!graph_cand(&g, lab.culprit) && lab.culprit != g.n - 1);
	if (g.weight)
		g.weight[lab.culprit] = 1;
	spoil(&g, &r, (enum skip_kind)(seed % SKIP_KINDS), skip);
	lab.g = &g;
	descend(&g, lab.culprit, bad);
	(void)run(&lab, &a);
	same = count_same(&lab, &a);
	assert_true(!exhaust || assumed_rightly(&lab, &a));
	if (assumed_rightly(&lab, &a))
		assert_int_equal(a.nitem, same);
	if (exhaust || a.status == BR_ISOLATED || !a.assumed) {
		/* Without exhaust, items beside the region are only sampled. */
		assert_true(exhaust ? a.nitem == same : a.nitem >= same);
		assert_int_equal(a.assumed, 0);
	}
	br_answer_done(&a);
	graph_done(&g);
}

static void exhaust_leaves_exactly_what_no_test_can_tell_apart(void **state)
{
	(void)state;
	print_message("seeds 1..%llu\n", (unsigned long long)times(900));
	for (uint64_t seed = 1; seed <= times(900); seed++)
		each_random_search(seed, true, 1);
	for (uint64_t seed = 1; seed <= times(300); seed++)
		each_random_search(seed, true, 1 + seed % MAX_JOBS);
}

static void without_exhaust_the_culprit_is_always_among_the_reported(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= times(900); seed++)
		each_random_search(seed, false, 1);
	for (uint64_t seed = 1; seed <= times(300); seed++)
		each_random_search(seed, false, 1 + seed % MAX_JOBS);
}

/* Items are numbered from 1 here, as in a list of commits after the good one. */
static unsigned band_on_a_line(uint32_t culprit, uint32_t from, uint32_t to, uint64_t seed,
			       struct br_answer *a)
{
	uint8_t bad[1024], skip[1024] = {0};
	struct graph g;
	struct lab lab = {.g = &g, .culprit = culprit - 1, .bad = bad, .skip = skip, .seed = seed, .jobs = 1};
	unsigned tests;

	graph_line(&g, 1024);
	memset(skip + from - 1, 1, to - from + 1);
	descend(&g, lab.culprit, bad);
	tests = run(&lab, a);
	graph_done(&g);
	return tests;
}

static void untestable_stretches_of_a_line_cost_few_tests(void **state)
{
	static const struct {
		uint32_t culprit, from, to, most;
		uint64_t left;
	} bands[] = {
		{641, 360, 640, 60, 282},  {615, 512, 614, 30, 104}, {700, 410, 614, 20, 1},
		{300, 410, 614, 20, 1},	   {500, 499, 501, 30, 4},   {512, 512, 512, 20, 2},
		{1024, 1, 1023, 60, 1024},
	};

	(void)state;
	for (size_t i = 0; i < sizeof bands / sizeof *bands; i++) {
		unsigned most = 0;

		for (uint64_t seed = 1; seed <= 20; seed++) {
			struct br_answer a;
			unsigned tests =
				band_on_a_line(bands[i].culprit, bands[i].from, bands[i].to, seed, &a);

			most = tests > most ? tests : most;
			assert_int_equal(a.nitem, bands[i].left);
			br_answer_done(&a);
		}
		print_message("culprit %u, %u..%u untestable: at most %u tests\n", bands[i].culprit,
			      bands[i].from, bands[i].to, most);
		assert_true(most <= bands[i].most);
	}
}

/* Skips that were given beforehand are facts about those items, not about what lies between them. */
static void many_scattered_skips_known_beforehand_hide_no_culprit(void **state)
{
	struct br_rand r = {.state = 11};
	unsigned most = 0;

	(void)state;
	for (int k = 0; k < 40; k++) {
		uint32_t n = 20000, culprit = 1 + (uint32_t)br_rand_below(&r, n - 2);
		struct br_shape shape;
		struct br_strategy *s;
		struct br_answer a;
		struct br_probe p;
		struct graph g;
		unsigned tests = 0;

		graph_line(&g, n);
		shape = graph_shape(&g);
		s = open_dag(&shape, 1, false);
		for (uint32_t i = 0; i < n; i += 1 + (uint32_t)br_rand_below(&r, 400))
			if (i != culprit && i != culprit - 1)
				tell(s, i, BR_SKIP);
		for (; s->ops->propose(s, NULL, 0, &p, 1); tests++)
			tell(s, p.point, p.point >= culprit ? BR_BAD : BR_GOOD);
		s->ops->answer(s, &a);
		assert_int_equal(a.status, BR_ISOLATED);
		assert_int_equal(a.item[0], culprit);
		most = tests > most ? tests : most;
		br_answer_done(&a);
		s->ops->close(s);
		graph_done(&g);
	}
	print_message("20,000 items: at most %u tests\n", most);
	assert_true(most <= 30);
}

/* git's own history, beside the repository where there is one: a line an item, parents as backward distances. */
static bool read_topology(struct graph *g)
{
	static char tool[] = "xz", how[] = "-dc", path[] = "../shared/data/topology/git-v2.40.0.txt.xz";
	char *const argv[] = {tool, how, path, NULL};
	br_auto_free char *text = NULL;
	int status;

	if (access(path, R_OK) || br_spawn_capture(argv, NULL, NULL, 1 << 24, 60000, &text, &status, NULL) ||
	    status)
		return false;
	graph_begin(g, 1 << 17);
	for (char *p = text, *end; *p && g->n < 1 << 17; p = *end ? end + 1 : end) {
		end = p + strcspn(p, "\n");
		while (p < end) {
			unsigned long back = strtoul(p, &p, 10);

			assert_true(back > 0 && back <= g->n);
			graph_edge(g, g->n - (uint32_t)back);
			p += strspn(p, " ");
		}
		graph_node_done(g);
	}
	return g->n > 0;
}

static uint32_t random_ancestor(const struct graph *g, struct br_rand *r)
{
	uint32_t i = g->n - 1;

	/* A walk down over any parents: always an ancestor of the last item. */
	for (uint64_t steps = br_rand_below(r, 4000); steps-- && g->at[i] < g->at[i + 1];)
		i = g->parent[g->at[i] + br_rand_below(r, g->at[i + 1] - g->at[i])];
	return i;
}

static void stretch(const struct graph *g, uint32_t near, enum skip_kind kind, struct br_rand *r,
		    uint8_t *skip)
{
	memset(skip, 0, g->n);
	if (kind == SCATTERED)
		for (uint32_t i = 0; i < g->n; i++)
			skip[i] = br_rand_below(r, 100) < 10;
	if (kind == BY_NUMBER)
		for (uint32_t i = near > 150 ? near - 150 : 0; i < near + 150 && i < g->n; i++)
			skip[i] = 1;
	if (kind == ALONG_FIRST_PARENTS)
		for (uint32_t i = near, k = 0; k < 300 && g->at[i] < g->at[i + 1];
		     i = g->parent[g->at[i]], k++)
			skip[i] = 1;
	skip[g->n - 1] = 0;
}

static void a_real_history_is_searched_in_few_tests_whatever_is_untestable(void **state)
{
	static const char *const names[] = {"none", "one in ten", "300 in a row", "300 first parents"};
	static const unsigned bound[] = {18, 40, 300, 120};
	struct br_rand r = {.state = 5};
	br_auto_free uint8_t *bad = NULL, *spoilt = NULL;
	struct graph g = {0};

	(void)state;
	if (!read_topology(&g)) {
		print_message("skipped: no topology data beside the repository, or no xz\n");
		skip();
	}
	bad = br_malloc(g.n);
	spoilt = br_malloc(g.n);
	for (int kind = -1; kind < SKIP_KINDS; kind++) {
		unsigned most = 0, sum = 0;
		uint64_t runs = times(kind < 0 ? 40 : 12), left = 0;

		for (uint64_t k = 0; k < runs; k++) {
			struct lab lab = {.g = &g, .bad = bad, .skip = spoilt, .seed = k, .jobs = 1};
			struct br_answer a;
			unsigned tests;

			lab.culprit = random_ancestor(&g, &r);
			descend(&g, lab.culprit, bad);
			memset(spoilt, 0, g.n);
			if (kind >= 0)
				stretch(&g, lab.culprit, (enum skip_kind)kind, &r, spoilt);
			tests = run(&lab, &a);
			most = tests > most ? tests : most;
			sum += tests;
			left += a.nitem;
			br_answer_done(&a);
		}
		print_message("%s: %.1f tests on average, at most %u; %.1f left\n", names[kind + 1],
			      (double)sum / (double)runs, most, (double)left / (double)runs);
		assert_true(most <= bound[kind + 1]);
		assert_true(kind >= 0 || left == runs);
	}
	graph_done(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exhaust_leaves_exactly_what_no_test_can_tell_apart),
		cmocka_unit_test(without_exhaust_the_culprit_is_always_among_the_reported),
		cmocka_unit_test(untestable_stretches_of_a_line_cost_few_tests),
		cmocka_unit_test(many_scattered_skips_known_beforehand_hide_no_culprit),
		cmocka_unit_test(a_real_history_is_searched_in_few_tests_whatever_is_untestable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
