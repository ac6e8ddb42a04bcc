/* session.c - opening and closing all that one search needs. */
#include "app/session.h"

#include "app/env_pair.h"
#include "app/environment.h"
#include "app/flight.h"
#include "app/jobs.h"
#include "app/metric.h"
#include "app/parts.h"
#include "app/pool.h"
#include "app/signals.h"
#include "base/buf.h"
#include "app/hooks.h"
#include "base/mem.h"
#include "base/text.h"
#include "bisect_run/err.h"
#include "bisect_run/profile_diff.h"
#include "bisect_run/reduce.h"
#include "domain/patch.h"
#include "domain/repo.h"
#include "sys/clock.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* From SIGTERM to SIGKILL at a timeout. */
#define GRACE_NS (2 * 1000000000ull)
/* Kept of a trial's output: enough for any report, little enough for a thousand trials. */
#define LOG_HEAD_B (4ull << 20)
#define LOG_TAIL_B (4ull << 20)
/* Of a candidate that is no commit. */
enum { TITLE_MAX = 48 };

void br_session_note(struct br_session *s, const char *fmt, ...)
{
	br_auto_free char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	if (!text)
		return;
	for (size_t i = 0; s->note && s->note[i]; i++)
		if (strcmp(s->note[i], text) == 0)
			return;
	br_strv_add(&s->note, text);
	br_progress_say(s->progress, "note: %s", text);
}

void br_session_message(struct br_session *s, char *message)
{
	free(s->row.message);
	s->row.message = message;
}

uint64_t br_session_busy_ns(const struct br_session *s)
{
	return s->busy_before_ns + (br_now_ns() - s->started_ns) - s->paused_ns;
}

char *br_session_short(struct br_session *s, const char *oid)
{
	struct br_commit_info info;
	char *out;

	if (!s->repo || br_repo_commit_info(s->repo, oid, false, &info, NULL) < 0)
		return br_strndup(oid, 12);
	out = br_strdup(info.short_oid);
	br_commit_info_done(&info);
	return out;
}

/* The key of an input is a hash; a set may be long. */
static char *title_of_other(const char *item)
{
	size_t n = strlen(item);

	if (n == BR_REDUCE_KEY && strspn(item, "0123456789abcdef") == n)
		return br_strndup(item, 8);
	return n <= TITLE_MAX ? br_strdup(item) : br_asprintf("%.*s...", TITLE_MAX - 3, item);
}

char *br_session_title(struct br_session *s, const char *oid)
{
	struct br_commit_info info;
	char *out;

	if (!s->repo || br_repo_commit_info(s->repo, oid, false, &info, NULL) < 0)
		return title_of_other(oid);
	out = br_asprintf("%s %s", info.short_oid, info.subject);
	br_commit_info_done(&info);
	return out;
}

static int open_judge(struct br_session *s, struct br_err *err)
{
	const struct br_options *o = s->opt;
	struct br_judge_cfg cfg = {
		.bad_if = (const char *const *)o->bad_if,
		.good_if = (const char *const *)o->good_if,
		.skip_if = (const char *const *)o->skip_if,
		.metric = o->metric,
		.limit = o->limit,
		.stop_on = (const char *const *)o->stop_on,
		.strict_git = o->strict_git,
		.bad_if_defect = o->bad_if_defect,
		.timeout_is_skip = o->timeout_is_skip,
	};

	int r = br_judge_open(&s->judge, &cfg, err);

	s->stop_on = (struct br_stop_on){.tells = br_judge_tells, .arg = s->judge};
	return r;
}

static int open_repo(struct br_session *s, struct br_err *err)
{
	int r = br_repo_open(&s->repo, s->cwd, err);

	/* Without a revision no repository is needed. */
	if (r < 0 && !br_options_has_commits(s->opt) && !br_revisions_only(s->opt)) {
		s->repo = NULL;
		return 0;
	}
	return r;
}

static void say_named(struct br_session *s)
{
	for (size_t i = 0; i < s->named.nfile; i++)
		br_session_note(s, "%s is not in the history: your own copy is used in trees that lack it",
				s->named.file[i].target);
}

