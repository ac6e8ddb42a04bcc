/* stack.c - from the lines behind a message to at most three frames. */
#include "judge/stack.h"

#include "base/mem.h"
#include "judge/detector.h"
#include "judge/lines.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define FRAME_MAX 160
#define LINE_LIMIT 500	/* lines looked at in all */
#define BEFORE_LIMIT 80 /* lines between the message and the first frame */
#define STACK_LIMIT 4	/* stacks looked at, until one says something */
#define CYCLE_MAX 10
#define CYCLE_REPEATS 3

struct reader {
	enum br_stack_format format;
	struct br_loglines lines;
	size_t left;
	struct br_printed_frame *frame;
	size_t nframe, nunknown; /* nunknown: lines of the stack without a function */
	bool fault;		 /* faulthandler: innermost first */
};

static bool is_blank(const char *s)
{
	return !s[strspn(s, " \t=")];
}

static void add_frame(struct reader *r, const struct br_printed_frame *f)
{
	if (!f->name[0])
		return;
	if (r->nframe < FRAME_MAX) {
		r->frame[r->nframe++] = *f;
	} else if (r->format == BR_STACK_PYTHON) { /* the innermost come last */
		memmove(r->frame, r->frame + 1, (FRAME_MAX - 1) * sizeof *r->frame);
		r->frame[FRAME_MAX - 1] = *f;
	}
}

/* Whether the next line is there to be looked at. */
static bool next_line(struct reader *r)
{
	if (!r->left || !br_loglines_next(&r->lines))
		return false;
	r->left--;
	return true;
}

/* Rust prints the file of a function on the line behind it. */
static void note_file(struct reader *r)
{
	struct br_printed_frame *f = r->nframe ? &r->frame[r->nframe - 1] : NULL;
	const char *at = strstr(r->lines.line, "at ");

	if (f && at && !f->file[0])
		(void)snprintf(f->file, sizeof f->file, "%.*s", (int)sizeof f->file - 1, at + 3);
}

/* How many lines that are no part of a stack may stand inside of it. */
static size_t patience(const struct reader *r)
{
	const char *s = r->lines.line + strspn(r->lines.line, " \t");

	if (r->format == BR_STACK_RUBY)
		return 10; /* the source with a marker below it */
	return r->format == BR_STACK_NATIVE &&
	       (*s == '[' || *s == '/' || strncmp(s, "v8::", 4) == 0); /* V8's long lines are split */
}

/* One stack, and perhaps lines before it. Ends at a blank line, or at one that is no part of it. */
static bool read_one(struct reader *r)
{
	size_t before = 0, strange = 0;

	r->nframe = 0;
	r->nunknown = 0;
	while (next_line(r)) {
		struct br_printed_frame f;
		enum br_line_kind kind = br_frame_read(r->format, r->lines.line, &f);

		if (kind == BR_LINE_FRAME)
			add_frame(r, &f);
		r->nunknown += kind == BR_LINE_PART;
		if (kind == BR_LINE_END)
			break;
		if (kind == BR_LINE_PART && r->format == BR_STACK_RUST)
			note_file(r);
		strange = kind == BR_LINE_OTHER ? strange + 1 : 0;
		if (!r->nframe && kind == BR_LINE_OTHER && ++before > BEFORE_LIMIT)
			break;
		if (r->nframe &&
		    (strange > patience(r) || (is_blank(r->lines.line) && r->format != BR_STACK_RUBY)))
			break;
	}
	return r->nframe > 0;
}

static size_t drop_noise(struct reader *r)
{
	size_t n = 0, module = 0;

	for (size_t i = 0; i < r->nframe; i++) {
		if (br_frame_is_noise(r->format, &r->frame[i]))
			continue;
		module += r->frame[i].module;
		r->frame[n++] = r->frame[i];
	}
	if (module && module < n) { /* names of functions say more than those of libraries */
		size_t k = 0;

		for (size_t i = 0; i < n; i++)
			if (!r->frame[i].module)
				r->frame[k++] = r->frame[i];
		n = k;
	}
	r->nframe = n;
	return n;
}

static bool repeats(const struct br_printed_frame *f, size_t len)
{
	for (size_t i = len; i < len * CYCLE_REPEATS; i++)
		if (strcmp(f[i].name, f[i - len].name) != 0)
			return false;
	return true;
}

/* Recursion: where a part of the stack comes three times in a row, only that part, once. */
static void fold_cycle(struct reader *r)
{
	for (size_t i = 0; i < r->nframe; i++)
		for (size_t len = 1; len <= CYCLE_MAX && i + len * CYCLE_REPEATS <= r->nframe; len++)
			if (repeats(r->frame + i, len)) {
				memmove(r->frame, r->frame + i, len * sizeof *r->frame);
				r->nframe = len;
				return;
			}
}

