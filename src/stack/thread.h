/* thread.h - threads that are held by ptrace, and their registers. */
#ifndef BR_STACK_THREAD_H
#define BR_STACK_THREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>

#if defined(__x86_64__) || defined(__aarch64__)
#define BR_STACK_SUPPORTED 1
typedef struct user_regs_struct br_regs;
#else
#define BR_STACK_SUPPORTED 0
typedef struct {
	int none;
} br_regs;
#endif

enum { BR_THREADS_MAX = 512 };

struct br_held {
	pid_t pid, tid; /* as seen from here */
	pid_t own_tid;	/* as the thread itself sees it */
	bool running;	/* it was on a processor, or about to be */
	bool stopped;
	int status; /* of the stop, as waitid's si_status; what is not ours must be given back */
	char name[16];
	br_regs regs;
	bool has_regs;
};

/* Fills own_tid, running and name from /proc. */
void br_held_describe(struct br_held *h);
/* False: of another size than ours (a 32-bit program), or the thread has gone. */
bool br_held_read_regs(struct br_held *h);
/* The process of a thread, 0 when it has gone. */
pid_t br_thread_process(pid_t tid);
/* Whether it is a process that we started ourselves, or adopted. */
bool br_thread_is_our_child(pid_t tid);
/* Reads one line "Key:\tvalue" of /proc/TID/status into value. */
bool br_thread_status(pid_t tid, const char *key, char *value, size_t size);
/* Threads of a process, at most max; returns how many. */
size_t br_thread_list(pid_t pid, pid_t *tid, size_t max);

#endif
