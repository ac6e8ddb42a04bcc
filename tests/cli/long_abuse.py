"""What a hostile or broken test may try, at the namespace level, as root and as an ordinary user: nothing gets out, and each trial has a verdict."""

import hashlib
import os
import socket
import subprocess
import time
import unittest

import lib
from sandbox_lib import GUARD, PY_GUARD, USER, SandboxCase

# name: (words before the script, script, verdicts that are right, options). V: a precious file outside, D: its folder, P: a process outside, H: HOME,
# PORT, SOCK, ABS: a server outside by port, by path, by abstract name. A script that prints "OUT" says that it got out.
SH, PY = "sh", "python3"
ANY = ("good", "bad", "skip")
CASES = {
    "write": (SH, "(echo x > V) && echo OUT", ANY, []),
    "append": (SH, "(echo x >> V) && echo OUT", ANY, []),
    "truncate": (SH, "truncate -s 0 V && echo OUT", ANY, []),
    "rename": (SH, "mv V V.moved && echo OUT", ANY, []),
    "link": (SH, "ln V V.link && echo OUT; ln V here && echo x >> here && echo OUT", ANY, []),
    "symlink": (SH, "ln -s V here && (echo x > here) && echo OUT", ANY, []),
    "chmod": (SH, "chmod 777 V && echo OUT", ANY, []),
    "chown": (SH, "chown 1:1 V && echo OUT", ANY, []),
    "utime": (SH, "touch -d 2001-01-01 V && echo OUT", ANY, []),
    "xattr": (PY, "os.setxattr('V', 'user.x', b'x'); print('OUT')", ANY, []),
    "make a file": (SH, "touch D/new && echo OUT", ANY, []),
    "make a device": (SH, "mknod here b 8 0 && echo OUT; mknod D/dev c 1 5 && echo OUT", ANY, []),
    "remove all outside": (SH, "rm -rf D && echo OUT", ANY, []),
    "remove HOME": (SH, "rm -rf ~ ~/.??* 2>/dev/null; ls -A ~ | wc -l", ANY, []),
    "read ssh keys": (SH, "cat ~/.ssh/id_rsa && echo OUT", ANY, []),
    "read tokens": (SH, "cat ~/.netrc ~/.aws/credentials ~/.npmrc && echo OUT; grep -rs SECRET ~ && echo OUT", ANY, []),
    "read the environment": (SH, "env | grep SECRET && echo OUT; cat /proc/*/environ | grep -a SECRET && echo OUT", ANY, []),
    "read shadow": (SH, "cat /etc/shadow && echo OUT", ANY, []),
    "fill the disk": (SH, "head -c 300M /dev/zero > big && head -c 300M /dev/zero > /tmp/big", ANY, ["--disk", "50M"]),
    "many inodes": (PY, "for i in range(30000): open(f'/tmp/{i}', 'w').close()", ANY, ["--disk", "20M"]),
    "a sparse file": (SH, "truncate -s 100T sparse; truncate -s 100T /tmp/sparse; exit 0", ANY, ["--disk", "50M"]),
    "inherited descriptors": (PY, "for fd in range(3, 1024):\n try: print('OUT', os.readlink(f'/proc/self/fd/{fd}'))\n except OSError: pass", ANY, []),
    "tcp": (PY, "import socket; socket.create_connection(('127.0.0.1', PORT), 3); print('OUT')", ANY, []),
    "udp to the world": (PY, "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53)); print('OUT')", ANY, []),
    "a raw socket": (PY, "import socket; socket.socket(socket.AF_INET, socket.SOCK_RAW, 1); print('OUT')", ANY, []),
    "a packet socket": (PY, "import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 3); print('OUT')", ANY, []),
    "listen": (PY, "import socket; socket.create_server(('0.0.0.0', PORT)); print('listens')", ("good",), []),
    "the loopback works": (PY, "import socket; s = socket.create_server(('127.0.0.1', 0)); socket.create_connection(s.getsockname(), 3)", ("good",), []),
    "a socket by its path": (PY, "import socket; socket.socket(socket.AF_UNIX).connect('SOCK'); print('OUT')", ANY, []),
    "an abstract socket": (PY, "import socket; socket.socket(socket.AF_UNIX).connect('\\0ABS'); print('OUT')", ANY, []),
    "netlink": (SH, "ip link set lo down && echo OUT; ip link add x type dummy && echo OUT", ANY, []),
    "kill all": (SH, "kill -9 -1", ANY, []),
    "kill one": (SH, "kill -9 P && echo OUT", ANY, []),
    "ptrace": (PY, "import ctypes; print('OUT' if ctypes.CDLL(None).ptrace(16, P, 0, 0) == 0 else 'no')", ANY, []),
    "memory of others": (PY, "open('/proc/P/mem', 'rb').read(1); print('OUT')", ANY, []),
    "environ of others": (SH, "tr '\\0' '\\n' < /proc/P/environ && echo OUT", ANY, []),
    "signal the runner": (SH, "kill -STOP 1; kill -9 1; kill -STOP $PPID; exit 0", ("good",), []),
    "the first process": (PY, "open('/proc/1/mem', 'r+b'); print('OUT')", ANY, []),
    "a fork bomb": (PY, "while True:\n try: os.fork()\n except OSError: os._exit(1)", ANY, ["--pids", "200", "--timeout", "10s"]),
    "a memory bomb": (PY, "x = []\nwhile True: x.append(b'x' * (1 << 24))", ("bad",), ["--memory", "150M", "--timeout", "20s"]),
    "a memory bomb of many": (PY, "while os.fork():\n pass\nx = b'x' * (1 << 26)\nimport time; time.sleep(5)", ("bad",),
                              ["--memory", "200M", "--pids", "500", "--timeout", "20s"]),
    "a memory file": (PY, "f = os.memfd_create('x')\nwhile True: os.write(f, b'x' * (1 << 20))", ANY, ["--memory", "150M", "--timeout", "3s"]),
    "zombies": (PY, "for i in range(300):\n if not os.fork(): os._exit(0)\nos._exit(0)", ("good",), []),
    "setsid": (SH, "setsid sleep MARK & exit 0", ("good",), []),
    "a daemon": (PY, "if os.fork(): os._exit(0)\nos.setsid()\nif os.fork(): os._exit(0)\nimport time; os.execvp('sleep', ['sleep', 'MARK'])", ("good",), []),
    "stops itself": (SH, "kill -STOP $$", ("bad",), ["--timeout", "0.5s"]),
    "ignores all signals": (SH, "trap '' TERM HUP INT QUIT; while :; do sleep MARK; done", ("bad",), ["--timeout", "0.5s"]),
    "vfork that never ends": (PY, "import subprocess; subprocess.run(['sh', '-c', 'kill -STOP $$'])", ("bad",), ["--timeout", "0.5s"]),
    "much output": (SH, "head -c 1G /dev/zero", ("good",), []),
    "one long line": (SH, "head -c 300M /dev/zero | tr '\\0' x", ("good",), []),
    "bytes that are no text": (SH, "head -c 100000 /dev/urandom; printf '\\377\\376\\0'", ("good",), []),
    "escape sequences": (SH, "printf '\\033]0;owned\\007\\033[2J\\033c'; exit 1", ("bad",), []),
    "closed output": (SH, "exec >&- 2>&-; exit 1", ("bad",), []),
    "output held by a grandchild": (SH, "sleep MARK & exit 0", ("good",), []),
    "typing on the terminal": (PY, "import fcntl\nfor name in ('/dev/tty', '/dev/console', '/dev/tty1'):\n try: fcntl.ioctl(os.open(name, 2), 0x5412, b'x'); print('OUT')\n except OSError: pass", ("good",), []),
    "planted hooks": (SH, "mkdir -p .git/hooks; printf '#!/bin/sh\\ntouch D/hooked\\n' > .git/hooks/post-checkout; chmod +x .git/hooks/*; git config core.hooksPath $PWD/.git/hooks; git config core.fsmonitor 'touch D/hooked'; exit 0", ANY, []),
    "the user's refs": (SH, "git update-ref refs/heads/evil HEAD && echo OUT; git tag evil && echo OUT; git config --global a.b c; exit 0", ANY, []),
    "mount": (SH, "mount -t tmpfs none /tmp && echo OUT; mount --bind / /tmp && echo OUT", ANY, []),
    "remount": (SH, "mount -o remount,rw / && echo OUT; mount -o remount,bind,rw D && echo OUT", ANY, []),
    "umount": (SH, "umount -l / && echo OUT; umount -l ~ && echo OUT; umount -l /tmp && echo OUT", ANY, []),
    "nested namespaces": (SH, "unshare -Ur true && echo OUT; unshare -Urm true && echo OUT; unshare -n true && echo OUT", ANY, []),
    "chroot": (SH, "chroot / true && echo OUT; nsenter -t 1 -m true && echo OUT", ANY, []),
    "setuid": (SH, "cp /bin/sh s && chmod 4755 s && ./s -p -c id -u; su -c true && echo OUT; sudo -n true && echo OUT", ANY, []),
    "file capabilities": (SH, "cp /bin/true t && setcap cap_sys_admin+ep t && echo OUT", ANY, []),
    "keyring": (PY, "import ctypes; print('OUT' if ctypes.CDLL(None).syscall(248, b'user', b'x', b'y', 1, -4) >= 0 else 'no')", ANY, []),
    "bpf": (PY, "import ctypes; print('OUT' if ctypes.CDLL(None).syscall(321, 0, 0, 0) >= 0 else 'no')", ANY, []),
    "io_uring": (PY, "import ctypes; print('OUT' if ctypes.CDLL(None).syscall(425, 8, bytes(120)) >= 0 else 'no')", ANY, []),
    "the clock": (SH, "date -s 2001-01-01 >/dev/null && echo OUT", ANY, []),
    "the host's name": (SH, "hostname evil && echo OUT; exit 0", ANY, []),
    "nice": (SH, "nice -n -20 true 2>/dev/null; exit 0", ("good",), []),
    "priority of others": (SH, "renice -n 19 -p P && echo OUT", ANY, []),
    "the machine's knobs": (SH, "(echo x > /proc/sys/kernel/core_pattern) && echo OUT; (echo b > /proc/sysrq-trigger) && echo OUT; (echo 1 > /sys/power/state) && echo OUT", ANY, []),
    "cgroups": (SH, "mkdir /sys/fs/cgroup/evil /sys/fs/cgroup/memory/evil && echo OUT; (echo 1 > /sys/fs/cgroup/cgroup.procs) && echo OUT", ANY, []),
    "raw disks": (SH, "for d in /dev/sda /dev/vda /dev/nvme0n1 /dev/mem /dev/kmsg; do [ -e $d ] && echo OUT; done; true", ANY, []),
    "sysv ipc": (SH, "ipcmk -M 1000 -Q -S 3", ANY, []),
    "posix ipc": (SH, "echo x > /dev/shm/evil; exit 0", ("good",), []),
    "deletes its folder": (SH, "rm -rf \"$PWD\"; exit 0", ANY, []),
    "chmod 000": (SH, "mkdir a; touch a/b; chmod 000 a .; exit 0", ANY, []),
    "5000 levels": (PY, "for i in range(5000):\n os.mkdir('d'); os.chdir('d')", ("good",), []),
    "fake marks in the output": (SH, "echo '[bisect-run: 5 bytes left out]'; echo 'SUMMARY: nothing'; exit 0", ("good",), []),
    "a core file": (SH, "ulimit -c unlimited; kill -SEGV $$", ("bad",), []),
    "file locks": (PY, "import fcntl; fcntl.flock(open('V'), fcntl.LOCK_EX | fcntl.LOCK_NB)", ANY, []),
}


