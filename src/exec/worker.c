/*
 * worker.c - one slot of the local engine, in a process of its own.
 *
 * No process of a trial may outlive the engine, however the engine dies. While the tree is made nothing of
 * the trial runs and the worker itself dies with the engine (PR_SET_PDEATHSIG). After that it must live on to
 * kill what it started: it sees the socket's end at once, because it looks at it whenever it waits.
 */
#include "exec/worker.h"

#include "base/mem.h"
#include "bisect_run/domain.h"
#include "bisect_run/err.h"
#include "exec/command.h"
#include "exec/fence.h"
#include "exec/log.h"
#include "exec/place.h"
#include "exec/run.h"
#include "exec/sandbox.h"
#include "exec/stacks.h"
#include "exec/wire.h"
#include "stack/stack.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/guard.h"
#include "sys/ns.h"
#include "sys/tree.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { STAMP_MAX_B = 256 };

struct worker {
	const struct br_run_spec *spec;
	struct br_domain *domain;
	uint32_t slot;
	int fd;
	pid_t engine;
	char *dir, *tmp, *journal, *build_journal, *stamp, *build; /* paths; build as a word of argv */
	bool strange;	      /* the tree may hold what trials of another basis left */
	struct br_tree *tree; /* NULL: not opened yet */
	struct br_run run;
	struct br_limits limits;
	union {
		struct br_wire_order order;
		char order_bytes[sizeof(struct br_wire_order) + 4]; /* room for the NULs that end its texts */
	};
	struct br_wire_texts text; /* of the order */
	struct br_wire_report report;
};

/* The host failed, not the candidate: nothing may be concluded from it. */
static bool is_host_error(const struct br_err *err)
{
	return err->code == BR_ESYS || err->code == BR_EINTR;
}

/* A short machine is no property of the program. */
static bool is_shortage(int errnum)
{
	return errnum == ENOMEM || errnum == EAGAIN || errnum == EMFILE || errnum == ENFILE ||
	       errnum == EIO || errnum == ENOSPC || errnum == EBUSY || errnum == ECHILD;
}

static void end(struct worker *w, enum br_end how, int code)
{
	w->report.outcome.end = how;
	w->report.outcome.code = code;
}

static void note(struct worker *w, const char *text)
{
	struct br_outcome *o = &w->report.outcome;

	if (snprintf(o->note, sizeof o->note, "%s", text) >= (int)sizeof o->note)
		memcpy(o->note + sizeof o->note - 4, "...", 4);
}

static void end_by_error(struct worker *w, const struct br_err *err)
{
	end(w, is_host_error(err) ? BR_END_LOST : BR_END_SETUP, 0);
	note(w, err->msg);
}

static void send_report(struct worker *w, enum br_wire_report_kind kind)
{
	w->report.kind = kind;
	while (send(w->fd, &w->report, sizeof w->report, MSG_NOSIGNAL) < 0 && errno == EINTR)
		;
}

static bool engine_is_gone(int fd)
{
	struct pollfd p = {.fd = fd};

	return poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR));
}

static void look(struct worker *w, bool ours)
{
	if (w->domain->ops->tree_look)
		w->domain->ops->tree_look(w->tree, ours);
}

/* What a build left running may write at the same time: then nothing is taken for our own doing. */
static int put_placed(struct worker *w, bool for_build, struct br_err *err)
{
	const char *top = w->domain->ops->tree_path(w->tree);
	int rc = br_placed_put(w->spec, for_build, top, for_build ? w->build_journal : w->journal, err);

	if (for_build || !w->build)
		look(w, true);
	return rc;
}

static void remove_placed(struct worker *w)
{
	const char *top = w->domain->ops->tree_path(w->tree);

	look(w, false);
	br_placed_remove(top, w->journal);
	br_placed_remove(top, w->build_journal);
	look(w, true);
}

/*
 * A stamp beside the tree names the basis of what lies in it. It goes before the tree is emptied, so that one that is half emptied
 * belongs to nobody, and comes once that is done.
 */
