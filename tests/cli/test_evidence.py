#!/usr/bin/env python3
"""What the output tells: failed builds, absent tests and broken surroundings are no failures, failures get a name."""

import os
import shutil
import unittest

from lib import GOOD, Case, linear, main

ASAN = """==1==ERROR: AddressSanitizer: heap-use-after-free on address 0x602 at pc 0x1 bp 0x2 sp 0x3
READ of size 8 at 0x602 thread T0
    #0 0x1 in __asan_memcpy (/bin/p+0x1)
    #1 0x2 in ns::Parser<int>::next(int) /src/p.cc:3:1
    #2 0x3 in run /src/run.c:9:2
    #3 0x4 in main /src/main.c:1:1
"""
UBSAN = "a.c:1:2: runtime error: signed integer overflow: 1 + 2147483647 cannot be represented in type 'int'\n"
GCC = "a.c:3:9: error: 'x' undeclared (first use in this function)\nmake: *** [Makefile:2: a.o] Error 1\n"


class Evidence(Case):
    def judged(self, text, status, *args):
        """The one trial of `try` on a command that prints this and exits so."""
        self.write("said", text)
        done = self.run_program("try", "--json", *args, "--", "sh", "-c", f"cat said >&2; exit {status}", cwd=self.work)
        return done.json["trials"][0], done

    def setUp(self):
        super().setUp()
        self.work = self.path("work")
        os.mkdir(self.work)

    def write(self, name, text):
        with open(f"{self.work}/{name}", "w") as f:
            f.write(text)

    def test_a_sanitizers_report_gives_type_and_frames(self):
        trial, done = self.judged(ASAN, 1)
        self.assertEqual((done.rc, trial["verdict"]), (1, "bad"), done)
        self.assertEqual(trial["failure"]["kind"], "sanitizer")
        self.assertEqual(trial["failure"]["type"], "heap-use-after-free READ 8")
        self.assertEqual(trial["failure"]["frames"], ["ns::Parser::next", "run", "main"])
        self.assertEqual(trial["failure"]["exit"], 1)
        self.assertEqual(done.json["failure"], trial["failure"])

    def test_stop_on_ends_a_test_that_would_never_end(self):
        for more in ((), ("--sandbox", "none")):
            marker = self.marker()
            done = self.run_program("try", "--json", "--stop-on", "^kernel panic", *more, "--", "sh", "-c",
                                    f"echo boot; echo a kernel panic is no start; echo kernel panic: x; sleep {marker}")
            trial = done.json["trials"][0]
            self.assertEqual((done.rc, trial["verdict"], trial["signal"], trial["timed_out"]), (1, "bad", None, False), done)
            self.assertEqual((trial["failure"]["kind"], trial["failure"]["message"]), ("pattern", "kernel panic: x"))
            self.assert_gone(marker)

    def test_stop_on_is_one_verdict_whether_the_test_or_we_were_quicker(self):
        for text, status, verdict in (("x\npanic\n", 0, "bad"), ("no line ends: panic", 0, "bad"),
                                      ("panic\nabsent\n", 0, "skip")):
            trial, done = self.judged(text, status, "--stop-on", "panic", "--skip-if", "absent")
            self.assertEqual(trial["verdict"], verdict, done)

    def test_a_search_with_stop_on_finds_where_the_line_came_in(self):
        repo = self.repo(linear(9), bad=["c6"])
        done = self.search(repo, "--good", "c1", "--stop-on", "^state 1", command=["sh", "-c", "echo state $(cat state); exec sleep $(cat state)00"])
        self.assert_first_bad(repo, done, "c6")

    def test_a_build_that_fails_is_no_failure_of_the_test(self):
        trial, done = self.judged(GCC, 2)
        self.assertEqual((done.rc, trial["verdict"], trial["failure"]["kind"]), (125, "skip", "build"), done)
        self.assertIn("build failed", trial["why"])

    def test_no_tests_and_broken_surroundings_are_skips(self):
        for text, status, kind in (("running 0 tests\n\ntest result: ok. 0 passed\n", 0, "no-tests"),
                                   ("ModuleNotFoundError: No module named 'x'\n", 1, "infra")):
            trial, done = self.judged(text, status)
            self.assertEqual((done.rc, trial["verdict"], trial["failure"]["kind"]), (125, "skip", kind), done)

    def test_what_a_passing_test_prints_makes_it_no_better_and_no_worse(self):
        text = ASAN.replace("ERROR", "error") + GCC + "Traceback (most recent call last):\nFAILED t.py::x - y\n"
        trial, done = self.judged(text, 0)
        self.assertEqual((done.rc, trial["verdict"], trial["failure"]), (0, "good", None), done)

    def test_a_defect_under_exit_0_is_told_and_bad_only_when_wanted(self):
        trial, done = self.judged(UBSAN, 0)
        self.assertEqual((done.rc, trial["verdict"]), (0, "good"), done)
        self.assertEqual((trial["failure"]["kind"], trial["failure"]["type"]), ("sanitizer", "integer-overflow"))
        trial, done = self.judged(UBSAN, 0, "--bad-if-defect")
        self.assertEqual((done.rc, trial["verdict"]), (1, "bad"), done)
        trial, done = self.judged("make: [Makefile:3: test] Error 1 (ignored)\n", 0)
        self.assertEqual((done.rc, trial["verdict"], trial["failure"]["kind"]), (0, "good", "ignored"), done)

    def test_the_users_patterns_come_before_all_that(self):
        self.assertEqual(self.judged(GCC, 2, "--bad-if", "undeclared")[1].rc, 1)
        self.assertEqual(self.judged(ASAN, 1, "--good-if", "heap-use")[1].rc, 0)

    @unittest.skipUnless(shutil.which("make") and shutil.which("cc"), "needs make and a C compiler")
    def test_exit_2_of_make_is_told_apart_without_a_build_command(self):
        self.write("Makefile", "test: prog\n\t./prog\nprog: prog.c\n\t$(CC) -o $@ prog.c\n")
        verdicts = []
        for source in ("#include <assert.h>\nint main(void) { assert(1 == 2); }\n", "int main(void) { return missing; }\n",
                       "int main(void) { return 1; }\n", "int f(void);\nint main(void) { return f(); }\n"):
            self.write("prog.c", source)
            done = self.run_program("try", "--json", "--", "make", "test", cwd=self.work)
            trial = done.json["trials"][0]
            self.assertEqual(trial["exit"], 2, done)
            verdicts.append((trial["verdict"], trial["failure"]["kind"]))
        self.assertEqual([v for v, _ in verdicts], ["bad", "skip", "bad", "skip"], verdicts)
        self.assertEqual([k for _, k in verdicts], ["assertion", "build", "exit", "build"])

    def test_a_compile_error_is_hunted_when_the_bad_end_has_it(self):
        other = GCC.replace("'x' undeclared (first use in this function)", "expected ';' before '}' token")
        says = {"c1": {"say": "fine\n", "state": GOOD}, "c3": {"say": other, "state": "2\n"},
                "c4": {"say": "fine\n", "state": GOOD}, "c6": {"say": GCC, "state": "2\n"}}
        repo = self.repo(linear(9, files=says))
        done = self.search(repo, "--good", "c1", command=["sh", "-c", "cat say; exit $(cat state)"])
        self.assert_first_bad(repo, done, "c6")


if __name__ == "__main__":
    main()
