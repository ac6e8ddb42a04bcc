/* metric.h - --metric: the first commit at which a measured value changes its level. */
#ifndef BR_APP_METRIC_H
#define BR_APP_METRIC_H

#include "app/options.h"

struct br_err;
struct br_session;

/* The whole of it, from the ends to the report. The history is loaded and the engine runs. Returns the exit status or an error. */
int br_metric_run(struct br_session *s, struct br_err *err);
/* Whether the metric is a time, which other trials at the same moment would spoil. */
bool br_metric_is_time(const struct br_options *o);
/* "s", "bytes", "instructions" or "". */
const char *br_metric_unit(const struct br_options *o);
/*
 * Puts in front of COMMAND what counts for --metric instructions. BR_ESTATE: there is no valgrind. argv is replaced (br_strv_free). *n: how many words
 * were put there.
 */
int br_metric_wrap(const struct br_options *o, char ***argv, size_t *n, struct br_err *err);

#endif
