/* stacks.c - stacks of a trial's processes. */
#include "exec/stacks.h"

#include "base/mem.h"
#include "stack/stack.h"
#include "sys/file.h"
#include "sys/tree.h"

#include <string.h>

enum { LOOK_MS = 10000 }; /* in all: a trial that is over must end some time */

void br_stacks_tell(const struct br_stack_seen *seen, struct br_run_result *out)
{
	_Static_assert(sizeof seen->frame == sizeof out->frame, "both are three names");
	out->nframe = seen->nframe;
	memcpy(out->frame, seen->frame, sizeof out->frame);
}

void br_stacks_of_trial(const char *path, pid_t but, struct br_run_result *out)
{
	struct br_stack_seen seen = {0};
	br_auto_free pid_t *pid = NULL;
	size_t n = br_tree_pids(&pid), kept = 0;

	for (size_t i = 0; i < n; i++)
		if (pid[i] != but)
			pid[kept++] = pid[i];
	if (br_stack_take(pid, kept, LOOK_MS, &seen, NULL) < 0)
		return;
	br_stacks_tell(&seen, out);
	(void)br_file_write(path, seen.text, strlen(seen.text), NULL);
	br_stack_seen_done(&seen);
}
