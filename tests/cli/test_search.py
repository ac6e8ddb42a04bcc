#!/usr/bin/env python3
"""The search over commits: which commit is named, and how verdicts come about."""

import os
import re
import shlex

from lib import BAD, GOOD, OUTSIDE, STATE, Case, linear, main, read

# The history of git's own test of bisect: two branches off H4, merged twice.
TWO_BRANCHES = linear(4, "H") + [
    ("H5", ["H4"], {}), ("H6", ["H5"], {}), ("H7", ["H6"], {}),
    ("S5", ["H4"], {}), ("S6", ["S5"], {}), ("S7", ["S6"], {}),
    ("A", ["S5", "H5"], {}), ("B", ["S7", "H7"], {}),
]
# Two lines of work from `base`, merged in M, and one more commit.
SIDE = [("base", [], {}), ("a1", ["base"], {}), ("a2", ["a1"], {}), ("b1", ["base"], {}), ("b2", ["b1"], {}),
        ("M", ["a2", "b2"], {}), ("top", ["M"], {})]


def exits(codes):
    """Changes for linear(): the file `code` says how the commit's test exits."""
    return {name: {"code": f"{code}\n"} for name, code in codes.items()}


CODE = ["sh", "-c", "exit $(cat code)"]


class Culprit(Case):
    """The right commit, whatever the shape of the history and the way to say the ends."""

    def test_linear_history_names_the_first_bad_commit_in_json(self):
        repo = self.line(20, "c13")
        done = self.search(repo, "--good", "c1", "--bad", "c20")
        self.assert_first_bad(repo, done, "c13")
        commits = done.json["commits"]
        self.assertEqual((commits["good"], commits["bad"], commits["candidates_at_start"]),
                         ([repo.oid["c1"]], repo.oid["c20"], 19))
        self.assertEqual(commits["first_bad"]["subject"], "commit c13")
        self.assertEqual(commits["first_bad"]["parents"], [repo.oid["c12"]])
        self.assertIsNone(commits["confidence"])
        self.assertLessEqual(len(done.phase("search")), 5, "a search of 19 candidates takes at most 5 tests")

    def test_text_says_first_bad_commit_and_has_a_fixes_line(self):
        repo = self.line(6, "c4")
        done = self.run_program("--good", "c1", "--", *STATE, cwd=repo.path)
        self.assertEqual(done.rc, 0, done)
        self.assertIn("first bad commit", done.out)
        self.assertIn(repo.oid["c4"][:7], done.out)
        self.assertRegex(done.out, r'(?m)^\s*Fixes: %s[0-9a-f]* \("commit c4"\)$' % repo.oid["c4"][:7])

    def test_the_answer_is_the_same_from_every_culprit_of_a_short_history(self):
        repo = self.repo(linear(7))
        for culprit in range(2, 8):
            condition = f'test "$(cat name | tr -d c)" -lt {culprit}'
            done = self.search(repo, "--good", "c1", "--confirm", "off", command=["sh", "-c", condition])
            self.assert_first_bad(repo, done, f"c{culprit}")

    def test_merged_history_names_a_commit_of_a_side_branch(self):
        repo = self.repo(SIDE, bad=["b1"])
        self.assert_first_bad(repo, self.search(repo, "--good", "base"), "b1")

    def test_a_fault_that_only_the_merge_has_names_the_merge(self):
        repo = self.repo(SIDE, bad=["M"])
        done = self.search(repo, "--good", "base")
        self.assert_first_bad(repo, done, "M")
        confirmed = repo.names(t["oid"] for t in done.phase("confirm"))
        self.assertEqual(confirmed, {"M", "a2", "b2"}, "the merge and both parents are run again")

    def test_two_branches_merged_twice_name_every_culprit(self):
        for culprit in ("H2", "H6", "S6", "B"):
            repo = self.repo(TWO_BRANCHES, name=culprit, bad=[culprit])
            done = self.search(repo, "--good", "H1", "--bad", "B", "--confirm", "off")
            self.assert_first_bad(repo, done, culprit)

    def test_a_range_means_good_and_bad(self):
        repo = self.line(8, "c3")
        self.assert_first_bad(repo, self.search(repo, "c1..c7"), "c3")

    def test_a_range_without_its_end_means_head(self):
        repo = self.line(8, "c8")
        self.assert_first_bad(repo, self.search(repo, "c1.."), "c8")

    def test_old_and_new_are_other_words_for_good_and_bad(self):
        repo = self.line(8, "c5")
        self.assert_first_bad(repo, self.search(repo, "--old", "c1", "--new", "c7"), "c5")

    def test_several_good_revisions_leave_out_all_their_ancestors(self):
        repo = self.repo(TWO_BRANCHES, bad=["S7"])
        done = self.search(repo, "--good", "H7", "--good", "S5", "--bad", "B")
        self.assert_first_bad(repo, done, "S7")
        self.assertEqual(done.json["commits"]["candidates_at_start"], 3)

    def test_fixed_search_names_the_first_fixed_commit(self):
        repo = self.repo(linear(9), bad=["c6"], states=(BAD, GOOD))
        done = self.search(repo, "--broken", "c1", "--fixed", "c9")
        self.assert_first_bad(repo, done, "c6")
        done = self.run_program("--broken", "c1", "--", *STATE, cwd=repo.path)
        self.assertEqual(done.rc, 0, done)
        self.assertIn("first fixed commit", done.out)
        self.assertNotIn("first bad commit", done.out)

    def test_first_parent_names_the_merge_that_brought_the_fault(self):
        repo = self.repo(SIDE, bad=["b1"])
        done = self.search(repo, "--good", "base", "--first-parent")
        self.assert_first_bad(repo, done, "M")
        self.assertFalse({"b1", "b2"} & repo.names(t["oid"] for t in done.trials), "no commit of the side is tested")

    def test_path_tests_only_commits_that_touch_it(self):
        graph = linear(16, files={f"c{i}": {"lib/x": f"{i}\n"} for i in (4, 9, 14)})
        repo = self.repo(graph, bad=["c9"])
        done = self.search(repo, "--good", "c1", "--path", "lib")
        self.assert_first_bad(repo, done, "c9")
        self.assertEqual(done.json["commits"]["candidates_at_start"], 3)
        self.assertLessEqual(repo.names(t["oid"] for t in done.phase("search")), {"c4", "c9", "c14"})

    def test_path_is_relative_to_where_the_user_stands(self):
        graph = linear(8, files={"c1": {"lib/x": "1\n", "lib/y": "1\n", "x": "1\n"}, "c3": {"x": "2\n"}, "c5": {"lib/x": "3\n"}})
        repo = self.repo(graph, bad=["c5"])
        done = self.search(repo, "--good", "c1", "--path", "x", cwd=repo.file("lib"),
                           command=["sh", "-c", "exit $(cat ../state)"])
        self.assert_first_bad(repo, done, "c5")
        self.assertEqual(done.json["commits"]["candidates_at_start"], 1)

    def test_four_jobs_give_the_same_answer_as_one(self):
        repo = self.repo(TWO_BRANCHES, bad=["S6"])
        for jobs in ("1", "4"):
            self.assert_first_bad(repo, self.search(repo, "-j", jobs, "H1..B"), "S6")
        row = self.line(60, "c37", name="row")
        self.assert_first_bad(row, self.search(row, "--jobs", "4", "c1..c60"), "c37")

    def test_without_a_good_revision_it_steps_back_with_growing_steps(self):
        repo = self.line(60, "c41")
        done = self.search(repo, "--bad", "c60")
        self.assert_first_bad(repo, done, "c41")
        asked = [int(repo.name_of(t["oid"])[1:]) for t in done.trials if t["phase"] != "confirm"]
        self.assertEqual(asked[0], 60)
        self.assertLess(len(done.json["trials"]), 30, "far fewer tests than there are commits")
        self.assertGreater(min(asked), 1, "the good end is found without going back to the root")

    def test_without_a_good_revision_a_history_that_is_bad_from_the_root_is_not_reproduced(self):
        repo = self.line(5, "c1")
        done = self.search(repo, "--bad", "c5", expect=3)
        self.assertEqual(done.json["status"], "not-reproduced")

    def test_ends_are_tested_before_anything_else(self):
        repo = self.line(9, "c4")
        done = self.search(repo, "c1..c9")
        first = done.trials[:2]
        self.assertEqual({(repo.name_of(t["oid"]), t["phase"]) for t in first}, {("c1", "ends"), ("c9", "ends")})

    def test_ends_that_do_not_differ_are_not_reproduced(self):
        repo = self.line(6, "c1")
        for verdict, command in (("bad", STATE), ("good", ["true"])):
            done = self.search(repo, "--good", "c1", command=command, expect=3)
            self.assertEqual(done.json["status"], "not-reproduced", done)
            self.assertEqual({t["verdict"] for t in done.trials}, {verdict})
            self.assertTrue(done.json["message"])


