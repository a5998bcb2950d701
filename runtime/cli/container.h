/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_CLI_CONTAINER_H
#define HUSK_CLI_CONTAINER_H

#include "runtime/cli/cli.h"
#include "runtime/phase/parent.h"
#include "runtime/plan/plan-host.h"
#include "runtime/plan/plan.h"
#include "runtime/spec/spec.h"
#include "runtime/state/state.h"

/* What the verbs have in common: finding a container, and making one. */

/* An existing container, opened. */
struct container {
	struct state_root root;
	struct state state;
	int dir; /* state directory */
	bool locked;
	int pidfd; /* init, or -1 */
	enum state_status status;
};

/*
 * Open the container @id and read what is true of it. With @lock the directory is locked for
 * changes. ERR_NOT_FOUND when there is none. Descriptors close themselves with the process, or, also
 * after a failure, by container_close().
 */
int container_open(struct call *call, const char *id, bool lock, struct container *c,
		   struct err *e);
/* @c is locked, and its creation did not come to an end: remove what there is. In delete.c. */
int container_remove_interrupted(struct call *call, const struct container *c, const char *id,
				 struct err *e);
void container_close(struct container *c);
/* An id for one that was given no name: "PREFIX-PID-TIME". NULL when out of memory. */
const char *container_make_id(const char *prefix, struct arena *a);
/* The ids of all containers, sorted. Their count, or -1. */
ssize_t container_list(struct call *call, char ***ids, struct err *e);
/* ERR_STATE unless the status is one of @wanted (bits 1 << STATE_*); text as callers match it. */
int container_expect(const struct container *c, unsigned wanted, const char *verb, struct err *e);
/* The configuration as it was at create, and its hooks as plan. */
int container_spec(struct call *call, const struct container *c, struct spec **spec, struct err *e);
int container_hooks(struct call *call, const struct container *c, struct plan_hooks *hooks,
		    struct err *e);

/* Options that create, run and (in part) exec share. */
struct create_options {
	const char *bundle, *config, *console_socket, *pidfd_socket, *pid_file;
	bool no_pivot, no_new_keyring, no_subreaper, detach, keep;
	struct opt_u32 preserve_fds;
};

/* The rows of a verb's table for what create and run have in common. */
#define CREATE_AT(member) offsetof(struct create_options, member)
/* clang-format off */
#define CREATE_OPTION_ROWS                                                                         \
	{ "bundle", 'b', OPTION_STRING, CREATE_AT(bundle), "DIR",                                  \
	  "directory with config.json (default: .)" },                                             \
	{ "config", 'f', OPTION_STRING, CREATE_AT(config), "FILE",                                 \
	  "another name for config.json" },                                                        \
	{ "console-socket", 0, OPTION_STRING, CREATE_AT(console_socket), "SOCKET",                 \
	  "unix socket that receives the terminal" },                                              \
	{ "pidfd-socket", 0, OPTION_STRING, CREATE_AT(pidfd_socket), "SOCKET",                     \
	  "unix socket that receives a pidfd of init" },                                           \
	{ "pid-file", 0, OPTION_STRING, CREATE_AT(pid_file), "FILE", "write init's pid there" },   \
	{ "no-pivot", 0, OPTION_FLAG, CREATE_AT(no_pivot), NULL,                                   \
	  "move the root instead of pivot_root(2)" },                                              \
	{ "no-new-keyring", 0, OPTION_FLAG, CREATE_AT(no_new_keyring), NULL,                       \
	  "keep the caller's session keyring" },                                                   \
	{ "preserve-fds", 0, OPTION_U32, CREATE_AT(preserve_fds), "N",                             \
	  "pass descriptors 3 to 3+N-1 on" }
/* clang-format on */

/*
 * ERR_USAGE unless descriptors 3 to 3+@count-1 were passed by the caller: one of husk's own at such a
 * number would leak into the container.
 */
int container_check_descriptors(unsigned count, struct err *e);
/* Make a container up to "created". @p stays valid until the process ends. */
int container_create(struct call *call, const struct create_options *o, const char *id, bool run,
		     struct parent *p, struct err *e);

/* "disabled", "cgroupfs", or refuse. 1 when cgroups are disabled. */
int container_cgroup_manager(const struct call *call, struct err *e);

#endif
