/* stretch.c - the untestable stretch in which a search ended, in words: its edges, and what of it was never run. */
#include "app/session.h"

#include "base/buf.h"
#include "base/mem.h"
#include "bisect_run/err.h"

#include <string.h>

enum { EDGES_NAMED = 3 };

/* Of each item: may it be the culprit; was it skipped; has it a skipped ancestor; a skipped descendant. */
enum { CANDIDATE = 1, SKIPPED = 2, AFTER = 4, BEFORE = 8 };

static void mark(const struct br_session *s, uint8_t *is, const char *oid, bool skipped)
{
	int64_t item = br_commits_find(s->domain, oid);

	if (item < 0 || !(is[item] & CANDIDATE))
		return;
	is[item] = skipped ? CANDIDATE | SKIPPED : CANDIDATE;
}

/* What a person or a test said last counts: trials are in their order. */
static void mark_skipped(const struct br_session *s, uint8_t *is, char *const *candidate)
{
	for (size_t i = 0; candidate[i]; i++) {
		int64_t item = br_commits_find(s->domain, candidate[i]);

		if (item >= 0)
			is[item] = CANDIDATE;
	}
	for (size_t i = 0; s->skip && s->skip[i]; i++)
		mark(s, is, s->skip[i], true);
	for (size_t i = 0; i < s->ntrial; i++)
		mark(s, is, s->trial[i].item, s->trial[i].verdict.cls == BR_SKIP);
}

/* Items are numbered parents first, so a sweep up and one down reach everything. */
static void mark_between(const struct br_shape *sh, uint8_t *is)
{
	for (uint64_t i = 0; i < sh->n; i++)
		for (uint32_t e = sh->parent_at[i]; e < sh->parent_at[i + 1]; e++)
			if (is[sh->parent[e]] & (SKIPPED | AFTER))
				is[i] |= AFTER;
	for (uint64_t i = sh->n; i-- > 0;)
		for (uint32_t e = sh->parent_at[i]; e < sh->parent_at[i + 1]; e++)
			if (is[i] & (SKIPPED | BEFORE))
				is[sh->parent[e]] |= BEFORE;
}

/* Adds the skipped candidates with none beyond them. Returns how many there are. */
static size_t add_edges(struct br_session *s, struct br_buf *b, const uint8_t *is, char *const *candidate,
			uint8_t inner)
{
	size_t n = 0;

	for (size_t i = 0; candidate[i]; i++) {
		int64_t item = br_commits_find(s->domain, candidate[i]);
		br_auto_free char *id = NULL;

		if (item < 0 || !(is[item] & SKIPPED) || is[item] & inner)
			continue;
		if (n++ >= EDGES_NAMED)
			continue;
		id = br_session_short(s, candidate[i]);
		br_buf_fmt(b, "%s%s", n > 1 ? ", " : "", id);
	}
	if (n > EDGES_NAMED)
		br_buf_fmt(b, " and %zu more", n - EDGES_NAMED);
	return n;
}

void br_note_stretch(struct br_session *s, char *const *candidate, uint64_t assumed)
{
	br_auto_free uint8_t *is = br_calloc(s->domain->shape.n, 1);
	struct br_buf oldest = {0}, newest = {0};
	size_t n;

	mark_skipped(s, is, candidate);
	mark_between(&s->domain->shape, is);
	n = add_edges(s, &oldest, is, candidate, AFTER);
	(void)add_edges(s, &newest, is, candidate, BEFORE);
	if (n > 0 && assumed > 0)
		br_session_note(
			s,
			"%llu of them were never run, but assumed untestable: they lie in a stretch from %s "
			"(oldest edge) to %s (newest edge) of which all that was tried was skipped; "
			"--exhaust "
			"tries each",
			(unsigned long long)assumed, oldest.data, newest.data);
	else if (n > 0)
		br_session_note(s, "the untestable stretch goes from %s (oldest) to %s (newest)", oldest.data,
				newest.data);
	br_buf_done(&oldest);
	br_buf_done(&newest);
}
