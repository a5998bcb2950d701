/* SPDX-License-Identifier: Apache-2.0 */
/* The child's side of "exec": enters the container and becomes the program. */
#include "runtime/phase/exec-join.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/phase/exec-parent.h"
#include "runtime/phase/gate.h"
#include "runtime/phase/init.h"
#include "runtime/phase/middle.h"
#include "runtime/phase/process.h"
#include "runtime/phase/sync.h"
#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/kernel.h"
#include "src/cred/cred-ids.h"
#include "src/cred/cred-sched.h"
#include "src/tty/tty-console.h"

#define SPACES_MAX 8

static struct process process;
static char start_room[SYNC_BODY_MAX];

/* Nothing of the host's comes along but what the next steps use up. */
static void close_all_others(struct exec_join *x)
{
	int keep[CGROUP_MAX + 4 + SPACES_MAX] = { x->child_sync, x->target, x->root,
						  phase_trace_fd() };
	size_t count = 4;

	for (size_t i = 0; i < x->spaces_count && i < SPACES_MAX; i++)
		keep[count++] = x->spaces[i];
	for (unsigned i = 0; i < x->cgroup_fds.count; i++)
		keep[count++] = x->cgroup_fds.tasks[i];
	io_close_all_but(3 + (int)x->plan->process.preserve_fds, keep, count);
	x->procfd = x->sync = x->cgroup_fds.v2 = -1;
}

/* The program of the container must not get at this process while it is half inside: not by ptrace,
 * not through /proc/PID/fd (CVE-2016-9962). */
static int exec_tether(void *ctx, struct err *e)
{
	struct exec_join *x = ctx;
	const struct plan_process *p = &x->plan->process;

	if (p->oom_score_adj.set &&
	    cred_oom_score_apply(x->procfd, 0, p->oom_score_adj.value, e) < 0)
		return -1;
	close_all_others(x);
	if (p->affinity_initial && cred_affinity_apply(p->affinity_initial, e) < 0)
		return -1;
	process.umask = umask(0);
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return err_sys(e, "tie to the parent");
	return 0;
}

static bool wants_cgroup(const void *ctx)
{
	return ((const struct exec_join *)ctx)->cgroup_fds.count > 0;
}

static int exec_cgroup(void *ctx, struct err *e)
{
	struct exec_join *x = ctx;
	unsigned failed = 0;

	if (cgroup_join(&x->cgroup_fds, &failed) < 0)
		return err_sys(e, "enter cgroup v1 hierarchy %u", failed);
	return 0;
}

static int enter(const struct exec_join *x, uint64_t types, struct err *e)
{
	for (size_t i = 0; i < x->spaces_count; i++) {
		if (setns(x->spaces[i], 0) < 0)
			return err_sys(e, "join namespace %zu of process %u", i, x->state->pid);
	}
	if (x->spaces_count || !types || setns(x->target, (int)types) == 0)
		return 0;
	if (errno == ESRCH)
		return err_set(e, ERR_STATE, 0, "container not running: its init has ended");
	return err_sys(e, "join the namespaces of process %u", x->state->pid);
}

