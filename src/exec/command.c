/* command.c - the words and the environment of one trial. */
#include "exec/command.h"

#include "base/mem.h"

#include <inttypes.h>
#include <string.h>

/* What follows root in word: "" or "/..."; NULL when the word does not begin with it. */
static const char *after_root(const char *word, const char *root)
{
	size_t n = strlen(root);

	while (n && root[n - 1] == '/')
		n--;
	if (!n || strncmp(word, root, n) != 0 || (word[n] && word[n] != '/'))
		return NULL;
	return word + n;
}

char **br_command_argv(const struct br_run_spec *spec, const char *tree)
{
	char **out = NULL;

	for (char *const *word = spec->argv; *word; word++) {
		const char *rest = spec->user_root ? after_root(*word, spec->user_root) : NULL;
		br_auto_free char *own = rest ? br_asprintf("%s%s", tree, rest) : br_strdup(*word);

		br_strv_add(&out, own);
	}
	return out;
}

/* Ours, or meaningless in another directory. */
static bool is_replaced(const char *entry)
{
	static const char *const name[] = {
		"BISECT_RUN_COMMIT=", "BISECT_RUN_TRIAL=", "BISECT_RUN_WORKER=", "BISECT_RUN_JOBS="};

	for (size_t i = 0; i < sizeof name / sizeof *name; i++)
		if (!strncmp(entry, name[i], strlen(name[i])))
			return true;
	return false;
}

static bool names(char *const *env, const char *prefix)
{
	for (; *env; env++)
		if (!strncmp(*env, prefix, strlen(prefix)))
			return true;
	return false;
}

static void add_text(char ***env, const char *name, const char *value)
{
	br_auto_free char *entry = br_asprintf("%s=%s", name, value);

	br_strv_add(env, entry);
}

static void add_number(char ***env, const char *name, uint64_t value)
{
	br_auto_free char *entry = br_asprintf("%s=%" PRIu64, name, value);

	br_strv_add(env, entry);
}

char **br_command_env(const struct br_run_spec *spec, const struct br_command_facts *facts)
{
	char **env = NULL;

	for (char *const *entry = spec->env; *entry; entry++)
		if (!is_replaced(*entry))
			br_strv_add(&env, *entry);
	add_text(&env, "BISECT_RUN_COMMIT", facts->label);
	add_number(&env, "BISECT_RUN_TRIAL", facts->id);
	add_number(&env, "BISECT_RUN_WORKER", facts->worker);
	add_number(&env, "BISECT_RUN_JOBS", spec->jobs);
	/* What the user set by hand wins. */
	if (!names(env, "TMPDIR="))
		add_text(&env, "TMPDIR", facts->tmp);
	if (!names(env, "PWD="))
		add_text(&env, "PWD", facts->cwd);
	return env;
}
