/* test_worktree.c - the private work tree: git works in it, tests cannot spoil it, hostile commits cannot leave it. */
#include "worktree_fixture.h"

#include "domain/patch.h"
#include "domain/repo.h"

#include <git2.h>

/* --- what git sees --- */

static void assert_git_works(struct fixture *f, const char *oid)
{
	br_auto_free char *describe = NULL, *log = NULL, *diff = NULL;

	assert_git_sees(f, oid);
	describe = git_text(f->tree, "describe", "--tags");
	assert_memory_equal(describe, "v1", 2);
	log = git_text(f->tree, "log", "--format=%s", "-1");
	assert_string_equal(log, "c");
	diff = git_text(f->tree, "diff");
	assert_string_equal(diff, "");
}

/* Into the file that is there. */
static void put_text(const char *path, const char *text)
{
	br_auto_fd int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
}

static char *two_commits(struct fixture *f, char **second)
{
	char *first;

	put_file(f->repo, "a", "one\n");
	put_file(f->repo, "d/b", "same\n");
	first = commit_all(f);
	git(f->repo, "tag", "v1");
	put_file(f->repo, "a", "two\n");
	*second = commit_all(f);
	return first;
}

static void git_works_in_the_private_tree(void **state)
{
	struct fixture *f = *state;
	br_auto_free char *second = NULL, *first = two_commits(f, &second);

	fixture_open(f);
	update(f, second);
	assert_git_works(f, second);
	assert_file(f->tree, "a", "two\n");
	update(f, first);
	assert_git_works(f, first);
	assert_file(f->tree, "a", "one\n");
	assert_string_equal(br_worktree_path(f->t), f->tree);
}

static void it_works_for_a_bare_repository_and_one_with_a_foreign_core_worktree(void **state)
{
	struct fixture *f = *state;
	br_auto_free char *second = NULL, *first = two_commits(f, &second);

	git(f->repo, "config", "core.bare", "true");
	fixture_open(f);
	update(f, first);
	assert_git_works(f, first);
	git(f->common, "config", "core.bare", "false");
	git(f->common, "config", "core.worktree", "/nowhere/at/all");
	fixture_reopen(f);
	update(f, second);
	assert_git_works(f, second);
}

static void it_works_beside_linked_work_trees_with_alternates_and_foreign_owners(void **state)
{
	struct fixture *f = *state;
	br_auto_free char *second = NULL, *first = two_commits(f, &second);
	br_auto_free char *clone = br_asprintf("%s/clone", f->top),
			  *linked = br_asprintf("%s/linked", f->top);

	git(f->top, "clone", "-q", "--shared", f->repo, clone);
	git(clone, "worktree", "add", "-q", linked, first);
	git(clone, "config", "extensions.worktreeConfig", "true");
	free(f->common);
	f->common = br_asprintf("%s/.git", clone);
	if (geteuid() == 0)
		assert_int_equal(chown(f->common, 65534, 65534), 0);
	fixture_open(f);
	update(f, second);
	assert_git_works(f, second);
	update(f, first);
	assert_git_works(f, first);
}

static void nothing_is_written_into_the_users_repository(void **state)
{
	struct fixture *f = *state;
	br_auto_free char *second = NULL, *first = two_commits(f, &second);
	br_auto_free char *before = checksum(f->common), *after = NULL;
	char target[] = "d";
	struct br_with with = {.target = target, .rev = first};

	fixture_open(f);
	update(f, first);
	assert_int_equal(br_worktree_update(f->t, second, false, &with, 1, &f->err), 0);
	update(f, first);
	assert_int_equal(br_worktree_update(f->t, second, true, NULL, 0, &f->err), 0);
	free(git_text(f->tree, "status"));
	after = checksum(f->common);
	assert_string_equal(before, after);
}

static void leftovers_in_the_private_git_folder_are_removed(void **state)
{
	struct fixture *f = *state;
	br_auto_free char *second = NULL, *first = two_commits(f, &second);

	fixture_open(f);
	update(f, first);
	put_file(f->tree, ".git/index.lock", "");
	put_file(f->tree, ".git/MERGE_HEAD", "x\n");
	put_file(f->tree, ".git/info/sparse-checkout", "/nothing\n");
	put_file(f->tree, ".git/HEAD", "ref: refs/heads/main\n");
	put_file(f->tree, ".git/commondir", "/elsewhere\n");
	update(f, second);
	assert_git_works(f, second);
	assert_false(exists(f->tree, ".git/index.lock"));
	assert_false(exists(f->tree, ".git/MERGE_HEAD"));
	assert_false(exists(f->tree, ".git/info"));
}

static void a_pipe_or_link_in_the_place_of_a_git_file_neither_hangs_nor_leads_away(void **state)
{
	struct fixture *f = *state;
	br_auto_free char *second = NULL, *first = two_commits(f, &second);
	br_auto_free char *head = br_asprintf("%s/.git/HEAD", f->tree),
			  *dir = br_asprintf("%s/.git", f->tree);
	br_auto_free char *away = br_asprintf("%s/away", f->top);

	fixture_open(f);
	update(f, first);
	assert_int_equal(unlink(head), 0);
	assert_int_equal(mkfifo(head, 0666), 0);
	update(f, second);
	assert_git_works(f, second);
	assert_int_equal(mkdir(away, 0777), 0);
	assert_int_equal(br_dir_remove(dir, NULL), 0);
	assert_int_equal(symlink(away, dir), 0);
	update(f, first);
	assert_git_works(f, first);
	assert_int_equal(rmdir(away), 0);
}

/* --- what a test did to the tree --- */

static void files_that_a_test_changed_are_put_right_and_its_own_stay(void **state)
{
	struct fixture *f = *state;
	br_auto_free char *first = NULL, *path = NULL, *dir = NULL;

	put_file(f->repo, "edited", "edited\n");
	put_file(f->repo, "same-size", "12345\n");
	put_file(f->repo, "removed", "removed\n");
	put_file(f->repo, "mode", "mode\n");
	put_file(f->repo, "dir/x", "x\n");
	put_file(f->repo, "to-folder", "f\n");
	first = commit_all(f);
	fixture_open(f);
	update(f, first);
	put_file(f->tree, "edited", "edited, longer\n");
	path = br_asprintf("%s/same-size", f->tree);
	{
		br_auto_fd int fd = open(path, O_WRONLY | O_CLOEXEC);

		assert_int_equal(write(fd, "54321", 5), 5); /* most likely in the same tick of the clock */
	}
	dir = br_asprintf("%s/removed", f->tree);
	assert_int_equal(unlink(dir), 0);
	free(dir);
	dir = br_asprintf("%s/mode", f->tree);
	assert_int_equal(chmod(dir, 0755), 0);
	free(dir);
	dir = br_asprintf("%s/to-folder", f->tree);
	assert_int_equal(unlink(dir), 0);
	put_file(f->tree, "to-folder/deep/er", "x");
	put_file(f->tree, "untracked/product", "kept\n");
	update(f, first);
	assert_git_sees(f, first);
	assert_file(f->tree, "same-size", "12345\n");
	assert_file(f->tree, "to-folder", "f\n");
	assert_file(f->tree, "untracked/product", "kept\n");
}

static void a_folder_that_a_test_replaced_by_a_link_does_not_lead_outside(void **state)
{
	struct fixture *f = *state;
	br_auto_free char *second = NULL, *first = NULL, *dir = br_asprintf("%s/d", f->tree);
	br_auto_free char *away = br_asprintf("%s/away", f->top);

	put_file(f->repo, "d/a", "one\n");
	put_file(f->repo, "d/b", "same\n");
	first = commit_all(f);
	put_file(f->repo, "d/a", "two\n");
	put_file(f->repo, "d/new/file", "new\n");
	second = commit_all(f);
	fixture_open(f);
	update(f, first);
	/* Moved, the files keep all their stat data. */
	assert_int_equal(rename(dir, away), 0);
	assert_int_equal(symlink(away, dir), 0);
	update(f, second);
	assert_git_sees(f, second);
	assert_file(away, "a", "one\n");
	assert_false(exists(away, "new"));
	assert_file(f->tree, "d/b", "same\n");
}

static void untouched_files_keep_their_times_and_emptied_folders_go(void **state)
{
	struct fixture *f = *state;
	br_auto_free char *second = NULL, *first = NULL, *path = br_asprintf("%s/keep", f->tree);
	struct timespec old[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
	struct stat st;

	put_file(f->repo, "keep", "keep\n");
	put_file(f->repo, "deep/er/file", "x\n");
	first = commit_all(f);
	git(f->repo, "rm", "-q", "-r", "deep");
	second = commit_all(f);
	fixture_open(f);
	update(f, first);
	assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
	update(f, second);
	assert_false(exists(f->tree, "deep"));
	update(f, first);
	put_file(f->tree, "deep/er/product", "p\n");
	update(f, second);
	assert_file(f->tree, "deep/er/product", "p\n");
	assert_false(exists(f->tree, "deep/er/file"));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mtim.tv_sec, 1000000000);
}

