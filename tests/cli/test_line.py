#!/usr/bin/env python3
"""--range and --list: the first bad one of ordered items."""

import os
import signal

from lib import OUTSIDE, Case, main, read


class Line(Case):
    def where(self):
        """A folder outside of any repository."""
        path = self.path("here")
        os.makedirs(path, exist_ok=True)
        return path

    def line(self, *args, command, expect=0, **kw):
        done = self.run_program(*args, "--json", "--confirm", "quick", "--", *command, cwd=self.where(), **kw)
        self.assertEqual(done.rc, expect, done)
        return done

    def test_the_first_bad_number_is_found_in_log2_n_tests(self):
        done = self.line("-j", "1", "--range", "0..1000000", command=["sh", "-c", "test @@ -lt 777777"])
        self.assertEqual(done.json["range"]["first_bad"], 777777)
        self.assertLessEqual(len(done.phase("search")), 20)
        self.assertEqual(done.json["status"], "isolated")

    def test_a_range_may_go_down_below_zero_and_in_hexadecimal(self):
        done = self.line("--range", "10..-10", command=["sh", "-c", "test @@ -gt -3"])
        self.assertEqual(done.json["range"], {"first_bad": -3, "last_good": -2, "left": 1})
        done = self.line("--range", "0x0..0xff", command=["sh", "-c", "test $((@@)) -lt 96 && echo @@ | grep 0x"])
        self.assertEqual(done.json["range"]["first_bad"], 0x60)

    def test_dates_are_days_through_leap_years(self):
        done = self.line("--range", "2024-02-25..2024-03-10", command=["sh", "-c", '! test @@ \\> 2024-02-29'])
        self.assertEqual(done.json["range"]["first_bad"], "2024-03-01")
        self.assertEqual(done.json["range"]["last_good"], "2024-02-29")

    def test_the_candidate_may_stand_inside_a_word(self):
        done = self.line("--range", "1..9", command=["sh", "-c", 'test "$1" != limit=7 -a "$1" != limit=8 -a "$1" != limit=9',
                                                     "-", "limit=@@"])
        self.assertEqual(done.json["range"]["first_bad"], 7)

    def test_a_list_from_a_file_and_from_a_pipe(self):
        items = "v1.0\nv1.1\n\nv 1.2\r\nv2.0\n"
        path = os.path.join(self.where(), "versions")
        with open(path, "w", newline="") as file:
            file.write(items)
        command = ["sh", "-c", 'test "$1" = v1.0 -o "$1" = v1.1', "-", "@@"]
        done = self.line("--list", "versions", command=command)
        self.assertEqual(done.json["list"], {"first_bad": "v 1.2", "last_good": "v1.1", "index": 2, "left": 1})
        with open(path) as file:
            done = self.line("--list", "-", command=command, stdin=file)
        self.assertEqual(done.json["list"]["index"], 2)

    def test_untestable_items_are_named_as_a_stretch(self):
        done = self.line("--range", "0..100", command=["sh", "-c", "test @@ -lt 40 && exit 0; test @@ -lt 60 && exit 125; exit 1"],
                         expect=2)
        self.assertEqual(done.json["status"], "narrowed")
        self.assertIn("40..60", done.json["message"])
        self.assertEqual(done.json["range"]["left"], 21)

    def test_parallel_tests_give_the_same_answer(self):
        for jobs in ("1", "4"):
            done = self.line("--range", "0..5000", "-j", jobs, command=["sh", "-c", "test @@ -lt 1234"])
            self.assertEqual(done.json["range"]["first_bad"], 1234)

    def test_ends_that_do_not_differ_are_refused_with_evidence(self):
        done = self.line("--range", "0..9", command=["sh", "-c", ": @@"], expect=3)
        self.assertRegex(done.json["message"], "the bad end 9 is good")
        done = self.line("--range", "0..9", command=["sh", "-c", "exit 1 # @@"], expect=3)
        self.assertRegex(done.json["message"], "the good end 0 is bad")

    def test_it_may_run_at_a_commit(self):
        repo = self.repo([("a", [], {"limit": "5\n"}), ("b", ["a"], {"limit": "7\n"})])
        for rev, first in (("a", 5), ("b", 7)):
            done = self.run_program("--bad", rev, "--range", "0..10", "--json", "--", "sh", "-c", "test @@ -lt $(cat limit)",
                                    cwd=repo.path)
            self.assertEqual(done.json["range"]["first_bad"], first, done)

    def test_the_answer_can_be_shown_again(self):
        done = self.run_program("--range", "0..9", "--", "sh", "-c", "test @@ -lt 4", cwd=self.where())
        self.assertIn("4 is the first bad one; the last good one is 3", done.out)
        self.assertIn("4 is the first bad one", self.run_program("show", cwd=self.where()).out)
        self.assertEqual(self.run_program("show", "--json", cwd=self.where()).json["range"]["first_bad"], 4)
        self.assertEqual(self.run_program("show", "-q", cwd=self.where()).out, b"4\n" if isinstance(done.out, bytes) else "4\n")

    def test_a_killed_search_goes_on_with_the_items_it_began_with(self):
        path = os.path.join(self.where(), "list")
        with open(path, "w") as file:
            file.write("".join(f"{i}\n" for i in range(64)))
        stop, hold = self.path("stop"), self.path("hold")
        open(hold, "w").close()
        proc = self.start(*OUTSIDE, "--list", "list", "--", "sh", "-c", f'echo @@ >> {stop}; test @@ -lt 50 || exit 1; '
                          f'test ! -e {hold} || test $(wc -l < {stop}) -lt 5 || exec sleep 600', cwd=self.where())
        self.until(lambda: os.path.exists(stop) and len(read(stop).splitlines()) >= 5, "five trials")
        proc.send_signal(signal.SIGKILL)
        proc.wait()
        with open(path, "w") as file:
            file.write("other\nitems\n")
        os.unlink(hold)
        done = self.run_program("resume", "--json", cwd=self.where())
        self.assertEqual(done.json["list"]["first_bad"], "50", done)

    def test_a_budget_that_is_used_up_tells_what_is_left(self):
        done = self.line("-j", "1", "--range", "0..10000", "--max-trials", "6", command=["sh", "-c", "test @@ -lt 777"], expect=2)
        left = done.json["range"]["left"]
        self.assertIn(f"{left} candidates left", done.json["message"])
        self.assertLess(left, 1000)

    def test_bad_input_is_one_clear_line(self):
        for args, pattern in ((["--range", "5"], "is no range"), (["--range", "a..b"], "is no range"), (["--range", "3..3"], "both ends"),
                              (["--range", "1..2024-01-01"], "is no range"), (["--range", "2024-02-31..2024-03-01"], "is no range")):
            done = self.run_program(*args, "--", "echo", "@@", cwd=self.where())
            self.assert_refused(done, pattern, rcs=(1, 129))
        self.assert_refused(self.run_program("--range", "1..9", "--", "true", cwd=self.where()), "no @@", rcs=(129,))
        self.assert_refused(self.run_program("--range", "1..9", "--good", "x", "--", "echo", "@@", cwd=self.where()),
                            "contradict", rcs=(129,))
        with open(os.path.join(self.where(), "twice"), "w") as file:
            file.write("a\nb\na\n")
        self.assert_refused(self.run_program("--list", "twice", "--", "echo", "@@", cwd=self.where()), "there twice")
        self.assert_refused(self.run_program("--list", "missing", "--", "echo", "@@", cwd=self.where()), "--list.*missing")


if __name__ == "__main__":
    main()
