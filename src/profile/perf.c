/*
 * perf.c - reads `perf script -F comm,pid,tid,time,event,period,ip,sym,dso`: a head line for each sample, then its frames, innermost
 * first, then an empty line. A function counts once in a sample, however often it stands in its stack.
 */
#include "profile/build.h"

#include "base/mem.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

enum { FRAMES_MAX = 1024 };

struct reader {
	struct br_build *b;
	const struct br_section *s;
	struct br_reading lines;
	bool in_sample, other; /* other: of an event that is not summed */
	double period;
	size_t nsample;
	uint32_t frame[FRAMES_MAX]; /* innermost first */
	size_t nframe;
	struct br_pairs pids;
	double scale; /* to the unit */
};

/* The event's name, or NULL: "prog 12345/12345 1234.567: 1000000 cpu-clock:u: ". */
static char *event_of(char *line, double *period, uint64_t *pid)
{
	char *colon, *at, *end;

	/* The time ends the first word that looks like "digits.digits:". */
	for (colon = strchr(line, ':'); colon; colon = strchr(colon + 1, ':')) {
		at = colon;
		while (at > line && (isdigit((unsigned char)at[-1]) || at[-1] == '.'))
			at--;
		if (at < colon && at > line && at[-1] == ' ' && colon[1] == ' ')
			break;
	}
	if (!colon)
		return NULL;
	while (at > line && at[-1] == ' ')
		at--;
	while (at > line && (isdigit((unsigned char)at[-1]) || at[-1] == '/'))
		at--;
	*pid = strtoull(at, NULL, 10);
	colon += 1 + strspn(colon + 1, " ");
	*period = (double)strtoull(colon, &end, 10);
	if (end == colon)
		return NULL;
	end += strspn(end, " ");
	end[strcspn(end, " ")] = '\0';
	return *end ? end : NULL;
}

/* Clocks count nanoseconds; other events themselves. False: another event than the first one. */
static bool set_unit(struct reader *r, char *event)
{
	size_t n = strcspn(event, ":/");
	bool clock;

	event[n] = '\0';
	clock = strstr(event, "clock") != NULL;
	r->scale = clock ? 1e-9 : 1;
	return br_build_unit(r->b, clock ? "s" : event, clock ? 1 : n);
}

static bool head(struct reader *r, char *line)
{
	uint64_t pid;
	uint32_t number;
	char *event = event_of(line, &r->period, &pid);

	if (!event)
		return false;
	r->other = !set_unit(r, event);
	r->period *= r->scale;
	(void)br_pairs_number(&r->pids, pid, 0, 0, &number);
	r->nframe = 0;
	r->in_sample = true;
	return true;
}

/* "   55d0c5 name+0x1c (/path/prog)"; the name may have blanks and parentheses, the object stands in the last ones. */
static bool frame(struct reader *r, char *line)
{
	char *at = line + strspn(line, " \t");
	size_t n = strspn(at, "0123456789abcdef");
	char *open = strrchr(at, '('), *close = open ? strrchr(open, ')') : NULL;
	char *plus, *name;
	struct br_build_key key = {0};

	if (n == 0 || at[n] != ' ' || !close)
		return false;
	*close = '\0';
	name = at + n + 1;
	if (open > name && open[-1] == ' ')
		open[-1] = '\0';
	plus = strrchr(name, '+');
	if (plus && strncmp(plus, "+0x", 3) == 0)
		*plus = '\0';
	key.object = br_build_path(r->b, open + 1);
	key.function = br_build_function(r->b, *name && name < open ? name : "[unknown]");
	if (r->nframe < FRAMES_MAX && !r->other)
		r->frame[r->nframe++] = br_build_row(r->b, &key);
	return true;
}

static bool seen_inside(const struct reader *r, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (r->frame[k] == r->frame[i])
			return true;
	return false;
}

static void add_edges(struct reader *r)
{
	for (size_t i = 0; i + 1 < r->nframe; i++) {
		struct br_profile_edge *e = br_build_edge(r->b, r->frame[i + 1], r->frame[i]);

		if (!seen_inside(r, i + 1) && !seen_inside(r, i))
			br_build_add(&e->cum, r->period);
	}
}

static void end_sample(struct reader *r)
{
	struct br_profile_row *rows = r->b->p->row;

	if (!r->in_sample)
		return;
	r->in_sample = false;
	if (r->other)
		return;
	r->nsample++;
	r->b->p->total += r->period;
	if (r->nframe == 0)
		return;
	for (size_t i = 0; i < r->nframe; i++) {
		br_build_add(&rows[r->frame[i]].self, i == 0 ? r->period : 0);
		if (!seen_inside(r, i))
			br_build_add(&rows[r->frame[i]].cum, r->period);
	}
	add_edges(r);
	for (size_t i = 0; i < r->nframe / 2; i++) {
		uint32_t f = r->frame[i];

		r->frame[i] = r->frame[r->nframe - 1 - i];
		r->frame[r->nframe - 1 - i] = f;
	}
	br_build_stack(r->b, r->frame, r->nframe, r->period);
}

static int take(struct reader *r, char *line, struct br_err *err)
{
	if (!line[strspn(line, " \t")]) {
		end_sample(r);
		return 0;
	}
	if (r->in_sample && (*line == ' ' || *line == '\t') && frame(r, line))
		return 0;
	end_sample(r);
	if (*line == '#' || head(r, line))
		return 0;
	return br_fail(err, BR_EPARSE, "%s, line %u: nothing that perf script prints", r->s->label,
		       r->lines.number);
}

int br_read_perf(struct br_build *b, const struct br_section *s, struct br_err *err)
{
	struct reader *r = br_calloc(1, sizeof *r);
	char *line = br_malloc(BR_LINE_SIZE);
	int rc = 0;

	r->b = b;
	r->s = s;
	r->lines = (struct br_reading){.at = s->text, .end = s->text + s->n};
	while (rc == 0 && br_reading_next(&r->lines, line))
		rc = take(r, line, err);
	end_sample(r);
	if (rc == 0 && r->nsample == 0)
		rc = br_fail(err, BR_EPARSE, "%s: no sample: the run was too short to be seen", s->label);
	if (rc == 0) {
		b->p->quantum = b->p->total / (double)r->nsample;
		b->p->processes += (uint32_t)r->pids.n;
	}
	free(r->pids.slot);
	free(r);
	free(line);
	return rc;
}
