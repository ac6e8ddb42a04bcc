/*
 * sandbox.c - which parts of the user's machine a trial sees.
 *
 * All is readable and nothing writable, but: the work tree, at the path of the user's checkout; HOME, whose writes are thrown away; and empty
 * folders for temporary files. What would let a trial speak for the user is hidden: keys, tokens, histories, and the sockets of services,
 * which a read-only file system does not close. A socket made later in a folder that is not hidden can be
 * reached by its path: the kernel has no means against that.
 */
#include "exec/sandbox.h"

#include "base/mem.h"
#include "bisect_run/err.h"
#include "sys/file.h"
#include "sys/ns.h"
#include "sys/spawn.h"

#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Where the real git directory lies inside when the tree covers its own place. */
#define GIT_PLACE "/run/bisect-run/git"
/* Where the candidate's files lie. */
#define INPUT_PLACE "/run/bisect-run/input"

enum {
	SOCKETS_MAX = 512, /* more are not hidden: each costs time in every trial */
	ALTERNATES_MAX_B = 1 << 16,
	DRY_RUN_MS = 10000,
};

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
};

/* Empty inside. */
static const char *const emptied[] = {"/tmp", "/run", "/var/tmp", "/dev/shm"};

/* A checkout there is not put in their place: programs need what is in them. */
static const char *const system_folder[] = {"/",     "/bin",   "/boot",	     "/dev",  "/etc",	  "/home",
					    "/lib",  "/lib64", "/media",     "/mnt",  "/nix",	  "/opt",
					    "/proc", "/run",   "/sbin",	     "/snap", "/srv",	  "/sys",
					    "/tmp",  "/usr",   "/usr/local", "/var",  "/var/tmp", NULL};

struct box {
	struct br_ns_mount *mount;
	size_t n, cap;
	char **text; /* owns paths that were made here */
};

const char *br_sandbox_tmp(void)
{
	return "/tmp";
}

const char *br_sandbox_input(void)
{
	return INPUT_PLACE;
}

static struct br_ns_mount *add(struct box *b, enum br_ns_kind kind, const char *source, const char *target)
{
	struct br_ns_mount *m;

	br_grow(&b->mount, b->n, &b->cap);
	m = &b->mount[b->n++];
	*m = (struct br_ns_mount){.kind = kind, .source = source, .target = target};
	return m;
}

/* Keeps a text for as long as the box is described. */
static const char *keep(struct box *b, const char *text)
{
	br_strv_add(&b->text, text);
	return b->text[br_strv_len(b->text) - 1];
}

static bool is_below(const char *path, const char *top)
{
	size_t n = strlen(top);

	return strncmp(path, top, n) == 0 && path[n] == '/';
}

static bool is_at_or_below(const char *path, const char *top)
{
	return strcmp(path, top) == 0 || is_below(path, top);
}

static bool is_emptied(const char *path)
{
	for (size_t i = 0; i < sizeof emptied / sizeof *emptied; i++)
		if (is_at_or_below(path, emptied[i]))
			return true;
	return is_at_or_below(path, "/dev");
}

static bool is_listed(const char *path, const char *const *list)
{
	for (; *list; list++)
		if (strcmp(path, *list) == 0)
			return true;
	return false;
}

static char *without_last_slash(const char *path)
{
	size_t n = strlen(path);

	while (n > 1 && path[n - 1] == '/')
		n--;
	return br_strndup(path, n);
}

char *br_sandbox_top(const struct br_run_spec *spec, const char *tree)
{
	br_auto_free char *root = spec->user_root ? without_last_slash(spec->user_root) : NULL;

	if (!root || is_listed(root, system_folder))
		return br_strdup(tree);
	return br_steal(&root);
}

static void add_base(struct box *b)
{
	struct stat st;

	add(b, BR_NS_DEV, NULL, "/dev");
	add(b, BR_NS_PROC, NULL, "/proc");
	for (size_t i = 0; i < sizeof emptied / sizeof *emptied; i++)
		if (is_below(emptied[i], "/dev") || (lstat(emptied[i], &st) == 0 && S_ISDIR(st.st_mode)))
			add(b, BR_NS_TMP, NULL, emptied[i])->optional = true;
}

static const char *value_of(char *const *env, const char *name)
{
	size_t n = strlen(name);

	for (; env && *env; env++)
		if (strncmp(*env, name, n) == 0 && (*env)[n] == '=')
			return *env + n + 1;
	return NULL;
}

