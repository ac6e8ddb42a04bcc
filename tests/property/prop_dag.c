/* prop_dag.c - the exact search on random histories, against brute force on bitsets. */
#include "dag_graph.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { MAX_ITEMS = 400, GRAPHS = 500, ORDERS = 1000, MAX_JOBS = 8 };

static void random_weights(struct graph *g, struct br_rand *r, unsigned zero_pct)
{
	g->weight = br_calloc(g->n, sizeof *g->weight);
	for (uint32_t i = 0; i < g->n; i++)
		g->weight[i] = br_rand_below(r, 100) < zero_pct ? 0 : 1;
	g->weight[br_rand_below(r, g->n)] = 1;
}

static uint32_t random_candidate(const struct graph *g, struct br_rand *r)
{
	uint32_t c;

	do
		c = (uint32_t)br_rand_below(r, g->n);
	while (!graph_cand(g, c));
	return c;
}

static void random_graph(struct graph *g, struct br_rand *r)
{
	graph_random(g, r, 1 + (uint32_t)br_rand_below(r, MAX_ITEMS));
	graph_close(g);
}

static enum br_class truth(const struct graph *g, uint64_t item, uint32_t culprit)
{
	return graph_has(g, item, culprit) ? BR_BAD : BR_GOOD;
}

static void assert_isolated(const struct br_strategy *s, uint32_t culprit)
{
	struct br_answer a;

	s->ops->answer(s, &a);
	assert_int_equal(a.status, BR_ISOLATED);
	assert_int_equal(a.nitem, 1);
	assert_int_equal(a.left, 1);
	assert_int_equal(a.item[0], culprit);
	br_answer_done(&a);
}

/* Runs the search one probe at a time; returns how many it took. */
static unsigned run(const struct graph *g, uint32_t culprit, uint64_t seed)
{
	struct br_shape shape = graph_shape(g);
	struct br_strategy *s = open_dag(&shape, seed, false);
	struct br_probe p;
	unsigned probes = 0;

	while (s->ops->propose(s, NULL, 0, &p, 1)) {
		assert_true(graph_cand(g, p.point));
		assert_false(s->ops->moot(s, &p));
		tell(s, p.point, truth(g, p.point, culprit));
		probes++;
	}
	assert_isolated(s, culprit);
	s->ops->close(s);
	return probes;
}

/* Candidates of the row among those left. */
static unsigned overlap(const struct graph *g, const uint64_t *left, uint32_t item)
{
	unsigned k = 0;

	for (uint32_t w = 0; w < g->words; w++)
		k += (unsigned)__builtin_popcountll(left[w] & g->reach[(size_t)item * g->words + w]);
	return k;
}

/* What git does: always the candidate that splits the candidates best, the first of equals. */
static unsigned run_greedy(const struct graph *g, uint32_t culprit)
{
	br_auto_free uint64_t *left = br_calloc(g->words, sizeof *left);
	unsigned n = 0, probes = 0;

	for (uint32_t i = 0; i < g->n; i++)
		if (graph_cand(g, i)) {
			left[i / 64] |= (uint64_t)1 << (i % 64);
			n++;
		}
	for (; n > 1; probes++) {
		unsigned best = 0, reach = 0;
		uint32_t pick = 0;

		for (uint32_t i = 0; i < g->n; i++) {
			unsigned k = left[i / 64] >> (i % 64) & 1 ? overlap(g, left, i) : 0;

			if ((k < n - k ? k : n - k) > best) {
				best = k < n - k ? k : n - k;
				reach = k;
				pick = i;
			}
		}
		bool bad = truth(g, pick, culprit) == BR_BAD;

		for (uint32_t w = 0; w < g->words; w++) {
			uint64_t row = g->reach[(size_t)pick * g->words + w];

			left[w] &= bad ? row : ~row;
		}
		n = bad ? reach : n - reach;
	}
	return probes;
}

