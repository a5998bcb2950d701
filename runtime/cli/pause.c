/* SPDX-License-Identifier: Apache-2.0 */
/* pause and resume: the freezer of the container's cgroup. */
#include "runtime/cli/verbs.h"

#include "runtime/cli/container.h"

static int open_for(struct call *call, const char *id, unsigned wanted, const char *verb,
		    struct container *c, struct err *e)
{
	if (container_open(call, id, true, c, e) < 0 || container_expect(c, wanted, verb, e) < 0)
		return -1;
	if (!c->state.cgroup_enabled)
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "%s \"%s\": the container has no cgroup of its own (cgroup manager "
			       "disabled, or no rights to make one)",
			       verb, id);
	return 0;
}

static int pause_verb(struct call *call, const void *options, int argc, char **argv, struct err *e)
{
	struct container c;

	(void)options;
	(void)argc;
	if (open_for(call, argv[0], 1u << STATE_RUNNING | 1u << STATE_CREATED, "pause", &c, e) < 0)
		return -1;
	return cgroup_freeze(&c.state.cgroup, e);
}

static int resume_verb(struct call *call, const void *options, int argc, char **argv, struct err *e)
{
	struct container c;

	(void)options;
	(void)argc;
	if (open_for(call, argv[0], 1u << STATE_PAUSED, "resume", &c, e) < 0)
		return -1;
	return cgroup_thaw(&c.state.cgroup, e);
}

const struct verb verb_pause = {
	.name = "pause",
	.arguments = "CONTAINER",
	.about = "Stop all processes of a container until it is resumed",
	.arguments_min = 1,
	.arguments_max = 1,
	.run = pause_verb,
};

const struct verb verb_resume = {
	.name = "resume",
	.arguments = "CONTAINER",
	.about = "Let a paused container go on",
	.arguments_min = 1,
	.arguments_max = 1,
	.run = resume_verb,
};
