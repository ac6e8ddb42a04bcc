#!/usr/bin/env python3
"""The user's repository is never touched, and no process of a trial stays behind."""

import os
import signal
import subprocess

from lib import OUTSIDE, STATE, Case, linear, main, processes_with, snapshot, traces_of


class Untouched(Case):
    """Same HEAD, index, refs, stash, configuration, files and times before and after."""

    def setUp(self):
        super().setUp()
        self.r = self.repo(linear(12, files={"c1": {"sub/x": "1\n", "run.sh": ("exit 0\n", 0o755)}}), bad=["c7"])

    def dirty(self):
        """Changed, staged, removed, untracked and ignored files, and a stash."""
        repo = self.r
        repo.write("name", "stashed\n")
        repo.git("stash")
        repo.write("name", "changed\n")
        repo.write("staged", "staged\n")
        repo.git("add", "staged")
        repo.write("staged", "and changed again\n")
        os.unlink(repo.file("sub/x"))
        repo.write("untracked/file", "mine\n")
        repo.write("prog.o", "ignored\n")
        repo.write(".git/info/exclude", "*.o\n")
        repo.git("tag", "-a", "-m", "a tag", "annotated")
        repo.git("config", "bisectrun.confirm", "quick")

    def searched(self, expect=0, repo=None):
        """Searches with a test that writes all over its tree, and checks that all is as before."""
        repo = repo or self.r
        before = snapshot(repo)
        self.wild = ["sh", "-c", "code=$(cat state); rm -f name; echo x > untracked; mkdir -p deep/er; exit $code"]
        done = self.search(repo, "--good", "c1", "--bad", "c12", "-j", "2", command=self.wild, expect=expect)
        self.assertEqual(snapshot(repo), before)
        return done

    def test_a_clean_repository_is_as_before(self):
        self.assert_first_bad(self.r, self.searched(), "c7")
        state = os.path.join(self.r.git_dir, "bisect-run")
        self.assertTrue(os.path.exists(os.path.join(state, "record.db")), "the record lies where the contract says")

    def test_a_dirty_work_tree_and_a_stash_are_as_before(self):
        self.dirty()
        self.assert_first_bad(self.r, self.searched(), "c7")

    def test_a_bisect_of_git_in_progress_is_as_before(self):
        self.r.git("bisect", "start", "c10", "c2")
        self.assert_first_bad(self.r, self.searched(), "c7")
        self.assertIn("git bisect start", self.r.git("bisect", "log"))

    def test_a_rebase_in_progress_is_as_before(self):
        self.r.git("checkout", "-q", "-b", "topic", "c3")
        self.r.write("name", "topic\n")
        self.r.git("commit", "-q", "-a", "-m", "topic")
        self.r.git("rebase", "main", check=False)
        self.assertTrue(os.path.exists(os.path.join(self.r.git_dir, "rebase-merge")))
        self.assert_first_bad(self.r, self.searched(), "c7")

    def test_a_merge_in_progress_is_as_before(self):
        self.r.git("checkout", "-q", "-b", "topic", "c3")
        self.r.write("name", "topic\n")
        self.r.git("commit", "-q", "-a", "-m", "topic")
        self.r.git("merge", "main", check=False)
        self.assertTrue(os.path.exists(os.path.join(self.r.git_dir, "MERGE_HEAD")))
        self.assert_first_bad(self.r, self.searched(), "c7")

    def test_a_failed_search_changes_nothing(self):
        self.dirty()
        before = snapshot(self.r)
        self.search(self.r, "--good", "c8", expect=3)
        self.search(self.r, "--good", "c1", command=["./nowhere"], expect=1)
        self.assertEqual(snapshot(self.r), before)

    def test_try_and_the_subcommands_change_nothing(self):
        self.dirty()
        before = snapshot(self.r)
        self.run_program("try", "c9", "--", *STATE, cwd=self.r.path)
        for command in ("history", "status", "show", "doctor", "clean"):
            self.run_program(command, cwd=self.r.path)
        self.assertEqual(snapshot(self.r), before)

    def test_hooks_and_filters_of_the_repository_are_not_run(self):
        mark = self.path("hook-ran")
        for hook in ("post-checkout", "post-index-change", "reference-transaction", "pre-commit", "post-merge"):
            self.r.write(f".git/hooks/{hook}", f"#!/bin/sh\ntouch {mark}\n", 0o755)
        self.r.git("config", "core.fsmonitor", f"touch {mark}; false")
        os.path.exists(mark) and os.unlink(mark)
        # Commands of the trial's own may run hooks: this one runs no git.
        done = self.search(self.r, "--good", "c1")
        self.assert_first_bad(self.r, done, "c7")
        self.assertFalse(os.path.exists(mark))

    def interrupted(self, number):
        """A search stopped by a signal while a test runs; the repository must be as before."""
        self.dirty()
        before = snapshot(self.r)
        sleep, here = self.marker(), self.path("here")
        wait = f'case $(cat name) in c6|c7) rm -f state; touch {here}; exec sleep {sleep};; esac; exit $(cat state)'
        proc = self.start(*OUTSIDE, "--good", "c1", "--bad", "c12", "-j", "2", "--", "sh", "-c", wait, cwd=self.r.path)
        self.until(lambda: os.path.exists(here) or proc.poll() is not None, "the test that waits")
        self.assertIsNone(proc.poll())
        proc.send_signal(number)
        self.assertEqual(self.ended(proc).rc, -number)
        self.assert_gone(sleep)
        self.assertEqual(snapshot(self.r), before)

    def test_after_sigint_all_is_as_before(self):
        self.interrupted(signal.SIGINT)

    def test_after_sigkill_of_the_program_all_is_as_before(self):
        self.interrupted(signal.SIGKILL)


