/* table.c - reads the plain formats of hooks/README.md: `table`, what any script can print, and `symbols`, as nm -l prints them. */
#include "profile/build.h"

#include "base/mem.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

enum { FIELDS_MAX = 10 };

struct reader {
	struct br_build *b;
	const struct br_section *s;
	struct br_err *err;
	struct br_reading lines;
	uint32_t *row; /* of the n-th fn line */
	size_t nrow, row_cap;
	bool total_given;
};

static int bad(const struct reader *r, const char *what)
{
	return br_fail(r->err, BR_EPARSE, "%s, line %u: %s", r->s->label, r->lines.number, what);
}

/* Cuts the line at its tabs. Returns how many fields there are. */
static size_t fields(char *line, char *field[FIELDS_MAX])
{
	size_t n = 0;

	for (char *at = line; at && n < FIELDS_MAX; n++) {
		field[n] = at;
		at = strchr(at, '\t');
		if (at)
			*at++ = '\0';
	}
	return n;
}

/* Empty or "-": unknown. */
static bool is_unknown(const char *s)
{
	return !*s || strcmp(s, "-") == 0;
}

static bool cost_of(const char *s, double *out)
{
	char *end;

	*out = NAN;
	if (is_unknown(s))
		return true;
	*out = strtod(s, &end);
	return !*end && br_build_is_cost(*out);
}

static bool calls_of(const char *s, int64_t *out)
{
	char *end;

	*out = -1;
	if (is_unknown(s))
		return true;
	*out = strtoll(s, &end, 10);
	return !*end && isdigit((unsigned char)*s);
}

static bool number_of(const char *s, uint32_t *out)
{
	int64_t n;

	if (!calls_of(s, &n) || n > UINT32_MAX)
		return false;
	*out = n < 0 ? 0 : (uint32_t)n;
	return true;
}

static void add_row(struct br_profile_row *to, const struct br_profile_row *from)
{
	if (from->calls >= 0)
		br_build_count(&to->calls, from->calls);
	if (from->primitive >= 0)
		br_build_count(&to->primitive, from->primitive);
	if (!isnan(from->self))
		br_build_add(&to->self, from->self);
	if (!isnan(from->cum))
		br_build_add(&to->cum, from->cum);
}

/* fn OBJECT FILE LINE FUNCTION CALLS PRIMITIVE SELF CUMULATIVE */
static int function(struct reader *r, char **f, size_t n)
{
	struct br_profile_row v = {.calls = -1};
	struct br_build_key key;
	uint32_t at;

	if (n != 9 || !*f[4])
		return bad(r, "`fn` wants object, file, line, function, calls, primitive calls, self, "
			      "cumulative");
	if (!number_of(f[3], &v.line) || !calls_of(f[5], &v.calls) || !calls_of(f[6], &v.primitive) ||
	    !cost_of(f[7], &v.self) || !cost_of(f[8], &v.cum))
		return bad(r, "`fn`: this is no number");
	key = (struct br_build_key){.object = br_build_path(r->b, f[1]),
				    .file = br_build_path(r->b, f[2]),
				    .function = br_build_function(r->b, f[4]),
				    .line = v.line};
	at = br_build_row(r->b, &key);
	add_row(&r->b->p->row[at], &v);
	if (!r->total_given && !isnan(v.self))
		r->b->p->total += v.self;
	br_grow(&r->row, r->nrow, &r->row_cap);
	r->row[r->nrow++] = at;
	return 0;
}

/* call FROM TO CALLS CUMULATIVE: numbers of fn lines, from 0 */
static int call(struct reader *r, char **f, size_t n)
{
	uint32_t from, to;
	struct br_profile_edge *e;
	int64_t calls;
	double cum;

	if (n != 5 || !number_of(f[1], &from) || !number_of(f[2], &to) || !calls_of(f[3], &calls) ||
	    !cost_of(f[4], &cum))
		return bad(r, "`call` wants two numbers of `fn` lines, calls, cumulative");
	if (from >= r->nrow || to >= r->nrow)
		return bad(r, "`call` names a `fn` line that has not come yet");
	e = br_build_edge(r->b, r->row[from], r->row[to]);
	if (calls >= 0)
		br_build_count(&e->calls, calls);
	if (!isnan(cum))
		br_build_add(&e->cum, cum);
	return 0;
}

