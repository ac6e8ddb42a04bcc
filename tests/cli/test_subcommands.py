#!/usr/bin/env python3
"""The subcommands, and which verdicts are remembered."""

import os
import re
import subprocess

from lib import OUTSIDE, PROGRAM, STATE, Case, linear, main, processes_with


class Try(Case):
    """One trial: an exit status that can stand inside `git bisect run`."""

    def tried(self, expect, *args, cwd=None):
        done = self.run_program("try", *args, cwd=cwd)
        self.assertEqual(done.rc, expect, done)
        return done

    def test_without_a_repository_the_exit_status_is_the_verdict(self):
        os.makedirs(self.path("plain"))
        here = self.path("plain")
        self.tried(0, "--", "true", cwd=here)
        self.tried(1, "--", "false", cwd=here)
        self.tried(1, "--", "sh", "-c", "kill -ABRT $$", cwd=here)
        self.tried(125, "--", "sh", "-c", "exit 125", cwd=here)
        self.tried(125, "--", "./nowhere", cwd=here)
        self.tried(125, "--build", "false", "--", "true", cwd=here)
        self.tried(1, "--timeout", "1s", "--", "sleep", "600", cwd=here)
        self.tried(125, "--timeout", "1s", "--timeout-is", "skip", "--", "sleep", "600", cwd=here)
        self.tried(129, "--no-such-option", "--", "true", cwd=here)
        self.tried(129, cwd=here)

    def test_at_a_revision_it_tests_that_commit(self):
        repo = self.line(6, "c4")
        self.tried(0, "c3", "--", *STATE, cwd=repo.path)
        self.tried(1, "c4", "--", *STATE, cwd=repo.path)
        self.tried(1, "HEAD~1", "--", *STATE, cwd=repo.path)

    def test_what_the_program_itself_cannot_do_is_128(self):
        repo = self.line(3, "c2")
        self.tried(128, "nowhere", "--", "true", cwd=repo.path)
        self.tried(128, "--state", repo.file("name", "x"), "c1", "--", "true", cwd=repo.path)
        os.makedirs(self.path("plain"))
        self.tried(128, "HEAD", "--", "true", cwd=self.path("plain"))

    def test_without_a_revision_it_runs_in_the_current_directory_as_it_is(self):
        repo = self.repo(linear(3, files={"c1": {"sub/x": "1\n"}}), bad=["c2"])
        repo.write("sub/untracked", "here\n")
        self.tried(0, "--", "grep", "-q", "here", "untracked", cwd=repo.file("sub"))

    def test_the_verdict_is_printed_with_its_reason_and_json_is_one_object(self):
        repo = self.line(4, "c3")
        done = self.tried(1, "c3", "--", *STATE, cwd=repo.path)
        self.assertIn("bad", done.out)
        self.assertIn("exit 1", done.out)
        result = self.tried(1, "--json", "c3", "--", *STATE, cwd=repo.path).json
        self.assertEqual((result["status"], result["trials_run"], len(result["trials"])), ("tried", 1, 1))
        self.assertEqual((result["trials"][0]["verdict"], result["trials"][0]["oid"]), ("bad", repo.oid["c3"]))

    def test_json_of_a_failed_try_has_status_and_message(self):
        repo = self.line(3, "c2")
        result = self.tried(128, "--json", "nowhere", "--", "true", cwd=repo.path).json
        self.assertEqual(result["status"], "error")
        self.assertIn("nowhere", result["message"])

    def test_try_stands_inside_git_bisect_run(self):
        repo = self.repo(linear(12, files={"c6": {"broken": "x\n"}, "c8": {"broken": None}}), bad=["c9"])
        repo.git("bisect", "start", "c12", "c1")
        said = repo.git("bisect", "run", PROGRAM, "try", "--build", "test ! -e broken", "--", *STATE)
        self.assertIn(f"{repo.oid['c9']} is the first bad commit", said)


