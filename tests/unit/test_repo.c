/* test_repo.c - a repository as git sees it, clear words where it cannot be used, and never a byte written to it. */
#include "../fixtures/git_repo.h"

#include "domain/commits.h"
#include "domain/repo.h"

#include <limits.h>
#include <sys/stat.h>

/* The same leak, for the address sanitizer. It has no name of libgit2 in its stack. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libpcre2-8.so\n";
}

struct world {
	char *top, *dir; /* dir: the repository top/r */
	struct br_repo *repo;
	struct br_err err;
};

/* Three commits on main: a, then d/b, then a changed; tags v1 (annotated, at the first), on the last one HEAD. */
static int make(void **state)
{
	struct world *w = br_calloc(1, sizeof *w);
	br_auto_free char *base = git_temp_dir();

	w->top = realpath(base, NULL);
	git_clean_environment(w->top);
	w->dir = br_asprintf("%s/r", w->top);
	run_in(w->top, "git init -q -b main r && cd r && echo 1 >a && git add . && git commit -qm first && "
		       "git tag -a -m note v1 && mkdir d && echo b >d/b && git add . && git commit -qm "
		       "'second: b' && "
		       "echo 2 >a && git commit -qam third");
	*state = w;
	return 0;
}

static int unmake(void **state)
{
	struct world *w = *state;

	br_repo_close(w->repo);
	assert_int_equal(br_dir_remove(w->top, NULL), 0);
	free(w->top);
	free(w->dir);
	free(w);
	return 0;
}

static void open_at(struct world *w, const char *dir)
{
	br_repo_close(w->repo);
	w->repo = NULL;
	if (br_repo_open(&w->repo, dir, &w->err) < 0)
		fail_msg("%s", w->err.msg);
}

static void assert_says(struct world *w, int rc, int code, const char *part)
{
	assert_int_equal(rc, code);
	if (!strstr(w->err.msg, part))
		fail_msg("'%s' is not in: %s", part, w->err.msg);
	assert_null(strchr(w->err.msg, '\n'));
}

static void assert_refused(struct world *w, const char *dir, const char *part)
{
	struct br_repo *repo = NULL;

	assert_says(w, br_repo_open(&repo, dir, &w->err), BR_ESTATE, part);
	assert_null(repo);
}

/* ---- opening ---- */

static void it_is_found_from_a_folder_below(void **state)
{
	struct world *w = *state;
	br_auto_free char *below = br_asprintf("%s/d", w->dir), *git = br_asprintf("%s/.git", w->dir);

	open_at(w, below);
	assert_string_equal(br_repo_prefix(w->repo), "d");
	assert_string_equal(br_repo_workdir(w->repo), w->dir);
	assert_string_equal(br_repo_common_dir(w->repo), git);
	open_at(w, w->dir);
	assert_string_equal(br_repo_prefix(w->repo), "");
	assert_false(br_repo_is_shallow(w->repo));
	open_at(w, git);
	assert_string_equal(br_repo_prefix(w->repo), "");
}

static void it_is_found_through_a_symbolic_link(void **state)
{
	struct world *w = *state;
	br_auto_free char *link = br_asprintf("%s/link/d", w->top);

	run_in(w->top, "ln -s r link");
	open_at(w, link);
	assert_string_equal(br_repo_prefix(w->repo), "d");
	assert_string_equal(br_repo_workdir(w->repo), w->dir);
}

static void bare_ones_and_linked_work_trees_open(void **state)
{
	struct world *w = *state;
	br_auto_free char *bare = br_asprintf("%s/b.git", w->top), *linked = br_asprintf("%s/l/d", w->top);
	br_auto_free char *git = br_asprintf("%s/.git", w->dir);

	run_in(w->top, "git clone -q --bare r b.git && git -C r worktree add -q ../l main~1 --detach 2>&1");
	open_at(w, bare);
	assert_null(br_repo_workdir(w->repo));
	assert_string_equal(br_repo_common_dir(w->repo), bare);
	open_at(w, linked);
	assert_string_equal(br_repo_prefix(w->repo), "d");
	assert_string_equal(br_repo_common_dir(w->repo), git);
	assert_string_not_equal(br_repo_git_dir(w->repo), git);
}

