/* pathspec.c - git's pathspecs, matched against paths. */
#include "domain/pathspec_private.h"

#include "base/buf.h"
#include "base/mem.h"
#include "bisect_run/err.h"

#include <ctype.h>
#include <fnmatch.h>
#include <string.h>
#include <strings.h>

/* Wildcards are tried from every place: this bounds what a hostile pattern can cost. */
enum { MAX_STEPS = 100000 };

static bool same_byte(char a, char b, bool icase)
{
	return a == b || (icase && tolower((unsigned char)a) == tolower((unsigned char)b));
}

static bool same_text(const char *a, const char *b, size_t n, bool icase)
{
	return icase ? strncasecmp(a, b, n) == 0 : strncmp(a, b, n) == 0;
}

/* Length of "[...]" at p; 0: it is not closed, and so a plain bracket. */
static size_t class_length(const char *p)
{
	size_t i = 1;

	if (p[i] == '!' || p[i] == '^')
		i++;
	if (p[i] == ']')
		i++;
	while (p[i] && p[i] != ']')
		i += p[i] == '\\' && p[i + 1]	      ? 2
		     : p[i] == '[' && p[i + 1] == ':' ? strcspn(p + i, "]") + 1
						      : 1;
	return p[i] ? i + 1 : 0;
}

static bool in_class(const char *p, size_t n, char byte, bool icase)
{
	char class[256], text[2] = {byte, '\0'};

	if (n >= sizeof class || byte == '/')
		return false;
	memcpy(class, p, n);
	class[n] = '\0';
	return fnmatch(class, text, icase ? FNM_CASEFOLD : 0) == 0;
}

static bool wild(const struct br_pathspec_item *it, const char *p, const char *s, int *steps);

/* p stands on a star. With glob magic one star stays within a folder, and two of them between slashes do not. */
static bool star(const struct br_pathspec_item *it, const char *p, const char *s, int *steps)
{
	bool deep = !it->glob, two = p[1] == '*';

	if (it->glob && two && (p == it->match || p[-1] == '/') && (p[2] == '/' || !p[2])) {
		if (p[2] == '/' && wild(it, p + 3, s, steps))
			return true;
		deep = true;
	}
	while (*p == '*')
		p++;
	for (;; s++) {
		if (wild(it, p, s, steps))
			return true;
		if (!*s || (*s == '/' && !deep) || *steps <= 0)
			return false;
	}
}

static bool wild(const struct br_pathspec_item *it, const char *p, const char *s, int *steps)
{
	for (; *p; s++) {
		size_t n;

		if (--*steps <= 0)
			return false;
		if (*p == '*')
			return star(it, p, s, steps);
		if (!*s)
			return false;
		n = *p == '[' ? class_length(p) : 0;
		if (n) {
			if (!in_class(p, n, *s, it->icase))
				return false;
			p += n;
			continue;
		}
		if (*p == '?' ? *s == '/' && it->glob : !same_byte(*(p += *p == '\\' && p[1]), *s, it->icase))
			return false;
		p++;
	}
	return !*s;
}

static bool item_matches(const struct br_pathspec_item *it, const char *path)
{
	int steps = MAX_STEPS;

	if (it->plain == it->len) {
		if (!same_text(it->match, path, it->len, it->icase))
			return false;
		return it->len == 0 || path[it->len] == '/' || (!path[it->len] && !it->folder);
	}
	return same_text(it->match, path, it->plain, it->icase) &&
	       wild(it, it->match + it->plain, path + it->plain, &steps);
}

bool br_pathspec_match(const struct br_pathspec *p, const char *path)
{
	bool in = p->only_excludes;

	for (size_t i = 0; i < p->n; i++) {
		const struct br_pathspec_item *it = &p->item[i];

		if (!item_matches(it, path))
			continue;
		if (it->exclude)
			return false;
		in = true;
	}
	return in;
}

bool br_pathspec_may_be_below(const struct br_pathspec *p, const char *folder, size_t n)
{
	if (p->only_excludes || n == 0)
		return true;
	for (size_t i = 0; i < p->n; i++) {
		const struct br_pathspec_item *it = &p->item[i];
		size_t common = n < it->plain ? n : it->plain;

		if (it->exclude || !same_text(it->match, folder, common, it->icase))
			continue;
		/* Both ends of a name: "src" is not above "srcx/a", nor below "sr". */
		if (n < it->plain
			    ? it->match[n] == '/'
			    : it->plain < it->len || !it->len || n == it->plain || folder[it->plain] == '/')
			return true;
	}
	return false;
}

