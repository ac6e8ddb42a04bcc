/* resolve.c - what a revision means, and a clear word where it means nothing. */
#include "base/buf.h"
#include "base/mem.h"
#include "bisect_run/err.h"
#include "domain/graph.h"
#include "domain/repo_private.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { MAX_REV = 4096, SHOWN_MATCHES = 4 };

int br_oid_parse(git_oid *out, const char *hex, struct br_err *err)
{
	if (strlen(hex) != GIT_OID_HEXSZ || git_oid_fromstr(out, hex) < 0)
		return br_fail(err, BR_EUSAGE, "'%.100s' is no full commit id", hex);
	return 0;
}

/* Sets oid to what the object peels to. */
static int peel(git_object *object, char oid[BR_OID_HEX])
{
	git_object *commit = NULL;
	int rc = git_object_peel(&commit, object, GIT_OBJECT_COMMIT);

	if (rc == 0)
		(void)git_oid_tostr(oid, BR_OID_HEX, git_object_id(commit));
	git_object_free(commit);
	return rc;
}

static bool is_short_id(const char *rev)
{
	size_t n = strlen(rev);

	return n >= 4 && n < GIT_OID_HEXSZ && strspn(rev, "0123456789abcdefABCDEF") == n;
}

/* Full ids, names of refs as git looks for them, and short ids that mean one object. */
static int look_up(struct br_repo *r, const char *rev, git_object **out)
{
	size_t n = strlen(rev);
	git_reference *ref = NULL;
	git_oid id;
	int rc;

	if (n == GIT_OID_HEXSZ && git_oid_fromstr(&id, rev) == 0)
		return git_object_lookup(out, r->git, &id, GIT_OBJECT_ANY);
	if (git_reference_dwim(&ref, r->git, rev) == 0) {
		rc = git_reference_peel(out, ref, GIT_OBJECT_ANY);
		git_reference_free(ref);
		return rc;
	}
	if (!is_short_id(rev) || git_oid_fromstrn(&id, rev, n) < 0)
		return GIT_ENOTFOUND;
	return git_object_lookup_prefix(out, r->git, &id, n, GIT_OBJECT_ANY);
}

static bool ask_library(struct br_repo *r, const char *rev, char oid[BR_OID_HEX])
{
	git_object *object = NULL;
	bool found = look_up(r, rev, &object) == 0 && peel(object, oid) == 0;

	git_object_free(object);
	return found;
}

/* For the syntax of gitrevisions(7), where there is no git to ask: without replacements and grafts. */
static bool parse_without_git(struct br_repo *r, const char *rev, char oid[BR_OID_HEX])
{
	git_object *object = NULL;
	bool found = git_revparse_single(&object, r->git, rev) == 0 && peel(object, oid) == 0;

	git_object_free(object);
	return found;
}

/* 1: found, 0: not, or an error when git could not be run. */
static int ask_git(struct br_repo *r, const char *rev, char oid[BR_OID_HEX])
{
	/* ":/text" takes all that follows as text. */
	br_auto_free char *full = rev[0] == ':' ? br_strdup(rev) : br_asprintf("%s^{commit}", rev);
	const char *const args[] = {"rev-parse", "--verify", "--quiet", "--end-of-options", full, NULL};
	br_auto_free char *out = NULL;
	int rc = br_repo_ask_git(r, args, &out, NULL);

	if (rc <= 0)
		return rc;
	out[strcspn(out, "\n")] = '\0';
	return ask_library(r, out, oid);
}

