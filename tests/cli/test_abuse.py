#!/usr/bin/env python3
"""Tests that attack: none gets out of its namespaces, each ends with a verdict, and the next one finds all as it should be."""

import os
import shutil
import socket
import stat
import unittest

import lib
from abuse_lib import PY, SECRET, AbuseCase, as_ordinary_user
from sandbox_lib import GUARD, USER

X86 = os.uname().machine == "x86_64"


class Files(AbuseCase):
    def test_no_way_of_writing_reaches_a_file_outside(self):
        self.py(f"""
import fcntl, mmap
D = {self.folder!r}
V = D + '/file'
for name, flags in (('write', os.O_WRONLY), ('update', os.O_RDWR), ('append', os.O_WRONLY | os.O_APPEND),
                    ('truncate', os.O_TRUNC), ('create', os.O_CREAT | os.O_WRONLY)):
    attempt(name, os.open, V, flags)
attempt('nameless', os.open, D, os.O_TMPFILE | os.O_RDWR)
attempt('new', os.open, D + '/new', os.O_CREAT | os.O_RDWR)
fd, folder, path = os.open(V, os.O_RDONLY), os.open(D, os.O_RDONLY), os.open(V, os.O_PATH)
for n in (fd, path):
    attempt(f'reopen {{n}}', os.open, f'/proc/self/fd/{{n}}', os.O_RDWR)
    attempt(f'mode {{n}}', os.chmod, f'/proc/self/fd/{{n}}', 0o666)
    attempt(f'owner {{n}}', os.chown, f'/proc/self/fd/{{n}}', os.getuid(), os.getgid())
attempt('by root', os.open, '/proc/self/root' + V, os.O_RDWR)
attempt('by the parent', os.open, '/proc/1/root' + V, os.O_RDWR)
attempt('fchmod', os.fchmod, fd, 0o777)
attempt('fchown', os.fchown, fd, os.getuid(), os.getgid())
attempt('ftruncate', os.ftruncate, fd, 0)
attempt('times', os.utime, fd)
attempt('times of the folder', os.utime, folder)
attempt('shared memory', mmap.mmap, fd, 0, mmap.MAP_SHARED, mmap.PROT_WRITE)
attempt('attribute', os.setxattr, V, 'user.x', b'x')
attempt('attribute of the folder', os.setxattr, D, 'user.x', b'x')
attempt('flags', fcntl.ioctl, fd, 0x40086602, struct.pack('l', 0x10))
attempt('space', os.posix_fallocate, fd, 0, 1 << 20)
attempt('link out', os.link, 'state', D + '/mine')
attempt('link by descriptor', os.link, f'/proc/self/fd/{{fd}}', D + '/mine', follow_symlinks=True)
attempt('link in', os.link, V, 'mine')
attempt('move in', os.rename, V, 'mine')
attempt('move out', os.rename, 'state', V)
attempt('move the folder', os.rename, D, D + '.old')
attempt('unlink', os.unlink, V)
attempt('rmdir', os.rmdir, D + '/empty')
attempt('pipe', os.mkfifo, D + '/pipe')
attempt('node', os.mknod, D + '/node', stat.S_IFREG | 0o666)
attempt('link', os.symlink, '/', D + '/root')
attempt('socket', socket.socket(socket.AF_UNIX).bind, D + '/socket')
os.symlink(V, 'by-link')
attempt('by a link', os.open, 'by-link', os.O_RDWR)
""")

    def test_the_program_its_state_and_the_real_git_directory_cannot_be_written(self):
        self.hand_back()
        before = lib.snapshot(self.r)
        self.shell(f"""common=$(cd "$(git rev-parse --git-common-dir)" && pwd)
for f in {lib.PROGRAM} "$common"/config "$common"/HEAD "$common"/refs/heads/main "$common"/hooks/pre-commit "$common"/objects/x \\
	"$common"/bisect-run/record.db "$common"/bisect-run/x; do
	(echo x >> "$f") 2>/dev/null && echo "did: $f"
done
git config --local core.pager x 2>/dev/null; git tag mine 2>/dev/null && echo did: tag; git branch mine 2>/dev/null && echo did: branch
echo x > state; git stash -q 2>/dev/null && echo did: stash; git worktree add /tmp/w 2>/dev/null && echo did: worktree; rm -rf "$common" 2>/dev/null; exit 0""")
        self.hand_back()
        self.assertEqual(lib.snapshot(self.r), before)

    def test_removing_all_that_can_be_reached_harms_nothing(self):
        with open(os.path.join(self.env["HOME"], "mine"), "w") as out:
            out.write("mine\n")
        home = [path for path in self.listing(self.env["HOME"])]
        self.shell(f"rm -rf ~ . .. ./* ./.* /tmp /tmp/* /run/* /var/tmp/* /dev/shm/* {self.outside} {self.r.path} "
                   f"{lib.PROGRAM} /dev/* /proc/self /sys/kernel 2>/dev/null; exit 0")
        self.assertEqual(self.listing(self.env["HOME"]), home)
        self.assertTrue(os.access(lib.PROGRAM, os.X_OK))
        self.assert_next_is_clean()

    def listing(self, top):
        return sorted(os.path.join(f, n) for f, d, names in os.walk(top) for n in d + names)

    def test_links_in_place_of_tracked_files_and_folders_lead_the_next_update_nowhere(self):
        self.shell(f"rm -rf state name dir; ln -s {self.folder}/state state; ln -s {self.folder}/name name; "
                   f"ln -s {self.folder} dir; ln -s {self.folder} new; exit 0")
        self.assert_next_is_clean()
        self.shell(f"rm -rf dir/deep; ln -s {self.folder} dir/deep; exit 0")
        self.assert_next_is_clean("--fresh")

    def test_a_link_in_place_of_a_folder_does_not_lead_the_cleaning_outside(self):
        """What the user named is put into the tree and taken out again: never out of another place."""
        self.hand_back()
        for name, folder, link in (("sub/check.sh", "sub", self.folder), ("new/empty/check.sh", "new", self.folder),
                                   ("dir/deep/check.sh", "dir/deep", self.folder), ("top/folder/check.sh", "top", self.outside)):
            self.r.write(name, f"{GUARD}rm -rf {folder}; ln -s {link} {folder}; exit 0\n", 0o755)
            self.hand_over()
            self.before = self.before_now()
            trial = self.trial(["sh", "./" + name])
            self.assertEqual(trial["exit"], 0, trial["text"])
            self.tearDown()
            self.hand_back()
            self.assertTrue(os.path.exists(self.r.file(name)), "the user's own")
            shutil.rmtree(os.path.join(self.r.git_dir, "bisect-run", "work"))

    def test_what_a_build_leaves_running_cannot_lead_the_putting_in_outside(self):
        self.hand_back()
        self.r.write("sub/check.sh", GUARD + "exit 0\n", 0o755)
        self.shell("exit 0", "--build", f'n=0; while [ $n -lt 20000 ]; do rm -rf sub; ln -s {self.folder}/empty sub; rm -f sub; mkdir sub; '
                   'n=$((n + 1)); done >/dev/null 2>&1 & exit 0')
        self.trial(["sh", "./sub/check.sh"], "--build", f'n=0; while [ $n -lt 20000 ]; do rm -rf sub; ln -s {self.folder}/empty sub; '
                   'rm -f sub; mkdir sub; n=$((n + 1)); done >/dev/null 2>&1 & exit 0')

    def test_links_in_the_profiles_folder_lead_no_export_outside(self):
        names = ["profile.txt", "profile.json", "profile.folded", "profile.speedscope.json", "profile.callgrind"]
        self.hand_back()
        self.r.write("plant.py", PY + f"""
d = os.environ.get('BISECT_RUN_PROFILE_DIR')
for name in {names!r} if d else ():
    os.symlink({self.folder!r} + '/file', d + '/' + name) if name[-1] != 'n' else os.mkfifo(d + '/' + name)
""")
        proc = self.popen("try", "--json", "--profile", "cprofile", "HEAD", "--", "python3", "plant.py", cwd=self.r.path)
        out, err = proc.communicate(timeout=lib.DEADLINE)
        done = lib.Done(proc.args, proc.returncode, out, err)
        self.assertEqual([t["verdict"] for t in done.trials][0], "good", done)

    def test_copies_that_the_user_gave_are_copies(self):
        self.hand_back()
        extra = self.r.write("extra.sh", GUARD + "for f in extra.sh own.sh; do echo x > $f; rm -f $f; done 2>/dev/null; exit 0\n")
        own = self.r.write("own.sh", "exit 0\n")
        self.trial(["sh", "extra.sh", "own.sh"], "--with", "extra.sh")
        self.assertTrue(lib.read(extra).startswith(GUARD))
        self.assertEqual(lib.read(own), "exit 0\n")

    def test_the_candidates_file_made_a_link_leads_nowhere(self):
        self.hand_back()
        given = self.r.write("input", "a\nb\nc\n")
        proc = self.popen("--json", "--reduce", "input", "--confirm", "off", "--max-trials", "12", "--", "sh", "-c", GUARD +
                          f'grep -q b "$1"; bad=$?; rm -f "$1"; ln -s {self.folder}/file "$1"; ln -s {self.folder} "$(dirname "$1")/x"; '
                          '[ $bad = 1 ]', "sh", "@@", cwd=self.r.path)
        out, err = proc.communicate(timeout=lib.DEADLINE)
        self.assertIn(proc.returncode, (0, 2, 3), err.decode())
        self.assertEqual(lib.read(given), "a\nb\nc\n")

    def test_a_setuid_program_left_in_the_tree_serves_nobody(self):
        self.shell("cp /bin/sh mine && chmod 6755 mine; exit 0")
        made = next(os.path.join(f, "mine") for f, _, names in os.walk(self.r.git_dir) if "mine" in names)
        self.assertTrue(os.stat(made).st_mode & stat.S_ISUID)
        shut = [f for f in self.folders_to(made) if not os.stat(f).st_mode & 0o077 and f.startswith(self.r.git_dir)]
        self.assertTrue(shut, "no folder on the way is closed to others")

    def folders_to(self, path):
        while path != "/":
            path = os.path.dirname(path)
            yield path

    def test_a_pipe_in_home_is_not_the_users(self):
        pipe = os.path.join(self.env["HOME"], "pipe")
        os.mkfifo(pipe)
        reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        self.py("fd = attempt('nobody reads', os.open, os.path.expanduser('~/pipe'), os.O_WRONLY | os.O_NONBLOCK)")
        self.assertEqual(os.read(reader, 10), b"")

    def test_devices_and_kernel_memory_are_out_of_reach(self):
        self.py("""
attempt('node', os.mknod, 'disk', stat.S_IFBLK | 0o600, os.makedev(254, 0))
attempt('memory node', os.mknod, '/tmp/mem', stat.S_IFCHR | 0o600, os.makedev(1, 1))
for path in ('/dev/mem', '/dev/kmem', '/dev/port', '/dev/kmsg', '/dev/vda', '/dev/sda', '/dev/nvme0n1', '/dev/loop-control', '/dev/fuse',
             '/dev/uinput', '/dev/vhost-net', '/dev/net/tun', '/dev/tty0', '/dev/console', '/proc/kcore', '/proc/kmsg', '/proc/vmcore'):
    attempt(path, lambda p: open(p, 'rb').read(1), path)
attempt('terminal', os.open, '/dev/tty', os.O_RDWR)
""")

    def test_control_groups_cannot_be_left_or_made(self):
        self.py("""
for top, folders, files in os.walk('/sys/fs/cgroup'):
    for name in files:
        if name in ('cgroup.procs', 'tasks', 'release_agent', 'cgroup.subtree_control', 'memory.max', 'cgroup.kill'):
            attempt(top + '/' + name, poke, top + '/' + name, b'0')
    attempt('group below ' + top, os.mkdir, top + '/mine')
    if top.count('/') > 6:
        folders[:] = []
""")


