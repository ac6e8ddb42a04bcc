/* revisions.c - what the user's revisions mean, and how the record remembers it. */
#include "app/parts.h"

#include "app/paths.h"
#include "app/replay.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "bisect_run/err.h"
#include "domain/repo.h"

#include <stdio.h>
#include <string.h>

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

const char *br_revisions_only(const struct br_options *o)
{
	if (o->command == BR_CMD_SEARCH)
		return o->bad;
	return o->operand ? o->operand[0] : NULL;
}

int br_revisions_resolve(struct br_session *s, struct br_err *err)
{
	const char *rev = br_revisions_only(s->opt);

	s->fixed_mode = s->opt->interesting;
	if (br_options_has_commits(s->opt))
		return resolve_search(s, err);
	if (!rev)
		return 0;
	s->bad_name = br_strdup(rev);
	return br_session_resolve(s, rev, &s->bad, err);
}

char *br_revisions_text(const struct br_session *s)
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

void br_revisions_read(struct br_session *s, const char *text)
{
	while (text && *text) {
		size_t n = strcspn(text, "\n");

		read_ends_line(s, text, n);
		text += n + (text[n] == '\n');
	}
	s->fixed_mode = s->fixed_mode || s->opt->broken != NULL || s->opt->interesting;
}

void br_revisions_paths(struct br_session *s)
{
	if (s->opt->path)
		s->path = br_paths_from_top(s->repo, br_repo_prefix(s->repo), s->opt->path);
	s->first_parent = s->first_parent || s->opt->first_parent;
}
