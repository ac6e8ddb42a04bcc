/* json.c - the result as one JSON object, schema version 1. Times in seconds, sizes in bytes; keys may be added, never change meaning. */
#include "bisect_run/report.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "bisect_run/record.h"
#include "report/view.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

/* jansson takes valid UTF-8 alone, and what comes from commits and logs is whatever somebody wrote. */
static json_t *text(const char *s)
{
	br_auto_free char *valid = NULL;

	if (!s)
		return json_null();
	valid = br_text_utf8(s, strlen(s));
	return json_string(valid);
}

static json_t *texts(char *const *v)
{
	json_t *out = json_array();

	for (size_t i = 0; v && v[i]; i++)
		(void)json_array_append_new(out, text(v[i]));
	return out;
}

static json_t *count(uint64_t n)
{
	return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n);
}

/* JSON has neither NaN nor infinity. */
static json_t *real(double x)
{
	return isfinite(x) ? json_real(x) : json_null();
}

static json_t *seconds(uint64_t ns)
{
	return json_real((double)ns / 1e9);
}

static void set(json_t *object, const char *key, json_t *value)
{
	(void)json_object_set_new(object, key, value);
}

static void set_if(json_t *object, bool given, const char *key, json_t *value)
{
	if (given)
		set(object, key, value);
	else
		json_decref(value);
}

static json_t *commit(const struct br_commit_info *c)
{
	json_t *o = json_object();
	json_t *parents = json_array(), *files = json_array();
	char date[BR_VIEW_DATE_SIZE];

	for (size_t i = 0; i < c->nparent; i++)
		(void)json_array_append_new(parents, text(c->parent[i]));
	for (size_t i = 0; i < c->nfile; i++)
		(void)json_array_append_new(files, text(c->file[i]));
	set(o, "oid", text(c->oid));
	set(o, "subject", text(c->subject));
	set(o, "author", text(c->author));
	set(o, "email", text(c->email));
	set(o, "date", text(br_view_date(c, true, date, sizeof date)));
	set(o, "parents", parents);
	set_if(o, c->short_oid, "short_oid", text(c->short_oid));
	set(o, "timestamp", json_integer(c->date));
	set(o, "timezone_minutes", json_integer(c->offset_min));
	set_if(o, c->nfile > 0, "files", files);
	return o;
}

/* Of a million candidates only the first ones are described: the others are their id, which stands beside. */
static size_t count_described(const struct br_result *r)
{
	size_t n = r->ncandidate;

	while (n > 0) {
		const struct br_commit_info *c = &r->candidate[n - 1];

		if (c->short_oid || c->subject || c->author || c->email || c->date || c->nparent || c->nfile)
			break;
		n--;
	}
	return n;
}

static json_t *commits(const struct br_result *r)
{
	json_t *o = json_object(), *ids = json_array(), *info = json_array();
	size_t described = count_described(r);

	for (size_t i = 0; i < r->ncandidate; i++) {
		(void)json_array_append_new(ids, text(r->candidate[i].oid ? r->candidate[i].oid : ""));
		if (i < described)
			(void)json_array_append_new(info, commit(&r->candidate[i]));
	}
	set(o, "good", texts(r->good));
	set(o, "bad", text(r->bad));
	set_if(o, r->nearest_bad, "nearest_bad", text(r->nearest_bad));
	set_if(o, r->skip && r->skip[0], "skipped", texts(r->skip));
	set_if(o, r->path && r->path[0], "paths", texts(r->path));
	set(o, "first_parent", json_boolean(r->first_parent));
	set(o, "candidates_at_start", count(r->candidates_at_start));
	set(o, "first_bad", r->first_bad ? commit(r->first_bad) : json_null());
	set(o, "candidates", ids);
	set(o, "confidence", real(r->confidence));
	set(o, "confirmed", json_boolean(r->confirmed));
	set_if(o, r->ncandidate > 0, "candidate_info", info);
	return o;
}

static json_t *failure(const struct br_failure *f)
{
	json_t *o = json_object(), *frames = json_array();

	for (uint32_t i = 0; i < f->nframe && i < sizeof f->frame / sizeof *f->frame; i++)
		(void)json_array_append_new(frames, text(f->frame[i]));
	set(o, "kind", text(f->kind));
	set(o, "type", text(f->type));
	set(o, "message", text(f->message));
	set(o, "exit", f->exit >= 0 ? json_integer(f->exit) : json_null());
	set(o, "signal", f->signal > 0 ? json_integer(f->signal) : json_null());
	set(o, "frames", frames);
	return o;
}

/* What was seen of the run besides the contract's keys. */
static void more_facts(json_t *o, const struct br_trial *t)
{
	const struct br_outcome *f = &t->outcome;

	set(o, "end", text(br_end_name(f->end)));
	set(o, "code", json_integer(f->code));
	set(o, "setup_seconds", seconds(f->setup_ns));
	set_if(o, f->limit_ns > 0, "limit", seconds(f->limit_ns));
	set(o, "output_bytes", count(f->output_b));
	set_if(o, f->omitted_b > 0, "omitted_bytes", count(f->omitted_b));
	set(o, "leftovers", count(f->leftovers));
	set(o, "worker", count(f->worker));
	set(o, "sandbox", text(f->sandbox));
	set_if(o, f->note[0], "note", text(f->note));
	set_if(o, t->tree, "tree", text(t->tree));
	set(o, "amended", json_boolean(t->amended));
	set_if(o, t->started_ns > 0, "started", seconds(t->started_ns / 1000000 * 1000000));
}

