/* test_cgroup.c - which control groups and mounts a machine says it has. */
#include "sys/cgroup.h"
#include "sys/mounts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

static void the_mount_of_a_hierarchy_is_found(void **state)
{
	const char one[] = "cgroup /sys/fs/cgroup/memory cgroup rw,nosuid,memory 0 0\n";
	const char two[] = "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid,nsdelegate 0 0\n";
	char *point = br_cgroup_mount_of(one, "memory");

	(void)state;
	assert_string_equal(point, "/sys/fs/cgroup/memory");
	free(point);
	assert_null(br_cgroup_mount_of(one, "pids"));
	assert_null(br_cgroup_mount_of(one, "mem"));
	assert_null(br_cgroup_mount_of(one, NULL));
	assert_null(br_cgroup_mount_of(two, "memory"));
	point = br_cgroup_mount_of(two, NULL);
	assert_string_equal(point, "/sys/fs/cgroup");
	free(point);
	assert_null(br_cgroup_mount_of("", NULL));
}

static void our_own_group_is_read(void **state)
{
	const char text[] = "12:cpu,cpuacct:/a\n4:memory:/b/c\n1:name=systemd:/d\n0::/e:f\n";
	char *path = br_cgroup_path_of(text, "memory");

	(void)state;
	assert_string_equal(path, "/b/c");
	free(path);
	path = br_cgroup_path_of(text, "cpuacct");
	assert_string_equal(path, "/a");
	free(path);
	path = br_cgroup_path_of(text, NULL);
	assert_string_equal(path, "/e:f");
	free(path);
	assert_null(br_cgroup_path_of(text, "pids"));
	assert_null(br_cgroup_path_of("", NULL));
}

static void a_counter_is_read(void **state)
{
	const char text[] = "low 0\noom 3\noom_kill 2\noom_group_kill 9";

	(void)state;
	assert_int_equal(br_cgroup_number(text, "oom_kill"), 2);
	assert_int_equal(br_cgroup_number(text, "oom"), 3);
	assert_int_equal(br_cgroup_number(text, "max"), 0);
	assert_int_equal(br_cgroup_number(NULL, "max"), 0);
}

static void a_line_of_mountinfo_is_read_with_its_escapes(void **state)
{
	struct br_mount m;

	(void)state;
	assert_int_equal(
		br_mounts_parse("36 35 98:7 /a\\040b /mnt/c\\134d rw,noatime shared:1 - ext3 /dev/root rw",
				&m),
		0);
	assert_int_equal(m.major, 98);
	assert_int_equal(m.minor, 7);
	assert_string_equal(m.root, "/a b");
	assert_string_equal(m.point, "/mnt/c\\d");
	free(m.root);
	free(m.point);
	assert_int_equal(br_mounts_parse("", &m), -1);
	assert_int_equal(br_mounts_parse("36 35 98:7", &m), -1);
	assert_int_equal(br_mounts_parse("36 35 98:7 /", &m), -1);
}

static void a_path_lies_in_the_deepest_mount(void **state)
{
	char top[] = "/", home[] = "/srv", user[] = "/srv/u", root[] = "/";
	const struct br_mount mounts[] = {
		{.root = root, .point = top}, {.root = root, .point = user}, {.root = root, .point = home}};

	(void)state;
	assert_ptr_equal(br_mounts_of(mounts, 3, "/srv/u/x"), &mounts[1]);
	assert_ptr_equal(br_mounts_of(mounts, 3, "/srv/under"), &mounts[2]);
	assert_ptr_equal(br_mounts_of(mounts, 3, "/srvs"), &mounts[0]);
	assert_null(br_mounts_of(mounts, 0, "/"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_mount_of_a_hierarchy_is_found),
		cmocka_unit_test(our_own_group_is_read),
		cmocka_unit_test(a_counter_is_read),
		cmocka_unit_test(a_line_of_mountinfo_is_read_with_its_escapes),
		cmocka_unit_test(a_path_lies_in_the_deepest_mount),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
