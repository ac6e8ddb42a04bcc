/* guard.c - Landlock, seccomp and capabilities, made ready before a fork and applied after it. */
#include "sys/guard.h"

#include "base/mem.h"
#include "bisect_run/err.h"
#include "sys/ns_private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* Of linux/landlock.h, which older systems have without the later ones. */
enum {
	NR_CREATE = 444,
	NR_ADD_RULE = 445,
	NR_RESTRICT_SELF = 446,
	CREATE_VERSION = 1,
	RULE_PATH_BENEATH = 1,

	FS_WRITE_FILE = 1 << 1,
	FS_READ_FILE = 1 << 2,
	FS_REMOVE_DIR = 1 << 4,
	FS_REMOVE_FILE = 1 << 5,
	FS_MAKE_CHAR = 1 << 6,
	FS_MAKE_DIR = 1 << 7,
	FS_MAKE_REG = 1 << 8,
	FS_MAKE_SOCK = 1 << 9,
	FS_MAKE_FIFO = 1 << 10,
	FS_MAKE_BLOCK = 1 << 11,
	FS_MAKE_SYM = 1 << 12,
	FS_REFER = 1 << 13,    /* version 2: without it no file may be moved to another folder */
	FS_TRUNCATE = 1 << 14, /* version 3 */

	NET_TCP = 3,   /* version 4: bind and connect */
	SCOPE_ALL = 3, /* version 6: abstract sockets and signals of others */

	FOR_FILES = FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE, /* what a rule for a file may say */
	WRITING = FS_WRITE_FILE | FS_REMOVE_DIR | FS_REMOVE_FILE | FS_MAKE_CHAR | FS_MAKE_DIR | FS_MAKE_REG |
		  FS_MAKE_SOCK | FS_MAKE_FIFO | FS_MAKE_BLOCK | FS_MAKE_SYM,
};

struct ruleset { /* struct landlock_ruleset_attr */
	uint64_t fs, net, scoped;
};

struct __attribute__((packed)) path_rule { /* struct landlock_path_beneath_attr */
	uint64_t allowed;
	int32_t parent_fd;
};

struct br_guard {
	int fd;
	uint64_t writing; /* all that this kernel knows */
	struct br_filter *filter;
};

int br_guard_version(void)
{
	long version = syscall(NR_CREATE, NULL, 0, CREATE_VERSION);

	return version < 0 ? 0 : (int)version;
}

static uint64_t writing_of(int version)
{
	return (uint64_t)WRITING | (version >= 2 ? (uint64_t)FS_REFER : 0) |
	       (version >= 3 ? (uint64_t)FS_TRUNCATE : 0);
}

int br_guard_open(struct br_guard **out, bool tcp, bool perf, struct br_err *err)
{
	const struct br_ns_plan plan = {.net = BR_NS_NET_HOST, .allow_perf = perf, .shared_pids = true};
	int version = br_guard_version();
	struct ruleset rules = {.fs = writing_of(version) | FS_READ_FILE,
				.net = version >= 4 && !tcp ? NET_TCP : 0,
				.scoped = version >= 6 ? SCOPE_ALL : 0};
	size_t size = version >= 6 ? sizeof rules : version >= 4 ? 2 * sizeof rules.fs : sizeof rules.fs;
	struct br_guard *g;
	int fd;

	if (!version)
		return br_fail(err, BR_EUNSUPPORTED, "this kernel has no Landlock (Linux 5.13, switched on)");
	fd = (int)syscall(NR_CREATE, &rules, size, 0);
	if (fd < 0)
		return br_fail_errno(err, "cannot make a Landlock ruleset");
	g = br_calloc(1, sizeof *g);
	g->fd = fd; /* close-on-exec by itself */
	g->writing = writing_of(version);
	g->filter = br_filter_new(&plan);
	*out = g;
	return 0;
}

int br_guard_allow(struct br_guard *g, const char *path, unsigned access, struct br_err *err)
{
	br_auto_fd int fd = open(path, O_PATH | O_CLOEXEC);
	struct path_rule rule = {.parent_fd = fd};
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return 0;
	rule.allowed = (access & BR_GUARD_READ ? (uint64_t)FS_READ_FILE : 0) |
		       (access & BR_GUARD_WRITE ? g->writing : 0);
	if (!S_ISDIR(st.st_mode))
		rule.allowed &= FOR_FILES & (g->writing | FS_READ_FILE);
	if (syscall(NR_ADD_RULE, g->fd, RULE_PATH_BENEATH, &rule, 0) < 0)
		return br_fail_errno(err, "cannot allow %s by Landlock", path);
	return 0;
}

/* Root in a box of ours, or in some containers, has none. */
static bool has_capabilities(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct cap[2] = {{0, 0, 0}, {0, 0, 0}};

	return syscall(SYS_capget, &head, cap) < 0 || cap[0].permitted || cap[1].permitted;
}

int br_guard_apply(const struct br_guard *g)
{
	if (has_capabilities() && br_drop_capabilities(NULL) < 0)
		return -1;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || syscall(NR_RESTRICT_SELF, g->fd, 0) < 0)
		return -1;
	return br_filter_install(g->filter);
}

void br_guard_close(struct br_guard *g)
{
	if (!g)
		return;
	(void)close(g->fd);
	free(g->filter);
	free(g);
}
