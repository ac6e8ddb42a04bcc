/*
 * debug.c - opens the fitting debugger at a failure.
 *
 * A crash is caught where it happens, however deep below COMMAND: everything runs traced, and the process that faults is
 * handed to gdb, stopped at the instruction that faults again once it goes on. gdb runs outside of the box, so it has the
 * terminal; files of the program are read through /proc/PID/root.
 */
#include "app/debug.h"

#include "app/site.h"
#include "base/mem.h"
#include "base/text.h"
#include "bisect_run/err.h"
#include "exec/stacks.h"
#include "stack/stack.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

enum { TICK_MS = 200, HITS_MAX = 1000000000 };

static void say(char *const *argv)
{
	br_auto_free char *line = br_shell_join(argv);
	br_auto_free char *clean = br_text_clean(line, strlen(line), false);

	fprintf(stderr, "running: %s\n", clean);
}

static int exit_of(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* Runs a program of ours on the terminal to its end. */
static int run_here(char *const *argv, const char *cwd, struct br_err *err)
{
	struct br_spawn s = {.argv = argv,
			     .env = environ,
			     .cwd = cwd,
			     .in_fd = STDIN_FILENO,
			     .out_fd = STDOUT_FILENO,
			     .err_fd = STDERR_FILENO,
			     .die_with_parent = true};
	int pidfd = -1, status = 0, rc;
	pid_t pid;

	say(argv);
	rc = br_spawn(&s, &pid, &pidfd, err);
	if (rc < 0)
		return rc;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	br_cleanup_fd(&pidfd);
	return exit_of(status);
}

/* Runs words in the tree, in the box if there is one, on the terminal. */
static int run_there(struct br_site *site, char *const *argv, struct br_err *err)
{
	int rc;

	say(argv);
	rc = br_site_start(site, argv, err);
	return rc < 0 ? rc : exit_of(br_site_wait(site));
}

static int shell(struct br_site *site, struct br_err *err)
{
	const char *name = getenv("SHELL");
	br_auto_strv char **argv = NULL;

	br_strv_add(&argv, name && name[0] == '/' ? name : "/bin/sh");
	fprintf(stderr, "a shell in %s\n", site->seen_cwd);
	return run_there(site, argv, err);
}

/* ---- gdb ---- */

static void add(char ***argv, const char *option, const char *value)
{
	br_strv_add(argv, option);
	br_strv_add(argv, value);
}

/* gdb on a process: its files and sources where they lie for us. */
static char **attach_words(const struct br_site *site, pid_t pid)
{
	br_auto_free char *root = br_asprintf("set sysroot /proc/%ld/root", (long)pid);
	br_auto_free char *sources = br_asprintf("set substitute-path %s %s", site->seen_top, site->top);
	br_auto_free char *number = br_asprintf("%ld", (long)pid);
	char **argv = NULL;

	br_strv_add(&argv, "gdb");
	br_strv_add(&argv, "-q");
	if (site->ns)
		add(&argv, "-iex", root);
	if (strcmp(site->seen_top, site->top) != 0)
		add(&argv, "-iex", sources);
	add(&argv, "-iex", "set debuginfod enabled off");
	add(&argv, "-iex", "set pagination off"); /* nobody may be there to press RETURN before the prompt */
	add(&argv, "-p", number);
	add(&argv, "-ex", "handle SIGSTOP nostop noprint nopass"); /* by which it waited for us */
	return argv;
}

/* An abort is asked for by the program: it would go on after it, and needs no second time. */
static bool comes_again(int sig)
{
	return sig == SIGSEGV || sig == SIGBUS || sig == SIGILL || sig == SIGFPE;
}

static int gdb_at_fault(struct br_site *site, const struct br_crash *c, struct br_err *err)
{
	br_auto_strv char **argv = attach_words(site, c->pid);
	char name[24];

	fprintf(stderr, "%s in process %ld (%s): gdb takes over; `kill` in gdb ends it\n",
		br_signal_name(c->signal, name, sizeof name), (long)c->pid, c->program);
	if (comes_again(c->signal))
		add(&argv, "-ex", "continue");
	add(&argv, "-ex", "backtrace 12");
	return run_here(argv, site->cwd, err);
}

/* Waits for the crash, or for the end of COMMAND without one. */
static const struct br_crash *await_crash(struct br_site *site, struct br_tracer *t, int *status)
{
	struct pollfd p[2] = {{br_tracer_fd(t), POLLIN, 0}, {site->pidfd, POLLIN, 0}};

	for (;;) {
		br_tracer_step(t);
		if (br_tracer_crash(t))
			return br_tracer_crash(t);
		if (br_site_ended(site, status))
			return NULL;
		(void)poll(p, 2, TICK_MS);
	}
}

static int gdb_on_crash(struct br_site *site, struct br_err *err)
{
	br_auto_strv char **argv = br_stacks_stopped_argv(site->argv, false);
	struct br_tracer *t;
	const struct br_crash *c;
	int status = 0, rc;

	say(site->argv);
	rc = br_site_start(site, argv, err);
	if (rc < 0)
		return rc;
	t = br_stacks_watch(site->ns ? site->pid : 0, site->pid, BR_TRACE_HAND_OVER);
	if (!t)
		return br_fail(err, BR_ESTATE, "processes may not be traced here (ptrace): try --shell");
	c = await_crash(site, t, &status);
	if (c)
		rc = gdb_at_fault(site, c, err);
	else
		rc = br_fail(err, BR_ESTATE,
			     "COMMAND ended (%s %d) and nothing crashed this time: try again, or --shell",
			     WIFSIGNALED(status) ? "signal" : "exit",
			     WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	(void)br_tracer_close(t, NULL);
	return rc;
}

/*
 * COMMAND itself fails: gdb takes the program before its first instruction, with a breakpoint at the top function of the failure whose
 * hits are counted, and lets it run to its end.
 */
static int gdb_from_start(struct br_site *site, const char *function, struct br_err *err)
{
	br_auto_strv char **stopped = br_stacks_stopped_argv(site->argv, false);
	br_auto_strv char **argv = NULL;
	br_auto_free char *at = function ? br_asprintf("break %s", function) : NULL;
	br_auto_free char *ignore = br_asprintf("ignore 2 %d", HITS_MAX);
	pid_t pid;
	int rc = br_site_start(site, stopped, err);

	if (rc < 0)
		return rc;
	pid = br_stacks_await(site->ns ? site->pid : 0);
	if (!pid)
		return br_fail(err, BR_ESTATE, "COMMAND did not start");
	argv = attach_words(site, pid);
	add(&argv, "-iex", "set breakpoint pending on");
	add(&argv, "-ex", "tcatch exec");
	add(&argv, "-ex", "continue");
	if (at) {
		add(&argv, "-ex", at);
		add(&argv, "-ex", ignore);
		add(&argv, "-ex", "continue");
		add(&argv, "-ex", "info breakpoints");
		add(&argv, "-ex", "backtrace 12");
	}
	return run_here(argv, site->cwd, err);
}

static bool has_gdb(struct br_err *err)
{
	char name[] = "gdb", option[] = "--version";
	char *const argv[] = {name, option, NULL};
	br_auto_free char *out = NULL;
	int status = 0;

	if (br_spawn_capture(argv, NULL, NULL, 64, 10000, &out, &status, NULL) == 0 && status == 0)
		return true;
	(void)br_fail(err, BR_ESTATE, "gdb is not installed here; --shell opens a shell in the tree");
	return false;
}

static bool is_crash(const struct br_failure *f)
{
	return f->signal > 0 || strncmp(f->type, "SIG", 3) == 0;
}

static int open_debugger(struct br_site *site, const struct br_scene *scene, struct br_err *err)
{
	const struct br_failure *f = scene->failure;
	br_auto_strv char **pdb = site->argv ? br_debug_pdb(site->argv) : NULL;

	if (scene->shell || !site->argv)
		return shell(site, err);
	if (pdb && !is_crash(f))
		return run_there(site, pdb, err);
	if (!has_gdb(err))
		return err->code;
	if (is_crash(f) && !(f->signal > 0 && f->nframe)) /* below COMMAND, or nobody knows where */
		return gdb_on_crash(site, err);
	return gdb_from_start(site, f->nframe ? f->frame[0] : NULL, err);
}

int br_debug_run(struct br_session *s, const struct br_scene *scene, struct br_err *err)
{
	struct br_site site;
	int rc = br_site_open(&site, s, err);

	if (rc == 0) {
		fprintf(stderr, "tree: %s\n", site.cwd);
		rc = open_debugger(&site, scene, err);
	}
	br_site_close(&site);
	return rc;
}
