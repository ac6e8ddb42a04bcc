/*
 * prop_worktree.c - on generated histories the private work tree equals what git checks out, byte for byte, whatever a test did to
 * it and wherever an update was killed. BR_SEED gives another history, BR_LONG more of everything.
 */
#include "../unit/worktree_fixture.h"

#include "base/rand.h"

#include <sys/ptrace.h>
#include <sys/syscall.h>

enum { COMMITS = 24, PATHS = 34, JUMPS = 100, KILLS = 60 };

/* Names that are prefixes of each other, in every role, and bytes that are awkward in shells, indexes and tree order. */
static const char *const paths[PATHS] = {
	"a",
	"a.b",
	"a/b",
	"a/b/c",
	"a/b/c/d",
	"a0",
	"b c",
	"b c/x y",
	"\xff\xfe",
	"\xc3\xa9t\xc3\xa9",
	"t\tab",
	"new\nline",
	"q\"uote\\",
	"-dash",
	"deep/1/2/3/4/5/6/f",
	"deep/1/2/g",
	"deep/1/h",
	"deep",
	"x.txt",
	"sub/x.txt",
	"sub/y.bin",
	"sub/.gitattributes",
	".gitattributes",
	"z/.gitattributes",
	"z/x.txt",
	"z",
	"*",
	"%41",
	"git",
	".gitignore",
	".gitx/f",
	"run.sh",
	"sub/run.sh",
	"l/0123456789012345678901234567890123456789012345678901234567890123456789"};

static const char *const attributes[] = {"*.txt text eol=crlf\n",      "* text=auto\n",
					 "*.txt ident\n*.bin -text\n", "* eol=crlf\n",
					 "*.txt filter=unknown\n",     ""};

struct node {
	bool there;
	const char *mode; /* of fast-import */
	char text[96];
};

struct history {
	struct br_rand r;
	struct br_buf stream;
	struct node now[PATHS];
	char *oid[COMMITS];
	char *ref[COMMITS]; /* what git checked out */
};

static bool is_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return strncmp(path, dir, n) == 0 && path[n] == '/';
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), k = strlen(end);

	return n >= k && strcmp(s + n - k, end) == 0;
}

/* Contents: often shared, of equal lengths, with line ends and keywords. */
static void fill(struct history *h, size_t i)
{
	static const char *const texts[] = {"one\n",  "two\n", "a\nb\nc\n",	"a\rb\r",
					    "$Id$\n", "",      "\001\002\003\n"};
	struct node *n = &h->now[i];

	if (ends_with(paths[i], ".gitattributes")) {
		n->mode = "100644";
		(void)snprintf(n->text, sizeof n->text, "%s", attributes[br_rand_below(&h->r, 6)]);
		return;
	}
	switch (br_rand_below(&h->r, 8)) {
	case 0:
		n->mode = "120000";
		(void)snprintf(n->text, sizeof n->text, "%s",
			       br_rand_below(&h->r, 2) ? "a" : "../../nowhere");
		return;
	case 1:
		n->mode = "160000";
		return;
	case 2:
	case 3:
		n->mode = "100755";
		break;
	default:
		n->mode = "100644";
	}
	if (br_rand_below(&h->r, 3))
		(void)snprintf(n->text, sizeof n->text, "%s", texts[br_rand_below(&h->r, 7)]);
	else
		(void)snprintf(n->text, sizeof n->text, "%llu\nline\n",
			       (unsigned long long)br_rand_next(&h->r));
}

static void change(struct history *h)
{
	size_t i = br_rand_below(&h->r, PATHS);
	struct node *n = &h->now[i];

	switch (br_rand_below(&h->r, 6)) {
	case 0:
		n->there = false;
		return;
	case 1: /* the mode alone */
		if (n->there && strncmp(n->mode, "100", 3) == 0)
			n->mode = strcmp(n->mode, "100644") == 0 ? "100755" : "100644";
		return;
	default:
		break;
	}
	for (size_t k = 0; k < PATHS; k++) {
		if (is_below(paths[k], paths[i]) || is_below(paths[i], paths[k]))
			h->now[k].there = false;
	}
	n->there = true;
	fill(h, i);
}

