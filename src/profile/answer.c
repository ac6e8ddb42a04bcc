/* answer.c - takes a hook's answer apart into sections, and sums what the processes of a run wrote. */
#include "profile/build.h"

#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

/* More of one file is not read: a profile of that size says nothing a person could look at. */
#define FILE_MAX (256u << 20)
enum { SECTIONS_MAX = 4096 };

static const struct format {
	const char *name;
	int (*read)(struct br_build *b, const struct br_section *s, struct br_err *err);
} formats[] = {
	{"callgrind", br_read_callgrind}, {"gprof", br_read_gprof}, {"perf", br_read_perf},
	{"nsys", br_read_nsys},		  {"table", br_read_table},
};

struct answer {
	struct br_build b;
	const struct br_profile_cfg *cfg;
	struct br_err first; /* of the parts that could not be read */
	size_t nread, nfailed, nsection;
};

/* ---- sums ---- */

static const char *shared(struct br_build *b, const char *s)
{
	return s ? br_build_name(b, s, strlen(s)) : NULL;
}

static void merge_row(struct br_build *b, const struct br_profile_row *r, uint32_t *to, bool by_line)
{
	struct br_build_key key = {shared(b, r->object), shared(b, r->file), shared(b, r->function),
				   by_line ? r->line : 0};
	struct br_profile_row *mine;

	*to = br_build_row(b, &key);
	mine = &b->p->row[*to];
	if (!mine->line)
		mine->line = r->line;
	if (r->calls >= 0)
		br_build_count(&mine->calls, r->calls);
	if (r->primitive >= 0)
		br_build_count(&mine->primitive, r->primitive);
	if (!isnan(r->self))
		br_build_add(&mine->self, r->self);
	if (!isnan(r->cum))
		br_build_add(&mine->cum, r->cum);
}

static void merge_edge(struct br_build *b, const struct br_profile_edge *e, const uint32_t *row)
{
	struct br_profile_edge *mine = br_build_edge(b, row[e->from], row[e->to]);

	if (e->calls >= 0)
		br_build_count(&mine->calls, e->calls);
	if (!isnan(e->cum))
		br_build_add(&mine->cum, e->cum);
}

static void merge_stack(struct br_build *b, const struct br_profile_stack *s, const uint32_t *row)
{
	uint32_t *frame = br_calloc(s->nframe + 1, sizeof *frame);

	for (size_t i = 0; i < s->nframe; i++)
		frame[i] = row[s->frame[i]];
	br_build_stack(b, frame, s->nframe, s->self);
	free(frame);
}

/* Adds one process. Only tables tell rows apart by their line: elsewhere it is where the cost begins. */
static void merge(struct br_build *b, const struct br_profile *p, bool by_line)
{
	uint32_t *row = br_calloc(p->nrow + 1, sizeof *row);

	for (size_t i = 0; i < p->nrow; i++)
		merge_row(b, &p->row[i], &row[i], by_line);
	for (size_t i = 0; i < p->nedge; i++)
		merge_edge(b, &p->edge[i], row);
	for (size_t i = 0; i < p->nline; i++)
		br_build_line(b, row[p->line[i].row], shared(b, p->line[i].file), p->line[i].line,
			      p->line[i].self);
	for (size_t i = 0; i < p->ncode; i++)
		br_build_code(b, row[p->code[i].row], p->code[i].what, p->code[i].n);
	for (size_t i = 0; i < p->nstack; i++)
		merge_stack(b, &p->stack[i], row);
	b->p->total += p->total;
	b->p->processes += p->processes;
	if (p->quantum > b->p->quantum)
		b->p->quantum = p->quantum;
	if (!b->p->unit)
		b->p->unit = br_strdup_or_null(p->unit);
	free(row);
}

/* ---- sections ---- */

static const struct format *format_of(const char *name, size_t n)
{
	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
		if (strlen(formats[i].name) == n && strncmp(formats[i].name, name, n) == 0)
			return &formats[i];
	return NULL;
}

static void failed(struct answer *a, const struct br_err *err)
{
	if (a->nfailed++ == 0)
		a->first = *err;
	br_build_note(&a->b, "%s", err->msg);
}

static int check_unit(const struct answer *a, const struct br_profile *p, const char *label,
		      struct br_err *err)
{
	if (!a->b.p->unit || !p->unit || strcmp(a->b.p->unit, p->unit) == 0)
		return 0;
	return br_fail(err, BR_EPARSE, "%s: counts %s, the other parts count %s: left out", label, p->unit,
		       a->b.p->unit);
}

/* A section counts as a whole or not at all. */
static void take(struct answer *a, const struct format *f, const struct br_section *s)
{
	struct br_profile p = {0};
	struct br_build b;
	struct br_err err = {0};
	int rc;

	br_build_open(&b, &p, a->cfg->prefix);
	rc = f->read(&b, s, &err);
	br_build_close(&b);
	if (rc == 0)
		rc = check_unit(a, &p, s->label, &err);
	if (rc == 0)
		merge(&a->b, &p, f->read == br_read_table);
	for (size_t i = 0; rc == 0 && p.note && p.note[i]; i++)
		br_build_note(&a->b, "%s", p.note[i]);
	if (rc == 0)
		a->nread++;
	else
		failed(a, &err);
	br_profile_done(&p);
}

