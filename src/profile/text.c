/* text.c - the table as pstats prints it: the same columns, digits, sort keys and words; other units than seconds get wider columns. */
#include "profile/build.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *key;
	enum br_profile_sort sort;
} keys[] = {
	{"tottime", BR_SORT_SELF},     {"time", BR_SORT_SELF},	     {"cumtime", BR_SORT_CUM},
	{"cumulative", BR_SORT_CUM},   {"calls", BR_SORT_CALLS},     {"ncalls", BR_SORT_CALLS},
	{"pcalls", BR_SORT_PRIMITIVE}, {"name", BR_SORT_NAME},	     {"file", BR_SORT_FILE},
	{"filename", BR_SORT_FILE},    {"module", BR_SORT_FILE},     {"line", BR_SORT_LINE},
	{"nfl", BR_SORT_NFL},	       {"stdname", BR_SORT_STDNAME},
};

int br_profile_sort_from(const char *key)
{
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (strcmp(keys[i].key, key) == 0)
			return (int)keys[i].sort;
	return -1;
}

const char *const *br_profile_sort_keys(void)
{
	static const char *const words[] = {"calls",  "ncalls", "tottime", "cumtime",	 "name",
					    "file",   "pcalls", "time",	   "cumulative", "filename",
					    "module", "line",	"nfl",	   "stdname",	 NULL};

	return words;
}

static const char *words_of(enum br_profile_sort sort)
{
	static const char *const words[] = {
		[BR_SORT_SELF] = "internal time",   [BR_SORT_CUM] = "cumulative time",
		[BR_SORT_CALLS] = "call count",	    [BR_SORT_PRIMITIVE] = "primitive call count",
		[BR_SORT_NAME] = "function name",   [BR_SORT_FILE] = "file name",
		[BR_SORT_LINE] = "line number",	    [BR_SORT_NFL] = "name/file/line",
		[BR_SORT_STDNAME] = "standard name"};

	return words[sort];
}

/* ---- order ---- */

/* "a.c:12(f)", as pstats names a function. The caller frees. */
static char *label_of(const struct br_profile_row *r)
{
	const char *name = r->function;
	size_t n = strlen(name);

	if (r->file && r->line)
		return br_asprintf("%s:%" PRIu32 "(%s)", r->file, r->line, name);
	if (r->file)
		return br_asprintf("%s(%s)", r->file, name);
	if (r->object)
		return br_asprintf("%s [%s]", name, r->object);
	if (n > 2 && name[0] == '<' && name[n - 1] == '>')
		return br_asprintf("{%.*s}", (int)(n - 2), name + 1);
	return br_strdup(name);
}

/* Largest first; unknown ones last. */
static int falling(double a, double b)
{
	if (isnan(a) || isnan(b))
		return isnan(a) - isnan(b);
	return (a < b) - (a > b);
}

static int by_count(int64_t a, int64_t b)
{
	return (a < b) - (a > b);
}

static const char *file_of(const struct br_profile_row *r)
{
	return r->file ? r->file : "~"; /* as pstats has it */
}

static int by_line(const struct br_profile_row *a, const struct br_profile_row *b)
{
	return (a->line > b->line) - (a->line < b->line);
}

static int by_nfl(const struct br_profile_row *a, const struct br_profile_row *b)
{
	int c = strcmp(a->function, b->function);

	if (!c)
		c = strcmp(file_of(a), file_of(b));
	return c ? c : by_line(a, b);
}

static int by_stdname(const struct br_profile_row *a, const struct br_profile_row *b)
{
	br_auto_free char *x = label_of(a);
	br_auto_free char *y = label_of(b);

	return strcmp(x, y);
}

struct ordering {
	const struct br_profile *p;
	enum br_profile_sort sort;
};

static int compare_rows(const struct br_profile_row *a, const struct br_profile_row *b,
			enum br_profile_sort sort)
{
	switch (sort) {
	case BR_SORT_SELF:
		return falling(a->self, b->self);
	case BR_SORT_CUM:
		return falling(a->cum, b->cum);
	case BR_SORT_CALLS:
		return by_count(a->calls, b->calls);
	case BR_SORT_PRIMITIVE:
		return by_count(a->primitive, b->primitive);
	case BR_SORT_NAME:
		return strcmp(a->function, b->function);
	case BR_SORT_FILE:
		return strcmp(file_of(a), file_of(b));
	case BR_SORT_LINE:
		return by_line(a, b);
	case BR_SORT_NFL:
		return by_nfl(a, b);
	case BR_SORT_STDNAME:
		break;
	}
	return by_stdname(a, b);
}

