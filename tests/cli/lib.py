"""What the black-box tests share: private surroundings, repositories made by fast-import, and running the program."""

import contextlib
import fcntl
import functools
import hashlib
import json
import os
import pty
import random
import select
import shlex
import shutil
import signal
import stat
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.path.join(ROOT, os.environ.get("BISECT_RUN", "build/bisect-run"))
DEADLINE = float(os.environ.get("BR_TEST_DEADLINE", "60"))  # seconds; for machines that are very slow
LONG = bool(os.environ.get("BR_LONG"))

# Says good or bad by what the commit holds; short, and without a shell's fork.
STATE = ["sh", "-c", 'exit $(cat state)']
STATE_FILE = "state"
GOOD, BAD = "0\n", "1\n"
# The same with any exit status: see exits().
CODE = ["sh", "-c", "exit $(cat code)"]


def linear(count, prefix="c", files=None):
    """c1 <- c2 <- ... as a graph: a list of (name, parents, {path: content}); files maps a name to its changes."""
    names = [f"{prefix}{i}" for i in range(1, count + 1)]
    changes = files or {}
    return [(n, names[i - 1:i], changes.get(n, {})) for i, n in enumerate(names)]


def exits(codes):
    """Changes for linear(): the file `code` says how the commit's test exits."""
    return {name: {"code": f"{code}\n"} for name, code in codes.items()}


def random_graph(rng, commits, merges=0.25):
    """A connected history with one root and one tip; branches live side by side and are merged at random."""
    graph, tips = [("r0", [], {})], ["r0"]
    for i in range(1, commits):
        name = f"r{i}"
        if len(tips) > 1 and rng.random() < merges:
            parents = rng.sample(tips, 2)
            tips = [t for t in tips if t not in parents] + [name]
        elif rng.random() < merges and len(tips) < 6:
            parents = [rng.choice(graph)[0]]
            tips = [t for t in tips if t != parents[0]] + [name]
        else:
            parents = [rng.choice(tips)]
            tips = [t for t in tips if t != parents[0]] + [name]
        graph.append((name, parents, {}))
    while len(tips) > 1:
        name = f"r{len(graph)}"
        graph.append((name, tips[:2], {}))
        tips = tips[2:] + [name]
    return graph


def ancestors(graph, name):
    """All from which name inherits, and name itself."""
    parents = {n: p for n, p, _ in graph}
    seen, todo = set(), [name]
    while todo:
        here = todo.pop()
        if here not in seen:
            seen.add(here)
            todo.extend(parents[here])
    return seen


