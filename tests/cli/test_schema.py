#!/usr/bin/env python3
"""The JSON object is what the contract says: every key, its type, and how the parts fit together."""

import os
import re
import signal
import unittest

from lib import BAD, GOOD, OUTSIDE, STATE, Case, linear, main, processes_with


class Wrong(AssertionError):
    """A value that the schema does not allow."""


def check(value, rule, where="result"):
    """
    Checks a value by a rule: a type or a tuple of types, a set of allowed values, a pattern in a one-element list of str
    [re.Pattern], a list of one rule for every element, a dict of rules by key (a key that ends in `?` may be
    absent), or a function.
    """
    if isinstance(rule, dict):
        if not isinstance(value, dict):
            raise Wrong(f"{where}: {value!r} is no object")
        for key, inner in rule.items():
            name = key.rstrip("?")
            if name in value:
                check(value[name], inner, f"{where}.{name}")
            elif not key.endswith("?"):
                raise Wrong(f"{where}: no key {name}")
    elif isinstance(rule, list):
        if not isinstance(value, list):
            raise Wrong(f"{where}: {value!r} is no array")
        for i, element in enumerate(value):
            check(element, rule[0], f"{where}[{i}]")
    elif isinstance(rule, set):
        if value not in rule:
            raise Wrong(f"{where}: {value!r} is none of {sorted(map(str, rule))}")
    elif isinstance(rule, re.Pattern):
        if not isinstance(value, str) or not rule.fullmatch(value):
            raise Wrong(f"{where}: {value!r} does not match {rule.pattern}")
    elif isinstance(rule, Maybe):
        if value is not None:
            check(value, rule.rule, where)
    elif isinstance(value, bool) and rule is not bool or not isinstance(value, (int, float) if rule is float else rule):
        raise Wrong(f"{where}: {value!r} is no {rule.__name__}")
    elif rule in (int, float) and not where.endswith((".exit", ".signal", ".value")) and value < 0:
        raise Wrong(f"{where}: {value!r} is negative")


class Maybe:
    """null, or what the rule says."""

    def __init__(self, rule):
        self.rule = rule


