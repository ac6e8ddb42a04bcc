"""Where programs crash and hang: stacks without a sanitizer, in plain processes and in the sandbox."""

import functools
import gzip
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import unittest

import lib

CRASH = """
#include <stdlib.h>
__attribute__((noinline)) void store(volatile int *p) { *p = 1; }
__attribute__((noinline)) int parse_header(int n) { store((volatile int *)(long)n); return n; }
int main(int argc, char **argv) { return parse_header(argc > 1 ? atoi(argv[1]) : 16) - 16; }
"""
HANG = """
volatile int go = 1;
__attribute__((noinline)) void hang_in_f(void) { while (go) ; go = 2; }
__attribute__((noinline)) void hang_in_g(void) { while (go) ; go = 3; }
int main(int argc, char **argv) { if (argc > 1) hang_in_g(); else hang_in_f(); return 0; }
"""
DEADLOCK = """
#include <pthread.h>
static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t both;
static void *withdraw(void *arg)
{ pthread_mutex_lock(&a); pthread_barrier_wait(&both); pthread_mutex_lock(&b); return arg; }
static void *deposit(void *arg)
{ pthread_mutex_lock(&b); pthread_barrier_wait(&both); pthread_mutex_lock(&a); return arg; }
int main(void)
{
	pthread_t t[2];
	pthread_barrier_init(&both, 0, 2);
	pthread_create(&t[0], 0, withdraw, 0);
	pthread_create(&t[1], 0, deposit, 0);
	pthread_join(t[0], 0);
	pthread_join(t[1], 0);
	return 0;
}
"""
LOOP = """import os


def spin(n):
    while True:
        n += 1


def work():
    spin(1)


work()
"""
USER = 23456  # an ordinary one, when the tests run as root


@functools.cache
def compiled(source, name):
    """The program's bytes: the same few are needed by every class."""
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, name + ".c"), "w") as out:
            out.write(source)
        subprocess.run(["gcc", "-g", "-O1", "-pthread", "-o", name, name + ".c"], cwd=folder, check=True, timeout=lib.DEADLINE)
        return lib.read(os.path.join(folder, name), "rb")


@unittest.skipUnless(platform.machine() in ("x86_64", "aarch64"), "stacks are read on x86-64 and Arm alone")
@unittest.skipUnless(shutil.which("gcc"), "no gcc")
class Stacks(lib.Case):
    sandbox = "none"
    uid = None

    def compile(self, source, name):
        folder = self.path("here")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, name), "wb") as out:
            out.write(compiled(source, name))
        os.chmod(os.path.join(folder, name), 0o755)
        return folder

    def attempt(self, folder, *args, command):
        kw = {}
        if self.uid is not None:
            subprocess.run(["chown", "-hR", f"{self.uid}:{self.uid}", self.tmp], check=True)
            kw = {"user": self.uid, "group": self.uid, "extra_groups": []}
        done = subprocess.run([lib.PROGRAM, "try", "--json", "--sandbox", self.sandbox, *args, "--", *command], cwd=folder,
                              env=self.env, stdin=subprocess.DEVNULL, capture_output=True, timeout=lib.DEADLINE, **kw)
        return lib.Done(done.args, done.returncode, done.stdout, done.stderr)

    def test_a_crash_in_a_grandchild_that_a_shell_swallows_gets_its_stack(self):
        folder = self.compile(CRASH, "crash")
        done = self.attempt(folder, command=["sh", "-c", "./crash; exit 3"])
        failure = done.json["failure"]
        self.assertEqual((failure["exit"], failure["type"]), (3, "SIGSEGV"), done)
        self.assertEqual(failure["frames"], ["store", "parse_header", "main"], done)
        self.assertIn("address 0x10", failure["message"], done)
        self.assertIn("crash.c:3", failure["stack"], done)
        self.assertEqual(failure["stack"], lib.read(failure["stack_file"]), done)

    def test_both_threads_of_a_deadlock_get_their_stacks(self):
        folder = self.compile(DEADLOCK, "deadlock")
        done = self.attempt(folder, "--timeout", "1s", command=["sh", "-c", "./deadlock; exit 0"])
        failure = done.json["failure"]
        self.assertEqual(failure["kind"], "timeout", done)
        self.assertIn(failure["frames"][0], ("withdraw", "deposit"), done)
        self.assertIn("withdraw at ", failure["stack"], done)
        self.assertIn("deposit at ", failure["stack"], done)

    def test_hangs_in_different_places_are_different_failures(self):
        folder = self.compile(HANG, "hang")
        frames = [self.attempt(folder, "--timeout", "1s", command=["./hang", *more]).json["failure"]["frames"]
                  for more in ([], ["g"])]
        self.assertEqual(frames, [["hang_in_f", "main"], ["hang_in_g", "main"]])

    @unittest.skipUnless(sys.version_info[:2] == (3, 11), "Python's own frames are read of 3.11 alone")
    def test_an_endless_loop_in_python_gets_its_line(self):
        folder = self.path("here")
        os.makedirs(folder)
        with open(os.path.join(folder, "loop.py"), "w") as out:
            out.write(LOOP)
        python = os.path.realpath(sys.executable)
        if self.uid is not None and not os.access(os.path.dirname(python), os.X_OK):
            self.skipTest("the interpreter is not for ordinary users")
        done = self.attempt(folder, "--timeout", "2s", command=[python, "loop.py"])
        failure = done.json["failure"]
        self.assertEqual(failure["frames"], ["spin", "work"], done)
        self.assertRegex(failure["stack"], r"spin at .*loop\.py:[56]\n", done)
        self.assertRegex(failure["stack"], r"work at .*loop\.py:10\n", done)