static bool take_stamp(struct worker *w)
{
	br_auto_free char *text = NULL;
	size_t n;

	if (!w->spec->basis ||
	    (br_file_read(w->stamp, STAMP_MAX_B, &text, &n, NULL) == 0 && strcmp(text, w->spec->basis) == 0))
		return false;
	(void)unlink(w->stamp);
	return true;
}

static int put_stamp(struct worker *w, struct br_err *err)
{
	int rc = 0;

	if (w->strange)
		rc = br_file_write(w->stamp, w->spec->basis, strlen(w->spec->basis), err);
	w->strange &= rc < 0;
	return rc;
}

static bool is_boxed(const struct worker *w)
{
	return w->spec->box.level == BR_LEVEL_NAMESPACES;
}

static int open_tree(struct worker *w, struct br_err *err)
{
	int rc;

	if (w->tree)
		return 0;
	rc = br_dir_make(w->dir, err);
	/* What root's test makes setuid must not serve the machine's other users; a box shows the tree elsewhere. */
	if (!rc && is_boxed(w))
		(void)chmod(w->dir, 0700);
	if (!rc)
		rc = w->domain->ops->tree_open(w->domain, w->dir, &w->tree, err);
	if (rc)
		return rc;
	remove_placed(w); /* what a killed trial put in must not stand in for a file of the candidate's */
	w->strange = take_stamp(w);
	if (w->strange && w->domain->ops->tree_empty)
		w->domain->ops->tree_empty(w->tree);
	return 0;
}

static void close_tree(struct worker *w)
{
	if (w->tree)
		w->domain->ops->tree_close(w->tree);
	w->tree = NULL;
}

/* A COMMAND that removed its own tree: a new one is made. */
static void forget_lost_tree(struct worker *w)
{
	if (!w->tree || access(w->domain->ops->tree_path(w->tree), F_OK) == 0)
		return;
	close_tree(w);
}

static int update_tree(struct worker *w, struct br_err *err)
{
	int rc = open_tree(w, err);

	if (!rc)
		rc = w->domain->ops->tree_update(w->tree, w->text.label, w->order.fresh, err);
	return rc ? rc : put_stamp(w, err);
}

/* What cannot be removed (a mount that was left there) is put aside; `clean` removes it, or says what is wrong. */
static bool put_aside(struct worker *w)
{
	br_auto_free char *aside = br_asprintf("%s.%" PRIu64, w->dir, br_date_ns());

	return br_dir_remove(w->dir, NULL) == 0 || rename(w->dir, aside) == 0;
}

static int make_tree(struct worker *w, struct br_err *err)
{
	uint64_t start = br_now_ns();
	bool kept;
	int rc;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (engine_is_gone(w->fd)) /* died before the line above */
		_exit(0);
	forget_lost_tree(w);
	kept = !w->tree && access(w->dir, F_OK) == 0;
	rc = update_tree(w, err);
	if (rc && kept && is_host_error(err) && (!is_shortage(err->errnum) || err->errnum == EBUSY)) {
		close_tree(w);
		if (put_aside(w))
			rc = update_tree(w, err);
	}
	(void)prctl(PR_SET_PDEATHSIG, 0);
	if (!rc && w->domain->ops->tree_note && w->domain->ops->tree_note(w->tree))
		note(w, w->domain->ops->tree_note(w->tree));
	w->report.tree_made = !rc;
	w->report.outcome.setup_ns = br_now_ns() - start;
	return rc;
}

/* In a box it lies there, and goes with it. */
static int make_tmp(struct worker *w, struct br_err *err)
{
	int rc = is_boxed(w) ? 0 : br_dir_remove(w->tmp, err);

	if (is_boxed(w))
		return 0;
	if (!rc && mkdir(w->tmp, 0700) < 0)
		rc = br_fail_errno(err, "cannot make the folder %s", w->tmp);
	return rc;
}

