/* recognise_test.c - what test runners say: that a test failed, that tests ran, that there was none. */
#include "judge/recogniser.h"

#define TEST BR_SAYS_TEST
#define NO_STACK BR_STACK_NONE

enum { SUMMED = 50, LISTED = 55, DETAILED = 60, EXPLAINED = 70 };

/* A row for a runner's message that a test failed; one for the names of what failed; one for tests that ran; none did. */
#define FAILED(name, literal, re, rank)                                                                      \
	{                                                                                                    \
		name, literal, re, TEST, rank, 0, NO_STACK, "test", name, NULL                               \
	}
#define RAN(name, literal, re)                                                                               \
	{                                                                                                    \
		name, literal, re, BR_SAYS_RAN, 0, BR_PASSED, NO_STACK, "", "", NULL                         \
	}
#define NO_TESTS(name, literal, re)                                                                          \
	{                                                                                                    \
		name, literal, re, BR_SAYS_NO_TESTS, 40, BR_PASSED, NO_STACK, "no-tests", name, NULL         \
	}

static const struct br_recogniser rows[] = {
	/* GoogleTest, cmocka */
	FAILED("gtest", "[  FAILED  ] ", "^\\[  FAILED  \\] (?!\\d+ test)(?<w>[^\\s,(]+)", LISTED),
	FAILED("gtest", ": Failure\n",
	       "^(?<f>\\S+?)(?::\\d+|\\(\\d+\\)): Failure\\n(?<m>.*(?:\\n {2}.*){0,4})", EXPLAINED),
	FAILED("cmocka", "[   LINE   ] --- ", "^\\[   LINE   \\] --- (?<f>[^:]+):\\d+: error: Failure!",
	       DETAILED),
	FAILED("cmocka", "[  ERROR   ] --- ", "^\\[  ERROR   \\] --- (?<m>.*)", EXPLAINED),
	RAN("gtest", "] Running ", "^\\[==========\\] Running [1-9]\\d* test"),
	NO_TESTS("gtest", "] Running 0 tests", "^\\[==========\\] Running 0 tests?"),
	NO_TESTS("gtest", "no tests to run", "^(?<m>.*no tests to run.*)"),
	/* Catch2, doctest, Boost.Test, Check, Unity, Criterion, CppUnit, Qt */
	FAILED("Catch2", ": FAILED:\n", "^(?<f>\\S+?)(?::\\d+|\\(\\d+\\)): FAILED:\\n\\s*(?<m>.*)",
	       EXPLAINED),
	FAILED("Catch2", "test cases: ", "^test cases: +\\d+ \\|.*[1-9]\\d* failed", SUMMED),
	RAN("Catch2", "All tests passed (", "^All tests passed \\("),
	NO_TESTS("Catch2", "No tests ran", "^(?<m>No tests ran)"),
	NO_TESTS("Catch2", "No test cases matched", "^(?<m>No test cases matched.*)"),
	FAILED("doctest", "ERROR: ",
	       "^(?<f>[^\\s:]+\\.(?:c|cc|cpp|cxx|h|hh|hpp|mm|m))(?::\\d+|\\(\\d+\\)): (?:FATAL )?ERROR: "
	       "(?<m>.*)",
	       EXPLAINED),
	FAILED("doctest", "Status: FAILURE!", "^\\[doctest\\] Status: FAILURE!", SUMMED),
	RAN("doctest", "[doctest] test cases: ", "^\\[doctest\\] test cases: +[1-9]"),
	NO_TESTS("doctest", "[doctest] test cases: ", "^\\[doctest\\] test cases: +0 "),
	FAILED("Boost.Test", "error: in \"",
	       "^(?<f>\\S+)\\(\\d+\\): (?:fatal )?error: in \"(?<w>[^\"]*)\": (?<m>.*)", EXPLAINED),
	FAILED("Boost.Test", " detected in the test ",
	       "^\\*\\*\\* [1-9]\\d* failures? (?:is|are) detected in the test", SUMMED),
	NO_TESTS("Boost.Test", "no test cases matching filter", "^.*(?<m>no test cases matching filter.*)"),
	NO_TESTS("Boost.Test", "test tree is empty", "^.*(?<m>test tree is empty)"),
	FAILED("Check", "%: Checks: ",
	       "^\\d+%: Checks: \\d+, Failures: (?:[1-9]\\d*, Errors: \\d+|0, Errors: [1-9]\\d*)", SUMMED),
	FAILED("Check", ":F:", "^(?<f>[^\\s:]+):\\d+:F:[^:]*:(?<w>[^:]*):-?\\d+: (?<m>.*)", EXPLAINED),
	FAILED("Check", ":E:", "^(?<f>[^\\s:]+):\\d+:E:[^:]*:(?<w>[^:]*):-?\\d+: (?<m>.*)", EXPLAINED - 1),
	RAN("Check", "%: Checks: ", "^100%: Checks: [1-9]"),
	FAILED("Unity", ":FAIL", "^(?<f>[^\\s:]+):\\d+:(?<w>\\w+):FAIL:? ?(?<m>.*)", EXPLAINED),
	FAILED("Criterion", "] ", "^\\[(?:FAIL|----)\\] (?<w>\\S+::\\S+): ", DETAILED),
	FAILED("CppUnit", "!!!FAILURES!!!", "^!!!FAILURES!!!", SUMMED),
	FAILED("Qt Test", "FAIL!  : ", "^FAIL!  : (?<w>[^\\s(]+).*?\\) ?(?<m>.*)", EXPLAINED),
	/* CTest, Meson, automake, DejaGnu, lit, TAP, prove, bats */
	FAILED("CTest", "***",
	       "^ *\\d+/\\d+ +Test +#\\d+: (?<w>\\S+) \\.*(?<m>.*\\*\\*\\*(?:Failed|Exception|Timeout).*?) "
	       "+[\\d.]+ sec",
	       DETAILED),
	{"CTest", "Not Run)", "^\\t? *\\d+ - (?<m>\\S+ \\(Not Run\\))", BR_SAYS_INFRA, 40, 0, NO_STACK,
	 "infra", "CTest", NULL},
	RAN("CTest", "   Passed ", "^ *\\d+/\\d+ +Test +#\\d+: .* Passed "),
	NO_TESTS("CTest", "No tests were found", "^(?<m>No tests were found)"),
	FAILED("Meson", " FAIL ",
	       "^ *\\d+/\\d+ (?<w>\\S+(?: - \\S+)?) +(?:FAIL|ERROR|TIMEOUT|UNEXPECTEDPASS) ", DETAILED),
	FAILED("Meson", " ERROR ", "^ *\\d+/\\d+ (?<w>\\S+(?: - \\S+)?) +ERROR ", DETAILED),
	FAILED("Meson", " TIMEOUT ", "^ *\\d+/\\d+ (?<w>\\S+(?: - \\S+)?) +TIMEOUT ", DETAILED),
	FAILED("Meson", "\nFail: ", "^Fail: +[1-9]", SUMMED),
	RAN("Meson", "\nOk: ", "^Ok: +[1-9]"),
	NO_TESTS("Meson", "No tests defined", "^(?<m>No tests defined\\.)"),
	FAILED("automake", "\nFAIL: ", "^FAIL: (?<w>\\S+)(?! \\()", LISTED - 5),
	FAILED("automake", "\nXPASS: ", "^XPASS: (?<w>\\S+)", LISTED - 5),
	FAILED("automake", "\n# FAIL: ", "^# FAIL: +[1-9]", SUMMED),
	FAILED("automake", "\n# ERROR: ", "^# ERROR: +[1-9]", SUMMED),
	RAN("automake", "\n# PASS: ", "^# PASS: +[1-9]"),
	FAILED("DejaGnu", "# of unexpected failures", "^# of unexpected failures\\s+[1-9]", SUMMED),
	FAILED("lit", "Failed Tests (", "^Failed Tests \\(\\d+\\):\\n\\s*(?<w>.*)", LISTED),
	FAILED("TAP", "not ok ",
	       "^\\s*not ok(?: \\d+)?(?! *(?:-.*)?# ?(?i:todo|skip))(?: -)? ?(?<w>(?!#)[^\\s#][^#\\n]*)?",
	       DETAILED),
	FAILED("Test::More", "Looks like you failed ", "^# Looks like you failed ", SUMMED),
	FAILED("prove", "Result: FAIL", "^Result: FAIL", SUMMED),
	FAILED("node:test", "# fail ", "^(?:# |\\S* )fail [1-9]", SUMMED),
	RAN("TAP", "\nok ", "^ok \\d+"),
	RAN("prove", "Result: PASS", "^Result: PASS"),
	NO_TESTS("prove", "Result: NOTESTS", "^(?<m>Result: NOTESTS)"),
	NO_TESTS("TAP", "\n1..0", "^(?<m>1\\.\\.0)(?:\\s|$)"),
	NO_TESTS("node:test", "# tests 0", "^(?<m># tests 0)$"),
	/* pytest, unittest, nose */
	FAILED("pytest", "\nFAILED ",
	       "^FAILED (?<f>\\S+?)::(?<w>[^\\s\\[]+)(?:\\[[^\\]]*\\])?(?: - (?<m>.*))?", DETAILED),
	FAILED("pytest", "\nERROR ", "^ERROR (?<f>\\S+?)::(?<w>\\S+)(?: - (?<m>.*))?", DETAILED),
	FAILED("pytest", " failed", "^(?:=+ )?(?:\\d+ \\w+, )*[1-9]\\d* failed(?:, \\d+ \\w+)* in [\\d.]+",
	       SUMMED),
	{"pytest", "\nE  ",
	 "^E +(?<t>(?:\\w+\\.)*\\w*(?:Error|Exception|Warning|Exit|Interrupt|Failed|Timeout))(?:: "
	 "(?<m>.*))?$",
	 BR_SAYS_NOTHING, EXPLAINED + 6, 0, NO_STACK, "exception", NULL, NULL},
	{"pytest", "\nE  ", "^E +assert (?<m>.*)", BR_SAYS_NOTHING, EXPLAINED + 6, 0, NO_STACK, "assertion",
	 "AssertionError", NULL},
	RAN("pytest", " passed", "^(?:=+ )?(?:\\d+ \\w+, )*[1-9]\\d* passed"),
	NO_TESTS("pytest", "no tests ran in", "^(?:=+ )?(?<m>no tests ran) in "),
	NO_TESTS("pytest", " deselected in ", "^(?:=+ )?(?<m>\\d+ deselected) in "),
	{"pytest",
	 "\nERROR: ", "^ERROR: (?<m>(?:file or directory not found|not found|usage|found no collectors).*)",
	 BR_SAYS_INFRA, 75, 0, NO_STACK, "infra", "pytest", NULL},
	{"pytest", "INTERNALERROR>", "^INTERNALERROR> (?<m>.*)", BR_SAYS_INFRA, 75, BR_LATEST, NO_STACK,
	 "infra", "pytest", NULL},
	{"pytest", "ImportError while loading conftest", "^(?<m>ImportError while loading conftest.*)",
	 BR_SAYS_INFRA, 76, 0, NO_STACK, "infra", "pytest", NULL},
	{"pytest", "ERROR collecting ", "^_+ ERROR collecting (?<m>\\S+) _+", BR_SAYS_BUILD, 50, 0, NO_STACK,
	 "build", "pytest", NULL},
	{"pytest", "\nE  ",
	 "^E +(?<t>ModuleNotFoundError|ImportError|SyntaxError|IndentationError): (?<m>.*)", BR_SAYS_NOTHING,
	 78, 0, NO_STACK, "build", NULL, NULL},
	FAILED("unittest", "\nFAIL: ", "^FAIL: (?<w>\\S+) \\([\\w.]+\\)", LISTED + 5),
	FAILED("unittest", "\nERROR: ", "^ERROR: (?<w>\\w+) \\((?!unittest\\.loader\\._FailedTest)[\\w.]+\\)",
	       LISTED + 5),
	{"unittest", "unittest.loader._FailedTest", "^ERROR: (?<m>\\S+) \\(unittest\\.loader\\._FailedTest",
	 BR_SAYS_BUILD, 50, 0, NO_STACK, "build", "unittest", NULL},
	RAN("unittest", "\nRan ", "^Ran [1-9]\\d* tests? in"),
	NO_TESTS("unittest", "\nRan 0 tests", "^(?<m>Ran 0 tests) in"),
	/* Rust */
	FAILED("cargo test", " ... FAILED", "^test (?<w>\\S+).* \\.\\.\\. FAILED", LISTED),
	FAILED("cargo test", "test result: FAILED", "^test result: FAILED", SUMMED),
	FAILED("nextest", " FAIL [", "^ +(?:FAIL|SIG\\w+|TIMEOUT) \\[ *[\\d.]+s\\] (?<w>.*)", LISTED),
	RAN("cargo test", "\nrunning ", "^running [1-9]\\d* tests?"),
	NO_TESTS("cargo test", "\nrunning 0 tests", "^(?<m>running 0 tests)"),
	/* Go */
	FAILED("go test", "--- FAIL: ",
	       "^ *--- FAIL: (?<w>\\S+)(?: \\([\\d.]+s\\))?(?:\\n\\s+(?<f>\\S+?):\\d+: (?<m>.*))?", DETAILED),
	RAN("go test", "\nok  ", "^ok  \\t(?!.*\\[no tests to run\\])"),
	RAN("go test", "--- PASS: ", "^ *--- PASS: "),
	NO_TESTS("go test", "[no test files]", "^(?<m>.*\\[no test files\\])"),
	NO_TESTS("go test", "[no tests to run]", "^(?<m>.*\\[no tests to run\\])"),
	/* JUnit, Surefire, Gradle, TestNG, Kotlin */
	FAILED("JUnit", "FAILURES!!!", "^FAILURES!!!", SUMMED),
	FAILED("JUnit", "Tests run: ", "^.*Tests run: *\\d+, +Failures: *(?:[1-9]|\\d+, +Errors: *[1-9])",
	       SUMMED),
	FAILED("JUnit", ") ", "^\\d+\\) (?<w>\\w+)\\([\\w.$]+\\)$", LISTED),
	FAILED("JUnit 5", " tests failed", "^\\[ +[1-9]\\d* tests failed +\\]", SUMMED),
	FAILED("Gradle", " FAILED", "^(?:> Task :\\S*[tT]est\\S* FAILED|(?<w>[\\w.$]+ > .*) FAILED)", LISTED),
	FAILED("Surefire", "There are test failures", "^.*There are test failures", SUMMED),
	RAN("JUnit", "Tests run: ", "^.*Tests run: *[1-9]"),
	RAN("JUnit", "OK (", "^OK \\([1-9]\\d* tests?\\)"),
	NO_TESTS("JUnit", "Tests run: 0", "^.*(?<m>Tests run: 0),"),
	NO_TESTS("JUnit", "OK (0 tests)", "^(?<m>OK \\(0 tests\\))"),
	NO_TESTS("Surefire", "No tests ",
		 "^.*(?<m>No tests (?:were executed|to run|matching pattern|found for given includes).*)"),
	/* JavaScript */
	FAILED("mocha", " failing", "^ +[1-9]\\d* failing", SUMMED),
	FAILED("jest", "Tests: ", "^ *Tests:? +(?:\\d+ \\w+, |\\d+ \\w+ \\| )*[1-9]\\d* failed", SUMMED),
	FAILED("jest", " \xe2\x97\x8f ", "^ +\xe2\x97\x8f (?<w>.*)", LISTED),
	{"jest", "Test suite failed to run", "^.*(?<m>Test suite failed to run)", BR_SAYS_BUILD, 45, 0,
	 NO_STACK, "build", "jest", NULL},
	RAN("mocha", " passing", "^ +[1-9]\\d* passing"),
	RAN("jest", "Tests: ", "^ *Tests:? +.*[1-9]\\d* passed"),
	NO_TESTS("mocha", " 0 passing", "^ +(?<m>0 passing)"),
	NO_TESTS("jest", "No tests found", "^(?<m>No tests found.*)"),
	NO_TESTS("vitest", "No test files found", "^(?<m>No test files found.*)"),
	/* Ruby, PHP, .NET, others */
	FAILED("minitest", " assertions, ",
	       "^\\d+ (?:runs|tests), \\d+ assertions, (?:[1-9]\\d* failures|\\d+ failures, [1-9]\\d* "
	       "errors)",
	       SUMMED),
	FAILED("minitest", ") Failure:", "^ +\\d+\\) Failure:\\n(?<w>[^\\s\\[]+).*:\\n(?<m>.*(?:\\n .*)?)",
	       EXPLAINED),
	FAILED("minitest", ") Error:", "^ +\\d+\\) Error:\\n(?<w>[^\\s:]+).*:\\n(?<m>.*)", EXPLAINED - 1),
	FAILED("RSpec", " failure", "^\\d+ examples?, [1-9]\\d* failures?", SUMMED),
	FAILED("RSpec", "Failure/Error: ", "^ +Failure/Error: (?<m>.*)", EXPLAINED),
	FAILED("RSpec", "\nrspec ", "^rspec (?<f>[^\\s:]+)", LISTED),
	{"RSpec", "outside of examples", "^0 examples, .*[1-9]\\d* errors? occurred outside of examples",
	 BR_SAYS_BUILD, 50, 0, NO_STACK, "build", "RSpec", NULL},
	RAN("minitest", " assertions, ", "^[1-9]\\d* (?:runs|tests), \\d+ assertions"),
	RAN("RSpec", " example", "^[1-9]\\d* examples?, "),
	NO_TESTS("minitest", "0 runs, 0 assertions", "^(?<m>0 runs, 0 assertions)"),
	NO_TESTS("RSpec", "0 examples, 0 failures", "^(?<m>0 examples, 0 failures)(?!.*error)"),
	FAILED("PHPUnit", "FAILURES!", "^FAILURES!$", SUMMED),
	FAILED("PHPUnit", "ERRORS!", "^ERRORS!$", SUMMED),
	FAILED("PHPUnit", ") ", "^\\d+\\) (?<w>[\\w\\\\]+::\\w+).*\\n(?<m>.*)", EXPLAINED),
	RAN("PHPUnit", "OK (", "^OK \\([1-9]\\d* tests?, "),
	NO_TESTS("PHPUnit", "No tests executed!", "^(?<m>No tests executed!)"),
	FAILED("dotnet test", "Failed!  - ", "^Failed!  - Failed: +[1-9]", SUMMED),
	FAILED("dotnet test", "\n  Failed ", "^  Failed (?<w>\\S+)", LISTED),
	RAN("dotnet test", "Passed!  - ", "^Passed!  - "),
	NO_TESTS("dotnet test", "No test is available", "^.*(?<m>No test is available.*)"),
	FAILED("Bazel", " FAILED in ", "^(?<w>//\\S+) +FAILED in ", LISTED),
	FAILED("ExUnit", " failures", "^\\d+ tests?, [1-9]\\d* failures?", SUMMED),
	FAILED("bats", "' failed", "^# +`(?<m>.*)' failed", EXPLAINED),
	FAILED("TAP", "#   Failed test ", "^# +Failed test '(?<w>.*)'", DETAILED),
};

const struct br_recognisers *br_recognise_tests(void)
{
	static const struct br_recognisers all = {rows, sizeof rows / sizeof *rows};

	return &all;
}