static void quote(struct br_buf *b, const char *path)
{
	br_buf_char(b, '"');
	for (; *path; path++)
		br_buf_fmt(b, "\\%03o", (unsigned)(unsigned char)*path);
	br_buf_char(b, '"');
}

static void add_commit(struct history *h, int n)
{
	static const char link[] = "0123456789012345678901234567890123456789";

	br_buf_fmt(&h->stream, "commit refs/heads/main\nmark :%d\ncommitter A <a@b> %d +0000\ndata 1\nc\n",
		   n + 1, n);
	br_buf_str(&h->stream, "deleteall\n");
	for (size_t i = 0; i < PATHS; i++) {
		const struct node *f = &h->now[i];

		if (!f->there)
			continue;
		if (strcmp(f->mode, "160000") == 0) {
			br_buf_fmt(&h->stream, "M 160000 %s ", link);
			quote(&h->stream, paths[i]);
			br_buf_char(&h->stream, '\n');
			continue;
		}
		br_buf_fmt(&h->stream, "M %s inline ", f->mode);
		quote(&h->stream, paths[i]);
		br_buf_fmt(&h->stream, "\ndata %zu\n%s\n", strlen(f->text), f->text);
	}
}

/* A folder with what git makes of the commit, in one go so that attributes count for all. */
static void check_out(struct fixture *f, struct history *h, int n)
{
	br_auto_free char *index = br_asprintf("%s/ref.index", f->top), *at = NULL;
	br_auto_free char *dir = br_asprintf("--git-dir=%s", f->common),
			  *rev = br_asprintf("main~%d", COMMITS - 1 - n);

	h->oid[n] = git_text(f->repo, "rev-parse", rev);
	h->ref[n] = br_asprintf("%s/ref%d", f->top, n);
	at = br_asprintf("--work-tree=%s", h->ref[n]);
	assert_int_equal(mkdir(h->ref[n], 0777), 0);
	assert_int_equal(br_dir_remove(index, NULL), 0);
	assert_int_equal(setenv("GIT_INDEX_FILE", index, 1), 0);
	git(f->top, dir, at, "read-tree", h->oid[n]);
	git(h->ref[n], dir, at, "checkout-index", "-a", "-f");
	/* Attribute files of subfolders may be written after files that they are about: once more, with all in place. */
	git(f->top, dir, at, "read-tree", h->oid[n]);
	git(h->ref[n], dir, at, "checkout-index", "-a", "-f");
	assert_int_equal(unsetenv("GIT_INDEX_FILE"), 0);
}

static void make_history(struct fixture *f, struct history *h)
{
	const char *seed = getenv("BR_SEED");

	h->r.state = seed ? strtoull(seed, NULL, 10) : 20240607;
	print_message("seed %llu\n", (unsigned long long)h->r.state);
	for (int n = 0; n < COMMITS; n++) {
		uint64_t changes = 1 + br_rand_below(&h->r, n % 5 ? 5 : 40);

		for (uint64_t i = 0; i < changes; i++)
			change(h);
		add_commit(h, n);
	}
	free(git_ok(f->repo, &h->stream, "fast-import", "--quiet", "--force", NULL));
	br_buf_done(&h->stream);
	for (int n = 0; n < COMMITS; n++)
		check_out(f, h, n);
}

static void history_done(struct history *h)
{
	for (int n = 0; n < COMMITS; n++) {
		free(h->oid[n]);
		free(h->ref[n]);
	}
	free(h);
}

/* --- what a test may do --- */

static char *some_path(struct fixture *f, struct history *h)
{
	return br_asprintf("%s/%s", f->tree, paths[br_rand_below(&h->r, PATHS)]);
}

