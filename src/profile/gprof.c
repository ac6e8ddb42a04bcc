/*
 * gprof.c - reads what gprof prints: the flat profile for self times, the call graph for calls, cumulative times and edges.
 *
 * In the graph each block, closed by a line of dashes, has one primary line, "[3]  100.0  0.00  0.06  50+450  fact [2]": 50 calls from
 * others and 450 of itself. Lines before it are callers, lines after it callees; "a/b" is a of the callee's b calls.
 */
#include "profile/build.h"

#include "base/mem.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

struct neighbour {
	uint32_t row;
	int64_t calls;
	double cum;
};

struct reader {
	struct br_build *b;
	const struct br_section *s;
	struct br_reading lines;
	const char *object;
	double sample; /* seconds */
	enum { BEFORE, FLAT, GRAPH, AFTER } part;
	bool flat_seen, graph_seen;
	struct neighbour *block; /* callers, then callees of the present block */
	size_t nblock, block_cap, ncaller;
	int64_t primary; /* row; -1: not yet; -2: a cycle as a whole, which is no function */
};

/* The name without its number "[12]" and its "<cycle 1>". */
static const char *function_of(struct br_build *b, char *name)
{
	for (;;) {
		size_t n = strlen(name);
		char *open;

		while (n > 0 && name[n - 1] == ' ')
			name[--n] = '\0';
		if (n > 0 && name[n - 1] == ']')
			open = strrchr(name, '[');
		else if (n > 0 && name[n - 1] == '>' && (open = strstr(name, "<cycle ")) &&
			 isdigit((unsigned char)open[7]))
			;
		else
			break;
		if (!open || open == name || open[-1] != ' ')
			break;
		open[-1] = '\0';
	}
	return br_build_function(b, name);
}

static uint32_t row_of(struct reader *r, char *name)
{
	return br_build_row(r->b,
			    &(struct br_build_key){.object = r->object, .function = function_of(r->b, name)});
}

/* "60.05  0.06  0.06  100  600.50  600.50  slow": columns from calls on are blank where they are unknown. */
static void flat_line(struct reader *r, char *line)
{
	double percent, so_far, self;
	int n = 0, words = 0;
	char *at;
	uint32_t where;
	struct br_profile_row *row;

	if (sscanf(line, "%lf %lf %lf %n", &percent, &so_far, &self, &n) < 3 || n == 0 ||
	    !br_build_is_cost(self))
		return;
	/* calls and two times follow, all or none; the name may have blanks. */
	at = line + n;
	while (words < 3) {
		size_t k = strspn(at, "0123456789.");

		if (k == 0 || at[k] != ' ')
			break;
		at += k + strspn(at + k, " ");
		words++;
	}
	if (!*at)
		return;
	where = row_of(r, at); /* before the rows are looked at: they may move */
	row = &r->b->p->row[where];
	br_build_add(&row->self, self);
	r->b->p->total += self;
}

/* "50", "50+450" or "50/100". */
static bool calls_of(const char *s, int64_t *first, int64_t *again)
{
	char *end;

	*again = 0;
	*first = strtoll(s, &end, 10);
	if (end == s || !isdigit((unsigned char)*s))
		return false;
	if (*end == '+')
		*again = strtoll(end + 1, &end, 10);
	else if (*end == '/')
		(void)strtoll(end + 1, &end, 10);
	return *end == '\0' || *end == ' ';
}

static void count(int64_t *to, int64_t calls)
{
	if (calls >= 0)
		br_build_count(to, calls);
}

/* "[2]  100.0  0.00  0.06  50+450  fact [2]"; the calls are blank for a root. */
static void primary_line(struct reader *r, char *line)
{
	double percent, self, children;
	int n = 0;
	int64_t calls = -1, again = 0;
	struct br_profile_row *row;
	char *at;

	if (sscanf(line, "[%*d] %lf %lf %lf %n", &percent, &self, &children, &n) < 3 || n == 0 ||
	    !br_build_is_cost(self) || !br_build_is_cost(children))
		return;
	at = line + n;
	if (calls_of(at, &calls, &again))
		at += strcspn(at, " ");
	else
		calls = -1;
	at += strspn(at, " ");
	r->ncaller = r->nblock;
	r->primary = -2;
	if (*at == '<' || strstr(at, " as a whole>"))
		return;
	r->primary = row_of(r, at);
	row = &r->b->p->row[r->primary];
	if (calls >= 0) {
		count(&row->primitive, calls);
		count(&row->calls, calls + again);
	}
	if (isnan(row->self))
		row->self = 0; /* named, and no sample hit it: that is known */
	br_build_add(&row->cum, self + children);
}

