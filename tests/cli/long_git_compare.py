#!/usr/bin/env python3
"""Random histories against `git bisect run`: the same culprit, and on average no more tests."""

import os
import random
import re
import shlex
import subprocess

from lib import OUTSIDE, STATE, Case, ancestors, main, random_graph

GRAPHS = int(os.environ.get("BR_GRAPHS", "30"))


class AgainstGit(Case):
    """Both are asked the same question about the same repository."""

    def by_git(self, repo, good, bad, command):
        """The first bad commit that git names, and how many tests it ran."""
        book, runs = self.journal(f"git-{len(os.listdir(self.tmp))}")
        repo.git("bisect", "start", bad, good)
        counted = ["sh", "-c", f'echo >> {shlex.quote(book)}; exec "$@"', "-", *command]
        done = subprocess.run(["git", "bisect", "run", *counted], cwd=repo.path, env=self.env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True)
        repo.git("bisect", "reset")
        return re.search(rb"(?m)^([0-9a-f]{40}) is the first bad commit", done.stdout)[1].decode(), len(runs())

    def test_random_histories_have_the_same_culprit_with_no_more_tests_on_average(self):
        seed = int(os.environ.get("BR_SEED", "1"))
        print(f"seed {seed}, {GRAPHS} graphs")
        rng, git_tests, our_tests = random.Random(seed), 0, 0
        for number in range(GRAPHS):
            graph = random_graph(rng, rng.randrange(5, 151), rng.choice((0.0, 0.15, 0.3, 0.5)))
            root, tip = graph[0][0], graph[-1][0]
            culprit = rng.choice([n for n, _, _ in graph if n != root and n in ancestors(graph, tip)])
            repo = self.repo(graph, name=f"graph{number}", bad=[culprit])
            oid, tests = self.by_git(repo, root, tip, STATE)
            self.assertEqual(repo.name_of(oid), culprit)
            done = self.search(repo, *OUTSIDE, "-j", "1", "--confirm", "quick", f"{root}..{tip}")
            with self.subTest(f"graph {number}"):
                self.assert_first_bad(repo, done, culprit)
            git_tests, our_tests = git_tests + tests, our_tests + len(done.phase("search"))
        print(f"tests on average: git {git_tests / GRAPHS:.2f}, here {our_tests / GRAPHS:.2f}")
        # Where two candidates halve the rest equally well, luck decides which of both searches needs a test more.
        self.assertLessEqual(our_tests, 1.03 * git_tests)


if __name__ == "__main__":
    main()
