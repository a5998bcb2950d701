/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "runtime/policy/policy-text.h"
#include "src/base/text.h"

/*
 * "NAME@husk": calls that are needed, or dangerous, together. A call is in one group at most, so
 * that groups can be put together without meeting. They hold the calls of all architectures; what
 * one of them has not is left out there.
 */

static const char *const group_admin[] = {
	"acct",        "bpf",           "fanotify_init", "fanotify_mark", "lsm_set_self_attr",
	"mbind",       "migrate_pages", "move_pages",    "nfsservctl",    "open_by_handle_at",
	"personality", "quotactl",      "quotactl_fd",   "set_mempolicy", "setdomainname",
	"sethostname", "syslog",        "userfaultfd",   "vhangup",       NULL,
};

static const char *const group_aio[] = {
	"io_cancel", "io_destroy", "io_getevents", "io_pgetevents", "io_pgetevents_time64",
	"io_setup",  "io_submit",  NULL,
};

static const char *const group_basic_io[] = {
	"_llseek",  "close",   "close_range", "dup",     "dup2",     "dup3",
	"lseek",    "pread64", "preadv",      "preadv2", "pwrite64", "pwritev",
	"pwritev2", "read",    "readv",       "write",   "writev",   NULL,
};

static const char *const group_chown[] = {
	"chown", "chown32", "fchown", "fchown32", "fchownat", "lchown", "lchown32", NULL,
};

static const char *const group_clock_get[] = {
	"clock_getres",  "clock_getres_time64",
	"clock_gettime", "clock_gettime64",
	"gettimeofday",  "time",
	"times",         NULL,
};

static const char *const group_clock_set[] = {
	"adjtimex",        "clock_adjtime", "clock_adjtime64", "clock_settime",
	"clock_settime64", "settimeofday",  "stime",           NULL,
};

static const char *const group_debug[] = {
	"kcmp",
	"lookup_dcookie",
	"perf_event_open",
	"pidfd_getfd",
	"process_madvise",
	"process_mrelease",
	"process_vm_readv",
	"process_vm_writev",
	"ptrace",
	"rtas",
	"s390_runtime_instr",
	"sys_debug_setcontext",
	NULL,
};

static const char *const group_event[] = {
	"_newselect",      "epoll_create", "epoll_create1", "epoll_ctl",      "epoll_ctl_old",
	"epoll_pwait",     "epoll_pwait2", "epoll_wait",    "epoll_wait_old", "eventfd",
	"eventfd2",        "poll",         "ppoll",         "ppoll_time64",   "pselect6",
	"pselect6_time64", "select",       "signalfd",      "signalfd4",      NULL,
};

static const char *const group_file_descriptor[] = {
	"arm_fadvise64_64",
	"arm_sync_file_range",
	"cachestat",
	"copy_file_range",
	"fadvise64",
	"fadvise64_64",
	"fallocate",
	"fcntl",
	"fcntl64",
	"fdatasync",
	"flock",
	"fsync",
	"ftruncate",
	"ftruncate64",
	"memfd_create",
	"pipe",
	"pipe2",
	"readahead",
	"sendfile",
	"sendfile64",
	"splice",
	"sync_file_range",
	"sync_file_range2",
	"tee",
	"vmsplice",
	NULL,
};

static const char *const group_file_read[] = {
	"access",
	"chdir",
	"faccessat",
	"faccessat2",
	"fchdir",
	"fgetxattr",
	"file_getattr",
	"flistxattr",
	"fstat",
	"fstat64",
	"fstatat64",
	"fstatfs",
	"fstatfs64",
	"getcwd",
	"getdents",
	"getdents64",
	"getxattr",
	"getxattrat",
	"inotify_add_watch",
	"inotify_init",
	"inotify_init1",
	"inotify_rm_watch",
	"lgetxattr",
	"listxattr",
	"listxattrat",
	"llistxattr",
	"lstat",
	"lstat64",
	"name_to_handle_at",
	"newfstatat",
	"oldfstat",
	"oldlstat",
	"oldstat",
	"open",
	"openat",
	"openat2",
	"readdir",
	"readlink",
	"readlinkat",
	"stat",
	"stat64",
	"statfs",
	"statfs64",
	"statx",
	NULL,
};

static const char *const group_file_write[] = {
	"chmod",
	"creat",
	"fchmod",
	"fchmodat",
	"fchmodat2",
	"file_setattr",
	"fremovexattr",
	"fsetxattr",
	"futimesat",
	"link",
	"linkat",
	"lremovexattr",
	"lsetxattr",
	"mkdir",
	"mkdirat",
	"mknod",
	"mknodat",
	"removexattr",
	"removexattrat",
	"rename",
	"renameat",
	"renameat2",
	"rmdir",
	"setxattr",
	"setxattrat",
	"symlink",
	"symlinkat",
	"sync",
	"syncfs",
	"truncate",
	"truncate64",
	"umask",
	"unlink",
	"unlinkat",
	"utime",
	"utimensat",
	"utimensat_time64",
	"utimes",
	NULL,
};

