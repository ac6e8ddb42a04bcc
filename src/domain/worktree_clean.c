/* worktree_clean.c - `git clean` of a private tree, with the ignore rules of the tree and of the user. */
#include "domain/worktree_private.h"

#include "bisect_run/err.h"
#include "base/mem.h"
#include "sys/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

enum { DEPTH_MAX = 128 }; /* each level keeps a descriptor open */

enum br_clean br_worktree_cleaning(const struct br_worktree *t)
{
	return t->clean_once ? BR_CLEAN_ALL : t->clean;
}

/* git neither sees pipes and sockets nor removes them: a server's old socket, or a pipe that whoever reads it waits for. Takes over fd. */
static void remove_special(int fd, int depth)
{
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir && fd >= 0)
		(void)close(fd);
	for (struct dirent *e; dir && (e = readdir(dir));) {
		if (e->d_type == DT_FIFO || e->d_type == DT_SOCK || e->d_type == DT_CHR)
			(void)unlinkat(dirfd(dir), e->d_name, 0);
		else if (e->d_type == DT_DIR && depth < DEPTH_MAX && !br_name_is_dot(e->d_name))
			remove_special(openat(dirfd(dir), e->d_name,
					      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
				       depth + 1);
	}
	if (dir)
		(void)closedir(dir);
}

int br_worktree_clean(struct br_update *u, struct br_err *err)
{
	struct br_worktree *t = u->t;
	struct br_workshop *w = &t->c.workshop;
	br_auto_free char *index = br_asprintf("%s/git/index", w->dir);
	br_auto_free char *tree = br_asprintf("--work-tree=%s", t->path), *said = NULL;
	const char *how = br_worktree_cleaning(t) == BR_CLEAN_ALL ? "-ffdxq" : "-ffdq";
	const char *const args[] = {"-C", t->path, tree, "clean", how, NULL};
	int rc;

	if (br_worktree_cleaning(t) == BR_CLEAN_TRACKED)
		return 1;
	remove_special(openat(t->c.place.root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), 0);
	rc = br_workshop_begin(w, err);
	if (rc >= 0)
		rc = br_file_copy(t->own_index, index,
				  err); /* what is tracked: the commit that was tested last */
	if (rc >= 0)
		rc = br_workshop_git(w, args, &said, err);
	br_workshop_drop(w);
	return rc;
}
