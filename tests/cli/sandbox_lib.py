"""What tests of the sandbox share: a victim outside of it, and running a trial as root or as an ordinary user."""

import os
import subprocess
import tempfile
import unittest

import lib

HOST = {"HOST_NS": os.readlink("/proc/self/ns/mnt")}
# Whoever is about to destroy something looks first where it is: skip when that is not a sandbox.
GUARD = '[ "$(readlink /proc/self/ns/mnt)" != "$HOST_NS" ] || exit 125\n'
PY_GUARD = "import os, sys\nif os.readlink('/proc/self/ns/mnt') == os.environ['HOST_NS']: sys.exit(125)\n"
USER = 23456  # an ordinary one, when the tests run as root


WHY_NOT = lib.sandbox_missing()


@unittest.skipIf(WHY_NOT, WHY_NOT)
class SandboxCase(lib.Case):
    """A folder outside with something precious; trials run at the default level, as the user uid."""

    uid = None  # as whom the program runs; None: as we do

    def setUp(self):
        super().setUp()
        # Not below a folder of which a test has a private one: there it may write as it likes.
        places = [p for p in (os.path.join(lib.ROOT, "build"), "/srv", "/opt", "/var/lib")
                  if os.access(p, os.W_OK) and not p.startswith(("/tmp/", "/run/", "/var/tmp/", "/dev/shm/"))]
        if not places:
            self.skipTest("no folder outside of /tmp that could be the victim")
        self.outside = tempfile.mkdtemp(prefix="victim.", dir=places[0])
        self.addCleanup(lib.remove_tree, self.outside)
        self.victim = os.path.join(self.outside, "victim")
        with open(self.victim, "w") as out:
            out.write("precious\n")

    def hand_over(self):
        """Gives all that was made to the user as whom the program runs."""
        if self.uid is not None:
            subprocess.run(["chown", "-hR", f"{self.uid}:{self.uid}", self.tmp, self.outside], check=True)

    def hand_back(self):
        if self.uid is not None:
            subprocess.run(["chown", "-hR", f"{os.geteuid()}:{os.getegid()}", self.tmp], check=True)

    def popen(self, *args, cwd, **kw):
        self.hand_over()
        if self.uid is not None:
            kw.update(user=self.uid, group=self.uid, extra_groups=[])
        proc = subprocess.Popen([lib.PROGRAM, *args], cwd=cwd, env={**self.env, **HOST}, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, **kw)
        self._running.append(proc)
        return proc

    def run_inside(self, *args, cwd, command):
        """`try` with these options, at the default level; its trial, with what it printed as "text" and the notes."""
        proc = self.popen("try", "--json", *args, "--", *command, cwd=cwd)
        out, err = proc.communicate(timeout=lib.DEADLINE)
        done = lib.Done(proc.args, proc.returncode, out, err)
        self.assertIn(done.rc, (0, 1, 125), done)
        trial = done.trials[0]
        self.assertEqual(trial["sandbox"], "namespaces", done)
        trial["text"] = lib.read(trial["log"]) if trial.get("log") else ""
        trial["said"] = done.err
        return trial

    def inside(self, script, *args, repo=None, cwd=None, expect=0):
        repo = repo or self.line(2, "c2")
        trial = self.run_inside(*args, "HEAD", cwd=cwd or repo.path, command=["sh", "-c", GUARD + script])
        self.assertEqual((trial["exit"], trial["signal"]), (expect, None), trial["text"])
        return trial["text"]

    def python(self, script, *args):
        repo = self.line(2, "c2")
        trial = self.run_inside(*args, "HEAD", cwd=repo.path, command=["python3", "-c", PY_GUARD + script])
        self.assertEqual((trial["exit"], trial["signal"]), (0, None), trial["text"])
        return trial["text"]
