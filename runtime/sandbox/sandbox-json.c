/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of a sandbox's configuration. Reading, printing and laying over each other all use
 * them. */
#include <string.h>
#include <sys/resource.h>

#include "runtime/sandbox/sandbox.h"
#include "src/base/text.h"
#include "src/json/json-decode.h"
#include "src/json/json-write.h"

static const struct json_name place_names[] = {
	{ "bind", SANDBOX_BIND },
	{ "ro-bind", SANDBOX_RO_BIND },
	{ "dev-bind", SANDBOX_DEV_BIND },
	{ "tmpfs", SANDBOX_TMPFS },
	{ "dir", SANDBOX_DIR },
	{ "file", SANDBOX_FILE },
	{ "data", SANDBOX_DATA },
	{ "symlink", SANDBOX_SYMLINK },
	{ "overlay", SANDBOX_OVERLAY },
	{ "tmp-overlay", SANDBOX_TMP_OVERLAY },
	{ "ro-overlay", SANDBOX_RO_OVERLAY },
	{ "remount-ro", SANDBOX_REMOUNT_RO },
	{ "chmod", SANDBOX_CHMOD },
	{ "mqueue", SANDBOX_MQUEUE },
	{ "proc", SANDBOX_PROC },
	{ "dev", SANDBOX_DEV },
	{ "rw", SANDBOX_RW },
	{ "hide", SANDBOX_HIDE },
	{ NULL, 0 },
};
static const struct json_enum place_enum = { "operation", place_names };

static const struct json_name network_names[] = {
	{ "none", SANDBOX_NET_NONE },     { "host", SANDBOX_NET_HOST },
	{ "join", SANDBOX_NET_JOIN },     { "user", SANDBOX_NET_USER },
	{ "bridge", SANDBOX_NET_BRIDGE }, { NULL, 0 },
};
static const struct json_enum network_enum = { "network", network_names };

static const struct json_name gate_names[] = {
	{ "none", SANDBOX_GATE_NONE },
	{ "strict", SANDBOX_GATE_STRICT },
	{ "entry", SANDBOX_GATE_ENTRY },
	{ NULL, 0 },
};
static const struct json_enum gate_enum = { "gate", gate_names };

static const struct json_name format_names[] = {
	{ "json", SANDBOX_FORMAT_JSON },
	{ "text", SANDBOX_FORMAT_TEXT },
	{ NULL, 0 },
};
static const struct json_enum format_enum = { "format", format_names };

static const struct json_field place_fields[] = {
	JSON_ENUM_ROW(struct sandbox_place, kind, "operation", place_enum, .flags = JSON_REQUIRED),
	JSON_BOOL_ROW(struct sandbox_place, optional, "optional"),
	JSON_STRING_ROW(struct sandbox_place, source, "source"),
	JSON_OPT_U32_ROW(struct sandbox_place, descriptor, "descriptor"),
	JSON_STRING_ROW(struct sandbox_place, destination, "destination", .flags = JSON_REQUIRED),
	JSON_STRING_ROW(struct sandbox_place, content, "content"),
	JSON_OPT_U32_ROW(struct sandbox_place, mode, "mode", .max = 07777),
	JSON_OPT_U64_ROW(struct sandbox_place, size_bytes, "sizeBytes"),
	JSON_OPT_U64_ROW(struct sandbox_place, inodes, "inodes"),
	JSON_STRINGS_ROW(struct sandbox_place, lowers, "lowers"),
	JSON_STRING_ROW(struct sandbox_place, work, "work"),
};
static const struct json_table place_table = JSON_TABLE(struct sandbox_place, place_fields);

static const struct json_field rlimit_fields[] = {
	JSON_STRING_ROW(struct sandbox_rlimit, type, "type", .flags = JSON_REQUIRED),
	JSON_OPT_U64_ROW(struct sandbox_rlimit, soft, "soft"),
	JSON_OPT_U64_ROW(struct sandbox_rlimit, hard, "hard"),
};
static const struct json_table rlimit_table = JSON_TABLE(struct sandbox_rlimit, rlimit_fields);

static const struct json_field range_fields[] = {
	JSON_OPT_U32_ROW(struct sandbox_id_range, inside, "inside", .flags = JSON_REQUIRED),
	JSON_OPT_U32_ROW(struct sandbox_id_range, outside, "outside", .flags = JSON_REQUIRED),
	JSON_OPT_U32_ROW(struct sandbox_id_range, count, "count"),
};
static const struct json_table range_table = JSON_TABLE(struct sandbox_id_range, range_fields);