class GoodIsNoAncestor(Case):
    """A good revision on another branch than the bad one."""

    def test_the_merge_base_is_tested_and_when_good_the_search_goes_on(self):
        repo = self.repo(TWO_BRANCHES, bad=["S6"])
        done = self.search(repo, "--good", "H7", "--bad", "S7")
        self.assert_first_bad(repo, done, "S6")
        self.assertEqual([t["verdict"] for t in done.trials if t["oid"] == repo.oid["H4"]][:1], ["good"])

    def test_a_bad_merge_base_says_that_it_was_fixed_between(self):
        graph = [("base", [], {"state": BAD}), ("good", ["base"], {"state": GOOD}), ("other", ["base"], {}),
                 ("bad", ["other"], {})]
        repo = self.repo(graph)
        done = self.search(repo, "--good", "good", "--bad", "bad", expect=3)
        self.assertEqual(done.json["status"], "not-reproduced")
        self.assertIn("fixed between", done.json["message"])
        text = self.run_program("--good", "good", "--bad", "bad", "--", *STATE, cwd=repo.path)
        self.assertEqual(text.rc, 3, text)
        self.assertIn("fixed between", text.out + text.err)
        self.assertIn(repo.oid["base"][:7], text.out + text.err)


class Skips(Case):
    """Candidates that cannot be tested."""

    def test_one_untestable_candidate_before_the_culprit_leaves_both(self):
        repo = self.repo(TWO_BRANCHES, bad=["H3"])
        self.assert_narrowed(repo, self.search(repo, "--good", "H1", "--bad", "H4", "--skip", "H3", expect=2), {"H3", "H4"})

    def test_two_untestable_candidates_leave_three(self):
        repo = self.repo(TWO_BRANCHES, bad=["H3"])
        done = self.search(repo, "--good", "H1", "--bad", "H4", "--skip", "H2", "--skip", "H3", expect=2)
        self.assert_narrowed(repo, done, {"H2", "H3", "H4"})
        self.assertEqual(done.phase("search"), [], "a commit of --skip is never run")

    def test_narrowed_text_lists_every_candidate(self):
        repo = self.line(4, "c3")
        done = self.run_program("--good", "c1", "--skip", "c2..c3", "--", *STATE, cwd=repo.path)
        self.assertEqual(done.rc, 2, done)
        for name in ("c3", "c4"):
            self.assertIn(repo.oid[name][:7], done.out)
        self.assertNotIn(repo.oid["c2"][:7], done.out.split("Fixes")[0].split("trial")[0])

    def test_skip_takes_a_range_and_the_search_goes_round_it(self):
        repo = self.line(20, "c16")
        done = self.search(repo, "--good", "c1", "--skip", "c6..c12")
        self.assert_first_bad(repo, done, "c16")
        self.assertFalse({f"c{i}" for i in range(7, 13)} & repo.names(t["oid"] for t in done.trials))

    def test_exit_125_skips_and_the_culprit_is_still_found(self):
        codes = {f"c{i}": 0 if i < 14 else 1 for i in range(1, 21)} | {"c10": 125, "c11": 125}
        repo = self.repo(linear(20, files=exits(codes)))
        done = self.search(repo, "--good", "c1", command=CODE)
        self.assert_first_bad(repo, done, "c14")
        for trial in done.trials:
            if repo.name_of(trial["oid"]) in ("c10", "c11"):
                self.assertEqual((trial["verdict"], trial["exit"]), ("skip", 125))

    def test_exit_125_around_the_culprit_lists_all_that_may_be_it(self):
        repo = self.repo(linear(7, files=exits({"c1": 0, "c3": 125, "c5": 1})))
        self.assert_narrowed(repo, self.search(repo, "--good", "c1", command=CODE, expect=2), {"c3", "c4", "c5"})

    def test_a_long_untestable_band_costs_far_fewer_tests_than_it_is_long(self):
        codes = {f"c{i}": 0 if i < 40 else 125 if i < 70 else 1 for i in range(1, 121)}
        repo = self.repo(linear(120, files=exits(codes)))
        done = self.search(repo, "--good", "c1", "--confirm", "off", command=CODE, expect=2)
        self.assert_narrowed(repo, done, {f"c{i}" for i in range(40, 71)})
        self.assertLess(len(done.phase("search")), 30)

    def test_a_failing_build_is_a_skip_and_never_bad(self):
        repo = self.repo(linear(7, files={"c3": {"broken": "x\n"}, "c5": {"broken": None}}), bad=["c6"])
        done = self.search(repo, "--good", "c1", "--build", "test ! -e broken")
        self.assert_first_bad(repo, done, "c6")
        for trial in done.trials:
            if repo.name_of(trial["oid"]) in ("c3", "c4"):
                self.assertEqual((trial["verdict"], trial["failure"]["kind"]), ("skip", "build"), trial)
        done = self.search(repo, "c2..c6", "--skip", "c5", "--build", "test ! -e broken", expect=2)
        self.assert_narrowed(repo, done, {"c3", "c4", "c5", "c6"})
        self.assertIn("build", {t["failure"]["kind"] for t in done.phase("search")})

    def test_the_build_runs_in_the_candidate_before_the_command(self):
        repo = self.line(6, "c3")
        done = self.search(repo, "--good", "c1", "--build", "cp state built && echo was built",
                           command=["sh", "-c", "exit $(cat built)"])
        self.assert_first_bad(repo, done, "c3")
        self.assertTrue(all(t["build_seconds"] > 0 for t in done.trials), done)

    def test_a_build_over_its_limit_is_a_skip(self):
        repo = self.repo(linear(3, files={"c2": {"slow": "x\n"}, "c3": {"slow": None}}), bad=["c3"])
        done = self.search(repo, "--good", "c1", "--build", "if test -e slow; then exec sleep 600; fi", "--build-timeout", "1s",
                           expect=2)
        self.assert_narrowed(repo, done, {"c2", "c3"})


