/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/cli/verbs.h"

#include "runtime/cli/container.h"
#include "runtime/cli/output.h"

static int state_verb(struct call *call, const void *options, int argc, char **argv, struct err *e)
{
	struct container c;
	struct json_writer w;

	(void)options;
	(void)argc;
	if (container_open(call, argv[0], false, &c, e) < 0)
		return -1;
	json_write_init(&w, true);
	json_write_object_begin(&w, NULL);
	output_state(&w, &c.state, c.status);
	json_write_object_end(&w);
	return output_json(&w, e);
}

const struct verb verb_state = {
	.name = "state",
	.arguments = "CONTAINER",
	.about = "Print the state of a container as JSON",
	.arguments_min = 1,
	.arguments_max = 1,
	.run = state_verb,
};
