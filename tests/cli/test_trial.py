#!/usr/bin/env python3
"""How a trial is run and judged: verdicts, files, environment, configuration."""

import os
import re
import shlex

from lib import BAD, CODE, GOOD, OUTSIDE, STATE, Case, exits, linear, main, read


class Verdicts(Case):
    """How an outcome is judged."""

    def test_a_hang_over_the_timeout_is_bad_with_kind_timeout(self):
        repo = self.repo(linear(3, files={"c2": {"hang": "x\n"}}))
        done = self.search(repo, "--good", "c1", "--timeout", "1s", "--confirm", "off",
                           command=["sh", "-c", "test ! -e hang || exec sleep 600"])
        self.assert_first_bad(repo, done, "c2")
        hung = [t for t in done.trials if t["verdict"] == "bad"]
        self.assertTrue(all(t["timed_out"] and t["failure"]["kind"] == "timeout" for t in hung), done)
        self.assertTrue(all(0.9 < t["wall"] < 10 for t in hung), done)

    def test_timeout_is_skip_makes_a_hang_untestable(self):
        repo = self.repo(linear(3, files={"c2": {"hang": "x\n"}, "c3": {"hang": None}}), bad=["c3"])
        done = self.search(repo, "--good", "c1", "--timeout", "1s", "--timeout-is", "skip", expect=2,
                           command=["sh", "-c", "test ! -e hang || exec sleep 600; exit $(cat state)"])
        self.assert_narrowed(repo, done, {"c2", "c3"})

    def test_patterns_decide_whatever_the_exit_status(self):
        repo = self.repo(linear(9, files={"c1": {"say": "fine\n"}, "c4": {"say": "cannot\n"}, "c5": {"say": "BOOM 7\n"}}))
        done = self.search(repo, "--good", "c1", "--bad-if", r"^BOOM \d+$", "--skip-if", "^cannot", command=["cat", "say"],
                           expect=2)
        self.assert_narrowed(repo, done, {"c4", "c5"})
        done = self.search(repo, "--good", "c1", "--good-if", "fine|cannot", command=["sh", "-c", "cat say >&2; exit 1"])
        self.assert_first_bad(repo, done, "c5")

    def test_skip_comes_before_bad_and_bad_before_good(self):
        for args, rc in ((["--bad-if", "x", "--good-if", "x"], 1), (["--skip-if", "x", "--bad-if", "x", "--good-if", "x"], 125),
                         (["--good-if", "x"], 0), (["--good-if", "y"], 1)):
            done = self.run_program("try", *args, "--", "sh", "-c", "echo x; exit 3")
            self.assertEqual(done.rc, rc, done)

    def test_an_invalid_pattern_is_wrong_usage_and_shows_the_place(self):
        repo = self.line(3, "c2")
        for option in ("--bad-if", "--good-if", "--skip-if"):
            done = self.run_program("--good", "c1", option, "abc(def", "--", *STATE, cwd=repo.path)
            self.assert_refused(done, r"\^", rcs=(129,))
            self.assertIn("abc(def", done.err)
            self.assertIn(option, done.err)
            lines = done.err.splitlines()
            caret = next(i for i, line in enumerate(lines) if re.fullmatch(r"\s*\^.*", line))
            self.assertIn("abc(def", lines[caret - 1], done)
            self.assertGreater(lines[caret].index("^"), lines[caret - 1].index("abc"), done)

    def test_a_crash_is_bad_and_its_signal_is_told(self):
        repo = self.line(6, "c4")
        done = self.search(repo, "--good", "c1", command=["sh", "-c", "test $(cat state) = 0 || kill -SEGV $$"])
        self.assert_first_bad(repo, done, "c4")
        crashed = [t for t in done.trials if t["verdict"] == "bad"]
        self.assertTrue(all(t["signal"] == 11 and t["failure"]["kind"] == "signal" for t in crashed), done)
        self.assertIn("SIGSEGV", crashed[0]["why"])

    def test_strict_git_stops_at_a_crash_with_an_error(self):
        repo = self.line(6, "c4")
        for crash in ("kill -SEGV $$", "exit 200"):
            done = self.search(repo, "--good", "c1", "--strict-git", expect=1,
                               command=["sh", "-c", f"test $(cat state) = 0 || {crash}"])
            self.assertEqual(done.json["status"], "error")

    def test_a_command_that_cannot_be_run_at_the_good_end_is_an_error(self):
        repo = self.line(4, "c3")
        repo.write("notexec", "#!/bin/sh\n")
        for command in (["./nowhere"], ["sh", "-c", "exit 127"], ["sh", "-c", "exit 126"]):
            done = self.search(repo, "--good", "c1", command=command, expect=1)
            self.assertEqual(done.json["status"], "error", done)
            self.assertTrue(done.json["message"])

    def test_a_command_that_is_missing_later_is_a_skip(self):
        repo = self.repo(linear(7, files=exits({"c1": 0, "c3": 127, "c4": 126, "c5": 0, "c6": 1})))
        done = self.search(repo, "--good", "c1", command=CODE)
        self.assert_first_bad(repo, done, "c6")
        for trial in done.trials:
            if repo.name_of(trial["oid"]) in ("c3", "c4"):
                self.assertEqual(trial["verdict"], "skip", trial)

    def test_a_command_missing_at_the_bad_end_too_is_what_is_hunted(self):
        repo = self.repo(linear(8, files={"c1": {"tool": ("#!/bin/sh\n", 0o755)}, "c5": {"tool": None}}))
        self.assert_first_bad(repo, self.search(repo, "--good", "c1", command=["./tool"]), "c5")


