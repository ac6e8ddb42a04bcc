#!/usr/bin/env python3
"""What cannot work ends with one clear line that says what is wrong, and never with a verdict."""

import os
import re
import shlex
import subprocess

from lib import OUTSIDE, PROGRAM, STATE, Case, Repo, linear, main


class Repositories(Case):
    """Places and histories in which there is nothing to search, or only with care."""

    def test_not_a_repository(self):
        os.makedirs(self.path("plain"))
        done = self.run_program("--good", "a", "--", "true", cwd=self.path("plain"))
        self.assert_refused(done, "(?i)not (in )?a git repository|no git repository")
        self.assertEqual(os.listdir(self.path("plain")), [], "nothing is left there")

    def test_an_empty_repository(self):
        repo = self.repo()
        self.assert_refused(self.run_program("--good", "main", "--", "true", cwd=repo.path), "(?i)empty|no commit")

    def test_a_bare_repository_works(self):
        repo = self.repo(linear(9), bare=True, name="bare.git", bad=["c5"])
        done = self.search(repo, "--good", "c1", "--bad", "c9")
        self.assert_first_bad(repo, done, "c5")
        self.assertTrue(os.path.exists(repo.file("bisect-run", "record.db")))

    def test_a_clone_of_depth_one_says_that_the_history_ends_here(self):
        origin = self.line(8, "c4", name="origin")
        subprocess.run(["git", "clone", "-q", "--depth", "1", "file://" + origin.path, self.path("shallow")], env=self.env,
                       check=True)
        for args in (["--good", "c1"], ["--good", origin.oid["c1"]], ["--bad", "HEAD"]):
            done = self.run_program(*args, "--", "false", cwd=self.path("shallow"))
            self.assertIn(done.rc, (1, 3), done)
            self.assertRegex(done.out + done.err, "(?i)history ends", str(done))
            self.assertIn("fetch-depth: 0", done.out + done.err)

    def test_a_deeper_clone_works_between_the_commits_that_it_has(self):
        origin = self.line(12, "c9", name="origin")
        subprocess.run(["git", "clone", "-q", "--depth", "6", "file://" + origin.path, self.path("shallow")], env=self.env,
                       check=True)
        shallow = Repo.__new__(Repo)
        shallow.path, shallow.env, shallow.oid, shallow.bare = self.path("shallow"), self.env, origin.oid, False
        self.assert_first_bad(shallow, self.search(shallow, "--good", origin.oid["c7"]), "c9")

    def test_a_good_and_a_bad_revision_without_common_history(self):
        repo = self.repo(linear(3) + [("o1", [], {}), ("o2", ["o1"], {})], bad=["c2"])
        done = self.run_program("--good", "o2", "--bad", "c3", "--", *STATE, cwd=repo.path)
        self.assert_refused(done, "(?i)no common|nothing in common|unrelated", rcs=(1, 3))

    def corrupted(self, spec):
        """c1..c5, bad from c4 on; the object that spec names is damaged on disk."""
        graph = linear(5, files={f"c{i}": {f"d{i}/x": f"{i}\n"} for i in range(1, 6)})
        repo = self.repo(graph, bad=["c4"], name=f"corrupt{len(os.listdir(self.tmp))}")
        path = repo.loose(spec)
        os.chmod(path, 0o644)
        with open(path, "wb") as out:
            out.write(b"damaged")
        return repo

    def test_a_corrupt_object_makes_its_commit_a_skip_that_is_named(self):
        for spec in ("c3:name", "c3^{tree}"):
            with self.subTest(spec):
                repo = self.corrupted(spec)
                done = self.search(repo, "--good", "c1", expect=2)
                self.assert_narrowed(repo, done, {"c3", "c4"})
                skipped = [t for t in done.trials if t["oid"] == repo.oid["c3"]]
                self.assertEqual({t["verdict"] for t in skipped}, {"skip"}, done)
                self.assertRegex(str(skipped), "(?i)corrupt|damaged|missing|object", str(done))
                text = self.run_program("show", cwd=repo.path)
                self.assertIn(repo.oid["c3"][:7], text.out)

    def test_a_corrupt_object_at_an_end_is_named_once_and_nothing_is_searched(self):
        repo = self.corrupted("c5:name")
        done = self.run_program("--json", "--good", "c1", "--", *STATE, cwd=repo.path)
        self.assertIn(done.rc, (1, 3), done)
        self.assertIn(done.json["status"], ("error", "not-reproduced"))
        self.assertEqual(len(re.findall("(?i)corrupt|damaged", done.json["message"])), 1, done.json["message"])
        self.assertEqual(done.phase("search"), [])


