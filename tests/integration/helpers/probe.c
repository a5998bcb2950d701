/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints what a process has been given, from inside a container. Linked
 * statically, so that it runs in a root file system without any library; some
 * words (subreap, runner, idmap) are for the host's side of a test.
 *
 * Raw system calls where the C library of Debian 12 has no wrapper.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* linux/sched/types.h cannot be included beside sched.h. */
struct attr {
	uint32_t size;
	uint32_t policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime;
	uint64_t deadline;
	uint64_t period;
	uint32_t util_min;
	uint32_t util_max;
};

static int report(long result)
{
	if (result < 0)
		printf("errno %d %s\n", errno, strerrorname_np(errno));
	else
		printf("ok %ld\n", result);
	return 0;
}

/* The open descriptors and what they are; nothing is opened to find out. */
static int do_fds(char **args)
{
	char path[64], link[256];
	ssize_t len;

	(void)args;
	for (int fd = 0; fd < 1024; fd++) {
		if (fcntl(fd, F_GETFD) < 0)
			continue;
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		len = readlink(path, link, sizeof(link) - 1);
		link[len < 0 ? 0 : len] = '\0';
		printf("%d %s\n", fd, link);
	}
	return 0;
}

static int do_sched(char **args)
{
	struct attr a = { .size = sizeof(a) };

	(void)args;
	if (syscall(SYS_sched_getattr, 0, &a, sizeof(a), 0) < 0)
		return report(-1);
	printf("policy %u nice %d priority %u flags %llu runtime %llu deadline %llu period %llu\n",
	       a.policy, a.nice, a.priority, (unsigned long long)a.flags,
	       (unsigned long long)a.runtime, (unsigned long long)a.deadline,
	       (unsigned long long)a.period);
	return 0;
}

static int do_ioprio(char **args)
{
	long v = syscall(SYS_ioprio_get, 1, 0);

	(void)args;
	if (v < 0)
		return report(v);
	printf("class %ld priority %ld\n", v >> 13, v & 0x1fff);
	return 0;
}

static int do_mempolicy(char **args)
{
	unsigned long nodes[16] = { 0 };
	int mode = 0;

	(void)args;
	if (syscall(SYS_get_mempolicy, &mode, nodes, sizeof(nodes) * 8, 0, 0) < 0)
		return report(-1);
	printf("mode %d nodes 0x%lx\n", mode, nodes[0]);
	return 0;
}

static int do_personality(char **args)
{
	(void)args;
	printf("0x%x\n", personality(0xffffffff));
	return 0;
}

/* syscall NUMBER [ARGUMENT...] */
static int do_syscall(char **args)
{
	unsigned long v[7] = { 0 };

	for (int i = 0; i < 7 && args[i]; i++)
		v[i] = strtoul(args[i], NULL, 0);
	return report(syscall((long)v[0], v[1], v[2], v[3], v[4], v[5], v[6]));
}

/* The same through the 32-bit gate: seccomp sees AUDIT_ARCH_I386. */
static int do_syscall32(char **args)
{
#ifdef __x86_64__
	unsigned long v[4] = { 0 };
	long result;

	for (int i = 0; i < 4 && args[i]; i++)
		v[i] = strtoul(args[i], NULL, 0);
	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(v[0]), "b"(v[1]), "c"(v[2]), "d"(v[3])
			 : "memory", "r8", "r9", "r10", "r11");
	result = (int)result;
	if (result < 0) {
		errno = (int)-result;
		result = -1;
	}
	return report(result);
#else
	(void)args;
	puts("unsupported");
	return 2;
#endif
}

static int do_keyring(char **args)
{
	(void)args;
	return report(syscall(SYS_keyctl, 0, -3, 0));
}

/* alloc MIB: touch that much memory, so that it counts */
static int do_alloc(char **args)
{
	size_t mib = args[0] ? strtoul(args[0], NULL, 0) : 1;
	char *p = mmap(NULL, mib << 20, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return report(-1);
	for (size_t i = 0; i < mib << 20; i += 4096)
		p[i] = 1;
	puts("touched");
	return 0;
}

/* spawn N: how many of N children could be made */
static int do_spawn(char **args)
{
	int n = args[0] ? atoi(args[0]) : 1, made = 0;
	pid_t pids[256];

	for (int i = 0; i < n && i < 256; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			pause();
			_exit(0);
		}
		if (pid > 0)
			pids[made++] = pid;
	}
	printf("made %d\n", made);
	fflush(stdout);
	for (int i = 0; i < made; i++)
		kill(pids[i], SIGKILL);
	return 0;
}

static int do_tty(char **args)
{
	struct winsize w = { 0 };
	char name[128] = "none";
	int ctty = open("/dev/tty", O_RDWR | O_NOCTTY);

	(void)args;
	ttyname_r(0, name, sizeof(name));
	ioctl(0, TIOCGWINSZ, &w);
	printf("name %s controlling %s session %s rows %d cols %d\n",
	       isatty(0) ? name : "none", ctty >= 0 ? "yes" : "no",
	       getsid(0) == getpid() ? "leader" : "member", w.ws_row, w.ws_col);
	return 0;
}

static int do_clocks(char **args)
{
	struct timespec m, b;

	(void)args;
	clock_gettime(CLOCK_MONOTONIC, &m);
	clock_gettime(CLOCK_BOOTTIME, &b);
	printf("%lld %lld\n", (long long)m.tv_sec, (long long)b.tv_sec);
	return 0;
}

