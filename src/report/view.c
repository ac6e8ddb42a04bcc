/* view.c - what the reports have in common. */
#include "report/view.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

bool br_view_is_oid(const char *s)
{
	size_t n = s ? strspn(s, "0123456789abcdef") : 0;

	return (n == 40 || n == 64) && s[n] == '\0';
}

const char *br_view_date(const struct br_commit_info *c, bool iso, char *buf, size_t size)
{
	int minutes = c->offset_min < 0 ? -c->offset_min : c->offset_min;
	char day[24], clock[12];
	struct tm tm;
	time_t local;

	if (minutes >= 100 * 60 || __builtin_add_overflow(c->date, (int64_t)c->offset_min * 60, &local) ||
	    !gmtime_r(&local, &tm) || tm.tm_year > 9999 - 1900 || tm.tm_year < -1900) {
		(void)snprintf(buf, size, "@%jd", (intmax_t)c->date);
		return buf;
	}
	(void)strftime(day, sizeof day, "%Y-%m-%d", &tm);
	(void)strftime(clock, sizeof clock, "%H:%M:%S", &tm);
	(void)snprintf(buf, size, iso ? "%sT%s%c%02d:%02d" : "%s %s %c%02d%02d", day, clock,
		       c->offset_min < 0 ? '-' : '+', minutes / 60, minutes % 60);
	return buf;
}

const struct br_commit_info *br_view_commit(const struct br_result *r, const char *oid)
{
	if (r->first_bad && r->first_bad->oid && strcmp(r->first_bad->oid, oid) == 0)
		return r->first_bad;
	for (size_t i = 0; i < r->ncandidate; i++)
		if (r->candidate[i].oid && strcmp(r->candidate[i].oid, oid) == 0)
			return &r->candidate[i];
	return NULL;
}

const struct br_trial *br_view_tried(const struct br_result *r)
{
	size_t i = r->ntrial;

	while (i > 1 && r->trial[i - 1].phase == BR_PHASE_PROFILE)
		i--;
	return i > 0 ? &r->trial[i - 1] : NULL;
}

const struct br_trial *br_view_telling(const struct br_result *r)
{
	const char *culprit = r->first_bad ? r->first_bad->oid : NULL;
	const struct br_trial *last = NULL;

	for (size_t i = r->ntrial; i > 0; i--) {
		const struct br_trial *t = &r->trial[i - 1];

		if (!t->outcome.log_path || t->phase == BR_PHASE_PROFILE)
			continue;
		if (!last)
			last = t;
		if (!culprit)
			break;
		if (t->item && t->verdict.cls == BR_BAD && strcmp(t->item, culprit) == 0)
			return t;
	}
	return last;
}
