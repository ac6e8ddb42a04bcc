/* result.c - a session as the plain data that reports are made of. */
#include "app/session.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "bisect_run/err.h"
#include "domain/repo.h"
#include "sys/file.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Lines of a log that are shown as evidence, and how much of the log is looked at for them. */
enum { EVIDENCE_LINES = 12, EVIDENCE_B = 16384 };
/* Commits that are described in words when the search only narrowed it down. */
enum { MAX_DESCRIBED = 1000 };
/* An octopus with more branches than these names only the first ones. */
enum { BRANCHES_OFFERED = 4 };

/* Where the last lines of the text begin. */
static const char *last_lines(const char *text, size_t n, size_t lines)
{
	size_t at = n;

	while (at > 0) {
		if (text[at - 1] == '\n' && at < n && lines-- <= 1)
			break;
		at--;
	}
	return text + at;
}

char *br_log_tail(const struct br_trial *t, size_t lines)
{
	br_auto_free char *text = NULL;
	const char *last;
	size_t n;

	if (!t->outcome.log_path || br_file_tail(t->outcome.log_path, EVIDENCE_B, &text, &n, NULL) < 0 ||
	    n == 0)
		return NULL;
	last = last_lines(text, n, lines);
	return br_text_clean(last, n - (size_t)(last - text), true);
}

/* The trial whose log says most: the one that the ends named, else a fresh bad run of the culprit, else any bad one, of what is hunted rather than of another failure. */
const struct br_trial *br_session_telling(const struct br_session *s, const char *culprit)
{
	const struct br_trial *best = NULL;

	if (s->telling)
		return &s->trial[s->telling - 1];
	for (size_t i = 0; i < s->ntrial; i++) {
		const struct br_trial *t = &s->trial[i];

		if (t->verdict.cls != BR_BAD)
			continue;
		if (!best || (culprit && strcmp(t->item, culprit) == 0) ||
		    (br_match_is_other(s, best) && !br_match_is_other(s, t)))
			best = t;
	}
	return best;
}

char *br_sure_text(double confidence)
{
	return confidence > 0.9999 ? br_strdup("more than 99.99 % sure")
				   : br_asprintf("%.4g %% sure", 100 * confidence);
}

static void add_try(struct br_session *s, struct br_buf *b, const char *oid)
{
	const struct br_options *o = s->opt;
	br_auto_free char *command = br_shell_join(o->argv);
	br_auto_free char *id = br_session_short(s, oid);

	br_buf_fmt(b, "bisect-run try");
	if (o->build) {
		br_auto_free char *build = br_shell_quote(o->build);

		br_buf_fmt(b, " --build %s", build);
	}
	if (o->metric) {
		br_auto_free char *metric = br_shell_quote(o->metric);

		br_buf_fmt(b, " --metric %s", metric);
	}
	for (size_t i = 0; o->with && o->with[i]; i++) {
		br_auto_free char *with = br_shell_quote(o->with[i]);

		br_buf_fmt(b, " --with %s", with);
	}
	br_buf_fmt(b, " %s -- %s\n", id, command);
}

static void reproduce(struct br_session *s, struct br_result *out)
{
	struct br_buf b = {0};

	if (!s->opt->argv)
		return;
	add_try(s, &b, out->first_bad->oid);
	if (out->first_bad->nparent > 0)
		add_try(s, &b, out->first_bad->parent[0]);
	out->reproduce = br_buf_take(&b);
}

/* Along first parents a merge stands for its branches, which were not looked into. */
static void offer_branches(struct br_session *s, const struct br_commit_info *c)
{
	br_auto_free char *main = br_session_short(s, c->parent[0]);

	for (size_t i = 1; i < c->nparent && i <= BRANCHES_OFFERED; i++) {
		br_auto_free char *side = br_session_short(s, c->parent[i]);

		br_session_note(
			s,
			"it came in with the merged branch %s, or with the merge itself; search the branch "
			"with: bisect-run %s %s %s %s -- COMMAND",
			side, s->fixed_mode ? "--broken" : "--good", main,
			s->fixed_mode ? "--fixed" : "--bad", side);
	}
}

/* A merge as culprit asks for words: which of its sides, or none? */
static void note_merge(struct br_session *s, const struct br_commit_info *c)
{
	if (c->nparent < 2)
		return;
	if (s->first_parent) {
		offer_branches(s, c);
		return;
	}
	br_session_note(s, "the merge itself brings it in: each of its parents alone is %s",
			s->fixed_mode ? "broken" : "good");
}

static int describe_candidates(struct br_session *s, char *const *candidate, struct br_result *out,
			       struct br_err *err)
{
	size_t n = br_strv_len(candidate);

	out->candidate = br_calloc(n, sizeof *out->candidate);
	for (size_t i = 0; i < n; i++) {
		struct br_commit_info *c = &out->candidate[out->ncandidate];
		int r;

		if (i < MAX_DESCRIBED) {
			r = br_repo_commit_info(s->repo, candidate[i], false, c, err);
			if (r < 0 && r != BR_ECORRUPT)
				return r;
			if (r == 0) {
				out->ncandidate++;
				continue;
			}
		}
		*c = (struct br_commit_info){.oid = br_strdup(candidate[i])};
		out->ncandidate++;
	}
	return 0;
}

static int by_n(const void *a, const void *b)
{
	const struct br_trial *x = a, *y = b;

	return (x->n > y->n) - (x->n < y->n);
}