static const struct json_field limit_fields[] = {
	JSON_OPT_U64_ROW(struct sandbox_limits, wall_msec, "wallTimeMsec"),
	JSON_OPT_U64_ROW(struct sandbox_limits, cpu_msec, "cpuTimeMsec"),
	JSON_OPT_U64_ROW(struct sandbox_limits, memory_bytes, "memoryBytes"),
	JSON_OPT_U64_ROW(struct sandbox_limits, swap_bytes, "swapBytes"),
	JSON_OPT_U64_ROW(struct sandbox_limits, pids, "pids"),
	JSON_OPT_U64_ROW(struct sandbox_limits, file_bytes, "fileSizeBytes"),
	JSON_OPT_U64_ROW(struct sandbox_limits, open_files, "openFiles"),
	JSON_OPT_U64_ROW(struct sandbox_limits, stack_bytes, "stackBytes"),
	JSON_OPT_U64_ROW(struct sandbox_limits, core_bytes, "coreBytes"),
	JSON_OPT_U64_ROW(struct sandbox_limits, address_bytes, "addressSpaceBytes"),
	JSON_OPT_U64_ROW(struct sandbox_limits, output_bytes, "outputBytes"),
	JSON_OPT_U64_ROW(struct sandbox_limits, cpu_millis, "cpuMillis"),
	JSON_OPT_U64_ROW(struct sandbox_limits, cpu_share, "cpuShare", .min = 2, .max = 262144),
	JSON_OPT_I32_ROW(struct sandbox_limits, oom_score, "oomScoreAdj", .min = -1000,
			 .max = 1000),
	JSON_STRING_ROW(struct sandbox_limits, cpu_list, "cpuList"),
	JSON_STRING_ROW(struct sandbox_limits, cgroup_parent, "cgroupParent"),
	JSON_OPT_I32_ROW(struct sandbox_limits, nice, "nice", .min = -20, .max = 19),
	JSON_OPT_U64_ROW(struct sandbox_limits, tmp_bytes, "tmpBytes"),
	JSON_OPT_U64_ROW(struct sandbox_limits, tmp_inodes, "tmpInodes"),
	JSON_LIST_ROW(struct sandbox_limits, rlimits, "rlimits", rlimit_table),
};
static const struct json_table limit_table = JSON_TABLE(struct sandbox_limits, limit_fields);

static const struct json_name system_names[] = {
	{ "yes", SANDBOX_SYSTEM_YES },
	{ "full", SANDBOX_SYSTEM_FULL },
	{ "strict", SANDBOX_SYSTEM_STRICT },
	{ NULL, 0 },
};
static const struct json_enum system_enum = { "mode", system_names };

static const struct json_name home_names[] = {
	{ "yes", SANDBOX_HOME_YES },
	{ "read-only", SANDBOX_HOME_READ_ONLY },
	{ "tmpfs", SANDBOX_HOME_TMPFS },
	{ NULL, 0 },
};
static const struct json_enum home_enum = { "mode", home_names };

static const struct json_name proc_names[] = {
	{ "noaccess", SANDBOX_PROC_NOACCESS },
	{ "invisible", SANDBOX_PROC_INVISIBLE },
	{ "ptraceable", SANDBOX_PROC_PTRACEABLE },
	{ NULL, 0 },
};
static const struct json_enum proc_enum = { "mode", proc_names };

static const struct json_field protect_fields[] = {
	JSON_ENUM_ROW(struct sandbox_protect, system, "system", system_enum),
	JSON_ENUM_ROW(struct sandbox_protect, home, "home", home_enum),
	JSON_ENUM_ROW(struct sandbox_protect, proc, "proc", proc_enum),
	JSON_BOOL_ROW(struct sandbox_protect, proc_subset, "procSubset"),
	JSON_BOOL_ROW(struct sandbox_protect, var_tmp, "privateTmp"),
	JSON_BOOL_ROW(struct sandbox_protect, kernel_tunables, "kernelTunables"),
	JSON_BOOL_ROW(struct sandbox_protect, kernel_modules, "kernelModules"),
	JSON_BOOL_ROW(struct sandbox_protect, control_groups, "controlGroups"),
	JSON_BOOL_ROW(struct sandbox_protect, restrict_namespaces, "restrictNamespaces"),
	JSON_BOOL_ROW(struct sandbox_protect, lock_personality, "lockPersonality"),
	JSON_BOOL_ROW(struct sandbox_protect, deny_write_execute, "memoryDenyWriteExecute"),
	JSON_BOOL_ROW(struct sandbox_protect, restrict_realtime, "restrictRealtime"),
	JSON_BOOL_ROW(struct sandbox_protect, restrict_setid, "restrictSuidSgid"),
	JSON_STRINGS_ROW(struct sandbox_protect, deny_calls, "denyCalls"),
};
static const struct json_table protect_table = JSON_TABLE(struct sandbox_protect, protect_fields);

