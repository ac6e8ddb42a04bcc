#!/usr/bin/env python3
"""What a trial finds in its tree besides the commit: --clean, --fresh, and stale products at the culprit."""

import json
import os
import subprocess

from lib import OUTSIDE, PROGRAM, Case, linear, main, read

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

    def test_a_tree_that_failed_to_build_is_not_built_again(self):
        # Reverts bring two trees back again and again: neither builds.
        states = {"c1": "ok", **{f"c{n}": "AB"[n % 2] for n in range(4, 12)}, "c12": "ok"}
        repo = self.repo(linear(14, files={name: {"b": text + "\n"} for name, text in states.items()}), bad=["c12"], unique=False)
        book = self.path("book")
        done = self.run_program("--json", *OUTSIDE, "--good", "c1", "-j", "1", "--exhaust", "--build",
                                f"cat b >> {book}; grep -q ok b", "--", "sh", "-c", "exit $(cat state)", cwd=repo.path)
        built = read(book).split()
        self.assertEqual((built.count("A"), built.count("B")), (1, 1), done)
        again = [t for t in done.trials if t["verdict"] == "skip" and t["cached"]]
        self.assertGreater(len(again), 1, done)


class Pool(Case):
    """What a search finds of the trees of an earlier one."""

    def pool(self, repo):
        return os.path.join(repo.git_dir, "bisect-run", "work")

    def run_again(self, repo, *args, mark="x"):
        """A search; the most that one of its trials found of what trials leave."""
        book = self.path("book")
        leave = f'echo {mark} > /dev/null; echo x >> left; echo x >> left.o; wc -l < left >> {book}; wc -l < left.o >> {book}; exit $(cat state)'
        open(book, "w").close()
        self.assert_first_bad(repo, self.search(repo, *OUTSIDE, "--good", "c1", "-j", "1", "--confirm", "off", *args,
                                                command=["sh", "-c", leave]), "c4")
        return max(map(int, read(book).split()))

    def six(self):
        return self.repo(linear(6, files={"c1": {".gitignore": "*.o\n", "same": "same\n"}}), bad=["c4"])

    def test_products_stay_for_the_same_command_and_go_for_another(self):
        repo = self.six()
        first = self.run_again(repo)
        self.assertEqual(self.run_again(repo), 2 * first)
        self.assertEqual(self.run_again(repo, mark="y"), first)
        self.assertEqual(self.run_again(repo, "--env", "A=1", mark="y"), first)
        self.assertEqual(self.run_again(repo, "--build", "true", mark="y"), first)

    def test_files_of_the_commit_are_not_written_again(self):
        repo = self.six()
        self.run_again(repo)
        same = os.path.join(self.pool(repo), "0", "0", "tree", "same")
        before = os.stat(same)
        self.run_again(repo, mark="y")
        self.assertEqual((os.stat(same).st_ino, os.stat(same).st_mtime_ns), (before.st_ino, before.st_mtime_ns))

    def test_what_git_cannot_clean_goes_with_the_tree(self):
        repo = self.six()
        first = self.run_again(repo)
        deep = os.path.join(self.pool(repo), "0", "0", "tree", "deep")
        os.mkdir(deep)
        os.mkdir(os.path.join(deep, "d"))
        os.chmod(os.path.join(deep, "d"), 0)
        os.chmod(deep, 0o555)
        self.assertEqual(self.run_again(repo, mark="y"), first)
        self.assertFalse(os.path.exists(deep))

    def test_cache_size_0_keeps_none_and_clean_removes_all(self):
        repo = self.six()
        self.run_again(repo)
        self.assertEqual(sorted(os.listdir(self.pool(repo))), ["0", "0.lock"])
        self.run_again(repo, "--cache-size", "0")
        self.assertEqual(os.listdir(self.pool(repo)), [])
        self.run_again(repo)
        tree = os.path.join(self.pool(repo), "0", "0", "tree")
        os.chmod(tree, 0o555)
        self.assertEqual(self.run_program("clean", cwd=repo.path).rc, 0)
        self.assertEqual(os.listdir(self.pool(repo)), [])

    def test_the_tree_that_lies_nearest_is_used(self):
        repo = self.repo(linear(40), bad=["c40"])
        self.run_program(*OUTSIDE, "--good", "c1", "-j", "2", "--timeout", "60s", "--max-trials", "2", "--",
                         "sh", "-c", "exit $(cat state)", cwd=repo.path)
        at = {}
        for slot in ("0", "1"):
            head = read(os.path.join(self.pool(repo), "0", slot, "tree", ".git", "HEAD")).strip()
            at[repo.name_of(head)] = slot
        self.assertEqual(set(at), {"c1", "c40"})
        for name in ("c40", "c1", "c40"):
            done = self.run_program("try", *OUTSIDE, name, "--", "sh", "-c", f"test $BISECT_RUN_WORKER = {at[name]}", cwd=repo.path)
            self.assertEqual(done.rc, 0, done)


def no_mounts():
    """Why a small file system cannot be mounted in a namespace of our own; None: it can."""
    out = subprocess.run(["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", "mount -t tmpfs -o size=1m none /mnt"],
                         capture_output=True, text=True)
    return None if out.returncode == 0 else "no mounts in a namespace here: " + out.stderr.strip()


class FullDisk(Case):
    def test_a_full_disk_is_no_verdict_and_resume_ends_with_the_right_answer(self):
        why_not = no_mounts()
        if why_not:
            self.skipTest(why_not)
        large = {"large": "0123456789abcdef" * 200000}  # 3.2 MB at the bad end alone
        repo = self.repo(linear(9, files={"c8": large}), bad=["c5"])
        mount, ours = self.path("small"), [PROGRAM, "--state", self.path("small", "state")]
        os.mkdir(mount)
        script = f"""mount -t tmpfs -o size=2m none {mount} || exit 99
            {' '.join(ours)} --json --sandbox none -j 1 --good c1 --confirm quick -- sh -c 'exit $(cat state)' > {mount}.1 2> {mount}.err
            echo $? > {mount}.rc; mount -o remount,size=50m {mount} || exit 99
            {' '.join(ours)} resume --json > {mount}.2 2>> {mount}.err"""
        subprocess.run(["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script], cwd=repo.path, env=self.env, check=True)
        self.assertEqual(read(mount + ".rc").strip(), "1", read(mount + ".err"))
        self.assertIn("No space left on device", read(mount + ".err"))
        self.assertEqual(json.loads(read(mount + ".1"))["status"], "error")
        result = json.loads(read(mount + ".2"))
        self.assertEqual(repo.name_of(result["commits"]["first_bad"]["oid"]), "c5")
        self.assertFalse([t for t in result["trials"] if t["verdict"] == "skip"])


if __name__ == "__main__":
    main()