static void what_lies_in_the_way_of_a_tracked_file_is_replaced(void **state)
{
	struct fixture *f = *state;
	br_auto_free char *second = NULL, *first = NULL;

	put_file(f->repo, "x", "x\n");
	first = commit_all(f);
	put_file(f->repo, "out", "tracked\n");
	put_file(f->repo, "sub/file", "tracked\n");
	second = commit_all(f);
	fixture_open(f);
	update(f, first);
	put_file(f->tree, "out/of/product", "p\n");
	put_file(f->tree, "sub", "a file\n");
	update(f, second);
	assert_git_sees(f, second);
	assert_file(f->tree, "out", "tracked\n");
}

/* As a user to whom permissions mean something: root may do everything. */
static int update_as_nobody(struct fixture *f, const char *oid)
{
	pid_t pid = fork();
	int status = 0;

	assert_true(pid >= 0);
	if (pid == 0) {
		struct br_worktree *t = NULL;
		int rc;

		if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
			_exit(2);
		rc = br_worktree_open(&t, f->common, f->work, &f->err);
		if (rc >= 0)
			rc = br_worktree_update(t, oid, false, NULL, 0, &f->err);
		if (rc < 0)
			print_error("%s\n", f->err.msg);
		br_worktree_close(t);
		_exit(rc < 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void folders_without_permissions_are_opened_again(void **state)
{
	struct fixture *f = *state;
	br_auto_free char *second = NULL, *first = NULL, *dir = br_asprintf("%s/d", f->tree);
	br_auto_free char *deep = br_asprintf("%s/d/e", f->tree);

	put_file(f->repo, "d/a", "one\n");
	put_file(f->repo, "d/e/b", "same\n");
	put_file(f->repo, "d/e/lost", "lost\n");
	first = commit_all(f);
	put_file(f->repo, "d/a", "two\n");
	git(f->repo, "rm", "-q", "d/e/lost");
	second = commit_all(f);
	assert_int_equal(chmod(f->top, 0755), 0);
	assert_int_equal(br_dir_make(f->work, NULL), 0);
	if (geteuid() == 0)
		assert_int_equal(chown(f->work, 65534, 65534), 0);
	assert_int_equal(update_as_nobody(f, first), 0);
	for (mode_t mode = 0; mode <= 0500; mode += 0100) {
		assert_int_equal(chmod(deep, mode), 0);
		assert_int_equal(chmod(dir, mode), 0);
		assert_int_equal(chmod(f->tree, mode), 0);
		assert_int_equal(update_as_nobody(f, mode & 0100 ? first : second), 0);
		assert_file(f->tree, "d/a", mode & 0100 ? "one\n" : "two\n");
		assert_int_equal(exists(f->tree, "d/e/lost"), (mode & 0100) != 0);
	}
}

/* --- starting anew, and after a crash --- */

static void fresh_leaves_nothing_of_earlier_trials(void **state)
{
	struct fixture *f = *state;
	br_auto_free char *second = NULL, *first = two_commits(f, &second);

	fixture_open(f);
	update(f, first);
	put_file(f->tree, "product", "p\n");
	put_file(f->tree, "d/product", "p\n");
	assert_int_equal(br_worktree_update(f->t, second, true, NULL, 0, &f->err), 0);
	assert_false(exists(f->tree, "product"));
	assert_false(exists(f->tree, "d/product"));
	assert_git_works(f, second);
}

static void without_a_marker_nothing_is_trusted(void **state)
{
	struct fixture *f = *state;
	br_auto_free char *second = NULL, *first = two_commits(f, &second);
	br_auto_free char *dir = br_asprintf("%s/.git", f->tree);

	fixture_open(f);
	update(f, first);
	put_file(f->tree, "product", "p\n");
	assert_int_equal(br_dir_remove(dir, NULL), 0);
	update(f, second);
	assert_false(exists(f->tree, "product"));
	assert_git_works(f, second);
	put_file(f->tree, "product", "p\n");
	put_file(f->tree, ".git/bisect-run-state", "bisect-run-tree 1\nclean 123\nend\n");
	fixture_reopen(f);
	update(f, first);
	assert_false(exists(f->tree, "product"));
	assert_git_works(f, first);
}

static void an_interrupted_update_is_repaired_without_losing_products(void **state)
{
	struct fixture *f = *state;
	br_auto_free char *second = NULL, *first = NULL, *third = NULL, *text = NULL;

	put_file(f->repo, "only-first", "1\n");
	put_file(f->repo, "a", "1\n");
	first = commit_all(f);
	git(f->repo, "rm", "-q", "only-first");
	put_file(f->repo, "only/second", "2\n");
	second = commit_all(f);
	git(f->repo, "rm", "-q", "-r", "only");
	put_file(f->repo, "a", "3\n");
	third = commit_all(f);
	fixture_open(f);
	update(f, first);
	/* As a kill would leave it: files of both commits, some cut short. */
	text = br_asprintf(
		"bisect-run-tree 1\nbusy\ncommit %s\ncommit %s\nrules %s\nindex 0 0 0 0\nwith a%%20b\nend\n",
		first, second, first);
	put_file(f->tree, ".git/bisect-run-state", text);
	put_file(f->tree, "only/second", "");
	put_file(f->tree, "a", "");
	put_file(f->tree, "a b", "put by --with");
	put_file(f->tree, "product", "p\n");
	update(f, third);
	assert_git_sees(f, third);
	assert_false(exists(f->tree, "only"));
	assert_false(exists(f->tree, "only-first"));
	assert_false(exists(f->tree, "a b"));
	assert_file(f->tree, "product", "p\n");
}

/* --- conversions --- */

static void assert_as_git_has_it(struct fixture *f, const char *oid)
{
	br_auto_free char *ref = br_asprintf("%s/ref", f->top), *index = br_asprintf("%s/ref.index", f->top);
	br_auto_free char *at = br_asprintf("--work-tree=%s", ref),
			  *dir = br_asprintf("--git-dir=%s", f->common);

	assert_int_equal(br_dir_remove(ref, NULL), 0);
	assert_int_equal(br_dir_remove(index, NULL), 0);
	assert_int_equal(mkdir(ref, 0777), 0);
	assert_int_equal(setenv("GIT_INDEX_FILE", index, 1), 0);
	git(f->top, dir, at, "read-tree", oid);
	git(ref, dir, at, "-c", "core.bare=false", "checkout-index", "-a", "-f");
	assert_int_equal(unsetenv("GIT_INDEX_FILE"), 0);
	assert_same_tree(ref, f->tree);
}

static void put_bytes(const char *dir, const char *path, const char *data, size_t n)
{
	br_auto_free char *full = br_asprintf("%s/%s", dir, path);

	assert_int_equal(br_file_write(full, data, n, NULL), 0);
}

static void put_samples(const char *dir)
{
	static const char nul[] = "a\nb\0c\n$Id$\n";
	br_auto_free char *dense = br_calloc(1, 2000);

	put_file(dir, "lf", "a\nb\n");
	put_file(dir, "crlf", "a\r\nb\r\n");
	put_file(dir, "mixed", "a\r\nb\nc\n");
	put_file(dir, "lone-cr", "a\rb\nc\n");
	put_file(dir, "no-end", "a\nb");
	put_file(dir, "empty", "");
	put_file(dir, "eof", "a\nb\n\032");
	put_file(dir, "id", "$Id$\n$Id: old $ $Id: some one 1 $ $Id: open\n$Id:$ $Id:x$ $$Id$$Id");
	put_file(dir, "id-open", "$Id$ and $Id: never closed\n");
	put_bytes(dir, "nul", nul, sizeof nul - 1);
	memset(dense, 'x', 1999);
	dense[5] = '\n';
	for (size_t i = 0; i < 15; i++)
		dense[100 + i] = 1;
	put_file(dir, "nearly-binary", dense);
	dense[200] = 1;
	put_file(dir, "just-binary", dense);
}

static void line_ends_and_ids_are_written_as_git_writes_them(void **state)
{
	static const char *const rules[] = {
		"* text=auto ident\n",
		"* text eol=crlf ident\n",
		"* text=auto eol=crlf\n",
		"* eol=crlf -ident\n",
		"* crlf\n",
		"* -text ident\n",
		"* crlf=input\nmixed text\n",
		"* text=auto eol=lf\n",
		"[attr]win text eol=crlf\nl* win\n",
		"*\ttext\nsub/* -text\n",
		"* binary\nlf !text\n",
		"* filter=none ident\n",
		"/sub/lf eol=crlf\n**/id ident\n",
	};
	static const char *const config[][2] = {
		{"core.autocrlf", "false"},
		{"core.autocrlf", "true"},
		{"core.autocrlf", "input"},
		{"core.eol", "crlf"},
	};
	struct fixture *f = *state;
	char *oid[sizeof rules / sizeof *rules];

	put_samples(f->repo);
	put_file(f->repo, "sub/lf", "a\nb\n");
	put_file(f->repo, "sub/id", "$Id$\n");
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
		br_auto_free char *tree = NULL, *blob = NULL;
		struct br_buf b = {0};

		put_file(f->repo, ".gitattributes", rules[i]);
		git(f->repo, "-c", "core.autocrlf=false", "add", "-A");
		/* `git add` would store text files without CR: the samples themselves. */
		for (const char *const *s = (const char *const[]){"crlf", "mixed", "id", "nul", NULL}; *s;
		     s++) {
			blob = git_text(f->repo, "hash-object", "-w", "--no-filters", *s);
			br_buf_fmt(&b, "100644 %s\t%s\n", blob, *s);
			free(br_steal(&blob));
		}
		free(git_ok(f->repo, &b, "update-index", "--index-info", NULL));
		br_buf_done(&b);
		tree = git_text(f->repo, "write-tree");
		oid[i] = git_text(f->repo, "commit-tree", "-m", "c", tree);
	}
	for (size_t k = 0; k < sizeof config / sizeof *config; k++) {
		git(f->repo, "config", config[k][0], config[k][1]);
		br_worktree_close(f->t);
		fixture_open(f);
		for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
			update(f, oid[i]);
			assert_as_git_has_it(f, oid[i]);
		}
	}
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
		free(oid[i]);
}

/* A filter that turns letters, in place of Git LFS. */
static const char rot13[] =
	"[filter \"rot\"]\n\tsmudge = tr a-z n-za-m\n\tclean = tr n-za-m a-z\n\trequired = true\n";

static void a_filter_program_of_the_user_is_applied(void **state)
{
	struct fixture *f = *state;
	br_auto_free char *plain = NULL, *filtered = NULL;

	put_file(f->repo, "big.bin", "pointer\n");
	put_file(f->repo, "b\nc.bin", "line\n");
	plain = commit_all(f);
	put_file(f->repo, ".gitattributes", "*.bin filter=rot\n");
	filtered = commit_all(f);
	fixture_open(f);
	update(f, filtered); /* without configuration git writes the blob as it is */
	assert_file(f->tree, "big.bin", "pointer\n");
	put_file(f->top, ".gitconfig", rot13);
	fixture_reopen(f);
	update(f, filtered);
	assert_file(f->tree, "big.bin", "cbvagre\n");
	assert_file(f->tree, "b\nc.bin", "yvar\n");
	put_file(f->tree, "big.bin", "changed by a test\n");
	update(f, filtered);
	assert_file(f->tree, "big.bin", "cbvagre\n");
	update(f, plain);
	assert_file(f->tree, "big.bin", "pointer\n");
	assert_git_sees(f, plain);
	assert_false(exists(f->work, "workshop"));
}

static void a_filter_program_of_the_repository_is_never_started(void **state)
{
	struct fixture *f = *state;
	br_auto_free char *oid = NULL, *evil = br_asprintf("touch %s/pwned; cat", f->top);

	put_file(f->repo, "x.bin", "x\n");
	put_file(f->repo, "y.txt", "y\n");
	put_file(f->repo, ".gitattributes", "*.bin filter=evil\n*.txt eol=crlf\n");
	oid = commit_all(f);
	git(f->repo, "config", "filter.evil.smudge", evil);
	git(f->repo, "config", "core.fsmonitor", evil);
	git(f->repo, "config", "core.sshCommand", evil);
	fixture_open(f);
	assert_int_equal(br_worktree_update(f->t, oid, false, NULL, 0, &f->err), BR_EUNSUPPORTED);
	assert_non_null(strstr(f->err.msg, "filter=evil"));
	assert_null(strchr(f->err.msg, '\n'));
	assert_false(exists(f->top, "pwned"));
	assert_false(exists(f->work, "workshop"));
}

static void a_required_filter_that_fails_is_one_line(void **state)
{
	struct fixture *f = *state;
	br_auto_free char *oid = NULL;

	put_file(f->repo, "x.bin", "x\n");
	put_file(f->repo, ".gitattributes", "*.bin filter=lfs\n");
	oid = commit_all(f);
	put_file(f->top, ".gitconfig",
		 "[filter \"lfs\"]\n\tsmudge = no-such-program %f\n\trequired = true\n");
	fixture_open(f);
	assert_int_equal(br_worktree_update(f->t, oid, false, NULL, 0, &f->err), BR_ECORRUPT);
	assert_non_null(strstr(f->err.msg, "x.bin"));
	assert_null(strchr(f->err.msg, '\n'));
}

static void an_encoding_is_applied_as_git_applies_it(void **state)
{
	struct fixture *f = *state;
	br_auto_free char *oid = NULL;

	put_file(f->repo, ".gitattributes", "*.u working-tree-encoding=UTF-16LE eol=crlf\n");
	put_bytes(f->repo, "a.u", "h\0i\0\r\0\n\0", 8);
	put_file(f->repo, "b.txt", "hi\n");
	oid = commit_all(f);
	fixture_open(f);
	update(f, oid);
	assert_as_git_has_it(f, oid);
}

static void replaced_objects_are_what_git_shows(void **state)
{
	struct fixture *f = *state;
	br_auto_free char *second = NULL, *first = two_commits(f, &second), *old = NULL, *new = NULL;

	old = git_text(f->repo, "rev-parse", "HEAD:d/b");
	put_file(f->repo, "x", "replaced\n");
	new = git_text(f->repo, "hash-object", "-w", "x");
	git(f->repo, "replace", first, second);
	git(f->repo, "replace", old, new);
	fixture_open(f);
	update(f, first);
	assert_file(f->tree, "a", "two\n");
	assert_file(f->tree, "d/b", "replaced\n");
}

static void a_submodule_is_an_empty_folder_in_the_index(void **state)
{
	struct fixture *f = *state;
	br_auto_free char *second = NULL, *first = two_commits(f, &second), *with = NULL, *info = NULL,
			  *list = NULL;

	info = br_asprintf("160000,%s,d/sub", first);
	git(f->repo, "update-index", "--add", "--cacheinfo", info);
	git(f->repo, "commit", "-q", "-m", "c");
	with = git_text(f->repo, "rev-parse", "HEAD");
	fixture_open(f);
	for (int i = 0; i < 2; i++) {
		struct stat st;
		br_auto_free char *path = br_asprintf("%s/d/sub", f->tree);

		update(f, with);
		assert_git_sees(f, with);
		assert_int_equal(lstat(path, &st), 0);
		assert_true(S_ISDIR(st.st_mode));
		free(br_steal(&list));
		list = git_text(f->tree, "ls-files", "-s", "d/sub");
		assert_memory_equal(list, "160000", 6);
		update(f, first);
		assert_false(exists(f->tree, "d/sub"));
	}
}

/* A repository of its own in the folder name of the fixture, with two commits of the file "s"; the ids are the caller's. */
static char *inner_repository(struct fixture *f, const char *name, char **second)
{
	br_auto_free char *dir = br_asprintf("%s/%s", f->top, name);
	char *first;

	git(f->top, "init", "-q", "-b", "main", dir);
	put_file(dir, "s", "one\n");
	git(dir, "add", "-A");
	git(dir, "commit", "-q", "-m", "s1");
	first = git_text(dir, "rev-parse", "HEAD");
	put_file(dir, "s", "two\n");
	git(dir, "commit", "-q", "-a", "-m", "s2");
	*second = git_text(dir, "rev-parse", "HEAD");
	return first;
}

static void add_submodule(const char *repo, const char *url, const char *name, const char *path)
{
	git(repo, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "--name", name, url,
	    path);
}

static void submodules_come_from_the_users_clones_at_the_commit_recorded(void **state)
{
	struct fixture *f = *state;
	br_auto_free char *s2 = NULL, *s1 = inner_repository(f, "inner", &s2), *sub = NULL;
	br_auto_free char *before = NULL, *old = NULL, *new = NULL, *head = NULL, *gone = NULL;

	put_file(f->repo, "a", "a\n");
	before = commit_all(f);
	add_submodule(f->repo, "../inner", "other/name", "d/sub");
	new = commit_all(f);
	sub = br_asprintf("%s/d/sub", f->repo);
	git(sub, "checkout", "-q", s1);
	old = commit_all(f);
	git(f->repo, "rm", "-q", "-f", "d/sub");
	put_file(f->repo, "d/sub", "now a file\n");
	gone = commit_all(f);
	fixture_open(f);
	update(f, new);
	assert_file(f->tree, "d/sub/s", "two\n");
	assert_git_sees(f, new);
	put_file(f->tree, "d/sub/product", "p\n");
	put_file(f->tree, "d/sub/s", "changed by a test\n");
	update(f, old);
	assert_file(f->tree, "d/sub/s", "one\n");
	assert_file(f->tree, "d/sub/product", "p\n");
	free(br_steal(&sub));
	sub = br_asprintf("%s/d/sub", f->tree);
	head = git_text(sub, "rev-parse", "HEAD");
	assert_string_equal(head, s1);
	update(f, gone);
	assert_file(f->tree, "d/sub", "now a file\n");
	update(f, new);
	assert_file(f->tree, "d/sub/s", "two\n");
	update(f, before);
	assert_false(exists(f->tree, "d"));
	assert_git_sees(f, before);
}

static void submodules_of_submodules_are_filled_too(void **state)
{
	struct fixture *f = *state;
	br_auto_free char *s2 = NULL, *m2 = NULL, *oid = NULL, *middle = NULL;

	free(inner_repository(f, "inner", &s2));
	free(inner_repository(f, "middle", &m2));
	middle = br_asprintf("%s/middle", f->top);
	add_submodule(middle, "../inner", "deep", "deep");
	git(middle, "commit", "-q", "-m", "with deep");
	add_submodule(f->repo, "../middle", "mid", "mid");
	git(f->repo, "-c", "protocol.file.allow=always", "submodule", "--quiet", "update", "--init",
	    "--recursive");
	oid = commit_all(f);
	fixture_open(f);
	update(f, oid);
	assert_file(f->tree, "mid/deep/s", "two\n");
	assert_git_sees(f, oid);
	br_worktree_update(f->t, oid, true, NULL, 0, &f->err);
	assert_file(f->tree, "mid/deep/s", "two\n");
}

/* Before git 1.7.8 the clone lay in the checkout itself. */
static void a_submodules_clone_may_lie_in_the_users_checkout(void **state)
{
	struct fixture *f = *state;
	br_auto_free char *s2 = NULL, *s1 = inner_repository(f, "inner", &s2), *oid = NULL, *info = NULL,
			  *sub = br_asprintf("%s/sub", f->repo);

	git(f->top, "clone", "-q", "inner", sub);
	info = br_asprintf("160000,%s,sub", s1);
	git(f->repo, "update-index", "--add", "--cacheinfo", info);
	git(f->repo, "commit", "-q", "-m", "without .gitmodules");
	oid = git_text(f->repo, "rev-parse", "HEAD");
	fixture_open(f);
	update(f, oid);
	assert_false(exists(f->tree, "sub/s"));
	br_worktree_set_user(f->t, f->common, f->repo);
	update(f, oid);
	assert_file(f->tree, "sub/s", "one\n");
}

static void a_submodule_whose_clone_lacks_the_commit_is_one_clear_line(void **state)
{
	struct fixture *f = *state;
	br_auto_free char *s2 = NULL, *good = NULL, *bad = NULL, *info = NULL;

	free(inner_repository(f, "inner", &s2));
	add_submodule(f->repo, "../inner", "sub", "sub");
	good = commit_all(f);
	info = br_asprintf("160000,%s,sub", good);
	git(f->repo, "update-index", "--cacheinfo", info);
	git(f->repo, "commit", "-q", "-m", "a commit that nobody has");
	bad = git_text(f->repo, "rev-parse", "HEAD");
	fixture_open(f);
	assert_int_equal(br_worktree_update(f->t, bad, false, NULL, 0, &f->err), BR_ECORRUPT);
	assert_non_null(strstr(f->err.msg, "\"sub\""));
	assert_non_null(strstr(f->err.msg, good));
	update(f, good);
	assert_file(f->tree, "sub/s", "two\n");
}

static void a_submodules_name_or_url_never_leads_anywhere(void **state)
{
	struct fixture *f = *state;
	br_auto_free char *s2 = NULL, *s1 = inner_repository(f, "inner", &s2), *oid = NULL, *text = NULL,
			  *info = NULL, *pwned = br_asprintf("%s/pwned", f->top);

	text = br_asprintf(
		"[submodule \"../../../inner/.git\"]\n\tpath = sub\n\turl = ext::sh -c touch%% %s\n"
		"\tupdate = !touch %s\n",
		pwned, pwned);
	put_file(f->repo, ".gitmodules", text);
	git(f->repo, "add", "-A");
	info = br_asprintf("160000,%s,sub", s1);
	git(f->repo, "update-index", "--add", "--cacheinfo", info);
	git(f->repo, "commit", "-q", "-m", "c");
	oid = git_text(f->repo, "rev-parse", "HEAD");
	fixture_open(f);
	update(f, oid);
	assert_true(exists(f->tree, "sub"));
	assert_false(exists(f->tree, "sub/s"));
	assert_false(exists(f->top, "pwned"));
}

/* --- --with --- */

static void with_puts_files_over_the_commits_and_takes_them_away_again(void **state)
{
	struct fixture *f = *state;
	br_auto_free char *second = NULL, *first = two_commits(f, &second);
	br_auto_free char *mine = br_asprintf("%s/mine", f->top), *link = br_asprintf("%s/mine/link", f->top);
	br_auto_free char *run = br_asprintf("%s/mine/sub/run", f->top);
	char folder[] = "tests/new", file[] = "a", rev[] = "d/b";
	struct br_with with[] = {
		{.target = folder, .source = mine},
		{.target = file, .source = run},
		{.target = rev, .rev = first},
	};
	struct stat st;
	br_auto_free char *put = br_asprintf("%s/tests/new/sub/run", f->tree);

	put_file(f->top, "mine/t.c", "test\n");
	put_file(f->top, "mine/sub/run", "run\n");
	put_file(f->top, "mine/.git/config", "never copied\n");
	assert_int_equal(chmod(run, 0750), 0);
	assert_int_equal(symlink("sub/run", link), 0);
	fixture_open(f);
	assert_int_equal(br_worktree_update(f->t, second, false, with, 3, &f->err), 0);
	assert_file(f->tree, "tests/new/t.c", "test\n");
	assert_file(f->tree, "tests/new/link", "run\n");
	assert_int_equal(lstat(put, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0750);
	assert_false(exists(f->tree, "tests/new/.git"));
	assert_file(f->tree, "a", "run\n");
	assert_file(f->tree, "d/b", "same\n");
	fixture_reopen(f);
	update(f, first);
	assert_false(exists(f->tree, "tests"));
	assert_git_sees(f, first);
}

static void with_takes_folders_of_a_revision_whole(void **state)
{
	struct fixture *f = *state;
	br_auto_free char *first = NULL, *second = NULL;
	char target[] = "d", missing[] = "d/none";
	struct br_with with = {.target = target};

	put_file(f->repo, "d/x", "old x\n");
	put_file(f->repo, "d/e/y", "old y\n");
	first = commit_all(f);
	git(f->repo, "rm", "-q", "-r", "d");
	put_file(f->repo, "d/z", "new\n");
	second = commit_all(f);
	with.rev = first;
	fixture_open(f);
	assert_int_equal(br_worktree_update(f->t, second, false, &with, 1, &f->err), 0);
	assert_file(f->tree, "d/x", "old x\n");
	assert_file(f->tree, "d/e/y", "old y\n");
	assert_false(exists(f->tree, "d/z"));
	update(f, second);
	assert_file(f->tree, "d/z", "new\n");
	assert_false(exists(f->tree, "d/x"));
	with.target = missing;
	assert_int_equal(br_worktree_update(f->t, second, false, &with, 1, &f->err), BR_ESTATE);
	update(f, second);
	assert_git_sees(f, second);
}

static void with_that_failed_half_way_is_gone_at_the_next_update(void **state)
{
	struct fixture *f = *state;
	br_auto_free char *second = NULL, *first = two_commits(f, &second);
	br_auto_free char *mine = br_asprintf("%s/mine", f->top), *none = br_asprintf("%s/none", f->top);
	char a[] = "a", new[] = "new name\n\xff", other[] = "other";
	struct br_with with[] = {{.target = a, .source = mine},
				 {.target = new, .source = mine},
				 {.target = other, .source = none}};

	put_file(f->top, "mine", "mine\n");
	fixture_open(f);
	update(f, second);
	assert_int_equal(br_worktree_update(f->t, second, false, with, 3, &f->err), BR_ESTATE);
	assert_non_null(strstr(f->err.msg, "none"));
	assert_true(exists(f->tree, new));
	fixture_reopen(f);
	update(f, first);
	assert_false(exists(f->tree, new));
	assert_git_works(f, first);
}

static void with_never_leaves_the_tree(void **state)
{
	static const char *const bad[] = {"",	      "/etc/x", "..", "a/../../b", ".git/config",
					  "a/.GIT/x", "a//b",	"a/", "./a",	   "git~1/x"};
	struct fixture *f = *state;
	br_auto_free char *second = NULL, *first = two_commits(f, &second);
	br_auto_free char *source = br_asprintf("%s/a", f->repo);

	fixture_open(f);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		br_auto_free char *target = br_strdup(bad[i]);
		struct br_with with = {.target = target, .source = source};

		assert_int_equal(br_worktree_update(f->t, first, false, &with, 1, &f->err), BR_EUSAGE);
	}
}

static void with_replaces_a_link_in_its_way_and_does_not_follow_it(void **state)
{
	struct fixture *f = *state;
	br_auto_free char *oid = NULL, *link = br_asprintf("%s/l", f->repo),
			  *away = br_asprintf("%s/away", f->top);
	br_auto_free char *source = br_asprintf("%s/mine", f->top);
	char target[] = "l/file";
	struct br_with with = {.target = target, .source = source};

	put_file(f->top, "mine", "mine\n");
	assert_int_equal(mkdir(away, 0777), 0);
	assert_int_equal(symlink(away, link), 0);
	oid = commit_all(f);
	fixture_open(f);
	assert_int_equal(br_worktree_update(f->t, oid, false, &with, 1, &f->err), 0);
	assert_file(f->tree, "l/file", "mine\n");
	assert_int_equal(rmdir(away), 0);
	update(f, oid);
	assert_git_sees(f, oid);
}

/* --- --patch --- */

struct patched {
	char *oid[4];
	struct br_repo *repo;
	struct br_patch patch;
};

/* Four commits of ten lines in "code" (line 10 counts them), in the third line 2 is another; and a fix of line 6 as a diff. */
static void patch_setup(struct fixture *f, struct patched *p)
{
	br_auto_free char *file = br_asprintf("%s/fix.diff", f->top), *diff = NULL, *whole = NULL;

	for (int i = 0; i < 4; i++) {
		br_auto_free char *text =
			br_asprintf("1\n%s\n3\n4\n5\nbroken\n7\n8\n9\ncommit %d\n", i == 2 ? "two" : "2", i);

		put_file(f->repo, "code", i == 1 ? "all different\n" : text);
		put_file(f->repo, "same", "same\n");
		p->oid[i] = commit_all(f);
	}
	put_file(f->repo, "code", "1\n2\n3\n4\n5\nfixed\n7\n8\n9\ncommit 3\n");
	put_file(f->repo, "added", "by the fix\n");
	git(f->repo, "add", "-N", "added");
	diff = git_text(f->repo, "diff", "--full-index");
	whole = br_asprintf("%s\n", diff);
	put_file(f->top, "fix.diff", whole);
	git(f->repo, "reset", "-q", "--hard");
	assert_int_equal(br_repo_open(&p->repo, f->repo, &f->err), 0);
	if (br_patch_read(&p->patch, p->repo, file, "fix.diff", &f->err) < 0)
		fail_msg("%s", f->err.msg);
}

static void patch_teardown(struct patched *p)
{
	br_patch_done(&p->patch);
	br_repo_close(p->repo);
	for (size_t i = 0; i < 4; i++)
		free(p->oid[i]);
}

static void a_patch_is_applied_where_it_applies_and_reverted_after(void **state)
{
	struct fixture *f = *state;
	struct patched p = {0};
	br_auto_free char *before = NULL, *after = NULL, *status = NULL;

	patch_setup(f, &p);
	before = checksum(f->common);
	fixture_open(f);
	br_worktree_set_patches(f->t, &p.patch, 1);
	update(f, p.oid[0]); /* the last line differs from the diff's: three ways, or at another place */
	assert_file(f->tree, "code", "1\n2\n3\n4\n5\nfixed\n7\n8\n9\ncommit 0\n");
	assert_file(f->tree, "added", "by the fix\n");
	assert_null(br_worktree_note(f->t));
	status = git_text(f->tree, "status", "--porcelain");
	assert_string_equal(status, " M code\n?? added");
	update(f, p.oid[1]);
	assert_file(f->tree, "code", "all different\n");
	assert_false(exists(f->tree, "added"));
	assert_non_null(strstr(br_worktree_note(f->t), "fix.diff"));
	assert_git_sees(f, p.oid[1]);
	update(f, p.oid[2]);
	assert_file(f->tree, "code", "1\ntwo\n3\n4\n5\nfixed\n7\n8\n9\ncommit 2\n");
	assert_null(br_worktree_note(f->t));
	br_worktree_set_patches(f->t, NULL, 0);
	update(f, p.oid[3]);
	assert_git_sees(f, p.oid[3]);
	assert_false(exists(f->tree, "added"));
	after = checksum(f->common);
	assert_string_equal(before, after);
	patch_teardown(&p);
}

static void a_file_that_is_patched_alike_keeps_its_times(void **state)
{
	struct fixture *f = *state;
	struct patched p = {0};
	br_auto_free char *path = br_asprintf("%s/added", f->tree);
	struct stat old, new;

	patch_setup(f, &p);
	fixture_open(f);
	br_worktree_set_patches(f->t, &p.patch, 1);
	update(f, p.oid[0]);
	assert_int_equal(lstat(path, &old), 0);
	update(f, p.oid[3]);
	assert_int_equal(lstat(path, &new), 0);
	assert_int_equal(old.st_ino, new.st_ino);
	assert_memory_equal(&old.st_mtim, &new.st_mtim, sizeof old.st_mtim);
	put_file(f->tree, "code", "changed by a test\n");
	update(f, p.oid[3]);
	assert_file(f->tree, "code", "1\n2\n3\n4\n5\nfixed\n7\n8\n9\ncommit 3\n");
	patch_teardown(&p);
}

static void a_commit_is_a_patch_and_where_it_is_contained_nothing_is_said(void **state)
{
	struct fixture *f = *state;
	struct patched p = {0};
	struct br_patch fix = {0};
	br_auto_free char *oid = NULL;

	patch_setup(f, &p);
	put_file(f->repo, "code", "1\n2\n3\n4\n5\nfixed\n7\n8\n9\ncommit 3\n");
	git(f->repo, "mv", "same", "moved");
	oid = commit_all(f);
	assert_int_equal(br_patch_of_commit(&fix, p.repo, oid, "HEAD", &f->err), 0);
	fixture_open(f);
	br_worktree_set_patches(f->t, &fix, 1);
	update(f, p.oid[0]);
	assert_file(f->tree, "code", "1\n2\n3\n4\n5\nfixed\n7\n8\n9\ncommit 0\n");
	assert_file(f->tree, "moved", "same\n");
	assert_false(exists(f->tree, "same"));
	update(f, oid);
	assert_null(br_worktree_note(f->t));
	assert_git_sees(f, oid);
	update(f, p.oid[1]);
	assert_true(exists(f->tree, "same"));
	br_patch_done(&fix);
	patch_teardown(&p);
}

static void what_is_no_diff_is_refused_at_once(void **state)
{
	struct fixture *f = *state;
	struct br_patch patch = {0};
	struct br_repo *repo;
	br_auto_free char *file = br_asprintf("%s/x", f->top);

	put_file(f->top, "x", "no diff\n");
	assert_int_equal(br_repo_open(&repo, f->repo, &f->err), 0);
	assert_int_equal(br_patch_read(&patch, repo, file, "x", &f->err), BR_ESTATE);
	br_patch_done(&patch);
	br_repo_close(repo);
}

static void a_patch_never_leaves_the_tree(void **state)
{
	struct fixture *f = *state;
	struct patched p = {0};
	struct br_patch evil = {0};
	static const char *const target[] = {"../pwned", ".git/config", "link/pwned"};
	br_auto_free char *oid = NULL, *link = br_asprintf("%s/link", f->repo);

	patch_setup(f, &p);
	assert_int_equal(symlink(f->top, link), 0);
	oid = commit_all(f);
	fixture_open(f);
	for (size_t i = 0; i < sizeof target / sizeof *target; i++) {
		evil.name = br_strdup("evil");
		evil.text = br_asprintf("--- /dev/null\n+++ b/%s\n@@ -0,0 +1 @@\n+x\n", target[i]);
		evil.n = strlen(evil.text);
		br_strv_add(&evil.path, i == 2 ? target[i] : "other");
		br_worktree_set_patches(f->t, &evil, 1);
		update(f, oid);
		assert_false(exists(f->top, "pwned"));
		assert_false(exists(f->work, "pwned"));
		assert_false(exists(f->tree, ".git/config"));
		br_patch_done(&evil);
	}
	patch_teardown(&p);
}

/* --- kinds of clones --- */

/* Replaces the fixture's repository by a clone of it. */
static void use_clone(struct fixture *f, const char *how)
{
	br_auto_free char *from = br_asprintf("file://%s", f->repo), *to = br_asprintf("%s/clone", f->top);

	git(f->repo, "config", "uploadpack.allowFilter", "true");
	git(f->top, "clone", "-q", how, "--no-checkout", from, to);
	free(f->repo);
	free(f->common);
	free(f->work);
	free(f->tree);
	f->repo = br_steal(&to);
	f->common = br_asprintf("%s/.git", f->repo);
	f->work = br_asprintf("%s/bisect-run/work/0", f->common);
	f->tree = br_asprintf("%s/tree", f->work);
}

static void the_last_commit_of_a_shallow_clone_can_be_tested(void **state)
{
	struct fixture *f = *state;
	br_auto_free char *second = NULL, *first = two_commits(f, &second);

	use_clone(f, "--depth=1");
	fixture_open(f);
	update(f, second);
	assert_file(f->tree, "a", "two\n");
	assert_git_sees(f, second);
	assert_int_equal(br_worktree_update(f->t, first, false, NULL, 0, &f->err), BR_ECORRUPT);
}

static void a_file_that_a_partial_clone_lacks_is_one_clear_line_and_no_download(void **state)
{
	struct fixture *f = *state;
	br_auto_free char *second = NULL, *first = two_commits(f, &second), *missing = NULL;

	use_clone(f, "--filter=blob:none");
	git(f->repo, "checkout", "-q", "main");
	fixture_open(f);
	update(f, second);
	assert_git_sees(f, second);
	assert_int_equal(br_worktree_update(f->t, first, false, NULL, 0, &f->err), BR_ECORRUPT);
	assert_non_null(strstr(f->err.msg, "partial"));
	missing = git_text(f->repo, "rev-list", "--objects", "--missing=print", "--all");
	assert_non_null(strchr(missing, '?'));
}

static void a_sparse_checkout_of_the_user_does_not_thin_out_the_tree(void **state)
{
	struct fixture *f = *state;
	br_auto_free char *second = NULL, *first = two_commits(f, &second);

	git(f->repo, "sparse-checkout", "set", "--cone", "nothing");
	assert_false(exists(f->repo, "d/b"));
	fixture_open(f);
	update(f, second);
	assert_true(exists(f->tree, "d/b"));
	assert_git_sees(f, second);
	update(f, first);
	assert_git_sees(f, first);
}

/* --- hostile and damaged commits --- */

static void add_entry(struct br_buf *b, const char *mode, const char *name, const char *hex)
{
	git_oid id;

	assert_int_equal(git_oid_fromstr(&id, hex), 0);
	br_buf_fmt(b, "%s %s", mode, name);
	br_buf_char(b, '\0');
	br_buf_add(b, id.id, sizeof id.id);
}

static char *raw_tree(struct fixture *f, struct br_buf *b)
{
	char *out = git_ok(f->repo, b, "hash-object", "-w", "-t", "tree", "--literally", "--stdin", NULL);

	br_buf_done(b);
	return out;
}

static char *commit_of(struct fixture *f, const char *tree)
{
	br_auto_free char *text =
		br_asprintf("tree %s\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nc\n", tree);
	struct br_buf b = {0};
	char *out;

	br_buf_str(&b, text);
	out = git_ok(f->repo, &b, "hash-object", "-w", "-t", "commit", "--literally", "--stdin", NULL);
	br_buf_done(&b);
	return out;
}

static void assert_refused(struct fixture *f, const char *commit, const char *good, const char *name)
{
	struct dirent **list;
	int n;

	assert_int_equal(br_worktree_update(f->t, commit, false, NULL, 0, &f->err), BR_ECORRUPT);
	if (!strstr(f->err.msg, name))
		fail_msg("\"%s\" does not name %s", f->err.msg, name);
	assert_git_sees(f, good);
	n = scandir(f->work, &list, NULL, by_name);
	assert_int_equal(n, 3); /* ".", ".." and "tree" */
	while (n-- > 0)
		free(list[n]);
	free(list);
}

static void names_that_lead_outside_or_into_git_are_refused(void **state)
{
	static const char *const bad[] = {".git",
					  ".GIT",
					  ".gIt",
					  "git~1",
					  "GIT~1",
					  ".git.",
					  ".git ",
					  "..",
					  ".",
					  "a/../b",
					  "a/b",
					  "/etc/x",
					  ".git::$INDEX_ALLOCATION",
					  ".git\\x"};
	struct fixture *f = *state;
	br_auto_free char *second = NULL, *good = two_commits(f, &second), *blob = NULL;

	blob = git_text(f->repo, "rev-parse", "HEAD:a");
	fixture_open(f);
	update(f, good);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct br_buf b = {0};
		br_auto_free char *tree = NULL, *up = NULL, *commit = NULL, *deep = NULL;

		add_entry(&b, "100644", bad[i], blob);
		tree = raw_tree(f, &b);
		commit = commit_of(f, tree);
		assert_refused(f, commit, good, bad[i]);
		add_entry(&b, "40000", bad[i], tree);
		up = raw_tree(f, &b);
		free(tree);
		add_entry(&b, "40000", "sub", up);
		tree = raw_tree(f, &b);
		deep = commit_of(f, tree);
		assert_refused(f, deep, good, bad[i]);
	}
}

