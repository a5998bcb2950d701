/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_BASE_KERNEL_H
#define HUSK_BASE_KERNEL_H

/*
 * The one place for kernel interfaces that are newer than the headers of the
 * oldest supported distribution (Debian 12: glibc 2.36, Linux 6.1 headers),
 * and for system calls that glibc does not wrap.
 */

#include <linux/openat2.h>
#include <linux/sched.h>
#include <sched.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif
#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL
#endif

/* Magic numbers that <linux/magic.h> of some libcs lacks. */
#define KERNEL_PROC_SUPER_MAGIC    0x9fa0
#define KERNEL_SYSFS_MAGIC         0x62656572
#define KERNEL_CGROUP_SUPER_MAGIC  0x27e0eb
#define KERNEL_CGROUP2_SUPER_MAGIC 0x63677270
#define KERNEL_TMPFS_MAGIC         0x01021994

/* seccomp(2) flags and returns: WAIT_KILLABLE_RECV is Linux 5.19. */
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif
/* Flags of a listener, set by ioctl(2) with a pointer's worth of bits: Linux 6.6. */
#define KERNEL_SECCOMP_NOTIF_SYNC_WAKE_UP 1UL
#define KERNEL_SECCOMP_NOTIF_SET_FLAGS    _IOW('!', 4, uint64_t)

/* mount_setattr(2): NOSYMFOLLOW is Linux 5.14, IDMAP 5.12. */
#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000
#endif
#ifndef MS_NOSYMFOLLOW
#define MS_NOSYMFOLLOW 256
#endif

/*
 * sched_setattr(2). glibc has the structure since 2.41 only, and <linux/sched/types.h> collides with
 * <sched.h> on some; the tail from util_min on is Linux 5.3.
 */
struct kernel_sched_attr {
	uint32_t size, sched_policy;
	uint64_t sched_flags;
	int32_t sched_nice;
	uint32_t sched_priority;
	uint64_t sched_runtime, sched_deadline, sched_period; /* nanoseconds */
	uint32_t sched_util_min, sched_util_max;
};

/* set_mempolicy(2) modes and flags: PREFERRED_MANY is Linux 5.15, WEIGHTED_INTERLEAVE 6.9. */
#define KERNEL_MPOL_PREFERRED_MANY      5
#define KERNEL_MPOL_WEIGHTED_INTERLEAVE 6

static inline int kernel_openat2(int dirfd, const char *path, struct open_how *how)
{
	return (int)syscall(SYS_openat2, dirfd, path, how, sizeof *how);
}

static inline pid_t kernel_clone3(struct clone_args *args)
{
	return (pid_t)syscall(SYS_clone3, args, sizeof *args);
}

static inline int kernel_pidfd_open(pid_t pid, unsigned flags)
{
	return (int)syscall(SYS_pidfd_open, pid, flags);
}

/* What a pidfd is of, by ioctl(2): Linux 6.13 (linux/pidfd.h). */
struct kernel_pidfd_info {
	uint64_t mask, cgroupid;
	uint32_t pid, tgid, ppid; /* in the namespace of who asks; 0: not to be seen there */
	uint32_t ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
	int32_t exit_code;
};
#define KERNEL_PIDFD_GET_INFO _IOWR(0xff, 11, struct kernel_pidfd_info)

static inline int kernel_pidfd_send_signal(int pidfd, int sig)
{
	return (int)syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0);
}

static inline int kernel_pivot_root(const char *new_root, const char *put_old)
{
	return (int)syscall(SYS_pivot_root, new_root, put_old);
}

static inline int kernel_sched_setattr(pid_t pid, struct kernel_sched_attr *attr, unsigned flags)
{
	return (int)syscall(SYS_sched_setattr, pid, attr, flags);
}

static inline int kernel_ioprio_set(int which, int who, int ioprio)
{
	return (int)syscall(SYS_ioprio_set, which, who, ioprio);
}

static inline int kernel_set_mempolicy(int mode, const unsigned long *nodes, unsigned long max_node)
{
	return (int)syscall(SYS_set_mempolicy, mode, nodes, max_node);
}

static inline int kernel_close_range(unsigned first, unsigned last, unsigned flags)
{
	return (int)syscall(SYS_close_range, first, last, flags);
}

#endif
