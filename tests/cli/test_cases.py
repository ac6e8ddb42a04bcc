#!/usr/bin/env python3
"""The histories on which git tests its own bisect, and the answers that they demand."""

import json
import re

from lib import CODE, STATE, Case, ancestors, exits, linear, main, traces_of

# Two branches off H4, merged twice.
SIDES = linear(7, "H") + [
    ("S5", ["H4"], {}), ("S6", ["S5"], {}), ("S7", ["S6"], {}),
    ("A", ["S5", "H5"], {}), ("B", ["S7", "H7"], {}),
]
# A branch off H1 that merges H4 on its way and H7 at its end, in folders of its own.
PARALLEL = linear(7, "H") + [
    ("P1", ["H1"], {"dir1/file1": "1\n"}), ("P2", ["P1"], {"dir2/file2": "2\n"}), ("P3", ["P2"], {"dir2/file3": "3\n"}),
    ("P4", ["P3", "H4"], {}), ("P5", ["P4"], {"dir1/file1": "5\n"}), ("P6", ["P5"], {"dir2/file2": "6\n"}),
    ("P7", ["P6", "H7"], {}),
]
OCTOPUS = [("base", [], {}), ("a1", ["base"], {}), ("a2", ["a1"], {}), ("b1", ["base"], {}), ("c1", ["base"], {}),
           ("c2", ["c1"], {}), ("d1", ["base"], {}), ("O", ["a2", "b1", "c2", "d1"], {}), ("top", ["O"], {})]
CRISS_CROSS = [("base", [], {}), ("a1", ["base"], {}), ("b1", ["base"], {}), ("a2", ["a1", "b1"], {}), ("b2", ["b1", "a1"], {}),
               ("a3", ["a2"], {}), ("b3", ["b2"], {}), ("X", ["a3", "b3"], {}), ("top", ["X"], {})]
TWO_ROOTS = [("r1", [], {}), ("r2", [], {}), ("a1", ["r1"], {}), ("b1", ["r2"], {}), ("b2", ["b1"], {}),
             ("M", ["a1", "b2"], {}), ("top", ["M"], {})]


class Histories(Case):
    """Names instead of ids, a `code` file as the test."""

    def codes(self, graph, codes, name="repo", head=None):
        """A repository whose commits exit as codes says; the others inherit."""
        changes = exits(codes)
        return self.repo([(n, p, {**c, **changes.get(n, {})}) for n, p, c in graph], name=name, head=head)

    def first_bad(self, repo, name, *args, **kw):
        done = self.search(repo, *args, **kw)
        self.assert_first_bad(repo, done, name)
        return done

    def narrowed(self, repo, names, *args, **kw):
        done = self.search(repo, *args, expect=2, **kw)
        self.assert_narrowed(repo, done, names)
        return done

    def tried(self, repo, done):
        return repo.names(t["oid"] for t in done.trials)

    def history(self, graph, head=None, name="history"):
        """A repository for every culprit: each commit has a file with the names of its ancestors."""
        return self.repo([(n, p, {**c, "ancestors": "\n".join(sorted(ancestors(graph, n))) + "\n"}) for n, p, c in graph],
                         head=head, name=name)

    @staticmethod
    def fault_of(culprit):
        """A test that fails where the culprit is among the ancestors."""
        return ["sh", "-c", f"! grep -qx {culprit} ancestors"]

    def each_culprit(self, graph, good, bad, *args):
        """The search finds every commit between good and bad."""
        parents = {n: p for n, p, _ in graph}
        repo = self.history(graph, head=bad)
        for culprit in sorted(ancestors(graph, bad) - ancestors(graph, good)):
            with self.subTest(culprit=culprit):
                done = self.first_bad(repo, culprit, "--good", good, "--bad", bad, *args, command=self.fault_of(culprit))
                self.assertEqual(repo.names(done.json["commits"]["first_bad"]["parents"]), set(parents[culprit]))