/* What a secret's name leads to, where it is a link: its end is hidden too. */
static void hide_link_ends(struct box *b, const char *home)
{
	for (const char *const *name = secret; *name; name++) {
		br_auto_free char *path = br_asprintf("%s/%s", home, *name);
		br_auto_free char *real = NULL;
		struct stat st;

		if (lstat(path, &st) == 0 && S_ISLNK(st.st_mode) && (real = realpath(path, NULL)) &&
		    strcmp(real, "/dev/null") != 0)
			add(b, BR_NS_MASK, NULL, keep(b, real));
	}
}

static void add_home(struct box *b, const char *home)
{
	br_auto_free char *real = home && home[0] == '/' ? realpath(home, NULL) : NULL;
	struct br_ns_mount *m;

	if (!real || is_listed(real, system_folder))
		return;
	hide_link_ends(b, real);
	m = add(b, BR_NS_OVERLAY, keep(b, real), NULL);
	m->target = m->source;
	m->hide = secret;
	m->loose = cache;
	m->fall_back = m->optional = true;
}

/* Root's own home where HOME is another's: its secrets are root's to read. */
static void add_root(struct box *b, const char *home)
{
	for (size_t i = 0; i < sizeof root_secret / sizeof *root_secret; i++)
		add(b, BR_NS_MASK, NULL, root_secret[i]);
	for (const char *const *name = secret; *name && !(home && strcmp(home, "/root") == 0); name++) {
		br_auto_free char *path = br_asprintf("/root/%s", *name);

		add(b, BR_NS_MASK, NULL, keep(b, path));
	}
}

/* Read-only, at its own place, where it would be hidden or could be written to. */
static void add_read(struct box *b, const char *path)
{
	struct br_ns_mount *m = add(b, BR_NS_READ, path, path);

	m->optional = true;
}

/* Folders that programs are found in, should they lie where all is emptied. */
static void add_path(struct box *b, const char *path)
{
	while (path && *path) {
		size_t n = strcspn(path, ":");
		br_auto_free char *part = br_strndup(path, n);
		br_auto_free char *real = *part == '/' && is_emptied(part) ? realpath(part, NULL) : NULL;

		if (real && !is_listed(real, system_folder))
			add_read(b, keep(b, real));
		path += n + (path[n] == ':');
	}
}

/* Other object stores that the repository borrows from. */
static void add_alternates(struct box *b, const char *git_dir)
{
	br_auto_free char *path = br_asprintf("%s/objects/info/alternates", git_dir);
	br_auto_free char *text = NULL;
	size_t n;

	if (br_file_read(path, ALTERNATES_MAX_B, &text, &n, NULL) < 0)
		return;
	for (char *line = text; *line;) {
		size_t len = strcspn(line, "\n");
		br_auto_free char *part = br_strndup(line, len);

		if (*part == '/' && !strstr(part, "/.."))
			add_read(b, keep(b, part));
		line += len + (line[len] == '\n');
	}
}

/*
 * The real git directory, read-only. Usually it lies in the checkout, which the tree covers: then it has another
 * place inside, and the private .git is told so. Our own folder in it is nothing to look at.
 */
static void add_git(struct box *b, const struct br_sandbox_job *job, const char *top)
{
	const char *dir = job->spec->git_dir;
	const char *place = dir && is_below(dir, top) ? GIT_PLACE : dir;
	br_auto_free char *own = NULL;
	br_auto_free char *line = NULL;

	if (!dir)
		return;
	add(b, BR_NS_READ, dir, place);
	add_alternates(b, dir);
	own = br_asprintf("%s/bisect-run", place);
	if (!is_below(top, own))
		add(b, BR_NS_MASK, NULL, keep(b, own));
	if (place == dir)
		return;
	line = br_asprintf("%s/.git/commondir", top);
	add(b, BR_NS_TEXT, GIT_PLACE "\n", keep(b, line))->optional = true;
}

