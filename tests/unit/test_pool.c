/* test_pool.c - private trees between searches: nobody shares one, the right one is found again, and there are never too many. */
#include "unit/worktree_fixture.h"

#include "app/pool.h"

#define MANY UINT64_C(1000000000)

static int begin(void **state)
{
	const char *tmp = getenv("TMPDIR");
	char *top = br_asprintf("%s/br-pool.XXXXXX", tmp ? tmp : "/tmp");

	assert_non_null(mkdtemp(top));
	*state = top;
	return 0;
}

static int finish(void **state)
{
	assert_int_equal(br_dir_remove(*state, NULL), 0);
	free(*state);
	return 0;
}

/* Takes a pool and uses a tree of it as workers do. */
static struct br_pool use(const char *work, const char *basis, size_t bytes)
{
	br_auto_free char *text = br_calloc(bytes + 1, 1);
	struct br_pool p;

	memset(text, 'x', bytes);
	assert_int_equal(br_pool_take(&p, work, basis, NULL), 0);
	put_file(p.dir, "0/tree/product", text);
	put_file(p.dir, "0/basis", basis);
	return p;
}

static void give_back(struct br_pool *p, uint64_t cache_b)
{
	br_pool_release(p, cache_b, false);
	assert_int_equal(p->lock, -1);
}

static void two_searches_at_once_have_different_trees(void **state)
{
	struct br_pool a = use(*state, "x", 1), b = use(*state, "x", 1);

	assert_string_not_equal(a.dir, b.dir);
	give_back(&a, MANY);
	give_back(&b, MANY);
}

static void a_search_finds_the_trees_of_its_own_basis_again(void **state)
{
	struct br_pool a = use(*state, "x", 1), b = use(*state, "y", 1), c;
	br_auto_free char *want = br_strdup(b.dir);

	give_back(&a, MANY);
	give_back(&b, MANY);
	c = use(*state, "y", 1);
	assert_string_equal(c.dir, want);
	assert_int_equal(c.trees, 1);
	give_back(&c, MANY);
}

static void without_its_own_it_takes_over_what_there_is(void **state)
{
	struct br_pool a = use(*state, "x", 1), b;
	br_auto_free char *want = br_strdup(a.dir);

	give_back(&a, MANY);
	b = use(*state, "y", 1);
	assert_string_equal(b.dir, want);
	give_back(&b, MANY);
}

static void those_used_longest_ago_go_first(void **state)
{
	struct br_pool a = use(*state, "x", 100000), b = use(*state, "y", 100000),
		       c = use(*state, "z", 100000);

	give_back(&b, MANY); /* the oldest */
	give_back(&a, MANY);
	give_back(&c, 300000);
	assert_false(exists(*state, "1"));
	assert_false(exists(*state, "1.lock"));
	assert_true(exists(*state, "0/0/tree/product"));
	assert_true(exists(*state, "2/0/tree/product"));
}

static void what_a_running_search_uses_is_left_alone(void **state)
{
	struct br_pool a = use(*state, "x", 100000), b = use(*state, "y", 100000);
	uint64_t freed = 0;

	give_back(&b, 0);
	assert_false(exists(*state, "1"));
	assert_int_equal(br_pool_clean(*state, &freed, NULL), 0);
	assert_true(exists(*state, "0/0/tree/product"));
	assert_int_equal(freed, 0);
	give_back(&a, 0);
	assert_false(exists(*state, "0"));
}

static void what_is_needed_to_go_on_stays_whatever_it_takes(void **state)
{
	struct br_pool a = use(*state, "x", 100000);

	br_pool_release(&a, 0, true);
	assert_true(exists(*state, "0/0/tree/product"));
}

static void a_pool_of_a_killed_search_is_measured(void **state)
{
	struct br_pool a = use(*state, "x", 100000), b = use(*state, "y", 1);

	assert_int_equal(close(a.lock), 0); /* as a kill does */
	free(a.dir);
	free(a.work);
	give_back(&b, 60000);
	assert_false(exists(*state, "0"));
	assert_true(exists(*state, "1/0/tree/product"));
}

static void clean_removes_all_even_what_may_not_be_written(void **state)
{
	struct br_pool a = use(*state, "x", 100000);
	br_auto_free char *tree = br_asprintf("%s/0/tree", a.dir), *product = br_asprintf("%s/product", tree);
	uint64_t freed = 0;

	assert_int_equal(chmod(product, 0), 0);
	assert_int_equal(chmod(tree, 0), 0);
	give_back(&a, MANY);
	assert_int_equal(br_pool_clean(*state, &freed, NULL), 0);
	assert_false(exists(*state, "0"));
	assert_false(exists(*state, "0.lock"));
}

#define test(name) cmocka_unit_test_setup_teardown(name, begin, finish)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(two_searches_at_once_have_different_trees),
		test(a_search_finds_the_trees_of_its_own_basis_again),
		test(without_its_own_it_takes_over_what_there_is),
		test(those_used_longest_ago_go_first),
		test(what_a_running_search_uses_is_left_alone),
		test(what_is_needed_to_go_on_stays_whatever_it_takes),
		test(a_pool_of_a_killed_search_is_measured),
		test(clean_removes_all_even_what_may_not_be_written),
	};

	return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
