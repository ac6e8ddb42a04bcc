/* json_take.c - members of a JSON object, checked: the first wrong one is remembered, reading goes on harmlessly. */
#include "report/json_take.h"

#include "base/mem.h"

#include <string.h>

json_t *br_take_member(struct br_reader *rd, json_t *object, const char *key, bool right)
{
	json_t *v = json_object_get(object, key);

	if (!v || json_is_null(v))
		return NULL;
	if (!right && !rd->wrong)
		rd->wrong = key;
	return right ? v : NULL;
}

char *br_take_text(struct br_reader *rd, json_t *object, const char *key)
{
	json_t *v = BR_MEMBER(rd, object, key, json_is_string);

	return v ? br_strdup(json_string_value(v)) : NULL;
}

void br_take_copy(const json_t *string, char *out, size_t size)
{
	const char *s = string ? json_string_value(string) : "";
	size_t n = strlen(s);

	if (n >= size)
		for (n = size - 1; n > 0 && ((unsigned char)s[n] & 0xC0) == 0x80;)
			n--;
	memcpy(out, s, n);
	out[n] = '\0';
}

void br_take_field(struct br_reader *rd, json_t *object, const char *key, char *out, size_t size)
{
	br_take_copy(BR_MEMBER(rd, object, key, json_is_string), out, size);
}

bool br_take_bool(struct br_reader *rd, json_t *object, const char *key)
{
	return json_is_true(BR_MEMBER(rd, object, key, json_is_boolean));
}

int64_t br_take_integer(struct br_reader *rd, json_t *object, const char *key, int64_t otherwise)
{
	json_t *v = BR_MEMBER(rd, object, key, json_is_integer);

	return v ? json_integer_value(v) : otherwise;
}

int br_take_int(struct br_reader *rd, json_t *object, const char *key, int otherwise)
{
	int64_t n = br_take_integer(rd, object, key, otherwise);

	if ((n < INT32_MIN || n > INT32_MAX) && !rd->wrong)
		rd->wrong = key;
	return n < INT32_MIN || n > INT32_MAX ? otherwise : (int)n;
}

uint64_t br_take_count(struct br_reader *rd, json_t *object, const char *key, uint64_t max)
{
	int64_t n = br_take_integer(rd, object, key, 0);

	if ((n < 0 || (uint64_t)n > max) && !rd->wrong)
		rd->wrong = key;
	return n < 0 || (uint64_t)n > max ? 0 : (uint64_t)n;
}

double br_take_real(struct br_reader *rd, json_t *object, const char *key, double otherwise)
{
	json_t *v = BR_MEMBER(rd, object, key, json_is_number);

	return v ? json_number_value(v) : otherwise;
}

uint64_t br_take_seconds(struct br_reader *rd, json_t *object, const char *key)
{
	double s = br_take_real(rd, object, key, 0);

	if (!(s >= 0 && s <= 1.8e10)) { /* 1.8e19 ns still fits */
		rd->wrong = rd->wrong ? rd->wrong : key;
		return 0;
	}
	return (uint64_t)(s * 1e9 + 0.5);
}

char **br_take_texts(struct br_reader *rd, json_t *object, const char *key, size_t *n)
{
	json_t *v = BR_MEMBER(rd, object, key, json_is_array);
	size_t total = json_array_size(v);
	char **out;

	*n = 0;
	if (!v || total > BR_TAKE_LIST_MAX)
		return NULL;
	out = br_calloc(total + 1, sizeof *out);
	for (size_t i = 0; i < total; i++) {
		json_t *s = json_array_get(v, i);

		if (!json_is_string(s)) {
			rd->wrong = rd->wrong ? rd->wrong : key;
			break;
		}
		out[(*n)++] = br_strdup(json_string_value(s));
	}
	return out;
}

int br_take_word(struct br_reader *rd, json_t *o, const char *key, int (*from)(const char *))
{
	json_t *v = BR_MEMBER(rd, o, key, json_is_string);
	int word = v ? from(json_string_value(v)) : 0;

	if (word < 0 && !rd->wrong)
		rd->wrong = key;
	return word < 0 ? 0 : word;
}
