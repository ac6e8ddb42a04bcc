/* here.c - the directory itself as a domain of one item: nothing is made, nothing is changed. */
#include "base/mem.h"
#include "bisect_run/err.h"
#include "domain/commits.h"

#include <errno.h>
#include <sys/stat.h>

struct here {
	struct br_domain base;
	char *dir; /* absolute */
};

struct br_tree {
	char *dir;
};

static const char *label(const struct br_domain *d, uint64_t item)
{
	(void)item;
	return ((const struct here *)d)->dir;
}

static int tree_open(struct br_domain *d, const char *dir, struct br_tree **out, struct br_err *err)
{
	(void)dir; /* no private tree is needed */
	(void)err;
	*out = br_calloc(1, sizeof **out);
	(*out)->dir = br_strdup(((struct here *)d)->dir);
	return 0;
}

static int tree_update(struct br_tree *t, const char *name, bool fresh, struct br_err *err)
{
	(void)t;
	(void)name;
	(void)fresh;
	(void)err;
	return 0;
}

static const char *tree_path(const struct br_tree *t)
{
	return t->dir;
}

static void tree_close(struct br_tree *t)
{
	if (t)
		free(t->dir);
	free(t);
}

static void close_here(struct br_domain *d)
{
	if (d)
		free(((struct here *)d)->dir);
	free(d);
}

static const struct br_domain_ops here_ops = {
	.name = "here",
	.label = label,
	.tree_open = tree_open,
	.tree_update = tree_update,
	.tree_path = tree_path,
	.tree_close = tree_close,
	.close = close_here,
};

int br_here_open(struct br_domain **out, const char *dir, struct br_err *err)
{
	br_auto_free char *real = realpath(dir, NULL);
	struct here *here;
	struct stat st;

	if (!real || stat(real, &st) < 0)
		return br_fail_errno(err, "cannot use the directory %s", dir);
	if (!S_ISDIR(st.st_mode))
		return br_fail(err, BR_ESTATE, "%s is no directory", dir);
	here = br_calloc(1, sizeof *here);
	here->base = (struct br_domain){.ops = &here_ops, .shape = {.order = BR_CHAIN, .n = 1}};
	here->dir = br_steal(&real);
	*out = &here->base;
	return 0;
}
