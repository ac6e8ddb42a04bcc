/* profile_text.c - the functions in a result for people: of one run, or of the culprit against its parent. */
#include "report/profile_text.h"

#include "base/mem.h"
#include "base/text.h"

#include <string.h>

enum { FUNCTIONS_SHOWN = 25, CHANGES_SHOWN = 15 };

static void put_clean(struct br_buf *b, const char *before, const char *text)
{
	br_auto_free char *clean = text ? br_text_clean(text, strlen(text), false) : NULL;

	br_buf_fmt(b, "%s%s", before, clean ? clean : "");
}

static void put_raw(struct br_buf *b, const char *raw)
{
	if (!raw)
		return;
	put_clean(b, "\nraw profiles and exports: ", raw);
	br_buf_char(b, '\n');
}

/* What costs more than at the parent. */
static void put_diff(struct br_buf *b, const struct br_profile_diff *d, bool all)
{
	br_auto_free char *table = br_profile_diff_text(d, all ? 0 : CHANGES_SHOWN);

	put_clean(b, "\nprofile by ", d->profiler);
	br_buf_fmt(b, ", parent -> this commit: %s", table);
	put_raw(b, d->raw_bad);
}

static void put_one(struct br_buf *b, const struct br_profile *p, enum br_profile_sort sort, bool all)
{
	br_auto_free char *table = br_profile_text(p, sort, all ? 0 : FUNCTIONS_SHOWN);

	put_clean(b, "\nprofile by ", p->profiler);
	br_buf_fmt(b, "\n\n%s", table);
	put_raw(b, p->raw);
}

void br_profile_put(struct br_buf *b, const struct br_result *r, const struct br_text_style *style)
{
	bool all = style->verbose > 0;

	if (r->profile_diff)
		put_diff(b, r->profile_diff, all);
	else if (r->profile)
		put_one(b, r->profile, style->sort, all);
}