/* code FN WHAT COUNT: what stands how often in a function */
static int code(struct reader *r, char **f, size_t n)
{
	uint32_t at, count;

	if (n != 4 || !number_of(f[1], &at) || !*f[2] || !number_of(f[3], &count))
		return bad(r, "`code` wants the number of a `fn` line, a word, a count");
	if (at >= r->nrow)
		return bad(r, "`code` names a `fn` line that has not come yet");
	br_build_code(r->b, r->row[at], f[2], count);
	return 0;
}

static int unit(struct reader *r, char **f, size_t n)
{
	if (n != 2 || !*f[1])
		return bad(r, "`unit` wants a word");
	return br_build_unit(r->b, f[1], strlen(f[1])) ? 0 : bad(r, "another unit than in the other parts");
}

static int total(struct reader *r, char **f, size_t n)
{
	double cost;

	if (n != 2 || !cost_of(f[1], &cost) || isnan(cost))
		return bad(r, "`total` wants a number");
	if (r->nrow || r->total_given)
		return bad(r, "`total` comes once, before the first `fn`");
	r->total_given = true;
	r->b->p->total += cost;
	return 0;
}

static int take(struct reader *r, char *line)
{
	char *f[FIELDS_MAX] = {NULL};
	size_t n = fields(line, f);

	if (!*line)
		return 0;
	if (strcmp(f[0], "fn") == 0)
		return function(r, f, n);
	if (strcmp(f[0], "call") == 0)
		return call(r, f, n);
	if (strcmp(f[0], "code") == 0)
		return code(r, f, n);
	if (strcmp(f[0], "unit") == 0)
		return unit(r, f, n);
	if (strcmp(f[0], "total") == 0)
		return total(r, f, n);
	return bad(r, "begins with none of fn, call, code, unit, total");
}

int br_read_table(struct br_build *b, const struct br_section *s, struct br_err *err)
{
	struct reader r = {.b = b, .s = s, .err = err, .lines = {.at = s->text, .end = s->text + s->n}};
	char *line = br_malloc(BR_LINE_SIZE);
	int rc = 0;

	while (rc == 0 && br_reading_next(&r.lines, line))
		rc = take(&r, line);
	if (rc == 0 && r.nrow == 0)
		rc = br_fail(err, BR_EPARSE, "%s: a table without rows", s->label);
	if (rc == 0 && !b->p->unit)
		b->p->unit = br_strdup("s");
	b->p->processes += rc == 0;
	free(line);
	free(r.row);
	return rc;
}

/* "FILE:LINE" after the tab. */
static bool place_of(struct br_build *b, char *text, const char **file, uint32_t *line)
{
	char *colon = strrchr(text, ':');

	if (!colon || !number_of(colon + 1, line) || *line == 0)
		return false;
	*colon = '\0';
	*file = br_build_path(b, text);
	return *file != NULL;
}

/* "0000000000001139 T main<TAB>/src/a.c:12". Gives rows whose source is not known their file and line. */
static void symbol(struct br_build *b, const char *object, char *line)
{
	char *tab = strchr(line, '\t');
	char *name = strchr(line, ' ');
	const char *file, *function;
	uint32_t at_line;

	if (!tab || !name || !name[1] || name[2] != ' ' || tab < name || !strchr("tTwW", name[1]))
		return;
	*tab = '\0';
	function = br_build_function(b, name + 3);
	if (!place_of(b, tab + 1, &file, &at_line))
		return;
	for (size_t i = 0; i < b->p->nrow; i++) {
		struct br_profile_row *r = &b->p->row[i];

		if (r->function != function || r->file || (object && r->object && r->object != object))
			continue;
		r->file = file;
		r->line = at_line;
	}
}

int br_read_symbols(struct br_build *b, const struct br_section *s, struct br_err *err)
{
	struct br_reading lines = {.at = s->text, .end = s->text + s->n};
	char *line = br_malloc(BR_LINE_SIZE);
	const char *object = br_build_path(b, s->label);

	(void)err;
	while (br_reading_next(&lines, line))
		symbol(b, object, line);
	free(line);
	return 0;
}
