/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/cli/verbs.h"

#include "runtime/cli/container.h"

static const struct option_row rows[] = {
	CREATE_OPTION_ROWS,
	{ "no-subreaper", 0, OPTION_FLAG, CREATE_AT(no_subreaper), NULL,
	  "accepted for callers of crun; create never is one" },
};

static int create_run(struct call *call, const void *options, int argc, char **argv, struct err *e)
{
	struct parent *p = arena_new(call->arena, struct parent);

	(void)argc;
	if (!p)
		return arena_check(call->arena, e);
	return container_create(call, options, argv[0], false, p, e);
}

const struct verb verb_create = {
	.name = "create",
	.arguments = "CONTAINER",
	.about = "Create a container from a bundle, up to its program",
	.options = rows,
	.options_count = sizeof rows / sizeof *rows,
	.size = sizeof(struct create_options),
	.arguments_min = 1,
	.arguments_max = 1,
	.run = create_run,
};
