/*
 * sandbox.c - which parts of the user's machine a trial sees.
 *
 * All is readable and nothing writable, but: the work tree, at the path of the user's checkout; HOME, whose writes are thrown away; and empty
 * folders for temporary files. What would let a trial speak for the user is hidden: keys, tokens, histories, and the sockets of services,
 * which a read-only file system does not close. A socket made later in a folder that is not hidden can be
 * reached by its path: the kernel has no means against that.
 */
#include "exec/sandbox_plan.h"

#include "base/mem.h"
#include "bisect_run/err.h"
#include "exec/fence.h"
#include "exec/limits.h"
#include "sys/guard.h"
#include "sys/spawn.h"

#include <dirent.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* Where the candidate's files lie. */
#define INPUT_PLACE "/run/bisect-run/input"

enum { DRY_RUN_MS = 10000 };

/* Empty inside. */
static const char *const emptied[] = {"/tmp", "/run", "/var/tmp", "/dev/shm"};

/* A checkout there is not put in their place: programs need what is in them. */
static const char *const system_folder[] = {"/",     "/bin",   "/boot",	     "/dev",  "/etc",	  "/home",
					    "/lib",  "/lib64", "/media",     "/mnt",  "/nix",	  "/opt",
					    "/proc", "/run",   "/sbin",	     "/snap", "/srv",	  "/sys",
					    "/tmp",  "/usr",   "/usr/local", "/var",  "/var/tmp", NULL};

const char *br_sandbox_tmp(void)
{
	return "/tmp";
}

const char *br_sandbox_input(void)
{
	return INPUT_PLACE;
}

struct br_ns_mount *br_sandbox_add(struct br_sandbox_plan *p, enum br_ns_kind kind, const char *source,
				   const char *target)
{
	struct br_ns_mount *m;

	br_grow(&p->mount, p->n, &p->cap);
	m = &p->mount[p->n++];
	*m = (struct br_ns_mount){.kind = kind, .source = source, .target = target};
	return m;
}

const char *br_sandbox_keep(struct br_sandbox_plan *p, const char *text)
{
	br_strv_add(&p->text, text);
	return p->text[br_strv_len(p->text) - 1];
}

struct br_ns_mount *br_sandbox_add_read(struct br_sandbox_plan *p, const char *path)
{
	const char *kept = br_sandbox_keep(p, path);
	struct br_ns_mount *m = br_sandbox_add(p, BR_NS_READ, kept, kept);

	m->optional = true;
	return m;
}

bool br_path_is_below(const char *path, const char *top)
{
	size_t n = strlen(top);

	return strncmp(path, top, n) == 0 && path[n] == '/';
}

bool br_path_is_at_or_below(const char *path, const char *top)
{
	return strcmp(path, top) == 0 || br_path_is_below(path, top);
}

bool br_sandbox_is_emptied(const char *path)
{
	for (size_t i = 0; i < sizeof emptied / sizeof *emptied; i++)
		if (br_path_is_at_or_below(path, emptied[i]))
			return true;
	return br_path_is_at_or_below(path, "/dev");
}

static bool is_listed(const char *path, const char *const *list)
{
	for (; *list; list++)
		if (strcmp(path, *list) == 0)
			return true;
	return false;
}

bool br_sandbox_is_system(const char *path)
{
	return is_listed(path, system_folder);
}

const char *br_env_value(char *const *env, const char *name)
{
	size_t n = strlen(name);

	for (; env && *env; env++)
		if (strncmp(*env, name, n) == 0 && (*env)[n] == '=')
			return *env + n + 1;
	return NULL;
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

	if (!root || br_sandbox_is_system(root))
		return br_strdup(tree);
	return br_steal(&root);
}

static void add_base(struct br_sandbox_plan *p)
{
	struct stat st;

	br_sandbox_add(p, BR_NS_DEV, NULL, "/dev");
	br_sandbox_add(p, BR_NS_PROC, NULL, "/proc");
	for (size_t i = 0; i < sizeof emptied / sizeof *emptied; i++)
		if (br_path_is_below(emptied[i], "/dev") ||
		    (lstat(emptied[i], &st) == 0 && S_ISDIR(st.st_mode)))
			br_sandbox_add(p, BR_NS_TMP, NULL, emptied[i])->optional = true;
}