class Trial(Case):
    """What a trial finds around it."""

    def test_with_puts_the_users_newer_test_into_commits_that_lack_it(self):
        repo = self.line(8, "c5")
        repo.write("check.sh", "exit $(cat state)\n")
        done = self.search(repo, "--good", "c1", "--with", "check.sh", command=["sh", "check.sh"])
        self.assert_first_bad(repo, done, "c5")

    def test_with_takes_the_users_changed_copy_of_a_tracked_file(self):
        repo = self.repo(linear(8, files={"c1": {"t/check.sh": "exit 0\n"}}), bad=["c5"])
        repo.write("t/check.sh", "exit $(cat state)\n")
        done = self.search(repo, "--good", "c1", "--with", "t/check.sh", command=["sh", "t/check.sh"])
        self.assert_first_bad(repo, done, "c5")
        done = self.search(repo, "--good", "c1", "--with", "t", command=["sh", "t/check.sh"])
        self.assert_first_bad(repo, done, "c5")

    def test_with_at_a_revision_takes_the_file_from_there(self):
        scripts = {"c3": "exit 0\n", "c7": "exit $(cat state)\n", "c8": "exit 99\n"}
        repo = self.repo(linear(8, files={name: {"check.sh": text} for name, text in scripts.items()}), bad=["c5"])
        done = self.search(repo, "c1..c6", "--with", "check.sh@c7", command=["sh", "check.sh"])
        self.assert_first_bad(repo, done, "c5")

    def environment(self, *args, env=None):
        repo = self.line(2, "c2", name=f"env{len(os.listdir(self.tmp))}")
        seen = self.path(f"seen{len(os.listdir(self.tmp))}")
        done = self.run_program("try", *OUTSIDE, *args, "c1", "--", "sh", "-c", f"env -0 > {shlex.quote(seen)}",
                                cwd=repo.path, env=env)
        self.assertEqual(done.rc, 0, done)
        return repo, dict(entry.split("=", 1) for entry in read(seen).split("\0") if entry)

    def test_trials_see_what_they_are(self):
        repo, env = self.environment()
        self.assertEqual(env["BISECT_RUN_COMMIT"], repo.oid["c1"])
        for name in ("BISECT_RUN_TRIAL", "BISECT_RUN_WORKER", "BISECT_RUN_JOBS"):
            self.assertRegex(env.get(name, ""), r"^\d+$", name)

    SECRETS = {"FOO_TOKEN": "1", "MY_PASSWORD": "1", "AWS_ACCESS_KEY_ID": "1", "AWS_PROFILE": "1", "CLIENT_SECRET": "1",
               "API_KEY": "1", "SSH_AUTH_SOCK": "/nowhere", "DBUS_SESSION_BUS_ADDRESS": "1", "DISPLAY": ":9",
               "GOOGLE_APPLICATION_CREDENTIALS": "1"}

    def test_secrets_and_doors_to_the_session_are_not_passed_on(self):
        _, env = self.environment(env={**self.SECRETS, "HARMLESS": "here"})
        self.assertEqual(set(self.SECRETS) & set(env), set())
        self.assertEqual(env["HARMLESS"], "here")
        self.assertEqual(env["PATH"], self.env["PATH"])

    def test_env_sets_and_pass_env_passes_on(self):
        _, env = self.environment("--env", "COLOUR=blue=green", "--env", "EMPTY=", "--pass-env", "FOO_TOKEN", env=self.SECRETS)
        self.assertEqual((env["COLOUR"], env["EMPTY"], env["FOO_TOKEN"]), ("blue=green", "", "1"))
        self.assertNotIn("MY_PASSWORD", env)

    def test_clear_env_passes_on_only_what_is_named(self):
        _, env = self.environment("--clear-env", "--env", "A=1", "--pass-env", "KEPT", env={"KEPT": "2", "LOST": "3"})
        self.assertNotIn("LOST", env)
        self.assertEqual((env["A"], env["KEPT"]), ("1", "2"))
        self.assertIn("PATH", env)
        self.assertIn("BISECT_RUN_COMMIT", env)

    def test_the_command_starts_in_the_users_subdirectory(self):
        files = {f"c{i}": {"sub/dir/value": "good\n" if i < 4 else "wrong\n"} for i in range(1, 7)}
        repo = self.repo(linear(6, files=files))
        done = self.search(repo, "--good", "c1", command=["grep", "-q", "good", "value"], cwd=repo.file("sub/dir"))
        self.assert_first_bad(repo, done, "c4")

    def test_an_untracked_script_beside_the_sources_is_found(self):
        repo = self.repo(linear(6, files={"c1": {"sub/x": "1\n"}}), bad=["c4"])
        repo.write("check.sh", "#!/bin/sh\nexit $(cat state)\n", 0o755)
        repo.write("sub/here.sh", "exit $(cat ../state)\n")
        self.assert_first_bad(repo, self.search(repo, "--good", "c1", command=["./check.sh"]), "c4")
        done = self.search(repo, "--good", "c1", command=["sh", "here.sh"], cwd=repo.file("sub"))
        self.assert_first_bad(repo, done, "c4")
        done = self.search(repo, "--good", "c1", command=["sh", repo.file("check.sh")])
        self.assert_first_bad(repo, done, "c4")

    def test_an_untracked_script_that_an_option_builds_with_is_found(self):
        repo = self.line(5, "c3")
        repo.write("build.sh", "cp state built\n")
        done = self.search(repo, "--good", "c1", "--build", "sh ./build.sh", command=["sh", "-c", "exit $(cat built)"])
        self.assert_first_bad(repo, done, "c3")

    def test_the_trees_own_file_wins_over_the_users(self):
        files = {f"c{i}": {"check.sh": "exit $(cat state)\n"} for i in range(1, 7)}
        repo = self.repo(linear(6, files=files), bad=["c4"])
        repo.write("check.sh", "exit 1\n")
        self.assert_first_bad(repo, self.search(repo, "--good", "c1", command=["sh", "check.sh"]), "c4")

    def test_an_ignored_stale_program_never_stands_in_for_a_built_one(self):
        repo = self.repo(linear(4, files={"c1": {".gitignore": "prog\n"}}), bad=["c3"])
        repo.write("prog", "#!/bin/sh\nexit 0\n", 0o755)
        done = self.search(repo, "--good", "c1", command=["./prog"], expect=1)
        self.assertEqual(done.json["status"], "error", done)

    def test_a_script_outside_of_the_checkout_is_found_by_its_relative_path(self):
        repo = self.repo(linear(6, files={"c1": {"sub/x": "1\n"}}), bad=["c4"])
        os.makedirs(self.path("scripts"))
        with open(self.path("scripts", "check.sh"), "w") as out:
            out.write("#!/bin/sh\nexit $(cat state || cat ../state)\n")
        os.chmod(self.path("scripts", "check.sh"), 0o755)
        self.assert_first_bad(repo, self.search(repo, "--good", "c1", command=["../scripts/check.sh"]), "c4")
        done = self.search(repo, "--good", "c1", command=["sh", "../../scripts/check.sh"], cwd=repo.file("sub"))
        self.assert_first_bad(repo, done, "c4")

    def test_git_works_inside_a_trial_and_sees_the_candidate(self):
        repo = self.line(6, "c4")
        script = ('test "$(git rev-parse HEAD)" = "$BISECT_RUN_COMMIT" && test -z "$(git status --porcelain)" && '
                  'git log -1 --format=%s | grep -q "^commit c" && git describe --tags --exact-match | grep -qx "$(cat name)" && '
                  'git diff --quiet HEAD && git ls-files --error-unmatch name >/dev/null || exit 99; exit $(cat state)')
        done = self.search(repo, "--good", "c1", command=["sh", "-c", script])
        self.assert_first_bad(repo, done, "c4")
        self.assertEqual({t["exit"] for t in done.trials}, {0, 1}, done)

    def test_git_variables_of_the_caller_do_not_lead_trials_astray(self):
        repo = self.line(6, "c4")
        done = self.search(repo, "--good", "c1", env={"GIT_DIR": repo.git_dir, "GIT_WORK_TREE": repo.path,
                                # libgit2 1.5 forgets 16 bytes each time it heeds GIT_WORK_TREE.
                                "ASAN_OPTIONS": "detect_leaks=0"},
                           command=["sh", "-c", 'test $(git rev-parse HEAD) = $BISECT_RUN_COMMIT || exit 99; exit $(cat state)'])
        self.assert_first_bad(repo, done, "c4")
        self.assertEqual({t["exit"] for t in done.trials}, {0, 1}, done)

    def test_what_a_trial_changes_in_tracked_files_is_put_right_before_the_next(self):
        repo = self.line(12, "c7")
        done = self.search(repo, "--good", "c1",
                           command=["sh", "-c", "code=$(cat state); echo 9 > state; rm -f name; exit $code"])
        self.assert_first_bad(repo, done, "c7")

    def test_a_linked_work_tree_can_be_searched_from(self):
        repo = self.line(6, "c4")
        repo.git("worktree", "add", "-q", self.path("linked"), "c6")
        self.assert_first_bad(repo, self.search(repo, "--good", "c1", cwd=self.path("linked")), "c4")

    def test_links_modes_and_odd_names_are_made_as_they_are(self):
        repo = self.repo()
        repo.write("run.sh", '#!/bin/sh\ntest "$(readlink link)" = target && test -e "$(printf "a\\tb \\303\\274")" || exit 99\n'
                   'exit $(cat state)\n', 0o755)
        repo.write("a\tb \u00fc", "x\n")
        os.symlink("target", repo.file("link"))
        for subject, state in (("good", GOOD), ("bad", BAD)):
            repo.write("state", state)
            repo.git("add", "-A")
            repo.git("commit", "-q", "-m", subject)
        done = self.search(repo, "--good", "HEAD~1", command=["./run.sh"])
        self.assertEqual(done.json["commits"]["first_bad"]["subject"], "bad", done)
        self.assertEqual({t["exit"] for t in done.trials}, {0, 1}, done)


