#!/usr/bin/env python3
"""Profiles: the same numbers as the profilers' own tools, the right function after a slow-down, and hooks that misbehave."""

import glob
import io
import os
import pstats
import re
import shutil
import subprocess
import sys
import unittest

from lib import LONG, Case, linear, main

PYTHON = {
    "two.py": """import time
def short():
    time.sleep(0.005)
def long():
    time.sleep(0.01)
for _ in range(5):
    short()
for _ in range(3):
    long()
""",
    "factorial.py": """def fact(n):
    return 1 if n < 2 else n * fact(n - 1)
print(fact(100))
""",
    "newton.py": """def f(v):
    x, y = v
    return x * x + y * y - 4, x * y - 1
def exact(v):
    x, y = v
    return (2 * x, 2 * y), (y, x)
def differences(v, h=1e-7):
    base = f(v)
    columns = [f((v[0] + h, v[1])), f((v[0], v[1] + h))]
    return tuple(tuple((columns[j][i] - base[i]) / h for j in range(2)) for i in range(2))
def solve(v, jacobian):
    for _ in range(20):
        (a, b), (c, d) = jacobian(v)
        p, q = f(v)
        det = a * d - b * c
        v = v[0] - (p * d - b * q) / det, v[1] - (a * q - p * c) / det
    return v
for start in range(2, 12):
    solve((start, 0.5), exact)
    solve((start, 0.5), differences)
""",
}

C = {
    "two.c": """#include <stdio.h>
__attribute__((noinline)) static long burn(long n) { long s = n; __asm__ volatile(""); for (long i = 0; i < n; i++) s = s * 31 + (s >> 3) + i; return s; }
__attribute__((noinline)) static long shorter(void) { return burn(20000) + 1; }
__attribute__((noinline)) static long longer(void) { return burn(50000) + 1; }
int main(void)
{
	long s = 0;
	for (int i = 0; i < 5; i++) s += shorter();
	for (int i = 0; i < 3; i++) s += longer();
	printf("%ld\\n", s);
	return 0;
}
""",
    "recursion.c": """#include <stdio.h>
__attribute__((noinline)) static unsigned long fact(unsigned long n) { return n < 2 ? 1 : n * fact(n - 1) + 1; }
static int odd(int n);
__attribute__((noinline)) static int even(int n) { return n == 0 ? 1 : odd(n - 1) ^ 2; }
__attribute__((noinline)) static int odd(int n) { return n == 0 ? 0 : even(n - 1) ^ 4; }
int main(void)
{
	unsigned long s = 0;
	for (int i = 0; i < 200; i++) s += fact(100) + (unsigned long)even(30);
	printf("%lu\\n", s);
	return 0;
}
""",
    "newton.c": """#include <stdio.h>
typedef struct { double a, b, c, d; } matrix;
__attribute__((noinline)) static double f(double x, double y) { return x * x + y * y - 4; }
__attribute__((noinline)) static double g(double x, double y) { return x * y - 1; }
__attribute__((noinline)) static matrix exact(double x, double y) { matrix m = {2 * x, 2 * y, y, x}; return m; }
__attribute__((noinline)) static matrix differences(double x, double y)
{
	double h = 1e-7, p = f(x, y), q = g(x, y);
	matrix m = {(f(x + h, y) - p) / h, (f(x, y + h) - p) / h, (g(x + h, y) - q) / h, (g(x, y + h) - q) / h};
	return m;
}
__attribute__((noinline)) static double solve(double x, double y, matrix (*jacobian)(double, double))
{
	for (int i = 0; i < 20; i++) {
		matrix m = jacobian(x, y);
		double p = f(x, y), q = g(x, y), det = m.a * m.d - m.b * m.c;
		x -= (p * m.d - m.b * q) / det;
		y -= (m.a * q - p * m.c) / det;
	}
	return x;
}
int main(void)
{
	double s = 0;
	for (int i = 2; i < 300; i++) s += solve(i, 0.5, exact) + solve(i, 0.5, differences);
	printf("%f\\n", s);
	return 0;
}
""",
}


