/* test_dag.c - the exact search on small histories whose answers are known. */
#include "../property/dag_graph.h"

#include "bisect_run/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/*
 * H1 .. H7 in a line; S5, S6, S7 branch off H4; A merges S5 and H5, B merges S7 and H7, C merges B and A. H1 is good and
 * left out. The shape holds the ancestors of the bad item only.
 */
enum { H2, H3, H4, H5, S5, A, H6, H7, S6, S7, B, C, ALL };
static const int8_t parents[ALL][2] = {
	[H2] = {-1, -1}, [H3] = {H2, -1}, [H4] = {H3, -1}, [H5] = {H4, -1}, [S5] = {H4, -1}, [A] = {S5, H5},
	[H6] = {H5, -1}, [H7] = {H6, -1}, [S6] = {S5, -1}, [S7] = {S6, -1}, [B] = {S7, H7},  [C] = {B, A},
};

/* Sets number[] of the items that are in the shape. */
static void classic(struct graph *g, uint32_t last, uint32_t *number)
{
	bool in[ALL] = {false};

	in[last] = true;
	for (uint32_t i = ALL; i-- > 0;)
		for (int k = 0; k < 2; k++)
			if (in[i] && parents[i][k] >= 0)
				in[parents[i][k]] = true;
	graph_begin(g, ALL);
	for (uint32_t i = 0; i < ALL; i++) {
		if (!in[i])
			continue;
		number[i] = g->n;
		for (int k = 0; k < 2; k++)
			if (parents[i][k] >= 0)
				graph_edge(g, number[parents[i][k]]);
		graph_node_done(g);
	}
	graph_close(g);
}

/* Answers probes until there are none; skipped ones are never good or bad. */
static void finish(struct br_strategy *s, const struct graph *g, uint32_t culprit, const uint32_t *skip,
		   size_t nskip)
{
	struct br_probe p;

	while (s->ops->propose(s, NULL, 0, &p, 1)) {
		enum br_class cls = graph_has(g, p.point, culprit) ? BR_BAD : BR_GOOD;

		for (size_t i = 0; i < nskip; i++)
			cls = skip[i] == p.point ? BR_SKIP : cls;
		tell(s, p.point, cls);
	}
}

