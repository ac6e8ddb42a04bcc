/*
 * fuzz_python.c - any memory of an interpreter: no crash, no endless walk, and bounded stacks; any location table gives a line.
 * Input: two bytes (where _PyRuntime lies), then the memory itself, which is seen at address 4096.
 */
#include "stack/python.h"

#include "base/buf.h"
#include "base/mem.h"

#include <stdint.h>
#include <string.h>

#define BASE 4096u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct memory {
	const uint8_t *data;
	size_t n;
};

static size_t read_some(void *arg, uint64_t address, void *data, size_t n)
{
	const struct memory *m = arg;
	size_t at = (size_t)(address - BASE);

	if (address < BASE || at >= m->n)
		return 0;
	n = n < m->n - at ? n : m->n - at;
	memcpy(data, m->data + at, n);
	return n;
}

static void walk(const uint8_t *data, size_t size)
{
	struct memory m = {data + 2, size - 2};
	const struct br_memory memory = {read_some, &m};
	struct br_held held[2] = {{.pid = 1, .tid = 1, .own_tid = 0}, {.pid = 1, .tid = 2, .own_tid = 2}};
	struct br_stacks s = {0};
	struct br_process *p = br_stacks_process(&s, 1);
	struct br_buf b = {.max = 1 << 16};
	char frame[BR_STACK_TELLING][BR_STACK_NAME_B];

	(void)br_process_thread(p, 1);
	(void)br_process_thread(p, 2);
	br_python_read(p, BASE + (uint64_t)(data[0] | data[1] << 8), 0x030b00f0, held, 2, &memory);
	br_stacks_text(&s, &b);
	if (br_stacks_telling(&s, frame) > BR_STACK_TELLING)
		abort();
	br_buf_done(&b);
	br_stacks_done(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	walk(data, size);
	(void)br_python_line(data + 2, size - 2, data[0], data[1]);
	return 0;
}
