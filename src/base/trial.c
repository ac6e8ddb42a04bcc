/* trial.c - names and ownership of trials. */
#include "bisect_run/trial.h"

#include "base/mem.h"

#include <string.h>

static const char *const class_names[] = {"good", "bad", "skip", NULL};
static const char *const phase_names[] = {"ends",   "search", "confirm", "try",
					  "reduce", "hunks",  "profile", NULL};
static const char *const end_names[] = {"exit",	 "signal",	  "timeout", "memory",	  "exec",
					"build", "build-timeout", "setup",   "cancelled", "lost",
					"pids",	 "disk",	  "line",    NULL};

static int find(const char *const *names, const char *name)
{
	for (int i = 0; names[i]; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

const char *br_class_name(enum br_class cls)
{
	return class_names[cls];
}

const char *br_phase_name(enum br_phase phase)
{
	return phase_names[phase];
}

const char *br_end_name(enum br_end end)
{
	return end_names[end];
}

int br_class_from(const char *name)
{
	return find(class_names, name);
}

int br_phase_from(const char *name)
{
	return find(phase_names, name);
}

int br_end_from(const char *name)
{
	return find(end_names, name);
}

void br_trial_done(struct br_trial *trial)
{
	free(trial->item);
	free(trial->tree);
	free(trial->outcome.log_path);
	*trial = (struct br_trial){0};
}

void br_trial_copy(struct br_trial *out, const struct br_trial *from)
{
	*out = *from;
	out->item = br_strdup_or_null(from->item);
	out->tree = br_strdup_or_null(from->tree);
	out->outcome.log_path = br_strdup_or_null(from->outcome.log_path);
}
