/*
 * callgrind.c - reads what callgrind wrote (valgrind's manual, "Callgrind Format Specification").
 *
 * Names are compressed in three spaces of numbers: objects, files, functions. Costs after `calls=` are inclusive costs of the callee,
 * not the function's own. A nested call of a function goes by the name f'2 (--separate-recs=2, the default), so that the calls and
 * the inclusive cost of plain f are those of its outermost calls alone.
 */
#include "profile/build.h"

#include "base/mem.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

enum { POSITIONS_MAX = 4 };
enum space { OBJECT, FILE_, FUNCTION, NSPACE };

/* A name that a number stands for. */
struct known {
	const char *text; /* cleaned; NULL: unknown */
	bool nested;	  /* of a function: f'2 */
};

struct place {
	const char *object, *file;
	struct known fn;
	uint32_t row;
};

struct reader {
	struct br_build *b;
	const struct br_section *s;
	struct br_err *err;
	struct br_reading lines;
	struct br_pairs numbers;
	struct known *known;
	size_t nknown, known_cap;
	size_t npos, line_at; /* columns of positions, and which of them is the line */
	uint64_t pos[POSITIONS_MAX];
	bool has_events, has_fn, ended;
	const char *file; /* of the cost lines: another one where something was inlined */
	struct place at, callee;
	bool callee_file;
	int64_t calls; /* of the calls= line before; -1: none */
	double sum;
};

static int bad(const struct reader *r, const char *what)
{
	return br_fail(r->err, BR_EPARSE, "%s, line %u: %s", r->s->label, r->lines.number, what);
}

static struct known clean(struct reader *r, enum space space, char *name)
{
	struct known k = {0};
	char *tick = strrchr(name, '\'');

	if (space != FUNCTION) {
		k.text = br_build_path(r->b, name);
		return k;
	}
	if (tick && tick > name && tick[1] && tick[1 + strspn(tick + 1, "0123456789")] == '\0') {
		*tick = '\0';
		k.nested = true;
	}
	k.text = br_build_function(r->b, name);
	return k;
}

/* "(12) name", "(12)" or "name". */
static int name_of(struct reader *r, enum space space, char *text, struct known *out)
{
	char *end;
	uint64_t id;
	uint32_t at;

	if (text[0] != '(' || !isdigit((unsigned char)text[1])) {
		*out = clean(r, space, text);
		return 0;
	}
	id = strtoull(text + 1, &end, 10);
	if (*end != ')')
		return bad(r, "a number of a name does not end");
	end += 1 + strspn(end + 1, " ");
	if (!br_pairs_number(&r->numbers, space, id, (uint32_t)r->nknown, &at)) {
		br_grow(&r->known, r->nknown, &r->known_cap);
		r->known[r->nknown++] = (struct known){0};
		if (!*end)
			return bad(r, "a number of a name stands for nothing yet");
	}
	if (*end)
		r->known[at] = clean(r, space, end);
	*out = r->known[at];
	return 0;
}

static uint32_t row_of(struct reader *r, const struct place *p)
{
	return br_build_row(r->b, &(struct br_build_key){p->object, p->file, p->fn.text, 0});
}

static int set_function(struct reader *r, char *text)
{
	int rc = name_of(r, FUNCTION, text, &r->at.fn);

	if (rc < 0)
		return rc;
	r->at.row = row_of(r, &r->at);
	r->has_fn = true;
	r->file = r->at.file;
	return 0;
}

static int set_file(struct reader *r, char *text)
{
	struct known k;
	int rc = name_of(r, FILE_, text, &k);

	r->at.file = r->file = k.text;
	return rc;
}

/* fi=, fe=: the following lines come from another file, the function stays. */
static int set_inlined_file(struct reader *r, char *text)
{
	struct known k;
	int rc = name_of(r, FILE_, text, &k);

	r->file = k.text;
	return rc;
}

static int set_object(struct reader *r, char *text)
{
	struct known k;
	int rc = name_of(r, OBJECT, text, &k);

	r->at.object = k.text;
	return rc;
}

static int set_callee_object(struct reader *r, char *text)
{
	struct known k;
	int rc = name_of(r, OBJECT, text, &k);

	r->callee.object = k.text;
	return rc;
}

static int set_callee_file(struct reader *r, char *text)
{
	struct known k;
	int rc = name_of(r, FILE_, text, &k);

	r->callee.file = k.text;
	return rc;
}

static int set_callee(struct reader *r, char *text)
{
	return name_of(r, FUNCTION, text, &r->callee.fn);
}

static void forget_callee(struct reader *r)
{
	r->callee = (struct place){.object = r->at.object, .file = r->file};
	r->calls = -1;
}

static int set_calls(struct reader *r, char *text)
{
	char *end;
	unsigned long long n = strtoull(text, &end, 10);

	if (end == text || !isdigit((unsigned char)*text))
		return bad(r, "calls= without a number");
	if (!r->has_fn || !r->callee.fn.text)
		return bad(r, "calls= without a function");
	r->calls = n > INT64_MAX ? INT64_MAX : (int64_t)n;
	return 0;
}

