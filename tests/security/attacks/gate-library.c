/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A library that is loaded before the program: its constructor runs before the entry gate, and its
 * destructor after it. GATE_TRICK says what it tries; what came of it is printed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

static const char *trick;
static atomic_int go;
static pthread_t thread;
static long answer = -1;

static int is(const char *name)
{
	return trick && strcmp(trick, name) == 0;
}

/* What the policies of the tests refuse with 99. */
static long refused_call(void)
{
	return syscall(SYS_getpriority, 0, 0) < 0 ? errno : 0;
}

static void *wait_then_call(void *unused)
{
	(void)unused;
	while (!atomic_load(&go))
		usleep(1000);
	answer = refused_call();
	return NULL;
}

static void fork_child(void)
{
	fflush(NULL);
	if (fork() != 0)
		return;
	for (;;)
		pause();
}

/* A filter that answers seccomp(2) with success, and does not do it. */
static void pretend(void)
{
	struct sock_filter code[] = {
		{ BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr) },
		{ BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_seccomp },
		{ BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO },
		{ BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW },
	};
	struct sock_fprog program = { 4, code };

	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static void nothing(int sig)
{
	(void)sig;
}

static void storm(void)
{
	struct sigaction sa = { .sa_handler = nothing, .sa_flags = SA_RESTART };
	struct itimerval often = { { 0, 50 }, { 0, 50 } };

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
}

__attribute__((constructor)) static void before(void)
{
	trick = getenv("GATE_TRICK");
	if (!trick || getenv("GATE_SEEN"))
		return;
	if (is("call"))
		printf("before: %ld\n", refused_call());
	else if (is("fork"))
		fork_child();
	else if (is("thread"))
		pthread_create(&thread, NULL, wait_then_call, NULL);
	else if (is("untraced"))
		printf("untraced: %d\n",
		       syscall(SYS_clone, CLONE_UNTRACED | SIGCHLD, 0, 0, 0, 0) < 0 ? errno : 0);
	else if (is("clone3"))
		printf("clone3: %d\n", syscall(SYS_clone3, NULL, 0) < 0 ? errno : 0);
	else if (is("guarded"))
		printf("guarded: %d\n", syscall(SYS_unshare, 0) < 0 ? errno : 0);
	else if (is("pretend"))
		pretend();
	else if (is("undumpable"))
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	else if (is("storm"))
		storm();
	else if (is("sleep"))
		for (;;)
			pause();
	else if (is("wait")) {
		const char *path = getenv("GATE_FILE");
		int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0666);
		while (fd >= 0 && access(path, F_OK) == 0)
			usleep(1000);
	}
	else if (is("exit"))
		_exit(5);
	else if (is("exec")) {
		setenv("GATE_SEEN", "1", 1);
		execl("/bin/grep", "grep", "^Seccomp:", "/proc/self/status", NULL);
	}
	fflush(NULL);
}

__attribute__((destructor)) static void after(void)
{
	if (is("call"))
		dprintf(2, "after: %ld\n", refused_call());
	if (is("thread")) {
		atomic_store(&go, 1);
		pthread_join(thread, NULL);
		dprintf(2, "thread: %ld\n", answer);
	}
	fflush(NULL);
}
