/*
 * session.h - one search from its options to its record: what is opened, what is known, what has been tried.
 * Every part is owned by the session and closed by br_session_close.
 */
#ifndef BR_SESSION_H
#define BR_SESSION_H

#include "app/isolation.h"
#include "app/match.h"
#include "app/named.h"
#include "app/options.h"
#include "app/pool.h"
#include "app/profile.h"
#include "app/progress.h"
#include "bisect_run/domain.h"
#include "bisect_run/engine.h"
#include "bisect_run/hook.h"
#include "bisect_run/judge.h"
#include "bisect_run/record.h"
#include "bisect_run/result.h"
#include "bisect_run/strategy.h"
#include "domain/commits.h"

struct br_patch;
struct br_repo;
struct br_flight;

struct br_session {
	const struct br_options *opt; /* borrowed */
	struct br_repo *repo;	      /* NULL: outside of one (try) */
	char *cwd, *state_dir, *log_dir;
	struct br_pool pool;
	int signal_fd;
	int signal; /* that stopped us; 0: none */
	struct br_progress *progress;
	struct br_record *record;
	struct br_search row;
	struct br_hooks *hooks;

	/* Revisions, as full ids. In fixed mode good is the broken (old) state and bad the fixed (new) one. */
	char *bad, **good, **skip;
	char *bad_name, *good_name; /* as the user wrote them */
	char **base;		    /* merge bases with goods that are no ancestors of bad */
	char **path; /* pathspecs seen from the top folder: of --path or of a git bisect; NULL: all */
	bool first_parent;
	bool fixed_mode;
	bool key_by_commit; /* a tree does not tell: the ends share one, or the command reads the history */

	struct br_named named;
	struct br_with *with;
	size_t nwith;
	struct br_patch *patch;
	size_t npatch;
	char **env;
	char **input_file;		  /* NULL-terminated: names of a candidate's files */
	char **input_name;		  /* the same as `@@` means them: a folder is one */
	const struct br_file_data *input; /* for questions without files of their own; NULL: none. Borrowed */
	struct br_isolation isolation;
	struct br_run_spec spec;
	struct br_profiling profiling;
	struct br_domain *trees;  /* makes the work trees */
	struct br_domain *domain; /* has the shape; usually the same one */
	struct br_judge *judge;
	struct br_stop_on stop_on; /* by the judge */
	struct br_hunted hunted;
	bool noisy;	     /* verdicts are wrong by chance: noisy.h */
	uint64_t noisy_from; /* trials up to this number were made before it was one */
	double confidence;   /* of the answer; NAN: nothing noisy was seen */
	bool only_hunted;    /* --match any would have named a commit that fails in another way */
	struct br_engine *engine;
	uint32_t jobs;		  /* tests at once now, at most spec.jobs */
	struct br_flight *flight; /* spec.jobs places */
	size_t nflight;
	uint64_t last_job;

	/* All trials of this search by n; the first nstored were there before this process. */
	struct br_trial *trial;
	size_t ntrial, trial_cap, nstored;
	size_t announced;  /* trials that were shown */
	bool *taken;	   /* nstored: a replayed answer that has been used */
	uint64_t limit_ns; /* wall limit of COMMAND; 0: none */
	bool limit_learnt;
	uint64_t run_here;				/* trials really run by this process */
	uint64_t started_ns, paused_ns, busy_before_ns; /* monotonic */
	uint64_t live_ns;				/* when the row's live line was last written */
	bool deadline_over;

	struct br_standing standing;
	uint64_t candidates_at_start;
	double tests_expected; /* when the search began; 0: it did not */
	/* What was found besides a commit; the result takes it over. */
	struct br_profile *profile;	      /* of the trial; NULL: none */
	struct br_profile_diff *profile_diff; /* culprit against parent; NULL: none */
	struct br_line_found line;
	struct br_reduced reduced;
	struct br_subset_found subset;
	struct br_hunks_found hunks;
	struct br_metric_found measured;
	char **note;
	char *how_sure;
	size_t telling; /* 1 + index of the trial whose log tells most; 0: none */
};