class Revisions(Case):
    """Ends that cannot be."""

    def setUp(self):
        super().setUp()
        self.r = self.line(6, "c4")

    def refused(self, pattern, *args):
        done = self.run_program(*args, "--", *STATE, cwd=self.r.path)
        self.assert_refused(done, pattern)
        return done

    def contradictory(self, pattern, *args):
        """Ends that cannot be: a result, exit 3, and nothing is run."""
        done = self.run_program(*args, "--", *STATE, cwd=self.r.path)
        self.assertEqual(done.rc, 3, done)
        self.assertRegex(done.out + done.err, pattern)
        self.assertEqual(self.search(self.r, *args, expect=3).trials, [])
        return done

    def test_an_unknown_revision_is_named(self):
        for args in (["--good", "nowhere"], ["--good", "c1", "--bad", "nowhere"], ["nowhere..c6"], ["c1..nowhere"],
                     ["--good", "c1", "--skip", "nowhere"], ["--broken", "nowhere"]):
            self.refused("nowhere", *args)

    def test_a_revision_that_is_no_commit_is_named(self):
        self.refused("c1:state", "--good", "c1:state")

    def test_an_ambiguous_revision_is_said_to_be_ambiguous(self):
        # So many commits that some two begin with the same four digits.
        who = "committer A <a@example.com> 1600000000 +0000"
        self.r.git("fast-import", "--quiet", data="".join(
            f"commit refs/heads/many\n{who}\ndata <<E\nn{i}\nE\n\n" for i in range(1500)).encode())
        starts = [oid[:4] for oid in self.r.git("rev-list", "many").split()]
        prefix = next(start for start in starts if starts.count(start) > 1)
        self.refused("(?i)ambiguous", "--good", prefix)

    def test_good_equals_bad(self):
        self.contradictory("(?i)same|equal|both", "--good", "c3", "--bad", "c3")

    def test_good_and_bad_swapped(self):
        done = self.contradictory("(?i)good revision is newer", "--good", "c6", "--bad", "c1")
        self.assertRegex(done.out + done.err, "swap|--broken")

    def test_no_candidate_touches_the_path(self):
        self.refused("(?i)--path|nowhere", "--good", "c1", "--path", "nowhere")

    def test_errors_are_one_json_object_too(self):
        for args in (["--good", "nowhere"], ["--good", "c3", "--bad", "c3"], ["--good", "c1", "--path", "nowhere"]):
            done = self.run_program("--json", *args, "--", *STATE, cwd=self.r.path)
            self.assertIn(done.rc, (1, 3), done)
            self.assertIn(done.json["status"], ("error", "not-reproduced"))
            self.assertTrue(done.json["message"])
            self.assertEqual(done.json["version"], 1)


