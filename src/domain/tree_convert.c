/*
 * tree_convert.c - line ends and $Id$ as git 2.39's convert.c defines them. libgit2's own filters differ from git in binary files
 * with $Id$ and in what they take for binary, and a work tree that differs from git's can turn a verdict.
 */
#include "domain/tree_convert.h"

#include "bisect_run/err.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "sys/file.h"

#include <string.h>
#include <strings.h>

enum { A_TEXT, A_CRLF, A_EOL, A_IDENT, A_FILTER, A_ENCODING, A_BINARY, NATTRS };
enum { ATTR_FILE_MAX = 1 << 20 };

static const char *const attr_names[NATTRS] = {
	"text", "crlf", "eol", "ident", "filter", "working-tree-encoding", "binary"};

enum line_ends { ENDS_KEEP, ENDS_CRLF, ENDS_CRLF_IF_TEXT };

/* What the attributes and the configuration ask for. */
struct conversion {
	enum line_ends ends;
	bool ident;
	/* git has two readings of $Id$: one for files that it must see whole before it decides, one for streams. */
	bool whole;
};

static int fail_git(struct br_err *err, const char *what)
{
	const git_error *e = git_error_last();

	return br_fail(err, BR_EGIT, "%s: %s", what, e ? e->message : "unknown error");
}

/* The value of a configuration variable, or NULL. The caller frees. */
static char *config_text(const struct br_convert *c, const char *name)
{
	git_buf buf = {0};
	char *out = NULL;

	if (git_config_get_string_buf(&buf, c->config, name) == 0)
		out = br_strndup(buf.ptr, buf.size);
	git_buf_dispose(&buf);
	git_error_clear();
	return out;
}

static bool config_true(const struct br_convert *c, const char *name)
{
	int value = 0;

	if (git_config_get_bool(&value, c->config, name) != 0)
		value = 0;
	git_error_clear();
	return value;
}

static bool config_set(const struct br_convert *c, const char *driver, const char *key)
{
	br_auto_free char *name = br_asprintf("filter.%s.%s", driver, key);
	br_auto_free char *value = config_text(c, name);

	return value && *value;
}

int br_convert_init(struct br_convert *c, git_repository *repo, struct br_err *err)
{
	br_auto_free char *autocrlf = NULL, *eol = NULL;

	*c = (struct br_convert){.repo = repo};
	if (git_repository_config_snapshot(&c->config, repo) != 0)
		return fail_git(err, "cannot read the repository's configuration");
	autocrlf = config_text(c, "core.autocrlf");
	eol = config_text(c, "core.eol");
	if (autocrlf && strcasecmp(autocrlf, "input") == 0)
		c->autocrlf = BR_AUTOCRLF_INPUT;
	else if (config_true(c, "core.autocrlf"))
		c->autocrlf = BR_AUTOCRLF_TRUE;
	c->eol_is_crlf = c->autocrlf == BR_AUTOCRLF_TRUE ||
			 (c->autocrlf == BR_AUTOCRLF_FALSE && eol && strcasecmp(eol, "crlf") == 0);
	return 0;
}

void br_convert_done(struct br_convert *c)
{
	git_config_free(c->config);
	*c = (struct br_convert){0};
}

static bool is_text(const char *value, const char *word)
{
	return git_attr_value(value) == GIT_ATTR_VALUE_STRING && strcasecmp(value, word) == 0;
}

/* What the attributes text and crlf (its old name) say: the first that says something counts. */
enum rule { RULE_NONE, RULE_TEXT, RULE_BINARY, RULE_LF, RULE_AUTO };

static enum rule rule_of(const char *value)
{
	switch (git_attr_value(value)) {
	case GIT_ATTR_VALUE_TRUE:
		return RULE_TEXT;
	case GIT_ATTR_VALUE_FALSE:
		return RULE_BINARY;
	case GIT_ATTR_VALUE_STRING:
		return strcmp(value, "input") == 0  ? RULE_LF
		       : strcmp(value, "auto") == 0 ? RULE_AUTO
						    : RULE_NONE;
	case GIT_ATTR_VALUE_UNSPECIFIED:
	default:
		return RULE_NONE;
	}
}

