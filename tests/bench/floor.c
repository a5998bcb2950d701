/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor: the least time in which this kernel starts and removes one container.
 *
 *   floor [-m BYTES] [-s FILTER] ROOTFS PROGRAM [ARGUMENT...]
 *     -m BYTES   the container's memory limit
 *     -s FILTER  install the raw seccomp filter (struct sock_filter[]) in FILTER
 *
 * Exit status: the program's, 128 + n after signal n, 125 for floor's failures.
 *
 * A runtime's speed is given as a ratio to this, so it does everything that the
 * configuration which `spec` writes asks for, and nothing else: no
 * configuration is read, no state kept, no libc started (sys.h says why).
 *   - namespaces: pid, network (with lo up), ipc, uts, mount; cgroup on v2
 *   - one cgroup per mounted v1 hierarchy and in the unified one, or one on v2,
 *     with the default device rules
 *   - the root read-only, /proc, /dev with its nodes and links, devpts, shm,
 *     mqueue, /sys, /sys/fs/cgroup; masked and read-only paths
 *   - pivot_root, host name, capabilities, RLIMIT_NOFILE, no_new_privs
 *   - afterwards it waits, and removes the cgroups
 *
 * Two lanes work at the same time in one address space. The child makes its
 * namespaces, of which the network's alone takes a third of all the time, and
 * the mounts that must be made inside of them. Meanwhile the parent builds
 * what can be built outside: cgroups, and the trees of /dev and /sys/fs/cgroup,
 * detached. They meet twice, at mounts_ready and cgroups_ready.
 *
 * A comment with "us" says what a variant cost on the machine of README.md.
 */
#include "tests/bench/floor.h"

#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

struct box box;

static char child_stack[16384] __attribute__((aligned(16)));

void fail(const char *what, long error)
{
	char buffer[24];

	say("floor: ");
	say(what);
	say(": errno ");
	say(decimal(buffer, error));
	say("\n");
	/* The parent would leave the child waiting for ever, and its cgroups behind. */
	if (sys(getpid) == box.parent) {
		if (box.child > 0) {
			sys(kill, box.child, SIGKILL);
			sys(wait4, box.child, 0, 0, 0);
		}
		cgroups_remove();
	}
	for (;;)
		sys(exit_group, 125);
}

long check(long result, const char *what)
{
	if (result < 0)
		fail(what, -result);
	return result;
}

static void post(int *futex)
{
	__atomic_store_n(futex, 1, __ATOMIC_RELEASE);
	sys(futex, futex, FUTEX_WAKE, 1, 0, 0, 0);
}

/* Spins shortly: to sleep and be woken costs 10 to 60 us, more than most waits. */
void await(int *futex)
{
	for (int i = 0; i < 2000; i++) {
		if (__atomic_load_n(futex, __ATOMIC_ACQUIRE))
			return;
		__builtin_ia32_pause();
	}
	while (!__atomic_load_n(futex, __ATOMIC_ACQUIRE))
		sys(futex, futex, FUTEX_WAIT, 0, 0, 0, 0);
}

static void lo_up(void)
{
	struct ifreq request = { .ifr_name = "lo" };
	long fd = check(sys(socket, AF_INET, SOCK_DGRAM | O_CLOEXEC, 0), "socket");

	request.ifr_flags = IFF_UP | IFF_RUNNING;
	check(sys(ioctl, fd, SIOCSIFFLAGS, &request), "lo up");
	sys(close, fd);
}

#define KEPT (1ull << CAP_AUDIT_WRITE | 1ull << CAP_KILL | 1ull << CAP_NET_BIND_SERVICE)

static void bounding_set_drop(void)
{
	for (int i = 0; i <= CAP_LAST_CAP; i++)
		if (!(KEPT >> i & 1))
			sys(prctl, PR_CAPBSET_DROP, i, 0, 0, 0);
}