class Repo:
    """A repository of the test's own, at path, used with the environment env."""

    def __init__(self, path, env, bare=False):
        self.path, self.env, self.oid = str(path), dict(env), {}
        os.makedirs(self.path, exist_ok=True)
        self.git("init", "-q", "-b", "main", *(["--bare"] if bare else []))
        self.bare = bare

    @property
    def git_dir(self):
        return self.path if self.bare else os.path.join(self.path, ".git")

    def file(self, *parts):
        return os.path.join(self.path, *parts)

    def git(self, *args, check=True, data=b""):
        """Runs git here, returns its stdout without the final newline."""
        done = subprocess.run(["git", *args], cwd=self.path, env=self.env, input=data,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=DEADLINE)
        if check and done.returncode:
            raise AssertionError(f"git {args} ended with {done.returncode}: {done.stderr.decode()}")
        return done.stdout.decode(errors="replace").rstrip("\n")

    def make(self, graph, bad=(), states=(GOOD, BAD), unique=True, head=None):
        """
        Makes the commits of the graph, parents first, each with a lightweight tag of its name. A commit has its parents' files
        (the first parent's win), then its own changes (None deletes; a pair is content and mode). The file `state`
        tells whether a commit of bad is among its ancestors or itself; `name` makes every tree unique.
        """
        trees, infected, stream = {}, set(), []
        for number, (name, parents, changes) in enumerate(graph, 1):
            tree = {}
            for parent in reversed(parents):
                tree.update(trees[parent])
            tree.update(changes)
            tree = {path: content for path, content in tree.items() if content is not None}
            if name in bad or infected.intersection(parents):
                infected.add(name)
            if bad or states[0] != GOOD:
                tree[STATE_FILE] = states[name in infected]
            if unique:
                tree["name"] = name + "\n"
            trees[name] = tree
            stream.append(self._commit(number, name, parents, tree, graph))
        tip = head or graph[-1][0]
        order = {entry[0]: i for i, entry in enumerate(graph, 1)}
        stream.append(f"reset refs/heads/main\nfrom :{order[tip]}\n\n".encode())
        marks = os.path.join(self.git_dir, "marks")
        self.git("fast-import", "--quiet", "--force", f"--export-marks={marks}", data=b"".join(stream))
        with open(marks) as lines:
            by_mark = dict(line.split() for line in lines)
        os.unlink(marks)
        self.oid = {name: by_mark[f":{i}"] for name, i in order.items()}
        if not self.bare:
            self.git("reset", "-q", "--hard")
        return self

    @staticmethod
    def _commit(number, name, parents, tree, graph):
        order = {entry[0]: i for i, entry in enumerate(graph, 1)} if parents else {}
        who = f"A U Thor <author@example.com> {1600000000 + 60 * number} +0000"
        subject = f"commit {name}"
        out = [f"commit refs/tags/{name}\nmark :{number}\nauthor {who}\ncommitter {who}\n"
               f"data {len(subject.encode())}\n{subject}\n".encode()]
        for i, parent in enumerate(parents):
            out.append(f"{'merge' if i else 'from'} :{order[parent]}\n".encode())
        out.append(b"deleteall\n")
        for path, content in sorted(tree.items()):
            content, mode = content if isinstance(content, tuple) else (content, 0o644)
            data = content if isinstance(content, bytes) else content.encode()
            out.append(f"M 100{mode:o} inline {path}\ndata {len(data)}\n".encode() + data + b"\n")
        out.append(b"\n")
        return b"".join(out)

    def name_of(self, oid):
        return {o: n for n, o in self.oid.items()}.get(oid, oid)

    def names(self, oids):
        return {self.name_of(o) for o in oids}

    def write(self, path, content, mode=0o644):
        full = self.file(path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w") as out:
            out.write(content)
        os.chmod(full, mode)
        return full

    def loose(self, spec):
        """The path of the loose object that spec names."""
        oid = self.git("rev-parse", spec)
        return os.path.join(self.git_dir, "objects", oid[:2], oid[2:])


class Done:
    """How a run of the program ended."""

    def __init__(self, args, rc, out, err):
        self.args, self.rc = args, rc
        self.out, self.err = out.decode(errors="replace"), err.decode(errors="replace")

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def trials(self):
        return self.json["trials"]

    def phase(self, phase, cached=False):
        """The trials of this phase; those answered from memory only when asked for."""
        return [t for t in self.trials if t["phase"] == phase and (cached or not t.get("cached"))]

    def __str__(self):
        out = self.out[-3000:]
        with contextlib.suppress(ValueError, KeyError, AttributeError, TypeError):
            result = self.json
            result["trials"] = [" ".join(f"{t[k]}" for k in ("n", "oid", "phase", "verdict", "why", "cached")) for t in self.trials]
            out = json.dumps(result, indent=1)
        return f"{shlex.join(map(str, self.args))}\n  exit {self.rc}\n--- stdout\n{out}\n--- stderr\n{self.err[-3000:]}"


@functools.cache
def sandbox_missing():
    """Why tests cannot run in namespaces here, in doctor's words; None: they can."""
    if not os.access(PROGRAM, os.X_OK):
        return "the program is not built"
    out = subprocess.run([PROGRAM, "doctor"], capture_output=True, text=True, timeout=DEADLINE).stdout
    line = next((line for line in out.splitlines() if "--sandbox strict" in line), "doctor does not say")
    return None if line.split()[0] == "yes" else line.strip()


class Case(unittest.TestCase):
    """A test with a directory, a home and a git configuration of its own; nothing of it stays."""

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        if not os.access(PROGRAM, os.X_OK):
            raise unittest.SkipTest(f"the program is not built: {PROGRAM}")

    def setUp(self):
        self.tmp = os.path.realpath(tempfile.mkdtemp(prefix="bisect-run-test."))
        self.addCleanup(self._remove)
        self.env = self._environment()
        self._markers, self._running = [], []

    def _environment(self):
        home = os.path.join(self.tmp, "home")
        os.makedirs(os.path.join(home, ".config"))
        os.makedirs(os.path.join(self.tmp, "tmp"))
        self.global_config = os.path.join(home, ".gitconfig")
        with open(self.global_config, "w") as out:
            out.write("[user]\n\tname = A U Thor\n\temail = author@example.com\n[core]\n\tfsync = none\n"
                      "[init]\n\tdefaultBranch = main\n[gc]\n\tauto = 0\n[protocol \"file\"]\n\tallow = always\n")
            if sandbox_missing():  # root would be refused
                out.write("[bisectrun]\n\tsandbox = none\n")
        return {"PATH": os.environ["PATH"], "HOME": home, "XDG_CONFIG_HOME": os.path.join(home, ".config"),
                "GIT_CONFIG_GLOBAL": self.global_config, "GIT_CONFIG_NOSYSTEM": "1", "GIT_PAGER": "cat",
                "TMPDIR": os.path.join(self.tmp, "tmp"), "LC_ALL": "C.UTF-8", "TERM": "dumb",
                **{k: v for k, v in os.environ.items() if k.startswith(("ASAN_", "UBSAN_", "LSAN_"))}}

    def _remove(self):
        for proc in self._running:
            if proc.poll() is None:
                proc.kill()
                proc.wait()
        for marker in self._markers:
            for pid in traces_of(marker):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        remove_tree(self.tmp)

    def path(self, *parts):
        return os.path.join(self.tmp, *parts)

    def repo(self, graph=None, name="repo", bare=False, **kw):
        made = Repo(self.path(name), self.env, bare)
        if graph is not None:
            made.make(graph, **kw)
        return made

    def line(self, count, culprit, **kw):
        """A repository with c1..cCOUNT in a row, bad from `culprit` on."""
        return self.repo(linear(count), bad=[culprit], **kw)

    def run_program(self, *args, cwd=None, env=None, program=None, stdin=subprocess.DEVNULL, timeout=DEADLINE):
        """Runs it to its end. env: what is added (None takes away)."""
        argv = [program or PROGRAM, *map(str, args)]
        try:
            done = subprocess.run(argv, cwd=str(cwd or self.tmp), env=self._with(env), stdin=stdin,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout)
        except subprocess.TimeoutExpired as late:
            self.fail(f"did not end in {timeout} s: {shlex.join(argv)}\n{(late.stderr or b'').decode()[-2000:]}")
        result = Done(argv, done.returncode, done.stdout, done.stderr)
        for sign in ("AddressSanitizer", "LeakSanitizer", "runtime error:"):
            self.assertNotIn(sign, result.err)
        return result

    def _with(self, extra):
        env = dict(self.env)
        env.update(extra or {})
        return {k: v for k, v in env.items() if v is not None}

    def start(self, *args, cwd=None, env=None, **kw):
        """Starts it in a process group of its own (as a shell with job control does), output to files."""
        out, err = open(self.path("started.out"), "wb"), open(self.path("started.err"), "wb")
        with out, err:
            proc = subprocess.Popen([PROGRAM, *map(str, args)], cwd=str(cwd or self.tmp), env=self._with(env),
                                    stdin=subprocess.DEVNULL, stdout=out, stderr=err, process_group=0, **kw)
        self._running.append(proc)
        return proc

    def ended(self, proc, timeout=DEADLINE):
        """Waits for a started one."""
        try:
            rc = proc.wait(timeout)
        except subprocess.TimeoutExpired:
            self.fail(f"did not end in {timeout} s\n{read(self.path('started.err'))}")
        return Done(proc.args, rc, read(self.path("started.out"), "rb"), read(self.path("started.err"), "rb"))

    def search(self, repo, *args, command=STATE, expect=0, cwd=None, confirm="quick", **kw):
        """A search with --json; its status is checked. It is confirmed quickly unless a test asks for more, to save time."""
        how = [] if confirm is None or "--confirm" in args else ["--confirm", confirm]
        done = self.run_program("--json", *how, *args, "--", *command, cwd=cwd or repo.path, **kw)
        if expect is not None:
            self.assertEqual(done.rc, expect, done)
        return done

    def assert_first_bad(self, repo, done, name):
        result = done.json
        self.assertEqual(result["status"], "isolated", done)
        self.assertEqual(repo.name_of(result["commits"]["first_bad"]["oid"]), name, done)
        self.assertEqual(repo.names(result["commits"]["candidates"]), {name}, done)

    def assert_narrowed(self, repo, done, names):
        result = done.json
        self.assertEqual((done.rc, result["status"]), (2, "narrowed"), done)
        self.assertIsNone(result["commits"]["first_bad"], done)
        self.assertEqual(repo.names(result["commits"]["candidates"]), set(names), done)

    def assert_refused(self, done, pattern, rcs=(1,)):
        """A clear end: the status, a short message that says so, nothing on stdout, no trace of a crash."""
        self.assertIn(done.rc, rcs, done)
        self.assertRegex(done.err, pattern, str(done))
        self.assertEqual(done.out, "", done)
        self.assertLessEqual(len(done.err.strip().splitlines()), 6, done)

    def until(self, condition, what, timeout=DEADLINE):
        """Polls for a condition with a deadline; returns its value."""
        end = time.monotonic() + timeout
        while True:
            value = condition()
            if value:
                return value
            if time.monotonic() > end:
                err = read(self.path("started.err")) if os.path.exists(self.path("started.err")) else ""
                self.fail(f"waited {timeout} s in vain for: {what}\n{err[-2000:]}")
            time.sleep(0.005)

    def marker(self):
        """An argument for sleep by which a process is found again: ten minutes and a unique fraction."""
        unique = f"600.0{os.getpid():08d}{random.randrange(10 ** 8):08d}"
        self._markers.append(unique)
        return unique

    def assert_gone(self, marker, timeout=10):
        self.until(lambda: not traces_of(marker), f"no process with {marker} is left", timeout)

    def journal(self, name="journal"):
        """A file to which commands append, and what reads its lines."""
        path = self.path(name)

        def lines():
            return read(path).splitlines() if os.path.exists(path) else []
        return path, lines

    def logged(self, path, then='exit $(cat state)'):
        """
        A command that notes the commit in the journal at path, outside of the tree, before it judges. The path is
        not written out: the contents of files that a command names belong to the verdict's key.
        """
        return ["sh", "-c", f'echo "$BISECT_RUN_COMMIT" >> "$HOME/../{os.path.basename(path)}"; {then}']


# Needed where the command writes outside its tree, to tell the test what it does.
OUTSIDE = ["--sandbox", "none"]


def read(path, mode="r"):
    with open(path, mode, **({} if "b" in mode else {"errors": "replace"})) as file:
        return file.read()


def command_lines():
    """(process, its arguments joined by NUL) of all processes but this one."""
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) != os.getpid():
            with contextlib.suppress(OSError):
                yield int(entry), read(f"/proc/{entry}/cmdline", "rb")


