/*
 * minimize.h - --reduce and --subset: the smallest input, the smallest set of items, that still fails in the same way. Both keep the best
 * so far on disk at every moment, in the log folder of the search.
 */
#ifndef BR_MINIMIZE_H
#define BR_MINIMIZE_H

#include "app/form.h"
#include "app/repeat.h"

struct br_minimize;

/* What --reduce and --subset have of their own. Questions' texts and files live until the next call of any of these. */
struct br_minimize_ops {
	void (*whole)(struct br_minimize *m, struct br_question *out);	 /* all that the user gave */
	void (*nothing)(struct br_minimize *m, struct br_question *out); /* none of it */
	void (*best)(struct br_minimize *m, struct br_question *out);	 /* the smallest seen to fail */
	int (*open)(struct br_minimize *m, struct br_strategy **out, struct br_err *err);
	/* Fills s->reduced or s->subset. */
	void (*found)(struct br_minimize *m, const struct br_answer *a);
	void (*close)(struct br_minimize *m);
};

struct br_minimize {
	struct br_form form; /* first member; its ops, doing, phase and session are set by who makes it */
	const struct br_minimize_ops *ops;
	const char *whole_name, *nothing_name, *best_name; /* for people */
	struct br_repeat repeat;
	uint64_t early; /* number of the trial that was judged before it was known what is hunted; 0: none */
	struct br_file_data *result; /* the best's files, once it is found; owned, the data too */
};

/*
 * Reads the user's files, or the copies that this search made of them when it began, and tells the session what `@@`
 * stands for. Called before the engine is started.
 */
int br_minimize_open(struct br_minimize **out, struct br_session *s, struct br_err *err);
/*
 * Tests what one expects (the whole fails, nothing does not), makes it smaller and runs the result again. From then on every
 * question of the session carries the result. BR_ENDS_AS_SAID: done; else s->row.message says why it cannot be; or an error.
 */
int br_minimize_run(struct br_minimize *m, struct br_err *err);
void br_minimize_close(struct br_minimize *m); /* NULL is fine */

/* subset.c, reduce.c: as br_minimize_open. */
int br_subset_open(struct br_minimize **out, struct br_session *s, struct br_err *err);
int br_reduce_open_files(struct br_minimize **out, struct br_session *s, struct br_err *err);

#endif
