"""The namespace level: a test can neither harm nor see what is the user's, and its verdict stays exact."""

import os
import shutil
import signal
import socket
import stat
import subprocess
import time
import unittest

import lib
from sandbox_lib import GUARD, HOST, PY_GUARD, USER, SandboxCase

class Sandbox(SandboxCase):
    # ---- files ----

    def test_nothing_outside_can_be_changed(self):
        before = os.lstat(self.victim)
        attempts = ["echo x > V", "echo x >> V", "rm -f V", "mv V V.moved", "ln V V.link", "chmod 777 V", "touch V",
                    "chown 1:1 V", "truncate -s 0 V", "rm -rf D", "touch D/new", "mkdir D/new", "ln -s / D/new",
                    "mknod D/new p", "touch /etc/bisect-run-test", "touch /usr/bisect-run-test", "touch /bisect-run-test"]
        script = "".join(f"({a.replace('V', self.victim).replace('D/', self.outside + '/').replace(' D', ' ' + self.outside)}) "
                         f"2>/dev/null && echo 'did: {a}'\n" for a in attempts)
        self.assertEqual(self.inside(script + "true"), "")
        self.assertEqual(lib.read(self.victim), "precious\n")
        after = os.lstat(self.victim)
        self.assertEqual((before.st_mode, before.st_mtime_ns, before.st_nlink), (after.st_mode, after.st_mtime_ns, after.st_nlink))
        self.assertEqual(os.listdir(self.outside), ["victim"])

    def test_home_can_be_written_and_deleted_without_harm(self):
        home = self.env["HOME"]
        os.makedirs(os.path.join(home, "things"))
        lib_file = os.path.join(home, "things", "notes")
        with open(lib_file, "w") as out:
            out.write("mine\n")
        text = self.inside('cat ~/things/notes; echo x > ~/new && rm -rf ~/things ~/.config ~/.gitconfig && ls -A ~')
        self.assertEqual(text.split(), ["mine", "new"])
        self.assertEqual(lib.read(lib_file), "mine\n")
        self.assertFalse(os.path.exists(os.path.join(home, "new")))
        self.assertTrue(os.path.exists(os.path.join(home, ".gitconfig")))

    def test_secrets_in_home_are_not_there(self):
        home = self.env["HOME"]
        secrets = [".ssh/id_rsa", ".gnupg/key", ".aws/credentials", ".netrc", ".config/gcloud/token", ".docker/config.json",
                   ".kube/config", ".npmrc", ".pypirc", ".cargo/credentials.toml", ".git-credentials", ".bash_history",
                   ".local/share/keyrings/login", ".mozilla/cookies"]
        for name in secrets + [".cargo/bin/tool", ".docker/readable"]:
            os.makedirs(os.path.dirname(os.path.join(home, name)), exist_ok=True)
            with open(os.path.join(home, name), "w") as out:
                out.write("SECRET\n" if name in secrets else "tool\n")
        os.makedirs(os.path.join(home, "dotfiles"))
        with open(os.path.join(home, "dotfiles", "pgpass"), "w") as out:
            out.write("SECRET\n")
        os.symlink(os.path.join(home, "dotfiles", "pgpass"), os.path.join(home, ".pgpass"))
        text = self.inside("grep -rs SECRET ~; cat ~/.cargo/bin/tool ~/.docker/readable; "
                           + "".join(f"cat ~/{name} 2>/dev/null; " for name in secrets) + "true")
        self.assertEqual(text.split(), ["tool", "tool"])

    def test_temporary_folders_are_private_and_shared_by_build_and_test(self):
        marker = self.path("seen")
        with open(marker, "w"):
            pass
        name = os.path.basename(self.tmp) + ".mine"
        text = self.inside(f'ls "$HOME"/../seen 2>/dev/null; cat /tmp/{name}; echo "$TMPDIR"; touch /var/tmp/a /run/a /dev/shm/a',
                           "--build", f"echo built > /tmp/{name}")
        self.assertEqual(text.split(), ["built", "/tmp"])
        self.assertFalse(os.path.exists(f"/tmp/{name}"))

    def test_the_devices_are_few_and_the_real_ones_keep_their_mode(self):
        before = os.stat("/dev/null").st_mode
        text = self.inside("chmod 600 /dev/null 2>/dev/null; echo x > /dev/null && head -c 1 /dev/zero | wc -c; ls /dev")
        self.assertEqual(os.stat("/dev/null").st_mode, before)
        self.assertEqual(set(text.split()) - {"1"}, {"fd", "full", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin",
                                                     "stdout", "tty", "urandom", "zero"})

    def test_the_password_file_cannot_be_read(self):
        self.inside("cat /etc/shadow 2>/dev/null && exit 1; true")

    def test_the_machines_knobs_cannot_be_turned(self):
        self.inside("for f in /proc/sys/kernel/core_pattern /proc/sysrq-trigger /proc/sys/vm/drop_caches /sys/power/state; do\n"
                    '[ -w "$f" ] && : >> "$f" 2>/dev/null && exit 1; done; true')

    # ---- processes ----

    def test_other_processes_are_neither_seen_nor_killed(self):
        marker = self.marker()
        sentinel = subprocess.Popen(["sleep", marker], **({"user": self.uid} if self.uid is not None else {}))
        self.addCleanup(sentinel.wait)
        self.addCleanup(sentinel.kill)
        repo = self.line(2, "c2")
        trial = self.run_inside("HEAD", cwd=repo.path, command=[
            "sh", "-c", GUARD + f"cat /proc/[0-9]*/cmdline | tr '\\0' '\\n' | grep -c '^sleep$'; kill -9 {sentinel.pid} 2>&1; "
            "kill -9 -1; exit 0"])
        self.assertEqual((trial["exit"], trial["signal"]), (0, None), trial["text"])
        self.assertEqual(trial["text"].split()[0], "0", trial["text"])
        self.assertIsNone(sentinel.poll())

    def test_the_end_is_reported_exactly(self):
        repo = self.line(2, "c2")
        for script, code, sig in (("exit 0", 0, None), ("exit 3", 3, None), ("exit 124", 124, None), ("kill -SEGV $$", None, 11),
                                  ("kill -KILL $$", None, 9), ("kill -ABRT $$", None, 6), ("kill -TERM $$", None, 15),
                                  ("kill -9 1; exit 7", 7, None)):
            trial = self.run_inside("HEAD", cwd=repo.path, command=["sh", "-c", GUARD + script])
            self.assertEqual((trial["exit"], trial["signal"]), (code, sig), script)

    def test_a_program_that_is_not_there_is_told_from_one_that_fails(self):
        repo = self.line(2, "c2")
        trial = self.run_inside("HEAD", cwd=repo.path, command=["no-such-program"])
        self.assertEqual((trial["verdict"], trial["end"]), ("skip", "exec"))

    def test_the_first_process_cannot_be_traced_or_imitated(self):
        text = self.python(r"""
for name in ('fd/3', 'mem', 'environ', 'cwd', 'root', 'maps'):
    try:
        path = '/proc/1/' + name
        os.listdir(path) if name in ('cwd', 'root') else open(path, 'rb').read(1)
        print('open:', name)
    except OSError:
        pass
for fd in range(3, 256):
    try:
        print('inherited:', fd, os.readlink(f'/proc/self/fd/{fd}'))
    except OSError:
        pass
os.kill(1, 9); os.kill(1, 19); os.kill(1, 15)
""")
        self.assertEqual(text.strip(), "")

    def test_what_it_leaves_running_dies_with_it(self):
        marker = self.marker()
        self.inside(f"setsid sleep {marker} >/dev/null 2>&1 & (setsid sh -c 'trap \"\" TERM HUP; sleep {marker}' &) ; exit 0")
        self.assert_gone(marker)

    def test_it_dies_when_the_program_is_killed(self):
        marker = self.marker()
        repo = self.line(2, "c2")
        proc = self.popen("try", "HEAD", "--", "sh", "-c", GUARD + f"setsid sleep {marker} & sleep {marker}",
                          cwd=repo.path)
        self.until(lambda: len(lib.processes_with(marker)) >= 2, "the trial runs")
        proc.kill()
        proc.communicate()
        self.assert_gone(marker)

    def test_the_worker_killed_takes_the_sandbox_along(self):
        marker = self.marker()
        repo = self.line(2, "c2")
        proc = self.popen("try", "HEAD", "--", "sh", "-c", GUARD + f"setsid sleep {marker} & sleep {marker}",
                          cwd=repo.path)
        self.until(lambda: len(lib.processes_with(marker)) >= 2, "the trial runs")
        proc.send_signal(signal.SIGSTOP)  # it must not clean up itself
        with open(f"/proc/{proc.pid}/task/{proc.pid}/children") as children:
            for pid in children.read().split():
                os.kill(int(pid), signal.SIGKILL)
        self.until(lambda: not lib.processes_with(marker), "the sandbox is gone")
        proc.kill()
        proc.communicate()

    def test_a_test_over_its_time_is_killed_with_all_its_processes(self):
        marker = self.marker()
        repo = self.line(2, "c2")
        trial = self.run_inside("--timeout", "0.3s", "HEAD", cwd=repo.path, command=[
            "sh", "-c", GUARD + f"trap '' TERM; setsid sleep {marker} & sleep {marker}; sleep {marker}; while :; do :; done"])
        self.assertEqual((trial["verdict"], trial["timed_out"]), ("bad", True))
        self.assert_gone(marker)

    def test_a_pause_stops_all_of_it_and_its_clock(self):
        naps = [f"0.8{os.getpid():08d}{n}" for n in (1, 2)]
        repo = self.line(2, "c2")
        proc = self.popen("try", "--json", "--timeout", "1.6s", "HEAD", "--", "sh", "-c",
                          GUARD + f"setsid sleep {naps[0]} & sleep {naps[1]}; wait; exit 0", cwd=repo.path, start_new_session=True)
        pids = self.until(lambda: (found := [pid for nap in naps for pid in lib.processes_with(nap)]) and len(found) == 2 and found, "both run")
        proc.send_signal(signal.SIGTSTP)
        self.until(lambda: {lib.process_state(pid) for pid in [*pids, proc.pid]} == {"T"}, "all are stopped")
        end = time.monotonic() + 2  # longer than the limit
        self.until(lambda: time.monotonic() > end, "time passes")
        self.assertEqual({lib.process_state(pid) for pid in pids}, {"T"})
        proc.send_signal(signal.SIGCONT)
        out, err = proc.communicate(timeout=lib.DEADLINE)
        trial = lib.Done(proc.args, proc.returncode, out, err).trials[0]
        self.assertEqual((trial["verdict"], trial["timed_out"], trial["sandbox"]), ("good", False, "namespaces"), err)

    # ---- network and sockets ----

    def test_the_network_is_its_own(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            text = self.python(f"""
import socket
try:
    socket.create_connection(('127.0.0.1', {port}), 5)
    print('reached the host')
except OSError as e:
    print(type(e).__name__)
server = socket.create_server(('127.0.0.1', {port}))
client = socket.create_connection(('127.0.0.1', {port}), 5)
server.accept()[0].sendall(b'own')
print(client.recv(3).decode())
try:
    socket.create_connection(('192.0.2.1', 80), 2)
    print('reached the world')
except OSError as e:
    print('no world')
""")
        self.assertEqual(text.splitlines(), ["ConnectionRefusedError", "own", "no world"])

    def test_sockets_of_services_are_out_of_reach(self):
        path = os.path.join(self.outside, "docker.sock")
        name = f"\0bisect-run-test-{os.getpid()}"
        with socket.socket(socket.AF_UNIX) as by_path, socket.socket(socket.AF_UNIX) as abstract:
            by_path.bind(path)
            abstract.bind(name)
            os.chmod(path, 0o777)
            by_path.listen()
            abstract.listen()
            text = self.python(f"""
import socket
for address in ({path!r}, {name!r}):
    try:
        socket.socket(socket.AF_UNIX).connect(address)
        print('reached', address)
    except OSError:
        pass
""")
        self.assertEqual(text, "")

    def test_no_network_at_all_when_asked(self):
        text = self.python("""
import socket
with open('/proc/net/dev') as lines:
    print(len(lines.readlines()) - 2)
try:
    socket.create_connection(('127.0.0.1', 1), 2)
except OSError as e:
    print(type(e).__name__)
""", "--net", "none")
        self.assertEqual(text.split(), ["1", "OSError"])

    def test_the_machines_network_when_asked(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            text = self.python(f"""
import socket
print(socket.create_connection(('127.0.0.1', {server.getsockname()[1]}), 5).getpeername()[1])
""", "--net", "host")
            self.assertEqual(int(text), server.getsockname()[1])

    # ---- what is opened on request ----

    def test_a_bound_folder_can_be_written_to_and_only_that(self):
        inner = os.path.join(self.outside, "inner")
        os.makedirs(os.path.join(inner, "kept"))
        text = self.inside(f"echo new > {inner}/file; for f in {inner}/kept/no {self.victim}; do (echo x > $f) 2>/dev/null && echo wrote; done; true",
                           "--ro-bind", os.path.join(inner, "kept"), "--bind", inner)
        self.assertEqual(text, "")
        self.hand_back()
        self.assertEqual(lib.read(os.path.join(inner, "file")), "new\n")
        self.assertEqual(os.listdir(os.path.join(inner, "kept")), [])

    def test_a_hidden_file_can_be_shown(self):
        with open(os.path.join(self.env["HOME"], ".npmrc"), "w") as out:
            out.write("registry\n")
        text = self.inside("cat ~/.npmrc; (echo x > ~/.npmrc) 2>/dev/null && echo wrote; true",
                           "--ro-bind", os.path.join(self.env["HOME"], ".npmrc"))
        self.assertEqual(text.split(), ["registry"])

    def test_a_bound_path_is_seen_from_where_the_user_stands(self):
        repo = self.line(2, "c2")
        repo.write("node_modules/tool", "tool\n")
        text = self.inside("cat node_modules/tool", "--ro-bind", "node_modules", repo=repo)
        self.assertEqual(text.split(), ["tool"])

    def test_paths_that_cannot_be_bound_are_refused(self):
        repo = self.line(2, "c2")
        for path, why in (("/no/such/place", "No such file"), ("/", "would open all"), ("/dev", "--allow")):
            proc = self.popen("try", "--bind", path, "HEAD", "--", "true", cwd=repo.path)
            err = proc.communicate(timeout=lib.DEADLINE)[1].decode()
            self.assertEqual(proc.returncode, 128, err)
            self.assertIn(why, err)
            self.hand_back()

    def test_home_can_be_empty(self):
        with open(os.path.join(self.env["HOME"], "file"), "w") as out:
            out.write("mine\n")
        self.assertEqual(self.inside("ls -A ~ && touch ~/x && ls ~", "--home", "empty").split(), ["x"])
        self.assertFalse(os.path.exists(os.path.join(self.env["HOME"], "x")))

    def test_the_real_home_keeps_its_secrets_and_what_is_written(self):
        home = self.env["HOME"]
        with open(os.path.join(home, ".netrc"), "w") as out:
            out.write("SECRET\n")
        self.assertEqual(self.inside("cat ~/.netrc 2>/dev/null; echo kept > ~/new", "--home", "host"), "")
        self.hand_back()
        self.assertEqual(lib.read(os.path.join(home, "new")), "kept\n")
        self.assertEqual(lib.read(os.path.join(home, ".netrc")), "SECRET\n")

    def test_user_namespaces_when_allowed_and_still_no_way_out(self):
        text = self.inside(f"unshare -Ur true && echo made; unshare -Urm sh -c 'mount -o remount,bind,rw / || mount -o remount,rw /; "
                           f"echo x > {self.victim}; umount -l /; umount -l {self.outside}' 2>/dev/null; true", "--allow", "userns,perf")
        if self.uid or os.geteuid():  # no other than the kernel's own root may map root
            self.assertEqual(text.split(), ["made"])
        self.assertEqual(lib.read(self.victim), "precious\n")

    def test_devices_are_shown_when_allowed(self):
        here = [name for name in ("kvm", "dri") if os.path.exists(f"/dev/{name}")]
        text = self.inside("cd /dev; ls -d kvm dri 2>/dev/null; true", "--allow", "kvm", "--allow", "dri")
        self.assertEqual(sorted(text.split()), sorted(here))

    def test_the_message_names_what_would_open_it(self):
        repo = self.line(2, "c2")
        for script, option in (("import socket; socket.create_connection(('192.0.2.1', 80), 5)", "--net host"),
                               ("import sys; sys.exit('bwrap: No permissions to creating new namespace, probably')", "--allow userns"),
                               ("import os; os.close(os.open('/dev/kvm', os.O_RDWR))", "--allow kvm"),
                               (f"open({self.victim!r}, 'a')", "--bind PATH")):
            trial = self.run_inside("HEAD", cwd=repo.path, command=["python3", "-c", PY_GUARD + script])
            self.assertEqual(trial["verdict"], "bad", trial["text"])
            self.assertIn(f"{option} opens it", trial["said"])
            self.hand_back()
        trial = self.run_inside("HEAD", cwd=repo.path, command=["sh", "-c", GUARD + "echo boring; exit 1"])
        self.assertNotIn("opens it", trial["said"])

    def test_a_remembered_verdict_belongs_to_its_surroundings(self):
        repo = self.line(6, "c4")
        for args, cached in ((["--net", "host"], 0), (["--net", "none", "--reuse"], 0), (["--net", "none", "--reuse"], 1)):
            proc = self.popen("--json", "--confirm", "off", "--good", "c1", *args, "--", *lib.STATE, cwd=repo.path)
            out, err = proc.communicate(timeout=lib.DEADLINE)
            done = lib.Done(proc.args, proc.returncode, out, err)
            self.assertEqual(done.rc, 0, done)
            self.assertEqual(bool([t for t in done.trials if t.get("cached")]), bool(cached), done)
            self.hand_back()

    def test_a_repository_cannot_open_doors(self):
        repo = self.line(2, "c2")
        for name, value in (("sandbox", "none"), ("net", "host"), ("allow", "userns"), ("bind", self.outside), ("home", "host")):
            repo.git("config", f"bisectrun.{name}", value)
        text = self.inside(f"unshare -Ur true 2>/dev/null && echo made; (echo x > {self.victim}) 2>/dev/null && echo wrote; "
                           "touch ~/x; ls /sys/class/net | wc -l; wc -l < /proc/net/dev", repo=repo)
        self.assertEqual(text.split()[-1], "3")
        self.assertNotIn("made", text)
        self.assertNotIn("wrote", text)
        self.assertFalse(os.path.exists(os.path.join(self.env["HOME"], "x")))

    # ---- privileges ----

    def test_there_are_no_capabilities_and_no_way_to_any(self):
        text = self.inside("grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status")
        for line in text.splitlines():
            name, value = line.split()
            self.assertEqual(value.strip("0"), {"NoNewPrivs:": "1", "Seccomp:": "2"}.get(name, ""), line)

    def test_a_setuid_program_gains_nothing(self):
        if os.geteuid() != 0:
            self.skipTest("only root can make a setuid program of root's")
        program = os.path.join(self.outside, "id")
        shutil.copy("/usr/bin/id", program)
        self.hand_over()
        os.chown(program, 0, 0)
        os.chmod(program, 0o4755)
        self.hand_over = lambda: None
        repo = self.line(2, "c2")
        if self.uid is not None:
            subprocess.run(["chown", "-hR", f"{self.uid}:{self.uid}", self.tmp], check=True)
        text = self.inside(f"{program} -u", repo=repo)
        self.assertEqual(int(text), self.uid or 0)
        self.assertTrue(os.stat(program).st_mode & stat.S_ISUID)

    def test_mounts_and_namespaces_are_refused(self):
        attempts = ["mount -o remount,rw /", "mount -o remount,bind,rw /", "mount -t tmpfs none /tmp", "mount --bind /etc /tmp",
                    "umount -l /tmp", "umount -l /proc", "umount -l ~", "unshare -Ur true", "unshare -m true", "chroot / true",
                    "unshare -Urm mount -o remount,rw /", "hostname other", "nsenter -t 1 -m true"]
        script = "".join(f"({a}) >/dev/null 2>&1 && echo 'did: {a}'\n" for a in attempts)
        self.assertEqual(self.inside(script + "true"), "")

    @unittest.skipUnless(os.uname().machine == "x86_64", "the numbers of system calls are those of x86-64")
    def test_dangerous_system_calls_are_refused(self):
        text = self.python(r"""
import ctypes, errno, fcntl
libc = ctypes.CDLL(None, use_errno=True)
calls = {'bpf': 321, 'add_key': 248, 'request_key': 249, 'keyctl': 250, 'perf_event_open': 298, 'userfaultfd': 323, 'kexec_load': 246,
         'io_uring_setup': 425, 'swapon': 167, 'clock_settime': 227, 'settimeofday': 164, 'mount': 165, 'umount2': 166,
         'pivot_root': 155, 'fsopen': 430, 'open_tree': 428, 'move_mount': 429, 'mount_setattr': 442, 'setns': 308,
         'reboot': 169, 'init_module': 175, 'clone3': 435, 'getpid (x32)': 0x40000000 + 39}
for name, number in calls.items():
    ctypes.set_errno(0)
    if libc.syscall(number, 0, 0, 0, 0, 0, 0) != -1 or ctypes.get_errno() not in (errno.EPERM, errno.ENOSYS):
        print(name, ctypes.get_errno())
for name, number, flags in (('unshare', 272, 0x10000000), ('clone', 56, 0x10000000 | 17)):
    if libc.syscall(number, flags, 0, 0, 0, 0, 0) != -1:
        print(name)
if libc.socket(40, 1, 0) != -1:
    print('vsock')
for request in (0x5412, 0x541c, 0x5412 | 1 << 32):
    master, slave = os.openpty()
    if libc.ioctl(slave, ctypes.c_ulong(request), b'x') != -1 or ctypes.get_errno() != errno.EPERM:
        print('ioctl', hex(request), ctypes.get_errno())
print('ok', libc.getpid() > 0)
""")
        self.assertEqual(text, "ok True\n")

    # ---- the work of a trial ----

    def test_it_runs_at_the_users_path_and_in_the_same_folder(self):
        repo = self.repo([("c1", [], {"sub/dir/file": "x\n"})])
        repo.write("sub/dir/untracked", "mine\n")
        text = self.inside('pwd; echo "$PWD"; ls; touch made', repo=repo, cwd=repo.file("sub", "dir"))
        self.assertEqual(text.splitlines(), [repo.file("sub", "dir")] * 2 + ["file"])
        self.assertEqual(sorted(os.listdir(repo.file("sub", "dir"))), ["file", "untracked"])

    def test_git_works_and_cannot_write_the_users_objects(self):
        repo = self.line(3, "c3")
        before = lib.snapshot(repo)
        text = self.inside("git status --porcelain && git describe --tags --always && git log --oneline | wc -l && "
                           "git rev-parse HEAD && echo new > new && ! git add new 2>/dev/null && "
                           "! git commit -q --allow-empty -m x 2>/dev/null && ! git update-ref refs/heads/main HEAD~1 2>/dev/null && "
                           "! git gc -q 2>/dev/null; git rev-parse --git-common-dir | xargs ls -A | grep -c '^objects$'", repo=repo)
        self.assertEqual(text.split(), ["c3", "3", repo.oid["c3"], "1"])
        self.hand_back()
        self.assertEqual(lib.snapshot(repo), before)

    def test_git_works_in_a_linked_work_tree_and_a_bare_repository(self):
        repo = self.line(2, "c2")
        repo.git("worktree", "add", "-q", self.path("linked"), "c1")
        text = self.inside("pwd; git rev-parse HEAD; git status --porcelain", repo=repo, cwd=self.path("linked"))
        self.assertEqual(text.split(), [self.path("linked"), repo.oid["c1"]])
        bare = self.repo(lib.linear(2), name="bare.git", bare=True)
        text = self.inside("git rev-parse HEAD; git status --porcelain; touch x", repo=bare)
        self.assertEqual(text.split(), [bare.oid["c2"]])

    def test_borrowed_objects_are_found_by_relative_and_absolute_paths(self):
        base = self.line(3, "c3", name="base")
        for relative in (True, False):
            name = f"borrower{relative:d}"
            subprocess.run(["git", "clone", "-q", "--shared", base.path, self.path(name)], env=self.env, check=True)
            objects = os.path.join(self.path(name), ".git", "objects")
            if relative:
                with open(os.path.join(objects, "info", "alternates"), "w") as out:
                    out.write(os.path.relpath(os.path.join(base.git_dir, "objects"), objects) + "\n")
            text = self.inside("git log --oneline | wc -l && git status --porcelain", repo=base, cwd=self.path(name))
            self.assertEqual(text.split(), ["3"])
            self.hand_back()

    def test_without_a_revision_all_of_the_checkout_is_a_view(self):
        repo = self.repo([("c1", [], {"sub/file": "x\n"})])
        repo.write("sub/untracked", "mine\n")
        before = lib.snapshot(repo)
        trial = self.run_inside(cwd=repo.file("sub"), command=[
            "sh", "-c", GUARD + "pwd; ls; echo x > ../new && rm file && git add -A .. && git commit -qm x && git log --oneline | wc -l"])
        self.assertEqual(trial["text"].split(), [repo.file("sub"), "file", "untracked", "2"], trial["text"])
        self.hand_back()
        self.assertEqual(lib.snapshot(repo), before)

    @unittest.skipIf(os.geteuid() != 0, "needs root to mount")
    def test_other_mounts_of_home_show_no_secrets_and_mounts_in_it_are_seen(self):
        home, repo = self.env["HOME"], self.line(2, "c2")
        twin = os.path.join(self.outside, "twin")
        for path in (os.path.join(home, ".ssh"), os.path.join(home, "disk"), twin):
            os.makedirs(path)
        with open(os.path.join(home, ".ssh", "id"), "w") as out:
            out.write("SECRET\n")
        self.hand_over()
        script = (f"mount --bind {home} {twin} && mount -t tmpfs none {home}/disk && echo seen > {home}/disk/file && "
                  f"exec setpriv --reuid {self.uid or 0} --regid {self.uid or 0} --clear-groups " + '"$@"')
        done = subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", lib.PROGRAM, "try", "--json", "HEAD", "--", "sh", "-c",
                               GUARD + f"ls {twin}; cat {twin}/.ssh/id ~/.ssh/id 2>/dev/null; cat ~/disk/file; touch ~/disk/x 2>/dev/null && echo wrote; exit 0"],
                              cwd=repo.path, env={**self.env, **HOST}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=lib.DEADLINE)
        trial = lib.Done(done.args, done.returncode, done.stdout, done.stderr).trials[0]
        self.assertEqual(lib.read(trial["log"]).split(), ["disk", "seen"], done.stderr)

    def test_a_script_of_the_users_in_a_hidden_place_is_found(self):
        script = self.path("check.sh")
        with open(script, "w") as out:
            out.write("#!/bin/sh\n" + GUARD + "echo found; ls -A \"$(dirname \"$0\")\" | wc -l; echo x >> \"$0\" 2>/dev/null && exit 1; exit 0\n")
        os.chmod(script, 0o755)
        repo = self.line(2, "c2")
        with open(self.path("beside"), "w"):
            pass
        trial = self.run_inside("HEAD", cwd=repo.path, command=[script])
        self.assertEqual(trial["exit"], 0, trial["text"])
        self.assertEqual(trial["text"].split()[0], "found")
        self.hand_back()
        for words in (["sh", "../check.sh"], ["sh", "-c", "sh ../check.sh"], ["../check.sh"]):
            trial = self.run_inside("HEAD", cwd=repo.path, command=words)
            self.assertEqual(trial["text"].split()[:1], ["found"], words)
            self.hand_back()
        trial = self.run_inside("--home", "empty", "--build", f"sh {script} > built", "HEAD", cwd=repo.path, command=["cat", "built"])
        self.assertIn("found", trial["text"].split())

    def test_files_put_into_the_tree_are_there(self):
        repo = self.line(2, "c2")
        repo.write("extra.sh", "echo extra\n")
        repo.write("own.sh", "echo own\n")
        trial = self.run_inside("--with", "extra.sh", "HEAD", cwd=repo.path, command=["sh", "-c", GUARD + "sh extra.sh; sh own.sh"])
        self.assertEqual(trial["text"].split(), ["extra", "own"])

    def test_without_a_revision_the_folder_is_a_throw_away_view(self):
        folder = self.path("folder")
        os.makedirs(folder)
        with open(os.path.join(folder, "file"), "w") as out:
            out.write("mine\n")
        trial = self.run_inside(cwd=folder, command=["sh", "-c", GUARD + "cat file; rm file; touch new; ls"])
        self.assertEqual(trial["text"].split(), ["mine", "new"])
        self.assertEqual([n for n in sorted(os.listdir(folder)) if n != ".bisect-run"], ["file"])

    def test_a_search_with_two_at_once_finds_the_culprit(self):
        repo = self.line(20, "c13")
        before = lib.snapshot(repo)
        command = ["python3", "-c", PY_GUARD + """
import socket
server = socket.create_server(('127.0.0.1', 45678))  # a fixed port
sys.exit(int(open('state').read()))
"""]
        proc = self.popen("--json", "--confirm", "quick", "-j", "2", "--build", "cat state > built",
                          "--good", "c1", "--", *command, cwd=repo.path)
        out, err = proc.communicate(timeout=lib.DEADLINE)
        done = lib.Done(proc.args, proc.returncode, out, err)
        self.assertEqual(done.rc, 0, done)
        self.assert_first_bad(repo, done, "c13")
        self.assertEqual({t["sandbox"] for t in done.trials}, {"namespaces"})
        self.hand_back()
        self.assertEqual(lib.snapshot(repo), before)

    def test_nested_it_is_refused_with_the_reason(self):
        text = self.inside(f"{lib.PROGRAM} try --sandbox strict -- true 2>&1; echo $?")
        self.assertRegex(text, r"--sandbox strict cannot be had here: .*namespace")
        self.assertEqual(text.split()[-1], "128", text)

    def test_nested_auto_takes_less_and_says_so(self):
        text = self.inside(f"cd /tmp && {lib.PROGRAM} try -- sh -c 'exit 1' 2>&1; echo $?")
        self.assertRegex(text, r"Landlock|plain processes")
        self.assertEqual(text.split()[-1], "1", text)


@unittest.skipIf(os.geteuid() != 0, "needs root to become an ordinary user")
class SandboxOfAnOrdinaryUser(Sandbox):
    """The same, run by root as somebody else."""

    uid = USER


if __name__ == "__main__":
    lib.main()