static void a_name_that_is_a_link_and_a_folder_is_refused(void **state)
{
	struct fixture *f = *state;
	br_auto_free char *second = NULL, *good = two_commits(f, &second), *blob = NULL, *sub = NULL,
			  *tree = NULL;
	br_auto_free char *commit = NULL, *away = br_asprintf("%s/away", f->top);
	struct br_buf b = {0};

	put_file(f->top, "target", away);
	blob = git_text(f->repo, "hash-object", "-w", "../target");
	assert_int_equal(mkdir(away, 0777), 0);
	fixture_open(f);
	update(f, good);
	add_entry(&b, "100644", "x", blob);
	sub = raw_tree(f, &b);
	add_entry(&b, "120000", "l", blob);
	add_entry(&b, "100644", "l.c", blob);
	add_entry(&b, "40000", "l", sub);
	tree = raw_tree(f, &b);
	commit = commit_of(f, tree);
	assert_refused(f, commit, good, "l");
	add_entry(&b, "40000", "l", sub);
	add_entry(&b, "120000", "l", blob);
	free(tree);
	tree = raw_tree(f, &b);
	free(commit);
	commit = commit_of(f, tree);
	assert_refused(f, commit, good, "l");
	assert_int_equal(rmdir(away), 0);
}

static void a_bomb_of_few_objects_is_refused(void **state)
{
	struct fixture *f = *state;
	br_auto_free char *second = NULL, *good = two_commits(f, &second), *below = NULL, *commit = NULL;
	const char *mode = "100644";

	below = git_text(f->repo, "rev-parse", "HEAD:a");
	fixture_open(f);
	update(f, good);
	for (int depth = 0; depth < 6; depth++) { /* 16^6 files */
		struct br_buf b = {0};
		char *tree;

		for (int i = 0; i < 16; i++) {
			char name[2] = {(char)('a' + i), 0};

			add_entry(&b, mode, name, below);
		}
		tree = raw_tree(f, &b);
		free(below);
		below = tree;
		mode = "40000";
	}
	commit = commit_of(f, below);
	assert_refused(f, commit, good, "files");
}

