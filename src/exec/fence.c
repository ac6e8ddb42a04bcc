/*
 * fence.c - the same policy as sandbox.c as far as Landlock goes: it only knows what is allowed, so that all around a secret has to be.
 *
 * Nothing is hidden or parted: names are seen, /tmp is the machine's (TMPDIR lies beside the tree), path-named sockets can be reached.
 */
#include "exec/fence.h"

#include "base/mem.h"
#include "bisect_run/err.h"
#include "exec/sandbox_plan.h"
#include "sys/file.h"
#include "sys/guard.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

enum { RULES_MAX = 1 << 16 };

struct fence {
	struct br_guard *guard;
	char **hidden; /* absolute paths that exist */
	size_t nrule;
};

static void hide(struct fence *f, const char *folder, const char *const *names)
{
	struct stat st;

	for (; *names; names++) {
		br_auto_free char *path = br_asprintf("%s%s%s", folder, *folder ? "/" : "", *names);

		if (lstat(path, &st) == 0)
			br_strv_add(&f->hidden, path);
	}
}

/* 2: the path is hidden; 1: something in it is; 0: nothing. */
static int hides(const struct fence *f, const char *path)
{
	int in = 0;

	for (char *const *h = f->hidden; h && *h; h++) {
		if (br_path_is_at_or_below(path, *h))
			return 2;
		if (strcmp(path, "/") == 0 || br_path_is_below(*h, path))
			in = 1;
	}
	return in;
}

/* Opens the folder but for what is hidden: entry by entry where it has to be. */
static int open_around(struct fence *f, const char *path, unsigned access, struct br_err *err)
{
	int in = hides(f, path), rc = 0;
	DIR *dir;

	if (in == 2)
		return 0;
	if (f->nrule++ > RULES_MAX)
		return br_fail(err, BR_EUNSUPPORTED, "%s holds too many files for Landlock", path);
	if (in == 0)
		return br_guard_allow(f->guard, path, access, err);
	dir = opendir(path);
	for (struct dirent *e; !rc && dir && (e = readdir(dir));) {
		br_auto_free char *entry =
			br_asprintf("%s/%s", strcmp(path, "/") == 0 ? "" : path, e->d_name);

		if (!br_name_is_dot(e->d_name) && e->d_type != DT_LNK)
			rc = open_around(f, entry, access, err);
	}
	if (dir)
		(void)closedir(dir);
	return rc;
}

static void hide_secrets(struct fence *f, const struct br_run_spec *spec, const char *home)
{
	if (geteuid() == 0)
		hide(f, "", br_sandbox_root_secrets());
	if (spec->box.account_home)
		hide(f, spec->box.account_home, br_sandbox_secrets());
	if (home)
		hide(f, home, br_sandbox_secrets());
	if (home && spec->box.home == BR_HOME_EMPTY)
		br_strv_add(&f->hidden, home);
}

static int allow_all(struct fence *f, char *const *paths, unsigned access, struct br_err *err)
{
	int rc = 0;

	for (; !rc && paths && *paths; paths++)
		rc = br_guard_allow(f->guard, *paths, access, err);
	return rc;
}

/* Of /dev what does no harm; of /proc a process can only write to what is its own. */
static int allow_common(struct fence *f, struct br_err *err)
{
	static const char *const common[] = {"/dev/null",   "/dev/zero",    "/dev/full",
					     "/dev/random", "/dev/urandom", "/dev/tty",
					     "/dev/ptmx",   "/dev/pts",	    "/proc"};
	int rc = 0;

	for (size_t i = 0; !rc && i < sizeof common / sizeof *common; i++)
		rc = br_guard_allow(f->guard, common[i], BR_GUARD_READ | BR_GUARD_WRITE, err);
	return rc;
}

static int allow_own(struct fence *f, const struct br_fence_job *job, struct br_err *err)
{
	const char *own[] = {job->tree, job->tmp, job->input, job->raw};
	int rc = 0;

	for (size_t i = 0; !rc && i < sizeof own / sizeof *own; i++)
		if (own[i])
			rc = br_guard_allow(f->guard, own[i], BR_GUARD_READ | BR_GUARD_WRITE, err);
	return rc;
}

static int allow_devices(struct fence *f, unsigned doors, struct br_err *err)
{
	int rc = 0;

	if (doors & BR_DOOR_KVM)
		rc = br_guard_allow(f->guard, "/dev/kvm", BR_GUARD_READ | BR_GUARD_WRITE, err);
	if (!rc && (doors & BR_DOOR_DRI))
		rc = br_guard_allow(f->guard, "/dev/dri", BR_GUARD_READ | BR_GUARD_WRITE, err);
	return rc;
}

static int fill(struct fence *f, const struct br_fence_job *job, const char *home, struct br_err *err)
{
	const struct br_run_spec *spec = job->spec;
	int rc;

	hide_secrets(f, spec, home);
	rc = open_around(f, "/", BR_GUARD_READ, err);
	if (!rc && home && spec->box.home == BR_HOME_HOST)
		rc = open_around(f, home, BR_GUARD_READ | BR_GUARD_WRITE, err);
	if (!rc)
		rc = allow_common(f, err);
	if (!rc)
		rc = allow_own(f, job, err);
	if (!rc)
		rc = allow_devices(f, spec->box.doors, err);
	if (!rc)
		rc = allow_all(f, spec->outside, BR_GUARD_READ, err);
	if (!rc)
		rc = allow_all(f, spec->box.ro_bind, BR_GUARD_READ, err);
	return rc ? rc : allow_all(f, spec->box.bind, BR_GUARD_READ | BR_GUARD_WRITE, err);
}

int br_fence_open(struct br_guard **out, const struct br_fence_job *job, struct br_err *err)
{
	const struct br_box *box = &job->spec->box;
	const char *name = br_env_value(job->spec->env, "HOME");
	br_auto_free char *home = name && *name == '/' ? realpath(name, NULL) : NULL;
	struct fence f = {0};
	int rc = br_guard_open(&f.guard, box->net != BR_NET_NONE, box->doors & BR_DOOR_PERF, err);

	if (rc < 0)
		return rc;
	rc = fill(&f, job, home && !br_sandbox_is_system(home) ? home : NULL, err);
	br_strv_free(f.hidden);
	if (rc < 0)
		br_guard_close(f.guard);
	else
		*out = f.guard;
	return rc;
}
