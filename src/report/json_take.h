/* json_take.h - members of a JSON object of ours, whatever somebody wrote there. */
#ifndef BR_JSON_TAKE_H
#define BR_JSON_TAKE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Most elements taken of any list: far above what a search makes, far below what fills the memory. */
#define BR_TAKE_LIST_MAX 10000000u

/* The first thing that was wrong; reading goes on harmlessly after it and the caller looks once, at the end. */
struct br_reader {
	const char *wrong; /* key; NULL: all is well so far */
};

/* A member of the wanted type; NULL when it is missing or null, which every member may be. */
json_t *br_take_member(struct br_reader *rd, json_t *object, const char *key, bool right);
#define BR_MEMBER(rd, object, key, is) br_take_member(rd, object, key, is(json_object_get(object, key)))
char *br_take_text(struct br_reader *rd, json_t *object, const char *key);
/* Into a field of fixed size; what does not fit is cut between two characters. */
void br_take_copy(const json_t *string, char *out, size_t size);
void br_take_field(struct br_reader *rd, json_t *object, const char *key, char *out, size_t size);
bool br_take_bool(struct br_reader *rd, json_t *object, const char *key);
int64_t br_take_integer(struct br_reader *rd, json_t *object, const char *key, int64_t otherwise);
int br_take_int(struct br_reader *rd, json_t *object, const char *key, int otherwise);
uint64_t br_take_count(struct br_reader *rd, json_t *object, const char *key, uint64_t max);
double br_take_real(struct br_reader *rd, json_t *object, const char *key, double otherwise);
uint64_t br_take_seconds(struct br_reader *rd, json_t *object, const char *key);
/* An array of strings; *n elements and a NULL after them. NULL: none. */
char **br_take_texts(struct br_reader *rd, json_t *object, const char *key, size_t *n);
/* A word of a list of ours; a missing one is the first. */
int br_take_word(struct br_reader *rd, json_t *o, const char *key, int (*from)(const char *));

#endif
