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
 * changes. ERR_NOT_FOUND when there is none. Descriptors close themselves with the process.
 */
int container_open(struct call *call, const char *id, bool lock, struct container *c,
		   struct err *e);
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
