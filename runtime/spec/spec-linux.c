/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <sys/stat.h>

#include "runtime/spec/spec-names.h"
#include "runtime/spec/spec-tables.h"

#define ID_MAX       0xfffffffeu
#define MAJOR_MAX    4095
#define MINOR_MAX    1048575
#define NSEC_PER_SEC 1000000000

static const struct json_field namespace_fields[] = {
	JSON_ENUM_ROW(struct spec_namespace, type, "type", spec_namespace_names,
		      .flags = JSON_REQUIRED),
	JSON_STRING_ROW(struct spec_namespace, path, "path", .flags = JSON_EMPTY_UNSET),
};
static const struct json_table namespace_table =
	JSON_TABLE(struct spec_namespace, namespace_fields);

/* -------------------------------------------------------------- devices */

static const struct json_field device_fields[] = {
	JSON_ENUM_ROW(struct spec_device, type, "type", spec_device_types, .flags = JSON_REQUIRED),
	JSON_STRING_ROW(struct spec_device, path, "path", .flags = JSON_REQUIRED),
	JSON_U32_ROW(struct spec_device, major, "major", .max = MAJOR_MAX),
	JSON_U32_ROW(struct spec_device, minor, "minor", .max = MINOR_MAX),
	JSON_OPT_U32_ROW(struct spec_device, file_mode, "fileMode"),
	JSON_OPT_U32_ROW(struct spec_device, uid, "uid", .max = ID_MAX),
	JSON_OPT_U32_ROW(struct spec_device, gid, "gid", .max = ID_MAX),
};

static bool present(const struct json_node *object, const char *key)
{
	const struct json_node *node = json_tree_member(object, key);

	return node && node->kind != JSON_NULL;
}

static int finish_device(struct json_decoder *d, const struct json_node *node, void *object)
{
	struct spec_device *device = object;

	if (device->type == 'p')
		device->major = device->minor = 0;
	else if (!present(node, "major") || !present(node, "minor"))
		return json_decode_fail(d, node, "needs major and minor, but for type \"p\"");
	/* Some callers leave the type of the file in: it is not asked for here, nor contradicts. */
	if (device->file_mode.value > (S_IFMT | 07777))
		return json_decode_fail(d, node, "fileMode: %u is out of range: 0 to 4095 (07777)",
					device->file_mode.value);
	device->file_mode.value &= 07777;
	return 0;
}

static const struct json_table device_table =
	JSON_TABLE(struct spec_device, device_fields, .finish = finish_device);

static const struct json_field net_device_fields[] = {
	JSON_STRING_ROW(struct spec_net_device, name, "name", .flags = JSON_EMPTY_UNSET),
};
static const struct json_table net_device_table =
	JSON_TABLE(struct spec_net_device, net_device_fields);

/* -------------------------------------------------- time, memory, domain */

static const struct json_field offset_fields[] = {
	JSON_I64_ROW(struct spec_time_offset, sec, "secs"),
	JSON_U32_ROW(struct spec_time_offset, nsec, "nanosecs", .max = NSEC_PER_SEC - 1),
};

static int finish_offset(struct json_decoder *d, const struct json_node *node, void *object)
{
	(void)d;
	(void)node;
	((struct spec_time_offset *)object)->set = true;
	return 0;
}

static const struct json_table offset_table =
	JSON_TABLE(struct spec_time_offset, offset_fields, .finish = finish_offset);

/* The keys are names of clocks: another clock is a wrong value, not an unknown property. */
static const struct json_field clock_fields[] = {
	JSON_OBJECT_ROW(struct spec_linux, monotonic_offset, "monotonic", offset_table),
	JSON_OBJECT_ROW(struct spec_linux, boottime_offset, "boottime", offset_table),
};
static const struct json_table clock_table =
	JSON_TABLE(struct spec_linux, clock_fields, .flags = JSON_UNKNOWN_BAD);

static int decode_nodes(struct json_decoder *d, const struct json_node *node, void *object)
{
	struct spec_memory_policy *policy = object;

	if (json_decode_expect(d, node, JSON_STRING) < 0)
		return -1;
	const char *wrong = spec_list_parse(node->text, SPEC_NODE_MAX, d->arena, &policy->nodes);
	return wrong ? json_decode_fail(d, node, "\"%.*s\" %s", SHOWN(node->text), wrong) : 0;
}

