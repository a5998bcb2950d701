/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/learn/learn.h"
#include "src/base/kernel.h"
#include "src/base/pid.h"
#include "src/seccomp/seccomp-install.h"

/*
 * Once the filter is there, every call of the child waits for an answer, so the child cannot send
 * the listener to anybody. It need not: both have one table of descriptors until the execve, and
 * all that has to be told is a number, in a shared page.
 */
struct shared {
	_Atomic int listener_plus_one;
	_Atomic int failed; /* @e is set */
	volatile int exec_errno;
	struct err e;
};

__attribute__((noreturn)) static void run_child(struct shared *s, const char *path,
						char *const *argv, const sigset_t *mask)
{
	static const struct sock_filter filter[] = {
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
	};
	unsigned flags = SECCOMP_FILTER_FLAG_NEW_LISTENER;
	uint64_t known = seccomp_kernel_flags();

	/* Watching is no border: it must not slow the program's own speculation. */
	flags |= (unsigned)known &
		 (SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV | SECCOMP_FILTER_FLAG_SPEC_ALLOW);
	/* Nobody would answer any more. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigprocmask(SIG_SETMASK, mask, NULL);
	int fd = seccomp_install(filter, 1, flags, &s->e);
	/* With the rights to do without, set-uid programs keep working. */
	if (fd < 0 && errno == EACCES && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
		fd = seccomp_install(filter, 1, flags, &s->e);
	if (fd < 0) {
		atomic_store(&s->failed, 1);
		_exit(127);
	}
	atomic_store(&s->listener_plus_one, fd + 1);
	execve(path, argv, environ);
	s->exec_errno = errno;
	_exit(127);
}

static pid_t clone_with_files(void)
{
	struct clone_args args = { .flags = CLONE_FILES, .exit_signal = SIGCHLD };
	pid_t pid = kernel_clone3(&args);

#ifndef __s390x__ /* which has the arguments in another order */
	/* A filter around us answers so to have libraries fall back. */
	if (pid < 0 && errno == ENOSYS)
		pid = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, 0L);
#endif
	return pid;
}

int learn_start(const char *path, char *const *argv, const sigset_t *mask, struct learn_child *out,
		struct err *e)
{
	struct shared *s =
		mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (s == MAP_FAILED)
		return err_sys(e, "map a shared page");
	pid_t pid = clone_with_files();
	if (pid < 0)
		return err_sys(e, "clone a process for %s", path);
	if (pid == 0)
		run_child(s, path, argv, mask);
	/* It has nothing to wait for, so that this takes some ten microseconds. */
	while (!atomic_load(&s->listener_plus_one)) {
		siginfo_t info = { 0 };
		bool ended = waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
			     info.si_pid == pid;
		if (atomic_load(&s->failed) || ended) {
			(void)pid_reap(pid);
			if (!atomic_load(&s->failed))
				return err_set(e, ERR_SYSTEM, 0, "the process for %s was killed",
					       path);
			*e = s->e;
			return err_prefix(e, "watch %s", path);
		}
		(void)sched_yield();
	}
	*out = (struct learn_child){
		.pid = pid,
		.listener = atomic_load(&s->listener_plus_one) - 1,
		.exec_errno = &s->exec_errno,
	};
	return 0;
}
