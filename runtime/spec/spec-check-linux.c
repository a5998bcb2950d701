/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/mempolicy.h>
#include <string.h>

#include "runtime/spec/spec-names.h"
#include "runtime/spec/spec-tables.h"
#include "src/base/kernel.h"

static int check_namespaces(struct spec_check *c, const struct spec_linux *l)
{
	unsigned long seen = 0;

	for (size_t i = 0; i < l->namespaces_count; i++) {
		const struct spec_namespace *n = &l->namespaces[i];
		if (seen & n->type)
			return spec_check_fail(spec_check_at(c, "linux.namespaces[%zu].type", i),
					       "\"%s\" is listed twice",
					       json_enum_name(&spec_namespace_names, n->type));
		seen |= n->type;
		if (n->path && spec_check_absolute(c, n->path, "linux.namespaces[%zu].path", i) < 0)
			return -1;
	}
	return 0;
}

static int check_user_mappings(struct spec_check *c, const struct spec *s)
{
	const struct spec_linux *l = s->linux_config;
	const char *first = l->uid_mappings_count ? "linux.uidMappings" : "linux.gidMappings";

	if ((l->uid_mappings_count || l->gid_mappings_count) &&
	    !spec_namespace_find(s, CLONE_NEWUSER))
		return spec_check_fail(spec_check_at(c, "%s", first),
				       "needs a user namespace in linux.namespaces");
	if (l->uid_mappings_count && !l->gid_mappings_count)
		return spec_check_fail(spec_check_at(c, "linux.uidMappings"),
				       "needs gidMappings, which are absent");
	if (l->gid_mappings_count && !l->uid_mappings_count)
		return spec_check_fail(spec_check_at(c, "linux.gidMappings"),
				       "needs uidMappings, which are absent");
	if (spec_check_mappings(c, l->uid_mappings, l->uid_mappings_count, "linux.uidMappings") < 0)
		return -1;
	return spec_check_mappings(c, l->gid_mappings, l->gid_mappings_count, "linux.gidMappings");
}

/* The kernel takes offsets only before the first process has entered the namespace. */
static int check_time(struct spec_check *c, const struct spec *s)
{
	const struct spec_linux *l = s->linux_config;
	const struct spec_namespace *n = spec_namespace_find(s, CLONE_NEWTIME);

	if (!l->monotonic_offset.set && !l->boottime_offset.set)
		return 0;
	spec_check_at(c, "linux.timeOffsets");
	if (!n)
		return spec_check_fail(c, "needs a time namespace in linux.namespaces");
	if (n->path)
		return spec_check_fail(c, "cannot be changed in the existing time namespace %.*s",
				       SHOWN(n->path));
	return 0;
}

static int check_devices(struct spec_check *c, const struct spec_linux *l)
{
	for (size_t i = 0; i < l->devices_count; i++) {
		const char *path = l->devices[i].path;
		if (spec_check_absolute(c, path, "linux.devices[%zu].path", i) < 0)
			return -1;
		spec_check_at(c, "linux.devices[%zu].path", i);
		if (path[strlen(path) - 1] == '/')
			return spec_check_fail(c, "\"%.*s\" names a directory", SHOWN(path));
		for (size_t k = 0; k < i; k++) {
			if (strcmp(l->devices[k].path, path) == 0)
				return spec_check_fail(c, "\"%.*s\" is listed twice", SHOWN(path));
		}
	}
	return 0;
}

static const char *inner_name(const struct spec_net_device *d)
{
	return d->name ? d->name : d->host_name;
}

