/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "runtime/spec/spec-names.h"
#include "runtime/spec/spec-print.h"
#include "runtime/spec/spec-tables.h"

static void print_names(struct json_writer *w, const char *key, const struct json_enum *list)
{
	json_write_array_begin(w, key);
	for (const struct json_name *n = list->names; n->name; n++)
		json_write_string(w, NULL, n->name);
	json_write_array_end(w);
}

/* Only the names whose bits are in @mask. */
static void print_flags(struct json_writer *w, const char *key, const struct json_enum *list,
			uint64_t mask)
{
	json_write_array_begin(w, key);
	for (const struct json_name *n = list->names; n->name; n++) {
		if (n->value & mask)
			json_write_string(w, NULL, n->name);
	}
	json_write_array_end(w);
}

static void print_mount_options(struct json_writer *w)
{
	json_write_array_begin(w, "mountOptions");
	for (size_t i = 0; i < spec_options_count; i++) {
		if (spec_options[i].op != OPTION_REFUSE)
			json_write_string(w, NULL, spec_options[i].name);
	}
	json_write_array_end(w);
}

/* The hooks are the rows of the table below the row "hooks". */
static void print_hooks(struct json_writer *w)
{
	json_write_array_begin(w, "hooks");
	for (size_t i = 0; i < spec_table.count; i++) {
		const struct json_field *f = &spec_table.fields[i];
		if (strcmp(f->name, "hooks") != 0)
			continue;
		for (size_t k = 0; k < f->table->count; k++)
			json_write_string(w, NULL, f->table->fields[k].name);
	}
	json_write_array_end(w);
}

static void print_enabled(struct json_writer *w, const char *key, bool enabled)
{
	json_write_object_begin(w, key);
	json_write_bool(w, "enabled", enabled);
	json_write_object_end(w);
}

static void print_seccomp(struct json_writer *w, const struct spec_features *f)
{
	json_write_object_begin(w, "seccomp");
	json_write_bool(w, "enabled", f->seccomp);
	print_names(w, "actions", &spec_seccomp_actions);
	print_names(w, "operators", &spec_seccomp_ops);
	print_names(w, "archs", &spec_seccomp_archs);
	print_names(w, "knownFlags", &spec_seccomp_flags);
	print_flags(w, "supportedFlags", &spec_seccomp_flags, f->seccomp_flags);
	json_write_object_end(w);
}

static void print_linux(struct json_writer *w, const struct spec_features *f)
{
	json_write_object_begin(w, "linux");
	print_names(w, "namespaces", &spec_namespace_names);
	print_names(w, "capabilities", &spec_capability_names);
	json_write_object_begin(w, "cgroup");
	json_write_bool(w, "v1", true);
	json_write_bool(w, "v2", true);
	json_write_bool(w, "systemd", false);
	json_write_bool(w, "systemdUser", false);
	json_write_bool(w, "rdma", f->rdma);
	json_write_object_end(w);
	print_seccomp(w, f);
	print_enabled(w, "apparmor", f->apparmor);
	print_enabled(w, "selinux", f->selinux);
	json_write_object_begin(w, "memoryPolicy");
	print_names(w, "modes", &spec_memory_modes);
	print_names(w, "flags", &spec_memory_flags);
	json_write_object_end(w);
	json_write_object_begin(w, "intelRdt");
	json_write_bool(w, "enabled", false);
	json_write_bool(w, "schemata", false);
	json_write_bool(w, "monitoring", false);
	json_write_object_end(w);
	json_write_object_begin(w, "mountExtensions");
	print_enabled(w, "idmap", true);
	json_write_object_end(w);
	print_enabled(w, "netDevices", true);
	json_write_object_end(w);
}

void spec_features_print(struct json_writer *w, const struct spec_features *f)
{
	/* Annotations that change what a container may do; a trailing dot stands for all below. */
	static const char *const unsafe[] = { "run.oci." };

	json_write_object_begin(w, NULL);
	json_write_string(w, "ociVersionMin", SPEC_OCI_VERSION_MIN);
	json_write_string(w, "ociVersionMax", SPEC_OCI_VERSION_MAX);
	print_hooks(w);
	print_mount_options(w);
	print_linux(w, f);
	json_write_object_begin(w, "annotations");
	if (f->libseccomp_version)
		json_write_string(w, "io.github.seccomp.libseccomp.version", f->libseccomp_version);
	json_write_string(w, "husk.checkpoint.enabled", "false");
	json_write_string(w, "husk.commit", f->commit);
	json_write_string(w, "husk.version", f->version);
	json_write_object_end(w);
	json_write_array_begin(w, "potentiallyUnsafeConfigAnnotations");
	for (size_t i = 0; i < sizeof unsafe / sizeof *unsafe; i++)
		json_write_string(w, NULL, unsafe[i]);
	json_write_array_end(w);
	json_write_object_end(w);
}
