/*
 * worktree_watch.c - which files a test changed, without looking at all of them. To look at 60,000 files is more than half of what a step
 * of 20 costs.
 *
 * A file of the commit with a second name is never left to the watch: who holds the other name could write without a report.
 */
#include "domain/worktree_private.h"

#include "base/mem.h"
#include "sys/file.h"
#include "sys/watch.h"

#include <inttypes.h>
#include <stdio.h>

enum {
	/* Tests that make and remove folders each time: then to watch anew costs more than it saves. */
	LOST_MAX = 3,
	/* Of the watches that one user may have: his editor needs some too. */
	SHARE = 8,
};

static uint32_t most_watches(void)
{
	br_auto_free char *text = NULL;
	uint32_t most = 0;
	size_t n;

	if (br_file_read("/proc/sys/fs/inotify/max_user_watches", 64, &text, &n, NULL) < 0 ||
	    sscanf(text, "%" SCNu32, &most) != 1)
		return 0;
	return most / SHARE;
}

static void drop(struct br_worktree *t)
{
	br_watch_close(br_steal(&t->watch));
}

void br_worktree_set_watched(struct br_worktree *t, size_t least_files)
{
	t->watch_least = least_files;
	if (least_files)
		return;
	drop(t);
	t->watch_lost = 0;
}

void br_worktree_look(struct br_worktree *t, bool ours)
{
	if (t->watch)
		br_watch_read(t->watch, ours);
}

bool br_worktree_was_watched(const struct br_worktree *t)
{
	return t->was_watched;
}

void br_worktree_watch_begin(struct br_update *u)
{
	struct br_worktree *t = u->t;

	t->was_watched = false;
	if (t->watch) {
		br_watch_read(t->watch, false);
		u->sure = br_watch_changed(t->watch, &u->changed);
		if (br_watch_is_lost(t->watch)) {
			drop(t);
			t->watch_lost++;
		} else {
			t->watch_lost = 0;
		}
	}
	t->linked = false;
}

void br_worktree_watch_on(struct br_update *u)
{
	br_worktree_look(u->t, true);
}

void br_worktree_watch_end(struct br_update *u, bool done)
{
	struct br_worktree *t = u->t;

	if (t->watch)
		br_watch_read(t->watch, true);
	if (t->watch && (!done || t->linked || br_watch_is_lost(t->watch)))
		drop(t);
	t->was_watched = done && u->sure && !u->full;
	if (t->watch || !done || t->linked || !t->watch_least || t->watch_lost >= LOST_MAX ||
	    git_index_entrycount(t->c.index) < t->watch_least)
		return;
	if (br_watch_open(&t->watch, t->c.place.root, most_watches(), NULL) < 0)
		t->watch_lost = LOST_MAX; /* it would fail again */
}