static void finds_the_culprit_with_no_more_probes_than_the_best_splits(void **state)
{
	uint64_t mine = 0, greedy = 0, searches = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= times(GRAPHS); seed++) {
		struct br_rand r = {.state = seed};
		struct graph g;

		random_graph(&g, &r);
		if (seed % 4 == 0)
			random_weights(&g, &r, 10 + (unsigned)br_rand_below(&r, 80));
		for (int k = 0; k < 8; k++) {
			uint32_t culprit = random_candidate(&g, &r);

			mine += run(&g, culprit, seed);
			greedy += run_greedy(&g, culprit);
			searches++;
		}
		graph_done(&g);
	}
	print_message("seeds 1..%llu: %.4f probes a search, best splits %.4f\n",
		      (unsigned long long)times(GRAPHS), (double)mine / (double)searches,
		      (double)greedy / (double)searches);
	assert_true(mine <= greedy);
}

/* The first choice must be a best one exactly: candidates below it against the brute-force optimum. */
static void the_first_probe_splits_as_well_as_any(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= times(GRAPHS); seed++) {
		struct br_rand r = {.state = seed * 7919};
		struct graph g;
		unsigned best = 0, mine, n = 0;
		struct br_probe p;

		random_graph(&g, &r);
		if (seed % 3 == 0)
			random_weights(&g, &r, 50);
		br_auto_free uint64_t *left = br_calloc(g.words, sizeof *left);
		for (uint32_t i = 0; i < g.n; i++)
			if (graph_cand(&g, i)) {
				left[i / 64] |= (uint64_t)1 << (i % 64);
				n++;
			}
		for (uint32_t i = 0; i < g.n; i++) {
			unsigned k = graph_cand(&g, i) ? overlap(&g, left, i) : 0;

			best = (k < n - k ? k : n - k) > best ? (k < n - k ? k : n - k) : best;
		}
		struct br_shape shape = graph_shape(&g);
		struct br_strategy *s = open_dag(&shape, seed, false);

		assert_int_equal(s->ops->propose(s, NULL, 0, &p, 1), n > 1);
		if (n > 1) {
			mine = overlap(&g, left, (uint32_t)p.point);
			assert_int_equal(mine < n - mine ? mine : n - mine, best);
		}
		s->ops->close(s);
		graph_done(&g);
	}
}

/* Probes in flight, answered in a random order; some are lost and forgotten on the way. */
static void run_shuffled(const struct graph *g, uint32_t culprit, struct br_rand *r, size_t jobs)
{
	struct br_shape shape = graph_shape(g);
	struct br_strategy *s = open_dag(&shape, 1, false);
	struct br_probe flying[MAX_JOBS];
	size_t n = 0;

	for (unsigned steps = 0;; steps++) {
		size_t got = s->ops->propose(s, NULL, 0, flying + n, jobs - n), k;

		assert_true(steps < 4 * MAX_ITEMS);
		for (size_t i = 0; i < n + got; i++)
			for (size_t j = i + 1; j < n + got; j++)
				assert_true(flying[i].point != flying[j].point);
		n += got;
		if (!n)
			break;
		k = br_rand_below(r, n);
		if (br_rand_below(r, 10) == 0)
			s->ops->forget(s, &flying[k]);
		else
			tell(s, flying[k].point, truth(g, flying[k].point, culprit));
		flying[k] = flying[--n];
		for (size_t i = 0; i < n;) {
			if (!s->ops->moot(s, &flying[i])) {
				i++;
				continue;
			}
			s->ops->forget(s, &flying[i]);
			flying[i] = flying[--n];
		}
	}
	assert_isolated(s, culprit);
	s->ops->close(s);
}

static void any_order_of_arrival_gives_the_same_culprit(void **state)
{
	struct br_rand r = {.state = 42};

	(void)state;
	print_message("seed 42, %llu orders\n", (unsigned long long)times(ORDERS));
	for (uint64_t k = 0; k < times(ORDERS); k++) {
		struct graph g;

		random_graph(&g, &r);
		if (k % 4 == 0)
			random_weights(&g, &r, 40);
		run_shuffled(&g, random_candidate(&g, &r), &r, 1 + br_rand_below(&r, MAX_JOBS));
		graph_done(&g);
	}
}

