/* profile_json.c - profiles as JSON: a part of the result, a file of its own, and speedscope's format. */
#include "report/profile_json.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "bisect_run/err.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { ROWS_READ_MAX = 100000 };

static json_t *text(const char *s)
{
	br_auto_free char *valid = s ? br_text_utf8(s, strlen(s)) : NULL;

	return s ? json_string(valid) : json_null();
}

static json_t *cost(double x)
{
	return isfinite(x) ? json_real(x) : json_null();
}

static json_t *calls(int64_t n)
{
	return n >= 0 ? json_integer(n) : json_null();
}

static void set(json_t *o, const char *key, json_t *value)
{
	(void)json_object_set_new(o, key, value);
}

static json_t *row(const struct br_profile *p, const struct br_profile_row *r)
{
	json_t *o = json_object();

	set(o, "name", text(r->function));
	set(o, "file", text(r->file));
	set(o, "line", r->line ? json_integer(r->line) : json_null());
	set(o, "object", text(r->object));
	set(o, "calls", calls(r->calls));
	set(o, "primitive_calls", calls(r->primitive));
	set(o, "self", cost(r->self));
	set(o, "total", cost(r->cum));
	set(o, "unit", text(p->unit));
	return o;
}

json_t *br_profile_part(const struct br_profile *p, size_t rows)
{
	json_t *o = json_object(), *list = json_array();
	br_auto_free uint32_t *order = br_profile_order(p, BR_SORT_SELF);

	for (size_t i = 0; i < p->nrow && (rows == 0 || i < rows); i++)
		(void)json_array_append_new(list, row(p, &p->row[order[i]]));
	set(o, "profiler", text(p->profiler));
	set(o, "unit", text(p->unit));
	set(o, "total", cost(p->total));
	set(o, "processes", json_integer(p->processes));
	set(o, "functions_total", json_integer((json_int_t)p->nrow));
	set(o, "functions", list);
	if (p->raw)
		set(o, "raw", text(p->raw));
	return o;
}

static int add_chunk(const char *data, size_t n, void *arg)
{
	br_buf_add(arg, data, n);
	return 0;
}

static char *dump(json_t *o, size_t flags)
{
	struct br_buf b = {0};

	(void)json_dump_callback(o, add_chunk, &b, flags | JSON_REAL_PRECISION(15));
	json_decref(o);
	br_buf_char(&b, '\n');
	return br_buf_take(&b);
}

static json_t *edges(const struct br_profile *p)
{
	json_t *list = json_array();

	for (size_t i = 0; i < p->nedge; i++) {
		json_t *o = json_object();

		set(o, "caller", text(p->row[p->edge[i].from].function));
		set(o, "callee", text(p->row[p->edge[i].to].function));
		set(o, "calls", calls(p->edge[i].calls));
		set(o, "total", cost(p->edge[i].cum));
		(void)json_array_append_new(list, o);
	}
	return list;
}

char *br_profile_json(const struct br_profile *p)
{
	json_t *o = br_profile_part(p, 0);

	set(o, "version", json_integer(1));
	set(o, "calls", edges(p));
	return dump(o, JSON_INDENT(1));
}

/* ---- speedscope: https://www.speedscope.app/file-format-schema.json ---- */

struct scope {
	json_t *frames, *samples, *weights;
	json_t *number; /* of each name */
	double sum;
};

static json_t *frame_number(struct scope *s, const char *name, size_t n)
{
	br_auto_free char *valid = br_text_utf8(name, n);
	json_t *have = json_object_get(s->number, valid);
	json_t *frame;

	if (have)
		return json_incref(have);
	frame = json_object();
	set(frame, "name", json_string(valid));
	have = json_integer((json_int_t)json_array_size(s->frames));
	(void)json_array_append_new(s->frames, frame);
	(void)json_object_set(s->number, valid, have);
	return have;
}

/* "main;f 120" */
static void sample(struct scope *s, const char *line, size_t n)
{
	const char *blank = memrchr(line, ' ', n);
	json_t *stack = json_array();
	double weight;

	if (!blank) {
		json_decref(stack);
		return;
	}
	weight = strtod(blank + 1, NULL);
	while (line < blank) {
		const char *end = memchr(line, ';', (size_t)(blank - line));

		end = end ? end : blank;
		(void)json_array_append_new(stack, frame_number(s, line, (size_t)(end - line)));
		line = end + 1;
	}
	(void)json_array_append_new(s->samples, stack);
	(void)json_array_append_new(s->weights, json_real(weight));
	s->sum += weight;
}

