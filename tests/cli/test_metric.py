#!/usr/bin/env python3
"""--metric: the first commit at which a measured value changes its level."""

import shutil
import unittest

from lib import Case, linear, main

# A number between 0 and 99 that is the same in every run of this file: a hash of the trial's number.
NOISE = "h=$((BISECT_RUN_TRIAL * 1103515245 + 12345)); h=$((h ^ (h >> 9))); h=$((h * 69069 % 1000003)); noise=$((h % 100)); "


class Metric(Case):
    def numbered(self, count):
        return self.repo(linear(count, files={f"c{i}": {"n": f"{i}\n"} for i in range(1, count + 1)}))

    def hunt(self, repo, script, *args, metric="/took (\\d+)/", expect=0):
        done = self.run_program("--good", "c1", "--metric", metric, "--json", *args, "--", "sh", "-c", NOISE + script, cwd=repo.path)
        self.assertEqual(done.rc, expect, done)
        return done

    def step(self, at, before, after, noise=1):
        return f"level={before}; test $(cat n) -lt {at} || level={after}; echo took $((level + noise * {noise}))"

    def test_a_step_that_is_larger_than_the_noise_is_found(self):
        repo = self.numbered(60)
        done = self.hunt(repo, self.step(41, 10000, 10300))
        self.assert_first_bad(repo, done, "c41")
        metric = done.json["metric"]
        self.assertEqual((metric["name"], metric["good"]["n"], metric["bad"]["n"]), ("/took (\\d+)/", 3, 4))
        self.assertAlmostEqual(metric["change"], 0.03, delta=0.01)
        self.assertLess(metric["p"], 0.01)
        self.assertGreaterEqual(done.json["commits"]["confidence"], 0.99)
        self.assertTrue(all(t["value"] > 9000 for t in done.trials), done)

    def test_a_fall_is_looked_for_when_higher_is_better(self):
        repo = self.numbered(30)
        done = self.hunt(repo, self.step(9, 20300, 20000), "--higher-is-better")
        self.assert_first_bad(repo, done, "c9")
        self.assertLess(done.json["metric"]["change"], 0)

    def test_the_first_commit_that_made_it_faster(self):
        repo = self.numbered(30)
        done = self.run_program("--broken", "c1", "--metric", "/took (\\d+)/", "--json", "--", "sh", "-c",
                                NOISE + self.step(20, 20300, 20000), cwd=repo.path)
        self.assert_first_bad(repo, done, "c20")

    def test_ends_that_do_not_differ_are_refused_with_what_is_excluded(self):
        repo = self.numbered(10)
        done = self.hunt(repo, self.step(99, 10000, 10000), expect=3)
        self.assertRegex(done.json["message"], r"do not differ by more than [\d.]+ %")

    def test_swapped_ends_are_said(self):
        repo = self.numbered(10)
        done = self.hunt(repo, self.step(5, 11000, 10000), expect=3)
        self.assertRegex(done.json["message"], "the bad end is better")

    def test_a_run_that_fails_is_a_skip_and_never_slow(self):
        repo = self.numbered(40)
        script = "case $(cat n) in 19|20|21) exit 1;; esac; " + self.step(31, 10000, 10400)
        done = self.hunt(repo, script)
        self.assert_first_bad(repo, done, "c31")
        self.assertFalse([t for t in done.trials if t["verdict"] == "bad" and t["value"] is not None], done)

    def test_two_steps_in_the_range_are_told(self):
        repo = self.numbered(40)
        script = ("level=10000; test $(cat n) -lt 10 || level=10300; test $(cat n) -lt 30 || level=11200; "
                  "echo took $((level + noise / 4))")
        done = self.hunt(repo, script)
        self.assert_first_bad(repo, done, "c30")
        self.assertRegex(" ".join(done.json["notes"]), r"of the whole change .* lies at this commit")

    def test_an_absolute_limit_is_a_verdict_without_statistics(self):
        repo = self.numbered(60)
        done = self.hunt(repo, self.step(22, 1000, 3000, noise=3), "--limit", ">2000", "--confirm", "quick")
        self.assert_first_bad(repo, done, "c22")
        self.assertIn("the limit is >2000", " ".join(t["why"] for t in done.trials))
        self.assertLessEqual(len(done.trials), 12)

    def test_an_end_that_prints_no_number_is_said(self):
        repo = self.numbered(5)
        done = self.hunt(repo, "echo nothing", expect=3)
        self.assertRegex(done.json["message"], "the good end cannot be measured: .*found no number")

    def test_memory_is_measured(self):
        repo = self.numbered(8)
        script = "exec python3 -c \"n=int(open('n').read()); x=bytearray((60 if n >= 6 else 20) << 20)\""
        done = self.hunt(repo, script, metric="rss")
        self.assert_first_bad(repo, done, "c6")
        self.assertEqual(done.json["metric"]["unit"], "bytes")

    @unittest.skipUnless(shutil.which("valgrind"), "valgrind is not installed")
    def test_instructions_tell_a_change_below_the_noise_of_any_clock(self):
        repo = self.numbered(6)
        script = "i=0; test $(cat n) -lt 4 || i=-20; while test $i -lt 300; do i=$((i+1)); done"
        done = self.hunt(repo, script, metric="instructions")
        self.assert_first_bad(repo, done, "c4")
        self.assertGreater(done.json["metric"]["change"], 0)

    @unittest.skipUnless(shutil.which("valgrind"), "valgrind is not installed")
    def test_a_profiled_run_is_not_measured(self):
        repo = self.numbered(6)
        script = "i=0; test $(cat n) -lt 4 || i=-20; while test $i -lt 300; do i=$((i+1)); done"
        done = self.hunt(repo, script, "--profile", "callgrind", metric="instructions")
        self.assert_first_bad(repo, done, "c4")
        self.assertEqual([t["why"] for t in done.phase("profile")], ["exit 0"] * 2, done)
        self.assertTrue(done.json["profile"]["functions"], done)

    def test_wrong_words_are_refused(self):
        repo = self.numbered(3)
        for args, pattern in ((["--metric", "speed"], "no metric"), (["--metric", "/(/"], r"\^"), (["--threshold", "3"], "--metric"),
                              (["--metric", "wall", "--limit", "200"], "no bound"), (["--metric", "wall", "--threshold", "x"], "percent")):
            done = self.run_program("--good", "c1", *args, "--", "true", cwd=repo.path)
            self.assert_refused(done, pattern, rcs=(129,))


if __name__ == "__main__":
    main()
