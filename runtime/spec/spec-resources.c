/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/spec/spec-names.h"
#include "runtime/spec/spec-tables.h"

/*
 * Docker writes "weight": 0 and others write zeros for what they cannot omit: where the kernel
 * has no use for 0 it means absent, as in runc. pids.limit, swappiness and burst keep their 0.
 */
#define NO_ZERO .flags = JSON_ZERO_UNSET
/* -1 is "no limit"; nothing else may be negative. */
#define LIMIT NO_ZERO, .min = -1, .max = INT64_MAX

/* Linux has 12 bits for the major number and 20 for the minor one. */
#define MAJOR_MAX 4095
#define MINOR_MAX 1048575

static const struct json_field memory_fields[] = {
	JSON_OPT_I64_ROW(struct spec_memory, limit_bytes, "limit", LIMIT),
	JSON_OPT_I64_ROW(struct spec_memory, reservation_bytes, "reservation", LIMIT),
	JSON_OPT_I64_ROW(struct spec_memory, swap_bytes, "swap", LIMIT),
	JSON_OPT_I64_ROW(struct spec_memory, kernel_bytes, "kernel", LIMIT),
	JSON_OPT_I64_ROW(struct spec_memory, kernel_tcp_bytes, "kernelTCP", LIMIT),
	JSON_OPT_U64_ROW(struct spec_memory, swappiness, "swappiness", .max = 100),
	JSON_OPT_BOOL_ROW(struct spec_memory, disable_oom_killer, "disableOOMKiller"),
	JSON_OPT_BOOL_ROW(struct spec_memory, use_hierarchy, "useHierarchy"),
	JSON_BOOL_ROW(struct spec_memory, check_before_update, "checkBeforeUpdate"),
};
static const struct json_table memory_table = JSON_TABLE(struct spec_memory, memory_fields);

static const struct json_field cpu_fields[] = {
	JSON_OPT_U64_ROW(struct spec_cpu, shares, "shares", NO_ZERO),
	JSON_OPT_I64_ROW(struct spec_cpu, quota_usec, "quota", LIMIT),
	JSON_OPT_U64_ROW(struct spec_cpu, burst_usec, "burst"),
	/* The kernel's range, sched_cfs: 1 ms to 1 s. */
	JSON_OPT_U64_ROW(struct spec_cpu, period_usec, "period", NO_ZERO, .min = 1000,
			 .max = 1000000),
	JSON_OPT_I64_ROW(struct spec_cpu, realtime_runtime_usec, "realtimeRuntime", LIMIT),
	JSON_OPT_U64_ROW(struct spec_cpu, realtime_period_usec, "realtimePeriod", NO_ZERO),
	JSON_STRING_ROW(struct spec_cpu, cpus, "cpus", .flags = JSON_EMPTY_UNSET),
	JSON_STRING_ROW(struct spec_cpu, mems, "mems", .flags = JSON_EMPTY_UNSET),
	JSON_OPT_I64_ROW(struct spec_cpu, idle, "idle", .min = 0, .max = 1),
};
static const struct json_table cpu_table = JSON_TABLE(struct spec_cpu, cpu_fields);

/* pids is an object with one member; containerd writes it without, for no limit. */
static const struct json_field pids_fields[] = {
	JSON_OPT_I64_ROW(struct spec_resources, pids_limit, "limit"),
};
static const struct json_table pids_table = JSON_TABLE(struct spec_resources, pids_fields);

static const struct json_field weight_fields[] = {
	JSON_U32_ROW(struct spec_weight_device, major, "major", .flags = JSON_REQUIRED,
		     .max = MAJOR_MAX),
	JSON_U32_ROW(struct spec_weight_device, minor, "minor", .flags = JSON_REQUIRED,
		     .max = MINOR_MAX),
	JSON_OPT_U32_ROW(struct spec_weight_device, weight, "weight", NO_ZERO, .min = 10,
			 .max = 1000),
	JSON_OPT_U32_ROW(struct spec_weight_device, leaf_weight, "leafWeight", NO_ZERO, .min = 10,
			 .max = 1000),
};
static const struct json_table weight_table = JSON_TABLE(struct spec_weight_device, weight_fields);

static const struct json_field throttle_fields[] = {
	JSON_U32_ROW(struct spec_throttle_device, major, "major", .flags = JSON_REQUIRED,
		     .max = MAJOR_MAX),
	JSON_U32_ROW(struct spec_throttle_device, minor, "minor", .flags = JSON_REQUIRED,
		     .max = MINOR_MAX),
	JSON_U64_ROW(struct spec_throttle_device, rate, "rate", .flags = JSON_REQUIRED),
};
static const struct json_table throttle_table =
	JSON_TABLE(struct spec_throttle_device, throttle_fields);