static int set_magic(struct br_pathspec_item *it, const char *word, size_t n, struct br_err *err)
{
	static const char *const names[] = {"top", "literal", "glob", "icase", "exclude", ""};
	size_t i = 0;

	while (i < sizeof names / sizeof *names && (strlen(names[i]) != n || strncmp(word, names[i], n) != 0))
		i++;
	it->literal |= i == 1;
	it->glob |= i == 2;
	it->icase |= i == 3;
	it->exclude |= i == 4;
	if (i == sizeof names / sizeof *names)
		return br_fail(err, BR_EUSAGE, "--path: pathspec magic '%.*s' is not supported", (int)n,
			       word);
	return 0;
}

/* Reads ":(a,b)", ":!", ":^", ":/" and combinations; *word is moved behind them. */
static int read_magic(struct br_pathspec_item *it, const char **word, struct br_err *err)
{
	const char *p = *word + 1;

	if (*p == '(') {
		const char *end = strchr(p, ')');

		if (!end)
			return br_fail(err, BR_EUSAGE, "--path: missing ')' in '%s'", *word);
		while (p < end) {
			size_t n = strcspn(++p, ",)");

			if (set_magic(it, p, n, err) < 0)
				return BR_EUSAGE;
			p += n;
		}
		*word = end + 1;
		return 0;
	}
	for (; *p == '!' || *p == '^' || *p == '/'; p++)
		it->exclude |= *p != '/';
	if (*p && *p != ':' && ispunct((unsigned char)*p) && !strchr("\\.*?[_-", *p))
		return br_fail(err, BR_EUSAGE, "--path: pathspec magic '%c' in '%s' is not supported", *p,
			       *word);
	*word = p + (*p == ':');
	return 0;
}

/* "./a//b/../c/" to "a/c"; a slash at the end asks for a folder. */
static int set_path(struct br_pathspec_item *it, const char *word, struct br_err *err)
{
	struct br_buf path = {0};
	const char *p = word;

	br_buf_str(&path, "");
	while (*p) {
		size_t n = strcspn(p, "/");
		bool up = n == 2 && p[0] == '.' && p[1] == '.';

		if (up && path.len == 0) {
			br_buf_done(&path);
			return br_fail(err, BR_EUSAGE, "--path: '%s' is outside of the repository", word);
		}
		if (up) {
			const char *slash = memrchr(path.data, '/', path.len);

			path.len = slash ? (size_t)(slash - path.data) : 0;
			path.data[path.len] = '\0';
		} else if (n && !(n == 1 && *p == '.')) {
			br_buf_str(&path, path.len ? "/" : "");
			br_buf_add(&path, p, n);
		}
		p += n;
		it->folder = *p == '/' || up || (n == 1 && p[-1] == '.');
		p += *p == '/';
	}
	it->match = br_buf_take(&path);
	it->len = strlen(it->match);
	it->plain = it->literal ? it->len : strcspn(it->match, "*?[\\");
	return 0;
}

static int add_item(struct br_pathspec *p, const char *word, struct br_err *err)
{
	struct br_pathspec_item *it = &p->item[p->n];
	int rc = 0;

	if (*word == ':')
		rc = read_magic(it, &word, err);
	if (rc == 0 && *word == '/')
		rc = br_fail(err, BR_EUSAGE, "--path: '%s' must be relative to the top folder", word);
	if (rc == 0)
		rc = set_path(it, word, err);
	if (rc < 0)
		return rc;
	p->only_excludes &= it->exclude;
	p->n++;
	return 0;
}

int br_pathspec_open(struct br_pathspec **out, char *const *words, struct br_err *err)
{
	struct br_pathspec *p = br_calloc(1, sizeof *p);

	p->item = br_calloc(br_strv_len(words), sizeof *p->item);
	p->only_excludes = true;
	for (size_t i = 0; words && words[i]; i++) {
		int rc = add_item(p, words[i], err);

		if (rc < 0) {
			br_pathspec_close(p);
			return rc;
		}
	}
	*out = p;
	return 0;
}

void br_pathspec_close(struct br_pathspec *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n; i++)
		free(p->item[i].match);
	free(p->item);
	free(p);
}