/* notify TEXT: one datagram to $NOTIFY_SOCKET, as sd_notify() does */
static int do_notify(char **args)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (!path || !args[0] || strlen(path) >= sizeof(sun.sun_path)) {
		puts("no socket");
		return 1;
	}
	strcpy(sun.sun_path, path);
	return report(sendto(fd, args[0], strlen(args[0]), 0,
			     (struct sockaddr *)&sun, sizeof(sun)));
}

static int do_prctl(char **args)
{
	(void)args;
	printf("dumpable %d no_new_privs %d securebits %d keepcaps %d pdeathsig ",
	       prctl(PR_GET_DUMPABLE), prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0),
	       prctl(PR_GET_SECUREBITS), prctl(PR_GET_KEEPCAPS));
	int sig = 0;

	prctl(PR_GET_PDEATHSIG, &sig);
	printf("%d\n", sig);
	return 0;
}

/* Signals blocked or ignored at the start: nothing should be. */
static int do_signals(char **args)
{
	sigset_t set;

	(void)args;
	sigprocmask(SIG_BLOCK, NULL, &set);
	for (int sig = 1; sig < 65; sig++) {
		struct sigaction sa;

		if (sigismember(&set, sig) == 1)
			printf("blocked %d\n", sig);
		if (sigaction(sig, NULL, &sa) == 0 && sa.sa_handler == SIG_IGN)
			printf("ignored %d\n", sig);
	}
	puts("end");
	return 0;
}

/* open PATH MODE: open() as such, r w or d (directory) */
static int do_open(char **args)
{
	int flags = O_RDONLY;

	if (!args[0])
		return 2;
	if (args[1] && *args[1] == 'w')
		flags = O_WRONLY;
	if (args[1] && *args[1] == 'd')
		flags = O_RDONLY | O_DIRECTORY;
	return report(open(args[0], flags | O_CLOEXEC) < 0 ? -1 : 0);
}

/*
 * idmap PATH: whether this file system can be idmapped here, found out on a
 * detached clone that nobody sees.
 */
static int do_idmap(char **args)
{
	struct { uint64_t set, clear, propagation, userns_fd; } attr = { .set = 0x00100000 };
	char path[64], map[] = "0 100000 10";
	int tree, fd, ready[2];
	pid_t pid;
	char c;

	if (!args[0] || pipe2(ready, O_CLOEXEC) < 0)
		return 2;
	pid = fork();
	if (pid == 0) {
		if (unshare(CLONE_NEWUSER) == 0 && write(ready[1], "x", 1) == 1)
			pause();
		_exit(0);
	}
	close(ready[1]);
	if (pid < 0 || read(ready[0], &c, 1) != 1)
		return 2;
	snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, map, strlen(map)) < 0)
		return 2;
	close(fd);
	snprintf(path, sizeof(path), "/proc/%d/gid_map", pid);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, map, strlen(map)) < 0)
		return 2;
	close(fd);
	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	attr.userns_fd = (uint64_t)open(path, O_RDONLY | O_CLOEXEC);
	tree = (int)syscall(428, AT_FDCWD, args[0], 1 | O_CLOEXEC); /* open_tree, CLONE */
	fd = tree < 0 ? -1 : (int)syscall(442, tree, "", AT_EMPTY_PATH, &attr, sizeof(attr));
	report(fd);
	kill(pid, SIGKILL);
	return fd < 0;
}

/*
 * subreap COMMAND...: run it and adopt whatever it leaves behind, as a shim of
 * an engine does. Prints nothing; exits with the command's status once no
 * child is left.
 */
static int do_subreap(char **args)
{
	int st, result = 1;
	pid_t pid, got;

	if (!args[0] || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return 2;
	pid = fork();
	if (pid == 0) {
		execvp(args[0], args);
		_exit(127);
	}
	while ((got = wait(&st)) > 0 || errno == EINTR)
		if (got == pid)
			result = WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st);
	return result;
}

/*
 * runner COMMAND...: run it and reap at once what its descendants leave behind.
 * A pid namespace ends only when the last of its processes has been reaped, and
 * on some machines pid 1 takes a second over that. Ends with the command.
 */
static int do_runner(char **args)
{
	pid_t pid, got;
	int st;

	if (!args[0] || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return 2;
	pid = fork();
	if (pid == 0) {
		execvp(args[0], args);
		_exit(127);
	}
	while ((got = wait(&st)) > 0 || errno == EINTR)
		if (got == pid)
			return WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st);
	return 1;
}

static const struct {
	const char *name;
	int (*call)(char **args);
} words[] = {
	{ "fds", do_fds },
	{ "sched", do_sched },
	{ "ioprio", do_ioprio },
	{ "mempolicy", do_mempolicy },
	{ "personality", do_personality },
	{ "syscall", do_syscall },
	{ "syscall32", do_syscall32 },
	{ "keyring", do_keyring },
	{ "alloc", do_alloc },
	{ "spawn", do_spawn },
	{ "tty", do_tty },
	{ "clocks", do_clocks },
	{ "notify", do_notify },
	{ "prctl", do_prctl },
	{ "signals", do_signals },
	{ "open", do_open },
	{ "idmap", do_idmap },
	{ "subreap", do_subreap },
	{ "runner", do_runner },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(argv[1], words[i].name) == 0)
			return words[i].call(argv + 2);
	fprintf(stderr, "probe: unknown word\n");
	return 2;
}
