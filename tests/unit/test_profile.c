/* test_profile.c - one table out of what callgrind, gprof, perf, nsys and hooks write. */
#include "bisect_run/profile.h"

#include "base/buf.h"
#include "base/mem.h"
#include "bisect_run/err.h"
#include "sys/file.h"

#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static const char *const tree[] = {"/home/user/tree", "/home/user/.git/bisect-run/work/0", NULL};

static int try_read(struct br_profile *p, const char *answer, struct br_err *err)
{
	struct br_profile_cfg cfg = {.profiler = "test", .dir_fd = -1, .prefix = tree};

	return br_profile_read(p, answer, strlen(answer), &cfg, err);
}

static struct br_profile read_in(const char *answer)
{
	struct br_profile p;
	struct br_err err = {0};

	if (try_read(&p, answer, &err) < 0)
		fail_msg("%s", err.msg);
	return p;
}

static void refused(const char *answer, const char *why)
{
	struct br_profile p;
	struct br_err err = {0};

	assert_int_equal(try_read(&p, answer, &err), BR_EPARSE);
	if (!strstr(err.msg, why))
		fail_msg("'%s' does not say '%s'", err.msg, why);
	assert_null(strchr(err.msg, '\n'));
}

static const struct br_profile_row *row(const struct br_profile *p, const char *function)
{
	for (size_t i = 0; i < p->nrow; i++)
		if (strcmp(p->row[i].function, function) == 0)
			return &p->row[i];
	fail_msg("no row %s", function);
	return NULL;
}

static const struct br_profile_edge *edge(const struct br_profile *p, const char *from, const char *to)
{
	for (size_t i = 0; i < p->nedge; i++)
		if (strcmp(p->row[p->edge[i].from].function, from) == 0 &&
		    strcmp(p->row[p->edge[i].to].function, to) == 0)
			return &p->edge[i];
	return NULL;
}

#define HEAD "# callgrind format\nversion: 1\npositions: line\nevents: Ir\n"

/* main calls fact(3), which calls itself; sq of util.h is inlined into fact. */
static const char *const recursion =
	"#format callgrind one\n" HEAD
	"ob=(1) /home/user/tree/prog\nfl=(1) /home/user/tree/src/../src/a.c\nfn=(1) main\n20 5\n"
	"cfn=(2) fact\ncalls=1 3\n+1 60\n* 2\n\n"
	"fn=(2)\n3 10\nfi=(2) /home/user/tree/util.h\n7 4\nfe=(1)\n4 6\ncfn=(3) fact'2\ncalls=1 3\n* 40\n\n"
	"fn=(3)\n3 20\n+1 10\ncfn=(3)\ncalls=1 3\n* 15\n5 10\n\ntotals: 67\n";

static void recursion_is_one_row_with_its_outermost_calls_apart(void **state)
{
	struct br_profile p = read_in(recursion);
	const struct br_profile_row *fact = row(&p, "fact"), *top = row(&p, "main");

	(void)state;
	assert_int_equal(p.nrow, 2);
	assert_int_equal(fact->calls, 3);
	assert_int_equal(fact->primitive, 1);
	assert_true(fact->self == 60);
	assert_true(fact->cum == 60);
	assert_true(top->self == 7);
	assert_true(top->cum == 67);
	assert_int_equal(top->calls, -1);
	assert_true(p.total == 67);
	assert_string_equal(fact->file, "src/a.c");
	assert_int_equal(fact->line, 3);
	assert_string_equal(fact->object, "prog");
	br_profile_done(&p);
}

static void lines_of_another_file_stay_with_the_function_they_were_inlined_into(void **state)
{
	struct br_profile p = read_in(recursion);
	double inlined = 0;

	(void)state;
	for (size_t i = 0; i < p.nline; i++)
		if (strcmp(p.line[i].file, "util.h") == 0 && p.line[i].line == 7) {
			assert_string_equal(p.row[p.line[i].row].function, "fact");
			inlined += p.line[i].self;
		}
	assert_true(inlined == 4);
	br_profile_done(&p);
}

static void processes_are_summed_and_compiler_suffixes_vanish(void **state)
{
	struct br_profile p =
		read_in("#format callgrind one\n" HEAD "fl=(1) a.c\nfn=(9) work.isra.0\n3 10\n\ntotals: 10\n"
			"#format callgrind two\n" HEAD "fl=(7) /home/user/.git/bisect-run/work/0/a.c\nfn=(1) "
			"work.constprop.1.cold\n3 5\n\ntotals: 5\n");

	(void)state;
	assert_int_equal(p.nrow, 1);
	assert_string_equal(p.row[0].function, "work");
	assert_string_equal(p.row[0].file, "a.c");
	assert_true(p.row[0].self == 15);
	assert_int_equal(p.processes, 2);
	br_profile_done(&p);
}

