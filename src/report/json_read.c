/* json_read.c - a result read back from its JSON object: `show` makes every report from the record. */
#include "bisect_run/report.h"

#include "base/mem.h"
#include "bisect_run/err.h"
#include "report/found.h"
#include "report/json_take.h"
#include "report/profile_json.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

static void read_commit(struct br_reader *rd, json_t *o, struct br_commit_info *c)
{
	c->oid = br_take_text(rd, o, "oid");
	c->short_oid = br_take_text(rd, o, "short_oid");
	c->subject = br_take_text(rd, o, "subject");
	c->author = br_take_text(rd, o, "author");
	c->email = br_take_text(rd, o, "email");
	c->date = br_take_integer(rd, o, "timestamp", 0);
	c->offset_min = br_take_int(rd, o, "timezone_minutes", 0);
	c->parent = br_take_texts(rd, o, "parents", &c->nparent);
	c->file = br_take_texts(rd, o, "files", &c->nfile);
}

/* The ids are the contract's; what else is known of them stands beside, in the same order. */
static void read_candidates(struct br_reader *rd, json_t *o, struct br_result *r)
{
	json_t *info = BR_MEMBER(rd, o, "candidate_info", json_is_array);
	size_t n;
	br_auto_strv char **ids = br_take_texts(rd, o, "candidates", &n);

	r->candidate = br_calloc(n, sizeof *r->candidate);
	for (; r->ncandidate < n; r->ncandidate++) {
		struct br_commit_info *c = &r->candidate[r->ncandidate];
		json_t *known = json_array_get(info, r->ncandidate);

		if (json_is_object(known))
			read_commit(rd, known, c);
		free(c->oid);
		c->oid = br_strdup(ids[r->ncandidate]);
	}
}

static void read_commits(struct br_reader *rd, json_t *o, struct br_result *r)
{
	json_t *first = BR_MEMBER(rd, o, "first_bad", json_is_object);
	size_t n;

	r->has_commits = true;
	r->good = br_take_texts(rd, o, "good", &n);
	r->bad = br_take_text(rd, o, "bad");
	r->nearest_bad = br_take_text(rd, o, "nearest_bad");
	r->skip = br_take_texts(rd, o, "skipped", &n);
	r->path = br_take_texts(rd, o, "paths", &n);
	r->first_parent = br_take_bool(rd, o, "first_parent");
	r->candidates_at_start = br_take_count(rd, o, "candidates_at_start", INT64_MAX);
	if (first) {
		r->first_bad = br_calloc(1, sizeof *r->first_bad);
		read_commit(rd, first, r->first_bad);
	}
	read_candidates(rd, o, r);
	r->confidence = br_take_real(rd, o, "confidence", NAN);
	r->confirmed = br_take_bool(rd, o, "confirmed");
}

static void read_failure(struct br_reader *rd, json_t *o, struct br_failure *f)
{
	json_t *frames = BR_MEMBER(rd, o, "frames", json_is_array);
	const size_t max = sizeof f->frame / sizeof *f->frame;

	br_take_field(rd, o, "kind", f->kind, sizeof f->kind);
	br_take_field(rd, o, "type", f->type, sizeof f->type);
	br_take_field(rd, o, "message", f->message, sizeof f->message);
	f->exit = br_take_int(rd, o, "exit", -1);
	f->signal = br_take_int(rd, o, "signal", 0);
	f->version = (uint32_t)br_take_count(rd, o, "version", UINT32_MAX);
	for (size_t i = 0; i < max && json_is_string(json_array_get(frames, i)); i++)
		br_take_copy(json_array_get(frames, i), f->frame[f->nframe++], sizeof f->frame[0]);
}

/* Other programs' objects may lack the extra keys: exit, signal and timed_out say the same. */
static void read_end(struct br_reader *rd, json_t *o, struct br_outcome *f)
{
	int code = br_take_int(rd, o, "exit", -1), sig = br_take_int(rd, o, "signal", 0);

	if (json_object_get(o, "end")) {
		f->end = (enum br_end)br_take_word(rd, o, "end", br_end_from);
		f->code = br_take_int(rd, o, "code", 0);
	} else if (br_take_bool(rd, o, "timed_out")) {
		f->end = BR_END_TIMEOUT;
	} else if (sig > 0) {
		f->end = BR_END_SIGNAL;
		f->code = sig;
	} else {
		f->end = BR_END_EXIT;
		f->code = code >= 0 ? code : 0;
	}
}

static void read_facts(struct br_reader *rd, json_t *o, struct br_outcome *f)
{
	read_end(rd, o, f);
	f->wall_ns = br_take_seconds(rd, o, "wall");
	f->user_ns = br_take_seconds(rd, o, "user");
	f->sys_ns = br_take_seconds(rd, o, "sys");
	f->build_ns = br_take_seconds(rd, o, "build_seconds");
	f->setup_ns = br_take_seconds(rd, o, "setup_seconds");
	f->limit_ns = br_take_seconds(rd, o, "limit");
	f->peak_rss_b = br_take_count(rd, o, "max_rss", INT64_MAX);
	f->output_b = br_take_count(rd, o, "output_bytes", INT64_MAX);
	f->omitted_b = br_take_count(rd, o, "omitted_bytes", INT64_MAX);
	f->leftovers = (uint32_t)br_take_count(rd, o, "leftovers", UINT32_MAX);
	f->worker = (uint32_t)br_take_count(rd, o, "worker", UINT32_MAX);
	br_take_field(rd, o, "sandbox", f->sandbox, sizeof f->sandbox);
	br_take_field(rd, o, "note", f->note, sizeof f->note);
	f->log_path = br_take_text(rd, o, "log");
}

