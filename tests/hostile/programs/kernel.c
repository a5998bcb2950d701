/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's rarer entrances. Numbers are those of x86-64 where the headers may not have them. */
#include <fcntl.h>
#include <grp.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "tests/hostile/programs/hostile.h"

static int io_uring(void)
{
	char params[256] = { 0 };

	REFUSED(syscall(SYS_io_uring_setup, 8, params));
	REFUSED(syscall(SYS_io_uring_enter, 0, 1, 0, 0, 0, 0));
	REFUSED(syscall(SYS_io_uring_register, 0, 0, 0, 0));
	return through;
}

static int odd_calls(void)
{
	char attributes[128] = { 0 };

	REFUSED(syscall(SYS_userfaultfd, 0));
	REFUSED(syscall(SYS_userfaultfd, 1));
	REFUSED(syscall(SYS_bpf, 0, attributes, sizeof attributes));
	REFUSED(syscall(SYS_bpf, 5, attributes, sizeof attributes));
	REFUSED(syscall(SYS_perf_event_open, attributes, 0, -1, -1, 0));
	REFUSED(syscall(SYS_fanotify_init, 0, 0));
	REFUSED(syscall(SYS_syslog, 3, attributes, sizeof attributes));
	REFUSED(syscall(SYS_acct, 0));
	REFUSED(syscall(SYS_quotactl, 0, 0, 0, 0));
	REFUSED(syscall(SYS_vhangup));
	REFUSED(syscall(SYS_open_by_handle_at, -1, attributes, 0));
	REFUSED(syscall(SYS_process_madvise, -1, 0, 0, 0, 0));
	REFUSED(syscall(SYS_move_pages, 1, 0, 0, 0, 0, 0));
	REFUSED(syscall(SYS_migrate_pages, 1, 0, 0, 0));
	REFUSED(syscall(SYS_kcmp, 1, getpid(), 0, 0, 0));
	REFUSED(personality(READ_IMPLIES_EXEC));
	return through;
}

static int clocks_and_names(void)
{
	struct timeval then = { 1, 1 };
	struct timespec soon = { 1, 1 };

	REFUSED(settimeofday(&then, NULL));
	REFUSED(syscall(SYS_clock_settime, 0, &soon));
	REFUSED(sethostname("hostile", 7));
	REFUSED(setdomainname("hostile", 7));
	return through;
}

static int keyrings(void)
{
	REFUSED(syscall(SYS_add_key, "user", mark, "x", 1, KEY_SPEC_USER_KEYRING));
	REFUSED(syscall(SYS_add_key, "user", mark, "x", 1, KEY_SPEC_SESSION_KEYRING));
	REFUSED(syscall(SYS_request_key, "user", mark, NULL, 0));
	REFUSED(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 1));
	REFUSED(syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL));
	return through;
}

static int mounts(void)
{
	REFUSED(mount("none", "/tmp", "tmpfs", 0, ""));
	REFUSED(mount("/usr", "/tmp", NULL, MS_BIND, NULL));
	REFUSED(mount(NULL, "/usr", NULL, MS_REMOUNT | MS_BIND, NULL));
	REFUSED(mount(NULL, "/", NULL, MS_SHARED | MS_REC, NULL));
	REFUSED(mount("proc", "/tmp", "proc", 0, NULL));
	REFUSED(umount2("/proc", MNT_DETACH));
	REFUSED(umount2("/etc/shadow", MNT_DETACH));
	REFUSED(syscall(SYS_pivot_root, "/tmp", "/tmp"));
	REFUSED(syscall(428, AT_FDCWD, "/usr", 1)); /* open_tree */
	REFUSED(syscall(429, -1, "", AT_FDCWD, "/tmp", 4)); /* move_mount */
	REFUSED(syscall(430, "tmpfs", 0)); /* fsopen */
	REFUSED(syscall(433, AT_FDCWD, "/usr", 0)); /* fspick */
	REFUSED(syscall(442, AT_FDCWD, "/usr", 0, "", 0)); /* mount_setattr */
	return through;
}

static int new_namespace(void *arg)
{
	(void)arg;
	return 0;
}

static int namespaces(void)
{
	static const int flags[] = { CLONE_NEWUSER, CLONE_NEWNS,  CLONE_NEWPID,	   CLONE_NEWNET,
				     CLONE_NEWIPC,  CLONE_NEWUTS, CLONE_NEWCGROUP, 0x80 /* time */ };
	static const char *const names[] = { "user", "mnt", "pid", "net", "ipc", "uts", "cgroup" };
	static char stack[1 << 16];
	unsigned long clone3[11] = { 0 };
	char path[64];

	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
		REFUSED(unshare(flags[i]));
		if (flags[i] != 0x80)
			REFUSED(clone(new_namespace, stack + sizeof stack, flags[i] | SIGCHLD, NULL));
		clone3[0] = (unsigned long)flags[i];
		REFUSED(syscall(SYS_clone3, clone3, sizeof clone3));
	}
	REFUSED(unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID));
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(path, sizeof path, "/proc/self/ns/%s", names[i]);
		int fd = open(path, O_RDONLY);
		REFUSED(setns(fd, 0));
	}
	return through;
}