char *br_profile_speedscope(const struct br_profile *p)
{
	br_auto_free char *folded = br_profile_folded(p);
	struct scope s = {json_array(), json_array(), json_array(), json_object(), 0};
	json_t *o = json_object(), *shared = json_object(), *one = json_object(), *all = json_array();
	bool seconds = p->unit && strcmp(p->unit, "s") == 0;

	for (const char *at = folded; *at;) {
		size_t n = strcspn(at, "\n");

		sample(&s, at, n);
		at += n + (at[n] == '\n');
	}
	set(shared, "frames", s.frames);
	set(one, "type", json_string("sampled"));
	set(one, "name", text(p->profiler));
	set(one, "unit", json_string(seconds ? "nanoseconds" : "none"));
	set(one, "startValue", json_integer(0));
	set(one, "endValue", json_real(s.sum));
	set(one, "samples", s.samples);
	set(one, "weights", s.weights);
	(void)json_array_append_new(all, one);
	set(o, "$schema", json_string("https://www.speedscope.app/file-format-schema.json"));
	set(o, "shared", shared);
	set(o, "profiles", all);
	json_decref(s.number);
	return dump(o, JSON_COMPACT);
}

/* ---- read back ---- */

static const char *keep(struct br_profile *p, json_t *v)
{
	if (!json_is_string(v))
		return NULL;
	br_grow(&p->name, p->nname, &p->name_cap);
	p->name[p->nname++] = br_strdup(json_string_value(v));
	return p->name[p->nname - 1];
}

static int64_t calls_of(json_t *o, const char *key)
{
	json_t *v = json_object_get(o, key);

	return json_is_integer(v) && json_integer_value(v) >= 0 ? json_integer_value(v) : -1;
}

static double cost_of(json_t *o, const char *key)
{
	json_t *v = json_object_get(o, key);

	return json_is_number(v) ? json_number_value(v) : NAN;
}

static void read_row(struct br_profile *p, json_t *o)
{
	struct br_profile_row r = {.function = keep(p, json_object_get(o, "name")),
				   .file = keep(p, json_object_get(o, "file")),
				   .object = keep(p, json_object_get(o, "object")),
				   .calls = calls_of(o, "calls"),
				   .primitive = calls_of(o, "primitive_calls"),
				   .self = cost_of(o, "self"),
				   .cum = cost_of(o, "total")};
	int64_t line = calls_of(o, "line");

	if (!r.function)
		return;
	r.line = line > 0 && line <= UINT32_MAX ? (uint32_t)line : 0;
	br_grow(&p->row, p->nrow, &p->row_cap);
	p->row[p->nrow++] = r;
}

static char *copy(json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return br_strdup_or_null(s);
}

struct br_profile *br_profile_part_read(json_t *o)
{
	json_t *list = json_object_get(o, "functions");
	struct br_profile *p;
	double total;

	if (!json_is_array(list) || !json_is_number(json_object_get(o, "total")))
		return NULL;
	p = br_calloc(1, sizeof *p);
	total = cost_of(o, "total");
	p->total = total;
	p->profiler = copy(o, "profiler");
	p->unit = copy(o, "unit");
	p->raw = copy(o, "raw");
	for (size_t i = 0; i < json_array_size(list) && i < ROWS_READ_MAX; i++)
		read_row(p, json_array_get(list, i));
	return p;
}

/* ---- culprit against parent ---- */

static json_t *code_of(const struct br_profile_delta *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->ncode; i++) {
		json_t *o = json_object();

		set(o, "name", text(r->code[i].what));
		set(o, "good", json_integer(r->code[i].good));
		set(o, "bad", json_integer(r->code[i].bad));
		(void)json_array_append_new(list, o);
	}
	return list;
}

static json_t *delta(const struct br_profile_diff *d, const struct br_profile_delta *r)
{
	double all = d->total_bad - d->total_good;
	json_t *o = json_object();

	set(o, "name", text(r->function));
	set(o, "file", text(r->file));
	set(o, "line", r->line ? json_integer(r->line) : json_null());
	set(o, "object", text(r->object));
	set(o, "self_good", cost(r->self_good));
	set(o, "self_bad", cost(r->self_bad));
	set(o, "total_good", cost(r->cum_good));
	set(o, "total_bad", cost(r->cum_bad));
	set(o, "calls_good", cost(r->calls_good));
	set(o, "calls_bad", cost(r->calls_bad));
	set(o, "unit", text(d->unit));
	set(o, "change", cost(r->change));
	set(o, "share", all != 0 ? cost(r->change / all) : json_null());
	set(o, "noise", cost(r->noise));
	set(o, "touched", text(br_touch_name(r->touched)));
	set(o, "path", text(r->path));
	if (r->ncode)
		set(o, "opcodes", code_of(r));
	return o;
}

static size_t least(size_t n, size_t most)
{
	return most > 0 && most < n ? most : n;
}

static json_t *deltas(const struct br_profile_diff *d, const struct br_profile_delta *r, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		(void)json_array_append_new(list, delta(d, &r[i]));
	return list;
}