/* "a1b2, c3d4" when several commits begin so; else "". */
static char *matches(struct br_repo *r, const char *rev)
{
	br_auto_free char *arg = br_asprintf("--disambiguate=%s", rev);
	const char *const args[] = {"rev-parse", arg, NULL};
	br_auto_free char *out = NULL;
	struct br_buf list = {0};
	char *save = NULL;
	int shown = 0;

	if (!is_short_id(rev) || br_repo_ask_git(r, args, &out, NULL) != 1)
		return br_strdup("");
	for (char *line = strtok_r(out, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char oid[BR_OID_HEX];

		if (shown <= SHOWN_MATCHES && ask_library(r, line, oid) && ++shown <= SHOWN_MATCHES)
			br_buf_fmt(&list, "%s%.12s", shown > 1 ? ", " : "", line);
	}
	if (shown > SHOWN_MATCHES)
		br_buf_str(&list, ", ...");
	if (shown < 2)
		br_buf_done(&list);
	return br_buf_take(&list);
}

/* The remote branch that the user may have meant: CI checkouts lack the local ones. NULL: none. */
static char *remote_branch(struct br_repo *r, const char *rev)
{
	br_auto_free char *pattern = br_asprintf("refs/remotes/*/%s", rev);
	git_reference_iterator *it = NULL;
	char *found = NULL;
	const char *name;

	if (strpbrk(rev, "*?[\\") || git_reference_iterator_glob_new(&it, r->git, pattern) < 0)
		return NULL;
	if (git_reference_next_name(&name, it) == 0)
		found = br_strdup(name + strlen("refs/remotes/"));
	git_reference_iterator_free(it);
	return found;
}

/* What the revision names, down through tags, when that is something else. NULL: nothing at all. */
static git_object *no_commit(struct br_repo *r, const char *rev)
{
	const char *const args[] = {"rev-parse", "--verify", "--quiet", "--end-of-options", rev, NULL};
	br_auto_free char *out = NULL;
	git_object *object = NULL, *end = NULL;

	if (br_repo_ask_git(r, args, &out, NULL) != 1)
		return NULL;
	out[strcspn(out, "\n")] = '\0';
	if (look_up(r, out, &object) < 0 || git_object_type(object) != GIT_OBJECT_TAG)
		return object;
	if (git_object_peel(&end, object, GIT_OBJECT_ANY) < 0)
		end = NULL;
	git_object_free(object);
	return end;
}

static int explain(struct br_repo *r, const char *rev, struct br_err *err)
{
	br_auto_free char *several = matches(r, rev);
	br_auto_free char *remote = remote_branch(r, rev);
	git_object *object;

	if (*several)
		return br_fail(err, BR_ESTATE, "'%s' is ambiguous: it may be %s; give more digits", rev,
			       several);
	object = no_commit(r, rev);
	if (object) {
		const char *type = git_object_type2string(git_object_type(object));

		git_object_free(object);
		return br_fail(err, BR_ESTATE, "'%s' is no commit but a %s", rev, type);
	}
	if (remote)
		return br_fail(err, BR_ESTATE, "unknown revision '%s': there is '%s'", rev, remote);
	if (strcmp(rev, "HEAD") == 0 && git_repository_head_unborn(r->git) == 1)
		return br_fail(err, BR_ESTATE, "HEAD has no commit yet: name a revision");
	return br_fail(err, BR_ESTATE, "unknown revision '%s': no branch, tag or commit here has that name",
		       rev);
}

int br_repo_resolve(struct br_repo *r, const char *rev, char oid[BR_OID_HEX], struct br_err *err)
{
	int rc;

	if (rev[0] == '-')
		return br_fail(err, BR_EUSAGE, "'%.100s' is no revision: those never begin with '-'", rev);
	if (!rev[0] || strlen(rev) > MAX_REV)
		return br_fail(err, BR_ESTATE, "a revision is empty or too long");
	/* Plain names need no process. All else is git's: libgit2 knows less of it, and no grafts and replacements. */
	if (!strpbrk(rev, "^~:@{") && ask_library(r, rev, oid))
		return 0;
	rc = ask_git(r, rev, oid);
	if (rc == 1 || (rc < 0 && parse_without_git(r, rev, oid)))
		return 0;
	return explain(r, rev, err);
}

/* Adds many at once: br_strv_add counts the whole list each time. */
static void add_ids(char ***oids, const struct br_graph *g, uint32_t from)
{
	size_t n = br_strv_len(*oids), cap = n + 1;

	for (uint32_t i = from; i < g->n; i++)
		cap += (g->node[i].mark & BR_MARK_A) && !(g->node[i].mark & BR_MARK_B);
	*oids = br_reallocarray(*oids, cap, sizeof **oids);
	for (uint32_t i = from; i < g->n; i++) {
		char hex[BR_OID_HEX];

		if (!(g->node[i].mark & BR_MARK_A) || (g->node[i].mark & BR_MARK_B))
			continue;
		(void)git_oid_tostr(hex, sizeof hex, &g->node[i].id);
		(*oids)[n++] = br_strdup(hex);
	}
	(*oids)[n] = NULL;
}

static int expand_range(struct br_repo *r, const char *from, const char *to, char ***oids, struct br_err *err)
{
	char good[BR_OID_HEX], bad[BR_OID_HEX];
	git_oid good_id, bad_id;
	struct br_graph *g;
	int rc = br_repo_resolve(r, *from ? from : "HEAD", good, err);

	if (rc == 0)
		rc = br_repo_resolve(r, *to ? to : "HEAD", bad, err);
	if (rc == 0)
		rc = br_oid_parse(&good_id, good, err);
	if (rc == 0)
		rc = br_oid_parse(&bad_id, bad, err);
	if (rc == 0)
		rc = br_repo_graph(r, &g, err);
	if (rc == 0)
		rc = br_graph_mark_range(g, &bad_id, &good_id, 1, false, err);
	if (rc == 0)
		add_ids(oids, g, 0);
	return rc;
}

int br_repo_expand(struct br_repo *r, const char *spec, char ***oids, struct br_err *err)
{
	const char *dots = strstr(spec, "..");
	br_auto_free char *from = NULL;
	char oid[BR_OID_HEX];
	int rc;

	if (dots && dots[2] == '.')
		return br_fail(err, BR_EUSAGE, "'%.200s': a symmetric difference is not supported, use A..B",
			       spec);
	if (dots) {
		from = br_strndup(spec, (size_t)(dots - spec));
		return expand_range(r, from, dots + 2, oids, err);
	}
	rc = br_repo_resolve(r, spec, oid, err);
	if (rc == 0)
		br_strv_add(oids, oid);
	return rc;
}
