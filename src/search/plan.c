/* plan.c - what one pass of a reduction may do to the contents: edits, gathered in units of which each is done or not. */
#include "search/plan.h"

#include "base/mem.h"
#include "base/rand.h"

#include <string.h>

/* ---- contents ---- */

void br_doc_copy(struct br_doc *out, const struct br_part *part, size_t npart)
{
	out->npart = npart;
	out->part = br_calloc(npart + 1, sizeof *out->part);
	for (size_t i = 0; i < npart; i++) {
		out->part[i] = (struct br_part){br_malloc(part[i].n + 1), part[i].n, part[i].gone};
		if (part[i].n > 0)
			memcpy(out->part[i].data, part[i].data, part[i].n);
		out->part[i].data[part[i].n] = '\0';
	}
}

void br_doc_done(struct br_doc *doc)
{
	for (size_t i = 0; i < doc->npart; i++)
		free(doc->part[i].data);
	free(doc->part);
	*doc = (struct br_doc){0};
}

size_t br_doc_bytes(const struct br_doc *doc)
{
	size_t n = 0;

	for (size_t i = 0; i < doc->npart; i++)
		n += doc->part[i].n;
	return n;
}

/* Multiplies to 128 bits and folds: every bit of the word reaches every bit of the result. */
static uint64_t fold(uint64_t x, uint64_t y)
{
	br_u128 z = (br_u128)x * y;

	return (uint64_t)z ^ (uint64_t)(z >> 64);
}

static void hash_word(struct br_key *key, uint64_t word)
{
	key->a = fold(key->a ^ word, 0x9fb21c651e98df25u) + word;
	key->b = fold(key->b + word, 0xd6e8feb86659fd93u) ^ key->a;
}

static void hash_part(struct br_key *key, const struct br_part *part)
{
	size_t i = 0;

	hash_word(key, part->n * 2 + part->gone);
	for (; i + 8 <= part->n; i += 8) {
		uint64_t word;

		memcpy(&word, part->data + i, 8);
		hash_word(key, word);
	}
	if (i < part->n) {
		uint64_t word = 0;

		memcpy(&word, part->data + i, part->n - i);
		hash_word(key, word);
	}
}

struct br_key br_doc_key(const struct br_doc *doc)
{
	struct br_key key = {0x243f6a8885a308d3u, 0x13198a2e03707344u};

	for (size_t i = 0; i < doc->npart; i++)
		hash_part(&key, &doc->part[i]);
	hash_word(&key, doc->npart);
	hash_word(&key, 0);
	return key;
}

/* ---- edits ---- */

void br_plan_unit(struct br_plan *plan)
{
	plan->nunit++;
}

void br_plan_add(struct br_plan *plan, struct br_edit edit)
{
	edit.unit = plan->nunit - 1;
	br_grow(&plan->edit, plan->nedit, &plan->cap);
	plan->edit[plan->nedit++] = edit;
}

void br_plan_cut(struct br_plan *plan, uint32_t file, size_t a, size_t b)
{
	if (a < b)
		br_plan_add(plan, (struct br_edit){.kind = BR_EDIT_REPLACE, .file = file, .a = a, .b = b});
}

void br_plan_replace(struct br_plan *plan, uint32_t file, size_t a, size_t b, const char *with)
{
	size_t n = strlen(with);
	char *copy = br_arena_alloc(&plan->arena, n + 1);

	memcpy(copy, with, n + 1);
	br_plan_add(plan,
		    (struct br_edit){
			    .kind = BR_EDIT_REPLACE, .file = file, .a = a, .b = b, .with = copy, .nwith = n});
}

static int by_place(const void *left, const void *right)
{
	const struct br_edit *x = left, *y = right;

	if (x->file != y->file)
		return x->file < y->file ? -1 : 1;
	if (x->a != y->a)
		return x->a < y->a ? -1 : 1;
	if (x->b != y->b)
		return x->b > y->b ? -1 : 1;
	return (x->unit > y->unit) - (x->unit < y->unit);
}

void br_plan_seal(struct br_plan *plan)
{
	if (plan->nedit > 1)
		qsort(plan->edit, plan->nedit, sizeof *plan->edit, by_place);
}

/* Which edits are to be done; one byte each, owned by the caller. */
static uint8_t *choose(const struct br_plan *plan, const uint32_t *keep, uint32_t nkeep)
{
	uint8_t *chosen = br_calloc(plan->nedit + 1, 1);
	br_auto_free uint8_t *kept = br_calloc((size_t)plan->nunit + 1, 1);
	br_auto_free uint8_t *later = br_calloc((size_t)plan->nlist + 1, 1);

	for (uint32_t i = 0; i < nkeep; i++)
		kept[keep[i]] = 1;
	for (size_t i = plan->nedit; i-- > 0;) {
		const struct br_edit *e = &plan->edit[i];

		chosen[i] = !kept[e->unit];
		if (e->kind == BR_EDIT_SEPARATOR)
			chosen[i] |= !later[e->list];
		else if (kept[e->unit])
			later[e->list] = 1;
	}
	return chosen;
}

static void copy_to(struct br_part *out, const char *from, size_t n)
{
	if (n > 0)
		memcpy(out->data + out->n, from, n);
	out->n += n;
}

/* Writes file f, whose edits begin at *next. */
static void render_part(const struct br_plan *plan, const uint8_t *chosen, const struct br_part *from,
			uint32_t f, size_t *next, struct br_part *out)
{
	size_t at = 0, more = 0;

	for (size_t i = *next; i < plan->nedit && plan->edit[i].file == f; i++)
		more += chosen[i] ? plan->edit[i].nwith : 0;
	*out = (struct br_part){.data = br_malloc(from->n + more + 1), .gone = from->gone};
	for (; *next < plan->nedit && plan->edit[*next].file == f; (*next)++) {
		const struct br_edit *e = &plan->edit[*next];

		if (!chosen[*next] || e->a < at)
			continue;
		copy_to(out, from->data + at, e->a - at);
		copy_to(out, e->with, e->nwith);
		at = e->b;
		out->gone |= e->kind == BR_EDIT_GONE;
	}
	copy_to(out, from->data + at, from->n - at);
	out->data[out->n] = '\0';
}

void br_plan_render(const struct br_plan *plan, const struct br_doc *from, const uint32_t *keep,
		    uint32_t nkeep, struct br_doc *out)
{
	br_auto_free uint8_t *chosen = choose(plan, keep, nkeep);
	size_t next = 0;

	out->npart = from->npart;
	out->part = br_calloc(from->npart + 1, sizeof *out->part);
	for (size_t i = 0; i < from->npart; i++)
		render_part(plan, chosen, &from->part[i], (uint32_t)i, &next, &out->part[i]);
}

void br_plan_done(struct br_plan *plan)
{
	free(plan->edit);
	br_arena_done(&plan->arena);
	*plan = (struct br_plan){0};
}
