/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_CGROUP_CGROUP_PIDS_H
#define HUSK_CGROUP_CGROUP_PIDS_H

#include "src/cgroup/cgroup.h"

/* Internal to src/cgroup/: cgroup_pids() and cgroup_signal() for one hierarchy. */
int cgroup_pids_of(const struct cgroup_place *place, struct arena *a, pid_t **pids, struct err *e);
int cgroup_signal_place(const struct cgroup_place *place, int sig, struct err *e);

#endif
