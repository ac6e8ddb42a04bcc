/* result.c - names and ownership of results. */
#include "bisect_run/result.h"

#include "base/mem.h"

#include <string.h>

static const char *const status_names[] = {"isolated",	  "narrowed", "not-reproduced",
					   "interrupted", "error",    "tried"};
#define NSTATUS (sizeof status_names / sizeof *status_names)

const char *br_status_name(enum br_status status)
{
	return status_names[status];
}

int br_status_from(const char *name)
{
	for (size_t i = 0; i < NSTATUS; i++)
		if (strcmp(status_names[i], name) == 0)
			return (int)i;
	return -1;
}

int br_status_exit(enum br_status status)
{
	switch (status) {
	case BR_STATUS_ISOLATED:
	case BR_STATUS_TRIED: /* `try` has exit statuses of its own: those of the verdict */
		return 0;
	case BR_STATUS_NARROWED:
		return 2;
	case BR_STATUS_NOT_REPRODUCED:
		return 3;
	case BR_STATUS_INTERRUPTED:
	case BR_STATUS_ERROR:
		return 1;
	}
	return 1;
}

static void free_strings(char **v, size_t n)
{
	for (size_t i = 0; v && i < n; i++)
		free(v[i]);
	free(v);
}

void br_commit_info_done(struct br_commit_info *c)
{
	if (!c)
		return;
	free(c->oid);
	free(c->short_oid);
	free(c->subject);
	free(c->author);
	free(c->email);
	free_strings(c->parent, c->nparent);
	free_strings(c->file, c->nfile);
	*c = (struct br_commit_info){0};
}

static void free_found(struct br_result *r)
{
	free(r->line.kind);
	free(r->line.first_bad);
	free(r->line.last_good);
	free(r->reduced.path);
	free(r->reduced.result);
	free(r->reduced.by);
	free(r->subset.path);
	free(r->subset.result);
	br_strv_free(r->subset.kept);
	for (size_t i = 0; i < r->hunks.nkept; i++)
		free(r->hunks.kept[i].file);
	free(r->metric.name);
	free(r->metric.unit);
	free(r->hunks.kept);
	free(r->hunks.patch);
	free(r->hunks.revert);
}

void br_result_done(struct br_result *r)
{
	if (!r)
		return;
	free_found(r);
	free(r->id);
	free(r->message);
	br_strv_free(r->command);
	br_strv_free(r->good);
	free(r->bad);
	free(r->nearest_bad);
	br_strv_free(r->skip);
	br_strv_free(r->path);
	br_commit_info_done(r->first_bad);
	free(r->first_bad);
	for (size_t i = 0; i < r->ncandidate; i++)
		br_commit_info_done(&r->candidate[i]);
	free(r->candidate);
	br_strv_free(r->note);
	free(r->how_sure);
	free(r->reproduce);
	free(r->evidence);
	if (r->profile)
		br_profile_done(r->profile);
	free(r->profile);
	if (r->profile_diff)
		br_profile_diff_done(r->profile_diff);
	free(r->profile_diff);
	free(r->state_dir);
	free(r->stack);
	free(r->stack_file);
	free(r->core);
	for (size_t i = 0; i < r->ntrial; i++)
		br_trial_done(&r->trial[i]);
	free(r->trial);
	*r = (struct br_result){0};
}
