/* environment.c - the environment that trials get. */
#include "app/environment.h"

#include "base/mem.h"

#include <fnmatch.h>
#include <string.h>

/* Glob patterns of names; the contract lists the kinds. */
static const char *const secret[] = {
	"*TOKEN*",	"*SECRET*",	   "*PASSWORD*",     "*PASSWD*",     "*PASSPHRASE*", "*KEY*",
	"*CREDENTIAL*", "AWS_*",	   "AZURE_*",	     "ARM_*",	     "GOOGLE_*",     "GCP_*",
	"GCLOUD_*",	"CLOUDSDK_*",	   "DIGITALOCEAN_*", "OCI_*",	     "ALICLOUD_*",   "HCLOUD_*",
	"KUBECONFIG",	"SSH_*",	   "GPG_*",	     "DBUS_*",	     "DISPLAY",	     "WAYLAND_*",
	"XAUTHORITY",	"XDG_RUNTIME_DIR", "DOCKER_HOST",    "DOCKER_AUTH*", "NETRC",	     "PGPASSFILE",
	"SUDO_*",	"GIT_ASKPASS",	   "SSH_ASKPASS",    NULL,
};

/* They name a repository or a job server of whoever called us: wrong inside the private tree. */
static const char *const misleading[] = {
	"GIT_DIR",
	"GIT_WORK_TREE",
	"GIT_INDEX_FILE",
	"GIT_PREFIX",
	"GIT_COMMON_DIR",
	"GIT_NAMESPACE",
	"GIT_OBJECT_DIRECTORY",
	"GIT_ALTERNATE_OBJECT_DIRECTORIES",
	"GIT_CONFIG",
	"GIT_CEILING_DIRECTORIES",
	"GIT_INTERNAL_*",
	"GIT_QUARANTINE_PATH",
	"MAKEFLAGS",
	"MFLAGS",
	"MAKELEVEL",
	"MAKEOVERRIDES",
	"PWD",
	"OLDPWD",
	"_",
	"BISECT_RUN_*",
	"TMPDIR",
	NULL,
};

static const char *const needed[] = {"PATH", "HOME", "USER", "LOGNAME", "SHELL",
				     "LANG", "LC_*", "TZ",   "TERM",	NULL};

static const char *const varying[] = {"PWD",
				      "OLDPWD",
				      "_",
				      "SHLVL",
				      "TERM",
				      "COLUMNS",
				      "LINES",
				      "WINDOWID",
				      "TERM_*",
				      "COLORTERM",
				      "XDG_SESSION_*",
				      "XDG_VTNR",
				      "XDG_SEAT",
				      "INVOCATION_ID",
				      "JOURNAL_STREAM",
				      "LS_COLORS",
				      "SYSTEMD_EXEC_PID",
				      NULL};

static bool matches(const char *const *globs, const char *name)
{
	for (size_t i = 0; globs[i]; i++)
		if (fnmatch(globs[i], name, FNM_CASEFOLD) == 0)
			return true;
	return false;
}

bool br_environment_is_secret(const char *name)
{
	return matches(secret, name);
}

bool br_environment_is_misleading(const char *name)
{
	return matches(misleading, name);
}

bool br_environment_is_volatile(const char *name)
{
	return matches(varying, name);
}

static size_t name_len(const char *entry)
{
	return strcspn(entry, "=");
}

static bool named_in(char *const *names, const char *entry)
{
	size_t n = name_len(entry);

	for (size_t i = 0; names && names[i]; i++)
		if (strlen(names[i]) == n && strncmp(names[i], entry, n) == 0)
			return true;
	return false;
}

static void put(char ***env, const char *entry)
{
	size_t n = name_len(entry);

	for (size_t i = 0; *env && (*env)[i]; i++) {
		if (name_len((*env)[i]) == n && strncmp((*env)[i], entry, n) == 0) {
			free((*env)[i]);
			(*env)[i] = br_strdup(entry);
			return;
		}
	}
	br_strv_add(env, entry);
}

char **br_environment_make(const struct br_environment_cfg *cfg)
{
	char **env = br_calloc(1, sizeof *env);

	for (size_t i = 0; cfg->from && cfg->from[i]; i++) {
		const char *entry = cfg->from[i];
		br_auto_free char *name = br_strndup(entry, name_len(entry));

		if (!strchr(entry, '='))
			continue;
		if (!named_in(cfg->pass, entry)) {
			if (matches(misleading, name) || (!cfg->trusted && br_environment_is_secret(name)))
				continue;
			if (cfg->clear && !matches(needed, name))
				continue;
		}
		put(&env, entry);
	}
	for (size_t i = 0; cfg->set && cfg->set[i]; i++)
		put(&env, cfg->set[i]);
	return env;
}