static int compare(const void *a, const void *b, void *arg)
{
	const struct ordering *o = arg;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	int c = compare_rows(&o->p->row[x], &o->p->row[y], o->sort);

	return c ? c : (x > y) - (x < y);
}

uint32_t *br_profile_order(const struct br_profile *p, enum br_profile_sort sort)
{
	struct ordering o = {p, sort};
	uint32_t *order = br_calloc(p->nrow + 1, sizeof *order);

	for (size_t i = 0; i < p->nrow; i++)
		order[i] = (uint32_t)i;
	qsort_r(order, p->nrow, sizeof *order, compare, &o);
	return order;
}

/* ---- text ---- */

struct page {
	struct br_buf b;
	const struct br_profile *p;
	bool seconds;
	int width; /* of a cost */
};

static void put_cost(struct page *p, double cost)
{
	if (isnan(cost))
		br_buf_fmt(&p->b, "%*s ", p->width, "");
	else
		br_buf_fmt(&p->b, "%*.*f ", p->width, p->seconds ? 3 : 0, cost);
}

static void put_percall(struct page *p, double cost, int64_t calls)
{
	if (isnan(cost) || calls <= 0)
		br_buf_fmt(&p->b, "%*s ", p->width, "");
	else
		br_buf_fmt(&p->b, "%*.*f ", p->width, p->seconds ? 3 : 1, cost / (double)calls);
}

/* "109452/8": all calls, and those that are no recursion. */
static void put_calls(struct page *p, const struct br_profile_row *r)
{
	char text[48] = "";

	if (r->calls >= 0 && (r->primitive < 0 || r->calls == r->primitive))
		(void)snprintf(text, sizeof text, "%" PRId64, r->calls);
	else if (r->calls >= 0)
		(void)snprintf(text, sizeof text, "%" PRId64 "/%" PRId64, r->calls, r->primitive);
	br_buf_fmt(&p->b, "%9s ", text);
}

static void put_row(struct page *p, const struct br_profile_row *r)
{
	br_auto_free char *label = label_of(r);
	br_auto_free char *clean = br_text_clean(label, strlen(label), false);

	put_calls(p, r);
	put_cost(p, r->self);
	put_percall(p, r->self, r->calls);
	put_cost(p, r->cum);
	put_percall(p, r->cum, r->primitive);
	br_buf_fmt(&p->b, "%s\n", clean);
}

static void put_sums(struct page *p)
{
	const struct br_profile *q = p->p;
	int64_t calls = -1, primitive = -1;

	for (size_t i = 0; i < q->nrow; i++) {
		if (q->row[i].calls >= 0)
			br_build_count(&calls, q->row[i].calls);
		if (q->row[i].primitive >= 0)
			br_build_count(&primitive, q->row[i].primitive);
	}
	br_buf_str(&p->b, "         ");
	if (calls >= 0)
		br_buf_fmt(&p->b, "%" PRId64 " function calls ", calls);
	if (calls >= 0 && primitive >= 0 && primitive != calls)
		br_buf_fmt(&p->b, "(%" PRId64 " primitive calls) ", primitive);
	if (p->seconds)
		br_buf_fmt(&p->b, "in %.3f seconds\n", q->total);
	else
		br_buf_fmt(&p->b, "in %.0f %s\n", q->total, q->unit ? q->unit : "");
}

static void put_titles(struct page *p)
{
	if (p->seconds)
		br_buf_str(&p->b, "   ncalls  tottime  percall  cumtime  percall ");
	else
		br_buf_fmt(&p->b, "   ncalls %*s %*s %*s %*s ", p->width, p->p->unit ? p->p->unit : "self",
			   p->width, "percall", p->width, "cumulative", p->width, "percall");
	br_buf_str(&p->b, "filename:lineno(function)\n");
}

char *br_profile_text(const struct br_profile *p, enum br_profile_sort sort, size_t rows)
{
	struct page page = {.p = p, .seconds = p->unit && strcmp(p->unit, "s") == 0};
	br_auto_free uint32_t *order = br_profile_order(p, sort);
	size_t n = rows > 0 && rows < p->nrow ? rows : p->nrow;

	page.width = page.seconds ? 8 : 14;
	put_sums(&page);
	br_buf_fmt(&page.b, "\n   Ordered by: %s\n", words_of(sort));
	if (n < p->nrow)
		br_buf_fmt(&page.b, "   List reduced from %zu to %zu\n", p->nrow, n);
	br_buf_char(&page.b, '\n');
	put_titles(&page);
	for (size_t i = 0; i < n; i++)
		put_row(&page, &p->row[order[i]]);
	return br_buf_take(&page.b);
}
