/* build.c - shared names, rows, edges, cost lines and stacks of a profile that is being read. */
#include "profile/build.h"

#include "base/mem.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { NOTES_MAX = 20, PATH_PARTS = 256, UNIT_SIZE = 32 };

/* ---- numbers for pairs ---- */

static uint64_t mix(uint64_t a, uint64_t b)
{
	uint64_t h = (a ^ (b * 0x9e3779b97f4a7c15u)) * 0xbf58476d1ce4e5b9u;

	return (h ^ (h >> 29)) * 0x94d049bb133111ebu;
}

static struct br_pair *find(struct br_pair *slot, size_t size, uint64_t a, uint64_t b)
{
	size_t at = (size_t)(mix(a, b) >> 7) & (size - 1);

	while (slot[at].value && (slot[at].a != a || slot[at].b != b))
		at = (at + 1) & (size - 1);
	return &slot[at];
}

static void grow(struct br_pairs *m)
{
	size_t size = m->size ? m->size * 2 : 256;
	struct br_pair *slot = br_calloc(size, sizeof *slot);

	for (size_t i = 0; i < m->size; i++)
		if (m->slot[i].value)
			*find(slot, size, m->slot[i].a, m->slot[i].b) = m->slot[i];
	free(m->slot);
	m->slot = slot;
	m->size = size;
}

bool br_pairs_number(struct br_pairs *m, uint64_t a, uint64_t b, uint32_t fresh, uint32_t *out)
{
	struct br_pair *p;

	if (m->n * 2 >= m->size)
		grow(m);
	p = find(m->slot, m->size, a, b);
	if (p->value) {
		*out = p->value - 1;
		return true;
	}
	*p = (struct br_pair){a, b, fresh + 1};
	m->n++;
	*out = fresh;
	return false;
}

/* ---- names ---- */

void br_build_open(struct br_build *b, struct br_profile *p, const char *const *prefix)
{
	*b = (struct br_build){.p = p, .prefix = prefix};
}

void br_build_close(struct br_build *b)
{
	free(b->text);
	free(b->rows.slot);
	free(b->edges.slot);
	free(b->lines.slot);
	*b = (struct br_build){0};
}

static uint64_t hash(const char *s, size_t n)
{
	uint64_t h = 0xcbf29ce484222325u; /* FNV-1a */

	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)s[i]) * 0x100000001b3u;
	return h ^ (h >> 32);
}

static uint32_t *text_slot(const struct br_build *b, uint32_t *text, size_t size, const char *s, size_t n)
{
	size_t at = (size_t)hash(s, n) & (size - 1);

	for (; text[at]; at = (at + 1) & (size - 1)) {
		const char *have = b->p->name[text[at] - 1];

		if (strncmp(have, s, n) == 0 && !have[n])
			break;
	}
	return &text[at];
}

static void text_grow(struct br_build *b)
{
	size_t size = b->text_size ? b->text_size * 2 : 256;
	uint32_t *text = br_calloc(size, sizeof *text);

	for (size_t i = 0; i < b->p->nname; i++)
		*text_slot(b, text, size, b->p->name[i], strlen(b->p->name[i])) = (uint32_t)i + 1;
	free(b->text);
	b->text = text;
	b->text_size = size;
}

const char *br_build_name(struct br_build *b, const char *s, size_t n)
{
	struct br_profile *p = b->p;
	uint32_t *slot;

	if (p->nname * 2 >= b->text_size)
		text_grow(b);
	n = strnlen(s, n);
	slot = text_slot(b, b->text, b->text_size, s, n);
	if (!*slot) {
		br_grow(&p->name, p->nname, &p->name_cap);
		p->name[p->nname++] = br_strndup(s, n);
		*slot = (uint32_t)p->nname;
	}
	return p->name[*slot - 1];
}

/* Joins the parts of a path again, without "." and, where a folder stands before it, "..". */
static size_t join_parts(const char *s, char *out)
{
	size_t start[PATH_PARTS], depth = 0, n = 0;

	while (*s) {
		size_t len = strcspn(s, "/");
		bool up = len == 2 && s[0] == '.' && s[1] == '.';

		if (up && depth > 0) {
			n = start[--depth];
		} else if (len > 0 && !(len == 1 && *s == '.')) {
			if (depth < PATH_PARTS && !up)
				start[depth++] = n;
			if (n > 0)
				out[n++] = '/';
			memcpy(out + n, s, len);
			n += len;
		}
		s += len + (s[len] == '/');
	}
	return n;
}

