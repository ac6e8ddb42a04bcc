/* watch.c - hooks that look on: what they say never changes a verdict (only pre-trial may say skip). */
#include "app/session.h"

#include "base/mem.h"
#include "bisect_run/err.h"
#include "bisect_run/report.h"

#include <math.h>
#include <stdio.h>

enum { HOOK_LIMIT_MS = 10000 };

static int run(struct br_session *s, const char *kind, const struct br_result *r)
{
	struct br_err err = {0};
	br_auto_free char *json = br_report_json(r);
	int code = br_hooks_run(s->hooks, kind, json, s->env, HOOK_LIMIT_MS, &err);

	if (code < 0)
		br_session_note(s, "hook %s: %s", kind, err.msg);
	return code;
}

int br_watch_trial(struct br_session *s, const char *kind, const struct br_trial *t)
{
	char id[24];
	struct br_trial copy = *t;
	struct br_result r = {.id = id,
			      .status = BR_STATUS_TRIED,
			      .command = s->opt->argv,
			      .confidence = NAN,
			      .trial = &copy,
			      .ntrial = 1};

	if (!s->hooks || br_hooks_count(s->hooks, kind) == 0)
		return 0;
	(void)snprintf(id, sizeof id, "%lld", (long long)s->row.id);
	return run(s, kind, &r);
}

int br_watch_search(struct br_session *s, const char *kind, const struct br_result *result)
{
	char id[24];
	struct br_result r = {.id = id, .status = BR_STATUS_INTERRUPTED, .command = s->opt->argv, .confidence = NAN};

	if (!s->hooks || br_hooks_count(s->hooks, kind) == 0)
		return 0;
	(void)snprintf(id, sizeof id, "%lld", (long long)s->row.id);
	return run(s, kind, result ? result : &r);
}
