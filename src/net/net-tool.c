/* SPDX-License-Identifier: Apache-2.0 */
#include "src/net/net-tool.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/clean.h"
#include "src/base/pid.h"
#include "src/base/text.h"
#include "src/base/tool.h"

#define READY_MSEC   30000
#define NET_ADMIN    (1u << CAP_NET_ADMIN)
#define SYSLOG_NOISE "Failed to send " /* pasta, where there is no system log */

/* Nothing of the caller's variables is for a program that has rights in a sandbox. */
static const char *const environment[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL };

int net_tool_find(const char *name, char out[NET_TOOL_PATH_MAX])
{
	static const char *const dirs[] = { "/usr/sbin", "/usr/bin",        "/sbin",
					    "/bin",      "/usr/local/sbin", "/usr/local/bin" };

	for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) {
		text_format(out, NET_TOOL_PATH_MAX, "%s/%s", dirs[i], name);
		if (access(out, X_OK) == 0)
			return 0;
	}
	return -1;
}

/* ---- in the child ---- */

static _Noreturn void fail(const char *what)
{
	char text[256];
	size_t n = text_format(text, sizeof text, "%s: %s\n", what, text_errno(errno));

	(void)!write(STDERR_FILENO, text, n);
	_exit(127);
}

static void prepare(pid_t parent)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		fail("tie to the parent");
	if (getppid() != parent)
		_exit(127);
}

/* One who is not root in the user namespace would lose the rights by execve(2). */
static void keep_net_admin(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { NET_ADMIN, NET_ADMIN, NET_ADMIN } };

	if (syscall(SYS_capset, &head, data) < 0 ||
	    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_ADMIN, 0, 0) < 0)
		fail("keep CAP_NET_ADMIN");
}

static _Noreturn void run_inside(const char *const *argv, int userns, int netns, int input,
				 int output, pid_t parent)
{
	dup2(output, STDERR_FILENO);
	prepare(parent);
	if (setns(userns, CLONE_NEWUSER) < 0)
		fail("enter the sandbox's user namespace");
	if (setns(netns, CLONE_NEWNET) < 0)
		fail("enter the sandbox's network namespace");
	keep_net_admin();
	/* The credentials have changed, which may have cleared it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	dup2(input, STDIN_FILENO);
	dup2(output, STDOUT_FILENO);
	execve(argv[0], (char **)(uintptr_t)argv, (char **)(uintptr_t)environment);
	fail(argv[0]);
}

/* The namespaces go where no version of pasta closes them. */
static _Noreturn void run_pasta(const char *const *argv, int userns, int netns, int output,
				pid_t parent)
{
	dup2(output, STDERR_FILENO);
	prepare(parent);
	int low = fcntl(netns, F_DUPFD_CLOEXEC, 3); /* it may be 0 */
	if (low < 0 || dup2(userns, STDIN_FILENO) < 0 || dup2(low, STDOUT_FILENO) < 0)
		fail("pass the namespaces");
	execve(argv[0], (char **)(uintptr_t)argv, (char **)(uintptr_t)environment);
	fail(argv[0]);
}

/* ---- what they say ---- */

/* In one line, without pasta's words about a missing log. */
static void tidy(const struct tool_said *s, char out[TOOL_SAID_BYTES])
{
	size_t used = 0;

	out[0] = '\0';
	for (const char *line = s->text; *line; line += *line == '\n') {
		size_t n = strcspn(line, "\n");
		if (n && !text_starts(line, SYSLOG_NOISE))
			used += text_format(out + used, TOOL_SAID_BYTES - used, "%s%.*s",
					    used ? "; " : "", (int)n, line);
		line += n;
	}
}

static int check(const char *name, int status, const struct tool_said *s, struct err *e)
{
	char words[TOOL_SAID_BYTES];

	tidy(s, words);
	return tool_check(name, status, words, e);
}

int net_tool_run(const char *const *argv, int userns, int netns, int input, struct err *e)
{
	struct tool_said said = { 0 };
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, "create pipe");
	pid_t parent = getpid(), pid = fork();
	if (pid == 0)
		run_inside(argv, userns, netns, input, ends[1], parent);
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return err_sys(e, "start %s", argv[0]);
	}
	tool_said_read(&said, ends[0]);
	close(ends[0]);
	return check(argv[0], pid_reap(pid), &said, e);
}

/* ---- pasta ---- */

/* A line of nothing but digits: the pid that it writes once it is ready (--pid). */
static bool is_ready(const char *text)
{
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		size_t n = strspn(line, "0123456789");
		if (n && line[n] == '\n')
			return true;
	}
	return false;
}

/* 1: ready, 0: it has ended, -1 with errno. */
static int await_ready(int words, struct tool_said *said)
{
	struct pollfd p = { .fd = words, .events = POLLIN };
	char part[512];

	while (!is_ready(said->text)) {
		int ready = poll(&p, 1, READY_MSEC);
		if (ready < 0 && errno == EINTR)
			continue;
		if (ready <= 0) {
			errno = ready ? errno : ETIMEDOUT;
			return -1;
		}
		ssize_t n = read(words, part, sizeof part);
		if (n <= 0)
			return n < 0 ? -1 : 0;
		tool_said_add(said, part, (size_t)n);
	}
	return 1;
}

int net_pasta_start(const char *const *argv, int userns, int netns, struct net_pasta *p,
		    struct err *e)
{
	struct tool_said said = { 0 };
	int ends[2];

	*p = NET_PASTA_NONE;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, "create pipe");
	pid_t parent = getpid(), pid = fork();
	if (pid == 0)
		run_pasta(argv, userns, netns, ends[1], parent);
	close(ends[1]);
	p->words = ends[0];
	if (pid < 0) {
		drop_fd(&p->words);
		return err_sys(e, "start %s", argv[0]);
	}
	p->pid = pid;
	int ready = await_ready(p->words, &said);
	if (ready > 0)
		return fcntl(p->words, F_SETFL, O_NONBLOCK) < 0 ? err_sys(e, "pasta's pipe") : 0;
	if (ready < 0) {
		err_sys(e, "wait for %s", argv[0]);
		net_pasta_end(p);
		return -1;
	}
	drop_fd(&p->words);
	p->pid = 0;
	return check(argv[0], pid_reap(pid), &said, e);
}

void net_pasta_end(struct net_pasta *p)
{
	if (p->pid > 0) {
		pid_end(p->pid);
	}
	drop_fd(&p->words);
	p->pid = 0;
}
