/* tree_workshop.c - makes the git directory of the workshop and runs git in it. */
#include "domain/tree_workshop.h"

#include "bisect_run/err.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "sys/file.h"
#include "sys/spawn.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

/* A filter program may take long for a large file; one that hangs must not hang us for ever. */
enum { LIMIT_MS = 30 * 60 * 1000, SAID_MAX = 1 << 16 };

void br_workshop_init(struct br_workshop *s, const char *dir, const char *common_dir, git_config *config)
{
	*s = (struct br_workshop){
		.dir = br_asprintf("%s/workshop", dir), .common_dir = common_dir, .config = config};
}

void br_workshop_drop(struct br_workshop *s)
{
	if (s->index)
		(void)br_dir_remove(s->dir, NULL);
	git_index_free(s->index);
	s->index = NULL;
}

void br_workshop_done(struct br_workshop *s)
{
	free(s->objects);
	br_workshop_drop(s);
	free(s->dir);
	*s = (struct br_workshop){0};
}

static int fail_git(struct br_err *err, const char *what)
{
	const git_error *e = git_error_last();

	return br_fail(err, BR_EGIT, "%s: %s", what, e ? e->message : "unknown error");
}

int br_git_fail_write(struct br_err *err, const char *what)
{
	const git_error *e = git_error_last();
	int rc = br_fail(err, BR_ESYS, "%s: %s", what, e ? e->message : "unknown error");

	if (err)
		err->errnum = EIO; /* libgit2 says it in words alone */
	return rc;
}

static int make_dir(const struct br_workshop *s, const char *name, struct br_err *err)
{
	br_auto_free char *path = br_asprintf("%s/%s", s->dir, name);

	return br_dir_make(path, err);
}

/* Rules that lie outside of the commits hold there too. */
static int copy_info(const struct br_workshop *s, struct br_err *err)
{
	br_auto_free char *from = br_asprintf("%s/info/attributes", s->common_dir);
	br_auto_free char *to = br_asprintf("%s/git/info/attributes", s->dir);

	return access(from, R_OK) == 0 ? br_file_copy(from, to, err) : 0;
}

/* Git LFS finds what is already downloaded; its own notes stay in the workshop. */
static void link_lfs(const struct br_workshop *s)
{
	br_auto_free char *from = br_asprintf("%s/lfs/objects", s->common_dir);
	br_auto_free char *to = br_asprintf("%s/git/lfs/objects", s->dir);

	if (access(from, R_OK) != 0 || make_dir(s, "git/lfs", NULL) < 0 || symlink(from, to) != 0)
		return; /* git-lfs says what it misses */
}

static int make_home(const struct br_workshop *s, struct br_err *err)
{
	static const char *const folder[] = {"git/refs", "git/objects", "git/info", "tree"};
	static const char head[] = "ref: refs/heads/none\n";
	br_auto_free char *path = br_asprintf("%s/git/HEAD", s->dir);
	int rc = br_dir_remove(s->dir, err);

	for (size_t i = 0; rc >= 0 && i < sizeof folder / sizeof *folder; i++)
		rc = make_dir(s, folder[i], err);
	if (rc >= 0)
		rc = br_file_write(path, head, sizeof head - 1, err);
	if (rc >= 0)
		rc = copy_info(s, err);
	if (rc >= 0)
		link_lfs(s);
	return rc;
}

int br_workshop_begin(struct br_workshop *s, struct br_err *err)
{
	br_auto_free char *path = br_asprintf("%s/git/index", s->dir);
	int rc = make_home(s, err);

	git_index_free(s->index);
	s->index = NULL;
	if (rc < 0)
		return rc;
	return git_index_open(&s->index, path) == 0 ? 0
						    : fail_git(err, "cannot make the index of the workshop");
}

int br_workshop_add(struct br_workshop *s, const char *path, const git_oid *id, uint32_t mode,
		    struct br_err *err)
{
	git_index_entry entry = {.path = path, .id = *id, .mode = mode};

	return git_index_add(s->index, &entry) == 0
		       ? 0
		       : fail_git(err, "cannot add to the index of the workshop");
}

int br_workshop_add_attributes(struct br_workshop *s, git_index *from, struct br_err *err)
{
	int rc = 0;

	for (size_t i = 0, n = git_index_entrycount(from); rc >= 0 && i < n; i++) {
		const git_index_entry *e = git_index_get_byindex(from, i);
		const char *slash = strrchr(e->path, '/');

		if (strcmp(slash ? slash + 1 : e->path, ".gitattributes") == 0 &&
		    (e->mode & 0170000) == 0100000)
			rc = br_workshop_add(s, e->path, &e->id, e->mode, err);
	}
	return rc;
}

int br_workshop_write(struct br_workshop *s, struct br_err *err)
{
	return git_index_write(s->index) == 0
		       ? 0
		       : br_git_fail_write(err, "cannot write the index of the workshop");
}

