/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/phase/hook.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/kernel.h"
#include "src/base/pid.h"
#include "src/base/text.h"

/*
 * Standard input is a file in memory, not a pipe: a hook that never reads, or closes its input at
 * once, can then neither block us nor send us SIGPIPE.
 */
static int state_file(const struct hook_context *context, struct err *e)
{
	CLEAN_FD int fd = memfd_create("state.json", MFD_CLOEXEC);

	if (fd < 0)
		return err_sys(e, "create the state file for hooks");
	if (io_write_full(fd, context->state, context->state_length) < 0)
		return err_sys(e, "write the state file for hooks");
	return take_fd(&fd);
}

static int redirect(const char *path, int target)
{
	if (!path)
		return target == 1 ? dup2(2, 1) : 0;
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0700);
	return fd < 0 ? -1 : dup2(fd, target);
}

static _Noreturn void run_child(const struct plan_hook *hook, const struct hook_context *context,
				int state)
{
	static char *const no_env[] = { NULL };
	static const int reset[] = { SIGPIPE, SIGCHLD, SIGINT, SIGQUIT };
	char *self_args[] = { (char *)(uintptr_t)hook->path, NULL };
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* What our own caller ignores, and that survives execve. */
	for (size_t i = 0; i < sizeof reset / sizeof *reset; i++)
		signal(reset[i], SIG_DFL);
	setsid();
	/* A hook without its runtime has nobody to report to: it ends with it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (chdir(context->cwd) < 0 || lseek(state, 0, SEEK_SET) < 0 || dup2(state, 0) < 0 ||
	    redirect(context->stdout_path, 1) < 0 || redirect(context->stderr_path, 2) < 0)
		_exit(125);
	kernel_close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
	execve(hook->path, hook->args ? hook->args : self_args, hook->env ? hook->env : no_env);
	_exit(errno == ENOENT ? 127 : 126);
}

static int explain_end(const struct plan_hook *hook, const struct hook_context *context,
		       const siginfo_t *info, struct err *e)
{
	if (info->si_code != CLD_EXITED)
		return err_set(e, ERR_HOOK, 0, "%s hook %s: killed by signal %d", context->kind,
			       hook->path, info->si_status);
	switch (info->si_status) {
	case 0:
		return 0;
	case 125:
		return err_set(e, ERR_HOOK, 0,
			       "%s hook %s: exit status 125 (or its directory or output file could "
			       "not be opened)",
			       context->kind, hook->path);
	case 126:
		return err_set(e, ERR_HOOK, 0, "%s hook %s: exit status 126 (not executable?)",
			       context->kind, hook->path);
	case 127:
		return err_set(e, ERR_HOOK, 0, "%s hook %s: exit status 127 (no such file?)",
			       context->kind, hook->path);
	default:
		return err_set(e, ERR_HOOK, 0, "%s hook %s: exit status %d", context->kind,
			       hook->path, info->si_status);
	}
}

static int reap(int pidfd, siginfo_t *info)
{
	int n;

	do
		n = waitid(P_PIDFD, (id_t)pidfd, info, WEXITED);
	while (n < 0 && errno == EINTR);
	return n;
}

static int run_hook(const struct plan_hook *hook, const struct hook_context *context, int state,
		    struct err *e)
{
	CLEAN_FD int pidfd = -1;
	siginfo_t info = { 0 };
	struct clone_args args = {
		.flags = CLONE_PIDFD,
		.pidfd = (uintptr_t)&pidfd,
		.exit_signal = SIGCHLD,
	};
	int timeout_msec = -1;
	pid_t pid = kernel_clone3(&args);

	if (pid == 0)
		run_child(hook, context, state);
	if (pid < 0)
		return err_sys(e, "fork for %s hook %s", context->kind, hook->path);
	if (hook->timeout_sec)
		timeout_msec =
			hook->timeout_sec > 2000000 ? 2000000000 : (int)hook->timeout_sec * 1000;
	int ended = pid_wait_end(pidfd, timeout_msec);
	if (ended <= 0) {
		/* The hook is the leader of its own session: take its group with it. */
		kill(-pid, SIGKILL);
		kernel_pidfd_send_signal(pidfd, SIGKILL);
		reap(pidfd, &info);
		return err_set(e, ERR_HOOK, ETIMEDOUT, "%s hook %s: killed after %u s",
			       context->kind, hook->path, hook->timeout_sec);
	}
	if (reap(pidfd, &info) < 0)
		return err_sys(e, "wait for %s hook %s", context->kind, hook->path);
	return explain_end(hook, context, &info, e);
}

int hook_list_run(const struct plan_hook_list *hooks, const struct hook_context *context,
		  struct err *e)
{
	if (!hooks->count)
		return 0;
	CLEAN_FD int state = state_file(context, e);
	if (state < 0)
		return -1;
	for (size_t i = 0; i < hooks->count; i++) {
		if (run_hook(&hooks->items[i], context, state, e) < 0)
			return -1;
	}
	return 0;
}

void hook_list_run_all(const struct plan_hook_list *hooks, const struct hook_context *context,
		       void (*warn)(const struct err *e))
{
	struct err e;

	if (!hooks->count)
		return;
	CLEAN_FD int state = state_file(context, &e);
	if (state < 0) {
		warn(&e);
		return;
	}
	for (size_t i = 0; i < hooks->count; i++) {
		if (run_hook(&hooks->items[i], context, state, &e) < 0)
			warn(&e);
	}
}
