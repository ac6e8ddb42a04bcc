/* jobs.h - how many tests run at once with `-j auto`: learnt from the ends. */
#ifndef BR_JOBS_H
#define BR_JOBS_H

#include "app/options.h"
#include "bisect_run/trial.h"

struct br_session;

enum { BR_JOBS_AUTO_MAX = 16 };

/* What one trial takes. */
struct br_load {
	double cores;	 /* CPU time over wall time; below 1 counts as 1 */
	uint64_t peak_b; /* memory; 0: unknown */
};

struct br_machine {
	uint32_t cores;	      /* that this process may use */
	uint64_t available_b; /* memory; 0: unknown */
};

/* The heaviest of the trials of the ends. Trials too short to tell have no say in the cores. */
struct br_load br_jobs_load(const struct br_trial *trial, size_t n);
/* Workers that keep the cores busy and leave a fifth of the free memory: 1..BR_JOBS_AUTO_MAX. */
uint32_t br_jobs_auto(const struct br_load *load, const struct br_machine *machine);

struct br_machine br_jobs_machine(void);
/* Most workers that the search may come to use, when trials run in such a box. */
uint32_t br_jobs_most(const struct br_options *o, const struct br_box *box);
/* After the ends were tested: sets s->jobs, unless the user chose it. */
void br_jobs_learn(struct br_session *s);

#endif
