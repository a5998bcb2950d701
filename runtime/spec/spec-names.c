/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/spec/spec-names.h"

#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/ioprio.h>
#include <linux/mempolicy.h>
#include <linux/seccomp.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "runtime/spec/spec.h"
#include "src/base/kernel.h"

/* Linux 6.9 */
#define MEMORY_WEIGHTED_INTERLEAVE 6

#define CAP(cap)                                                                                   \
	{                                                                                          \
		.name = #cap, .value = UINT64_C(1) << cap                                          \
	}

static const struct json_name capabilities[] = {
	CAP(CAP_CHOWN),
	CAP(CAP_DAC_OVERRIDE),
	CAP(CAP_DAC_READ_SEARCH),
	CAP(CAP_FOWNER),
	CAP(CAP_FSETID),
	CAP(CAP_KILL),
	CAP(CAP_SETGID),
	CAP(CAP_SETUID),
	CAP(CAP_SETPCAP),
	CAP(CAP_LINUX_IMMUTABLE),
	CAP(CAP_NET_BIND_SERVICE),
	CAP(CAP_NET_BROADCAST),
	CAP(CAP_NET_ADMIN),
	CAP(CAP_NET_RAW),
	CAP(CAP_IPC_LOCK),
	CAP(CAP_IPC_OWNER),
	CAP(CAP_SYS_MODULE),
	CAP(CAP_SYS_RAWIO),
	CAP(CAP_SYS_CHROOT),
	CAP(CAP_SYS_PTRACE),
	CAP(CAP_SYS_PACCT),
	CAP(CAP_SYS_ADMIN),
	CAP(CAP_SYS_BOOT),
	CAP(CAP_SYS_NICE),
	CAP(CAP_SYS_RESOURCE),
	CAP(CAP_SYS_TIME),
	CAP(CAP_SYS_TTY_CONFIG),
	CAP(CAP_MKNOD),
	CAP(CAP_LEASE),
	CAP(CAP_AUDIT_WRITE),
	CAP(CAP_AUDIT_CONTROL),
	CAP(CAP_SETFCAP),
	CAP(CAP_MAC_OVERRIDE),
	CAP(CAP_MAC_ADMIN),
	CAP(CAP_SYSLOG),
	CAP(CAP_WAKE_ALARM),
	CAP(CAP_BLOCK_SUSPEND),
	CAP(CAP_AUDIT_READ),
	CAP(CAP_PERFMON),
	CAP(CAP_BPF),
	CAP(CAP_CHECKPOINT_RESTORE),
	{ NULL, 0 },
};
_Static_assert(sizeof capabilities / sizeof *capabilities == SPEC_CAPABILITY_COUNT + 1,
	       "count the capabilities");
const struct json_enum spec_capability_names = { "capability", capabilities };

static const struct json_name namespaces[] = {
	{ "cgroup", CLONE_NEWCGROUP }, { "ipc", CLONE_NEWIPC }, { "mount", CLONE_NEWNS },
	{ "network", CLONE_NEWNET },   { "pid", CLONE_NEWPID }, { "time", CLONE_NEWTIME },
	{ "user", CLONE_NEWUSER },     { "uts", CLONE_NEWUTS }, { NULL, 0 },
};
const struct json_enum spec_namespace_names = { "namespace", namespaces };

#define SAME(constant)                                                                             \
	{                                                                                          \
		.name = #constant, .value = constant                                               \
	}

static const struct json_name rlimits[] = {
	SAME(RLIMIT_AS),     SAME(RLIMIT_CORE),   SAME(RLIMIT_CPU),        SAME(RLIMIT_DATA),
	SAME(RLIMIT_FSIZE),  SAME(RLIMIT_LOCKS),  SAME(RLIMIT_MEMLOCK),    SAME(RLIMIT_MSGQUEUE),
	SAME(RLIMIT_NICE),   SAME(RLIMIT_NOFILE), SAME(RLIMIT_NPROC),      SAME(RLIMIT_RSS),
	SAME(RLIMIT_RTPRIO), SAME(RLIMIT_RTTIME), SAME(RLIMIT_SIGPENDING), SAME(RLIMIT_STACK),
	{ NULL, 0 },
};
const struct json_enum spec_rlimit_names = { "resource limit", rlimits };