json_t *br_profile_diff_part(const struct br_profile_diff *d, size_t rows)
{
	json_t *o = json_object();

	set(o, "profiler", text(d->profiler));
	set(o, "unit", text(d->unit));
	set(o, "total_good", cost(d->total_good));
	set(o, "total_bad", cost(d->total_bad));
	set(o, "functions_total", json_integer((json_int_t)d->nrow));
	set(o, "functions", deltas(d, d->row, least(d->nrow, rows)));
	set(o, "only_good", deltas(d, d->only_good.row, least(d->only_good.n, rows)));
	set(o, "only_bad", deltas(d, d->only_bad.row, least(d->only_bad.n, rows)));
	set(o, "within_noise", json_integer((json_int_t)d->hidden));
	set(o, "within_noise_change", cost(d->hidden_change));
	set(o, "unexplained", cost(d->unexplained));
	if (d->raw_good)
		set(o, "raw_good", text(d->raw_good));
	if (d->raw_bad)
		set(o, "raw_bad", text(d->raw_bad));
	return o;
}

static bool read_delta(json_t *o, struct br_profile_delta *r)
{
	const char *touched = json_string_value(json_object_get(o, "touched"));
	int64_t line = calls_of(o, "line");
	int word = touched ? br_touch_from(touched) : -1;

	if (!json_is_string(json_object_get(o, "name")))
		return false;
	*r = (struct br_profile_delta){.function = copy(o, "name"),
				       .file = copy(o, "file"),
				       .object = copy(o, "object"),
				       .line = line > 0 && line <= UINT32_MAX ? (uint32_t)line : 0,
				       .self_good = cost_of(o, "self_good"),
				       .self_bad = cost_of(o, "self_bad"),
				       .cum_good = cost_of(o, "total_good"),
				       .cum_bad = cost_of(o, "total_bad"),
				       .calls_good = cost_of(o, "calls_good"),
				       .calls_bad = cost_of(o, "calls_bad"),
				       .change = cost_of(o, "change"),
				       .noise = cost_of(o, "noise"),
				       .touched = word < 0 ? BR_TOUCH_INDIRECT : (enum br_touch)word,
				       .path = copy(o, "path")};
	return true;
}

static void read_code(json_t *list, struct br_profile_delta *r)
{
	size_t n = json_array_size(list);

	r->code = n ? br_calloc(n, sizeof *r->code) : NULL;
	for (size_t i = 0; i < n; i++) {
		json_t *o = json_array_get(list, i);
		int64_t good = calls_of(o, "good"), bad = calls_of(o, "bad");
		char *what = copy(o, "name");

		if (what && good >= 0 && good <= UINT32_MAX && bad >= 0 && bad <= UINT32_MAX)
			r->code[r->ncode++] = (struct br_code_delta){what, (uint32_t)good, (uint32_t)bad};
		else
			free(what);
	}
}

/* The rows of a list; *n of them. */
static struct br_profile_delta *read_deltas(json_t *list, size_t *n)
{
	size_t all = json_array_size(list);
	struct br_profile_delta *row = br_calloc(all + 1, sizeof *row);

	*n = 0;
	for (size_t i = 0; i < all && *n < ROWS_READ_MAX; i++) {
		json_t *o = json_array_get(list, i);

		if (!read_delta(o, &row[*n]))
			continue;
		read_code(json_object_get(o, "opcodes"), &row[*n]);
		++*n;
	}
	return row;
}

struct br_profile_diff *br_profile_diff_part_read(json_t *o)
{
	json_t *list = json_object_get(o, "functions");
	int64_t hidden = calls_of(o, "within_noise");
	struct br_profile_diff *d;
	if (!json_is_array(list) || !json_is_number(json_object_get(o, "total_bad")))
		return NULL;
	d = br_calloc(1, sizeof *d);
	d->profiler = copy(o, "profiler");
	d->unit = copy(o, "unit");
	d->total_good = cost_of(o, "total_good");
	d->total_bad = cost_of(o, "total_bad");
	d->hidden = hidden > 0 ? (size_t)hidden : 0;
	d->hidden_change = cost_of(o, "within_noise_change");
	d->unexplained = cost_of(o, "unexplained");
	d->raw_good = copy(o, "raw_good");
	d->raw_bad = copy(o, "raw_bad");
	d->row = read_deltas(list, &d->nrow);
	d->only_good.row = read_deltas(json_object_get(o, "only_good"), &d->only_good.n);
	d->only_bad.row = read_deltas(json_object_get(o, "only_bad"), &d->only_bad.n);
	return d;
}

char *br_profile_diff_json(const struct br_profile_diff *d)
{
	json_t *o = br_profile_diff_part(d, 0);

	set(o, "version", json_integer(1));
	return dump(o, JSON_INDENT(1));
}

int br_profile_json_read(const char *text, struct br_profile *out, struct br_err *err)
{
	json_t *o = json_loads(text, 0, NULL);
	struct br_profile *p = json_is_object(o) ? br_profile_part_read(o) : NULL;

	json_decref(o);
	if (!p)
		return br_fail(err, BR_EPARSE, "this is no profile");
	*out = *p;
	free(p);
	return 0;
}