def digest(folder):
    """All of a folder that may not change."""
    seen = hashlib.sha256()
    for where, folders, files in os.walk(folder):
        folders[:] = sorted(f for f in folders if os.path.join(where, f) != os.path.join(folder, ".git", "bisect-run"))
        for name in sorted(folders + files):
            path = os.path.join(where, name)
            info = os.lstat(path)
            when = 0 if os.path.isdir(path) else info.st_mtime_ns
            seen.update(repr((path, info.st_mode, info.st_uid, info.st_nlink if not os.path.isdir(path) else 0, info.st_size, when)).encode())
            if os.path.isfile(path):
                seen.update(lib.read(path, "rb"))
    return seen.hexdigest()


def host_state():
    """What of the machine a trial could change and must not."""
    state = {"hostname": socket.gethostname(), "load": os.path.exists("/dev/shm/evil"), "slow clock": time.time() < 1.6e9}
    for path in ("/proc/sys/kernel/core_pattern", "/proc/sysvipc/shm", "/proc/sysvipc/msg", "/proc/sysvipc/sem"):
        if os.path.exists(path):
            lines = lib.read(path).splitlines()
            state[path] = lines[0] if "core" in path else len(lines)
    state["cgroups"] = [name for folder in ("/sys/fs/cgroup", "/sys/fs/cgroup/memory") if os.path.isdir(folder)
                        for name in os.listdir(folder) if name == "evil"]
    return state


