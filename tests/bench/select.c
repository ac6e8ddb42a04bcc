/*
 * select.c - what choosing probes costs: select [N [MERGE_EVERY]] on a synthetic history, or select - with a topology on
 * standard input (a line an item, parents as backward distances).
 */
#include "../property/dag_graph.h"

#include "base/mem.h"

#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

static double now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static long rss_kib(void)
{
	struct rusage u;

	(void)getrusage(RUSAGE_SELF, &u);
	return u.ru_maxrss;
}

static void read_topology(struct graph *g)
{
	br_auto_free char *line = NULL;
	size_t size = 0;
	uint32_t cap = 1 << 20;

	graph_begin(g, cap);
	while (g->n < cap && getline(&line, &size, stdin) > 0) {
		char *p = line, *end;

		for (;; p = end) {
			unsigned long back = strtoul(p, &end, 10);

			if (end == p)
				break;
			if (back && back <= g->n)
				graph_edge(g, g->n - (uint32_t)back);
		}
		graph_node_done(g);
	}
}

/* Whether item i has the culprit as an ancestor; one sweep a search. */
static void descend(const struct graph *g, uint32_t culprit, uint8_t *bad)
{
	memset(bad, 0, g->n);
	bad[culprit] = 1;
	for (uint32_t i = culprit; i < g->n; i++)
		for (uint32_t e = g->at[i]; e < g->at[i + 1]; e++)
			bad[i] |= bad[g->parent[e]];
}

static void search(const struct graph *g, uint32_t culprit, uint8_t *bad)
{
	struct br_shape shape = graph_shape(g);
	long rss;
	double t0, opened, choose = 0, first = 0, learn = 0;
	struct br_strategy *s;
	struct br_probe p;
	int probes = 0;

	descend(g, culprit, bad);
	rss = rss_kib();
	t0 = now_ms();
	s = open_dag(&shape, 1, false);
	opened = now_ms() - t0;
	if (!s)
		return;
	for (;;) {
		size_t n;

		t0 = now_ms();
		n = s->ops->propose(s, NULL, 0, &p, 1);
		choose += now_ms() - t0;
		first = probes ? first : choose;
		if (!n)
			break;
		probes++;
		t0 = now_ms();
		tell(s, p.point, bad[p.point] ? BR_BAD : BR_GOOD);
		learn += now_ms() - t0;
	}
	printf("n=%u culprit=%u probes=%d open=%.2f ms first=%.2f ms all selections=%.2f ms observe=%.2f ms "
	       "memory=%.1f "
	       "B/item\n",
	       g->n, culprit, probes, opened, first, choose, learn, (double)(rss_kib() - rss) * 1024 / g->n);
	s->ops->close(s);
}

int main(int argc, char **argv)
{
	struct br_rand r = {.state = 1};
	struct graph g;
	br_auto_free uint8_t *bad = NULL;

	if (argc > 1 && strcmp(argv[1], "-") == 0)
		read_topology(&g);
	else
		graph_topics(&g, &r, argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1000000,
			     argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 5);
	bad = br_malloc(g.n);
	for (int i = 0; i < 5; i++)
		search(&g, (uint32_t)br_rand_below(&r, g.n), bad);
	graph_done(&g);
	return 0;
}
