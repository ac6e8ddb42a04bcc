/* touched.c - whether the lines of a diff are a function's own, inlined into it, or near to it in the graph of calls. */
#include "profile/touched.h"

#include "base/mem.h"

#include <string.h>

enum { NEAR_STEPS = 2 };

static const char *const names[] = {"direct", "inlined", "near", "indirect"};

const char *br_touch_name(enum br_touch touch)
{
	return names[touch];
}

int br_touch_from(const char *name)
{
	for (int i = 0; i < 4; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

static const char *path_of(const struct br_touched_side *s, const struct br_changed_file *f)
{
	return s->old ? f->old_path : f->new_path;
}

static const char *text_of(const struct br_touched_side *s, const struct br_changed_file *f)
{
	return s->old ? f->old_text : f->new_text;
}

static const struct br_changed_file *file_of(const struct br_touched_side *s, const char *file)
{
	for (size_t i = 0; file && i < s->nchanged; i++)
		if (path_of(s, &s->changed[i]) && strcmp(path_of(s, &s->changed[i]), file) == 0)
			return &s->changed[i];
	return NULL;
}

/* Whether lines from..to are changed on this side. */
static bool meets(const struct br_touched_side *s, const struct br_changed_file *f, uint32_t from,
		  uint32_t to)
{
	const struct br_line_range *r = s->old ? f->old_range : f->new_range;
	size_t n = s->old ? f->nold : f->nnew;

	for (size_t i = 0; i < n; i++)
		if (r[i].lines > 0 && r[i].start <= to && (uint64_t)r[i].start + r[i].lines > from)
			return true;
	return false;
}

/* The last line with a cost of the row's own file, where the source is not at hand. */
static uint32_t last_cost_line(const struct br_profile *p, uint32_t row)
{
	uint32_t last = p->row[row].line;

	for (size_t i = 0; i < p->nline; i++)
		if (p->line[i].row == row && p->line[i].file == p->row[row].file && p->line[i].line > last)
			last = p->line[i].line;
	return last;
}

/* Lines of the row itself in *from..*to. False: unknown. */
static bool extent(const struct br_touched_side *s, uint32_t row, const struct br_changed_file *f,
		   uint32_t *from, uint32_t *to)
{
	const struct br_profile_row *r = &s->p->row[row];
	const char *text = text_of(s, f);

	*from = text ? br_outline_find(text, r->function) : 0;
	/* The first line with a cost may be the first statement; a name may stand for another function of the file. */
	if (r->line && *from && (*from > r->line || br_outline_end(text, *from) < r->line))
		*from = r->line;
	*from = *from ? *from : r->line;
	if (!*from)
		return false;
	*to = text ? br_outline_end(text, *from) : last_cost_line(s->p, row);
	return *to >= *from;
}

static bool is_direct(const struct br_touched_side *s, uint32_t row)
{
	const struct br_changed_file *f = file_of(s, s->p->row[row].file);
	uint32_t from, to;

	if (f)
		return extent(s, row, f, &from, &to) && meets(s, f, from, to);
	/* A profiler that knows of no sources: the name has to do. */
	for (size_t i = 0; !s->p->row[row].file && i < s->nchanged; i++)
		if (text_of(s, &s->changed[i]) && extent(s, row, &s->changed[i], &from, &to) &&
		    meets(s, &s->changed[i], from, to))
			return true;
	return false;
}

/* Cost lines that are changed and lie outside of their row's own lines. */
static void mark_inlined(const struct br_touched_side *s, enum br_touch *touch)
{
	for (size_t i = 0; i < s->p->nline; i++) {
		const struct br_profile_line *l = &s->p->line[i];
		const struct br_changed_file *f = file_of(s, l->file);

		if (f && touch[l->row] == BR_TOUCH_INDIRECT && meets(s, f, l->line, l->line))
			touch[l->row] = BR_TOUCH_INLINED;
	}
}

/* Spreads from touched rows along the edges in one direction. */
static void spread(const struct br_profile *p, enum br_touch *touch, bool to_callers)
{
	unsigned char *step = br_calloc(p->nrow + 1, 1);

	for (size_t i = 0; i < p->nrow; i++)
		step[i] = touch[i] <= BR_TOUCH_INLINED;
	for (unsigned char at = 1; at <= NEAR_STEPS; at++)
		for (size_t i = 0; i < p->nedge; i++) {
			uint32_t from = to_callers ? p->edge[i].to : p->edge[i].from;
			uint32_t to = to_callers ? p->edge[i].from : p->edge[i].to;

			if (step[from] == at && !step[to])
				step[to] = (unsigned char)(at + 1);
		}
	for (size_t i = 0; i < p->nrow; i++)
		if (step[i] > 1 && touch[i] == BR_TOUCH_INDIRECT)
			touch[i] = BR_TOUCH_NEAR;
	free(step);
}

enum br_touch *br_touched(const struct br_touched_side *s)
{
	enum br_touch *touch = br_calloc(s->p->nrow + 1, sizeof *touch);

	for (uint32_t i = 0; i < s->p->nrow; i++)
		touch[i] = is_direct(s, i) ? BR_TOUCH_DIRECT : BR_TOUCH_INDIRECT;
	mark_inlined(s, touch);
	spread(s->p, touch, true);
	spread(s->p, touch, false);
	return touch;
}
