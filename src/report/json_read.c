/* json_read.c - a result read back from its JSON object: `show` makes every report from the record. */
#include "bisect_run/report.h"

#include "base/mem.h"
#include "bisect_run/err.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

/* Most elements taken of any list: far above what a search makes, far below what fills the memory. */
#define LIST_MAX 10000000u

/* The first thing that was wrong; reading goes on harmlessly after it and the caller looks once, at the end. */
struct reader {
	const char *wrong; /* key; NULL: all is well so far */
};

/* A member of the wanted type; NULL when it is missing or null, which every member may be. */
static json_t *member(struct reader *rd, json_t *object, const char *key, bool right)
{
	json_t *v = json_object_get(object, key);

	if (!v || json_is_null(v))
		return NULL;
	if (!right && !rd->wrong)
		rd->wrong = key;
	return right ? v : NULL;
}

#define MEMBER(rd, object, key, is) member(rd, object, key, is(json_object_get(object, key)))

static char *get_text(struct reader *rd, json_t *object, const char *key)
{
	json_t *v = MEMBER(rd, object, key, json_is_string);

	return v ? br_strdup(json_string_value(v)) : NULL;
}

/* Into a field of fixed size; what does not fit is cut between two characters. */
static void copy_field(const json_t *string, char *out, size_t size)
{
	const char *s = string ? json_string_value(string) : "";
	size_t n = strlen(s);

	if (n >= size)
		for (n = size - 1; n > 0 && ((unsigned char)s[n] & 0xC0) == 0x80;)
			n--;
	memcpy(out, s, n);
	out[n] = '\0';
}

static void get_field(struct reader *rd, json_t *object, const char *key, char *out, size_t size)
{
	copy_field(MEMBER(rd, object, key, json_is_string), out, size);
}

static bool get_bool(struct reader *rd, json_t *object, const char *key)
{
	return json_is_true(MEMBER(rd, object, key, json_is_boolean));
}

static int64_t get_integer(struct reader *rd, json_t *object, const char *key, int64_t otherwise)
{
	json_t *v = MEMBER(rd, object, key, json_is_integer);

	return v ? json_integer_value(v) : otherwise;
}

static int get_int(struct reader *rd, json_t *object, const char *key, int otherwise)
{
	int64_t n = get_integer(rd, object, key, otherwise);

	if ((n < INT32_MIN || n > INT32_MAX) && !rd->wrong)
		rd->wrong = key;
	return n < INT32_MIN || n > INT32_MAX ? otherwise : (int)n;
}

static uint64_t get_count(struct reader *rd, json_t *object, const char *key, uint64_t max)
{
	int64_t n = get_integer(rd, object, key, 0);

	if ((n < 0 || (uint64_t)n > max) && !rd->wrong)
		rd->wrong = key;
	return n < 0 || (uint64_t)n > max ? 0 : (uint64_t)n;
}

static double get_real(struct reader *rd, json_t *object, const char *key, double otherwise)
{
	json_t *v = MEMBER(rd, object, key, json_is_number);

	return v ? json_number_value(v) : otherwise;
}

static uint64_t get_seconds(struct reader *rd, json_t *object, const char *key)
{
	double s = get_real(rd, object, key, 0);

	if (!(s >= 0 && s <= 1.8e10)) { /* 1.8e19 ns still fits */
		rd->wrong = rd->wrong ? rd->wrong : key;
		return 0;
	}
	return (uint64_t)(s * 1e9 + 0.5);
}

/* An array of strings; *n elements and a NULL after them. NULL: none. */
static char **get_texts(struct reader *rd, json_t *object, const char *key, size_t *n)
{
	json_t *v = MEMBER(rd, object, key, json_is_array);
	size_t total = json_array_size(v);
	char **out;

	*n = 0;
	if (!v || total > LIST_MAX)
		return NULL;
	out = br_calloc(total + 1, sizeof *out);
	for (size_t i = 0; i < total; i++) {
		json_t *s = json_array_get(v, i);

		if (!json_is_string(s)) {
			rd->wrong = rd->wrong ? rd->wrong : key;
			break;
		}
		out[(*n)++] = br_strdup(json_string_value(s));
	}
	return out;
}