class AfterASearch(Case):
    """show, history, amend and clean read the record."""

    def setUp(self):
        super().setUp()
        self.r = self.line(12, "c5")

    def run_here(self, *args, expect=0, **kw):
        done = self.run_program(*args, cwd=self.r.path, **kw)
        self.assertEqual(done.rc, expect, done)
        return done

    def test_show_tells_the_newest_and_a_named_search_again(self):
        first = self.search(self.r, "--good", "c1").json
        second = self.search(self.r, "--good", "c8", expect=3).json
        self.assertNotEqual(first["id"], second["id"])
        self.assertIn("first bad commit", self.run_here("show", first["id"]).out)
        again = self.run_here("show", first["id"], "--json").json
        self.assertEqual(again, first)
        self.assertEqual(self.run_program("show", "--json", cwd=self.r.path).json["id"], second["id"])

    def test_show_with_v_lists_every_trial(self):
        done = self.search(self.r, "--good", "c1")
        shown = self.run_here("show", "-v").out
        for trial in done.trials:
            self.assertIn(trial["oid"][:7], shown)

    def test_show_of_a_search_that_is_not_there_is_an_error(self):
        self.search(self.r, "--good", "c1")
        self.assert_refused(self.run_program("show", "99", cwd=self.r.path), "99")

    def test_history_has_a_line_for_each_search(self):
        ids = [self.search(self.r, "--good", good, expect=rc).json["id"] for good, rc in (("c1", 0), ("c8", 3), ("c2", 0))]
        out = self.run_here("history").out
        for one, status in zip(ids, ("isolated", "not-reproduced", "isolated")):
            self.assertRegex(out, rf"(?m)^\W*{one}\b.*{status}")

    def test_history_and_show_without_any_search_say_so(self):
        self.assertIn(self.run_program("history", cwd=self.r.path).rc, (0, 1))
        self.assert_refused(self.run_program("show", cwd=self.r.path), "(?i)no search|nothing")
        self.assertFalse(os.path.exists(self.r.file(".git/bisect-run/record.db")), "asking makes no record")

    def first_bad_probe(self):
        """The first commit that a search tests between the ends and finds bad, the culprit apart."""
        done = self.search(self.r, "--good", "c1", "-j", "1", "--confirm", "off")
        names = [self.r.name_of(t["oid"]) for t in done.trials if t["phase"] == "search" and t["verdict"] == "bad"]
        return next(n for n in names if n != "c5")

    def test_amending_a_verdict_and_resuming_changes_the_answer(self):
        repo = self.r
        book, runs = self.journal()
        # A bad commit is said to be good by mistake: the fault seems to come with a later one.
        liar = self.first_bad_probe()
        lie = f'test $(cat name) != {liar} || test -e ' + self.path("honest") + ' && exit $(cat state); exit 0'
        done = self.search(repo, *OUTSIDE, "--good", "c1", "-j", "1", "--confirm", "off", command=self.logged(book, lie))
        wrong = repo.name_of(done.json["commits"]["first_bad"]["oid"])
        self.assertNotEqual(wrong, "c5")
        trial = next(t for t in done.trials if repo.name_of(t["oid"]) == liar)
        before = len(runs())
        self.run_here("amend", done.json["id"], trial["n"], "bad")
        done = self.run_here("resume", done.json["id"], "--json")
        self.assert_first_bad(repo, done, "c5")
        self.assertEqual(len(runs()) - before, len(done.trials) - before, "no recorded trial is run again")

    def test_amend_without_an_id_means_the_newest_and_retry_runs_the_trial_again(self):
        repo = self.r
        book, runs = self.journal()
        liar = self.first_bad_probe()
        lie = f'test $(cat name) != {liar} || test -e ' + self.path("honest") + ' && exit $(cat state); exit 0'
        done = self.search(repo, *OUTSIDE, "--good", "c1", "-j", "1", "--confirm", "off", command=self.logged(book, lie))
        trial = next(t for t in done.trials if repo.name_of(t["oid"]) == liar)
        with open(self.path("honest"), "w"):
            pass
        self.run_here("amend", trial["n"], "retry")
        done = self.run_here("resume", "--json")
        self.assert_first_bad(repo, done, "c5")
        self.assertFalse([t for t in done.trials if t["oid"] == repo.oid[liar] and t["verdict"] == "good"], done)

    def test_amending_to_skip_leaves_the_candidate_open(self):
        done = self.search(self.r, "--good", "c1", "--confirm", "off")
        trial = next(t for t in done.trials if self.r.name_of(t["oid"]) == "c4")
        self.run_here("amend", trial["n"], "skip")
        self.assert_narrowed(self.r, self.run_here("resume", "--json", expect=2), {"c4", "c5"})

    def test_amending_a_trial_that_is_not_there_is_an_error(self):
        self.search(self.r, "--good", "c1")
        self.assert_refused(self.run_program("amend", "99", "good", cwd=self.r.path), "99")

    def test_clean_removes_the_work_trees_and_keeps_the_record(self):
        self.search(self.r, "--good", "c1")
        work = self.r.file(".git/bisect-run/work")
        self.run_here("clean")
        self.assertFalse(os.path.exists(work) and any(files for _, _, files in os.walk(work)), "trees are left")
        self.assertIn("first bad commit", self.run_here("show").out)
        self.assert_first_bad(self.r, self.search(self.r, "--good", "c1"), "c5")

    def test_clean_spares_a_search_that_runs(self):
        sleep = self.marker()
        proc = self.start(*OUTSIDE, "--good", "c1", "--", "sleep", sleep, cwd=self.r.path)
        self.until(lambda: processes_with(sleep) and len(processes_with(sleep)) > 1, "the test that waits")
        self.run_program("clean", cwd=self.r.path)
        self.assertIsNone(proc.poll())
        work = self.r.file(".git/bisect-run/work")
        self.assertTrue(any("name" in files for _, _, files in os.walk(work)), "its tree is gone")

    def test_status_sees_a_search_that_another_process_runs(self):
        self.assertEqual(self.run_program("status", cwd=self.r.path).rc, 0)
        gate = self.path("gate")
        os.mkfifo(gate)
        proc = self.start(*OUTSIDE, "--good", "c1", "-j", "1", "--", "sh", "-c", f"read line < {gate}; exit $(cat state)",
                          cwd=self.r.path)
        self.until(lambda: re.search(rf"\b{proc.pid}\b|running", self.run_program("status", cwd=self.r.path).out), "status")
        proc.kill()
        proc.wait()
        self.assertNotRegex(self.run_program("status", cwd=self.r.path).out, rf"\b{proc.pid}\b.*running|running.*\b{proc.pid}\b")

    def test_history_and_status_as_json_are_one_object(self):
        for word in ("history", "status"):
            self.assertEqual(self.run_here(word, "--json").json, {"version": 1, "searches": []})
        done = self.search(self.r, "--good", "c1").json
        one, = self.run_here("history", "--json").json["searches"]
        self.assertEqual((one["id"], one["status"], one["message"], one["trials_run"], one["running"], one["pid"]),
                         (done["id"], "isolated", done["message"], done["trials_run"], False, None))
        self.assertIn("--good", one["command"])
        self.assertEqual(self.run_here("status", "--json").json["searches"], [], "nothing is left to do")

    def test_a_running_and_a_killed_search_tell_their_command_and_ends(self):
        gate = self.path("gate")
        os.mkfifo(gate)
        command = ["sh", "-c", f"read line < {gate}; exit $(cat state)"]
        proc = self.start(*OUTSIDE, "--good", "c1", "-j", "1", "--", *command, cwd=self.r.path)

        def searches():
            return self.run_here("status", "--json").json["searches"]
        one = self.until(lambda: [s for s in searches() if s["live"]], "a running search")[0]
        self.assertEqual((one["running"], one["pid"]), (True, proc.pid))
        running = self.run_here("show", "--json").json
        self.assertIn("still running", running["message"])
        proc.kill()
        proc.wait()
        killed = self.run_here("show", "--json").json
        for result in (running, killed):
            self.assertEqual((result["status"], result["command"]), ("interrupted", command))
            self.assertEqual((result["commits"]["bad"], result["commits"]["good"]), (self.r.oid["c12"], [self.r.oid["c1"]]))
        self.assertEqual([(s["status"], s["running"]) for s in searches()], [("interrupted", False)])
        self.assertEqual(self.run_here("status").out.count("resume"), 1)

    def test_a_record_that_may_only_be_read_is_shown(self):
        self.search(self.r, "--good", "c1")
        for folder, _, files in os.walk(self.tmp):
            os.chmod(folder, 0o555)
            for name in files:
                os.chmod(os.path.join(folder, name), 0o555)
        self.addCleanup(subprocess.run, ["chmod", "-R", "u+w", str(self.tmp)], check=True)
        as_other = ["setpriv", "--reuid", "65534", "--clear-groups"] if os.geteuid() == 0 else ["env"]
        for word, expect in (("history", "isolated"), ("show", "first bad commit"), ("status", "no search is running")):
            done = self.run_program(*as_other[1:], PROGRAM, word, "--state", ".git/bisect-run", program=as_other[0],
                                    cwd=self.r.path)
            self.assertEqual(done.rc, 0, done)
            self.assertIn(expect, done.out)

    def test_clean_all_leaves_nothing_of_ours_and_spares_what_is_not(self):
        os.makedirs(self.path("plain"))
        self.assertEqual(self.run_program("try", "--", "true", cwd=self.path("plain")).rc, 0)
        self.assertEqual(self.run_program("clean", "--all", cwd=self.path("plain")).rc, 0)
        self.assertEqual(os.listdir(self.path("plain")), [])
        self.search(self.r, "--good", "c1")
        self.r.write(".git/bisect-run/notes", "mine\n")
        self.assertRegex(self.run_here("clean", "--all").out, r" [0-9.]+ MB")
        self.assertEqual(os.listdir(self.r.file(".git/bisect-run")), ["notes"])
        self.assert_first_bad(self.r, self.search(self.r, "--good", "c1"), "c5")

    def test_clean_takes_the_locks_of_finished_searches_and_they_can_still_be_resumed(self):
        done = self.search(self.r, "--good", "c1", "--max-trials", "3", expect=2)
        self.run_here("clean")
        self.assertEqual(os.listdir(self.r.file(".git/bisect-run/locks")), [])
        self.assert_first_bad(self.r, self.run_here("resume", done.json["id"], "--json"), "c5")

    def test_clean_all_spares_a_search_that_runs(self):
        sleep = self.marker()
        proc = self.start(*OUTSIDE, "--good", "c1", "--", "sleep", sleep, cwd=self.r.path)
        self.until(lambda: processes_with(sleep) and len(processes_with(sleep)) > 1, "the test that waits")
        self.run_here("clean", "--all")
        one, = self.run_here("status", "--json").json["searches"]
        self.assertEqual((one["running"], one["pid"]), (True, proc.pid))

    def test_what_cannot_be_written_to_standard_output_is_an_error(self):
        self.search(self.r, "--good", "c1")
        for word in ("history", "status", "doctor", "clean"):
            with open("/dev/full", "w") as full:
                done = subprocess.run([PROGRAM, word], cwd=self.r.path, env=self.env, stdout=full, stderr=subprocess.PIPE)
            self.assertEqual(done.returncode, 1, word)
            self.assertIn(b"standard output", done.stderr, word)

    def test_doctor_says_what_this_machine_can_do(self):
        done = self.run_here("doctor")
        self.assertRegex(done.out, "(?i)sandbox")
        self.assertRegex(done.out, "(?i)git")
        for tool in ("gdb", "callgrind", "cprofile", "perf"):
            self.assertRegex(done.out, rf"(?m)^  (yes|NO  ) +{tool} +\S")
        self.assertRegex(done.out, r"(?m)^  yes  cprofile +works$")
        os.makedirs(self.path("plain"))
        self.assertEqual(self.run_program("doctor", cwd=self.path("plain")).rc, 0)

    def test_two_searches_run_in_one_repository_at_once(self):
        meet = self.path("meet")
        os.makedirs(meet)
        together = (f'touch {meet}/$0; n=0; while test $(ls {meet} | wc -l) -lt 2; do '
                    'n=$((n+1)); test $n -lt 3000 || exit 125; sleep 0.01; done; exit $(cat state)')
        args = [*OUTSIDE, "-j", "1", "--good", "c1", "--json", "--", "sh", "-c", together]
        proc = self.start(*args, "one", cwd=self.r.path)
        done = self.run_program(*args, "two", cwd=self.r.path)
        other = self.ended(proc)
        self.assert_first_bad(self.r, done, "c5")
        self.assert_first_bad(self.r, other, "c5")
        self.assertNotEqual(done.json["id"], other.json["id"])


