/*
 * bisect_log.h - what a `git bisect log` says: the ends, what was skipped, which paths. Pure: text in, words out; a word is what
 * git wrote, a revision of any form. git(1) itself reads these logs with `git bisect replay`.
 */
#ifndef BR_BISECT_LOG_H
#define BR_BISECT_LOG_H

#include <stdbool.h>
#include <stddef.h>

struct br_err;

/* A revision as the log has it. Owned. */
struct br_bisect_rev {
	char *rev;  /* to resolve: a full id wherever the log knows it */
	char *name; /* as the user wrote it, when that is something else ("HEAD"); else NULL */
};

/* All owned: br_bisect_log_done. Zero-initialised is valid and empty. */
struct br_bisect_log {
	char *old_term, *new_term; /* "good" and "bad" where the log names none */
	struct br_bisect_rev bad;  /* the last one; rev NULL: none yet */
	struct br_bisect_rev *good;
	size_t ngood, good_cap;
	char **skip; /* NULL-terminated */
	char **path; /* NULL-terminated; relative to the top folder */
	bool first_parent, no_checkout;
};

/* What a parser of words cannot know. is_commit may be NULL: then every word of an old `git bisect start` without `--` is one. */
struct br_bisect_names {
	bool (*is_commit)(void *arg, const char *word);
	void *arg;
};

/*
 * Reads a log as `git bisect replay` does, of every version of git: `git bisect` or `git-bisect`, words quoted or not, lines ended
 * by LF or CRLF; lines that are no commands are comments. A later `git bisect start` begins anew. Symbolic names in the start
 * line ("HEAD", which has moved since) are taken as the ids in the comments that git writes above it. BR_EPARSE names the line.
 */
int br_bisect_log_parse(struct br_bisect_log *out, const char *text, size_t n,
			const struct br_bisect_names *names, struct br_err *err);
/* Whether the old state is the broken one, by the terms: the search is for what fixed it. */
bool br_bisect_log_finds_fix(const struct br_bisect_log *log);
void br_bisect_log_done(struct br_bisect_log *log);

#endif
