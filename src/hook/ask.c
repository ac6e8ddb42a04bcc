/* ask.c - hooks that answer: profilers. What they print is capped, and nothing that they start outlives the question. */
#include "hook/private.h"

#include "base/mem.h"
#include "bisect_run/err.h"
#include "sys/clock.h"
#include "sys/tree.h"

#include <string.h>
#include <sys/prctl.h>

/* A user's own hook comes later than the program's of the same name, and wins. */
static const struct br_hook *find(const struct br_hooks *h, const char *kind, const char *name)
{
	for (size_t i = h->n; i-- > 0;)
		if (strcmp(h->hook[i].kind, kind) == 0 && strcmp(h->hook[i].name, name) == 0)
			return &h->hook[i];
	return NULL;
}

char **br_hooks_names(const struct br_hooks *h, const char *kind)
{
	char **names = br_calloc(1, sizeof *names);

	for (size_t i = 0; i < h->n; i++)
		if (&h->hook[i] == find(h, kind, h->hook[i].name))
			br_strv_add(&names, h->hook[i].name);
	return names;
}

/* What must stay alive when a hook's processes are killed, and whether orphans came to us before. */
struct guard {
	pid_t *child;
	struct br_tree_keep keep;
	int was_reaper;
};

/* Orphans of the hook become ours, whatever session they hide in. */
static void guard_begin(struct guard *g)
{
	g->was_reaper = 0;
	(void)prctl(PR_GET_CHILD_SUBREAPER, &g->was_reaper);
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	g->keep.n = br_tree_children(&g->child);
	g->keep.pid = g->child;
}

static void guard_end(struct guard *g, pid_t hook)
{
	(void)br_tree_kill(&g->keep, hook, NULL);
	free(g->child);
}

static void guard_done(const struct guard *g)
{
	(void)prctl(PR_SET_CHILD_SUBREAPER, g->was_reaper);
}

static int over(const struct br_hook *hook, const struct br_hook_call *c, const struct br_hook_run *r,
		struct br_err *err)
{
	if (r->out.cut)
		return br_fail(err, BR_ESYS, "hook %s was killed: it answered more than %zu bytes",
			       hook->path, c->max_b);
	return br_fail(err, BR_ESYS, "hook %s was killed: it ran for more than %d ms", hook->path,
		       c->limit_ms);
}

static int run(const struct br_hook *hook, const struct br_hook_call *c, struct br_hook_run *r,
	       struct br_err *err)
{
	br_auto_strv char **env = br_hook_environment(c->env, c->kind);
	const struct br_hook_start start = {
		.hook = hook, .args = c->args, .env = env, .cwd = c->cwd, .in_fd = -1, .listen = true};
	struct guard g;
	bool in_time;
	int status, rc;

	guard_begin(&g);
	rc = br_hook_start(&start, r, err);
	if (rc < 0) {
		free(g.child);
		guard_done(&g);
		return rc;
	}
	r->deadline_ns = br_now_ns() + (uint64_t)c->limit_ms * BR_NS_PER_MS;
	in_time = br_hook_wait(r);
	guard_end(&g, r->pid);
	status = br_hook_finish(r);
	guard_done(&g);
	if (!in_time || r->out.cut)
		return over(hook, c, r, err);
	return br_hook_told(hook, r, status, err);
}

int br_hooks_ask(const struct br_hooks *h, const struct br_hook_call *call, char **out, size_t *n,
		 struct br_err *err)
{
	const struct br_hook *hook = h ? find(h, call->kind, call->name) : NULL;
	struct br_hook_run r = {.pidfd = -1, .out = {.max = call->max_b}};
	int rc;

	if (!hook)
		return br_fail(err, BR_ENOTFOUND, "there is no hook %s-%s", call->kind, call->name);
	rc = run(hook, call, &r, err);
	if (rc < 0) {
		br_buf_done(&r.out);
		return rc;
	}
	*n = r.out.len;
	*out = br_buf_take(&r.out);
	return rc;
}
