#!/usr/bin/env python3
"""--match: other failures in the range never lead to an innocent commit."""

from lib import Case, linear, main

# Says what the commit holds, and fails when it says anything.
RUN = ["sh", "-c", "test ! -s says || { cat says; exit 1; }"]
WANTED = "Traceback (most recent call last):\n  File \"t.py\", line 3, in <module>\n    f()\n  File \"t.py\", line 2, in f\n" \
         "    raise KeyError('x')\nKeyError: 'x'\n"
OTHER = "prog: prog.c:7: main: Assertion `n > 0' failed.\nAborted\n"
THIRD = "ERROR: nothing is as it was\n"


class Match(Case):
    def history(self, says):
        """c1..c24; says maps a number to what the commit prints from then on ('': it passes)."""
        return self.repo(linear(24, files={f"c{i}": {"says": text} for i, text in says.items()}))

    def found(self, repo, *args, **kw):
        return self.search(repo, "--good", "c1", "--bad", "c24", *args, command=RUN, confirm="full", **kw)

    # Another failure before, after, around and inside the wanted one.
    HISTORIES = {
        "before": ({5: OTHER, 9: "", 13: WANTED}, 13),
        "right before": ({10: OTHER, 13: WANTED}, 13),
        "after": ({6: WANTED, 12: OTHER, 15: WANTED}, 6),
        "around": ({4: OTHER, 7: "", 11: WANTED, 17: OTHER, 19: WANTED}, 11),
        "inside": ({8: WANTED, 10: OTHER, 11: WANTED, 13: OTHER, 14: WANTED}, 8),
        "two others": ({3: THIRD, 6: "", 9: OTHER, 12: "", 20: WANTED}, 20),
        "in the middle alone": ({12: OTHER, 13: "", 21: WANTED}, 21),
        "at the first commit after the good end": ({2: OTHER, 3: "", 18: WANTED}, 18),
        "up to the bad end": ({7: OTHER, 23: WANTED}, 23),
        "many": ({i: OTHER if i % 3 == 0 else THIRD if i % 3 == 1 else "" for i in range(3, 15)} | {15: WANTED}, 15),
    }

    def test_match_same_names_the_right_commit_or_all_that_other_failures_hide(self):
        for name, (says, culprit) in self.HISTORIES.items():
            with self.subTest(name):
                repo = self.history(says)
                done = self.run_program("--good", "c1", "--bad", "c24", "--match", "same", "--json", "--", *RUN, cwd=repo.path)
                names = {repo.name_of(oid) for oid in done.json["commits"]["candidates"]}
                self.assertIn(f"c{culprit}", names, done)
                if done.rc == 0:
                    self.assertEqual(names, {f"c{culprit}"}, done)
                else:
                    self.assertTrue(names <= self.hidden(says, culprit), done)
                self.forget(repo)

    def hidden(self, says, culprit):
        """The culprit and the commits before it that fail in another way: no test can tell these apart."""
        state, states = "", {}
        for i in range(1, 25):
            state = says.get(i, state)
            states[i] = state
        names = {f"c{culprit}"}
        for i in range(culprit - 1, 0, -1):
            if states[i] == "":
                break
            names.add(f"c{i}")
        return names

    def forget(self, repo):
        import shutil
        shutil.rmtree(repo.path)

    def test_any_never_names_a_commit_that_fails_in_another_way(self):
        for name, (says, culprit) in self.HISTORIES.items():
            with self.subTest(name):
                repo = self.history(says)
                done = self.run_program("--good", "c1", "--bad", "c24", "--match", "any", "--json", "--", *RUN, cwd=repo.path)
                if done.rc == 0:
                    self.assert_first_bad(repo, done, f"c{culprit}")
                else:
                    names = {repo.name_of(oid) for oid in done.json["commits"]["candidates"]}
                    self.assertIn(f"c{culprit}", names, done)
                self.forget(repo)

    def test_it_says_when_any_would_have_named_another_commit(self):
        repo = self.history({10: OTHER, 13: WANTED})
        done = self.run_program("--good", "c1", "--bad", "c24", "--json", "--", *RUN, cwd=repo.path)
        notes = "\n".join(done.json["notes"])
        self.assertRegex(notes, r"would have named [0-9a-f]+, but it fails in another way")
        self.assertRegex(notes, r"failed in another way than the bad end: .*n > 0")

    def test_other_failures_are_skips_that_say_so(self):
        repo = self.history({5: OTHER, 18: "", 21: WANTED})
        done = self.found(repo, "--match", "same")
        self.assert_first_bad(repo, done, "c21")
        others = [t for t in done.trials if t["why"].startswith("fails in another way")]
        self.assertTrue(others, done)
        self.assertEqual({t["verdict"] for t in others}, {"skip"})
        self.assertTrue(all(t["failure"]["type"] for t in others), done)

    def test_the_same_failure_on_other_lines_is_the_same(self):
        repo = self.history({6: WANTED, 12: WANTED.replace("line 3", "line 30").replace("line 2", "line 20")})
        self.assert_first_bad(repo, self.found(repo, "--match", "same"), "c6")


if __name__ == "__main__":
    main()
