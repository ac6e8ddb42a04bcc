/*
 * config.c - bisectrun.* from git's configuration. libgit2 1.5 does not know GIT_CONFIG_GLOBAL and its relatives, so the
 * files are put together here, as git-config(1) has them: system, global, repository, work tree, environment.
 */
#include "base/mem.h"
#include "bisect_run/err.h"
#include "domain/repo_private.h"

#include <git2/sys/config.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { MAX_VALUES = 10000 };

static bool is_true(const char *s)
{
	return s && *s && strcmp(s, "0") != 0 && strcasecmp(s, "false") != 0 && strcasecmp(s, "no") != 0 &&
	       strcasecmp(s, "off") != 0;
}

static int add_file(git_config *config, struct br_repo *r, const char *path, git_config_level_t level,
		    struct br_err *err)
{
	if (!path || !*path || access(path, F_OK) != 0)
		return 0;
	if (git_config_add_file_ondisk(config, path, level, r ? r->git : NULL, 1) < 0)
		return br_git_fail(err, BR_ESTATE, "cannot read the git configuration %s", path);
	return 0;
}

static int add_found(git_config *config, struct br_repo *r, int (*find)(git_buf *), git_config_level_t level,
		     struct br_err *err)
{
	git_buf path = {0};
	int rc = find(&path) == 0 ? add_file(config, r, path.ptr, level, err) : 0;

	git_buf_dispose(&path);
	return rc;
}

/* The user's and the system's: what the repository cannot have written. */
static int add_trusted(git_config *config, struct br_repo *r, struct br_err *err)
{
	const char *system = getenv("GIT_CONFIG_SYSTEM"), *global = getenv("GIT_CONFIG_GLOBAL");
	int rc = 0;

	if (!is_true(getenv("GIT_CONFIG_NOSYSTEM")))
		rc = system ? add_file(config, r, system, GIT_CONFIG_LEVEL_SYSTEM, err)
			    : add_found(config, r, git_config_find_system, GIT_CONFIG_LEVEL_SYSTEM, err);
	if (rc == 0 && global)
		return add_file(config, r, global, GIT_CONFIG_LEVEL_GLOBAL, err);
	if (rc == 0)
		rc = add_found(config, r, git_config_find_xdg, GIT_CONFIG_LEVEL_XDG, err);
	if (rc == 0)
		rc = add_found(config, r, git_config_find_global, GIT_CONFIG_LEVEL_GLOBAL, err);
	return rc;
}

static bool has_worktree_config(const struct br_repo *r)
{
	git_config *config = NULL;
	int on = 0;

	if (git_repository_config_snapshot(&config, r->git) < 0 ||
	    git_config_get_bool(&on, config, "extensions.worktreeconfig") < 0)
		on = 0;
	git_config_free(config);
	return on;
}

static int add_repository(git_config *config, struct br_repo *r, struct br_err *err)
{
	br_auto_free char *own = br_asprintf("%s/config", r->common_dir);
	br_auto_free char *tree = br_asprintf("%s/config.worktree", r->git_dir);
	int rc = add_file(config, r, own, GIT_CONFIG_LEVEL_LOCAL, err);

	if (rc == 0 && has_worktree_config(r))
		rc = add_file(config, r, tree, GIT_CONFIG_LEVEL_APP, err);
	return rc;
}

static int open_config(git_config **out, struct br_repo *r, enum br_config_scope scope, struct br_err *err)
{
	git_config *config;
	int rc;

	if (git_config_new(&config) < 0)
		return br_git_fail(err, BR_EGIT, "cannot read the git configuration");
	rc = add_trusted(config, r, err);
	if (rc == 0 && scope == BR_CONFIG_ANY && r)
		rc = add_repository(config, r, err);
	if (rc < 0) {
		git_config_free(config);
		return rc;
	}
	*out = config;
	return 0;
}

int br_config_trusted(git_config **out, struct br_err *err)
{
	return open_config(out, NULL, BR_CONFIG_TRUSTED, err);
}

