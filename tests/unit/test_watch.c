/* test_watch.c - what changed in a folder tree is told completely, or said to be in doubt. */
#include "unit/worktree_fixture.h"

#include "sys/watch.h"

#include <sys/mman.h>

struct watched {
	char *top;
	int root;
	struct br_watch *w;
};

static int begin(void **state)
{
	struct watched *x = br_calloc(1, sizeof *x);
	const char *tmp = getenv("TMPDIR");

	x->top = br_asprintf("%s/br-watch.XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(x->top));
	put_file(x->top, "a/b/f", "f");
	put_file(x->top, "a/g", "g");
	put_file(x->top, "top", "t");
	x->root = open(x->top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (br_watch_open(&x->w, x->root, 100, NULL) < 0) {
		print_message("no watches here\n");
		x->w = NULL;
	}
	*state = x;
	return 0;
}

static int finish(void **state)
{
	struct watched *x = *state;

	br_watch_close(x->w);
	(void)close(x->root);
	assert_int_equal(br_dir_remove(x->top, NULL), 0);
	free(x->top);
	free(x);
	return 0;
}

static char *at(const struct watched *x, const char *path)
{
	return br_asprintf("%s/%s", x->top, path);
}

/* The changed paths, a space behind each; "?": in doubt. The caller frees. */
static char *changed(struct watched *x)
{
	br_auto_strv char **paths = NULL;
	struct br_buf b = {0};

	if (!x->w)
		skip();
	br_watch_read(x->w, false);
	if (!br_watch_changed(x->w, &paths))
		return br_strdup("?");
	br_buf_str(&b, "");
	for (size_t i = 0; paths[i]; i++)
		br_buf_fmt(&b, "%s ", paths[i]);
	return br_buf_take(&b);
}

static void assert_changed(struct watched *x, const char *want)
{
	br_auto_free char *have = changed(x);

	assert_string_equal(have ? have : "", want);
}

static void append(const struct watched *x, const char *path)
{
	br_auto_free char *full = at(x, path);
	br_auto_fd int fd = open(full, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);

	assert_true(fd >= 0 && write(fd, "x", 1) == 1);
}

static void what_is_written_removed_or_given_other_rights_is_named(void **state)
{
	struct watched *x = *state;
	br_auto_free char *g = at(x, "a/g"), *top = at(x, "top");

	assert_changed(x, "");
	append(x, "a/b/f");
	append(x, "a/new");
	assert_int_equal(chmod(g, 0755), 0);
	assert_int_equal(unlink(top), 0);
	assert_changed(x, "a/b/f a/g a/new top ");
	assert_changed(x, "");
}

static void reading_changes_nothing(void **state)
{
	struct watched *x = *state;
	br_auto_free char *g = at(x, "a/g"), *text = NULL;
	size_t n;

	assert_int_equal(br_file_read(g, 10, &text, &n, NULL), 0);
	assert_changed(x, "");
}

static void a_write_through_a_mapping_is_named_once_it_is_gone(void **state)
{
	struct watched *x = *state;
	br_auto_free char *f = at(x, "a/b/f");
	int fd = open(f, O_RDWR | O_CLOEXEC);
	char *map = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	assert_true(map != MAP_FAILED);
	assert_int_equal(close(fd), 0);
	*map = 'X';
	assert_int_equal(munmap(map, 1), 0);
	assert_changed(x, "a/b/f ");
}

static void a_renamed_file_is_named_in_both_places(void **state)
{
	struct watched *x = *state;
	br_auto_free char *g = at(x, "a/g"), *h = at(x, "a/b/h");

	assert_int_equal(rename(g, h), 0);
	assert_changed(x, "a/b/h a/g ");
	assert_int_equal(rename(h, g), 0);
	assert_changed(x, "a/b/h a/g ");
}

static void a_second_name_for_a_file_leaves_doubt(void **state)
{
	struct watched *x = *state;
	br_auto_free char *g = at(x, "a/g"), *h = at(x, "a/b/h");

	assert_int_equal(link(g, h), 0);
	append(x, "a/b/h");
	assert_changed(x, "?");
}

static void a_second_name_that_is_gone_again_leaves_doubt(void **state)
{
	struct watched *x = *state;
	br_auto_free char *g = at(x, "a/g"), *h = at(x, "a/b/h"), *i = at(x, "a/i"), *k = at(x, "k");

	assert_int_equal(link(g, h), 0);
	append(x, "a/b/h");
	assert_int_equal(unlink(h), 0);
	assert_changed(x, "?");
	assert_int_equal(link(g, h), 0);
	append(x, "a/b/h");
	assert_int_equal(rename(h, i), 0);
	append(x, "k");
	assert_int_equal(rename(k, i), 0); /* over it */
	assert_changed(x, "?");
}

static void a_second_name_in_a_new_folder_leaves_doubt(void **state)
{
	struct watched *x = *state;
	br_auto_free char *g = at(x, "a/g"), *dir = at(x, "n"), *h = at(x, "n/h");

	assert_int_equal(mkdir(dir, 0777), 0);
	assert_int_equal(link(g, h), 0);
	append(x, "n/h");
	assert_int_equal(unlink(h), 0);
	assert_int_equal(rmdir(dir), 0);
	assert_changed(x, "?");
	assert_true(br_watch_is_lost(x->w));
}

static void a_moved_folder_leaves_doubt(void **state)
{
	struct watched *x = *state;
	br_auto_free char *b = at(x, "a/b"), *c = at(x, "c");

	assert_int_equal(rename(b, c), 0);
	assert_changed(x, "?");
	assert_true(br_watch_is_lost(x->w));
}

static void rights_of_a_folder_leave_doubt(void **state)
{
	struct watched *x = *state;
	br_auto_free char *b = at(x, "a/b");

	assert_int_equal(chmod(b, 0700), 0);
	assert_changed(x, "?");
}

static void what_the_caller_did_itself_is_left_out_and_its_new_folders_are_watched(void **state)
{
	struct watched *x = *state;

	if (!x->w)
		skip();
	put_file(x->top, "m/n/o/f", "1");
	append(x, "a/g");
	br_watch_read(x->w, true);
	assert_changed(x, "");
	append(x, "m/n/o/f");
	assert_changed(x, "m/n/o/f ");
}

static void more_folders_than_allowed_are_not_watched(void **state)
{
	struct watched *x = *state;
	struct br_watch *w = NULL;

	assert_int_equal(br_watch_open(&w, x->root, 2, NULL), BR_EUNSUPPORTED);
}

static void too_many_reports_leave_doubt(void **state)
{
	struct watched *x = *state;
	br_auto_free char *text = NULL, *g = at(x, "a/g"), *f = at(x, "a/b/f");
	long most;
	size_t n;

	if (!x->w || br_file_read("/proc/sys/fs/inotify/max_queued_events", 64, &text, &n, NULL) < 0)
		skip();
	most = strtol(text, NULL, 10);
	if (most > 100000)
		skip();
	for (long i = 0; i <= most / 2; i++) { /* equal ones in a row count once */
		assert_int_equal(chmod(g, i % 2 ? 0644 : 0600), 0);
		assert_int_equal(chmod(f, i % 2 ? 0644 : 0600), 0);
	}
	assert_changed(x, "?");
	assert_true(br_watch_is_lost(x->w));
}

#define test(name) cmocka_unit_test_setup_teardown(name, begin, finish)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(what_is_written_removed_or_given_other_rights_is_named),
		test(reading_changes_nothing),
		test(a_write_through_a_mapping_is_named_once_it_is_gone),
		test(a_renamed_file_is_named_in_both_places),
		test(a_second_name_for_a_file_leaves_doubt),
		test(a_second_name_that_is_gone_again_leaves_doubt),
		test(a_second_name_in_a_new_folder_leaves_doubt),
		test(a_moved_folder_leaves_doubt),
		test(rights_of_a_folder_leave_doubt),
		test(what_the_caller_did_itself_is_left_out_and_its_new_folders_are_watched),
		test(more_folders_than_allowed_are_not_watched),
		test(too_many_reports_leave_doubt),
	};

	return cmocka_run_group_tests_name("watch", tests, NULL, NULL);
}
