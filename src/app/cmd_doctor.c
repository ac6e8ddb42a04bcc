/* cmd_doctor.c - what this machine can do, in words: tried, not guessed. */
#include "app/commands.h"

#include "app/doctor.h"
#include "app/finish.h"
#include "app/session.h"
#include "app/state.h"
#include "base/mem.h"
#include "base/text.h"
#include "bisect_run/engine.h"
#include "bisect_run/err.h"
#include "domain/repo.h"
#include "sys/file.h"
#include "sys/guard.h"
#include "sys/spawn.h"

#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

void br_doctor_line(bool works, const char *what, const char *detail)
{
	printf("  %-4s %-26s %s\n", works ? "yes" : "NO", what, detail);
}

static void check_programs(void)
{
	br_auto_free char *version = br_doctor_version("git", "--version");

	br_doctor_line(version != NULL, "git",
		       version ? version : "not found: revisions with unusual syntax cannot be asked for");
}

static void check_pidfd(void)
{
	int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);

	br_doctor_line(fd >= 0, "pidfd",
		       fd >= 0 ? "the end of a trial is seen at once" : "not here: a slower way is used");
	if (fd >= 0)
		(void)close(fd);
}

static void check_subreaper(void)
{
	bool works = prctl(PR_SET_CHILD_SUBREAPER, 1) == 0;

	br_doctor_line(works, "child subreaper",
		       works ? "processes that a test leaves behind are found and killed"
			     : "not here: daemonised processes of a test may survive it");
}

static void check_children(void)
{
	char path[64];

	(void)snprintf(path, sizeof path, "/proc/self/task/%ld/children", (long)getpid());
	br_doctor_line(access(path, R_OK) == 0, "/proc children lists",
		       access(path, R_OK) == 0 ? "process trees are walked quickly"
					       : "not here: all of /proc is searched instead");
}

static void check_state(const struct br_options *opt)
{
	struct br_err err = {0};
	br_auto_free char *cwd = br_current_dir(NULL);
	struct br_repo *repo = NULL;
	br_auto_free char *dir = NULL;

	if (!cwd)
		return;
	if (br_repo_open(&repo, cwd, &err) == 0)
		br_doctor_line(true, "repository", br_repo_common_dir(repo));
	else
		br_doctor_line(false, "repository", err.msg);
	dir = br_state_dir(opt, repo, cwd);
	/* Its parent must be writable when it is not there yet. */
	if (access(dir, F_OK) == 0) {
		br_doctor_line(access(dir, W_OK) == 0, "state directory", dir);
	} else {
		br_auto_free char *parent = br_strndup(dir, (size_t)(strrchr(dir, '/') - dir));

		br_doctor_line(access(parent, W_OK) == 0, "state directory (new)", dir);
	}
	br_repo_close(repo);
}

/* The dry run is a whole trial of /bin/true, so that "yes" means that trials will work. */
static bool check_namespaces(void)
{
	const struct br_box box = {.level = BR_LEVEL_NAMESPACES};
	struct br_err err = {0};
	bool works = br_box_try(&box, environ, &err) == 0;

	br_doctor_line(works, "namespaces (--sandbox strict)",
		       works ? "a test sees files read-only, no process, no network of yours" : err.msg);
	return works;
}

static void check_landlock(void)
{
	const struct br_box box = {.level = BR_LEVEL_LANDLOCK};
	struct br_err err = {0};
	bool works = br_box_try(&box, environ, &err) == 0;
	int version = br_guard_version();
	br_auto_free char *text = br_asprintf("version %d: a test writes to its tree alone%s%s", version,
					      version >= 4 ? ", --net none holds for TCP" : "",
					      version >= 6 ? ", cannot signal your processes"
							   : "; it can signal your processes (Linux 6.12)");

	br_doctor_line(works, "Landlock (--sandbox basic)", works ? text : err.msg);
}

/* What of a trial's surroundings each level keeps apart, for the best one that works here. */
static void list_properties(bool namespaces)
{
	bool landlock = namespaces || br_guard_version() > 0;

	br_doctor_line(landlock, "  files kept",
		       namespaces ? "read-only but the tree; writes to HOME are thrown away"
		       : landlock ? "read-only but the tree"
				  : "no");
	br_doctor_line(landlock, "  secrets hidden",
		       landlock ? "keys, tokens, histories" : "a test reads what you may read");
	br_doctor_line(namespaces, "  processes hidden",
		       namespaces ? "none of yours is seen" : "a test sees yours");
	br_doctor_line(namespaces, "  network apart",
		       namespaces ? "its own loopback" : "a test has the machine's");
	br_doctor_line(namespaces, "  /tmp, IPC apart",
		       namespaces ? "empty, thrown away" : "shared with the machine");
	br_doctor_line(namespaces, "  sockets hidden",
		       namespaces ? "those that were there when the test began"
				  : "a test may connect to services");
	br_doctor_line(true, "  all of it killed",
		       namespaces ? "by the kernel, at once" : "by walking its processes");
}

static void check_group(void)
{
	br_auto_free char *how = NULL;
	bool works = br_box_has_group(&how);
	br_auto_free char *text = br_asprintf("%s%s", how,
					      works ? ""
						    : ": counted many times a second instead (systemd-run "
						      "--user --scope -p Delegate=yes gets one)");

	br_doctor_line(works, "limits by control group", text);
}

static void check_parallel(bool namespaces)
{
	printf("\nParallel trials\n");
	if (namespaces)
		printf("  -j auto learns from the ends how many tests run at once: each has a network and a "
		       "/tmp of its own.\n");
	else
		printf("  -j auto runs one at a time: without network namespaces, tests would share ports "
		       "and\n"
		       "  temporary files. -j N runs N at once where they do not.\n");
}

int br_cmd_doctor(struct br_options *opt)
{
	struct br_err err = {0};
	struct utsname u;
	bool namespaces;
	int r;

	if (uname(&u) == 0)
		printf("%s %s %s, %ld cores, running as uid %u\n", u.sysname, u.release, u.machine,
		       sysconf(_SC_NPROCESSORS_ONLN), (unsigned)geteuid());
	printf("libgit2 %s\n\n", br_repo_library());
	printf("Here\n");
	check_programs();
	check_state(opt);
	printf("\nRunning tests\n");
	check_pidfd();
	check_subreaper();
	check_children();
	printf("\nSandbox\n");
	namespaces = check_namespaces();
	check_landlock();
	list_properties(namespaces);
	check_group();
	br_doctor_line(true, "secrets in the environment",
		       "variables that look like one are held back (--pass-env NAME)");
	check_parallel(namespaces);
	br_doctor_tools(namespaces);
	r = br_flush_stdout(&err);
	return r < 0 ? br_finish_usage(opt, r, &err) : 0;
}