static const struct json_name policies[] = {
	SAME(SCHED_OTHER),
	SAME(SCHED_FIFO),
	SAME(SCHED_RR),
	SAME(SCHED_BATCH),
	{ "SCHED_ISO", SPEC_SCHED_ISO },
	SAME(SCHED_IDLE),
	{ "SCHED_DEADLINE", 6 },
	{ NULL, 0 },
};
const struct json_enum spec_scheduler_policies = { "scheduling policy", policies };

static const struct json_name scheduler_flags[] = {
	SAME(SCHED_FLAG_RESET_ON_FORK),  SAME(SCHED_FLAG_RECLAIM),
	SAME(SCHED_FLAG_DL_OVERRUN),     SAME(SCHED_FLAG_KEEP_POLICY),
	SAME(SCHED_FLAG_KEEP_PARAMS),    SAME(SCHED_FLAG_UTIL_CLAMP_MIN),
	SAME(SCHED_FLAG_UTIL_CLAMP_MAX), { NULL, 0 },
};
const struct json_enum spec_scheduler_flags = { "scheduler flag", scheduler_flags };

static const struct json_name io_classes[] = {
	SAME(IOPRIO_CLASS_RT),
	SAME(IOPRIO_CLASS_BE),
	SAME(IOPRIO_CLASS_IDLE),
	{ NULL, 0 },
};
const struct json_enum spec_io_classes = { "I/O priority class", io_classes };

static const struct json_name memory_modes[] = {
	SAME(MPOL_DEFAULT),    SAME(MPOL_BIND),
	SAME(MPOL_INTERLEAVE), { "MPOL_WEIGHTED_INTERLEAVE", MEMORY_WEIGHTED_INTERLEAVE },
	SAME(MPOL_PREFERRED),  SAME(MPOL_PREFERRED_MANY),
	SAME(MPOL_LOCAL),      { NULL, 0 },
};
const struct json_enum spec_memory_modes = { "memory policy mode", memory_modes };

static const struct json_name memory_flags[] = {
	SAME(MPOL_F_NUMA_BALANCING),
	SAME(MPOL_F_RELATIVE_NODES),
	SAME(MPOL_F_STATIC_NODES),
	{ NULL, 0 },
};
const struct json_enum spec_memory_flags = { "memory policy flag", memory_flags };

/* The specification has the four plain ones; Docker and podman write the recursive ones. */
static const struct json_name propagations[] = {
	{ "private", MS_PRIVATE },
	{ "rprivate", MS_PRIVATE | MS_REC },
	{ "rshared", MS_SHARED | MS_REC },
	{ "rslave", MS_SLAVE | MS_REC },
	{ "runbindable", MS_UNBINDABLE | MS_REC },
	{ "shared", MS_SHARED },
	{ "slave", MS_SLAVE },
	{ "unbindable", MS_UNBINDABLE },
	{ NULL, 0 },
};
const struct json_enum spec_propagations = { "propagation", propagations };

/* "u" is mknod(1)'s unbuffered character device, which Linux does not tell from a buffered one. */
static const struct json_name device_types[] = {
	{ "c", 'c' }, { "b", 'b' }, { "u", 'c' }, { "p", 'p' }, { NULL, 0 },
};
const struct json_enum spec_device_types = { "device type", device_types };

static const struct json_name rule_types[] = {
	{ "a", 'a' }, { "b", 'b' }, { "c", 'c' }, { "", 'a' }, { NULL, 0 },
};
const struct json_enum spec_rule_types = { "device type", rule_types };

static const struct json_name personalities[] = {
	{ "LINUX", PER_LINUX },
	{ "LINUX32", PER_LINUX32 },
	{ NULL, 0 },
};
const struct json_enum spec_personalities = { "personality domain", personalities };

static const struct json_name image_formats[] = {
	{ "raw", 0 }, { "qcow2", 1 }, { "vdi", 2 }, { "vmdk", 3 }, { "vhd", 4 }, { NULL, 0 },
};
const struct json_enum spec_image_formats = { "image format", image_formats };

