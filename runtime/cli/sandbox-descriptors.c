/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors by which a launcher and its sandbox wait for each other. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "runtime/cli/foreground.h"
#include "runtime/cli/sandbox-run.h"
#include "src/base/clean.h"

/* Descriptors of husk's own are all close-on-exec, and what came through an execve(2) is not. */
static int claim(const struct opt_u32 *fd, const char *option, struct err *e)
{
	if (!fd->set)
		return 0;
	int flags = fcntl((int)fd->value, F_GETFD);
	if (flags < 0 || flags & FD_CLOEXEC)
		return err_set(e, ERR_CONFIG, EBADF, "--%s: descriptor %u", option, fd->value);
	/* Not for helpers, which may stay longer than the sandbox. */
	if (fcntl((int)fd->value, F_SETFD, FD_CLOEXEC) < 0)
		return err_sys(e, "--%s: descriptor %u", option, fd->value);
	return 0;
}

int run_claim_descriptors(const struct run *r, struct err *e)
{
	if (claim(&r->sandbox.sync_fd, "sync-fd", e) < 0)
		return -1;
	return claim(&r->sandbox.block_fd, "block-fd", e);
}

/* What everybody waits for, or what ends the wait: 0 to go on looking, 1, or -1. */
static int look(const struct pollfd p[4], unsigned fd, struct err *e)
{
	struct signalfd_siginfo info;

	while (p[1].revents && read(p[1].fd, &info, sizeof info) == (ssize_t)sizeof info) {
		int sig = (int)info.ssi_signo;
		if (!foreground_is_own(sig) && sig != SIGWINCH)
			return err_set(e, ERR_SYSTEM, EINTR,
				       "--block-fd: wait for descriptor %u: %s", fd,
				       strsignal(sig));
	}
	if (p[2].revents)
		return err_set(e, ERR_SYSTEM, 0,
			       "--block-fd: wait for descriptor %u: the caller has ended", fd);
	/* Why init has ended is told by whoever gives it the word to start. */
	return p[0].revents || p[3].revents;
}

int run_await_descriptor(struct run *r, struct err *e)
{
	unsigned fd = r->sandbox.block_fd.value;
	int result = 0;
	sigset_t set;

	if (!r->sandbox.block_fd.set)
		return 0;
	run_tell_created(r);
	foreground_signals(&set);
	CLEAN_FD int sigfd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (sigfd < 0)
		return err_sys(e, "create signalfd");
	while (result == 0) {
		struct pollfd p[] = { { (int)fd, POLLIN, 0 },
				      { sigfd, POLLIN, 0 },
				      { r->supervisor.caller, POLLIN, 0 },
				      { r->parent.pidfd, POLLIN, 0 } };
		if (poll(p, 4, -1) < 0 && errno != EINTR)
			return err_sys(e, "--block-fd: wait for descriptor %u", fd);
		result = look(p, fd, e);
	}
	/* Whoever has the other end of a pipe sees that it has been noticed. */
	close((int)fd);
	return result < 0 ? -1 : 0;
}
