#!/usr/bin/env python3
"""Tests that fail by chance: the right commit with a stated confidence, or a reason why there is none."""

import os
import signal

from lib import OUTSIDE, Case, linear, main, read

# Chance that is the same in every run of this file: a hash of the trial's number. $1 in a hundred fails.
CHANCE = ("chance() { h=$((BISECT_RUN_TRIAL * 1103515245 + 12345)); h=$((h ^ (h >> 9))); h=$((h * 69069 % 1000003)); "
          "test $((h % 100)) -lt $1; }; ")


class Flaky(Case):
    def numbered(self, count):
        return self.repo(linear(count, files={f"c{i}": {"n": f"{i}\n"} for i in range(1, count + 1)}))

    def hunt(self, repo, script, *args, expect=0, **kw):
        done = self.run_program("--good", "c1", "-j", "1", "--json", *args, "--", "sh", "-c", CHANCE + script, cwd=repo.path, **kw)
        self.assertEqual(done.rc, expect, done)
        return done

    def test_a_failure_in_three_of_ten_runs_is_noticed_and_found(self):
        repo = self.numbered(60)
        done = self.hunt(repo, "test $(cat n) -lt 37 || ! chance 30")
        self.assert_first_bad(repo, done, "c37")
        self.assertGreaterEqual(done.json["commits"]["confidence"], 0.99)
        self.assertLess(done.json["commits"]["confidence"], 1)
        self.assertIn("flaky", " ".join(done.json["notes"]))
        self.assertRegex(done.json["how_sure"], r"sure; the test fails in about \d+ %")

    def test_a_good_end_that_fails_now_and_then_does_not_mislead(self):
        repo = self.numbered(40)
        done = self.hunt(repo, "if test $(cat n) -lt 17; then ! chance 6; else ! chance 85; fi", "--flaky")
        self.assert_first_bad(repo, done, "c17")

    def test_a_steady_test_costs_little_more_when_called_flaky(self):
        repo = self.numbered(64)
        done = self.hunt(repo, "test $(cat n) -lt 41", "--flaky")
        self.assert_first_bad(repo, done, "c41")
        self.assertLessEqual(len(done.phase("search")), 20, done)

    def test_what_does_not_fail_at_the_bad_end_says_which_rate_is_excluded(self):
        repo = self.numbered(5)
        done = self.hunt(repo, "true", "--flaky", expect=3)
        self.assertRegex(done.json["message"], r"could not reproduce: none of \d+ runs at HEAD failed, which excludes a rate above \d")

    def test_ends_that_fail_alike_are_not_told_apart(self):
        repo = self.numbered(20)
        done = self.hunt(repo, "! chance 40", "--flaky", expect=3)
        self.assertRegex(done.json["message"], "do not differ|no single culprit")

    def test_a_search_that_contradicts_itself_goes_on_as_a_noisy_one(self):
        repo = self.numbered(30)
        # Fails at every second run: the ends look steady, what comes later does not.
        script = "test $(cat n) -lt 12 && exit 0; test $BISECT_RUN_TRIAL -le 2 && exit 1; test $((BISECT_RUN_TRIAL % 2)) = 0 || exit 1"
        done = self.hunt(repo, script)
        self.assert_first_bad(repo, done, "c12")
        self.assertLess(done.json["commits"]["confidence"], 1)

    def test_another_failure_is_no_failure_here(self):
        repo = self.numbered(40)
        script = ("test $(cat n) -ge 25 && chance 80 && { echo \"p: p.c:3: f: Assertion \\`wanted' failed.\" >&2; kill -ABRT $$; }; "
                  "test $(cat n) -ge 8 && chance 95 && { echo \"p: p.c:9: g: Assertion \\`other > 1' failed.\" >&2; kill -ABRT $$; }; true")
        done = self.hunt(repo, script, "--flaky")
        self.assert_first_bad(repo, done, "c25")

    def test_merges_are_searched_as_a_graph(self):
        graph = [("r", [], {"n": "0\n"})] + [(f"a{i}", [f"a{i - 1}" if i else "r"], {}) for i in range(12)]
        graph += [(f"b{i}", [f"b{i - 1}" if i else "r"], {"bug": "x\n"} if i == 5 else {}) for i in range(12)]
        graph += [("m", ["a11", "b11"], {})] + [(f"z{i}", [f"z{i - 1}" if i else "m"], {}) for i in range(6)]
        repo = self.repo(graph)
        done = self.run_program("--good", "r", "--bad", "z5", "-j", "1", "--flaky", "--json", "--", "sh", "-c",
                                CHANCE + "! test -e bug || ! chance 60", cwd=repo.path)
        self.assert_first_bad(repo, done, "b5")

    def test_a_killed_search_goes_on_as_a_noisy_one_with_all_its_runs(self):
        repo = self.numbered(50)
        count = self.path("count")
        hold = self.path("hold")
        open(hold, "w").close()
        script = (f"echo x >> {count}; test ! -e {hold} || test $(wc -l < {count}) -lt 20 || exec sleep 600; "
                  "test $(cat n) -lt 33 || ! chance 40")
        proc = self.start(*OUTSIDE, "--good", "c1", "-j", "1", "--", "sh", "-c", CHANCE + script, cwd=repo.path)
        self.until(lambda: os.path.exists(count) and len(read(count).splitlines()) >= 20, "twenty runs")
        proc.send_signal(signal.SIGKILL)
        proc.wait()
        os.unlink(hold)
        done = self.run_program("resume", "--json", cwd=repo.path)
        self.assert_first_bad(repo, done, "c33")
        self.assertEqual([t["n"] for t in done.trials[:19]], list(range(1, 20)), done)

    def test_confidence_must_be_one(self):
        repo = self.numbered(3)
        for value in ("0", "1", "2", "x", "-1"):
            done = self.run_program("--good", "c1", "--confidence", value, "--", "true", cwd=repo.path)
            self.assert_refused(done, "confidence", rcs=(129,))


if __name__ == "__main__":
    main()
