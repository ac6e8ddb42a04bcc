#!/usr/bin/env python3
"""git's own bisect sessions: --replay and --from-bisect go on from them, --git-log leads git to where we stand."""

import os
import re
import signal

from lib import OUTSIDE, STATE, Case, linear, main, processes_with, read, snapshot

FIXED = ("1\n", "0\n")


def state_of(repo):
    """What git's bisect knows: its refs by state, the pathspecs, and whether it follows first parents."""
    refs = {}
    for line in repo.git("for-each-ref", "--format=%(refname:lstrip=2) %(objectname)", "refs/bisect").splitlines():
        name, oid = line.split()
        refs.setdefault(name.split("-")[0], set()).add(repo.name_of(oid))
    names = os.path.join(repo.git_dir, "BISECT_NAMES")
    return {"refs": refs, "paths": read(names).strip() if os.path.exists(names) else "",
            "first_parent": os.path.exists(os.path.join(repo.git_dir, "BISECT_FIRST_PARENT"))}


class Replays(Case):
    """Logs made by real git."""

    def git_log(self, repo, *commands, keep=False, name="log"):
        """Runs `git bisect` with each list of words, writes its log into a file; the bisect ends unless it is kept."""
        for command in commands:
            repo.git("bisect", *command)
        path = self.path(name)
        with open(path, "w") as out:
            out.write(repo.git("bisect", "log") + "\n")
        if not keep:
            repo.git("bisect", "reset")
        return path

    def write(self, text, name="log"):
        path = self.path(name)
        with open(path, "w", newline="") as out:
            out.write(text)
        return path

    def begin(self, repo, done):
        """The names of the ends that the search took over."""
        commits = done.json["commits"]
        return repo.name_of(commits["bad"]), repo.names(commits["good"])

    def test_a_log_of_git_is_gone_on_with(self):
        repo = self.line(40, "c23")
        log = self.git_log(repo, ["start", "HEAD", "c1"], ["good", "c10"], ["bad", "c30"], ["skip", "c20"])
        done = self.search(repo, "--replay", log)
        self.assert_first_bad(repo, done, "c23")
        self.assertEqual(self.begin(repo, done), ("c30", {"c10"}), done)
        self.assertEqual(done.json["commits"]["candidates_at_start"], 20, done)
        self.assertNotIn(repo.oid["c20"], {t["oid"] for t in done.trials}, done)

    def test_crlf_and_unquoted_words_of_old_git_mean_the_same(self):
        repo = self.line(20, "c9")
        text = f"git-bisect start c18 c2\r\n# x\r\ngit-bisect good {repo.oid['c4']}\r\ngit-bisect skip c8\r\n"
        done = self.search(repo, "--replay", self.write(text), expect=2)
        self.assertEqual(self.begin(repo, done), ("c18", {"c4"}), done)
        self.assert_narrowed(repo, done, ["c8", "c9"])

    def test_the_log_may_come_from_standard_input(self):
        repo = self.line(12, "c5")
        with open(self.git_log(repo, ["start", "c10", "c2"])) as log:
            done = self.search(repo, "--replay", "-", stdin=log)
        self.assert_first_bad(repo, done, "c5")

    def test_head_of_the_start_line_is_what_it_was_then(self):
        repo = self.line(12, "c5")
        log = self.git_log(repo, ["start", "HEAD", "c1"])
        repo.git("commit", "-q", "--allow-empty", "-m", "later")
        done = self.search(repo, "--replay", log)
        self.assert_first_bad(repo, done, "c5")
        self.assertEqual(self.begin(repo, done)[0], "c12", done)
        self.assertIn("HEAD was", done.err, done)

    def test_pathspecs_and_first_parents_of_the_log_count_from_any_folder(self):
        graph = [("a", [], {"sub/keep": "\n"}), ("b", ["a"], {"sub/x y": "1\n"}), ("s1", ["a"], {"sub/x y": "2\n"}),
                 ("s2", ["s1"], {"other": "1\n"}), ("m", ["b", "s2"], {"sub/x y": "3\n"}), ("n", ["m"], {"other": "2\n"}),
                 ("o", ["n"], {"sub/x y": "4\n"}), ("p", ["o"], {"other": "3\n"})]
        repo = self.repo(graph, bad=["m"])
        log = self.git_log(repo, ["start", "--first-parent", "p", "a", "--", "sub/x y"])
        done = self.search(repo, "--replay", log, cwd=repo.file("sub"), command=["sh", "-c", "exit $(cat ../state)"])
        self.assert_first_bad(repo, done, "m")
        commits = done.json["commits"]
        self.assertEqual((commits["paths"], commits["first_parent"], commits["candidates_at_start"]), (["sub/x y"], True, 3), done)

    def test_terms_fixed_and_broken_look_for_the_fix(self):
        repo = self.repo(linear(20), bad=["c9"], states=FIXED)
        log = self.git_log(repo, ["start", "--term-new=fixed", "--term-old=broken", "c19", "c2"], ["broken", "c5"])
        done = self.search(repo, "--replay", log)
        self.assert_first_bad(repo, done, "c9")
        self.assertTrue(done.json["fixed"], done)
        self.assertEqual(self.begin(repo, done), ("c19", {"c5"}), done)

    def test_other_terms_are_good_and_bad_by_old_and_new(self):
        repo = self.line(20, "c9")
        log = self.git_log(repo, ["start", "--term-new", "slow", "--term-old", "fast"], ["slow", "c19"], ["fast", "c2"])
        self.assert_first_bad(repo, self.search(repo, "--replay", log), "c9")
        log = self.git_log(repo, ["start"], ["new", "c19"], ["old", "c2"], name="log2")
        self.assert_first_bad(repo, self.search(repo, "--replay", log), "c9")

    def test_a_log_without_a_good_revision_is_searched_backward(self):
        repo = self.line(30, "c9")
        log = self.git_log(repo, ["start", "c28"])
        self.assert_first_bad(repo, self.search(repo, "--replay", log), "c9")

    def test_an_interrupted_replay_is_resumed_without_the_log(self):
        repo = self.repo([*linear(20)], bad=["c9"], states=FIXED)
        log = self.git_log(repo, ["start", "--first-parent", "--term-new=fixed", "--term-old=broken", "c19", "c2", "--", "name"])
        self.search(repo, "--replay", log, "--max-trials", "3", expect=2)
        os.unlink(log)
        done = self.run_program("resume", "--json", cwd=repo.path)
        self.assert_first_bad(repo, done, "c9")
        commits = done.json["commits"]
        self.assertEqual((commits["paths"], commits["first_parent"]), (["name"], True), done)
        self.assertEqual(len(done.phase("ends")), 2, done)

    def test_what_contradicts_the_log_is_wrong_usage(self):
        repo = self.line(8, "c4")
        log = self.git_log(repo, ["start", "c8", "c1", "--", "name"])
        for words in (["--good", "c1"], ["--bad", "c8"], ["--old", "c1"], ["--broken", "c1"], ["c1..c8"], ["--from-bisect"],
                      ["--path", "state"]):
            done = self.run_program("--replay", log, *words, "--", *STATE, cwd=repo.path)
            self.assert_refused(done, "contradict", rcs=(129,))
        self.assert_refused(self.run_program("--from-bisect", "--good", "c1", "--", *STATE, cwd=repo.path), "contradict", rcs=(129,))

    def test_what_is_no_log_is_refused_and_harmless(self):
        repo = self.line(4, "c3")
        for text, why in (("hello\n", "no log of git bisect"), ("git bisect start\ngit bisect frob \033[2Jx\n", "line 2"),
                          ("git bisect start '\033]0;x\007' c1 --\n", "unknown revision"),
                          ("git bisect start 'c3\n", "quote"), ("git bisect start nowhere c1 --\n", "nowhere")):
            done = self.run_program("--replay", self.write(text), "--", *STATE, cwd=repo.path)
            self.assert_refused(done, re.escape(why))
            self.assertNotRegex(done.err, "[\033\007]")
        self.assert_refused(self.run_program("--replay", self.path("none"), "--", *STATE, cwd=repo.path), "No such file")

    # ---- a bisect in progress ----

    def test_a_bisect_in_progress_is_taken_over_and_left_as_it_is(self):
        repo = self.line(40, "c23")
        self.git_log(repo, ["start", "HEAD", "c1"], ["good", "c10"], ["skip", "c20"], ["bad", "c30"], keep=True)
        before = snapshot(repo)
        done = self.search(repo, "--from-bisect")
        self.assert_first_bad(repo, done, "c23")
        self.assertEqual(self.begin(repo, done), ("c30", {"c10"}), done)
        self.assertEqual(snapshot(repo), before)

    def test_before_bad_is_known_it_is_where_the_user_stood(self):
        repo = self.line(16, "c7")
        repo.git("checkout", "-q", "-b", "topic", "c14")
        self.git_log(repo, ["start"], ["good", "c2"], keep=True)
        repo.git("checkout", "-q", "c4")
        done = self.search(repo, "--from-bisect")
        self.assert_first_bad(repo, done, "c7")
        self.assertEqual(self.begin(repo, done), ("c14", {"c2"}), done)

    def test_a_linked_work_tree_has_a_bisect_of_its_own(self):
        repo = self.line(16, "c7")
        linked = self.path("linked")
        repo.git("worktree", "add", "-q", "--detach", linked, "c12")
        repo.git("-C", linked, "bisect", "start", "HEAD", "c3")
        done = self.search(repo, "--from-bisect", cwd=linked)
        self.assert_first_bad(repo, done, "c7")
        self.assertEqual(self.begin(repo, done), ("c12", {"c3"}), done)
        self.assert_refused(self.run_program("--from-bisect", "--", *STATE, cwd=repo.path), "no git bisect is in progress")

    # ---- back to git ----

    def both_ways(self, repo, *args, command=STATE, expect=0):
        """A search whose log git replays; ours replays git's log of that; both logs lead git to the same state."""
        first, second = self.path("first"), self.path("second")
        done = self.search(repo, *args, "--git-log", first, command=command, expect=expect)
        repo.git("bisect", "replay", first, check=False)  # git's status is 2 where it is only narrowed
        state, log = state_of(repo), self.path("gits")
        with open(log, "w") as out:
            out.write(repo.git("bisect", "log") + "\n")
        repo.git("bisect", "reset")
        again = self.search(repo, "--replay", log, "--git-log", second, command=command, expect=expect)
        self.assertEqual(again.json["commits"]["candidates"], done.json["commits"]["candidates"], again)
        self.assertEqual(again.json["status"], done.json["status"], again)
        repo.git("bisect", "replay", second, check=False)
        new = "fixed" if done.json["fixed"] else "bad"
        for part in ("paths", "first_parent"):
            self.assertEqual(state_of(repo)[part], state[part])
        self.assertEqual(state_of(repo)["refs"][new], state["refs"][new])
        return done, state

    def test_an_isolated_commit_survives_both_ways(self):
        repo = self.line(30, "c17")
        done, state = self.both_ways(repo, "--good", "c3", "--skip", "c15")
        self.assert_first_bad(repo, done, "c17")
        self.assertEqual(state["refs"]["bad"], {"c17"})
        self.assertIn("c16", state["refs"]["good"])
        self.assertEqual(state["refs"]["skip"], {"c15"})

    def test_paths_first_parents_and_terms_survive_both_ways(self):
        graph = linear(24, files={f"c{i}": {"it's a!path/f": f"{i}\n"} for i in range(2, 24, 2)})
        repo = self.repo(graph, bad=["c12"], states=FIXED)
        done, state = self.both_ways(repo, "--broken", "c1", "--first-parent", "--path", "it's a!path")
        self.assert_first_bad(repo, done, "c12")
        self.assertEqual((state["refs"]["fixed"], state["first_parent"]), ({"c12"}, True))
        self.assertIn("it'\\''s a", state["paths"])
        self.assertIn("c10", state["refs"]["broken"])

    def test_a_narrowed_search_survives_both_ways(self):
        graph = linear(20, files={"c8": {"odd": "1\n"}, "c12": {"odd": None}})
        repo = self.repo(graph, bad=["c10"])
        done, state = self.both_ways(repo, "--good", "c1", "--exhaust", expect=2,
                                     command=["sh", "-c", "test ! -e odd || exit 125; exit $(cat state)"])
        self.assert_narrowed(repo, done, {f"c{i}" for i in range(8, 13)})
        self.assertEqual((state["refs"]["bad"], state["refs"]["skip"]), ({"c12"}, {f"c{i}" for i in range(8, 12)}))

    def test_the_nearest_bad_commit_is_the_last_word_whatever_the_order(self):
        repo = self.line(60, "c21")
        log = self.path("log")
        done = self.search(repo, "--good", "c1", "-j", "4", "--git-log", log)
        self.assert_first_bad(repo, done, "c21")
        repo.git("bisect", "replay", log)
        self.assertEqual(state_of(repo)["refs"]["bad"], {"c21"}, read(log))

    def test_a_search_backward_leads_git_to_the_nearest_bad_commit(self):
        repo = self.line(60, "c21")
        log = self.path("log")
        self.search(repo, "--bad", "c60", "--max-trials", "5", "--git-log", log, expect=2)
        repo.git("bisect", "replay", log)
        bad = state_of(repo)["refs"]["bad"]
        self.assertLess(int(bad.pop()[1:]), 60)

    def test_an_interrupted_search_leaves_a_log_to_go_on_with(self):
        repo = self.line(40, "c23")
        log, marker = self.path("log"), self.marker()
        command = ["sh", "-c", f'test "$BISECT_RUN_TRIAL" -lt 4 || sleep {marker}; exit $(cat state)']
        proc = self.start(*OUTSIDE, "--good", "c1", "--git-log", log, "--", *command, cwd=repo.path)
        self.until(lambda: processes_with(marker), "the fourth test runs")
        proc.send_signal(signal.SIGINT)
        self.assertEqual(self.ended(proc).rc, -signal.SIGINT)
        said = repo.git("bisect", "replay", log)
        self.assertRegex(said, "Bisecting: ")
        self.assertEqual(len(re.findall("(?m)^git bisect (?:good|bad) ", read(log))), 1, read(log))
        repo.git("bisect", "reset")
        self.assert_first_bad(repo, self.search(repo, "--replay", log), "c23")

    def test_a_past_search_can_still_write_its_log(self):
        repo = self.line(12, "c5")
        self.search(repo, "--good", "c1")
        log = self.path("log")
        self.assertEqual(self.run_program("show", "-q", "--git-log", log, cwd=repo.path).rc, 0)
        repo.git("bisect", "replay", log)
        self.assertEqual(state_of(repo)["refs"]["bad"], {"c5"})


