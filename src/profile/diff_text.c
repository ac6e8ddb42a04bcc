/* diff_text.c - the comparison on one screen: what costs more, by how much, called more often or slower, and is it touched. */
#include "bisect_run/profile_diff.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { PATHS_SHOWN = 5, CODE_SHOWN = 5, CODE_WORDS_SHOWN = 8, ONLY_SHOWN = 12 };
/* Of the largest change: what is below stands with --verbose, or in the record. */
#define SHARE_SHOWN 0.001

struct page {
	struct br_buf b;
	const struct br_profile_diff *d;
	bool seconds;
};

static void put_number(struct page *p, double x, int width, int digits)
{
	if (isnan(x))
		br_buf_fmt(&p->b, "%*s", width, "");
	else
		br_buf_fmt(&p->b, "%*.*f", width, digits, x);
}

static void put_percall(struct page *p, double self, double calls)
{
	put_number(p, calls > 0 ? self / calls : NAN, 12, p->seconds ? 6 : 1);
}

static void put_label(struct page *p, const struct br_profile_delta *r)
{
	br_auto_free char *name = br_text_clean(r->function, strlen(r->function), false);
	br_auto_free char *file = r->file ? br_text_clean(r->file, strlen(r->file), false) : NULL;
	br_auto_free char *object = r->object ? br_text_clean(r->object, strlen(r->object), false) : NULL;

	if (file && r->line)
		br_buf_fmt(&p->b, "%s:%" PRIu32 "(%s)\n", file, r->line, name);
	else if (file)
		br_buf_fmt(&p->b, "%s(%s)\n", file, name);
	else if (object)
		br_buf_fmt(&p->b, "%s [%s]\n", name, object);
	else
		br_buf_fmt(&p->b, "%s\n", name);
}

static void put_row(struct page *p, const struct br_profile_delta *r)
{
	double all = p->d->total_bad - p->d->total_good;

	br_buf_fmt(&p->b, "%+*.*f ", 15, p->seconds ? 4 : 0, r->change);
	put_number(p, all != 0 ? 100 * r->change / all : NAN, 6, 1);
	br_buf_str(&p->b, "% ");
	put_number(p, r->calls_good, 11, 0);
	put_number(p, r->calls_bad, 11, 0);
	put_percall(p, r->self_good, r->calls_good);
	put_percall(p, r->self_bad, r->calls_bad);
	br_buf_fmt(&p->b, "  %-8s  ", br_touch_name(r->touched));
	put_label(p, r);
}

static void put_paths(struct page *p, size_t n)
{
	bool first = true;

	for (size_t i = 0; i < n && i < PATHS_SHOWN; i++) {
		br_auto_free char *clean = NULL;

		if (!p->d->row[i].path)
			continue;
		clean = br_text_clean(p->d->row[i].path, strlen(p->d->row[i].path), false);
		br_buf_fmt(&p->b, "%s   %s\n", first ? "\nhow they are reached\n" : "", clean);
		first = false;
	}
}

static void put_code_of(struct page *p, const struct br_profile_delta *r)
{
	br_auto_free char *name = br_text_clean(r->function, strlen(r->function), false);

	br_buf_fmt(&p->b, "   %s:", name);
	for (size_t i = 0; i < r->ncode && i < CODE_WORDS_SHOWN; i++) {
		const struct br_code_delta *c = &r->code[i];
		br_auto_free char *what = br_text_clean(c->what, strlen(c->what), false);

		br_buf_fmt(&p->b, "%s %s %" PRIu32 " -> %" PRIu32, i ? "," : "", what, c->good, c->bad);
	}
	if (r->ncode > CODE_WORDS_SHOWN)
		br_buf_fmt(&p->b, ", and %zu more", r->ncode - CODE_WORDS_SHOWN);
	br_buf_char(&p->b, '\n');
}

static void put_code(struct page *p, size_t n)
{
	bool first = true;

	for (size_t i = 0; i < n && i < CODE_SHOWN; i++) {
		if (!p->d->row[i].ncode)
			continue;
		if (first)
			br_buf_str(&p->b, "\ninstructions in the function, before -> after\n");
		first = false;
		put_code_of(p, &p->d->row[i]);
	}
}

static void put_only(struct page *p, const struct br_profile_only *only, const char *whose, bool all)
{
	size_t n = all || only->n < ONLY_SHOWN ? only->n : ONLY_SHOWN;

	if (only->n == 0)
		return;
	br_buf_fmt(&p->b, "\nentered by %s alone\n", whose);
	for (size_t i = 0; i < n; i++) {
		const struct br_profile_delta *r = &only->row[i];

		put_number(p, isnan(r->calls_bad) ? r->calls_good : r->calls_bad, 10, 0);
		br_buf_fmt(&p->b, " calls  %-8s  ", br_touch_name(r->touched));
		put_label(p, r);
	}
	if (n < only->n)
		br_buf_fmt(&p->b, "   and %zu more\n", only->n - n);
}

static void put_rest(struct page *p, size_t shown)
{
	const struct br_profile_diff *d = p->d;
	double all = d->total_bad - d->total_good;

	if (shown < d->nrow)
		br_buf_fmt(&p->b, "   and %zu with smaller changes\n", d->nrow - shown);
	if (d->hidden > 0)
		br_buf_fmt(&p->b, "   %zu changed by no more than chance explains (together %+.*f %s)\n",
			   d->hidden, p->seconds ? 4 : 0, d->hidden_change, d->unit);
	if (fabs(d->unexplained) > 0.01 * fabs(all))
		br_buf_fmt(&p->b, "   the functions explain all but %+.*f %s of the change\n",
			   p->seconds ? 4 : 0, d->unexplained, d->unit);
}

/* The first rows, in the order of their change but those that are next to nothing beside the largest. */
static size_t worth_showing(const struct br_profile_diff *d, size_t rows)
{
	size_t n = rows < d->nrow ? rows : d->nrow;

	for (size_t i = 1; i < d->nrow; i++)
		if (fabs(d->row[i].change) > fabs(d->row[i - 1].change))
			return n;
	while (n > 1 && fabs(d->row[n - 1].change) < SHARE_SHOWN * fabs(d->row[0].change))
		n--;
	return n;
}

char *br_profile_diff_text(const struct br_profile_diff *d, size_t rows)
{
	struct page p = {.d = d, .seconds = d->unit && strcmp(d->unit, "s") == 0};
	size_t n = rows > 0 ? worth_showing(d, rows) : d->nrow;
	int digits = p.seconds ? 3 : 0;

	br_buf_fmt(&p.b, "%.*f -> %.*f %s", digits, d->total_good, digits, d->total_bad,
		   d->unit ? d->unit : "");
	if (d->total_good > 0)
		br_buf_fmt(&p.b, " (%+.1f%%)", 100 * (d->total_bad / d->total_good - 1));
	br_buf_str(&p.b,
		   "\n\n         change   share      calls    -> calls    per call ->per call  diff      "
		   "filename:lineno(function)\n");
	for (size_t i = 0; i < n; i++)
		put_row(&p, &d->row[i]);
	put_rest(&p, n);
	put_paths(&p, n);
	put_code(&p, n);
	put_only(&p, &d->only_bad, "this commit", rows == 0);
	put_only(&p, &d->only_good, "its parent", rows == 0);
	return br_buf_take(&p.b);
}