class OneLine(Histories):
    """bad H4, good H1 and the like."""

    def test_the_fault_from_each_commit_is_found(self):
        self.each_culprit(linear(4, "H"), "H1", "H4")

    def test_a_skipped_commit_beside_the_culprit_leaves_both(self):
        repo = self.history(linear(4, "H"))
        for culprit in ("H3", "H4"):
            self.narrowed(repo, {"H3", "H4"}, "--good", "H1", "--skip", "H3", command=self.fault_of(culprit))

    def test_two_skipped_commits_leave_all_three(self):
        repo = self.history(linear(4, "H"))
        for culprit in ("H2", "H3", "H4"):
            self.narrowed(repo, {"H2", "H3", "H4"}, "--good", "H1", "--skip", "H2", "--skip", "H3", command=self.fault_of(culprit))

    def test_a_good_revision_before_the_skipped_one_leaves_two(self):
        repo = self.repo(linear(4, "H"), bad=["H4"])
        done = self.narrowed(repo, {"H3", "H4"}, "--good", "H1", "--good", "H2", "--skip", "H3")
        self.assertEqual(done.json["commits"]["good"], [repo.oid["H2"]], "H1 says no more than H2")

    def test_exit_125_leaves_exactly_what_cannot_be_told_apart(self):
        left = {"H2": {"H2", "H3"}, "H3": {"H2", "H3"}, "H4": {"H4", "H5"}, "H5": {"H4", "H5"}, "H6": {"H6"}, "H7": {"H7"}}
        for number, (culprit, expected) in enumerate(left.items(), 2):
            codes = {f"H{i}": 125 if i in (2, 4) else int(i >= number) for i in range(1, 8)}
            repo = self.codes(linear(7, "H"), codes, name=culprit)
            if len(expected) == 1:
                self.first_bad(repo, culprit, "--good", "H1", command=CODE)
            else:
                self.narrowed(repo, expected, "--good", "H1", command=CODE)

    def test_five_skips_in_a_row_leave_all_six(self):
        codes = {"H1": 0, "H2": 125, "H7": 1}
        self.narrowed(self.codes(linear(7, "H"), codes), {f"H{i}" for i in range(2, 8)}, "--good", "H1", command=CODE)

    def test_five_skips_in_a_row_beside_the_culprit_do_not_hide_it(self):
        for culprit in (9, 18):
            codes = {f"H{i}": 125 if 10 <= i <= 14 else int(i >= culprit) for i in range(1, 25)}
            repo = self.codes(linear(24, "H"), codes, name=f"at{culprit}")
            self.first_bad(repo, f"H{culprit}", "--good", "H1", command=CODE)


class Band(Histories):
    """A long stretch that cannot be tested."""

    def band(self):
        """400 commits; 120 to 219 cannot be tested, but 160 can, and is the first bad one after 119."""
        codes = {f"H{i}": 0 if i < 120 else 125 if i < 220 else 1 for i in range(1, 401)}
        codes["H160"] = 1
        return self.codes(linear(400, "H"), codes)

    def test_the_report_names_the_edges_of_the_stretch_and_what_was_assumed(self):
        repo = self.band()
        done = self.search(repo, "--good", "H1", "--confirm", "off", command=CODE, expect=2)
        result = done.json
        note = next(n for n in result["notes"] if "never run" in n)
        left = repo.names(result["commits"]["candidates"])
        skipped = {repo.name_of(t["oid"]) for t in done.trials if t["verdict"] == "skip"}
        numbers = sorted(int(n[1:]) for n in left & skipped)
        self.assertIn(repo.oid[f"H{numbers[0]}"][:7], note, "the oldest edge")
        self.assertIn(repo.oid[f"H{numbers[-1]}"][:7], note, "the newest edge")
        self.assertRegex(note, r"^\d+ of them .*assumed untestable")
        self.assertEqual(int(note.split()[0]), len(left - skipped) - 1, "all but the known bad end of it")
        self.assertIn("H120", left, "the culprit is among them")
        self.assertLess(len(done.phase("search")), 40)
        self.assertIn(note, self.run_program("show", cwd=repo.path).out)

    def test_exhaust_opens_the_stretch_again(self):
        repo = self.band()
        done = self.narrowed(repo, {f"H{i}" for i in range(120, 161)}, "--good", "H1", "--confirm", "off", "--exhaust",
                             command=CODE)
        self.assertFalse([n for n in done.json.get("notes", []) if "never run" in n], "nothing was assumed")
        self.assertTrue([n for n in done.json["notes"] if repo.oid["H120"][:7] in n and repo.oid["H159"][:7] in n])