class Processes(AbuseCase):
    @unittest.skipUnless(X86, "the numbers of system calls are those of x86-64")
    def test_no_call_reaches_a_process_outside_by_its_number(self):
        self.py(f"""
P = {self.sentinel.pid}
one = ctypes.create_string_buffer(64)
a = ctypes.addressof(one)
struct.pack_into('QQ', one, 0, a + 32, 8)
for name, number, args in (('kill', 62, (P, 9)), ('tkill', 200, (P, 9)), ('tgkill', 234, (P, P, 9)), ('group', 62, (-P, 9)),
        ('sigqueue', 129, (P, 9, a)), ('ptrace', 101, (16, P, 0, 0)), ('seize', 101, (0x4206, P, 0, 0)), ('readv', 310, (P, a, 1, a, 1, 0)),
        ('writev', 311, (P, a, 1, a, 1, 0)), ('pidfd', 434, (P, 0)), ('kcmp', 312, (P, P, 0, 0, 0)), ('prlimit', 302, (P, 7, 0, a)),
        ('affinity', 203, (P, 8, a)), ('scheduler', 144, (P, 0, a)), ('nice', 141, (0, P, 19)), ('ioprio', 251, (1, P, 0)),
        ('group of', 121, (P,)), ('session of', 124, (P,)), ('setpgid', 109, (P, 0)), ('pages', 279, (P, 1, a, 0, a, 0)),
        ('memory policy', 256, (P, 1, a, a)), ('cap', 125, (a, a + 16)), ('robust list', 274, (P, a, a + 8))):
    if name == 'cap':
        struct.pack_into('Ii', one, 0, 0x20080522, P)
    call(name, number, *args)
""")

    def test_nothing_of_other_processes_can_be_read(self):
        self.py(f"""
for entry in os.listdir('/proc'):
    for name in ('environ', 'cmdline', 'maps') if entry.isdigit() else ():
        try:
            if {SECRET[:9]!r} + {SECRET[9:]!r} in open(f'/proc/{{entry}}/{{name}}', errors='replace').read() and int(entry) != os.getpid():
                print('did:', entry, name)
        except OSError:
            pass
attempt('folder', os.listdir, '/proc/{self.sentinel.pid}')
print(os.getppid())
""")

    @unittest.skipUnless(X86, "the numbers of system calls are those of x86-64")
    def test_the_first_process_cannot_be_traced_read_or_changed(self):
        self.py("""
import resource
one = ctypes.create_string_buffer(64)
a = ctypes.addressof(one)
for name, number, args in (('attach', 101, (16, 1, 0, 0)), ('seize', 101, (0x4206, 1, 0, 0)), ('readv', 310, (1, a, 1, a, 1, 0)),
                           ('writev', 311, (1, a, 1, a, 1, 0)), ('limits', 302, (1, 7, a, 0)), ('kcmp', 312, (1, os.getpid(), 0, 0, 0)),
                           ('pages', 279, (1, 1, a, a, a, 0))):
    struct.pack_into('QQ', one, 0, a + 32, 8) if number != 302 else struct.pack_into('QQ', one, 0, 1, 1)
    call(name, number, *args)
for what in range(16):  # or it could not serve any more
    attempt(f'limit {what} of 1', resource.prlimit, 1, what, (0, 0))
    attempt(f'share {what} of 1', resource.prlimit, 1, what, (0, resource.getrlimit(what)[1]))
fd = os.pidfd_open(1)
call('descriptor', 438, fd, 3, 0)
for sig in range(1, 65):
    try:
        os.kill(1, sig)
    except OSError:
        pass
""")

    def test_nobody_becomes_another_user(self):
        self.py(f"""
other = {USER + 1}
for name, f, args in (('setuid', os.setuid, (other,)), ('setresuid', os.setresuid, (other, other, other)), ('setgid', os.setgid, (other,)),
                      ('groups', os.setgroups, ([other],)), ('chown', os.chown, ('state', other, other)), ('root', os.chroot, ('/tmp',))):
    attempt(name, f, *args)
if os.getuid():
    attempt('setuid 0', os.setuid, 0)
for name, text in (('uid_map', b'0 0 4294967295'), ('gid_map', b'0 0 4294967295')):
    attempt(name, poke, '/proc/self/' + name, text)
""")

    def gone(self, marker):
        self.assertEqual(lib.traces_of(marker), [], "gone when the program ends")

    def test_a_crowd_of_sessions_that_ignore_all_signals_is_gone(self):
        marker = self.marker()
        trial = self.py(f"""
for i in range(200):
    if not os.fork():
        os.setsid()
        for sig in set(range(1, 65)) - {{9, 19, 32, 33}}:
            signal.signal(sig, signal.SIG_IGN)
        libc.prctl(15, b'bisect-run:init')
        libc.prctl(1, 0)
        libc.prctl(36, 1)
        time.sleep(600)
        os._exit(0)
sys.argv = ['{marker}']
sys.exit(3)
""", verdict="bad")
        self.assertEqual(trial["exit"], 3)
        self.gone(marker)


    def test_a_storm_of_zombies_is_no_failure(self):
        self.py("for i in range(300):\n    os.fork() or os._exit(0)\ntime.sleep(0.1)")

    def test_orphans_are_reaped_while_the_test_runs(self):
        self.py("""
for i in range(200):
    pid = os.fork()
    if not pid:
        os.fork()
        os._exit(0)
    os.waitpid(pid, 0)
end = time.monotonic() + 20
while time.monotonic() < end:
    left = [e for e in os.listdir('/proc') if e.isdigit()]
    if len(left) <= 2:
        sys.exit(0)
print('did: keep', len(left))
""")

    def test_a_test_that_stops_itself_and_all_others_runs_out_of_time(self):
        marker = self.marker()
        for script in ("kill -STOP $$", f"sleep {marker} & kill -STOP -1; kill -STOP $$", f"setsid sleep {marker} & kill -STOP 0"):
            trial = self.shell(script, "--timeout", "0.3s", verdict="bad")
            self.assertTrue(trial["timed_out"], script)
            self.gone(marker)


    def test_one_that_its_own_tracer_holds_is_gone(self):
        marker = self.marker()
        trial = self.py(f"""m = '{marker}'
if not os.fork():
    libc.ptrace(0, 0, 0, 0)
    os.kill(os.getpid(), 19)
time.sleep(600)
""", "--timeout", "0.3s", verdict="bad")
        self.assertTrue(trial["timed_out"])
        self.gone(marker)

    def test_signals_to_its_group_and_session_stay_inside(self):
        for script in ("kill -TERM 0", "kill -KILL 0", "kill -KILL -1; kill -KILL $$"):
            trial = self.shell(script, verdict="bad")
            self.assertIn(trial["signal"], (15, 9))

    def test_it_cannot_take_more_than_its_share_of_the_machine(self):
        self.py("""
import resource
attempt('nice', os.setpriority, os.PRIO_PROCESS, 0, -20)
attempt('real time', os.sched_setscheduler, 0, os.SCHED_FIFO, os.sched_param(50))
attempt('round robin', os.sched_setscheduler, 0, os.SCHED_RR, os.sched_param(1))
attempt('spared', poke, '/proc/self/oom_score_adj', b'-1000')
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
attempt('files', resource.setrlimit, resource.RLIMIT_NOFILE, (hard + 1, hard + 1))
attempt('name', socket.sethostname, 'other')
attempt('clock', time.clock_settime, time.CLOCK_REALTIME, 0)
""")
        if X86:
            self.py("""
b = ctypes.create_string_buffer(256)
struct.pack_into('I', b, 0, 0x4000)
call('adjtimex', 159, ctypes.addressof(b))
call('domain', 171, b'other', 5)
call('real-time disk', 251, 1, 0, 1 << 13)
struct.pack_into('IIQiIQQQ', b, 0, 48, 6, 0, 0, 0, 10 ** 7, 10 ** 8, 10 ** 8)
call('deadline', 314, 0, ctypes.addressof(b), 0)
""")

    @unittest.skipUnless(X86, "machine code of x86")
    def test_the_calls_of_32_bit_programs_are_refused_too(self):
        self.py(r"""
import mmap
code = mmap.mmap(-1, 4096, prot=7)
def old(number, first=0, second=0):
    code.seek(0)  # push rbx; eax, ebx, ecx; int 0x80; pop rbx; cdqe; ret
    code.write(b'\x53\xb8' + struct.pack('<I', number) + b'\xbb' + struct.pack('<I', first) + b'\xb9' + struct.pack('<I', second)
               + b'\xcd\x80\x5b\x48\x98\xc3')
    return ctypes.CFUNCTYPE(ctypes.c_long)(ctypes.addressof(ctypes.c_char.from_buffer(code)))()
pid = os.fork()
if not pid:
    os._exit(0 if old(20) == os.getpid() else 9)
if os.waitpid(pid, 0)[1]:
    sys.exit(0)  # this kernel has none
for name, number, args in (('mount', 21, ()), ('umount', 22, ()), ('keyctl', 288, ()), ('bpf', 357, ()), ('ptrace of 1', 26, (16, 1)),
                           ('user namespace', 310, (0x10000000,)), ('clone', 120, (0x10000000,)), ('clock', 25, ()), ('vsock', 359, (40, 1)),
                           ('socketcall', 102, (1, 0)), ('io_uring', 425, ()), ('chroot', 61, ()), ('setns', 346, ())):
    got = old(number, *args)
    if got not in (-1, -38, -97):
        print('did:', name, got)
""")


