#!/usr/bin/env python3
"""What is said where: help, standard output, terminals, and logs that git reads."""

import json
import os
import re
import shlex

from lib import OUTSIDE, PROGRAM, STATE, Case, Terminal, linear, main

EVERYDAY = ("--good", "--bad", "--build", "--timeout", "--jobs", "--json")
ALL = ("--good", "--old", "--bad", "--new", "--broken", "--fixed", "--path", "--first-parent", "--skip", "--seed", "--build",
       "--timeout", "--jobs", "--with", "--build-timeout", "--env", "--pass-env", "--clear-env", "--max-trials", "--max-time",
       "--ask", "--reuse", "--bad-if", "--good-if", "--skip-if", "--timeout-is", "--strict-git", "--confirm", "--sandbox",
       "--json", "--git-log", "--no-color", "--state")


class Help(Case):
    """The option table in words."""

    def test_short_help_has_the_everyday_options_on_sixty_lines(self):
        done = self.run_program("-h")
        self.assertEqual((done.rc, done.err), (0, ""), done)
        self.assertLessEqual(len(done.out.splitlines()), 60)
        self.assertLessEqual(max(map(len, done.out.splitlines())), 100)
        for option in EVERYDAY:
            self.assertIn(option, done.out)

    def test_long_help_has_every_option_and_subcommand(self):
        done = self.run_program("--help")
        self.assertEqual((done.rc, done.err), (0, ""), done)
        for word in (*ALL, "-q", "-v", "-j", "try", "resume", "show", "history", "status", "amend", "clean", "doctor"):
            self.assertRegex(done.out, rf"(?<![\w-]){re.escape(word)}(?![\w-])", word)

    def test_help_is_given_without_a_repository_and_with_other_words_too(self):
        self.assertEqual(self.run_program("--good", "x", "--help").rc, 0)
        self.assertEqual(self.run_program("try", "-h").rc, 0)

    def test_every_option_of_the_long_help_is_known_to_the_parser(self):
        text = self.run_program("--help").out.split("\nExamples")[0]
        for option in sorted(set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text))):
            done = self.run_program(option)
            self.assertNotRegex(done.err, "(?i)unknown option", f"{option}: {done}")

    def test_version_is_told(self):
        done = self.run_program("--version")
        self.assertEqual(done.rc, 0, done)
        self.assertRegex(done.out, r"bisect-run.* \d+\.\d+")


class Output(Case):
    """stdout holds the result and nothing else."""

    def setUp(self):
        super().setUp()
        self.r = self.line(12, "c5")

    def run_here(self, *args, command=STATE, **kw):
        done = self.run_program(*args, "--good", "c1", "--", *command, cwd=self.r.path, **kw)
        self.assertEqual(done.rc, 0, done)
        return done

    def test_json_is_one_object_and_progress_goes_to_stderr(self):
        done = self.run_here("--json", command=["sh", "-c", "echo NOISE; echo NOISE >&2; exit $(cat state)"])
        self.assertIsInstance(json.loads(done.out), dict)
        self.assertNotEqual(done.err, "")

    def test_quiet_prints_the_answer_alone_and_verbose_more(self):
        quiet, usual, verbose = self.run_here("-q"), self.run_here(), self.run_here("-v")
        self.assertEqual(quiet.err, "")
        self.assertIn(self.r.oid["c5"][:7], quiet.out)
        self.assertLess(len(quiet.out), len(usual.out))
        self.assertGreater(len(verbose.out + verbose.err), len(usual.out + usual.err))

    def test_there_is_no_colour_off_a_terminal(self):
        done = self.run_here("-v")
        self.assertNotIn("\033", done.out + done.err)

    def test_state_keeps_the_record_elsewhere(self):
        self.run_here("--state", self.path("else"))
        self.assertTrue(os.path.exists(self.path("else", "record.db")))
        self.assertFalse(os.path.exists(self.r.file(".git/bisect-run")))
        done = self.run_program("show", "--state", self.path("else"), cwd=self.r.path)
        self.assertIn("first bad commit", done.out)

    def test_the_link_git_bisect_run_makes_a_command_of_git(self):
        os.makedirs(self.path("bin"))
        os.symlink(PROGRAM, self.path("bin", "git-bisect-run"))
        done = self.run_program("bisect-run", "--json", "--good", "c1", "--", *STATE, program="git", cwd=self.r.path,
                                env={"PATH": self.path("bin") + ":" + self.env["PATH"]})
        self.assertEqual(done.rc, 0, done)
        self.assert_first_bad(self.r, done, "c5")

    def test_git_log_is_accepted_by_git_bisect_replay(self):
        graph = linear(12, files={"c8": {"odd": "1\n"}, "c9": {"odd": None}})
        repo = self.repo(graph, name="replayed", bad=["c5"])
        log = self.path("log")
        done = self.search(repo, "--good", "c1", "--git-log", log,
                           command=["sh", "-c", "test ! -e odd || exit 125; exit $(cat state)"])
        self.assert_first_bad(repo, done, "c5")
        self.assertIn(f"{repo.oid['c5']} is the first bad commit", repo.git("bisect", "replay", log))
        self.assertEqual(repo.git("rev-parse", "refs/bisect/bad"), repo.oid["c5"])

    def test_git_log_of_a_fixed_search_is_accepted_too(self):
        repo = self.repo(linear(8), name="mended", bad=["c4"], states=("1\n", "0\n"))
        log = self.path("log")
        self.search(repo, "--broken", "c1", "--git-log", log)
        said = repo.git("bisect", "replay", log)
        self.assertRegex(said, rf"{repo.oid['c4']} is the first \w+ commit")

    def test_hostile_subjects_do_not_reach_the_terminal_raw(self):
        repo = self.r
        repo.git("commit", "-q", "--allow-empty", "-m", "evil \033]0;title\007 \033[31m subject")
        repo.write("state", "2\n")
        repo.git("commit", "-q", "-a", "-m", "worse \033[2J\033]0;x\007 end")
        done = self.run_program("--good", "HEAD~1", "--", "sh", "-c", "printf '\\033[2Jout\\n'; test $(cat state) -lt 2",
                                cwd=repo.path)
        self.assertEqual(done.rc, 0, done)
        self.assertNotRegex(done.out + done.err, "[\033\007]")
        self.assertIn("worse", done.out)


