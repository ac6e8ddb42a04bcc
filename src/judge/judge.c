/* judge.c - outcome in, verdict out: a chain of detectors, the first that knows decides. */
#include "judge/detector.h"

#include "base/mem.h"
#include "base/text.h"
#include "bisect_run/err.h"
#include "bisect_run/failure.h"
#include "judge/evidence.h"
#include "judge/measure.h"
#include "judge/pattern.h"
#include "sys/file.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The engine keeps some megabytes of a log; this only stops a file that is not its own. */
#define LOG_MAX_B (128u << 20)
#define JIT_READS_AHEAD_B 64u

/*
 * The order is the meaning: nothing that says "COMMAND did not run" may be overruled by what was printed (a build
 * prints too), but the user's own words about the output overrule how COMMAND ended.
 */
static const struct br_detector chain[] = {
	{"setup", br_detect_setup},	  /* no tree, lost, cancelled: skip */
	{"build", br_detect_build},	  /* --build failed: skip */
	{"exec", br_detect_exec},	  /* COMMAND could not be started */
	{"pattern", br_detect_pattern},	  /* --skip-if, --stop-on, --bad-if, --good-if */
	{"limit", br_detect_limit},	  /* time, memory */
	{"evidence", br_detect_evidence}, /* a failed build, no tests, could not run */
	{"signal", br_detect_signal},	  /* a crash */
	{"exit", br_detect_exit},	  /* the exit status */
};

static void close_all(struct br_pattern **list)
{
	for (size_t i = 0; list && list[i]; i++)
		br_pattern_close(list[i]);
	free(list);
}

static int open_all(struct br_pattern ***out, const char *option, const char *const *res, struct br_err *err)
{
	size_t n = 0;

	while (res && res[n])
		n++;
	*out = br_calloc(n + 1, sizeof(struct br_pattern *));
	for (size_t i = 0; i < n; i++) {
		int rc = br_pattern_open(&(*out)[i], option, res[i], err);

		if (rc < 0)
			return rc;
	}
	return BR_OK;
}

int br_judge_open(struct br_judge **out, const struct br_judge_cfg *cfg, struct br_err *err)
{
	struct br_judge *j = br_calloc(1, sizeof *j);
	int rc;

	j->strict_git = cfg->strict_git;
	j->timeout_is_skip = cfg->timeout_is_skip;
	j->limit_is_learnt = cfg->limit_is_learnt;
	j->bad_if_defect = cfg->bad_if_defect;
	j->evidence = br_evidence_new();
	rc = open_all(&j->skip_if, "--skip-if", cfg->skip_if, err);
	if (rc == BR_OK)
		rc = open_all(&j->stop_on, "--stop-on", cfg->stop_on, err);
	if (rc == BR_OK)
		rc = open_all(&j->bad_if, "--bad-if", cfg->bad_if, err);
	if (rc == BR_OK)
		rc = open_all(&j->good_if, "--good-if", cfg->good_if, err);
	if (rc == BR_OK && cfg->metric)
		rc = br_measure_open(&j->measure, cfg->metric, cfg->limit, err);
	if (rc < 0) {
		br_judge_close(j);
		return rc;
	}
	*out = j;
	return BR_OK;
}

void br_judge_close(struct br_judge *j)
{
	if (!j)
		return;
	close_all(j->skip_if);
	close_all(j->stop_on);
	close_all(j->bad_if);
	close_all(j->good_if);
	br_evidence_free(j->evidence);
	br_measure_close(j->measure);
	free(j);
}

int br_case_text(struct br_case *c, const char **text, size_t *n, struct br_err *err)
{
	if (!c->loaded && c->outcome->log_path) {
		int rc = br_file_read(c->outcome->log_path, LOG_MAX_B, &c->text, &c->ntext, err);

		if (rc < 0)
			return br_wrap(err, "the log of a trial");
		/* PCRE2's JIT looks at whole vector registers: let the bytes behind the end be known ones. */
		c->text = br_reallocarray(c->text, c->ntext + JIT_READS_AHEAD_B, 1);
		memset(c->text + c->ntext, 0, JIT_READS_AHEAD_B);
	}
	c->loaded = true;
	*text = c->text ? c->text : "";
	*n = c->ntext;
	return BR_OK;
}

