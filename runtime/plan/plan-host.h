/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_PLAN_HOST_H
#define HUSK_PLAN_HOST_H

#include <linux/capability.h>
#include <stdbool.h>
#include <sys/types.h>

#include "src/base/arena.h"
#include "src/base/err.h"
#include "src/cgroup/cgroup.h"
#include "src/cred/cred-caps.h"

/*
 * What the planner has to know about this host and this caller. Facts only: read once by
 * host_read(), made up by tests.
 */
struct host {
	uid_t euid;
	gid_t egid;
	bool initial_userns; /* not inside a user namespace */
	/* The mount namespace belongs to this user namespace, or to one below: "unshare -r" makes the
	 * one without the other, and then CAP_SYS_ADMIN is none over these mounts. */
	bool mounts_owned;
	bool setgroups_denied;    /* /proc/self/setgroups says deny */
	struct cred_caps caps;    /* the caller's own sets */
	uint64_t caps_known;      /* all that the kernel has */
	uint64_t ignored_signals; /* as cred_status_read() has them */
	bool apparmor, selinux;
	int landlock; /* version, 0: none */
	struct cgroup_host cgroup;
	/* Subordinate ids of an unprivileged caller */
	struct cred_id_map *subuids, *subgids;
	size_t subuids_count, subgids_count;
};

/* The caller has @cap (CAP_SYS_ADMIN, ...) in its own user namespace. */
bool host_has_cap(const struct host *h, unsigned cap);

/* The caller may copy mounts of the mount namespace that it is in. */
bool host_can_clone_mounts(const struct host *h);

/* Which facts cost system calls and are only needed by some configurations. */
enum {
	HOST_CGROUPS = 1,
	HOST_LSM = 2,    /* a label or profile is asked for */
	HOST_SUBIDS = 8, /* the user namespace is husk's own idea: what may be mapped in it */
	HOST_LANDLOCK = 16,
	HOST_CAPS_KNOWN = 4, /* a user namespace: its root has all capabilities there are */
};

/* Read the facts, those above as @wanted says. Strings are in @a. 0 or -1. */
int host_read(unsigned wanted, struct arena *a, struct host *h, struct err *e);

#endif
