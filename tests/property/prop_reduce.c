/* prop_reduce.c - reducing files: results are minimal and were seen to fail, for any workers; and the counts of runs. */
#include "reduce_run.h"

#include "search/tree.h"
#include "search/units.h"

#include <fcntl.h>
#include <jansson.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/wait.h>
#include <cmocka.h>

enum { TEXTS = 300, MOST_NEEDLES = 12, RANDOM_NEEDLES = 4, SEEDS = 11 };

/* ---- random files and predicates ---- */

/* Fails when all needles are in some file; unresolved when brackets do not pair up; or when a hash of the contents says so. */
struct wish {
	struct br_part needle[MOST_NEEDLES];
	size_t nneedle;
	bool balanced, by_hash;
	char original[BR_REDUCE_KEY + 1];
};

static bool has(const struct br_part *part, size_t npart, const struct br_part *needle)
{
	for (size_t i = 0; i < npart; i++)
		if (!part[i].gone && memmem(part[i].data, part[i].n, needle->data, needle->n))
			return true;
	return false;
}

static bool is_balanced(const struct br_part *part)
{
	int depth = 0;

	for (size_t i = 0; i < part->n && depth >= 0; i++)
		depth += strchr("([{", part->data[i]) && part->data[i]	 ? 1
			 : strchr(")]}", part->data[i]) && part->data[i] ? -1
									 : 0;
	return depth == 0;
}

static enum br_class grant(const void *context, const struct br_part *part, size_t npart)
{
	const struct wish *w = context;
	char key[BR_REDUCE_KEY + 1];

	if (w->by_hash) {
		size_t bytes = 0;

		for (size_t i = 0; i < npart; i++)
			bytes += part[i].n;
		br_reduce_key(part, npart, key);
		return strcmp(key, w->original) == 0 || (key[5] < '4' && bytes > 0) ? BR_BAD
		       : key[6] < '8'						    ? BR_GOOD
										    : BR_SKIP;
	}
	for (size_t i = 0; w->balanced && i < npart; i++)
		if (!is_balanced(&part[i]))
			return BR_SKIP;
	for (size_t i = 0; i < w->nneedle; i++)
		if (!has(part, npart, &w->needle[i]))
			return BR_GOOD;
	return BR_BAD;
}

static const char *const PIECES[] = {
	"{",
	"}",
	"(",
	")",
	"[",
	"]",
	"\"a b\"",
	"'x'",
	",",
	";",
	"\n",
	"\n",
	"\n  ",
	"\n    ",
	"\t",
	" ",
	"name",
	"value",
	"if",
	"def f():",
	"key: ",
	"- ",
	"<tag a=\"1\">",
	"</tag>",
	"<br/>",
	"<!-- c -->",
	"#include <x>\n",
	"// c\n",
	"/* c */",
	"42",
	"-7.5e3",
	"\xc3\xa4",
	"\xe2\x82\xac",
	"\\",
	"\"",
	":",
	"=",
	"# c\n",
	"(define (f x) (g 'x))",
	"{\"k\": [1, 2]}",
	"class X:\n  pass\n",
};

static void random_file(struct br_part *out, struct br_rand *r, unsigned kind)
{
	struct br_buf b = {0};

	if (kind == 0) {
		reduce_json_value(&b, r, 3);
	} else if (kind == 1) {
		for (uint64_t i = 1 + br_rand_below(r, 120); i > 0; i--)
			br_buf_char(&b, (char)br_rand_below(r, 4));
	} else {
		for (uint64_t i = 1 + br_rand_below(r, 60); i > 0; i--)
			br_buf_str(&b, reduce_pick(r, PIECES, sizeof PIECES / sizeof *PIECES));
	}
	if (b.len > 400)
		b.len = 400;
	*out = reduce_part_of(&b);
}

struct subject {
	struct br_part part[REDUCE_FILES];
	struct wish wish;
	struct reduce_case c;
};

