/* SPDX-License-Identifier: Apache-2.0 */
/* The caller's side of "exec". */
#include "runtime/phase/exec-parent.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/phase/gate-entry.h"
#include "runtime/phase/gate.h"
#include "runtime/phase/process.h"
#include "runtime/phase/start.h"
#include "runtime/phase/sync.h"
#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/kernel.h"
#include "src/base/pid.h"
#include "src/base/text.h"
#include "src/tty/tty-console.h"

static bool wants_cgroup(const void *ctx)
{
	return ((const struct exec_join *)ctx)->cgroup != NULL;
}

static int open_cgroup(void *ctx, struct err *e)
{
	struct exec_join *x = ctx;

	if (cgroup_open(x->cgroup, 0, &x->cgroup_fds, e) == 0)
		return 0;
	/* Its init may have moved on to a cgroup of its own making, and removed this one. */
	if (cgroup_open_of_init(x->cgroup, x->procfd, (pid_t)x->state->pid, &x->cgroup_fds, NULL) ==
	    0)
		return 0;
	return -1;
}

static pid_t clone_once(struct exec_join *x)
{
	struct clone_args args = {
		.flags = CLONE_PIDFD,
		.pidfd = (uintptr_t)&x->pidfd,
		.exit_signal = SIGCHLD,
	};

	if (x->cgroup_fds.v2 >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (unsigned)x->cgroup_fds.v2;
	}
	pid_t pid = kernel_clone3(&args);
	if (pid == 0) {
		/* Or it would keep itself waiting for a parent that was killed before it was tied to it. */
		drop_fd(&x->sync);
		exec_child(x);
	}
	return pid;
}

/* An init that delegated its cgroup left processes where no more can be: join the one it is in. */
static pid_t clone_child(struct exec_join *x, struct err *e)
{
	pid_t pid = clone_once(x);

	/* It may move on once more in between. */
	for (int tries = 0; tries < 20 && pid < 0 && x->cgroup_fds.v2 >= 0 &&
			    (errno == EBUSY || errno == EOPNOTSUPP || errno == ENOENT);
	     tries++) {
		int errnum = errno;
		if (cgroup_open_of_init(x->cgroup, x->procfd, (pid_t)x->state->pid, &x->cgroup_fds,
					NULL) < 0)
			return cgroup_clone_error(x->cgroup, errnum, e);
		pid = clone_once(x);
	}
	if (pid < 0 && x->cgroup_fds.v2 >= 0)
		return cgroup_clone_error(x->cgroup, errno, e);
	return pid < 0 ? err_sys(e, "clone") : pid;
}

static int exec_clone(void *ctx, struct err *e)
{
	struct exec_join *x = ctx;
	int pair[2];
	bool enter = x->state->namespaces & CLONE_NEWPID && !x->options->middle;

	if (x->plan->process.exec_keyed && !x->word) {
		x->word = gate_word_make(e);
		if (!x->word)
			return -1;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, "create socket pair");
	x->sync = pair[0];
	x->child_sync = pair[1];
	/* Only for children; this process forks no other. */
	if (enter && setns(x->target, CLONE_NEWPID) < 0) {
		if (errno == ESRCH)
			return err_set(e, ERR_STATE, 0,
				       "container not running: its init has ended");
		return err_sys(e, "join the pid namespace of process %u", x->state->pid);
	}
	x->pid = clone_child(x, e);
	drop_fd(&x->child_sync);
	cgroup_fds_close(&x->cgroup_fds);
	return x->pid < 0 ? -1 : 0;
}

static void exec_clone_undo(void *ctx)
{
	struct exec_join *x = ctx;

	if (x->pid > 0) {
		kernel_pidfd_send_signal(x->pidfd, SIGKILL);
		(void)pid_reap(x->pid);
	}
	drop_fd(&x->sync);
	drop_fd(&x->pidfd);
	drop_fd(&x->console_master);
}

static int explain_death(struct exec_join *x, struct err *e)
{
	int status = pid_reap(x->pid);

	x->pid = -1;
	if (WIFSIGNALED(status))
		return err_set(e, ERR_SYSTEM, 0,
			       "the new process was killed by signal %d during set-up (has the "
			       "container ended, or reached its memory limit?)",
			       WTERMSIG(status));
	return err_set(e, ERR_SYSTEM, 0, "the new process exited with status %d during set-up",
		       WEXITSTATUS(status));
}

static bool wants_middle(const void *ctx)
{
	return ((const struct exec_join *)ctx)->options->middle;
}

static int adopt(void *ctx, struct err *e)
{
	struct exec_join *x = ctx;
	int32_t pid;
	int result = sync_wait(x->sync, SYNC_PID, &pid, NULL, NULL, e);

	if (result == SYNC_EOF)
		return explain_death(x, e);
	if (result < 0)
		return -1;
	int pidfd = kernel_pidfd_open(pid, 0);
	if (pidfd < 0)
		return err_sys(e, "open process %d", pid);
	(void)pid_reap(x->pid);
	drop_fd(&x->pidfd);
	x->pid = pid;
	x->pidfd = pidfd;
	return 0;
}

