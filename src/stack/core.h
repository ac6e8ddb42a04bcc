/* core.h - the core file that the kernel may write when a process dies. */
#ifndef BR_STACK_CORE_H
#define BR_STACK_CORE_H

#include <stdint.h>
#include <sys/types.h>

/* Where a process stood before it died, and since when a file there may be its core. */
struct br_core_place {
	int dir;
	int64_t since_s;
};

#define BR_CORE_NOWHERE ((struct br_core_place){.dir = -1})

void br_core_place_open(struct br_core_place *p, pid_t pid);
void br_core_place_close(struct br_core_place *p);
/*
 * A core file that appeared there, open for reading (its path would be that of the sandbox). -1: none, also where
 * core_pattern (core(5)) is no plain name: a pipe or a folder of the machine's.
 */
int br_core_find(const struct br_core_place *p);

#endif
