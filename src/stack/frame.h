/* frame.h - stacks as plain data: what was unwound, what people see of it, and which functions tell most. Pure. */
#ifndef BR_STACK_FRAME_H
#define BR_STACK_FRAME_H

#include "stack/stack.h"

struct br_buf;

/* Strings owned; NULL: unknown. */
struct br_frame {
	char *function, *file, *module;
	int line;     /* 0: unknown */
	bool inlined; /* into the next one */
	bool python;
};

struct br_thread {
	pid_t tid;
	char name[16];
	bool running;
	struct br_frame *frame; /* innermost first; of a long stack its head and its tail */
	size_t n, cap;
	size_t gap, omitted;	 /* omitted frames are missing before frame[gap]; 0: none */
	struct br_frame *python; /* the interpreter's own frames, innermost first */
	size_t npython, python_cap;
	char *note; /* why nothing, or not all, could be read; owned */
};

struct br_process {
	pid_t pid;
	char *program;	/* owned */
	bool is_parent; /* another one of the list was started by it */
	struct br_thread *thread;
	size_t n, cap;
};

struct br_stacks {
	struct br_process *process;
	size_t n, cap;
};

/* Adds one; the strings are copied. Returns it, valid until the next is added. */
struct br_frame *br_thread_add(struct br_thread *t, const char *function, const char *file, int line);
struct br_frame *br_thread_add_python(struct br_thread *t, const char *function, const char *file, int line);
struct br_process *br_stacks_process(struct br_stacks *s, pid_t pid);
struct br_thread *br_process_thread(struct br_process *p, pid_t tid);
void br_stacks_done(struct br_stacks *s);

/* Adds the text for people. */
void br_stacks_text(const struct br_stacks *s, struct br_buf *out);
/* The thread that tells most (of a hang: one that runs, else one that waits for no other thread) and in it up to three functions. */
uint32_t br_stacks_telling(const struct br_stacks *s, char frame[BR_STACK_TELLING][BR_STACK_NAME_B]);

#endif
