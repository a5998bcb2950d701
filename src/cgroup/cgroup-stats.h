/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_CGROUP_CGROUP_STATS_H
#define HUSK_CGROUP_CGROUP_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/arena.h"
#include "src/base/err.h"
#include "src/cgroup/cgroup.h"

/*
 * What a container has used. Everything that is missing on this host stays 0 (or count 0). Field
 * meanings follow the statistics object that runc prints for `events --stats`, which containerd and
 * cadvisor-like callers parse. All arrays and strings are in the arena of the read.
 */

#define CGROUP_UNLIMITED UINT64_MAX

struct cgroup_stat_pair { /* one line of a flat keyed file: memory.stat */
	const char *key;
	uint64_t value;
};

struct cgroup_stat_memory {
	bool present;
	uint64_t usage, max_usage, failcnt, limit; /* bytes; limit CGROUP_UNLIMITED: none */
};

struct cgroup_stat_blkio { /* one line of a blkio.* file */
	uint64_t major, minor, value;
	const char
		*op; /* "Read", "Write", "Sync", "Async", "Discard", "Total"; v2: "Read", "Write" */
};

struct cgroup_stat_blkio_list {
	size_t count;
	const struct cgroup_stat_blkio *items;
};

struct cgroup_stat_hugetlb {
	const char *page_size;
	uint64_t usage, max_usage, failcnt;
};

struct cgroup_stat_rdma {
	const char *device;
	uint64_t hca_handles, hca_objects;
};

struct cgroup_stat_psi { /* pressure stall information; v2 */
	bool present;
	struct {
		double avg10, avg60, avg300;
		uint64_t total_usec;
	} some, full;
};

struct cgroup_oom {
	uint64_t oom; /* v2: times the limit was about to be passed with nothing left to reclaim */
	uint64_t oom_kill;  /* processes that the OOM killer killed */
	bool under_oom;     /* v1: tasks are stopped and wait for memory */
	bool kill_disabled; /* v1 */
};

struct cgroup_stats {
	struct {
		uint64_t usage_total_nsec, usage_kernel_nsec, usage_user_nsec;
		size_t percpu_count; /* v1 */
		const uint64_t *percpu_nsec, *percpu_kernel_nsec, *percpu_user_nsec;
		uint64_t periods, throttled_periods, throttled_nsec, bursts, burst_nsec;
		struct cgroup_stat_psi psi;
	} cpu;
	struct {
		uint64_t cache;
		struct cgroup_stat_memory usage, swap, kernel,
			kernel_tcp; /* v1 swap: memory+swap */
		size_t raw_count;
		const struct cgroup_stat_pair *raw; /* memory.stat */
		struct cgroup_oom oom;
		struct cgroup_stat_psi psi;
	} memory;
	struct {
		uint64_t current, limit; /* limit 0: none, as runc prints it */
	} pids;
	struct {
		struct cgroup_stat_blkio_list service_bytes, serviced, queued, service_time,
			wait_time, merged, time, sectors;
		struct cgroup_stat_psi psi;
	} blkio;
	size_t hugetlb_count;
	const struct cgroup_stat_hugetlb *hugetlb;
	size_t rdma_current_count, rdma_limit_count;
	const struct cgroup_stat_rdma *rdma_current, *rdma_limit;
	const char *cpus, *mems; /* effective cpuset, or NULL */
};

int cgroup_stats_read(const struct cgroup_set *set, struct arena *a, struct cgroup_stats *stats,
		      struct err *e);

/* The OOM facts alone, for the moment before a container's directories go. 0, or -1 with errno in
 * @e (also when there is no memory controller: ERR_UNSUPPORTED). Two or three system calls. */
int cgroup_oom_read(const struct cgroup_set *set, struct cgroup_oom *oom, struct err *e);

/*
 * A descriptor that becomes readable when the container runs out of memory or its memory cgroup
 * goes (v1: eventfd, v2: inotify on memory.events). cgroup_oom_next() must be called then: 1 the
 * OOM counter rose (or v1 notified), 0 nothing new, -1 with errno ENODEV in @e: the cgroup is gone.
 */
struct cgroup_oom_watch {
	int fd;
	bool v2;
	const char *dir;
	uint64_t seen;
};
int cgroup_oom_watch(const struct cgroup_set *set, struct cgroup_oom_watch *watch, struct err *e);
int cgroup_oom_next(struct cgroup_oom_watch *watch, struct err *e);

#endif
