/* telling.c - cuts output into lines as it comes. */
#include "exec/telling.h"

#include "base/mem.h"

#include <string.h>

enum { TEXT_B = 1 << 18 }; /* a line that is longer is looked at in parts */

static void look(struct br_telling *t, size_t n)
{
	char kept[BR_STOP_ON_AHEAD_B];

	/* what is behind the lines may begin the next one, and is not to be read */
	memcpy(kept, t->text + n, sizeof kept);
	memset(t->text + n, 0, sizeof kept);
	t->seen = t->on->tells(t->on->arg, t->text, n);
	memcpy(t->text + n, kept, sizeof kept);
	t->n -= n;
	memmove(t->text, t->text + n, t->n);
}

void br_telling_add(struct br_telling *t, const char *data, size_t n)
{
	if (!t->on)
		return;
	if (!t->text)
		t->text = br_calloc(TEXT_B + BR_STOP_ON_AHEAD_B, 1);
	while (n && !t->seen) {
		size_t some = n < TEXT_B - t->n ? n : TEXT_B - t->n;
		const char *end = memrchr(data, '\n', some);

		memcpy(t->text + t->n, data, some);
		t->n += some;
		if (end)
			look(t, t->n - (size_t)(data + some - end) + 1);
		else if (t->n == TEXT_B)
			look(t, t->n);
		data += some;
		n -= some;
	}
}

void br_telling_done(struct br_telling *t)
{
	free(t->text);
	*t = (struct br_telling){0};
}
