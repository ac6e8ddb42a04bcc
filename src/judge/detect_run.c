/* detect_run.c - what kept COMMAND from running: no work tree, a failed build, a program that cannot be executed. */
#include "judge/detector.h"

#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int br_detect_setup(struct br_case *c, struct br_verdict *out, struct br_err *err)
{
	const struct br_outcome *o = c->outcome;

	(void)err;
	if (o->end == BR_END_CANCELLED)
		return br_verdict_say(out, BR_SKIP, "", "cancelled: its answer was no longer needed");
	if (o->end == BR_END_LOST)
		return br_verdict_say(out, BR_SKIP, "infra", "the worker died%s%s", *o->note ? ": " : "",
				      o->note);
	if (o->end != BR_END_SETUP)
		return 0;
	br_field_put(out->failure.message, sizeof out->failure.message, o->note);
	return br_verdict_say(out, BR_SKIP, "setup", "no work tree%s%s", *o->note ? ": " : "", o->note);
}

int br_detect_build(struct br_case *c, struct br_verdict *out, struct br_err *err)
{
	const struct br_outcome *o = c->outcome;
	char name[24];

	(void)err;
	if (o->end != BR_END_BUILD && o->end != BR_END_BUILD_TIMEOUT)
		return 0;
	br_field_put(out->failure.message, sizeof out->failure.message, o->note);
	if (o->end == BR_END_BUILD_TIMEOUT)
		return br_verdict_say(out, BR_SKIP, "build", "the build ran over its limit");
	out->failure.exit = o->code;
	if (o->code > 128 && strncmp(br_signal_name(o->code - 128, name, sizeof name), "SIG", 3) == 0)
		return br_verdict_say(out, BR_SKIP, "build", "the build failed: exit %d (128 + %s)", o->code,
				      name);
	return br_verdict_say(out, BR_SKIP, "build", "the build failed: exit %d", o->code);
}

int br_cannot_run(const struct br_outcome *o)
{
	if (o->end == BR_END_EXEC)
		return o->code == ENOENT ? 127 : 126; /* as a shell would say it */
	if (o->end == BR_END_EXIT && (o->code == 126 || o->code == 127))
		return o->code;
	return 0;
}

/* "cannot run ./prog: Permission denied" without its first words, where others like them stand before it. */
static const char *bare_note(const struct br_outcome *o)
{
	static const char prefix[] = "cannot run ";
	size_t n = sizeof prefix - 1;

	return strncmp(o->note, prefix, n) == 0 ? o->note + n : o->note;
}

/* "not found (exit 127)", "./prog: Permission denied" */
static void say_reason(const struct br_outcome *o, char *out, size_t size)
{
	if (o->end == BR_END_EXIT)
		(void)snprintf(out, size, "%s (exit %d)", o->code == 127 ? "not found" : "cannot be executed",
			       o->code);
	else if (*o->note)
		(void)snprintf(out, size, "%s", bare_note(o));
	else
		(void)snprintf(out, size, "%s", o->code == ENOENT ? "not found" : strerror(o->code));
}

/* What the type does not say already: of "./prog: No such file or directory" only "./prog", after "not found". */
static void say_what(const struct br_outcome *o, char *out, size_t size)
{
	const char *note = o->end == BR_END_EXEC ? bare_note(o) : "";
	const char *told = o->code == ENOENT ? strstr(note, ": No such file or directory") : NULL;
	size_t n = told ? (size_t)(told - note) : strlen(note);

	(void)snprintf(out, size, "%.*s", (int)n, note);
}

/*
 * A status of 126 or 127 is hardly ever the defect: it is a typing error at the end that must pass, and elsewhere a
 * candidate that lacks the program. Only when the bad end ends so too is it what is hunted.
 */
int br_judge_cannot_run(struct br_case *c, struct br_verdict *out)
{
	int status = br_cannot_run(c->outcome);
	bool hunted =
		br_case_must_fail(c) || (c->role == BR_ROLE_OTHER && c->judge->learnt.cannot_run == status);
	char reason[400], what[400];

	say_reason(c->outcome, reason, sizeof reason);
	out->failure.exit = status;
	br_field_put(out->failure.type, sizeof out->failure.type,
		     status == 127 ? "not found" : "cannot be executed");
	say_what(c->outcome, what, sizeof what);
	br_field_put(out->failure.message, sizeof out->failure.message, what);
	out->error = br_case_must_pass(c);
	if (out->error)
		return br_verdict_say(out, BR_SKIP, "infra", "COMMAND could not be run at the good end: %s",
				      reason);
	if (strncmp(c->outcome->note, "cannot run ", 11) == 0 && c->outcome->end == BR_END_EXEC)
		return br_verdict_say(out, hunted ? BR_BAD : BR_SKIP, hunted ? "exit" : "infra", "%s",
				      c->outcome->note);
	return br_verdict_say(out, hunted ? BR_BAD : BR_SKIP, hunted ? "exit" : "infra",
			      "COMMAND could not be run: %s", reason);
}

int br_detect_exec(struct br_case *c, struct br_verdict *out, struct br_err *err)
{
	(void)err;
	return c->outcome->end == BR_END_EXEC ? br_judge_cannot_run(c, out) : 0;
}