static void paths_longer_than_the_system_allows_are_refused(void **state)
{
	struct fixture *f = *state;
	br_auto_free char *second = NULL, *good = two_commits(f, &second), *below = NULL, *commit = NULL,
			  *long_name = NULL;
	br_auto_free char *tree = NULL;
	const char *mode = "100644";
	struct br_buf b = {0};

	below = git_text(f->repo, "rev-parse", "HEAD:a");
	fixture_open(f);
	update(f, good);
	long_name = br_calloc(1, 301);
	memset(long_name, 'x', 300);
	add_entry(&b, "100644", long_name, below);
	tree = raw_tree(f, &b);
	commit = commit_of(f, tree);
	assert_int_equal(br_worktree_update(f->t, commit, false, NULL, 0, &f->err), BR_ECORRUPT);
	update(f, good);
	long_name[200] = '\0';
	for (int depth = 0; depth < 30; depth++) {
		char *up;

		add_entry(&b, mode, long_name, below);
		up = raw_tree(f, &b);
		free(below);
		below = up;
		mode = "40000";
	}
	free(commit);
	commit = commit_of(f, below);
	assert_refused(f, commit, good, "path");
}

/* Ignorable for HFS+, four bytes more for Linux: a file like any other here. */
static void a_git_folder_for_other_systems_is_no_git_folder_here(void **state)
{
	struct fixture *f = *state;
	br_auto_free char *second = NULL, *good = two_commits(f, &second), *blob = NULL, *sub = NULL,
			  *tree = NULL, *commit = NULL;
	struct br_buf b = {0};

	blob = git_text(f->repo, "rev-parse", "HEAD:a");
	add_entry(&b, "100644", "config", blob);
	sub = raw_tree(f, &b);
	add_entry(&b, "40000", ".g\342\200\214it", sub);
	tree = raw_tree(f, &b);
	commit = commit_of(f, tree);
	fixture_open(f);
	update(f, good);
	update(f, commit);
	assert_true(exists(f->tree, ".g\342\200\214it/config"));
	assert_false(exists(f->tree, ".git/config"));
	assert_git_sees(f, commit);
}

