"""What abusive tests share: a victim and sentinels that are compared before and after, and trials that must end with a verdict."""

import hashlib
import os
import resource
import stat
import subprocess
import unittest

import lib
from sandbox_lib import GUARD, HOST, PY_GUARD, USER, SandboxCase

PY = PY_GUARD + r"""
import ctypes, errno, signal, socket, stat, struct, time
libc = ctypes.CDLL(None, use_errno=True)
def attempt(name, function, *args, **kw):
    try:
        value = function(*args, **kw)
    except (OSError, ValueError):
        return None
    print('did:', name, value, flush=True)
    return value
def poke(path, data):
    fd = os.open(path, os.O_WRONLY)
    try:
        return os.write(fd, data)
    finally:
        os.close(fd)
def call(name, number, *args):
    ctypes.set_errno(0)
    if libc.syscall(ctypes.c_long(number), *[a if isinstance(a, bytes) else ctypes.c_long(a) for a in args]) != -1:
        print('did:', name, flush=True)
    return ctypes.get_errno()
"""
SECRET = "precious-word-of-the-sentinel"


def fingerprint(top):
    """All below top: type, mode, owner, size, time, names, extended attributes and contents."""
    seen = {}
    for folder, folders, files in os.walk(top):
        for path in [folder] + [os.path.join(folder, name) for name in folders + files]:
            info = os.lstat(path)
            content = os.readlink(path) if stat.S_ISLNK(info.st_mode) else ""
            if stat.S_ISREG(info.st_mode):
                content = hashlib.sha256(lib.read(path, "rb")).hexdigest()
            seen[path] = (info.st_mode, info.st_uid, info.st_gid, info.st_size, info.st_mtime_ns,
                          info.st_nlink, content, tuple(os.listxattr(path, follow_symlinks=False)))
    return seen


def host_state():
    """What belongs to the machine and not to a test."""
    null = os.stat("/dev/null")
    return {"mounts": lib.read("/proc/self/mountinfo"), "name": os.uname().nodename,
            "null": (null.st_mode, null.st_uid, null.st_rdev), "core": lib.read("/proc/sys/kernel/core_pattern"),
            "nice": os.getpriority(os.PRIO_PROCESS, 0), "limits": resource.getrlimit(resource.RLIMIT_NOFILE)}


class AbuseCase(SandboxCase):
    """Nothing abusive is run before a harmless trial has shown that it would run in namespaces."""

    def setUp(self):
        super().setUp()
        self.r = self.repo(lib.linear(2, files={"c1": {"dir/file": "one\n", "dir/deep/er": "x\n"}}), bad=["c2"])
        self.folder = os.path.join(self.outside, "folder")
        os.makedirs(os.path.join(self.folder, "empty"))
        for name in ("file", "name", "check.sh", "state"):
            with open(os.path.join(self.folder, name), "w") as out:
                out.write("precious\n")
        os.symlink("file", os.path.join(self.folder, "link"))
        self.sentinel = subprocess.Popen(["sleep", self.marker()], env={"WORD": SECRET},
                                         **({"user": self.uid} if self.uid is not None else {}))
        self.addCleanup(self.sentinel.wait)
        self.addCleanup(self.sentinel.kill)
        self.hand_over()
        self.must_be_boxed()
        self.before = self.before_now()

    def before_now(self):
        return fingerprint(self.outside), host_state()

    def must_be_boxed(self):
        proc = self.popen("try", "--json", "HEAD", "--", "readlink", "/proc/self/ns/mnt", cwd=self.r.path)
        out, err = proc.communicate(timeout=lib.DEADLINE)
        trial = lib.Done(proc.args, proc.returncode, out, err).trials[0]
        if trial["sandbox"] != "namespaces" or lib.read(trial["log"]).strip() in ("", HOST["HOST_NS"]):
            self.skipTest("a test would not run in namespaces")

    def tearDown(self):
        if not hasattr(self, "before"):
            return
        files, host = self.before
        self.assertIsNone(self.sentinel.poll(), "the sentinel lives")
        self.assertEqual(lib.process_state(self.sentinel.pid), "S")
        self.assertEqual(fingerprint(self.outside), files)
        self.assertEqual(host_state(), host)

    def trial(self, command, *args, verdict=None, rev="HEAD"):
        """A trial of the abusive command; it has a verdict, and this one if it is given."""
        trial = self.run_inside(*args, rev, cwd=self.r.path, command=command)
        self.assertIn(trial["verdict"], ("good", "bad", "skip"))
        self.assertNotIn("did:", trial["text"], trial["text"])
        if verdict:
            self.assertEqual(trial["verdict"], verdict, f"{trial['why']}\n{trial['text'][-2000:]}")
        return trial

    def shell(self, script, *args, verdict="good"):
        return self.trial(["sh", "-c", GUARD + script], *args, verdict=verdict)

    def py(self, script, *args, verdict="good"):
        return self.trial(["python3", "-S", "-E", "-c", PY + script], *args, verdict=verdict)

    def assert_next_is_clean(self, *args):
        """The next trial, of another commit, in the tree that was left: all of that commit's files are there and as they were."""
        trial = self.trial(["sh", "-c", "git status --porcelain -uno && cat state name dir/file dir/deep/er"], *args, rev="c1")
        self.assertEqual(trial["text"].split(), ["0", "c1", "one", "x"], trial["why"])
        self.assertEqual(trial["verdict"], "good")


def as_ordinary_user(case, module):
    made = type(case.__name__ + "OfAnOrdinaryUser", (case,),
                {"uid": USER, "__doc__": "The same, run by root as somebody else.", "__module__": module})
    return unittest.skipIf(os.geteuid() != 0, "needs root to become an ordinary user")(made)