def needs(*tools):
    missing = [t for t in tools if not shutil.which(t)]
    return unittest.skipIf(missing, f"not installed: {', '.join(missing)}")


def why_no_perf():
    if not shutil.which("perf"):
        return "perf is not installed"
    done = subprocess.run(["perf", "record", "-q", "-e", "cpu-clock:u", "-o", "/dev/null", "--", "true"],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return "perf may not record here" if done.returncode else None


class ProfileCase(Case):
    """Trials of programs in a folder of their own."""

    def setUp(self):
        super().setUp()
        self.work = self.path("work")
        os.makedirs(self.work)

    def put(self, name, text, mode=0o644):
        with open(os.path.join(self.work, name), "w") as out:
            out.write(text)
        os.chmod(os.path.join(self.work, name), mode)

    def compile(self, name, *flags):
        self.put(name, C[name])
        program = os.path.splitext(name)[0]
        subprocess.run(["gcc", "-g", "-O1", *flags, "-o", program, name], cwd=self.work, check=True)
        return "./" + program

    def profile(self, profiler, *command, options=(), expect=0):
        done = self.run_program("try", "--json", "--profile", profiler, *options, "--", *command, cwd=self.work)
        self.assertEqual(done.rc, expect, done)
        return done

    def table(self, done):
        self.assertIn("profile", done.json, done)
        return done.json["profile"]

    @staticmethod
    def rows(table, keep=lambda row: True):
        return {row["name"]: row for row in table["functions"] if keep(row)}


class SameAsTheProfilersOwnTools(ProfileCase):
    """Calls and costs are those that pstats, callgrind_annotate and gprof print."""

    def own_python_text(self, raw, sort):
        out = io.StringIO()
        pstats.Stats(*glob.glob(os.path.join(raw, "*.pstats")), stream=out).sort_stats(sort).print_stats()
        lines = out.getvalue().replace(self.work + "/", "").splitlines()
        return [line.rstrip() for line in lines[next(i for i, line in enumerate(lines) if "function calls" in line):]]

    def check_python(self, name):
        self.put(name, PYTHON[name])
        done = self.profile("cprofile", sys.executable, name)
        raw = self.table(done)["raw"]
        for ours, theirs in (("tottime", "time"), ("cumtime", "cumulative"), ("ncalls", "calls"), ("name", "name")):
            shown = self.run_program("show", "-v", "--sort", ours, cwd=self.work).out.splitlines()
            start = next(i for i, line in enumerate(shown) if "function calls" in line)
            stop = next(i for i, line in enumerate(shown) if line.startswith("raw profiles"))
            got = [line.rstrip() for line in shown[start:stop] if line.strip()]
            want = [line for line in self.own_python_text(raw, theirs) if line.strip()]
            self.assertEqual(got[0], want[0])
            self.assertEqual(got[1:3], want[1:3])
            self.assertEqual(sorted(got[3:]), sorted(want[3:]))
            if ours != "name":  # pstats leaves the order of equals to chance: what it is sorted by is the same
                column = {"tottime": 1, "cumtime": 3, "ncalls": 0}[ours]
                self.assertEqual([line.split()[column] for line in got[3:]], [line.split()[column] for line in want[3:]])
        return self.rows(self.table(done), lambda row: row["file"] == name)

    def test_two_python_functions_are_printed_as_pstats_prints_them(self):
        rows = self.check_python("two.py")
        self.assertEqual((rows["short"]["calls"], rows["long"]["calls"]), (5, 3))
        self.assertGreater(rows["long"]["total"], 0.03)

    def test_a_recursion_in_python_is_100_calls_of_which_one_is_primitive(self):
        rows = self.check_python("factorial.py")
        self.assertEqual((rows["fact"]["calls"], rows["fact"]["primitive_calls"]), (100, 1))

    def test_newtons_method_in_python_is_printed_as_pstats_prints_it(self):
        rows = self.check_python("newton.py")
        self.assertEqual(rows["exact"]["calls"], 200)
        self.assertEqual(rows["f"]["calls"], 200 * 2 + 200 * 3)

    @staticmethod
    def annotated(raw):
        """{function: (self, inclusive of the outermost, calls)} as callgrind_annotate prints it."""
        files = glob.glob(os.path.join(raw, "callgrind.out.*"))
        number = r"^ *([\d,]+) \( *[\d.]+%\) "

        def run(*options):
            done = subprocess.run(["callgrind_annotate", "--threshold=100", "--auto=no", "--show-percs=yes", *options, *files],
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
            return done.stdout.decode(errors="replace")

        own, inclusive, calls = {}, {}, {}
        for match in re.finditer(number + r" [^\s:]*:([^\s\[]+)", run("--inclusive=no"), re.M):
            name = match[2].split("'")[0]
            own[name] = own.get(name, 0) + int(match[1].replace(",", ""))
        callers = 0
        for line in run("--inclusive=yes", "--tree=caller").splitlines():
            caller = re.match(number + r" < .*\(([\d,]+)x\)", line)
            callee = re.match(number + r" \*  [^\s:]*:([^\s\[]+)", line)
            if caller:
                callers += int(caller[2].replace(",", ""))
            elif callee:
                name = callee[2].split("'")[0]
                calls[name] = calls.get(name, 0) + callers
                if "'" not in callee[2]:
                    inclusive[name] = max(inclusive.get(name, 0), int(callee[1].replace(",", "")))
                callers = 0
            else:
                callers = 0
        return own, inclusive, calls

    def check_callgrind(self, name):
        table = self.table(self.profile("callgrind", self.compile(name)))
        own, inclusive, calls = self.annotated(table["raw"])
        rows = self.rows(table, lambda row: row["file"] == name)
        self.assertGreater(len(rows), 3)
        for function, row in rows.items():
            self.assertEqual(row["self"], own[function], function)
            self.assertEqual(row["total"], inclusive[function], function)
            self.assertEqual(row["calls"], calls[function], function)
        self.assertEqual(table["total"], sum(r["self"] for r in table["functions"] if r["self"]))
        self.assertFalse([r for r in table["functions"] if r["self"] is None])
        return rows

    @needs("valgrind", "callgrind_annotate", "gcc")
    def test_two_c_functions_have_callgrinds_calls_and_costs(self):
        rows = self.check_callgrind("two.c")
        self.assertEqual((rows["shorter"]["calls"], rows["longer"]["calls"], rows["burn"]["calls"]), (5, 3, 8))

    @needs("valgrind", "callgrind_annotate", "gcc")
    def test_recursions_have_callgrinds_calls_and_costs_folded(self):
        rows = self.check_callgrind("recursion.c")
        self.assertEqual((rows["fact"]["calls"], rows["fact"]["primitive_calls"]), (200 * 100, 200))
        self.assertEqual((rows["even"]["calls"], rows["even"]["primitive_calls"]), (200 * 16, 200))

    @needs("valgrind", "callgrind_annotate", "gcc")
    def test_newtons_method_has_callgrinds_calls_and_costs(self):
        rows = self.check_callgrind("newton.c")
        self.assertEqual(rows["exact"]["calls"], 298 * 20)

    @staticmethod
    def gprof_flat(program, raw):
        """{function: (self, calls)} as `gprof -p` prints it; calls of oneself are not in it."""
        files = glob.glob(os.path.join(raw, "gmon.*"))
        done = subprocess.run(["gprof", "-b", "-p", program, *files], stdout=subprocess.PIPE, check=True)
        found = {}
        for line in done.stdout.decode().splitlines():
            match = re.match(r" *[\d.]+ +[\d.]+ +([\d.]+) +(?:(\d+) +[\d.]+ +[\d.]+ +)?(\w+)$", line)
            if match:
                found[match[3]] = float(match[1]), int(match[2]) if match[2] else None
        return found

    def check_gprof(self, name):
        program = self.compile(name, "-pg")
        table = self.table(self.profile("auto", program))
        self.assertEqual(table["profiler"], "gprof")
        rows = self.rows(table)
        flat = self.gprof_flat(os.path.join(self.work, program), table["raw"])
        self.assertGreater(len(flat), 2)
        for function, (own, calls) in flat.items():
            self.assertEqual(rows[function]["self"], own, function)
            self.assertEqual(rows[function]["primitive_calls"], calls, function)
            self.assertEqual(rows[function]["file"], name)
        return rows

    @needs("gprof", "nm", "gcc")
    def test_two_c_functions_have_gprofs_calls_and_costs(self):
        rows = self.check_gprof("two.c")
        self.assertEqual((rows["shorter"]["calls"], rows["longer"]["calls"], rows["burn"]["calls"]), (5, 3, 8))

    @needs("gprof", "nm", "gcc")
    def test_recursions_have_gprofs_calls_and_costs(self):
        rows = self.check_gprof("recursion.c")
        self.assertEqual((rows["fact"]["calls"], rows["fact"]["primitive_calls"]), (200 * 100, 200))

    @needs("gprof", "nm", "gcc")
    def test_newtons_method_has_gprofs_calls_and_costs(self):
        rows = self.check_gprof("newton.c")
        self.assertEqual(rows["exact"]["calls"], 298 * 20)


WORK = """#include "work.h"
#include "table.h"
#include "util.h"

__attribute__((noinline)) long inner(long n)
{
	long s = n;
	for (long i = 0; i < %(inner)d; i++)
		s += mix(s ^ i);
	return s;
}

__attribute__((noinline)) long outer(long n)
{
	long s = 0;
	for (int k = 0; k < %(outer)d; k++)
		s ^= inner(n + k);
	return s;
}

__attribute__((noinline)) long find(long *slot, long key)
{
	long at = key %% SLOTS;
	while (slot[at] && slot[at] != key)
		at = (at + 1) %% SLOTS;
	slot[at] = key;
	return at;
}
"""
MAIN = """#include "work.h"
#include "table.h"
#include "status.h"
static long slot[10000];
int main(void)
{
	long sum = 0;
	for (int i = 0; i < ROUNDS; i++)
		sum += outer(i);
	for (int k = 0; k < FINDS; k++)
		for (long i = 1; i < 900; i++)
			sum += find(slot, i * 97);
	return sum == 42 ? 3 : STATUS;
}
"""
UTIL = """static inline long mix(long x)
{
	for (int i = 0; i < %d; i++)
		x = x * 31 + (x >> 3);
	return x;
}
"""


def program(rounds, finds, inner=10, outer=3, mix=2, slots=4099, status=0):
    return {"main.c": MAIN, "work.c": WORK % {"inner": inner, "outer": outer}, "util.h": UTIL % mix,
            "work.h": f"#define ROUNDS {rounds}\n#define FINDS {finds}\nlong outer(long n);\nlong find(long *slot, long key);\n",
            "table.h": f"#define SLOTS {slots}\n", "status.h": f"#define STATUS {status}\n"}


# What changes, and the function and word that the profile must name.
HISTORIES = {
    "slower": ({"inner": 60}, "inner", "direct"),
    "more often": ({"outer": 20}, "inner", "near"),
    "inlined": ({"mix": 12}, "inner", "inlined"),
    "data": ({"slots": 970}, "find", "indirect"),
}


class TheFunctionThatGotSlower(ProfileCase):
    """After a search the culprit is held against its parent."""

    def compare(self, name, profiler, rounds, finds, *options):
        change, function, word = HISTORIES[name]
        repo = self.repo(linear(2, files={"c1": program(rounds, finds), "c2": program(rounds, finds, status=1, **change)}), name=name, unique=False)
        done = self.search(repo, "--good", "c1", "--confirm", "off", "--profile", profiler, *options, "--build", "gcc -g -O2 -o prog main.c work.c",
                           command=["./prog"])
        self.assertIn("profile", done.json, done)
        profile = done.json["profile"]
        top = profile["functions"][0]
        self.assertEqual(top["name"], function, done)
        return profile, top, word

    @needs("valgrind", "gcc")
    def test_callgrind_names_it_and_whether_it_is_touched(self):
        for name in HISTORIES if LONG else ("inlined", "data"):  # "slower" is in the report's test
            with self.subTest(name):
                profile, top, word = self.compare(name, "callgrind", 300, 1)
                self.assertEqual(top["touched"], word)
                change = profile["total_bad"] - profile["total_good"]
                self.assertLess(abs(sum(f["change"] for f in profile["functions"]) - change), 0.01 * abs(change))
                if name == "more often":
                    self.assertEqual((top["calls_good"], top["calls_bad"]), (900, 6000))

    @needs("valgrind", "gcc")
    def test_what_counts_for_a_metric_is_not_profiled(self):
        change, function, _ = HISTORIES["slower"]
        repo = self.repo(linear(2, files={"c1": program(30, 1), "c2": program(30, 1, **change)}), unique=False)
        done = self.search(repo, "--good", "c1", "--metric", "instructions", "--profile", "callgrind", "--build", "gcc -g -O2 -o prog main.c work.c",
                           command=["./prog"])
        self.assertIn("profile", done.json, done)
        self.assertEqual(done.json["profile"]["functions"][0]["name"], function)
        self.assertFalse([note for note in done.json.get("notes") or [] if "ended otherwise" in note], done)

    @needs("perf", "gcc")
    def test_perf_names_it(self):
        why = why_no_perf()
        if why:
            self.skipTest(why)
        for name in HISTORIES if LONG else []:
            with self.subTest(name):
                self.compare(name, "perf", 60000, 500 if name == "data" else 1, "--sandbox", "none")
        busy = C["two.c"].replace("20000", "20000000").replace("50000", "5000000")
        self.put("two.c", busy)
        subprocess.run(["gcc", "-g", "-O1", "-o", "two", "two.c"], cwd=self.work, check=True)
        table = self.table(self.profile("perf", "./two", options=["--sandbox", "none"]))
        self.assertEqual((table["functions"][0]["name"], table["functions"][0]["calls"]), ("burn", None))

    @needs("valgrind", "gcc")
    def test_the_report_says_it_in_words_and_the_record_keeps_it(self):
        change, _, _ = HISTORIES["slower"]
        repo = self.repo(linear(2, files={"c1": program(300, 1), "c2": program(300, 1, status=1, **change)}), unique=False)
        done = self.run_program("--good", "c1", "--confirm", "off", "--profile", "callgrind", "--build", "gcc -g -O2 -o prog main.c work.c",
                                "--", "./prog", cwd=repo.path)
        self.assertEqual(done.rc, 0, done)
        line = next(row for row in done.out.splitlines() if row.endswith("(inner)"))
        self.assertIn("direct", line)
        self.assertIn("main > outer > inner", done.out)
        again = self.run_program("show", cwd=repo.path)
        self.assertIn(line, again.out)


# What a profiler would find: two functions, one of them made otherwise, one that only a failure enters.
TABLES = {
    "c1": ("0\n", "unit\tIr\nfn\t\tscale.py\t1\tscale\t1\t1\t10\t30\nfn\t\tscale.py\t9\tadd\t2\t2\t20\t20\n"
                   "code\t0\tFOR_ITER in a loop\t1\ncode\t0\tRESUME\t1\n"),
    "c2": ("1\n", "unit\tIr\nfn\t\tscale.py\t1\tscale\t1\t1\t90\t190\nfn\t\tscale.py\t9\tadd\t80\t80\t80\t80\n"
                   "fn\t\tscale.py\t30\tcomplain\t1\t1\t20\t20\ncode\t0\tCOMPARE_OP in a loop\t1\ncode\t0\tRESUME\t1\n"),
}


class HookCase(ProfileCase):
    """With a profiler of one's own."""

    def hook(self, probe=":", wrap=":", collect=":"):
        folder = os.path.join(self.env["XDG_CONFIG_HOME"], "bisect-run", "hooks")
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, "profile-odd")
        with open(path, "w") as out:
            out.write(f"#!/bin/sh\ncase $1 in\nprobe) {probe} ;;\nwrap) {wrap} ;;\ncollect) {collect} ;;\nesac\n")
        os.chmod(path, 0o755)


class FromTheRecord(HookCase):
    """After a search its profiles can be shown again, side by side or alone."""

    def searched(self):
        graph = linear(2, files={name: {"state": state, "table": table} for name, (state, table) in TABLES.items()})
        repo = self.repo(graph, unique=False)
        self.hook(collect='echo "#format table"; cat "$BISECT_RUN_PROFILE_TREE/table"')
        return repo, self.search(repo, "--good", "c1", "--confirm", "off", "--profile", "odd")

    def show(self, repo, *args, rc=0):
        done = self.run_program("show", *args, cwd=repo.path)
        self.assertEqual(done.rc, rc, done)
        return done

    def test_sides_and_their_comparison_are_shown_and_sorted(self):
        repo, done = self.searched()
        profile = done.json["profile"]
        self.assertEqual([r["name"] for r in profile["functions"]], ["scale", "add", "complain"])
        self.assertEqual(profile["functions"][0]["opcodes"], [{"name": "COMPARE_OP in a loop", "good": 0, "bad": 1},
                                                              {"name": "FOR_ITER in a loop", "good": 1, "bad": 0}])
        self.assertEqual([r["name"] for r in profile["only_bad"]], ["complain"], done)
        self.assertEqual(profile["only_good"], [])

        diff = self.show(repo, "--profile").out
        self.assertIn("scale: COMPARE_OP in a loop 0 -> 1, FOR_ITER in a loop 1 -> 0\n", diff)
        self.assertRegex(diff, r"entered by this commit alone\n +1 calls +indirect +scale.py:30\(complain\)\n")
        self.assertEqual(diff, self.show(repo, "--side", "diff").out)
        self.assertIn("scale.py:9(add)", self.show(repo, "1", "--profile", "--sort", "ncalls").out.splitlines()[3])
        self.assertIn("scale.py:1(scale)", self.show(repo, "--sort", "cumtime", "--profile").out.splitlines()[3])

        for side, names in (("good", {"scale", "add"}), ("bad", {"scale", "add", "complain"})):
            for order in (("--profile", "--side", side), ("--side", side, "--profile")):
                self.assertEqual(set(self.rows(self.show(repo, *order, "--json").json)), names)
            self.assertIn("scale.py:1(scale)", self.show(repo, "--side", side, "--sort", "cumtime").out)

    def test_a_python_counts_the_opcodes_of_its_own_functions(self):
        self.put("loops.py", "class Box:\n    value = 3\ndef before(box, n):\n    v = box.value\n    while n:\n        n -= v // v\n"
                             "def again(box, n):\n    while n:\n        n -= box.value // box.value\nbefore(Box(), 9)\nagain(Box(), 9)\n")
        raw = self.table(self.profile("cprofile", sys.executable, "loops.py"))["raw"]
        with open(glob.glob(raw + "/*.table")[0]) as file:
            lines = [line.rstrip("\n").split("\t") for line in file]
        names = [fields[4] for fields in lines if fields[0] == "fn"]
        counts = {(names[int(f[1])], f[2]): int(f[3]) for f in lines if f[0] == "code"}
        self.assertEqual([counts.get((name, "LOAD_ATTR" + where), 0) for name in ("before", "again") for where in ("", " in a loop")], [1, 0, 0, 2])

    def test_what_is_not_there_is_said(self):
        repo = self.line(3, "c3")
        self.search(repo, "--good", "c1")
        self.assertIn("has no profile", self.show(repo, "--profile", rc=1).err)
        self.put("a.py", "pass\n")
        self.profile("cprofile", sys.executable, "a.py")
        done = self.run_program("show", "--side", "good", cwd=self.work)
        self.assertEqual(done.rc, 1, done)
        self.assertIn("one profile and no sides", done.err)
        self.assertIn("profile by cprofile", self.run_program("show", "--profile", cwd=self.work).out)
        shutil.rmtree(glob.glob(self.work + "/.bisect-run/profiles")[0])
        self.assertEqual(self.run_program("show", "--profile", cwd=self.work).rc, 1)


class Surroundings(ProfileCase):
    """What a profile is given, leaves, and never changes."""

    @needs("valgrind")
    def test_the_verdict_is_that_of_the_plain_run(self):
        done = self.profile("callgrind", "sh", "-c", "exit 3", expect=1)
        self.assertEqual([t["phase"] for t in done.trials], ["try", "profile"])
        self.assertEqual(done.json["message"], "bad: exit 3")
        self.assertIn("functions", self.table(done))

    @needs("valgrind")
    def test_raw_files_and_exports_are_kept_until_clean(self):
        raw = self.table(self.profile("callgrind", "true"))["raw"]
        names = os.listdir(raw)
        self.assertTrue(any(n.startswith("callgrind.out.") for n in names), names)
        for name in ("profile.txt", "profile.json", "profile.folded", "profile.speedscope.json", "profile.callgrind"):
            self.assertGreater(os.path.getsize(os.path.join(raw, name)), 0, name)
        self.run_program("clean", "--all", cwd=self.work)
        self.assertFalse(os.path.exists(raw))

    @needs("valgrind", "callgrind_annotate")
    def test_the_export_for_callgrind_is_read_by_its_own_tool(self):
        table = self.table(self.profile("callgrind", "true"))
        done = subprocess.run(["callgrind_annotate", "--threshold=100", os.path.join(table["raw"], "profile.callgrind")],
                              stdout=subprocess.PIPE, check=True)
        self.assertIn(f"{int(table['total']):,}", done.stdout.decode())

    def test_children_and_forks_of_python_are_profiled(self):
        self.put("child.py", "def child():\n    pass\nchild()\n")
        self.put("parent.py", "import multiprocessing, subprocess, sys\ndef forked():\n    pass\n"
                 "if __name__ == '__main__':\n    subprocess.run([sys.executable, 'child.py'], check=True)\n"
                 "    p = multiprocessing.get_context('fork').Process(target=forked)\n    p.start()\n    p.join()\n")
        rows = self.rows(self.table(self.profile("auto", sys.executable, "parent.py")))
        self.assertEqual((rows["child"]["calls"], rows["forked"]["calls"]), (1, 1))

    def test_an_unknown_profiler_is_wrong_usage(self):
        done = self.run_program("try", "--profile", "colour", "--", "true", cwd=self.work)
        self.assertEqual(done.rc, 129, done)
        self.assertIn("callgrind", done.err)

    def test_no_python_no_table_but_the_verdict(self):
        done = self.profile("cprofile", "true")
        self.assertNotIn("profile", done.json)
        self.assertTrue(any("wrote nothing" in note for note in done.json["notes"]), done)


class HooksThatMisbehave(HookCase):
    """A profiler that hangs, dies, prints garbage, floods or goes into the background changes no verdict and leaves nothing behind."""

    def check(self, pattern, command=("sh", "-c", "exit 7"), **verbs):
        marker = self.marker()
        self.hook(**{verb: text.replace("MARKER", f"sleep {marker}") for verb, text in verbs.items()})
        done = self.profile("odd", *command, expect=1)
        self.assertEqual(done.json["message"], "bad: exit 7")
        self.assertNotIn("profile", done.json)
        self.assertRegex(" ".join(done.json["notes"]), pattern)
        self.assert_gone(marker)

    def test_one_that_cannot_be_used_says_why(self):
        self.check("not profiled.*no licence", probe="echo no licence >&2; exit 1")

    def test_one_that_dies(self):
        self.check("not profiled.*SIGSEGV", probe="kill -SEGV $$")
        self.check("not profiled.*SIGSEGV", wrap="kill -SEGV $$")
        self.check("no profile.*SIGSEGV", collect="kill -SEGV $$")

    def test_one_that_prints_garbage(self):
        self.check("not profiled.*neither", wrap="head -c 3000 /dev/urandom | tr '\\0' x")
        self.check("no profile", collect="head -c 300000 /dev/urandom")
        self.check("unknown format", collect="echo '#format colours'")

    def test_one_that_floods(self):
        self.check("not profiled.*more than", probe="yes")
        self.check("not profiled.*more than", wrap="yes word x")

    def test_one_whose_wrapper_cannot_be_started(self):
        self.check("under the profiler odd it ended otherwise", wrap="echo word /no/such/program")

    def test_one_whose_wrapper_hides_how_the_command_ends(self):
        self.check("ended otherwise", wrap="echo word true")

    def test_one_that_goes_into_the_background(self):
        daemon = "setsid sh -c 'MARKER; :' >/dev/null 2>&1 &"
        self.check("wrote nothing", probe=daemon + " :", wrap=daemon + " :", collect=daemon + " :")

    def test_one_whose_wrapper_stays_behind(self):
        self.put("stay", "#!/bin/sh\nsetsid sleep \"$1\" >/dev/null 2>&1 &\nshift\nexec \"$@\"\n", 0o755)
        marker = self.marker()
        self.hook(wrap=f"printf 'word %s\\n' {self.work}/stay {marker}")
        done = self.profile("odd", "sh", "-c", "exit 7", expect=1)
        self.assertEqual(done.json["message"], "bad: exit 7")
        self.assert_gone(marker)

    def test_links_out_of_the_raw_folder_are_not_followed(self):
        self.check("no plain file", wrap="echo word env", collect="ln -s /etc/passwd x; echo '#file table x'")

    def test_every_sandbox_lets_the_profiler_write(self):
        self.hook(wrap="echo env ODD=@DIR@/odd", collect="printf '#format table\\nunit\\tIr\\nfn\\t\\t\\t\\tf\\t\\t\\t%s\\t\\n' \"$(cat odd)\"")
        for level in ("none", "basic", "strict"):
            with self.subTest(level):
                done = self.run_program("try", "--json", "--sandbox", level, "--profile", "odd", "--", "sh", "-c",
                                        'if [ "$ODD" ]; then echo 7 >"$ODD"; fi', cwd=self.work)
                if done.rc == 128:
                    self.skipTest(f"--sandbox {level} cannot be had here")
                self.assertEqual(self.table(done)["total"], 7)

    def test_a_hook_in_ten_lines_of_shell_is_enough(self):
        self.hook(wrap="echo env ODD=@DIR@/odd",
                  collect="printf '#format table\\nunit\\tIr\\nfn\\t\\ta.c\\t3\\tf\\t2\\t1\\t%s\\t9\\n' \"$(cat odd)\"")
        done = self.profile("odd", "sh", "-c", 'if [ "$ODD" ]; then echo 7 > "$ODD"; fi')
        self.assertEqual(self.table(done)["functions"], [{"name": "f", "file": "a.c", "line": 3, "object": None, "calls": 2, "primitive_calls": 1,
                                                          "self": 7.0, "total": 9.0, "unit": "Ir"}])


if __name__ == "__main__":
    main()
