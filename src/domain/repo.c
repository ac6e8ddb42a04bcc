/* repo.c - finding and opening a repository, and what lies in its work tree. */
#include "domain/repo_private.h"

#include "base/mem.h"
#include "bisect_run/err.h"
#include "domain/graph.h"
#include "sys/spawn.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/wait.h>

int br_git_fail(struct br_err *err, int code, const char *fmt, ...)
{
	const git_error *last = git_error_last();
	br_auto_free char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	return br_fail(err, code, "%s: %s", text ? text : "", last ? last->message : "unknown error");
}

void br_git_init(void)
{
	/* Extensions that libgit2 refuses though they change nothing in how it reads, and those that we refuse better. */
	const char *extensions[] = {"worktreeconfig", "partialclone", "preciousobjects",
				    "objectformat",   "refstorage",   "relativeworktrees"};

	(void)git_libgit2_init();
	(void)git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
	(void)git_libgit2_opts(GIT_OPT_SET_EXTENSIONS, extensions, sizeof extensions / sizeof *extensions);
}

static int refuse(struct br_err *err, const char *git_dir, const char *what)
{
	return br_fail(err, BR_ESTATE, "%s: %s repositories cannot be read (libgit2 %s does not know them)",
		       git_dir, what, br_repo_library());
}

/* What would otherwise fail later, in words that nobody understands. */
static int check_format(const struct br_repo *r, struct br_err *err)
{
	git_config *config = NULL;
	const char *value;
	int rc = 0;

	if (git_repository_config_snapshot(&config, r->git) < 0)
		return br_git_fail(err, BR_ESTATE, "cannot read the configuration of %s", r->git_dir);
	if (git_config_get_string(&value, config, "extensions.objectformat") == 0 &&
	    strcasecmp(value, "sha1") != 0)
		rc = refuse(err, r->git_dir, strcasecmp(value, "sha256") == 0 ? "SHA-256" : value);
	if (rc == 0 && git_config_get_string(&value, config, "extensions.refstorage") == 0 &&
	    strncasecmp(value, "files", 5) != 0)
		rc = refuse(err, r->git_dir, value);
	git_config_free(config);
	return rc;
}

static char *without_slash(const char *path)
{
	br_auto_free char *real = realpath(path, NULL);
	size_t n;

	if (!real)
		real = br_strdup(path);
	n = strlen(real);
	while (n > 1 && real[n - 1] == '/')
		real[--n] = '\0';
	return br_steal(&real);
}

/* libgit2 1.5 does not heed GIT_WORK_TREE; and with GIT_DIR alone, git takes the current directory. */
static int heed_work_tree(git_repository *git)
{
	const char *tree = getenv("GIT_WORK_TREE");
	git_config *config = NULL;
	const char *set;
	bool configured;

	if (tree && *tree)
		return git_repository_set_workdir(git, tree, 0);
	if (!getenv("GIT_DIR") || git_repository_is_bare(git) || git_repository_is_worktree(git))
		return 0;
	configured = git_repository_config_snapshot(&config, git) == 0 &&
		     git_config_get_string(&set, config, "core.worktree") == 0;
	git_config_free(config);
	return configured ? 0 : git_repository_set_workdir(git, ".", 0);
}

static int open_git(git_repository **git, const char *start)
{
	br_auto_free char *tree = br_strdup_or_null(getenv("GIT_WORK_TREE"));
	int rc;

	/* It would refuse to open anything with this variable set. */
	if (tree)
		(void)unsetenv("GIT_WORK_TREE");
	rc = git_repository_open_ext(git, getenv("GIT_DIR") ? NULL : start, GIT_REPOSITORY_OPEN_FROM_ENV,
				     NULL);
	if (tree)
		(void)setenv("GIT_WORK_TREE", tree, 1);
	return rc < 0 ? rc : heed_work_tree(*git);
}

static void find_places(struct br_repo *r, const char *start)
{
	const char *workdir = git_repository_workdir(r->git);
	br_auto_free char *here = without_slash(start);

	r->git_dir = without_slash(git_repository_path(r->git));
	r->common_dir = without_slash(git_repository_commondir(r->git));
	if (workdir)
		r->workdir = without_slash(workdir);
	r->prefix = br_repo_relative(r, here);
	if (!r->prefix || strcmp(here, r->git_dir) == 0 || git_repository_is_bare(r->git)) {
		free(r->prefix);
		r->prefix = br_strdup("");
	}
}

int br_repo_open(struct br_repo **out, const char *start, struct br_err *err)
{
	struct br_repo *r = br_calloc(1, sizeof *r);
	int rc;

	br_git_init();
	rc = open_git(&r->git, start);
	if (rc == GIT_ENOTFOUND)
		rc = br_fail(err, BR_ESTATE,
			     "%s is not in a git repository, nor is a folder above it: go to one (cd)",
			     getenv("GIT_DIR") ? getenv("GIT_DIR") : start);
	else if (rc < 0)
		rc = br_git_fail(err, BR_ESTATE, "cannot open the git repository of %s", start);
	if (rc == 0) {
		find_places(r, start);
		rc = check_format(r, err);
	}
	if (rc < 0) {
		br_repo_close(r);
		return rc;
	}
	*out = r;
	return 0;
}

void br_repo_close(struct br_repo *r)
{
	if (!r)
		return;
	br_graph_close(r->graph);
	git_config_free(r->config[0]);
	git_config_free(r->config[1]);
	git_repository_free(r->git);
	free(r->common_dir);
	free(r->git_dir);
	free(r->workdir);
	free(r->prefix);
	free(r);
	(void)git_libgit2_shutdown();
}

const char *br_repo_common_dir(const struct br_repo *r)
{
	return r->common_dir;
}

const char *br_repo_git_dir(const struct br_repo *r)
{
	return r->git_dir;
}

