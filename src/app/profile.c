/* profile.c - one trial under a profiler's hook. Whatever the hook does, the verdict is the plain trial's. */
#include "app/profile.h"

#include "app/session.h"
#include "base/mem.h"
#include "base/text.h"
#include "bisect_run/err.h"
#include "domain/repo.h"
#include "sys/file.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
	PROBE_MS = 20000,
	COLLECT_MS = 300000,
	WORDS_MAX = 256,
	ANSWER_B = 1 << 16,
	SLOWER = 100, /* so much more time than the plain trial's limit is left to a profiled one */
};
#define COLLECT_B ((size_t)256 << 20)

void br_profiling_done(struct br_profiling *p)
{
	free(p->name);
	free(p->dir);
	br_strv_free(p->prefix);
	br_strv_free(p->env);
	*p = (struct br_profiling){0};
}

/* ---- questions to the hook ---- */

struct question {
	const char *verb, *name;
	const char *cwd; /* NULL: ours */
	char **extra;	 /* variables besides the trial's */
	int limit_ms;
	size_t max_b;
};

static int ask(struct br_session *s, const struct question *q, char **out, size_t *n, struct br_err *err)
{
	br_auto_strv char **args = NULL;
	br_auto_strv char **env = br_strv_copy(s->env);
	struct br_hook_call call = {.kind = "profile",
				    .name = q->name,
				    .cwd = q->cwd,
				    .limit_ms = q->limit_ms,
				    .max_b = q->max_b};
	int rc;

	br_strv_add(&args, q->verb);
	for (size_t i = 0; s->opt->argv && s->opt->argv[i]; i++)
		br_strv_add(&args, s->opt->argv[i]);
	for (size_t i = 0; q->extra && q->extra[i]; i++)
		br_strv_add(&env, q->extra[i]);
	call.args = args;
	call.env = env;
	rc = br_hooks_ask(s->hooks, &call, out, n, err);
	return rc > 0 ? BR_ESTATE : rc; /* err has its exit status and its last words */
}

static void add_variable(char ***env, const char *name, const char *value)
{
	br_auto_free char *entry = br_asprintf("%s=%s", name, value);

	br_strv_add(env, entry);
}

static int probe(struct br_session *s, const char *name, struct br_err *err)
{
	br_auto_strv char **extra = NULL;
	struct question q = {.verb = "probe", .name = name, .limit_ms = PROBE_MS, .max_b = ANSWER_B};
	bool closed = s->spec.box.level != BR_LEVEL_NONE && !(s->spec.box.doors & BR_DOOR_PERF);
	br_auto_free char *out = NULL;
	size_t n;

	add_variable(&extra, "BISECT_RUN_PROFILE_COUNTERS", closed ? "closed" : "open");
	q.extra = extra;
	return ask(s, &q, &out, &n, err);
}

/* "word W" and "env K=V" lines. */
static int read_wrap(struct br_profiling *p, const char *answer, struct br_err *err)
{
	size_t words = 0;

	for (const char *at = answer; *at;) {
		size_t n = strcspn(at, "\n");
		br_auto_free char *line = br_strndup(at, n);

		if (strncmp(line, "word ", 5) == 0)
			br_strv_add(&p->prefix, line + 5);
		else if (strncmp(line, "env ", 4) == 0 && strchr(line + 4, '=') > line + 4)
			br_strv_add(&p->env, line + 4);
		else if (*line)
			return br_fail(
				err, BR_EPARSE,
				"hook profile-%s: `wrap` answered what is neither `word W` nor `env K=V`",
				p->name);
		if (++words > WORDS_MAX)
			return br_fail(err, BR_EPARSE, "hook profile-%s: `wrap` answered too many lines",
				       p->name);
		at += n + (at[n] == '\n');
	}
	return 0;
}

