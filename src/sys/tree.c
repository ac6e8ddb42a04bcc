/*
 * tree.c - finds, freezes and kills all processes below this one.
 *
 * A list of processes is out of date when it has been read: a process may fork behind the reader's back, or
 * lose its parent and appear elsewhere. So first everything is frozen (a stopped process cannot fork), again
 * and again until a walk finds nothing new; then all is killed and reaped; and that until a walk finds
 * nothing at all. Then nothing is there: whoever is left would be a child of ours, because we are the
 * subreaper, and our own list does not change.
 */
#include "sys/tree.h"

#include "base/mem.h"
#include "sys/clock.h"
#include "sys/spawn.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	FREEZE_ROUNDS = 100,
	GIVE_UP_S = 5,
	REAP_WAIT_MS = 50,
	TREE_MAX = 1 << 20, /* more processes than any machine has */
};

struct pids {
	pid_t *pid;
	size_t n, cap;
};

static void add(struct pids *list, pid_t pid)
{
	if (pid <= 0 || list->n >= TREE_MAX)
		return;
	br_grow(&list->pid, list->n, &list->cap);
	list->pid[list->n++] = pid;
}

/* Adds the numbers that the file holds, separated by blanks. False: there is no such file. */
static bool add_from_file(struct pids *list, const char *path)
{
	br_auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[4096];
	pid_t number = 0;
	ssize_t n;

	if (fd < 0)
		return false;
	while ((n = read(fd, text, sizeof text)) > 0) {
		for (ssize_t i = 0; i < n; i++) {
			if (text[i] >= '0' && text[i] <= '9') {
				number = number * 10 + (text[i] - '0');
				continue;
			}
			add(list, number);
			number = 0;
		}
	}
	add(list, number);
	return true;
}

struct stat_line {
	char state;
	pid_t parent;
	long threads;
};

/* Reads /proc/PID/stat. The name, in brackets, may hold blanks and brackets: what follows its last one
 * counts. */
static bool read_stat(pid_t pid, struct stat_line *out)
{
	char path[64], text[1024], *p;
	br_auto_fd int fd = -1;
	ssize_t n;

	(void)snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	if (n <= 0)
		return false;
	text[n] = '\0';
	p = strrchr(text, ')');
	if (!p || strlen(p) < 4)
		return false;
	out->state = p[2];
	p += 4;
	out->parent = (pid_t)strtol(p, &p, 10);
	for (int field = 5; field <= 20; field++) /* proc(5): 20 is num_threads */
		out->threads = strtol(p, &p, 10);
	return true;
}

/* A zombie that is only the dead first thread of a living process is no zombie. */
static bool is_alive(pid_t pid)
{
	struct stat_line s;

	if (!read_stat(pid, &s))
		return false;
	return !(s.state == 'Z' || s.state == 'X') || s.threads > 1;
}

/* For kernels without CONFIG_PROC_CHILDREN. */
static void add_by_scan(struct pids *list, pid_t parent)
{
	DIR *dir = opendir("/proc");
	struct stat_line s;

	if (!dir)
		return;
	for (struct dirent *e; (e = readdir(dir));) {
		pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);

		if (pid > 0 && read_stat(pid, &s) && s.parent == parent)
			add(list, pid);
	}
	(void)closedir(dir);
}

/* Each thread has its own children. */
static void add_children(struct pids *list, pid_t parent)
{
	char path[96];
	DIR *dir;
	bool seen = false;

	(void)snprintf(path, sizeof path, "/proc/%ld/task", (long)parent);
	dir = opendir(path);
	if (!dir)
		return;
	for (struct dirent *e; (e = readdir(dir));) {
		long tid = strtol(e->d_name, NULL, 10);

		if (tid <= 0)
			continue;
		(void)snprintf(path, sizeof path, "/proc/%ld/task/%ld/children", (long)parent, tid);
		seen = add_from_file(list, path) || seen;
	}
	(void)closedir(dir);
	if (!seen && access("/proc/thread-self/children", F_OK) < 0)
		add_by_scan(list, parent);
}

static bool is_kept(const struct br_tree_keep *keep, pid_t pid)
{
	for (size_t i = 0; keep && i < keep->n; i++)
		if (keep->pid[i] == pid)
			return true;
	return false;
}

/* All below us, parents before their children. freeze: each is stopped before its children are read. */
static void walk(struct pids *list, const struct br_tree_keep *keep, bool freeze)
{
	size_t kept = 0;

	list->n = 0;
	add_children(list, getpid());
	for (size_t i = 0; i < list->n; i++)
		if (!is_kept(keep, list->pid[i]))
			list->pid[kept++] = list->pid[i];
	list->n = kept;
	for (size_t i = 0; i < list->n; i++) {
		if (freeze)
			(void)kill(list->pid[i], SIGSTOP);
		add_children(list, list->pid[i]);
	}
}

static int by_pid(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

	return (x > y) - (x < y);
}

static bool contains(const struct pids *sorted, pid_t pid)
{
	return sorted->n && bsearch(&pid, sorted->pid, sorted->n, sizeof pid, by_pid);
}

/* Adds those of list that seen lacks; returns how many of them live, command not counted. */
static uint32_t learn(struct pids *seen, const struct pids *list, pid_t command, bool *news)
{
	size_t before = seen->n;
	struct pids old = {seen->pid, seen->n, 0};
	uint32_t alive = 0;
	struct pids fresh = {0};

	for (size_t i = 0; i < list->n; i++)
		if (!contains(&old, list->pid[i]))
			add(&fresh, list->pid[i]);
	for (size_t i = 0; i < fresh.n; i++) {
		add(seen, fresh.pid[i]);
		if (fresh.pid[i] != command && is_alive(fresh.pid[i]))
			alive++;
	}
	*news = seen->n > before;
	if (seen->n)
		qsort(seen->pid, seen->n, sizeof *seen->pid, by_pid);
	free(fresh.pid);
	return alive;
}

