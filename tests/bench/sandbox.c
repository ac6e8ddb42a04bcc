/*
 * sandbox.c ROUNDS - start to end of /bin/true: posix_spawn, our sandbox with all that a trial has, and bubblewrap
 * when it is installed. They take turns; medians in milliseconds, and what each costs more than posix_spawn.
 */
#include "exec/sandbox.h"

#include "base/mem.h"
#include "base/text.h"
#include "bisect_run/err.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/ns.h"
#include "sys/spawn.h"

#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

enum { WAYS = 3, WAIT_MS = 10000 };

struct bench {
	char *dir, *tree, *work, *root;
	char *words[32];
	bool works[WAYS];
	double *ms[WAYS];
};

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static bool spawn_and_wait(char *const *argv)
{
	int status = -1;
	pid_t pid;

	return posix_spawn(&pid, argv[0], NULL, NULL, argv, environ) == 0 &&
	       waitpid(pid, &status, 0) == pid && status == 0;
}

static bool in_bwrap(const struct bench *b)
{
	char *const argv[] = {b->words[1],  b->words[2],  b->words[3],	b->words[3],  b->words[4],
			      b->words[5],  b->words[6],  b->words[7],	b->words[8],  b->words[9],
			      b->words[10], b->words[11], b->words[12], b->words[13], b->words[14],
			      b->words[0],  NULL};

	return spawn_and_wait(argv);
}

static bool in_ours(const struct bench *b)
{
	char *const argv[] = {b->words[0], NULL};
	const struct br_spawn program = {.argv = argv,
					 .env = environ,
					 .cwd = b->root,
					 .in_fd = -1,
					 .out_fd = 1,
					 .err_fd = 2,
					 .new_session = true,
					 .die_with_parent = true};
	const struct br_run_spec spec = {.env = environ, .user_root = b->root, .work_dir = b->work};
	const struct br_sandbox_job job = {
		.spec = &spec, .tree = b->tree, .program = &program, .nprogram = 1};
	struct br_ns_exit end = {.status = -1};
	struct br_err err = {0};
	struct br_ns *ns = NULL;
	bool good = br_sandbox_open(&ns, &job, &err) == 0 && br_ns_spawn(ns, &program, &err) == 0;

	if (good)
		(void)poll(&(struct pollfd){.fd = br_ns_fd(ns), .events = POLLIN}, 1, WAIT_MS);
	good = good && br_ns_ended(ns, &end, &err) == 1 && end.status == 0;
	br_ns_close(ns);
	if (!good && err.msg[0])
		fprintf(stderr, "%s\n", err.msg);
	return good;
}

static bool run(const struct bench *b, int way)
{
	char *const argv[] = {b->words[0], NULL};

	return way == 0 ? spawn_and_wait(argv) : way == 1 ? in_ours(b) : in_bwrap(b);
}

static void print(struct bench *b, int way, size_t rounds)
{
	static const char *const name[WAYS] = {"posix_spawn", "sandbox", "bubblewrap"};

	if (!b->works[way]) {
		printf("%-12s does not work here\n", name[way]);
		return;
	}
	qsort(b->ms[way], rounds, sizeof *b->ms[way], by_value);
	printf("%-12s median %6.2f ms  (p10 %6.2f, p90 %6.2f)  over posix_spawn %6.2f ms\n", name[way],
	       b->ms[way][rounds / 2], b->ms[way][rounds / 10], b->ms[way][rounds * 9 / 10],
	       b->ms[way][rounds / 2] - b->ms[0][rounds / 2]);
}

int main(int argc, char **argv)
{
	static const char *const word[] = {
		"/bin/true", "/usr/bin/bwrap", "--ro-bind",    "/",    "--dev",		"/dev",
		"--proc",    "/proc",	       "--tmpfs",      "/tmp", "--unshare-all", "--die-with-parent",
		"--tmpfs",   "/run",	       "--new-session"};
	struct bench b = {0};
	uint64_t rounds = 200;

	if (argc < 3 || br_parse_u64(argv[2], &rounds) < 0 || rounds < 1)
		return 2;
	for (size_t i = 0; i < sizeof word / sizeof *word; i++)
		b.words[i] = br_strdup(word[i]);
	b.dir = realpath(argv[1], NULL);
	b.work = br_asprintf("%s/work", b.dir);
	b.tree = br_asprintf("%s/work/tree", b.dir);
	b.root = br_asprintf("%s/checkout", b.dir);
	if (br_dir_make(b.tree, NULL) < 0 || br_dir_make(b.root, NULL) < 0)
		return 2;
	for (int way = 0; way < WAYS; way++) {
		b.ms[way] = br_calloc(rounds, sizeof *b.ms[way]);
		b.works[way] = run(&b, way);
	}
	for (size_t i = 0; i < rounds; i++) {
		for (int way = 0; way < WAYS; way++) {
			uint64_t start = br_now_ns();

			if (b.works[way] && !run(&b, way))
				return 1;
			b.ms[way][i] = (double)(br_now_ns() - start) / BR_NS_PER_MS;
		}
	}
	for (int way = 0; way < WAYS; way++)
		print(&b, way, rounds);
	return 0;
}