class MergeBases(Histories):
    """A good revision that is no ancestor of the bad one."""

    def first_after_ends(self, repo, done):
        ends = {repo.oid[n] for n in ("H7", "S7")}
        return next(repo.name_of(t["oid"]) for t in done.trials if t["oid"] not in ends)

    def test_a_good_merge_base_is_tested_first_and_the_search_goes_on(self):
        repo = self.history(SIDES)
        for culprit in ("H5", "H6", "H7"):
            done = self.first_bad(repo, culprit, "--good", "S7", "--bad", "H7", command=self.fault_of(culprit))
            self.assertEqual(self.first_after_ends(repo, done), "H4")
            base = next(t for t in done.trials if t["oid"] == repo.oid["H4"])
            self.assertEqual((base["phase"], base["verdict"]), ("ends", "good"))

    def test_a_merge_base_that_cannot_be_tested_is_a_warning_and_the_search_goes_on(self):
        repo = self.codes(SIDES, {"H1": 0, "H4": 125, "H5": 0, "S5": 0, "H6": 1})
        done = self.first_bad(repo, "H6", "--good", "S7", "--bad", "H7", command=CODE)
        self.assertEqual(self.first_after_ends(repo, done), "H4")
        warning = [n for n in done.json["notes"] if "merge base" in n and repo.oid["H4"][:7] in n]
        self.assertTrue(warning, done)
        self.assertIn("cannot be tested", warning[0])
        self.assertIn("merge base", done.err)

    def test_a_merge_base_skipped_by_hand_is_not_run_and_warned_of(self):
        repo = self.repo(SIDES, bad=["H6"])
        done = self.first_bad(repo, "H6", "--good", "S7", "--bad", "H7", "--skip", "H4")
        self.assertNotIn("H4", self.tried(repo, done))
        self.assertTrue([n for n in done.json["notes"] if "merge base" in n and repo.oid["H4"][:7] in n], done)

    def test_a_bad_merge_base_means_it_was_fixed_since(self):
        repo = self.codes(SIDES, {"H1": 1, "S6": 0})
        done = self.search(repo, "--good", "S7", "--bad", "H7", command=CODE, expect=3)
        self.assertEqual(done.json["status"], "not-reproduced")
        self.assertIn("fixed between", done.json["message"])
        self.assertIn(repo.oid["H4"][:7], done.json["message"])
        self.assertEqual(done.phase("search"), [])

    def test_both_of_two_merge_bases_are_tested(self):
        repo = self.history(SIDES)
        for culprit in ("S6", "S7", "H6", "H7", "B"):
            done = self.first_bad(repo, culprit, "--good", "A", "--bad", "B", command=self.fault_of(culprit))
            self.assertEqual(repo.names(t["oid"] for t in done.phase("ends")), {"A", "B", "S5", "H5"})

    def test_one_bad_merge_base_of_two_is_enough_to_stop(self):
        repo = self.codes(SIDES, {"H1": 0, "H5": 1, "A": 0, "B": 1})
        done = self.search(repo, "--good", "A", "--bad", "B", command=CODE, expect=3)
        self.assertIn(repo.oid["H5"][:7], done.json["message"])

    def test_one_untestable_merge_base_of_two_is_warned_of(self):
        repo = self.codes(SIDES, {"H1": 0, "H5": 125, "H6": 0, "S7": 1, "A": 0, "B": 1})
        done = self.first_bad(repo, "S7", "--good", "A", "--bad", "B", command=CODE)
        notes = [n for n in done.json["notes"] if "merge base" in n]
        self.assertEqual([repo.oid["H5"][:7] in n for n in notes], [True])


