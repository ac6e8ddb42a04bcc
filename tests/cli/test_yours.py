#!/usr/bin/env python3
"""An end that does not behave in a clean tree: what of the user's own work tree would make it."""

import os

from lib import OUTSIDE, Case, linear, main, read, snapshot


class Yours(Case):
    def setUp(self):
        super().setUp()
        self.tree = self.repo(linear(9, files={"c1": {".gitignore": "*.o\n.config\nout/\n", "sub/f": "f\n"}}), bad=["c5"])

    def message(self, *args, command, cwd=None):
        done = self.run_program("--json", *OUTSIDE, "--good", "c1", *args, "--", "sh", "-c", command, cwd=cwd or self.tree.path)
        self.assertEqual((done.rc, done.json["status"]), (3, "not-reproduced"), done)
        return done.json["message"]

    def untracked(self):
        for i in range(5):
            self.tree.write(f"u{i}", "u\n")
        self.tree.write("some.o", "o\n")

    def test_the_ignored_file_that_makes_the_difference_is_named(self):
        self.untracked()
        self.tree.write(".config", "CONFIG\n")
        said = self.message(command="grep -q CONFIG .conf* && exit $(cat state)")
        self.assertIn("fails in a clean tree and passes in a copy of yours: it reads ignored .config; add --with .config", said)
        done = self.search(self.tree, *OUTSIDE, "--good", "c1", "--with", ".config",
                           command=["sh", "-c", "grep -q CONFIG .conf* && exit $(cat state)"])
        self.assert_first_bad(self.tree, done, "c5")

    def test_all_that_are_needed_are_named_and_no_other(self):
        self.untracked()
        said = self.message(command="set -- u[1] u[3] some.[o]; test -f $1 && test -f $2 && test -f $3 && exit $(cat state)")
        for named in ("untracked u1", "untracked u3", "ignored some.o"):
            self.assertIn(named, said)
        for other in ("u0", "u2", "u4"):
            self.assertNotIn(other, said)

    def test_a_folder_is_named_whole_and_where_the_user_stands(self):
        self.tree.write("data/deep/x", "x\n")
        said = self.message(command="test -f ../dat[a]/deep/x && exit $(cat ../state)", cwd=self.tree.file("sub"))
        self.assertIn("untracked data; add --with " + self.tree.file("data"), said)

    def test_a_build_that_needs_an_untracked_file_is_explained_too(self):
        self.tree.write(".config", "CONFIG\n")
        said = self.message("--build", "grep -q CONFIG .conf*", command="exit $(cat state)")
        self.assertIn("in a copy of yours: it reads ignored .config", said)

    def test_uncommitted_changes_at_the_bad_end_are_named(self):
        self.tree.write("sub/f", "changed\n")
        said = self.message(command="! grep -q changed sub/*")
        self.assertIn("passes in a clean tree and fails in a copy of yours: it reads your changes of sub/f; add --with sub/f", said)

    def test_nothing_is_said_where_it_makes_no_difference(self):
        self.untracked()
        self.assertNotIn("copy of yours", self.message(command="exit 1"))

    def test_the_users_own_tree_is_only_read(self):
        self.tree.write(".config", "CONFIG\n")
        self.tree.write("out/where", f"root={self.tree.path}\n")  # a build folder that leads to where it was made
        os.symlink(self.tree.file(".config"), self.tree.file("link"))
        before = snapshot(self.tree)
        book = self.path("book")
        said = self.message(command=f"ls -A >> {book}; echo x >> .config; echo x >> sub/f; grep -q CONFIG .conf* && exit $(cat state)")
        self.assertIn(".config", said)
        self.assertEqual(snapshot(self.tree), before)
        self.assertNotIn("\nout\n", read(book))
        self.assertNotIn("\nlink\n", read(book))

    def test_a_later_search_does_not_find_what_was_copied(self):
        self.tree.write(".config", "CONFIG\n")
        command = "echo product > left.o; grep -q CONFIG .conf* && exit $(cat state)"
        self.assertIn("copy of yours", self.message(command=command))
        os.unlink(self.tree.file(".config"))
        self.assertNotIn("copy of yours", self.message(command=command))


if __name__ == "__main__":
    main()