static void git_dir_and_git_work_tree_are_heeded(void **state)
{
	struct world *w = *state;
	br_auto_free char *git = br_asprintf("%s/.git", w->dir), *tree = br_asprintf("%s/t", w->top);
	br_auto_free char *below = br_asprintf("%s/t/x", w->top);
	char oid[BR_OID_HEX];

	run_in(w->top, "mkdir -p t/x");
	(void)setenv("GIT_DIR", git, 1);
	(void)setenv("GIT_WORK_TREE", tree, 1);
	open_at(w, below);
	(void)unsetenv("GIT_DIR");
	(void)unsetenv("GIT_WORK_TREE");
	assert_string_equal(br_repo_workdir(w->repo), tree);
	assert_string_equal(br_repo_prefix(w->repo), "x");
	assert_int_equal(br_repo_resolve(w->repo, "main", oid, NULL), 0);
}

static void a_folder_outside_of_any_repository_is_named(void **state)
{
	struct world *w = *state;
	br_auto_free char *below = br_asprintf("%s/d", w->dir);

	(void)setenv("GIT_CEILING_DIRECTORIES", w->dir, 1);
	assert_refused(w, below, "is not in a git repository");
	(void)unsetenv("GIT_CEILING_DIRECTORIES");
}

/* libgit2 1.5 loses 20 KiB each time that it opens a repository with extensions: not ours to be found. */
static void skip_under_valgrind(void)
{
	if (!getenv("BR_VALGRIND"))
		return;
	print_message("skip: libgit2 leaks when it looks at extensions\n");
	skip();
}

static void what_libgit2_cannot_read_is_refused_in_one_line(void **state)
{
	struct world *w = *state;
	br_auto_free char *sha = NULL;

	skip_under_valgrind();
	sha = br_asprintf("%s/sha", w->top);
	run_in(w->top, "git init -q --object-format=sha256 sha");
	assert_refused(w, sha, "SHA-256");
	run_in(w->dir,
	       "git config core.repositoryformatversion 1 && git config extensions.refstorage reftable");
	assert_refused(w, w->dir, "reftable");
	run_in(w->dir, "git config -f .git/config --unset extensions.refstorage && "
		       "git config -f .git/config extensions.fromthefuture 1");
	assert_refused(w, w->dir, "fromthefuture");
}

static void extensions_that_do_not_matter_are_no_obstacle(void **state)
{
	struct world *w = *state;
	br_auto_strv char **values = NULL;

	skip_under_valgrind();
	run_in(w->dir,
	       "git config core.repositoryformatversion 1 && git config extensions.worktreeConfig true && "
	       "git config extensions.partialClone origin && git config extensions.objectFormat sha1 && "
	       "git config --worktree bisectrun.jobs 3");
	open_at(w, w->dir);
	assert_int_equal(br_repo_config(w->repo, "jobs", BR_CONFIG_ANY, &values, &w->err), 0);
	assert_int_equal(br_strv_len(values), 1);
	assert_string_equal(values[0], "3");
}

static void a_repository_of_another_user_opens(void **state)
{
	struct world *w = *state;

	if (geteuid() != 0) {
		print_message("skip: only root can make a repository of another user\n");
		skip();
	}
	run_in(w->top, "chown -R 12345:12345 r");
	open_at(w, w->dir);
	assert_false(br_repo_is_empty(w->repo));
}

static void only_one_without_any_commit_is_empty(void **state)
{
	struct world *w = *state;
	br_auto_free char *none = br_asprintf("%s/e", w->top);
	char oid[BR_OID_HEX];

	run_in(w->top, "git init -q -b trunk e");
	open_at(w, none);
	assert_true(br_repo_is_empty(w->repo));
	assert_says(w, br_repo_resolve(w->repo, "HEAD", oid, &w->err), BR_ESTATE, "no commit yet");
	run_in(w->dir, "git checkout -q --orphan fresh");
	open_at(w, w->dir);
	assert_false(br_repo_is_empty(w->repo));
}

