/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/phase/notify.h"

#include <errno.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "src/base/io.h"
#include "src/base/kernel.h"
#include "src/seccomp/seccomp-install.h"

#define STACK_BYTES 32768

/*
 * Shared by both threads. The installer may make no system call between the filter and its execve,
 * not even a futex wake, so the sender sleeps in short naps and the installer spins at the end.
 */
struct meeting {
	const struct notify_send *send;
	atomic_int listener; /* -1 until installed, -2: installing failed */
	atomic_int done;     /* 0 waiting, 1 sent, < 0: -errno */
};

static int sender(void *data)
{
	struct meeting *m = data;
	const struct timespec nap = { .tv_nsec = 20000 };
	int fd;

	while ((fd = atomic_load(&m->listener)) == -1)
		nanosleep(&nap, NULL);
	if (fd >= 0) {
		int failed = io_send_fds(m->send->sock, m->send->body, m->send->length, &fd, 1);
		int errnum = errno;
		/* The agent has its own copy; the program must not find one (it is close-on-exec
		 * too), and the connection says by its end that nothing more comes. */
		close(fd);
		close(m->send->sock);
		atomic_store(&m->done, failed < 0 ? -errnum : 1);
	}
	syscall(SYS_exit, 0);
	return 0;
}

int notify_install(const struct plan_filter *filter, const struct notify_send *send, struct err *e)
{
	static struct meeting m;
	char *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);

	if (send->sock < 0)
		return err_set(e, ERR_CONFIG, 0,
			       "seccomp: the filter notifies, but there is no listenerPath");
	if (stack == MAP_FAILED)
		return err_sys(e, "allocate a stack for the seccomp sender");
	m.send = send;
	atomic_store(&m.listener, -1);
	/* A thread without its own thread-local storage: it shares errno with this one, which is why
	 * nothing here looks at errno while both run. */
	if (clone(sender, stack + STACK_BYTES,
		  CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM,
		  &m) < 0)
		return err_sys(e, "start the seccomp sender");
	unsigned flags = filter->flags | SECCOMP_FILTER_FLAG_NEW_LISTENER;
	/* TSYNC would put the sender under the filter, too; at execve it is alone anyway. */
	flags &= ~(unsigned)SECCOMP_FILTER_FLAG_TSYNC;
	int listener = seccomp_install(filter->code, filter->count, flags, e);
	if (listener < 0) {
		atomic_store(&m.listener, -2);
		return -1;
	}
	atomic_store(&m.listener, listener);
	int done;
	while ((done = atomic_load(&m.done)) == 0)
		atomic_signal_fence(memory_order_seq_cst);
	if (done < 0)
		return err_set(e, ERR_SYSTEM, -done, "send the seccomp listener to the agent");
	return 0;
}

struct notify_meeting {
	atomic_int listener; /* -1 until installed */
	atomic_int done;     /* 0 waiting, 1 sent, < 0: -errno */
};

struct notify_meeting *notify_meeting_make(struct err *e)
{
	struct notify_meeting *m =
		mmap(NULL, sizeof *m, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (m == MAP_FAILED) {
		err_sys(e, "allocate shared memory");
		return NULL;
	}
	atomic_store(&m->listener, -1);
	return m;
}

int notify_meeting_install(struct notify_meeting *m, const struct plan_filter *filter,
			   struct err *e)
{
	int listener = seccomp_install(filter->code, filter->count,
				       filter->flags | SECCOMP_FILTER_FLAG_NEW_LISTENER, e);
	int done;

	if (listener < 0)
		return -1;
	atomic_store(&m->listener, listener);
	while ((done = atomic_load(&m->done)) == 0)
		atomic_signal_fence(memory_order_seq_cst);
	if (done < 0)
		return err_set(e, ERR_SYSTEM, -done, "send the seccomp listener to the supervisor");
	return 0;
}

void notify_meeting_hand_over(struct notify_meeting *m, pid_t pid, int sock)
{
	const struct timespec nap = { .tv_nsec = 20000 };
	int fd;

	while ((fd = atomic_load(&m->listener)) == -1) {
		siginfo_t info = { 0 };
		if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
		    info.si_pid)
			return;
		nanosleep(&nap, NULL);
	}
	atomic_store(&m->done, io_send_fds(sock, NULL, 0, &fd, 1) < 0 ? -errno : 1);
}