static void what_is_cut_or_foreign_gives_one_clear_line(void **state)
{
	(void)state;
	refused("#format callgrind x.1\n" HEAD "fl=a.c\nfn=f\n3 10\n", "x.1: cut short");
	refused("#format callgrind x.1\nELF\001\002 nothing\n", "x.1, line 1");
	refused("#format callgrind x.1\n\n", "no callgrind profile");
	refused("#format callgrind x.1\n" HEAD "fn=(3)\n", "stands for nothing");
	refused("#format gprof\nhello\n", "nothing that gprof prints");
	refused("#format gprof\nFlat profile:\n time   seconds   seconds    calls  ms/call\n", "cut short");
	refused("#format perf\nwhat is this\n", "nothing that perf script prints");
	refused("#format perf\n", "no sample");
	refused("#format nsys\na,b,c\n", "no table");
	refused("#format table\nfn\ta\n", "`fn` wants");
	refused("#format table\n", "without rows");
	refused("#format wat\n1\n", "unknown format `wat`");
	refused("#file callgrind ../../etc/passwd\n", "no plain file");
	refused("\001\002garbage\n", "nothing that could be read");
	refused("", "wrote nothing");
}

static void a_part_that_cannot_be_read_is_a_note_and_leaves_no_rows(void **state)
{
	struct br_profile p = read_in("#format callgrind good\n" HEAD "fl=a.c\nfn=f\n3 10\n\ntotals: 10\n"
				      "#format callgrind torn\n" HEAD "fl=b.c\nfn=g\n3 99\n");

	(void)state;
	assert_int_equal(p.nrow, 1);
	assert_true(p.total == 10);
	assert_non_null(strstr(p.note[0], "torn: cut short"));
	assert_null(p.note[1]);
	br_profile_done(&p);
}

static const char *const gprof =
	"#format gprof prog\nFlat profile:\n\nEach sample counts as 0.01 seconds.\n"
	"  %   cumulative   self              self     total           \n"
	" time   seconds   seconds    calls  ms/call  ms/call  name    \n"
	" 60.00      0.06     0.06      100     0.60     0.60  slow(int, char)\n"
	" 40.00      0.10     0.04       50     0.80     1.40  fact\n"
	"  0.00      0.10     0.00                             main\n\n"
	"\t\t\tCall graph\n\n\ngranularity: each sample hit covers 2 byte(s) for 10.00% of 0.10 seconds\n\n"
	"index % time    self  children    called     name\n"
	"                                                 <spontaneous>\n"
	"[1]    100.0    0.00    0.10                 main [1]\n"
	"                0.04    0.06      50/50          fact [2]\n"
	"-----------------------------------------------\n"
	"                                 450             fact [2]\n"
	"                0.04    0.06      50/50          main [1]\n"
	"[2]    100.0    0.04    0.06      50+450     fact [2]\n"
	"                0.06    0.00     100/100         slow(int, char) [3]\n"
	"                                 450             fact [2]\n"
	"-----------------------------------------------\n"
	"                0.06    0.00     100/100         fact [2]\n"
	"[3]     60.0    0.06    0.00     100         slow(int, char) [3]\n"
	"-----------------------------------------------\n\f\nIndex by function name\n\n   [2] fact\n";

static void gprof_tells_recursion_apart_and_leaves_the_unknown_empty(void **state)
{
	struct br_profile p = read_in(gprof);
	br_auto_free char *text = NULL;

	(void)state;
	assert_int_equal(p.nrow, 3);
	assert_int_equal(row(&p, "fact")->calls, 500);
	assert_int_equal(row(&p, "fact")->primitive, 50);
	assert_true(fabs(row(&p, "fact")->cum - 0.10) < 1e-9);
	assert_true(row(&p, "slow(int, char)")->self == 0.06);
	assert_int_equal(row(&p, "main")->calls, -1);
	assert_true(fabs(p.total - 0.10) < 1e-9);
	assert_int_equal(edge(&p, "fact", "slow(int, char)")->calls, 100);
	assert_true(edge(&p, "main", "fact")->cum == 0.10);
	text = br_profile_text(&p, BR_SORT_SELF, 0);
	assert_non_null(strstr(text, "\n             0.000             0.100          main [prog]\n"));
	assert_non_null(strstr(text, "\n   500/50    0.040    0.000    0.100    0.002 fact [prog]\n"));
	br_profile_done(&p);
}

