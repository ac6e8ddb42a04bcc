/* limits.c - holds a trial to its memory, processes and disk. */
#include "exec/limits.h"

#include "base/mem.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/tree.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

enum {
	OWN_PIDS = 8192,     /* of a test that nobody limited: threads too */
	GROUP_STEP_MS = 200, /* with a control group only the disk is looked at */
	SAMPLE_STEP_MS = 20, /* without: how long a fork bomb has */
	SAMPLE_SHARE = 3,    /* at most a quarter of the time goes into looking */
	VMSTAT_MAX_B = 1 << 16,
};

/* The machine needs this much of its disk for itself, and its memory. */
static const uint64_t disk_reserve_b = 1ull << 30;
static const double own_memory_share = 0.9;

static uint64_t machine_memory(void)
{
	return (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
}

void br_limits_open(struct br_limits *l, const struct br_box *box, const struct br_cgroup_place *place,
		    uint32_t slot)
{
	*l = (struct br_limits){.slot = slot,
				.own_memory = !box->memory_b,
				.own_pids = !box->pids,
				.own_disk = !box->disk_b,
				.disk_b = box->disk_b,
				.scratch_b = box->disk_b ? box->disk_b : machine_memory() / 2,
				.step_ns = (uint64_t)SAMPLE_STEP_MS * BR_NS_PER_MS};
	l->most.memory_b =
		box->memory_b ? box->memory_b : (uint64_t)(own_memory_share * (double)machine_memory());
	l->most.pids = box->pids ? box->pids : OWN_PIDS;
	if (!place || !place->version || br_cgroup_enter(place, slot, &l->most, NULL) < 0)
		return;
	l->place = place;
	l->step_ns = (uint64_t)GROUP_STEP_MS * BR_NS_PER_MS;
}

void br_limits_close(struct br_limits *l)
{
	if (l->place)
		br_cgroup_remove(l->place, l->slot, true);
	l->place = NULL;
}

static uint64_t kills_by_host(void)
{
	br_auto_free char *text = NULL;
	size_t n;

	return br_file_read("/proc/vmstat", VMSTAT_MAX_B, &text, &n, NULL) < 0
		       ? 0
		       : br_cgroup_number(text, "oom_kill");
}

static uint64_t free_of(const char *folder)
{
	struct statvfs s;

	return statvfs(folder, &s) < 0 ? UINT64_MAX : (uint64_t)s.f_bavail * s.f_frsize;
}

void br_limits_begin(struct br_limits *l, const char *tree)
{
	l->tree = tree;
	l->free_b = free_of(tree);
	l->low_b = l->free_b > 2 * disk_reserve_b ? disk_reserve_b : l->free_b / 4;
	l->half_b = 0;
	l->host_kills = kills_by_host();
	if (l->place)
		br_cgroup_events(l->place, l->slot, &l->before);
	l->next_ns = br_now_ns() + l->step_ns;
}

int br_limits_wait_ms(const struct br_limits *l)
{
	uint64_t now = br_now_ns();

	return l->next_ns <= now ? 0 : (int)((l->next_ns - now + BR_NS_PER_MS - 1) / BR_NS_PER_MS);
}

/*
 * How much others write meanwhile is not known, and the size of a tree takes long to find out: it is measured when half of the limit is gone
 * from the disk and when all of it is, and the tree must have grown by half of it in between.
 */
static bool is_over_disk(struct br_limits *l, uint64_t free_b)
{
	uint64_t gone = free_b < l->free_b ? l->free_b - free_b : 0;

	if (!l->disk_b || gone < l->disk_b / 2)
		return false;
	if (!l->half_b) {
		l->half_b = br_dir_usage(l->tree) + 1;
		return false;
	}
	return gone >= l->disk_b && br_dir_usage(l->tree) >= l->half_b + l->disk_b / 2;
}

static enum br_hit look_at_disk(struct br_limits *l)
{
	uint64_t free_b = free_of(l->tree);

	if (is_over_disk(l, free_b))
		return BR_HIT_DISK;
	if (free_b >= l->low_b)
		return BR_HIT_NONE;
	l->own_disk = true; /* whoever it was: the machine's disk must not fill up under a trial */
	return BR_HIT_DISK;
}

static enum br_hit look_at_group(const struct br_limits *l)
{
	struct br_cgroup_events now;

	br_cgroup_events(l->place, l->slot, &now);
	if (now.oom_kills > l->before.oom_kills)
		return BR_HIT_MEMORY;
	return now.forks_refused > l->before.forks_refused ? BR_HIT_PIDS : BR_HIT_NONE;
}

static enum br_hit look_at_tree(const struct br_limits *l)
{
	struct br_tree_use use;

	br_tree_measure(&use);
	if (use.threads > l->most.pids)
		return BR_HIT_PIDS;
	return use.memory_b > l->most.memory_b ? BR_HIT_MEMORY : BR_HIT_NONE;
}

enum br_hit br_limits_look(struct br_limits *l)
{
	uint64_t start = br_now_ns(), took;
	enum br_hit hit;

	if (start < l->next_ns)
		return BR_HIT_NONE;
	hit = l->place ? look_at_group(l) : look_at_tree(l);
	if (!hit)
		hit = look_at_disk(l);
	took = br_now_ns() - start;
	l->next_ns = start + took + (l->step_ns > SAMPLE_SHARE * took ? l->step_ns : SAMPLE_SHARE * took);
	return hit;
}

enum br_hit br_limits_last_look(const struct br_limits *l)
{
	return l->place ? BR_HIT_NONE : look_at_tree(l);
}

static bool was_killed(int status)
{
	return (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) ||
	       (WIFEXITED(status) && WEXITSTATUS(status) == 128 + SIGKILL);
}

enum br_hit br_limits_after(const struct br_limits *l, int status)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ && l->disk_b)
		return BR_HIT_DISK;
	return l->place ? look_at_group(l) : BR_HIT_NONE;
}

bool br_limits_is_own(const struct br_limits *l, enum br_hit hit)
{
	switch (hit) {
	case BR_HIT_NONE:
		break;
	case BR_HIT_MEMORY:
		return l->own_memory;
	case BR_HIT_PIDS:
		return l->own_pids;
	case BR_HIT_DISK:
		return l->own_disk;
	}
	return false;
}

bool br_limits_host_is_short(const struct br_limits *l, int status, char *what)
{
	if (was_killed(status) && kills_by_host() > l->host_kills)
		(void)snprintf(what, 64, "the machine ran out of memory");
	else if (status && free_of(l->tree) == 0)
		(void)snprintf(what, 64, "the disk of the work trees is full");
	else
		return false;
	return true;
}