static const struct json_field block_fields[] = {
	JSON_OPT_U32_ROW(struct spec_block_io, weight, "weight", NO_ZERO, .min = 10, .max = 1000),
	JSON_OPT_U32_ROW(struct spec_block_io, leaf_weight, "leafWeight", NO_ZERO, .min = 10,
			 .max = 1000),
	JSON_LIST_ROW(struct spec_block_io, weight_devices, "weightDevice", weight_table),
	JSON_LIST_ROW(struct spec_block_io, throttle_read_bps_devices, "throttleReadBpsDevice",
		      throttle_table),
	JSON_LIST_ROW(struct spec_block_io, throttle_write_bps_devices, "throttleWriteBpsDevice",
		      throttle_table),
	JSON_LIST_ROW(struct spec_block_io, throttle_read_iops_devices, "throttleReadIOPSDevice",
		      throttle_table),
	JSON_LIST_ROW(struct spec_block_io, throttle_write_iops_devices, "throttleWriteIOPSDevice",
		      throttle_table),
};
static const struct json_table block_table = JSON_TABLE(struct spec_block_io, block_fields);

static const struct json_field hugepage_fields[] = {
	JSON_STRING_ROW(struct spec_hugepage_limit, page_size, "pageSize", .flags = JSON_REQUIRED),
	JSON_U64_ROW(struct spec_hugepage_limit, limit_bytes, "limit", .flags = JSON_REQUIRED),
};
static const struct json_table hugepage_table =
	JSON_TABLE(struct spec_hugepage_limit, hugepage_fields);

static const struct json_field interface_fields[] = {
	JSON_STRING_ROW(struct spec_interface_priority, name, "name", .flags = JSON_REQUIRED),
	JSON_U32_ROW(struct spec_interface_priority, priority, "priority", .flags = JSON_REQUIRED),
};
static const struct json_table interface_table =
	JSON_TABLE(struct spec_interface_priority, interface_fields);

static const struct json_field network_fields[] = {
	JSON_OPT_U32_ROW(struct spec_network, class_id, "classID"),
	JSON_LIST_ROW(struct spec_network, priorities, "priorities", interface_table),
};
static const struct json_table network_table = JSON_TABLE(struct spec_network, network_fields);

static const struct json_field rdma_fields[] = {
	JSON_OPT_U32_ROW(struct spec_rdma, hca_handles, "hcaHandles"),
	JSON_OPT_U32_ROW(struct spec_rdma, hca_objects, "hcaObjects"),
};
static const struct json_table rdma_table = JSON_TABLE(struct spec_rdma, rdma_fields);

static int decode_access(struct json_decoder *d, const struct json_node *node, void *object)
{
	struct spec_device_rule *rule = object;
	unsigned access = 0;

	if (json_decode_expect(d, node, JSON_STRING) < 0)
		return -1;
	for (const char *p = node->text; *p; p++) {
		unsigned bit = *p == 'r'   ? SPEC_ACCESS_READ
			       : *p == 'w' ? SPEC_ACCESS_WRITE
			       : *p == 'm' ? SPEC_ACCESS_MKNOD
					   : 0;
		if (bit == 0 || (access & bit))
			return json_decode_fail(d, node,
						"\"%.*s\" is not made of r, w and m, each once",
						SHOWN(node->text));
		access |= bit;
	}
	if (access)
		rule->access = access;
	return 0;
}

static const struct spec_device_rule rule_defaults = {
	.type = 'a',
	.major = -1,
	.minor = -1,
	.access = SPEC_ACCESS_READ | SPEC_ACCESS_WRITE | SPEC_ACCESS_MKNOD,
};
static const struct json_field rule_fields[] = {
	JSON_BOOL_ROW(struct spec_device_rule, allow, "allow", .flags = JSON_REQUIRED),
	JSON_ENUM_ROW(struct spec_device_rule, type, "type", spec_rule_types),
	JSON_I64_ROW(struct spec_device_rule, major, "major", .min = -1, .max = MAJOR_MAX),
	JSON_I64_ROW(struct spec_device_rule, minor, "minor", .min = -1, .max = MINOR_MAX),
	JSON_CUSTOM_ROW("access", decode_access),
};
static const struct json_table rule_table =
	JSON_TABLE(struct spec_device_rule, rule_fields, .defaults = &rule_defaults);

static const struct json_field resources_fields[] = {
	JSON_LIST_ROW(struct spec_resources, devices, "devices", rule_table),
	JSON_POINTER_ROW(struct spec_resources, memory, "memory", memory_table),
	JSON_POINTER_ROW(struct spec_resources, cpu, "cpu", cpu_table),
	JSON_SAME_ROW(struct spec_resources, "pids", pids_table),
	JSON_POINTER_ROW(struct spec_resources, block_io, "blockIO", block_table),
	JSON_LIST_ROW(struct spec_resources, hugepage_limits, "hugepageLimits", hugepage_table),
	JSON_POINTER_ROW(struct spec_resources, network, "network", network_table),
	JSON_MAP_ROW(struct spec_resources, rdma, "rdma", rdma_table),
	JSON_KEY_VALUES_ROW(struct spec_resources, unified, "unified"),
};
const struct json_table spec_resources_table = JSON_TABLE(struct spec_resources, resources_fields);
