/* overrides.c - replace refs, grafts and shallow boundaries, as git reads them. */
#include "domain/overrides.h"

#include "base/mem.h"
#include "bisect_run/err.h"
#include "domain/repo_private.h"
#include "sys/file.h"

#include <string.h>

enum { MAX_FILE = 256 * 1024 * 1024, MAX_DEPTH = 5 };

static void add_parent(struct br_overrides *o, const git_oid *id)
{
	br_grow(&o->parent, o->nparent, &o->parent_cap);
	o->parent[o->nparent++] = *id;
}

/* "commit parent parent ..."; for shallow boundaries the commit alone. */
static int add_graft(struct br_overrides *o, char *line)
{
	struct br_graft graft = {.at = (uint32_t)o->nparent};
	char *save = NULL, *word = strtok_r(line, " \t\r", &save);

	if (!word || word[0] == '#')
		return 0;
	if (strlen(word) != GIT_OID_HEXSZ || git_oid_fromstr(&graft.id, word) < 0)
		return -1;
	while ((word = strtok_r(NULL, " \t\r", &save))) {
		git_oid parent;

		if (strlen(word) != GIT_OID_HEXSZ || git_oid_fromstr(&parent, word) < 0)
			return -1;
		add_parent(o, &parent);
		graft.n++;
	}
	br_grow(&o->graft, o->ngraft, &o->graft_cap);
	o->graft[o->ngraft++] = graft;
	return 0;
}

static int read_file(struct br_overrides *o, const char *path, struct br_err *err)
{
	br_auto_free char *text = NULL;
	char *save = NULL;
	size_t n;

	if (access(path, F_OK) != 0)
		return 0;
	if (br_file_read(path, MAX_FILE, &text, &n, err) < 0)
		return br_wrap(err, "cannot read %s", path);
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (add_graft(o, line) < 0)
			return br_fail(err, BR_ESTATE, "%s: bad line '%.100s'", path, line);
	return 0;
}

static bool replacing_is_off(git_repository *git)
{
	git_config *config = NULL;
	int on = 1;

	if (getenv("GIT_NO_REPLACE_OBJECTS"))
		return true;
	if (git_repository_config_snapshot(&config, git) == 0 &&
	    git_config_get_bool(&on, config, "core.usereplacerefs") < 0)
		on = 1;
	git_config_free(config);
	return !on;
}

static void add_replacement(struct br_overrides *o, git_reference *ref)
{
	const char *name = strrchr(git_reference_name(ref), '/') + 1;
	struct br_replacement r;

	if (git_reference_type(ref) != GIT_REFERENCE_DIRECT || strlen(name) != GIT_OID_HEXSZ ||
	    git_oid_fromstr(&r.from, name) < 0)
		return;
	r.to = *git_reference_target(ref);
	br_grow(&o->replace, o->nreplace, &o->replace_cap);
	o->replace[o->nreplace++] = r;
}

static int read_replacements(struct br_overrides *o, git_repository *git, struct br_err *err)
{
	git_reference_iterator *it = NULL;
	git_reference *ref;
	int rc;

	if (replacing_is_off(git))
		return 0;
	if (git_reference_iterator_glob_new(&it, git, "refs/replace/*") < 0)
		return br_git_fail(err, BR_EGIT, "cannot list refs/replace");
	while ((rc = git_reference_next(&ref, it)) == 0) {
		add_replacement(o, ref);
		git_reference_free(ref);
	}
	git_reference_iterator_free(it);
	return rc == GIT_ITEROVER ? 0 : br_git_fail(err, BR_EGIT, "cannot list refs/replace");
}

static int by_id(const void *a, const void *b)
{
	return git_oid_cmp(a, b); /* the id is the first member of both kinds of rows */
}

/* A commit may be both grafted and a shallow boundary: the graft, which has parents, wins as in git. */
static void sort_grafts(struct br_overrides *o)
{
	size_t n = 0;

	if (o->ngraft)
		qsort(o->graft, o->ngraft, sizeof *o->graft, by_id);
	for (size_t i = 0; i < o->ngraft; i++) {
		if (n && git_oid_equal(&o->graft[n - 1].id, &o->graft[i].id)) {
			if (o->graft[i].n > o->graft[n - 1].n)
				o->graft[n - 1] = o->graft[i];
			continue;
		}
		o->graft[n++] = o->graft[i];
	}
	o->ngraft = n;
}

int br_overrides_read(struct br_overrides *o, git_repository *git, const char *common_dir, struct br_err *err)
{
	br_auto_free char *grafts = br_asprintf("%s/info/grafts", common_dir);
	br_auto_free char *shallow = br_asprintf("%s/shallow", common_dir);
	size_t before;
	int rc;

	*o = (struct br_overrides){0};
	rc = read_file(o, grafts, err);
	before = o->ngraft;
	if (rc == 0)
		rc = read_file(o, shallow, err);
	o->shallow = o->ngraft > before;
	if (rc == 0)
		rc = read_replacements(o, git, err);
	if (rc < 0) {
		br_overrides_done(o);
		return rc;
	}
	sort_grafts(o);
	if (o->nreplace)
		qsort(o->replace, o->nreplace, sizeof *o->replace, by_id);
	return 0;
}

void br_overrides_done(struct br_overrides *o)
{
	free(o->graft);
	free(o->parent);
	free(o->replace);
	*o = (struct br_overrides){0};
}

bool br_overrides_any(const struct br_overrides *o)
{
	return o->ngraft || o->nreplace;
}

const struct br_graft *br_overrides_graft(const struct br_overrides *o, const git_oid *id)
{
	return o->ngraft ? bsearch(id, o->graft, o->ngraft, sizeof *o->graft, by_id) : NULL;
}

int br_overrides_real(const struct br_overrides *o, git_oid *id, struct br_err *err)
{
	for (int depth = 0; o->nreplace; depth++) {
		const struct br_replacement *r =
			bsearch(id, o->replace, o->nreplace, sizeof *o->replace, by_id);

		if (!r)
			return 0;
		if (depth >= MAX_DEPTH)
			return br_fail(err, BR_ESTATE,
				       "replace refs are nested too deep at %s: see `git replace -l`",
				       git_oid_tostr_s(id));
		*id = r->to;
	}
	return 0;
}
