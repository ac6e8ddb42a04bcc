/* candidate.c - what goes to and fro between a reduction and its caller: keys as text, candidates, names of units. */
#include "search/plan.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

void br_key_write(struct br_key key, char out[BR_REDUCE_KEY + 1])
{
	(void)snprintf(out, BR_REDUCE_KEY + 1, "%016llx%016llx", (unsigned long long)key.a,
		       (unsigned long long)key.b);
}

bool br_key_read(const char *text, struct br_key *out)
{
	uint64_t word[2] = {0, 0};

	if (strlen(text) != BR_REDUCE_KEY)
		return false;
	for (size_t i = 0; i < BR_REDUCE_KEY; i++) {
		static const char digits[] = "0123456789abcdef";
		const char *at = strchr(digits, text[i]);

		if (!at)
			return false;
		word[i / 16] = word[i / 16] << 4 | (uint64_t)(at - digits);
	}
	*out = (struct br_key){word[0], word[1]};
	return true;
}

void br_reduce_key(const struct br_part *part, size_t npart, char out[BR_REDUCE_KEY + 1])
{
	struct br_doc doc = {.npart = npart};

	br_doc_copy(&doc, part, npart);
	br_key_write(br_doc_key(&doc), out);
	br_doc_done(&doc);
}

void br_candidate_done(struct br_candidate *c)
{
	for (size_t i = 0; i < c->npart; i++)
		free(c->part[i].data);
	free(c->part);
	memset(c, 0, sizeof *c);
}

static const char *const BY_NAMES[] = {
	[BR_BY_AUTO] = "auto",	 [BR_BY_LINE] = "line", [BR_BY_CHAR] = "char", [BR_BY_BYTE] = "byte",
	[BR_BY_TOKEN] = "token", [BR_BY_TREE] = "tree", [BR_BY_HUNK] = "hunk",
};

const char *br_reduce_by_name(enum br_reduce_by by)
{
	return BY_NAMES[by];
}

int br_reduce_by_from(const char *name)
{
	for (size_t i = 0; i < sizeof BY_NAMES / sizeof *BY_NAMES; i++)
		if (strcmp(BY_NAMES[i], name) == 0)
			return (int)i;
	return -1;
}