static int check_net_devices(struct spec_check *c, const struct spec *s)
{
	const struct spec_linux *l = s->linux_config;

	if (l->net_devices_count && !spec_namespace_find(s, CLONE_NEWNET))
		return spec_check_fail(spec_check_at(c, "linux.netDevices"),
				       "needs a network namespace in linux.namespaces");
	for (size_t i = 0; i < l->net_devices_count; i++) {
		const struct spec_net_device *d = &l->net_devices[i];
		spec_check_at(c, "linux.netDevices[\"%.*s\"]", SHOWN(d->host_name));
		if (!spec_interface_name(d->host_name, false))
			return spec_check_fail(c, "is not a valid name of a network device");
		spec_check_at(c, "linux.netDevices[\"%.*s\"].name", SHOWN(d->host_name));
		if (d->name && !spec_interface_name(d->name, true))
			return spec_check_fail(c,
					       "\"%.*s\" is not a valid name of a network device",
					       SHOWN(d->name));
		for (size_t k = 0; k < i; k++) {
			if (!strchr(inner_name(d), '%') &&
			    strcmp(inner_name(d), inner_name(&l->net_devices[k])) == 0)
				return spec_check_fail(c, "two devices would be called \"%.*s\"",
						       SHOWN(inner_name(d)));
		}
	}
	return 0;
}

static int check_memory_policy(struct spec_check *c, const struct spec_memory_policy *p)
{
	if (!p)
		return 0;
	const char *mode = json_enum_name(&spec_memory_modes, (uint64_t)p->mode);
	bool nodes = p->nodes.word_count, plain = p->mode == MPOL_DEFAULT || p->mode == MPOL_LOCAL;
	unsigned placement = p->flags & (MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES);

	/* mpol_new() and sanitize_mpol_flags() of the kernel answer EINVAL for all of these. */
	spec_check_at(c, "linux.memoryPolicy.nodes");
	if (plain && nodes)
		return spec_check_fail(c, "%s takes no nodes", mode);
	if (!plain && !nodes && p->mode != MPOL_PREFERRED)
		return spec_check_fail(c, "%s needs at least one node", mode);
	spec_check_at(c, "linux.memoryPolicy.flags");
	if (plain && p->flags)
		return spec_check_fail(c, "%s takes no flags", mode);
	if (placement == (MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES))
		return spec_check_fail(c, "MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude "
					  "each other");
	if (placement && !nodes)
		return spec_check_fail(c,
				       "MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES need nodes");
	if ((p->flags & MPOL_F_NUMA_BALANCING) && p->mode != MPOL_BIND &&
	    p->mode != MPOL_PREFERRED_MANY)
		return spec_check_fail(c, "MPOL_F_NUMA_BALANCING needs MPOL_BIND or "
					  "MPOL_PREFERRED_MANY");
	return 0;
}

static int check_paths(struct spec_check *c, const struct str_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++) {
		if (spec_check_absolute(c, list->items[i], "linux.%s[%zu]", name, i) < 0)
			return -1;
	}
	return 0;
}

/* What would change the host's own mounts if there were no namespace for them. */
static int check_mount_users(struct spec_check *c, const struct spec *s)
{
	const struct spec_linux *l = s->linux_config;
	const char *user = l->masked_paths.count     ? "linux.maskedPaths"
			   : l->readonly_paths.count ? "linux.readonlyPaths"
			   : l->rootfs_propagation   ? "linux.rootfsPropagation"
						     : NULL;

	if (!user || spec_namespace_find(s, CLONE_NEWNS))
		return 0;
	return spec_check_fail(spec_check_at(c, "%s", user),
			       "needs a mount namespace in linux.namespaces");
}

int spec_check_linux(struct spec_check *c, const struct spec *s)
{
	const struct spec_linux *l = s->linux_config;

	if (check_namespaces(c, l) < 0 || check_user_mappings(c, s) < 0 || check_time(c, s) < 0)
		return -1;
	if (check_devices(c, l) < 0 || check_net_devices(c, s) < 0 ||
	    check_memory_policy(c, l->memory_policy) < 0)
		return -1;
	if (check_paths(c, &l->masked_paths, "maskedPaths") < 0 ||
	    check_paths(c, &l->readonly_paths, "readonlyPaths") < 0)
		return -1;
	if (spec_check_printable(c, l->mount_label, "linux.mountLabel") < 0)
		return -1;
	return check_mount_users(c, s);
}
