/* session.c - opening and closing all that one search needs. */
#include "app/session.h"

#include "app/environment.h"
#include "app/flight.h"
#include "app/jobs.h"
#include "app/metric.h"
#include "app/paths.h"
#include "app/pool.h"
#include "app/replay.h"
#include "app/signals.h"
#include "base/buf.h"
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
/* At most this much of a named file counts in the key. */
#define KEY_FILE_MAX (64ull << 20)

char *br_current_dir(struct br_err *err)
{
	char *dir = getcwd(NULL, 0);

	if (!dir)
		br_fail_errno(err, "cannot tell the current directory");
	return dir;
}

char *br_state_dir(const struct br_options *opt, struct br_repo *repo, const char *cwd)
{
	if (opt->state)
		return opt->state[0] == '/' ? br_strdup(opt->state) : br_asprintf("%s/%s", cwd, opt->state);
	if (repo)
		return br_asprintf("%s/bisect-run", br_repo_common_dir(repo));
	return br_asprintf("%s/.bisect-run", cwd);
}

static int config_defaults(struct br_options *out, struct br_repo *repo, struct br_err *err)
{
	bool trusted_only;
	const char *name;

	for (size_t i = 0; (name = br_options_config_name(i, &trusted_only)); i++) {
		br_auto_strv char **values = NULL;
		int r = br_repo_config(repo, name, trusted_only ? BR_CONFIG_TRUSTED : BR_CONFIG_ANY, &values,
				       err);

		for (size_t k = 0; r == 0 && values && values[k]; k++)
			r = br_options_default(out, name, values[k], err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* What only looks at the record or explains itself must work whatever the configuration says. */
static bool uses_defaults(int argc, char *const *argv)
{
	struct br_options peek = {.seed = 1};
	bool uses = br_options_parse_over(&peek, argc, argv, NULL) < 0 || peek.command == BR_CMD_SEARCH ||
		    peek.command == BR_CMD_TRY;

	br_options_done(&peek);
	return uses;
}

int br_load_options(struct br_options *out, int argc, char *const *argv, struct br_err *err)
{
	br_auto_free char *cwd = br_current_dir(err);
	struct br_repo *repo = NULL;
	struct br_err ignored = {0};
	int r = 0;

	*out = (struct br_options){.seed = 1};
	if (!cwd)
		return BR_ESYS;
	/* Outside of a repository the user's own configuration still counts; commands that need one say so themselves. */
	if (br_repo_open(&repo, cwd, &ignored) < 0)
		repo = NULL;
	if (uses_defaults(argc, argv))
		r = config_defaults(out, repo, err);
	br_repo_close(repo);
	return r < 0 ? r : br_options_parse_over(out, argc, argv, err);
}

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

/* ---- revisions ---- */

int br_session_resolve(struct br_session *s, const char *rev, char **out, struct br_err *err)
{
	char oid[BR_OID_HEX];
	int r = br_repo_resolve(s->repo, rev, oid, err);
	size_t n;

	if (r == 0) {
		free(*out);
		*out = br_strdup(oid);
	} else if (err && br_repo_is_shallow(s->repo)) {
		n = strlen(err->msg);
		(void)snprintf(
			err->msg + n, sizeof err->msg - n,
			"; this clone is shallow, history ends here: fetch more (git fetch --unshallow, or "
			"fetch-depth: 0 in CI)");
	}
	return r;
}

static int resolve_goods(struct br_session *s, char *const *revs, struct br_err *err)
{
	for (size_t i = 0; revs && revs[i]; i++) {
		br_auto_free char *oid = NULL;
		int r = br_session_resolve(s, revs[i], &oid, err);

		if (r < 0)
			return r;
		br_strv_add(&s->good, oid);
	}
	return 0;
}

static int resolve_ends(struct br_session *s, struct br_err *err)
{
	const struct br_options *o = s->opt;
	const char *bad = o->broken ? o->fixed : o->bad;
	char *const broken[] = {o->broken, NULL};
	char *const *goods = o->broken ? broken : o->good;
	int r;

	s->fixed_mode = o->broken != NULL || o->interesting;
	s->bad_name = br_strdup(bad ? bad : "HEAD");
	s->good_name = br_strdup_or_null(goods ? goods[0] : NULL);
	r = br_session_resolve(s, s->bad_name, &s->bad, err);
	return r < 0 ? r : resolve_goods(s, goods, err);
}

static int resolve_search(struct br_session *s, struct br_err *err)
{
	const struct br_options *o = s->opt;
	int r;

	if (br_repo_is_empty(s->repo))
		return br_fail(err, BR_ESTATE,
			       "the repository has no commits yet: there is nothing to search");
	r = o->replay || o->from_bisect ? br_replay_resolve(s, err) : resolve_ends(s, err);
	for (size_t i = 0; r == 0 && o->skip && o->skip[i]; i++)
		r = br_repo_expand(s->repo, o->skip[i], &s->skip, err);
	return r;
}

/* The one revision at which COMMAND is to run; NULL: where the user stands. */
static const char *only_revision(const struct br_options *o)
{
	if (o->command == BR_CMD_SEARCH)
		return o->bad;
	return o->operand ? o->operand[0] : NULL;
}

static int resolve(struct br_session *s, struct br_err *err)
{
	const char *rev = only_revision(s->opt);

	s->fixed_mode = s->opt->interesting;
	if (br_options_has_commits(s->opt))
		return resolve_search(s, err);
	if (!rev)
		return 0;
	s->bad_name = br_strdup(rev);
	return br_session_resolve(s, rev, &s->bad, err);
}

/* The ends as text for the record: what HEAD or a tag meant then must not change with a later push. */
static char *ends_text(const struct br_session *s)
{
	struct br_buf b = {0};

	if (s->bad)
		br_buf_fmt(&b, "bad %s %s\n", s->bad, s->bad_name);
	for (size_t i = 0; s->good && s->good[i]; i++)
		br_buf_fmt(&b, "good %s %s\n", s->good[i], i == 0 && s->good_name ? s->good_name : "");
	for (size_t i = 0; s->skip && s->skip[i]; i++)
		br_buf_fmt(&b, "skip %s\n", s->skip[i]);
	/* What a git bisect said, and the options do not. */
	for (size_t i = 0; !s->opt->path && s->path && s->path[i]; i++)
		br_buf_fmt(&b, "path %s\n", s->path[i]);
	if (s->first_parent)
		br_buf_str(&b, "mode first-parent\n");
	if (s->fixed_mode && !s->opt->broken)
		br_buf_str(&b, "mode fixed\n");
	return br_buf_take(&b);
}

/* Lines whose second word is no id. */
static bool read_ends_word(struct br_session *s, const char *kind, const char *word)
{
	if (strcmp(kind, "path") == 0)
		br_strv_add(&s->path, word);
	else if (strcmp(kind, "mode") == 0 && strcmp(word, "first-parent") == 0)
		s->first_parent = true;
	else if (strcmp(kind, "mode") == 0 && strncmp(word, "noisy ", 6) == 0)
		s->noisy = br_parse_u64(word + 6, &s->noisy_from) == 0;
	else if (strcmp(kind, "mode") == 0)
		s->fixed_mode = strcmp(word, "fixed") == 0;
	else
		return false;
	return true;
}

static void read_ends_line(struct br_session *s, const char *line, size_t n)
{
	br_auto_free char *copy = br_strndup(line, n);
	char *oid = strchr(copy, ' ');
	char *name;

	if (!oid)
		return;
	*oid++ = '\0';
	if (read_ends_word(s, copy, oid))
		return;
	name = strchr(oid, ' ');
	if (name)
		*name++ = '\0';
	if (strcmp(copy, "bad") == 0) {
		s->bad = br_strdup(oid);
		s->bad_name = br_strdup(name ? name : oid);
	} else if (strcmp(copy, "good") == 0) {
		if (!s->good)
			s->good_name = name && name[0] ? br_strdup(name) : NULL;
		br_strv_add(&s->good, oid);
	} else if (strcmp(copy, "skip") == 0) {
		br_strv_add(&s->skip, oid);
	}
}

static void read_ends(struct br_session *s, const char *text)
{
	while (text && *text) {
		size_t n = strcspn(text, "\n");

		read_ends_line(s, text, n);
		text += n + (text[n] == '\n');
	}
	s->fixed_mode = s->fixed_mode || s->opt->broken != NULL || s->opt->interesting;
}

/* What the options say of paths, besides what a git bisect said. */
static void take_paths(struct br_session *s)
{
	if (s->opt->path)
		s->path = br_paths_from_top(s->repo, br_repo_prefix(s->repo), s->opt->path);
	s->first_parent = s->first_parent || s->opt->first_parent;
}

/* ---- what a verdict depends on besides the tree ---- */

static void add_file(struct br_buf *b, const char *name, const char *path)
{
	br_auto_free char *data = NULL;
	char hash[BR_OID_HEX] = "unreadable";
	size_t n;

	if (br_file_read(path, KEY_FILE_MAX, &data, &n, NULL) == 0)
		br_hash_hex(data, n, hash);
	br_buf_fmt(b, "file %s %s\n", name, hash);
}

static void add_list(struct br_buf *b, const char *name, char *const *v)
{
	for (size_t i = 0; v && v[i]; i++) {
		br_auto_free char *q = br_shell_quote(v[i]);

		br_buf_fmt(b, "%s %s\n", name, q);
	}
}

static void add_env(struct br_buf *b, char *const *env)
{
	for (size_t i = 0; env && env[i]; i++) {
		br_auto_free char *name = br_strndup(env[i], strcspn(env[i], "="));
		br_auto_free char *q = br_shell_quote(env[i]);

		if (!br_environment_is_volatile(name))
			br_buf_fmt(b, "env %s\n", q);
	}
}

static void make_basis(struct br_session *s)
{
	const struct br_options *o = s->opt;
	struct br_buf b = {0};
	char hash[BR_OID_HEX];

	add_list(&b, "argv", o->argv);
	br_buf_fmt(&b, "build %s\nsubdir %s\ntimeout %llu %d\nstrict %d\n", o->build ? o->build : "",
		   s->spec.subdir, (unsigned long long)o->timeout_ns, o->timeout_is_skip, o->strict_git);
	br_isolation_basis(&s->isolation, &b);
	if (o->bad_if_defect)
		br_buf_str(&b, "bad-if-defect\n");
	if (o->match == BR_MATCH_SAME)
		br_buf_str(&b, "match same\n");
	if (o->metric)
		br_buf_fmt(&b, "metric %s %s\n", o->metric, o->limit ? o->limit : "");
	add_list(&b, "bad-if", o->bad_if);
	add_list(&b, "good-if", o->good_if);
	add_list(&b, "skip-if", o->skip_if);
	if (o->stop_on)
		add_list(&b, "stop-on", o->stop_on);
	add_env(&b, s->env);
	for (size_t i = 0; i < s->named.nfile; i++)
		add_file(&b, s->named.file[i].target, s->named.file[i].source);
	for (size_t i = 0; s->named.outside && s->named.outside[i]; i++)
		add_file(&b, s->named.outside[i], s->named.outside[i]);
	for (size_t i = 0; i < s->nwith; i++) {
		br_buf_fmt(&b, "with %s %s\n", s->with[i].target, s->with[i].rev ? s->with[i].rev : "");
		if (s->with[i].source)
			add_file(&b, s->with[i].target, s->with[i].source);
	}
	for (size_t i = 0; i < s->npatch; i++) {
		br_hash_hex(s->patch[i].text, s->patch[i].n, hash);
		br_buf_fmt(&b, "patch %s\n", hash);
	}
	br_hash_hex(b.data, b.len, hash);
	br_buf_done(&b);
	s->row.basis = br_strdup(hash);
}

static bool mentions_git(const char *text)
{
	for (const char *p = strstr(text, "git"); p; p = strstr(p + 3, "git")) {
		bool starts = p == text || strchr(" \t\n;&|(`/'\"", p[-1]);

		if (starts && (p[3] == '\0' || strchr(" \t\n;&|)`'\"", p[3])))
			return true;
	}
	return false;
}

static bool file_mentions_git(const char *path)
{
	br_auto_free char *text = NULL;
	size_t n;

	return br_file_read(path, 1u << 16, &text, &n, NULL) == 0 && mentions_git(text);
}

/* A command that asks git for the history sees more than the tree. */
static bool reads_history(const struct br_session *s)
{
	const struct br_options *o = s->opt;

	for (size_t i = 0; o->argv && o->argv[i]; i++)
		if (mentions_git(o->argv[i]))
			return true;
	for (size_t i = 0; s->named.inside && s->named.inside[i]; i++)
		if (file_mentions_git(s->named.inside[i]))
			return true;
	for (size_t i = 0; s->named.outside && s->named.outside[i]; i++)
		if (file_mentions_git(s->named.outside[i]))
			return true;
	return o->build && mentions_git(o->build);
}

static bool ends_share_a_tree(struct br_session *s)
{
	char bad[BR_OID_HEX], good[BR_OID_HEX];

	if (!s->bad || br_repo_tree_of(s->repo, s->bad, bad, NULL) < 0)
		return false;
	for (size_t i = 0; s->good && s->good[i]; i++)
		if (br_repo_tree_of(s->repo, s->good[i], good, NULL) == 0 && strcmp(bad, good) == 0)
			return true;
	return false;
}

/* ---- --with ---- */

/* The path with the links of its folders followed, but not the last one: a link is put there as a link. NULL: not there. */
static char *real_place(const char *cwd, const char *path)
{
	br_auto_free char *joined = path[0] == '/' ? br_strdup(path) : br_asprintf("%s/%s", cwd, path);
	br_auto_free char *dir = NULL;
	br_auto_free char *real = NULL;
	size_t n = strlen(joined);
	const char *name;

	while (n > 1 && joined[n - 1] == '/')
		joined[--n] = '\0';
	name = strrchr(joined, '/') + 1;
	if (!name[0] || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return realpath(joined, NULL);
	if (faccessat(AT_FDCWD, joined, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return NULL;
	dir = br_strndup(joined, (size_t)(name - joined));
	real = realpath(dir, NULL);
	return real ? br_asprintf("%s/%s", strcmp(real, "/") == 0 ? "" : real, name) : NULL;
}

static int with_from_user(struct br_session *s, const char *path, struct br_with *w, struct br_err *err)
{
	const char *root = br_repo_workdir(s->repo);
	br_auto_free char *real = real_place(s->cwd, path);
	size_t n = root ? strlen(root) : 0;

	if (!real)
		return br_fail(err, BR_ESTATE, "--with %s: no such file or folder here (%s)", path,
			       strerror(errno));
	if (!root || strncmp(real, root, n) != 0 || real[n] != '/')
		return br_fail(
			err, BR_ESTATE,
			"--with %s: the path lies outside of the repository's work tree, so its place in the "
			"trees is not known",
			path);
	w->target = br_strdup(real + n + 1);
	w->source = br_steal(&real);
	return 0;
}

/* PATH@REV: the path as the user wrote it, seen from the current directory. */
static int with_from_rev(struct br_session *s, const char *path, const char *rev, struct br_with *w,
			 struct br_err *err)
{
	const char *prefix = br_repo_prefix(s->repo);
	int r = br_session_resolve(s, rev, &w->rev, err);

	if (r < 0)
		return br_wrap(err, "--with %s@%s", path, rev);
	if (strncmp(path, "./", 2) == 0)
		path += 2;
	w->target = prefix[0] ? br_asprintf("%s/%s", prefix, path) : br_strdup(path);
	r = br_repo_has_path(s->repo, w->rev, w->target, err);
	if (r == 0)
		return br_fail(err, BR_ESTATE, "--with %s@%s: there is no %s in that revision", path, rev,
			       w->target);
	return r < 0 ? r : 0;
}

static int make_with(struct br_session *s, struct br_err *err)
{
	for (size_t i = 0; s->opt->with && s->opt->with[i]; i++) {
		const char *spec = s->opt->with[i];
		const char *at = strrchr(spec, '@');
		struct br_with w = {0};
		int r;

		if (!s->repo)
			return br_fail(err, BR_EUSAGE,
				       "--with needs a repository\nthere are no trees to put %s into", spec);
		if (at && at > spec && at[1] && access(spec, F_OK) != 0) {
			br_auto_free char *path = br_strndup(spec, (size_t)(at - spec));

			r = with_from_rev(s, path, at + 1, &w, err);
		} else {
			r = with_from_user(s, spec, &w, err);
		}
		if (r < 0)
			return r;
		s->with = br_reallocarray(s->with, s->nwith + 1, sizeof *s->with);
		s->with[s->nwith++] = w;
	}
	return 0;
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
	if (r < 0 && !br_options_has_commits(s->opt) && !only_revision(s->opt)) {
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
	bool here = !s->bad;
	int r;

	s->env = br_environment_make(&env);
	r = br_isolation_make(&s->isolation, o, s->cwd, here ? view_of(s) : NULL, s->env, err);
	if (r < 0)
		return r;
	r = br_named_find(&s->named, here ? NULL : s->repo, s->cwd, o->argv, o->build, err);
	if (r < 0)
		return r;
	r = br_metric_wrap(o, &s->named.argv, err);
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
	r = make_with(s, err);
	return r < 0 ? r : br_session_patches(s, err);
}

static int new_search(struct br_session *s, struct br_err *err)
{
	br_auto_strv char **argv = br_options_unparse(s->opt);

	s->row.status = br_strdup("running");
	s->row.argv = br_shell_join(argv);
	s->row.cwd = br_strdup(s->cwd);
	s->row.ends = ends_text(s);
	s->row.pid = getpid();
	s->row.started_ns = br_date_ns();
	make_basis(s);
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
		make_basis(s);
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
	const char *xdg = getenv("XDG_CONFIG_HOME");
	const char *home = getenv("HOME");
	br_auto_free char *config = NULL;
	br_auto_free char *own = NULL;
	br_auto_free char *exe = br_calloc(4096, 1);
	char *slash;
	ssize_t n = readlink("/proc/self/exe", exe, 4095);
	const char *dirs[3] = {NULL};
	size_t k = 0;
	int r;

	/* Beside the program (build/hooks), or where `make install` put them (../share/bisect-run/hooks). */
	slash = n > 0 ? strrchr(exe, '/') : NULL;
	if (slash) {
		*slash = '\0';
		own = br_asprintf("%s/../hooks", exe);
		if (access(own, X_OK) != 0) {
			free(own);
			own = br_asprintf("%s/../share/bisect-run/hooks", exe);
		}
		dirs[k++] = own;
	}
	if (xdg && xdg[0] == '/')
		config = br_asprintf("%s/bisect-run/hooks", xdg);
	else if (home && home[0] == '/')
		config = br_asprintf("%s/.config/bisect-run/hooks", home);
	if (config)
		dirs[k++] = config;
	r = br_hooks_open(&s->hooks, dirs, err);
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
		read_ends(s, s->row.ends);
	} else {
		r = resolve(s, err);
	}
	if (r == 0 && br_options_has_commits(opt))
		take_paths(s);
	if (r == 0)
		r = make_spec(s, err);
	if (r < 0)
		return r;
	s->state_dir = br_state_dir(opt, s->repo, s->cwd);
	s->key_by_commit = reads_history(s) || ends_share_a_tree(s);
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

static void free_with(struct br_session *s)
{
	for (size_t i = 0; i < s->nwith; i++) {
		free(s->with[i].target);
		free(s->with[i].source);
		free(s->with[i].rev);
	}
	free(s->with);
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
	free_with(s);
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