static void random_subject(struct subject *s, struct br_rand *r, unsigned turn)
{
	memset(s, 0, sizeof *s);
	s->c = (struct reduce_case){
		.part = s->part, .npart = turn % 7 == 6 ? 3 : 1, .test = grant, .context = &s->wish};
	for (size_t i = 0; i < s->c.npart; i++)
		random_file(&s->part[i], r, turn % 4);
	s->wish.nneedle = 1 + br_rand_below(r, RANDOM_NEEDLES);
	s->wish.by_hash = turn % 5 == 4;
	for (size_t i = 0; i < s->wish.nneedle; i++) {
		const struct br_part *p = &s->part[br_rand_below(r, s->c.npart)];
		size_t a = br_rand_below(r, p->n), n = 1 + br_rand_below(r, 3);

		s->wish.needle[i] = (struct br_part){.data = p->data + a, .n = a + n < p->n ? n : p->n - a};
	}
	s->wish.balanced = !s->wish.by_hash && turn % 3 == 2 && is_balanced(&s->part[0]) && s->c.npart == 1;
	br_reduce_key(s->part, s->c.npart, s->wish.original);
	s->c.cfg.by = (enum br_reduce_by)(turn % 6);
}

static void subject_done(struct subject *s)
{
	for (size_t i = 0; i < s->c.npart; i++)
		free(s->part[i].data);
}

static void assert_same_contents(const struct reduce_log *x, const struct reduce_log *y)
{
	for (size_t i = 0; i < x->npart; i++) {
		assert_int_equal(x->part[i].n, y->part[i].n);
		assert_memory_equal(x->part[i].data, y->part[i].data, x->part[i].n);
		assert_int_equal(x->part[i].gone, y->part[i].gone);
	}
}

static void assert_seen_to_fail(const struct reduce_log *log, const struct subject *s)
{
	char key[BR_REDUCE_KEY + 1];
	bool seen;

	br_reduce_key(log->part, log->npart, key);
	seen = strcmp(key, s->wish.original) == 0;
	for (size_t i = 0; i < log->n; i++)
		seen |= log->answer[i].cls == BR_BAD && strcmp(log->answer[i].key, key) == 0;
	assert_true(seen);
}

static void assert_nothing_asked_twice(const struct reduce_log *log, const struct subject *s)
{
	for (size_t i = 0; i < log->n; i++) {
		assert_string_not_equal(log->answer[i].key, s->wish.original);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(log->answer[i].key, log->answer[k].key);
	}
}

/* Removes each unit of the pass, one at a time; none of these may fail. */
static void assert_no_unit_can_go(const struct reduce_log *log, const struct subject *s, enum br_pass pass,
				  uint32_t arg, const enum br_lang *lang)
{
	struct br_part part[REDUCE_FILES];
	struct br_doc now = {part, log->npart};
	struct br_plan plan = {0};

	memcpy(part, log->part, sizeof part);
	br_units_plan(&plan, &now, lang, pass, arg);
	for (uint32_t gone = 0; gone < plan.nunit; gone++) {
		br_auto_free uint32_t *keep = br_calloc(plan.nunit, sizeof *keep);
		struct br_doc without;
		char before[BR_REDUCE_KEY + 1], after[BR_REDUCE_KEY + 1];
		uint32_t n = 0;

		for (uint32_t i = 0; i < plan.nunit; i++)
			if (i != gone)
				keep[n++] = i;
		br_plan_render(&plan, &now, keep, n, &without);
		br_reduce_key(part, log->npart, before);
		br_reduce_key(without.part, without.npart, after);
		if (strcmp(before, after) != 0)
			assert_int_not_equal(grant(&s->wish, without.part, without.npart), BR_BAD);
		br_doc_done(&without);
	}
	br_plan_done(&plan);
}

