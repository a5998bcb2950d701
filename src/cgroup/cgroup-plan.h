/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_CGROUP_CGROUP_PLAN_H
#define HUSK_CGROUP_CGROUP_PLAN_H

#include "src/cgroup/cgroup-limits.h"

/* Internal to src/cgroup/: the plan while it is being made. */

struct limits_builder {
	const struct cgroup_limits *limits;
	const struct cgroup_set *set;
	bool update;
	struct arena *a;
	struct cgroup_limits_plan *plan;
	struct cgroup_write *writes;
	size_t room;
};

/*
 * The place that limits @controller; the property that wants it is named @what. Notes v2
 * controllers that have to be enabled. Index, or -1 with @e if this host has no such controller.
 */
int cgroup_plan_place(struct limits_builder *b, uint32_t controller, const char *what,
		      struct err *e);

/* Append a write; the value is formatted into the arena. */
void cgroup_plan_write(struct limits_builder *b, int place, unsigned flags, const char *file,
		       const char *format, ...) __attribute__((format(printf, 5, 6)));

int cgroup_plan_cpu(struct limits_builder *b, struct err *e);
int cgroup_plan_memory(struct limits_builder *b, struct err *e);
int cgroup_plan_blkio(struct limits_builder *b, struct err *e);
int cgroup_plan_devices(struct limits_builder *b, struct err *e);

#endif
