/* stacks.c - stacks of a trial's processes. */
#include "exec/stacks.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "bisect_run/trial.h"
#include "exec/pack.h"
#include "stack/stack.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/tree.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { STOP_MS = 5000 };  /* for a program to be started and to stop itself */
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

char **br_stacks_stopped_argv(char *const *argv, bool core)
{
	char **out = NULL;

	br_strv_add(&out, "/bin/sh");
	br_strv_add(&out, "-c");
	br_strv_add(&out, core ? "ulimit -c unlimited 2>/dev/null; kill -STOP $$; exec \"$@\""
			       : "kill -STOP $$; exec \"$@\"");
	br_strv_add(&out, "sh");
	for (; *argv; argv++)
		br_strv_add(&out, *argv);
	return out;
}

/* The process below us that has stopped itself; 0: none yet. */
static pid_t stopped(pid_t box)
{
	br_auto_free pid_t *pid = NULL;
	size_t n = br_tree_pids(&pid);

	for (size_t i = 0; i < n; i++)
		if (pid[i] != box && br_process_is_stopped(pid[i]))
			return pid[i];
	return 0;
}

pid_t br_stacks_await(pid_t box)
{
	uint64_t deadline = br_now_ns() + (uint64_t)STOP_MS * BR_NS_PER_MS;
	pid_t pid;

	while (!(pid = stopped(box)) && br_now_ns() < deadline)
		(void)poll(NULL, 0, 1);
	return pid;
}

struct br_tracer *br_stacks_watch(pid_t box, pid_t command, unsigned how)
{
	struct br_tracer *t = NULL;
	pid_t pid = br_stacks_await(box);

	if (!pid)
		return NULL;
	if (br_tracer_open(&t, pid, (pid == command ? BR_TRACE_OUR_CHILD : 0) | how, NULL) < 0)
		(void)kill(pid, SIGCONT);
	return t;
}

/* "SIGSEGV (11, code 1) at address 0x10 in process 123, /path/prog". */
static char *fault(const struct br_crash *c)
{
	br_auto_free char *program = br_text_clean(c->program, strlen(c->program), false);
	struct br_buf b = {0};
	char name[24];

	br_buf_fmt(&b, "%s (%d, code %d)", br_signal_name(c->signal, name, sizeof name), c->signal, c->code);
	if (c->has_address)
		br_buf_fmt(&b, " at address 0x%llx", (unsigned long long)c->address);
	br_buf_fmt(&b, " in process %ld, %s", (long)c->pid, program);
	return br_buf_take(&b);
}

static void keep_core(const struct br_crash *c, const char *path)
{
	br_auto_free char *core = br_asprintf("%s.core.gz", path);
	br_auto_free char *program = br_asprintf("%s.program", path);

	br_auto_fd int fd = br_crash_take_core(c);

	if (fd >= 0 && br_pack_gzip(fd, core, NULL) == 0 && c->exe_fd >= 0)
		(void)br_pack_copy(c->exe_fd, program, NULL);
}

void br_stacks_keep(struct br_crash *crash, const char *path, bool core, struct br_outcome *o)
{
	br_auto_free char *what = fault(crash);
	br_auto_free char *file = br_asprintf("%s.stacks", path);
	br_auto_free char *text = br_asprintf(
		"%s\n%s", what, crash->stack.text ? crash->stack.text : "no stack could be read\n");

	o->end = BR_END_SIGNAL;
	o->code = crash->signal;
	o->nframe = crash->stack.nframe;
	memcpy(o->frame, crash->stack.frame, sizeof o->frame);
	(void)snprintf(o->note, sizeof o->note, "%s", what);
	(void)br_file_write(file, text, strlen(text), NULL);
	if (core)
		keep_core(crash, path);
	br_crash_done(crash);
}