/* ---- revisions ---- */

static void revisions_mean_what_they_mean_to_git(void **state)
{
	static const char *const revs[] = {"HEAD",	   "main",	    "@",	 "v1",
					   "v1^{}",	   "HEAD~2",	    "HEAD^",	 "main@{0}",
					   ":/second",	   "HEAD^{/first}", "v1-1-gHEX", "heads/main",
					   "refs/tags/v1", "@{1}"};
	struct world *w = *state;

	open_at(w, w->dir);
	for (size_t i = 0; i < sizeof revs / sizeof *revs; i++) {
		br_auto_free char *described = shell(w->dir, "git describe main");
		const char *rev = strcmp(revs[i], "v1-1-gHEX") == 0 ? described : revs[i];
		br_auto_free char *want =
			shell(w->dir, "git rev-parse \"$(git rev-parse --verify '%s')^{commit}\"", rev);
		char oid[BR_OID_HEX];

		if (br_repo_resolve(w->repo, rev, oid, &w->err) < 0)
			fail_msg("%s: %s", rev, w->err.msg);
		assert_string_equal(oid, want);
		want[9] = '\0';
		assert_int_equal(br_repo_resolve(w->repo, want, oid, &w->err), 0);
	}
}

static void what_is_no_commit_is_said_clearly(void **state)
{
	struct world *w = *state;
	char oid[BR_OID_HEX] = "untouched";

	run_in(w->dir, "git tag tree HEAD^{tree} && git tag -a -m blob blob HEAD:a && "
		       "git update-ref refs/remotes/origin/topic HEAD && git config remote.origin.url x");
	open_at(w, w->dir);
	assert_says(w, br_repo_resolve(w->repo, "nosuch", oid, &w->err), BR_ESTATE,
		    "unknown revision 'nosuch'");
	assert_says(w, br_repo_resolve(w->repo, "topic", oid, &w->err), BR_ESTATE, "there is 'origin/topic'");
	assert_says(w, br_repo_resolve(w->repo, "tree", oid, &w->err), BR_ESTATE, "no commit but a tree");
	assert_says(w, br_repo_resolve(w->repo, "blob", oid, &w->err), BR_ESTATE, "no commit but a blob");
	assert_says(w, br_repo_resolve(w->repo, "HEAD:a", oid, &w->err), BR_ESTATE, "no commit but a blob");
	assert_says(w, br_repo_resolve(w->repo, "--all", oid, &w->err), BR_EUSAGE, "'-'");
	assert_says(w, br_repo_resolve(w->repo, "", oid, &w->err), BR_ESTATE, "empty");
	assert_says(w, br_repo_resolve(w->repo, "HEAD~99", oid, &w->err), BR_ESTATE,
		    "unknown revision 'HEAD~99'");
	assert_says(w, br_repo_resolve(w->repo, "1234567890123456789012345678901234567890", oid, &w->err),
		    BR_ESTATE, "unknown");
	assert_string_equal(oid, "untouched");
}

/* Enough commits for two of them to share their first four digits; the dates are fixed, and so are the ids. */
static void an_ambiguous_short_id_lists_what_it_may_be(void **state)
{
	struct world *w = *state;
	br_auto_free char *prefix = NULL;
	char oid[BR_OID_HEX];

	prefix = shell(w->dir,
		       "for i in $(seq 1500); do printf 'commit refs/heads/x\\ncommitter C <c> %%s +0000\\n"
		       "data 0\\n' $i; done | git fast-import --quiet; "
		       "git rev-list x | cut -c 1-4 | sort | uniq -d | head -n 1");
	assert_int_equal(strlen(prefix), 4);
	open_at(w, w->dir);
	assert_says(w, br_repo_resolve(w->repo, prefix, oid, &w->err), BR_ESTATE, "is ambiguous: it may be");
}

