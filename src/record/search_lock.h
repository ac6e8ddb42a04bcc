/* search_lock.h - who runs a search: a lock on dir/locks/ID that the kernel drops with its process. */
#ifndef BR_SEARCH_LOCK_H
#define BR_SEARCH_LOCK_H

#include <stdbool.h>
#include <stdint.h>

struct br_err;
struct br_record;

/* Takes the lock, until br_search_unlock. Taken already by r: fine. BR_ESTATE: another process has it. */
int br_search_lock(struct br_record *r, int64_t search, struct br_err *err);
/* Whether anybody, r included, has it now. */
bool br_search_locked(const struct br_record *r, int64_t search);
bool br_search_lock_is_mine(const struct br_record *r, int64_t search);
/* forget: the search is gone, remove the file too. */
void br_search_unlock(struct br_record *r, int64_t search, bool forget);
void br_search_unlock_all(struct br_record *r);

#endif
