/* json.c - the result as one JSON object, schema version 1. Times in seconds, sizes in bytes; keys may be added, never change meaning. */
#include "bisect_run/report.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "bisect_run/record.h"
#include "report/found.h"
#include "report/json_put.h"
#include "report/profile_json.h"
#include "report/view.h"

#include <jansson.h>
#include <string.h>

/* Functions of a profile that a result keeps; its raw files have all. */
enum { PROFILE_ROWS = 1000 };

static json_t *commit(const struct br_commit_info *c)
{
	json_t *o = json_object();
	json_t *parents = json_array(), *files = json_array();
	char date[BR_VIEW_DATE_SIZE];

	for (size_t i = 0; i < c->nparent; i++)
		(void)json_array_append_new(parents, br_json_text(c->parent[i]));
	for (size_t i = 0; i < c->nfile; i++)
		(void)json_array_append_new(files, br_json_text(c->file[i]));
	br_json_set(o, "oid", br_json_text(c->oid));
	br_json_set(o, "subject", br_json_text(c->subject));
	br_json_set(o, "author", br_json_text(c->author));
	br_json_set(o, "email", br_json_text(c->email));
	br_json_set(o, "date", br_json_text(br_view_date(c, true, date, sizeof date)));
	br_json_set(o, "parents", parents);
	br_json_set_if(o, c->short_oid, "short_oid", br_json_text(c->short_oid));
	br_json_set(o, "timestamp", json_integer(c->date));
	br_json_set(o, "timezone_minutes", json_integer(c->offset_min));
	br_json_set_if(o, c->nfile > 0, "files", files);
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
		(void)json_array_append_new(ids,
					    br_json_text(r->candidate[i].oid ? r->candidate[i].oid : ""));
		if (i < described)
			(void)json_array_append_new(info, commit(&r->candidate[i]));
	}
	br_json_set(o, "good", br_json_texts(r->good));
	br_json_set(o, "bad", br_json_text(r->bad));
	br_json_set_if(o, r->nearest_bad, "nearest_bad", br_json_text(r->nearest_bad));
	br_json_set_if(o, r->skip && r->skip[0], "skipped", br_json_texts(r->skip));
	br_json_set_if(o, r->path && r->path[0], "paths", br_json_texts(r->path));
	br_json_set(o, "first_parent", json_boolean(r->first_parent));
	br_json_set(o, "candidates_at_start", br_json_count(r->candidates_at_start));
	br_json_set(o, "first_bad", r->first_bad ? commit(r->first_bad) : json_null());
	br_json_set(o, "candidates", ids);
	br_json_set(o, "confidence", br_json_real(r->confidence));
	br_json_set(o, "confirmed", json_boolean(r->confirmed));
	br_json_set_if(o, r->ncandidate > 0, "candidate_info", info);
	return o;
}

static json_t *failure(const struct br_failure *f)
{
	json_t *o = json_object(), *frames = json_array();

	for (uint32_t i = 0; i < f->nframe && i < sizeof f->frame / sizeof *f->frame; i++)
		(void)json_array_append_new(frames, br_json_text(f->frame[i]));
	br_json_set(o, "kind", br_json_text(f->kind));
	br_json_set(o, "type", br_json_text(f->type));
	br_json_set(o, "message", br_json_text(f->message));
	br_json_set(o, "exit", f->exit >= 0 ? json_integer(f->exit) : json_null());
	br_json_set(o, "signal", f->signal > 0 ? json_integer(f->signal) : json_null());
	br_json_set(o, "frames", frames);
	br_json_set_if(o, f->version > 0, "version", json_integer(f->version));
	return o;
}

/* The result's own failure has more to it than a trial's. */
static json_t *whole_failure(const struct br_result *r)
{
	json_t *o = failure(&r->failure);

	br_json_set_if(o, r->stack, "stack", br_json_text(r->stack));
	br_json_set_if(o, r->stack_file, "stack_file", br_json_text(r->stack_file));
	br_json_set_if(o, r->core, "core", br_json_text(r->core));
	return o;
}

/* What was seen of the run besides the contract's keys. */
static void more_facts(json_t *o, const struct br_trial *t)
{
	const struct br_outcome *f = &t->outcome;

	br_json_set(o, "end", br_json_text(br_end_name(f->end)));
	br_json_set(o, "code", json_integer(f->code));
	br_json_set(o, "setup_seconds", br_json_seconds(f->setup_ns));
	br_json_set_if(o, f->limit_ns > 0, "limit", br_json_seconds(f->limit_ns));
	br_json_set(o, "output_bytes", br_json_count(f->output_b));
	br_json_set_if(o, f->omitted_b > 0, "omitted_bytes", br_json_count(f->omitted_b));
	br_json_set(o, "leftovers", br_json_count(f->leftovers));
	br_json_set(o, "worker", br_json_count(f->worker));
	br_json_set(o, "sandbox", br_json_text(f->sandbox));
	br_json_set_if(o, f->note[0], "note", br_json_text(f->note));
	br_json_set_if(o, t->tree, "tree", br_json_text(t->tree));
	br_json_set(o, "amended", json_boolean(t->amended));
	br_json_set_if(o, t->started_ns > 0, "started", br_json_seconds(t->started_ns / 1000000 * 1000000));
}