/* What the observations leave, by bitsets. */
static void check_left(const struct graph *g, const struct br_strategy *s, const uint64_t *seen, size_t nseen,
		       uint32_t culprit)
{
	struct br_answer a;
	uint64_t n = 0;

	s->ops->answer(s, &a);
	for (uint32_t i = 0; i < g->n; i++) {
		bool left = graph_cand(g, i);

		for (size_t k = 0; k < nseen; k++)
			left &= graph_has(g, seen[k], i) == graph_has(g, seen[k], culprit);
		if (!left)
			continue;
		assert_true(n < a.nitem && a.item[n] == i);
		n++;
	}
	assert_int_equal(n, a.left);
	assert_int_equal(n, a.nitem);
	br_answer_done(&a);
}

/* Arbitrary observations, also of items that are beside the candidates or have no weight. */
static void what_is_left_equals_brute_force_in_every_order(void **state)
{
	struct br_rand r = {.state = 4711};

	(void)state;
	print_message("seed 4711\n");
	for (uint64_t k = 0; k < times(400); k++) {
		struct br_strategy *s[2];
		struct br_shape shape;
		struct br_answer a[2];
		struct graph g;
		uint64_t seen[12];
		uint32_t culprit;
		size_t n = 1 + br_rand_below(&r, 12);

		random_graph(&g, &r);
		if (k % 2)
			random_weights(&g, &r, 60);
		shape = graph_shape(&g);
		culprit = random_candidate(&g, &r);
		for (int i = 0; i < 2; i++)
			s[i] = open_dag(&shape, 1, false);
		for (size_t i = 0; i < n; i++) {
			seen[i] = br_rand_below(&r, g.n);
			tell(s[0], seen[i], truth(&g, seen[i], culprit));
			check_left(&g, s[0], seen, i + 1, culprit);
		}
		for (size_t i = n; i-- > 0;)
			tell(s[1], seen[i], truth(&g, seen[i], culprit));
		for (int i = 0; i < 2; i++)
			s[i]->ops->answer(s[i], &a[i]);
		assert_true(same_answer(&a[0], &a[1]));
		for (uint32_t i = 0; i < g.n; i++) {
			struct br_probe p = probe_of(i);
			uint64_t below = 0;

			for (uint64_t j = 0; j < a[0].nitem; j++)
				below += graph_has(&g, i, a[0].item[j]);
			assert_int_equal(s[0]->ops->moot(s[0], &p), below == 0 || below == a[0].nitem);
		}
		for (int i = 0; i < 2; i++) {
			br_answer_done(&a[i]);
			s[i]->ops->close(s[i]);
		}
		graph_done(&g);
	}
}

/* Replays half of a search in a shuffled order; the rest must ask the same questions. */
static void replay_stands_where_the_search_stood(void **state)
{
	struct br_rand r = {.state = 99};

	(void)state;
	print_message("seed 99\n");
	for (uint64_t k = 0; k < times(300); k++) {
		struct br_strategy *first, *again;
		struct br_shape shape;
		struct br_answer a, b;
		struct br_probe p = {0}, q = {0};
		struct graph g;
		uint64_t seen[64];
		uint32_t culprit;
		size_t n = 0, most = br_rand_below(&r, 12);

		random_graph(&g, &r);
		shape = graph_shape(&g);
		culprit = random_candidate(&g, &r);
		first = open_dag(&shape, 5, false);
		again = open_dag(&shape, 5, false);
		for (; n < most && first->ops->propose(first, NULL, 0, &p, 1); n++) {
			bool skip = br_rand_below(&r, 4) == 0;

			seen[n] = p.point << 1 | skip;
			tell(first, p.point, skip ? BR_SKIP : truth(&g, p.point, culprit));
		}
		for (size_t i = n; i > 1; i--) {
			size_t j = br_rand_below(&r, i);
			uint64_t x = seen[i - 1];

			seen[i - 1] = seen[j];
			seen[j] = x;
		}
		for (size_t i = 0; i < n; i++)
			tell(again, seen[i] >> 1, seen[i] & 1 ? BR_SKIP : truth(&g, seen[i] >> 1, culprit));
		first->ops->answer(first, &a);
		again->ops->answer(again, &b);
		assert_true(same_answer(&a, &b));
		p.point = q.point = 0;
		assert_int_equal(first->ops->propose(first, NULL, 0, &p, 1),
				 again->ops->propose(again, NULL, 0, &q, 1));
		assert_int_equal(p.point, q.point);
		br_answer_done(&a);
		br_answer_done(&b);
		first->ops->close(first);
		again->ops->close(again);
		graph_done(&g);
	}
}