class Remembered(Case):
    """Which verdicts are used again, and which never."""

    def test_a_verdict_is_reused_for_the_same_tree_within_a_search(self):
        # Changes that are reverted at once, again and again: three trees in all.
        graph = [("c1", [], {"x": "good\n"})]
        for i in range(2, 65):
            value = ("good\n", "odd\n")[i % 2] if i < 40 else ("bad\n", "worse\n")[i % 2]
            graph.append((f"c{i}", [f"c{i - 1}"], {"x": value}))
        repo = self.repo(graph, unique=False)
        done = self.search(repo, "--good", "c1", "-j", "1", "--confirm", "off", command=["grep", "-q", "good\\|odd", "x"])
        self.assert_first_bad(repo, done, "c40")
        trees = {repo.git("rev-parse", t["oid"] + "^{tree}") for t in done.phase("search")}
        self.assertEqual(len(trees), len(done.phase("search")), "a tree is run only once in the search")
        self.assertTrue(any(t["cached"] for t in done.trials), done)
        self.assertEqual(done.json["trials_run"], sum(not t["cached"] for t in done.trials))

    def test_the_same_tree_is_no_answer_when_the_command_reads_the_history(self):
        repo = self.repo([(f"c{i}", [f"c{i - 1}"] if i > 1 else [], {}) for i in range(1, 17)], unique=False)
        done = self.search(repo, "--good", "c1", command=["sh", "-c", "test $(git rev-list --count HEAD) -lt 11"])
        self.assert_first_bad(repo, done, "c11")

    def test_reuse_answers_from_an_earlier_search_but_never_the_ends(self):
        repo = self.line(40, "c23")
        book, runs = self.journal()
        args = [*OUTSIDE, "-j", "1", "--confirm", "off", "--good", "c1"]
        first = self.search(repo, *args, command=self.logged(book))
        total = len(runs())
        self.search(repo, *args, command=self.logged(book))
        self.assertEqual(len(runs()), 2 * total, "without --reuse all is run again")
        again = self.search(repo, *args, "--reuse", command=self.logged(book))
        self.assertEqual(set(runs()[2 * total:]), {repo.oid["c1"], repo.oid["c40"]}, "the ends alone are run")
        self.assertEqual(again.json["commits"], first.json["commits"])
        self.assertEqual(again.json["trials_run"], 2)

    def test_reuse_does_not_answer_for_another_command(self):
        repo = self.line(20, "c9")
        self.search(repo, "--good", "c1")
        done = self.search(repo, "--good", "c1", "--reuse", command=["sh", "-c", "exit $(cat state) # another"])
        self.assertFalse(any(t.get("cached") for t in done.trials))

    def test_reuse_does_not_answer_for_a_script_with_other_contents(self):
        repo = self.line(20, "c9")
        repo.write("check.sh", "exit $(cat state)\n")
        self.search(repo, "--good", "c1", command=["sh", "check.sh"])
        repo.write("check.sh", "test $(cat name | tr -d c) -lt 15\n")
        done = self.search(repo, "--good", "c1", "--reuse", command=["sh", "check.sh"])
        self.assert_first_bad(repo, done, "c15")


if __name__ == "__main__":
    main()
