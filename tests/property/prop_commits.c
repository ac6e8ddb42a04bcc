/* prop_commits.c - random histories made by git: our range, edges and path weights are what git and brute force say. */
#include "../fixtures/git_repo.h"

#include "base/rand.h"
#include "domain/commits.h"
#include "domain/repo.h"

enum { MAX_N = 70, MAX_PARENTS = 5, NPATH = 6, MAX_GOOD = 3 };
static const char *const paths[NPATH] = {"a", "src/x", "src/y.c", "docs/z.c", "lib/deep/w", "srcs"};

/* The history as it is generated, parents before children. */
struct model {
	int n, skew;
	int nparent[MAX_N], parent[MAX_N][MAX_PARENTS];
	int content[MAX_N][NPATH]; /* 0: the path does not exist */
};

/* The history as git shows it, replacements, grafts and boundaries counted. */
struct seen {
	int n;
	char id[MAX_N][41];
	int nparent[MAX_N], parent[MAX_N][MAX_PARENTS];
};

struct world {
	struct br_rand rand;
	uint64_t seed;
	char *top, *dir;
	struct model model;
	struct seen seen;
	char mark[MAX_N][41]; /* ids of the model's commits */
};

static int below(struct world *w, int n)
{
	return (int)br_rand_below(&w->rand, (uint64_t)n);
}

/* ---- making a history ---- */

static void choose_parents(struct world *w, int i)
{
	struct model *m = &w->model;
	int want = i == 0 || below(w, 15) == 0 ? 0 : below(w, 4) ? 1 : 2 + below(w, MAX_PARENTS - 1);

	for (int k = 0; k < want && k < MAX_PARENTS; k++) {
		int p = i - 1 - below(w, i < 8 ? i : 8), known = 0;

		for (int j = 0; j < m->nparent[i]; j++)
			known |= m->parent[i][j] == p;
		if (!known)
			m->parent[i][m->nparent[i]++] = p;
	}
}

static void choose_contents(struct world *w, int i)
{
	struct model *m = &w->model;

	for (int p = 0; p < NPATH; p++) {
		int from = m->nparent[i] ? m->parent[i][below(w, m->nparent[i])] : -1;

		m->content[i][p] = from < 0 ? below(w, 3) : m->content[from][p];
		if (below(w, 5) == 0)
			m->content[i][p] = below(w, 4);
	}
}

static void add_commit(struct world *w, struct br_buf *b, int i)
{
	const struct model *m = &w->model;
	long date = 1700000000 + 60L * i;

	if (m->skew && below(w, 4) == 0)
		date += (long)below(w, 20000) - 10000;
	br_buf_fmt(b, "reset refs/heads/b%d\ncommit refs/heads/b%d\nmark :%d\n", i, i, i + 1);
	br_buf_fmt(b, "committer C <c@example.com> %ld +0000\ndata 2\nm\n", date);
	for (int k = 0; k < m->nparent[i]; k++)
		br_buf_fmt(b, "%s :%d\n", k ? "merge" : "from", m->parent[i][k] + 1);
	br_buf_str(b, "deleteall\n");
	for (int p = 0; p < NPATH; p++)
		if (m->content[i][p])
			br_buf_fmt(b, "M 100644 inline %s\ndata 2\n%d\n", paths[p], m->content[i][p]);
	br_buf_str(b, "\n");
}