/* Without a revision the tree is the user's own folder: a throw-away view of it, unless HOME's is one. */
static void add_tree(struct box *b, const struct br_sandbox_job *job, const char *top)
{
	static const char *const never[] = {"/", "/dev", "/proc", "/sys", "/run", NULL};
	br_auto_free char *work = realpath(job->spec->work_dir, NULL);

	if (work && is_below(job->tree, work)) {
		add(b, BR_NS_WRITE, job->tree, top);
		return;
	}
	for (size_t i = 0; i < b->n; i++)
		if (b->mount[i].kind == BR_NS_OVERLAY && strcmp(b->mount[i].target, top) == 0)
			return;
	if (!is_listed(top, never))
		add(b, BR_NS_OVERLAY, job->tree, top);
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

static void add_sockets(struct box *b)
{
	FILE *file = fopen("/proc/net/unix", "re");
	char *line = NULL, *path;
	size_t size = 0, n = 0;
	struct stat st;

	while (file && n < SOCKETS_MAX && getline(&line, &size, file) > 0) {
		path = socket_path(line);
		if (!path || is_emptied(path) || lstat(path, &st) < 0 || !S_ISSOCK(st.st_mode))
			continue;
		add(b, BR_NS_MASK, NULL, keep(b, path));
		n++;
	}
	free(line);
	if (file)
		(void)fclose(file);
}

/* Files that the command line names and that would not be there. */
static void add_outside(struct box *b, const struct br_run_spec *spec, const char *top)
{
	for (char *const *path = spec->outside; path && *path; path++)
		if (is_emptied(*path) && !is_below(*path, top))
			add_read(b, *path);
}

static void done(struct box *b)
{
	free(b->mount);
	br_strv_free(b->text);
}

/* Masks come first, so that what the command line names is seen even there. */
static void describe(struct box *b, const struct br_sandbox_job *job, const char *top)
{
	const struct br_run_spec *spec = job->spec;
	const char *home = value_of(spec->env, "HOME");

	add_base(b);
	add_home(b, home);
	if (geteuid() == 0)
		add_root(b, home);
	add_sockets(b);
	add_path(b, value_of(spec->env, "PATH"));
	add_git(b, job, top);
	add_tree(b, job, top);
	add_outside(b, spec, top);
	if (job->input)
		add(b, BR_NS_WRITE, job->input, INPUT_PLACE);
}

int br_sandbox_open(struct br_ns **out, const struct br_sandbox_job *job, struct br_err *err)
{
	br_auto_free char *top = br_sandbox_top(job->spec, job->tree);
	struct box b = {0};
	struct br_ns_plan plan = {.program = job->program, .nprogram = job->nprogram};
	int rc;

	describe(&b, job, top);
	plan.mount = b.mount;
	plan.nmount = b.n;
	rc = br_ns_open(out, &plan, err);
	done(&b);
	return rc < 0 ? br_wrap(err, "the sandbox cannot be made") : 0;
}

const char *br_level_name(enum br_level level)
{
	return level == BR_LEVEL_NAMESPACES ? "namespaces" : "none";
}

static int run_nothing(struct br_ns *ns, const struct br_spawn *program, struct br_err *err)
{
	struct br_ns_exit end = {0};
	struct pollfd p = {.fd = br_ns_fd(ns), .events = POLLIN};
	int rc = br_ns_spawn(ns, program, err);

	if (rc < 0)
		return br_wrap(err, "no program can be run in the sandbox");
	(void)poll(&p, 1, DRY_RUN_MS);
	rc = br_ns_ended(ns, &end, err);
	if (rc < 0)
		return rc;
	if (!rc || end.status)
		return br_fail(err, BR_ESTATE, "the sandbox was made, but %s failed in it", program->argv[0]);
	return 0;
}

int br_engine_try_level(enum br_level level, struct br_err *err)
{
	char name[] = "/bin/true";
	char *const argv[] = {name, NULL};
	const struct br_spawn program = {.argv = argv,
					 .env = environ,
					 .cwd = "/",
					 .in_fd = -1,
					 .out_fd = -1,
					 .err_fd = -1,
					 .new_session = true,
					 .die_with_parent = true};
	const struct br_run_spec spec = {.env = environ, .work_dir = "/"};
	const struct br_sandbox_job job = {.spec = &spec, .tree = "/", .program = &program, .nprogram = 1};
	struct br_ns *ns = NULL;
	int rc = level == BR_LEVEL_NONE ? 0 : br_sandbox_open(&ns, &job, err);

	if (rc == 0 && ns)
		rc = run_nothing(ns, &program, err);
	br_ns_close(ns);
	return rc;
}
