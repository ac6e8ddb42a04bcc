/* test_evidence.c - what outputs of many tools tell: class, type, message and frames. Texts written after the tools' formats. */
#include "judge/evidence.h"
#include "judge/frame.h"

#include "base/mem.h"
#include "bisect_run/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct br_evidence *evidence;

static int start(void **state)
{
	struct br_err err = {0};

	(void)state;
	evidence = br_evidence_new();
	return br_evidence_check(evidence, &err);
}

static int stop(void **state)
{
	(void)state;
	br_evidence_free(evidence);
	return 0;
}

static struct br_reading read_text(const char *text, bool passed)
{
	struct br_reading r;
	struct br_err err = {0};

	assert_int_equal(br_evidence_read(evidence, text, strlen(text), passed, &r, &err), BR_OK);
	return r;
}

enum class { FAILURE, BUILD, INFRA, NO_TESTS };

static enum class class_of(enum br_says says) {
	if (says == BR_SAYS_BUILD || says == BR_SAYS_NO_BUILD) return BUILD;
	if (says == BR_SAYS_INFRA || says == BR_SAYS_FULL) return INFRA;
	return says == BR_SAYS_NO_TESTS ? NO_TESTS : FAILURE;
}

struct row {
	enum class class;
	const char *kind, *type, *message, *frames; /* message NULL: any; frames: "a|b" or NULL for any */
	const char *text;
};

static void join_frames(const struct br_failure *f, char *out, size_t size)
{
	size_t len = 0;

	*out = '\0';
	for (uint32_t i = 0; i < f->nframe; i++)
		len += (size_t)snprintf(out + len, size - len, "%s%s", i ? "|" : "", f->frame[i]);
}

static void check_rows(const struct row *row, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct br_reading r = read_text(row[i].text, false);
		char frames[512];

		join_frames(&r.failure, frames, sizeof frames);
		if (class_of(r.says) != row[i].class || strcmp(r.failure.kind, row[i].kind) != 0 ||
		    strcmp(r.failure.type, row[i].type) != 0)
			print_message("%s\n-> %d %s: %s: %s in %s\n", row[i].text, (int)r.says,
				      r.failure.kind, r.failure.type, r.failure.message, frames);
		assert_int_equal(class_of(r.says), row[i].class);
		assert_string_equal(r.failure.kind, row[i].kind);
		assert_string_equal(r.failure.type, row[i].type);
		if (row[i].message)
			assert_string_equal(r.failure.message, row[i].message);
		if (row[i].frames)
			assert_string_equal(frames, row[i].frames);
	}
}

#define CHECK(rows) check_rows(rows, sizeof(rows) / sizeof *(rows))

static void assertions_tell_their_text_and_function(void **state)
{
	static const struct row rows[] = {
		{FAILURE, "assertion", "assertion", "n > 0 && \"no\"", "util::Parser::next",
		 "prog: src/a.cc:12: virtual int util::Parser<int>::next(const std::string&) const: "
		 "Assertion `n > 0 && \"no\"' failed.\n"},
		{FAILURE, "assertion", "assertion", "p != NULL", "load",
		 "Assertion failed: p != NULL (src/load.c: load: 31)\n"},
		{FAILURE, "assertion", "assertion", "(p != NULL)", "load",
		 "Assertion failed: (p != NULL), function load, file load.c, line 31.\n"},
		{FAILURE, "assertion", "assertion", "(a == b): (1 == 2)", "test_add",
		 "**\nERROR:tests/add.c:9:test_add: assertion failed (a == b): (1 == 2)\nBail out!\n"},
		{FAILURE, "assertion", "assertion", "i < size()", "vec.h",
		 "ASSERT: \"i < size()\" in file /src/vec.h, line 4\n"},
		{FAILURE, "check", "CHECK failure", "x == y in f.cc", "f",
		 "F0812 10:11:12.131415 77 src/f.cc:20] Check failed: x == y (1 vs. 2) more\n*** Check "
		 "failure stack trace: ***\n"
		 "    @     0x55f82d6d92a9  google::LogMessage::Fail()\n    @     0x55f82d6d92aa  f()\n    @ "
		 "    0x55f82d6d92ab  (unknown)\n"},
		{FAILURE, "assertion", "assertion", "x", "main",
		 "\033[31mprog: a.c:1: main: Assertion `x' failed.\033[0m\r\nAborted\n"},
	};

	(void)state;
	CHECK(rows);
}

