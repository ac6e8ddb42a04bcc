/* test_debug.c - the words of debuggers, and where two outputs part. */
#include "app/debug.h"

#include "base/mem.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void assert_pdb(const char *command, const char *expected)
{
	br_auto_strv char **argv = br_shell_split(command);
	br_auto_strv char **pdb = br_debug_pdb(argv);
	br_auto_free char *line = pdb ? br_shell_join(pdb) : NULL;

	if (expected)
		assert_string_equal(line ? line : "(none)", expected);
	else
		assert_null(line);
}

static void python_programs_are_run_under_pdb_and_others_are_not(void **state)
{
	(void)state;
	assert_pdb("python3 x.py -c 1", "python3 -m pdb -c continue x.py -c 1");
	assert_pdb("/usr/bin/python3.11 -X dev -B x.py",
		   "/usr/bin/python3.11 -X dev -B -m pdb -c continue x.py");
	assert_pdb("python3 -m tool a", "python3 -m pdb -c continue -m tool a");
	assert_pdb("python3 -m pytest t", "python3 -m pytest t --pdb");
	assert_pdb("pytest t", "pytest t --pdb");
	assert_pdb("./x.py a", "python3 -m pdb -c continue ./x.py a");
	assert_pdb("python3 -c pass", NULL);
	assert_pdb("python3 -m unittest", NULL);
	assert_pdb("pythonista x.py", NULL);
	assert_pdb("make test", NULL);
	assert_pdb("python3", NULL);
	assert_pdb("python3 -W", NULL);
}

static void outputs_part_at_the_first_line_that_says_something_else(void **state)
{
	(void)state;
	assert_int_equal(br_debug_part("a\nb\n", "a\nb\n", false), 0);
	assert_int_equal(br_debug_part("", "", false), 0);
	assert_int_equal(br_debug_part("a\nb\n", "a\nc\n", false), 2);
	assert_int_equal(br_debug_part("a\n", "a\nmore\n", false), 2);
	assert_int_equal(br_debug_part("p = 0x7f12\nx\n", "p = 0x7e\ny\n", false), 2);
	assert_int_equal(br_debug_part("p = 0x7f12 a\n", "p = 0x7e b\n", false), 1);
	assert_int_equal(br_debug_part("ends 12345\n", "ends 54321\n", false), 1);
	assert_int_equal(br_debug_part("wait4(12345) = 1\n", "wait4(54321) = 1\n", true), 0);
	assert_int_equal(br_debug_part("wait4(12345) = 1\n", "wait4(54321) = 2\n", true), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(python_programs_are_run_under_pdb_and_others_are_not),
		cmocka_unit_test(outputs_part_at_the_first_line_that_says_something_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
