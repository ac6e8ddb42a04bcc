/*
 * sandbox_home.c - the user's home inside a box, and what of the machine a trial must not see: keys, tokens, histories,
 * and the sockets of services, which a read-only file system does not close.
 */
#include "exec/sandbox_plan.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SOCKETS_MAX = 512 /* more are not hidden: each costs time in every trial */ };

/* Names below a home that a trial must not see. */
static const char *const secret[] = {
	".ssh",
	".gnupg",
	".aws",
	".azure",
	".netrc",
	"_netrc",
	".config/gcloud",
	".config/gh",
	".config/glab-cli",
	".config/hub",
	".config/git/credentials",
	".config/doctl",
	".config/hcloud",
	".config/op",
	".config/rclone",
	".config/sops",
	".docker/config.json",
	".config/containers/auth.json",
	".kube",
	".npmrc",
	".yarnrc.yml",
	".pypirc",
	".config/pip",
	".gem/credentials",
	".cargo/credentials",
	".cargo/credentials.toml",
	".m2/settings.xml",
	".m2/settings-security.xml",
	".gradle/gradle.properties",
	".nuget/NuGet",
	".composer/auth.json",
	".config/composer/auth.json",
	".terraform.d/credentials.tfrc.json",
	".terraformrc",
	".vault-token",
	".git-credentials",
	".pgpass",
	".my.cnf",
	".password-store",
	".local/share/keyrings",
	".local/share/kwalletd",
	".kde/share/apps/kwallet",
	".pki",
	".Xauthority",
	".ICEauthority",
	".mozilla",
	".thunderbird",
	".config/google-chrome",
	".config/chromium",
	".config/BraveSoftware",
	".config/microsoft-edge",
	".config/vivaldi",
	".config/opera",
	".config/Signal",
	".config/Slack",
	"snap/firefox",
	"snap/chromium",
	".var/app",
	".claude",
	".claude.json",
	".codex",
	".config/github-copilot",
	".bash_history",
	".zsh_history",
	".zhistory",
	".history",
	".local/share/fish",
	".python_history",
	".node_repl_history",
	".psql_history",
	".mysql_history",
	".sqlite_history",
	".rediscli_history",
	".lesshst",
	".viminfo",
	NULL,
};

/* Folders below HOME that programs must be able to write to, where there is no overlay. */
static const char *const cache[] = {".cache", ".ccache", ".local/state", NULL};

/* What root may still read without any capability, because it owns it. */
static const char *const root_secret[] = {
	"/etc/shadow",
	"/etc/shadow-",
	"/etc/gshadow",
	"/etc/gshadow-",
	"/etc/sudoers",
	"/etc/sudoers.d",
	"/etc/security/opasswd",
	"/etc/ssl/private",
	"/etc/krb5.keytab",
	"/etc/wireguard",
	"/etc/openvpn",
	"/etc/ipsec.secrets",
	"/etc/ppp",
	"/etc/kubernetes",
	"/etc/docker/key.json",
	"/etc/NetworkManager/system-connections",
	"/etc/ssh/ssh_host_rsa_key",
	"/etc/ssh/ssh_host_dsa_key",
	"/etc/ssh/ssh_host_ecdsa_key",
	"/etc/ssh/ssh_host_ed25519_key",
	"/var/lib/docker",
	"/var/lib/containerd",
	"/var/lib/kubelet",
	"/var/lib/private",
	"/var/spool/cron",
	"/var/backups",
	"/var/log",
	NULL,
};

const char *const *br_sandbox_secrets(void)
{
	return secret;
}

const char *const *br_sandbox_root_secrets(void)
{
	return root_secret;
}

/* What a secret's name leads to, where it is a link: its end is hidden too. */
static void hide_link_ends(struct br_sandbox_plan *p, const char *home)
{
	for (const char *const *name = secret; *name; name++) {
		br_auto_free char *path = br_asprintf("%s/%s", home, *name);
		br_auto_free char *real = NULL;
		struct stat st;

		if (lstat(path, &st) == 0 && S_ISLNK(st.st_mode) && (real = realpath(path, NULL)) &&
		    strcmp(real, "/dev/null") != 0)
			br_sandbox_add(p, BR_NS_MASK, NULL, br_sandbox_keep(p, real));
	}
}

static bool is_secret(const char *home, const char *path)
{
	for (const char *const *name = secret; *name; name++) {
		br_auto_free char *full = br_asprintf("%s/%s", home, *name);

		if (br_path_is_at_or_below(path, full))
			return true;
	}
	return false;
}

static void mask_secrets(struct br_sandbox_plan *p, const char *home)
{
	struct stat st;

	for (const char *const *name = secret; *name; name++) {
		br_auto_free char *path = br_asprintf("%s/%s", home, *name);

		if (lstat(path, &st) == 0)
			br_sandbox_add(p, BR_NS_MASK, NULL, br_sandbox_keep(p, path));
	}
}

static const char *join_root(const char *root)
{
	return strcmp(root, "/") == 0 ? "" : root;
}