static void sanitizers_and_valgrind_tell_type_access_and_stack(void **state)
{
	static const struct row rows[] = {
		{FAILURE, "sanitizer", "heap-buffer-overflow WRITE 4", "", "ns::fill|ns::run|main",
		 "==1==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x602 at pc 0x1 bp 0x2 sp "
		 "0x3\n"
		 "WRITE of size 4 at 0x602 thread T0\n"
		 "    #0 0x1 in __asan_memcpy (/bin/prog+0x1)\n"
		 "    #1 0x2 in std::vector<int>::push_back(int) /usr/include/c++/12/bits/stl_vector.h:3:1\n"
		 "    #2 0x3 in void ns::fill<int, 3>(int*, std::map<int, int> const&) /src/fill.cc:3:1\n"
		 "    #3 0x4 in (anonymous namespace)::ns::run() [clone .cold] /src/run.cc:9\n"
		 "    #4 0x5 in main /src/main.cc:4:3\n    #5 0x6 in __libc_start_main "
		 "(/lib/x86_64-linux-gnu/libc.so.6+0x1)\n\n"
		 "0x602 is located 0 bytes to the right\nallocated by thread T0 here:\n    #0 0x9 in other "
		 "/src/o.c:1\n"},
		{FAILURE, "sanitizer", "stack-overflow", "", "even|odd",
		 "==1==ERROR: AddressSanitizer: stack-overflow on address 0x7ffc (pc 0x1 bp 0x2 sp 0x3 T0)\n"
		 "    #0 0x1 in leaf a.c:1:1\n    #1 0x1 in even a.c:1:1\n    #2 0x1 in odd a.c:1:1\n    #3 "
		 "0x1 in even a.c:1:1\n"
		 "    #4 0x1 in odd a.c:1:1\n    #5 0x1 in even a.c:1:1\n    #6 0x1 in odd a.c:1:1\n    #7 "
		 "0x1 in even a.c:1:1\n"},
		{FAILURE, "sanitizer", "double-free", "", "drop|main",
		 "==7==ERROR: AddressSanitizer: attempting double-free on 0x602 in thread T0:\n    #0 0x1 in "
		 "free (/bin/p+0x1)\n"
		 "    #1 0x2 in drop a.c:3:1\n    #2 0x2 in main a.c:3:1\n"},
		{FAILURE, "sanitizer", "lock-order-inversion", "", "f",
		 "WARNING: ThreadSanitizer: lock-order-inversion (potential deadlock) (pid=1)\n  Cycle in "
		 "lock order graph: M1 => M2\n\n"
		 "  Mutex M2 acquired here while holding mutex M1 in thread T1:\n    #0 pthread_mutex_lock "
		 "<null> (p+0x1)\n    #1 f a.c:3:2 (p+0x2)\n"},
		{FAILURE, "valgrind", "Invalid write of size 8", "", "fill|main",
		 "==9== Invalid write of size 8\n==9==    at 0x48: memcpy (in "
		 "/usr/libexec/valgrind/vgpreload_memcheck-amd64-linux.so)\n"
		 "==9==    by 0x10: fill (a.c:3)\n==9==    by 0x11: main (a.c:9)\n==9==  Address 0x4a is 0 "
		 "bytes after a block\n"
		 "==9==    at 0x48: malloc (in /usr/libexec/valgrind/x.so)\n==9==    by 0x10: make "
		 "(a.c:3)\n"},
		{FAILURE, "sanitizer", "undefined-shift", NULL, "hash|main",
		 "/src/a.c:3:7: runtime error: shift exponent 33 is too large for 32-bit type 'int'\n    #0 "
		 "0x1 in hash /src/a.c:3:7\n"
		 "    #1 0x2 in main /src/a.c:9\n"},
	};

	(void)state;
	CHECK(rows);
}

