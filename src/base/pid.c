/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/pid.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/wait.h>

#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/kernel.h"
#include "src/base/text.h"

/* Advance over @count blank-separated fields. */
static const char *skip_fields(const char *p, int count)
{
	while (count-- > 0) {
		p += strcspn(p, " ");
		p += strspn(p, " ");
	}
	return p;
}

static uint64_t leading_number(const char *p)
{
	uint64_t value = 0;

	for (; *p >= '0' && *p <= '9'; p++)
		value = value * 10 + (uint64_t)(*p - '0');
	return value;
}

int pid_stat_read(int procfd, pid_t pid, struct pid_stat *out)
{
	char path[64], text[1024];

	text_format(path, sizeof path, procfd == AT_FDCWD ? "/proc/%d/stat" : "%d/stat", pid);
	if (io_read_at(procfd, path, text, sizeof text) < 0) {
		/* Reading a task that is just being reaped gives ESRCH, a reaped one ENOENT. */
		if (errno == ENOENT)
			errno = ESRCH;
		return -1;
	}
	/* The command name may hold blanks and parentheses: fields start after the last ')'. */
	const char *p = strrchr(text, ')');
	if (!p || p[1] != ' ') {
		errno = EPROTO;
		return -1;
	}
	p += 2; /* field 3, state */
	out->state = *p;
	p = skip_fields(p, 1);
	out->parent = (pid_t)leading_number(p);
	p = skip_fields(p, 18); /* field 22, starttime */
	out->start_ticks = leading_number(p);
	return 0;
}

int pid_open_exact(int procfd, pid_t pid, uint64_t start_ticks)
{
	struct pid_stat stat;

	if (pid <= 0) {
		errno = ESRCH;
		return -1;
	}
	CLEAN_FD int pidfd = kernel_pidfd_open(pid, 0);
	if (pidfd < 0)
		return -1;
	/* The start time is read after the pidfd is held: the pid cannot change hands in between. */
	if (pid_stat_read(procfd, pid, &stat) < 0)
		return -1;
	if (stat.start_ticks != start_ticks || stat.state == 'Z' || stat.state == 'X') {
		errno = ESRCH;
		return -1;
	}
	return take_fd(&pidfd);
}

int pid_wait_end(int pidfd, int timeout_msec)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	int n;

	do
		n = poll(&p, 1, timeout_msec);
	while (n < 0 && errno == EINTR);
	return n;
}

int pid_file_write(const char *path, pid_t pid, struct err *e)
{
	char dir[PATH_MAX], text[16];
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	if (text_cut(text_format(dir, sizeof dir, "%.*s", slash ? (int)(slash - path) + 1 : 1,
				 slash ? path : "."),
		     sizeof dir))
		return err_set(e, ERR_SYSTEM, ENAMETOOLONG, "write pid file %s", path);
	CLEAN_FD int dirfd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0)
		return err_sys(e, "write pid file %s", path);
	size_t n = text_format(text, sizeof text, "%d", pid);
	if (io_replace_at(dirfd, name, text, n, 0644, e) < 0)
		return err_prefix(e, "write pid file %s", path);
	return 0;
}

int pid_reap(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -1;
	}
	return status;
}

pid_t pid_start_idle(uint64_t namespaces)
{
	struct clone_args args = { .flags = namespaces, .exit_signal = SIGCHLD };
	pid_t pid = kernel_clone3(&args);

	while (pid == 0)
		pause();
	return pid;
}

void pid_end(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	(void)pid_reap(pid);
}

uid_t pid_own_euid(void)
{
	return (uid_t)getauxval(AT_EUID);
}

gid_t pid_own_egid(void)
{
	return (gid_t)getauxval(AT_EGID);
}
