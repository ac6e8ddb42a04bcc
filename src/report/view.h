/* view.h - what the reports have in common: which trial tells, which words are object ids, how dates look. */
#ifndef BR_VIEW_H
#define BR_VIEW_H

#include "bisect_run/result.h"

#include <stdbool.h>
#include <stddef.h>

/* A full object id: 40 (SHA-1) or 64 (SHA-256) lower-case hexadecimal digits. */
bool br_view_is_oid(const char *s);

/* "2024-05-01T14:00:00+02:00" when iso, else as git shows it: "2024-05-01 14:00:00 +0200". "@SECONDS" for what no calendar holds. */
const char *br_view_date(const struct br_commit_info *c, bool iso, char *buf, size_t size);
#define BR_VIEW_DATE_SIZE 48

/* What is known of this commit, among the first bad one and the candidates. Borrowed; NULL: nothing. */
const struct br_commit_info *br_view_commit(const struct br_result *r, const char *oid);

/* The trial that `try` is about: one under a profiler may follow it. Borrowed; NULL: none. */
const struct br_trial *br_view_tried(const struct br_result *r);

/* The trial whose log a person wants to read: the last bad one at the culprit, else the last with a log. Borrowed; NULL: none. */
const struct br_trial *br_view_telling(const struct br_result *r);

#endif