static void stacks_of_debuggers_are_read(void **state)
{
	static const struct row rows[] = {
		{FAILURE, "signal", "SIGSEGV", "Segmentation fault.", "parse|load|main",
		 "Program received signal SIGSEGV, Segmentation fault.\n0x0000555 in parse (s=0x0) at "
		 "parse.c:7\n"
		 "#0  0x0000555 in parse (s=0x0, n=<optimized out>) at parse.c:7\n#1  0x0000666 in load "
		 "(path=\"a (b) at c\") from /lib/l.so\n"
		 "#2  <signal handler called>\n#3  main (argc=1, argv=0x7ff) at main.c:3\n"},
		{FAILURE, "signal", "SIGABRT", "", "parse|main",
		 "* thread #1, name = 'p', stop reason = signal SIGABRT\n  * frame #0: 0x00007fff "
		 "libc.so.6`raise + 203\n"
		 "    frame #1: 0x0000555 p`parse(s=0x0) at parse.c:7:3\n    frame #2: 0x0000666 p`main at "
		 "main.c:3:1\n"},
	};

	(void)state;
	CHECK(rows);
}

static void exceptions_of_many_languages_are_named(void **state)
{
	static const struct row rows[] = {
		{FAILURE, "exception", "ValueError", "second", "g|main|<module>",
		 "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\n    x()\nKeyError: "
		 "'first'\n\n"
		 "During handling of the above exception, another exception occurred:\n\nTraceback (most "
		 "recent call last):\n"
		 "  File \"a.py\", line 9, in <module>\n    main()\n  File \"a.py\", line 5, in main\n    "
		 "g()\n    ~^^\n"
		 "  File \"a.py\", line 3, in g\n    raise ValueError(\"second\")\nValueError: second\n"},
		{FAILURE, "exception", "RecursionError", "maximum recursion depth exceeded", "f",
		 "Traceback (most recent call last):\n  File \"a.py\", line 9, in <module>\n    f()\n  File "
		 "\"a.py\", line 2, in f\n    f()\n"
		 "  File \"a.py\", line 2, in f\n    f()\n  File \"a.py\", line 2, in f\n    f()\n  "
		 "[Previous line repeated 996 more times]\n"
		 "RecursionError: maximum recursion depth exceeded\n"},
		{FAILURE, "exception", "java.lang.IllegalStateException", "closed",
		 "com.x.Pool.take|com.x.Main.main",
		 "Exception in thread \"main\" java.lang.IllegalStateException: closed\n\tat "
		 "java.base/java.util.Objects.check(Objects.java:3)\n"
		 "\tat app//com.x.Pool.take(Pool.kt:12)\n\tat com.x.Main.main(Main.java)\nCaused by: "
		 "java.io.IOException: gone\n\t... 2 more\n"},
		{FAILURE, "exception", "TypeError", "x is not a function", "Store.load|main",
		 "/src/a.js:3\n    x();\n    ^\n\nTypeError: x is not a function\n    at Store.load [as run] "
		 "(/src/a.js:3:5)\n"
		 "    at async main (/src/a.js:9:1)\n    at Module._compile "
		 "(node:internal/modules/cjs/loader:1)\n\nNode.js v20\n"},
		{FAILURE, "panic", "index out of range", NULL, "store.(*DB).get|main.main",
		 "panic: runtime error: index out of range [5] with length 3\n\ngoroutine 1 "
		 "[running]:\nexample.com/x/store.(*DB).get(...)\n"
		 "\t/src/store/db.go:9\nmain.main()\n\t/src/main.go:3 +0x1d\nexit status 2\n"},
		{FAILURE, "panic", "fatal error", "all goroutines are asleep - deadlock!",
		 "main.wait|main.main",
		 "fatal error: all goroutines are asleep - deadlock!\n\ngoroutine 1 [chan "
		 "receive]:\nmain.wait(0xc0)\n\t/src/m.go:3 +0x2\n"
		 "main.main()\n\t/src/m.go:5 +0x2\n"},
		{FAILURE, "panic", "panic", "called `Option::unwrap()` on a `None` value", "main.rs",
		 "thread 'main' panicked at 'called `Option::unwrap()` on a `None` value', src/main.rs:3:5\n"
		 "note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n"},
		{FAILURE, "panic", "panic", "boom", "app::Store::load|app::main",
		 "thread 'main' panicked at src/main.rs:3:5:\nboom\nstack backtrace:\n   0: "
		 "rust_begin_unwind\n             at /rustc/1/library/std/src/panicking.rs:1:1\n"
		 "   1: <app::Store as app::Load>::load\n             at ./src/store.rs:4:1\n   2: "
		 "app::main::h0123456789abcdef\n             at ./src/main.rs:3:5\n"},
		{FAILURE, "exception", "NoMethodError", "undefined method `x' for nil", "take|run|<main>",
		 "lib/a.rb:3:in `take': undefined method `x' for nil (NoMethodError)\n\tfrom lib/a.rb:9:in "
		 "`block in run'\n\tfrom a.rb:1:in `<main>'\n"},
		{FAILURE, "exception", "LogicException", "no", "Store->get|run",
		 "PHP Fatal error:  Uncaught LogicException: no in /src/a.php:3\nStack trace:\n#0 "
		 "/src/a.php(9): Store->get(1)\n#1 /src/a.php(11): run()\n#2 {main}\n  thrown in /src/a.php "
		 "on line 3\n"},
		{FAILURE, "exception", "die", "no such key", "Store::get|main::run",
		 "no such key at lib/Store.pm line 3.\n\tStore::get(Store=HASH(0x1), \"k\") called at a.pl "
		 "line 3\n\tmain::run() called at a.pl line 9\n"},
		{FAILURE, "exception", "System.InvalidOperationException", "no",
		 "App.Store.Get|App.Program.Main",
		 "Unhandled exception. System.InvalidOperationException: no\n   at "
		 "System.Linq.Enumerable.First[T](IEnumerable`1 x)\n"
		 "   at App.Store.Get(Int32 i) in /src/Store.cs:line 3\n   at App.Program.Main(String[] "
		 "args)\n"},
		{FAILURE, "exception", "std::out_of_range", "vector::_M_range_check", NULL,
		 "terminate called after throwing an instance of 'std::out_of_range'\n  what():  "
		 "vector::_M_range_check\nAborted (core dumped)\n"},
	};

	(void)state;
	CHECK(rows);
}

