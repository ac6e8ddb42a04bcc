#!/usr/bin/env python3
"""Attacks that take long: floods of output, a thousand megabytes in a line, depth, and processes that nobody can look at."""

import os
import shutil
import unittest

import lib
from abuse_lib import AbuseCase, as_ordinary_user

X86 = os.uname().machine == "x86_64"


class Long(AbuseCase):
    def gone(self, marker):
        self.assertEqual(lib.traces_of(marker), [], "gone when the program ends")

    def test_ten_gigabytes_of_output_are_cut_and_judged(self):
        trial = self.shell("head -c 10000000000 /dev/zero; echo; echo the end; exit 3", verdict="bad")
        self.assertEqual(trial["exit"], 3)
        self.assertLess(os.stat(trial["log"]).st_size, 32 << 20)
        self.assertGreaterEqual(trial["output_bytes"], 10000000000)
        self.assertIn("the end", trial["text"][-100:])

    def test_a_line_of_a_gigabyte_is_judged(self):
        trial = self.shell("head -c 1000000000 /dev/zero | tr '\\0' x; exit 3", verdict="bad")
        self.assertEqual(trial["exit"], 3)

    def test_five_thousand_levels_in_the_tree_are_removed(self):
        levels = "for i in range(5000):\n    os.mkdir('d' * 8)\n    os.chdir('d' * 8)\n"
        for how in (["--clean", "all"], ["--fresh"]):
            self.py(levels)
            self.assert_next_is_clean(*how)

    def test_a_hundred_thousand_files_are_removed(self):
        self.py("""
for top in ('many', '/tmp/many'):
    os.mkdir(top)
    for i in range(50000):
        os.close(os.open(f'{top}/{i}', os.O_CREAT | os.O_WRONLY))
""")
        self.assert_next_is_clean("--clean", "all")

    def test_two_hundred_megabytes_of_disk_are_given_back(self):
        self.py("""
for top in ('.', '/tmp', os.path.expanduser('~')):
    with open(top + '/large', 'wb') as out:
        for i in range(60):
            out.write(os.urandom(1 << 20))
""")
        self.assert_next_is_clean("--clean", "all")

    def test_three_hundred_megabytes_of_memory_in_many_processes_are_given_back(self):
        marker = self.marker()
        trial = self.py(f"""
m = '{marker}'
for i in range(10):
    if not os.fork():
        os.setsid()
        x = b'x' * (30 << 20)
        time.sleep(600)
time.sleep(1)
sys.exit(3)
""", verdict="bad")
        self.assertEqual(trial["exit"], 3)
        self.gone(marker)

    def test_processes_that_fork_and_exit_without_end_are_caught(self):
        marker = self.marker()
        trial = self.py(f"""
m, end = '{marker}', time.monotonic() + 20
for i in range(20):
    if not os.fork():
        os.setsid()
        while time.monotonic() < end:
            if os.fork():
                os._exit(0)
        os._exit(0)
time.sleep(600)
""", "--timeout", "0.5s", verdict="bad")
        self.assertTrue(trial["timed_out"])
        self.gone(marker)

    @unittest.skipUnless(X86, "the numbers of system calls are those of x86-64")
    def test_one_that_waits_for_its_vfork_is_gone(self):
        marker = self.marker()
        trial = self.py(f"m = '{marker}'\nif libc.syscall(56, 0x4000 | 17, 0, 0, 0, 0) == 0:\n    time.sleep(600)\n", "--timeout", "0.3s",
                        verdict="bad")
        self.assertTrue(trial["timed_out"])
        self.gone(marker)

    @unittest.skipUnless(shutil.which("cc") and shutil.which("objcopy"), "no compiler")
    def test_a_program_whose_debug_information_is_a_pipe_holds_nothing_up(self):
        self.shell("rm -f p*; printf 'int main(void) { return *(volatile int *)0; }\\n' > p.c && cc -g -o p p.c && cp p p.debug && strip p && "
                   "objcopy --add-gnu-debuglink=p.debug p && rm p.debug && mkfifo p.debug && exec ./p", verdict="bad")


LongOfAnOrdinaryUser = as_ordinary_user(Long, __name__)

if __name__ == "__main__":
    lib.main()