class Hints(Case):
    """--hint."""

    def test_a_hint_changes_the_order_and_not_the_answer(self):
        graph = linear(60, files={f"c{i}": {"src/hot": f"{i}\n"} for i in (7, 41)})
        repo = self.repo(graph, bad=["c41"])
        plain = self.search(repo, "-j", "1", "--good", "c1", "--confirm", "off")
        hinted = self.search(repo, "-j", "1", "--good", "c1", "--confirm", "off", "--hint", "src/hot")
        wrong = self.search(repo, "-j", "1", "--good", "c1", "--confirm", "off", "--hint", "no/such/path")
        for done in (plain, hinted, wrong):
            self.assert_first_bad(repo, done, "c41")
        self.assertIn("--hint", wrong.err, wrong)
        self.assertEqual([t["oid"] for t in wrong.trials], [t["oid"] for t in plain.trials])
        self.assertNotEqual([t["oid"] for t in hinted.trials], [t["oid"] for t in plain.trials])

    def test_a_hint_never_brings_back_what_path_left_out(self):
        graph = linear(30, files={f"c{i}": {"src/a": f"{i}\n"} for i in (5, 15, 25)})
        repo = self.repo(graph, bad=["c15"])
        done = self.search(repo, "--good", "c1", "--path", "src", "--hint", "name")
        self.assert_first_bad(repo, done, "c15")
        self.assertEqual(done.json["commits"]["candidates_at_start"], 3, done)

    def test_a_hint_is_meant_from_where_the_user_stands(self):
        graph = linear(30, files={"c2": {"src/hot": "0\n"}, "c20": {"src/hot": "1\n"}})
        repo = self.repo(graph, bad=["c20"])
        command = ["sh", "-c", "exit $(cat ../state)"]
        for hint in ("hot", "./hot", "../src/hot", repo.file("src", "hot")):
            done = self.search(repo, "--good", "c3", "--hint", hint, cwd=repo.file("src"), command=command)
            self.assert_first_bad(repo, done, "c20")
            self.assertNotIn("--hint", done.err, done)


class Jobs(Case):
    """-j auto."""

    def test_auto_runs_one_test_at_a_time_where_tests_share_ports_and_files(self):
        repo = self.line(20, "c9")
        seen = self.path("jobs")
        command = ["sh", "-c", f"echo $BISECT_RUN_JOBS >> {seen}; exit $(cat state)"]
        self.search(repo, "--sandbox", "none", "--good", "c1", "-j", "auto", command=command)
        self.assertEqual(set(read(seen).split()), {"1"})


if __name__ == "__main__":
    main()
