/* watch.c - hooks that look on: what they say never changes a verdict (only pre-trial may say skip). */
#include "app/session.h"

#include "base/mem.h"
#include "bisect_run/err.h"
#include "bisect_run/report.h"

#include <math.h>
#include <stdio.h>

enum { HOOK_LIMIT_MS = 10000 };

static int run(struct br_session *s, const char *kind, const struct br_result *r, const struct br_trial *t)
{
	struct br_err err = {0};
	br_auto_free char *json = br_report_hook(r, kind, t);
	int code = br_hooks_run(s->hooks, kind, json, s->env, HOOK_LIMIT_MS, &err);

	if (code < 0)
		br_session_note(s, "hook %s: %s", kind, err.msg);
	return code;
}

static bool wanted(const struct br_session *s, const char *kind)
{
	return s->hooks && br_hooks_count(s->hooks, kind) > 0;
}

/* What is known of the search while it runs. Borrowed members only. */
static struct br_result so_far(const struct br_session *s, char id[24])
{
	struct br_result r = {.id = id,
			      .status = BR_STATUS_INTERRUPTED,
			      .command = s->opt->argv,
			      .confidence = NAN,
			      .has_commits = br_options_has_commits(s->opt),
			      .fixed_mode = s->fixed_mode,
			      .good = s->good,
			      .bad = s->bad};

	(void)snprintf(id, 24, "%lld", (long long)s->row.id);
	return r;
}

int br_watch_trial(struct br_session *s, const char *kind, const struct br_trial *t)
{
	char id[24];
	struct br_result r = so_far(s, id);

	return wanted(s, kind) ? run(s, kind, &r, t) : 0;
}

int br_watch_search(struct br_session *s, const char *kind, const struct br_result *result)
{
	char id[24];
	struct br_result r = so_far(s, id);

	return wanted(s, kind) ? run(s, kind, result ? result : &r, NULL) : 0;
}

void br_watch_refused(struct br_session *s)
{
	const char *line;

	for (size_t i = 0; (line = br_hooks_refused(s->hooks, i)); i++)
		br_session_note(s, "%s", line);
}
