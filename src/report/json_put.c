/* json_put.c - values as jansson takes them. */
#include "report/json_put.h"

#include "base/mem.h"
#include "base/text.h"

#include <math.h>
#include <string.h>

/* jansson takes valid UTF-8 alone, and what comes from commits and logs is whatever somebody wrote. */
json_t *br_json_text(const char *s)
{
	br_auto_free char *valid = NULL;

	if (!s)
		return json_null();
	valid = br_text_utf8(s, strlen(s));
	return json_string(valid);
}

json_t *br_json_texts(char *const *v)
{
	json_t *out = json_array();

	for (size_t i = 0; v && v[i]; i++)
		(void)json_array_append_new(out, br_json_text(v[i]));
	return out;
}

json_t *br_json_count(uint64_t n)
{
	return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n);
}

/* JSON has neither NaN nor infinity. */
json_t *br_json_real(double x)
{
	return isfinite(x) ? json_real(x) : json_null();
}

json_t *br_json_seconds(uint64_t ns)
{
	return json_real((double)ns / 1e9);
}

void br_json_set(json_t *object, const char *key, json_t *value)
{
	(void)json_object_set_new(object, key, value);
}

void br_json_set_if(json_t *object, bool given, const char *key, json_t *value)
{
	if (given)
		br_json_set(object, key, value);
	else
		json_decref(value);
}
