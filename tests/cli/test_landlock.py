"""The level below namespaces: Landlock. It is tried inside of a sandbox of our own, where no more can be had and nothing can be harmed."""

import json
import os
import shlex
import subprocess
import unittest

import lib
from sandbox_lib import USER, SandboxCase


def why_not():
    if not os.access(lib.PROGRAM, os.X_OK):
        return "the program is not built"
    out = subprocess.run([lib.PROGRAM, "doctor"], capture_output=True, text=True, timeout=lib.DEADLINE).stdout
    line = next((line for line in out.splitlines() if "--sandbox basic" in line), "doctor does not say")
    return None if line.split()[0] == "yes" else line.strip()


WHY_NOT = why_not()


@unittest.skipIf(WHY_NOT, WHY_NOT)
class Landlock(SandboxCase):
    """As we are."""

    def fenced(self, script, *args):
        """Runs the script at this level; its trial, with its output as "text"."""
        inner = ["try", "--json", *args, "--", "sh", "-c", script]
        text = self.inside(f"mkdir -p /tmp/w /tmp/outside && echo precious > /tmp/outside/victim && cd /tmp/w && "
                           f"{lib.PROGRAM} {shlex.join(inner)} 2>err; cat .bisect-run/logs/1/1.log > log; "
                           "python3 -c 'import json, sys; t = json.load(sys.stdin)[\"trials\"][0]; t[\"text\"] = open(\"log\").read(); "
                           "t[\"said\"] = open(\"err\").read(); t[\"victim\"] = open(\"/tmp/outside/victim\").read(); "
                           "t[\"left\"] = __import__(\"os\").listdir(\"/tmp/outside\"); print(json.dumps(t))' < out 2>&1".replace(
                               "2>err;", ">out 2>err;"))
        trial = json.loads(text)
        self.assertEqual(trial["sandbox"], "landlock", trial)
        return trial

    def test_the_level_is_recorded_and_warned_of(self):
        trial = self.fenced("exit 0")
        self.assertEqual(trial["verdict"], "good", trial)
        self.assertIn("Landlock", trial["said"])

    def test_nothing_outside_of_the_tree_can_be_changed(self):
        attempts = ["echo x > V", "echo x >> V", "rm -f V", "mv V V.moved", "ln V here", "truncate -s 0 V", "touch D/new", "mkdir D/new",
                    "ln -s / D/new", "mkfifo D/new", "rm -rf D", "touch /tmp/new", "touch ~/new", "cp V . && mv victim D/new"]
        script = "".join(f"({a.replace('V', '/tmp/outside/victim').replace('D', '/tmp/outside')}) 2>/dev/null && echo 'did: {a}'\n"
                         for a in attempts)
        trial = self.fenced(script + "true")
        self.assertEqual((trial["text"], trial["victim"], trial["left"]), ("", "precious\n", ["victim"]), trial)

    def test_the_tree_and_the_temporary_folder_can_be_written(self):
        trial = self.fenced('echo a > a && mkdir b && mv a b/c && cat b/c && mktemp >/dev/null && echo x > "$TMPDIR/y" && cat "$TMPDIR/y" && '
                            "echo z > /dev/null && head -c 1 /dev/zero | wc -c")
        self.assertEqual(trial["text"].split(), ["a", "x", "1"], trial)

    def test_secrets_cannot_be_read(self):
        for name in (".ssh/id", ".netrc", ".config/gh/hosts", ".config/readable"):
            os.makedirs(os.path.dirname(os.path.join(self.env["HOME"], name)), exist_ok=True)
            with open(os.path.join(self.env["HOME"], name), "w") as out:
                out.write("CONTENT\n")
        home = self.env["HOME"]
        # The outer sandbox hides them already: it is told to show them.
        repo = self.line(2, "c2")
        script = "cd && cat .ssh/id .netrc .config/gh/hosts; cat .config/readable"  # not by names that the command line opens
        text = self.inside(f"mkdir /tmp/w && cd /tmp/w && {lib.PROGRAM} try -- sh -c {shlex.quote(script)} >/dev/null 2>&1; cat .bisect-run/logs/1/1.log",
                           *(arg for name in (".ssh", ".netrc", ".config/gh") for arg in ("--ro-bind", os.path.join(home, name))), repo=repo)
        self.assertEqual(text.count("CONTENT"), 1, text)

    def test_processes_outside_cannot_be_signalled(self):
        trial = self.fenced("kill -9 $PPID 2>/dev/null && echo did; kill -9 -1 2>/dev/null && echo did; sleep 100 & kill $! && echo own")
        self.assertEqual(trial["text"].split(), ["own"], trial)

    def test_what_it_leaves_running_dies_with_it(self):
        marker = self.marker()
        self.fenced(f"setsid sleep {marker} >/dev/null 2>&1 & (setsid sh -c 'trap \"\" TERM HUP; sleep {marker}' &); exit 0")
        self.assert_gone(marker)

    def test_privileges_are_gone(self):
        trial = self.fenced("grep -E '^(CapEff|CapPrm|NoNewPrivs|Seccomp):' /proc/self/status; unshare -Ur true 2>/dev/null && echo made")
        self.assertEqual(trial["text"].split(), ["CapPrm:", "0" * 16, "CapEff:", "0" * 16, "NoNewPrivs:", "1", "Seccomp:", "2"], trial)

    def test_bound_paths_are_open(self):
        trial = self.fenced("echo new > /tmp/outside/made && cat /tmp/outside/made", "--bind", "/tmp/outside")
        self.assertEqual(trial["text"].split(), ["new"], trial)

    def test_no_connections_when_asked(self):
        trial = self.fenced("python3 -c 'import socket; s = socket.socket(); s.bind((\"127.0.0.1\", 0))' 2>&1 | tail -n 1", "--net", "none")
        self.assertIn("PermissionError", trial["text"])

    def test_strict_is_refused(self):
        text = self.inside(f"cd /tmp && {lib.PROGRAM} try --sandbox strict -- true 2>&1; echo $?; {lib.PROGRAM} try --sandbox basic -- true >/dev/null 2>&1; echo $?")
        self.assertEqual(text.split()[-2:], ["128", "0"], text)


@unittest.skipIf(os.geteuid() != 0, "needs root to become an ordinary user")
class LandlockOfAnOrdinaryUser(Landlock):
    uid = USER


if __name__ == "__main__":
    lib.main()