static const struct json_field vm_fields[] = {
	JSON_STRING_ROW(struct sandbox_vm, backend, "backend", .flags = JSON_REQUIRED),
	JSON_STRING_ROW(struct sandbox_vm, kernel, "kernel"),
	JSON_OPT_U64_ROW(struct sandbox_vm, memory_bytes, "memoryBytes"),
	JSON_OPT_U32_ROW(struct sandbox_vm, cpus, "cpus", .min = 1, .max = 32),
};
static const struct json_table vm_table = JSON_TABLE(struct sandbox_vm, vm_fields);

static const struct json_field sandbox_fields[] = {
	JSON_STRINGS_ROW(struct sandbox, include, "include"),
	JSON_STRINGS_ROW(struct sandbox, profiles, "profiles"),
	JSON_STRINGS_ROW(struct sandbox, command, "command"),
	JSON_STRING_ROW(struct sandbox, argv0, "argv0"),
	JSON_STRING_ROW(struct sandbox, rootfs, "rootfs"),
	JSON_BOOL_ROW(struct sandbox, empty_root, "emptyRoot"),
	JSON_STRING_ROW(struct sandbox, bundle, "bundle"),
	JSON_STRING_ROW(struct sandbox, image, "image"),
	JSON_STRING_ROW(struct sandbox, image_cache, "imageCache"),
	JSON_OPT_I32_ROW(struct sandbox, time_offset, "timeOffsetSec"),
	JSON_LIST_ROW(struct sandbox, places, "places", place_table),
	JSON_STRING_ROW(struct sandbox, directory, "directory"),
	JSON_OPT_U32_ROW(struct sandbox, uid, "uid"),
	JSON_OPT_U32_ROW(struct sandbox, gid, "gid"),
	JSON_LIST_ROW(struct sandbox, uid_ranges, "uidRanges", range_table),
	JSON_LIST_ROW(struct sandbox, gid_ranges, "gidRanges", range_table),
	JSON_OPT_U32_ROW(struct sandbox, auto_ids, "autoIds"),
	JSON_STRINGS_ROW(struct sandbox, capabilities, "capabilities"),
	JSON_STRING_ROW(struct sandbox, hostname, "hostname"),
	JSON_STRING_ROW(struct sandbox, machine_id, "machineId"),
	JSON_BOOL_ROW(struct sandbox, clear_environment, "clearEnvironment"),
	JSON_STRINGS_ROW(struct sandbox, keep_environment, "keepEnvironment"),
	JSON_KEY_VALUES_ROW(struct sandbox, environment, "environment"),
	JSON_STRINGS_ROW(struct sandbox, unset_environment, "unsetEnvironment"),
	JSON_ENUM_ROW(struct sandbox, network, "network", network_enum),
	JSON_STRING_ROW(struct sandbox, network_path, "networkPath"),
	JSON_STRING_ROW(struct sandbox, bridge, "bridge"),
	JSON_STRINGS_ROW(struct sandbox, addresses, "addresses"),
	JSON_STRINGS_ROW(struct sandbox, routes, "routes"),
	JSON_STRING_ROW(struct sandbox, mac, "mac"),
	JSON_OPT_U32_ROW(struct sandbox, mtu, "mtu"),
	JSON_STRINGS_ROW(struct sandbox, publish, "publish"),
	JSON_BOOL_ROW(struct sandbox, host_loopback, "hostLoopback"),
	JSON_STRINGS_ROW(struct sandbox, allow, "allow"),
	JSON_STRINGS_ROW(struct sandbox, address_families, "addressFamilies"),
	JSON_STRING_ROW(struct sandbox, policy, "policy"),
	JSON_ENUM_ROW(struct sandbox, gate, "gate", gate_enum),
	JSON_OBJECT_ROW(struct sandbox, protect, "protect", protect_table),
	JSON_BOOL_ROW(struct sandbox, no_landlock, "noLandlock"),
	JSON_BOOL_ROW(struct sandbox, terminal, "terminal"),
	JSON_BOOL_ROW(struct sandbox, best_effort, "bestEffort"),
	JSON_OBJECT_ROW(struct sandbox, limits, "limits", limit_table),
	JSON_OBJECT_ROW(struct sandbox, vm, "vm", vm_table),
	JSON_STRING_ROW(struct sandbox, report, "report"),
	JSON_ENUM_ROW(struct sandbox, report_format, "reportFormat", format_enum),
	JSON_BOOL_ROW(struct sandbox, no_report, "noReport"),
	JSON_OPT_U32_ROW(struct sandbox, status_fd, "statusFd"),
	JSON_OPT_U32_ROW(struct sandbox, sync_fd, "syncFd"),
	JSON_OPT_U32_ROW(struct sandbox, block_fd, "blockFd"),
	JSON_STRINGS_ROW(struct sandbox, lock_files, "lockFiles"),
};
const struct json_table sandbox_table = JSON_TABLE(struct sandbox, sandbox_fields);