/* All at once. The kernel does the user namespace first, so that its rights count for the rest. */
static int exec_namespaces(void *ctx, struct err *e)
{
	struct exec_join *x = ctx;
	uint64_t types = x->state->namespaces;

	/* The parent did it before the clone: it only acts on children. */
	if (!x->options->middle)
		types &= ~(uint64_t)CLONE_NEWPID;
	if (enter(x, types, e) < 0)
		return -1;
	if (types & CLONE_NEWUSER)
		(void)cred_ids_set(0, 0, false, NULL); /* id 0 need not be mapped */
	if (x->root >= 0 && (fchdir(x->root) < 0 || chroot(".") < 0))
		return err_sys(e, "change root to that of process %u", x->state->pid);
	/* New credentials made it dumpable again, and untied it. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return err_sys(e, "tie to the parent");
	return 0;
}

static bool wants_fork(const void *ctx)
{
	return ((const struct exec_join *)ctx)->options->middle;
}

/* Now in the pid namespace for children: the one that goes on is a child of the parent's. */
static int exec_fork(void *ctx, struct err *e)
{
	struct exec_join *x = ctx;
	pid_t pid = middle_clone_sibling(x->child_sync, 0, e);

	if (pid < 0)
		return -1;
	if (pid > 0)
		_exit(0);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return err_sys(e, "tie to the parent");
	return 0;
}

static bool wants_console(const void *ctx)
{
	return ((const struct exec_join *)ctx)->plan->process.terminal;
}

static int exec_console(void *ctx, struct err *e)
{
	struct exec_join *x = ctx;
	const struct plan_process *p = &x->plan->process;
	struct tty_pair pair;
	CLEAN_FD int devpts = open("/dev/pts", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (devpts < 0)
		return err_sys(e, "open /dev/pts for the terminal");
	if (tty_open(devpts, &pair, e) < 0)
		return -1;
	x->console_master = pair.master;
	x->console_slave = pair.slave;
	if (tty_set_size(pair.slave, p->console_rows, p->console_columns, e) < 0)
		return -1;
	return tty_set_owner(pair.slave, p->uid, (gid_t)-1, e);
}

static int exec_ready(void *ctx, struct err *e)
{
	struct exec_join *x = ctx;
	size_t length = sizeof start_room, count = 1;

	if (sync_send_body(x->child_sync, SYNC_CREATED, NULL, 0, &x->console_master,
			   x->console_master >= 0 ? 1 : 0, e) < 0)
		return -1;
	drop_fd(&x->console_master);
	int result = sync_wait_body(x->child_sync, SYNC_START, start_room, &length, &x->notify_sock,
				    &count, e);
	if (result == SYNC_EOF)
		return err_set(e, ERR_PROTOCOL, EPIPE, "the parent process is gone");
	if (result < 0)
		return -1;
	if (prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0) < 0)
		return err_sys(e, "untie from the parent");
	process.plan = &x->plan->process;
	process.in_user_ns = x->state->namespaces & CLONE_NEWUSER;
	process.keyring_name = x->keyring_name;
	process.keyring_exists = true;
	process.console_slave = x->console_slave;
	process.notify_sock = x->notify_sock;
	process.notify_body = start_room;
	process.notify_length = length;
	process.word = x->word;
	return 0;
}

static int exec_session(void *ctx, struct err *e)
{
	(void)ctx;
	return process_session(&process, e);
}

static bool wants_keyring(const void *ctx)
{
	return ((const struct exec_join *)ctx)->plan->process.new_keyring;
}

static int exec_keyring(void *ctx, struct err *e)
{
	(void)ctx;
	return process_keyring(&process, e);
}

static int exec_tuning(void *ctx, struct err *e)
{
	(void)ctx;
	return process_tuning(&process, e);
}

static int exec_environment(void *ctx, struct err *e)
{
	(void)ctx;
	return process_environment(&process, e);
}

static bool wants_labels(const void *ctx)
{
	const struct plan_process *p = &((const struct exec_join *)ctx)->plan->process;

	return p->apparmor_profile || p->selinux_label;
}

static int exec_labels(void *ctx, struct err *e)
{
	(void)ctx;
	return process_labels(&process, e);
}

static int exec_credentials(void *ctx, struct err *e)
{
	const struct exec_join *x = ctx;

	if (process_credentials(&process, e) < 0)
		return -1;
	return x->plan->landlock.version ? landlock_enter(&x->plan->landlock, e) : 0;
}

static int exec_program(void *ctx, struct err *e)
{
	return ((const struct exec_join *)ctx)->serve ? 0 : process_program(&process, e);
}

static bool wants_gate(const void *ctx)
{
	const struct exec_join *x = ctx;

	return x->plan->process.gate == PLAN_GATE_ENTRY && !x->serve;
}

/* As init's step of this name. */
static int exec_gate(void *ctx, struct err *e)
{
	struct exec_join *x = ctx;
	CLEAN_FD int self = kernel_pidfd_open(getpid(), 0);

	if (!x->gate)
		return err_set(e, ERR_UNSUPPORTED, 0, "entry gate: nobody is there to trace");
	process.tracer = x->child_sync;
	if (self < 0)
		return err_sys(e, "open the program's own process");
	return gate_open_up(e) < 0 ? -1 : gate_ask(x->child_sync, self, e);
}

static int exec_execute(void *ctx, struct err *e)
{
	struct exec_join *x = ctx;
	int none[] = { -1 };

	if (!x->serve)
		return process_execute(&process, e);
	/* The parent takes the end of the socket for success, as it would an execve. */
	io_close_all_but(3, none, 1);
	_exit(x->serve(x->serve_ctx));
}

static const struct step exec_steps[] = {
	{ "tether", exec_tether },
	/* Before the namespaces: the files are the host's. */
	{ "cgroup", exec_cgroup, .wanted = wants_cgroup },
	{ "namespaces", exec_namespaces },
	{ "fork", exec_fork, .wanted = wants_fork },
	{ "console", exec_console, .wanted = wants_console },
	{ "ready", exec_ready },
	{ "session", exec_session },
	{ "keyring", exec_keyring, .wanted = wants_keyring },
	{ "tuning", exec_tuning },
	{ "environment", exec_environment },
	{ "labels", exec_labels, .wanted = wants_labels },
	{ "credentials", exec_credentials },
	{ "program", exec_program },
	{ "gate", exec_gate, .wanted = wants_gate },
	{ "execute", exec_execute },
};

const struct phase exec_phase =
	PHASE("exec", exec_steps, "a further process, entering a running container");

_Noreturn void exec_child(struct exec_join *x)
{
	struct err e = { 0 };

	phase_run(&exec_phase, x, &e);
	sync_send_error(x->child_sync, &e);
	_exit(e.kind == ERR_NO_PROGRAM ? 127 : e.kind == ERR_EXEC ? 126 : 1);
}