static json_t *trial(const struct br_trial *t)
{
	const struct br_outcome *f = &t->outcome;
	json_t *o = json_object();

	br_json_set(o, "n", br_json_count(t->n));
	br_json_set_if(o, t->item, br_view_is_oid(t->item) ? "oid" : "item", br_json_text(t->item));
	br_json_set(o, "phase", br_json_text(br_phase_name(t->phase)));
	br_json_set(o, "verdict", br_json_text(br_class_name(t->verdict.cls)));
	br_json_set(o, "why", br_json_text(t->verdict.why));
	br_json_set(o, "exit", f->end == BR_END_EXIT ? json_integer(f->code) : json_null());
	br_json_set(o, "signal", f->end == BR_END_SIGNAL ? json_integer(f->code) : json_null());
	br_json_set(o, "timed_out", json_boolean(f->end == BR_END_TIMEOUT));
	br_json_set(o, "wall", br_json_seconds(f->wall_ns));
	br_json_set(o, "user", br_json_seconds(f->user_ns));
	br_json_set(o, "sys", br_json_seconds(f->sys_ns));
	br_json_set(o, "max_rss", br_json_count(f->peak_rss_b));
	br_json_set(o, "build_seconds", f->build_ns ? br_json_seconds(f->build_ns) : json_null());
	br_json_set(o, "value", br_json_real(t->verdict.value));
	br_json_set(o, "failure", t->verdict.failure.kind[0] ? failure(&t->verdict.failure) : json_null());
	br_json_set(o, "cached", json_boolean(t->cached));
	br_json_set(o, "log", br_json_text(f->log_path));
	more_facts(o, t);
	return o;
}

/* Not in the contract, but what a text report made from this object needs. */
static void more_words(json_t *o, const struct br_result *r)
{
	br_json_set(o, "fixed", json_boolean(r->fixed_mode));
	br_json_set_if(o, r->note && r->note[0], "notes", br_json_texts(r->note));
	br_json_set_if(o, r->how_sure, "how_sure", br_json_text(r->how_sure));
	br_json_set_if(o, r->reproduce, "reproduce", br_json_text(r->reproduce));
	br_json_set_if(o, r->evidence, "evidence", br_json_text(r->evidence));
	br_json_set_if(o, r->state_dir, "state_dir", br_json_text(r->state_dir));
}

static json_t *result(const struct br_result *r)
{
	json_t *o = json_object(), *trials = json_array();

	for (size_t i = 0; i < r->ntrial; i++)
		(void)json_array_append_new(trials, trial(&r->trial[i]));
	br_json_set(o, "version", json_integer(1));
	br_json_set_if(o, r->id, "id", br_json_text(r->id));
	br_json_set(o, "status", br_json_text(br_status_name(r->status)));
	br_json_set(o, "message", br_json_text(r->message ? r->message : ""));
	br_json_set_if(o, r->command, "command", br_json_texts(r->command));
	br_json_set(o, "seconds", br_json_real(r->seconds));
	br_json_set(o, "trials_run", br_json_count(r->trials_run));
	br_json_set_if(o, r->tests_expected > 0, "tests_expected", br_json_real(r->tests_expected));
	br_json_set_if(o, r->has_commits, "commits", r->has_commits ? commits(r) : json_null());
	br_found_json(o, r);
	if (r->profile_diff)
		br_json_set(o, "profile", br_profile_diff_part(r->profile_diff, PROFILE_ROWS));
	else if (r->profile)
		br_json_set(o, "profile", br_profile_part(r->profile, PROFILE_ROWS));
	br_json_set_if(o, r->failure.kind[0], "failure", whole_failure(r));
	more_words(o, r);
	br_json_set(o, "trials", trials);
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

	br_json_set(o, "id", json_string_nocheck(id));
	br_json_set(o, "status", br_json_text(l->status));
	br_json_set(o, "message", br_json_text(s->message ? s->message : ""));
	br_json_set(o, "command", br_json_text(s->argv));
	br_json_set(o, "started", br_json_seconds(s->started_ns / 1000000 * 1000000));
	br_json_set(o, "seconds", br_json_seconds(s->busy_ns));
	br_json_set(o, "trials_run", br_json_count(s->trials_run));
	br_json_set(o, "running", json_boolean(s->alive));
	br_json_set(o, "pid", s->alive ? json_integer(s->pid) : json_null());
	br_json_set(o, "live", s->alive ? br_json_text(s->live) : json_null());
	return o;
}

char *br_report_searches(const struct br_search_line *line, size_t n)
{
	json_t *o = json_object(), *searches = json_array();

	for (size_t i = 0; i < n; i++)
		(void)json_array_append_new(searches, search_line(&line[i]));
	br_json_set(o, "version", json_integer(1));
	br_json_set(o, "searches", searches);
	return dump(o);
}

/* What a trial is about, before anything is known of how it ends. */
static json_t *question(const struct br_trial *t)
{
	json_t *o = json_object();

	br_json_set(o, "n", br_json_count(t->n));
	br_json_set_if(o, t->item, br_view_is_oid(t->item) ? "oid" : "item", br_json_text(t->item));
	br_json_set(o, "phase", br_json_text(br_phase_name(t->phase)));
	return o;
}

char *br_report_hook(const struct br_result *r, const char *kind, const struct br_trial *t)
{
	json_t *o = json_object();
	bool after = strcmp(kind, "post-search") == 0 || strcmp(kind, "notify") == 0;

	br_json_set(o, "version", json_integer(1));
	br_json_set(o, "hook", br_json_text(kind));
	br_json_set_if(o, r->id, "id", br_json_text(r->id));
	br_json_set_if(o, r->command, "command", br_json_texts(r->command));
	if (t)
		br_json_set(o, "trial", strcmp(kind, "pre-trial") == 0 ? question(t) : trial(t));
	if (r->has_commits && strcmp(kind, "pre-search") == 0)
		br_json_set(o, "commits", commits(r));
	if (after)
		br_json_set(o, "result", result(r));
	return dump(o);
}
