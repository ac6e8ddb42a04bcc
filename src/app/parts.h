/* parts.h - what a session is opened from: the user's defaults, revisions, the key of its verdicts, --with. */
#ifndef BR_PARTS_H
#define BR_PARTS_H

#include "app/session.h"

/* revisions.c */
/* Resolves what the options name into s->bad, s->good and s->skip. */
int br_revisions_resolve(struct br_session *s, struct br_err *err);
/* The one revision at which COMMAND is to run; NULL: where the user stands. */
const char *br_revisions_only(const struct br_options *o);
/* The ends as text for the record: what HEAD or a tag meant then must not change with a later push. The caller frees. */
char *br_revisions_text(const struct br_session *s);
/* The reverse; text may be NULL. */
void br_revisions_read(struct br_session *s, const char *text);
/* What the options say of paths, besides what a git bisect said. */
void br_revisions_paths(struct br_session *s);

/* basis.c */
/* Sets s->row.basis: a hash of all that a verdict depends on besides the tree. */
void br_basis_make(struct br_session *s);
/* A verdict belongs to the commit: the command reads the history, or the ends share a tree. */
bool br_basis_needs_commit(struct br_session *s);

/* with.c */
/* Reads --with into s->with. */
int br_with_make(struct br_session *s, struct br_err *err);
void br_with_free(struct br_session *s);

#endif
