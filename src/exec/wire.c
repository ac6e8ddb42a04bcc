/* wire.c - the texts of an order in one packet. */
#include "exec/wire.h"

#include <string.h>

bool br_wire_put(struct br_wire_order *o, const struct br_wire_texts *texts)
{
	const char *const all[] = {texts->label, texts->value, texts->input};

	o->ntext = 0;
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		const char *text = all[i] ? all[i] : "";
		size_t n = strlen(text) + 1;

		if (n > sizeof o->text - o->ntext)
			return false;
		memcpy(o->text + o->ntext, text, n);
		o->ntext += n;
	}
	return true;
}

struct br_wire_texts br_wire_get(const struct br_wire_order *o)
{
	const char *value = o->text + strlen(o->text) + 1;
	const char *input = value + strlen(value) + 1;

	return (struct br_wire_texts){o->text, *value ? value : NULL, *input ? input : NULL};
}