class Verdicts(Case):
    """How an outcome is judged."""

    def test_a_hang_over_the_timeout_is_bad_with_kind_timeout(self):
        repo = self.repo(linear(3, files={"c2": {"hang": "x\n"}}))
        done = self.search(repo, "--good", "c1", "--timeout", "1s", "--confirm", "off",
                           command=["sh", "-c", "test ! -e hang || exec sleep 600"])
        self.assert_first_bad(repo, done, "c2")
        hung = [t for t in done.trials if t["verdict"] == "bad"]
        self.assertTrue(all(t["timed_out"] and t["failure"]["kind"] == "timeout" for t in hung), done)
        self.assertTrue(all(0.9 < t["wall"] < 10 for t in hung), done)

    def test_timeout_is_skip_makes_a_hang_untestable(self):
        repo = self.repo(linear(3, files={"c2": {"hang": "x\n"}, "c3": {"hang": None}}), bad=["c3"])
        done = self.search(repo, "--good", "c1", "--timeout", "1s", "--timeout-is", "skip", expect=2,
                           command=["sh", "-c", "test ! -e hang || exec sleep 600; exit $(cat state)"])
        self.assert_narrowed(repo, done, {"c2", "c3"})

    def test_patterns_decide_whatever_the_exit_status(self):
        repo = self.repo(linear(9, files={"c1": {"say": "fine\n"}, "c4": {"say": "cannot\n"}, "c5": {"say": "BOOM 7\n"}}))
        done = self.search(repo, "--good", "c1", "--bad-if", r"^BOOM \d+$", "--skip-if", "^cannot", command=["cat", "say"],
                           expect=2)
        self.assert_narrowed(repo, done, {"c4", "c5"})
        done = self.search(repo, "--good", "c1", "--good-if", "fine|cannot", command=["sh", "-c", "cat say >&2; exit 1"])
        self.assert_first_bad(repo, done, "c5")

    def test_skip_comes_before_bad_and_bad_before_good(self):
        for args, rc in ((["--bad-if", "x", "--good-if", "x"], 1), (["--skip-if", "x", "--bad-if", "x", "--good-if", "x"], 125),
                         (["--good-if", "x"], 0), (["--good-if", "y"], 1)):
            done = self.run_program("try", *args, "--", "sh", "-c", "echo x; exit 3")
            self.assertEqual(done.rc, rc, done)

    def test_an_invalid_pattern_is_wrong_usage_and_shows_the_place(self):
        repo = self.line(3, "c2")
        for option in ("--bad-if", "--good-if", "--skip-if"):
            done = self.run_program("--good", "c1", option, "abc(def", "--", *STATE, cwd=repo.path)
            self.assert_refused(done, r"\^", rcs=(129,))
            self.assertIn("abc(def", done.err)
            self.assertIn(option, done.err)
            lines = done.err.splitlines()
            caret = next(i for i, line in enumerate(lines) if re.fullmatch(r"\s*\^.*", line))
            self.assertIn("abc(def", lines[caret - 1], done)
            self.assertGreater(lines[caret].index("^"), lines[caret - 1].index("abc"), done)

    def test_a_crash_is_bad_and_its_signal_is_told(self):
        repo = self.line(6, "c4")
        done = self.search(repo, "--good", "c1", command=["sh", "-c", "test $(cat state) = 0 || kill -SEGV $$"])
        self.assert_first_bad(repo, done, "c4")
        crashed = [t for t in done.trials if t["verdict"] == "bad"]
        self.assertTrue(all(t["signal"] == 11 and t["failure"]["kind"] == "signal" for t in crashed), done)
        self.assertIn("SIGSEGV", crashed[0]["why"])

    def test_strict_git_stops_at_a_crash_with_an_error(self):
        repo = self.line(6, "c4")
        for crash in ("kill -SEGV $$", "exit 200"):
            done = self.search(repo, "--good", "c1", "--strict-git", expect=1,
                               command=["sh", "-c", f"test $(cat state) = 0 || {crash}"])
            self.assertEqual(done.json["status"], "error")

    def test_a_command_that_cannot_be_run_at_the_good_end_is_an_error(self):
        repo = self.line(4, "c3")
        repo.write("notexec", "#!/bin/sh\n")
        for command in (["./nowhere"], ["sh", "-c", "exit 127"], ["sh", "-c", "exit 126"]):
            done = self.search(repo, "--good", "c1", command=command, expect=1)
            self.assertEqual(done.json["status"], "error", done)
            self.assertTrue(done.json["message"])

    def test_a_command_that_is_missing_later_is_a_skip(self):
        repo = self.repo(linear(7, files=exits({"c1": 0, "c3": 127, "c4": 126, "c5": 0, "c6": 1})))
        done = self.search(repo, "--good", "c1", command=CODE)
        self.assert_first_bad(repo, done, "c6")
        for trial in done.trials:
            if repo.name_of(trial["oid"]) in ("c3", "c4"):
                self.assertEqual(trial["verdict"], "skip", trial)

    def test_a_command_missing_at_the_bad_end_too_is_what_is_hunted(self):
        repo = self.repo(linear(8, files={"c1": {"tool": ("#!/bin/sh\n", 0o755)}, "c5": {"tool": None}}))
        self.assert_first_bad(repo, self.search(repo, "--good", "c1", command=["./tool"]), "c5")


