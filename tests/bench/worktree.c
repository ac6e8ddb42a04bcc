/* worktree.c - what a step of the private work tree costs: worktree GIT_DIR FOLDER ROUNDS A B [plain] goes from commit to commit; CPU ms a step. */
#include "domain/worktree.h"

#include "bisect_run/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

static double cpu_ms(void)
{
	struct rusage u;

	(void)getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e3 +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e3;
}

static void step(struct br_worktree *t, const char *oid)
{
	struct br_err err = {0};

	if (br_worktree_update(t, oid, false, NULL, 0, &err) == 0)
		return;
	(void)fprintf(stderr, "%s\n", err.msg);
	exit(1);
}

int main(int argc, char **argv)
{
	struct br_worktree *t = NULL;
	struct br_err err = {0};
	unsigned long rounds = argc >= 6 ? strtoul(argv[3], NULL, 10) : 0;
	double began, ms = 0;

	if (!rounds) {
		(void)fprintf(stderr, "usage: worktree GIT_DIR FOLDER ROUNDS A B [plain]\n");
		return 129;
	}
	if (br_worktree_open(&t, argv[1], argv[2], &err) < 0) {
		(void)fprintf(stderr, "%s\n", err.msg);
		return 1;
	}
	br_worktree_set_watched(t, argc == 6); /* as it is for trials in namespaces; plain: outside of them */
	/* The first step of a process reads the index, the first of a pool writes all files: neither is a step of a search. */
	step(t, argv[5]);
	step(t, argv[4]);
	for (unsigned long i = 0; i < 2 * rounds; i++) {
		began = cpu_ms();
		step(t, argv[5 - i % 2]);
		ms += cpu_ms() - began;
	}
	(void)printf("%.3f\n", ms / (2.0 * (double)rounds));
	br_worktree_close(t);
	return 0;
}