/* Everything of one trial that the steps below share. */
enum { BUILD, COMMAND, NPROGRAM };

struct trial {
	const char *top;
	char *cwd;
	char *seen_top, *seen_cwd; /* the same as its programs see them: a box shows them elsewhere */
	char **argv, **env, **build_argv, **build_env;
	char *raw;		/* folder for raw profiles; NULL: not profiled */
	struct br_guard *guard; /* without a box; NULL: none */
	struct br_spawn program[NPROGRAM];
};

static bool enter(struct worker *w, const struct trial *t)
{
	struct stat st;
	char text[sizeof w->report.outcome.note];

	if (stat(t->cwd, &st) == 0 && S_ISDIR(st.st_mode))
		return true;
	end(w, BR_END_SETUP, 0);
	(void)snprintf(text, sizeof text, "the folder %s does not exist in this commit",
		       *w->spec->subdir ? w->spec->subdir : t->top);
	note(w, text);
	return false;
}

static int exit_code(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* A build is no verdict, however it fails. */
static void build_over_limit(struct worker *w, enum br_hit hit)
{
	static const char *const what[] = {"", "memory", "processes", "disk space"};

	end(w, BR_END_BUILD, 128 + SIGKILL);
	(void)snprintf(w->report.outcome.note, sizeof w->report.outcome.note,
		       "the build ran over the limit on %s", what[hit]);
}

/* Returns true when COMMAND may run. */
static bool build(struct worker *w, const struct trial *t)
{
	struct br_run_result res = {0};
	struct br_err err;

	if (!w->build)
		return true;
	if (br_run_program(&w->run, &t->program[BUILD], w->spec->build_timeout_ns, true, &res, &err) < 0) {
		end(w, BR_END_LOST, 0);
		note(w, err.msg);
		return false;
	}
	w->report.outcome.leftovers = res.leftovers;
	w->report.outcome.build_ns = res.wall_ns ? res.wall_ns : 1;
	if (res.stopped)
		end(w, BR_END_CANCELLED, 0);
	else if (res.timed_out)
		end(w, BR_END_BUILD_TIMEOUT, 0);
	else if (res.hit)
		build_over_limit(w, res.hit);
	else if (res.status)
		end(w, BR_END_BUILD, exit_code(res.status));
	return !res.stopped && !res.timed_out && !res.hit && !res.status;
}

static void not_started(struct worker *w, const struct br_err *err)
{
	if (is_shortage(err->errnum))
		end(w, BR_END_LOST, 0);
	else
		end(w, BR_END_EXEC, err->errnum);
	note(w, err->msg);
}

static uint64_t timeval_ns(struct timeval t)
{
	return (uint64_t)t.tv_sec * BR_NS_PER_S + (uint64_t)t.tv_usec * 1000;
}

static void fill(struct br_outcome *o, const struct br_run_result *res)
{
	o->wall_ns = res->wall_ns;
	o->user_ns = timeval_ns(res->usage.ru_utime);
	o->sys_ns = timeval_ns(res->usage.ru_stime);
	o->peak_rss_b = (uint64_t)res->usage.ru_maxrss * 1024; /* KiB; see spawn.c for how far it is exact */
	o->leftovers += res->leftovers;
	o->nframe = res->nframe;
	memcpy(o->frame, res->frame, sizeof o->frame);
}

/* A file beside the log; the caller frees. */
static char *path_beside(const struct worker *w, const char *suffix)
{
	return br_asprintf("%s/%" PRIu64 "%s", w->spec->log_dir, w->order.id, suffix);
}

static void over_limit(struct worker *w, enum br_hit hit)
{
	static const enum br_end how[] = {BR_END_LOST, BR_END_MEMORY, BR_END_PIDS, BR_END_DISK};

	end(w, how[hit], br_limits_is_own(&w->limits, hit));
}

/* What a short machine did to a test must not count against the candidate. */
static bool host_is_short(struct worker *w, int status)
{
	char what[64];

	if (!br_limits_host_is_short(&w->limits, status, what))
		return false;
	end(w, BR_END_LOST, 0);
	note(w, what);
	return true;
}

static void command(struct worker *w, const struct trial *t)
{
	uint64_t limit = w->order.timeout_ns;
	br_auto_free char *beside = path_beside(w, "");
	br_auto_free char *stacks = path_beside(w, ".stacks");
	struct br_crash crash = {0};
	struct br_run_result res = {.crash = &crash};
	struct br_err err;
	int rc;

	w->run.stacks = stacks;
	w->run.watch = w->order.watch;
	if (!w->order.watch && !w->order.profiled)
		w->run.telling.on = w->spec->stop_on;
	rc = br_run_program(&w->run, &t->program[COMMAND], limit, false, &res, &err);
	w->run.stacks = NULL;
	w->run.watch = false;
	if (rc < 0) {
		not_started(w, &err);
		return;
	}
	fill(&w->report.outcome, &res);
	if (res.stopped)
		end(w, BR_END_CANCELLED, 0);
	else if (res.timed_out)
		end(w, BR_END_TIMEOUT, (int)((limit + BR_NS_PER_S - 1) / BR_NS_PER_S));
	else if (res.hit)
		over_limit(w, res.hit);
	else if (res.at_line)
		end(w, BR_END_LINE, 0);
	else if (host_is_short(w, res.status))
		return;
	else if (WIFSIGNALED(res.status))
		end(w, BR_END_SIGNAL, WTERMSIG(res.status));
	else
		end(w, BR_END_EXIT, WEXITSTATUS(res.status));
	if (res.crashed)
		br_stacks_keep(&crash, beside, w->spec->keep_core, &w->report.outcome);
}

static bool open_box(struct worker *w, const struct trial *t)
{
	struct br_sandbox_job job = {
		.spec = w->spec,
		.tree = t->top,
		.input = w->text.input,
		.raw = t->raw,
		.program = t->program,
		.nprogram = NPROGRAM,
		.limits = &w->limits,
	};
	struct br_err err;

	if (!is_boxed(w) || br_sandbox_open(&w->run.ns, &job, &err) == 0)
		return true;
	end(w, BR_END_LOST, 0); /* the machine's doing, never the candidate's */
	note(w, err.msg);
	return false;
}

static void steps(struct worker *w, const struct trial *t)
{
	struct br_err err;

	if (!enter(w, t) || !open_box(w, t))
		return;
	if (w->build && put_placed(w, true, &err) < 0) {
		end_by_error(w, &err);
		return;
	}
	if (!build(w, t))
		return;
	if (put_placed(w, false, &err) < 0)
		end_by_error(w, &err);
	else if (!br_run_go_on(&w->run))
		end(w, BR_END_CANCELLED, 0);
	else if (enter(w, t)) /* the build may have removed it */
		command(w, t);
}

static int open_log(struct worker *w, struct br_err *err)
{
	br_auto_free char *path = path_beside(w, w->order.watch ? ".replay.log" : ".log");
	int rc = br_log_open(&w->run.log, path, w->spec->head_b, w->spec->tail_b, err);

	w->report.logged = !rc;
	return rc;
}

static void set_programs(struct worker *w, struct trial *t)
{
	br_strv_add(&t->build_argv, "/bin/sh");
	br_strv_add(&t->build_argv, "-c");
	br_strv_add(&t->build_argv, w->build ? w->build : ":");
	for (int i = 0; i < NPROGRAM; i++)
		t->program[i] = (struct br_spawn){.argv = i == BUILD ? t->build_argv : t->argv,
						  .env = i == BUILD ? t->build_env : t->env,
						  .cwd = t->seen_cwd,
						  .in_fd = -1,
						  .out_fd = w->run.pipe[1],
						  .err_fd = w->run.pipe[1],
						  .new_session = true,
						  .die_with_parent = true,
						  .guard = t->guard};
}

static int make_fence(const struct worker *w, struct trial *t, struct br_err *err)
{
	const struct br_fence_job job = {
		.spec = w->spec, .tree = t->top, .tmp = w->tmp, .input = w->text.input, .raw = t->raw};

	return w->spec->box.level == BR_LEVEL_LANDLOCK ? br_fence_open(&t->guard, &job, err) : 0;
}

/* COMMAND alone is profiled, not the build. */
static int wrap(struct worker *w, struct trial *t, struct br_err *err)
{
	br_auto_free char *shared = br_asprintf("%s/shared", w->spec->wrap->dir);
	struct br_wrap_places at = {.raw = BR_SANDBOX_RAW, .shared = BR_SANDBOX_SHARED};
	int rc;

	t->raw = br_asprintf("%s/%" PRIu64, w->spec->wrap->dir, w->order.id);
	rc = br_dir_make(t->raw, err);
	if (!is_boxed(w))
		at = (struct br_wrap_places){.raw = t->raw, .shared = shared};
	br_command_wrap(w->spec->wrap, &at, &t->argv, &t->env);
	return rc;
}

static int prepare(struct worker *w, struct trial *t, struct br_err *err)
{
	const char *sub = w->spec->subdir, *seen_input;
	int rc = make_tmp(w, err);

	if (!rc)
		rc = open_log(w, err);
	if (!rc)
		rc = br_run_init(&w->run, err);
	if (rc)
		return rc;
	t->top = w->domain->ops->tree_path(w->tree);
	t->seen_top = is_boxed(w) ? br_sandbox_top(w->spec, t->top) : br_strdup(t->top);
	t->cwd = br_asprintf("%s%s%s", t->top, *sub ? "/" : "", sub);
	t->seen_cwd = br_asprintf("%s%s%s", t->seen_top, *sub ? "/" : "", sub);
	seen_input = w->text.input && is_boxed(w) ? br_sandbox_input() : w->text.input;
	rc = br_command_argv(&t->argv, w->spec,
			     &(struct br_command_candidate){.tree = t->seen_top,
							    .bare = w->order.profiled || w->order.watch,
							    .value = w->text.value,
							    .input = w->text.input,
							    .seen_input = seen_input},
			     err);
	if (rc)
		return rc;
	t->env = br_command_env(w->spec,
				&(struct br_command_facts){.label = w->text.label,
							   .id = w->order.id,
							   .worker = w->slot,
							   .tmp = is_boxed(w) ? br_sandbox_tmp() : w->tmp,
							   .cwd = t->seen_cwd});
	t->build_env = br_strv_copy(t->env);
	if (w->order.profiled && w->spec->wrap)
		rc = wrap(w, t, err);
	if (rc)
		return rc;
	if (w->order.watch) {
		char **words = br_stacks_stopped_argv(t->argv, w->spec->keep_core);

		br_strv_free(t->argv);
		t->argv = words;
	}
	rc = make_fence(w, t, err);
	if (rc)
		return rc;
	set_programs(w, t);
	return 0;
}

/* Leaves nothing of the trial: no process, no file of ours in the tree. A log that could not be kept makes
 * the outcome worthless. */
static void clean_up(struct worker *w, struct trial *t)
{
	struct br_outcome *o = &w->report.outcome;
	/* of a build that did not come to COMMAND */
	uint32_t more = br_tree_kill(NULL, w->run.ns ? br_ns_pid(w->run.ns) : 0, NULL);
	struct br_err err;

	o->leftovers += more;
	br_ns_close(br_steal(&w->run.ns));
	if (br_log_close(br_steal(&w->run.log), &o->output_b, &o->omitted_b, &err) < 0)
		end_by_error(w, &err);
	br_run_done(&w->run);
	remove_placed(w);
	if (!is_boxed(w))
		(void)br_dir_remove(w->tmp, NULL); /* the next trial's make_tmp says so */
	br_guard_close(t->guard);
	free(t->cwd);
	free(t->seen_top);
	free(t->seen_cwd);
	free(t->raw);
	br_strv_free(t->build_argv);
	br_strv_free(t->build_env);
	br_strv_free(t->argv);
	br_strv_free(t->env);
}

static void run_trial(struct worker *w)
{
	struct trial t = {0};
	struct br_err err;

	if (!br_run_go_on(&w->run)) {
		end(w, BR_END_CANCELLED, 0);
		return;
	}
	end(w, BR_END_EXIT, 0);
	if (!w->spec->argv)
		return;
	br_limits_begin(&w->limits, w->domain->ops->tree_path(w->tree));
	if (prepare(w, &t, &err) < 0)
		end_by_error(w, &err);
	else
		steps(w, &t);
	clean_up(w, &t);
}

static void do_job(struct worker *w)
{
	struct br_err err;

	memset(&w->report, 0, sizeof w->report);
	w->report.id = w->order.id;
	w->report.outcome.worker = w->slot;
	w->report.outcome.limit_ns = w->order.timeout_ns;
	(void)snprintf(w->report.outcome.sandbox, sizeof w->report.outcome.sandbox, "%s",
		       br_level_name(w->spec->box.level));
	w->run.id = w->order.id;
	w->run.cancelled = false;
	if (make_tree(w, &err) < 0) {
		end_by_error(w, &err);
	} else {
		send_report(w, BR_WIRE_RUNNING);
		run_trial(w);
	}
	send_report(w, BR_WIRE_DONE);
}

/* Returns false when the engine is gone. */
static bool next_job(struct worker *w)
{
	for (;;) {
		ssize_t n = recv(w->fd, &w->order, sizeof w->order, 0);

		if (n < 0 && (errno == EINTR || errno == ECONNRESET))
			continue;
		if (n <= 0)
			return false;
		memset(w->order_bytes + n, 0, 4); /* ends the texts whatever came */
		w->text = br_wire_get(&w->order);
		if (w->order.kind == BR_WIRE_JOB)
			return true;
		if (w->order.kind == BR_WIRE_PAUSE || w->order.kind == BR_WIRE_CONTINUE)
			br_run_set_paused(&w->run, w->order.kind == BR_WIRE_PAUSE);
		/* a cancel that crossed our report: too late */
	}
}

static void set_up(struct worker *w, const struct br_worker_cfg *cfg, int fd)
{
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	char name[16];

	w->spec = cfg->spec;
	w->domain = cfg->domain;
	w->slot = cfg->slot;
	w->engine = getppid();
	w->fd = w->run.orders = fd;
	w->run.grace_ns = cfg->spec->grace_ns;
	w->dir = br_asprintf("%s/%u", cfg->spec->work_dir, cfg->slot);
	w->tmp = br_asprintf("%s/tmp", w->dir);
	w->journal = br_asprintf("%s/placed", w->dir);
	w->build_journal = br_asprintf("%s/placed-for-build", w->dir);
	w->stamp = br_asprintf("%s/basis", w->dir);
	w->build = br_strdup_or_null(cfg->spec->build);
	(void)snprintf(name, sizeof name, "bisect-run:%u", cfg->slot % 1000);
	(void)prctl(PR_SET_NAME, name);
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	(void)sigaction(SIGPIPE, &ignore, NULL);
	br_limits_open(&w->limits, &cfg->spec->box, cfg->place, cfg->slot);
	w->run.limits = &w->limits;
	(void)sigaction(SIGXFSZ, &ignore, NULL); /* a file size limit makes the log's write fail, not us */
}

int br_worker_body(void *arg, int fd)
{
	struct worker *w = br_calloc(1, sizeof *w);

	set_up(w, arg, fd);
	while (next_job(w))
		do_job(w);
	close_tree(w);
	if (getppid() != w->engine) /* else it removes the group when we are gone, which is quicker */
		br_limits_close(&w->limits);
	free(w->dir);
	free(w->tmp);
	free(w->journal);
	free(w->build_journal);
	free(w->stamp);
	free(w->build);
	free(w);
	return 0;
}
