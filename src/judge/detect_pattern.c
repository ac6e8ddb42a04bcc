/* detect_pattern.c - --skip-if, --stop-on, --bad-if, --good-if: the user's own reading of the output, whatever the exit status. */
#include "judge/detector.h"

#include "base/mem.h"
#include "judge/pattern.h"

static void say_facts(const struct br_outcome *o, struct br_failure *f)
{
	if (o->end == BR_END_EXIT)
		f->exit = o->code;
	if (o->end == BR_END_SIGNAL)
		f->signal = o->code;
}

static int found(const struct br_case *c, const struct br_pattern *p, enum br_class cls,
		 const struct br_hit *hit, struct br_verdict *out)
{
	br_auto_free char *line = NULL;

	if (cls == BR_GOOD)
		return br_verdict_say(out, cls, "", "matched %s %s", br_pattern_option(p),
				      br_pattern_text(p));
	line = br_pattern_line(c->text ? c->text : "", c->ntext, hit);
	br_field_put(out->failure.message, sizeof out->failure.message, line);
	br_field_put(out->failure.type, sizeof out->failure.type, br_pattern_text(p));
	say_facts(c->outcome, &out->failure);
	return br_verdict_say(out, cls, "pattern", "matched %s %s", br_pattern_option(p), br_pattern_text(p));
}

/* Neither yes nor no: to go on to the exit status would be to decide silently. */
static int costly(const struct br_pattern *p, const struct br_hit *hit, struct br_verdict *out)
{
	br_field_put(out->failure.type, sizeof out->failure.type, br_pattern_text(p));
	br_field_put(out->failure.message, sizeof out->failure.message, hit->limit);
	return br_verdict_say(out, BR_SKIP, "pattern",
			      "the pattern %s %.90s is too expensive on this output (%s)",
			      br_pattern_option(p), br_pattern_text(p), hit->limit);
}

static int ask_list(struct br_case *c, struct br_pattern *const *list, enum br_class cls,
		    struct br_verdict *out, struct br_err *err)
{
	const char *text = NULL;
	size_t n = 0;
	int rc;

	for (size_t i = 0; list[i]; i++) {
		struct br_hit hit = {0};

		rc = br_case_text(c, &text, &n, err);
		if (rc == 0)
			rc = br_pattern_match(list[i], text, n, &hit, err);
		if (rc < 0)
			return rc;
		c->by_pattern = rc != BR_PATTERN_NONE;
		if (rc == BR_PATTERN_FOUND)
			return found(c, list[i], cls, &hit, out);
		if (rc == BR_PATTERN_COSTLY)
			return costly(list[i], &hit, out);
	}
	return 0;
}

int br_detect_pattern(struct br_case *c, struct br_verdict *out, struct br_err *err)
{
	const struct br_judge *j = c->judge;
	int rc = ask_list(c, j->skip_if, BR_SKIP, out, err);

	if (rc == 0)
		rc = ask_list(c, j->stop_on, BR_BAD, out, err);
	if (rc == 0 && c->outcome->end == BR_END_LINE) /* the log has not kept it */
		return br_verdict_say(out, BR_BAD, "pattern", "printed a line that matches --stop-on");
	if (rc == 0)
		rc = ask_list(c, j->bad_if, BR_BAD, out, err);
	if (rc == 0)
		rc = ask_list(c, j->good_if, BR_GOOD, out, err);
	return rc;
}

/* What is too expensive on these lines is too expensive on the whole: the verdict says so, from the log. */
bool br_judge_tells(void *judge, const char *text, size_t n)
{
	const struct br_judge *j = judge;
	struct br_hit hit;

	for (size_t i = 0; j->stop_on[i]; i++)
		if (br_pattern_match(j->stop_on[i], text, n, &hit, NULL) == BR_PATTERN_FOUND)
			return true;
	return false;
}
