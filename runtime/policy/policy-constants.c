/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/audit.h>
#include <stddef.h>
#include <string.h>

#include "runtime/policy/policy-text.h"
#include "src/base/text.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/*
 * No pointers in tables of this size: the loader would have to relocate each whenever husk starts, and
 * for most of its starts nobody reads a policy. All names lie in one object, and are known by their
 * place in it.
 */
static const struct names {
#define C(constant, number) char constant##_[sizeof #constant];
#include "runtime/policy/policy-constants.inc"
#undef C
} names = {
#define C(constant, number) #constant,
#include "runtime/policy/policy-constants.inc"
#undef C
};

static const struct policy_constant constants[] = {
#define C(constant, number) { (uint64_t)(number), offsetof(struct names, constant##_) },
#include "runtime/policy/policy-constants.inc"
#undef C
};

/* Who differs. */
#define WORDS_32 1u /* architectures with 32-bit words: sizes inside of ioctl numbers */
#define ARMS     2u /* arm and arm64 have open flags of their own (arch/arm*, asm/fcntl.h) */
#define NOT_X86  4u

static const struct exception {
	char name[36];
	unsigned who;
	bool absent;
	uint64_t value;
} exceptions[] = {
	{ "BLKBSZGET", WORDS_32, false, 0x80041270 },
	{ "BLKBSZSET", WORDS_32, false, 0x40041271 },
	{ "BLKGETSIZE64", WORDS_32, false, 0x80041272 },
	{ "DMA_BUF_SET_NAME", WORDS_32, false, 0x40046201 },
	{ "FS_IOC_GETFLAGS", WORDS_32, false, 0x80046601 },
	{ "FS_IOC_GETVERSION", WORDS_32, false, 0x80047601 },
	{ "FS_IOC_SETFLAGS", WORDS_32, false, 0x40046602 },
	{ "FS_IOC_SETVERSION", WORDS_32, false, 0x40047602 },
	{ "F_GETLK64", WORDS_32, false, 12 },
	{ "F_SETLK64", WORDS_32, false, 13 },
	{ "F_SETLKW64", WORDS_32, false, 14 },
	{ "KVM_DEBUG_GUEST", WORDS_32, false, 0x404cae87 },
	{ "KVM_DIRTY_TLB", WORDS_32, false, 0x400caeaa },
	{ "KVM_MEMORY_ENCRYPT_OP", WORDS_32, false, 0xc004aeba },
	{ "KVM_X86_SET_MSR_FILTER", WORDS_32, false, 0x4104aec6 },
	{ "MAP_32BIT", NOT_X86, true, 0 },
	{ "O_DIRECT", ARMS, false, 0x10000 },
	{ "O_DIRECTORY", ARMS, false, 0x4000 },
	{ "O_LARGEFILE", ARMS, false, 0x20000 },
	{ "O_NOFOLLOW", ARMS, false, 0x8000 },
	{ "O_TMPFILE", ARMS, false, 0x404000 },
	{ "PERF_EVENT_IOC_ID", WORDS_32, false, 0x80042407 },
	{ "PERF_EVENT_IOC_MODIFY_ATTRIBUTES", WORDS_32, false, 0x4004240b },
	{ "PERF_EVENT_IOC_QUERY_BPF", WORDS_32, false, 0xc004240a },
	{ "PERF_EVENT_IOC_SET_FILTER", WORDS_32, false, 0x40042406 },
	{ "PTRACE_ARCH_PRCTL", NOT_X86, true, 0 },
	{ "RTC_EPOCH_READ", WORDS_32, false, 0x8004700d },
	{ "RTC_EPOCH_SET", WORDS_32, false, 0x4004700e },
	{ "RTC_IRQP_READ", WORDS_32, false, 0x8004700b },
	{ "RTC_IRQP_SET", WORDS_32, false, 0x4004700c },
	{ "RTC_PLL_GET", WORDS_32, false, 0x801c7011 },
	{ "RTC_PLL_SET", WORDS_32, false, 0x401c7012 },
	{ "TUNATTACHFILTER", WORDS_32, false, 0x400854d5 },
	{ "TUNDETACHFILTER", WORDS_32, false, 0x400854d6 },
	{ "TUNGETFILTER", WORDS_32, false, 0x800854db },
};

const char *policy_constant_name(const struct policy_constant *c)
{
	return (const char *)&names + c->name;
}

const struct policy_constant *policy_constant_at(size_t index)
{
	return index < COUNT(constants) ? &constants[index] : NULL;
}

