#!/usr/bin/env python3
"""--reduce and --subset, interrupted and killed at random moments: the best tested candidate is on disk, and `resume` goes on from it."""

import hashlib
import json
import os
import random
import signal
import time

from lib import OUTSIDE, Case, main, read, remove_tree

# Notes what it was given and how it ends, then fails when all words are in the file.
TEST = ('verdict=bad; for w in {words}; do grep -q -- "$w" "$1" || verdict=good; done; '
        'echo "$(sha1sum < "$1" | cut -c1-40) $(wc -c < "$1") $verdict" >> "$HOME/../journal"; '
        'test $verdict = good')


class Disturbed(Case):
    ROUNDS = int(os.environ.get("BR_ROUNDS", "50"))
    SIGNALS = (signal.SIGINT, signal.SIGKILL)

    def setUp(self):
        super().setUp()
        self.book, self.lines = self.journal()

    def runs(self):
        return [tuple(line.split()) for line in self.lines()]

    def prepare(self, form, content, words, *args):
        """The arguments of the search, which runs in `folder`; the same input in `plain` for one that nobody disturbs."""
        for name in ("folder", "plain"):
            os.makedirs(self.path(name))
            with open(self.path(name, "in"), "w") as out:
                out.write(content)
        self.kind = "reduced" if form == "--reduce" else "subset"
        self.whole = hashlib.sha1(content.encode()).hexdigest()
        return [form, "in", *args, *OUTSIDE, "--json", "--confirm", "quick", "--", "sh", "-c", TEST.format(words=words), "-", "@@"]

    def undisturbed(self, args):
        done = self.run_program(*args, cwd=self.path("plain"))
        self.assertEqual(done.rc, 0, done)
        os.unlink(self.book)
        return done

    def disturb(self, proc, rng, number):
        """Ends the program at a moment given by what it has done and a bit of time; False: it was done before."""
        want, extra = len(self.lines()) + rng.randrange(0, 4), rng.random() * 0.03
        self.until(lambda: len(self.lines()) >= want or proc.poll() is not None, "a test more")
        until = time.monotonic() + extra
        while time.monotonic() < until and proc.poll() is None:
            pass
        if proc.poll() is not None:
            return False
        if number == signal.SIGINT:
            os.killpg(proc.pid, number)
        else:
            proc.kill()
        proc.wait()
        return True

    def check_disk(self, serial):
        path = self.path("folder", ".bisect-run/logs/1", self.kind, "in")
        runs = self.runs()
        bad = {digest for digest, _, verdict in runs if verdict == "bad"}
        # What ran before the last one was recorded, and written, before the last one began.
        sizes = [int(size) for digest, size, verdict in runs[:-1] if verdict == "bad" and digest != self.whole]
        if not os.path.exists(path):
            self.assertEqual(sizes, [], "the best tested candidate is on disk")
            return
        data = read(path, "rb")
        self.assertIn(hashlib.sha1(data).hexdigest(), bad, "what is on disk was seen to fail")
        if serial and sizes:
            self.assertLessEqual(len(data), min(sizes), "it is the best")

    def finish(self, plain, kills, serial):
        done = self.run_program("resume", "--json", cwd=self.path("folder"))
        self.assertEqual(done.rc, 0, done)
        part = {"reduced": "reduce", "subset": "subset"}[self.kind]
        self.assertEqual(read(done.json[part]["result"]), read(plain.json[part]["result"]), "the same answer")
        items = [t["item"] for t in done.phase("reduce")]
        self.assertEqual(len(items), len(set(items)), "no recorded test is repeated")
        if serial:
            self.assertEqual(items, [t["item"] for t in plain.phase("reduce")], "the same tests in the same order")
            recorded = len([t for t in done.trials if not t["cached"]])
            self.assertLessEqual(len(self.runs()) - recorded, kills, "each end loses the test that was running, no more")

    def survives(self, jobs, form, content, words, *args):
        args = self.prepare(form, content, words, "-j", str(jobs), *args)
        seed = int(os.environ.get("BR_SEED", "1"))
        print(f"seed {seed}")
        rng, plain, kills, ends = random.Random(seed), self.undisturbed(args), 0, 0
        while ends < self.ROUNDS:
            began = os.path.exists(self.path("folder", ".bisect-run"))
            proc = self.start(*(["resume", "--json"] if began else args), cwd=self.path("folder"))
            stopped = self.disturb(proc, rng, self.SIGNALS[ends % 2])
            if stopped or "no search" not in read(self.path("started.err")):
                ends += 1
            if stopped and os.path.exists(self.path("folder", ".bisect-run/logs/1")):
                kills += 1
                self.check_disk(jobs == 1)
                continue
            if os.path.exists(self.path("folder", ".bisect-run/logs/1")):
                self.finish(plain, kills, jobs == 1)
            self.start_anew()
            kills = 0
        if os.path.exists(self.path("folder", ".bisect-run/logs/1")):
            self.finish(plain, kills, jobs == 1)

    def start_anew(self):
        if os.path.exists(self.path("folder", ".bisect-run")):
            remove_tree(self.path("folder", ".bisect-run"))
        if os.path.exists(self.book):
            os.unlink(self.book)

    def nested(self):
        data = {"list": [{"x": i, "y": [1, 2, {"z": "w" * (i % 7)}]} for i in range(60)], "deep": {"k": {"bug": 7}}}
        return json.dumps(data, indent=1)

    def test_reduce_leaves_its_best_and_goes_on(self):
        self.survives(1, "--reduce", self.nested(), "'\"bug\": 7' '\"list\"' '\"z\": \"www\"'")

    def test_reduce_with_three_jobs_leaves_its_best_and_goes_on(self):
        self.survives(3, "--reduce", self.nested(), "'\"bug\": 7' '\"list\"' '\"z\": \"www\"'")

    def test_subset_leaves_its_best_and_goes_on(self):
        self.survives(1, "--subset", "".join(f"<t{i}>\n" for i in range(400)), "'<t3>' '<t77>' '<t78>' '<t211>' '<t390>'")

    def test_subset_with_three_jobs_leaves_its_best_and_goes_on(self):
        self.survives(3, "--subset", "".join(f"<t{i}>\n" for i in range(400)), "'<t3>' '<t77>' '<t78>' '<t211>' '<t390>'")


if __name__ == "__main__":
    main()