static void read_marks(struct world *w)
{
	br_auto_free char *marks = shell(w->dir, "cat marks");
	char *save = NULL;

	for (char *line = strtok_r(marks, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		long i = strtol(line + 1, NULL, 10) - 1;

		assert_in_range(i, 0, MAX_N - 1);
		(void)snprintf(w->mark[i], 41, "%.40s", strchr(line, ' ') + 1);
	}
}

static void make_history(struct world *w)
{
	struct br_buf b = {0};
	br_auto_free char *file = NULL;

	w->dir = br_asprintf("%s/r", w->top);
	w->model = (struct model){.n = 2 + below(w, MAX_N - 2), .skew = below(w, 2)};
	for (int i = 0; i < w->model.n; i++) {
		choose_parents(w, i);
		choose_contents(w, i);
		add_commit(w, &b, i);
	}
	run_in(w->top, "git init -q -b main r");
	file = br_asprintf("%s/stream", w->dir);
	assert_int_equal(br_file_write(file, b.data, b.len, NULL), 0);
	run_in(w->dir, "git fast-import --quiet --export-marks=marks <stream");
	read_marks(w);
	br_buf_done(&b);
}

/* ---- what git sees ---- */

static int index_of(const struct seen *s, const char *id)
{
	for (int i = 0; i < s->n; i++)
		if (strncmp(s->id[i], id, 40) == 0)
			return i;
	return -1;
}

static void look(struct world *w)
{
	br_auto_free char *text =
		shell(w->dir, "git log --all --topo-order --format='%%H %%P' --exclude=refs/replace/*");
	br_auto_free char *again = br_strdup(text);
	struct seen *s = &w->seen;
	char *save = NULL;

	*s = (struct seen){0};
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		(void)snprintf(s->id[s->n++], 41, "%.40s", line);
	save = NULL;
	for (char *line = strtok_r(again, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		int i = index_of(s, line);

		for (char *p = line + 41; strlen(p) >= 40; p += 40 + (p[40] == ' '))
			s->parent[i][s->nparent[i]++] = index_of(s, p);
	}
}

/* git log --topo-order lists children first. */
static void reach(const struct seen *s, int from, char *in)
{
	in[from] = 1;
	for (int i = 0; i < s->n; i++)
		for (int k = 0; in[i] && k < s->nparent[i]; k++)
			in[s->parent[i][k]] = 1;
}

struct question {
	int bad, good[MAX_GOOD], ngood;
	bool first_parent;
	char inside[MAX_N];
};

static void choose_question(struct world *w, struct question *q)
{
	char good[MAX_N] = {0};

	*q = (struct question){.bad = below(w, w->seen.n),
			       .ngood = below(w, MAX_GOOD + 1),
			       .first_parent = below(w, 3) == 0};
	for (int i = 0; i < q->ngood; i++) {
		q->good[i] = below(w, w->seen.n);
		reach(&w->seen, q->good[i], good);
	}
	if (!q->first_parent)
		reach(&w->seen, q->bad, q->inside);
	for (int i = q->bad; q->first_parent && i >= 0 && !good[i];
	     i = w->seen.nparent[i] ? w->seen.parent[i][0] : -1)
		q->inside[i] = 1;
	for (int i = 0; i < w->seen.n; i++)
		q->inside[i] = q->inside[i] && !good[i];
}

static int nparent_of(const struct world *w, const struct question *q, int i)
{
	return q->first_parent && w->seen.nparent[i] > 1 ? 1 : w->seen.nparent[i];
}

/* ---- comparing ---- */

static int item_index(const struct world *w, const struct br_domain *d, uint64_t item)
{
	int i = index_of(&w->seen, d->ops->label(d, item));

	assert_in_range(i, 0, w->seen.n - 1);
	assert_int_equal(br_commits_find(d, w->seen.id[i]), item);
	return i;
}

static void check_shape(const struct world *w, const struct question *q, const struct br_domain *d)
{
	const struct br_shape *s = &d->shape;
	uint64_t inside = 0;

	for (int i = 0; i < w->seen.n; i++)
		inside += (uint64_t)q->inside[i];
	assert_int_equal(s->order, BR_DAG);
	assert_int_equal(s->n, inside);
	assert_int_equal(item_index(w, d, s->n - 1), q->bad);
	for (uint64_t item = 0; item < s->n; item++) {
		int i = item_index(w, d, item);
		uint32_t at = s->parent_at[item];

		assert_true(q->inside[i]);
		for (int k = 0; k < nparent_of(w, q, i); k++) {
			int p = w->seen.parent[i][k];

			if (!q->inside[p])
				continue;
			assert_true(at < s->parent_at[item + 1] && s->parent[at] < item);
			assert_int_equal(item_index(w, d, s->parent[at]), p);
			at++;
		}
		assert_int_equal(at, s->parent_at[item + 1]);
	}
}

static struct br_domain *open_domain(const struct world *w, const struct question *q, const char *pathspec,
				     int *rc)
{
	br_auto_strv char **good = NULL, **spec = NULL;
	struct br_commits_query query = {.bad = w->seen.id[q->bad], .first_parent = q->first_parent};
	struct br_domain *d = NULL;
	struct br_repo *repo;
	struct br_err err = {0};

	for (int i = 0; i < q->ngood; i++)
		br_strv_add(&good, w->seen.id[q->good[i]]);
	if (pathspec)
		br_strv_add(&spec, pathspec);
	query.good = good;
	query.pathspec = spec;
	assert_int_equal(br_repo_open(&repo, w->dir, &err), 0);
	*rc = br_commits_open(&d, repo, &query, &err);
	if (*rc < 0 && *rc != BR_ESTATE)
		print_error("%s\n", err.msg);
	br_repo_close(repo);
	return d;
}

static void ask(struct world *w)
{
	struct question q;
	struct br_domain *d;
	int rc;

	choose_question(w, &q);
	d = open_domain(w, &q, NULL, &rc);
	if (!q.inside[q.bad]) {
		assert_int_equal(rc, BR_ESTATE);
		return;
	}
	assert_int_equal(rc, 0);
	check_shape(w, &q, d);
	d->ops->close(d);
}

static void ask_git_too(struct world *w)
{
	struct question q;
	struct br_buf b = {0};
	br_auto_free char *out = NULL;
	int lines = 0;

	choose_question(w, &q);
	for (int i = 0; i < q.ngood; i++)
		br_buf_fmt(&b, " ^%s", w->seen.id[q.good[i]]);
	out = shell(w->dir, "git rev-list --topo-order %s %s %s", q.first_parent ? "--first-parent" : "",
		    w->seen.id[q.bad], b.data ? b.data : "");
	for (const char *p = out; strlen(p) >= 40; p += 40 + (p[40] == '\n'), lines++)
		assert_true(q.inside[index_of(&w->seen, p)]);
	for (int i = 0; i < w->seen.n; i++)
		lines -= q.inside[i];
	assert_int_equal(lines, 0);
	br_buf_done(&b);
}

/* ---- cases ---- */

static void enter(struct world *w, uint64_t seed)
{
	*w = (struct world){.rand = {.state = seed}, .seed = seed, .top = git_temp_dir()};
	git_clean_environment(w->top);
	print_message("seed %llu\n", (unsigned long long)seed);
	make_history(w);
	look(w);
}

static void leave(struct world *w)
{
	assert_int_equal(br_dir_remove(w->top, NULL), 0);
	free(w->top);
	free(w->dir);
}

static int rounds(void)
{
	const char *lots = getenv("BR_LONG");

	return lots && *lots ? 60 : 5;
}

static uint64_t first_seed(void)
{
	const char *given = getenv("BR_SEED");

	return given ? strtoull(given, NULL, 10) : 20240;
}

#define for_each_world(w, base)                                                                              \
	for (int round_ = 0;                                                                                 \
	     round_ < rounds() && (enter(&(w), first_seed() + (base) + (uint64_t)round_), true);             \
	     leave(&(w)), round_++)

static void the_range_is_exactly_what_bad_reaches_and_no_good_does(void **state)
{
	struct world w;

	(void)state;
	for_each_world(w, 0)
	{
		for (int i = 0; i < 12; i++)
			ask(&w);
		if (!w.model.skew)
			ask_git_too(&w);
	}
}

/* The commits of the model below a limit: closed under parents. */
static void write_list(const struct world *w, int limit)
{
	struct br_buf b = {0};
	br_auto_free char *file = br_asprintf("%s/list", w->dir);

	for (int i = 0; i < limit; i++)
		br_buf_fmt(&b, "%s\n", w->mark[i]);
	assert_int_equal(br_file_write(file, b.data, b.len, NULL), 0);
	br_buf_done(&b);
}

static void a_commit_graph_that_knows_a_part_changes_nothing(void **state)
{
	struct world w;

	(void)state;
	for_each_world(w, 1000)
	{
		write_list(&w, 1 + below(&w, w.model.n));
		run_in(w.dir, "git commit-graph write --no-progress --stdin-commits <list");
		for (int i = 0; i < 12; i++)
			ask(&w);
	}
}

static void a_split_commit_graph_changes_nothing(void **state)
{
	struct world w;

	(void)state;
	for_each_world(w, 2000)
	{
		for (int part = 1; part <= 3; part++) {
			write_list(&w, 1 + w.model.n * part / 4);
			run_in(w.dir,
			       "git commit-graph write --no-progress --split=no-merge --stdin-commits <list");
		}
		for (int i = 0; i < 12; i++)
			ask(&w);
	}
}

static void a_damaged_commit_graph_changes_nothing(void **state)
{
	struct world w;

	(void)state;
	for_each_world(w, 3000)
	{
		br_auto_free char *file = br_asprintf("%s/.git/objects/info/commit-graph", w.dir);
		char *data;
		size_t n;

		run_in(w.dir, "git commit-graph write --no-progress --reachable; chmod u+w "
			      ".git/objects/info/commit-graph");
		assert_int_equal(br_file_read(file, 1 << 20, &data, &n, NULL), 0);
		for (int i = 0; i < 6; i++) {
			size_t at = (size_t)below(&w, (int)n);
			char bit = (char)(1 << below(&w, 8));

			data[at] = (char)(data[at] ^ bit);
			assert_int_equal(br_file_write(file, data, below(&w, 4) ? n : at, NULL), 0);
			data[at] = (char)(data[at] ^ bit);
			ask(&w);
		}
		free(data);
	}
}

static void replace_refs_count_as_in_git(void **state)
{
	struct world w;

	(void)state;
	for_each_world(w, 4000)
	{
		if (below(&w, 2))
			run_in(w.dir, "git commit-graph write --no-progress --reachable");
		/* An older commit in place of a younger one makes no circle. */
		for (int i = 0; i < 3; i++) {
			int from = 1 + below(&w, w.model.n - 1), to = below(&w, from);

			run_in(w.dir, "git replace -f %s %s", w.mark[from], w.mark[to]);
		}
		look(&w);
		for (int i = 0; i < 12; i++)
			ask(&w);
	}
}

static void grafts_count_as_in_git(void **state)
{
	struct world w;

	(void)state;
	for_each_world(w, 5000)
	{
		int child = 1 + below(&w, w.model.n - 1);

		run_in(w.dir,
		       "mkdir -p .git/info; { echo '# comment'; echo %s; echo %s %s; } >.git/info/grafts",
		       w.mark[below(&w, child)], w.mark[child], w.mark[below(&w, child)]);
		look(&w);
		for (int i = 0; i < 12; i++)
			ask(&w);
	}
}

static void a_shallow_clone_ends_where_git_ends(void **state)
{
	struct world w;

	(void)state;
	for_each_world(w, 6000)
	{
		char *dir = br_asprintf("%s/s", w.top);

		run_in(w.top, "git clone -q --depth %d --branch b%d file://$PWD/r s 2>&1", 1 + below(&w, 6),
		       w.model.n - 1);
		free(w.dir);
		w.dir = dir;
		look(&w);
		for (int i = 0; i < 12; i++)
			ask(&w);
	}
}

/* Header lines of diff-tree: one for each parent from which the commit differs in the wanted paths. */
static void check_weights(const struct world *w, const struct question *q, const char *spec,
			  const struct br_domain *d)
{
	br_auto_free char *out = shell(
		w->dir,
		"git log --topo-order --format='%%H %%P' --all | awk '{ if (%d && NF > 2) NF = 2; print }' | "
		"git diff-tree --stdin -m --root -r --name-only -- '%s'",
		q->first_parent, spec);
	int differs[MAX_N] = {0};
	char *save = NULL;

	for (char *line = strtok_r(out, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		int i = strlen(line) == 40 ? index_of(&w->seen, line) : -1;

		if (i >= 0)
			differs[i]++;
	}
	for (int i = 0; i < w->seen.n; i++) {
		int n = nparent_of(w, q, i), touches = differs[i] == (n ? n : 1);
		int64_t item = d ? br_commits_find(d, w->seen.id[i]) : -1;

		if (!q->inside[i])
			continue;
		if (!d)
			assert_false(touches);
		else
			assert_int_equal(d->shape.weight[item] > 0, touches);
	}
}

static void weights_say_which_commits_differ_from_every_parent_in_the_paths(void **state)
{
	static const char *const specs[] = {"a",
					    "src",
					    "src/",
					    "*.c",
					    ":(glob)src/*.c",
					    ":!docs",
					    "lib/deep",
					    ":(icase)SRC",
					    "nothing",
					    "docs/z.c/",
					    ":(glob)**/*.c",
					    ".",
					    "s[pqr]c/?",
					    ":(literal)*.c",
					    "src/x",
					    ":(exclude)src/y.c"};
	struct world w;

	(void)state;
	for_each_world(w, 7000)
	{
		if (below(&w, 2))
			run_in(w.dir, "git commit-graph write --no-progress --reachable");
		for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
			struct question q;
			struct br_domain *d;
			int rc;

			choose_question(&w, &q);
			d = open_domain(&w, &q, specs[i], &rc);
			assert_true(rc == 0 || rc == BR_ESTATE);
			check_weights(&w, &q, specs[i], d);
			if (d)
				d->ops->close(d);
		}
	}
}

/* ---- ancestry ---- */

static int compare_ids(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* What git says, without the given commits; sorted lines. */
static void check_bases(const struct world *w, struct br_repo *repo, const struct question *q)
{
	br_auto_strv char **good = NULL, **bases = NULL, **want = NULL;
	br_auto_free char *out = NULL;
	struct br_buf b = {0};
	char *save = NULL;

	for (int i = 0; i < q->ngood; i++) {
		br_strv_add(&good, w->seen.id[q->good[i]]);
		br_buf_fmt(&b, " %s", w->seen.id[q->good[i]]);
	}
	assert_int_equal(br_repo_merge_bases(repo, w->seen.id[q->bad], good, &bases, NULL), 0);
	out = shell(w->dir, "git merge-base --all %s %s || true", w->seen.id[q->bad], b.data);
	for (char *line = strtok_r(out, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (!strstr(b.data, line))
			br_strv_add(&want, line);
	br_buf_done(&b);
	assert_int_equal(br_strv_len(bases), br_strv_len(want));
	if (bases)
		qsort(bases, br_strv_len(bases), sizeof *bases, compare_ids);
	if (want)
		qsort(want, br_strv_len(want), sizeof *want, compare_ids);
	for (size_t i = 0; i < br_strv_len(want); i++)
		assert_string_equal(bases[i], want[i]);
}

static void merge_bases_and_ancestors_are_those_of_git(void **state)
{
	struct world w;

	(void)state;
	for_each_world(w, 8000)
	{
		struct br_repo *repo;

		if (below(&w, 2))
			run_in(w.dir, "git commit-graph write --no-progress --reachable");
		assert_int_equal(br_repo_open(&repo, w.dir, NULL), 0);
		for (int i = 0; i < 10; i++) {
			struct question q;
			char in[MAX_N] = {0};
			int a = below(&w, w.seen.n);

			choose_question(&w, &q);
			reach(&w.seen, q.bad, in);
			assert_int_equal(br_repo_is_ancestor(repo, w.seen.id[a], w.seen.id[q.bad], NULL),
					 in[a]);
			if (q.ngood)
				check_bases(&w, repo, &q);
		}
		br_repo_close(repo);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_range_is_exactly_what_bad_reaches_and_no_good_does),
		cmocka_unit_test(a_commit_graph_that_knows_a_part_changes_nothing),
		cmocka_unit_test(a_split_commit_graph_changes_nothing),
		cmocka_unit_test(a_damaged_commit_graph_changes_nothing),
		cmocka_unit_test(replace_refs_count_as_in_git),
		cmocka_unit_test(grafts_count_as_in_git),
		cmocka_unit_test(a_shallow_clone_ends_where_git_ends),
		cmocka_unit_test(weights_say_which_commits_differ_from_every_parent_in_the_paths),
		cmocka_unit_test(merge_bases_and_ancestors_are_those_of_git),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
