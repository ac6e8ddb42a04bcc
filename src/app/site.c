/* site.c - what a worker does for a trial, done once and on the user's terminal. */
#include "app/site.h"

#include "base/mem.h"
#include "bisect_run/err.h"
#include "exec/command.h"
#include "exec/place.h"
#include "exec/sandbox.h"
#include "sys/file.h"
#include "sys/ns.h"
#include "sys/tree.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { TICK_MS = 200 };

static bool is_boxed(const struct br_site *p)
{
	return p->s->spec.box.level == BR_LEVEL_NAMESPACES;
}

static int make_tree(struct br_site *p, struct br_err *err)
{
	struct br_domain *d = p->s->trees;
	int rc = br_dir_remove(p->dir, err);

	if (!rc)
		rc = br_dir_make(p->tmp, err);
	if (!rc)
		rc = d->ops->tree_open(d, p->dir, &p->tree, err);
	if (!rc)
		rc = d->ops->tree_update(p->tree, br_session_place(p->s), true, err);
	if (!rc && d->ops->tree_note && d->ops->tree_note(p->tree))
		fprintf(stderr, "note: %s\n", d->ops->tree_note(p->tree));
	return rc;
}

static int make_words(struct br_site *p, struct br_err *err)
{
	const struct br_run_spec *spec = &p->s->spec;
	const char *sub = spec->subdir;
	int rc;

	p->top = p->s->trees->ops->tree_path(p->tree);
	p->seen_top = is_boxed(p) ? br_sandbox_top(spec, p->top) : br_strdup(p->top);
	p->cwd = br_asprintf("%s%s%s", p->top, *sub ? "/" : "", sub);
	p->seen_cwd = br_asprintf("%s%s%s", p->seen_top, *sub ? "/" : "", sub);
	rc = br_command_argv(&p->argv, spec,
			     &(struct br_command_candidate){.tree = p->seen_top, .bare = true}, err);
	if (rc < 0)
		return rc;
	p->env = br_command_env(spec,
				&(struct br_command_facts){.label = br_session_place(p->s),
							   .id = 1,
							   .tmp = is_boxed(p) ? br_sandbox_tmp() : p->tmp,
							   .cwd = p->seen_cwd});
	return 0;
}

int br_site_open(struct br_site *p, struct br_session *s, struct br_err *err)
{
	int rc;

	*p = (struct br_site){.s = s, .pidfd = -1};
	p->dir = br_asprintf("%s/debug", s->spec.work_dir);
	p->tmp = br_asprintf("%s/tmp", p->dir);
	p->journal = br_asprintf("%s/placed", p->dir);
	p->build_journal = br_asprintf("%s/placed-for-build", p->dir);
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	rc = make_tree(p, err);
	return rc < 0 ? rc : make_words(p, err);
}

static void set_programs(struct br_site *p, char *const *main_argv)
{
	br_strv_add(&p->build, "/bin/sh");
	br_strv_add(&p->build, "-c");
	br_strv_add(&p->build, p->s->spec.build ? p->s->spec.build : ":");
	for (int i = 0; i < BR_SITE_PROGRAMS; i++)
		p->program[i] =
			(struct br_spawn){.argv = i == BR_SITE_BUILD ? p->build : main_argv,
					  .env = p->env,
					  .cwd = p->seen_cwd,
					  .in_fd = i == BR_SITE_BUILD ? -1 : STDIN_FILENO,
					  .out_fd = i == BR_SITE_BUILD ? STDERR_FILENO : STDOUT_FILENO,
					  .err_fd = STDERR_FILENO,
					  .die_with_parent = true};
}

static int start(struct br_site *p, int which, struct br_err *err)
{
	if (!p->ns)
		return br_spawn(&p->program[which], &p->pid, &p->pidfd, err);
	p->pid = br_ns_pid(p->ns);
	p->pidfd = br_ns_fd(p->ns);
	return br_ns_spawn(p->ns, &p->program[which], err);
}

bool br_site_ended(struct br_site *p, int *status)
{
	struct br_ns_exit end = {0};

	if (p->ns) {
		int told = br_ns_ended(p->ns, &end, NULL);

		*status = told < 0 ? SIGKILL : end.status;
		return told != 0;
	}
	if (!br_child_has_ended(p->pid))
		return false;
	while (waitpid(p->pid, status, 0) < 0 && errno == EINTR)
		;
	br_cleanup_fd(&p->pidfd);
	p->pidfd = -1;
	return true;
}

int br_site_wait(struct br_site *p)
{
	struct pollfd poller = {.fd = p->pidfd, .events = POLLIN};
	int status = 0;

	while (!br_site_ended(p, &status))
		(void)poll(&poller, 1, TICK_MS);
	return status;
}

static int build(struct br_site *p, struct br_err *err)
{
	int rc, status;

	if (!p->s->spec.build)
		return 0;
	fprintf(stderr, "building: %s\n", p->s->spec.build);
	rc = br_placed_put(&p->s->spec, true, p->top, p->build_journal, err);
	if (!rc)
		rc = start(p, BR_SITE_BUILD, err);
	if (rc < 0)
		return rc;
	status = br_site_wait(p);
	return status == 0 ? 0
			   : br_fail(err, BR_ESTATE, "--build failed (%s %d)",
				     WIFSIGNALED(status) ? "signal" : "exit",
				     WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

int br_site_start(struct br_site *p, char *const *main_argv, struct br_err *err)
{
	const struct br_sandbox_job job = {
		.spec = &p->s->spec, .tree = p->top, .program = p->program, .nprogram = BR_SITE_PROGRAMS};
	int rc = 0;

	set_programs(p, main_argv);
	if (is_boxed(p))
		rc = br_sandbox_open(&p->ns, &job, err);
	if (!rc)
		rc = build(p, err);
	if (!rc)
		rc = br_placed_put(&p->s->spec, false, p->top, p->journal, err);
	return rc < 0 ? rc : start(p, BR_SITE_MAIN, err);
}

void br_site_close(struct br_site *p)
{
	bool private = p->top && strncmp(p->top, p->dir, strlen(p->dir)) == 0;

	if (!p->s)
		return;
	(void)br_tree_kill(NULL, p->ns ? br_ns_pid(p->ns) : 0, NULL);
	if (!p->ns)
		br_cleanup_fd(&p->pidfd);
	br_ns_close(p->ns);
	if (p->top && !private) {
		br_placed_remove(p->top, p->journal);
		br_placed_remove(p->top, p->build_journal);
	}
	if (p->tree)
		p->s->trees->ops->tree_close(p->tree);
	(void)br_dir_remove(p->dir, NULL);
	free(p->dir);
	free(p->tmp);
	free(p->journal);
	free(p->build_journal);
	free(p->seen_top);
	free(p->cwd);
	free(p->seen_cwd);
	br_strv_free(p->argv);
	br_strv_free(p->env);
	br_strv_free(p->build);
	*p = (struct br_site){0};
}