class FirstParent(Histories):
    """Merges stand for what they brought in."""

    def test_each_commit_of_the_main_line_is_found(self):
        repo = self.history(SIDES)
        for culprit in ("H2", "H4", "S5", "S6", "S7", "B"):
            done = self.first_bad(repo, culprit, "--good", "H1", "--bad", "B", "--first-parent", command=self.fault_of(culprit))
            self.assertFalse({"H5", "H6", "H7"} & self.tried(repo, done))

    def test_a_fault_of_the_merged_branch_names_the_merge_and_offers_the_branch(self):
        repo = self.history(SIDES)
        for culprit in ("H5", "H6", "H7"):
            fault = self.fault_of(culprit)
            done = self.first_bad(repo, "B", "--good", "H1", "--bad", "B", "--first-parent", command=fault)
            offer = next(n for n in done.json["notes"] if "merged branch" in n)
            good, bad = re.search(r"--good (\w+) --bad (\w+)", offer).groups()
            self.assertEqual((repo.git("rev-parse", good), repo.git("rev-parse", bad)), (repo.oid["S7"], repo.oid["H7"]))
            self.first_bad(repo, culprit, "--good", good, "--bad", bad, command=fault)

    def test_the_offer_stands_in_the_text_too(self):
        repo = self.repo(SIDES, bad=["H6"])
        done = self.run_program("--good", "H1", "--bad", "B", "--first-parent", "--", *STATE, cwd=repo.path)
        self.assertEqual(done.rc, 0, done)
        self.assertRegex(done.out, r"first bad commit")
        self.assertRegex(done.out, r"merged branch .*--good [0-9a-f]+ --bad [0-9a-f]+")

    def test_a_fault_of_the_merge_itself_is_not_blamed_on_the_branch(self):
        repo = self.repo(SIDES, bad=["B"])
        done = self.first_bad(repo, "B", "--good", "H1", "--bad", "B", "--first-parent")
        offer = next(n for n in done.json["notes"] if "merge" in n)
        self.assertRegex(offer, r"or .*merge itself", "the branch was not tested: both are said")


class Paths(Histories):
    """Only commits that touch a path."""

    def test_a_folder_leaves_the_commits_that_touch_it(self):
        repo = self.history(PARALLEL)
        for culprit in ("P1", "P5"):
            done = self.first_bad(repo, culprit, "--good", "H1", "--bad", "P7", "--path", "dir1", command=self.fault_of(culprit))
            self.assertEqual(done.json["commits"]["candidates_at_start"], 2)
            self.assertLessEqual(self.tried(repo, done), {"H1", "P7", "P1", "P5", "P4"})

    def test_a_folder_and_a_file_leave_those_of_both(self):
        repo = self.repo(PARALLEL, bad=["P6"])
        done = self.first_bad(repo, "P6", "--good", "H1", "--bad", "P7", "--path", "dir1", "--path", "dir2/file2")
        self.assertEqual(done.json["commits"]["candidates_at_start"], 4)

    def test_one_file_alone(self):
        repo = self.repo(PARALLEL, bad=["P3"])
        done = self.first_bad(repo, "P3", "--good", "H1", "--path", "dir2/file3")
        self.assertEqual(done.json["commits"]["candidates_at_start"], 1)
        self.assertEqual(done.phase("search"), [], "a single candidate needs no test but the confirming ones")

    def test_a_pathspec_without_a_good_revision(self):
        repo = self.repo(PARALLEL, bad=["P5"])
        self.first_bad(repo, "P5", "--bad", "P7", "--path", "dir1")

    def test_a_pathspec_that_leaves_nothing_is_said(self):
        repo = self.repo(PARALLEL, bad=["P5"])
        for path in ("foobar", "dir2/file4"):
            done = self.run_program("--json", "--good", "H1", "--bad", "P7", "--path", path, "--", *STATE, cwd=repo.path)
            self.assertEqual(done.rc, 1, done)
            self.assertRegex(done.json["message"], "none of the .* touches")
            self.assertEqual(done.json["trials_run"], 0, "said before anything is run")