class Talking(AbuseCase):
    def test_no_packet_leaves(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as here:
            here.bind(("127.0.0.1", 0))
            here.setblocking(False)
            self.py(f"""
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for host in ('127.0.0.1', '192.0.2.1', '255.255.255.255'):
    try:
        s.sendto(b'out', (host, {here.getsockname()[1]}))
    except OSError:
        pass
for name, args in (('raw', (socket.AF_INET, socket.SOCK_RAW, 1)), ('packet', (socket.AF_PACKET, socket.SOCK_RAW, 3)),
                   ('raw 6', (socket.AF_INET6, socket.SOCK_RAW, 58)), ('bluetooth', (31, 3, 1)), ('vsock', (40, 1)),
                   ('audit', (socket.AF_NETLINK, socket.SOCK_RAW, 9))):
    try:
        got = socket.socket(*args)
        if name == 'audit':
            got.sendto(struct.pack('IHHII', 16, 1001, 5, 1, 0), (0, 0))  # who may change the rules?
            reply = got.recv(4096)
            if struct.unpack_from('i', reply, 16)[0] == 0:
                print('did: audit')
        else:
            print('did:', name)
    except OSError:
        pass
import fcntl
attempt('address', fcntl.ioctl, s.fileno(), 0x8916, b'lo'.ljust(16, b'\\0') + struct.pack('HH4s8x', 2, 0, bytes([10, 0, 0, 1])))
attempt('interface', fcntl.ioctl, s.fileno(), 0x8914, b'lo'.ljust(16, b'\\0') + struct.pack('H', 0) + bytes(22))
""")
            with self.assertRaises(BlockingIOError):
                here.recv(10)

    def test_sockets_of_all_kinds_that_services_listen_on_are_out_of_reach(self):
        socks = []
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
            for name in (os.path.join(self.folder, f"service {kind:d}"), f"\0bisect-run-abuse-{os.getpid()}-{kind:d}"):
                here = socket.socket(socket.AF_UNIX, kind)
                self.addCleanup(here.close)
                here.bind(name)
                if kind != socket.SOCK_DGRAM:
                    here.listen()
                if name[0] == "/":
                    os.chmod(name, 0o777)
                socks.append((int(kind), name))
        os.symlink(socks[0][1], os.path.join(self.folder, "by-link"))
        socks.append((socks[0][0], os.path.join(self.folder, "by-link")))
        self.hand_over()
        self.before = self.before_now()
        self.py(f"""
for kind, name in {socks!r}:
    s = socket.socket(socket.AF_UNIX, kind)
    attempt(f'{{kind}} {{name!r}}', s.connect, name)
    if kind == socket.SOCK_DGRAM:
        attempt(f'send {{name!r}}', s.sendto, b'x', name)
""")

    def test_shared_memory_queues_and_semaphores_are_its_own(self):
        key = 0xB15E0000 + os.getpid() % 65536
        self.py(f"""
import mmap
for name, number, args in (('shmget', 29, ({key}, 4096, 0o1666)), ('msgget', 68, ({key}, 0o1666)), ('semget', 64, ({key}, 1, 0o1666))):
    if {X86}:
        assert libc.syscall(number, *args) >= 0, name
for path in ('/dev/shm/bisect-run-abuse', '/tmp/bisect-run-abuse', '/run/bisect-run-abuse', '/var/tmp/bisect-run-abuse'):
    open(path, 'w').write('x')
librt = ctypes.CDLL(None, use_errno=True)
librt.mq_open(b'/bisect-run-abuse', os.O_CREAT | os.O_RDWR, 0o666, None)
""")
        for kind in ("shm", "msg", "sem"):
            keys = [line.split()[0] for line in lib.read(f"/proc/sysvipc/{kind}").splitlines()[1:]]
            self.assertNotIn(key - (1 << 32), map(int, keys))
            self.assertNotIn(key, map(int, keys))
        for folder in ("/dev/shm", "/tmp", "/run", "/var/tmp", "/dev/mqueue"):
            self.assertFalse(os.path.exists(folder + "/bisect-run-abuse"))

    # ---- output ----

    ESCAPES = "\\033]0;title\\007\\033[2J\\033[31m\\033]52;c;ZWNobyBoaQ==\\007\\033P+q544e\\033\\\\\\233c\\r\\b"

    def said(self, *args, rev="HEAD", command):
        """All that the program prints in words."""
        proc = self.popen(*args, "--", *command, cwd=self.r.path)
        out, err = proc.communicate(timeout=lib.DEADLINE)
        return out + err

    def test_escape_sequences_of_a_failing_test_do_not_reach_the_terminal(self):
        script = GUARD + f"printf '{self.ESCAPES}' | tee /dev/stderr; printf 'AssertionError: {self.ESCAPES}\\n'; exit 3"
        for args in (["try", "-v", "HEAD"], ["--good", "c1", "-v"], ["try", "--json", "HEAD"]):
            text = self.said(*args, command=["sh", "-c", script])
            self.assertNotIn(b"\x1b", text)
            self.assertNotIn(b"\x07", text)
            self.assertNotIn(b"\x9b", text.decode("utf-8").encode("latin-1", "ignore"))

    def test_escape_sequences_do_not_reach_a_real_terminal_either(self):
        if self.uid is not None:
            self.skipTest("the same program, once is enough")
        script = GUARD + f"printf '{self.ESCAPES}'; printf 'Error: {self.ESCAPES}\\n'; exit 3"
        terminal = lib.Terminal(self, "try", "--no-color", "HEAD", "--", "sh", "-c", script, cwd=self.r.path,
                                env={"HOST_NS": os.readlink("/proc/self/ns/mnt")}, stdout_too=True)
        terminal.finish()
        for what in (b"\x1b]", b"\x1bP", b"\x07", b"\x1b[2J", b"\x1b[31m"):
            self.assertNotIn(what, terminal.shown)

    def test_escape_sequences_in_a_commits_subject_and_path_do_not_reach_the_terminal(self):
        self.hand_back()
        esc = self.ESCAPES.encode().decode("unicode_escape")
        self.r.write("state", "1\n")
        self.r.git("commit", "-q", "-a", "--allow-empty", "-m", "subject " + esc.replace("\r", "").replace("\0", ""))
        text = self.said("try", "HEAD", command=["sh", "-c", GUARD + "exit 1"]) + self.said("--good", "c1", command=lib.STATE)
        self.assertIn(b"subject", text)
        for what in (b"\x1b", b"\x07"):
            self.assertNotIn(what, text)

    def test_nul_bytes_and_broken_utf_8_leave_the_report_whole(self):
        trial = self.py(r"os.write(1, bytes(range(256)) * 40 + b'\nError: \xff\xfe\0\xc3(\n' + b'\0' * 5000 + b'\xed\xa0\x80'); sys.exit(3)",
                        verdict="bad")
        self.assertEqual(trial["exit"], 3)
        text = self.said("try", "HEAD", command=["printf", r"\0\377\303(\n\0AssertionError: \377\n"])
        text.decode("utf-8")
        self.assertNotIn(b"\0", text)

    def test_a_flood_of_output_is_cut_and_judged(self):
        trial = self.shell("head -c 200000000 /dev/zero; echo; echo the end; exit 3", verdict="bad")
        self.assertEqual(trial["exit"], 3)
        self.assertLess(os.stat(trial["log"]).st_size, 32 << 20)
        self.assertIn("the end", trial["text"][-100:])
        self.assertGreaterEqual(trial["output_bytes"], 200000000)

    def test_one_line_of_many_megabytes_is_judged(self):
        trial = self.shell("head -c 40000000 /dev/zero | tr '\\0' x; exit 3", verdict="bad")
        self.assertEqual(trial["exit"], 3)
        trial = self.shell("head -c 4000000 /dev/zero | tr '\\0' x; exit 3", "--bad-if", "(x+)+y", verdict=None)
        self.assertEqual(trial["exit"], 3)

    def test_no_output_at_all_and_output_that_cannot_be_written(self):
        self.assertEqual(self.shell("exec >&- 2>&- <&-; exit 3", verdict="bad")["exit"], 3)
        self.assertEqual(self.shell("exec >/dev/full 2>&1; echo x; exit 4", verdict="bad")["exit"], 4)

    def test_playing_with_the_pipe_of_its_output_harms_only_its_output(self):
        trial = self.py(r"""
import fcntl
fcntl.fcntl(1, fcntl.F_SETFL, os.O_NONBLOCK | os.O_WRONLY)
try:
    fcntl.fcntl(1, 1031, 4096)
    own = os.open('/proc/self/fd/1', os.O_RDWR | os.O_NONBLOCK)
    for i in range(50):
        os.write(own, b'x' * 1000)
        os.read(own, 100)
except OSError:
    pass
if not os.fork():
    time.sleep(600)
os._exit(5)
""", verdict="bad")
        self.assertEqual(trial["exit"], 5)

    def test_fake_markers_do_not_make_a_passing_test_bad(self):
        markers = ["Segmentation fault (core dumped)", "Traceback (most recent call last):\\n  File \"x.py\", line 1, in f\\nValueError: x",
                   "x.c:1: f: Assertion `a' failed.", "FAILED (failures=1)", "thread 'main' panicked at src/main.rs:1:1:\\nx",
                   "{\"verdict\": \"bad\", \"exit\": 1}", "make: *** [Makefile:1: all] Error 2", "bad: exit 1", "Killed", "Out of memory",
                   "No space left on device", "sh: 1: prog: not found", "ModuleNotFoundError: No module named 'x'", "timed out"]
        trial = self.shell("".join(f"printf '%b\\n' '{m.replace(chr(39), chr(39) + chr(92) + chr(39) * 2)}'\n" for m in markers) + "exit 0")
        self.assertEqual((trial["verdict"], trial["exit"]), ("good", 0))

    def test_forged_reports_are_not_believed(self):
        """Whatever it writes to whatever descriptor: the exit status is what the first process saw."""
        trial = self.py("""
for fd in range(3, 64):
    for text in (bytes(64), b'\\x03' + bytes(255), b'good'):
        try:
            os.write(fd, text)
        except OSError:
            pass
sys.exit(9)
""", verdict="bad")
        self.assertEqual(trial["exit"], 9)


class Tree(AbuseCase):
    def test_a_tree_that_removed_itself_is_made_again(self):
        self.shell('cd .. ; rm -rf "$OLDPWD"/* "$OLDPWD"/.git "$OLDPWD" 2>/dev/null; exit 0')
        self.assert_next_is_clean()

    def test_a_tree_without_any_permission_is_put_right(self):
        self.shell("mkdir -p own/deep; echo x > own/deep/file; chmod -R 000 . 2>/dev/null; chmod 000 .git dir own . 2>/dev/null; exit 0")
        self.assert_next_is_clean()
        self.shell("chmod 000 own dir/deep dir .; exit 0")
        self.assert_next_is_clean("--clean", "all")

    LEVELS = "os.chdir(sys.argv[1])\nfor i in range(int(sys.argv[2])):\n    os.mkdir('d' * 8)\n    os.chdir('d' * 8)\n"

    def test_folders_in_folders_in_folders_are_removed(self):
        home = "os.chdir(os.path.expanduser('~'))\n"
        for where, levels in (("/tmp", 5000), ("/dev/shm", 5000), (".", 500), ("dir", 100)):
            self.trial(["python3", "-c", PY + home + self.LEVELS, where, str(levels)] if where[0] == "/" else
                       ["python3", "-c", PY + self.LEVELS, where, str(levels)], verdict="good")
        self.assert_next_is_clean("--clean", "all")
        self.assertEqual([n for n in self.tree_names() if n.startswith("d" * 8)], [])

    def tree_names(self):
        return next(d for f, d, _ in os.walk(self.r.git_dir) if os.path.basename(f) == "tree")

    def test_pipes_sockets_and_folders_in_place_of_files_hold_nothing_up(self):
        self.py("""
for name in ('state', 'name', 'dir/file', 'dir/deep/er'):
    os.unlink(name)
os.mkfifo('state')
socket.socket(socket.AF_UNIX).bind('name')
os.makedirs('dir/file/full/of')
os.symlink('er', 'dir/deep/er')
os.mkfifo('pipe')
""")
        self.assert_next_is_clean()
        self.shell("rm -rf dir; mkfifo dir .gitignore .gitattributes .gitmodules; ln -s loop loop; exit 0")
        self.assert_next_is_clean("--clean", "all")

    def test_names_that_terminals_and_scripts_stumble_over(self):
        trial = self.py(r"""
for name in (b'\n', b'\x1b[31m', b'-rf', b' ', b'\xff\xfe', b'"', b"'", b'$(touch x)', b'a' * 255, b'\\', b'*', b'.git2', b'x\ny'):
    os.makedirs(name, exist_ok=True)
    open(name + b'/' + name, 'w').close()
""")
        self.assertNotIn("\x1b", trial["said"])
        self.assert_next_is_clean("--clean", "all")

    def test_huge_sparse_files_cost_nothing(self):
        self.py("""
for name in ('state', 'name', 'dir/file', '/tmp/sparse', os.path.expanduser('~/sparse')):
    with open(name, 'wb') as out:
        out.truncate(1 << 32)
        out.seek((1 << 32) - 1)
        out.write(b'x')
""")
        self.assert_next_is_clean()

    def test_many_empty_files_are_removed(self):
        self.py("""
for top in ('many', '/tmp/many', os.path.expanduser('~/many')):
    os.mkdir(top)
    for i in range(3000):
        os.close(os.open(f'{top}/{i}', os.O_CREAT | os.O_WRONLY))
""")
        self.assert_next_is_clean("--clean", "all")
        self.assertNotIn("many", self.tree_names())

    def test_a_ruined_private_git_directory_is_made_again(self):
        for script in ("rm -rf .git; exit 0", "rm -rf .git; echo gitdir: /nowhere > .git; exit 0",
                       f"rm -rf .git; ln -s {self.folder} .git; exit 0",
                       "cd .git; rm -f HEAD index commondir; mkfifo HEAD index commondir; touch index.lock HEAD.lock; exit 0",
                       "cd .git; for f in *; do rm -rf $f; head -c 5000 /dev/urandom > $f; done; exit 0",
                       f"cd .git; for f in HEAD index commondir bisect-run-state bisect-run-index; do rm -f $f; ln -s {self.folder}/file $f; done; exit 0",
                       f"cd .git; mkdir -p objects/info; echo {self.folder} > objects/info/alternates; mkdir refs; ln -s {self.folder} logs; exit 0"):
            self.shell(script)
            self.assert_next_is_clean()

    def test_planted_hooks_filters_and_settings_are_never_run_outside(self):
        mark = f"sh -c 'touch {self.folder}/ran {self.outside}/ran'"
        self.shell(f"""
plant() {{
	mkdir -p "$1/hooks" "$1/info"
	for h in post-checkout post-index-change pre-commit reference-transaction post-merge fsmonitor-watchman; do
		printf '#!/bin/sh\\n{mark.replace("'", '"')}\\n' > "$1/hooks/$h"; chmod +x "$1/hooks/$h"
	done
	cat >> "$1/config" <<EOF
[core]
	fsmonitor = {mark}
	hooksPath = $PWD/.git/hooks
	pager = {mark}
	sshCommand = {mark}
[filter "x"]
	clean = {mark}
	smudge = {mark}
	process = {mark}
[diff]
	external = {mark}
[alias]
	clean = !{mark}
	status = !{mark}
[include]
	path = $PWD/.git/more
EOF
	cp "$1/config" "$1/config.worktree"; cp "$1/config" .git/more 2>/dev/null
	echo '* filter=x diff=x' > "$1/info/attributes"
}}
plant .git
echo '* filter=x' > .gitattributes
git init -q nested; plant nested/.git; echo '[submodule "nested"]
	path = nested
	url = ext::{mark}
	update = !{mark}' > .gitmodules
mkdir bare; printf '[core]\\n\\tbare = true\\n\\tfsmonitor = x\\n' > bare/config; mkdir bare/objects bare/refs; echo ref: refs/heads/x > bare/HEAD
exit 0""")
        self.assert_next_is_clean()
        self.assert_next_is_clean("--clean", "untracked")
        self.assert_next_is_clean("--clean", "all")

    def test_a_build_that_destroys_all_ends_with_a_verdict(self):
        trial = self.shell("exit 0", "--build", GUARD + "rm -rf * .git; chmod 000 .; exit 0", verdict=None)
        self.assertIn(trial["verdict"], ("good", "skip"), trial["why"])
        self.assert_next_is_clean()

    def test_files_that_are_written_until_the_end_do_not_disturb_the_next_trial(self):
        marker = self.marker()
        self.shell(f"for i in 1 2 3 4; do (setsid sh -c ': {marker}; while :; do echo x > state; mkdir -p dir/n/$$; rm -rf dir/n; done' "
                   "2>/dev/null &); done; sleep 0.1; exit 0")
        self.assertEqual(lib.traces_of(marker), [])
        self.assert_next_is_clean()

    def test_a_crash_leaves_no_core_file(self):
        trial = self.py("libc.prctl(4, 1)\nos.kill(os.getpid(), 11)\n", verdict="bad")
        self.assertEqual(trial["signal"], 11)
        self.assertEqual([n for f, _, names in os.walk(self.tmp) for n in names if n.startswith("core")], [])


    def test_memory_that_no_process_maps_is_bounded(self):
        """By a kernel's control group it is counted; elsewhere the test may use it, and it is gone with the test."""
        trial = self.py("""
fd = os.memfd_create('x')
for i in range(150):
    os.write(fd, bytes(1 << 20))
time.sleep(0.2)
""", "--memory", "80M", verdict=None)
        self.assertIn(trial["verdict"], ("good", "bad"))
        if trial["verdict"] == "bad":
            self.assertEqual(trial["failure"]["kind"], "memory")


FilesOfAnOrdinaryUser = as_ordinary_user(Files, __name__)
ProcessesOfAnOrdinaryUser = as_ordinary_user(Processes, __name__)
TalkingOfAnOrdinaryUser = as_ordinary_user(Talking, __name__)
TreeOfAnOrdinaryUser = as_ordinary_user(Tree, __name__)

if __name__ == "__main__":
    lib.main()