/* The text has this path as a whole, not as the beginning of a longer name. */
static bool has_path(const char *text, const char *path)
{
	size_t n = strlen(path);

	for (const char *p = strstr(text, path); p; p = strstr(p + n, path))
		if (p[n] == '\0' || strchr("/:;,\"' \t\n)&|", p[n]))
			return true;
	return false;
}

/*
 * Below namespaces the private tree lies elsewhere: what names the user's checkout by its path reads the user's
 * files, whatever the candidate. Words of argv that begin with it are led to the private tree.
 */
static void note_checkout_paths(struct br_session *s)
{
	const char *root = s->repo ? br_repo_workdir(s->repo) : NULL;
	const char *where = NULL;

	if (!root || !s->bad || s->spec.box.level == BR_LEVEL_NAMESPACES)
		return;
	for (size_t i = 0; s->spec.argv && s->spec.argv[i]; i++)
		if (has_path(s->spec.argv[i], root) && strncmp(s->spec.argv[i], root, strlen(root)) != 0)
			where = "COMMAND";
	if (s->spec.build && has_path(s->spec.build, root))
		where = "--build";
	for (size_t i = 0; s->env[i] && !where; i++)
		if (has_path(s->env[i], root))
			where = "the environment";
	if (where)
		br_session_note(s,
				"%s names your own checkout (%s): what is read there is yours, not the "
				"candidate's; use "
				"relative paths, or a sandbox",
				where, root);
}

/* Of which a throw-away view is made where there is no revision: all of the checkout, so that what lies above is there too. */
static const char *view_of(const struct br_session *s)
{
	const char *root = s->repo ? br_repo_workdir(s->repo) : NULL;
	size_t n = root ? strlen(root) : 0;

	if (root && strncmp(root, s->cwd, n) == 0 && (s->cwd[n] == '/' || !s->cwd[n]))
		return root;
	return s->cwd;
}

static const struct br_options no_options;

static int make_spec(struct br_session *s, struct br_err *err)
{
	const struct br_options *o = s->opt;
	struct br_environment_cfg env = {
		.from = environ, .pass = o->pass_env, .set = o->env, .clear = o->clear_env};
	br_auto_strv char **base = NULL;
	size_t measure = 0;
	bool here = !s->bad;
	int r;

	r = br_env_pair_base(&base, s, err);
	if (r < 0)
		return r;
	if (base) {
		env.from = base;
		env.trusted = true;
	}
	s->env = br_environment_make(&env);
	r = br_isolation_make(&s->isolation, o, s->cwd, here ? view_of(s) : NULL, s->env, err);
	if (r < 0)
		return r;
	r = br_named_find(&s->named, here ? NULL : s->repo, s->cwd, o->argv, o->build, err);
	if (r < 0)
		return r;
	r = br_metric_wrap(o, &s->named.argv, &measure, err);
	if (r < 0)
		return r;
	if (!here)
		say_named(s);
	s->spec = (struct br_run_spec){
		.argv = s->named.argv,
		.build = o->build,
		.env = s->env,
		.subdir = here ? "" : br_repo_prefix(s->repo),
		.user_root = here ? NULL : br_repo_workdir(s->repo),
		.named = s->named.file,
		.nnamed = s->named.nfile,
		.nmeasure = measure,
		.build_timeout_ns = o->build_timeout_ns,
		.grace_ns = GRACE_NS,
		.head_b = LOG_HEAD_B,
		.tail_b = LOG_TAIL_B,
		.jobs = br_jobs_most(o, &s->isolation.box),
		.box = s->isolation.box,
		.keep_core = o->keep_core,
		.git_dir = s->repo ? br_repo_common_dir(s->repo) : NULL,
		.outside = s->named.outside,
		.stop_on = o->stop_on ? &s->stop_on : NULL,
	};
	s->jobs = o->jobs == 0 ? 1 : s->spec.jobs;
	s->limit_ns = o->timeout_ns;
	note_checkout_paths(s);
	r = br_with_make(s, err);
	return r < 0 ? r : br_session_patches(s, err);
}

static int new_search(struct br_session *s, struct br_err *err)
{
	br_auto_strv char **argv = br_options_unparse(s->opt);

	s->row.status = br_strdup("running");
	s->row.argv = br_shell_join(argv);
	s->row.cwd = br_strdup(s->cwd);
	s->row.ends = br_revisions_text(s);
	s->row.pid = getpid();
	s->row.started_ns = br_date_ns();
	br_basis_make(s);
	return br_record_search_new(s->record, &s->row, err);
}