class Shapes(Histories):
    """Every commit is found, whatever the history looks like."""

    def test_both_branches_and_their_merge(self):
        self.each_culprit(SIDES, "H1", "B", "--confirm", "off")

    def test_the_parallel_branch(self):
        self.each_culprit(PARALLEL, "H1", "P7", "--confirm", "off")

    def test_an_octopus(self):
        self.each_culprit(OCTOPUS, "base", "top", "--confirm", "off")

    def test_a_criss_cross_merge(self):
        self.each_culprit(CRISS_CROSS, "base", "top", "--confirm", "off")

    def test_two_roots(self):
        self.each_culprit(TWO_ROOTS, "r1", "top", "--confirm", "off")

    def test_a_second_root_may_be_the_culprit_and_is_said_to_have_nothing_before_it(self):
        repo = self.repo(TWO_ROOTS, bad=["r2"])
        done = self.first_bad(repo, "r2", "--good", "r1")
        self.assertIn("root", done.json["how_sure"])

    def test_a_fault_only_in_the_merge_says_in_words_that_both_parents_are_good(self):
        for graph, merge, args in ((SIDES, "B", ("--good", "H1", "--bad", "B")), (PARALLEL, "P4", ("--good", "H1", "--bad", "P7")),
                                   (OCTOPUS, "O", ("--good", "base", "--bad", "top"))):
            repo = self.repo(graph, name=merge, bad=[merge])
            done = self.first_bad(repo, merge, *args)
            note = [n for n in done.json["notes"] if "merge itself" in n]
            self.assertRegex(note[0], "each of its parents .* good")
            parents = next(p for n, p, _ in graph if n == merge)
            self.assertEqual(repo.names(t["oid"] for t in done.phase("confirm")), {merge, *parents})
            text = self.run_program("show", cwd=repo.path).out
            self.assertIn("merge itself", text)


class Cancelled(Histories):
    """Tests whose answer no longer matters."""

    def test_they_are_ended_with_all_that_they_started_and_are_no_trials(self):
        graph = linear(64, files={f"c{i}": {"slow": "x\n"} if i == 50 else {"slow": None} for i in (50, 64)})
        repo, marker = self.repo(graph, bad=["c40"]), self.marker()
        slow = f"if test -e slow; then (sleep {marker} & sleep {marker}); fi; exit $(cat state)"
        done = self.search(repo, "-j", "4", "--good", "c1", "--confirm", "off", command=["sh", "-c", slow])
        self.assertEqual(traces_of(marker), [], "at the end nothing of them runs any more")
        self.assert_first_bad(repo, done, "c40")
        self.assertFalse({f"c{i}" for i in range(50, 64)} & self.tried(repo, done), "none of those that sleep has a verdict")


class Cost(Histories):
    """What a search will cost is said before it starts."""

    LINE = r"(\d+) candidates?, about (\d+) tests?, (\d+) at once(, about \S+)?"

    def test_the_number_of_tests_and_how_many_at_once_is_said_before_the_first_of_them(self):
        repo = self.line(65, "c20")
        done = self.search(repo, "-j", "2", "--good", "c1")
        said = re.search(self.LINE, done.err)
        self.assertIsNotNone(said, done)
        self.assertEqual(said.groups()[:3], ("64", "6", "2"))
        self.assertEqual(done.json["tests_expected"], 6)
        before = done.err[:said.start()]
        self.assertEqual(len(re.findall(r"(?m)^trial \d+", before)), 2, "after the ends, whose time it is reckoned from")

    def test_how_long_it_will_take_is_said_from_the_time_of_the_ends(self):
        repo = self.line(65, "c20")
        done = self.search(repo, "-j", "1", "--good", "c1", "--confirm", "off", command=["sh", "-c", "sleep .3; exit $(cat state)"])
        self.assertRegex(done.err, r"64 candidates, about 6 tests, 1 at once, about \d")
        self.assertRegex(done.err, r"(?m)^trial 3: .*more tests?, about \d.* to go", "refined while it runs")

    def test_show_repeats_what_was_expected(self):
        repo = self.line(9, "c4")
        self.search(repo, "--good", "c1")
        self.assertEqual(json.loads(self.run_program("show", "--json", cwd=repo.path).out)["tests_expected"], 3)


if __name__ == "__main__":
    main()
