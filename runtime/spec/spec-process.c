/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/spec/spec-names.h"
#include "runtime/spec/spec-tables.h"

/* The id -1 means "do not change" to the kernel, so it is nobody's. */
#define ID_MAX 0xfffffffeu

/* user.username is Windows'. */
static const struct json_field user_fields[] = {
	JSON_U32_ROW(struct spec_user, uid, "uid", .max = ID_MAX),
	JSON_U32_ROW(struct spec_user, gid, "gid", .max = ID_MAX),
	JSON_OPT_U32_ROW(struct spec_user, umask, "umask", .max = 0777),
	JSON_U32_LIST_ROW(struct spec_user, additional_gids, "additionalGids", .max = ID_MAX),
	JSON_IGNORED_ROW("username"),
};
static const struct json_table user_table = JSON_TABLE(struct spec_user, user_fields);

static const struct json_field console_fields[] = {
	JSON_U16_ROW(struct spec_console_size, height_rows, "height", .flags = JSON_REQUIRED),
	JSON_U16_ROW(struct spec_console_size, width_columns, "width", .flags = JSON_REQUIRED),
};
static const struct json_table console_table = JSON_TABLE(struct spec_console_size, console_fields);

static const struct json_field capability_fields[] = {
	JSON_FLAGS_ROW(struct spec_capabilities, bounding, "bounding", spec_capability_names),
	JSON_FLAGS_ROW(struct spec_capabilities, effective, "effective", spec_capability_names),
	JSON_FLAGS_ROW(struct spec_capabilities, inheritable, "inheritable", spec_capability_names),
	JSON_FLAGS_ROW(struct spec_capabilities, permitted, "permitted", spec_capability_names),
	JSON_FLAGS_ROW(struct spec_capabilities, ambient, "ambient", spec_capability_names),
};
static const struct json_table capability_table =
	JSON_TABLE(struct spec_capabilities, capability_fields);

static const struct json_field rlimit_fields[] = {
	JSON_ENUM_ROW(struct spec_rlimit, resource, "type", spec_rlimit_names,
		      .flags = JSON_REQUIRED),
	JSON_U64_ROW(struct spec_rlimit, soft, "soft", .flags = JSON_REQUIRED),
	JSON_U64_ROW(struct spec_rlimit, hard, "hard", .flags = JSON_REQUIRED),
};
static const struct json_table rlimit_table = JSON_TABLE(struct spec_rlimit, rlimit_fields);

static const struct json_field scheduler_fields[] = {
	JSON_ENUM_ROW(struct spec_scheduler, policy, "policy", spec_scheduler_policies,
		      .flags = JSON_REQUIRED),
	JSON_OPT_I32_ROW(struct spec_scheduler, nice, "nice", .min = -20, .max = 19),
	JSON_OPT_I32_ROW(struct spec_scheduler, priority, "priority", .min = 0, .max = 99),
	JSON_FLAGS_ROW(struct spec_scheduler, flags, "flags", spec_scheduler_flags),
	JSON_U64_ROW(struct spec_scheduler, runtime_nsec, "runtime"),
	JSON_U64_ROW(struct spec_scheduler, deadline_nsec, "deadline"),
	JSON_U64_ROW(struct spec_scheduler, period_nsec, "period"),
};
static const struct json_table scheduler_table =
	JSON_TABLE(struct spec_scheduler, scheduler_fields);

static const struct json_field io_fields[] = {
	JSON_ENUM_ROW(struct spec_io_priority, class, "class", spec_io_classes,
		      .flags = JSON_REQUIRED),
	/* An int, which the range keeps away from the sign bit. */
	JSON_ROW(JSON_AS_U32, "priority", .offset = offsetof(struct spec_io_priority, priority),
		 .max = 7),
};
static const struct json_table io_table = JSON_TABLE(struct spec_io_priority, io_fields);

static int decode_cpus(struct json_decoder *d, const struct json_node *node, struct bit_set *set)
{
	if (json_decode_expect(d, node, JSON_STRING) < 0)
		return -1;
	const char *wrong = spec_list_parse(node->text, SPEC_CPU_MAX, d->arena, set);
	return wrong ? json_decode_fail(d, node, "\"%.*s\" %s", SHOWN(node->text), wrong) : 0;
}

static int decode_initial(struct json_decoder *d, const struct json_node *node, void *object)
{
	return decode_cpus(d, node, &((struct spec_cpu_affinity *)object)->initial);
}

static int decode_final(struct json_decoder *d, const struct json_node *node, void *object)
{
	return decode_cpus(d, node, &((struct spec_cpu_affinity *)object)->final);
}

static const struct json_field affinity_fields[] = {
	JSON_CUSTOM_ROW("initial", decode_initial),
	JSON_CUSTOM_ROW("final", decode_final),
};
static const struct json_table affinity_table =
	JSON_TABLE(struct spec_cpu_affinity, affinity_fields);

/* In the order in which Go programs write them: the search for a row then ends early. */
static const struct json_field process_fields[] = {
	JSON_BOOL_ROW(struct spec_process, terminal, "terminal"),
	JSON_POINTER_ROW(struct spec_process, console_size, "consoleSize", console_table),
	JSON_OBJECT_ROW(struct spec_process, user, "user", user_table),
	JSON_STRINGS_ROW(struct spec_process, args, "args"),
	JSON_IGNORED_ROW("commandLine"), /* Windows */
	JSON_STRINGS_ROW(struct spec_process, env, "env"),
	JSON_STRING_ROW(struct spec_process, cwd, "cwd", .flags = JSON_REQUIRED),
	JSON_POINTER_ROW(struct spec_process, capabilities, "capabilities", capability_table),
	JSON_LIST_ROW(struct spec_process, rlimits, "rlimits", rlimit_table),
	JSON_BOOL_ROW(struct spec_process, no_new_privileges, "noNewPrivileges"),
	JSON_STRING_ROW(struct spec_process, apparmor_profile, "apparmorProfile",
			.flags = JSON_EMPTY_UNSET),
	JSON_OPT_I32_ROW(struct spec_process, oom_score_adj, "oomScoreAdj", .min = -1000,
			 .max = 1000),
	JSON_POINTER_ROW(struct spec_process, scheduler, "scheduler", scheduler_table),
	JSON_STRING_ROW(struct spec_process, selinux_label, "selinuxLabel",
			.flags = JSON_EMPTY_UNSET),
	JSON_POINTER_ROW(struct spec_process, io_priority, "ioPriority", io_table),
	JSON_POINTER_ROW(struct spec_process, exec_cpu_affinity, "execCPUAffinity", affinity_table),
};
const struct json_table spec_process_table = JSON_TABLE(struct spec_process, process_fields);
