/* test_file.c - files and folders: what is read, written, copied and removed. */
#include "sys/file.h"

#include "base/mem.h"
#include "bisect_run/err.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

enum { NOBODY = 65534 };

struct ctx {
	char dir[64];
	struct br_err err;
};

static int setup(void **state)
{
	struct ctx *c = br_calloc(1, sizeof *c);

	(void)snprintf(c->dir, sizeof c->dir, "/tmp/br-file-XXXXXX");
	assert_non_null(mkdtemp(c->dir));
	*state = c;
	return 0;
}

static int teardown(void **state)
{
	struct ctx *c = *state;
	int rc = br_dir_remove(c->dir, &c->err);

	if (rc)
		print_error("%s\n", c->err.msg);
	assert_int_equal(rc, 0);
	assert_int_equal(access(c->dir, F_OK), -1);
	free(c);
	return 0;
}

static char *at(const struct ctx *c, const char *name)
{
	return br_asprintf("%s/%s", c->dir, name);
}

static void put(const char *path, const char *text)
{
	assert_int_equal(br_file_write(path, text, strlen(text), NULL), 0);
}

static void assert_text(const char *path, const char *text)
{
	br_auto_free char *got = NULL;
	size_t n = 0;

	assert_int_equal(br_file_read(path, 1 << 20, &got, &n, NULL), 0);
	assert_string_equal(got, text);
}

static size_t count_entries(const char *path)
{
	DIR *d = opendir(path);
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	(void)closedir(d);
	return n - 2;
}

static void test_reads_at_most_max_bytes_from_the_start(void **state)
{
	struct ctx *c = *state;
	br_auto_free char *path = at(c, "f"), *got = NULL, *none = NULL;
	size_t n = 7;

	put(path, "0123456789");
	assert_int_equal(br_file_read(path, 4, &got, &n, &c->err), 0);
	assert_int_equal(n, 4);
	assert_string_equal(got, "0123");
	assert_int_equal(br_file_read(path, 0, &none, &n, &c->err), 0);
	assert_int_equal(n, 0);
	assert_string_equal(none, "");
}

static void test_a_missing_file_is_an_error_that_says_which(void **state)
{
	struct ctx *c = *state;
	br_auto_free char *path = at(c, "nothing"), *got = NULL;
	size_t n = 0;

	assert_int_equal(br_file_read(path, 10, &got, &n, &c->err), BR_ESYS);
	assert_int_equal(c->err.errnum, ENOENT);
	assert_non_null(strstr(c->err.msg, "nothing"));
	assert_null(got);
}

static void test_the_tail_is_the_end_of_a_long_file_and_the_whole_of_a_short_one(void **state)
{
	struct ctx *c = *state;
	br_auto_free char *path = at(c, "f"), *end = NULL, *all = NULL;
	size_t n = 0;

	put(path, "0123456789");
	assert_int_equal(br_file_tail(path, 3, &end, &n, &c->err), 0);
	assert_string_equal(end, "789");
	assert_int_equal(br_file_tail(path, 30, &all, &n, &c->err), 0);
	assert_string_equal(all, "0123456789");
	assert_int_equal(n, 10);
}

static void test_writing_replaces_the_file_and_leaves_no_temporary_one(void **state)
{
	struct ctx *c = *state;
	br_auto_free char *path = at(c, "f");

	put(path, "old and long");
	put(path, "new");
	assert_text(path, "new");
	assert_int_equal(count_entries(c->dir), 1);
}

static void test_writing_goes_through_a_link_and_keeps_it(void **state)
{
	struct ctx *c = *state;
	br_auto_free char *path = at(c, "f"), *link = at(c, "l");
	struct stat st;

	put(path, "old");
	assert_int_equal(symlink("f", link), 0);
	put(link, "new");
	assert_text(path, "new");
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
}

static void test_a_write_that_fails_leaves_the_old_file(void **state)
{
	struct ctx *c = *state;
	br_auto_free char *path = at(c, "no/such/f");

	assert_int_equal(br_file_write(path, "x", 1, &c->err), BR_ESYS);
	assert_int_equal(br_file_write("/dev/full", "x", 1, &c->err), BR_ESYS);
	assert_int_equal(c->err.errnum, ENOSPC);
	assert_int_equal(count_entries(c->dir), 0);
}

