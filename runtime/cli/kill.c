/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/cli/verbs.h"

#include <errno.h>
#include <signal.h>

#include "runtime/cli/container.h"
#include "runtime/cli/select.h"
#include "runtime/cli/signal-names.h"
#include "src/base/kernel.h"

struct kill_options {
	bool all, regex;
	int sig;
};

static const struct option_row rows[] = {
	{ "all", 'a', OPTION_FLAG, offsetof(struct kill_options, all), NULL,
	  "signal every process of the container" },
	{ "regex", 'r', OPTION_FLAG, offsetof(struct kill_options, regex), NULL,
	  "CONTAINER is a regular expression" },
};

/* Every process: SIGKILL by the kernel's own means, so that forking cannot outrun it. */
static int kill_all(const struct container *c, int sig, struct err *e)
{
	if (!c->state.cgroup_enabled)
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "kill --all \"%s\": the container has no cgroup of its own, its "
			       "processes cannot be told apart",
			       c->state.id);
	if (sig == SIGKILL)
		return cgroup_kill(&c->state.cgroup, e);
	return cgroup_signal(&c->state.cgroup, sig, e) < 0 ? -1 : 0;
}

static int kill_one(struct call *call, const char *id, const void *data, struct err *e)
{
	const struct kill_options *o = data;
	struct container c;

	if (container_open(call, id, false, &c, e) < 0)
		return -1;
	/* After init's death others may be left where the pid namespace is shared. */
	if (o->all && c.status == STATE_STOPPED && !(c.state.namespaces & CLONE_NEWPID))
		return kill_all(&c, o->sig, e);
	if (container_expect(&c, 1u << STATE_CREATED | 1u << STATE_RUNNING | 1u << STATE_PAUSED,
			     "kill", e) < 0)
		return -1;
	if (o->all)
		return kill_all(&c, o->sig, e);
	/* In a shared pid namespace init's death leaves the others: SIGKILL means the container. */
	if (o->sig == SIGKILL && !(c.state.namespaces & CLONE_NEWPID) && c.state.cgroup_enabled)
		return kill_all(&c, o->sig, e);
	if (kernel_pidfd_send_signal(c.pidfd, o->sig) < 0) {
		if (errno == ESRCH)
			return err_set(e, ERR_STATE, 0, "kill \"%s\": container not running", id);
		return err_sys(e, "kill \"%s\": signal %d to process %u", id, o->sig, c.state.pid);
	}
	return 0;
}

static int kill_verb(struct call *call, const void *options, int argc, char **argv, struct err *e)
{
	struct kill_options o = *(const struct kill_options *)options;

	o.sig = argc > 1 ? signal_parse(argv[1], e) : SIGTERM;
	if (o.sig < 0)
		return -1;
	return select_containers(call, argv[0], o.regex, kill_one, &o, e);
}

const struct verb verb_kill = {
	.name = "kill",
	.arguments = "CONTAINER [SIGNAL]",
	.about = "Send a signal (default: TERM) to a container's init",
	.options = rows,
	.options_count = sizeof rows / sizeof *rows,
	.size = sizeof(struct kill_options),
	.arguments_min = 1,
	.arguments_max = 2,
	.run = kill_verb,
};
