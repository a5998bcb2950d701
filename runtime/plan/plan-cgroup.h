/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_PLAN_CGROUP_H
#define HUSK_PLAN_CGROUP_H

#include <stdbool.h>

#include "runtime/spec/spec.h"
#include "src/base/arena.h"
#include "src/base/err.h"
#include "src/cgroup/cgroup-limits.h"

/*
 * The OCI resources in the words of src/cgroup. Pure. Fills in what @r has and leaves the other
 * fields of @limits as they are; strings of the spec are shared, arrays are in @a. A device list
 * that is not empty is followed by the devices that every container may use. Obsolete properties
 * without effect on the kernels that husk runs on (memory.kernel, memory.kernelTCP) are left out. 0
 * or -1.
 */
int plan_cgroup_limits(const struct spec_resources *r, struct arena *a,
		       struct cgroup_limits *limits, struct err *e);

/*
 * True if @r asks for something that cannot be had without a cgroup. A device list alone does not:
 * without cgroups nothing is opened up by leaving it out that the container's user could not do
 * anyway.
 */
bool plan_cgroup_is_limited(const struct spec_resources *r);

#endif
