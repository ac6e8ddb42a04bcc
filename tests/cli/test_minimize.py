#!/usr/bin/env python3
"""--reduce and --subset: the smallest input, the smallest set of items, that still fails in the same way."""

import json
import os
import signal

from lib import OUTSIDE, Case, linear, main, read

# Fails when the file that is its first argument holds all words of the others.
HAS = r'f=$1; shift; for w; do grep -q -- "$w" "$f" || exit 0; done; exit 1'


class Minimize(Case):
    def where(self):
        path = self.path("here")
        os.makedirs(path, exist_ok=True)
        return path

    def write(self, name, content):
        path = os.path.join(self.where(), name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb" if isinstance(content, bytes) else "w") as file:
            file.write(content)
        return path

    def minimize(self, *args, command, expect=0, **kw):
        done = self.run_program(*args, "--json", "--confirm", "quick", "--", *command, cwd=self.where(), **kw)
        self.assertEqual(done.rc, expect, done)
        return done


class Subset(Minimize):
    BOTH = ["sh", "-c", '! { grep -qx t123 "$1" && grep -qx t1789 "$1"; }', "-", "@@"]

    def two_thousand(self):
        self.write("tests.txt", "".join(f"t{i}\n" for i in range(1, 2001)))

    def test_two_interacting_items_of_two_thousand_are_found(self):
        self.two_thousand()
        done = self.minimize("--subset", "tests.txt", "-j", "1", command=self.BOTH)
        self.assertEqual(done.json["subset"]["kept"], ["t123", "t1789"])
        self.assertTrue(done.json["subset"]["minimal"])
        self.assertEqual(done.json["subset"]["before"], 2000)
        self.assertLessEqual(len(done.phase("reduce")), 44, done)
        self.assertEqual(read(done.json["subset"]["result"]), "t123\nt1789\n")

    def test_the_answer_does_not_depend_on_how_many_run_at_once(self):
        self.two_thousand()
        for jobs in ("1", "4"):
            done = self.minimize("--subset", "tests.txt", "-j", jobs, command=self.BOTH)
            self.assertEqual(done.json["subset"]["kept"], ["t123", "t1789"])

    def test_items_may_come_by_a_pipe_and_go_as_words(self):
        with open(self.write("items", "-a\n-b x\n-c\n")) as file:
            done = self.minimize("--subset", "-", stdin=file, command=["sh", "-c", 'for i; do test "$i" != "-b x" || exit 1; done',
                                                                       "-", "@@*"])
        self.assertEqual(done.json["subset"]["kept"], ["-b x"])

    def test_without_a_place_the_file_is_the_last_argument(self):
        self.write("items", "a\nb\nc\n")
        done = self.minimize("--subset", "items", command=["sh", "-c", '! grep -q b "$0"'])
        self.assertEqual(done.json["subset"]["kept"], ["b"])

    def test_what_fails_without_any_item_is_not_reproduced(self):
        self.write("items", "a\nb\n")
        done = self.minimize("--subset", "items", command=["false"], expect=3)
        self.assertRegex(done.json["message"], "fails without any item too")
        done = self.minimize("--subset", "items", command=["true"], expect=3)
        self.assertRegex(done.json["message"], "with all items is good")

    def test_isolate_names_one_item_in_few_tests(self):
        self.write("items", "".join(f"i{n}\n" for n in range(1000)))
        done = self.minimize("--subset", "items", "--isolate", "-j", "1", command=["sh", "-c", '! grep -qx i700 "$1"', "-", "@@"])
        self.assertEqual(done.json["subset"]["kept"], ["i700"])
        self.assertLessEqual(len(done.phase("reduce")), 14, done)
        self.assertTrue(done.json["subset"]["difference"])
        self.assertIn("1 of 1000 items makes a set fail that passes without it", self.run_program("show", cwd=self.where()).out)

    def test_unresolved_candidates_cannot_be_removed_alone(self):
        self.write("items", "".join(f"i{n}\n" for n in range(50)))
        test = ["sh", "-c", 'grep -qx i7 "$1" || ! grep -qx i30 "$1" || exit 125; ! grep -qx i30 "$1"', "-", "@@"]
        done = self.minimize("--subset", "items", command=test)
        self.assertEqual(done.json["subset"]["kept"], ["i7", "i30"])

    def test_a_killed_search_leaves_the_best_on_disk_and_goes_on(self):
        self.two_thousand()
        count, hold = self.path("count"), self.path("hold")
        open(hold, "w").close()
        test = ["sh", "-c", f'echo x >> {count}; test ! -e {hold} || test $(wc -l < {count}) -lt 20 || exec sleep 600; '
                '! { grep -qx t123 "$1" && grep -qx t1789 "$1"; }', "-", "@@"]
        proc = self.start(*OUTSIDE, "-j", "1", "--subset", "tests.txt", "--", *test, cwd=self.where())
        self.until(lambda: os.path.exists(count) and len(read(count).splitlines()) >= 20, "twenty tests")
        proc.send_signal(signal.SIGKILL)
        proc.wait()
        best = read(os.path.join(self.where(), ".bisect-run/logs/1/subset/tests.txt")).split()
        self.assertIn("t123", best)
        self.assertIn("t1789", best)
        self.assertLess(len(best), 2000)
        os.unlink(hold)
        os.unlink(os.path.join(self.where(), "tests.txt"))
        done = self.run_program("resume", "--json", cwd=self.where())
        self.assertEqual(done.json["subset"]["kept"], ["t123", "t1789"], done)
        items = [t["item"] for t in done.trials if t["phase"] == "reduce" and not t["cached"]]
        self.assertEqual(len(items), len(set(items)), "a recorded test was run again")

    def chance(self, needed, often, else_often=0):
        """Fails when the items needed are there, in `often` of 10 runs; else in else_often. By a count of runs: no run is like another."""
        has = " && ".join(f'grep -qx {item} "$1"' for item in needed)
        turn = f'n=$(cat {self.path("n")} 2>/dev/null || echo 1); echo $((n + 1)) > {self.path("n")}; n=$((n * 7 % 10)); '
        return [*OUTSIDE, "-j", "1"], ["sh", "-c", turn + f'if {has}; then test $n -ge {often}; else test $n -ge {else_often}; fi', "-", "@@"]

    def test_a_flaky_test_is_noticed_and_repeated_until_it_is_sure(self):
        self.write("items", "".join(f"i{n}\n" for n in range(120)))
        how, test = self.chance(["i17", "i70", "i99"], 6)
        done = self.minimize(*how, "--subset", "items", command=test)
        self.assertEqual(done.json["subset"]["kept"], ["i17", "i70", "i99"], done)
        self.assertIn("the test is flaky", " ".join(done.json["notes"]))

    def test_a_test_that_fails_by_chance_where_it_should_pass_is_no_answer(self):
        self.write("items", "".join(f"i{n}\n" for n in range(120)))
        how, test = self.chance([f"i{n}" for n in range(0, 120, 3)], 10, 1)
        done = self.minimize(*how, "--subset", "items", command=test, expect=2)
        self.assertRegex(done.json["message"], "the test is flaky")

    def test_the_best_is_run_again_at_growing_intervals(self):
        self.write("items", "".join(f"i{n}\n" for n in range(60)))
        test = ["sh", "-c", " && ".join(f'grep -qx i{n} "$1"' for n in range(0, 60, 2)) + " && exit 1; exit 0", "-", "@@"]
        done = self.minimize("--subset", "items", "-j", "1", command=test)
        runs = [t["phase"] for t in done.trials if t["phase"] in ("reduce", "confirm")]
        checks = [runs[:i].count("reduce") for i, phase in enumerate(runs[:-1]) if phase == "confirm"]
        self.assertEqual(checks, [n for n in (64, 128, 256) if n < runs.count("reduce")])
        self.assertGreaterEqual(len(checks), 1)


class Variables(Minimize):
    """--subset env:GOOD,BAD"""

    # LC_ALL with TZ in the bad environment, and EDITOR, which only the good one has, together do it.
    TEST = ["sh", "-c", 'test "$LC_ALL$TZ" != xxAsia/Tokyo || test -n "$EDITOR"']

    def setUp(self):
        super().setUp()
        same = f"PATH={self.env['PATH']}\nHOME={self.env['HOME']}\nPWD=/here\n"
        self.write("good.env", same + "LC_ALL=C\nEDITOR=vi\nPAGER=less\n" + "".join(f"V{i}=a\n" for i in range(20)))
        self.write("bad.env", same.replace("here", "there") + "f=() {\n echo x\n}\nLC_ALL=xx\nTZ=Asia/Tokyo\nA_KEY=s\n" +
                   "".join(f"V{i}=b c\n" for i in range(20)))

    def test_the_variables_that_matter_are_named(self):
        done = self.minimize("--subset", "env:good.env,bad.env", command=self.TEST)
        self.assertEqual(done.json["subset"]["kept"], ["--unset=EDITOR", "LC_ALL=xx", "TZ=Asia/Tokyo"])
        self.assertEqual(done.json["subset"]["before"], 25)
        self.assertIn("several lines", " ".join(done.json["notes"]))
        self.assertRegex(done.json["message"], "3 of 25 variables")

    def test_the_base_is_the_good_environment_and_not_the_users(self):
        test = ["sh", "-c", 'test "$V3" = a && test "$PAGER" = less && test -z "$MINE"']
        done = self.minimize("--subset", "env:good.env,bad.env", command=test, env={"MINE": "1", "V3": "mine"})
        self.assertEqual(len(done.json["subset"]["kept"]), 1)

    def test_env_0_has_values_of_several_lines_beside_which_others_are_read(self):
        self.write("good.env", f"PATH={self.env['PATH']}\0A=1\nB=2\0C=3\0")
        self.write("bad.env", f"PATH={self.env['PATH']}\0A=1\nB=3\0C=4\0")
        done = self.minimize("--subset", "env:good.env,bad.env", command=["sh", "-c", 'test "$C" = 3'])
        self.assertEqual((done.json["subset"]["kept"], done.json["subset"]["before"]), (["C=4"], 1))

    def test_it_goes_on_with_the_environments_that_it_began_with(self):
        done = self.run_program("--subset", "env:good.env,bad.env", "--max-trials", "4", "--", *self.TEST, cwd=self.where())
        self.assertEqual(done.rc, 2, done)
        for name in ("good.env", "bad.env"):
            os.unlink(os.path.join(self.where(), name))
        done = self.run_program("resume", "--json", cwd=self.where())
        self.assertEqual(done.json["subset"]["kept"], ["--unset=EDITOR", "LC_ALL=xx", "TZ=Asia/Tokyo"], done)

    def test_wrong_uses_are_refused(self):
        self.assert_refused(self.run_program("--subset", "env:good.env", "--", "true", cwd=self.where()), "needs two files", rcs=(129,))
        self.assert_refused(self.run_program("--subset", "env:good.env,none", "--", "true", cwd=self.where()), "none")
        self.assert_refused(self.run_program("--subset", "env:good.env,good.env", "--", "true", cwd=self.where()), "are the same")


class Reduce(Minimize):
    def nested(self):
        data = {"list": [{"x": i, "y": [1, 2, {"z": "w" * (i % 7)}]} for i in range(200)], "deep": {"k": {"bug": 7}}}
        self.write("crash.json", json.dumps(data, indent=1))

    def test_a_nested_key_of_a_json_file_is_what_remains(self):
        self.nested()
        done = self.minimize("--reduce", "crash.json", "-j", "1", command=["sh", "-c", HAS, "-", "@@", '"bug": 7'])
        reduced = done.json["reduce"]
        self.assertIn('"bug": 7', read(reduced["result"]))
        self.assertLessEqual(reduced["bytes_after"], 20)
        self.assertTrue(reduced["minimal"])
        self.assertEqual(os.path.basename(reduced["result"]), "crash.json")
        self.assertEqual(reduced["bytes_before"], os.path.getsize(os.path.join(self.where(), "crash.json")))

    def test_a_budget_that_is_used_up_tells_the_best_so_far(self):
        self.nested()
        done = self.minimize("--reduce", "crash.json", "-j", "1", "--max-trials", "10", command=["sh", "-c", HAS, "-", "@@", '"bug": 7'],
                             expect=2)
        self.assertIn('"bug": 7', read(done.json["reduce"]["result"]))
        self.assertEqual(os.path.getsize(done.json["reduce"]["result"]), done.json["reduce"]["bytes_after"])
        self.assertFalse(done.json["reduce"]["minimal"])

    def test_the_users_file_stays_as_it_is(self):
        self.nested()
        before = read(os.path.join(self.where(), "crash.json"))
        self.minimize("--reduce", "crash.json", command=["sh", "-c", HAS, "-", "@@", "bug"])
        self.assertEqual(read(os.path.join(self.where(), "crash.json")), before)

    def test_only_the_same_failure_counts(self):
        self.write("in", "".join(f"line {i}\n" for i in range(40)) + "CRASH\n")
        test = ["sh", "-c", 'if grep -q CRASH "$1"; then if grep -q "line 7$" "$1"; then '
                'echo "p: p.c:3: f: Assertion \\`seven\' failed." >&2; else echo "p: p.c:9: g: Assertion \\`other > 1\' failed." >&2; fi; '
                'kill -ABRT $$; fi', "-", "@@"]
        done = self.minimize("--reduce", "in", "--by", "line", command=test)
        self.assertEqual(read(done.json["reduce"]["result"]), "line 7\nCRASH\n")
        done = self.minimize("--reduce", "in", "--by", "line", "--match", "any", command=test)
        self.assertEqual(read(done.json["reduce"]["result"]), "CRASH\n")

    def test_interesting_turns_the_exit_status_round(self):
        self.write("in", "".join(f"{i}\n" for i in range(30)))
        done = self.minimize("--reduce", "in", "--by", "line", "--interesting", command=["grep", "-q", "^17$", "@@"])
        self.assertEqual(read(done.json["reduce"]["result"]), "17\n")

    def test_binary_files_are_reduced_by_bytes(self):
        self.write("in.bin", bytes(range(256)) * 8)
        test = ["sh", "-c", 'LC_ALL=C grep -qaP "\\x41\\x42\\x43" "$1" && exit 1; exit 0', "-", "@@"]
        done = self.minimize("--reduce", "in.bin", "--by", "byte", command=test)
        self.assertEqual(read(done.json["reduce"]["result"], "rb"), b"ABC")

    def test_what_is_on_disk_at_the_end_is_the_answer_also_where_its_size_did_not_change(self):
        self.write("in.bin", bytes(range(1, 101)))
        test = ["sh", "-c", 'test $(wc -c < "$1") -eq 100 || exit 0; test "$(tail -c 1 "$1")" != d', "-", "@@"]
        done = self.minimize("--reduce", "in.bin", command=test)
        self.assertEqual(read(done.json["reduce"]["result"], "rb"), bytes(99) + b"d")

    def test_of_a_folder_files_go_first_then_their_contents(self):
        for i in range(8):
            self.write(f"in/sub{i % 2}/f{i}", "".join(f"{i} {k}\n" for k in range(20)))
        test = ["sh", "-c", '! { grep -qs "^3 7$" "$1/sub1/f3" && grep -qs "^6 1$" "$1/sub0/f6"; }', "-", "@@"]
        done = self.minimize("--reduce", "in", "--by", "line", command=test)
        top = done.json["reduce"]["result"]
        left = {os.path.relpath(os.path.join(d, f), top): read(os.path.join(d, f)) for d, _, files in os.walk(top) for f in files}
        self.assertEqual(left, {"sub1/f3": "3 7\n", "sub0/f6": "6 1\n"})

    def test_several_files_are_several_words(self):
        self.write("a.txt", "a1\na2\na3\n")
        self.write("b.txt", "b1\nb2\n")
        test = ["sh", "-c", 'for f; do test -e "$f" || continue; cat "$f"; done | grep -c "a2\\|b1" | grep -q 2 && exit 1; exit 0', "-", "@@"]
        done = self.minimize("--reduce", "a.txt", "--reduce", "b.txt", "--by", "line", command=test)
        folder = os.path.dirname(done.json["reduce"]["result"])
        self.assertEqual({n: read(os.path.join(folder, n)) for n in os.listdir(folder)}, {"a.txt": "a2\n", "b.txt": "b1\n"})

    def test_a_diff_is_reduced_by_hunks(self):
        repo = self.repo(linear(1), name="base")
        for name in ("a", "b", "c"):
            repo.write(name, "".join(f"{name} {i}\n" for i in range(100)))
        repo.git("add", ".")
        for name in ("a", "b", "c"):
            repo.write(name, "".join(f"-- {name} {i}\n" if i % 10 == 3 else f"{name} {i}\n" for i in range(100)))
        patch = self.write("all.diff", "From: me\n\n" + repo.git("diff") + "\n")
        base = self.path("base")
        test = ["sh", "-c", f'rm -rf t; cp -r {base} t && cd t && git checkout -q . && {{ test ! -s "$1" || git apply -q "$1" || exit 125; }} && '
                '! { grep -q "^-- a 43" a && grep -q "^-- c 93" c && grep -q "^-- c 3$" c; }', "-", "@@"]
        done = self.minimize(*OUTSIDE, "--reduce", patch, "--by", "hunk", command=test)
        left = read(done.json["reduce"]["result"])
        self.assertEqual([line for line in left.splitlines() if line.startswith("+") and not line.startswith("+++")],
                         ["+-- a 43", "+-- c 3", "+-- c 93"])
        self.assertEqual((done.json["reduce"]["by"], done.json["reduce"]["units_before"], done.json["reduce"]["units_after"]), ("hunk", 30, 3))
        self.assertTrue(left.startswith("From: me\n"), "what stands before the diff stays")

    def test_by_hunk_needs_a_diff(self):
        self.write("in", "x\n")
        done = self.run_program("--reduce", "in", "--by", "hunk", "--", "sh", "-c", '! test -s "$1"', "-", "@@", cwd=self.where())
        self.assert_refused(done, "no diff")

    def test_an_input_that_does_not_matter_is_said(self):
        self.write("in", "x\n")
        done = self.minimize("--reduce", "in", command=["sh", "-c", "exit 1"], expect=3)
        self.assertRegex(done.json["message"], "fails with an empty input too")

    def test_a_parser_that_refuses_an_empty_input_can_be_reduced_for(self):
        self.write("in.json", json.dumps({"a": [1, 2, 3] * 50, "rows": [[1], [2, [3, [4]]]]}))
        test = ["python3", "-c", "import json, sys; assert '[3, [4' not in str(json.load(open(sys.argv[1]))), 'too deep'"]
        done = self.minimize("--reduce", "in.json", command=test)
        self.assertEqual(json.loads(read(done.json["reduce"]["result"])), [3, [4]], done)
        self.assertEqual(done.json["failure"]["type"], "AssertionError", "the failure is that of the whole, not of the empty one")
        cut = self.run_program("--reduce", "in.json", "-j", "1", "--max-trials", "9", "--", *test, cwd=self.where())
        self.assertEqual(cut.rc, 2, cut)
        again = self.run_program("resume", "--json", cwd=self.where())
        self.assertEqual(json.loads(read(again.json["reduce"]["result"])), [3, [4]], again)
        items = [t["item"] for t in again.phase("reduce")]
        self.assertEqual(len(items), len(set(items)), "no recorded test is repeated")
        done = self.minimize("--reduce", "in.json", "--match", "any", command=test, expect=3)
        self.assertRegex(done.json["message"], "fails with an empty input too")

    def test_a_missing_input_is_one_clear_line(self):
        done = self.run_program("--reduce", "missing", "--", "true", cwd=self.where())
        self.assert_refused(done, "missing")

    def test_the_input_is_reduced_at_the_bad_end_and_then_the_commits_are_searched_with_it(self):
        repo = self.repo([(f"c{i}", [f"c{i - 1}"] if i > 1 else [], {"rule": "bug\n" if i >= 9 else "ok\n"}) for i in range(1, 17)])
        self.write("in.json", json.dumps({"a": [1, 2, 3] * 50, "bug": {"x": 1}}, indent=1))
        test = ["sh", "-c", 'grep -q "$(cat rule)" "$1" && exit 1; exit 0', "-", "@@"]
        done = self.run_program("--good", "c1", "--reduce", os.path.join(self.where(), "in.json"), "--hunks", "--json", "--", *test,
                                cwd=repo.path)
        self.assert_first_bad(repo, done, "c9")
        self.assertEqual(read(done.json["reduce"]["result"]), "bug")
        self.assertEqual([k["file"] for k in done.json["hunks"]["kept"]], ["rule"])
        plain = self.run_program("show", cwd=repo.path).out
        self.assertIn("is the first bad commit", plain)
        self.assertIn("reduced from", plain)


if __name__ == "__main__":
    main()