static const struct json_field memory_policy_fields[] = {
	JSON_ENUM_ROW(struct spec_memory_policy, mode, "mode", spec_memory_modes,
		      .flags = JSON_REQUIRED),
	JSON_CUSTOM_ROW("nodes", decode_nodes),
	JSON_FLAGS_ROW(struct spec_memory_policy, flags, "flags", spec_memory_flags),
};
static const struct json_table memory_policy_table =
	JSON_TABLE(struct spec_memory_policy, memory_policy_fields);

static int decode_domain(struct json_decoder *d, const struct json_node *node, void *object)
{
	struct spec_linux *l = object;

	if (json_decode_expect(d, node, JSON_STRING) < 0)
		return -1;
	const struct json_name *found =
		json_enum_find(&spec_personalities, node->text, node->count);
	if (!found)
		return json_decode_fail(d, node,
					"unknown %s \"%.*s\": must be one of LINUX, LINUX32",
					spec_personalities.what, SHOWN(node->text));
	l->personality = (struct opt_u32){ true, (uint32_t)found->value };
	return 0;
}

static int decode_personality_flags(struct json_decoder *d, const struct json_node *node,
				    void *object)
{
	(void)object;
	if (json_decode_expect(d, node, JSON_ARRAY) < 0)
		return -1;
	if (node->count)
		return json_decode_fail(d, node,
					"must be empty: the specification defines no flags");
	return 0;
}

static const struct json_field personality_fields[] = {
	JSON_CUSTOM_ROW("domain", decode_domain, .flags = JSON_REQUIRED),
	JSON_CUSTOM_ROW("flags", decode_personality_flags),
};
static const struct json_table personality_table =
	JSON_TABLE(struct spec_linux, personality_fields);

/* ---------------------------------------------------------------- linux */

void spec_sysctl_normalize(char *key)
{
	size_t first = strcspn(key, "./");

	if (key[first] != '/')
		return;
	for (char *p = key; *p; p++)
		*p = *p == '/' ? '.' : *p == '.' ? '/' : *p;
}

static int finish_linux(struct json_decoder *d, const struct json_node *node, void *object)
{
	struct spec_linux *l = object;

	(void)d;
	(void)node;
	for (size_t i = 0; i < l->namespaces_count; i++)
		l->namespace_types |= l->namespaces[i].type;
	for (size_t i = 0; i < l->sysctl_count; i++)
		spec_sysctl_normalize(l->sysctl[i].key);
	return 0;
}

#define RDT_HINT                                                                                   \
	"Intel RDT is not supported: remove the property, or use cpu and memory limits of "        \
	"linux.resources"

static const struct json_field linux_fields[] = {
	JSON_LIST_ROW(struct spec_linux, uid_mappings, "uidMappings", spec_id_mapping_table),
	JSON_LIST_ROW(struct spec_linux, gid_mappings, "gidMappings", spec_id_mapping_table),
	JSON_KEY_VALUES_ROW(struct spec_linux, sysctl, "sysctl"),
	JSON_POINTER_ROW(struct spec_linux, resources, "resources", spec_resources_table),
	JSON_STRING_ROW(struct spec_linux, cgroups_path, "cgroupsPath", .flags = JSON_EMPTY_UNSET),
	JSON_LIST_ROW(struct spec_linux, namespaces, "namespaces", namespace_table),
	JSON_LIST_ROW(struct spec_linux, devices, "devices", device_table),
	JSON_MAP_ROW(struct spec_linux, net_devices, "netDevices", net_device_table),
	JSON_POINTER_ROW(struct spec_linux, seccomp, "seccomp", spec_seccomp_table),
	JSON_ENUM_ROW(struct spec_linux, rootfs_propagation, "rootfsPropagation",
		      spec_propagations),
	JSON_STRINGS_ROW(struct spec_linux, masked_paths, "maskedPaths"),
	JSON_STRINGS_ROW(struct spec_linux, readonly_paths, "readonlyPaths"),
	JSON_STRING_ROW(struct spec_linux, mount_label, "mountLabel", .flags = JSON_EMPTY_UNSET),
	JSON_REFUSED_ROW("intelRdt", RDT_HINT),
	JSON_POINTER_ROW(struct spec_linux, memory_policy, "memoryPolicy", memory_policy_table),
	JSON_SAME_ROW(struct spec_linux, "personality", personality_table),
	JSON_SAME_ROW(struct spec_linux, "timeOffsets", clock_table),
};
const struct json_table spec_linux_table =
	JSON_TABLE(struct spec_linux, linux_fields, .finish = finish_linux);
