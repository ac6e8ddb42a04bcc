/* text.c - the result for people: the answer first, then why it is believed, then where to look on. */
#include "bisect_run/report.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "report/found.h"
#include "report/profile_text.h"
#include "report/view.h"

#include <stdio.h>
#include <string.h>

#define FILES_SHOWN 20
#define STACK_LINES 24
#define SHORT_OID 12 /* as `Fixes:` lines have it by custom, whatever this repository needs today */

/* A report as it is written. */
struct page {
	struct br_buf b;
	const struct br_result *r;
	const struct br_text_style *style;
};

enum ink { INK_PLAIN, INK_BOLD, INK_OID, INK_GOOD, INK_BAD, INK_SKIP, INK_DIM };

static const char *const inks[] = {"", "\033[1m", "\033[33m", "\033[32m", "\033[31m", "\033[33m", "\033[2m"};

static void put(struct page *p, enum ink ink, const char *s)
{
	bool colored = p->style->color && ink != INK_PLAIN;

	if (colored)
		br_buf_str(&p->b, inks[ink]);
	br_buf_str(&p->b, s);
	if (colored)
		br_buf_str(&p->b, "\033[m");
}

/* What others wrote, on one line. */
static void put_clean(struct page *p, enum ink ink, const char *s)
{
	br_auto_free char *clean = br_text_clean(s, strlen(s), false);

	put(p, ink, clean);
}

static bool given(const char *s)
{
	return s && *s;
}

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

/* Ends the text after at most width characters (code points stand for columns), with "..." where something is missing. */
static void clip(char *text, size_t width)
{
	size_t column = 0;
	char *keep = text;

	if (width < 4)
		return;
	for (char *at = text; *at; at++) {
		if (((unsigned char)*at & 0xC0) == 0x80)
			continue;
		if (column == width - 3)
			keep = at;
		if (column++ == width) {
			memcpy(keep, "...", 4); /* at least three characters follow keep */
			return;
		}
	}
}

static size_t room(const struct page *p, size_t used)
{
	size_t width = p->style->width > 0 ? (size_t)p->style->width : 0;

	return width == 0 ? 0 : width > used + 20 ? width - used : 20;
}

/* Lines of text from elsewhere, each indented; a final newline is not a line. */
static void put_indented(struct page *p, enum ink ink, const char *text)
{
	br_auto_free char *clean = br_text_clean(text, strlen(text), true);

	for (char *line = clean, *next; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (*line) {
			br_buf_str(&p->b, "    ");
			put(p, ink, line);
		}
		br_buf_char(&p->b, '\n');
	}
}

static const char *short_oid(const struct br_commit_info *c)
{
	return given(c->short_oid) ? c->short_oid : given(c->oid) ? c->oid : "?";
}

/* The first most characters of an id. They are hexadecimal digits when we wrote it; a result read back holds what somebody wrote. */
static char *clean_id(const char *id, size_t most)
{
	char *clean = br_text_clean(id, strlen(id), false);

	for (char *at = clean; *at; at++)
		if (((unsigned char)*at & 0xC0) != 0x80 && most-- == 0) {
			*at = '\0';
			break;
		}
	return clean;
}

static void put_id(struct page *p, const char *id, size_t most)
{
	br_auto_free char *clean = clean_id(id, most);

	put(p, INK_OID, clean);
}

static const char *what(const struct br_result *r)
{
	return r->fixed_mode ? "fixed" : "bad";
}

/* With --broken and --fixed a good verdict (the command passed) is the fixed state. */
static const char *verdict_word(const struct br_result *r, enum br_class cls)
{
	if (!r->fixed_mode || cls == BR_SKIP)
		return br_class_name(cls);
	return cls == BR_GOOD ? "fixed" : "broken";
}

static enum ink verdict_ink(enum br_class cls)
{
	if (cls == BR_SKIP)
		return INK_SKIP;
	return cls == BR_GOOD ? INK_GOOD : INK_BAD;
}

static void put_files(struct page *p, const struct br_commit_info *c)
{
	size_t shown = c->nfile > FILES_SHOWN ? FILES_SHOWN : c->nfile;

	if (c->nfile == 0)
		return;
	br_buf_char(&p->b, '\n');
	for (size_t i = 0; i < shown; i++) {
		br_buf_str(&p->b, "    ");
		put_clean(p, INK_PLAIN, c->file[i]);
		br_buf_char(&p->b, '\n');
	}
	if (c->nfile > shown)
		br_buf_fmt(&p->b, "    ... and %zu more\n", c->nfile - shown);
}

