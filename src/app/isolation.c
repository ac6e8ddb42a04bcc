/* isolation.c - from what the user asked for to the box of every trial: the level by trying, the paths by looking. */
#include "app/isolation.h"

#include "app/options.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "bisect_run/err.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <pwd.h>
#include <string.h>
#include <sys/syscall.h>

const char *const *br_door_words(void)
{
	static const char *const words[] = {"userns", "kvm", "dri", "ptrace", "perf", NULL};

	return words;
}

static unsigned door_of(const char *word)
{
	const char *const *words = br_door_words();

	for (unsigned i = 0; words[i]; i++)
		if (strcmp(words[i], word) == 0)
			return 1u << i;
	return 0;
}

const char *br_isolation_asked(const struct br_options *o)
{
	return o->sandbox ? o->sandbox : "auto";
}

static bool asked(const struct br_options *o, const char *level)
{
	return strcmp(br_isolation_asked(o), level) == 0;
}

/* ---- paths ---- */

static bool is_too_much(const char *path)
{
	static const char *const never[] = {"/", "/dev", "/proc", "/sys", NULL};

	for (const char *const *p = never; *p; p++)
		if (strcmp(*p, path) == 0)
			return true;
	return false;
}

/* Real paths: inside there may be no links to follow. */
static int find_paths(char ***out, const char *option, char *const *paths, const char *cwd,
		      struct br_err *err)
{
	for (; paths && *paths; paths++) {
		br_auto_free char *joined =
			**paths == '/' ? br_strdup(*paths) : br_asprintf("%s/%s", cwd, *paths);
		br_auto_free char *real = realpath(joined, NULL);

		if (!real)
			return br_fail(err, BR_ESTATE, "%s %s: %s", option, *paths, strerror(errno));
		if (is_too_much(real))
			return br_fail(err, BR_ESTATE,
				       "%s %s would open all of it: name what the test needs%s", option,
				       *paths, strcmp(real, "/dev") == 0 ? ", or see --allow" : "");
		br_strv_add(out, real);
	}
	return 0;
}

static int find_all_paths(struct br_isolation *i, const struct br_options *o, const char *cwd,
			  struct br_err *err)
{
	int r = find_paths(&i->bind, "--bind", o->bind, cwd, err);

	return r < 0 ? r : find_paths(&i->ro_bind, "--ro-bind", o->ro_bind, cwd, err);
}

static char *account_home(void)
{
	const struct passwd *pw = getpwuid(geteuid());

	return pw && pw->pw_dir && pw->pw_dir[0] == '/' ? realpath(pw->pw_dir, NULL) : NULL;
}

/* ---- the level ---- */

/* Root without any capability, as in a box of ours, can do no more than another user. */
static bool is_mighty(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct cap[2] = {{0, 0, 0}, {0, 0, 0}};

	if (geteuid() != 0)
		return false;
	return syscall(SYS_capget, &head, cap) < 0 || cap[0].effective || cap[1].effective;
}

static int cannot(const struct br_options *o, const char *why, struct br_err *err)
{
	if (asked(o, "auto"))
		return br_fail(
			err, BR_ESTATE,
			"the sandbox cannot be had here (%s), and without it tests of old commits would run "
			"as root: run this as an ordinary user, or say --sandbox none if you trust all "
			"of them; `bisect-run doctor` tells more",
			why);
	return br_fail(
		err, BR_ESTATE,
		"--sandbox %s cannot be had here: %s; `bisect-run doctor` tells more, --sandbox none runs "
		"plain processes, only for repositories that you trust",
		br_isolation_asked(o), why);
}

static bool can_have(struct br_isolation *i, enum br_level level, char *const *env, struct br_err *why)
{
	i->box.level = level;
	return br_box_try(&i->box, env, why) == 0;
}

/* The best that a full dry run proves; what that is not, as a warning. */
static int choose_level(struct br_isolation *i, const struct br_options *o, char *const *env,
			struct br_err *err)
{
	bool any = asked(o, "auto") && !is_mighty();
	struct br_err why = {0}, why_less = {0};

	if (asked(o, "none") || can_have(i, BR_LEVEL_NAMESPACES, env, &why))
		return 0;
	if ((any || asked(o, "basic")) && can_have(i, BR_LEVEL_LANDLOCK, env, &why_less)) {
		i->warning = br_asprintf(
			"tests run behind Landlock, without namespaces (%s): they write to their trees "
			"alone, but have the machine's network and see your processes; `bisect-run "
			"doctor` tells more",
			why.msg);
		return 0;
	}
	if (!any)
		return cannot(o, why_less.msg[0] ? why_less.msg : why.msg, err);
	i->box.level = BR_LEVEL_NONE;
	i->warning =
		br_asprintf("tests run as plain processes, which may do all that you may: %s; `bisect-run "
			    "doctor` tells more, --sandbox none says that this is meant",
			    why.msg);
	return 0;
}

/* How well the user's limits can be held to. */
static void explain_limits(struct br_isolation *i)
{
	br_auto_free char *why = NULL;

	if ((i->box.memory_b || i->box.pids) && !br_box_has_group(&why))
		i->limits = br_asprintf("%s, so memory and processes of tests are counted many times a "
					"second and may be over "
					"their limit for a moment",
					why);
}

int br_isolation_make(struct br_isolation *out, const struct br_options *o, const char *cwd, const char *view,
		      char *const *env, struct br_err *err)
{
	struct br_isolation i = {.box = {.net = o->net,
					 .home = o->home,
					 .memory_b = o->memory_b,
					 .pids = o->pids,
					 .disk_b = o->disk_b}};
	int r = find_all_paths(&i, o, cwd, err);

	i.view = br_strdup_or_null(view);
	i.account_home = account_home();
	i.box.bind = i.bind;
	i.box.ro_bind = i.ro_bind;
	i.box.view = i.view;
	i.box.account_home = i.account_home;
	for (char *const *word = o->allow; word && *word; word++)
		i.box.doors |= door_of(*word);
	if (r == 0)
		r = choose_level(&i, o, env, err);
	if (r == 0)
		explain_limits(&i);
	if (r < 0)
		br_isolation_done(&i);
	else
		*out = i;
	return r;
}

void br_isolation_done(struct br_isolation *i)
{
	br_strv_free(i->bind);
	br_strv_free(i->ro_bind);
	free(i->view);
	free(i->account_home);
	free(i->warning);
	free(i->limits);
	*i = (struct br_isolation){0};
}

static void add_paths(struct br_buf *out, const char *name, char *const *paths)
{
	for (; paths && *paths; paths++) {
		br_auto_free char *q = br_shell_quote(*paths);

		br_buf_fmt(out, "%s %s\n", name, q);
	}
}

void br_isolation_basis(const struct br_isolation *i, struct br_buf *out)
{
	if (i->box.memory_b || i->box.pids || i->box.disk_b)
		br_buf_fmt(out, "memory %" PRIu64 " pids %" PRIu64 " disk %" PRIu64 "\n", i->box.memory_b,
			   i->box.pids, i->box.disk_b);
	if (i->box.level == BR_LEVEL_NONE)
		return;
	br_buf_fmt(out, "sandbox %s net %d home %d doors %u\n", br_level_name(i->box.level), (int)i->box.net,
		   (int)i->box.home, i->box.doors);
	add_paths(out, "bind", i->box.bind);
	add_paths(out, "ro-bind", i->box.ro_bind);
}
