/* export.c - the table for other tools: folded stacks (flamegraph.pl, speedscope, inferno) and callgrind's format (KCachegrind). */
#include "profile/build.h"

#include "base/buf.h"
#include "base/mem.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum {
	DEPTH_MAX = 128,
	STACKS_MAX = 50000, /* stacks made of edges: one for each path through the graph */
};

/* Shares of the whole below this are not followed on: they stay with the caller. */
#define SHARE_MIN 1e-6

/* Costs as whole numbers: seconds in nanoseconds. */
static double scale_of(const struct br_profile *p)
{
	return p->unit && strcmp(p->unit, "s") == 0 ? 1e9 : 1;
}

/* ---- folded ---- */

struct fold {
	struct br_buf b;
	const struct br_profile *p;
	double scale;
	uint32_t *first, *by_caller; /* edges of row i are by_caller[first[i]..first[i + 1]] */
	uint32_t path[DEPTH_MAX];
	size_t depth, nstack;
};

/* ";" and line ends part stacks. */
static void put_frame(struct br_buf *b, const char *s)
{
	for (; *s; s++)
		br_buf_char(b, *s == ';' ? ':' : (unsigned char)*s < ' ' ? '?' : *s);
}

static void put_stack(struct fold *f, const uint32_t *frame, size_t n, double self)
{
	double cost = floor(self * f->scale + 0.5);

	if (!(cost >= 1) || n == 0)
		return;
	for (size_t i = 0; i < n; i++) {
		if (i)
			br_buf_char(&f->b, ';');
		put_frame(&f->b, f->p->row[frame[i]].function);
	}
	br_buf_fmt(&f->b, " %.0f\n", cost);
	f->nstack++;
}

static bool on_path(const struct fold *f, uint32_t row)
{
	for (size_t i = 0; i < f->depth; i++)
		if (f->path[i] == row)
			return true;
	return false;
}

static double positive(double x)
{
	return x > 0 ? x : 0; /* NAN too is none */
}

/* share: how much of the row's cost belongs to this path. */
static void descend(struct fold *f, uint32_t row, double share) /* NOLINT(misc-no-recursion): DEPTH_MAX */
{
	const struct br_profile_row *r = &f->p->row[row];
	double rest = positive(r->self) * share;

	f->path[f->depth++] = row;
	for (uint32_t i = f->first[row]; i < f->first[row + 1]; i++) {
		const struct br_profile_edge *e = &f->p->edge[f->by_caller[i]];
		double cost = positive(e->cum) * share;
		double part = positive(f->p->row[e->to].cum);

		if (e->to == row || part <= 0 || on_path(f, e->to))
			continue;
		if (cost < SHARE_MIN * f->p->total || f->depth == DEPTH_MAX || f->nstack >= STACKS_MAX)
			rest += cost;
		else
			descend(f, e->to, cost / part);
	}
	put_stack(f, f->path, f->depth, rest);
	f->depth--;
}

static void index_edges(struct fold *f)
{
	const struct br_profile *p = f->p;
	uint32_t *at = br_calloc(p->nrow + 2, sizeof *at);

	f->first = br_calloc(p->nrow + 2, sizeof *f->first);
	f->by_caller = br_calloc(p->nedge + 1, sizeof *f->by_caller);
	for (size_t i = 0; i < p->nedge; i++)
		f->first[p->edge[i].from + 1]++;
	for (size_t i = 0; i < p->nrow; i++)
		f->first[i + 1] += f->first[i];
	memcpy(at, f->first, (p->nrow + 1) * sizeof *at);
	for (size_t i = 0; i < p->nedge; i++)
		f->by_caller[at[p->edge[i].from]++] = (uint32_t)i;
	free(at);
}

/* What is no callee of another: where stacks begin. What lies in a cycle that nobody enters stands alone. */
static void fold_edges(struct fold *f)
{
	const struct br_profile *p = f->p;
	double *in = br_calloc(p->nrow + 1, sizeof *in);

	index_edges(f);
	for (size_t i = 0; i < p->nedge; i++)
		if (p->edge[i].from != p->edge[i].to)
			in[p->edge[i].to] += positive(p->edge[i].cum);
	for (size_t i = 0; i < p->nrow; i++) {
		double own = positive(p->row[i].cum) - in[i];

		if (own > 1e-9 * p->total && own > 0)
			descend(f, (uint32_t)i, own / p->row[i].cum);
	}
	free(in);
	free(f->first);
	free(f->by_caller);
}

char *br_profile_folded(const struct br_profile *p)
{
	struct fold *f = br_calloc(1, sizeof *f);
	char *out;

	f->p = p;
	f->scale = scale_of(p);
	for (size_t i = 0; i < p->nstack; i++)
		put_stack(f, p->stack[i].frame, p->stack[i].nframe, p->stack[i].self);
	if (p->nstack == 0)
		fold_edges(f);
	out = br_buf_take(&f->b);
	free(f);
	return out;
}

