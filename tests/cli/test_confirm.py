#!/usr/bin/env python3
"""How sure the answer is, and searches that must stop early."""

import os

from lib import OUTSIDE, Case, main


class Confirmation(Case):
    """The culprit and its parents are run again before it is named."""

    def phases(self, *args):
        repo = self.line(6, "c4")
        done = self.search(repo, "--good", "c1", *args, confirm=None)
        self.assert_first_bad(repo, done, "c4")
        names = [repo.name_of(t["oid"]) for t in done.phase("confirm")]
        return names.count("c4"), names.count("c3"), len(names)

    def test_auto_makes_four_and_three_short_runs(self):
        self.assertEqual(self.phases(), (4, 3, 7))

    def test_full_makes_four_and_three_runs(self):
        self.assertEqual(self.phases("--confirm", "full"), (4, 3, 7))

    def test_quick_makes_one_and_one(self):
        self.assertEqual(self.phases("--confirm", "quick"), (1, 1, 2))

    def test_off_makes_none(self):
        self.assertEqual(self.phases("--confirm", "off"), (0, 0, 0))

    def test_a_culprit_that_is_good_when_run_again_is_not_named(self):
        repo = self.line(12, "c6")
        book, _ = self.journal()
        once = f'test $(cat name) = c6 && test $(grep -c $BISECT_RUN_COMMIT {book}) -gt 1 && exit 0; exit $(cat state)'
        for args in ([], ["--confirm", "quick"]):
            if os.path.exists(book):
                os.unlink(book)
            done = self.search(repo, *OUTSIDE, "--good", "c1", "-j", "1", *args, command=self.logged(book, once), expect=None)
            self.assertIn(done.rc, (0, 2), done)
            if done.rc == 0: # it went on as a search among chances: c6 fails no more, c7 always does
                self.assert_first_bad(repo, done, "c7")
                self.assertLess(done.json["commits"]["confidence"], 1)
            self.assertIn(repo.oid["c7"], done.json["commits"]["candidates"])
            self.assertRegex(done.out + done.err, "flaky|varies")

    def test_a_good_end_that_varies_is_called_flaky(self):
        repo = self.line(5, "c3")
        book, _ = self.journal()
        odd = f'test $(cat name) != c1 || test $(( $(grep -c "$BISECT_RUN_COMMIT" {book}) % 2 )) = 0 || exit 1; exit $(cat state)'
        done = self.run_program("--json", *OUTSIDE, "--good", "c1", "-j", "1", "--", *self.logged(book, odd), cwd=repo.path)
        self.assertIn(done.rc, (0, 2, 3), done)
        if done.rc == 0:
            self.assert_first_bad(repo, done, "c3")
        self.assertIn("flaky", done.out + done.err)


class Limits(Case):
    """A search that must stop early tells what it knows and can be taken up."""

    def test_max_trials_ends_narrowed_and_resume_goes_on(self):
        repo = self.line(64, "c23")
        done = self.search(repo, "--good", "c1", "--max-trials", "4", "-j", "1", expect=2)
        self.assertEqual(done.json["status"], "narrowed")
        self.assertEqual(done.json["trials_run"], 4)
        self.assertIn(repo.oid["c23"], done.json["commits"]["candidates"])
        self.assertLess(len(done.json["commits"]["candidates"]), 40)
        for _ in range(8):
            done = self.run_program("resume", "--json", cwd=repo.path)
            if done.rc != 2:
                break
        self.assertEqual(done.rc, 0, done)
        self.assert_first_bad(repo, done, "c23")

    def test_max_time_ends_narrowed_and_resume_goes_on(self):
        repo = self.line(64, "c23")
        slow = ["sh", "-c", "sleep 0.3; exit $(cat state)"]
        done = self.search(repo, "--good", "c1", "--max-time", "1s", "-j", "1", "--confirm", "off", command=slow, expect=2)
        self.assertEqual(done.json["status"], "narrowed")
        self.assertIn(repo.oid["c23"], done.json["commits"]["candidates"])
        ran = done.json["trials_run"]
        done = self.run_program("resume", "--json", cwd=repo.path)
        self.assertIn(done.rc, (0, 2), done)
        self.assertGreater(done.json["trials_run"], ran, "it went on")


if __name__ == "__main__":
    main()