/* remote.NAME.promisor; libgit2's own match by pattern forgets memory each time. Ends the walk with 1. */
static int is_promisor(const git_config_entry *entry, void *unused)
{
	static const char first[] = "remote.", last[] = ".promisor";
	size_t n = strlen(entry->name);

	(void)unused;
	return n > sizeof first + sizeof last - 2 && strncmp(entry->name, first, sizeof first - 1) == 0 &&
	       strcmp(entry->name + n - (sizeof last - 1), last) == 0 && is_true(entry->value);
}

bool br_config_is_partial(git_config *config)
{
	const char *value;
	bool partial = git_config_get_string(&value, config, "extensions.partialclone") == 0 ||
		       git_config_foreach(config, is_promisor, NULL) == 1;

	git_error_clear();
	return partial;
}

static int take_value(const git_config_entry *entry, void *values)
{
	char ***v = values;

	if (br_strv_len(*v) >= MAX_VALUES)
		return -1;
	br_strv_add(v, entry->value ? entry->value : "true"); /* a key without "=" */
	return 0;
}

static bool is_name(const char *name)
{
	return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") ==
		       strlen(name) &&
	       *name;
}

static void take_pair(const char *key, const char *value, const char *name, char ***values)
{
	if (strncasecmp(key, "bisectrun.", 10) == 0 && strcasecmp(key + 10, name) == 0)
		br_strv_add(values, value);
}

/* GIT_CONFIG_COUNT, GIT_CONFIG_KEY_n, GIT_CONFIG_VALUE_n. */
static void take_counted(const char *name, char ***values)
{
	const char *text = getenv("GIT_CONFIG_COUNT");
	long count = text ? strtol(text, NULL, 10) : 0;

	for (long i = 0; i < count && i < MAX_VALUES; i++) {
		br_auto_free char *key = br_asprintf("GIT_CONFIG_KEY_%ld", i);
		br_auto_free char *value = br_asprintf("GIT_CONFIG_VALUE_%ld", i);
		const char *k = getenv(key), *v = getenv(value);

		if (!k || !v)
			return;
		take_pair(k, v, name, values);
	}
}

/* One word of GIT_CONFIG_PARAMETERS, quoted with ' and \' and \!, without its quotes; *p is moved behind it. */
static char *dequote(const char **p)
{
	char *out = br_malloc(strlen(*p) + 1), *to = out;
	bool quoted = false;

	for (; **p && (quoted || **p != ' '); (*p)++) {
		if (**p == '\'')
			quoted = !quoted;
		else if (!quoted && **p == '\\' && (*p)[1])
			*to++ = *++(*p);
		else
			*to++ = **p;
	}
	*to = '\0';
	return out;
}

/* What `git -c bisectrun.name=value bisect-run` hands on: 'key'='value', or 'key=value' before git 2.31. */
static void take_parameters(const char *name, char ***values)
{
	const char *p = getenv("GIT_CONFIG_PARAMETERS");

	while (p && *p) {
		br_auto_free char *word = NULL;
		char *value;

		while (*p == ' ')
			p++;
		word = dequote(&p);
		value = strchr(word, '=');
		if (value)
			*value++ = '\0';
		take_pair(word, value ? value : "true", name, values);
	}
}

int br_repo_config(struct br_repo *r, const char *name, enum br_config_scope scope, char ***values,
		   struct br_err *err)
{
	br_auto_free char *key = br_asprintf("bisectrun.%s", name);
	git_config *config = r ? r->config[scope] : NULL; /* NULL after a failure, too: tried again */
	int rc = 0;

	if (!is_name(name))
		return br_fail(err, BR_EUSAGE, "'%s' cannot be a configuration key", name);
	if (!r)
		br_git_init();
	if (!config)
		rc = open_config(&config, r, scope, err);
	if (rc == 0) {
		rc = git_config_get_multivar_foreach(config, key, NULL, take_value, values);
		rc = rc == 0 || rc == GIT_ENOTFOUND ? 0 : br_git_fail(err, BR_ESTATE, "cannot read %s", key);
		take_counted(name, values);
		take_parameters(name, values);
	}
	if (r) {
		r->config[scope] = config;
	} else {
		git_config_free(config);
		(void)git_libgit2_shutdown();
	}
	return rc;
}