def processes_with(word):
    """The processes that have this word as an argument: a sleep, not the shell whose script mentions it."""
    return [pid for pid, line in command_lines() if word.encode() in line.split(b"\0")]


def traces_of(word):
    """The processes that mention this word anywhere in their arguments: the shells around a sleep, too."""
    return [pid for pid, line in command_lines() if word.encode() in line]


def process_state(pid):
    """R, S, T, Z ... or None when it is gone."""
    try:
        return read(f"/proc/{pid}/stat").rsplit(")", 1)[1].split()[0]
    except OSError:
        return None


def remove_tree(path):
    def mend(function, where, _):
        with contextlib.suppress(OSError):
            os.chmod(os.path.dirname(where), 0o700)
            os.chmod(where, 0o700)
            function(where)
    shutil.rmtree(path, onerror=mend)


def snapshot(repo):
    """
    Everything of a repository that must not change: every file and folder with type, mode, time and content,
    but for .git/bisect-run, and the times of the folders that hold it.
    """
    seen = {}
    state = os.path.join(repo.git_dir, "bisect-run")
    for folder, folders, files in os.walk(repo.path):
        folders[:] = [f for f in folders if os.path.join(folder, f) != state]
        for name in folders + files:
            full = os.path.join(folder, name)
            info = os.lstat(full)
            content, when = "", info.st_mtime_ns
            if stat.S_ISLNK(info.st_mode):
                content = os.readlink(full)
            elif stat.S_ISREG(info.st_mode):
                content = hashlib.sha1(read(full, "rb")).hexdigest()
            elif full == repo.git_dir:
                when = 0
            seen[os.path.relpath(full, repo.path)] = (oct(info.st_mode), when, content)
    env = {**repo.env, "GIT_OPTIONAL_LOCKS": "0"}
    for question in (["status", "--porcelain=v2", "--branch"], ["stash", "list"], ["for-each-ref"], ["rev-parse", "HEAD"]):
        if repo.bare and question[0] in ("status", "stash"):
            continue
        seen[" ".join(question)] = subprocess.run(["git", *question], cwd=repo.path, env=env,
                                                  stdout=subprocess.PIPE, check=True).stdout
    return seen


