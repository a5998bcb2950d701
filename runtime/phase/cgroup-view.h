/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_PHASE_CGROUP_VIEW_H
#define HUSK_PHASE_CGROUP_VIEW_H

#include "runtime/plan/plan.h"
#include "src/base/err.h"

/*
 * What a container of a v1 or hybrid host sees in /sys/fs/cgroup: a tmpfs with one directory per
 * hierarchy. No heap, no stdio: init calls these.
 */

/* An empty one for the mount @m, detached. Mount fd, or -1. */
int cgroup_view_new(const struct plan_mount *m, struct err *e);

/*
 * Fill @view, the root of an empty one: with new mounts of the hierarchies, if the container has a cgroup
 * namespace of its own (the caller has to be in it), else with read-only copies of its own cgroups.
 * @view is attached, or this is Linux 6.15 or newer. 0 or -1.
 */
int cgroup_view_fill(const struct plan *plan, const struct plan_mount *m, int view, struct err *e);

/*
 * The whole view, for the parent, which has time for it while init makes its namespaces: detached, and
 * no peer of the host's mounts. Mount fd; or -1 where it is init's to make: it depends on init's
 * namespaces, or this kernel does not attach anything to what is detached.
 */
int cgroup_view_make(const struct plan *plan);

#endif
