"""debug: back to the failure of a search, with the fitting debugger, on a terminal."""

import os
import shutil
import sys
import tempfile
import unittest

import lib

CRASH = """
#include <stdio.h>
__attribute__((noinline)) void store(volatile int *p) { *p = 1; }
__attribute__((noinline)) int parse_header(int n) { WHEN store((volatile int *)(long)n); return n; }
int main(int argc, char **argv) { printf("begin\\n"); fflush(stdout); (void)argv; return parse_header(argc + 15) - 16; }
"""
RAISE = """import os
print("begin at", hex(id(os)))


def divide(total, parts):
    return total / parts


print(divide(6, PARTS))
"""


class Debug(lib.Case):
    def crashing(self, *args, command=("sh", "-c", "./crash || exit 3")):
        good, bad = CRASH.replace("WHEN", "if (n == 0)"), CRASH.replace("WHEN", "if (n == 16)")
        repo = self.repo(lib.linear(2, files={"c1": {"crash.c": good}, "c2": {"crash.c": bad}}))
        self.assert_first_bad(repo, self.search(repo, "--good", "c1", "--build", "gcc -g -O1 -o crash crash.c", *args,
                                                command=list(command)), "c2")
        return repo

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.found = None

    def raising(self):
        """Searched once for all tests: debug leaves it as it was."""
        if not self.found:
            folder = os.path.realpath(tempfile.mkdtemp(prefix="bisect-run-test."))
            self.addClassCleanup(lib.remove_tree, folder)
            good, bad = RAISE.replace("PARTS", "3"), RAISE.replace("PARTS", "0")
            repo = self.repo(lib.linear(4, files={"c1": {"divide.py": good}, "c3": {"divide.py": bad}}), name=os.path.join(folder, "repo"))
            self.assert_first_bad(repo, self.search(repo, "--good", "c1", command=[sys.executable, "divide.py"]), "c3")
            type(self).found = repo
        return self.found

    def dialogue(self, repo, args, prompt, lines):
        """Types each line at the next prompt; returns all that was shown."""
        term = lib.Terminal(self, "debug", *args, cwd=repo.path, stdout_too=True, env={"TERM": "dumb"})
        for number, line in enumerate(lines, 1):
            self.until(lambda: not term.pump() or term.shown.count(prompt) >= number, f"prompt {number}: {term.shown[-2000:]!r}")
            term.type(line + "\n")
        done = term.finish()
        return done.rc, done.err

    @unittest.skipUnless(shutil.which("gcc") and shutil.which("gdb"), "no gcc or no gdb")
    def test_gdb_shows_the_frame_of_a_crash_that_a_shell_swallowed(self):
        for level in ("none", "auto"):
            with self.subTest(sandbox=level):
                repo = self.crashing("--sandbox", level)
                _, shown = self.dialogue(repo, [], b"(gdb) ", ["set confirm off", "kill", "quit"])
                self.assertIn("SIGSEGV", shown)
                self.assertRegex(shown, r"#0 +store \(p=.*0x10\) at .*crash\.c:3")
                self.assertRegex(shown, r"#1 .* parse_header \(n=.*16\) at ")
                self.assertIn("running: gdb ", shown)
                lib.remove_tree(repo.path)

    @unittest.skipUnless(shutil.which("gcc") and shutil.which("gdb"), "no gcc or no gdb")
    def test_gdb_counts_how_often_the_crashing_function_was_entered(self):
        repo = self.crashing(command=("./crash",))
        _, shown = self.dialogue(repo, [], b"(gdb) ", ["set confirm off", "kill", "quit"])
        self.assertIn("received signal SIGSEGV", shown)
        self.assertRegex(shown, r"breakpoint already hit 1 time")
        self.assertRegex(shown, r"#0 +store \(p=.*0x10\) at .*crash\.c:3")

    def test_debug_leaves_no_trace_in_the_record(self):
        repo = self.raising()
        before = self.run_program("history", cwd=repo.path).out
        self.dialogue(repo, ["--shell"], b"# " if os.geteuid() == 0 else b"$ ", ["exit 0"])
        self.assertEqual(self.run_program("history", cwd=repo.path).out, before)

    def test_pdb_stops_at_the_line_that_raises(self):
        repo = self.raising()
        _, shown = self.dialogue(repo, [], b"(Pdb) ", ["print(total, parts)", "quit", "quit"])
        self.assertRegex(shown, r"divide\.py\(6\)divide\(\)")
        self.assertIn("-> return total / parts", shown)
        self.assertIn("6 0", shown)

    def test_a_shell_stands_in_the_tree_of_the_revision_asked_for(self):
        repo = self.raising()
        for rev, parts in (("c2", "3"), ("c4", "0")):
            rc, shown = self.dialogue(repo, ["--shell", "--at", rev], b"# " if os.geteuid() == 0 else b"$ ",
                                      ["grep -c 'divide(6, %s)' divide.py; exit 7" % parts])
            self.assertEqual(rc, 7, shown)
            self.assertRegex(shown, r"(?m)^1\r?$")

    def test_compare_shows_the_first_line_where_the_outputs_part(self):
        repo = self.raising()
        done = self.run_program("debug", "--compare", cwd=repo.path)
        self.assertEqual(done.rc, 0, done)
        self.assertIn("part at line 2", done.out, done)
        self.assertRegex(done.out, r"good +2\.0", done)
        self.assertRegex(done.out, r"bad +Traceback", done)

    @unittest.skipUnless(shutil.which("gcc") and shutil.which("strace"), "no gcc or no strace")
    def test_compare_of_system_calls_names_the_call_that_differs(self):
        repo = self.repo(lib.linear(3, files={"c1": {"run.sh": "cat name >/dev/null\nexit 0\n"},
                                              "c2": {"run.sh": "cat nam >/dev/null\nexit 1\n"}}))
        self.search(repo, "--good", "c1", "--sandbox", "none", command=["sh", "run.sh"])
        done = self.run_program("debug", "--compare", "--trace", cwd=repo.path)
        if "strace: " in done.out:
            self.skipTest("strace may not trace here")
        self.assertEqual(done.rc, 0, done)
        self.assertRegex(done.out, r"part at line \d+", done)
        self.assertRegex(done.out, r"bad .*nam\b", done)

    def shell(self, repo_path, line, *args):
        """What one line says in debug's shell; the answer stands in marks that the echo of the line has not."""
        term = lib.Terminal(self, "debug", "--shell", *args, cwd=repo_path, stdout_too=True, env={"TERM": "dumb", "SHELL": "/bin/sh"})
        prompt = b"# " if os.geteuid() == 0 else b"$ "
        self.until(lambda: not term.pump() or prompt in term.shown, f"a prompt: {term.shown[-2000:]!r}")
        term.type(line + "; exit 0\n")
        return term.finish().err

    def test_the_input_or_item_that_a_search_ended_with_stands_in_the_place_of_its_mark(self):
        work = self.path("work")
        os.makedirs(work)
        with open(f"{work}/in.txt", "w") as out:
            out.write("".join(f"line {i}\n" for i in range(40)))
        with open(f"{work}/check.py", "w") as out:
            out.write("import sys\ntext = open(sys.argv[1]).read()\nif 'line 7\\n' in text:\n    raise ValueError(len(text))\n")
        done = self.run_program("--reduce", "in.txt", "--by", "line", "--json", "--", sys.executable, "check.py", "@@", cwd=work)
        self.assertEqual(done.json["reduce"]["bytes_after"], 7, done)
        term = lib.Terminal(self, "debug", cwd=work, stdout_too=True, env={"TERM": "dumb"})
        for number, line in enumerate(("print(len(text), 'bytes')", "quit", "quit"), 1):
            self.until(lambda: not term.pump() or term.shown.count(b"(Pdb) ") >= number, f"prompt {number}: {term.shown[-2000:]!r}")
            term.type(line + "\n")
        self.assertRegex(term.finish().err, r"(?m)^7 bytes\r?$")

        done = self.run_program("--range", "1..100", "--json", "--", "sh", "-c", "test $0 -lt 42", "@@", cwd=work)
        self.assertEqual(done.json["range"]["first_bad"], 42, done)
        done = self.run_program("debug", "--compare", cwd=work)
        self.assert_refused(done, "no good revision")
        self.assertIn("@@ is 42", done.err)
        self.run_program("--range", "1..100", "--max-trials", "2", "--", "sh", "-c", "test $0 -lt 42", "@@", cwd=work)
        self.assert_refused(self.run_program("debug", "--shell", cwd=work), "has found nothing to put in the place of @@")

    def test_a_search_without_culprit_is_debugged_where_it_fails(self):
        repo = self.repo(lib.linear(3, files=lib.exits({"c1": 0, "c2": 125, "c3": 1})))
        self.search(repo, "--good", "c1", command=lib.CODE, expect=2)
        shown = self.shell(repo.path, "echo code=$(cat code)=")
        self.assertIn("named no commit", shown)
        self.assertIn("code=1=", shown)
        repo = self.repo(lib.linear(3, files=lib.exits({"c1": 1, "c2": 125, "c3": 0})), name="mended")
        self.search(repo, "--broken", "c1", command=lib.CODE, expect=2)
        shown = self.shell(repo.path, "echo code=$(cat code)=")
        self.assertIn("this is the broken end", shown)
        self.assertIn("code=1=", shown)

    def test_what_cannot_be_debugged_is_said(self):
        repo = self.raising()
        self.assert_refused(self.run_program("debug", "99", cwd=repo.path), "no search 99")
        self.assert_refused(self.run_program("debug", "--shell", "--compare", cwd=repo.path), "exclude", rcs=(129,))
        self.assert_refused(self.run_program("debug", "--trace", cwd=repo.path), "--compare", rcs=(129,))


if __name__ == "__main__":
    unittest.main()
