/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/cli/verbs.h"

#include <signal.h>

#include "runtime/cli/container.h"
#include "runtime/phase/start.h"
#include "src/base/kernel.h"
#include "src/base/pid.h"

/* For a process that has been killed: only a hanging file system keeps it longer. */
#define END_TIMEOUT_MSEC 5000

static int start_verb(struct call *call, const void *options, int argc, char **argv, struct err *e)
{
	struct container c;
	struct plan_hooks hooks;

	(void)options;
	(void)argc;
	if (container_open(call, argv[0], true, &c, e) < 0 ||
	    container_expect(&c, 1u << STATE_CREATED, "start", e) < 0)
		return -1;
	if (!c.state.has_process)
		return err_set(e, ERR_STATE, 0, "start \"%s\": config.json has no process",
			       argv[0]);
	if (container_hooks(call, &c, &hooks, e) < 0)
		return -1;
	struct starter s = {
		.arena = call->arena,
		.state = &c.state,
		.hooks = &hooks,
		.sock = start_connect(c.dir, argv[0], e),
		.state_dir = c.dir,
		.unpublished = -1,
		.agent = -1,
	};
	if (s.sock < 0)
		return -1;
	if (start_run(&s, e) == 0)
		return 0;
	/* OCI: a container whose start failed is stopped. After a failed hook it still runs. */
	(void)kernel_pidfd_send_signal(c.pidfd, SIGKILL);
	/* containerd's shim calls delete at once, without --force. */
	(void)pid_wait_end(c.pidfd, END_TIMEOUT_MSEC);
	return -1;
}

const struct verb verb_start = {
	.name = "start",
	.arguments = "CONTAINER",
	.about = "Execute the program of a created container",
	.arguments_min = 1,
	.arguments_max = 1,
	.run = start_verb,
};
