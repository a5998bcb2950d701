/* SPDX-License-Identifier: Apache-2.0 */
/* Processes: too many, too long, hidden, stopped, and what they do to others. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "tests/hostile/programs/hostile.h"

static _Noreturn int fork_bomb(void)
{
	signal(SIGCHLD, SIG_IGN);
	for (;;)
		fork();
}

/* Gives up when it cannot have more. */
static int fork_until(void)
{
	for (int i = 0; i < 100000; i++) {
		pid_t pid = fork();
		if (pid < 0)
			return 3;
		if (pid == 0)
			sleep_forever();
	}
	got_through("100000 processes");
	return 1;
}

static void *thread(void *arg)
{
	(void)arg;
	sleep_forever();
}

static int threads(void)
{
	pthread_attr_t small;
	pthread_t id;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 1 << 16);
	for (int i = 0; i < 100000; i++) {
		if (pthread_create(&id, &small, thread, NULL) != 0)
			return 3;
	}
	got_through("100000 threads");
	return 1;
}

/* A process that is always another one. */
static _Noreturn void rabbit(void)
{
	for (;;) {
		if (fork() > 0)
			_exit(0);
	}
}

static int rabbits(void)
{
	if (fork() == 0)
		rabbit();
	sleep_forever();
}

/* In a session of its own, without descriptors, a name or an environment, and its parents gone. */
static int hidden(void (*what)(void))
{
	if (fork() == 0) {
		setsid();
		if (fork() == 0) {
			clearenv();
			prctl(PR_SET_NAME, "kworker/0:0", 0, 0, 0);
			prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
			what();
		}
		_exit(0);
	}
	wait(NULL);
	return 0;
}

static void do_spin(void)
{
	for (int fd = 0; fd < 3; fd++)
		close(fd);
	spin();
}

static void do_write(void)
{
	char data[4096];

	memset(data, 'x', sizeof data);
	for (;;)
		(void)!write(1, data, sizeof data);
}

static int leave_behind(void)
{
	return hidden(do_spin);
}

static int spin_hidden(void)
{
	for (int i = 0; i < 4; i++)
		hidden(do_spin);
	sleep_forever();
}

static int write_hidden(void)
{
	hidden(do_write);
	sleep_forever();
}

static int spin_on(void)
{
	spin();
}

static int sleep_on(void)
{
	sleep_forever();
}

static void ignore(int sig)
{
	(void)sig;
}

/* Nothing that can be ignored, blocked or handled ends it. */
static void be_deaf(void)
{
	sigset_t all;

	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, sig % 2 ? SIG_IGN : ignore);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
}

static int deaf_sleep(void)
{
	be_deaf();
	sleep_forever();
}

static int deaf_spin(void)
{
	be_deaf();
	spin();
}

static int stopped(void)
{
	raise(SIGSTOP);
	sleep_forever();
}

static int all_stopped(void)
{
	for (int i = 0; i < 8; i++)
		if (fork() == 0)
			sleep_forever();
	kill(-1, SIGSTOP);
	raise(SIGSTOP);
	sleep_forever();
}

/* The parent waits, and cannot be stopped, until the child executes something. */
static int in_vfork(void)
{
	if (vfork() == 0)
		for (;;)
			syscall(SYS_pause);
	return 0;
}

static int in_pipe(void)
{
	int ends[2];
	char c;

	be_deaf();
	return pipe(ends) < 0 || read(ends[0], &c, 1) != 1;
}

/* Both halves of an execution of which one thread does not go away. */
static int traced_stop(void)
{
	if (fork() == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		sleep_forever();
	}
	sleep_forever();
}

static int zombies(void)
{
	for (;;) {
		pid_t pid = fork();
		if (pid < 0)
			sleep_forever();
		if (pid == 0)
			_exit(0);
	}
}

