/* pattern.c - PCRE2 patterns. The only file that includes pcre2.h. */
#include "judge/pattern.h"

#include "base/mem.h"
#include "base/text.h"
#include "bisect_run/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define PATTERN_MAX_B (64u << 10)
#define MATCH_LIMIT 5000000u
#define DEPTH_LIMIT 1000000u
#define HEAP_LIMIT_KIB (64u << 10)
#define JIT_STACK_MIN_B (32u << 10)
#define JIT_STACK_MAX_B (1u << 20)
/*
 * PCRE2's match limit counts anew at every start position, so `a.*b.*c` on a line of some megabytes stays below it
 * for hours. All work is counted in callouts besides, which is the same on every machine: about 5 ns each, so that a
 * pattern costs a second or two at most.
 */
#define WORK_LIMIT 300000000u
#define WORK_PER_BYTE 16u

#define LINE_MAX_B 480u
#define LINE_BEFORE_B 120u

struct br_pattern {
	char *option;
	char *re;
	pcre2_code *code;
	pcre2_match_data *data;
	pcre2_match_context *ctx;
	pcre2_jit_stack *stack;
};

struct work {
	uint64_t left;
	size_t at;
};

/* One callout is one step, and the bytes that a repeat ran over since the last one are steps too. */
static int count_work(pcre2_callout_block *block, void *arg)
{
	struct work *w = arg;
	size_t now = block->current_position;
	size_t far = now > w->at ? now - w->at : w->at - now;
	uint64_t cost = 1 + far / 16;

	w->at = now;
	if (cost > w->left)
		return PCRE2_ERROR_CALLOUT;
	w->left -= cost;
	return 0;
}

static bool is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* Three lines: what, the pattern (a window of it), a caret. Bytes that would move the caret are shown as '?'. */
static int report_invalid(const char *option, const char *re, int code, size_t offset, struct br_err *err)
{
	enum { BEFORE = 60, WINDOW = 120 };
	PCRE2_UCHAR what[200];
	char line[WINDOW + 1], blank[WINDOW + 1];
	size_t from, len = 0, column = 0;

	if (pcre2_get_error_message(code, what, sizeof what) < 0)
		what[0] = '\0';
	offset = offset < strlen(re) ? offset : strlen(re);
	from = offset > BEFORE ? offset - BEFORE : 0;
	while (from < offset && is_continuation(re[from]))
		from++;
	for (; len < WINDOW && re[from + len]; len++) {
		unsigned char c = (unsigned char)re[from + len];

		line[len] = c < 0x20 || c == 0x7f ? '?' : (char)c;
		if (from + len < offset && !is_continuation((char)c))
			blank[column++] = ' ';
	}
	while (len && re[from + len] && is_continuation(re[from + len]))
		len--;
	line[len] = '\0';
	blank[column] = '\0';
	return br_fail(err, BR_EUSAGE, "%s: %s at %zu\n%s\n%s^", option, (const char *)what, offset, line,
		       blank);
}

/*
 * Bytes, not UTF, unless the pattern asks by (*UTF); then invalid sequences in the output must not be an error,
 * and PCRE2 wants to know that when it compiles.
 */
static pcre2_code *compile(const char *re, int *code, size_t *offset)
{
	const uint32_t options = PCRE2_MULTILINE | PCRE2_AUTO_CALLOUT;
	pcre2_compile_context *ctx = pcre2_compile_context_create(NULL);
	pcre2_code *out;
	uint32_t all = 0;

	if (!ctx) {
		*code = PCRE2_ERROR_NOMEMORY;
		return NULL;
	}
	(void)pcre2_set_newline(ctx, PCRE2_NEWLINE_LF);
	(void)pcre2_set_max_pattern_length(ctx, PATTERN_MAX_B);
	out = pcre2_compile((PCRE2_SPTR)re, PCRE2_ZERO_TERMINATED, options, code, offset, ctx);
	if (out)
		(void)pcre2_pattern_info(out, PCRE2_INFO_ALLOPTIONS, &all);
	if (all & PCRE2_UTF) {
		pcre2_code_free(out);
		out = pcre2_compile((PCRE2_SPTR)re, PCRE2_ZERO_TERMINATED, options | PCRE2_MATCH_INVALID_UTF,
				    code, offset, ctx);
	}
	pcre2_compile_context_free(ctx);
	return out;
}

/* Some systems forbid memory that is written and executed: then there is no JIT, and the interpreter does it. */
static void prepare(struct br_pattern *p)
{
	p->data = pcre2_match_data_create(2, NULL);
	p->ctx = pcre2_match_context_create(NULL);
	if (!p->data || !p->ctx)
		return;
	(void)pcre2_set_match_limit(p->ctx, MATCH_LIMIT);
	(void)pcre2_set_depth_limit(p->ctx, DEPTH_LIMIT);
	(void)pcre2_set_heap_limit(p->ctx, HEAP_LIMIT_KIB);
	if (pcre2_jit_compile(p->code, PCRE2_JIT_COMPLETE) != 0)
		return;
	p->stack = pcre2_jit_stack_create(JIT_STACK_MIN_B, JIT_STACK_MAX_B, NULL);
	if (p->stack)
		pcre2_jit_stack_assign(p->ctx, NULL, p->stack);
}