static const char *const group_identity[] = {
	"capget",   "getegid",     "getegid32",   "geteuid",     "geteuid32", "getgid",
	"getgid32", "getgroups",   "getgroups32", "getpgid",     "getpgrp",   "getpid",
	"getppid",  "getpriority", "getresgid",   "getresgid32", "getresuid", "getresuid32",
	"getsid",   "gettid",      "getuid",      "getuid32",    NULL,
};

static const char *const group_io_uring[] = {
	"io_uring_enter",
	"io_uring_register",
	"io_uring_setup",
	NULL,
};

static const char *const group_ipc[] = {
	"ipc",
	"mq_getsetattr",
	"mq_notify",
	"mq_open",
	"mq_timedreceive",
	"mq_timedreceive_time64",
	"mq_timedsend",
	"mq_timedsend_time64",
	"mq_unlink",
	"msgctl",
	"msgget",
	"msgrcv",
	"msgsnd",
	"semctl",
	"semget",
	"semop",
	"semtimedop",
	"semtimedop_time64",
	"shmat",
	"shmctl",
	"shmdt",
	"shmget",
	NULL,
};

static const char *const group_keyring[] = {
	"add_key",
	"keyctl",
	"request_key",
	NULL,
};

static const char *const group_limits[] = {
	"getrlimit", "getrusage", "prlimit64", "setrlimit", "ugetrlimit", NULL,
};

static const char *const group_memory[] = {
	"brk",
	"get_mempolicy",
	"madvise",
	"map_shadow_stack",
	"membarrier",
	"memfd_secret",
	"mincore",
	"mlock",
	"mlock2",
	"mlockall",
	"mmap",
	"mmap2",
	"mprotect",
	"mremap",
	"mseal",
	"msync",
	"munlock",
	"munlockall",
	"munmap",
	"pkey_alloc",
	"pkey_free",
	"pkey_mprotect",
	"remap_file_pages",
	"set_mempolicy_home_node",
	NULL,
};

static const char *const group_module[] = {
	"create_module", "delete_module", "finit_module", "get_kernel_syms",
	"init_module",   "query_module",  NULL,
};

static const char *const group_mount[] = {
	"chroot",    "fsconfig",      "fsmount",    "fsopen",    "fspick",         "listmount",
	"mount",     "mount_setattr", "move_mount", "open_tree", "open_tree_attr", "pivot_root",
	"statmount", "umount",        "umount2",    NULL,
};

static const char *const group_namespace[] = {
	"listns",
	"setns",
	"unshare",
	NULL,
};

static const char *const group_network[] = {
	"accept",      "accept4",         "bind",       "connect",  "getpeername",
	"getsockname", "getsockopt",      "listen",     "recv",     "recvfrom",
	"recvmmsg",    "recvmmsg_time64", "recvmsg",    "send",     "sendmmsg",
	"sendmsg",     "sendto",          "setsockopt", "shutdown", NULL,
};

static const char *const group_obsolete[] = {
	"_sysctl", "afs_syscall", "bdflush",  "break",    "ftime",   "getpmsg",
	"gtty",    "idle",        "lock",     "mpx",      "prof",    "profil",
	"putpmsg", "security",    "sgetmask", "ssetmask", "stty",    "sysfs",
	"tuxcall", "ulimit",      "uselib",   "ustat",    "vserver", NULL,
};

static const char *const group_process[] = {
	"arch_prctl",
	"capset",
	"execve",
	"execveat",
	"exit",
	"exit_group",
	"fork",
	"kill",
	"pidfd_open",
	"pidfd_send_signal",
	"prctl",
	"rt_sigqueueinfo",
	"rt_tgsigqueueinfo",
	"setpgid",
	"setsid",
	"tgkill",
	"tkill",
	"vfork",
	"wait4",
	"waitid",
	"waitpid",
	NULL,
};

static const char *const group_raw_io[] = {
	"ioperm", "iopl", "pciconfig_iobase", "pciconfig_read", "pciconfig_write", NULL,
};

static const char *const group_reboot[] = {
	"kexec_file_load",
	"kexec_load",
	"reboot",
	NULL,
};