static json_t *trial(const struct br_trial *t)
{
	const struct br_outcome *f = &t->outcome;
	json_t *o = json_object();

	set(o, "n", count(t->n));
	set_if(o, t->item, br_view_is_oid(t->item) ? "oid" : "item", text(t->item));
	set(o, "phase", text(br_phase_name(t->phase)));
	set(o, "verdict", text(br_class_name(t->verdict.cls)));
	set(o, "why", text(t->verdict.why));
	set(o, "exit", f->end == BR_END_EXIT ? json_integer(f->code) : json_null());
	set(o, "signal", f->end == BR_END_SIGNAL ? json_integer(f->code) : json_null());
	set(o, "timed_out", json_boolean(f->end == BR_END_TIMEOUT));
	set(o, "wall", seconds(f->wall_ns));
	set(o, "user", seconds(f->user_ns));
	set(o, "sys", seconds(f->sys_ns));
	set(o, "max_rss", count(f->peak_rss_b));
	set(o, "build_seconds", f->build_ns ? seconds(f->build_ns) : json_null());
	set(o, "value", real(t->verdict.value));
	set(o, "failure", t->verdict.failure.kind[0] ? failure(&t->verdict.failure) : json_null());
	set(o, "cached", json_boolean(t->cached));
	set(o, "log", text(f->log_path));
	more_facts(o, t);
	return o;
}

/* Not in the contract, but what a text report made from this object needs. */
static void more_words(json_t *o, const struct br_result *r)
{
	set(o, "fixed", json_boolean(r->fixed_mode));
	set_if(o, r->note && r->note[0], "notes", texts(r->note));
	set_if(o, r->how_sure, "how_sure", text(r->how_sure));
	set_if(o, r->reproduce, "reproduce", text(r->reproduce));
	set_if(o, r->evidence, "evidence", text(r->evidence));
	set_if(o, r->state_dir, "state_dir", text(r->state_dir));
}

static json_t *result(const struct br_result *r)
{
	json_t *o = json_object(), *trials = json_array();

	for (size_t i = 0; i < r->ntrial; i++)
		(void)json_array_append_new(trials, trial(&r->trial[i]));
	set(o, "version", json_integer(1));
	set_if(o, r->id, "id", text(r->id));
	set(o, "status", text(br_status_name(r->status)));
	set(o, "message", text(r->message ? r->message : ""));
	set_if(o, r->command, "command", texts(r->command));
	set(o, "seconds", real(r->seconds));
	set(o, "trials_run", count(r->trials_run));
	set_if(o, r->tests_expected > 0, "tests_expected", real(r->tests_expected));
	set_if(o, r->has_commits, "commits", r->has_commits ? commits(r) : json_null());
	set_if(o, r->failure.kind[0], "failure", failure(&r->failure));
	more_words(o, r);
	set(o, "trials", trials);
	return o;
}

static int add_chunk(const char *data, size_t n, void *arg)
{
	br_buf_add(arg, data, n);
	return 0;
}

/* Takes the object over. */
static char *dump(json_t *o)
{
	/* 15 digits are what every double keeps: 0.3 stays 0.3, and times below eleven days keep their nanoseconds. */
	const size_t flags = JSON_INDENT(2) | JSON_REAL_PRECISION(15);
	struct br_buf b = {0};

	(void)json_dump_callback(o, add_chunk, &b, flags);
	json_decref(o);
	br_buf_char(&b, '\n');
	return br_buf_take(&b);
}

char *br_report_json(const struct br_result *r)
{
	return dump(result(r));
}

static json_t *search_line(const struct br_search_line *l)
{
	const struct br_search *s = l->row;
	br_auto_free char *id = br_asprintf("%lld", (long long)s->id); /* a string, as in the result */
	json_t *o = json_object();

	set(o, "id", json_string_nocheck(id));
	set(o, "status", text(l->status));
	set(o, "message", text(s->message ? s->message : ""));
	set(o, "command", text(s->argv));
	set(o, "started", seconds(s->started_ns / 1000000 * 1000000));
	set(o, "seconds", seconds(s->busy_ns));
	set(o, "trials_run", count(s->trials_run));
	set(o, "running", json_boolean(s->alive));
	set(o, "pid", s->alive ? json_integer(s->pid) : json_null());
	set(o, "live", s->alive ? text(s->live) : json_null());
	return o;
}

char *br_report_searches(const struct br_search_line *line, size_t n)
{
	json_t *o = json_object(), *searches = json_array();

	for (size_t i = 0; i < n; i++)
		(void)json_array_append_new(searches, search_line(&line[i]));
	set(o, "version", json_integer(1));
	set(o, "searches", searches);
	return dump(o);
}

/* What a trial is about, before anything is known of how it ends. */
static json_t *question(const struct br_trial *t)
{
	json_t *o = json_object();

	set(o, "n", count(t->n));
	set_if(o, t->item, br_view_is_oid(t->item) ? "oid" : "item", text(t->item));
	set(o, "phase", text(br_phase_name(t->phase)));
	return o;
}

char *br_report_hook(const struct br_result *r, const char *kind, const struct br_trial *t)
{
	json_t *o = json_object();
	bool after = strcmp(kind, "post-search") == 0 || strcmp(kind, "notify") == 0;

	set(o, "version", json_integer(1));
	set(o, "hook", text(kind));
	set_if(o, r->id, "id", text(r->id));
	set_if(o, r->command, "command", texts(r->command));
	if (t)
		set(o, "trial", strcmp(kind, "pre-trial") == 0 ? question(t) : trial(t));
	if (r->has_commits && strcmp(kind, "pre-search") == 0)
		set(o, "commits", commits(r));
	if (after)
		set(o, "result", result(r));
	return dump(o);
}