OID = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")
PATH = re.compile("/.*", re.S)
FAILURE = {"kind": str, "type?": Maybe(str), "message?": Maybe(str), "exit?": Maybe(int), "signal?": Maybe(int), "frames?": [str]}
TRIAL = {
    "n": int, "oid?": OID, "item?": str, "phase": {"ends", "search", "confirm", "reduce", "hunks", "profile", "try"},
    "verdict": {"good", "bad", "skip"}, "why": str, "exit": Maybe(int), "signal": Maybe(int), "timed_out": bool, "wall": float,
    "user": float, "sys": float, "max_rss": int, "build_seconds": Maybe(float), "value?": Maybe(float), "failure": Maybe(FAILURE),
    "cached": bool, "log": Maybe(PATH),
}
COMMITS = {
    "good": [OID], "bad": OID, "candidates_at_start": int, "candidates": [OID], "confidence": Maybe(float),
    "first_bad": Maybe({"oid": OID, "subject": str, "author": str, "email": str,
                        "date": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d([+-]\d\d:\d\d|Z)"), "parents": [OID]}),
}
RESULT = {
    "version": {1}, "id?": Maybe(str), "status": {"isolated", "narrowed", "not-reproduced", "interrupted", "error", "tried"},
    "message": str, "command": [str], "seconds": float, "trials_run": int, "commits?": COMMITS, "failure?": Maybe(FAILURE),
    "trials": [TRIAL],
}


def check_result(result):
    """The types, and what must agree between the parts."""
    check(result, RESULT)
    trials = result["trials"]
    if result["trials_run"] != sum(not t["cached"] for t in trials):
        raise Wrong(f"trials_run is {result['trials_run']}, but that many were not run")
    if len({t["n"] for t in trials}) != len(trials):
        raise Wrong("trial numbers are not unique")
    for trial in trials:
        if "oid" not in trial and "item" not in trial:
            raise Wrong(f"trial {trial['n']} names no candidate")
        if trial["exit"] is not None and trial["signal"] is not None:
            raise Wrong(f"trial {trial['n']} has an exit status and a signal")
    commits = result.get("commits")
    if commits and result["status"] == "isolated" and commits["candidates"] != [commits["first_bad"]["oid"]]:
        raise Wrong("isolated, but the candidates are not the first bad commit alone")


class Checker(unittest.TestCase):
    """The checker itself tells right from wrong."""

    def test_the_checker_refuses_wrong_types_missing_keys_and_unknown_words(self):
        good = {"kind": "exit", "exit": 1, "frames": []}
        check(good, FAILURE)
        for wrong in ({}, {"kind": 1}, {"kind": "exit", "exit": True}, {"kind": "exit", "exit": "1"},
                      {"kind": "exit", "frames": [1]}, []):
            with self.assertRaises(Wrong):
                check(wrong, FAILURE)
        for value, rule in (("bad", {"good"}), (-1, int), (None, OID), ("xyz", OID), ({}, [str]), (True, float), ("rel", PATH)):
            with self.assertRaises(Wrong):
                check(value, rule)
        check(None, Maybe(OID))
        check(1, float)


class Results(Case):
    """Every way for a search to end gives an object of the schema."""

    def result(self, *args, rc, **kw):
        done = self.run_program(*args, **kw)
        self.assertEqual(done.rc, rc, done)
        self.assertTrue(done.out.endswith("\n") and done.out.count("\n") >= 1)
        check_result(done.json)
        return done.json

    def test_isolated(self):
        repo = self.line(12, "c5")
        result = self.result("--json", "--good", "c1", "-j", "2", "--", *STATE, rc=0, cwd=repo.path)
        self.assertEqual((result["status"], result["command"]), ("isolated", STATE))
        self.assertEqual(result["commits"]["first_bad"]["author"], "A U Thor")
        self.assertEqual(result["commits"]["first_bad"]["email"], "author@example.com")
        self.assertRegex(result["commits"]["first_bad"]["date"], "^2020-09-13T12:31:40")
        for trial in result["trials"]:
            self.assertTrue(os.path.isfile(trial["log"]), trial)
            self.assertGreater(trial["max_rss"], 100_000, "bytes, not kilobytes")
            self.assertLess(trial["wall"], 30, "seconds")
        self.assertEqual(min(t["n"] for t in result["trials"]), 1)

    def test_fixed(self):
        repo = self.repo(linear(8), bad=["c4"], states=(BAD, GOOD))
        result = self.result("--json", "--broken", "c1", "--", *STATE, rc=0, cwd=repo.path)
        self.assertEqual(result["commits"]["first_bad"]["oid"], repo.oid["c4"])

    def test_narrowed_with_every_kind_of_skip(self):
        repo = self.repo(linear(7, files={"c3": {"code": "125\n"}, "c4": {"code": "127\n"}, "c5": {"code": None, "broken": "1\n"},
                                          "c6": {"broken": None}}), bad=["c6"])
        result = self.result("--json", "--good", "c1", "--skip", "c2", "--build", "test ! -e broken", "--",
                             "sh", "-c", "test ! -e code || exit $(cat code); exit $(cat state)", rc=2, cwd=repo.path)
        self.assertEqual(result["status"], "narrowed")
        self.assertIsNone(result["commits"]["first_bad"])

    def test_signals_and_timeouts(self):
        repo = self.repo(linear(3, files={"c2": {"hang": "1\n"}, "c3": {"hang": None}}), bad=["c3"])
        result = self.result("--json", "--good", "c1", "--timeout", "1s", "--timeout-is", "skip", "--confirm", "off", "--", "sh", "-c",
                             "test ! -e hang || exec sleep 600; test $(cat state) = 0 || kill -ABRT $$", rc=2, cwd=repo.path)
        ends = {(t["exit"], t["signal"], t["timed_out"]) for t in result["trials"]}
        self.assertIn((None, 6, False), ends)
        self.assertTrue(any(timed_out for _, _, timed_out in ends))
        self.assertIn(result["failure"]["kind"], ("timeout", "signal"))

    def test_not_reproduced(self):
        repo = self.line(5, "c5")
        result = self.result("--json", "--good", "c1", "--", "true", rc=3, cwd=repo.path)
        self.assertEqual(result["status"], "not-reproduced")
        self.assertTrue(result["message"])

    def test_error(self):
        repo = self.line(5, "c3")
        for args in (["--good", "nowhere", "--", "true"], ["--good", "c1", "--", "./nowhere"]):
            result = self.result("--json", *args, rc=1, cwd=repo.path)
            self.assertEqual(result["status"], "error")
            self.assertTrue(result["message"])

    def test_interrupted(self):
        repo, sleep = self.line(8, "c3"), self.marker()
        proc = self.start("--json", *OUTSIDE, "--good", "c1", "-j", "1", "--", "sh", "-c",
                          f"case $(cat name) in c1|c8) exit $(cat state);; esac; exec sleep {sleep}", cwd=repo.path)
        self.until(lambda: processes_with(sleep), "the test that waits")
        proc.send_signal(signal.SIGTERM)
        result = self.ended(proc).json
        check_result(result)
        self.assertEqual(result["status"], "interrupted")

    def test_tried(self):
        repo = self.line(3, "c2")
        for args, rc, cwd in ((["c3", "--", *STATE], 1, repo.path), (["c1", "--", *STATE], 0, repo.path),
                              (["--", "true"], 0, self.tmp), (["--build", "false", "--", "true"], 125, self.tmp)):
            result = self.result("try", "--json", *args, rc=rc, cwd=cwd)
            self.assertEqual((result["status"], len(result["trials"])), ("tried", 1))

    def test_show_gives_the_same_object_again_whatever_bytes_there_were(self):
        repo = self.line(4, "c3")
        repo.write("state", "1\n\n")
        repo.git("config", "i18n.commitEncoding", "latin1")
        repo.git("commit", "-q", "-a", "-F", "-", data=b"caf\xe9 \xff\xfe \x01 \"quoted\" \\ back\n")
        command = ["sh", "-c", "printf '\\377\\376 bad \\001 bytes \\303'; exit $(cat state)"]
        result = self.result("--json", "--good", "c1", "--", *command, rc=0, cwd=repo.path)
        self.assertEqual(self.result("show", "--json", rc=0, cwd=repo.path), result)
        result = self.result("--json", "--good", "c4", "--", "sh", "-c", "test $(wc -l < state) -lt 2", rc=0, cwd=repo.path)
        self.assertIn("quoted", result["commits"]["first_bad"]["subject"])


if __name__ == "__main__":
    main()