static void runners_tell_failed_tests_from_broken_builds(void **state)
{
	static const struct row rows[] = {
		{FAILURE, "assertion", "AssertionError", "1 == 2", "test_b",
		 "=== FAILURES ===\n____ test_b ____\n\n    def test_b():\n>       assert 1 == 2\nE       "
		 "assert 1 == 2\n\nt.py:2: AssertionError\n"
		 "=== short test summary info ===\nFAILED t.py::test_b - assert 1 == 2\n=== 1 failed, 3 "
		 "passed in 0.02s ===\n"},
		{BUILD, "build", "ModuleNotFoundError", "No module named 'x'", NULL,
		 "_____ ERROR collecting t.py _____\nImportError while importing test module 't.py'.\nE   "
		 "ModuleNotFoundError: No module named 'x'\n"
		 "!!!! Interrupted: 1 error during collection !!!!\n"},
		{FAILURE, "test", "go test", "want 3", "TestAdd",
		 "--- FAIL: TestAdd (0.00s)\n    add_test.go:9: want "
		 "3\nFAIL\nFAIL\texample.com/x\t0.1s\nFAIL\n"},
		{BUILD, "build", "go", "undefined: g", "add_test.go",
		 "# example.com/x [example.com/x.test]\n./add_test.go:9:2: undefined: g\nFAIL\texample.com/x "
		 "[build failed]\nFAIL\n"},
		{BUILD, "build", "linker", "undefined reference to `f'", NULL,
		 "/usr/bin/ld: a.o: in function `main':\na.c:3: undefined reference to `f'\ncollect2: error: "
		 "ld returned 1 exit status\nmake: *** [Makefile:2: prog] Error 1\n"},
		{BUILD, "build", "make", "gen/table.c", NULL,
		 "cannot make the table\nmake[1]: *** [Makefile:9: gen/table.c] Error 1\nmake: *** "
		 "[Makefile:2: all] Error 2\n"},
		{FAILURE, "test", "automake", "", "tests/add.sh",
		 "FAIL: tests/add.sh\n# TOTAL: 1\n# FAIL:  1\nmake[1]: *** [Makefile:9: check-TESTS] Error "
		 "1\n"},
		{BUILD, "build", "kotlinc", "unresolved reference: x", "A.kt",
		 "e: file:///src/A.kt:3:5 unresolved reference: x\n> Task :compileKotlin FAILED\n"},
		{BUILD, "build", "TypeScript", NULL, "a.ts",
		 "src/a.ts(3,5): error TS2304: Cannot find name 'x'.\n"},
		{FAILURE, "test", "JUnit", "", NULL,
		 "[ERROR] Tests run: 3, Failures: 1, Errors: 0, Skipped: 0\n[INFO] BUILD FAILURE\n"},
		{BUILD, "build", "cargo", NULL, NULL,
		 "error: failed to run custom build command for `x v0.1.0`\n\nCaused by:\n  --- "
		 "stderr\nthread 'main' panicked at build.rs:3:5:\nno\n"},
	};

	(void)state;
	CHECK(rows);
}

