/* thread.c - what the kernel says of a thread. */
#include "stack/thread.h"

#include "base/mem.h"

#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

/* Reads a small file of /proc whole. False: it has gone. */
static bool read_proc(const char *path, char *text, size_t size)
{
	br_auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

	if (n <= 0)
		return false;
	text[n] = '\0';
	return true;
}

bool br_thread_status(pid_t tid, const char *key, char *value, size_t size)
{
	char path[64], text[8192];
	size_t n = strlen(key);

	(void)snprintf(path, sizeof path, "/proc/%ld/status", (long)tid);
	if (!read_proc(path, text, sizeof text))
		return false;
	for (const char *line = text; *line;) {
		size_t len = strcspn(line, "\n");

		if (len > n && strncmp(line, key, n) == 0 && line[n] == ':') {
			const char *p = line + n + 1 + strspn(line + n + 1, "\t ");

			(void)snprintf(value, size, "%.*s", (int)(line + len - p), p);
			return true;
		}
		line += len + (line[len] == '\n');
	}
	return false;
}

pid_t br_thread_process(pid_t tid)
{
	char text[32];

	return br_thread_status(tid, "Tgid", text, sizeof text) ? (pid_t)strtol(text, NULL, 10) : 0;
}

bool br_thread_is_our_child(pid_t tid)
{
	char text[32];

	return br_thread_status(tid, "PPid", text, sizeof text) && strtol(text, NULL, 10) == getpid();
}

void br_held_describe(struct br_held *h)
{
	char text[256];
	const char *last;

	if (br_thread_status(h->tid, "Name", text, sizeof text))
		(void)snprintf(h->name, sizeof h->name, "%.15s", text);
	h->running = br_thread_status(h->tid, "State", text, sizeof text) && text[0] == 'R';
	h->own_tid = h->tid;
	if (!br_thread_status(h->tid, "NSpid", text, sizeof text))
		return;
	last = strrchr(text, '\t');
	h->own_tid = (pid_t)strtol(last ? last : text, NULL, 10);
}

bool br_held_read_regs(struct br_held *h)
{
	struct iovec io = {&h->regs, sizeof h->regs};

	h->has_regs = BR_STACK_SUPPORTED && ptrace(PTRACE_GETREGSET, h->tid, NT_PRSTATUS, &io) == 0 &&
		      io.iov_len == sizeof h->regs;
	return h->has_regs;
}

size_t br_thread_list(pid_t pid, pid_t *tid, size_t max)
{
	char path[64];
	DIR *dir;
	size_t n = 0;

	(void)snprintf(path, sizeof path, "/proc/%ld/task", (long)pid);
	dir = opendir(path);
	if (!dir)
		return 0;
	for (struct dirent *e; n < max && (e = readdir(dir));) {
		long number = strtol(e->d_name, NULL, 10);

		if (number > 0)
			tid[n++] = (pid_t)number;
	}
	(void)closedir(dir);
	return n;
}