static void assert_minimal(const struct reduce_log *log, const struct subject *s)
{
	enum br_lang lang[REDUCE_FILES];

	assert_true(log->status.done);
	assert_true(log->status.minimal);
	for (size_t i = 0; i < log->npart; i++) {
		lang[i] = br_lang_of(s->part[i].data, s->part[i].n);
		if (s->c.cfg.by == BR_BY_LINE || s->c.cfg.by == BR_BY_CHAR)
			lang[i] = BR_LANG_TEXT;
		else if (s->c.cfg.by == BR_BY_BYTE)
			lang[i] = BR_LANG_BINARY;
		else if (s->c.cfg.by != BR_BY_AUTO && lang[i] == BR_LANG_BINARY)
			lang[i] = BR_LANG_TEXT;
	}
	if (log->npart > 1)
		assert_no_unit_can_go(log, s, BR_PASS_FILES, 0, lang);
	if (s->c.cfg.by == BR_BY_AUTO || s->c.cfg.by == BR_BY_BYTE)
		assert_no_unit_can_go(log, s, BR_PASS_BLOCKS, 1, lang);
	if (s->c.cfg.by == BR_BY_AUTO || s->c.cfg.by == BR_BY_CHAR)
		assert_no_unit_can_go(log, s, BR_PASS_CHARS, 0, lang);
	if (s->c.cfg.by == BR_BY_LINE)
		assert_no_unit_can_go(log, s, BR_PASS_LINES, 0, lang);
	if (s->c.cfg.by == BR_BY_TOKEN)
		assert_no_unit_can_go(log, s, BR_PASS_TOKENS, 0, lang);
	for (uint32_t depth = 0; s->c.cfg.by == BR_BY_TREE && depth < 8; depth++) {
		assert_no_unit_can_go(log, s, BR_PASS_LEVEL, depth, lang);
		assert_no_unit_can_go(log, s, BR_PASS_SOFT, depth, lang);
	}
}

static void a_result_is_minimal_and_was_seen_to_fail(void **state)
{
	struct br_rand r = {.state = 21};

	(void)state;
	for (unsigned i = 0; i < TEXTS; i++) {
		struct subject s;
		struct reduce_log log;

		random_subject(&s, &r, i);
		reduce_in_rounds(&log, &s.c, 1);
		assert_seen_to_fail(&log, &s);
		assert_nothing_asked_twice(&log, &s);
		assert_minimal(&log, &s);
		reduce_log_done(&log);
		subject_done(&s);
	}
}

static void workers_in_any_order_find_what_one_finds(void **state)
{
	struct br_rand r = {.state = 22};

	(void)state;
	for (unsigned i = 0; i < TEXTS; i++) {
		struct subject s;
		struct reduce_log one, many;

		random_subject(&s, &r, i);
		reduce_in_rounds(&one, &s.c, 1);
		reduce_scrambled(&many, &s.c, &r, NULL, 0);
		assert_same_contents(&one, &many);
		assert_nothing_asked_twice(&many, &s);
		reduce_log_done(&one);
		reduce_log_done(&many);
		subject_done(&s);
	}
}

static void known_answers_in_any_order_are_never_asked_for_again(void **state)
{
	struct br_rand r = {.state = 23};

	(void)state;
	for (unsigned i = 0; i < TEXTS; i++) {
		struct subject s;
		struct reduce_log first, again;
		size_t known;

		random_subject(&s, &r, i);
		reduce_in_rounds(&first, &s.c, 1);
		known = br_rand_below(&r, first.n + 1);
		for (size_t k = known; k-- > 1;) {
			size_t pick = br_rand_below(&r, k + 1);
			struct reduce_answer swap = first.answer[pick];

			first.answer[pick] = first.answer[k];
			first.answer[k] = swap;
		}
		reduce_scrambled(&again, &s.c, &r, first.answer, known);
		assert_same_contents(&first, &again);
		for (size_t a = 0; a < again.n; a++)
			for (size_t k = 0; k < known; k++)
				assert_string_not_equal(again.answer[a].key, first.answer[k].key);
		if (known == first.n)
			assert_int_equal(again.n, 0);
		reduce_log_done(&first);
		reduce_log_done(&again);
		subject_done(&s);
	}
}

static void the_first_candidate_is_the_empty_input(void **state)
{
	struct br_part part[2] = {{.data = (char[]){"one\n"}, .n = 4}, {.data = (char[]){"{2}"}, .n = 3}};
	struct reduce_case c = {.part = part, .npart = 2};
	struct br_reduce *r = reduce_open(&c);
	struct br_candidate candidate;
	struct br_reduce_status status;

	(void)state;
	assert_int_equal(br_reduce_propose(r, &candidate, 1), 1);
	assert_int_equal(candidate.part[0].n + candidate.part[1].n, 0);
	assert_int_equal(br_reduce_propose(r, &candidate, 0), 0);
	br_reduce_observe(r, candidate.id, BR_BAD);
	br_candidate_done(&candidate);
	while (br_reduce_propose(r, &candidate, 1)) {
		br_reduce_observe(r, candidate.id, BR_GOOD);
		br_candidate_done(&candidate);
	}
	br_reduce_status(r, &status);
	assert_true(status.done);
	assert_true(status.empty_fails);
	br_reduce_close(r);
}