static void scribble(struct history *h, const char *path)
{
	struct stat st;
	br_auto_fd int fd = -1;

	if (lstat(path, &st) != 0 || !S_ISREG(st.st_mode))
		return;
	fd = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC | (br_rand_below(&h->r, 2) ? O_APPEND : 0));
	if (fd >= 0)
		assert_int_equal(write(fd, "XYZ", 3), 3);
}

/* As a build does that asks for the version; links in odd places may make it fail. */
static void refresh_index(struct fixture *f)
{
	char name[] = "git", verb[] = "status", brief[] = "--porcelain";
	char *argv[] = {name, verb, brief, NULL};
	int status;

	free(git_in(f->tree, NULL, &status, argv));
}

static void disturb_once(struct fixture *f, struct history *h)
{
	br_auto_free char *path = some_path(f, h), *other = some_path(f, h);
	br_auto_free char *product = br_asprintf("%s/u-%d", path, (int)br_rand_below(&h->r, 3));
	br_auto_free char *at_top = br_asprintf("%s/u-top/u-x", f->tree);
	br_auto_free char *twin = br_asprintf("%s/u-%d", f->tree, (int)br_rand_below(&h->r, 3));
	char *slash;

	switch (br_rand_below(&h->r, 11)) {
	case 0:
	case 1:
		scribble(h, path);
		break;
	case 2:
		(void)unlink(path);
		break;
	case 3:
		(void)br_dir_remove(path, NULL);
		break;
	case 4:
		(void)!fchmodat(AT_FDCWD, path, br_rand_below(&h->r, 2) ? 0755 : 0600, AT_SYMLINK_NOFOLLOW);
		break;
	case 5: /* a product beside or in the way */
		if (br_dir_make(path, NULL) == 0)
			(void)br_file_write(product, "p", 1, NULL);
		break;
	case 6:
		(void)br_dir_remove(path, NULL);
		(void)!symlink(f->top, path);
		break;
	case 7:
		(void)rename(path, other);
		break;
	case 8:
		slash = strrchr(at_top, '/');
		*slash = '\0';
		assert_int_equal(br_dir_make(at_top, NULL), 0);
		*slash = '/';
		assert_int_equal(br_file_write(at_top, "p", 1, NULL), 0);
		break;
	case 9: /* written by another name, which may be gone again */
		(void)br_dir_make(f->tree, NULL);
		(void)!link(path, twin);
		scribble(h, twin);
		if (br_rand_below(&h->r, 2))
			(void)unlink(twin);
		break;
	default:
		refresh_index(f);
		break;
	}
}

/*
 * Removes what is neither the commit's nor called u-*: renames and links of disturb_once left it, and git would keep it too. What is
 * the commit's stays as it is, for the comparison.
 */
static void remove_strays(const char *want, const char *have)
{
	struct dirent **list = NULL;
	int n = scandir(have, &list, NULL, by_name);

	for (int i = 0; i < n; i++) {
		const char *name = list[i]->d_name;
		br_auto_free char *a = br_asprintf("%s/%s", want, name),
				  *b = br_asprintf("%s/%s", have, name);
		bool keep = is_dots(name) || strcmp(name, ".git") == 0 || strncmp(name, "u-", 2) == 0;
		struct stat sa, sb;

		if (!keep && lstat(b, &sb) == 0) {
			bool known = lstat(a, &sa) == 0;

			if (S_ISDIR(sb.st_mode) && (!known || S_ISDIR(sa.st_mode)))
				remove_strays(a, b);
			if (!known)
				(void)(S_ISDIR(sb.st_mode) ? rmdir(b) : unlink(b));
		}
		free(list[i]);
	}
	free(list);
}

/* --- the properties --- */

struct seen {
	struct stat st;
	char *data;
	size_t n;
};

