/* crash.c - where the failure that a result is about crashed or hung. */
#include "app/session.h"

#include "base/mem.h"
#include "base/text.h"
#include "sys/clock.h"
#include "sys/file.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	LOG_B = 1 << 16,   /* of the log's end that is looked at for the words of a crash */
	STACK_B = 1 << 16, /* of stacks that become part of the result */
	TICK_MS = 1000,
	SLOWER = 10, /* a run under ptrace may take so many times as long ... */
};
/* ... and this on top. */
#define AT_LEAST_NS (60 * (uint64_t)BR_NS_PER_S)

/* What shells, make and test runners print of a child's crash. */
static const char *const said[] = {"Segmentation fault",
				   "core dumped",
				   "Aborted",
				   "Bus error",
				   "Illegal instruction",
				   "Floating point exception",
				   "SIGSEGV",
				   "SIGABRT",
				   "SIGBUS",
				   "SIGILL",
				   "SIGFPE",
				   "Trace/breakpoint trap",
				   "Bad system call",
				   "signal 11",
				   "signal 6",
				   "exit code -11",
				   "exit code -6",
				   "exit status 139",
				   "exit status 134",
				   "Error 139",
				   "Error 134",
				   "SEGFAULT",
				   NULL};

static bool says_crash(const struct br_trial *t)
{
	br_auto_free char *text = NULL;
	size_t n;

	if (!t->outcome.log_path || br_file_tail(t->outcome.log_path, LOG_B, &text, &n, NULL) < 0)
		return false;
	for (const char *const *word = said; *word; word++)
		if (memmem(text, n, *word, strlen(*word)))
			return true;
	return false;
}

static bool is_fault(int sig)
{
	return sig == SIGSEGV || sig == SIGABRT || sig == SIGBUS || sig == SIGILL || sig == SIGFPE ||
	       sig == SIGTRAP || sig == SIGSYS;
}

/* Its own end says so, or what a program in between printed. */
static bool has_crashed(const struct br_trial *t)
{
	const struct br_outcome *o = &t->outcome;

	if (o->end == BR_END_SIGNAL)
		return is_fault(o->code);
	return o->end == BR_END_EXIT && (is_fault(o->code - 128) || says_crash(t));
}

/* One more run is fair where it tells something new, and when nobody waits for us to end. */
static bool may_replay(const struct br_session *s, const struct br_result *r, const struct br_trial *t)
{
	bool ended = r->status == BR_STATUS_ISOLATED || r->status == BR_STATUS_TRIED;
	bool plain = !s->spec.input_name && (r->status == BR_STATUS_TRIED || r->first_bad);

	return ended && plain && s->engine && s->signal == 0 && s->spec.argv && !s->opt->ask && !t->amended &&
	       t->verdict.cls == BR_BAD && has_crashed(t) &&
	       (t->verdict.failure.nframe == 0 || s->opt->keep_core);
}

/* ---- the run ---- */

static uint64_t limit_of(const struct br_trial *t)
{
	return t->outcome.wall_ns * SLOWER + AT_LEAST_NS;
}

/* False: it could not be run, or somebody wants us to end. */
static bool replay(struct br_session *s, const struct br_trial *t, struct br_outcome *out)
{
	struct br_job job = {
		.id = t->n, .label = t->item, .timeout_ns = limit_of(t), .prefer = -1, .watch = true};
	struct br_done done = {0};
	int r = s->engine->ops->submit(s->engine, &job, NULL);

	if (r < 0)
		return false;
	for (r = 0; r == 0;) {
		if (br_session_check_signals(s, NULL) < 0)
			s->engine->ops->cancel(s->engine, job.id);
		r = s->engine->ops->wait(s->engine, s->signal ? -1 : s->signal_fd, TICK_MS, &done, NULL);
	}
	free(done.outcome.log_path);
	done.outcome.log_path = NULL;
	if (r < 0 || done.outcome.end == BR_END_CANCELLED || done.outcome.end == BR_END_LOST)
		return false;
	*out = done.outcome;
	return true;
}

/* The file beside the trial's log; the caller frees; NULL: there is no log. */
static char *beside(const struct br_trial *t, const char *suffix)
{
	const char *log = t->outcome.log_path;
	const char *dot = log ? strrchr(log, '.') : NULL;

	return dot ? br_asprintf("%.*s%s", (int)(dot - log), log, suffix) : NULL;
}

static void take_crash(struct br_result *r, const struct br_outcome *o)
{
	struct br_failure *f = &r->failure;
	char name[24];

	if (!f->nframe) {
		f->nframe = o->nframe;
		memcpy(f->frame, o->frame, sizeof f->frame);
	}
	if (!f->type[0] || strcmp(f->kind, "exit") == 0)
		(void)snprintf(f->type, sizeof f->type, "%s", br_signal_name(o->code, name, sizeof name));
	if (!f->message[0])
		(void)snprintf(f->message, sizeof f->message, "%s", o->note);
}

static void watch(struct br_session *s, struct br_result *r, const struct br_trial *t)
{
	struct br_outcome o = {0};

	br_progress_say(s->progress, "reading the stack of the crash: one more run, under ptrace");
	if (!replay(s, t, &o))
		return;
	if (o.end == BR_END_SIGNAL && o.note[0])
		take_crash(r, &o);
	else
		br_session_note(
			s, "run once more for its stack it did not crash: the crash happens by chance, or "
			   "not under ptrace");
}

/* ---- what is there now ---- */

static void take_files(struct br_session *s, struct br_result *r, const struct br_trial *t)
{
	br_auto_free char *stacks = beside(t, ".stacks");
	br_auto_free char *core = beside(t, ".core.gz");
	br_auto_free char *text = NULL;
	size_t n;

	if (stacks && br_file_read(stacks, STACK_B, &text, &n, NULL) == 0) {
		r->stack = br_text_clean(text, n, true);
		r->stack_file = br_steal(&stacks);
	}
	if (core && access(core, F_OK) == 0)
		r->core = br_steal(&core);
	if (s->opt->keep_core && r->stack && !r->core && has_crashed(t))
		br_session_note(s, "--core keep: the kernel wrote no core file where the program stood; see "
				   "/proc/sys/kernel/core_pattern and `ulimit -Hc`");
}

void br_crash_explain(struct br_session *s, struct br_result *r)
{
	const struct br_trial *t = br_session_telling(s, r->first_bad ? r->first_bad->oid : NULL);

	if (!t || t->verdict.cls != BR_BAD)
		return;
	if (may_replay(s, r, t))
		watch(s, r, t);
	take_files(s, r, t);
	br_strv_free(r->note);
	r->note = br_strv_copy(s->note);
}
