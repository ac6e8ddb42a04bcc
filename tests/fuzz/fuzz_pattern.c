/*
 * fuzz_pattern.c - any pattern on any output: no crash, no endless work, and a match that lies within the text.
 * Input: the pattern, a NUL, the text. Build with clang -fsanitize=fuzzer,address,undefined.
 */
#include "bisect_run/err.h"

#include "base/mem.h"
#include "judge/pattern.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds)
{
	if (!holds)
		abort();
}

static void match(const char *re, const char *text, size_t n)
{
	struct br_pattern *p = NULL;
	struct br_err err = {0};
	struct br_hit hit = {0};
	int rc = br_pattern_open(&p, "--bad-if", re, &err);

	if (rc < 0) {
		check(rc == BR_EUSAGE && err.msg[0]);
		return;
	}
	rc = br_pattern_match(p, text, n, &hit, &err);
	check(rc >= 0 || err.msg[0]);
	check(rc != BR_PATTERN_COSTLY || hit.limit);
	if (rc == BR_PATTERN_FOUND) {
		check(hit.start <= hit.end && hit.end <= n);
		free(br_pattern_line(text, n, &hit));
	}
	br_pattern_close(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nul = size ? memchr(data, 0, size) : NULL;
	size_t len = nul ? (size_t)(nul - data) : size;
	size_t ntext = nul ? size - len - 1 : 0;
	br_auto_free char *re = br_malloc(len + 1);
	br_auto_free char *text = br_malloc(ntext); /* of its exact size: a read behind it is seen */

	if (len)
		memcpy(re, data, len);
	re[len] = '\0';
	if (ntext)
		memcpy(text, nul + 1, ntext);
	match(re, text, ntext);
	return 0;
}
