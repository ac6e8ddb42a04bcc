/* remaining.c - what may still be the culprit when no strategy has said it. */
#include "app/remaining.h"

#include "base/mem.h"

static void mark_ancestors(const struct br_shape *shape, uint64_t from, uint8_t *mark)
{
	mark[from] = 1;
	for (uint64_t i = from + 1; i-- > 0;) {
		if (!mark[i])
			continue;
		for (uint32_t k = shape->parent_at[i]; k < shape->parent_at[i + 1]; k++)
			mark[shape->parent[k]] = 1;
	}
}

/* Narrows left (1: may be the culprit) by one verdict. */
static void narrow(const struct br_shape *shape, uint8_t *left, uint64_t point, bool bad)
{
	br_auto_free uint8_t *mark = br_calloc(shape->n, 1);

	mark_ancestors(shape, point, mark);
	for (uint64_t i = 0; i < shape->n; i++)
		left[i] = left[i] && mark[i] == (bad ? 1 : 0);
}

char **br_remaining(struct br_session *s, enum br_remaining how)
{
	const struct br_shape *shape = &s->domain->shape;
	br_auto_free uint8_t *left = br_calloc(shape->n, 1);
	char **out = br_calloc(shape->n + 1, sizeof *out);
	size_t n = 0;

	for (uint64_t i = 0; i < shape->n; i++)
		left[i] = how == BR_REMAINING_ANY_PATH || !shape->weight || shape->weight[i] > 0;
	for (size_t i = 0; i < s->ntrial; i++) {
		const struct br_trial *t = &s->trial[i];
		int64_t point = br_commits_find(s->domain, t->item);
		enum br_class cls = br_session_class(s, t);

		/* What a person said of a commit counts alone. */
		if (!t->amended && br_session_amended(s, t->item))
			continue;
		if (point >= 0 && cls != BR_SKIP && (cls == BR_BAD || how != BR_REMAINING_BY_BAD))
			narrow(shape, left, (uint64_t)point, cls == BR_BAD);
	}
	for (uint64_t i = 0; i < shape->n; i++)
		if (left[i])
			out[n++] = br_strdup(s->domain->ops->label(s->domain, i));
	return out;
}