static void what_could_not_run_is_told(void **state)
{
	static const struct row rows[] = {
		{INFRA, "infra", "ModuleNotFoundError", "No module named 'numpy'", NULL,
		 "Traceback (most recent call last):\n  File \"t.py\", line 1, in <module>\n    import "
		 "numpy\nModuleNotFoundError: No module named 'numpy'\n"},
		{INFRA, "infra", "missing library", NULL, NULL,
		 "./p: error while loading shared libraries: libx.so.1: cannot open shared object file: No "
		 "such file or directory\n"},
		{INFRA, "infra", "syntax error", NULL, NULL,
		 "t.sh: line 9: syntax error near unexpected token `fi'\n"},
		{INFRA, "infra", "disk full", NULL, NULL, "cp: error writing 'x': No space left on device\n"},
		{INFRA, "infra", "MODULE_NOT_FOUND", NULL, NULL,
		 "node:internal/modules/cjs/loader:1\n  throw err;\n  ^\n\nError: Cannot find module "
		 "'./x'\nRequire stack:\n- /src/a.js\n    at Module._resolve "
		 "(node:internal/modules/cjs/loader:1:1)\n"},
		{NO_TESTS, "no-tests", "pytest", "no tests ran", NULL,
		 "collected 0 items\n\n=== no tests ran in 0.01s ===\n"},
		{NO_TESTS, "no-tests", "jest", NULL, NULL, "No tests found, exiting with code 1\n"},
		{FAILURE, "", "", "", "", "nothing that anybody knows\n"},
		{FAILURE, "", "", "", "", ""},
	};

	(void)state;
	CHECK(rows);
}

static void a_pass_without_any_test_is_noticed(void **state)
{
	static const char *const none[] = {
		"running 0 tests\n\ntest result: ok. 0 passed; 0 failed; 0 ignored\n",
		"?   \texample.com/x\t[no test files]\n",
		"ok  \texample.com/x\t0.01s [no tests to run]\n",
		"Test project /b\nNo tests were found!!!\n",
		"[==========] Running 0 tests from 0 test suites.\n",
		"\n----\nRan 0 tests in 0.000s\n\nOK\n",
		"0 examples, 0 failures\n",
		"0 runs, 0 assertions, 0 failures, 0 errors, 0 skips\n",
		"1..0\n",
	};
	static const char *const some[] = {
		"running 0 tests\n\nrunning 3 tests\ntest a ... ok\n",
		"?   \ta\t[no test files]\nok  \tb\t0.01s\n",
		"[==========] Running 3 tests from 1 test suite.\n",
		"Ran 3 tests in 0.001s\n\nOK\n",
		"hello\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
		struct br_reading r = read_text(none[i], true);

		if (!r.no_tests)
			print_message("%s", none[i]);
		assert_true(r.no_tests);
		assert_string_equal(r.failure.kind, "no-tests");
	}
	for (size_t i = 0; i < sizeof some / sizeof *some; i++)
		assert_false(read_text(some[i], true).no_tests);
}

