"""Limits on memory, processes and disk: told apart from a crash, bad when the user set them, and the machine does not notice."""

import os
import subprocess
import unittest

import lib
from sandbox_lib import PY_GUARD, USER, SandboxCase


class Limits(SandboxCase):
    """As we are; as root by a control group where there is one."""

    def over(self, script, *args, kind, verdict="bad"):
        """A trial that runs over a limit: its kind; returns the trial."""
        repo = self.line(2, "c2")
        trial = self.run_inside(*args, "HEAD", cwd=repo.path, command=["python3", "-c", PY_GUARD + script])
        self.assertEqual((trial["verdict"], trial["failure"]["kind"]), (verdict, kind), trial)
        self.hand_back()
        return trial

    def test_one_process_that_takes_too_much_memory(self):
        self.over("x = b'x' * (400 * 1024 * 1024)\nimport time; time.sleep(5)", "--memory", "100M", kind="memory")

    def test_many_processes_that_take_too_much_together(self):
        self.over("""
import time
for i in range(8):
    if not os.fork():
        x = b'x' * (40 * 1024 * 1024)
        time.sleep(20)
        os._exit(0)
time.sleep(20)
""", "--memory", "150M", kind="memory")

    def test_enough_memory_is_no_failure(self):
        self.python("x = b'x' * (50 * 1024 * 1024)", "--memory", "200M")

    def test_too_many_processes(self):
        self.over("""
import time
for i in range(60):
    if not os.fork():
        time.sleep(20)
        os._exit(0)
time.sleep(20)
""", "--pids", "50", kind="pids")

    def test_threads_count_as_processes(self):
        self.over("""
import threading, time
for i in range(60):
    threading.Thread(target=time.sleep, args=(20,), daemon=True).start()
time.sleep(20)
""", "--pids", "50", kind="pids")

    def test_enough_processes_are_no_failure(self):
        self.python("""
pids = [os.fork() or os._exit(0) for _ in range(30)]
for pid in pids:
    os.waitpid(pid, 0)
""", "--pids", "100")

    def test_too_much_in_temporary_folders(self):
        self.over("""
for i in range(20):
    open(f'/tmp/{i}', 'wb').write(b'x' * (1 << 20))
""", "--disk", "10M", kind="disk")

    def test_too_much_in_home(self):
        self.over("""
for i in range(20):
    open(os.path.expanduser(f'~/{i}'), 'wb').write(b'x' * (1 << 20))
""", "--disk", "10M", kind="disk")

    def test_too_much_in_one_file_of_the_tree(self):
        self.over("""
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
with open('large', 'wb') as out:
    for i in range(20):
        out.write(b'x' * (1 << 20))
""", "--disk", "10M", kind="disk")

    def test_too_much_in_many_files_of_the_tree(self):
        self.over("""
import time
for i in range(400):
    with open(f'{i}', 'wb') as out:
        out.write(os.urandom(1 << 20))
        os.fsync(out.fileno())
    time.sleep(0.01)
time.sleep(5)
""", "--disk", "30M", kind="disk")

    def test_enough_disk_is_no_failure(self):
        self.python("open('/tmp/x', 'wb').write(b'x' * (1 << 20)); open('y', 'wb').write(b'x' * (1 << 20))", "--disk", "10M")

    def test_a_build_over_a_limit_is_a_skip(self):
        repo = self.line(2, "c2")
        trial = self.run_inside("--memory", "100M", "--build", "python3 -c 'x = b\"x\" * 400000000; import time; time.sleep(5)'", "HEAD",
                                cwd=repo.path, command=["true"])
        self.assertEqual((trial["verdict"], trial["failure"]["kind"]), ("skip", "build"), trial)

    def test_a_fork_bomb_ends(self):
        repo = self.line(2, "c2")
        trial = self.run_inside("--timeout", "20s", "--pids", "300", "HEAD", cwd=repo.path, command=["python3", "-c", PY_GUARD + """
while True:
    try:
        os.fork()
    except OSError:
        os._exit(1)
"""])
        if self.uid is None and self.by_group():
            self.assertEqual((trial["verdict"], trial["failure"]["kind"]), ("bad", "pids"), trial)
        else:  # it is held by a limit that does not say so, and may die of that before somebody counts
            self.assertIn(trial["failure"]["kind"], ("pids", "exit", "timeout"), trial)

    def by_group(self):
        out = subprocess.run([lib.PROGRAM, "doctor"], capture_output=True, text=True, timeout=lib.DEADLINE).stdout
        return any(line.split()[0] == "yes" for line in out.splitlines() if "control group" in line)

    def test_a_limit_belongs_to_the_key_of_a_verdict(self):
        repo = self.line(6, "c4")
        for args, cached in ((["--memory", "200M"], False), (["--memory", "300M", "--reuse"], False), (["--memory", "300M", "--reuse"], True)):
            proc = self.popen("--json", "--confirm", "off", "--good", "c1", *args, "--", *lib.STATE, cwd=repo.path)
            out, err = proc.communicate(timeout=lib.DEADLINE)
            done = lib.Done(proc.args, proc.returncode, out, err)
            self.assertEqual(done.rc, 0, done)
            self.assertEqual(any(t.get("cached") for t in done.trials), cached, done)
            self.hand_back()

    def test_no_control_group_is_left(self):
        self.python("pass")
        left = [os.path.join(folder, name) for folder, names, _ in os.walk("/sys/fs/cgroup") for name in names
                if name.startswith("bisect-run.") and not os.path.exists(f"/proc/{name.split('.')[1]}")]
        self.assertEqual(left, [])


@unittest.skipIf(os.geteuid() != 0, "needs root to become an ordinary user")
class LimitsOfAnOrdinaryUser(Limits):
    """Without a control group: counted."""

    uid = USER


if __name__ == "__main__":
    lib.main()
