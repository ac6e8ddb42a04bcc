/*
 * watch.h - which files below a folder changed, as the kernel reports it (inotify). Never a guess: whatever the reports cannot
 * tell for sure is said to be in doubt, and then only looking at every file helps.
 */
#ifndef BR_WATCH_H
#define BR_WATCH_H

#include <stdbool.h>
#include <stdint.h>

struct br_err;
struct br_watch;

/*
 * Watches root (duplicated) and all folders below it, which nobody may change during the call. BR_EUNSUPPORTED: this file system's reports
 * are not known to be complete, there are more than max_dirs folders, one cannot be read, or the machine allows no more watches.
 */
int br_watch_open(struct br_watch **out, int root, uint32_t max_dirs, struct br_err *err);
/* Reads what was reported since the last call. ours: it was the caller's own doing, and is dropped; new folders are watched too. */
void br_watch_read(struct br_watch *w, bool ours);
/*
 * 1: *paths (NULL-terminated, sorted, the caller's; relative to root) are all files and links that others changed since the last call;
 * 0: in doubt. Sure only when nobody could give a file another name outside of root. Starts anew.
 */
int br_watch_changed(struct br_watch *w, char ***paths);
/* Something is not watched any more: of no use from now on. */
bool br_watch_is_lost(const struct br_watch *w);
void br_watch_close(struct br_watch *w);

#endif
