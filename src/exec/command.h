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

/* spec->argv with the user's checkout replaced by the tree's path. The caller's (br_strv_free). */
char **br_command_argv(const struct br_run_spec *spec, const char *tree);
/* spec->env with what tells a trial about itself: BISECT_RUN_*, TMPDIR, PWD. The caller's. */
char **br_command_env(const struct br_run_spec *spec, const struct br_command_facts *facts);

#endif
