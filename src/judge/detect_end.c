/* detect_end.c - how COMMAND ended: over a limit, by a signal, with an exit status. */
#include "judge/detector.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define NS_PER_S UINT64_C(1000000000)

/*
 * A limit that was only learnt may be too short: over_learnt asks for one more try with more time, and cls is what it
 * means when that one runs over too.
 */
static int timed_out(struct br_case *c, struct br_verdict *out)
{
	const struct br_judge *j = c->judge;
	const struct br_outcome *o = c->outcome;
	uint64_t limit = o->limit_ns ? o->limit_ns : (o->code > 0 ? (uint64_t)o->code * NS_PER_S : 0);
	bool hunted = !j->limit_is_learnt || j->learnt.hung || br_case_must_fail(c);
	char took[32];

	out->over_learnt = j->limit_is_learnt;
	out->failure.nframe = o->nframe;
	memcpy(out->failure.frame, o->frame, sizeof o->frame);
	return br_verdict_say(out, hunted && !j->timeout_is_skip ? BR_BAD : BR_SKIP, "timeout",
			      "ran over %s%s", br_format_duration(limit, took, sizeof took),
			      j->limit_is_learnt ? ", a limit that was only learnt" : "");
}

/* A limit that nobody asked for protects the machine: it says nothing of the candidate. */
static int over(struct br_case *c, struct br_verdict *out, const char *kind, const char *what)
{
	if (!c->outcome->code)
		return br_verdict_say(out, BR_BAD, kind, "ran over %s", what);
	return br_verdict_say(out, BR_SKIP, kind,
			      "ran over %s that protects this machine; --%s sets your own", what, kind);
}

int br_detect_limit(struct br_case *c, struct br_verdict *out, struct br_err *err)
{
	(void)err;
	if (c->outcome->end == BR_END_TIMEOUT)
		return timed_out(c, out);
	if (c->outcome->end == BR_END_MEMORY)
		return over(c, out, "memory", "the memory limit");
	if (c->outcome->end == BR_END_PIDS)
		return over(c, out, "pids", "the limit on processes");
	if (c->outcome->end == BR_END_DISK)
		return over(c, out, "disk", "the limit on disk space");
	return 0;
}

/* Whether this came from br_signal_name for a signal that has a name. */
static bool is_signal(const char *name)
{
	return strncmp(name, "SIG", 3) == 0;
}

/* `git bisect run` takes a crash for a broken script and stops. */
static int stop_as_git(struct br_verdict *out)
{
	static const char suffix[] = ": --strict-git stops here, as git bisect run does";
	size_t len = strlen(out->why);

	out->error = true;
	(void)snprintf(out->why + len, sizeof out->why - len, "%s", suffix);
	return 1;
}

int br_detect_signal(struct br_case *c, struct br_verdict *out, struct br_err *err)
{
	int sig = c->outcome->code;
	char name[24];

	(void)err;
	if (c->outcome->end != BR_END_SIGNAL)
		return 0;
	(void)br_signal_name(sig, name, sizeof name);
	out->failure.signal = sig;
	br_field_put(out->failure.type, sizeof out->failure.type, name);
	if (is_signal(name))
		(void)br_verdict_say(out, BR_BAD, "signal", "killed by %s (%d)", name, sig);
	else
		(void)br_verdict_say(out, BR_BAD, "signal", "killed by %s", name);
	return c->judge->strict_git ? stop_as_git(out) : 1;
}

static int exit_128(struct br_case *c, struct br_verdict *out)
{
	int status = c->outcome->code;
	char name[24], type[56];

	(void)br_signal_name(status - 128, name, sizeof name);
	if (status > 128 && is_signal(name)) {
		(void)snprintf(type, sizeof type, "exit %d (%s in a child)", status, name);
		br_field_put(out->failure.type, sizeof out->failure.type, type);
		(void)br_verdict_say(out, BR_BAD, "exit", "exit %d (128 + %s, as a shell reports it)", status,
				     name);
	} else {
		(void)br_verdict_say(out, BR_BAD, "exit", "exit %d", status);
	}
	return c->judge->strict_git ? stop_as_git(out) : 1;
}

int br_detect_exit(struct br_case *c, struct br_verdict *out, struct br_err *err)
{
	int status = c->outcome->code;

	(void)err;
	if (c->outcome->end != BR_END_EXIT || status < 0 || status > 255)
		return 0;
	if (status == 0)
		return br_verdict_say(out, BR_GOOD, "", "exit 0");
	if (status == 125)
		return br_verdict_say(out, BR_SKIP, "", "exit 125");
	if (br_cannot_run(c->outcome))
		return br_judge_cannot_run(c, out);
	out->failure.exit = status;
	if (status >= 128)
		return exit_128(c, out);
	return br_verdict_say(out, BR_BAD, "exit", "exit %d", status);
}
