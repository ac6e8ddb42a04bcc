/* bisect_log.c - reads a `git bisect log`: each line a command of a shell that knows single quotes, or a comment. */
#include "domain/bisect_log.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "bisect_run/err.h"

#include <string.h>

enum { SHA1_HEX = 40, SHA256_HEX = 64, SHOWN_MAX = 60 };

struct reader {
	struct br_bisect_log *log;
	const struct br_bisect_names *names;
	struct br_err *err;
	size_t line;   /* from 1 */
	bool started;  /* a start line was there */
	bool own;      /* terms were chosen: good and bad mean nothing any more */
	char **remark; /* ids of the comments since the last command, in order */
};

/* A full object id: SHA-1 or SHA-256. */
static bool is_id(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!(s[i] >= '0' && s[i] <= '9') && !(s[i] >= 'a' && s[i] <= 'f'))
			return false;
	return n == SHA1_HEX || n == SHA256_HEX;
}

static int wrong(const struct reader *rd, const char *what, const char *word)
{
	size_t n = strlen(word);
	br_auto_free char *clean = br_text_clean(word, n > SHOWN_MAX ? SHOWN_MAX : n, false);

	return br_fail(rd->err, BR_EPARSE, "line %zu: %s '%s%s'", rd->line, what, clean,
		       n > SHOWN_MAX ? "..." : "");
}

/* ---- words ---- */

/* What stands between two single quotes; returns the place after the second one, NULL when it is missing. */
static const char *take_quoted(struct br_buf *b, const char *p, const char *end)
{
	const char *close = memchr(p, '\'', (size_t)(end - p));

	if (close)
		br_buf_add(b, p, (size_t)(close - p));
	return close ? close + 1 : NULL;
}

static const char *take_double_quoted(struct br_buf *b, const char *p, const char *end)
{
	for (; p < end && *p != '"'; p++) {
		if (*p == '\\' && p + 1 < end && strchr("\\\"$`", p[1]))
			p++;
		br_buf_char(b, *p);
	}
	return p < end ? p + 1 : NULL;
}

/* One word, as a shell without expansions reads it; git writes 'it'\''s'. Returns the place after it, or NULL. */
static const char *take_word(struct br_buf *b, const char *p, const char *end)
{
	while (p && p < end && *p != ' ' && *p != '\t') {
		if (*p == '\'') {
			p = take_quoted(b, p + 1, end);
		} else if (*p == '"') {
			p = take_double_quoted(b, p + 1, end);
		} else {
			p += *p == '\\' && p + 1 < end;
			br_buf_char(b, *p++);
		}
	}
	return p;
}

static int split(const struct reader *rd, const char *p, const char *end, char ***out)
{
	size_t n = 0, cap = 0;

	for (;;) {
		struct br_buf b = {0};

		while (p < end && (*p == ' ' || *p == '\t'))
			p++;
		if (p == end)
			return 0;
		p = take_word(&b, p, end);
		br_grow(out, n + 1, &cap); /* not br_strv_add: it counts a long list each time */
		(*out)[n++] = br_buf_take(&b);
		(*out)[n] = NULL;
		if (!p)
			return br_fail(rd->err, BR_EPARSE, "line %zu: a quote is not closed", rd->line);
	}
}

/* ---- what was said ---- */

static void rev_done(struct br_bisect_rev *r)
{
	free(r->rev);
	free(r->name);
	*r = (struct br_bisect_rev){0};
}

static void forget(struct br_bisect_log *log)
{
	rev_done(&log->bad);
	for (size_t i = 0; i < log->ngood; i++)
		rev_done(&log->good[i]);
	free(log->good);
	br_strv_free(log->skip);
	br_strv_free(log->path);
	free(log->old_term);
	free(log->new_term);
	*log = (struct br_bisect_log){0};
}

/* id: what the word meant when the line was written; NULL: the word itself. */
static struct br_bisect_rev rev_of(const char *word, const char *id)
{
	bool other = id && strcmp(word, id) != 0;

	return (struct br_bisect_rev){.rev = br_strdup(other ? id : word),
				      .name = other ? br_strdup(word) : NULL};
}

static void add_bad(struct br_bisect_log *log, struct br_bisect_rev rev)
{
	rev_done(&log->bad);
	log->bad = rev;
}

static void add_good(struct br_bisect_log *log, struct br_bisect_rev rev)
{
	br_grow(&log->good, log->ngood, &log->good_cap);
	log->good[log->ngood++] = rev;
}

/* ---- terms ---- */

static bool one_of(const char *word, const char *const *list)
{
	for (; *list; list++)
		if (strcmp(word, *list) == 0)
			return true;
	return false;
}

