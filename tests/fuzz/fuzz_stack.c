/*
 * fuzz_stack.c - any lines as a stack of any language: no crash, at most three frames of clean text, and names that are
 * normalised already stay as they are. Input: a byte (the format), the lines.
 */
#include "base/mem.h"
#include "judge/stack.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds)
{
	if (!holds)
		abort();
}

static void check_names(const char *text, size_t n)
{
	char name[256], small[9];

	br_frame_name_native(text, n, name, sizeof name);
	check(memchr(name, '\0', sizeof name) != NULL);
	br_frame_name_native(text, n, small, sizeof small);
	check(memchr(small, '\0', sizeof small) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t n = size ? size - 1 : 0;
	br_auto_free char *text = br_malloc(n + 1);
	enum br_stack_format format = size ? (enum br_stack_format)(data[0] % BR_NSTACK) : BR_STACK_NONE;
	struct br_failure f = {.exit = -1};
	bool found;

	if (n)
		memcpy(text, data + 1, n);
	text[n] = '\0';
	if (size && (data[0] & 0x80))
		memcpy(f.type, "stack-overflow", sizeof "stack-overflow");
	found = br_stack_read(format, text, n, 0, &f);
	check(f.nframe <= 3 && found == (f.nframe > 0));
	for (uint32_t i = 0; i < f.nframe; i++)
		check(memchr(f.frame[i], '\0', sizeof f.frame[i]) && f.frame[i][0]);
	check_names(text, strlen(text));
	return 0;
}
