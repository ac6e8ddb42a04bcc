/*
 * telling.c - which functions name a hang or a crash.
 *
 * Everything ends in the C library: a wait, an abort. What the program itself was doing stands above that. Of several
 * processes the one that started no other tells (make waits for its child); of several threads one that runs, else one that
 * is not merely waiting for another thread's end.
 */
#include "stack/frame.h"

#include <stdio.h>
#include <string.h>

/* Beginnings of module names whose functions are never the program's own. */
static const char *const runtime_module[] = {
	"libc.so",     "libc-",	      "libpthread",  "ld-linux",   "libm.so", "libstdc++",
	"libgcc_s",    "libc++",      "libunwind",   "linux-vdso", "[vdso",   "libasan",
	"libubsan",    "libtsan",     "liblsan",     "libpython",  "python3", "python2",
	"libjemalloc", "libtcmalloc", "libSegFault", "musl",	   "ld-musl", NULL};

/* The same for functions, where a program is linked statically or the sources of a run time are known. */
static const char *const runtime_function[] = {
	"_start",	"start_thread", "clone",   "clone3",  "raise",	"gsignal",    "abort",
	"pthread_kill", "read",		"write",   "poll",    "select", "futex_wait", "nanosleep",
	"usleep",	"sleep",	"memcpy",  "memmove", "memset", "strlen",     "malloc",
	"free",		"calloc",	"realloc", "??",      NULL};
static const char *const runtime_prefix[] = {
	"__libc_",   "__GI_",	  "_IO_",	"__pthread_",	   "___pthread_",    "pthread_",
	"__lll_",    "__futex_",  "__assert_",	"__kernel_",	   "__vdso_",	     "std::__",
	"__cxa_",    "__asan",	  "__ubsan",	"__restore_",	   "__memcpy_",	     "__memmove",
	"__memset_", "__strlen_", "__GI___",	"__poll",	   "__read",	     "__wait",
	"__clone",   "std::rt::", "rust_begin", "core::panicking", "std::panicking", "runtime.",
	NULL};
/* Waiting for another thread's or process's end. */
static const char *const joining[] = {"pthread_join",
				      "__pthread_clockjoin",
				      "pthread_timedjoin",
				      "thread::join",
				      "wait4",
				      "__wait4",
				      "waitpid",
				      "__waitpid",
				      "waitid",
				      "__waitid",
				      NULL};

static bool starts_with_one(const char *text, const char *const *list)
{
	for (; *list; list++)
		if (strncmp(text, *list, strlen(*list)) == 0)
			return true;
	return false;
}

static bool equals_one(const char *text, const char *const *list)
{
	for (; *list; list++)
		if (strcmp(text, *list) == 0)
			return true;
	return false;
}

static bool tells(const struct br_frame *f)
{
	const char *module = f->module ? strrchr(f->module, '/') : NULL;

	if (!f->function)
		return false;
	if (f->python)
		return strcmp(f->function, "<module>") != 0;
	module = module ? module + 1 : f->module;
	return !(module && starts_with_one(module, runtime_module)) &&
	       !equals_one(f->function, runtime_function) && !starts_with_one(f->function, runtime_prefix);
}

static uint32_t telling_of(const struct br_frame *f, size_t n, char frame[BR_STACK_TELLING][BR_STACK_NAME_B])
{
	uint32_t found = 0;

	for (size_t i = 0; i < n && found < BR_STACK_TELLING; i++)
		if (tells(&f[i]))
			(void)snprintf(frame[found++], BR_STACK_NAME_B, "%s", f[i].function);
	return found;
}

/* The script's own top level tells only when nothing else does. */
static uint32_t of_thread(const struct br_thread *t, char frame[BR_STACK_TELLING][BR_STACK_NAME_B])
{
	uint32_t n = telling_of(t->python, t->npython, frame);

	if (!n && t->npython) {
		(void)snprintf(frame[0], BR_STACK_NAME_B, "%s",
			       t->python[0].function ? t->python[0].function : "?");
		n = 1;
	}
	return n ? n : telling_of(t->frame, t->n, frame);
}

static bool is_joining(const struct br_thread *t)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->frame[i].function && starts_with_one(t->frame[i].function, joining))
			return true;
	return false;
}

/* Higher is better; 0: says nothing. */
static int worth(const struct br_process *p, const struct br_thread *t)
{
	char frame[BR_STACK_TELLING][BR_STACK_NAME_B];
	int value = 1;

	if (!of_thread(t, frame))
		return 0;
	value += p->is_parent ? 0 : 8;
	value += t->running ? 4 : 0;
	value += is_joining(t) ? 0 : 2;
	return value;
}

uint32_t br_stacks_telling(const struct br_stacks *s, char frame[BR_STACK_TELLING][BR_STACK_NAME_B])
{
	const struct br_thread *best = NULL;
	int most = 0;

	for (size_t i = 0; i < s->n; i++)
		for (size_t k = 0; k < s->process[i].n; k++) {
			int value = worth(&s->process[i], &s->process[i].thread[k]);

			if (value > most) {
				most = value;
				best = &s->process[i].thread[k];
			}
		}
	return best ? of_thread(best, frame) : 0;
}
