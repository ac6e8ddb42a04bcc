/* wire.h - what the engine and its workers tell each other, a packet each over a SOCK_SEQPACKET pair. */
#ifndef BR_WIRE_H
#define BR_WIRE_H

#include "bisect_run/trial.h"

enum { BR_LABEL_MAX = 1 << 15 }; /* bytes of a label with its NUL */

enum br_wire_order_kind { BR_WIRE_JOB, BR_WIRE_CANCEL, BR_WIRE_PAUSE, BR_WIRE_CONTINUE };

/* To the worker. Closing the socket means: kill what runs, and go. */
struct br_wire_order {
	enum br_wire_order_kind kind;
	bool fresh;
	uint64_t id; /* JOB, CANCEL */
	uint64_t timeout_ns;
	char label[BR_LABEL_MAX]; /* JOB; only the used part is sent */
};

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
