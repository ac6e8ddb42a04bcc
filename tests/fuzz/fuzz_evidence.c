/*
 * fuzz_evidence.c - any output of a trial: no crash, bounded work, a name that is clean text and of a known kind.
 * Input: a byte (odd: COMMAND exited 0), the output. Build with clang -fsanitize=fuzzer,address,undefined.
 */
#include "base/mem.h"
#include "bisect_run/err.h"
#include "bisect_run/failure.h"
#include "judge/evidence.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds)
{
	if (!holds)
		abort();
}

static void check_text(const char *s, size_t size)
{
	check(memchr(s, '\0', size) != NULL);
	for (; *s; s++)
		check((unsigned char)*s >= 0x20 && *s != 0x7f);
}

static void check_failure(const struct br_failure *f)
{
	char title[64];

	check_text(f->kind, sizeof f->kind);
	check_text(f->type, sizeof f->type);
	check_text(f->message, sizeof f->message);
	check(f->nframe <= 3);
	for (uint32_t i = 0; i < f->nframe; i++)
		check_text(f->frame[i], sizeof f->frame[i]);
	check(!f->type[0] || f->kind[0]);
	check(br_failure_same(f, f));
	check(br_failure_title(f, title, sizeof title)[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct br_evidence *e; /* kept: compiling the patterns takes longer than a run */
	size_t n = size ? size - 1 : 0;
	br_auto_free char *text = br_malloc(n + 1); /* n bytes and one that must not be read */
	struct br_reading r;
	struct br_err err = {0};

	if (!e)
		e = br_evidence_new();
	if (n)
		memcpy(text, data + 1, n);
	check(br_evidence_read(e, text, n, size && (data[0] & 1), &r, &err) == BR_OK);
	check_failure(&r.failure);
	return 0;
}