/* To whoever has a number. All that may be hit is its own. */
static int signal_outsiders(void)
{
	/* Or it would be its own group. */
	if (outsider < 2)
		return 99;
	signal(SIGTERM, SIG_IGN);
	kill(-1, SIGTERM);
	REFUSED(kill(outsider, SIGKILL));
	REFUSED(syscall(SYS_tkill, outsider, SIGKILL));
	REFUSED(syscall(SYS_tgkill, outsider, outsider, SIGKILL));
	REFUSED(syscall(SYS_pidfd_open, outsider, 0));
	if (getppid() != 1)
		got_through("the parent is %d", getppid());
	for (int pid = 3; pid < 70000; pid++) {
		if (pid != getpid() && kill(pid, SIGKILL) == 0)
			got_through("process %d was there", pid);
	}
	return through;
}

/* Its own first process hands on what comes from outside; from inside it must not be moved. */
static int signal_first(void)
{
	siginfo_t forged = { .si_code = SI_QUEUE };
	/* Each would end it. */
	for (int sig = 1; sig < NSIG; sig++) {
		kill(1, sig);
		syscall(SYS_rt_sigqueueinfo, 1, sig, &forged);
	}
	struct timespec nap = { .tv_nsec = 300000000 };
	nanosleep(&nap, NULL);
	return through;
}

static int trace_neighbours(void)
{
	const int pids[] = { 1, getppid(), outsider };
	char path[64], data[16];

	for (size_t i = 0; i < 3; i++) {
		int pid = pids[i];
		struct iovec here = { data, sizeof data }, there = { (void *)0x400000, sizeof data };
		REFUSED(ptrace(PTRACE_ATTACH, pid, NULL, NULL));
		REFUSED(ptrace(PTRACE_SEIZE, pid, NULL, NULL));
		REFUSED(process_vm_readv(pid, &here, 1, &there, 1, 0));
		REFUSED(process_vm_writev(pid, &here, 1, &there, 1, 0));
		int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
		if (pidfd >= 0)
			REFUSED(syscall(SYS_pidfd_getfd, pidfd, 1, 0));
		static const char *const files[] = { "mem", "environ", "maps", "auxv", "syscall", "stack" };
		for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
			snprintf(path, sizeof path, "/proc/%d/%s", pid, files[f]);
			int fd = open(path, O_RDONLY);
			if (fd >= 0 && read(fd, data, sizeof data) > 0)
				got_through("%s", path);
		}
		static const char *const links[] = { "root", "cwd", "exe", "fd/1" };
		for (size_t l = 0; l < sizeof links / sizeof *links; l++) {
			snprintf(path, sizeof path, "/proc/%d/%s", pid, links[l]);
			REFUSED(open(path, O_PATH));
		}
	}
	return through;
}

static int fake_policy(void)
{
	return raise(SIGSYS);
}

static int fake_cpu(void)
{
	return raise(SIGXCPU);
}

static int fake_memory(void)
{
	return raise(SIGKILL);
}

static int fake_status(void)
{
	return 159;
}

static int fake_limit(void)
{
	return 137;
}

const struct attack process_attacks[] = {
	{ "fork-bomb", fork_bomb },
	{ "fork-until", fork_until },
	{ "threads", threads },
	{ "rabbits", rabbits },
	{ "leave-behind", leave_behind },
	{ "spin-hidden", spin_hidden },
	{ "write-hidden", write_hidden },
	{ "spin", spin_on },
	{ "sleep", sleep_on },
	{ "deaf-sleep", deaf_sleep },
	{ "deaf-spin", deaf_spin },
	{ "stopped", stopped },
	{ "all-stopped", all_stopped },
	{ "in-vfork", in_vfork },
	{ "in-pipe", in_pipe },
	{ "traced-stop", traced_stop },
	{ "zombies", zombies },
	{ "signal-outsiders", signal_outsiders },
	{ "signal-first", signal_first },
	{ "trace-neighbours", trace_neighbours },
	{ "fake-policy", fake_policy },
	{ "fake-cpu", fake_cpu },
	{ "fake-memory", fake_memory },
	{ "fake-status", fake_status },
	{ "fake-limit", fake_limit },
	{ NULL, NULL },
};