/* A part of the home that is mounted at a place of its own: all of it, or what is secret in it. */
static void mask_part(struct br_sandbox_plan *p, const struct br_mount *m, const char *inside)
{
	for (const char *const *name = secret; *name; name++) {
		if (br_path_is_at_or_below(inside, *name)) {
			br_sandbox_add(p, BR_NS_MASK, NULL, br_sandbox_keep(p, m->point));
		} else if (br_path_is_below(*name, inside)) {
			br_auto_free char *path = br_asprintf("%s%s", m->point, *name + strlen(inside));

			br_sandbox_add(p, BR_NS_MASK, NULL, br_sandbox_keep(p, path));
		}
	}
}

/* Other mounts of the file system that holds the home show its secrets too. */
static void hide_twins(struct br_sandbox_plan *p, const char *home)
{
	const struct br_mount *own = br_mounts_of(p->host, p->nhost, home);
	br_auto_free char *at = NULL; /* the home as its file system names it */

	if (!own)
		return;
	at = br_asprintf("%s%s", join_root(own->root), home + strlen(join_root(own->point)));
	for (size_t i = 0; i < p->nhost; i++) {
		const struct br_mount *m = &p->host[i];
		const char *root = join_root(m->root);

		if (m == own || m->major != own->major || m->minor != own->minor)
			continue;
		if (!*root || br_path_is_at_or_below(at, root)) {
			br_auto_free char *twin = br_asprintf("%s%s", join_root(m->point), at + strlen(root));

			if (strcmp(twin, home) != 0)
				mask_secrets(p, twin);
		} else if (br_path_is_below(root, at) && !br_path_is_below(m->point, home)) {
			mask_part(p, m, root + strlen(at) + 1);
		}
	}
}

void br_sandbox_add_submounts(struct br_sandbox_plan *p, const char *top)
{
	for (size_t i = 0; i < p->nhost; i++)
		if (br_path_is_below(p->host[i].point, top) && !is_secret(top, p->host[i].point))
			(void)br_sandbox_add_read(p, p->host[i].point);
}

static void add_overlay(struct br_sandbox_plan *p, const char *real)
{
	struct br_ns_mount *m = br_sandbox_add(p, BR_NS_OVERLAY, br_sandbox_keep(p, real), NULL);

	m->target = m->source;
	m->hide = secret;
	m->loose = cache;
	m->fall_back = m->optional = true;
	br_sandbox_add_submounts(p, real);
}

void br_sandbox_add_home(struct br_sandbox_plan *p)
{
	const char *home = br_env_value(p->job->spec->env, "HOME");
	br_auto_free char *real = home && home[0] == '/' ? realpath(home, NULL) : NULL;
	const char *kept;

	if (!real || br_sandbox_is_system(real))
		return;
	hide_link_ends(p, real);
	switch (p->job->spec->box.home) {
	case BR_HOME_OVERLAY:
		add_overlay(p, real);
		break;
	case BR_HOME_EMPTY:
		br_sandbox_add(p, BR_NS_TMP, NULL, br_sandbox_keep(p, real))->optional = true;
		break;
	case BR_HOME_HOST:
		kept = br_sandbox_keep(p, real);
		br_sandbox_add(p, BR_NS_WRITE, kept, kept)->optional = true;
		mask_secrets(p, real);
		break;
	}
	hide_twins(p, real);
}

/* The path of a line of /proc/net/unix: its eighth field, and it may hold blanks. NULL: none. */
static char *socket_path(char *line)
{
	char *p = line;

	for (int field = 0; field < 7; field++) {
		p += strspn(p, " ");
		p += strcspn(p, " \n");
	}
	p += strspn(p, " ");
	p[strcspn(p, "\n")] = '\0';
	return *p == '/' ? p : NULL;
}

static void hide_sockets(struct br_sandbox_plan *p)
{
	FILE *file = fopen("/proc/net/unix", "re");
	char *line = NULL, *path;
	size_t size = 0, n = 0;
	struct stat st;

	while (file && n < SOCKETS_MAX && getline(&line, &size, file) > 0) {
		path = socket_path(line);
		if (!path || br_sandbox_is_emptied(path) || lstat(path, &st) < 0 || !S_ISSOCK(st.st_mode))
			continue;
		br_sandbox_add(p, BR_NS_MASK, NULL, br_sandbox_keep(p, path));
		n++;
	}
	free(line);
	if (file)
		(void)fclose(file);
}

/* The account's own home where HOME is another: its secrets are ours to read. */
static void hide_account(struct br_sandbox_plan *p)
{
	const char *home = br_env_value(p->job->spec->env, "HOME");
	const char *account = p->job->spec->box.account_home;

	if (!account || (home && strcmp(home, account) == 0) || br_sandbox_is_emptied(account))
		return;
	hide_link_ends(p, account);
	mask_secrets(p, account);
	hide_twins(p, account);
}

void br_sandbox_add_masks(struct br_sandbox_plan *p)
{
	for (size_t i = 0; geteuid() == 0 && root_secret[i]; i++)
		br_sandbox_add(p, BR_NS_MASK, NULL, root_secret[i]);
	hide_account(p);
	hide_sockets(p);
}