const char *br_repo_workdir(const struct br_repo *r)
{
	return r->workdir;
}

const char *br_repo_prefix(const struct br_repo *r)
{
	return r->prefix;
}

bool br_repo_is_shallow(const struct br_repo *r)
{
	br_auto_free char *path = br_asprintf("%s/shallow", r->common_dir);
	struct stat st;

	return stat(path, &st) == 0 && st.st_size > 0;
}

bool br_repo_is_empty(const struct br_repo *r)
{
	git_reference_iterator *it = NULL;
	const char *name;
	bool none;

	if (git_repository_head_unborn(r->git) != 1)
		return false;
	none = git_reference_iterator_new(&it, r->git) == 0 &&
	       git_reference_next_name(&name, it) == GIT_ITEROVER;
	git_reference_iterator_free(it);
	return none;
}

int br_repo_graph(struct br_repo *r, struct br_graph **out, struct br_err *err)
{
	if (!r->graph) {
		int rc = br_graph_open(&r->graph, r->git, r->common_dir, err);

		if (rc < 0)
			return rc;
	}
	*out = r->graph;
	return 0;
}

void br_repo_graph_drop(struct br_repo *r)
{
	br_graph_forget(r->graph);
}

/* The folder's real path with the last name as it stands: the file itself may be a link, or missing. */
static char *real_place(const char *path)
{
	br_auto_free char *whole = br_strdup(path);
	br_auto_free char *folder = NULL;
	char *name;

	for (size_t n = strlen(whole); n > 1 && whole[n - 1] == '/';)
		whole[--n] = '\0';
	name = strrchr(whole, '/');
	if (!name || name == whole || strcmp(name, "/..") == 0 || strcmp(name, "/.") == 0) {
		folder = realpath(whole, NULL);
		return folder ? br_steal(&folder) : br_steal(&whole);
	}
	*name = '\0';
	folder = realpath(whole, NULL);
	return br_asprintf("%s/%s", folder ? (strcmp(folder, "/") == 0 ? "" : folder) : whole, name + 1);
}

char *br_repo_relative(const struct br_repo *r, const char *path)
{
	br_auto_free char *place = NULL;
	size_t n;

	if (!r->workdir)
		return NULL;
	place = real_place(path);
	n = strcmp(r->workdir, "/") == 0 ? 0 : strlen(r->workdir);
	if (strcmp(place, r->workdir) == 0)
		return br_strdup("");
	if (strncmp(place, r->workdir, n) != 0 || place[n] != '/')
		return NULL;
	return br_strdup(place + n + 1);
}

int br_repo_ask_git(const struct br_repo *r, const char *const *args, char **out, struct br_err *err)
{
	enum { MAX_ANSWER = 1024 * 1024, LIMIT_MS = 60000 };
	br_auto_strv char **argv = NULL;
	br_auto_free char *git_dir = br_asprintf("--git-dir=%s", r->git_dir);
	br_auto_free char *tree = r->workdir ? br_asprintf("--work-tree=%s", r->workdir) : NULL;
	int status, rc;

	br_strv_add(&argv, "git");
	br_strv_add(&argv, git_dir);
	if (tree)
		br_strv_add(&argv, tree);
	/* Nothing that the repository's configuration names may be started. */
	br_strv_add(&argv, "-c");
	br_strv_add(&argv, "core.fsmonitor=false");
	for (size_t i = 0; args[i]; i++)
		br_strv_add(&argv, args[i]);
	rc = br_spawn_capture(argv, NULL, NULL, MAX_ANSWER, LIMIT_MS, out, &status, err);
	return rc < 0 ? rc : WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/*
 * libgit2 cannot read split and sparse indexes. git can, but touches the shared part of a split one, which is the
 * user's: the commit that the index was read from is near enough, only what was just added or removed is missed.
 */
static bool is_in_head(struct br_repo *r, const char *rel)
{
	git_object *tree = NULL;
	git_tree_entry *entry = NULL;
	bool found = git_revparse_single(&tree, r->git, "HEAD^{tree}") == 0 &&
		     git_tree_entry_bypath(&entry, (git_tree *)tree, rel) == 0;

	git_tree_entry_free(entry);
	git_object_free(tree);
	return found;
}

int br_repo_is_tracked(struct br_repo *r, const char *path, struct br_err *err)
{
	br_auto_free char *rel = br_repo_relative(r, path);
	br_auto_free char *folder = NULL;
	git_index *index = NULL;
	int found;

	(void)err;
	if (!rel || !*rel)
		return 0;
	if (git_repository_index(&index, r->git) < 0)
		return is_in_head(r, rel);
	folder = br_asprintf("%s/", rel);
	found = git_index_find(NULL, index, rel) == 0 || git_index_find_prefix(NULL, index, folder) == 0;
	git_index_free(index);
	return found;
}

int br_repo_is_ignored(struct br_repo *r, const char *path, struct br_err *err)
{
	br_auto_free char *rel = br_repo_relative(r, path);
	int ignored = 0;

	if (!rel || !*rel)
		return 0;
	if (git_ignore_path_is_ignored(&ignored, r->git, rel) < 0)
		return br_git_fail(err, BR_EGIT, "cannot read the ignore rules for %s", rel);
	return ignored;
}

void br_hash_hex(const void *data, size_t n, char out[BR_OID_HEX])
{
	git_oid id;

	(void)git_libgit2_init();
	if (git_odb_hash(&id, data, n, GIT_OBJECT_BLOB) < 0)
		abort(); /* it only fails without memory */
	(void)git_oid_tostr(out, GIT_OID_HEXSZ + 1, &id);
	(void)git_libgit2_shutdown();
}

const char *br_repo_library(void)
{
	return LIBGIT2_VERSION;
}