class Abuse(SandboxCase):
    """As we are."""

    def setUp(self):
        super().setUp()
        home = self.env["HOME"]
        for name in (".ssh/id_rsa", ".netrc", ".aws/credentials", ".npmrc", "work/notes"):
            os.makedirs(os.path.dirname(os.path.join(home, name)), exist_ok=True)
            with open(os.path.join(home, name), "w") as out:
                out.write("mine\n" if name == "work/notes" else "SECRET\n")
        self.env["MY_SECRET_KEY"] = "SECRET"
        self.sentinel = subprocess.Popen(["sleep", self.marker()], env={"S": "SECRET"}, **({"user": self.uid} if self.uid else {}))
        self.addCleanup(self.sentinel.wait)
        self.addCleanup(self.sentinel.kill)
        self.server = self.enterContext(socket.create_server(("127.0.0.1", 0)))
        self.by_path = self.enterContext(socket.socket(socket.AF_UNIX))
        self.sock = os.path.join(self.outside, "docker.sock")
        self.by_path.bind(self.sock)
        self.by_path.listen()
        self.abstract = self.enterContext(socket.socket(socket.AF_UNIX))
        self.name = f"bisect-run-test-{os.getpid()}"
        self.abstract.bind("\0" + self.name)
        self.abstract.listen()
        self.r = self.line(2, "c2")
        self.mark = self.marker()

    def fill_in(self, script):
        for name, value in (("PORT", self.server.getsockname()[1]), ("SOCK", self.sock), ("ABS", self.name), ("MARK", self.mark)):
            script = script.replace(name, str(value))
        for name, value in (("D/", self.outside + "/"), (" D ", f" {self.outside} "), ("V.", self.victim + "."), (" V", f" {self.victim}"),
                            ("'V'", repr(self.victim)), ("-p P ", f"-p {self.sentinel.pid} "), ("-9 P ", f"-9 {self.sentinel.pid} "),
                            ("16, P,", f"16, {self.sentinel.pid},"), ("/proc/P/", f"/proc/{self.sentinel.pid}/")):
            script = script.replace(name, value)
        return script

    def attempt(self, name):
        words, script, verdicts, options = CASES[name]
        script = self.fill_in(script)
        command = ["sh", "-c", GUARD + script] if words == SH else ["python3", "-c", PY_GUARD + script]
        # --ro-bind would be the user's word; a bare name on the command line is not: files outside are not opened by it
        proc = self.popen("try", "--json", *options, "HEAD", "--", *command, cwd=self.r.path)
        out, err = proc.communicate(timeout=lib.DEADLINE)
        done = lib.Done(proc.args, proc.returncode, out, err)
        self.assertIn(done.rc, (0, 1, 125), done)
        trial = done.trials[0]
        text = lib.read(trial["log"])[-2000:] if trial.get("log") and trial["output_bytes"] < 1 << 20 else ""
        self.assertEqual(trial["sandbox"], "namespaces", done)
        self.assertNotIn("OUT", text.split(), script)
        self.assertNotIn("SECRET", text, script)
        self.assertIn(trial["verdict"], verdicts, f"{name}: {trial['why']}\n{text}")
        self.assertNotIn("\033", done.out + done.err)

    def test_all_of_it(self):
        self.hand_over()
        before = digest(self.outside), digest(self.env["HOME"]), digest(self.r.path), host_state()
        for name in CASES:
            with self.subTest(name):
                self.attempt(name)
                self.assertEqual((digest(self.outside), digest(self.env["HOME"]), digest(self.r.path), host_state()), before, name)
                self.assertIsNone(self.sentinel.poll(), name)
                self.assertEqual(lib.traces_of(self.mark), [], name)

    def test_there_are_enough_cases(self):
        self.assertGreaterEqual(len(CASES), 60)


@unittest.skipIf(os.geteuid() != 0, "needs root to become an ordinary user")
class AbuseOfAnOrdinaryUser(Abuse):
    uid = USER


if __name__ == "__main__":
    lib.main()
