/*
 * unwind.c - walks stacks with libdwfl: of processes that somebody else holds.
 *
 * The holder keeps ptrace for itself, so registers come as data and memory by a callback. Programs in a sandbox have
 * other roots than ours: their files are opened through /proc/PID/root.
 */
#include "stack/unwind.h"

#include "base/mem.h"
#include "bisect_run/err.h"
#include "stack/python.h"
#include "stack/symbol.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum {
	HEAD_FRAMES = 48, /* kept of a long stack: its start ... */
	TAIL_FRAMES = 16, /* ... and its end */
	WALK_MAX = 20000, /* frames that are walked at all */
	PAGE_B = 4096,
	NPAGES = 64, /* kept, by address */
};

struct page {
	uint64_t address;
	size_t n;
	unsigned char data[PAGE_B];
};

struct look {
	const struct br_held *held;
	size_t n;
	const struct br_memory *memory;
	struct page *page;
};

/* ---- callbacks of libdwfl ---- */

static size_t read_memory(struct look *l, uint64_t address, void *data, size_t n)
{
	uint64_t start = address / PAGE_B * PAGE_B;
	struct page *p = &l->page[start / PAGE_B % NPAGES];
	size_t at = (size_t)(address - start);

	if (p->address != start || !p->n) {
		p->address = start;
		p->n = l->memory->read(l->memory->arg, start, p->data, PAGE_B);
	}
	if (at >= p->n || n > p->n - at)
		return l->memory->read(l->memory->arg, address, data, n);
	memcpy(data, p->data + at, n);
	return n;
}

static bool memory_read(Dwfl *dwfl, Dwarf_Addr address, Dwarf_Word *result, void *arg)
{
	uint64_t word;

	(void)dwfl;
	if (read_memory(arg, address, &word, sizeof word) != sizeof word)
		return false;
	*result = word;
	return true;
}

static pid_t next_thread(Dwfl *dwfl, void *arg, void **thread_arg)
{
	const struct look *l = arg;
	size_t i = *thread_arg ? (size_t)((const struct br_held *)*thread_arg - l->held) + 1 : 0;

	(void)dwfl;
	if (i >= l->n)
		return 0;
	*thread_arg = (void *)(uintptr_t)&l->held[i];
	return l->held[i].tid;
}

static bool get_thread(Dwfl *dwfl, pid_t tid, void *arg, void **thread_arg)
{
	const struct look *l = arg;

	(void)dwfl;
	for (size_t i = 0; i < l->n; i++)
		if (l->held[i].tid == tid) {
			*thread_arg = (void *)(uintptr_t)&l->held[i];
			return true;
		}
	return false;
}

#if defined(__x86_64__)
/* System V ABI, AMD64 supplement, figure 3.36: the numbers of the registers in DWARF. */
static bool set_registers(Dwfl_Thread *thread, void *arg)
{
	const struct br_held *h = arg;
	const br_regs *r = &h->regs;
	const Dwarf_Word word[17] = {r->rax, r->rdx, r->rcx, r->rbx, r->rsi, r->rdi, r->rbp, r->rsp, r->r8,
				     r->r9,  r->r10, r->r11, r->r12, r->r13, r->r14, r->r15, r->rip};

	return h->has_regs && dwfl_thread_state_registers(thread, 0, 17, word);
}
#elif defined(__aarch64__)
/* DWARF for the Arm 64-bit architecture: x0 to x30, then sp. */
static bool set_registers(Dwfl_Thread *thread, void *arg)
{
	const struct br_held *h = arg;
	Dwarf_Word word[32];

	for (int i = 0; i < 31; i++)
		word[i] = h->regs.regs[i];
	word[31] = h->regs.sp;
	if (!h->has_regs || !dwfl_thread_state_registers(thread, 0, 32, word))
		return false;
	dwfl_thread_state_register_pc(thread, h->regs.pc);
	return true;
}
#else
static bool set_registers(Dwfl_Thread *thread, void *arg)
{
	(void)thread;
	(void)arg;
	return false;
}
#endif

/* A name may have become a pipe or a device since it was mapped. */
static int open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

