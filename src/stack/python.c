/*
 * python.c - CPython's frames, read from outside.
 *
 * A walk from the symbol _PyRuntime over interpreters and threads to frames and code objects. Where the members lie depends on the
 * version (3.11: Include/internal/pycore_runtime.h, pycore_interp.h, pycore_frame.h, cpython/code.h), so there is a table
 * with a row a version; another one gets a note instead of guesses. Nothing that is read is trusted: each step may fail,
 * every loop has an end.
 */
#include "stack/python.h"

#include "base/mem.h"

#include <string.h>

enum {
	INTERPRETERS_MAX = 8,
	THREADS_MAX = 256,
	FRAMES_MAX = 100,	/* shown a thread */
	WALK_MAX = 3000,	/* gone through */
	TEXT_MAX = 400,		/* characters of a name */
	TABLE_MAX_B = 1 << 16,	/* of locations */
	OWNED_BY_GENERATOR = 1, /* enum _frameowner */
};

/* Offsets in bytes on 64-bit machines. */
struct layout {
	unsigned long version; /* major << 8 | minor */
	unsigned interpreters_head, interpreter_next, threads_head;
	unsigned thread_next, thread_cframe, thread_native, cframe_current;
	unsigned frame_code, frame_previous, frame_instr;
	unsigned code_file, code_name, code_first_line, code_lines, code_start;
	unsigned bytes_size, bytes_data;
	unsigned text_length, text_state, text_ascii, text_compact;
};

static const struct layout layouts[] = {
	{.version = 0x30b,
	 .interpreters_head = 40,
	 .interpreter_next = 0,
	 .threads_head = 16,
	 .thread_next = 8,
	 .thread_cframe = 56,
	 .thread_native = 160,
	 .cframe_current = 8,
	 .frame_code = 32,
	 .frame_previous = 48,
	 .frame_instr = 56,
	 .code_file = 112,
	 .code_name = 128,
	 .code_first_line = 72,
	 .code_lines = 136,
	 .code_start = 184,
	 .bytes_size = 16,
	 .bytes_data = 32,
	 .text_length = 16,
	 .text_state = 32,
	 .text_ascii = 48,
	 .text_compact = 72},
};

struct reader {
	const struct layout *at;
	const struct br_memory *memory;
};

static bool read_all(const struct reader *r, uint64_t address, void *data, size_t n)
{
	return address && r->memory->read(r->memory->arg, address, data, n) == n;
}

/* 0 when it cannot be read: no pointer either way. */
static uint64_t pointer(const struct reader *r, uint64_t object, unsigned offset)
{
	uint64_t value = 0;

	return object && read_all(r, object + offset, &value, sizeof value) ? value : 0;
}

/* Characters of one to four bytes; what is not ASCII becomes '?'. */
static void narrow(const unsigned char *data, size_t n, size_t width, char *out)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t c = 0;

		memcpy(&c, data + i * width, width); /* little-endian, as all that is supported */
		out[i] = c >= ' ' && c < 127 ? (char)c : '?';
	}
	out[n] = '\0';
}

/* A str object; the caller frees; NULL: it cannot be read. */
static char *text_of(const struct reader *r, uint64_t object)
{
	unsigned char data[TEXT_MAX * 4];
	uint64_t length = pointer(r, object, r->at->text_length);
	uint32_t state = 0;
	unsigned kind;
	char *out;

	if (!object || !length || !read_all(r, object + r->at->text_state, &state, sizeof state))
		return NULL;
	kind = state >> 2 & 7;
	if (!(state >> 5 & 1) ||
	    (kind != 1 && kind != 2 && kind != 4)) /* not compact: from before 3.3's way */
		return NULL;
	if (length > TEXT_MAX)
		length = TEXT_MAX;
	object += state >> 6 & 1 ? r->at->text_ascii : r->at->text_compact;
	if (!read_all(r, object, data, length * kind))
		return NULL;
	out = br_malloc(length + 1);
	narrow(data, length, kind, out);
	return out;
}

/* ---- lines: Objects/locations.md of CPython 3.11 ---- */

static bool take_varint(const unsigned char **p, const unsigned char *end, uint32_t *out)
{
	uint32_t value = 0;
	unsigned shift = 0;

	while (*p < end && shift < 30) {
		unsigned char b = *(*p)++;

		value |= (uint32_t)(b & 63) << shift;
		shift += 6;
		if (!(b & 64)) {
			*out = value;
			return true;
		}
	}
	return false;
}

static bool take_delta(const unsigned char **p, const unsigned char *end, int *line)
{
	uint32_t u;
	int64_t sum;

	if (!take_varint(p, end, &u))
		return false;
	sum = *line + (u & 1 ? -(int64_t)(u >> 1) : (int64_t)(u >> 1));
	if (sum < INT32_MIN || sum > INT32_MAX)
		return false;
	*line = (int)sum;
	return true;
}

int br_python_line(const unsigned char *table, size_t n, int first, size_t offset)
{
	const unsigned char *p = table, *end = table + n;
	int line = first;
	size_t at = 0;

	while (p < end) {
		unsigned char head = *p++;
		unsigned code = head >> 3 & 15;

		if (!(head & 128))
			return first;
		if ((code == 13 || code == 14) && !take_delta(&p, end, &line))
			return first;
		if (code >= 11 && code <= 12 && __builtin_add_overflow(line, (int)code - 10, &line))
			return first;
		at += ((size_t)(head & 7) + 1) * 2;
		if (offset < at)
			return code == 15 ? first : line;
		while (p < end && !(*p & 128))
			p++;
	}
	return first;
}

