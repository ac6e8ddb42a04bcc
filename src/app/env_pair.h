/*
 * env_pair.h - --subset env:GOOD,BAD: the differences between two environments as items. Each is a word for env(1): K=V, or --unset=K
 * for what only the good one has; those come first, as env wants it.
 */
#ifndef BR_ENV_PAIR_H
#define BR_ENV_PAIR_H

#include <stdbool.h>
#include <stddef.h>

struct br_err;
struct br_items;
struct br_session;

/* What the FILE of --subset begins with when it is a pair of environments. */
#define BR_ENV_PAIR "env:"

bool br_env_pair_is(const char *subset); /* NULL: no */
/* The good environment, K=V, NULL-terminated, the caller's; *out stays NULL in other searches. As this search first saw it. */
int br_env_pair_base(char ***out, const struct br_session *s, struct br_err *err);
/* Reads both, or the copies that this search made of them. BR_ESTATE: they do not differ. */
int br_env_pair_items(struct br_items *out, struct br_session *s, struct br_err *err);
/*
 * The variables of what `env` or `env -0` printed: n bytes of text. Those of several lines cannot be passed on as a line and are left out; *left counts them.
 */
char **br_env_pair_read(const char *text, size_t n, size_t *left);

#endif
