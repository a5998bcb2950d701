/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_CGROUP_CGROUP_USAGE_H
#define HUSK_CGROUP_CGROUP_USAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "src/cgroup/cgroup.h"

/*
 * What a group has used, in the few numbers that a limit or a report is about: cheap enough to be
 * read again and again. cgroup-stats.h has everything.
 */
struct cgroup_usage {
	bool has_cpu, has_memory,
		has_pids; /* false: this host does not tell, and the numbers are 0 */
	uint64_t cpu_nsec, cpu_user_nsec, cpu_system_nsec;
	uint64_t memory_peak_bytes; /* 0 also where the kernel keeps no peak (v2 before 5.19) */
	uint64_t oom_kills;
	uint64_t pids_refused; /* times that a fork failed because of pids.max */
};

/* Never fails: what cannot be read is left out. No heap. */
void cgroup_usage_read(const struct cgroup_set *set, struct cgroup_usage *usage);
/* The processor time alone, in nanoseconds; 0 where it is not known. */
uint64_t cgroup_usage_cpu(const struct cgroup_set *set);

#endif