static void files_that_are_not_needed_go_first(void **state)
{
	struct br_part part[3] = {{.data = (char[]){"a\nb\n"}, .n = 4},
				  {.data = (char[]){"needle\n"}, .n = 7},
				  {.data = (char[]){"c\n"}, .n = 2}};
	struct wish w = {.needle = {{.data = (char[]){"needle"}, .n = 6}}, .nneedle = 1};
	struct reduce_log log;

	(void)state;
	reduce_in_rounds(&log, &(struct reduce_case){.part = part, .npart = 3, .test = grant, .context = &w},
			 1);
	assert_true(log.part[0].gone);
	assert_false(log.part[1].gone);
	assert_true(log.part[2].gone);
	assert_int_equal(log.status.bytes_after, 6);
	assert_int_equal(log.status.by, BR_BY_CHAR);
	assert_int_equal(log.status.units_before, 13);
	assert_int_equal(log.status.units_after, 6);
	reduce_log_done(&log);
}

/* ---- counts ---- */

static bool has_path(const json_t *value)
{
	const char *key;
	json_t *member;
	size_t i;

	if (json_is_integer(json_object_get(json_object_get(json_object_get(value, "op"), "limits"), "max")))
		return true;
	json_object_foreach((json_t *)(uintptr_t)value, key, member) if (has_path(member)) return true;
	json_array_foreach(value, i, member) if (has_path(member)) return true;
	return false;
}

static enum br_class json_path(const void *context, const struct br_part *part, size_t npart)
{
	json_t *value = json_loadb(part->data, part->n, 0, NULL);
	bool found = value && has_path(value);

	(void)context;
	(void)npart;
	json_decref(value);
	return found ? BR_BAD : value ? BR_GOOD : BR_SKIP;
}

/* A name that size_t declares is compared with: what stands in for a compiler's warning. */
static enum br_class compares_sizes(const void *context, const struct br_part *part, size_t npart)
{
	struct br_tokens t;
	bool found = false;
	size_t last[2] = {SIZE_MAX, SIZE_MAX};

	(void)context;
	(void)npart;
	if (!is_balanced(part))
		return BR_SKIP;
	br_lex(&t, BR_LANG_C, part->data, part->n);
	for (size_t i = 2; i < t.n; i++) {
		const struct br_token *k = &t.t[i];
		size_t n = k->b - k->a, before = t.t[i - 1].kind == BR_TOKEN_SPACE ? i - 2 : i - 1;

		if (k->kind != BR_TOKEN_WORD)
			continue;
		if (t.t[before].b - t.t[before].a == 6 &&
		    memcmp(part->data + t.t[before].a, "size_t", 6) == 0) {
			last[0] = k->a;
			last[1] = k->b;
		} else if (part->data[t.t[before].a] == '<' && before > 0 && last[0] != SIZE_MAX &&
			   n == last[1] - last[0]) {
			found |= memcmp(part->data + k->a, part->data + last[0], n) == 0;
		}
	}
	br_tokens_done(&t);
	return found ? BR_BAD : BR_GOOD;
}

static void report(const char *what, const struct reduce_log *log)
{
	print_message("%s: %zu runs to %zu bytes before tokens, %zu runs in all, %llu -> %llu bytes: %.*s\n",
		      what, log->coarse_runs, log->coarse_bytes, log->runs,
		      (unsigned long long)log->status.bytes_before,
		      (unsigned long long)log->status.bytes_after, (int)log->part[0].n, log->part[0].data);
}

static int by_size(const void *a, const void *b)
{
	size_t x = *(const size_t *)a, y = *(const size_t *)b;

	return (x > y) - (x < y);
}

static size_t median(size_t *x)
{
	qsort(x, SEEDS, sizeof *x, by_size);
	return x[SEEDS / 2];
}

