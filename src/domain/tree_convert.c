/*
 * tree_convert.c - which files of a commit cannot be written as they are, by gitattributes(5). Only git is asked for the bytes of those
 * (tree_filter.h): the manual leaves too much open (what is text, which $Id$ counts) to be sure of the same bytes, and a
 * work tree that differs from git's can turn a verdict. So a rule that may change a file counts as one that does.
 */
#include "domain/tree_convert.h"

#include "bisect_run/err.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "domain/repo_private.h"
#include "sys/file.h"

#include <string.h>
#include <strings.h>

enum { A_TEXT, A_EOL, A_IDENT, A_FILTER, A_ENCODING, NATTRS };
enum { ATTR_FILE_MAX = 1 << 20 };

static const char *const attr_names[NATTRS] = {"text", "eol", "ident", "filter", "working-tree-encoding"};

static int fail_git(struct br_err *err, const char *what)
{
	const git_error *e = git_error_last();

	return br_fail(err, BR_EGIT, "%s: %s", what, e ? e->message : "unknown error");
}

/* A snapshot's values live as long as it does; NULL: not set. */
static const char *setting(git_config *config, const char *name)
{
	const char *value = NULL;

	if (git_config_get_string(&value, config, name) != 0)
		value = NULL;
	git_error_clear();
	return value;
}

static bool is_true(git_config *config, const char *name)
{
	int value = 0;

	if (git_config_get_bool(&value, config, name) != 0)
		value = 0;
	git_error_clear();
	return value;
}

static int read_user_config(struct br_convert *c, struct br_err *err)
{
	git_config *live = NULL;
	int rc = br_config_trusted(&live, err);

	if (rc >= 0 && git_config_snapshot(&c->user, live) != 0)
		rc = fail_git(err, "cannot read the user's configuration");
	git_config_free(live);
	return rc;
}

int br_convert_init(struct br_convert *c, git_repository *repo, struct br_err *err)
{
	const char *eol;

	*c = (struct br_convert){.repo = repo};
	if (git_repository_config_snapshot(&c->config, repo) != 0)
		return fail_git(err, "cannot read the repository's configuration");
	eol = setting(c->config, "core.eol");
	c->may_add_cr = is_true(c->config, "core.autocrlf") || (eol && strcasecmp(eol, "crlf") == 0);
	return read_user_config(c, err);
}

void br_convert_done(struct br_convert *c)
{
	git_config_free(c->config);
	git_config_free(c->user);
	*c = (struct br_convert){0};
}

static bool is_word(const char *value, const char *word)
{
	return git_attr_value(value) == GIT_ATTR_VALUE_STRING && strcasecmp(value, word) == 0;
}

/* "text" unset wins over all; then "eol" over the configuration. */
static bool may_add_cr(const struct br_convert *c, const char *const *attrs)
{
	if (git_attr_value(attrs[A_TEXT]) == GIT_ATTR_VALUE_FALSE || is_word(attrs[A_EOL], "lf"))
		return false;
	return is_word(attrs[A_EOL], "crlf") || c->may_add_cr;
}

static bool has_encoding(const char *value)
{
	return git_attr_value(value) == GIT_ATTR_VALUE_STRING && *value && !is_word(value, "UTF-8") &&
	       !is_word(value, "UTF8");
}

static bool has_driver(git_config *config, const char *driver)
{
	br_auto_free char *smudge = br_asprintf("filter.%s.smudge", driver);
	br_auto_free char *process = br_asprintf("filter.%s.process", driver);
	br_auto_free char *required = br_asprintf("filter.%s.required", driver);
	const char *a = setting(config, smudge), *b = setting(config, process);

	return (a && *a) || (b && *b) || is_true(config, required);
}

/* A program that the repository alone names is not started: whoever made the repository could have chosen it. */
static int check_filter(const struct br_convert *c, const char *path, const char *driver, struct br_err *err)
{
	br_auto_free char *clean = NULL, *word = NULL;

	if (git_attr_value(driver) != GIT_ATTR_VALUE_STRING)
		return 0;
	if (has_driver(c->user, driver))
		return 1;
	if (!has_driver(c->config, driver))
		return 0; /* git writes the blob as it is */
	clean = br_text_clean(path, strlen(path), false);
	word = br_text_clean(driver, strlen(driver), false);
	return br_fail(
		err, BR_EUNSUPPORTED,
		"\"%s\" has the attribute filter=%s, whose program only the repository's configuration "
		"names; to trust it: git config --global filter.%s.smudge ...",
		clean, word, word);
}

int br_convert_needs_git(const struct br_convert *c, const char *path, struct br_err *err)
{
	git_attr_options opts = {.version = GIT_ATTR_OPTIONS_VERSION, .flags = GIT_ATTR_CHECK_INDEX_ONLY};
	const char *attrs[NATTRS], *names[NATTRS];
	int rc;

	memcpy(names, attr_names, sizeof names);
	if (git_attr_get_many_ext(attrs, c->repo, &opts, path, NATTRS, names) != 0)
		return fail_git(err, "cannot read .gitattributes");
	rc = check_filter(c, path, attrs[A_FILTER], err);
	if (rc != 0)
		return rc;
	return may_add_cr(c, attrs) || has_encoding(attrs[A_ENCODING]) ||
	       git_attr_value(attrs[A_IDENT]) == GIT_ATTR_VALUE_TRUE;
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

	if (git_config_foreach(c->config, add_entry, &b) != 0 ||
	    git_config_foreach(c->user, add_entry, &b) != 0)
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
