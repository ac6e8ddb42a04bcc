/*
 * ns_lock.c - what process 1 of a box gives up, for itself and all that it starts: capabilities, new privileges,
 * and system calls that no test needs but that reach things which namespaces do not part.
 */
#include "sys/ns_private.h"

#include "base/mem.h"
#include "bisect_run/err.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <sched.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define NATIVE_ARCH AUDIT_ARCH_RISCV64
#endif

enum {
	FILTER_MAX = 512,
	DENIED_MAX = 64,
	LAST_CAP = 63,
	/* From Linux 5.1 on a new system call has the same number everywhere: older headers may lack it. */
	NR_IO_URING_SETUP = 425,
	NR_IO_URING_ENTER = 426,
	NR_IO_URING_REGISTER = 427,
	NR_OPEN_TREE = 428,
	NR_MOVE_MOUNT = 429,
	NR_FSOPEN = 430,
	NR_FSCONFIG = 431,
	NR_FSMOUNT = 432,
	NR_FSPICK = 433,
	NR_CLONE3 = 435,
	NR_MOUNT_SETATTR = 442,
	NR_QUOTACTL_FD = 443,
	NR_OPEN_TREE_ATTR = 467,
	NONE = -1,
	X32_BIT = 0x40000000,
	IOCTL_TIOCLINUX = 0x541c,
	FAMILY_VSOCK = 40,
	I386_SOCKETCALL = 102,
	I386_PRLIMIT64 = 340,
	SOCKETCALL_SOCKET = 1, /* its number among the calls of socketcall */
};

#define EVERYBODY 0xffffffffu /* -1 as kill(2) takes it */

/* A system call that is refused: native number, that of 32-bit x86, and with what. */
struct denied {
	int native, i386, errnum;
};

#ifdef SYS_kexec_file_load
#define KEXEC_FILE SYS_kexec_file_load
#else
#define KEXEC_FILE NONE
#endif
#ifdef SYS_iopl
#define IOPL SYS_iopl
#define IOPERM SYS_ioperm
#else
#define IOPL NONE
#define IOPERM NONE
#endif

static const struct denied always[] = {
	{SYS_bpf, 357, EPERM},
	{SYS_keyctl, 288, EPERM}, /* keyrings belong to the user, not to the namespace */
	{SYS_add_key, 286, EPERM},
	{SYS_request_key, 287, EPERM},
	{NR_IO_URING_SETUP, NR_IO_URING_SETUP, ENOSYS}, /* ENOSYS: libraries then take another way */
	{NR_IO_URING_ENTER, NR_IO_URING_ENTER, ENOSYS},
	{NR_IO_URING_REGISTER, NR_IO_URING_REGISTER, ENOSYS},
	{SYS_userfaultfd, 374, EPERM},
	{SYS_kexec_load, 283, EPERM},
	{KEXEC_FILE, NONE, EPERM},
	{SYS_init_module, 128, EPERM},
	{SYS_finit_module, 350, EPERM},
	{SYS_delete_module, 129, EPERM},
	{SYS_swapon, 87, EPERM},
	{SYS_swapoff, 115, EPERM},
	{SYS_reboot, 88, EPERM},
	{SYS_acct, 51, EPERM},
	{SYS_quotactl, 131, EPERM},
	{NR_QUOTACTL_FD, NR_QUOTACTL_FD, EPERM},
	{SYS_syslog, 103, EPERM},
	{SYS_clock_settime, 264, EPERM},
	{NONE, 404, EPERM}, /* clock_settime64 */
	{SYS_settimeofday, 79, EPERM},
	{NONE, 25, EPERM}, /* stime */
	{SYS_open_by_handle_at, 342, EPERM},
	{SYS_vhangup, 111, EPERM},
	{IOPL, 110, EPERM},
	{IOPERM, 101, EPERM},
};

static const struct denied mounting[] = {
	{SYS_mount, 21, EPERM},
	{NONE, 22, EPERM}, /* the old umount */
	{SYS_umount2, 52, EPERM},
	{SYS_pivot_root, 217, EPERM},
	{SYS_setns, 346, EPERM},
	{SYS_chroot, 61, EPERM},
	{NR_OPEN_TREE, NR_OPEN_TREE, EPERM},
	{NR_MOVE_MOUNT, NR_MOVE_MOUNT, EPERM},
	{NR_FSOPEN, NR_FSOPEN, EPERM},
	{NR_FSCONFIG, NR_FSCONFIG, EPERM},
	{NR_FSMOUNT, NR_FSMOUNT, EPERM},
	{NR_FSPICK, NR_FSPICK, EPERM},
	{NR_MOUNT_SETATTR, NR_MOUNT_SETATTR, EPERM},
	{NR_OPEN_TREE_ATTR, NR_OPEN_TREE_ATTR, EPERM},
	/* Its flags lie in memory, where a filter cannot look: glibc then calls clone. */
	{NR_CLONE3, NR_CLONE3, ENOSYS},
};

