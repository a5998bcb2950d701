/* SPDX-License-Identifier: Apache-2.0 */
/* run: create and start in one process, and in the foreground wait for the end and clean up. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/cli/container.h"
#include "runtime/cli/foreground.h"
#include "runtime/cli/log.h"
#include "runtime/cli/verbs.h"
#include "runtime/phase/finish.h"
#include "runtime/phase/start.h"
#include "src/base/clean.h"
#include "src/base/kernel.h"
#include "src/tty/tty-console.h"

#define LOCK_TIMEOUT_MSEC 20000

#define AT(member) offsetof(struct create_options, member)

static const struct option_row rows[] = {
	{ "bundle", 'b', OPTION_STRING, AT(bundle), "DIR",
	  "directory with config.json (default: .)" },
	{ "config", 'f', OPTION_STRING, AT(config), "FILE", "another name for config.json" },
	{ "console-socket", 0, OPTION_STRING, AT(console_socket), "SOCKET",
	  "unix socket that receives the terminal" },
	{ "pidfd-socket", 0, OPTION_STRING, AT(pidfd_socket), "SOCKET",
	  "unix socket that receives a pidfd of init" },
	{ "pid-file", 0, OPTION_STRING, AT(pid_file), "FILE", "write init's pid there" },
	{ "detach", 'd', OPTION_FLAG, AT(detach), NULL, "return as soon as the program runs" },
	{ "keep", 0, OPTION_FLAG, AT(keep), NULL, "do not delete the container when it ends" },
	{ "no-pivot", 0, OPTION_FLAG, AT(no_pivot), NULL,
	  "move the root instead of pivot_root(2)" },
	{ "no-new-keyring", 0, OPTION_FLAG, AT(no_new_keyring), NULL,
	  "keep the caller's session keyring" },
	{ "no-subreaper", 0, OPTION_FLAG, AT(no_subreaper), NULL,
	  "do not adopt processes that the container leaves behind" },
	{ "preserve-fds", 0, OPTION_U32, AT(preserve_fds), "N", "pass descriptors 3 to 3+N-1 on" },
};

/* Take the container away, after a failure or at its end. */
static int remove_container(struct parent *p, bool force, struct err *e)
{
	struct err gone;

	/* Another husk may have deleted it: then there is nothing left to do. */
	if (state_dir_lock(p->state_dir, p->options->id, LOCK_TIMEOUT_MSEC, &gone) < 0) {
		if (gone.kind == ERR_NOT_FOUND)
			return 0;
		*e = gone;
		return -1;
	}
	struct finisher f = {
		.arena = p->arena,
		.root = &p->root,
		.state = &p->state,
		.hooks = &p->plan->hooks,
		.force = force,
		.pidfd = p->reaped ? -1 : p->pidfd,
		.warn = log_warning,
	};

	return finish_run(&f, e);
}

static int explain(void *ctx, struct err *e)
{
	return parent_explain_death(ctx, e);
}

static int start(struct parent *p, struct err *e)
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
		.agent = -1,
	};

	return start_run(&s, e);
}

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
	if (start(p, e) < 0) {
		remove_container(p, true, &ignored);
		return -1;
	}
	if (o->detach)
		return 0;
	int status = foreground_wait(p->pid, p->pidfd, p->console_master, e);
	if (status < 0) {
		remove_container(p, true, &ignored);
		return -1;
	}
	p->reaped = true;
	if (o->keep)
		return status;
	if (remove_container(p, !(p->state.namespaces & CLONE_NEWPID), e) < 0)
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