static void look(struct fixture *f, struct seen *s)
{
	for (size_t i = 0; i < PATHS; i++) {
		br_auto_free char *path = br_asprintf("%s/%s", f->tree, paths[i]);

		s[i] = (struct seen){0};
		if (lstat(path, &s[i].st) != 0)
			s[i].st.st_mode = 0;
		else if (S_ISREG(s[i].st.st_mode))
			s[i].data = contents(path, &s[i].st, &s[i].n);
	}
}

static void assert_times_kept(struct seen *before, struct seen *after, bool fresh)
{
	for (size_t i = 0; i < PATHS; i++) {
		bool same = !fresh && S_ISREG(before[i].st.st_mode) && S_ISREG(after[i].st.st_mode) &&
			    before[i].st.st_mode == after[i].st.st_mode && before[i].n == after[i].n &&
			    memcmp(before[i].data, after[i].data, after[i].n) == 0;

		if (same && memcmp(&before[i].st.st_mtim, &after[i].st.st_mtim, sizeof(struct timespec)) != 0)
			fail_msg("%s has another time without need", paths[i]);
		free(before[i].data);
		free(after[i].data);
	}
}

static void the_tree_equals_gits_after_every_jump_whatever_tests_did(void **state)
{
	struct fixture *f = *state;
	struct history *h = br_calloc(1, sizeof *h);
	br_auto_free char *before = NULL, *after = NULL;
	int jumps = getenv("BR_LONG") ? 10 * JUMPS : JUMPS, watched = 0;

	make_history(f, h);
	before = checksum(f->common);
	fixture_open(f);
	for (int i = 0; i < jumps; i++) {
		size_t n = br_rand_below(&h->r, COMMITS);
		bool fresh = br_rand_below(&h->r, 12) == 0;
		uint64_t disturb = i % 2 ? br_rand_below(&h->r, i % 4 == 1 ? 12 : 3) : 0;
		struct seen was[PATHS], is[PATHS];

		if (br_rand_below(&h->r, 10) == 0)
			fixture_reopen(f);
		br_worktree_look(f->t, true); /* what git did below */
		br_worktree_set_watched(f->t, br_rand_below(&h->r, 6) != 0);
		for (uint64_t k = 0; i && k < disturb; k++)
			disturb_once(f, h);
		look(f, was);
		if (br_worktree_update(f->t, h->oid[n], fresh, NULL, 0, &f->err) < 0)
			fail_msg("jump %d: %s", i, f->err.msg);
		watched += br_worktree_was_watched(f->t);
		look(f, is);
		assert_times_kept(was, is, fresh);
		assert_git_sees(f, h->oid[n]);
		if (disturb)
			remove_strays(h->ref[n], f->tree);
		assert_same_tree(h->ref[n], f->tree);
		assert_git_sees(f, h->oid[n]);
	}
	after = checksum(f->common);
	assert_string_equal(before, after);
	print_message("%d of %d updates went by what was watched\n", watched, jumps);
	history_done(h);
}

/*
 * Updates in a child that is killed after its nth system call, so that every moment can be met without a race. False: it came to
 * its end before.
 */
