/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/cli/foreground.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/clean.h"
#include "src/base/kernel.h"
#include "src/tty/tty-relay.h"

#define DRAIN_MSEC 500

void foreground_signals(sigset_t *set)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS };

	sigfillset(set);
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
		sigdelset(set, faults[i]);
}

void foreground_prepare(void)
{
	sigset_t set;

	/* A caller that ignores SIGCHLD (and that is inherited) would make waitpid fail. */
	signal(SIGCHLD, SIG_DFL);
	/* A shell ignores others for what it starts in the background. Blocked, they come all the same, and
	 * are handed on: the container is not that shell's. */
	foreground_signals(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
}

int foreground_status(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Reap what has ended, up to @pid. True when that was among it. */
static bool reap(pid_t pid, int *status)
{
	bool ended = false;
	int one;

	for (pid_t p;
	     !ended && ((p = waitpid(-1, &one, WNOHANG)) > 0 || (p < 0 && errno == EINTR));) {
		if (p == pid) {
			*status = one;
			ended = true;
		}
	}
	return ended;
}

bool foreground_is_own(int sig)
{
	return sig == SIGCHLD || sig == SIGTTIN || sig == SIGTTOU || sig == SIGPIPE;
}

/* Without a terminal of the container one call waits for everything. */
int foreground_wait_plain(pid_t pid, int pidfd, int *status, struct err *e)
{
	sigset_t set;

	/* Whatever has ended before this was blocked then, and its signal is pending. */
	foreground_signals(&set);
	for (;;) {
		int sig = sigwaitinfo(&set, NULL);
		if (sig < 0 && errno != EINTR)
			return err_sys(e, "wait for signals");
		if (sig == SIGCHLD && reap(pid, status))
			return 0;
		if (sig > 0 && !foreground_is_own(sig))
			(void)kernel_pidfd_send_signal(pidfd, sig);
	}
}

static bool take_signals(int sigfd, pid_t pid, int pidfd, struct tty_relay *relay, int *status)
{
	struct signalfd_siginfo info;
	bool ended = false;

	while (read(sigfd, &info, sizeof info) == (ssize_t)sizeof info) {
		int sig = (int)info.ssi_signo;
		if (sig == SIGCHLD)
			ended |= reap(pid, status);
		else if (sig == SIGWINCH)
			tty_relay_resize(relay);
		else if (!foreground_is_own(sig))
			(void)kernel_pidfd_send_signal(pidfd, sig);
	}
	return ended;
}

static int relay_loop(struct tty_relay *relay, int sigfd, pid_t pid, int pidfd, struct err *e)
{
	bool ended, open = true;
	int status = 0;

	ended = reap(pid, &status);
	while (!ended) {
		struct pollfd p[1 + TTY_RELAY_FDS] = { { .fd = sigfd, .events = POLLIN } };
		for (int i = 1; i <= TTY_RELAY_FDS; i++)
			p[i].fd = -1;
		if (open)
			tty_relay_poll(relay, p + 1);
		if (poll(p, 1 + TTY_RELAY_FDS, -1) < 0 && errno != EINTR)
			return err_sys(e, "poll the terminal");
		if (p[0].revents)
			ended = take_signals(sigfd, pid, pidfd, relay, &status);
		if (open) {
			int result = tty_relay_step(relay, p + 1, e);
			if (result < 0)
				return -1;
			open = result > 0;
		}
	}
	tty_relay_drain(relay, DRAIN_MSEC);
	return foreground_status(status);
}

int foreground_wait(pid_t pid, int pidfd, int master, struct err *e)
{
	static struct tty_relay relay;
	sigset_t set;

	int wait_status;
	if (master < 0)
		return foreground_wait_plain(pid, pidfd, &wait_status, e) < 0
			       ? -1
			       : foreground_status(wait_status);
	foreground_signals(&set);
	CLEAN_FD int sigfd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (sigfd < 0)
		return err_sys(e, "create signalfd");
	if (tty_relay_start(&relay, STDIN_FILENO, STDOUT_FILENO, master, e) < 0)
		return -1;
	int status = relay_loop(&relay, sigfd, pid, pidfd, e);
	tty_relay_stop(&relay);
	return status;
}
