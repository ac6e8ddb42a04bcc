#!/usr/bin/env python3
"""What a trial finds in its tree besides the commit: --clean, --fresh, and stale products at the culprit."""

from lib import OUTSIDE, Case, linear, main

# Each run adds a line to a file of its own: how many lie there tells what the tree has seen.
LEAVE = 'echo x >> left; echo x >> left.o; exit $(cat state)'


class Trees(Case):
    def counts(self, *args):
        """Lines of an untracked and of an ignored file that the last trial found, over a search."""
        repo = self.repo(linear(6, files={"c1": {".gitignore": "*.o\n"}}), bad=["c4"])
        book = self.path("book")
        count = f'echo "$(cat left 2>/dev/null | wc -l) $(cat left.o 2>/dev/null | wc -l)" >> {book}; '
        done = self.search(repo, *OUTSIDE, "--good", "c1", "-j", "1", "--confirm", "off", *args,
                           command=["sh", "-c", count + LEAVE])
        self.assert_first_bad(repo, done, "c4")
        with open(book) as lines:
            seen = [tuple(map(int, line.split())) for line in lines]
        self.assertGreater(len(seen), 2)
        return max(s[0] for s in seen), max(s[1] for s in seen)

    def test_untracked_files_stay_for_incremental_builds(self):
        left, ignored = self.counts()
        self.assertGreater(left, 1)
        self.assertGreater(ignored, 1)

    def test_clean_untracked_leaves_what_git_ignores(self):
        left, ignored = self.counts("--clean", "untracked")
        self.assertEqual(left, 0)
        self.assertGreater(ignored, 1)

    def test_clean_all_leaves_the_commit_alone(self):
        self.assertEqual(self.counts("--clean", "all"), (0, 0))

    def test_fresh_makes_a_new_tree_for_each_trial(self):
        self.assertEqual(self.counts("--fresh"), (0, 0))

    def test_the_commit_that_moves_a_submodule_can_be_the_culprit(self):
        inner = self.repo(linear(3, prefix="i", files={"i3": {"v": "bad\n"}}), name="inner")
        repo = self.repo(linear(2))
        repo.git("submodule", "--quiet", "add", inner.path, "sub")
        oids = []
        for name in ("i1", "i2", "i3", "i3"):
            repo.git("-C", "sub", "checkout", "-q", name)
            repo.write("n", str(len(oids)))
            repo.git("add", "-A")
            repo.git("commit", "-qm", name)
            oids.append(repo.git("rev-parse", "HEAD"))
        repo.git("submodule", "--quiet", "deinit", "-f", "sub")
        done = self.search(repo, "--good", oids[0], command=["sh", "-c", "test -e sub/name || exit 125; ! test -e sub/v"])
        self.assertEqual(done.json["commits"]["first_bad"]["oid"], oids[2], done)

    def test_a_stale_product_at_the_culprit_is_said(self):
        # What the build of c8 leaves makes c5 to c7 fail; built from nothing they pass.
        repo = self.repo(linear(8, files={"c1": {"v": "1\n"}, "c5": {"v": "2\n"}, "c8": {"v": "3\n"}}))
        done = self.run_program("--json", *OUTSIDE, "--good", "c1", "-j", "1", "--build", "grep -q 3 v && touch stale; true",
                                "--", "sh", "-c", "grep -q 1 v || ! test -e stale", cwd=repo.path)
        self.assertIn("empty tree", done.out, done)
        self.assertIn("--fresh", done.out, done)

    def test_in_a_box_a_large_tree_is_put_right_after_each_trial(self):
        # So many files are not looked at one by one: what a test wrote in its box must be reported all the same.
        files = {f"d{n % 40}/f{n}": f"{n}\n" for n in range(2100)}
        repo = self.repo(linear(9, files={"c1": files}), bad=["c6"])
        spoil = 'test -z "$(git status --porcelain -uno)" || exit 125; echo x >> d7/f7; rm -f d8/f8; chmod 755 d9/f9; ' \
                'ln d10/f10 u; echo x >> u; rm -f u; rm -rf d11; '
        for what in (spoil, spoil + "mkdir d12/new; ln d13/f13 d12/new/u; echo x >> d12/new/u; rm -r d12/new; "):
            done = self.run_program("--json", "--sandbox", "strict", "--good", "c1", "-j", "1", "--",
                                    "sh", "-c", what + "exit $(cat state)", cwd=repo.path)
            if "cannot be had here" in done.err:
                self.skipTest("no namespaces here")
            self.assert_first_bad(repo, done, "c6")
            self.assertFalse([t for t in done.trials if t["verdict"] == "skip"], done)


if __name__ == "__main__":
    main()