static void read_trial(struct br_reader *rd, json_t *o, struct br_trial *t)
{
	json_t *failed = BR_MEMBER(rd, o, "failure", json_is_object);

	t->n = br_take_count(rd, o, "n", INT64_MAX);
	t->point = UINT64_MAX;
	t->item = br_take_text(rd, o, json_object_get(o, "oid") ? "oid" : "item");
	t->tree = br_take_text(rd, o, "tree");
	t->phase = (enum br_phase)br_take_word(rd, o, "phase", br_phase_from);
	t->verdict.cls = (enum br_class)br_take_word(rd, o, "verdict", br_class_from);
	br_take_field(rd, o, "why", t->verdict.why, sizeof t->verdict.why);
	t->verdict.value = br_take_real(rd, o, "value", NAN);
	t->verdict.failure.exit = -1;
	if (failed)
		read_failure(rd, failed, &t->verdict.failure);
	t->cached = br_take_bool(rd, o, "cached");
	t->amended = br_take_bool(rd, o, "amended");
	t->started_ns = br_take_seconds(rd, o, "started");
	read_facts(rd, o, &t->outcome);
}

static void read_trials(struct br_reader *rd, json_t *o, struct br_result *r)
{
	json_t *list = BR_MEMBER(rd, o, "trials", json_is_array);
	size_t n = json_array_size(list);

	if (n == 0 || n > BR_TAKE_LIST_MAX)
		return;
	r->trial = br_calloc(n, sizeof *r->trial);
	for (; r->ntrial < n; r->ntrial++) {
		json_t *one = json_array_get(list, r->ntrial);

		if (!json_is_object(one)) {
			rd->wrong = rd->wrong ? rd->wrong : "trials";
			return;
		}
		read_trial(rd, one, &r->trial[r->ntrial]);
	}
}

static void read_result(struct br_reader *rd, json_t *o, struct br_result *r)
{
	json_t *part = BR_MEMBER(rd, o, "commits", json_is_object);
	size_t n;

	if (!json_is_string(json_object_get(o, "status")))
		rd->wrong = "status";
	r->status = (enum br_status)br_take_word(rd, o, "status", br_status_from);
	r->id = br_take_text(rd, o, "id");
	r->message = br_take_text(rd, o, "message");
	r->command = br_take_texts(rd, o, "command", &n);
	r->seconds = br_take_real(rd, o, "seconds", 0);
	r->trials_run = br_take_count(rd, o, "trials_run", INT64_MAX);
	r->tests_expected = br_take_real(rd, o, "tests_expected", 0);
	r->fixed_mode = br_take_bool(rd, o, "fixed");
	r->confidence = NAN;
	if (part)
		read_commits(rd, part, r);
	br_found_read(rd, o, r);
	r->note = br_take_texts(rd, o, "notes", &n);
	r->how_sure = br_take_text(rd, o, "how_sure");
	r->reproduce = br_take_text(rd, o, "reproduce");
	r->evidence = br_take_text(rd, o, "evidence");
	r->state_dir = br_take_text(rd, o, "state_dir");
	r->failure.exit = -1;
	part = BR_MEMBER(rd, o, "failure", json_is_object);
	if (part) {
		read_failure(rd, part, &r->failure);
		r->stack = br_take_text(rd, part, "stack");
		r->stack_file = br_take_text(rd, part, "stack_file");
		r->core = br_take_text(rd, part, "core");
	}
	part = BR_MEMBER(rd, o, "profile", json_is_object);
	if (part)
		r->profile = br_profile_part_read(part);
	if (part && !r->profile)
		r->profile_diff = br_profile_diff_part_read(part);
	read_trials(rd, o, r);
}

static int check_version(json_t *o, struct br_err *err)
{
	json_t *version = json_object_get(o, "version");

	if (!json_is_integer(version))
		return br_fail(err, BR_EPARSE, "not a result of bisect-run: \"version\" is missing");
	if (json_integer_value(version) != 1)
		return br_fail(err, BR_EPARSE,
			       "this result has schema version %jd; this program reads version 1",
			       (intmax_t)json_integer_value(version));
	return 0;
}

int br_report_json_read(const char *text, struct br_result *out, struct br_err *err)
{
	struct br_reader rd = {0};
	struct br_result r = {0};
	json_error_t why;
	json_t *o = json_loads(text, 0, &why);
	int rc;

	if (!o)
		return br_fail(err, BR_EPARSE, "not JSON: line %d: %s", why.line, why.text);
	rc = check_version(o, err);
	if (rc == 0) {
		read_result(&rd, o, &r);
		if (rd.wrong)
			rc = br_fail(err, BR_EPARSE,
				     "not a result of bisect-run: \"%s\" is not what it should be", rd.wrong);
	}
	json_decref(o);
	if (rc != 0) {
		br_result_done(&r);
		return rc;
	}
	*out = r;
	return 0;
}