static const char *const group_runtime[] = {
	"cacheflush",         "futex",           "futex_requeue",
	"futex_time64",       "futex_wait",      "futex_waitv",
	"futex_wake",         "get_robust_list", "get_thread_area",
	"getrandom",          "modify_ldt",      "restart_syscall",
	"riscv_flush_icache", "riscv_hwprobe",   "rseq",
	"rseq_slice_yield",   "set_robust_list", "set_thread_area",
	"set_tid_address",    "set_tls",         NULL,
};

static const char *const group_sandbox[] = {
	"landlock_add_rule", "landlock_create_ruleset", "landlock_restrict_self", "seccomp", NULL,
};

static const char *const group_scheduling[] = {
	"getcpu",
	"ioprio_get",
	"ioprio_set",
	"nice",
	"sched_get_priority_max",
	"sched_get_priority_min",
	"sched_getaffinity",
	"sched_getattr",
	"sched_getparam",
	"sched_getscheduler",
	"sched_rr_get_interval",
	"sched_rr_get_interval_time64",
	"sched_setaffinity",
	"sched_setattr",
	"sched_setparam",
	"sched_setscheduler",
	"sched_yield",
	"setpriority",
	NULL,
};

static const char *const group_setuid[] = {
	"setfsgid",   "setfsgid32",  "setfsuid",    "setfsuid32",  "setgid",
	"setgid32",   "setgroups",   "setgroups32", "setregid",    "setregid32",
	"setresgid",  "setresgid32", "setresuid",   "setresuid32", "setreuid",
	"setreuid32", "setuid",      "setuid32",    NULL,
};

static const char *const group_signal[] = {
	"pause",        "rt_sigaction",  "rt_sigpending",   "rt_sigprocmask",
	"rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait", "rt_sigtimedwait_time64",
	"sigaction",    "sigaltstack",   "signal",          "sigpending",
	"sigprocmask",  "sigreturn",     "sigsuspend",      NULL,
};

static const char *const group_swap[] = {
	"swapoff",
	"swapon",
	NULL,
};

static const char *const group_system_info[] = {
	"oldolduname", "olduname", "sysinfo", "uname", NULL,
};

static const char *const group_timer[] = {
	"alarm",
	"clock_nanosleep",
	"clock_nanosleep_time64",
	"getitimer",
	"nanosleep",
	"setitimer",
	"timer_create",
	"timer_delete",
	"timer_getoverrun",
	"timer_gettime",
	"timer_gettime64",
	"timer_settime",
	"timer_settime64",
	"timerfd_create",
	"timerfd_gettime",
	"timerfd_gettime64",
	"timerfd_settime",
	"timerfd_settime64",
	NULL,
};

static const struct {
	const char *name;
	const char *const *names;
} groups[] = {
	{ "admin@husk", group_admin },
	{ "aio@husk", group_aio },
	{ "basic-io@husk", group_basic_io },
	{ "chown@husk", group_chown },
	{ "clock-get@husk", group_clock_get },
	{ "clock-set@husk", group_clock_set },
	{ "debug@husk", group_debug },
	{ "event@husk", group_event },
	{ "file-descriptor@husk", group_file_descriptor },
	{ "file-read@husk", group_file_read },
	{ "file-write@husk", group_file_write },
	{ "identity@husk", group_identity },
	{ "io-uring@husk", group_io_uring },
	{ "ipc@husk", group_ipc },
	{ "keyring@husk", group_keyring },
	{ "limits@husk", group_limits },
	{ "memory@husk", group_memory },
	{ "module@husk", group_module },
	{ "mount@husk", group_mount },
	{ "namespace@husk", group_namespace },
	{ "network@husk", group_network },
	{ "obsolete@husk", group_obsolete },
	{ "process@husk", group_process },
	{ "raw-io@husk", group_raw_io },
	{ "reboot@husk", group_reboot },
	{ "runtime@husk", group_runtime },
	{ "sandbox@husk", group_sandbox },
	{ "scheduling@husk", group_scheduling },
	{ "setuid@husk", group_setuid },
	{ "signal@husk", group_signal },
	{ "swap@husk", group_swap },
	{ "system-info@husk", group_system_info },
	{ "timer@husk", group_timer },
};

const char *const *policy_group_find(const char *name, size_t length, bool *known_namespace)
{
	const char *at = memchr(name, '@', length);
	size_t behind = at ? length - (size_t)(at + 1 - name) : 0;

	*known_namespace = behind == 4 && memcmp(at + 1, "husk", 4) == 0;
	for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
		if (strlen(groups[i].name) == length && memcmp(groups[i].name, name, length) == 0)
			return groups[i].names;
	return NULL;
}

const char *policy_group_at(size_t index, const char *const **names)
{
	if (index >= sizeof groups / sizeof *groups)
		return NULL;
	*names = groups[index].names;
	return groups[index].name;
}
