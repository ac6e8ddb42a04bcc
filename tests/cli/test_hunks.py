#!/usr/bin/env python3
"""--hunks: which part of the first bad commit did it."""

import os
import subprocess

from lib import Case, main, read

# Five changes that only build together, without which the guilty ones do not build; two that break the test together.
TEST = r"""
n=$(grep -lE 'HUNK(2|9|17|25|33)$' *.txt | wc -l)
[ $n = 0 ] || [ $n = 5 ] || exit 125
[ $n = 5 ] || ! grep -qE 'HUNK(7|30)$' *.txt || exit 125
! { grep -q HUNK7$ *.txt && grep -q HUNK30$ *.txt; }
"""


def plain(number):
    return [f"line {number} {i}" for i in range(60)]


def text(lines):
    return "\n".join(lines) + "\n"


class Hunks(Case):
    def forty(self):
        """A commit of 40 hunks in 12 files."""
        before, after, count = {}, {}, 0
        for number in range(12):
            lines = plain(number)
            before[f"f{number:02}.txt"] = text(lines)
            for at in (5, 20, 35, 50)[:4 if number < 4 else 3]:
                count += 1
                lines[at] = f"changed HUNK{count}"
            after[f"f{number:02}.txt"] = text(lines)
        self.assertEqual(count, 40)
        return self.repo([("a", [], before), ("b", ["a"], {"other": "1\n"}), ("c", ["b"], after), ("d", ["c"], {"other": "2\n"})], unique=False)

    def test_two_guilty_hunks_and_five_prerequisites_of_forty_are_told_apart(self):
        repo = self.forty()
        done = self.search(repo, "--good", "a", "--hunks", "-j", "1", command=["sh", "-c", TEST])
        self.assert_first_bad(repo, done, "c")
        hunks = done.json["hunks"]
        self.assertEqual(hunks["total"], 40)
        roles = {(k["file"], k["new_start"]): k["role"] for k in hunks["kept"]}
        guilty = {place for place, role in roles.items() if role == "culprit"}
        self.assertEqual(guilty, {("f01.txt", 33), ("f08.txt", 18)}, done)
        self.assertEqual(len(roles), 7, done)
        self.assertTrue(hunks["minimal"])
        self.assertLessEqual(len(done.phase("hunks")), 60)

    def test_the_patch_alone_breaks_the_parent(self):
        repo = self.forty()
        done = self.search(repo, "--good", "a", "--hunks", command=["sh", "-c", TEST])
        repo.git("checkout", "-q", "b")
        repo.git("apply", done.json["hunks"]["patch"])
        self.assertEqual(subprocess.run(["sh", "-c", TEST], cwd=repo.path).returncode, 1)

    def test_a_guilty_hunk_that_also_holds_what_the_others_need_is_named(self):
        lines, after = plain(0), plain(0)
        for at in (5, 20, 35):
            after[at] = f"changed API{at}"
        after[22] = "GUILT"
        # Builds when all of the API is there, or none of it.
        test = ["sh", "-c", 'n=$(grep -c API f); test $n = 0 || test $n = 3 || exit 125; ! grep -q GUILT f || test $n = 0']
        repo = self.repo([("a", [], {"f": text(lines)}), ("b", ["a"], {"f": text(after)})], unique=False)
        done = self.search(repo, "--good", "a", "--hunks", command=test)
        self.assertEqual([(k["new_start"], k["role"]) for k in done.json["hunks"]["kept"]],
                         [(3, "prerequisite"), (18, "culprit"), (33, "prerequisite")], done)
        self.assertIn("f at line 23", " ".join(done.json["notes"]))

    def test_hunks_that_cannot_be_told_apart_are_guilty_together(self):
        lines, after = plain(0), plain(0)
        for at in (5, 35):
            after[at] = f"changed API{at}"
        repo = self.repo([("a", [], {"f": text(lines)}), ("b", ["a"], {"f": text(after)})], unique=False)
        done = self.search(repo, "--good", "a", "--hunks", command=["sh", "-c", 'n=$(grep -c API f); test $n != 1 || exit 125; test $n = 0'])
        self.assertEqual([k["role"] for k in done.json["hunks"]["kept"]], ["culprit", "culprit"], done)
        self.assertIn("guilty together", " ".join(done.json["notes"]))

    def test_reverting_the_culprit_at_the_bad_end_is_tried(self):
        lines = plain(0)
        bad = lines[:10] + ["BUG"] + lines[11:]
        later = bad[:30] + ["fine"] + bad[31:]
        over = bad[:10] + ["BUG and more"] + bad[11:]
        test = ["sh", "-c", "! grep -q BUG a.txt b.txt"]
        base = {"a.txt": text(lines), "b.txt": "x\n"}
        cases = {
            "passes": [("a", [], base), ("b", ["a"], {"a.txt": text(bad)}), ("c", ["b"], {"a.txt": text(later)})],
            "still fails": [("a", [], base), ("b", ["a"], {"a.txt": text(bad)}), ("c", ["b"], {"b.txt": "BUG\n"})],
            "these hunks alone reverted on": [("a", [], {"a.txt": text(lines), "b.txt": "1\n"}), ("b", ["a"], {"a.txt": text(bad), "b.txt": "2\n"}),
                                              ("c", ["b"], {"b.txt": "3\n"})],
            "conflicts in a.txt": [("a", [], base), ("b", ["a"], {"a.txt": text(bad)}), ("c", ["b"], {"a.txt": text(over)})],
        }
        for number, (expected, graph) in enumerate(cases.items()):
            with self.subTest(expected):
                repo = self.repo(graph, name=f"r{number}", unique=False)
                done = self.search(repo, "--good", "a", "--hunks", command=test)
                self.assert_first_bad(repo, done, "b")
                self.assertIn(expected, done.json["hunks"]["revert"])

    def test_files_that_come_go_or_change_their_mode_are_one_hunk_each(self):
        repo = self.repo([("a", [], {"gone": "1\n", "bin": "\0\1\n", "tool": "echo hi\n", "dir/x": "1\n"}),
                          ("b", ["a"], {"gone": None, "bin": "\0\2\n", "tool": ("echo hi\n", 0o755), "dir/x": None,
                                        "dir/y/z": "BUG\n", "new": "2\n"})], unique=False)
        done = self.search(repo, "--good", "a", "--hunks", command=["sh", "-c", "test -e gone || ! test -e dir/y/z"])
        self.assertEqual({k["file"] for k in done.json["hunks"]["kept"]}, {"gone", "dir/y/z"}, done)
        self.assertEqual(done.json["hunks"]["total"], 6)
        done = self.search(repo, "--good", "a", "--hunks", command=["sh", "-c", "! test -x tool"])
        self.assertEqual([k["file"] for k in done.json["hunks"]["kept"]], ["tool"], done)

    def test_another_failure_is_not_the_one_that_is_isolated(self):
        before = text(plain(0))
        after = before.replace("line 0 5\n", "OTHER\n").replace("line 0 40\n", "WANTED\n")
        repo = self.repo([("a", [], {"f": before}), ("b", ["a"], {"f": after})], unique=False)
        test = ["sh", "-c", "if grep -q WANTED f; then echo \"prog: p.c:7: main: Assertion \\`wanted' failed.\" >&2; kill -ABRT $$; fi; "
                "if grep -q OTHER f; then echo \"prog: p.c:9: g: Assertion \\`other > 0' failed.\" >&2; kill -ABRT $$; fi"]
        done = self.search(repo, "--good", "a", "--hunks", command=test)
        self.assertEqual([k["new_start"] for k in done.json["hunks"]["kept"]], [38], done)

    def test_a_merge_that_breaks_by_itself_is_compared_with_the_automatic_one(self):
        lines = plain(0)
        left = lines[:5] + ["left"] + lines[6:]
        right = lines[:50] + ["right"] + lines[51:]
        both = left[:50] + ["right"] + left[51:]
        evil = both[:25] + ["EVIL"] + both[26:]
        graph = [("a", [], {"f": text(lines)}), ("l", ["a"], {"f": text(left)}), ("r", ["a"], {"f": text(right)}),
                 ("m", ["l", "r"], {"f": text(evil)})]
        repo = self.repo(graph, unique=False)
        done = self.search(repo, "--good", "a", "--hunks", command=["sh", "-c", "! grep -q EVIL f"])
        self.assert_first_bad(repo, done, "m")
        self.assertEqual(done.json["hunks"]["total"], 1, done)
        self.assertIn("automatic merge of its parents does not have", " ".join(done.json["notes"]))
        graph[3] = ("m", ["l", "r"], {"f": text(both)})
        repo = self.repo(graph, name="semantic", unique=False)
        done = self.search(repo, "--good", "a", "--hunks", command=["sh", "-c", "! { grep -q left f && grep -q right f; }"])
        self.assertIn("the sides do not go together", " ".join(done.json["notes"]))

    def test_nothing_of_it_lands_in_the_users_repository(self):
        repo = self.forty()
        before = sorted(os.listdir(os.path.join(repo.git_dir, "objects")))
        count = repo.git("count-objects")
        self.search(repo, "--good", "a", "--hunks", command=["sh", "-c", TEST])
        self.assertEqual(sorted(os.listdir(os.path.join(repo.git_dir, "objects"))), before)
        self.assertEqual(repo.git("count-objects"), count)
        self.assertEqual(repo.git("status", "--porcelain"), "")

    def test_the_report_names_the_lines(self):
        repo = self.forty()
        done = self.run_program("--good", "a", "--hunks", "--", "sh", "-c", TEST, cwd=repo.path)
        self.assertIn("7 of its 40 hunks are enough to break it", done.out)
        self.assertIn("f08.txt:18-24", done.out)
        self.assertIn("f00.txt:18-24 (needed by the others)", done.out)
        shown = self.run_program("show", cwd=repo.path)
        self.assertIn("f08.txt:18-24", shown.out)
        self.assertIn("changed HUNK30", read(self.run_program("show", "--json", cwd=repo.path).json["hunks"]["patch"]))


if __name__ == "__main__":
    main()
