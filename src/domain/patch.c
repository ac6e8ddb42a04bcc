/* patch.c - reads diffs; which paths they name is git's to say, so that there is one reading of them. */
#include "domain/patch.h"

#include "bisect_run/err.h"
#include "base/mem.h"
#include "domain/repo_private.h"
#include "domain/tree_delta.h"
#include "sys/file.h"

#include <string.h>

/* A hot-fix is some lines; what is larger would be applied before every trial. */
enum { PATCH_MAX = 64 << 20 };

static int octal(const char *s)
{
	int value = 0;

	for (int i = 0; i < 3; i++) {
		if (s[i] < '0' || s[i] > '7')
			return -1;
		value = value * 8 + (s[i] - '0');
	}
	return value < 256 ? value : -1;
}

/* One escape of a quoted name behind its backslash; moves *s behind it. */
static char unescape(const char **s)
{
	static const char letter[] = "abtnvfr", meaning[] = "\a\b\t\n\v\f\r";
	const char *at = **s ? strchr(letter, **s) : NULL;
	int byte = octal(*s);

	if (byte >= 0) {
		*s += 3;
		return (char)byte;
	}
	if (**s)
		(*s)++;
	return at ? meaning[at - letter] : (*s)[-1];
}

/* A name as git prints it: in quotes when it holds strange bytes. The caller frees. */
static char *unquote(const char *s, size_t n)
{
	br_auto_free char *word = br_strndup(s, n);
	const char *p = word;
	char *out, *to;

	if (*p != '"')
		return br_steal(&word);
	out = to = br_malloc(n + 1);
	for (p++; *p && *p != '"';) {
		if (*p == '\\' && p[1]) {
			p++;
			*to++ = unescape(&p);
		} else {
			*to++ = *p++;
		}
	}
	*to = '\0';
	return out;
}

static void add_path(struct br_patch *p, const char *s, size_t n)
{
	br_auto_free char *path = unquote(s, n);

	if (!br_tree_path_ok(path))
		return; /* git apply refuses it */
	for (size_t i = 0; i < br_strv_len(p->path); i++) {
		if (strcmp(p->path[i], path) == 0)
			return;
	}
	br_strv_add(&p->path, path);
}

/* Lines "ADDED<tab>DELETED<tab>NAME". */
static void add_listed(struct br_patch *p, const char *list)
{
	for (const char *line = list; *line;) {
		size_t n = strcspn(line, "\n");
		const char *tab = memchr(line, '\t', n);

		tab = tab ? memchr(tab + 1, '\t', n - (size_t)(tab + 1 - line)) : NULL;
		if (tab)
			add_path(p, tab + 1, n - (size_t)(tab + 1 - line));
		line += n + (line[n] == '\n');
	}
}

/* The list names only what is there afterwards. */
static void add_origins(struct br_patch *p)
{
	static const char *const word[] = {"rename from ", "copy from "};

	for (const char *line = p->text; *line;) {
		size_t n = strcspn(line, "\n");

		for (size_t i = 0; i < sizeof word / sizeof *word; i++) {
			size_t k = strlen(word[i]);

			if (n > k && strncmp(line, word[i], k) == 0)
				add_path(p, line + k, n - k);
		}
		line += n + (line[n] == '\n');
	}
}

int br_patch_read(struct br_patch *out, struct br_repo *r, const char *file, const char *name,
		  struct br_err *err)
{
	const char *const args[] = {"apply", "--numstat", "--", file, NULL};
	br_auto_free char *list = NULL;
	int rc;

	*out = (struct br_patch){.name = br_strdup(name)};
	rc = br_file_read(file, PATCH_MAX, &out->text, &out->n, err);
	if (rc < 0)
		return rc;
	rc = br_repo_ask_git(r, args, &list, err);
	if (rc < 0)
		return rc;
	if (rc == 0)
		return br_fail(err, BR_ESTATE, "%s is no diff that git can apply: %.200s", name,
			       list && *list ? list : "no reason given");
	add_listed(out, list);
	add_origins(out);
	return 0;
}

static int open_trees(git_commit *commit, git_tree **from, git_tree **to)
{
	git_commit *parent = NULL;
	int rc = git_commit_tree(to, commit);

	*from = NULL;
	if (rc == 0 && git_commit_parentcount(commit) > 0) {
		rc = git_commit_parent(&parent, commit, 0);
		if (rc == 0)
			rc = git_commit_tree(from, parent);
	}
	git_commit_free(parent);
	return rc;
}

static int take_diff(struct br_patch *out, git_diff *diff)
{
	git_buf text = {0};
	int rc = git_diff_to_buf(&text, diff, GIT_DIFF_FORMAT_PATCH);

	for (size_t i = 0; rc == 0 && i < git_diff_num_deltas(diff); i++) {
		const git_diff_delta *d = git_diff_get_delta(diff, i);

		add_path(out, d->old_file.path, strlen(d->old_file.path));
		add_path(out, d->new_file.path, strlen(d->new_file.path));
	}
	if (rc == 0) {
		out->n = text.size;
		out->text = br_strndup(text.ptr ? text.ptr : "", text.size);
	}
	git_buf_dispose(&text);
	return rc;
}

int br_patch_of_commit(struct br_patch *out, struct br_repo *r, const char *oid, const char *name,
		       struct br_err *err)
{
	git_diff_options opts = {.version = GIT_DIFF_OPTIONS_VERSION,
				 .context_lines = 3,
				 .id_abbrev = GIT_OID_HEXSZ,
				 .max_size = PATCH_MAX,
				 .flags = GIT_DIFF_SHOW_BINARY};
	git_commit *commit = NULL;
	git_tree *from = NULL, *to = NULL;
	git_diff *diff = NULL;
	int rc;

	*out = (struct br_patch){.name = br_strdup(name)};
	rc = br_repo_commit(r, oid, &commit, err);
	if (rc < 0)
		return rc;
	rc = open_trees(commit, &from, &to);
	if (rc == 0)
		rc = git_diff_tree_to_tree(&diff, r->git, from, to, &opts);
	if (rc == 0)
		rc = take_diff(out, diff);
	if (rc < 0)
		rc = br_git_fail(err, BR_ESTATE, "cannot read what %s changed", name);
	git_diff_free(diff);
	git_tree_free(from);
	git_tree_free(to);
	git_commit_free(commit);
	return rc;
}

void br_patch_copy(struct br_patch *out, const struct br_patch *from)
{
	*out = (struct br_patch){
		.name = br_strdup(from->name), .n = from->n, .path = br_strv_copy(from->path)};
	out->text = br_malloc(from->n + 1);
	memcpy(out->text, from->text, from->n);
	out->text[from->n] = '\0';
}

void br_patch_done(struct br_patch *p)
{
	free(p->name);
	free(p->text);
	br_strv_free(p->path);
	*p = (struct br_patch){0};
}
