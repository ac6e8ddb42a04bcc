/* measure.c - what a run measured. */
#include "judge/measure.h"

#include "base/mem.h"
#include "base/text.h"
#include "bisect_run/err.h"
#include "judge/pattern.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_MAX = 64 };

enum source { WALL, USER, SYS, CPU, RSS, INSTRUCTIONS, PRINTED };

struct br_measure {
	enum source source;
	struct br_pattern *pattern; /* of INSTRUCTIONS and PRINTED */
	bool limited, below;	    /* below: a value under the limit is bad */
	double limit;
};

static const char *const names[] = {"wall", "user", "sys", "cpu", "rss", "instructions", NULL};

/* What valgrind's cachegrind says of each process. */
static const char counted[] = "^==\\d+== I\\s+refs:\\s+([\\d,]+)";

static int read_limit(struct br_measure *m, const char *limit, struct br_err *err)
{
	uint64_t ns;
	char *end;

	if (*limit != '>' && *limit != '<')
		return br_fail(err, BR_EUSAGE, "--limit: '%.40s' is no bound\nwrite '>200ms' or '<1000'",
			       limit);
	m->limited = true;
	m->below = *limit == '<';
	m->limit = strtod(limit + 1, &end);
	if (end != limit + 1 && !*end)
		return 0;
	if (br_parse_duration(limit + 1, &ns) != 0)
		return br_fail(err, BR_EUSAGE, "--limit: '%.40s' is no bound\nwrite '>200ms' or '<1000'",
			       limit);
	m->limit = (double)ns / 1e9;
	return 0;
}

static int open_printed(struct br_measure *m, const char *name, struct br_err *err)
{
	size_t n = strlen(name);
	br_auto_free char *re = n > 2 && name[n - 1] == '/' ? br_strndup(name + 1, n - 2) : NULL;

	if (!re)
		return br_fail(
			err, BR_EUSAGE,
			"--metric: '%.60s' is no metric\nwrite wall, user, sys, cpu, rss, instructions, or "
			"/RE/ with one group around the number",
			name);
	m->source = PRINTED;
	return br_pattern_open(&m->pattern, "--metric", re, err);
}

static int open_source(struct br_measure *m, const char *name, struct br_err *err)
{
	for (int i = 0; names[i]; i++)
		if (strcmp(names[i], name) == 0) {
			m->source = (enum source)i;
			return m->source == INSTRUCTIONS
				       ? br_pattern_open(&m->pattern, "--metric", counted, err)
				       : 0;
		}
	return open_printed(m, name, err);
}

int br_measure_open(struct br_measure **out, const char *name, const char *limit, struct br_err *err)
{
	struct br_measure *m = br_calloc(1, sizeof *m);
	int rc = open_source(m, name, err);

	if (rc == 0 && limit)
		rc = read_limit(m, limit, err);
	if (rc < 0) {
		br_measure_close(m);
		return rc;
	}
	*out = m;
	return 0;
}

/* The number in the group, thousands' commas left out. NAN: there is none. */
static double number_of(const char *text, const struct br_hit *hit)
{
	char digits[NUMBER_MAX];
	size_t n = 0;
	char *end;
	double x;

	for (size_t i = hit->group_start; i < hit->group_end && n + 1 < sizeof digits; i++)
		if (text[i] != ',')
			digits[n++] = text[i];
	digits[n] = '\0';
	x = strtod(digits, &end);
	return end == digits ? NAN : x;
}

/* The last number that was printed; of instructions the sum over all processes. NAN: none was. */
static int read_numbers(struct br_measure *m, struct br_case *c, double *out, struct br_err *err)
{
	const char *text;
	struct br_hit hit;
	size_t n, at = 0;
	double sum = 0;
	int rc = br_case_text(c, &text, &n, err);

	*out = NAN;
	while (rc >= 0 && at < n) {
		rc = br_pattern_match(m->pattern, text + at, n - at, &hit, err);
		if (rc != BR_PATTERN_FOUND)
			break;
		sum += number_of(text + at, &hit);
		*out = m->source == INSTRUCTIONS ? sum : number_of(text + at, &hit);
		at += hit.end > 0 ? hit.end : 1;
	}
	return rc < 0 ? rc : 0;
}

static int value_of(struct br_measure *m, struct br_case *c, double *out, struct br_err *err)
{
	const struct br_outcome *o = c->outcome;

	switch (m->source) {
	case WALL:
		*out = (double)o->wall_ns / 1e9;
		return 0;
	case USER:
		*out = (double)o->user_ns / 1e9;
		return 0;
	case SYS:
		*out = (double)o->sys_ns / 1e9;
		return 0;
	case CPU:
		*out = (double)(o->user_ns + o->sys_ns) / 1e9;
		return 0;
	case RSS:
		*out = (double)o->peak_rss_b;
		return 0;
	case INSTRUCTIONS:
	case PRINTED:
		break;
	}
	return read_numbers(m, c, out, err);
}

int br_measure_run(struct br_measure *m, struct br_case *c, struct br_verdict *v, struct br_err *err)
{
	double value;
	int rc;

	if (v->cls != BR_GOOD)
		return 0;
	rc = value_of(m, c, &value, err);
	if (rc < 0)
		return rc;
	if (!isfinite(value) || value <= 0) {
		(void)br_verdict_say(v, BR_SKIP, "infra", "nothing was measured: %s",
				     m->source == PRINTED
					     ? "the pattern of --metric found no number above zero"
					     : "the value is zero");
		return 0;
	}
	v->value = value;
	(void)snprintf(v->why, sizeof v->why, "measured %.6g", value);
	if (m->limited && (m->below ? value < m->limit : value > m->limit))
		(void)br_verdict_say(v, BR_BAD, "metric", "measured %.6g, the limit is %s%.6g", value,
				     m->below ? "<" : ">", m->limit);
	return 0;
}

void br_measure_close(struct br_measure *m)
{
	if (m)
		br_pattern_close(m->pattern);
	free(m);
}
