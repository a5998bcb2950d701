/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/cli/verbs.h"

#include "runtime/cli/container.h"

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
	{ "no-pivot", 0, OPTION_FLAG, AT(no_pivot), NULL,
	  "move the root instead of pivot_root(2)" },
	{ "no-new-keyring", 0, OPTION_FLAG, AT(no_new_keyring), NULL,
	  "keep the caller's session keyring" },
	{ "no-subreaper", 0, OPTION_FLAG, AT(no_subreaper), NULL,
	  "accepted for callers of crun; create never is one" },
	{ "preserve-fds", 0, OPTION_U32, AT(preserve_fds), "N", "pass descriptors 3 to 3+N-1 on" },
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