static enum line_ends ends_without_eol(const struct br_convert *c, enum rule rule)
{
	switch (rule) {
	case RULE_TEXT:
		return c->eol_is_crlf ? ENDS_CRLF : ENDS_KEEP;
	case RULE_AUTO:
		return c->eol_is_crlf ? ENDS_CRLF_IF_TEXT : ENDS_KEEP;
	case RULE_NONE:
		return c->autocrlf == BR_AUTOCRLF_TRUE ? ENDS_CRLF_IF_TEXT : ENDS_KEEP;
	case RULE_BINARY:
	case RULE_LF:
		break;
	}
	return ENDS_KEEP;
}

static bool says(const char *value, const char *word)
{
	return git_attr_value(value) == GIT_ATTR_VALUE_STRING && strcmp(value, word) == 0;
}

static struct conversion conversion_of(const struct br_convert *c, const char *const *attrs)
{
	struct conversion out = {.ident = git_attr_value(attrs[A_IDENT]) == GIT_ATTR_VALUE_TRUE};
	enum rule rule = rule_of(attrs[A_TEXT]);
	bool lf = says(attrs[A_EOL], "lf"), crlf = says(attrs[A_EOL], "crlf");

	/* libgit2's macro "binary" has -crlf in it, git's has not (it shows where text is taken back). */
	if (rule == RULE_NONE &&
	    !(rule_of(attrs[A_CRLF]) == RULE_BINARY && rule_of(attrs[A_BINARY]) == RULE_TEXT))
		rule = rule_of(attrs[A_CRLF]);
	if (rule == RULE_AUTO)
		out.whole = !lf;
	else if (rule == RULE_NONE && !lf && !crlf)
		out.whole = c->autocrlf == BR_AUTOCRLF_TRUE;
	if (git_attr_value(attrs[A_FILTER]) == GIT_ATTR_VALUE_STRING &&
	    config_set(c, attrs[A_FILTER], "clean"))
		out.whole = true;
	if (rule == RULE_BINARY || lf)
		out.ends = ENDS_KEEP;
	else if (crlf)
		out.ends = rule == RULE_AUTO ? ENDS_CRLF_IF_TEXT : ENDS_CRLF;
	else
		out.ends = ends_without_eol(c, rule);
	return out;
}

struct counts {
	size_t lone_cr, lone_lf, crlf, nul, printable, other;
};

static void count(const unsigned char *s, size_t n, struct counts *k)
{
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '\r' && i + 1 < n && s[i + 1] == '\n') {
			k->crlf++;
			i++;
		} else if (s[i] == '\r') {
			k->lone_cr++;
		} else if (s[i] == '\n') {
			k->lone_lf++;
		} else if (s[i] == 0) {
			k->nul++;
		} else if (s[i] == 127 || (s[i] < 32 && !memchr("\b\t\033\014", s[i], 4))) {
			k->other++;
		} else {
			k->printable++;
		}
	}
	if (n && s[n - 1] == 032) /* an end-of-file mark of DOS */
		k->other--;
}

static bool wants_crlf(enum line_ends ends, const char *s, size_t n)
{
	struct counts k = {0};

	if (ends == ENDS_KEEP || n == 0)
		return false;
	count((const unsigned char *)s, n, &k);
	if (k.lone_lf == 0)
		return false;
	if (ends == ENDS_CRLF)
		return true;
	return !k.lone_cr && !k.crlf && !k.nul && (k.printable >> 7) >= k.other;
}

static void add_crlf(struct br_buf *out, const char *s, size_t n)
{
	for (size_t at = 0; at < n;) {
		const char *lf = memchr(s + at, '\n', n - at);
		size_t end = lf ? (size_t)(lf - s) : n;

		br_buf_add(out, s + at, end - at);
		if (!lf)
			return;
		if (end == 0 || s[end - 1] != '\r')
			br_buf_char(out, '\r');
		br_buf_char(out, '\n');
		at = end + 1;
	}
}

