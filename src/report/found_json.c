/* found_json.c - what was found besides a commit, as JSON and back. */
#include "report/found.h"

#include "base/mem.h"
#include "base/text.h"
#include "report/json_put.h"
#include "report/json_take.h"

#include <math.h>
#include <string.h>

/* A number where the user gave numbers; dates stay words. */
static json_t *number_or_text(const char *s)
{
	char *end = NULL;
	long long n;

	if (!s)
		return json_null();
	n = strtoll(s, &end, 0);
	return end && !*end ? json_integer(n) : br_json_text(s);
}

static json_t *line(const struct br_line_found *l)
{
	json_t *o = json_object();
	bool numbers = strcmp(l->kind, "range") == 0;

	br_json_set(o, "first_bad", numbers ? number_or_text(l->first_bad) : br_json_text(l->first_bad));
	br_json_set_if(o, l->last_good, "last_good",
		       numbers ? number_or_text(l->last_good) : br_json_text(l->last_good));
	br_json_set_if(o, l->first_bad && !numbers, "index", br_json_count(l->index));
	br_json_set(o, "left", br_json_count(l->left));
	return o;
}

static json_t *reduced(const struct br_reduced *r)
{
	json_t *o = json_object();

	br_json_set(o, "path", br_json_text(r->path));
	br_json_set(o, "by", br_json_text(r->by));
	br_json_set(o, "units_before", br_json_count(r->units_before));
	br_json_set(o, "units_after", br_json_count(r->units_after));
	br_json_set(o, "bytes_before", br_json_count(r->bytes_before));
	br_json_set(o, "bytes_after", br_json_count(r->bytes_after));
	br_json_set(o, "result", br_json_text(r->result));
	br_json_set(o, "minimal", json_boolean(r->minimal));
	return o;
}

static json_t *subset(const struct br_subset_found *s)
{
	json_t *o = json_object();

	br_json_set(o, "path", br_json_text(s->path));
	br_json_set(o, "before", br_json_count(s->before));
	br_json_set(o, "kept", br_json_texts(s->kept));
	br_json_set(o, "result", br_json_text(s->result));
	br_json_set(o, "minimal", json_boolean(s->minimal));
	if (s->difference)
		br_json_set(o, "difference", json_true());
	return o;
}

static json_t *hunk(const struct br_hunk_found *h)
{
	json_t *o = json_object();

	br_json_set(o, "file", br_json_text(h->file));
	br_json_set(o, "old_start", br_json_count(h->old_start));
	br_json_set(o, "old_lines", br_json_count(h->old_lines));
	br_json_set(o, "new_start", br_json_count(h->new_start));
	br_json_set(o, "new_lines", br_json_count(h->new_lines));
	br_json_set(o, "role", br_json_text(h->prerequisite ? "prerequisite" : "culprit"));
	return o;
}

static json_t *hunks(const struct br_hunks_found *h)
{
	json_t *o = json_object(), *kept = json_array();

	for (size_t i = 0; i < h->nkept; i++)
		(void)json_array_append_new(kept, hunk(&h->kept[i]));
	br_json_set(o, "total", br_json_count(h->total));
	br_json_set(o, "kept", kept);
	br_json_set(o, "minimal", json_boolean(h->minimal));
	br_json_set_if(o, h->patch, "patch", br_json_text(h->patch));
	br_json_set_if(o, h->revert, "revert", br_json_text(h->revert));
	return o;
}

static json_t *values(const struct br_metric_values *v)
{
	json_t *o = json_object();

	br_json_set(o, "n", br_json_count(v->n));
	br_json_set(o, "median", br_json_real(v->median));
	br_json_set(o, "low", br_json_real(v->low));
	br_json_set(o, "high", br_json_real(v->high));
	return o;
}

static json_t *metric(const struct br_metric_found *m)
{
	json_t *o = json_object();

	br_json_set(o, "name", br_json_text(m->name));
	br_json_set(o, "unit", br_json_text(m->unit));
	br_json_set(o, "good", values(&m->good));
	br_json_set(o, "bad", values(&m->bad));
	br_json_set(o, "change", br_json_real(m->change));
	br_json_set(o, "p", br_json_real(m->p));
	return o;
}

void br_found_json(json_t *o, const struct br_result *r)
{
	if (r->line.kind)
		br_json_set(o, r->line.kind, line(&r->line));
	if (r->reduced.path)
		br_json_set(o, "reduce", reduced(&r->reduced));
	if (r->subset.path)
		br_json_set(o, "subset", subset(&r->subset));
	if (r->hunks.total)
		br_json_set(o, "hunks", hunks(&r->hunks));
	if (r->metric.name)
		br_json_set(o, "metric", metric(&r->metric));
}

/* ---- reading ---- */

static char *take_number_or_text(struct br_reader *rd, json_t *o, const char *key)
{
	json_t *v = json_object_get(o, key);

	if (json_is_integer(v))
		return br_asprintf("%lld", (long long)json_integer_value(v));
	return br_take_text(rd, o, key);
}