/* By number, as the record lists them: trials that ran at once may end in another order. */
static void copy_trials(const struct br_session *s, struct br_result *out)
{
	out->trial = br_calloc(s->ntrial, sizeof *out->trial);
	for (size_t i = 0; i < s->ntrial; i++) {
		br_trial_copy(&out->trial[i], &s->trial[i]);
		out->trials_run += !s->trial[i].cached && s->trial[i].outcome.end != BR_END_SETUP;
	}
	out->ntrial = s->ntrial;
	if (out->ntrial)
		qsort(out->trial, out->ntrial, sizeof *out->trial, by_n);
}

/* The trial that the verdict of `try` comes from: one under a profiler may follow it. */
static size_t last_plain(const struct br_session *s)
{
	size_t i = s->ntrial - 1;

	while (i > 0 && s->trial[i].phase == BR_PHASE_PROFILE)
		i--;
	return i;
}

static char *message_for(const struct br_session *s, enum br_status status, size_t ncandidate,
			 const struct br_commit_info *first)
{
	const char *word = s->fixed_mode ? "fixed" : "bad";

	if (s->row.message)
		return br_strdup(s->row.message);
	if (status == BR_STATUS_ISOLATED && first)
		return br_asprintf("%s is the first %s commit: %s", first->short_oid, word, first->subject);
	if (status == BR_STATUS_NARROWED)
		return br_asprintf("narrowed to %zu commits; only skipped ones are left to test", ncandidate);
	if (status == BR_STATUS_TRIED && s->ntrial > 0)
		return br_asprintf("%s: %s", br_class_name(s->trial[last_plain(s)].verdict.cls),
				   s->trial[last_plain(s)].verdict.why);
	return br_strdup("");
}

/* Seen bad, and not said to be something else by a later trial of the search. */
static bool stays_bad(const struct br_session *s, size_t i)
{
	if (s->trial[i].phase == BR_PHASE_CONFIRM || br_session_class(s, &s->trial[i]) != BR_BAD)
		return false;
	for (size_t k = i + 1; k < s->ntrial; k++)
		if (s->trial[k].phase != BR_PHASE_CONFIRM && strcmp(s->trial[k].item, s->trial[i].item) == 0)
			return false;
	return true;
}

/* The bad commit that leaves the fewest candidates: numbers rise from parents to children. NULL: none was tested. */
static const char *nearest_bad(const struct br_session *s)
{
	const char *nearest = NULL;
	int64_t lowest = INT64_MAX;

	for (size_t i = 0; s->domain && i < s->ntrial; i++) {
		int64_t point = stays_bad(s, i) ? br_commits_find(s->domain, s->trial[i].item) : -1;

		if (point >= 0 && point < lowest) {
			lowest = point;
			nearest = s->trial[i].item;
		}
	}
	return nearest;
}

static int fill_commits(struct br_session *s, enum br_status status, char *const *candidate,
			struct br_result *out, struct br_err *err)
{
	int r;

	out->has_commits = br_options_has_commits(s->opt);
	out->fixed_mode = s->fixed_mode;
	out->confidence = s->confidence;
	out->good = br_strv_copy(s->good);
	out->bad = br_strdup_or_null(s->bad);
	out->nearest_bad = br_strdup_or_null(nearest_bad(s));
	out->skip = br_strv_copy(s->skip);
	out->path = br_strv_copy(s->path);
	out->first_parent = s->first_parent;
	out->candidates_at_start = s->candidates_at_start;
	r = candidate ? describe_candidates(s, candidate, out, err) : 0;
	if (r < 0 || status != BR_STATUS_ISOLATED || !candidate)
		return r;
	out->first_bad = br_calloc(1, sizeof *out->first_bad);
	r = br_repo_commit_info(s->repo, candidate[0], true, out->first_bad, err);
	if (r < 0) {
		free(br_steal(&out->first_bad));
		return r;
	}
	note_merge(s, out->first_bad);
	reproduce(s, out);
	return 0;
}

static void take_found(struct br_session *s, struct br_result *out)
{
	out->line = s->line;
	out->reduced = s->reduced;
	out->subset = s->subset;
	out->hunks = s->hunks;
	out->metric = s->measured;
	out->profile = br_steal(&s->profile);
	out->profile_diff = br_steal(&s->profile_diff);
	s->line = (struct br_line_found){0};
	s->reduced = (struct br_reduced){0};
	s->subset = (struct br_subset_found){0};
	s->hunks = (struct br_hunks_found){0};
	s->measured = (struct br_metric_found){0};
}

int br_session_result(struct br_session *s, enum br_status status, char *const *candidate,
		      struct br_result *out, struct br_err *err)
{
	const struct br_trial *t;
	int r;

	*out = (struct br_result){.status = status, .confidence = NAN};
	out->id = br_asprintf("%lld", (long long)s->row.id);
	out->command = s->opt->argv ? br_strv_copy(s->opt->argv) : NULL;
	out->seconds = (double)br_session_busy_ns(s) / 1e9;
	out->tests_expected = s->tests_expected;
	out->state_dir = br_strdup_or_null(s->state_dir);
	copy_trials(s, out);
	take_found(s, out);
	r = fill_commits(s, status, candidate, out, err);
	if (r < 0) {
		br_result_done(out);
		return r;
	}
	out->message = message_for(s, status, out->ncandidate, out->first_bad);
	out->how_sure = br_strdup_or_null(s->how_sure);
	out->confirmed = status == BR_STATUS_ISOLATED && s->opt->confirm != BR_CONFIRM_OFF;
	out->note = br_strv_copy(s->note);
	t = br_session_telling(s, out->first_bad ? out->first_bad->oid : NULL);
	if (t) {
		out->failure = t->verdict.failure;
		out->evidence = br_log_tail(t, EVIDENCE_LINES);
	}
	return 0;
}