static void a_defect_under_exit_0_is_a_defect_and_other_words_are_not(void **state)
{
	static const char ubsan[] = "a.c:1:2: runtime error: signed integer overflow: 1 + 2147483647\n";
	struct br_reading r = read_text(ubsan, true);

	(void)state;
	assert_true(r.defect);
	assert_string_equal(r.failure.type, "integer-overflow");
	assert_true(read_text("==3== ERROR SUMMARY: 2 errors from 1 contexts\n", true).defect);
	assert_false(read_text("==3== ERROR SUMMARY: 0 errors from 0 contexts\n", true).defect);
	assert_true(read_text("make: [Makefile:3: test] Error 1 (ignored)\n", true).defect);
	r = read_text("Traceback (most recent call last):\n  File \"a\", line 1, in f\nKeyError: 1\np: "
		      "a.c:1: f: Assertion `x' failed.\n"
		      "a.c:1:2: error: no\nrunning late\n",
		      true);
	assert_false(r.defect);
	assert_false(r.no_tests);
	assert_string_equal(r.failure.kind, "");
}

/* --- bounds --- */

static void a_telling_line_behind_much_noise_is_found(void **state)
{
	static const char noise[] = "error: Error: failed ] ) *** == not ok at x line 3 AssertionError: no, "
				    "12 passed, 3 failures\n";
	static const char telling[] = "p: a.c:1: f: Assertion `last' failed.\n";
	size_t n = 40000 * (sizeof noise - 1) + sizeof telling - 1;
	br_auto_free char *text = br_malloc(n + 1);
	struct br_reading r;

	(void)state;
	for (size_t i = 0; i < 40000; i++)
		memcpy(text + i * (sizeof noise - 1), noise, sizeof noise - 1);
	memcpy(text + n - (sizeof telling - 1), telling, sizeof telling);
	r = read_text(text, false);
	assert_string_equal(r.failure.message, "last");
}

static void one_line_of_many_megabytes_is_read(void **state)
{
	const size_t n = 20u << 20;
	br_auto_free char *text = br_malloc(n + 1);
	struct br_err err = {0};
	struct br_reading r;

	(void)state;
	for (size_t i = 0; i < n; i += 8)
		memcpy(text + i, "Error ((", 8);
	text[n] = '\0';
	assert_int_equal(br_evidence_read(evidence, text, n, false, &r, &err), BR_OK);
	memset(text, '\0', n);
	assert_int_equal(br_evidence_read(evidence, text, n, false, &r, &err), BR_OK);
	assert_int_equal(r.says, BR_SAYS_NOTHING);
}

/* The name lies in a block of its own, so that a look before it is a fault under AddressSanitizer. */
static void nothing_before_a_name_is_looked_at(void **state)
{
	static const char *const names[] = {"<T>::f", ":<T>::f", "::<T>::f", "<", ":<"};
	char out[64];

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		br_auto_free char *name = br_strdup(names[i]);

		br_frame_name_native(name, strlen(name), out, sizeof out);
		assert_true(strlen(out) <= strlen(name));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_before_a_name_is_looked_at),
		cmocka_unit_test(assertions_tell_their_text_and_function),
		cmocka_unit_test(sanitizers_and_valgrind_tell_type_access_and_stack),
		cmocka_unit_test(stacks_of_debuggers_are_read),
		cmocka_unit_test(exceptions_of_many_languages_are_named),
		cmocka_unit_test(runners_tell_failed_tests_from_broken_builds),
		cmocka_unit_test(what_could_not_run_is_told),
		cmocka_unit_test(a_pass_without_any_test_is_noticed),
		cmocka_unit_test(a_defect_under_exit_0_is_a_defect_and_other_words_are_not),
		cmocka_unit_test(a_telling_line_behind_much_noise_is_found),
		cmocka_unit_test(one_line_of_many_megabytes_is_read),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
