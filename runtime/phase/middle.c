/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/phase/middle.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>

#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/kernel.h"
#include "src/cred/cred-ids.h"

int middle_join(struct init *c, uint64_t types, struct err *e)
{
	const struct plan_namespaces *ns = &c->plan->namespaces;

	for (size_t i = 0; i < ns->joins_count; i++) {
		const struct plan_join *join = &ns->joins[i];
		if (c->joins[i] < 0 || !(join->type & types))
			continue;
		if (setns(c->joins[i], (int)join->type) < 0)
			return err_sys(e, "join namespace %s", join->path);
		drop_fd(&c->joins[i]);
	}
	return 0;
}

int middle_time_namespace(const struct plan_namespaces *ns, struct err *e)
{
	if (unshare(CLONE_NEWTIME) < 0)
		return err_sys(e, "create time namespace");
	/* Before the first process enters; afterwards the kernel refuses (time_namespaces(7)). */
	if (ns->time_offsets &&
	    io_write_at(AT_FDCWD, "/proc/self/timens_offsets", ns->time_offsets) < 0)
		return err_sys(e, "write time offsets");
	return 0;
}

static int middle_tether(void *ctx, struct err *e)
{
	(void)ctx;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return err_sys(e, "tie to the parent");
	return 0;
}

static bool wants_mapped(const void *ctx)
{
	return ((const struct init *)ctx)->plan->namespaces.new_user;
}

static int middle_mapped(void *ctx, struct err *e)
{
	struct init *c = ctx;
	int result = sync_wait(c->sync, SYNC_MAPPED, NULL, NULL, NULL, e);

	if (result == SYNC_EOF)
		return err_set(e, ERR_PROTOCOL, EPIPE, "the parent process is gone");
	return result < 0 ? -1 : 0;
}

/* The user namespace first: it is what gives the rights to join the others that it owns. */
static int middle_user(void *ctx, struct err *e)
{
	struct init *c = ctx;

	return middle_join(c, CLONE_NEWUSER, e);
}

/* After the time offsets: with new ids our files in /proc belong to nobody we are. */
static int middle_ids(void *ctx, struct err *e)
{
	const struct init *c = ctx;

	if (!c->plan->namespaces.keep_ids && cred_ids_set(0, 0, false, e) < 0)
		return -1;
	return middle_tether(ctx, e);
}

static int middle_children(void *ctx, struct err *e)
{
	struct init *c = ctx;

	if (middle_join(c, CLONE_NEWPID | CLONE_NEWTIME, e) < 0)
		return -1;
	if (c->plan->namespaces.late_flags & CLONE_NEWTIME)
		return middle_time_namespace(&c->plan->namespaces, e);
	return 0;
}

pid_t middle_clone_sibling(int sync, uint64_t flags, struct err *e)
{
	/* The exit signal of a CLONE_PARENT child is the caller's own. */
	struct clone_args args = { .flags = flags | CLONE_PARENT };
	int gate[2];
	char none;

	if (pipe2(gate, O_CLOEXEC) < 0)
		return err_sys(e, "create pipe");
	CLEAN_FD int wait = gate[0];
	CLEAN_FD int hold = gate[1];
	pid_t pid = kernel_clone3(&args);
	if (pid < 0)
		return err_sys(e, "clone");
	if (pid == 0) {
		/* End of file: the message is sent, or nobody is left to send it. */
		drop_fd(&hold);
		(void)!read(wait, &none, 1);
		return 0;
	}
	return sync_send(sync, SYNC_PID, pid, e) < 0 ? -1 : pid;
}

static int middle_fork(void *ctx, struct err *e)
{
	struct init *c = ctx;
	pid_t pid =
		middle_clone_sibling(c->sync,
				     c->plan->namespaces.clone_flags & ~(uint64_t)CLONE_NEWUSER, e);

	if (pid == 0)
		init_main(c);
	return pid < 0 ? -1 : 0;
}

static const struct step middle_steps[] = {
	{ "tether", middle_tether },
	{ "mapped", middle_mapped, .wanted = wants_mapped },
	{ "user-namespace", middle_user },
	{ "namespaces-of-children", middle_children },
	{ "ids", middle_ids },
	{ "fork", middle_fork },
};

const struct phase middle_phase =
	PHASE("middle", middle_steps,
	      "only for foreign user namespaces: enters them and forks init");

_Noreturn void middle_main(struct init *c)
{
	struct err e = { 0 };

	if (phase_run(&middle_phase, c, &e) < 0) {
		sync_send_error(c->sync, &e);
		_exit(1);
	}
	_exit(0);
}
