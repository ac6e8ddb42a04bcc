/*
 * nsys.c - reads the tables of `nsys stats --format csv` and `nvprof --csv`. Their columns change with the version, so they are found
 * by their names; nvprof has a line of units below its headers. A kernel is a row, its device the object.
 */
#include "profile/build.h"

#include "base/mem.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

enum { COLUMNS_MAX = 64 };

struct reader {
	struct br_build *b;
	const struct br_section *s;
	struct br_reading lines;
	int name, time, calls, kind; /* columns; -1: none */
	size_t ncolumn;
	double scale; /* to seconds; 0: the line of units is still to come */
	size_t nrow;
};

/* Cuts a line of CSV in place: quotes, doubled quotes. */
static size_t cells(char *line, char *cell[COLUMNS_MAX])
{
	size_t n = 0;
	char *in = line, *out = line;

	while (n < COLUMNS_MAX) {
		bool quoted = false;
		char stop;

		cell[n++] = out;
		for (; *in && (quoted || *in != ','); in++) {
			if (*in == '"' && quoted && in[1] == '"')
				*out++ = *++in;
			else if (*in == '"')
				quoted = !quoted;
			else if (*in != '\r')
				*out++ = *in;
		}
		stop = *in;
		*out++ = '\0';
		if (!stop)
			break;
		in++;
	}
	return n;
}

static bool is_one_of(const char *s, const char *const *names)
{
	for (; *names; names++)
		if (strcmp(s, *names) == 0)
			return true;
	return false;
}

static double scale_of(const char *unit)
{
	if (strstr(unit, "ns"))
		return 1e-9;
	if (strstr(unit, "us"))
		return 1e-6;
	if (strstr(unit, "ms"))
		return 1e-3;
	return strchr(unit, 's') ? 1 : 0;
}

/* "Total Time (ns)", "Total Time", "Time": not "Time (%)". */
static bool is_time(const char *s)
{
	return (strncmp(s, "Total Time", 10) == 0 || strcmp(s, "Time") == 0 ||
		strncmp(s, "Time (", 6) == 0) &&
	       !strchr(s, '%');
}

static bool header(struct reader *r, char **cell, size_t n)
{
	static const char *const names[] = {"Name", "Kernel Name", "Operation", "Range", NULL};
	static const char *const calls[] = {"Instances", "Calls", "Num Calls", "Count", "Operations", NULL};
	int name = -1, time = -1, count = -1, kind = -1;

	for (int i = 0; i < (int)n; i++) {
		if (name < 0 && is_one_of(cell[i], names))
			name = i;
		else if (time < 0 && is_time(cell[i]))
			time = i;
		else if (count < 0 && is_one_of(cell[i], calls))
			count = i;
		else if (strcmp(cell[i], "Type") == 0)
			kind = i;
	}
	if (name < 0 || time < 0)
		return false;
	r->name = name;
	r->time = time;
	r->calls = count;
	r->kind = kind;
	r->ncolumn = n;
	r->scale = strchr(cell[time], '(') ? scale_of(strchr(cell[time], '(')) : 0;
	return true;
}

static int row(struct reader *r, char **cell, struct br_err *err)
{
	char *end;
	double time = strtod(cell[r->time], &end) * r->scale;
	struct br_build_key key = {.object = br_build_name(r->b, "GPU", 3)};
	struct br_profile_row *to;
	uint32_t at;

	if (end == cell[r->time] || !br_build_is_cost(time))
		return br_fail(err, BR_EPARSE, "%s, line %u: this is no time", r->s->label, r->lines.number);
	if (r->kind >= 0 && strstr(cell[r->kind], "API"))
		key.object = br_build_name(r->b, "CUDA API", 8);
	key.function = br_build_name(r->b, cell[r->name], SIZE_MAX >> 1);
	at = br_build_row(r->b, &key); /* before the rows are looked at: they may move */
	to = &r->b->p->row[at];
	br_build_add(&to->self, time);
	br_build_add(&to->cum, time);
	if (r->calls >= 0 && isdigit((unsigned char)*cell[r->calls])) {
		int64_t n = strtoll(cell[r->calls], NULL, 10);

		br_build_count(&to->calls, n);
		br_build_count(&to->primitive, n);
	}
	r->b->p->total += time;
	r->nrow++;
	return 0;
}

static int take(struct reader *r, char *line, struct br_err *err)
{
	char *cell[COLUMNS_MAX];
	size_t n = cells(line, cell);

	if (n < 2 || header(r, cell, n))
		return 0;
	if (r->name < 0 || n != r->ncolumn)
		return 0; /* what nsys says besides its tables */
	if (r->scale <= 0) {
		r->scale = scale_of(cell[r->time]);
		if (r->scale > 0)
			return 0;
		return br_fail(err, BR_EPARSE, "%s, line %u: the unit of the times is not said", r->s->label,
			       r->lines.number);
	}
	return *cell[r->name] ? row(r, cell, err) : 0;
}

int br_read_nsys(struct br_build *b, const struct br_section *s, struct br_err *err)
{
	struct reader r = {.b = b,
			   .s = s,
			   .lines = {.at = s->text, .end = s->text + s->n},
			   .name = -1,
			   .time = -1,
			   .calls = -1,
			   .kind = -1};
	char *line = br_malloc(BR_LINE_SIZE);
	int rc = 0;

	while (rc == 0 && br_reading_next(&r.lines, line))
		rc = take(&r, line, err);
	if (rc == 0 && r.name < 0)
		rc = br_fail(err, BR_EPARSE, "%s: no table with the columns Name and Time", s->label);
	if (rc == 0 && r.nrow == 0)
		rc = br_fail(err, BR_EPARSE, "%s: nothing ran on a GPU", s->label);
	if (rc == 0) {
		b->p->unit = br_strdup("s");
		b->p->processes++;
	}
	free(line);
	return rc;
}