static bool update_killed(struct fixture *f, const char *oid, bool fresh, uint64_t nth)
{
	pid_t pid = fork();
	int status = 0;

	assert_true(pid >= 0);
	if (pid == 0) {
		struct br_worktree *t = NULL;

		if (br_worktree_open(&t, f->common, f->work, NULL) < 0 ||
		    ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
			_exit(2);
		(void)raise(SIGSTOP);
		_exit(br_worktree_update(t, oid, fresh, NULL, 0, NULL) < 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	for (uint64_t i = 0; i < 2 * nth && WIFSTOPPED(status); i++) { /* entry and exit of each */
		assert_int_equal(ptrace(PTRACE_SYSCALL, pid, NULL, NULL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
	}
	if (!WIFSTOPPED(status)) {
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
		return false;
	}
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return true;
}

static bool can_trace(void)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0)
		_exit(ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0);
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static void an_update_killed_at_any_system_call_is_repaired_by_the_next(void **state)
{
	struct fixture *f = *state;
	struct history *h;
	int kills = getenv("BR_LONG") ? 20 * KILLS : KILLS, killed = 0;

	if (!can_trace()) {
		print_message("skipped: this machine allows no ptrace\n");
		skip();
	}
	h = br_calloc(1, sizeof *h);
	make_history(f, h);
	for (int i = 0; i < kills; i++) {
		size_t n = br_rand_below(&h->r, COMMITS), to = br_rand_below(&h->r, COMMITS);

		for (uint64_t again = 1 + br_rand_below(&h->r, 3); again; again--)
			killed += update_killed(f, h->oid[br_rand_below(&h->r, COMMITS)],
						br_rand_below(&h->r, 6) == 0, br_rand_below(&h->r, 400));
		fixture_open(f);
		if (br_rand_below(&h->r, 2)) {
			update(f, h->oid[n]);
			assert_same_tree(h->ref[n], f->tree);
		}
		update(f, h->oid[to]);
		assert_git_sees(f, h->oid[to]);
		assert_same_tree(h->ref[to], f->tree);
		br_worktree_close(f->t);
		f->t = NULL;
	}
	print_message("%d updates were killed\n", killed);
	assert_true(killed > kills / 4);
	history_done(h);
}

/* --- a disk that is full or broken --- */

enum { FAULTS = 60 };

static struct {
	uint64_t left; /* writes until the fault; 0: none is to come */
	int errnum;    /* 0: there has been none */
	bool on;
} fault;

/* In the place of libc's, for the sources under test and libgit2. From the fault on nothing can be written to a file any more. */
ssize_t write(int fd, const void *data, size_t n)
{
	struct stat st;

	if (fault.on && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		if (fault.left)
			fault.left--;
		if (!fault.left) {
			errno = fault.errnum;
			return -1;
		}
		if (fault.left == 1 && n > 1) /* as a disk does that fills up: half of it */
			n /= 2;
	}
	return syscall(SYS_write, fd, data, n);
}

static void a_full_or_broken_disk_is_no_verdict_and_the_next_update_repairs(void **state)
{
	struct fixture *f = *state;
	struct history *h = br_calloc(1, sizeof *h);
	int faults = getenv("BR_LONG") ? 20 * FAULTS : FAULTS, met = 0;

	make_history(f, h);
	fixture_open(f);
	br_worktree_set_watched(f->t, 1);
	for (int i = 0; i < faults; i++) {
		size_t n = br_rand_below(&h->r, COMMITS), to = br_rand_below(&h->r, COMMITS);
		bool fresh = br_rand_below(&h->r, 6) == 0;
		int rc;

		fault.left = 1 + br_rand_below(&h->r, fresh ? 60 : 20);
		fault.errnum = i % 2 ? ENOSPC : EIO;
		fault.on = true;
		rc = br_worktree_update(f->t, h->oid[n], fresh, NULL, 0, &f->err);
		fault.on = false;
		met += rc < 0;
		if (rc < 0 && rc != BR_ESYS)
			fail_msg("not the machine's fault? %d %s", rc, f->err.msg);
		if (rc == 0)
			assert_same_tree(h->ref[n], f->tree);
		if (br_rand_below(&h->r, 3) == 0)
			fixture_reopen(f);
		update(f, h->oid[to]);
		assert_git_sees(f, h->oid[to]);
		assert_same_tree(h->ref[to], f->tree);
		br_worktree_look(f->t, true);
	}
	print_message("%d updates met a fault\n", met);
	assert_true(met > faults / 4);
	history_done(h);
}

#define test(name) cmocka_unit_test_setup_teardown(name, fixture_new, fixture_free)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(the_tree_equals_gits_after_every_jump_whatever_tests_did),
		test(an_update_killed_at_any_system_call_is_repaired_by_the_next),
		test(a_full_or_broken_disk_is_no_verdict_and_the_next_update_repairs),
	};

	return cmocka_run_group_tests_name("worktree properties", tests, NULL, NULL);
}