bool br_case_must_fail(const struct br_case *c)
{
	return c->role == BR_ROLE_BAD_END;
}

bool br_case_must_pass(const struct br_case *c)
{
	return c->role == BR_ROLE_GOOD_END;
}

void br_field_put(char *field, size_t size, const char *text)
{
	br_auto_free char *clean = br_text_clean(text, strlen(text), false);
	size_t n = strlen(clean);

	if (n >= size) {
		n = size - 1;
		while (n && ((unsigned char)clean[n] & 0xc0) == 0x80)
			n--;
	}
	memcpy(field, clean, n);
	field[n] = '\0';
}

int br_verdict_say(struct br_verdict *v, enum br_class cls, const char *kind, const char *fmt, ...)
{
	char why[1024];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(why, sizeof why, fmt, ap);
	va_end(ap);
	br_field_put(v->why, sizeof v->why, why);
	br_field_put(v->failure.kind, sizeof v->failure.kind, kind);
	v->cls = cls;
	return 1;
}

static bool has_patterns(const struct br_judge *j)
{
	return j->skip_if[0] || j->stop_on[0] || j->bad_if[0] || j->good_if[0];
}

/* A pattern that did not match because the telling line was not kept must not be silent about it. */
static void say_omitted(const struct br_case *c, struct br_verdict *v)
{
	size_t len = strlen(v->why);

	if (has_patterns(c->judge) && c->loaded && !c->by_pattern && c->outcome->omitted_b)
		(void)snprintf(v->why + len, sizeof v->why - len,
			       "; the patterns did not see %llu bytes left out",
			       (unsigned long long)c->outcome->omitted_b);
}

static void finish(struct br_verdict *v)
{
	if (v->error)
		v->cls = BR_SKIP;
	v->llr = v->cls == BR_BAD ? INFINITY : v->cls == BR_GOOD ? -INFINITY : 0;
}

static int ask_chain(struct br_case *c, struct br_verdict *v, struct br_err *err)
{
	for (size_t i = 0; i < sizeof chain / sizeof *chain; i++) {
		int rc = chain[i].judge(c, v, err);

		if (rc)
			return rc;
	}
	return br_fail(err, BR_ESTATE, "a trial ended in a way that nobody can judge (end %d, code %d)",
		       (int)c->outcome->end, c->outcome->code);
}

int br_judge_verdict(struct br_judge *j, const struct br_outcome *o, enum br_role role,
		     struct br_verdict *out, struct br_err *err)
{
	struct br_case c = {.judge = j, .outcome = o, .role = role};
	struct br_verdict v = {.value = NAN, .failure = {.exit = -1}};
	int rc = ask_chain(&c, &v, err);

	if (rc > 0 && j->measure) {
		int measured = br_measure_run(j->measure, &c, &v, err);

		rc = measured < 0 ? measured : rc;
	}
	if (rc > 0) {
		br_evidence_name(&c, &v);
		v.failure.version = v.failure.kind[0] ? BR_SIGNATURE_VERSION : 0;
		say_omitted(&c, &v);
		finish(&v);
		*out = v;
	}
	free(c.text);
	return rc < 0 ? rc : BR_OK;
}

void br_judge_learn_bad_end(struct br_judge *j, const struct br_outcome *o, const struct br_verdict *v)
{
	if (v->cls == BR_SKIP)
		return;
	j->learnt.cannot_run = br_cannot_run(o);
	j->learnt.hung = o->end == BR_END_TIMEOUT;
	j->learnt.failure = (struct br_failure){0};
	if (o->end == BR_END_EXIT &&
	    (strcmp(v->failure.kind, "build") == 0 || strcmp(v->failure.kind, "infra") == 0))
		j->learnt.failure = v->failure;
}

void br_judge_limit_is_learnt(struct br_judge *j, bool learnt)
{
	j->limit_is_learnt = learnt;
}