uint32_t sandbox_protect_mode(const char *which, const char *name)
{
	const struct json_name *n = text_equal(which, "protect-system") ? system_names
				    : text_equal(which, "protect-home") ? home_names
									: proc_names;

	while (n->name && !text_equal(n->name, name))
		n++;
	return (uint32_t)n->value;
}

const char *sandbox_place_name(uint32_t kind)
{
	const char *name = json_enum_name(&place_enum, kind);

	return name ? name : "?";
}

const char *sandbox_network_name(uint32_t mode)
{
	return json_enum_name(&network_enum, mode ? mode : SANDBOX_NET_NONE);
}

int sandbox_parse(const char *name, const char *text, size_t length, struct arena *a,
		  struct sandbox *s, struct err *e)
{
	struct json_doc doc = { .name = name, .text = text, .length = length };

	if (json_tree_parse(&doc, a, e) < 0)
		return -1;
	return json_decode(&doc, &sandbox_table, true, s, a, e);
}

/* ---- printing ---- */

static uint32_t number_at(const void *at, size_t size)
{
	uint32_t value = 0;

	memcpy(&value, at, size < sizeof value ? size : sizeof value);
	return value;
}

static void print_object(struct json_writer *w, const struct json_table *table, const void *object);

static bool is_said(const struct json_table *table, const void *object);

static void print_list(struct json_writer *w, const struct json_field *f, const char *items,
		       size_t count)
{
	if (!count)
		return;
	json_write_array_begin(w, f->name);
	for (size_t i = 0; i < count; i++) {
		json_write_object_begin(w, NULL);
		print_object(w, f->table, items + i * f->size);
		json_write_object_end(w);
	}
	json_write_array_end(w);
}

/* Only the kinds that the tables above use. */
static void print_field(struct json_writer *w, const struct json_field *f, const char *object)
{
	const char *at = object + f->offset;
	const struct str_list *list = (const void *)at;
	const struct opt_u64 *wide = (const void *)at;
	const struct opt_u32 *number = (const void *)at;
	const struct opt_i32 *sign = (const void *)at;
	size_t count;

	switch (f->kind) {
	case JSON_AS_BOOL:
		if (*(const bool *)at)
			json_write_bool(w, f->name, true);
		return;
	case JSON_AS_STRING:
		if (*(char *const *)at)
			json_write_string(w, f->name, *(char *const *)at);
		return;
	case JSON_AS_STRINGS:
		if (list->count)
			json_write_strings(w, f->name, list);
		return;
	case JSON_AS_OPT_U64:
		if (wide->set)
			json_write_u64(w, f->name, wide->value);
		return;
	case JSON_AS_OPT_U32:
		if (number->set)
			json_write_u64(w, f->name, number->value);
		return;
	case JSON_AS_OPT_I32:
		if (sign->set)
			json_write_i64(w, f->name, sign->value);
		return;
	case JSON_AS_ENUM:
		if (number_at(at, f->size))
			json_write_string(w, f->name,
					  json_enum_name(f->names, number_at(at, f->size)));
		return;
	case JSON_AS_KEY_VALUES:
		memcpy(&count, object + f->count_offset, sizeof count);
		if (count)
			json_write_key_values(w, f->name, *(struct key_value *const *)at, count);
		return;
	case JSON_AS_LIST:
		memcpy(&count, object + f->count_offset, sizeof count);
		print_list(w, f, *(char *const *)at, count);
		return;
	case JSON_AS_OBJECT:
		if (!is_said(f->table, at))
			return;
		json_write_object_begin(w, f->name);
		print_object(w, f->table, at);
		json_write_object_end(w);
		return;
	default:
		w->failed = true;
	}
}

static void print_object(struct json_writer *w, const struct json_table *table, const void *object)
{
	for (size_t i = 0; i < table->count; i++)
		print_field(w, &table->fields[i], object);
}

