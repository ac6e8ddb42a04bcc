/* command.h - the words and the environment of one trial. */
#ifndef BR_COMMAND_H
#define BR_COMMAND_H

#include "bisect_run/engine.h"

struct br_command_facts {
	const char *label;
	uint64_t id;
	uint32_t worker;
	const char *tmp; /* TMPDIR */
	const char *cwd; /* PWD */
};

/* What COMMAND is run on. */
struct br_command_candidate {
	const char *tree;	/* path of the work tree as COMMAND sees it */
	const char *value;	/* stands for `@@`; NULL: none */
	const char *input;	/* folder of the candidate's files; NULL: none */
	const char *seen_input; /* its path as COMMAND sees it */
	bool bare;		/* without the words that only measure */
};

/*
 * spec->argv with the user's checkout replaced by the tree's path, and `@@` by the candidate (engine.h). *out is the caller's
 * (br_strv_free). BR_ESYS: the file for `@@*` cannot be read.
 */
int br_command_argv(char ***out, const struct br_run_spec *spec, const struct br_command_candidate *c,
		    struct br_err *err);
/* spec->env with what tells a trial about itself: BISECT_RUN_*, TMPDIR, PWD. The caller's. */
char **br_command_env(const struct br_run_spec *spec, const struct br_command_facts *facts);

/* Where a profiled trial finds its two folders. */
struct br_wrap_places {
	const char *raw, *shared;
};

/* Puts wrap's words before *argv and its variables into *env; both are replaced. */
void br_command_wrap(const struct br_wrap *wrap, const struct br_wrap_places *at, char ***argv, char ***env);

#endif
