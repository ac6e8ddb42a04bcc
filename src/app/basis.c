/* basis.c - what a verdict depends on besides the tree: verdicts of another command or environment are none of ours. */
#include "app/parts.h"

#include "app/environment.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "bisect_run/err.h"
#include "bisect_run/profile_diff.h"
#include "domain/patch.h"
#include "domain/repo.h"
#include "sys/file.h"

#include <string.h>

/* At most this much of a named file counts in the key. */
#define KEY_FILE_MAX (64ull << 20)

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

void br_basis_make(struct br_session *s)
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

bool br_basis_needs_commit(struct br_session *s)
{
	return reads_history(s) || ends_share_a_tree(s);
}
