#!/usr/bin/env python3
"""--patch: a hot-fix that every candidate gets where it applies."""

import os

from lib import OUTSIDE, Case, linear, main

# Line 4 is broken all along and hides what line 8 has from c5 on; line 1 changes with every commit.
LINES = "{n}\n2\n3\nbroken\n5\n6\n7\n{state}\n9\n"
TEST = ["sh", "-c", "grep -q broken code && exit 125; grep -q bad code && exit 1; exit 0"]


class Patch(Case):
    def history(self):
        files = {f"c{i}": {"code": LINES.format(n=i, state="bad" if i >= 5 else "good")} for i in range(1, 9)}
        return self.repo(linear(8, files=files))

    def fix(self, repo):
        """The path of a diff against the last commit that repairs line 4."""
        code = repo.git("show", "HEAD:code") + "\n"
        repo.write("code", code.replace("broken", "mended"))
        path = self.path("fix.diff")
        with open(path, "w") as out:
            out.write(repo.git("diff") + "\n")
        repo.git("checkout", "-q", "code")
        return path

    def test_a_diff_is_applied_to_every_commit_though_their_lines_differ(self):
        repo = self.history()
        before = repo.git("count-objects", "-v")
        done = self.search(repo, "--good", "c1", "--patch", self.fix(repo), command=TEST)
        self.assert_first_bad(repo, done, "c5")
        self.assertEqual(before, repo.git("count-objects", "-v"))
        self.assertEqual("", repo.git("status", "--porcelain"))

    def test_a_commit_is_applied_as_a_cherry_pick(self):
        repo = self.history()
        repo.git("checkout", "-q", "-b", "fix", "c8")
        repo.write("code", repo.git("show", "c8:code").replace("broken", "mended") + "\n")
        repo.git("commit", "-qam", "mend")
        repo.git("checkout", "-q", "main")
        done = self.search(repo, "--good", "c1", "--patch", "fix", command=TEST)
        self.assert_first_bad(repo, done, "c5")

    def test_where_it_does_not_apply_the_trial_says_so_and_goes_on_without(self):
        repo = self.history()
        other = self.path("other.diff")
        with open(other, "w") as out:
            out.write("--- a/code\n+++ b/code\n@@ -1,3 +1,3 @@\n nothing\n-like\n+it\n was\n")
        done = self.run_program("try", "--json", "--patch", other, "c3", "--", "grep", "-q", "broken", "code", cwd=repo.path)
        self.assertEqual(done.rc, 0, done)
        self.assertIn("does not apply", done.trials[0]["note"])
        self.assertIn("--patch", done.err)

    def test_it_belongs_to_what_a_remembered_verdict_is_about(self):
        repo = self.history()
        fix = self.fix(repo)
        book, count = self.journal()
        command = self.logged(book, TEST[-1])
        for args, more in ([[], True], [["--patch", fix], True], [["--patch", fix], False]):
            had = len(count()) if os.path.exists(book) else 0
            self.run_program("--json", *OUTSIDE, "--reuse", "--confirm", "off", "--good", "c1", "--skip", "c1", *args, "--", *command,
                             cwd=repo.path)
            ran = len(count()) - had
            if args:
                # The ends are always run; everything between them only the first time.
                self.assertEqual(ran > 2, more)

    def test_what_is_neither_a_diff_nor_a_commit_is_refused(self):
        repo = self.history()
        with open(self.path("no.diff"), "w") as out:
            out.write("hello\n")
        self.assert_refused(self.run_program("--good", "c1", "--patch", self.path("no.diff"), "--", *TEST, cwd=repo.path),
                            "no.diff.*no diff")
        self.assert_refused(self.run_program("--good", "c1", "--patch", "nowhere", "--", *TEST, cwd=repo.path), "nowhere")

    def test_without_a_revision_it_means_nothing(self):
        repo = self.history()
        done = self.run_program("try", "--patch", self.fix(repo), "--", "true", cwd=repo.path)
        self.assert_refused(done, "--patch needs a revision", rcs=(129, 128, 1))


if __name__ == "__main__":
    main()
