/* tree_convert.h - whether git changes a blob on its way into a work tree, as .gitattributes and the configuration say. */
#ifndef BR_TREE_CONVERT_H
#define BR_TREE_CONVERT_H

#include <git2.h>
#include <stdbool.h>

struct br_err;

struct br_convert {
	git_repository *repo; /* attributes are looked up in its index */
	git_config *config;   /* all levels */
	git_config *user;     /* the user's and the system's alone: whose programs may run */
	bool may_add_cr;      /* the configuration asks for CRLF in text without a rule of its own */
};

/* Reads the configuration once. repo is borrowed. */
int br_convert_init(struct br_convert *c, git_repository *repo, struct br_err *err);
void br_convert_done(struct br_convert *c);

/*
 * 1: only git can tell the bytes of this file, 0: they are the blob's own. BR_EUNSUPPORTED: a filter program would have to run that only
 * the repository's configuration names.
 */
int br_convert_needs_git(const struct br_convert *c, const char *path, struct br_err *err);

/*
 * An id of all that shapes the files besides the commit: configuration, attribute files outside of the trees. Trees that were
 * made under another id cannot be trusted.
 */
int br_convert_rules(const struct br_convert *c, git_oid *out, struct br_err *err);

#endif