static void a_json_file_shrinks_to_its_path(void **state)
{
	size_t coarse_runs[SEEDS], coarse_bytes[SEEDS], runs[SEEDS], bytes[SEEDS];

	(void)state;
	for (size_t i = 0; i < SEEDS; i++) {
		struct br_part part = reduce_json(i, 51000);
		struct reduce_log log;

		reduce_in_rounds(&log, &(struct reduce_case){.part = &part, .npart = 1, .test = json_path},
				 1);
		report("JSON", &log);
		coarse_runs[i] = log.coarse_runs;
		coarse_bytes[i] = log.coarse_bytes;
		runs[i] = log.runs;
		bytes[i] = log.status.bytes_after;
		reduce_log_done(&log);
		free(part.data);
	}
	assert_true(median(coarse_runs) <= 60);
	assert_true(median(coarse_bytes) <= 80);
	assert_true(median(runs) <= 400);
	assert_true(median(bytes) <= 35);
}

/* Needles among lines or bytes, in their order. */
static size_t count_flat(const struct br_part *part, const struct wish *w, enum br_reduce_by by, size_t left)
{
	struct reduce_case c = {.part = part, .npart = 1, .test = grant, .context = w, .cfg = {.by = by}};
	struct reduce_log log;
	size_t runs;

	reduce_in_rounds(&log, &c, 1);
	assert_true(log.status.minimal);
	assert_int_equal(log.status.bytes_after, left);
	runs = log.runs;
	reduce_log_done(&log);
	return runs;
}

static void twelve_of_five_thousand_lines(void **state)
{
	size_t runs[SEEDS];

	(void)state;
	for (size_t seed = 0; seed < SEEDS; seed++) {
		struct br_rand r = {.state = seed};
		struct wish w = {.nneedle = 12};
		struct br_part part = {.data = br_calloc(5000, 8), .n = 5000UL * 7};

		for (unsigned i = 0; i < 5000; i++)
			(void)snprintf(part.data + (size_t)7 * i, 8, "L%05u\n", i);
		for (size_t k = 0; k < 12; k++)
			w.needle[k] = (struct br_part){
				.data = part.data + 7 * br_rand_below(&r, 416) + 7 * 416 * k, .n = 7};
		runs[seed] = count_flat(&part, &w, BR_BY_LINE, 84);
		free(part.data);
	}
	print_message("12 of 5,000 lines: %zu runs\n", median(runs));
	assert_true(runs[SEEDS / 2] <= 165);
}

static enum br_class five_in_order(const void *context, const struct br_part *part, size_t npart)
{
	unsigned char next = 0xf1;

	(void)context;
	(void)npart;
	for (size_t i = 0; i < part->n && next <= 0xf5; i++)
		next = (unsigned char)(next + ((unsigned char)part->data[i] == next));
	return next > 0xf5 ? BR_BAD : BR_GOOD;
}

static void five_of_65536_bytes_in_order(void **state)
{
	size_t runs[SEEDS];

	(void)state;
	for (size_t seed = 0; seed < SEEDS; seed++) {
		struct br_rand r = {.state = seed};
		struct br_part part = {.data = br_calloc(65537, 1), .n = 65536};
		struct reduce_case c = {.part = &part, .npart = 1, .test = five_in_order};
		struct reduce_log log;

		for (size_t i = 0; i < part.n; i++)
			part.data[i] = (char)br_rand_below(&r, 0xf0);
		for (size_t k = 0; k < 5; k++)
			part.data[13000 * k + br_rand_below(&r, 13000)] = (char)(0xf1 + k);
		reduce_in_rounds(&log, &c, 1);
		assert_int_equal(log.status.by, BR_BY_BYTE);
		assert_int_equal(log.status.bytes_after, 5);
		runs[seed] = log.runs;
		reduce_log_done(&log);
		free(part.data);
	}
	print_message("5 of 65,536 bytes: %zu runs\n", median(runs));
	assert_true(runs[SEEDS / 2] <= 95);
}