/* Folders that programs are found in, should they lie where all is emptied. */
static void add_path(struct br_sandbox_plan *p)
{
	const char *path = br_env_value(p->job->spec->env, "PATH");

	while (path && *path) {
		size_t n = strcspn(path, ":");
		br_auto_free char *part = br_strndup(path, n);
		br_auto_free char *real =
			*part == '/' && br_sandbox_is_emptied(part) ? realpath(part, NULL) : NULL;

		if (real && !br_sandbox_is_system(real))
			(void)br_sandbox_add_read(p, real);
		path += n + (path[n] == ':');
	}
}

/* Names are asked for as on the machine: its list of servers is often a link into /run. */
static void add_resolver(struct br_sandbox_plan *p)
{
	br_auto_free char *real = NULL;

	if (p->job->spec->box.net == BR_NET_HOST)
		real = realpath("/etc/resolv.conf", NULL);
	if (real && br_sandbox_is_emptied(real))
		(void)br_sandbox_add_read(p, real);
}

/* Without a revision the tree is the user's own folder: a throw-away view of it, unless HOME's is one. */
static void add_view(struct br_sandbox_plan *p, const char *view)
{
	static const char *const never[] = {"/", "/dev", "/proc", "/sys", "/run", NULL};

	for (size_t i = 0; i < p->n; i++)
		if (p->mount[i].kind == BR_NS_OVERLAY && strcmp(p->mount[i].target, view) == 0)
			return;
	if (is_listed(view, never))
		return;
	br_sandbox_add(p, BR_NS_OVERLAY, view, view);
	br_sandbox_add_submounts(p, view);
}

static void add_tree(struct br_sandbox_plan *p)
{
	const char *view = p->job->spec->box.view;

	if (view)
		add_view(p, view);
	else
		br_sandbox_add(p, BR_NS_WRITE, p->job->tree, p->top);
}

static bool is_in_home(const struct br_run_spec *spec, const char *path)
{
	const char *home = br_env_value(spec->env, "HOME");

	return home && home[0] == '/' && home[1] && br_path_is_below(path, home);
}

/* Files that the command line names and that would not be there. */
static void add_outside(struct br_sandbox_plan *p)
{
	const struct br_run_spec *spec = p->job->spec;
	const char *own = spec->box.view ? spec->box.view : p->top;

	for (char *const *path = spec->outside; path && *path; path++)
		if ((br_sandbox_is_emptied(*path) || is_in_home(spec, *path)) &&
		    !br_path_is_below(*path, own))
			(void)br_sandbox_add_read(p, *path);
}

/* Last, so that the user's word is the last one. */
static void add_binds(struct br_sandbox_plan *p)
{
	const struct br_box *box = &p->job->spec->box;

	for (char *const *path = box->ro_bind; path && *path; path++)
		br_sandbox_add(p, BR_NS_READ, *path, *path)->make = true;
	for (char *const *path = box->bind; path && *path; path++)
		br_sandbox_add(p, BR_NS_WRITE, *path, *path)->make = true;
}

/* Masks come early, so that what the command line names is seen even there. */
/* The trial's raw profiles, and what the profiler itself needs. */
static void add_profile(struct br_sandbox_plan *p)
{
	br_auto_free char *shared = NULL;

	if (!p->job->raw)
		return;
	shared = br_asprintf("%s/shared", p->job->spec->wrap->dir);
	br_sandbox_add(p, BR_NS_WRITE, p->job->raw, BR_SANDBOX_RAW);
	br_sandbox_add(p, BR_NS_READ, br_sandbox_keep(p, shared), BR_SANDBOX_SHARED);
}

static void describe(struct br_sandbox_plan *p)
{
	add_base(p);
	br_sandbox_add_home(p);
	br_sandbox_add_masks(p);
	add_path(p);
	add_resolver(p);
	br_sandbox_add_git(p);
	add_tree(p);
	add_outside(p);
	add_binds(p);
	if (p->job->input)
		br_sandbox_add(p, BR_NS_WRITE, p->job->input, INPUT_PLACE);
	add_profile(p);
}

/* Graphics and computing: one folder, and what one maker puts beside it. */
static void add_graphics(char ***device)
{
	DIR *dev = opendir("/dev");
	struct dirent *e;

	br_strv_add(device, "dri");
	br_strv_add(device, "kfd");
	while (dev && (e = readdir(dev)))
		if (strncmp(e->d_name, "nvidia", 6) == 0)
			br_strv_add(device, e->d_name);
	if (dev)
		(void)closedir(dev);
}

static char **devices(unsigned doors)
{
	char **device = NULL;

	if (doors & BR_DOOR_KVM)
		br_strv_add(&device, "kvm");
	if (doors & BR_DOOR_DRI)
		add_graphics(&device);
	return device;
}

