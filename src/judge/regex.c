/* regex.c - PCRE2 for our own tables: JIT, and limits that make a window of some kilobytes cost microseconds. */
#include "judge/regex.h"

#include "base/mem.h"
#include "bisect_run/err.h"

#include <stdint.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define MATCH_LIMIT 20000u
#define NSAME 4u /* groups of one name in a pattern */

struct br_regex {
	pcre2_code *code;
	pcre2_match_data *data;
	pcre2_match_context *ctx;
	uint32_t number[BR_NGROUP][NSAME]; /* 0: no further one */
};

static void find_groups(struct br_regex *r)
{
	static const char *const names[BR_NGROUP] = {"t", "m", "w", "f"};

	for (int i = 0; i < BR_NGROUP; i++) {
		PCRE2_SPTR first, last;
		int size = pcre2_substring_nametable_scan(r->code, (PCRE2_SPTR)names[i], &first, &last);
		uint32_t k = 0;

		for (; size > 0 && first <= last && k < NSAME; first += size)
			r->number[i][k++] = (uint32_t)first[0] << 8 | first[1];
	}
}

int br_regex_open(struct br_regex **out, const char *re, struct br_err *err)
{
	const uint32_t options = PCRE2_MULTILINE | PCRE2_ANCHORED | PCRE2_DUPNAMES;
	struct br_regex *r;
	PCRE2_UCHAR what[160] = "";
	size_t offset = 0;
	int code = 0;
	pcre2_code *compiled =
		pcre2_compile((PCRE2_SPTR)re, PCRE2_ZERO_TERMINATED, options, &code, &offset, NULL);

	if (!compiled) {
		(void)pcre2_get_error_message(code, what, sizeof what);
		return br_fail(err, BR_ESTATE, "a pattern of ours is wrong: %s at %zu of %s",
			       (const char *)what, offset, re);
	}
	r = br_calloc(1, sizeof *r);
	r->code = compiled;
	r->data = pcre2_match_data_create_from_pattern(compiled, NULL);
	r->ctx = pcre2_match_context_create(NULL);
	if (!r->data || !r->ctx) {
		br_regex_close(r);
		return br_fail(err, BR_ESYS, "no memory for a pattern");
	}
	(void)pcre2_set_match_limit(r->ctx, MATCH_LIMIT);
	(void)pcre2_jit_compile(compiled,
				PCRE2_JIT_COMPLETE); /* where it is forbidden the interpreter does it */
	find_groups(r);
	*out = r;
	return BR_OK;
}

static void fill_groups(const struct br_regex *r, const char *text, struct br_span *group)
{
	const size_t *at = pcre2_get_ovector_pointer(r->data);

	for (int i = 0; i < BR_NGROUP; i++) {
		group[i] = (struct br_span){0};
		for (uint32_t k = 0; k < NSAME && r->number[i][k] && !group[i].at; k++) {
			size_t start = at[2 * r->number[i][k]], end = at[2 * r->number[i][k] + 1];

			if (start != PCRE2_UNSET && start <= end)
				group[i] = (struct br_span){.at = text + start, .n = end - start};
		}
	}
}

bool br_regex_match(struct br_regex *r, const char *text, size_t n, bool at_line_start,
		    struct br_span group[BR_NGROUP])
{
	int rc = pcre2_match(r->code, (PCRE2_SPTR)text, n, 0, at_line_start ? 0 : PCRE2_NOTBOL, r->data,
			     r->ctx);

	if (rc < 0)
		return false;
	fill_groups(r, text, group);
	return true;
}

void br_regex_close(struct br_regex *r)
{
	if (!r)
		return;
	pcre2_match_context_free(r->ctx);
	pcre2_match_data_free(r->data);
	pcre2_code_free(r->code);
	free(r);
}
