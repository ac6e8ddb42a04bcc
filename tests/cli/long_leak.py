"""Many trials in a row: nothing is left by them, and nothing grows. BR_LEAK_TRIALS: how many (default: 2000; the promise is for 10000)."""

import contextlib
import os
import threading
import unittest

import lib
from sandbox_lib import USER, SandboxCase

TRIALS = int(os.environ.get("BR_LEAK_TRIALS", "2000"))
LOOKS = 10
SPREAD = 200  # from the first look to the last: what is allowed to grow is filled by then


def descendants(pid):
    found, todo = [], [pid]
    while todo:
        here = todo.pop()
        try:
            children = [int(c) for task in os.listdir(f"/proc/{here}/task") for c in lib.read(f"/proc/{here}/task/{task}/children").split()]
        except OSError:
            children = []
        found += children
        todo += children
    return found


def resident_kib(pid):
    for line in lib.read(f"/proc/{pid}/smaps_rollup").splitlines():
        if line.startswith("Pss_Anon:"):
            return int(line.split()[1])
    return 0


def host():
    """What trials could leave on the machine."""
    groups = [os.path.join(folder, name) for folder, names, _ in os.walk("/sys/fs/cgroup") for name in names if name.startswith("bisect-run.")
              and not os.path.exists(f"/proc/{name.split('.')[1]}")]
    ipc = [len(lib.read(f"/proc/sysvipc/{kind}").splitlines()) for kind in ("shm", "msg", "sem") if os.path.exists(f"/proc/sysvipc/{kind}")]
    return {"mounts": len(lib.read("/proc/self/mountinfo").splitlines()), "groups": groups, "ipc": ipc,
            "files": [n for n in os.listdir("/dev/shm") + os.listdir("/run") if "bisect" in n]}


class Leak(SandboxCase):
    """As we are."""

    def look(self, pid):
        """Descriptors and memory of the program and its workers, which never end between trials."""
        family = [pid] + [p for p in descendants(pid) if lib.read(f"/proc/{p}/comm").startswith("bisect-run:") and
                          "init" not in lib.read(f"/proc/{p}/comm")]
        return len(family), sum(len(os.listdir(f"/proc/{p}/fd")) for p in family), sum(resident_kib(p) for p in family)

    def test_nothing_is_left_and_nothing_grows(self):
        before = host()
        # A list of which every item is asked for: each one between the ends is skipped.
        items = self.path("items")
        with open(items, "w") as out:
            out.writelines(f"{i}\n" for i in range(TRIALS))
        script = f"mkdir -p /tmp/a && echo x > /tmp/a/b; setsid sleep 5 & [ $1 -ne 0 ] || exit 0; [ $1 -ne {TRIALS - 1} ] || exit 1; exit 125"
        proc = self.popen("--list", items, "--exhaust", "--json", "-q", "-j", "1", "--", "sh", "-c", script, "sh", "@@", cwd=self.path())
        output, seen = [], []
        reader = threading.Thread(target=lambda: output.extend(proc.communicate()))
        reader.start()
        record = self.path(".bisect-run", "logs", "1")
        while reader.is_alive():
            done = len(os.listdir(record)) if os.path.isdir(record) else 0
            if done >= SPREAD:
                with contextlib.suppress(OSError):
                    seen.append(self.look(proc.pid))
            reader.join(0.1)
        reader.join()
        out, said = output
        self.hand_back()
        result = lib.Done(proc.args, proc.returncode, out, said)
        self.assertEqual(result.rc, 2, result.err[-2000:])
        self.assertGreaterEqual(result.json["trials_run"], TRIALS)
        # A look may fall into a trial, which has a process and descriptors more: the least of some looks falls between two.
        self.assertGreater(len(seen), 2 * LOOKS)
        first, last = ([min(values) for values in zip(*part)] for part in (seen[:LOOKS], seen[-LOOKS:]))
        self.assertLessEqual(last[0], first[0], "workers")
        self.assertLessEqual(last[1], first[1], "descriptors")
        self.assertLess(last[2] - first[2], 2048 + TRIALS * 4, "KiB of memory; the list of trials itself may grow")
        self.assertEqual(host(), before)


@unittest.skipIf(os.geteuid() != 0, "needs root to become an ordinary user")
class LeakOfAnOrdinaryUser(Leak):
    uid = USER


if __name__ == "__main__":
    lib.main()
