/* jobs.c - how many tests run at once: what the ends took against what the machine has. */
#include "app/jobs.h"

#include "app/metric.h"
#include "app/session.h"
#include "base/mem.h"
#include "sys/file.h"

#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

/* A shorter trial is mostly start-up: its CPU time over wall time says nothing. */
#define TELLING_NS (50 * 1000000ull)
/* Part of the free memory that trials may fill. */
static const double MEMORY_SHARE = 0.8;
/* Of a worker: a trial that takes 1.05 cores is one of a single core, measured badly. */
static const double SLACK = 0.25;

struct br_load br_jobs_load(const struct br_trial *trial, size_t n)
{
	struct br_load load = {.cores = 1};

	for (size_t i = 0; i < n; i++) {
		const struct br_outcome *o = &trial[i].outcome;
		double cores;

		if (trial[i].phase != BR_PHASE_ENDS || trial[i].cached)
			continue;
		if (o->peak_rss_b > load.peak_b)
			load.peak_b = o->peak_rss_b;
		if (o->wall_ns < TELLING_NS)
			continue;
		cores = (double)(o->user_ns + o->sys_ns) / (double)o->wall_ns;
		if (cores > load.cores)
			load.cores = cores;
	}
	return load;
}

uint32_t br_jobs_auto(const struct br_load *load, const struct br_machine *machine)
{
	double n = BR_JOBS_AUTO_MAX, by_cores, by_memory;

	by_cores = machine->cores / (load->cores > 1 ? load->cores : 1) + SLACK;
	if (by_cores < n)
		n = by_cores;
	if (load->peak_b > 0 && machine->available_b > 0) {
		by_memory = MEMORY_SHARE * (double)machine->available_b / (double)load->peak_b;
		if (by_memory < n)
			n = by_memory;
	}
	return n < 1 ? 1 : (uint32_t)n;
}

static uint32_t usable_cores(void)
{
	cpu_set_t set;
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	CPU_ZERO(&set);
	if (sched_getaffinity(0, sizeof set, &set) == 0)
		n = CPU_COUNT(&set);
	return n < 1 ? 1 : (uint32_t)n;
}

static uint64_t available_memory(void)
{
	br_auto_free char *text = NULL;
	const char *at;
	uint64_t kib = 0;
	size_t n;

	if (br_file_read("/proc/meminfo", 1u << 16, &text, &n, NULL) < 0)
		return 0;
	at = strstr(text, "MemAvailable:");
	if (!at || sscanf(at, "MemAvailable: %" SCNu64, &kib) != 1)
		return 0;
	return kib * 1024;
}

struct br_machine br_jobs_machine(void)
{
	return (struct br_machine){.cores = usable_cores(), .available_b = available_memory()};
}

/*
 * Without a network namespace and a /tmp of their own, trials that run at once meet at ports and temporary files, and a
 * good commit comes out bad. So auto means one there; -j N is the user's word that his tests do not mind.
 */
static bool trials_are_apart(const struct br_box *box)
{
	return box->level == BR_LEVEL_NAMESPACES && box->net != BR_NET_HOST;
}

uint32_t br_jobs_most(const struct br_options *o, const struct br_box *box)
{
	uint32_t cores;

	if (o->ask)
		return 1;
	if (o->jobs > 0)
		return o->jobs;
	if (br_metric_is_time(o))
		return 1;
	if (!trials_are_apart(box))
		return 1;
	cores = usable_cores();
	return cores < BR_JOBS_AUTO_MAX ? cores : BR_JOBS_AUTO_MAX;
}

void br_jobs_learn(struct br_session *s)
{
	struct br_machine machine = br_jobs_machine();
	struct br_load load = br_jobs_load(s->trial, s->ntrial);
	uint32_t n = br_jobs_auto(&load, &machine);

	if (s->opt->jobs > 0 || s->opt->ask)
		return;
	s->jobs = n < s->spec.jobs ? n : s->spec.jobs;
	s->standing.jobs = s->jobs;
	if (s->opt->verbose > 0 && n > s->jobs)
		br_progress_say(
			s->progress,
			"-j auto: %u tests could run at once, but without namespaces they would share "
			"ports and files in /tmp; -j %u runs them so",
			n, n);
}
