/* tree_marker.h - what is known of the state of a private work tree, on disk so that a killed update is noticed. */
#ifndef BR_TREE_MARKER_H
#define BR_TREE_MARKER_H

#include <git2.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct br_err;

enum br_marker_state {
	BR_MARKER_NONE,	 /* nothing is known: what lies there cannot be told apart from files of a commit */
	BR_MARKER_BUSY,	 /* an update did not come to its end; files of all these commits may be there */
	BR_MARKER_CLEAN, /* the tree was that of the one commit when the update ended */
};

/* Enough to see that the index is the very file that was written last. */
struct br_file_id {
	uint64_t ino, size;
	int64_t sec;
	long nsec;
};

/* Zero-initialised is BR_MARKER_NONE. */
struct br_marker {
	enum br_marker_state state;
	char **commits; /* full ids */
	char **with;	/* paths that were put over the commit's */
	git_oid rules;	/* br_convert_rules at that time */
	struct br_file_id index;
};

struct br_file_id br_file_id_of(const struct stat *st);
bool br_file_id_equal(const struct br_file_id *a, const struct br_file_id *b);

/* A missing, strange or overfull marker is BR_MARKER_NONE. br_marker_done when finished. */
void br_marker_read(const char *path, struct br_marker *out);
/* By rename: a reader sees the old or the new one. */
int br_marker_write(const char *path, const struct br_marker *m, struct br_err *err);
void br_marker_done(struct br_marker *m);
/* Adds a string unless it is in the vector. */
void br_marker_add(char ***v, const char *s);

#endif