/* The contents of a file. */
struct br_file_data {
	const void *data;
	size_t n;
	bool gone; /* it is not there */
};

/* A question to ask: run this candidate, in this phase, judged in this role. */
struct br_question {
	const char *label;		 /* names the tree: a commit's id, a folder */
	const char *item;		 /* what the trial is recorded under; NULL: the label */
	const char *value;		 /* stands for `@@`; NULL: nothing does, or files */
	const struct br_file_data *file; /* the candidate's, in the order of s->input_file; NULL: none */
	enum br_phase phase;
	enum br_role role;
	bool fresh; /* in an empty tree, whatever the others are */
};

/*
 * Opens repository, state directory, record, judge and signals for the options. When resume is not NULL the
 * search of that row goes on (the row is taken over), else a new one is stored. BR_EUSAGE, BR_ESTATE...
 */
int br_session_open(struct br_session *s, const struct br_options *opt, struct br_search *resume,
		    struct br_err *err);
/* Sets *out (freed before) to the full id of the revision. */
int br_session_resolve(struct br_session *s, const char *rev, char **out, struct br_err *err);
/* Opens s->trees for the one revision s->bad, or without any for the folder where the user stands. */
int br_session_trees(struct br_session *s, struct br_err *err);
/* The folder of objects that are made for trials (--hunks); the caller frees the path. */
char *br_session_objects(const struct br_session *s);
/* The label of that one tree. Borrowed. */
const char *br_session_place(const struct br_session *s);
/* Opens the engine over the domain s->trees; called once, before the first question. */
int br_session_start(struct br_session *s, struct br_err *err);
/* Trials see a work tree as a mount of its own, and by no other path that they can write to. */
bool br_session_is_sealed(const struct br_session *s);
/* Ends all processes; keep_trees: the work trees stay for `resume` whatever they take. Zero-initialised is fine. */
void br_session_close(struct br_session *s, bool keep_trees);

/* The repository's and the user's configuration put under the command line. Used by every command. */
int br_load_options(struct br_options *out, int argc, char *const *argv, struct br_err *err);
/* Where the state lives: --state, else the repository's, else .bisect-run of cwd. The caller frees. */
char *br_state_dir(const struct br_options *opt, struct br_repo *repo, const char *cwd);
/* Absolute path of the current directory; the caller frees. */
char *br_current_dir(struct br_err *err);

