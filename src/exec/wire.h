/* wire.h - what the engine and its workers tell each other, a packet each over a SOCK_SEQPACKET pair. */
#ifndef BR_WIRE_H
#define BR_WIRE_H

#include "bisect_run/trial.h"

#include <stddef.h>

enum { BR_JOB_TEXT_MAX = 1 << 15 }; /* bytes of a job's texts with their NULs */

enum br_wire_order_kind { BR_WIRE_JOB, BR_WIRE_CANCEL, BR_WIRE_PAUSE, BR_WIRE_CONTINUE };

/* To the worker. Closing the socket means: kill what runs, and go. */
struct br_wire_order {
	enum br_wire_order_kind kind;
	bool fresh, watch, profiled;
	uint64_t id; /* JOB, CANCEL */
	uint64_t timeout_ns;
	size_t ntext;
	char text
		[BR_JOB_TEXT_MAX]; /* JOB: label, value and input folder, each with its NUL ("": none). Only the used part is sent */
};

/* The texts of a job, where they lie in the order. */
struct br_wire_texts {
	const char *label, *value, *input; /* value, input: NULL when there is none */
};

/* Puts them into the order. False: they are too long. */
bool br_wire_put(struct br_wire_order *o, const struct br_wire_texts *texts);
/* Reads them, whatever came: the order lies in a buffer that ends in three NULs. */
struct br_wire_texts br_wire_get(const struct br_wire_order *o);

enum br_wire_report_kind {
	BR_WIRE_RUNNING, /* the tree is made: from here on cancel by message, not by a kill */
	BR_WIRE_DONE,
};

/* To the engine. */
struct br_wire_report {
	enum br_wire_report_kind kind;
	bool tree_made; /* the tree is what the job's label says */
	bool logged;	/* there is a log */
	uint64_t id;
	struct br_outcome outcome; /* DONE; log_path is NULL: the engine knows it */
};

#endif