/* Length of the keyword that starts after a dollar at s: "Id$" or "Id:...$"; 0: none; n + 1: none in all the rest. */
static size_t id_length(const char *s, size_t n)
{
	const char *dollar, *space;

	if (n < 3 || memcmp(s, "Id", 2) != 0)
		return 0;
	if (s[2] == '$')
		return 3;
	if (s[2] != ':')
		return 0;
	dollar = memchr(s + 3, '$', n - 3);
	if (!dollar)
		return n + 1;
	if (memchr(s + 3, '\n', (size_t)(dollar - s) - 3))
		return 0;
	/* Blanks inside: an expansion by another system; git leaves it alone. */
	space = dollar - s > 4 ? memchr(s + 4, ' ', (size_t)(dollar - s) - 4) : NULL;
	if (space && space < dollar - 1)
		return 0;
	return (size_t)(dollar - s) + 1;
}

static bool has_id(const char *s, size_t n)
{
	return n >= 4 && (memmem(s, n, "$Id$", 4) || memmem(s, n, "$Id:", 4));
}

/* git's ident_to_worktree: a keyword may begin at any dollar. */
static void expand_whole(struct br_buf *out, const struct br_convert_blob *b)
{
	char hex[GIT_OID_HEXSZ + 1];
	const char *s = b->data;
	size_t left = b->n;

	(void)git_oid_tostr(hex, sizeof hex, b->id);
	for (;;) {
		const char *dollar = left ? memchr(s, '$', left) : NULL;
		size_t skip;

		if (!dollar)
			break;
		skip = (size_t)(dollar - s) + 1;
		br_buf_add(out, s, skip);
		s += skip;
		left -= skip;
		skip = id_length(s, left);
		if (skip > left)
			break;
		if (!skip)
			continue;
		br_buf_fmt(out, "Id: %s $", hex);
		s += skip;
		left -= skip;
	}
	br_buf_add(out, s, left);
}

/* True for "$Id: word ... $", s being all of it: another system wrote that. */
static bool is_foreign(const char *s, size_t n)
{
	if (n < 5 || memcmp(s, "$Id: ", 5) != 0)
		return false;
	for (size_t i = 5; i + 1 < n && s[i]; i++) {
		if (memchr(" \t\v\f\r", s[i], 5) && s[i + 1] != '$')
			return true;
	}
	return false;
}

/* Length of what git's ident_filter_fn takes at the dollar s as one piece; *is_id: to be replaced. */
static size_t stream_piece(const char *s, size_t n, bool *is_id)
{
	static const char head[] = "$Id";
	size_t k = 1;

	*is_id = false;
	while (k < 3 && k < n && s[k] == head[k])
		k++;
	if (k == n)
		return n;
	if (k < 3 || (s[3] != '$' && s[3] != ':')) /* the byte that does not fit is never a new beginning */
		return k == 3 && !s[3] && n > 4 ? 5 : k + 1;
	if (s[3] == ':') {
		for (k = 4; k < n && s[k] != '$' && s[k] != '\n';)
			k++;
		if (k == n)
			return n;
	}
	*is_id = s[k] == '$' && !is_foreign(s, k + 1);
	return k + 1;
}

static void expand_stream(struct br_buf *out, const struct br_convert_blob *b)
{
	char hex[GIT_OID_HEXSZ + 1];

	(void)git_oid_tostr(hex, sizeof hex, b->id);
	for (size_t at = 0; at < b->n;) {
		const char *dollar = memchr(b->data + at, '$', b->n - at);
		size_t next = dollar ? (size_t)(dollar - b->data) : b->n, len;
		bool is_id;

		br_buf_add(out, b->data + at, next - at);
		if (!dollar)
			return;
		len = stream_piece(dollar, b->n - next, &is_id);
		if (is_id)
			br_buf_fmt(out, "$Id: %s $", hex);
		else
			br_buf_add(out, dollar, len);
		at = next + len;
	}
}

static int refuse(const char *path, const char *what, const char *value, struct br_err *err)
{
	br_auto_free char *clean = br_text_clean(path, strlen(path), false);
	br_auto_free char *word = br_text_clean(value, strlen(value), false);

	return br_fail(err, BR_EUNSUPPORTED,
		       "\"%s\" has the attribute %s=%s, which cannot be applied in a private work tree",
		       clean, what, word);
}