static void the_repositorys_configuration_starts_nothing_and_is_not_the_trees(void **state)
{
	static const char *const name[] = {"core.fsmonitor",	"core.sshCommand", "core.pager",
					   "core.editor",	"diff.external",   "core.gitProxy",
					   "credential.helper", "filter.x.process"};
	struct fixture *f = *state;
	br_auto_free char *second = NULL, *first = two_commits(f, &second), *hooks = NULL, *evil = NULL,
			  *more = NULL;

	hooks = br_asprintf("%s/hooks", f->top);
	evil = br_asprintf("%s/evil", f->top);
	more = br_asprintf("%s/more.config", f->top);
	put_file(f->top, "evil", "#!/bin/sh\ntouch \"$(dirname \"$0\")/pwned\"\n");
	assert_int_equal(chmod(evil, 0755), 0);
	for (const char *const *h = (const char *const[]){"post-checkout", "post-index-change", NULL}; *h;
	     h++) {
		br_auto_free char *link = br_asprintf("hooks/%s", *h),
				  *at = br_asprintf("%s/%s", f->top, link);

		put_file(f->top, link, "");
		assert_int_equal(unlink(at), 0);
		assert_int_equal(symlink(evil, at), 0);
	}
	for (size_t i = 0; i < sizeof name / sizeof *name; i++)
		git(f->repo, "config", "--file", more, name[i], evil);
	git(f->repo, "config", "include.path", more);
	git(f->repo, "config", "core.hooksPath", hooks);
	fixture_open(f);
	update(f, first);
	update(f, second);
	assert_file(f->tree, "a", "two\n");
	assert_false(exists(f->top, "pwned"));
}

