/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_CLI_EXEC_PROCESS_H
#define HUSK_CLI_EXEC_PROCESS_H

#include "runtime/cli/container.h"

/* Options of exec. */
struct exec_call {
	const char *id;
	char **args;
	size_t args_count;
	const char *process, *pid_file, *console_socket, *pidfd_socket, *cwd, *user, *apparmor,
		*label, *cgroup;
	struct option_list env, gids, caps;
	bool detach, tty, no_new_privs, ignore_paused, no_new_keyring;
	struct opt_u32 preserve_fds;
};

/*
 * The process to run: that of --process, or the configuration's with the command and the options put
 * over it. @spec may be NULL with --process.
 */
int exec_process_make(struct call *call, const struct exec_call *o, const struct container *c,
		      const struct spec *spec, struct spec_process **out, struct err *e);

#endif