static const char *const perf = "#format perf\n"
				"my prog 77/77   10.000001:    1000000 cpu-clock:u: \n"
				"\t    55d0c5 f+0x1c (/home/user/tree/prog)\n"
				"\t    55d0c9 f+0x2c (/home/user/tree/prog)\n"
				"\t    55d1c5 main+0x1c (/home/user/tree/prog)\n\n"
				"my prog 77/77   10.001001:    1000000 cpu-clock:u: \n"
				"\t    55d1c5 main+0x1c (/home/user/tree/prog)\n\n"
				"#format symbols prog\n"
				"0000000000001139 T main\t/home/user/tree/a.c:12\n"
				"0000000000001119 t f\t/home/user/tree/a.c:3\n";

static void a_function_counts_once_in_a_sample_and_symbols_say_where_it_is(void **state)
{
	struct br_profile p = read_in(perf);
	br_auto_free char *folded = br_profile_folded(&p);

	(void)state;
	assert_int_equal(p.nrow, 2);
	assert_true(fabs(row(&p, "f")->self - 0.001) < 1e-12);
	assert_true(fabs(row(&p, "f")->cum - 0.001) < 1e-12);
	assert_true(fabs(row(&p, "main")->cum - 0.002) < 1e-12);
	assert_int_equal(row(&p, "f")->calls, -1);
	assert_string_equal(row(&p, "f")->file, "a.c");
	assert_int_equal(row(&p, "f")->line, 3);
	assert_true(fabs(p.quantum - 0.001) < 1e-12);
	assert_string_equal(folded, "main;f;f 1000000\nmain 1000000\n");
	br_profile_done(&p);
}

static void gpu_tables_are_read_by_the_names_of_their_columns(void **state)
{
	struct br_profile p = read_in("#format nsys\nProcessing [x.sqlite] with report...\n"
				      "Time (%),Total Time (ns),Instances,Avg "
				      "(ns),Name\n60.0,6000000,3,2000000,\"k<int, 4>(float*)\"\n"
				      "40.0,4000000,1,4000000,copy\n");
	struct br_profile q = read_in("#format nsys\n==1== Profiling result:\n"
				      "\"Type\",\"Time(%)\",\"Time\",\"Calls\",\"Avg\",\"Name\"\n"
				      ",%,ms,,us,\n\"GPU activities\",60,6.0,3,2000,\"k<int, 4>(float*)\"\n"
				      "\"API calls\",40,4.0,1,4000,\"cudaMalloc\"\n");

	(void)state;
	assert_int_equal(p.nrow, 2);
	assert_true(fabs(row(&p, "k<int, 4>(float*)")->self - 0.006) < 1e-12);
	assert_int_equal(row(&p, "k<int, 4>(float*)")->calls, 3);
	assert_true(fabs(row(&q, "k<int, 4>(float*)")->self - 0.006) < 1e-12);
	assert_string_equal(row(&q, "cudaMalloc")->object, "CUDA API");
	refused("#format nsys\nName,Time\nk,3\n", "the unit of the times");
	br_profile_done(&p);
	br_profile_done(&q);
}

static const char *const table = "#format table\nunit\ts\n"
				 "fn\t\tt.py\t1\tfact\t100\t1\t0.25\t0.5\n"
				 "fn\t\tt.py\t9\t<lambda>\t2\t2\t0.125\t0.125\n"
				 "fn\t\tt.py\t11\t<lambda>\t3\t3\t0.5\t0.5\n"
				 "fn\t\t~\t0\t<built-in method builtins.exec>\t1\t1\t0\t1\n"
				 "call\t3\t0\t1\t0.5\n";

