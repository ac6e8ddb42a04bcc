/*
 * isolation_hint.c - a test that fails because its box lacks something says so in its own words. Where these are well known the report
 * names the option that opens it.
 */
#include "app/isolation.h"

#include "app/session.h"
#include "base/mem.h"
#include "base/text.h"
#include "sys/file.h"

#include <string.h>

enum { TAIL_B = 1 << 16 };

struct hint {
	const char *text; /* is in the output; case counts */
	const char *with; /* and this one, in the same line; NULL: nothing more */
	unsigned door;	  /* is closed; 0: the network */
	const char *option;
};

static const struct hint hints[] = {
	{"Could not resolve host", NULL, 0, "--net host"},
	{"Temporary failure in name resolution", NULL, 0, "--net host"},
	{"Network is unreachable", NULL, 0, "--net host"},
	{"network is unreachable", NULL, 0, "--net host"},
	{"ENETUNREACH", NULL, 0, "--net host"},
	{"EAI_AGAIN", NULL, 0, "--net host"},
	{"No usable sandbox!", NULL, BR_DOOR_USERNS, "--allow userns"},
	{"No permissions to creat", "namespace", BR_DOOR_USERNS, "--allow userns"},
	{"unshare", "Operation not permitted", BR_DOOR_USERNS, "--allow userns"},
	{"CLONE_NEWUSER", "Operation not permitted", BR_DOOR_USERNS, "--allow userns"},
	{"/dev/kvm", "No such file or directory", BR_DOOR_KVM, "--allow kvm"},
	{"access KVM", NULL, BR_DOOR_KVM, "--allow kvm"},
	{"/dev/dri", "No such file or directory", BR_DOOR_DRI, "--allow dri"},
	{"/dev/nvidia", "No such file or directory", BR_DOOR_DRI, "--allow dri"},
	{"perf_event_open", "not permitted", BR_DOOR_PERF, "--allow perf"},
	{"perf_event_open", "denied", BR_DOOR_PERF, "--allow perf"},
	{"perf_event_paranoid", NULL, BR_DOOR_PERF, "--allow perf"},
	{"Read-only file system", NULL, 0, "--bind PATH"},
	{"EROFS", NULL, 0, "--bind PATH"},
};

static bool is_closed(const struct br_box *box, const struct hint *h)
{
	if (h->door)
		return !(box->doors & h->door);
	return strcmp(h->option, "--net host") != 0 || box->net != BR_NET_HOST;
}

/* The line of text that shows it, from its start; NULL: none. */
static const char *find(const char *text, const struct hint *h)
{
	for (const char *p = strstr(text, h->text); p; p = strstr(p + 1, h->text)) {
		const char *line = p, *with = h->with ? strstr(p, h->with) : p;

		while (line > text && line[-1] != '\n')
			line--;
		if (h->with && (!with || with > p + strcspn(p, "\n")))
			with = strstr(line, h->with);
		if (with && with <= p + strcspn(p, "\n"))
			return line;
	}
	return NULL;
}

static void say(struct br_session *s, const struct br_trial *t, const struct hint *h, const char *line)
{
	br_auto_free char *name = br_session_short(s, t->item);
	br_auto_free char *raw = br_strndup(line, strcspn(line, "\n") < 120 ? strcspn(line, "\n") : 120);
	br_auto_free char *quote = br_text_clean(raw, strlen(raw), false);

	br_session_note(s, "the sandbox may be why the test of %s failed, which printed \"%s\": %s opens it",
			t->phase == BR_PHASE_TRY && !s->bad ? "this folder" : name, quote, h->option);
}

void br_isolation_hint(struct br_session *s, const struct br_trial *t)
{
	br_auto_free char *text = NULL;
	size_t n;

	if (s->spec.box.level == BR_LEVEL_NONE || t->verdict.cls == BR_GOOD || t->cached ||
	    (t->phase != BR_PHASE_ENDS && t->phase != BR_PHASE_TRY) || !t->outcome.log_path)
		return;
	if (br_file_tail(t->outcome.log_path, TAIL_B, &text, &n, NULL) < 0)
		return;
	for (size_t i = 0; i < sizeof hints / sizeof *hints; i++) {
		const char *line = is_closed(&s->spec.box, &hints[i]) ? find(text, &hints[i]) : NULL;

		if (!line)
			continue;
		say(s, t, &hints[i], line);
		return;
	}
}
