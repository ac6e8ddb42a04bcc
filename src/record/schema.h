/*
 * schema.h - the columns of a trial, in one list: the table, the statements and the code that binds and reads are made
 * from it. A change here is a new BR_RECORD_VERSION and a step in record.c that upgrades older files.
 */
#ifndef BR_SCHEMA_H
#define BR_SCHEMA_H

#define BR_RECORD_VERSION 2
#define BR_RECORD_APPLICATION 0x62697372 /* "bisr", as `file` shows it */

/* X(column, how it is stored, member of struct br_trial) */
#define BR_TRIAL_COLUMNS(X)                                                                                  \
	X(n, U64, n)                                                                                         \
	X(phase, PHASE, phase)                                                                               \
	X(point, U64, point)                                                                                 \
	X(item, OWNED, item)                                                                                 \
	X(tree, OWNED, tree)                                                                                 \
	X(ended, END, outcome.end)                                                                           \
	X(code, INT, outcome.code)                                                                           \
	X(wall_ns, U64, outcome.wall_ns)                                                                     \
	X(user_ns, U64, outcome.user_ns)                                                                     \
	X(sys_ns, U64, outcome.sys_ns)                                                                       \
	X(build_ns, U64, outcome.build_ns)                                                                   \
	X(setup_ns, U64, outcome.setup_ns)                                                                   \
	X(peak_rss_b, U64, outcome.peak_rss_b)                                                               \
	X(output_b, U64, outcome.output_b)                                                                   \
	X(omitted_b, U64, outcome.omitted_b)                                                                 \
	X(leftovers, U32, outcome.leftovers)                                                                 \
	X(worker, U32, outcome.worker)                                                                       \
	X(limit_ns, U64, outcome.limit_ns)                                                                   \
	X(sandbox, CHARS, outcome.sandbox)                                                                   \
	X(note, CHARS, outcome.note)                                                                         \
	X(log_path, PATH, outcome.log_path)                                                                  \
	X(class, CLASS, verdict.cls)                                                                         \
	X(error, BOOL, verdict.error)                                                                        \
	X(over_learnt, BOOL, verdict.over_learnt)                                                            \
	X(llr, REAL, verdict.llr)                                                                            \
	X(value, REAL, verdict.value)                                                                        \
	X(why, CHARS, verdict.why)                                                                           \
	X(failure_kind, CHARS, verdict.failure.kind)                                                         \
	X(failure_type, CHARS, verdict.failure.type)                                                         \
	X(failure_message, CHARS, verdict.failure.message)                                                   \
	X(failure_exit, INT, verdict.failure.exit)                                                           \
	X(failure_signal, INT, verdict.failure.signal)                                                       \
	X(failure_frames, FRAMES, verdict.failure.frame)                                                     \
	X(failure_version, U32, verdict.failure.version)                                                     \
	X(cached, BOOL, cached)                                                                              \
	X(amended, BOOL, amended)                                                                            \
	X(started_ns, U64, started_ns)

#endif