static int read_all(int fd, char **out, size_t *n, bool *cut)
{
	struct stat st;
	size_t size, got = 0;
	ssize_t k = 1;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return -1;
	*cut = st.st_size > FILE_MAX;
	size = *cut ? FILE_MAX : (size_t)st.st_size;
	*out = br_malloc(size + 1);
	while (got < size && (k = read(fd, *out + got, size - got)) != 0) {
		if (k < 0 && errno != EINTR)
			break;
		got += k > 0 ? (size_t)k : 0;
	}
	(*out)[got] = '\0';
	*n = got;
	return 0;
}

/* A file of the raw folder, which the program under test could write: plain files in it alone. */
static void take_file(struct answer *a, const struct format *f, const char *name)
{
	br_auto_free char *text = NULL;
	br_auto_free char *label = br_text_clean(name, strlen(name), false);
	br_auto_fd int fd = -1;
	struct br_section s = {.label = label};
	struct br_err err;
	bool cut = false;

	if (!strchr(name, '/') && a->cfg->dir_fd >= 0)
		fd = openat(a->cfg->dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 || read_all(fd, &text, &s.n, &cut) < 0) {
		(void)br_fail(&err, BR_EPARSE, "%s: no plain file of the profiler's folder", label);
		failed(a, &err);
		return;
	}
	s.text = text;
	if (cut) {
		(void)br_fail(&err, BR_EPARSE, "%s: larger than %u MiB, left out", label, FILE_MAX >> 20);
		failed(a, &err);
		return;
	}
	take(a, f, &s);
}

static const char *line_end(const char *at, const char *end)
{
	const char *nl = memchr(at, '\n', (size_t)(end - at));

	return nl ? nl : end;
}

/* Where the next section begins: a line that begins with "#format " or "#file ". */
static const char *next_section(const char *at, const char *end)
{
	while (at < end) {
		if (strncmp(at, "#format ", 8) == 0 || strncmp(at, "#file ", 6) == 0)
			return at;
		at = line_end(at, end);
		at += at < end;
	}
	return end;
}

struct head {
	const struct format *format; /* NULL: symbols */
	char *label;		     /* owned: the words after the format's name */
	bool is_file;
};

static int read_head(const char *at, const char *end, struct head *h, struct br_err *err)
{
	const char *word = strchr(at, ' ') + 1;
	size_t n = strcspn(word, " \n");
	const char *rest = word + n + (word[n] == ' ');
	br_auto_free char *clean = NULL;

	h->is_file = strncmp(at, "#file ", 6) == 0;
	h->format = format_of(word, n);
	h->label = rest < end ? br_strndup(rest, (size_t)(end - rest)) : br_strdup("");
	if (!h->format && !(n == 7 && strncmp(word, "symbols", 7) == 0 && !h->is_file)) {
		clean = br_text_clean(word, n, false);
		return br_fail(err, BR_EPARSE, "the profiler's hook answers in an unknown format `%s`",
			       clean);
	}
	return 0;
}

static void take_section(struct answer *a, const char *at, const char *end, bool symbols)
{
	const char *body = line_end(at, end);
	struct head h = {0};
	struct br_err err = {0};

	if (read_head(at, body, &h, &err) < 0) {
		if (!symbols)
			failed(a, &err);
	} else if (!symbols && h.format && h.is_file) {
		take_file(a, h.format, h.label);
	} else if (symbols ? !h.format : h.format != NULL) {
		struct br_section s = {.label = h.label, .text = body < end ? body + 1 : end};

		s.n = (size_t)(end - s.text);
		if (h.format && !*h.label)
			s.label = h.format->name;
		if (h.format)
			take(a, h.format, &s);
		else
			(void)br_read_symbols(&a->b, &s, &err);
	}
	free(h.label);
}

static void each_section(struct answer *a, const char *at, const char *end, bool symbols)
{
	size_t n = 0;

	while (at < end && n++ < SECTIONS_MAX) {
		const char *next = line_end(at, end);

		next = next_section(next + (next < end), end);
		take_section(a, at, next, symbols);
		at = next;
	}
}

/* ---- the whole ---- */

static int check(const struct answer *a, const char *text, bool has_sections, struct br_err *err)
{
	if (a->nread > 0)
		return 0;
	if (a->nfailed > 0)
		return br_fail(err, BR_EPARSE, "%s", a->first.msg);
	if (!*text)
		return br_fail(err, BR_EPARSE,
			       "the profiler wrote nothing: did COMMAND run, and did it end by itself?");
	if (!has_sections)
		return br_fail(err, BR_EPARSE, "the hook answered nothing that could be read as a profile");
	return br_fail(err, BR_EPARSE, "no process wrote a profile");
}

int br_profile_read(struct br_profile *out, const char *answer, size_t n, const struct br_profile_cfg *cfg,
		    struct br_err *err)
{
	struct br_profile p = {.profiler = br_strdup(cfg->profiler)};
	br_auto_free char *text = br_malloc(n + 1); /* with an end, whatever the caller's has */
	struct answer a = {.cfg = cfg};
	const char *at;
	int rc;

	memcpy(text, answer, n);
	text[n] = '\0';
	br_build_open(&a.b, &p, cfg->prefix);
	at = next_section(text, text + n);
	each_section(&a, at, text + n, false);
	rc = check(&a, text, at < text + n, err);
	if (rc == 0)
		each_section(&a, at, text + n, true); /* symbols name what is in the table by now */
	br_build_close(&a.b);
	if (rc < 0)
		br_profile_done(&p);
	else
		*out = p;
	return rc;
}