class Terminal:
    """The program on a terminal of 80 columns: what it shows is collected, what is typed goes in."""

    def __init__(self, case, *args, cwd, env=None, stdout_too=False):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.shown, self.case = b"", case
        self.out = open(case.path("terminal.out"), "wb")
        self.proc = subprocess.Popen([PROGRAM, *map(str, args)], cwd=str(cwd), env=case._with({"TERM": "xterm", **(env or {})}),
                                     stdin=slave, stderr=slave, stdout=slave if stdout_too else self.out,
                                     start_new_session=True,
                                     preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)
        case._running.append(self.proc)

    def type(self, text):
        os.write(self.master, text.encode())

    def pump(self, timeout=0.02):
        """Reads what is there; False at the end."""
        if select.select([self.master], [], [], timeout)[0]:
            try:
                data = os.read(self.master, 65536)
            except OSError:
                return False
            self.shown += data
            return bool(data)
        return True

    def finish(self, timeout=DEADLINE):
        end = time.monotonic() + timeout
        while self.pump() and time.monotonic() < end:
            pass
        rc = self.proc.wait(max(1, end - time.monotonic()))
        os.close(self.master)
        self.out.close()
        return Done(self.proc.args, rc, read(self.case.path("terminal.out"), "rb"), self.shown)


def main():
    """Runs the calling file's tests; quiet unless something fails."""
    unittest.main(module="__main__", verbosity=2 if "-v" in sys.argv else 1)
