/* defaults.c - the command line over what git's configuration says, and where the state lies. */
#include "app/session.h"

#include "base/mem.h"
#include "base/text.h"
#include "bisect_run/err.h"
#include "domain/repo.h"

#include <unistd.h>

char *br_current_dir(struct br_err *err)
{
	char *dir = getcwd(NULL, 0);

	if (!dir)
		br_fail_errno(err, "cannot tell the current directory");
	return dir;
}

char *br_state_dir(const struct br_options *opt, struct br_repo *repo, const char *cwd)
{
	if (opt->state)
		return opt->state[0] == '/' ? br_strdup(opt->state) : br_asprintf("%s/%s", cwd, opt->state);
	if (repo)
		return br_asprintf("%s/bisect-run", br_repo_common_dir(repo));
	return br_asprintf("%s/.bisect-run", cwd);
}

static int config_defaults(struct br_options *out, struct br_repo *repo, struct br_err *err)
{
	bool trusted_only;
	const char *name;

	for (size_t i = 0; (name = br_options_config_name(i, &trusted_only)); i++) {
		br_auto_strv char **values = NULL;
		int r = br_repo_config(repo, name, trusted_only ? BR_CONFIG_TRUSTED : BR_CONFIG_ANY, &values,
				       err);

		for (size_t k = 0; r == 0 && values && values[k]; k++)
			r = br_options_default(out, name, values[k], err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* What only looks at the record or explains itself must work whatever the configuration says. */
static bool uses_defaults(int argc, char *const *argv)
{
	struct br_options peek = {.seed = 1};
	bool uses = br_options_parse_over(&peek, argc, argv, NULL) < 0 || peek.command == BR_CMD_SEARCH ||
		    peek.command == BR_CMD_TRY;

	br_options_done(&peek);
	return uses;
}

int br_load_options(struct br_options *out, int argc, char *const *argv, struct br_err *err)
{
	br_auto_free char *cwd = br_current_dir(err);
	struct br_repo *repo = NULL;
	struct br_err ignored = {0};
	int r = 0;

	*out = (struct br_options){.seed = 1};
	if (!cwd)
		return BR_ESYS;
	/* Outside of a repository the user's own configuration still counts; commands that need one say so themselves. */
	if (br_repo_open(&repo, cwd, &ignored) < 0)
		repo = NULL;
	if (uses_defaults(argc, argv))
		r = config_defaults(out, repo, err);
	br_repo_close(repo);
	return r < 0 ? r : br_options_parse_over(out, argc, argv, err);
}