static enum br_ns_net net_of(enum br_net net)
{
	switch (net) {
	case BR_NET_LOOPBACK:
		break;
	case BR_NET_NONE:
		return BR_NS_NET_NONE;
	case BR_NET_HOST:
		return BR_NS_NET_HOST;
	}
	return BR_NS_NET_LOOPBACK;
}

/*
 * With a control group the kernel's older limit on processes is only in the way. Without one it is somewhat higher than that by counting: it
 * stops a fork bomb between two looks, but tells nobody.
 */
static void set_limits(struct br_ns_plan *plan, const struct br_limits *l)
{
	plan->scratch_b = l->scratch_b;
	plan->file_b = l->disk_b;
	plan->threads = l->place ? 0 : l->most.pids + l->most.pids / 4 + 16;
}

int br_sandbox_open(struct br_ns **out, const struct br_sandbox_job *job, struct br_err *err)
{
	const struct br_box *box = &job->spec->box;
	struct br_sandbox_plan p = {.job = job, .top = br_sandbox_top(job->spec, job->tree)};
	br_auto_strv char **device = devices(box->doors);
	int rc;
	struct br_ns_plan plan = {.program = job->program,
				  .nprogram = job->nprogram,
				  .net = net_of(box->net),
				  .device = (const char *const *)device,
				  .allow_userns = box->doors & BR_DOOR_USERNS,
				  .allow_perf = box->doors & BR_DOOR_PERF};

	if (job->limits)
		set_limits(&plan, job->limits);
	p.nhost = br_mounts_read(&p.host);
	describe(&p);
	plan.mount = p.mount;
	plan.nmount = p.n;
	rc = br_ns_open(out, &plan, err);
	free(p.mount);
	free(p.top);
	br_mounts_free(p.host, p.nhost);
	br_strv_free(p.text);
	return rc < 0 ? br_wrap(err, "the sandbox cannot be made") : 0;
}

const char *br_level_name(enum br_level level)
{
	static const char *const name[] = {"none", "landlock", "namespaces"}; /* as enum br_level */

	return name[level];
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

bool br_box_has_group(char **why)
{
	struct br_cgroup_place place;
	bool found = br_cgroup_find(&place, why);

	if (found)
		*why = br_asprintf("version %d, %s", place.version, place.memory);
	br_cgroup_place_done(&place);
	return found;
}

/* The same without a box: with a guard. */
static int run_guarded(const struct br_run_spec *spec, struct br_spawn *program, struct br_err *err)
{
	const struct br_fence_job job = {.spec = spec, .tree = "/"};
	struct br_guard *guard = NULL;
	int rc = br_fence_open(&guard, &job, err), status = -1, pidfd = -1;
	pid_t pid = 0;

	program->guard = guard;
	if (!rc)
		rc = br_spawn(program, &pid, &pidfd, err);
	if (!rc && (waitpid(pid, &status, 0) < 0 || status))
		rc = br_fail(err, BR_ESTATE, "%s failed behind Landlock", program->argv[0]);
	br_cleanup_fd(&pidfd);
	br_guard_close(guard);
	return rc;
}

static int run_boxed(const struct br_run_spec *spec, const struct br_spawn *program, struct br_err *err)
{
	const struct br_sandbox_job job = {.spec = spec, .tree = "/", .program = program, .nprogram = 1};
	struct br_ns *ns = NULL;
	int rc = br_sandbox_open(&ns, &job, err);

	if (!rc)
		rc = run_nothing(ns, program, err);
	br_ns_close(ns);
	return rc;
}

int br_box_try(const struct br_box *box, char *const *env, struct br_err *err)
{
	char name[] = "/bin/true";
	char *const argv[] = {name, NULL};
	struct br_spawn program = {.argv = argv,
				   .env = env,
				   .cwd = "/",
				   .in_fd = -1,
				   .out_fd = -1,
				   .err_fd = -1,
				   .new_session = true,
				   .die_with_parent = true};
	struct br_run_spec spec = {.env = env, .work_dir = "/", .box = *box};

	if (!box->view)
		spec.box.view = "/"; /* there is no tree yet */
	switch (box->level) {
	case BR_LEVEL_NONE:
		break;
	case BR_LEVEL_LANDLOCK:
		return run_guarded(&spec, &program, err);
	case BR_LEVEL_NAMESPACES:
		return run_boxed(&spec, &program, err);
	}
	return 0;
}