static int ask_wrap(struct br_session *s, struct br_profiling *p, struct br_err *err)
{
	br_auto_free char *shared = br_asprintf("%s/shared", p->dir);
	br_auto_strv char **extra = NULL;
	br_auto_free char *answer = NULL;
	struct question q = {.verb = "wrap", .name = p->name, .limit_ms = PROBE_MS, .max_b = ANSWER_B};
	size_t n;
	int rc = br_dir_make(shared, err);

	if (rc < 0)
		return rc;
	add_variable(&extra, "BISECT_RUN_PROFILE_SHARED", shared);
	q.extra = extra;
	rc = ask(s, &q, &answer, &n, err);
	return rc < 0 ? rc : read_wrap(p, answer, err);
}

/* ---- which one ---- */

static bool is_there(const struct br_session *s, const char *name)
{
	br_auto_strv char **names = br_hooks_names(s->hooks, "profile");

	for (size_t i = 0; names[i]; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* What suits the command, else a sampler, else a counter: the first of them that works here. NULL: none does. */
static const char *choose(struct br_session *s)
{
	const char *const names[] = {br_profiler_for(s->opt->argv, s->cwd), "perf", "callgrind"};
	struct br_err err = {0};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (names[i] && is_there(s, names[i]) && probe(s, names[i], &err) == 0)
			return names[i];
	br_session_note(s, "no profiler can be used here: %s", err.msg);
	return NULL;
}

int br_profiling_check(const struct br_session *s, struct br_err *err)
{
	br_auto_strv char **names = br_hooks_names(s->hooks, "profile");
	br_auto_free char *all = br_shell_join(names);
	const char *name = s->opt->profile;

	if (!name || strcmp(name, "none") == 0 || strcmp(name, "auto") == 0 || is_there(s, name))
		return 0;
	return br_fail(err, BR_EUSAGE, "--profile: there is no hook profile-%s\nwrite one of auto none %s",
		       name, all);
}

/* The one that is to be used; NULL: none can be. */
static const char *usable(struct br_session *s)
{
	const char *name = s->opt->profile;
	struct br_err why = {0};

	if (!name || strcmp(name, "none") == 0 || !s->spec.argv)
		return NULL;
	if (strcmp(name, "auto") == 0)
		return choose(s);
	if (probe(s, name, &why) == 0)
		return name;
	br_session_note(s, "not profiled: %s", why.msg);
	return NULL;
}

void br_profiling_open(struct br_session *s)
{
	struct br_profiling *p = &s->profiling;
	const char *name = usable(s);
	struct br_err why = {0};

	if (!name)
		return;
	p->name = br_strdup(name);
	p->dir = br_asprintf("%s/profiles/%lld", s->state_dir, (long long)s->row.id);
	if (ask_wrap(s, p, &why) < 0) {
		br_session_note(s, "not profiled: %s", why.msg);
		br_profiling_done(p);
		return;
	}
	p->wrap = (struct br_wrap){.prefix = p->prefix, .env = p->env, .dir = p->dir};
	s->spec.wrap = &p->wrap;
}

/* ---- collecting ---- */

/* The tree as it lies outside of any sandbox. */
static char *tree_of(const struct br_session *s, const struct br_trial *t)
{
	return s->bad ? br_asprintf("%s/%" PRIu32 "/tree", s->pool.dir, t->outcome.worker)
		      : br_strdup(s->cwd);
}

/* The test could write there too: a link of its own would lead us elsewhere, a pipe would hold us up. */
static void export_one(const char *dir, const char *name, char *text)
{
	br_auto_free char *path = br_asprintf("%s/%s", dir, name);

	if (br_dir_remove(path, NULL) == 0) /* a convenience: the table is in the record */
		(void)br_file_write(path, text, strlen(text), NULL);
	free(text);
}

static void export_all(const struct br_profile *p)
{
	export_one(p->raw, "profile.txt", br_profile_text(p, BR_SORT_SELF, 0));
	export_one(p->raw, "profile.json", br_profile_json(p));
	export_one(p->raw, "profile.folded", br_profile_folded(p));
	export_one(p->raw, "profile.speedscope.json", br_profile_speedscope(p));
	export_one(p->raw, "profile.callgrind", br_profile_callgrind(p));
}

static int read_answer(struct br_session *s, const char *tree, const char *raw, struct br_profile *out,
		       struct br_err *err)
{
	const char *seen = s->repo ? br_repo_workdir(s->repo) : NULL;
	br_auto_strv char **extra = NULL;
	br_auto_free char *answer = NULL;
	br_auto_fd int dir_fd = open(raw, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct question q = {.verb = "collect",
			     .name = s->profiling.name,
			     .cwd = raw,
			     .limit_ms = COLLECT_MS,
			     .max_b = COLLECT_B};
	const char *prefix[3] = {tree, seen, NULL};
	struct br_profile_cfg cfg = {.profiler = s->profiling.name, .dir_fd = dir_fd, .prefix = prefix};
	size_t n;
	int rc;

	if (dir_fd < 0)
		return br_fail_errno(err, "cannot open %s", raw);
	add_variable(&extra, "BISECT_RUN_PROFILE_DIR", raw);
	add_variable(&extra, "BISECT_RUN_PROFILE_TREE", tree);
	add_variable(&extra, "BISECT_RUN_PROFILE_SEEN", seen ? seen : tree);
	q.extra = extra;
	rc = ask(s, &q, &answer, &n, err);
	return rc < 0 ? rc : br_profile_read(out, answer, n, &cfg, err);
}

static int collect(struct br_session *s, const struct br_trial *t, struct br_profile *out, struct br_err *err)
{
	br_auto_free char *tree = tree_of(s, t);
	br_auto_free char *raw = br_asprintf("%s/%" PRIu64, s->profiling.dir, t->n);
	int rc = read_answer(s, tree, raw, out, err);

	if (rc < 0)
		return rc;
	out->raw = br_steal(&raw);
	export_all(out);
	for (size_t i = 0; out->note && out->note[i]; i++)
		br_session_note(s, "profile: %s", out->note[i]);
	return 0;
}

/* ---- the trial ---- */

/* How the plain trial of this candidate ended; NULL: there was none. */
static const struct br_trial *plain_trial(const struct br_session *s, const struct br_trial *profiled)
{
	for (size_t i = s->ntrial; i-- > 0;)
		if (s->trial[i].phase != BR_PHASE_PROFILE && strcmp(s->trial[i].item, profiled->item) == 0)
			return &s->trial[i];
	return NULL;
}

static void compare_ends(struct br_session *s, const struct br_trial *t)
{
	const struct br_trial *plain = plain_trial(s, t);

	if (plain && plain->outcome.end == BR_END_LINE) /* a profiled trial goes on behind it */
		return;
	if (plain && (plain->outcome.end != t->outcome.end || plain->outcome.code != t->outcome.code))
		br_session_note(
			s,
			"under the profiler %s it ended otherwise (%s, not %s): the profile may not show "
			"what the verdict is about",
			s->profiling.name, t->verdict.why, plain->verdict.why);
}

static int ask_trial(struct br_session *s, const struct br_question *plain, size_t *at, struct br_err *err)
{
	struct br_question q = *plain;
	uint64_t limit_ns = s->limit_ns;
	int rc;

	q.phase = BR_PHASE_PROFILE;
	q.role = BR_ROLE_OTHER;
	s->limit_ns = limit_ns > UINT64_MAX / SLOWER ? 0 : limit_ns * SLOWER;
	rc = br_session_ask(s, &q, 1, at, err);
	s->limit_ns = limit_ns;
	return rc;
}

int br_profile_trial(struct br_session *s, const struct br_question *q, struct br_profile *out,
		     struct br_err *err)
{
	struct br_err why = {0};
	size_t at;
	int rc;

	if (!s->profiling.name)
		return 0;
	rc = ask_trial(s, q, &at, &why);
	if (rc == BR_EINTR) {
		*err = why;
		return rc;
	}
	if (rc == 0) {
		compare_ends(s, &s->trial[at]);
		rc = collect(s, &s->trial[at], out, &why);
	}
	if (rc < 0)
		br_session_note(s, "no profile: %s", why.msg);
	return rc == 0;
}
