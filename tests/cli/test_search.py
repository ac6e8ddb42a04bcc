#!/usr/bin/env python3
"""The search over commits: which commit is named."""

from lib import BAD, CODE, GOOD, STATE, Case, exits, linear, main

# The history of git's own test of bisect: two branches off H4, merged twice.
TWO_BRANCHES = linear(4, "H") + [
    ("H5", ["H4"], {}), ("H6", ["H5"], {}), ("H7", ["H6"], {}),
    ("S5", ["H4"], {}), ("S6", ["S5"], {}), ("S7", ["S6"], {}),
    ("A", ["S5", "H5"], {}), ("B", ["S7", "H7"], {}),
]
# Two lines of work from `base`, merged in M, and one more commit.
SIDE = [("base", [], {}), ("a1", ["base"], {}), ("a2", ["a1"], {}), ("b1", ["base"], {}), ("b2", ["b1"], {}),
        ("M", ["a2", "b2"], {}), ("top", ["M"], {})]


class Culprit(Case):
    """The right commit, whatever the shape of the history and the way to say the ends."""

    def test_linear_history_names_the_first_bad_commit_in_json(self):
        repo = self.line(20, "c13")
        done = self.search(repo, "-j", "1", "--good", "c1", "--bad", "c20")
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

    def test_a_path_that_the_culprit_does_not_touch_is_not_called_a_flaky_test(self):
        repo = self.repo(linear(12, files={"c4": {"lib/x": "4\n"}}), bad=["c9"])
        done = self.run_program("--json", "--good", "c1", "--path", "lib", "--", *STATE, cwd=repo.path)
        self.assertIn(done.rc, (1, 2, 3), done)
        self.assertIsNone(done.json["commits"]["first_bad"], done)
        self.assertIn("--path", done.json["message"], done)
        self.assertNotIn("flaky", done.json["message"], done)

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


if __name__ == "__main__":
    main()