/* Standard normal, sum of twelve. */
static double normal(struct br_rand *r)
{
	double x = -6;

	for (int i = 0; i < 12; i++)
		x += (double)br_rand_below(r, 1u << 30) / (1u << 30);
	return x;
}

struct worker {
	bool busy;
	double ends;
	struct br_probe probe;
};

/* Time that a search with so many workers takes, in mean tests; 1,000 linear commits. */
static double makespan(const struct graph *g, uint32_t culprit, size_t jobs, double sigma, struct br_rand *r)
{
	struct br_shape shape = graph_shape(g);
	struct br_strategy *s = open_dag(&shape, 1, false);
	struct worker w[MAX_JOBS] = {{0}};
	double t = 0;

	for (;;) {
		struct br_probe p[MAX_JOBS];
		size_t idle = 0, n, next = MAX_JOBS;

		for (size_t i = 0; i < jobs; i++)
			idle += !w[i].busy;
		n = idle ? s->ops->propose(s, NULL, 0, p, idle) : 0;
		for (size_t i = 0; i < jobs && n; i++)
			if (!w[i].busy)
				w[i] = (struct worker){true, t + exp(sigma * normal(r) - sigma * sigma / 2),
						       p[--n]};
		for (size_t i = 0; i < jobs; i++)
			if (w[i].busy && (next == MAX_JOBS || w[i].ends < w[next].ends))
				next = i;
		if (next == MAX_JOBS)
			break;
		t = w[next].ends;
		w[next].busy = false;
		tell(s, w[next].probe.point, w[next].probe.point >= culprit ? BR_BAD : BR_GOOD);
		for (size_t i = 0; i < jobs; i++)
			if (w[i].busy && s->ops->moot(s, &w[i].probe)) {
				s->ops->forget(s, &w[i].probe);
				w[i].busy = false;
			}
	}
	assert_isolated(s, culprit);
	s->ops->close(s);
	return t;
}

static void several_workers_are_as_fast_as_promised(void **state)
{
	static const double sigma[] = {0, 0.8};
	static const double promised[][3] = {{1.4, 1.9, 2.5}, {1.5, 2.2, 2.9}};
	struct graph g;

	(void)state;
	graph_line(&g, 1000);
	for (int k = 0; k < 2; k++) {
		double total[4] = {0};

		for (int j = 0; j < 4; j++) {
			struct br_rand r = {.state = 3};

			for (uint64_t i = 0; i < times(300); i++)
				total[j] += makespan(&g, (uint32_t)br_rand_below(&r, g.n), (size_t)1 << j,
						     sigma[k], &r);
		}
		print_message("sigma %.1f: 2, 4, 8 workers: %.2f %.2f %.2f times as fast (seed 3)\n",
			      sigma[k], total[0] / total[1], total[0] / total[2], total[0] / total[3]);
		for (int j = 0; j < 3; j++)
			assert_true(total[0] / total[j + 1] >= promised[k][j]);
	}
	graph_done(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_culprit_with_no_more_probes_than_the_best_splits),
		cmocka_unit_test(the_first_probe_splits_as_well_as_any),
		cmocka_unit_test(any_order_of_arrival_gives_the_same_culprit),
		cmocka_unit_test(what_is_left_equals_brute_force_in_every_order),
		cmocka_unit_test(replay_stands_where_the_search_stood),
		cmocka_unit_test(several_workers_are_as_fast_as_promised),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