class OnATerminal(Case):
    """What a person sees and types."""

    def test_a_live_line_is_shown_and_the_result_goes_to_stdout(self):
        repo = self.line(20, "c9")
        terminal = Terminal(self, *OUTSIDE, "--good", "c1", "--", "sh", "-c", "sleep 0.05; exit $(cat state)", cwd=repo.path)
        done = terminal.finish()
        self.assertEqual(done.rc, 0, done)
        self.assertIn("first bad commit", done.out)
        self.assertIn("\r", done.err.replace("\r\n", "\n"), "one line is written again and again")

    def test_a_long_subject_gives_way_to_the_time_of_the_running_test(self):
        repo = self.line(6, "c3")
        repo.git("commit", "-q", "--allow-empty", "-m", "a subject that would fill the line " * 3)
        done = Terminal(self, *OUTSIDE, "--good", "c1", "--no-color", "--", "sh", "-c", "sleep 0.15; exit $(cat state)",
                        cwd=repo.path).finish()
        self.assertEqual(done.rc, 0, done)
        live = [line for line in re.split(r"[\r\n]|\033\[K", done.err) if " | " in line]
        self.assertTrue(live, done.err)
        for line in live:
            self.assertLess(len(line), 80, line)
            self.assertRegex(line, r" \([0-9.]+ m?s\)( and \d+ more)?$")

    def test_no_color_and_its_variable_are_heeded(self):
        repo = self.line(6, "c3")
        coloured = re.compile(r"\033\[[0-9;]*m")
        for args, env, colours in (([], {}, True), (["--no-color"], {}, False), ([], {"NO_COLOR": "1"}, False)):
            done = Terminal(self, *args, "--good", "c1", "--", *STATE, cwd=repo.path, env=env, stdout_too=True).finish()
            self.assertEqual(done.rc, 0, done)
            self.assertEqual(bool(coloured.search(done.err)), colours, f"{args} {env}\n{done}")

    def asked(self, repo, answer, *args):
        """Runs --ask and types answer(name) for each candidate whose test has noted its commit."""
        book, runs = self.journal()
        terminal = Terminal(self, "--json", *OUTSIDE, "--ask", "--confirm", "off", "-j", "1", *args, "--",
                            "sh", "-c", f'echo "$BISECT_RUN_COMMIT" >> {shlex.quote(book)}', cwd=repo.path)
        typed = 0

        def answered():
            nonlocal typed
            alive = terminal.pump()
            while typed < len(runs()):
                terminal.type(answer(repo.name_of(runs()[typed])) + "\n")
                typed += 1
            return not alive or terminal.proc.poll() is not None
        self.until(answered, "the end of the questions")
        return terminal.finish()

    def test_ask_takes_the_word_of_a_person(self):
        repo = self.line(10, "c2")
        done = self.asked(repo, lambda name: "good" if int(name[1:]) < 7 else "bad", "--good", "c1")
        self.assertEqual(done.rc, 0, done)
        self.assert_first_bad(repo, done, "c7")

    def test_ask_takes_skip_for_an_answer(self):
        repo = self.line(5, "c2")
        done = self.asked(repo, lambda name: {"c1": "good", "c5": "bad"}.get(name, "skip"), "--good", "c1")
        self.assert_narrowed(repo, done, {"c2", "c3", "c4", "c5"})

    def test_ask_without_a_terminal_is_an_error_and_no_verdict(self):
        repo = self.line(5, "c2")
        done = self.run_program("--ask", "--good", "c1", "--", "true", cwd=repo.path)
        self.assertIn(done.rc, (1, 129), done)
        self.assertEqual(done.out, "")


if __name__ == "__main__":
    main()