/* As git has it: no word of git bisect's own, and bad must not come to mean good. */
static int check_term(const struct reader *rd, const char *term, bool is_new)
{
	static const char *const taken[] = {"help", "start",  "skip", "next", "reset", "visualize",
					    "view", "replay", "log",  "run",  "terms", NULL};
	static const char *const old_words[] = {"good", "old", NULL}, *const new_words[] = {"bad", "new",
											    NULL};

	if (!term[0] || term[0] == '-' || strpbrk(term, " \t~^:?*[\\/"))
		return wrong(rd, "this is no term:", term);
	if (one_of(term, taken))
		return wrong(rd, "a term must not be a command of git bisect:", term);
	if (one_of(term, is_new ? old_words : new_words))
		return wrong(rd, "the meaning of this term cannot be changed:", term);
	return 0;
}

static int set_term(struct reader *rd, const char *term, bool is_new)
{
	char **at = is_new ? &rd->log->new_term : &rd->log->old_term;
	int rc = check_term(rd, term, is_new);

	if (rc != 0)
		return rc;
	free(*at);
	*at = br_strdup(term);
	rd->own = true;
	return 0;
}

static int settle_terms(struct reader *rd)
{
	struct br_bisect_log *log = rd->log;

	if (!log->old_term)
		log->old_term = br_strdup("good");
	if (!log->new_term)
		log->new_term = br_strdup("bad");
	if (strcmp(log->old_term, log->new_term) == 0)
		return wrong(rd, "both states have the same term", log->old_term);
	return 0;
}

/* 1: the new state, 0: the old one, -1: neither. "old" and "new" stand for good and bad where no terms were chosen. */
static int state_of(const struct reader *rd, const char *word)
{
	if (strcmp(word, rd->log->new_term) == 0 || (!rd->own && strcmp(word, "new") == 0))
		return 1;
	return strcmp(word, rd->log->old_term) == 0 || (!rd->own && strcmp(word, "old") == 0) ? 0 : -1;
}

/* ---- commands ---- */

/* The term that the option sets: 1 new, 0 old, -1: it is another option. *value: what follows "="; NULL: the next word. */
static int term_option(const char *word, const char **value)
{
	static const char *const names[] = {"--term-old", "--term-good", "--term-new", "--term-bad"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		size_t n = strlen(names[i]);

		if (strncmp(word, names[i], n) != 0 || (word[n] && word[n] != '='))
			continue;
		*value = word[n] ? word + n + 1 : NULL;
		return i >= 2;
	}
	return -1;
}

/* The option at *i, which moves to its last word. */
static int start_option(struct reader *rd, char *const *word, size_t *i)
{
	const char *value = NULL;
	int is_new = term_option(word[*i], &value);

	if (strcmp(word[*i], "--first-parent") == 0) {
		rd->log->first_parent = true;
		return 0;
	}
	if (strcmp(word[*i], "--no-checkout") == 0) {
		rd->log->no_checkout = true;
		return 0;
	}
	if (is_new < 0)
		return wrong(rd, "git bisect start has no option", word[*i]);
	if (!value && !word[*i + 1])
		return wrong(rd, "the term is missing after", word[*i]);
	return set_term(rd, value ? value : word[++*i], is_new != 0);
}

/* How many of the words name revisions: all before "--". Old logs may lack that; then git's own comments count them. */
static size_t count_revs(const struct reader *rd, char *const *word, bool dashes)
{
	size_t n = br_strv_len(word), said = br_strv_len(rd->remark), k = 0;

	if (dashes || n == 0)
		return n;
	if (said > 0)
		return said < n ? said : n;
	while (k < n &&
	       (!rd->names || !rd->names->is_commit || rd->names->is_commit(rd->names->arg, word[k])))
		k++;
	return k;
}

/* The first revision is bad, the others are good. */
static void start_revs(struct reader *rd, char *const *word, size_t n)
{
	bool known = br_strv_len(rd->remark) == n;

	for (size_t i = 0; i < n; i++) {
		bool full = is_id(word[i], strlen(word[i]));
		struct br_bisect_rev rev = rev_of(word[i], known && !full ? rd->remark[i] : NULL);

		if (i == 0)
			add_bad(rd->log, rev);
		else
			add_good(rd->log, rev);
	}
}

static int start(struct reader *rd, char *const *word)
{
	br_auto_strv char **plain = NULL;
	size_t i = 0, revs;
	bool dashes;
	int rc = 0;

	forget(rd->log);
	rd->started = true;
	rd->own = false;
	for (; rc == 0 && word[i] && strcmp(word[i], "--") != 0; i++) {
		if (strncmp(word[i], "--", 2) == 0)
			rc = start_option(rd, word, &i);
		else
			br_strv_add(&plain, word[i]);
	}
	if (rc == 0)
		rc = settle_terms(rd);
	if (rc != 0)
		return rc;
	dashes = word[i] != NULL;
	revs = plain ? count_revs(rd, plain, dashes) : 0;
	if (plain)
		start_revs(rd, plain, revs);
	for (size_t k = revs; plain && plain[k]; k++)
		br_strv_add(&rd->log->path, plain[k]);
	for (i += dashes; word[i]; i++)
		br_strv_add(&rd->log->path, word[i]);
	return 0;
}