static const struct denied profiling[] = {{SYS_perf_event_open, 336, EPERM}};

struct br_filter {
	struct sock_filter code[FILTER_MAX];
	unsigned short n;
};

static void put(struct br_filter *f, unsigned code, unsigned k, unsigned yes, unsigned no)
{
	if (f->n < FILTER_MAX)
		f->code[f->n++] = (struct sock_filter){(unsigned short)code, (unsigned char)yes,
						       (unsigned char)no, (unsigned)k};
}

static void load(struct br_filter *f, size_t offset)
{
	put(f, BPF_LD | BPF_W | BPF_ABS, (unsigned)offset, 0, 0);
}

static void refuse(struct br_filter *f, int errnum)
{
	put(f, BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)errnum, 0, 0);
}

static void allow(struct br_filter *f)
{
	put(f, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
}

/* The system calls that are refused for one calling convention. */
struct denials {
	struct {
		unsigned nr;
		int errnum;
	} v[DENIED_MAX];
	size_t n;
};

static void deny(struct denials *d, const struct denied *list, size_t n, bool i386)
{
	for (size_t i = 0; i < n && d->n < DENIED_MAX; i++) {
		int nr = i386 ? list[i].i386 : list[i].native;

		if (nr == NONE)
			continue;
		d->v[d->n].nr = (unsigned)nr;
		d->v[d->n++].errnum = list[i].errnum;
	}
}

static int by_number(const void *a, const void *b)
{
	const unsigned *x = a, *y = b; /* first member */

	return (*x > *y) - (*x < *y);
}

/* A binary search: the kernel runs the filter once for every system call there is when it is installed, so that a
 * list gone through one by one costs more than all mounts together. */
static void search(struct br_filter *f, const struct denials *d, size_t from, size_t end)
{
	size_t middle = from + (end - from) / 2;
	unsigned short jump = f->n;

	if (end - from == 1) {
		put(f, BPF_JMP | BPF_JEQ | BPF_K, d->v[from].nr, 0, 1);
		refuse(f, d->v[from].errnum);
		allow(f);
		return;
	}
	put(f, BPF_JMP | BPF_JGE | BPF_K, d->v[middle].nr, 0, 0);
	search(f, d, from, middle);
	f->code[jump].jt = (unsigned char)(f->n - jump - 1);
	search(f, d, middle, end);
}

/* Only the low half: the kernel looks at no more of the words that are compared here. */
static void load_argument(struct br_filter *f, size_t i)
{
	size_t half = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0;

	load(f, offsetof(struct seccomp_data, args) + 8 * i + half);
}

/* Refuses system call nr where argument i is the value. */
static void deny_value(struct br_filter *f, int nr, size_t i, unsigned value, int errnum)
{
	put(f, BPF_JMP | BPF_JEQ | BPF_K, (unsigned)nr, 0, 4);
	load_argument(f, i);
	put(f, BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
	refuse(f, errnum);
	load(f, offsetof(struct seccomp_data, nr));
}

/* Refuses system call nr where its first argument has one of the bits. */
static void deny_bits(struct br_filter *f, int nr, unsigned bits)
{
	put(f, BPF_JMP | BPF_JEQ | BPF_K, (unsigned)nr, 0, 4);
	load_argument(f, 0);
	put(f, BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1);
	refuse(f, EPERM);
	load(f, offsetof(struct seccomp_data, nr));
}

#define DENY(d, list, i386) deny(d, list, sizeof(list) / sizeof *(list), i386)

/* The rules for one calling convention; ends with "allow". */
static void rules(struct br_filter *f, const struct br_ns_plan *plan, bool i386)
{
	int ioctl_nr = i386 ? 54 : SYS_ioctl;
	struct denials d = {.n = 0};

	load(f, offsetof(struct seccomp_data, nr));
	deny_value(f, ioctl_nr, 1, TIOCSTI, EPERM); /* typing on the user's terminal */
	deny_value(f, ioctl_nr, 1, IOCTL_TIOCLINUX, EPERM);
	/* Limits of process 1: its user may set them, and without descriptors or memory it could not serve. */
	deny_value(f, i386 ? I386_PRLIMIT64 : SYS_prlimit64, 0, 1, EPERM);
	if (plan->net != BR_NS_NET_HOST) /* a network that has no namespaces */
		deny_value(f, i386 ? 359 : SYS_socket, 0, FAMILY_VSOCK, EAFNOSUPPORT);
	/* The old way to it keeps the family in memory, where a filter cannot look; C libraries have not used it since 2015. */
	if (plan->net != BR_NS_NET_HOST && i386)
		deny_value(f, I386_SOCKETCALL, 0, SOCKETCALL_SOCKET, EAFNOSUPPORT);
	if (!plan->allow_userns) {
		deny_bits(f, i386 ? 120 : SYS_clone, CLONE_NEWUSER);
		deny_bits(f, i386 ? 310 : SYS_unshare, CLONE_NEWUSER);
		DENY(&d, mounting, i386);
	}
	if (!plan->allow_perf)
		DENY(&d, profiling, i386);
	if (plan->shared_pids)
		deny_value(f, i386 ? 37 : SYS_kill, 0, EVERYBODY, EPERM);
	DENY(&d, always, i386);
	qsort(d.v, d.n, sizeof *d.v, by_number);
	search(f, &d, 0, d.n);
}

static void compile(struct br_filter *f, const struct br_ns_plan *plan)
{
	load(f, offsetof(struct seccomp_data, arch));
#ifdef __x86_64__
	unsigned short jump;

	put(f, BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_I386, 0, 0);
	jump = f->n; /* a jump over more than 255 has to be one of its own */
	f->code[jump - 1].jf = 1;
	put(f, BPF_JMP | BPF_JA, 0, 0, 0);
	load(f, offsetof(struct seccomp_data, arch));
	put(f, BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCH, 1, 0);
	refuse(f, ENOSYS);
	load(f, offsetof(struct seccomp_data, nr));
	put(f, BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1);
	refuse(f, ENOSYS);
	rules(f, plan, false);
	f->code[jump].k = (unsigned)(f->n - jump - 1);
	rules(f, plan, true);
#elif defined(NATIVE_ARCH)
	put(f, BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCH, 1, 0);
	refuse(f, ENOSYS);
	rules(f, plan, false);
#else
	rules(f, plan, false); /* an architecture with one calling convention, or so we hope */
#endif
}

struct br_filter *br_filter_new(const struct br_ns_plan *plan)
{
	struct br_filter *f = br_calloc(1, sizeof *f);

	compile(f, plan);
	return f;
}

int br_filter_install(const struct br_filter *f)
{
	struct sock_filter code[FILTER_MAX];
	struct sock_fprog program = {.filter = code, .len = f->n};

	if (f->n >= FILTER_MAX) {
		errno = E2BIG;
		return -1;
	}
	memcpy(code, f->code, sizeof code);
	/* Without this flag old kernels slow all programs down that have a filter. */
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program) < 0 &&
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		return -1;
	return 0;
}

static int install_filter(const struct br_ns_plan *plan, struct br_err *err)
{
	struct br_filter f = {.n = 0};

	compile(&f, plan);
	return br_filter_install(&f) < 0 ? br_fail_errno(err, "cannot install the system call filter") : 0;
}

/* As uid 0 a program would get capabilities back by exec: the bounding set and the secure bits stop that. */
int br_drop_capabilities(struct br_err *err)
{
	const unsigned long bits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
				   SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
				   SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}}, now[2];

	for (unsigned long cap = 0; cap <= LAST_CAP && prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			return br_fail_errno(err, "cannot drop a capability");
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (prctl(PR_SET_SECUREBITS, bits, 0, 0, 0) < 0 || syscall(SYS_capset, &head, none) < 0 ||
	    syscall(SYS_capget, &head, now) < 0)
		return br_fail_errno(err, "cannot drop the capabilities");
	if (memcmp(now, none, sizeof now) != 0 || prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN, 0, 0, 0) != 0)
		return br_fail(err, BR_ESTATE, "capabilities are left after they were dropped");
	return 0;
}

int br_ns_lock(const struct br_ns_plan *plan, struct br_err *err)
{
	int rc = br_drop_capabilities(err);

	if (!rc && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		rc = br_fail_errno(err, "cannot forbid new privileges");
	return rc ? rc : install_filter(plan, err);
}