class NothingSurvives(Case):
    """Processes that a test starts end with their trial."""

    # How a test may leave a process behind, each with one argument: how long to sleep.
    WAYS = {
        "in the background": "sleep {} >/dev/null 2>&1 </dev/null &",
        "in the background, holding the output": "sleep {} &",
        "in a session of its own": "setsid sleep {} >/dev/null 2>&1 </dev/null &",
        "after a double fork": "(setsid sh -c 'sleep {} & sleep {} &' >/dev/null 2>&1 </dev/null &)",
        "ignoring signals": "(trap '' TERM INT HUP; setsid sleep {} &) >/dev/null 2>&1",
    }

    def test_left_over_processes_are_gone_after_each_trial_and_do_not_hold_it_up(self):
        for way, script in self.WAYS.items():
            with self.subTest(way):
                marker = self.marker()
                done = self.run_program("try", "--json", "--", "sh", "-c", script.format(marker, marker) + "\nexit 3")
                self.assertEqual((done.rc, done.json["trials"][0]["exit"]), (1, 3), done)
                self.assertLess(done.json["trials"][0]["wall"], 10)
                self.assertEqual(traces_of(marker), [], "gone when the program ends, not later")

    def test_no_process_of_a_search_outlives_it(self):
        repo, marker = self.line(10, "c4"), self.marker()
        script = "\n".join(way.format(marker, marker) for way in self.WAYS.values())
        command = ["sh", "-c", script + "\nexit $(cat state)"]
        self.assert_first_bad(repo, self.search(repo, "--good", "c1", "-j", "3", command=command), "c4")
        self.assertEqual(traces_of(marker), [])

    def test_a_timeout_kills_the_whole_tree_also_when_it_ignores_sigterm(self):
        marker = self.marker()
        script = f"trap '' TERM; setsid sleep {marker} & sleep {marker} & while :; do wait; done"
        done = self.run_program("try", "--json", "--timeout", "1s", "--", "sh", "-c", script)
        self.assertEqual(done.rc, 1, done)
        self.assertTrue(done.json["trials"][0]["timed_out"])
        self.assertEqual(traces_of(marker), [])

    def test_a_build_leaves_no_process(self):
        repo, marker = self.line(3, "c2"), self.marker()
        done = self.search(repo, "--good", "c1", "--build", f"setsid sleep {marker} >/dev/null 2>&1 & true")
        self.assert_first_bad(repo, done, "c2")
        self.assertEqual(traces_of(marker), [])

    def killed(self, way, number):
        """Kills the program while a test and what it started run."""
        repo, marker, here = self.line(6, "c3"), self.marker(), self.path("here")
        script = way.format(marker, marker) + f"\ntouch {here}; exec sleep {marker}"
        proc = self.start(*OUTSIDE, "--good", "c1", "-j", "2", "--", "sh", "-c", script, cwd=repo.path)
        self.until(lambda: os.path.exists(here) and processes_with(marker), "the test that waits")
        proc.send_signal(number)
        self.assertEqual(self.ended(proc).rc, -number)
        if number == signal.SIGKILL:
            self.assert_gone(marker)
        self.assertEqual(traces_of(marker), [], "gone when the program has ended")

    def test_sigint_kills_the_test_with_all_it_started(self):
        self.killed(self.WAYS["after a double fork"], signal.SIGINT)

    def test_sigkill_of_the_program_kills_the_test(self):
        self.killed("", signal.SIGKILL)

    def test_sigkill_of_the_program_kills_what_the_test_started(self):
        self.killed(self.WAYS["after a double fork"], signal.SIGKILL)

    def test_descriptors_of_the_program_do_not_reach_the_test(self):
        only = "exec test \"$(ls /proc/self/fd | tr '\\n' ' ')\" = '0 1 2 3 '"  # 3 is the folder that ls reads
        done = self.run_program("try", "--json", "--", "sh", "-c", only)
        self.assertEqual(done.rc, 0, done)

    def test_the_test_has_no_terminal_and_empty_input(self):
        with subprocess.Popen(["sleep", "600"], stdout=subprocess.PIPE) as held:
            try:
                done = self.run_program("try", "--timeout", "20s", "--", "sh", "-c", 'test -z "$(cat)"', stdin=held.stdout)
            finally:
                held.kill()
        self.assertEqual(done.rc, 0, done)


if __name__ == "__main__":
    main()
