#!/usr/bin/env python3
"""Random jumps: after each the private tree is `git archive` of the commit, git sees nothing changed, and untouched files keep their times.

BR_REPOS: git directories of any repositories, separated by colons (without: a generated one); BR_JUMPS: how many (300); BR_SEED.
"""

import io
import os
import random
import stat
import subprocess
import tarfile

from lib import OUTSIDE, Case, main, random_graph

JUMPS = int(os.environ.get("BR_JUMPS", "300"))
# git sees the commit; then, if the flag is there, what a test may do to its tree: change, remove and replace tracked files, leave
# products. One command for all, so that what it leaves stays.
COMMAND = r'''test -z "$(git status --porcelain -uno)" || exit 1; test -e FLAG || exit 0
f=$(git ls-files | shuf -n 1); case $((RANDOM % 5)) in 0) echo x >> "$f";; 1) rm -f "$f";; 2) chmod +x "$f";;
3) mkdir -p u-product; echo x > u-product/x; ln -f "$f" u-product/y 2>/dev/null && echo x >> u-product/y;; esac 2>/dev/null; true'''


def archive(git, oid):
    """{path: (mode, contents)} of the files and links of `git archive`; folders are left out."""
    out = subprocess.run(["git", "--git-dir", git, "archive", "--format=tar", oid], check=True, capture_output=True).stdout
    found = {}
    with tarfile.open(fileobj=io.BytesIO(out), errors="surrogateescape") as tar:
        for m in tar:
            if m.issym():
                found[m.name] = ("link", m.linkname)
            elif m.isfile():
                found[m.name] = ("x" if m.mode & 0o100 else "-", tar.extractfile(m).read())
    return found


class Jumps(Case):
    def files(self):
        """The same of the private tree, and each file's time."""
        found, times = {}, {}
        for top, dirs, names in os.walk(self.tree):
            if top == self.tree:
                dirs.remove(".git")
            for name in names + [d for d in dirs if os.path.islink(os.path.join(top, d))]:
                full = os.path.join(top, name)
                path, st = os.path.relpath(full, self.tree), os.lstat(full)
                times[path] = (st.st_mtime_ns, st.st_ino)
                if stat.S_ISLNK(st.st_mode):
                    found[path] = ("link", os.readlink(full))
                else:
                    with open(full, "rb") as data:
                        found[path] = ("x" if st.st_mode & 0o100 else "-", data.read())
        return found, times

    def jump(self, git, oid, spoil):
        flag = self.path("spoil")
        if spoil:
            open(flag, "w").close()
        elif os.path.exists(flag):
            os.unlink(flag)
        done = self.run_program("--state", self.state, "try", *OUTSIDE, oid, "--", "bash", "-c", COMMAND.replace("FLAG", flag), cwd=git)
        self.assertEqual(done.rc, 0, done)

    def check(self, git, jumps):
        seed = int(os.environ.get("BR_SEED", "1"))
        rng = random.Random(seed)
        self.state = self.path("state" + str(rng.random()))
        self.tree = os.path.join(self.state, "work", "0", "0", "tree")
        commits = subprocess.run(["git", "--git-dir", git, "rev-list", "--all"], check=True, capture_output=True, text=True).stdout.split()
        before, was = None, None
        for i in range(jumps):
            oid = rng.choice(commits)
            self.jump(git, oid, False)
            want = archive(git, oid)
            have, times = self.files()
            for path in [p for p in have if p.startswith("u-product/")]:
                del have[path]
            # Attributes for archives do not matter to a work tree.
            odd = {p for p in set(want) ^ set(have) | {p for p in want if p in have and want[p] != have[p]}
                   if self.is_archives_own(git, oid, p)}
            self.assertEqual(sorted(set(want) - odd), sorted(set(have) - odd), f"seed {seed}, jump {i} to {oid}")
            for path in set(want) - odd:
                self.assertEqual(want[path], have[path], f"{path}: seed {seed}, jump {i} to {oid}")
            if was is not None:
                for path in have:
                    if before.get(path) == have[path]:
                        self.assertEqual(was[path], times[path], f"{path} was written without need: jump {i} to {oid}")
            before, was = have, times
            if i % 3 == 0:
                self.jump(git, oid, True)
                before, was = None, None

    def is_archives_own(self, git, oid, path):
        env = {**os.environ, "GIT_INDEX_FILE": self.path("attr.index")}
        subprocess.run(["git", "--git-dir", git, "read-tree", oid], check=True, env=env)
        said = subprocess.run(["git", "--git-dir", git, "--work-tree", self.tree, "check-attr", "--cached", "export-ignore",
                               "export-subst", "--", path, *[path.rsplit("/", n)[0] for n in range(1, path.count("/") + 1)]],
                              check=True, capture_output=True, text=True, env=env).stdout
        return ": set" in said

    def test_every_jump_equals_git_archive(self):
        named = os.environ.get("BR_REPOS")
        for git in named.split(":") if named else []:
            with self.subTest(repo=git):
                self.check(git, JUMPS)
                print(f"{git}: {JUMPS} jumps", flush=True)
        if not named:
            rng = random.Random(int(os.environ.get("BR_SEED", "1")))
            repo = self.repo(random_graph(rng, 60))
            self.check(repo.git_dir, min(JUMPS, 100))


if __name__ == "__main__":
    main()
