#!/usr/bin/env python3
"""Interrupted, stopped and killed searches: nothing recorded is lost or run again."""

import os
import random
import re
import shlex
import signal
import time

from lib import OUTSIDE, Case, main, process_state, processes_with, traces_of


class Interrupted(Case):
    """Searches that end before they are done."""

    def setUp(self):
        super().setUp()
        self.r = self.line(40, "c23")
        self.book, self.runs = self.journal()
        self.gate, self.sleep = self.path("gate"), self.marker()
        with open(self.gate, "w"):
            pass

    def started(self, after, *args, command=None):
        """Starts a search whose test number `after` waits for ever while the gate file is there; comes back when it does."""
        book = shlex.quote(self.book)
        wait = (f'if test -e {self.gate} && test $(wc -l < {book}) -ge {after}; then exec sleep {self.sleep}; fi; '
                'exit $(cat state)')
        proc = self.start(*OUTSIDE, "-j", "1", "--good", "c1", *args, "--", *(command or self.logged(self.book, wait)),
                          cwd=self.r.path)
        self.until(lambda: processes_with(self.sleep) or proc.poll() is not None, "the test that waits")
        self.assertIsNone(proc.poll(), "it ended too early")
        return proc

    def resumed(self, *args):
        """Opens the gate and goes on to the end."""
        if os.path.exists(self.gate):
            os.unlink(self.gate)
        done = self.run_program("resume", "--json", *args, cwd=self.r.path)
        self.assertEqual(done.rc, 0, done)
        self.assert_first_bad(self.r, done, "c23")
        return done

    def dies_by(self, number):
        proc = self.started(5)
        proc.send_signal(number)
        done = self.ended(proc)
        self.assertEqual(done.rc, -number, done)
        self.assertEqual(traces_of(self.sleep), [], "the running test is gone when the program is")
        self.assertRegex(done.err, r"bisect-run resume( \d+)?", "the line to resume with is printed")
        done = self.resumed()
        self.assertEqual(len(self.runs()), done.json["trials_run"] + 1, "only the test that was killed is run again")

    def test_sigint_dies_by_it_and_resume_repeats_no_recorded_trial(self):
        self.dies_by(signal.SIGINT)

    def test_sigterm_dies_by_it_and_resume_repeats_no_recorded_trial(self):
        self.dies_by(signal.SIGTERM)

    def test_sighup_dies_by_it_and_resume_repeats_no_recorded_trial(self):
        self.dies_by(signal.SIGHUP)

    def test_an_interrupted_search_tells_what_is_left_in_json(self):
        proc = self.started(5, "--json")
        proc.send_signal(signal.SIGINT)
        done = self.ended(proc)
        self.assertEqual(done.rc, -signal.SIGINT, done)
        self.assertEqual(done.json["status"], "interrupted")
        self.assertIn(self.r.oid["c23"], done.json["commits"]["candidates"])
        self.assertLess(len(done.json["commits"]["candidates"]), 39)

    def test_a_second_sigint_ends_it_at_once(self):
        stubborn = ["sh", "-c", f"trap '' INT TERM HUP; sleep {self.sleep}; sleep {self.sleep}; exit 1"]
        proc = self.started(1, command=stubborn)
        proc.send_signal(signal.SIGINT)
        proc.send_signal(signal.SIGINT)
        self.assertEqual(self.ended(proc, 10).rc, -signal.SIGINT)
        self.assert_gone(self.sleep)

    def test_an_interrupt_while_the_tree_is_built_leaves_no_process(self):
        proc = self.start(*OUTSIDE, "--good", "c1", "--build", f"sleep {self.sleep}", "--", "true", cwd=self.r.path)
        self.until(lambda: processes_with(self.sleep), "the build")
        proc.send_signal(signal.SIGTERM)
        self.assertEqual(self.ended(proc).rc, -signal.SIGTERM)
        self.assertEqual(traces_of(self.sleep), [])

    def test_an_interrupt_in_the_confirmation_is_resumed_with_the_same_answer(self):
        proc = self.started(9)
        self.assertGreater(len(self.runs()), 8)
        proc.send_signal(signal.SIGINT)
        self.assertEqual(self.ended(proc).rc, -signal.SIGINT)
        done = self.resumed()
        self.assertEqual(len(self.runs()), done.json["trials_run"] + 1)

    def test_a_finished_search_is_not_run_again_by_resume(self):
        os.unlink(self.gate)
        done = self.run_program(*OUTSIDE, "--json", "--good", "c1", "--", *self.logged(self.book), cwd=self.r.path)
        self.assertEqual(done.rc, 0, done)
        before = len(self.runs())
        self.resumed(done.json["id"])
        self.run_program("resume", cwd=self.r.path)
        self.assertEqual(len(self.runs()), before)

    def test_resume_without_any_search_says_so(self):
        self.assert_refused(self.run_program("resume", cwd=self.r.path), "(?i)no search|no record", rcs=(1,))

    def test_resume_works_from_another_directory_of_the_repository(self):
        proc = self.started(4)
        proc.send_signal(signal.SIGINT)
        self.ended(proc)
        os.unlink(self.gate)
        os.makedirs(self.r.file("elsewhere"))
        done = self.run_program("resume", "--json", cwd=self.r.file("elsewhere"))
        self.assertEqual(done.rc, 0, done)
        self.assert_first_bad(self.r, done, "c23")

    def test_resume_refuses_a_search_that_still_runs(self):
        proc = self.started(4)
        done = self.run_program("resume", "1", cwd=self.r.path)
        self.assertEqual(done.rc, 1, done)
        self.assertRegex(done.err, "(?i)runs|running|process")
        self.assertIsNone(proc.poll())

    def test_sigtstp_stops_the_test_and_its_clock_and_sigcont_goes_on(self):
        # Half a second of work under a limit of one second, stopped in the middle for longer than that.
        nap = "0.5" + self.sleep[4:]
        slow = f'if test -e {self.gate}; then rm {self.gate}; sleep {nap}; fi; exit $(cat state)'
        proc = self.start(*OUTSIDE, "--json", "--confirm", "off", "-j", "1", "--timeout", "1s", "--good", "c1", "--", "sh", "-c",
                          slow, cwd=self.r.path)
        tests = self.until(lambda: processes_with(nap), "the slow test")
        proc.send_signal(signal.SIGTSTP)
        self.until(lambda: process_state(proc.pid) == "T", "the program is stopped", 10)
        self.until(lambda: all(process_state(p) == "T" for p in tests), "its test is stopped", 10)
        stopped = time.monotonic()
        self.until(lambda: time.monotonic() - stopped > 1.3, "more time than the limit has gone by")
        self.assertEqual({process_state(p) for p in tests}, {"T"})
        proc.send_signal(signal.SIGCONT)
        done = self.ended(proc)
        self.assertEqual(done.rc, 0, done)
        self.assert_first_bad(self.r, done, "c23")
        self.assertEqual([t for t in done.trials if t["timed_out"]], [], "the time that it was stopped does not count")
        self.assertLess(max(t["wall"] for t in done.trials), 1.3)