static void parents_in_revisions_follow_grafts(void **state)
{
	struct world *w = *state;
	br_auto_free char *want = shell(w->dir, "git rev-parse main~2");
	char oid[BR_OID_HEX];
	bool root;

	run_in(w->dir, "git replace --graft main main~2");
	open_at(w, w->dir);
	assert_int_equal(br_repo_resolve(w->repo, "main^", oid, &w->err), 0);
	assert_string_equal(oid, want);
	assert_int_equal(br_repo_resolve(w->repo, "main", oid, &w->err), 0);
	assert_int_equal(br_repo_nth_parent(w->repo, oid, 1, oid, &root, &w->err), 0);
	assert_string_equal(oid, want);
	assert_true(root);
}

static void a_range_to_skip_is_expanded(void **state)
{
	struct world *w = *state;
	br_auto_strv char **ids = NULL;
	br_auto_free char *head = shell(w->dir, "git rev-parse HEAD"),
			  *second = shell(w->dir, "git rev-parse HEAD^");

	open_at(w, w->dir);
	assert_int_equal(br_repo_expand(w->repo, "v1..", &ids, &w->err), 0);
	assert_int_equal(br_strv_len(ids), 2);
	assert_true(strcmp(ids[0], head) == 0 || strcmp(ids[1], head) == 0);
	assert_true(strcmp(ids[0], second) == 0 || strcmp(ids[1], second) == 0);
	assert_int_equal(br_repo_expand(w->repo, "main", &ids, &w->err), 0);
	assert_int_equal(br_strv_len(ids), 3);
	assert_string_equal(ids[2], head);
	assert_says(w, br_repo_expand(w->repo, "v1..nosuch", &ids, &w->err), BR_ESTATE, "'nosuch'");
	assert_says(w, br_repo_expand(w->repo, "v1...main", &ids, &w->err), BR_EUSAGE, "A..B");
}

static void going_back_stops_at_the_root(void **state)
{
	struct world *w = *state;
	br_auto_free char *head = shell(w->dir, "git rev-parse HEAD"),
			  *root = shell(w->dir, "git rev-parse HEAD~2");
	char oid[BR_OID_HEX];
	bool reached;

	open_at(w, w->dir);
	assert_int_equal(br_repo_nth_parent(w->repo, head, 0, oid, &reached, &w->err), 0);
	assert_string_equal(oid, head);
	assert_false(reached);
	assert_int_equal(br_repo_nth_parent(w->repo, head, 1000000, oid, &reached, &w->err), 0);
	assert_string_equal(oid, root);
	assert_true(reached);
}

/* ---- commits ---- */

static void info(struct world *w, const char *rev, struct br_commit_info *out)
{
	char oid[BR_OID_HEX];

	open_at(w, w->dir);
	assert_int_equal(br_repo_resolve(w->repo, rev, oid, &w->err), 0);
	assert_int_equal(br_repo_commit_info(w->repo, oid, true, out, &w->err), 0);
}

static bool has_file(const struct br_commit_info *c, const char *line)
{
	for (size_t i = 0; i < c->nfile; i++)
		if (strcmp(c->file[i], line) == 0)
			return true;
	return false;
}

static void a_commit_is_described_as_git_does(void **state)
{
	struct world *w = *state;
	br_auto_free char *parent = shell(w->dir, "git rev-parse HEAD"), *brief = NULL;
	struct br_commit_info c;

	run_in(w->dir, "seq 99 >long && git add . && git commit -qm x && git mv long moved && git rm -q d/b "
		       "&& echo 3 >a && "
		       "echo n >new && git add . && printf 'two\\nlines  \\n\\nbody\\n' | git commit -qF -");
	brief = shell(w->dir, "git rev-parse --short HEAD");
	info(w, "HEAD", &c);
	assert_string_equal(c.subject, "two lines");
	assert_string_equal(c.author, "Ann Author");
	assert_string_equal(c.email, "ann@example.com");
	assert_int_equal(c.date, 1700000000);
	assert_int_equal(c.offset_min, 150);
	assert_string_equal(c.short_oid, brief);
	assert_int_equal(c.nparent, 1);
	assert_int_equal(c.nfile, 4);
	assert_true(has_file(&c, "M a") && has_file(&c, "D d/b") && has_file(&c, "A new"));
	assert_true(has_file(&c, "R long -> moved"));
	br_commit_info_done(&c);
	info(w, "HEAD~2", &c);
	assert_string_equal(c.oid, parent);
	br_commit_info_done(&c);
	info(w, "v1", &c);
	assert_int_equal(c.nparent, 0);
	assert_true(has_file(&c, "A a"));
	br_commit_info_done(&c);
}