static int await_ready(void *ctx, struct err *e)
{
	struct exec_join *x = ctx;
	size_t count = 1;
	int result = sync_wait(x->sync, SYNC_CREATED, NULL, &x->console_master, &count, e);

	if (result == SYNC_EOF)
		return explain_death(x, e);
	/* Before the program looks at it. */
	if (result > 0 && x->console_master >= 0 && !x->options->detach)
		tty_copy_size(STDIN_FILENO, x->console_master);
	return result < 0 ? -1 : 0;
}

static int apply_limits(void *ctx, struct err *e)
{
	struct exec_join *x = ctx;

	return process_limits_apply(&x->plan->process, x->pid, e);
}

static bool wants_console(const void *ctx)
{
	return ((const struct exec_join *)ctx)->options->console_socket != NULL;
}

static int send_console(void *ctx, struct err *e)
{
	struct exec_join *x = ctx;

	x->console_sock = tty_socket_connect(x->options->console_socket, e);
	if (x->console_sock < 0 || tty_socket_send(x->console_sock, x->console_master, e) < 0)
		return -1;
	drop_fd(&x->console_sock);
	drop_fd(&x->console_master);
	return 0;
}

/* Written before the program runs, as for init: callers read it as soon as husk returns. */
static int publish(void *ctx, struct err *e)
{
	struct exec_join *x = ctx;

	if (x->options->pid_file && pid_file_write(x->options->pid_file, x->pid, e) < 0)
		return -1;
	if (!x->options->pidfd_socket)
		return 0;
	CLEAN_FD int sock = tty_socket_connect(x->options->pidfd_socket, e);
	if (sock < 0)
		return -1;
	if (io_send_fds(sock, "pidfd", 5, &x->pidfd, 1) < 0)
		return err_sys(e, "send pidfd to %s", x->options->pidfd_socket);
	return 0;
}

static int send_start(void *ctx, struct err *e)
{
	struct exec_join *x = ctx;
	int agent = -1;
	char *body = NULL;
	size_t length = 0;

	if (x->plan->process.filter && x->plan->process.filter->notify &&
	    start_agent(x->state, x->pid, x->arena, &agent, &body, &length, e) < 0)
		return -1;
	int result =
		sync_send_body(x->sync, SYNC_START, body, length, &agent, agent >= 0 ? 1 : 0, e);
	drop_fd(&agent);
	return result;
}

static bool wants_gate(const void *ctx)
{
	const struct exec_join *x = ctx;

	return x->gate && x->plan->process.gate == PLAN_GATE_ENTRY && !x->serve;
}

static int await_gate(void *ctx, struct err *e)
{
	struct exec_join *x = ctx;

	gate_entry_init(x->gate, x->plan->process.filter);
	/* How it ends is for the caller to know. */
	x->gate->init = x->pid;
	int result = gate_entry_meet(x->gate, x->sync, e);
	return result == SYNC_EOF ? explain_death(x, e) : result < 0 ? -1 : 0;
}

static void await_gate_undo(void *ctx)
{
	gate_entry_abort(((struct exec_join *)ctx)->gate);
}

static int await_executed(void *ctx, struct err *e)
{
	struct exec_join *x = ctx;

	if (sync_wait(x->sync, SYNC_ERROR, NULL, NULL, NULL, e) != SYNC_EOF)
		return -1;
	return x->word ? gate_word_read(x->word, e) : 0;
}

static const struct step exec_parent_steps[] = {
	{ "cgroup", open_cgroup, .wanted = wants_cgroup },
	{ "clone", exec_clone, .undo = exec_clone_undo },
	{ "adopt", adopt, .wanted = wants_middle },
	{ "await-ready", await_ready },
	{ "limits", apply_limits },
	{ "console", send_console, .wanted = wants_console },
	{ "publish", publish },
	{ "send-start", send_start },
	{ "gate", await_gate, .undo = await_gate_undo, .wanted = wants_gate },
	{ "await-executed", await_executed },
};

const struct phase exec_parent_phase =
	PHASE("exec-parent", exec_parent_steps, "the caller of exec, outside of the container");

void exec_join_init(struct exec_join *x)
{
	*x = (struct exec_join){
		.target = -1,
		.procfd = -1,
		.root = -1,
		.sync = -1,
		.child_sync = -1,
		.console_sock = -1,
		.console_master = -1,
		.console_slave = -1,
		.cgroup_fds = CGROUP_FDS_INIT,
		.pid = -1,
		.pidfd = -1,
		.notify_sock = -1,
	};
}

int exec_join_run(struct exec_join *x, struct err *e)
{
	return phase_run(&exec_parent_phase, x, e);
}