const struct policy_constant *policy_constant_find(const char *name, size_t length)
{
	size_t low = 0, high = COUNT(constants);

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const char *other = policy_constant_name(&constants[middle]);
		int order = strncmp(name, other, length);
		if (!order && other[length])
			order = -1;
		if (!order)
			return &constants[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static unsigned who(const struct seccomp_arch *arch)
{
	switch (arch->token) {
	case AUDIT_ARCH_X86_64:
		return 0;
	case AUDIT_ARCH_I386:
	case SECCOMP_ARCH_X32:
		return WORDS_32;
	case AUDIT_ARCH_ARM:
		return WORDS_32 | ARMS | NOT_X86;
	case AUDIT_ARCH_AARCH64:
		return ARMS | NOT_X86;
	default:
		return NOT_X86 | (arch->wide ? 0 : WORDS_32);
	}
}

int policy_constant_value(const struct policy_constant *c, const struct seccomp_arch *arch,
			  uint64_t *value)
{
	unsigned mine = who(arch);

	*value = c->value;
	for (size_t i = 0; mine && i < COUNT(exceptions); i++) {
		if (!(exceptions[i].who & mine) ||
		    !text_equal(exceptions[i].name, policy_constant_name(c)))
			continue;
		*value = exceptions[i].value;
		return exceptions[i].absent ? -1 : 0;
	}
	return 0;
}

/* ------------------------------------------------------- 32-bit arguments */

/*
 * Arguments that SYSCALL_DEFINE of the kernel declares as int, unsigned int or another type of 32
 * bits, or of which it takes the low word only (clone's flags), for calls whose arguments policies
 * look at. Bit n is argument n. Sorted by name.
 */
static const struct {
	char name[24];
	uint32_t mask;
} narrow[] = {
	{ "accept", 1 << 0 },
	{ "accept4", 1 << 0 | 1 << 3 },
	{ "bind", 1 << 0 | 1 << 2 },
	{ "bpf", 1 << 0 | 1 << 2 },
	{ "clock_adjtime", 1 << 0 },
	{ "clock_getres", 1 << 0 },
	{ "clock_gettime", 1 << 0 },
	{ "clock_nanosleep", 1 << 0 | 1 << 1 },
	{ "clock_settime", 1 << 0 },
	{ "clone", 1 << 0 },
	{ "close", 1 << 0 },
	{ "close_range", 1 << 0 | 1 << 1 | 1 << 2 },
	{ "connect", 1 << 0 | 1 << 2 },
	{ "dup", 1 << 0 },
	{ "dup2", 1 << 0 | 1 << 1 },
	{ "dup3", 1 << 0 | 1 << 1 | 1 << 2 },
	{ "epoll_create1", 1 << 0 },
	{ "epoll_ctl", 1 << 0 | 1 << 1 | 1 << 2 },
	{ "eventfd2", 1 << 0 | 1 << 1 },
	{ "execveat", 1 << 0 | 1 << 4 },
	{ "faccessat", 1 << 0 | 1 << 2 },
	{ "faccessat2", 1 << 0 | 1 << 2 | 1 << 3 },
	{ "fadvise64", 1 << 0 | 1 << 3 },
	{ "fallocate", 1 << 0 | 1 << 1 },
	{ "fchmod", 1 << 0 | 1 << 1 },
	{ "fchmodat", 1 << 0 | 1 << 2 },
	{ "fchmodat2", 1 << 0 | 1 << 2 | 1 << 3 },
	{ "fchown", 1 << 0 | 1 << 1 | 1 << 2 },
	{ "fchownat", 1 << 0 | 1 << 2 | 1 << 3 | 1 << 4 },
	{ "fcntl", 1 << 0 | 1 << 1 },
	{ "fcntl64", 1 << 0 | 1 << 1 },
	{ "flock", 1 << 0 | 1 << 1 },
	{ "fsconfig", 1 << 0 | 1 << 1 | 1 << 4 },
	{ "fsmount", 1 << 0 | 1 << 1 | 1 << 2 },
	{ "fsopen", 1 << 1 },
	{ "futex", 1 << 1 | 1 << 2 | 1 << 5 },
	{ "futex_time64", 1 << 1 | 1 << 2 | 1 << 5 },
	{ "getrandom", 1 << 2 },
	{ "getsockopt", 1 << 0 | 1 << 1 | 1 << 2 },
	{ "inotify_init1", 1 << 0 },
	{ "io_uring_enter", 1 << 0 | 1 << 1 | 1 << 2 | 1 << 3 },
	{ "io_uring_register", 1 << 0 | 1 << 1 | 1 << 3 },
	{ "io_uring_setup", 1 << 0 },
	{ "ioctl", 1 << 0 | 1 << 1 },
	{ "ioprio_set", 1 << 0 | 1 << 1 | 1 << 2 },
	{ "kcmp", 1 << 0 | 1 << 1 | 1 << 2 },
	{ "keyctl", 1 << 0 },
	{ "kill", 1 << 0 | 1 << 1 },
	{ "landlock_restrict_self", 1 << 0 | 1 << 1 },
	{ "linkat", 1 << 0 | 1 << 2 | 1 << 4 },
	{ "listen", 1 << 0 | 1 << 1 },
	{ "lseek", 1 << 0 | 1 << 2 },
	{ "madvise", 1 << 2 },
	{ "membarrier", 1 << 0 | 1 << 1 | 1 << 2 },
	{ "memfd_create", 1 << 1 },
	{ "mkdirat", 1 << 0 | 1 << 2 },
	{ "mknodat", 1 << 0 | 1 << 2 | 1 << 3 },
	{ "mlock2", 1 << 2 },
	{ "mlockall", 1 << 0 },
	{ "move_mount", 1 << 0 | 1 << 2 | 1 << 4 },
	{ "msync", 1 << 2 },
	{ "name_to_handle_at", 1 << 0 | 1 << 4 },
	{ "newfstatat", 1 << 0 | 1 << 3 },
	{ "open", 1 << 1 | 1 << 2 },
	{ "open_tree", 1 << 0 | 1 << 2 },
	{ "openat", 1 << 0 | 1 << 2 | 1 << 3 },
	{ "openat2", 1 << 0 },
	{ "perf_event_open", 1 << 1 | 1 << 2 | 1 << 3 },
	{ "personality", 1 << 0 },
	{ "pidfd_getfd", 1 << 0 | 1 << 1 | 1 << 2 },
	{ "pidfd_open", 1 << 0 | 1 << 1 },
	{ "pidfd_send_signal", 1 << 0 | 1 << 1 | 1 << 3 },
	{ "pipe2", 1 << 1 },
	{ "prctl", 1 << 0 },
	{ "preadv2", 1 << 5 },
	{ "prlimit64", 1 << 0 | 1 << 1 },
	{ "pwritev2", 1 << 5 },
	{ "quotactl", 1 << 0 | 1 << 2 },
	{ "reboot", 1 << 0 | 1 << 1 | 1 << 2 },
	{ "recvfrom", 1 << 0 | 1 << 3 },
	{ "recvmsg", 1 << 0 | 1 << 2 },
	{ "renameat2", 1 << 0 | 1 << 2 | 1 << 4 },
	{ "rt_sigprocmask", 1 << 0 },
	{ "rt_tgsigqueueinfo", 1 << 0 | 1 << 1 | 1 << 2 },
	{ "sched_setattr", 1 << 0 | 1 << 2 },
	{ "sched_setscheduler", 1 << 0 | 1 << 1 },
	{ "seccomp", 1 << 0 | 1 << 1 },
	{ "sendmsg", 1 << 0 | 1 << 2 },
	{ "sendto", 1 << 0 | 1 << 3 | 1 << 5 },
	{ "setns", 1 << 0 | 1 << 1 },
	{ "setpriority", 1 << 0 | 1 << 1 | 1 << 2 },
	{ "setrlimit", 1 << 0 },
	{ "setsockopt", 1 << 0 | 1 << 1 | 1 << 2 | 1 << 4 },
	{ "shmget", 1 << 0 | 1 << 2 },
	{ "shutdown", 1 << 0 | 1 << 1 },
	{ "signalfd4", 1 << 0 | 1 << 3 },
	{ "socket", 1 << 0 | 1 << 1 | 1 << 2 },
	{ "socketpair", 1 << 0 | 1 << 1 | 1 << 2 },
	{ "statx", 1 << 0 | 1 << 2 | 1 << 3 },
	{ "syslog", 1 << 0 | 1 << 2 },
	{ "tgkill", 1 << 0 | 1 << 1 | 1 << 2 },
	{ "timerfd_create", 1 << 0 | 1 << 1 },
	{ "tkill", 1 << 0 | 1 << 1 },
	{ "umask", 1 << 0 },
	{ "umount2", 1 << 1 },
	{ "unlinkat", 1 << 0 | 1 << 2 },
	{ "userfaultfd", 1 << 0 },
	{ "utimensat", 1 << 0 | 1 << 3 },
	{ "vmsplice", 1 << 0 | 1 << 3 },
	{ "waitid", 1 << 0 | 1 << 1 | 1 << 3 },
	{ "wait4", 1 << 0 | 1 << 2 },
};

uint32_t policy_narrow_arguments(const char *call)
{
	for (size_t i = 0; i < COUNT(narrow) && narrow[i].name[0] <= call[0]; i++)
		if (text_equal(narrow[i].name, call))
			return narrow[i].mask;
	return 0;
}