class Trial(Case):
    """What a trial finds around it."""

    def test_with_puts_the_users_newer_test_into_commits_that_lack_it(self):
        repo = self.line(8, "c5")
        repo.write("check.sh", "exit $(cat state)\n")
        done = self.search(repo, "--good", "c1", "--with", "check.sh", command=["sh", "check.sh"])
        self.assert_first_bad(repo, done, "c5")

    def test_with_takes_the_users_changed_copy_of_a_tracked_file(self):
        repo = self.repo(linear(8, files={"c1": {"t/check.sh": "exit 0\n"}}), bad=["c5"])
        repo.write("t/check.sh", "exit $(cat state)\n")
        done = self.search(repo, "--good", "c1", "--with", "t/check.sh", command=["sh", "t/check.sh"])
        self.assert_first_bad(repo, done, "c5")
        done = self.search(repo, "--good", "c1", "--with", "t", command=["sh", "t/check.sh"])
        self.assert_first_bad(repo, done, "c5")

    def test_with_at_a_revision_takes_the_file_from_there(self):
        scripts = {"c3": "exit 0\n", "c7": "exit $(cat state)\n", "c8": "exit 99\n"}
        repo = self.repo(linear(8, files={name: {"check.sh": text} for name, text in scripts.items()}), bad=["c5"])
        done = self.search(repo, "c1..c6", "--with", "check.sh@c7", command=["sh", "check.sh"])
        self.assert_first_bad(repo, done, "c5")

    def environment(self, *args, env=None):
        repo = self.line(2, "c2", name=f"env{len(os.listdir(self.tmp))}")
        seen = self.path(f"seen{len(os.listdir(self.tmp))}")
        done = self.run_program("try", *OUTSIDE, *args, "c1", "--", "sh", "-c", f"env -0 > {shlex.quote(seen)}",
                                cwd=repo.path, env=env)
        self.assertEqual(done.rc, 0, done)
        return repo, dict(entry.split("=", 1) for entry in read(seen).split("\0") if entry)

    def test_trials_see_what_they_are(self):
        repo, env = self.environment()
        self.assertEqual(env["BISECT_RUN_COMMIT"], repo.oid["c1"])
        for name in ("BISECT_RUN_TRIAL", "BISECT_RUN_WORKER", "BISECT_RUN_JOBS"):
            self.assertRegex(env.get(name, ""), r"^\d+$", name)

    SECRETS = {"FOO_TOKEN": "1", "MY_PASSWORD": "1", "AWS_ACCESS_KEY_ID": "1", "AWS_PROFILE": "1", "CLIENT_SECRET": "1",
               "API_KEY": "1", "SSH_AUTH_SOCK": "/nowhere", "DBUS_SESSION_BUS_ADDRESS": "1", "DISPLAY": ":9",
               "GOOGLE_APPLICATION_CREDENTIALS": "1"}

    def test_secrets_and_doors_to_the_session_are_not_passed_on(self):
        _, env = self.environment(env={**self.SECRETS, "HARMLESS": "here"})
        self.assertEqual(set(self.SECRETS) & set(env), set())
        self.assertEqual(env["HARMLESS"], "here")
        self.assertEqual(env["PATH"], self.env["PATH"])

    def test_env_sets_and_pass_env_passes_on(self):
        _, env = self.environment("--env", "COLOUR=blue=green", "--env", "EMPTY=", "--pass-env", "FOO_TOKEN", env=self.SECRETS)
        self.assertEqual((env["COLOUR"], env["EMPTY"], env["FOO_TOKEN"]), ("blue=green", "", "1"))
        self.assertNotIn("MY_PASSWORD", env)

    def test_clear_env_passes_on_only_what_is_named(self):
        _, env = self.environment("--clear-env", "--env", "A=1", "--pass-env", "KEPT", env={"KEPT": "2", "LOST": "3"})
        self.assertNotIn("LOST", env)
        self.assertEqual((env["A"], env["KEPT"]), ("1", "2"))
        self.assertIn("PATH", env)
        self.assertIn("BISECT_RUN_COMMIT", env)

    def test_the_command_starts_in_the_users_subdirectory(self):
        files = {f"c{i}": {"sub/dir/value": "good\n" if i < 4 else "wrong\n"} for i in range(1, 7)}
        repo = self.repo(linear(6, files=files))
        done = self.search(repo, "--good", "c1", command=["grep", "-q", "good", "value"], cwd=repo.file("sub/dir"))
        self.assert_first_bad(repo, done, "c4")

    def test_an_untracked_script_beside_the_sources_is_found(self):
        repo = self.repo(linear(6, files={"c1": {"sub/x": "1\n"}}), bad=["c4"])
        repo.write("check.sh", "#!/bin/sh\nexit $(cat state)\n", 0o755)
        repo.write("sub/here.sh", "exit $(cat ../state)\n")
        self.assert_first_bad(repo, self.search(repo, "--good", "c1", command=["./check.sh"]), "c4")
        done = self.search(repo, "--good", "c1", command=["sh", "here.sh"], cwd=repo.file("sub"))
        self.assert_first_bad(repo, done, "c4")
        done = self.search(repo, "--good", "c1", command=["sh", repo.file("check.sh")])
        self.assert_first_bad(repo, done, "c4")

    def test_an_untracked_script_that_an_option_builds_with_is_found(self):
        repo = self.line(5, "c3")
        repo.write("build.sh", "cp state built\n")
        done = self.search(repo, "--good", "c1", "--build", "sh ./build.sh", command=["sh", "-c", "exit $(cat built)"])
        self.assert_first_bad(repo, done, "c3")

    def test_the_trees_own_file_wins_over_the_users(self):
        files = {f"c{i}": {"check.sh": "exit $(cat state)\n"} for i in range(1, 7)}
        repo = self.repo(linear(6, files=files), bad=["c4"])
        repo.write("check.sh", "exit 1\n")
        self.assert_first_bad(repo, self.search(repo, "--good", "c1", command=["sh", "check.sh"]), "c4")

    def test_an_ignored_stale_program_never_stands_in_for_a_built_one(self):
        repo = self.repo(linear(4, files={"c1": {".gitignore": "prog\n"}}), bad=["c3"])
        repo.write("prog", "#!/bin/sh\nexit 0\n", 0o755)
        done = self.search(repo, "--good", "c1", command=["./prog"], expect=1)
        self.assertEqual(done.json["status"], "error", done)

    def test_a_script_outside_of_the_checkout_is_found_by_its_relative_path(self):
        repo = self.repo(linear(6, files={"c1": {"sub/x": "1\n"}}), bad=["c4"])
        os.makedirs(self.path("scripts"))
        with open(self.path("scripts", "check.sh"), "w") as out:
            out.write("#!/bin/sh\nexit $(cat state || cat ../state)\n")
        os.chmod(self.path("scripts", "check.sh"), 0o755)
        self.assert_first_bad(repo, self.search(repo, "--good", "c1", command=["../scripts/check.sh"]), "c4")
        done = self.search(repo, "--good", "c1", command=["sh", "../../scripts/check.sh"], cwd=repo.file("sub"))
        self.assert_first_bad(repo, done, "c4")

    def test_git_works_inside_a_trial_and_sees_the_candidate(self):
        repo = self.line(6, "c4")
        script = ('test "$(git rev-parse HEAD)" = "$BISECT_RUN_COMMIT" && test -z "$(git status --porcelain)" && '
                  'git log -1 --format=%s | grep -q "^commit c" && git describe --tags --exact-match | grep -qx "$(cat name)" && '
                  'git diff --quiet HEAD && git ls-files --error-unmatch name >/dev/null || exit 99; exit $(cat state)')
        done = self.search(repo, "--good", "c1", command=["sh", "-c", script])
        self.assert_first_bad(repo, done, "c4")
        self.assertEqual({t["exit"] for t in done.trials}, {0, 1}, done)

    def test_git_variables_of_the_caller_do_not_lead_trials_astray(self):
        repo = self.line(6, "c4")
        done = self.search(repo, "--good", "c1", env={"GIT_DIR": repo.git_dir, "GIT_WORK_TREE": repo.path},
                           command=["sh", "-c", 'test $(git rev-parse HEAD) = $BISECT_RUN_COMMIT || exit 99; exit $(cat state)'])
        self.assert_first_bad(repo, done, "c4")
        self.assertEqual({t["exit"] for t in done.trials}, {0, 1}, done)

    def test_what_a_trial_changes_in_tracked_files_is_put_right_before_the_next(self):
        repo = self.line(12, "c7")
        done = self.search(repo, "--good", "c1",
                           command=["sh", "-c", "code=$(cat state); echo 9 > state; rm -f name; exit $code"])
        self.assert_first_bad(repo, done, "c7")

    def test_a_linked_work_tree_can_be_searched_from(self):
        repo = self.line(6, "c4")
        repo.git("worktree", "add", "-q", self.path("linked"), "c6")
        self.assert_first_bad(repo, self.search(repo, "--good", "c1", cwd=self.path("linked")), "c4")

    def test_links_modes_and_odd_names_are_made_as_they_are(self):
        repo = self.repo()
        repo.write("run.sh", '#!/bin/sh\ntest "$(readlink link)" = target && test -e "$(printf "a\\tb \\303\\274")" || exit 99\n'
                   'exit $(cat state)\n', 0o755)
        repo.write("a\tb \u00fc", "x\n")
        os.symlink("target", repo.file("link"))
        for subject, state in (("good", GOOD), ("bad", BAD)):
            repo.write("state", state)
            repo.git("add", "-A")
            repo.git("commit", "-q", "-m", subject)
        done = self.search(repo, "--good", "HEAD~1", command=["./run.sh"])
        self.assertEqual(done.json["commits"]["first_bad"]["subject"], "bad", done)
        self.assertEqual({t["exit"] for t in done.trials}, {0, 1}, done)


