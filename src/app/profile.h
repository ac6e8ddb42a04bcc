/* profile.h - the profiler that --profile names: asked whether it works here, wrapped around a trial, its files collected. */
#ifndef BR_APP_PROFILE_H
#define BR_APP_PROFILE_H

#include "bisect_run/engine.h"
#include "bisect_run/profile.h"

struct br_err;
struct br_hooks;
struct br_question;
struct br_session;

/* Zero-initialised is none. */
struct br_profiling {
	char *name; /* of the hook; NULL: nothing is profiled */
	char *dir;  /* raw files of trial N lie in dir/N */
	char **prefix, **env;
	struct br_wrap wrap;
};

/* BR_EUSAGE: --profile names what is no hook. */
int br_profiling_check(const struct br_session *s, struct br_err *err);
/*
 * Chooses and asks the profiler of --profile, before the engine opens. One that cannot be had makes a note and leaves s->profiling empty:
 * the search goes on without.
 */
void br_profiling_open(struct br_session *s);
void br_profiling_done(struct br_profiling *p);

/*
 * Runs the candidate once more under the profiler (phase "profile") and reads what it wrote; exports lie beside the raw files. 1: *out is
 * set; 0: there is no profile, a note says why; BR_EINTR: a signal.
 */
int br_profile_trial(struct br_session *s, const struct br_question *q, struct br_profile *out,
		     struct br_err *err);

/* profile_pair.c */
/*
 * Runs culprit and parent under the profiler and sets s->profile_diff; without a profiler or a parent nothing is done. What goes wrong with it
 * is a note; an error is BR_EINTR alone.
 */
int br_profile_pair(struct br_session *s, const char *parent, const char *culprit, struct br_err *err);

/* profile_choose.c */
/* What suits the command best: a name of a hook, or NULL: a sampler, else a counter. cwd: where the command runs. */
const char *br_profiler_for(char *const *argv, const char *cwd);

#endif