class StateDirectory(Case):
    """A record that cannot be written."""

    def test_a_state_directory_that_cannot_be_made_is_named_and_the_option_too(self):
        repo = self.line(4, "c3")
        repo.write("file", "not a folder\n")
        done = self.run_program("--state", repo.file("file", "state"), "--good", "c1", "--", *STATE, cwd=repo.path)
        self.assert_refused(done, "--state")
        self.assertIn(repo.file("file"), done.err)

    def test_a_state_directory_without_permission_is_named(self):
        if os.geteuid() == 0:
            self.skipTest("root may write everywhere")
        repo = self.line(4, "c3")
        os.makedirs(self.path("closed"), 0o500)
        done = self.run_program("--state", self.path("closed", "state"), "--good", "c1", "--", *STATE, cwd=repo.path)
        self.assert_refused(done, "--state")

    def test_a_damaged_record_is_an_error_and_not_overwritten(self):
        repo = self.line(4, "c3")
        repo.write(".git/bisect-run/record.db", "this is no database, but it is long enough to be taken for one\n" * 50)
        done = self.run_program("--good", "c1", "--", *STATE, cwd=repo.path)
        self.assert_refused(done, "record.db")
        with open(repo.file(".git/bisect-run/record.db")) as kept:
            self.assertIn("this is no database", kept.readline())

    def test_a_full_disk_while_recording_is_an_error_and_resume_goes_on(self):
        if subprocess.run(["unshare", "-m", "true"], stderr=subprocess.DEVNULL).returncode:
            self.skipTest("mount namespaces need root")
        repo = self.line(40, "c23")
        small, rc, book = self.path("small"), self.path("rc"), self.path("book")
        os.makedirs(small)
        # The fifth trial fills the file system; what follows cannot be recorded, until there is room again.
        fill = (f'echo x >> {book}; if test $(wc -l < {book}) -ge 5 && test ! -e {rc}; then '
                f'for size in 4k 1; do dd if=/dev/zero of={small}/fill$size bs=$size 2>/dev/null; done; fi; exit $(cat state)')
        run = shlex.join([PROGRAM, "--json", *OUTSIDE, "--state", small, "-j", "1", "--good", "c1", "--", "sh", "-c", fill])
        again = shlex.join([PROGRAM, "resume", "--json", "--state", small])
        script = (f"mount -t tmpfs -o size=1536k none {small} || exit 77; {run} > {self.path('first')}; echo $? > {rc}; "
                  f"rm {small}/fill*; exec {again}")
        done = self.run_program("-m", "sh", "-c", script, program="unshare", cwd=repo.path)
        if done.rc == 77:
            self.skipTest("tmpfs cannot be mounted here")
        with open(rc) as file:
            self.assertEqual(file.read().strip(), "1", done)
        self.assertRegex(done.err, "(?i)disk|no space|full")
        self.assertEqual(done.rc, 0, done)
        self.assert_first_bad(repo, done, "c23")


class Usage(Case):
    """Wrong usage: status 129, two lines on stderr, nothing on stdout."""

    def refused(self, *args, cwd=None):
        done = self.run_program(*args, cwd=cwd)
        self.assertEqual(done.rc, 129, done)
        self.assertEqual(done.out, "", done)
        self.assertEqual(len(done.err.splitlines()), 2, done)
        return done

    def test_an_unknown_option_is_named_with_the_nearest_one(self):
        for wrong, near in (("--godo", "--good"), ("--timout", "--timeout"), ("--confrim", "--confirm"), ("--job", "--jobs"),
                            ("--json-out", "--json")):
            done = self.refused(wrong, "x", "--", "true")
            self.assertIn(wrong, done.err)
            self.assertIn(near, done.err)

    def test_options_that_contradict_each_other_are_named(self):
        for args in (["--good", "a", "--broken", "b"], ["-q", "-v", "--good", "a"], ["--bad", "a", "--fixed", "b"],
                     ["a..b", "--bad", "c"], ["a..b", "--broken", "c"]):
            self.refused(*args, "--", "true")

    def test_values_that_cannot_be_are_named_with_their_option(self):
        for option, value in (("--timeout", "soon"), ("--timeout", "-1s"), ("--jobs", "-2"), ("--jobs", "x"),
                              ("--confirm", "maybe"), ("--timeout-is", "good"), ("--max-trials", "none"), ("--max-time", "1x"),
                              ("--sandbox", "loose"), ("--env", "NOEQUALS"), ("--seed", "x"), ("--timeout", "99999999999999999999s"),
                              ("--jobs", "99999999999999999999")):
            with self.subTest(f"{option} {value}"):
                done = self.refused(option, value, "--good", "a", "--", "true")
                self.assertIn(option, done.err)

    def test_an_option_without_its_value_is_named(self):
        self.assertIn("--good", self.refused("--good").err)

    def test_a_search_without_a_command_or_ends_says_what_is_missing(self):
        repo = self.line(3, "c2")
        self.refused("--good", "c1", cwd=repo.path)
        self.refused("--good", "c1", "--", cwd=repo.path)
        self.refused("nonsense", cwd=repo.path)
        self.refused(cwd=repo.path)

    def test_subcommands_refuse_operands_that_they_cannot_use(self):
        repo = self.line(3, "c2")
        for args in (["amend"], ["amend", "1", "perhaps"], ["resume", "x y"], ["show", "1", "2"], ["try"],
                     ["try", "a", "b", "--", "true"]):
            with self.subTest(" ".join(args)):
                self.refused(*args, cwd=repo.path)


if __name__ == "__main__":
    main()