/* *userdata is the look, set for each module when all were reported. */
static int find_elf(Dwfl_Module *mod, void **userdata, const char *name, Dwarf_Addr base, char **file_name,
		    Elf **elf)
{
	const struct look *l = *userdata;
	br_auto_free char *path = NULL;
	int fd;

	if (!l || name[0] != '/')
		return dwfl_linux_proc_find_elf(mod, userdata, name, base, file_name, elf);
	path = br_asprintf("/proc/%ld/root%s", (long)l->held[0].pid, name);
	fd = open_file(path);
	if (fd >= 0)
		*file_name = br_steal(&path);
	return fd;
}

static int set_userdata(Dwfl_Module *mod, void **userdata, const char *name, Dwarf_Addr start, void *arg)
{
	(void)mod;
	(void)name;
	(void)start;
	*userdata = arg;
	return DWARF_CB_OK;
}

/* ---- walking ---- */

struct walk {
	struct br_thread *thread;
	Dwfl *dwfl;
	size_t n;		      /* frames so far */
	Dwarf_Addr tail[TAIL_FRAMES]; /* the last ones, in a ring */
};

static int take_frame(Dwfl_Frame *frame, void *arg)
{
	struct walk *w = arg;
	bool activation = false;
	Dwarf_Addr pc;

	if (!dwfl_frame_pc(frame, &pc, &activation))
		return DWARF_CB_ABORT;
	if (!activation && pc)
		pc--; /* of a caller, it is where the call returns to */
	if (w->n < HEAD_FRAMES)
		br_symbol_add(w->thread, w->dwfl, pc);
	else
		w->tail[(w->n - HEAD_FRAMES) % TAIL_FRAMES] = pc;
	w->n++;
	return w->n < WALK_MAX ? DWARF_CB_OK : DWARF_CB_ABORT;
}

static void add_tail(struct walk *w)
{
	size_t more = w->n > HEAD_FRAMES ? w->n - HEAD_FRAMES : 0;
	size_t kept = more < TAIL_FRAMES ? more : TAIL_FRAMES;

	w->thread->gap = w->thread->n;
	w->thread->omitted = more - kept;
	for (size_t i = more - kept; i < more; i++)
		br_symbol_add(w->thread, w->dwfl, w->tail[i % TAIL_FRAMES]);
}

static void walk_thread(struct br_thread *t, Dwfl *dwfl)
{
	struct walk w = {.thread = t, .dwfl = dwfl};

	(void)dwfl_getthread_frames(dwfl, t->tid, take_frame, &w);
	add_tail(&w);
	if (!w.n)
		t->note = br_asprintf("no stack could be read: %s", dwfl_errmsg(-1));
}

static const Dwfl_Callbacks live_callbacks = {.find_elf = find_elf,
					      .find_debuginfo = dwfl_standard_find_debuginfo};
static const Dwfl_Thread_Callbacks thread_callbacks = {.next_thread = next_thread,
						       .get_thread = get_thread,
						       .memory_read = memory_read,
						       .set_initial_registers = set_registers};

static char *program_of(pid_t pid)
{
	br_auto_free char *path = br_asprintf("/proc/%ld/exe", (long)pid);
	br_auto_free char *text = br_calloc(4096, 1);

	return readlink(path, text, 4095) > 0 ? br_steal(&text) : NULL;
}

static void walk_all(struct br_process *p, Dwfl *dwfl, struct look *l)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct br_held *h = &l->held[i];
		struct br_thread *t = br_process_thread(p, h->tid);

		memcpy(t->name, h->name, sizeof t->name);
		t->running = h->running;
		if (dwfl)
			walk_thread(t, dwfl);
	}
}

void br_unwind_process(struct br_process *p, const struct br_held *held, size_t n,
		       const struct br_memory *memory)
{
	struct look l = {held, n, memory, br_calloc(NPAGES, sizeof *l.page)};
	Dwfl *dwfl = dwfl_begin(&live_callbacks);
	bool fine;

	p->program = program_of(p->pid);
	fine = dwfl && dwfl_linux_proc_report(dwfl, p->pid) == 0 && dwfl_report_end(dwfl, NULL, NULL) == 0;
	if (fine) {
		(void)dwfl_getmodules(dwfl, set_userdata, &l, 0);
		fine = dwfl_attach_state(dwfl, NULL, p->pid, &thread_callbacks, &l);
	}
	walk_all(p, fine ? dwfl : NULL, &l);
	if (dwfl)
		br_python_add(p, dwfl, held, n, memory);
	dwfl_end(dwfl);
	free(l.page);
}
