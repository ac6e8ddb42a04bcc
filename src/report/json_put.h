/* json_put.h - values as jansson takes them: valid UTF-8, finite numbers. */
#ifndef BR_JSON_PUT_H
#define BR_JSON_PUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* NULL becomes null; bytes that are no UTF-8 are replaced. */
json_t *br_json_text(const char *s);
/* A NULL-terminated list; NULL is empty. */
json_t *br_json_texts(char *const *v);
json_t *br_json_count(uint64_t n);
json_t *br_json_real(double x);
json_t *br_json_seconds(uint64_t ns);
/* Both take the value over. */
void br_json_set(json_t *object, const char *key, json_t *value);
void br_json_set_if(json_t *object, bool given, const char *key, json_t *value);

#endif