/* Freezes until nothing new appears. list is the last walk. */
static uint32_t freeze(struct pids *list, struct pids *seen, const struct br_tree_keep *keep, pid_t command)
{
	uint32_t alive = 0;
	bool news = true;

	for (int round = 0; news && round < FREEZE_ROUNDS; round++) {
		walk(list, keep, true);
		alive += learn(seen, list, command, &news);
	}
	return alive;
}

void br_tree_stop(const struct br_tree_keep *keep)
{
	struct pids list = {0}, seen = {0};

	(void)freeze(&list, &seen, keep, 0);
	free(list.pid);
	free(seen.pid);
}

size_t br_tree_signal(const struct br_tree_keep *keep, int sig)
{
	struct pids list = {0};
	size_t n;

	walk(&list, keep, false);
	n = list.n;
	for (size_t i = 0; i < n; i++)
		(void)kill(list.pid[sig == SIGCONT ? n - 1 - i : i], sig);
	free(list.pid);
	return n;
}

/* Waits a moment for a killed child of ours to end. */
static void await(pid_t pid)
{
	struct pollfd p = {.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};

	(void)poll(&p, 1, p.fd < 0 ? 1 : REAP_WAIT_MS);
	if (p.fd >= 0)
		(void)close(p.fd);
}

/* Reaps those of the list that are ours and have ended; waits shortly for the first that has not. */
static void reap(const struct pids *list, pid_t command)
{
	pid_t waiting = 0;

	for (size_t i = 0; i < list->n; i++) {
		pid_t pid = list->pid[i];

		if (pid == command ? !br_child_has_ended(pid) : waitpid(pid, NULL, WNOHANG) == 0)
			waiting = waiting ? waiting : pid;
	}
	if (waiting)
		await(waiting);
}

/* Kills all of the list; returns how many of them are still to come to an end and can. */
static size_t kill_list(const struct pids *list, pid_t command)
{
	size_t left = 0;

	for (size_t i = 0; i < list->n; i++) {
		pid_t pid = list->pid[i];

		if (pid == command && br_child_has_ended(pid))
			continue;
		if (kill(pid, SIGKILL) == 0 || errno != EPERM)
			left++;
	}
	return left;
}

static uint32_t count_others(const struct pids *list, pid_t command)
{
	uint32_t n = 0;

	for (size_t i = 0; i < list->n; i++)
		if (list->pid[i] != command)
			n++;
	return n;
}

uint32_t br_tree_kill(const struct br_tree_keep *keep, pid_t command, uint32_t *survivors)
{
	uint64_t give_up = br_now_ns() + (uint64_t)GIVE_UP_S * BR_NS_PER_S;
	struct pids list = {0}, seen = {0};
	uint32_t killed = 0, left = 0;

	for (;;) {
		killed += freeze(&list, &seen, keep, command);
		if (!kill_list(&list, command)) {
			left = count_others(&list, command);
			break;
		}
		if (br_now_ns() > give_up) {
			left = (uint32_t)list.n;
			break;
		}
		reap(&list, command);
	}
	if (survivors)
		*survivors = left;
	free(list.pid);
	free(seen.pid);
	return killed - (left < killed ? left : killed);
}

void br_tree_reap(pid_t command)
{
	siginfo_t info;

	for (;;) {
		info.si_pid = 0;
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || !info.si_pid ||
		    info.si_pid == command)
			return;
		(void)waitpid(info.si_pid, NULL, WNOHANG);
	}
}

bool br_process_is_stopped(pid_t pid)
{
	struct stat_line s;

	return read_stat(pid, &s) && s.state == 'T';
}

size_t br_tree_pids(pid_t **out)
{
	struct pids list = {0};

	walk(&list, NULL, false);
	*out = list.pid;
	return list.n;
}

uint32_t br_tree_count(pid_t but)
{
	struct pids list = {0};
	uint32_t n = 0;

	walk(&list, NULL, false);
	for (size_t i = 0; i < list.n; i++)
		n += list.pid[i] != but && is_alive(list.pid[i]);
	free(list.pid);
	return n;
}

/* Resident less shared pages, from /proc/PID/statm. A page that is shared by forks counts in each. */
static uint64_t own_memory(pid_t pid)
{
	char path[64], text[128];
	unsigned long resident = 0, shared = 0;
	br_auto_fd int fd = -1;
	ssize_t n;

	(void)snprintf(path, sizeof path, "/proc/%ld/statm", (long)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	if (sscanf(text, "%*u %lu %lu", &resident, &shared) != 2 || shared > resident)
		return 0;
	return (uint64_t)(resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE);
}

void br_tree_measure(struct br_tree_use *out)
{
	struct pids list = {0};
	struct stat_line s;

	*out = (struct br_tree_use){0};
	walk(&list, NULL, false);
	for (size_t i = 0; i < list.n; i++) {
		out->memory_b += own_memory(list.pid[i]);
		out->threads += read_stat(list.pid[i], &s) && s.threads > 0 ? (uint64_t)s.threads : 0;
	}
	free(list.pid);
}

size_t br_tree_children(pid_t **out)
{
	struct pids list = {0};

	add_children(&list, getpid());
	*out = list.pid;
	return list.n;
}