/* A trial that ended the search by an error is run again: what was wrong may have been mended. */
static int void_errors(struct br_session *s, int n, struct br_err *err)
{
	int kept = 0, r = 0;

	for (int i = 0; i < n; i++) {
		if (r == 0 && s->trial[i].verdict.error && !s->trial[i].amended) {
			r = br_record_retry(s->record, s->row.id, s->trial[i].n, err);
			br_trial_done(&s->trial[i]);
			continue;
		}
		s->trial[kept++] = s->trial[i];
	}
	s->ntrial = (size_t)kept;
	return r < 0 ? r : kept;
}

static int take_search(struct br_session *s, struct br_err *err)
{
	struct br_search running = {.id = s->row.id, .status = br_strdup("running"), .pid = getpid()};

	br_auto_free char *old = br_steal(&s->row.basis);
	int n, r = br_record_search_take(s->record, s->row.id, err);

	running.message = br_strdup("");
	free(br_steal(&s->row.message));

	if (r == 0) {
		br_basis_make(s);
		running.basis = br_strdup(s->row.basis);
		if (old && strcmp(old, s->row.basis) != 0)
			br_session_note(
				s, "a file that the command names or the environment has changed since this "
				   "search began; its recorded verdicts are kept");
		r = br_record_search_update(s->record, &running, err);
	}
	br_search_done(&running);
	if (r < 0)
		return r;
	n = br_record_trials(s->record, s->row.id, &s->trial, err);
	if (n < 0)
		return n;
	n = void_errors(s, n, err);
	if (n < 0)
		return n;
	s->ntrial = s->trial_cap = s->nstored = s->announced = (size_t)n;
	s->taken = br_calloc(s->nstored, sizeof *s->taken);
	s->busy_before_ns = s->row.busy_ns;
	return 0;
}

static int take_pool(struct br_session *s, struct br_err *err)
{
	br_auto_free char *work = br_asprintf("%s/work", s->state_dir);
	int r = br_pool_take(&s->pool, work, s->row.basis, err);

	s->spec.work_dir = s->pool.dir;
	s->spec.basis = s->row.basis;
	s->spec.trees = s->pool.trees;
	return r;
}

static int open_record(struct br_session *s, bool resume, struct br_err *err)
{
	uint64_t next = 1;
	int r = br_record_open(&s->record, s->state_dir, true, err);

	if (r == 0)
		r = resume ? take_search(s, err) : new_search(s, err);
	if (r == 0)
		r = br_record_next_n(s->record, s->row.id, &next, err);
	if (r < 0)
		return r;
	s->last_job = next - 1;
	s->log_dir = br_asprintf("%s/logs/%lld", s->state_dir, (long long)s->row.id);
	s->spec.log_dir = s->log_dir;
	r = br_dir_make(s->log_dir, err);
	if (r == 0)
		r = take_pool(s, err);
	return r;
}

static int open_hooks(struct br_session *s, struct br_err *err)
{
	int r = br_hooks_here(&s->hooks, err);

	if (r == 0)
		br_watch_refused(s);
	return r;
}

int br_session_open(struct br_session *s, const struct br_options *opt, struct br_search *resume,
		    struct br_err *err)
{
	const char *no_color = getenv("NO_COLOR");
	int r;

	*s = (struct br_session){
		.opt = opt ? opt : &no_options, .pool = {.lock = -1}, .signal_fd = -1, .confidence = NAN};
	s->started_ns = br_now_ns();
	s->progress = br_progress_new(opt->verbose, !opt->no_color && !(no_color && no_color[0]));
	s->standing = (struct br_standing){.phase = "starting", .tests_left = -1};
	s->signal_fd = br_signals_open(err);
	if (s->signal_fd < 0)
		return s->signal_fd;
	s->cwd = br_current_dir(err);
	if (!s->cwd)
		return BR_ESYS;
	r = open_judge(s, err);
	if (r == 0)
		r = open_repo(s, err);
	if (r < 0)
		return r;
	if (resume) {
		s->row = *resume;
		*resume = (struct br_search){0};
		br_revisions_read(s, s->row.ends);
	} else {
		r = br_revisions_resolve(s, err);
	}
	if (r == 0 && br_options_has_commits(opt))
		br_revisions_paths(s);
	s->state_dir = br_state_dir(opt, s->repo, s->cwd);
	if (r == 0)
		r = make_spec(s, err);
	if (r < 0)
		return r;
	s->key_by_commit = br_basis_needs_commit(s);
	r = open_record(s, resume != NULL, err);
	if (r == 0)
		r = open_hooks(s, err);
	return r < 0 ? r : br_profiling_check(s, err);
}