/* ---- callgrind ---- */

/* Line ends would end the name; a "(" at its beginning would be a number. */
static void put_name(struct br_buf *b, const char *key, const char *name)
{
	br_buf_str(b, key);
	if (!name || *name == '\0')
		name = "???";
	if (*name == '(')
		br_buf_char(b, ' ');
	for (; *name; name++)
		br_buf_char(b, (unsigned char)*name < ' ' ? '?' : *name);
	br_buf_char(b, '\n');
}

static double whole(double cost, double scale)
{
	return isnan(cost) || cost < 0 ? 0 : floor(cost * scale + 0.5);
}

struct sheet {
	struct br_buf b;
	const struct br_profile *p;
	double scale;
	const struct br_profile_line **line; /* sorted by row; nline */
	const struct br_profile_edge **edge; /* sorted by caller; nedge */
};

static int by_row(const void *a, const void *b)
{
	const struct br_profile_line *x = *(const struct br_profile_line *const *)a;
	const struct br_profile_line *y = *(const struct br_profile_line *const *)b;

	if (x->row != y->row)
		return x->row < y->row ? -1 : 1;
	return (x > y) - (x < y); /* as they came */
}

static int by_caller(const void *a, const void *b)
{
	const struct br_profile_edge *x = *(const struct br_profile_edge *const *)a;
	const struct br_profile_edge *y = *(const struct br_profile_edge *const *)b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return (x > y) - (x < y);
}

/* Lines of the row from *at on; what they do not explain stands at the row's own line. */
static void put_lines(struct sheet *s, uint32_t row, size_t *at)
{
	const struct br_profile_row *r = &s->p->row[row];
	double left = isnan(r->self) ? 0 : r->self;
	const char *file = r->file;

	for (; *at < s->p->nline && s->line[*at]->row == row; (*at)++) {
		const struct br_profile_line *l = s->line[*at];

		if (l->file != file)
			put_name(&s->b, "fi=", l->file);
		file = l->file;
		br_buf_fmt(&s->b, "%" PRIu32 " %.0f\n", l->line, whole(l->self, s->scale));
		left -= l->self;
	}
	if (file != r->file)
		put_name(&s->b, "fe=", r->file);
	if (whole(left, s->scale) > 0)
		br_buf_fmt(&s->b, "%" PRIu32 " %.0f\n", r->line, whole(left, s->scale));
}

static void put_calls(struct sheet *s, uint32_t row, size_t *at)
{
	for (; *at < s->p->nedge && s->edge[*at]->from == row; (*at)++) {
		const struct br_profile_edge *e = s->edge[*at];
		const struct br_profile_row *to = &s->p->row[e->to];

		put_name(&s->b, "cob=", to->object);
		put_name(&s->b, "cfi=", to->file);
		put_name(&s->b, "cfn=", to->function);
		br_buf_fmt(&s->b, "calls=%" PRId64 " %" PRIu32 "\n%" PRIu32 " %.0f\n",
			   e->calls < 0 ? 0 : e->calls, to->line, s->p->row[row].line,
			   whole(e->cum, s->scale));
	}
}

static void sort_parts(struct sheet *s)
{
	s->line = br_calloc(s->p->nline + 1, sizeof *s->line);
	s->edge = br_calloc(s->p->nedge + 1, sizeof *s->edge);
	for (size_t i = 0; i < s->p->nline; i++)
		s->line[i] = &s->p->line[i];
	for (size_t i = 0; i < s->p->nedge; i++)
		s->edge[i] = &s->p->edge[i];
	qsort(s->line, s->p->nline, sizeof(void *), by_row);
	qsort(s->edge, s->p->nedge, sizeof(void *), by_caller);
}

char *br_profile_callgrind(const struct br_profile *p)
{
	struct sheet s = {.p = p, .scale = scale_of(p)};
	size_t line = 0, edge = 0;

	sort_parts(&s);
	br_buf_fmt(&s.b, "# callgrind format\nversion: 1\ncreator: bisect-run\npositions: line\nevents: %s\n",
		   s.scale > 1 ? "ns"
		   : p->unit   ? p->unit
			       : "cost");
	for (uint32_t i = 0; i < p->nrow; i++) {
		br_buf_char(&s.b, '\n');
		put_name(&s.b, "ob=", p->row[i].object);
		put_name(&s.b, "fl=", p->row[i].file);
		put_name(&s.b, "fn=", p->row[i].function);
		put_lines(&s, i, &line);
		put_calls(&s, i, &edge);
	}
	br_buf_fmt(&s.b, "\ntotals: %.0f\n", whole(p->total, s.scale));
	free(s.line);
	free(s.edge);
	return br_buf_take(&s.b);
}
