/*
 * ns.h - a box: namespaces of their own with a process of ours inside as process 1, and programs below it.
 *
 * What runs in the box sees the machine's files read-only but for the mounts of the plan, no process of the
 * outside, its own network with a loopback, and has no capability, no way to a new one, and a filter on its
 * system calls. Process 1 is this program's own code: it reaps, and reports how programs end; they cannot
 * trace, signal or imitate it. Killing it kills all.
 */
#ifndef BR_NS_H
#define BR_NS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

struct br_err;
struct br_ns;
struct br_spawn;

enum br_ns_kind {
	BR_NS_READ,    /* source, read-only, with all mounts below it */
	BR_NS_WRITE,   /* source itself, writable */
	BR_NS_OVERLAY, /* source, writes go to a throw-away layer */
	BR_NS_TMP,     /* an empty folder, mode 1777, thrown away */
	BR_NS_MASK,    /* what is there can be neither read nor connected to; nothing there is fine */
	BR_NS_TEXT,    /* a read-only file that holds the text source */
	BR_NS_DEV,     /* a small /dev */
	BR_NS_PROC,    /* the box's own /proc */
};

struct br_ns_mount {
	enum br_ns_kind kind;
	const char *source; /* absolute path outside; TEXT: the text; else NULL */
	const char *target; /* absolute path inside, without links, "." and ".." */
	const char *const
		*hide; /* OVERLAY: names below it that are not there inside; NULL-terminated or NULL */
	const char *const *loose; /* OVERLAY with fall_back: folders below that get a BR_NS_TMP then */
	bool fall_back; /* OVERLAY: where the kernel refuses one the source is shown read-only instead */
	bool optional;	/* a source or a place that does not exist is no error */
	bool make;	/* its place is made where it is missing, in the work tree too */
};

enum br_ns_net { BR_NS_NET_LOOPBACK, BR_NS_NET_NONE, BR_NS_NET_HOST };

/* All borrowed until br_ns_open returns, but for program, which must not change until br_ns_close. */
struct br_ns_plan {
	const struct br_ns_mount *mount; /* in any order: the deepest target wins, of equal ones the last */
	size_t nmount;
	const struct br_spawn *program; /* what may be run; cwd as seen inside */
	size_t nprogram;
	enum br_ns_net net;
	const char *const
		*device;   /* shown in /dev besides the usual ones: names there; NULL-terminated or NULL */
	bool allow_userns; /* programs may make user namespaces, and mount in them */
	bool allow_perf;
	bool shared_pids; /* without namespaces: not all processes may be killed at once */
	uint64_t file_b;  /* no file may be larger; 0: no limit */
	uint64_t
		threads; /* of all programs; 0: no limit. Not for root, whom the kernel does not hold to it */
	uint64_t scratch_b; /* room of all that is thrown away; 0: half of the memory */
};

struct br_ns_exit {
	int status; /* as from wait4 */
	struct rusage usage;
	bool scratch_full; /* the room of what is thrown away was used up when somebody looked */
};

/*
 * Makes the box; its process 1 waits. It dies with the calling process, which has one thread. BR_EUNSUPPORTED: this
 * kernel or container does not allow it, the message says what; BR_ESYS: a call failed.
 */
int br_ns_open(struct br_ns **out, const struct br_ns_plan *plan, struct br_err *err);
/* Process 1 as seen from here: a child of ours that only br_ns_close reaps. */
pid_t br_ns_pid(const struct br_ns *ns);
/* Readable when br_ns_ended has something to say. */
int br_ns_fd(const struct br_ns *ns);
/* Starts a program of the plan, one at a time. Errors are those of br_spawn. */
int br_ns_spawn(struct br_ns *ns, const struct br_spawn *program, struct br_err *err);
/* 1: the program has ended, *out is set; 0: not yet; BR_ESYS: the box is broken. Does not wait. */
int br_ns_ended(struct br_ns *ns, struct br_ns_exit *out, struct br_err *err);
/* Kills all inside but process 1 and waits for the program's end, at most limit_ms. Returns as br_ns_ended. */
int br_ns_kill(struct br_ns *ns, int limit_ms, struct br_ns_exit *out, struct br_err *err);
/* Kills and reaps all of it. NULL is fine. */
void br_ns_close(struct br_ns *ns);

#endif
