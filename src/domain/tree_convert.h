/* tree_convert.h - what git does to a blob on its way into a work tree: line ends and $Id$, as .gitattributes say. */
#ifndef BR_TREE_CONVERT_H
#define BR_TREE_CONVERT_H

#include <git2.h>
#include <stdbool.h>
#include <stddef.h>

struct br_err;

struct br_convert {
	git_repository *repo; /* attributes are looked up in its index */
	git_config *config;
	enum { BR_AUTOCRLF_FALSE, BR_AUTOCRLF_TRUE, BR_AUTOCRLF_INPUT } autocrlf;
	bool eol_is_crlf; /* core.eol, for text without a rule of its own */
};

/* Reads the configuration once. repo is borrowed. */
int br_convert_init(struct br_convert *c, git_repository *repo, struct br_err *err);
void br_convert_done(struct br_convert *c);

/* A blob and the path where it goes. */
struct br_convert_blob {
	const char *path;
	const git_oid *id;
	const char *data;
	size_t n;
};

/*
 * The bytes that git would write: *out is the caller's, or NULL when they are the blob's own. BR_EUNSUPPORTED: a configured filter
 * program (Git LFS) or an encoding would have to be applied.
 */
int br_convert_apply(const struct br_convert *c, const struct br_convert_blob *blob, char **out, size_t *n,
		     struct br_err *err);

/*
 * An id of all that shapes the files besides the commit: configuration, attribute files outside of the trees. Trees that were
 * made under another id cannot be trusted.
 */
int br_convert_rules(const struct br_convert *c, git_oid *out, struct br_err *err);

#endif