static bool is_said(const struct json_table *table, const void *object)
{
	const unsigned char *bytes = object;

	for (size_t i = 0; i < table->size; i++) {
		if (bytes[i])
			return true;
	}
	return false;
}

int sandbox_print(const struct sandbox *s, struct arena *a, const char **text, size_t *length,
		  struct err *e)
{
	struct json_writer w;

	json_write_init(&w, true);
	json_write_object_begin(&w, NULL);
	print_object(&w, &sandbox_table, s);
	json_write_object_end(&w);
	const char *made = json_write_finish(&w, length, e);
	*text = made ? arena_memdup(a, made, *length) : NULL;
	json_write_free(&w);
	return made ? arena_check(a, e) : -1;
}

/* ---- laying over ---- */

/* Two arrays of @size bytes an element into one, with a NULL behind. */
static void *join(struct arena *a, const void *first, size_t first_count, const void *second,
		  size_t second_count, size_t size)
{
	char *all = arena_array(a, first_count + second_count + 1, size);

	if (!all)
		return NULL;
	if (first_count)
		memcpy(all, first, first_count * size);
	if (second_count)
		memcpy(all + first_count * size, second, second_count * size);
	return all;
}

static void merge_list(const struct json_field *f, size_t size, char *to, const char *from,
		       struct arena *a)
{
	size_t have, more;

	memcpy(&have, to + f->count_offset, sizeof have);
	memcpy(&more, from + f->count_offset, sizeof more);
	if (!more)
		return;
	void **items = (void **)(to + f->offset);
	void *all = join(a, *items, have, *(void *const *)(from + f->offset), more, size);
	if (!all)
		return;
	*items = all;
	have += more;
	memcpy(to + f->count_offset, &have, sizeof have);
}

/* What is said again counts once, and then where it is said last. */
static void forget_keys(const struct json_field *f, char *to, const char *from)
{
	struct key_value *items = *(struct key_value **)(to + f->offset);
	const struct key_value *over = *(struct key_value *const *)(from + f->offset);
	size_t count, more, kept = 0;

	memcpy(&count, to + f->count_offset, sizeof count);
	memcpy(&more, from + f->count_offset, sizeof more);
	for (size_t i = 0; i < count; i++) {
		bool again = false;
		for (size_t k = 0; k < more && !again; k++)
			again = text_equal(items[i].key, over[k].key);
		if (!again)
			items[kept++] = items[i];
	}
	memcpy(to + f->count_offset, &kept, sizeof kept);
}

static void merge_object(const struct json_table *table, char *to, const char *from,
			 struct arena *a)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct json_field *f = &table->fields[i];
		char *into = to + f->offset;
		const char *with = from + f->offset;
		struct str_list *list = (void *)into;
		const struct str_list *more = (const void *)with;
		switch (f->kind) {
		case JSON_AS_BOOL:
			*(bool *)into |= *(const bool *)with;
			break;
		case JSON_AS_STRING:
			if (*(char *const *)with)
				*(char **)into = *(char *const *)with;
			break;
		case JSON_AS_STRINGS:
			if (more->count) {
				list->items = join(a, list->items, list->count, more->items,
						   more->count, sizeof *list->items);
				list->count += more->count;
			}
			break;
		case JSON_AS_OPT_U64:
			if (((const struct opt_u64 *)(const void *)with)->set)
				memcpy(into, with, sizeof(struct opt_u64));
			break;
		case JSON_AS_OPT_U32:
		case JSON_AS_OPT_I32:
			if (((const struct opt_u32 *)(const void *)with)->set)
				memcpy(into, with, sizeof(struct opt_u32));
			break;
		case JSON_AS_ENUM:
			if (number_at(with, f->size))
				memcpy(into, with, f->size);
			break;
		case JSON_AS_KEY_VALUES:
			forget_keys(f, to, from);
			merge_list(f, sizeof(struct key_value), to, from, a);
			break;
		case JSON_AS_LIST:
			merge_list(f, f->size, to, from, a);
			break;
		case JSON_AS_OBJECT:
			merge_object(f->table, into, with, a);
			break;
		default:
			break;
		}
	}
}

int sandbox_merge(struct sandbox *s, const struct sandbox *over, struct arena *a, struct err *e)
{
	/* A command is one thing, not a list that grows. */
	if (over->command.count)
		s->command.count = 0;
	merge_object(&sandbox_table, (char *)s, (const char *)over, a);
	return arena_check(a, e);
}