static void a_c_file_shrinks_to_its_warning(void **state)
{
	struct br_part part = reduce_c(5, 3500);
	struct reduce_case c = {.part = &part, .npart = 1, .test = compares_sizes};
	struct reduce_log log;

	(void)state;
	reduce_in_rounds(&log, &c, 1);
	report("C", &log);
	assert_true(log.at_200 > 0 && log.at_200 <= 130);
	assert_true(log.runs <= 700);
	assert_true(log.status.bytes_after <= 80);
	reduce_log_done(&log);
	free(part.data);
}

/* What gcc says to the file: 0 and the warning are both wanted. */
static enum br_class keeps_warning(const void *context, const struct br_part *part, size_t npart)
{
	const char *folder = context;
	br_auto_free char *source = br_asprintf("%s/x.c", folder), *said = br_asprintf("%s/said", folder);
	char *argv[] = {(char[]){"gcc"},
			(char[]){"-std=c17"},
			(char[]){"-Wall"},
			(char[]){"-Wextra"},
			(char[]){"-fsyntax-only"},
			source,
			NULL};
	posix_spawn_file_actions_t to;
	br_auto_free char *text = br_calloc(1, 1 << 16);
	int status = -1;
	pid_t pid;
	FILE *f;

	(void)npart;
	f = fopen(source, "wbe");
	assert_non_null(f);
	assert_int_equal(fwrite(part->data, 1, part->n, f), part->n);
	assert_int_equal(fclose(f), 0);
	posix_spawn_file_actions_init(&to);
	posix_spawn_file_actions_addopen(&to, 2, said, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (posix_spawnp(&pid, "gcc", &to, NULL, argv, environ) == 0)
		(void)waitpid(pid, &status, 0);
	posix_spawn_file_actions_destroy(&to);
	f = fopen(said, "rbe");
	if (f) {
		text[fread(text, 1, (1 << 16) - 1, f)] = '\0';
		(void)fclose(f);
	}
	return status == 0 && strstr(text, "-Wsign-compare") ? BR_BAD : BR_GOOD;
}

/* False: there is no gcc that warns. A test that is skipped jumps out of its function, and would leave what that holds. */
static bool reduce_with_a_compiler(void)
{
	br_auto_free char *folder =
		br_asprintf("%s/reduce.XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	struct br_part part = reduce_c(5, 3500);
	struct reduce_case c = {.part = &part, .npart = 1, .test = keeps_warning, .context = folder};
	br_auto_free char *clean = br_asprintf("%s/x.c", folder), *said = br_asprintf("%s/said", folder);
	struct reduce_log log;

	assert_non_null(mkdtemp(folder));
	if (keeps_warning(folder, &part, 1) != BR_BAD) {
		(void)unlink(clean);
		(void)unlink(said);
		(void)rmdir(folder);
		free(part.data);
		return false;
	}
	reduce_in_rounds(&log, &c, 1);
	print_message("%zu runs to 200 bytes, %zu to 80\n", log.at_200, log.at_80);
	report("C and gcc", &log);
	assert_true(log.at_200 > 0 && log.at_200 <= 130);
	assert_true(log.runs <= 700);
	assert_true(log.status.bytes_after <= 80);
	reduce_log_done(&log);
	free(part.data);
	(void)unlink(clean);
	(void)unlink(said);
	(void)rmdir(folder);
	return true;
}

static void a_real_compiler_keeps_its_warning(void **state)
{
	(void)state;
	if (!getenv("BR_LONG") || !reduce_with_a_compiler()) {
		print_message("skipped: only with BR_LONG=1 and gcc\n");
		skip();
	}
}

static void workers_save_rounds(void **state)
{
	struct br_part part[2] = {reduce_json(4, 51000), reduce_c(5, 3500)};
	reduce_test *const test[2] = {json_path, compares_sizes};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct reduce_case c = {.part = &part[i], .npart = 1, .test = test[i]};
		struct reduce_log one, many;

		reduce_in_rounds(&one, &c, 1);
		reduce_in_rounds(&many, &c, REDUCE_WORKERS);
		print_message("%zu runs, %zu rounds of 8 workers (%.2f)\n", one.runs, many.rounds,
			      (double)many.rounds / (double)one.runs);
		assert_same_contents(&one, &many);
		assert_true((double)many.rounds <= 0.5 * (double)one.runs);
		reduce_log_done(&one);
		reduce_log_done(&many);
		free(part[i].data);
	}
}

/* 4,000 lines of which every third is needed: a search by lines alone would ask for each. */
static enum br_class keeps_block(const void *context, const struct br_part *part, size_t npart)
{
	(void)npart;
	return memmem(part->data, part->n, context, strlen(context)) ? BR_BAD : BR_GOOD;
}

static void too_much_needed_by_lines_goes_on_by_the_tree(void **state)
{
	struct br_buf b = {0}, block = {0};
	struct reduce_log log;
	struct br_part part;

	(void)state;
	for (unsigned i = 0; i < 200; i++)
		br_buf_fmt(&block, "  entry %u of the section\n", i);
	for (unsigned i = 0; i < 40; i++) {
		br_buf_fmt(&b, "section %u\n", i);
		br_buf_str(&b, block.data);
	}
	part = (struct br_part){.n = b.len, .data = b.data};
	reduce_in_rounds(
		&log,
		&(struct reduce_case){.part = &part, .npart = 1, .test = keeps_block, .context = block.data},
		1);
	print_message("200 lines in a row of 8,040: %zu runs, %llu bytes left\n", log.runs,
		      (unsigned long long)log.status.bytes_after);
	assert_int_equal(log.status.bytes_after, block.len);
	reduce_log_done(&log);
	br_buf_done(&b);
	br_buf_done(&block);
}

/* ---- trees ---- */

static void any_part_of_a_json_level_is_valid_json(void **state)
{
	struct br_rand r = {.state = 31};
	const enum br_lang lang = BR_LANG_JSON;

	(void)state;
	for (unsigned i = 0; i < 300; i++) {
		struct br_buf b = {0};
		struct br_part part;
		struct br_doc doc = {&part, 1};

		br_buf_str(&b, "[");
		reduce_json_value(&b, &r, 2);
		br_buf_str(&b, "]");
		part = (struct br_part){.n = b.len, .data = b.data};
		for (uint32_t depth = 1; depth < br_units_depths(&doc, &lang, BR_PASS_LEVEL); depth++) {
			struct br_plan plan = {0};
			struct br_doc out;
			br_auto_free uint32_t *keep = NULL;
			uint32_t n = 0;
			json_t *value;

			br_units_plan(&plan, &doc, &lang, BR_PASS_LEVEL, depth);
			keep = br_calloc(plan.nunit + 1, sizeof *keep);
			for (uint32_t u = 0; u < plan.nunit; u++)
				if (br_rand_below(&r, 2))
					keep[n++] = u;
			br_plan_render(&plan, &doc, keep, n, &out);
			value = json_loadb(out.part[0].data, out.part[0].n, 0, NULL);
			assert_non_null(value);
			json_decref(value);
			br_doc_done(&out);
			br_plan_done(&plan);
		}
		br_buf_done(&b);
	}
}

static void a_file_is_told_by_its_content(void **state)
{
	static const struct {
		const char *text;
		enum br_lang lang;
	} files[] = {
		{"{\"a\": [1, 2]}\n", BR_LANG_JSON},
		{"[1, 2, {\"x\": null}]", BR_LANG_JSON},
		{"<?xml version=\"1.0\"?>\n<a><b/></a>", BR_LANG_MARKUP},
		{"<!DOCTYPE html><html><body>x</body></html>", BR_LANG_MARKUP},
		{"#include <stdio.h>\nint main(void)\n{\n\treturn 0;\n}\n", BR_LANG_C},
		{"import os\n\ndef f(x):\n    return x\n", BR_LANG_PYTHON},
		{"; a comment\n(define (f x)\n  (g x 1))\n(f 2)\n", BR_LANG_LISP},
		{"name: x\njobs:\n  build:\n    steps:\n      - run: make\n", BR_LANG_YAML},
		{"one line\nanother one\n", BR_LANG_TEXT},
		{"\x01\x02\x03\x7f", BR_LANG_BINARY},
	};

	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		assert_int_equal(br_lang_of(files[i].text, strlen(files[i].text)), files[i].lang);
	assert_int_equal(br_lang_of("PK\0\0", 4), BR_LANG_BINARY);
}

/* Each language: the part between the marks is all that is left of a file in which it is deeply nested. */
static void each_language_shrinks_by_its_tree(void **state)
{
	static const struct {
		const char *text, *needle;
		size_t most; /* bytes that --by tree may leave */
	} files[] = {
		{"import os\n\nclass A:\n    def f(self):\n        x = 1\n        if x:\n            "
		 "crash(1)\n            y = 2\n        return x\n    def g(self):\n        pass\n\ndef "
		 "h():\n    return 1\n",
		 "crash(1)", 20},
		{"name: x\non:\n  push:\n    branches: [a, b]\njobs:\n  build:\n    steps:\n      - run: "
		 "make\n      - run: crash\n  test:\n    steps: []\n",
		 "run: crash", 20},
		{"<html><head><title>x</title></head><body class=\"a\"><p>one</p><div "
		 "id=\"x\"><p>two<b>crash</b></p></div><br><p>three</p></body></html>\n",
		 "crash", 12},
		{"(define (f x) (if x (g 1) 2))\n(define (h y) (let ((z 1)) (list z (crash y) 3)))\n(f (h "
		 "2))\n",
		 "crash y", 12},
		{"{\"a\": [1, 2, {\"b\": {\"crash\": 7, \"c\": 8}}], \"d\": {\"e\": 5}}\n", "\"crash\": 7",
		 14},
		{"int f(void)\n{\n\treturn 1;\n}\n\nint g(int x)\n{\n\tif (x) "
		 "{\n\t\tcrash(x);\n\t\tf();\n\t}\n\treturn 2;\n}\n",
		 "crash(x);", 20},
	};

	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		br_auto_free char *text = br_strdup(files[i].text), *needle = br_strdup(files[i].needle);
		struct br_part part = {.data = text, .n = strlen(text)};
		struct wish w = {
			.needle = {{.data = needle, .n = strlen(needle)}}, .nneedle = 1, .balanced = true};
		struct reduce_case c = {
			.part = &part, .npart = 1, .test = grant, .context = &w, .cfg = {.by = BR_BY_TREE}};
		struct reduce_log log;

		reduce_in_rounds(&log, &c, 1);
		print_message("%zu runs, left: %s\n", log.runs, log.part[0].data);
		assert_true(log.part[0].n <= files[i].most);
		assert_int_equal(log.status.by, BR_BY_TREE);
		reduce_log_done(&log);
	}
}