static void assert_answer(const struct br_strategy *s, enum br_answer_status status, const uint64_t *item,
			  size_t n)
{
	struct br_answer a;

	s->ops->answer(s, &a);
	assert_int_equal(a.status, status);
	assert_int_equal(a.nitem, n);
	assert_int_equal(a.left, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(a.item[i], item[i]);
	br_answer_done(&a);
}

static void classic_skips_leave_what_cannot_be_told_apart(void **state)
{
	static const struct {
		uint32_t last, culprit, nskip, skip[4];
		size_t nleft;
		uint64_t left[8];
	} cases[] = {
		{H4, H3, 1, {H3}, 2, {H3, H4}},
		{H4, H4, 1, {H3}, 2, {H3, H4}},
		{H4, H3, 2, {H2, H3}, 3, {H2, H3, H4}},
		{H4, H2, 1, {H3}, 1, {H2}},
		{H4, H2, 1, {H2}, 2, {H2, H3}},
		{H4, H3, 0, {0}, 1, {H3}},
		{A, H5, 1, {S5}, 1, {H5}},
		{A, S5, 1, {S5}, 2, {S5, A}},
		{A, S5, 2, {S5, H5}, 3, {H5, S5, A}},
		{B, S6, 2, {S5, S6}, 3, {S5, S6, S7}},
		{B, H6, 1, {H7}, 1, {H6}},
		{B, B, 2, {S7, H7}, 3, {H7, S7, B}},
		{B, S5, 1, {S5}, 2, {S5, S6}},
		/* A is no ancestor of S6, which turns out bad, and still tells S5 from it. */
		{C, S5, 1, {S5}, 1, {S5}},
		{C, S6, 1, {S5}, 1, {S6}},
		{C, S5, 2, {S5, A}, 2, {S5, S6}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		for (int exhaust = 0; exhaust < 2; exhaust++) {
			struct br_strategy *s;
			struct br_shape shape;
			struct graph g;
			enum br_answer_status status = cases[i].nleft == 1 ? BR_ISOLATED : BR_NARROWED;
			uint32_t number[ALL], skip[4];
			uint64_t left[8];

			classic(&g, cases[i].last, number);
			for (size_t k = 0; k < cases[i].nskip; k++)
				skip[k] = number[cases[i].skip[k]];
			for (size_t k = 0; k < cases[i].nleft; k++)
				left[k] = number[cases[i].left[k]];
			shape = graph_shape(&g);
			s = open_dag(&shape, 1, exhaust);
			finish(s, &g, number[cases[i].culprit], skip, cases[i].nskip);
			assert_answer(s, status, left, cases[i].nleft);
			s->ops->close(s);
			graph_done(&g);
		}
}

static void a_single_candidate_is_isolated_without_a_probe(void **state)
{
	static const uint32_t at[] = {0, 0, 1, 2}, parent[] = {0, 1};
	static const float weight[] = {0, 1, 0};
	const struct br_shape one = {.order = BR_DAG, .n = 1, .parent_at = at, .parent = parent};
	const struct br_shape three = {
		.order = BR_DAG, .n = 3, .parent_at = at, .parent = parent, .weight = weight};
	const uint64_t item[] = {0, 1};
	struct br_strategy *s = open_dag(&one, 1, false);
	struct br_probe p;

	(void)state;
	assert_int_equal(s->ops->propose(s, NULL, 0, &p, 1), 0);
	assert_answer(s, BR_ISOLATED, item, 1);
	s->ops->close(s);
	s = open_dag(&three, 1, false);
	assert_int_equal(s->ops->propose(s, NULL, 0, &p, 1), 0);
	assert_answer(s, BR_ISOLATED, item + 1, 1);
	s->ops->close(s);
}

static void impossible_shapes_are_refused(void **state)
{
	static const uint32_t at[] = {0, 0, 1}, self[] = {1}, below[] = {0};
	static const float nothing[] = {0, 0};
	const struct br_shape shapes[] = {
		{.order = BR_CHAIN, .n = 2},
		{.order = BR_DAG, .n = 0, .parent_at = at},
		{.order = BR_DAG, .n = 2, .parent_at = at, .parent = self},
		{.order = BR_DAG, .n = 2, .parent_at = at, .parent = below, .weight = nothing},
		{.order = BR_DAG, .n = UINT64_MAX, .parent_at = at, .parent = below},
	};
	const struct br_strategy_cfg cfg = {.seed = 1};

	(void)state;
	for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
		struct br_strategy *s = NULL;
		struct br_err err = {0};

		assert_true(br_strategy_dag.open(&s, &shapes[i], &cfg, &err) < 0);
		assert_null(s);
		assert_true(err.msg[0]);
	}
	br_strategy_dag.close(NULL);
}

static void contradictions_are_said_and_not_applied(void **state)
{
	static const uint64_t before[] = {H2, H3, H4};
	static const struct {
		uint64_t item;
		enum br_class cls;
	} wrong[] = {{H4, BR_GOOD}, {B, BR_GOOD}, {H7, BR_GOOD}, {A, BR_GOOD}};

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct br_strategy *s;
		struct br_shape shape;
		struct br_probe p;
		uint32_t number[ALL];
		struct graph g;

		classic(&g, C, number);
		shape = graph_shape(&g);
		s = open_dag(&shape, 1, false);
		tell(s, H4, BR_BAD);
		tell(s, wrong[i].item, wrong[i].cls);
		assert_answer(s, BR_CONTRADICTION, before, 3);
		assert_int_equal(s->ops->propose(s, NULL, 0, &p, 1), 0);
		s->ops->close(s);
		s = open_dag(&shape, 1, false);
		tell(s, H5, BR_GOOD);
		tell(s, i % 2 ? H5 : H3, BR_BAD);
		assert_answer(s, BR_CONTRADICTION, (const uint64_t[]){S5, A, H6, H7, S6, S7, B, C}, 8);
		s->ops->close(s);
		graph_done(&g);
	}
}

static void what_bad_items_have_in_common_holds_the_culprit(void **state)
{
	struct br_strategy *s;
	struct br_shape shape;
	uint32_t number[ALL];
	struct graph g;

	(void)state;
	classic(&g, C, number);
	shape = graph_shape(&g);
	s = open_dag(&shape, 1, false);
	tell(s, A, BR_BAD);
	tell(s, S7, BR_BAD);
	assert_answer(s, BR_SEARCHING, (const uint64_t[]){H2, H3, H4, S5}, 4);
	tell(s, H7, BR_GOOD);
	assert_answer(s, BR_ISOLATED, (const uint64_t[]){S5}, 1);
	s->ops->close(s);
	graph_done(&g);
}

static void a_probe_in_flight_is_moot_once_its_answer_is_known(void **state)
{
	struct br_probe p[3], low, high;
	struct br_strategy *s;
	struct br_shape shape;
	struct graph g;

	(void)state;
	graph_line(&g, 100);
	shape = graph_shape(&g);
	s = open_dag(&shape, 1, false);
	assert_int_equal(s->ops->propose(s, NULL, 0, p, 3), 3);
	low = high = p[0];
	for (int i = 0; i < 3; i++) {
		low = p[i].point < low.point ? p[i] : low;
		high = p[i].point > high.point ? p[i] : high;
		assert_false(s->ops->moot(s, &p[i]));
	}
	assert_true(low.point >= 20 && low.point <= 28 && high.point >= 70 && high.point <= 78);
	tell(s, p[0].point, BR_BAD); /* the middle one is proposed first */
	assert_true(p[0].point != low.point && p[0].point != high.point);
	assert_true(s->ops->moot(s, &high));
	assert_true(s->ops->moot(s, &p[0]));
	assert_false(s->ops->moot(s, &low));
	s->ops->close(s);
	graph_done(&g);
}

static void a_forgotten_probe_is_proposed_again(void **state)
{
	struct br_probe p, q;
	struct br_strategy *s;
	struct br_shape shape;
	struct graph g;

	(void)state;
	graph_line(&g, 3);
	shape = graph_shape(&g);
	s = open_dag(&shape, 1, false);
	assert_int_equal(s->ops->propose(s, NULL, 0, &p, 1), 1);
	s->ops->forget(s, &p);
	assert_int_equal(s->ops->propose(s, NULL, 0, &q, 1), 1);
	assert_int_equal(p.point, q.point);
	assert_int_equal(s->ops->propose(s, NULL, 0, &q, 1), 1); /* the other one */
	assert_true(p.point != q.point);
	assert_int_equal(s->ops->propose(s, NULL, 0, &q, 1), 0);
	s->ops->close(s);
	graph_done(&g);
}

/* Two roots' branches of equal length: both tips split in half. */
static void of_equally_useful_probes_the_nearest_wins(void **state)
{
	struct br_shape shape;
	struct graph g;

	(void)state;
	graph_begin(&g, 21);
	for (uint32_t i = 0; i < 21; i++) {
		if (i == 20)
			graph_edge(&g, 9);
		if (i && i != 10)
			graph_edge(&g, i - 1);
		graph_node_done(&g);
	}
	shape = graph_shape(&g);
	for (uint64_t at = 0; at < 20; at++) {
		struct br_strategy *s = open_dag(&shape, 1, false);
		struct br_probe p;

		assert_int_equal(s->ops->propose(s, &at, 1, &p, 1), 1);
		assert_int_equal(p.point, at <= 14 ? 9 : 19);
		s->ops->close(s);
	}
	graph_done(&g);
}

static void weights_draw_the_first_probe_to_the_likely_place(void **state)
{
	struct br_strategy *s;
	struct br_shape shape;
	struct br_probe p;
	struct graph g;

	(void)state;
	graph_line(&g, 1000);
	g.weight = br_calloc(g.n, sizeof *g.weight);
	for (uint32_t i = 0; i < g.n; i++)
		g.weight[i] = i >= 100 && i < 110 ? 1e6F : 1e-3F;
	shape = graph_shape(&g);
	s = open_dag(&shape, 1, false);
	assert_int_equal(s->ops->propose(s, NULL, 0, &p, 1), 1);
	assert_int_equal(p.point, 104);
	s->ops->close(s);
	graph_done(&g);
}

static void a_verdict_outweighs_a_skip_of_the_same_item(void **state)
{
	struct br_strategy *s;
	struct br_shape shape;
	uint32_t number[ALL];
	struct graph g;

	(void)state;
	for (int order = 0; order < 2; order++) {
		classic(&g, H4, number);
		shape = graph_shape(&g);
		s = open_dag(&shape, 1, false);
		tell(s, H3, order ? BR_BAD : BR_SKIP);
		tell(s, H3, order ? BR_SKIP : BR_BAD);
		tell(s, H2, BR_GOOD);
		assert_answer(s, BR_ISOLATED, (const uint64_t[]){H3}, 1);
		s->ops->close(s);
		graph_done(&g);
	}
}

static void the_expected_number_of_probes_falls_to_nothing(void **state)
{
	struct br_strategy *s;
	struct br_shape shape;
	struct br_answer a;
	struct br_probe p;
	struct graph g;
	double last = 11;

	(void)state;
	graph_line(&g, 1024);
	shape = graph_shape(&g);
	s = open_dag(&shape, 1, false);
	do {
		s->ops->answer(s, &a);
		assert_true(a.probes_left < last);
		last = a.probes_left;
		br_answer_done(&a);
		if (s->ops->propose(s, NULL, 0, &p, 1))
			tell(s, p.point, p.point >= 333 ? BR_BAD : BR_GOOD);
	} while (last > 0);
	assert_answer(s, BR_ISOLATED, (const uint64_t[]){333}, 1);
	s->ops->close(s);
	graph_done(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(classic_skips_leave_what_cannot_be_told_apart),
		cmocka_unit_test(a_single_candidate_is_isolated_without_a_probe),
		cmocka_unit_test(impossible_shapes_are_refused),
		cmocka_unit_test(contradictions_are_said_and_not_applied),
		cmocka_unit_test(what_bad_items_have_in_common_holds_the_culprit),
		cmocka_unit_test(a_probe_in_flight_is_moot_once_its_answer_is_known),
		cmocka_unit_test(a_forgotten_probe_is_proposed_again),
		cmocka_unit_test(of_equally_useful_probes_the_nearest_wins),
		cmocka_unit_test(weights_draw_the_first_probe_to_the_likely_place),
		cmocka_unit_test(a_verdict_outweighs_a_skip_of_the_same_item),
		cmocka_unit_test(the_expected_number_of_probes_falls_to_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
