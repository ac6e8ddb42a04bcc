/*
 * serve.c - a helper process parses, we hold.
 *
 * ELF and DWARF come from the program under test; a parser that crashes, loops or eats memory must not take the
 * worker with it. So a helper reads them, with a limit on its time and memory. It may not be allowed to read the held threads'
 * memory (Yama lets only ancestors), so it asks for each piece over a socket pair. What it sends back is text.
 */
#include "stack/serve.h"

#include "base/buf.h"
#include "base/mem.h"
#include "bisect_run/err.h"
#include "stack/frame.h"
#include "stack/unwind.h"
#include "sys/clock.h"
#include "sys/spawn.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>

enum {
	CHUNK_B = 8192,
	TEXT_MAX_B = 1 << 18,
	CPU_S = 60,
};
#define MEMORY_B (4ull << 30)

enum kind { READ, TEXT, TELLING };

/* Both ways. READ: of process pid, n bytes at address; the answer has those that could be read. */
struct packet {
	enum kind kind;
	pid_t pid;
	uint64_t address;
	uint32_t n;
	unsigned char data[CHUNK_B];
};

struct br_task {
	const struct br_held *held;
	size_t n;
};

/* ---- the helper ---- */

struct client {
	int fd;
	pid_t pid; /* whose memory is read */
	struct packet packet;
};

static bool send_packet(int fd, const struct packet *p, size_t n)
{
	ssize_t sent;

	do
		sent = send(fd, p, n, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent == (ssize_t)n;
}

static size_t read_by_asking(void *arg, uint64_t address, void *data, size_t n)
{
	struct client *c = arg;
	struct packet *p = &c->packet;
	ssize_t got;

	*p = (struct packet){.kind = READ, .pid = c->pid, .address = address};
	p->n = n < CHUNK_B ? (uint32_t)n : CHUNK_B;
	if (!send_packet(c->fd, p, offsetof(struct packet, data)))
		_exit(1); /* nobody wants to know any more */
	do
		got = recv(c->fd, p, sizeof *p, 0);
	while (got < 0 && errno == EINTR);
	if (got < (ssize_t)offsetof(struct packet, data))
		_exit(1);
	n = p->n < n ? p->n : n;
	memcpy(data, p->data, n);
	return n;
}

static pid_t parent_of(pid_t pid)
{
	char text[32];

	return br_thread_status(pid, "PPid", text, sizeof text) ? (pid_t)strtol(text, NULL, 10) : 0;
}

static void mark_parents(struct br_stacks *s)
{
	for (size_t i = 0; i < s->n; i++) {
		pid_t parent = parent_of(s->process[i].pid);

		for (size_t k = 0; k < s->n; k++)
			if (s->process[k].pid == parent)
				s->process[k].is_parent = true;
	}
}

static void read_live(struct client *c, const struct br_task *task, struct br_stacks *out)
{
	const struct br_memory memory = {read_by_asking, c};

	for (size_t i = 0, n; i < task->n; i += n) {
		const struct br_held *first = &task->held[i];

		for (n = 1; i + n < task->n && task->held[i + n].pid == first->pid; n++)
			;
		c->pid = first->pid;
		br_unwind_process(br_stacks_process(out, first->pid), first, n, &memory);
	}
	mark_parents(out);
}

static void send_text(struct client *c, const struct br_stacks *s)
{
	struct br_buf b = {.max = TEXT_MAX_B};
	struct packet *p = &c->packet;

	br_stacks_text(s, &b);
	for (size_t at = 0; at < b.len; at += p->n) {
		*p = (struct packet){.kind = TEXT};
		p->n = b.len - at < CHUNK_B ? (uint32_t)(b.len - at) : CHUNK_B;
		memcpy(p->data, b.data + at, p->n);
		(void)send_packet(c->fd, p, sizeof *p);
	}
	br_buf_done(&b);
}

static void send_telling(struct client *c, const struct br_stacks *s)
{
	char frame[BR_STACK_TELLING][BR_STACK_NAME_B] = {{0}};
	struct packet *p = &c->packet;

	*p = (struct packet){.kind = TELLING};
	p->n = br_stacks_telling(s, frame);
	memcpy(p->data, frame, sizeof frame);
	(void)send_packet(c->fd, p, sizeof *p);
}

static void limit(__rlimit_resource_t what, rlim_t most)
{
	const struct rlimit l = {most, most};

	(void)setrlimit(what, &l);
}

static int body(void *arg, int fd)
{
	const struct br_task *task = arg;
	struct client *c = br_calloc(1, sizeof *c);
	struct br_stacks s = {0};

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)prctl(PR_SET_NAME, "bisect-run:look");
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_CPU, CPU_S);
#if !defined(__SANITIZE_ADDRESS__)
	limit(RLIMIT_AS, MEMORY_B);
