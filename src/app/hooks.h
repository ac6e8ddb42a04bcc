/* hooks.h - the hooks of the program and of the user. */
#ifndef BR_APP_HOOKS_H
#define BR_APP_HOOKS_H

struct br_err;
struct br_hooks;

/* As br_hooks_open, with the program's own folder and that of the user's configuration. */
int br_hooks_here(struct br_hooks **out, struct br_err *err);

#endif