static void put_commit(struct page *p, const struct br_commit_info *c)
{
	char date[BR_VIEW_DATE_SIZE];

	br_buf_str(&p->b, "    ");
	put_clean(p, INK_BOLD, given(c->subject) ? c->subject : "(no subject)");
	br_buf_str(&p->b, "\n    Author: ");
	put_clean(p, INK_PLAIN, given(c->author) ? c->author : "?");
	if (given(c->email)) {
		br_buf_str(&p->b, " <");
		put_clean(p, INK_PLAIN, c->email);
		br_buf_char(&p->b, '>');
	}
	br_buf_fmt(&p->b, "\n    Date:   %s\n", br_view_date(c, false, date, sizeof date));
	if (c->nparent > 1) {
		br_buf_str(&p->b, "    Merge: ");
		for (size_t i = 0; i < c->nparent; i++) {
			br_buf_char(&p->b, ' ');
			put_id(p, c->parent[i], SHORT_OID);
		}
		br_buf_char(&p->b, '\n');
	}
	put_files(p, c);
}

/* For the message of the commit that will repair it. Without colour: it is for pasting. */
static void put_fixes(struct page *p, const struct br_commit_info *c)
{
	bool too_short = strlen(short_oid(c)) < SHORT_OID && c->oid;
	br_auto_free char *id = clean_id(too_short ? c->oid : short_oid(c), too_short ? SHORT_OID : SIZE_MAX);

	br_buf_fmt(&p->b, "\nFixes: %s (\"", id);
	put_clean(p, INK_PLAIN, c->subject ? c->subject : "");
	br_buf_str(&p->b, "\")\n");
}

static void put_line(struct page *p, const char *text)
{
	if (!given(text))
		return;
	put_clean(p, INK_PLAIN, text);
	br_buf_char(&p->b, '\n');
}

/* "11 tests in 12 s". */
static void put_effort(struct page *p)
{
	const struct br_result *r = p->r;
	char took[32];
	uint64_t ns = r->seconds > 0 && r->seconds < 1.8e10 ? (uint64_t)(r->seconds * 1e9 + 0.5) : 0;

	if (r->trials_run == 0)
		return;
	br_buf_fmt(&p->b, "%ju test%s in %s\n", (uintmax_t)r->trials_run, plural(r->trials_run),
		   br_format_duration(ns, took, sizeof took));
}

static void put_log(struct page *p)
{
	const struct br_trial *t = br_view_telling(p->r);

	if (!t)
		return;
	br_buf_str(&p->b, "log: ");
	put_clean(p, INK_PLAIN, t->outcome.log_path);
	br_buf_char(&p->b, '\n');
}

static void put_failure(struct page *p)
{
	const struct br_failure *f = &p->r->failure;

	if (!f->kind[0] || (!f->message[0] && !f->type[0] && !f->nframe))
		return;
	br_buf_str(&p->b, "failure: ");
	put_clean(p, INK_PLAIN, f->type[0] ? f->type : f->kind);
	if (f->message[0]) {
		br_buf_str(&p->b, ": ");
		put_clean(p, INK_PLAIN, f->message);
	}
	for (uint32_t i = 0; i < f->nframe && i < 3; i++) {
		br_buf_str(&p->b, i ? ", " : " in ");
		put_clean(p, INK_PLAIN, f->frame[i]);
	}
	br_buf_char(&p->b, '\n');
}

static void put_notes(struct page *p)
{
	for (size_t i = 0; p->r->note && p->r->note[i]; i++) {
		put(p, INK_SKIP, "note:");
		br_buf_char(&p->b, ' ');
		put_clean(p, INK_PLAIN, p->r->note[i]);
		br_buf_char(&p->b, '\n');
	}
}

static void put_reproduce(struct page *p)
{
	if (!given(p->r->reproduce))
		return;
	br_buf_str(&p->b, "\nto see it by hand:\n");
	put_indented(p, INK_PLAIN, p->r->reproduce);
}

static void put_evidence(struct page *p)
{
	if (!given(p->r->evidence))
		return;
	br_buf_str(&p->b, "\nthe last lines of its output:\n");
	put_indented(p, INK_DIM, p->r->evidence);
}

/* Its first lines; the file has the rest. */
static void put_stack(struct page *p)
{
	const struct br_result *r = p->r;
	br_auto_free char *head = NULL;
	const char *end = r->stack;

	if (!given(r->stack))
		return;
	for (size_t lines = 0; *end && lines < STACK_LINES; lines++)
		end += strcspn(end, "\n") + (end[strcspn(end, "\n")] == '\n');
	head = br_strndup(r->stack, (size_t)(end - r->stack));
	br_buf_str(&p->b, r->failure.kind[0] && strcmp(r->failure.kind, "timeout") == 0
				  ? "\nwhere it was when its time was over:\n"
				  : "\nwhere it crashed:\n");
	put_indented(p, INK_DIM, head);
	if (*end)
		br_buf_str(&p->b, "    ...\n");
	if (r->stack_file) {
		br_buf_str(&p->b, "all threads: ");
		put_clean(p, INK_PLAIN, r->stack_file);
		br_buf_char(&p->b, '\n');
	}
	if (r->core) {
		br_buf_str(&p->b, "core file: ");
		put_clean(p, INK_PLAIN, r->core);
		br_buf_char(&p->b, '\n');
	}
}

