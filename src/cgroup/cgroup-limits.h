/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_CGROUP_CGROUP_LIMITS_H
#define HUSK_CGROUP_CGROUP_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/arena.h"
#include "src/base/err.h"
#include "src/cgroup/cgroup.h"

/*
 * Limits in units of cgroup v1, as the OCI specification has them, and their translation into
 * writes for the hierarchies of a set. Numbers that are not `set` are left alone.
 */

struct cgroup_s64 {
	bool set;
	int64_t value;
};

struct cgroup_u64 {
	bool set;
	uint64_t value;
};

enum { CGROUP_DEVICE_READ = 1, CGROUP_DEVICE_WRITE = 2, CGROUP_DEVICE_MKNOD = 4 };

struct cgroup_device {
	bool allow;
	char type;            /* 'b', 'c', or 'a' for both (then major and minor must be -1) */
	int64_t major, minor; /* -1: any */
	unsigned access;      /* CGROUP_DEVICE_*; all three for type 'a' on v1 */
};

/* The character devices that every container may use whatever its configuration says, in the
 * order in which other runtimes append them to the list of the configuration. */
extern const struct cgroup_device cgroup_devices_default[];
extern const size_t cgroup_devices_default_count;

struct cgroup_device_value { /* weight or rate of one block device */
	int64_t major, minor;
	uint64_t value;
};

struct cgroup_device_list {
	size_t count;
	const struct cgroup_device_value *items;
};

struct cgroup_named_value { /* hugetlb: page size; net_prio: interface; unified: file */
	const char *name;
	const char *value;
};

struct cgroup_named_list {
	size_t count;
	const struct cgroup_named_value *items;
};

struct cgroup_hugetlb {
	const char *page_size; /* "2MB", as in the kernel's file names */
	uint64_t limit_bytes;
};

struct cgroup_rdma {
	const char *device;
	struct cgroup_u64 hca_handles, hca_objects;
};

struct cgroup_net_priority {
	const char *interface;
	uint32_t priority;
};

struct cgroup_limits {
	/* bytes; -1: no limit; 0: left alone (engines send zeros for what the user did not name) */
	struct cgroup_s64 memory_limit_bytes, memory_reservation_bytes, memory_swap_bytes;
	struct cgroup_u64 memory_swappiness; /* 0..100 */
	bool memory_oom_kill_disable_set, memory_oom_kill_disable;
	bool memory_use_hierarchy_set, memory_use_hierarchy; /* v1; v2 knows nothing else */
	bool memory_check_before_update;

	struct cgroup_u64 cpu_shares;     /* 2..262144; 0: left alone */
	struct cgroup_s64 cpu_quota_usec; /* per period; negative: no limit; 0: left alone */
	struct cgroup_u64 cpu_period_usec, cpu_burst_usec;
	struct cgroup_s64 cpu_realtime_runtime_usec;
	struct cgroup_u64 cpu_realtime_period_usec;
	struct cgroup_s64 cpu_idle; /* 0 or 1 */
	const char *cpus, *mems;    /* list formats of cpuset(7); NULL or "": left alone */

	struct cgroup_u64 blkio_weight, blkio_leaf_weight; /* 10..1000; 0: left alone */
	struct cgroup_device_list blkio_weight_device, blkio_leaf_weight_device;
	struct cgroup_device_list blkio_read_bps, blkio_write_bps, blkio_read_iops,
		blkio_write_iops;

	size_t hugetlb_count;
	const struct cgroup_hugetlb *hugetlb;
	struct cgroup_u64 net_class_id;
	size_t net_priorities_count;
	const struct cgroup_net_priority *net_priorities;
	struct cgroup_s64 pids_limit; /* negative: no limit; 0 is a limit */
	size_t rdma_count;
	const struct cgroup_rdma *rdma;

	struct cgroup_named_list unified; /* v2 file -> value, written as it stands */

