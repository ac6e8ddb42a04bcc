/* show_profile.c - show --profile: the table of one side, or the comparison, from what a search left. */
#include "app/show_profile.h"

#include "app/finish.h"
#include "base/mem.h"
#include "base/text.h"
#include "bisect_run/err.h"
#include "bisect_run/profile_diff.h"
#include "bisect_run/report.h"
#include "sys/file.h"

#include <stdio.h>
#include <string.h>

enum { ROWS_SHOWN = 25 };
#define EXPORT_MAX_B ((size_t)256 << 20)

static bool is(const struct br_options *o, const char *side)
{
	return strcmp(o->side, side) == 0;
}

static int print(const char *text, struct br_err *err)
{
	return fputs(text, stdout) < 0 ? br_fail_errno(err, "cannot write to standard output") : 0;
}

/* The folder with the raw profile of what was asked for; NULL: that is not there. */
static const char *raw_of(const struct br_result *r, const struct br_options *o)
{
	if (r->profile_diff)
		return is(o, "good") ? r->profile_diff->raw_good : r->profile_diff->raw_bad;
	return is(o, "auto") ? r->profile->raw : NULL;
}

static int print_one(const char *raw, const struct br_options *o, struct br_err *err)
{
	br_auto_free char *path = br_asprintf("%s/profile.json", raw);
	br_auto_free char *text = NULL, *table = NULL, *page = NULL;
	struct br_profile p = {0};
	size_t n;
	int rc = br_file_read(path, EXPORT_MAX_B, &text, &n, err);

	if (rc == 0 && o->json)
		return print(text, err);
	if (rc == 0)
		rc = br_profile_json_read(text, &p, err);
	if (rc < 0)
		return br_wrap(err, "the profile of the search");
	table = br_profile_text(&p, br_sort_of(o), o->verbose > 0 ? 0 : ROWS_SHOWN);
	page = br_asprintf("profile by %s\n\n%s\nraw profiles and exports: %s\n",
			   p.profiler ? p.profiler : "a hook", table, raw);
	br_profile_done(&p);
	return print(page, err);
}

static int print_diff(const struct br_profile_diff *d, const struct br_options *o, struct br_err *err)
{
	br_auto_free char *table =
		o->json ? br_profile_diff_json(d) : br_profile_diff_text(d, o->verbose > 0 ? 0 : ROWS_SHOWN);
	br_auto_free char *page = br_asprintf("profile by %s, parent -> this commit: %s",
					      d->profiler ? d->profiler : "a hook", table);

	return print(o->json ? table : page, err);
}

int br_show_profile(const struct br_result *r, const struct br_options *o, struct br_err *err)
{
	const char *raw;

	if (!r->profile && !r->profile_diff)
		return br_fail(err, BR_ENOTFOUND, "search %s has no profile; --profile NAME makes one",
			       r->id);
	if (r->profile_diff && (is(o, "diff") || is(o, "auto")))
		return print_diff(r->profile_diff, o, err);
	raw = raw_of(r, o);
	if (!raw)
		return br_fail(err, BR_ENOTFOUND,
			       "search %s has one profile and no sides; show %s --profile prints it", r->id,
			       r->id);
	return print_one(raw, o, err);
}
