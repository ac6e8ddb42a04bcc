/* named.h - the files of the user's that the command line names and that a candidate's tree may lack. */
#ifndef BR_NAMED_H
#define BR_NAMED_H

#include "bisect_run/engine.h"

#include <stddef.h>

struct br_err;
struct br_repo;

struct br_named {
	char **argv; /* COMMAND, with relative words that lead out of the checkout made absolute */
	struct br_named_file *file; /* untracked ones inside the checkout: put into trees that lack them */
	size_t nfile;
	bool in_build;	/* while looking: these words are --build's */
	char **inside;	/* absolute paths of all files of the checkout that were named, tracked ones too */
	char **outside; /* absolute paths of files outside the checkout: used where they are */
};

/*
 * Looks at each word of argv and of build as the user's shell would from cwd. Only regular files count, only those that git neither tracks nor ignores.
 * argv may be NULL; build may be NULL.
 */
int br_named_find(struct br_named *out, struct br_repo *repo, const char *cwd, char *const *argv,
		  const char *build, struct br_err *err);
void br_named_done(struct br_named *n);

#endif