static void a_large_file_is_written_whole(void **state)
{
	struct fixture *f = *state;
	br_auto_free char *oid = NULL, *path = br_asprintf("%s/big", f->repo),
			  *copy = br_asprintf("%s/big", f->tree);
	struct stat st;

	put_file(f->repo, "big", "");
	assert_int_equal(truncate(path, 64 << 20), 0);
	git(f->repo, "config", "core.compression", "1");
	git(f->repo, "config", "core.bigFileThreshold", "1m"); /* git itself would stream it */
	oid = commit_all(f);
	fixture_open(f);
	update(f, oid);
	assert_int_equal(lstat(copy, &st), 0);
	assert_int_equal(st.st_size, 64 << 20);
	assert_git_sees(f, oid);
}

/* One blob under many names: the tree costs much, the repository nothing. */
static void a_hundred_thousand_files_in_one_folder_are_only_slow(void **state)
{
	enum { NFILE = 100000 };
	struct fixture *f = *state;
	br_auto_free char *second = NULL, *good = two_commits(f, &second), *blob = NULL, *tree = NULL,
			  *commit = NULL;
	struct br_buf b = {0};

	blob = git_text(f->repo, "hash-object", "-w", "-t", "blob", "/dev/null");
	for (int i = 0; i < NFILE; i++) {
		char name[16];

		(void)snprintf(name, sizeof name, "f%06d", i);
		add_entry(&b, "100644", name, blob);
	}
	tree = raw_tree(f, &b);
	commit = commit_of(f, tree);
	fixture_open(f);
	update(f, commit);
	assert_true(exists(f->tree, "f099999"));
	update(f, good);
	assert_false(exists(f->tree, "f000000"));
	assert_git_sees(f, good);
}