static void read_line(struct br_reader *rd, json_t *o, const char *kind, struct br_line_found *l)
{
	json_t *part = BR_MEMBER(rd, o, kind, json_is_object);

	if (!part)
		return;
	free(l->kind);
	l->kind = br_strdup(kind);
	l->first_bad = take_number_or_text(rd, part, "first_bad");
	l->last_good = take_number_or_text(rd, part, "last_good");
	l->index = br_take_count(rd, part, "index", INT64_MAX);
	l->left = br_take_count(rd, part, "left", INT64_MAX);
}

static void read_reduced(struct br_reader *rd, json_t *o, struct br_reduced *r)
{
	if (!o)
		return;
	r->path = br_take_text(rd, o, "path");
	r->by = br_take_text(rd, o, "by");
	r->result = br_take_text(rd, o, "result");
	r->units_before = br_take_count(rd, o, "units_before", INT64_MAX);
	r->units_after = br_take_count(rd, o, "units_after", INT64_MAX);
	r->bytes_before = br_take_count(rd, o, "bytes_before", INT64_MAX);
	r->bytes_after = br_take_count(rd, o, "bytes_after", INT64_MAX);
	r->minimal = br_take_bool(rd, o, "minimal");
}

static void read_subset(struct br_reader *rd, json_t *o, struct br_subset_found *s)
{
	size_t n;

	if (!o)
		return;
	s->path = br_take_text(rd, o, "path");
	s->before = br_take_count(rd, o, "before", INT64_MAX);
	s->result = br_take_text(rd, o, "result");
	s->kept = br_take_texts(rd, o, "kept", &n);
	s->minimal = br_take_bool(rd, o, "minimal");
	s->difference = br_take_bool(rd, o, "difference");
}

static void read_hunk(struct br_reader *rd, json_t *o, struct br_hunk_found *h)
{
	br_auto_free char *role = br_take_text(rd, o, "role");

	h->file = br_take_text(rd, o, "file");
	h->old_start = (uint32_t)br_take_count(rd, o, "old_start", UINT32_MAX);
	h->old_lines = (uint32_t)br_take_count(rd, o, "old_lines", UINT32_MAX);
	h->new_start = (uint32_t)br_take_count(rd, o, "new_start", UINT32_MAX);
	h->new_lines = (uint32_t)br_take_count(rd, o, "new_lines", UINT32_MAX);
	h->prerequisite = role && strcmp(role, "prerequisite") == 0;
}

static void read_hunks(struct br_reader *rd, json_t *o, struct br_hunks_found *h)
{
	json_t *kept = BR_MEMBER(rd, o, "kept", json_is_array);
	size_t n = json_array_size(kept);

	if (!o)
		return;
	h->total = br_take_count(rd, o, "total", INT64_MAX);
	h->minimal = br_take_bool(rd, o, "minimal");
	h->patch = br_take_text(rd, o, "patch");
	h->revert = br_take_text(rd, o, "revert");
	if (n > BR_TAKE_LIST_MAX)
		return;
	h->kept = br_calloc(n, sizeof *h->kept);
	for (size_t i = 0; i < n; i++)
		if (json_is_object(json_array_get(kept, i)))
			read_hunk(rd, json_array_get(kept, i), &h->kept[h->nkept++]);
}

static void read_values(struct br_reader *rd, json_t *o, struct br_metric_values *v)
{
	v->n = o ? br_take_count(rd, o, "n", INT64_MAX) : 0;
	v->median = o ? br_take_real(rd, o, "median", NAN) : NAN;
	v->low = o ? br_take_real(rd, o, "low", NAN) : NAN;
	v->high = o ? br_take_real(rd, o, "high", NAN) : NAN;
}

static void read_metric(struct br_reader *rd, json_t *o, struct br_metric_found *m)
{
	if (!o)
		return;
	m->name = br_take_text(rd, o, "name");
	m->unit = br_take_text(rd, o, "unit");
	read_values(rd, BR_MEMBER(rd, o, "good", json_is_object), &m->good);
	read_values(rd, BR_MEMBER(rd, o, "bad", json_is_object), &m->bad);
	m->change = br_take_real(rd, o, "change", NAN);
	m->p = br_take_real(rd, o, "p", NAN);
}

void br_found_read(struct br_reader *rd, json_t *o, struct br_result *r)
{
	read_line(rd, o, "range", &r->line);
	read_line(rd, o, "list", &r->line);
	read_reduced(rd, BR_MEMBER(rd, o, "reduce", json_is_object), &r->reduced);
	read_subset(rd, BR_MEMBER(rd, o, "subset", json_is_object), &r->subset);
	read_hunks(rd, BR_MEMBER(rd, o, "hunks", json_is_object), &r->hunks);
	read_metric(rd, BR_MEMBER(rd, o, "metric", json_is_object), &r->metric);
}