static void read_commit(struct reader *rd, json_t *o, struct br_commit_info *c)
{
	c->oid = get_text(rd, o, "oid");
	c->short_oid = get_text(rd, o, "short_oid");
	c->subject = get_text(rd, o, "subject");
	c->author = get_text(rd, o, "author");
	c->email = get_text(rd, o, "email");
	c->date = get_integer(rd, o, "timestamp", 0);
	c->offset_min = get_int(rd, o, "timezone_minutes", 0);
	c->parent = get_texts(rd, o, "parents", &c->nparent);
	c->file = get_texts(rd, o, "files", &c->nfile);
}

/* The ids are the contract's; what else is known of them stands beside, in the same order. */
static void read_candidates(struct reader *rd, json_t *o, struct br_result *r)
{
	json_t *info = MEMBER(rd, o, "candidate_info", json_is_array);
	size_t n;
	br_auto_strv char **ids = get_texts(rd, o, "candidates", &n);

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

static void read_commits(struct reader *rd, json_t *o, struct br_result *r)
{
	json_t *first = MEMBER(rd, o, "first_bad", json_is_object);
	size_t n;

	r->has_commits = true;
	r->good = get_texts(rd, o, "good", &n);
	r->bad = get_text(rd, o, "bad");
	r->nearest_bad = get_text(rd, o, "nearest_bad");
	r->skip = get_texts(rd, o, "skipped", &n);
	r->path = get_texts(rd, o, "paths", &n);
	r->first_parent = get_bool(rd, o, "first_parent");
	r->candidates_at_start = get_count(rd, o, "candidates_at_start", INT64_MAX);
	if (first) {
		r->first_bad = br_calloc(1, sizeof *r->first_bad);
		read_commit(rd, first, r->first_bad);
	}
	read_candidates(rd, o, r);
	r->confidence = get_real(rd, o, "confidence", NAN);
	r->confirmed = get_bool(rd, o, "confirmed");
}

static void read_failure(struct reader *rd, json_t *o, struct br_failure *f)
{
	json_t *frames = MEMBER(rd, o, "frames", json_is_array);
	const size_t max = sizeof f->frame / sizeof *f->frame;

	get_field(rd, o, "kind", f->kind, sizeof f->kind);
	get_field(rd, o, "type", f->type, sizeof f->type);
	get_field(rd, o, "message", f->message, sizeof f->message);
	f->exit = get_int(rd, o, "exit", -1);
	f->signal = get_int(rd, o, "signal", 0);
	for (size_t i = 0; i < max && json_is_string(json_array_get(frames, i)); i++)
		copy_field(json_array_get(frames, i), f->frame[f->nframe++], sizeof f->frame[0]);
}

/* A word of a list of ours; a missing one is the first. */
static int get_word(struct reader *rd, json_t *o, const char *key, int (*from)(const char *))
{
	json_t *v = MEMBER(rd, o, key, json_is_string);
	int word = v ? from(json_string_value(v)) : 0;

	if (word < 0 && !rd->wrong)
		rd->wrong = key;
	return word < 0 ? 0 : word;
}

/* Other programs' objects may lack the extra keys: exit, signal and timed_out say the same. */
static void read_end(struct reader *rd, json_t *o, struct br_outcome *f)
{
	int code = get_int(rd, o, "exit", -1), sig = get_int(rd, o, "signal", 0);

	if (json_object_get(o, "end")) {
		f->end = (enum br_end)get_word(rd, o, "end", br_end_from);
		f->code = get_int(rd, o, "code", 0);
	} else if (get_bool(rd, o, "timed_out")) {
		f->end = BR_END_TIMEOUT;
	} else if (sig > 0) {
		f->end = BR_END_SIGNAL;
		f->code = sig;
	} else {
		f->end = BR_END_EXIT;
		f->code = code >= 0 ? code : 0;
	}
}

static void read_facts(struct reader *rd, json_t *o, struct br_outcome *f)
{
	read_end(rd, o, f);
	f->wall_ns = get_seconds(rd, o, "wall");
	f->user_ns = get_seconds(rd, o, "user");
	f->sys_ns = get_seconds(rd, o, "sys");
	f->build_ns = get_seconds(rd, o, "build_seconds");
	f->setup_ns = get_seconds(rd, o, "setup_seconds");
	f->limit_ns = get_seconds(rd, o, "limit");
	f->peak_rss_b = get_count(rd, o, "max_rss", INT64_MAX);
	f->output_b = get_count(rd, o, "output_bytes", INT64_MAX);
	f->omitted_b = get_count(rd, o, "omitted_bytes", INT64_MAX);
	f->leftovers = (uint32_t)get_count(rd, o, "leftovers", UINT32_MAX);
	f->worker = (uint32_t)get_count(rd, o, "worker", UINT32_MAX);
	get_field(rd, o, "sandbox", f->sandbox, sizeof f->sandbox);
	get_field(rd, o, "note", f->note, sizeof f->note);
	f->log_path = get_text(rd, o, "log");
}

static void read_trial(struct reader *rd, json_t *o, struct br_trial *t)
{
	json_t *failed = MEMBER(rd, o, "failure", json_is_object);

	t->n = get_count(rd, o, "n", INT64_MAX);
	t->point = UINT64_MAX;
	t->item = get_text(rd, o, json_object_get(o, "oid") ? "oid" : "item");
	t->tree = get_text(rd, o, "tree");
	t->phase = (enum br_phase)get_word(rd, o, "phase", br_phase_from);
	t->verdict.cls = (enum br_class)get_word(rd, o, "verdict", br_class_from);
	get_field(rd, o, "why", t->verdict.why, sizeof t->verdict.why);
	t->verdict.value = get_real(rd, o, "value", NAN);
	t->verdict.failure.exit = -1;
	if (failed)
		read_failure(rd, failed, &t->verdict.failure);
	t->cached = get_bool(rd, o, "cached");
	t->amended = get_bool(rd, o, "amended");
	t->started_ns = get_seconds(rd, o, "started");
	read_facts(rd, o, &t->outcome);
}

static void read_trials(struct reader *rd, json_t *o, struct br_result *r)
{
	json_t *list = MEMBER(rd, o, "trials", json_is_array);
	size_t n = json_array_size(list);

	if (n == 0 || n > LIST_MAX)
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

static void read_result(struct reader *rd, json_t *o, struct br_result *r)
{
	json_t *part = MEMBER(rd, o, "commits", json_is_object);
	size_t n;

	if (!json_is_string(json_object_get(o, "status")))
		rd->wrong = "status";
	r->status = (enum br_status)get_word(rd, o, "status", br_status_from);
	r->id = get_text(rd, o, "id");
	r->message = get_text(rd, o, "message");
	r->command = get_texts(rd, o, "command", &n);
	r->seconds = get_real(rd, o, "seconds", 0);
	r->trials_run = get_count(rd, o, "trials_run", INT64_MAX);
	r->tests_expected = get_real(rd, o, "tests_expected", 0);
	r->fixed_mode = get_bool(rd, o, "fixed");
	r->confidence = NAN;
	if (part)
		read_commits(rd, part, r);
	r->note = get_texts(rd, o, "notes", &n);
	r->how_sure = get_text(rd, o, "how_sure");
	r->reproduce = get_text(rd, o, "reproduce");
	r->evidence = get_text(rd, o, "evidence");
	r->state_dir = get_text(rd, o, "state_dir");
	r->failure.exit = -1;
	part = MEMBER(rd, o, "failure", json_is_object);
	if (part)
		read_failure(rd, part, &r->failure);
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
	struct reader rd = {0};
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
