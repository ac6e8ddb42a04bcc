/*
 * units_diff.c - passes over a unified diff, as git and diff write it: the files' sections, then the hunks.
 *
 * A hunk is as long as its header says, so that nothing in it is taken for a header. What stands before the first section stays.
 */
#include "search/units_private.h"

#include <string.h>

struct hunk {
	size_t a, b;
};

/* Where reading stands. */
struct reader {
	const char *text;
	size_t n, at;
};

static size_t line_end(const struct reader *r, size_t at)
{
	const char *end = at < r->n ? memchr(r->text + at, '\n', r->n - at) : NULL;

	return end ? (size_t)(end - r->text) + 1 : r->n;
}

static bool begins(const struct reader *r, size_t at, const char *with)
{
	size_t len = strlen(with);

	return at <= r->n && r->n - at >= len && memcmp(r->text + at, with, len) == 0;
}

static bool begins_section(const struct reader *r, size_t at)
{
	return begins(r, at, "diff --git ") || (begins(r, at, "--- ") && begins(r, line_end(r, at), "+++ "));
}

/* "-A,B" or "-A": how many lines. Moves *at behind it. */
static size_t count_after(const struct reader *r, size_t *at)
{
	size_t n[2] = {0, 1};
	int k = 0;

	for (++*at; *at < r->n; ++*at) {
		char c = r->text[*at];

		if (c >= '0' && c <= '9' && n[k] < SIZE_MAX / 100)
			n[k] = 10 * n[k] + (size_t)(c - '0');
		else if (c == ',' && k == 0)
			n[k = 1] = 0;
		else
			break;
	}
	return n[1];
}

/* The hunk at r->at; moves behind it. false: there is none. */
static bool read_hunk(struct reader *r, struct hunk *out)
{
	size_t at = r->at + strlen("@@ "), gone, come;

	if (!begins(r, r->at, "@@ -"))
		return false;
	gone = count_after(r, &at);
	at++;
	come = count_after(r, &at);
	out->a = r->at;
	at = line_end(r, r->at);
	while (at < r->n && (gone > 0 || come > 0 || r->text[at] == '\\')) {
		char c = r->text[at];

		if (c != '-' && c != '+' && c != ' ' && c != '\n' && c != '\\')
			break;
		gone -= gone > 0 && c != '+' && c != '\\';
		come -= come > 0 && c != '-' && c != '\\';
		at = line_end(r, at);
	}
	out->b = r->at = at;
	return true;
}

/* Moves behind the section at r->at; hunks are numbered, the first one and how many there are is told. */
static size_t skip_section(struct reader *r)
{
	struct hunk h;
	size_t hunks = 0;
	bool git = begins(r, r->at, "diff --git ");

	do
		r->at = line_end(r, r->at);
	while (r->at < r->n && !begins(r, r->at, "@@ -") &&
	       (git ? !begins(r, r->at, "diff --git ") : !begins_section(r, r->at)));
	while (read_hunk(r, &h))
		hunks++;
	return hunks;
}

static void plan_hunks(struct br_plan *plan, uint32_t file, struct reader r)
{
	struct hunk h;

	while (r.at < r.n && !begins(&r, r.at, "@@ -"))
		r.at = line_end(&r, r.at);
	while (read_hunk(&r, &h)) {
		br_plan_unit(plan);
		br_plan_cut(plan, file, h.a, h.b);
	}
}

void br_units_diff(struct br_plan *plan, uint32_t file, const struct br_part *part, bool hunks)
{
	struct reader r = {.text = part->data, .n = part->n};

	while (r.at < r.n) {
		struct reader section = r;

		if (!begins_section(&r, r.at)) {
			r.at = line_end(&r, r.at);
			continue;
		}
		if (skip_section(&r) > 1 && hunks) {
			plan_hunks(plan, file, (struct reader){r.text, r.at, section.at});
			continue;
		}
		/* Without its only hunk a file's header would say nothing. */
		br_plan_unit(plan);
		br_plan_cut(plan, file, section.at, r.at);
	}
}