/* What every report ends with. */
static void put_tail(struct page *p)
{
	put_effort(p);
	put_failure(p);
	put_log(p);
	put_stack(p);
	put_notes(p);
	put_reproduce(p);
}

static void isolated(struct page *p)
{
	const struct br_commit_info *c = p->r->first_bad;

	if (!c) {
		if (!br_found_any(p->r))
			put_line(p, p->r->message);
		br_found_text(&p->b, p->r);
		br_buf_char(&p->b, '\n');
		put_line(p, p->r->how_sure);
		put_tail(p);
		return;
	}
	put_id(p, short_oid(c), SIZE_MAX);
	br_buf_fmt(&p->b, " is the first %s commit\n\n", what(p->r));
	put_commit(p, c);
	if (!p->r->fixed_mode) /* the commit that repaired something is not what a fix refers to */
		put_fixes(p, c);
	br_found_text(&p->b, p->r);
	br_buf_char(&p->b, '\n');
	put_line(p, p->r->how_sure);
	br_profile_put(&p->b, p->r, p->style);
	put_tail(p);
}

/* Why the candidate could not be tested, as its last trial says; NULL: it was not tried, or could be. */
static const char *skipped_why(const struct br_result *r, const char *oid)
{
	const char *why = NULL;

	for (size_t i = r->ntrial; oid && !why && i > 0; i--) {
		const struct br_trial *t = &r->trial[i - 1];

		if (t->item && strcmp(t->item, oid) == 0 && t->outcome.end != BR_END_CANCELLED)
			why = t->verdict.cls == BR_SKIP ? t->verdict.why : "";
	}
	return why && *why ? why : NULL;
}

/* The reason has room of its own: a long subject gives way to it. */
#define WHY_WIDTH 40
/* Each is looked up among all trials: nobody reads the reasons of a thousand. */
#define WHY_CANDIDATES 500

static void put_candidates(struct page *p)
{
	for (size_t i = 0; i < p->r->ncandidate; i++) {
		const struct br_commit_info *c = &p->r->candidate[i];
		const char *s = c->subject ? c->subject : "";
		const char *why = i < WHY_CANDIDATES ? skipped_why(p->r, c->oid) : NULL;
		br_auto_free char *subject = br_text_clean(s, strlen(s), false);
		br_auto_free char *reason = br_text_clean(why ? why : "", why ? strlen(why) : 0, false);

		clip(reason, WHY_WIDTH);
		clip(subject, room(p, strlen(short_oid(c)) + 5 + (why ? strlen(reason) + 3 : 0)));
		br_buf_str(&p->b, "    ");
		put_id(p, short_oid(c), given(c->short_oid) ? SIZE_MAX : SHORT_OID);
		br_buf_fmt(&p->b, "%s%s", *subject ? " " : "", subject);
		if (why) {
			br_auto_free char *bracketed = br_asprintf(" (%s)", reason);

			put(p, INK_SKIP, bracketed);
		}
		br_buf_char(&p->b, '\n');
	}
}

static void narrowed(struct page *p)
{
	const struct br_result *r = p->r;

	if (given(r->message))
		put_clean(p, INK_BOLD, r->message);
	else
		br_buf_fmt(&p->b, "narrowed to %zu commit%s; only skipped commits are left to test",
			   r->ncandidate, plural(r->ncandidate));
	br_buf_char(&p->b, '\n');
	if (r->ncandidate > 0) {
		br_buf_fmt(&p->b, "\nthe first %s commit is one of these:\n", what(r));
		put_candidates(p);
	}
	br_found_text(&p->b, r);
	br_buf_char(&p->b, '\n');
	put_line(p, r->how_sure);
	put_tail(p);
}

static void not_reproduced(struct page *p)
{
	put_clean(p, INK_BOLD,
		  given(p->r->message) ? p->r->message : "not reproduced: the ends do not differ");
	br_buf_char(&p->b, '\n');
	put_evidence(p);
	br_buf_char(&p->b, '\n');
	put_line(p, p->r->how_sure);
	put_tail(p);
}