int br_pattern_open(struct br_pattern **out, const char *option, const char *re, struct br_err *err)
{
	struct br_pattern *p;
	size_t offset = 0;
	int code = 0;
	pcre2_code *compiled = compile(re, &code, &offset);

	if (!compiled)
		return report_invalid(option, re, code, offset, err);
	p = br_calloc(1, sizeof *p);
	p->option = br_strdup(option);
	p->re = br_strdup(re);
	p->code = compiled;
	prepare(p);
	if (!p->data || !p->ctx) {
		br_pattern_close(p);
		return br_fail(err, BR_ESYS, "%s: no memory for the pattern", option);
	}
	*out = p;
	return BR_OK;
}

static int run(struct br_pattern *p, const char *text, size_t n, uint32_t options)
{
	struct work work = {.left = WORK_LIMIT + (uint64_t)WORK_PER_BYTE * n};

	(void)pcre2_set_callout(p->ctx, count_work, &work);
	return pcre2_match(p->code, (PCRE2_SPTR)text, n, 0, options, p->data, p->ctx);
}

/* Which limit this PCRE2 error is; NULL: none. */
static const char *limit_of(int rc)
{
	switch (rc) {
	case PCRE2_ERROR_MATCHLIMIT:
		return "match limit";
	case PCRE2_ERROR_DEPTHLIMIT:
		return "depth limit";
	case PCRE2_ERROR_HEAPLIMIT:
	case PCRE2_ERROR_NOMEMORY:
		return "memory limit";
	case PCRE2_ERROR_JIT_STACKLIMIT:
		return "stack limit";
	case PCRE2_ERROR_CALLOUT:
		return "work limit";
	default:
		return NULL;
	}
}

/* \K in a look-around can put the start behind the end. */
static void fill_hit(const struct br_pattern *p, int groups, size_t n, struct br_hit *hit)
{
	const size_t *at = pcre2_get_ovector_pointer(p->data);
	size_t start = at[0] < n ? at[0] : n;
	size_t end = at[1] < n ? at[1] : n;

	*hit = (struct br_hit){.start = start < end ? start : end, .end = start < end ? end : start};
	if (groups != 1 && at[2] <= at[3] && at[3] <= n) {
		hit->group_start = at[2];
		hit->group_end = at[3];
	}
}

int br_pattern_match(struct br_pattern *p, const char *text, size_t n, struct br_hit *hit, struct br_err *err)
{
	PCRE2_UCHAR what[200];
	int rc = run(p, text, n, 0);

	if (rc == PCRE2_ERROR_JIT_STACKLIMIT)
		rc = run(p, text, n, PCRE2_NO_JIT); /* its stack is on the heap, with a limit of its own */
	if (rc == PCRE2_ERROR_NOMATCH) {
		*hit = (struct br_hit){0};
		return BR_PATTERN_NONE;
	}
	if (rc >= 0) {
		fill_hit(p, rc, n, hit);
		return BR_PATTERN_FOUND;
	}
	if (limit_of(rc)) {
		*hit = (struct br_hit){.limit = limit_of(rc)};
		return BR_PATTERN_COSTLY;
	}
	if (pcre2_get_error_message(rc, what, sizeof what) < 0)
		what[0] = '\0';
	return br_fail(err, BR_ESTATE, "%s %s: %s", p->option, p->re, (const char *)what);
}

const char *br_pattern_option(const struct br_pattern *p)
{
	return p->option;
}

const char *br_pattern_text(const struct br_pattern *p)
{
	return p->re;
}

char *br_pattern_line(const char *text, size_t n, const struct br_hit *hit)
{
	size_t from = hit->start < n ? hit->start : n, to;

	while (from < hit->end && (text[from] == '\n' || text[from] == '\r'))
		from++; /* \nFAIL means the line of FAIL */
	for (to = from; to < n && text[to] != '\n' && to - from < LINE_MAX_B;)
		to++;
	while (to > from && text[to - 1] == '\r')
		to--;
	for (size_t back = 0; from && text[from - 1] != '\n' && back < LINE_BEFORE_B; back++)
		from--;
	return br_text_clean(text + from, to - from, false);
}

void br_pattern_close(struct br_pattern *p)
{
	if (!p)
		return;
	pcre2_jit_stack_free(p->stack);
	pcre2_match_context_free(p->ctx);
	pcre2_match_data_free(p->data);
	pcre2_code_free(p->code);
	free(p->re);
	free(p->option);
	free(p);
}