static int line_of(const struct reader *r, uint64_t code, uint64_t frame)
{
	uint64_t table = pointer(r, code, r->at->code_lines), size = pointer(r, table, r->at->bytes_size);
	uint64_t at = pointer(r, frame, r->at->frame_instr), start = code + r->at->code_start;
	br_auto_free unsigned char *data = NULL;
	int first = 0;

	if (!read_all(r, code + r->at->code_first_line, &first, sizeof first))
		return 0;
	if (!table || !size || size > TABLE_MAX_B || at < start)
		return first;
	data = br_malloc(size);
	if (!read_all(r, table + r->at->bytes_data, data, size))
		return first;
	return br_python_line(data, size, first, at - start);
}

/* ---- frames ---- */

static bool add_frame(const struct reader *r, struct br_thread *t, uint64_t frame)
{
	uint64_t code = pointer(r, frame, r->at->frame_code);
	br_auto_free char *name = text_of(r, pointer(r, code, r->at->code_name));
	br_auto_free char *file = name ? text_of(r, pointer(r, code, r->at->code_file)) : NULL;

	if (!name || !file)
		return false;
	(void)br_thread_add_python(t, name, file, line_of(r, code, frame));
	return true;
}

static void add_thread(const struct reader *r, struct br_thread *t, uint64_t state)
{
	uint64_t cframe = pointer(r, state, r->at->thread_cframe);
	uint64_t frame = pointer(r, cframe, r->at->cframe_current);

	for (int i = 0; frame && i < WALK_MAX && t->npython < FRAMES_MAX; i++) {
		if (!add_frame(r, t, frame))
			return;
		frame = pointer(r, frame, r->at->frame_previous);
	}
}

static struct br_thread *thread_by_own_id(struct br_process *p, const struct br_held *held, size_t n,
					  uint64_t id)
{
	for (size_t i = 0; i < n && i < p->n; i++)
		if ((uint64_t)held[i].own_tid == id && !p->thread[i].npython)
			return &p->thread[i];
	return NULL;
}

static const struct layout *layout_of(unsigned long version)
{
	for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++)
		if (layouts[i].version == version >> 16)
			return &layouts[i];
	return NULL;
}

static void note_version(struct br_process *p, unsigned long version)
{
	if (p->n && !p->thread[0].note)
		p->thread[0].note = br_asprintf(
			"Python %lu.%lu: frames of this version cannot be read, only those of 3.11",
			version >> 24, version >> 16 & 255);
}

void br_python_read(struct br_process *p, uint64_t runtime, unsigned long version, const struct br_held *held,
		    size_t n, const struct br_memory *memory)
{
	struct reader r = {layout_of(version), memory};
	uint64_t interpreter;

	if (!r.at) {
		note_version(p, version);
		return;
	}
	interpreter = pointer(&r, runtime, r.at->interpreters_head);
	for (int i = 0; interpreter && i < INTERPRETERS_MAX; i++) {
		uint64_t state = pointer(&r, interpreter, r.at->threads_head);

		for (int k = 0; state && k < THREADS_MAX; k++) {
			uint64_t id = pointer(&r, state, r.at->thread_native);
			struct br_thread *t = thread_by_own_id(p, held, n, id);

			if (t)
				add_thread(&r, t, state);
			state = pointer(&r, state, r.at->thread_next);
		}
		interpreter = pointer(&r, interpreter, r.at->interpreter_next);
	}
}

/* ---- where the interpreter is ---- */

struct search {
	uint64_t runtime, version;
};

static int find_symbols(Dwfl_Module *mod, void **userdata, const char *name, Dwarf_Addr start, void *arg)
{
	const char *base = strrchr(name, '/');
	struct search *s = arg;
	int count;

	(void)userdata;
	(void)start;
	base = base ? base + 1 : name;
	if (strncmp(base, "python", 6) != 0 && strncmp(base, "libpython", 9) != 0)
		return DWARF_CB_OK;
	count = dwfl_module_getsymtab(mod);
	for (int i = 0; i < count; i++) {
		GElf_Addr value;
		GElf_Sym sym;
		const char *symbol = dwfl_module_getsym_info(mod, i, &sym, &value, NULL, NULL, NULL);

		if (!symbol || sym.st_shndx == SHN_UNDEF)
			continue;
		if (strcmp(symbol, "_PyRuntime") == 0)
			s->runtime = value;
		else if (strcmp(symbol, "Py_Version") == 0)
			s->version = value;
	}
	return s->runtime ? DWARF_CB_ABORT : DWARF_CB_OK;
}

void br_python_add(struct br_process *p, Dwfl *dwfl, const struct br_held *held, size_t n,
		   const struct br_memory *memory)
{
	struct search s = {0};
	unsigned long version = 0;

	(void)dwfl_getmodules(dwfl, find_symbols, &s, 0);
	if (!s.runtime)
		return;
	if (!s.version || memory->read(memory->arg, s.version, &version, sizeof version) != sizeof version)
		version = 0x03000000; /* before 3.11 there was no such symbol */
	br_python_read(p, s.runtime, version, held, n, memory);
}