/* A caller or a callee: "0.00  0.06  1/1  main [1]"; of a recursion the times are blank: "450  fact [2]". */
static void neighbour_line(struct reader *r, char *line)
{
	double self = 0, children = 0;
	int n = 0;
	int64_t calls, again;
	char *at = line + strspn(line, " ");
	bool nested = sscanf(at, "%lf %lf %n", &self, &children, &n) < 2 || n == 0;

	if (!nested && (!strchr(at, '.') || !br_build_is_cost(self) || !br_build_is_cost(children)))
		nested = true;
	if (!nested)
		at += n;
	if (!calls_of(at, &calls, &again) || *at == '<')
		return;
	at += strcspn(at, " ");
	at += strspn(at, " ");
	if (!*at || *at == '<')
		return;
	br_grow(&r->block, r->nblock, &r->block_cap);
	r->block[r->nblock++] = (struct neighbour){row_of(r, at), calls, nested ? NAN : self + children};
}

/* Each edge stands in two blocks: its callees are what counts. */
static void block_end(struct reader *r)
{
	for (size_t i = r->ncaller; r->primary >= 0 && i < r->nblock; i++) {
		struct br_profile_edge *e = br_build_edge(r->b, (uint32_t)r->primary, r->block[i].row);

		br_build_count(&e->calls, r->block[i].calls);
		if (!isnan(r->block[i].cum))
			br_build_add(&e->cum, r->block[i].cum);
	}
	r->nblock = r->ncaller = 0;
	r->primary = -1;
}

static void graph_line(struct reader *r, char *line)
{
	if (strncmp(line, "-----", 5) == 0)
		block_end(r);
	else if (*line == '[')
		primary_line(r, line);
	else if (*line == ' ')
		neighbour_line(r, line);
}

static void take(struct reader *r, char *line)
{
	const char *text = line + strspn(line, " \t\f");

	if (strncmp(text, "Flat profile:", 13) == 0)
		r->part = BEFORE;
	else if (strncmp(text, "Each sample counts as ", 22) == 0)
		r->sample = strtod(text + 22, NULL);
	else if (strncmp(text, "time   seconds", 14) == 0)
		r->part = FLAT, r->flat_seen = true;
	else if (strncmp(text, "Call graph", 10) == 0)
		r->part = BEFORE;
	else if (strncmp(text, "index % time", 12) == 0)
		r->part = GRAPH, r->graph_seen = true, r->primary = -1;
	else if (strncmp(text, "Index by function name", 22) == 0)
		r->part = AFTER;
	else if (r->part == FLAT)
		flat_line(r, line);
	else if (r->part == GRAPH)
		graph_line(r, line);
}

static int finish(struct reader *r, struct br_err *err)
{
	if (!r->flat_seen && !r->graph_seen)
		return br_fail(err, BR_EPARSE, "%s: nothing that gprof prints", r->s->label);
	if (r->part != AFTER)
		return br_fail(err, BR_EPARSE, "%s: cut short (gprof's index at the end is missing)",
			       r->s->label);
	r->b->p->unit = br_strdup("s");
	r->b->p->quantum = br_build_is_cost(r->sample) && r->sample > 0 ? r->sample : 0.01;
	r->b->p->processes++;
	return 0;
}

int br_read_gprof(struct br_build *b, const struct br_section *s, struct br_err *err)
{
	struct reader r = {.b = b, .s = s, .lines = {.at = s->text, .end = s->text + s->n}};
	char *line = br_malloc(BR_LINE_SIZE);
	int rc;

	if (strcmp(s->label, "gprof") != 0)
		r.object = br_build_path(b, s->label);
	while (br_reading_next(&r.lines, line))
		take(&r, line);
	rc = finish(&r, err);
	free(line);
	free(r.block);
	return rc;
}
