/* SPDX-License-Identifier: Apache-2.0 */
/* run: create and start in one process, and in the foreground wait for the end and clean up. */
#include <sys/prctl.h>
#include <unistd.h>

#include "runtime/cli/container.h"
#include "runtime/cli/foreground.h"
#include "runtime/cli/verbs.h"
#include "src/base/kernel.h"
#include "src/tty/tty-console.h"

static const struct option_row rows[] = {
	CREATE_OPTION_ROWS,
	{ "detach", 'd', OPTION_FLAG, CREATE_AT(detach), NULL,
	  "return as soon as the program runs" },
	{ "keep", 0, OPTION_FLAG, CREATE_AT(keep), NULL,
	  "do not delete the container when it ends" },
	{ "no-subreaper", 0, OPTION_FLAG, CREATE_AT(no_subreaper), NULL,
	  "do not adopt processes that the container leaves behind" },
};

static int run_run(struct call *call, const void *options, int argc, char **argv, struct err *e)
{
	const struct create_options *o = options;
	struct parent *p = arena_new(call->arena, struct parent);
	struct err ignored;

	(void)argc;
	if (!p)
		return arena_check(call->arena, e);
	if (!o->detach)
		foreground_prepare();
	if (container_create(call, o, argv[0], true, p, e) < 0)
		return -1;
	/* Without a pid namespace of its own what the program leaves behind becomes ours. */
	if (!o->detach && !o->no_subreaper && !(p->state.namespaces & CLONE_NEWPID))
		prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	if (p->console_master >= 0)
		tty_copy_size(STDIN_FILENO, p->console_master);
	if (parent_start(p, e) < 0) {
		parent_remove(p, true, &ignored);
		return -1;
	}
	if (o->detach)
		return 0;
	int status = foreground_wait(p->pid, p->pidfd, p->console_master, e);
	if (status < 0) {
		parent_remove(p, true, &ignored);
		return -1;
	}
	p->reaped = true;
	if (o->keep)
		return status;
	if (parent_remove(p, !(p->state.namespaces & CLONE_NEWPID), e) < 0)
		return -1;
	return status;
}

const struct verb verb_run = {
	.name = "run",
	.arguments = "CONTAINER",
	.about = "Create, start and, when it ends, delete a container",
	.options = rows,
	.options_count = sizeof rows / sizeof *rows,
	.size = sizeof(struct create_options),
	.arguments_min = 1,
	.arguments_max = 1,
	.holds_seal = true,
	.run = run_run,
};
