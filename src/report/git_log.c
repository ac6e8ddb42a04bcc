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

static void say(struct br_buf *b, const struct br_result *r, const char *word, const char *oid)
{
	comment(b, r, word, oid);
	br_buf_fmt(b, "git bisect %s %s\n", word, oid);
}

/* As git quotes: single quotes, and what ends them or means something to old shells set apart. */
static void add_quoted(struct br_buf *b, const char *word)
{
	br_buf_str(b, " '");
	for (; *word; word++) {
		if (*word == '\'' || *word == '!')
			br_buf_fmt(b, "'\\%c'", *word);
		else
			br_buf_char(b, *word);
	}
	br_buf_char(b, '\'');
}

/* A log has no way to write a line break: without its paths it is a wider search, and still a right one. */
static void add_paths(struct br_buf *b, const struct br_result *r)
{
	for (size_t i = 0; r->path && r->path[i]; i++)
		if (strchr(r->path[i], '\n'))
			return;
	if (r->path && r->path[0])
		br_buf_str(b, " '--'");
	for (size_t i = 0; r->path && r->path[i]; i++)
		add_quoted(b, r->path[i]);
}

/* The first revision of the line is the new state: without it the old ones have to follow one by one. */
static void start(struct br_buf *b, const struct br_result *r)
{
	bool has_new = br_view_is_oid(r->bad);

	if (has_new)
		comment(b, r, new_term(r), r->bad);
	for (size_t i = 0; has_new && r->good && r->good[i]; i++)
		if (br_view_is_oid(r->good[i]))
			comment(b, r, old_term(r), r->good[i]);
	br_buf_str(b, "git bisect start");
	if (r->first_parent)
		br_buf_str(b, " '--first-parent'");
	if (r->fixed_mode)
		br_buf_str(b, " '--term-new=fixed' '--term-old=broken'");
	if (has_new)
		add_quoted(b, r->bad);
	for (size_t i = 0; has_new && r->good && r->good[i]; i++)
		if (br_view_is_oid(r->good[i]))
			add_quoted(b, r->good[i]);
	add_paths(b, r);
	br_buf_char(b, '\n');
	for (size_t i = 0; !has_new && r->good && r->good[i]; i++)
		if (br_view_is_oid(r->good[i]))
			say(b, r, old_term(r), r->good[i]);
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
static bool judged_after(const struct br_result *r, const char *oid, size_t from)
{
	for (size_t j = from; j < r->ntrial; j++)
		if (belongs(&r->trial[j]) && strcmp(oid, r->trial[j].item) == 0)
			return true;
	return false;
}

static void skipped_by_hand(struct br_buf *b, const struct br_result *r)
{
	for (size_t i = 0; r->skip && r->skip[i]; i++)
		if (br_view_is_oid(r->skip[i]) && !in_start(r, r->skip[i]) && !judged_after(r, r->skip[i], 0))
			say(b, r, "skip", r->skip[i]);
}

/* git goes on from the last bad one, whereas trials that run at once end in any order: the nearest comes last. */
static void trials(struct br_buf *b, const struct br_result *r)
{
	const char *last = r->bad;

	for (size_t i = 0; i < r->ntrial; i++) {
		const struct br_trial *t = &r->trial[i];
		const char *word = term(r, t->verdict.cls);

		if (!belongs(t) || in_start(r, t->item) || judged_after(r, t->item, i + 1))
			continue;
		say(b, r, word, t->item);
		if (strcmp(word, new_term(r)) == 0)
			last = t->item;
	}
	if (br_view_is_oid(r->nearest_bad) && (!last || strcmp(last, r->nearest_bad) != 0))
		say(b, r, new_term(r), r->nearest_bad);
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
	skipped_by_hand(&b, r);
	trials(&b, r);
	answer(&b, r);
	return br_buf_take(&b);
}
