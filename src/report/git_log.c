/* git_log.c - the search as `git bisect log` would write it, so that `git bisect replay` goes on from there. */
#include "bisect_run/report.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "report/view.h"

#include <string.h>

/* git's word for a verdict: with --broken and --fixed the terms are ours to choose, skip is always skip. */
static const char *term(const struct br_result *r, enum br_class cls)
{
	switch (cls) {
	case BR_GOOD:
		return r->fixed_mode ? "fixed" : "good";
	case BR_BAD:
		return r->fixed_mode ? "broken" : "bad";
	case BR_SKIP:
		break;
	}
	return "skip";
}

/* The state that is searched for, and the one before it. */
static const char *new_term(const struct br_result *r)
{
	return r->fixed_mode ? "fixed" : "bad";
}

static const char *old_term(const struct br_result *r)
{
	return r->fixed_mode ? "broken" : "good";
}

/* "# bad: [oid] subject": a comment for people, ignored by replay. The subject is one line whatever it holds. */
static void comment(struct br_buf *b, const struct br_result *r, const char *what, const char *oid)
{
	const struct br_commit_info *c = br_view_commit(r, oid);
	br_auto_free char *subject = NULL;

	if (c && c->subject)
		subject = br_text_clean(c->subject, strlen(c->subject), false);
	br_buf_fmt(b, "# %s: [%s]%s%s\n", what, oid, subject ? " " : "", subject ? subject : "");
}

static void start(struct br_buf *b, const struct br_result *r)
{
	if (br_view_is_oid(r->bad))
		comment(b, r, new_term(r), r->bad);
	for (size_t i = 0; r->good && r->good[i]; i++)
		if (br_view_is_oid(r->good[i]))
			comment(b, r, old_term(r), r->good[i]);
	br_buf_str(b, "git bisect start");
	if (r->fixed_mode)
		br_buf_str(b, " '--term-new=fixed' '--term-old=broken'");
	if (br_view_is_oid(r->bad))
		br_buf_fmt(b, " '%s'", r->bad);
	for (size_t i = 0; r->good && r->good[i]; i++)
		if (br_view_is_oid(r->good[i]))
			br_buf_fmt(b, " '%s'", r->good[i]);
	br_buf_char(b, '\n');
}

static bool in_start(const struct br_result *r, const char *oid)
{
	for (size_t i = 0; r->good && r->good[i]; i++)
		if (strcmp(r->good[i], oid) == 0)
			return true;
	return r->bad && strcmp(r->bad, oid) == 0;
}

static bool belongs(const struct br_trial *t)
{
	return (t->phase == BR_PHASE_ENDS || t->phase == BR_PHASE_SEARCH) && br_view_is_oid(t->item);
}

/* A commit that was tested more than once counts once, as it was judged last: git takes two words on one commit amiss. */
static bool judged_again(const struct br_result *r, size_t i)
{
	for (size_t j = i + 1; j < r->ntrial; j++)
		if (belongs(&r->trial[j]) && strcmp(r->trial[i].item, r->trial[j].item) == 0)
			return true;
	return false;
}

static void answer(struct br_buf *b, const struct br_result *r)
{
	const char *word = new_term(r);
	br_auto_free char *what = NULL;

	if (r->status == BR_STATUS_ISOLATED && r->first_bad && br_view_is_oid(r->first_bad->oid)) {
		what = br_asprintf("first %s commit", word);
		comment(b, r, what, r->first_bad->oid);
	} else if (r->status == BR_STATUS_NARROWED) {
		what = br_asprintf("possible first %s commit", word);
		br_buf_str(b, "# only skipped commits left to test\n");
		for (size_t i = 0; i < r->ncandidate; i++)
			if (br_view_is_oid(r->candidate[i].oid))
				comment(b, r, what, r->candidate[i].oid);
	}
}

char *br_report_git_log(const struct br_result *r)
{
	struct br_buf b = {0};

	start(&b, r);
	for (size_t i = 0; i < r->ntrial; i++) {
		const struct br_trial *t = &r->trial[i];

		if (!belongs(t) || in_start(r, t->item) || judged_again(r, i))
			continue;
		comment(&b, r, term(r, t->verdict.cls), t->item);
		br_buf_fmt(&b, "git bisect %s %s\n", term(r, t->verdict.cls), t->item);
	}
	answer(&b, r);
	return br_buf_take(&b);
}