static void test_a_folder_is_made_with_its_parents_and_may_exist(void **state)
{
	struct ctx *c = *state;
	br_auto_free char *path = at(c, "a/b//c/"), *file = at(c, "f"), *below = at(c, "f/x");

	assert_int_equal(br_dir_make(path, &c->err), 0);
	assert_int_equal(br_dir_make(path, &c->err), 0);
	put(file, "");
	assert_int_equal(br_dir_make(file, &c->err), BR_ESYS);
	assert_int_equal(br_dir_make(below, &c->err), BR_ESYS);
	assert_int_equal(c->err.errnum, ENOTDIR);
}

static void test_a_copy_has_the_contents_and_the_mode(void **state)
{
	struct ctx *c = *state;
	br_auto_free char *from = at(c, "from"), *to = at(c, "new/folder/to");
	struct stat st;

	put(from, "text");
	assert_int_equal(chmod(from, 0751), 0);
	assert_int_equal(br_file_copy(from, to, &c->err), 0);
	assert_text(to, "text");
	assert_int_equal(stat(to, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0751);
	put(from, "other");
	assert_int_equal(br_file_copy(from, to, &c->err), 0);
	assert_text(to, "other");
}

static void test_a_large_file_and_one_of_proc_are_copied_whole(void **state)
{
	struct ctx *c = *state;
	size_t size = 5 * 1000 * 1000, n = 0;
	br_auto_free char *data = br_malloc(size), *from = at(c, "from"), *to = at(c, "to"), *got = NULL;

	for (size_t i = 0; i < size; i++)
		data[i] = (char)(i * 7 + i / 251);
	assert_int_equal(br_file_write(from, data, size, NULL), 0);
	assert_int_equal(br_file_copy(from, to, &c->err), 0);
	assert_int_equal(br_file_read(to, size + 1, &got, &n, NULL), 0);
	assert_int_equal(n, size);
	assert_memory_equal(got, data, size);
	assert_int_equal(br_file_copy("/proc/self/maps", to, &c->err), 0);
	free(br_steal(&got));
	assert_int_equal(br_file_read(to, size, &got, &n, NULL), 0);
	assert_true(n > 100);
}

static void test_a_link_is_copied_as_a_link_and_a_fifo_is_refused(void **state)
{
	struct ctx *c = *state;
	br_auto_free char *link = at(c, "l"), *to = at(c, "to"), *fifo = at(c, "fifo");
	char target[16] = {0};

	assert_int_equal(symlink("nowhere", link), 0);
	assert_int_equal(br_file_copy(link, to, &c->err), 0);
	assert_int_equal(readlink(to, target, sizeof target), 7);
	assert_string_equal(target, "nowhere");
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(br_file_copy(fifo, to, &c->err), BR_ESYS);
	assert_int_equal(count_entries(c->dir), 3);
}

static void test_removing_follows_no_link(void **state)
{
	struct ctx *c = *state;
	br_auto_free char *keep = at(c, "keep"), *precious = at(c, "keep/precious"), *gone = at(c, "gone"),
			  *in = at(c, "gone/link"), *link = at(c, "link");

	assert_int_equal(br_dir_make(keep, NULL), 0);
	assert_int_equal(br_dir_make(gone, NULL), 0);
	put(precious, "x");
	assert_int_equal(symlink("../keep", in), 0);
	assert_int_equal(symlink("keep", link), 0);
	assert_int_equal(br_dir_remove(gone, &c->err), 0);
	assert_int_equal(br_dir_remove(link, &c->err), 0);
	assert_text(precious, "x");
	assert_int_equal(count_entries(c->dir), 1);
}

static void test_removing_what_is_missing_is_fine(void **state)
{
	struct ctx *c = *state;
	br_auto_free char *path = at(c, "a/b");

	assert_int_equal(br_dir_remove(path, &c->err), 0);
}

/* Folders whose modes forbid to look in, to search or to write; with root's powers dropped. */
static int remove_forbidden(const char *dir)
{
	br_auto_free char *top = br_asprintf("%s/t", dir);
	static const char *const sub[] = {"t", "t/none", "t/none/x", "t/read", "t/read/y", "t/search"};
	static const mode_t mode[] = {0000, 0444, 0111, 0555, 0000, 0333};
	struct br_err err;

	if (geteuid() == 0 && (setgid(NOBODY) < 0 || setuid(NOBODY) < 0))
		return 10;
	for (size_t i = 0; i < 6; i++) {
		br_auto_free char *path = br_asprintf("%s/%s", dir, sub[i]);
		br_auto_free char *file = br_asprintf("%s/file", path);

		if (mkdir(path, 0700) < 0 || br_file_write(file, "x", 1, NULL) < 0)
			return 11;
	}
	for (size_t i = 6; i-- > 0;) {
		br_auto_free char *path = br_asprintf("%s/%s", dir, sub[i]);

		if (chmod(path, mode[i]) < 0)
			return 12;
	}
	if (br_dir_remove(top, &err) < 0)
		return 13;
	return access(top, F_OK) == 0;
}

static void test_folders_without_permissions_are_removed_by_their_owner(void **state)
{
	struct ctx *c = *state;
	int status = 0;
	pid_t pid;

	assert_int_equal(chmod(c->dir, 0777), 0);
	pid = fork();
	if (!pid)
		_exit(remove_forbidden(c->dir));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void make_deep(const char *top, int levels)
{
	int fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (int i = 0; i < levels; i++) {
		int file = openat(fd, "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600), next;

		assert_true(file >= 0);
		(void)close(file);
		assert_int_equal(mkdirat(fd, "d", 0700), 0);
		next = openat(fd, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(next >= 0);
		(void)close(fd);
		fd = next;
	}
	(void)close(fd);
}

static void test_five_thousand_levels_are_removed(void **state)
{
	struct ctx *c = *state;
	br_auto_free char *deep = at(c, "deep");

	assert_int_equal(br_dir_make(deep, NULL), 0);
	make_deep(deep, 5000);
	assert_true(br_dir_usage(deep) > 0);
	assert_int_equal(br_dir_remove(deep, &c->err), 0);
	assert_int_equal(count_entries(c->dir), 0);
}

static void test_many_deep_branches_are_removed(void **state)
{
	struct ctx *c = *state;
	br_auto_free char *wide = at(c, "wide");

	for (int i = 0; i < 20; i++) {
		br_auto_free char *branch = br_asprintf("%s/%d/.deep-%d", wide, i, i);

		assert_int_equal(br_dir_make(branch, NULL), 0);
		make_deep(branch, 60);
	}
	assert_int_equal(br_dir_remove(wide, &c->err), 0);
	assert_int_equal(count_entries(c->dir), 0);
}

static void test_usage_counts_what_lies_below_and_a_missing_folder_as_nothing(void **state)
{
	struct ctx *c = *state;
	br_auto_free char *sub = at(c, "a/b"), *file = at(c, "a/b/f"), *none = at(c, "none");
	br_auto_free char *data = br_calloc(1, 1 << 20);
	uint64_t before;

	assert_int_equal(br_dir_make(sub, NULL), 0);
	memset(data, 'x', 1 << 20);
	before = br_dir_usage(c->dir);
	assert_int_equal(br_file_write(file, data, 1 << 20, NULL), 0);
	assert_true(br_dir_usage(c->dir) >= before + (1 << 20));
	assert_int_equal(br_dir_usage(none), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_reads_at_most_max_bytes_from_the_start),
		TEST(test_a_missing_file_is_an_error_that_says_which),
		TEST(test_the_tail_is_the_end_of_a_long_file_and_the_whole_of_a_short_one),
		TEST(test_writing_replaces_the_file_and_leaves_no_temporary_one),
		TEST(test_writing_goes_through_a_link_and_keeps_it),
		TEST(test_a_write_that_fails_leaves_the_old_file),
		TEST(test_a_folder_is_made_with_its_parents_and_may_exist),
		TEST(test_a_copy_has_the_contents_and_the_mode),
		TEST(test_a_large_file_and_one_of_proc_are_copied_whole),
		TEST(test_a_link_is_copied_as_a_link_and_a_fifo_is_refused),
		TEST(test_removing_follows_no_link),
		TEST(test_removing_what_is_missing_is_fine),
		TEST(test_folders_without_permissions_are_removed_by_their_owner),
		TEST(test_five_thousand_levels_are_removed),
		TEST(test_many_deep_branches_are_removed),
		TEST(test_usage_counts_what_lies_below_and_a_missing_folder_as_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
