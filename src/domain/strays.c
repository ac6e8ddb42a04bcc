/* strays.c - `git status --ignored` of the user's work tree, by libgit2: no program runs, nothing is written. */
#include "domain/strays.h"

#include "base/mem.h"
#include "bisect_run/err.h"
#include "domain/repo_private.h"

#include <string.h>
#include <sys/stat.h>

void br_strays_free(struct br_stray *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(v[i].path);
	free(v);
}

static bool is_head(struct br_repo *r, const char *oid)
{
	git_oid head;
	char hex[BR_OID_HEX];

	return git_reference_name_to_id(&head, r->git, "HEAD") == 0 &&
	       strcmp(git_oid_tostr(hex, sizeof hex, &head), oid) == 0;
}

static int kind_of(unsigned status)
{
	if (status & GIT_STATUS_IGNORED)
		return BR_STRAY_IGNORED;
	if (status & GIT_STATUS_WT_NEW)
		return BR_STRAY_UNTRACKED;
	return BR_STRAY_CHANGED;
}

static const char *path_of(const git_status_entry *e)
{
	const git_diff_delta *d = e->index_to_workdir ? e->index_to_workdir : e->head_to_index;

	return d->new_file.path;
}

static bool is_there(const struct br_repo *r, const char *path)
{
	br_auto_free char *full = br_asprintf("%s/%s", r->workdir, path);
	struct stat st;

	return lstat(full, &st) == 0 && (S_ISREG(st.st_mode) || S_ISLNK(st.st_mode) || S_ISDIR(st.st_mode));
}

/* 1: it may make a difference. */
static int is_wanted(struct br_repo *r, const char *oid, const char *path, enum br_stray_kind kind, bool head,
		     struct br_err *err)
{
	int rc;

	if (strncmp(path, ".bisect-run", strlen(".bisect-run")) == 0 || !is_there(r, path))
		return 0;
	if (kind == BR_STRAY_CHANGED)
		return head;
	rc = br_repo_has_path(r, oid, path, err);
	return rc < 0 ? rc : !rc;
}

static int add(struct br_repo *r, const char *oid, git_status_list *list, struct br_stray **out, size_t *n,
	       struct br_err *err)
{
	bool head = is_head(r, oid);
	size_t cap = 0;
	int rc = 0;

	for (size_t i = 0; rc >= 0 && i < git_status_list_entrycount(list); i++) {
		const git_status_entry *e = git_status_byindex(list, i);
		br_auto_free char *path = br_strdup(path_of(e));
		size_t len = strlen(path);

		if (len && path[len - 1] == '/')
			path[len - 1] = '\0';
		rc = is_wanted(r, oid, path, (enum br_stray_kind)kind_of(e->status), head, err);
		if (rc <= 0)
			continue;
		br_grow(out, *n, &cap);
		(*out)[(*n)++] = (struct br_stray){.path = br_steal(&path),
						   .kind = (enum br_stray_kind)kind_of(e->status)};
	}
	return rc < 0 ? rc : 0;
}

int br_repo_strays(struct br_repo *r, const char *oid, struct br_stray **out, size_t *n, struct br_err *err)
{
	git_status_options o;
	git_status_list *list = NULL;
	int rc;

	*out = NULL;
	*n = 0;
	if (!r->workdir)
		return 0;
	if (git_status_options_init(&o, GIT_STATUS_OPTIONS_VERSION) != 0)
		return br_git_fail(err, BR_EGIT, "cannot compare your work tree");
	o.show = GIT_STATUS_SHOW_INDEX_AND_WORKDIR;
	o.flags = GIT_STATUS_OPT_INCLUDE_UNTRACKED | GIT_STATUS_OPT_INCLUDE_IGNORED |
		  GIT_STATUS_OPT_EXCLUDE_SUBMODULES;
	if (git_status_list_new(&list, r->git, &o) != 0)
		return br_git_fail(err, BR_EGIT, "cannot compare your work tree");
	rc = add(r, oid, list, out, n, err);
	git_status_list_free(list);
	if (rc < 0) {
		br_strays_free(br_steal(out), *n);
		*n = 0;
	}
	return rc;
}
