/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/phase/finish.h"

#include <errno.h>
#include <signal.h>

#include "runtime/phase/hook.h"
#include "src/base/kernel.h"
#include "src/base/pid.h"

#define KILL_TIMEOUT_MSEC 10000

static bool wants_kill(const void *ctx)
{
	const struct finisher *f = ctx;

	return f->force;
}

/*
 * The cgroup first: without a pid namespace of its own the container has processes that do not die
 * with init. Then init itself, which may not be in the cgroup yet, or have none.
 */
static int finish_kill(void *ctx, struct err *e)
{
	struct finisher *f = ctx;
	const struct state *s = f->state;

	if (s->cgroup_enabled && cgroup_kill(&s->cgroup, e) < 0)
		return -1;
	if (f->pidfd < 0)
		return 0;
	if (kernel_pidfd_send_signal(f->pidfd, SIGKILL) < 0 && errno != ESRCH)
		return err_sys(e, "kill init, process %u", s->pid);
	if (pid_wait_end(f->pidfd, KILL_TIMEOUT_MSEC) <= 0)
		return err_set(
			e, ERR_SYSTEM, ETIMEDOUT,
			"wait for init, process %u, to die (is it in uninterruptible sleep?)",
			s->pid);
	return 0;
}

static bool wants_cgroup(const void *ctx)
{
	const struct finisher *f = ctx;

	return f->state->cgroup_enabled && f->state->cgroup_created.made;
}

static int finish_cgroup(void *ctx, struct err *e)
{
	struct finisher *f = ctx;

	return cgroup_remove(&f->state->cgroup, &f->state->cgroup_created, CGROUP_REMOVE_KILL, e);
}

static bool wants_poststop(const void *ctx)
{
	const struct finisher *f = ctx;

	return f->hooks && f->hooks->poststop.count > 0;
}

/* OCI: a poststop hook that fails is a warning; the others and the removal go on. */
static int finish_poststop(void *ctx, struct err *e)
{
	struct finisher *f = ctx;
	struct hook_context context = {
		.kind = "poststop",
		.cwd = f->state->bundle,
		.stdout_path = f->hooks->stdout_path,
		.stderr_path = f->hooks->stderr_path,
	};
	char *text;

	if (state_oci_print(f->state, "stopped", 0, f->arena, &text, &context.state_length, e) < 0)
		return -1;
	context.state = text;
	hook_list_run_all(&f->hooks->poststop, &context, f->warn);
	return 0;
}

static bool wants_state(const void *ctx)
{
	return ((const struct finisher *)ctx)->root != NULL;
}

/* Last: as long as anything is left on the host, "delete --force" has to find it by this. */
static int finish_state(void *ctx, struct err *e)
{
	struct finisher *f = ctx;

	return state_dir_remove(f->root, f->state->id, e);
}

static const struct step finish_steps[] = {
	{ "kill", finish_kill, .wanted = wants_kill },
	{ "cgroup", finish_cgroup, .wanted = wants_cgroup },
	{ "poststop-hooks", finish_poststop, .wanted = wants_poststop },
	{ "state", finish_state, .wanted = wants_state },
};

const struct phase finish_phase = PHASE("finish", finish_steps, "whoever removes a container");

int finish_run(struct finisher *f, struct err *e)
{
	return phase_run(&finish_phase, f, e);
}
