/* SPDX-License-Identifier: Apache-2.0 */
/* After "created", where one process stays the container's parent to the end: start it, remove it. */
#include "runtime/phase/finish.h"
#include "runtime/phase/parent.h"
#include "runtime/phase/start.h"

static int explain(void *ctx, struct err *e)
{
	return parent_explain_death(ctx, e);
}

int parent_start(struct parent *p, struct err *e)
{
	struct starter s = {
		.arena = p->arena,
		.state = &p->state,
		.hooks = &p->plan->hooks,
		.sock = p->sync,
		.state_dir = -1,
		.unpublished = p->init.eager ? p->state_dir : -1,
		.explain = explain,
		.explain_ctx = p,
		.word = p->init.process.word,
		.gate = p->gate,
		.agent = -1,
	};

	return start_run(&s, e);
}

int parent_remove(struct parent *p, bool force, struct err *e)
{
	struct finisher f = {
		.arena = p->arena,
		.root = p->options->no_state ? NULL : &p->root,
		.state = &p->state,
		.hooks = &p->plan->hooks,
		.force = force,
		.pidfd = p->reaped ? -1 : p->pidfd,
		.warn = p->options->warn,
	};
	struct err gone;

	/* Another husk may have deleted it: then there is nothing left to do. */
	if (!p->options->no_state &&
	    state_dir_lock(p->state_dir, p->options->id, STATE_LOCK_TIMEOUT_MSEC, &gone) < 0) {
		if (gone.kind == ERR_NOT_FOUND)
			return 0;
		*e = gone;
		return -1;
	}
	return finish_run(&f, e);
}