static int set_positions(struct reader *r, char *text)
{
	char *save = NULL;

	r->npos = 0;
	r->line_at = POSITIONS_MAX;
	for (char *w = strtok_r(text, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		if (r->npos == POSITIONS_MAX)
			return bad(r, "too many kinds of positions");
		if (strcmp(w, "line") == 0)
			r->line_at = r->npos;
		r->npos++;
	}
	return r->npos ? 0 : bad(r, "no kind of position");
}

/* The first event is what is counted; its name is the unit. */
static int set_events(struct reader *r, char *text)
{
	size_t n;

	text += strspn(text, " ");
	n = strcspn(text, " ");
	if (n == 0)
		return bad(r, "no event is counted");
	if (!br_build_unit(r->b, text, n))
		return bad(r, "another event than in the other parts");
	r->has_events = true;
	return 0;
}

static int set_totals(struct reader *r, char *text)
{
	(void)text;
	r->ended = true;
	return 0;
}

static const struct {
	const char *key;
	int (*set)(struct reader *r, char *text);
} keys[] = {
	{"fn=", set_function},	     {"cfn=", set_callee},	    {"calls=", set_calls},
	{"fi=", set_inlined_file},   {"fe=", set_inlined_file},	    {"fl=", set_file},
	{"cfi=", set_callee_file},   {"cfl=", set_callee_file},	    {"ob=", set_object},
	{"cob=", set_callee_object}, {"positions:", set_positions}, {"events:", set_events},
	{"totals:", set_totals},
};

static bool position(const char **text, uint64_t *pos)
{
	const char *s = *text;
	char sign = *s;
	char *end;
	uint64_t n;

	if (sign == '*') {
		*text = s + 1;
		return true;
	}
	s += sign == '+' || sign == '-';
	if (!isdigit((unsigned char)*s))
		return false;
	n = strtoull(s, &end, s[0] == '0' && s[1] == 'x' ? 16 : 10);
	*pos = sign == '+' ? *pos + n : sign == '-' ? *pos - n : n;
	*text = end;
	return true;
}

static void add_self(struct reader *r, double cost)
{
	struct br_profile_row *row = &r->b->p->row[r->at.row];
	uint32_t line =
		r->line_at < r->npos && r->pos[r->line_at] <= UINT32_MAX ? (uint32_t)r->pos[r->line_at] : 0;

	br_build_add(&row->self, cost);
	if (!r->at.fn.nested)
		br_build_add(&row->cum, cost);
	r->sum += cost;
	if (!line || !r->file)
		return;
	/* Lines come in the order of addresses: a function's first one is where it begins. */
	if (!row->line && r->file == r->at.file)
		row->line = line;
	br_build_line(r->b, r->at.row, r->file, line, cost);
}

static void add_call(struct reader *r, double cost)
{
	uint32_t to = row_of(r, &r->callee);
	bool again = r->callee.fn.nested || to == r->at.row;
	struct br_profile_row *row = &r->b->p->row[to];
	struct br_profile_edge *e;

	br_build_count(&row->calls, r->calls);
	br_build_count(&row->primitive, again ? 0 : r->calls);
	if (!r->at.fn.nested && (r->callee.fn.nested || to != r->at.row))
		br_build_add(&r->b->p->row[r->at.row].cum, cost);
	e = br_build_edge(r->b, r->at.row, to);
	br_build_count(&e->calls, r->calls);
	if (!again)
		br_build_add(&e->cum, cost);
	forget_callee(r);
}

/* Positions, then the costs; costs that are left out are zero. */
static int cost_line(struct reader *r, const char *text)
{
	double cost = 0;

	if (!r->has_fn || !r->has_events)
		return bad(r, "a cost before its function");
	for (size_t i = 0; i < r->npos; i++) {
		if (!position(&text, &r->pos[i]))
			return bad(r, "this is no line of a profile");
		text += strspn(text, " ");
	}
	if (isdigit((unsigned char)*text))
		cost = (double)strtoull(text, NULL, 10);
	else if (*text)
		return bad(r, "this is no cost");
	if (r->calls >= 0)
		add_call(r, cost);
	else
		add_self(r, cost);
	return 0;
}

static bool is_header(const char *line)
{
	size_t n = strspn(line, "abcdefghijklmnopqrstuvwxyz");

	return n > 0 && (line[n] == ':' || strncmp(line, "jump=", 5) == 0 || strncmp(line, "jcnd=", 5) == 0);
}

static int take(struct reader *r, char *line)
{
	if (!*line || *line == '#')
		return 0;
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		size_t n = strlen(keys[i].key);

		if (strncmp(line, keys[i].key, n) == 0) {
			int rc = keys[i].set(r, line + n);

			if (rc == 0 && line[0] != 'c')
				forget_callee(r);
			return rc;
		}
	}
	if (strchr("0123456789+-*", *line))
		return cost_line(r, line);
	return is_header(line) ? 0 : bad(r, "this is no line of a profile");
}

static int finish(struct reader *r)
{
	if (!r->has_events)
		return br_fail(r->err, BR_EPARSE, "%s: no callgrind profile (it has no `events:` line)",
			       r->s->label);
	if (!r->ended)
		return br_fail(
			r->err, BR_EPARSE,
			"%s: cut short (no `totals:` at its end): the run was killed, or the disk is full",
			r->s->label);
	r->b->p->total += r->sum;
	r->b->p->processes++;
	return 0;
}

int br_read_callgrind(struct br_build *b, const struct br_section *s, struct br_err *err)
{
	struct reader r = {.b = b,
			   .s = s,
			   .err = err,
			   .lines = {.at = s->text, .end = s->text + s->n},
			   .npos = 1,
			   .calls = -1};
	char *line = br_malloc(BR_LINE_SIZE);
	int rc = 0;

	while (rc == 0 && br_reading_next(&r.lines, line))
		rc = take(&r, line);
	if (rc == 0)
		rc = finish(&r);
	free(line);
	free(r.known);
	free(r.numbers.slot);
	return rc;
}
