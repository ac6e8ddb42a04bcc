/* found.c - what was found besides a commit, in words. */
#include "report/found.h"

#include "base/mem.h"
#include "base/text.h"

#include <inttypes.h>
#include <string.h>

/* More items than these are read from the record. */
enum { ITEMS_SHOWN = 40 };

static void add_clean(struct br_buf *b, const char *s)
{
	br_auto_free char *clean = br_text_clean(s ? s : "?", s ? strlen(s) : 1, false);

	br_buf_str(b, clean);
}

static void say(struct br_buf *b, const char *before, const char *s, const char *after)
{
	br_buf_str(b, before);
	add_clean(b, s);
	br_buf_str(b, after);
}

static void line_text(struct br_buf *b, const struct br_line_found *l)
{
	if (!l->first_bad) {
		br_buf_fmt(b, "%" PRIu64 " may still be the first bad one\n", l->left);
		return;
	}
	say(b, "", l->first_bad, " is the first bad one");
	if (l->last_good)
		say(b, "; the last good one is ", l->last_good, "");
	br_buf_char(b, '\n');
}

static void reduced_text(struct br_buf *b, const struct br_reduced *r)
{
	say(b, "", r->path, " reduced");
	br_buf_fmt(b, " from %" PRIu64 " to %" PRIu64 " bytes: ", r->bytes_before, r->bytes_after);
	add_clean(b, r->result);
	br_buf_fmt(b, "\n%s\n",
		   r->minimal ? "no single piece of it can be taken away: each was tried"
			      : "smaller may be possible: not every piece was tried");
}

static void subset_text(struct br_buf *b, const struct br_subset_found *s)
{
	size_t n = br_strv_len(s->kept);

	br_buf_fmt(b, "%zu of %" PRIu64 " items %s%s:\n", n, s->before,
		   s->difference ? (n == 1 ? "makes a set fail that passes without it"
					   : "make a set fail that passes without them")
		   : n == 1	 ? "is enough to fail"
				 : "are enough to fail",
		   s->minimal && n > 1 && !s->difference ? ", and each of them is needed" : "");
	for (size_t i = 0; i < n && i < ITEMS_SHOWN; i++)
		say(b, "    ", s->kept[i], "\n");
	if (n > ITEMS_SHOWN)
		br_buf_fmt(b, "    ... and %zu more\n", n - ITEMS_SHOWN);
}

static void hunks_text(struct br_buf *b, const struct br_hunks_found *h)
{
	br_buf_fmt(b, "\n%zu of its %" PRIu64 " hunks %s enough to break it:\n", h->nkept, h->total,
		   h->nkept == 1 ? "is" : "are");
	for (size_t i = 0; i < h->nkept; i++) {
		const struct br_hunk_found *one = &h->kept[i];

		say(b, "    ", one->file, ":");
		br_buf_fmt(b, "%" PRIu32 "-%" PRIu32 "%s\n", one->new_start,
			   one->new_start + (one->new_lines ? one->new_lines - 1 : 0),
			   one->prerequisite ? " (needed by the others)" : "");
	}
	if (h->patch)
		say(b, "as a diff: ", h->patch, "\n");
	if (h->revert)
		say(b, "", h->revert, "\n");
}

static void side_text(struct br_buf *b, const char *name, const struct br_metric_values *v, const char *unit)
{
	br_buf_fmt(b, "    %-7s %.6g", name, v->median);
	say(b, *unit ? " " : "", unit, "");
	br_buf_fmt(b, " (%.6g to %.6g, %" PRIu64 " run%s)\n", v->low, v->high, v->n, v->n == 1 ? "" : "s");
}

static void metric_text(struct br_buf *b, const struct br_metric_found *m)
{
	const char *unit = m->unit ? m->unit : "";

	say(b, "\n", m->name, "");
	br_buf_fmt(b, ": %+.3g %%\n", 100 * m->change);
	side_text(b, "before", &m->good, unit);
	side_text(b, "after", &m->bad, unit);
}

bool br_found_any(const struct br_result *r)
{
	return r->line.kind || r->reduced.path || r->subset.path;
}

void br_found_text(struct br_buf *b, const struct br_result *r)
{
	if (r->line.kind)
		line_text(b, &r->line);
	if (r->reduced.path)
		reduced_text(b, &r->reduced);
	if (r->subset.path)
		subset_text(b, &r->subset);
	if (r->hunks.total)
		hunks_text(b, &r->hunks);
	if (r->metric.name)
		metric_text(b, &r->metric);
}

void br_found_quiet(struct br_buf *b, const struct br_result *r)
{
	if (r->line.first_bad)
		say(b, "", r->line.first_bad, "\n");
	if (r->reduced.result)
		say(b, "", r->reduced.result, "\n");
	for (size_t i = 0; r->subset.kept && r->subset.kept[i]; i++)
		say(b, "", r->subset.kept[i], "\n");
}