class Killed(Case):
    """kill -9 at any time loses at most the trials that were running."""

    ROUNDS = 6

    def kill_and_resume(self, rounds, seed, jobs=1):
        rng = random.Random(seed)
        repo = self.line(300, "c123")
        book, runs = self.journal()
        command = self.logged(book, "sleep 0.02; exit $(cat state)")
        answer = ["--json", *OUTSIDE, "-j", str(jobs), "--good", "c1"]
        kills, state = 0, "start"
        for _ in range(rounds):
            before = len(runs())
            args = ["resume", "--json"] if state == "resume" else [*answer, "--", *command]
            proc = self.start(*args, cwd=repo.path)
            # A moment that is given by what the search has done, and a bit of time.
            want, extra = before + rng.randrange(1, 3), rng.random() * 0.03
            self.until(lambda: len(runs()) >= want or proc.poll() is not None, "a test more")
            until = time.monotonic() + extra
            while time.monotonic() < until and proc.poll() is None:
                pass
            if proc.poll() is None:
                proc.kill()
                proc.wait()
                kills, state = kills + 1, "resume"
                continue
            self.assertEqual(proc.returncode, 0)
            self.check(repo, self.ended(proc), runs(), kills, jobs)
            os.unlink(book)
            kills, state = 0, "start"
        done = self.run_program("resume", "--json", cwd=repo.path)
        self.assertEqual(done.rc, 0, done)
        if state == "resume":
            self.check(repo, done, runs(), kills, jobs)

    def check(self, repo, done, lines, kills, jobs):
        self.assert_first_bad(repo, done, "c123")
        recorded = [t for t in done.trials if not t.get("cached")]
        self.assertEqual(len(recorded), done.json["trials_run"], done)
        again = len(lines) - len(recorded)
        self.assertGreaterEqual(again, 0)
        if jobs == 1:  # with more, tests whose answer no longer matters are cancelled, and not recorded either
            self.assertLessEqual(again, kills, f"{kills} kills lost {again} trials")
        self.assertEqual(len({t["n"] for t in done.trials}), len(done.trials), "trial numbers are unique")
        by_oid = {}
        for trial in done.trials:
            if trial["phase"] != "confirm":
                by_oid.setdefault(trial["oid"], []).append(trial)
        self.assertTrue(all(len(same) == 1 for same in by_oid.values()), "no recorded trial is repeated")

    def test_kill_9_at_random_moments_loses_only_running_trials(self):
        seed = int(os.environ.get("BR_SEED", "1"))
        print(f"seed {seed}")
        self.kill_and_resume(self.ROUNDS, seed)

    def test_kill_9_with_two_jobs_repeats_no_recorded_trial(self):
        self.kill_and_resume(3, 7, jobs=2)

    def test_resume_after_kill_9_repairs_a_work_tree_that_was_left_in_between(self):
        graph = [(f"c{i}", [f"c{i - 1}"] if i > 1 else [], {f"f{j}": f"{i} {j}\n" for j in range(150)}) for i in range(1, 13)]
        repo = self.repo(graph, bad=["c8"])
        check = 'for f in f*; do read a b < $f; test "c$a" = "$(cat name)" || exit 125; done; exit $(cat state)'
        args = [*OUTSIDE, "-j", "1", "--confirm", "off", "--good", "c1", "--", "sh", "-c", check]
        proc = self.start(*args, cwd=repo.path)
        work = repo.file(".git/bisect-run/work")
        self.until(lambda: proc.poll() is not None or any("f1" in f for _, _, f in os.walk(work)), "a tree is being made")
        proc.kill()
        proc.wait()
        done = self.run_program("resume", "--json", cwd=repo.path)
        if re.search("(?i)no search", done.err):
            done = self.run_program("--json", *args, cwd=repo.path)
        self.assertEqual(done.rc, 0, done)
        self.assert_first_bad(repo, done, "c8")
        self.assertEqual({t["exit"] for t in done.trials}, {0, 1}, "every tree was whole")


if __name__ == "__main__":
    main()
