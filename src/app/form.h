/*
 * form.h - what stands between a strategy's probes and the tests that answer them: commits, numbers, lists, subsets,
 * files. A search is a strategy that decides and a form that asks.
 */
#ifndef BR_FORM_H
#define BR_FORM_H

#include "app/session.h"
#include "bisect_run/probe.h"

struct br_form;

struct br_form_ops {
	/* Fills the question that answers the probe; its texts live until the next call. Its phase and role are set already. */
	int (*question)(struct br_form *f, const struct br_probe *probe, struct br_question *out,
			struct br_err *err);
	/* The probe that this trial answers; out->keep is the caller's. False: none of this search's. */
	bool (*probe_of)(struct br_form *f, const struct br_trial *t, struct br_probe *out);
	/* What the trial means to this search; NULL: br_session_class. */
	enum br_class (*class_of)(const struct br_form *f, const struct br_trial *t);
	/* Whether the trial settles its question; false: it is asked again. NULL: each one does. */
	bool (*is_sure)(const struct br_form *f, const struct br_trial *t);
	/* Whether something is to be asked that the strategy does not ask; then check is called once nothing is in flight. NULL: never. */
	bool (*is_due)(const struct br_form *f);
	/* Asks it. 1: this search makes no sense any more; 0: it goes on; or an error. */
	int (*check)(struct br_form *f, struct br_err *err);
	/* Something was learnt: the best so far may be put on disk. NULL: there is nothing to do. */
	int (*learnt)(struct br_form *f, struct br_strategy *strategy, struct br_err *err);
};

struct br_form {
	const struct br_form_ops *ops; /* first member of every form */
	struct br_session *session;
	const char *doing;   /* "searching", ... */
	const char *unit;    /* of what is left, for people; NULL: "candidate" */
	enum br_phase phase; /* of its trials */
	/* The strategy's points are items of the session's history: of equally good ones the nearest tree's is wanted. */
	bool has_places;
	bool asks_again; /* one probe may be asked many times: no answer is remembered */
};

/* Says how many candidates and tests lie ahead, and keeps the figures for the progress line. */
void br_say_cost(const struct br_form *form, struct br_strategy *strategy);
/* Pieces of forms that search commits: the question at a point (BR_POINT_OUTSIDE: the first good end) ... */
int br_form_commit(struct br_form *f, const struct br_probe *probe, struct br_question *out,
		   struct br_err *err);
/* ... and for those that observed what is recorded before the search began. */
bool br_form_no_probe(struct br_form *f, const struct br_trial *t, struct br_probe *out);
/* Ids of the answer's items, NULL-terminated; the caller frees. */
char **br_answer_labels(struct br_session *s, const struct br_answer *a);
/* The commits of s->domain. */
struct br_form br_form_commits(struct br_session *s);
/* Runs the strategy to its end, with all that is stored observed first. */
int br_session_search(struct br_form *form, struct br_strategy *strategy, struct br_err *err);

#endif