	/* The complete list in order, defaults included; the last rule that matches wins, and
	 * what no rule matches is as before (create: all allowed). Empty: devices are left alone.
	 */
	size_t devices_count;
	const struct cgroup_device *devices;
	/* Without privilege over devices (EPERM, EACCES) go on: in a user namespace no node can be
	 * made, so the list guards nothing there. */
	bool devices_optional;
};

enum {
	/* A file that is missing is skipped: the kernel lacks the feature. */
	CGROUP_WRITE_OPTIONAL = 1,
	/* EINVAL: try again after the other writes (depends on one of them). */
	CGROUP_WRITE_RETRY = 2,
	/* Missing: use the next write instead; present: skip the next. */
	CGROUP_WRITE_OR_NEXT = 4,
	/* v2 cpu.max: keep the quota that is there, replace the period. */
	CGROUP_WRITE_PERIOD = 8,
	/* Memory limit: refuse one below the present usage. */
	CGROUP_WRITE_CHECK = 16,
	/* pids.max: CGROUP_APPLY_LATE, after the container's processes came in. */
	CGROUP_WRITE_LATE = 32,
	/* Device list: EPERM and EACCES pass if devices_optional. */
	CGROUP_WRITE_DEVICE = 64,
};

struct cgroup_write {
	uint8_t place; /* index in the set */
	uint8_t flags;
	const char *file, *value;
};

struct bpf_insn; /* <linux/bpf.h> */

struct cgroup_limits_plan {
	size_t writes_count;
	const struct cgroup_write *writes;
	/* v2: the device program; NULL: none */
	const struct bpf_insn *program;
	size_t program_count;
	uint8_t program_place;
	bool devices_optional;
	bool update;
	/* For struct cgroup_create_options. */
	uint32_t require;
	bool cpus_given, mems_given;
	/* Something besides devices was asked for: then creation may not be skipped. */
	bool limited;
};

/*
 * Pure. Translate @limits for the places of @set (host facts come from the places' controllers).
 * @update: for a running container (no inheritance, no device default). ERR_CONFIG for values out
 * of range, ERR_UNSUPPORTED for what the host's hierarchies cannot do (names the controller).
 * Strings and arrays are in @a. 0 or -1.
 */
int cgroup_limits_plan(const struct cgroup_limits *limits, const struct cgroup_set *set,
		       bool update, struct arena *a, struct cgroup_limits_plan *plan,
		       struct err *e);

/*
 * When: pids.max counts the runtime's own helpers, too, and clone3(CLONE_INTO_CGROUP) fails where a
 * limit of 0 is in force (moving in did not), so it comes after the container's processes were made
 * and before the program runs. Everything else comes before the first process enters.
 */
enum { CGROUP_APPLY_EARLY = 1, CGROUP_APPLY_LATE = 2, CGROUP_APPLY_ALL = 3 };

/* Do the writes of @when, and with EARLY attach the device program (replacing an earlier one if
 * plan->update). @skip: places not to touch. 0, or -1 naming file and value. */
int cgroup_limits_apply(const struct cgroup_limits_plan *plan, const struct cgroup_set *set,
			uint32_t skip, unsigned when, struct err *e);

/* True when there is something to write with CGROUP_APPLY_LATE. */
bool cgroup_limits_has_late(const struct cgroup_limits_plan *plan);

/* v1 shares (2..262144) -> v2 weight (1..10000), 1024 -> 100; v1 blkio weight (10..1000) -> v2. */
uint64_t cgroup_weight_of_shares(uint64_t shares);
uint64_t cgroup_weight_of_blkio(uint64_t weight);

/*
 * The v2 device program for @rules (last match wins, no match: @allow_default). Instructions in @a,
 * *count set; NULL with @e when out of memory or too many rules. Pure.
 */
struct bpf_insn *cgroup_devices_compile(const struct cgroup_device *rules, size_t rules_count,
					bool allow_default, struct arena *a, size_t *count,
					struct err *e);
/* Load and attach to the v2 directory @dirfd (not O_PATH); with @replace instead of what was
 * attached directly there before. 0 or -1. */
int cgroup_devices_attach(int dirfd, const struct bpf_insn *program, size_t count, bool replace,
			  struct err *e);

#endif