static void a_thousand_files_are_enough(void **state)
{
	struct world *w = *state;
	struct br_commit_info c;

	run_in(w->dir, "mkdir many && cd many && seq 1010 | xargs touch && git add . && git commit -qm many");
	info(w, "HEAD", &c);
	assert_int_equal(c.nfile, 1001);
	assert_string_equal(c.file[1000], "... and 10 more");
	br_commit_info_done(&c);
}

static void a_replaced_commit_shows_its_replacement(void **state)
{
	struct world *w = *state;
	br_auto_free char *head = shell(w->dir, "git rev-parse HEAD"),
			  *want = shell(w->dir, "git rev-parse v1^{tree}");
	struct br_commit_info c;
	char tree[BR_OID_HEX];

	run_in(w->dir, "git replace HEAD v1^{}");
	info(w, "HEAD", &c);
	assert_string_equal(c.oid, head);
	assert_string_equal(c.subject, "first");
	assert_int_equal(br_repo_tree_of(w->repo, head, tree, &w->err), 0);
	assert_string_equal(tree, want);
	br_commit_info_done(&c);
}

static int open_range(struct world *w, const char *good, const char *path, struct br_domain **d)
{
	char bad[BR_OID_HEX], from[BR_OID_HEX];
	char *goods[] = {from, NULL}, *spec[] = {NULL, NULL};
	struct br_commits_query q = {.bad = bad, .good = good ? goods : NULL, .pathspec = spec};

	spec[0] = path ? br_strdup(path) : NULL;
	assert_int_equal(br_repo_resolve(w->repo, "main", bad, &w->err), 0);
	assert_true(!good || br_repo_resolve(w->repo, good, from, &w->err) == 0);
	*d = NULL;
	w->err.code = br_commits_open(d, w->repo, &q, &w->err);
	free(spec[0]);
	return w->err.code;
}

static void a_search_without_a_candidate_says_why(void **state)
{
	struct world *w = *state;
	struct br_domain *d;

	open_at(w, w->dir);
	assert_says(w, open_range(w, "main", NULL, &d), BR_ESTATE, "no commit lies between good and bad");
	assert_says(w, open_range(w, "v1", "nothing/here", &d), BR_ESTATE, "none of the 2 commits");
	assert_says(w, open_range(w, "v1", ":(attr)x", &d), BR_EUSAGE, "attr");
	assert_says(w, open_range(w, "v1", "../x", &d), BR_EUSAGE, "outside");
	assert_int_equal(open_range(w, NULL, "d/", &d), 0);
	assert_int_equal(d->shape.n, 3);
	assert_int_equal(br_commits_candidates(d), 1);
	assert_int_equal(br_commits_find(d, "0123456789012345678901234567890123456789"), -1);
	assert_int_equal(br_commits_find(d, "main"), -1);
	d->ops->close(d);
}

static void a_missing_or_damaged_commit_is_named(void **state)
{
	struct world *w = *state;
	br_auto_free char *lost = shell(w->dir, "git rev-parse main~2"),
			  *other = shell(w->dir, "git rev-parse main^^{tree}");
	struct br_domain *d;

	run_in(w->dir, "rm -f .git/objects/%.2s/%s", lost, lost + 2);
	open_at(w, w->dir);
	assert_says(w, open_range(w, NULL, NULL, &d), BR_ECORRUPT, lost);
	run_in(w->dir, "cp .git/objects/%.2s/%s .git/objects/%.2s/%s", other, other + 2, lost, lost + 2);
	open_at(w, w->dir);
	assert_says(w, open_range(w, NULL, NULL, &d), BR_ECORRUPT, lost);
	assert_non_null(strstr(w->err.msg, "git fsck"));
}