bool br_session_is_sealed(const struct br_session *s)
{
	const struct br_box *box = &s->spec.box;

	return box->level >= BR_LEVEL_NAMESPACES && br_strv_len(box->bind) == 0 && box->home != BR_HOME_HOST;
}

int br_session_trees(struct br_session *s, struct br_err *err)
{
	struct br_commit_info info;
	struct br_commits_query q = {.bad = s->bad,
				     .with = s->with,
				     .nwith = s->nwith,
				     .patch = s->patch,
				     .npatch = s->npatch,
				     .clean = s->opt->clean,
				     .sealed = br_session_is_sealed(s)};
	int r;

	if (!s->bad)
		return br_here_open(&s->trees, s->cwd, err);
	r = br_repo_commit_info(s->repo, s->bad, false, &info, err);
	if (r < 0)
		return r;
	q.good = info.parent; /* a history of one commit */
	r = br_commits_open(&s->trees, s->repo, &q, err);
	br_commit_info_done(&info);
	return r;
}

char *br_session_objects(const struct br_session *s)
{
	return br_asprintf("%s/objects", s->log_dir);
}

const char *br_session_place(const struct br_session *s)
{
	return s->bad ? s->bad : s->trees->ops->label(s->trees, 0);
}

int br_session_start(struct br_session *s, struct br_err *err)
{
	s->flight = br_calloc(s->spec.jobs, sizeof *s->flight);
	s->standing.jobs = s->jobs;
	if (s->isolation.warning)
		br_session_note(s, "%s", s->isolation.warning);
	if (s->isolation.limits)
		br_session_note(s, "%s", s->isolation.limits);
	br_profiling_open(s);
	return br_engine_local_open(&s->engine, &s->spec, s->trees, err);
}

void br_session_close(struct br_session *s, bool keep_trees)
{
	if (s->engine)
		s->engine->ops->close(s->engine);
	for (size_t i = 0; i < s->nflight; i++)
		br_flight_done(&s->flight[i]);
	if (s->domain && s->domain != s->trees)
		s->domain->ops->close(s->domain);
	if (s->trees)
		s->trees->ops->close(s->trees);
	br_pool_release(&s->pool, br_options_cache_b(s->opt), keep_trees);
	for (size_t i = 0; i < s->ntrial; i++)
		br_trial_done(&s->trial[i]);
	br_profiling_done(&s->profiling);
	if (s->profile)
		br_profile_done(s->profile);
	free(s->profile);
	if (s->profile_diff)
		br_profile_diff_done(s->profile_diff);
	free(s->profile_diff);
	br_hooks_close(s->hooks);
	br_judge_close(s->judge);
	br_record_close(s->record);
	br_search_done(&s->row);
	br_repo_close(s->repo);
	br_named_done(&s->named);
	br_isolation_done(&s->isolation);
	br_with_free(s);
	for (size_t i = 0; i < s->npatch; i++)
		br_patch_done(&s->patch[i]);
	free(s->patch);
	br_strv_free(s->env);
	br_strv_free(s->good);
	br_strv_free(s->skip);
	br_strv_free(s->base);
	br_strv_free(s->path);
	free(s->hunted.failure);
	br_strv_free(s->input_file);
	br_strv_free(s->input_name);
	br_strv_free(s->note);
	if (s->signal_fd >= 0)
		(void)close(s->signal_fd);
	if (s->progress)
		br_progress_free(s->progress);
	free(s->flight);
	free(s->trial);
	free(s->taken);
	free(s->how_sure);
	free(s->bad);
	free(s->bad_name);
	free(s->good_name);
	free(s->cwd);
	free(s->state_dir);
	free(s->log_dir);
	*s = (struct br_session){.pool = {.lock = -1}, .signal_fd = -1};
}
