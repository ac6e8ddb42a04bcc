/* environment.h - the environment that trials get: the user's own, without what looks like a secret or a door to the session. */
#ifndef BR_ENVIRONMENT_H
#define BR_ENVIRONMENT_H

#include <stdbool.h>

struct br_environment_cfg {
	char *const *from; /* the user's, K=V, NULL-terminated */
	char *const *pass; /* names that are passed on whatever they look like */
	char *const *set;  /* K=V that win over all */
	bool trusted;	   /* from is what the user wrote down for the tests: secrets are passed on */
	bool clear;	   /* only the few that any program needs, and pass and set */
};

/* NULL-terminated vector of K=V for the caller (br_strv_free). Each name once. */
char **br_environment_make(const struct br_environment_cfg *cfg);
/* True when a variable of this name is held back. */
bool br_environment_is_secret(const char *name);
/* True when it is wrong in a tree that is not the user's: PWD, GIT_DIR, TMPDIR ... */
bool br_environment_is_misleading(const char *name);
/* True when its value says nothing about what a test does (PWD, terminal sizes, session ids): left out of keys. */
bool br_environment_is_volatile(const char *name);

#endif