static int judged(struct reader *rd, char *const *word)
{
	bool is_skip = strcmp(word[0], "skip") == 0;
	int state = is_skip ? -1 : state_of(rd, word[0]);
	size_t n;

	if (!is_skip && state < 0)
		return wrong(rd, "this log has no command", word[0]);
	if (!word[1])
		return wrong(rd, "the revision is missing after", word[0]);
	n = br_strv_len(word);
	for (size_t i = 1; i < n; i++) {
		if (is_skip)
			br_strv_add(&rd->log->skip, word[i]);
		else if (state > 0)
			add_bad(rd->log, rev_of(word[i], NULL));
		else
			add_good(rd->log, rev_of(word[i], NULL));
	}
	return 0;
}

static int command(struct reader *rd, char *const *word)
{
	if (!word || !word[0])
		return wrong(rd, "the command is missing after", "git bisect");
	if (strcmp(word[0], "start") == 0)
		return start(rd, word + 1);
	if (!rd->started)
		return wrong(rd, "there is no `git bisect start` before", word[0]);
	return strcmp(word[0], "terms") == 0 ? 0 : judged(rd, word);
}

/* ---- lines ---- */

/* "# bad: [OID] subject": what the next command is about. */
static void note_remark(struct reader *rd, const char *p, const char *end)
{
	const char *open = memchr(p, '[', (size_t)(end - p)), *close;

	if (!open || open < p + 4 || open[-1] != ' ' || open[-2] != ':')
		return;
	close = memchr(open, ']', (size_t)(end - open));
	if (!close || !is_id(open + 1, (size_t)(close - open - 1)))
		return;
	br_auto_free char *id = br_strndup(open + 1, (size_t)(close - open - 1));

	br_strv_add(&rd->remark, id);
}

static int read_line(struct reader *rd, const char *p, const char *end)
{
	br_auto_strv char **word = NULL;
	int rc;

	while (end > p && (end[-1] == '\r' || end[-1] == ' ' || end[-1] == '\t'))
		end--;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	if (p < end && *p == '#')
		note_remark(rd, p, end);
	if (end - p < 10 || strncmp(p, "git", 3) != 0 || (p[3] != ' ' && p[3] != '-') ||
	    strncmp(p + 4, "bisect", 6) != 0 || (end - p > 10 && p[10] != ' ' && p[10] != '\t'))
		return 0;
	rc = split(rd, p + 10, end, &word);
	if (rc == 0)
		rc = command(rd, word);
	br_strv_free(rd->remark);
	rd->remark = NULL;
	return rc;
}

/* What other programs put in front of a text. Returns the length of the mark, or an error. */
static int skip_mark(const char *text, size_t n, struct br_err *err)
{
	const unsigned char *b = (const unsigned char *)text;

	if (n >= 2 && ((b[0] == 0xFF && b[1] == 0xFE) || (b[0] == 0xFE && b[1] == 0xFF)))
		return br_fail(err, BR_EPARSE, "this is UTF-16, as PowerShell writes it; save it as UTF-8");
	if (memchr(text, '\0', n))
		return br_fail(err, BR_EPARSE, "this is no text: it holds a NUL byte");
	return n >= 3 && b[0] == 0xEF && b[1] == 0xBB && b[2] == 0xBF ? 3 : 0;
}

int br_bisect_log_parse(struct br_bisect_log *out, const char *text, size_t n,
			const struct br_bisect_names *names, struct br_err *err)
{
	struct br_bisect_log log = {0};
	struct reader rd = {.log = &log, .names = names, .err = err};
	const char *p = text, *end = text + n;
	int rc = n > 0 ? skip_mark(text, n, err) : 0;

	if (rc > 0)
		p += rc;
	rc = rc < 0 ? rc : 0;
	while (rc == 0 && p < end) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));

		rd.line++;
		rc = read_line(&rd, p, newline ? newline : end);
		p = newline ? newline + 1 : end;
	}
	if (rc == 0 && !rd.started)
		rc = br_fail(err, BR_EPARSE,
			     "there is no line `git bisect start`: this is no log of git bisect");
	br_strv_free(rd.remark);
	if (rc != 0) {
		forget(&log);
		return rc;
	}
	*out = log;
	return 0;
}

bool br_bisect_log_finds_fix(const struct br_bisect_log *log)
{
	return strcmp(log->new_term, "fixed") == 0 || strcmp(log->old_term, "broken") == 0;
}

void br_bisect_log_done(struct br_bisect_log *log)
{
	if (log)
		forget(log);
}