static void what_is_lost_below_a_good_commit_does_not_matter(void **state)
{
	struct world *w = *state;
	br_auto_free char *lost = shell(w->dir, "git rev-parse main~2");
	struct br_domain *d;

	run_in(w->dir, "rm -f .git/objects/%.2s/%s", lost, lost + 2);
	open_at(w, w->dir);
	assert_int_equal(open_range(w, "main^", NULL, &d), 0);
	assert_int_equal(d->shape.n, 1);
	d->ops->close(d);
}

static void a_circle_of_replacements_is_an_error_and_no_endless_walk(void **state)
{
	struct world *w = *state;
	struct br_domain *d;

	run_in(w->dir, "echo \"$(git rev-parse v1^{}) $(git rev-parse main)\" >.git/info/grafts");
	open_at(w, w->dir);
	assert_says(w, open_range(w, NULL, NULL, &d), BR_ESTATE, "its own ancestor");
}

/* ---- configuration ---- */

static void assert_config(struct br_repo *repo, const char *name, enum br_config_scope scope,
			  const char *want)
{
	br_auto_strv char **values = NULL;
	struct br_buf b = {0};
	struct br_err err = {0};

	if (br_repo_config(repo, name, scope, &values, &err) < 0)
		fail_msg("%s", err.msg);
	br_buf_str(&b, "");
	for (size_t i = 0; values && values[i]; i++)
		br_buf_fmt(&b, "%s,", values[i]);
	assert_string_equal(b.data, want);
	br_buf_done(&b);
}

static void values_come_least_specific_first(void **state)
{
	struct world *w = *state;

	run_in(w->dir,
	       "git config --global bisectrun.env A=1 && git config --global --add bisectrun.env B=2 && "
	       "git config bisectrun.env C=3 && printf '[bisectrun]\\n\\tEnv = D=4\\n\\tflaky\\n' >more && "
	       "git config include.path \"$PWD/more\"");
	open_at(w, w->dir);
	assert_config(w->repo, "env", BR_CONFIG_ANY, "A=1,B=2,C=3,D=4,");
	assert_config(w->repo, "flaky", BR_CONFIG_ANY, "true,");
	assert_config(w->repo, "bad-if", BR_CONFIG_ANY, "");
}

static void trusted_values_never_come_from_the_repository(void **state)
{
	struct world *w = *state;

	skip_under_valgrind();
	run_in(w->dir,
	       "git config --global bisectrun.build mine && git config bisectrun.build theirs && "
	       "git config bisectrun.net host && printf '[bisectrun]\\nbuild = included\\n' >evil && "
	       "git config include.path \"$PWD/evil\" && git config core.repositoryformatversion 1 && "
	       "git config extensions.worktreeConfig true && git config --worktree bisectrun.build tree");
	open_at(w, w->dir);
	assert_config(w->repo, "build", BR_CONFIG_TRUSTED, "mine,");
	assert_config(w->repo, "net", BR_CONFIG_TRUSTED, "");
	assert_config(w->repo, "build", BR_CONFIG_ANY, "mine,theirs,included,tree,");
	assert_config(NULL, "build", BR_CONFIG_ANY, "mine,");
}

static void the_environment_speaks_last(void **state)
{
	struct world *w = *state;
	br_auto_free char *here = NULL;

	run_in(w->dir, "git config bisectrun.jobs 1 && printf '[bisectrun]\\njobs = 9\\n' >../global");
	(void)setenv("GIT_CONFIG_COUNT", "1", 1);
	(void)setenv("GIT_CONFIG_KEY_0", "bisectrun.Jobs", 1);
	(void)setenv("GIT_CONFIG_VALUE_0", "2", 1);
	(void)setenv("GIT_CONFIG_PARAMETERS", "'bisectrun.jobs'='3' 'bisectrun.jobs=it'\\''s' 'x.y'='z'", 1);
	open_at(w, w->dir);
	assert_config(w->repo, "jobs", BR_CONFIG_ANY, "1,2,3,it's,");
	assert_config(w->repo, "jobs", BR_CONFIG_TRUSTED, "2,3,it's,");
	(void)unsetenv("GIT_CONFIG_COUNT");
	(void)unsetenv("GIT_CONFIG_PARAMETERS");
	here = realpath(".", NULL);
	assert_int_equal(chdir(w->top), 0);
	(void)setenv("GIT_CONFIG_GLOBAL", "global", 1);
	open_at(w, w->dir);
	assert_config(w->repo, "jobs", BR_CONFIG_TRUSTED, "9,");
	(void)unsetenv("GIT_CONFIG_GLOBAL");
	assert_int_equal(chdir(here), 0);
}