/* A note for the report and, at once, a line on stderr. */
void br_session_note(struct br_session *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* What the result says in one line; takes over the text. */
void br_session_message(struct br_session *s, char *message);
/* Wall time spent on this search so far, over all processes of it, stops left out. */
uint64_t br_session_busy_ns(const struct br_session *s);
/* "3f2a1bc subject" of a candidate; the caller frees. */
char *br_session_title(struct br_session *s, const char *oid);
/* Abbreviated id; the caller frees. */
char *br_session_short(struct br_session *s, const char *oid);

/* driver.c */
/*
 * Asks all n questions (some at once) and sets answer[i] to the index of the trial in s->trial. Stored answers of an
 * interrupted run are used first. BR_EINTR: a signal; BR_EBUDGET: --max-trials or --max-time is used up.
 */
int br_session_ask(struct br_session *s, const struct br_question *q, size_t n, size_t *answer,
		   struct br_err *err);
/* Takes the signals that came: SIGTSTP stops trials, clocks and ourselves until SIGCONT. BR_EINTR: one that ends the search. */
int br_session_check_signals(struct br_session *s, struct br_err *err);
/* What a person said of this commit by `amend`: it needs no run, and no run may gainsay it. NULL: nothing. */
const struct br_trial *br_session_amended(const struct br_session *s, const char *oid);
/* Marks the rest of what is running as cancelled and waits until it is gone. */
void br_session_drain(struct br_session *s);
/* The class as the search sees it: in fixed mode good and bad change places. */
enum br_class br_session_class(const struct br_session *s, const struct br_trial *t);

/* ends.c */
enum br_ends_state {
	BR_ENDS_AS_SAID,	/* go on */
	BR_ENDS_NOT_REPRODUCED, /* s->row.message says why */
	BR_ENDS_FLAKY,
};
/* Refuses what cannot be searched: equal, swapped, unrelated ends. BR_ENDS_*, or an error. */
int br_ends_check(struct br_session *s, struct br_err *err);
/* An end as it is tested. */
struct br_bound {
	struct br_question q; /* label, item, value and input are the caller's to set */
	const char *name;     /* as the user wrote it; NULL: the item, or the short id */
	bool is_new;	      /* set by br_ends_ask: where the failure (fixed mode: the fix) is expected */
};
/*
 * Tests them, more than once when they are not as expected, and learns the time limit. bound[0] is the new end, the others are
 * old ones. BR_ENDS_*, or an error.
 */
int br_ends_ask(struct br_session *s, struct br_bound *bound, size_t n, struct br_err *err);
/* "99.2 % sure"; never all of it. The caller frees. */
char *br_sure_text(double confidence);
/* Sets the wall limit of COMMAND from the trials of the ends, unless --timeout says it. */
void br_ends_learn_limit(struct br_session *s);
/* Tests both ends and the merge bases. BR_ENDS_*, or an error. */
int br_ends_test(struct br_session *s, struct br_err *err);
/* No good revision is known: finds one by growing steps back. BR_ENDS_*, or an error. */
int br_ends_gallop(struct br_session *s, struct br_err *err);

/* confirm.c */
/* The culprit first, then those that come right before it. */
struct br_suspects {
	const struct br_question *q; /* label, item, value and file of each */
	char *const *name;	     /* for people; the first is what is probably the culprit */
	size_t n;
	const char *alone; /* said when nothing comes before it; NULL: nothing */
	bool may_be_fresh; /* the first runs in empty trees, to rule out what earlier candidates left */
};
/* Runs them again as --confirm wants it. 1: they agree; 0: they contradict; or an error. */
int br_confirm_suspects(struct br_session *s, const struct br_suspects *sus, struct br_err *err);
/* Runs the culprit and its parents again. 1: they agree; 0: they contradict; or an error. */
int br_confirm(struct br_session *s, const char *culprit, struct br_err *err);

/* stretch.c */
/*
 * Says between which commits the untestable stretch of a narrowed search lies, and how many of its candidates (NULL-
 * terminated ids, oldest first) were taken for untestable without a run.
 */
void br_note_stretch(struct br_session *s, char *const *candidate, uint64_t assumed);

/* patches.c */
/* Reads what --patch names into s->patch. */
int br_session_patches(struct br_session *s, struct br_err *err);

/* watch.c */
/* Runs the hooks of this kind with the trial (or the result; NULL: the search as it begins) as JSON. Returns the highest
 * exit status, or a negative code of which a note was made. */
int br_watch_trial(struct br_session *s, const char *kind, const struct br_trial *t);
int br_watch_search(struct br_session *s, const char *kind, const struct br_result *result);
/* A note for each hook that is there but must not be run. */
void br_watch_refused(struct br_session *s);

/* crash.c */
/*
 * Puts into the result where its failure crashed or hung. Of a crash that left no stack COMMAND is run once more, under
 * ptrace; that is no trial. Nothing is added where it cannot be had.
 */
void br_crash_explain(struct br_session *s, struct br_result *r);

/* result.c, ask.c */
/* Fills what the report needs from the session. candidates: NULL-terminated ids or NULL. */
int br_session_result(struct br_session *s, enum br_status status, char *const *candidate,
		      struct br_result *out, struct br_err *err);
/* The trial whose log says most: the one that the ends named, else a bad run of the culprit (NULL: none known), else any bad one. NULL: none. */
const struct br_trial *br_session_telling(const struct br_session *s, const char *culprit);
/* A person says what this trial was. Changes the verdict. BR_EINTR on end of input or a signal. */
int br_ask_person(struct br_session *s, struct br_trial *t, uint32_t worker, struct br_err *err);
/* The last lines of a trial's log, cleaned for terminals; the caller frees; NULL: there are none. */
char *br_log_tail(const struct br_trial *t, size_t lines);

#endif