class Confirmation(Case):
    """The culprit and its parents are run again before it is named."""

    def phases(self, *args):
        repo = self.line(6, "c4")
        done = self.search(repo, "--good", "c1", *args)
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
            done = self.search(repo, *OUTSIDE, "--good", "c1", "-j", "1", *args, command=self.logged(book, once), expect=2)
            self.assertEqual(done.json["status"], "narrowed")
            self.assertIsNone(done.json["commits"]["first_bad"])
            self.assertIn(repo.oid["c6"], done.json["commits"]["candidates"])
            self.assertRegex(done.out + done.err, "flaky|varies")

    def test_a_good_end_that_varies_is_called_flaky(self):
        repo = self.line(5, "c3")
        book, _ = self.journal()
        odd = f'test $(cat name) != c1 || test $(( $(grep -c "$BISECT_RUN_COMMIT" {book}) % 2 )) = 0 || exit 1; exit $(cat state)'
        done = self.run_program("--json", *OUTSIDE, "--good", "c1", "-j", "1", "--", *self.logged(book, odd), cwd=repo.path)
        self.assertIn(done.rc, (2, 3), done)
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


class Configuration(Case):
    """Defaults from git configuration."""

    def test_a_harmless_default_is_taken_from_the_repository_and_the_command_line_wins(self):
        repo = self.line(10, "c4")
        repo.git("config", "bisectrun.jobs", "3")
        seen = self.path("jobs")
        command = ["sh", "-c", f'echo $BISECT_RUN_JOBS >> {seen}; exit $(cat state)']
        self.assert_first_bad(repo, self.search(repo, *OUTSIDE, "--good", "c1", command=command), "c4")
        self.assertEqual(set(read(seen).split()), {"3"})
        os.unlink(seen)
        self.search(repo, *OUTSIDE, "--good", "c1", "-j", "2", command=command)
        self.assertEqual(set(read(seen).split()), {"2"})

    def test_a_wrong_value_in_the_configuration_is_named(self):
        repo = self.line(3, "c2")
        repo.git("config", "bisectrun.jobs", "many")
        done = self.run_program("--good", "c1", "--", *STATE, cwd=repo.path)
        self.assert_refused(done, "(?i)bisectrun.jobs|--jobs", rcs=(1, 129))

    def test_what_could_open_a_door_is_taken_from_the_users_configuration_only(self):
        repo = self.line(4, "c3")
        mark = self.path("built")
        repo.git("config", "bisectrun.build", f"touch {mark}.repository")
        self.assert_first_bad(repo, self.search(repo, *OUTSIDE, "--good", "c1"), "c3")
        self.assertFalse(os.path.exists(f"{mark}.repository"), "a repository's build was run")
        repo.git("config", "--global", "bisectrun.build", f"touch {mark}.global")
        self.assert_first_bad(repo, self.search(repo, *OUTSIDE, "--good", "c1"), "c3")
        self.assertTrue(os.path.exists(f"{mark}.global"), "the user's own default was not used")
        self.assertFalse(os.path.exists(f"{mark}.repository"))


if __name__ == "__main__":
    main()