#endif
	(void)unsetenv("DEBUGINFOD_URLS"); /* libdw would fetch debug information from the network */
	c->fd = fd;
	read_live(c, task, &s);
	send_text(c, &s);
	send_telling(c, &s);
	br_stacks_done(&s);
	free(c);
	return 0;
}

/* ---- the holder ---- */

static void answer(int fd, const struct br_task *task, struct packet *p)
{
	struct iovec here = {p->data, p->n < CHUNK_B ? p->n : CHUNK_B}, there;
	bool ours = false;
	ssize_t n = -1;

	for (size_t i = 0; task->held && i < task->n; i++)
		ours = ours || task->held[i].pid == p->pid;
	there = (struct iovec){(void *)(uintptr_t)p->address, here.iov_len};
	if (ours)
		n = process_vm_readv(p->pid, &here, 1, &there, 1, 0);
	p->n = n > 0 ? (uint32_t)n : 0;
	(void)send_packet(fd, p, sizeof *p);
}

static void take_telling(const struct packet *p, struct br_stack_seen *out)
{
	out->nframe = p->n < BR_STACK_TELLING ? p->n : BR_STACK_TELLING;
	memcpy(out->frame, p->data, sizeof out->frame);
	for (uint32_t i = 0; i < BR_STACK_TELLING; i++)
		out->frame[i][BR_STACK_NAME_B - 1] = '\0';
}

/* True when all has come. */
static bool converse(int fd, const struct br_task *task, uint64_t deadline, struct br_buf *text,
		     struct br_stack_seen *out)
{
	br_auto_free struct packet *p = br_calloc(1, sizeof *p);
	struct pollfd poller = {.fd = fd, .events = POLLIN};

	for (;;) {
		uint64_t now = br_now_ns();
		ssize_t n;

		if (now >= deadline || poll(&poller, 1, (int)((deadline - now) / BR_NS_PER_MS + 1)) == 0)
			return false;
		n = recv(fd, p, sizeof *p, MSG_DONTWAIT);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < (ssize_t)offsetof(struct packet, data))
			return false;
		if (p->kind == READ)
			answer(fd, task, p);
		else if (p->kind == TEXT && p->n <= CHUNK_B)
			br_buf_add(text, p->data, p->n);
		else if (p->kind == TELLING) {
			take_telling(p, out);
			return true;
		}
	}
}

static int run(struct br_task *task, int limit_ms, struct br_stack_seen *out, struct br_err *err)
{
	uint64_t deadline = br_now_ns() + (uint64_t)limit_ms * BR_NS_PER_MS;
	struct br_buf text = {.max = TEXT_MAX_B};
	pid_t pid;
	int fd, rc = br_fork_worker(body, task, &pid, &fd, err);
	bool whole;

	if (rc < 0)
		return rc;
	*out = (struct br_stack_seen){0};
	whole = converse(fd, task, deadline, &text, out);
	(void)kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	(void)close(fd);
	if (whole && text.len) {
		out->text = br_buf_take(&text);
		return 0;
	}
	br_buf_done(&text);
	return br_fail(err, BR_EPARSE, "the stacks could not be read%s",
		       br_now_ns() >= deadline ? " in time" : "");
}

int br_serve_live(const struct br_held *held, size_t n, int limit_ms, struct br_stack_seen *out,
		  struct br_err *err)
{
	struct br_task task = {.held = held, .n = n};

	if (!BR_STACK_SUPPORTED)
		return br_fail(err, BR_EUNSUPPORTED, "stacks cannot be read on this kind of processor");
	return run(&task, limit_ms, out, err);
}