static void stopped(struct page *p)
{
	const struct br_result *r = p->r;

	put_line(p, given(r->message) ? r->message : br_status_name(r->status));
	if (r->has_commits && r->ncandidate > 0)
		br_buf_fmt(&p->b, "%zu of %ju commits may still be the first %s one\n", r->ncandidate,
			   (uintmax_t)(r->candidates_at_start > r->ncandidate ? r->candidates_at_start
									      : r->ncandidate),
			   what(r));
	br_found_text(&p->b, r);
	put_evidence(p);
	put_tail(p);
}

/* "bad: exit 1 (0.3 s)". */
static void tried(struct page *p)
{
	const struct br_trial *t = br_view_tried(p->r);
	char took[32];

	if (!t) {
		put_line(p, p->r->message);
		put_notes(p);
		return;
	}
	put(p, verdict_ink(t->verdict.cls), verdict_word(p->r, t->verdict.cls));
	if (t->verdict.why[0]) {
		br_buf_str(&p->b, ": ");
		put_clean(p, INK_PLAIN, t->verdict.why);
	}
	if (t->outcome.wall_ns > 0)
		br_buf_fmt(&p->b, " (%s)", br_format_duration(t->outcome.wall_ns, took, sizeof took));
	br_buf_char(&p->b, '\n');
	put_failure(p);
	put_evidence(p);
	put_log(p);
	put_stack(p);
	br_profile_put(&p->b, p->r, p->style);
	put_notes(p);
	put_reproduce(p);
}

#define ITEM_WIDTH 14

static void put_item(struct page *p, const char *item)
{
	br_auto_free char *clean = br_text_clean(item, strlen(item), false);
	size_t columns = 0;

	if (br_view_is_oid(item))
		clean[SHORT_OID] = '\0';
	clip(clean, ITEM_WIDTH);
	br_buf_str(&p->b, clean);
	for (const char *at = clean; *at; at++)
		columns += ((unsigned char)*at & 0xC0) != 0x80;
	for (; columns < ITEM_WIDTH; columns++)
		br_buf_char(&p->b, ' ');
}

static void put_row(struct page *p, const struct br_trial *t)
{
	const char *word = verdict_word(p->r, t->verdict.cls);
	br_auto_free char *why = br_text_clean(t->verdict.why, strlen(t->verdict.why), false);
	char took[32];

	br_buf_fmt(&p->b, "%5ju  %-7s  ", (uintmax_t)t->n, br_phase_name(t->phase));
	put_item(p, t->item ? t->item : "-");
	br_buf_str(&p->b, "  ");
	put(p, verdict_ink(t->verdict.cls), word);
	br_buf_fmt(&p->b, "%*s  %9s  ", (int)(7 - strlen(word)), "",
		   t->cached ? "cached" : br_format_duration(t->outcome.wall_ns, took, sizeof took));
	clip(why, room(p, 52));
	br_buf_fmt(&p->b, "%s%s\n", why, t->amended ? " (corrected by hand)" : "");
}

static void put_table(struct page *p)
{
	if (p->r->ntrial == 0 || p->r->status == BR_STATUS_TRIED)
		return;
	br_buf_fmt(&p->b, "\n%5s  %-7s  %-*s  %-7s  %9s  %s\n", "test", "phase", ITEM_WIDTH, "commit",
		   "verdict", "time", "why");
	for (size_t i = 0; i < p->r->ntrial; i++)
		put_row(p, &p->r->trial[i]);
}

/* The answer alone, for scripts; nothing where there is none. */
static void quiet(struct page *p)
{
	const struct br_result *r = p->r;

	if (r->status == BR_STATUS_ISOLATED && r->first_bad)
		put_line(p, r->first_bad->oid);
	else if (br_found_any(r))
		br_found_quiet(&p->b, r);
	else if (r->status == BR_STATUS_NARROWED)
		for (size_t i = 0; i < r->ncandidate; i++)
			put_line(p, r->candidate[i].oid);
	else if (r->status == BR_STATUS_TRIED && r->ntrial > 0)
		put_line(p, verdict_word(r, br_view_tried(r)->verdict.cls));
}

static void whole(struct page *p)
{
	switch (p->r->status) {
	case BR_STATUS_ISOLATED:
		isolated(p);
		break;
	case BR_STATUS_NARROWED:
		narrowed(p);
		break;
	case BR_STATUS_NOT_REPRODUCED:
		not_reproduced(p);
		break;
	case BR_STATUS_INTERRUPTED:
	case BR_STATUS_ERROR:
		stopped(p);
		break;
	case BR_STATUS_TRIED:
		tried(p);
		break;
	}
	if (p->style->verbose > 0)
		put_table(p);
}

char *br_report_text(const struct br_result *r, const struct br_text_style *style)
{
	struct page p = {.r = r, .style = style};

	if (style->verbose < 0)
		quiet(&p);
	else
		whole(&p);
	return br_buf_take(&p.b);
}