class Configuration(Case):
    """Defaults from git configuration."""

    def test_a_harmless_default_is_taken_from_the_repository_and_the_command_line_wins(self):
        repo = self.line(10, "c4")
        repo.git("config", "bisectrun.jobs", "3")
        seen = self.path("jobs")
        command = ["sh", "-c", f'echo $BISECT_RUN_JOBS >> {seen}; exit $(cat state)']
        self.assert_first_bad(repo, self.search(repo, *OUTSIDE, "--good", "c1", command=command), "c4")
        self.assertEqual(set(read(seen).split()), {"3"})
        os.unlink(seen)
        self.search(repo, *OUTSIDE, "--good", "c1", "-j", "2", command=command)
        self.assertEqual(set(read(seen).split()), {"2"})

    def test_a_wrong_value_in_the_configuration_is_named(self):
        repo = self.line(3, "c2")
        repo.git("config", "bisectrun.jobs", "many")
        done = self.run_program("--good", "c1", "--", *STATE, cwd=repo.path)
        self.assert_refused(done, "(?i)bisectrun.jobs|--jobs", rcs=(1, 129))

    def test_what_could_open_a_door_is_taken_from_the_users_configuration_only(self):
        repo = self.line(4, "c3")
        mark = self.path("built")
        repo.git("config", "bisectrun.build", f"touch {mark}.repository")
        self.assert_first_bad(repo, self.search(repo, *OUTSIDE, "--good", "c1"), "c3")
        self.assertFalse(os.path.exists(f"{mark}.repository"), "a repository's build was run")
        repo.git("config", "--global", "bisectrun.build", f"touch {mark}.global")
        self.assert_first_bad(repo, self.search(repo, *OUTSIDE, "--good", "c1"), "c3")
        self.assertTrue(os.path.exists(f"{mark}.global"), "the user's own default was not used")
        self.assertFalse(os.path.exists(f"{mark}.repository"))


if __name__ == "__main__":
    main()
