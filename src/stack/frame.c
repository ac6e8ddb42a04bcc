/* frame.c - stacks as plain data, and as text. */
#include "stack/frame.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

#include <string.h>

static struct br_frame *put(struct br_frame *f, const char *function, const char *file, int line)
{
	*f = (struct br_frame){
		.function = br_strdup_or_null(function), .file = br_strdup_or_null(file), .line = line};
	return f;
}

struct br_frame *br_thread_add(struct br_thread *t, const char *function, const char *file, int line)
{
	br_grow(&t->frame, t->n, &t->cap);
	return put(&t->frame[t->n++], function, file, line);
}

struct br_frame *br_thread_add_python(struct br_thread *t, const char *function, const char *file, int line)
{
	struct br_frame *f;

	br_grow(&t->python, t->npython, &t->python_cap);
	f = put(&t->python[t->npython++], function, file, line);
	f->python = true;
	return f;
}

struct br_process *br_stacks_process(struct br_stacks *s, pid_t pid)
{
	br_grow(&s->process, s->n, &s->cap);
	s->process[s->n] = (struct br_process){.pid = pid};
	return &s->process[s->n++];
}

struct br_thread *br_process_thread(struct br_process *p, pid_t tid)
{
	br_grow(&p->thread, p->n, &p->cap);
	p->thread[p->n] = (struct br_thread){.tid = tid};
	return &p->thread[p->n++];
}

static void free_frames(struct br_frame *f, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(f[i].function);
		free(f[i].file);
		free(f[i].module);
	}
	free(f);
}

static void free_process(struct br_process *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free_frames(p->thread[i].frame, p->thread[i].n);
		free_frames(p->thread[i].python, p->thread[i].npython);
		free(p->thread[i].note);
	}
	free(p->thread);
	free(p->program);
}

void br_stacks_done(struct br_stacks *s)
{
	for (size_t i = 0; i < s->n; i++)
		free_process(&s->process[i]);
	free(s->process);
	*s = (struct br_stacks){0};
}

void br_stack_seen_done(struct br_stack_seen *s)
{
	free(s->text);
	*s = (struct br_stack_seen){0};
}

/* Names come out of files that somebody else wrote. */
static void put_clean(struct br_buf *out, const char *text)
{
	br_auto_free char *clean = br_text_clean(text, strlen(text), false);

	br_buf_str(out, clean);
}

static void put_frame(struct br_buf *out, size_t number, const struct br_frame *f)
{
	br_buf_fmt(out, "    #%-2zu ", number);
	put_clean(out, f->function ? f->function : "??");
	if (f->file) {
		br_buf_str(out, " at ");
		put_clean(out, f->file);
		if (f->line > 0)
			br_buf_fmt(out, ":%d", f->line);
	} else if (f->module) {
		br_buf_str(out, " in ");
		put_clean(out, f->module);
	}
	br_buf_str(out, f->inlined ? " (inlined)\n" : "\n");
}

static void put_thread(struct br_buf *out, const struct br_thread *t)
{
	br_buf_fmt(out, "  thread %ld", (long)t->tid);
	if (t->name[0]) {
		br_buf_str(out, " (");
		put_clean(out, t->name);
		br_buf_char(out, ')');
	}
	br_buf_str(out, t->running ? ", running\n" : "\n");
	for (size_t i = 0; i < t->npython; i++)
		put_frame(out, i, &t->python[i]);
	if (t->npython && t->n)
		br_buf_str(out, "    below Python:\n");
	for (size_t i = 0; i < t->n; i++) {
		if (t->omitted && i == t->gap)
			br_buf_fmt(out, "    ... %zu frames left out\n", t->omitted);
		put_frame(out, i < t->gap || !t->omitted ? i : i + t->omitted, &t->frame[i]);
	}
	if (t->note) {
		br_buf_str(out, "    (");
		put_clean(out, t->note);
		br_buf_str(out, ")\n");
	}
}

static void put_process(struct br_buf *out, const struct br_process *p)
{
	br_buf_fmt(out, "process %ld", (long)p->pid);
	if (p->program) {
		br_buf_char(out, ' ');
		put_clean(out, p->program);
	}
	br_buf_char(out, '\n');
	for (size_t k = 0; k < p->n; k++)
		put_thread(out, &p->thread[k]);
}

/* Those that wait for others come last. */
void br_stacks_text(const struct br_stacks *s, struct br_buf *out)
{
	for (size_t i = 0; i < s->n; i++)
		if (!s->process[i].is_parent)
			put_process(out, &s->process[i]);
	for (size_t i = 0; i < s->n; i++)
		if (s->process[i].is_parent)
			put_process(out, &s->process[i]);
}