static bool ran_over(const struct br_failure *f)
{
	return strstr(f->type, "stack-overflow") || strstr(f->type, "tack overflow") ||
	       strstr(f->type, "StackOverflow") || strstr(f->type, "RecursionError") ||
	       strstr(f->message, "stack overflow") || strstr(f->message, "call stack size exceeded");
}

/* A fuzzer's entry is called the same in all of them: its file tells which one it is. */
static const char *name_of(const struct br_printed_frame *f)
{
	return strcmp(f->name, "LLVMFuzzerTestOneInput") == 0 && f->file[0] && f->file[0] != '<'
		       ? br_frame_basename(f->file)
		       : f->name;
}

static void keep_top(struct reader *r, struct br_failure *f)
{
	const size_t max = sizeof f->frame / sizeof f->frame[0];

	f->nframe = 0;
	for (size_t i = 0; i < r->nframe && i < max; i++)
		br_field_put(f->frame[f->nframe++], sizeof f->frame[0], name_of(&r->frame[i]));
}

static void reverse(struct reader *r)
{
	for (size_t i = 0, k = r->nframe; i + 1 < k; i++) {
		struct br_printed_frame tmp = r->frame[i];

		r->frame[i] = r->frame[--k];
		r->frame[k] = tmp;
	}
}

/* "pkg.KeyError: 'k'", "KeyboardInterrupt". A word of the source can not stand here: those lines are indented. */
static void read_exception(const char *line, struct br_failure *f)
{
	const char *s = line + strspn(line, " \t|+-");
	size_t n = 0;
	char type[sizeof f->type];

	while (isalnum((unsigned char)s[n]) || s[n] == '_' || s[n] == '.')
		n++;
	if (!n || (s[n] && s[n] != ':' && strncmp(s + n, " (", 2) != 0))
		return;
	n = n < sizeof type ? n : sizeof type - 1;
	memcpy(type, s, n);
	type[n] = '\0';
	br_field_put(f->type, sizeof f->type, type);
	br_field_put(f->message, sizeof f->message, s[n] == ':' ? s + n + 1 + (s[n + 1] == ' ') : "");
}

/* Frames stand oldest first; the line behind them, no further in than the first, is the exception. */
static void read_traceback(struct reader *r, struct br_failure *f)
{
	size_t indent = 0;

	r->nframe = 0;
	while (next_line(r)) {
		const char *line = r->lines.line;
		size_t in = strspn(line, " \t|+-");
		struct br_printed_frame frame;

		if (br_frame_read(r->format, line, &frame) == BR_LINE_FRAME) {
			add_frame(r, &frame);
			if (r->nframe == 1)
				indent = in;
		} else if (r->nframe && in < indent && line[in]) {
			if (!r->fault)
				read_exception(line, f);
			break;
		} else if (r->fault && r->nframe) {
			break;
		}
	}
	if (!r->fault)
		reverse(r);
}

static bool read_python(struct reader *r, struct br_failure *f)
{
	size_t all;
	struct br_printed_frame top;

	read_traceback(r, f);
	all = r->nframe;
	if (!all)
		return false;
	top = r->frame[0];
	if (!drop_noise(r)) {
		r->frame[0] = top;
		r->nframe = 1;
	}
	if (ran_over(f))
		fold_cycle(r);
	keep_top(r, f);
	return true;
}

/* Most of the stack had no names, and what is left says nothing: a better one may follow. */
static bool is_poor(const struct reader *r)
{
	return r->nframe == 1 && r->nunknown > 3 && strcmp(r->frame[0].name, "main") == 0;
}

static bool read_others(struct reader *r, struct br_failure *f)
{
	for (int i = 0; i < STACK_LIMIT && read_one(r); i++) {
		struct br_printed_frame top = r->frame[0];

		if (!drop_noise(r)) {
			if (r->format == BR_STACK_NATIVE || r->format == BR_STACK_RUST ||
			    r->format == BR_STACK_JS)
				continue;
			r->frame[0] = top;
			r->nframe = 1;
		}
		if (ran_over(f))
			fold_cycle(r);
		keep_top(r, f);
		if (!is_poor(r))
			return true;
	}
	return f->nframe > 0;
}

bool br_stack_read(enum br_stack_format format, const char *text, size_t n, size_t at, struct br_failure *f)
{
	struct reader *r;
	bool found;

	if (format == BR_STACK_NONE || at > n)
		return false;
	r = br_calloc(1, sizeof *r);
	r->format = format;
	r->left = LINE_LIMIT;
	r->lines = (struct br_loglines){.text = text, .n = n, .at = at};
	r->frame = br_calloc(FRAME_MAX, sizeof *r->frame);
	r->fault = strcmp(f->type, "Fatal Python error") == 0;
	found = format == BR_STACK_PYTHON ? read_python(r, f) : read_others(r, f);
	free(r->frame);
	free(r);
	return found;
}