/* ---- the work tree ---- */

static void check_tracked(struct world *w)
{
	static const struct {
		const char *path;
		int tracked, ignored;
	} want[] = {{"a", 1, 0},	  {"d/b", 1, 0},	{"d", 1, 0},	{"new", 0, 0},
		    {"x.o", 0, 1},	  {"forced.o", 1, 1},	{"link", 1, 0}, {"out/any", 0, 1},
		    {"../outside", 0, 0}, {"nosuch/deep", 0, 0}};

	open_at(w, w->dir);
	for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
		br_auto_free char *path = br_asprintf("%s/%s", w->dir, want[i].path);

		int tracked = br_repo_is_tracked(w->repo, path, &w->err);
		int ignored = br_repo_is_ignored(w->repo, path, &w->err);

		if (tracked != want[i].tracked || ignored != want[i].ignored)
			fail_msg("%s: tracked %d, ignored %d", want[i].path, tracked, ignored);
	}
}

static void tracked_and_ignored_files_are_told_apart(void **state)
{
	struct world *w = *state;

	run_in(w->dir, "printf '*.o\\nout/\\n' >.gitignore && mkdir out && touch new x.o forced.o out/any && "
		       "ln -s /nowhere link && git add -f forced.o link");
	check_tracked(w);
	run_in(w->dir, "git commit -qm more && git update-index --split-index");
	check_tracked(w);
}

/* ---- nothing is written ---- */

static void ask_everything(struct world *w)
{
	br_auto_strv char **bases = NULL, **ids = NULL, **values = NULL;
	br_auto_free char *path = br_asprintf("%s/a", w->dir);
	char oid[BR_OID_HEX], *goods[] = {oid, NULL};
	struct br_commit_info c;
	struct br_domain *d;

	info(w, "main", &c);
	if (br_repo_resolve(w->repo, ":/first", oid, &w->err) < 0)
		fail_msg("%s", w->err.msg);
	assert_true(br_repo_resolve(w->repo, "nosuch", oid, NULL) < 0);
	assert_int_equal(br_repo_merge_bases(w->repo, c.oid, goods, &bases, NULL), 0);
	assert_int_equal(br_repo_is_ancestor(w->repo, oid, c.oid, NULL), 1);
	assert_int_equal(br_repo_expand(w->repo, "v1..main", &ids, NULL), 0);
	assert_int_equal(br_repo_config(w->repo, "jobs", BR_CONFIG_ANY, &values, NULL), 0);
	assert_int_equal(br_repo_is_tracked(w->repo, path, NULL), 1);
	assert_int_equal(br_repo_is_ignored(w->repo, path, NULL), 0);
	assert_int_equal(open_range(w, "v1", "a", &d), 0);
	d->ops->close(d);
	br_commit_info_done(&c);
}

static void nothing_in_the_repository_is_ever_written(void **state)
{
	struct world *w = *state;
	br_auto_free char *before = NULL, *after = NULL;

	/* A stale index, loose and packed objects, a commit-graph: what tempts to refresh, repack or rewrite. */
	run_in(w->dir, "git gc -q && git commit-graph write --no-progress --reachable && touch -d "
		       "'2001-01-01' a && echo c >c && "
		       "git add c");
	before = fingerprint(w->dir);
	ask_everything(w);
	run_in(w->dir, "git update-index --split-index");
	free(before);
	before = fingerprint(w->dir);
	ask_everything(w);
	after = fingerprint(w->dir);
	assert_string_equal(before, after);
}