static char *object_path(struct fixture *f, const char *hex)
{
	return br_asprintf("%s/objects/%.2s/%s", f->common, hex, hex + 2);
}

static void a_damaged_or_missing_object_is_named_and_other_commits_work(void **state)
{
	struct fixture *f = *state;
	br_auto_free char *first = NULL, *second = NULL, *third = NULL, *tree = NULL, *blob = NULL,
			  *path = NULL;
	br_auto_free char *blob_path = NULL;

	put_file(f->repo, "a", "one\n");
	put_file(f->repo, "b", "same\n");
	first = commit_all(f);
	put_file(f->repo, "a", "damaged\n");
	put_file(f->repo, "z", "second only\n");
	second = commit_all(f);
	put_file(f->repo, "sub/x", "three\n");
	third = commit_all(f);
	blob = git_text(f->repo, "rev-parse", "HEAD:a");
	blob_path = object_path(f, blob);
	assert_int_equal(unlink(blob_path), 0);
	assert_int_equal(br_file_write(blob_path, "rubbish", 7, NULL), 0);
	tree = git_text(f->repo, "rev-parse", "HEAD:sub");
	path = object_path(f, tree);
	assert_int_equal(unlink(path), 0);
	fixture_open(f);
	update(f, first);
	put_file(f->tree, "product", "p\n");
	assert_int_equal(br_worktree_update(f->t, second, false, NULL, 0, &f->err), BR_ECORRUPT);
	assert_non_null(strstr(f->err.msg, blob));
	assert_int_equal(br_worktree_update(f->t, third, false, NULL, 0, &f->err), BR_ECORRUPT);
	assert_non_null(strstr(f->err.msg, tree));
	update(f, first);
	assert_git_sees(f, first);
	assert_false(exists(f->tree, "z"));
	assert_file(f->tree, "product", "p\n");
	assert_int_equal(
		br_worktree_update(f->t, "0123456789012345678901234567890123456789", false, NULL, 0, &f->err),
		BR_ECORRUPT);
	assert_int_equal(br_worktree_update(f->t, "main", false, NULL, 0, &f->err), BR_ESTATE);
	update(f, first);
	assert_git_sees(f, first);
}

static void many_files_come_and_go_at_once(void **state)
{
	struct fixture *f = *state;
	br_auto_free char *small = NULL, *large = NULL;

	put_file(f->repo, "keep", "keep\n");
	put_file(f->repo, "d00", "a file where a folder will be\n");
	small = commit_all(f);
	git(f->repo, "rm", "-q", "d00");
	for (int i = 0; i < 3000; i++) {
		char path[32], text[32];

		(void)snprintf(path, sizeof path, "d%02d/f%04d", i % 50, i);
		(void)snprintf(text, sizeof text, "%d\n", i);
		put_file(f->repo, path, text);
	}
	large = commit_all(f);
	fixture_open(f);
	update(f, small);
	update(f, large);
	assert_git_sees(f, large);
	update(f, small);
	assert_git_sees(f, small);
	assert_true(exists(f->tree, "d00"));
	assert_false(exists(f->tree, "d01"));
}

static void attributes_for_archives_do_not_matter(void **state)
{
	struct fixture *f = *state;
	br_auto_free char *oid = NULL;

	put_file(f->repo, ".gitattributes", "hidden export-ignore\nsubst export-subst\n");
	put_file(f->repo, "hidden", "h\n");
	put_file(f->repo, "subst", "$Format:%H$\n");
	oid = commit_all(f);
	fixture_open(f);
	update(f, oid);
	assert_file(f->tree, "hidden", "h\n");
	assert_file(f->tree, "subst", "$Format:%H$\n");
	assert_git_sees(f, oid);
}

/* As Git LFS is set up: the pointer names an object that lies in a store beside the repository. */
static void a_pointer_of_large_file_storage_becomes_its_object(void **state)
{
	struct fixture *f = *state;
	br_auto_free char *config = NULL, *first = NULL, *second = NULL;

	config = br_asprintf("[filter \"lfs\"]\n\tclean = cat\n\tsmudge = cat %s/store/$(cut -d: -f2)\n"
			     "\trequired = true\n",
			     f->top);
	put_file(f->top, ".gitconfig", config);
	put_file(f->top, "store/1", "large one\n");
	put_file(f->top, "store/2", "large two\n");
	put_file(f->repo, ".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n");
	put_file(f->repo, "a.bin", "oid:1\n");
	first = commit_all(f);
	put_file(f->repo, "a.bin", "oid:2\n");
	second = commit_all(f);
	fixture_open(f);
	update(f, first);
	assert_file(f->tree, "a.bin", "large one\n");
	update(f, second);
	assert_file(f->tree, "a.bin", "large two\n");
	update(f, first);
	assert_file(f->tree, "a.bin", "large one\n");
}