/* SCMP_ACT_KILL is libseccomp's old name for killing the thread. */
static const struct json_name actions[] = {
	{ "SCMP_ACT_ALLOW", SECCOMP_RET_ALLOW },
	{ "SCMP_ACT_ERRNO", SECCOMP_RET_ERRNO },
	{ "SCMP_ACT_KILL", SECCOMP_RET_KILL_THREAD },
	{ "SCMP_ACT_KILL_PROCESS", SECCOMP_RET_KILL_PROCESS },
	{ "SCMP_ACT_KILL_THREAD", SECCOMP_RET_KILL_THREAD },
	{ "SCMP_ACT_LOG", SECCOMP_RET_LOG },
	{ "SCMP_ACT_NOTIFY", SECCOMP_RET_USER_NOTIF },
	{ "SCMP_ACT_TRACE", SECCOMP_RET_TRACE },
	{ "SCMP_ACT_TRAP", SECCOMP_RET_TRAP },
	{ NULL, 0 },
};
const struct json_enum spec_seccomp_actions = { "seccomp action", actions };

static const struct json_name ops[] = {
	{ "SCMP_CMP_EQ", SPEC_SECCOMP_EQ }, { "SCMP_CMP_GE", SPEC_SECCOMP_GE },
	{ "SCMP_CMP_GT", SPEC_SECCOMP_GT }, { "SCMP_CMP_LE", SPEC_SECCOMP_LE },
	{ "SCMP_CMP_LT", SPEC_SECCOMP_LT }, { "SCMP_CMP_MASKED_EQ", SPEC_SECCOMP_MASKED_EQ },
	{ "SCMP_CMP_NE", SPEC_SECCOMP_NE }, { NULL, 0 },
};
const struct json_enum spec_seccomp_ops = { "comparison", ops };

static const struct json_name archs[] = {
	{ "SCMP_ARCH_AARCH64", AUDIT_ARCH_AARCH64 },
	{ "SCMP_ARCH_ARM", AUDIT_ARCH_ARM },
	{ "SCMP_ARCH_LOONGARCH64", AUDIT_ARCH_LOONGARCH64 },
	{ "SCMP_ARCH_M68K", AUDIT_ARCH_M68K },
	{ "SCMP_ARCH_MIPS", AUDIT_ARCH_MIPS },
	{ "SCMP_ARCH_MIPS64", AUDIT_ARCH_MIPS64 },
	{ "SCMP_ARCH_MIPS64N32", AUDIT_ARCH_MIPS64N32 },
	{ "SCMP_ARCH_MIPSEL", AUDIT_ARCH_MIPSEL },
	{ "SCMP_ARCH_MIPSEL64", AUDIT_ARCH_MIPSEL64 },
	{ "SCMP_ARCH_MIPSEL64N32", AUDIT_ARCH_MIPSEL64N32 },
	{ "SCMP_ARCH_PARISC", AUDIT_ARCH_PARISC },
	{ "SCMP_ARCH_PARISC64", AUDIT_ARCH_PARISC64 },
	{ "SCMP_ARCH_PPC", AUDIT_ARCH_PPC },
	{ "SCMP_ARCH_PPC64", AUDIT_ARCH_PPC64 },
	{ "SCMP_ARCH_PPC64LE", AUDIT_ARCH_PPC64LE },
	{ "SCMP_ARCH_RISCV64", AUDIT_ARCH_RISCV64 },
	{ "SCMP_ARCH_S390", AUDIT_ARCH_S390 },
	{ "SCMP_ARCH_S390X", AUDIT_ARCH_S390X },
	{ "SCMP_ARCH_SH", AUDIT_ARCH_SHEL },
	{ "SCMP_ARCH_SHEB", AUDIT_ARCH_SH },
	{ "SCMP_ARCH_X32", SPEC_ARCH_X32 },
	{ "SCMP_ARCH_X86", AUDIT_ARCH_I386 },
	{ "SCMP_ARCH_X86_64", AUDIT_ARCH_X86_64 },
	{ NULL, 0 },
};
const struct json_enum spec_seccomp_archs = { "seccomp architecture", archs };

static const struct json_name seccomp_flags[] = {
	SAME(SECCOMP_FILTER_FLAG_LOG),
	SAME(SECCOMP_FILTER_FLAG_SPEC_ALLOW),
	SAME(SECCOMP_FILTER_FLAG_TSYNC),
	SAME(SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV),
	{ NULL, 0 },
};
const struct json_enum spec_seccomp_flags = { "seccomp flag", seccomp_flags };