static void the_text_is_that_of_pstats(void **state)
{
	struct br_profile p = read_in(table);
	br_auto_free char *text = br_profile_text(&p, BR_SORT_CUM, 0);
	br_auto_free char *two = br_profile_text(&p, BR_SORT_LINE, 2);

	(void)state;
	assert_string_equal(text,
			    "         106 function calls (7 primitive calls) in 0.875 seconds\n\n"
			    "   Ordered by: cumulative time\n\n"
			    "   ncalls  tottime  percall  cumtime  percall filename:lineno(function)\n"
			    "        1    0.000    0.000    1.000    1.000 {built-in method builtins.exec}\n"
			    "    100/1    0.250    0.003    0.500    0.500 t.py:1(fact)\n"
			    "        3    0.500    0.167    0.500    0.167 t.py:11(<lambda>)\n"
			    "        2    0.125    0.062    0.125    0.062 t.py:9(<lambda>)\n");
	assert_non_null(strstr(two, "   List reduced from 4 to 2\n"));
	assert_null(strstr(two, "lambda"));
	br_profile_done(&p);
}

static void every_sort_key_of_pstats_is_known(void **state)
{
	(void)state;
	for (const char *const *key = br_profile_sort_keys(); *key; key++)
		assert_true(br_profile_sort_from(*key) >= 0);
	assert_int_equal(br_profile_sort_from("colour"), -1);
}

static void what_is_written_for_callgrind_is_read_back_the_same(void **state)
{
	struct br_profile p = read_in(recursion);
	br_auto_free char *sheet = br_profile_callgrind(&p);
	br_auto_free char *answer = br_asprintf("#format callgrind again\n%s", sheet);
	struct br_profile q = read_in(answer);

	(void)state;
	assert_int_equal(q.nrow, p.nrow);
	assert_int_equal(q.nline, p.nline);
	assert_true(q.total == p.total);
	assert_true(row(&q, "fact")->self == row(&p, "fact")->self);
	assert_true(row(&q, "main")->cum == row(&p, "main")->cum);
	assert_int_equal(row(&q, "fact")->calls, row(&p, "fact")->calls);
	assert_int_equal(row(&q, "fact")->primitive, row(&p, "fact")->primitive);
	br_profile_done(&p);
	br_profile_done(&q);
}

static void stacks_made_of_edges_keep_the_total(void **state)
{
	struct br_profile p = read_in(recursion);
	br_auto_free char *folded = br_profile_folded(&p);

	(void)state;
	assert_string_equal(folded, "main;fact 60\nmain 7\n");
	br_profile_done(&p);
}

static void raw_files_are_read_from_their_folder_alone(void **state)
{
	char dir[] = "/tmp/br-profile-XXXXXX";
	br_auto_free char *path = NULL;
	br_auto_free char *link = NULL;
	struct br_profile_cfg cfg = {.profiler = "callgrind"};
	static const char answer[] = "#file callgrind cg.1\n#file callgrind cg.link\n";
	static const char raw[] = HEAD "fl=a.c\nfn=f\n3 10\n\ntotals: 10\n";
	struct br_profile p;
	struct br_err err = {0};

	(void)state;
	assert_non_null(mkdtemp(dir));
	path = br_asprintf("%s/cg.1", dir);
	link = br_asprintf("%s/cg.link", dir);
	assert_int_equal(br_file_write(path, raw, sizeof raw - 1, NULL), 0);
	assert_int_equal(symlink("cg.1", link), 0);
	cfg.dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(br_profile_read(&p, answer, sizeof answer - 1, &cfg, &err), 0);
	assert_true(p.total == 10);
	assert_non_null(strstr(p.note[0], "cg.link: no plain file"));
	br_profile_done(&p);
	assert_int_equal(close(cfg.dir_fd), 0);
	assert_int_equal(br_dir_remove(dir, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recursion_is_one_row_with_its_outermost_calls_apart),
		cmocka_unit_test(lines_of_another_file_stay_with_the_function_they_were_inlined_into),
		cmocka_unit_test(processes_are_summed_and_compiler_suffixes_vanish),
		cmocka_unit_test(what_is_cut_or_foreign_gives_one_clear_line),
		cmocka_unit_test(a_part_that_cannot_be_read_is_a_note_and_leaves_no_rows),
		cmocka_unit_test(gprof_tells_recursion_apart_and_leaves_the_unknown_empty),
		cmocka_unit_test(a_function_counts_once_in_a_sample_and_symbols_say_where_it_is),
		cmocka_unit_test(gpu_tables_are_read_by_the_names_of_their_columns),
		cmocka_unit_test(the_text_is_that_of_pstats),
		cmocka_unit_test(every_sort_key_of_pstats_is_known),
		cmocka_unit_test(what_is_written_for_callgrind_is_read_back_the_same),
		cmocka_unit_test(stacks_made_of_edges_keep_the_total),
		cmocka_unit_test(raw_files_are_read_from_their_folder_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