/* ---- small things ---- */

static void data_hashes_as_a_blob(void **state)
{
	struct world *w = *state;
	br_auto_free char *want = shell(w->dir, "printf 'what\\n' | git hash-object --stdin");
	char hex[BR_OID_HEX];

	br_hash_hex("what\n", 5, hex);
	assert_string_equal(hex, want);
	assert_non_null(strchr(br_repo_library(), '.'));
}

static void here_is_one_item_that_nothing_changes(void **state)
{
	struct world *w = *state;
	struct br_domain *d;
	struct br_tree *t;
	br_auto_free char *missing = br_asprintf("%s/nosuch", w->top), *file = br_asprintf("%s/a", w->dir);

	assert_int_equal(br_here_open(&d, w->dir, &w->err), 0);
	assert_int_equal(d->shape.n, 1);
	assert_string_equal(d->ops->label(d, 0), w->dir);
	assert_int_equal(d->ops->tree_open(d, missing, &t, &w->err), 0);
	assert_int_equal(d->ops->tree_update(t, w->dir, true, &w->err), 0);
	assert_string_equal(d->ops->tree_path(t), w->dir);
	d->ops->tree_close(t);
	d->ops->close(d);
	assert_says(w, br_here_open(&d, missing, &w->err), BR_ESYS, "nosuch");
	assert_says(w, br_here_open(&d, file, &w->err), BR_ESTATE, "no directory");
}

static void the_domain_makes_trees(void **state)
{
	struct world *w = *state;
	br_auto_free char *dir = br_asprintf("%s/work", w->top), *text = NULL;
	struct br_domain *d;
	struct br_tree *t;

	open_at(w, w->dir);
	assert_int_equal(open_range(w, NULL, NULL, &d), 0);
	assert_int_equal(br_dir_make(dir, NULL), 0);
	if (d->ops->tree_open(d, dir, &t, &w->err) < 0 ||
	    d->ops->tree_update(t, d->ops->label(d, 0), false, &w->err) < 0)
		fail_msg("%s", w->err.msg);
	text = shell(d->ops->tree_path(t), "cat a; ls");
	assert_string_equal(text, "1\na");
	d->ops->tree_close(t);
	d->ops->close(d);
}

#define with_world(test) cmocka_unit_test_setup_teardown(test, make, unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_world(it_is_found_from_a_folder_below),
		with_world(it_is_found_through_a_symbolic_link),
		with_world(bare_ones_and_linked_work_trees_open),
		with_world(git_dir_and_git_work_tree_are_heeded),
		with_world(a_folder_outside_of_any_repository_is_named),
		with_world(what_libgit2_cannot_read_is_refused_in_one_line),
		with_world(extensions_that_do_not_matter_are_no_obstacle),
		with_world(a_repository_of_another_user_opens),
		with_world(only_one_without_any_commit_is_empty),
		with_world(revisions_mean_what_they_mean_to_git),
		with_world(what_is_no_commit_is_said_clearly),
		with_world(an_ambiguous_short_id_lists_what_it_may_be),
		with_world(parents_in_revisions_follow_grafts),
		with_world(a_range_to_skip_is_expanded),
		with_world(going_back_stops_at_the_root),
		with_world(a_commit_is_described_as_git_does),
		with_world(a_thousand_files_are_enough),
		with_world(a_replaced_commit_shows_its_replacement),
		with_world(a_search_without_a_candidate_says_why),
		with_world(a_missing_or_damaged_commit_is_named),
		with_world(what_is_lost_below_a_good_commit_does_not_matter),
		with_world(a_circle_of_replacements_is_an_error_and_no_endless_walk),
		with_world(values_come_least_specific_first),
		with_world(trusted_values_never_come_from_the_repository),
		with_world(the_environment_speaks_last),
		with_world(tracked_and_ignored_files_are_told_apart),
		with_world(nothing_in_the_repository_is_ever_written),
		with_world(data_hashes_as_a_blob),
		with_world(here_is_one_item_that_nothing_changes),
		with_world(the_domain_makes_trees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