static int powers(void)
{
	struct sched_param first = { .sched_priority = 50 };
	struct rlimit more = { RLIM_INFINITY, RLIM_INFINITY };
	struct {
		unsigned version;
		int pid;
	} head = { 0x20080522, 0 };
	unsigned all[6] = { ~0u, ~0u, ~0u, ~0u, ~0u, ~0u };

	REFUSED(syscall(SYS_capset, &head, all));
	REFUSED(prctl(PR_SET_MM, PR_SET_MM_EXE_FILE, 0, 0, 0));
	REFUSED(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 21, 0, 0));
	REFUSED(prctl(PR_SET_SECCOMP, 0, 0, 0, 0));
	if (prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0)
		got_through("no_new_privs is gone");
	REFUSED(sched_setscheduler(0, SCHED_FIFO, &first));
	REFUSED(setpriority(PRIO_PROCESS, 0, -5));
	/* A limit of 1 keeps core(5)'s programs from being started, too. */
	REFUSED(setrlimit(RLIMIT_CORE, &more));
	if (getuid() != 0)
		REFUSED(setuid(0));
	REFUSED(setuid(4321));
	REFUSED(setgroups(0, NULL));
	return through;
}

static int raw_sockets(void)
{
	static const int families[] = { AF_PACKET, AF_NETLINK, AF_ALG, AF_VSOCK, AF_KEY, AF_BLUETOOTH, AF_CAN, AF_TIPC, 44 };

	for (size_t i = 0; i < sizeof families / sizeof *families; i++)
		REFUSED(socket(families[i], SOCK_RAW, 7));
	REFUSED(socket(AF_INET, SOCK_RAW, 1));
	REFUSED(socket(AF_INET6, SOCK_RAW, 58));
	return through;
}

/* What of System V's is there outside has the number of the mark. */
static int ipc(void)
{
	key_t key = (key_t)strtoul(mark + strcspn(mark, "0123456789"), NULL, 10);
	int id = shmget(key, 1, 0);

	if (id >= 0 && shmctl(id, IPC_RMID, NULL) == 0)
		got_through("shared memory %d of another was removed", id);
	/* And some of its own, to be left behind. */
	shmget(key, 4096, IPC_CREAT | 0666);
	semget(key, 1, IPC_CREAT | 0666);
	msgget(key, IPC_CREAT | 0666);
	int queue = (int)syscall(SYS_mq_open, mark, O_CREAT | O_RDWR, 0666, NULL);
	if (queue >= 0)
		close(queue);
	return through;
}

/* Each of these the policy kills for. */
static int modules(void)
{
	return (int)syscall(SYS_init_module, "", 0, "");
}

static int finish_modules(void)
{
	return (int)syscall(SYS_finit_module, 0, "", 0);
}

static int kexec(void)
{
	return (int)syscall(SYS_kexec_load, 0, 0, NULL, 0);
}

/* With numbers that mean nothing, should it get through. */
static int reboot_machine(void)
{
	return (int)syscall(SYS_reboot, 0, 0, 0, NULL);
}

static int swap(void)
{
	return (int)syscall(SYS_swapon, "/nonexistent", 0);
}

#ifdef __x86_64__
static int ports(void)
{
	return (int)syscall(SYS_iopl, 3);
}

static int call_of_32_bits(void)
{
	long result;

	__asm__ volatile("int $0x80" : "=a"(result) : "a"(20) : "memory");
	return result == getpid() ? (got_through("int 0x80"), 1) : 0;
}

/* A number of x32. */
static int call_of_x32(void)
{
	if (syscall(0x40000000 | 39) == getpid())
		got_through("x32");
	return through;
}
#endif

/* From many threads at once, so that one may be missed. */
static int storm(void)
{
	for (int i = 0; i < 8; i++) {
		if (fork() == 0)
			for (;;)
				kexec();
	}
	sleep_forever();
}

/* Under handlers that come back to it. */
static void again(int sig)
{
	(void)sig;
	kexec();
}

static _Noreturn int stubborn(void)
{
	struct itimerval fast = { { 0, 200 }, { 0, 200 } };

	signal(SIGALRM, again);
	signal(SIGSYS, again);
	setitimer(ITIMER_REAL, &fast, NULL);
	for (;;)
		kexec();
}

static int core(void)
{
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };

	setrlimit(RLIMIT_CORE, &all);
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	if (chdir("/tmp") < 0)
		return 3;
	abort();
}

const struct attack kernel_attacks[] = {
	{ "io-uring", io_uring },
	{ "odd-calls", odd_calls },
	{ "clocks-and-names", clocks_and_names },
	{ "keyrings", keyrings },
	{ "mounts", mounts },
	{ "namespaces", namespaces },
	{ "powers", powers },
	{ "raw-sockets", raw_sockets },
	{ "ipc", ipc },
	{ "modules", modules },
	{ "finish-modules", finish_modules },
	{ "kexec", kexec },
	{ "reboot", reboot_machine },
	{ "swap", swap },
#ifdef __x86_64__
	{ "ports", ports },
	{ "call-of-32-bits", call_of_32_bits },
	{ "call-of-x32", call_of_x32 },
#endif
	{ "storm", storm },
	{ "stubborn", stubborn },
	{ "core", core },
	{ NULL, NULL },
};
