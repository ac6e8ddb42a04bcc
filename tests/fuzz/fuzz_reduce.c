/*
 * fuzz_reduce.c - any file in any language: tokens cover it, every pass keeps it as it is when nothing is done and stays within
 * it when something is, and a reduction ends with something that was seen to fail.
 * Input: a byte that chooses, then the file. Build with clang -fsanitize=fuzzer,address,undefined.
 */
#include "base/mem.h"
#include "bisect_run/reduce.h"
#include "search/tree.h"
#include "search/units.h"

#include <string.h>

enum { MOST = 600, LANGS = BR_LANG_YAML + 1, PASSES = BR_PASS_HUNKS + 1 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_tokens(enum br_lang lang, const struct br_part *part)
{
	struct br_tokens t;
	size_t at = 0;

	br_lex(&t, lang, part->data, part->n);
	for (size_t i = 0; i < t.n; i++) {
		check(t.t[i].a == at && t.t[i].b > at);
		at = t.t[i].b;
	}
	check(at == part->n);
	br_tokens_done(&t);
}

static void check_tree(enum br_lang lang, const struct br_part *part)
{
	struct br_tree tree;

	br_tree_build(&tree, lang, part->data, part->n);
	for (size_t i = 0; i < tree.n; i++) {
		const struct br_element *e = &tree.e[i];

		check(e->all.a <= e->all.b && e->all.b <= part->n);
		check(e->value.a <= e->value.b && e->value.b <= part->n);
		check(e->block.a <= e->inside.a && e->inside.a <= e->inside.b && e->inside.b <= e->block.b &&
		      e->block.b <= part->n);
	}
	br_tree_done(&tree);
}

static void check_pass(enum br_lang lang, const struct br_doc *doc, enum br_pass pass, uint32_t arg)
{
	struct br_plan plan = {0};
	struct br_doc out;
	br_auto_free uint32_t *keep = NULL;

	br_units_plan(&plan, doc, &lang, pass, arg);
	keep = br_calloc(plan.nunit + 1, sizeof *keep);
	for (uint32_t i = 0; i < plan.nunit; i++)
		keep[i] = i;
	br_plan_render(&plan, doc, keep, plan.nunit, &out);
	check(out.part[0].n == doc->part[0].n &&
	      memcmp(out.part[0].data, doc->part[0].data, out.part[0].n) == 0);
	br_doc_done(&out);
	for (uint32_t i = 0; i < plan.nunit; i += 2)
		keep[i / 2] = i;
	br_plan_render(&plan, doc, keep, (plan.nunit + 1) / 2, &out);
	check(out.part[0].n <= doc->part[0].n || pass == BR_PASS_LEVEL);
	br_doc_done(&out);
	br_plan_done(&plan);
}

/* A test that fails by chance, always the same way on the same contents. */
static void check_reduction(const struct br_part *part, enum br_reduce_by by)
{
	struct br_reduce *r = NULL;
	struct br_reduce_status s;
	struct br_candidate c;
	char best[BR_REDUCE_KEY + 1], key[BR_REDUCE_KEY + 1];

	if (br_reduce_open(&r, part, 1, &(struct br_reduce_cfg){.by = by}, NULL) < 0)
		return;
	br_reduce_key(part, 1, best);
	for (unsigned i = 0; br_reduce_propose(r, &c, 1); i++) {
		bool fails = c.part[0].n > 0 && c.key[3] < '3';

		check(i < 200000);
		br_reduce_observe(r, c.id, fails ? BR_BAD : BR_GOOD);
		br_candidate_done(&c);
	}
	br_reduce_status(r, &s);
	check(s.done && s.minimal);
	br_reduce_key(br_reduce_best(r), 1, key);
	check(strcmp(key, best) == 0 || key[3] < '3');
	br_reduce_close(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct br_part part;
	struct br_doc doc;
	enum br_lang lang;

	if (size < 2)
		return 0;
	part = (struct br_part){.n = size - 1 < MOST ? size - 1 : MOST};
	part.data = br_malloc(part.n + 1);
	memcpy(part.data, data + 1, part.n);
	part.data[part.n] = '\0';
	br_doc_copy(&doc, &part, 1);
	lang = data[0] & 8 ? br_lang_of(part.data, part.n) : (enum br_lang)(data[0] % LANGS);
	check_tokens(lang, &part);
	check_tree(lang, &part);
	for (int pass = 0; pass < PASSES; pass++)
		for (uint32_t arg = 0; arg < 4; arg++)
			check_pass(lang, &doc, (enum br_pass)pass, arg);
	check_reduction(&part, (enum br_reduce_by)(data[0] / 16 % (BR_BY_HUNK + 1)));
	br_doc_done(&doc);
	free(part.data);
	return 0;
}