/* A new text: the path without needless parts. */
static char *plain_path(const char *s)
{
	bool absolute = *s == '/';
	char *out = br_malloc(strlen(s) + 2);
	size_t n = join_parts(s, out + absolute);

	if (absolute)
		*out = '/';
	out[n + absolute] = '\0';
	return out;
}

static const char *below(const char *path, const char *top)
{
	size_t n = strlen(top);

	while (n > 0 && top[n - 1] == '/')
		n--;
	return n > 0 && strncmp(path, top, n) == 0 && path[n] == '/' ? path + n + 1 : NULL;
}

const char *br_build_path(struct br_build *b, const char *s)
{
	br_auto_free char *plain = NULL;
	const char *rest = NULL;

	if (!*s || strcmp(s, "???") == 0 || strcmp(s, "~") == 0 || strcmp(s, "[unknown]") == 0)
		return NULL;
	plain = plain_path(s);
	for (size_t i = 0; b->prefix && b->prefix[i] && !rest; i++)
		rest = below(plain, b->prefix[i]);
	rest = rest ? rest : plain;
	return br_build_name(b, rest, strlen(rest));
}

/* Where a suffix begins that a compiler added to a name; its length when there is none. */
static size_t without_suffixes(const char *s, size_t n)
{
	static const char *const suffix[] = {".isra.", ".isra",	     ".constprop.", ".part.",  ".part",
					     ".cold",  ".lto_priv.", ".llvm.",	    ".clone.", ".localalias"};

	for (size_t i = 1; i < n; i++)
		for (size_t k = 0; s[i] == '.' && k < sizeof suffix / sizeof *suffix; k++)
			if (strncmp(s + i, suffix[k], strlen(suffix[k])) == 0)
				return i;
	return n;
}

const char *br_build_function(struct br_build *b, const char *s)
{
	return br_build_name(b, s, without_suffixes(s, strlen(s)));
}

/* ---- rows ---- */

uint32_t br_build_row(struct br_build *b, const struct br_build_key *key)
{
	struct br_profile *p = b->p;
	uint64_t where = (uint64_t)(uintptr_t)key->file;
	uint64_t what = mix((uint64_t)(uintptr_t)key->function, (uint64_t)(uintptr_t)key->object) + key->line;
	uint32_t at;

	/* Names are shared, so that an address stands for a text; the hash of two of them keeps the pair a pair. */
	while (br_pairs_number(&b->rows, where, what, (uint32_t)p->nrow, &at)) {
		const struct br_profile_row *r = &p->row[at];

		if (r->function == key->function && r->object == key->object &&
		    (!key->line || r->line == key->line))
			return at;
		what++; /* two functions of one hash: the next place */
	}
	br_grow(&p->row, p->nrow, &p->row_cap);
	p->row[p->nrow++] = (struct br_profile_row){.object = key->object,
						    .file = key->file,
						    .function = key->function,
						    .line = key->line,
						    .calls = -1,
						    .primitive = -1,
						    .self = NAN,
						    .cum = NAN};
	return at;
}

struct br_profile_edge *br_build_edge(struct br_build *b, uint32_t from, uint32_t to)
{
	struct br_profile *p = b->p;
	uint32_t at;

	if (br_pairs_number(&b->edges, from, to, (uint32_t)p->nedge, &at))
		return &p->edge[at];
	br_grow(&p->edge, p->nedge, &p->edge_cap);
	p->edge[p->nedge++] = (struct br_profile_edge){.from = from, .to = to, .calls = -1, .cum = NAN};
	return &p->edge[at];
}

void br_build_line(struct br_build *b, uint32_t row, const char *file, uint32_t line, double self)
{
	struct br_profile *p = b->p;
	uint32_t at;

	if (!br_pairs_number(&b->lines, (uint64_t)(uintptr_t)file, (uint64_t)row << 32 | line,
			     (uint32_t)p->nline, &at)) {
		br_grow(&p->line, p->nline, &p->line_cap);
		p->line[p->nline++] =
			(struct br_profile_line){.row = row, .file = file, .line = line, .self = 0};
	}
	p->line[at].self += self;
}

