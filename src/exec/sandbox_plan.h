/* sandbox_plan.h - the mounts of a box while they are being put together. */
#ifndef BR_SANDBOX_PLAN_H
#define BR_SANDBOX_PLAN_H

#include "exec/sandbox.h"
#include "sys/mounts.h"
#include "sys/ns.h"

#include <stdbool.h>

struct br_sandbox_plan {
	const struct br_sandbox_job *job;
	char *top; /* where the tree is seen inside */
	struct br_ns_mount *mount;
	size_t n, cap;
	char **text;	       /* owns what br_sandbox_keep was given */
	struct br_mount *host; /* the machine's */
	size_t nhost;
};

/* Valid until the next one is added. source and target must outlive the plan: see br_sandbox_keep. */
struct br_ns_mount *br_sandbox_add(struct br_sandbox_plan *p, enum br_ns_kind kind, const char *source,
				   const char *target);
/* Keeps a copy of a text for as long as the plan. */
const char *br_sandbox_keep(struct br_sandbox_plan *p, const char *text);
/* At its own place, read-only, where it would be hidden or could be written to. A missing one is fine. Copied. */
struct br_ns_mount *br_sandbox_add_read(struct br_sandbox_plan *p, const char *path);

bool br_path_is_below(const char *path, const char *top);
bool br_path_is_at_or_below(const char *path, const char *top);
/* Whether the path lies in a folder that is empty inside. */
bool br_sandbox_is_emptied(const char *path);
/* A folder in whose place no other may be put: programs need what is in it. */
bool br_sandbox_is_system(const char *path);
/* The value of a variable; NULL: it is not there. */
const char *br_env_value(char *const *env, const char *name);

/* sandbox_home.c: HOME as the user wants it, and what nobody but the user may see. */
void br_sandbox_add_home(struct br_sandbox_plan *p);
void br_sandbox_add_masks(struct br_sandbox_plan *p);
/* Other file systems below a folder of which a copy-on-write view is made: it would not show them. */
void br_sandbox_add_submounts(struct br_sandbox_plan *p, const char *top);

/* Names below a home that nobody but the user may see, and paths that root alone may read; NULL-terminated. */
const char *const *br_sandbox_secrets(void);
const char *const *br_sandbox_root_secrets(void);

/* sandbox_git.c: the real git directory, read-only. */
void br_sandbox_add_git(struct br_sandbox_plan *p);

#endif
