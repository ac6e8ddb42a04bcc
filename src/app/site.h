/* site.h - a private tree with its build at one revision, for a person at a terminal. */
#ifndef BR_SITE_H
#define BR_SITE_H

#include "app/session.h"
#include "sys/spawn.h"

struct br_ns;
struct br_tree;

enum { BR_SITE_BUILD, BR_SITE_MAIN, BR_SITE_PROGRAMS };

/* Zero-initialised is closed. Paths are owned. */
struct br_site {
	struct br_session *s;
	struct br_tree *tree;
	char *dir, *tmp, *journal, *build_journal;
	const char *top;		 /* of the tree, as seen from here */
	char *seen_top, *cwd, *seen_cwd; /* seen: as programs see it */
	char **argv, **env;		 /* of COMMAND */
	char **build;
	struct br_spawn program[BR_SITE_PROGRAMS];
	struct br_ns *ns; /* NULL: no box */
	pid_t pid;	  /* of what runs; in a box of its process 1 */
	int pidfd;
};

/* Makes the tree of s->bad (or takes the folder at hand), fills all but the programs. s->trees is opened. */
int br_site_open(struct br_site *p, struct br_session *s, struct br_err *err);
/*
 * Builds, then starts argv on our terminal (main_argv is borrowed until br_site_close). BR_ESTATE: the build failed.
 */
int br_site_start(struct br_site *p, char *const *main_argv, struct br_err *err);
/* Whether it has ended; *status as from wait4. */
bool br_site_ended(struct br_site *p, int *status);
/* Waits for its end. */
int br_site_wait(struct br_site *p);
/* Kills what is left, removes the tree. */
void br_site_close(struct br_site *p);

#endif
