/* SPDX-License-Identifier: Apache-2.0 */
/* The monitor is a process of its own, which dies with this one, and this one waits for it. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/cli/vm-boot.h"
#include "src/base/clean.h"
#include "src/base/kernel.h"
#include "src/base/pid.h"

static _Noreturn void run_monitor(const struct vm_backend *b, const struct vm_config *c, int fd,
				  pid_t parent)
{
	static struct vm_report report;

	report.size = sizeof report;
	report.end = VM_BROKEN;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		err_sys(&report.error, "die with the parent");
	else if (getppid() == parent)
		b->become(c, fd, &report.error);
	(void)send(fd, &report, sizeof report, MSG_NOSIGNAL);
	_exit(1);
}

/* SIGINT and SIGTERM are the machine's, too: politely once, then not. */
static void hand_on(int signals, int pidfd, int *sent)
{
	struct signalfd_siginfo info;

	if (read(signals, &info, sizeof info) != sizeof info)
		return;
	(void)kernel_pidfd_send_signal(pidfd, *sent ? SIGKILL : SIGTERM);
	*sent = (int)info.ssi_signo;
}

static int wait_report(int sock, int signals, int pidfd, struct vm_report *r, int *sent,
		       struct err *e)
{
	struct pollfd p[] = { { .fd = sock, .events = POLLIN },
			      { .fd = signals, .events = POLLIN } };

	for (;;) {
		if (poll(p, 2, -1) < 0) {
			if (errno == EINTR)
				continue;
			return err_sys(e, "wait for the monitor");
		}
		if (p[1].revents)
			hand_on(signals, pidfd, sent);
		if (!p[0].revents)
			continue;
		ssize_t n = recv(sock, r, sizeof *r, 0);
		if (n < 0 && errno != ECONNRESET)
			return err_sys(e, "read the monitor's report");
		if (n == (ssize_t)sizeof *r && r->size == sizeof *r) {
			r->last_words[sizeof r->last_words - 1] = '\0';
			r->error.msg[sizeof r->error.msg - 1] = '\0';
			return 1;
		}
		return 0;
	}
}

static int say_death(int status, int sent, struct vm_report *r, struct err *e)
{
	if (WIFSIGNALED(status) && sent && WTERMSIG(status) == SIGKILL) {
		r->end = VM_KILLED;
		return 0;
	}
	if (WIFSIGNALED(status))
		return err_set(e, ERR_STATE, 0, "the monitor was killed by signal %d%s",
			       WTERMSIG(status),
			       WTERMSIG(status) == SIGSYS
				       ? ": it made a system call that its filter forbids"
				       : "");
	return err_set(e, ERR_STATE, 0, "the monitor ended with status %d and no report",
		       WEXITSTATUS(status));
}

int vm_run(const struct vm_backend *b, const struct vm_config *c, struct vm_report *r,
	   int *signal_sent, struct err *e)
{
	int pair[2];
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return err_sys(e, "block signals");
	CLEAN_FD int signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (signals < 0)
		return err_sys(e, "make a descriptor for signals");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, "make a pair of sockets");
	CLEAN_FD int mine = pair[0], its = pair[1];
	pid_t self = getpid(), child = fork();
	if (child < 0)
		return err_sys(e, "start the monitor");
	if (child == 0)
		run_monitor(b, c, its, self);
	drop_fd(&its);
	/* A child of ours: its number is its own until it was waited for. */
	CLEAN_FD int pidfd = kernel_pidfd_open(child, 0);
	int have = pidfd < 0 ? err_sys(e, "get a descriptor of the monitor")
			     : wait_report(mine, signals, pidfd, r, signal_sent, e);
	if (have < 0)
		(void)kill(child, SIGKILL);
	int status = pid_reap(child);
	if (have < 0)
		return -1;
	return have ? 0 : say_death(status, *signal_sent, r, e);
}
