/* tree_modules.c - .gitmodules, and the places where git keeps clones of submodules. */
#include "domain/tree_modules.h"

#include "bisect_run/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "domain/tree_delta.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static char *skip_blanks(char *s)
{
	while (*s == ' ' || *s == '\t')
		s++;
	return s;
}

/* Takes quotes, backslashes and a comment out of a value, in place. */
static char *plain_value(char *s)
{
	char *out = s, *to = s, *end = s;
	bool quoted = false;

	for (; *s && (quoted || (*s != '#' && *s != ';')); s++) {
		if (*s == '"') {
			quoted = !quoted;
			end = to;
			continue;
		}
		if (*s == '\\' && s[1])
			s++;
		*to++ = *s;
		if (quoted || !isspace((unsigned char)*s))
			end = to;
	}
	*end = '\0';
	return out;
}

/* The name in `[submodule "NAME"]`, in place; NULL: another section. */
static char *section_name(char *line)
{
	static const char word[] = "submodule";
	char *s = skip_blanks(line + 1), *to, *name;

	if (strncasecmp(s, word, sizeof word - 1) != 0)
		return NULL;
	s = skip_blanks(s + sizeof word - 1);
	if (*s++ != '"')
		return NULL;
	for (name = to = s; *s && *s != '"'; s++) {
		if (*s == '\\' && s[1])
			s++;
		*to++ = *s;
	}
	if (*s != '"')
		return NULL;
	*to = '\0';
	return name;
}

/* The value of a line `path = VALUE`, in place; NULL: another line. */
static char *path_value(char *line)
{
	char *s = skip_blanks(line + 4);

	if (strncasecmp(line, "path", 4) != 0 || *s != '=')
		return NULL;
	return plain_value(skip_blanks(s + 1));
}

char *br_modules_name(const char *text, size_t n, const char *path)
{
	br_auto_free char *copy = br_strndup(text, n);
	char *rest = copy, *line, *section = NULL, *found = NULL;

	while ((line = strsep(&rest, "\n"))) {
		char *value;

		line = skip_blanks(line);
		if (*line == '[') {
			section = section_name(line);
			continue;
		}
		value = section && strlen(line) > 4 ? path_value(line) : NULL;
		if (value && strcmp(value, path) == 0)
			found = section;
	}
	return br_strdup_or_null(found);
}

/* Where the search for a clone stands. */
struct search {
	const git_oid *commit;
	char *found; /* the clone that has the commit */
	char *other; /* one that has it not */
};

static void look_into(struct search *s, const char *dir, unsigned flags)
{
	git_repository *repo = NULL;
	git_odb *odb = NULL;

	if (s->found)
		return;
	if (git_repository_open_ext(&repo, dir, flags | GIT_REPOSITORY_OPEN_NO_SEARCH, NULL) == 0 &&
	    git_repository_odb(&odb, repo) == 0) {
		char **into = git_odb_exists(odb, s->commit) ? &s->found : &s->other;

		if (!*into)
			*into = br_strdup(git_repository_commondir(repo));
	}
	git_odb_free(odb);
	git_repository_free(repo);
	git_error_clear();
}

static void look_by_name(struct search *s, const char *git_dir, const char *name)
{
	br_auto_free char *dir = git_dir ? br_asprintf("%s/modules/%s", git_dir, name) : NULL;

	if (dir)
		look_into(s, dir, GIT_REPOSITORY_OPEN_BARE | GIT_REPOSITORY_OPEN_NO_DOTGIT);
}

static int fail_missing(const struct search *s, const char *path, struct br_err *err)
{
	char hex[GIT_OID_HEXSZ + 1];
	br_auto_free char *clean = br_text_clean(path, strlen(path), false);

	return br_fail(err, BR_ECORRUPT,
		       "the submodule \"%s\" is needed at %s, which your clone of it lacks: git fetch in it",
		       clean, git_oid_tostr(hex, sizeof hex, s->commit));
}

int br_modules_find(const struct br_modules_home *home, const char *name, const char *path,
		    const git_oid *commit, char **common_dir, struct br_err *err)
{
	struct search s = {.commit = commit};
	br_auto_free char *checkout = home->workdir ? br_asprintf("%s/%s", home->workdir, path) : NULL;
	br_auto_free char *other = NULL;

	/* A name like "../x" would lead out of the folder; git refuses it too. */
	if (name && br_tree_path_ok(name)) {
		look_by_name(&s, home->git_dir, name);
		look_by_name(&s, home->common_dir, name);
	}
	if (checkout)
		look_into(&s, checkout, 0);
	other = s.other;
	if (s.found) {
		*common_dir = s.found;
		return 1;
	}
	return s.other ? fail_missing(&s, path, err) : 0;
}