class BoxedStacks(Stacks):
    sandbox = "strict"

    def setUp(self):
        super().setUp()
        why = lib.sandbox_missing()
        if why:
            self.skipTest(why)

    # Each waits for a time limit: what the box changes is seen by the deadlock already.
    test_hangs_in_different_places_are_different_failures = unittest.skipUnless(lib.LONG, "takes long")(
        Stacks.test_hangs_in_different_places_are_different_failures)
    test_an_endless_loop_in_python_gets_its_line = unittest.skipUnless(lib.LONG, "takes long")(
        Stacks.test_an_endless_loop_in_python_gets_its_line)


@unittest.skipUnless(os.geteuid() == 0, "runs as an ordinary user already")
class BoxedStacksOfAnOrdinaryUser(BoxedStacks):
    uid = USER

    test_both_threads_of_a_deadlock_get_their_stacks = unittest.skipUnless(lib.LONG, "takes long")(
        Stacks.test_both_threads_of_a_deadlock_get_their_stacks)

    @unittest.skip("the interpreter of the tests may not be for ordinary users")
    def test_an_endless_loop_in_python_gets_its_line(self):
        pass


class Replay(Stacks):
    """One more run, only where it tells something, and never counted."""

    test_both_threads_of_a_deadlock_get_their_stacks = None
    test_hangs_in_different_places_are_different_failures = None
    test_an_endless_loop_in_python_gets_its_line = None
    test_a_crash_in_a_grandchild_that_a_shell_swallows_gets_its_stack = None

    def test_a_plain_failure_is_not_run_again(self):
        path, lines = self.journal()
        os.makedirs(self.path("here"))
        done = self.attempt(self.path("here"), command=["sh", "-c", f"echo run >>{path}; exit 1"])
        self.assertEqual(done.rc, 1, done)
        self.assertEqual(len(lines()), 1)
        self.assertNotIn("stack", done.json["failure"], done)

    def test_a_handled_signal_is_no_crash_of_a_replay(self):
        folder = self.compile(CRASH.replace("int main(", "#include <signal.h>\n#include <unistd.h>\n"
                                            "static void on(int s) { _exit(3); }\nint main(")
                              .replace("{ return parse", "{ signal(SIGSEGV, on); return parse"), "crash")
        done = self.attempt(folder, command=["sh", "-c", "echo Segmentation fault; ./crash"])
        self.assertEqual(done.json["failure"]["frames"], [], done)
        self.assertNotIn("stack", done.json["failure"], done)

    def test_the_culprit_of_a_search_is_shown_with_its_stack(self):
        good = CRASH.replace("int n) { store", "int n) { if (0) store")
        repo = self.repo(lib.linear(6, files={"c1": {"crash.c": good}, "c4": {"crash.c": CRASH}}))
        done = self.search(repo, "--good", "c1", "--build", "gcc -g -O1 -o crash crash.c", command=["sh", "-c", "./crash || exit 7"])
        self.assert_first_bad(repo, done, "c4")
        self.assertEqual(done.json["failure"]["frames"], ["store", "parse_header", "main"], done)
        self.assertEqual(done.json["trials_run"], len([t for t in done.trials if not t["cached"]]), done)
        shown = self.run_program("show", cwd=repo.path)
        self.assertIn("where it crashed:", shown.out, shown)
        self.assertIn("parse_header at ", shown.out, shown)

    def test_a_core_file_is_kept_with_its_program_where_the_kernel_writes_one(self):
        pattern = lib.read("/proc/sys/kernel/core_pattern")
        folder = self.compile(CRASH, "crash")
        done = self.attempt(folder, "--core", "keep", command=["./crash"])
        core = done.json["failure"].get("core")
        if "|" in pattern or "/" in pattern:
            self.assertIsNone(core, done)
            self.assertIn("core_pattern", "\n".join(done.json["notes"]), done)
            return
        if core is None:
            self.skipTest("the limit of core files is 0 here")
        with gzip.open(core) as file:
            self.assertEqual(file.read(4), b"\x7fELF")
        with open(core.replace(".core.gz", ".program"), "rb") as kept, open(os.path.join(folder, "crash"), "rb") as program:
            self.assertEqual(kept.read(), program.read())
        self.assertNotIn("core", os.listdir(folder))


if __name__ == "__main__":
    unittest.main()