static void a_link_to_outside_leads_no_later_commit_there(void **state)
{
	struct fixture *f = *state;
	br_auto_free char *inner = NULL, *s2 = NULL, *link = NULL, *folder = NULL, *module = NULL,
			  *outside = br_asprintf("%s/outside", f->top), *at = br_asprintf("%s/d", f->repo),
			  *info = NULL;

	put_file(f->top, "outside/f", "precious\n");
	assert_int_equal(symlink(outside, at), 0);
	put_file(f->repo, "a", "a\n");
	link = commit_all(f);
	assert_int_equal(unlink(at), 0);
	put_file(f->repo, "d/f", "ours\n");
	put_file(f->repo, "d/e/g", "ours\n");
	folder = commit_all(f);
	git(f->repo, "rm", "-rq", "d");
	inner = inner_repository(f, "inner", &s2);
	info = br_asprintf("160000,%s,d", inner);
	git(f->repo, "update-index", "--add", "--cacheinfo", info);
	git(f->repo, "commit", "-q", "-m", "c");
	module = git_text(f->repo, "rev-parse", "HEAD");
	fixture_open(f);
	for (int i = 0; i < 2; i++) {
		update(f, link);
		update(f, folder);
		assert_file(f->tree, "d/f", "ours\n");
		update(f, link);
		update(f, module);
		update(f, folder);
	}
	assert_file(f->top, "outside/f", "precious\n");
	assert_false(exists(f->top, "outside/e"));
	assert_false(exists(f->top, "outside/.git"));
}

/* --- trees that are watched --- */

/* A tree of a few files at the first of two commits, watched. False: this machine has no watches. */
static bool watched_tree(struct fixture *f, char **first, char **second)
{
	*first = two_commits(f, second);
	fixture_open(f);
	br_worktree_set_watched(f->t, 1);
	update(f, *first);
	update(f, *second);
	update(f, *first);
	return br_worktree_was_watched(f->t);
}

static void a_watched_tree_is_put_right_wherever_a_test_wrote(void **state)
{
	struct fixture *f = *state;
	br_auto_free char *first = NULL, *second = NULL;
	br_auto_free char *b = br_asprintf("%s/d/b", f->tree), *twin = br_asprintf("%s/u", f->tree);

	if (!watched_tree(f, &first, &second))
		skip();
	put_file(f->tree, "d/b", "spoilt\n");
	update(f, second);
	assert_true(br_worktree_was_watched(f->t));
	assert_file(f->tree, "d/b", "same\n");
	assert_int_equal(unlink(b), 0);
	update(f, first);
	assert_file(f->tree, "d/b", "same\n");
	assert_git_sees(f, first);
	/* Through a second name that is gone: no report tells which file it was. */
	assert_int_equal(link(b, twin), 0);
	put_text(twin, "SAME\n");
	assert_int_equal(unlink(twin), 0);
	update(f, second);
	assert_false(br_worktree_was_watched(f->t));
	assert_file(f->tree, "d/b", "same\n");
}

static void a_file_with_a_second_name_ends_the_watch(void **state)
{
	struct fixture *f = *state;
	br_auto_free char *first = NULL, *second = NULL;
	br_auto_free char *b = br_asprintf("%s/d/b", f->tree), *twin = br_asprintf("%s/u", f->tree);

	if (!watched_tree(f, &first, &second))
		skip();
	assert_int_equal(link(b, twin), 0);
	update(f, second);
	update(f, first);
	assert_false(br_worktree_was_watched(f->t));
	put_text(twin, "SAME\n");
	update(f, second);
	assert_file(f->tree, "d/b", "same\n");
	assert_file(f->tree, "u", "SAME\n"); /* a file of its own now */
	update(f, first);
	update(f, second);
	assert_true(br_worktree_was_watched(f->t));
}

static void another_process_that_opens_the_tree_looks_at_every_file(void **state)
{
	struct fixture *f = *state;
	br_auto_free char *first = NULL, *second = NULL;

	if (!watched_tree(f, &first, &second))
		skip();
	fixture_reopen(f);
	br_worktree_set_watched(f->t, 1);
	put_file(f->tree, "d/b", "spoilt\n");
	update(f, second);
	assert_false(br_worktree_was_watched(f->t));
	assert_file(f->tree, "d/b", "same\n");
}

static void a_small_tree_is_not_watched(void **state)
{
	struct fixture *f = *state;
	br_auto_free char *first = NULL, *second = NULL;

	if (!watched_tree(f, &first, &second))
		skip();
	br_worktree_set_watched(f->t, 0);
	update(f, second);
	assert_false(br_worktree_was_watched(f->t));
	br_worktree_set_watched(f->t, 3);
	update(f, first);
	update(f, second);
	assert_false(br_worktree_was_watched(f->t));
}

#define test(name) cmocka_unit_test_setup_teardown(name, fixture_new, fixture_free)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(git_works_in_the_private_tree),
		test(it_works_for_a_bare_repository_and_one_with_a_foreign_core_worktree),
		test(it_works_beside_linked_work_trees_with_alternates_and_foreign_owners),
		test(nothing_is_written_into_the_users_repository),
		test(leftovers_in_the_private_git_folder_are_removed),
		test(a_pipe_or_link_in_the_place_of_a_git_file_neither_hangs_nor_leads_away),
		test(files_that_a_test_changed_are_put_right_and_its_own_stay),
		test(a_folder_that_a_test_replaced_by_a_link_does_not_lead_outside),
		test(untouched_files_keep_their_times_and_emptied_folders_go),
		test(what_lies_in_the_way_of_a_tracked_file_is_replaced),
		test(folders_without_permissions_are_opened_again),
		test(fresh_leaves_nothing_of_earlier_trials),
		test(without_a_marker_nothing_is_trusted),
		test(an_interrupted_update_is_repaired_without_losing_products),
		test(line_ends_and_ids_are_written_as_git_writes_them),
		test(a_filter_program_of_the_user_is_applied),
		test(a_filter_program_of_the_repository_is_never_started),
		test(a_required_filter_that_fails_is_one_line),
		test(an_encoding_is_applied_as_git_applies_it),
		test(replaced_objects_are_what_git_shows),
		test(a_submodule_is_an_empty_folder_in_the_index),
		test(submodules_come_from_the_users_clones_at_the_commit_recorded),
		test(submodules_of_submodules_are_filled_too),
		test(a_submodules_clone_may_lie_in_the_users_checkout),
		test(a_submodule_whose_clone_lacks_the_commit_is_one_clear_line),
		test(a_submodules_name_or_url_never_leads_anywhere),
		test(with_puts_files_over_the_commits_and_takes_them_away_again),
		test(with_takes_folders_of_a_revision_whole),
		test(with_that_failed_half_way_is_gone_at_the_next_update),
		test(with_never_leaves_the_tree),
		test(with_replaces_a_link_in_its_way_and_does_not_follow_it),
		test(names_that_lead_outside_or_into_git_are_refused),
		test(a_name_that_is_a_link_and_a_folder_is_refused),
		test(a_bomb_of_few_objects_is_refused),
		test(paths_longer_than_the_system_allows_are_refused),
		test(a_patch_is_applied_where_it_applies_and_reverted_after),
		test(a_file_that_is_patched_alike_keeps_its_times),
		test(a_commit_is_a_patch_and_where_it_is_contained_nothing_is_said),
		test(what_is_no_diff_is_refused_at_once),
		test(a_patch_never_leaves_the_tree),
		test(the_last_commit_of_a_shallow_clone_can_be_tested),
		test(a_file_that_a_partial_clone_lacks_is_one_clear_line_and_no_download),
		test(a_sparse_checkout_of_the_user_does_not_thin_out_the_tree),
		test(a_git_folder_for_other_systems_is_no_git_folder_here),
		test(the_repositorys_configuration_starts_nothing_and_is_not_the_trees),
		test(a_large_file_is_written_whole),
		test(a_hundred_thousand_files_in_one_folder_are_only_slow),
		test(a_damaged_or_missing_object_is_named_and_other_commits_work),
		test(many_files_come_and_go_at_once),
		test(attributes_for_archives_do_not_matter),
		test(a_pointer_of_large_file_storage_becomes_its_object),
		test(a_link_to_outside_leads_no_later_commit_there),
		test(a_watched_tree_is_put_right_wherever_a_test_wrote),
		test(a_file_with_a_second_name_ends_the_watch),
		test(another_process_that_opens_the_tree_looks_at_every_file),
		test(a_small_tree_is_not_watched),
	};

	return cmocka_run_group_tests_name("worktree", tests, NULL, NULL);
}