void br_build_code(struct br_build *b, uint32_t row, const char *what, uint32_t n)
{
	struct br_profile *p = b->p;
	const char *name = br_build_name(b, what, strlen(what));
	/* Kept among the lines: no address of a file's name has this bit. */
	uint64_t key = (uint64_t)(uintptr_t)name ^ UINT64_C(1) << 62;
	uint32_t at;

	if (br_pairs_number(&b->lines, key, row, (uint32_t)p->ncode, &at))
		return;
	br_grow(&p->code, p->ncode, &p->code_cap);
	p->code[p->ncode++] = (struct br_profile_code){.row = row, .what = name, .n = n};
}

static bool same_stack(const struct br_profile_stack *s, const uint32_t *frame, size_t n)
{
	return s->nframe == n && memcmp(s->frame, frame, n * sizeof *frame) == 0;
}

void br_build_stack(struct br_build *b, const uint32_t *frame, size_t n, double self)
{
	struct br_profile *p = b->p;
	uint64_t h = hash((const char *)frame, n * sizeof *frame);
	uint32_t at;

	/* Kept among the edges: their numbers are below 2^32, this one has a bit above. */
	h |= UINT64_C(1) << 63;
	while (br_pairs_number(&b->edges, h, n, (uint32_t)p->nstack, &at)) {
		if (same_stack(&p->stack[at], frame, n)) {
			p->stack[at].self += self;
			return;
		}
		h++;
	}
	br_grow(&p->stack, p->nstack, &p->stack_cap);
	p->stack[p->nstack] = (struct br_profile_stack){
		.frame = br_calloc(n + 1, sizeof *frame), .nframe = n, .self = self};
	memcpy(p->stack[p->nstack++].frame, frame, n * sizeof *frame);
}

void br_build_note(struct br_build *b, const char *fmt, ...)
{
	br_auto_free char *text = NULL;
	va_list ap;

	if (br_strv_len(b->p->note) >= NOTES_MAX)
		return;
	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	if (text)
		br_strv_add(&b->p->note, text);
}

bool br_build_unit(struct br_build *b, const char *word, size_t n)
{
	char unit[UNIT_SIZE];
	size_t k = 0;

	for (size_t i = 0; i < n && k + 1 < sizeof unit; i++)
		if (isalnum((unsigned char)word[i]) || strchr("-_.", word[i]))
			unit[k++] = word[i];
	unit[k] = '\0';
	if (!b->p->unit)
		b->p->unit = br_strdup(k ? unit : "events");
	return strcmp(b->p->unit, k ? unit : "events") == 0;
}

bool br_build_is_cost(double x)
{
	return x >= 0 && x < 1e30;
}

void br_build_add(double *to, double cost)
{
	*to = isnan(*to) ? cost : *to + cost;
}

/* Counts that no run can reach stay at the highest. */
void br_build_count(int64_t *to, int64_t calls)
{
	int64_t sum;

	if (*to < 0)
		*to = calls;
	else
		*to = __builtin_add_overflow(*to, calls, &sum) ? INT64_MAX : sum;
}

bool br_reading_next(struct br_reading *l, char *line)
{
	const char *end;
	size_t n;

	if (l->at >= l->end)
		return false;
	end = memchr(l->at, '\n', (size_t)(l->end - l->at));
	n = (size_t)((end ? end : l->end) - l->at);
	memcpy(line, l->at, n < BR_LINE_SIZE ? n : BR_LINE_SIZE - 1);
	line[n < BR_LINE_SIZE ? n : BR_LINE_SIZE - 1] = '\0';
	l->at += n + (end != NULL);
	l->number++;
	return true;
}

void br_profile_done(struct br_profile *p)
{
	for (size_t i = 0; i < p->nstack; i++)
		free(p->stack[i].frame);
	for (size_t i = 0; i < p->nname; i++)
		free(p->name[i]);
	free(p->name);
	free(p->stack);
	free(p->row);
	free(p->edge);
	free(p->line);
	free(p->code);
	free(p->profiler);
	free(p->unit);
	free(p->raw);
	br_strv_free(p->note);
	*p = (struct br_profile){0};
}
