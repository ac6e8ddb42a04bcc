#!/usr/bin/env python3
"""
Thousands of trials in a row leave nothing behind: no process, descriptor, mount, control group, IPC object or file, and no byte of
memory in the workers. BR_TRIALS says how many (5,000; about a minute and a half on two slow cores).
"""

import contextlib
import os
import threading
import time
import unittest

import lib
from abuse_lib import as_ordinary_user, host_state
from sandbox_lib import SandboxCase

TRIALS = int(os.environ.get("BR_TRIALS", "5000"))
# The program itself keeps every trial in memory until the search ends, some hundred bytes each: that is no leak, but it has a bound.
TRIAL_B = 3000
NOISE_B = 512 << 10  # the allocator's and SQLite's own


class Watch(threading.Thread):
    """Looks at the program and its workers while they run: descriptors and memory by process."""

    def __init__(self, proc):
        super().__init__(daemon=True)
        self.proc, self.seen = proc, []

    def children(self):
        with contextlib.suppress(OSError):
            return [int(p) for p in lib.read(f"/proc/{self.proc.pid}/task/{self.proc.pid}/children").split()]
        return []

    @staticmethod
    def look(pid):
        """(descriptors, resident bytes), and the process's name."""
        status = dict(line.split(":", 1) for line in lib.read(f"/proc/{pid}/status").splitlines())
        return status["Name"].strip(), len(os.listdir(f"/proc/{pid}/fd")), int(status["RssAnon"].split()[0]) * 1024

    def run(self):
        while self.proc.poll() is None:
            for pid in [self.proc.pid] + self.children():
                with contextlib.suppress(OSError, KeyError):
                    self.seen.append((pid, *self.look(pid)))
            time.sleep(0.2)

    def of(self, pid):
        return [(n, rss) for p, _, n, rss in self.seen if p == pid]


class Leak(SandboxCase):
    """A search whose candidates all cannot be tested: it goes on until all were tried. Each leaves as much lying around as it can."""

    # A process, files at all places that can be written to, a semaphore's worth of IPC, and descriptors that nobody closes.
    LEAVE = ("exec 5>/tmp/left 6>/dev/shm/left 7>$HOME/left; (setsid sleep {} >/dev/null 2>&1 &); mkfifo /tmp/pipe; "
             "case @@ in 0) exit 0;; {}) exit 1;; *) exit 125;; esac")

    def here(self, uid):
        """What of the machine could be left behind."""
        return {"state": host_state(), "groups": self.groups(), "ipc": [self.ipc(kind, uid) for kind in ("shm", "msg", "sem")],
                "shm": sorted(os.listdir("/dev/shm")), "tmp": sorted(os.listdir(self.env["TMPDIR"])),
                "left": [p for p in ("/tmp/left", "/tmp/pipe", "/dev/shm/left") if os.path.exists(p)]}

    def groups(self):
        return [name for folder, names, _ in os.walk("/sys/fs/cgroup") for name in names
                if name.startswith("bisect-run.") and not os.path.exists(f"/proc/{name.split('.')[1]}")]

    def ipc(self, kind, uid):
        """Of an ordinary user of the tests': nobody else makes some."""
        lines = lib.read(f"/proc/sysvipc/{kind}").splitlines()[1:] if uid else []
        return [line for line in lines if str(uid) in line.split()]

    def assert_flat(self, seen, bound, what):
        """After a fifth of the time nothing grows: the least of the last fifth is not above the most of the second one."""
        part = len(seen) // 5
        self.assertGreater(part, 2, f"too few looks at {what}")
        early, late = seen[part:2 * part], seen[-part:]
        self.assertLessEqual(min(n for n, _ in late), max(n for n, _ in early), f"descriptors of {what}")
        growth = min(rss for _, rss in late) - max(rss for _, rss in early)
        print(f"{what}: descriptors {max(n for n, _ in late)}, anonymous memory {early[0][1] >> 10} KiB, "
              f"then {late[-1][1] >> 10} KiB", flush=True)
        self.assertLessEqual(growth, bound, f"memory of {what}")

    def test_nothing_is_left_of_thousands_of_trials_in_one_search(self):
        folder, marker = self.path("folder"), self.marker()
        os.makedirs(folder)
        before = self.here(self.uid)
        proc = self.popen("--range", f"0..{TRIALS - 1}", "--exhaust", "--confirm", "off", "-q", "-j", "2", "--", "sh", "-c",
                          self.LEAVE.format(marker, TRIALS - 1), cwd=folder)
        watch = Watch(proc)
        watch.start()
        out, err = proc.communicate(timeout=lib.DEADLINE + TRIALS)
        watch.join()
        self.assertEqual(proc.returncode, 2, err.decode())
        self.assertEqual(lib.traces_of(marker), [])
        self.assertEqual(self.here(self.uid), before)
        names = sorted(os.listdir(os.path.join(folder, ".bisect-run", "work"))) if os.path.isdir(
            os.path.join(folder, ".bisect-run", "work")) else []
        print("work:", names, flush=True)
        self.assert_flat(watch.of(proc.pid), NOISE_B + TRIALS * TRIAL_B, "the program")
        workers = {pid: name for pid, name, _, _ in watch.seen if name in ("bisect-run:0", "bisect-run:1")}
        self.assertEqual(sorted(workers.values()), ["bisect-run:0", "bisect-run:1"], f"workers are not replaced: {workers}")
        for pid in workers:
            self.assert_flat(watch.of(pid), NOISE_B, "a worker")

    def test_nothing_but_records_is_left_of_many_searches(self):
        repo, marker = self.line(50, "c31"), self.marker()
        before, first = self.here(self.uid), None
        for _ in range(max(3, TRIALS // 250)):
            proc = self.popen("--good", "c1", "--confirm", "quick", "-j", "2", "-q", "--", "sh", "-c",
                              f"(setsid sleep {marker} >/dev/null 2>&1 &); mkfifo p; echo x > untracked; exit $(cat state)", cwd=repo.path)
            err = proc.communicate(timeout=lib.DEADLINE)[1]
            self.assertEqual(proc.returncode, 0, err.decode())
            state = os.path.join(repo.git_dir, "bisect-run")
            left = sorted(os.path.relpath(os.path.join(f, n), state) for f, d, names in os.walk(state) for n in names
                          if not os.path.relpath(f, state).startswith(("logs", "locks")))
            first = first or left
        self.assertEqual(left, first, "work trees are used again")
        self.assertEqual(self.here(self.uid), before)
        self.assertEqual(lib.traces_of(marker), [])


LeakOfAnOrdinaryUser = as_ordinary_user(Leak, __name__)

if __name__ == "__main__":
    lib.main()