static bool needs_program(const struct br_convert *c, const char *driver)
{
	br_auto_free char *required = br_asprintf("filter.%s.required", driver);

	return config_set(c, driver, "smudge") || config_set(c, driver, "process") ||
	       config_true(c, required);
}

static int check(const struct br_convert *c, const char *path, const char *const *attrs, struct br_err *err)
{
	const char *code = attrs[A_ENCODING];
	git_attr_value_t kind = git_attr_value(code);

	if (git_attr_value(attrs[A_FILTER]) == GIT_ATTR_VALUE_STRING && needs_program(c, attrs[A_FILTER]))
		return refuse(path, "filter", attrs[A_FILTER], err);
	if (kind == GIT_ATTR_VALUE_STRING && *code && !is_text(code, "UTF-8") && !is_text(code, "UTF8"))
		return refuse(path, "working-tree-encoding", code, err);
	return 0;
}

int br_convert_apply(const struct br_convert *c, const struct br_convert_blob *blob, char **out, size_t *n,
		     struct br_err *err)
{
	git_attr_options opts = {.version = GIT_ATTR_OPTIONS_VERSION, .flags = GIT_ATTR_CHECK_INDEX_ONLY};
	const char *attrs[NATTRS], *names[NATTRS], *data = blob->data;
	struct br_buf id = {0}, ends = {0};
	struct conversion how;
	size_t len = blob->n;
	int rc;

	memcpy(names, attr_names, sizeof names);
	if (git_attr_get_many_ext(attrs, c->repo, &opts, blob->path, NATTRS, names) != 0)
		return fail_git(err, "cannot read .gitattributes");
	rc = check(c, blob->path, attrs, err);
	if (rc < 0)
		return rc;
	how = conversion_of(c, attrs);
	if (how.ident && has_id(data, len)) {
		(how.whole ? expand_whole : expand_stream)(&id, blob);
		data = id.data;
		len = id.len;
	}
	if (wants_crlf(how.ends, data, len)) {
		add_crlf(&ends, data, len);
		len = ends.len;
		br_buf_done(&id);
	}
	*out = ends.data ? ends.data : id.data;
	*n = len;
	return 0;
}

static int add_entry(const git_config_entry *e, void *payload)
{
	struct br_buf *b = payload;

	if (strncmp(e->name, "filter.", 7) == 0 || strncmp(e->name, "core.", 5) == 0)
		br_buf_fmt(b, "%s=%s\n", e->name, e->value ? e->value : "");
	return 0;
}

static void add_file(struct br_buf *b, const char *path)
{
	br_auto_free char *data = NULL;
	size_t n = 0;

	br_buf_fmt(b, "%s\n", path);
	if (br_file_read(path, ATTR_FILE_MAX, &data, &n, NULL) == 0)
		br_buf_add(b, data, n);
	br_buf_char(b, '\n');
}

static void add_user_file(struct br_buf *b)
{
	const char *home = getenv("HOME"), *xdg = getenv("XDG_CONFIG_HOME");
	br_auto_free char *path = NULL;

	if (xdg && *xdg)
		path = br_asprintf("%s/git/attributes", xdg);
	else if (home)
		path = br_asprintf("%s/.config/git/attributes", home);
	if (path)
		add_file(b, path);
}

int br_convert_rules(const struct br_convert *c, git_oid *out, struct br_err *err)
{
	struct br_buf b = {0};
	br_auto_free char *local = br_asprintf("%sinfo/attributes", git_repository_commondir(c->repo));
	git_buf path = {0};
	int rc = 0;

	if (git_config_foreach(c->config, add_entry, &b) != 0)
		rc = fail_git(err, "cannot read the repository's configuration");
	if (git_config_get_path(&path, c->config, "core.attributesfile") == 0)
		add_file(&b, path.ptr);
	git_buf_dispose(&path);
	add_user_file(&b);
	add_file(&b, "/etc/gitattributes");
	add_file(&b, local);
	/* After a crash of the machine files may be empty that were written: trust ends with the boot. */
	add_file(&b, "/proc/sys/kernel/random/boot_id");
	if (rc == 0 && git_odb_hash(out, b.data, b.len, GIT_OBJECT_BLOB) != 0)
		rc = fail_git(err, "cannot hash");
	br_buf_done(&b);
	return rc;
}