/* The configuration lists ambient capabilities too, but none can be: none is inheritable. */
static void credentials_drop(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = {
		{ .effective = (__u32)KEPT, .permitted = (__u32)KEPT },
	};

	check(sys(capset, &header, data), "capset");
	check(sys(prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
}

/* Read by the parent: the child cannot see the file. */
static void filter_read(void)
{
	static struct sock_filter rules[BPF_MAXINSNS];
	long fd, size;

	if (!box.filter_path)
		return;
	fd = check(sys(openat, AT_FDCWD, box.filter_path, O_RDONLY | O_CLOEXEC, 0),
		   box.filter_path);
	size = check(sys(read, fd, rules, sizeof(rules)), box.filter_path);
	box.filter.len = (unsigned short)((unsigned long)size / sizeof(rules[0]));
	box.filter.filter = rules;
	sys(close, fd);
}

static void child(void)
{
	static const char *const environment[] = {
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm", 0
	};
	struct rlimit64 files = { 1024, 1024 };

	check(sys(unshare, CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS), "unshare");
	lo_up();
	root_enter();
	mounts_inside();
	paths_mask();
	paths_readonly();
	root_pivot();
	check(sys(sethostname, "floor", 5), "host name");
	check(sys(prlimit64, 0, RLIMIT_NOFILE, &files, 0), "rlimit");
	bounding_set_drop();
	await(&box.cgroups_ready);
	cgroups_enter();
	credentials_drop();
	if (box.filter_path)
		check(sys(seccomp, SECCOMP_SET_MODE_FILTER, 0, &box.filter), "seccomp");
	fail(box.argv[0], -sys(execve, box.argv[0], box.argv, environment));
}

/* A wait status in the shell's words. */
static int exit_status(int status)
{
	return status & 0x7f ? 128 + (status & 0x7f) : status >> 8 & 0xff;
}

static void child_start(void)
{
	struct clone_args args = {
		.flags = CLONE_VM | CLONE_FILES | CLONE_NEWPID,
		.exit_signal = SIGCHLD,
		.stack = (__u64)child_stack,
		.stack_size = sizeof(child_stack),
	};

	if (box.unified >= 0 && !box.joins_late) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (__u64)box.unified_cgroup;
	}
	if (box.on_v2 && !box.joins_late)
		args.flags |= CLONE_NEWCGROUP;
	box.child = check(sys_clone3(&args, child), "clone3");
}

/*
 * Where memory is short, the kernel kills the child and whoever shares its
 * memory: the parent too. So with -m there is a third process, which stays
 * here until the others are gone, and removes the cgroups.
 */
static void watched(void)
{
	struct clone_args args = { .exit_signal = SIGCHLD };
	int status = 0, last;
	long pid;

	check(sys(prctl, PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "subreaper");
	pid = check(sys(clone3, &args, sizeof(args)), "clone3");
	if (pid == 0) {
		box.parent = sys(getpid);
		return;
	}
	for (long gone; (gone = sys(wait4, -1, &last, 0, 0)) > 0;)
		if (gone == pid)
			status = last;
	cgroups_remove();
	sys(exit_group, exit_status(status));
}

static int usage(void)
{
	say("usage: floor [-m BYTES] [-s FILTER] ROOTFS PROGRAM [ARGUMENT...]\n");
	return 125;
}

static int options_parse(int argc, char **argv)
{
	int first = 1;

	for (; first + 1 < argc && argv[first][0] == '-'; first += 2) {
		if (is(argv[first], "-m"))
			box.memory_limit = argv[first + 1];
		else if (is(argv[first], "-s"))
			box.filter_path = argv[first + 1];
		else
			return -1;
	}
	if (argc < first + 2)
		return -1;
	box.rootfs = argv[first];
	box.argv = argv + first + 1;
	return 0;
}

int main(int argc, char **argv)
{
	char buffer[24];
	int status = 0;

	if (options_parse(argc, argv) < 0)
		return usage();
	box.parent = sys(getpid);
	join(box.name, "floor", decimal(buffer, box.parent));
	box.name[sizeof("floor") - 1] = '.';
	cgroups_find();
	if (box.memory_limit) {
		box.joins_late = box.on_v2;
		watched();
	}
	cgroups_make_unified();
	child_start();
	/* After the child, which has its own and keeps what it was given. */
	sys(umask, 0);
	mounts_build();
	post(&box.mounts_ready);
	cgroups_make();
	filter_read();
	post(&box.cgroups_ready);
	check(sys(wait4, box.child, &status, 0, 0), "wait");
	cgroups_remove();
	return exit_status(status);
}