static void the_names_of_units_can_be_read_back(void **state)
{
	(void)state;
	for (int by = BR_BY_AUTO; by <= BR_BY_HUNK; by++)
		assert_int_equal(br_reduce_by_from(br_reduce_by_name((enum br_reduce_by)by)), by);
	assert_int_equal(br_reduce_by_from("page"), -1);
}

static void an_empty_input_is_refused(void **state)
{
	struct br_part part = {.data = (char[]){""}};
	struct br_reduce *r = NULL;

	(void)state;
	assert_true(br_reduce_open(&r, &part, 1, &(struct br_reduce_cfg){0}, NULL) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_result_is_minimal_and_was_seen_to_fail),
		cmocka_unit_test(workers_in_any_order_find_what_one_finds),
		cmocka_unit_test(known_answers_in_any_order_are_never_asked_for_again),
		cmocka_unit_test(the_first_candidate_is_the_empty_input),
		cmocka_unit_test(files_that_are_not_needed_go_first),
		cmocka_unit_test(a_json_file_shrinks_to_its_path),
		cmocka_unit_test(twelve_of_five_thousand_lines),
		cmocka_unit_test(five_of_65536_bytes_in_order),
		cmocka_unit_test(a_c_file_shrinks_to_its_warning),
		cmocka_unit_test(a_real_compiler_keeps_its_warning),
		cmocka_unit_test(workers_save_rounds),
		cmocka_unit_test(too_much_needed_by_lines_goes_on_by_the_tree),
		cmocka_unit_test(any_part_of_a_json_level_is_valid_json),
		cmocka_unit_test(a_file_is_told_by_its_content),
		cmocka_unit_test(each_language_shrinks_by_its_tree),
		cmocka_unit_test(the_names_of_units_can_be_read_back),
		cmocka_unit_test(an_empty_input_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