int br_workshop_reload(struct br_workshop *s, struct br_err *err)
{
	return git_index_read(s->index, 1) == 0 ? 0 : fail_git(err, "cannot read the index of the workshop");
}

/* The settings of the repository that shape text; each is a word or a path, none names a program. */
static void add_settings(const struct br_workshop *s, char ***argv)
{
	static const char *const own[] = {"core.hooksPath=/dev/null", "core.fsmonitor=false",
					  "protocol.allow=never", "core.safecrlf=false"};
	static const char *const theirs[] = {"core.autocrlf", "core.eol", "core.attributesfile",
					     "core.bigfilethreshold", "core.checkroundtripencoding"};

	for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
		br_strv_add(argv, "-c");
		br_strv_add(argv, own[i]);
	}
	for (size_t i = 0; i < sizeof theirs / sizeof *theirs; i++) {
		const char *value;

		if (git_config_get_string(&value, s->config, theirs[i]) == 0) {
			br_auto_free char *pair = br_asprintf("%s=%s", theirs[i], value);

			br_strv_add(argv, "-c");
			br_strv_add(argv, pair);
		}
	}
	git_error_clear();
}

/* The user's own settings stay, whatever points git at another repository goes. */
static bool is_kept(const char *variable)
{
	static const char *const kept[] = {
		"GIT_CONFIG_GLOBAL=", "GIT_CONFIG_SYSTEM=", "GIT_CONFIG_NOSYSTEM=", "GIT_EXEC_PATH="};

	if (strncmp(variable, "GIT_", 4) != 0)
		return true;
	for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
		if (strncmp(variable, kept[i], strlen(kept[i])) == 0)
			return true;
	}
	return false;
}

/* As git wants a folder in a list: quoted, for it may hold a colon. */
static char *quoted(const char *path)
{
	struct br_buf b = {0};

	br_buf_char(&b, '"');
	for (; *path; path++) {
		if (*path == '"' || *path == '\\')
			br_buf_char(&b, '\\');
		br_buf_char(&b, *path);
	}
	br_buf_char(&b, '"');
	return br_buf_take(&b);
}

static char **environment(const struct br_workshop *s)
{
	br_auto_free char *real = br_asprintf("%s/objects", s->common_dir), *list = quoted(real);
	br_auto_free char *dir = br_asprintf("GIT_DIR=%s/git", s->dir);
	br_auto_free char *tree = br_asprintf("GIT_WORK_TREE=%s/tree", s->dir);
	br_auto_free char *more = s->objects ? quoted(s->objects) : br_strdup("");
	br_auto_free char *objects =
		br_asprintf("GIT_ALTERNATE_OBJECT_DIRECTORIES=%s%s%s", list, *more ? ":" : "", more);
	char **env = NULL;

	for (size_t i = 0; environ[i]; i++) {
		if (is_kept(environ[i]))
			br_strv_add(&env, environ[i]);
	}
	br_strv_add(&env, dir);
	br_strv_add(&env, tree);
	br_strv_add(&env, objects);
	br_strv_add(&env, "GIT_TERMINAL_PROMPT=0");
	br_strv_add(&env, "GIT_ASKPASS=false");
	br_strv_add(&env, "GIT_NO_LAZY_FETCH=1");
	return env;
}

/* A full or broken disk, said by git: no fault of the candidate's. */
static bool is_machines_fault(const struct br_workshop *s, const char *said)
{
	static const int faults[] = {ENOSPC, EIO, EDQUOT, ENOMEM, EMFILE, ENFILE};
	struct statvfs v;

	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
		if (strstr(said, strerror(faults[i])))
			return true;
	return statvfs(s->dir, &v) == 0 && (v.f_bavail == 0 || (v.f_files && v.f_favail == 0));
}

int br_workshop_git(struct br_workshop *s, const char *const *args, char **said, struct br_err *err)
{
	br_auto_free char *cwd = br_asprintf("%s/tree", s->dir), *text = NULL;
	br_auto_strv char **argv = NULL, **env = environment(s);
	size_t n;
	int status, rc;

	br_strv_add(&argv, "git");
	add_settings(s, &argv);
	for (size_t i = 0; args[i]; i++)
		br_strv_add(&argv, args[i]);
	rc = br_spawn_capture(argv, env, cwd, SAID_MAX, LIMIT_MS, &text, &status, err);
	if (rc < 0)
		return br_wrap(err, "git %s", args[0]);
	for (n = strlen(text); n && text[n - 1] == '\n';)
		n--;
	if (status == 0)
		return 1;
	*said = n ? br_text_clean(text, n, false) : br_strdup("it did not say why");
	if (!is_machines_fault(s, *said))
		return 0;
	rc = br_fail(err, BR_ESYS, "git %s: %s", args[0], *said);
	if (err)
		err->errnum = EIO;
	return rc;
}
