/* replay.c - takes over what a `git bisect` has found out. Nothing of it is ever written. */
#include "app/replay.h"

#include "app/paths.h"
#include "app/session.h"
#include "base/mem.h"
#include "base/text.h"
#include "bisect_run/err.h"
#include "domain/bisect_log.h"
#include "domain/repo.h"
#include "sys/file.h"

#include <string.h>
#include <unistd.h>

/* More than any bisect writes: a million skipped commits. */
#define LOG_MAX (256ull << 20)

/* ---- reading ---- */

static bool is_commit(void *arg, const char *word)
{
	char oid[BR_OID_HEX];

	return br_repo_resolve(arg, word, oid, NULL) == 0;
}

static int read_log(struct br_session *s, const char *path, struct br_bisect_log *log, struct br_err *err)
{
	const struct br_bisect_names names = {.is_commit = is_commit, .arg = s->repo};
	br_auto_free char *text = NULL;
	size_t n;
	int r = br_file_read(path, LOG_MAX, &text, &n, err);

	if (r == 0)
		r = br_bisect_log_parse(log, text, n, &names, err);
	return r;
}

/* Where HEAD was before git's bisect moved it: the name of a branch, or an id. NULL: no bisect is in progress. */
static char *bisect_start(const struct br_session *s)
{
	br_auto_free char *path = br_asprintf("%s/BISECT_START", br_repo_git_dir(s->repo));
	char *text;
	size_t n;

	if (br_file_read(path, 4096, &text, &n, NULL) < 0)
		return NULL;
	text[strcspn(text, "\r\n")] = '\0';
	return text;
}

static int read_own(struct br_session *s, struct br_bisect_log *log, char **head, struct br_err *err)
{
	br_auto_free char *path = br_asprintf("%s/BISECT_LOG", br_repo_git_dir(s->repo));
	int r;

	*head = bisect_start(s);
	if (!*head)
		return br_fail(
			err, BR_ESTATE,
			"no git bisect is in progress here; --from-bisect goes on from one that `git bisect "
			"start` began");
	r = read_log(s, path, log, err);
	return r < 0 ? br_wrap(err, "--from-bisect: %s", path) : 0;
}

static int read_given(struct br_session *s, struct br_bisect_log *log, struct br_err *err)
{
	const char *path = s->opt->replay;
	br_auto_free char *clean = br_text_clean(path, strlen(path), false);
	int r = read_log(s, strcmp(path, "-") == 0 ? "/dev/stdin" : path, log, err);

	if (r == BR_ESYS)
		return br_wrap(err, "--replay");
	return r < 0 ? br_wrap(err, "--replay %s", clean) : 0;
}

/* ---- taking over ---- */

/* A name in the start line, HEAD above all, may mean something else by now. */
static void note_moved(struct br_session *s, const struct br_bisect_rev *rev)
{
	char now[BR_OID_HEX];

	if (!rev->name || s->opt->from_bisect || br_repo_resolve(s->repo, rev->name, now, NULL) < 0 ||
	    strcmp(now, rev->rev) == 0)
		return;
	br_session_note(s,
			"%s was %.12s when the bisect log was written and is %.12s now; the former is used",
			rev->name, rev->rev, now);
}

static const char *name_of(const struct br_bisect_rev *rev)
{
	return rev->name ? rev->name : rev->rev;
}

/* head: what stands for the new state when the log does not say it. */
static int take_bad(struct br_session *s, const struct br_bisect_log *log, const char *head,
		    struct br_err *err)
{
	bool said = log->bad.rev != NULL;

	s->bad_name = br_strdup(said ? name_of(&log->bad) : head);
	note_moved(s, &log->bad);
	return br_session_resolve(s, said ? log->bad.rev : head, &s->bad, err);
}

static int take_goods(struct br_session *s, const struct br_bisect_log *log, struct br_err *err)
{
	if (log->ngood > 0)
		s->good_name = br_strdup(name_of(&log->good[0]));
	for (size_t i = 0; i < log->ngood; i++) {
		br_auto_free char *oid = NULL;
		int r = br_session_resolve(s, log->good[i].rev, &oid, err);

		if (r < 0)
			return r;
		note_moved(s, &log->good[i]);
		br_strv_add(&s->good, oid);
	}
	return 0;
}

static int take_skips(struct br_session *s, const struct br_bisect_log *log, struct br_err *err)
{
	for (size_t i = 0; log->skip && log->skip[i]; i++) {
		int r = br_repo_expand(s->repo, log->skip[i], &s->skip, err);

		if (r < 0)
			return r;
	}
	return 0;
}

/* git writes pathspecs as seen from the top folder. */
static int take_paths(struct br_session *s, const struct br_bisect_log *log, struct br_err *err)
{
	if (log->path && s->opt->path)
		return br_fail(err, BR_EUSAGE,
			       "--path contradicts the git bisect, which has paths of its own\n"
			       "leave --path out, or name the ends with --good and --bad");
	s->path = br_paths_from_top(s->repo, "", log->path);
	return 0;
}

static void say_taken(struct br_session *s, const struct br_bisect_log *log)
{
	br_auto_free char *bad = br_session_short(s, s->bad);

	br_progress_say(s->progress, "going on from git bisect: %s %s, %zu %s, %zu skipped", log->new_term,
			bad, log->ngood, log->old_term, br_strv_len(log->skip));
	if (s->fixed_mode)
		br_progress_say(s->progress,
				"its terms are %s and %s: looking for the first fixed commit; exit 0 "
				"of COMMAND means fixed",
				log->old_term, log->new_term);
}

static int take(struct br_session *s, const struct br_bisect_log *log, const char *head, struct br_err *err)
{
	int r = take_bad(s, log, head, err);

	if (r == 0)
		r = take_goods(s, log, err);
	if (r == 0)
		r = take_skips(s, log, err);
	if (r == 0)
		r = take_paths(s, log, err);
	if (r < 0)
		return r;
	s->first_parent = log->first_parent;
	s->fixed_mode = br_bisect_log_finds_fix(log);
	say_taken(s, log);
	return 0;
}

int br_replay_resolve(struct br_session *s, struct br_err *err)
{
	struct br_bisect_log log = {0};
	br_auto_free char *head = NULL;
	int r = s->opt->from_bisect ? read_own(s, &log, &head, err) : read_given(s, &log, err);

	if (r == 0)
		r = take(s, &log, head ? head : "HEAD", err);
	br_bisect_log_done(&log);
	return r;
}
