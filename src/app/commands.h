/* commands.h - one function a subcommand. Each returns the program's exit status. */
#ifndef BR_COMMANDS_H
#define BR_COMMANDS_H

#include "app/options.h"

struct br_search;

int br_cmd_search(struct br_options *opt);
/* The whole of a search; resume: the row of one to go on with (taken over), or NULL for a new one. */
int br_search_run(struct br_options *opt, struct br_search *resume);
int br_cmd_resume(struct br_options *opt);
int br_cmd_try(struct br_options *opt);
int br_cmd_show(struct br_options *opt);
int br_cmd_history(struct br_options *opt);
int br_cmd_status(struct br_options *opt);
int br_cmd_amend(struct br_options *opt);
int br_cmd_clean(struct br_options *opt);
int br_cmd_doctor(struct br_options *opt);
int br_cmd_debug(struct br_options *opt);

#endif
